"""Parts that hang on a sheet, copied into another workbook with all that they lead to: tables, notes, charts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from copy import deepcopy

from lxml import etree

from tabellion.layout.names import quoted_sheet
from tabellion.reading.limits import refusal
from tabellion.xlsx.inplace.objects import LINKS
from tabellion.xlsx.inplace.parts import Parts
from tabellion.xlsx.inplace.restyle import StyleCarrier
from tabellion.xlsx.inplace.wording import FormulaCarrier
from tabellion.xlsx.trees import Element, drop, insert_after, parse_xml, qualified, whole_number

_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_NO_RELATIONSHIPS = f'<Relationships xmlns="{_RELATIONSHIPS}"/>'.encode()
#: What hangs on the workbook, and not only on its sheet, by kind of relationship.
_BOUND = {
    "slicer": "elle a un segment (slicer)",
    "timeline": "elle a une chronologie",
    "queryTable": "elle a des données reliées à une source extérieure",
    "tableSingleCells": "elle a des cellules reliées à un fichier XML",
}
#: Formats that a table and its columns name.
_TABLE_FORMATS = (
    "headerRowDxfId", "dataDxfId", "totalsRowDxfId", "headerRowBorderDxfId", "tableBorderDxfId",
    "totalsRowBorderDxfId",
)  # fmt: skip
_TABLE_STYLES = ("headerRowCellStyle", "dataCellStyle", "totalsRowCellStyle")
#: What stands before the data of pivot tables in a workbook's part.
_BEFORE_CACHES = (
    "sheets", "functionGroups", "externalReferences", "definedNames", "calcPr", "oleSize", "customWorkbookViews",
)  # fmt: skip


class PartCarrier:
    """Parts of ``source`` copied into the package of ``target``, each once."""

    def __init__(self, source: Parts, target: Parts, formulas: FormulaCarrier, styles: StyleCarrier) -> None:
        self.source, self.target, self.formulas, self.styles = source, target, formulas, styles
        self._copied = dict[str, str]()
        self._caches = dict[str, str]()
        self._table_id = max((whole_number(table.root.get("id")) for table in target.tables), default=0)
        self._edits: dict[str, Callable[[str, str], Element]] = {
            "table": self._table,
            "drawing": self._drawing,
            "ctrlProp": self._drawing,
            "chart": self._chart,
            "chartEx": self._chart,
            "pivotTable": self._pivot_table,
            "pivotCacheDefinition": self._pivot_cache,
        }

    def format(self, element: Element, attribute: str) -> None:
        """Let an attribute name the format that the target has, if there is one."""
        number = element.get(attribute)
        if number is not None:
            mine = self.styles.difference(number)
            if mine is None:
                del element.attrib[attribute]
            else:
                element.set(attribute, mine)

    def relations(self, source: str, target: str, home: str) -> None:
        """The relationships of a part, with their ids, and copies of the parts that they lead to."""
        package = self.target.package
        theirs = self.source.package.relations_part(source)
        root = parse_xml(_NO_RELATIONSHIPS, theirs)
        if theirs in self.source.package.parts:
            for element in self.source.package.parse(theirs).iterfind("{*}Relationship"):
                root.append(deepcopy(element))
        targets = {relation.id: relation for relation in self.source.package.relations(source)}
        for element in list(root):
            relation, link = targets[element.get("Id", "")], element.get("Target", "")
            if link.startswith("#"):
                element.set("Target", "#" + self.formulas.location(link[1:], home))
            elif relation.kind in _BOUND:
                raise refusal("feuille-non-reportable", valeur=home, raison=_BOUND[relation.kind])
            elif not relation.external and relation.target in self.source.package.parts:
                element.set("Target", "/" + self.copy(relation.target, relation.kind, home))
            elif not relation.external:
                drop(element)
        rels = package.relations_part(target)
        if len(root) or rels in package.parts:
            package.put(rels, root)

    def copy(self, part: str, kind: str, home: str) -> str:
        """A part of the source in the target; returns its name there."""
        if part in self._copied:
            return self._copied[part]
        package, (content_type, by_extension) = self.target.package, self.source.package.content_type(part)
        folder, base = posixpath.split(part)
        stem, extension = posixpath.splitext(base)
        pattern = posixpath.join(folder, re.sub(r"\d+$", "", stem)).replace("{", "{{").replace("}", "}}")
        name = self._copied[part] = package.free_name(pattern + "{}" + extension)
        edit = self._edits.get(kind)
        package.put_bytes(name, self.source.package.parts[part])
        if edit is not None:
            package.put(name, edit(part, home))
        if by_extension:
            package.declare_extension(extension.lstrip(".").lower(), content_type)
        if package.content_type(name)[0] != content_type:
            package.declare(name, content_type)
        if kind == "threadedComment":
            self._people()
        if self.source.package.relations_part(part) in self.source.package.parts:
            self.relations(part, name, home)
        return name

    def _table(self, part: str, home: str) -> Element:
        root = self.source.tree(part)
        self._table_id += 1
        root.set("id", str(self._table_id))
        for element in root.iter(etree.Element):
            name = etree.QName(element).localname
            if name in ("calculatedColumnFormula", "totalsRowFormula") and element.text:
                element.text = self.formulas.formula(element.text, home)
            for attribute in (*_TABLE_FORMATS, "dxfId"):
                self.format(element, attribute)
            for attribute in _TABLE_STYLES:
                if element.get(attribute):
                    self.styles.named(element.get(attribute, ""))
            if name == "tableStyleInfo":
                self.styles.table_style(element.get("name", ""))
        return root

    def _drawing(self, part: str, home: str) -> Element:
        root = self.source.tree(part)
        for element in root.iter(etree.Element):
            for attribute in LINKS:
                text = element.get(attribute)
                if text:
                    element.set(attribute, self.formulas.formula(text, home))
        return root

    def _chart(self, part: str, home: str) -> Element:
        root = self.source.tree(part)
        for element in root.iter("{*}f"):
            if element.text:
                element.text = self.formulas.formula(element.text, home)
        return root

    def _pivot_table(self, part: str, home: str) -> Element:
        root, workbook = self.source.tree(part), self.source.package.workbook
        for cache in self.source.related(part, "pivotCacheDefinition"):
            if cache not in self._copied:
                self._list_cache(self.copy(cache, "pivotCacheDefinition", home), self._type(workbook, cache))
            root.set("cacheId", self._caches[self._copied[cache]])
        for element in root.iter(etree.Element):
            self.format(element, "dxfId")
        return root

    def _list_cache(self, part: str, kind: str) -> None:
        """Let the workbook list the data behind a pivot table."""
        package, book = self.target.package, self.target.tree(self.target.package.workbook)
        caches = book.find("{*}pivotCaches")
        if caches is None:
            caches = etree.Element(qualified(book, "pivotCaches"))
            insert_after(book, caches, *_BEFORE_CACHES)
        number = 1 + max((whole_number(cache.get("cacheId")) for cache in caches), default=0)
        self._caches[part] = str(number)
        cache = etree.SubElement(
            caches, qualified(caches, "pivotCache"), {"cacheId": str(number)}, {"r": package.office}
        )
        cache.set(f"{{{package.office}}}id", package.relate_as(package.workbook, kind, part))

    def _pivot_cache(self, part: str, home: str) -> Element:
        """The data behind a pivot table, which are read again when the workbook is opened."""
        root = self.source.tree(part)
        root.set("refreshOnLoad", "1")
        for source in root.iter("{*}worksheetSource", "{*}rangeSet"):
            sheet, ref = source.get("sheet"), source.get("ref")
            if source.get("name"):
                self.formulas.used.add(source.get("name", "").casefold())
            if sheet is not None and sheet.casefold() in self.formulas.sheets:
                moved = self.formulas.location(f"{quoted_sheet(sheet)}!{ref or 'A1'}", home)
                source.set("sheet", self.formulas.sheets[sheet.casefold()])
                if ref is not None:
                    source.set("ref", moved.rpartition("!")[2])
        return root

    def _type(self, part: str, target: str) -> str:
        """The whole type of the relationship from a part of the source to another one."""
        return next(relation.type for relation in self.source.package.relations(part) if relation.target == target)

    def _people(self) -> None:
        """The people who wrote threaded comments."""
        theirs = self.source.package.related(self.source.package.workbook, "person")
        package = self.target.package
        if theirs is None or theirs in self._copied:
            return
        mine = package.related(package.workbook, "person")
        if mine is None:
            mine = self.copy(theirs, "person", "")
            package.relate_as(package.workbook, self._type(self.source.package.workbook, theirs), mine)
            return
        self._copied[theirs] = mine
        root = package.parse(mine)
        known = {person.get("id") for person in root.iterfind("{*}person")}
        root.extend(deepcopy(element) for element in self.source.tree(theirs) if element.get("id") not in known)
        package.put(mine, root)
