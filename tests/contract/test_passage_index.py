"""What every contracts.PassageIndex does, whichever database holds the passages."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from passage_samples import HANDBOOK, by_bm25, by_cosine, passage, passages

from tunewright.contracts import PassageIndex
from tunewright.errors import CorruptError, DataError
from tunewright.records import Hit, Passage
from tunewright.retrieve.embed import NGRAM_WEIGHT, NgramEmbedder
from tunewright.retrieve.hybrid import searched_text
from tunewright.retrieve.lance import build_lance, open_lance
from tunewright.retrieve.qdrant import build_qdrant, open_qdrant
from tunewright.store import Files

pytest.importorskip("lancedb")
qdrant_client = pytest.importorskip("qdrant_client")

Build = Callable[[Sequence[Passage]], PassageIndex]


@pytest.fixture(params=["lancedb", "qdrant"])
def databases(request, tmp_path):
    """(build, open again) of one database."""
    if request.param == "lancedb":
        yield lambda found: build_lance(found, tmp_path, Files()), lambda folder: open_lance(folder, Files())
        return
    client = qdrant_client.QdrantClient(":memory:")
    yield (
        lambda found: build_qdrant(found, tmp_path, Files(), client),
        lambda folder: open_qdrant(folder, Files(), client),
    )
    client.close()


@pytest.fixture
def build(databases) -> Build:
    return databases[0]


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.id for hit in hits]


QUERIES = (
    "What does a transfer abroad cost?",
    "transfer",
    "transfers TRANSFER transfer euros",
    "card lost at night",
    "Kosten Überweisungen?",
    "月曜日",
    'an "account" AND (closing)*',
)


@pytest.mark.parametrize("query", QUERIES)
def test_ranks_are_those_of_comparing_every_passage(build, query):
    corpus = passages(*HANDBOOK)
    embedder = NgramEmbedder.fit([searched_text(one) for one in corpus])
    (hits,) = build(corpus).search([query], len(corpus))
    found = {hit.passage.id: (hit.keyword_rank, hit.vector_rank) for hit in hits}
    keyword_ranks = {one.id: rank for rank, one in enumerate(by_bm25(query, corpus), start=1)}
    vector_ranks = {one.id: rank for rank, one in enumerate(by_cosine(query, corpus, embedder), start=1)}
    both = keyword_ranks.keys() | vector_ranks.keys()
    assert found == {one: (keyword_ranks.get(one), vector_ranks.get(one)) for one in both}


def test_scores_are_reciprocal_rank_fusion(build):
    (hits,) = build(passages(*HANDBOOK)).search(["closed accounts"], 10)
    for hit in hits:
        by_keyword = 1 / (60 + hit.keyword_rank) if hit.keyword_rank else 0
        by_vector = NGRAM_WEIGHT / (60 + hit.vector_rank) if hit.vector_rank else 0
        assert hit.score == pytest.approx(by_keyword + by_vector)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_queries_are_answered_in_their_order(build):
    index = build(passages(*HANDBOOK))
    cards, mortgages, nothing = index.search(["lost cards", "mortgages", ""], 1)
    assert [hit.passage.text for hit in cards] == [HANDBOOK[2]]
    assert [hit.passage.text for hit in mortgages] == [HANDBOOK[7]]
    assert nothing == []
    assert index.search([], 3) == []


def test_passages_come_back_as_they_were_given(build):
    whole = passage("Zeile eins\nZeile zwei | ½ 😀", document="a/über.md", title="Über > 料金")
    (hits,) = build([whole, *passages(*HANDBOOK)]).search(["Zeile zwei"], 1)
    assert hits[0].passage == whole


def test_no_more_passages_than_there_are(build):
    (hits,) = build(passages(*HANDBOOK[:2])).search(["transfer costs"], 50)
    assert len(hits) == 2


def test_equal_passages_come_in_one_order_wherever_the_list_is_cut(build):
    # More of them than candidates are taken, so the database alone would choose which.
    corpus = [passage("The fee is two euros.", document=f"{number}.md") for number in range(70)]
    index = build(corpus)
    (hits,) = index.search(["fee"], 70)
    assert ids(hits) == sorted(one.id for one in corpus)
    assert ids(index.search(["fee"], 3)[0]) == ids(hits)[:3]


def test_the_identity_is_that_of_the_content_not_of_the_order(build):
    corpus = passages(*HANDBOOK[:3])
    identity = build(corpus).identity
    assert build([*reversed(corpus), corpus[0]]).identity == identity
    changed = corpus[0].model_copy(update={"title": "Fees"})
    assert build([changed, *corpus[1:]]).identity != identity
    assert build(corpus[:2]).identity != identity
    assert build(passages("The fee is one euro.", *HANDBOOK[1:3])).identity != identity


def test_an_index_of_nothing_is_refused(build):
    with pytest.raises(DataError, match="documents: found no passage"):
        build([])


def test_an_opened_index_finds_what_the_built_one_found(databases, tmp_path):
    build, open_again = databases
    built = build(passages(*HANDBOOK))
    opened = open_again(tmp_path / built.identity)
    assert opened.identity == built.identity
    assert opened.search(QUERIES, 8) == built.search(QUERIES, 8)


def test_searching_changes_nothing_on_the_disk(databases, tmp_path):
    build, open_again = databases
    built = build(passages(*HANDBOOK))
    built.search(QUERIES, 3)
    # Every byte is compared with the manifest.
    assert open_again(tmp_path / built.identity).search(["fee"], 1) == built.search(["fee"], 1)


def test_a_changed_file_is_refused_and_built_again(databases, tmp_path):
    build, open_again = databases
    corpus = passages(*HANDBOOK)
    folder: Path = tmp_path / build(corpus).identity
    (folder / "embedder" / "embedder.json").write_text("{}")
    with pytest.raises(CorruptError, match=r"embedder\.json"):
        open_again(folder)
    (hits,) = build(corpus).search(["mortgages"], 1)
    assert hits[0].passage.text == HANDBOOK[7]
