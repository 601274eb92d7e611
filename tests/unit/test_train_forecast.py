"""What a forecast adds up, and what it refuses."""

import platform
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import torch
from limited import limit_address_space

from tunewright.errors import TrainError
from tunewright.records import Precision, TrainRecipe
from tunewright.render import TokenSequence
from tunewright.train import forecast as module
from tunewright.train import memory
from tunewright.train.forecast import Rows, StepLengths, forecast, look_at_steps, refuse_what_cannot_fit
from tunewright.train.memory import (
    Highest,
    available_bytes,
    give_back_free_memory,
    highest_resident,
    resident_bytes,
)
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


def fail(reason: str) -> None:
    raise AssertionError(reason)


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
    found = forecast(lengths, plan, compute, lambda: lengths.worst_rows(100), 1_000_000, 3.0, "bfloat16", fail)
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
        one = forecast(lengths, plan, lambda rows: None, lambda: lengths.worst_rows(1), 100, 0.0, precision, fail)
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
    assert forecast(lengths, plan, compute, lambda: lengths.worst_rows(1), 1, 0.0, "bfloat16", fail).seconds == 230.0
    assert computed == [[20, 25], [100]]


def test_where_the_optimizer_state_finds_no_room_fewer_rows_are_computed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resident, computed, told = 1_000_000, [], []
    free = 9_000_000
    rows_at_once = 8

    def compute(rows: Rows) -> None:
        nonlocal resident, free
        computed.append(len(rows))
        taken = max(0, 1_000_000 + 1_000_000 * len(rows) - resident)
        resident, free = resident + taken, free - taken

    def give_back() -> None:
        nonlocal resident, free
        resident, free = 1_000_000, 9_000_000

    def less(reason: str) -> None:
        nonlocal rows_at_once
        rows_at_once //= 2
        told.append(reason)
        if not rows_at_once:
            raise TrainError(reason)

    monkeypatch.setattr(module, "available_bytes", lambda: free)
    monkeypatch.setattr(module, "resident_bytes", lambda: resident)
    monkeypatch.setattr(module, "give_back_free_memory", give_back)
    monkeypatch.setattr(module, "MAX_WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr(module, "peak_bytes", lambda: 0)

    @contextmanager
    def highest() -> Iterator[Highest]:
        found = Highest()
        yield found
        found.num_bytes = resident

    monkeypatch.setattr(module, "highest_resident", highest)
    plan = make_plan(TrainRecipe(epochs=1), steps_per_epoch=4)
    usual = STEPS[0][:1]
    lengths = StepLengths(4, 20.0, usual, 8 * usual)

    def worst_rows() -> Rows:
        return lengths.longest_rows[:rows_at_once]

    # Eight rows take 8 MB of 9, four take 4, which leaves enough for a state of 2.4.
    forecast(lengths, plan, compute, worst_rows, 300_000, 0.0, "float32", less)
    assert computed == [1, 8, 4]
    assert told == ["the optimizer's state of 300,000 trained weights needs 0.0 GB, of which 0.0 GB are not free"]

    give_back()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    forecast(lengths, plan, compute, worst_rows, 1_200_000, 0.0, "float32", fail)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    give_back()
    with pytest.raises(TrainError, match=r"the optimizer's state of 1,200,000 trained weights needs"):
        forecast(lengths, plan, compute, worst_rows, 1_200_000, 0.0, "float32", less)


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


@pytest.mark.parametrize(
    ("line", "folder", "names"),
    [
        ("0::/job", "job", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:memory:/job/task",
            "memory/job",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
    ids=["version 2", "version 1, the group above"],
)
def test_limits_of_the_groups_around_this_process_count_and_cached_files_do_not(
    line: str, folder: str, names: tuple[str, str, str], tmp_path: Path
) -> None:
    proc, group = tmp_path / "proc", tmp_path / "cgroup" / folder
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemAvailable: 50 kB\n")
    (proc / "self" / "cgroup").write_text(f"9:name=systemd:/\n{line}\n")
    group.mkdir(parents=True)
    limit, usage, cache = names
    (group / limit).write_text("30000\n")
    (group / usage).write_text("21000\n")
    assert available_bytes(proc, tmp_path / "cgroup") == 9_000
    (group / "memory.stat").write_text(f"anon 3\n{cache} 5000\n")
    assert available_bytes(proc, tmp_path / "cgroup") == 14_000
    (proc / "self" / "cgroup").write_text("0::/another\n")
    assert available_bytes(proc, tmp_path / "cgroup") == 50 * 1024


def test_a_limit_on_address_space_counts_what_is_mapped_but_for_what_malloc_keeps_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "statm").write_text("1000 300 200 1 0 400 0\n")  # pages: mapped, resident, ...
    monkeypatch.setattr(memory, "_free_in_malloc", lambda: 7)
    limit_address_space(monkeypatch, 5000 * resource.getpagesize())
    assert available_bytes(tmp_path, tmp_path) == 4000 * resource.getpagesize() + 7
    limit_address_space(monkeypatch, resource.RLIM_INFINITY)
    assert available_bytes(tmp_path, tmp_path) is None


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do not tell")
def test_what_malloc_keeps_free_is_known() -> None:
    pieces = [bytearray(b"x") * 65_536 for _ in range(1000)]
    held, before = pieces[-1], memory._free_in_malloc()
    del pieces
    assert memory._free_in_malloc() > before + 60_000_000
    del held


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep no free memory to give back")
def test_memory_that_was_freed_is_given_back() -> None:
    pieces = [bytearray(b"x") * 65_536 for _ in range(3000)]
    # What is held at the end keeps the allocator from giving back the rest by itself.
    held = pieces.pop()
    del pieces
    before = resident_bytes()
    give_back_free_memory()
    assert resident_bytes() < before - 100_000_000
    del held


def test_the_highest_resident_memory_is_seen() -> None:
    before = resident_bytes()
    with highest_resident() as highest:
        held = bytearray(b"x") * 80_000_000
    assert highest.num_bytes >= before + 70_000_000
    del held
