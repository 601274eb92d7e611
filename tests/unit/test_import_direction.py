"""A room imports only lower levels (docs/how-it-works.md), imports inside functions included."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "tunewright"
LEVELS = {
    "records": 0, "errors": 0, "contracts": 0,
    "store": 1, "render": 1, "outside": 1,
    "data": 2, "model": 2,
    "train": 3, "retrieve": 3, "evaluate": 3,
    "study": 4,
    "lifecycle": 5,
    "actions": 6,
    "cli": 7, "server": 7,
}  # fmt: skip
VISIBLE_TO_INTERFACES = {"actions", "records", "errors"}


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, room) of every import of our own package."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno} uses a relative import; write it out"
            names = [node.module]
            if node.module == "tunewright":
                names = [f"tunewright.{alias.name}" for alias in node.names if not alias.name.startswith("__")]
        found += [(node.lineno, name.split(".")[1]) for name in names if name.startswith("tunewright.")]
    return found


def violations() -> list[str]:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room in ("__init__", "__main__"):
            continue
        for line, other in imports(path):
            if other == room:
                continue
            where = f"{path.relative_to(PACKAGE)}:{line}"
            # errors and records know each other: a record's refusal is one of our errors.
            is_level_zero = LEVELS[room] == LEVELS.get(other) == 0
            if other in LEVELS and LEVELS[other] >= LEVELS[room] and not is_level_zero:
                wrong.append(f"{where}: {room} (level {LEVELS[room]}) imports {other} (level {LEVELS[other]})")
            if other == "outside" and room != "actions":
                wrong.append(f"{where}: only actions imports outside, not {room}")
            if room in ("cli", "server") and other not in VISIBLE_TO_INTERFACES:
                wrong.append(f"{where}: {room} imports {other}; it may see {sorted(VISIBLE_TO_INTERFACES)} only")
    return wrong


def test_imports_go_one_way():
    assert violations() == []


def test_every_room_has_a_level():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name not in ("bundled", "__pycache__")}
    assert rooms <= LEVELS.keys()


def test_the_check_sees_an_import_inside_a_function(tmp_path):
    source = tmp_path / "late.py"
    source.write_text("def late():\n    from tunewright.cli import main\n", encoding="utf-8")
    assert imports(source) == [(2, "cli")]
