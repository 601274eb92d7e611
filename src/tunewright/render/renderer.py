"""The one renderer of training, evaluation and chat: messages to token ids, loss weights and stop rules.

The renderer law: a training sequence starts with exactly the tokens the model is given when it answers. `render`
checks it for every trained turn of every row against what `prompt` returns.

Prompt and answer are encoded together, as the base saw them in its own training. Where a token would then span the
border between them (an answer that begins with a line break may merge with the header's), they are encoded apart, so
that the law holds there too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tunewright.errors import Problem, RecipeError, RenderError
from tunewright.records.example import Conversation, Example, Message, PlainText
from tunewright.records.tokens import TokenPiece
from tunewright.render.answer_frame import AnswerFrame, require_continuation, require_whole_answer
from tunewright.render.sequence import Cut, Prompt, TokenSequence
from tunewright.render.shorten import MARK, Shortened, shorten
from tunewright.render.template import ChatTemplate
from tunewright.render.tokenizer import Tokenizer
from tunewright.render.tools import ToolSupport, texts_in

NO_LIMIT = 2**60
"""Tokens; more than any row has."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A conversation up to one trained answer; the answer and its end of turn are token_ids[start:end]."""

    index: int
    token_ids: tuple[int, ...]
    start: int
    end: int
    cut: Cut | None


@dataclass(frozen=True, slots=True)
class _FittedPrompt:
    messages: tuple[Message, ...]
    text: str
    prompt: Prompt


@dataclass(frozen=True, slots=True, eq=False)
class Renderer:
    """Messages to tokens and back under one base's tokenizer and template. Made by `load_renderer`."""

    hash: str
    """SHA-256 of everything that decides which tokens come out, limits excepted."""
    stop_token_ids: frozenset[int]
    """Any of these ends an answer."""
    pad_token_id: int
    vocabulary_size: int
    max_length: int
    """Most tokens of a sequence; NO_LIMIT until `fitted`."""
    max_answer_tokens: int
    """Room kept for the answer and its end of turn; a prompt has at most max_length - max_answer_tokens."""
    notes: tuple[str, ...]
    """What was decided for this base and a user should know."""
    _tokenizer: Tokenizer = field(repr=False)
    _template: ChatTemplate = field(repr=False)
    _frame: AnswerFrame = field(repr=False)
    _tools: ToolSupport = field(repr=False)

    def control_token_in(self, text: str) -> str | None:
        """The first token that steers the model, such as `<|im_end|>`, that a text would be read as; None: it has none.

        No message may contain one. Some tokenizers also find them in other spellings, such as `＜|im_end|＞`.
        """
        searched = self._tokenizer.as_searched(text)
        names = self._frame.control_tokens
        return next((name for name in names if name in text or self._tokenizer.as_searched(name) in searched), None)

    @property
    def takes_system(self) -> bool:
        """Whether the template writes system messages; some refuse them, and some leave them out."""
        probe = (Message(role="system", content="probe instruction"), Message(role="user", content="probe question"))
        try:
            self._prompt_text(probe, "probe")
        except RenderError:
            return False
        return not self._tools.leaves_out_system

    @property
    def tokenizer_json(self) -> str:
        """The tokenizer as the text of a tokenizer.json, for libraries that read it themselves."""
        return str(self._tokenizer.backend.to_str())

    @property
    def around_answers(self) -> tuple[list[str | int], list[str | int]]:
        """What the model is trained to write before an answer, and between it and its end: texts, and added tokens.

        Mistral's template gives `([" "], [])`, Qwen 3's `([151667, "\\n\\n", 151668, "\\n\\n"], [])`.
        """
        tail = self._frame.tail if self._frame.end_is_written else ""
        return self._tokenizer.apart(self._frame.lead), self._tokenizer.apart(tail)

    def fitted(self, max_length: int, max_answer_tokens: int) -> "Renderer":
        """The same renderer with limits, in tokens. The hash stays: limits change no token that is kept.

        Raises:
            RecipeError: no room for an answer, or none for a prompt.
        """
        if not 1 <= max_answer_tokens < max_length:
            raise RecipeError(
                Problem(
                    "evaluate.max_answer_tokens",
                    f"{max_answer_tokens} with a context of {max_length} tokens",
                    "at least 1 and less than the context",
                    "Lower evaluate.max_answer_tokens or raise train.max_length.",
                )
            )
        return replace(self, max_length=max_length, max_answer_tokens=max_answer_tokens)

    def measure(self, example: Example) -> tuple[int, int]:
        """Tokens of the longest prompt and of the longest answer among the trained turns, before any limit.

        A plain text is never answered: it gives (its tokens, 0).

        Raises:
            RenderError: the row cannot be rendered at any length.
        """
        if isinstance(example.body, PlainText):
            return len(self._document_tokens(example.body, str(example.provenance))), 0
        unlimited = replace(self, max_length=NO_LIMIT, max_answer_tokens=NO_LIMIT // 2)
        turns = unlimited._turns(_messages(example), str(example.provenance))
        return max(turn.start for turn in turns), max(turn.end - turn.start for turn in turns)

    def render(self, example: Example) -> tuple[TokenSequence, ...]:
        """Turn a row into training sequences. What follows the last trained turn is left out.

        A conversation is one sequence when its template only ever appends. When the template rewrites earlier turns
        (strips thinking, say) or a prompt was shortened, it is one sequence per trained turn. A plain text longer than
        max_length is windows that overlap by one token, so that each of its tokens but the first is trained once.

        Raises:
            RenderError: the template refuses the row or leaves out part of an answer, a message contains a control
                token, an answer is longer than max_answer_tokens, the prompt cannot be shortened enough, or nothing
                would be trained.
        """
        where = str(example.provenance)
        if isinstance(example.body, PlainText):
            return self._windows(self._document_tokens(example.body, where), example.id)
        messages = _messages(example)
        turns = self._turns(messages, where)
        last = turns[-1]
        is_shared = all(last.token_ids[: turn.end] == turn.token_ids[: turn.end] for turn in turns)
        sequences = []
        for group in [turns] if is_shared else [[turn] for turn in turns]:
            for turn in group:
                prompt = self.prompt(messages[: turn.index])
                require_renderer_law(group[-1].token_ids[: turn.start], prompt, where)
            sequences.append(_sequence(example.id, group))
        return tuple(sequences)

    def num_sequences(self, example: Example) -> int:
        """How many sequences `render` gives: one for a row with a single trained turn, which is not rendered for it.

        Raises:
            RenderError: as `render`, where the row is rendered.
        """
        if isinstance(example.body, Conversation) and sum(message.is_trained for message in example.body.messages) == 1:
            return 1
        return len(self.render(example))

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """What the model is given before it answers `messages`, shortened to leave room for the answer.

        Raises:
            RenderError: as `render`.
        """
        self._tools.require(messages, "prompt")
        self._refuse_control_tokens(_texts(messages))
        return self._fit(tuple(messages), "prompt").prompt

    def fits(self, messages: Sequence[Message]) -> bool:
        """Whether a prompt leaves room for an answer without being shortened."""
        try:
            return self.prompt(messages).cut is None
        except RenderError:
            return False

    def decode(self, token_ids: Sequence[int]) -> str:
        """The answer that generated tokens stand for: up to the first stop token, without what the template adds."""
        num_kept = next((i for i, token_id in enumerate(token_ids) if token_id in self.stop_token_ids), len(token_ids))
        text = self._tokenizer.decode(token_ids[:num_kept])
        if self._frame.decoded_lead.startswith(text):
            return ""  # in a stream the lead itself arrives in pieces, such as an empty <think> block
        return text.removeprefix(self._frame.decoded_lead).removesuffix(self._frame.decoded_tail)

    def show(self, sequence: TokenSequence) -> tuple[TokenPiece, ...]:
        """The sequence token by token, with the text that was cut out standing where it stood."""
        texts = self._tokenizer.piece_texts(sequence.token_ids)
        pieces = []
        for token_id, weight, text in zip(sequence.token_ids, sequence.loss_weights, texts, strict=True):
            state: Literal["trained", "context"] = "trained" if weight else "context"
            pieces.append(TokenPiece(text=text, token_id=token_id, state=state))
        if sequence.cut:
            cut = TokenPiece(text=sequence.cut.text, token_id=None, state="cut")
            pieces.insert(sequence.cut.token_index, cut)
        return tuple(pieces)

    def _turns(self, messages: tuple[Message, ...], where: str) -> list[_Turn]:
        self._tools.require(messages, where)
        self._refuse_control_tokens((f"{where} {place}", text) for place, text in _texts(messages))
        return [
            self._turn(messages[:index], message, where) for index, message in enumerate(messages) if message.is_trained
        ]

    def _turn(self, history: tuple[Message, ...], answer: Message, where: str) -> _Turn:
        fitted = self._fit(history, where)
        place = f"{where} messages[{len(history)}]"
        text = self._template.render((*fitted.messages, answer), add_generation_prompt=False, where=where)
        require_continuation(text, fitted.text, place)
        if not self._frame.end_is_written:
            text = text.removesuffix(self._frame.tail)
        prompt_ids = list(fitted.prompt.token_ids)
        start = len(prompt_ids)
        token_ids = self._tokenizer.encode(text)
        if token_ids[:start] != prompt_ids:
            token_ids = prompt_ids + self._tokenizer.encode(text[len(fitted.text) :])
        if not self._frame.end_is_written:
            token_ids.append(self._frame.end_token_id)
        end = self._end_of_turn(token_ids, start, place)
        self._require_fitting_answer(token_ids[start:end], place)
        written, _, _ = text[len(fitted.text) :].partition(self._tokenizer.token_text(self._frame.end_token_id))
        require_whole_answer(answer.content, written, place)
        # Behind the end of turn stands only what the template writes after it, which is never trained.
        return _Turn(len(history), tuple(token_ids[: max(end, self.max_length)]), start, end, fitted.prompt.cut)

    def _end_of_turn(self, token_ids: list[int], start: int, place: str) -> int:
        if self._frame.end_token_id not in token_ids[start:]:
            name = self._tokenizer.token_text(self._frame.end_token_id)
            raise RenderError(
                Problem(
                    place,
                    "an answer for which the template writes no end of turn",
                    f"{name} after every answer",
                    "Drop the row, or use another base.",
                )
            )
        return token_ids.index(self._frame.end_token_id, start) + 1

    def _require_fitting_answer(self, answer_ids: list[int], place: str) -> None:
        if not self.decode(answer_ids).strip():
            raise RenderError(
                Problem(
                    place,
                    "no token to train: the template or the tokenizer leaves nothing of the answer",
                    "an answer with text",
                    "Rewrite the answer or drop the row.",
                )
            )
        if len(answer_ids) > self.max_answer_tokens:
            raise RenderError(
                Problem(
                    place,
                    f"an answer of {len(answer_ids)} tokens",
                    f"at most {self.max_answer_tokens} (evaluate.max_answer_tokens)",
                    "Raise the limit, shorten the answer, or set data.unusable_rows=drop. An answer is never cut.",
                )
            )

    def _fit(self, messages: tuple[Message, ...], where: str) -> _FittedPrompt:
        text = self._prompt_text(messages, where)
        token_ids = tuple(self._tokenizer.encode(text))
        room = self.max_length - self.max_answer_tokens
        if not token_ids:
            raise RenderError(
                Problem(where, "a prompt without any token", "something to answer", "Fill in the user message.")
            )
        if len(token_ids) <= room:
            return _FittedPrompt(messages, text, Prompt(token_ids, cut=None))

        def fits(candidate: tuple[Message, ...]) -> bool:
            return len(self._tokenizer.encode(self._prompt_text(candidate, where))) <= room

        shortened = shorten(messages, fits)
        if shortened is None:
            raise RenderError(
                Problem(
                    where,
                    f"a prompt of {len(token_ids)} tokens that stays too long without its longest message",
                    f"at most {room} ({self.max_length} less {self.max_answer_tokens} kept for the answer)",
                    "Shorten the row, raise train.max_length or lower evaluate.max_answer_tokens.",
                )
            )
        return self._shortened_prompt(shortened, where)

    def _shortened_prompt(self, shortened: Shortened, where: str) -> _FittedPrompt:
        text = self._prompt_text(shortened.messages, where)
        encoded = self._tokenizer.encode_with_offsets(text)
        # Templates may trim a message, so the mark is looked for by the text that stands before it.
        anchor = (shortened.head + MARK).strip()
        mark_start = max(text.find(anchor), 0) + len(anchor) - len(MARK.strip())
        token_index = sum(end <= mark_start for _, (_, end) in encoded)
        prompt = Prompt(tuple(token_id for token_id, _ in encoded), Cut(token_index, shortened.removed))
        return _FittedPrompt(shortened.messages, text, prompt)

    def _prompt_text(self, messages: tuple[Message, ...], where: str) -> str:
        return self._template.render(messages, add_generation_prompt=True, where=where)

    def _document_tokens(self, body: PlainText, where: str) -> tuple[int, ...]:
        self._refuse_control_tokens([(where, body.text)])
        token_ids = self._tokenizer.encode_document(body.text)
        if not self._tokenizer.decode(token_ids).strip():
            raise RenderError(
                Problem(
                    where,
                    "no token to train: the tokenizer leaves nothing of the text",
                    "a text in characters that the base knows",
                    "Drop the row, or use another base.",
                )
            )
        eos_token_id = self._tokenizer.eos_token_ids[0]
        return tuple(token_ids if token_ids[-1:] == [eos_token_id] else [*token_ids, eos_token_id])

    def _windows(self, token_ids: tuple[int, ...], example_id: str) -> tuple[TokenSequence, ...]:
        step = self.max_length - 1
        windows = [token_ids[start : start + self.max_length] for start in range(0, len(token_ids) - 1, step)]
        return tuple(
            TokenSequence(example_id, window, (0.0,) + (1.0,) * (len(window) - 1), cut=None) for window in windows
        )

    def _refuse_control_tokens(self, contents: Iterable[tuple[str, str]]) -> None:
        for place, content in contents:
            if name := self.control_token_in(content):
                raise RenderError(
                    Problem(
                        place,
                        f"{name} in the text, which would be read as a control token",
                        "text without control tokens of the base",
                        "Remove or rewrite it.",
                    )
                )


def require_renderer_law(token_ids: Sequence[int], prompt: Prompt, where: str) -> None:
    """Refuse a sequence that does not start with the prompt of its trained turn.

    Raises:
        RenderError: what stands before the answer is not what the model is given when it answers.
    """
    if tuple(token_ids) != prompt.token_ids:
        raise RenderError(
            Problem(
                where,
                f"{len(token_ids)} tokens before the answer that are not the {len(prompt.token_ids)} of its prompt",
                "equal tokens in training and when answering",
                "This base's template or tokenizer cannot be used: please report it.",
            )
        )


def _messages(example: Example) -> tuple[Message, ...]:
    assert isinstance(example.body, Conversation), "preference pairs are refused or turned when rows are prepared"
    return example.body.messages


def _texts(messages: Sequence[Message]) -> Iterator[tuple[str, str]]:
    return ((f"messages[{index}]", text) for index, message in enumerate(messages) for text in texts_in(message))


def _sequence(example_id: str, turns: Sequence[_Turn]) -> TokenSequence:
    token_ids = turns[-1].token_ids
    loss_weights = [0.0] * len(token_ids)
    for turn in turns:
        loss_weights[turn.start : turn.end] = [1.0] * (turn.end - turn.start)
    return TokenSequence(example_id, token_ids, tuple(loss_weights), turns[-1].cut)
