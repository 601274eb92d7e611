"""What checks measure about a data set as a whole: every kind once, hostile text included."""

from report_fixture import HOSTILE

from tunewright.records import (
    Cluster,
    Estimate,
    GroupCount,
    GroupTable,
    InputClusters,
    InputExcerpt,
    LabelShare,
    LengthHistogram,
    Measurement,
    ReferenceComparison,
    ReferenceCoverage,
    TokenLengths,
)


def build_share(value: float, num_rows: int = 100) -> Estimate:
    return Estimate(
        value=value, low=max(0, value - 0.05), high=min(1, value + 0.05), num_rows=num_rows, interval="wilson"
    )


def build_clusters(*samples: str) -> InputClusters:
    """Two topics and the inputs of none, with a share per sample."""

    def cluster(words: tuple[str, ...], value: float) -> Cluster:
        return Cluster(
            words=words,
            num_rows=round(100 * value),
            shares={name: build_share(value) for name in samples},
            examples=(InputExcerpt(location="rows.jsonl:1", text=f"an input {HOSTILE}"),),
        )

    words = ("refund", "card", "invoice", "charged")
    return InputClusters(
        choice="2 clusters: the number with the highest silhouette.",
        clusters=(cluster(words, 0.6), cluster(("parcel",), 0.39), cluster((), 0.01)),
    )


def build_measurements() -> tuple[Measurement, ...]:
    labels = (LabelShare(label="urgent", share=build_share(0.7)), LabelShare(label="normal", share=build_share(0.3)))
    return (
        build_clusters("train", "test", "reference"),
        ReferenceComparison(
            reference="prod.jsonl",
            auc=Estimate(value=0.81, low=0.77, high=0.85, num_rows=500),
            threshold=0.7,
            reference_words=("coin",),
            training_words=("card",),
        ),
        ReferenceCoverage(reference="prod.jsonl", covered=build_share(0.88, 400), threshold=0.25),
        GroupTable(
            name="region",
            groups=tuple(GroupCount(group=f"area {HOSTILE} {n}", num_rows=40 - n, labels=labels) for n in range(14)),
        ),
    )


def build_tokens() -> TokenLengths:
    return TokenLengths(
        base="owner/base",
        max_length=64,
        answer_room=9,
        num_tokens=12_345,
        num_answer_tokens=2_345,
        num_rows=1_190,
        num_cut=3,
        lengths=(
            LengthHistogram(
                part="input", unit="tokens", median=20, longest=90, bin_edges=(1.0, 31.0, 61.0), counts=(900, 290)
            ),
            LengthHistogram(part="answer", unit="tokens", median=3, longest=7, bin_edges=(1.0, 8.0), counts=(1190,)),
        ),
    )
