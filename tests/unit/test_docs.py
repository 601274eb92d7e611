"""The pages promise only what the code holds: links, commands, settings, names, recipes, tables."""

import ast
import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer

from tunewright.cli.app import app
from tunewright.cli.recipe_view import list_settings
from tunewright.records import read_recipe, read_study_recipe

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")])
RECIPE_FILES = sorted((ROOT / "examples").rglob("*.yaml"))
RECIPE_PAGE = ROOT / "docs" / "recipes.md"

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
INLINE_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
# After a prompt, a pipe or variables: what a reader would type.
COMMAND = re.compile(r"^\s*(?:\$ )?(?:.*\| )?(?:[A-Z_]+=\S+ )*(tunewright(?: .*)?)$")
COMMAND_NAME = re.compile(r"tunewright ([a-z]+)")
SECTIONS = "data|method|train|evaluate|retention"
SETTING = re.compile(rf"(?:--set )?((?:{SECTIONS})\.(?!(?:jsonl?|csv|txt|py)$)[a-z_.]+)(?:=.*)?")
MACHINE_PATH = re.compile(r"(?<![\w.:/~-])/(?:home|root|work|tmp|Users|mnt|opt|var|usr)\b")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_blocks(text: str, language: str | None = None) -> Iterator[str]:
    """Fenced blocks, all or of one language; and, for all, the indented ones."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    yield from (block for found, block in fenced if language in (None, found))
    if language is None:
        unfenced = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        yield from (line[4:] for line in unfenced.splitlines() if line.startswith("    "))


def commands_in(text: str) -> Iterator[list[str]]:
    """Every tunewright command of code blocks and inline code, as its arguments.

    Inline, `tunewright tune` names a command and is not one to be typed.
    """
    lines = [line for block in code_blocks(text) for line in block.replace("\\\n", " ").splitlines()]
    inline = [code for code in INLINE_CODE.findall(text) if not COMMAND_NAME.fullmatch(code)]
    for line in [*lines, *inline]:
        if found := COMMAND.match(line):
            words = shlex.shlex(found[1], posix=True, punctuation_chars="|&;<>")
            words.whitespace_split = True
            arguments = list(words)[1:]
            end = next((index for index, word in enumerate(arguments) if word[0] in "|&;<>"), len(arguments))
            yield arguments[:end]


def parse(arguments: list[str]) -> None:
    """Let the command line read its arguments without carrying anything out."""
    group = typer.main.get_command(app)
    if not arguments or arguments[0].startswith("-"):
        group.make_context("tunewright", arguments, resilient_parsing=True)
        return
    name, *rest = arguments
    assert name in group.commands, f"tunewright has no command {name}"
    command = group.commands[name]
    if isinstance(command, typer.core.TyperGroup) and rest and not rest[0].startswith("-"):
        inner, *rest = rest
        assert inner in command.commands, f"tunewright {name} has no command {inner}"
        command = command.commands[inner]
    given = command.make_context(name, rest).params
    read = read_study_recipe if name == "study" else read_recipe
    fields = {"data": {"path": "rows.jsonl"}} | ({"bake": {"prompt": given["bake"]}} if given.get("bake") else {})
    read(fields, overrides=tuple(given.get("overrides") or ()))


def docs_script() -> ModuleType:
    path = ROOT / "scripts" / "make_docs.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names_of(value: object) -> str:
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else str(value)


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    targets = [target for target in LINK.findall(text_of(page)) if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in targets if not (page.parent / target.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_no_page_names_a_place_on_somebodys_machine(page: Path) -> None:
    assert MACHINE_PATH.findall(text_of(page)) == []


@pytest.mark.parametrize(
    ("page", "arguments"),
    [(page, arguments) for page in PAGES for arguments in commands_in(text_of(page))],
    ids=lambda value: names_of(value) if isinstance(value, Path) else shlex.join(value)[:60],
)
def test_every_command_can_be_typed(page: Path, arguments: list[str]) -> None:
    parse(arguments)


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_every_command_named_exists(page: Path) -> None:
    named = {match[1] for code in INLINE_CODE.findall(text_of(page)) if (match := COMMAND_NAME.fullmatch(code))}
    assert named - set(typer.main.get_command(app).commands) == set()


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_every_setting_named_exists(page: Path) -> None:
    named = {match[1] for code in INLINE_CODE.findall(text_of(page)) if (match := SETTING.fullmatch(code))}
    assert named - {setting.name for setting in list_settings()} == set()


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_python_code_imports_names_that_exist(page: Path) -> None:
    for block in code_blocks(text_of(page), "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tunewright"):
                module = importlib.import_module(str(node.module))
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.parametrize("page", PAGES, ids=names_of)
def test_recipes_in_pages_load(page: Path, tmp_path: Path) -> None:
    for block in code_blocks(text_of(page), "yaml"):
        (tmp_path / "recipe.yaml").write_text(block, encoding="utf-8")
        names_rows = "\n  sources:" in block
        read_recipe({} if names_rows else {"data": {"path": "rows.jsonl"}}, tmp_path / "recipe.yaml")


@pytest.mark.parametrize("path", RECIPE_FILES, ids=names_of)
def test_ready_recipes_load_and_say_how_to_run_them(path: Path) -> None:
    if path.stem == "study":
        read_study_recipe({}, path)
    else:
        read_recipe({"data": {"path": "rows.jsonl"}}, path)
    heading = [line.removeprefix("#").strip() for line in text_of(path).splitlines() if line.startswith("#")]
    run = next(line.removeprefix("Run").strip() for line in heading if line.startswith("Run"))
    assert path.relative_to(ROOT).as_posix() in run
    (arguments,) = commands_in(f"`{run}`")
    parse(arguments)


def test_the_generated_tables_are_current() -> None:
    script = docs_script()
    for name in script.TABLES:
        page = text_of(script.DOCS / name)
        assert script.updated(name, page) == page, "run python scripts/make_docs.py"


def test_the_table_names_every_setting_once() -> None:
    table = docs_script().settings_table()
    assert re.findall(r"^\| `([^`]+)`", table, flags=re.MULTILINE) == [setting.name for setting in list_settings()]


def test_stale_tables_are_replaced_and_the_rest_of_the_page_stays() -> None:
    script = docs_script()
    page = script.updated(RECIPE_PAGE.name, text_of(RECIPE_PAGE))
    stale = page.replace("| `train.seed` |", "| `train.sead` |").replace("| from 14B |", "| from 15B |")
    assert stale != page
    assert script.updated(RECIPE_PAGE.name, stale) == page


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"recipes\.md: no lines <!-- begin settings --> and <!-- end settings -->"):
        docs_script().updated("recipes.md", "# Recipes\n")


def test_commands_are_found_as_a_shell_would_read_them() -> None:
    text = """
Run `tunewright doctor --json -`, not `tunewrights`; `tunewright chat` is one of the commands.

    tunewright tokens rows.jsonl --rows 1   # three would do
    echo 'is it > 3?' | tunewright chat last

```
$ tunewright recipe rows.jsonl \\
    --method full > recipe.yaml
TUNEWRIGHT_HOME=build tunewright show last --json - | less
Talk to it: tunewright chat last
```
"""
    assert sorted(commands_in(text)) == [
        ["chat", "last"],
        ["doctor", "--json", "-"],
        ["recipe", "rows.jsonl", "--method", "full"],
        ["show", "last", "--json", "-"],
        ["tokens", "rows.jsonl", "--rows", "1"],
    ]


@pytest.mark.parametrize(
    "arguments",
    [["tune", "rows.jsonl", "--rank", "8"], ["show"], ["runs", "--rows", "3"], ["tune", "--set", "train.rank=8"]],
    ids=shlex.join,
)
def test_a_command_that_does_not_exist_would_be_noticed(arguments: list[str]) -> None:
    with pytest.raises((typer.BadParameter.__base__, ValueError)):
        parse(arguments)
