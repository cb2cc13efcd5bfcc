"""``tabellion diff``: two workbooks compared by meaning; what differs, for a terminal, a program or a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path

from tabellion.commands.board import PrintedLine
from tabellion.commands.console import JSON_VERSION, taken_by_another
from tabellion.contract.register import register_settings
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Json, Place, TabellionError, finding
from tabellion.layout.theme import load_theme
from tabellion.outputs.diff import compare
from tabellion.outputs.diff.model import ComparedFile, Comparison, FormulaDifference, TableDifference, Unread
from tabellion.outputs.diff.reading import read_side
from tabellion.outputs.diff.words import (
    ADDED,
    CELL,
    REMOVED,
    STRUCTURE,
    DiffWords,
    Entry,
    summary,
    table_sums,
    unseen_words,
)
from tabellion.schema.money import euros, format_euros, known_euros, signed_euros
from tabellion.transaction.files import edited_among, replace_or_refuse
from tabellion.wording import one_line, plural
from tabellion.xlsx.signature import replaceable

#: What people can do about a file of theirs at the place of an output.
_REMEDY = "Donnez un autre nom à --classeur ; avec --forcer, il est remplacé après une copie datée."
#: Rows named under one heading in a terminal; the JSON and the workbook have them all.
_NAMED = 30
_MARKS = {CELL: ("~", "yellow"), ADDED: ("+ ligne ajoutée :", "green"), REMOVED: ("- ligne retirée :", "red")}
_LONGEST_VALUE = 200


@dataclass(frozen=True)
class Diff:
    """What was compared, the words for it, and the dated copy of a workbook that was replaced."""

    comparison: Comparison
    words: DiffWords
    kept: Path | None = None


def diff(
    workspace: Workspace,
    before: Path,
    after: Path,
    *,
    now: datetime,
    to_json: Path | None = None,
    to_workbook: Path | None = None,
    force: bool = False,
) -> Diff:
    """Compare two workbooks (or folders of a register), and write the result where asked, whole or not at all.

    Raises :class:`TabellionError` when one cannot be read, when they cannot be compared, when a result would stand on
    one of them, or on a workbook that was edited (unless ``force``, which keeps a dated copy). Nothing is then written.
    """
    _refuse_outputs(before, after, {"--json": to_json, "--classeur": to_workbook})
    mistakes, sides = list[Finding](), list[ComparedFile]()
    for path in (before, after):
        try:
            sides.append(read_side(workspace, path))
        except TabellionError as error:
            mistakes += error.findings
    if mistakes:
        raise TabellionError(dict.fromkeys(mistakes))
    _tell_apart(*sides)
    comparison = compare(sides[0], sides[1], workspace.schemas)
    words = DiffWords(comparison, workspace.schemas)
    contents: dict[Path, bytes] = {}
    edited: list[Path] = []
    if to_workbook is not None:
        from tabellion.outputs.diff.workbook import write_differences

        theme = load_theme(workspace.layout, workspace.schemas)
        contents[to_workbook] = write_differences(comparison, words, theme, register_settings(workspace), to_workbook)
        edited = edited_among(contents, replaceable(elsewhere=True))
    if to_json is not None:
        text = json.dumps(as_json(comparison, words), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        contents[to_json] = text.encode("utf-8", "replace")
    copies = replace_or_refuse(contents, edited, _REMEDY, force=force, now=now)
    return Diff(comparison, words, next(iter(copies.values()), None))


def _tell_apart(before: ComparedFile, after: ComparedFile) -> None:
    """Two files of one name are called by as much of their folders as it takes."""
    if before.name != after.name:
        return
    first, second = (side.path.resolve().parts for side in (before, after))
    for length in range(2, max(len(first), len(second)) + 1):
        if first[-length:] != second[-length:]:
            before.name, after.name = "/".join(first[-length:]), "/".join(second[-length:])
            return


def _refuse_outputs(before: Path, after: Path, outputs: dict[str, Path | None]) -> None:
    sources = {before.resolve(), after.resolve()}
    mistakes = [
        finding("sortie-sur-source", Place(str(path)), champ=option, valeur=path.name)
        for option, path in outputs.items()
        if path is not None and sources & {path.resolve(), *path.resolve().parents}
    ]
    to_json = outputs["--json"]
    if not mistakes and to_json is not None and (taken := taken_by_another(to_json)):
        mistakes.append(taken)
    if mistakes:
        raise TabellionError(mistakes)


# For a program


def as_json(comparison: Comparison, words: DiffWords) -> Json:
    """The object that ``--json`` writes: every difference, amounts in euros as numbers, then what they add up to."""
    tables = {
        table.name: {
            "cellules_changees": table.changed_cells,
            "lignes_ajoutees": len(table.added),
            "lignes_retirees": len(table.removed),
            "lignes_deplacees": len(table.moved),
        }
        for table in comparison.tables
        if table.count or table.moved
    }
    totals = [
        {
            "table": table.name, "champ": name, "avant": euros(sums.before), "apres": euros(sums.after),
            "ecart": euros(sums.gap), "non_comptes": sums.uncounted,
        }
        for table in comparison.tables
        if table.count
        for name, sums in table_sums(words, table).items()
    ]  # fmt: skip
    return {
        "version": JSON_VERSION,
        "avant": _side_json(comparison.before),
        "apres": _side_json(comparison.after),
        "differences": [_entry_json(words, entry) for entry in words.entries()],
        "constats": [notice.as_json() for notice in comparison.notices],
        "resume": {
            "identiques": not comparison.count,
            "differences": comparison.count,
            "lignes_deplacees": comparison.moved,
            "textes_sans_difference_visible": comparison.unseen,
            "formules": len(comparison.formulas),
            "structure": len(comparison.structure),
            "par_table": tables,
            "sommes": totals,
        },
    }


def _side_json(side: ComparedFile) -> Json:
    return {
        "fichier": side.name,
        "genre": side.kind.value,
        "partenaire": side.partner or None,
        "exercice": side.exercice,
    }


def _entry_json(words: DiffWords, entry: Entry) -> Json:
    places = {"place_avant": _place_json(entry.place_before), "place_apres": _place_json(entry.place_after)}
    table, cell = entry.table, entry.cell
    if entry.side is None:
        named = {"partie": entry.title, "message": entry.row}
        where = named if entry.kind == STRUCTURE else {"table": entry.title, "ligne": entry.row}
        return {"genre": entry.kind, **where, "avant": entry.before, "apres": entry.after, **places}
    compared = entry.side.tables[table]
    row = {
        "genre": entry.kind,
        "table": table,
        "cle": [_plain_json(part) for part in compared.keys[entry.position]],
        "ligne": entry.row,
        "convention": entry.convention,
    }
    if cell is None:
        position, end = entry.position, "place_apres" if entry.kind == ADDED else "place_avant"
        values = {name: _value_json(words, table, name, column[position]) for name, column in compared.columns.items()}
        return {**row, "valeurs": values, end: places[end]}
    return {
        **row,
        "champ": cell.field,
        "titre": words.field_title(table, cell.field),
        "avant": _value_json(words, table, cell.field, cell.before),
        "apres": _value_json(words, table, cell.field, cell.after),
        "illisible": [
            end for end, value in (("avant", cell.before), ("apres", cell.after)) if isinstance(value, Unread)
        ],
        "ecart": euros(words.difference(table, cell)),
        **places,
    }


def _value_json(words: DiffWords, table: str, name: str, value: object) -> object:
    if words.is_money(table, name) and isinstance(value, int):
        return euros(value)
    return value.text if isinstance(value, Unread) else _plain_json(value)


def _plain_json(value: object) -> object:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _place_json(place: Place | None) -> Json | None:
    if place is None:
        return None
    return {"feuille": place.feuille, "cellule": place.cellule, "ligne": place.ligne, "fichier": place.fichier}


# In a terminal


def diff_lines(done: Diff, *, moves: bool = False, most: int | None = _NAMED) -> Iterator[PrintedLine]:
    """What a person reads: the two sides, then the differences by table and convention, sums, one line that counts."""
    comparison, words = done.comparison, done.words
    for label, side in (("Avant", comparison.before), ("Après", comparison.after)):
        year = f", exercice {side.exercice}" if side.exercice is not None else ""
        partner = f" de {words.label('partenaires', side.partner)}{year}" if side.partner else ""
        yield PrintedLine(one_line(f"{label} : {side.name} ({side.kind.value}{partner})"))
    for table in comparison.tables:
        yield from _table_lines(words, table, most)
    for table in comparison.tables if moves else ():
        if table.moved:
            yield from (PrintedLine(), PrintedLine(f"{words.group(table.name, None)}, lignes déplacées", bold=True))
            yield from _named((_moved_line(words, table.name, pair) for pair in table.moved), most)
    if comparison.structure:
        yield from (PrintedLine(), PrintedLine("Structure", bold=True))
        yield from (PrintedLine(one_line(f"  ~ {words.piece(piece)}"), "yellow") for piece in comparison.structure)
    if comparison.formulas:
        yield from (PrintedLine(), PrintedLine("Formules", bold=True))
        yield from _named((_formula_lines(words, formula) for formula in comparison.formulas), most)
    yield from _sum_lines(comparison, words)
    yield PrintedLine()
    if comparison.unseen:
        yield PrintedLine(unseen_words(comparison.unseen))
    yield PrintedLine(summary(comparison), bold=True)


def _named(paragraphs: Iterable[Iterable[PrintedLine]], most: int | None) -> Iterator[PrintedLine]:
    """The first ``most`` paragraphs, and how many others there are."""
    paragraphs = iter(paragraphs)
    for lines in islice(paragraphs, most):
        yield from lines
    others = sum(1 for _ in paragraphs)
    if others:
        yield PrintedLine(f"  et {plural(others, 'autre')}")


def _table_lines(words: DiffWords, table: TableDifference, most: int | None) -> Iterator[PrintedLine]:
    """The differences of a table, by convention where it is kept by convention."""
    entries = sorted(words.table_entries(table), key=lambda entry: (entry.convention is None, entry.convention or 0))
    for convention, group in groupby(entries, key=lambda entry: entry.convention):
        yield from (PrintedLine(), PrintedLine(one_line(words.group(table.name, convention)), bold=True))
        rows = [list(row) for _, row in groupby(group, key=lambda entry: (entry.kind, entry.position))]
        for row in rows[:most]:
            yield from _row_lines(words, row)
        if most is not None and len(rows) > most:
            others = plural(len(rows) - most, "autre ligne", "autres lignes")
            yield PrintedLine(f"  et {others} : --json et --classeur les ont toutes")


def _row_lines(words: DiffWords, entries: list[Entry]) -> Iterator[PrintedLine]:
    """A row that was added or removed, or one that changed with its cells."""
    first = entries[0]
    mark, colour = _MARKS[first.kind]
    yield PrintedLine(one_line(f"  {mark} {first.row}{_amounts(words, first)}"), colour)
    titles = {id(entry.cell): words.field_title(entry.table, entry.cell.field) for entry in entries if entry.cell}
    width = max(map(len, titles.values()), default=0)
    for entry in entries:
        cell, place = entry.cell, entry.place_after
        if cell is None or place is None:
            continue
        old, new = (_short(words.value(entry.table, cell.field, value)) for value in (cell.before, cell.after))
        grown = words.difference(entry.table, cell)
        signed = f" ({signed_euros(grown)})" if grown is not None else ""
        where = f"   {place.feuille}!{place.cellule}" if place.cellule else ""
        yield PrintedLine(one_line(f"      {titles[id(cell)]:<{width}} : {old} → {new}{signed}{where}"))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 2]} …"


def _amounts(words: DiffWords, entry: Entry) -> str:
    """The amounts of a lone row."""
    if entry.side is None or entry.cell is not None:
        return ""
    amounts = words.amounts(entry.side, entry.table, entry.position).items()
    parts = [f"{_amount_title(words, entry.table, name)} {format_euros(cents)}" for name, cents in amounts]
    return f" – {', '.join(parts)}" if parts else ""


def _amount_title(words: DiffWords, table: str, name: str) -> str:
    return words.field_title(table, name).removesuffix(" (€)").lower()


def _moved_line(words: DiffWords, table: str, pair: tuple[int, int]) -> list[PrintedLine]:
    sides = (words.comparison.before, words.comparison.after)
    places = " → ".join(_place(side.locate(table, position, None)) for side, position in zip(sides, pair, strict=True))
    return [PrintedLine(one_line(f"  · {words.row(sides[1], table, pair[1])} : {places}"))]


def _place(place: Place) -> str:
    return f"{place.feuille}!{place.cellule}" if place.cellule else f"ligne {place.ligne}"


def _formula_lines(words: DiffWords, formula: FormulaDifference) -> Iterator[PrintedLine]:
    newest = formula.after or formula.before
    where = f"   {_place(newest.place)}" if newest is not None and newest.place is not None else ""
    row = f"{words.formula_table(formula.key)}, {words.formula_row(formula.key)}"
    yield PrintedLine(one_line(f"  ~ {row}{where}"), "yellow")
    for label, formula_at in (("avant", formula.before), ("après", formula.after)):
        yield PrintedLine(one_line(f"      {label} : {_short(formula_at.shown) if formula_at else '(aucune formule)'}"))


def _sum_lines(comparison: Comparison, words: DiffWords) -> Iterator[PrintedLine]:
    rows = [
        (
            f"{words.group(table.name, None)}, {_amount_title(words, table.name, name)}",
            known_euros(sums.before),
            known_euros(sums.after),
            "" if not (gap := sums.left_out or (sums.gap is not None and signed_euros(sums.gap))) else f"  ({gap})",
        )
        for table in comparison.tables
        if table.count
        for name, sums in table_sums(words, table).items()
        if sums.before != sums.after
    ]
    if not rows:
        return
    yield from (PrintedLine(), PrintedLine("Sommes", bold=True))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for title, first, second, difference in rows:
        yield PrintedLine(f"  {title:<{widths[0]}}  {first:>{widths[1]}} → {second:>{widths[2]}}{difference}")
