"""How the bundled base is made: texts, tokenizer, mix of rows, and the whole script on a tiny shape."""

import gzip
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pretrain_base
import pytest
from pretrain import open_frames, open_words, stages, word_vectors
from pretrain.ahead import rows_ahead
from pretrain.figures import PretrainingFigures, TrainingFigures
from pretrain.mix import (
    ECHOES,
    REPEATS,
    SENTENCES,
    TAUGHT_WEIGHT,
    TEXT,
    Mix,
    Stage,
    Texts,
    repeats,
    sentences,
)
from pretrain.text import HELD_OUT_ONE_IN, Document, documents, held_out_documents, training_documents
from pretrain.tokenizer import SPECIAL_TOKENS, chat_text, train_tokenizer
from safetensors.numpy import load_file
from tiny_base import write_tiny_base

from tunewright.contracts import SilentProgress
from tunewright.data.skills import MANY_ANSWERS, SKILLS, OpenWords, listed_words, make_many_answers, measured_words
from tunewright.data.skills.many_answers import BEGIN, END, without_marks
from tunewright.data.skills.names import is_held_out
from tunewright.model.load import load_base
from tunewright.records import Conversation, Example, Message, Provenance
from tunewright.render import load_renderer
from tunewright.store import Store
from tunewright.train.loop import train

OPEN_WORDS = OpenWords(
    [f"{start}ock{end}" for start in "bdfhjlmnprst" for end in ("", "s", "et")],
    [[f"{start}ack{end}" for end in ("", "s", "et")] for start in "bdfhjlmnprst"],
    {"things": ["Nobody saw the {word} of it."], "people": ["{word} sat down."], "opinions": ["It was {word} to us."]},
)
FOX_SENTENCES = [f"The {colour} fox number {n} runs home." for n in range(60) for colour in ("red", "old", "shy")]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    train_tokenizer(FOX_SENTENCES, folder)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    return folder


@pytest.fixture(scope="module")
def renderer(start):
    return load_renderer(start).fitted(1024, 256)


def write_folder(root, name, content):
    (root / name).mkdir(parents=True)
    (root / name / f"{name}.txt.gz").write_bytes(gzip.compress(content.encode(), mtime=0))


def test_books_are_cut_into_documents_and_equal_texts_come_once(tmp_path):
    chapter = "A paragraph of a book." * 200
    write_folder(tmp_path, "books", "\n\n".join([chapter] * 12) + "<|endoftext|>Short tale.<|endoftext|>Short tale.")
    write_folder(tmp_path, "sentences", "\n".join(FOX_SENTENCES))
    found = list(documents(tmp_path))
    books = [one.text for one in found if one.folder == "books"]
    assert [len(text) // len(chapter) for text in books] == [4, 0], "three equal parts and two equal tales"
    assert books[-1] == "Short tale."
    assert [one.text.count("\n") + 1 for one in found if one.folder == "sentences"] == [20] * 9


def test_a_document_is_held_out_by_its_own_hash_alone(tmp_path):
    write_folder(tmp_path, "tales", "<|endoftext|>".join(f"Tale {n}." for n in range(2000)))
    held_out, trained = held_out_documents(tmp_path), training_documents(tmp_path)
    assert len(held_out) + len(trained) == 2000
    assert 0.4 * 2000 / HELD_OUT_ONE_IN < len(held_out) < 2 * 2000 / HELD_OUT_ONE_IN
    assert all(Document("elsewhere", one.text).is_held_out for one in held_out)


def test_texts_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        list(documents(tmp_path / "nothing"))


def test_every_digit_is_a_token_and_text_comes_back(start):
    tokenizer = pretrain_base._tokenizer(start)
    text = 'He paid 1,250 for "it".\n\n{"count": 17}'
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert [piece for one in ids if any(map(str.isdigit, piece := tokenizer.decode([one]).strip()))] == list("125017")
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == list(range(len(SPECIAL_TOKENS)))


def test_repeats_train_only_what_the_context_decides():
    import random

    for seed in range(40):
        row = repeats(random.Random(seed), range(6, 8192))
        ids, trained = row.token_ids, [index for index, weight in enumerate(row.loss_weights) if weight]
        assert trained
        for index in trained:
            # The token stood before, behind the same token.
            assert (ids[index - 1], ids[index]) in set(pairwise(ids[:index])), (seed, index)


def mix(renderer, shares, num_steps=50, text_length=16):
    rows = [np.arange(6, 6 + length, dtype=np.uint16) for length in (5, 40, 100, 33)]
    texts = Texts(np.concatenate(rows), np.cumsum([len(row) for row in rows]))
    stage = Stage("only", num_steps, shares, text_length, 200, tokens_per_step=400, learning_rate=1e-3)
    return Mix((stage,), texts, renderer, vocabulary=range(6, 300), open_words=OPEN_WORDS, seed=1)


def test_the_rows_of_a_step_depend_on_the_step_alone(renderer):
    shares = {TEXT: 0.3, REPEATS: 0.2, "copying": 0.5}
    assert mix(renderer, shares).rows(7) == mix(renderer, shares).rows(7)
    assert mix(renderer, shares).rows(7) != mix(renderer, shares).rows(8)


def test_every_kind_has_its_share_of_the_tokens(renderer):
    one = mix(renderer, {TEXT: 0.2, ECHOES: 0.2, REPEATS: 0.2, "copying": 0.4}, num_steps=300)
    tokens = Counter()
    for step in range(300):
        for row in one.rows(step):
            tokens[row.example_id.split()[0]] += len(row.token_ids)
    total = sum(tokens.values())
    assert total / (300 * 400) == pytest.approx(1.0, abs=0.08)
    assert {kind: tokens[kind] / total for kind in tokens} == {
        "text": pytest.approx(0.2, abs=0.04), "repeats": pytest.approx(0.2, abs=0.06),
        "echoes": pytest.approx(0.2, abs=0.04), "copying": pytest.approx(0.4, abs=0.06),
    }  # fmt: skip


def test_windows_cover_every_token_and_never_cross_a_document(renderer):
    one = mix(renderer, {TEXT: 1.0})
    texts = one.texts
    covered = np.zeros(len(texts.token_ids), dtype=bool)
    for start in texts.window_starts(16):
        end = min(start + 16, texts.ends[texts.ends.searchsorted(start, side="right")])
        covered[start:end] = True
    assert covered.all()
    for step in range(20):
        # Each document counts up from 6: a window that crossed an end would fall back.
        assert all(later == earlier + 1 for row in one.rows(step) for earlier, later in pairwise(row.token_ids))


def test_sentences_begin_where_one_of_the_text_does_and_are_neighbours():
    import random

    text = "the end of one. Mr. Hill came home. He was tired! Was it late? Yes.\nNobody knew what Mrs. Hill had said."
    found = ["Mr. Hill came home.", "He was tired!", "Was it late?", "Nobody knew what Mrs. Hill had said."]
    rows = {sentences(text, random.Random(seed)) for seed in range(60)}
    assert rows == {" ".join(found[start : start + number]) for start in range(4) for number in (1, 2, 3)}
    assert sentences("no capital. and no stop. Nothing at all", random.Random(0)) == ""


def test_a_row_of_sentences_has_nothing_before_them_and_is_trained_throughout(renderer):
    one = mix(renderer, {SENTENCES: 1.0})
    tokenizer = one._tokenizer
    text = np.array(tokenizer.encode(" ".join(FOX_SENTENCES[:20])).ids, dtype=np.uint16)
    rows = replace(one, texts=Texts(text, np.array([len(text)]))).rows(0)
    assert sum(len(row.token_ids) for row in rows) == pytest.approx(400, abs=120)
    for row in rows:
        assert set(tokenizer.decode(row.token_ids).replace("home. ", "home.\n").split("\n")) <= set(FOX_SENTENCES[:20])
        assert row.loss_weights == (0.0, *(1.0,) * (len(row.token_ids) - 1))
    with pytest.raises(ValueError, match="found no sentence in 1000 pieces"):
        one.rows(0)  # of texts that are no words at all


def test_an_echo_is_a_piece_of_text_again_and_again_trained_throughout(renderer):
    for step in range(10):
        for row in mix(renderer, {ECHOES: 1.0}).rows(step):
            assert row.loss_weights == (0.0,) + (1.0,) * (len(row.token_ids) - 1)
            assert any(
                row.token_ids[:length] == row.token_ids[-length:] for length in range(1, len(row.token_ids) // 2 + 1)
            )


def test_answers_of_tasks_are_weighted_and_prompts_are_not_trained(renderer):
    row = mix(renderer, {"copying": 1.0}).task("copying", 3)
    assert set(row.loss_weights) == {0.0, 3.0}
    assert row.loss_weights[-1] == 3.0, "the end of the turn is trained"


@pytest.mark.parametrize("kind", MANY_ANSWERS)
def test_of_rows_of_many_answers_what_is_marked_is_trained_and_the_end_of_a_turn_behind_it(renderer, kind):
    one = mix(renderer, {kind: 1.0})
    for index in range(20):
        row = one.taught(kind, index)
        messages = make_many_answers(kind, 1, index, OPEN_WORDS)
        text, spans = without_marks(chat_text(messages))
        assert not {BEGIN, END} & set(text)
        assert spans
        assert len(row.token_ids) <= renderer.max_length
        trained = [token for token, weight in zip(row.token_ids, row.loss_weights, strict=True) if weight]
        assert {weight for weight in row.loss_weights if weight} == {TAUGHT_WEIGHT[kind]}
        if len(row.token_ids) < renderer.max_length:
            taught = (text[start:end] + "<|end|>" * text[end:].startswith("<|end|>") for start, end in spans)
            decoded = one._tokenizer.decode(trained, skip_special_tokens=False)
            assert decoded.replace(" ", "") == "".join(taught).replace(" ", ""), (kind, index)


def test_chat_text_is_what_the_template_writes(renderer):
    turns = ("system", "Be brief."), ("user", "One?"), ("assistant", "Two.")
    messages = tuple(Message(role=role, content=content) for role, content in turns)
    (row,) = renderer.render(Example(body=Conversation(messages=messages), provenance=Provenance(source="test", row=0)))
    assert row.token_ids == tuple(mix(renderer, {})._tokenizer.encode(chat_text(messages)).ids)


def test_open_words_are_frequent_lower_case_words_that_measuring_does_not_use(monkeypatch):
    monkeypatch.setattr(open_words, "MIN_COUNT", 2)
    monkeypatch.setattr(open_words, "NUM_GRAMMAR_WORDS", 1)
    texts = [
        "the the the the bucket bucket Bucket apple don't harbour harbours harbours trellis trellis trellis lone lone"
    ]
    assert open_words.find_open_words(texts) == ["trellis", "harbours"]
    assert "bucket" in listed_words()
    assert is_held_out("lone")


def test_open_words_are_looked_for_once(tmp_path, monkeypatch):
    monkeypatch.setattr(open_words, "NUM_GRAMMAR_WORDS", 0)
    monkeypatch.setattr(open_words, "training_documents", lambda: [Document("tales", "trellis " * 200)])
    found = open_words.read_open_words(tmp_path / "words.json")
    monkeypatch.setattr(open_words, "training_documents", None)
    assert open_words.read_open_words(tmp_path / "words.json") == found
    assert (found.words, found.kinds) == (["trellis"], [])


def test_open_frames_are_sentences_with_one_word_taken_out_and_none_that_measuring_or_sorting_uses():
    assert {"parrot", "brilliant"} <= measured_words()
    text = (
        "Well then. The ship sailed to the harbourmaster of that town. Did he come home? It was a truly delightful "
        "week for us. If you see the guard, call out. Nobody ever met the guard. They heard the parrot at night. They "
        "heard the tiger at night. He told him so. It was brilliant as well. Never {mind} the guard here. End."
    )
    found = open_frames.find_frames([text])
    assert found == {
        "things": ["If you see the {word}, call out.", "Nobody ever met the {word}."],
        "people": ["Did {word} come home?"],
        "opinions": ["It was a truly {word} week for us."],
        "question": [],
        "exclamation": [],
        "condition": ["If you see the {word}, call out."],
        "negation": ["Nobody ever met the {word}."],
        "future": [],
        "statement": [],
    }


def test_few_open_frames_begin_alike(monkeypatch):
    monkeypatch.setattr(open_frames, "MOST_FRAMES", 11)
    alike = " ".join(f"What are signs of{' old' * n} he may have?" for n in range(12))
    others = " ".join(f"{start}ong ago he went there." for start in "BDGHKLMNPRST")
    found = open_frames.find_frames([f"Yes. {alike} {others} End."])["people"]
    assert len(found) == 11
    assert sum(frame.startswith("What are signs") for frame in found) <= open_frames.MOST_ALIKE


def test_words_that_texts_use_alike_are_a_kind_but_none_that_measuring_uses(monkeypatch):
    monkeypatch.setattr(word_vectors, "NUM_GRAMMAR_WORDS", 0)
    monkeypatch.setattr(open_words, "KIND_SIZE", (3, 8))
    monkeypatch.setattr(open_words, "is_held_out", lambda word: False)
    used_alike = {
        "The {} sleeps in a warm bed of hay.": ["wombat", "vole", "gerbil", "newt", "parrot"],
        "She baked a {} with much sugar and ate it.": ["pie", "tart", "scone", "crumpet", "custard"],
    }
    texts = [frame.format(word) for frame, words in used_alike.items() for word in words for _ in range(90)]
    kinds = open_words.find_kinds(texts)
    found = {frozenset(kind) for kind in kinds}
    assert {frozenset({"wombat", "vole", "gerbil", "newt"}), frozenset({"pie", "tart", "scone", "crumpet"})} <= found
    assert all(kind[0] not in kind[1:] for kind in kinds)
    assert {"parrot", "custard"} <= measured_words()
    assert not measured_words() & {word for kind in kinds for word in kind}


def test_the_stages_name_every_skill_and_their_shares_sum_to_one():
    assert sorted(stages.SKILL_SHARES) == list(SKILLS)
    assert sorted(TAUGHT_WEIGHT) == sorted(MANY_ANSWERS)
    for stage in stages.STAGES:
        assert sum(stage.shares.values()) == pytest.approx(1.0)


def test_the_learning_rate_of_a_stage_rises_stays_or_falls_to_zero():
    num_steps = sum(stage.num_steps for stage in stages.STAGES)
    rates = [stages.learning_rate(stages.STAGES, step) for step in range(num_steps)]
    first = 0
    for stage in stages.STAGES:
        own = rates[first : first + stage.num_steps]
        first += stage.num_steps
        assert max(own) == stage.learning_rate
        assert own[: stage.num_warmup_steps] == sorted(set(own[: stage.num_warmup_steps]))
        rest = own[stage.num_warmup_steps :]
        if stage.falls_to_zero:
            assert rest == sorted(set(rest), reverse=True)
            assert 0 < rest[-1] < stage.learning_rate / 100
        else:
            assert set(rest) == {stage.learning_rate}
    assert first == num_steps
    assert {0, num_steps} <= stages.validation_steps(num_steps)
    with pytest.raises(IndexError, match="past the last stage"):
        stages.learning_rate(stages.STAGES, num_steps)


def test_the_script_makes_a_model_and_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    texts = tmp_path / "texts"
    write_folder(texts, "tales", "<|endoftext|>".join(" ".join(FOX_SENTENCES[n : n + 30]) for n in range(150)))
    monkeypatch.setattr("pretrain.text.documents.__defaults__", (texts,))
    for function in (training_documents, held_out_documents):
        monkeypatch.setattr(function, "__defaults__", (texts,))
    shape = {**stages.SHAPE, "hidden_size": 40, "intermediate_size": 64, "num_hidden_layers": 2}
    monkeypatch.setattr(pretrain_base, "SHAPE", shape)
    monkeypatch.setattr(pretrain_base, "NUM_HELD_OUT_ROWS", 2)
    monkeypatch.setattr(pretrain_base, "read_open_words", lambda cache: OPEN_WORDS)
    short = tuple(replace(one, num_steps=2, text_length=64, tokens_per_step=1024) for one in stages.STAGES)
    monkeypatch.setattr(pretrain_base, "STAGES", short)
    monkeypatch.setattr(stages, "STAGES", short)
    monkeypatch.setattr(pretrain_base, "validation_steps", lambda num_steps: frozenset({0, 3, num_steps}))

    def run(build, stop_after=None, options=()):
        if stop_after:
            monkeypatch.setattr(pretrain_base, "train", lambda job, progress: stopped(job, stop_after))
        else:
            monkeypatch.setattr(pretrain_base, "train", lambda job, progress: train(looking_worse(job), progress))
        monkeypatch.setattr("sys.argv", ["pretrain_base.py", "--build", str(build), "--threads", "1", *options])
        pretrain_base.main()

    class Killed(BaseException):
        pass

    def stopped(job, stop_after):
        real = job.stream.rows

        class Stream:
            def rows(self, step):
                if step == stop_after:
                    raise Killed
                return real(step)

        train(looking_worse(replace(job, stream=Stream())), SilentProgress())

    def looking_worse(job):
        """The lower the loss, the higher it is said to be, so that the start looks best."""

        def validate():
            found = job.validate()
            return replace(found, loss=100.0 - found.loss)

        return replace(job, validate=validate)

    run(tmp_path / "straight")
    for stop_after in (1, 4):
        with pytest.raises(Killed):
            run(tmp_path / "killed", stop_after)
    run(tmp_path / "killed")

    straight, resumed = tmp_path / "straight", tmp_path / "killed"
    weights = "model/model.safetensors"
    assert (straight / weights).read_bytes() == (resumed / weights).read_bytes()
    (last,) = straight.glob("home/runs/*/checkpoints/step-00000012/weights.safetensors")
    assert load_file(straight / weights).keys() == load_file(last).keys()
    for name, kept in load_file(straight / weights).items():
        assert np.array_equal(kept, load_file(last)[name].astype(np.float16)), name
    assert load_renderer(resumed / "model").hash == load_renderer(resumed / "start").hash
    assert load_file(resumed / weights)["model.norm.weight"].dtype == np.float16
    for path in (resumed / "start").iterdir():
        if path.suffix != ".safetensors":
            assert (resumed / "model" / path.name).read_bytes() == path.read_bytes()
    assert [run.status for run in Store(resumed / "home").runs()] == ["succeeded"]
    figures = TrainingFigures.model_validate_json((resumed / "figures.json").read_bytes())
    assert len(figures.train_losses) == figures.num_steps == 12
    assert [point.step for point in figures.held_out] == [0, 3, 12]
    assert [stage.name for stage in figures.stages] == [stage.name for stage in stages.STAGES]

    # The last stages alone, from what the others made.
    run(tmp_path / "further", options=["--from", str(straight / "model"), "--steps", "0", "0", "0", "1", "0", "1"])
    further = TrainingFigures.model_validate_json((tmp_path / "further" / "figures.json").read_bytes())
    assert [stage.name for stage in further.stages] == ["look up", "answer"]
    assert len(PretrainingFigures(sittings=(figures,)).followed_by(further).sittings) == 2
    assert PretrainingFigures(sittings=(further,)).followed_by(figures).sittings == (figures,)
    page = (resumed / "report.html").read_text()
    assert "Held-out loss by kind" in page
    assert page.count("<svg") == 4


def test_an_average_keeps_a_share_of_the_weights_that_training_went_on_from(tmp_path):
    import torch

    start = write_tiny_base(tmp_path / "start")
    network = load_base(start)
    before = {name: weights.clone() for name, weights in network.named_parameters()}
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(1.0)
    trained = {name: weights.clone() for name, weights in network.named_parameters()}
    pretrain_base.average(network, start, 0.0)
    for name, weights in network.named_parameters():
        assert torch.equal(weights, trained[name])
    pretrain_base.average(network, start, 0.25)
    for name, weights in network.named_parameters():
        torch.testing.assert_close(weights, before[name] + 0.75)


def test_a_trial_has_the_same_stages_with_fewer_steps():
    trial = stages.with_steps([1, 2, 3, 4, 5, 6])
    assert [stage.num_steps for stage in trial] == [1, 2, 3, 4, 5, 6]
    assert [stage.shares for stage in trial] == [stage.shares for stage in stages.STAGES]


def test_rows_made_ahead_by_other_processes_are_the_same(renderer):
    source = mix(renderer, {TEXT: 0.3, REPEATS: 0.2, "copying": 0.5})
    with rows_ahead(source, num_steps=9, num_processes=2) as ahead:
        assert [ahead.rows(step) for step in (3, 4, 5)] == [source.rows(step) for step in (3, 4, 5)]
        assert ahead.rows(8) == source.rows(8), "a step out of order is asked for anew"
    with rows_ahead(source, num_steps=9, num_processes=0) as ahead:
        assert ahead is source
