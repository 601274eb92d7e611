"""Write the demo data of an invented lamp maker: support tickets with their filing in strict JSON, and a handbook of
spare parts with questions (demo_handbook.py).

The tickets come from a small grammar, so one seed gives the same bytes everywhere. What a customer writes and what
the house files differ: "my reading lamp keeps blinking" is `repairs.flicker` of a `Mira`. What each
field means stands in src/tunewright/bundled/demo/README.md.

    python scripts/make_demo_data.py [FOLDER [SEED]]

One row:

    user       hello. you billed me two times for the desk lamp. order a4821. friday is my deadline.
    assistant  {"issue":"billing.double","severity":"S2","product":"Mira","order":"A-4821"}
"""

import json
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product as every_combination
from pathlib import Path
from typing import Any

from demo_handbook import write_handbook

SEED = 20
NUM_ROUNDS = 6
"""Rows of each (issue, severity, product): 8 x 3 x 5 x 6 = 720 rows with every label equally often."""
SHARE_WITH_ORDER = 0.6
SHARE_LOWER_CASE = 0.25
SHARE_WITH_TYPO = 0.2

DEFAULT_FOLDER = Path(__file__).parents[1] / "src" / "tunewright" / "bundled" / "demo"

ISSUES = {
    "billing.double": (
        "[I was|we were|I have been] [charged|billed] [twice|two times] for {it}",
        "you [charged|billed] me [twice|two times] for {it}",
        "there are two [payments|charges] on my [card|statement|account] for {it}",
        "my [card|account] was charged [twice|two times] for {it}",
        "I paid [twice|two times] for {it}",
    ),
    "billing.refund": (
        "I [returned|sent back] {it} and [still have no money back|saw no refund yet]",
        "where is [my refund|the refund|my money back] for {it}?",
        "you [promised|owe me] a refund for {it}",
        "the refund for {it} [is missing|is still not here|never came]",
        "I want my money back for {it}",
    ),
    "dispatch.late": (
        "{it} has [not arrived|not come|not been delivered] yet",
        "[I am|we are] still waiting for {it}",
        "where is [my parcel|the parcel|the delivery] with {it}?",
        "{it} should have [arrived|been delivered] [last week|days ago|a week ago]",
        "the [tracking|parcel] for {it} has not moved for [days|a week|two weeks]",
    ),
    "dispatch.damaged": (
        "{it} [arrived|came|was delivered] [broken|cracked|smashed]",
        "the box was [crushed|torn] and {it} is [broken|cracked]",
        "[I opened|we opened] the box and {it} was [broken|cracked|smashed]",
        "{it} has a [crack|broken foot] [from the delivery|out of the box]",
    ),
    "repairs.dead": (
        "{it} [does not|will not|won't] [turn on|switch on] [any more|at all]",
        "{it} [is dead|stays dark]",
        "{it} [stopped working|died|went dark] [after a day|last night|after a week]",
        "[nothing happens|it stays dark] when I [turn on|switch on] {it}",
    ),
    "repairs.flicker": (
        "{it} [flickers|blinks] [all the time|every evening|for hours]",
        "the light of {it} [flickers|blinks]",
        "{it} keeps [flickering|blinking]",
        "{it} [blinks like a disco|flickers like a candle]",
        "[I get|we get] a [flickering|blinking] light from {it}",
    ),
    "software.pairing": (
        "[the app|my phone] [cannot|can't|does not] find {it}",
        "{it} [will not|won't|does not] [connect to|pair with] [my phone|the wifi|the app]",
        "[pairing|connecting] {it} [with|to] [my phone|the wifi|the app] [fails|does not work]",
        "{it} keeps losing the [wifi|connection]",
        "I cannot [pair|connect] {it} [with|to] [my phone|the wifi|the app]",
    ),
    "software.crash": (
        "the app [crashes|closes itself|freezes] when I [open|choose|set up] {it}",
        "the app for {it} [crashes|freezes] [all the time|at the start|every time]",
        "your app [freezes|crashes] [as soon as|whenever] I [tap|open] {it}",
        "since the update the app [crashes|freezes] with {it}",
        "the app [keeps crashing|keeps freezing] on {it}",
    ),
}
"""House code (queue, then fault) to complaints: [a|b] is a choice, {it} the product."""

PRODUCTS = {
    "Mira": ("[the|my|our] desk lamp", "[the|my] reading lamp", "the lamp on my desk"),
    "Alta": ("[the|my|our] floor lamp", "[the|my] standing lamp", "the tall lamp"),
    "Riva": ("[the|my|our] light strip", "[the|my] led strip", "the light tape"),
    "Puck": ("[the|my|our] [bulb|light bulb]", "the smart bulb"),
    None: ("it", "[the|my|our] thing", "this item", "your product"),
}
"""House name to customers' words. Customers never use the house name; None is a ticket that names no product."""

IMPACTS = {
    "S1": (
        "[There was|I saw|we saw] [smoke|sparks]",
        "It smells [burnt|of smoke|of burning]",
        "[I got|my son got|my wife got] [an electric shock|a shock]",
    ),
    "S2": (
        "I need [this|it] [solved|fixed|done] [by|before] [Friday|Monday|tomorrow]",
        "[Friday|Tomorrow|Monday] is my deadline",
        "[My exam|The wedding|Our opening] is [tomorrow|on Friday|on Monday]",
    ),
    "S3": (
        *("",) * 3,
        "[No rush|No hurry|Take your time]",
        "It is [only a small thing|not so bad|just annoying]",
    ),
}
"""Severity to what the customer says: danger, a date, neither. Tone never counts: see GREETINGS and CLOSINGS."""

GREETINGS = (
    *("",) * 4,
    "[Hi|Hello|Hey|Good morning|Dear team]",
    "[Hi|Hello] [there|again|support|all]",
    "[URGENT|IMPORTANT|Help]",
    "[Unbelievable|What a mess|So angry now]",
)

CLOSINGS = (
    *("",) * 4,
    "[Thanks|Thank you|Many thanks|Cheers]",
    "[Please help|Please advise|What now?|Can you help?]",
    "[Worst service ever!|This is a joke!|I am furious!|Do something!!]",
    "[Regards|Best], [Ana|Tom|Li|Omar|Ruth|Jon]",
)

ORDER_MENTIONS = (
    "[Order|Order number|My order is|Order no.] {order}",
    "[It is|That is|This is] order {order}",
    "[Ref|Reference|Number] {order}",
)
ORDER_LETTERS = "ABKT"

ORDER_SPELLINGS = ("{letter}-{digits}", "{letter}-{digits}", "{letter}{digits}", "#{letter}-{digits}")
"""As customers write it; the house writes the first."""


class Dice:
    """Draws that stay the same on every Python version: only `random.random()` promises that."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def happens(self, share: float) -> bool:
        return self._random.random() < share

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def choose(self, options: Sequence[str]) -> str:
        return options[self.below(len(options))]

    def shuffle(self, items: list[dict[str, Any]]) -> None:
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]

    def write(self, patterns: tuple[str, ...]) -> str:
        """Choose a pattern, then one alternative in each of its [a|b] brackets."""
        return re.sub(r"\[([^]]*)\]", lambda bracket: self.choose(bracket[1].split("|")), self.choose(patterns))


@dataclass(frozen=True)
class Filing:
    """How the house files a ticket. The order of the fields is the order of the JSON keys."""

    issue: str
    severity: str
    product: str | None
    order: str | None

    def to_json(self) -> str:
        return json.dumps(vars(self), separators=(",", ":"))


def write_order(dice: Dice) -> tuple[str, str]:
    """Make an order number as the house files it and as a customer writes it."""
    letter = dice.choose(ORDER_LETTERS)
    digits = f"{dice.below(10_000):04}"
    return f"{letter}-{digits}", dice.choose(ORDER_SPELLINGS).format(letter=letter, digits=digits)


def write_ticket(dice: Dice, issue: str, severity: str, product: str | None, written_order: str | None) -> str:
    """Put a ticket together: complaint before impact, the order number anywhere, greeting and closing around."""
    complaint = dice.write(ISSUES[issue]).format(it=dice.write(PRODUCTS[product]))
    sentences = [complaint, dice.write(IMPACTS[severity])]
    if written_order:
        mention = dice.write(ORDER_MENTIONS).format(order=written_order)
        sentences.insert(dice.below(len(sentences) + 1), mention)
    sentences = [dice.write(GREETINGS), *sentences, dice.write(CLOSINGS)]
    text = " ".join(punctuate(sentence) for sentence in sentences if sentence)
    if dice.happens(SHARE_WITH_TYPO):
        text = misspell(dice, text)
    return text.lower() if dice.happens(SHARE_LOWER_CASE) else text


def punctuate(sentence: str) -> str:
    """Give a sentence its capital letter and, where it has no mark of its own, its full stop."""
    return sentence[0].upper() + sentence[1:] + ("" if sentence[-1] in ".?!" else ".")


def misspell(dice: Dice, text: str) -> str:
    """Swap, drop or double one inner letter of one word of at least five letters; order numbers stay whole."""
    words = list(re.finditer(r"[A-Za-z]{5,}", text))
    word = words[dice.below(len(words))]
    at = word.start() + 1 + dice.below(len(word[0]) - 3)
    first, second = text[at], text[at + 1]
    return text[:at] + dice.choose((second + first, second, first + first + second)) + text[at + 2 :]


def make_rows(seed: int = SEED) -> list[dict[str, Any]]:
    """Make all rows in chat-messages form: every label equally often, no two tickets alike, in shuffled order."""
    dice = Dice(seed)
    rows: dict[str, dict[str, Any]] = {}
    for _, issue, severity, product in every_combination(range(NUM_ROUNDS), ISSUES, IMPACTS, PRODUCTS):
        order, written_order = write_order(dice) if dice.happens(SHARE_WITH_ORDER) else (None, None)
        ticket = write_ticket(dice, issue, severity, product, written_order)
        while ticket in rows:
            ticket = write_ticket(dice, issue, severity, product, written_order)
        filing = Filing(issue, severity, product, order)
        rows[ticket] = {
            "messages": [{"role": "user", "content": ticket}, {"role": "assistant", "content": filing.to_json()}]
        }
    shuffled = list(rows.values())
    dice.shuffle(shuffled)
    return shuffled


def main() -> None:
    """Write the files into the package, or into the folder (and with the seed) named on the command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FOLDER
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    folder.mkdir(parents=True, exist_ok=True)
    rows = make_rows(seed)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "tickets.jsonl").write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(rows)} tickets and {write_handbook(folder, seed)} questions -> {folder}")


if __name__ == "__main__":
    main()
