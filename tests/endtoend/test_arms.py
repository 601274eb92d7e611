"""Arms after their study: each opens by name, answers as it did, survives a move, and says what it has lost."""

import io
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import Reply, Request, chat_server
from chat_server import said as reply
from cli_fixture import Shell
from listening import Listening
from small_job import write_rows
from small_study import study_recipe, write_documents, write_study_base

from tunewright.actions import chat, evaluate, list_arms, show_tokens, study
from tunewright.actions.opened_arms import OpenedArm, open_arm, open_model_or_arm
from tunewright.contracts import SilentProgress
from tunewright.errors import BaseMismatchError, CorruptError, ModelError, RecipeError, StoreError, TrainError
from tunewright.evaluate import task
from tunewright.records import Answer, DataRecipe, EvaluateRecipe, Message, Split, input_id
from tunewright.store import Store

SLUGS = ["zero-shot", "prompted", "few-shot", "retrieval", "tuned", "tuned-retrieval", "endpoint"]
NAMES = {slug: "tuned + retrieval" if slug == "tuned-retrieval" else slug for slug in SLUGS}


def hosted_answer(request: Request, number: int) -> Reply:
    """Depends on all that is sent, and on nothing else."""
    del number
    sent = json.dumps(request.body["messages"])
    return reply(("red", "blue", "green")[len(sent) % 3])


class Job:
    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.home = folder, folder / "home"
        self.rows, self.base = write_rows(folder / "rows.jsonl"), write_study_base(folder / "base")
        documents = write_documents(folder / "documents")
        recipe = study_recipe(
            self.rows,
            self.base,
            documents=str(documents),
            endpoint={"url": url, "model": "large", "key_variable": "KEY_OF_THE_TEST"},
        )
        self.report = study(recipe, home=self.home)
        self.run = Store(self.home).run(self.report.run_id)
        shutil.rmtree(documents)  # the study has its own copy

    def test_items(self) -> tuple[task.TestItem, ...]:
        version, examples = Store(self.home).get_dataset(self.run.record.dataset_id)
        rows = [examples[entry.example_id] for entry in version.entries if entry.split is Split.TEST]
        return task.test_items(rows, None)

    def recorded(self, identity: str) -> dict[str, Answer]:
        """What the study wrote down while it ran: answers by row."""
        lines = map(json.loads, (self.run.path / "answers.jsonl").read_text(encoding="utf-8").splitlines())
        return {
            line["row"]: _timeless(Answer.model_validate(line["answer"])) for line in lines if line["arm"] == identity
        }

    def copy(self, target: Path) -> Path:
        """The home, somewhere else."""
        return Path(shutil.copytree(self.home, target))


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    pytest.importorskip("lancedb")
    with pytest.MonkeyPatch.context() as patch, chat_server(hosted_answer) as server:
        patch.setenv("KEY_OF_THE_TEST", "secret-of-the-test")
        yield Job(tmp_path_factory.mktemp("arms"), server.url)


def answers(arm: OpenedArm, items: tuple[task.TestItem, ...]) -> list[Answer]:
    with SilentProgress().bar("", len(items)) as advance:
        return [_timeless(answer) for answer in arm.load().answer([item.prompt for item in items], advance)]


def _timeless(answer: Answer) -> Answer:
    return answer.model_copy(update={"seconds": None})


def test_a_study_keeps_all_of_its_arms_and_never_the_key(job):
    assert [arm.slug for arm in list_arms("last", job.home)] == SLUGS
    files = [path for path in job.home.rglob("*") if path.is_file()]
    assert not [path for path in files if b"secret-of-the-test" in path.read_bytes()]


@pytest.mark.parametrize("slug", SLUGS)
def test_an_opened_arm_gives_the_answers_that_the_study_recorded(job, slug):
    items = job.test_items()
    (identity,) = [arm.identity for arm in job.report.arms if arm.name == NAMES[slug]]
    recorded = job.recorded(identity)
    expected = [recorded[input_id(item.prompt)] for item in items]
    assert len(expected) == 20
    arm = open_arm(job.run, slug)
    assert answers(arm, items) == expected
    # A conversation of one question is asked in another way, a row at a time as it is written.
    conversation = chat(f"{job.report.run_id}/{slug}", home=job.home)
    for item, answer in zip(items[:3], expected[:3], strict=True):
        conversation.messages = []
        pieces: list[str] = []
        assert _timeless(conversation.say(item.prompt[-1].content, pieces.append)) == answer
        assert "".join(pieces) == answer.text


@pytest.mark.parametrize("slug", SLUGS)
def test_evaluate_gives_the_figures_of_the_study_on_the_same_rows(job, slug):
    path = job.folder / "test.jsonl"
    lines = [
        json.dumps({"prompt": item.prompt[-1].content, "completion": item.references[0]}) for item in job.test_items()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    told = Listening()
    metrics = ("accuracy", "macro_f1", *(["loss"] if slug in ("zero-shot", "tuned") else []))
    settings = EvaluateRecipe(metrics=metrics, num_resamples=100, rows_per_batch=8)
    report = evaluate(f"last/{slug}", DataRecipe(path=str(path)), settings, home=job.home, progress=told)
    expected = {found.metric: found.estimate.value for found in job.report.results if found.arm == NAMES[slug]}
    found = {found.metric: found.estimate.value for found in report.results}
    assert set(expected) == {"accuracy", "macro_f1"}
    assert {name: found[name] for name in expected} == expected
    assert report.title.startswith(f"{job.report.run_id}/{slug}")
    assert report.arms == (NAMES[slug],)
    sending = [line for line in told.lines if line.startswith("Sends the inputs") and "the model large at http" in line]
    assert len(sending) == (slug == "endpoint")


@pytest.mark.parametrize("slug", [slug for slug in SLUGS if slug != "endpoint"])
def test_tokens_shows_what_an_arms_model_is_given(job, slug):
    (row,) = show_tokens(DataRecipe(path=str(job.rows)), f"last/{slug}", num_rows=1, home=job.home)
    first = json.loads(job.rows.read_text(encoding="utf-8").splitlines()[0])
    arm = open_arm(job.run, slug)
    asked = [Message(role="user", content=first["prompt"])]
    # The oracle is the loaded arm, which the study's answers have come from.
    given = arm.load().arm.given(asked).messages
    renderer = arm.tokens().renderer
    prompt_ids = list(renderer.prompt(given).token_ids)
    assert [piece.token_id for piece in row.pieces if piece.state != "cut"][: len(prompt_ids)] == prompt_ids
    read = "".join(piece.text for piece in row.pieces if piece.state == "context")
    assert all(message.content in read for message in given)
    learned = "".join(piece.text for piece in row.pieces if piece.state == "trained")
    assert learned.startswith(first["completion"])
    assert (len(given) > 1 or "place" in given[0].content.replace(first["prompt"], "")) == (
        slug not in ("zero-shot", "tuned")
    )


def test_tokens_of_a_hosted_model_and_of_a_text_are_refused(job, tmp_path):
    with pytest.raises(
        ModelError, match=r"/endpoint: found the hosted model large at .*, expected a model on this mac"
    ):
        show_tokens(DataRecipe(path=str(job.rows)), "last/endpoint", home=job.home)
    text = tmp_path / "text.jsonl"
    text.write_text('{"text": "Only a text."}\n', encoding="utf-8")
    (row,) = show_tokens(DataRecipe(path=str(text)), "last/prompted", home=job.home)
    assert "text.jsonl:1: found a row that is no conversation, expected one that an arm can be asked" in row.problem


def test_probabilities_of_an_arm_that_prompts_are_refused(job):
    settings = EvaluateRecipe(metrics=("accuracy", "loss"))
    with pytest.raises(RecipeError, match=r"evaluate\.metrics: found 'loss', expected .* the few-shot arm has no prob"):
        evaluate("last/few-shot", DataRecipe(path=str(job.rows)), settings, home=job.home)


def test_training_rows_given_to_an_arm_are_told(job):
    told = Listening()
    settings = EvaluateRecipe(metrics=("accuracy",), num_resamples=100)
    evaluate("last/endpoint", DataRecipe(path=str(job.rows)), settings, home=job.home, progress=told)
    assert any("of the 80 inputs were training rows of" in line for line in told.lines)


def test_arms_survive_a_move_of_the_home(job, tmp_path, monkeypatch):
    moved = job.copy(tmp_path / "elsewhere")
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / "another home"))
    items = job.test_items()[:4]
    for slug in SLUGS:
        by_folder = open_model_or_arm(f"{moved}/runs/{job.report.run_id}/{slug}", None)
        assert isinstance(by_folder, OpenedArm)
        assert answers(by_folder, items) == answers(open_arm(job.run, slug), items)
        assert str(job.home) not in (moved / "runs" / job.report.run_id / f"arm-{slug}.json").read_text()


@pytest.mark.parametrize(
    ("slug", "place", "what"),
    [
        ("few-shot", "datasets/*", "training rows"),
        ("retrieval", "runs/*/indexes/*", "documents"),
        ("tuned-retrieval", "runs/*/indexes/*", "documents"),
        ("tuned", "runs/*/tuned/artifact", "trained weights"),
    ],
)
def test_what_an_arm_has_lost_is_said(job, tmp_path, slug, place, what):
    again = r"or run the study again: tunewright study --recipe \S+$"
    home = job.copy(tmp_path / "home")
    for folder in filter(Path.is_dir, home.glob(place)):
        changed = next(path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "MANIFEST.json")
        changed.write_bytes(b"{}" + changed.read_bytes())
    with pytest.raises(CorruptError, match=rf"/{slug}: found {what} that are not what they were \(.*{again}"):
        open_model_or_arm(f"last/{slug}", home)
    for folder in filter(Path.is_dir, list(home.glob(place.removesuffix("/artifact")))):
        shutil.rmtree(folder)
    with pytest.raises(StoreError, match=rf"/{slug}: found no {what}: there is no .*{again}"):
        open_model_or_arm(f"last/{slug}", home)


def test_a_record_that_was_edited_is_refused(job, tmp_path):
    home = job.copy(tmp_path / "home")
    path = home / "runs" / job.report.run_id / "arm-prompted.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["check"]
    path.write_text(json.dumps({**record, "system_prompt": "Say no."}), encoding="utf-8")
    with pytest.raises(CorruptError, match=r"arm-prompted\.json: found parts that give the arm .*It was edited\."):
        open_model_or_arm("last/prompted", home).load()
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(CorruptError, match=r"arm-prompted\.json: found something that is not the record of an arm"):
        open_model_or_arm("last/prompted", home)


def test_an_arm_of_another_base_is_refused_but_a_hosted_one_needs_none(job, monkeypatch):
    template = job.base / "chat_template.jinja"
    as_it_was = template.read_text(encoding="utf-8")
    try:
        template.write_text(as_it_was + "{# edited #}", encoding="utf-8")
        with pytest.raises(BaseMismatchError, match="it was made for base"):
            open_model_or_arm("last/few-shot", job.home)
        with pytest.raises(StoreError, match=r"--force: found last/few-shot, an arm of a study, expected a run that"):
            open_model_or_arm("last/few-shot", job.home, force=True)
        assert open_model_or_arm("last/endpoint", job.home).name == "endpoint"
    finally:
        template.write_text(as_it_was, encoding="utf-8")
    monkeypatch.delenv("KEY_OF_THE_TEST")
    with pytest.raises(RecipeError, match="KEY_OF_THE_TEST: found no such variable"):
        chat("last/endpoint", home=job.home)


def test_arms_that_are_settled_can_be_opened_while_the_study_goes_on(job, tmp_path, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("tunewright.actions.studying.train_inside", stop)
    with pytest.raises(TrainError, match="Continue with"):
        study(study_recipe(job.rows, job.base), home=tmp_path)
    assert [arm.slug for arm in list_arms("last", tmp_path)] == ["zero-shot", "prompted", "few-shot"]
    assert chat("last/few-shot", home=tmp_path).say("What is the colour of place 4?", lambda _: None).text is not None
    with pytest.raises(
        StoreError,
        match=r"/retrieval: found no such arm so far: the study is interrupted, expected one of its arms: zero-shot, "
        r"prompted, few-shot\. Continue it with: tunewright study --resume",
    ):
        open_model_or_arm("last/retrieval", tmp_path)


def test_a_study_without_records_says_so_and_opens_what_it_trained(job, tmp_path):
    home = job.copy(tmp_path / "home")
    for path in (home / "runs" / job.report.run_id).glob("arm-*.json"):
        path.unlink()
    assert list_arms("last", home) == ()
    with pytest.raises(
        StoreError,
        match=r"kept no record of its arms, as older .* as \S+/tuned or \S+/tuned-retrieval\. For the others run",
    ):
        open_model_or_arm("last/few-shot", home)
    tuned = open_model_or_arm(f"{job.report.run_id}/tuned", home)
    assert not isinstance(tuned, OpenedArm)
    assert tuned.name == "tuned"


def test_the_command_line_lists_arms_and_shows_the_passages_of_an_answer(job, monkeypatch, capsys):
    shell = Shell(monkeypatch, capsys)
    lines = shell.run("show", job.report.run_id, "--home", str(job.home)).stdout.splitlines()
    listed = [line.removeprefix("arms").strip() for line in lines if "tunewright chat" in line]
    first = f"tunewright chat {job.report.run_id}/"
    assert [line.removeprefix(first).partition(" ")[0] for line in listed] == SLUGS
    assert "similar training row" in listed[2]
    monkeypatch.setattr(sys, "stdin", io.StringIO("What is the colour of place 4?\n"))
    outcome = shell.run("chat", "last/retrieval", "--home", str(job.home))
    assert outcome.code == 0
    words = " ".join(outcome.stderr.split())
    assert "[1] place4.txt, passage 1: The colour of place 4 is" in words
    assert f"retrieval arm of {job.report.run_id}, with" in words
    assert "place4.txt" not in outcome.stdout
