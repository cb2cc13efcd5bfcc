"""Differences in the words that people read: rows by their labels, values as shown, amounts with their sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabellion.layout.names import PER_CONVENTION, shorten, table_resource
from tabellion.outputs.diff.compare import sums
from tabellion.outputs.diff.model import Comparison, FormulaKey, Part, PieceDifference, Side, Unread
from tabellion.schema import Field, Key, Schemas
from tabellion.schema.shown import shown_value
from tabellion.wording import plural

_LONG = 90
_GENDER = {Part.SHEET: "e", Part.TABLE: "", Part.COLUMN: "e"}


@dataclass
class DiffWords:
    """What people read in place of tables, keys and fields, from what both sides say."""

    comparison: Comparison
    schemas: Schemas

    def field(self, table: str, name: str) -> Field | None:
        """The field of a column; ``None`` for one that people added, or that only helps to understand."""
        before, after = self.comparison.before, self.comparison.after
        return after.fields.get((table, name)) or before.fields.get((table, name))

    def field_title(self, table: str, name: str) -> str:
        """The header of a column."""
        found = self.field(table, name)
        return found.title if found is not None else name

    def value(self, table: str, name: str, value: Any) -> str:
        """A value as people read it."""
        if isinstance(value, Unread):
            return f"« {value.text} » (illisible)"
        schema = self.schemas[table]
        field = self.field(table, name)
        key = schema.foreign.get(name)
        if key is not None and value is not None:
            return self.label(key.table, value)
        return shown_value(field, value, quoted=True)

    def label(self, table: str, key: Any) -> str:
        """What people read in place of a key."""
        for side in (self.comparison.after, self.comparison.before):
            words = side.labels.get(table, {}).get(key)
            if words is not None:
                return words if self.schemas[table].label else f"{key} – {words}"
        return str(key)

    def difference(self, table: str, name: str, before: Any, after: Any) -> int | None:
        """What an amount grows by, in cents; a blank counts for nothing. ``None`` for what is no amount."""
        field = self.field(table, name)
        if field is None or field.kind != "money" or isinstance(before, Unread) or isinstance(after, Unread):
            return None
        return (after or 0) - (before or 0)

    def convention(self, side: Side, table: str, position: int) -> int | None:
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

    def row(self, side: Side, table: str, position: int) -> str:
        """A row in words, with its identifier."""
        key = side.tables[table].keys[position]
        shown = self._label(side, table, position)
        ident = self.key(key)
        return f"{shown} [{ident}]" if shown and shown != ident else ident

    def key(self, key: Key) -> str:
        """A key in words."""
        return " · ".join("?" if each is None else str(each) for each in key)

    def _label(self, side: Side, table: str, position: int) -> str:
        columns, schema = side.tables[table].columns, self.schemas[table]

        def said(name: str) -> Any:
            values = columns.get(name)
            return None if values is None else values[position]

        for name in (schema.label, "libelle", "objectif", "titre", "nom", "Objectif"):
            text = said(name) if name else None
            if isinstance(text, str):
                plain = " ".join(text.split())
                short = plain if len(plain) <= _LONG else shorten(plain, _LONG) + " …"
                town = said("collectivite_id") if name == "libelle" else None
                return f"{short} ({self.label('collectivites', town)})" if isinstance(town, str) else short
        parts = []
        for name in schema.primary_key:
            key = schema.foreign.get(name)
            value = said(name)
            if key is not None and isinstance(value, str) and self.schemas[key.table].label:
                parts.append(self.label(key.table, value))
        if table == "financements" and isinstance(said("financeur_id"), str):
            fiche = [f"Fiche {said('fiche_id')}"] if said("fiche_id") is not None else []
            parts = [*fiche, self.label("financeurs", said("financeur_id"))]
        return " · ".join(parts)

    def formula_table(self, key: FormulaKey) -> str:
        """What holds a formula."""
        if key.table in self.schemas:
            return self.schemas[key.table].title
        found = table_resource(key.table)
        if found is not None:
            return self.group(*found)
        return key.table.replace("_", " ") or "Cellules nommées"

    def formula_row(self, key: FormulaKey) -> str:
        """The row and the column of a formula."""
        column = key.column if key.table else key.column.replace("_", " ")
        if key.table in self.schemas:
            column = self.field_title(key.table, key.column)
        if not key.row:
            return column
        return f"{column}, toute la colonne" if key.row == "*" else f"{key.row} : {column}"

    def piece(self, each: PieceDifference) -> str:
        """``Colonne ajoutée « X »``, ``Feuille renommée « A » → « B »``."""
        piece = each.piece
        end = _GENDER[piece.part]
        where = f" ({piece.place.feuille})" if piece.part is not Part.SHEET and piece.place.feuille else ""
        name = f"« {piece.name} »"
        if each.before is not None and each.after is not None:
            return f"{piece.part.value} renommé{end} : « {each.before.name} » → {name}{where}"
        return f"{piece.part.value} {'ajouté' if each.before is None else 'retiré'}{end} : {name}{where}"


def counts(comparison: Comparison) -> list[str]:
    """What differs, counted: ``3 cellules changées``, ``1 ligne ajoutée`` …"""
    tables = comparison.tables
    numbers = (
        (sum(len(row.cells) for each in tables for row in each.changed), "cellule changée", "cellules changées"),
        (sum(len(each.added) for each in tables), "ligne ajoutée", "lignes ajoutées"),
        (sum(len(each.removed) for each in tables), "ligne retirée", "lignes retirées"),
        (len(comparison.formulas), "formule changée", "formules changées"),
        (len(comparison.structure), "changement de structure", "changements de structure"),
    )
    return [plural(count, one, many) for count, one, many in numbers if count]


def table_sums(comparison: Comparison, words: DiffWords) -> list[tuple[str, str, int, int]]:
    """The table, the amount, its sums in cents before and after, for the tables where something differs."""
    found = []
    for table in comparison.tables:
        fields = [each for each in table.fields if (known := words.field(table.name, each)) and known.kind == "money"]
        if not table.count or not fields:
            continue
        old = sums(comparison.before.tables.get(table.name), fields)
        new = sums(comparison.after.tables.get(table.name), fields)
        found += [(table.name, each, old[each], new[each]) for each in fields if old[each] or new[each]]
    return found
