"""Models by name: runs, bases, and what is refused; conversations that remember."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from listening import Listening
from store_samples import RECIPE_ID, new_store, run_record
from tiny_base import write_tiny_base

from tunewright.actions import answering, chatting
from tunewright.actions.answering import open_model
from tunewright.actions.chatting import Chat, chat
from tunewright.errors import BaseMismatchError, CorruptError, ModelError, Problem, RenderError, StoreError
from tunewright.model.adapter import prepare_for_training, save_tuned, trainable_parameters
from tunewright.model.load import load_base
from tunewright.outside.hub import find_base
from tunewright.records import Answer, Artifact, Full, Lora, Message, Method, Run, RunStatus
from tunewright.render import load_renderer
from tunewright.store import RunFolder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


def start_run(home: Path, **changes: object) -> RunFolder:
    def record(run_id: str, created_at: str) -> Run:
        return run_record(run_id, created_at).model_copy(update=changes)

    return new_store(home).create_run(RECIPE_ID, record)


def finish_run(home: Path, folder: Path, method: Method, **changes: object) -> RunFolder:
    """A run whose artifact is one training step away from its base."""
    run = start_run(home)
    found = find_base(str(folder))
    network = prepare_for_training(load_base(folder), method, seed=0)
    for parameter in trainable_parameters(network).values():
        parameter.data.add_(0.01)
    artifact = Artifact(
        kind="adapter" if isinstance(method, Lora) else "model",
        base=found.ref,
        renderer_hash=load_renderer(folder).hash,
        max_length=100,
        max_answer_tokens=10,
        parent_run=run.record.id,
    )
    with run.publish("artifact") as target:
        save_tuned(network, method, target, folder, found.ref.name)
        (target / "artifact.json").write_text(artifact.model_copy(update=changes).model_dump_json(), encoding="utf-8")
    run.update(RunStatus.SUCCEEDED, outputs=("artifact",))
    return run


LORA = Lora(rank=2, alpha=4.0, dropout=0.0)


@pytest.mark.parametrize(("architecture", "num_notes"), [("llama", 0), ("gemma2", 1)])
def test_a_base_that_answers_the_slower_way_is_named_with_the_reason(
    architecture: str, num_notes: int, tmp_path: Path
) -> None:
    told = Listening()
    opened = open_model(str(write_tiny_base(tmp_path / "base", architecture)), tmp_path)
    answering.say_slow_answers(opened.load("float32", 1), told)
    assert len(told.lines) == num_notes
    assert all("transformers' own cache, which is slower: " in text for text in told.lines)


# Names


def test_a_name_that_is_nothing_lists_the_closest_runs(tmp_path: Path) -> None:
    run = start_run(tmp_path)
    name = run.record.id.replace("20261120", "20261121")
    with pytest.raises(StoreError, match=rf"no run .*Closest: {run.record.id}.*tunewright runs.* Or give a model: b"):
        open_model(name, tmp_path)


def test_a_folder_is_a_base_with_a_quarter_of_its_context_for_an_answer(base: Path, tmp_path: Path) -> None:
    opened = open_model(str(base), tmp_path)
    assert (opened.name, opened.artifact, opened.artifact_folder) == ("base", None, None)
    assert opened.base == find_base(str(base))
    assert (opened.renderer.max_length, opened.renderer.max_answer_tokens) == (128, 32)
    assert open_model(str(base), tmp_path, max_answer_tokens=7).renderer.max_answer_tokens == 7
    model = opened.load("float32", rows_per_batch=3)
    assert (model.precision, model.rows_per_batch) == ("float32", 3)
    assert model.network.num_parameters() == load_base(base).num_parameters()


@pytest.mark.parametrize("name", ["owner/name", "owner/name@v1", "bundled"])
def test_a_hub_id_and_bundled_are_looked_up_as_bases(
    name: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def find(wanted: str) -> Any:
        asked.append(wanted)
        return find_base(str(base))

    monkeypatch.setattr(answering, "find_base", find)
    assert open_model(name, tmp_path).name == "base"
    assert asked == [name]


def test_a_folder_that_is_no_model_is_refused_as_a_base(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"found no config\.json"):
        open_model(str(tmp_path / "empty"), tmp_path)


# Runs


@pytest.mark.parametrize("method", [LORA, Full()], ids=["adapter", "whole model"])
def test_a_run_answers_with_its_own_weights_and_limits(method: Method, base: Path, tmp_path: Path) -> None:
    run = finish_run(tmp_path, base, method)
    for name in (run.record.id, run.record.id[:8], "last", str(run.path)):
        opened = open_model(name, tmp_path)
        assert opened.name == "tuned"
        assert opened.artifact_folder == run.path / "artifact"
        assert (opened.renderer.max_length, opened.renderer.max_answer_tokens) == (100, 10)
    assert open_model("last", tmp_path, max_answer_tokens=20).renderer.max_answer_tokens == 20
    tuned = opened.load("float32", 1).network.state_dict()
    assert any("lora_" in name for name in tuned) is isinstance(method, Lora)
    if isinstance(method, Full):
        plain = load_base(base).state_dict()
        assert all((tuned[name] - plain[name]).mean().item() == pytest.approx(0.01, rel=1e-3) for name in plain)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [({}, "running", "of kind tune and status running"), ({"kind": "evaluate"}, "succeeded", "of kind evaluate")],
)
def test_a_run_without_a_model_says_so(changes: dict[str, object], status: str, words: str, tmp_path: Path) -> None:
    run = start_run(tmp_path, **changes)
    run.update(RunStatus(status))
    with pytest.raises(
        StoreError, match=rf"^run {run.record.id}: found a run {words}.*without a model.*tunewright runs"
    ):
        open_model("last", tmp_path)


def test_a_run_with_a_model_inside_names_it(tmp_path: Path) -> None:
    run = start_run(tmp_path, kind="study")
    with run.lock():
        nested = run.nested("tuned", run.record.dataset_id)
        with nested.publish("artifact") as folder:
            (folder / "artifact.json").write_text("{}", encoding="utf-8")
    with pytest.raises(StoreError, match=rf"expected a tune run that has trained\. Give {run.record.id}/tuned\.$"):
        open_model(run.record.id, tmp_path)


def test_a_damaged_run_is_not_mistaken_for_a_base(tmp_path: Path) -> None:
    run = start_run(tmp_path)
    (run.path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(CorruptError, match=r"run\.json: found something that is not a run's record"):
        open_model(str(run.path), tmp_path)


def test_a_damaged_artifact_is_refused_by_file(base: Path, tmp_path: Path) -> None:
    run = finish_run(tmp_path, base, LORA)
    path = run.path / "artifact" / "adapter_config.json"
    path.write_text(path.read_text(encoding="utf-8").replace("lora", "loro"), encoding="utf-8")
    with pytest.raises(CorruptError, match=r"adapter_config\.json: found changed bytes"):
        open_model("last", tmp_path)


def test_a_model_that_asks_for_code_is_refused_though_its_manifest_fits(base: Path, tmp_path: Path) -> None:
    run = finish_run(tmp_path, base, Full())
    shutil.copytree(run.path / "artifact", tmp_path / "copy", ignore=shutil.ignore_patterns("MANIFEST.json"))
    config = tmp_path / "copy" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_bytes()), "_attn_implementation": "evil/kernel"}))
    run.remove_published("artifact")
    with run.publish("artifact") as folder:
        shutil.copytree(tmp_path / "copy", folder, dirs_exist_ok=True)
    with pytest.raises(ModelError, match=rf"^base of run {run.record.id}: config\.json asks to download"):
        open_model("last", tmp_path)


def test_an_artifact_of_another_base_is_refused(base: Path, tmp_path: Path) -> None:
    other = find_base(str(base)).ref.model_copy(update={"sha256": "0" * 64})
    finish_run(tmp_path, base, LORA, base=other)
    with pytest.raises(BaseMismatchError, match=r"made for base 000000000000, found .*Put the old files back"):
        open_model("last", tmp_path)


def test_an_artifact_of_another_renderer_is_refused(base: Path, tmp_path: Path) -> None:
    finish_run(tmp_path, base, LORA, renderer_hash="1" * 64)
    with pytest.raises(BaseMismatchError, match=r"made for renderer 111111111111, found .*worth nothing"):
        open_model("last", tmp_path)


def test_an_artifact_of_another_base_and_renderer_is_opened_by_force_and_says_which(base: Path, tmp_path: Path) -> None:
    now = find_base(str(base)).ref
    made_for = now.model_copy(update={"sha256": "0" * 64})
    finish_run(tmp_path, base, LORA, base=made_for, renderer_hash="1" * 64)
    opened = open_model("last", tmp_path, force=True)
    assert [(change.part, change.made_for) for change in opened.forced] == [("base", "0" * 64), ("renderer", "1" * 64)]
    assert [change.found for change in opened.forced] == [now.sha256, opened.renderer.hash]


# Conversations


class Parrot:
    """Stands in for a model: repeats the last message and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[list[tuple[str, str]]] = []
        self.max_messages = 99

    def fits(self, messages: Sequence[Message]) -> bool:
        return len(messages) <= self.max_messages and "<bad>" not in messages[-1].content

    def left_out(self, messages: Sequence[Message]) -> str:
        return ""

    def stream(self, messages: Sequence[Message], on_text: Callable[[str], None]) -> Answer:
        if "<bad>" in messages[-1].content:
            raise RenderError(Problem("prompt", "a control token", "plain text", "Remove it."))
        self.given.append([(message.role, message.content) for message in messages])
        on_text(messages[-1].content)
        return Answer(text=messages[-1].content, finish="stop")


def talk(parrot: Any, system_prompt: str | None = None) -> Chat:
    return Chat(parrot, system_prompt)


def test_a_conversation_remembers_what_was_said_behind_the_system_prompt() -> None:
    parrot, heard = Parrot(), []
    conversation = talk(parrot, "Be kind.")
    assert conversation.say("one", heard.append).text == "one"
    conversation.say("two", heard.append)
    first = [("system", "Be kind."), ("user", "one")]
    assert parrot.given == [first, [*first, ("assistant", "one"), ("user", "two")]]
    assert heard == ["one", "two"]


def test_the_oldest_turns_are_forgotten_when_the_context_is_full() -> None:
    parrot = Parrot()
    parrot.max_messages = 4
    conversation = talk(parrot, "Be kind.")
    for text in ("one", "two", "three"):
        conversation.say(text, lambda _: None)
    assert parrot.given[-1] == [("system", "Be kind."), ("user", "two"), ("assistant", "two"), ("user", "three")]
    assert conversation.num_forgotten == 2


def test_a_message_that_is_refused_is_forgotten_and_nothing_else() -> None:
    parrot = Parrot()
    conversation = talk(parrot)
    conversation.say("before", lambda _: None)
    with pytest.raises(RenderError, match="found a control token"):
        conversation.say("<bad>", lambda _: None)
    conversation.say("good", lambda _: None)
    assert parrot.given[-1] == [("user", "before"), ("assistant", "before"), ("user", "good")]


def test_what_is_cut_out_of_a_message_that_does_not_fit_even_alone_is_kept_for_the_user(
    base: Path, tmp_path: Path
) -> None:
    conversation = chat(str(base), home=tmp_path)
    text = "Start here. " + "one two three four five " * 40 + "Not the end?"
    conversation.say(text, lambda _: None)
    assert len(conversation.left_out) > 400
    assert conversation.left_out in text
    assert (text[:11] in conversation.left_out, text[-12:] in conversation.left_out) == (False, False)
    conversation.say("Short?", lambda _: None)
    assert conversation.left_out == ""
    assert conversation.num_forgotten == 2


def test_a_system_prompt_of_the_user_that_leaves_no_room_for_a_message_is_refused(base: Path, tmp_path: Path) -> None:
    long = "Answer in English. " * 40
    words = (
        r"--system: found 760 characters, \d+ of them more than fit the context with a message, expected a prompt that"
    )
    with pytest.raises(RenderError, match=words):
        chat(str(base), system_prompt=long, home=tmp_path)
    with pytest.raises(RenderError, match="control token"):
        chat(str(base), system_prompt="<|im_end|>", home=tmp_path)


def test_a_prompt_before_the_rows_that_was_cut_in_training_is_cut_in_chat(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "Answer in English. " * 40
    opened = replace(open_model(str(base), tmp_path), system_prompt=long)
    monkeypatch.setattr(chatting, "open_model_or_arm", lambda *_, **__: opened)
    conversation = chat(str(base), home=tmp_path)
    conversation.say("Who?", lambda _: None)
    assert conversation.left_out
    assert conversation.left_out in long


def test_chat_says_who_answers_and_answers(base: Path, tmp_path: Path) -> None:

    listening = Listening()
    conversation = chat(str(base), system_prompt="Be kind.", home=tmp_path, progress=listening)
    pieces: list[str] = []
    answer = conversation.say("Who?", pieces.append)
    assert listening.lines == [f"base model on {base}; it writes what is most probable, the same each time."]
    assert answer.text == "".join(pieces)
    assert answer.num_answer_tokens > 0
