"""Defects of known kind and place in otherwise clean rows: what each data check has to find.

A defect is written as it comes about in real files (a scraper reads UTF-8 as Windows-1252, a model refuses, a length
limit cuts), not as the check looks for it. What a check misses is therefore part of the result.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from clean_rows import Row, question, sentence
from planted_answers import ANSWER_DEFECTS
from planted_values import PERSONAL, SECRETS
from planting import DataSet, Defect, Plant, Planter, append, as_twin, in_answer, place_of

MIN_NEAR_DUPLICATE_WORDS = 40


# Rows that repeat each other


def _copy(row: Row, random: Random) -> Row:
    del random
    return replace(row)


def _reworded(row: Row, random: Random) -> Row | None:
    """One word of a long answer replaced: at least 40 words keep the Jaccard similarity above .8."""
    if len(row.answer.split()) < MIN_NEAR_DUPLICATE_WORDS:
        return None
    words = [word for word in re.findall(r"\b[a-z]{4,}\b", row.answer) if row.answer.count(word) == 1]
    return Row(row.given, row.answer.replace(random.choice(words), "several", 1)) if words else None


def _greeted(row: Row, random: Random) -> Row | None:
    if len(row.answer.split()) < MIN_NEAR_DUPLICATE_WORDS:
        return None
    return Row(f"{random.choice(('Hi!', 'Hello there.', 'Hey,', 'Dear team,'))} {row.given}", row.answer)


def _other_case(row: Row, random: Random) -> Row:
    answer = random.choice((row.answer.upper(), row.answer))
    return Row(row.given.rstrip("?").lower(), re.sub(r",(?!\d)| [–—]", "", answer))


# Rows that contradict each other


def _contradiction(first: str, second: str) -> Planter:
    """The row answers one way, a row with the same question the other way."""

    def plant(data: DataSet, index: int, random: Random) -> Plant | None:
        number, other = random.randint(2, 50), random.randint(51, 99)
        text = sentence(random)
        given = data.rows[index].given
        answers = [
            form.format(text=text, number=number, other=other, negated=re.sub(r"\b(\w+)\.$", r"not \1.", text))
            for form in (first, second)
        ]
        data.rows[index] = Row(given, answers[0])
        return Plant((place_of(index), append(data, Row(given, answers[1]))), " / ".join(answers)[:60])

    return plant


def _other_label(row: Row, random: Random) -> Row:
    return Row(row.given, random.choice([label for label in ("billing", "repair", "praise") if label != row.answer]))


def _misspelt(num_sentences: int) -> Planter:
    """The same question behind some sentences, once with two letters exchanged in a word, and with another label."""

    def plant(data: DataSet, index: int, random: Random) -> Plant:
        row = data.rows[index]
        given = " ".join([*(sentence(random) for _ in range(num_sentences)), row.given])
        data.rows[index] = Row(given, row.answer)
        # "without" is a negation and "thanks" a filler: misspelt, they become words that mean something else.
        long_words = [word for word in given.split() if len(word) >= 5 and word.isalpha()]
        word = next(word for word in long_words[::-1] if word not in ("without", "thanks"))
        misspelt = given[::-1].replace(word[::-1], (word[0] + word[2] + word[1] + word[3:])[::-1], 1)[::-1]
        return Plant((place_of(index), append(data, _other_label(Row(misspelt, row.answer), random))), misspelt[-60:])

    return plant


def _other_value(row: Row, random: Random) -> Row:
    fields = json.loads(row.answer)
    fields["count"] += random.randint(1, 5)
    return Row(row.given, json.dumps(fields))


def _wrong_label(data: DataSet, index: int, random: Random) -> Plant:
    row = data.rows[index]
    data.rows[index] = _other_label(row, random)
    return Plant((place_of(index),), f"{row.answer} as {data.rows[index].answer}")


def _rare_label(data: DataSet, index: int, random: Random) -> Plant:
    data.rows[index] = Row(data.rows[index].given, f"{random.choice('abcdefgh')}{random.choice('uvwxyz')} desk")
    return Plant((place_of(index),), data.rows[index].answer)


# Rows that stand somewhere else too


def _leak(data: DataSet, index: int, random: Random) -> Plant | None:
    row = data.rows[index]
    twin = _greeted(_reworded(row, random) or row, random)
    if twin is None:
        return None
    data.held_out.append(twin)
    return Plant((place_of(index), f"held_out:{len(data.held_out)}"), twin.given[:60])


def _shared_input(data: DataSet, index: int, random: Random) -> Plant:
    row = data.rows[index]
    data.held_out.append(Row(row.given, sentence(random)))
    return Plant((place_of(index), f"held_out:{len(data.held_out)}"), row.given[:60])


def _contaminated(num_sentences: int) -> Planter:
    """The question of a benchmark row, which goes on with the answer, stands in a training row."""

    def plant(data: DataSet, index: int, random: Random) -> Plant:
        asked = " ".join([*(sentence(random) for _ in range(num_sentences)), question(random)])
        data.benchmark.append(f"{asked} {sentence(random)}")
        row = data.rows[index]
        shown = random.choice((asked.upper(), asked.replace(",", ""), f"Q: {asked}"))
        data.rows[index] = Row(f"{shown} {row.given}", row.answer)
        return Plant((place_of(index),), asked[:60])

    return plant


def _protected(data: DataSet, index: int, random: Random) -> Plant:
    passage = [sentence(random) for _ in range(8)]
    data.protected.append(" ".join(passage))
    start = random.randint(0, 4)
    row = data.rows[index]
    data.rows[index] = Row(row.given, f"{row.answer} {' '.join(passage[start : start + 3])}")
    return Plant((place_of(index),), passage[start][:60])


_SHOWN_OF_VALUE = 20
"""Characters of a value: fewer than a scanner would take for a key in the page that lists misses."""


def _with_value(make: Callable[[Random], str]) -> Planter:
    """A value in a sentence, in the question or in the answer."""

    def plant(data: DataSet, index: int, random: Random) -> Plant:
        row, value = data.rows[index], make(random)
        if random.random() < 0.5:
            data.rows[index] = Row(f"{row.given} {value}", row.answer)
        else:
            data.rows[index] = Row(row.given, f"{row.answer} {value}")
        return Plant((place_of(index),), f"{value[:_SHOWN_OF_VALUE]}…")

    return plant


# Rows that are more than a question and an answer


def _equal_answers(data: DataSet, index: int, random: Random) -> Plant:
    pair = data.rows[index].written
    assert pair is not None
    pair["rejected"] = random.choice((pair["chosen"], f"{pair['chosen']} ", pair["chosen"].replace(" ", "  ")))
    return Plant((place_of(index),), pair["rejected"][:60])


def _exchanged(row: Row, random: Random) -> Row:
    del random
    assert row.written is not None
    pair = row.written
    return replace(row, written={**pair, "chosen": pair["rejected"], "rejected": pair["chosen"]})


def _longer_chosen(data: DataSet, index: int, random: Random) -> Plant:
    pair = data.rows[index].written
    assert pair is not None
    pair["chosen"] = " ".join([pair["chosen"], *(sentence(random) for _ in range(6))])
    return Plant((place_of(index),), pair["chosen"][-60:])


def _without_system(data: DataSet, index: int, random: Random) -> Plant:
    del random
    row = data.rows[index]
    assert row.written is not None
    del row.written["messages"][0]
    return Plant((place_of(index),), row.given[:60])


def _odd_arguments(change: Callable[[dict[str, Any]], Any]) -> Planter:
    def plant(data: DataSet, index: int, random: Random) -> Plant:
        del random
        written = data.rows[index].written
        assert written is not None
        function = written["messages"][1]["tool_calls"][0]["function"]
        arguments = json.loads(function["arguments"])
        change(arguments)
        function["arguments"] = json.dumps(arguments)
        return Plant((place_of(index),), function["arguments"][:60])

    return plant


def _undeclared(data: DataSet, index: int, random: Random) -> Plant:
    written = data.rows[index].written
    assert written is not None
    function = written["messages"][1]["tool_calls"][0]["function"]
    function["name"] = random.choice(("order", "orderPart", "cancel_part"))
    return Plant((place_of(index),), function["name"])


def _result_alone(data: DataSet, index: int, random: Random) -> Plant:
    del random
    written = data.rows[index].written
    assert written is not None
    del written["messages"][1]
    written["messages"].insert(1, {"role": "assistant", "content": "I look."})
    return Plant((place_of(index),), written["messages"][0]["content"][:60])


# Rows under the bundled base, and inputs of production


def _under_base(plant: Planter) -> Planter:
    def plant_and_name_it(data: DataSet, index: int, random: Random) -> Plant | None:
        data.base = True
        return plant(data, index, random)

    return plant_and_name_it


def _with_control_token(answer: str, random: Random) -> str:
    token = random.choice(("<|endoftext|>", "<|user|>", "<|assistant|>"))
    place = random.choice([match.start() for match in re.finditer(" ", answer)])
    return f"{answer[:place]} {token}{answer[place:]}"


def _longer_than_context(answer: str, random: Random) -> str:
    return answer + " " + " ".join(sentence(random) for _ in range(150))


def _long_input(data: DataSet, index: int, random: Random) -> Plant:
    row = data.rows[index]
    given = " ".join([*(sentence(random) for _ in range(150)), row.given])
    data.rows[index] = Row(given, row.answer)
    return Plant((place_of(index),), given[:60])


_STRANGE_INPUTS = (
    "kubectl rollout restart deployment/frontend namespace=staging",
    "SELECT customer_id, SUM(amount) FROM payments GROUP BY customer_id",
    "Combien coûte l'abonnement mensuel pour étudiants ?",
    "Translate photosynthesis, mitochondria and chlorophyll into Finnish",
    "My GPU driver crashes with error 0x80070057 under Vulkan",
    "Prove that sqrt(2) is irrational using infinite descent",
    "Wie kündige ich meinen Mobilfunkvertrag rechtzeitig?",
    "Recommend vegan protein powders without artificial sweeteners",
)


def _not_in_training(data: DataSet, index: int, random: Random) -> Plant:
    if not data.reference:
        data.reference = [question(random) for _ in range(len(data.rows) // 2)]
    del index
    asked = f"{random.choice(_STRANGE_INPUTS)} #{len(data.reference)}"
    data.reference.append(asked)
    return Plant((f"reference:{len(data.reference)}",), asked)


DEFECTS: tuple[Defect, ...] = (
    Defect("the same row again", "duplicates", "text", as_twin(_copy)),
    Defect("one word of the answer replaced", "near_duplicates", "text", as_twin(_reworded)),
    Defect("a greeting before the question", "near_duplicates", "text", as_twin(_greeted)),
    Defect("other case and punctuation", "near_duplicates", "text", as_twin(_other_case)),
    Defect(
        "another number",
        "contradictions",
        "text",
        _contradiction("{text} It takes {number} days.", "{text} It takes {other} days."),
    ),
    Defect("a negation", "contradictions", "text", _contradiction("{text} This is safe.", "{text} This is not safe.")),
    Defect("another name", "contradictions", "text", _contradiction("{text} Then ask Anna.", "{text} Then ask Bruno.")),
    Defect(
        "another final answer",
        "contradictions",
        "text",
        _contradiction("First {text} #### {number}", "Count. #### {other}"),
    ),
    Defect("another short answer", "contradictions", "text", _contradiction("the green dragon", "a blue whale")),
    Defect("another label", "contradictions", "labels", as_twin(_other_label)),
    Defect("another label, long question misspelt", "contradictions", "labels", _misspelt(4)),
    Defect("another label, short question misspelt", "contradictions", "labels", _misspelt(0), 0),
    Defect("another JSON value", "contradictions", "json", as_twin(_other_value)),
    Defect("a wrong label", "label_errors", "labels", _wrong_label, 0.5),
    Defect("a rare label", "label_balance", "labels", _rare_label),
    Defect("reworded in the test file", "leakage", "text", _leak, 0.9),
    Defect("same question in the test file", "shared_inputs", "text", _shared_input),
    Defect("a benchmark question of 20 words or more", "contamination", "text", _contaminated(1)),
    Defect("a benchmark question of 12 to 16 words", "contamination", "text", _contaminated(0), 0.2),
    Defect("three sentences of a protected text", "protected_text", "text", _protected),
    *(Defect(name, "personal_data", "text", _with_value(make), floor) for name, make, floor in PERSONAL),
    *(Defect(name, "secrets", "text", _with_value(make), floor) for name, make, floor in SECRETS),
    *ANSWER_DEFECTS,
    Defect("no system message", "missing_system_message", "chat", _without_system),
    Defect("equal answers but for spaces", "equal_pairs", "pairs", _equal_answers),
    Defect("the same pair, preferred the other way", "contradictory_preferences", "pairs", as_twin(_exchanged)),
    Defect("six sentences more, in 30 % of the pairs", "preference_length_bias", "pairs", _longer_chosen, share=0.3),
    Defect("a parameter left out", "tool_calls", "tools", _odd_arguments(lambda given: given.pop("count"))),
    Defect("a number as text", "tool_calls", "tools", _odd_arguments(lambda given: given.update(count="ten"))),
    Defect("another choice", "tool_calls", "tools", _odd_arguments(lambda given: given.update(speed="soon"))),
    Defect("a parameter too many", "tool_calls", "tools", _odd_arguments(lambda given: given.update(colour="red"))),
    Defect("a function that is not declared", "tool_calls", "tools", _undeclared),
    Defect("a result without a call", "tool_calls", "tools", _result_alone),
    Defect("a control token", "special_tokens", "text", _under_base(in_answer(_with_control_token))),
    Defect("an answer longer than the context", "unusable_rows", "text", _under_base(in_answer(_longer_than_context))),
    Defect("an input longer than the context", "cut_prompts", "text", _under_base(_long_input)),
    Defect("production asks for something else", "not_covered", "text", _not_in_training),
)
