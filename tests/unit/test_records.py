"""Records refuse what cannot be true, and keep their identity."""

import pytest
from pydantic import ValidationError

from tunewright.errors import DataError, MissingExtraError, Problem, RecipeError
from tunewright.records import (
    Answer,
    Conversation,
    DatasetEntry,
    DatasetVersion,
    Example,
    Lora,
    Message,
    PlainText,
    Provenance,
    Score,
    Split,
    content_hash,
    read_recipe,
    settled,
)


def turn(role, content="text", weight=1):
    return Message(role=role, content=content, weight=weight)


@pytest.mark.parametrize(
    ("messages", "refusal"),
    [
        ([], "the last message must be the assistant's"),
        ([turn("user")], "the last message must be the assistant's"),
        ([turn("assistant")], "a user message is missing"),
        ([turn("user"), turn("system"), turn("assistant")], "only be the first message"),
        ([turn("user"), turn("assistant", weight=0)], "every assistant message has weight 0"),
        ([turn("user"), turn("assistant", " \n")], r"messages\[1\] is an empty assistant answer"),
    ],
)
def test_a_conversation_that_cannot_be_trained_on_is_refused(messages, refusal):
    with pytest.raises(ValidationError, match=refusal):
        Conversation(messages=tuple(messages))


def test_prompt_and_answer_are_those_of_the_last_trained_turn():
    body = Conversation(
        messages=(turn("user", "a"), turn("assistant", "b"), turn("user", "c"), turn("assistant", "d", weight=0))
    )
    assert [message.content for message in body.prompt] == ["a"]
    assert body.answer == "b"


def test_an_empty_text_is_refused():
    with pytest.raises(ValidationError, match="the text is empty"):
        PlainText(text=" ")


def example(question, answer, row=1):
    body = Conversation(messages=(turn("user", question), turn("assistant", answer)))
    return Example(body=body, provenance=Provenance(source="rows.jsonl", row=row))


def test_identity_is_content_and_not_origin():
    assert example("a", "b", row=1).id == example("a", "b", row=2).id
    assert example("a", "b").id != example("a", "c").id
    assert example("a", "b").input_id == example("a", "c").input_id != example("b", "c").input_id


def test_an_example_is_in_one_split_only():
    entries = tuple(DatasetEntry(example_id="1" * 64, split=split) for split in (Split.TRAIN, Split.TEST))
    with pytest.raises(ValidationError, match="example 111111111111 is in two splits"):
        DatasetVersion(entries=entries, sources=())


def test_a_failure_is_never_a_silent_zero():
    with pytest.raises(ValidationError, match="either a value or the reason"):
        Score(example_id="x", metric="chrf", value=None)
    with pytest.raises(ValidationError, match="a failed answer has a reason and no text"):
        Answer(text=None, finish="failed")
    with pytest.raises(ValidationError, match="a failed answer has a reason and no text"):
        Answer(text="yes", finish="failed", reason="no")


def test_the_hash_does_not_depend_on_key_order():
    assert content_hash({"a": 1, "b": "é"}) == content_hash({"b": "é", "a": 1})
    with pytest.raises(ValueError, match="Out of range float"):
        content_hash(float("nan"))


def test_a_recipe_file_is_overridden_by_set_and_set_by_the_command(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("data: {path: a.jsonl}\ntrain: {epochs: 5, seed: 1}\nmethod: {kind: lora, rank: 8}\n")
    recipe = read_recipe({"data": {"path": "b.jsonl"}}, path, ("train.epochs=2", "train.learning_rate=1e-3"))
    assert recipe.data.path == "b.jsonl"
    assert (recipe.train.epochs, recipe.train.seed, recipe.train.learning_rate) == (2.0, 1, 1e-3)
    assert recipe.method == Lora(rank=8)
    assert recipe.id == read_recipe({}, path, ("train.epochs=2", "train.learning_rate=1e-3", "data.path=b.jsonl")).id


def test_a_resolved_recipe_reads_back_as_itself():
    recipe = read_recipe({"data": {"path": "x"}}, None, ("method.kind=full",))
    assert read_recipe(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize(
    ("overrides", "refusal"),
    [
        (("train.speed=1",), "recipe: train.speed: found an unknown setting"),
        (("method.rank=0",), "method.rank: found 0, .*greater than or equal to 1. Rank is the width"),
        (("method.kind=lorra",), "method: found 'lorra', expected one of 'lora', 'full'. Use method.kind=lora"),
        (("train.epoch=1",), "train.epoch: found an unknown setting.* Did you mean train.epochs?"),
        (("method.ranks=1",), "Did you mean method.rank?"),
        (
            ("method.kind=full", "method.rank=1"),
            r"method\.rank: found a setting that method\.kind=full does not have.* or choose another method\.kind",
        ),
        (("zzz=1",), "zzz: found an unknown setting.* Remove it. `tunewright recipe` lists them all"),
        (("train.learning_rate=fast",), "train.learning_rate: found 'fast', expected a valid number"),
        (("train.epochs",), "--set train.epochs: found no key=value"),
        (("=1",), "--set =1: found no key=value"),
        (
            ("retention.fallbacks=[mlp, mlp]",),
            r"recipe: retention\.fallbacks: found 'mlp' twice, expected each fallback",
        ),
        (
            ("retention.beyond=refuse", "retention.max_task_loss_increase=0.01"),
            r"retention\.max_task_loss_increase: found 0\.01 with retention\.beyond=refuse, expected .*=tell, which",
        ),
        (
            ("memorisation.canary_repeats=5",),
            r"memorisation\.canary_repeats: found 5 without canaries, expected .* to rep",
        ),
    ],
)
def test_wrong_settings_are_refused_by_name(overrides, refusal):
    with pytest.raises(RecipeError, match=refusal):
        read_recipe({"data": {"path": "x"}}, None, overrides)


def test_all_wrong_settings_are_listed_at_once():
    with pytest.raises(RecipeError) as caught:
        read_recipe({}, None, ("train.epochs=-1", "method.rank=0"))
    assert [problem.where for problem in caught.value.problems] == [
        "recipe: data",
        "recipe: method.rank",
        "recipe: train.epochs",
    ]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"- a\n- b\n", "found a list, expected a mapping of settings"),
        (b"", "found nothing, expected a mapping of settings"),
        (
            b"data: {path: x, checks: {skip: lengths}}",
            r"data\.checks\.skip: found 'lengths', expected a list, as in \[a, b\]",
        ),
        (
            b"train: {epochs: 1\n",
            r"recipe.yaml:2: found text that is not YAML \(expected .*\), expected a YAML mapping\. Check this line",
        ),
        (b"\xff\xfe", r"found bytes that are not UTF-8 \(byte 1\), expected a readable YAML file"),
    ],
)
def test_a_recipe_file_that_cannot_be_read_says_where(content, refusal, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=refusal):
        read_recipe({}, path)
    with pytest.raises(RecipeError, match="found no such file, expected a readable YAML file"):
        read_recipe({}, tmp_path / "missing.yaml")


def test_an_unsettled_setting_is_our_own_mistake():
    assert settled(3) == 3
    with pytest.raises(AssertionError, match="derive the recipe first"):
        settled(None)


def test_at_most_twenty_problems_are_listed_and_the_rest_counted():
    problems = [Problem(f"rows.jsonl:{row}", "x", "y", "Fix it.") for row in range(1, 31)]
    text = str(DataError(problems, num_more=5))
    assert text.count("\n") == 20
    assert text.endswith("... and 15 more.")


def test_a_missing_extra_names_its_install_line():
    error = MissingExtraError("matplotlib", "plots", "draw charts")
    assert str(error) == "matplotlib is needed to draw charts. Install it with: pip install 'tunewright[plots]'"


def test_a_recipe_without_data_is_told_how_to_name_it(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("train: {epochs: 1}")
    with pytest.raises(
        RecipeError, match=r"recipe\.yaml: data: found nothing, .*as in `data: \{path: tickets\.jsonl\}`"
    ):
        read_recipe({}, path)
