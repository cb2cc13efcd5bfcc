"""One pass over the XML of a sheet: values, formulas, error values, hidden rows and columns, merged ranges.

The parser calls Python twice for each element, and a return has thousands of cells: what it calls is kept short, and
cells that are written as all programs write a number or a shared text never reach it. They are read from their text, in
their turn, only where that text can be nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite

from tabellion.addresses import MAX_COLUMNS, MAX_ROWS, cell_name, parse_cell, shifted
from tabellion.findings import TabellionError
from tabellion.reading.limits import LIMITS, Limits, refusal
from tabellion.reading.number_formats import STRUCK, CellFormat, NumberFormats, Shown, iso_moment
from tabellion.reading.raw import CellAddress, RawSheet, RawValue
from tabellion.reading.texts import NAMES, TRUE, TextReader
from tabellion.reading.xml_parts import is_plain, parse
from tabellion.wording import french_count

_OTHER_CELL = re.compile(rb'<c(?! r="[A-Z])[\s/>]')
_BLANK_CELL = re.compile(rb'<c r="[A-Z]{1,3}[1-9][0-9]{0,6}"(?: s="[0-9]{1,5}")?/>')
#: A number or a shared text as Excel, LibreOffice and this program write it.
_SIMPLE_CELL = re.compile(
    r'<c r="(([A-Z]{1,3})([1-9][0-9]{0,6}))"(?: s="([0-9]{1,5})")?(?: t="([sn])")?><v>([0-9.eE+-]{1,40})</v></c>'
)
#: So many simple cells for one with a formula: with fewer, the parser is as fast.
_FEW = 4
#: Gnumeric writes there the whole of a formula that it cannot read.
_LONGEST_ERROR = 20
#: The types of cells that hold their own text: there, no text is the empty text.
_TEXT_KINDS = ("str", "inlineStr")


@dataclass(frozen=True, slots=True)
class SheetContext:
    """What the cells of all sheets refer to: the shared texts by their number as cells write it, the number formats.

    A shared text is ``None`` where it is empty; ``struck`` are those with a part that is struck out, between
    ``~~``.
    """

    texts: dict[str, str | None]
    formats: NumberFormats
    struck: Mapping[str, str] = field(default_factory=dict)


def read_sheet(content: bytes, part: str, name: str, context: SheetContext, limits: Limits = LIMITS) -> RawSheet:
    """The sheet ``name``, visible and without its tables; ``content`` is UTF-8 as :func:`normalised_xml` gives it.

    Raises ``TabellionError``: ``feuille-trop-etendue``, ``texte-demesure``, ``classeur-abime``,
    ``lecture-impossible``, and the refusals of damaged XML.
    """
    reader = _SheetReader(part, name, context, limits)
    content = _without_blanks(content)
    pieces = reader.gaps(content.decode()) if _is_simple(content) else (content,)
    parse(pieces, part, reader.start, reader.end, reader.pieces.append)
    reader.expand_shared_formulas()
    return RawSheet(
        name=name,
        state="visible",
        rows=reader.rows(),
        formulas=reader.formulas,
        errors=reader.errors,
        uncached=reader.uncached,
        percents=frozenset(reader.percents),
        cell_formats=reader.cell_formats,
        merged=tuple(reader.merged),
        hidden_rows=frozenset(reader.hidden_rows),
        hidden_columns=frozenset(reader.hidden_columns),
    )


def _is_simple(content: bytes) -> bool:
    """Whether most cells of a sheet are simple, and what looks like one can be nothing else."""
    return content.count(b"<f") * _FEW < content.count(b"<v>") and is_plain(content)


def _without_blanks(content: bytes) -> bytes:
    """The XML of a sheet without the cells that only have a format: half of a form's, and nothing is read of them.

    Only where all cells say where they stand, and where what looks like a cell can be nothing else.
    """
    if b"<!" in content or _OTHER_CELL.search(content) is not None:
        return content
    return _BLANK_CELL.sub(b"", content)


class _SheetReader(TextReader):
    """Follows the XML of one sheet. Rows and columns are one-based."""

    def __init__(self, part: str, name: str, context: SheetContext, limits: Limits) -> None:
        super().__init__(part, limits)
        self.name, self.shared_texts, self.formats = name, context.texts, context.formats
        self.shown = context.formats.shown
        self.formats_of, self.struck_texts = context.formats.cell_formats, context.struck
        self.cell_formats: dict[CellAddress, CellFormat] = {}
        self.inside = False
        self.row, self.row_digits = 0, "0"
        self.columns: dict[str, int] = {}
        # of the current cell
        self.attributes: dict[str, str] = {}
        self.reference = ""
        self.value: str | None = None
        self.inline: str | None = None
        self.formula: str | None = None
        self.formula_attributes: dict[str, str] = {}
        # of the sheet
        self.lines: dict[int, list[RawValue]] = {}
        self.held = 0
        self.formulas: dict[CellAddress, str] = {}
        self.shared_formulas: dict[str, tuple[CellAddress, str]] = {}
        self.followers: list[tuple[CellAddress, str]] = []
        self.errors: dict[CellAddress, str] = {}
        self.uncached: set[CellAddress] = set()
        self.percents: set[CellAddress] = set()
        self.merged: list[str] = []
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()

    def gaps(self, content: str) -> Iterator[str]:
        """What the parser has to read of a plain sheet; the simple cells between are read once it has come to them."""
        last = 0
        for match in _SIMPLE_CELL.finditer(content):
            start = match.start()
            if start != last:
                mark = content.rfind("<", last, start)
                if not content.startswith(("</c>", "<row ", "<row>"), mark):  # no cell stands elsewhere
                    continue
                yield content[last:start]
            last = match.end()
            self.reference, letters, digits, style, kind, text = match.groups()
            row, column = self.row, self.columns.get(letters)
            if column is None or digits != self.row_digits:
                row, column = self.place(self.reference)
            self.keep(row, column, kind or "n", text, style)
        yield content[last:]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = NAMES.get(name)
        if kind == "c":
            self.attributes = attributes
            self.value = self.inline = self.formula = None
        elif kind == "v":
            self.pieces.clear()
        elif kind == "f":
            self.pieces.clear()
            self.formula_attributes = attributes
        elif kind == "row" and self.inside:
            self.start_row(attributes)
        elif kind == "sheetData":
            self.inside = True
        elif kind == "mergeCell":
            self.merged.append(attributes.get("ref", ""))
        elif kind == "col":
            self.hide_columns(attributes)
        else:
            super().start(name, attributes)

    def end(self, name: str) -> None:
        kind = NAMES.get(name)
        if kind == "c":
            if self.value is not None or self.formula is not None or self.inline is not None:
                self.end_cell()
            else:  # blank: only its format is there
                self.reference = self.attributes.get("r") or self.next_reference()
        elif kind == "v":
            self.value = "".join(self.pieces)
        elif kind == "f":
            self.formula = "".join(self.pieces)
        elif kind == "row" and self.inside:
            self.depth -= 1
        elif kind == "sheetData":
            self.inside = False
        else:
            super().end(name)

    def take(self, text: str) -> None:
        self.inline = text

    def start_row(self, attributes: dict[str, str]) -> None:
        digits = attributes.get("r", "").strip() or str(self.row + 1)
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 7):
            raise self.damaged("un numéro de ligne est illisible")
        self.row = int(digits)
        self.row_digits = str(self.row)
        self.reference = ""
        if not 1 <= self.row <= MAX_ROWS:
            raise self.damaged("une ligne est hors des limites d’une feuille")
        if attributes.get("hidden") in TRUE:
            self.hidden_rows.add(self.row)
        self.go_down()

    def hide_columns(self, attributes: dict[str, str]) -> None:
        first, last = attributes.get("min", ""), attributes.get("max", "")
        if attributes.get("hidden") in TRUE and first.isdecimal() and last.isdecimal() and len(last) < 8:
            self.hidden_columns.update(range(int(first), min(int(last), MAX_COLUMNS) + 1))

    def end_cell(self) -> None:
        attributes, text, formula = self.attributes, self.value, self.formula
        reference = self.reference = attributes.get("r") or self.next_reference()
        kind = attributes.get("t", "n")
        if self.inline or (text is None and self.inline is not None):
            text, kind = self.inline, "inlineStr"
        elif kind == "inlineStr":
            kind = "str"
        row, column = self.row, self.columns.get(reference.removesuffix(self.row_digits))
        if column is None:
            row, column = self.place(reference)
        if formula is not None:
            self.take_formula((row, column), self.checked(formula, reference, self.name), text, kind)
        if text or (text is not None and kind in _TEXT_KINDS):
            self.keep(row, column, kind, text, attributes.get("s"))

    def keep(self, row: int, column: int, kind: str, text: str, style: str | None) -> None:
        """Keep what a cell holds: the ``text`` of a type, in the format of the number ``style``."""
        shown = self.shown.get(style)
        if shown == "percentage":
            self.percents.add((row, column))
        if self.formats_of and (cell_format := self.formats_of.get(style)) is not None:
            self.cell_formats[row, column] = cell_format
        if kind == "s" and text in self.struck_texts:
            self.cell_formats[row, column] = replace(STRUCK, marked=self.struck_texts[text])
        elif kind == "inlineStr" and self.is_struck:
            self.cell_formats[row, column] = replace(STRUCK, marked="".join(self.marked))
        if kind == "s" and text in self.shared_texts:
            self.put(row, column, self.shared_texts[text])
        elif kind == "n":
            self.put(row, column, self.read_number((row, column), text, shown))
        else:
            self.put(row, column, self.read_value((row, column), kind, self.checked(text, self.reference, self.name)))

    def next_reference(self) -> str:
        """Where a cell that does not say it stands: right of the one before."""
        column = self.place(self.reference)[1] + 1 if self.reference else 1
        return cell_name(self.row, column)

    def place(self, reference: str) -> CellAddress:
        """The cell of a reference; its column is remembered for the rows to come."""
        try:
            row, column = parse_cell(reference)
        except ValueError:
            raise self.damaged("l’adresse d’une cellule est illisible") from None
        if row > MAX_ROWS or column > MAX_COLUMNS:
            raise self.damaged("une cellule est hors des limites d’une feuille")
        if row == self.row:
            self.columns[reference.removesuffix(self.row_digits)] = column
        return row, column

    def take_formula(self, cell: CellAddress, formula: str, text: str | None, kind: str) -> None:
        """Keep a formula, and whether its value was computed; the followers of a shared one wait for its text."""
        form = self.formula_attributes.get("t")
        if form == "shared":
            group = self.formula_attributes.get("si", "")
            if formula:
                self.shared_formulas.setdefault(group, (cell, formula))
            else:
                self.followers.append((cell, group))
        elif form == "dataTable":
            formula = "TABLE()"
        elif not formula:
            return
        self.formulas[cell] = formula
        if not text and (text is None or kind not in _TEXT_KINDS):
            self.uncached.add(cell)

    def read_number(self, cell: CellAddress, text: str, shown: Shown | None) -> RawValue:
        """A number, or what its format shows of it; what is no number is a text."""
        try:
            number = float(text)
        except ValueError:
            return self.checked(text, cell_name(*cell), self.name)
        if isfinite(number):
            return number if shown is None else self.formats.read(number, shown)
        self.errors[cell] = "#NUM!"
        return None

    def read_value(self, cell: CellAddress, kind: str, text: str) -> RawValue:
        """What a cell of a type (ECMA-376, part 1, 18.18.11) holds; an error value is noted apart."""
        if kind in _TEXT_KINDS:
            return text if text or (kind == "str" and cell in self.formulas) else None
        if kind == "b":
            return text != "0"
        if kind == "e":
            self.errors[cell] = text if len(text) <= _LONGEST_ERROR else "#NAME?"
            return None
        if kind == "d":
            return iso_moment(text)
        if kind == "s":
            raise refusal("lecture-impossible", raison=f"le texte partagé n° {text[:20]} n’existe pas")
        raise refusal("lecture-impossible", raison=f"une cellule est d’un type inconnu, « {kind[:20]} »")

    def put(self, row: int, column: int, value: RawValue) -> None:
        """Write a value at its place; the lines end with the last one that they hold."""
        line = self.lines.get(row)
        if line is None:
            line = self.lines[row] = []
        missing = column - len(line)
        if missing <= 0:
            line[column - 1] = value
            return
        self.held += missing
        if self.held > self.limits.sheet_cells:
            raise self.too_wide(max(self.lines), max(column, *map(len, self.lines.values())))
        if missing > 1:
            line.extend([None] * (missing - 1))
        line.append(value)

    def rows(self) -> list[list[RawValue]]:
        """The values of the sheet from A1, in rows of one length. The declared dimension of a sheet is not believed."""
        last_row, last_column = max(self.lines, default=0), max(map(len, self.lines.values()), default=0)
        corner_row = max((row for row, _ in self.formulas), default=0)
        corner_column = max((column for _, column in self.formulas), default=0)
        corner_row, corner_column = max(corner_row, last_row), max(corner_column, last_column)
        if corner_row * corner_column > self.limits.sheet_cells:
            raise self.too_wide(corner_row, corner_column)
        for line in self.lines.values():
            line.extend([None] * (last_column - len(line)))
        return [self.lines.get(row) or [None] * last_column for row in range(1, last_row + 1)]

    def too_wide(self, row: int, column: int) -> TabellionError:
        corner, limit = cell_name(row, column), french_count(self.limits.sheet_cells)
        return refusal("feuille-trop-etendue", feuille=self.name, cellule=corner, valeur=corner, attendu=limit)

    def expand_shared_formulas(self) -> None:
        """Give each follower of a shared formula its own text."""
        for cell, group in self.followers:
            if group in self.shared_formulas:
                first, formula = self.shared_formulas[group]
                self.formulas[cell] = shifted(formula, cell[0] - first[0], cell[1] - first[1])

    def damaged(self, raison: str) -> TabellionError:
        return refusal("classeur-abime", feuille=self.name, raison=raison)
