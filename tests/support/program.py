"""The program as people run it: a process of its own, its exit code, and what it wrote."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import types
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from support import children
from support.contracts import ROOT
from support.forks import Fork
from tabellion.transaction.bounded import PATIENCE
from tabellion.transaction.lock import LOCK

TIME_LIMIT_SECONDS = 120
_SOURCE = str(ROOT / "scripts")


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

    Its warnings are errors, as everywhere in the tests. The process is a fork of this one, where that is possible: what
    the program imports is there already, which is most of what a short command costs.
    """
    words, env = list(map(str, arguments)), environment(PYTHONIOENCODING=encoding, **more)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = started(words, cwd, env, out.fileno(), err.fileno())
        try:
            code = process.wait(TIME_LIMIT_SECONDS)
        except (TimeoutError, subprocess.TimeoutExpired):
            process.kill()
            raise
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(encoding))
    return Outcome(code, *texts)


def started(words: list[str], cwd: Path, env: Mapping[str, str], out: int, err: int) -> Fork | subprocess.Popen[bytes]:
    """The command line, started, with files for what it says: a fork, or anew where it needs another Python or must."""
    if hasattr(os, "fork") and env.get("PYTHONPATH") == _SOURCE:
        _import_program()
        return Fork(_as_program, (words, cwd, env), out, err)
    command = [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-m", "tabellion", *words]
    return subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=err, stdin=subprocess.DEVNULL)


@cache
def _import_program() -> None:
    """Import every module of the program and what its libraries load at their first use: here, not in each fork."""
    children.start_server()
    import pandas as pd
    import pandera.pandas as pa

    import tabellion.outputs.report

    for module in walk_packages(tabellion.__path__, "tabellion."):
        if module.name != "tabellion.__main__":
            import_module(module.name)
    pa.DataFrameSchema({"a": pa.Column(checks=[pa.Check.isin([1])])}).validate(pd.DataFrame({"a": [1]}), lazy=True)
    tabellion.outputs.report.compiled((ROOT / "templates" / "rapport.html").read_text(encoding="utf-8-sig"))


def _as_program(words: list[str], cwd: Path, env: Mapping[str, str], out: int, err: int) -> int:
    """Make of this process what ``python -m tabellion`` begins with, run it, and give its exit code."""
    PATIENCE._idle.clear()  # threads of the tests: a fork has none of them, and would wait for their answers
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    tempfile.tempdir = None  # the new environment says where
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    encoding = env["PYTHONIOENCODING"]
    sys.stdin = open(0, encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.argv = ["tabellion", *words]
    sys.modules["__main__"] = types.ModuleType("__main__")  # the processes that it starts import no test
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    warnings.resetwarnings()
    warnings.simplefilter("error")
    if words[:1] == ["watch"]:  # a file that a signal leaves between its opening and its ``with`` is no mistake
        warnings.simplefilter("ignore", ResourceWarning)
    try:
        from tabellion.cli import main

        main(words)
        code: object = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    return code if isinstance(code, int) else int(code is not None)


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what changes how programs speak and start, with the program's source first."""
    unwanted = {"FORCE_COLOR", "NO_COLOR", "COLUMNS", "LINES", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    unwanted.add("PYTHONDONTWRITEBYTECODE")  # the program is compiled once, not by each process
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONPATH": _SOURCE, **more}


def contents(folder: Path) -> Mapping[str, bytes]:
    """Every file under a folder and its bytes, to prove that nothing was written; the lock of a run is no content."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LOCK)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@dataclass
class Office:
    """A workspace, and its people in front of their files."""

    root: Path

    @property
    def books(self) -> Path:
        return self.root / "workbooks"

    @property
    def contrat(self) -> Path:
        return self.books / "contrat.xlsx"

    @property
    def folder(self) -> Path:
        return self.books / "consolidation"

    @property
    def workbook(self) -> Path:
        return self.folder / "consolidation.xlsx"

    def form(self, partner: str, year: int) -> Path:
        return self.books / "envois" / str(year) / f"{partner}-{year}.xlsx"

    def run(self, *arguments: str, code: int = 0) -> Outcome:
        outcome = tabellion(*arguments, cwd=self.root)
        assert outcome.code == code, outcome.out + outcome.err
        return outcome
