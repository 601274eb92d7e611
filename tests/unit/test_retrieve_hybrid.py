"""Joining two rankings: reciprocal rank fusion by hand, ties, and lists that the database cut among equals."""

import pytest
from passage_samples import passage

from tunewright.retrieve.hybrid import Found, fuse, rank

A, B, C = sorted((passage("a."), passage("b."), passage("c.")), key=lambda one: one.id)


def joined(by_keywords, by_vector, weight=1.0):
    return [(hit.passage, hit.score) for hit in fuse(by_keywords, by_vector, weight)]


def test_a_passage_gets_its_reciprocal_rank_from_each_list():
    assert joined([A, B], [B, C]) == [(B, 1 / 62 + 1 / 61), (A, 1 / 61), (C, 1 / 62)]


def test_the_list_by_vectors_counts_by_its_weight():
    assert joined([A], [B, A], weight=0.2) == [(A, 1 / 61 + 0.2 / 62), (B, 0.2 / 61)]
    assert joined([A], [B, A], weight=0) == [(A, 1 / 61)]


def test_of_equal_scores_the_smaller_id_comes_first():
    assert [one for one, _ in joined([C], [A])] == [A, C]


def test_ranks_are_told_from_one_and_absence_as_none():
    (hit,) = fuse([], [A], 1.0)
    assert (hit.keyword_rank, hit.vector_rank) == (None, 1)
    assert fuse([], [], 1.0) == []


@pytest.mark.parametrize("num", [1, 2, 3, 5, 9])
def test_a_list_is_cut_the_same_whichever_of_equals_the_database_gives_first(num):
    corpus = [Found(passage(f"{number}."), score) for number, score in enumerate([3, 2, 2, 2, 2, 2, 1, 1])]
    limits = []

    def find(order):
        def best(limit):
            limits.append(limit)
            return sorted(order, key=lambda one: -one.score)[:limit]

        return best

    expected = [one.passage for one in sorted(corpus, key=lambda one: (-one.score, one.passage.id))][:num]
    assert rank(find(corpus), num) == rank(find(corpus[::-1]), num) == expected
    assert max(limits) <= 2 * len(corpus) + 2
