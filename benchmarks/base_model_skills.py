"""What a base can do with what stands in its prompt: held-out items of tunewright.data.skills, answered greedily."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice

from base_model_figures import Figure
from base_model_text import NUM_RESAMPLES, SEED, grouped

from tunewright.contracts import ChatModel, Progress
from tunewright.data.skills import ANSWER_ABSENT, SKILLS, SkillItem, make_item
from tunewright.evaluate.json_answers import is_json
from tunewright.evaluate.scorers import SCORERS, exact_match, json_fields
from tunewright.evaluate.statistics import estimate
from tunewright.model.language_model import LanguageModel
from tunewright.records import Answer, Conversation, Example, Message, Provenance, Score

ITEM_SEED = 7919
"""Of the stream of items; training and its validation use others."""
SPARE_ROOM = 1.25
"""Room for an answer, in longest wanted answers: JSON may have more white space than the wanted one."""
NUM_LOOKED_AT = 100
"""Items of a skill in which each of its kinds appears."""
CONTEXT_ANSWER, FEW_SHOT_LABELS, JSON_EXTRACTION = "context_answer", "few_shot_labels", "json_extraction"
LABELS_OF_KNOWN_WORDS = "few_shot_labels_known_words"
"""Names and phrasings are held out, and the words that texts are sorted by are those of training: whether examples are
used, apart from how many words the base knows."""
TITLES = {
    CONTEXT_ANSWER: "Context answers",
    LABELS_OF_KNOWN_WORDS: "Few-shot labels",
    FEW_SHOT_LABELS: "Few-shot labels, by words never sorted before",
    JSON_EXTRACTION: "JSON extraction",
    "copying": "Copying",
}
"""The skills that lead the table."""


ALL_SKILLS = tuple(dict.fromkeys((*TITLES, *SKILLS)))


def measure_skills(
    model: LanguageModel, num_items: int, progress: Progress, skills: Sequence[str] = ALL_SKILLS
) -> tuple[list[Figure], list[str]]:
    """Answer the held-out items of skills.

    Returns:
        The figures of each skill followed by those of its kinds, and what a reader of them should know.
    """
    figures, num_asked, num_unfit = [], 0, 0
    for skill in skills:
        items = held_out_items(skill, num_items)
        fitted = with_room(model, items)
        figures += skill_figures(items, ask(fitted, items, progress))
        num_asked += len(items)
        num_unfit += sum(not fitted.fits(item.messages[:-1]) for item in items)
    limit = f"its {model.renderer.max_length:,} tokens"
    note = f"{num_unfit:,} of {num_asked:,} prompts did not fit {limit}: they lost their middle, or are unscored"
    return figures, [note] if num_unfit else []


def held_out_items(skill: str, num_items: int) -> list[SkillItem]:
    """The first held-out items of a skill or, where its kinds are figures that were asked for, of each kind."""

    def stream() -> Iterator[SkillItem]:
        return (_held_out_item(skill, index) for index in count())

    kind_of = KINDS.get(skill, _one_kind)
    kinds = sorted({kind_of(item) for item in islice(stream(), NUM_LOOKED_AT)})
    return [item for kind in kinds for item in islice((one for one in stream() if kind_of(one) == kind), num_items)]


def _held_out_item(skill: str, index: int) -> SkillItem:
    if skill != LABELS_OF_KNOWN_WORDS:
        return make_item(skill, ITEM_SEED, index, "held_out")
    return replace(make_item(FEW_SHOT_LABELS, ITEM_SEED, index, "held_out", known_words=True), skill=skill)


def with_room(model: LanguageModel, items: Sequence[SkillItem]) -> LanguageModel:
    """The same model with as much room for an answer as these items need: it would otherwise ramble to the limit."""
    question = Message(role="user", content="?")
    longest = max(model.renderer.measure(_example((question, item.messages[-1])))[1] for item in items)
    limit = model.renderer.max_length
    # A short context needs its other half for the prompt.
    room = min(math.ceil(SPARE_ROOM * longest), limit // 2)
    return replace(model, renderer=model.renderer.fitted(limit, room))


def ask(model: ChatModel, items: Sequence[SkillItem], progress: Progress) -> list[Answer]:
    """Answer the last turn of each item; earlier turns stand as they should have been answered."""
    with progress.bar(_title(items[0].skill), len(items)) as advance:
        return model.answer([item.messages[:-1] for item in items], advance)


def skill_figures(items: Sequence[SkillItem], answers: Sequence[Answer]) -> list[Figure]:
    """The share of right answers of one skill, then of each of its kinds.

    A failed answer is unscored. Context answers are right or wrong where the context has the answer; where it has
    not, precision and recall of saying so are figures of their own.
    """
    skill = items[0].skill
    scores = [score(*found) for found in zip(items, answers, strict=True)]
    if skill == CONTEXT_ANSWER:
        answerable = [score for score, item in zip(scores, items, strict=True) if not _is_absent(item)]
        return [_figure(skill, _title(skill), answerable), *_absent_figures(items, answers)]
    kinds = grouped(scores, [item.variant for item in items])
    parts = [
        _figure(f"{skill}/{kind}", f"{_title(skill)}, {kind.replace('_', ' ')}", kinds[kind])
        for kind in sorted(kinds, key=_number_then_name)
    ]
    return [_figure(skill, _title(skill), scores), *(parts if len(parts) > 1 else [])]


def _absent_figures(items: Sequence[SkillItem], answers: Sequence[Answer]) -> list[Figure]:
    """Precision: of the answers that say it is absent, those that are right. Recall: of the absent, those said so."""
    precision, recall = [], []
    for item, answer in zip(items, answers, strict=True):
        is_said = answer.text is not None and bool(exact_match(answer.text, [ANSWER_ABSENT]))
        if is_said:
            precision.append(_right_or_wrong(item.skill, _is_absent(item)))
        if _is_absent(item):
            recall.append(score(item, answer))
    return [
        _figure("absent_precision", '"Does not say", precision', precision),
        _figure("absent_recall", '"Does not say", recall', recall),
    ]


def score(item: SkillItem, answer: Answer) -> Score:
    """Right or wrong, or unscored where there is no answer."""
    if answer.text is None:
        return Score(example_id=item.skill, metric="exact_match", value=None, reason=answer.reason)
    wanted = item.messages[-1].content
    same = _same_json if item.skill == JSON_EXTRACTION else _same_text
    return _right_or_wrong(item.skill, same(answer.text, wanted))


def _right_or_wrong(skill: str, is_right: bool) -> Score:
    return Score(example_id=skill, metric="exact_match", value=float(is_right))


def _same_text(answer: str, wanted: str) -> bool:
    return bool(exact_match(answer, [wanted]))


def _same_json(answer: str, wanted: str) -> bool:
    """Equal values, whatever the order of keys and the white space; no key more and none less."""
    return is_json(answer) and json_fields(answer, [wanted]) == json_fields(wanted, [answer]) == 1.0


def _figure(name: str, title: str, scores: Sequence[Score]) -> Figure:
    found = estimate(SCORERS["exact_match"].metric, scores, NUM_RESAMPLES, SEED)
    return Figure(name=name, title=title, kind="share", estimate=found)


def _is_absent(item: SkillItem) -> bool:
    return item.messages[-1].content == ANSWER_ABSENT


def _variant(item: SkillItem) -> str:
    return item.variant


def _one_kind(_: SkillItem) -> str:
    return ""


KINDS: dict[str, Callable[[SkillItem], str | bool]] = {
    CONTEXT_ANSWER: _is_absent,
    LABELS_OF_KNOWN_WORDS: _variant,
    FEW_SHOT_LABELS: _variant,
}
"""By skill: whether the context has the answer; the number of examples."""


def _title(skill: str) -> str:
    return TITLES.get(skill, skill.replace("_", " ").capitalize())


def _number_then_name(kind: str) -> tuple[int, str]:
    """Sort 16_examples after 2_examples."""
    number = kind.partition("_")[0]
    return int(number) if number.isdigit() else 0, kind


def _example(messages: tuple[Message, ...]) -> Example:
    return Example(body=Conversation(messages=messages), provenance=Provenance(source="skills", row=1))
