"""What people have, as text: a Word document, a PDF, a workbook or a text, by its content and never by its name.

Whatever is no plain text is read in a child process, under limits (DESIGN.md §8).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from tabellion.addresses import cell_name
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.importing.grids import CellGrid, csv_grid, printed_rows, sheet_grid
from tabellion.importing.lines import decode
from tabellion.importing.word import main_part, word_text
from tabellion.layout.names import IDENTITY
from tabellion.reading.archive import open_archive
from tabellion.reading.limits import Limits, refusal
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.reader import ReaderPool
from tabellion.reading.source import read_source
from tabellion.reading.workbook import parse_bytes
from tabellion.wording import plural

DOCUMENT_LIMITS = Limits(read_seconds=180.0)
"""A document is read once, by somebody who waits for it: a hundred pages of a PDF take some ten seconds."""
_ZIP, _PDF = b"PK\x03\x04", b"%PDF-"
_PDF_WITHIN_BYTES = 1024


class DocumentText(NamedTuple):
    """The bytes of a text; whether they were taken out of a document of another format (then in UTF-8), and what is to
    be said of what was left there.

    ``grids`` are the sheets that people see of a workbook, or the one table of a CSV.
    """

    data: bytes
    extracted: bool
    notices: tuple[Finding, ...] = ()
    grids: tuple[CellGrid, ...] = ()


def document_text(path: Path) -> DocumentText:
    """The text of the document at ``path``.

    Raises ``TabellionError`` (codes ``document-…``, ``fichier-…``, ``archive-…``, ``lecture-…``).
    """
    data = read_source(path, DOCUMENT_LIMITS)
    if not data.startswith(_ZIP) and _PDF not in data[:_PDF_WITHIN_BYTES]:
        try:
            grid = csv_grid(decode(data, path.name)[0], path.name)
        except TabellionError:
            grid = None  # it is said where the text is read
        return DocumentText(data, extracted=False, grids=() if grid is None else (grid,))
    with ReaderPool(1, DOCUMENT_LIMITS) as readers:
        outcome = readers.outcome(readers.start(path, read=read_office), path)
    if not isinstance(outcome, DocumentText):
        raise TabellionError(outcome)
    return outcome


def read_office(path: str, limits: Limits) -> DocumentText:
    """What the child does: the text of a Word document, a PDF or a workbook."""
    data = read_source(Path(path), limits)
    if not data.startswith(_ZIP):
        from tabellion.importing.pdf import pdf_text

        return DocumentText(pdf_text(data).encode(), extracted=True)
    parts = open_archive(data, limits, check=_check_kind)
    if main := main_part(parts):
        return DocumentText(word_text(parts, main).encode(), extracted=True)
    workbook = parse_bytes(data, Path(path).name, limits)
    if any(sheet.name == IDENTITY for sheet in workbook.sheets):
        raise refusal("document-de-tabellion")
    seen = [sheet for sheet in workbook.sheets if sheet.state == "visible"]
    lines = [line for sheet in seen for line in (*printed_rows(sheet.rows), "")]
    grids = tuple(sheet_grid(sheet, workbook.fichier) for sheet in seen)
    return DocumentText("\n".join(lines).encode(), extracted=True, notices=tuple(_unread(workbook)), grids=grids)


def _unread(workbook: RawWorkbook) -> Iterator[Finding]:
    """What is said of a workbook's hidden sheets, and of the cells of the others that give no value."""
    for sheet in workbook.sheets:
        lost = sorted({*sheet.errors, *sheet.uncached})
        if sheet.state != "visible" and sheet.rows:
            yield finding("feuille-masquee-non-lue", Place(workbook.fichier, sheet.name), valeur=sheet.name)
        elif sheet.state == "visible" and lost:
            places = [Place(workbook.fichier, sheet.name, cell_name(*cell)) for cell in lost]
            compte = plural(len(lost), "cellule est", "cellules sont")
            yield finding("cellules-non-lues", places[0], valeur=len(lost), compte=compte, liees=places[1:])


def _check_kind(names: Collection[str], mimetype: bytes) -> None:
    """Refuse an archive that is neither a Word document nor a workbook."""
    folders = {name.partition("/")[0] for name in names}
    if not folders & {"word", "xl"}:
        is_open = mimetype.startswith(b"application/vnd.oasis.opendocument")
        raise refusal("document-binaire", nature="un document OpenDocument" if is_open else "une archive (zip)")
