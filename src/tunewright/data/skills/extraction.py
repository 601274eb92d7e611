"""Extraction to strict JSON: the asked keys, in the asked order, null for what the text leaves out."""

import json

from tunewright.data.skills.facts import Fact, new_fact, write_passage
from tunewright.data.skills.item import Draw, Parted, SkillItem, counted
from tunewright.data.skills.layout import answered, ask_task
from tunewright.data.skills.relations import RELATIONS_BY_KIND, Value

_MOST_KEYS = 5
_NULL_SHARE = 0.1
_KINDS = tuple(RELATIONS_BY_KIND)

_INSTRUCTIONS = Parted(
    "Extract {keys} as JSON.",
    "Return a JSON object with these keys: {keys}.",
    "Write JSON with the keys {keys}.",
    "Give me the data as JSON. Keys: {keys}.",
    "Fill a JSON object. Its keys are {keys}.",
    "Find {keys} in the text and answer in JSON.",
    "Turn the text into JSON with the keys {keys}.",
    "Put what the text says into JSON. Use the keys {keys}, in this order.",
    "JSON keys: {keys}.",
    "Read the text and output only JSON with {keys}.",
    "I need one line of JSON with {keys}.",
    "From the text, collect {keys}. Reply in JSON.",
    "Answer with JSON only. The keys are {keys}.",
    "Please extract the fields {keys} to JSON.",
    "Take {keys} from the text. Output: JSON.",
    "Make a JSON record of the text that has the fields {keys}.",
)
_NULL_RULES = Parted(
    "Use null where the text says nothing.",
    "Write null for what is missing.",
    "A missing value is null.",
    "If something is not there, put null.",
)
_KEY_SEPARATORS = (", ", '", "', " | ")


def _fields(draw: Draw, facts: list[Fact], num: int) -> dict[str, Value | None]:
    """Choose num keys with their values: the subject itself, stated facts and, now and then, one not stated."""
    relations = RELATIONS_BY_KIND[facts[0].relation.subject_kind]
    values: dict[str, Value | None] = {fact.relation.key: fact.value for fact in facts}
    values |= {"name": facts[0].subject} if facts[0].relation.subject_kind in ("person", "place") else {}
    asked = draw.sample(list(values), min(num, len(values)))
    left_out = [relation.key for relation in relations if relation.key not in values]
    if left_out and draw.chance(_NULL_SHARE * num):
        asked[draw.whole(0, len(asked) - 1)] = draw.choice(left_out)
    return {key: values.get(key) for key in asked}


def make_json_extraction(draw: Draw) -> SkillItem:
    """Ask for one to five values of a text about one subject, which may state more than is asked."""
    num_keys = draw.whole(1, _MOST_KEYS)
    relations = RELATIONS_BY_KIND[draw.choice([kind for kind in _KINDS if len(RELATIONS_BY_KIND[kind]) >= num_keys])]
    num_facts = draw.whole(num_keys, min(len(relations), num_keys + 2))
    facts: list[Fact] = []
    for relation in draw.sample(relations, num_facts):
        facts.append(new_fact(draw, relation, facts[0].subject if facts else None))
    fields = _fields(draw, facts, num_keys)
    separator = draw.choice(_KEY_SEPARATORS)
    keys = separator.join(fields)
    instruction = draw.phrase(_INSTRUCTIONS, keys=f'"{keys}"' if '"' in separator else keys)
    if None in fields.values() or draw.chance(0.3):
        instruction = f"{instruction} {draw.pick(_NULL_RULES)}"
    if draw.chance(0.15):
        text = "\n".join(f"{fact.relation.attribute}: {fact.value}" for fact in facts)
        text = f"{facts[0].subject}\n{text}"
    else:
        text = write_passage(draw, facts)
    return answered("json_extraction", ask_task(draw, text, instruction), json.dumps(fields), counted(num_keys, "key"))
