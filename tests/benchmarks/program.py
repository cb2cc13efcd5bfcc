"""One program run as a whole process, and what its runs took."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
#: Seconds between two looks at the memory of a program and its children.
_LOOK = 0.05


@dataclass
class Program:
    """A command and what its runs took: seconds of the clock and of processors, and the peak memory in MiB.

    ``normal`` are the exit codes of a run that did its work. ``processor`` is the time of the program and all its
    children, the system's included: other work on the machine disturbs it least, and the least of several runs is
    nearest to what the program costs.
    ``memory`` is that of its largest process; ``together`` that of the program and all its children at one moment, the
    pages that they share counted once (on Linux, else nothing).
    """

    title: str
    command: list[str]
    normal: tuple[int, ...] = (0,)
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Run once, to the end, and keep what it took."""
        start = time.perf_counter()
        process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, env=environment())
        looks = _Looks(process.pid)
        looks.start()
        _, status, usage = os.wait4(process.pid, 0)
        looks.over.set()
        self.together.append(looks.peak)
        self.seconds.append(time.perf_counter() - start)
        self.processor.append(usage.ru_utime + usage.ru_stime)
        self.memory.append(usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in self.normal:
            sys.exit(f"{self.title}: exit code {process.returncode}")


def environment() -> dict[str, str]:
    """This process's environment with the program's source on Python's path, compiled once as where it is installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT / "scripts")}


def python(script: str, *arguments: str | Path) -> list[str]:
    """The command of one of the small programs beside this one."""
    return [sys.executable, str(HERE / f"{script}.py"), *map(str, arguments)]


def tabellion(*arguments: str | Path) -> list[str]:
    """The command of the program itself."""
    return [sys.executable, "-m", "tabellion", *map(str, arguments)]


class _Looks(threading.Thread):
    """Looks now and then at the memory of a process and its descendants, and keeps the largest sum."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.peak, self.over = process, 0.0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(_LOOK):
            self.peak = max(self.peak, sum(map(mebibytes, descendants(self.process))))


def descendants(process: int) -> list[int]:
    """A process and all that it started, by their numbers (on Linux, else only itself)."""
    identifiers = [process]
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in (task / "children").read_text().split():
                identifiers += descendants(int(child))
    return identifiers


def mebibytes(process: int) -> float:
    """The memory of a process, what it shares counted in part (on Linux, else nothing)."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 2**10
    return 0.0
