"""How well a base predicts text: bits per byte of held-out documents, and which sentence of a pair it prefers."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from base_model_figures import MAX_CHARACTERS, WINDOW_TOKENS, Figure

from tunewright.contracts import Progress, ScoringModel
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import estimate
from tunewright.model.language_model import LanguageModel
from tunewright.records import Estimate, Example, PlainText, Provenance, Score, TokenLoss
from tunewright.render import Renderer, TokenSequence

NUM_RESAMPLES = 2_000
SEED = 0

_Item = TypeVar("_Item")


class Document(Protocol):
    """A held-out text, as `scripts/pretrain/text.py` gives it."""

    @property
    def folder(self) -> str: ...
    @property
    def text(self) -> str: ...


class TextRenderer(Renderer):
    """Renders a text without the token that ends a document, so that its probability is the text's own.

    Bases differ in whether they have ever seen that token behind a text. A base whose tokenizer adds no start token
    predicts from its second token on; see `unpredicted`.
    """

    def render(self, example: Example) -> tuple[TokenSequence, ...]:
        """Turn a text into windows; none at all where only one token would be left."""
        *whole, last = super().render(example)
        shorter = replace(last, token_ids=last.token_ids[:-1], loss_weights=last.loss_weights[:-1])
        return (*whole, shorter) if len(shorter.token_ids) > 1 else tuple(whole)

    def unpredicted(self, text: str) -> str:
        """The start of the text that no token comes before: empty for a base with a start token."""
        token_ids = super().render(_example(text))[0].token_ids[:1]
        first = self.show(TokenSequence("", token_ids, (0.0,), cut=None))[0].text
        return first if text.startswith(first) else ""


def for_text(model: LanguageModel) -> LanguageModel:
    """The same model, reading texts in windows of at most WINDOW_TOKENS."""
    known = {field.name: getattr(model.renderer, field.name) for field in fields(Renderer)}
    limit = min(WINDOW_TOKENS, model.renderer.max_length)
    return replace(model, renderer=TextRenderer(**known).fitted(limit, max_answer_tokens=1))


def measure_bits_per_byte(model: LanguageModel, documents: Sequence[Document], progress: Progress) -> list[Figure]:
    """Nats of all predicted tokens / ln 2 / UTF-8 bytes of what they stand for, over the starts of the documents.

    Args:
        model: as `for_text` gives it.
        documents: held out from the training of the bundled base.
    Returns:
        The figure over all documents, then one per folder. Intervals come from resampling documents.
    """
    renderer = model.renderer
    assert isinstance(renderer, TextRenderer)
    texts = [document.text[:MAX_CHARACTERS] for document in documents]
    with progress.bar("Held-out text", len(texts)) as advance:
        losses = model.token_losses([_example(text) for text in texts], advance)
    scores = [_bits_per_byte(renderer, *found) for found in zip(texts, losses, strict=True)]
    by_folder = grouped(scores, [document.folder for document in documents])
    return [
        _figure("bits_per_byte", "Held-out bits per byte (lower is better)", scores),
        *(_figure(f"bits_per_byte/{folder}", f"Bits per byte, {folder}", found) for folder, found in by_folder.items()),
    ]


def _bits_per_byte(renderer: TextRenderer, text: str, loss: TokenLoss | str) -> Score:
    example_id = _example(text).id
    if isinstance(loss, str):
        return Score(example_id=example_id, metric="loss", value=None, reason=loss)
    num_bytes = len(text.removeprefix(renderer.unpredicted(text)).encode())
    if not num_bytes:
        return Score(example_id=example_id, metric="loss", value=None, reason="nothing of the text is predicted")
    value = loss.sum_nats / math.log(2) / num_bytes
    return Score(example_id=example_id, metric="loss", value=value, weight=num_bytes)


def _figure(name: str, title: str, scores: Sequence[Score]) -> Figure:
    found = estimate(SCORERS["loss"].metric, scores, NUM_RESAMPLES, SEED)
    return Figure(name=name, title=title, kind="bits per byte", estimate=found)


@dataclass(frozen=True, slots=True)
class MinimalPair:
    """Two sentences that differ in one thing, which makes one of them bad English."""

    paradigm: str
    field: str
    phenomenon: str
    good: str
    bad: str


def read_blimp(folder: Path, pairs_per_paradigm: int) -> list[MinimalPair]:
    """Read the first pairs of every paradigm.

    Source: Warstadt et al. 2020, "BLiMP: The Benchmark of Linguistic Minimal Pairs for English".

    Raises:
        FileNotFoundError: the folder holds no paradigm.
    """
    pairs = []
    for path in sorted(folder.glob("*.jsonl")):
        rows = map(json.loads, path.read_text(encoding="utf-8").splitlines()[:pairs_per_paradigm])
        pairs += [
            MinimalPair(
                paradigm=row["UID"],
                field=row["field"].replace("/", "_"),  # one file writes syntax/semantics, the others syntax_semantics
                phenomenon=row["linguistics_term"],
                good=row["sentence_good"],
                bad=row["sentence_bad"],
            )
            for row in rows
        ]
    if not pairs:
        raise FileNotFoundError(f"{folder}: no paradigm of BLiMP (*.jsonl) is there. Give its folder with --blimp.")
    return pairs


def measure_blimp(model: ScoringModel, pairs: Sequence[MinimalPair], progress: Progress) -> list[Figure]:
    """Share of pairs whose good sentence is the more probable one, as a mean over paradigms; equal is not right.

    Args:
        model: as `for_text` gives it, so that the sentence alone counts.
    Returns:
        The figure over all paradigms, then by field, by phenomenon. Pairs are resampled within their paradigm.
    """
    sentences = [_example(sentence) for pair in pairs for sentence in (pair.good, pair.bad)]
    with progress.bar("BLiMP", len(sentences)) as advance:
        losses = model.token_losses(sentences, advance)
    scores = [_preference(*found) for found in zip(pairs, losses[::2], losses[1::2], strict=True)]
    figures = [_blimp_figure("blimp", "BLiMP", scores)]
    for field, found in sorted(grouped(scores, [pair.field for pair in pairs]).items()):
        figures.append(_blimp_figure(f"blimp/field/{field}", f"BLiMP, {_words(field)}", found))
    for phenomenon, found in sorted(grouped(scores, [pair.phenomenon for pair in pairs]).items()):
        figures.append(_blimp_figure(f"blimp/phenomenon/{phenomenon}", f"BLiMP: {_words(phenomenon)}", found))
    return figures


def _preference(pair: MinimalPair, good: TokenLoss | str, bad: TokenLoss | str) -> Score:
    for loss in (good, bad):
        if isinstance(loss, str):
            return Score(example_id=pair.paradigm, metric="exact_match", value=None, reason=loss)
    assert isinstance(good, TokenLoss)
    assert isinstance(bad, TokenLoss)
    return Score(example_id=pair.paradigm, metric="exact_match", value=float(good.sum_nats < bad.sum_nats))


def _blimp_figure(name: str, title: str, scores: Sequence[Score]) -> Figure:
    found = estimate(SCORERS["exact_match"].metric, scores, NUM_RESAMPLES, SEED)
    # A Wilson interval stands where nearly every pair came out alike; resampling would show too little there.
    if found and found.interval == "bootstrap":
        found = _within_paradigms(found, grouped(scores, [score.example_id for score in scores]).values())
    return Figure(name=name, title=title, kind="share", estimate=found)


def _within_paradigms(found: Estimate, paradigms: Iterable[Sequence[Score]]) -> Estimate:
    """The same estimate for the mean over paradigms, which are all there are: only their pairs are a sample."""
    values = [[score.value for score in scores if score.value is not None] for scores in paradigms]
    counts = np.array([len(of_paradigm) for of_paradigm in values if of_paradigm])
    shares = np.array([np.mean(of_paradigm) for of_paradigm in values if of_paradigm])
    # n right-or-wrong values drawn again with replacement are a binomial count.
    drawn = np.random.default_rng(SEED).binomial(counts, shares, size=(NUM_RESAMPLES, len(counts))) / counts
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    update = {"value": float(shares.mean()), "low": float(low), "high": float(high)}
    return found.model_copy(update=update)


def grouped(items: Sequence[_Item], keys: Sequence[str]) -> dict[str, list[_Item]]:
    """The items of each key, keys in the order in which they first appear."""
    groups: dict[str, list[_Item]] = {}
    for item, key in zip(items, keys, strict=True):
        groups.setdefault(key, []).append(item)
    return groups


def _words(name: str) -> str:
    return name.replace("_", " ")


def _example(text: str) -> Example:
    return Example(body=PlainText(text=text), provenance=Provenance(source="text", row=1))
