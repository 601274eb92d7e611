"""One function per user verb: chains the stages and picks the outside adapters. What notebooks import.

>>> from tunewright.actions import tune
>>> from tunewright.records import read_recipe
>>> report = tune(read_recipe({"data": {"path": "tickets.jsonl"}}))  # doctest: +SKIP
"""

from tunewright.actions.answering import Chat, chat
from tunewright.actions.checking import check
from tunewright.actions.doctor import doctor
from tunewright.actions.evaluating import evaluate
from tunewright.actions.from_documents import QuestionWriter, make_rows_from_documents
from tunewright.actions.handover import TuneJob
from tunewright.actions.inspecting import explain_recipe, list_runs, run_folder, show_run, show_tokens
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

__all__ = [
    "Chat",
    "QuestionWriter",
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
    "list_datasets",
    "list_runs",
    "make_rows_from_documents",
    "refresh_dataset",
    "resume",
    "resume_study",
    "run_folder",
    "show_dataset",
    "show_run",
    "show_tokens",
    "study",
    "supervise",
    "take_back",
    "tune",
    "why_gates_fail",
]
