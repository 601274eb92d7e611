"""Building an index: a kill or a full disk leaves nothing, and what the databases refuse is said in words."""

import errno
import sys

import pytest
from passage_samples import HANDBOOK, passages
from store_samples import FaultyFiles

from tunewright.errors import CorruptError, MissingExtraError, RecipeError, StoreError
from tunewright.retrieve import lance, qdrant
from tunewright.retrieve.lance import build_lance, open_lance
from tunewright.retrieve.qdrant import build_qdrant, open_qdrant
from tunewright.store import Files

lancedb = pytest.importorskip("lancedb")
qdrant_client = pytest.importorskip("qdrant_client")

CORPUS = passages(*HANDBOOK[:3])


@pytest.fixture
def client():
    client = qdrant_client.QdrantClient(":memory:")
    yield client
    client.close()


def visible(folder):
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


def test_a_build_that_is_stopped_leaves_no_half_index(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    # The passages are written by then, their keywords are not.
    with monkeypatch.context() as patched:
        patched.setattr(lancedb.table.LanceTable, "create_index", stop)
        with pytest.raises(KeyboardInterrupt):
            build_lance(CORPUS, tmp_path, Files())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_at_any_call_leaves_a_whole_index_or_none(tmp_path):
    counting = FaultyFiles()
    identity = build_lance(CORPUS, tmp_path / "counted", counting).identity
    # Files of LanceDB are many and alike: every ninth call, and the last ones, where the folder gets its name. How many
    # it writes varies, so the very last may not come.
    last, num_failed = len(counting.calls), 0
    for number in sorted({*range(1, last, 9), *range(last - 4, last + 1)}):
        parent = tmp_path / str(number)
        parent.mkdir()
        try:
            build_lance(CORPUS, parent, FaultyFiles(number, errno.EIO))
        except StoreError:
            num_failed += 1
        if identity in visible(parent):
            assert open_lance(parent / identity, Files()).search(["transfer"], 1)[0]
        assert build_lance(CORPUS, parent, Files()).identity == identity
    assert num_failed > 5


def test_an_intact_index_is_used_again(tmp_path):
    build_lance(CORPUS, tmp_path, Files())
    again = FaultyFiles()
    build_lance(CORPUS, tmp_path, again)
    assert again.calls == []


def test_an_index_of_another_database_is_refused(tmp_path, client):
    folder = tmp_path / build_lance(CORPUS, tmp_path, Files()).identity
    with pytest.raises(CorruptError, match="found an index of lancedb, expected an index of qdrant"):
        open_qdrant(folder, Files(), client)


def test_a_folder_that_is_no_index_is_refused(tmp_path):
    from tunewright.store import publish_folder

    with publish_folder(tmp_path / "other", Files()) as folder:
        (folder / "file").write_text("x")
    with pytest.raises(CorruptError, match=r"found no index\.json"):
        open_lance(tmp_path / "other", Files())


def test_a_missing_lancedb_gives_the_install_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tunewright\[rag\]'"):
        lance._connect(tmp_path)
    with pytest.raises(MissingExtraError, match=r"pip install 'tunewright\[qdrant\]'"):
        qdrant._terms("fee")


def test_a_missing_qdrant_client_gives_the_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "qdrant_client", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tunewright\[qdrant\]'"):
        qdrant.connect()


def test_a_server_needs_an_address(monkeypatch):
    monkeypatch.delenv("QDRANT_URL", raising=False)
    with pytest.raises(RecipeError, match="environment variable QDRANT_URL: found nothing"):
        qdrant.connect()


def test_a_server_that_is_not_there_is_said_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("QDRANT_URL", "http://127.0.0.1:9")
    client = qdrant.connect()
    with pytest.raises(StoreError, match=r"Qdrant: found ResponseHandlingException.*Check QDRANT_URL"):
        build_qdrant(CORPUS, tmp_path, Files(), client)
    client.close()
    assert list(tmp_path.iterdir()) == []


def test_a_collection_gets_its_name_when_it_is_complete(tmp_path, client, monkeypatch):
    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(qdrant, "_points", fail)
        with pytest.raises(KeyboardInterrupt):
            build_qdrant(CORPUS, tmp_path, Files(), client)
    assert client.get_aliases().aliases == []
    index = build_qdrant(CORPUS, tmp_path, Files(), client)
    assert len(client.get_collections().collections) == 1
    assert index.search(["transfer"], 1)[0]


def test_a_collection_that_is_gone_from_the_server_is_noticed(tmp_path, client):
    folder = tmp_path / build_qdrant(CORPUS, tmp_path, Files(), client).identity
    other = qdrant_client.QdrantClient(":memory:")
    with pytest.raises(StoreError, match="found 0 passages, expected 3"):
        open_qdrant(folder, Files(), other)
    other.close()
