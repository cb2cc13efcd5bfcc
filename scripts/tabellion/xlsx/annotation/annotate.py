"""Annotated copies: the sender's own workbook, its faulty cells coloured and commented, and first a list of them.

The package's parts are edited, not the workbook rewritten: a library that reads and writes workbooks (openpyxl) loses
computed values, charts it does not know, and makes formulas of texts. Here the parts that nothing is said of are the
sender's, byte for byte, and in the others only the named cells change.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from tabellion.addresses import parse_cell
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.names import ANNOTATIONS, is_annotations, quoted_sheet, sheet_name
from tabellion.layout.theme import Theme
from tabellion.reading.source import read_source
from tabellion.transaction.files import cannot_write, keep_dated_copy, write_all_whole
from tabellion.xlsx.annotation.comments import Mark, add_comments, remove_comments
from tabellion.xlsx.annotation.constats import HEADER_ROW, ordered, sheet_xml
from tabellion.xlsx.annotation.package import PackageEditor, SheetEntry
from tabellion.xlsx.annotation.sheet_map import Cell, SheetMap
from tabellion.xlsx.annotation.splice import Edits, escape_attribute, find_nodes, prefix_of
from tabellion.xlsx.annotation.styles import StyleSheet

_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_TRUE = ("1", "true", "on")
#: What the hidden cell of the list holds: a digest of every other part, broken by any later save.
_MARK = "tabellion-constats:"
_BLANK = _MARK + "0" * 64
_MARKED = re.compile(_MARK.encode() + rb"([0-9a-f]{64})")


def annotated_copy(original: bytes, findings: Sequence[Finding], theme: Theme) -> bytes:
    """The workbook ``original`` with its findings inside; the same input gives the same bytes.

    Findings without a cell, or whose cell is nowhere in this file, are only on the list. Raises ``TabellionError`` when
    the file is not a workbook that can be read.
    """
    package = PackageEditor(original)
    sheets = package.sheets()
    styles = StyleSheet(package, theme)
    found = ordered(findings, [sheet.name for sheet in sheets])
    old = _old_list(package, sheets)
    for sheet in sheets:
        if sheet.worksheet and sheet != old:
            if old is not None:
                remove_comments(package, sheet.part)
            _annotate_sheet(package, sheet, found, styles, theme)
            _unselect(package, sheet.part)
    mark_part = _add_list(package, sheets, old, found, styles, theme)
    styles.save()
    digest = _digest((name, content) for name, content in package.parts.items() if name != mark_part)
    package.parts[mark_part] = package.parts[mark_part].replace(_BLANK.encode(), (_MARK + digest).encode())
    return package.to_bytes()


def annotate(
    returns: Iterable[tuple[Path, Sequence[Finding]]], folder: Path, theme: Theme, now: datetime
) -> list[Path]:
    """Write into ``folder`` one annotated copy per file that has findings, under the file's own name; return them.

    A file without findings, or that cannot be read, gets none, and an old copy of it there is removed. Someone may
    have typed into an old copy: it is then kept, under a dated name (``now``) when a new one takes its place.
    Raises ``TabellionError`` when ``folder`` holds one of the originals, or cannot be written.
    """
    pairs = list(returns)
    inside = [path for path, _ in pairs if path.parent.resolve() == folder.resolve()]
    if inside:
        words = "un dossier où ne se trouve aucun des fichiers à annoter"
        place = Place("--annoter")
        raise TabellionError([finding("option-fausse", place, champ="--annoter", valeur=str(folder), attendu=words)])
    contents: dict[Path, bytes] = {}
    clean: list[Path] = []
    for path, findings in pairs:
        target = _free(folder / path.name, contents)
        copy = _copy(path, findings, theme)
        if copy is None:
            clean.append(target)
        else:
            contents[target] = copy
    changed = {target: copy for target, copy in contents.items() if _present(target) != copy}
    for target in changed:
        before = _present(target)
        if before is not None and not is_annotated(before):
            keep_dated_copy(target, now)
    write_all_whole(changed)
    for target in clean:
        if target not in contents and (before := _present(target)) is not None and is_annotated(before):
            _remove(target)
    return list(contents)


def is_annotated(workbook: bytes) -> bool:
    """Whether a workbook is an annotated copy exactly as the program wrote it."""
    try:
        with zipfile.ZipFile(io.BytesIO(workbook)) as source:
            parts = {name: source.read(name) for name in source.namelist()}
    except Exception:  # whatever a damaged or foreign file makes zipfile raise, it is not what the program wrote
        return False
    for name, content in parts.items():
        match = _MARKED.search(content) if name.startswith("xl/worksheets/") else None
        if match is not None:
            digest = _digest((other, each) for other, each in parts.items() if other != name)
            blank = content.replace(match[0], _BLANK.encode())
            return match[1].decode() == digest and blank.count(_BLANK.encode()) == 1
    return False


def _copy(path: Path, findings: Sequence[Finding], theme: Theme) -> bytes | None:
    if not findings:
        return None
    try:
        return annotated_copy(read_source(path), findings, theme)
    except TabellionError:  # what refuses the file is among its findings already
        return None


def _free(target: Path, taken: Iterable[Path]) -> Path:
    """``target``, with a number when another return of this run has that name."""
    names = {each.name.casefold() for each in taken}
    rank, path = 1, target
    while path.name.casefold() in names:
        rank += 1
        path = target.with_name(f"{target.stem} ({rank}){target.suffix}")
    return path


def _present(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    lines = sorted(f"{name}:{hashlib.sha256(content).hexdigest()}" for name, content in parts)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()


def _annotate_sheet(
    package: PackageEditor, sheet: SheetEntry, findings: Sequence[Finding], styles: StyleSheet, theme: Theme
) -> None:
    cells: dict[Cell, list[Finding]] = {}
    for each in findings:
        cell = _cell(each.place) if each.place.feuille == sheet.name else None
        if cell is not None:
            cells.setdefault(cell, []).append(each)
    if not cells:
        return
    drawn = SheetMap(package.xml(sheet.part), sheet.part, package.office)
    merged: dict[Cell, list[Finding]] = {}
    for cell, said in cells.items():
        merged.setdefault(drawn.anchor(cell), []).extend(said)
    order = {id(each): rank for rank, each in enumerate(findings)}
    marks = [Mark(*cell, sorted(said, key=lambda each: order[id(each)])) for cell, said in sorted(merged.items())]
    drawn.restyle(
        {
            (mark.row, mark.column): lambda style, severity=mark.severity: styles.faulty(style, severity)  # type: ignore[misc]
            for mark in marks
        }
    )
    add_comments(package, drawn, marks, theme)
    package.put(sheet.part, drawn.result())


def _cell(place: Place) -> Cell | None:
    """The cell of a place (the first of a range); ``None`` when it has none that a sheet can have."""
    try:
        row, column = parse_cell((place.cellule or "").partition(":")[0])
    except ValueError:
        return None
    return (row, column) if row <= 1_048_576 and column <= 16_384 else None


def _unselect(package: PackageEditor, part: str) -> None:
    """Only the list is selected: of sheets selected together, what is typed into one goes into all."""
    content = package.xml(part)
    if b"tabSelected" not in content[: content.find(b"sheetData")]:
        return
    edits = Edits(content)
    for node in find_nodes(content, part, lambda depth, name, _: depth == 2 and name == "sheetView")[1:]:
        if node.attributes.get("tabSelected") in _TRUE:
            edits.set(node, tabSelected=None)
    if edits.changes:
        package.put(part, edits.result())


def _old_list(package: PackageEditor, sheets: Sequence[SheetEntry]) -> SheetEntry | None:
    """The list of an earlier annotated copy, which someone has corrected and sent: the new one takes its place."""
    mark = _MARK.encode()
    shared = any(
        each.kind == "sharedStrings" and mark in package.parts.get(each.target, b"")
        for each in package.relations(package.workbook)
    )
    return next(
        (
            sheet
            for sheet in sheets
            if sheet.worksheet and is_annotations(sheet.name) and (shared or mark in package.parts[sheet.part])
        ),
        None,
    )


def _add_list(
    package: PackageEditor,
    sheets: Sequence[SheetEntry],
    old: SheetEntry | None,
    findings: Sequence[Finding],
    styles: StyleSheet,
    theme: Theme,
) -> str:
    """Put the list first in the workbook, or in the place of an ``old`` one; returns its part."""
    taken = {sheet.name.casefold() for sheet in sheets}
    name = sheet_name(ANNOTATIONS, "", taken) if old is None else old.name
    place = sheets.index(old) if old is not None else 0
    part = package.free_name("xl/worksheets/sheet{}.xml") if old is None else old.part
    linked = {sheet.name for sheet in sheets if sheet.state == "visible" and sheet.worksheet and sheet != old}
    package.put(part, sheet_xml(findings, theme, styles, linked, package.main, _BLANK))
    content = package.xml(package.workbook)
    wanted = ("sheet", "definedName", "workbookView")
    nodes = find_nodes(content, package.workbook, lambda depth, name, _: depth == 1 or (depth == 2 and name in wanted))
    edits, p = Edits(content), prefix_of(content, nodes[0])
    named = {node.name: node for node in nodes if node.depth == 1}
    if old is None:
        package.declare(part, _SHEET_TYPE)
        link = package.relate(package.workbook, "worksheet", part)
        number = 1 + max(int(node.attributes.get("sheetId", "0")) for node in nodes if node.name == "sheet")
        edits.insert(
            named["sheets"].tag_end,
            f'<{p}sheet xmlns:r="{package.office}" name="{escape_attribute(name)}" sheetId="{number}" r:id="{link}"/>',
        )
    else:
        package.unrelate(part)
    for node in nodes:
        local = node.attributes.get("localSheetId", "")
        if node.name == "definedName" and local.isdecimal():
            if old is None:  # sheets are one further than they were
                edits.set(node, localSheetId=str(int(local) + 1))
            elif int(local) == place:
                edits.replace(node.start, node.end, b"")
        if node.name == "workbookView":
            edits.set(node, activeTab=str(place) if place else None, firstSheet=None)
    last = HEADER_ROW + len(findings)
    names = "".join(
        f'<{p}definedName name="_xlnm.{key}" localSheetId="{place}"{more}>{quoted_sheet(name)}!{area}</{p}definedName>'
        for key, more, area in (
            ("_FilterDatabase", ' hidden="1"', f"$A${HEADER_ROW}:$G${last}"),
            ("Print_Titles", "", f"${HEADER_ROW}:${HEADER_ROW}"),
        )
    )
    if "definedNames" in named:
        edits.append(named["definedNames"], names)
    else:
        before = [named[each] for each in ("sheets", "functionGroups", "externalReferences") if each in named]
        edits.insert(before[-1].end, f"<{p}definedNames>{names}</{p}definedNames>")
    package.put(package.workbook, edits.result())
    return part
