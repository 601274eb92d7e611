"""One function per user verb: chains the stages and picks the outside adapters. What notebooks import.

>>> from tunewright.actions import tune
>>> from tunewright.records import read_recipe
>>> report = tune(read_recipe({"data": {"path": "tickets.jsonl"}}))  # doctest: +SKIP
"""

from tunewright.actions.answering import Chat, chat
from tunewright.actions.checking import check
from tunewright.actions.doctor import doctor
from tunewright.actions.evaluating import evaluate
from tunewright.actions.inspecting import explain_recipe, list_runs, run_folder, show_run, show_tokens
from tunewright.actions.tuning import resume, tune

__all__ = [
    "Chat",
    "chat",
    "check",
    "doctor",
    "evaluate",
    "explain_recipe",
    "list_runs",
    "resume",
    "run_folder",
    "show_run",
    "show_tokens",
    "tune",
]
