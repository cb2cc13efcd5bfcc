"""The computed sheets of the staff's workbook kept true: rows added to their tables, or the sheet written anew.

A sheet on which nothing is typed is replaced whole where its layout must grow. One that holds something of the staff's,
or whose cells are named from elsewhere in a way that cannot follow, stays as it is, and is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lxml import etree

from tabellion.addresses import cell_name
from tabellion.xlsx import signature
from tabellion.xlsx.inplace.editor import WorkbookEditor
from tabellion.xlsx.inplace.fresh import fresh_values
from tabellion.xlsx.inplace.grid import Formula, StoredValue, TypedContent
from tabellion.xlsx.inplace.moves import parse_areas
from tabellion.xlsx.inplace.own_notes import has_own_cells
from tabellion.xlsx.inplace.parts import ExcelTable, Parts
from tabellion.xlsx.inplace.patch import AddedRows, CellEdit, Changes, RowToRemove, patch_tables, with_computed
from tabellion.xlsx.inplace.references import mentions
from tabellion.xlsx.inplace.relisting import relist
from tabellion.xlsx.inplace.relocation import Relocation
from tabellion.xlsx.inplace.restyle import with_own_styles
from tabellion.xlsx.inplace.sheets import same_sheets, sheet_of_key, with_sheets
from tabellion.xlsx.inplace.stale import defined_names
from tabellion.xlsx.inplace.wording import LOST, FormulaCarrier
from tabellion.xlsx.trees import Element, add, drop, insert_after, qualified

#: The foot of a page as the program writes it, and others write it again: a title, the sheet's name, the page's number.
_OURS = re.compile(r"&L&10.*&C&10 ?&A ?&R&10 ?Page &P / &N", re.DOTALL)
_FOOTER = "{*}headerFooter/{*}oddFooter"


@dataclass(frozen=True)
class Renewal:
    """What is to be kept true: whole ``sheets`` by their keys, of which ``new`` ones may come; ``tables`` by name, row
    by row, ``sums`` whose rows come and go, ``lists`` whose rows only come; the named ``choices`` that staff make on a
    sheet, which stay.

    ``words`` are what the program may have written above what is gone from a sheet. ``linked`` is a table whose links
    say a cell, with the headers of the sheet and of the cell that they lead to.
    """

    sheets: Sequence[str]
    new: Collection[str] = ()
    tables: Sequence[str] = ()
    sums: Sequence[str] = ()
    lists: Sequence[str] = ()
    choices: Sequence[str] = ()
    linked: tuple[str, str, str] | None = None
    words: Collection[str] = ()


def renew(data: bytes, fresh: bytes, wanted: Renewal) -> tuple[bytes, tuple[str, ...]]:
    """The workbook ``data`` as true as ``fresh``, which the program has written of the same contract, and the names of
    the sheets that stay as they were because the staff's work on them, or that names their cells, would suffer.
    """
    data = _with_footers(_with_rows(data, fresh, wanted), fresh)
    parts, source = Parts(data), Parts(fresh)
    same, replaced, kept = same_sheets(source, parts), list[str](), list[str]()
    editor = WorkbookEditor(data)
    for key in wanted.sheets:
        name = sheet_of_key(source, key)
        mine = same.get(name.casefold()) if name is not None else None
        if name is None or (mine is None and key not in wanted.new):
            continue
        if mine is not None:
            if _says_the_same(parts, mine, source, name):
                continue
            if has_own_cells(parts, mine, source, name, wanted.words) or not _follow(editor, source, mine, name):
                kept.append(mine)
                continue
        replaced.append(name)
    if not replaced:
        return _computed(data, fresh), tuple(kept)
    changed = with_sheets(editor.to_bytes(), fresh, replaced)
    renamed = [(mine, mine) for name in replaced if (mine := same.get(name.casefold())) is not None]
    changed = with_own_styles(parts, changed, renamed)
    choices = [edit for name in wanted.choices for edit in _choice(parts, Parts(changed), name)]
    changed = patch_tables(changed, Changes(choices, fresh=fresh)).data if choices else changed
    return _computed(_say_links(changed, wanted), fresh), tuple(kept)


def _computed(data: bytes, fresh: bytes) -> bytes:
    """The workbook with the values that ``fresh`` tells beside the formulas that have none: a script left them so."""
    parts = Parts(data)
    blank = {
        (sheet.name.casefold(), formula.row, formula.column)
        for sheet in parts.worksheets
        for formula in parts.formulas(sheet.name)
        if formula.cell.get("t") != "str" and not formula.cell.findtext("{*}v")
    }
    values = fresh_values(parts, blank, fresh) if blank else {}
    named = {(parts.sheets[sheet].name, row, column): value for (sheet, row, column), value in values.items()}
    return with_computed(data, named) if named else data


def _with_footers(data: bytes, fresh: bytes) -> bytes:
    """The workbook with the feet of pages that ``fresh`` has, which say the title; those that staff wrote stay."""
    parts, source = Parts(data), Parts(fresh)
    for name, mine in same_sheets(source, parts).items():
        part = parts.sheets[mine.casefold()].part
        own_footer = parts.tree(part).find(_FOOTER)
        fresh_footer = source.tree(source.sheets[name].part).find(_FOOTER)
        if own_footer is None or fresh_footer is None or not _OURS.fullmatch(own_footer.text or ""):
            continue
        if "".join((own_footer.text or "").split()) != "".join((fresh_footer.text or "").split()):
            own_footer.text = fresh_footer.text
            parts.change(part)
    if not parts.changed:
        return data
    parts.write()
    changed = parts.package.to_bytes()
    return signature.sign_again(changed) if signature.is_intact(data) else changed


def _with_rows(data: bytes, fresh: bytes, wanted: Renewal) -> bytes:
    """The workbook with the rows of tables that ``fresh`` has."""
    parts, source = Parts(data), Parts(fresh)
    theirs = {table.name: table for table in source.tables}
    mine = {table.name: table for table in parts.tables}
    names = [name for name in (*wanted.tables, *wanted.sums, *wanted.lists) if name in mine and name in theirs]
    rows = _RowDifferences(parts, source)
    for name in names:
        rows.compare(mine[name], theirs[name], changed=name in wanted.tables, removed=name not in wanted.lists)
    if not (rows.cells or rows.added or rows.removed):
        return data
    changed = patch_tables(data, Changes(rows.cells, rows.added, rows.removed, fresh=fresh)).data
    editor = WorkbookEditor(changed)
    folded = {name.casefold() for name in names if name in wanted.tables}
    relist(editor, source, folded, set(), lambda formula: formula)
    for name in names:
        _relink(editor, source, next(table for table in editor.parts.tables if table.name == name), theirs[name])
    return editor.to_bytes()


class _RowDifferences:
    """What differs in the rows of tables of two workbooks."""

    def __init__(self, parts: Parts, source: Parts) -> None:
        self.parts, self.source = parts, source
        self.cells: list[CellEdit] = []
        self.added: list[AddedRows] = []
        self.removed: list[RowToRemove] = []

    def compare(self, mine: ExcelTable, theirs: ExcelTable, *, changed: bool, removed: bool) -> None:
        """Note what makes the rows of ``mine`` those of ``theirs``; own columns are left alone.

        Rows that stay are ``changed``, and rows that are no more ``removed``, where that is told.
        """
        label = key_label(self.source, theirs)
        if not label or label not in mine.labels:
            return
        columns = {name: mine.area[1] + place for place, name in enumerate(mine.labels) if name in theirs.labels}
        own_rows, fresh_rows = keyed_rows(self.parts, mine, label), keyed_rows(self.source, theirs, label)
        lines = list[Mapping[int, TypedContent]]()
        for key, row in fresh_rows.items():
            contents = {name: self.content(theirs, row, name) for name in columns}
            if key not in own_rows:
                lines.append({columns[name]: content for name, content in contents.items() if content is not None})
                continue
            for name, content in contents.items() if changed else ():
                if not self.is_same(mine, own_rows[key], columns[name], content):
                    edit = CellEdit(mine.sheet, own_rows[key], columns[name], content, over_formula=True)
                    self.cells.append(edit)
        if lines:
            self.added.append(AddedRows(mine.sheet, mine.area[0], lines))
        for row in range(mine.first_row, mine.last_row + 1) if removed else ():
            stays = row in own_rows.values() and self.parts.value(mine.sheet, row, columns[label]) in fresh_rows
            if not stays and self.is_ours(mine, row, set(columns.values())):
                self.removed.append(RowToRemove(mine.sheet, row, mine.area[1]))

    def is_ours(self, table: ExcelTable, row: int, columns: Collection[int]) -> bool:
        """Whether a row says something in these columns of a table, and nothing in others."""
        filled = {
            column
            for column in range(table.area[1], table.area[3] + 1)
            if self.parts.value(table.sheet, row, column) not in (None, "")
        }
        return bool(filled) and filled <= set(columns)

    def content(self, table: ExcelTable, row: int, label: str) -> TypedContent:
        """What a cell of the fresh workbook holds."""
        column = table.area[1] + table.labels.index(label)
        value, cell = self.source.value(table.sheet, row, column), self.source.grid(table.sheet).find(row, column)
        if cell is None or cell.find("{*}f") is None:
            return value
        formula = next(text for text in self.source.formulas(table.sheet) if (text.row, text.column) == (row, column))
        return Formula(formula.text, value)

    def is_same(self, table: ExcelTable, row: int, column: int, content: TypedContent) -> bool:
        """Whether a cell holds this already; a formula may be written otherwise, as each program writes it."""
        cell = self.parts.grid(table.sheet).find(row, column)
        has_formula = cell is not None and cell.find("{*}f") is not None
        if isinstance(content, Formula):
            return has_formula and self.formula(table.sheet, row, column) == content.text
        return not has_formula and self.parts.value(table.sheet, row, column) == content

    def formula(self, sheet: str, row: int, column: int) -> str:
        return next((cell.text for cell in self.parts.formulas(sheet) if (cell.row, cell.column) == (row, column)), "")


def key_label(parts: Parts, table: ExcelTable) -> str:
    """The first column whose values tell the rows of a table apart; empty when none does."""
    for label in table.labels:
        column = table.area[1] + table.labels.index(label)
        values = [parts.value(table.sheet, row, column) for row in range(table.first_row, table.last_row + 1)]
        if None not in values and "" not in values and len(set(values)) == len(values):
            return label
    return ""


def keyed_rows(parts: Parts, table: ExcelTable, label: str) -> dict[StoredValue, int]:
    """The rows of a table by what they say under a header; the first one where several say the same."""
    column, rows = table.area[1] + table.labels.index(label), dict[StoredValue, int]()
    for row in range(table.first_row, table.last_row + 1):
        value = parts.value(table.sheet, row, column)
        if value not in (None, ""):
            rows.setdefault(value, row)
    return rows


def _says_the_same(parts: Parts, mine: str, source: Parts, name: str) -> bool:
    """Whether a sheet holds what the fresh one does where that one holds something: formulas by their places alone."""
    grid, theirs = parts.grid(mine), source.grid(name)
    for row, column, cell in theirs.cells():
        value, other = source.value(name, row, column), grid.find(row, column)
        if cell.find("{*}f") is not None:
            if other is None or other.find("{*}f") is None:
                return False
        elif value not in (None, "") and parts.value(mine, row, column) != value:
            return False
    areas = [{table.name: table.area for table in part.tables_of(sheet)} for part, sheet in
             ((parts, mine), (source, name))]  # fmt: skip
    return areas[0] == areas[1]


def _follow(editor: WorkbookEditor, source: Parts, mine: str, name: str) -> bool:
    """Let what the workbook's other formulas name on a sheet follow to where it stands on the fresh one; whether all
    can. Charts, and names of the staff's own, cannot.
    """
    parts = editor.parts
    relocation = Relocation(parts, source, {mine.casefold(): name})
    changed = list[tuple[str, int, int, Element, str]]()
    for sheet in parts.worksheets:
        if sheet.name.casefold() == mine.casefold():
            continue
        for formula in parts.formulas(sheet.name):
            if any((area.sheet or "").casefold() == mine.casefold() for area in mentions(formula.text).references):
                text = relocation.moved(formula.text, sheet.name)
                if relocation.unsure or LOST in text.replace(LOST, "", formula.text.count(LOST)):
                    return False
                if text != formula.text:
                    changed.append((sheet.name, formula.row, formula.column, formula.cell, text))
    if any(_is_named(part, mine) for name_, part in parts.package.parts.items() if name_.startswith("xl/charts/")
           and name_ not in _charts_of(parts, mine)):  # fmt: skip
        return False
    for home, row, column, _, text in changed:
        editor.set_formula(home, row, column, text, parts.value(home, row, column))
    return True


def _charts_of(parts: Parts, sheet: str) -> set[str]:
    """The charts that stand on a sheet."""
    drawings = parts.related(parts.sheets[sheet.casefold()].part, "drawing")
    return {chart for drawing in drawings for chart in parts.related(drawing, "chart")}


def _is_named(part: bytes, sheet: str) -> bool:
    text = part.decode("utf-8", "replace").casefold()
    return f"'{sheet.casefold()}'!" in text or f">{sheet.casefold()}!" in text


def _choice(before: Parts, after: Parts, name: str) -> Iterator[CellEdit]:
    """What staff chose in a named cell, where the fresh sheet says something else."""
    chosen, place = _named_value(before, name), _named_place(after, name)
    if place is not None and chosen is not None and after.value(*place) != chosen:
        yield CellEdit(*place, chosen)


def _named_place(parts: Parts, name: str) -> tuple[str, int, int] | None:
    for element in defined_names(parts):
        references = mentions(element.text or "").references
        if element.get("name") == name and element.get("localSheetId") is None and len(references) == 1:
            sheet = (references[0].sheet or "").casefold()
            if sheet in parts.sheets:
                return parts.sheets[sheet].name, references[0].rows[0], references[0].columns[0]
    return None


def _named_value(parts: Parts, name: str) -> StoredValue:
    place = _named_place(parts, name)
    return None if place is None else parts.value(*place)


def _relink(editor: WorkbookEditor, source: Parts, mine: ExcelTable, theirs: ExcelTable) -> None:
    """Give the rows of a table the links that those of the fresh one have, to where their cells stand here."""
    parts, label = editor.parts, key_label(source, theirs)
    wanted = _links(source, theirs)
    if not wanted or label not in mine.labels:
        return
    same = same_sheets(source, parts)
    carrier = FormulaCarrier(same, {}, lambda number: number, Relocation(source, parts, same).moved)
    rows, keys = keyed_rows(parts, mine, label), keyed_rows(source, theirs, label)
    kept_rows = {row: rows[key] for key, row in keys.items() if key in rows}
    for old in _links(parts, mine).values():
        drop(old)
    root = parts.grid(mine.sheet).root
    links = root.find("{*}hyperlinks")
    if links is None:
        links = etree.Element(qualified(root, "hyperlinks"))
        insert_after(root, links, "sheetData", "mergeCells", "conditionalFormatting", "dataValidations")
    for (row, column), link in wanted.items():
        name = theirs.labels[column - theirs.area[1]]
        if row in kept_rows and name in mine.labels and link.get("location"):
            place = cell_name(kept_rows[row], mine.area[1] + mine.labels.index(name))
            add(links, "hyperlink", ref=place, location=carrier.location(link.get("location", ""), theirs.sheet))
    parts.change_sheet(mine.sheet)


def _links(parts: Parts, table: ExcelTable) -> dict[tuple[int, int], Element]:
    """The links of the cells of a table."""
    cells = dict[tuple[int, int], Element]()
    for link in parts.grid(table.sheet).root.iterfind("{*}hyperlinks/{*}hyperlink"):
        for top, left, _, _ in parse_areas(link.get("ref", ""))[:1]:
            if table.holds(top, left):
                cells[top, left] = link
    return cells


def _say_links(data: bytes, wanted: Renewal) -> bytes:
    """Let a table say of each row the sheet and the cell that its link leads to."""
    if wanted.linked is None:
        return data
    name, *labels = wanted.linked
    parts = Parts(data)
    table = next((table for table in parts.tables if table.name == name), None)
    if table is None or not set(labels) <= set(table.labels):
        return data
    columns, edits = [table.area[1] + table.labels.index(label) for label in labels], list[CellEdit]()
    for (row, _), link in _links(parts, table).items():
        sheet, _, cell = link.get("location", "").rpartition("!")
        shown = sheet[1:-1].replace("''", "'") if sheet[:1] == "'" else sheet
        edits += [CellEdit(table.sheet, row, columns[0], shown), CellEdit(table.sheet, row, columns[1], cell)]
    return patch_tables(data, replace(Changes(), cells=edits)).data
