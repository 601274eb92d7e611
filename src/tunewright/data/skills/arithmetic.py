"""Small arithmetic: bare sums, differences and products, and word problems about nonce people."""

from tunewright.data.skills.item import Draw, Parted, SkillItem
from tunewright.data.skills.layout import answered, system_turn, user_turn

_BARE = Parted(
    "{a} {sign} {b} =",
    "What is {a} {sign} {b}?",
    "Calculate {a} {sign} {b}.",
    "How much is {a} {sign} {b}?",
    "What is {a} {word} {b}?",
    "Compute {a} {sign} {b}.",
    "{a} {word} {b} is what?",
    "Work out {a} {word} {b}.",
    "Q: {a} {sign} {b}\nA:",
    "Give the result of {a} {sign} {b}.",
    "Calculate {a} {word} {b}.",
    "Solve: {a} {sign} {b}",
    "Tell me what {a} {word} {b} is.",
    "{a} {sign} {b}",
    "Find {a} {word} {b}.",
    "Question: how much is {a} {word} {b}?",
)
_SIGNS = {"add": ("+", "plus"), "subtract": ("-", "minus"), "multiply": ("x", "times")}

_STORIES = {
    "add": Parted(
        "{n} has {a} {things} and gets {b} more. How many {things} does {n} have now?",
        "There are {a} {things} in the box. {n} puts {b} more into it. How many {things} are in the box?",
        "{n} has {a} {things} and {m} has {b}. How many {things} do they have together?",
        "{n} finds {a} {things} in the morning and {b} in the evening. How many {things} is that in all?",
        "{n} owns {a} {things}. {m} gives {n} another {b}. What number of {things} does {n} own in the end?",
    ),
    "subtract": Parted(
        "{n} has {a} {things} and loses {b}. How many {things} are left?",
        "There are {a} {things} in the box. {n} takes {b} out. How many {things} stay in the box?",
        "{n} had {a} {things} and gave {b} of them to {m}. How many {things} does {n} have now?",
        "Of {a} {things}, {n} sells {b}. How many {things} remain?",
        "{n} has {a} {things} and {m} has {b}. How many more does {n} have than {m}?",
    ),
    "multiply": Parted(
        "{n} has {a} boxes with {b} {things} in each. How many {things} is that?",
        "{n} buys {b} {things} every day for {a} days. How many {things} does {n} buy?",
        "There are {a} rows of {b} {things}. How many {things} are there?",
        "Each of {a} people gives {n} {b} {things}. How many {things} does {n} get?",
        "{a} bags hold {b} {things} each. How many {things} do they hold together?",
    ),
}
_THINGS = ("stones", "apples", "books", "coins", "cups", "nuts", "pens", "eggs", "shells", "buttons")
_SYSTEMS = Parted(
    "Answer with a number.",
    "You are good at sums. Reply with the number alone.",
    "Give only the result.",
    "Write just the number.",
    "You calculate.",
    "Do the sum and write the result.",
    "Solve the problem. Answer with a number alone.",
    "Calculate and say no more than the result.",
)


def _numbers(draw: Draw, operation: str) -> tuple[int, int, int]:
    """Two numbers of at least 2 and the result, never below 0."""
    if operation == "multiply":
        a, b = draw.whole(2, 12), draw.whole(2, 12)
        return a, b, a * b
    largest = draw.choice((10, 20, 99))
    a, b = draw.whole(2, largest), draw.whole(2, largest)
    if operation == "add":
        return a, b, a + b
    return max(a, b), min(a, b), abs(a - b)


def make_arithmetic(draw: Draw) -> SkillItem:
    """Ask for one operation on two numbers. The answer is the bare number."""
    operation = draw.choice(tuple(_SIGNS))
    a, b, result = _numbers(draw, operation)
    if draw.chance(0.5):
        sign, word = _SIGNS[operation]
        problem, variant = draw.phrase(_BARE, a=a, b=b, sign=sign, word=word), operation
    else:
        n, m = draw.names(2)
        things = draw.choice(_THINGS) if draw.chance(0.6) else draw.word(ending="ers")
        problem, variant = draw.phrase(_STORIES[operation], a=a, b=b, n=n, m=m, things=things), "word_problem"
    system = (system_turn(draw.pick(_SYSTEMS)),) if draw.chance(0.3) else ()
    return answered("arithmetic", (*system, user_turn(problem)), str(result), variant)
