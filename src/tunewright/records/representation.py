"""What was measured about inputs as a whole: their topics, how they compare with production, their groups."""

from typing import Annotated, Literal

from pydantic import Field

from tunewright.records.base import Record
from tunewright.records.lengths import TokenLengths
from tunewright.records.result import Estimate

NUM_NAMING_WORDS = 3


class InputExcerpt(Record):
    """One input to look at."""

    location: str
    """`file:row`."""
    text: str


class Cluster(Record):
    """Inputs that use similar words."""

    words: tuple[str, ...]
    """Words and word pairs that are more frequent here than elsewhere, the most typical first. Empty for inputs that
    share no word with others."""
    num_rows: int
    """Distinct rows, the reference not counted."""
    shares: dict[str, Estimate]
    """Share of this cluster, by sample: `train`, `validation` and `test` once rows are split (before, `all`), and
    `reference` where one is given."""
    examples: tuple[InputExcerpt, ...]
    """The inputs nearest to the centre."""

    @property
    def name(self) -> str:
        """The most typical words."""
        return ", ".join(self.words[:NUM_NAMING_WORDS]) or "no word in common with others"


class InputClusters(Record):
    """The topics of the inputs, the largest first."""

    kind: Literal["input_clusters"] = "input_clusters"
    choice: str
    """How the number of clusters was chosen, in one sentence."""
    clusters: tuple[Cluster, ...]


class ReferenceComparison(Record):
    """How well a classifier tells training inputs from the inputs of the reference."""

    kind: Literal["reference_comparison"] = "reference_comparison"
    reference: str
    """The file, as the user gave it."""
    auc: Estimate
    """.5: they cannot be told apart; 1: every one of them can. `num_rows` counts the inputs of both sides."""
    threshold: float
    """Lower end of the interval from which on the difference is reported."""
    reference_words: tuple[str, ...]
    """What speaks most for the reference."""
    training_words: tuple[str, ...]
    """What speaks most for the training rows."""


class ReferenceCoverage(Record):
    """How many inputs of the reference have a similar training input."""

    kind: Literal["reference_coverage"] = "reference_coverage"
    reference: str
    covered: Estimate
    threshold: float
    """Cosine similarity of TF-IDF vectors from which on an input counts as covered."""


class LabelShare(Record):
    """How frequent one label is."""

    label: str
    share: Estimate


class GroupCount(Record):
    """The rows of one group."""

    group: str
    num_rows: int
    labels: tuple[LabelShare, ...]
    """Share of each of the most frequent labels among these rows; empty where answers are no labels."""


class GroupTable(Record):
    """All groups by one property of the rows, the largest first."""

    kind: Literal["groups"] = "groups"
    name: str
    """The field of the rows, or what else divides them, as in `gender terms in inputs`."""
    groups: tuple[GroupCount, ...]


Measurement = Annotated[
    InputClusters | ReferenceComparison | ReferenceCoverage | GroupTable | TokenLengths, Field(discriminator="kind")
]
"""A property of the data as a whole that a check measures, whether or not it finds anything wrong."""
