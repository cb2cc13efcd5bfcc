"""Finding a table's area in a sheet: its header row, its columns by label in any order, its rows to the very last.

Tables are found by the name of their Excel table, which survives renamed sheets, moved rows and sorted columns; where a
client has lost the Excel table, by the sheet's marker and the labels of the headers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tabellion.addresses import column_index
from tabellion.findings import Finding, Place, finding
from tabellion.reading.headers import NOTHING, header_row, is_blank, is_copy, likeness, runs
from tabellion.reading.raw import RawSheet, RawTable, RawValue, RawWorkbook
from tabellion.schema.numbers import says_other_unit
from tabellion.wording import fold, french_value, nearest

#: Where the header row of a lost table is looked for, in rows from the top of the sheet.
_HEADER_ROWS = 200
#: The share of a table's labels that a row must show to be taken for its header.
_HEADER_SHARE = 0.5
#: How alike a header must be to be taken for a label that is missing.
_LABEL_LIKENESS = 0.8


@dataclass
class FoundTable:
    """One table as it stands in a sheet; rows and columns are one-based.

    ``columns`` are the columns found by label; ``renamed`` maps the labels found to those expected. ``last_row`` is the
    last row of the Excel table, ``end_row`` the last row that holds something under the headers.
    """

    name: str
    sheet: RawSheet
    header_row: int
    last_row: int
    end_row: int
    columns: dict[str, int]
    renamed: dict[str, str] = field(default_factory=dict)
    found_name: str = ""

    def place(self, row: int, label: str | None = None) -> Place:
        """The cell of a row under a label; the first column of the table where the label has none."""
        column = self.columns.get(label or "") or min(self.columns.values(), default=1)
        return self.sheet.place(row, column)

    def value(self, row: int, label: str) -> RawValue:
        """The value of a row under a label."""
        return self.sheet.value(row, self.columns[label])

    def values(self, rows: Iterable[int], label: str) -> list[RawValue]:
        """The values of rows under a label; ``None`` where the table has no such column."""
        column, lines = self.columns.get(label, 0) - 1, self.sheet.rows
        last = len(lines) if lines and 0 <= column < len(lines[0]) else 0
        return [lines[row - 1][column] if row <= last else None for row in rows]

    def repeats_headers(self, row: int) -> bool:
        """Whether a row only says the headers again, as a client prints them on each page."""
        count = 0
        for label in self.columns:
            value = self.value(row, label)
            if is_blank(value):
                continue
            if not isinstance(value, str) or fold(value) != fold(label):
                return False
            count += 1
        return count > 1

    def rows(self) -> Iterator[int]:
        """The rows under the header that hold something in a known column, to the end of the sheet."""
        places, rows = set(self.columns.values()), self.sheet.rows
        special = {row for row, column in (*self.sheet.errors, *self.sheet.uncached) if column in places}
        columns = [column - 1 for column in places if rows and column <= len(rows[0])]
        for row in range(self.header_row + 1, self.end_row + 1):
            values = list(map(rows[row - 1].__getitem__, columns)) if row <= len(rows) else []
            if row in special or not (NOTHING.issuperset(values) or all(map(is_blank, values))):
                yield row


@dataclass
class TableFinder:
    """Finds tables in one workbook and keeps what there is to say about their places.

    ``known`` are the names of the Excel tables that the workbook was made with: none is ever taken for another.
    """

    workbook: RawWorkbook
    known: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._computed: set[str] = set()
        self._optional: frozenset[str] = frozenset()
        self._later: Collection[str] = ()
        self._undone: dict[tuple[str, int, int], str] = {}
        """Whose the headers of tables that a client has undone are, by sheet, row and column."""
        self._tables = {table.name: (sheet, table) for sheet in self.workbook.sheets for table in sheet.tables}

    def names(self) -> list[str]:
        """The names of all Excel tables."""
        return list(self._tables)

    def area(
        self,
        name: str,
        labels: tuple[str, ...],
        *,
        marker: str | None = None,
        titre: str = "",
        computed: Collection[str] = (),
        optional: Collection[str] = (),
        later: Collection[str] = (),
        sheet_hint: str | None = None,
    ) -> FoundTable | None:
        """The area of the table ``name`` whose columns are ``labels``; ``None`` when it is nowhere (and that is said).

        ``marker`` is the defined name that points at its sheet, for a table that a client has undone. ``computed`` are
        the labels of columns that the workbook computes: they are neither read nor reported as added. ``optional`` are
        the labels of columns that may be missing: nothing there is a blank; ``later`` those of columns that the
        workbook was made without, which is only a notice. ``sheet_hint`` is the name that the sheet had: a sheet of
        that name, or nearly, is looked at first.
        """
        self._computed, self._optional = {fold(label) for label in computed}, frozenset(optional)
        self._later = later
        if name in self._tables:
            return self._measure_table(name, *self._tables[name], labels)
        sheet_name = self.marked_sheet(marker) if marker is not None else self._near_sheet(sheet_hint)
        deleted = marker is not None and sheet_name is None and marker in self.workbook.names
        table_found = None if deleted else self._search(name, labels, sheet_name)
        if table_found is None and (copy := self._copy(name, labels)) is not None:
            sheet, table = copy
            place = sheet.place(table.header_row or 1, table.first_column)
            self.findings.append(finding("tableau-copie", place, valeur=name, attendu=table.name))
            return self._measure_table(name, sheet, table, labels)
        if table_found is None:
            self.findings.append(finding("tableau-absent", Place(feuille=sheet_name), valeur=name, titre=titre or name))
            return None
        sheet, header, (first, last) = table_found
        other = next(
            (t for t in sheet.tables if t.header_row == header and t.first_column <= first <= t.last_column), None
        )
        if other is not None:
            span = (other.first_column, other.last_column)
            return self._measure(name, sheet, header, other.last_row, labels, span, other.name)
        self._undone |= {(sheet.name, header, column): name for column in range(first, last + 1)}
        self.findings.append(finding("tableau-defait", sheet.place(header, first), valeur=name))
        return self._measure(name, sheet, header, len(sheet.rows), labels, (first, last), "")

    def marked_sheet(self, marker: str) -> str | None:
        """The sheet that a marker name points at, whatever it is called now."""
        refers_to = self.workbook.names.get(marker, "")
        name, separator, _ = refers_to.lstrip("=").rpartition("!")
        name = name.strip("'").replace("''", "'") if separator else ""
        return name if self.workbook.sheet(name) is not None else None

    def _near_sheet(self, name: str | None) -> str | None:
        """The sheet of that name, or of the name nearest to it."""
        seen = [sheet.name for sheet in self.workbook.sheets if sheet.state != "veryHidden"]
        return nearest(name, seen) if name is not None else None

    def _search(
        self, name: str, labels: tuple[str, ...], sheet_name: str | None
    ) -> tuple[RawSheet, int, tuple[int, int]] | None:
        """The row that shows most of ``labels``, in the marked sheet or, without a marker, in all; no other table's."""
        wanted = {fold(label) for label in labels}
        best: tuple[float, RawSheet, int, tuple[int, int]] | None = None
        for sheet in self.workbook.sheets:
            if (sheet_name is not None and sheet.name != sheet_name) or sheet.state == "veryHidden":
                continue  # what only a program can hide is no table of people
            taken = {
                (table.header_row, column)
                for table in sheet.tables
                if table.name in self.known
                for column in range(table.first_column, table.last_column + 1)
            }
            taken |= {cell[1:] for cell, owner in self._undone.items() if cell[0] == sheet.name and owner != name}
            for number, line in enumerate(sheet.rows[:_HEADER_ROWS], 1):
                share, precision = 0.0, 0.0
                for run in runs(line):  # of tables side by side, the one that has the fewest other headers
                    places = [column for column, text in run if fold(text) in wanted and (number, column) not in taken]
                    alike = (
                        len({fold(str(line[column - 1])) for column in places}) / len(wanted),
                        len(places) / len(run),
                    )
                    if alike > (share, precision):
                        share, precision = alike
                        span = (min(places), max(places))
                if share >= _HEADER_SHARE and (best is None or share > best[0]):
                    best = (share, sheet, number, span)
        return best[1:] if best is not None else None

    def _copy(self, name: str, labels: tuple[str, ...]) -> tuple[RawSheet, RawTable] | None:
        """The table of the one copy of the sheet that a table stood on."""
        wanted = {fold(label) for label in labels}
        copies = [
            other_table
            for other, other_table in self._tables.items()
            if is_copy(other, name)
            and other not in self.known
            and len(wanted & {fold(label) for label in other_table[1].columns}) >= _HEADER_SHARE * len(wanted)
        ]
        return copies[0] if len(copies) == 1 else None

    def _measure_table(self, name: str, sheet: RawSheet, table: RawTable, labels: tuple[str, ...]) -> FoundTable:
        header, span = header_row(sheet, table, labels), (table.first_column, table.last_column)
        return self._measure(name, sheet, header, table.last_row, labels, span, table.name)

    def _measure(
        self, name: str, sheet: RawSheet, header: int, last_row: int, labels: tuple[str, ...], span: tuple[int, int],
        table_name: str,
    ) -> FoundTable:  # fmt: skip
        columns, renamed = self._columns(name, sheet, header, labels, span)
        area = FoundTable(name, sheet, header, last_row, last_row, columns, renamed, table_name)
        area.end_row = self._end(area)
        return area

    def _end(self, area: FoundTable) -> int:
        """The last row under the table that may still be its own: rows go on until another Excel table begins below."""
        columns = set(area.columns.values())
        below = [
            table.header_row - 2
            for table in area.sheet.tables
            if table.header_row is not None
            and table.header_row > area.last_row
            and columns & set(range(table.first_column, table.last_column + 1))
        ]
        return min([len(area.sheet.rows), *below]) if len(area.sheet.rows) > area.last_row else area.last_row

    def _columns(
        self, name: str, sheet: RawSheet, header: int, labels: tuple[str, ...], span: tuple[int, int]
    ) -> tuple[dict[str, int], dict[str, str]]:
        first, last = span
        heads = {column: sheet.value(header, column) for column in range(first, last + 1)}
        texts = {column: french_value(value).strip() for column, value in heads.items() if not is_blank(value)}
        exact: dict[str, int] = {}
        repeated: set[int] = set()
        for column, text in texts.items():
            label = next((label for label in labels if label == text), None) or next(
                (label for label in labels if fold(label) == fold(text)), None
            )
            if label is None:
                continue
            if label in exact:
                self.findings.append(finding("colonne-en-double", sheet.place(header, column), valeur=text))
                repeated.add(column)
            else:
                exact[label] = column
        self._beside(name, sheet, header, [label for label in labels if label not in exact], span, exact)
        known = {*exact.values(), *repeated}
        others = {column: text for column, text in texts.items() if column not in known}
        free = {column: text for column, text in others.items() if fold(text) not in self._computed}
        renamed = self._near(sheet, header, [label for label in labels if label not in exact], free, exact)
        strange = any(  # what a column holds whose header says nothing may be that of a missing one
            column in repeated
            or (
                column not in exact.values()
                and (column in free or is_blank(value))
                and _has_data(sheet, header, column)
            )
            for column, value in heads.items()
        )
        place = sheet.place(header, first)
        for label in labels:
            if label in self._later and label not in exact:
                self.findings.append(finding("colonne-recente", place, valeur=name, attendu=label, champ=label))
            elif label not in exact:
                near = nearest(label, others.values())
                proche = f" ; « {near} » lui ressemble" if near else ""
                code = "colonne-retiree" if label in self._optional and not strange else "colonne-absente"
                self.findings.append(finding(code, place, valeur=name, attendu=label, champ=label, proche=proche))
        self._extra(
            sheet, header, heads, {column: text for column, text in others.items() if column not in exact.values()}
        )
        return exact, renamed

    def _beside(
        self, name: str, sheet: RawSheet, header: int, missing: list[str], span: tuple[int, int], exact: dict[str, int]
    ) -> None:
        """Take the columns that a table has lost: right beside it, under their header, in no other table."""
        if not missing:
            return
        others = {
            column
            for table in sheet.tables
            if table.header_row == header and (table.first_column, table.last_column) != span
            for column in range(table.first_column, table.last_column + 1)
        }
        wanted = {fold(label): label for label in missing}
        columns: list[tuple[int, str]] = []
        for start, step in ((span[0] - 1, -1), (span[1] + 1, 1)):
            column = start
            while column not in others and not is_blank(sheet.value(header, column)):
                label = wanted.pop(fold(str(sheet.value(header, column))), None)
                if label is not None:
                    columns.append((column, label))
                column += step
        if not columns:
            return
        columns.sort()
        exact.update({label: column for column, label in columns})
        places = [sheet.place(header, column) for column, _ in columns]
        colonnes = ", ".join(f"« {label} »" for _, label in columns)
        self.findings.append(
            finding("colonne-hors-tableau", places[0], valeur=name, colonnes=colonnes, liees=places[1:])
        )

    def _near(
        self, sheet: RawSheet, header: int, missing: list[str], others: Mapping[int, str], exact: dict[str, int]
    ) -> dict[str, str]:
        """Take a header for the missing label it resembles, when neither has a rival."""
        renamed = {}
        for label in missing:
            alike = [column for column, text in others.items() if likeness(label, text) >= _LABEL_LIKENESS]
            if (
                len(alike) != 1
                or sum(likeness(missing_name, others[alike[0]]) >= _LABEL_LIKENESS for missing_name in missing) != 1
            ):
                continue
            text, place = others[alike[0]], sheet.place(header, alike[0])
            exact[label], renamed[text] = alike[0], label
            is_other = says_other_unit(text, label)
            changed = finding("entete-modifie", place, valeur=text, attendu=label)
            self.findings.append(finding("unite-d-entete", place, valeur=text, attendu=label) if is_other else changed)
        return renamed

    def _extra(self, sheet: RawSheet, header: int, heads: Mapping[int, RawValue], others: Mapping[int, str]) -> None:
        for column, value in heads.items():
            place = sheet.place(header, column)
            if column in others:
                if fold(others[column]) not in self._computed:
                    self.findings.append(finding("colonne-en-trop", place, valeur=others[column]))
            elif is_blank(value) and _has_data(sheet, header, column):
                self.findings.append(finding("colonne-sans-entete", place))


def _has_data(sheet: RawSheet, header: int, column: int) -> bool:
    """Whether a column holds something under its header."""
    return any(not is_blank(sheet.value(row, column)) for row in range(header + 1, len(sheet.rows) + 1))


def named_cell(workbook: RawWorkbook, name: str) -> tuple[RawSheet, int, int] | None:
    """The sheet, row and column (one-based) that a defined name points at; ``None`` when it is not one cell."""
    match = re.fullmatch(r"=?(?:'((?:[^']|'')+)'|([^'!]+))!\$?([A-Z]{1,3})\$?(\d+)", workbook.names.get(name, ""))
    if match is None:
        return None
    sheet = workbook.sheet((match[1] or "").replace("''", "'") or match[2])
    return None if sheet is None else (sheet, int(match[4]), column_index(match[3]))
