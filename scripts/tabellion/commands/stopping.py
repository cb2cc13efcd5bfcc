"""The signals that ask a program to end, as one exception."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """Somebody asked the watcher to end; raised wherever it is, since every write is whole or not at all."""


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """Turn the signals that end a program into :class:`Stopped`, once: the way out is not interrupted again.

    The event says that one came: raised where Python lets nothing through (a destructor), :class:`Stopped` is lost.
    """
    names = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        numbers.remove(signal.SIGHUP)  # ``nohup``: it is to outlive its terminal
    asked = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        asked.set()
        raise Stopped

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield asked
    except Stopped:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
