"""WordprocessingML (ISO/IEC 29500-1, §17) written as it is made: paragraphs, tables, bookmarks, fields, links.

The text is made directly and not through a library's tree of elements: a document of thousands of pages then needs
neither the time nor the memory of that tree, and what the document needs most (fields, bookmarks, header rows, rows
that do not break) has to be written element by element anyway. Every look is a named style of the template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from tabellion.outputs.document.paging import Pages, text_lines

#: What XML 1.0 cannot hold.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
#: A row with more characters than this may break over two pages; a shorter one stays whole.
_LONG_ROW = 1200
#: Word reads no more of a table's alternative text, and no longer names of bookmarks.
_LONGEST_ALT, _LONGEST_BOOKMARK = 255, 40
TICKED, BLANK = "☒", "☐"


def safe(text: str) -> str:
    """``text`` as the content of an element: what XML cannot hold is shown as replaced, the rest is whole."""
    return escape(_ILLEGAL.sub("\ufffd", text))


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a paragraph: text with an optional character style, a link to a bookmark, or the page of one."""

    text: str
    style: str | None = None
    anchor: str | None = None
    page_of: str | None = None


Words = str | Sequence[Run]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its paragraphs' style, and its paragraphs."""

    style: str
    paragraphs: tuple[Words, ...]
    bookmark: str | None = None


def cell(style: str, *paragraphs: Words) -> Cell:
    """A cell of one or more paragraphs; a cell with none is blank."""
    return Cell(style, paragraphs or ("",))


@dataclass(frozen=True)
class Table:
    """What a table is before its rows: its style, its columns' shares of the width, its title and description."""

    style: str
    shares: tuple[float, ...]
    title: str
    description: str
    header: tuple[Cell, ...]
    first_column: bool = False
    last_row: bool = False


@dataclass
class Pen:
    """Writes a document's body, piece by piece, to ``sink``.

    ``ids`` are the identifiers of the template's styles by name, ``fills`` the colours that some give to their cells,
    ``margins`` those of the cells of tables; ``width`` is that of the text, in twentieths of a point. ``known_pages``
    are the pages of bookmarks, where known.
    """

    sink: Callable[[str], object]
    ids: Mapping[str, str]
    fills: Mapping[str, str]
    margins: Mapping[str, int]
    width: int
    pages: Pages
    known_pages: Mapping[str, int] = field(default_factory=dict)
    _bookmarks: int = 0

    def paragraph(
        self, style: str, words: Words, *, bookmark: str | None = None, new_page: bool = False, keep: bool = False
    ) -> None:
        """One paragraph; ``keep`` holds it on the page of the next one."""
        if new_page:
            self.pages.turn()
        self.pages.paragraph(style, words, keep=keep)
        if bookmark is not None:
            self.pages.mark(bookmark)
        more = ("<w:keepNext/>" if keep else "") + ("<w:pageBreakBefore/>" if new_page else "")
        self.sink(self._paragraph(style, words, bookmark, more))

    def _paragraph(self, style: str, words: Words, bookmark: str | None = None, more: str = "") -> str:
        content = self._words(words)
        if bookmark is not None:
            self._bookmarks += 1
            start = f'<w:bookmarkStart w:id="{self._bookmarks}" w:name={quoteattr(bookmark)}/>'
            content = f'{start}{content}<w:bookmarkEnd w:id="{self._bookmarks}"/>'
        return f"<w:p><w:pPr><w:pStyle w:val={quoteattr(self.ids[style])}/>{more}</w:pPr>{content}</w:p>"

    def _words(self, words: Words) -> str:
        if isinstance(words, str):
            return self._run(words, None) if words else ""
        return "".join(map(self._piece, words))

    def _piece(self, run: Run) -> str:
        if run.page_of is not None:
            page = str(self.known_pages.get(run.page_of, run.text))
            inside = self.field(f"PAGEREF {run.page_of} \\h", page)
        else:
            inside = self._run(run.text, run.style)
        anchor = run.anchor or run.page_of
        return (
            inside
            if anchor is None
            else f'<w:hyperlink w:anchor={quoteattr(anchor)} w:history="1">{inside}</w:hyperlink>'
        )

    def _run(self, text: str, style: str | None) -> str:
        theme = "" if style is None else f"<w:rPr><w:rStyle w:val={quoteattr(self.ids[style])}/></w:rPr>"
        parts = []
        for rank, line in enumerate(_BREAKS.split(text)):
            if rank:
                parts.append("<w:br/>")
            for place, piece in enumerate(line.split("\t")):
                if place:
                    parts.append("<w:tab/>")
                if piece:
                    parts.append(f'<w:t xml:space="preserve">{safe(piece)}</w:t>')
        return f"<w:r>{theme}{''.join(parts)}</w:r>"

    def field(self, instruction: str, shown: str) -> str:
        """A field with the result that it shows until it is updated."""
        return (
            '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
            f'<w:r><w:instrText xml:space="preserve"> {safe(instruction)} </w:instrText></w:r>'
            '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
            f'<w:r><w:t>{safe(shown)}</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
        )

    def contents(self, entries: Iterable[tuple[str, str, str]], *, live: bool) -> None:
        """The table of contents: (style, words, bookmark) of each entry.

        Word and LibreOffice update it on demand. Not ``live``, it is a list whose page numbers alone are fields.
        """
        entries = list(entries)
        for rank, (style, words, bookmark) in enumerate(entries):
            self.pages.paragraph(style, words)
            begin = end = ""
            if live and rank == 0:
                begin = (
                    '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve">'
                    ' TOC \\o "1-2" \\h \\z \\u </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
                )
            if live and rank == len(entries) - 1:
                end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
            page = self.field(f"PAGEREF {bookmark} \\h", str(self.known_pages.get(bookmark, "")))
            self.sink(
                f"<w:p><w:pPr><w:pStyle w:val={quoteattr(self.ids[style])}/></w:pPr>{begin}"
                f'<w:hyperlink w:anchor={quoteattr(bookmark)} w:history="1">{self._run(words, None)}'
                f"<w:r><w:tab/></w:r>{page}</w:hyperlink>{end}</w:p>"
            )

    def table(self, table: Table, rows: Iterable[Sequence[Cell]], *, keep_rows: bool = False) -> None:
        """A table whose header row is repeated on each page, written row by row.

        A row whose first cell is of a style with a colour of its own stays with the next one, as a title does;
        ``keep_rows`` keeps them all together where they fit on one page.
        """
        total = sum(table.shares)
        widths = [round(self.width * share / total) for share in table.shares]
        theme = {"firstRow": True, "lastRow": table.last_row, "firstColumn": table.first_column}
        flags = (0x20 * True) | (0x40 * table.last_row) | (0x80 * table.first_column) | 0x400
        said = " ".join(f'w:{name}="{int(on)}"' for name, on in theme.items())
        title, description = (
            quoteattr(_ILLEGAL.sub("\ufffd", each)[:_LONGEST_ALT]) for each in (table.title, table.description)
        )
        self.sink(
            f"<w:tbl><w:tblPr><w:tblStyle w:val={quoteattr(self.ids[table.style])}/>"
            f'<w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblLayout w:type="fixed"/>'
            f'<w:tblLook w:val="{flags:04X}" {said} w:lastColumn="0" w:noHBand="0" w:noVBand="1"/>'
            f"<w:tblCaption w:val={title}/><w:tblDescription w:val={description}/></w:tblPr>"
            f"<w:tblGrid>{''.join(f'<w:gridCol w:w={chr(34)}{width}{chr(34)}/>' for width in widths)}</w:tblGrid>"
        )
        margins = self.margins[table.style]
        self._row(table.header, widths, margins, header=True, keep=True)
        for row in rows:
            self._row(row, widths, margins, header=False, keep=keep_rows or row[0].style in self.fills)
        self.sink("</w:tbl>")
        self.pages.after_table()
        # Two tables that touch would become one; a small paragraph also lets the caret stand between them.
        self.sink(self._paragraph("Tableau texte", ""))

    def _row(self, row: Sequence[Cell], widths: Sequence[int], margins: int, *, header: bool, keep: bool) -> None:
        length = max(sum(_length(words) for words in each.paragraphs) for each in row)
        self.pages.row([(each, width) for each, width in zip(row, widths, strict=True)], margins, header=header)
        rules = ("" if length > _LONG_ROW else "<w:cantSplit/>") + ("<w:tblHeader/>" if header else "")
        self.sink(f"<w:tr><w:trPr>{rules}</w:trPr>" if rules else "<w:tr>")
        held = "<w:keepNext/>" if keep and length <= _LONG_ROW else ""
        for each, width in zip(row, widths, strict=True):
            fill = self.fills.get(each.style)
            shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
            self.sink(f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}</w:tcPr>')
            for rank, words in enumerate(each.paragraphs):
                if each.bookmark is not None and rank == 0:
                    self.pages.mark(each.bookmark)
                self.sink(self._paragraph(each.style, words, each.bookmark if rank == 0 else None, held))
            self.sink("</w:tc>")
        self.sink("</w:tr>")


def _length(words: Words) -> int:
    return len(words) if isinstance(words, str) else sum(len(run.text) for run in words)


def bookmark_name(kind: str, key: str | int) -> str:
    """A bookmark's name, made of the signs that Word allows there: letters, digits and underscores.

    Other signs become their code, so that two keys never have one name; a very long key is cut to a digest.
    """
    name = f"{kind}_" + "".join(each if each.isascii() and each.isalnum() else f"_{ord(each):x}_" for each in str(key))
    if len(name) <= _LONGEST_BOOKMARK:
        return name
    import hashlib

    return f"{kind}_{hashlib.sha256(str(key).encode('utf-8', 'replace')).hexdigest()[:24]}"


__all__ = ["BLANK", "TICKED", "Cell", "Pen", "Run", "Table", "Words", "bookmark_name", "cell", "safe", "text_lines"]
