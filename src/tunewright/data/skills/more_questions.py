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


def _by_relation(questions: dict[str, dict[str, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The templates of each kind of subject and key."""
    return {
        (kind, key): tuple(line.strip() for line in text.strip().splitlines())
        for kind, of_kind in questions.items()
        for key, text in of_kind.items()
    }


MORE_QUESTIONS = _by_relation(
    {
        "person": more_questions_person.QUESTIONS,
        "place": more_questions_place.QUESTIONS,
        "thing": more_questions_thing.QUESTIONS,
        "event": more_questions_event.QUESTIONS,
        "order": more_questions_order.QUESTIONS,
    }
)
MORE_REVERSE = _by_relation(
    {
        "person": more_questions_person.REVERSE,
        "place": more_questions_place.REVERSE,
        "order": more_questions_order.REVERSE,
    }
)
"""Questions for the subject by its value."""
