"""Small parts of a study: rows, messages, a model that answers from a script, an index that counts common words."""

from collections.abc import Callable, Sequence

from tunewright.contracts import Advance, ChatModel, SilentProgress
from tunewright.records import Answer, Conversation, Example, Hit, Message, Passage, Provenance, Role, content_hash


def said(role: Role, content: str) -> Message:
    return Message(role=role, content=content)


def row(question: str, answer: str, number: int = 1) -> Example:
    body = Conversation(messages=(said("user", question), said("assistant", answer)))
    return Example(body=body, provenance=Provenance(source="rows.jsonl", row=number))


def passage(text: str) -> Passage:
    return Passage(id=content_hash(text)[:12], document="doc.txt", title="doc", text=text, place=1)


def ask(model: ChatModel, *prompts: Sequence[Message]) -> list[Answer]:
    with SilentProgress().bar("", len(prompts)) as advance:
        return model.answer(prompts, advance)


class Scripted:
    """A ChatModel that keeps what it was asked and answers by a function of the last message."""

    def __init__(self, answer: Callable[[str], str | None] = lambda question: f"answer to {question}") -> None:
        self.asked: list[tuple[Message, ...]] = []
        self.num_calls = 0
        self._answer = answer

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        self.num_calls += 1
        self.asked += [tuple(prompt) for prompt in prompts]
        advance(len(prompts))
        return [self._to(self._answer(prompt[-1].content), prompt) for prompt in prompts]

    def _to(self, text: str | None, prompt: Sequence[Message]) -> Answer:
        if text is None:
            return Answer(text=None, finish="failed", reason="scripted")
        num_words = sum(len(message.content.split()) for message in prompt)
        return Answer(text=text, finish="stop", num_prompt_tokens=num_words, num_answer_tokens=len(text.split()))


class KeywordIndex:
    """A PassageIndex over the number of common words; ties in the order of the passages."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self.queries: list[str] = []

    @property
    def identity(self) -> str:
        return content_hash([passage.text for passage in self._passages])

    def search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        self.queries += queries
        return [self._found(query, k) for query in queries]

    def _found(self, query: str, k: int) -> list[Hit]:
        counted = [(len(_words(query) & _words(passage.text)), passage) for passage in self._passages]
        ranked = sorted([pair for pair in counted if pair[0]], key=lambda pair: -pair[0])[:k]
        return [
            Hit(passage=passage, score=number, keyword_rank=rank, vector_rank=None)
            for rank, (number, passage) in enumerate(ranked, start=1)
        ]


def _words(text: str) -> set[str]:
    return {word.strip(".,?!").lower() for word in text.split()}
