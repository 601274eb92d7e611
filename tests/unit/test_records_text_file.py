"""Small files that people write: nothing in the place of one keeps a command waiting, or fills the memory."""

import os
from pathlib import Path

import pytest

from tunewright.actions.baking import read_bake_prompt
from tunewright.actions.study_formats import read_answer_schema
from tunewright.data.checks.references import read_protected
from tunewright.data.fixes import read_fixes
from tunewright.data.read import read_rows
from tunewright.errors import DataError, ModelError, RecipeError
from tunewright.evaluate.house import read_house_rules
from tunewright.evaluate.retention.benchmarks import read_benchmark
from tunewright.outside.model_folder import refuse_unsafe
from tunewright.records import BakeRecipe, DataRecipe, read_recipe, read_study_recipe
from tunewright.records.text_file import MAX_TEXT_BYTES, not_a_file, read_text_file, read_yaml_file

READERS = {
    "recipe.yaml": lambda path: read_recipe({}, path),
    "study.yaml": lambda path: read_study_recipe({}, path),
    "house.yaml": read_house_rules,
    "prompt.txt": lambda path: read_bake_prompt(BakeRecipe(prompt=str(path))),
    "schema.json": lambda path: read_answer_schema(str(path)),
    "protected.txt": lambda path: read_protected(str(path)),
    "fixes.jsonl": read_fixes,
    "blimp.jsonl": read_benchmark,
    "rows.jsonl": lambda path: read_rows(str(path), DataRecipe(path=str(path)), None),
}
FOUR_PARTS = r"{}\b.*: found {}, expected .+\. \S.+\."


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


KINDS = {
    "a pipe, socket or device": make_pipe,
    "a folder": Path.mkdir,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_pipe_or_folder_in_the_place_of_a_file_is_refused_without_waiting(
    tmp_path: Path, name: str, kind: str
) -> None:
    path = tmp_path / name
    KINDS[kind](path)
    with pytest.raises((RecipeError, DataError), match=FOUR_PARTS.format(name, kind)):
        READERS[name](path)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_no_recipe(device: str) -> None:
    with pytest.raises(RecipeError, match=f"{device}: found a pipe, socket or device, expected a readable YAML file"):
        read_recipe({}, Path(device))


@pytest.mark.parametrize("name", ["recipe.yaml", "study.yaml", "house.yaml", "prompt.txt", "schema.json"])
def test_a_file_of_ten_gigabytes_is_no_small_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    os.truncate(path, 10 * 2**30)  # takes no room on the disk
    with pytest.raises(RecipeError, match=FOUR_PARTS.format(name, r"more than 1,048,576 bytes")):
        READERS[name](path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"a: \xff", r"bytes that are not UTF-8 \(byte 4\)"),
        (b"a: \x00", r"a NUL byte \(byte 4\)"),
        ("a: b".encode("utf-16"), r"a NUL byte \(byte 4\)"),
        (b"[" * 3_000, "values inside each other more than 64 deep"),
        (b"[" * 100 + b"]" * 100, "values inside each other more than 64 deep"),
        (b"a: &a [*a]", "values inside each other more than 64 deep"),
        (b"a: " + b"1" * 5_000, r"a value that cannot be \(Exceeds the limit"),
        (b"a: 2026-99-99", r"a value that cannot be \(month must be"),
        (b"a: [\n", r"text that is not YAML \(expected"),
    ],
)
def test_what_cannot_be_read_as_yaml_is_told(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=rf"recipe\.yaml(:\d+)?: found {found}.*, expected .+\. \S"):
        read_yaml_file(path)


def test_aliases_that_multiply_are_told_and_a_few_are_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)]
    path.write_text("a0: &a0 [1]\n" + "".join(levels), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"found more than 100,000 values, expected .*without aliases"):
        read_yaml_file(path)
    path.write_text("a: &same [1, 2]\nb: *same\n", encoding="utf-8")
    assert read_yaml_file(path) == {"a": [1, 2], "b": [1, 2]}


def test_a_key_that_stands_twice_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("train:\n  epochs: 2\nbase: bundled\ntrain:\n  seed: 1\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"recipe\.yaml:4: found .*`train` for the second time, after line 1"):
        read_yaml_file(path)
    path.write_text("a: &both {x: 1}\nb: {<<: *both, x: 2}\n", encoding="utf-8")
    assert read_yaml_file(path) == {"a": {"x": 1}, "b": {"x": 2}}


def test_a_key_that_a_merged_mapping_has_too_stands_there_once(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("a: &a {x: 1}\nouter:\n  b: &b {<<: *a, x: 2}\nc: {<<: [*b, *a], y: 3}\n", encoding="utf-8")
    assert read_yaml_file(path) == {"a": {"x": 1}, "outer": {"b": {"x": 2}}, "c": {"x": 2, "y": 3}}
    path.write_text('1: one\n"1": text\n', encoding="utf-8")
    assert read_yaml_file(path) == {1: "one", "1": "text"}


@pytest.mark.parametrize("text", ["a: {b: [{x: 1, x: 2}]}", "[{x: 1, x: 2}]", "a: &b {x: 1, y: 2, x: 3}\nc: *b"])
def test_a_key_that_stands_twice_is_refused_at_any_depth(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=r"recipe\.yaml:1: found .*`x` for the second time, after line 1"):
        read_yaml_file(path)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("See ticket #5 and reply", "See ticket #5 and reply"),
        ("Line one.\nLine two.\n\n  - indented", "Line one.\nLine two.\n\n  - indented"),
        ("'quoted # text'", "quoted # text"),
        ("It's: one\nand two", "It's: one\nand two"),
        ("# Rules\nBe brief.", "# Rules\nBe brief."),
        ("#5 comes first", "#5 comes first"),
        ("null", None),
        ("", None),
    ],
)
def test_a_text_that_is_set_stays_as_it_was_typed(typed: str, kept: str | None) -> None:
    fields = {"data": {"path": "rows.jsonl"}}
    assert read_recipe(fields, None, (f"data.system_prompt={typed}",)).data.system_prompt == kept


def test_a_key_that_is_set_twice_in_one_mapping_is_not_lost() -> None:
    with pytest.raises(RecipeError, match=r"method: found '\{rank: 8, rank: 16\}'"):
        read_recipe({"data": {"path": "rows.jsonl"}}, None, ("method={rank: 8, rank: 16}",))


def test_a_schema_without_end_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(RecipeError, match="found RecursionError, expected a readable JSON file"):
        read_answer_schema(str(path))


def test_a_text_is_read_as_python_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "prompt.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n" + b"x" * (MAX_TEXT_BYTES - 18))
    read = read_text_file(path, "where", "a text", "Fix it.")
    assert read == path.read_text(encoding="utf-8-sig")


def test_a_name_that_no_file_can_have_is_no_file(tmp_path: Path) -> None:
    assert not_a_file(tmp_path / "nothing") is None
    assert not_a_file(Path("a\0b")) is None
    with pytest.raises(RecipeError, match=r"where: found .*null byte, expected a text\. Fix it\."):
        read_text_file(Path("a\0b"), "where", "a text", "Fix it.")


def test_a_pipe_among_the_files_of_a_base_is_refused_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"found a pipe, socket or device at model\.safetensors, expected files"):
        refuse_unsafe(tmp_path, "mine")


def test_a_setting_that_looks_like_a_date_that_cannot_be_is_a_text() -> None:
    with pytest.raises(RecipeError, match=r"train\.epochs: found '2026-99-99'"):
        read_recipe({"data": {"path": "rows.jsonl"}}, None, ("train.epochs=2026-99-99",))
