"""Memory that ran out anywhere in a command, as the interfaces tell it. Small: little can be loaded by then."""

from tunewright.errors import OutOfMemoryError
from tunewright.model.out_of_memory import has_reached_limit, is_out_of_memory, out_of_memory


def memory_refusal(error: Exception, command_to_continue: str | None = None) -> OutOfMemoryError | None:
    """What to tell instead of `error`; None where it is about something else than memory.

    Args:
        command_to_continue: the run that was under way.
    """
    if not is_out_of_memory(error):
        return None
    then = f" Continue with: {command_to_continue}" if command_to_continue else ""
    return OutOfMemoryError(f"{out_of_memory(error)}{then}")


def likely_memory_refusal(error: Exception) -> OutOfMemoryError | None:
    """What to tell beside `error`, whose words are about something else, where no address space was left."""
    if not has_reached_limit():
        return None
    return out_of_memory(MemoryError(f"{type(error).__name__}: {error}, with no address space left"))
