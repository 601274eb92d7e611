"""Constrained decoding: every finished answer fits, and one that fits anyway is not changed."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from chat_bases import ENDLESS, PLAIN, STYLES, ChatStyle, chat, write_base
from jsonschema import Draft202012Validator
from tiny_base import write_tiny_base

from tunewright.contracts import SilentProgress
from tunewright.errors import MissingExtraError, RecipeError
from tunewright.evaluate.json_answers import is_json
from tunewright.model import generate
from tunewright.model.constrain import AnswerGrammar, JsonStyle
from tunewright.model.generate import GreedyDecoder
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import load_base
from tunewright.records import Message
from tunewright.render import Renderer, load_renderer

SCHEMAS: dict[str, dict[str, Any]] = {
    "ticket": {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["bug", "wish", 'caf\u00e9 "x"']},
            "urgent": {"type": "boolean"},
            "parts": {"type": "array", "items": {"type": ["boolean", "null"]}, "maxItems": 3},
        },
        "required": ["kind", "urgent"],
        "additionalProperties": False,
    },
    "short text": {
        "type": "object",
        "properties": {"title": {"type": "string", "maxLength": 8}, "stars": {"type": "integer", "enum": [1, 2, 3]}},
        "required": ["title", "stars"],
        "additionalProperties": False,
    },
    "free text": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "list": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 4},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


@pytest.fixture(scope="module")
def renderer(base: Path) -> Renderer:
    return load_renderer(base).fitted(max_length=125, max_answer_tokens=90)


def untrained(base: Path, renderer: Renderer, seed: int) -> LanguageModel:
    network = load_base(base)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.4, generator=generator)
    return LanguageModel(network, renderer, "float32")


def ask(model: LanguageModel, num_rows: int) -> list[Any]:
    prompts = [[Message(role="user", content=f"Row {row}, {row * row} words")] for row in range(num_rows)]
    with SilentProgress().bar("", num_rows) as advance:
        return model.answer(prompts, advance)


@pytest.mark.parametrize("style", [JsonStyle(), JsonStyle(",", ":")])
@pytest.mark.parametrize("name", SCHEMAS)
def test_every_finished_answer_of_an_untrained_model_fits_the_schema(
    name: str, style: JsonStyle, base: Path, renderer: Renderer
) -> None:
    schema, grammar = SCHEMAS[name], AnswerGrammar(SCHEMAS[name], renderer, style)
    validator = Draft202012Validator(schema)
    answers = [answer for seed in range(2) for answer in ask(untrained(base, renderer, seed).constrained(grammar), 4)]
    finished = [answer for answer in answers if answer.finish == "stop"]
    if name != "free text":  # an untrained model seldom closes its quotes
        assert len(finished) == len(answers)
    for answer in finished:
        assert is_json(answer.text)
        assert validator.is_valid(json.loads(answer.text))
        assert grammar.accepts(answer.text)
        assert answer.text == json.dumps(json.loads(answer.text), ensure_ascii=False, separators=style)
    for answer in answers:
        if answer.finish == "length":
            assert answer.num_answer_tokens == renderer.max_answer_tokens
            assert not grammar.accepts(answer.text)


def test_a_model_without_a_grammar_answers_as_ever(base: Path, renderer: Renderer) -> None:
    model = untrained(base, renderer, 0)
    before = ask(model, 4)
    constrained = ask(model.constrained(AnswerGrammar(SCHEMAS["ticket"], renderer, JsonStyle())), 4)
    assert ask(model, 4) == before != constrained
    assert not any(is_json(answer.text) for answer in before)


class Script:
    """A network whose most likely tokens are written down, and all others equally unlikely."""

    def __init__(self, token_ids: Sequence[Sequence[int]], vocabulary_size: int) -> None:
        self.rest = [list(tokens) for tokens in token_ids]
        self.size = vocabulary_size

    def start(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> torch.Tensor:
        del prompts, max_new_tokens
        return self.step(None)

    def step(self, tokens: object) -> torch.Tensor:
        del tokens
        logits = torch.zeros(len(self.rest), self.size)
        for row, tokens_left in enumerate(self.rest):
            logits[row, tokens_left.pop(0) if tokens_left else 0] = 9.0
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        self.rest = [self.rest[row] for row in rows.tolist()]


def written(texts: Sequence[str], renderer: Renderer, base: Path, grammar: AnswerGrammar | None) -> list[str]:
    """What a network that wants to write the texts writes."""
    token_ids = [[*renderer._tokenizer.encode(text), min(renderer.stop_token_ids)] for text in texts]
    decoder = GreedyDecoder(load_base(base), "float32", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "open_decoding", lambda *_: Script(token_ids, renderer.vocabulary_size))
        patch.setattr(generate, "decoding_path", lambda *_: ("shared", ""))
        answers = decoder.generate([[1]] * len(texts), 60, renderer.stop_token_ids, grammar=grammar)
    return [renderer.decode(answer.token_ids) for answer in answers]


def test_an_answer_that_fits_anyway_is_the_same_token_by_token(base: Path, renderer: Renderer) -> None:
    fitting = [
        '{"kind": "bug", "urgent": true}',
        '{"kind": "caf\u00e9 \\"x\\"", "urgent": false, "parts": [true, null]}',
    ]
    unfitting = [
        "I am sorry.",
        '{"kind": "bug"}',
        '{"urgent": true, "kind": "bug"}',
        "",
        '{"kind":"bug","urgent":true}',
    ]
    grammar = AnswerGrammar(SCHEMAS["ticket"], renderer, JsonStyle())
    assert written([*fitting, *unfitting], renderer, base, None) == [*fitting, *unfitting]
    answers = written([*fitting, *unfitting], renderer, base, grammar)
    assert answers[:2] == fitting
    assert [grammar.accepts(text) for text in [*fitting, *unfitting]] == [True] * 2 + [False] * 5
    assert all(grammar.accepts(text) for text in answers)
    # What fits of an answer is kept: the key that is missing is added, the value that was written stays.
    assert answers[3].startswith('{"kind": "bug", "urgent": ')


THINKS_NOTHING = replace(
    STYLES["chatml"],
    template=(
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
        "{% if m.role == 'assistant' %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{{ m.content + '<|im_end|>\n' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
)
THINKS_IN_TOKENS = replace(THINKS_NOTHING, control_tokens=("<think>", "</think>", *THINKS_NOTHING.control_tokens))
HEADER_IS_WRITTEN = replace(
    STYLES["chatml"],
    template='{% for m in messages %}<|im_start|>{{ m.role }}\n"{{ m.content }}"<|im_end|>\n{% endfor %}',
)


@pytest.mark.parametrize(
    ("style", "declare_special"),
    [
        *((style, True) for style in (*STYLES.values(), PLAIN, ENDLESS, THINKS_NOTHING, HEADER_IS_WRITTEN)),
        *((style, False) for style in (THINKS_IN_TOKENS, HEADER_IS_WRITTEN)),
    ],
    ids=[*STYLES, "plain", "endless", "empty thoughts", "header", "thoughts of added tokens", "header of added tokens"],
)
def test_what_a_model_is_trained_to_write_may_be_written(
    style: ChatStyle, declare_special: bool, tmp_path: Path
) -> None:
    renderer = load_renderer(write_base(tmp_path / "base", style, declare_special=declare_special))
    grammar = AnswerGrammar(SCHEMAS["ticket"], renderer, JsonStyle())
    answer = '{"kind": "bug", "urgent": true}'
    (sequence,) = renderer.render(chat(("user", "Row 1"), ("assistant", answer)))
    trained = [token for token, weight in zip(sequence.token_ids, sequence.loss_weights, strict=True) if weight]
    rows = grammar.start(2)
    for token in trained:
        logits = torch.zeros(1, renderer.vocabulary_size)
        rows.forbid(logits, [0])
        assert logits[0, token] == 0
        rows.follow(0, token)
    assert rows.matchers[0].is_stopped()
    for token in renderer._tokenizer.encode(answer):  # a base that was not tuned may begin with the answer itself
        rows.follow(1, token)
    assert rows.matchers[1].is_accepting()
    assert grammar.accepts(answer)


def test_a_token_that_leads_away_from_the_grammar_is_an_error_and_not_ignored(renderer: Renderer) -> None:
    rows = AnswerGrammar(SCHEMAS["ticket"], renderer, JsonStyle()).start(1)
    (forbidden,) = renderer._tokenizer.encode("x")
    with pytest.raises(RuntimeError, match=f"row 0: the token {forbidden} leads away from the grammar"):
        rows.follow(0, forbidden)


def test_a_schema_that_cannot_be_enforced_is_refused_with_the_part(renderer: Renderer) -> None:
    with pytest.raises(RecipeError, match='schema: found Unimplemented keys: \\["not"\\]'):
        AnswerGrammar({"not": {"type": "string"}}, renderer, JsonStyle())


def test_without_the_extra_it_is_said_what_to_install(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(MissingExtraError, match=r"tunewright\[constrain\]"):
        AnswerGrammar(SCHEMAS["ticket"], renderer, JsonStyle())
