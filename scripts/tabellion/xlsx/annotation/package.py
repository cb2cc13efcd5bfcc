"""A workbook's package, edited part by part: what no edit names is written back byte for byte."""

from __future__ import annotations

import io
import posixpath
import zipfile
from dataclasses import dataclass
from urllib.parse import unquote

from tabellion.findings import TabellionError
from tabellion.reading.archive import open_archive
from tabellion.reading.limits import refusal
from tabellion.reading.source import check_content
from tabellion.reading.xml_parts import RELATIONSHIP_ID, normalised_xml, unescaped
from tabellion.xlsx.annotation.splice import DECLARATION, Edits, escape_attribute, find_nodes

CONTENT_TYPES = "[Content_Types].xml"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TRANSITIONAL = "schemas.openxmlformats.org/spreadsheetml/2006/main"
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Relation:
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
    """The parts of one workbook, by name. The bytes pass the guard of the container first."""

    def __init__(self, data: bytes) -> None:
        check_content(data, "")
        open_archive(data)
        with zipfile.ZipFile(io.BytesIO(data)) as source:
            self._entries = {entry.filename: entry for entry in source.infolist()}
            self.parts = {name: source.read(name) for name in self._entries}
        self._by_lower = {name.lower(): name for name in self.parts}
        root = next((each for each in self.relations("") if each.kind == "officeDocument"), None)
        if root is None or root.target not in self.parts:
            raise _damaged("il n’indique pas où est son contenu")
        self.workbook = root.target
        #: What the types of relationships begin with: the transitional or the strict standard.
        self.office = root.type.rpartition("/")[0]
        strict = "purl.oclc.org" in self.office
        self.main = f"http://{'purl.oclc.org/ooxml/spreadsheetml/main' if strict else _TRANSITIONAL}"

    def xml(self, part: str) -> bytes:
        """A part in UTF-8, without its declaration."""
        if part not in self.parts:
            raise _damaged(f"la partie « {part[:80]} » manque")
        return normalised_xml(self.parts[part], part)

    def put(self, part: str, content: bytes) -> None:
        """Write a part given in UTF-8 without its declaration."""
        self.parts[part] = DECLARATION + content.lstrip()
        self._by_lower[part.lower()] = part

    def free_name(self, pattern: str) -> str:
        """The first part name of ``pattern`` (which has a ``{}`` for a number) that is free."""
        number = 1
        while pattern.format(number).lower() in self._by_lower:
            number += 1
        return pattern.format(number)

    def sheets(self) -> list[SheetEntry]:
        """The sheets in tab order."""
        links = {each.id: each for each in self.relations(self.workbook)}
        found = []
        for node in find_nodes(
            self.xml(self.workbook), self.workbook, lambda depth, name, _: depth == 2 and name == "sheet"
        ):
            link = links.get(next((node.attributes[key] for key in RELATIONSHIP_ID if key in node.attributes), ""))
            if node.name == "sheet" and link is not None and link.target in self.parts:
                state = node.attributes.get("state", "visible")
                name = unescaped(node.attributes.get("name", ""))
                found.append(SheetEntry(name, state, link.target, link.kind == "worksheet"))
        return found

    def relations(self, part: str) -> list[Relation]:
        """The relationships of a part (of the package itself when empty), their targets as names of parts."""
        rels = self._rels(part)
        if rels not in self.parts:
            return []
        nodes = find_nodes(self.xml(rels), rels, lambda depth, name, _: depth == 1 and name == "Relationship")
        return [
            Relation(
                node.attributes.get("Id", ""),
                node.attributes.get("Type", ""),
                target if external else self._resolved(part, target),
                external,
            )
            for node in nodes[1:]
            for target in (node.attributes.get("Target", ""),)
            for external in (node.attributes.get("TargetMode") == "External",)
        ]

    def relate(self, part: str, kind: str, target: str) -> str:
        """Add a relationship from a part to another; returns its id."""
        rels = self._rels(part)
        if rels not in self.parts:
            self.put(rels, f'<Relationships xmlns="{_RELATIONS}"></Relationships>'.encode())
        content = self.xml(rels)
        root, *nodes = find_nodes(content, rels, lambda depth, _, __: depth == 1)
        taken = {node.attributes.get("Id", "").lower() for node in nodes}
        number = len(nodes) + 1
        while f"rid{number}" in taken:
            number += 1
        edits = Edits(content)
        prefix = _prefix(content)
        edits.append(
            root,
            f'<{prefix}Relationship Id="rId{number}" Type="{self.office}/{kind}" '
            f'Target="/{escape_attribute(target)}"/>',
        )
        self.put(rels, edits.result())
        return f"rId{number}"

    def unrelate(self, part: str) -> None:
        """Drop the relationships of a part that is written anew."""
        rels = self._rels(part)
        if rels in self.parts:
            self.put(rels, f'<Relationships xmlns="{_RELATIONS}"></Relationships>'.encode())

    def declare(self, part: str, content_type: str) -> None:
        """Say the content type of a new part."""
        self._type(f'Override PartName="/{escape_attribute(part)}" ContentType="{content_type}"')

    def declare_extension(self, extension: str, content_type: str) -> None:
        """Say the content type of an extension, unless it is said."""
        nodes = find_nodes(self.xml(CONTENT_TYPES), CONTENT_TYPES, lambda _, name, __: name == "Default")
        if not any(node.attributes.get("Extension", "").lower() == extension for node in nodes[1:]):
            self._type(f'Default Extension="{extension}" ContentType="{content_type}"')

    def _type(self, words: str) -> None:
        content = self.xml(CONTENT_TYPES)
        root, *_ = find_nodes(content, CONTENT_TYPES, lambda *_: False)
        edits = Edits(content)
        new = f"<{_prefix(content)}{words}/>"
        if words.startswith("Default"):  # defaults come first
            edits.insert(root.tag_end, new)
        else:
            edits.append(root, new)
        self.put(CONTENT_TYPES, edits.result())

    def _rels(self, part: str) -> str:
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


def _prefix(content: bytes) -> str:
    name = content.lstrip()[1:].split(b">", 1)[0].split(None, 1)[0].rstrip(b"/")
    before, colon, _ = name.rpartition(b":")
    return f"{before.decode()}:" if colon else ""


def _damaged(raison: str) -> TabellionError:
    return refusal("classeur-abime", raison=raison)
