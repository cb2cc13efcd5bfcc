"""Two workbooks compared by meaning: two sides in, differences out; what stands where counts for nothing. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs.diff.model import (
    CellDifference,
    ComparedFile,
    ComparedTable,
    Comparison,
    FileKind,
    FormulaAt,
    FormulaDifference,
    FormulaKey,
    Piece,
    PieceDifference,
    RowDifference,
    TableDifference,
)
from tabellion.outputs.diff.pairing import Pairs, RowValues, pair_rows
from tabellion.schema import SETTING_TABLES, Schemas
from tabellion.wording import as_seen

#: The kinds that hold the tables of the register, and that a register's folder can be compared with.
_WHOLE = {FileKind.MASTER, FileKind.CONSOLIDATION, FileKind.REGISTER}
_EXERCICE = "exercice"


def compare(before: ComparedFile, after: ComparedFile, schemas: Schemas) -> Comparison:
    """All that ``after`` says otherwise than ``before``.

    Raises :class:`TabellionError` when they are of two kinds or of two partners. Forms of two exercices are compared
    line by line, by the identifiers that both have, and that is said.
    """
    _refuse(before, after)
    notices = [notice.in_file(side.name) for side in (before, after) for notice in [*side.notices, *_as_found(side)]]
    if before.exercice != after.exercice:
        before, after = _without_year(before, schemas), _without_year(after, schemas)
        place = Place(after.name)
        notices.append(finding("exercices-differents", place, valeur=before.exercice, attendu=after.exercice))
    names = [name for name in schemas if name in before.tables or name in after.tables]
    # a workbook or a consolidation without the settings says nothing of them
    silent = {name for name in SETTING_TABLES for side in (before, after) if not _has_rows(side, name)}
    elsewhere = before.elsewhere | after.elsewhere
    if elsewhere:
        titles = ", ".join(schemas[name].title for name in schemas if name in elsewhere)
        notices.append(finding("tables-en-detail", Place(after.name), tables=titles))
    names = [name for name in names if name not in silent | elsewhere]
    tables = [compare_tables(_table(before, after, name), _table(after, before, name)) for name in names]
    is_register = FileKind.REGISTER in (before.kind, after.kind)
    return Comparison(
        before,
        after,
        tuple(tables),
        () if is_register else tuple(compare_formulas(before, after)),
        () if is_register else tuple(compare_pieces(before.pieces, after.pieces)),
        tuple(notices),
    )


def _has_rows(side: ComparedFile, name: str) -> bool:
    return name in side.tables and bool(side.tables[name].keys)


def _refuse(before: ComparedFile, after: ComparedFile) -> None:
    kinds, partners = {before.kind, after.kind}, before.labels.get("partenaires", {})
    if len(kinds) > 1 and not (FileKind.REGISTER in kinds and kinds <= _WHOLE):
        code, words = "genres-differents", [before.kind.value, after.kind.value]
    elif before.partner != after.partner:
        code, words = "partenaires-differents", [partners.get(side.partner, side.partner) for side in (before, after)]
    else:
        return
    place = Place(after.name)
    mistake = finding(code, place, valeur=before.name, attendu=after.name, genre=words[0], autre=words[1])
    raise TabellionError([mistake])


def _as_found(side: ComparedFile) -> list[Finding]:
    if not side.unread:
        return []
    count = len(side.unread)
    words = "Une cellule ne contient" if count == 1 else f"{count} cellules ne contiennent"
    return [finding("comparaison-telle-quelle", side.unread[0], compte=words, liees=side.unread[1:])]


def _without_year(side: ComparedFile, schemas: Schemas) -> ComparedFile:
    """A form whose rows are known by their identifiers alone, and without what it shows of the years before."""
    tables = {}
    for name, table in side.tables.items():
        schema = schemas[name]
        places = [place for place, field in enumerate(schema.primary_key) if field != _EXERCICE]
        keys = [tuple(key[place] for place in places) for key in table.keys]
        fields = [field for field in table.columns if field in schema.by_name and field != _EXERCICE]
        columns = {field: table.columns[field] for field in fields}
        tables[name] = replace(table, keys=keys, columns=columns)
    return replace(side, tables=tables, typed={})


def _table(side: ComparedFile, other: ComparedFile, name: str) -> ComparedTable:
    """The table of a side; an empty one, of the same columns, where it has none."""
    return side.tables.get(name) or replace(
        other.tables[name], keys=[], columns=dict.fromkeys(other.tables[name].columns, ())
    )


def compare_tables(before: ComparedTable, after: ComparedTable) -> TableDifference:
    """What ``after`` says otherwise than ``before``, in the fields that both have.

    Rows are found again by their keys, or else by what they say. What nobody sees of a text is no difference: such
    texts are counted.
    """
    fields = tuple(name for name in before.columns if name in after.columns)
    raw = _rows(before, fields), _rows(after, fields)
    seen = [_as_seen(row) for row in raw[0]], [_as_seen(row) for row in raw[1]]
    pairs, removed, new = pair_rows(before, after, fields, *seen)
    changed, unseen = [], 0
    for old, now in pairs:
        rows, shown = (raw[0][old], raw[1][now]), (seen[0][old], seen[1][now])
        if rows[0] != rows[1]:
            cells = _changes(fields, rows, shown)
            unseen += sum(old != new for old, new in zip(*rows, strict=True)) - len(cells)
            if cells:
                changed.append(RowDifference(after.keys[now], old, now, cells))
    moved = _out_of_order(pairs)
    return TableDifference(after.name, fields, tuple(new), tuple(removed), tuple(changed), tuple(moved), unseen)


def _rows(table: ComparedTable, fields: Sequence[str]) -> list[RowValues]:
    if not fields:
        return [()] * len(table.keys)
    return list(zip(*(table.columns[name] for name in fields), strict=True))


def _as_seen(row: RowValues) -> RowValues:
    """What a person sees of a row: kinds of spaces and the codes of accents are not seen."""
    return tuple(as_seen(value) or None if isinstance(value, str) else value for value in row)


def _changes(fields: Sequence[str], rows: Sequence[RowValues], seen: Sequence[RowValues]) -> tuple[CellDifference, ...]:
    cells = zip(fields, *rows, *seen, strict=True)
    return tuple(CellDifference(name, old, new) for name, old, new, shown, now in cells if shown != now)


def _out_of_order(pairs: Pairs) -> Pairs:
    """The fewest rows that have to move for the first side to have the order of the second (``pairs`` are in that)."""
    tails: list[int] = []
    places: list[int] = []
    for old, _ in pairs:
        place = bisect_left(tails, old)
        tails[place : place + 1] = [old]
        places.append(place)
    wanted = len(tails) - 1
    moved: Pairs = []
    for pair, place in zip(reversed(pairs), reversed(places), strict=True):
        if place == wanted:
            wanted -= 1
        else:
            moved.append(pair)
    return moved[::-1]


def compare_formulas(before: ComparedFile, after: ComparedFile) -> list[FormulaDifference]:
    """The formulas that people changed: what stands in the places of those listed, and those typed elsewhere.

    What the program itself lists otherwise follows the contract (a convention more, a list that grew): nobody changed
    it. A formula of a row or a table that the other side has not is no difference of its own: the row or the table is.
    """
    keys = [{name: set(table.keys) for name, table in side.tables.items()} for side in (before, after)]
    differences = []
    for key in dict.fromkeys([*before.in_cells, *after.in_cells]):
        old, new = _stands(before, key), _stands(after, key)
        if old and new and old.text != new.text:
            differences.append(FormulaDifference(key, old, new))
    for cell in dict.fromkeys([*before.typed, *after.typed]):
        table, row, name = cell
        old, new = before.typed.get(cell), after.typed.get(cell)
        if all(row in rows.get(table, ()) for rows in keys) and _text(old) != _text(new):
            differences.append(FormulaDifference(FormulaKey(table, " · ".join(map(str, row)), name), old, new))
    return differences


def _text(formula: FormulaAt | None) -> str:
    return formula.text if formula is not None else ""


def _stands(side: ComparedFile, key: FormulaKey) -> FormulaAt | None:
    every = FormulaKey(key.table, "*", key.column)
    return side.in_cells.get(key) or side.listed.get(key) or side.listed.get(every)


def compare_pieces(before: Sequence[Piece], after: Sequence[Piece]) -> list[PieceDifference]:
    """The sheets, tables and columns that one side lacks or calls otherwise; what a lone one holds goes with it."""
    old, new = {piece.identity: piece for piece in before}, {piece.identity: piece for piece in after}
    lone = old.keys() ^ new.keys()
    differences = []
    for identity in dict.fromkeys([*old, *new]):
        difference = PieceDifference(old.get(identity), new.get(identity))
        if difference.piece.parent not in lone if identity in lone else _is_renamed(old[identity], new[identity]):
            differences.append(difference)
    return differences


def _is_renamed(old: Piece, new: Piece) -> bool:
    return as_seen(old.name) != as_seen(new.name)
