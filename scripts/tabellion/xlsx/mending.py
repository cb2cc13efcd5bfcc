"""What other programs leave in a workbook that Excel would repair or throw away: mended in a copy of it, or taken out.

exceljs truncates tables to their first column, leaves apostrophes bare in names of sheets, and empties conditional
formats that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from tabellion.addresses import parse_range
from tabellion.findings import TabellionError
from tabellion.layout.names import quoted_sheet
from tabellion.reading.raw import RawSheet
from tabellion.reading.workbook import parse_bytes
from tabellion.wording import plural
from tabellion.xlsx.package import PackageEditor, SheetEntry
from tabellion.xlsx.trees import LARGEST_TREE_BYTES, Element, add, child, drop, insert_after, relationship_id

#: Conditional formats without a rule; what compares in a way that the standard does not have. Each begins with a text
#: that is searched for at once: both in one pattern would take ten times as long.
_EMPTY_FORMAT = re.compile(rb"<(?:\w+:)?conditionalFormatting\b[^>]*(?:/>|>\s*</)")
_ODD_OPERATOR = re.compile(rb'operator="(?:not)?(?:contains|Contains)(?:Errors|Blanks)"')
_OPERATORS = frozenset(
    (
        "lessThan", "lessThanOrEqual", "equal", "notEqual", "greaterThanOrEqual", "greaterThan", "between",
        "notBetween", "containsText", "notContains", "beginsWith", "endsWith",
    )
)  # fmt: skip


def mend(package: PackageEditor, original: bytes, sheets: Sequence[SheetEntry]) -> str:
    """Mend what Excel would repair; returns what was, in words, empty where there was nothing.

    ``original`` are the bytes that the package was made of: they give back the headers of a table.
    """
    mended = [plural(count, *words) for count, words in _mended(package, original, sheets) if count]
    return ", ".join(mended)


def _mended(
    package: PackageEditor, original: bytes, sheets: Sequence[SheetEntry]
) -> Iterator[tuple[int, tuple[str, str]]]:
    tables, lost = _mend_tables(package, original, sheets)
    yield tables, ("tableau rétabli", "tableaux rétablis")
    yield lost, ("tableau retiré", "tableaux retirés")
    yield _mend_names(package, [sheet.name for sheet in sheets]), ("nom rétabli", "noms rétablis")
    formats = [_mend_formats(package, sheet.part) for sheet in sheets if sheet.worksheet]
    yield sum(formats), ("mise en forme conditionnelle retirée", "mises en forme conditionnelles retirées")


def _mend_tables(package: PackageEditor, original: bytes, sheets: Sequence[SheetEntry]) -> tuple[int, int]:
    """Give tables their columns back from the cells of their headers; how many were mended, and taken out."""
    mended = lost = 0
    read: dict[str, RawSheet] | None = None
    for sheet in sheets:
        for relation in package.relations(sheet.part) if sheet.worksheet else ():
            if relation.kind != "table" or relation.target not in package.parts:
                continue
            root = package.parse(relation.target)
            if _is_whole(root):
                continue
            if read is None:
                read = _read(original)
            headers = _headers(root, read.get(sheet.name))
            if headers:
                _set_columns(root, headers)
                package.put(relation.target, root)
                mended += 1
            elif len(package.parts[sheet.part]) <= LARGEST_TREE_BYTES:
                _take_out(package, sheet.part, relation.id, relation.target)
                lost += 1
    return mended, lost


def _read(original: bytes) -> dict[str, RawSheet]:
    try:
        return {sheet.name: sheet for sheet in parse_bytes(original, "").sheets}
    except TabellionError:
        return {}


def _is_whole(table: Element) -> bool:
    """Whether a table has one column, of a name of its own, for each that it covers."""
    names = [column.get("name", "").casefold() for column in table.iterfind("{*}tableColumns/{*}tableColumn")]
    try:
        _, left, _, right = parse_range(table.get("ref", ""))
    except ValueError:
        return False
    return len(names) == right - left + 1 and len(set(names)) == len(names) and "" not in names


def _headers(table: Element, sheet: RawSheet | None) -> list[str]:
    """The texts of a table's first row; none where they cannot be its headers."""
    try:
        top, left, bottom, right = parse_range(table.get("ref", ""))
    except ValueError:
        return []
    labels = [sheet.value(top, column) if sheet is not None else None for column in range(left, right + 1)]
    headers = [value for value in labels if isinstance(value, str) and value.strip()]
    is_whole = len(headers) == len(labels) and len({header.casefold() for header in headers}) == len(labels)
    return headers if is_whole and bottom > top else []


def _set_columns(table: Element, headers: Sequence[str]) -> None:
    table.attrib.pop("headerRowCount", "")
    filters = table.find("{*}autoFilter")
    for filtered in filters.findall("{*}filterColumn") if filters is not None else ():
        drop(filtered)
    old = table.find("{*}tableColumns")
    if old is None:
        old = etree.SubElement(table, f"{{{etree.QName(table).namespace}}}tableColumns")
        insert_after(table, old, "autoFilter", "sortState")
    kept = {column.get("name", ""): column for column in old}
    for column in list(old):
        drop(column)
    for number, header in enumerate(headers, 1):
        if header in kept:
            kept[header].set("id", str(number))
            old.append(kept[header])
        else:
            add(old, "tableColumn", id=str(number), name=header.replace("\n", "_x000a_"))
    old.set("count", str(len(headers)))


def _take_out(package: PackageEditor, sheet: str, link: str, part: str) -> None:
    root = package.parse(sheet)
    for element in [part for part in root.iterfind("{*}tableParts/{*}tablePart") if relationship_id(part) == link]:
        parent = element.getparent()
        drop(element)
        if parent is not None and not len(parent):
            drop(parent)
        elif parent is not None:
            parent.set("count", str(len(parent)))
    package.put(sheet, root)
    rels = package.relations_part(sheet)
    relations = package.parse(rels)
    for element in [relation for relation in relations.iterfind("{*}Relationship") if relation.get("Id") == link]:
        drop(element)
    package.put(rels, relations)
    package.discard([part])


def _mend_names(package: PackageEditor, sheets: Sequence[str]) -> int:
    """Write twice the apostrophes of sheets that names show once; of names given twice, one stays: how many changed."""
    root = package.parse(package.workbook)
    names = root.find("{*}definedNames")
    mended, seen = 0, set[tuple[str, str | None]]()
    bare = {f"'{name}'!": f"{quoted_sheet(name)}!" for name in sheets if "'" in name}
    for defined in names.findall("{*}definedName") if names is not None else ():
        key = (defined.get("name", "").casefold(), defined.get("localSheetId"))
        if key in seen:
            drop(defined)
            mended += 1
            continue
        seen.add(key)
        text = defined.text or ""
        for wrong, right in bare.items():
            text = text.replace(wrong, right)
        if text != (defined.text or ""):
            defined.text = text
            mended += 1
    if mended:
        package.put(package.workbook, root)
    return mended


def _mend_formats(package: PackageEditor, part: str) -> int:
    """Take out the conditional formats that have no rule, and the operators that no rule has; how many formats went."""
    content = package.parts[part]
    is_odd = _EMPTY_FORMAT.search(content) or _ODD_OPERATOR.search(content)
    if not is_odd or len(content) > LARGEST_TREE_BYTES:
        return 0
    root = package.parse(part)
    child(root, "sheetData")
    lost = 0
    for rule in root.iterfind("{*}conditionalFormatting/{*}cfRule[@operator]"):
        if rule.get("operator") not in _OPERATORS:
            del rule.attrib["operator"]
    for formats in root.findall("{*}conditionalFormatting"):
        if formats.find("{*}cfRule") is None:
            drop(formats)
            lost += 1
    package.put(part, root)
    return lost
