"""From the bytes of a file to a :class:`RawWorkbook`: the guard, the parts by their relationships, then each sheet."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import unquote

from tabellion.addresses import parse_range
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.forms import BASELINE, LISTS, SPELLINGS, TOTALS
from tabellion.reading.archive import PackageParts, open_archive
from tabellion.reading.default_password import without_default_password
from tabellion.reading.limits import LIMITS, MIB, Limits, refusal
from tabellion.reading.number_formats import NumberFormats, read_styles
from tabellion.reading.raw import RawSheet, RawTable, RawWorkbook
from tabellion.reading.sheets import SheetContext, read_sheet
from tabellion.reading.source import check_content
from tabellion.reading.texts import read_comments, read_texts
from tabellion.reading.xml_parts import RELATIONSHIP_ID, ParsedElement, elements, unescaped
from tabellion.wording import plural, printable, shortened

_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
#: The year from which archives count: what has no date says the beginning of it.
_NO_ARCHIVE_YEAR = 1980
_TRUE = ("1", "true", "on")
_STATES = ("visible", "hidden", "veryHidden")
_PROPERTIES = ("creator", "lastModifiedBy", "created", "modified", "title", "Application", "AppVersion")


def parse_bytes(data: bytes, fichier: str, limits: Limits = LIMITS) -> RawWorkbook:
    """Read a whole workbook from ``data``, the bytes of the file named ``fichier``.

    Bytes from outside are read in a child process (:mod:`tabellion.reading.reader`), which contains what these limits
    do not. Raises ``TabellionError`` with the one reason why the file is refused.
    """
    try:
        package = without_default_password(data)
        check_content(package, fichier)
        workbook = _read(open_archive(package, limits), limits)
    except TabellionError as error:
        raise TabellionError(finding.in_file(fichier) for finding in error.findings) from None
    except MemoryError:
        failure = refusal("lecture-memoire", attendu=limits.memory_bytes // MIB, ampleur="")
        raise TabellionError(finding.in_file(fichier) for finding in failure.findings) from None
    workbook.fichier, workbook.sha256 = fichier, hashlib.sha256(data).hexdigest()
    if package is not data:
        workbook.notices += (finding("mot-de-passe-d-excel", Place()),)
    workbook.notices = tuple(notice.in_file(fichier) for notice in workbook.notices)
    return workbook


def longest_sheet(data: bytes, limits: Limits = LIMITS) -> tuple[str, int]:
    """The name of the worksheet that has most rows, and how many; its content is not parsed.

    Raises ``TabellionError`` where the file is refused before its sheets are read.
    """
    parts = open_archive(data, limits)
    root = _relationships(parts, "", required=True)
    part = next((link.target for link in root if link.kind == "officeDocument" and not link.external), "")
    entries = elements(_content(parts, part), part, "sheet")[: limits.sheets]
    sheets = _sheet_parts(parts, entries, _relationships(parts, part, required=True))
    sizes = [(len(_ROW.findall(parts.xml[sheet.part])), sheet.name) for sheet in sheets]
    rows, name = max(sizes, default=(0, ""))
    return name, rows


def _read(parts: PackageParts, limits: Limits) -> RawWorkbook:
    """Follow the relationships from the package's root to every worksheet.

    Raises ``TabellionError``: ``classeur-abime`` when a part that is spoken of is missing,
    ``classeur-trop-de-feuilles``, and the refusals of damaged XML.
    """
    root = _relationships(parts, "", required=True)
    part = next((link.target for link in root if link.kind == "officeDocument" and not link.external), None)
    if part is None:
        raise _damaged("il n’indique pas où est son contenu")
    described = elements(_content(parts, part), part, "workbook", "sheet", "workbookPr", "definedName", "calcPr")
    if not any(element.name == "workbook" for element in described):
        raise refusal("format-non-reconnu")
    links = _relationships(parts, part, required=True)
    entries = [element for element in described if element.name == "sheet"]
    if len(entries) > limits.sheets:
        raise refusal("classeur-trop-de-feuilles", valeur=len(entries), attendu=limits.sheets)
    settings = next((element.attributes for element in described if element.name == "workbookPr"), {})
    date1904 = settings.get("date1904", "") in _TRUE
    sheet_parts = list(_sheet_parts(parts, entries, links))
    if any(sheet.name == BASELINE for sheet in sheet_parts):  # a form: half of its cells only say how to type
        sheet_parts = [replace(sheet, is_guide=sheet.name in (SPELLINGS, TOTALS, LISTS)) for sheet in sheet_parts]
    context = _context(parts, links, date1904, limits)
    return RawWorkbook(
        fichier="",
        sha256="",
        sheets=[_read_sheet(parts, sheet, context, limits) for sheet in sheet_parts],
        names=_names(described, [entry.attributes.get("name", "") for entry in entries]),
        date1904=date1904,
        properties=_properties(parts, root),
        archived=_archived(parts),
        notices=tuple(_notices(parts, links)),
        manual=any(
            element.name == "calcPr" and element.attributes.get("calcMode") == "manual" for element in described
        ),
    )


def _context(parts: PackageParts, links: list[Relationship], date1904: bool, limits: Limits) -> SheetContext:
    """The shared texts and the styles, where the workbook has some."""
    texts: dict[bytes, str | None] = {}
    formats, struck = NumberFormats({}), dict[bytes, str]()
    for link in links:
        if link.kind == "sharedStrings" and not link.external:
            texts, struck = read_texts(_content(parts, link.target), link.target, limits)
        elif link.kind == "styles" and not link.external:
            formats = read_styles(_content(parts, link.target), link.target, date1904=date1904)
    return SheetContext(texts, formats, struck)


# Relationships


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship: its kind is the last word of its type; its target is a part's name, or an outside address."""

    id: str
    kind: str
    target: str
    external: bool


def _relationships(parts: PackageParts, source: str, *, required: bool = False) -> list[Relationship]:
    """The relationships of the part ``source`` (the package itself when empty), their targets resolved."""
    folder, base = posixpath.split(source)
    part = posixpath.join(folder, "_rels", f"{base}.rels")
    if part not in parts.xml and not required:
        return []
    links = []
    for element in elements(_content(parts, part), part, "Relationship"):
        target = element.attributes.get("Target", "")
        external = element.attributes.get("TargetMode") == "External"
        links.append(
            Relationship(
                id=element.attributes.get("Id", ""),
                kind=element.attributes.get("Type", "").rpartition("/")[2],
                target=target if external else _resolved(folder, target),
                external=external,
            )
        )
    return links


def _resolved(folder: str, target: str) -> str:
    """The part that ``target`` names from ``folder``, as a key of ``PackageParts.xml``; one outside is no part."""
    path = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/").lower()


def _content(parts: PackageParts, name: str) -> bytes:
    try:
        return parts.xml[name]
    except KeyError:
        raise _damaged(f"la partie « {shortened(name, 80)} » manque") from None


# Sheets and their tables


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One worksheet as the workbook lists it: its name, state and part (a key of ``PackageParts.xml``).

    ``is_guide``: it says how to type, or lists what to choose from; its cells are left out, since nothing reads them.
    """

    name: str
    state: str
    part: str
    is_guide: bool = False


def _sheet_parts(
    parts: PackageParts, entries: Iterable[ParsedElement], links: list[Relationship]
) -> Iterator[SheetPart]:
    """The worksheets in tab order."""
    by_id = {link.id: link for link in links}
    seen: set[str] = set()
    for entry in entries:
        name = printable(unescaped(entry.attributes.get("name", "")))
        link_id = next((value for key, value in entry.attributes.items() if key.endswith(RELATIONSHIP_ID)), None)
        if link_id == "":  # a code module of Excel 95, listed among the sheets
            continue
        link = by_id.get(link_id) if link_id is not None else None
        if link is None or link.external or not name:
            raise _damaged(f"la feuille « {shortened(name, 31)} » n’a pas de contenu")
        if name.casefold() in seen:
            raise _damaged(f"deux feuilles portent le nom « {shortened(name, 31)} »")
        seen.add(name.casefold())
        if link.kind != "worksheet":  # chart, dialog and Excel 4 macro sheets hold no table
            continue
        if link.target not in parts.xml:
            raise _damaged(f"le contenu de la feuille « {shortened(name, 31)} » manque")
        state = entry.attributes.get("state", "visible")
        yield SheetPart(name, state if state in _STATES else "visible", link.target)


def _read_sheet(parts: PackageParts, sheet_part: SheetPart, context: SheetContext, limits: Limits) -> RawSheet:
    """One sheet with its Excel tables, by place. Raises ``TabellionError`` when one is missing or makes no sense."""
    related = [link for link in _relationships(parts, sheet_part.part) if not link.external]
    links = [link for link in related if link.kind == "table"]
    if sheet_part.is_guide and not links:  # with a table, it is a sheet to fill that somebody renamed
        return RawSheet(sheet_part.name, sheet_part.state, rows=[])
    sheet = read_sheet(parts.xml[sheet_part.part], sheet_part.part, sheet_part.name, context, limits)
    sheet.state = sheet_part.state
    sheet.comments = read_comments(parts, [link.target for link in related if link.kind == "comments"])
    tables = [_table(_content(parts, link.target), link.target, sheet.name) for link in links]
    sheet.tables = tuple(sorted(tables, key=lambda table: (table.first_row, table.first_column)))
    return sheet


def _table(content: bytes, part: str, sheet: str) -> RawTable:
    described = elements(content, part, "table", "tableColumn")
    table = next((element.attributes for element in described if element.name == "table"), {})
    try:
        top, left, bottom, right = parse_range(table["ref"])
        headers, totals = int(table.get("headerRowCount", "1")), int(table.get("totalsRowCount", "0"))
    except (KeyError, ValueError):
        raise _damaged(f"un tableau de la feuille « {shortened(sheet, 31)} » est illisible") from None
    columns = [element.attributes.get("name", "") for element in described if element.name == "tableColumn"]
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


# What the workbook says of itself


def _names(described: Iterable[ParsedElement], sheet_names: list[str]) -> dict[str, str]:
    """The defined names; a sheet's own are keyed ``sheet!name``."""
    names: dict[str, str] = {}
    for element in described:
        if element.name != "definedName" or not element.attributes.get("name"):
            continue
        name = element.attributes["name"]
        local = element.attributes.get("localSheetId", "")
        if local.isdecimal() and len(local) < 6 and int(local) < len(sheet_names):
            name = f"{sheet_names[int(local)]}!{name}"
        names[name] = element.text
    return names


def _properties(parts: PackageParts, root: list[Relationship]) -> dict[str, str]:
    properties: dict[str, str] = {}
    for link in root:
        if link.kind in ("core-properties", "extended-properties") and link.target in parts.xml:
            for element in elements(parts.xml[link.target], link.target, *_PROPERTIES):
                if element.text:
                    properties.setdefault(element.name[:1].lower() + element.name[1:], element.text)
    return properties


def _archived(parts: PackageParts) -> datetime | None:
    """The latest date that the archive gives to one of its entries; of 1980, a program writes that it has none."""
    dates = list[datetime]()
    for entry in parts.entries.values():
        with suppress(ValueError):  # an archive may say the thirteenth month
            dates.append(datetime(*entry.date_time))
    return max((day for day in dates if day.year > _NO_ARCHIVE_YEAR), default=None)


def _notices(parts: PackageParts, links: list[Relationship]) -> Iterator[Finding]:
    """What is in the file and never run: macros, links to other workbooks, connections, embedded objects."""
    nowhere = Place()
    kinds = {link.kind for link in links}
    if kinds & {"vbaProject", "xlMacrosheet"} or any(name.endswith("vbaproject.bin") for name in parts.names):
        yield finding("macros-presentes", nowhere)
    outside = [link for link in links if link.kind == "externalLink"]
    if outside:
        targets = sorted(
            {
                unquote(target.target)
                for link in outside
                for target in _relationships(parts, link.target)
                if link.target in parts.xml and target.external
            }
        )
        shown = ", ".join(shortened(target, 120) for target in targets[:3]) + ("…" if len(targets) > 3 else "")
        count = plural(len(outside), "lien vers un autre fichier", "liens vers d’autres fichiers")
        yield finding("liens-externes", nowhere, valeur=len(outside), cibles=shown or "cible inconnue", compte=count)
    if "connections" in kinds:
        yield finding("connexions-externes", nowhere)
    if any(name.startswith(("xl/embeddings/", "xl/activex/")) for name in parts.names):
        yield finding("objets-incorpores", nowhere)


def _damaged(raison: str) -> TabellionError:
    return refusal("classeur-abime", raison=raison)
