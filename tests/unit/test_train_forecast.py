"""What a forecast adds up, and what it refuses."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest

from tunewright.errors import TrainError
from tunewright.records import Precision, TrainRecipe
from tunewright.render import TokenSequence
from tunewright.train import forecast as module
from tunewright.train.forecast import forecast, look_at_steps, refuse_what_cannot_fit
from tunewright.train.memory import Highest, available_bytes, highest_resident, resident_bytes
from tunewright.train.schedule import make_plan


def row(num_tokens: int) -> TokenSequence:
    return TokenSequence(f"row of {num_tokens}", (1,) * num_tokens, (1.0,) * num_tokens, None)


STEPS = [[row(10), row(30)], [row(20), row(25)], [row(100), row(5)], [row(40)]]


def lengths_of(rows: Sequence[TokenSequence]) -> list[int]:
    return [len(one.token_ids) for one in rows]


def test_steps_are_counted_and_the_usual_and_the_longest_rows_found() -> None:
    lengths = look_at_steps(STEPS.__getitem__, 4)
    assert lengths.num_tokens == 230
    assert lengths_of(lengths.usual_rows) == [20, 25]  # 45 is nearest the mean of 57.5
    assert lengths_of(lengths.longest_rows) == [100, 5], "the step with most tokens has the longest row as well"


def test_the_longest_row_counts_although_another_step_has_more_tokens() -> None:
    steps = [[row(60)], [row(50), row(45)]]
    assert lengths_of(look_at_steps(steps.__getitem__, 2).longest_rows) == [60, 50, 45]


def test_where_steps_are_not_looked_at_the_longest_of_all_may_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STEPS_LOOKED_AT", 4)
    assert lengths_of(look_at_steps(lambda step: STEPS[step % 4], 5).longest_rows) == [100, 40]


@pytest.mark.parametrize(("limit", "expected"), [(10, [100]), (100, [100]), (104, [100]), (105, [100, 5])])
def test_the_worst_micro_batch_is_filled_with_the_longest_rows(limit: int, expected: list[int]) -> None:
    assert lengths_of(look_at_steps(STEPS.__getitem__, 4).worst_rows(limit)) == expected


def test_of_many_steps_a_thousand_are_looked_at() -> None:
    seen: list[int] = []

    def rows_of(step: int) -> list[TokenSequence]:
        seen.append(step)
        return [row(10)]

    assert look_at_steps(rows_of, 5000).num_tokens == 50_000
    assert (len(seen), seen[0], seen[1]) == (1000, 0, 5)


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_time_is_that_of_the_usual_tokens_and_of_the_validations(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, computed = Clock(), []
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "peak_bytes", lambda: 0)

    def compute(rows: Sequence[TokenSequence]) -> None:
        computed.append(lengths_of(rows))
        clock.now += 0.1 * sum(lengths_of(rows))

    plan = make_plan(TrainRecipe(epochs=1, min_validations=2), steps_per_epoch=4)
    lengths = look_at_steps(STEPS.__getitem__, 4)
    found = forecast(lengths, plan, compute, lambda: lengths.worst_rows(100), 1_000_000, 3.0, "bfloat16")
    assert computed == [[20, 25], [100], [20, 25]]
    assert (found.num_steps, found.num_tokens, found.seconds) == (4, 230, 230 * 0.1 + 2 * 3.0)
    assert resident_bytes() + 8_000_000 + 250_000_000 == pytest.approx(found.peak_memory_bytes, rel=0.05)
    assert found.told.startswith("Forecast: 4 steps, 230 tokens, 29 s, peak memory ")
    assert "2 min 5 s" in found.model_copy(update={"seconds": 125.0}).told


def test_room_for_compiled_matrix_products_is_kept_where_they_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "peak_bytes", lambda: 0)
    monkeypatch.setattr(module, "highest_resident", lambda: nullcontext(Highest(5)))
    plan = make_plan(TrainRecipe(epochs=1), steps_per_epoch=4)
    lengths = look_at_steps(STEPS.__getitem__, 4)
    found: dict[Precision, int] = {}
    for precision in ("bfloat16", "float32"):
        one = forecast(lengths, plan, lambda rows: None, lambda: lengths.worst_rows(1), 100, 0.0, precision)
        found[precision] = one.peak_memory_bytes
    assert found == {"bfloat16": 5 + 800 + 250_000_000, "float32": 5 + 800}


def test_a_slow_step_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, computed = Clock(), []
    monkeypatch.setattr(module, "time", clock)

    def compute(rows: Sequence[TokenSequence]) -> None:
        computed.append(lengths_of(rows))
        clock.now += 1.0 * sum(lengths_of(rows))

    plan = make_plan(TrainRecipe(epochs=1, min_validations=2), steps_per_epoch=4)
    lengths = look_at_steps(STEPS.__getitem__, 4)
    assert forecast(lengths, plan, compute, lambda: lengths.worst_rows(1), 1, 0.0, "bfloat16").seconds == 230.0
    assert computed == [[20, 25], [100]]


def test_an_optimizer_state_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "available_bytes", lambda: 7_000_000)
    plan = make_plan(TrainRecipe(epochs=1), steps_per_epoch=4)
    lengths = look_at_steps(STEPS.__getitem__, 4)
    with pytest.raises(
        TrainError, match=r"It cannot fit: the optimizer's state of 1,000,000 trained weights need 0\.0 GB"
    ):
        forecast(lengths, plan, lambda rows: None, lambda: lengths.worst_rows(1), 1_000_000, 0.0, "float32")


def test_a_base_that_does_not_fit_is_refused_before_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "available_bytes", lambda: 10_000_000_000)
    refuse_what_cannot_fit(2_000_000_000, is_full=False)
    refuse_what_cannot_fit(600_000_000, is_full=True)
    with pytest.raises(
        TrainError, match=r"the weights of a base of 3,000M parameters need 12\.0 GB .* 10\.0 GB are free"
    ):
        refuse_what_cannot_fit(3_000_000_000, is_full=False)
    with pytest.raises(
        TrainError, match=r"weights, gradients and the optimizer's state .* 16\.0 GB .*method\.kind=lora"
    ):
        refuse_what_cannot_fit(1_000_000_000, is_full=True)
    monkeypatch.setattr(module, "available_bytes", lambda: None)  # a system that does not say
    refuse_what_cannot_fit(10**12, is_full=True)


def test_free_memory_is_the_least_of_what_the_kernel_and_the_container_say(tmp_path: Path) -> None:
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    assert available_bytes(proc, cgroup) is None
    proc.mkdir()
    (proc / "meminfo").write_text("MemTotal: 100 kB\nMemAvailable: 50 kB\n")
    (cgroup / "memory").mkdir(parents=True)
    assert available_bytes(proc, cgroup) == 50 * 1024
    (cgroup / "memory.max").write_text("max\n")
    (cgroup / "memory.current").write_text("1000\n")
    assert available_bytes(proc, cgroup) == 50 * 1024
    (cgroup / "memory.max").write_text("31000\n")
    assert available_bytes(proc, cgroup) == 30_000
    (cgroup / "memory" / "memory.limit_in_bytes").write_text("21000\n")
    (cgroup / "memory" / "memory.usage_in_bytes").write_text("1000\n")
    assert available_bytes(proc, cgroup) == 20_000


def test_the_highest_resident_memory_is_seen() -> None:
    before = resident_bytes()
    with highest_resident() as highest:
        held = bytearray(b"x") * 80_000_000
    assert highest.num_bytes >= before + 70_000_000
    del held
