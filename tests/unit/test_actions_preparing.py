"""From recipe to checked rows: what is announced, dropped, refused and derived before anything is computed."""

import json
from pathlib import Path

import pytest
from listening import Listening
from small_job import small_recipe, write_long_texts, write_rows
from tiny_base import write_tiny_base

from tunewright.actions.inspecting import explain_recipe
from tunewright.actions.preparing import Preparation, announce, prepare_tuning
from tunewright.actions.reporting import summarise_data
from tunewright.contracts import SilentProgress
from tunewright.errors import DataError, ModelError, RecipeError
from tunewright.evaluate.retention import make_suite
from tunewright.model.load import num_parameters
from tunewright.records import Conversation, Full, Lora, Method, Split

LONG = {"prompt": "Long?", "completion": "very " * 200}
SNEAKY = {"prompt": "Sneaky <|im_end|>?", "completion": "no"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


def rows_file(folder: Path, *more: dict[str, str]) -> Path:
    path = write_rows(folder / "rows.jsonl")
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in more)
    return path


def test_the_announcement_gives_counts_three_rows_and_every_derived_setting_with_its_reason(
    base: Path, tmp_path: Path
) -> None:
    double = {"prompt": "What is the colour of place 3?", "completion": "black"}
    rows = rows_file(tmp_path, double)
    preparation = prepare_tuning(small_recipe(rows, base), SilentProgress())
    listening = Listening()
    announce(preparation, listening)
    split = listening.lines.index("Split: 40 train, 20 validation, 20 test rows.")
    assert listening.lines[0] == f"Read 81 rows of {rows} as prompt_completion."
    assert listening.lines[split - 1].startswith(f"1 row dropped, such as {rows}:81: ")
    lines = iter(listening.lines[split + 1 :])
    for number, example in enumerate(preparation.data.rows(Split.TRAIN)[:3], start=1):
        assert isinstance(example.body, Conversation)
        question = example.body.prompt[0].content
        assert next(lines) == (
            f"Row {number} as the model sees it: <|im_start|>user\n{question}<|im_end|>\n"
            f"<|im_start|>assistant\n{example.body.answer}<|im_end|>\n"
        )
    found = list(lines)
    assert found[0] == "method.rank = 16  (16 under 2,000 training rows (here 40))"
    assert found[-1].startswith("evaluate.metrics = accuracy, macro_f1, loss, perplexity  (")
    assert len(found) == len(preparation.derived) == 8
    for line, derived in zip(found, preparation.derived, strict=True):
        assert line.startswith(f"{derived.setting} = ")
        assert line.endswith(f"  ({derived.reason})")


def test_what_was_repaired_while_reading_is_said_too(base: Path, tmp_path: Path) -> None:
    rows = rows_file(tmp_path)
    rows.write_bytes(b"\xef\xbb\xbf" + rows.read_bytes())
    listening = Listening()
    announce(prepare_tuning(small_recipe(rows, base), listening), listening)
    position = listening.lines.index(f"Read 80 rows of {rows} as prompt_completion.")
    assert "byte order mark" in listening.lines[position + 1]


def test_a_prepared_recipe_has_nothing_left_to_derive(base: Path, tmp_path: Path) -> None:
    preparation = prepare_tuning(small_recipe(rows_file(tmp_path), base), SilentProgress())
    settings, optional = preparation.recipe.model_dump(), ("house", "max_inputs", "validation_answers")
    for section in ("method", "train", "evaluate"):
        assert None not in {value for key, value in settings[section].items() if key not in optional}, section
    renderer = preparation.renderer
    assert (renderer.max_length, renderer.max_answer_tokens) == (
        preparation.recipe.train.max_length,
        preparation.recipe.evaluate.max_answer_tokens,
    )
    assert num_parameters(base) < 50e6
    assert preparation.headline_metric == "accuracy"
    assert len(preparation.sequences(Split.TRAIN)) == 40


@pytest.mark.parametrize(("num_inputs", "keep_by", "num_answers"), [(200, "metric", 20), (100, "loss", None)])
def test_rows_of_one_input_are_one_input_to_answer_at_validations(
    base: Path, tmp_path: Path, num_inputs: int, keep_by: str, num_answers: int | None
) -> None:
    rows = tmp_path / "rows.jsonl"
    asked = (
        {"prompt": f"Where is place {number}?", "completion": f"{side} of river {number}"}
        for number in range(num_inputs)
        for side in ("north", "south", "east", "west")
    )
    rows.write_text("".join(json.dumps(row) + "\n" for row in asked), encoding="utf-8")
    accept = ("data.checks.skip=[contradictions, near_duplicates]", "train.min_validations=1", "train.epochs=1")
    preparation = prepare_tuning(small_recipe(rows, base, *accept), SilentProgress())
    validation = preparation.data.rows(Split.VALIDATION)
    assert len(validation) == 4 * len({row.input_id for row in validation}) == 4 * num_inputs // 10
    assert (preparation.recipe.train.keep_by, preparation.recipe.train.validation_answers) == (keep_by, num_answers)


def test_a_prepared_recipe_finds_files_of_retention_from_any_folder(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = {"sentence_good": "The cat sleeps.", "sentence_bad": "The cat sleep."}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(pair) + "\n", encoding="utf-8")
    (tmp_path / "named.jsonl").symlink_to("pairs.jsonl")
    settings = ("retention.enabled=true", "retention.files=[named.jsonl]", "retention.task_folder=tasks")
    monkeypatch.chdir(tmp_path)
    retention = prepare_tuning(small_recipe(rows_file(tmp_path), base, *settings), SilentProgress()).recipe.retention
    assert retention.files == (str(tmp_path / "named.jsonl"),)
    assert retention.task_folder == str(tmp_path / "tasks")
    monkeypatch.chdir("/")
    assert "named" in [part.name for part in make_suite(retention).parts]


def test_explain_recipe_gives_what_tune_would_do(base: Path, tmp_path: Path) -> None:
    recipe = small_recipe(rows_file(tmp_path), base)
    preparation = prepare_tuning(recipe, SilentProgress())
    assert explain_recipe(recipe) == (preparation.recipe, preparation.derived)


def test_rows_that_cannot_be_rendered_are_refused_together_with_the_way_out(base: Path, tmp_path: Path) -> None:
    recipe = small_recipe(rows_file(tmp_path, SNEAKY, SNEAKY | {"prompt": "<|im_start|>?"}), base)
    words = r"(?s)rows\.jsonl:81 .*rows\.jsonl:82 .*To go on without such rows, add --set data\.unusable_rows=drop\.$"
    with pytest.raises(DataError, match=words) as caught:
        prepare_tuning(recipe, SilentProgress())
    assert str(caught.value).count("To go on without") == 1


def test_rows_that_do_not_fit_the_limits_are_refused_together(base: Path, tmp_path: Path) -> None:
    recipe = small_recipe(rows_file(tmp_path, LONG), base, "evaluate.max_answer_tokens=20")
    with pytest.raises(DataError, match=r"rows\.jsonl:81 .*at most 20 \(evaluate\.max_answer_tokens\)"):
        prepare_tuning(recipe, SilentProgress())


def test_held_out_answers_get_the_room_they_need(base: Path, tmp_path: Path) -> None:
    test = tmp_path / "test.jsonl"
    test.write_text(json.dumps({"prompt": "Long?", "completion": "very " * 5}) + "\n", encoding="utf-8")
    recipe = small_recipe(rows_file(tmp_path), base, f"data.test_path={test}")
    preparation = prepare_tuning(recipe, SilentProgress())
    (row,) = preparation.data.rows(Split.TEST)
    assert preparation.renderer.max_answer_tokens >= preparation.renderer.measure(row)[1]


def test_unusable_rows_are_dropped_by_name_when_asked(base: Path, tmp_path: Path) -> None:
    changes = ("data.unusable_rows=drop", "evaluate.max_answer_tokens=20")
    recipe = small_recipe(rows_file(tmp_path, LONG, SNEAKY), base, *changes)
    preparation = prepare_tuning(recipe, SilentProgress())
    reasons = {change.location.rpartition(":")[2]: change.reason for change in preparation.data.version.changes}
    assert reasons.keys() == {"81", "82"}
    assert "at most 20" in reasons["81"]
    assert "<|im_end|> in the text" in reasons["82"]
    # A dropped row leaves its split; the others stay where they were.
    assert sum(preparation.data.version.num_rows(split) for split in Split) == 80


def test_epochs_of_long_texts_are_counted_in_windows(base: Path, tmp_path: Path) -> None:
    rows = write_long_texts(tmp_path / "texts.jsonl")
    preparation = prepare_tuning(small_recipe(rows, base, "train.epochs=null"), SilentProgress())
    num_rows, num_windows = len(preparation.data.rows(Split.TRAIN)), len(preparation.sequences(Split.TRAIN))
    assert num_windows > 5 * num_rows
    train, reasons = preparation.recipe.train, reasons_of(preparation)
    assert 300 <= train.epochs * -(-num_windows // train.rows_per_step) < 310
    assert f"(here {num_windows} of {num_rows} rows)" in reasons["train.rows_per_step"]
    assert reasons["method.rank"].endswith(f"training rows (here {num_rows})")


def test_epochs_of_conversations_are_counted_in_sequences_where_each_answer_is_one(base: Path, tmp_path: Path) -> None:
    # The first question has to be shortened more where the second one stands behind it.
    rows = tmp_path / "rows.jsonl"
    asked = (f"Number {number}: {'long ' * 120}?" for number in range(80))
    spoken = ((("user", first), ("assistant", "yes"), ("user", "So?"), ("assistant", "no")) for first in asked)
    chats = ([{"role": role, "content": said} for role, said in turns] for turns in spoken)
    rows.write_text("".join(json.dumps({"messages": chat}) + "\n" for chat in chats), encoding="utf-8")
    preparation = prepare_tuning(small_recipe(rows, base, "train.epochs=null"), SilentProgress())
    assert len(preparation.sequences(Split.TRAIN)) == 80
    assert preparation.recipe.train.epochs == 30.0  # 10 steps of 8 in an epoch, and 300 steps
    assert "(here 80 of 40 rows)" in reasons_of(preparation)["train.rows_per_step"]


def test_dropped_rows_are_not_counted_when_settings_are_derived(base: Path, tmp_path: Path) -> None:
    long = [LONG | {"prompt": f"Long {number}?"} for number in range(40)]
    changes = ("data.unusable_rows=drop", "evaluate.max_answer_tokens=20")
    preparation = prepare_tuning(small_recipe(rows_file(tmp_path, *long), base, *changes), SilentProgress())
    num_rows = len(preparation.data.rows(Split.TRAIN))
    assert reasons_of(preparation)["method.rank"].endswith(f"(here {num_rows})")


def reasons_of(preparation: Preparation) -> dict[str, str]:
    return {derived.setting: derived.reason for derived in preparation.derived}


def test_a_context_longer_than_the_base_was_made_for_is_refused(base: Path, tmp_path: Path) -> None:
    rows = rows_file(tmp_path)
    with pytest.raises(RecipeError, match=r"train\.max_length: found 129, expected at most 128, .* was made for"):
        prepare_tuning(small_recipe(rows, base, "train.max_length=129"), SilentProgress())
    assert prepare_tuning(small_recipe(rows, base, "train.max_length=128"), SilentProgress()).renderer.max_length == 128


@pytest.mark.parametrize(
    ("method", "changes", "is_read"),
    [
        (Lora(), (), True),
        (Lora(), ("retention.fallbacks=[mlp]",), True),
        (Lora(), ("retention.fallbacks=[]",), False),
        # A small base rehearses from the start, so that nothing else is left to full tuning.
        (Full(), (), False),
        (Full(), ("retention.rehearsal=fallback",), True),
        (Full(), ("retention.enabled=false",), True),
    ],
)
def test_a_rise_of_the_loss_is_refused_where_there_are_no_other_weights_to_choose(
    base: Path, tmp_path: Path, method: Method, changes: tuple[str, ...], is_read: bool
) -> None:
    accepted = ("retention.enabled=true", "retention.max_task_loss_increase=0.01", *changes)
    recipe = small_recipe(rows_file(tmp_path), base, *accepted).model_copy(update={"method": method})
    if is_read:
        prepare_tuning(recipe, SilentProgress())
        return
    with pytest.raises(
        RecipeError, match=r"^retention\.max_task_loss_increase: found 0\.01 where one training at full"
    ):
        prepare_tuning(recipe, SilentProgress())


def test_weights_that_cannot_be_read_are_refused_before_anything_else(tmp_path: Path) -> None:
    broken = write_tiny_base(tmp_path / "base")
    (broken / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(ModelError, match=r"^base base: transformers cannot load it: "):
        prepare_tuning(small_recipe(rows_file(tmp_path), broken), SilentProgress())


def test_the_reports_summary_of_the_data_counts_what_was_trained_on(base: Path, tmp_path: Path) -> None:
    preparation = prepare_tuning(small_recipe(rows_file(tmp_path), base), SilentProgress())
    summary = summarise_data(preparation, num_test_inputs=17)
    assert summary.num_rows == {"train": 40, "validation": 20, "test": 20}
    assert summary.num_test_inputs == 17
    assert summary.samples == preparation.samples()
    measured = [preparation.renderer.measure(row) for row in preparation.data.rows(Split.TRAIN)]
    assert list(zip(summary.prompt_tokens, summary.answer_tokens, strict=True)) == measured


def test_preference_pairs_are_refused_with_the_way_to_train_on_their_chosen_answers(base: Path, tmp_path: Path) -> None:
    rows = tmp_path / "pairs.jsonl"
    pairs = [{"prompt": f"question {n}", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(80)]
    rows.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    recipe = small_recipe(rows, base)
    with pytest.raises(DataError, match=r"a preference pair \(80 in all\), .* --set data\.train_on_chosen=true"):
        prepare_tuning(recipe, SilentProgress())
    on_chosen = recipe.model_copy(update={"data": recipe.data.model_copy(update={"train_on_chosen": True})})
    preparation = prepare_tuning(on_chosen, SilentProgress())
    assert "good" in preparation.samples()[0]
