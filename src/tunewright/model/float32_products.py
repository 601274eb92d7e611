"""Products of float32 matrices by oneDNN, which torch takes on a CPU only when it is told that rounding is allowed.

On processors with bfloat16 arithmetic but no matrix unit nothing is rounded all the same, and oneDNN is faster than the
library that torch takes by itself: on two cores of a Zen 5 (torch 2.13) 1.1 to 1.4 times for 1,024 rows and 1.4 to 2
times for 32, the rows of a decoding step. Whether nothing is rounded is tried before it is used.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

LARGEST_ERROR = 1e-5
"""Of the largest number of a product. Float32 is off by 1e-6 at most, bfloat16 by more than 1e-3."""


@contextmanager
def fast_float32() -> Iterator[None]:
    """While open, oneDNN computes products in float32, if it rounds nothing here and torch was not told otherwise.

    The setting is one of the process: open it in one thread, around others.
    """
    products = _setting()
    before = products.fp32_precision
    if before != "none" or not _rounds_nothing():
        yield
        return
    products.fp32_precision = "bf16"
    try:
        yield
    finally:
        products.fp32_precision = before


@cache
def _rounds_nothing() -> bool:
    """Whether products of float32 that may be rounded are not."""
    products = _setting()
    products.fp32_precision = "bf16"
    try:
        return _error_of_a_product() < LARGEST_ERROR
    finally:
        products.fp32_precision = "none"


def _setting() -> Any:
    """Its `fp32_precision` is "none" until somebody sets it. Torch's types do not know it."""
    import torch

    onednn: Any = torch.backends.mkldnn
    return onednn.matmul


def _error_of_a_product() -> float:
    import torch

    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(64, 64, generator=generator) for _ in range(2))
    with torch.autocast("cpu", enabled=False):
        found, expected = one @ other, one.double() @ other.double()
    return ((found - expected).abs().max() / expected.abs().max()).item()
