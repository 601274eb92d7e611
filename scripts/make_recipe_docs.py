"""Write the tables of docs/recipes.md that repeat the code: every setting, and the learning rates by size of the base.

    python scripts/make_recipe_docs.py

Only the lines between `<!-- begin NAME -->` and `<!-- end NAME -->` are replaced. tests/unit/test_docs.py fails when
the committed page is not what this script writes.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tunewright.cli.recipe_view import SettingDescription, list_settings
from tunewright.train.defaults import LORA_LEARNING_RATES

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"


def settings_table() -> str:
    """Every setting of a recipe with its default, its values and its documentation line."""
    rows = [(f"`{found.name}`", _default(found), found.kind, found.explanation) for found in list_settings()]
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


TABLES: Mapping[str, Callable[[], str]] = {"settings": settings_table, "learning rates": learning_rate_table}


def updated(page: str) -> str:
    """The page with fresh tables.

    Raises:
        ValueError: the page lacks the markers of a table.
    """
    for name, write in TABLES.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, found_begin, rest = page.partition(begin)
        _, found_end, after = rest.partition(end)
        if not (found_begin and found_end):
            raise ValueError(f"{PAGE.name}: no lines {begin.strip()} and {end}")
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
    """Bring docs/recipes.md up to date."""
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    print(f"{', '.join(TABLES)} -> docs/{PAGE.name}")


if __name__ == "__main__":
    main()
