"""Rows of a step divided among threads: the same loss and gradients, the same again, nothing left after a failure."""

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from test_attention import FULL, LORA, SEQUENCES, assert_same, load, make_rows_with_prompt, make_sequences
from torch import Tensor

from tunewright.model import forward
from tunewright.model.adapter import trainable_parameters
from tunewright.model.layout import use_own_code
from tunewright.model.projection import _drop
from tunewright.records import Lora, Method
from tunewright.render import TokenSequence
from tunewright.train import side_by_side
from tunewright.train.loss import accumulate_gradients
from tunewright.train.side_by_side import describe_division, divide_step, refusal

MANY = make_sequences([20, 7, 33, 12, 2, 9, 9, 30, 25, 11, 14])


@pytest.fixture(autouse=True)
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For this thread, and products; whatever the machine has. Steps of few tokens are divided, too."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.setattr(side_by_side, "MIN_TOKENS", 1)
    yield
    torch.set_num_threads(before)


def step(network: Any, rows: list[TokenSequence], most: int = 1000) -> tuple[float, dict[str, Tensor]]:
    """Loss and gradients of one step."""
    network.zero_grad()
    loss = accumulate_gradients(network, rows, tokens_per_micro_batch=most, pad_token_id=0, precision="float32")
    return loss, {name: parameter.grad for name, parameter in trainable_parameters(network).items()}  # type: ignore[misc]


def step_of_one_thread(network: Any, rows: list[TokenSequence]) -> tuple[float, dict[str, Tensor]]:
    torch.set_num_threads(1)
    found = step(network, rows)
    torch.set_num_threads(2)
    return found


def watch_threads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(thread, how many threads its products take) of every micro-batch from now on."""
    seen: list[tuple[int, int]] = []
    real, both = forward.trained_loss, threading.Barrier(2, timeout=60)

    def watched(*arguments: Any) -> Tensor:
        # The first part could be done before the second thread is started, which then never is.
        if threading.get_ident() not in {thread for thread, _ in seen}:
            both.wait()
        seen.append((threading.get_ident(), torch.get_num_threads()))
        return real(*arguments)

    monkeypatch.setattr(side_by_side, "trained_loss", watched)
    return seen


@pytest.mark.parametrize("rows", [SEQUENCES, MANY, make_rows_with_prompt(21)], ids=["five", "many", "prompt"])
@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
def test_two_threads_give_the_loss_and_the_gradients_of_one(
    method: Method, rows: list[TokenSequence], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "MOST_TOKENS", 2.0)
    network = load(tmp_path, "llama", method)
    expected_loss, expected = step_of_one_thread(network, rows)
    seen = watch_threads(monkeypatch)
    loss, found = step(network, rows, most=120)
    assert loss == pytest.approx(expected_loss, rel=1e-9)
    assert_same(found, expected)
    assert len({thread for thread, _ in seen}) == 2
    assert {num_threads for _, num_threads in seen} == {1}
    assert torch.get_num_threads() == 2


def test_gradients_that_are_there_are_added_to(tmp_path: Path) -> None:
    network = load(tmp_path, "llama", LORA)
    _, once = step(network, SEQUENCES)
    once = {name: gradient.clone() for name, gradient in once.items()}
    accumulate_gradients(network, SEQUENCES, tokens_per_micro_batch=1000, pad_token_id=0, precision="float32")
    twice = {name: parameter.grad for name, parameter in trainable_parameters(network).items()}
    assert_same(twice, {name: 2 * gradient for name, gradient in once.items()})  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_is_the_same_to_the_bit_however_the_threads_take_turns(
    precision: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load(tmp_path, "llama", Lora(rank=4, alpha=8.0, dropout=0.3), torch.float32)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    real, turns = forward.trained_loss, iter(range(1000))

    def delayed(*arguments: Any) -> Tensor:
        threading.Event().wait(0.002 * (next(turns) * 7 % 5))
        return real(*arguments)

    monkeypatch.setattr(side_by_side, "trained_loss", delayed)

    def once(seed: int) -> list[Tensor]:
        torch.manual_seed(seed)
        network.zero_grad()
        loss = accumulate_gradients(network, MANY, tokens_per_micro_batch=70, pad_token_id=0, precision=precision)
        gradients = [one.grad for one in trainable_parameters(network).values() if one.grad is not None]
        return [torch.tensor(loss), torch.rand(()), *gradients]

    first = once(0)
    for _ in range(5):
        assert all(torch.equal(found, expected) for found, expected in zip(once(0), first, strict=True))
    # Another state of torch's generator, other dropout.
    assert once(1)[0] != first[0]


def test_dropout_keeps_the_mean_and_its_share() -> None:
    ones = torch.ones(400, 500)
    dropped = _drop(ones, 0.2, torch.Generator().manual_seed(0))
    assert (dropped == 0).double().mean().item() == pytest.approx(0.2, abs=0.005)
    assert set(dropped.flatten().tolist()) == {0.0, 1.25}
    assert not torch.equal(dropped, _drop(ones, 0.2, torch.Generator().manual_seed(1)))
    assert torch.equal(dropped, _drop(ones, 0.2, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("failing", [0, 1])
def test_when_memory_runs_out_in_one_thread_nothing_is_left_of_either(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load(tmp_path, "llama", FULL)
    expected = step(network, SEQUENCES)
    network.zero_grad()
    kept: list[weakref.ref[Tensor]] = []
    calls = iter(range(1000))
    real = forward.trained_loss

    def limited(*arguments: Any) -> Tensor:
        loss = real(*arguments)
        kept.append(weakref.ref(loss))
        if next(calls) == failing:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(side_by_side, "trained_loss", limited)
        gc.disable()
        with pytest.raises(RuntimeError, match="can't allocate memory"):
            step(network, SEQUENCES)
        gc.enable()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert kept
    assert torch.get_num_threads() == 2
    loss, gradients = step(network, SEQUENCES)
    assert loss == expected[0]
    assert all(torch.equal(gradient, expected[1][name]) for name, gradient in gradients.items())


def rows_of(num_shared: int, *lengths: int) -> list[TokenSequence]:
    """So many tokens that all rows share, then tokens of their own, of which the last is trained."""
    return [
        TokenSequence(
            str(row),
            (*range(num_shared), *(1000 + 100 * row + token for token in range(length + 1))),
            (*[0.0] * (num_shared + length), 1.0),
            None,
        )
        for row, length in enumerate(lengths)
    ]


@pytest.mark.parametrize(
    ("num_shared", "lengths", "most", "num_threads", "parts"),
    [
        (0, [50, 30, 20, 40], 200, 2, [[0, 2], [1, 3]]),
        (0, [50, 30, 20, 40], 100, 2, [[0, 2], [1, 3]]),
        # One row at a time would be more than fits.
        (0, [50, 30, 20, 40], 99, 2, [[0, 1, 2, 3]]),
        (0, [50], 200, 2, [[0]]),
        # One thread would wait for the other most of the time.
        (0, [90, 10, 10], 200, 2, [[0, 1, 2]]),
        (200, [50, 50, 50, 50], 1000, 2, [[0, 1, 2, 3]]),
        (100, [50] * 12, 1000, 2, [list(range(0, 12, 2)), list(range(1, 12, 2))]),
        (0, [50] * 8, 1000, 4, [[0, 4], [1, 5], [2, 6], [3, 7]]),
        (0, [50] * 2, 1000, 4, [[0], [1]]),
        # One of the threads would have nothing to do.
        (0, [50] * 2, 1000, 3, [[0, 1]]),
    ],
    ids=[
        "even",
        "full",
        "too-long",
        "one-row",
        "uneven",
        "prompt",
        "prompt-many-rows",
        "four-threads",
        "two-rows",
        "three-threads",
    ],
)
def test_rows_are_divided_where_that_takes_less_time(
    num_shared: int, lengths: list[int], most: int, num_threads: int, parts: list[list[int]]
) -> None:
    rows = rows_of(num_shared, *lengths)
    assert side_by_side._divide(rows, most, num_threads) == parts


def test_steps_of_few_tokens_are_not_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "MIN_TOKENS", 70)
    # 70 each of two threads, but not of four.
    assert side_by_side._divide(rows_of(0, 50, 30, 20, 40), 1000, 4) == [[0, 2], [1, 3]]
    assert side_by_side._divide(rows_of(0, 50, 30, 20, 39), 1000, 4) == [[0, 1, 2, 3]]


def test_smaller_micro_batches_after_want_of_memory_are_divided_no_further_than_the_longest_row(tmp_path: Path) -> None:
    network = load(tmp_path, "llama")
    assert [len(divide_step(network, SEQUENCES, most)) for most in (1000, 64, 63, 32)] == [2, 2, 1, 1]


def wide(network: Any) -> None:
    network.config.hidden_size = 1024


def heavy(network: Any) -> None:
    network.requires_grad_(True)


def turning(network: Any) -> None:
    network.config.rope_parameters = {"rope_type": "longrope"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (wide, "it is 1024 columns wide, and was measured up to 576"),
        (heavy, "each thread would need a gradient of all its weights"),
        (turning, "its longrope rotation remembers what it has seen"),
        (lambda network: use_own_code(network, "a test"), "the network's own code computes one batch at a time"),
        (lambda network: torch.set_num_threads(1), "there is one thread"),
        # As on a GPU: also there its rows would be divided among the threads of the CPU.
        (lambda network: network.to("meta"), "it is on meta, where the threads of the CPU compute nothing"),
    ],
    ids=["wide", "heavy", "rotation", "own-code", "one-thread", "elsewhere"],
)
def test_other_networks_are_computed_one_micro_batch_after_the_other(
    change: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "MOST_TRAINED", 10_000)
    network = load(tmp_path, "llama", LORA)
    assert refusal(network) is None
    assert describe_division(network) == (
        "Steps of 2 tokens and more are divided among 2 threads, each with rows of its own: for a base of this size "
        "that is faster than all of them at every product."
    )
    change(network)
    assert (refusal(network), describe_division(network)) == (words, None)
    assert divide_step(network, SEQUENCES, 1000) == [SEQUENCES]
