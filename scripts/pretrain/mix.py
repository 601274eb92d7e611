"""What the bundled base sees at each step: a pure function of the step, so that nothing has to be saved to resume.

Six kinds of rows are mixed in stages:

- `text`: windows of the training documents, every token trained;
- `sentences`: one to three sentences of them and nothing before, every token trained: windows seldom begin where a
  sentence does, so without these rows a base reads the first words that it is given as the middle of something;
- `repeats`: random tokens that come again, and pairs of random tokens that are asked for, trained where the context
  decides the next token. They teach looking back (Olsson et al. 2022, "In-context learning and induction heads"),
  without which no task below is learned;
- `echoes`: short pieces of text that come again, every token trained: the first time as text, then as copying;
- each skill of tunewright.data.skills, trained on the answers;
- rows of many answers of tunewright.data.skills, trained on what is marked in them.
"""

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pretrain.tokenizer import END_OF_TURN, chat_text
from tokenizers import Tokenizer

from tunewright.data.skills import MANY_ANSWERS, OpenWords, make_item, make_many_answers
from tunewright.data.skills.many_answers import END, without_marks
from tunewright.records import Conversation, Example, Provenance
from tunewright.render import Renderer, TokenSequence

if TYPE_CHECKING:
    import numpy as np

TEXT, SENTENCES, REPEATS, ECHOES = "text", "sentences", "repeats", "echoes"
ANSWER_WEIGHT = 3.0
"""A token of an answer counts as much as so many tokens of text: answers are a tenth of a task's tokens."""
TAUGHT_WEIGHT = {
    "lookups": 8.0,
    "many_questions": 8.0,
    "near_words": 8.0,
    "said_again": 8.0,
    "many_records": 4.0,
    "many_labels": 5.0,
}
"""The same for rows of many answers. Telling subjects apart is learned from few tokens beside much text."""
REPEATED_TOKENS = (4, 24)
NUM_PAIRS = (3, 10)
ECHOED_TOKENS = (8, 40)
NUM_SENTENCES = (1, 3)
SEARCHED_TOKENS = 256
"""Length of the piece of text in which a row's sentences are looked for."""
MOST_SEARCHED = 1000
"""Pieces, before texts are held to have no sentences."""
_SENTENCE = re.compile(
    r"(?<=[.!?]\s)(?<!Mr\.\s)(?<!rs\.\s)(?<!Dr\.\s)(?=[A-Z])(?:Mrs?\.|Dr\.|[^.!?\n]){10,200}(?<!Mr)(?<!Mrs)(?<!Dr)[.!?]"
)
MIN_POOL = 32
"""Fewest different tokens that a row of repeats is drawn from."""


@dataclass(frozen=True)
class Stage:
    """A stretch of training with one mix."""

    name: str
    num_steps: int
    shares: Mapping[str, float]
    """Share of the tokens of each kind: `text`, `repeats`, `echoes` or a skill. Sums to 1."""
    text_length: int
    """Tokens of one window of text."""
    repeated_vocabulary: int
    """Repeats are drawn from so many token ids. Looking back is learned first, and fast, on a few that come often."""
    tokens_per_step: int
    learning_rate: float
    num_warmup_steps: int = 0
    """The rate rises to its full size over so many steps of the stage."""
    falls_to_zero: bool = False
    """Whether the rate falls to zero over the stage, in a straight line (Hägele et al. 2024, arXiv:2405.18392)."""


@dataclass(frozen=True)
class Texts:
    """All training documents as one row of token ids."""

    token_ids: "np.ndarray"
    ends: "np.ndarray"
    """Where each document ends, behind its end-of-text token."""

    def piece(self, start: int, length: int) -> list[int]:
        """At most `length` tokens from `start` on, all of one document."""
        end = int(self.ends[self.ends.searchsorted(start, side="right")])
        ids: list[int] = self.token_ids[start : min(end, start + length)].tolist()
        return ids

    def window_starts(self, length: int) -> "np.ndarray":
        """Where windows of `length` tokens begin. A document's last window is moved back to be full, if it can."""
        import numpy as np

        starts = np.concatenate([[0], self.ends[:-1]])
        windows = [
            np.maximum(np.minimum(np.arange(start, end, length), end - length), start)
            for start, end in zip(starts, self.ends, strict=True)
        ]
        return np.unique(np.concatenate(windows))


@dataclass(frozen=True)
class Mix:
    """The rows of every step; a `StepRows` for the training loop."""

    stages: Sequence[Stage]
    texts: Texts
    renderer: Renderer
    vocabulary: range
    """Token ids that repeats are made of: no special ones."""
    open_words: OpenWords
    """Words that tasks may use for any other."""
    seed: int

    @property
    def num_steps(self) -> int:
        return sum(stage.num_steps for stage in self.stages)

    def rows(self, step: int) -> list[TokenSequence]:
        """Rows of optimizer step `step` (from 0): each kind fills its share of the tokens."""
        stage, position = stage_at(self.stages, step)
        chance = random.Random(f"mix {self.seed} {stage.name} {position}")
        rows = []
        for kind, share in stage.shares.items():
            room = share * stage.tokens_per_step
            make = self._maker(kind, stage, position)
            count = 0
            while True:
                row = make(chance, count)
                length = len(row.token_ids)
                # The last row would pass the share: it comes with the chance that makes the share right on average.
                if length > room and chance.random() >= room / length:
                    break
                rows.append(row)
                room -= length
                count += 1
                if room <= 0:
                    break
        chance.shuffle(rows)
        return rows

    def _maker(self, kind: str, stage: Stage, position: int) -> Callable[[random.Random, int], TokenSequence]:
        if kind == TEXT:
            return lambda chance, count: self._text(stage, position, count)
        if kind == SENTENCES:
            return lambda chance, count: self._sentences(stage, chance)
        if kind == REPEATS:
            return lambda chance, count: repeats(chance, self.vocabulary[: stage.repeated_vocabulary])
        if kind == ECHOES:
            return lambda chance, count: self._echo(stage, chance)
        if kind in MANY_ANSWERS:
            return lambda chance, count: self.taught(kind, chance.getrandbits(48))
        return lambda chance, count: self.task(kind, chance.getrandbits(48))

    def task(self, skill: str, index: int) -> TokenSequence:
        """One item of a skill as tokens, with the answers weighted."""
        item = make_item(skill, self.seed, index, "train", self.open_words)
        example = Example(
            body=Conversation(messages=item.messages), provenance=Provenance(source=f"{skill} {self.seed}", row=index)
        )
        (sequence,) = self.renderer.render(example)
        weights = tuple(ANSWER_WEIGHT * weight for weight in sequence.loss_weights)
        return TokenSequence(f"{skill} {index}", sequence.token_ids, weights, cut=None)

    def taught(self, kind: str, index: int) -> TokenSequence:
        """One row of many answers as tokens, with what is marked in it weighted, and the end of a turn behind it."""
        marked = chat_text(make_many_answers(kind, self.seed, index, self.open_words))
        text, spans = without_marks(marked.replace(f"{END}{END_OF_TURN}", f"{END_OF_TURN}{END}"))
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        is_taught = [any(start < last and first < end for first, last in spans) for start, end in encoding.offsets]
        weights = tuple(TAUGHT_WEIGHT[kind] * taught for taught in is_taught)
        limit = self.renderer.max_length
        return TokenSequence(f"{kind} {index}", tuple(encoding.ids)[:limit], weights[:limit], cut=None)

    def _text(self, stage: Stage, position: int, count: int) -> TokenSequence:
        starts = self._starts[stage.text_length]
        per_step = math.ceil(stage.shares[TEXT] * stage.tokens_per_step / stage.text_length) + 1
        # Multiplying by a number prime to the size visits every window once before any comes again.
        order = (position * per_step + count) * self._stride(len(starts)) + _offset(stage.name, self.seed)
        start = int(starts[order % len(starts)])
        return all_trained(f"text {start}", self.texts.piece(start, stage.text_length))

    def _sentences(self, stage: Stage, chance: random.Random) -> TokenSequence:
        starts = self._starts[stage.text_length]
        for _ in range(MOST_SEARCHED):
            start = int(starts[chance.randrange(len(starts))])
            text = self._tokenizer.decode(self.texts.piece(start, SEARCHED_TOKENS))
            if row := sentences(text, chance):
                # Cut into tokens anew: the first word of a row has no space before it.
                token_ids = self._tokenizer.encode(row, add_special_tokens=False).ids
                return all_trained(f"sentences {start}", token_ids)
        raise ValueError(f"texts: found no sentence in {MOST_SEARCHED} pieces, expected prose with capitals and stops")

    def _echo(self, stage: Stage, chance: random.Random) -> TokenSequence:
        """A piece of text two to five times, other short pieces between."""
        starts = self._starts[stage.text_length]

        def piece(length: int) -> list[int]:
            return self.texts.piece(int(starts[chance.randrange(len(starts))]), length)

        echoed = piece(chance.randint(*ECHOED_TOKENS))
        token_ids = list(echoed)
        for _ in range(chance.randint(1, 4)):
            token_ids += piece(chance.randint(0, 8)) + echoed
        return all_trained(ECHOES, token_ids)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.from_str(self.renderer.tokenizer_json)

    @cached_property
    def _starts(self) -> "dict[int, np.ndarray]":
        return {length: self.texts.window_starts(length) for length in {stage.text_length for stage in self.stages}}

    @staticmethod
    def _stride(size: int) -> int:
        stride = int(size * 0.6180339887) | 1
        while math.gcd(stride, size) != 1:
            stride += 2
        return stride


def stage_at(stages: Sequence[Stage], step: int) -> tuple[Stage, int]:
    """The stage of a step, and how many of its steps came before.

    Raises:
        IndexError: the step is past the last stage.
    """
    for stage in stages:
        if step < stage.num_steps:
            return stage, step
        step -= stage.num_steps
    raise IndexError(f"step {step} past the last stage")


def sentences(text: str, chance: random.Random) -> str:
    """Some neighbouring sentences of a text, not its first, which may be the end of one; empty if there are none."""
    found = _SENTENCE.findall(text)
    start = chance.randrange(len(found)) if found else 0
    return " ".join(found[start : start + chance.randint(*NUM_SENTENCES)])


def all_trained(name: str, token_ids: Sequence[int]) -> TokenSequence:
    """A row of text, of which every token but the first is trained."""
    return TokenSequence(name, tuple(token_ids), (0.0, *(1.0,) * (len(token_ids) - 1)), cut=None)


def _offset(name: str, seed: int) -> int:
    return random.Random(f"offset {name} {seed}").getrandbits(40)


def repeats(chance: random.Random, vocabulary: range) -> TokenSequence:
    """Random tokens whose continuation only the context tells; trained there and nowhere else."""
    pool: Sequence[int] = vocabulary
    size = int(2 ** chance.uniform(math.log2(MIN_POOL), math.log2(len(vocabulary))))
    if size < len(vocabulary) // 4:
        pool = chance.sample(vocabulary, size)
    return _repeated_run(chance, pool) if chance.random() < 0.75 else _asked_pairs(chance, pool)


def _repeated_run(chance: random.Random, pool: Sequence[int]) -> TokenSequence:
    """A run of tokens three to six times, others between: from the second token of each repeat on it is known."""
    run = chance.choices(pool, k=chance.randint(*REPEATED_TOKENS))
    ids, weights = list(run), [0.0] * len(run)
    for _ in range(chance.randint(2, 5)):
        between = chance.choices(pool, k=chance.randint(0, 3))
        ids += between + run
        weights += [0.0] * (len(between) + 1) + [1.0] * (len(run) - 1)
    return TokenSequence("repeats", tuple(ids), tuple(weights), cut=None)


def _asked_pairs(chance: random.Random, pool: Sequence[int]) -> TokenSequence:
    """Keys with values of one to three tokens between two marks, then keys alone: the value is known."""
    mark, end = chance.sample(pool, 2)
    pairs = [
        (chance.choices(pool, k=chance.randint(1, 2)), chance.choices(pool, k=chance.randint(1, 3)))
        for _ in range(chance.randint(*NUM_PAIRS))
    ]
    ids: list[int] = []
    weights: list[float] = []
    for key, value in pairs:
        ids += [*key, mark, *value, end]
        weights += [0.0] * (len(key) + len(value) + 2)
    for key, value in chance.choices(pairs, k=len(pairs)):
        ids += [*key, mark, *value, end]
        weights += [0.0] * (len(key) + 1) + [1.0] * len(value) + [0.0]
    return TokenSequence("repeats", tuple(ids), tuple(weights), cut=None)
