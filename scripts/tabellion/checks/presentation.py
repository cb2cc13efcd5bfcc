"""Cells that show otherwise than they hold: hidden under a merge, struck out, with a unit that only the format shows.

The same for what partners answer and for what staff type.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from tabellion.findings import Finding, Place, finding
from tabellion.reading.arithmetic import computed
from tabellion.reading.arrangement import covered_cells
from tabellion.reading.cells import others_alike
from tabellion.reading.headers import is_blank
from tabellion.reading.master import ParsedMaster
from tabellion.reading.number_formats import CellFormat
from tabellion.reading.raw import CellAddress, RawValue
from tabellion.reading.tables import FoundTable
from tabellion.schema import Field
from tabellion.schema.numbers import is_other_currency, unit_of
from tabellion.schema.table import Key
from tabellion.schema.tables import Row, Tables
from tabellion.wording import french_value, plural, shortened

_SHOWN = 500
_NUMBERS = ("money", "integer", "percent")


class TypedCell(NamedTuple):
    """A cell that people fill: its table, its field, the label above it, its one-based row and column.

    ``is_new``: it says something that was not known.
    """

    area: FoundTable
    field: Field
    label: str
    row: int
    column: int
    is_new: bool = True

    @property
    def address(self) -> CellAddress:
        """Its row and column."""
        return self.row, self.column

    @property
    def is_number(self) -> bool:
        """Whether an amount, or another number, is expected."""
        return self.field.kind in _NUMBERS

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.area.place(self.row, self.label)

    @property
    def value(self) -> RawValue:
        """What it holds."""
        return self.area.sheet.value(self.row, self.column)


def check_presentation(area: FoundTable, cells: Sequence[TypedCell], *, manual: bool) -> Iterator[Finding]:
    """What is to be said of how the cells of a table are shown; ``manual``: the workbook calculates on demand only."""
    yield from _merged(area, cells)
    yield from _styled(area, cells)
    yield from _hidden(area, cells)
    if manual:
        held = (cell for cell in cells if cell.address in area.sheet.formulas and cell.is_number)
        old = (cell for cell in held if computed(area.sheet, cell.address, anew=True) is None)
        yield from _grouped(("calcul-manuel", cell, {}) for cell in old)


def _grouped(cells: Iterable[tuple[str, TypedCell, dict[str, str]]]) -> Iterator[Finding]:
    """One finding for each code and column, at its first cell, with the others."""
    groups: dict[tuple[str, str], list[tuple[TypedCell, dict[str, str]]]] = defaultdict(list)
    for code, cell, details in cells:
        groups[code, cell.label].append((cell, details))
    for (code, label), members in groups.items():
        (first, details), others = members[0], [cell.place for cell, _ in members[1:]]
        value = first.value
        made = finding(
            code, first.place, champ=first.field.name, titre=label, liees=others,
            valeur=value if isinstance(value, float) else shortened(french_value(value), _SHOWN),
            reste=others_alike(len(others)), plage=details.get("plage"), unite=details.get("unite"),
        )  # fmt: skip
        yield made if first.is_number else replace(made, bloquant=False)


def _merged(area: FoundTable, cells: Iterable[TypedCell]) -> Iterator[Finding]:
    """Values that a merge hides; and amounts that are meant for several rows, or columns, and count for one."""
    covered = covered_cells(area.sheet) if area.sheet.merged else {}
    marked: list[tuple[str, TypedCell, dict[str, str]]] = []
    spread: dict[str, TypedCell] = {}
    for cell in cells if covered else ():
        if (ref := covered.get(cell.address)) is None:
            continue
        if not is_blank(cell.value):
            marked.append(("valeur-sous-fusion", cell, {"plage": ref}))
        elif cell.is_number:
            spread.setdefault(ref, cell)
    for ref, cell in spread.items():
        marked.append(("cellules-fusionnees", cell, {"plage": ref}))
    yield from _grouped(marked)


def _styled(area: FoundTable, cells: Iterable[TypedCell]) -> Iterator[Finding]:
    """Amounts that are struck out, or whose number format shows something else than their euros."""
    formats = area.sheet.cell_formats
    marked: list[tuple[str, TypedCell, dict[str, str]]] = []
    for cell in cells if formats else ():
        cell_format = formats.get(cell.address)
        if cell_format is None or not cell.is_number or is_blank(value := cell.value):
            continue
        if cell_format.struck:
            marked.append(("montant-barre", cell, {}))
        elif cell.field.kind == "money" and isinstance(value, float) and (code := _unit_code(cell_format)) is not None:
            marked.append((code, cell, {"unite": cell_format.words or f"1/{cell_format.scale}"}))
    yield from _grouped(marked)


@lru_cache(maxsize=256)
def _unit_code(cell_format: CellFormat) -> str | None:
    """The code of what a number format says of an amount; ``None`` where it shows the euros that the cell holds."""
    if not cell_format.digits:
        return "montant-masque"
    if is_other_currency(cell_format.words):
        return "montant-en-devise"
    unit = unit_of(cell_format.words)
    if unit == cell_format.scale:
        return None
    if unit is None:
        return "unite-du-format"
    return "format-a-l-echelle" if unit == 1 else "montant-a-l-echelle"


def _hidden(area: FoundTable, cells: Iterable[TypedCell]) -> Iterator[Finding]:
    """What was typed where it is not seen: a hidden sheet, or hidden rows and columns."""
    sheet = area.sheet
    if sheet.state == "visible" and not sheet.hidden_rows and not sheet.hidden_columns:
        return
    filled = [cell for cell in cells if cell.is_new and not is_blank(cell.value)]
    if sheet.state != "visible" and filled:
        yield _hidden_finding("La feuille est masquée", filled)
        return
    rows = [cell for cell in filled if cell.row in sheet.hidden_rows]
    columns = [cell for cell in filled if cell.column in sheet.hidden_columns]
    if rows:
        count = len({cell.row for cell in rows})
        yield _hidden_finding(f"{plural(count, 'ligne masquée ou filtrée', 'lignes masquées ou filtrées')}", rows)
    if columns:
        yield _hidden_finding(f"La colonne « {columns[0].label} » est masquée", columns)


def _hidden_finding(words: str, cells: Sequence[TypedCell]) -> Finding:
    places = [cell.place for cell in cells]
    count = plural(len(cells), "réponse qui compte", "réponses qui comptent")
    return finding("reponses-masquees", places[0], valeur=len(cells), quoi=words, compte=count, liees=places[1:])


def check_master_presentation(reading: ParsedMaster, base: Tables | None) -> list[Finding]:
    """What there is to say of how the cells of a master are shown; ``base`` are the tables last accepted.

    What stands in hidden rows, columns or sheets is said where it is not in ``base``: staff filter their workbook. The
    workbook itself folds technical columns, and those of identifiers.
    """
    findings: list[Finding] = []
    for resource, schema in reading.schemas.items():
        if resource not in reading.tables:
            continue
        cells: dict[int, list[TypedCell]] = defaultdict(list)
        areas: dict[int, FoundTable] = {}
        known: dict[Key, Row] = {}
        if base is not None and resource in base:
            known = {tuple(row[name] for name in schema.primary_key): row for row in base[resource].rows}
        for row, address in zip(reading.tables[resource].rows, reading.row_sources[resource], strict=True):
            area = address.area
            odd = _odd_columns(area, address.row, manual=reading.workbook.manual)
            if not odd:
                continue
            areas[id(area)] = area
            before = known.get(tuple(row[name] for name in schema.primary_key))
            for field in schema.fields:
                if (column := area.columns.get(field.title)) in odd:
                    is_folded = field.is_technical or field.name in schema.primary_key
                    is_shown = not (is_folded and column in area.sheet.hidden_columns)
                    is_new = is_shown and (before is None or before.get(field.name) != row[field.name])
                    cells[id(area)].append(TypedCell(area, field, field.title, address.row, column, is_new))
        for number, area in areas.items():
            findings += check_presentation(area, cells[number], manual=reading.workbook.manual)
    return [replace(finding, bloquant=False) for finding in findings]


def _odd_columns(area: FoundTable, row: int, *, manual: bool) -> set[int]:
    """The columns of a table whose cell of a row can show otherwise than it holds."""
    sheet, columns = area.sheet, set(area.columns.values())
    if manual or sheet.merged or sheet.state != "visible" or row in sheet.hidden_rows:
        return columns
    return {column for column in columns if column in sheet.hidden_columns or (row, column) in sheet.cell_formats}
