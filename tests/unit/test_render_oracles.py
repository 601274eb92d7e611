"""The renderer against transformers' apply_chat_template, and the renderer law over random conversations."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from chat_bases import (
    ENDLESS,
    PLAIN,
    SHARED_MODELS,
    STYLES,
    THINKING,
    TOOLS,
    chat,
    text,
    use_pieces,
    write_base,
    write_json,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewright.records import Conversation, Example
from tunewright.render import Renderer, TokenSequence, load_renderer
from tunewright.render.template import PLAIN_TEMPLATE

QUESTION, ANSWER = "What is the capital of France?", "The capital is Paris."
TWO_TURNS = (("user", QUESTION), ("assistant", ANSWER), ("user", "And of Italy?\n\nOne word."), ("assistant", "Rome"))
ODD_TEXT = (("user", "naïve café ☕ 你好\t1234"), ("assistant", "« oui » – 3,14 🙂\n\n- a\n- b"))
LAW_STYLES = {**STYLES, "plain": PLAIN, "thinking": THINKING, "endless": ENDLESS, "tools": TOOLS}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bases")
    return {name: write_base(root / name, style) for name, style in LAW_STYLES.items()}


@pytest.fixture(scope="module")
def renderers(folders: dict[str, Path]) -> dict[str, Renderer]:
    return {name: load_renderer(folder) for name, folder in folders.items()}


def oracle_tokens(folder: Path, messages: Any, *, prompt: bool) -> list[int]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.chat_template = tokenizer.chat_template or PLAIN_TEMPLATE
    rows = [{"role": message.role, "content": message.content} for message in messages]
    return list(tokenizer.apply_chat_template(rows, add_generation_prompt=prompt, return_dict=False))


def conversation(example: Example) -> Conversation:
    assert isinstance(example.body, Conversation)
    return example.body


def trained_spans(sequence: TokenSequence) -> list[tuple[int, int]]:
    edges = [0, *(int(weight) for weight in sequence.loss_weights), 0]
    starts = [i for i, (before, after) in enumerate(pairwise(edges)) if after > before]
    ends = [i for i, (before, after) in enumerate(pairwise(edges)) if after < before]
    return list(zip(starts, ends, strict=True))


@pytest.mark.parametrize("turns", [TWO_TURNS[:2], TWO_TURNS, ODD_TEXT], ids=["one turn", "two turns", "odd text"])
@pytest.mark.parametrize(
    ("style", "with_system"),
    [(name, False) for name in STYLES] + [(name, True) for name, style in STYLES.items() if style.takes_system],
)
def test_tokens_equal_apply_chat_template(
    style: str, with_system: bool, turns: Any, folders: dict[str, Path], renderers: dict[str, Renderer]
) -> None:
    example = chat(*([("system", "Be brief.")] if with_system else []), *turns)
    messages = conversation(example).messages

    (sequence,) = renderers[style].render(example)

    assert list(sequence.token_ids) == oracle_tokens(folders[style], messages, prompt=False)
    prompt = renderers[style].prompt(messages[:-1])
    assert list(prompt.token_ids) == oracle_tokens(folders[style], messages[:-1], prompt=True)


@pytest.mark.parametrize(
    "tokenizer_class", ["GPT2Tokenizer", "Qwen2Tokenizer", "GPTNeoXTokenizerFast", "GemmaTokenizer"]
)
def test_tokens_are_those_of_tokenizer_json_whatever_class_is_named_beside_it(
    tokenizer_class: str, tmp_path: Path
) -> None:
    from tokenizers import Tokenizer, pre_tokenizers

    folder = write_base(tmp_path / "base", STYLES["mistral"], adds_bos=True)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    write_json(folder / "tokenizer_config.json", {**config, "tokenizer_class": tokenizer_class})
    write_json(folder / "config.json", {"vocab_size": 512, "model_type": "llama"})
    oracle = Tokenizer.from_file(str(folder / "tokenizer.json"))
    # As SmolLM2 splits text: the line breaks before a digit stay together.
    oracle.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    oracle.save(str(folder / "tokenizer.json"))
    renderer = load_renderer(folder)

    (sequence,) = renderer.render(chat(("user", "How?"), ("assistant", "Steps:\n\n1. Open it.\n\n12. Close it.")))
    (document,) = renderer.render(text("Steps:\n\n1. Open it."))

    shown = "".join(piece.text for piece in renderer.show(sequence))
    assert list(sequence.token_ids) == oracle.encode(shown, add_special_tokens=False).ids
    assert list(document.token_ids[:-1]) == oracle.encode("Steps:\n\n1. Open it.").ids


@pytest.mark.parametrize("style", STYLES)
def test_whether_a_template_writes_system_messages_is_found_by_trying(
    style: str, renderers: dict[str, Renderer]
) -> None:
    # Gemma's refuses them; ours in the style of Llama 2 leaves them out.
    assert renderers[style].takes_system == (style not in ("gemma", "llama2"))


@pytest.mark.parametrize("style", STYLES)
def test_trained_tokens_are_each_answer_and_its_end_of_turn(style: str, renderers: dict[str, Renderer]) -> None:
    (sequence,) = renderers[style].render(chat(*TWO_TURNS))
    pieces = renderers[style].show(sequence)
    trained = ["".join(piece.text for piece in pieces[start:end]) for start, end in trained_spans(sequence)]
    end = STYLES[style].end_of_turn
    # Mistral and Llama 2 write spaces around the answer, which the model has to write too.
    left = " " if style in ("mistral", "llama2") else ""
    right = " " if style == "llama2" else ""
    assert trained == [f"{left}{ANSWER}{right}{end}", f"{left}Rome{right}{end}"]


def test_decoding_leaves_nothing_of_a_header_that_the_prompt_does_not_write(tmp_path: Path) -> None:
    template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    renderer = load_renderer(write_base(tmp_path / "base", replace(STYLES["chatml"], template=template)))
    (sequence,) = renderer.render(chat(("user", QUESTION), ("assistant", ANSWER)))
    ((start, end),) = trained_spans(sequence)
    shown = "".join(piece.text for piece in renderer.show(sequence)[start:end])
    assert shown == f"<|im_start|>assistant\n{ANSWER}<|im_end|>"
    assert renderer.decode(sequence.token_ids[start:end]) == ANSWER


@pytest.mark.parametrize("eats_spaces", [False, True])
@pytest.mark.parametrize(
    "header",
    ["<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n", "<|start_header_id|> {{ m.role }} \n"],
)
def test_decoding_drops_a_header_as_the_tokenizer_decodes_it(tmp_path: Path, header: str, eats_spaces: bool) -> None:
    template = f"{{% for m in messages %}}{header}{{{{ m.content }}}}<|eot_id|>{{% endfor %}}"
    folder = write_base(tmp_path / "base", replace(STYLES["llama3"], template=template))
    renderer = load_renderer(use_pieces(folder, eats_spaces=eats_spaces))
    (sequence,) = renderer.render(chat(("user", QUESTION), ("assistant", ANSWER)))
    ((start, end),) = trained_spans(sequence)
    assert renderer.decode(sequence.token_ids[start:end]) == ANSWER
    streamed = [renderer.decode(sequence.token_ids[start:place]) for place in range(start, end)]
    assert all(ANSWER.startswith(text) for text in streamed)


@pytest.mark.parametrize("style", LAW_STYLES)
def test_decoding_an_answers_tokens_gives_the_answer(style: str, renderers: dict[str, Renderer]) -> None:
    (sequence,) = renderers[style].render(chat(("user", QUESTION), ("assistant", ANSWER)))
    ((start, end),) = trained_spans(sequence)
    assert renderers[style].decode(sequence.token_ids[start:end]) == ANSWER
    assert renderers[style].decode(sequence.token_ids[start:]) == ANSWER
    assert renderers[style].decode(sequence.token_ids[start : end - 1]) == ANSWER
    assert sequence.token_ids[end - 1] in renderers[style].stop_token_ids


@pytest.mark.parametrize("style", STYLES)
def test_an_answer_with_weight_zero_is_read_but_not_trained(style: str, renderers: dict[str, Renderer]) -> None:
    both = chat(*TWO_TURNS)
    second = chat(TWO_TURNS[0], ("assistant", ANSWER, 0), *TWO_TURNS[2:])
    (all_trained,), (last_trained,) = renderers[style].render(both), renderers[style].render(second)
    assert last_trained.token_ids == all_trained.token_ids
    assert trained_spans(last_trained) == trained_spans(all_trained)[1:]


def test_turns_behind_the_last_trained_answer_are_left_out(renderers: dict[str, Renderer]) -> None:
    example = chat(*TWO_TURNS[:3], ("assistant", "Rome", 0))
    assert renderers["chatml"].render(example)[0].token_ids == (
        renderers["chatml"].render(chat(*TWO_TURNS[:2]))[0].token_ids
    )


def test_a_template_that_strips_thinking_gives_one_sequence_per_trained_turn(
    folders: dict[str, Path], renderers: dict[str, Renderer]
) -> None:
    example = chat(
        ("user", QUESTION),
        ("assistant", "<think>France</think>Paris"),
        ("user", "And Italy?"),
        ("assistant", "<think>Italy</think>Rome"),
    )
    messages = conversation(example).messages
    first, second = renderers["thinking"].render(example)
    assert list(first.token_ids) == oracle_tokens(folders["thinking"], messages[:2], prompt=False)
    assert list(second.token_ids) == oracle_tokens(folders["thinking"], messages, prompt=False)
    assert [len(trained_spans(sequence)) for sequence in (first, second)] == [1, 1]


@pytest.mark.parametrize(
    ("style", "gpt2_split", "answer"),
    [
        # The header ends in a line break, which an answer's own line break would join to one token.
        pytest.param("chatml", False, "\nParis", id="answer begins with a line break"),
        # GPT-2's pattern reads two line breaks as one token at the end of a text, and as two before a word.
        pytest.param("llama3", True, "Paris", id="header is read differently at the end of a text"),
    ],
)
def test_an_answer_that_would_merge_with_the_header_is_encoded_apart(
    style: str, gpt2_split: bool, answer: str, tmp_path: Path
) -> None:
    folder = write_base(tmp_path / style, STYLES[style], gpt2_split=gpt2_split)
    renderer = load_renderer(folder)
    example = chat(("user", QUESTION), ("assistant", answer))
    prompt_ids = list(renderer.prompt(conversation(example).prompt).token_ids)
    assert oracle_tokens(folder, conversation(example).messages, prompt=False)[: len(prompt_ids)] != prompt_ids

    (sequence,) = renderer.render(example)

    ((start, end),) = trained_spans(sequence)
    assert list(sequence.token_ids[:start]) == prompt_ids
    assert renderer.decode(sequence.token_ids[start:end]) == answer


MODEL_FOLDERS = [
    pytest.param(name, marks=[] if (SHARED_MODELS / name).exists() else pytest.mark.skip(f"no {name} in ../shared"))
    for name in ("mini-base-v0", "tinystories-260k-llama")
]


@pytest.mark.parametrize("name", MODEL_FOLDERS)
@pytest.mark.parametrize("turns", [TWO_TURNS, ODD_TEXT], ids=["two turns", "odd text"])
def test_real_models_render_as_transformers_does(name: str, turns: Any) -> None:
    example = chat(*turns)
    messages = conversation(example).messages
    renderer = load_renderer(SHARED_MODELS / name)
    (sequence,) = renderer.render(example)
    assert list(sequence.token_ids) == oracle_tokens(SHARED_MODELS / name, messages, prompt=False)
    prompt = renderer.prompt(messages[:-1])
    assert list(prompt.token_ids) == oracle_tokens(SHARED_MODELS / name, messages[:-1], prompt=True)
    start, end = trained_spans(sequence)[-1]
    assert renderer.decode(sequence.token_ids[start:end]) == messages[-1].content


# Characters of one to four bytes, and what merges or splits tokens or makes a template rewrite history.
CHARACTERS = st.sampled_from([*"aeP .,'0\n\t\u00e9\u4f60\U0001f642", " answer", "\n\n", "The", "</think>"])
CONTENT = st.builds(lambda parts, times: "".join(parts) * times, st.lists(CHARACTERS, max_size=20), st.integers(1, 20))
ANSWERS = (
    st.lists(CHARACTERS, min_size=1, max_size=12)
    .map("".join)
    .filter(lambda text: bool(text.replace("</think>", "").strip()))
)
TURNS = st.lists(st.tuples(CONTENT, ANSWERS, st.integers(0, 1)), min_size=1, max_size=3)


@pytest.mark.parametrize("style", LAW_STYLES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=TURNS, system=st.none() | CONTENT, room=st.sampled_from([60, 120, 4000]))
def test_a_sequence_starts_with_the_prompt_the_model_is_given(
    style: str, turns: Any, system: str | None, room: int, renderers: dict[str, Renderer]
) -> None:
    renderer = renderers[style].fitted(max_length=room + 60, max_answer_tokens=60)
    rows: list[Any] = [("system", system)] if system is not None and renderer.takes_system else []
    for index, (question, answer, weight) in enumerate(turns):
        is_last = index == len(turns) - 1
        rows += [("user", f"Q{question}"), ("assistant", answer, 1 if is_last else weight)]
    example = chat(*rows)
    messages = conversation(example).messages
    trained = [index for index, message in enumerate(messages) if message.is_trained]
    try:
        sequences = renderer.render(example)
    except ValueError as error:
        # Several long messages: only the longest can be shortened.
        assert "stays too long without its longest message" in str(error)  # noqa: PT017
        return

    spans = [(sequence, span) for sequence in sequences for span in trained_spans(sequence)]
    assert len(spans) == len(trained)
    assert len(sequences) in (1, len(trained))
    for (sequence, (start, end)), index in zip(spans, trained, strict=True):
        assert sequence.token_ids[:start] == renderer.prompt(messages[:index]).token_ids
        assert start <= room
        assert end <= len(sequence.token_ids) <= room + 60
        assert renderer.decode(sequence.token_ids[start:end]).strip() == messages[index].content.strip()
