"""Sequences that begin alike, scored together, against padded batches through transformers' own attention."""

import random
from pathlib import Path

import pytest
import torch
from test_attention import load

from tunewright.model import branches, layout
from tunewright.model.batch import pad_sequences
from tunewright.model.branches import Group, branched_batches, group_by_beginning, groups_that_save
from tunewright.model.forward import make_scoring_batches, trained_token_losses
from tunewright.render import TokenSequence


def rows_that_begin_alike(seed: int = 0) -> list[TokenSequence]:
    """Pairs of answers after a prompt, pairs of texts that are trained throughout, and one row like no other."""
    chance = random.Random(seed)

    def draw(num: int) -> tuple[int, ...]:
        return tuple(chance.choices(range(5, 200), k=num))

    rows: list[TokenSequence] = []
    for length in (12, 30, 25):
        prompt = draw(length)
        for answer in (draw(3), draw(5), draw(1)):
            weights = (0.0,) * length + (1.0,) * len(answer)
            rows.append(TokenSequence(str(len(rows)), prompt + answer, weights, None))
    for _ in range(3):
        beginning = draw(6)
        for rest in (draw(4), draw(7)):
            rows.append(TokenSequence(str(len(rows)), beginning + rest, (1.0,) * (6 + len(rest)), None))
    rows.append(TokenSequence("alone", draw(40), (0.0,) * 10 + (1.0, 0.0) * 15, None))
    chance.shuffle(rows)
    return rows


@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2", "qwen3", "gemma"])
@pytest.mark.parametrize("tokens_per_block", [1, 64, 1000])
def test_rows_that_begin_alike_have_the_losses_of_rows_side_by_side(
    architecture: str, tokens_per_block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(branches, "TOKENS_PER_BLOCK", tokens_per_block)
    network = load(tmp_path, architecture).eval()
    rows = rows_that_begin_alike()
    num_seen = 0
    with torch.no_grad():
        for members, batch in make_scoring_batches(network, rows, 120, 0):
            expected = trained_token_losses(
                network, pad_sequences([rows[index] for index in members], 0, network.device)
            )
            for one, other in zip(trained_token_losses(network, batch), expected, strict=True):
                torch.testing.assert_close(one, other)
            num_seen += len(members)
    assert num_seen == len(rows)


def test_a_batch_has_a_common_beginning_once() -> None:
    rows = [
        TokenSequence("a", (5, 6, 7, 8, 9), (0.0, 0.0, 0.0, 1.0, 1.0), None),
        TokenSequence("b", (5, 6, 7, 3, 4, 2), (0.0, 1.0, 0.0, 1.0, 1.0, 0.0), None),
    ]
    groups = groups_that_save(rows)
    assert groups == [Group((1, 0), num_trunk=3, num_tokens=5)]
    [(members, batch)] = branched_batches(rows, groups, 100, torch.device("cpu"))
    assert members == [1, 0]
    assert batch.token_ids_T.tolist() == [5, 6, 7, 3, 8]
    assert batch.position_ids_T.tolist() == [0, 1, 2, 3, 3]
    # Row b first: its 6 is predicted from the trunk's 5, its 3 from the trunk's last token, its 4 from its own 3.
    assert batch.positions_N.tolist() == [0, 2, 3, 2, 4]
    assert batch.targets_N.tolist() == [6, 3, 4, 8, 9]
    assert batch.row_N.tolist() == [0, 0, 0, 1, 1]
    assert batch.blocks is not None
    [block] = batch.blocks
    assert block.may_see_SS.int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 1, 0, 1],
    ]


def test_those_that_share_most_are_joined_first() -> None:
    # In the order of their tokens the second could be joined with its neighbour on either side.
    ones, twos = (1, 2), (1, 2, 3, 4, 5, 6, 7, 8)
    documents = [(*ones, 0), (*ones, 1, 1), (*twos, 1), (*twos, 2, 2)]
    groups = group_by_beginning(documents)
    assert sorted(group.num_tokens for group in groups) == [3 + 2, 8 + 1 + 2]
    assert {frozenset(group.members) for group in groups} == {frozenset({0, 1}), frozenset({2, 3})}


def test_a_group_is_no_longer_than_dense_attention_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branches, "MAX_GROUP_TOKENS", 12)
    groups = group_by_beginning([(*range(10), 50 + row) for row in range(4)])
    assert sorted(group.num_tokens for group in groups) == [12, 12]


def test_equal_rows_are_computed_once() -> None:
    row = TokenSequence("a", (5, 6, 7), (0.0, 1.0, 1.0), None)
    groups = groups_that_save([row, row])
    assert groups == [Group((0, 1), num_trunk=2, num_tokens=2)]


def test_rows_that_share_little_are_packed_one_by_one() -> None:
    rows = [TokenSequence(str(row), (1, 2, *range(row * 30, row * 30 + 30)), (1.0,) * 32, None) for row in range(4)]
    assert groups_that_save(rows) is None


def test_a_network_that_needs_its_own_code_is_given_whole_rows(tmp_path: Path) -> None:
    network = load(tmp_path, "llama").eval()
    layout.use_own_code(network, "a test")
    rows = rows_that_begin_alike()
    with torch.no_grad():
        for members, batch in make_scoring_batches(network, rows, 120, 0):
            expected = trained_token_losses(
                network, pad_sequences([rows[index] for index in members], 0, network.device)
            )
            torch.testing.assert_close(trained_token_losses(network, batch)[0], expected[0])
