"""From a skill's name, a seed and an index to the item."""

import random
from collections.abc import Callable

from tunewright.data.skills.arithmetic import make_arithmetic
from tunewright.data.skills.comparing import make_comparing
from tunewright.data.skills.context_answers import make_context_answer, make_multi_turn
from tunewright.data.skills.copying import make_copying
from tunewright.data.skills.extraction import make_json_extraction
from tunewright.data.skills.few_shot_labels import make_few_shot_labels
from tunewright.data.skills.format_following import make_format_following
from tunewright.data.skills.item import Draw, OpenWords, Part, SkillItem
from tunewright.data.skills.ordering import make_ordering
from tunewright.data.skills.rewriting import make_rewriting

_MAKERS: dict[str, Callable[[Draw], SkillItem]] = {
    "arithmetic": make_arithmetic,
    "comparing": make_comparing,
    "context_answer": make_context_answer,
    "copying": make_copying,
    "few_shot_labels": make_few_shot_labels,
    "format_following": make_format_following,
    "json_extraction": make_json_extraction,
    "multi_turn": make_multi_turn,
    "ordering": make_ordering,
    "rewriting": make_rewriting,
}
SKILLS: tuple[str, ...] = tuple(sorted(_MAKERS))


def make_item(
    skill: str,
    seed: int,
    index: int,
    part: Part,
    open_words: OpenWords | None = None,
    *,
    known_words: bool = False,
) -> SkillItem:
    """Make one task with its answer. The same arguments give the same item on every machine.

    Args:
        skill: one of SKILLS.
        seed: chooses the stream of items.
        index: the item's place in the stream; items can be made in any order.
        part: whose names, words and phrasings to use.
        open_words: what training may use besides; default: the skills' own lists alone.
        known_words: sort texts by words of training, whatever the part.
    Raises:
        KeyError: there is no such skill.
    """
    rng = random.Random(f"tunewright skill {skill} {part} {seed} {index}")  # noqa: S311  (variety, not secrecy)
    return _MAKERS[skill](Draw(rng, part, open_words or OpenWords(), known_words))
