"""From the bytes of a file to a :class:`RawWorkbook`: guard, scan, then calamine on a package that we wrote ourselves.

calamine is given a package of four kinds of parts, uncompressed: our own list of sheets, the shared texts, the styles
and the cells that the scan has seen. What its native code parses has thus been counted and is written in one plain way;
none of the sender's container, relationships or declared sizes reaches it.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Iterable
from math import isfinite
from typing import cast

from python_calamine import CalamineWorkbook

from tabellion.findings import TabellionError
from tabellion.reading.archive import Parts, open_archive
from tabellion.reading.content import check_content
from tabellion.reading.limits import LIMITS, MIB, Limits, refusal
from tabellion.reading.package import Package, SheetPart, read_package, read_tables
from tabellion.reading.percents import percent_cells, percent_styles
from tabellion.reading.raw import Cell, RawSheet, RawTable, RawValue, RawWorkbook
from tabellion.reading.shared_strings import plain_shared_strings
from tabellion.reading.sheet_xml import SheetScan, scan_sheet

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")


def parse_bytes(
    data: bytes, fichier: str, only: Callable[[str], bool] | None = None, limits: Limits = LIMITS
) -> RawWorkbook:
    """Read a whole workbook from ``data``, the bytes of the file named ``fichier``: pure and picklable.

    ``only`` says by name which sheets to read (all by default); the others are guarded as strictly, and left out.
    Native code runs here: on bytes from outside, call it in a child process (:mod:`tabellion.reading.worker`).
    Raises ``TabellionError`` with the one reason why the file is refused.
    """
    try:
        check_content(data, fichier)
        parts = open_archive(data, limits)
        package = read_package(parts, limits)
        sheets = _read_sheets(parts, package, only, limits)
    except TabellionError as error:
        raise TabellionError(finding.in_file(fichier) for finding in error.findings) from None
    except MemoryError:
        failure = refusal("lecture-memoire", attendu=limits.memory_bytes // MIB)
        raise TabellionError(finding.in_file(fichier) for finding in failure.findings) from None
    return RawWorkbook(
        fichier=fichier,
        sha256=hashlib.sha256(data).hexdigest(),
        sheets=sheets,
        names=package.names,
        date1904=package.date1904,
        properties=package.properties,
        notices=tuple(notice.in_file(fichier) for notice in package.notices),
    )


def _read_sheets(parts: Parts, package: Package, only: Callable[[str], bool] | None, limits: Limits) -> list[RawSheet]:
    chosen = [sheet for sheet in package.sheets if only is None or only(sheet.name)]
    scans = [scan_sheet(parts.xml[sheet.part], sheet.part, sheet.name, limits) for sheet in chosen]
    tables = [read_tables(parts, sheet) for sheet in chosen]
    strings = b""
    if package.shared_strings is not None:
        strings = plain_shared_strings(parts.xml[package.shared_strings], package.shared_strings, limits)
    styles, percents = b"", [frozenset[Cell]()] * len(scans)
    if package.styles is not None:
        styles = parts.xml[package.styles]
        styled = percent_styles(styles, package.styles)  # well-formed, or refused here
        percents = [percent_cells(scan.cells, styled) for scan in scans]
    parts.xml.clear()
    values = _values(_plain_package(scans, strings, styles, package.date1904), len(scans))
    return [_sheet(*one) for one in zip(chosen, scans, values, tables, percents, strict=True)]


def _values(archive: bytes, count: int) -> list[list[list[RawValue]]]:
    """The values of each sheet, from A1. calamine's panic is a ``BaseException``: here it is one refusal."""
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(archive))
        sheets = [workbook.get_sheet_by_index(index).to_python(skip_empty_area=False) for index in range(count)]
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise refusal("lecture-impossible", raison=str(error)[:200] or type(error).__name__) from None
    return cast("list[list[list[RawValue]]]", sheets)


def _sheet(
    part: SheetPart,
    scan: SheetScan,
    values: list[list[RawValue]],
    tables: tuple[RawTable, ...],
    percents: frozenset[Cell],
) -> RawSheet:
    """One sheet from its values and its scan: what calamine shows as ``''`` is told apart here."""
    rows = [[None if value == "" else value for value in row] if "" in row else row for row in values]
    if scan.may_overflow:
        for row, line in enumerate(rows, 1):
            for column, value in enumerate(line, 1):
                if isinstance(value, float) and not isfinite(value):
                    scan.errors[row, column] = "#NUM!"
    for row, column in scan.empty_texts:
        if row <= len(rows) and column <= len(rows[row - 1]) and rows[row - 1][column - 1] is None:
            rows[row - 1][column - 1] = ""
    for row, column in scan.errors:
        if row <= len(rows) and column <= len(rows[row - 1]):
            rows[row - 1][column - 1] = None
    return RawSheet(
        name=part.name,
        state=part.state,
        rows=rows,
        formulas=scan.formulas,
        errors=scan.errors,
        uncached=scan.uncached,
        percents=percents,
        merged=scan.merged,
        hidden_rows=scan.hidden_rows,
        hidden_columns=scan.hidden_columns,
        tables=tables,
    )


def _plain_package(scans: list[SheetScan], strings: bytes, styles: bytes, date1904: bool) -> bytes:
    """The package for calamine: sheets are named and numbered by us."""
    numbers = range(1, len(scans) + 1)
    sheets = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/{n}.xml"/>' for n in numbers
    )
    book = f'<workbookPr date1904="{int(date1904)}"/><sheets>{sheets}</sheets>'
    parts: list[tuple[str, *tuple[bytes, ...]]] = [
        ("_rels/.rels", _links(f'<Relationship Id="r" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>')),
        ("xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{book}</workbook>'.encode()),
        ("xl/_rels/workbook.xml.rels", _links(links)),
        ("xl/sharedStrings.xml", b"<sst>", strings, b"</sst>"),
    ]
    if styles:
        parts.append(("xl/styles.xml", styles))
    for n, scan in zip(numbers, scans, strict=True):
        cells, scan.cells = scan.cells, b""
        parts.append((f"xl/worksheets/{n}.xml", b"<worksheet><sheetData>", cells, b"</sheetData></worksheet>"))
    return _stored_archive(parts)


def _links(links: str) -> bytes:
    return f'<Relationships xmlns="{_RELATIONSHIPS}">{links}</Relationships>'.encode()


def _stored_archive(parts: Iterable[tuple[str, *tuple[bytes, ...]]]) -> bytes:
    """An archive of uncompressed parts, each given in pieces; ``zipfile`` would do, at five times the cost."""
    body: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name, *pieces in parts:
        raw, crc, size = name.encode(), 0, sum(map(len, pieces))
        for piece in pieces:
            crc = zlib.crc32(piece, crc)
        header = _LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, 0x21, crc, size, size, len(raw), 0) + raw
        directory.append(
            _CENTRAL.pack(b"PK\x01\x02", 20, 20, 0, 0, 0, 0x21, crc, size, size, len(raw), 0, 0, 0, 0, 0, offset) + raw
        )
        body += (header, *pieces)
        offset += len(header) + size
    index = b"".join(directory)
    end = _END.pack(b"PK\x05\x06", 0, 0, len(directory), len(directory), len(index), offset, 0)
    return b"".join((*body, index, end))
