"""Usage errors (an unknown option, a missing argument, a bad value) in the four parts of every error of ours.

Typer raises them before a command begins, each with words of its own and without what to do.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, cast

import typer

from tunewright.errors import Problem

USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""What all of them derive from; typer exports only this one of its children."""
_UNKNOWN_COMMAND = re.compile(r"No such command ['\"](.*?)['\"]")
_EXTRA = re.compile(r"Got unexpected extra argument\S* \((.*)\)", re.DOTALL)
_PROGRAM = "tunewright"
_WITHOUT_BRACES = str.maketrans("", "", "{}")
"""Typer writes `{DATA}` for an argument that must be there."""


def usage_problem(error: Any) -> Problem | None:
    """Say what was wrong with the arguments; None where none were given, for which typer has shown the help.

    Args:
        error: a USAGE_ERROR.
    """
    path = error.ctx.command_path if error.ctx else _PROGRAM
    see = f"See: {path} --help"
    match type(error).__name__:
        case "NoArgsIsHelpError":
            return None
        case "NoSuchOption":
            found = f"the unknown option {error.option_name}"
            return Problem(path, found, "one of its options", f"{_closest(error.option_name, _options(error))}{see}")
        case "MissingParameter":
            return Problem(path, f"no {_name(error.param)}", _usage(error), see)
        case "BadOptionUsage":
            found, expected = ("no value after it", "one") if "requires" in error.message else ("a value", "none")
            return Problem(error.option_name, found, expected, see)
        case "BadParameter" if error.param:
            return _bad_value(error, f"{path} {_name(error.param)}", see)
    if unknown := _UNKNOWN_COMMAND.match(error.message):
        name, commands = unknown[1], list(error.ctx.command.commands)
        closest = _closest(name, commands)
        return Problem(path, f"the unknown command {name}", f"one of {', '.join(commands)}", f"{closest}{see}")
    if extra := _EXTRA.match(error.message):
        found = f"more arguments than it takes: {extra[1]}"
        return Problem(path, found, _usage(error), f"Put quotes around what has spaces in it. {see}")
    return Problem(path, _sentence(error), _usage(error), see)


def _bad_value(error: Any, where: str, see: str) -> Problem:
    """Typer's message says what was expected, and its cause, pydantic's error, what was found."""
    causes: list[Any] = getattr(error.__cause__, "errors", list)()
    if not causes:
        return Problem(where, _sentence(error), "a value as the help describes it", see)
    _, is_choice, choices = error.message.partition(" is not one of ")
    if is_choice:
        return Problem(where, repr(causes[0]["input"]), f"one of {choices.rstrip('.').replace(chr(39), '')}", see)
    expected = error.message.partition(",")[0].removeprefix("Input should be ")
    article = "" if expected.startswith(("a ", "an ")) else "a value "
    return Problem(where, repr(causes[0]["input"]), f"{article}{expected}", see)


def _closest(name: str, names: Iterable[str]) -> str:
    found = get_close_matches(name, list(names), n=1)
    return f"Closest: {found[0]}. " if found else ""


def _options(error: Any) -> list[str]:
    if not error.ctx:
        return []
    parameters = error.ctx.command.params
    return ["--help", *(name for each in parameters for name in each.opts if name.startswith("--"))]


def _name(parameter: Any) -> str:
    """`--rows` of an option, `DATA` of an argument."""
    is_option = parameter.opts[0].startswith("-")
    return str(parameter.opts[0] if is_option else parameter.metavar or parameter.name)


def _usage(error: Any) -> str:
    if not error.ctx:
        return f"{_PROGRAM} COMMAND"
    return " ".join(error.ctx.get_usage().split()).removeprefix("Usage: ").translate(_WITHOUT_BRACES)


def _sentence(error: Any) -> str:
    """Typer's own words as the middle of a sentence."""
    text = str(error.message).strip().rstrip(".")
    return text[:1].lower() + text[1:]
