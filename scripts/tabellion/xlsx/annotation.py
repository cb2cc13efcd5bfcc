"""Annotated copies: the sender's own workbook, its faulty cells coloured and commented, and first a list of them.

The parts that no finding concerns are the sender's, byte for byte, and in the others only the named cells change.
Copies are put in a folder for people, or made on all cores until the outputs are published.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import xlsxwriter

from tabellion.addresses import MAX_COLUMNS, MAX_ROWS, cell_name, parse_cell
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.findings.codes.files import UNREADABLE
from tabellion.layout.forms import BASELINE
from tabellion.layout.names import ANNOTATIONS, TO_ANNOTATIONS, cell_link, is_annotations, quoted_sheet, sheet_name
from tabellion.layout.theme import Theme
from tabellion.processes import ChildEndedError, worker_count
from tabellion.reading.limits import Limits
from tabellion.reading.reader import ReaderPool, ReadOutcome, shared_readers
from tabellion.reading.source import read_source
from tabellion.reading.xml_parts import normalised_xml
from tabellion.transaction.files import cannot_write, edited_among, keep_dated_copy, write_all_whole
from tabellion.xlsx.findings_sheet import HEADER_ROW, LAST_COLUMN, build_sheet, count, lines_of, ordered
from tabellion.xlsx.mending import mend
from tabellion.xlsx.notes import CellFindings, add_comments, remove_comments
from tabellion.xlsx.package import FILTER, PRINT_TITLES, PackageEditor, SheetEntry
from tabellion.xlsx.sheet import SheetEditor, unselect
from tabellion.xlsx.styles import StyleSheet
from tabellion.xlsx.trees import LARGEST_TREE_BYTES

#: What the hidden cell of the list holds: a digest of every other part, broken by any later save.
_MARK = "tabellion-constats:"
_BLANK = _MARK + "0" * 64
#: Below this many, starting processes costs more than they save.
_FEW = 12
#: The rows of a form's sheet where the way back to its guide may be.
_WAY_BACK_ROWS = (2, 3)
_MARKED = re.compile(_MARK.encode() + rb"([0-9a-f]{64})")


def annotated_copy(original: bytes, findings: Sequence[Finding], theme: Theme) -> bytes:
    """The workbook ``original`` with its findings inside; the same input gives the same bytes.

    Findings without a cell, whose cell is nowhere in this file, or whose sheet is too large to be changed are only on
    the list. Raises ``TabellionError`` when the file is not a workbook that can be read.
    """
    package = PackageEditor(original)
    sheets = package.sheets()
    mended = mend(package, original, sheets)
    styles = StyleSheet(package)
    in_order = ordered(findings, [sheet.name for sheet in sheets])
    old = _old_list(package, sheets)
    is_form = any(sheet.name == BASELINE for sheet in sheets)
    name = old.name if old is not None else sheet_name(ANNOTATIONS, "", {sheet.name.casefold() for sheet in sheets})
    back = cell_link(name, "A1") if is_form else ""
    too_large = []
    for sheet in sheets:
        if sheet.worksheet and sheet != old:
            if old is not None:
                remove_comments(package, sheet.part)
            if len(package.parts[sheet.part]) > LARGEST_TREE_BYTES:
                too_large.append(sheet.name)
                # Typing into one of two selected sheets would fill both, and the list is selected.
                package.parts[sheet.part] = package.parts[sheet.part].replace(b' tabSelected="1"', b"", 1)
            else:
                _annotate_sheet(package, sheet, in_order, styles, theme, back)
    list_part = _add_list(package, sheets, old, name, in_order, styles, theme, too_large, mended)
    styles.save()
    digest = _digest((name, content) for name, content in package.parts.items() if name != list_part)
    package.parts[list_part] = package.parts[list_part].replace(_BLANK.encode(), (_MARK + digest).encode())
    return package.to_bytes()


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
            digest = _digest((other, part) for other, part in parts.items() if other != name)
            blank = content.replace(match[0], _BLANK.encode())
            return match[1].decode() == digest and blank.count(_BLANK.encode()) == 1
    return False


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    lines = sorted(f"{name}:{hashlib.sha256(content).hexdigest()}" for name, content in parts)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()


def _annotate_sheet(
    package: PackageEditor, entry: SheetEntry, findings: Sequence[Finding], styles: StyleSheet, theme: Theme, back: str
) -> None:
    """Colour and comment the cells of one sheet, which has a way ``back`` to the list, and leave it unselected."""
    places = [(place, finding) for finding in findings for place in finding.faulty if place.feuille == entry.name]
    addresses = [(_address(place), finding) for place, finding in places]
    addressed = [(address, finding) for address, finding in addresses if address is not None]
    if not addressed and b"tabSelected" not in normalised_xml(package.parts[entry.part], entry.part):
        return
    root = package.parse(entry.part)
    changed = unselect(root)
    if addressed:
        changed = True
        sheet = SheetEditor(root)
        by_cell: dict[tuple[int, int], list[Finding]] = {}
        for address, finding in addressed:
            by_cell.setdefault(sheet.anchor(*address), []).append(finding)
        cells = [CellFindings(*address, cell_findings) for address, cell_findings in sorted(by_cell.items())]
        for faulty in cells:
            label = faulty.severity.label
            cell = sheet.cell(faulty.row, faulty.column)
            ink, ground = theme.colours[f"{label}_texte"], theme.colours[label]
            cell.set("s", str(styles.recoloured(int(cell.get("s", "0")), ink, ground)))
        add_comments(package, entry.part, sheet, cells, theme)
        if back:
            _link_back(sheet, back, styles, theme)
    if changed:
        package.put(entry.part, root)


def _link_back(sheet: SheetEditor, back: str, styles: StyleSheet, theme: Theme) -> None:
    """Put the way back to the list above the form's own way back to its guide, the last of what is above its table."""
    row, column = max(sheet.filled(_WAY_BACK_ROWS), key=lambda place: (place[1], place[0]), default=(0, 0))
    if not row or (row - 1, column) in sheet.filled([row - 1]) or sheet.anchor(row - 1, column) != (row - 1, column):
        return
    cell = sheet.cell(row - 1, column)
    look = styles.style(font=theme.font, size=theme.size, ink=theme.colours["lien"], underline=True)
    cell.set("s", str(look))
    sheet.set_value(cell, TO_ANNOTATIONS)
    sheet.link(cell_name(row - 1, column), back, TO_ANNOTATIONS)


def _address(place: Place) -> tuple[int, int] | None:
    """The cell of a place (the first of a range); ``None`` when it has none that a sheet can have."""
    try:
        row, column = parse_cell((place.cellule or "").partition(":")[0])
    except ValueError:
        return None
    return (row, column) if row <= MAX_ROWS and column <= MAX_COLUMNS else None


def _old_list(package: PackageEditor, sheets: Sequence[SheetEntry]) -> SheetEntry | None:
    """The list of an earlier annotated copy, which someone has corrected and sent: the new one takes its place."""
    mark = _MARK.encode()
    shared_strings = package.related(package.workbook, "sharedStrings")
    shared = shared_strings is not None and mark in package.parts[shared_strings]
    for sheet in sheets:
        if sheet.worksheet and is_annotations(sheet.name) and (shared or mark in package.parts[sheet.part]):
            return sheet
    return None


def _add_list(
    package: PackageEditor,
    sheets: Sequence[SheetEntry],
    old: SheetEntry | None,
    name: str,
    findings: Sequence[Finding],
    styles: StyleSheet,
    theme: Theme,
    too_large: Sequence[str],
    mended: str,
) -> str:
    """Put the list first in the workbook, or in the place of an ``old`` one; returns its part."""
    lines = lines_of(findings)
    linked = {sheet.name for sheet in sheets if sheet.state == "visible" and sheet.worksheet and sheet != old}
    root = build_sheet(
        lines, count(findings), theme, styles, linked, package.main, mark=_BLANK, too_large=too_large, mended=mended
    )
    if old is None:
        place, part = 0, package.free_name("xl/worksheets/sheet{}.xml")
        package.put(part, root)
        package.insert_sheet(name, part)
    else:
        place, part = sheets.index(old), old.part
        package.put(part, root)
        package.unrelate(part)
    package.open_at(place)
    last, sheet = HEADER_ROW + len(lines), quoted_sheet(name)
    filtered, titles = f"$A${HEADER_ROW}:${LAST_COLUMN}${last}", f"${HEADER_ROW}:${HEADER_ROW}"
    package.set_local_names(place, {FILTER: f"{sheet}!{filtered}", PRINT_TITLES: f"{sheet}!{titles}"})
    return part


def annotate(
    returns: Iterable[tuple[Path, Sequence[Finding]]], folder: Path, theme: Theme, now: datetime
) -> list[Path]:
    """Write into ``folder`` one annotated copy per file that has findings, under the file's own name; return them.

    A file without findings, or that cannot be read, gets none, and an old copy of it there is removed. Someone may
    have typed into an old copy: it is then kept, under a dated name (``now``) when a new one takes its place.
    Raises ``TabellionError`` when ``folder`` holds one of the originals, or cannot be written.
    """
    pairs = list(returns)
    if any(path.parent.resolve() == folder.resolve() for path, _ in pairs):
        words = "un dossier où ne se trouve aucun des fichiers à annoter"
        place = Place("--annoter")
        raise TabellionError([finding("option-fausse", place, champ="--annoter", valeur=str(folder), attendu=words)])
    contents: dict[Path, bytes] = {}
    clean: list[Path] = []
    for path, findings in pairs:
        target = _free(folder / path.name, contents)
        copy = _copy(path, findings, theme) if findings else None
        if copy is None:
            clean.append(target)
        else:
            contents[target] = copy
    for target in edited_among(contents, lambda present, _: is_annotated(present)):
        keep_dated_copy(target, now)
    write_all_whole({target: copy for target, copy in contents.items() if _content(target) != copy})
    for target in clean:
        if target not in contents and is_annotated(_content(target) or b""):
            _remove(target)
    return list(contents)


def _copy(path: Path, findings: Sequence[Finding], theme: Theme) -> bytes | None:
    """The annotated copy of a file; ``None`` when it cannot be read: what refuses it is among its findings.

    Where the file itself cannot be changed, whatever stands in its way, its findings make a workbook of their own.
    """
    try:
        content = read_source(path)
    except TabellionError:
        return None
    try:
        return annotated_copy(content, findings, theme)
    except Exception:  # a file that nobody foresaw costs its own copy, and not those of the others
        is_unread = any(finding.code in UNREADABLE for finding in findings)
        return None if is_unread else annotated_copy(_blank_workbook(), findings, theme)


def _blank_workbook() -> bytes:
    """A workbook of one empty sheet, in which the list of findings may stand alone."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})
        book.add_worksheet()
    return stream.getvalue()


def _free(target: Path, taken: Iterable[Path]) -> Path:
    """``target``, with a number when another return of this run has that name."""
    names = {path.name.casefold() for path in taken}
    rank, path = 1, target
    while path.name.casefold() in names:
        rank += 1
        path = target.with_name(f"{target.stem} ({rank}){target.suffix}")
    return path


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


@dataclass(frozen=True)
class CopyJob:
    """One annotated copy: of which file (``path``, named ``fichier``), under which name, with which findings.

    ``target`` is the copy's name from ``workbooks/``; ``digest`` stands for all that it is made from.
    """

    fichier: str
    target: str
    path: Path
    findings: tuple[Finding, ...]
    digest: str


@dataclass(frozen=True)
class MadeCopies:
    """Where each copy was made, by its target. ``away`` are those whose file could not be read just then, as when an
    editor saves it; ``findings`` say why others could not be made."""

    paths: Mapping[str, Path]
    away: Set[str]
    findings: Sequence[Finding]


def make_copies(jobs: Sequence[CopyJob], theme: Theme, folder: Path) -> MadeCopies:
    """Make each copy in ``folder``, under the limits of every file. Raises ``OSError`` when that cannot be written."""
    places = [folder / f"{number:05d}.xlsx" for number in range(len(jobs))]
    if len(jobs) < _FEW or worker_count() == 1:
        made = _made(shared_readers(), theme, jobs, places)
    else:
        with ReaderPool(worker_count()) as readers:
            made = _made(readers, theme, jobs, places)
    outcomes = list(zip(jobs, places, made, strict=True))
    sentences = [
        finding("copie-impossible", Place(job.fichier), valeur=Path(job.target).name, detail=outcome)
        for job, _, outcome in outcomes
        if isinstance(outcome, str)
    ]
    paths = {job.target: place for job, place, outcome in outcomes if outcome is True}
    return MadeCopies(paths, {job.target for job, _, outcome in outcomes if outcome is False}, sentences)


def _made(readers: ReaderPool, theme: Theme, jobs: Sequence[CopyJob], places: Sequence[Path]) -> list[bool | str]:
    """Whether each copy was made, or in words what stopped it. Raises ``OSError`` where one could not be written."""
    makers = [partial(_make, theme, job, place) for job, place in zip(jobs, places, strict=True)]
    futures = [readers.start(job.path, read=make) for job, make in zip(jobs, makers, strict=True)]
    return [_result(future, readers.limits) for future in futures]


def _result(future: Future[ReadOutcome], limits: Limits) -> bool | str:
    try:
        outcome = future.result()
    except TimeoutError:
        return f"elle n'était pas finie au bout de {limits.read_seconds:.0f} secondes"
    except ChildEndedError:
        return "le programme qui la faisait s'est arrêté net"
    if isinstance(outcome, OSError):
        raise outcome
    return outcome if isinstance(outcome, bool) else "il y faudrait trop de mémoire"


def _make(theme: Theme, job: CopyJob, place: Path, _path: str, _limits: Limits) -> bool | OSError:
    """Make one copy, in the child: whether it could be; or why it could not be written."""
    content = _copy(job.path, job.findings, theme)
    try:
        if content is not None:
            place.write_bytes(content)
    except OSError as error:
        return error
    return content is not None
