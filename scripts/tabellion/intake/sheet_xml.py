"""One pass over a sheet's XML for what calamine cannot show: formulas, error values, hidden rows, how far cells go.

Nearly every sheet is written in one plain way. A regular expression proves that a sheet is: from ``<sheetData>`` to its
end, nothing but rows of cells, double quotes, no prefix, comment, CDATA or nesting. Searches on such text are exact, and
fast. Any other sheet goes through :mod:`tabellion.intake.sheet_exact`, which rewrites its cells in the plain way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.findings import TabellionError
from tabellion.intake.addresses import cell_name, column_index
from tabellion.intake.limits import LIMITS, MAX_COLUMNS, MAX_ROWS, Limits, refusal
from tabellion.intake.raw import Cell
from tabellion.intake.shared_formula import shifted
from tabellion.intake.xml_parts import Element, elements

# Possessive quantifiers (++, *+) never backtrack: the match is one linear pass. 32,767 is the limit of a text, in
# characters; one that has more bytes than that goes to the exact pass, which counts its characters.
_ATTRIBUTES = rb'(?: [\w:]++="[^"<>&]*+")*+'
_CELL_ATTRIBUTES = rb'(?: s="\d++")?+(?: t="\w++")?+(?: s="\d++")?+(?: [cvp][mh]="\d++")*+'
_CHARACTERS = rb"[^<\x00-\x08\x0b\x0c\x0e-\x1f]"
_TEXT = rb"(?:[^<]{0,32767}+)"
_FORMULA = rb"<f" + _ATTRIBUTES + rb"(?:/>|>" + _TEXT + rb"</f>)"
_INLINE = rb'<is>(?:<t(?: xml:space="preserve")?+(?:/>|>' + _TEXT + rb"</t>))?+</is>"
_CONTENT = rb"(?:" + _FORMULA + rb")?+(?:<v>" + _TEXT + rb"</v>|<v ?/>|" + _INLINE + rb")?+"
_CELL = rb'<c r="[A-Z]{1,3}[1-9]\d{0,6}+"' + _CELL_ATTRIBUTES + rb" ?(?:/>|>" + _CONTENT + rb"</c>)"
_ROW = rb'<row r="[1-9]\d{0,6}+"' + _ATTRIBUTES + rb" ?(?:/>|>(?:" + _CELL + rb")*+</row>)"
_PLAIN = re.compile(rb"(?:" + _ROW + rb")*+")
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\r")

# Searches that are exact on plain text.
_FAR = re.compile(rb'<c r="(?:[A-Z]{3}|[B-Z][A-Z]|[A-Z]{1,2}\d{5})')
_FILLED = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"[^>]*+(?<!/)>')
_HIDDEN_ROW = re.compile(rb'<row r="(\d+)"[^>]*? hidden="(?:1|true)"')
_TYPED_CELL = re.compile(rb'<c r="([A-Z]+)(\d+)"([^>]*+)>')
_ERROR = re.compile(rb'<c r="([A-Z]+)(\d+)"[^>]*? t="e"[^>]*+>(?:<f[^>]*+(?<=/)>|<f[^>]*+>[^<]*+</f>)?+(?:<v>([^<]*+))?')
_ERROR_TYPE = re.compile(rb'(<c r="[^>]*?) t="e"')
_REST_OF_FORMULA = re.compile(rb"([^>]*?)(?:/>|>([^<]*+)</f>)(<v>[^<]|<v></v>|<v ?/>|<is>)?")
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


def scan_sheet(content: bytes, part: str, name: str, limits: Limits = LIMITS) -> SheetScan:
    """Scan the sheet ``name``, whose ``content`` is UTF-8 as :func:`normalised_xml` gives it.

    Raises ``TabellionError``: ``feuille-trop-etendue``, ``texte-demesure``, ``classeur-abime``, and the refusals of
    damaged XML.
    """
    split = _split_plain(content, part)
    if split is None:
        from tabellion.intake.sheet_exact import rewrite_sheet

        split = rewrite_sheet(content, part, name, limits)
    cells, frame = split
    _check_extent(cells, name, limits)
    scan = SheetScan(cells)
    if b"<f" in cells:
        _read_formulas(scan)
    if b' t="e"' in cells:
        _read_errors(scan)
    if b' hidden="' in cells:
        scan.hidden_rows = frozenset(int(row) for row in _HIDDEN_ROW.findall(cells))
    scan.merged = tuple(element.attributes.get("ref", "") for element in frame if element.name == "mergeCell")
    scan.hidden_columns = _hidden_columns(frame)
    return scan


def _split_plain(content: bytes, part: str) -> tuple[bytes, list[Element]] | None:
    """The text of the cells and the elements around them, or ``None`` when the sheet is not written in the plain way."""
    opening = content.find(b"<sheetData>")
    closing = content.rfind(b"</sheetData>")
    if opening < 0:
        opening = content.find(b"<sheetData/>")
        if opening < 0:
            return None
        cells, after = b"", content[opening + len(b"<sheetData/>") :]
    else:
        cells, after = content[opening + len(b"<sheetData>") : closing], content[closing + len(b"</sheetData>") :]
    if not _PLAIN.fullmatch(cells) or len(cells.translate(None, _CONTROL)) != len(cells):
        return None
    # The rest is small, and goes to a real XML parser: an opening tag inside a comment, say, is found there.
    try:
        frame = elements(content[:opening] + b"<sheetData/>" + after, part, _FRAME)
    except TabellionError:
        return None
    return (cells, frame) if sum(element.name == "sheetData" for element in frame) == 1 else None


def _check_extent(cells: bytes, name: str, limits: Limits) -> None:
    """Refuse a sheet whose filled cells span too large a rectangle; its declared dimension is not believed."""
    if limits.sheet_cells >= 52 * 9999 and not _FAR.search(cells):
        return  # no cell beyond AZ9999
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
    masters: dict[str, tuple[Cell, str]] = {}
    followers: list[tuple[Cell, str]] = []
    pieces = scan.cells.split(b"<f")
    for before, after in zip(pieces, pieces[1:], strict=False):
        opening = _TYPED_CELL.match(before, before.rfind(b"<c "))
        rest = _REST_OF_FORMULA.match(after)
        if opening is None or rest is None:  # the plain way has a cell before each formula
            continue
        cell = int(opening[2]), column_index(opening[1].decode())
        text = unescaped_xml(rest[2]) if rest[2] else ""
        kind = dict(_ATTRIBUTE.findall(rest[1])) if rest[1] else {}
        shared = kind.get(b"t") == b"shared"
        if shared and text:
            masters.setdefault(kind.get(b"si", b"").decode(), (cell, text))
        elif shared:
            followers.append((cell, kind.get(b"si", b"").decode()))
        elif kind.get(b"t") == b"dataTable":
            text = "TABLE()"
        if not text and not shared:
            continue
        scan.formulas[cell] = text
        if not rest[3] or rest[3] in (b"<v></v>", b"<v/>", b"<v />"):
            if rest[3] and b' t="str"' in opening[3]:
                scan.empty_texts.add(cell)
            else:
                scan.uncached.add(cell)
    for cell, index in followers:
        if index in masters:
            (row, column), text = masters[index]
            scan.formulas[cell] = shifted(text, cell[0] - row, cell[1] - column)


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
