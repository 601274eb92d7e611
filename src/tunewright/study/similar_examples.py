"""Training rows by similarity: the examples that few-shot prompting shows for a row.

Similarity is the cosine of TF-IDF vectors of the words of the user's messages. It needs no model and is the same on
every machine. Choosing examples by similarity rather than at random: Liu et al. 2022, "What Makes Good In-Context
Examples for GPT-3?".
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tunewright.data.checks.words import words
from tunewright.records import Conversation, Example, Message, content_hash, input_id

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class ExamplePool:
    """Distinct training rows as turns that can stand before another row.

    Rows with tools are left out: their calls mean nothing without the declarations, which a conversation has only once.

    Args:
        rows: of the training split; rows that are no conversations are left out.
    """

    def __init__(self, rows: Sequence[Example]) -> None:
        usable: dict[str, Conversation] = {}
        for row in rows:
            if isinstance(row.body, Conversation) and not _has_tools(row.body):
                usable.setdefault(row.input_id, row.body)
        self._input_ids = tuple(usable)
        self._turns = tuple(map(_turns, usable.values()))
        self._index = _TfIdf([_question(turns) for turns in self._turns]) if self._turns else None

    @property
    def identity(self) -> str:
        """SHA-256 of the rows in their order."""
        return content_hash([[message.model_dump(mode="json") for message in turns] for turns in self._turns])

    def __len__(self) -> int:
        return len(self._turns)

    def nearest(self, prompts: Sequence[Sequence[Message]], k: int) -> list[list[tuple[Message, ...]]]:
        """For each prompt the k most similar rows, best first; equally similar ones in the order of the rows.

        A row with the same input as the prompt is never among them.
        """
        if self._index is None:
            return [[] for _ in prompts]
        found = []
        for prompt, order in zip(prompts, self._index.ranked([_question(prompt) for prompt in prompts]), strict=True):
            own = input_id(prompt)
            others = (position for position in order if self._input_ids[position] != own)
            found.append([self._turns[position] for position, _ in zip(others, range(k), strict=False)])
        return found


class _TfIdf:
    """Cosine similarity of texts to a fixed list of texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(words(text)) for text in texts]
        documents_with = Counter(word for count in counts for word in count)
        self._column_of = {word: column for column, word in enumerate(documents_with)}
        frequencies = np.array(list(documents_with.values()), dtype=np.float64)
        self._weights = np.log((1 + len(texts)) / (1 + frequencies)) + 1
        self._vectors = self._vectors_of(counts)

    def ranked(self, texts: Sequence[str]) -> list[list[int]]:
        """Positions of all listed texts for each of `texts`, most similar first."""
        similarities = (self._vectors_of([Counter(words(text)) for text in texts]) @ self._vectors.T).toarray()
        return [np.argsort(-row, kind="stable").tolist() for row in similarities]

    def _vectors_of(self, counts: Sequence[Counter[str]]) -> "csr_matrix":
        from scipy.sparse import csr_matrix

        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        for row, count in enumerate(counts):
            known = [(self._column_of[word], number) for word, number in count.items() if word in self._column_of]
            weighed = np.array([(1 + np.log(number)) * self._weights[column] for column, number in known])
            rows += [row] * len(known)
            columns += [column for column, _ in known]
            values += (weighed / np.linalg.norm(weighed)).tolist() if known else []
        return csr_matrix((values, (rows, columns)), shape=(len(counts), len(self._column_of)), dtype=np.float64)


def _has_tools(body: Conversation) -> bool:
    return bool(body.tools) or any(message.tool_calls or message.role == "tool" for message in body.messages)


def _turns(body: Conversation) -> tuple[Message, ...]:
    """The row up to the answer that is compared, without its system message."""
    answered = (*body.prompt, Message(role="assistant", content=body.answer))
    return tuple(message for message in answered if message.role != "system")


def _question(messages: Sequence[Message]) -> str:
    return "\n".join(message.content for message in messages if message.role == "user")
