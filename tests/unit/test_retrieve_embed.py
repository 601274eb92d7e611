"""Embedders: vectors against TF-IDF by hand, what they are near to, saving without pickle, unsafe models."""

import json
import math
import sys

import numpy as np
import pytest

from tunewright.errors import MissingExtraError, ModelError
from tunewright.retrieve.embed import NUM_DIMENSIONS, NgramEmbedder, load_embedder
from tunewright.retrieve.sentence_embedder import SentenceEmbedder
from tunewright.store import Files

pytest.importorskip("sklearn")

TEXTS = ("The fee is two euros.", "Lost cards are blocked.", "The branch is closed on Mondays.")


def cosine(embedder, first: str, second: str) -> float:
    one, other = embedder.encode([first, second])
    return float(one @ other)


def ngrams(text: str) -> list[str]:
    return [
        padded[start : start + length]
        for padded in (f" {word} " for word in text.split())
        for length in (3, 4, 5)
        for start in range(len(padded) - length + 1)
    ]


def test_the_cosine_is_that_of_tf_idf_by_hand():
    # Few n-grams, so that none of them share a hashed place.
    corpus, first, second = ["fee cost", "fee due", "cost"], "fee fee cost", "fee cost due"
    embedder = NgramEmbedder.fit(corpus)

    def weights(text: str) -> dict[str, float]:
        found = ngrams(text)
        return {
            term: math.log1p(found.count(term))
            * (math.log((1 + len(corpus)) / (1 + sum(term in ngrams(one) for one in corpus))) + 1)
            for term in found
        }

    one, other = weights(first), weights(second)
    dot = sum(one[term] * other.get(term, 0) for term in one)
    expected = dot / math.sqrt(sum(x * x for x in one.values()) * sum(x * x for x in other.values()))
    assert cosine(embedder, first, second) == pytest.approx(expected, abs=1e-5)


def test_vectors_have_length_one_and_those_of_nothing_are_zero():
    vectors = NgramEmbedder.fit(TEXTS).encode([*TEXTS, "", "!?"])
    assert vectors.shape == (5, NUM_DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0, 0], abs=1e-6)
    assert NgramEmbedder.fit(TEXTS).encode([]).shape == (0, NUM_DIMENSIONS)


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("blocking a card", TEXTS[1], TEXTS[2]),
        ("closedd branchx", TEXTS[2], TEXTS[0]),
        ("月曜", "月曜日は休み", "高い本"),
    ],
)
def test_inflection_typing_errors_and_other_scripts_are_seen_through(query, near, far):
    embedder = NgramEmbedder.fit([*TEXTS, "月曜日は休み", "高い本"])
    assert cosine(embedder, query, near) > cosine(embedder, query, far) + 0.1


def test_what_was_saved_gives_the_same_vectors_and_holds_no_pickle(tmp_path):
    embedder = NgramEmbedder.fit(TEXTS)
    embedder.save(tmp_path, Files())
    loaded = load_embedder(tmp_path)
    assert loaded.identity == embedder.identity
    assert np.array_equal(loaded.encode(TEXTS), embedder.encode(TEXTS))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["embedder.json", "embedder.safetensors"]


def test_the_identity_depends_on_the_texts_but_not_on_their_order():
    identity = NgramEmbedder.fit(TEXTS).identity
    assert NgramEmbedder.fit(TEXTS[::-1]).identity == identity
    assert NgramEmbedder.fit(TEXTS[:2]).identity != identity


def test_a_missing_scikit_learn_gives_the_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    with pytest.raises(MissingExtraError, match=r"scikit-learn .*pip install 'tunewright\[rag\]'"):
        NgramEmbedder.fit(TEXTS)


def sentence_model(folder, kind="sentence_transformers.models.Transformer"):
    folder.mkdir(exist_ok=True)
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": kind}]))
    return folder


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: (folder / "modules.json").unlink(), "found no modules.json, expected a sentence-transformers"),
        (lambda folder: (folder / "modules.json").write_text("[1]"), "found no list of modules"),
        (lambda folder: (folder / "modules.json").write_text("{"), "found no list of modules"),
        (lambda folder: sentence_model(folder, "custom.Evil"), "found the module custom.Evil, expected modules of"),
        (lambda folder: (folder / "pytorch_model.bin").write_bytes(b"x"), r"pytorch_model.bin: found pickled weights"),
    ],
)
def test_an_unsafe_sentence_model_is_refused_before_it_is_opened(tmp_path, prepare, message):
    folder = sentence_model(tmp_path / "model")
    prepare(folder)
    with pytest.raises(ModelError, match=message):
        SentenceEmbedder(folder)


def test_a_missing_sentence_transformers_gives_the_install_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tunewright\[embeddings\]'"):
        SentenceEmbedder(sentence_model(tmp_path / "model"))


class FakeSentenceTransformer:
    """Counts letters, as a library of the same interface."""

    def __init__(self, folder, **settings):
        assert settings == {
            "trust_remote_code": False,
            "local_files_only": True,
            "model_kwargs": {"use_safetensors": True},
        }

    def get_sentence_embedding_dimension(self):
        return 3

    def encode(self, texts, *, normalize_embeddings, **settings):
        assert normalize_embeddings
        counts = np.array([[text.count(letter) + 0.1 for letter in "abc"] for text in texts])
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
def fake_library(monkeypatch):
    module = type(sys)("sentence_transformers")
    module.SentenceTransformer = FakeSentenceTransformer
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)


def test_a_sentence_model_is_named_by_folder_and_hash(tmp_path, fake_library):
    model = sentence_model(tmp_path / "model")
    embedder = SentenceEmbedder(model)
    (tmp_path / "saved").mkdir()
    embedder.save(tmp_path / "saved", Files())
    loaded = load_embedder(tmp_path / "saved")
    assert loaded.identity == embedder.identity
    assert loaded.num_dimensions == 3
    assert np.array_equal(loaded.encode(["ab", "c"]), embedder.encode(["ab", "c"]))
    assert loaded.encode([]).shape == (0, 3)


def test_a_sentence_model_that_was_changed_is_refused(tmp_path, fake_library):
    model = sentence_model(tmp_path / "model")
    (tmp_path / "saved").mkdir()
    SentenceEmbedder(model).save(tmp_path / "saved", Files())
    (model / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="Build the index again"):
        load_embedder(tmp_path / "saved")


def test_a_real_sentence_model_gives_unit_vectors(tmp_path):
    library = pytest.importorskip("sentence_transformers")
    from transformers import BertConfig, BertModel, BertTokenizerFast

    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fee", "card"]))
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "bert")
    config = BertConfig(vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    BertModel(config).save_pretrained(tmp_path / "bert")
    transformer = library.models.Transformer(str(tmp_path / "bert"))
    pooling = library.models.Pooling(8)
    library.SentenceTransformer(modules=[transformer, pooling]).save(str(tmp_path / "model"))
    vectors = SentenceEmbedder(tmp_path / "model").encode(["fee", "card"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)
