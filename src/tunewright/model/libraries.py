"""Import torch, transformers and PEFT at once: half of the time from a command to its first step."""

import gc
import sys
from importlib import import_module

from tunewright.model.out_of_memory import require_room_for_libraries


def import_libraries() -> None:
    """Import what every model needs, if that was not done before.

    Their hundreds of thousands of functions and classes stay, and Python's garbage collector would look at all of them
    again and again while they are made: without it 4.3 instead of 5.5 s of a busy core. Afterwards they are kept out
    of its sight, which saves 0.65 s of the next second, in which rows are read and checked (2026-11-26).

    Raises:
        OutOfMemoryError: a limit on address space leaves no room for them.
    """
    if "transformers.modeling_utils" in sys.modules:
        return
    require_room_for_libraries()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for name in ("torch", "transformers.modeling_utils", "peft.tuners.lora.layer"):
            import_module(name)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
