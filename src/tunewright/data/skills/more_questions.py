"""Further questions for each relation, for the training of a base alone.

A small model that meets twelve questions for an employer does not know the thirteenth. Held-out items never use these:
those that measuring has stand in the relations themselves, and a test holds that none is here, too.
"""

from tunewright.data.skills import (
    more_questions_event,
    more_questions_order,
    more_questions_person,
    more_questions_place,
    more_questions_thing,
)
from tunewright.data.skills.more_reverse import REVERSE
from tunewright.data.skills.relation import Relation, lines

_QUESTIONS: dict[str, dict[str, str]] = {
    "person": more_questions_person.QUESTIONS,
    "place": more_questions_place.QUESTIONS,
    "thing": more_questions_thing.QUESTIONS,
    "event": more_questions_event.QUESTIONS,
    "order": more_questions_order.QUESTIONS,
}


def _by_relation(questions: dict[str, dict[str, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The templates by kind of subject and key."""
    return {(kind, key): lines(text) for kind, by_key in questions.items() for key, text in by_key.items()}


_MORE_QUESTIONS, _MORE_REVERSE = _by_relation(_QUESTIONS), _by_relation(REVERSE)


def more_questions(relation: Relation) -> tuple[str, ...]:
    """Further questions for the value of a subject."""
    return _MORE_QUESTIONS[relation.subject_kind, relation.key]


def more_reverse(relation: Relation) -> tuple[str, ...]:
    """Further questions for the subject by its value, for a relation that has some."""
    return _MORE_REVERSE[relation.subject_kind, relation.key]
