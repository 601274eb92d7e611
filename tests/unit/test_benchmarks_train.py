"""The arithmetic of the training race; its entrants run in `make bench-train`."""

import random
from pathlib import Path
from typing import Any

import pytest
import train
from race_job import Row, read_rows, steps_of, write_rows
from train_figures import write_chart, write_table

ROWS = [Row(list(range(10)), 7)] * 12


def run(step_seconds: list[float], losses: list[float] | None = None) -> dict[str, Any]:
    measured = {"step_seconds": step_seconds, "process_seconds": 20.0, "peak_memory_bytes": 2_000_000_000}
    return measured | {"losses": losses or [1.0] * len(step_seconds)}


def test_speed_is_that_of_the_rows_tokens() -> None:
    found = train.summary(run([2.0, 1.0]), ROWS)
    assert found["tokens_per_second"] == 120 / 3
    assert found["steady_tokens_per_second"] == 40  # the last step has four of the twelve rows
    assert (found["first_step_seconds"], found["seconds_beside_steps"]) == (2.0, 17.0)


def test_speed_after_the_first_step_is_that_of_all_steps_after_it() -> None:
    rows = [Row(list(range(length)), 1) for length in (5, 10, 50) for _ in range(8)]
    found = train.summary(run([2.0, 1.0, 9.0]), rows)
    assert found["steady_tokens_per_second"] == (80 + 400) / 10
    # TRL packs them into other steps, of which nothing but the mean is known.
    assert train.summary(run([2.0, 4.0]), rows)["steady_tokens_per_second"] == 260 / 4


def test_the_gap_of_held_out_losses_is_a_share_and_unknown_without_such_rows() -> None:
    assert train.held_out_gap([{"held_out_loss": 2.02}], [{"held_out_loss": 2.0}]) == pytest.approx(0.01)
    assert train.held_out_gap([{"held_out_loss": None}], [{"held_out_loss": None}]) is None
    assert train.held_out_gap([{"held_out_loss": 1.0}], [{"failed": ["x"]}]) is None


def test_three_in_ten_tokens_are_trained_and_none_of_a_prompt() -> None:
    assert train.trained_share(ROWS) == pytest.approx(0.3)


def test_ratios_are_taken_round_by_round_and_leave_out_what_failed() -> None:
    ours, theirs = (
        [{"tokens_per_second": one, "steady_tokens_per_second": one} for one in rates]
        for rates in ((10, 20, 60), (5, 5, 20))
    )
    assert train.ratios(ours, theirs)["tokens_per_second"] == {"median": 3.0, "rounds": [2.0, 4.0, 3.0]}
    assert train.ratios(ours, [{"failed": ["x"]}] * 3)["tokens_per_second"] is None


def test_the_gap_of_two_curves_is_their_largest() -> None:
    assert train.curve_gap([run([1, 1], [2.0, 1.0])], [run([1, 1], [2.0, 1.25])]) == pytest.approx(0.2)
    assert train.curve_gap([run([1])], [{"failed": ["x"]}]) is None


def test_the_best_setting_is_the_fastest_with_the_same_batches() -> None:
    speeds = {"TRL default": 1.0, "TRL padding-free, 8 rows": 3.0, "TRL packing": 9.0}
    swept: dict[str, Any] = {name: {"steady_tokens_per_second": speed} for name, speed in speeds.items()}
    assert train.best_of(swept | {"TRL no checkpointing, 8 rows": {"failed": ["x"]}}) == "TRL padding-free, 8 rows"


def test_needed_products_are_those_of_a_hand_worked_model(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = {"hidden_size": 4, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    monkeypatch.setitem(train.SHAPES, "tiny", shape | {"num_key_value_heads": 1, "vocab_size": 16})
    rows = [Row([0] * 3, 2)]
    # q and o 4 x 4, k and v 4 x 2, gate, up and down 4 x 8: 144 weights; 6 products of attention, half of each.
    layer, attention, head = 2 * 144 * 3, 6 * 4 * 9, 2 * 4 * 16 * 1
    full = 2 * (3 * layer + attention) + 3 * head
    assert train.flops_per_run(train.Race("x", "tiny", "full", 1), rows) == full
    low_rank = 16 * (2 * 8 + 2 * 6 + 3 * 12)
    lora = 2 * (2 * layer + 3 * 2 * low_rank * 3 + attention) + 2 * head
    assert train.flops_per_run(train.Race("x", "tiny", "lora", 1), rows) == lora


def test_rows_share_the_prompt_and_are_read_as_written(tmp_path: Path) -> None:
    race = train.Race("x", "8M", "lora", 1, length=30, num_prompt_tokens=5)
    rows = [(text := train.Text(random.Random(0), 8192)).row(race), text.row(race)]
    assert rows[0].token_ids[:5] == rows[1].token_ids[:5]
    assert (len(rows[0].token_ids), rows[0].first_trained) == (35, 26)
    write_rows(tmp_path / "rows", rows)
    assert read_rows(str(tmp_path / "rows")) == rows
    assert [len(step) for step in steps_of(ROWS, 8)] == [8, 4]


def test_the_table_names_every_entrant_and_the_chart_is_drawn(tmp_path: Path) -> None:
    race = train.Race("grid-length-128", "8M", "lora", 2, 128)
    runs = {name: [run([2.0, 1.0]) | train.summary(run([2.0, 1.0]), ROWS)] for name in ("tunewright", "TRL best")}
    ratio = {"tokens_per_second": {"median": 1.0}, "steady_tokens_per_second": {"median": 1.0}}
    found = {
        "machine": {"date": "2026-11-26", "processor": "x", "num_threads": 2, "versions": {"torch": "2"}},
        "ceiling": {"8M": 900.0},
        "races": {
            "grid-length-128": {
                "race": {"length": race.length, "num_prompt_tokens": 0, "shape": "8M", "method": "lora"},
                "clock": "wall",
                "trl_best": "TRL padding-free, 8 rows",
                "gemm_gflops": [900.0],
                "runs": runs | {"TRL default": [{"failed": ["no memory"]}]},
                "ratios": {"TRL best": ratio},
                "largest_curve_gap": {"TRL best": 0.001},
                "held_out_gap": {"TRL best": None},
                "trained_share": 0.3,
                "flops": 2.7e11,
                "flops_after_first_step": 1.8e11,
            }
        },
        "sweep": {"8M-lora": {"TRL packing": {"failed": ["bad"]}}},
    }
    write_table(found, tmp_path / "train.md")
    table = (tmp_path / "train.md").read_text()
    best = (
        "| grid-length-128 | TRL best (padding-free, 8 rows) | 40 | 12 | 40 | 2.0 | 2.0 | 10% | 20% | 1.00x | 1.00x "
        "| 0.100% |  |"
    )
    assert best in table
    assert "| grid-length-128 | TRL default | failed: no memory |" in table
    write_chart(found, tmp_path / "train.svg")
    assert (tmp_path / "train.svg").stat().st_size > 1000
