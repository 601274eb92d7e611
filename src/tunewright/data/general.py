"""General rows: what is mixed among the user's rows when training alone loses too much of what the base could do.

Some are short English texts that come with the package, most are generated tasks (`data/skills`). Neither is in the
retention suite: its texts are others, and its tasks have names, words and phrasings that no training item has.
"""

from functools import cache
from importlib.resources import files

from tunewright.data.skills import SKILLS, make_item
from tunewright.records import Conversation, Example, PlainText, Provenance

SEED = 20_261_126
"""Of the generated tasks."""
ITEMS_PER_SKILL = 20
"""200 tasks in all."""


@cache
def general_rows() -> tuple[Example, ...]:
    """All of them, the texts first. The same ones on every machine."""
    path = files("tunewright") / "bundled" / "rehearsal" / "texts.txt"
    texts = [PlainText(text=line) for line in path.read_text(encoding="utf-8").splitlines()]
    tasks = [
        Conversation(messages=make_item(skill, SEED, index, "train").messages)
        for skill in SKILLS
        for index in range(ITEMS_PER_SKILL)
    ]
    return tuple(
        Example(body=body, provenance=Provenance(source="general rows", row=number))
        for number, body in enumerate((*texts, *tasks), start=1)
    )
