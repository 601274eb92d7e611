"""Keys of the environment are written nowhere, rows only into what is made of rows; whatever goes wrong meanwhile."""

import errno
import json
from pathlib import Path

import pytest
from chat_server import Reply, Request, chat_server, refused, said
from cli_fixture import Shell
from small_job import COLOURS, small_recipe
from small_study import study_recipe, write_study_base
from store_samples import FaultyFiles
from tiny_base import write_tiny_base

from tunewright.actions import evaluate, resume, study, tune, tuning
from tunewright.data.read import read_rows
from tunewright.errors import StoreError
from tunewright.records import DataRecipe, EvaluateRecipe
from tunewright.store import Store

KEYS = {
    name: f"sk-canary-{number:02d}-4f7a9c2e"
    for number, name in enumerate(
        (
            "OPENAI_API_KEY",
            "HF_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "MY_KEY",
            "DNNL_SECRET",
            "OMP_SECRET",
            "HTTPS_PROXY_PASSWORD",
        )
    )
}
UNUSED = "canary-of-an-unused-column-8c1d"
ROW = "canaryrow"
MADE_OF_ROWS = (
    "examples.jsonl",
    "answers.jsonl",
    "report.json",
    "report.html",
    "summary.md",
    "scores-*.json",
    "arm-*.json",
)
"""What holds rows or answers by its nature. Prompts that were assembled from rows are arms."""


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The last word of each question is a canary, and so is a column that nobody asked for."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    rows = [
        {"prompt": f"What is the colour of {ROW}{n}?", "completion": COLOURS[n % 5], "customer": f"{UNUSED}{n}"}
        for n in range(60)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)


def require_kept_out(home: Path, said: str = "") -> None:
    """No key and no unused column anywhere; rows only where they belong."""
    for path in (path for path in home.rglob("*") if path.is_file()):
        content = path.read_bytes().decode("utf-8", "replace")
        for secret in (*KEYS.values(), UNUSED):
            assert secret not in content, f"{secret} in {path}"
        if not any(path.match(pattern) for pattern in MADE_OF_ROWS):
            assert ROW not in content, f"a row in {path}"
    for secret in (*KEYS.values(), UNUSED):
        assert secret not in said


@pytest.mark.timeout(900)  # seconds on an idle machine
def test_a_study_with_an_endpoint_that_repeats_its_key_and_fails_writes_it_nowhere(rows, tmp_path, capsys):
    def script(request: Request, number: int) -> Reply:
        heard = f"{request.headers.get('Authorization')} from {request.question}"
        return refused(401, f"Not allowed: {heard}") if number % 3 == 0 else said("red")

    few = ("few_shot.k=[1]", "train.rows_per_step=20")
    with chat_server(script) as server:
        endpoint = {"url": server.url, "model": "large", "key_variable": "MY_KEY"}
        study(study_recipe(rows, write_study_base(tmp_path / "base"), *few, endpoint=endpoint), home=tmp_path / "home")
        assert all(request.headers["Authorization"] == f"Bearer {KEYS['MY_KEY']}" for request in server.requests)
    require_kept_out(tmp_path / "home", "".join(capsys.readouterr()))


def test_a_run_that_fails_goes_on_and_is_evaluated_writes_neither_keys_nor_rows_into_its_records(
    rows, tmp_path, monkeypatch, capsys
):
    base, home = write_tiny_base(tmp_path / "base"), tmp_path / "home"
    few = ("evaluate.max_inputs=2", "evaluate.max_answer_tokens=8", "train.rows_per_step=20", "memorisation.max_rows=2")
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "Store", lambda home: Store(home, files=FaultyFiles(60, errno.EIO, sticky=True)))
        with pytest.raises(StoreError, match=r"(?i)input/output"):
            tune(small_recipe(rows, base, *few), home=home)
    require_kept_out(home)
    resume("last", home=home)
    evaluate("last", DataRecipe(path=str(rows)), EvaluateRecipe(max_inputs=2, num_resamples=100), home=home)
    require_kept_out(home, "".join(capsys.readouterr()))


def test_of_names_that_rows_bring_along_a_few_are_shown(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": f"{n}?", "completion": "red", f"id{n:03d}": 1} for n in range(100)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (warning,) = read_rows(str(path), DataRecipe(path=str(path)), None).source.warnings
    assert warning.endswith("id018, id019 and 80 more")


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": {"x" * 200 + UNUSED: 1}, "completion": "red"},
        {"prompt": ["x" * 200 + UNUSED], "completion": "red"},
        {"x" * 200 + UNUSED: "no such field"},
        {"prompt": "a", "completion": "red", "weight": "x" * 200 + UNUSED},
        {"messages": [{"role": "x" * 200 + UNUSED, "content": "a"}]},
        {"messages": [{"role": "user", "content": "a", "x" * 200 + UNUSED: 1}, {"role": "assistant", "content": "b"}]},
    ],
)
def test_of_a_row_that_is_refused_no_more_than_its_beginning_is_shown(row, tmp_path, monkeypatch, capsys):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    outcome = Shell(monkeypatch, capsys).run("check", str(path))
    shown = outcome.stdout + outcome.stderr
    assert "rows.jsonl" in shown
    assert UNUSED not in "".join(shown.split())
    assert "x" * 170 not in "".join(shown.split())
