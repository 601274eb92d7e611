"""What `tunewright tune --processes N` starts, to start N workers: `python -m tunewright.cli.processes FOLDER`.

Each of those is a worker (worker.py); the first does the work, the others follow it.
"""

import sys
from pathlib import Path

from tunewright.actions.handover import WorkerFolder
from tunewright.actions.launching import launch
from tunewright.cli.app import EXIT_INTERRUPTED, exit_code
from tunewright.cli.screen import Screen
from tunewright.errors import InterruptedRunError, TunewrightError

COMMAND = (sys.executable, "-P", "-m", "tunewright.cli.worker")


def main(folder: Path) -> int:
    """Start the processes of a supervisor's job; returns the exit code of the command."""
    handover = WorkerFolder(folder)
    job = handover.job()
    screen = Screen(job.json_file)
    try:
        return launch(handover, job.num_processes, COMMAND)
    except TunewrightError as error:
        screen.error(error)
        return exit_code(error)
    except KeyboardInterrupt:
        screen.error(InterruptedRunError("Stopped."))
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
