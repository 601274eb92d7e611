"""Store: the home folder with its frozen datasets and its runs."""

import difflib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from tunewright.errors import CorruptError, Problem, StoreError
from tunewright.records import DatasetVersion, Example, Run, canonical_json, content_hash
from tunewright.store.checked import with_check
from tunewright.store.files import Files
from tunewright.store.lock import lock_folder
from tunewright.store.logs import DatasetLogs
from tunewright.store.publish import (
    appear,
    collect_leftovers,
    publish_folder,
    read_published,
    withdraw_if_corrupt,
    write_record,
)
from tunewright.store.runs import FROZEN, RUN, RunFolder

HOME_VARIABLE = "TUNEWRIGHT_HOME"
DATASET = "dataset.json"
EXAMPLES = "examples.jsonl"
DATASET_NAME_DIGITS = 16
RECIPE_DIGITS = 4
TIME_DIGITS = len("20261120-155501")


class Store:
    """Everything tunewright keeps between commands.

    Args:
        home: where. Default: the environment variable TUNEWRIGHT_HOME, else `~/.tunewright`. Made when first needed.
        files, clock, token: the world, for tests: the disk, the time (aware of its zone), and a few random letters.
    Raises:
        StoreError: the home is a file.
    """

    def __init__(
        self,
        home: Path | None = None,
        files: Files | None = None,
        clock: Callable[[], datetime] | None = None,
        token: Callable[[], str] | None = None,
    ) -> None:
        self.home = home or _default_home()
        self.files = files or Files()
        self._clock = clock or (lambda: datetime.now(UTC))
        self._token = token or (lambda: secrets.token_hex(2))
        self.logs = DatasetLogs(self.home / "named", self.files, self._clock)
        """The history of every named data set."""
        if self.home.exists() and not self.home.is_dir():
            raise StoreError(str(Problem(f"home {self.home}", "a file", "a folder", _HOME_ADVICE)))

    def require_writable(self) -> None:
        """Find out before the work whether its result could be kept; nothing is written.

        Raises:
            StoreError: the home may not be written, or may not be made.
        """
        nearest = next(path for path in (self.home, *self.home.absolute().parents) if path.exists())
        if not os.access(nearest, os.W_OK | os.X_OK):
            found = f"no permission to write in {nearest}"
            raise StoreError(str(Problem(f"home {self.home}", found, "a folder to keep runs in", _HOME_ADVICE)))

    def put_dataset(self, version: DatasetVersion, examples: Mapping[str, Example]) -> str:
        """Freeze a dataset version with its examples. Doing it again changes nothing.

        The id covers examples and splits. The same ones with other sources, groups or changes are stored beside those
        that are there.

        Args:
            examples: by id; those that the version does not list are left out.
        Returns:
            Its hash, with which `get_dataset` gives exactly this again.
        """
        lines = [canonical_json(examples[id_].model_dump()) + "\n" for id_ in _example_ids(version)]
        contents = {DATASET: canonical_json(version.model_dump()).encode(), EXAMPLES: "".join(lines).encode()}
        dataset_hash = content_hash({name: hashlib.sha256(data).hexdigest() for name, data in contents.items()})
        first = self.dataset_folder(version.id)
        with self._writing(first.parent):
            target = first if self._stored_hash(first) in (None, dataset_hash) else _beside(first, dataset_hash)
            if withdraw_if_corrupt(target, self.files):
                # Whoever published it may have been killed between its rename and this.
                self.files.fsync_folder(target.parent)
                return dataset_hash
            with publish_folder(target, self.files, needed_bytes=sum(map(len, contents.values()))) as folder:
                for name, data in contents.items():
                    self.files.write(folder / name, data)
        return dataset_hash

    def dataset_folder(self, version_id: str) -> Path:
        """Where a dataset version lies, if it is stored; of the same rows with other sources, those stored first."""
        return self.home / "datasets" / version_id[:DATASET_NAME_DIGITS]

    def num_stored(self, version_id: str) -> int:
        """How often rows and splits are stored, each time with other sources, groups or changes."""
        return len(self._dataset_folders(version_id))

    def get_dataset(
        self, id_or_prefix: str, dataset_hash: str | None = None
    ) -> tuple[DatasetVersion, dict[str, Example]]:
        """Read a dataset version and its examples by id, after checking every byte and every id.

        Args:
            dataset_hash: what `put_dataset` gave. None: of the same rows with other sources, those stored first.
        Raises:
            StoreError: no version, or more than one, has that id.
            CorruptError: the bytes differ from what was stored, or do not give the ids they should.
        """
        folder = self._find_dataset(id_or_prefix, dataset_hash)
        found = content_hash(read_published(folder, self.files))
        if dataset_hash and found != dataset_hash:
            raise _wrong_dataset(folder, "the same rows with other sources, groups or changes than were stored")
        try:
            version = DatasetVersion.model_validate_json(self.files.read(folder / DATASET))
            lines = self.files.read(folder / EXAMPLES).split(b"\n")[:-1]
            examples = [Example.model_validate_json(line) for line in lines]
        except ValidationError as error:
            raise _wrong_dataset(folder, f"a record that does not parse ({error.title})") from None
        if not version.id.startswith(folder.name[:DATASET_NAME_DIGITS]):
            raise _wrong_dataset(folder, f"the version {version.id[:DATASET_NAME_DIGITS]}")
        if not version.id.startswith(id_or_prefix):
            raise StoreError(str(_no_single("dataset version", id_or_prefix, [], [version.id], _LOG_ADVICE)))
        by_id = {example.id: example for example in examples}
        if list(by_id) != _example_ids(version):
            raise _wrong_dataset(folder, "other examples than the version lists")
        return version, by_id

    def create_run(
        self, recipe_id: str, make: Callable[[str, str], Run], contents: Mapping[str, object] | None = None
    ) -> RunFolder:
        """Make a new run folder, named by the time and the recipe: `20261120-155501-3fa2`.

        Args:
            recipe_id: hash of the recipe.
            make: builds the record from the run's id and its time of creation (UTC, ISO 8601).
            contents: JSON values that the folder holds, by name, from the moment it appears. They never change; see
                RunFolder.require_unchanged.
        """
        now = self._clock().astimezone(UTC)
        folder = self.home / "runs"
        with self._writing(folder):
            run_id = f"{now:%Y%m%d-%H%M%S}-{recipe_id[:RECIPE_DIGITS]}"
            if self.files.exists(folder / run_id):
                run_id = f"{run_id}-{self._token()}"
            record = make(run_id, now.isoformat(timespec="milliseconds"))
            assert record.id == run_id, record.id
            with appear(folder / run_id, self.files) as temporary:
                write_record(temporary / RUN, with_check(record), self.files)
                for name, value in (contents or {}).items():
                    write_record(temporary / name, value, self.files)
                frozen = {name: self.files.hash_file(temporary / name) for name in contents or {}}
                write_record(temporary / FROZEN, with_check(frozen), self.files)
        return RunFolder(folder / run_id, self.files, self._clock)

    def run(self, name: str) -> RunFolder:
        """Find a run by id, by the start of its id, as `last`, as ID/NAME for a run inside another, or by path.

        Raises:
            StoreError: no run, or more than one, has that name; lists the closest.
            CorruptError: its record cannot be read.
        """
        return RunFolder(self._find_run(name), self.files, self._clock)

    def runs(self) -> list[Run]:
        """All runs, newest first. Folders without a readable record are left out; `unreadable_runs` has them."""
        return self._read_runs()[0]

    def unreadable_runs(self) -> dict[str, StoreError]:
        """What is wrong with each run whose record cannot be read, by the name of its folder."""
        return self._read_runs()[1]

    def newest_run(self, is_meant: Callable[[Run], bool] = lambda run: True) -> Run | None:
        """The newest run that is meant; None when there is none.

        Raises:
            CorruptError: a run whose record cannot be read may be newer. The next one in its place would be another
                model under the same name.
        """
        runs, unreadable = self._read_runs()
        found = next(filter(is_meant, runs), None)
        # A name starts with the second in which its run was made.
        may_be_newer = [name for name in unreadable if found is None or name[:TIME_DIGITS] >= found.id[:TIME_DIGITS]]
        if may_be_newer:
            newest = max(may_be_newer)
            fix = f"Give the id of a run, or move {self.home / 'runs' / newest} away."
            problem = Problem("'last'", f"a run that cannot be read ({unreadable[newest]})", "its record", fix)
            raise CorruptError(str(problem))
        return found

    def _read_runs(self) -> tuple[list[Run], dict[str, StoreError]]:
        records: list[Run] = []
        unreadable: dict[str, StoreError] = {}
        for path in sorted(self._run_paths()):
            try:
                records.append(RunFolder(path, self.files, self._clock).record)
            except StoreError as error:
                unreadable[path.name] = error
        return sorted(records, key=lambda record: (record.created_at, record.id), reverse=True), unreadable

    def _find_run(self, name: str) -> Path:
        ids = [path.name for path in self._run_paths()]
        if name in ids:
            return self.home / "runs" / name
        if name == "last" and (newest := self.newest_run()):
            return self.home / "runs" / newest.id
        # As in ID/tuned: a study holds the runs of the arms it trained. Or the folder of any run, wherever it is.
        for path in (self.home / "runs" / name, Path(name)):
            if name and self.files.exists(path / RUN):
                return path
        matches = [id_ for id_ in ids if name and id_.startswith(name)]
        if len(matches) == 1:
            return self.home / "runs" / matches[0]
        raise StoreError(str(_no_single("run", name, matches, ids, "`tunewright runs` lists them all.")))

    def _find_dataset(self, id_or_prefix: str, dataset_hash: str | None) -> Path:
        names = sorted({path.name[:DATASET_NAME_DIGITS] for path in self._folders("datasets")})
        matches = [name for name in names if id_or_prefix and name.startswith(id_or_prefix[:DATASET_NAME_DIGITS])]
        if len(matches) != 1:
            raise StoreError(str(_no_single("dataset version", id_or_prefix, matches, names, _LOG_ADVICE)))
        stored = self._dataset_folders(matches[0])
        own = _beside(self.dataset_folder(matches[0]), dataset_hash) if dataset_hash else None
        return own if own in stored else stored[0]

    def _dataset_folders(self, version_id: str) -> list[Path]:
        """All that hold these rows and splits, the one stored first in front."""
        start = version_id[:DATASET_NAME_DIGITS]
        return sorted(path for path in self._folders("datasets") if path.name.startswith(start))

    def _stored_hash(self, folder: Path) -> str | None:
        """What `put_dataset` gave for a folder; None where no intact one stands."""
        try:
            return content_hash(read_published(folder, self.files))
        except CorruptError:
            return None

    def _run_paths(self) -> list[Path]:
        return [path for path in self._folders("runs") if self.files.exists(path / RUN)]

    def _folders(self, kind: str) -> list[Path]:
        return [path for path in (self.home / kind).glob("*") if path.is_dir() and path.name[0] != "."]

    @contextmanager
    def _writing(self, folder: Path) -> Iterator[None]:
        """Be the only one who adds to a folder of the home, for a moment."""
        self.files.make_folders(folder)
        with lock_folder(folder, self.files, self._clock, wait=True):
            collect_leftovers(folder, self.files)
            yield


_HOME_ADVICE = f"Give another folder with --home, or in the environment variable {HOME_VARIABLE}."
_LOG_ADVICE = "`tunewright data log` lists those that have a name."


def _default_home() -> Path:
    return Path(os.environ.get(HOME_VARIABLE) or "~/.tunewright").expanduser()


def _beside(first: Path, dataset_hash: str) -> Path:
    """Where the rows and splits of a stored dataset lie with other sources, groups or changes."""
    return first.with_name(f"{first.name}-{dataset_hash[:DATASET_NAME_DIGITS]}")


def _example_ids(version: DatasetVersion) -> list[str]:
    """Each once, in order: a version that keeps duplicates lists an id more than once."""
    return list(dict.fromkeys(entry.example_id for entry in version.entries))


def _no_single(what: str, name: str, matches: list[str], known: list[str], advice: str) -> Problem:
    expected = (
        "the name of a data set, or the id of one version" if what == "dataset version" else f"the id of one {what}"
    )
    if matches:
        found = f"{len(matches)} that start so: {_listed(matches)}"
        return Problem(repr(name), found, expected, "Give more of the id.")
    closest = difflib.get_close_matches(name, known, n=3, cutoff=0.3)
    if not known:
        command = "tune" if what == "run" else "data build"
        return Problem(repr(name), f"no {what} at all", expected, f"Make one with: tunewright {command} DATA")
    stored = "1 is stored" if len(known) == 1 else f"{len(known):,} are stored"
    fix = f"Closest: {_listed(closest)}. {advice}" if closest else f"{stored}. {advice}"
    return Problem(repr(name), f"no {what} of that name", expected, fix)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _wrong_dataset(folder: Path, found: str) -> CorruptError:
    return CorruptError(
        str(Problem(str(folder), found, f"the dataset version {folder.name}", "Read the rows again from their source."))
    )
