"""The program as people run it: a process of its own, its exit code, and what it wrote."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.contracts import ROOT
from tabellion.transaction.lock import LOCK

TIME_LIMIT_SECONDS = 120


@dataclass(frozen=True)
class Outcome:
    """How a run ended. ``codes`` are those of the findings it printed, once for each kind and sheet."""

    code: int
    out: str
    err: str

    @property
    def codes(self) -> list[str]:
        """The codes printed, in order: ``… [reglage-faux]``."""
        return re.findall(r"\[([a-z]+(?:-[a-z]+)+)\]$", self.out + self.err, re.MULTILINE)


def tabellion(*arguments: str | Path, cwd: Path, encoding: str = "utf-8", **more: str) -> Outcome:
    """Run ``tabellion ARGUMENTS`` in ``cwd``, without a terminal and with ``more`` in its environment.

    Its warnings are errors, as everywhere in the tests.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tabellion", *map(str, arguments)],
        cwd=cwd,
        env=environment(PYTHONIOENCODING=encoding, **more),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=TIME_LIMIT_SECONDS,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what changes how programs speak, with the program's source first."""
    unwanted = {"FORCE_COLOR", "NO_COLOR", "COLUMNS", "LINES", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONPATH": str(ROOT / "scripts"), **more}


def contents(folder: Path) -> Mapping[str, bytes]:
    """Every file under a folder and its bytes, to prove that nothing was written; the lock of a run is no content."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LOCK)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
