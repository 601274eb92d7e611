"""What flash attention is asked for, against our own products.

The kernel itself needs CUDA: a plain formula of its documented meaning stands in for it, and what is tested is all
around it. Where there is CUDA, the last test tries the kernel.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.attention import varlen

from tunewright.model import attention
from tunewright.model.attention import document_attention
from tunewright.model.documents import attend
from tunewright.model.flash import flash_attention, flash_refusal

CPU = torch.device("cpu")
NUM_HEADS, SIZE, SCALE = 6, 16, 0.2


def plain_formula(is_last_with_last: bool = True) -> Callable[..., Tensor]:
    """Torch's `varlen_attn` with a causal window.

    Args:
        is_last_with_last: the last query sees the last key, as flash attention has it since 2.1; else the first query
            the first key alone, as before.
    """

    def attend_plainly(
        query: Tensor, key: Tensor, value: Tensor, of_queries: Tensor, of_keys: Tensor, *most: int, **settings: Any
    ) -> Tensor:
        assert settings["window_size"] == (-1, 0)
        assert settings["enable_gqa"] == (query.shape[1] != key.shape[1])
        assert most == (of_queries.diff().max(), of_keys.diff().max())
        queries, keys, values = (
            states.split(offsets.diff().tolist())
            for states, offsets in ((query, of_queries), (key, of_keys), (value, of_keys))
        )
        attended = []
        for one_query, one_key, one_value in zip(queries, keys, values, strict=True):
            may_see = torch.ones(len(one_query), len(one_key), dtype=torch.bool)
            may_see = may_see.tril(len(one_key) - len(one_query) if is_last_with_last else 0)
            heads = (states.transpose(0, 1)[None] for states in (one_query, one_key, one_value))
            out = torch.nn.functional.scaled_dot_product_attention(
                *heads, attn_mask=may_see, scale=settings["scale"], enable_gqa=True
            )
            attended.append(out[0].transpose(0, 1))
        return torch.cat(attended)

    return attend_plainly


@pytest.fixture(autouse=True)
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(varlen, "varlen_attn", plain_formula())
    flash_refusal.cache_clear()
    yield
    flash_refusal.cache_clear()


def make_states(num_keys: int, dtype: torch.dtype = torch.float64) -> Tensor:
    drawn = torch.randn(60, NUM_HEADS + 2 * num_keys, SIZE, generator=torch.Generator().manual_seed(3))
    return drawn.to(dtype).requires_grad_()


def parts_of(states_TLD: Tensor, num_keys: int) -> tuple[Tensor, ...]:
    return torch.split(states_TLD, [NUM_HEADS, num_keys, num_keys], dim=1)


@pytest.mark.parametrize("num_keys", [1, 2, 6])
@pytest.mark.parametrize(("offsets", "num_shared"), [((0, 7, 8, 60), 0), ((0, 20, 21, 45, 60), 20), ((0, 60), 0)])
def test_documents_see_the_prompt_and_themselves_and_give_it_their_gradients(
    num_keys: int, offsets: tuple[int, ...], num_shared: int
) -> None:
    states_TLD = make_states(num_keys)
    found = flash_attention(*parts_of(states_TLD, num_keys), offsets, num_shared, SCALE)
    expected = attend(states_TLD, NUM_HEADS, offsets, num_shared, SCALE)
    torch.testing.assert_close(found, expected)
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(4), dtype=found.dtype)
    torch.testing.assert_close(
        torch.autograd.grad(found, states_TLD, weights), torch.autograd.grad(expected, states_TLD, weights)
    )


def test_gradients_of_many_documents_are_added_before_they_are_rounded() -> None:
    """256 documents of one token each give a prompt's values gradients that bfloat16 could not add one by one."""
    value_TKD = torch.ones(257, 1, SIZE, dtype=torch.bfloat16, requires_grad=True)
    still = torch.zeros(257, 1, SIZE, dtype=torch.bfloat16)
    attended = flash_attention(still, still, value_TKD, range(258), 1, SCALE)
    (found,) = torch.autograd.grad(attended.sum(), [value_TKD])
    assert found[0, 0, 0] == 1 + 256 / 2  # all of its own, half of each other one's
    by_ones = torch.ones((), dtype=torch.bfloat16)
    for _ in range(256):
        by_ones += 0.5
    assert by_ones < 129


def test_what_scoring_has_prepared_serves_training() -> None:
    offsets = (0, 20, 33, 60)
    with torch.inference_mode():
        flash_attention(*parts_of(make_states(2).detach(), 2), offsets, 20, SCALE)
    states_TLD = make_states(2)
    flash_attention(*parts_of(states_TLD, 2), offsets, 20, SCALE).sum().backward()  # type: ignore[no-untyped-call]
    assert states_TLD.grad is not None


# Trying the kernel


def test_a_kernel_that_computes_the_same_is_not_refused() -> None:
    with torch.inference_mode():
        assert flash_refusal(CPU, NUM_HEADS, 2, SIZE) is None


def test_a_kernel_that_lets_documents_see_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(varlen, "varlen_attn", plain_formula(is_last_with_last=False))
    assert flash_refusal(CPU, NUM_HEADS, 2, SIZE) == "it gives other numbers than our own products"


@pytest.mark.parametrize("kind", [RuntimeError, ValueError])
def test_a_kernel_that_does_not_know_the_device_or_heads_is_refused(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*states: Tensor, **settings: Any) -> Tensor:
        raise kind("FlashAttention only supports Ampere GPUs or newer.\nmore")

    monkeypatch.setattr(varlen, "varlen_attn", refuse)
    assert flash_refusal(CPU, NUM_HEADS, 2, SIZE) == "FlashAttention only supports Ampere GPUs or newer."


def test_memory_that_runs_out_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out(*states: Tensor, **settings: Any) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(varlen, "varlen_attn", run_out)
    with pytest.raises(torch.OutOfMemoryError):
        flash_refusal(CPU, NUM_HEADS, 2, SIZE)
    monkeypatch.setattr(varlen, "varlen_attn", plain_formula())
    assert flash_refusal(CPU, NUM_HEADS, 2, SIZE) is None


@pytest.mark.parametrize(
    ("dtype", "dropout", "refusal", "is_taken"),
    [
        (torch.bfloat16, 0.0, None, True),
        (torch.bfloat16, 0.0, "an old GPU", False),
        (torch.bfloat16, 0.5, None, False),
        (torch.float32, 0.0, None, False),
    ],
)
def test_a_network_takes_the_kernel_where_it_can(
    dtype: torch.dtype, dropout: float, refusal: str | None, is_taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []

    def attend_and_tell(*arguments: Any) -> Tensor:
        taken.append(True)
        return flash_attention(*arguments)

    monkeypatch.setattr(attention, "KERNEL_DEVICE", "cpu")
    monkeypatch.setattr(attention, "flash_attention", attend_and_tell)
    monkeypatch.setattr(attention, "flash_refusal", lambda *heads: refusal)
    states = [part.transpose(0, 1)[None] for part in parts_of(make_states(2, dtype), 2)]
    settings = {"document_offsets": (0, 20, 33, 60), "num_shared_tokens": 20}
    found, _ = document_attention(torch.nn.Identity(), *states, None, dropout=dropout, **settings)
    assert bool(taken) == is_taken
    if not dropout:
        monkeypatch.setattr(attention, "KERNEL_DEVICE", "cuda")
        expected, _ = document_attention(torch.nn.Identity(), *states, None, **settings)
        torch.testing.assert_close(found, expected, rtol=0.02, atol=0.02)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("num_keys", [2, 6])
def test_the_kernel_of_this_machine_is_not_refused(num_keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert flash_refusal(torch.device("cuda"), NUM_HEADS, num_keys, 64) is None
