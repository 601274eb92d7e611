"""Between the supervisor and several training processes: torchrun's launcher, made to look like one worker.

The supervisor starts this process, sends it the signals it would send to a worker, and reads its exit code as one. The
first of the processes is the one that can save; so a request to stop goes to it, and the others end with it. When one
of them dies torchrun ends the others, and this process dies in the same way.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from tunewright.actions.handover import EXIT_LOST, EXIT_OUT_OF_MEMORY, WorkerFolder
from tunewright.actions.processes import require_possible

SECONDS_TO_END = 10
"""For processes whose sibling has died: nothing is left for them to do."""

SECONDS_BETWEEN_LOOKS = 1.0


def launch(folder: WorkerFolder, num_processes: int, command: Sequence[str]) -> int:
    """Start the processes on this machine and wait for their end.

    Args:
        command: of each process.
    Returns:
        The exit code of the first process.
    Raises:
        TrainError: there are too few devices.
        KeyboardInterrupt: a request to stop came before the first process could hear it.
    """
    require_possible(num_processes, num_processes)
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # What it would say about a process that ended with an error, the process has said better.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    _hand_on_signals(folder)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=num_processes,
        run_id=folder.path.name,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        shutdown_timeout=SECONDS_TO_END,
        signals_to_handle="SIGQUIT",  # the others are ours
    )
    try:
        elastic_launch(config, command[0])(*command[1:], str(folder.path))
    except ChildFailedError as error:
        return _die_as({rank: failure.exitcode for rank, failure in error.failures.items()})
    return 0


def _die_as(exit_codes: dict[int, int]) -> int:
    """The exit code that tells most, from those of the processes that failed; never returns after a signal."""
    codes = set(exit_codes.values())
    if EXIT_OUT_OF_MEMORY in codes:
        return EXIT_OUT_OF_MEMORY
    signals = [-code for code in codes if code < 0]
    if signals or codes == {EXIT_LOST}:
        # By SIGTERM torchrun ends those that are left.
        number = min(signals or [signal.SIGKILL], key=lambda number: number == signal.SIGTERM)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    told = {rank: code for rank, code in exit_codes.items() if code != EXIT_LOST}
    return told[min(told)]


def _hand_on_signals(folder: WorkerFolder) -> None:
    def hand_on(number: int, frame: FrameType | None) -> None:
        del frame
        pulse = folder.pulse()
        if pulse is not None and pulse.pid is not None:
            with suppress(ProcessLookupError):  # it has saved and ended, and torchrun is about to end the others
                os.kill(pulse.pid, number)
        elif number != signal.SIGUSR1:
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, hand_on)
    threading.Thread(target=_stop_when_orphaned, args=(os.getppid(),), daemon=True).start()


def _stop_when_orphaned(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), signal.SIGINT)


def end_with_launcher() -> None:
    """Let this process, one that follows, end when the one that started it is gone. Stop signals are for the first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

    def watch(launcher: int) -> None:
        while os.getppid() == launcher:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os._exit(EXIT_LOST)

    threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()
