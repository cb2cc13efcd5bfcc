"""The package's plan: which part is the workbook, which are its sheets and their tables, by relationships alone."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from tabellion.addresses import parse_range
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.reading.archive import Parts
from tabellion.reading.limits import LIMITS, Limits, refusal
from tabellion.reading.raw import RawTable
from tabellion.reading.xml_parts import RELATIONSHIP_ID, Element, elements

_TRUE = ("1", "true", "on")
_STATES = ("visible", "hidden", "veryHidden")
_PROPERTIES = ("creator", "lastModifiedBy", "created", "modified", "title", "Application", "AppVersion")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship: its kind is the last word of its type; its target is a part's name, or an outside address."""

    id: str
    kind: str
    target: str
    external: bool


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One worksheet of the workbook, in tab order: its name, state and part (a key of ``Parts.xml``)."""

    name: str
    state: str
    part: str


@dataclass(slots=True)
class Package:
    """What the workbook part says, with every part found."""

    sheets: list[SheetPart]
    names: dict[str, str]
    date1904: bool
    shared_strings: str | None
    styles: str | None
    properties: dict[str, str]
    notices: tuple[Finding, ...]


def read_package(parts: Parts, limits: Limits = LIMITS) -> Package:
    """Follow the relationships from the package's root to every worksheet.

    Raises ``TabellionError``: ``classeur-abime`` when a part that is spoken of is missing,
    ``classeur-trop-de-feuilles``, and the refusals of damaged XML.
    """
    root = list(_relationships(parts, ""))
    workbook = next((link.target for link in root if link.kind == "officeDocument" and not link.external), None)
    if workbook is None:
        raise _damaged("il n’indique pas où est son contenu")
    wanted = frozenset(("workbook", "sheet", "workbookPr", "definedName"))
    found = elements(_part(parts, workbook), workbook, wanted)
    if not any(element.name == "workbook" for element in found):
        raise refusal("format-non-reconnu")
    links = {link.id: link for link in _relationships(parts, workbook, required=True)}
    entries = [element for element in found if element.name == "sheet"]
    if len(entries) > limits.sheets:
        raise refusal("classeur-trop-de-feuilles", valeur=len(entries), attendu=limits.sheets)
    sheets = list(_sheets(parts, entries, links))
    book = next((element.attributes for element in found if element.name == "workbookPr"), {})
    return Package(
        sheets=sheets,
        names=_names(found, [entry.attributes.get("name", "") for entry in entries]),
        date1904=book.get("date1904", "") in _TRUE,
        shared_strings=_target(parts, links, "sharedStrings"),
        styles=_target(parts, links, "styles"),
        properties=_properties(parts, root),
        notices=tuple(_notices(parts, links)),
    )


def _sheets(parts: Parts, entries: list[Element], links: dict[str, Relationship]) -> Iterator[SheetPart]:
    seen: set[str] = set()
    for entry in entries:
        name = unescaped(entry.attributes.get("name", ""))
        link_id = next((entry.attributes[key] for key in RELATIONSHIP_ID if key in entry.attributes), None)
        if link_id == "":  # a code module of Excel 95, listed among the sheets
            continue
        link = links.get(link_id) if link_id is not None else None
        if link is None or link.external or not name:
            raise _damaged(f"la feuille « {name[:31]} » n’a pas de contenu")
        if name.casefold() in seen:
            raise _damaged(f"deux feuilles portent le nom « {name[:31]} »")
        seen.add(name.casefold())
        if link.kind != "worksheet":  # chart, dialog and Excel 4 macro sheets hold no table
            continue
        if link.target not in parts.xml:
            raise _damaged(f"le contenu de la feuille « {name[:31]} » manque")
        state = entry.attributes.get("state", "visible")
        yield SheetPart(name, state if state in _STATES else "visible", link.target)


def read_tables(parts: Parts, sheet: SheetPart) -> tuple[RawTable, ...]:
    """The Excel tables of one sheet, by place. Raises ``TabellionError`` when one is missing or makes no sense."""
    links = [link for link in _relationships(parts, sheet.part) if link.kind == "table" and not link.external]
    tables = [_table(_part(parts, link.target), link.target, sheet.name) for link in links]
    return tuple(sorted(tables, key=lambda table: (table.first_row, table.first_column)))


def _table(content: bytes, part: str, sheet: str) -> RawTable:
    found = elements(content, part, frozenset(("table", "tableColumn")))
    table = next((element.attributes for element in found if element.name == "table"), {})
    try:
        top, left, bottom, right = parse_range(table["ref"])
        headers, totals = int(table.get("headerRowCount", "1")), int(table.get("totalsRowCount", "0"))
    except (KeyError, ValueError):
        raise _damaged(f"un tableau de la feuille « {sheet[:31]} » est illisible") from None
    columns = [element.attributes.get("name", "") for element in found if element.name == "tableColumn"]
    return RawTable(
        name=unescaped(table.get("displayName") or table.get("name", "")),
        ref=table["ref"].replace("$", ""),
        sheet=sheet,
        columns=tuple(unescaped(name) for name in columns),
        header_row=top if headers else None,
        first_row=top + headers,
        last_row=bottom - totals,
        first_column=left,
        last_column=right,
        totals_row=totals > 0,
    )


def unescaped(text: str) -> str:
    """``text`` with the ``_x000A_`` escapes of SpreadsheetML undone, once: ``_x005F_x000A_`` is literal."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def _names(found: list[Element], sheet_names: list[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for element in found:
        if element.name != "definedName" or not element.attributes.get("name"):
            continue
        name = element.attributes["name"]
        local = element.attributes.get("localSheetId", "")
        if local.isdecimal() and len(local) < 6 and int(local) < len(sheet_names):
            name = f"{sheet_names[int(local)]}!{name}"
        names[name] = element.text
    return names


def _properties(parts: Parts, root: list[Relationship]) -> dict[str, str]:
    properties: dict[str, str] = {}
    for link in root:
        if link.kind in ("core-properties", "extended-properties") and link.target in parts.xml:
            for element in elements(parts.xml[link.target], link.target, frozenset(_PROPERTIES)):
                if element.text:
                    properties.setdefault(element.name[:1].lower() + element.name[1:], element.text)
    return properties


def _notices(parts: Parts, links: dict[str, Relationship]) -> Iterator[Finding]:
    nowhere = Place()
    kinds = {link.kind for link in links.values()}
    if "vbaProject" in kinds or "xlMacrosheet" in kinds or any(name.endswith("vbaproject.bin") for name in parts.names):
        yield finding("macros-presentes", nowhere)
    outside = [link for link in links.values() if link.kind == "externalLink"]
    if outside:
        targets = sorted(
            {
                unquote(target.target)
                for link in outside
                if link.target in parts.xml
                for target in _relationships(parts, link.target)
                if target.external
            }
        )
        shown = ", ".join(target[:120] for target in targets[:3]) + ("…" if len(targets) > 3 else "")
        yield finding("liens-externes", nowhere, valeur=len(outside), cibles=shown or "cible inconnue")
    if "connections" in kinds:
        yield finding("connexions-externes", nowhere)
    if any(name.startswith(("xl/embeddings/", "xl/activex/")) for name in parts.names):
        yield finding("objets-incorpores", nowhere)


def _relationships(parts: Parts, source: str, *, required: bool = False) -> Iterator[Relationship]:
    """The relationships of the part ``source`` (the package itself when empty), their targets resolved."""
    folder, base = posixpath.split(source)
    part = posixpath.join(folder, "_rels", f"{base}.rels")
    if part not in parts.xml:
        if required or not source:
            raise _damaged(f"la partie « {part} » manque")
        return
    for element in elements(parts.xml[part], part, frozenset(("Relationship",))):
        target = element.attributes.get("Target", "")
        external = element.attributes.get("TargetMode") == "External"
        yield Relationship(
            id=element.attributes.get("Id", ""),
            kind=element.attributes.get("Type", "").rpartition("/")[2],
            target=target if external else _resolved(folder, target),
            external=external,
        )


def _resolved(folder: str, target: str) -> str:
    """The part that ``target`` names from ``folder``, as a key of ``Parts.xml``; one outside is no part."""
    path = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/").lower()


def _target(parts: Parts, links: dict[str, Relationship], kind: str) -> str | None:
    link = next((link for link in links.values() if link.kind == kind and not link.external), None)
    if link is None:
        return None
    _part(parts, link.target)
    return link.target


def _part(parts: Parts, name: str) -> bytes:
    try:
        return parts.xml[name]
    except KeyError:
        raise _damaged(f"la partie « {name[:80]} » manque") from None


def _damaged(raison: str) -> TabellionError:
    return refusal("classeur-abime", raison=raison)
