"""Where the context and the question stand: one user turn in either order, or the context in the system turn."""

from tunewright.data.skills.item import Draw, Parted, SkillItem
from tunewright.records import Message

_QUESTION = Parted(
    "Context: {context}\n\nQuestion: {task}",
    "Context: {context}\nQ: {task}\nA:",
    "Read the text.\n\n{context}\n\nNow answer: {task}",
    "Here is a passage.\n\n{context}\n\nMy question is: {task}",
    "Question: {task}\n\nText: {context}",
    "Q: {task}\nText: {context}\nA:",
    "Text:\n{context}\n\nQuestion:\n{task}",
    "Notes: {context}\n\nQuestion about the notes: {task}",
    "{task}\n\nLook in this text:\n{context}",
    "Passage: {context}\nQuestion: {task}\nAnswer:",
    "I read this: {context}\n{task}",
    "Q: {task}\n\nPassage: {context}\n\nYour answer:",
    "<context>\n{context}\n</context>\n{task}",
    "Document: {context}\n\n{task}",
    "{context}\n---\n{task}",
    "<text>\n{context}\n</text>\n\nQuestion: {task}",
)
_QUESTION_SYSTEM = Parted(
    "Context: {context}",
    "Answer from this text.\n\n{context}",
    "You answer questions about a text. The text is:\n{context}",
    "These are the notes you answer from:\n{context}",
    "Use only what is written here.\n{context}",
    "Text:\n{context}",
    "You know the following. {context}",
    "All you know is this: {context}",
)
_TASK = Parted(
    "Text: {context}\n\nTask: {task}",
    "{task}\nText: {context}",
    "Input: {context}\nInstruction: {task}",
    "Work on this input: {context}\n\nWhat to do: {task}",
    "Instruction: {task}\nInput: {context}\nOutput:",
    "{task}\n---\n{context}",
    "{task}\n\nInput:\n{context}\n\nOutput:",
    "Job: {task}\n\nMaterial:\n{context}",
    "Please do this: {task}\n{context}",
    "Here is the input.\n{context}\n{task}",
    "<input>\n{context}\n</input>\n{task}",
    "Command: {task}\n\n<data>\n{context}\n</data>",
)

Prompt = tuple[Message, ...]


def ask_question(draw: Draw, context: str, question: str) -> Prompt:
    """Lay out a passage and a question about it."""
    form = draw.rng.random()
    if form < 0.3:
        system = context if draw.chance(0.3) else draw.phrase(_QUESTION_SYSTEM, context=context)
        return system_turn(system), user_turn(question)
    if form < 0.45:
        return (user_turn(f"{context}\n\n{question}"),)
    if form < 0.55:
        return (user_turn(f"{question}\n\n{context}"),)
    return (user_turn(draw.phrase(_QUESTION, context=context, task=question)),)


def ask_task(draw: Draw, context: str, instruction: str) -> Prompt:
    """Lay out an input and what to do with it."""
    form = draw.rng.random()
    if form < 0.2:
        return system_turn(instruction), user_turn(context)
    if form < 0.3:
        return system_turn(context), user_turn(instruction)
    if form < 0.5:
        return (user_turn(f"{instruction}\n\n{context}"),)
    if form < 0.6:
        return (user_turn(f"{context}\n\n{instruction}"),)
    return (user_turn(draw.phrase(_TASK, context=context, task=instruction)),)


def system_turn(content: str) -> Message:
    """Make the message that comes before all turns."""
    return Message(role="system", content=content)


def user_turn(content: str) -> Message:
    """Make what is asked."""
    return Message(role="user", content=content)


def assistant_turn(content: str) -> Message:
    """Make an answer that is trained."""
    return Message(role="assistant", content=content)


def answered(skill: str, prompt: Prompt, answer: str, variant: str) -> SkillItem:
    """Close a prompt with its answer."""
    return SkillItem(skill=skill, messages=(*prompt, assistant_turn(answer)), variant=variant)
