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
    "Please calculate {a} {sign} {b}.",
    "{a} {sign} {b} = ?",
    "How much does {a} {word} {b} make?",
    "What do you get for {a} {sign} {b}?",
    "Evaluate {a} {sign} {b}.",
    "Result of {a} {word} {b}?",
    "I need to know {a} {word} {b}.",
    "Could you work out {a} {sign} {b} for me?",
    "What does {a} {word} {b} equal?",
    "Sum: {a} {sign} {b}\nResult:",
    "Do this sum: {a} {sign} {b}.",
    "{a} {word} {b} makes how much?",
    "If you calculate {a} {sign} {b}, what do you get?",
    "{a} {word} {b}",
    "Type the value of {a} {sign} {b}.",
    "Problem: {a} {word} {b}. Answer:",
)
_NAMED = {
    "add": Parted(
        "Add {a} and {b}.",
        "What is the sum of {a} and {b}?",
        "Add {b} to {a}.",
        "How much are {a} and {b} together?",
        "Give the total of {a} and {b}.",
        "Find the sum: {a} and {b}.",
        "What do you get when you add {a} and {b}?",
        "Put {a} and {b} together. What number is that?",
        "Increase {a} by {b}.",
        "Which number is {b} more than {a}?",
        "Start at {a} and go up by {b}. Where do you end?",
        "By adding {b} to {a}, which number do you reach?",
    ),
    "subtract": Parted(
        "Subtract {b} from {a}.",
        "What is the difference of {a} and {b}?",
        "Take {b} away from {a}.",
        "How much is left of {a} without {b}?",
        "Give the difference between {a} and {b}.",
        "Decrease {a} by {b}.",
        "What do you get when you subtract {b} from {a}?",
        "Start at {a} and go down by {b}. Where do you end?",
        "Which number is {b} less than {a}?",
        "Lower {a} by {b}.",
        "{b} taken from {a} leaves what?",
        "By taking {b} off {a}, which number do you reach?",
    ),
    "multiply": Parted(
        "Multiply {a} by {b}.",
        "What is the product of {a} and {b}?",
        "Multiply {a} and {b}.",
        "How much do {a} groups of {b} make?",
        "Give the product of {a} and {b}.",
        "Find the product: {a} and {b}.",
        "What do you get when you multiply {a} by {b}?",
        "Add up {b} again and again, {a} times in all. What is the total?",
        "Take {b} exactly {a} times.",
        "{a} multiplied by {b} is what?",
        "Which number is {a} times as large as {b}?",
        "By multiplying {b} by {a}, which number do you reach?",
    ),
}
"""Bare problems that name the operation in words of its own."""
_SIGNS = {"add": ("+", "plus"), "subtract": ("-", "minus"), "multiply": ("x", "times")}

_STORIES = {
    "add": Parted(
        "{n} has {a} {things} and gets {b} more. How many {things} does {n} have now?",
        "There are {a} {things} in the box. {n} puts {b} more into it. How many {things} are in the box?",
        "{n} has {a} {things} and {m} has {b}. How many {things} do they have together?",
        "{n} finds {a} {things} in the morning and {b} in the evening. How many {things} is that in all?",
        "{n} owns {a} {things}. {m} gives {n} another {b}. What number of {things} does {n} own in the end?",
        "{n} picks {a} {things}, then {b} more. How many {things} has {n} picked?",
        "A shop had {a} {things}. {b} new ones arrived. How many {things} does it have now?",
        "On the table lie {a} {things}. {n} lays down {b} others. How many {things} lie there now?",
        "{n} reads about {a} {things} today and {b} tomorrow. How many {things} are these altogether?",
        "{n} and {m} count {things}. {n} counts {a} and {m} counts {b}. What is their total?",
        "In one bag there are {a} {things} and in the other {b}. How many {things} are in both bags?",
        "{n} bought {a} {things} on Monday. On Friday {n} bought {b} again. How many {things} did {n} buy?",
        "{a} {things} are red and {b} are blue. How many {things} are there altogether?",
        "{m} brought {a} {things} and {n} brought {b}. How many {things} were brought?",
        "{n} needs {a} {things} for the house and {b} for the yard. How many {things} does {n} need?",
        "To {a} {things}, {n} adds {b}. How many {things} are there then?",
    ),
    "subtract": Parted(
        "{n} has {a} {things} and loses {b}. How many {things} are left?",
        "There are {a} {things} in the box. {n} takes {b} out. How many {things} stay in the box?",
        "{n} had {a} {things} and gave {b} of them to {m}. How many {things} does {n} have now?",
        "Of {a} {things}, {n} sells {b}. How many {things} remain?",
        "{n} has {a} {things} and {m} has {b}. How many more does {n} have than {m}?",
        "{n} carries {a} {things} and drops {b}. How many {things} does {n} still carry?",
        "A shop had {a} {things} and sold {b}. How many {things} are still in the shop?",
        "{a} {things} lay on the table, and {n} took {b}. How many {things} lie there now?",
        "{n} wants {a} {things} but has only {b}. How many {things} are missing?",
        "There were {a} {things}. {b} broke. How many {things} are whole?",
        "{n} must carry {a} {things} home and has carried {b}. How many {things} are left to carry?",
        "From a pile of {a} {things}, {m} removes {b}. How many {things} does the pile have after that?",
        "{b} of the {a} {things} that {n} owns are old. The others are new. How many {things} are new?",
        "{n} found {a} {things}. {m} found {b} fewer. How many {things} did {m} find?",
        "{m} gave back {b} of {a} {things}. How many {things} does {m} still have?",
        "{n} bakes with {b} of {a} {things}. How many {things} are not used?",
    ),
    "multiply": Parted(
        "{n} has {a} boxes with {b} {things} in each. How many {things} is that?",
        "{n} buys {b} {things} every day for {a} days. How many {things} does {n} buy?",
        "There are {a} rows of {b} {things}. How many {things} are there?",
        "Each of {a} people gives {n} {b} {things}. How many {things} does {n} get?",
        "{a} bags hold {b} {things} each. How many {things} do they hold together?",
        "{n} fills {a} shelves, and {b} {things} go on each. How many {things} are on the shelves?",
        "A shop sells {b} {things} a day. How many {things} does it sell in {a} days?",
        "One box holds {b} {things}. How many {things} do {a} such boxes hold?",
        "Every week {n} gets {b} {things}. How many {things} are that after {a} weeks?",
        "{n} reads {b} pages on each of {a} days. How many pages does {n} read?",
        "On each of {a} tables there are {b} {things}. How many {things} are on the tables?",
        "{n} makes {a} trips and brings {b} {things} every time. How many {things} does {n} bring?",
        "{a} people own {b} {things} each. How many {things} do all of them own?",
        "For a single cart {n} needs {b} {things}. How many {things} do {a} carts take?",
        "{n} has {b} {things}. {m} has {a} times as many. How many {things} does {m} have?",
        "{m} packs {a} parcels with {b} {things} in every parcel. How many {things} are packed?",
    ),
}
_THINGS = (
    "stones", "apples", "books", "coins", "cups", "nuts", "pens", "eggs", "shells", "buttons", "marbles", "stamps",
    "tickets", "candles", "letters", "keys", "pears", "cards", "bottles", "leaves",
)  # fmt: skip
_SYSTEMS = Parted(
    "Answer with a number.",
    "You are good at sums. Reply with the number alone.",
    "Give only the result.",
    "Write just the number.",
    "You calculate.",
    "Do the sum and write the result.",
    "Solve the problem. Answer with a number alone.",
    "Calculate and say no more than the result.",
    "Reply with one number.",
    "You are a calculator.",
    "Answer each problem with a single number and no words.",
    "Read the problem, work it out, and write only the number.",
    "The answer is always a whole number. Write that number.",
    "No steps, please. Just the result.",
    "You help with arithmetic.",
    "Output a number and nothing more.",
    "Respond with digits only.",
    "Numbers only.",
    "Solve what the user asks. Be brief: one number.",
    "You solve small problems. Say the number that is asked for.",
    "Work carefully and give the final number.",
    "Be exact. Write the result in digits.",
    "Help the user with sums.",
    "State the result without any explanation.",
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
        bank = _BARE if draw.chance(0.6) else _NAMED[operation]
        problem, variant = draw.phrase(bank, a=a, b=b, sign=sign, word=word), operation
    else:
        n, m = draw.names(2)
        things = draw.choice(_THINGS) if draw.chance(0.6) else draw.word(ending="ers")
        problem, variant = draw.phrase(_STORIES[operation], a=a, b=b, n=n, m=m, things=things), "word_problem"
    system = (system_turn(draw.wording(_SYSTEMS)),) if draw.chance(0.3) else ()
    return answered("arithmetic", (*system, user_turn(problem)), str(result), variant)
