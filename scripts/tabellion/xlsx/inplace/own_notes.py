"""What staff have put on our sheets outside tables and columns: whether there is any; cells carried elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from tabellion.addresses import cell_name
from tabellion.layout.names import IDENTITY, is_of_convention
from tabellion.xlsx.inplace.carrying import carried_formula
from tabellion.xlsx.inplace.editor import WorkbookEditor
from tabellion.xlsx.inplace.grid import StoredValue
from tabellion.xlsx.inplace.parts import ExcelTable, Parts
from tabellion.xlsx.inplace.relisting import known_formulas
from tabellion.xlsx.inplace.relocation import Relocation
from tabellion.xlsx.inplace.restyle import StyleCarrier
from tabellion.xlsx.inplace.sheets import same_sheets
from tabellion.xlsx.inplace.wording import FormulaCarrier

HeldContent = tuple[bool, StoredValue]
"""Whether a cell holds a formula, and its text or its value."""

#: Relations of a sheet that hold nothing that people see.
_PLAIN = ("hyperlink", "printerSettings", "table")
#: The name of a table in a formula.
_TABLE = re.compile(r"(\w+)\[")
_ANCHORS = ("twoCellAnchor", "oneCellAnchor", "absoluteAnchor")


def has_own_cells(parts: Parts, mine: str, source: Parts, name: str, words: Collection[str] = ()) -> bool:
    """Whether a sheet holds anything that is not the program's, which now writes it as ``name`` of ``source``."""
    theirs = {table.name: table for table in source.tables_of(name)}
    tables = parts.tables_of(mine)
    if any(table.name not in theirs for table in tables) or _has_more_objects(parts, mine, source, name):
        return True
    listed = {(line[0].casefold(), line[2].casefold()) for line in known_formulas(parts) if line[0]}
    for (row, column), _ in own_cells(parts, mine, source, name, words):
        table = next(
            (table for table in tables if table.area[1] <= column <= table.area[3]
             and table.area[0] <= row <= table.area[2] + 1), None,
        )  # fmt: skip
        label = None if table is None else table.labels[column - table.area[1]]
        if table is None or label is None:
            return True
        if label not in theirs[table.name].labels and (table.name.casefold(), label.casefold()) not in listed:
            return True
    return False


def own_cells(
    parts: Parts, mine: str, source: Parts, name: str, words: Collection[str] = ()
) -> Iterator[tuple[tuple[int, int], HeldContent]]:
    """The cells of a sheet, with what they hold, that the program did not write: in its tables, all that differs.

    What the fresh sheet says somewhere is the program's, and what stood where it says something that the sheet did not
    say before; so are ``words``, and the row of a convention that is gone, as wide as the fresh sheet is: it computes
    from a table that the fresh workbook has not.
    """
    fresh, old = contents_of(source, name), contents_of(parts, mine)
    ours, before = {*fresh.values(), *((False, text) for text in words)}, set(old.values())
    removed_rows, width = _removed_rows(old, source), max((column for _, column in fresh), default=0)
    for place, content in old.items():
        is_removed, is_renewed = (
            place[0] in removed_rows and place[1] <= width,
            place in fresh and fresh[place] not in before,
        )
        if not is_removed and not is_renewed and content not in ours:
            yield place, content


def _removed_rows(cells: Mapping[tuple[int, int], HeldContent], source: Parts) -> set[int]:
    """The rows whose formulas name a table of a convention that the fresh workbook has no more."""
    table_names = {table.name for table in source.tables}
    return {
        row
        for (row, _), (is_formula, text) in cells.items()
        if is_formula and any(is_of_convention(name) and name not in table_names for name in _TABLE.findall(str(text)))
    }


def contents_of(parts: Parts, sheet: str) -> dict[tuple[int, int], HeldContent]:
    """What each cell holds: whether it is a formula, and its text or its value."""
    formulas = {(formula.row, formula.column): formula.text for formula in parts.formulas(sheet)}
    contents = dict[tuple[int, int], HeldContent]()
    for row, column, _ in parts.grid(sheet).cells():
        value = parts.value(sheet, row, column)
        if (row, column) in formulas:
            contents[row, column] = True, formulas[row, column]
        elif value not in (None, ""):
            contents[row, column] = False, value
    return contents


def _has_more_objects(parts: Parts, mine: str, source: Parts, name: str) -> bool:
    """Whether notes, pictures or charts stand on a sheet that the fresh one has not."""
    entries = parts.sheets[mine.casefold()], source.sheets[name.casefold()]
    kinds = [
        {relation.kind for relation in part.package.relations(entry.part)} - set(_PLAIN)
        for part, entry in zip((parts, source), entries, strict=True)
    ]
    return bool(kinds[0] - kinds[1]) or _drawn(parts, entries[0].part) > _drawn(source, entries[1].part)


def _drawn(parts: Parts, part: str) -> int:
    """How many things are drawn on a sheet."""
    drawings = parts.related(part, "drawing")
    return sum(len(parts.tree(drawing).findall(f"{{*}}{kind}")) for drawing in drawings for kind in _ANCHORS)


#: Columns to the right in which room is looked for.
_ROOM = 12


@dataclass(frozen=True)
class CarriedNotes:
    """A workbook with the cells that came; ``left`` are the names of those that could not, ``comments`` those of the
    cells whose comments stay behind, both by the old workbook's sheets.
    """

    data: bytes
    left: Mapping[str, tuple[str, ...]]
    comments: Mapping[str, tuple[str, ...]]


def carry_own_notes(fresh: bytes, data: bytes, words: Collection[str] = ()) -> CarriedNotes:
    """The freshly written ``fresh``, which has the own columns, with what staff typed around our tables of ``data``.

    It stands beside the same row, or as far above or under the same table. What would stand on something else goes to
    the right, where there is room. ``words`` are what the program may have written above what is gone.
    """
    return _NoteCarrier(Parts(data), fresh, words).carry()


class _NoteCarrier:
    def __init__(self, source: Parts, fresh: bytes, words: Collection[str]) -> None:
        self.source, self.fresh, self.words, self.editor = source, fresh, words, WorkbookEditor(fresh)
        self.target = self.editor.parts
        self.sheets = same_sheets(source, self.target)
        self.relocation = Relocation(source, self.target, self.sheets)
        self.styles = StyleCarrier(source.package, self.target.package)
        labels = {table.name.casefold(): {label.casefold() for label in table.labels} for table in self.target.tables}
        self.formulas = FormulaCarrier(self.sheets, labels, _no_other_workbook, self.relocation.moved)
        self.theirs = {table.name.casefold(): table for table in self.target.tables}

    def carry(self) -> CarriedNotes:
        left, comments, is_changed = dict[str, tuple[str, ...]](), dict[str, tuple[str, ...]](), False
        for sheet in self.source.worksheets:
            key = sheet.name.casefold()
            if key not in self.sheets or key == IDENTITY.casefold():
                continue
            stay = list[str]()
            for (row, column), content in self.own(sheet.name, self.sheets[key]):
                place = self.place(sheet.name, row, column)
                if place is None:
                    stay.append(cell_name(row, column))
                    continue
                self.write(sheet.name, (row, column), self.sheets[key], place, content)
                is_changed = True
            if stay:
                left[sheet.name] = tuple(stay)
            commented = self.commented(self.target, self.sheets[key])
            if cells := tuple(cell for cell in self.commented(self.source, sheet.name) if cell not in commented):
                comments[sheet.name] = cells
        if is_changed:
            self.styles.save()
            self.editor.finish(self.editor.stale(), {})
        return CarriedNotes(self.editor.to_bytes() if is_changed else self.fresh, left, comments)

    def own(self, sheet: str, name: str) -> Iterator[tuple[tuple[int, int], HeldContent]]:
        """What staff typed outside our tables; the totals under one of them are the program's where it writes some."""
        tables = self.source.tables_of(sheet)
        formulas = {formula.row for formula in self.target.formulas(name)}
        totalled = {table.name for table in self.target.tables_of(name) if table.area[2] + 1 in formulas}
        for (row, column), content in own_cells(self.source, sheet, self.target, name, self.words):
            above = next((table for table in tables if table.holds(row - 1, column)), None)
            is_total = content[0] and above is not None and above.name in totalled
            if not is_total and not any(table.holds(row, column) for table in tables):
                yield (row, column), content

    def place(self, sheet: str, row: int, column: int) -> tuple[int, int] | None:
        """Where a cell goes in the new sheet; ``None`` where it would be about nothing there, or has no room."""
        name = self.sheets[sheet.casefold()]
        tables = [(table, other) for table in self.source.tables_of(sheet)
                  if (other := self.theirs.get(table.name.casefold())) is not None and other.sheet == name]  # fmt: skip
        for table, other in tables:
            if table.first_row <= row <= table.last_row:
                moved = self.row(table, other, row)
                return None if moved is None else self.room(name, moved, column, other.area[3] - table.area[3])
        above = [pair for pair in tables if pair[0].area[2] < row]
        if above:
            table, other = max(above, key=lambda pair: pair[0].area[2])
            return self.room(name, row + other.area[2] - table.area[2], column, 0)
        if tables:
            table, other = min(tables, key=lambda pair: pair[0].area[0])
            return self.room(name, row + other.area[0] - table.area[0], column, 0)
        return self.room(name, row, column, 0)

    def row(self, table: ExcelTable, other: ExcelTable, row: int) -> int | None:
        """Where a row of a table is in the new one."""
        common = next((at for at, label in enumerate(table.labels, table.area[1]) if label in other.labels), None)
        moved = None if common is None else self.relocation.area(table.sheet.casefold(), (row, common, row, common))
        return None if moved is None else moved[0]

    def room(self, sheet: str, row: int, column: int, by: int) -> tuple[int, int] | None:
        """The first free cell of a row from where a cell is meant to go, outside tables."""
        tables = self.target.tables_of(sheet)
        for place in range(max(1, column + by), max(1, column + by) + _ROOM):
            is_free = self.target.value(sheet, row, place) in (None, "") and not any(
                table.holds(row, place) or table.holds(row - 1, place) for table in tables
            )
            cell = self.target.grid(sheet).find(row, place)
            if is_free and (cell is None or cell.find("{*}f") is None):
                return row, place
        return None

    def write(self, home: str, old: tuple[int, int], sheet: str, place: tuple[int, int], content: HeldContent) -> None:
        value, text = self.source.value(home, *old), str(content[1]) if content[0] else None
        formula = carried_formula(self.formulas, text, home)
        if formula is not None:
            self.editor.set_formula(sheet, *place, formula, value)
        elif value not in (None, ""):
            self.editor.set_value(sheet, *place, value)
        cell = self.source.grid(home).find(*old)
        if cell is not None and cell.get("s"):
            self.editor.set_style(sheet, *place, int(self.styles.cell(cell.get("s"))))

    def commented(self, parts: Parts, sheet: str) -> list[str]:
        """The cells of a sheet that have a comment."""
        part = parts.sheets[sheet.casefold()].part
        return [
            comment.get("ref", "") for note in parts.related(part, "comments")
            for comment in parts.tree(note).iterfind("{*}commentList/{*}comment")
        ]  # fmt: skip


def _no_other_workbook(number: int) -> int:
    raise LookupError(number)
