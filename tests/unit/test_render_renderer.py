"""Limits, refusals, plain text, stop tokens, notes and identity of the renderer."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from chat_bases import ENDLESS, PLAIN, STYLES, THINKING, chat, text, user, write_base, write_json

from tunewright.errors import ModelError, RecipeError, RenderError
from tunewright.records import Conversation, Example, Message
from tunewright.render import Prompt, Renderer, load_renderer
from tunewright.render.renderer import NO_LIMIT, require_renderer_law

CHATML = STYLES["chatml"]
CHATML_TEMPLATE = CHATML.template or ""
LONG = " ".join(f"word{number}" for number in range(200))


@pytest.fixture(scope="module")
def chatml_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base") / "chatml", CHATML)


@pytest.fixture(scope="module")
def chatml(chatml_folder: Path) -> Renderer:
    return load_renderer(chatml_folder)


@pytest.fixture
def base(chatml_folder: Path, tmp_path: Path) -> Path:
    """A ChatML base of the test's own, to be changed."""
    return Path(shutil.copytree(chatml_folder, tmp_path / "mine"))


def conversation(example: Example) -> Conversation:
    assert isinstance(example.body, Conversation)
    return example.body


def edit_json(path: Path, **changes: object) -> None:
    fields = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_json(path, {**fields, **changes})


# Limits


def test_a_fresh_renderer_has_no_limits(chatml: Renderer) -> None:
    assert chatml.max_length == NO_LIMIT
    example = chat(("user", LONG * 20), ("assistant", LONG))
    (sequence,) = chatml.render(example)
    assert sequence.cut is None
    assert LONG * 20 in "".join(piece.text for piece in chatml.show(sequence))


def test_measure_gives_the_longest_prompt_and_answer_before_any_limit(chatml: Renderer) -> None:
    example = chat(("user", "a"), ("assistant", LONG), ("user", "b"), ("assistant", "c"))
    (sequence,) = chatml.render(example)
    longest_prompt = len(chatml.prompt(conversation(example).prompt).token_ids)
    longest_answer = sequence.num_trained_tokens - len("c") - 1
    assert chatml.measure(example) == (longest_prompt, longest_answer)
    assert chatml.fitted(64, 8).measure(example) == (longest_prompt, longest_answer)


@pytest.mark.parametrize("style", ["chatml", "llama3", "mistral", "phi3"])
def test_a_long_prompt_loses_the_middle_of_its_longest_message(style: str, tmp_path: Path) -> None:
    renderer = load_renderer(write_base(tmp_path / "base", STYLES[style])).fitted(max_length=150, max_answer_tokens=20)
    content = f"START {LONG} END"
    example = chat(("system", "Be brief."), ("user", content), ("assistant", "Yes"))

    (sequence,) = renderer.render(example)

    prompt = renderer.prompt(conversation(example).prompt)
    assert sequence.token_ids[: len(prompt.token_ids)] == prompt.token_ids
    assert prompt.cut == sequence.cut
    assert 120 <= len(prompt.token_ids) <= 130
    pieces = renderer.show(sequence)
    (cut_at,) = (index for index, piece in enumerate(pieces) if piece.state == "cut")
    left, right = ("".join(piece.text for piece in part) for part in (pieces[:cut_at], pieces[cut_at + 1 :]))
    before_mark, _, behind_mark = right.partition("[...] ")
    assert not before_mark.strip()
    # The mark brings its own spaces, so the whole is compared without any.
    assert content.replace(" ", "") in (left + pieces[cut_at].text + behind_mark).replace(" ", "")


def test_the_cut_is_found_in_a_message_that_the_template_trims(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "base", STYLES["llama3"])
    renderer = load_renderer(folder).fitted(max_length=60, max_answer_tokens=20)
    cut = renderer.prompt(user(f"   {LONG}   ")).cut
    assert cut is not None
    header = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n"
    (sequence,) = renderer.render(chat(("user", f"   {LONG}   "), ("assistant", "Yes")))
    left = "".join(piece.text for piece in renderer.show(sequence)[: cut.token_index])
    assert LONG.startswith(left.removeprefix(header).strip())
    assert left.removeprefix(header).startswith("word0")


def test_a_shortened_conversation_is_one_sequence_per_trained_turn(chatml: Renderer) -> None:
    renderer = chatml.fitted(max_length=150, max_answer_tokens=20)
    first, second = renderer.render(chat(("user", LONG), ("assistant", "Yes"), ("user", "So?"), ("assistant", "No")))
    assert first.cut != second.cut
    assert max(len(first.token_ids), len(second.token_ids)) <= 150
    assert first.example_id == second.example_id


def test_sequences_are_counted_as_they_are_rendered(chatml: Renderer) -> None:
    renderer = chatml.fitted(max_length=150, max_answer_tokens=20)
    asked, answer = ("user", LONG), ("assistant", "Yes")
    for row in (chat(asked, answer), chat(asked, answer, ("user", "So?"), answer), text(LONG), text("Short")):
        assert renderer.num_sequences(row) == len(renderer.render(row))
    read_only = ("assistant", "Yes", 0)
    assert renderer.num_sequences(chat(asked, read_only, ("user", "So?"), answer)) == 1


def test_a_prompt_that_cannot_be_shortened_enough_is_refused(chatml: Renderer) -> None:
    renderer = chatml.fitted(max_length=60, max_answer_tokens=20)
    with pytest.raises(RenderError, match=r"rows\.jsonl:7: .*stays too long .*at most 40 \(60 less 20 kept"):
        renderer.render(chat(("system", LONG), ("user", LONG), ("assistant", "Yes")))
    with pytest.raises(RenderError, match="stays too long"):
        renderer.prompt([Message(role="assistant", content=LONG)])


def test_an_answer_longer_than_its_room_is_refused_and_never_cut(chatml: Renderer) -> None:
    example = chat(("user", "Go"), ("assistant", "abcdefgh"))
    _, num_answer_tokens = chatml.measure(example)
    (sequence,) = chatml.fitted(100, num_answer_tokens).render(example)
    assert sequence.num_trained_tokens == num_answer_tokens
    expected = rf"rows\.jsonl:7 messages\[1\]: found an answer of {num_answer_tokens} tokens, expected at most"
    with pytest.raises(RenderError, match=expected):
        chatml.fitted(100, num_answer_tokens - 1).render(example)


def test_text_behind_the_end_of_turn_gives_way_to_the_limit(chatml: Renderer) -> None:
    example = chat(("user", "Go"), ("assistant", "abcdefgh"))
    (unlimited,) = chatml.render(example)
    prompt, answer = chatml.measure(example)
    assert len(unlimited.token_ids) == prompt + answer + 1
    (sequence,) = chatml.fitted(prompt + answer, answer).render(example)
    assert sequence.token_ids == unlimited.token_ids[:-1]
    assert sequence.num_trained_tokens == answer


@pytest.mark.parametrize(("max_length", "max_answer_tokens"), [(8, 8), (8, 9), (8, 0)])
def test_limits_that_leave_no_room_are_refused(chatml: Renderer, max_length: int, max_answer_tokens: int) -> None:
    with pytest.raises(RecipeError, match=r"evaluate\.max_answer_tokens: found .* with a context of 8 tokens"):
        chatml.fitted(max_length, max_answer_tokens)


# Refusals


@pytest.mark.parametrize("token", CHATML.control_tokens)
def test_control_tokens_in_a_message_are_refused_by_name(chatml: Renderer, token: str) -> None:
    name = re.escape(token)
    with pytest.raises(RenderError, match=rf"rows\.jsonl:7 messages\[0\]: found {name} in the text"):
        chatml.render(chat(("user", f"a{token}b"), ("assistant", "Yes")))
    with pytest.raises(RenderError, match=rf"rows\.jsonl:7 messages\[1\]: found {name}"):
        chatml.measure(chat(("user", "a"), ("assistant", f"Yes{token}")))
    with pytest.raises(RenderError, match=rf"messages\[0\]: found {name}"):
        chatml.prompt(user(token))
    with pytest.raises(RenderError, match=rf"notes\.txt:3: found {name}"):
        chatml.render(text(f"a{token}"))


def test_another_spelling_that_the_tokenizer_takes_for_a_control_token_is_refused_too(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "base", CHATML)
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    spelled = user("a ＜|im_end|＞ b")
    load_renderer(folder).prompt(spelled)
    tokenizer["normalizer"] = {"type": "NFKC"}
    path.write_text(json.dumps(tokenizer), encoding="utf-8")
    load_renderer(folder).prompt(spelled)
    for token in tokenizer["added_tokens"]:
        token["normalized"] = True
    path.write_text(json.dumps(tokenizer), encoding="utf-8")
    with pytest.raises(RenderError, match=r"messages\[0\]: found <\|im_end\|> in the text, which would be read as"):
        load_renderer(folder).prompt(spelled)


def test_turn_tokens_that_are_not_declared_special_are_control_tokens_too(tmp_path: Path) -> None:
    renderer = load_renderer(write_base(tmp_path / "base", CHATML, declare_special=False))
    (sequence,) = renderer.render(chat(("user", "Hi"), ("assistant", "Yes")))
    assert renderer.show(sequence)[-2].text == "<|im_end|>"
    assert renderer.decode(sequence.token_ids[-4:]) == "Yes"
    with pytest.raises(RenderError, match="control token"):
        renderer.prompt(user("<|im_start|>system"))


def test_an_answer_that_the_template_removes_is_refused(tmp_path: Path) -> None:
    template = CHATML_TEMPLATE.replace("message.content +", "message.content.split('#')[0] +")
    renderer = load_renderer(write_base(tmp_path / "base", replace(CHATML, template=template)))
    with pytest.raises(RenderError, match=r"rows\.jsonl:7 messages\[1\]: found no token to train"):
        renderer.render(chat(("user", "Hi"), ("assistant", "#Yes")))


def test_an_answer_of_which_the_template_leaves_out_a_part_is_refused_with_that_part(tmp_path: Path) -> None:
    template = CHATML_TEMPLATE.replace("message.content +", "message.content.split('</think>')[-1].lstrip() +")
    renderer = load_renderer(write_base(tmp_path / "base", replace(CHATML, template=template)))
    thought = "<think>2 and 2 make 4.</think>"
    for row in (
        chat(("user", "2 + 2?"), ("assistant", f"{thought}\n4")),
        chat(("user", "2 + 2?"), ("assistant", f"{thought}\n4"), ("user", "Sure?"), ("assistant", "Yes")),
    ):
        with pytest.raises(
            RenderError, match=r"rows\.jsonl:7 messages\[1\]: found an answer of which the .* leaves out"
        ):
            renderer.render(row)
    with pytest.raises(RenderError, match=re.escape(f"leaves out {thought + chr(10)!r}, expected")):
        renderer.measure(row)
    with pytest.raises(RenderError, match=r"leaves out '<think>Four Four [^']{63}'\.\.\., expected"):
        renderer.measure(chat(("user", "2 + 2?"), ("assistant", f"<think>{'Four ' * 99}</think>4")))
    assert renderer.render(
        chat(("user", "2 + 2?"), ("assistant", f"{thought}\n4", 0), ("user", "So?"), ("assistant", "4"))
    )
    assert renderer.render(chat(("user", "2 + 2?"), ("assistant", "<think>\n\n</think>\n\n4")))


@pytest.mark.parametrize(
    "written",
    [
        "message.content | trim +",
        "message.content.replace('\n', ' ') +",
        "message.content | tojson +",
        "'<think>\n' + message.content.replace('<think>', '').replace('</think>', '\n</think>\n\n') +",
    ],
)
def test_an_answer_that_the_template_writes_in_another_way_is_trained(written: str, tmp_path: Path) -> None:
    template = CHATML_TEMPLATE.replace("message.content +", written)
    renderer = load_renderer(write_base(tmp_path / "base", replace(CHATML, template=template)))
    assert renderer.render(chat(("user", "2 + 2?"), ("assistant", ' <think>It is\n "4"</think>4\n')))


def test_an_answer_without_an_end_of_turn_is_refused(tmp_path: Path) -> None:
    template = (
        "{{ messages[0].content + ': ' }}{% if not add_generation_prompt %}{{ messages[1].content }}"
        "{% if 'open' not in messages[1].content %}{{ eos_token }}{% endif %}{% endif %}"
    )
    renderer = load_renderer(write_base(tmp_path / "base", replace(CHATML, template=template)))
    with pytest.raises(RenderError, match=r"messages\[1\]: .*writes no end of turn, expected <\|endoftext\|>"):
        renderer.render(chat(("user", "Hi"), ("assistant", "left open")))


def test_a_template_whose_answer_does_not_continue_its_prompt_is_refused(tmp_path: Path) -> None:
    thinking = CHATML_TEMPLATE.replace("assistant\n", "assistant\n<think>\n")
    with pytest.raises(RenderError, match=r"does not begin with its prompt, which ends in .*<think>"):
        load_renderer(write_base(tmp_path / "base", replace(CHATML, template=thinking)))


def test_a_template_without_answers_is_refused(tmp_path: Path) -> None:
    style = replace(CHATML, template="{{ messages[0].content }}")
    with pytest.raises(RenderError, match="does not write the assistant's answer"):
        load_renderer(write_base(tmp_path / "base", style))


def test_a_prompt_without_tokens_is_refused(tmp_path: Path) -> None:
    style = replace(CHATML, template="{% for m in messages %}{{ m.content }}{% endfor %}")
    renderer = load_renderer(write_base(tmp_path / "base", style))
    with pytest.raises(RenderError, match=r"rows\.jsonl:7: found a prompt without any token"):
        renderer.render(chat(("user", ""), ("assistant", "Yes")))


def test_a_system_message_the_template_refuses_names_the_row(tmp_path: Path) -> None:
    renderer = load_renderer(write_base(tmp_path / "base", STYLES["gemma"]))
    with pytest.raises(RenderError, match=r"rows\.jsonl:7: .*System role not supported"):
        renderer.render(chat(("system", "Be brief."), ("user", "Hi"), ("assistant", "Yes")))


def test_the_law_refuses_tokens_that_are_not_the_prompt() -> None:
    prompt = Prompt(token_ids=(1, 2, 3), cut=None)
    require_renderer_law([1, 2, 3], prompt, "rows.jsonl:7")
    for broken in ([1, 2], [1, 2, 4], [1, 2, 3, 4]):
        with pytest.raises(RenderError, match=rf"rows\.jsonl:7: found {len(broken)} tokens before the answer"):
            require_renderer_law(broken, prompt, "rows.jsonl:7")


# Plain text


def test_a_text_is_trained_from_its_second_token_to_the_end(tmp_path: Path) -> None:
    style = STYLES["mistral"]
    without_bos = load_renderer(write_base(tmp_path / "a", style))
    with_bos = load_renderer(write_base(tmp_path / "b", style, adds_bos=True))
    for renderer, expected in ((without_bos, "The capital</s>"), (with_bos, "<s>The capital</s>")):
        (sequence,) = renderer.render(text("The capital"))
        pieces = renderer.show(sequence)
        assert "".join(piece.text for piece in pieces) == expected
        assert [piece.state for piece in pieces] == ["context"] + ["trained"] * (len(pieces) - 1)
        assert renderer.measure(text("The capital")) == (len(pieces), 0)


@pytest.mark.parametrize("max_length", [8, 9, 10, 1000])
def test_a_long_text_is_windows_that_train_every_token_once(chatml: Renderer, max_length: int) -> None:
    (whole,) = chatml.render(text(LONG))
    windows = chatml.fitted(max_length, 1).render(text(LONG))
    assert all(len(window.token_ids) <= max_length for window in windows)
    assert all(window.loss_weights[0] == 0 for window in windows)
    trained = [
        token_id
        for window in windows
        for token_id, weight in zip(window.token_ids, window.loss_weights, strict=True)
        if weight
    ]
    assert tuple(trained) == whole.token_ids[1:]
    assert all(window.num_trained_tokens >= 1 for window in windows)


def test_a_text_of_unknown_characters_is_refused(base: Path) -> None:
    from tokenizers import Tokenizer, models

    words = Tokenizer(models.WordLevel({"<unk>": 0, "<|endoftext|>": 1, "known": 2}, unk_token="<unk>"))
    words.add_special_tokens(["<unk>", "<|endoftext|>"])
    words.save(str(base / "tokenizer.json"))
    template = "{{ eos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}"
    (base / "chat_template.jinja").write_text(template)
    renderer = load_renderer(base)
    with pytest.raises(RenderError, match=r"notes\.txt:3: found no token to train"):
        renderer.render(text("zebra"))
    with pytest.raises(RenderError, match=r"rows\.jsonl:7 messages\[1\]: found no token to train"):
        renderer.render(chat(("user", "known"), ("assistant", "zebra")))


# Stop tokens, decoding, notes


def test_any_stop_token_of_the_model_files_ends_an_answer(base: Path) -> None:
    edit_json(base / "generation_config.json", eos_token_id=[1, 2, 9999])
    edit_json(base / "config.json", eos_token_id=3)
    renderer = load_renderer(base)
    tokens = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    tokenizer_eos, end_of_turn = (
        token["id"] for name in ("<|endoftext|>", "<|im_end|>") for token in tokens if token["content"] == name
    )
    assert renderer.stop_token_ids == {1, 2, 3, tokenizer_eos, end_of_turn}


def test_a_template_that_ends_no_turn_gets_the_eos_token_behind_each_answer(tmp_path: Path) -> None:
    renderer = load_renderer(write_base(tmp_path / "base", ENDLESS))
    sequences = renderer.render(chat(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")))
    shown = ["".join(piece.text for piece in renderer.show(sequence)) for sequence in sequences]
    assert shown == ["user: a\nassistant: b<|endoftext|>", "user: a\nassistant: b\nuser: c\nassistant: d<|endoftext|>"]
    assert renderer.notes[0] == "the chat template ends no turn: <|endoftext|> is put after every answer"


def test_the_notes_say_what_was_decided_for_the_base(tmp_path: Path) -> None:
    plain = load_renderer(write_base(tmp_path / "plain", PLAIN))
    assert plain.notes == (
        "this base has no chat template: using the built-in plain template",
        "this base has no padding token: <|endoftext|> fills up batches, masked everywhere",
    )
    assert plain.pad_token_id in plain.stop_token_ids
    dated = replace(CHATML, template=f"{{{{ strftime_now('%Y') }}}}{CHATML.template}")
    renderer = load_renderer(write_base(tmp_path / "dated", dated, pad="<|endoftext|>"))
    assert renderer.notes == ("the chat template writes today's date: it is fixed to 26 Jul 2024 for equal prompts",)


def test_the_plain_template_begins_with_bos_only_where_the_tokenizer_does(tmp_path: Path) -> None:
    style = replace(STYLES["mistral"], template=None)
    for adds_bos, expected in ((False, "### User:\n"), (True, "<s>### User:\n")):
        renderer = load_renderer(write_base(tmp_path / str(adds_bos), style, adds_bos=adds_bos))
        (sequence,) = renderer.render(chat(("user", "Hi"), ("assistant", "Yes")))
        assert "".join(piece.text for piece in renderer.show(sequence)).startswith(expected)


def test_shown_text_is_the_text_even_where_a_character_is_several_tokens(chatml: Renderer) -> None:
    content = "naïve 你好 🙂!"
    (sequence,) = chatml.render(chat(("user", content), ("assistant", content)))
    pieces = chatml.show(sequence)
    assert "".join(piece.text for piece in pieces) == (
        f"<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n{content}<|im_end|>\n"
    )
    assert [piece.token_id for piece in pieces] == list(sequence.token_ids)


# Identity and files


def test_the_hash_depends_on_content_and_not_on_place_or_limits(chatml: Renderer, base: Path) -> None:
    assert load_renderer(base).hash == chatml.hash
    assert chatml.fitted(100, 10).hash == chatml.hash
    (base / "chat_template.jinja").write_text(THINKING.template or "", encoding="utf-8")
    changed_template = load_renderer(base).hash
    edit_json(base / "tokenizer_config.json", bos_token="<|endoftext|>")
    changed_token = load_renderer(base).hash
    vocabulary = base / "tokenizer.json"
    vocabulary.write_text(vocabulary.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    changed_vocabulary = load_renderer(base).hash
    assert len({chatml.hash, changed_template, changed_token, changed_vocabulary}) == 4


def test_the_template_of_tokenizer_config_is_used_too(chatml: Renderer, base: Path) -> None:
    (base / "chat_template.jinja").unlink()
    edit_json(base / "tokenizer_config.json", chat_template=CHATML.template)
    assert load_renderer(base).hash == chatml.hash
    named = [{"name": "default", "template": CHATML.template}, {"name": "tool_use", "template": "x"}]
    edit_json(base / "tokenizer_config.json", chat_template=named)
    assert load_renderer(base).hash == chatml.hash
    edit_json(base / "tokenizer_config.json", chat_template=named[1:])
    with pytest.raises(ModelError, match=r"mine: has chat templates named tool_use, but none named default"):
        load_renderer(base)


def test_a_tokenizer_larger_than_the_model_is_refused(base: Path) -> None:
    edit_json(base / "config.json", vocab_size=300)
    with pytest.raises(ModelError, match=r"mine: the tokenizer has token ids up to \d+, but .* has 300 rows"):
        load_renderer(base)


def test_the_vocabulary_size_of_a_nested_text_model_counts(base: Path) -> None:
    write_json(base / "config.json", {"model_type": "llama", "text_config": {"vocab_size": 512}})
    assert load_renderer(base).vocabulary_size == 512


def test_a_base_without_any_eos_token_is_refused(base: Path) -> None:
    config = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
    del config["eos_token"]
    write_json(base / "tokenizer_config.json", config)
    with pytest.raises(ModelError, match=r"mine: no end-of-sequence token"):
        load_renderer(base)


def test_a_token_that_only_a_class_of_transformers_names_is_no_token_of_the_base(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "mine", STYLES["llama3"])
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|eot_id|>"})
    renderer = load_renderer(folder)
    assert renderer._tokenizer.special_tokens == {"eos_token": "<|eot_id|>"}
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer"})
    with pytest.raises(ModelError, match=r"mine: no end-of-sequence token"):
        load_renderer(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_broken_files_are_named(base: Path, name: str) -> None:
    whole = (base / name).read_bytes()
    (base / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=rf"mine/{name} cannot be read \(JSONDecodeError"):
        load_renderer(base)
    (base / name).write_text("[]")
    with pytest.raises(ModelError, match=rf"mine/{name} holds a list, not a JSON object"):
        load_renderer(base)


def test_a_tokenizer_file_that_is_not_a_tokenizer_is_refused(base: Path) -> None:
    write_json(base / "tokenizer.json", {"version": "1.0"})
    with pytest.raises(ModelError, match="mine: the tokenizer cannot be loaded"):
        load_renderer(base)


def test_a_tokenizer_without_a_fast_form_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "slow"
    folder.mkdir()
    write_json(folder / "config.json", {"model_type": "t5", "vocab_size": 400})
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "ByT5Tokenizer"})
    with pytest.raises(ModelError, match=r"slow: its tokenizer \(ByT5Tokenizer\) has no fast form"):
        load_renderer(folder)


def test_a_folder_without_a_tokenizer_is_refused(base: Path) -> None:
    (base / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="mine: "):
        load_renderer(base)
    with pytest.raises(ModelError, match=r"nowhere/config\.json cannot be read \(FileNotFoundError"):
        load_renderer(base.parent / "nowhere")
