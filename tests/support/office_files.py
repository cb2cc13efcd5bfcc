"""Edits made in LibreOffice, and the files that it saved, stored under ``tests/data/libreoffice``.

A test that needs LibreOffice only to make its file asks for ``editor`` and runs twice: with the files that LibreOffice
made once (on any machine), and with a LibreOffice that makes them anew (where there is one). The second run also
compares what it makes with the kept file. How to keep new ones: ``tests/data/libreoffice/README.md``.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.contracts import ROOT
from support.libreoffice import LibreOffice, OfficeCell, OfficeCells
from support.masters import MAIN, Package

FOLDER = ROOT / "tests" / "data" / "libreoffice"
STORE = "TABELLION_STORE_OFFICE_FILES"
_STALE = f"the files stored in {FOLDER} are of other edits: its README says how to store new ones"
_COMMANDS = "commands.txt"


@dataclass(frozen=True)
class Saved:
    """A saved file, and the commands that led to it since the file was opened, one a line."""

    commands: str
    content: bytes

    def traits(self) -> tuple[Any, ...]:
        """What two saves of the same edits have in common, whatever the version of LibreOffice."""
        package = Package(self.content)
        if "xl/workbook.xml" not in package.parts:
            return (self.commands, sorted(package.parts))
        tables = {name: (table.sheet, table.area, list(table.columns)) for name, table in package.tables.items()}
        sheets = [(sheet.attrib["name"], sheet.attrib.get("state")) for sheet in package.workbook.iter(f"{MAIN}sheet")]
        return (self.commands, sheets, tables, sorted(package.names))


@dataclass
class Archive:
    """The saved files of the tests of one module: one tar of their parts, which hardly differ from file to file."""

    path: Path
    saved: dict[str, Saved] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def load(cls, path: Path) -> Archive:
        archive = cls(path)
        if not path.exists():
            return archive
        members: dict[str, list[tuple[str, bytes]]] = {}
        with tarfile.open(path) as source:
            for member in source:
                file = source.extractfile(member)
                assert file is not None
                name, _, part = member.name.partition("//")
                members.setdefault(name, []).append((part, file.read()))
        for name, ((_, commands), *parts) in members.items():
            archive.saved[name] = Saved(commands.decode(), _zipped(parts))
        return archive

    def store(self, name: str, saved: Saved) -> None:
        """Put a file in place of the one of that name."""
        self.saved[name] = saved
        self.changed = True

    def write(self) -> None:
        """Write the archive: the same files give the same bytes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with lzma.open(self.path, "wb", preset=9) as packed, tarfile.open(fileobj=packed, mode="w") as target:
            for name, saved in sorted(self.saved.items()):
                for part, content in ((_COMMANDS, saved.commands.encode()), *Package(saved.content).parts.items()):
                    member = tarfile.TarInfo(f"{name}//{part}")
                    member.size = len(content)
                    target.addfile(member, io.BytesIO(content))


def _zipped(parts: list[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, content in parts:
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


class Editor:
    """Opens, edits and saves as :class:`LibreOffice` does; without one, saves the files that one made before."""

    def __init__(self, archive: Archive, test: str, office: LibreOffice | None) -> None:
        self._archive, self._test, self._office = archive, test, office
        self._commands: list[str] = []
        self._saves = 0
        self._content = b""

    @property
    def is_live(self) -> bool:
        """Whether a LibreOffice saves what the program writes now; a stored file is of a workbook written before."""
        return self._office is not None

    def open(self, path: Path) -> list[str]:
        """Open a file; returns the names of its sheets."""
        self._commands = []
        self._content = path.read_bytes()
        if self._office:
            return self._office.open(path)
        return list(Package(self._content).sheet_parts) if path.suffix == ".xlsx" else []

    def set(self, sheet: str, row: int, column: int, value: float | str | None) -> None:
        """Put a value into a cell as it is."""
        self.call("set", sheet=sheet, row=row, column=column, value=value)

    def type(self, sheet: str, row: int, column: int, text: str) -> None:
        """Type into a cell, as a French user's keyboard does."""
        self.call("type", sheet=sheet, row=row, column=column, text=text)

    def recalculate(self) -> None:
        """Compute every formula anew."""
        self.call("recalculate")

    def call(self, do: str, **arguments: Any) -> None:
        """A command of ``uno_driver.Driver``."""
        self._commands.append(json.dumps({"do": do, **arguments}, ensure_ascii=False))
        if self._office:
            self._office.call(do, **arguments)

    def read(self) -> OfficeCells:
        """Every cell that is not empty; without LibreOffice, as the file opened or saved last has them."""
        if self._office:
            return self._office.read()
        return {
            sheet: {
                place: OfficeCell("" if value is None else value, formula)
                for place, (value, formula) in cells.items()
                if value is not None or formula is not None
            }
            for sheet, cells in Package(self._content).cells.items()
        }

    def save(self, path: Path) -> Path:
        """Save the open file, or a copy of it elsewhere."""
        self._saves += 1
        name, commands = f"{self._test} {self._saves}", "\n".join(self._commands)
        if self._office:
            self._office.save(path)
            made = Saved(commands, path.read_bytes())
            if STORE in os.environ:
                self._archive.store(name, made)
            assert name in self._archive.saved, _STALE
            assert made.traits() == self._archive.saved[name].traits(), _STALE
        else:
            assert name in self._archive.saved, _STALE
            saved = self._archive.saved[name]
            assert saved.commands == commands, _STALE
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(saved.content)
        self._content = path.read_bytes()
        return path


@pytest.fixture(scope="module")
def _archive(request: pytest.FixtureRequest) -> Iterator[Archive]:
    archive = Archive.load(FOLDER / f"{request.path.stem.removeprefix('test_')}.tar.xz")
    yield archive
    if archive.changed:
        archive.write()


@pytest.fixture(params=["stored files", pytest.param("LibreOffice", marks=pytest.mark.libreoffice)])
def editor(request: pytest.FixtureRequest, _archive: Archive) -> Editor:
    """LibreOffice as the maker of a test's file: the files that it made once, then a running one."""
    office = request.getfixturevalue("office") if request.param == "LibreOffice" else None
    parameters = [part for part in request.node.callspec.id.split("-") if part != request.param]
    return Editor(_archive, " ".join((request.node.originalname, *parameters)), office)
