import importlib
import json
import pkgutil
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from operator import add, mul, sub
from pathlib import Path

import pytest

from tunewright.data import skills
from tunewright.data.skills import ANSWER_ABSENT, SKILLS, Part, SkillItem, make_item
from tunewright.data.skills.arithmetic import _SIGNS, _STORIES
from tunewright.data.skills.comparing import QUANTITIES
from tunewright.data.skills.copying import _ORDINALS
from tunewright.data.skills.facts import ATTRIBUTE_QUESTIONS, draw_facts
from tunewright.data.skills.few_shot_texts import MENTIONS, OPINIONS, PATTERNS, PERSON_NEWS
from tunewright.data.skills.item import Draw, Parted
from tunewright.data.skills.names import is_held_out
from tunewright.data.skills.ordering import _FALLING
from tunewright.data.skills.relations import RELATIONS, RELATIONS_BY_KIND, Relation
from tunewright.data.skills.words import BAD, CATEGORIES, COLOURS, GOOD, MATERIALS, PLAIN, ROOMS, any_word, any_words
from tunewright.records import Conversation

PARTS: tuple[Part, ...] = ("train", "held_out")
NUM = 300


@cache
def items_of(skill: str, part: Part = "train", num: int = NUM) -> tuple[SkillItem, ...]:
    return tuple(make_item(skill, 7, index, part) for index in range(num))


def both_parts(skill: str) -> Iterator[tuple[SkillItem, Part]]:
    for part in PARTS:
        for item in items_of(skill, part):
            yield item, part


def prompt_of(item: SkillItem) -> str:
    return "\n".join(message.content for message in item.messages[:-1])


def answer_of(item: SkillItem) -> str:
    return item.messages[-1].content


def banks_in(value: object) -> Iterator[Parted]:
    match value:
        case Parted():
            yield value
        case Relation():
            yield from banks_in((value.questions, value.reverse))
        case dict():
            yield from banks_in(tuple(value.values()))
        case tuple():
            for part in value:
                yield from banks_in(part)


@cache
def all_banks() -> dict[str, list[Parted]]:
    """Every bank of words or templates, by module."""
    names = [module.name for module in pkgutil.iter_modules(skills.__path__, f"{skills.__name__}.")]
    found = {name: list(banks_in(tuple(vars(importlib.import_module(name)).values()))) for name in names}
    return {name: banks for name, banks in found.items() if banks}


def as_pattern(template: str, field: str = ".+?") -> str:
    return re.sub(r"\\\{\w+\\\}", lambda _: field, re.escape(template))


# What every skill promises.


def test_the_skills_are_listed_in_order_and_an_unknown_one_is_refused() -> None:
    assert list(SKILLS) == sorted(SKILLS)
    assert len(SKILLS) == 10
    with pytest.raises(KeyError, match="juggling"):
        make_item("juggling", 0, 0, "train")


@pytest.mark.parametrize("skill", SKILLS)
def test_items_are_valid_conversations_that_name_their_skill(skill: str) -> None:
    for item, _ in both_parts(skill):
        assert Conversation(messages=item.messages).answer == answer_of(item)
        assert item.skill == skill
        assert re.fullmatch(r"[a-z0-9_]+", item.variant)
        assert all(message.content == message.content.strip() for message in item.messages)


@pytest.mark.parametrize("skill", SKILLS)
def test_the_same_arguments_give_the_same_item_and_other_arguments_another(skill: str) -> None:
    item = make_item(skill, 7, 3, "train")
    assert item == make_item(skill, 7, 3, "train")
    assert item != make_item(skill, 8, 3, "train")
    assert item != make_item(skill, 7, 4, "train")
    assert item != make_item(skill, 7, 3, "held_out")


def test_an_item_is_the_same_on_every_machine() -> None:
    item = make_item("ordering", 0, 0, "train")
    assert [(message.role, message.content) for message in item.messages] == [
        (
            "user",
            "<input>\nplumber popcorn bread geranium beautiful\n</input>\n"
            "We always count beautiful > popcorn > geranium > car > plumber > bread. List these words in the same way.",
        ),
        ("assistant", "beautiful, popcorn, geranium, plumber, bread"),
    ]


@pytest.mark.parametrize("skill", SKILLS)
@pytest.mark.parametrize("part", PARTS)
def test_nearly_all_items_differ(skill: str, part: Part) -> None:
    items = items_of(skill, part, 500)
    assert len({item.messages for item in items}) > 0.95 * len(items)


@pytest.mark.parametrize("skill", SKILLS)
def test_items_fit_well_into_a_context_of_1024_tokens(skill: str) -> None:
    lengths = sorted(sum(len(message.content) for message in item.messages) for item, _ in both_parts(skill))
    assert lengths[-1] < 2000  # at about 3 characters per token of an 8k vocabulary, under 700 tokens
    assert lengths[len(lengths) // 2] < 600


# The parts have nothing in common that could be learnt by heart.


def test_no_nonce_word_is_given_to_both_parts() -> None:
    words = {part: {w for n in range(2000) for w in Draw(random.Random(n), part).words(3)} for part in PARTS}
    assert words["train"].isdisjoint(words["held_out"])
    assert not any(is_held_out(word) for word in words["train"])
    assert all(is_held_out(word.upper()) for word in words["held_out"])


def test_a_draw_never_gives_a_nonce_word_twice() -> None:
    draw = Draw(random.Random(1), "held_out")
    words = [*draw.words(3000), *(name.lower() for name in draw.names(3000))]
    assert len(set(words)) == len(words)


def test_words_that_occur_in_items_of_both_parts_are_words_of_the_templates() -> None:
    seen: dict[Part, set[str]] = {"train": set(), "held_out": set()}
    for skill in SKILLS:
        for item, part in both_parts(skill):
            seen[part] |= {word.lower() for m in item.messages for word in re.findall(r"[A-Za-z]{4,}", m.content)}
    shared = {w.lower() for path in Path(skills.__path__[0]).glob("*.py") for w in re.findall(r"\w+", path.read_text())}
    assert seen["train"] & seen["held_out"] <= shared
    assert len(seen["train"]) > 5000


def test_no_word_or_template_belongs_to_both_parts() -> None:
    banks = [bank for found in all_banks().values() for bank in found]
    train = {option for bank in banks for option in bank.train}
    assert not [option for bank in banks for option in bank.held_out if option in train]


@pytest.mark.parametrize("skill", SKILLS)
def test_no_item_is_phrased_like_the_other_part(skill: str) -> None:
    templates: dict[Part, set[str]] = {"train": set(), "held_out": set()}
    for name, banks in all_banks().items():
        if not name.endswith(".words"):
            for bank in banks:
                for part in PARTS:
                    templates[part] |= set(bank.of(part))
    for part, other in (PARTS, PARTS[::-1]):
        text = "\n\n".join(prompt_of(item) for item in items_of(skill, part, 200))
        # Templates with few words of their own, such as `{text} = {label}`, cannot be told from other text.
        distinct = [t for t in templates[other] if len(re.findall(r"[a-z]{2,}", re.sub(r"\{\w+\}", "", t))) > 3]
        assert len(distinct) > 40
        assert not [t for t in distinct if re.search(rf"(?m)^{as_pattern(t, '[^.?:]+?')}$", text)]


@pytest.mark.parametrize(
    "module", ["arithmetic", "comparing", "context_answers", "copying", "extraction", "few_shot_labels",
               "format_following", "ordering", "rewriting"],
)  # fmt: skip
def test_each_skill_has_twelve_phrasings_and_reserves_about_a_quarter(module: str) -> None:
    banks = all_banks()[f"{skills.__name__}.{module}"]
    num_held_out = sum(len(bank.held_out) for bank in banks)
    num_all = num_held_out + sum(len(bank.train) for bank in banks)
    assert num_all >= 12
    assert 0.2 <= num_held_out / num_all <= 0.3


def test_a_value_is_any_word_half_of_the_time_in_training_and_of_its_list_where_it_is_measured() -> None:
    drawn = {part: [any_word(Draw(random.Random(n), part), COLOURS) for n in range(2000)] for part in PARTS}
    assert set(drawn["held_out"]) == set(COLOURS.held_out)
    of_the_list = sum(word in COLOURS.train for word in drawn["train"]) / 2000
    assert 0.45 < of_the_list < 0.56
    assert set(drawn["train"]).isdisjoint(COLOURS.held_out)
    lists = [any_words(Draw(random.Random(n), "train"), COLOURS, 3) for n in range(200)]
    assert all(len(set(words)) == 3 for words in lists)
    assert 0.35 < sum(set(words) <= set(COLOURS.train) for words in lists) / 200 < 0.65


def test_no_ordinary_word_is_of_two_kinds() -> None:
    words = [word for bank in (*CATEGORIES, ROOMS, MATERIALS, GOOD, BAD, PLAIN) for word in bank.train + bank.held_out]
    assert [word for word, count in Counter(words).items() if count > 1] == []
    assert len(PLAIN.held_out) >= 8


# Each answer follows from the prompt.

_SUBJECT = r"([Tt]he [A-Z]\w+ [a-z]+|[Tt]he [a-z]+|[Oo]rder [\w-]+|[A-Z]\w+(?: [A-Z]\w+)?)"
_VALUE = r"(\d+ [A-Z]\w+ \d+|[A-Z]\w+ \d+|[A-Z]\w+ [A-Z]\w+|[\w@:.-]+?)"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The cache of re itself is smaller than the banks."""
    return re.compile(pattern)


def stated(prompt: str, relation: Relation) -> set[tuple[str, str]]:
    """The pairs of subject and value that a prompt states, read back through the statements of a relation."""
    pairs = set()
    for statement in relation.statements:
        pattern = re.escape(statement).replace(r"\{s\}", f"(?P<s>{_SUBJECT})").replace(r"\{v\}", f"(?P<v>{_VALUE})")
        for found in compiled(rf"(?m)(?:^|(?<=[.:?>\]-]\s)){pattern}(?=\s|$)").finditer(prompt):
            pairs.add((lower_article(found["s"]), found["v"]))
    return pairs


def lower_article(subject: str) -> str:
    return re.sub("^(The|Order) ", lambda article: article[0].lower(), subject)


def answers_found(prompt: str, part: Part) -> set[str]:
    """All answers that the statements of a prompt give to its question."""
    answers = set()
    for relation in RELATIONS:
        generic = [t.replace("{attribute}", relation.attribute) for t in ATTRIBUTE_QUESTIONS.of(part)]
        pairs = stated(prompt, relation)
        for template in (*relation.questions.of(part), *generic):
            first = f"[{template[0]}{template[0].upper()}]" if template[0].isalpha() else ""
            pattern = first + re.escape(template.removeprefix(template[0] if first else "")).replace(r"\{s\}", _SUBJECT)
            asked = {lower_article(subject) for subject in compiled(pattern).findall(prompt)}
            answers |= {value for subject, value in pairs if subject in asked}
        for template in relation.reverse.of(part) if relation.reverse else ():
            asked = set(compiled(re.escape(template).replace(r"\{v\}", _VALUE)).findall(prompt))
            answers |= {subject.removeprefix("order ") for subject, value in pairs if value in asked}
    return answers


def test_context_answers_are_what_the_statements_of_the_passage_give() -> None:
    for item, part in both_parts("context_answer"):
        answer = answer_of(item)
        assert (answer == ANSWER_ABSENT) == (item.variant == "answer_absent")
        found = answers_found(prompt_of(item), part)
        assert found == (set() if answer == ANSWER_ABSENT else {answer}), item


def test_a_fifth_of_the_contexts_do_not_say() -> None:
    counts = Counter(item.variant for item in items_of("context_answer", num=2000))
    assert set(counts) == {"answer_absent", "answer_in_context"}
    assert counts["answer_absent"] / 2000 == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize("num", range(1, 9))
def test_facts_give_no_subject_two_values_and_the_first_is_about_the_relation(num: int) -> None:
    for seed in range(50):
        draw = Draw(random.Random(seed), "train")
        relation = draw.choice(RELATIONS)
        facts = draw_facts(draw, num, relation)
        assert len(facts) == num
        assert facts[0].relation is relation
        assert len({(fact.relation, fact.subject) for fact in facts}) == num


def test_relations_have_keys_of_their_own() -> None:
    for relations in RELATIONS_BY_KIND.values():
        assert len({relation.key for relation in relations}) == len(relations)


def test_every_turn_of_a_multi_turn_item_is_answered_from_the_first_prompt_and_trained() -> None:
    for item, _ in both_parts("multi_turn"):
        turns = [message for message in item.messages if message.role == "assistant"]
        context = "\n".join(message.content for message in item.messages[:2])
        assert item.variant == f"{len(turns)}_turns"
        assert all(turn.is_trained and (turn.content in context or turn.content == ANSWER_ABSENT) for turn in turns)


def test_extracted_json_has_the_asked_keys_in_order_and_values_of_the_text() -> None:
    num_null = 0
    for item, _ in both_parts("json_extraction"):
        fields: dict[str, str | int | None] = json.loads(answer_of(item))
        prompt = prompt_of(item)
        assert int(item.variant[0]) == len(fields)
        separators = (", ", '", "', " | ", '": "", "', '": "",\n  "', "\n- ", "\n* ", "\n• ")
        assert any(separator.join(fields) in prompt for separator in separators)
        assert all(value is None or re.search(rf"\b{value}\b", prompt, re.IGNORECASE) for value in fields.values())
        if None in fields.values():
            num_null += 1
            assert "null" in prompt
    assert 0.1 < num_null / (2 * NUM) < 0.4


def items_in_turns(part: Part) -> Iterator[tuple[list[tuple[str, str]], str, str]]:
    """Few-shot items whose examples are earlier turns: the examples, the asked text and its label."""
    for item in items_of("few_shot_labels", part, 3000):
        turns = [message.content for message in item.messages if message.role != "system"]
        if len(turns) > 2:
            examples = list(zip(turns[:-2:2], turns[1:-2:2], strict=True))
            assert [m.weight for m in item.messages if m.role == "assistant"] == [0] * len(examples) + [1]
            assert int(item.variant.split("_")[0]) == len(examples)
            yield examples, turns[-2], turns[-1]


def kind_of(text: str) -> Parted | None:
    words = set(re.findall(r"\w+", text.lower()))
    banks = [bank for bank in (*CATEGORIES, GOOD, BAD) if words & {*bank.train, *bank.held_out}]
    return banks[0] if len(banks) == 1 else None


@pytest.mark.parametrize("part", PARTS)
def test_inputs_of_one_kind_have_one_label_and_the_asked_word_is_in_no_example(part: Part) -> None:
    num_decided = 0
    for examples, asked, answer in items_in_turns(part):
        labels = {kind_of(text): label for text, label in examples}
        if None in labels or any(labels[kind_of(text)] != label for text, label in examples):
            continue
        if kind_of(asked) in labels:
            assert labels[kind_of(asked)] == answer
            num_decided += 1
            assert asked not in [text for text, _ in examples]
    assert num_decided > 100


def test_no_frame_mentions_a_kind_by_itself() -> None:
    frames = " ".join(
        frame for bank in (MENTIONS, OPINIONS, PERSON_NEWS, *PATTERNS.values()) for frame in bank.train + bank.held_out
    )
    kinds = {word for bank in (*CATEGORIES, GOOD, BAD) for word in bank.train + bank.held_out}
    assert kinds.isdisjoint(re.findall(r"\w+", frames.lower()))


@pytest.mark.parametrize("part", PARTS)
def test_texts_to_label_stand_in_frames_of_the_part(part: Part) -> None:
    banks = (MENTIONS, OPINIONS, PERSON_NEWS, *PATTERNS.values())
    frames = {frame for bank in banks for frame in bank.of(part)}
    found = set()
    for examples, asked, _ in items_in_turns(part):
        found |= {text for text in (asked, *(text for text, _ in examples)) if len(text.split()) > 3}
    fits = [any(re.fullmatch(as_pattern(frame), text) for frame in frames) for text in found]
    assert len(found) > 100
    assert all(fits)


def test_texts_are_sorted_by_words_of_training_where_it_is_asked() -> None:
    known = [make_item("few_shot_labels", 7, index, "held_out", known_words=True) for index in range(300)]
    words = {part: {word for bank in (*CATEGORIES, GOOD, BAD) for word in bank.of(part)} for part in PARTS}
    num_sorted = 0
    for item in known:
        # The last line but for what a form may put below: ordinary words may be labels, too.
        asked = set(re.findall("[a-z]+", item.messages[-2].content.splitlines()[-1].lower()))
        asked -= set(re.findall("[a-z]+", answer_of(item).lower()))
        num_sorted += bool(asked & words["train"])
        assert not asked & words["held_out"]
    assert num_sorted > 90


def hit_rate(guesses: Sequence[bool]) -> float:
    return sum(guesses) / len(guesses)


@pytest.mark.parametrize("part", PARTS)
def test_labels_cannot_be_guessed_from_the_examples_alone(part: Part) -> None:
    rows = [row for row in items_in_turns(part) if len(row[0]) >= 4]
    majority = [Counter(label for _, label in examples).most_common(1)[0][0] == answer for examples, _, answer in rows]
    latest = [examples[-1][1] == answer for examples, _, answer in rows]
    assert all(answer in {label for _, label in examples} for examples, _, answer in rows)
    assert max(hit_rate(majority), hit_rate(latest)) < 0.5


def test_the_label_stands_in_the_prompt_and_numbers_of_examples_are_even() -> None:
    assert all(answer_of(item) in prompt_of(item) for item, _ in both_parts("few_shot_labels"))
    counts = Counter(item.variant for item in items_of("few_shot_labels", num=2000))
    assert set(counts) == {"1_example", "2_examples", "4_examples", "8_examples", "16_examples"}
    assert min(counts.values()) > 300


def one_line_list(prompt: str) -> list[str] | None:
    found = re.search(r"(?m)^(?:[\w]+: )?([\w-]+(?:, [\w-]+)+)$", prompt)
    return found[1].split(", ") if found else None


def test_copies_occur_in_the_prompt_and_numbered_items_are_counted_right() -> None:
    num_counted = 0
    for item, _ in both_parts("copying"):
        prompt, answer = prompt_of(item), answer_of(item)
        assert answer in prompt
        listed = one_line_list(prompt)
        if item.variant in ("numbered_item", "last_item") and listed:
            ordinals = [word for word in re.findall(r"\w+", prompt) if word in (*_ORDINALS, "last")]
            place = -1 if item.variant == "last_item" else _ORDINALS.index(ordinals[0])
            assert listed[place] == answer
            num_counted += 1
    assert num_counted > 50


def test_rewritten_text_follows_its_rule() -> None:
    for item, _ in both_parts("rewriting"):
        prompt, answer = prompt_of(item), answer_of(item)
        listed, wanted = one_line_list(prompt), answer.split(", ")
        match item.variant:
            case "upper_case":
                assert answer == answer.upper()
                assert answer in prompt.upper()
            case "lower_case":
                assert answer == answer.lower()
                assert answer in prompt.lower()
            case "reverse":
                assert listed is None or wanted == listed[::-1]
            case "join":
                assert any(separator.join(wanted) in prompt for separator in (" ", "\n", " / "))
            case "remove":
                assert listed is None or [x for x in listed if prompt.count(x) == 1] == wanted
            case "prefix":
                mark, text = answer.split(" ", 1)
                assert mark in prompt
                assert text in prompt
            case "replace":
                new = [name for name in set(re.findall(r"[A-Z]\w+", answer)) if prompt.count(name) == 1]
                old = [name for name in set(re.findall(r"[A-Z]\w+", prompt)) if name not in answer]
                assert any(answer.replace(n, o) in prompt for n in new for o in old)
            case other:
                pytest.fail(other)


def test_sorted_items_are_in_the_asked_order() -> None:
    falling = "|".join(re.escape(text) for text in _FALLING.train + _FALLING.held_out)
    for item, _ in both_parts("ordering"):
        prompt, wanted = prompt_of(item), answer_of(item).split(", ")
        assert all(re.search(rf"\b{entry}\b", prompt) for entry in wanted)
        assert 3 <= len(wanted) <= 6
        if item.variant == "numbers":
            assert wanted == sorted(wanted, key=int, reverse=bool(re.search(falling, prompt)))
        elif item.variant == "alphabet":
            assert wanted == sorted(wanted)
        else:
            chains = re.findall(r"\w+(?:(?:, | < | > )\w+){5}", prompt)
            assert any(set(wanted) <= set(chain := re.findall(r"\w+", text)) and wanted == [
                entry for entry in chain if entry in wanted] for text in chains)  # fmt: skip


def test_the_larger_or_smaller_is_named_as_asked() -> None:
    degrees = {word: (True, n) for q in QUANTITIES for n, word in enumerate(q.more, 2)}
    lesser = {word: (False, n) for q in QUANTITIES for n, word in enumerate(q.less, 2)}
    for item, _ in both_parts("comparing"):
        prompt = prompt_of(item)
        values: dict[str, int] = {}
        quantity = None
        for candidate in QUANTITIES:
            for statement in candidate.statements:
                pattern = re.escape(statement).replace(r"\{s\}", r"(?P<s>[A-Z]\w+)").replace(r"\{v\}", r"(?P<v>\d+)")
                for found in re.finditer(pattern, prompt):
                    values[found["s"]] = int(found["v"])
                    quantity = candidate
        assert quantity is not None
        asked = [word for word in (*quantity.more, *quantity.less) if re.search(rf"\b{word}\b", prompt, re.IGNORECASE)]
        (degree,) = asked
        wants_more, num = degrees[degree] if degree in quantity.more else lesser[degree]
        assert item.variant == f"{num}_things"
        assert len(set(values.values())) == len(values) == num
        assert answer_of(item) == (max if wants_more else min)(values, key=lambda name: values[name])


def test_sums_are_right_and_never_negative() -> None:
    by_story = {"add": add, "subtract": sub, "multiply": mul}
    for item, part in both_parts("arithmetic"):
        prompt, answer = prompt_of(item), int(answer_of(item))
        assert answer >= 0
        if item.variant == "word_problem":
            stories = [
                (operation, as_pattern(story)) for operation in _STORIES for story in _STORIES[operation].of(part)
            ]
            (operation,) = {operation for operation, pattern in stories if re.search(f"{pattern}$", prompt)}
            numbers = [int(number) for number in re.findall(r"\d+", prompt)]
            assert answer in (by_story[operation](*numbers), by_story[operation](*numbers[::-1]))
        else:
            numbers = [int(number) for number in re.findall(r"\d+", prompt)]
            assert answer in (by_story[item.variant](*numbers), by_story[item.variant](*numbers[::-1]))
            if found := re.search(r"\d+ (\+|plus|-|minus|x|times) \d+", prompt):
                assert found[1] in _SIGNS[item.variant]


SHAPES = {
    "answer_line": r"Answer: (.+)",
    "brackets": r"\[(.+)\]",
    "quotes": r'"(.+)"',
    "upper_case": r"([^a-z]+)",
    "tags": r"<answer>(.+)</answer>",
    "full_stop": r"It is (.+)\.",
    "bullets": r"- .+(\n- .+)+",
    "numbered": r"1\. .+(\n\d\. .+)+",
    "semicolons": r"[^;]+(; [^;]+)+",
    "one_per_line": r"[\w-]+(\n[\w-]+)+",
    "key_value": r"\w+: .+(\n\w+: .+)+",
}


def test_answers_have_the_asked_format_and_the_content_of_the_context() -> None:
    for item, part in both_parts("format_following"):
        prompt, answer = prompt_of(item), answer_of(item)
        shape = re.fullmatch(SHAPES[item.variant], answer)
        assert shape is not None
        if item.variant in list(SHAPES)[:6]:
            assert {value.upper() for value in answers_found(prompt, part)} == {shape[1].upper()}
        elif item.variant == "key_value":
            keys = [line.split(": ")[0] for line in answer.split("\n")]
            assert ", ".join(keys) in prompt
            assert all(line.split(": ")[1] in prompt for line in answer.split("\n"))
        else:
            assert all(entry in prompt for entry in re.findall(r"[\w-]{4,}", answer))
    assert {item.variant for item in items_of("format_following")} == set(SHAPES)
