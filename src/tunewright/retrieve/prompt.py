"""Passages before a question, numbered so that the answer can cite them, and the citations in an answer.

    Context:
    [1] Handbook > Fees
    A transfer costs 2 euros.

    Answer from the context. After each fact, give the number of its passage, like [1]. If the context has no answer,
    say: The context does not say.

    What does a transfer cost?

Training and asking use the same form. The words for a missing answer are those that the bundled base knows.
"""

import re
from collections.abc import Callable, Sequence

from tunewright.data.skills.context_answers import ANSWER_ABSENT
from tunewright.records import Citations, Hit, Message

INSTRUCTION = (
    "Answer from the context. After each fact, give the number of its passage, like [1]. "
    f"If the context has no answer, say: {ANSWER_ABSENT}"
)
NO_PASSAGE = "(nothing was found)"
CITATION = re.compile(r"\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\]")
_FORGED_NUMBER = re.compile(r"^(?=[ \t]*\[\d+\])", re.MULTILINE)


def with_passages(
    messages: Sequence[Message], hits: Sequence[Hit], fits: Callable[[Sequence[Message]], bool]
) -> tuple[tuple[Message, ...], tuple[Hit, ...]]:
    """Put passages before the last user message, as many of the first as fit.

    A passage that would not fit alone is left out, and the others stay: one that is too long, or that holds a control
    token. So a document can neither steer the model nor keep other documents from it.

    Where not even the question with an empty context fits, it is given back as it was, so that it fails, or is
    shortened, as without passages.

    Args:
        messages: a prompt with a user message.
        hits: best first; may be empty, and the context then says that nothing was found.
        fits: whether a prompt leaves enough room for the answer.
    Returns:
        The prompt, and the hits that are in it: passage [1] is the first of them.
    """
    position = max(index for index, message in enumerate(messages) if message.role == "user")
    question = messages[position]

    def prompt_with(used: Sequence[Hit]) -> tuple[Message, ...]:
        asked = question.model_copy(update={"content": _with_context(question.content, used)})
        return (*messages[:position], asked, *messages[position + 1 :])

    if fits(prompt := prompt_with(hits)):
        return prompt, tuple(hits)
    usable = [hit for hit in hits if fits(prompt_with([hit]))]
    for num_hits in range(len(usable), -1, -1):
        used = tuple(usable[:num_hits])
        if fits(prompt := prompt_with(used)):
            return prompt, used
    return tuple(messages), ()


def citations(answer: str, used_hits: Sequence[Hit]) -> Citations:
    """Which passages an answer cites, as [1], [1][3] or [1, 3].

    Args:
        answer: what was written under the prompt of with_passages.
        used_hits: as with_passages gave them.
    """
    listed = [number for group in CITATION.findall(answer) for number in group.split(",")]
    numbers = list(dict.fromkeys(int(number) for number in listed))
    known = range(1, len(used_hits) + 1)
    return Citations(
        passages=tuple(used_hits[number - 1].passage for number in numbers if number in known),
        unknown=tuple(number for number in numbers if number not in known),
    )


def _with_context(question: str, hits: Sequence[Hit]) -> str:
    passages = [
        f"[{number}] {_one_line(hit.passage.title)}\n{_without_numbers(hit.passage.text)}"
        for number, hit in enumerate(hits, start=1)
    ]
    return "\n\n".join(("Context:\n" + (passages or [NO_PASSAGE])[0], *passages[1:], INSTRUCTION, question))


def _one_line(title: str) -> str:
    return " ".join(title.split())


def _without_numbers(text: str) -> str:
    """Mark lines that look like the head of a passage: a document cannot pretend to be another one."""
    return _FORGED_NUMBER.sub("> ", text)
