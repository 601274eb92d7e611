"""Check and RowSet: what a check is, and the rows as checks see them."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast, overload

from tunewright.records import (
    CheckRecipe,
    Conversation,
    Example,
    Finding,
    Measurement,
    Message,
    PlainText,
    Severity,
    Split,
)

T = TypeVar("T")

RowView = tuple[
    str, str, tuple[str, ...], str, Literal["conversation", "text", "preference"], bool, bool, str, str | None, str,
    str | None,
]  # fmt: skip


# Not frozen: that would make a row twice as slow to build, and each check that passes over the rows builds all of them.
@dataclass(slots=True, eq=False)
class CheckedRow:
    """One row with the texts that checks look at.

    The rows of a large data set are on disk. What checks ask of every row stands here; `example` reads the whole of it
    again and checks it, so ask it of the few rows that are found.
    """

    split: Split | None
    """Split of the file it stands in; None in a file that is still to be split."""
    input: str
    """What the model is given: the messages before the answer, joined by line breaks. Empty for text."""
    answer: str
    """The last trained answer (calls of functions as JSON), the chosen one of a pair, or the text of a plain text."""
    texts: Sequence[str]
    """Every text of the row, in order: all messages with the arguments of calls, both answers of a pair."""
    asked: str
    """What users write: the contents before the answer without the system message; of a plain text, the text."""
    kind: Literal["conversation", "text", "preference"]
    has_answer: bool
    """Whether it has an answer in text: it is no plain text, and no conversation that ends in calls of functions."""
    uses_tools: bool
    """Whether functions are called, or their results are shown."""
    system: str
    """The system message; empty if there is none."""
    tools: str | None
    """Functions that may be called, as a JSON list of declarations."""
    location: str
    """`file:row`."""
    cut_short_by: str | None
    """What the log of a service says to have ended the answer; None where it came to its end, or nothing is known."""
    id: str
    input_id: str
    load: Callable[[], Example]

    @property
    def example(self) -> Example:
        """The whole row; where rows lie on disk it is read at every call."""
        return self.load()


def checked_row(example: Example, split: Split | None = None) -> CheckedRow:
    """See an example as checks do."""
    return CheckedRow(split, *row_view(example), example.id, example.input_id, lambda: example)


def row_view(example: Example) -> RowView:
    """The fields of a CheckedRow from `input` to `cut_short_by`, which JSON can hold."""
    body, location = example.body, str(example.provenance)
    if isinstance(body, PlainText):
        return "", body.text, (body.text,), body.text, "text", False, False, "", None, location, None
    if isinstance(body, Conversation):
        messages, texts = body.messages, _texts(body.messages)
        answer, has_answer = body.answer, not body.ends_in_calls
    else:
        messages, texts = body.prompt, (*_texts(body.prompt), body.chosen, body.rejected)
        answer, has_answer = body.chosen, True
    first = messages[0]
    return (
        "\n".join(_texts(body.prompt)),
        answer,
        texts,
        "\n".join(message.content for message in body.prompt if message.role != "system"),
        body.kind,
        has_answer,
        any(message.tool_calls or message.role == "tool" for message in messages),
        first.content if first.role == "system" else "",
        first.tools,
        location,
        example.provenance.cut_short_by,
    )


def _texts(messages: Iterable[Message]) -> tuple[str, ...]:
    return tuple(text for message in messages for text in message.texts)


RowSet = Sequence[CheckedRow]
"""Distinct rows (exact duplicates are gone), in the order of their files: train, then validation, then test."""


class RememberingRows(Sequence[CheckedRow]):
    """A row set that is costly to pass over: it reads rows that follow each other together, and what was computed
    about it is kept."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], object] = {}

    def once(self, compute: Callable[..., T], *settings: float) -> T:
        """`compute(self, *settings)`, computed the first time."""
        key = (compute, *settings)
        if key not in self._known:
            self._known[key] = compute(self, *settings)
        return cast(T, self._known[key])

    @abstractmethod
    def at(self, positions: Iterable[int]) -> Iterator[CheckedRow]:
        """The rows at these positions; it is fast where they ascend."""


def once(rows: RowSet, compute: Callable[..., T], *settings: float) -> T:
    """Give `compute(rows, *settings)`; several checks ask the same of the same rows."""
    return rows.once(compute, *settings) if isinstance(rows, RememberingRows) else compute(rows, *settings)


@dataclass(frozen=True, slots=True)
class Overview:
    """What one pass over the rows tells every check that may have nothing to do."""

    num_answers: int
    has_pairs: bool
    uses_tools: bool


def overview(rows: RowSet) -> Overview:
    """Count what there is."""
    return once(rows, _overview)


def _overview(rows: RowSet) -> Overview:
    num_answers = 0
    has_pairs = uses_tools = False
    for row in rows:
        num_answers += row.has_answer
        has_pairs = has_pairs or row.kind == "preference"
        uses_tools = uses_tools or row.uses_tools
    return Overview(num_answers, has_pairs, uses_tools)


class SomeRows(Sequence[CheckedRow]):
    """Some rows of a set; like it, they are read when they are asked for.

    Args:
        rows: the row set.
        positions: which of its rows, and in which order.
    """

    def __init__(self, rows: RowSet, positions: Sequence[int]) -> None:
        self._rows = rows
        self._positions = positions

    @property
    def positions(self) -> Sequence[int]:
        """Which of the rows of the set they are."""
        return self._positions

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[CheckedRow]:
        if isinstance(self._rows, RememberingRows):
            return self._rows.at(self._positions)
        return map(self._rows.__getitem__, self._positions)

    @overload
    def __getitem__(self, index: int) -> CheckedRow: ...
    @overload
    def __getitem__(self, index: slice) -> "SomeRows": ...
    def __getitem__(self, index: int | slice) -> "CheckedRow | SomeRows":
        if isinstance(index, slice):
            return SomeRows(self._rows, self._positions[index])
        return self._rows[self._positions[index]]


class RowTexts(Sequence[str]):
    """A text of each row, made when it is asked for, so that not all of them are in memory.

    Args:
        rows: the rows.
        text_of: the text of a row.
    """

    def __init__(self, rows: RowSet, text_of: Callable[[CheckedRow], str]) -> None:
        self._rows = rows
        self._text_of = text_of

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return map(self._text_of, self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [*map(self._text_of, SomeRows(self._rows, range(len(self))[index]))]
        return self._text_of(self._rows[index])


@dataclass(frozen=True, slots=True)
class Check:
    """One question asked of a data set."""

    id: str
    title: str
    explanation: str
    """What it looks for, its threshold and its source, and why it matters; for people who do not know the field."""
    severity: Severity
    action: str
    """What happens by default to the rows found, in words: "all but the best are dropped", "listed only"."""
    find: Callable[[RowSet, CheckRecipe], Iterable[Finding | Measurement]]
    """May raise MissingExtraError or TooLittleInCommonError: the check is then skipped, and the report says why."""
    idle: Callable[[CheckRecipe], str | None] = lambda recipe: None
    """Why the check has nothing to do under a recipe, such as "no benchmark files are named"; None when it runs."""
    lacking: Callable[[RowSet], str | None] = lambda rows: None
    """What the rows lack that the check looks at, such as "there are no preference pairs"; None when it runs."""
    tolerated_share: float = 0.0
    """A blocking check only warns while it finds no larger share of the rows than this."""
    is_acceptable: bool = True
    """Whether a blocking check can be accepted by name; not where rows cannot be trained on at all."""
