"""Extraction to strict JSON: the asked keys, in the asked order, null for what the text leaves out."""

import json

from tunewright.data.skills.facts import Fact, new_fact, write_passage
from tunewright.data.skills.item import Draw, Parted, SkillItem, counted
from tunewright.data.skills.layout import answered, ask_task
from tunewright.data.skills.relations import RELATIONS_BY_KIND, Value

MOST_KEYS = 5
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
    "Which values does the text give for {keys}? Reply with a JSON object.",
    "Output format: JSON. Fields: {keys}.",
    "Could you pull {keys} out of the text, please? I need JSON.",
    "Convert the information to a JSON object whose keys are {keys}.",
    "Look for {keys} and report what you find as JSON.",
    "Produce one JSON object and nothing else. It must have exactly these keys: {keys}.",
    "Summarise the text as JSON ({keys}).",
    "As JSON, please: {keys}.",
    "Parse the text. Wanted fields: {keys}. Answer in JSON.",
    "The result should be JSON with {keys} as its keys.",
    "Get me {keys} in JSON.",
    "Store {keys} in a JSON object, keeping the order of the keys.",
    "Read the passage and list {keys} as a JSON object without any comment.",
    "Task: information extraction. Keys: {keys}. Format: JSON.",
    "Your job is to find {keys}. Return them as JSON on one line.",
    "My program reads JSON. Send it an object with {keys}.",
)
_TEMPLATES = Parted(
    "Fill in this JSON: {template}",
    "Complete the template with values from the text.\n{template}",
    "Return JSON in this form:\n{template}",
    "Use this JSON template: {template}",
    "Answer with this object, its values filled in: {template}",
    "Here is an empty record. Fill it from the text.\n{template}",
    "Replace the empty values by what the text says: {template}",
    "The reply must look like this, with the values added:\n{template}",
    "Schema: {template}",
    "Extract the data into the schema below. Output only JSON.\n{template}",
    "Please fill this out: {template}",
    "Take the values from the text and put them in here:\n{template}",
    "Format of the answer:\n{template}",
    "Give me {template} with every value that the text states.",
    "Output a JSON object of this shape: {template}",
    "I have a form in JSON. Write the missing values into it.\n{template}",
)
_KEY_LISTS = Parted(
    "Extract these fields as JSON:\n{bullets}",
    "Return JSON with these keys:\n{bullets}",
    "I need the following as a JSON object.\n{bullets}",
    "Find each of these in the text and answer in JSON:\n{bullets}",
    "Fields:\n{bullets}\nFormat: JSON",
    "Write a JSON object. Keys, in this order:\n{bullets}",
    "Please collect the points below and reply with JSON only.\n{bullets}",
    "The JSON must have one key for each line:\n{bullets}",
    "# Keys\n{bullets}\n\nAnswer in JSON.",
    "Turn the text into a record with\n{bullets}\nand write it as JSON.",
    "What does the text say about these? Output JSON.\n{bullets}",
    "Keys to extract:\n{bullets}\nGive the result as JSON.",
    "Output: JSON. Wanted:\n{bullets}",
    "My JSON needs these entries, please:\n{bullets}",
    "List of keys:\n{bullets}\n\nMake a JSON object that has them all.",
    "Go through the text. For every key here, note the value, and send it all as JSON.\n{bullets}",
)
_NULL_RULES = Parted(
    "Use null where the text says nothing.",
    "Write null for what is missing.",
    "A missing value is null.",
    "If something is not there, put null.",
    "Unknown values become null.",
    "Set a key to null when the text has no value for it.",
    "Where there is no information, use null.",
    "Anything the text leaves out is null.",
    "Keys without a value get null.",
    "If a field is not mentioned, its value is null.",
    "Put null for whatever is not stated.",
    "Do not invent values: write null instead.",
    "null stands for a value that cannot be found.",
    "Should the text not mention a key, give it the value null.",
    "Not in the text? Then null.",
    "Use null, not an empty string, for unknown fields.",
)
_KEY_SEPARATORS = (", ", '", "', " | ")
_BULLETS = ("- ", "* ", "• ")
_TAIL_LEADS = (
    "all", "as", "as in", "by", "each", "exactly", "for", "for the", "from the", "in", "in the", "just", "like", "of",
    "on", "only", "to", "under", "with", "with the", "without",
)  # fmt: skip
"""What may begin the words behind a list of keys."""


def fields_of(draw: Draw, facts: list[Fact], num: int) -> dict[str, Value | None]:
    """Choose num keys with their values: the subject itself, stated facts and, now and then, one not stated."""
    relations = RELATIONS_BY_KIND[facts[0].relation.subject_kind]
    values: dict[str, Value | None] = {fact.relation.key: fact.value for fact in facts}
    values |= {"name": facts[0].subject} if facts[0].relation.subject_kind in ("person", "place") else {}
    asked = draw.sample(list(values), min(num, len(values)))
    left_out = [relation.key for relation in relations if relation.key not in values]
    if left_out and draw.chance(_NULL_SHARE * num):
        asked[draw.whole(0, len(asked) - 1)] = draw.choice(left_out)
    return {key: values.get(key) for key in asked}


def _instruction(draw: Draw, keys: list[str]) -> str:
    """Name the keys in a sentence, in a JSON template with empty values, or in a list with bullets."""
    form = draw.rng.random()
    if form < 0.15:
        indent = 2 if draw.chance(0.4) else None
        return draw.phrase(_TEMPLATES, template=json.dumps(dict.fromkeys(keys, ""), indent=indent))
    if form < 0.3:
        bullet = draw.choice(_BULLETS)
        return draw.phrase(_KEY_LISTS, bullets="\n".join(f"{bullet}{key}" for key in keys))
    separator = draw.choice(_KEY_SEPARATORS)
    listed = separator.join(keys)
    return draw.phrase(_INSTRUCTIONS, keys=(f'"{listed}"' if '"' in separator else listed) + _tail(draw))


def _tail(draw: Draw) -> str:
    """Write words behind a list of keys that ask for nothing, or none.

    Only in training with open words. Without them a small model takes what follows a list in a new wording
    (`, in this order`) for further keys.
    """
    if not draw.open_words.words or not draw.chance(0.4):
        return ""
    words = [draw.choice(_TAIL_LEADS), *(draw.choice(draw.open_words.words) for _ in range(draw.whole(1, 3)))]
    return draw.choice((", ", " ", " - ")) + " ".join(words)


def instruction_for(draw: Draw, fields: dict[str, Value | None]) -> str:
    """Ask for the keys, with the rule for missing values where one is missing."""
    instruction = _instruction(draw, list(fields))
    if None not in fields.values() and not draw.chance(0.3):
        return instruction
    gap = "\n" if "\n" in instruction else " "
    return f"{instruction}{gap}{draw.wording(_NULL_RULES)}"


def draw_record(draw: Draw, num_keys: int) -> list[Fact]:
    """Make num_keys facts or up to two more, all about one subject."""
    relations = RELATIONS_BY_KIND[draw.choice([kind for kind in _KINDS if len(RELATIONS_BY_KIND[kind]) >= num_keys])]
    num_facts = draw.whole(num_keys, min(len(relations), num_keys + 2))
    facts: list[Fact] = []
    for relation in draw.sample(relations, num_facts):
        facts.append(new_fact(draw, relation, facts[0].subject if facts else None))
    return facts


def write_record(draw: Draw, facts: list[Fact]) -> str:
    """State the facts in sentences or, now and then, in lines of attribute and value."""
    if not draw.chance(0.15):
        return write_passage(draw, facts)
    lines = "\n".join(f"{fact.relation.attribute}: {fact.value}" for fact in facts)
    return f"{facts[0].subject}\n{lines}"


def make_json_extraction(draw: Draw) -> SkillItem:
    """Ask for one to five values of a text about one subject, which may state more than is asked."""
    num_keys = draw.whole(1, MOST_KEYS)
    facts = draw_record(draw, num_keys)
    fields = fields_of(draw, facts, num_keys)
    instruction = instruction_for(draw, fields)
    text = write_record(draw, facts)
    return answered("json_extraction", ask_task(draw, text, instruction), json.dumps(fields), counted(num_keys, "key"))
