"""StudyRecipe: everything needed to repeat a study, which runs the alternatives on the same rows."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from tunewright.records.base import Fraction, Settings, content_hash
from tunewright.records.data_recipe import DataRecipe, NamedPath
from tunewright.records.decision import Needs, Prices
from tunewright.records.recipe import (
    EvaluateRecipe,
    Lora,
    Method,
    RetentionRecipe,
    TrainRecipe,
    TuneRecipe,
)
from tunewright.records.recipe_file import read_settings

Candidates = Annotated[tuple[Annotated[int, Field(ge=1, le=64)], ...], Field(min_length=1)]


class FewShotRecipe(Settings):
    """Training rows as examples in the prompt."""

    k: Candidates = (1, 2, 4, 8)
    """Numbers of examples that are tried on validation rows; the best is kept. Fewer are shown where the context of
    the base is too short."""


class RetrievalRecipe(Settings):
    """Passages of the documents in the prompt."""

    k: Candidates = (2, 4)
    """Numbers of passages that are tried on validation rows; the best is kept. Fewer are shown where the context of
    the base is too short."""
    absent_fraction: Fraction = 0.2
    """Share of the training rows of the tuned arm with retrieval that do not hold the passage which answers them, so
    that it learns to do without (RAFT, Zhang et al. 2024)."""


class UpdatedRecipe(Settings):
    """The documents as they are after a change, and the answers that it changes: which arms follow?"""

    documents: NamedPath
    """Folder of the documents as they are now. They replace `documents` after training; every arm is asked again."""
    answers: NamedPath
    """A file of rows in the form of the data: inputs that the data has, with the answer that is right now."""


class EndpointRecipe(Settings):
    """A hosted model as a further arm."""

    url: str
    """An OpenAI-compatible address, as in `http://localhost:8000/v1`."""
    model: str
    """Name of the model at that address."""
    key_variable: str | None = None
    """Environment variable that holds the key. The key itself never stands in a recipe."""


class JudgeRecipe(Settings):
    """A hosted model that compares the answers of two arms. It is told beside the metrics, and decides nothing."""

    url: str
    """An OpenAI-compatible address, as in `http://localhost:8000/v1`. Test inputs, references and answers of the best
    tuned arm and of the best other arm are sent there, each pair in both orders."""
    model: str
    """Name of the model at that address."""
    key_variable: str | None = None
    """Environment variable that holds the key. The key itself never stands in a recipe."""
    question: Annotated[str, Field(min_length=1)] | None = None
    """What makes one answer better than another, in words for the judge. Derived from the rules of `evaluate.house`,
    else from the kind of answers."""
    max_items: Annotated[int, Field(ge=1)] | None = None
    """Most test inputs whose answers are compared, at two requests each. Derived: 50."""


class StudyRecipe(Settings):
    """The whole study: data, base, the alternatives, and what their verdict is judged by."""

    data: DataRecipe
    base: str = "bundled"
    """`bundled`, a folder in the hub's layout, or a hub id with optional `@revision`."""
    prompts: tuple[str, ...] = ()
    """Text files, each a system prompt that the prompted arm tries on validation rows, beside the ones that are
    assembled from the training rows."""
    documents: NamedPath | None = None
    """Folder of documents that the retrieval arms may read. Without it there are no such arms."""
    updated: UpdatedRecipe | None = None
    answer_schema: str | None = None
    """File with a JSON Schema that JSON answers have to fit. Without it the schema is inferred from the training
    answers."""
    few_shot: FewShotRecipe = FewShotRecipe()
    retrieval: RetrievalRecipe = RetrievalRecipe()
    endpoint: EndpointRecipe | None = None
    judge: JudgeRecipe | None = None
    max_validation_inputs: Annotated[int, Field(ge=1)] = 100
    """Most validation inputs on which prompts and numbers of examples or passages are chosen."""
    needs: Needs = Needs()
    prices: Prices = Prices()
    method: Method = Lora()
    """Which weights of the tuned arms are trained: `lora` or `full`."""
    train: TrainRecipe = TrainRecipe()
    evaluate: EvaluateRecipe = EvaluateRecipe()
    retention: RetentionRecipe = RetentionRecipe()

    @field_validator("retention")
    @classmethod
    def _runs_no_public_benchmarks(cls, retention: RetentionRecipe) -> RetentionRecipe:
        if retention.tasks:
            raise PydanticCustomError("tasks_of_study", "")
        return retention

    @property
    def id(self) -> str:
        """SHA-256 of the canonical JSON."""
        return content_hash(self.model_dump(mode="json"))

    @property
    def tuning(self) -> TuneRecipe:
        """The recipe of the tuned arm."""
        settings = {name: getattr(self, name) for name in _SHARED}
        return TuneRecipe(**settings)

    def with_tuning(self, tuning: TuneRecipe) -> "StudyRecipe":
        """The same study with the settings of its tuned arm replaced, such as by resolved ones."""
        settings = {name: getattr(tuning, name) for name in _SHARED}
        return self.model_copy(update=settings)


_SHARED = tuple(name for name in TuneRecipe.model_fields if name in StudyRecipe.model_fields)
"""Settings of `tune` that a study has too; it bakes no prompt."""


def read_study_recipe(fields: dict[str, Any], path: Path | None = None, overrides: tuple[str, ...] = ()) -> StudyRecipe:
    """Build a study's recipe; see `read_recipe`.

    Raises:
        RecipeError: the file is not a mapping, or keys are unknown or values out of range; all are listed.
    """
    return read_settings(StudyRecipe, fields, path, overrides)
