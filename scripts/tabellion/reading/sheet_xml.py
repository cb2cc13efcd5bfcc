"""One pass over a sheet's XML for what calamine cannot show: formulas, error values, hidden rows, how far cells go.

Nearly every sheet is written in one plain way. A regular expression proves that a sheet is: from ``<sheetData>`` to
its end, nothing but rows of cells, double quotes, no prefix, comment, CDATA or nesting. Searches on such text are
exact, and fast. Any other sheet goes through :mod:`tabellion.reading.sheet_exact`, which rewrites it in the plain way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.addresses import cell_name, column_index
from tabellion.findings import TabellionError
from tabellion.reading.limits import LIMITS, MAX_COLUMNS, MAX_ROWS, Limits, refusal
from tabellion.reading.raw import Cell
from tabellion.reading.shared_formula import shifted
from tabellion.reading.sheet_exact import rewrite_sheet
from tabellion.reading.xml_parts import Element, elements

# Possessive quantifiers (++, *+) never backtrack: the match is one linear pass. 32,767 is the limit of a text, in
# characters; one that has more bytes than that goes to the exact pass, which counts its characters.
# No group is captured: Python 3.11 mistakes their place inside possessive repeats (python/cpython#101955).
_ATTRIBUTES = rb'(?: [\w:]++="[^"<>&]*+")*+'
_OTHER_CELL_ATTRIBUTES = rb'(?: [cvp][mh]="\d++")*+'
_CELL_ATTRIBUTES = rb'(?: s="\d++")?+(?: t="\w++")?+(?: s="\d++")?+' + _OTHER_CELL_ATTRIBUTES
_TEXT = rb"[^<]{0,32767}+"
_NUMBER = rb"<v>-?\d{1,17}+(?:\.\d{1,18}+)?+(?:E[-+]?\d\d?)?+</v>"
_FORMULA = rb"<f" + _ATTRIBUTES + rb"(?:/>|>" + _TEXT + rb"</f>)"
_INLINE = rb'<is>(?:<t(?: xml:space="preserve")?+(?:/>|>' + _TEXT + rb"</t>))?+</is>"
_CONTENT = rb"(?:" + _FORMULA + rb')?+(?:(?<!t="inlineStr">)<v>' + _TEXT + rb"</v>|<v ?/>|" + _INLINE + rb")?+"
_NEAR = rb"A?[A-Z][1-9]\d{0,3}+"
_NEAR_CELLS = 52 * 9_999
"""The most cells that ``_NEAR`` references can span: to AZ9999."""


def _plain_rows(cell: bytes) -> re.Pattern[bytes]:
    """Rows written in the plain way, of cells that match ``cell``."""
    row = rb'<row r="[1-9]\d{0,6}+"' + _ATTRIBUTES + rb" ?(?:>(?:" + cell + rb")*+</row>|/>)"
    return re.compile(rb"(?:" + row + rb")*+")


def _plain_cell(reference: bytes) -> bytes:
    return rb'<c r="' + reference + rb'"' + _CELL_ATTRIBUTES + rb"(?: ?/>|>" + _CONTENT + rb"</c>)"


# From the commonest to the most general; the first that matches says most. A sheet that is only numbers, shared texts
# and blanks near A1 needs no other search; one of the second kind has no number that could be infinite.
_STYLED = rb'<c r="' + _NEAR + rb'"(?: s="\d++")?+'
_BARE = _plain_rows(_STYLED + rb'(?: t="[bns]")?+(?:>' + _NUMBER + rb"</c>|/>)")
_COMPUTED = rb">" + _FORMULA + rb"(?:" + _NUMBER + rb"|<v></v>|<v ?/>)?+</c>"
_NUMERIC = rb'(?: t="[bns]")?+(?:>' + _NUMBER + rb"</c>|/>|" + _COMPUTED + rb")"
_TEXTUAL = rb' t="(?:str|e|inlineStr)"(?:>' + _CONTENT + rb"</c>|/>)"
_PLAIN_AND_NEAR = _plain_rows(_STYLED + rb"(?:" + _NUMERIC + rb"|" + _TEXTUAL + rb")")
_PLAIN = _plain_rows(_plain_cell(rb"[A-Z]{1,3}[1-9]\d{0,6}+"))
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\r")

# Searches that are exact on plain text.
_FILLED = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"[^>]*+(?<!/)>')
_HIDDEN_ROW = re.compile(rb'<row r="(\d+)"[^>]*? hidden="(?:1|true)"')
_ERROR = re.compile(
    rb'<c r="([A-Z]+)(\d+)"[^>]*? t="e"[^>]*+>(?:<f[^>]*+(?<=/)>|<f[^>]*+>[^<]*+</f>)?+(?:<v>([^<]*+))?'
)
_ERROR_TYPE = re.compile(rb'(<c r="[^>]*?) t="e"')
_FORMULA_CELL = re.compile(rb'<c r="([A-Z]+)(\d+)"([^>]*+)><f([^>]*+)>(?:([^<]*+)</f>)?(<v>[^<]|<v></v>|<v ?/>|<is>)?')
_NO_VALUE = (None, b"<v></v>", b"<v/>", b"<v />")
_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
_ENTITY = re.compile(r"&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}

_FRAME = frozenset(("sheetData", "mergeCell", "col"))


@dataclass(slots=True)
class SheetScan:
    """What one sheet's XML says besides its values; ``cells`` is the plain text between the sheetData tags.

    Cells are one-based (row, column). ``empty_texts`` are formulas whose computed value is the empty text.
    """

    cells: bytes
    formulas: dict[Cell, str] = field(default_factory=dict)
    errors: dict[Cell, str] = field(default_factory=dict)
    uncached: set[Cell] = field(default_factory=set)
    empty_texts: set[Cell] = field(default_factory=set)
    merged: tuple[str, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    may_overflow: bool = False
    """Whether some number may be written so that it reads as infinite or as no number (``1E999``, ``NaN``)."""


def scan_sheet(content: bytes, part: str, name: str, limits: Limits = LIMITS) -> SheetScan:
    """Scan the sheet ``name``, whose ``content`` is UTF-8 as :func:`normalised_xml` gives it.

    Raises ``TabellionError``: ``feuille-trop-etendue``, ``texte-demesure``, ``classeur-abime``, and the refusals of
    damaged XML.
    """
    split = _split_plain(content, part)
    if split is None:
        split = (*rewrite_sheet(content, part, name, limits), None)
    cells, frame, grammar = split
    if grammar not in (_BARE, _PLAIN_AND_NEAR) or limits.sheet_cells < _NEAR_CELLS:
        _check_extent(cells, name, limits)
    scan = SheetScan(cells)
    if grammar is not _BARE:
        scan.may_overflow = grammar is not _PLAIN_AND_NEAR
        _read_formulas(scan)
        if b' t="e"' in cells:
            _read_errors(scan)
    if b' hidden="' in cells:
        scan.hidden_rows = frozenset(int(row) for row in _HIDDEN_ROW.findall(cells))
    scan.merged = tuple(element.attributes.get("ref", "") for element in frame if element.name == "mergeCell")
    scan.hidden_columns = _hidden_columns(frame)
    return scan


def _split_plain(content: bytes, part: str) -> tuple[bytes, list[Element], re.Pattern[bytes] | None] | None:
    """The text of the cells, the elements around them, the grammar that proves it plain; ``None`` if it is not."""
    opening, closing = content.find(b"<sheetData>"), content.rfind(b"</sheetData>")
    if opening < 0:
        opening = closing = content.find(b"<sheetData/>")
        start = end = opening + len(b"<sheetData/>")
    else:
        start, end = opening + len(b"<sheetData>"), closing + len(b"</sheetData>")
    if opening < 0 or closing < opening:
        return None
    cells = content[start:closing]
    grammar = next((grammar for grammar in (_BARE, _PLAIN_AND_NEAR, _PLAIN) if grammar.fullmatch(cells)), None)
    if grammar is None or (grammar is not _BARE and len(cells.translate(None, _CONTROL)) != len(cells)):
        return None
    # The rest is small, and goes to a real XML parser: an opening tag inside a comment, say, is found there.
    try:
        frame = elements(content[:opening] + b"<sheetData/>" + content[end:], part, _FRAME)
    except TabellionError:
        return None
    if sum(element.name == "sheetData" for element in frame) != 1:
        return None
    return cells, frame, grammar


def _check_extent(cells: bytes, name: str, limits: Limits) -> None:
    """Refuse a sheet whose filled cells span too large a rectangle; its declared dimension is not believed."""
    filled = _FILLED.findall(cells)
    last_row = max((int(row) for row in {row for _, row in filled}), default=0)
    last_column = max((column_index(letters.decode()) for letters in {letters for letters, _ in filled}), default=0)
    if last_row > MAX_ROWS or last_column > MAX_COLUMNS:
        raise refusal("classeur-abime", feuille=name, raison="une cellule est hors des limites d’une feuille")
    if last_row * last_column > limits.sheet_cells:
        corner = cell_name(last_row, last_column)
        limit = f"{limits.sheet_cells:,}".replace(",", "\u202f")
        raise refusal("feuille-trop-etendue", feuille=name, cellule=corner, valeur=corner, attendu=limit)


def _read_formulas(scan: SheetScan) -> None:
    """Every formula, shared ones expanded, and whether its value was computed."""
    masters: dict[bytes, tuple[Cell, str]] = {}
    followers: list[tuple[Cell, bytes]] = []
    cells, formulas = scan.cells, scan.formulas
    find, back, match_at = cells.find, cells.rfind, _FORMULA_CELL.match
    at = find(b"<f")
    while at >= 0:
        match = match_at(cells, back(b"<c ", 0, at))
        at = find(b"<f", at + 2)
        if match is None:  # cannot be: the plain way has a cell before each formula
            continue
        letters, row, cell_attributes, attributes, body, value = match.groups()
        cell = int(row), column_index(letters.decode())
        text = unescaped_xml(body) if body else ""
        if attributes and attributes != b"/":
            kind = dict(_ATTRIBUTE.findall(attributes))
            index = kind.get(b"si", b"")
            if kind.get(b"t") == b"shared":
                if text:
                    masters.setdefault(index, (cell, text))
                else:
                    followers.append((cell, index))
                    formulas[cell] = ""
            elif kind.get(b"t") == b"dataTable":
                text = "TABLE()"
        if text:
            formulas[cell] = text
        elif cell not in formulas:
            continue
        if value in _NO_VALUE:
            if value and b' t="str"' in cell_attributes:
                scan.empty_texts.add(cell)
            else:
                scan.uncached.add(cell)
    for cell, index in followers:
        if index in masters:
            (row_of_master, column_of_master), text = masters[index]
            formulas[cell] = shifted(text, cell[0] - row_of_master, cell[1] - column_of_master)


def _read_errors(scan: SheetScan) -> None:
    """Error values; calamine fails on the ones it does not know (#SPILL!, #ERROR!), so they are left to it as texts."""
    for letters, row, text in _ERROR.findall(scan.cells):
        cell = int(row), column_index(letters.decode())
        if text:
            scan.errors[cell] = unescaped_xml(text)
    scan.cells = _ERROR_TYPE.sub(rb'\1 t="str"', scan.cells)


def unescaped_xml(text: bytes) -> str:
    """The characters that ``text``, without tags, stands for."""
    decoded = text.decode("utf-8", "replace")
    if "\r" in decoded:  # as an XML parser does
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    return _ENTITY.sub(_character, decoded) if "&" in decoded else decoded


def _character(match: re.Match[str]) -> str:
    if match[3]:
        return _NAMED[match[3]]
    number = int(match[1], 16) if match[1] else int(match[2])
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"


def _hidden_columns(frame: list[Element]) -> frozenset[int]:
    hidden: set[int] = set()
    for element in frame:
        if element.name == "col" and element.attributes.get("hidden") in ("1", "true"):
            first, last = element.attributes.get("min", ""), element.attributes.get("max", "")
            if first.isdecimal() and last.isdecimal() and len(last) < 8:
                hidden.update(range(int(first), min(int(last), MAX_COLUMNS) + 1))
    return frozenset(hidden)
