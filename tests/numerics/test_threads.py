"""Batches that are scored side by side: the same losses in the same order, one core each, errors raised."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from test_attention import load, make_sequences

from tunewright.model import language_model
from tunewright.model.language_model import LanguageModel
from tunewright.model.threads import side_by_side
from tunewright.render import load_renderer

SEQUENCES = make_sequences([20, 7, 33, 12, 5, 9, 9, 30, 25, 11, 14])


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LanguageModel:
    """Scores 32 tokens at once."""
    monkeypatch.setattr(language_model, "MIN_TOKENS_OF_A_THREAD", 32)
    network = load(tmp_path, "llama", dtype=torch.float32)
    return LanguageModel(network, load_renderer(tmp_path / "base"), "float32")


def no_advance(count: int) -> None:
    assert count > 0


def watch(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(thread, how many threads its products take) of every batch from now on."""
    seen: list[tuple[int, int]] = []
    real, both = language_model.trained_token_losses, threading.Barrier(2, timeout=60)

    def watched(*arguments: Any) -> Any:
        # One thread could be done with everything before the other is started. Later threads may have either's name.
        known = {thread for thread, _ in seen}
        is_new = threading.current_thread() is not threading.main_thread() and threading.get_ident() not in known
        if is_new and len(known) < 2:
            both.wait()
        seen.append((threading.get_ident(), torch.get_num_threads()))
        return real(*arguments)

    monkeypatch.setattr(language_model, "trained_token_losses", watched)
    return seen


def test_batches_scored_side_by_side_have_the_losses_of_one_thread(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    expected, would_write = model.sequence_losses(SEQUENCES, no_advance), model.writes(SEQUENCES)
    torch.set_num_threads(2)
    seen = watch(monkeypatch)
    found = model.sequence_losses(SEQUENCES, no_advance)
    assert found == pytest.approx(expected, rel=1e-5)
    assert model.sequence_losses(SEQUENCES, no_advance) == found
    assert model.writes(SEQUENCES) == would_write
    threads = {thread for thread, _ in seen}
    assert len(threads) >= 2
    assert threading.get_ident() not in threads
    assert {number for _, number in seen} == {1}
    assert torch.get_num_threads() == 2


def test_one_batch_is_computed_by_all_threads_together(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch)
    model.sequence_losses(SEQUENCES[:1], no_advance)
    assert seen == [(threading.get_ident(), 2)]


def test_what_a_thread_raises_is_raised_and_threads_are_as_before() -> None:
    def compute(item: int) -> int:
        if item == 2:
            raise MemoryError(f"item {item}")
        return item

    found = side_by_side(compute, [0, 1, 2, 3], 2)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(MemoryError, match="item 2"):
        next(found)
    assert torch.get_num_threads() == 2
