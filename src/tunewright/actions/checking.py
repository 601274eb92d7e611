"""`check`: what is wrong with rows, what training would do about it, and a list to decide otherwise."""

import time
from collections.abc import Sequence
from pathlib import Path

from tunewright.contracts import Progress, SilentProgress
from tunewright.data import (
    ExaminedData,
    RowsUnderBase,
    Unreadable,
    examine,
    label_counts,
    length_histograms,
    require_no_edited_list,
    splittable,
    write_fixes,
)
from tunewright.errors import Problem, StoreError
from tunewright.model.load import context_length
from tunewright.outside.hub import find_base, load_hub_dataset
from tunewright.records import CheckResult, DataRecipe, DataReport
from tunewright.render import load_renderer
from tunewright.study.data_page import is_data_page, render_data_page
from tunewright.train.defaults import answer_room

MAX_FINDINGS = 100
"""Findings of each check that a report holds, the worst first. A fix list holds every row found."""


def check(
    data: DataRecipe,
    *,
    base: str | None = None,
    fixes_file: Path | None = None,
    page: Path | None = None,
    progress: Progress | None = None,
) -> DataReport:
    """Look for problems in rows. Nothing is changed; a blocking problem is shown, not raised.

    Single rows that cannot be read are a blocking problem too, as long as others of their file can.

    Args:
        data: what to read and which checks to run. Its fix list is carried out first.
        base: also measure the rows in the tokens of this base, under the limits that `tune` would derive.
        fixes_file: write a fix list here: what will happen to every row found, for a person to edit.
        page: write the report here as one HTML file.
        progress: shows which check is running; silent by default.
    Raises:
        DataError: a file cannot be read, or none of its rows.
        RecipeError: settings contradict each other or have no effect.
        ModelError: the base cannot be found or read.
        StoreError: a file cannot be written, the fix list would replace one that exists, or the page a file that is no
            such page.
    """
    started = time.monotonic()
    for path in (fixes_file, page):
        if path is not None:
            _require_folder_of(path)
    if page is not None:
        _require_no_other_content(page)
    if fixes_file is not None:
        require_no_edited_list(fixes_file, data)
    under_base = None if base is None else _rows_under(base, data)
    examined = examine(data, load_hub_dataset, progress or SilentProgress(), base=under_base, unreadable=Unreadable())
    results = (splittable(data, examined), *examined.results)
    report = _report(data, examined, results, time.monotonic() - started)
    if fixes_file is not None:
        write_fixes(fixes_file, examined.fixes)
    if page is not None:
        _write_page(page, report)
    return report


def _rows_under(base: str, data: DataRecipe) -> RowsUnderBase:
    folder = find_base(base).folder
    return RowsUnderBase(
        name=base,
        renderer=load_renderer(folder),
        max_length=context_length(folder),
        answer_room=answer_room,
        drops_unusable=data.unusable_rows == "drop",
    )


def _report(data: DataRecipe, examined: ExaminedData, results: Sequence[CheckResult], seconds: float) -> DataReport:
    labels, num_labels = label_counts(examined.rows)
    return DataReport(
        sources=examined.sources,
        num_rows=sum(source.num_rows for source in examined.sources),
        num_distinct_rows=len(examined.rows),
        num_dropped=len(examined.decisions.dropped),
        num_edited=len(examined.decisions.edited),
        num_copies=0 if data.keep_duplicates else _num_copies(results),
        results=tuple(result.model_copy(update={"findings": result.findings[:MAX_FINDINGS]}) for result in results),
        lengths=length_histograms(examined.rows),
        labels=labels,
        num_labels=num_labels,
        seconds=round(seconds, 2),
    )


def _num_copies(results: Sequence[CheckResult]) -> int:
    return next(result.num_rows for result in results if result.check == "duplicates")


def _require_folder_of(path: Path) -> None:
    """Said before the rows are read, which may take minutes."""
    if not path.parent.is_dir():
        fix = "Make the folder, or give another file."
        raise StoreError(str(Problem(str(path), "no such folder", "a file in a folder that exists", fix)))


def _require_no_other_content(page: Path) -> None:
    """A page takes the place of an older one, and of nothing else, such as the rows themselves."""
    if page.is_file() and page.stat().st_size and not is_data_page(page):
        found, expected = "a file with other content", "a new file, or an older page, which is replaced"
        raise StoreError(str(Problem(f"--page {page}", found, expected, "Give another name.")))


def _write_page(path: Path, report: DataReport) -> None:
    try:
        path.write_text(render_data_page(report), encoding="utf-8", newline="\n")
    except OSError as error:
        found = error.strerror or type(error).__name__
        problem = Problem(str(path), found, "a file to write to", "Make the folder, or give another file.")
        raise StoreError(str(problem)) from error
