"""Two arms before a judge: pairs of answers to the same rows, asked in both orders, no reply asked for twice.

Replies are kept with the study's answers as they come, by the hashes of the judge's model and of what it was asked:
question, row and both answers in their order.
"""

import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from tunewright.contracts import Progress
from tunewright.evaluate.preference import Preference, compare_preferences, prefer, preference_prompts
from tunewright.evaluate.task import TestItem
from tunewright.records import (
    Answer,
    ArmMetric,
    EvaluateRecipe,
    JudgeComparison,
    Message,
    Metric,
    content_hash,
    input_id,
)
from tunewright.study.answers import AnswerLog, KeptAnswer
from tunewright.study.contrasts import best_arm

MAX_FAILURES_IN_A_ROW = 10
"""Requests that fail one after the other before the rest is given up: the judge is down, or refuses us."""

AskEach = Callable[[Sequence[Sequence[Message]]], Generator[tuple[int, Answer], None, None]]
"""Gives the replies to some prompts as they come in, each with the place of its prompt; never raises for one."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two arms wrote, by id of the row; None where it gave no answer."""

    arm: str
    answers: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Judge:
    """A model that is asked which of two answers is better.

    Args:
        model: its name, which tells its replies from those of another.
        ask_each: sends prompts to it.
        log: replies of earlier sittings.
    """

    model: str
    ask_each: AskEach
    log: AnswerLog
    progress: Progress

    def compare(
        self, question: str, items: Sequence[TestItem], arm: Side, baseline: Side, recipe: EvaluateRecipe
    ) -> JudgeComparison:
        """Ask about each row in both orders. Equal answers are ties and are not asked.

        Args:
            question: what makes one answer better than another.
            items: the rows.
            recipe: number of resamples and seed of the intervals.
        """
        found: dict[str, Preference] = {}
        prompts: dict[str, tuple[Message, Message]] = {}
        for item in items:
            key = item.example.id
            answer, other = arm.answers.get(key), baseline.answers.get(key)
            if answer is None or other is None:
                found[key] = Preference(key, None, reason="an arm gave no answer")
            elif answer.strip() == other.strip():
                found[key] = Preference(key, 0.5)
            else:
                prompts[key] = preference_prompts(question, item, answer, other)
        replies = self._replies([message for pair in prompts.values() for message in pair])
        for place, key in enumerate(prompts):
            found[key] = prefer(key, replies[2 * place], replies[2 * place + 1])
        pairs = [replace(found[item.example.id], group=item.group) for item in items]
        return compare_preferences(pairs, self.model, question, (arm.arm, baseline.arm), recipe)

    def _replies(self, messages: Sequence[Message]) -> list[Answer]:
        """A reply to each message, from the log or from the judge; failed where it was given up."""
        replies: dict[int, Answer] = {}
        for place, message in enumerate(messages):
            if kept := self.log.find(self._key(message)):
                replies[place] = kept.answer
        with self.progress.bar(f"Verdicts of the judge {self.model}", len(messages)) as advance:
            advance(len(replies))
            missing = [place for place in range(len(messages)) if place not in replies]
            for place, reply in self._ask([(place, messages[place]) for place in missing]):
                replies[place] = reply
                advance()
        reason = next((reply.reason for reply in reversed(replies.values()) if reply.text is None), None)
        given_up = Answer(text=None, finish="failed", reason=f"given up after: {reason}")
        return [replies.get(place, given_up) for place in range(len(messages))]

    def _ask(self, wanted: Sequence[tuple[int, Message]]) -> Generator[tuple[int, Answer], None, None]:
        if not wanted:
            return
        started, num_failed = time.monotonic(), 0
        with closing(self.ask_each([(message,) for _, message in wanted])) as replies:
            for index, reply in replies:
                place, message = wanted[index]
                num_failed = num_failed + 1 if reply.text is None else 0
                if reply.text is not None:
                    arm, row, decoding = self._key(message)
                    self.log.add(
                        KeptAnswer(
                            arm=arm,
                            row=row,
                            decoding=decoding,
                            answer=reply,
                            batch_seconds=time.monotonic() - started,
                            batch_rows=len(wanted),
                        )
                    )
                yield place, reply
                if num_failed == MAX_FAILURES_IN_A_ROW:
                    return

    def _key(self, message: Message) -> tuple[str, str, str]:
        return content_hash(["judge", self.model]), input_id((message,)), "judge"


def compared_arms(
    metric: Metric, results: Sequence[ArmMetric], tuned: Sequence[str], left_out: Collection[str] = ()
) -> tuple[str, str]:
    """The best tuned arm and the best of the others; without a tuned arm, the best and the one after it.

    Args:
        results: of every arm; where none of a group was measured, its first one is taken.
        tuned: names of the tuned arms.
        left_out: as in `best_arm`.
    """

    def best(names: Sequence[str]) -> str:
        return best_arm(metric, [result for result in results if result.arm in names], left_out) or names[0]

    names = list(dict.fromkeys(result.arm for result in results))
    arm = best([name for name in names if name in tuned] or names)
    return arm, best([name for name in names if name not in tuned and name != arm])
