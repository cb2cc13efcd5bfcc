"""Workbooks that the program wrote, opened as their reader would: tables by header, links followed to their cells.

Nothing here uses the program, nor a library that would recalculate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from support.masters import MAIN, OFFICE, RELATIONS, Package, position, reference


@dataclass(frozen=True)
class Row:
    """A row of an Excel table: its values by header, and where its cells lead."""

    values: Mapping[str, Any]
    links: Mapping[str, tuple[str, str]]
    """By header: the file, from ``workbooks/``, and the cell's reference in it (``'Budget'!F6``)."""

    def __getitem__(self, header: str) -> Any:
        return self.values[header]


@dataclass(frozen=True)
class Book:
    """A workbook of ``workbooks/consolidation/``."""

    path: Path

    @cached_property
    def package(self) -> Package:
        return Package(self.path.read_bytes())

    def rows(self, table: str) -> list[Row]:
        """The rows of an Excel table."""
        excel_table = self.package.tables[table]
        labels, cells, links = (
            list(excel_table.columns),
            self.package.cells[excel_table.sheet],
            self.links(excel_table.sheet),
        )
        rows = []
        for row in range(excel_table.area[0] + 1, excel_table.area[2] + 1):
            places = [(row, excel_table.area[1] + column) for column in range(len(labels))]
            values = {label: cells.get(place, (None, None))[0] for label, place in zip(labels, places, strict=True)}
            led = {label: links[place] for label, place in zip(labels, places, strict=True) if place in links}
            rows.append(Row(values, led))
        return rows

    def links(self, sheet: str) -> dict[tuple[int, int], tuple[str, str]]:
        """The links of a sheet that lead to other files, by zero-based row and column."""
        part = self.package.sheet_parts[sheet]
        folder, _, name = part.rpartition("/")
        relations = f"{folder}/_rels/{name}.rels"
        if relations not in self.package.parts:
            return {}
        targets = {
            element.attrib["Id"]: unquote(element.attrib["Target"])
            for element in self.package.xml(relations).iter(f"{RELATIONS}Relationship")
            if element.attrib.get("TargetMode") == "External"
        }
        link_targets = {}
        for element in self.package.sheets[sheet].iter(f"{MAIN}hyperlink"):
            target = targets.get(element.attrib.get(f"{OFFICE}id", ""))
            if target is not None:
                path = (self.path.parent / target).resolve().relative_to(self.path.parent.parent.resolve()).as_posix()
                place = position(element.attrib["ref"].partition(":")[0])
                link_targets[place] = (path, element.attrib.get("location", ""))
        return link_targets


class Opened:
    """Files opened as a reader of the workbook would, from the cells that name them."""

    def __init__(self, workbooks: Path) -> None:
        self.workbooks = workbooks
        self.packages: dict[str, Package] = {}

    def package(self, file: str) -> Package:
        if file not in self.packages:
            self.packages[file] = Package((self.workbooks / file).read_bytes())
        return self.packages[file]

    def sha256(self, file: str) -> str:
        return hashlib.sha256(self.package(file).content).hexdigest()

    def cell(self, link: tuple[str, str]) -> tuple[str, str, Any]:
        """The sheet, the address and the value of the cell that a link leads to."""
        file, where = link
        sheet, _, address = where.rpartition("!")
        sheet = sheet[1:-1].replace("''", "'") if sheet.startswith("'") else sheet
        cells = {reference(*place): cell[0] for place, cell in self.package(file).cells[sheet].items()}
        return sheet, address, cells.get(address)
