"""The formulas of a workbook against its own list of them: replaced, altered, cut short, in error, never computed.

Formulas are found again by table, row key and column, so that moved, sorted, renamed and inserted things are no change.
None is shown: a workbook holds them in English, and people repair one by copying its neighbour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from tabellion.addresses import cell_name
from tabellion.checks.formula_text import FormulaReading, canonical, compact
from tabellion.findings import Finding, Place, Severity, finding
from tabellion.layout.names import FormulaCell, table_resource
from tabellion.reading.raw import RawSheet, RawValue
from tabellion.reading.tables import FoundTable, TableFinder, named_cell
from tabellion.wording import plural

_IN_ERROR = "Corrigez les cellules dont elle dépend : l'une d'elles est en erreur, ou a disparu."


def check_formulas(reading: FormulaReading) -> list[Finding]:
    """Every formula of the workbook's list that is not there any more, or not the same, or has no value."""
    return _FormulaCheck(reading).run()


@dataclass(frozen=True, slots=True)
class StandingFormula:
    """What stands in a cell where the workbook lists a formula; rows and columns of the sheet are one-based.

    ``listed`` and ``found`` are formulas as they can be compared; ``found`` is ``None`` where there is no formula.
    """

    cell: FormulaCell
    sheet: RawSheet
    row: int
    column: int
    listed: str
    found: str | None


def standing_formulas(reading: FormulaReading) -> list[StandingFormula]:
    """Every cell of the workbook's list of formulas with what stands there now."""
    survey = _Survey(reading)
    survey.run()
    return survey.status


@dataclass(frozen=True, slots=True)
class _Broken:
    """A cell that has not its formula any more; its row is one-based."""

    code: str
    cell: FormulaCell
    place: Place
    row: int
    shown: RawValue


@dataclass
class _FormulaCheck:
    reading: FormulaReading
    findings: list[Finding] = field(default_factory=list)
    broken: dict[tuple[str, str, str, str | None], list[_Broken]] = field(default_factory=lambda: defaultdict(list))
    """The cells that lack their formula, by code, table, column and sheet."""
    intact: dict[tuple[str, str], dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    """By table and column, the rows that have their formula."""
    uncached: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def undone(self) -> bool:
        """Whether a client has undone the Excel tables: its formulas are plain addresses then. That is said once."""
        return any(not area.found_name for area in self.reading.areas.values())

    def run(self) -> list[Finding]:
        by_table: dict[str, list[FormulaCell]] = defaultdict(list)
        for formula in self.reading.formulas:
            by_table[formula.table].append(formula)
        named = by_table.pop("", [])
        finder = TableFinder(self.reading.workbook, self.reading.known_tables)
        for name, formulas in by_table.items():
            area = self.reading.areas.get(name)
            columns = tuple(dict.fromkeys(formula.column for formula in formulas))
            if area is None and table_resource(name) is not None:
                continue  # its absence is said by the reading
            self.table(name, self.computed_area(finder, name, columns, area), formulas)
        said = {(finding.code, finding.place) for finding in self.reading.findings}
        self.findings += [
            finding
            for finding in finder.findings
            if finding.code not in ("colonne-en-trop", "colonne-sans-entete")
            and (finding.code, finding.place) not in said
        ]
        for each in named:
            self.named(each)
        self.say_broken()
        self.say_uncached()
        return self.findings

    def computed_area(
        self, finder: TableFinder, name: str, columns: tuple[str, ...], read: FoundTable | None
    ) -> FoundTable | None:
        """The area of a table with the columns of its formulas, and those of its data where it has some."""
        area = finder.area(name, columns, titre=name)
        if area is not None and read is not None:
            area.columns = {**read.columns, **area.columns}
            area.renamed = {**read.renamed, **area.renamed}
        return area

    def table(self, name: str, area: FoundTable | None, formulas: list[FormulaCell]) -> None:
        if area is None:
            return
        keys = self.row_keys(name, area)
        own = self.own_rows(
            [formula for formula in formulas if formula.key != "*" and formula.column in area.columns], keys, area
        )
        for formula in formulas:
            if formula.column not in area.columns:
                continue
            rows = [row for row in area.rows() if row <= area.last_row] if formula.key == "*" else own[formula]
            if not rows and formula.key != "*":
                self.findings.append(
                    finding("ligne-calculee-absente", area.place(area.header_row), valeur=formula.key, titre=name)
                )
            for row in rows:
                self.cell(formula, area.sheet, row, area.columns[formula.column], area)

    def own_rows(
        self, formulas: list[FormulaCell], keys: Mapping[str, list[int]], area: FoundTable
    ) -> dict[FormulaCell, list[int]]:
        """The row of each formula of a row: the one that has its key, or nothing.

        Where several rows share the key, or none has it, people have typed in the keys: the row that holds the formula
        is its own, whatever its key became; a row that was added beside is owed no formula.
        """
        own = {formula: keys.get(formula.key, []) for formula in formulas}
        odd = [each for each, rows in own.items() if len(rows) != 1]
        if not odd:
            return own
        listed = {formula.key for formula in formulas}
        spare = [row for key, rows in keys.items() if key not in listed or len(rows) > 1 for row in rows]
        taken: set[tuple[str, int]] = set()

        def take(each: FormulaCell, rows: list[int], *, holding: bool) -> None:
            free = (row for row in rows if (each.column, row) not in taken)
            row = next((row for row in free if not holding or self.holds(each, row, area)), None)
            own[each] = [] if row is None else [row]
            taken.update((each.column, row) for row in own[each])

        for each in sorted(odd, key=lambda each: each.key not in keys):  # those that share a key first
            take(each, keys.get(each.key, spare), holding=True)
        for each in odd:
            if not own[each]:
                take(each, keys.get(each.key, []), holding=False)
        return own

    def holds(self, each: FormulaCell, row: int, area: FoundTable) -> bool:
        """Whether a formula of the list stands in its column on this row."""
        found = area.sheet.formulas.get((row, area.columns[each.column]))
        return found is not None and (
            self.undone or canonical(self.reading, found, area.sheet, row, area)[0] == compact(each.formula)
        )

    def row_keys(self, name: str, area: FoundTable) -> dict[str, list[int]]:
        """The rows of a table, and of the totals right under it, by the text of their key, empty for a blank one."""
        resource = table_resource(name)
        column = 0
        if resource is not None:
            schema = self.reading.schemas[resource[0]]
            column = area.columns.get(schema.by_name[schema.primary_key[0]].title, 0)
        if not column:
            table = next((table for table in area.sheet.tables if table.name == area.found_name), None)
            column = table.first_column if table is not None else min(area.columns.values(), default=1)
        found: dict[str, list[int]] = defaultdict(list)
        for row in range(area.header_row + 1, min(len(area.sheet.rows), area.last_row + 2) + 1):
            value = area.sheet.value(row, column)
            found["" if value is None else _plain(value)].append(row)
        return found

    def named(self, each: FormulaCell) -> None:
        cell = named_cell(self.reading.workbook, each.column)
        if cell is None:
            titre = each.column.replace("_", " ")
            self.findings.append(finding("ligne-calculee-absente", Place(), valeur=titre, titre="noms du classeur"))
            return
        sheet, row, column = cell
        self.cell(each, sheet, row, column, None)

    def cell(
        self,
        each: FormulaCell,
        sheet: RawSheet,
        row: int,
        column: int,
        area: FoundTable | None,
    ) -> None:
        """Compare one cell with the formula that it should hold."""
        place = Place(feuille=sheet.name, cellule=cell_name(row, column))
        wanted = each.formula
        found = sheet.formulas.get((row, column))
        value = sheet.errors.get((row, column), sheet.value(row, column))

        def broken(code: str) -> None:
            about = (code, each.table, each.column, sheet.name)
            self.broken[about].append(_Broken(code, each, place, row, value))

        if found is None:
            if value is not None:
                broken("formule-remplacee")
            elif (sheet.name, row) not in self.reading.new_rows:  # nobody owes a formula to a row that was inserted
                broken("formule-effacee")
            return
        plain, partial = compact(wanted), False
        if found != wanted.removeprefix("=") and not self.undone:
            plain, partial = canonical(self.reading, found, sheet, row, area)
        if partial or plain != compact(wanted):
            broken("plage-incomplete" if partial and plain == compact(wanted) else "formule-modifiee")
            return
        self.intact[each.table, each.column][row] = compact(wanted)
        if (row, column) in sheet.errors:
            titre = _title(each)
            self.findings.append(
                finding("cellule-en-erreur", place, champ=titre, valeur=sheet.errors[row, column], suggestion=_IN_ERROR)
            )
        elif (row, column) in sheet.uncached:
            self.uncached[sheet.name].append((row, column))

    def say_broken(self) -> None:
        """Cells that lack their formula: those of one column are one finding, at the first of them."""
        for (code, *_), cells in self.broken.items():
            first, others = cells[0], cells[1:]
            rest = plural(len(others), "autre cellule") + " de la colonne dans le même cas" if others else ""
            content = first.shown if isinstance(first.shown, str | int | float) else str(first.shown)
            self.findings.append(
                finding(
                    code,
                    first.place,
                    champ=_title(first.cell),
                    valeur=None if first.shown is None else content,
                    gravite=Severity.INFORMATION if code == "formule-effacee" and first.cell.key == "*" else None,
                    liees=[each.place for each in others],
                    titre=_title(first.cell),
                    trouve="rien" if first.shown is None else f"« {_plain(content)} »",
                    reste=f" ({rest})" if rest else "",
                    geste=self.mending(first, {each.row for each in cells}),
                )
            )

    def mending(self, broken: _Broken, rows: set[int]) -> str:
        """What a person may do in Excel, in any language, to have the formula again."""
        intact = self.intact.get((broken.cell.table, broken.cell.column), {})
        same = [row for row, formula in intact.items() if formula == compact(broken.cell.formula)]
        near = min(same, key=lambda row: abs(row - broken.row), default=None)
        if near is None:
            return "recopiez-la depuis une copie du classeur"
        where = {-1: "du dessus", 1: "du dessous"}.get(near - broken.row)
        column = (broken.place.cellule or "").rstrip("0123456789")
        source = f"la cellule {where}" if where else f"la cellule {column}{near}"
        return f"recopiez {source}" + (" dans toutes ces cellules" if len(rows) > 1 else "")

    def say_uncached(self) -> None:
        """Formulas that nothing has computed, once a sheet: a script that saves a workbook leaves them all so."""
        for sheet, cells in self.uncached.items():
            places = [Place(feuille=sheet, cellule=cell_name(*cell)) for cell in sorted(cells)]
            self.findings.append(finding("formules-non-calculees", places[0], valeur=len(cells), liees=places[1:]))


@dataclass
class _Survey(_FormulaCheck):
    """Goes the same way, and notes what it meets."""

    status: list[StandingFormula] = field(default_factory=list)

    def cell(self, each: FormulaCell, sheet: RawSheet, row: int, column: int, area: FoundTable | None) -> None:
        listed = compact(each.formula)
        found = sheet.formulas.get((row, column))
        if found is not None:
            same = found == each.formula.removeprefix("=") or self.undone
            found, partial = (listed, False) if same else canonical(self.reading, found, sheet, row, area)
            found = f"{found} (plage incomplète)" if partial and found == listed else found
        self.status.append(StandingFormula(each, sheet, row, column, listed, found))


def _title(cell: FormulaCell) -> str:
    """What people read of the cell that a formula is in: the header of its column, or its name."""
    return cell.column if cell.table else cell.column.replace("_", " ")


def _plain(value: RawValue) -> str:
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)
