"""Ordering: numbers, words by the alphabet, or words by an order that the prompt gives."""

from tunewright.data.skills.item import Draw, Parted, SkillItem
from tunewright.data.skills.layout import answered, ask_task
from tunewright.data.skills.words import PLAIN

_FEWEST, _MOST = 3, 6

_RISING = Parted(
    "Sort the numbers from small to large.",
    "Put the numbers in rising order.",
    "Order the numbers, smallest first.",
    "Arrange the numbers so that each is larger than the one before.",
    "Write the numbers from the smallest to the largest.",
    "List these numbers in ascending order.",
    "Sort ascending.",
    "Begin with the smallest number and go up.",
)
_FALLING = Parted(
    "Sort the numbers from large to small.",
    "Put the numbers in falling order.",
    "Order the numbers, largest first.",
    "Arrange the numbers so that each is smaller than the one before.",
    "Write the numbers from the largest to the smallest.",
    "List these numbers in descending order.",
    "Sort descending.",
    "Begin with the largest number and go down.",
)
_ALPHABET = Parted(
    "Sort the words by the alphabet.",
    "Put the words in alphabetical order.",
    "Order the words from A to Z.",
    "Arrange the words as in a dictionary.",
    "Sort alphabetically.",
    "Write the words in the order of the alphabet.",
    "List the words from A to Z.",
    "Which order do the words have in a dictionary?",
)
_GIVEN = Parted(
    "The order is {order}. Sort the words by it.",
    "Sort by this order: {order}.",
    "Use the order {order} to sort the words.",
    "Arrange the words as they stand in {order}.",
    "In our list the order is {order}. Put the words in that order.",
    "Put the words in the order {order}.",
    "First to last: {order}. Sort the words like this.",
    "Here is a ranking: {order}. Rank the words by it.",
)


def make_ordering(draw: Draw) -> SkillItem:
    """Ask for three to six items in order. The answer is one line with commas."""
    num = draw.whole(_FEWEST, _MOST)
    kind = draw.rng.random()
    if kind < 0.4:
        largest = draw.choice((9, 20, 99, 999))
        numbers = draw.sample(range(1, largest + 1), num)
        falling = draw.chance(0.4)
        instruction = draw.pick(_FALLING if falling else _RISING)
        items, wanted = [str(number) for number in numbers], [str(n) for n in sorted(numbers, reverse=falling)]
        variant = "numbers"
    elif kind < 0.7:
        items = draw.picks(PLAIN, num) if draw.chance(0.5) else draw.words(num)
        instruction, wanted, variant = draw.pick(_ALPHABET), sorted(items), "alphabet"
    else:
        order = draw.picks(PLAIN, _MOST) if draw.chance(0.5) else draw.names(_MOST)
        wanted = order if num == _MOST else sorted(draw.sample(order, num), key=order.index)
        items, variant = draw.shuffled(wanted), "given_order"
        instruction = draw.phrase(_GIVEN, order=draw.choice((", ", " < ", " > ")).join(order))
    context = draw.choice((", ", ", ", " ", "\n")).join(items)
    return answered("ordering", ask_task(draw, context, instruction), ", ".join(wanted), variant)
