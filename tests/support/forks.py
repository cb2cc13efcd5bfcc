"""Forks of a process that holds the program and nothing of the tests, for the commands that tests run.

A fork of the tests' own process would do the same, but that one grows to a gigabyte, which each fork then takes time to
share and to leave.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import select
import signal
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_NUMBER = struct.Struct("i")
_lock = threading.Lock()
_requests: list[socket.socket] = []

Work = Callable[..., int]
"""What a fork does, from what it is given and its files; its exit code."""


class Fork:
    """Some work in a process of its own, as a ``subprocess.Popen`` without pipes."""

    def __init__(self, work: Work, given: tuple[Any, ...], *files: int) -> None:
        """``given`` is pickled, the open ``files`` are the fork's too: both are passed to ``work``."""
        self.returncode: int | None = None
        self._status, theirs = os.pipe()
        request = pickle.dumps((work, given))
        with _lock:
            if not _requests:
                _requests.append(_start())
            socket.send_fds(_requests[0], [_NUMBER.pack(len(request))], [theirs, *files])
            _requests[0].sendall(request)
        os.close(theirs)
        self.pid = self._number()

    def _number(self) -> int:
        return int(_NUMBER.unpack(os.read(self._status, _NUMBER.size))[0])

    def poll(self) -> int | None:
        """Its exit code, ``None`` while it runs."""
        with suppress(TimeoutError):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code, once it has ended; raises ``TimeoutError`` beyond a number of seconds."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise TimeoutError
            self.returncode = os.waitstatus_to_exitcode(self._number())
            os.close(self._status)
        return self.returncode

    def send_signal(self, sign: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, sign)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _start() -> socket.socket:
    """Fork this process, as it is now, into the one whose forks are asked for; the way to ask it."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        try:
            ours.close()
            gc.collect()
            gc.freeze()  # what is there already is not looked through again by each fork
            _serve(theirs)
        finally:
            os._exit(0)
    theirs.close()
    atexit.register(ours.close)
    return ours


def _serve(requests: socket.socket) -> None:
    """Fork for each request, and tell how each fork ended, until nobody can ask any more."""
    running = dict[int, int]()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    while True:
        ready, _, _ = select.select([requests, woken], [], [])
        if woken in ready:
            os.read(woken, 1 << 16)
            _tell(running)
        if requests in ready:
            head, files, _, _ = socket.recv_fds(requests, _NUMBER.size, 8)
            if not head:
                return
            with requests.makefile("rb", buffering=0) as stream:
                request = _all_of(stream.read, _NUMBER.unpack(head)[0])
            status, *others = files
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                requests.close()
                for number in (woken, wake, status, *running.values()):
                    os.close(number)
                _work(request, others)
            running[pid] = status
            os.write(status, _NUMBER.pack(pid))
            for number in others:
                os.close(number)


def _all_of(read: Callable[[int], bytes], size: int) -> bytes:
    content = b""
    while len(content) < size:
        content += read(size - len(content))
    return content


def _work(request: bytes, files: list[int]) -> None:
    code = 1
    try:
        work, given = pickle.loads(request)
        code = work(*given, *files)
    finally:
        os._exit(code)


def _tell(running: dict[int, int]) -> None:
    """Tell of the forks that have ended."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            status = running.pop(ended[0])
            with suppress(BrokenPipeError):
                os.write(status, _NUMBER.pack(ended[1]))
            os.close(status)
