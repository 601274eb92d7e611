"""Rows under the tokenizer and the template of a base: control tokens in text, rows that it cannot learn from, lengths.

`tune` renders every row and refuses what cannot be trained on. These checks say the same before a base is loaded, with
the limits that `tune` would derive. They run when `check` is told which base it is.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from tunewright.data.checks.check import Check, CheckedRow, RowSet, once
from tunewright.data.checks.row_finding import excerpt, row_finding
from tunewright.data.chosen import chosen_conversation
from tunewright.data.histogram import length_histogram
from tunewright.errors import RenderError
from tunewright.records import (
    CheckRecipe,
    Example,
    Finding,
    LengthHistogram,
    Measurement,
    PreferencePair,
    Severity,
    TokenLengths,
)
from tunewright.render import Renderer

AnswerRoom = Callable[[Sequence[int], int], tuple[int, str]]
"""From the lengths of the answers and the context length: tokens to keep free for an answer, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class RowsUnderBase:
    """A base, as far as rows are measured with it.

    Args:
        name: as the user gave it.
        renderer: its renderer, without limits.
        max_length: most tokens of a row.
        answer_room: what `tune` derives the room for answers with.
        drops_unusable: whether rows that cannot be trained on are dropped, as `data.unusable_rows` says.
    """

    name: str
    renderer: Renderer
    max_length: int
    answer_room: AnswerRoom
    drops_unusable: bool

    def measure(self, rows: RowSet) -> "_Measured":
        """Render every row once. Asked again about the same rows, the answer is remembered."""
        return once(rows, self._measure)

    def _measure(self, rows: RowSet) -> "_Measured":
        measured = _Measured()
        lengths = _Lengths()
        for position, row in enumerate(rows):
            if token := self._control_token(row):
                measured.with_control_token.append((row, token))
                continue
            try:
                prompt, answer = self.renderer.measure(_trained(row.example))
            except RenderError as error:
                measured.unusable.append((row, _reason(error)))
            else:
                lengths.add(position, prompt, None if row.kind == "text" else answer)
        if len(lengths):
            self._fit(rows, lengths, measured)
        return measured

    def _control_token(self, row: CheckedRow) -> str | None:
        return next(filter(None, map(self.renderer.control_token_in, row.texts)), None)

    def _fit(self, rows: RowSet, lengths: "_Lengths", measured: "_Measured") -> None:
        """Render those rows under the limits that may not fit them."""
        room, _ = self.answer_room(lengths.answers, self.max_length)
        fitted = self.renderer.fitted(self.max_length, room)
        for position, prompt, answer in lengths.of_conversations():
            num_over = prompt - (self.max_length - room)
            if answer <= room and num_over <= 0:
                continue
            if answer > room:
                reason = f"its answer has {answer:,} tokens, and the whole context {self.max_length:,}"
                measured.unusable.append((rows[position], reason))
                continue
            try:
                fitted.render(_trained(rows[position].example))
            except RenderError as error:
                measured.unusable.append((rows[position], _reason(error)))
            else:
                measured.cut.append((rows[position], num_over))
        measured.lengths = TokenLengths(
            base=self.name,
            max_length=self.max_length,
            answer_room=room,
            num_tokens=sum(lengths.prompts) + sum(lengths.answers) + sum(lengths.texts),
            num_answer_tokens=sum(lengths.answers) + sum(lengths.texts),
            num_rows=len(lengths),
            num_cut=len(measured.cut),
            lengths=lengths.histograms(),
        )


@dataclass(slots=True)
class _Measured:
    with_control_token: list[tuple[CheckedRow, str]] = field(default_factory=list)
    unusable: list[tuple[CheckedRow, str]] = field(default_factory=list)
    """With the reason."""
    cut: list[tuple[CheckedRow, int]] = field(default_factory=list)
    """With the number of tokens that are too many."""
    lengths: TokenLengths | None = None
    """None if no row could be measured."""


class _Lengths:
    """Tokens of every row; 12 bytes each."""

    def __init__(self) -> None:
        self._positions = array("I")
        self.prompts = array("I")
        self.answers = array("I")
        self.texts = array("I")

    def add(self, position: int, prompt: int, answer: int | None) -> None:
        """Take the lengths of a conversation, or of a text, which has no answer."""
        if answer is None:
            self.texts.append(prompt)
            return
        self._positions.append(position)
        self.prompts.append(prompt)
        self.answers.append(answer)

    def __len__(self) -> int:
        return len(self.prompts) + len(self.texts)

    def of_conversations(self) -> Iterator[tuple[int, int, int]]:
        """Position, tokens of the prompt, tokens of the answer."""
        return zip(self._positions, self.prompts, self.answers, strict=True)

    def histograms(self) -> tuple[LengthHistogram, ...]:
        parts: list[tuple[Literal["input", "answer", "text"], Sequence[int]]]
        parts = [("input", self.prompts), ("answer", self.answers), ("text", self.texts)]
        return tuple(length_histogram(part, found, "tokens") for part, found in parts if found)


def _trained(example: Example) -> Example:
    """The row as it would be trained: of a pair, the chosen answer."""
    if isinstance(example.body, PreferencePair):
        return Example(body=chosen_conversation(example.body), provenance=example.provenance)
    return example


def _reason(error: RenderError) -> str:
    problem = error.problems[0]
    _, _, place = problem.where.partition(" ")
    return f"{place}: found {problem.found}, expected {problem.expected}".removeprefix(": ")


def _find_special_tokens(base: RowsUnderBase, rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    for row, token in base.measure(rows).with_control_token:
        text = next((text for text in row.texts if token in text), "")
        explanation = f"The text contains {token}, which is a control token of {base.name}."
        # Nothing to show where only the tokenizer takes other characters for it.
        shown = excerpt(text, text.index(token), text.index(token) + len(token)) if text else token
        yield row_finding(SPECIAL_TOKENS.id, row, explanation, shown, drops=base.drops_unusable)


def _find_unusable(base: RowsUnderBase, rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    for row, reason in base.measure(rows).unusable:
        explanation = f"{base.name} cannot learn from this row: {reason}."
        shown = excerpt(f"{row.input} → {row.answer}".removeprefix(" → "))
        yield row_finding(UNUSABLE_ROWS.id, row, explanation, shown, drops=base.drops_unusable)


def _find_cut(base: RowsUnderBase, rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding | Measurement]:
    del recipe
    measured = base.measure(rows)
    if measured.lengths is not None:
        yield measured.lengths
    for row, num_tokens in measured.cut:
        explanation = f"The input is {num_tokens:,} tokens too long for {base.name}, so its middle is cut out."
        yield row_finding(CUT_PROMPTS.id, row, explanation, excerpt(row.input), float(num_tokens))


def with_base(checks: Iterable[Check], base: RowsUnderBase) -> tuple[Check, ...]:
    """The same checks, of which those of this file now know the base."""
    finders = {SPECIAL_TOKENS.id: _find_special_tokens, UNUSABLE_ROWS.id: _find_unusable, CUT_PROMPTS.id: _find_cut}
    return tuple(
        replace(check, find=partial(finders[check.id], base), idle=lambda recipe: None)
        if check.id in finders
        else check
        for check in checks
    )


def _find_nothing(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    raise AssertionError("without a base these checks are idle")


def _idle(recipe: CheckRecipe) -> str:
    del recipe
    return "no base is named; give the one that you want to tune with `--base`"


_ACTION = "training is refused; with `data.unusable_rows=drop` the rows are dropped"

SPECIAL_TOKENS = Check(
    id="special_tokens",
    title="Control tokens in the text",
    explanation=(
        "Texts that contain a control token of the base named with `--base`, such as `<|im_end|>` or `</s>`. The "
        "model would read it as the end of a turn or of the text and not as words, and whoever wrote the text could "
        "pretend to be somebody else."
    ),
    severity=Severity.BLOCKING,
    action=_ACTION,
    find=_find_nothing,
    idle=_idle,
    is_acceptable=False,
)

UNUSABLE_ROWS = Check(
    id="unusable_rows",
    title="Rows that the base cannot learn from",
    explanation=(
        "Rows that the chat template of the base named with `--base` refuses or of which it would leave something out, "
        "and answers that are longer than its context. An answer is never cut: the model would learn to stop there."
    ),
    severity=Severity.BLOCKING,
    action=_ACTION,
    find=_find_nothing,
    idle=_idle,
    is_acceptable=False,
)

CUT_PROMPTS = Check(
    id="cut_prompts",
    title="Inputs longer than the context",
    explanation=(
        "Inputs that, in the tokens of the base named with `--base`, do not fit its context beside the room kept for "
        "an answer (both as `tune` derives them: a context of at most 2,048 tokens, and a quarter more than the "
        "longest answer). The middle of the longest message is cut out, in training and in use alike, so the model may "
        "never see what it needs. The report also gives the length of all rows in tokens."
    ),
    severity=Severity.WARNING,
    action="the middle of the input is cut out when the row is trained on",
    find=_find_nothing,
    idle=_idle,
)
