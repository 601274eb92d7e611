"""What a study keeps of its arms, one file of a few lines for each, and how an arm is found by name.

arm-few-shot.json    written when the arm has answered the test rows; see records/arm.py
STUDY/few-shot       the arm's name for `chat` and `evaluate`
"""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from tunewright.errors import CorruptError, Problem, StoreError
from tunewright.records import ArmKind, KeptArm, RunStatus, arm_slug
from tunewright.store import RunFolder, Store
from tunewright.store.runs import INDEXES
from tunewright.study.arms import Retrieval
from tunewright.study.options import Option

KINDS: Mapping[str, ArmKind] = {arm_slug(kind): kind for kind in get_args(ArmKind)}
"""Kinds of arms by what follows the slash in their name, in the order of the report."""
TRAINED_IN: Mapping[ArmKind, str] = {"tuned": "tuned", "tuned_retrieval": "tuned-retrieval"}
"""Names of the runs inside a study that train arms."""
_LOOKS_LIKE_A_RUN = re.compile(r"last|\d{8}-.*")


def keep_arm(run: RunFolder, kind: ArmKind, option: Option) -> None:
    """Save how an arm was settled, in one step; a resumed study saves the same again."""
    arm = option.arm
    kept = KeptArm(
        kind=kind,
        identity=arm.identity,
        system_prompt=option.system_prompt,
        num_examples=option.num_examples,
        num_passages=option.num_passages,
        index=f"{INDEXES}/{arm.index.identity}" if isinstance(arm, Retrieval) else None,
        weights=TRAINED_IN.get(kind),
    )
    run.write_json(_file(kept.slug), kept.model_dump(mode="json"))


def kept_arms(run: RunFolder) -> tuple[KeptArm, ...]:
    """The arms that a study has kept so far, in the order of its report.

    Raises:
        CorruptError: a file is not the record of an arm.
    """
    return tuple(kept_arm(run, slug) for slug in KINDS if run.has(_file(slug)))


def list_arms(run: str, home: Path | None = None) -> tuple[KeptArm, ...]:
    """The arms of a study that can be opened; none for runs of other kinds, and for studies of versions without them.

    Args:
        run: id, start of an id, `last`, or the run's folder.
    """
    return kept_arms(Store(home).run(run))


def kept_arm(run: RunFolder, slug: str) -> KeptArm:
    """One arm of a study by the last part of its name.

    Raises:
        StoreError: the study has not kept it (yet); says which there are.
        CorruptError: its file is not the record of an arm.
    """
    if not run.has(_file(slug)):
        raise StoreError(str(_missing(run, slug)))
    path = run.path / _file(slug)
    try:
        kept = KeptArm.model_validate(run.read_json(path.name))
    except ValidationError:
        fix = f"It was damaged or edited. Put it back, or {run_again(run)}"
        raise CorruptError(
            str(Problem(str(path), "something that is not the record of an arm", "what was saved", fix))
        ) from None
    return kept


def find_arm(name: str, store: Store) -> tuple[RunFolder, str] | None:
    """The study and the arm that a name such as `STUDY/few-shot` means, STUDY being what names a run.

    `last/few-shot` is of the newest study. Whether the study has kept the arm is for `kept_arm` to say.

    Returns:
        None where the name means something else: a run, a base, or what an older study has trained.
    Raises:
        StoreError: the first part looks like a run, and there is none; or the last part is no arm.
    """
    before, _, slug = name.rstrip("/").rpartition("/")
    if not before:
        return None
    try:
        study = store.run(_newest_study(store) if before == "last" else before)
    except StoreError as no_run:
        if isinstance(no_run, CorruptError) or (slug in KINDS and _LOOKS_LIKE_A_RUN.fullmatch(before)):
            raise
        return None
    if study.record.kind != "study":
        return None
    is_run_inside = (study.path / slug).is_dir()
    if slug not in KINDS and not is_run_inside:
        raise StoreError(str(_missing(study, slug)))
    # What a study without records has trained is opened as the run that it is.
    return None if is_run_inside and not study.has(_file(slug)) else (study, slug)


def run_again(run: RunFolder) -> str:
    """The end of an error about a study that has lost something."""
    return f"run the study again: {run.record.command}"


def _file(slug: str) -> str:
    return f"arm-{slug}.json"


def _newest_study(store: Store) -> str:
    found = store.newest_run(lambda run: run.kind == "study")
    if found is None:
        fix = "Make one with: tunewright study DATA"
        raise StoreError(str(Problem("'last'", f"no study in {store.home}", "one whose arm to open", fix)))
    return found.id


def _missing(run: RunFolder, slug: str) -> Problem:
    there = [arm.slug for arm in kept_arms(run)]
    where, expected = f"{run.record.id}/{slug}", f"one of its arms: {', '.join(there)}"
    if run.record.status is not RunStatus.SUCCEEDED:
        found = f"no such arm so far: the study is {run.record.status}"
        fix = f"Continue it with: tunewright study --resume {run.record.id}"
        return Problem(where, found, expected if there else "an arm that has answered the test rows", fix)
    if not there:
        found = "a study that kept no record of its arms, as older versions of tunewright did"
        inside = " or ".join(f"{run.record.id}/{each}" for each in TRAINED_IN.values() if (run.path / each).is_dir())
        trained = f"What it trained can be opened as {inside}. " if inside else ""
        return Problem(where, found, f"{_file(slug)} in {run.path}", f"{trained}For the others {run_again(run)}")
    closest = difflib.get_close_matches(slug, there, n=1, cutoff=0.3)
    fix = f"Closest: {run.record.id}/{closest[0]}." if closest else f"See them with: tunewright show {run.record.id}"
    return Problem(where, "no such arm", expected, fix)
