"""The data that comes with the package: the demo tickets and the base model's folder."""

import importlib.util
import json
import re
import sys
from collections import Counter
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pretrain_card
import pytest
from pretrain.figures import PretrainingFigures, draw_curve, sha256_of

from tunewright.records import Conversation, Example, Message, Provenance

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_demo_data.py"
TICKETS = Path(str(files("tunewright") / "bundled" / "demo" / "tickets.jsonl"))
BASE = Path(str(files("tunewright") / "bundled" / "base"))

# Written out here, and not read from the script: this is what the demo's README promises.
ISSUES = {
    *("billing.double", "billing.refund", "dispatch.late", "dispatch.damaged"),
    *("repairs.dead", "repairs.flicker", "software.pairing", "software.crash"),
}
SEVERITIES = {"S1", "S2", "S3"}
PRODUCTS = {"Mira", "Alta", "Riva", "Puck", None}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    sys.path.insert(0, str(SCRIPT.parent))  # it takes the handbook from the file beside it
    spec = importlib.util.spec_from_file_location("make_demo_data", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(SCRIPT.parent))
    return module


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    rows = [json.loads(line) for line in TICKETS.read_text(encoding="utf-8").splitlines()]
    assert all(set(row) == {"messages"} for row in rows)
    return [Conversation(messages=tuple(Message(**message) for message in row["messages"])) for row in rows]


@pytest.fixture(scope="module")
def filings(conversations: list[Conversation]) -> list[dict[str, str | None]]:
    return [json.loads(conversation.answer) for conversation in conversations]


def ticket(conversation: Conversation) -> str:
    return conversation.messages[0].content


def test_the_script_writes_the_committed_files_byte_for_byte(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new"
    monkeypatch.setattr("sys.argv", ["make_demo_data.py", str(folder)])
    script.main()
    written = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(written) == 5
    for name in written:
        assert (folder / name).read_bytes() == (TICKETS.parent / name).read_bytes(), name


def test_every_answer_stands_in_the_handbook_and_the_new_ones_in_the_updated_one() -> None:
    for rows, handbook in (("questions", "handbook"), ("updated-answers", "updated-handbook")):
        text = (TICKETS.parent / handbook / "parts.md").read_text(encoding="utf-8")
        sections = {section.partition("\n")[0]: section for section in text.split("## ")}
        for line in (TICKETS.parent / f"{rows}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            question, answer = (message["content"] for message in row["messages"])
            assert row["part"] in question
            assert answer in sections[row["part"]]
            assert sum(section.startswith(row["part"]) for section in sections) == 1


def test_half_of_the_prices_change_and_nothing_else() -> None:
    old, new = (
        [json.loads(line)["messages"] for line in (TICKETS.parent / name).read_text(encoding="utf-8").splitlines()]
        for name in ("questions.jsonl", "updated-answers.jsonl")
    )
    answers = {question["content"]: answer["content"] for question, answer in old}
    assert len(old) == len(answers) == 180
    assert len(new) == 60
    assert all(answers[question["content"]] != answer["content"] for question, answer in new)
    assert all(answer["content"].endswith(" euros") for _, answer in new)


def test_another_seed_writes_other_tickets(script: ModuleType) -> None:
    assert script.make_rows(seed=1) != script.make_rows(seed=2)


def test_every_row_is_a_ticket_and_its_filing(conversations: list[Conversation]) -> None:
    assert len(conversations) >= 700
    for conversation in conversations:
        assert [message.role for message in conversation.messages] == ["user", "assistant"]


def test_no_ticket_occurs_twice_so_none_is_filed_in_two_ways(conversations: list[Conversation]) -> None:
    examples = [Example(body=body, provenance=Provenance(source="demo", row=1)) for body in conversations]
    assert len({example.input_id for example in examples}) == len(examples)
    assert len({ticket(conversation).lower() for conversation in conversations}) == len(conversations)


def test_filings_are_compact_json_with_the_documented_keys_and_words(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        filing = json.loads(conversation.answer)
        assert list(filing) == ["issue", "severity", "product", "order"]
        assert conversation.answer == json.dumps(filing, separators=(",", ":"))
        assert filing["issue"] in ISSUES
        assert filing["severity"] in SEVERITIES
        assert filing["product"] in PRODUCTS
        assert filing["order"] is None or re.fullmatch(r"[ABKT]-\d{4}", filing["order"])


def test_every_label_occurs_equally_often(filings: list[dict[str, str | None]]) -> None:
    for key, values in (("issue", ISSUES), ("severity", SEVERITIES), ("product", PRODUCTS)):
        assert Counter(filing[key] for filing in filings) == dict.fromkeys(values, len(filings) // len(values))


def test_the_order_is_filed_exactly_when_the_ticket_gives_one(
    conversations: list[Conversation], filings: list[dict[str, str | None]]
) -> None:
    for conversation, filing in zip(conversations, filings, strict=True):
        written = re.findall(r"\b([abkt])-?(\d{4})\b", ticket(conversation).lower())
        assert ["-".join(order).upper() for order in written] == ([filing["order"]] if filing["order"] else [])


def test_customers_never_use_the_words_of_the_house(conversations: list[Conversation]) -> None:
    house_words = re.compile(r"\b(mira|alta|riva|puck|s[123]|dispatch|repairs|software|billing)\b", re.IGNORECASE)
    assert [ticket(conversation) for conversation in conversations if house_words.search(ticket(conversation))] == []


def test_a_loud_tone_does_not_decide_the_severity(conversations: list[Conversation]) -> None:
    loud = re.compile(r"urgent|furious|unbelievable|worst", re.IGNORECASE)
    severities = {json.loads(c.answer)["severity"] for c in conversations if loud.search(ticket(c))}
    assert severities == SEVERITIES


@pytest.mark.parametrize("text", ["Where is my parcel?", "order a-4821. the light of it blinks"])
def test_a_typo_changes_one_word_and_no_order_number(script: ModuleType, text: str) -> None:
    for seed in range(50):
        misspelt = script.misspell(script.Dice(seed), text).split()
        changed = [(old, new) for old, new in zip(text.split(), misspelt, strict=True) if old != new]
        assert len(changed) <= 1
        assert all(old.isalpha() or old[:-1].isalpha() for old, _ in changed)


def test_tickets_and_filings_fit_the_base_in_few_tokens(conversations: list[Conversation]) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))
    assert max(len(tokenizer.encode(ticket(conversation)).ids) for conversation in conversations) <= 60
    assert max(len(tokenizer.encode(conversation.answer).ids) for conversation in conversations) <= 45


def test_the_bundled_base_is_small_and_holds_no_code_or_pickle() -> None:
    names = {path.name for path in BASE.iterdir()}
    assert names == {
        *("model.safetensors", "config.json", "generation_config.json", "README.md"),
        *("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"),
    }
    assert sum(path.stat().st_size for path in BASE.iterdir()) <= 25_000_000


def test_the_bundled_folder_is_data_only() -> None:
    assert list(BASE.parent.rglob("*.py")) == []


def test_the_configuration_of_the_bundled_base_loads_and_describes_its_weights() -> None:
    from safetensors import safe_open
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(BASE, local_files_only=True)
    with safe_open(BASE / "model.safetensors", framework="pt") as weights:
        shape = weights.get_slice("model.embed_tokens.weight").get_shape()
        names = list(weights.keys())
    num_layers = len({name.split(".")[2] for name in names if ".layers." in name})
    assert config.model_type == "llama"
    assert shape == [config.vocab_size, config.hidden_size]
    assert num_layers == config.num_hidden_layers


@pytest.mark.parametrize("card", [BASE / "README.md", TICKETS.parent / "README.md"])
def test_a_card_states_a_licence_and_no_path_of_a_machine(card: Path) -> None:
    text = card.read_text(encoding="utf-8")
    assert "Apache-2.0" in text
    assert not re.search(r"\.\./|(^|[\s`(])/\w|shared/", text)


def test_the_kept_losses_are_those_of_the_bundled_weights() -> None:
    figures = PretrainingFigures.model_validate_json(pretrain_card.FIGURES.read_bytes())
    assert sha256_of(BASE) == figures.sittings[-1].weights_sha256
    for before, after in pairwise(figures.sittings):
        assert after.start_sha256 == before.weights_sha256
    for sitting in figures.sittings:
        assert len(sitting.train_losses) == sitting.num_steps == sum(stage.num_steps for stage in sitting.stages)


def test_the_card_of_the_base_is_made_from_the_kept_figures(tmp_path: Path) -> None:
    figures = PretrainingFigures.model_validate_json(pretrain_card.FIGURES.read_bytes())
    measured = pretrain_card.MEASURED.read_text(encoding="utf-8")
    assert pretrain_card.card(figures, measured) == (BASE / "README.md").read_text(encoding="utf-8")
    draw_curve(figures, tmp_path / "curve.svg")
    assert "held-out loss by kind" in (tmp_path / "curve.svg").read_text(encoding="utf-8")


def test_the_card_of_a_base_that_somebody_made_anew_tells_nothing_of_the_bundled_one() -> None:
    sitting = PretrainingFigures.model_validate_json(pretrain_card.FIGURES.read_bytes()).sittings[0]
    short = [stage.model_copy(update={"num_steps": 9}) for stage in sitting.stages]
    sitting = sitting.model_copy(
        update={"stages": tuple(short), "train_losses": sitting.train_losses[: 9 * len(short)]}
    )
    card = pretrain_card.card(PretrainingFigures(sittings=(sitting,)), "nothing measured")
    assert "Made by `make pretrain-base` in one sitting.\n\n## Measured\n" in card
    assert "had too few steps to tell" in card
    assert not re.search("the sixth|seed 16|does not make these|looks things up better", card, re.IGNORECASE)
