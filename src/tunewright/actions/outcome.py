"""A run's record: what it starts from, written before anything is computed, and how it ended, whatever happens."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from tunewright.actions.environment import describe_environment
from tunewright.actions.handover import RECIPE_FILE
from tunewright.actions.memory_refusal import memory_refusal
from tunewright.actions.preparing import Preparation
from tunewright.errors import InterruptedRunError, StoreError
from tunewright.records import BaseChange, Run, RunKind, RunStatus
from tunewright.store import RunFolder, Store


def start_run(
    store: Store,
    kind: RunKind,
    preparation: Preparation,
    command: str | None,
    on_run: Callable[[str], None] | None = None,
    recipe_id: str | None = None,
    files: Mapping[str, object] | None = None,
    forced: tuple[BaseChange, ...] = (),
) -> RunFolder:
    """Freeze the data and make the run's folder, with everything in its record that could change the result.

    Args:
        command: what repeats it from a shell; default: the one that reads the recipe in its folder.
        on_run: told the run's id before its folder appears.
        recipe_id: of a recipe that holds more than the preparation's; default: that of the preparation's.
        files: JSON values that appear with the run, by name: a kill leaves a run that can be continued, or none.
        forced: what of the base is another than the model was made for.
    """
    data = preparation.data
    dataset_hash = store.put_dataset(data.version, data.examples)
    environment = describe_environment()
    recipe_id = recipe_id or preparation.recipe.id

    def record(run_id: str, created_at: str) -> Run:
        """The run as it begins, told of before its folder appears."""
        if on_run:
            on_run(run_id)
        return Run(
            id=run_id,
            kind=kind,
            status=RunStatus.RUNNING,
            created_at=created_at,
            command=command or f"tunewright {kind} --recipe {store.home / 'runs' / run_id / RECIPE_FILE}",
            recipe_id=recipe_id,
            dataset_id=data.version.id,
            dataset_hash=dataset_hash,
            base=preparation.base.ref,
            renderer_hash=preparation.renderer.hash,
            forced=forced,
            environment=environment,
        )

    return store.create_run(recipe_id, record, files)


@contextmanager
def recorded_outcome(run: RunFolder, command_to_continue: str) -> Iterator[None]:
    """Set the run's status to interrupted or failed when the block does not end well, and let the error go on.

    Raises:
        InterruptedRunError: instead of KeyboardInterrupt, with the command that continues.
        OutOfMemoryError: instead of whatever an allocator raised, with the same command.
    """
    try:
        yield
    except InterruptedRunError:
        _note(run, RunStatus.INTERRUPTED)
        raise
    except KeyboardInterrupt:
        _note(run, RunStatus.INTERRUPTED)
        raise InterruptedRunError(f"Stopped. Continue with: {command_to_continue}") from None
    except Exception as error:
        refusal = memory_refusal(error, command_to_continue)
        told = refusal or error
        _note(run, RunStatus.FAILED, f"{type(told).__name__}: {told}")
        if refusal:
            raise refusal from error
        raise


def _note(run: RunFolder, status: RunStatus, error: str | None = None) -> None:
    """Set the status of a run that has not succeeded: a training inside has, where its run looks at it again."""
    # A disk that refused the run's files may refuse this too; what stopped the run is the one to tell.
    with suppress(StoreError):
        if run.record.status is not RunStatus.SUCCEEDED:
            run.update(status=status, error=error)
