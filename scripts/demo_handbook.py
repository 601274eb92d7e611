"""A small handbook of spare parts for the demo's lamp maker, questions about it, and how it reads after new prices.

Names are invented, so an answer can only come from the handbook. All questions about one part carry its name in the
field `part`, by which they are split: what the test asks, no training row answers.

    The Vorbel dimmer costs 34 euros. ...      ## Vorbel dimmer, in handbook/parts.md
    user       How much is the Vorbel dimmer?
    assistant  34 euros
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

NUM_PARTS = 60
KINDS = ("charger", "dimmer", "shade", "stand", "cable", "clip", "sensor", "bracket")
MATERIALS = ("brass", "steel", "glass", "linen", "oak", "paper", "copper", "cork")
STARTS = ("Vor", "Lum", "Bris", "Tal", "Quen", "Mar", "Sol", "Dren", "Fip", "Gol", "Har", "Jun", "Kes", "Nem", "Ost")
ENDS = ("bel", "ken", "dra", "mo", "tix", "van", "lo", "sen", "gar", "wick")

Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A spare part and what the handbook says about it."""

    name: str
    price: int
    shelf: str
    material: str
    maker: str

    def section(self) -> str:
        """Its section of the handbook: one passage."""
        return (
            f"## {self.name}\n\n"
            f"The {self.name} costs {self.price} euros. The {self.name} is made of {self.material}. "
            f"It is on shelf {self.shelf}. The maker of the {self.name} is {self.maker}.\n"
        )

    def price_rows(self) -> list[Row]:
        """Questions whose answer new prices change."""
        return [
            self._row(f"What does the {self.name} cost?", f"{self.price} euros"),
            self._row(f"How much is the {self.name}?", f"{self.price} euros"),
        ]

    def other_row(self, place: int) -> Row:
        """A question whose answer stays: material, shelf and maker in turn."""
        asked = (
            (f"What is the {self.name} made of?", self.material),
            (f"On which shelf is the {self.name}?", self.shelf),
            (f"Who is the maker of the {self.name}?", self.maker),
        )
        return self._row(*asked[place % len(asked)])

    def _row(self, question: str, answer: str) -> Row:
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return {"messages": messages, "part": self.name}


class Draws:
    """Choices that stay the same on every Python version: only `random.random()` promises that."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"demo handbook {seed}")

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def choose(self, options: Sequence[str]) -> str:
        return options[self.below(len(options))]

    def name(self) -> str:
        return self.choose(STARTS) + self.choose(ENDS)


def make_parts(seed: int) -> list[Part]:
    """The parts, each with a name that no other has."""
    draws, parts, names = Draws(seed), [], set[str]()
    while len(parts) < NUM_PARTS:
        name = draws.name()
        if name in names:
            continue
        names.add(name)
        parts.append(
            Part(
                name=f"{name} {KINDS[len(parts) % len(KINDS)]}",
                price=5 + draws.below(90),
                shelf=f"{draws.choose('BCDFGHKLMNPRST')}-{draws.below(90) + 10}",
                material=draws.choose(MATERIALS),
                maker=draws.name(),
            )
        )
    return parts


def with_new_prices(parts: Sequence[Part]) -> list[Part]:
    """Every second part costs between a third and two thirds more."""
    return [
        replace(part, price=part.price + 3 + part.price // 2) if place % 2 == 0 else part
        for place, part in enumerate(parts)
    ]


def write_handbook(folder: Path, seed: int) -> int:
    """Write questions, handbook, updated handbook and updated answers; returns the number of questions."""
    parts = make_parts(seed)
    updated = with_new_prices(parts)
    rows = [row for place, part in enumerate(parts) for row in (*part.price_rows(), part.other_row(place))]
    changed = [row for old, new in zip(parts, updated, strict=True) if old != new for row in new.price_rows()]
    _write_lines(folder / "questions.jsonl", rows)
    _write_lines(folder / "updated-answers.jsonl", changed)
    for name, edition in (("handbook", parts), ("updated-handbook", updated)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        text = "# Spare parts\n\n" + "\n".join(part.section() for part in edition)
        (folder / name / "parts.md").write_text(text, encoding="utf-8", newline="\n")
    return len(rows)


def _write_lines(path: Path, rows: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8", newline="\n")
