"""Master workbooks for the tests: contracts of all kinds, and the parts of what is written."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Generic, TypeVar
from xml.etree import ElementTree

from support.contracts import ROOT, SETTINGS, Rows, schemas, tables_of
from support.large_contracts import awkward_rows, empty_rows, large_rows, partly_published_rows
from tabellion.checks.contract import check_meaning
from tabellion.commands.source import load_contract
from tabellion.contract.book import Book
from tabellion.contract.workspace import find_workspace
from tabellion.layout.names import column_letters
from tabellion.layout.theme import Theme, load_theme
from tabellion.outputs.master.layout import MasterLayout, lay_out_master
from tabellion.outputs.master.workbook import write_master

#: The namespace of spreadsheet parts, of package relations and of relation ids.
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
CONTENT_TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"

Cell = tuple[str | float | None, str | None]
Given, Made = TypeVar("Given"), TypeVar("Made")


@cache
def theme() -> Theme:
    """The repository's own layout."""
    return load_theme(ROOT / "templates" / "contrat.toml", schemas())


def contract_of(rows: Rows) -> Book:
    """A contract of these rows with the test settings."""
    return Book(SETTINGS, schemas(), theme(), tables_of(rows))


@cache
def chartres() -> Book:
    """The repository's own contract."""
    return load_contract(find_workspace(ROOT))


_BUILDERS = {
    "vaste": large_rows,
    "noms difficiles": awkward_rows,
    "publié en partie": partly_published_rows,
    "vide": empty_rows,
}
#: The contracts that workbooks are tested on, by name.
NAMES = ("Chartres", *_BUILDERS)


@cache
def contract(name: str) -> Book:
    """One of the contracts of :data:`NAMES`."""
    return chartres() if name == "Chartres" else contract_of(_BUILDERS[name]())


def in_year(contract: Book, exercice: int) -> Book:
    """The same contract showing another exercice."""
    return replace(contract, settings=replace(contract.settings, exercice=exercice))


def written(contract: Book) -> tuple[MasterLayout, bytes]:
    """The plan and the workbook of a contract, with its findings inside."""
    plan = lay_out_master(contract)
    findings = check_meaning(contract, plan.locate)
    return plan, write_master(plan, findings)


@cache
def master(name: str) -> tuple[MasterLayout, bytes]:
    """The plan and the workbook of one of the contracts of :data:`NAMES`."""
    return written(contract(name))


@dataclass(frozen=True)
class TablePart:
    """An Excel table as its part says: zero-based area, columns with their calculated formulas, its filter's area."""

    name: str
    sheet: str
    area: tuple[int, int, int, int]
    columns: dict[str, str | None]
    filters: str | None
    root: ElementTree.Element


class OnDemand(Mapping[str, Made], Generic[Given, Made]):
    """What is made of each value of a mapping, once it is asked for: of most workbooks, few sheets are looked at."""

    def __init__(self, given: Mapping[str, Given], make: Callable[[Given], Made]) -> None:
        self._given, self._make, self._made = given, make, dict[str, Made]()

    def __getitem__(self, name: str) -> Made:
        if name not in self._made:
            self._made[name] = self._make(self._given[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


@dataclass(frozen=True)
class Package:
    """The parts of a workbook, read without any spreadsheet library."""

    content: bytes

    @cached_property
    def parts(self) -> dict[str, bytes]:
        """Every part by name, in the package's order."""
        with zipfile.ZipFile(io.BytesIO(self.content)) as source:
            return {name: source.read(name) for name in source.namelist()}

    def xml(self, name: str) -> ElementTree.Element:
        """A part as XML."""
        return ElementTree.fromstring(self.parts[name])  # noqa: S314 - the program wrote it

    @cached_property
    def workbook(self) -> ElementTree.Element:
        """The part that lists the sheets and the names."""
        return self.xml("xl/workbook.xml")

    @cached_property
    def sheets(self) -> Mapping[str, ElementTree.Element]:
        """The sheets by name, in order."""
        return OnDemand(self.sheet_parts, self.xml)

    @cached_property
    def sheet_parts(self) -> dict[str, str]:
        """The part of each sheet."""
        targets = self.targets("xl/workbook.xml")
        return {
            element.attrib["name"]: targets[element.attrib[f"{OFFICE}id"]]
            for element in self.workbook.iter(f"{MAIN}sheet")
        }

    def targets(self, part: str) -> dict[str, str]:
        """What the relations of a part lead to, by id (internal ones only)."""
        folder, _, name = part.rpartition("/")
        relations = f"{folder}/_rels/{name}.rels"
        if relations not in self.parts:
            return {}
        return {
            element.attrib["Id"]: _joined(folder, element.attrib["Target"])
            for element in self.xml(relations).iter(f"{RELATIONS}Relationship")
            if element.attrib.get("TargetMode") != "External"
        }

    @cached_property
    def names(self) -> dict[str, str]:
        """The defined names of the whole workbook."""
        return {
            element.attrib["name"]: element.text or ""
            for element in self.workbook.iter(f"{MAIN}definedName")
            if "localSheetId" not in element.attrib
        }

    @cached_property
    def tables(self) -> dict[str, TablePart]:
        """The Excel tables by name."""
        by_name = {}
        for sheet, part in self.sheet_parts.items():
            if b"tablePart" not in self.parts[part]:
                continue
            targets = self.targets(part)
            for element in self.sheets[sheet].iter(f"{MAIN}tablePart"):
                table = _table(sheet, self.xml(targets[element.attrib[f"{OFFICE}id"]]))
                by_name[table.name] = table
        return by_name

    @cached_property
    def shared_strings(self) -> list[str]:
        """The texts of the cells."""
        root = self.xml("xl/sharedStrings.xml")
        return ["".join(text.text or "" for text in element.iter(f"{MAIN}t")) for element in root.iter(f"{MAIN}si")]

    @cached_property
    def cells(self) -> Mapping[str, Mapping[tuple[int, int], Cell]]:
        """Every written cell by sheet: its (cached) value and its formula; rows and columns are zero-based."""
        return OnDemand(self.sheets, lambda root: dict(self._cells(root)))

    def _cells(self, root: ElementTree.Element) -> Iterator[tuple[tuple[int, int], Cell]]:
        for element in root.iter(f"{MAIN}c"):
            value, formula = element.find(f"{MAIN}v"), element.find(f"{MAIN}f")
            text = None if value is None else value.text or ""
            if text == "" and element.attrib.get("t") != "str":
                text = None  # openpyxl writes so that a formula has no value yet
            shown: str | float | None = text
            if element.attrib.get("t") == "inlineStr":
                shown = "".join(part.text or "" for part in element.iter(f"{MAIN}t"))
            elif text is not None and element.attrib.get("t") == "s":
                shown = self.shared_strings[int(text)]
            elif text is not None and element.attrib.get("t") not in ("str", "e", "b"):
                shown = float(text)
            if isinstance(shown, str) and "_x" in shown:
                shown = re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), shown)
            yield position(element.attrib["r"]), (shown, None if formula is None else formula.text or "")


@lru_cache(12)
def package(content: bytes) -> Package:
    """A workbook that several look at, and that none changes: the same one while it is among the last asked for."""
    return Package(content)


@cache
def position(reference: str) -> tuple[int, int]:
    """The zero-based row and column of ``B7``."""
    match = re.fullmatch(r"\$?([A-Z]+)\$?(\d+)", reference)
    assert match is not None, reference
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]) - 1, column - 1


def area(reference: str) -> tuple[int, int, int, int]:
    """The zero-based first row, first column, last row and last column of ``B7:C9``."""
    first, _, last = reference.partition(":")
    return (*position(first), *position(last or first))


@cache
def reference(row: int, column: int) -> str:
    """``B7`` of a zero-based row and column."""
    return f"{column_letters(column)}{row + 1}"


def _table(sheet: str, root: ElementTree.Element) -> TablePart:
    columns: dict[str, str | None] = {}
    for element in root.iter(f"{MAIN}tableColumn"):
        formula = element.find(f"{MAIN}calculatedColumnFormula")
        columns[element.attrib["name"]] = None if formula is None else formula.text
    filters = root.find(f"{MAIN}autoFilter")
    return TablePart(
        root.attrib["name"], sheet, area(root.attrib["ref"]), columns,
        None if filters is None else filters.attrib["ref"], root,
    )  # fmt: skip


def _joined(folder: str, target: str) -> str:
    if target.startswith("/"):
        return target[1:]
    parts = folder.split("/") if folder else []
    for word in target.split("/"):
        if word == "..":
            parts.pop()
        else:
            parts.append(word)
    return "/".join(parts)
