"""What belongs to a sheet in other parts: notes, threaded comments, drawings, charts, pivot tables; moved with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from lxml import etree

from tabellion.addresses import cell_name, parse_cell
from tabellion.xlsx.inplace.moves import RowMove, area_name, parse_areas
from tabellion.xlsx.inplace.parts import Parts
from tabellion.xlsx.inplace.references import moved
from tabellion.xlsx.inplace.rules import follow_formulas
from tabellion.xlsx.notes import VML, VML_EXCEL
from tabellion.xlsx.trees import Element, drop, whole_number

#: Attributes of drawings and of controls that are a formula.
LINKS = ("textlink", "cellRange", "fmlaLink", "fmlaRange", "fmlaTxbx", "fmlaGroup")


def follow_objects(parts: Parts, moves: Mapping[str, RowMove]) -> None:
    """Let everything that other parts say of rows follow the moves."""
    for entry in parts.sheets.values():
        move = moves.get(entry.name.casefold())
        if move is not None:
            for part in parts.related(entry.part, "comments", "threadedComment"):
                _note(parts, part, _follow_comments(parts.tree(part), move))
            for part in parts.related(entry.part, "vmlDrawing"):
                _note(parts, part, _follow_boxes(parts.drawing(part), move))
            for part in parts.related(entry.part, "pivotTable"):
                places = parts.tree(part).iterfind("{*}location")
                _note(parts, part, _follow_refs(places, move))
            for part in parts.related(entry.part, "namedSheetView"):
                _note(parts, part, _follow_refs(parts.tree(part).iter(etree.Element), move))
        for part in parts.related(entry.part, "drawing"):
            root = parts.tree(part)
            if move is not None and move.whole:
                _note(parts, part, _follow_anchors(root, move))
            _note(parts, part, _follow_links(root, entry.name, moves))
            for chart in parts.related(part, "chart", "chartEx"):
                _note(parts, chart, follow_formulas(parts.tree(chart).iter("{*}f"), entry.name, moves))
        for part in parts.related(entry.part, "ctrlProp"):
            _note(parts, part, _follow_links(parts.tree(part), entry.name, moves))
    for part in parts.related(parts.package.workbook, "pivotCacheDefinition"):
        sources = parts.tree(part).iterfind("{*}cacheSource/{*}worksheetSource[@sheet]")
        for source in sources:
            move = moves.get(source.get("sheet", "").casefold())
            if move is not None:
                _note(parts, part, _follow_refs([source], move))


def refresh_pivots(parts: Parts, sheets: Collection[str]) -> None:
    """Let the pivot tables of data on these sheets (by folded name) be made anew when the workbook is opened."""
    tables = {table.name.casefold(): table.sheet.casefold() for table in parts.tables}
    for part in parts.related(parts.package.workbook, "pivotCacheDefinition"):
        root = parts.tree(part)
        for source in root.iterfind("{*}cacheSource/{*}worksheetSource"):
            sheet = source.get("sheet", "").casefold() or tables.get(source.get("name", "").casefold(), "")
            if sheet in sheets and root.get("refreshOnLoad") not in ("1", "true"):
                root.set("refreshOnLoad", "1")
                parts.change(part)


def _note(parts: Parts, part: str, changed: bool) -> None:
    if changed:
        parts.change(part)


def _follow_refs(elements: Iterable[Element], move: RowMove) -> bool:
    """Areas of data, which grow with it."""
    changed = False
    for element in elements:
        areas = parse_areas(element.get("ref", ""))
        if areas:
            area = move.area(areas[0], grow=move.grows(areas[0][0], areas[0][2]))
            if area is not None and area != areas[0]:
                element.set("ref", area_name(area))
                changed = True
    return changed


def _follow_comments(root: Element, move: RowMove) -> bool:
    """The texts of notes, and threads with their answers; those of rows taken out go with them."""
    changed = False
    for comment in list(root.iter("{*}comment", "{*}threadedComment")):
        try:
            row, column = parse_cell(comment.get("ref", ""))
        except ValueError:
            continue
        target = move.cell(row, column)
        if target is None:
            drop(comment)
        elif target != row:
            comment.set("ref", cell_name(target, column))
        changed |= target != row
    return changed


def _follow_boxes(root: Element, move: RowMove) -> bool:
    """The boxes of notes go with their cells; other shapes with the rows under them."""
    changed = False
    for shape in list(root.iter(f"{VML}shape")):
        client = shape.find(f"{VML_EXCEL}ClientData")
        if client is None:
            continue
        row, column = (client.find(f"{VML_EXCEL}{name}") for name in ("Row", "Column"))
        if client.get("ObjectType") == "Note" and row is not None and column is not None:
            number = whole_number((row.text or "").strip()) + 1
            target = move.cell(number, whole_number((column.text or "").strip()) + 1)
            if target is None:
                drop(shape)
            elif target != number:
                row.text = str(target - 1)
                _shift_box(client, target - number)
            changed |= target != number
        elif move.whole and (top := _box(client)) is not None:
            by = move.next_row(top[2] + 1) - 1 - top[2]
            _shift_box(client, by)
            changed |= by != 0
    return changed


def _box(client: Element) -> list[int] | None:
    """A box: left, top, right, bottom, each an index and an offset in pixels."""
    numbers = (client.findtext(f"{VML_EXCEL}Anchor") or "").split(",")
    try:
        box = [int(number) for number in numbers]
    except ValueError:
        return None
    return box if len(box) == 8 else None


def _shift_box(client: Element, by: int) -> None:
    box, anchor = _box(client), client.find(f"{VML_EXCEL}Anchor")
    if box is not None and anchor is not None and by:
        box[2], box[6] = max(0, box[2] + by), max(0, box[6] + by)
        anchor.text = ", ".join(str(number) for number in box)


def _follow_anchors(root: Element, move: RowMove) -> bool:
    """Drawings move, and are sized, with the rows under them, as each says."""
    changed = False
    for anchor in root.iter("{*}twoCellAnchor", "{*}oneCellAnchor"):
        rows = [row for name in ("from", "to") if (row := anchor.find(f"{{*}}{name}/{{*}}row")) is not None]
        if not rows or anchor.get("editAs") == "absolute":
            continue
        numbers = [whole_number((row.text or "").strip()) for row in rows]
        targets = [move.next_row(number + 1) - 1 for number in numbers]
        if anchor.get("editAs") == "oneCell":
            targets = [number + targets[0] - numbers[0] for number in numbers]
        for row, number, target in zip(rows, numbers, targets, strict=True):
            if number != target:
                row.text = str(target)
                changed = True
    return changed


def _follow_links(root: Element, sheet: str, moves: Mapping[str, RowMove]) -> bool:
    """Shapes that show a cell, controls that are linked to one."""
    changed = False
    for element in root.iter(etree.Element):
        for attribute in LINKS:
            text = element.get(attribute)
            if text and (after := moved(text, sheet, moves)[0]) != text:
                element.set(attribute, after)
                changed = True
    return changed
