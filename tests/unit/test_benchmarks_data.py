"""The benchmark of the data checks: its rows, its judgement of what was found, and the page it writes."""

import json
from pathlib import Path

import data
import pytest
from synthetic_rows import Kind, read_pairs, similarity, write_pairs, write_rows


def rows_of(path: Path) -> list[str]:
    rows = (json.loads(line)["messages"] for line in path.read_text(encoding="utf-8").splitlines())
    return ["\n".join(message["content"] for message in row) for row in rows]


@pytest.mark.parametrize("kind", ["text", "labels", "json"])
def test_rows_are_the_same_every_time_and_planted_pairs_are_as_near_as_they_say(kind: Kind, tmp_path: Path) -> None:
    pairs = write_rows(tmp_path / "a.jsonl", 2500, kind)
    assert write_rows(tmp_path / "b.jsonl", 2500, kind) == pairs
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    texts = rows_of(tmp_path / "a.jsonl")
    assert len(texts) == 2500
    assert 80 < sum(len(text.split()) for text in texts) / len(texts) < 120
    assert len(pairs) > 20
    for pair in pairs:
        assert similarity(texts[pair.first - 1], texts[pair.second - 1]) == pytest.approx(pair.similarity)
    write_pairs(tmp_path / "pairs.json", pairs)
    assert read_pairs(tmp_path / "pairs.json") == pairs


def test_similarity_is_the_share_of_common_word_5_grams() -> None:
    # Of the three 5-grams of each, "b c d e f" and "c d e f g" are common.
    assert similarity("a b c d e f g", "x b, c. D e f g") == 2 / 4


@pytest.mark.parametrize("measure", ["checks", "alternative"])
def test_what_was_found_is_judged_against_what_was_planted(measure: str, tmp_path: Path) -> None:
    path = tmp_path / "text-600.jsonl"
    write_pairs(path.with_suffix(".pairs.json"), write_rows(path, 600))
    measured = data.in_own_process(measure, path)
    assert 0 < measured["num_planted_found"] <= measured["num_planted"]
    assert measured["num_planted_found"] <= measured["num_found_right"] <= measured["num_found"]
    assert measured["seconds"] > 0
    if measure == "checks":
        assert measured["num_planted_found"] == measured["num_planted"]
        assert measured["num_found_right"] == measured["num_found"]


def test_the_exponent_of_linear_cost_is_one() -> None:
    assert data.exponent([10, 100, 1000], [2.0, 20.0, 200.0]) == pytest.approx(1)
    assert data.exponent([10, 100, 1000], [1.0, 100.0, 10_000.0]) == pytest.approx(2)


def test_every_size_is_measured_and_the_largest_usual_one_with_every_kind() -> None:
    plan = data.planned([10_000, 100_000, 1_000_000])
    assert [size for kind, size, measure in plan if (kind, measure) == ("text", "checks")] == [
        10_000,
        100_000,
        1_000_000,
    ]
    assert ("json", 100_000, "checks") in plan
    assert ("text", 1_000_000, "alternative") not in plan


def test_the_section_replaces_itself_and_leaves_the_page_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "results.md"
    page.write_text("# Measured results\n", encoding="utf-8")
    monkeypatch.setattr(data, "PAGE", page)
    counts = {"num_planted": 10, "num_planted_found": 9, "num_found": 9, "num_found_right": 9}
    run = {"kind": "text", "measure": "checks", "seconds_of": {"near_duplicates": 2.0}, "megabytes": 50.0, **counts}
    runs = [
        {**run, "num_rows": 1000, "seconds": 1.5, "processor_seconds": 2.0},
        {**run, "num_rows": 10_000, "seconds": 15.0, "processor_seconds": 200.0},
    ]
    results = {"machine": "a machine", "versions": "datasketch 2", "date": "2026-11-20", "runs": runs}
    for _ in range(2):
        data.write_page(results)
    written = page.read_text(encoding="utf-8")
    assert written.startswith("# Measured results\n\n<!-- begin data checks -->\n## Data checks")
    assert written.count("## Data checks") == 1
    assert "| 1,000 | text | all default checks | 1.5 | 2.0 | 50 | 50.0 | 90.0% [59.6, 98.2] |" in written
    assert "Seconds grow with the 1.00th power of the rows, from 1,000 to 10,000; those of the processors" in written
    assert "with the 2.00th." in written
    assert "Beyond 1,000 rows each further row takes 0.00 kB of memory." in written


def test_sizes_measured_later_join_those_of_the_same_machine() -> None:
    def results(*sizes: int, machine: str = "a machine", seconds: float = 1.0) -> data.Measurement:
        runs = [{"kind": "text", "num_rows": size, "measure": "checks", "seconds": seconds} for size in sizes]
        return {"machine": machine, "versions": "datasketch 2", "date": "2026-11-20", "runs": runs}

    joined = data.added(results(30_000, 10_000, seconds=2.0), results(10_000, 100_000))
    assert [(run["num_rows"], run["seconds"]) for run in joined["runs"]] == [
        (10_000, 2.0),
        (30_000, 2.0),
        (100_000, 1.0),
    ]
    with pytest.raises(SystemExit, match=r"machine: another, but data\.json has a machine"):
        data.added(results(1, machine="another"), results(2))
