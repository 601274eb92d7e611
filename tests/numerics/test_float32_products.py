"""Products of float32 by oneDNN are those of float32, and the setting ends where it should."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tunewright.model import float32_products
from tunewright.model.float32_products import fast_float32

MKLDNN: Any = torch.backends.mkldnn
PRODUCTS = MKLDNN.matmul


@pytest.fixture(autouse=True)
def _tried_anew() -> Iterator[None]:
    float32_products._rounds_nothing.cache_clear()
    yield
    float32_products._rounds_nothing.cache_clear()


@pytest.mark.parametrize("shape", [(32, 256, 1408), (1, 64, 64), (200, 576, 96)])
def test_products_are_as_exact_as_float32(shape: tuple[int, int, int]) -> None:
    num_rows, num_inputs, num_outputs = shape
    torch.manual_seed(0)
    states, weight = torch.randn(num_rows, num_inputs), torch.randn(num_outputs, num_inputs)
    expected = states.double() @ weight.double().T
    with fast_float32():
        found = torch.nn.functional.linear(states, weight)
        by_document = torch.bmm(states[None], weight.T[None])[0]
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=3e-6 * expected.abs().max().item())
    torch.testing.assert_close(by_document.double(), expected, rtol=0, atol=3e-6 * expected.abs().max().item())


def test_a_processor_that_rounds_keeps_torchs_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(float32_products, "_error_of_a_product", lambda: 3e-3)
    with fast_float32():
        assert PRODUCTS.fp32_precision == "none"


def test_torch_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(float32_products, "_error_of_a_product", lambda: 1e-7)
    seen = []

    @fast_float32()
    def failing() -> None:
        seen.append(PRODUCTS.fp32_precision)
        with fast_float32():
            pass
        seen.append(PRODUCTS.fp32_precision)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert seen == ["bf16", "bf16"]
    assert PRODUCTS.fp32_precision == "none"
    torch.get_float32_matmul_precision()  # raises while torch's two ways to set it disagree


def test_what_a_user_has_set_is_kept() -> None:
    PRODUCTS.fp32_precision = "ieee"
    try:
        with fast_float32():
            assert PRODUCTS.fp32_precision == "ieee"
    finally:
        PRODUCTS.fp32_precision = "none"
