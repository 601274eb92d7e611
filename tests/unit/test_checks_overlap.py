"""Contamination and protected text against a brute-force search, real files, and files that cannot be used."""

import gzip
import json
import random
import tracemalloc
from pathlib import Path

import pytest
from checked_rows import conversations, plain_texts
from public_files import public_file

from tunewright.data.checks.check import Check, RowSet
from tunewright.data.checks.common_runs import CommonRuns
from tunewright.data.checks.overlap import CONTAMINATION, PROTECTED_TEXT
from tunewright.data.checks.references import Reference
from tunewright.data.checks.words import words
from tunewright.errors import DataError, RecipeError
from tunewright.records import CheckRecipe, Finding, Split

NUMBERS = [f"number{index}" for index in range(100)]


def find(check: Check, rows: RowSet, **files: Path) -> list[Finding]:
    recipe = CheckRecipe(**{setting: (str(path),) for setting, path in files.items()})
    return sorted(check.find(rows, recipe), key=lambda finding: -finding.score)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def counting(first: int, last: int) -> str:
    return " ".join(NUMBERS[first:last])


def longest_by_brute_force(text: str, references: list[str], length: int) -> int:
    ours = words(text)
    best = 0
    for reference in references:
        theirs = words(reference)
        for i in range(len(ours)):
            for j in range(len(theirs)):
                run = 0
                while i + run < len(ours) and j + run < len(theirs) and ours[i + run] == theirs[j + run]:
                    run += 1
                best = max(best, run)
    return best if best >= length else 0


def test_the_longest_run_is_that_of_a_brute_force_search() -> None:
    rng = random.Random(0)
    found = []
    for _ in range(200):
        texts, references = (
            [" ".join(rng.choices("abc", k=rng.randrange(60))) for _ in range(rng.randrange(1, 5))] for _ in range(2)
        )
        length = rng.randrange(5, 9)
        runs = CommonRuns([Reference("f", n, (text,)) for n, text in enumerate(references)], (length,), None)
        for text, run in zip(texts, runs.longest(texts), strict=True):
            found.append(len(run.words) if run else 0)
            assert found[-1] == longest_by_brute_force(text, references, length)
            if run:
                reference = references[int(run.place.removeprefix("f:"))]
                assert " ".join(run.words) in " ".join(words(text))
                assert " ".join(run.words) in " ".join(words(reference))
    assert 0 in found
    assert max(found) > 8


def test_runs_do_not_cross_from_one_text_to_the_next() -> None:
    runs = CommonRuns([Reference("f", 1, ("a b c",)), Reference("f", 2, ("d e f",))], (3,), None)
    texts = ["a b c d e f", "a b", "c d", "b c d e", "", "x a b c"]
    assert [run and run.place for run in runs.longest(texts)] == ["f:1", None, None, None, None, "f:1"]


def test_memory_does_not_grow_with_the_texts() -> None:
    runs = CommonRuns([Reference("f", 1, (counting(0, 50),))], (13,), None)
    text = counting(40, 100)
    peaks = []
    for num_texts in (4_000, 8_000):
        tracemalloc.start()
        assert not any(runs.longest(text for _ in range(num_texts)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.parametrize(("num_shared", "is_found"), [(13, True), (12, False)])
def test_thirteen_words_of_a_benchmark_row_are_contamination(num_shared: int, is_found: bool, tmp_path: Path) -> None:
    benchmark = write(tmp_path, "test.jsonl", '\n{"question": "' + counting(0, 30) + '", "id": 7}\n')
    rows = conversations([("Unlike others.", f"So: {counting(5, 5 + num_shared).upper()}!"), ("Clean.", "Yes.")])
    found = find(CONTAMINATION, rows, benchmarks=benchmark)
    assert len(found) == is_found
    if is_found:
        explanation = f"It shares 13 words in a row with {benchmark}:2, a row of a benchmark."
        assert (found[0].explanation, found[0].locations) == (explanation, ("rows:1",))
        assert found[0].evidence == (counting(5, 18),)
        assert found[0].score == 13
        assert not found[0].drop


@pytest.mark.parametrize(("num_words", "num_shared", "is_found"), [(12, 8, True), (12, 7, False), (13, 12, False)])
def test_eight_words_are_enough_when_the_benchmark_row_is_short(
    num_words: int, num_shared: int, is_found: bool, tmp_path: Path
) -> None:
    benchmark = write(tmp_path, "test.txt", f"{counting(0, num_words)}\n{counting(50, 90)}\n")
    rows = conversations([("Say it.", counting(0, num_shared))])
    assert bool(find(CONTAMINATION, rows, benchmarks=benchmark)) == is_found


def test_an_instruction_that_many_benchmark_rows_share_does_not_count(tmp_path: Path) -> None:
    instruction = counting(0, 20)
    for num_rows, is_found in ((10, True), (11, False)):
        lines = [json.dumps({"text": f"{instruction} {number}"}) for number in range(num_rows)]
        benchmark = write(tmp_path, "test.jsonl", "\n".join(lines))
        found = find(CONTAMINATION, conversations([(instruction, "Yes.")]), benchmarks=benchmark)
        assert bool(found) == is_found


def test_every_column_and_nested_text_of_a_benchmark_counts(tmp_path: Path) -> None:
    question, answer = counting(0, 13), counting(20, 33)
    files = {
        "a.json": json.dumps([{"turns": [{"content": question}], "meta": {"answer": [answer]}}]),
        "a.csv": f'question,answer\n"{question}","{answer}"\n',
        "a.tsv": f"question\tanswer\n{question}\t{answer}\n",
        "a.md": f"{question}\n{answer}\n",
    }
    for name, text in files.items():
        rows = conversations([("Q", question), ("A", answer)])
        assert len(find(CONTAMINATION, rows, benchmarks=write(tmp_path, name, text))) == 2


def test_a_packed_benchmark_is_read_like_the_file_in_it(tmp_path: Path) -> None:
    rows = conversations([("Q", counting(0, 13))])
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps({"question": counting(0, 13)}).encode()))
    (finding,) = find(CONTAMINATION, rows, benchmarks=packed)
    assert "a.jsonl.gz:1" in finding.explanation
    packed.write_bytes(packed.read_bytes()[:-12])
    with pytest.raises(
        RecipeError, match=r"a\.jsonl\.gz: found a file that cannot be read \(.+\), expected a readable"
    ):
        find(CONTAMINATION, rows, benchmarks=packed)


def test_rows_that_are_only_held_out_may_be_the_benchmark(tmp_path: Path) -> None:
    benchmark = write(tmp_path, "test.txt", counting(0, 20))
    for split, num_found in ((Split.TRAIN, 1), (None, 1), (Split.VALIDATION, 0), (Split.TEST, 0)):
        rows = conversations([("Q", counting(0, 20))], split)
        assert len(find(CONTAMINATION, rows, benchmarks=benchmark)) == num_found
        assert len(find(CONTAMINATION, plain_texts([counting(0, 20)]), benchmarks=benchmark)) == 1


@pytest.mark.parametrize(("num_shared", "is_found"), [(25, True), (24, False)])
def test_twenty_five_words_of_a_protected_text_are_found_across_its_lines(
    num_shared: int, is_found: bool, tmp_path: Path
) -> None:
    lines = [counting(start, start + 10) for start in range(0, 100, 10)]
    protected = write(tmp_path, "book.txt", "Title\n\n" + "\n".join(lines))
    rows = plain_texts([f"As it was told: {counting(15, 15 + num_shared)}, and so on."])
    found = find(PROTECTED_TEXT, rows, protected=protected)
    assert len(found) == is_found
    if is_found:
        assert found[0].explanation == f"It repeats 25 words in a row of {protected}:4, a protected text."
        assert len(found[0].evidence[0]) <= 200


def test_checks_without_files_are_idle_and_say_which_setting_is_empty() -> None:
    assert "data.checks.benchmarks" in str(CONTAMINATION.idle(CheckRecipe()))
    assert "data.checks.protected" in str(PROTECTED_TEXT.idle(CheckRecipe()))
    assert (
        CONTAMINATION.idle(CheckRecipe(benchmarks=("a",))) is PROTECTED_TEXT.idle(CheckRecipe(protected=("a",))) is None
    )


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_opened_names_the_setting(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.checks\.benchmarks: .*expected a readable file"):
        find(CONTAMINATION, (), benchmarks=tmp_path / name)


def test_a_file_without_enough_words_has_no_effect_and_is_refused(tmp_path: Path) -> None:
    short = write(tmp_path, "short.txt", "Too short.\n")
    with pytest.raises(RecipeError, match=r"data\.checks\.benchmarks: found no text of 8 words in .*short\.txt"):
        find(CONTAMINATION, (), benchmarks=short)
    with pytest.raises(RecipeError, match=r"data\.checks\.protected: found no text of 25 words in .*short\.txt"):
        find(PROTECTED_TEXT, (), protected=short)


def test_broken_rows_of_a_benchmark_are_refused_with_their_line(tmp_path: Path) -> None:
    broken = write(tmp_path, "broken.jsonl", '{"a": "b"}\n{"a": \n')
    with pytest.raises(DataError, match=r"broken\.jsonl:2"):
        find(CONTAMINATION, (), benchmarks=broken)
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"fine\ncaf\xe9\n")
    with pytest.raises(DataError, match=r"latin\.txt:2 byte 4: found 0xe9"):
        find(PROTECTED_TEXT, (), protected=latin)


def test_gsm8k_has_near_copies_of_test_questions_in_its_training_rows() -> None:
    gsm8k = public_file("datasets/gsm8k")
    with (gsm8k / "train.jsonl").open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    rows = conversations((line["question"], line["answer"]) for line in lines)
    found = find(CONTAMINATION, rows, benchmarks=gsm8k / "test.jsonl")
    assert len(found) == 11
    explanation = f"It shares 25 words in a row with {gsm8k / 'test.jsonl'}:633, a row of a benchmark."
    assert (found[0].locations, found[0].explanation) == (("rows:21",), explanation)
    assert found[0].evidence[0].startswith("bought stamps at the post office some of the stamps had a snowflake design")
