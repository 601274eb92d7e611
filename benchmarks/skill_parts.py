"""Where does a base fail: at tasks, or at the wordings and words of tasks that training did not have?

    python benchmarks/skill_parts.py [--models bundled ...] [--items 500] [--seed 7919]

Asks context answers and few-shot labels with what training uses and with what is held out, and counts the right ones
by kind. The seed is by default that of benchmarks/base_model.py; another one gives other items in the same wordings.
Prints a table; a minute a model of 11M parameters.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from base_model import ROWS_PER_BATCH
from base_model_skills import CONTEXT_ANSWER, FEW_SHOT_LABELS, ITEM_SEED, ask, score, with_room
from rich.console import Console
from rich.table import Table

from tunewright.contracts import SilentProgress
from tunewright.data.skills import Part, SkillItem, make_item
from tunewright.data.skills.words import BAD, CATEGORIES, GOOD
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import context_length, load_base
from tunewright.outside.hub import find_base
from tunewright.render import load_renderer
from tunewright.train.defaults import precision_here

PARTS: tuple[Part, ...] = ("train", "held_out")
_OPINIONS = frozenset(word for words in (GOOD, BAD) for word in (*words.train, *words.held_out))
_KINDS = frozenset(word for words in CATEGORIES for word in (*words.train, *words.held_out))


def kind_of(item: SkillItem) -> str:
    """What a table counts apart: whether the context has the answer; what decides the label of the asked text."""
    if item.skill == CONTEXT_ANSWER:
        return item.variant.replace("_", " ")
    # The asked text is in the last line or, where a form has its label below, in the one before.
    lines = [line for line in item.messages[-2].content.splitlines() if line.strip()]
    for line in reversed(lines[-2:]):
        words = set(re.findall("[a-z]+", line.lower()))
        if words & _OPINIONS:
            return "label by praise or blame"
        if words & _KINDS:
            return "label by the kind of a word"
    return "label by a name or a form"


def count_right(model: LanguageModel, items: Sequence[SkillItem]) -> dict[str, list[bool]]:
    """Answer the items, and tell by kind which answers are right."""
    right: dict[str, list[bool]] = defaultdict(list)
    for item, answer in zip(items, ask(with_room(model, items), items, SilentProgress()), strict=True):
        right[kind_of(item)].append(score(item, answer).value == 1.0)
    return right


def rows_of(model: LanguageModel, num_items: int, seed: int) -> Iterable[tuple[str, str, str]]:
    """The kind, and the share of right answers for each part."""
    for skill in (CONTEXT_ANSWER, FEW_SHOT_LABELS):
        by_part = [
            count_right(model, [make_item(skill, seed, index, part) for index in range(num_items)]) for part in PARTS
        ]
        for kind in sorted(by_part[0]):
            train, held_out = (f"{100 * sum(of[kind]) / len(of[kind]):.0f} % of {len(of[kind])}" for of in by_part)
            yield kind, train, held_out


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["bundled"], metavar="MODEL", help="bundled, folders or hub ids")
    parser.add_argument("--items", type=int, default=500, help="items of each skill and part")
    parser.add_argument("--seed", type=int, default=ITEM_SEED, help="of the items")
    chosen = parser.parse_args(arguments)
    table = Table("model", "right answers", "wordings of training", "held-out wordings")
    for name in chosen.models:
        folder = find_base(name).folder
        renderer = load_renderer(folder).fitted(context_length(folder), max_answer_tokens=1)
        model = LanguageModel(load_base(folder), renderer, precision_here()[0], ROWS_PER_BATCH)
        for row in rows_of(model, chosen.items, chosen.seed):
            table.add_row(name, *row)
    Console().print(table)


if __name__ == "__main__":
    main()
