"""What a worksheet says of its rows outside its cells: rules, merges, links, filters, breaks, views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lxml import etree

from tabellion.addresses import shifted
from tabellion.xlsx.inplace.grid import elements
from tabellion.xlsx.inplace.moves import Area, RowMove, area_name, parse_areas
from tabellion.xlsx.inplace.references import LOST, Anchor, moved
from tabellion.xlsx.trees import Element, drop, whole_number

#: Rules that speak of the cells of an area by the distance from its first one.
_RULES = ("conditionalFormatting", "dataValidation")
FORMULAS = ("formula", "formula1", "formula2", "f")
#: Attributes that are a formula.
FORMULA_ATTRIBUTES = ("location", "linkedCell", "listFillRange", "fmlaLink", "fmlaRange")
#: Elements that are nothing without the one that they stand around.
_WRAPPERS = ("sparklineGroup",)


def follow_rules(root: Element, sheet: str, moves: Mapping[str, RowMove]) -> bool:
    """Let all that a worksheet says outside its cells follow the moves; returns whether something changed."""
    walk = _WorksheetWalk(root, sheet, moves)
    walk.run()
    return walk.changed


def follow_formula(element: Element, home: str, moves: Mapping[str, RowMove], anchor: Anchor | None = None) -> bool:
    """Let the formula that is an element's text follow the moves; returns whether it changed."""
    before = element.text or ""
    after = moved(before, home, moves, anchor=anchor)[0] if before else before
    if after != before:
        element.text = after
    return after != before


def follow_formulas(
    elements: Iterable[Element], home: str, moves: Mapping[str, RowMove], anchor: Anchor | None = None
) -> bool:
    """Let the formulas of several elements follow the moves; returns whether one changed."""
    return sum(follow_formula(element, home, moves, anchor) for element in list(elements)) > 0


class _WorksheetWalk:
    """One walk through a worksheet."""

    def __init__(self, root: Element, sheet: str, moves: Mapping[str, RowMove]) -> None:
        self.root, self.sheet, self.moves = root, sheet, moves
        self.move = moves.get(sheet.casefold())
        self.changed = False
        self.lost: list[Element] = []
        self.ruled = set[Element]()

    def run(self) -> None:
        for element in elements(self.root):
            name = etree.QName(element).localname
            if name in _RULES:
                self.rule(element)
            elif element not in self.ruled:
                self.formulas(element, name)
                if self.move is not None:
                    self.place(element, name, self.move)
        for element in self.lost:
            _drop_with_wrappers(element)

    def set(self, element: Element, attribute: str, value: str) -> None:
        if element.get(attribute) != value:
            element.set(attribute, value)
            self.changed = True

    def lose(self, element: Element) -> None:
        self.lost.append(element)
        self.changed = True

    def formulas(self, element: Element, name: str, anchor: Anchor | None = None) -> None:
        """The formulas that an element holds, in its text or its attributes."""
        if name in FORMULAS:
            self.changed |= follow_formula(element, self.sheet, self.moves, anchor)
        attributes = [*FORMULA_ATTRIBUTES, *(["val"] if name == "cfvo" else [])]
        for attribute in attributes:
            text = element.get(attribute)
            if text:
                target = moved(text, self.sheet, self.moves, anchor=anchor)[0]
                if attribute != "location" or LOST not in target:  # a link to a row that is gone still leads near it
                    self.set(element, attribute, target)

    def rule(self, rule: Element) -> None:
        """A conditional format or a data validation: its areas, and its formulas, written for its first cell."""
        parts = list(rule.iterdescendants(etree.Element))
        self.ruled.update(parts)
        held = next((part for part in parts if etree.QName(part).localname == "sqref"), None)
        areas = parse_areas((held.text or "") if held is not None else rule.get("sqref", ""))
        anchor, by = None, (0, 0)
        if self.move is not None and areas:
            kept = [(area, target) for area in areas if (target := self.move.format_area(area)) is not None]
            if not kept:
                self.lose(rule)
                return
            self.write_areas(rule, held, [target for _, target in kept])
            (top, left, bottom, _), target = kept[0]
            rows = range(top, bottom + 1)
            first = next((row for row in rows if self.move.cell(row, left) is not None), top)
            anchor, by = Anchor(first, target[0]), (first - areas[0][0], left - areas[0][1])
        for part in (rule, *parts):
            name = etree.QName(part).localname
            if by != (0, 0) and name in FORMULAS and part.text:
                part.text, self.changed = shifted(part.text, *by), True
            self.formulas(part, name, anchor)

    def write_areas(self, element: Element, held: Element | None, areas: list[Area]) -> None:
        text = " ".join(area_name(area) for area in areas)
        if held is None:
            self.set(element, "sqref", text)
        elif held.text != text:
            held.text, self.changed = text, True

    def place(self, element: Element, name: str, move: RowMove) -> None:
        """The rows and cells that an element names."""
        if name == "sqref":  # of a sparkline
            targets = [move.area(area) for area in parse_areas(element.text or "")]
            parent = element.getparent()
            if parent is not None and not any(targets):
                self.lose(parent)
            else:
                self.write_areas(element, element, [target for target in targets if target is not None])
        elif name == "selection":
            self.view_cell(element, "activeCell", move)
            areas = parse_areas(element.get("sqref", ""))
            targets = [move.area(area) or self.next_cell(area, move) for area in areas]
            if areas:
                self.write_areas(element, None, [target for target in targets if target is not None])
        elif name in ("sheetView", "pane", "customSheetView"):
            self.view_cell(element, "topLeftCell", move)
            frozen = element.get("state", "").startswith("frozen")
            if name == "pane" and frozen and move.whole and (split := whole_number(element.get("ySplit"))):
                self.set(element, "ySplit", str(max(1, move.next_row(split + 1) - 1)))
        elif name == "brk" and move.whole and (parent := element.getparent()) is not None:
            if etree.QName(parent).localname == "rowBreaks":
                self.set(element, "id", str(max(1, move.next_row(whole_number(element.get("id")) + 1) - 1)))
        elif name == "row" and move.whole and (parent := element.getparent()) is not None:  # of a control's anchor
            if etree.QName(parent).localname in ("from", "to"):
                target = str(move.next_row(whole_number(element.text) + 1) - 1)
                self.changed |= target != element.text
                element.text = target
        elif name != "dimension":
            self.attributes(element, name, move)

    def attributes(self, element: Element, name: str, move: RowMove) -> None:
        """An element that belongs to cells, and goes with them."""
        sqref = parse_areas(element.get("sqref", ""))
        if sqref:
            targets = [target for area in sqref if (target := move.format_area(area)) is not None]
            if targets:
                self.write_areas(element, None, targets)
            else:
                self.lose(element)
        attribute = "r" if name in ("inputCells", "cellWatch") else "ref"
        areas = parse_areas(element.get(attribute, ""))
        if not areas or element.get("sheet") is not None:
            return
        grow = name in ("autoFilter", "sortState", "sortCondition") and move.grows(areas[0][0], areas[0][2])
        target = move.area(areas[0], grow=grow)
        if target is None or (name == "mergeCell" and target[:2] == target[2:]):
            self.lose(element)
        else:
            self.set(element, attribute, area_name(target))

    def view_cell(self, element: Element, attribute: str, move: RowMove) -> None:
        areas = parse_areas(element.get(attribute, ""))
        if areas and (target := self.next_cell(areas[0], move)) is not None:
            self.set(element, attribute, area_name(target))

    def next_cell(self, area: Area, move: RowMove) -> Area | None:
        """The first cell of an area, or what took its place."""
        if not move.covers(area[1], area[1]):
            return area
        row = move.next_row(area[0])
        return row, area[1], row, area[1]


def _drop_with_wrappers(element: Element) -> None:
    """Drop an element, and what stands around it and has nothing left; keep counts right."""
    parent = element.getparent()
    if parent is None:
        return
    drop(element)
    left = list(parent.iterchildren(etree.Element))
    outer = parent.getparent()
    if outer is not None and (not left or etree.QName(parent).localname in _WRAPPERS):
        _drop_with_wrappers(parent)
        return
    if "count" in parent.attrib:
        parent.set("count", str(len(left)))
