"""``tabellion diff``: two workbooks compared by meaning; what differs, for a terminal, a program or a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tabellion.commands.board import Line
from tabellion.commands.console import printable, taken_by_another
from tabellion.commands.diff_data import as_json
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.theme import load_theme
from tabellion.outputs.diff.model import (
    Comparison,
    FormulaDifference,
    LoneRow,
    RowChange,
    Side,
)
from tabellion.outputs.diff.reading import read_side
from tabellion.outputs.diff.whole import compare
from tabellion.outputs.diff.words import DiffWords, counts, table_sums
from tabellion.schema.money import format_euros, signed_euros
from tabellion.transaction.files import already_there, edited_among, replace_or_refuse
from tabellion.wording import plural
from tabellion.xlsx.signature import is_intact

#: Rows named under one heading in a terminal; the JSON and the workbook have them all.
_NAMED = 30
_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
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
    mistakes, sides = list[Finding](), list[Side]()
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
        contents[to_workbook] = write_differences(comparison, words, theme, workspace.settings, to_workbook)
        edited = edited_among(contents, is_intact)
    if to_json is not None:
        text = json.dumps(as_json(comparison, words), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        contents[to_json] = text.encode("utf-8", "replace")
    copies = replace_or_refuse(contents, edited, _refusal, force=force, now=now)
    return Diff(comparison, words, next(iter(copies.values()), None))


def _refusal(path: Path) -> Finding:
    remede = "Donnez un autre nom à --classeur ; avec --forcer, il est remplacé après une copie datée."
    return already_there(path, remede)


def _tell_apart(before: Side, after: Side) -> None:
    """Two files of one name are called by as much of their folders as it takes."""
    if before.name != after.name:
        return
    first, second = (side.path.resolve().parts for side in (before, after))
    for length in range(2, max(len(first), len(second)) + 1):
        if first[-length:] != second[-length:]:
            before.name, after.name = ("/".join(each[-length:]) for each in (first, second))
            return


def _refuse_outputs(before: Path, after: Path, outputs: dict[str, Path | None]) -> None:
    sources = {before.resolve(), after.resolve()}
    said = []
    for option, path in outputs.items():
        if path is not None and any(each == path.resolve() or each in path.resolve().parents for each in sources):
            said.append(finding("sortie-sur-source", Place(str(path)), champ=option, valeur=path.name))
    to_json = outputs["--json"]
    if not said and to_json is not None and (taken := taken_by_another(to_json)):
        said.append(taken)
    if said:
        raise TabellionError(said)


# In a terminal


@dataclass
class _Group:
    """The differences of a table, or of a convention's part of it."""

    table: str
    convention: int | None
    added: list[LoneRow] = field(default_factory=list)
    removed: list[LoneRow] = field(default_factory=list)
    changed: list[RowChange] = field(default_factory=list)


def _groups(comparison: Comparison, words: DiffWords) -> list[_Group]:
    found: list[_Group] = []
    for table in comparison.tables:
        groups: dict[int | None, _Group] = {}

        def group(
            side: Side, position: int, name: str = table.name, groups: dict[int | None, _Group] = groups
        ) -> _Group:
            convention = words.convention(side, name, position)
            return groups.setdefault(convention, _Group(name, convention))

        for change in table.changed:
            group(comparison.after, change.after).changed.append(change)
        for row in table.added:
            group(comparison.after, row.position).added.append(row)
        for row in table.removed:
            group(comparison.before, row.position).removed.append(row)
        found += [groups[key] for key in sorted(groups, key=lambda each: (each is None, each or 0))]
    return found


def diff_lines(done: Diff, *, moves: bool = False, most: int | None = _NAMED) -> Iterator[Line]:
    """What a person reads: the two sides, then the differences by table and convention, sums, one line that counts."""
    comparison, words = done.comparison, done.words
    before, after = comparison.before, comparison.after
    for label, side in (("Avant", before), ("Après", after)):
        year = f", exercice {side.exercice}" if side.exercice is not None else ""
        who = f" de {words.label('partenaires', side.partner)}{year}" if side.partner else ""
        yield Line(printable(f"{label} : {side.name} ({side.kind.value}{who})"))
    for group in _groups(comparison, words):
        yield from _group_lines(comparison, words, group, most)
    if moves:
        yield from _move_lines(comparison, words, most)
    if comparison.structure:
        yield from (Line(), Line("Structure", bold=True))
        yield from (Line(printable(f"  ~ {words.piece(each)}"), "yellow") for each in comparison.structure)
    if comparison.formulas:
        yield from (Line(), Line("Formules", bold=True))
        shown = comparison.formulas if most is None else comparison.formulas[:most]
        for each in shown:
            yield from _formula_lines(words, each)
        if len(shown) < len(comparison.formulas):
            yield Line(f"  et {plural(len(comparison.formulas) - len(shown), 'autre')}")
    yield from _sum_lines(comparison, words)
    yield Line()
    yield Line(summary(comparison), bold=True)


def _group_lines(comparison: Comparison, words: DiffWords, group: _Group, most: int | None) -> Iterator[Line]:
    yield from (Line(), Line(printable(words.group(group.table, group.convention)), bold=True))
    before, after = comparison.before, comparison.after
    left = len(group.changed) + len(group.added) + len(group.removed)
    room = left if most is None else most
    for change in group.changed[:room]:
        mark, colour = _MARKS["changed"]
        yield Line(printable(f"  {mark} {words.row(after, group.table, change.after)}"), colour)
        yield from _cell_lines(comparison, words, group.table, change)
    room -= min(room, len(group.changed))
    for kind, rows, side, what in (
        ("added", group.added, after, "ligne ajoutée"),
        ("removed", group.removed, before, "ligne retirée"),
    ):
        mark, colour = _MARKS[kind]
        for row in rows[:room]:
            amounts = _amounts(words, side, group.table, row.position)
            yield Line(printable(f"  {mark} {what} : {words.row(side, group.table, row.position)}{amounts}"), colour)
        room -= min(room, len(rows))
    if most is not None and left > most:
        yield Line(f"  et {plural(left - most, 'autre ligne', 'autres lignes')} : --json et --classeur les ont toutes")


def _cell_lines(comparison: Comparison, words: DiffWords, table: str, change: RowChange) -> Iterator[Line]:
    titles = [words.field_title(table, each.field) for each in change.cells]
    width = max(map(len, titles))
    for title, each in zip(titles, change.cells, strict=True):
        old, new = (_short(words.value(table, each.field, value)) for value in (each.before, each.after))
        grown = words.difference(table, each.field, each.before, each.after)
        ends = f" ({signed_euros(grown)})" if grown is not None else ""
        place = comparison.after.locate(table, change.after, each.field)
        where = f"   {place.feuille}!{place.cellule}" if place.cellule else ""
        yield Line(printable(f"      {title:<{width}} : {old} → {new}{ends}{where}"))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 2]} …"


def _amounts(words: DiffWords, side: Side, table: str, position: int) -> str:
    """The amounts of a lone row."""
    parts = []
    for name, values in side.tables[table].columns.items():
        found = words.field(table, name)
        if found is not None and found.kind == "money" and isinstance(values[position], int):
            parts.append(f"{found.title.removesuffix(' (€)').lower()} {format_euros(values[position])}")
    return f" – {', '.join(parts)}" if parts else ""


def _move_lines(comparison: Comparison, words: DiffWords, most: int | None) -> Iterator[Line]:
    for table in comparison.tables:
        if not table.moved:
            continue
        yield from (Line(), Line(f"{words.group(table.name, None)}, lignes déplacées", bold=True))
        shown = table.moved if most is None else table.moved[:most]
        for row in shown:
            old = comparison.before.locate(table.name, row.before, None)
            new = comparison.after.locate(table.name, row.after, None)
            places = " → ".join(_place(each) for each in (old, new))
            yield Line(printable(f"  · {words.row(comparison.after, table.name, row.after)} : {places}"))
        if len(shown) < len(table.moved):
            yield Line(f"  et {plural(len(table.moved) - len(shown), 'autre')}")


def _place(place: Place) -> str:
    return f"{place.feuille}!{place.cellule}" if place.cellule else f"ligne {place.ligne}"


def _formula_lines(words: DiffWords, each: FormulaDifference) -> Iterator[Line]:
    new = each.after or each.before
    where = f"   {_place(new.place)}" if new is not None and new.place is not None else ""
    yield Line(printable(f"  ~ {words.formula_table(each.key)}, {words.formula_row(each.key)}{where}"), "yellow")
    for label, side in (("avant", each.before), ("après", each.after)):
        yield Line(printable(f"      {label} : {_short(side.shown) if side is not None else '(aucune formule)'}"))


def _sum_lines(comparison: Comparison, words: DiffWords) -> Iterator[Line]:
    rows = [
        (f"{words.group(table, None)}, {words.field_title(table, name).removesuffix(' (€)').lower()}", old, new)
        for table, name, old, new in table_sums(comparison, words)
        if old != new
    ]
    if not rows:
        return
    yield from (Line(), Line("Sommes", bold=True))
    cells = [(title, format_euros(old), format_euros(new), signed_euros(new - old)) for title, old, new in rows]
    widths = [max(len(each[place]) for each in cells) for place in range(4)]
    for title, first, second, grown in cells:
        yield Line(f"  {title:<{widths[0]}}  {first:>{widths[1]}} → {second:>{widths[2]}}  ({grown})")


def summary(comparison: Comparison) -> str:
    """What differs in one line."""
    moved = plural(comparison.moved, "ligne déplacée", "lignes déplacées") if comparison.moved else ""
    if not comparison.count:
        return f"Aucune différence{f' ; {moved}, ce qui ne change rien' if moved else ''}."
    return f"Différences : {', '.join(counts(comparison))}{f' ; {moved}' if moved else ''}."
