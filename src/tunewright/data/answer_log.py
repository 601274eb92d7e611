"""The answers that a model has given, one line each, so that nothing is asked and paid for twice.

    {"passage": "5c...", "prompt": "a1...", "answer": {"text": "...", "finish": "stop", ...}}

A line is added when an answer comes in. A kill or a power loss can tear the last one; what
cannot be read is asked again.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from tunewright.records import Answer, Message, Record, canonical_json, content_hash
from tunewright.store import Files


class LoggedAnswer(Record):
    """One line of the log."""

    passage: str
    """Id of the passage that was asked about."""
    prompt: str
    """Hash of the model's name and the messages."""
    answer: Answer


class AnswerLog:
    """Answers by what was asked.

    Args:
        path: the file; made with the first answer.
        model: whose answers count; another model is asked anew.
        files: the disk.
    """

    def __init__(self, path: Path, model: str, files: Files) -> None:
        self._path = path
        self._model = model
        self._files = files
        self._answers: dict[tuple[str, str], Answer] = {}
        self._is_torn = False
        self.num_unreadable = 0
        """Lines that a kill or an editor has damaged."""
        self._read()

    def find(self, passage_id: str, messages: Sequence[Message]) -> Answer | None:
        """The answer to these messages about this passage; None when there is none yet."""
        return self._answers.get((passage_id, self._prompt(messages)))

    def add(self, passage_id: str, messages: Sequence[Message], answer: Answer) -> None:
        """Keep an answer.

        Raises:
            StoreError: the disk refuses.
        """
        logged = LoggedAnswer(passage=passage_id, prompt=self._prompt(messages), answer=answer)
        start = "\n" if self._is_torn else ""
        self._files.append_line(self._path, f"{start}{canonical_json(logged.model_dump())}\n".encode())
        self._is_torn = False
        self._answers[logged.passage, logged.prompt] = answer

    def _read(self) -> None:
        if not self._files.exists(self._path):
            return
        data = self._files.read(self._path)
        self._is_torn = bool(data) and not data.endswith(b"\n")
        for line in data.split(b"\n"):
            try:
                logged = LoggedAnswer.model_validate_json(line)
            except ValidationError:
                self.num_unreadable += bool(line.strip())
                continue
            self._answers[logged.passage, logged.prompt] = logged.answer

    def _prompt(self, messages: Sequence[Message]) -> str:
        return content_hash([self._model, [[message.role, message.content] for message in messages]])
