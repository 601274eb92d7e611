"""Rows without a defect, made from a small grammar: the same seed gives the same rows.

Each row also holds something that only looks like a defect: an order number that is no phone number, a hash that is no
key, an accent that is no broken encoding, a refusal in the middle of an answer. A check that is right about these rows
has seen what it must not report.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

Kind = Literal["text", "labels", "json", "code", "chat", "pairs", "tools"]


def listed(*lines: str) -> tuple[str, ...]:
    """The words of some lines."""
    return tuple(" ".join(lines).split())


_ADJECTIVES = listed(
    "amber ancient brave bright broken calm careful clever cold curious dusty early eager faint fancy final",
    "gentle golden heavy hidden humble hungry inner large late lazy little lonely loud lucky mellow modern narrow",
    "noisy odd patient plain polite proud quiet rapid rare rough rusty sandy shallow shiny silent simple slow",
    "small smooth solid sour steady steep strange strong sudden sunny sweet tall tender thick thin tidy tiny",
    "upper vast warm wild wooden",
)
_NOUNS = listed(
    "anchor apple basket beacon bell bicycle boat bottle branch bridge brush bucket candle canyon carpet castle",
    "cellar chair clock cloud coat corner cradle curtain desk donkey door engine farmer feather fence field flute",
    "forest garden gate glove hammer harbour hill horse island kettle kitchen ladder lamp lantern letter library",
    "market meadow mill mirror mountain needle orchard oven painter paper pencil pillow pocket pond potter quarry",
    "ribbon river road rooster saddle sailor shelf shepherd shovel spoon stable station statue stone stove stream",
    "street tailor teacher temple thread tower train tunnel valley village violin wagon wall weaver wheel window",
    "winter workshop",
)
_VERBS = listed(
    "admires avoids blocks borrows brings builds carries catches changes checks circles cleans climbs closes",
    "covers crosses decorates describes draws empties enters examines fills finds fixes follows forgets guards",
    "guides hides holds invites joins keeps leaves lifts lights measures mends moves notices offers opens paints",
    "passes picks protects pulls pushes reaches remembers repairs replaces returns sees sells shakes shares",
    "sketches sorts studies touches turns visits warms washes watches weighs",
)
_ADVERBS = (
    *("at dawn", "after lunch", "every autumn", "in silence"),
    *("with care", "before the rain", "on holidays", "without haste"),
)
_PATTERNS = (
    "The {adjective} {noun} {verb} the {adjective} {noun} {adverb}.",
    "Each {noun} near the {noun} {verb} one {adjective} {noun}.",
    "Behind the {noun} a {adjective} {noun} {verb} our {noun}.",
    "When the {noun} {verb} the {noun}, the {adjective} {noun} {verb} it too.",
    "A {noun} that {verb} the {adjective} {noun} also {verb} the {noun}.",
    "Most people say that the {adjective} {noun} {verb} every {noun} {adverb}.",
)
_QUESTIONS = (
    "Why does the {adjective} {noun} near the {noun} look so {adjective} when the {noun} {verb} it?",
    "What happens if a {noun} {verb} the {adjective} {noun} behind the {noun}?",
    "Can you describe how the {adjective} {noun} {verb} the {noun} {adverb}?",
    "Which {noun} {verb} the {adjective} {noun}, and which {noun} only {verb} the {noun}?",
)


def _digits(random: Random, number: int) -> str:
    return "".join(random.choices("0123456789", k=number))


def _hex(random: Random, number: int) -> str:
    return "".join(random.choices("0123456789abcdef", k=number))


DECOYS: tuple[tuple[str, Callable[[Random], str]], ...] = (
    ("order number", lambda random: f"The order number is {_digits(random, 8)}, part {_digits(random, 4)}-A."),
    ("date", lambda random: f"It was built on 20{_digits(random, 1)}1-0{random.randint(1, 9)}-1{_digits(random, 1)}."),
    (
        "version",
        lambda random: f"It runs version {random.randint(1, 9)}.{random.randint(0, 20)}.{random.randint(1, 9)}.",
    ),
    ("price", lambda random: f"It costs £{random.randint(1, 9)},{_digits(random, 3)}.{_digits(random, 2)} in all."),
    ("short hash", lambda random: f"The last change is {_hex(random, 7)} on the main branch."),
    ("long hash", lambda random: f"Its checksum is {_hex(random, 40)} as always."),
    ("reserved address", lambda random: f"Write to info{_digits(random, 2)}@example.com about it."),
    (
        "private address",
        lambda random: f"The server stands at 192.168.{random.randint(0, 99)}.{random.randint(1, 99)}.",
    ),
    ("placeholder", lambda _: 'Set password="<your password>" in the file first.'),
    ("refusal in the middle", lambda _: "They say: I am sorry, but I cannot help with this, and go home."),
    ("accents", lambda random: f"The café “Zürich” is naïve about {random.choice(('señor', 'garçon', 'Øyvind'))}."),
    ("dashes and dots", lambda _: "It waits – as it should — and then… it goes on."),
    ("emoji", lambda random: f"It smiles {random.choice(('😀', '👨‍👩‍👧', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '❤️'))} at everyone."),
    ("some Greek", lambda random: f"The angle {random.choice('αβγδ')} is the sum of the others."),
    ("code", lambda _: "It is short:\n```python\nfor step in range(3):\n    print(step)\n```\nThat is all."),
    ("list", lambda _: "It needs:\n- some water\n- a little salt and the patience of a teacher who has time"),
    ("laughter", lambda _: "It laughs, ha ha ha ha, and is quiet again."),
    ("rule of dashes", lambda _: "Here it ends.\n----------------------------------------\nHere it goes on."),
)
"""What stands in clean rows and must not be found, one in each text answer."""


@dataclass
class Row:
    """What is asked and what is answered."""

    given: str
    answer: str
    written: dict[str, Any] | None = None
    """The row as its file has it, where it is more than a prompt and a completion."""


def clean_rows(kind: Kind, number: int, random: Random) -> list[Row]:
    """Rows in which nothing is wrong."""
    make = {"text": _text_row, "labels": _label_row, "json": _json_row, "code": _code_row}
    make |= {"chat": _chat_row, "pairs": _pair_row, "tools": _tool_row}
    return [make[kind](index, random) for index in range(number)]


def sentence(random: Random, patterns: tuple[str, ...] = _PATTERNS) -> str:
    """One sentence of the grammar; every word in it is drawn anew."""
    text = random.choice(patterns)
    for slot, words in (("adjective", _ADJECTIVES), ("noun", _NOUNS), ("verb", _VERBS), ("adverb", _ADVERBS)):
        while f"{{{slot}}}" in text:
            text = text.replace(f"{{{slot}}}", random.choice(words), 1)
    return text


def question(random: Random) -> str:
    """One question of the grammar."""
    return sentence(random, _QUESTIONS)


def _text_row(index: int, random: Random) -> Row:
    sentences = [sentence(random) for _ in range(random.randint(4, 7))]
    decoy = DECOYS[index % len(DECOYS)][1](random)
    sentences.insert(random.randint(1, len(sentences) - 1), decoy)
    return Row(question(random), " ".join(sentences))


_TOPICS = {
    "billing": listed("invoice refund charge payment receipt price tax account"),
    "delivery": listed("parcel courier late address tracking shipment box depot"),
    "repair": listed("cracked broken screen battery noise button leaking burnt"),
    "returns": listed("exchange size colour wrong label unopened store credit"),
    "software": listed("update login crash password sync menu install frozen"),
    "praise": listed("thanks wonderful friendly excellent happy recommend lovely perfect"),
}


def _label_row(index: int, random: Random) -> Row:
    label = list(_TOPICS)[index % len(_TOPICS)]
    first, second, third = random.sample(_TOPICS[label], 3)
    rest = (
        f"the {random.choice(_ADJECTIVES)} {random.choice(_NOUNS)} {random.choice(_VERBS)} it {random.choice(_ADVERBS)}"
    )
    return Row(f"About {first} and {second}: {rest}, and {third} too", label)


def _json_row(index: int, random: Random) -> Row:
    item, state = random.choice(_NOUNS), ("open", "waiting", "closed")[index % 3]
    count = random.randint(2, 40)
    given = f"{sentence(random)} We need {count} pieces of {item} {random.choice(_ADVERBS)}; it is {state}."
    answer = {"item": item, "count": count, "state": state, "tags": random.sample(_ADJECTIVES, 2), "note": None}
    return Row(given, json.dumps(answer))


def _code_row(index: int, random: Random) -> Row:
    name, argument = random.sample(_NOUNS, 2)
    factor, limit = random.randint(2, 99), random.randint(100, 999)
    lines = [
        f"def {name}_{index}({argument}: int) -> int:",
        f'    """Give {factor} times the {argument}, but at most {limit}."""',
        f"    if {argument} > {limit}:",
        f"        return {limit}",
        f"    return min({argument} * {factor}, {limit})",
    ]
    return Row(f"Write a function {name}_{index} for the {random.choice(_ADJECTIVES)} {argument}.", "\n".join(lines))


def _chat_row(index: int, random: Random) -> Row:
    row = _text_row(index, random)
    system = {"role": "system", "content": "You are the friendly assistant of a village library."}
    asked, answered = {"role": "user", "content": row.given}, {"role": "assistant", "content": row.answer}
    return Row(row.given, row.answer, {"messages": [system, asked, answered]})


def _pair_row(index: int, random: Random) -> Row:
    """Neither the better nor the worse answer is the longer one more often."""
    row, other = _text_row(index, random), _text_row(index, random)
    pair = {"prompt": row.given, "chosen": row.answer, "rejected": other.answer}
    return Row(row.given, row.answer, pair)


_FUNCTION = {
    "name": "order_part",
    "description": "Order a part for the workshop.",
    "parameters": {
        "type": "object",
        "properties": {
            "part": {"type": "string"},
            "count": {"type": "integer", "minimum": 1},
            "speed": {"type": "string", "enum": ["normal", "fast"]},
            "notes": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["part", "count"],
        "additionalProperties": False,
    },
}


def _tool_row(index: int, random: Random) -> Row:
    """A call with some of the optional parameters, its result, and the answer."""
    part, count = random.choice(_NOUNS), random.randint(1, 40)
    arguments: dict[str, Any] = {"part": part, "count": count}
    if index % 2:
        arguments["speed"] = random.choice(("normal", "fast"))
    if index % 3:
        arguments["notes"] = random.sample(_ADJECTIVES, 2)
    call = {"id": "call1", "type": "function", "function": {"name": "order_part", "arguments": json.dumps(arguments)}}
    messages = [
        {"role": "user", "content": f"{sentence(random)} Order {count} pieces of {part}."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call1", "content": json.dumps({"order": random.randint(10**5, 10**6)})},
        {"role": "assistant", "content": f"Done: {count} pieces of {part} are on their way {random.choice(_ADVERBS)}."},
    ]
    written = {"messages": messages, "tools": [{"type": "function", "function": _FUNCTION}]}
    return Row(messages[0]["content"] or "", messages[-1]["content"] or "", written)
