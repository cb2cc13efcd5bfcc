"""The computed cells of a workbook: formulas against its own list of them, and subtotals that were not recalculated.

Formulas are found again by table, row key and column, so that moved, sorted, renamed and inserted things are no change.
None is shown: a workbook holds them in English, and people repair one by copying its neighbour.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from tabellion.addresses import cell_name, compact
from tabellion.checks.formula_text import ParsedWorkbook, canonical
from tabellion.checks.stale_totals import check_stale_totals
from tabellion.findings import Finding, Place, Severity, finding
from tabellion.layout.names import IDENTIFIER, KnownFormula, table_resource, totals_name
from tabellion.reading.cells import others_alike
from tabellion.reading.master import ParsedMaster
from tabellion.reading.raw import RawSheet, RawValue
from tabellion.reading.tables import FoundTable, TableFinder, named_cell
from tabellion.wording import french_value, plural

_IN_ERROR = "Corrigez les cellules dont elle dépend : l'une d'elles est en erreur, ou a disparu."
#: Stands for the key of rows that are nobody's.
_SPARE = "\0"
#: Follows a formula that is as generated but for a range that covers a part of a column only.
_CUT = " (plage incomplète)"
#: Names that a finding shows of those that are gone.
_NAMED = 4


def check_formulas(reading: ParsedWorkbook) -> list[Finding]:
    """Every formula of the workbook's list that is not there any more, or not the same, or has no value."""
    findings: list[Finding] = []
    broken: dict[tuple[str, str, str, str], list[FormulaInPlace]] = defaultdict(list)
    intact: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    uncached: dict[str, list[tuple[int, int]]] = defaultdict(list)
    in_error: dict[tuple[str, str, str], list[Place]] = defaultdict(list)
    new_rows = reading.new_rows
    for item in _FormulaWalk(reading).walk():
        if isinstance(item, Finding):
            findings.append(item)
            continue
        cell, sheet, address = item.cell, item.sheet, (item.row, item.column)
        if (code := _lacking(item, new_rows)) is not None:
            broken[code, cell.table, cell.column, sheet.name].append(item)
        elif item.in_cell is not None:
            intact[cell.table, cell.column][item.row] = item.listed
            if (error := sheet.errors.get(address)) is not None:
                in_error[cell.table, cell.column, error].append(item.place)
            elif address in sheet.uncached:
                uncached[sheet.name].append(address)
    for (code, table, column, _), cells in broken.items():
        findings.append(_broken(code, cells, intact.get((table, column), {})))
    for (table, column, error), places in in_error.items():
        made = finding(
            "cellule-en-erreur", places[0], champ=_title_of(table, column), valeur=error, suggestion=_IN_ERROR,
            gravite=Severity.AVERTISSEMENT, liees=places[1:], reste=others_alike(len(places) - 1),
        )  # fmt: skip
        findings.append(replace(made, bloquant=False))  # it holds no answer
    for name, addresses in uncached.items():  # once a sheet: a script that saves a workbook leaves them all so
        places = [Place(feuille=name, cellule=cell_name(*address)) for address in sorted(addresses)]
        compte = plural(len(addresses), "formule n'a", "formules n'ont") + " pas de valeur calculée"
        findings.append(
            finding("formules-non-calculees", places[0], valeur=len(addresses), compte=compte, liees=places[1:])
        )
    return findings


class FormulaInPlace(NamedTuple):
    """What stands in a cell where the workbook lists a formula; rows and columns of the sheet are one-based.

    ``listed`` and ``in_cell`` are formulas as they can be compared; ``in_cell`` is ``None`` where there is no formula.
    """

    cell: KnownFormula
    sheet: RawSheet
    row: int
    column: int
    listed: str
    in_cell: str | None

    @property
    def place(self) -> Place:
        """Where the cell is."""
        return self.sheet.place(self.row, self.column)

    @property
    def shown(self) -> RawValue:
        """What the cell shows: its error, or else its value."""
        return self.sheet.errors.get((self.row, self.column), self.sheet.value(self.row, self.column))


def formulas_in_place(reading: ParsedWorkbook) -> list[FormulaInPlace]:
    """Every cell of the workbook's list of formulas with what stands there now."""
    return [item for item in _FormulaWalk(reading).walk() if isinstance(item, FormulaInPlace)]


def _lacking(formula: FormulaInPlace, new_rows: Collection[tuple[str, int]]) -> str | None:
    """The code of what is wrong with a cell that has not its formula any more."""
    if formula.in_cell is None:
        if formula.shown is not None:
            return "formule-remplacee"
        is_new = (formula.sheet.name, formula.row) in new_rows  # nobody owes a formula to a row that was inserted
        return None if is_new else "formule-effacee"
    if formula.in_cell == formula.listed:
        return None
    return "plage-incomplete" if formula.in_cell == formula.listed + _CUT else "formule-modifiee"


def _broken(code: str, cells: list[FormulaInPlace], intact: Mapping[int, str]) -> Finding:
    """Cells of one column that lack their formula: one finding, at the first; ``intact`` are the column's others."""
    first, others = cells[0], cells[1:]
    titre, shown = _title(first.cell), first.shown
    others_alike = (
        f" ({plural(len(others), 'autre cellule', 'autres cellules')} de la colonne dans le même cas)" if others else ""
    )
    content = shown if isinstance(shown, str | int | float) else french_value(shown)
    return finding(
        code, first.place, champ=titre, valeur=None if shown is None else content,
        gravite=Severity.INFORMATION if code == "formule-effacee" and first.cell.key == "*" else None,
        liees=[cell.place for cell in others], titre=titre, reste=others_alike,
        trouve="rien" if shown is None else f"« {french_value(content)} »", geste=_mending(cells, intact),
    )  # fmt: skip


def _mending(cells: list[FormulaInPlace], intact: Mapping[int, str]) -> str:
    """What a person may do in Excel, in any language, to have the formula again."""
    first = cells[0]
    same = [row for row, formula in intact.items() if formula == first.listed]
    near = min(same, key=lambda row: abs(row - first.row), default=None)
    if near is None:
        return "recopiez-la depuis une copie du classeur"
    where = {-1: "du dessus", 1: "du dessous"}.get(near - first.row)
    source = f"la cellule {where}" if where else f"la cellule {cell_name(near, first.column)}"
    return f"recopiez {source}" + (" dans toutes ces cellules" if len({cell.row for cell in cells}) > 1 else "")


class _FormulaWalk:
    """Goes through the workbook's list of formulas: what stands in each cell, and what is missing on the way."""

    def __init__(self, reading: ParsedWorkbook) -> None:
        self.reading, self.areas = reading, reading.areas
        # A client may have undone the Excel tables: its formulas are plain addresses then. That is said once.
        self.undone = any(not area.found_name for area in self.areas.values())

    def walk(self) -> Iterator[FormulaInPlace | Finding]:
        by_table: dict[str, list[KnownFormula]] = defaultdict(list)
        for formula in self.reading.formulas:
            by_table[formula.table].append(formula)
        named = by_table.pop("", [])
        finder = TableFinder(self.reading.workbook, self.reading.known_tables)
        given_up = self.given_up(by_table)
        for name, formulas in by_table.items():
            read = self.areas.get(name)
            if read is None and (table_resource(name) is not None or not isinstance(self.reading, ParsedMaster)):
                continue  # its absence is said by the reading
            if name in given_up:
                continue  # its sheet went with its convention, which is said
            labels = tuple(dict.fromkeys(formula.column for formula in formulas))
            place, others = (read.sheet.name, tuple(read.columns)) if read is not None else (None, ())
            area = finder.area(name, labels, titre=name, computed=others, optional=labels, sheet_hint=place)
            if area is not None and read is not None:  # the columns of its data too
                area.columns = {**read.columns, **area.columns}
                area.renamed = {**read.renamed, **area.renamed}
            if area is not None and not area.found_name:
                self.stop_above_next(area)
            if area is not None:
                yield from self.table(name, area, [formula for formula in formulas if formula.column in area.columns])
        known = {(finding.code, finding.place) for finding in self.reading.findings}
        undone = {finding.valeur for finding in self.reading.findings if finding.code == "tableau-defait"}
        for finding_ in finder.findings:
            is_about_columns = finding_.code in ("colonne-en-trop", "colonne-sans-entete")
            is_said = finding_.code == "tableau-defait" and finding_.valeur in undone
            if not (is_about_columns or is_said) and (finding_.code, finding_.place) not in known:
                yield finding_
        lost: list[str] = []
        for formula in named:
            cell = named_cell(self.reading.workbook, formula.column)
            if cell is not None:
                yield self.in_place(formula, *cell, None)
            elif not self.undone:  # which is said: the program that undid the tables knows no such names
                lost.append(formula.column)
        if lost:
            compte = plural(len(lost), "nom du classeur a disparu", "noms du classeur ont disparu")
            words = ", ".join(lost[:_NAMED]) + (" …" if len(lost) > _NAMED else "")
            yield finding("noms-absents", Place(), valeur=words, compte=compte)

    def given_up(self, names: Collection[str]) -> set[str]:
        """The tables of subtotals that went with the lines of their convention."""
        if not isinstance(self.reading, ParsedMaster):
            return set()
        present = {table.name for sheet in self.reading.workbook.sheets for table in sheet.tables}
        totals = {
            totals_name(resource[1]): name
            for name in names
            if (resource := table_resource(name)) and resource[1] is not None
        }
        return {name for name, lines in totals.items() if name not in present and lines not in self.areas}

    def stop_above_next(self, area: FoundTable) -> None:
        """End a table that a client has undone above the next one of its sheet, whose rows are not its own."""
        below = [
            other.header_row - 2
            for other in self.areas.values()
            if other.sheet is area.sheet and other.header_row > area.header_row
        ]
        area.last_row, area.end_row = min([area.last_row, *below]), min([area.end_row, *below])

    def table(
        self, name: str, area: FoundTable, formulas: list[KnownFormula]
    ) -> Iterator[FormulaInPlace | Finding]:  # fmt: skip
        of_rows = [formula for formula in formulas if formula.key != "*"]
        own = self.own_rows(of_rows, self.row_keys(name, area), area)
        missing: set[str] = set()
        filled = [row for row in area.rows() if row <= area.last_row]
        for formula in formulas:
            rows = filled if formula.key == "*" else own[formula]
            if not rows and formula.key not in ("*", *missing):
                missing.add(formula.key)
                yield finding("ligne-calculee-absente", area.place(area.header_row), valeur=formula.key, titre=name)
            for row in rows:
                yield self.in_place(formula, area.sheet, row, area.columns[formula.column], area)

    def in_place(
        self, cell: KnownFormula, sheet: RawSheet, row: int, column: int, area: FoundTable | None
    ) -> FormulaInPlace:  # fmt: skip
        listed, text = compact(cell.formula), sheet.formulas.get((row, column))
        now = None if text is None else listed
        if text is not None and text != cell.formula.removeprefix("=") and not self.undone:
            now, is_cut = canonical(self.reading, text, sheet, row, area)
            now += _CUT if is_cut and now == listed else ""
        return FormulaInPlace(cell, sheet, row, column, listed, now)

    def own_rows(
        self, formulas: list[KnownFormula], keys: Mapping[str, list[int]], area: FoundTable
    ) -> dict[KnownFormula, list[int]]:
        """The row of each formula of a row: the one that has its key, or nothing.

        Where several rows share the key, or none has it, people have typed in the keys: the row that holds the formula
        is its own, whatever its key became; a row that was added beside is owed no formula.
        """
        own = {formula: keys.get(formula.key, []) for formula in formulas}
        odd = [formula for formula, rows in own.items() if len(rows) != 1]
        if not odd:
            return own
        listed = {formula.key for formula in formulas}
        spare = [row for key, rows in keys.items() if key not in listed or len(rows) > 1 for row in rows]
        key_of = {row: key for key, rows in keys.items() for row in rows}
        holders: dict[str, dict[tuple[str, str], deque[int]]] = {}
        taken: set[tuple[str, int]] = set()

        def holding(formula: KnownFormula) -> deque[int]:
            """The rows that hold the formula, in order: of its own key, or of nobody's where no row has it."""
            if formula.column not in holders:
                texts = {row: self.text_at(formula.column, row, area) for row in sorted(key_of)}
                of_column: dict[tuple[str, str], deque[int]] = defaultdict(deque)
                for row, text in texts.items():
                    if text is not None:
                        of_column[key_of[row], text].append(row)
                for row in spare:
                    if (text := texts[row]) is not None:
                        of_column[_SPARE, text].append(row)
                holders[formula.column] = of_column
            key = formula.key if formula.key in keys else _SPARE
            return holders[formula.column].get((key, "" if self.undone else compact(formula.formula)), deque())

        def take(formula: KnownFormula, rows: deque[int]) -> None:
            own[formula] = []
            while rows and not own[formula]:
                row = rows.popleft()
                if (formula.column, row) not in taken:
                    own[formula] = [row]
                    taken.add((formula.column, row))

        for formula in sorted(odd, key=lambda formula: formula.key not in keys):  # those that share a key first
            take(formula, holding(formula))
        left: dict[tuple[str, str], deque[int]] = {}
        for formula in odd:
            if not own[formula]:
                take(formula, left.setdefault((formula.column, formula.key), deque(keys.get(formula.key, []))))
        return own

    def text_at(self, column: str, row: int, area: FoundTable) -> str | None:
        """The formula of a column on a row as it can be compared: ``""`` for any one, where tables were undone."""
        text = area.sheet.formulas.get((row, area.columns[column]))
        if text is None or self.undone:
            return None if text is None else ""
        return canonical(self.reading, text, area.sheet, row, area)[0]

    def row_keys(self, name: str, area: FoundTable) -> dict[str, list[int]]:
        """The rows of a table, and of the totals right under it, by the text of their key, empty for a blank one."""
        resource = table_resource(name)
        columns: list[int] = []
        if resource is not None:
            schema = self.reading.schemas[resource[0]]
            columns = [area.columns.get(schema.by_name[schema.primary_key[0]].title, 0)]
        if not any(columns):
            table = next((table for table in area.sheet.tables if table.name == area.found_name), None)
            first = table.first_column if table is not None else min(area.columns.values(), default=1)
            columns = [first]  # of a total, too: only there has it a name
            if resource is None and table is not None and IDENTIFIER in table.columns:
                columns.insert(0, first + table.columns.index(IDENTIFIER))
        rows: dict[str, list[int]] = defaultdict(list)
        present = [column - 1 for column in columns if area.sheet.rows and 0 < column <= len(area.sheet.rows[0])]
        lines = area.sheet.rows[area.header_row : area.last_row + 2]
        for row, line in enumerate(lines, area.header_row + 1):
            value = next((line[place] for place in present if line[place] is not None), None)
            rows["" if value is None else _plain(value)].append(row)
        return rows


def _title(cell: KnownFormula) -> str:
    """What people read of the cell that a formula is in: the header of its column, or its name."""
    return _title_of(cell.table, cell.column)


def _title_of(table: str, column: str) -> str:
    return column if table else column.replace("_", " ")


def _plain(value: RawValue) -> str:
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def check_computed_cells(reading: ParsedMaster) -> list[Finding]:
    """The formulas that are not as generated, then the old subtotals that intact formulas show.

    Nothing of it blocks: all that a master computes is computed anew from its lines.
    """
    formulas = check_formulas(reading)
    altered = {(formula.place.feuille, formula.place.cellule) for formula in formulas}
    stale = [
        total for total in check_stale_totals(reading) if (total.place.feuille, total.place.cellule) not in altered
    ]
    return [replace(finding, bloquant=False) for finding in (*formulas, *stale)]
