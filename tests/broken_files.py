"""Files of rows that are right, nearly right, or noise: hypothesis draws and shrinks them."""

import csv
import gzip
import io
import json

from hypothesis import strategies as st

_AWKWARD = ("\u2028", "\ufeff", "\x00", "\x85", '"', "\\", "\n", "\r", "\t", ",", "{", "]", "😀", "e\u0301", "\x1b[31m")
_good_texts = st.sampled_from(("Hi", "yes", "2 + 2", "Is it late? 日本", "{}"))
texts = st.one_of(_good_texts, _good_texts, _good_texts, st.text(max_size=20), st.sampled_from((*_AWKWARD, " ", "")))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    texts,
    st.sampled_from(("\ud800", "\udfff x")),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)

_roles = st.sampled_from(("system", "user", "assistant", "human", "gpt", "tool", "User", ""))
_dialogue = st.tuples(texts, texts).map(
    lambda drawn: [{"role": "user", "content": drawn[0]}, {"role": "assistant", "content": drawn[1]}]
)
_parts = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(("text", "text", "image_url", ""))}, optional={"text": scalars}),
    max_size=3,
)
_messages = st.one_of(
    _dialogue,
    st.lists(st.fixed_dictionaries({"role": _roles, "content": st.one_of(texts, _parts)}), max_size=3),
    st.lists(st.fixed_dictionaries({"role": _roles, "content": texts}, optional={"weight": scalars}), max_size=4),
)
_turns = st.lists(st.fixed_dictionaries({"from": _roles, "value": texts}), max_size=4)
_good_row = st.one_of(
    st.fixed_dictionaries({"prompt": texts, "completion": texts}),
    st.fixed_dictionaries({"instruction": texts, "output": texts}, optional={"input": scalars}),
    st.fixed_dictionaries({"messages": _messages}, optional={"tools": values}),
    st.fixed_dictionaries({"conversations": _turns}),
    st.fixed_dictionaries(
        {"prompt": texts, "chosen": st.one_of(texts, _messages), "rejected": st.one_of(texts, _messages)}
    ),
    st.fixed_dictionaries({"text": texts}),
)
_names = st.sampled_from(("prompt", "completion", "messages", "text", "output", "input", "chosen", "rejected", "x"))


@st.composite
def _row(draw: st.DrawFn) -> object:
    """A row in one of the forms, sometimes with a field that is wrong, gone or too many."""
    row: object = draw(_good_row)
    assert isinstance(row, dict)
    change = draw(st.sampled_from(("none",) * 9 + ("replace", "remove", "whole")))
    if change == "replace":
        row[draw(_names)] = draw(values)
    elif change == "remove":
        row.pop(draw(st.sampled_from(sorted(row))))
    return draw(values) if change == "whole" else row


@st.composite
def _json(draw: st.DrawFn, *, as_array: bool) -> bytes:
    plain = draw(st.booleans())
    rows = [_dump(row, plain=plain) for row in draw(st.lists(_row(), min_size=1, max_size=5))]
    if as_array:
        return ("[" + draw(st.sampled_from((",", ", ", ",\n", ",,", " "))).join(rows) + "]").encode("utf-8", "replace")
    return draw(st.sampled_from(("\n", "\r\n", "\n\n", " \n", "\r"))).join(rows).encode("utf-8", "replace")


def _dump(row: object, *, plain: bool) -> str:
    # Half of a character can only be written as an escape.
    text = json.dumps(row, ensure_ascii=False)
    return text if plain and text.isprintable() else json.dumps(row)


@st.composite
def _table(draw: st.DrawFn, delimiter: str) -> bytes:
    usual = st.sampled_from((["prompt", "completion"], ["instruction", "input", "output"], ["text"]))
    header = draw(st.one_of(usual, usual, st.lists(st.one_of(_names, texts), min_size=1, max_size=4)))
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))))
    writer.writerow(header)
    for _ in range(draw(st.integers(0, 4))):
        wanted = len(header) + draw(st.sampled_from((0,) * 12 + (-1, 1)))
        writer.writerow([draw(texts).replace("\x00", "") for _ in range(wanted)])
    return file.getvalue().encode("utf-8", "replace")


def _parquet(columns: dict[str, list[object]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


_TABLES: tuple[dict[str, list[object]], ...] = (
    {"prompt": ["a", "b", "c"], "completion": [1, 2, 3]},
    {"prompt": ["a", "b", None], "completion": [1.5, float("nan"), 3]},
    {"text": ["One.", "Two."]},
    {"messages": [[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}]]},
)
_MARKUP = (
    "# Title\n",
    "- item\n",
    "```\ncode\n```\n",
    "<p>",
    "</p>",
    "<script>",
    "&amp;",
    "&#x110000;",
    "<!--",
    "\n\n",
)
_document = st.lists(st.one_of(texts, st.sampled_from(_MARKUP)), max_size=8).map(lambda parts: "".join(parts).encode())

_CONTENTS: dict[str, st.SearchStrategy[bytes]] = {
    ".jsonl": _json(as_array=False),
    ".json": _json(as_array=True),
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".txt": _document,
    ".md": _document,
    ".html": _document,
    ".parquet": st.sampled_from(_TABLES).map(_parquet),
    ".jsonl.gz": _json(as_array=False).map(gzip.compress),
}


@st.composite
def _damaged(draw: st.DrawFn, contents: st.SearchStrategy[bytes]) -> bytes:
    """Some bytes gone, doubled or put in."""
    data = draw(contents)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        middle = draw(st.one_of(st.binary(max_size=4), st.just(data[start:end] * 2), st.just(b"[" * 200)))
        data = data[:start] + middle + data[end:]
    return data


@st.composite
def _recoded(draw: st.DrawFn, contents: st.SearchStrategy[bytes]) -> bytes:
    encoding = draw(st.sampled_from(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "utf-7", "cp037")))
    return draw(contents).decode("utf-8", "replace").encode(encoding, "replace")


def contents_of(suffix: str) -> st.SearchStrategy[bytes]:
    """Bytes for a file with this suffix: as they should be, damaged, in another encoding, cut off, or noise."""
    contents = _CONTENTS[suffix]
    cut = st.tuples(contents, st.floats(0, 1)).map(lambda drawn: drawn[0][: int(drawn[1] * len(drawn[0]))])
    return st.one_of(contents, contents, _damaged(contents), _recoded(contents), cut, st.binary(max_size=300))
