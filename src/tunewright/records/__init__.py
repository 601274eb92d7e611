"""Frozen records: one meaning each, checked when made. See docs/how-it-works.md for how they hang together."""

from tunewright.records.artifact import Artifact
from tunewright.records.base import Record, canonical_json, content_hash
from tunewright.records.dataset import Change, DatasetEntry, DatasetVersion, Form, Source, Split
from tunewright.records.doctor import DoctorCheck
from tunewright.records.example import Conversation, Example, Message, PlainText, Provenance, Role
from tunewright.records.recipe import (
    DataRecipe,
    Derived,
    EvaluateRecipe,
    Full,
    Lora,
    Method,
    Precision,
    TrainRecipe,
    TuneRecipe,
    read_recipe,
    settled,
)
from tunewright.records.report import (
    AnswerRow,
    ArmMetric,
    CurvePoint,
    DataSummary,
    Difference,
    Estimate,
    Metric,
    Report,
    TrainingSummary,
    Verdict,
)
from tunewright.records.run import BaseModelRef, Environment, Run, RunStatus
from tunewright.records.score import Answer, Score, TokenLoss
from tunewright.records.tokens import TokenPiece, TokenRow

__all__ = [
    "Answer",
    "AnswerRow",
    "ArmMetric",
    "Artifact",
    "BaseModelRef",
    "Change",
    "Conversation",
    "CurvePoint",
    "DataRecipe",
    "DataSummary",
    "DatasetEntry",
    "DatasetVersion",
    "Derived",
    "Difference",
    "DoctorCheck",
    "Environment",
    "Estimate",
    "EvaluateRecipe",
    "Example",
    "Form",
    "Full",
    "Lora",
    "Message",
    "Method",
    "Metric",
    "PlainText",
    "Precision",
    "Provenance",
    "Record",
    "Report",
    "Role",
    "Run",
    "RunStatus",
    "Score",
    "Source",
    "Split",
    "TokenLoss",
    "TokenPiece",
    "TokenRow",
    "TrainRecipe",
    "TrainingSummary",
    "TuneRecipe",
    "Verdict",
    "canonical_json",
    "content_hash",
    "read_recipe",
    "settled",
]
