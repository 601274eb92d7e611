"""What the package's own code reads, for tests that every setting has an effect."""

import ast
from functools import cache
from pathlib import Path

import tunewright

PACKAGE = Path(tunewright.__file__).parent


@cache
def attributes_read() -> set[str]:
    """Names read as attributes anywhere in the package but in the recipes themselves."""
    return {
        node.attr
        for path in PACKAGE.rglob("*.py")
        if path.name not in ("recipe.py", "data_recipe.py") or path.parent.name != "records"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
