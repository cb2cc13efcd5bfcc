"""A comparison as data: the object that ``tabellion diff --json`` writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabellion.commands.console import JSON_VERSION
from tabellion.findings import Place
from tabellion.outputs.diff.model import (
    CellChange,
    Comparison,
    FormulaDifference,
    PieceDifference,
    Side,
    TableDifference,
    Unread,
)
from tabellion.outputs.diff.words import DiffWords, table_sums
from tabellion.schema.money import euros


def as_json(comparison: Comparison, words: DiffWords) -> dict[str, Any]:
    """The object that ``--json`` writes: every difference, amounts in euros as numbers, then what they add up to."""
    differences: list[dict[str, Any]] = []
    for table in comparison.tables:
        differences += _table_json(comparison, words, table)
    differences += [_formula_json(words, each) for each in comparison.formulas]
    differences += [_piece_json(words, each) for each in comparison.structure]
    tables = {
        each.name: {
            "cellules_changees": sum(len(row.cells) for row in each.changed),
            "lignes_ajoutees": len(each.added),
            "lignes_retirees": len(each.removed),
            "lignes_deplacees": len(each.moved),
        }
        for each in comparison.tables
        if each.count or each.moved
    }
    totals = [
        {"table": table, "champ": name, "avant": euros(old), "apres": euros(new), "ecart": euros(new - old)}
        for table, name, old, new in table_sums(comparison, words)
    ]
    return {
        "version": JSON_VERSION,
        "avant": _side_json(comparison.before),
        "apres": _side_json(comparison.after),
        "differences": differences,
        "constats": [each.as_json() for each in comparison.notices],
        "resume": {
            "identiques": not comparison.count,
            "differences": comparison.count,
            "lignes_deplacees": comparison.moved,
            "formules": len(comparison.formulas),
            "structure": len(comparison.structure),
            "par_table": tables,
            "sommes": totals,
        },
    }


def _side_json(side: Side) -> dict[str, Any]:
    return {
        "fichier": side.name,
        "genre": side.kind.value,
        "partenaire": side.partner or None,
        "exercice": side.exercice,
    }


def _table_json(comparison: Comparison, words: DiffWords, table: TableDifference) -> Iterator[dict[str, Any]]:
    before, after, name = comparison.before, comparison.after, table.name
    for row in table.changed:
        for cell in row.cells:
            grown = words.difference(name, cell.field, cell.before, cell.after)
            yield {
                "genre": "cellule",
                **_row_json(words, after, name, row.after),
                "champ": cell.field,
                "titre": words.field_title(name, cell.field),
                **_values_json(words, name, cell),
                "ecart": None if grown is None else euros(grown),
                "place_avant": _place_json(before.locate(name, row.before, cell.field)),
                "place_apres": _place_json(after.locate(name, row.after, cell.field)),
            }
    for genre, rows, side, end in (
        ("ligne-ajoutee", table.added, after, "place_apres"),
        ("ligne-retiree", table.removed, before, "place_avant"),
    ):
        for lone in rows:
            columns = side.tables[name].columns
            yield {
                "genre": genre,
                **_row_json(words, side, name, lone.position),
                "valeurs": {
                    each: _json_value(words, name, each, values[lone.position]) for each, values in columns.items()
                },
                end: _place_json(side.locate(name, lone.position, None)),
            }


def _row_json(words: DiffWords, side: Side, table: str, position: int) -> dict[str, Any]:
    key = side.tables[table].keys[position]
    return {
        "table": table,
        "cle": [None if each is None else _plain_json(each) for each in key],
        "ligne": words.row(side, table, position),
        "convention": words.convention(side, table, position),
    }


def _values_json(words: DiffWords, table: str, cell: CellChange) -> dict[str, Any]:
    sides = (("avant", cell.before), ("apres", cell.after))
    return {
        "avant": _json_value(words, table, cell.field, cell.before),
        "apres": _json_value(words, table, cell.field, cell.after),
        "illisible": [side for side, value in sides if isinstance(value, Unread)],
    }


def _json_value(words: DiffWords, table: str, name: str, value: Any) -> Any:
    found = words.field(table, name)
    if found is not None and found.kind == "money" and isinstance(value, int):
        return euros(value)
    return value.text if isinstance(value, Unread) else _plain_json(value)


def _plain_json(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _place_json(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"feuille": place.feuille, "cellule": place.cellule, "ligne": place.ligne, "fichier": place.fichier}


def _formula_json(words: DiffWords, each: FormulaDifference) -> dict[str, Any]:
    return {
        "genre": "formule",
        "table": words.formula_table(each.key),
        "ligne": words.formula_row(each.key),
        "avant": each.before.shown if each.before is not None else None,
        "apres": each.after.shown if each.after is not None else None,
        "place_avant": _place_json(each.before.place if each.before is not None else None),
        "place_apres": _place_json(each.after.place if each.after is not None else None),
    }


def _piece_json(words: DiffWords, each: PieceDifference) -> dict[str, Any]:
    return {
        "genre": "structure",
        "partie": each.piece.part.value,
        "message": words.piece(each),
        "avant": each.before.name if each.before is not None else None,
        "apres": each.after.name if each.after is not None else None,
        "place_avant": _place_json(each.before.place if each.before is not None else None),
        "place_apres": _place_json(each.after.place if each.after is not None else None),
    }
