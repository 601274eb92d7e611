"""Training rows with passages: the right one among others, sometimes none; other splits as they will be asked."""

from study_parts import KeywordIndex, passage, row

from tunewright.data import PreparedData
from tunewright.records import Conversation, DatasetEntry, DatasetVersion, Example, Split
from tunewright.study.retrieved_rows import with_retrieved_passages

NUM_ROWS = 60
INDEX = KeywordIndex(
    [passage(f"note{number} colour{number} says answer{number}") for number in range(NUM_ROWS)]
    + [passage("colour is a word that says nothing"), passage("another colour of nothing")]
)
SPLITS = {Split.TRAIN: range(40), Split.VALIDATION: range(40, 50), Split.TEST: range(50, 60)}


def data() -> PreparedData:
    rows = {split: [row(f"colour of colour{n}", f"answer{n}", n) for n in numbers] for split, numbers in SPLITS.items()}
    entries = tuple(DatasetEntry(example_id=each.id, split=split) for split in Split for each in rows[split])
    examples = {each.id: each for split in Split for each in rows[split]}
    return PreparedData(DatasetVersion(entries=entries, sources=()), examples)


def changed(absent_fraction: float = 0.2, seed: int = 0, longest: int = 10_000) -> PreparedData:
    return with_retrieved_passages(
        data(), INDEX, 2, absent_fraction, seed, lambda prompt: sum(len(m.content) for m in prompt) <= longest
    )


def prompt(example: Example) -> str:
    assert isinstance(example.body, Conversation)
    return example.body.prompt[-1].content


def has_right_passage(example: Example) -> bool:
    assert isinstance(example.body, Conversation)
    return f"says {example.body.answer}\n" in prompt(example)


def test_training_rows_show_the_right_passage_unless_it_is_to_be_absent() -> None:
    assert all(has_right_passage(example) for example in changed(0.0).rows(Split.TRAIN))
    assert not any(has_right_passage(example) for example in changed(1.0).rows(Split.TRAIN))
    some = [has_right_passage(example) for example in changed(0.5).rows(Split.TRAIN)]
    assert 10 <= sum(some) <= 30


def test_the_right_passage_is_not_always_the_first() -> None:
    rows = changed(0.0).rows(Split.TRAIN)
    first = [f"[1] doc\nnote{number} " in prompt(example) for number, example in enumerate(rows)]
    assert 5 < sum(first) < 35
    assert all("[2] doc" in prompt(example) for example in rows)


def test_splits_answers_and_test_rows_stay_as_they_were() -> None:
    before, after = data(), changed()
    for split in Split:
        assert len(after.rows(split)) == len(before.rows(split))
        for old, new in zip(before.rows(split), after.rows(split), strict=True):
            assert isinstance(old.body, Conversation)
            assert isinstance(new.body, Conversation)
            assert new.body.answer == old.body.answer
            assert new.provenance == old.provenance
            assert prompt(new).endswith(prompt(old))
    assert after.rows(Split.TEST) == before.rows(Split.TEST)
    assert after.version.id != before.version.id


def test_validation_rows_are_shown_what_a_search_with_the_question_finds_in_that_order() -> None:
    for number, example in zip(SPLITS[Split.VALIDATION], changed(1.0).rows(Split.VALIDATION), strict=True):
        first, second = INDEX.search([f"colour of colour{number}"], 2)[0]
        assert f"[1] doc\n{first.passage.text}\n\n[2] doc\n{second.passage.text}\n" in prompt(example)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert changed().version.id == changed().version.id
    assert changed().version.id != changed(seed=1).version.id


def test_passages_that_do_not_fit_are_left_out_the_right_one_last() -> None:
    full = changed(0.0).rows(Split.TRAIN)
    longest = min(len(prompt(example)) for example in full) - 1
    cut = changed(0.0, longest=longest).rows(Split.TRAIN)
    assert len(cut) == len(full)
    for example in cut:
        assert "[2]" not in prompt(example).replace("like [1]", "")
        assert has_right_passage(example)


def test_rows_are_kept_in_as_many_copies_as_before() -> None:
    single = data()
    twice = DatasetVersion(entries=(*single.version.entries[:1], *single.version.entries), sources=())
    found = with_retrieved_passages(PreparedData(twice, single.examples), INDEX, 1, 0.0, 0, lambda _: True)
    assert len(found.rows(Split.TRAIN)) == 41
    assert found.rows(Split.TRAIN)[0] == found.rows(Split.TRAIN)[1]
