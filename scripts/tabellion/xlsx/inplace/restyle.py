"""Styles of one workbook for cells carried into another: found there again by what they look like, or added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from lxml import etree

from tabellion.xlsx.inplace.editor import WorkbookEditor
from tabellion.xlsx.inplace.parts import Parts
from tabellion.xlsx.inplace.relocation import Relocation
from tabellion.xlsx.package import PackageEditor
from tabellion.xlsx.styles import FIRST_FORMAT, StyleSheet
from tabellion.xlsx.trees import Element, insert_after, qualified, whole_number

#: Sections of styles, in the order of the standard.
_ORDER = (
    "numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "tableStyles", "colors",
)  # fmt: skip
#: What a style takes from other sections: the attribute, the section.
_TAKEN = (("fontId", "fonts"), ("fillId", "fills"), ("borderId", "borders"))
_NEEDED = ("fonts", "fills", "borders", "cellStyleXfs", "cellXfs")

#: What an element says, whatever its prefixes: its name, its attributes, its children.
_Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...], "tuple[_Key, ...]"]


class StyleCarrier:
    """Numbers of styles in ``target`` for those of ``source``. Call :meth:`save` at the end.

    The first style of a workbook, which cells without a style have, stays that of each.
    """

    def __init__(self, source: PackageEditor, target: PackageEditor) -> None:
        self._package = target
        part = target.related(target.workbook, "styles")
        if part is None or not all(target.parse(part).find(f"{{*}}{name}") is not None for name in _NEEDED):
            StyleSheet(target).save()
            part = target.related(target.workbook, "styles")
        if part is None:
            raise ValueError("styles were saved, and are there")
        self._part, self._root = part, target.parse(part)
        theirs = source.related(source.workbook, "styles")
        self._source = (
            source.parse(theirs) if theirs is not None else etree.Element(qualified(self._root, "styleSheet"))
        )
        self._numbers = dict[tuple[str, int], int]()
        self._styles = dict[str, str]()
        self._keys = dict[str, dict[_Key, int]]()
        self._formats = {
            element.get("formatCode", ""): whole_number(element.get("numFmtId"))
            for element in self._root.iter("{*}numFmt")
        }
        self._codes = {
            whole_number(element.get("numFmtId")): element.get("formatCode", "")
            for element in self._source.iterfind("{*}numFmts/{*}numFmt")
        }
        self._changed = False

    def cell(self, style: str | None) -> str:
        """The number of a cell's style."""
        number = whole_number(style)
        return str(self._number("cellXfs", number)) if number else "0"

    def difference(self, number: str) -> str | None:
        """The number of a format of rules and tables; ``None`` for one that is nowhere."""
        is_there = whole_number(number) < len(self._children(self._source, "dxfs"))
        return str(self._number("dxfs", whole_number(number))) if is_there else None

    def named(self, name: str) -> str:
        """The name of a named style, which is there when it was in the source."""
        for style in self._source.iterfind("{*}cellStyles/{*}cellStyle"):
            if style.get("name") == name:
                self._named(style)
        return name

    def table_style(self, name: str) -> None:
        """Let a table's own style be there."""
        declared = self._root.iterfind("{*}tableStyles/{*}tableStyle")
        styles = [style for style in self._source.iterfind("{*}tableStyles/{*}tableStyle") if style.get("name") == name]
        if not styles or any(style.get("name") == name for style in declared):
            return
        style = _plain(styles[0])
        for element in style.iter("{*}tableStyleElement"):
            number = self.difference(element.get("dxfId", ""))
            if number is not None:
                element.set("dxfId", number)
        self._append("tableStyles", style)

    def save(self) -> None:
        """Write the styles, where something was added to them."""
        if self._changed:
            self._package.put(self._part, self._root)

    def _number(self, section: str, number: int) -> int:
        key = section, number
        if key not in self._numbers:
            children = self._children(self._source, section)
            if number >= len(children):
                return 0
            self._numbers[key] = self._placed(section, self._translated(section, _plain(children[number])))
        return self._numbers[key]

    def _translated(self, section: str, element: Element) -> Element:
        """A child of a section, as the target numbers what it names."""
        if section in ("cellXfs", "cellStyleXfs"):
            for attribute, other in _TAKEN:
                element.set(attribute, str(self._number(other, whole_number(element.get(attribute)))))
            code = self._codes.get(whole_number(element.get("numFmtId")))
            if code is not None:
                element.set("numFmtId", str(self._format(code)))
        if section == "cellXfs":
            element.set("xfId", str(self._base(whole_number(element.get("xfId")))))
        if section == "dxfs":
            for number in element.iterfind("{*}numFmt"):
                number.set("numFmtId", str(self._format(number.get("formatCode", ""), listed=False)))
        return element

    def _base(self, number: int) -> int:
        """The style that a cell's style starts from: the one of the same name."""
        for style in self._source.iterfind("{*}cellStyles/{*}cellStyle"):
            if whole_number(style.get("xfId")) == number:
                return self._named(style)
        return 0

    def _named(self, style: Element) -> int:
        for mine in self._root.iterfind("{*}cellStyles/{*}cellStyle"):
            same_kind = style.get("builtinId") is not None and style.get("builtinId") == mine.get("builtinId")
            if mine.get("name") == style.get("name") or (same_kind and style.get("iLevel") == mine.get("iLevel")):
                return whole_number(mine.get("xfId"))
        children = self._children(self._source, "cellStyleXfs")
        number = whole_number(style.get("xfId"))
        if number >= len(children):
            return 0
        place = len(self._children(self._root, "cellStyleXfs"))
        self._append("cellStyleXfs", self._translated("cellStyleXfs", _plain(children[number])))
        named = _plain(style)
        named.set("xfId", str(place))
        self._append("cellStyles", named)
        return place

    def _format(self, code: str, *, listed: bool = True) -> int:
        """The number of a number format; those of rules need not be listed."""
        known = self._formats.get(code)
        if known is None:
            known = self._formats[code] = max([FIRST_FORMAT - 1, *self._formats.values()]) + 1
        formats = self._root.iterfind("{*}numFmts/{*}numFmt")
        if listed and not any(whole_number(element.get("numFmtId")) == known for element in formats):
            element = etree.Element(qualified(self._root, "numFmt"), numFmtId=str(known), formatCode=code)
            self._append("numFmts", element)
        return known

    def _placed(self, section: str, element: Element) -> int:
        """The number of a child of a section: of the one that is alike, if there is one."""
        if section not in self._keys:
            self._keys[section] = {}
            for number, child in enumerate(self._children(self._root, section)):
                self._keys[section].setdefault(_key(child), number)
        keys = self._keys[section]
        number = len(self._children(self._root, section))
        if keys.setdefault(_key(element), number) == number:
            self._append(section, element)
        return keys[_key(element)]

    def _append(self, section: str, element: Element) -> None:
        parent = self._root.find(f"{{*}}{section}")
        if parent is None:
            parent = etree.Element(qualified(self._root, section), count="0")
            insert_after(self._root, parent, *_ORDER[: _ORDER.index(section)])
        parent.append(element)
        if "count" in parent.attrib:
            parent.set("count", str(len(list(parent.iterchildren(etree.Element)))))
        self._changed = True

    def _children(self, root: Element, section: str) -> list[Element]:
        parent = root.find(f"{{*}}{section}")
        return list(parent.iterchildren(etree.Element)) if parent is not None else []


def _plain(element: Element) -> Element:
    """A copy that names nothing but the standard: its workbook says elsewhere which other names may be ignored."""
    plain = etree.Element(element.tag, _attributes(element))
    for child in element.iterchildren(etree.Element):
        if etree.QName(child).localname != "extLst":
            plain.append(_plain(child))
    plain.text = element.text if not len(element) else None
    return plain


def _attributes(element: Element) -> dict[str, str]:
    """The attributes of the standard itself."""
    return {str(name): str(text) for name, text in element.attrib.items() if not str(name).startswith("{")}


def _key(element: Element) -> _Key:
    """What two children that look alike have in common."""
    attributes = tuple(sorted((str(name), str(text)) for name, text in element.attrib.items()))
    return element.tag, attributes, tuple(_key(child) for child in element.iterchildren(etree.Element))


def with_own_styles(before: Parts, data: bytes, sheets: Iterable[tuple[str, str]]) -> bytes:
    """The workbook ``data``, whose ``sheets`` (their names before and now) were written anew, as it was styled before.

    A cell that still says what it said, or computes at the same place, looks as it did; styles have the same numbers in
    both workbooks, so that only what a person coloured is another one.
    """
    editor = WorkbookEditor(data)
    for mine, name in sheets:
        relocation = Relocation(before, editor.parts, {mine.casefold(): name})
        grid, target_grid = before.grid(mine), editor.parts.grid(name)
        usual = {cell.get("s", "0") for _, _, cell in target_grid.cells()}
        for row, column, cell in list(grid.cells()):
            style = cell.get("s", "0")
            if style in usual:
                continue
            area = relocation.area(mine.casefold(), (row, column, row, column))
            target = None if area is None else target_grid.find(area[0], area[1])
            if area is None or target is None:
                continue
            is_computed = cell.find("{*}f") is not None and target.find("{*}f") is not None
            if is_computed or before.value(mine, row, column) == editor.parts.value(name, area[0], area[1]):
                editor.set_style(name, area[0], area[1], int(style))
    if not editor.touched:
        return data
    editor.finish(set(), {})
    return editor.to_bytes()
