"""Whether a number is a multiple of another as they are written: 0.07 is one of 0.01, though not in binary floats."""

from collections.abc import Iterator
from decimal import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import ValidationError

# Digits for the quotient of the longest integer that Python reads and the smallest float. No traps: what cannot be
# divided, such as infinity, gives NaN, which is not 0.
_EXACT = Context(prec=5000, traps=[])


def exact_multiple_of(validator: Any, step: float, value: object, schema: object) -> Iterator["ValidationError"]:
    """`multipleOf` in jsonschema's `extend`, which itself divides floats and fails on numbers too large for one."""
    from jsonschema import ValidationError

    del schema
    if not validator.is_type(value, "number"):
        return
    if _EXACT.remainder(_EXACT.create_decimal(str(value)), _EXACT.create_decimal(str(step))) != 0:
        yield ValidationError(f"{value!r} is not a multiple of {step}")
