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
            "Your reply starts with the word Answer and a colon.",
            'Reply like this: "Answer: ..."',
            "Output format: Answer: ...",
            'Please lead with "Answer:" and then say it.',
            "Format: Answer: <your answer>",
            'The reply must have the form "Answer: X", where X is the answer.',
            "Mark your answer with Answer: in front.",
            'Give one line. It begins with "Answer:" and ends with the answer.',
            'Write "Answer:", a space, and the answer.',
            "Answer: should stand before what you answer.",
            "Prefix the answer with Answer:",
            'Respond in this shape: "Answer: ___".',
        ),
        lambda value: f"Answer: {value}",
    ),
    "brackets": (
        Parted(
            "Put the answer in square brackets.", "Write the answer between [ and ].", "Format: [answer]",
            "Enclose your answer in [ ].",
            "Use square brackets around the answer.",
            "[ and ] go around the answer.",
            "Reply with the answer in brackets, as in [answer].",
            "Please bracket the answer: [like this].",
            "The answer must stand inside square brackets.",
            "Open a square bracket, write the answer, close the bracket.",
            "Output: [your answer]",
            "Wrap the answer in square brackets and write nothing else.",
            "Answer in this form: [...]",
            "Surround what you answer by [ and ].",
            "I want the answer within [ ].",
            "Square brackets, please, with the answer in them.",
        ),
        lambda value: f"[{value}]",
    ),
    "quotes": (
        Parted(
            "Put the answer in double quotes.", 'Write the answer between " and ".', 'Format: "answer"',
            'Enclose your answer in " ".',
            "Use double quotation marks around the answer.",
            'Quote the answer: "like this".',
            "Reply with the answer in double quotes and nothing else.",
            'Please set the answer in " ".',
            "The answer must stand inside double quotation marks.",
            "Open a double quote, write the answer, close the quote.",
            'Output: "your answer"',
            "Wrap your answer in double quotes.",
            'Answer in this form: "..."',
            "Surround what you answer by double quotation marks.",
            "I want the answer within double quotes.",
            "Double quotes, please, with the answer in them.",
        ),
        lambda value: f'"{value}"',
    ),
    "upper_case": (
        Parted(
            "Write the answer in capital letters.", "Answer in upper case.", "Use capitals only.",
            "Let your answer be all capitals.",
            "ANSWER IN CAPITALS.",
            "The answer should be in upper case.",
            "Please reply in capital letters.",
            "Write every letter of the answer as a capital.",
            "Upper case only.",
            "Output the answer in uppercase.",
            "Give the answer in big letters, like THIS.",
            "No small letters in the answer, please.",
            "Capitalise all letters of your answer.",
            "All caps.",
            "Your reply must be in capital letters from start to end.",
            "Shout the answer: capitals all through.",
        ),
        str.upper,
    ),
    "tags": (
        Parted(
            "Write the answer as <answer>...</answer>.", "Put the answer between <answer> and </answer>.",
            "Format: <answer>your answer</answer>", "Enclose your answer in <answer> tags.",
            "Use <answer> tags around the answer.",
            "Open with <answer> and close with </answer>; the answer stands between them.",
            "Reply in this form: <answer>...</answer>",
            "Please wrap the answer in <answer></answer>.",
            "Output: <answer>X</answer>, where X is the answer.",
            "The answer must stand inside an <answer> element.",
            "Surround what you answer by <answer> and </answer>.",
            "As XML, please, with the one tag answer: <answer> </answer>.",
            "My parser looks for <answer>...</answer>.",
            "Tag the answer like this: <answer>the answer</answer>",
            "Begin your reply with <answer> and end it with </answer>.",
            "I read only what is within <answer> tags, so put the answer there.",
        ),
        lambda value: f"<answer>{value}</answer>",
    ),
    "full_stop": (
        Parted(
            'Say "It is" before the answer and end with a full stop.', 'Reply in the form "It is <answer>."',
            "Format: It is <answer>.", 'Let the answer be a sentence that starts with "It is".',
            'Begin with "It is", then the answer, then a full stop.',
            "Answer in the form: It is ...",
            "Reply with a sentence like this: It is <answer>.",
            'Please say it as a sentence: "It is" and the answer.',
            'Your sentence opens with "It is" and closes with a full stop.',
            'Fill the gap: "It is ___."',
            "Output: It is X.",
            'Make a short sentence of your answer that begins with the words "It is".',
            'Answer with "It is ..." and a full stop at the end.',
            'The reply must be "It is", the answer and a full stop.',
            "Use a whole sentence: It is <your answer>.",
            "Complete this sentence as your answer: It is ...",
        ),
        lambda value: f"It is {value}.",
    ),
}  # fmt: skip

_LIST_FORMATS: dict[str, tuple[Parted, Callable[[list[str]], str]]] = {
    "bullets": (
        Parted(
            "Write the items as a bullet list with -.", "Make a bullet list: each line begins with a dash.",
            "Give each item its own line that starts with -.", "Turn the items into lines that begin with a dash.",
            "Use bullet points (-) for the items.",
            "List the items with a dash before each.",
            "Format: one line for each item, as in - item",
            "Please make bullet points of the items, with - as the bullet.",
            "Put - and a space before every item, one item on a line.",
            "Output a dashed list of the items.",
            "Bulleted list of the items, please, with dashes.",
            "For each item, write a dash and then the item on a line of its own.",
            "Show the items as a markdown list with -.",
            "Turn this into bullets: - for every item.",
            "I need the items as bullets. Each bullet is a dash.",
            "A dash, a space, an item; then a new line for the next.",
        ),
        lambda items: "\n".join(f"- {item}" for item in items),
    ),
    "numbered": (
        Parted(
            "Write the items as a numbered list.", "Number the items 1., 2. and so on, one on each line.",
            "Make numbered lines of the items.", "Give every item a line with its number, as in 1. and 2.",
            "List the items with numbers (1., 2., ...), each on a new line.",
            "Use a numbered list for the items.",
            "Format: 1. item, then 2. item on the next line, and so on",
            "Please number the items line by line, beginning with 1.",
            "Turn this into a numbered list.",
            "Output the items as lines that start with 1., 2. and so forth.",
            "Numbered list of the items, please.",
            "Before each item comes its number and a full stop; every item has its own line.",
            "Count the items while you list them: 1., 2., one a line.",
            "Show the items as an ordered markdown list.",
            "I need the items numbered, one below the other.",
            "A number, a full stop, an item; then a new line for the next.",
        ),
        lambda items: "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1)),
    ),
    "semicolons": (
        Parted(
            "Write the items with semicolons between them.", "Separate the items by semicolons.",
            "Join the items with ; on one line.", "List the items on one line, parted by semicolons.",
            "Use semicolons between the items.",
            "Format: item; item; item",
            "Put a semicolon and a space between each two items.",
            "Please list the items with ; in between.",
            "One line, items divided by semicolons.",
            "Output the items, semicolon-separated.",
            "Semicolons, not commas, between the items, please.",
            "After each item but the final one, write a semicolon.",
            "Give me the items in a row with ; as the separator.",
            "List all items. Separator: ;",
            "I need the items joined by semicolons.",
            "Show the items in one row and part them with ;",
        ),
        "; ".join,
    ),
    "one_per_line": (
        Parted(
            "Write each item on its own line.", "Put one item on each line.", "Give the items line by line.",
            "Let every line have one item and no sign before it.",
            "One item per line.",
            "List the items, each on a line of its own.",
            "Start a new line for every item.",
            "Please write the items one below the other, without bullets or numbers.",
            "Break the line after each item.",
            "Output each item on a separate line.",
            "Items only, a line for each.",
            "Every item stands alone on its line.",
            "Put the items under one another.",
            "Use line breaks between the items and no other mark.",
            "I need one plain line for each item.",
            "Show the items as plain lines, one after the other.",
        ),
        "\n".join,
    ),
}  # fmt: skip

_KEY_VALUE = Parted(
    "Write the facts as lines of key: value, with the keys {keys}.",
    "For {keys}, give one line each in the form key: value.",
    "Answer in lines such as key: value. Keys: {keys}.",
    "Fill in one line for each of {keys}, in the form key: value.",
    "List {keys} as key: value, one on each line.",
    "Output lines of the form key: value for {keys}.",
    "Keys: {keys}. Write each as key: value on its own line.",
    "Report {keys}. Every line holds one key, a colon and its value.",
    "Give {keys} line by line (key: value).",
    "Format: key: value. Lines wanted: {keys}.",
    "Please write down {keys}, each on a line with its value after a colon.",
    "I need a small record with {keys}: a line for each, written as key: value.",
    "Find {keys} and answer in lines like key: value.",
    "For every one of {keys} write the key, a colon and the value. One line each.",
    "Make a list of lines, key: value, from the text. The keys are {keys}.",
    "Set out {keys} in separate lines, every one as key: value.",
)
_ITEMS = (
    "{n} bought {items}.",
    "{n} has these things in a bag: {items}.",
    "On the list of {n} there are {items}.",
    "{n} saw {items}.",
    "{n} needs {items}.",
    "{n} wrote down {items}.",
    "In the room of {n} we found {items}.",
    "The things that {n} likes are {items}.",
    "{n} sells {items}.",
    "Yesterday {n} asked for {items}.",
    "{n} has lost {items}.",
    "There are {items} in the box of {n}.",
    "{n} read about {items}.",
    "{n} knows the words {items}.",
    "Please send {items} to {n}.",
    "{n} chose {items}.",
)


def _write_value(draw: Draw, variant: str) -> SkillItem:
    formats, apply = _VALUE_FORMATS[variant]
    facts = draw_facts(draw, draw.whole(1, 4), draw.choice(RELATIONS))
    question = ask_about(draw, facts[0].relation, facts[0].subject)
    passage, rule, answer = write_passage(draw, facts), draw.wording(formats), apply(str(facts[0].value))
    if draw.chance(0.4):
        prompt: Prompt = (system_turn(rule), user_turn(f"{passage}\n\n{question}"))
    else:
        prompt = ask_question(draw, passage, f"{question} {rule}" if draw.chance(0.7) else f"{rule} {question}")
    return answered("format_following", prompt, answer, variant)


def _write_items(draw: Draw, variant: str) -> SkillItem:
    formats, apply = _LIST_FORMATS[variant]
    items = draw_list(draw, draw.whole(2, 6))
    text = draw.choice(_ITEMS).format(n=draw.name(), items=f"{', '.join(items[:-1])} and {items[-1]}")
    return _ask(draw, text, draw.wording(formats), apply(items), variant)


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
