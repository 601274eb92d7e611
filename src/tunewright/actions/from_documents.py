"""The verb that turns a folder of documents into rows: passages, texts, and questions from a chat endpoint."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tunewright.actions.endpoint_key import endpoint_key
from tunewright.contracts import Progress, SilentProgress
from tunewright.data.answer_log import AnswerLog
from tunewright.data.from_documents import (
    ReadPassages,
    as_lines,
    judge_answer,
    question_prompt,
    read_passages_of,
    text_row,
)
from tunewright.errors import InterruptedRunError, ModelError, Problem, RecipeError, StoreError
from tunewright.outside.chat_endpoint import ChatEndpoint, EndpointLimits
from tunewright.records import Answer, DocumentRows, Message, Passage
from tunewright.store import Files, collect_leftovers, lock_folder, write_record
from tunewright.store.files import TEMPORARY_PREFIX
from tunewright.store.lock import LOCK
from tunewright.store.publish import write_bytes

DOCUMENTS = "from-docs.json"
"""The documents that the rows were made from. It also says that the folder is ours to write to."""
ANSWERS = "answers.jsonl"
MAX_FAILURES_IN_A_ROW = 10
"""Requests that fail one after the other before the rest is given up: the endpoint is down, or refuses us."""

DocumentRowKind = Literal["passages", "text", "questions"]


@dataclass(frozen=True, slots=True)
class QuestionWriter:
    """Which model writes questions, and where it is."""

    endpoint: str
    """URL of an OpenAI-compatible endpoint, as in `http://localhost:8000/v1`."""
    model: str
    key_variable: str | None = None
    """Environment variable that holds the key; None for servers that want none."""
    limits: EndpointLimits | None = None


def make_rows_from_documents(
    folder: Path,
    out: Path,
    kinds: Sequence[DocumentRowKind] = ("passages", "text"),
    *,
    writer: QuestionWriter | None = None,
    progress: Progress | None = None,
) -> DocumentRows:
    """Write the rows of a folder of documents as `passages.jsonl`, `text.jsonl` and `questions.jsonl`.

    Only `questions` sends anything: every passage, to the endpoint of `writer`, which is said before. Answers are kept
    as they come in; called again, it asks only for those that are missing.

    Args:
        folder: text, Markdown, HTML, PDF and DOCX, in folders of any depth.
        out: a new folder, or one that this function has made. Its files are replaced, each in one step.
        kinds: what to make.
        writer: needed for questions, and of no use without them.
        progress: hears what is sent where, and shows how many answers have come.
    Raises:
        DataError: documents cannot be read.
        RecipeError: the writer is missing, of no use, or cannot be asked as it is described.
        ModelError: the endpoint fails again and again; answers that came are kept.
        StoreError: `out` holds something else, or the disk refuses.
        InterruptedRunError: stopped by Ctrl-C; answers that came are kept.
    """
    endpoint = _open_endpoint(kinds, writer)
    read = read_passages_of(folder)
    files = Files()
    files.make_folders(out)
    _require_ours(out)
    with lock_folder(out, files, lambda: datetime.now(UTC)):
        collect_leftovers(out, files)
        rows = _write_passages(out, kinds, read, files)
        if endpoint is None or writer is None:
            return rows
        log = AnswerLog(out / ANSWERS, endpoint.model, files)
        asking = _Asking(endpoint, writer.key_variable, log, progress or SilentProgress())
        return _write_questions(out, read.passages, asking, rows, files)


def _write_passages(out: Path, kinds: Sequence[DocumentRowKind], read: ReadPassages, files: Files) -> DocumentRows:
    documents = [document.model_dump() for document in read.documents]
    warnings = [*read.warnings, *_left_behind(out, kinds, documents, files)]
    write_record(out / DOCUMENTS, documents, files)
    contents = {
        "passages": [passage.model_dump() for passage in read.passages],
        "text": [text_row(passage) for passage in read.passages],
    }
    return DocumentRows(
        files=_write(out, {kind: rows for kind, rows in contents.items() if kind in kinds}, files),
        num_documents=len(read.documents),
        num_passages=len(read.passages),
        warnings=tuple(warnings),
    )


def _write_questions(
    out: Path, passages: Sequence[Passage], asking: "_Asking", rows: DocumentRows, files: Files
) -> DocumentRows:
    answers = asking.answers(passages)
    judged = [judge_answer(passage, answers[passage.id]) for passage in passages]
    questions = [row for each in judged for row in each.questions]
    refused = [row for each in judged for row in each.refused]
    num_unanswered = sum(answer.text is None for answer in answers.values())
    return rows.model_copy(
        update={
            "files": (*rows.files, *_write(out, {"questions": questions, "refused": refused}, files)),
            "num_questions": len(questions),
            "num_refused": len(refused) - num_unanswered,
            "num_unanswered": num_unanswered,
            "warnings": (*rows.warnings, *asking.endpoint.notes),
        }
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """An endpoint, and what it has answered before."""

    endpoint: ChatEndpoint
    key_variable: str | None
    log: AnswerLog
    progress: Progress

    def answers(self, passages: Sequence[Passage]) -> dict[str, Answer]:
        """An answer for each passage by its id, from the log or from the endpoint."""
        prompts = {passage.id: question_prompt(passage) for passage in passages}
        known = {passage_id: self.log.find(passage_id, prompt) for passage_id, prompt in prompts.items()}
        answers = {passage_id: answer for passage_id, answer in known.items() if answer is not None}
        missing = {passage_id: prompt for passage_id, prompt in prompts.items() if passage_id not in answers}
        self._say_what_is_known(len(answers))
        if not missing:
            return answers
        self._say_what_is_sent(missing)
        try:
            answers.update(self._ask(missing))
        except KeyboardInterrupt:
            num_kept = sum(answer.text is not None for answer in answers.values())
            message = f"Stopped. {num_kept:,} of {len(prompts):,} answers are kept; run the command again for the rest."
            raise InterruptedRunError(message) from None
        return answers

    def _ask(self, prompts: Mapping[str, Sequence[Message]]) -> Iterator[tuple[str, Answer]]:
        ids = tuple(prompts)
        num_failed = 0
        with (
            self.progress.bar("asking for questions", len(ids)) as advance,
            closing(self.endpoint.answer_each(tuple(prompts.values()))) as answers,
        ):
            for position, answer in answers:
                advance()
                num_failed = num_failed + 1 if answer.text is None else 0
                if num_failed == MAX_FAILURES_IN_A_ROW:
                    raise self._gives_up(str(answer.reason))
                if answer.text is not None:
                    self.log.add(ids[position], prompts[ids[position]], answer)
                yield ids[position], answer

    def _say_what_is_known(self, num_known: int) -> None:
        if self.log.num_unreadable:
            self.progress.say(f"Damaged lines of {ANSWERS}, left out: {self.log.num_unreadable:,}.")
        if num_known:
            self.progress.say(f"{num_known:,} answers are in {ANSWERS} already and are not asked for again.")

    def _say_what_is_sent(self, prompts: Mapping[str, Sequence[Message]]) -> None:
        num_characters = sum(len(message.content) for prompt in prompts.values() for message in prompt)
        key = f"with the key in {self.key_variable}" if self.key_variable else "without a key"
        self.progress.say(
            f"Sends {len(prompts):,} passages with instructions ({num_characters:,} characters) to the model "
            f"{self.endpoint.model} at {self.endpoint.url}, {key}."
        )
        if not self.endpoint.is_private:
            self.progress.say("The address is not https: passages and key can be read on the way.")

    def _gives_up(self, reason: str) -> ModelError:
        found = f"{MAX_FAILURES_IN_A_ROW} failed requests in a row, the last with: {reason}"
        fix = "Check the address, the model's name and the key, then run the command again; answers that came are kept."
        return ModelError(str(Problem(str(self.endpoint.url), found, "answers", fix)))


def _open_endpoint(kinds: Sequence[DocumentRowKind], writer: QuestionWriter | None) -> ChatEndpoint | None:
    if writer is None:
        if "questions" in kinds:
            fix = "As in: --questions --endpoint http://localhost:8000/v1 --model NAME."
            raise RecipeError(Problem("--questions", "no endpoint", "the model that writes them", fix))
        return None
    if "questions" not in kinds:
        fix = "Add --questions, or leave it out: nothing is sent for passages and texts."
        raise RecipeError(Problem("--endpoint", repr(writer.endpoint), "none without --questions", fix))
    return ChatEndpoint(writer.endpoint, writer.model, endpoint_key(writer.key_variable), limits=writer.limits)


def _require_ours(out: Path) -> None:
    """Raises: StoreError when the folder holds files that this verb has not made."""
    names = [path.name for path in sorted(out.iterdir())]
    others = [name for name in names if name != LOCK and not name.startswith(TEMPORARY_PREFIX)]
    if others and DOCUMENTS not in others:
        problem = Problem(str(out), f"other files ({others[0]})", "a new folder", "Give another one with --out.")
        raise StoreError(str(problem))


def _left_behind(out: Path, kinds: Sequence[DocumentRowKind], documents: object, files: Files) -> Iterator[str]:
    """Say which files of earlier calls stay as they are although the documents have changed since."""
    if not (out / DOCUMENTS).exists():
        return
    with suppress(ValueError):  # damaged: whatever it said, it does not say the same
        if json.loads(files.read(out / DOCUMENTS)) == documents:
            return
    for kind in ("passages", "text", "questions"):
        if kind not in kinds and (out / f"{kind}.jsonl").exists():
            yield f"{kind}.jsonl was made before the documents changed; make it again with --{kind}"


def _write(out: Path, contents: Mapping[str, Sequence[object]], files: Files) -> tuple[str, ...]:
    for name, rows in contents.items():
        write_bytes(out / f"{name}.jsonl", as_lines(rows), files)
    return tuple(str(out / f"{name}.jsonl") for name in contents)
