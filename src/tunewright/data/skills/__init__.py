"""Seeded in-context tasks that teach small models, and measure them.

Every name and word that matters is nonce, so an answer can only come from the prompt. Names, words and phrasings of
held-out items never occur in training items; the part of a nonce word is decided by its checksum.

    item, names, words     the item and its random choices; nonce words; ordinary words by kind
    layout                 context and question in one user turn, or context or task in the system turn
    facts                  what can be said about nonce subjects: the ground of most skills
    context_answers ...    one file per family of skills
    make                   a skill's name, a seed and an index to the item
    many_answers           rows of many answers, for training alone
    more_..., word_kinds   further questions and words, for the training of a base alone
"""

from tunewright.data.skills.context_answers import ANSWER_ABSENT
from tunewright.data.skills.item import OpenWords, Part, SkillItem
from tunewright.data.skills.make import SKILLS, make_item
from tunewright.data.skills.many_answers import MANY_ANSWERS, make_many_answers
from tunewright.data.skills.words import listed_words, measured_words, opinion_words

# Plain order, as in every package here; ruff would put constants first.
__all__ = [  # noqa: RUF022
    "ANSWER_ABSENT", "MANY_ANSWERS", "OpenWords", "Part", "SKILLS", "SkillItem", "listed_words", "make_item",
    "make_many_answers", "measured_words", "opinion_words",
]  # fmt: skip
