"""Following a stated format: the content comes from the context, the form from the system or the user turn."""

from collections.abc import Callable

from tunewright.data.skills.copying import draw_list
from tunewright.data.skills.facts import ask_about, draw_facts, new_fact, write_passage
from tunewright.data.skills.item import Draw, Parted, SkillItem
from tunewright.data.skills.layout import Prompt, answered, ask_question, system_turn, user_turn
from tunewright.data.skills.relations import RELATIONS, RELATIONS_BY_KIND

_VALUE_FORMATS: dict[str, tuple[Parted, Callable[[str], str]]] = {
    "answer_line": (
        Parted(
            'Write your reply as "Answer: <answer>".', 'Begin with "Answer:" and then give the answer.',
            "Use the format Answer: <answer>.", 'Put "Answer:" before the answer.',
        ),
        lambda value: f"Answer: {value}",
    ),
    "brackets": (
        Parted(
            "Put the answer in square brackets.", "Write the answer between [ and ].", "Format: [answer]",
            "Enclose your answer in [ ].",
        ),
        lambda value: f"[{value}]",
    ),
    "quotes": (
        Parted(
            "Put the answer in double quotes.", 'Write the answer between " and ".', 'Format: "answer"',
            'Enclose your answer in " ".',
        ),
        lambda value: f'"{value}"',
    ),
    "upper_case": (
        Parted(
            "Write the answer in capital letters.", "Answer in upper case.", "Use capitals only.",
            "Let your answer be all capitals.",
        ),
        str.upper,
    ),
    "tags": (
        Parted(
            "Write the answer as <answer>...</answer>.", "Put the answer between <answer> and </answer>.",
            "Format: <answer>your answer</answer>", "Enclose your answer in <answer> tags.",
        ),
        lambda value: f"<answer>{value}</answer>",
    ),
    "full_stop": (
        Parted(
            'Say "It is" before the answer and end with a full stop.', 'Reply in the form "It is <answer>."',
            "Format: It is <answer>.", 'Let the answer be a sentence that starts with "It is".',
        ),
        lambda value: f"It is {value}.",
    ),
}  # fmt: skip

_LIST_FORMATS: dict[str, tuple[Parted, Callable[[list[str]], str]]] = {
    "bullets": (
        Parted(
            "Write the items as a bullet list with -.", "Make a bullet list: each line begins with a dash.",
            "Give each item its own line that starts with -.", "Turn the items into lines that begin with a dash.",
        ),
        lambda items: "\n".join(f"- {item}" for item in items),
    ),
    "numbered": (
        Parted(
            "Write the items as a numbered list.", "Number the items 1., 2. and so on, one on each line.",
            "Make numbered lines of the items.", "Give every item a line with its number, as in 1. and 2.",
        ),
        lambda items: "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1)),
    ),
    "semicolons": (
        Parted(
            "Write the items with semicolons between them.", "Separate the items by semicolons.",
            "Join the items with ; on one line.", "List the items on one line, parted by semicolons.",
        ),
        "; ".join,
    ),
    "one_per_line": (
        Parted(
            "Write each item on its own line.", "Put one item on each line.", "Give the items line by line.",
            "Let every line have one item and no sign before it.",
        ),
        "\n".join,
    ),
}  # fmt: skip

_KEY_VALUE = Parted(
    "Write the facts as lines of key: value, with the keys {keys}.",
    "For {keys}, give one line each in the form key: value.",
    "Answer in lines such as key: value. Keys: {keys}.",
    "Fill in one line for each of {keys}, in the form key: value.",
)
_ITEMS = (
    "{n} bought {items}.",
    "{n} has these things in a bag: {items}.",
    "On the list of {n} there are {items}.",
    "{n} saw {items}.",
)


def _write_value(draw: Draw, variant: str) -> SkillItem:
    formats, apply = _VALUE_FORMATS[variant]
    facts = draw_facts(draw, draw.whole(1, 4), draw.choice(RELATIONS))
    question = ask_about(draw, facts[0].relation, facts[0].subject)
    passage, rule, answer = write_passage(draw, facts), draw.pick(formats), apply(str(facts[0].value))
    if draw.chance(0.4):
        prompt: Prompt = (system_turn(rule), user_turn(f"{passage}\n\n{question}"))
    else:
        prompt = ask_question(draw, passage, f"{question} {rule}" if draw.chance(0.7) else f"{rule} {question}")
    return answered("format_following", prompt, answer, variant)


def _write_items(draw: Draw, variant: str) -> SkillItem:
    formats, apply = _LIST_FORMATS[variant]
    items = draw_list(draw, draw.whole(2, 6))
    text = draw.choice(_ITEMS).format(n=draw.name(), items=f"{', '.join(items[:-1])} and {items[-1]}")
    return _ask(draw, text, draw.pick(formats), apply(items), variant)


def _write_keys(draw: Draw, variant: str) -> SkillItem:
    kind = draw.choice(tuple(RELATIONS_BY_KIND))
    relations = draw.sample(RELATIONS_BY_KIND[kind], draw.whole(2, 4))
    facts = [new_fact(draw, relations[0])]
    facts += [new_fact(draw, relation, facts[0].subject) for relation in relations[1:]]
    asked = draw.shuffled(facts)[: draw.whole(2, 3)]
    rule = draw.phrase(_KEY_VALUE, keys=", ".join(fact.relation.key for fact in asked))
    answer = "\n".join(f"{fact.relation.key}: {fact.value}" for fact in asked)
    return _ask(draw, write_passage(draw, facts), rule, answer, variant)


def _ask(draw: Draw, text: str, rule: str, answer: str, variant: str) -> SkillItem:
    if draw.chance(0.4):
        prompt: Prompt = (system_turn(rule), user_turn(text))
    else:
        prompt = (user_turn(f"{text}\n\n{rule}" if draw.chance(0.5) else f"{rule}\n\n{text}"),)
    return answered("format_following", prompt, answer, variant)


_KEY_VALUE_VARIANT = "key_value"
_VARIANTS = (*_VALUE_FORMATS, *_LIST_FORMATS, _KEY_VALUE_VARIANT)


def make_format_following(draw: Draw) -> SkillItem:
    """Ask for one value, a list or some facts of the context in a stated format."""
    variant = draw.choice(_VARIANTS)
    if variant in _VALUE_FORMATS:
        return _write_value(draw, variant)
    if variant in _LIST_FORMATS:
        return _write_items(draw, variant)
    return _write_keys(draw, variant)
