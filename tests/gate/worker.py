"""A process that plays scenarios with one program: it loads the libraries once and forks for each command.

It reads the names of scenarios, one a line, and answers with one line each: ``ok`` or what went wrong.
"""

from __future__ import annotations

import atexit
import importlib
import io
import os
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

#: Loaded before the first command, if they are there.
_LIBRARIES = ("typer", "rich.console", "rich.progress", "pandas", "pandera.pandas", "jinja2", "xlsxwriter", "openpyxl")


def main() -> None:
    """``worker ORIGIN PROGRAM RECORDS``: play what standard input says."""
    from gate.record import Recorder
    from gate.scenarios import SCENARIOS
    from gate.site import Site

    program, records = map(Path, sys.argv[1:3])
    import tabellion

    if program not in Path(tabellion.__file__ or "").parents:
        print(f"the program is not that of {program}: {tabellion.__file__}", flush=True)
        return
    for name in ("tabellion.cli", *_LIBRARIES):
        with suppress(ImportError):
            importlib.import_module(name)
    runner = Runner()
    for line in sys.stdin:
        name = line.strip()
        try:
            site = Site(records.parent / "sites" / name, program, runner, Recorder(records / name, program))
            try:
                SCENARIOS[name](site)
                print("ok", flush=True)
            except Exception:  # the program did not make what the scenario goes on with
                site.stop(traceback.format_exc())
                print("stopped: " + traceback.format_exc().replace("\n", "\\n"), flush=True)
            site.recorder.close()
        except Exception:
            print(traceback.format_exc().replace("\n", "\\n"), flush=True)


class Runner:
    """Runs commands in forked children. What a child has imported, the next ones find loaded, in the same order."""

    def run(self, arguments: list[str], cwd: Path, now: str, scratch: Path) -> tuple[int, str, str]:
        """The exit code of ``tabellion ARGUMENTS`` at the moment ``now``, and what it wrote on its two outputs."""
        out, err, loaded = scratch / "out", scratch / "err", scratch / "loaded"
        before = len(sys.modules)
        child = os.fork()
        if child == 0:
            self._be_the_command(arguments, cwd, now, (out, err, loaded), before)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for name in loaded.read_text().split() if loaded.exists() else ():
            if name not in sys.modules and "__main__" not in name and "__mp_main__" not in name:
                with suppress(Exception):
                    importlib.import_module(name)
        streams = (out.read_bytes().decode("utf-8", "replace"), err.read_bytes().decode("utf-8", "replace"))
        for path in (out, err, loaded):
            path.unlink(missing_ok=True)
        return code, *streams

    @staticmethod
    def _be_the_command(
        arguments: list[str], cwd: Path, now: str, places: tuple[Path, Path, Path], before: int
    ) -> None:
        code = 99
        try:
            out, err, loaded = places
            os.chdir(cwd)
            os.environ["GATE_NOW"] = now
            for number, path, flags in (
                (0, Path(os.devnull), os.O_RDONLY),
                (1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
                (2, err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            ):
                opened = os.open(path, flags, 0o600)
                os.dup2(opened, number)
                os.close(opened)
            sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
            sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=False)
            sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", line_buffering=True)
            sys.argv = ["tabellion", *arguments]
            from tabellion.cli import main as command

            try:
                command(arguments)
                code = 0
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
            threading._shutdown()  # what the interpreter does at its end, which os._exit leaves out
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            loaded.write_text("\n".join(list(sys.modules)[before:]))
        except BaseException:
            traceback.print_exc()
            with suppress(Exception):
                sys.stderr.flush()
        finally:
            os._exit(code)
