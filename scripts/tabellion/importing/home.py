"""Our own documents, come home: the register that a published document carries, and what was edited in its text since.

The text of the document as it was published is in it, so that each edit is a line that differs. One that can be traced
to a value of the register, by its fiche or convention and by what stood there, is a proposal; any other is said.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from tabellion.contract.carried import ARCHIVE, ELEMENT, TEXT
from tabellion.findings import TabellionError
from tabellion.importing.doors import DOCUMENT_LIMITS
from tabellion.importing.word import main_part, word_text
from tabellion.reading.archive import PackageParts, open_archive
from tabellion.reading.limits import LIMITS, Limits
from tabellion.reading.reader import ReaderPool
from tabellion.reading.source import read_source
from tabellion.schema import Key, TableSchema
from tabellion.schema.cast import cast_column
from tabellion.schema.money import format_euros
from tabellion.schema.tables import Row, Tables

_ZIP, _CUSTOM = b"PK\x03\x04", "customxml/"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)


class Home(NamedTuple):
    """What a document of our own says: the files of the register that it carries, its text now, and as it was.

    The texts are empty for a PDF, which nobody edits.
    """

    files: Mapping[str, bytes]
    text: str = ""
    published: str = ""


@dataclass(frozen=True)
class Edit:
    """A value of the register that was edited in the document: ``after`` is its text there."""

    table: str
    key: Key
    field: str
    before: object
    after: object


def carried_register(path: Path, limits: Limits = DOCUMENT_LIMITS) -> Home | None:
    """What a Word document or a PDF carries; ``None`` where it carries nothing, or nothing that can be read."""
    with ReaderPool(1, limits) as readers:
        outcome = readers.outcome(readers.start(path, read=read_home), path)
    return outcome if isinstance(outcome, Home) else None


def read_home(path: str, limits: Limits) -> Home | None:
    """What the child does."""
    data = read_source(Path(path), limits)
    text, archive = "", None
    if data.startswith(_ZIP):
        parts = open_archive(data, limits, check=lambda *_: None)
        if (main := main_part(parts)) and (archive := _in_word(parts)):
            text = word_text(parts, main)
    else:
        archive = _in_pdf(data)
    if not archive:
        return None
    package = open_archive(archive, limits, check=lambda *_: None)
    files = {name: package.content(name) for name in package.entries}
    published = files.pop(TEXT, b"").decode("utf-8", "replace")
    return Home(files, text, published)


def word_document_text(data: bytes) -> str:
    """The text of a Word document of our own, as :func:`carried_register` will read it."""
    parts = open_archive(data, LIMITS, check=lambda *_: None)
    main = main_part(parts)
    return word_text(parts, main) if main else ""


def _in_word(parts: PackageParts) -> bytes:
    """The archive in one of a document's own XML parts; Word and LibreOffice keep them when they save."""
    for name in sorted(parts.names):
        if name.startswith(_CUSTOM) and name.endswith(".xml"):
            with suppress(TabellionError, etree.XMLSyntaxError, binascii.Error, ValueError):
                root = etree.fromstring(parts.xml[name], _PARSER)
                if root.tag == ELEMENT:
                    return base64.b64decode(root.text or "")
    return b""


def _in_pdf(data: bytes) -> bytes:
    """The archive among the attachments of a PDF (ISO 32000-1, 7.11.4)."""
    from pdfminer.pdfdocument import PDFDocument
    from pdfminer.pdfparser import PDFParser
    from pdfminer.pdftypes import resolve1
    from pdfminer.psexceptions import PSException

    with suppress(PSException, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        names = resolve1(PDFDocument(PDFParser(BytesIO(data))).catalog["Names"])
        files = resolve1(resolve1(names["EmbeddedFiles"])["Names"])
        for name, file in zip(files[::2], files[1::2], strict=False):
            if resolve1(name) == ARCHIVE.encode():
                return bytes(resolve1(resolve1(resolve1(file)["EF"])["F"]).get_data())
    return b""


def edits_of(home: Home, tables: Tables) -> tuple[list[Edit], list[tuple[str, str]]]:
    """What was edited in a document since it was published, and the other lines that differ, before and now."""
    before, now = (text.split("\n") for text in (home.published, home.text))
    places = _Places(before, tables)
    edits, others = list[Edit](), list[tuple[str, str]]()
    for operation, start, end, first, last in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        if operation == "equal":
            continue
        if end - start != last - first:
            others.append((" / ".join(before[start:end]), " / ".join(now[first:last])))
            continue
        for number, (old, new) in enumerate(zip(before[start:end], now[first:last], strict=True), start):
            edits_here = places.edits(number, old.split("\t"), new.split("\t"))
            edits += edits_here
            if not edits_here:
                others.append((old, new))
    return edits, [(old, new) for old, new in others if old.strip() or new.strip()]


class _Places:
    """Where each line of a published text stands: in the fiche and the convention whose headings are above it."""

    def __init__(self, lines: list[str], tables: Tables) -> None:
        self.tables = tables
        fiches = {str(row["fiche_id"]): row for row in tables["fiches"].rows}
        titles = {str(row["titre"]): row["convention_id"] for row in tables["conventions"].rows}
        self.fiche: list[Row | None] = []
        self.convention: list[object] = []
        fiche: Row | None = None
        convention: object = None
        for line in lines:
            if "\t" not in line:
                number = line.rpartition(" ")[2]
                titled = next((titles[title] for title in titles if line.endswith(f"– {title}")), None)
                if number in fiches:
                    fiche = fiches[number]
                    convention = fiche["convention_id"]
                elif titled is not None and titled != convention:
                    fiche, convention = None, titled
            self.fiche.append(fiche)
            self.convention.append(convention)

    def edits(self, number: int, old: list[str], new: list[str]) -> list[Edit]:
        """The values of the register that a line says otherwise; none where one of its cells cannot be traced."""
        if len(old) != len(new) or len(old) < 2:
            return []
        fiche = self.fiche[number]
        cells = [
            self._of_fiche(fiche, old[0], was, now) if fiche is not None else self._of_line(number, old, was, now)
            for was, now in zip(old, new, strict=True)
            if was != now
        ]
        return [value for value in cells if value is not None] if None not in cells else []

    def _of_fiche(self, fiche: Row, label: str, was: str, now: str) -> Edit | None:
        """The text of a fiche that the row is labelled with, where it said ``was``."""
        schema = self.tables["fiches"].schema
        values = [
            field.name
            for field in schema.fields
            if field.kind == "string" and not field.is_technical and _alike(field.title, label)
            and field.name not in (*schema.primary_key, *schema.foreign) and _folded(fiche[field.name]) == _folded(was)
        ]  # fmt: skip
        return _edit(schema, fiche, values[0], now) if len(values) == 1 else None

    def _of_line(self, number: int, old: list[str], was: str, now: str) -> Edit | None:
        """The one budget line of the convention that said it: its label, or the amount beside it."""
        table = self.tables["lignes_budgetaires"]
        rows = [row for row in table.rows if row["convention_id"] == self.convention[number]]
        rows = [row for row in rows if _folded(row["libelle"]) == _folded(old[0])]
        if was == old[0]:
            return _edit(table.schema, rows[0], "libelle", now) if len(rows) == 1 else None
        amounts = [field.name for field in table.schema.fields if field.kind == "money"]
        cells = [(row, name) for row in rows for name in amounts if was and _amount(row[name]) == _folded(was)]
        return _edit(table.schema, *cells[0], now) if len(cells) == 1 else None


def _edit(schema: TableSchema, row: Row, name: str, text: str) -> Edit | None:
    """The edit of a value; ``None`` where the text is none that the field may take."""
    field, value = schema.by_name[name], None
    if text.strip():
        cast = cast_column(field, [text.strip()], tolerant=True)
        if cast.problems:
            return None
        value = cast.values[0]
    return Edit(schema.name, tuple(row[part] for part in schema.primary_key), name, row[name], value)


def _amount(cents: object) -> str | None:
    return _folded(format_euros(cents)) if isinstance(cents, int) else None


def _folded(text: object) -> str:
    return " ".join(str(text or "").split())


def _alike(title: str, label: str) -> bool:
    return _folded(title).casefold()[:8] == _folded(label).casefold()[:8]
