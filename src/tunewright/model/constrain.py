"""Constrained decoding: tokens that would lead away from a JSON Schema are never chosen. llguidance keeps the grammar.

While an answer is written, every token after which it can no longer become JSON of the schema has no chance; among the
others the most likely one is taken. So an answer that would fit anyway stays as it is. An answer can still be cut by
its length, and then it is no JSON: that is *truncated*, not invalid.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tunewright.errors import MissingExtraError, Problem, RecipeError
from tunewright.render import Renderer

if TYPE_CHECKING:
    from llguidance import LLExecutor, LLMatcher
    from torch import Tensor


class JsonStyle(NamedTuple):
    """What stands between items and after keys; no other white space is written."""

    item_separator: str = ", "
    key_separator: str = ": "


class AnswerGrammar:
    """The token sequences that are JSON of one schema, for one base.

    Before and behind the JSON may stand what the base's chat template writes around an answer: a model that is tuned
    writes that too.

    Two things stay outside: a schema that lets objects have further keys does not keep them from having one twice, and
    a number may be too large for a float.

    Args:
        schema: a JSON Schema. Keys come in the order of its properties.
        renderer: of the base; the stop tokens of its answers end the JSON.
    Raises:
        MissingExtraError: llguidance is not installed.
        RecipeError: the schema asks for what llguidance cannot enforce.
    """

    def __init__(self, schema: Mapping[str, object], renderer: Renderer, style: JsonStyle) -> None:
        try:
            from llguidance import LLExecutor, LLMatcher, LLTokenizer
        except ImportError:
            raise MissingExtraError("llguidance", "constrain", "write answers that fit a JSON Schema") from None
        # White space as the model likes could go on for ever.
        grammar = LLMatcher.grammar_from_json_schema(
            json.dumps(schema),
            overrides={
                "whitespace_flexible": False,
                "item_separator": style.item_separator,
                "key_separator": style.key_separator,
            },
        )
        lead, tail = map(_as_option, renderer.around_answers)
        if lead or tail:
            inside = {**json.loads(grammar)["grammars"][0], "name": "answer"}
            grammar = json.dumps({"grammars": [{"lark_grammar": f"start: {lead} @answer {tail}"}, inside]})
        tokenizer = LLTokenizer(
            renderer.tokenizer_json, n_vocab=renderer.vocabulary_size, eos_token=sorted(renderer.stop_token_ids)
        )
        self._tokenizer = tokenizer
        self._start = LLMatcher(tokenizer, grammar, log_level=0)
        if self._start.is_error():
            found = self._start.get_error().partition("\n")[0][:200]
            fix = "Leave that part out of the schema, or do without constrained decoding."
            raise RecipeError(Problem("schema", found, "a schema that llguidance can enforce", fix))
        self._executor = LLExecutor()

    def accepts(self, answer: str) -> bool:
        """Whether an answer could have been written under this grammar: then it would have been the same."""
        matcher, token_ids = self._start.deep_copy(), self._tokenizer.tokenize_str(answer)
        return bool(matcher.consume_tokens(token_ids) and matcher.is_accepting())

    def start(self, num_rows: int) -> "ConstrainedRows":
        """Answers that are about to be written."""
        return ConstrainedRows([self._start.deep_copy() for _ in range(num_rows)], self._executor)


def _as_option(pieces: Sequence[str | int]) -> str:
    """In llguidance's Lark, what may stand there or not: texts and ids of tokens."""
    written = [f"<[{piece}]>" if isinstance(piece, int) else json.dumps(piece) for piece in pieces]
    return f"({' '.join(written)})?" if written else ""


@dataclass(frozen=True, slots=True)
class ConstrainedRows:
    """How far each row of a batch has come in the grammar."""

    matchers: "list[LLMatcher]"
    executor: "LLExecutor"

    def forbid(self, logits_BV: "Tensor", rows: Sequence[int]) -> None:
        """Set the logits of tokens that the rows may not go on with to minus infinity.

        Args:
            rows: numbers of the rows that the logits belong to, counted from the start of the batch.
        """
        import numpy as np
        import torch
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask_par

        bits = allocate_token_bitmask(len(rows), logits_BV.shape[1])
        fill_next_token_bitmask_par(self.executor, [(self.matchers[row], at) for at, row in enumerate(rows)], bits)
        allowed_BV = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little", count=logits_BV.shape[1])
        logits_BV.masked_fill_(torch.from_numpy(allowed_BV == 0).to(logits_BV.device), float("-inf"))

    def follow(self, row: int, token: int) -> None:
        """A row has gone on with a token.

        Raises:
            RuntimeError: `forbid` forbids that token.
        """
        if not self.matchers[row].consume_token(token):
            raise RuntimeError(f"row {row}: the token {token} leads away from the grammar")
