"""What a return shows otherwise than it says: hidden or struck-out values, units of formats, old results, notes.

Nothing of it may be taken, or lost, without a word. What could make a wrong amount count blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tabellion.checks.looks import TypedCell, check_looks
from tabellion.findings import Finding, Place, finding
from tabellion.layout.forms import BACK, TOTAL
from tabellion.layout.names import TO_ANNOTATIONS
from tabellion.reading.arrangement import added_sheets, answer_cells, beside
from tabellion.reading.form import FormReading, FormTable
from tabellion.reading.raw import RawValue
from tabellion.wording import french_value, plural

_SHOWN = 500
#: Of more notes on one sheet, these are kept one by one; the last says how many there are.
_NOTES = 40


def check_unsaid(reading: FormReading) -> list[Finding]:
    """What there is to say of the looks and the surroundings of a return's answers."""
    findings: list[Finding] = []
    for table in reading.tables.values():
        findings += check_looks(table.area, list(_cells(table, reading)), manual=reading.workbook.manual)
    return [*findings, *_notes(reading), *_beside(reading), *_sheets(reading)]


def _cells(table: FormTable, reading: FormReading) -> Iterator[TypedCell]:
    """The answers of a table; what says no more than it was sent with is not new."""
    for cell in answer_cells(table, reading):
        row_id = table.row_ids[cell.position]
        is_new = row_id is None or cell.column.name not in table.sent.get(row_id, {})
        yield TypedCell(table.area, cell.field, cell.label, cell.row, cell.place, is_new)


def _notes(reading: FormReading) -> Iterator[Finding]:
    """The notes of cells: what a partner explains there is kept."""
    for sheet in reading.workbook.sheets:
        for row, column in sorted(sheet.comments)[:_NOTES]:
            place = sheet.place(row, column)
            yield _note(place, sheet.comments[row, column], "dans une note de la cellule", len(sheet.comments))


def _note(place: Place, text: str, where: str, count: int) -> Finding:
    more = f" ; la feuille en a {count} en tout" if count > _NOTES else ""
    return finding("note-du-partenaire", place, valeur=text[:_SHOWN], ou=where, reste=more)


def _beside(reading: FormReading) -> Iterator[Finding]:
    """What was typed beside the tables: amounts, which nothing counts, and remarks, which are kept."""
    numbers: dict[tuple[str, bool], list[tuple[Place, RawValue]]] = defaultdict(list)
    texts: dict[str, dict[int, list[tuple[Place, str]]]] = defaultdict(lambda: defaultdict(list))
    for sheet, address, value in beside(reading):
        if value in (BACK, TO_ANNOTATIONS, TOTAL):  # our own: columns may have been put in before it
            continue
        place = sheet.place(*address)
        if isinstance(value, float):
            numbers[sheet.name, address in sheet.formulas].append((place, value))
        else:
            texts[sheet.name][address[0]].append((place, french_value(value)))
    for (_, computed), members in numbers.items():
        (place, value), others = members[0], [other for other, _ in members[1:]]
        reste = f" (et {plural(len(others), 'autre nombre', 'autres nombres')} de la feuille)" if others else ""
        if computed:
            yield finding("calcul-a-cote", place, valeur=_plain(value), reste=reste, liees=others)
        else:
            yield finding("montants-a-cote", place, valeur=_plain(value), reste=reste, liees=others)
    for rows in texts.values():
        for remarks in list(rows.values())[:_NOTES]:
            yield _note(remarks[0][0], " · ".join(text for _, text in remarks), "hors du tableau", len(rows))


def _sheets(reading: FormReading) -> Iterator[Finding]:
    copies = {doubt.place.feuille for doubt in reading.findings if doubt.code == "deux-reponses"}
    for sheet in added_sheets(reading):
        if sheet.name in copies:
            continue
        yield finding("feuille-ajoutee", Place(feuille=sheet.name, cellule="A1"), valeur=sheet.name)


def _plain(value: RawValue) -> str | float:
    return value if isinstance(value, float) else french_value(value)
