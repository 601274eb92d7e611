"""Rows in, frozen dataset version out: read, normalise, check, repair, drop duplicates, split.

From bytes to records, one file per step:

    lines, strict_json   bytes to text lines; one JSON value under strict rules
    jsonl, tables        JSON Lines and JSON arrays; CSV, TSV and Parquet: all give numbered rows
    forms                the shape of the rows, and a row to a Conversation or PlainText
    read                 a path or hub id to examples and a Source
    checks/              rows to findings; one file per kind of problem
    fixes, examine       the fix list; rows after fixes, findings and default decisions
    summary              lengths and label counts
    prepare              recipe to splits and the DatasetVersion

Whatever is wrong with a file is collected in a ReadLog (refusals) and raised at once as a DataError.
"""

from tunewright.data.examine import ExaminedData, examine
from tunewright.data.fixes import read_fixes, write_fixes
from tunewright.data.prepare import PreparedData, drop_rows, prepare
from tunewright.data.read import LoadHubDataset, ReadRows, read_rows
from tunewright.data.summary import label_counts, length_histograms
from tunewright.data.unsplit import prepare_test

__all__ = [
    "ExaminedData",
    "LoadHubDataset",
    "PreparedData",
    "ReadRows",
    "drop_rows",
    "examine",
    "label_counts",
    "length_histograms",
    "prepare",
    "prepare_test",
    "read_fixes",
    "read_rows",
    "write_fixes",
]
