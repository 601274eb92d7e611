"""Documents that are filled up and computed together give what each gives alone."""

from pathlib import Path
from typing import Any

import pytest
import torch
from numerics.test_attention import FULL, LORA, assert_same, gradients_of, load, make_sequences, padded_loss
from torch.utils._python_dispatch import TorchDispatchMode

from tunewright.model import forward
from tunewright.model.batch import fill_up, pack_sequences, rounded_up
from tunewright.model.documents import Group, fill_documents
from tunewright.model.forward import trained_loss
from tunewright.records import Method
from tunewright.render import TokenSequence

CPU = torch.device("cpu")


def test_sizes_are_powers_of_two_then_multiples_of_32() -> None:
    assert [rounded_up(number) for number in (1, 2, 3, 9, 32, 33, 64, 541)] == [1, 2, 4, 16, 32, 64, 64, 544]
    assert [rounded_up(number, 16) for number in (9, 17, 33)] == [16, 32, 48]


def test_documents_of_one_size_are_computed_together_and_fillers_come_last() -> None:
    filled = fill_documents((0, 3, 5, 9), 0, CPU)
    assert filled.groups == (Group(0, 2, 1, 0), Group(2, 10, 2, 0))
    assert filled.tokens_R.tolist() == [3, 4, 0, 1, 2, 2, 5, 6, 7, 8]
    assert filled.fillers.tolist() == [5]
    assert filled.tokens_R[filled.places_T].tolist() == list(range(9))


def test_the_shared_prompt_comes_first_whatever_its_size() -> None:
    groups = fill_documents((0, 40, 44, 48), 40, CPU).groups
    assert groups == (Group(0, 48, 1, 0), Group(48, 56, 2, 40))


def test_long_documents_stay_alone() -> None:
    assert [group.num_documents for group in fill_documents((0, 256, 512), 0, CPU).groups] == [2]
    assert [group.num_documents for group in fill_documents((0, 257, 514), 0, CPU).groups] == [1, 1]


def with_prompt(rows: list[TokenSequence], num_tokens: int) -> list[TokenSequence]:
    prompt, weights = tuple(range(10, 10 + num_tokens)), (0.0,) * num_tokens
    return [TokenSequence(row.example_id, prompt + row.token_ids, weights + row.loss_weights, None) for row in rows]


@pytest.mark.parametrize("num_prompt_tokens", [0, 21])
@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
def test_a_filled_row_gives_the_padded_loss_and_gradients(
    architecture: str, method: Method, num_prompt_tokens: int, tmp_path: Path
) -> None:
    network = load(tmp_path, architecture, method)
    rows = with_prompt(make_sequences([20, 27, 31, 7, 5, 8, 40, 61, 2, 150]), num_prompt_tokens)
    batch = pack_sequences(rows, network.device)
    filled = fill_up(batch)
    sizes = [len(one) for one in (filled.token_ids_T, filled.position_ids_T, filled.targets_N)]
    assert sizes == [rounded_up(len(one)) for one in (batch.token_ids_T, batch.token_ids_T, batch.targets_N)]
    assert filled.document_offsets[-1] == sizes[0] > batch.document_offsets[-1]
    losses = [padded_loss(network, rows), trained_loss(network, batch), trained_loss(network, filled)]
    expected, *others = (gradients_of(loss, network) for loss in losses)
    for loss, found in zip(losses[1:], others, strict=True):
        assert loss.item() == pytest.approx(losses[0].item(), rel=1e-9)
        assert_same(found, expected)


class Products(TorchDispatchMode):
    """Shapes of all matrix products."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: set[Any] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function._overloadpacket.__name__ in ("mm", "bmm", "addmm_", "baddbmm"):
            shapes = [tuple(one.shape) for one in args if isinstance(one, torch.Tensor)]
            self.shapes.add((function._overloadpacket.__name__, *shapes))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(("widest", "is_new"), [(forward.WIDEST_FILLED, False), (0, True)], ids=["narrow", "wide"])
def test_rows_of_other_lengths_bring_a_narrow_base_no_new_products(
    widest: int, is_new: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward, "WIDEST_FILLED", widest)
    network = load(tmp_path, "llama", LORA)
    seen = []
    for lengths in ([34, 60, 61], [39, 52, 63]):
        with Products() as products:
            torch.autograd.backward(trained_loss(network, pack_sequences(make_sequences(lengths), CPU)))
        seen.append(products.shapes)
    assert len(seen[0]) > 10
    assert bool(seen[1] - seen[0]) == is_new, seen[1] - seen[0]
