"""The fix list: what is written is what would happen, what is read wins over the checks, and mistakes are named."""

import json
from pathlib import Path

import pytest

from tunewright.actions import check
from tunewright.contracts import SilentProgress
from tunewright.data import examine, prepare, read_fixes, read_rows, require_no_edited_list, write_fixes
from tunewright.data.examine import ExaminedData
from tunewright.errors import DataError, StoreError
from tunewright.records import CheckRecipe, Conversation, DataRecipe, Fix, Split

LIST = "fixes.jsonl"
SENTENCE = (
    "please tell me which colour the old town hall at the river has been painted in since the summer of last year"
)
BROKEN = "where is the cafÃ© on the market square of the town"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    pairs = [(f"which colour is number {number}", "abc"[number % 3]) for number in range(80)]
    pairs += [(SENTENCE, "a"), (f"{SENTENCE}, thanks", "a"), (BROKEN, "b"), ("which colour is number 3", "b")]
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps({"prompt": question, "completion": answer}) + "\n" for question, answer in pairs]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def look(rows: Path, fixes: Path | None = None) -> ExaminedData:
    recipe = DataRecipe(path=str(rows), fixes=str(fixes) if fixes else None)
    return examine(recipe, None, SilentProgress())


def default_list(rows: Path) -> Path:
    path = rows.parent / LIST
    write_fixes(path, look(rows).fixes)
    return path


def change(path: Path, line: int, **fields: object) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[line] = json.dumps({**json.loads(lines[line]), **fields})
    path.write_text("\n".join(lines), encoding="utf-8")


def questions(examined: ExaminedData) -> list[str]:
    bodies = [example.body for example in examined.files[Split.TRAIN]]
    return [body.prompt[-1].content for body in bodies if isinstance(body, Conversation)]


def test_the_list_holds_every_row_found_with_what_will_happen_to_it(rows: Path) -> None:
    fixes = look(rows).fixes
    found = [(Path(fix.location).name, fix.action, fix.check) for fix in fixes]
    assert found == [
        ("rows.jsonl:4", "keep", "contradictions"),
        ("rows.jsonl:81", "keep", "near_duplicates"),
        ("rows.jsonl:82", "drop", "near_duplicates"),
        ("rows.jsonl:83", "edit", "mojibake"),
        ("rows.jsonl:84", "keep", "contradictions"),
    ]
    assert fixes[3].text
    assert fixes[0].evidence == "a"


def test_a_list_that_was_written_is_read_back(rows: Path) -> None:
    path = default_list(rows)
    assert read_fixes(path) == look(rows).fixes


def test_carrying_out_the_unedited_list_changes_the_same_rows(rows: Path) -> None:
    by_default, by_list = look(rows), look(rows, default_list(rows))
    assert list(by_list.files[Split.TRAIN]) == list(by_default.files[Split.TRAIN])
    assert [each.action for each in by_list.changes] == [each.action for each in by_default.changes]
    assert all(each.reason.startswith("fix list, ") for each in by_list.changes)
    # What the list has decided is not decided again; what was only listed before still is.
    assert not by_list.decisions.dropped
    assert not by_list.decisions.edited
    assert by_list.fixes == by_default.fixes


def test_the_list_wins_over_the_checks(rows: Path) -> None:
    path = default_list(rows)
    change(path, 2, action="keep")
    change(path, 3, action="keep")
    change(path, 4, action="drop")
    after = look(rows, path)
    assert f"{SENTENCE}, thanks" in questions(after)
    assert BROKEN in questions(after)
    assert questions(after).count("which colour is number 3") == 1
    assert not [result for result in after.results if result.blocks]


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_held_out_file_of_which_the_list_leaves_nothing_is_refused(split: str, rows: Path) -> None:
    held_out = rows.with_name(f"{split}.jsonl")
    held_out.write_text('{"prompt": "who painted the house", "completion": "c"}\n', encoding="utf-8")
    (row,) = read_rows(str(held_out), DataRecipe(path=str(held_out)), None).examples
    path = rows.parent / LIST
    write_fixes(path, [Fix(location="", example_id=row.id, action="drop", check="by hand", reason="wrong")])
    recipe = DataRecipe.model_validate({"path": str(rows), f"{split}_path": str(held_out), "fixes": str(path)})
    accepting = recipe.model_copy(update={"checks": CheckRecipe(accept=("contradictions",))})
    with pytest.raises(DataError, match=rf"{split}\.jsonl: found only rows that are dropped, .* with --{split}"):
        prepare(accepting)


def test_rows_of_the_list_can_be_edited_by_hand(rows: Path) -> None:
    path = default_list(rows)
    change(path, 4, action="edit", text=[["number 3", "number 300"]])
    after = look(rows, path)
    assert questions(after)[-1] == "which colour is number 300"
    assert [Path(each.location).name for each in after.changes if each.action == "edited"][-1] == "rows.jsonl:84"


def test_prepare_carries_out_the_list(rows: Path) -> None:
    path = default_list(rows)
    change(path, 4, action="drop")
    data = prepare(DataRecipe(path=str(rows), fixes=str(path)))
    assert sorted(each.action for each in data.version.changes) == ["dropped", "dropped", "edited"]
    assert len(data.examples) == 82


def test_a_repair_that_leaves_nothing_drops_the_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(json.dumps({"prompt": f"q{number}", "completion": f"a{number}"}) + "\n" for number in range(60))
        + json.dumps({"prompt": "what is hidden here", "completion": "\u2063\u2063"})
        + "\n",
        encoding="utf-8",
    )
    (gone,) = prepare(DataRecipe(path=str(path))).version.changes
    assert gone.action == "dropped"
    assert gone.reason.endswith("after the repair nothing is left to learn from")


def test_a_row_of_which_the_repair_leaves_nothing_is_listed_and_counted_as_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": f"q{number}", "completion": f"a{number}"} for number in range(60)]
    rows.append({"prompt": "what is hidden here", "completion": "\u200b"})
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = check(DataRecipe(path=str(path)), fixes_file=tmp_path / LIST)
    assert (report.num_dropped, report.num_edited) == (1, 0)
    (fix,) = read_fixes(tmp_path / LIST)
    assert (fix.action, fix.text) == ("drop", ())
    assert fix.reason.endswith("; after the repair nothing is left to learn from.")
    (gone,) = prepare(DataRecipe(path=str(path), fixes=str(tmp_path / LIST))).version.changes
    assert gone.action == "dropped"


def test_a_secret_that_the_list_keeps_is_refused_where_others_are_redacted(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    answers = [*(f"a{number}" for number in range(79)), "use ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"]
    lines = [json.dumps({"prompt": f"q{number}", "completion": answer}) for number, answer in enumerate(answers)]
    path.write_text("\n".join(lines), encoding="utf-8")
    listed = default_list(path)
    assert [fix.action for fix in read_fixes(listed)] == ["keep"]
    redacting = DataRecipe(path=str(path), checks=CheckRecipe(redact=True))
    assert not [result for result in examine(redacting, None, SilentProgress()).results if result.blocks]
    with pytest.raises(DataError, match="secrets: found 1 rows"):
        prepare(redacting.model_copy(update={"fixes": str(listed)}))


FIX = {"location": "rows.jsonl:1", "example_id": "ab", "action": "drop", "check": "lengths", "reason": "Short."}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"fixes\.jsonl:2 byte 2: found the end of the text"),
        (json.dumps({**FIX, "action": "remove"}), r"fixes\.jsonl:2 action: found 'remove', expected input should be"),
        (json.dumps({**FIX, "note": "hm"}), r"fixes\.jsonl:2 note: found an unknown field, expected one of location"),
        (json.dumps({"action": "drop"}), r"fixes\.jsonl:2 location: found nothing, expected a value"),
        (json.dumps({**FIX, "action": "edit"}), r"fixes\.jsonl:2: found a fix that .* expected an edit needs text"),
        (json.dumps({**FIX, "text": [["", "x"]]}), r"expected the old text of an edit is empty"),
        (json.dumps({**FIX, "example_id": "first"}), r"example_id: found first for the second time, expected one line"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / LIST
    path.write_text(json.dumps({**FIX, "example_id": "first"}) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_fixes(path)


def test_a_missing_list_is_refused(rows: Path) -> None:
    with pytest.raises(
        DataError, match=r"data\.fixes: .*missing\.jsonl: found No such file.*tunewright check DATA --fix"
    ):
        look(rows, rows.parent / "missing.jsonl")


def test_a_list_that_exists_is_not_written_over_unless_it_is_the_one_carried_out(rows: Path) -> None:
    path = rows.parent / "fixes.jsonl"
    recipe = DataRecipe(path=str(rows))
    require_no_edited_list(path, recipe)
    path.touch()
    with pytest.raises(StoreError, match=r"--fix .*: found a file that exists already.*add --set data\.fixes="):
        require_no_edited_list(path, recipe)
    other = rows.parent / "other.jsonl"
    other.touch()
    with pytest.raises(StoreError, match="exists already"):
        require_no_edited_list(path, recipe.model_copy(update={"fixes": str(other)}))
    require_no_edited_list(path, recipe.model_copy(update={"fixes": str(path)}))


def test_a_list_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="expected a file to write to"):
        write_fixes(tmp_path, [])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"example_id": "f" * 64},
            r"row ffffffffffff \(.*rows\.jsonl:4\): found no such row, expected a row of the data",
        ),
        ({"action": "edit", "text": [["a", ""]]}, "found an edit that leaves no valid row"),
        ({"action": "edit", "text": [["zebra", "horse"]]}, "found an edit of 'zebra', which changes nothing"),
    ],
)
def test_a_fix_that_cannot_be_carried_out_is_named(rows: Path, fields: dict[str, object], message: str) -> None:
    path = default_list(rows)
    change(path, 0, **fields)
    with pytest.raises(DataError, match=message):
        look(rows, path)


def test_a_fix_of_every_action_survives_its_json() -> None:
    fix = Fix(location="a:1", example_id="b", action="edit", check="c", reason="d", text=(("e", "f"),))
    assert Fix.model_validate_json(fix.model_dump_json()) == fix
    assert CheckRecipe() == DataRecipe(path="x").checks
