"""The key of a hosted model: read from the environment when it is needed, written nowhere."""

import os

from tunewright.errors import Problem, RecipeError


def endpoint_key(variable: str | None, setting: str = "--key-variable") -> str | None:
    """The key in an environment variable; None for servers that want none.

    Args:
        setting: what names the variable, for a refusal.

    Raises:
        RecipeError: the variable is not set.
    """
    key = os.environ.get(variable) if variable else None
    if variable and not key:
        fix = f"Set it, as in: export {variable}=...; without a key leave {setting} out."
        raise RecipeError(Problem(f"{setting} {variable}", "no such variable", "one with a key", fix))
    return key
