"""Defects of known kind and place in otherwise clean rows: what each data check has to find.

A defect is written as it comes about in real files (a scraper reads UTF-8 as Windows-1252, a model refuses, a length
limit cuts), not as the check looks for it. What a check misses is therefore part of the result.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from clean_rows import Row, listed, question, sentence
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


# Text that is broken


_FOREIGN_WORDS = listed(
    "café naïve Zürich señor garçon Müller crème façade über jalapeño Øresund “quoted” it’s £20 déjà"
)


def _misread(encoding: str) -> Callable[[str, Random], str | None]:
    """UTF-8 that was read in another encoding."""

    def change(answer: str, random: Random) -> str:
        words = answer.split(" ")
        for _ in range(2):
            words.insert(random.randint(1, len(words) - 1), random.choice(_FOREIGN_WORDS))
        return " ".join(words).encode("utf-8").decode(encoding, errors="replace")

    return change


def _lost(answer: str, random: Random) -> str:
    words = answer.split(" ")
    words.insert(random.randint(1, len(words) - 1), "caf\ufffd")
    return " ".join(words)


_INVISIBLE = ("\u200b", "\u2060", "\ufeff", "\u00ad", "\x08", "\x1b[31m", "\u202e", "\u200e", "\u2028", "\U000e0041")


def _with_invisible(answer: str, random: Random) -> str:
    place = random.randint(1, len(answer) - 1)
    return answer[:place] + random.choice(_INVISIBLE) + answer[place:]


# Answers that teach the wrong thing

_REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I cannot assist with that request.",
    "As an AI language model, I don't have personal opinions about gates.",
    "As an AI developed by people, I do not have feelings.",
    "I cannot provide this information.",
    "I can't fulfil that request, since it may be harmful.",
    "I am unable to browse the internet, so please look it up.",
    "Unfortunately, I am not able to answer that question.",
    "Sorry, I can't do that.",
    "I apologize, but I cannot write about this topic.",
    "I'm just an AI, so I have never seen a meadow.",
    "I must decline to answer this.",
    "I do not feel comfortable answering this.",
    "I won't be able to help with this one.",
    "My apologies, but I cannot comply with this request.",
    "I'm afraid I can't answer that.",
    "This is not something that I can talk about.",
    "As a large language model, I cannot see pictures.",
)
_PLACEHOLDERS = (
    "n/a",
    "N/A.",
    "TODO",
    "see above",
    "-",
    "...",
    "None",
    "[insert answer here]",
    "asdf",
    "Lorem ipsum",
    "tbd",
)
_BOILERPLATE = "Please contact our support team for more information about this topic."
_BOILERPLATE_ROWS = 8
_OTHER_SCRIPTS = (
    "Старый мост у деревни ведёт к мельнице, а за ней начинается лес.",
    "村子旁边的旧桥通向磨坊，磨坊后面是一片很大的森林和一条安静的河流。",
    "الجسر القديم بجانب القرية يؤدي إلى المطحنة وخلفها غابة كبيرة هادئة",
    "Η παλιά γέφυρα κοντά στο χωριό οδηγεί στον μύλο και στο μεγάλο δάσος.",
    "गाँव के पास का पुराना पुल चक्की की ओर जाता है और उसके पीछे एक बड़ा जंगल है।",
    "마을 옆의 오래된 다리는 방앗간으로 이어지고 그 뒤에는 큰 숲이 있습니다 그리고 강",
)


def _one_of(texts: Sequence[str]) -> Callable[[str, Random], str | None]:
    def change(answer: str, random: Random) -> str:
        del answer
        return random.choice(texts)

    return change


def _same_sentence(data: DataSet, index: int, random: Random) -> Plant:
    """One sentence that answers several rows; more than the check asks for, since others draw the same rows."""
    text = f"{_BOILERPLATE[:-1]} or about case {index}."
    first = index - index % _BOILERPLATE_ROWS
    of_group = [place for place in range(first, first + _BOILERPLATE_ROWS) if place < len(data.rows)]
    data.rows += [Row(question(random), text) for _ in range(_BOILERPLATE_ROWS - len(of_group))]
    for place in of_group:
        data.rows[place] = Row(data.rows[place].given, text)
    return Plant((place_of(index),), text)


def _cut(answer: str, random: Random) -> str | None:
    """Stopped by a length limit, in the middle of a sentence of prose."""
    if "\n" in answer:
        return None
    places = [match.start() for match in re.finditer(r"(?<=[a-z,]) (?=[a-z])", answer)]
    return answer[: random.choice(places[len(places) // 2 :])]


def _looped(answer: str, random: Random) -> str:
    start = answer[: random.randint(0, 20)]
    return start + (sentence(random) + " ") * random.randint(10, 20)


def _very_long(answer: str, random: Random) -> str:
    return answer + " " + " ".join(sentence(random) for _ in range(120))


def _one_character(answer: str, random: Random) -> str:
    return random.choice(answer.replace(" ", "")[:20])


# Answers whose form is broken


def _cut_json(answer: str, random: Random) -> str:
    return answer[: random.randint(len(answer) // 2, len(answer) - 2)]


def _broken_json(answer: str, random: Random) -> str:
    return random.choice(
        (
            f"Here it is: {answer}",
            f"{answer}\nIs there anything else?",
            answer.replace('"', "'"),
            answer.replace("null", "NaN"),
            answer[:-1] + ', "state": "open"}',
            answer[:-1] + ",}",
        )
    )


def _drifted(answer: str, random: Random) -> str:
    fields = json.loads(answer)
    others = (
        {key: value for key, value in fields.items() if key != "count"},
        {**fields, "comment": "fine"},
        {**fields, "count": str(fields["count"])},
        {**fields, "state": "Open."},
        {**fields, "tags": "none"},
        dict(reversed(fields.items())),
        {"result": fields},
    )
    return json.dumps(random.choice(others))


def _broken_code(answer: str, random: Random) -> str:
    return random.choice(
        (
            answer[: answer.rindex("(")] + "(",
            answer.replace(":\n", "\n", 1),
            answer.replace("    return", "  return").replace("      return", "        return", 1),
            answer.replace('"""', "'", 1),
            answer.replace("return min(", "return min((", 1),
            f"Sure, here is the function:\n{answer}",
        )
    )


def _broken_block(answer: str, random: Random) -> str:
    code = random.choice(('print("hello"', "for x in range(3)\n    print(x)", "def f(:\n    pass", "x = = 1"))
    return f"{answer}\n```python\n{code}\n```\n"


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


def _unfilled(answer: str, random: Random) -> str:
    variable = random.choice(("{{name}}", "{{ customer.first_name }}", "{{ORDER_ID}}", "{{ author }}"))
    return f"{answer} Ask {variable} about it."


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
    Defect("UTF-8 read as Windows-1252", "mojibake", "text", in_answer(_misread("cp1252")), 0.9),
    Defect("UTF-8 read as Latin-1", "mojibake", "text", in_answer(_misread("latin-1")), 0.9),
    Defect("characters lost", "mojibake", "text", in_answer(_lost)),
    Defect("an invisible character", "invisible_characters", "text", in_answer(_with_invisible)),
    Defect("a refusal", "refusals", "text", in_answer(_one_of(_REFUSALS)), 0.6),
    Defect("a placeholder", "empty_or_boilerplate_answers", "text", in_answer(_one_of(_PLACEHOLDERS))),
    Defect("one sentence for many", "empty_or_boilerplate_answers", "text", _same_sentence),
    Defect("cut in a sentence, in 1 % of the rows", "truncated_answers", "text", in_answer(_cut), share=0.01),
    Defect("cut in a sentence, in 3 % of the rows", "truncated_answers", "text", in_answer(_cut), 0.2),
    Defect("a sentence in a loop", "repetition", "text", in_answer(_looped)),
    Defect("another script", "language_mix", "text", in_answer(_one_of(_OTHER_SCRIPTS))),
    Defect("ten times as long", "lengths", "text", in_answer(_very_long)),
    Defect("a single character", "lengths", "text", in_answer(_one_character)),
    Defect("JSON cut off", "invalid_json", "json", in_answer(_cut_json)),
    Defect("JSON with text, quotes or keys that break it", "invalid_json", "json", in_answer(_broken_json)),
    Defect("JSON of another shape", "json_drift", "json", in_answer(_drifted)),
    Defect("a function that does not parse", "code_does_not_parse", "code", in_answer(_broken_code)),
    Defect("a code block that does not parse", "code_does_not_parse", "text", in_answer(_broken_block)),
    Defect("a variable of a template", "unfilled_placeholders", "text", in_answer(_unfilled)),
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
