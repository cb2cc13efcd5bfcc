"""Differences in the words that people read: rows by their labels, values as shown, amounts with their sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tabellion.findings import Place
from tabellion.layout.names import PER_CONVENTION, shorten, table_resource
from tabellion.outputs.diff.model import (
    CellDifference,
    ComparedFile,
    Comparison,
    FormulaKey,
    PieceDifference,
    PiecePart,
    TableDifference,
    Unread,
)
from tabellion.schema import Field, Schemas
from tabellion.schema.money import grown
from tabellion.schema.shown import shown_value
from tabellion.wording import plural

_LONG = 90
_GENDER = {PiecePart.SHEET: "e", PiecePart.TABLE: "", PiecePart.COLUMN: "e"}
CELL, ADDED, REMOVED, FORMULA, STRUCTURE = "cellule", "ligne-ajoutee", "ligne-retiree", "formule", "structure"


@dataclass(frozen=True)
class Entry:
    """One line of a list of differences: its kind, its row in words, where it stands on both sides.

    ``cell`` is what a changed cell says; ``side``, ``table`` (its name) and ``position`` are the row of a change in the
    tables. ``before`` and ``after`` are the words of a formula or the names of a part, ``title`` is what holds it.
    """

    kind: str
    title: str
    row: str
    place_before: Place | None = None
    place_after: Place | None = None
    side: ComparedFile | None = None
    table: str = ""
    position: int = 0
    convention: int | None = None
    cell: CellDifference | None = None
    before: str | None = None
    after: str | None = None


@dataclass
class DiffWords:
    """What people read in place of tables, keys and fields, from what both sides say."""

    comparison: Comparison
    schemas: Schemas

    def field(self, table: str, name: str) -> Field | None:
        """The field of a column; ``None`` for one that people added, or that only helps to understand."""
        return self.schemas[table].by_name.get(name)

    def field_title(self, table: str, name: str) -> str:
        """The header of a column."""
        field = self.field(table, name)
        return field.title if field is not None else name

    def is_money(self, table: str, name: str) -> bool:
        """Whether a column holds amounts, in cents."""
        field = self.field(table, name)
        return field is not None and field.kind == "money"

    def amounts(self, side: ComparedFile, table: str, position: int) -> dict[str, int]:
        """The cents of each amount of a row that can be read."""
        row = ((name, values[position]) for name, values in side.tables[table].columns.items())
        return {name: value for name, value in row if isinstance(value, int) and self.is_money(table, name)}

    def value(self, table: str, name: str, value: object) -> str:
        """A value as people read it."""
        if isinstance(value, Unread):
            return f"« {value.text} » (illisible)"
        schema = self.schemas[table]
        field = self.field(table, name)
        key = schema.foreign.get(name)
        if key is not None and value is not None:
            return self.label(key.table, value)
        return shown_value(field, value, quoted=True)

    def label(self, table: str, key: object) -> str:
        """What people read in place of a key."""
        for side in (self.comparison.after, self.comparison.before):
            words = side.labels.get(table, {}).get(key)
            if words is not None:
                return words if self.schemas[table].label else f"{key} – {words}"
        return str(key)

    def difference(self, table: str, cell: CellDifference) -> int | None:
        """What an amount grows by, in cents; ``None`` for what is no amount, or has none on one side."""
        before, after = cell.before, cell.after
        if not (self.is_money(table, cell.field) and isinstance(before, int) and isinstance(after, int)):
            return None
        return after - before

    def convention(self, side: ComparedFile, table: str, position: int) -> int | None:
        """The convention of a row, for the tables that are kept by convention."""
        column = side.tables[table].columns.get("convention_id")
        value = column[position] if column is not None and table in PER_CONVENTION else None
        return value if isinstance(value, int) else None

    def group(self, table: str, convention: int | None) -> str:
        """The heading of the rows of a table, or of a convention's part of it."""
        title = self.schemas[table].title
        if convention is None:
            return title
        words = self.label("conventions", convention)
        return f"{title}, convention {words}"

    def row(self, side: ComparedFile, table: str, position: int) -> str:
        """A row in words, with its identifier."""
        key = side.tables[table].keys[position]
        shown = self._label(side, table, position)
        identifier = " · ".join("?" if part is None else str(part) for part in key)
        return f"{shown} [{identifier}]" if shown and shown != identifier else identifier

    def _label(self, side: ComparedFile, table: str, position: int) -> str:
        columns, schema = side.tables[table].columns, self.schemas[table]

        def value_of(name: str) -> object:
            return columns[name][position] if name in columns else None

        for name in (schema.label, "libelle", "objectif", "titre", "nom", "Objectif"):
            text = value_of(name) if name else None
            if isinstance(text, str):
                plain = " ".join(text.split())
                short = plain if len(plain) <= _LONG else shorten(plain, _LONG) + " …"
                town = value_of("collectivite_id") if name == "libelle" else None
                return f"{short} ({self.label('collectivites', town)})" if isinstance(town, str) else short
        funder, fiche = value_of("financeur_id"), value_of("fiche_id")
        if table == "financements" and isinstance(funder, str):
            parts = [f"Fiche {fiche}"] if fiche is not None else []
            year = value_of("exercice")
            return " · ".join([*parts, self.label("financeurs", funder), *([] if year is None else [str(year)])])
        keys = ((schema.foreign[name].table, value_of(name)) for name in schema.primary_key if name in schema.foreign)
        return " · ".join(
            self.label(other, value) for other, value in keys if isinstance(value, str) and self.schemas[other].label
        )

    def formula_table(self, key: FormulaKey) -> str:
        """What holds a formula."""
        if key.table in self.schemas:
            return self.schemas[key.table].title
        resource = table_resource(key.table)
        if resource is not None:
            return self.group(*resource)
        return key.table.replace("_", " ") or "Cellules nommées"

    def formula_row(self, key: FormulaKey) -> str:
        """The row and the column of a formula."""
        column = key.column if key.table else key.column.replace("_", " ")
        if key.table in self.schemas:
            column = self.field_title(key.table, key.column)
        if not key.row:
            return column
        return f"{column}, toute la colonne" if key.row == "*" else f"{key.row} : {column}"

    def piece(self, difference: PieceDifference) -> str:
        """``Colonne ajoutée « X »``, ``Feuille renommée « A » → « B »``."""
        piece, before = difference.piece, difference.before
        end = _GENDER[piece.part]
        where = f" ({piece.place.feuille})" if piece.part is not PiecePart.SHEET and piece.place.feuille else ""
        name = f"« {piece.name} »"
        if before is not None and difference.after is not None:
            return f"{piece.part.value} renommé{end} : « {before.name} » → {name}{where}"
        return f"{piece.part.value} {'ajouté' if before is None else 'retiré'}{end} : {name}{where}"

    def entries(self) -> Iterator[Entry]:
        """Every difference, one after the other: the tables, the formulas, the structure."""
        for table in self.comparison.tables:
            yield from self.table_entries(table)
        for formula in self.comparison.formulas:
            old, new, key = formula.before, formula.after, formula.key
            yield Entry(
                FORMULA,
                self.formula_table(key),
                self.formula_row(key),
                old.place if old else None,
                new.place if new else None,
                before=old.shown if old else None,
                after=new.shown if new else None,
            )
        for piece in self.comparison.structure:
            old_piece, new_piece = piece.before, piece.after
            yield Entry(
                STRUCTURE,
                piece.piece.part.value,
                self.piece(piece),
                old_piece.place if old_piece else None,
                new_piece.place if new_piece else None,
                before=old_piece.name if old_piece else None,
                after=new_piece.name if new_piece else None,
            )

    def table_entries(self, table: TableDifference) -> Iterator[Entry]:
        """The differences of one table: the cells changed, the rows added, the rows removed."""
        before, after, name = self.comparison.before, self.comparison.after, table.name
        title = self.group(name, None)
        for change in table.changed:
            row, convention = self.row(after, name, change.after), self.convention(after, name, change.after)
            for cell in change.cells:
                place = before.locate(name, change.before, cell.field)
                now_at = after.locate(name, change.after, cell.field)
                yield Entry(CELL, title, row, place, now_at, after, name, change.after, convention, cell)
        for kind, positions, side in ((ADDED, table.added, after), (REMOVED, table.removed, before)):
            for position in positions:
                place = side.locate(name, position, None)
                old, new = (None, place) if kind == ADDED else (place, None)
                row, convention = self.row(side, name, position), self.convention(side, name, position)
                yield Entry(kind, title, row, old, new, side, name, position, convention)


def counts(comparison: Comparison) -> list[str]:
    """What differs, counted: ``3 cellules changées``, ``1 ligne ajoutée`` …"""
    tables = comparison.tables
    numbers = (
        (sum(table.changed_cells for table in tables), "cellule changée", "cellules changées"),
        (sum(len(table.added) for table in tables), "ligne ajoutée", "lignes ajoutées"),
        (sum(len(table.removed) for table in tables), "ligne retirée", "lignes retirées"),
        (len(comparison.formulas), "formule changée", "formules changées"),
        (len(comparison.structure), "changement de structure", "changements de structure"),
    )
    return [plural(count, singular, several) for count, singular, several in numbers if count]


@dataclass(frozen=True)
class AmountSums:
    """The cents that an amount of a table adds up to before and after (``None``: none is known).

    ``uncounted`` amounts cannot be read on one side: what the sums then differ by is nothing that anybody said.
    """

    before: int | None
    after: int | None
    uncounted: int = 0

    @property
    def gap(self) -> int | None:
        """What the sum grows by, where both count the same amounts."""
        return None if self.uncounted else grown(self.before, self.after)

    @property
    def left_out(self) -> str | None:
        """``1 montant non compté``."""
        return plural(self.uncounted, "montant non compté", "montants non comptés") if self.uncounted else None


def table_sums(words: DiffWords, table: TableDifference) -> dict[str, AmountSums]:
    """What each amount of a table adds up to, where one is known or cannot be read."""
    sides = (words.comparison.before, words.comparison.after)
    totals: dict[str, AmountSums] = {}
    for field in table.fields:
        if words.is_money(table.name, field):
            columns = [side.tables[table.name].columns[field] if table.name in side.tables else () for side in sides]
            unread = [sum(isinstance(value, Unread) for value in values) for values in columns]
            sums = AmountSums(_sum(columns[0]), _sum(columns[1]), max(unread))
            totals |= {field: sums} if sums != AmountSums(None, None) else {}
    return totals


def _sum(values: Sequence[object]) -> int | None:
    """The cents of a column, ``None`` where none is known; what cannot be read counts for nothing."""
    known = [value for value in values if isinstance(value, int)]
    return sum(known) if known else None


def unseen_words(count: int) -> str:
    """What is said of texts that differ by nothing that a person sees."""
    texts = plural(count, "texte ne diffère", "textes ne diffèrent")
    return f"{texts} que par des espaces, des apostrophes ou le codage des accents : ce n'est pas une différence."


def summary(comparison: Comparison) -> str:
    """What differs, in one line."""
    moved = plural(comparison.moved, "ligne déplacée", "lignes déplacées") if comparison.moved else ""
    if not comparison.count:
        return f"Aucune différence{f' ; {moved}, ce qui ne change rien' if moved else ''}."
    return f"Différences : {', '.join(counts(comparison))}{f' ; {moved}' if moved else ''}."
