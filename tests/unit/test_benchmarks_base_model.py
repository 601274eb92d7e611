"""Measuring base models: text against the network's own log-probabilities, figures of known answers, the section."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import base_model
import numpy as np
import pytest
import skill_parts
import torch
import word_kinds
from base_model_figures import Comparison, Figure, MeasuredModel, render_section
from base_model_skills import ask, held_out_items, measure_skills, skill_figures, with_room
from base_model_text import (
    MinimalPair,
    TextRenderer,
    for_text,
    measure_bits_per_byte,
    measure_blimp,
    read_blimp,
)
from chat_bases import STYLES, write_base
from loss_curve import describe, fit_loss_curve
from public_files import public_file
from telling_apart import FORMS, share_right
from tiny_base import write_tiny_base

from tunewright.contracts import Advance, SilentProgress
from tunewright.data.skills import ANSWER_ABSENT, Part, SkillItem, few_shot_labels, make_item
from tunewright.data.skills.item import Draw
from tunewright.data.skills.words import BAD, CATEGORIES, GOOD
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import load_base
from tunewright.records import Answer, BaseModelRef, Environment, Estimate, Example, Message, PlainText, TokenLoss
from tunewright.render import load_renderer

PROGRESS = SilentProgress()


@dataclass(frozen=True)
class Text:
    folder: str
    text: str


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


@pytest.fixture(scope="module")
def model(base: Path) -> LanguageModel:
    return LanguageModel(load_base(base), load_renderer(base).fitted(128, 1), "float32")


def value_of(figures: Sequence[Figure], name: str) -> float | None:
    (figure,) = [figure for figure in figures if figure.name == name]
    return figure.estimate.value if figure.estimate else None


def estimate_of(figures: Sequence[Figure], name: str) -> Estimate:
    (figure,) = [figure for figure in figures if figure.name == name]
    assert figure.estimate
    return figure.estimate


# Text


def reference_nats(model: LanguageModel, token_ids: list[int], window: int) -> float:
    """Minus the sum of log p of every token but the first, in windows that overlap by one token."""
    starts = range(0, len(token_ids) - 1, window - 1)
    total = 0.0
    for part in (token_ids[start : start + window] for start in starts):
        with torch.no_grad():
            log_p = model.network(torch.tensor([part])).logits[0].log_softmax(-1)
        total -= sum(log_p[t, token].item() for t, token in enumerate(part[1:]))
    return total


@pytest.mark.parametrize("text", ["What is the capital of France?", "Please answer the question: où est Paris? " * 9])
def test_bits_per_byte_are_the_networks_own_log_probabilities_over_the_predicted_bytes(
    model: LanguageModel, base: Path, text: str
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    token_ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    num_bytes = len(text.encode()) - len(tokenizer.decode(token_ids[:1]).encode())
    expected = reference_nats(model, token_ids, window=128) / math.log(2) / num_bytes
    documents = [Text("books", text), Text("books", text), Text("news", text)]
    figures = measure_bits_per_byte(for_text(model), documents, PROGRESS)
    assert value_of(figures, "bits_per_byte") == pytest.approx(expected, rel=1e-5)
    assert value_of(figures, "bits_per_byte/books") == pytest.approx(expected, rel=1e-5)
    assert value_of(figures, "bits_per_byte/news") is None  # one document has no interval


def test_long_documents_are_read_from_their_start_only(model: LanguageModel) -> None:
    start, reader = "The capital of France is Paris. " * 200, for_text(model)
    documents = [[Text("books", start + more)] * 2 for more in ("", "zzz" * 999)]
    short, long = (measure_bits_per_byte(reader, found, PROGRESS) for found in documents)
    assert short == long


def test_a_document_that_the_base_cannot_read_is_unscored(model: LanguageModel) -> None:
    texts = ["What is it?", "It is a name.", "an <|im_end|> in the text", "?"]
    documents = [Text("books", text) for text in texts]
    found = estimate_of(measure_bits_per_byte(for_text(model), documents, PROGRESS), "bits_per_byte")
    assert (found.num_rows, found.num_unscored) == (2, 2)


def test_only_a_base_without_start_token_leaves_the_start_of_a_text_unpredicted(tmp_path: Path) -> None:
    folders = {
        "": write_base(tmp_path / "starts", STYLES["llama3"], adds_bos=True),
        "What": write_base(tmp_path / "plain", STYLES["chatml"]),
    }
    for unpredicted, folder in folders.items():
        plain = load_renderer(folder).fitted(64, 1)
        renderer = for_text(LanguageModel(None, plain, "float32")).renderer  # type: ignore[arg-type]  # reads no weight
        assert isinstance(renderer, TextRenderer)
        assert renderer.unpredicted("What is it?") == unpredicted
        example = Example.model_validate(
            {"body": PlainText(text="What is it?"), "provenance": {"source": "text", "row": 1}}
        )
        assert renderer.render(example)[0].token_ids == plain.render(example)[0].token_ids[:-1]


# BLiMP


@dataclass(frozen=True)
class KnownLosses:
    """A ScoringModel whose nats are given; a text is the reason why a sentence has none."""

    nats: dict[str, float | str]

    def token_losses(self, examples: Sequence[Example], advance: Advance) -> list[TokenLoss | str]:
        del advance
        bodies = [example.body for example in examples]
        found = [self.nats[body.text] for body in bodies if isinstance(body, PlainText)]
        return [nats if isinstance(nats, str) else TokenLoss(sum_nats=nats, num_tokens=9) for nats in found]


def pair(good: str, bad: str, paradigm: str = "p", field: str = "syntax", phenomenon: str = "binding") -> MinimalPair:
    return MinimalPair(paradigm, field, phenomenon, good, bad)


def test_a_pair_is_right_when_the_good_sentence_has_the_larger_summed_log_probability() -> None:
    losses = KnownLosses({"The cat sleeps.": 20.0, "The cat sleep.": 20.5, "They run away.": 9.0, "They runs.": 8.0})
    pairs = [
        pair("The cat sleeps.", "The cat sleep.", "agreement"),
        pair("They run away.", "They runs.", "other", "semantics"),
    ]
    figures = measure_blimp(losses, pairs, PROGRESS)
    assert value_of(figures, "blimp") == 0.5
    assert [figure.name for figure in figures[1:]] == [
        "blimp/field/semantics",
        "blimp/field/syntax",
        "blimp/phenomenon/binding",
    ]


def test_equal_probabilities_are_not_right_and_a_missing_one_is_unscored() -> None:
    losses = KnownLosses({"a": 1.0, "b": 1.0, "c": "the loss is nan", "d": 1.0, "e": 1.0, "f": 2.0})
    found = estimate_of(measure_blimp(losses, [pair("a", "b"), pair("c", "d"), pair("e", "f")], PROGRESS), "blimp")
    assert (found.value, found.num_rows, found.num_unscored) == (0.5, 2, 1)


def test_pairs_are_resampled_within_their_paradigm_and_every_paradigm_weighs_the_same() -> None:
    losses = KnownLosses({"good": 1.0, "bad": 2.0})
    pairs = [pair("good", "bad", "easy")] * 40 + [pair("bad", "good", "hard")] * 20
    found = estimate_of(measure_blimp(losses, pairs, PROGRESS), "blimp")
    # No paradigm varies within itself, and the paradigms are not a sample.
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    mixed = [pair("good", "bad", "even")] * 50 + [pair("bad", "good", "even")] * 50
    found = estimate_of(measure_blimp(losses, mixed, PROGRESS), "blimp")
    assert found.high - found.low == pytest.approx(2 * 1.96 * math.sqrt(0.25 / 100), rel=0.1)


def test_the_first_pairs_of_every_paradigm_are_read_and_fields_have_one_spelling(tmp_path: Path) -> None:
    row = {"sentence_bad": "bad", "linguistics_term": "binding", "UID": "p", "field": "syntax/semantics"}
    rows = [json.dumps({**row, "sentence_good": f"good {number}"}) for number in range(3)]
    (tmp_path / "p.jsonl").write_text("\n".join(rows), encoding="utf-8")
    expected = [pair(f"good {number}", "bad", "p", "syntax_semantics") for number in range(2)]
    assert read_blimp(tmp_path, 2) == expected


def test_a_folder_without_paradigms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no paradigm of BLiMP"):
        read_blimp(tmp_path, 10)


def test_the_real_blimp_has_67_paradigms_in_4_fields() -> None:
    pairs = read_blimp(public_file("benchmarks/blimp"), 2)
    assert (len(pairs), len({pair.paradigm for pair in pairs}), len({pair.field for pair in pairs})) == (134, 67, 4)


# Skills


def item(answer: str, skill: str = "copying", variant: str = "text", question: str = "What?") -> SkillItem:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return SkillItem(skill=skill, messages=messages, variant=variant)


def said(*texts: str | None) -> list[Answer]:
    failed = Answer(text=None, finish="failed", reason="too long")
    return [failed if text is None else Answer(text=text, finish="stop") for text in texts]


def test_precision_and_recall_of_does_not_say_follow_their_definitions() -> None:
    items = [item(ANSWER_ABSENT, "context_answer")] * 4 + [item("tan", "context_answer")] * 5
    answers = said(*[ANSWER_ABSENT] * 3, "tan", ANSWER_ABSENT, "tan", " tan\n", "blue", None)
    figures = skill_figures(items, answers)
    assert value_of(figures, "absent_recall") == 0.75
    assert value_of(figures, "absent_precision") == 0.75
    answerable = estimate_of(figures, "context_answer")
    assert (answerable.value, answerable.num_rows, answerable.num_unscored) == (0.5, 4, 1)


def test_a_model_that_never_says_it_is_absent_has_no_precision() -> None:
    items = [item(ANSWER_ABSENT, "context_answer"), item("tan", "context_answer")] * 3
    figures = skill_figures(items, said(*["tan"] * 6))
    assert value_of(figures, "absent_precision") is None
    assert value_of(figures, "absent_recall") == 0.0


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [
        ('{"size": 3, "name": "Ploo"}', True),
        ('{"name":"Ploo","size":3}', True),
        ('{"name": "Ploo", "size": 3, "colour": null}', False),
        ('{"name": "Ploo"}', False),
        ('{"name": "Ploo", "size": "3"}', False),
        ('{"name": "Ploo", "size": 3', False),
        ('"name"', False),
    ],
)
def test_extracted_json_is_right_when_its_values_are_equal(answer: str, is_right: bool) -> None:
    items = [item('{"name": "Ploo", "size": 3}', "json_extraction")] * 2
    assert value_of(skill_figures(items, said(answer, answer)), "json_extraction") == is_right


def test_few_shot_labels_are_counted_by_number_of_examples_in_its_order() -> None:
    kinds = ["16_examples", "2_examples", "1_example"]
    items = [item("Z", "few_shot_labels", kind) for kind in kinds for _ in range(2)]
    figures = skill_figures(items, said("Z", "Z", "Z", "no", "no", "no"))
    assert [(figure.name, value_of(figures, figure.name)) for figure in figures] == [
        ("few_shot_labels", 0.5),
        ("few_shot_labels/1_example", 0.0),
        ("few_shot_labels/2_examples", 0.5),
        ("few_shot_labels/16_examples", 1.0),
    ]


class Echo:
    """A ChatModel that answers with the last message."""

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        advance(len(prompts))
        return said(*[prompt[-1].content for prompt in prompts])


def test_a_model_is_given_everything_but_the_wanted_answer() -> None:
    assert ask(Echo(), [item("tan", question="Which colour?")], PROGRESS) == said("Which colour?")


def test_held_out_items_are_the_same_each_time_and_half_of_the_contexts_do_not_say() -> None:
    items = held_out_items("context_answer", 5)
    assert items == held_out_items("context_answer", 5)
    assert [item.messages[-1].content == ANSWER_ABSENT for item in items] == [False] * 5 + [True] * 5
    assert len(held_out_items("copying", 5)) == 5


def test_few_shot_labels_have_as_many_held_out_items_of_each_number_of_examples() -> None:
    variants = Counter(item.variant for item in held_out_items("few_shot_labels", 5))
    assert variants == {"1_example": 5, "2_examples": 5, "4_examples": 5, "8_examples": 5, "16_examples": 5}


def test_labels_are_asked_for_with_words_of_training_and_with_others_and_names_are_held_out_in_both() -> None:
    words = {part: {word for bank in (*CATEGORIES, GOOD, BAD) for word in bank.of(part)} for part in skill_parts.PARTS}

    def sorted_by(skill: str) -> set[str]:
        texts = [message.content for item in held_out_items(skill, 20) for message in item.messages[:-1]]
        return set(re.findall("[a-z]+", " ".join(texts).lower()))

    known, strict = sorted_by("few_shot_labels_known_words"), sorted_by("few_shot_labels")
    assert len(known & words["train"]) > 50
    assert len(strict & words["held_out"]) > 50
    assert len(strict & words["train"]) < 5
    variants = Counter(item.variant for item in held_out_items("few_shot_labels_known_words", 5))
    assert set(variants.values()) == {5}


def test_there_is_room_for_the_longest_wanted_answer_but_never_more_than_half_of_the_context(
    model: LanguageModel, base: Path
) -> None:
    from transformers import AutoTokenizer

    answers = ["Paris", "The capital of France is Paris, and it is a big city."]
    num_tokens = max(len(AutoTokenizer.from_pretrained(base)(answer)["input_ids"]) for answer in answers) + 1
    room = with_room(model, [item(answer) for answer in answers]).renderer.max_answer_tokens
    assert room == math.ceil(1.25 * num_tokens) < 64
    assert with_room(model, [item("Paris " * 300)]).renderer.max_answer_tokens == 64


def test_every_skill_is_measured_and_prompts_that_do_not_fit_are_counted(model: LanguageModel) -> None:
    figures, notes = measure_skills(model, 2, PROGRESS)
    names = [figure.name for figure in figures if "/" not in figure.name]
    assert names[:6] == [
        "context_answer", "absent_precision", "absent_recall", "few_shot_labels_known_words", "few_shot_labels",
        "json_extraction",
    ]  # fmt: skip
    assert {"arithmetic", "comparing", "format_following", "multi_turn", "ordering", "rewriting"} < set(names)
    assert [note.partition(" did not fit ")[2] for note in notes] == [
        "its 128 tokens: they lost their middle, or are unscored"
    ]


# The file and the section


def test_the_command_writes_the_file_and_its_section(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = [Text("books", "What is it? It is Paris.")] * 2
    monkeypatch.setattr(base_model, "held_out_documents", lambda: documents)
    row = {"UID": "p", "field": "syntax", "linguistics_term": "binding"}
    pairs = [json.dumps({**row, "sentence_good": "It is.", "sentence_bad": "It are."})] * 2
    (tmp_path / "p.jsonl").write_text("\n".join(pairs), encoding="utf-8")
    results = tmp_path / "base-model.json"
    options = {"--models": base, "--items": 2, "--blimp-pairs": 2, "--blimp": tmp_path, "--results": results}
    base_model.main([str(word) for option in options.items() for word in option])
    comparison = Comparison.model_validate_json(results.read_bytes())
    section = render_section(comparison)
    assert section == results.with_suffix(".md").read_text(encoding="utf-8")
    assert section in capsys.readouterr().out
    assert comparison.models[0].base.name == str(base)
    assert {figure.name for figure in comparison.models[0].figures} >= {"bits_per_byte", "blimp", "copying"}

    # What was measured stays when asked for.
    monkeypatch.setattr(base_model, "measure", None)
    arguments = [str(word) for option in options.items() for word in option]
    base_model.main([*arguments, "--keep", str(base)])
    assert Comparison.model_validate_json(results.read_bytes()).models == comparison.models
    with pytest.raises(SystemExit, match=r"base-model\.json: no figures of other; it has .*base"):
        base_model.main([*arguments, "--keep", "other"])


def measured(name: str, *figures: Figure, notes: tuple[str, ...] = ()) -> MeasuredModel:
    ref = BaseModelRef(name=name, origin="folder", revision="sha256:0", sha256="0")
    return MeasuredModel(base=ref, num_parameters=9, precision="float32", seconds=61.2, notes=notes, figures=figures)


def figure(name: str, value: float, num_rows: int, num_unscored: int = 0) -> Figure:
    found = Estimate(value=value, low=value - 0.03, high=value + 0.03, num_rows=num_rows, num_unscored=num_unscored)
    kind = "bits per byte" if name.startswith("bits") else "share"
    return Figure.model_validate({"name": name, "title": name.capitalize(), "kind": kind, "estimate": found})


def test_a_skill_that_is_measured_again_has_its_figures_where_the_old_ones_stood(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def again(_: LanguageModel, __: int, ___: object, skills: tuple[str, ...]) -> tuple[list[Figure], list[str]]:
        asked.append(skills)
        return [figure("new", 0.7, 9), figure("copying", 0.8, 9), figure("copying/words", 0.9, 9)], []

    monkeypatch.setattr(base_model, "measure_skills", again)
    before = measured(
        str(base), figure("blimp", 0.6, 10), figure("copying", 0.1, 8), figure("copying/words", 0.2, 8),
        figure("copying/lists", 0.3, 8), figure("ordering", 0.4, 8),
    )  # fmt: skip
    after = base_model.measure_again(before, ("new", "copying"), 9, PROGRESS)
    assert asked == [("new", "copying")]
    assert [one.name for one in after.figures] == ["blimp", "new", "copying", "copying/words", "ordering"]
    assert after.figures[2] == figure("copying", 0.8, 9)


def test_the_section_shows_models_side_by_side_with_n_interval_and_goal() -> None:
    nothing = Figure(name="absent_precision", title="Absent_precision", kind="share", estimate=None)
    never = Figure(name="json_extraction/9_keys", title="9 keys", kind="share", estimate=None)
    few_shot = figure("few_shot_labels/2_examples", 0.5, 60)
    first = measured(
        "bundled", figure("bits_per_byte", 1.234, 30), figure("blimp", 0.67, 6_700), figure("copying", 0.9, 298, 2),
        figure("absent_precision", 0.8, 41), few_shot, figure("blimp/phenomenon/binding", 0.6, 700),
    )  # fmt: skip
    second = measured("../models/other", figure("blimp", 0.55, 6_700), nothing, never, notes=("no chat template",))
    environment = Environment(
        tunewright="1", code_revision=None, python="3.11", packages={"torch": "2.13"}, platform="Linux",
        processor="a processor", num_threads=1, memory_bytes=1, accelerator=None,
    )  # fmt: skip
    lines = render_section(
        Comparison(
            measured_on="2026-11-20", environment=environment, num_items=300, num_blimp_pairs=100, num_documents=30,
            models=(first, second),
        )
    ).splitlines()  # fmt: skip
    assert lines[0].startswith("Measured by `python benchmarks/base_model.py` on a processor (1 threads, torch 2.13,")
    for line in (
        "| measure | n | bundled | other | goal |",
        "| Bits_per_byte | 30 / 0 | 1.234 [1.204, 1.264] | too few items |  |",
        "| Blimp | 6,700 | 67.0 % [64.0, 70.0] | 55.0 % [52.0, 58.0] | 66 % |",
        "| Copying | 298 / 0 | 90.0 % [87.0, 93.0] (2 unscored) | too few items |  |",
        "| Absent_precision | 41 / 0 | 80.0 % [77.0, 83.0] | too few items |  |",
        "- other: no chat template",
        "| measure | n | bundled | other |",
        "| Few_shot_labels/2_examples | 60 / 0 | 50.0 % [47.0, 53.0] | too few items |",
    ):
        assert line in lines
    assert not any("phenomenon" in line or "9 keys" in line for line in lines)


# The loss curve

TOKENS = np.linspace(1e6, 20e6, 20)


def power_law(floor: float, scale: float, exponent: float, tokens: np.ndarray) -> np.ndarray:
    return floor + scale * (tokens / 20e6) ** -exponent


@pytest.mark.parametrize(("floor", "scale", "exponent"), [(2.0, 1.2, 0.4), (0.0, 3.0, 0.1), (1.0, 2.0, 1.5)])
def test_a_power_law_without_noise_is_found_and_led_on(floor: float, scale: float, exponent: float) -> None:
    curve = fit_loss_curve(list(zip(TOKENS, power_law(floor, scale, exponent, TOKENS), strict=True)))
    assert (curve.floor, curve.scale, curve.exponent) == pytest.approx((floor, scale, exponent), abs=1e-3)
    for tokens in (20e6, 40e6, 200e6):
        expected = float(power_law(floor, scale, exponent, np.array(tokens)))
        assert curve.predict(tokens).value == pytest.approx(expected, abs=1e-3)


def test_with_noise_the_interval_holds_the_truth_and_grows_with_the_distance() -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, len(TOKENS))
    curve = fit_loss_curve(list(zip(TOKENS, power_law(2.0, 1.2, 0.4, TOKENS) + noise, strict=True)))
    widths = []
    for factor in (1, 2, 10):
        found = curve.predict(factor * 20e6)
        assert found.low <= power_law(2.0, 1.2, 0.4, np.array(factor * 20e6)) <= found.high
        widths.append(found.high - found.low)
    assert all(near < far for near, far in pairwise(widths))


def test_a_loss_that_does_not_fall_leads_on_flat() -> None:
    curve = fit_loss_curve([(tokens, 3.0) for tokens in TOKENS])
    assert curve.predict(200e6).value == pytest.approx(3.0, abs=1e-3)


def test_the_outlook_is_one_sentence_per_fact_with_intervals() -> None:
    curve = fit_loss_curve(list(zip(TOKENS, power_law(2.0, 1.0, 1.0, TOKENS), strict=True)))
    assert describe(curve) == (
        "A power law through 20 validation losses (floor 2.00, exponent 1.00) is at 3.00 nats per token after 20M "
        "tokens. Going on in the same way would reach 2.50 [2.50, 2.50] with twice the tokens and 2.10 [2.10, 2.10] "
        "with ten times as many (95 % intervals of the fit alone)."
    )


def test_too_few_points_are_refused() -> None:
    with pytest.raises(ValueError, match="found 5 points of a loss curve, expected at least 6"):
        fit_loss_curve([(number, 3.0) for number in range(1, 6)])


@pytest.mark.parametrize("tokens", [[0, 1, 2, 3, 4, 5], [1, 2, 2, 3, 4, 5]])
def test_points_out_of_order_are_refused(tokens: list[int]) -> None:
    with pytest.raises(ValueError, match="to be positive and rising"):
        fit_loss_curve([(number, 3.0) for number in tokens])


class Reader:
    """Answers with the word of the statement at this place: of the subject that is asked about, or of the first."""

    def __init__(self, *, reads_the_question: bool) -> None:
        self.reads_the_question = reads_the_question

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        return [Answer(text=self._value(prompt[0].content), finish="stop") for prompt in prompts]

    def _value(self, text: str) -> str:
        statements, question = text.split("\n\n")
        names = [re.findall("[A-Z][a-z]+", line) for line in statements.splitlines()]
        asked = [pair for pair in names if set(pair) & set(re.findall("[A-Z][a-z]+", question))]
        subject, value = asked[0] if self.reads_the_question else names[0]
        return subject if " is the pet of " in statements else value


@pytest.mark.parametrize("form", FORMS)
def test_who_reads_the_question_tells_subjects_apart_and_who_does_not_is_right_by_chance(form: str) -> None:
    assert share_right(Reader(reads_the_question=True), form, num_subjects=4, num_items=100) == 1.0
    assert 0.15 < share_right(Reader(reads_the_question=False), form, num_subjects=4, num_items=100) < 0.35


# Where a base fails


@pytest.mark.parametrize("part", skill_parts.PARTS)
def test_a_label_is_counted_by_what_decided_it(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    for rule in ("_by_category", "_by_opinion", "_by_person", "_by_pattern", "_by_shape"):
        real = getattr(few_shot_labels, rule)

        def noted(draw: Draw, num_labels: int, real: Callable[..., list[Any]] = real) -> list[Any]:
            drawn.append(real.__name__)
            return real(draw, num_labels)

        for rules in ("_TWO_LABEL_RULES", "_MANY_LABEL_RULES"):
            exchanged = tuple(noted if one is real else one for one in getattr(few_shot_labels, rules))
            monkeypatch.setattr(few_shot_labels, rules, exchanged)
    items = [make_item("few_shot_labels", 5, index, part) for index in range(400)]
    names = {"_by_category": "label by the kind of a word", "_by_opinion": "label by praise or blame"}
    wanted = [names.get(rule, "label by a name or a form") for rule in drawn]
    assert len(wanted) == len(items)
    assert Counter(wanted).keys() == {*names.values(), "label by a name or a form"}
    same = [skill_parts.kind_of(item) == kind for item, kind in zip(items, wanted, strict=True)]
    assert sum(same) >= 0.97 * len(same)


def test_right_answers_are_counted_for_each_kind_and_part(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(_: LanguageModel, items: Sequence[SkillItem], *__: object) -> list[Answer]:
        """Right where the context has the answer, and wrong elsewhere."""
        answers = [item.messages[-1].content if item.variant == "answer_in_context" else "Paris" for item in items]
        return [Answer(text=answer, finish="stop") for answer in answers]

    monkeypatch.setattr(skill_parts, "ask", told)
    found = {kind: shares for kind, *shares in skill_parts.rows_of(model, 60, seed=3)}
    assert found.keys() == {
        "answer in context", "answer absent",
        "label by the kind of a word", "label by praise or blame", "label by a name or a form",
    }  # fmt: skip
    for kind, shares in found.items():
        right = "100 %" if kind == "answer in context" else "0 %"
        assert [share.startswith(f"{right} of ") for share in shares] == [True, True]


@pytest.mark.parametrize("part", word_kinds.PARTS)
def test_words_whose_vectors_tell_the_kind_are_sorted_right_and_others_by_chance(part: Part) -> None:
    of_kind = {
        word: np.eye(len(CATEGORIES))[number] for number, bank in enumerate(CATEGORIES) for word in bank.of(part)
    }
    assert word_kinds.share_right(of_kind, part, 300) == 1.0
    chance = np.random.default_rng(1)
    of_nothing = {word: chance.normal(size=64) for word in of_kind}
    assert 0.15 < word_kinds.share_right(of_nothing, part, 300) < 0.35


def test_hidden_states_are_of_every_layer_and_of_length_one(base: Path) -> None:
    layers = word_kinds.hidden_states(str(base), ["cat", "hammer", "rain"])
    assert len(layers) == json.loads((base / "config.json").read_text())["num_hidden_layers"] + 1
    for vectors in layers:
        assert list(vectors) == ["cat", "hammer", "rain"]
        np.testing.assert_allclose([np.linalg.norm(vector) for vector in vectors.values()], 1.0, rtol=1e-5)
