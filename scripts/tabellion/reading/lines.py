"""Which rows of an area are lines of its table: not the totals, headers and notes that people add, which are said."""

from __future__ import annotations

from collections.abc import Iterator

from tabellion.addresses import column_letters
from tabellion.findings import Finding, finding
from tabellion.reading.headers import is_blank
from tabellion.reading.identifiers import identifier_field
from tabellion.reading.tables import FoundTable
from tabellion.reading.typed_totals import REMARK, adds_up, is_total, total_label
from tabellion.schema import TableSchema
from tabellion.schema.table import Key
from tabellion.wording import french_value, plural

#: The table of the totals that were published.
_TOTALS = "totaux_publies"


class LineFinder:
    """Finds the lines of one area."""

    def __init__(self, schema: TableSchema, area: FoundTable, findings: list[Finding]) -> None:
        self.schema, self.area, self.findings = schema, area, findings
        columns = [column for column in schema.fields if column.title in area.columns]
        self.titles = {column.name: column.title for column in columns}
        self.worded = [column.title for column in columns if column.kind == "string" and column.name != REMARK]
        self.amounts = [column.title for column in columns if column.kind == "money"]
        self.identifier = self.titles.get(identifier_field(schema) or schema.primary_key[0])
        self.labels: dict[Key, set[str]] = {}
        totals = (table for table in area.sheet.tables if table.name == area.found_name and table.totals_row)
        self.totals_row = next((table.last_row + 1 for table in totals), 0)

    def rows(self) -> list[int]:
        """The rows that are lines, one-based; what is read in spite of its place, or is not read, is said."""
        lines = list(self._lines())
        below = [row for row in lines if row > self.area.last_row] if self.area.found_name else []
        if below:
            places = [self.area.place(row) for row in below]
            compte = plural(len(below), "ligne est", "lignes sont")
            mistake = finding("ligne-hors-tableau", places[0], valeur=self.area.name, compte=compte, liees=places[1:])
            self.findings.append(mistake)
        return lines

    def _lines(self) -> Iterator[int]:
        area = self.area
        for row in area.rows():
            label = self.total(row)
            if label is not None:
                mistake = finding("total-ajoute", area.place(row, label), valeur=french_value(area.value(row, label)))
                self.findings.append(mistake)
            elif row > area.last_row and area.found_name and (note := self.note(row)) is not None:
                self.findings.append(
                    finding(
                        "note-sous-tableau", area.place(row, note), valeur=french_value(area.value(row, note))[:200]
                    )
                )
            elif not area.repeats_headers(row):
                yield row

    def total(self, row: int) -> str | None:
        """The column whose content says that a row is a total: that of its words, or of the sum that it computes."""
        area = self.area
        if row == self.totals_row:
            return next((label for label in area.columns if not is_blank(area.value(row, label))), None)
        if self.identifier is not None and not is_blank(area.value(row, self.identifier)):
            return self.copied_total(row)
        if self.schema.name == _TOTALS:  # every row of it is one
            return None
        return total_label(area, row, self.worded) or self.summed(row)

    def copied_total(self, row: int) -> str | None:
        """The column that says « total » on a row that was copied from another with its identifier."""
        key = tuple(self.area.value(row, self.titles[name]) for name in self.schema.primary_key if name in self.titles)
        words = {label: value for label in self.worded if isinstance(value := self.area.value(row, label), str)}
        before = self.labels.get(key)
        if before is None:
            self.labels[key] = set(words.values())
            return None
        return next((label for label, text in words.items() if text not in before and is_total(text)), None)

    def summed(self, row: int) -> str | None:
        """The first amount of a row whose amounts all add up cells of their own column."""
        area, found = self.area, None
        for label in self.amounts:
            column = area.columns[label]
            formula = area.sheet.formulas.get((row, column))
            if formula is None:
                if not is_blank(area.value(row, label)):
                    return None
                continue
            if not adds_up(formula, column_letters(column), label):
                return None
            found = found or label
        return found

    def note(self, row: int) -> str | None:
        """The one cell that a row under a table fills, where that cannot be a whole row."""
        filled = [label for label in self.area.columns if not is_blank(self.area.value(row, label))]
        if len(filled) != 1 or filled[0] == self.identifier:
            return None
        wanted = {
            column.title
            for column in self.schema.fields
            if column.required and column.title in self.area.columns and column.title != self.identifier
        }
        return None if wanted == set(filled) else filled[0]
