"""A study with a judge behind a real endpoint: said before, stopped and continued, in every form of the report."""

import json
import re
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest
from chat_server import ChatServer, Reply, Request, chat_server, refused
from chat_server import said as reply
from listening import Listening
from scipy.stats import binom, binomtest
from small_job import COLOURS, write_rows
from small_study import study_recipe, write_study_base

from tunewright.actions import resume_study, study
from tunewright.actions.study_judging import MAX_ITEMS
from tunewright.errors import RecipeError, TrainError
from tunewright.outside.chat_endpoint import ChatEndpoint
from tunewright.records import Answer, EndpointRecipe, JudgeComparison, Message, StudyRecipe, StudyReport
from tunewright.store import Store

KEY_VARIABLE, KEY = "JUDGE_KEY_OF_A_TEST", "sk-a-secret-of-a-test"
NUM_BEFORE_STOP = 5


def longer(request: Request, number: int) -> Reply:
    shown = re.findall(r"<answer_([ab])>\n(.*?)\n</answer", request.question, re.DOTALL)
    lengths = {name.upper(): len(text) for name, text in shown}
    return reply(f"Verdict: {max(lengths, key=lengths.__getitem__) if len(set(lengths.values())) == 2 else 'tie'}")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., StudyRecipe]:
    folder = tmp_path_factory.mktemp("judged")
    rows, base = write_rows(folder / "rows.jsonl"), write_study_base(folder / "base")
    return lambda **judge: study_recipe(rows, base, few_shot={"k": [1]}, judge={"model": "large", **judge})


class Stopped:
    """A study that was stopped while the judge was replying."""

    def __init__(self, recipe: Callable[..., StudyRecipe], home: Path, server: ChatServer) -> None:
        self.home, self.server, self.progress = home, server, Listening()
        real = ChatEndpoint.answer_each

        def stops(
            endpoint: ChatEndpoint, prompts: Sequence[Sequence[Message]]
        ) -> Generator[tuple[int, Answer], None, None]:
            for number, found in enumerate(real(endpoint, prompts)):
                if number == NUM_BEFORE_STOP:
                    raise KeyboardInterrupt
                yield found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ChatEndpoint, "answer_each", stops)
            patch.setenv(KEY_VARIABLE, KEY)
            with pytest.raises(TrainError, match="Continue with: tunewright study --resume"):
                study(recipe(url=server.url, key_variable=KEY_VARIABLE), home=home, progress=self.progress)


@pytest.fixture(scope="module")
def stopped(recipe: Callable[..., StudyRecipe], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stopped]:
    with chat_server(longer) as server:
        yield Stopped(recipe, tmp_path_factory.mktemp("home") / "home", server)


def judge_of(report: StudyReport) -> JudgeComparison:
    assert report.judge is not None
    return report.judge


def test_what_is_sent_and_what_was_derived_is_said_before(stopped: Stopped) -> None:
    sent = "Sends up to 50 test inputs with references and the answers of two arms, each twice, to the judge large at "
    assert f"{sent}{stopped.server.url}." in stopped.progress.lines
    derived = "judge.question = It names the right label.  (answers are compared by accuracy)"
    assert derived in stopped.progress.lines
    assert any(line.startswith("judge.max_items = 50  (") for line in stopped.progress.lines)


def test_a_study_stopped_at_the_judge_goes_on_without_asking_or_answering_again(
    stopped: Stopped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    home = tmp_path / "home"
    shutil.copytree(stopped.home, home)
    kept = (next(home.glob("runs/*/answers.jsonl"))).read_text(encoding="utf-8").splitlines()
    num_asked = len(stopped.server.requests)
    report = resume_study("last", home=home)
    found = judge_of(report)
    assert found.arm == "tuned"
    assert found.baseline == max(
        ("zero-shot", "prompted", "few-shot"),
        key=lambda name: report.result(name, "accuracy").estimate.value,  # type: ignore[union-attr]
    )
    assert found.num_scored == report.data.num_test_inputs == 20
    num_pairs = 20 - found.num_equal
    assert len(stopped.server.requests) - num_asked == 2 * num_pairs - NUM_BEFORE_STOP
    assert all(request.headers["Authorization"] == f"Bearer {KEY}" for request in stopped.server.requests)
    run = Store(home).run(report.run_id)
    lines = (run.path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines[: len(kept)] == kept
    assert len(lines) - len(kept) == 2 * num_pairs - NUM_BEFORE_STOP, "no arm was asked again"
    assert found.agreement is not None
    assert found.agreement.value == 1.0
    assert any(reason.startswith("The judge large") for reason in report.decision.reasons)
    assert "ask the judge" in report.seconds
    assert json.loads((run.path / "report.json").read_text(encoding="utf-8"))["judge"] == found.model_dump(mode="json")
    assert 'id="judge"' in (run.path / "report.html").read_text(encoding="utf-8")
    assert "judged pair" in (run.path / "summary.md").read_text(encoding="utf-8")
    assert not [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_key_that_has_gone_since_costs_the_preference_and_not_the_study(
    stopped: Stopped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    home = tmp_path / "home"
    shutil.copytree(stopped.home, home)
    num_asked = len(stopped.server.requests)
    report = resume_study("last", home=home)
    found = judge_of(report)
    assert found.note is not None
    assert f"judge.key_variable {KEY_VARIABLE}: found no such variable" in found.note
    assert found.num_wins + found.num_losses <= NUM_BEFORE_STOP // 2, "what had come in is used"
    assert len(stopped.server.requests) == num_asked
    assert report.decision.headline


def test_a_judge_that_refuses_costs_the_preference_and_not_the_study(
    recipe: Callable[..., StudyRecipe], tmp_path: Path
) -> None:
    def knows_every_colour_and_judges_nothing(request: Request, number: int) -> Reply:
        if "<answer_a>" in request.question:
            return refused(401, "who are you")
        place = re.search(r"place (\d+)", request.question)
        assert place is not None
        return reply(COLOURS[int(place[1]) % len(COLOURS)])

    with chat_server(knows_every_colour_and_judges_nothing) as server:
        judged = recipe(url=server.url, question="Is it brief?", max_items=6)
        hosted = EndpointRecipe(url=server.url, model="large")
        report = study(judged.model_copy(update={"endpoint": hosted}), home=tmp_path)
    found = judge_of(report)
    assert (found.arm, found.baseline, found.question) == ("tuned", "endpoint", "Is it brief?")
    assert found.num_scored + found.num_unscored == 6
    assert found.note is not None
    assert "HTTP 401: who are you" in found.note
    assert found.note.endswith("The judge is the model of an arm that it judges.")
    assert not [each for each in report.derived if each.setting.startswith("judge.")]
    assert [arm.name for arm in report.arms] == ["zero-shot", "prompted", "few-shot", "tuned", "endpoint"]


def test_a_judge_that_cannot_be_asked_is_refused_before_anything_is_written(
    recipe: Callable[..., StudyRecipe], tmp_path: Path
) -> None:
    for match, judge in (
        (r"judge\.url: found 'ftp://x', expected an http", {"url": "ftp://x"}),
        (
            r"judge\.key_variable NO_SUCH_KEY: found no such variable",
            {"url": "http://h/v1", "key_variable": "NO_SUCH_KEY"},
        ),
    ):
        with pytest.raises(RecipeError, match=match):
            study(recipe(**judge), home=tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_the_derived_number_of_pairs_finds_what_its_reason_says() -> None:
    found = [wins for wins in range(MAX_ITEMS + 1) if binomtest(wins, MAX_ITEMS).pvalue < 0.05]
    assert sum(binom.pmf(wins, MAX_ITEMS, 0.7) for wins in found) == pytest.approx(0.8, abs=0.03)
