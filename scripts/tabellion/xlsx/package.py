"""A workbook's package, edited part by part: a part that is not put back stays as it was, byte for byte.

The parts that change are parsed and written by lxml, which keeps prefixes, comments, character data and the order of
attributes. openpyxl would lose computed values and what it does not know, and make formulas of texts.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from tabellion.reading.archive import open_archive
from tabellion.reading.default_password import without_default_password
from tabellion.reading.source import check_content
from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx.trees import (
    Element,
    add,
    child,
    damaged,
    drop,
    insert_after,
    parse_xml,
    qualified,
    relationship_id,
    whole_number,
)

#: As Excel writes it; lxml's own has single quotes.
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_CONTENT_TYPES = "[Content_Types].xml"
_NO_RELATIONSHIPS = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>'
#: The names that Excel gives to a sheet's filter and to its repeated rows.
FILTER, PRINT_TITLES = "_xlnm._FilterDatabase", "_xlnm.Print_Titles"
_TRANSITIONAL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PartRelationship:
    """One relationship of a part: its whole type, and the part (or the outside address) that it leads to."""

    id: str
    type: str
    target: str
    external: bool

    @property
    def kind(self) -> str:
        """The last word of the type."""
        return self.type.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """One sheet as the workbook lists it; ``part`` is its part's name, ``worksheet`` whether it has cells."""

    name: str
    state: str
    part: str
    worksheet: bool


class PackageEditor:
    """The parts of one workbook, by name, in their order. The bytes pass the guard of the container first.

    Raises ``TabellionError`` for what the guard refuses, and ``classeur-abime`` for a package without a workbook.
    """

    def __init__(self, data: bytes) -> None:
        data = without_default_password(data)
        check_content(data, "")
        package = open_archive(data)
        self._entries = package.entries
        self.parts = {name: package.content(name) for name in self._entries}
        self._by_lower = {name.lower(): name for name in self.parts}
        root = next((relation for relation in self.relations("") if relation.kind == "officeDocument"), None)
        if root is None or root.target not in self.parts:
            raise damaged("il n’indique pas où est son contenu")
        self.workbook = root.target
        #: What the types of relationships begin with, and the namespace of cells: both are transitional or strict.
        self.office = root.type.rpartition("/")[0]
        self.main = _STRICT if "purl.oclc.org" in self.office else _TRANSITIONAL

    def parse(self, part: str) -> Element:
        """The root of a part. Raises ``TabellionError`` as :func:`parse_xml` does, and when the part is missing."""
        if part not in self.parts:
            raise damaged(f"la partie « {part[:80]} » manque")
        return parse_xml(self.parts[part], part)

    def put(self, part: str, root: Element) -> None:
        """Write a part, new or changed."""
        content = etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=False)
        self.put_bytes(part, _DECLARATION + content)

    def put_bytes(self, part: str, content: bytes) -> None:
        """Write a part as it is, new or changed."""
        self.parts[part] = content
        self._by_lower[part.lower()] = part

    def free_name(self, pattern: str) -> str:
        """The first part name of ``pattern`` (which has a ``{}`` for a number) that is free."""
        number = 1
        while pattern.format(number).lower() in self._by_lower:
            number += 1
        return pattern.format(number)

    def relations(self, part: str) -> list[PartRelationship]:
        """The relationships of a part (of the package itself when empty), their targets as names of parts."""
        rels = self.relations_part(part)
        relations = []
        for element in self.parse(rels).iterfind("{*}Relationship") if rels in self.parts else ():
            target, external = element.get("Target", ""), element.get("TargetMode") == "External"
            place = target if external else self._resolved(part, target)
            relations.append(PartRelationship(element.get("Id", ""), element.get("Type", ""), place, external))
        return relations

    def related(self, part: str, kind: str) -> str | None:
        """The first part of a kind that a part leads to."""
        targets = (relation.target for relation in self.relations(part) if relation.kind == kind)
        return next((target for target in targets if target in self.parts), None)

    def relate(self, part: str, kind: str, target: str) -> str:
        """Add a relationship from a part to another; returns its id."""
        return self.relate_as(part, f"{self.office}/{kind}", target)

    def relate_as(self, part: str, kind: str, target: str) -> str:
        """Add a relationship of a whole type, which may be none of the standard's own; returns its id."""
        rels = self.relations_part(part)
        root = self.parse(rels) if rels in self.parts else parse_xml(_NO_RELATIONSHIPS, rels)
        taken = {element.get("Id", "").lower() for element in root.iterfind("{*}Relationship")}
        number = len(taken) + 1
        while f"rid{number}" in taken:
            number += 1
        add(root, "Relationship", Id=f"rId{number}", Type=kind, Target=f"/{target}")
        self.put(rels, root)
        return f"rId{number}"

    def unrelate(self, part: str) -> None:
        """Drop the relationships of a part that is written anew."""
        rels = self.relations_part(part)
        if rels in self.parts:
            self.put(rels, parse_xml(_NO_RELATIONSHIPS, rels))

    def remove(self, part: str) -> None:
        """Take a part out of the package, with its content type and the workbook's relationships to it."""
        self.parts.pop(part, None)
        self._by_lower.pop(part.lower(), None)
        rels = self.relations_part(self.workbook)
        leading = {relation.id for relation in self.relations(self.workbook) if relation.target == part}
        for name, path, attribute, values in (
            (rels, "{*}Relationship", "Id", leading),
            (_CONTENT_TYPES, "{*}Override", "PartName", {f"/{part}"}),
        ):
            root = self.parse(name)
            for element in [element for element in root.iterfind(path) if element.get(attribute) in values]:
                drop(element)
            self.put(name, root)

    def discard(self, parts: Iterable[str]) -> None:
        """Take parts that nothing leads to out of the package, with their relationships and content types."""
        removed = {name for part in parts for name in (part, self.relations_part(part))}
        if not removed:
            return
        types = self.parse(_CONTENT_TYPES)
        for name in removed:
            self.parts.pop(name, None)
            self._by_lower.pop(name.lower(), None)
        for element in [
            override
            for override in types.iterfind("{*}Override")
            if override.get("PartName", "").lstrip("/") in removed
        ]:
            drop(element)
        self.put(_CONTENT_TYPES, types)

    def reachable(self) -> set[str]:
        """The parts that the package leads to, directly or through others."""
        reached, waiting = set[str](), [""]
        while waiting:
            for relation in self.relations(waiting.pop()):
                if not relation.external and relation.target in self.parts and relation.target not in reached:
                    reached.add(relation.target)
                    waiting.append(relation.target)
        return reached

    def content_type(self, part: str) -> tuple[str, bool]:
        """The content type of a part, and whether it is stated for its extension."""
        types = self.parse(_CONTENT_TYPES)
        for element in types.iterfind("{*}Override"):
            if element.get("PartName", "").lower() == f"/{part}".lower():
                return element.get("ContentType", ""), False
        extension = part.rpartition(".")[2].lower()
        for element in types.iterfind("{*}Default"):
            if element.get("Extension", "").lower() == extension:
                return element.get("ContentType", ""), True
        return "", True

    def declare(self, part: str, content_type: str) -> None:
        """State the content type of a new part."""
        types = self.parse(_CONTENT_TYPES)
        add(types, "Override", PartName=f"/{part}", ContentType=content_type)
        self.put(_CONTENT_TYPES, types)

    def declare_extension(self, extension: str, content_type: str) -> None:
        """State the content type of an extension, unless it is stated."""
        types = self.parse(_CONTENT_TYPES)
        if not any(element.get("Extension", "").lower() == extension for element in types.iterfind("{*}Default")):
            types.insert(0, add(types, "Default", Extension=extension, ContentType=content_type))
            self.put(_CONTENT_TYPES, types)

    def sheets(self) -> list[SheetEntry]:
        """The sheets in tab order."""
        relations = {relation.id: relation for relation in self.relations(self.workbook)}
        sheets = []
        for element in self.parse(self.workbook).iterfind("{*}sheets/{*}sheet"):
            relation = relations.get(relationship_id(element))
            if relation is not None and relation.target in self.parts:
                name, state = unescaped(element.get("name", "")), element.get("state", "visible")
                sheets.append(SheetEntry(name, state, relation.target, relation.kind == "worksheet"))
        return sheets

    def insert_sheet(self, name: str, part: str) -> None:
        """Put a new worksheet first in the workbook."""
        self.declare(part, _SHEET_TYPE)
        link = self.relate(self.workbook, "worksheet", part)
        root = self.parse(self.workbook)
        sheets = child(root, "sheets")
        number = 1 + max((whole_number(sheet.get("sheetId")) for sheet in sheets.iterfind("{*}sheet")), default=0)
        sheet = etree.Element(qualified(sheets, "sheet"), {"name": name, "sheetId": str(number)}, {"r": self.office})
        sheet.set(f"{{{self.office}}}id", link)
        sheets.insert(0, sheet)
        for defined in root.iterfind("{*}definedNames/{*}definedName[@localSheetId]"):
            defined.set("localSheetId", str(whole_number(defined.get("localSheetId")) + 1))
        self.put(self.workbook, root)

    def open_at(self, place: int) -> None:
        """Let the workbook open at the sheet of a zero-based place."""
        root = self.parse(self.workbook)
        for view in root.iterfind("{*}bookViews/{*}workbookView"):
            view.attrib.pop("firstSheet", "")
            view.attrib.pop("activeTab", "")
            if place:
                view.set("activeTab", str(place))
        self.put(self.workbook, root)

    def set_local_names(self, place: int, formulas: Mapping[str, str]) -> None:
        """Define the names of the sheet at a zero-based place, instead of those that it has."""
        root = self.parse(self.workbook)
        names = root.find("{*}definedNames")
        if names is None:
            names = etree.Element(qualified(root, "definedNames"))
            insert_after(root, names, "sheets", "functionGroups", "externalReferences")
        for old in names.findall(f"{{*}}definedName[@localSheetId='{place}']"):
            drop(old)
        for name, formula in formulas.items():
            hidden = {"hidden": "1"} if name == FILTER else {}  # as Excel hides it
            add(names, "definedName", name=name, localSheetId=str(place), **hidden).text = formula
        self.put(self.workbook, root)

    def relations_part(self, part: str) -> str:
        """The part that holds the relationships of a part, whether it is there or not."""
        folder, base = posixpath.split(part)
        name = posixpath.join(folder, "_rels", f"{base}.rels")
        return self._by_lower.get(name.lower(), name)

    def _resolved(self, part: str, target: str) -> str:
        path = unquote(target.partition("#")[0])
        name = posixpath.normpath(posixpath.join("/", posixpath.dirname(part), path)).lstrip("/")
        return self._by_lower.get(name.lower(), name)

    def to_bytes(self) -> bytes:
        """The archive: parts in their order with their dates, new ones at the end; the same parts, the same bytes."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in self.parts.items():
                known = self._entries.get(name)
                entry = zipfile.ZipInfo(name, known.date_time if known is not None else _FIRST_DATE)
                entry.external_attr = known.external_attr if known is not None else 0o600 << 16
                entry.create_system = known.create_system if known is not None else 3
                target.writestr(entry, content, zipfile.ZIP_DEFLATED)
        return stream.getvalue()
