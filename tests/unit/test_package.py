"""The package as a whole: light imports, complete name lists, recipes whose every field is read."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from package_source import attributes_read
from pydantic import BaseModel

import tunewright
from tunewright import records
from tunewright.records.base import Settings

PACKAGE = Path(tunewright.__file__).parent
HEAVY = ("torch", "transformers", "peft", "datasets", "scipy", "matplotlib", "pandas", "sacrebleu")


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split("\n")[-2].split())


def test_importing_the_package_and_every_action_loads_nothing_heavy():
    assert loaded_by("import tunewright; from tunewright.actions import tune, evaluate, chat, doctor") == set()


def test_a_verb_loads_its_own_module_and_not_those_of_the_others() -> None:
    code = "import sys; from tunewright.actions import supervise; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tunewright.actions.supervising" in loaded
    assert not {"numpy", "tunewright.actions.studying", "tunewright.actions.tuning", "tunewright.data"} & set(loaded)


def test_a_name_that_is_no_verb_is_refused() -> None:
    with pytest.raises(AttributeError, match=r"tunewright\.actions.* has no attribute 'train'"):
        importlib.import_module("tunewright.actions").train  # noqa: B018


@pytest.mark.parametrize("arguments", [["--help"], ["tune", "--help"], ["evaluate", "--help"], ["recipe", "--help"]])
def test_asking_for_help_loads_nothing_heavy(arguments):
    code = (
        "from tunewright.cli import main\n"
        f"sys.argv = ['tunewright', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code"
    )
    assert loaded_by(code) == set()


def test_the_lists_of_public_names_are_complete_and_sorted():
    for module in pkgutil.walk_packages([str(PACKAGE)], "tunewright."):
        if not module.ispkg or module.name.startswith("tunewright.bundled"):
            continue
        package = importlib.import_module(module.name)
        listed = getattr(package, "__all__", [])
        assert listed == sorted(listed), f"{module.name}.__all__ is not sorted"
        assert all(hasattr(package, name) for name in listed), module.name
        reexported = {
            alias.asname or alias.name
            for node in ast.walk(ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tunewright")
            for alias in node.names
        }
        assert reexported == set(listed), f"{module.name}: imports and __all__ differ"
    assert tunewright.__all__ == ["__version__"]


def recipe_fields() -> list[tuple[str, str]]:
    kinds = [
        records.TuneRecipe,
        records.DataRecipe,
        records.SourceRecipe,
        records.Lora,
        records.Full,
        records.TrainRecipe,
        records.EvaluateRecipe,
        records.RetentionRecipe,
    ]
    return [(kind.__name__, field) for kind in kinds for field in kind.model_fields if field != "kind"]


@pytest.mark.parametrize(("kind", "field"), recipe_fields())
def test_every_recipe_field_is_read_by_some_code(kind, field):
    assert field in attributes_read(), f"{kind}.{field} has no effect: remove it or use it"


@pytest.mark.parametrize(("kind", "field"), recipe_fields())
def test_every_recipe_field_is_documented(kind, field):
    documented = getattr(records, kind).model_fields[field].description
    # The sections of the whole recipe explain themselves by their fields.
    if (kind, field) not in {("TuneRecipe", section) for section in ("data", "train", "evaluate", "retention")}:
        assert documented, f"{kind}.{field} needs a line under it"


@pytest.mark.parametrize("kind", [records.TuneRecipe, records.StudyRecipe])
def test_every_record_that_a_recipe_is_made_of_reads_the_lines_under_its_fields(kind):
    for name in kind.model_json_schema()["$defs"]:
        assert issubclass(getattr(records, name), Settings), f"{name} is no Settings: its fields would be unexplained"


def test_records_are_frozen_and_refuse_unknown_keys():
    kinds = [value for value in vars(records).values() if isinstance(value, type) and issubclass(value, BaseModel)]
    assert len(kinds) > 20
    for kind in kinds:
        assert kind.model_config["frozen"], kind
        assert kind.model_config["extra"] == "forbid", kind
