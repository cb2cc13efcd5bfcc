"""A workspace in which a scenario plays: its files, its clock, and the commands that are run in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gate import books
from gate.record import Recorder
from gate.worker import Runner

DATA = Path(__file__).parent / "data"


class Site:
    """One scenario's folder. Each command begins a minute after the one before."""

    def __init__(self, folder: Path, program: Path, runner: Runner, recorder: Recorder) -> None:
        self.root, self.program, self.runner, self.recorder = folder / "contrat", program, runner, recorder
        self.scratch = folder / "scratch"
        self.now = datetime(2016, 11, 20, 9)
        self.inputs: dict[str, str] = {}
        self.root.mkdir(parents=True)
        self.scratch.mkdir()

    @property
    def workbooks(self) -> Path:
        return self.root / "workbooks"

    def contract(self, data: str | None = None, *, settings: Callable[[str], str] | None = None) -> None:
        """Lay out the workspace: the program's own contract, or one of the folders of ``data``."""
        for name in ("schemas", "templates"):
            shutil.copytree(self.program / name, self.root / name)
        registre = self.program / "workbooks" / "registre" if data is None else DATA / data
        shutil.copytree(registre, self.workbooks / "registre", ignore=shutil.ignore_patterns("tabellion.toml"))
        source = DATA / "tabellion.toml" if data else self.program / "tabellion.toml"
        text = source.read_text(encoding="utf-8")
        (self.root / "tabellion.toml").write_text(settings(text) if settings else text, encoding="utf-8")
        (self.workbooks / "envois").mkdir()
        (self.workbooks / "envois" / ".sceau").write_text(bytes(range(32)).hex(), encoding="ascii")
        for path in self.root.rglob("*"):
            if path.is_file():
                self.note(path)

    def at(self, moment: str) -> None:
        """From now on it is that moment."""
        self.now = datetime.fromisoformat(moment)

    def run(self, *arguments: str) -> int:
        """Run a command and record what it said and made; its exit code."""
        self.now += timedelta(minutes=1)
        code, out, err = self.runner.run(list(arguments), self.root, self.now.isoformat(), self.scratch)
        label = f"{len(self.recorder.steps) + 1:02d} {' '.join(arguments)}"
        output = f"exit code {code}\n--- standard output\n{out}\n--- standard error\n{err}"
        self.recorder.add(label, output, self.root, self.inputs, self.now.timestamp())
        return code

    def stop(self, why: str) -> None:
        """Record why the scenario cannot go on."""
        message = f"the scenario stopped: {why.splitlines()[-1]}"
        self.recorder.add("stopped", message, self.root, self.inputs, self.now.timestamp())

    # What people do between the commands

    def note(self, path: Path) -> None:
        """This file, as it is now, is given to the program: it is no output of it."""
        os.utime(path, (self.now.timestamp(), self.now.timestamp()))
        self.inputs[path.relative_to(self.root).as_posix()] = self.recorder.digest_of(path, self.root)

    def form(self, partner: str, year: int = 2016) -> Path:
        return self.workbooks / "envois" / str(year) / f"{partner}-{year}.xlsx"

    def write(self, name: str, content: bytes | str) -> None:
        """Put a file into the workspace."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.note(path)

    def type(self, source: Path, target: str, cells: books.Cells, *, saved: str, author: str = "Marie Martin") -> None:
        """Type values into cells of a workbook and save it as ``target``."""
        self.write(target, books.typed(source.read_bytes(), cells, datetime.fromisoformat(saved), author))

    def change(self, source: Path, target: str, *changes: Callable[[Any], None], saved: str) -> None:
        """Change a workbook with openpyxl, as a script of theirs would, and save it as ``target``."""
        self.write(target, books.changed(source.read_bytes(), changes, datetime.fromisoformat(saved)))

    def answer(self, partner: str, name: str, seed: int, more: books.Cells | None = None, **options: Any) -> None:
        """A partner fills the whole form, well, and ``more`` besides; it arrives as ``retours/NAME``."""
        form = self.form(partner, options.pop("year", 2016))
        cells = books.whole_answer(form.read_bytes(), seed)
        for sheet, values in (more or {}).items():
            cells.setdefault(sheet, {}).update(values)
        self.type(form, f"workbooks/retours/{name}", cells, **options)

    def remove(self, names: Iterable[str]) -> None:
        """Delete files of the workspace."""
        for name in names:
            (self.root / name).unlink()
