"""Answers that a study has already got, so that no row is asked twice, not even after a kill.

An answer is found again by three hashes: of the arm (everything that decides what it says), of the row's prompt, and of
the decoding (limits and number format). Answers that failed are not kept: what was wrong may have passed.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from tunewright.contracts import Advance
from tunewright.errors import CorruptError, Problem
from tunewright.records import Answer, Message, Record, input_id
from tunewright.store import RunFolder
from tunewright.study.arms import Arm

ANSWERS_FILE = "answers.jsonl"


class KeptAnswer(Record):
    """One line of the file."""

    arm: str
    row: str
    decoding: str
    answer: Answer
    batch_seconds: float
    """Wall time of the batch in which the row was answered."""
    batch_rows: int

    @property
    def wait_seconds(self) -> float:
        """How long its user would have waited: for the answer itself where that was timed, else for the batch."""
        return self.batch_seconds if self.answer.seconds is None else self.answer.seconds

    @property
    def own_seconds(self) -> float:
        """Its share of the batch's time, or its own time where that is known."""
        return self.batch_seconds / self.batch_rows if self.answer.seconds is None else self.answer.seconds

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two questions one: equal arm, row and decoding have equal answers."""
        return self.arm, self.row, self.decoding


class AnswerLog:
    """The answers in a run's folder. Only the process that holds the run's lock may have one.

    Raises:
        CorruptError: a line of the file is not an answer.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._kept: dict[tuple[str, str, str], KeptAnswer] = {}
        for number, line in enumerate(run.recover_json_lines(ANSWERS_FILE), start=1):
            try:
                kept = KeptAnswer.model_validate(line)
            except ValidationError:
                where = f"{run.path / ANSWERS_FILE}:{number}"
                fix = "It was damaged or edited. Remove the file: the study asks again."
                raise CorruptError(str(Problem(where, "a line that is no answer", "what was saved", fix))) from None
            self._kept[kept.key] = kept

    def find(self, key: tuple[str, str, str]) -> KeptAnswer | None:
        """The answer with these hashes of arm, row and decoding."""
        return self._kept.get(key)

    def add(self, kept: KeptAnswer) -> None:
        """Keep an answer; it is in the file when this returns."""
        self._run.append_json(ANSWERS_FILE, kept.model_dump(mode="json"))
        self._kept[kept.key] = kept


@dataclass(frozen=True, slots=True)
class Remembering:
    """An arm that asks its model only for what the log does not have. A ChatModel like any other.

    Args:
        decoding: hash of what decides the answer besides arm and row.
        rows_per_batch: rows asked at once; what is lost when the process is killed.
        clock: seconds, for tests.
    """

    arm: Arm
    log: AnswerLog
    decoding: str
    rows_per_batch: int
    clock: Callable[[], float] = time.monotonic
    _given: dict[str, KeptAnswer] = field(default_factory=dict)

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """Answer each prompt, in order; see contracts.ChatModel."""
        identity = self.arm.identity
        answers: dict[int, Answer] = {}
        for position, prompt in enumerate(prompts):
            if kept := self.log.find((identity, input_id(prompt), self.decoding)):
                answers[position] = kept.answer
                self._given[kept.row] = kept
        advance(len(answers))
        missing = [position for position in range(len(prompts)) if position not in answers]
        # Rows of similar length share a batch; the longest first, so that the time left is not underestimated.
        missing.sort(key=lambda position: -sum(len(message.content) for message in prompts[position]))
        for start in range(0, len(missing), self.rows_per_batch):
            batch = missing[start : start + self.rows_per_batch]
            started = self.clock()
            given = self.arm.answer([prompts[position] for position in batch], advance)
            seconds = self.clock() - started
            for position, answer in zip(batch, given, strict=True):
                answers[position] = answer
                row = input_id(prompts[position])
                self._keep(
                    KeptAnswer(
                        arm=identity,
                        row=row,
                        decoding=self.decoding,
                        answer=answer,
                        batch_seconds=seconds,
                        batch_rows=len(batch),
                    )
                )
        return [answers[position] for position in range(len(prompts))]

    def timings(self, prompts: Sequence[Sequence[Message]]) -> list[KeptAnswer]:
        """The answers that this arm gave to these prompts, with the times of the sitting in which each was given."""
        return [self._given[row] for row in map(input_id, prompts) if row in self._given]

    def _keep(self, kept: KeptAnswer) -> None:
        self._given[kept.row] = kept
        if kept.answer.finish != "failed":
            self.log.add(kept)
