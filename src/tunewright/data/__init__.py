"""Rows in, frozen dataset version out: read, normalise, check, repair, drop duplicates, split.

From bytes to records, one file per step:

    lines, strict_json   bytes to text lines; one JSON value under strict rules
    jsonl, json_array    JSON Lines, and a file that is one JSON array, to numbered rows
    tables               CSV, TSV and Parquet to numbered rows
    row_files            which of them reads a file, by its suffix
    files                the bytes of a file or URL, packed or not, and their hash
    passages, documents  texts to passages; text, Markdown, HTML, PDF and DOCX to texts
    markdown             which lines of Markdown are code
    databases            SQL over databases and tables
    messages, tool_calls the messages of a row; function declarations and calls
    pairs, chat_logs     a row to a PreferencePair; a log line of a chat service to its messages
    forms                the shape of the rows, and a row to a Conversation, PlainText or PreferencePair
    read, sources        a file or hub dataset to examples and a Source; everything that a recipe names
    spill, example_file  bytes, and examples, on disk: more than fit into memory
    copies               which of many examples are equal
    checks/              rows to findings; one file per kind of problem
    representation/      topics, comparison with production, groups: what some checks measure
    skills/              seeded in-context tasks that teach and measure small models
    chosen               pairs to conversations that end with the chosen answer, on request
    fixes, examine       the fix list; rows after fixes, findings and default decisions
    histogram, summary   lengths and label counts
    weights              how often the training rows of each source count
    from_documents, grounding, answer_log
                         documents to rows; answers that are in the passage; answers that were given before
    facets, groups, cut  what ties rows together, and where the borders between splits run
    frozen, split        the test split of an earlier version; rows to splits that share nothing
    splittable           whether rows can be split, said before training
    check_command        how to look at what the checks refused
    prepare              recipe to splits and the DatasetVersion
    difference, describe two versions compared; figures about one
    export               a version as files

Whatever is wrong with a file is collected in a ReadLog (refusals) and raised at once as a DataError.
"""

from tunewright.data.checks.base_tokens import RowsUnderBase
from tunewright.data.chosen import require_one_answer
from tunewright.data.describe import count_repeated, count_steps, known_gaps, summarise_splits
from tunewright.data.difference import difference
from tunewright.data.documents import Document, read_documents
from tunewright.data.examine import ExaminedData, examine
from tunewright.data.export import ExportFormat, export_splits
from tunewright.data.fixes import read_fixes, require_no_edited_list, write_fixes
from tunewright.data.frozen import FrozenTest
from tunewright.data.prepare import PreparedData, drop_rows, prepare
from tunewright.data.read import LoadHubDataset, ReadRows, read_rows
from tunewright.data.refusals import Unreadable
from tunewright.data.splittable import splittable
from tunewright.data.summary import label_counts, length_histograms
from tunewright.data.unsplit import prepare_test

__all__ = [
    "Document",
    "ExaminedData",
    "ExportFormat",
    "FrozenTest",
    "LoadHubDataset",
    "PreparedData",
    "ReadRows",
    "RowsUnderBase",
    "Unreadable",
    "count_repeated",
    "count_steps",
    "difference",
    "drop_rows",
    "examine",
    "export_splits",
    "known_gaps",
    "label_counts",
    "length_histograms",
    "prepare",
    "prepare_test",
    "read_documents",
    "read_fixes",
    "read_rows",
    "require_no_edited_list",
    "require_one_answer",
    "splittable",
    "summarise_splits",
    "write_fixes",
]
