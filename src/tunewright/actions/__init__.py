"""One function per user verb: chains the stages and picks the outside adapters. What notebooks import.

>>> from tunewright.actions import tune
>>> from tunewright.records import read_recipe
>>> report = tune(read_recipe({"data": {"path": "tickets.jsonl"}}))  # doctest: +SKIP

Each verb is imported when it is first asked for (PEP 562): a command needs one of them, and all together take a second.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunewright.actions.chatting import Chat, chat
    from tunewright.actions.checking import check
    from tunewright.actions.diagnosing import doctor
    from tunewright.actions.evaluating import evaluate
    from tunewright.actions.from_documents import QuestionWriter, make_rows_from_documents
    from tunewright.actions.handover import StudyJob, TuneJob, run_to_resume
    from tunewright.actions.inspecting import (
        explain_recipe,
        list_runs,
        run_folder,
        show_run,
        show_tokens,
        unreadable_runs,
    )
    from tunewright.actions.kept_arms import list_arms
    from tunewright.actions.stored import (
        dataset_card,
        dataset_log,
        diff_datasets,
        export_dataset,
        list_datasets,
        show_dataset,
    )
    from tunewright.actions.studying import resume_study, study
    from tunewright.actions.supervising import supervise
    from tunewright.actions.tuning import resume, tune
    from tunewright.actions.versions import build_dataset, refresh_dataset, take_back
    from tunewright.study.gates import why_gates_fail

_MODULE_OF = {
    "Chat": "actions.chatting",
    "QuestionWriter": "actions.from_documents",
    "StudyJob": "actions.handover",
    "TuneJob": "actions.handover",
    "build_dataset": "actions.versions",
    "chat": "actions.chatting",
    "check": "actions.checking",
    "dataset_card": "actions.stored",
    "dataset_log": "actions.stored",
    "diff_datasets": "actions.stored",
    "doctor": "actions.diagnosing",
    "evaluate": "actions.evaluating",
    "explain_recipe": "actions.inspecting",
    "export_dataset": "actions.stored",
    "list_arms": "actions.kept_arms",
    "list_datasets": "actions.stored",
    "list_runs": "actions.inspecting",
    "make_rows_from_documents": "actions.from_documents",
    "refresh_dataset": "actions.versions",
    "resume": "actions.tuning",
    "resume_study": "actions.studying",
    "run_folder": "actions.inspecting",
    "show_dataset": "actions.stored",
    "run_to_resume": "actions.handover",
    "show_run": "actions.inspecting",
    "show_tokens": "actions.inspecting",
    "study": "actions.studying",
    "supervise": "actions.supervising",
    "take_back": "actions.versions",
    "tune": "actions.tuning",
    "unreadable_runs": "actions.inspecting",
    "why_gates_fail": "study.gates",
}

__all__ = [
    "Chat",
    "QuestionWriter",
    "StudyJob",
    "TuneJob",
    "build_dataset",
    "chat",
    "check",
    "dataset_card",
    "dataset_log",
    "diff_datasets",
    "doctor",
    "evaluate",
    "explain_recipe",
    "export_dataset",
    "list_arms",
    "list_datasets",
    "list_runs",
    "make_rows_from_documents",
    "refresh_dataset",
    "resume",
    "resume_study",
    "run_folder",
    "run_to_resume",
    "show_dataset",
    "show_run",
    "show_tokens",
    "study",
    "supervise",
    "take_back",
    "tune",
    "unreadable_runs",
    "why_gates_fail",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"tunewright.{_MODULE_OF[name]}"), name)
    globals()[name] = found  # so that this is asked once
    return found
