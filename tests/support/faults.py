"""Faults at every instant: a program killed, or refused by the system, at one chosen call of those that write.

``strace`` runs the program and tampers with the call; its main thread is traced, its children and other threads are
not: they write nothing that people see. The same program on the same files makes the same calls in the same order,
which is what lets a call be named by its rank.
"""

from __future__ import annotations

import ctypes
import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

#: The calls that change what is on a disk (strace ignores, behind « ? », what this machine's kind does not have).
WRITING = (
    "write", "pwrite64", "writev", "rename", "renameat", "renameat2", "fsync", "fdatasync", "unlink", "unlinkat",
    "rmdir", "mkdir", "mkdirat", "ftruncate", "truncate", "link", "linkat", "symlink", "symlinkat", "chmod", "fchmod",
    "fchmodat", "utimensat", "sendfile", "copy_file_range", "open", "openat", "creat",
)  # fmt: skip
RENAMING = ("rename", "renameat", "renameat2")
TIME_LIMIT_SECONDS = 120
_PR_SET_PTRACER = 0x59616D61
"""Lets a process that is no parent trace this one, where the system would not (``prctl(2)``)."""
_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")


class SlowPath(type(Path())):
    """A path whose file keeps whoever looks at it waiting."""

    def stat(self, **_: Any) -> os.stat_result:
        """Wait for longer than any limit of a test."""
        time.sleep(60)
        raise TimeoutError


@dataclass(frozen=True)
class Call:
    """One call of the main thread: its name, its rank among those of that name (from 1), and how it was written."""

    name: str
    rank: int
    words: str

    def __str__(self) -> str:
        return f"{self.name} {self.rank}"


@dataclass(frozen=True)
class Program:
    """A command to run under faults: what it is, where, and with which environment.

    One that is ``alone``, with neither children nor other threads, can be traced by a filter, which is faster. In the
    place of a command may stand a function that gives the exit code: it is run in a fork of this process, whose imports
    are there already and need not be traced.
    """

    command: Sequence[str | Path] | Callable[[], int]
    cwd: Path
    env: Mapping[str, str]
    alone: bool = False

    def calls(self) -> list[Call]:
        """Run it to its end and return the calls that wrote, in order. Its exit code must be 0 or 1."""
        done, log = self._traced(WRITING, filtered=self.alone)
        assert done.returncode in (0, 1), done.stderr.decode()
        return list(_writing(log))

    def killed_at(self, call: Call) -> None:
        """Run it until just before a call, and kill it there as a power cut would: at once and without a word."""
        # Not filtered: strace then sends no signal.
        done, _ = self._traced([call.name], f"--inject={call.name}:signal=KILL:when={call.rank}")
        assert done.returncode in (-9, 137), f"{call}: {done.returncode} {done.stderr.decode()}"

    def refused_at(self, call: Call, error: str, *, onwards: bool = False) -> subprocess.CompletedProcess[bytes]:
        """Run it while the system answers ``error`` (« ENOSPC ») to a call, and if ``onwards`` to all that follow."""
        when = f"{call.rank}{'+' if onwards else ''}"
        fault = f"--inject={call.name}:error={error}:when={when}"
        done, log = self._traced([call.name], fault, filtered=self.alone)
        assert "(INJECTED)" in log, call
        return done

    def _traced(
        self, names: Sequence[str], *more: str, filtered: bool = False
    ) -> tuple[subprocess.CompletedProcess[bytes], str]:
        """Run it under strace; how it ended, and the calls of these names as strace writes them."""
        traced = ",".join(f"?{name}" for name in names)
        how = ["-f", "--seccomp-bpf"] if filtered else []
        with tempfile.TemporaryDirectory() as box:
            log = Path(box) / "calls"
            tracer = ["strace", *how, "-qq", "-s", "200", "-o", log, "-e", f"trace={traced}", *more]
            if callable(self.command):
                return self._forked(self.command, tracer), log.read_text(encoding="utf-8", errors="replace")
            done = subprocess.run(
                [*tracer, "--", *self.command],
                cwd=self.cwd,
                env={**self.env, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIME_LIMIT_SECONDS,
                check=False,
            )
            return done, log.read_text(encoding="utf-8", errors="replace")

    def _forked(self, work: Callable[[], int], tracer: Sequence[str | Path]) -> subprocess.CompletedProcess[bytes]:
        """Run a function in a fork, from when the tracer holds it: a stopped process goes on only as its tracer says,
        where one that waited for a word from here might do its first calls before they are traced.
        """
        with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    os.chdir(self.cwd)
                    os.dup2(printed.fileno(), 1)
                    os.dup2(errors.fileno(), 2)
                    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
                    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
                    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
                    gc.freeze()
                    os.kill(os.getpid(), signal.SIGSTOP)
                    code = work()
                    sys.stdout.flush()
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(code)
            os.waitpid(pid, os.WUNTRACED)
            with subprocess.Popen(
                [*tracer, "-p", str(pid)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
            ) as strace:
                status_page = Path(f"/proc/{pid}/status")
                while "\nTracerPid:\t0\n" in status_page.read_text(encoding="utf-8") and strace.poll() is None:
                    time.sleep(0.002)
                is_held = strace.poll() is None
                os.kill(pid, signal.SIGCONT if is_held else signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                _, refusal = strace.communicate(timeout=TIME_LIMIT_SECONDS)
            if not is_held:
                raise PermissionError(refusal.decode())
            for stream in (printed, errors):
                stream.seek(0)
            return subprocess.CompletedProcess([], os.waitstatus_to_exitcode(status), printed.read(), errors.read())


def _writing(log: str) -> Iterator[Call]:
    ranks: Counter[str] = Counter()
    for line in log.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        name, words = match[1], match[2]
        ranks[name] += 1
        opens = name in ("open", "openat")
        if opens and not re.search("O_CREAT|O_TRUNC", words):
            continue
        if name in ("write", "writev") and re.match("[12],", words):  # what it says, not what it writes
            continue
        yield Call(name, ranks[name], words)


@cache
def strace_missing() -> str | None:
    """Why faults cannot be injected on this machine, ``None`` when they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(
        ["strace", "-qq", "-o", os.devnull, "-e", "inject=rmdir:error=EIO", "true"], capture_output=True, check=False
    )
    if done.returncode != 0:
        return f"strace may not trace here: {done.stderr.decode().strip()}"
    try:
        Program(lambda: 0, Path.cwd(), {}).calls()
    except PermissionError as error:
        return f"strace may not trace a running process here: {error}"
    return None


@cache
def mount_missing() -> str | None:
    """Why no small disk can be made on this machine, ``None`` when one can."""
    with tempfile.TemporaryDirectory() as box:
        try:
            with small_disk(Path(box), size="64k"):
                return None
        except (OSError, subprocess.CalledProcessError):
            return "a disk of its own can only be mounted by root"


@contextmanager
def small_disk(folder: Path, **options: str | int) -> Iterator[Path]:
    """An empty disk at ``folder`` with the options of tmpfs: ``size="1m"``, ``nr_inodes=40``."""
    mount_options = ",".join(f"{name}={value}" for name, value in options.items())
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", mount_options, "tabellion", folder], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True, capture_output=True)
