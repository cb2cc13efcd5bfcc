"""One pass over the XML of a sheet: values, formulas, error values, hidden rows and columns, merged ranges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite

from tabellion.addresses import MAX_COLUMNS, MAX_ROWS, cell_name, parse_cell, shifted
from tabellion.findings import TabellionError
from tabellion.reading.limits import LIMITS, Limits, refusal
from tabellion.reading.number_formats import STRUCK, CellFormat, NumberFormats, Shown, iso_moment
from tabellion.reading.plain_xml import EXTENDED_ROWS, FILLED_CELL, SIMPLE_ROWS, gaps, written_out
from tabellion.reading.raw import CellAddress, RawSheet, RawValue
from tabellion.reading.sheet_cells import SheetCells
from tabellion.reading.texts import NAMES, TRUE, TextReader
from tabellion.reading.xml_parts import parse
from tabellion.wording import shortened

#: Gnumeric writes there the whole of a formula that it cannot read.
_LONGEST_ERROR = 20
#: The types of cells that hold their own text: there, no text is the empty text.
_TEXT_KINDS = ("str", "inlineStr")
_NUMBER_KINDS, _WRITTEN_TEXT_KINDS = (b"", b"n"), (b"str",)


@dataclass(frozen=True, slots=True)
class SheetContext:
    """What the cells of all sheets refer to: the shared texts by their number as cells write it, the number formats.

    A shared text is ``None`` where it is empty; ``struck`` are those with a part that is struck out, between
    ``~~``.
    """

    texts: dict[bytes, str | None]
    formats: NumberFormats
    struck: Mapping[bytes, str] = field(default_factory=dict)

    @property
    def plain_texts(self) -> Mapping[bytes, str | None]:
        """The shared texts that nothing is struck out of."""
        return (
            {number: text for number, text in self.texts.items() if number not in self.struck}
            if self.struck
            else self.texts
        )


def _finite(number: bytes) -> float | None:
    """A number as it is written; ``None`` where it is none, or is infinite."""
    try:
        value = _number(number.decode())
    except ValueError:
        return None
    return value if isfinite(value) else None


def _number(text: str) -> float:
    """A number as a part writes it (``xsd:double``): of what Python alone reads, « 1_000 » or the digits of other
    scripts, a spreadsheet shows something else. Raises ``ValueError`` where it is none.
    """
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return float(text)


def read_sheet(content: bytes, part: str, name: str, context: SheetContext, limits: Limits = LIMITS) -> RawSheet:
    """The sheet ``name``, visible and without its tables; ``content`` is UTF-8 as :func:`normalised_xml` gives it.

    Raises ``TabellionError``: ``feuille-trop-etendue``, ``texte-demesure``, ``classeur-abime``,
    ``lecture-impossible``, and the refusals of damaged XML.
    """
    reader = _SheetReader(part, name, context, limits)
    rows = EXTENDED_ROWS if b" xmlns:x14ac=" in content[: content.find(b">")] else SIMPLE_ROWS
    parse(gaps(content, rows, reader.read_rows), part, reader.start, reader.end, reader.pieces.append)
    reader.expand_shared_formulas()
    return RawSheet(
        name=name,
        state="visible",
        rows=reader.cells.rows(reader.formulas),
        formulas=reader.formulas,
        errors=reader.errors,
        uncached=reader.uncached,
        percents=frozenset(reader.percents),
        cell_formats=reader.cell_formats,
        merged=tuple(reader.merged),
        hidden_rows=frozenset(reader.hidden_rows),
        hidden_columns=frozenset(reader.hidden_columns),
    )


class _SheetReader(TextReader):
    """Follows the XML of one sheet. Rows and columns are one-based."""

    def __init__(self, part: str, name: str, context: SheetContext, limits: Limits) -> None:
        super().__init__(part, limits)
        self.name, self.shared_texts, self.formats = name, context.texts, context.formats
        self.shown = context.formats.shown
        self.formats_of, self.struck_texts = context.formats.cell_formats, context.struck
        self.showing = {(style or "").encode() for style in (*context.formats.shown, *context.formats.cell_formats)}
        self.plain_texts = context.plain_texts
        self.cell_formats: dict[CellAddress, CellFormat] = {}
        self.inside = False
        self.row, self.row_digits = 0, "0"
        self.columns: dict[str, int] = {}
        self.column_letters: dict[bytes, int] = {}
        # of the current cell
        self.attributes: dict[str, str] = {}
        self.reference = ""
        self.value: str | None = None
        self.inline: str | None = None
        self.formula: str | None = None
        self.formula_attributes: dict[str, str] = {}
        # of the sheet
        self.cells = SheetCells(name, limits.sheet_cells)
        self.formulas: dict[CellAddress, str] = {}
        self.column_formulas: dict[int, tuple[bytes, str]] = {}
        self.shared_formulas: dict[str, tuple[CellAddress, str]] = {}
        self.followers: list[tuple[CellAddress, str]] = []
        self.errors: dict[CellAddress, str] = {}
        self.uncached: set[CellAddress] = set()
        self.percents: set[CellAddress] = set()
        self.merged: list[str] = []
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()

    def read_rows(self, match: re.Match[bytes]) -> bool:
        """Read simple rows, unless they stand where no row does."""
        if not self.inside or self.depth != 1:
            return False
        cells, columns, texts, showing = self.cells, self.column_letters, self.plain_texts, self.showing
        row_digits, row, line, room = b"", 0, list[RawValue](), 0
        for letters, digits, style, kind, group, formula, text in FILLED_CELL.findall(match[0]):
            if digits != row_digits:
                cells.end_line(row, line)
                row_digits, row = digits, int(digits)
                line, room = cells.begin_line(row)
            column = columns.get(letters) or self.column_of(letters)
            if formula or group:
                self.take_written_formula((row, column), formula, group.decode(), text, kind)
            value: RawValue = None
            if style in showing:
                pass
            elif kind == b"s":
                value = texts.get(text)
            elif text and kind in _NUMBER_KINDS:
                value = _finite(text)
            if value is None:
                if not text and kind not in _WRITTEN_TEXT_KINDS:
                    continue
                words = written_out(text.decode())
                value = self.shown_value((row, column), kind.decode() or "n", words, style.decode() or None)
            missing = column - len(line)
            if missing > 0 and column <= room:
                if missing > 1:
                    line += [None] * (missing - 1)
                line.append(value)
            else:
                cells.end_line(row, line)
                cells.put(row, column, value)
                line, room = cells.begin_line(row)
        cells.end_line(row, line)
        self.begin_row(int(match[1]), None)
        return True

    def column_of(self, letters: bytes) -> int:
        """The column of its letters, which are remembered."""
        column = self.column_letters[letters] = self.place(f"{letters.decode()}1")[1]
        return column

    def take_written_formula(self, cell: CellAddress, written: bytes, group: str, text: bytes, kind: bytes) -> None:
        """Keep a formula as it is written: a column of a table has one in all its rows."""
        known, formula = self.column_formulas.get(cell[1], (b"", ""))
        if written != known:
            formula = written_out(written.decode())
            self.column_formulas[cell[1]] = written, formula
        self.take_formula(cell, formula, group or None, text.decode(), kind.decode() or "n")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = NAMES.get(name)
        if kind is None:
            self.go_down()
        elif kind == "c":
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
        if kind is None:
            self.depth -= 1
        elif kind == "c":
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
        self.begin_row(int(digits), attributes.get("hidden"))
        self.go_down()

    def begin_row(self, row: int, hidden: str | None) -> None:
        """Come to a row, whose number is checked."""
        self.row, self.row_digits, self.reference = row, str(row), ""
        if not 1 <= row <= MAX_ROWS:
            raise self.damaged("une ligne est hors des limites d’une feuille")
        if hidden in TRUE:
            self.hidden_rows.add(row)

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
        if column is None or reference.isalpha():
            row, column = self.place(reference)
        if formula is not None:
            form = self.formula_attributes.get("t")
            group = self.formula_attributes.get("si", "") if form == "shared" else None
            self.take_formula((row, column), "TABLE()" if form == "dataTable" else formula, group, text, kind)
        if text or (text is not None and kind in _TEXT_KINDS):
            self.cells.put(row, column, self.shown_value((row, column), kind, text, attributes.get("s")))

    def shown_value(self, cell: CellAddress, kind: str, text: str, style: str | None) -> RawValue:
        """What a cell holds, the ``text`` of a type, in the format of the number ``style``; its format is kept."""
        shown = self.shown.get(style)
        if shown == "percentage":
            self.percents.add(cell)
        if self.formats_of and (cell_format := self.formats_of.get(style)) is not None:
            self.cell_formats[cell] = cell_format
        number = text.encode() if kind == "s" else b""
        if number in self.struck_texts:
            self.cell_formats[cell] = replace(STRUCK, marked=self.struck_texts[number])
        elif kind == "inlineStr" and self.is_struck:
            self.cell_formats[cell] = replace(STRUCK, marked="".join(self.marked))
        if number in self.shared_texts:
            return self.shared_texts[number]
        if kind == "n":
            return self.read_number(cell, text, shown)
        return self.read_value(cell, kind, self.checked(text, cell, self.name))

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

    def take_formula(self, cell: CellAddress, formula: str, group: str | None, text: str | None, kind: str) -> None:
        """Keep a formula, and whether its value was computed; the followers of a shared one wait for its text."""
        formula = self.checked(formula, cell, self.name)
        if group is not None and formula:
            self.shared_formulas.setdefault(group, (cell, formula))
        elif group is not None:
            self.followers.append((cell, group))
        elif not formula:
            return
        self.formulas[cell] = formula
        if not text and (text is None or kind not in _TEXT_KINDS):
            self.uncached.add(cell)

    def read_number(self, cell: CellAddress, text: str, shown: Shown | None) -> RawValue:
        """A number, or what its format shows of it; what is no number is a text."""
        try:
            number = _number(text)
        except ValueError:
            return self.checked(text, cell, self.name)
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
            raise refusal("lecture-impossible", raison=f"le texte partagé n° {shortened(text, 20)} n’existe pas")
        raise refusal("lecture-impossible", raison=f"une cellule est d’un type inconnu, « {shortened(kind, 20)} »")

    def expand_shared_formulas(self) -> None:
        """Give each follower of a shared formula its own text."""
        for cell, group in self.followers:
            if group in self.shared_formulas:
                first, formula = self.shared_formulas[group]
                self.formulas[cell] = shifted(formula, cell[0] - first[0], cell[1] - first[1])

    def damaged(self, raison: str) -> TabellionError:
        return refusal("classeur-abime", feuille=self.name, raison=raison)
