"""Everything that a recipe names, to examples: files and patterns, folders of documents, queries, hub datasets."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tunewright.data.databases import is_database, query_database, query_tables
from tunewright.data.documents import Document, count_documents, read_documents
from tunewright.data.facets import require_facet_columns
from tunewright.data.files import is_url, require_plain_url
from tunewright.data.forms import check_settings, choose_form
from tunewright.data.read import Hold, LoadHubDataset, ReadRows, for_plain_text, read_as, read_rows, read_unhashed
from tunewright.data.refusals import ReadLog, Unreadable
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.records import DataRecipe, Example, PlainText, Provenance, SourceRecipe, content_hash

MIN_GROUPED_DOCUMENTS = 10
"""Documents of a folder from which on each lies in one split as a whole: of fewer, a tenth of the rows cannot be cut in
whole documents."""
_PATTERN_CHARACTERS = frozenset("*?[")


def read_sources(
    recipe: DataRecipe,
    load_hub_dataset: LoadHubDataset | None,
    hold: Hold = tuple,
    unreadable: Unreadable | None = None,
) -> tuple[ReadRows, ...]:
    """Read what is to be split: `path`, or all `sources` in their order; one element per file.

    Args:
        recipe: what to read.
        load_hub_dataset: gives the rows of a hub dataset.
        hold: takes the examples of each file.
        unreadable: takes rows that are refused, so that the others are read all the same.
    Raises:
        DataError: a source cannot be read or rows are refused.
        RecipeError: settings contradict each other or have no effect.
        MissingExtraError: a source needs a library that is not installed.
    """
    if recipe.path is not None:
        return read_path(recipe.path, recipe, load_hub_dataset, hold=hold, unreadable=unreadable)
    return tuple(
        read
        for source in recipe.sources
        for read in read_path(source.path, recipe.for_source(source), load_hub_dataset, source, hold, unreadable)
    )


def read_path(
    path: str,
    recipe: DataRecipe,
    load_hub_dataset: LoadHubDataset | None,
    source: SourceRecipe | None = None,
    hold: Hold = tuple,
    unreadable: Unreadable | None = None,
) -> tuple[ReadRows, ...]:
    """Read everything that one path names; one element per file, in the order of their names.

    Args:
        path: a file, pattern, folder of documents, URL, database or hub dataset id.
        recipe: form, columns and system prompt.
        load_hub_dataset: gives the rows of a hub dataset.
        source: the query and what is known about the rows; None where the recipe has no sources.
        hold: takes the examples of each file.
        unreadable: as in `read_sources`.
    Raises:
        DataError, RecipeError, MissingExtraError: as `read_sources`.
    """
    if source is not None and source.query is not None:
        return (_read_query(source, source.query, recipe, hold, unreadable),)
    if is_database(path):
        fix = "List it under data.sources, with a query: the SELECT that gives the rows."
        raise RecipeError(Problem(f"query of {source.title if source else 'data.path'}", "nothing", "SQL", fix))
    if not is_url(path) and Path(path).is_dir():
        return (_read_folder(Path(path), recipe, source, hold),)
    return tuple(read_rows(file, recipe, load_hub_dataset, source, hold, unreadable) for file in _files(path))


def _read_query(
    source: SourceRecipe, query: str, recipe: DataRecipe, hold: Hold, unreadable: Unreadable | None
) -> ReadRows:
    check_settings(recipe)
    if is_database(source.path):
        rows = query_database(source.path, query, source.title)
    elif is_url(source.path):
        fix = "Download the file, or leave the query out."
        raise RecipeError(Problem(f"query of {source.title}", "a URL", "tables on this disk or a database", fix))
    else:
        rows = query_tables(_files(source.path), query, source.title)
    return read_unhashed(rows, recipe, ReadLog(source.title, unreadable), source, hold)


def _files(path: str) -> tuple[str, ...]:
    """The files of a pattern in the order of their names; any other path as it is."""
    if is_url(path):
        return _files_at(path)
    if not _PATTERN_CHARACTERS & set(path) or Path(path).exists():
        return (path,)
    root = Path(path).anchor
    try:
        found = [str(file) for file in Path(root).glob(path.removeprefix(root)) if file.is_file()]
    except ValueError as error:
        problem = Problem(path, str(error), "a pattern such as logs/**/*.jsonl", "Correct the pattern.")
        raise DataError(problem) from None
    return _require_files(tuple(sorted(found)), path)


def _files_at(url: str) -> tuple[str, ...]:
    scheme = url.partition("://")[0].lower()
    # In a web address ? begins the query, and a web server lists no files.
    if scheme in ("http", "https") or not _PATTERN_CHARACTERS & set(url):
        return (url,)
    require_plain_url(url)
    from fsspec.core import url_to_fs

    try:
        system, pattern = url_to_fs(url)
        found = tuple(sorted(str(system.unstrip_protocol(name)) for name in system.glob(pattern)))
    except (ImportError, OSError, ValueError) as error:
        problem = Problem(url, str(error), "a store that lists its files", "Check the URL and your access.")
        raise DataError(problem) from None
    return _require_files(found, url)


def _require_files(found: tuple[str, ...], pattern: str) -> tuple[str, ...]:
    if not found:
        fix = "Check the pattern; ** stands for folders at any depth."
        raise DataError(Problem(pattern, "no file that fits the pattern", "at least one", fix))
    return found


def _read_folder(folder: Path, recipe: DataRecipe, source: SourceRecipe | None, hold: Hold) -> ReadRows:
    check_settings(recipe)
    recipe = for_plain_text(recipe, "a folder of documents", source)
    log = ReadLog(str(folder))
    choose_form((), recipe, log)  # refuses a system prompt
    require_facet_columns((), recipe, log, is_mixed=source is not None)
    documents: list[tuple[str, str]] = []
    is_grouped = count_documents(folder) >= MIN_GROUPED_DOCUMENTS

    def passages() -> Iterator[Example]:
        for document in read_documents(folder, log):
            name = Path(document.path).relative_to(folder).as_posix()
            documents.append((name, document.sha256))
            yield from _examples_of(document, name if is_grouped else None, source)

    examples = hold(passages())
    log.raise_if_refused()
    if not examples:
        raise DataError(Problem(log.name, "documents without text", "at least one with text", "Check the documents."))
    if not is_grouped:
        few = f"fewer than {MIN_GROUPED_DOCUMENTS} documents: passages of one document may lie in several splits"
        log.warnings.append(few)
    return read_as(examples, "text", content_hash(documents), log, source)


def _examples_of(document: Document, group: str | None, source: SourceRecipe | None) -> Iterable[Example]:
    for number, passage in enumerate(document.passages(), start=1):
        provenance = Provenance(
            source=document.path,
            row=number,
            part_of=source.title if source else None,
            licence=source.licence if source else None,
            group=group,
        )
        yield Example(body=PlainText(text=passage), provenance=provenance)
