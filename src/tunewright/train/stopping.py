"""Stopping on request: a signal lets the current step end."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a request to stop after the current step; the second acts at once.

    SIGHUP stays ignored where it is, as under nohup. Outside the main thread (a notebook's worker, a server)
    signals stay as they are.
    """
    requested = False
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if previous[signal.SIGHUP] is signal.SIG_IGN:
        del previous[signal.SIGHUP]

    def request(number: int, frame: object) -> None:
        nonlocal requested
        requested = True
        for one, handler in previous.items():
            signal.signal(one, handler)

    for number in previous:
        signal.signal(number, request)
    try:
        yield lambda: requested
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
