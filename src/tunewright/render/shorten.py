"""Take text out of the middle of a conversation that is too long."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunewright.records.example import Message

MARK = " [...] "
"""Stands where text was taken out; the model reads it as any other text."""


@dataclass(frozen=True, slots=True)
class Shortened:
    """A conversation whose longest message lost its middle."""

    messages: tuple[Message, ...]
    head: str
    """What is left of the shortened message before the mark."""
    removed: str


def shorten(messages: Sequence[Message], fits: Callable[[tuple[Message, ...]], bool]) -> Shortened | None:
    """Keep as much as fits of both ends of the longest message that is not the assistant's.

    Both ends, because instructions stand at the start or at the end. Answers are never shortened.

    Args:
        messages: a conversation that does not fit.
        fits: whether a shorter one does.
    Returns:
        The shortened conversation, or None if it does not fit even without the longest message.
    """
    candidates = [index for index, message in enumerate(messages) if message.role != "assistant"]
    if not candidates:
        return None
    longest = max(candidates, key=lambda index: len(messages[index].content))

    def keeping(num_kept: int) -> Shortened:
        content = messages[longest].content
        head_end, tail_start = num_kept - num_kept // 2, len(content) - num_kept // 2
        middle = messages[longest].model_copy(update={"content": content[:head_end] + MARK + content[tail_start:]})
        return Shortened(
            messages=(*messages[:longest], middle, *messages[longest + 1 :]),
            head=content[:head_end],
            removed=content[head_end:tail_start],
        )

    # Tokens do not grow strictly with characters, so this finds a length that fits, not always the very longest.
    fitting, too_long = 0, len(messages[longest].content)
    if not fits(keeping(fitting).messages):
        return None
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        if fits(keeping(middle).messages):
            fitting = middle
        else:
            too_long = middle
    return keeping(fitting)
