"""Recipe: everything needed to repeat a run, one frozen object per stage.

A field that is `None` is derived from the data and the model before training (tunewright/train/defaults.py), and
the derived value is printed with its reason. Unknown keys are refused. The line under a field is its documentation:
it feeds `tunewright recipe`, docs/recipes.md and the JSON schema.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tunewright.records.base import Fraction, Record, Settings, content_hash
from tunewright.records.data_recipe import DataRecipe
from tunewright.records.decision import Prices

T = TypeVar("T")


class Lora(Settings):
    """Train a low-rank update beside every linear layer; the base stays frozen (Hu et al. 2021)."""

    kind: Literal["lora"] = "lora"
    rank: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Width of the update; more can learn more and costs memory. Derived from the number of rows."""
    alpha: Annotated[float, Field(gt=0)] | None = None
    """The update is scaled by alpha / rank. Derived: 2 x rank."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None
    """Share of the adapter's inputs zeroed while training, against overfitting; none of those of experts. Derived from
    the number of rows."""
    layers: Literal["all", "mlp"] = "all"
    """Which linear layers get an update: `all`, or `mlp`, those of the feed-forward blocks alone, which learns a little
    less and forgets less."""


class Full(Settings):
    """Train every weight of the base."""

    kind: Literal["full"] = "full"


Method = Annotated[Lora | Full, Field(discriminator="kind")]
Precision = Literal["float32", "bfloat16"]
Optimizer = Literal["adamw", "muon"]
Fallback = Literal["strength", "rehearsal", "mlp"]


class TrainRecipe(Settings):
    """How the weights are updated."""

    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Peak step size. Derived from the method and the size of the base."""
    optimizer: Optimizer = "adamw"
    """`adamw`, or `muon`: matrices move by their orthogonalised momentum, everything else by AdamW; for full tuning
    and training from nothing."""
    rows_per_step: Annotated[int, Field(ge=1)] | None = None
    """Rows in one optimizer step; of a row that becomes several sequences, such as the windows of a long text, each
    counts. Derived from the number of sequences."""
    epochs: Annotated[float, Field(gt=0)] | None = None
    """Most passes over the training rows; early stopping may end sooner. Derived from the number of sequences that the
    rows become: long texts are several windows, and some conversations one sequence per answer."""
    warmup_fraction: Fraction = 0.05
    """Share of the steps over which the learning rate rises from zero."""
    final_learning_rate_fraction: Fraction = 0.1
    """Where the cosine schedule ends, as a share of the peak."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Decoupled pull of the trained weights towards zero."""
    max_gradient_norm: Annotated[float, Field(gt=0)] = 1.0
    """Gradients longer than this are scaled down to it."""
    min_validations: Annotated[int, Field(ge=1)] = 4
    """Validate at the end of each epoch, and at least this many times a run."""
    patience: Annotated[int, Field(ge=1)] = 2
    """Stop after this many validations in a row without a better loss or, with `keep_by = metric`, metric."""
    keep_by: Literal["loss", "metric"] | None = None
    """What says how good a checkpoint is at the task: the validation loss, or the leading metric of the evaluation over
    answers to validation inputs, where checkpoints no more than one answer apart are told apart by their loss. Derived:
    `metric` where the answers take a small share of the training."""
    validation_answers: Annotated[int, Field(ge=1)] | None = None
    """Most validation inputs that are answered at a validation. Only with `keep_by = metric`. Derived from the lengths
    of rows and answers and the number of steps."""
    max_length: Annotated[int, Field(ge=8)] | None = None
    """Most tokens of one row. Derived: the context length of the base."""
    tokens_per_micro_batch: Annotated[int, Field(ge=1)] | None = None
    """Most tokens, padding included, computed at once; changes memory and speed, not the result, but for which inputs
    dropout zeroes. Derived from the size of the base and of its vocabulary."""
    gradient_checkpointing: Literal["auto", "always", "never"] = "auto"
    """Compute layers a second time in the backward pass instead of keeping what they computed: less memory, about a
    third more time, the same result. `auto` does it where one row alone would not fit into memory otherwise."""
    precision: Precision | None = None
    """Number format of the matrix products; trained weights stay float32. Derived from the processor."""
    seconds_between_checkpoints: Annotated[float, Field(gt=0)] = 120.0
    """A checkpoint is saved at every validation, and in between when this much time has passed."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of the adapter's start, the row order and dropout."""


class EvaluateRecipe(Settings):
    """How answers are made and judged."""

    metrics: tuple[str, ...] | None = None
    """Names of scorers. Derived from the answers in the data."""
    house: str | None = None
    """YAML file with preferred terms, required words and rules of style. Answers are scored by it besides, under the
    metrics `terminology` and `style`."""
    max_answer_tokens: Annotated[int, Field(ge=1)] | None = None
    """Room for an answer. Prompts are shortened to leave it free. Derived from the longest answer."""
    rows_per_batch: Annotated[int, Field(ge=1)] = 32
    """Prompts answered at once; changes memory and speed."""
    max_inputs: Annotated[int, Field(ge=1)] | None = None
    """Answer only the first so many distinct test inputs (in an order fixed by the split). Default: all of them."""
    num_resamples: Annotated[int, Field(ge=100)] = 2000
    """Bootstrap resamples behind each 95 % interval."""
    seed: int = 0
    """Seed of the bootstrap."""


class RetentionRecipe(Settings):
    """What the base could do before, watched during training: it decides which checkpoint is kept."""

    enabled: bool = True
    """Measure general ability: of the base, at every validation and at the end."""
    max_drop: Fraction = 0.02
    """Most that the share of right items may fall, in the whole suite and in each part; 0.02 is 2 points. Weights whose
    whole 95 % interval lies beyond are beyond the limits."""
    max_loss_increase: Annotated[float, Field(ge=0.0)] = 0.03
    """Most that the loss on general text may rise, as a share of the base's loss."""
    beyond: Literal["tell", "refuse"] | None = None
    """What is kept where nothing that was trained is within the limits, after all `fallbacks`. `tell`: the best at the
    task, or those that forget least of the weights about as good (`max_task_loss_increase`); screen and report say in
    capitals what was lost. `refuse`: the base. Derived from the size of the base: `refuse` from 50M parameters on,
    `tell` below."""
    max_task_loss_increase: Annotated[float, Field(ge=0.0)] = 0.0
    """Nats per token by which the validation loss may rise above the lowest one for weights that forget less, where
    nothing is within the limits: the adapter at a lower strength. 0.005 is little. Only with `beyond = tell`."""
    max_items: Annotated[int, Field(ge=10)] | None = None
    """Most items of each part: fewer take less time, and widen the intervals. Default: all of them."""
    fallbacks: tuple[Fallback, ...] = ("strength", "rehearsal", "mlp")
    """What is tried when no trained checkpoint within the limits keeps nine tenths of what was gained at the task.
    `strength`, after every training, wherever it stands in the list: the trained adapter at 0.1 to 0.9 of its strength,
    without training again; good enough where it keeps those nine tenths. The others in their order. `rehearsal`:
    training again with general rows among yours, on which the model is held to what the base expects. `mlp`: the same,
    with LoRA in the feed-forward blocks alone. Those two take as long as training did. Of all that is within the limits
    the best at the task is kept."""
    rehearsal: Literal["from_start", "fallback"] | None = None
    """Whether the first training already has general rows among yours. Derived: `from_start` for bases under 50M
    parameters, which forget most, `fallback` for others."""
    rehearsal_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.15
    """Share of the rows of rehearsal that are general ones, which come with tunewright."""
    files: tuple[str, ...] = ()
    """Local files of BLiMP or PIQA (.jsonl) that are measured as further parts."""
    tasks: tuple[str, ...] = ()
    """Tasks of lm-evaluation-harness, such as `hellaswag`, that are run on the base and on the tuned model, in a
    process of their own. They are reported, and do not decide which checkpoint is kept. Needs the extra `eval`."""
    task_folder: str | None = None
    """Folder with YAML files of tasks of your own."""

    @model_validator(mode="after")
    def _has_no_setting_without_effect(self) -> "RetentionRecipe":
        twice = next((name for name in self.fallbacks if self.fallbacks.count(name) > 1), None)
        if twice is not None:
            raise PydanticCustomError("fallback_twice", "", {"name": twice})
        if self.beyond == "refuse" and self.max_task_loss_increase:
            raise PydanticCustomError("loss_increase_of_refuse", "", {"increase": self.max_task_loss_increase})
        return self


class MemorisationRecipe(Settings):
    """Whether training rows, or secrets planted among them, can be got out of the model."""

    canaries: Annotated[int, Field(ge=0, le=100)] = 0
    """Invented secrets that are planted among the training rows, to see how far one that stands there can be told
    apart from others (exposure). They stay in the model: for trials, not for the model that you will use."""
    canary_repeats: Annotated[int, Field(ge=1, le=100)] = 1
    """How often each of them stands there."""
    max_rows: Annotated[int, Field(ge=0)] = 200
    """Training rows, and as many test rows, of which it is tried whether the model writes the second half of the answer
    word for word when it is given the first. 0 leaves it out."""

    @model_validator(mode="after")
    def _repeats_canaries(self) -> "MemorisationRecipe":
        if self.canary_repeats > 1 and self.canaries == 0:
            raise PydanticCustomError("repeats_of_nothing", "", {"repeats": self.canary_repeats})
        return self


class BakeRecipe(Settings):
    """Train the model to answer without a long system prompt as it does with it."""

    prompt: str
    """Text file that holds the system prompt."""
    targets: Literal["prompted", "rows"] = "prompted"
    """Answers that are trained: those which the base gives with the prompt, or those of your rows."""
    kl_weight: Fraction = 0.5
    """Share of the loss that compares whole token distributions with those of the prompted base, and not just the
    answer's own tokens. 0 needs no second reading of the rows."""
    margin: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    """Equal quality is shown when the 95 % interval of the paired difference lies within plus and minus this: 0.05 is 5
    points of a share, or 5 % of the prompted base's value."""
    prices: Prices = Prices()


class TuneRecipe(Settings):
    """The whole main job: data, base, method, training and evaluation."""

    data: DataRecipe
    base: str = "bundled"
    """`bundled`, a folder in the hub's layout, or a hub id with optional `@revision`. Any causal language model of
    transformers will do; the run says what computes it, and why not faster."""
    method: Method = Lora()
    """Which weights are trained: `lora` or `full`."""
    train: TrainRecipe = TrainRecipe()
    evaluate: EvaluateRecipe = EvaluateRecipe()
    retention: RetentionRecipe = RetentionRecipe()
    memorisation: MemorisationRecipe = MemorisationRecipe()
    """What of the training rows can be got out of the model."""
    bake: BakeRecipe | None = None
    """A system prompt to train into the weights; default: none."""

    @property
    def id(self) -> str:
        """SHA-256 of the canonical JSON."""
        return content_hash(self.model_dump(mode="json"))


class Derived(Record):
    """A setting that tunewright chose, and why."""

    setting: str
    """Dotted name, as in `train.learning_rate`."""
    value: str | int | float | tuple[str, ...]
    reason: str


def settled(value: T | None) -> T:
    """The value of a setting that may be derived, in a recipe where that has been done."""
    assert value is not None, "derive the recipe first (tunewright/train/defaults.py)"
    return value
