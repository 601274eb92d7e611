"""Answers in order, losses against a reference of one row at a time, and streams that equal the answer."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from chat_bases import STYLES, chat, text, user, write_base
from tiny_base import write_tiny_base

from tunewright.errors import RenderError
from tunewright.model import decode, language_model, layout
from tunewright.model.generate import Continuation, generate_greedy
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import load_base
from tunewright.records import Answer, Example, Message, TokenLoss
from tunewright.render import Renderer, TokenSequence, load_renderer

BAD = "an <|im_end|> in the text"
EXAMPLES = [
    chat(("user", "Where?"), ("assistant", "In Rome, I think.")),
    chat(("user", "a much longer question"), ("assistant", "ok"), ("user", "more?"), ("assistant", "no more")),
    chat(("user", BAD), ("assistant", "ok")),
    text("A text that is cut into several windows of at most forty tokens each. " * 3),
    chat(("user", "Who?"), ("assistant", "Not I", 0), ("user", "Who then?"), ("assistant", "You")),
]


class Counter:
    """An `advance` that adds up."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, done: int = 1, note: str = "") -> None:
        del note
        self.calls.append(done)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


@pytest.fixture(scope="module")
def renderer(base: Path) -> Renderer:
    return load_renderer(base).fitted(max_length=60, max_answer_tokens=20)


@pytest.fixture
def model(base: Path, renderer: Renderer) -> LanguageModel:
    return LanguageModel(load_base(base), renderer, "float32", rows_per_batch=2)


def system(text: str) -> list[Message]:
    return [Message(role="system", content=text)]


def reference_nats(model: LanguageModel, sequence: TokenSequence) -> float:
    """Minus the sum of log p over the trained tokens, without batch, padding or cut of the head."""
    with torch.no_grad():
        log_p = model.network(torch.tensor([sequence.token_ids])).logits[0].log_softmax(-1)
    trained = [t for t, weight in enumerate(sequence.loss_weights) if weight]
    return -sum(log_p[t - 1, sequence.token_ids[t]].item() for t in trained)


def poison(model: LanguageModel) -> None:
    with torch.no_grad():
        model.network.get_output_embeddings().weight[7] = float("nan")


# Answers


def test_answers_come_in_the_order_of_the_prompts_and_equal_those_given_alone(model: LanguageModel) -> None:
    prompts = [user("Hi"), user("A question of more words than that?"), user(BAD), user("Why?"), user("And then what?")]
    advance = Counter()
    answers = model.answer(prompts, advance)
    alone = replace(model, rows_per_batch=1)
    assert answers == [alone.answer([prompt], Counter())[0] for prompt in prompts]
    assert [answer.num_prompt_tokens for answer in answers if answer.finish != "failed"] == [
        len(model.renderer.prompt(prompt).token_ids) for prompt in prompts if prompt != user(BAD)
    ]
    assert advance.calls == [1, 2, 2]


def test_a_model_kept_for_answering_gives_the_same_answers_call_by_call(model: LanguageModel) -> None:
    prompts = [[*system("Answer shortly and in good English, please."), *user(text)] for text in ("Hi", "Why?", "So?")]
    kept = model.for_answering()
    assert [kept.answer([prompt], Counter())[0] for prompt in prompts] == model.answer(prompts, Counter())
    assert kept.answer(prompts, Counter()) == model.answer(prompts, Counter())


def test_a_model_kept_for_answering_has_tried_its_network_before_the_first_answer(
    base: Path, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = LanguageModel(load_base(base), renderer, "float32").for_answering()
    tried: list[object] = []
    monkeypatch.setattr(decode, "_try", lambda *which: tried.append(which))
    monkeypatch.setattr(layout, "try_layouts", tried.append)
    kept.answer([user("Where?")], Counter())
    assert tried == [], "the time of the trials would be that of the first answers"


def test_why_answers_take_the_slower_way_is_known(model: LanguageModel, tmp_path: Path) -> None:
    assert model.slow_answers is None
    capped = replace(model, network=load_base(write_tiny_base(tmp_path / "base", "gemma2")))
    assert capped.slow_answers is not None
    assert "softcap" in capped.slow_answers


def test_a_prompt_that_cannot_be_rendered_fails_alone_with_its_reason(model: LanguageModel) -> None:
    good, bad = model.answer([user("Hi"), user(BAD)], Counter())
    assert good.finish in ("stop", "length")
    assert good.text is not None
    assert (bad.text, bad.finish) == (None, "failed")
    assert bad.reason is not None
    assert "<|im_end|> in the text" in bad.reason


def test_an_answer_has_at_most_max_answer_tokens(model: LanguageModel) -> None:
    (answer,) = model.answer([user("Hi")], Counter())
    (short,) = replace(model, renderer=model.renderer.fitted(60, 3)).answer([user("Hi")], Counter())
    assert answer.num_answer_tokens > 3
    assert (short.num_answer_tokens, short.finish) == (3, "length")


def test_logits_that_are_not_finite_give_an_answer_with_that_reason(model: LanguageModel) -> None:
    poison(model)
    (answer,) = model.answer([user("Hi")], Counter())
    assert (answer.text, answer.finish) == (None, "failed")
    assert answer.reason == "the model's logits were not finite numbers"


# Losses


def test_token_losses_equal_a_reference_of_one_row_at_a_time(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So few that the rows are spread over several batches.
    monkeypatch.setattr(language_model, "TOKENS_PER_SCORING_BATCH", 100)
    advance = Counter()
    found = model.token_losses(EXAMPLES, advance)
    assert sum(advance.calls) == len(EXAMPLES)
    assert len(model.renderer.render(EXAMPLES[3])) > 2
    for index, (example, loss) in enumerate(zip(EXAMPLES, found, strict=True)):
        if index == 2:
            assert isinstance(loss, str)
            assert "<|im_end|> in the text" in loss
            continue
        sequences = model.renderer.render(example)
        assert isinstance(loss, TokenLoss)
        assert loss.num_tokens == sum(sequence.num_trained_tokens for sequence in sequences)
        assert loss.sum_nats == pytest.approx(sum(reference_nats(model, one) for one in sequences), rel=1e-5)


def test_a_loss_that_is_no_number_is_a_reason(model: LanguageModel) -> None:
    poison(model)
    assert model.token_losses(EXAMPLES[:1], Counter()) == ["the loss is nan"]


def sequences_of(model: LanguageModel, examples: Sequence[Example]) -> list[TokenSequence]:
    return [sequence for example in examples for sequence in model.renderer.render(example)]


def test_mean_loss_weighs_every_trained_token_alike(model: LanguageModel) -> None:
    sequences = sequences_of(model, [EXAMPLES[3], EXAMPLES[0]])
    advance = Counter()
    expected = sum(reference_nats(model, one) for one in sequences) / sum(one.num_trained_tokens for one in sequences)
    assert model.mean_loss(sequences, advance) == pytest.approx(expected, rel=1e-5)
    assert sum(advance.calls) == len(sequences)
    poison(model)
    assert math.isnan(model.mean_loss(sequences, advance))


@pytest.mark.parametrize("is_training", [True, False])
def test_scoring_uses_no_dropout_and_leaves_the_network_in_its_mode(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch, is_training: bool
) -> None:
    modes = []
    real = language_model.trained_token_losses

    def watched(network: Any, batch: Any) -> Any:
        modes.append(network.training)
        return real(network, batch)

    monkeypatch.setattr(language_model, "trained_token_losses", watched)
    model.network.train(is_training)
    model.mean_loss(sequences_of(model, EXAMPLES[:2]), Counter())
    assert set(modes) == {False}
    assert model.network.training is is_training


@pytest.mark.parametrize("ask", ["mean_loss", "writes"])
def test_scoring_that_breaks_off_leaves_the_network_in_its_mode(
    ask: str, model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(language_model, "trained_token_losses", out_of_memory)
    monkeypatch.setattr(language_model, "trained_logits", out_of_memory)
    sequences = sequences_of(model, EXAMPLES[:2])
    model.network.train()
    try:
        if ask == "mean_loss":
            model.mean_loss(sequences, Counter())
        else:
            model.writes(sequences)
    except MemoryError:
        # Here, and not only once the error and the frames it holds are gone.
        assert model.network.training
    else:
        raise AssertionError("nothing was asked")


# Streams


def test_the_streamed_text_equals_the_answer_of_a_batch(model: LanguageModel) -> None:
    """A random model writes random bytes: many of them are no characters, or only parts of one."""
    for question in ("Hi", "Why?", "And then what?"):
        pieces: list[str] = []
        streamed = model.stream(user(question), pieces.append)
        (expected,) = model.answer([user(question)], Counter())
        assert streamed == expected
        assert "".join(pieces) == expected.text


def test_a_message_that_cannot_be_rendered_is_an_error_in_a_stream(model: LanguageModel) -> None:
    with pytest.raises(RenderError, match=r"<\|im_end\|> in the text"):
        model.stream(user(BAD), lambda _: None)


def scripted_stream(renderer: Renderer, answer: str, num_tokens: int | None = None) -> tuple[list[str], Answer]:
    """What is handed over while a model writes `answer` token by token (only the first `num_tokens`)."""
    token_ids = renderer._tokenizer.encode(answer)[:num_tokens]

    class Script:
        def generate(self, prompts: Any, max_new: int, stop: Any, on_token: Any, *more: Any) -> list[Continuation]:
            del prompts, max_new, stop, more
            for token_id in token_ids:
                on_token(token_id)
            return [Continuation(token_ids, "length" if num_tokens else "stop")]

    pieces: list[str] = []
    decoder: Any = Script()
    answered = LanguageModel(decoder, renderer, "float32", decoder=decoder).stream(user("Hi"), pieces.append)
    return pieces, answered


def test_a_character_of_several_tokens_is_handed_over_whole(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces, answer = scripted_stream(renderer, "a ☕ 🙂 é!<|im_end|>\n")
    assert answer.text == "".join(pieces) == "a ☕ 🙂 é!"
    assert {"☕", "🙂", "é"} <= set(pieces)
    assert not any("\ufffd" in piece for piece in pieces)


def test_an_answer_that_is_cut_within_a_character_is_still_handed_over(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces, answer = scripted_stream(renderer, "a🙂", num_tokens=3)
    assert answer.text == "".join(pieces) == "a\ufffd"


def test_what_the_template_writes_before_an_answer_is_not_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Qwen3's template, which opens the last answer with an empty <think> block."""
    chatml = STYLES["chatml"]
    content = "{{ '<|im_start|>' + message.role + '\n' + message.content"
    opening = "('<think>\n\n</think>\n\n' if message.role == 'assistant' else '')"
    template = (chatml.template or "").replace(
        content, content.replace("message.content", f"{opening} + message.content")
    )
    renderer = load_renderer(write_base(tmp_path / "base", replace(chatml, template=template))).fitted(100, 50)
    pieces, answer = scripted_stream(renderer, "<think>\n\n</think>\n\nIn Rome.<|im_end|>\n")
    assert answer.text == "".join(pieces) == "In Rome."


def test_what_greedy_decoding_writes_is_told_without_decoding(model: LanguageModel) -> None:
    prompts = [(5, 6, 7), (9, 4, 12, 8), (3, 3)]
    written = generate_greedy(
        model.network, prompts, max_new_tokens=6, stop_token_ids=frozenset(), pad_token_id=0
    )  # fmt: skip
    right = [
        TokenSequence("", (*prompt, *found.token_ids), (0.0,) * len(prompt) + (1.0,) * 6, None)
        for prompt, found in zip(prompts, written, strict=True)
    ]
    wrong = [
        TokenSequence("", (*one.token_ids[:-2], one.token_ids[-2] + 1, one.token_ids[-1]), one.loss_weights, None)
        for one in right
    ]
    assert model.writes([right[0], wrong[1], right[2], wrong[0], right[1]]) == [True, False, True, False, True]
    assert model.writes([]) == []
