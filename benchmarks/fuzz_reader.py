"""Feed the reader of rows with bytes that atheris (libFuzzer) steers into every branch of it.

    python benchmarks/fuzz_reader.py [--seconds 60] [--corpus FOLDER]

The first byte chooses the kind of file, the rest is its content. What must hold for every file stands in
`require_rows_or_words`; tests hold the same against files that hypothesis breaks. Needs atheris (pip install atheris).
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # atheris has to instrument the package while it is imported
    from tunewright.errors import DataError

MAX_SECONDS = 2.0
"""Most processor time that a file of some kilobytes may take; a busy machine does not count."""
MAX_MESSAGE_CHARACTERS = 30_000
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".txt", ".md", ".html", ".parquet", ".jsonl.gz")
SEEDS: tuple[tuple[str, bytes], ...] = (
    (".jsonl", b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}\n'),
    (".jsonl", b'{"prompt": "2 + 2", "completion": 4}\r\n\n{"prompt": "\\ud83d\\ude00", "completion": "1e5"}'),
    (
        ".jsonl",
        b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "!"}]}, '
        b'{"role": "assistant", "content": "Hello"}]}',
    ),
    (".jsonl", b'{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yes", "weight": 0}]}'),
    (".json", b'[{"instruction": "Add", "input": "2, 2", "output": "4"}, {"instruction": "x", "output": null}]'),
    (".json", b'\xef\xbb\xbf[{"text": "\xc3\xa9\xe2\x80\xa8"}]'),
    (".jsonl", b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n'),
    (".csv", b'prompt,completion\n"a ""b""\nc",d\ne,f\n'),
    (".tsv", b"prompt\tcompletion\na\tb\n"),
    (".txt", b"One paragraph.\n\nAnother one.\n"),
    (".md", b"# Title\n\nText with `code` and a [link](there).\n"),
    (".html", b"<html><body><p>Text &amp; more<script>x</script></p></body></html>"),
)


def require_rows_or_words(path: Path) -> int:
    """Read a file: either its rows are in order, or a DataError says where, what and how to correct it.

    What is refused is read once more as `check` does it, which goes on past single rows.

    Returns:
        The number of rows; 0 when the file was refused.
    Raises:
        AssertionError: it took too long, or an error lacks one of its parts. Any other error of the reader passes.
    """
    started = time.process_time()
    num_rows = _rows_or_words(path)
    seconds = time.process_time() - started
    if seconds > MAX_SECONDS:  # what is imported when it is first needed does not count
        started = time.process_time()
        _rows_or_words(path)
        seconds = time.process_time() - started
    assert seconds <= MAX_SECONDS, f"{seconds:.1f} s for {path.stat().st_size:,} bytes"
    return num_rows


def _rows_or_words(path: Path) -> int:
    from tunewright.data import read_rows
    from tunewright.errors import DataError
    from tunewright.records import DataRecipe

    try:
        rows = read_rows(str(path), DataRecipe(path=str(path)), None)
    except DataError as refused:
        _require_words(refused, path)
        _require_others_to_be_read(path)
        return 0
    assert rows.examples
    for example in rows.examples:
        assert example.provenance.row >= 1
        example.model_dump_json().encode("utf-8")
        assert re.fullmatch("[0-9a-f]{64}", example.id)
    return len(rows.examples)


def _require_others_to_be_read(path: Path) -> None:
    """Where `check` goes on past the rows that are refused, they are those of the error, and others were read."""
    from tunewright.data import Unreadable, read_rows
    from tunewright.errors import DataError
    from tunewright.records import DataRecipe

    unreadable = Unreadable()
    try:
        rows = read_rows(str(path), DataRecipe(path=str(path)), None, unreadable=unreadable)
    except DataError as refused:
        _require_words(refused, path)
        return
    assert rows.examples
    assert unreadable.num_rows >= len(unreadable.problems) >= 1
    _require_words(DataError(unreadable.problems), path)


def _require_words(refused: "DataError", path: Path) -> None:
    message = str(refused)
    assert len(message.encode("utf-8")) <= MAX_MESSAGE_CHARACTERS
    assert refused.problems
    for problem in refused.problems:
        place = re.fullmatch(re.escape(str(path)) + r"(?::(\d+))?(?: .+)?", problem.where, re.DOTALL)
        assert place, problem.where
        if place[1]:
            assert 1 <= int(place[1]) <= path.stat().st_size + 1
        for part in (problem.found, problem.expected, problem.fix):
            assert part.strip(), problem
        assert problem.fix.endswith((".", "?", ":")), problem.fix


def main() -> None:
    """Run atheris for some time; it ends with an error at the first file that breaks the promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="keep files that reach new branches here")
    arguments = parser.parse_args()
    try:
        import atheris
    except ImportError:
        raise SystemExit("atheris is not installed: pip install atheris") from None
    with atheris.instrument_imports(include=["tunewright"]):
        import tunewright.data

        assert tunewright.data
    with tempfile.TemporaryDirectory() as name:
        corpus = arguments.corpus or Path(name) / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for number, (suffix, content) in enumerate(SEEDS):
            (corpus / f"seed-{number}").write_bytes(bytes([SUFFIXES.index(suffix)]) + content)

        def read(data: bytes) -> None:
            if data:
                path = Path(name) / f"rows{SUFFIXES[data[0] % len(SUFFIXES)]}"
                path.write_bytes(data[1:])
                require_rows_or_words(path)

        atheris.Setup([sys.argv[0], str(corpus), f"-max_total_time={arguments.seconds}", "-max_len=4096"], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
