"""Files that others published, which some tests read: they lie in `shared/data` beside the checkout, or nowhere."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


def public_file(name: str) -> Path:
    """The path of a file or folder, as in "datasets/gsm8k"; where it is missing, the test is skipped."""
    if not (SHARED / name).exists():
        pytest.skip(f"not beside this checkout: shared/data/{name}")
    return SHARED / name
