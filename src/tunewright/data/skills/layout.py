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
    "Article:\n{context}\n\nQuestion: {task}",
    "# Context\n{context}\n\n# Question\n{task}",
    "Source: {context}\n\n{task}",
    "Use the following passages to answer.\n\n{context}\n\n{task}",
    "## Question\n{task}\n\n## Document\n{context}",
    "<document>\n{context}\n</document>\n<question>\n{task}\n</question>",
    "Background:\n{context}\n\nUser question: {task}",
    "This was found in our files:\n{context}\n\nUse it to answer: {task}",
    "Retrieved text:\n{context}\n\nQuestion: {task}\nAnswer:",
    "Please read what follows and then answer my question. {context}\n\n{task}",
    "{task}\n\nContext:\n{context}",
    "Search results:\n{context}\n\nWhat was asked: {task}",
    "I will give you a text and a question about it.\n\nText: {context}\n\nQuestion: {task}",
    "```\n{context}\n```\n\n{task}",
    "Given this information:\n{context}\n\nanswer this question: {task}",
    "Excerpt:\n{context}\n\nWhat I would like to know: {task}",
    "INFO: {context}\nASK: {task}",
    "Knowledge:\n{context}\n\nQuery: {task}",
    "**Passage**\n{context}\n\n**Question**\n{task}",
    "Material:\n\n{context}\n\nUse the material to reply to this: {task}",
    "Question: {task}\n\nUse the passages below.\n\n{context}",
    "{task}\nHere is what you may use:\n{context}",
    "From our records: {context}\n\nA customer writes: {task}",
    "Report:\n{context}\n\nQuestion on the report: {task}",
    "Below is some text. After it comes a question.\n\n{context}\n\n{task}",
    "=== TEXT ===\n{context}\n=== QUESTION ===\n{task}",
    "{context}\n\nBased on the above, answer: {task}",
    "[Source]\n{context}\n\n[Query]\n{task}",
    "Could you help me with this text?\n\n{context}\n\n{task}",
    '"""\n{context}\n"""\n{task}',
    "The documents:\n{context}\n\nThe question:\n{task}\n\nThe answer:",
    "Hello! I have a page here:\n{context}\n\nMy question about the page: {task}",
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
    "You are a helpful assistant. Answer from this document.\n\n{context}",
    "<context>\n{context}\n</context>",
    "Document:\n{context}\n\nAnswer the user's question from the document.",
    "Our notes say the following.\n\n{context}",
    "# Background\n{context}",
    "Use the following passages to answer the user.\n\n{context}",
    "Passage: {context}",
    "The user will ask about this article:\n{context}",
    "Retrieved documents:\n{context}",
    "Be brief. Base each answer on this source.\n\n{context}",
    "You are an assistant with one source of knowledge.\n\nSource:\n{context}",
    "## Material\n{context}\n\n## Rule\nAnswer from the material alone.",
    "{context}\n\nAnswer questions about the text above.",
    "You are given some passages. Every answer must come from them.\n\n{context}",
    "Knowledge base:\n{context}",
    "Reply to each question with what this page says:\n{context}",
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
    "# Task\n{task}\n\n# Input\n{context}",
    "Here is what I want: {task}\n\nHere is the input:\n{context}",
    "{context}\n\nTask: {task}",
    "<instruction>\n{task}\n</instruction>\n<content>\n{context}\n</content>",
    "```\n{context}\n```\n{task}",
    "Do the following with the input below. {task}\n\n{context}",
    "DATA:\n{context}\n\nDO: {task}",
    "I have something for you to work on.\n{context}\n\nMy request: {task}",
    "Source:\n{context}\n\n{task}",
    "### Instruction\n{task}\n\n### Source\n{context}\n\n### Response",
    "Request: {task}\nContent: {context}",
    "{task} The material is given here:\n\n{context}",
    "Could you help me with this? {task}\n\n{context}",
    "Content:\n{context}\n\nWhat I need: {task}",
    "**Task:** {task}\n**Input:**\n{context}",
    "=== INPUT ===\n{context}\n=== TASK ===\n{task}",
    "Given:\n{context}\n\nWanted: {task}",
    '{task}\n\n"""\n{context}\n"""',
    "Hello! {task} This is my input:\n{context}",
    "Apply the instruction to the data. Instruction: {task}\nData:\n{context}",
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
