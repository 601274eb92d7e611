"""How well are kinds of words told apart: from how the texts use the words, and from what a base makes of them?

    python benchmarks/word_kinds.py [--models bundled ...] [--items 2000]

Few-shot labels that hang on the meaning of a word can be no better than what a base knows of the word. Here nothing is
generated: a word belongs to the kind whose examples have the nearest mean, once with the vectors of the pre-training
texts and once with the hidden states of each layer behind the word. Prints a table of right answers, for words that
training's tasks use and for those that only measuring uses, and of these for words that are one token of the bundled
base and for words in pieces; three minutes on one core.
"""

import argparse
import random
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer

from tunewright.data.skills import Part
from tunewright.data.skills.few_shot_texts import MENTIONS
from tunewright.data.skills.words import CATEGORIES
from tunewright.model.load import load_base
from tunewright.outside.hub import find_base
from tunewright.render import load_renderer

if TYPE_CHECKING:
    import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "scripts"))
from pretrain.text import training_documents
from pretrain.word_vectors import word_vectors

Vectors = Mapping[str, "np.ndarray"]
"""A vector for each word."""
PARTS: tuple[Part, ...] = ("train", "held_out")
NUM_KINDS, NUM_EXAMPLES = 4, 3
"""Of one item; examples of each kind. Guessing is right in a quarter."""
MIN_COUNT = 10
"""Rarer words are left out: the texts say too little of them."""
_SPACE = "\u0120"
"""How a byte-level vocabulary writes a space."""
FRAMES = MENTIONS.train[:6]
"""Sentences that a word is read in; its vector is the mean."""


def share_right(vectors: Vectors, part: Part, num_items: int, asked: Collection[str] | None = None) -> float:
    """Share of the words that lie nearest to the mean of the examples of their own kind.

    Args:
        asked: the words whose answers count; default: all.
    """
    import numpy as np

    chance, is_right = random.Random(f"word kinds {part}"), []
    banks = [[word for word in words.of(part) if word in vectors] for words in CATEGORIES]
    for _ in range(num_items):
        drawn = [chance.sample(bank, NUM_EXAMPLES + 1) for bank in chance.sample(banks, NUM_KINDS)]
        means = np.stack([np.mean([vectors[word] for word in words[1:]], axis=0) for words in drawn])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        # All kinds are drawn alike, so the asked one may as well be the first.
        word = drawn[0][0]
        if asked is None or word in asked:
            is_right.append(int(np.argmax(means @ vectors[word])) == 0)
    return sum(is_right) / len(is_right)


def hidden_states(name: str, words: Sequence[str]) -> list[Vectors]:
    """What a base makes of each word, below the first layer and behind every one, less the mean of all words."""
    import numpy as np
    import torch

    folder = find_base(name).folder
    network, tokenizer = load_base(folder), Tokenizer.from_str(load_renderer(folder).tokenizer_json)
    of_word = []
    with torch.no_grad():
        for word in words:
            rows = [tokenizer.encode(frame.partition("{word}")[0] + word, add_special_tokens=False) for frame in FRAMES]
            layers = [network(torch.tensor([row.ids]), output_hidden_states=True).hidden_states for row in rows]
            behind = torch.stack([torch.stack([states[0, -1] for states in of_row]) for of_row in layers]).float()
            of_word.append(torch.nn.functional.normalize(behind, dim=-1).mean(0).numpy())
    centred = np.stack(of_word) - np.mean(of_word, axis=0)
    centred /= np.linalg.norm(centred, axis=-1, keepdims=True)
    return [dict(zip(words, layer, strict=True)) for layer in centred.transpose(1, 0, 2)]


def words_of_one_token() -> frozenset[str]:
    """Words that the bundled base reads, behind a space, as one token."""
    tokenizer = Tokenizer.from_str(load_renderer(find_base("bundled").folder).tokenizer_json)
    return frozenset(token.removeprefix(_SPACE) for token in tokenizer.get_vocab() if token.startswith(_SPACE))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["bundled"], metavar="MODEL", help="bundled, folders or hub ids")
    parser.add_argument("--items", type=int, default=2000, help="words asked about of each part")
    chosen = parser.parse_args(arguments)
    table = Table("vectors", "words of training", "held-out words", "of these one token", "in pieces")
    held_out = {word for bank in CATEGORIES for word in bank.of("held_out")}
    whole = held_out & words_of_one_token()

    def add(name: str, vectors: Vectors) -> None:
        shares = [share_right(vectors, part, chosen.items) for part in PARTS]
        shares += [share_right(vectors, "held_out", chosen.items, asked) for asked in (whole, held_out - whole)]
        table.add_row(name, *(f"{100 * share:.0f} %" for share in shares))

    of_texts = word_vectors((document.text for document in training_documents()), MIN_COUNT)
    add("the texts", dict(zip(of_texts.words, of_texts.vectors, strict=True)))
    listed = {word for bank in CATEGORIES for part in PARTS for word in bank.of(part)}
    words = sorted(listed.intersection(of_texts.words))
    for model in chosen.models:
        for number, vectors in enumerate(hidden_states(model, words)):
            add(f"{model}, layer {number}" if number else f"{model}, embeddings", vectors)
    Console().print(table)


if __name__ == "__main__":
    main()
