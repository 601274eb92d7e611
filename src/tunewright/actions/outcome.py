"""How a run ended, written into its record whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tunewright.errors import InterruptedRunError, StoreError
from tunewright.records import RunStatus
from tunewright.store import RunFolder


@contextmanager
def recorded_outcome(run: RunFolder, command_to_continue: str) -> Iterator[None]:
    """Set the run's status to interrupted or failed when the block does not end well, and let the error go on.

    Raises:
        InterruptedRunError: instead of KeyboardInterrupt, with the command that continues.
    """
    try:
        yield
    except InterruptedRunError:
        run.update(status=RunStatus.INTERRUPTED)
        raise
    except KeyboardInterrupt:
        run.update(status=RunStatus.INTERRUPTED)
        raise InterruptedRunError(
            f"Stopped; what was finished is saved. Continue with: {command_to_continue}"
        ) from None
    except Exception as error:
        # A disk that refused the run's files may refuse this too; the first error is the one to tell.
        with suppress(StoreError):
            run.update(status=RunStatus.FAILED, error=f"{type(error).__name__}: {error}")
        raise
