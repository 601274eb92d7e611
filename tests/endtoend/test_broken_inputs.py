"""Twelve things that users get wrong: one clear error each, and nothing half-written."""

import errno
import json
import os

import pytest
from cli_fixture import Shell
from small_job import write_rows
from tiny_base import write_tiny_base

from tunewright.store import Files


class Broken:
    """A command line with good inputs to break."""

    def __init__(self, folder, shell):
        self.folder = folder
        self.shell = shell
        self.home = folder / "home"
        self.rows = folder / "rows.jsonl"

    def write(self, *rows):
        self.rows.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def refusal(self, *arguments):
        """What `tune` says when it refuses; checks that it refuses in words and leaves nothing behind."""
        outcome = self.shell.run("tune", *arguments, "--home", str(self.home))
        assert outcome.code == 2, outcome.stderr
        assert outcome.stdout == ""
        # A word wrapped over two lines is still the same message.
        message = " ".join(outcome.stderr.split())
        assert message.count("error:") == 1
        assert "Traceback" not in message
        leftovers = [path for path in self.home.rglob("*") if path.is_file() and path.name != "lock"]
        assert leftovers == []
        return message


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return str(write_tiny_base(tmp_path_factory.mktemp("bases") / "base"))


@pytest.fixture
def broken(tmp_path, monkeypatch, capsys):
    return Broken(tmp_path, Shell(monkeypatch, capsys))


def test_wrong_column(broken, base):
    path = broken.folder / "rows.csv"
    path.write_text("question,answer\nhow,so\n", encoding="utf-8")
    message = broken.refusal(str(path), "--base", base, "--input", "questoin", "--output", "answer")
    assert "questoin" in message
    assert "question, answer" in message


def test_truncated_json(broken, base):
    write_rows(broken.rows)
    broken.rows.write_bytes(broken.rows.read_bytes()[:-20])
    message = broken.refusal(str(broken.rows), "--base", base)
    assert "rows.jsonl:80" in message


def test_utf_16(broken, base):
    write_rows(broken.rows)
    broken.rows.write_text(broken.rows.read_text(encoding="utf-8"), encoding="utf-16")
    message = broken.refusal(str(broken.rows), "--base", base)
    assert "UTF-16" in message
    assert "UTF-8" in message


def test_empty_file(broken, base):
    broken.rows.write_bytes(b"")
    assert "rows.jsonl" in broken.refusal(str(broken.rows), "--base", base)


def test_nine_rows(broken, base):
    write_rows(broken.rows, num_rows=9)
    message = broken.refusal(str(broken.rows), "--base", base)
    assert "9 rows" in message
    assert "50" in message


def test_all_weights_zero(broken, base):
    rows = [
        {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": "a", "weight": 0}]}
        for n in range(60)
    ]
    broken.write(*rows)
    message = broken.refusal(str(broken.rows), "--base", base)
    assert "rows.jsonl:1" in message
    assert "weight 0" in message
    assert "and 40 more" in message


def test_answer_longer_than_the_context(broken, base):
    write_rows(broken.rows)
    with broken.rows.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "Tell me everything.", "completion": "word " * 500}) + "\n")
    message = broken.refusal(str(broken.rows), "--base", base)
    assert "rows.jsonl:81" in message
    assert "An answer is never cut" in message
    assert "data.unusable_rows=drop" in message


def test_unknown_recipe_key(broken, base):
    write_rows(broken.rows)
    message = broken.refusal(str(broken.rows), "--base", base, "--set", "train.learning_rte=1")
    assert "train.learning_rte: found an unknown setting" in message


def test_rank_zero(broken, base):
    write_rows(broken.rows)
    message = broken.refusal(str(broken.rows), "--base", base, "--set", "method.rank=0")
    assert "method.rank: found 0" in message
    assert "Rank is the width of the LoRA update" in message


def test_broken_template(broken, base, tmp_path):
    # A base without a template gets the plain one (test_main_job.py); one with a broken template is refused.
    folder = write_tiny_base(tmp_path / "other")
    (folder / "chat_template.jinja").write_text("{% for message in messages %}", encoding="utf-8")
    message = broken.refusal(str(write_rows(broken.rows)), "--base", str(folder))
    assert "template" in message


def test_pickled_weights_only(broken, base, tmp_path):
    folder = write_tiny_base(tmp_path / "other")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    message = broken.refusal(str(write_rows(broken.rows)), "--base", str(folder))
    assert "pytorch_model.bin" in message
    assert "safetensors" in message


def test_disk_full(broken, base, monkeypatch):
    write_rows(broken.rows)

    def full(self, call, path):
        if call != "mkdir":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Files, "before", full)
    message = broken.refusal(str(broken.rows), "--base", base)
    assert "disk full" in message


@pytest.mark.parametrize("missing", ["missing.jsonl", "no/such-base"])
def test_missing_files(broken, base, missing, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    write_rows(broken.rows)
    arguments = (missing, "--base", base) if missing.endswith("l") else (str(broken.rows), "--base", missing)
    assert missing in broken.refusal(*arguments)
