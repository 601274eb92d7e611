"""Write the tables of the docs that repeat the code: settings, learning rates by size of the base, checks.

    python scripts/make_docs.py

Only the lines between `<!-- begin NAME -->` and `<!-- end NAME -->` are replaced. tests/unit/test_docs.py fails when
a committed page is not what this script writes.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tunewright.cli.recipe_view import SettingDescription, list_settings
from tunewright.data.checks.run import CHECKS
from tunewright.records import StudyRecipe
from tunewright.train.defaults import LORA_LEARNING_RATES

DOCS = Path(__file__).parents[1] / "docs"


def settings_table() -> str:
    """Every setting of a recipe with its default, its values and its documentation line."""
    rows = [(f"`{found.name}`", _default(found), found.kind, found.explanation) for found in list_settings()]
    return _table(("setting", "default", "values", "what it does"), rows)


def study_settings_table() -> str:
    """The settings that a study has beside those of a recipe for tuning."""
    known = {found.name for found in list_settings()}
    rows = [
        (f"`{found.name}`", _default(found), found.kind, found.explanation)
        for found in list_settings(StudyRecipe)
        if found.name not in known
    ]
    return _table(("setting", "default", "values", "what it does"), rows)


def learning_rate_table() -> str:
    """The derived learning rate of LoRA and of full tuning for each size of base."""
    rows = []
    at_least = ""
    for num_parameters, rate in LORA_LEARNING_RATES:
        below = "" if num_parameters == float("inf") else f"below {_size(num_parameters)}"
        size = " and ".join(part for part in (at_least, below) if part)
        rows.append((size, f"{rate:g}", f"{rate / 10:g}"))
        at_least = f"from {_size(num_parameters)}"
    return _table(("parameters of the base", "LoRA", "full tuning"), rows)


def checks_table() -> str:
    """Every check with what it looks for and what happens to the rows it finds."""
    rows = [(f"`{check.id}`", str(check.severity), check.explanation, check.action) for check in CHECKS]
    return _table(("check", "severity", "what it looks for, and why", "what happens"), rows)


TABLES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "recipes.md": {"settings": settings_table, "learning rates": learning_rate_table},
    "data-checks.md": {"checks": checks_table},
    "study.md": {"study settings": study_settings_table},
}
"""By page and by the name between its markers."""


def updated(name_of_page: str, page: str) -> str:
    """The text of a page with fresh tables.

    Raises:
        ValueError: the page lacks the markers of a table.
    """
    for name, write in TABLES[name_of_page].items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, found_begin, rest = page.partition(begin)
        _, found_end, after = rest.partition(end)
        if not (found_begin and found_end):
            raise ValueError(f"{name_of_page}: no lines {begin.strip()} and {end}")
        page = before + begin + write() + end + after
    return page


def _default(setting: SettingDescription) -> str:
    if setting.is_required:
        return "required"
    if setting.default is not None:
        return "`" + json.dumps(setting.default).strip('"') + "`"
    return "derived" if "Derived" in setting.explanation else "not set"


def _size(num_parameters: float) -> str:
    return f"{num_parameters / 1e6:g}M" if num_parameters < 1e9 else f"{num_parameters / 1e9:g}B"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def lines() -> Iterator[str]:
        yield from (headings, ["---"] * len(headings))
        yield from rows

    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines())


def main() -> None:
    """Bring the pages up to date."""
    for name, tables in TABLES.items():
        page = DOCS / name
        page.write_text(updated(name, page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
        print(f"{', '.join(tables)} -> docs/{name}")


if __name__ == "__main__":
    main()
