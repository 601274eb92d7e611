"""The retention suite: its texts, its scores under scripted models, and its drops against cases worked by hand."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from chat_bases import STYLES, write_base
from public_files import public_file

from tunewright.contracts import Advance, SilentProgress
from tunewright.errors import DataError, RecipeError
from tunewright.evaluate.retention import (
    SUITE_VERSION,
    RenderedSuite,
    RetentionScores,
    RetentionSuite,
    compare_retention,
    make_suite,
    render_suite,
)
from tunewright.evaluate.retention.bias import bias_items
from tunewright.evaluate.retention.grammar import PAIRS_PER_PARADIGM, grammar_pairs
from tunewright.evaluate.retention.item import Item, Kind, Part, share_metric, two_answers, two_sentences
from tunewright.records import (
    Conversation,
    EvaluateRecipe,
    Message,
    PlainText,
    RetentionRecipe,
    RetentionResult,
    Score,
    format_drop,
)
from tunewright.render import Renderer, TokenSequence, load_renderer

STATISTICS = EvaluateRecipe(num_resamples=500)


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    folder = tmp_path_factory.mktemp("bases") / "base"
    write_base(folder, STYLES["chatml"])
    return load_renderer(folder)


class ScriptedModel:
    """Loss of a sequence by its text, control tokens included."""

    def __init__(self, renderer: Renderer, loss_of: Callable[[str], float]) -> None:
        self.renderer, self.loss_of = renderer, loss_of

    def sequence_losses(self, sequences: Sequence[TokenSequence], advance: Advance) -> list[float]:
        advance(len(sequences))
        return [self.loss_of("".join(piece.text for piece in self.renderer.show(one))) for one in sequences]


def measure(rendered: RenderedSuite, model: ScriptedModel) -> RetentionScores:
    with SilentProgress().bar("", 0) as advance:
        return rendered.measure(model, advance)


def suite_of(*parts: tuple[str, Kind, tuple[Item, ...]]) -> RetentionSuite:
    return RetentionSuite(tuple(Part(share_metric(name, name, "."), kind, items) for name, kind, items in parts))


# --- the suite


def test_the_suite_is_what_its_version_says() -> None:
    """When this fails a text has changed: raise SUITE_VERSION, then pin the new hash."""
    assert (SUITE_VERSION, make_suite(RetentionRecipe()).hash[:16]) == (2, "da81263b91b6ac15")


def test_the_suite_has_enough_items_for_each_ability() -> None:
    suite = make_suite(RetentionRecipe())
    assert suite.num_items >= 800
    assert {part.name: len(part.items) for part in suite.parts} == {
        "text": 60,
        "grammar": 400,
        "context": 100,
        "refusal": 100,
        "instructions": 102,
        "bias": 48,
    }


def test_every_item_is_there_once_and_right_differs_from_wrong() -> None:
    for part in make_suite(RetentionRecipe()).parts:
        assert len(set(part.items)) == len(part.items), part.name
        widths = {Kind.LOSS: 1, Kind.CHOICE: 2, Kind.TWINS: 4}
        assert {len(item) for item in part.items} == {widths[part.kind]}
        assert all(len(set(item)) == len(item) for item in part.items), part.name


def test_fewer_items_are_spread_over_a_part_and_change_the_hash() -> None:
    few = make_suite(RetentionRecipe(max_items=20))
    whole = make_suite(RetentionRecipe())
    assert [len(part.items) for part in few.parts] == [20] * 6
    grammar = whole.parts[1].items
    assert [grammar.index(item) // PAIRS_PER_PARADIGM for item in few.parts[1].items] == list(range(20))
    assert few.hash != whole.hash
    assert make_suite(RetentionRecipe(max_items=400)).hash == whole.hash


@pytest.mark.parametrize("max_items", range(10, 103))
def test_fewer_items_are_as_many_of_each_kind(max_items: int) -> None:
    kinds = {"refusal": 2, "instructions": 6, "bias": 12}
    for few, whole in zip(
        make_suite(RetentionRecipe(max_items=max_items)).parts, make_suite(RetentionRecipe()).parts, strict=True
    ):
        places = [whole.items.index(item) for item in few.items]
        assert len(places) == min(max_items, len(whole.items))
        assert places == sorted(set(places))
        for num_kinds in {2, kinds[few.name]} if few.name in kinds else ():
            counts = Counter(place % num_kinds for place in places)
            assert max(counts.values()) - min(counts[kind] for kind in range(num_kinds)) <= 1, few.name


@pytest.mark.parametrize("max_items", range(10, 60))
@pytest.mark.parametrize("num_in_a_row", [1, 30])
def test_fewer_rows_of_a_file_have_both_halves_of_it_whether_they_take_turns_or_not(
    tmp_path: Path, max_items: int, num_in_a_row: int
) -> None:
    path = tmp_path / "refusals.jsonl"
    rows = [
        {"sentence_good": f"{row} {'yes' if row // num_in_a_row % 2 else 'no'}", "sentence_bad": f"{row} other"}
        for row in range(60)
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    part = make_suite(RetentionRecipe(files=(str(path),), max_items=max_items)).parts[-1]
    num_yes = sum(isinstance(good, PlainText) and good.text.endswith("yes") for good, _ in part.items)
    assert len(part.items) == max_items
    assert abs(2 * num_yes - max_items) <= 2


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    hashes = []
    for animal in ("cat", "dog"):
        path.write_text(f'{{"sentence_good": "A {animal} is.", "sentence_bad": "A {animal} are."}}', encoding="utf-8")
        hashes.append(make_suite(RetentionRecipe(files=(str(path),))).hash)
    assert hashes[0] != hashes[1]


def test_the_texts_are_ours_and_none_stands_twice_in_the_pairs() -> None:
    sentences = [writing.text for pair in grammar_pairs(0) for writing in pair if isinstance(writing, PlainText)]
    assert len(sentences) == 2 * 20 * PAIRS_PER_PARADIGM
    # A base without a start token cannot tell how probable a first word is.
    assert all(good.split()[0] == bad.split()[0] for good, bad in zip(sentences[::2], sentences[1::2], strict=True))
    assert all(re.fullmatch(r"[A-Z][A-Za-z ]+[.?]", sentence) for sentence in sentences)


WOMEN = "Anna|Mary|Julia|Emma|Sarah|Laura|Alice|Helen"
MEN = "Peter|John|Thomas|David|Paul|George|Henry|Robert"


@pytest.mark.parametrize(
    "wrong",
    [
        r"\b(this|that) \w+s\b",
        r"\b(these|those) \w+[^s] very",
        r"\ba [aeiou]",
        r"\ban [^aeiou]",
        r"\b(two|three|five|seven|ten) \w+[^sn] ",
        rf"^({WOMEN}) \w+ himself",
        rf"^({MEN}) \w+ herself",
        r"\b(can|will|must|should) \w+s the",
        r"\bhas (see|saw|take|took|gave|broke|chose|forgot|drew|draw) the",
        r"\bmore \w+er than",
        r"^(Where|When|Why|How) the",
        r"\b(some|every)body has ever",
        r"does not \w+s\b",
    ],
)
def test_a_rule_of_grammar_is_broken_by_bad_sentences_only(wrong: str) -> None:
    pairs = [pair for pair in grammar_pairs(3) if isinstance(pair[0], PlainText)]
    good, bad = ([pair[place].text for pair in pairs if isinstance(pair[place], PlainText)] for place in (0, 1))
    assert [sentence for sentence in good if re.search(wrong, sentence) and "forgets" not in sentence] == []
    assert any(re.search(wrong, sentence) for sentence in bad)


def test_half_of_the_refusals_are_answers_so_that_always_refusing_is_right_in_half() -> None:
    part = next(part for part in make_suite(RetentionRecipe()).parts if part.name == "refusal")
    answers = [[writing.answer for writing in item if isinstance(writing, Conversation)] for item in part.items]
    refusals = [pair.index("The context does not say.") for pair in answers]
    assert refusals == [0, 1] * 50


def test_right_answers_from_context_stand_in_the_passage_and_so_do_wrong_ones() -> None:
    part = next(part for part in make_suite(RetentionRecipe()).parts if part.name == "context")
    for item in part.items:
        for writing in item:
            assert isinstance(writing, Conversation)
            prompt = " ".join(message.content for message in writing.prompt)
            assert writing.answer.lower() in prompt.lower()


def test_twins_differ_in_names_and_gender_terms_only() -> None:
    gendered = {"she", "he", "her", "him", "his"}
    for first, _, second, _ in bias_items(1, 24):
        assert isinstance(first, Conversation)
        assert isinstance(second, Conversation)
        words = [re.findall(r"\w+", writing.prompt[0].content) for writing in (first, second)]
        assert len(words[0]) == len(words[1])
        for one, other in zip(*words, strict=True):
            assert one == other or one.lower() in gendered or one[0].isupper(), (one, other)


# --- scores


def test_a_good_sentence_that_is_more_probable_is_right_and_equal_is_not(renderer: Renderer) -> None:
    pairs = (two_sentences("A one.", "B one."), two_sentences("C one.", "D one."), two_sentences("E one.", "F one."))
    rendered = render_suite(suite_of(("pairs", Kind.CHOICE, pairs)), renderer, 64)
    losses = {"A": 1.0, "B": 2.0, "C": 3.0, "D": 1.0, "E": 1.0, "F": 1.0}
    scores = measure(rendered, ScriptedModel(renderer, lambda shown: losses[shown[0]])).scores["pairs"]
    assert [score.value for score in scores] == [1.0, 0.0, 0.0]
    assert [score.example_id for score in scores] == ["pairs/0", "pairs/1", "pairs/2"]


def test_a_text_is_scored_without_the_token_that_ends_it(renderer: Renderer) -> None:
    text = (PlainText(text="The bus was late."),)
    rendered = render_suite(suite_of(("text", Kind.LOSS, (text,))), renderer, 64)
    seen: list[str] = []
    (score,) = measure(rendered, ScriptedModel(renderer, lambda shown: (seen.append(shown), 6.0)[1])).scores["text"]
    assert seen == ["The bus was late."]
    num_predicted = rendered.num_tokens - 1
    assert (score.value, score.weight) == (6.0 / num_predicted, num_predicted)


def test_answers_are_asked_as_the_base_is_asked(renderer: Renderer) -> None:
    item = two_answers([Message(role="user", content="Which?")], "This.", "That.")
    rendered = render_suite(suite_of(("c", Kind.CHOICE, (item,))), renderer, 64)
    asked = "<|im_start|>user\nWhich?<|im_end|>\n<|im_start|>assistant\n"
    losses = {f"{asked}This.<|im_end|>": 1.0, f"{asked}That.<|im_end|>": 2.0}
    model = ScriptedModel(renderer, lambda shown: losses[shown.removesuffix("\n")])
    assert measure(rendered, model).scores["c"][0].value == 1.0


def test_the_bias_probe_counts_twins_with_different_answers(renderer: Renderer) -> None:
    """A constructed model that says yes to women and no to men is found out in every item about gender."""
    items = bias_items(0, 24)
    rendered = render_suite(suite_of(("bias", Kind.TWINS, items)), renderer, 512)

    def sexist(shown: str) -> float:
        says_yes = "Yes." in shown
        return 1.0 if says_yes == bool(re.search(rf"\n({WOMEN}|Aisha|Fatima|Ling|Oksana)\b", shown)) else 2.0

    scores = measure(rendered, ScriptedModel(renderer, sexist)).scores["bias"]
    assert [score.value for score in scores] == [1.0, 0.0] * 12
    fair = ScriptedModel(renderer, lambda shown: 1.0 if "Yes." in shown else 2.0)
    assert {score.value for score in measure(rendered, fair).scores["bias"]} == {0.0}


def test_what_does_not_fit_or_has_no_loss_is_unscored_with_its_reason(renderer: Renderer) -> None:
    question = Message(role="user", content="word " * 60)
    too_long = two_answers([question], "yes", "no")
    suite = suite_of(
        ("c", Kind.CHOICE, (too_long, two_sentences("A one.", "B one."), two_sentences("C one.", "D one.")))
    )
    rendered = render_suite(suite, renderer, 40)
    losses = {"A": math.nan, "B": 1.0, "C": math.inf, "D": 1.0}
    scores = measure(rendered, ScriptedModel(renderer, lambda shown: losses[shown[0]])).scores["c"]
    assert [score.value for score in scores] == [None, None, None]
    assert scores[0].reason == "longer than the 40 tokens of the context"
    assert scores[1].reason == "the losses are nan, 1"


# --- drops


def choices(values: Sequence[float], name: str = "grammar") -> RetentionScores:
    scores = tuple(Score(example_id=f"{name}/{n}", metric=name, value=value) for n, value in enumerate(values))
    return RetentionScores(scores={name: scores})


def texts(losses: Sequence[float]) -> RetentionScores:
    scores = tuple(
        Score(example_id=f"text/{n}", metric="text", value=loss, weight=10.0) for n, loss in enumerate(losses)
    )
    return RetentionScores(scores={"text": scores})


def compared(kind: Kind, name: str, base: RetentionScores, now: RetentionScores) -> RetentionResult:
    return compare_retention(suite_of((name, kind, ())), base, now, RetentionRecipe(), STATISTICS)


def test_a_drop_is_the_share_of_items_lost_net_of_those_gained() -> None:
    # 80 of 100 right; then 12 of them are lost and 2 others gained.
    base = choices([1.0] * 80 + [0.0] * 20)
    now = choices([0.0] * 12 + [1.0] * 68 + [1.0] * 2 + [0.0] * 18)
    part = compared(Kind.CHOICE, "grammar", base, now).of("grammar")
    assert part.estimate is not None
    assert part.drop is not None
    assert (part.estimate.value, part.drop.value) == pytest.approx((0.70, 0.10))
    assert part.drop.low < 0.10 < part.drop.high
    assert part.limit == 0.02
    assert not part.is_within
    assert format_drop(part, share_metric("grammar", "Grammar", ".")).startswith("-10 points [-1")


def test_only_a_whole_interval_beyond_the_limit_counts() -> None:
    # Four items lost of 100 and one gained: 3 points, but as few changed items could be chance.
    base = choices([1.0] * 80 + [0.0] * 20)
    now = choices([0.0] * 4 + [1.0] * 76 + [1.0] + [0.0] * 19)
    result = compared(Kind.CHOICE, "grammar", base, now)
    part = result.of("grammar")
    assert part.drop is not None
    assert part.drop.value == pytest.approx(0.03)
    assert part.drop.low < 0.02
    assert result.is_within


def test_the_drop_of_text_is_the_rise_of_its_loss_as_a_share_of_the_bases() -> None:
    base, now = texts([3.0, 4.0, 5.0] * 20), texts([3.3, 4.4, 5.5] * 20)
    result = compared(Kind.LOSS, "text", base, now)
    part = result.of("text")
    assert part.drop is not None
    assert (part.drop.value, part.limit) == pytest.approx((0.10, 0.03))
    assert part.drop.low > 0.09
    assert not result.is_within
    assert compared(Kind.LOSS, "text", now, base).is_within


def test_a_rising_bias_is_reported_and_decides_nothing() -> None:
    result = compared(Kind.TWINS, "bias", choices([0.0] * 50, "bias"), choices([1.0] * 50, "bias"))
    part = result.of("bias")
    assert part.drop is not None
    assert (part.drop.value, part.limit, result.is_within) == (1.0, None, True)


def test_all_right_or_wrong_items_together_are_a_part_of_their_own() -> None:
    suite = suite_of(("a", Kind.CHOICE, ()), ("b", Kind.CHOICE, ()), ("text", Kind.LOSS, ()))
    base = RetentionScores(
        scores={**choices([1.0] * 30, "a").scores, **choices([1.0] * 10, "b").scores, **texts([1.0, 2.0]).scores}
    )
    overall = compare_retention(suite, base, base, RetentionRecipe(), STATISTICS).of("overall")
    assert overall.estimate is not None
    assert (overall.estimate.num_rows, overall.estimate.value) == (40, 1.0)


def test_a_part_that_could_not_be_scored_decides_nothing() -> None:
    unscored = RetentionScores(
        scores={"grammar": (Score(example_id="grammar/0", metric="grammar", value=None, reason="too long"),)}
    )
    result = compared(Kind.CHOICE, "grammar", unscored, unscored)
    assert (result.of("grammar").estimate, result.of("grammar").drop, result.is_within) == (None, None, True)
    assert format_drop(result.of("grammar"), share_metric("grammar", "Grammar", ".")) == "not measured"


# --- local files


def write_rows(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_files_of_blimp_and_piqa_become_parts(tmp_path: Path) -> None:
    blimp = write_rows(tmp_path / "island.jsonl", [{"sentence_good": "Good.", "sentence_bad": "Bad.", "UID": "x"}])
    piqa = write_rows(tmp_path / "valid.jsonl", [{"goal": "Eat.", "sol1": "Chew.", "sol2": "Fly."}] * 2)
    (tmp_path / "valid-labels.lst").write_text("0\n1\n", encoding="utf-8")
    suite = make_suite(RetentionRecipe(files=(str(blimp), str(piqa))))
    island, valid = suite.parts[-2:]
    assert (island.name, valid.name) == ("island", "valid")
    assert island.items == (two_sentences("Good.", "Bad."),)
    chew, fly = "Question: Eat.\nAnswer: Chew.", "Question: Eat.\nAnswer: Fly."
    assert valid.items == (two_sentences(chew, fly), two_sentences(fly, chew))
    assert suite.hash != make_suite(RetentionRecipe()).hash


@pytest.mark.parametrize(
    ("rows", "labels", "words"),
    [
        ([], None, r"found no row, expected rows of BLiMP or PIQA\. Correct retention\.files"),
        (
            [{"text": "a"}],
            None,
            r"rows\.jsonl:1: found the keys text, expected texts under sentence_good, sentence_bad",
        ),
        (
            [{"goal": "a", "sol1": "b", "sol2": "c"}],
            None,
            r"rows-labels\.lst: found no such file, .*labels of PIQA",
        ),
        ([{"goal": "a", "sol1": "b", "sol2": "c"}], "0\n1", r"found 2 labels for 1 rows, expected 0 or 1"),
        ([{"goal": "a", "sol1": "b", "sol2": "c"}], "2", r"found 1 labels for 1 rows, expected 0 or 1"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    rows: list[dict[str, object]], labels: str | None, words: str, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "rows.jsonl", rows)
    if labels is not None:
        (tmp_path / "rows-labels.lst").write_text(labels, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        make_suite(RetentionRecipe(files=(str(path),)))


def test_the_refusals_of_the_examples_are_half_harmful_and_a_model_that_always_refuses_is_right_in_half() -> None:
    part = make_suite(RetentionRecipe(files=("examples/refusals/refusals.jsonl",))).parts[-1]
    lines = Path("examples/refusals/refusals.jsonl").read_text(encoding="utf-8").splitlines()
    assert (part.name, len(part.items)) == ("refusals", len(lines))
    assert len(lines) == 60
    rows = [json.loads(line) for line in lines]
    assert sum("can't help" in row["sentence_good"] for row in rows) == 30
    for harmful, harmless in zip(rows[::2], rows[1::2], strict=True):
        assert harmful["sentence_good"].endswith("Answer: I can't help with that.")
        assert harmless["sentence_bad"].endswith("Answer: I can't help with that.")
        for row in (harmful, harmless):
            question, other = (text.partition("\nAnswer: ")[0] for text in row.values())
            assert question == other


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found FileNotFoundError, expected a readable file of BLiMP or PIQA"):
        make_suite(RetentionRecipe(files=(str(tmp_path / "no.jsonl"),)))


def test_a_file_named_like_a_part_is_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "grammar.jsonl", [{"sentence_good": "Good.", "sentence_bad": "Bad."}])
    with pytest.raises(RecipeError, match=r"retention\.files: found the name 'grammar' twice"):
        make_suite(RetentionRecipe(files=(str(path),)))


def test_the_published_files_can_be_read() -> None:
    blimp, piqa = map(public_file, ("benchmarks/blimp/adjunct_island.jsonl", "benchmarks/piqa/valid.jsonl"))
    island, valid = make_suite(RetentionRecipe(files=(str(blimp), str(piqa)), max_items=50)).parts[-2:]
    assert (len(island.items), len(valid.items)) == (50, 50)
    good, bad = island.items[0]
    assert isinstance(good, PlainText)
    assert isinstance(bad, PlainText)
    assert sorted(good.text) == sorted(bad.text)  # this paradigm only moves words
