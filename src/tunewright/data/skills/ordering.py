"""Ordering: numbers, words by the alphabet, or words by an order that the prompt gives."""

from tunewright.data.skills.item import Draw, Parted, SkillItem
from tunewright.data.skills.layout import answered, ask_task
from tunewright.data.skills.words import PLAIN, any_words

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
    "Please sort these numbers, lowest to highest.",
    "Increasing order, please.",
    "List the numbers so that they grow.",
    "Rank the numbers from the lowest to the highest.",
    "Sort from low to high.",
    "Can you put the numbers in increasing order?",
    "Smallest to largest.",
    "Count upwards: write the numbers in the order in which you would meet them.",
    "Write the numbers again, the least one at the start and the greatest one at the end.",
    "Ascending order, separated by commas.",
    "Output the numbers in order of size, from small to big.",
    "Reorder the numbers so that the smallest comes at the front.",
    "I need these numbers sorted upwards.",
    "Arrange from least to greatest.",
    "Which order do the numbers have when they rise?",
    "The numbers are mixed up. Put the smallest at the start, then the next larger one, and so on.",
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
    "Please sort these numbers, highest to lowest.",
    "Decreasing order, please.",
    "List the numbers so that they shrink.",
    "Rank the numbers from the highest to the lowest.",
    "Sort from high to low.",
    "Can you put the numbers in decreasing order?",
    "Largest to smallest.",
    "Count downwards: write the numbers in the order in which you would meet them.",
    "Write the numbers again, the greatest one at the start and the least one at the end.",
    "Descending order, separated by commas.",
    "Output the numbers in order of size, from big to small.",
    "Reorder the numbers so that the largest comes at the front.",
    "I need these numbers sorted downwards.",
    "Arrange from greatest to least.",
    "Which order do the numbers have when they fall?",
    "The numbers are mixed up. Put the largest at the start, then the next smaller one, and so on.",
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
    "Please alphabetise these words.",
    "Alphabetical order, please.",
    "Sort these from A to Z.",
    "List the words as an index would.",
    "Can you put the words into the order of the alphabet?",
    "Order alphabetically, separated by commas.",
    "Write the words again, sorted by their letters, A before B and so on.",
    "Make an alphabetical list of the words.",
    "Sort by name: A to Z.",
    "Reorder the words alphabetically.",
    "The words are mixed up. Arrange them by the alphabet.",
    "A word that starts with an earlier letter comes before the others. Sort the words like that.",
    "I need these words in alphabetical order.",
    "Output the words in dictionary order.",
    "How would a dictionary order these words?",
    "Arrange from A to Z.",
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
    "Please sort the words. Their order is {order}.",
    "Given order: {order}. Write the words in it.",
    "We always count {order}. List these words in the same way.",
    "The words have to come in this order: {order}. Arrange them.",
    "Order: {order}. Sort the input by this order.",
    "Reorder the words so that they follow {order}.",
    "Can you sort these words by the order {order}?",
    "Rank the words. The ranking is {order}.",
    "The sequence is {order}. Write the given words in that sequence.",
    "Look at {order} and put the words in the same order.",
    "Sorting rule: {order}. Apply it to the words.",
    "This is how we sort things here: {order}. Sort the given words in the same manner.",
    "Bring the words into line with {order}.",
    "Output the words as the order {order} has them.",
    "Use {order} as the order and sort.",
    "What is the right order of the words if the rule is {order}?",
)


def make_ordering(draw: Draw) -> SkillItem:
    """Ask for three to six items in order. The answer is one line with commas."""
    num = draw.whole(_FEWEST, _MOST)
    kind = draw.rng.random()
    if kind < 0.4:
        largest = draw.choice((9, 20, 99, 999))
        numbers = draw.sample(range(1, largest + 1), num)
        falling = draw.chance(0.4)
        instruction = draw.wording(_FALLING if falling else _RISING)
        items, wanted = [str(number) for number in numbers], [str(n) for n in sorted(numbers, reverse=falling)]
        variant = "numbers"
    elif kind < 0.7:
        items = any_words(draw, PLAIN, num) if draw.chance(0.5) else draw.words(num)
        instruction, wanted, variant = draw.wording(_ALPHABET), sorted(items), "alphabet"
    else:
        order = any_words(draw, PLAIN, _MOST) if draw.chance(0.5) else draw.names(_MOST)
        wanted = order if num == _MOST else sorted(draw.sample(order, num), key=order.index)
        items, variant = draw.shuffled(wanted), "given_order"
        instruction = draw.phrase(_GIVEN, order=draw.choice((", ", " < ", " > ")).join(order))
    context = draw.choice((", ", ", ", " ", "\n")).join(items)
    return answered("ordering", ask_task(draw, context, instruction), ", ".join(wanted), variant)
