"""The program as people run it: a process of its own, its exit code, and what it wrote."""

from __future__ import annotations

import gc
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

    Its warnings are errors, as everywhere in the tests. The process is a fork of this one, where that is possible: what
    the program imports is there already, which is most of what a short command costs.
    """
    words, env = list(map(str, arguments)), environment(PYTHONIOENCODING=encoding, **more)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if hasattr(os, "fork") and not any(name.startswith("PYTHON") for name in more):
            code = _forked(words, cwd, env, out.fileno(), err.fileno())
        else:
            command = [sys.executable, "-W", "error", "-m", "tabellion", *words]
            code = subprocess.run(
                command, cwd=cwd, env=env, stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                timeout=TIME_LIMIT_SECONDS, check=False,
            ).returncode  # fmt: skip
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode(encoding))
    return Outcome(code, *said)


def _forked(words: list[str], cwd: Path, env: Mapping[str, str], out: int, err: int) -> int:
    """The exit code of the command line in a fork; raises ``TimeoutError`` beyond the time limit."""
    _import_program()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _as_program(words, cwd, env, out, err)
        finally:
            os._exit(code)
    end = time.monotonic() + TIME_LIMIT_SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise TimeoutError(words)
        time.sleep(0.005)


@cache
def _import_program() -> None:
    """Import every module of the program and what its libraries load at their first use: here, not in each fork."""
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
    gc.freeze()  # what the tests hold is not looked through again
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
    warnings.resetwarnings()
    warnings.simplefilter("error")
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
    """This process's environment without what changes how programs speak, with the program's source first."""
    unwanted = {"FORCE_COLOR", "NO_COLOR", "COLUMNS", "LINES", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONPATH": str(ROOT / "scripts"), **more}


def contents(folder: Path) -> Mapping[str, bytes]:
    """Every file under a folder and its bytes, to prove that nothing was written; the lock of a run is no content."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LOCK)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
