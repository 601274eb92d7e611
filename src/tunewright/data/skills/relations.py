"""What can be said about nonce people, places, objects, events and orders.

A relation says one thing about one kind of subject. It can be stated, asked for, and named as a JSON key. Each bank of
questions holds every fourth question back for held-out items.
"""

from tunewright.data.skills.relation import Relation, Value, full_name
from tunewright.data.skills.relations_event import EVENT_RELATIONS
from tunewright.data.skills.relations_order import ORDER_RELATIONS
from tunewright.data.skills.relations_person import PERSON_RELATIONS
from tunewright.data.skills.relations_place import PLACE_RELATIONS
from tunewright.data.skills.relations_thing import THING_RELATIONS

__all__ = ["RELATIONS", "RELATIONS_BY_KIND", "Relation", "Value", "full_name"]

RELATIONS_BY_KIND: dict[str, tuple[Relation, ...]] = {
    "person": PERSON_RELATIONS,
    "place": PLACE_RELATIONS,
    "thing": THING_RELATIONS,
    "event": EVENT_RELATIONS,
    "order": ORDER_RELATIONS,
}
RELATIONS: tuple[Relation, ...] = tuple(relation for kind in RELATIONS_BY_KIND.values() for relation in kind)
