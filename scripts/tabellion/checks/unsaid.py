"""What a return shows otherwise than it says: hidden or struck-out values, units of formats, old results, notes.

Nothing of it may be taken, or lost, without a word. What could make a wrong amount count blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tabellion.findings import Finding, Place, finding
from tabellion.layout.forms import BACK, TOTAL
from tabellion.layout.names import TO_ANNOTATIONS
from tabellion.reading.arrangement import AnswerCell, added_sheets, answer_cells, beside, covered_cells
from tabellion.reading.cells import others_alike
from tabellion.reading.form import FormReading, FormTable
from tabellion.reading.headers import is_blank
from tabellion.reading.number_formats import Look
from tabellion.reading.raw import RawValue
from tabellion.schema.numbers import is_other_currency, unit_of
from tabellion.wording import french_value, plural

_SHOWN = 500
#: Of more notes on one sheet, these are kept one by one; the last says how many there are.
_NOTES = 40


def check_unsaid(reading: FormReading) -> list[Finding]:
    """What there is to say of the looks and the surroundings of a return's answers."""
    findings: list[Finding] = []
    for table in reading.tables.values():
        cells = list(answer_cells(table, reading))
        findings += [
            *_merged(table, cells),
            *_looks(table, cells),
            *_hidden(table, cells),
            *_stale(reading, table, cells),
        ]
    return [*findings, *_notes(reading), *_beside(reading), *_sheets(reading)]


def _value(table: FormTable, cell: AnswerCell) -> RawValue:
    return table.area.sheet.value(cell.row, cell.place)


def _grouped(
    table: FormTable, found: Iterable[tuple[str, AnswerCell, dict[str, str]]]
) -> Iterator[Finding]:  # fmt: skip
    """One finding for each code and column, at its first cell, with the others."""
    groups: dict[tuple[str, str], list[tuple[AnswerCell, dict[str, str]]]] = defaultdict(list)
    for code, cell, details in found:
        groups[code, cell.label].append((cell, details))
    for (code, label), members in groups.items():
        (first, details), others = members[0], [table.area.place(cell.row, label) for cell, _ in members[1:]]
        value = _value(table, first)
        made = finding(
            code, table.area.place(first.row, label), champ=first.field.name, titre=label, liees=others,
            valeur=value if isinstance(value, float) else french_value(value)[:_SHOWN],
            reste=others_alike(len(others)), plage=details.get("plage"), unite=details.get("unite"),
        )  # fmt: skip
        yield made if first.is_number else replace(made, bloquant=False)


def _merged(table: FormTable, cells: Iterable[AnswerCell]) -> Iterator[Finding]:
    """Values that a merge hides; and amounts that are meant for several rows, or columns, and count for one."""
    sheet = table.area.sheet
    covered = covered_cells(sheet) if sheet.merged else {}
    found: list[tuple[str, AnswerCell, dict[str, str]]] = []
    spread: dict[str, AnswerCell] = {}
    for cell in cells:
        if (ref := covered.get(cell.address)) is None:
            continue
        if not is_blank(_value(table, cell)):
            found.append(("valeur-sous-fusion", cell, {"plage": ref}))
        elif cell.is_number:
            spread.setdefault(ref, cell)
    for ref, cell in spread.items():
        found.append(("cellules-fusionnees", cell, {"plage": ref}))
    yield from _grouped(table, found)


def _looks(table: FormTable, cells: Iterable[AnswerCell]) -> Iterator[Finding]:
    """Amounts that are struck out, or whose number format shows something else than their euros."""
    looks = table.area.sheet.looks
    found: list[tuple[str, AnswerCell, dict[str, str]]] = []
    for cell in cells if looks else ():
        look = looks.get(cell.address)
        if look is None or not cell.is_number or is_blank(value := _value(table, cell)):
            continue
        if look.struck:
            found.append(("montant-barre", cell, {}))
        elif cell.field.kind == "money" and isinstance(value, float) and (code := _unit_code(look)) is not None:
            found.append((code, cell, {"unite": look.words or f"1/{look.scale}"}))
    yield from _grouped(table, found)


def _unit_code(look: Look) -> str | None:
    """The code of what a number format says of an amount; ``None`` where it shows the euros that the cell holds."""
    if not look.digits:
        return "montant-masque"
    if is_other_currency(look.words):
        return "montant-en-devise"
    unit = unit_of(look.words)
    if unit == look.scale:
        return None
    if unit is None:
        return "unite-du-format"
    return "format-a-l-echelle" if unit == 1 else "montant-a-l-echelle"


def _hidden(table: FormTable, cells: list[AnswerCell]) -> Iterator[Finding]:
    """Answers that nobody sees: a hidden sheet, or hidden rows and columns."""
    sheet = table.area.sheet
    filled = [cell for cell in cells if not is_blank(_value(table, cell)) and _is_new(table, cell)]
    if sheet.state != "visible" and filled:
        yield _said_hidden(table, "La feuille est masquée", filled)
        return
    rows = [cell for cell in filled if cell.row in sheet.hidden_rows]
    columns = [cell for cell in filled if cell.place in sheet.hidden_columns]
    if rows:
        count = len({cell.row for cell in rows})
        yield _said_hidden(table, f"{plural(count, 'ligne masquée ou filtrée', 'lignes masquées ou filtrées')}", rows)
    if columns:
        yield _said_hidden(table, f"La colonne « {columns[0].label} » est masquée", columns)


def _said_hidden(table: FormTable, what: str, cells: list[AnswerCell]) -> Finding:
    places = [table.area.place(cell.row, cell.label) for cell in cells]
    count = plural(len(cells), "réponse qui compte", "réponses qui comptent")
    return finding("reponses-masquees", places[0], valeur=len(cells), quoi=what, compte=count, liees=places[1:])


def _is_new(table: FormTable, cell: AnswerCell) -> bool:
    """Whether a cell says something that it was not sent with."""
    row_id = table.row_ids[cell.position]
    return row_id is None or cell.column.name not in table.sent.get(row_id, {})


def _stale(reading: FormReading, table: FormTable, cells: Iterable[AnswerCell]) -> Iterator[Finding]:
    """Answers that are computed, in a workbook that only calculates when it is asked to."""
    if reading.workbook.manual:
        formulas = table.area.sheet.formulas
        computed = [cell for cell in cells if cell.address in formulas and cell.is_number]
        yield from _grouped(table, (("calcul-manuel", cell, {}) for cell in computed))


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
    copies = {each.place.feuille for each in reading.findings if each.code == "deux-reponses"}
    for sheet in added_sheets(reading):
        if sheet.name in copies:
            continue
        yield finding("feuille-ajoutee", Place(feuille=sheet.name, cellule="A1"), valeur=sheet.name)


def _plain(value: RawValue) -> str | float:
    return value if isinstance(value, float) else french_value(value)
