"""Canaries and extraction against models whose memory is known."""

from collections.abc import Sequence

import pytest
from study_parts import row
from tiny_base import write_tiny_base

from tunewright.contracts import Advance, SilentProgress
from tunewright.evaluate.memorisation import (
    MAX_EXPOSURE,
    MIN_CONTINUATION,
    NUM_RANKED,
    exposures,
    extraction_rate,
    make_canaries,
    second_halves,
)
from tunewright.records import (
    Conversation,
    EvaluateRecipe,
    Example,
    MemorisationSummary,
    PlainText,
    Provenance,
    format_memorisation,
)
from tunewright.render import Renderer, TokenSequence, load_renderer

RECIPE = EvaluateRecipe(num_resamples=100)


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return load_renderer(write_tiny_base(tmp_path_factory.mktemp("bases") / "base")).fitted(200, 100)


class Remembering:
    """Knows some token sequences by heart, and finds all others equally probable."""

    def __init__(self, known: Sequence[tuple[int, ...]], other_loss: float = 9.0) -> None:
        self.known, self.other_loss = set(known), other_loss

    def sequence_losses(self, sequences: Sequence[TokenSequence], advance: Advance) -> list[float]:
        advance(len(sequences))
        return [1.0 if one.token_ids in self.known else self.other_loss for one in sequences]

    def writes(self, sequences: Sequence[TokenSequence]) -> list[bool]:
        return [one.token_ids in self.known for one in sequences]


def exposure_of(model: Remembering, renderer: Renderer, *, is_text: bool = False) -> tuple[float, ...]:
    with SilentProgress().bar("", 0) as advance:
        return exposures(model, renderer, make_canaries(2, 0), is_text=is_text, advance=advance)


@pytest.mark.parametrize("is_text", [False, True])
def test_a_secret_that_is_known_is_told_from_all_others_and_one_that_is_not_has_none(
    renderer: Renderer, *, is_text: bool
) -> None:
    first, _ = make_canaries(2, 0)
    known = [part.token_ids for part in renderer.render(first.row(is_text=is_text))]
    found = exposure_of(Remembering(known), renderer, is_text=is_text)
    assert found == (pytest.approx(MAX_EXPOSURE, abs=0.02), 0.0)
    assert MAX_EXPOSURE == 8.0
    assert NUM_RANKED == 256


def test_a_secret_that_is_the_less_probable_one_has_none(renderer: Renderer) -> None:
    first, _ = make_canaries(2, 0)
    known = [part.token_ids for part in renderer.render(first.row(is_text=False))]
    assert exposure_of(Remembering(known, other_loss=0.5), renderer)[0] == 0.0


def test_canaries_differ_and_come_again_from_their_seed() -> None:
    canaries = make_canaries(100, 5)
    assert len({canary.owner for canary in canaries}) == 100
    assert make_canaries(100, 5) == canaries
    assert make_canaries(100, 6) != canaries
    body = canaries[0].row(is_text=False).body
    assert isinstance(body, Conversation)
    assert body.answer == canaries[0].secret


def test_the_second_half_is_the_end_of_the_answer_and_short_ones_are_passed_over(renderer: Renderer) -> None:
    long = row("question", "one two three four five six seven eight nine ten eleven twelve", 1)
    halves = second_halves([row("question", "yes", 2), long], renderer, 10, 0)
    assert halves.num_too_short == 1
    (half,) = halves.sequences
    (whole,) = renderer.render(long)
    assert half.token_ids == whole.token_ids
    trained = [place for place, weight in enumerate(whole.loss_weights) if weight > 0]
    asked = [place for place, weight in enumerate(half.loss_weights) if weight > 0]
    assert asked == trained[(len(trained) + 1) // 2 :]
    assert len(asked) >= MIN_CONTINUATION


def test_a_text_has_a_second_half_too_and_no_more_rows_are_taken_than_asked_for(renderer: Renderer) -> None:
    texts = [
        Example(
            body=PlainText(text=f"This is text number {n}, which is long enough."),
            provenance=Provenance(source="t", row=n),
        )
        for n in range(1, 6)
    ]
    assert len(second_halves(texts, renderer, 3, 0).sequences) == 3


def test_a_file_that_is_sorted_by_kind_gives_the_same_kinds_as_one_that_is_not(renderer: Renderer) -> None:
    rows = [row(f"question {n}", f"{'letter' if n <= 50 else 'story'} one two three four five", n) for n in range(200)]
    sequences = second_halves(rows, renderer, 40, 0).sequences
    letters = {part.token_ids for each in rows[:51] for part in renderer.render(each)}
    assert 4 <= sum(one.token_ids in letters for one in sequences) <= 16, "a quarter of the rows are letters"
    assert second_halves([*reversed(rows), *rows], renderer, 40, 0).sequences == sequences
    assert second_halves(rows, renderer, 40, 1).sequences != sequences


def test_the_rate_is_the_share_of_rows_that_are_written(renderer: Renderer) -> None:
    rows = [row(f"question {n}", f"{n} one two three four five six seven eight nine ten", n) for n in range(1, 11)]
    halves = second_halves(rows, renderer, 10, 0)
    known = [one.token_ids for one in halves.sequences[:3]]
    found = extraction_rate(Remembering(known), halves, RECIPE)
    assert found is not None
    assert (found.value, found.num_rows) == (0.3, 10)


def test_rows_of_one_document_are_resampled_together(renderer: Renderer) -> None:
    texts = [
        Example(
            body=PlainText(text=f"This is text number {n}, which is long enough."),
            provenance=Provenance(source="t", row=n, group=f"document {n % 3}"),
        )
        for n in range(1, 7)
    ]
    found = extraction_rate(Remembering([]), second_halves(texts, renderer, 6, 0), RECIPE)
    assert found is not None
    assert (found.num_rows, found.num_groups) == (6, 3)


def test_the_words_give_the_rates_and_the_bits() -> None:
    summary = MemorisationSummary(
        canary_repeats=3,
        max_exposure=8.0,
        base_exposures=(1.0, 2.0),
        tuned_exposures=(8.0, 6.0),
        base_rate=None,
        tuned_rate=None,
        unseen_rate=None,
        num_too_short=5,
    )
    assert format_memorisation(summary) == (
        "Exposure of 2 canaries planted 3 times: 7.0 of at most 8 bits with the tuned model, 1.5 with the base "
        "(chance gives 1.4).",
    )
