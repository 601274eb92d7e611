"""A study on a disk that refuses a call: words, nothing asked or trained twice that was kept, and the same findings."""

from pathlib import Path

import pytest
from small_job import write_rows
from small_study import study_recipe, write_study_base
from store_samples import FaultyFiles
from test_faulty_disk import FAULTS, kinds_of_calls

from tunewright.actions import resume_study, study, studying
from tunewright.errors import StoreError
from tunewright.records import RunStatus, StudyReport
from tunewright.store import Store


class Straight:
    """An undisturbed study, and its calls that change the disk."""

    def __init__(self, folder: Path) -> None:
        rows, base = write_rows(folder / "rows.jsonl", num_rows=60), write_study_base(folder / "base")
        few = ("few_shot.k=[1]", "train.rows_per_step=20", "evaluate.max_answer_tokens=4")
        self.recipe = study_recipe(rows, base, *few)
        self.files = FaultyFiles()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(studying, "Store", lambda home: Store(home, files=self.files))
            self.findings = told(study(self.recipe, home=folder / "home"))
        self.home = folder / "home"


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    return Straight(tmp_path_factory.mktemp("straight"))


def told(report: StudyReport) -> dict[str, object]:
    """What a study finds, without its name and what depends on the clock."""
    return report.model_dump(mode="json", include={"results", "differences", "slices", "answers", "best"})


def require_words_and_the_same_findings(straight, home, number, monkeypatch, error, sticky, words):
    files = FaultyFiles(number, error, sticky=sticky)
    with monkeypatch.context() as patch:
        patch.setattr(studying, "Store", lambda home: Store(home, files=files))
        with pytest.raises(StoreError) as caught:
            study(straight.recipe, home=home)
    assert words in str(caught.value).lower()
    # Before the study's folder appears there is nothing to resume; after its last write nothing is left to do.
    if not Store(home).runs():
        return
    if Store(home).run("last").record.status is not RunStatus.SUCCEEDED:
        assert told(resume_study("last", home=home)) == straight.findings
    assert not list(home.rglob(".tmp*"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@FAULTS
def test_whichever_call_of_a_study_fails_it_resumes_to_the_same_findings(
    straight, tmp_path, monkeypatch, error, sticky, words
):
    # Every third; the calls of a training inside are those of test_faulty_disk.py.
    for number in kinds_of_calls(straight.files.calls)[::3]:
        home = tmp_path / str(number)
        require_words_and_the_same_findings(straight, home, number, monkeypatch, error, sticky, words)
