"""Worksheets carried from one workbook's package into another's, with their tables, notes, drawings and charts."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from tabellion.addresses import cell_name
from tabellion.xlsx.inplace.carried_parts import PartCarrier
from tabellion.xlsx.inplace.grid import Grid, elements
from tabellion.xlsx.inplace.moves import area_name
from tabellion.xlsx.inplace.parts import ExcelTable, Parts
from tabellion.xlsx.inplace.restyle import StyleCarrier
from tabellion.xlsx.inplace.rules import FORMULA_ATTRIBUTES, FORMULAS
from tabellion.xlsx.inplace.wording import LOST, FormulaCarrier
from tabellion.xlsx.trees import Element, add, child, drop, qualified, whole_number


class SheetCarrier:
    """Sheets of ``source`` written into the package of ``target``. Call :meth:`save` after the last one."""

    def __init__(self, source: Parts, target: Parts, formulas: FormulaCarrier) -> None:
        self.source, self.target, self.formulas = source, target, formulas
        self._styles = StyleCarrier(source.package, target.package)
        self._parts = PartCarrier(source, target, formulas, self._styles)
        self._texts = _shared_strings(source)

    def carry(self, name: str, part: str, old: Element | None) -> None:
        """Write a sheet of the source as the part ``part``; ``old`` is the sheet that it takes the place of."""
        entry = self.source.sheets[name.casefold()]
        root = self.source.tree(entry.part)
        if entry.worksheet:
            grid = self.source.grid(name)
            grid.expand_shared()
            self._cells(grid, name)
        for element in list(elements(root)):
            self._rule(element, name)
        for views in root.findall("{*}customSheetViews"):
            drop(views)
        _keep_place(root, old)
        self.target.package.put(part, root)
        self._parts.relations(entry.part, part, name)

    def carry_table(self, table: ExcelTable, sheet: str) -> None:
        """Put a table of the source on a sheet of the target, beside all that stands there, on the rows that it has."""
        package, grid, part = self.target.package, self.target.grid(sheet), self.target.sheets[sheet.casefold()].part
        top, left, bottom, right = table.area
        used = [column for _, column, _ in grid.cells()] + [table.area[3] for table in self.target.tables_of(sheet)]
        by = max(used, default=0) + 2 - left
        source = self.source.grid(table.sheet)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                cell = deepcopy(source.find(row, column))
                if cell is not None:
                    cell.set("r", cell_name(row, column + by))
                    self._cell(cell, table.sheet)
                    grid.insert(row, column + by, cell)
        name = self._parts.copy(table.part, "table", table.sheet)
        root = package.parse(name)
        for element in root.iter("{*}table", "{*}autoFilter"):
            element.set("ref", area_name((top, left + by, bottom, right + by)))
        package.put(name, root)
        link = package.relate(part, "table", name)
        parts = grid.root.find("{*}tableParts")
        if parts is None:
            parts = etree.Element(qualified(grid.root, "tableParts"))
            extensions = grid.root.find("{*}extLst")
            if extensions is None:
                grid.root.append(parts)
            else:
                extensions.addprevious(parts)
        etree.SubElement(parts, qualified(parts, "tablePart"), nsmap={"r": package.office}).set(
            f"{{{package.office}}}id", link
        )
        parts.set("count", str(len(parts)))
        widen(grid.root, source.root, left, right, by)
        package.put(part, grid.root)

    def save(self) -> None:
        """Write the styles that came with the sheets."""
        self._styles.save()

    def _cells(self, grid: Grid, home: str) -> None:
        for column in grid.root.iterfind("{*}cols/{*}col[@style]"):
            column.set("style", self._styles.cell(column.get("style")))
        for number in grid.row_numbers():
            row = grid.row(number)
            if row.get("s") is not None:
                row.set("s", self._styles.cell(row.get("s")))
        for _, _, cell in grid.cells():
            self._cell(cell, home)

    def _cell(self, cell: Element, home: str) -> None:
        if cell.get("s") is not None:
            cell.set("s", self._styles.cell(cell.get("s")))
        for attribute in ("cm", "vm"):  # what the other workbook says elsewhere of its cells
            cell.attrib.pop(attribute, "")
        if cell.get("t") == "s":
            _write_inline(cell, self._texts)
        formula = cell.find("{*}f")
        if formula is not None and formula.text:
            formula.text = self.formulas.formula(formula.text, home)

    def _rule(self, element: Element, home: str) -> None:
        """The formulas and formats of what a sheet says outside its cells."""
        name = etree.QName(element).localname
        if name in FORMULAS and element.text:
            element.text = self.formulas.formula(element.text, home)
        for attribute in FORMULA_ATTRIBUTES:
            text = element.get(attribute)
            if text:
                write = self.formulas.location if attribute == "location" else self.formulas.formula
                element.set(attribute, write(text, home))
        if name == "cfvo" and element.get("type") == "formula" and element.get("val"):
            element.set("val", self.formulas.formula(element.get("val", ""), home))
        self._parts.format(element, "dxfId")


def _shared_strings(parts: Parts) -> list[Element]:
    part = parts.package.related(parts.package.workbook, "sharedStrings")
    return list(parts.tree(part).iterfind("{*}si")) if part is not None else []


def _write_inline(cell: Element, texts: list[Element]) -> None:
    """Put a shared text, as it looks, in the cell itself."""
    number = whole_number(cell.findtext("{*}v"))
    for old in cell.findall("{*}v"):
        drop(old)
    cell.set("t", "inlineStr")
    text = add(cell, "is")
    if number < len(texts):
        text.extend(deepcopy(child) for child in texts[number].iterchildren(etree.Element))


def widen(root: Element, source: Element, left: int, right: int, by: int) -> None:
    """Give columns of a sheet the widths that others have in the source, where it says none."""
    columns = root.find("{*}cols")
    if columns is None:
        columns = etree.Element(qualified(root, "cols"))
        child(root, "sheetData").addprevious(columns)
    last = max((whole_number(column.get("max")) for column in columns), default=0)
    for column in source.iterfind("{*}cols/{*}col"):
        first, end = max(whole_number(column.get("min")), left) + by, min(whole_number(column.get("max")), right) + by
        if last < first <= end:
            add(columns, "col", min=str(first), max=str(end), width=column.get("width", "9"), customWidth="1")
    if not len(columns):
        drop(columns)


def _keep_place(root: Element, old: Element | None) -> None:
    """The colour of the tab, the zoom, whether the sheet is selected: as the one had it whose place this one takes."""
    for view in root.iterfind("{*}sheetViews/{*}sheetView"):
        view.attrib.pop("tabSelected", "")
        selected = [] if old is None else old.findall("{*}sheetViews/{*}sheetView[@tabSelected]")
        if selected:
            view.set("tabSelected", selected[0].get("tabSelected", "1"))
        former = None if old is None else old.find("{*}sheetViews/{*}sheetView")
        for zoom in ("zoomScale", "zoomScaleNormal"):
            if former is not None and former.get(zoom) is not None:
                view.set(zoom, former.get(zoom, ""))
    properties = root.find("{*}sheetPr")
    if properties is not None:
        properties.attrib.pop("codeName", "")
    if old is None:
        return
    theirs = old.find("{*}sheetPr")
    if properties is None:
        properties = etree.Element(qualified(root, "sheetPr"))
        root.insert(0, properties)
    for colour in properties.findall("{*}tabColor"):
        drop(colour)
    if theirs is not None:
        if theirs.get("codeName") is not None:
            properties.set("codeName", theirs.get("codeName", ""))
        for colour in theirs.findall("{*}tabColor"):
            properties.insert(0, deepcopy(colour))


def carried_formula(formulas: FormulaCarrier, text: str | None, home: str) -> str | None:
    """A formula as the new workbook reads it; ``None`` where it would read something that is no more."""
    if not text:
        return None
    try:
        carried = formulas.formula(text, home)
    except LookupError:
        return None
    return None if LOST in carried else carried
