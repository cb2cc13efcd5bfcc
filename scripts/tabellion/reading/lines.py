"""Which rows of an area are lines of its table: not the totals, headers and notes that people add, which are said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tabellion.addresses import column_letters
from tabellion.findings import Finding, finding
from tabellion.reading.headers import is_blank
from tabellion.reading.identifiers import identifier_field
from tabellion.reading.tables import FoundTable
from tabellion.schema import TableSchema
from tabellion.schema.table import Key
from tabellion.wording import fold, french_value, plural, shortened

#: Words that say « total » whatever follows them, and those that may stand before.
_TOTAL_WORDS = frozenset(("total", "totaux", "totale", "totales", "tot", "soustotal", "sstotal", "stotal"))
_BEFORE = frozenset(
    (
        "sous",
        "ss",
        "s",
        "st",
        "grand",
        "super",
        "montant",
        "general",
        "soit",
        "au",
        "le",
        "les",
        "la",
        "l",
        "de",
        "du",
        "en",
    )
)
#: Words that say it alone, or among the others: « Ensemble », « Cumul général », not « Ensemble des actions ».
_SUMS = _TOTAL_WORDS | {
    "somme",
    "sommes",
    "cumul",
    "cumuls",
    "ensemble",
    "recapitulatif",
    "recap",
    "addition",
    "st",
    "σ",
}
_OTHERS = _BEFORE | {
    "generale", "generaux", "global", "globale", "annuel", "annuelle", "partiel", "partielle", "des", "lignes", "ligne",
    "convention", "conventions", "tableau", "budget", "montants", "credits", "exercice", "annee", "ci", "dessus",
}  # fmt: skip
#: Where people explain an amount: « total de l'année » there makes no total of the row.
REMARK = "commentaire"
#: What adds up a part of a column, as files write it whatever the language: over addresses, or over a table's column.
_SUM = r"\b(?:SUM|SUBTOTAL|AGGREGATE)\((?:\d+,)*"
_ADDRESSES = re.compile(_SUM + r"\$?([A-Z]{1,3})\$?\d+:\$?([A-Z]{1,3})\$?\d+", re.IGNORECASE)
_COLUMN = re.compile(_SUM + r"[\w.]*\[([^\[\]#@]+)\]", re.IGNORECASE)


def is_total(text: str) -> bool:
    """Whether a text says that its row is a total: « Total », « S/Total », « Grand total », « Cumul », « T O T A L » …

    As words of their own: « Sommeil des enfants » is no sum.
    """
    words = re.findall(r"[a-zσ]+", fold(text))
    if len(words) > 1 and all(len(word) == 1 for word in words):
        words = ["".join(words)]
    if not words:
        return False
    first = next((rank for rank, word in enumerate(words) if word not in _BEFORE), len(words))
    if words[0] == "somme" or (first < len(words) and words[first] in _TOTAL_WORDS):
        return True
    return any(word in _SUMS for word in words) and all(word in _SUMS | _OTHERS for word in words)


def total_label(area: FoundTable, row: int, labels: Iterable[str]) -> str | None:
    """The column, of ``labels``, whose text says that a row without identifier is a total added by hand."""
    for label in labels:
        value = area.value(row, label)
        if isinstance(value, str) and is_total(value):
            return label
    return None


def adds_up(formula: str, letters: str, label: str) -> bool:
    """Whether a formula is a sum of the column of these letters, which has this header."""
    if (addresses := _ADDRESSES.search(formula)) is not None:
        return {addresses[1].upper(), addresses[2].upper()} == {letters}
    column = _COLUMN.search(formula)
    return column is not None and column[1] == label


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
                        "note-sous-tableau",
                        area.place(row, note),
                        valeur=shortened(french_value(area.value(row, note)), 200),
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
        area, last_found = self.area, None
        for label in self.amounts:
            column = area.columns[label]
            formula = area.sheet.formulas.get((row, column))
            if formula is None:
                if not is_blank(area.value(row, label)):
                    return None
                continue
            if not adds_up(formula, column_letters(column), label):
                return None
            last_found = last_found or label
        return last_found

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
