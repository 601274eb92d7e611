"""How a run ended, written into its record whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from tunewright.errors import InterruptedRunError, TunewrightError
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
    except (TunewrightError, RuntimeError, ValueError, OSError, MemoryError) as error:
        run.update(status=RunStatus.FAILED, error=f"{type(error).__name__}: {error}")
        raise
