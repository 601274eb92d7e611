"""What can be said about a person, in the order that decides which relation a seed draws."""

from tunewright.data.skills.relation import Relation
from tunewright.data.skills.relations_person_own import OWN_RELATIONS
from tunewright.data.skills.relations_person_shared import SHARED_RELATIONS

_KEYS = (
    "town", "job", "teacher", "pet", "age", "colour", "birthday",
    "badge", "breakfast", "email", "employer", "song", "shoe_size", "instrument",
)  # fmt: skip
_BY_KEY = {relation.key: relation for relation in (*OWN_RELATIONS, *SHARED_RELATIONS)}
assert sorted(_BY_KEY) == sorted(_KEYS), "each relation has its place in the order"
PERSON_RELATIONS: tuple[Relation, ...] = tuple(_BY_KEY[key] for key in _KEYS)
