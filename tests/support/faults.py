"""Faults at every instant: a program killed, or refused by the system, at one chosen call of those that write.

``strace`` runs the program and tampers with the call; its main thread is traced, its children and other threads are
not: they write nothing that people see. The same program on the same files makes the same calls in the same order,
which is what lets a call be named by its rank.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: The calls that change what is on a disk (strace ignores, behind « ? », what this machine's kind does not have).
WRITING = (
    "write", "pwrite64", "writev", "rename", "renameat", "renameat2", "fsync", "fdatasync", "unlink", "unlinkat",
    "rmdir", "mkdir", "mkdirat", "ftruncate", "truncate", "link", "linkat", "symlink", "symlinkat", "chmod", "fchmod",
    "fchmodat", "utimensat", "sendfile", "copy_file_range", "open", "openat", "creat",
)  # fmt: skip
RENAMING = ("rename", "renameat", "renameat2")
TIME_LIMIT_SECONDS = 120
_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")


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

    One that is ``alone``, with neither children nor other threads, can be traced by a filter, which is faster.
    """

    command: Sequence[str | Path]
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
            done = subprocess.run(
                ["strace", *how, "-qq", "-s", "200", "-o", log, "-e", f"trace={traced}", *more, "--", *self.command],
                cwd=self.cwd,
                env={**self.env, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIME_LIMIT_SECONDS,
                check=False,
            )
            return done, log.read_text(encoding="utf-8", errors="replace")


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
    return None if done.returncode == 0 else f"strace may not trace here: {done.stderr.decode().strip()}"


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
    said = ",".join(f"{name}={value}" for name, value in options.items())
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", said, "tabellion", folder], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True, capture_output=True)
