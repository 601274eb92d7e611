"""DataRecipe: which rows a run is made of, and how they are read, checked and divided. See recipe.py for its form."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tunewright.records.base import Fraction, Settings
from tunewright.records.dataset import Form

MAX_SOURCES_IN_TITLE = 3


def _require_a_name(path: str) -> str:
    """For Python an empty path is the current folder, and for a shell a variable that is not set is an empty text."""
    if not path.strip():
        raise PydanticCustomError("empty_path", "")
    return path


NamedPath = Annotated[str, AfterValidator(_require_a_name)]
"""A path that is written out: `.` is the current folder, an empty text is not."""


class CheckRecipe(Settings):
    """Which problems are looked for in the rows, and which of them are accepted."""

    accept: tuple[str, ...] = ()
    """Blocking checks whose findings you have looked at and accept, by id, as in `contradictions`."""
    skip: tuple[str, ...] = ()
    """Checks that do not run, by id."""
    near_duplicate_similarity: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    """Rows count as near-duplicates from this share of common word 5-grams (Jaccard) on."""
    benchmarks: tuple[str, ...] = ()
    """Files whose rows must not be trained on, because results on them would mean nothing (contamination)."""
    protected: tuple[str, ...] = ()
    """Text files that the model must not learn to repeat."""
    licences: tuple[str, ...] = ()
    """Licences that rows may have, as in `[MIT, CC-BY-*]`: SPDX ids or any other names, upper and lower case alike.
    Rows of another or an unknown licence stop training. Default: any licence."""
    redact: bool = False
    """Replace personal data and secrets by placeholders of the same shape, instead of only listing them."""
    reference: str | None = None
    """A file of production inputs, with or without answers, that the rows are compared with."""
    reference_input: str | None = None
    """Field of the reference that holds the input. Default: `data.input` where a row of it has that
    field, else found by the usual names."""
    groups: tuple[str, ...] = ()
    """Fields of the rows, such as `region`, by whose values rows and labels are counted."""


class SourceRecipe(Settings):
    """One of several sources that are mixed, with what is known about it."""

    path: NamedPath
    """As `data.path`; also tables or a database to put `query` to: `sqlite:///FILE`, `duckdb:///FILE`,
    `postgres://HOST/NAME`, or CSV, TSV and Parquet files, each a table of its name."""
    name: str | None = None
    """What reports call the source. Default: its path."""
    query: str | None = None
    """SQL that selects the rows, one SELECT. Nothing can be written with it."""
    form: Form | None = None
    """As `data.form`, for this source. Default: that of the recipe."""
    input: str | None = None
    """As `data.input`, for this source. Default: that of the recipe."""
    output: str | None = None
    """As `data.output`, for this source. Default: that of the recipe."""
    system_prompt: str | None = None
    """As `data.system_prompt`, for this source. Default: that of the recipe."""
    group_column: str | None = None
    """As `data.group_column`, for this source. Default: that of the recipe. Rows of sources without one stand alone."""
    licence: str | None = None
    """Licence of the rows, as in `CC-BY-4.0`; see `data.checks.licences`. Default: unknown."""
    licence_column: str | None = None
    """Column that holds the licence of each row; where it is empty, `licence` counts."""
    owner: str | None = None
    """Who answers for the source, for the records."""
    weight: Annotated[float, Field(ge=0.0, le=100.0)] = 1.0
    """How often a training row counts in each epoch: 2 takes every row twice, 0.5 takes half of the rows, chosen by
    their content and `split_seed`. Validation and test rows always count once."""

    @property
    def title(self) -> str:
        """What reports call it."""
        return self.name or self.path


class DataRecipe(Settings):
    """Which rows to read, how to read them, and how to split them. Either `path` or `sources` is set."""

    path: NamedPath | None = None
    """A file (.jsonl, .json, .csv, .tsv, .parquet, .txt and other documents; also packed as .gz), a pattern such as
    `logs/*.jsonl`, a folder of documents, a URL, or a hub dataset id such as `owner/name`. Needed unless `sources` is
    set."""
    sources: tuple[SourceRecipe, ...] = ()
    """Several sources instead of `path`, read in this order. A row that occurs in two of them belongs to the first."""
    form: Form | None = None
    """Shape of the rows. Derived: detected from the first rows."""
    input: str | None = None
    """Column that holds what the model is given. Needed for tables; also picks fields of JSON rows."""
    output: str | None = None
    """Column that holds what the model should write."""
    system_prompt: str | None = None
    """System message put before every row that has none."""
    validation_path: NamedPath | None = None
    """Rows that choose the checkpoint, as `path`. Default: a share of the rows."""
    test_path: NamedPath | None = None
    """Rows that judge the result, touched once at the end, as `path`. Default: a share of the rows."""
    validation_fraction: Fraction = 0.1
    """Share of the rows used for validation (at least 20 rows) when `validation_path` is not given."""
    test_fraction: Fraction = 0.1
    """Share of the rows kept for the final test (at least 20 rows) when `test_path` is not given."""
    split_seed: int = 0
    """Changes which rows land in which split. The same seed and rows always give the same split."""
    group_column: str | None = None
    """Field whose equal values never stand in two splits, such as a customer or a document."""
    time_column: str | None = None
    """Field with an ISO 8601 date or time, or a number. The newest rows become the test, the next newest the validation
    split, so that the result tells how the model does on what comes later."""
    stratify: bool | None = None
    """Give each split the same share of every label. Derived: yes when the answers are labels and no `time_column` is
    named."""
    keep_duplicates: bool = False
    """Keep rows that occur more than once instead of keeping the first of each."""
    train_on_chosen: bool = False
    """Turn preference pairs into conversations that end with the chosen answer; the rejected one is left out."""
    unusable_rows: Literal["refuse", "drop"] = "refuse"
    """What happens to a row that cannot be trained on (answer too long for the context, control tokens in the
    text): refuse the data set, or drop the row and name it in the report."""
    fixes: str | None = None
    """A list of rows to drop, keep or edit, as `tunewright check DATA --fix FILE` writes it. It wins over what the
    checks would do by default."""
    checks: CheckRecipe = CheckRecipe()
    """Problems that are looked for in rows that can be read; see `tunewright check`."""

    @model_validator(mode="after")
    def _rows_are_named_once(self) -> "DataRecipe":
        if self.path is None and not self.sources:
            raise PydanticCustomError("no_path", "")
        if self.path is not None and self.sources:
            raise PydanticCustomError("path_and_sources", "")
        titles = [source.title for source in self.sources]
        twice = next((title for title in titles if titles.count(title) > 1), None)
        if twice is not None:
            raise PydanticCustomError("equal_titles", "", {"title": twice})
        return self

    @property
    def title(self) -> str:
        """The data in a few words: its path, or what its sources are called."""
        if self.path is not None:
            return self.path
        shown = [source.title for source in self.sources[:MAX_SOURCES_IN_TITLE]]
        num_hidden = len(self.sources) - len(shown)
        return ", ".join(shown) + (f" and {num_hidden} more" if num_hidden else "")

    @property
    def group_title(self) -> str | None:
        """The field, or fields of its sources, whose equal values never stand in two splits."""
        own = [source.group_column for source in self.sources if source.group_column is not None]
        return self.group_column or " or ".join(dict.fromkeys(own)) or None

    def for_source(self, source: SourceRecipe) -> "DataRecipe":
        """The settings under which one source is read: its own where it has them, else those of the recipe."""
        has_columns = source.input is not None or source.output is not None
        form = source.form if source.form is not None or has_columns else self.form
        may_have_columns = source.form in (None, "columns")
        return self.model_copy(
            update={
                "path": source.path,
                "sources": (),
                "form": form,
                "input": source.input or (self.input if may_have_columns else None),
                "output": source.output or (self.output if may_have_columns else None),
                "group_column": source.group_column or self.group_column,
                "system_prompt": source.system_prompt if source.system_prompt is not None else self.system_prompt,
            }
        )
