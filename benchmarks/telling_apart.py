"""Does a base tell subjects apart? Facts of one kind about several made-up subjects, and a question about one of them.

    python benchmarks/telling_apart.py [--models bundled ../shared/models/mini-base-v0 ...] [--items 100]

A base that copies from its prompt but answers with the value of any subject is right in one of K cases. Names are
held out from training. Prints a table; some seconds a model of 11M parameters.
"""

import argparse
import random
from collections.abc import Sequence

from base_model import MODELS
from rich.console import Console
from rich.table import Table

from tunewright.contracts import ChatModel
from tunewright.data.skills.item import Draw
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import context_length, load_base
from tunewright.outside.hub import find_base
from tunewright.records import Message
from tunewright.render import load_renderer
from tunewright.train.defaults import precision_here

FORMS = {
    "name: value": ("{s}: {v}", "{s}?"),
    "subject first": ("{s} has a pet called {v}.", "What is the pet of {s} called?"),
    "value first": ("{v} is the pet of {s}.", "What is the pet of {s} called?"),
}
"""Statement and question; s is the subject and v the value."""
NUM_SUBJECTS = (1, 2, 4, 8)


def share_right(model: ChatModel, form: str, num_subjects: int, num_items: int) -> float:
    """Share of the questions that are answered with the value of the subject that they name."""
    statement, question = FORMS[form]
    prompts, wanted = [], []
    for item in range(num_items):
        draw = Draw(random.Random(f"{form} {num_subjects} {item}"), "held_out")
        values = {draw.name(): draw.name() for _ in range(num_subjects)}
        asked = draw.choice(list(values))
        stated = "\n".join(statement.format(s=subject, v=value) for subject, value in values.items())
        prompts.append([Message(role="user", content=f"{stated}\n\n{question.format(s=asked)}")])
        wanted.append(values[asked])
    answers = model.answer(prompts, lambda *_: None)
    return sum(answer.text == value for answer, value in zip(answers, wanted, strict=True)) / num_items


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS[:2], metavar="MODEL", help="bundled, folders or hub ids")
    parser.add_argument("--items", type=int, default=100, help="questions of each cell")
    chosen = parser.parse_args(arguments)
    table = Table("model", "form", *(f"{number} subjects" if number > 1 else "1 subject" for number in NUM_SUBJECTS))
    for name in chosen.models:
        folder = find_base(name).folder
        renderer = load_renderer(folder).fitted(context_length(folder), max_answer_tokens=16)
        model = LanguageModel(load_base(folder), renderer, precision_here()[0], rows_per_batch=64)
        for form in FORMS:
            shares = [share_right(model, form, number, chosen.items) for number in NUM_SUBJECTS]
            table.add_row(name, form, *(f"{100 * share:.0f} %" for share in shares))
    Console().print(table)


if __name__ == "__main__":
    main()
