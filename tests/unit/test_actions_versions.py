"""Named data sets: build, refresh, compare, take back, export, and training on a version."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listening import Listening
from split_rows import Row, row, write_jsonl

from tunewright.actions import (
    build_dataset,
    dataset_card,
    dataset_log,
    diff_datasets,
    export_dataset,
    list_datasets,
    refresh_dataset,
    show_dataset,
    take_back,
)
from tunewright.actions.stored import open_version
from tunewright.actions.versions import default_name
from tunewright.contracts import SilentProgress
from tunewright.data import PreparedData, export_splits, read_rows
from tunewright.data.checks.run import CHECKS
from tunewright.errors import DataError, RecipeError, StoreError
from tunewright.evaluate import test_items as items_of
from tunewright.records import (
    BuildResult,
    CheckRecipe,
    Conversation,
    DataRecipe,
    DatasetEntry,
    DatasetVersion,
    Example,
    Message,
    PlainText,
    PreferencePair,
    Provenance,
    SourceRecipe,
    Split,
    ToolCall,
)
from tunewright.store import Store

NO_CHECKS = CheckRecipe(skip=tuple(check.id for check in CHECKS))
PLACES = [row(number) for number in range(80)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def build(rows: Sequence[Row] = PLACES, *, name: str | None = None, new_test: bool = False, **more: Any) -> BuildResult:
    write_jsonl(Path("tickets.jsonl"), rows)
    return build_dataset(DataRecipe(path="tickets.jsonl", checks=NO_CHECKS, **more), name=name, new_test=new_test)


def refresh(rows: Sequence[Row], **more: Any) -> BuildResult:
    write_jsonl(Path("tickets.jsonl"), rows)
    return refresh_dataset("tickets", **more)


def test_ids(reference: str) -> set[str]:
    data, _ = Store().get_dataset(dataset_log(reference).current.version_id)
    return {entry.example_id for entry in data.entries if entry.split is Split.TEST}


test_ids.__test__ = False  # type: ignore[attr-defined]


def test_a_build_is_the_first_line_of_a_log() -> None:
    built = build()
    assert (built.name, built.is_new, built.difference) == ("tickets", True, None)
    assert built.num_rows == {"train": 40, "validation": 20, "test": 20}
    (entry,) = dataset_log("tickets").entries
    assert entry == built.entry
    assert (entry.number, entry.action, entry.parent_id, entry.test_number) == (1, "build", None, 1)
    assert entry.recipe == DataRecipe(path="tickets.jsonl", checks=NO_CHECKS)
    assert entry.folder == str(Path.cwd())
    assert [log.name for log in list_datasets()] == ["tickets"]


def test_the_same_build_again_makes_no_version_and_another_recipe_does() -> None:
    first = build()
    assert not build().is_new
    other = build(split_seed=3)
    assert (other.entry.number, other.entry.parent_id) == (2, first.entry.version_id)
    assert other.entry.recipe_id != first.entry.recipe_id


def test_a_blocking_problem_refuses_a_build_as_it_refuses_training() -> None:
    write_jsonl(
        Path("tickets.jsonl"),
        [row(number, colour) for colour, num in (("red", 80), ("blue", 5)) for number in range(num)],
    )
    with pytest.raises(DataError, match=r"contradictions: found 10 rows .*data\.checks\.accept=\[contradictions\]"):
        build_dataset(DataRecipe(path="tickets.jsonl"))
    assert list_datasets() == []


def test_a_refresh_without_a_change_makes_no_version(home: Path) -> None:
    first = build()
    before = sorted(path.relative_to(home) for path in home.rglob("*"))
    again = refresh(PLACES)
    assert (again.is_new, again.entry) == (False, first.entry)
    assert sorted(path.relative_to(home) for path in home.rglob("*")) == before


def test_a_refresh_says_what_is_new_gone_and_changed() -> None:
    build()
    rows = [*PLACES[1:40], row(40, "corrected"), *PLACES[41:], row(500)]
    built = refresh(rows)
    assert (built.is_new, built.entry.number, built.entry.action) == (True, 2, "refresh")
    (source,) = built.entry.differences
    assert (source.source, source.num_new, source.num_gone, source.num_changed) == ("tickets.jsonl", 1, 1, 1)
    assert built.difference is not None
    assert built.difference.num_same == 78
    found = {each.kind: (each.location, each.input, each.before, each.after) for each in built.difference.rows}
    assert found == {
        "changed": ("tickets.jsonl:40", "question 40", "answer 40", "corrected"),
        "new": ("tickets.jsonl:80", "question 500", None, "answer 500"),
        "gone": ("tickets.jsonl:1", "question 0", "answer 0", None),
    }


def test_differences_are_counted_by_source() -> None:
    write_jsonl(Path("a.jsonl"), PLACES[:40])
    write_jsonl(Path("b.jsonl"), PLACES[40:])
    sources = (SourceRecipe(path="a.jsonl", licence="MIT", owner="Ann"), SourceRecipe(path="b.jsonl"))
    recipe = DataRecipe(sources=sources, checks=NO_CHECKS)
    build_dataset(recipe, name="mixed")
    write_jsonl(Path("b.jsonl"), [*PLACES[40:], row(600), row(601)])
    built = refresh_dataset("mixed")
    assert [(each.source, each.num_new) for each in built.entry.differences] == [("b.jsonl", 2)]
    card = dataset_card("mixed")
    assert "| a.jsonl | a.jsonl | 40 | prompt_completion | MIT | Ann | 1 |" in card
    assert "- No licence is stated for b.jsonl." in card


def test_rows_in_another_order_are_no_difference_of_content_but_said() -> None:
    build()
    built = refresh(PLACES[::-1])
    assert built.difference is not None
    assert (built.difference.is_reordered, built.difference.sources, built.difference.num_moved) == (True, (), 0)


def test_copies_are_counted_by_how_often_a_row_stands_in_training() -> None:
    sources = (SourceRecipe(path="a.jsonl"), SourceRecipe(path="b.jsonl"))
    write_jsonl(Path("a.jsonl"), PLACES[:40])
    write_jsonl(Path("b.jsonl"), PLACES[40:])
    recipe = DataRecipe(sources=sources, checks=NO_CHECKS)
    first = build_dataset(recipe, name="mixed")
    heavier = tuple(source.model_copy(update={"weight": 2.0}) for source in sources)
    second = build_dataset(recipe.model_copy(update={"sources": heavier}), name="mixed")
    num_train = first.num_rows[Split.TRAIN]
    assert second.difference is not None
    assert (second.difference.num_more_copies, second.difference.num_fewer_copies) == (num_train, 0)
    assert (second.difference.is_reordered, second.difference.is_empty) == (False, False)
    assert second.entry.num_more_copies == num_train
    assert take_back("mixed", "1").entry.num_fewer_copies == num_train


def test_the_test_split_stays_until_a_new_one_is_asked_for() -> None:
    first = build()
    frozen = test_ids("tickets")
    more = [row(number) for number in range(1000, 1100)]
    assert refresh([*more, *PLACES]).entry.test_number == 1
    assert test_ids("tickets") == frozen
    fresh = refresh([*more, *PLACES, row(2000)], new_test=True)
    assert fresh.entry.test_number == fresh.entry.number == 3
    assert test_ids("tickets") != frozen
    assert build([*more, *PLACES, row(2001)]).entry.test_number == 3
    assert first.entry.test_number == 1


def divided(**fields: object) -> DataRecipe:
    """Rows that are divided into files already, so that groups move none of them; each customer has eight."""
    parts = {"train": PLACES[:40], "validation": PLACES[40:56], "test": PLACES[56:]}
    for split, rows in parts.items():
        customers = [{**each, "customer": f"{split} {number // 8}"} for number, each in enumerate(rows)]
        write_jsonl(Path(f"{split}.jsonl"), customers)
    paths = {"path": "train.jsonl", "validation_path": "validation.jsonl", "test_path": "test.jsonl"}
    return DataRecipe.model_validate({**paths, "checks": NO_CHECKS, **fields})


def groups_of(reference: str) -> set[str | None]:
    _, data = open_version(DataRecipe(path=f"data:{reference}"), None, SilentProgress())
    return {item.group for item in items_of(data.rows(Split.TEST), None)}


def test_a_version_has_its_own_groups_when_the_same_rows_were_stored_without() -> None:
    plain = build_dataset(divided(), name="plain")
    grouped = build_dataset(divided(group_column="customer"), name="grouped")
    assert grouped.entry.version_id == plain.entry.version_id
    assert groups_of("plain") == {None}
    assert groups_of("grouped") == {"test 0", "test 1", "test 2"}
    again = build_dataset(divided(group_column="customer"), name="plain")
    assert (again.is_new, groups_of("plain@1"), groups_of("plain")) == (True, {None}, groups_of("grouped"))
    taken = take_back("plain", "1")
    assert (taken.entry.number, groups_of("plain")) == (3, {None})


def test_a_version_has_its_own_sources_licences_and_dropped_rows_when_the_same_rows_were_stored_before() -> None:
    first = build()
    write_jsonl(Path("other.jsonl"), [*PLACES, PLACES[3]])
    source = SourceRecipe(path="other.jsonl", licence="MIT", owner="Ann")
    other = build_dataset(DataRecipe(sources=(source,), checks=NO_CHECKS), name="other")
    assert other.entry.version_id == first.entry.version_id
    _, data = open_version(DataRecipe(path="data:other"), None, SilentProgress())
    assert data.version.sources == other.entry.sources
    assert [(source.name, source.licence, source.owner) for source in data.version.sources] == [
        ("other.jsonl", "MIT", "Ann")
    ]
    assert [(change.location, change.cause) for change in data.version.changes] == [("other.jsonl:81", "duplicates")]
    assert {row.provenance.source for row in data.rows(Split.TEST)} == {"other.jsonl"}
    _, before = open_version(DataRecipe(path="data:tickets"), None, SilentProgress())
    assert (before.version.sources, before.version.changes) == (first.entry.sources, ())


def test_an_id_means_the_sources_that_were_stored_first_and_training_says_so() -> None:
    entry = build_dataset(divided(), name="plain").entry
    listening = Listening()
    open_version(DataRecipe(path=f"data:{entry.version_id}"), None, listening)
    assert len(listening.lines) == 1
    build_dataset(divided(group_column="customer"), name="grouped")
    assert groups_of(entry.version_id[:8]) == {None}
    for reference, is_told in ((entry.version_id, True), ("grouped", False)):
        listening = Listening()
        open_version(DataRecipe(path=f"data:{reference}"), None, listening)
        assert any("An id means those that were stored first" in line for line in listening.lines) == is_told


def test_a_line_of_an_earlier_version_has_what_was_stored_first(home: Path) -> None:
    entry = build_dataset(divided(), name="plain").entry
    recipe = divided(group_column="customer")
    grouped = {"number": 1, "recipe": recipe, "dataset_hash": None}
    Store().logs.append("grouped", entry.model_copy(update=grouped), "")
    path = home / "named" / "grouped" / "log.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    del saved["check"], saved["entries"][0]["dataset_hash"]
    path.write_text(json.dumps(saved), encoding="utf-8")
    assert groups_of("grouped") == {None}
    listening = Listening()
    assert refresh_dataset("grouped", progress=listening).is_new
    assert "Rows with another group, licence or time than in grouped@1: 80." in listening.lines
    assert groups_of("grouped") == {"test 0", "test 1", "test 2"}
    assert not refresh_dataset("grouped").is_new


def test_a_refresh_takes_up_a_corrected_group() -> None:
    first = build_dataset(divided(group_column="customer"), name="grouped")
    rows = [{**each, "customer": "one and the same"} for each in PLACES[56:]]
    write_jsonl(Path("test.jsonl"), rows)
    second = refresh_dataset("grouped")
    assert (second.is_new, second.entry.version_id) == (True, first.entry.version_id)
    assert groups_of("grouped") == {"one and the same"}
    write_jsonl(Path("test.jsonl"), [*rows, rows[0]])
    assert not refresh_dataset("grouped").is_new


def test_an_older_version_can_be_taken_back_and_nothing_is_lost() -> None:
    first = build()
    second = refresh([*PLACES, row(500)])
    taken = take_back("tickets", "1")
    assert (taken.entry.number, taken.entry.action, taken.entry.parent_id) == (3, "back", second.entry.version_id)
    assert taken.entry.version_id == first.entry.version_id
    assert taken.entry.read_at == first.entry.read_at
    (source,) = taken.entry.differences
    assert (source.num_new, source.num_gone) == (0, 1)
    assert take_back("tickets", "tickets@2").entry.version_id == second.entry.version_id
    assert take_back("tickets", first.entry.version_id[:12]).entry.number == 5
    assert len(dataset_log("tickets").entries) == 5


def test_taking_back_what_is_current_or_unknown_is_refused() -> None:
    built = build()
    with pytest.raises(StoreError, match="found the current version, expected an older one"):
        take_back("tickets", built.entry.version_id[:8])
    for version in ("7", "zz", ""):
        with pytest.raises(StoreError, match="found no such version, expected a number from 1 to 1"):
            take_back("tickets", version)


def test_versions_are_named_in_four_ways() -> None:
    first = build()
    second = refresh([*PLACES, row(500)])
    for name, expected in (
        ("tickets", second),
        ("data:tickets", second),
        ("tickets@1", first),
        (first.entry.version_id[:10], first),
    ):
        assert show_dataset(name).version_id == expected.entry.version_id
    assert diff_datasets("tickets@1", "tickets").rows[0].kind == "new"
    assert diff_datasets("tickets", "tickets").is_empty
    with pytest.raises(StoreError, match="found no dataset version"):
        show_dataset("nothing")


def test_a_card_counts_every_step() -> None:
    rows = [*PLACES, row(3), row(4), row(500, prompt="where is the cafÃ© on the market square of the town")]
    write_jsonl(Path("tickets.jsonl"), rows)
    build_dataset(DataRecipe(path="tickets.jsonl"), command="tunewright data build tickets.jsonl")
    card = show_dataset("tickets")
    assert {(step.action, step.cause): step.num_rows for step in card.steps} == {
        ("edited", "mojibake"): 1,
        ("dropped", "duplicates"): 2,
    }
    assert [(split.split, split.num_rows) for split in card.splits] == [("train", 41), ("validation", 20), ("test", 20)]
    assert {row.split for row in card.rows} == set(Split)
    text = dataset_card("tickets")
    for line in ("| read |  | 83 |", "| dropped | duplicates | 2 |", "| edited | mojibake | 1 |"):
        assert line in text
    assert "| in the version |  | 81 |" in text
    assert "    tunewright data build tickets.jsonl" in text
    assert text == Store().logs.card_path("tickets", 1).read_text(encoding="utf-8")


def test_nothing_that_others_wrote_is_markup_in_a_card() -> None:
    image, details = "<img src=https://evil.example/x.png>", "<details>*urgent* | no"
    rows = [row(number, answer=(image, details)[number % 2], **{"<b>": 1}) for number in range(80)]
    write_jsonl(Path("my_tickets <1>.jsonl"), rows)
    sources = (SourceRecipe(path="my_tickets <1>.jsonl", owner="[Ann](https://evil.example)"),)
    build_dataset(DataRecipe(sources=sources, checks=NO_CHECKS), name="tickets")
    before_recipe = dataset_card("tickets").partition("## How to make it again")[0]
    assert "\n| \\<img src=https://evil.example/x.png\\> | " in before_recipe
    assert "\n| \\<details\\>\\*urgent\\* \\| no | " in before_recipe
    assert "\nmy_tickets \\<1\\>.jsonl: fields that were not used: \\<b\\>" in before_recipe
    assert "\n- No licence is stated for my_tickets \\<1\\>.jsonl." in before_recipe
    assert "| \\[Ann\\](https://evil.example) |" in before_recipe
    assert not re.search(r"(?<!\\)[<\[*]", before_recipe)


def test_the_tables_of_a_card_add_up_with_the_copies_that_weights_make() -> None:
    write_jsonl(Path("a.jsonl"), [row(number, answer="yes" if number % 2 else "no") for number in range(60)])
    write_jsonl(Path("b.jsonl"), [row(number, answer="maybe") for number in range(60, 120)] + [row(60, answer="maybe")])
    sources = (SourceRecipe(path="a.jsonl", weight=2.5), SourceRecipe(path="b.jsonl", weight=0.8))
    build_dataset(DataRecipe(sources=sources), name="weighted")
    card = show_dataset("weighted")
    num_rows = sum(split.num_rows for split in card.splits)
    assert all(sum(label.num_rows for label in split.labels) == split.num_rows for split in card.splits)
    counts = {(step.action, step.cause): step.num_rows for step in card.steps}
    assert counts.keys() == {("dropped", "duplicates"), ("dropped", "weights"), ("repeated", "weights")}
    assert (
        num_rows == 121 - counts["dropped", "duplicates"] - counts["dropped", "weights"] + counts["repeated", "weights"]
    )
    entries = Store().get_dataset(card.version_id)[0].entries
    assert counts["repeated", "weights"] == len(entries) - len(set(entries))
    assert f"| repeated | weights | {counts['repeated', 'weights']} |" in dataset_card("weighted")


def test_a_version_without_a_name_has_a_card_that_says_what_is_not_recorded(home: Path) -> None:
    version, _ = Store().get_dataset(build().entry.version_id)
    assert "## How to make it again" in dataset_card("tickets")
    card = dataset_card(version.id)
    assert "Checks of this version are not recorded" in card
    assert "## How to make it again" not in card


def test_names_come_from_files() -> None:
    for path, name in (
        ("my tickets.v2.jsonl", "my-tickets"),
        ("folder/rows.jsonl.gz", "rows"),
        ("owner/name", "name"),
        ("docs/", "docs"),
        ("*.jsonl", "data"),
    ):
        assert default_name(DataRecipe(path=path)) == name


def test_a_stored_version_cannot_be_built_again() -> None:
    with pytest.raises(RecipeError, match=r"data\.path: found 'data:tickets', expected rows to read"):
        build_dataset(DataRecipe(path="data:tickets"))


def test_a_refresh_elsewhere_says_where_relative_paths_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    listening = Listening()
    with pytest.raises(DataError, match="no such file"):
        refresh_dataset("tickets", progress=listening)
    elsewhere = tmp_path / "elsewhere"
    assert listening.lines == [f"tickets was built in {tmp_path}; relative paths now start in {elsewhere}."]


def test_training_takes_the_frozen_splits_under_a_name_that_does_not_move() -> None:
    built = build()
    recipe, data = open_version(DataRecipe(path="data:tickets"), None, SilentProgress())
    assert recipe.path == "data:tickets@1"
    assert data.version.id == built.entry.version_id
    recipe, _ = open_version(DataRecipe(path=f"data:{built.entry.version_id[:8]}"), None, SilentProgress())
    assert recipe.path == f"data:{built.entry.version_id}"


def test_settings_beside_a_stored_version_are_refused() -> None:
    build()
    with pytest.raises(RecipeError, match=r"data\.split_seed: found 3, expected no such setting beside data:tickets"):
        open_version(DataRecipe(path="data:tickets", split_seed=3), None, SilentProgress())
    open_version(DataRecipe(path="data:tickets", unusable_rows="drop"), None, SilentProgress())


def test_a_version_without_a_split_cannot_be_trained_on() -> None:
    example = example_of(PlainText(text="Once upon a time."))
    version = DatasetVersion(entries=(DatasetEntry(example_id=example.id, split=Split.TEST),), sources=())
    Store().put_dataset(version, {example.id: example})
    with pytest.raises(DataError, match="found no train and no validation rows, expected rows in every split"):
        open_version(DataRecipe(path=f"data:{version.id}"), None, SilentProgress())


def example_of(body: Conversation | PlainText | PreferencePair, number: int = 1) -> Example:
    return Example(body=body, provenance=Provenance(source="rows", row=number))


def prepared(*examples: Example) -> PreparedData:
    entries = tuple(DatasetEntry(example_id=example.id, split=Split.TRAIN) for example in examples)
    return PreparedData(DatasetVersion(entries=entries, sources=()), {example.id: example for example in examples})


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=20).filter(
    str.strip
)
TURNS = st.lists(st.tuples(TEXT, TEXT, st.sampled_from((0, 1))), min_size=1, max_size=3)


@given(st.lists(st.tuples(st.none() | TEXT, TURNS), min_size=1, max_size=5), st.sampled_from(("jsonl", "parquet")))
@settings(max_examples=25, deadline=None)
def test_an_export_read_again_gives_the_same_ids(
    tmp_path_factory: pytest.TempPathFactory, chats: list[tuple[str | None, list[tuple[str, str, int]]]], to: Any
) -> None:
    examples = []
    for system, turns in chats:
        messages = [Message(role="system", content=system)] if system else []
        for asked, answered, weight in turns[:-1]:
            messages += [Message(role="user", content=asked)]
            messages += [Message(role="assistant", content=answered, weight=1 if weight else 0)]
        messages += [Message(role="user", content=turns[-1][0]), Message(role="assistant", content=turns[-1][1])]
        examples.append(example_of(Conversation(messages=tuple(messages))))
    assert_round_trip(prepared(*examples), to, tmp_path_factory.mktemp("export"))


def assert_round_trip(data: PreparedData, to: Any, folder: Path) -> None:
    export_splits(data, to, folder)
    (file,) = folder.iterdir()
    again = read_rows(str(file), DataRecipe(path=str(file)), None)
    assert [example.id for example in again.examples] == [example.id for example in data.rows(Split.TRAIN)]


TOOLS = (
    '[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"b":{},"a":{}}}}}]'
)
CALLS = Conversation(
    messages=(
        Message(role="user", content="Oslo?", tools=TOOLS),
        Message(
            role="assistant", content="", tool_calls=(ToolCall(id="c1", name="weather", arguments='{"city":"Oslo"}'),)
        ),
        Message(role="tool", content="12", tool_call_id="c1", name="weather"),
        Message(role="assistant", content="12 degrees"),
    )
)
PAIR = PreferencePair(prompt=(Message(role="user", content="Hi"),), chosen="Hello!", rejected="What?")


@pytest.mark.parametrize("to", ["jsonl", "parquet"])
@pytest.mark.parametrize("body", [PlainText(text="Once\nupon"), CALLS, PAIR], ids=["text", "calls", "pair"])
def test_texts_calls_and_pairs_come_back_too(tmp_path: Path, body: Any, to: Any) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    assert_round_trip(prepared(example_of(body)), to, folder)


@pytest.mark.parametrize("to", ["jsonl", "parquet"])
def test_tools_come_back_when_the_first_row_has_none(tmp_path: Path, to: Any) -> None:
    chat = Conversation(messages=(Message(role="user", content="Hi"), Message(role="assistant", content="Hello!")))
    assert_round_trip(prepared(example_of(chat), example_of(CALLS, 2)), to, tmp_path)


def test_an_export_is_a_folder_with_a_file_for_each_split_and_the_card(tmp_path: Path) -> None:
    build()
    files, num_copies = export_dataset("tickets", "openai", tmp_path / "out")
    assert num_copies == 0
    assert [file.name for file in files] == ["train.jsonl", "validation.jsonl", "test.jsonl"]
    assert (tmp_path / "out" / "DATASET.md").read_text(encoding="utf-8") == dataset_card("tickets")
    first = json.loads(files[0].read_text(encoding="utf-8").splitlines()[0])
    assert [message["role"] for message in first["messages"]] == ["user", "assistant"]
    with pytest.raises(StoreError, match="found something there already"):
        export_dataset("tickets", "openai", tmp_path / "out")


def test_formats_that_cannot_hold_the_rows_are_refused(tmp_path: Path) -> None:
    text, chat = example_of(PlainText(text="Once")), example_of(PAIR, 2)
    with pytest.raises(DataError, match=r"rows:1: found a row of the kind text, expected a conversation: openai"):
        export_splits(prepared(text), "openai", tmp_path)
    with pytest.raises(DataError, match=r"rows:2: found a row of the kind preference, expected text, as rows:1"):
        export_splits(prepared(text, chat), "jsonl", tmp_path)
