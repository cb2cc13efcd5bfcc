"""The exact and slower pass: any well-formed sheet, however it is written, rewritten in the plain way.

Prefixes, single quotes, comments, CDATA, cells and rows without a reference, unknown elements between them: the result
holds the same cells as :mod:`tabellion.reading.sheet_xml` expects them, and calamine is given nothing else.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from tabellion.addresses import cell_name, parse_cell
from tabellion.reading.limits import MAX_COLUMNS, MAX_ROWS, Limits, refusal
from tabellion.reading.xml_parts import MAIN, Element, close_text, parse, preserves_space

_ESCAPE = re.compile(r"_x[0-9A-Fa-f]{4}_")
_FRAME = frozenset(("mergeCell", "col"))


def rewrite_sheet(content: bytes, part: str, name: str, limits: Limits) -> tuple[bytes, list[Element]]:
    """The cells of the sheet ``name`` in the plain way, and the elements around them (merged ranges, columns).

    Raises ``TabellionError``: ``texte-demesure``, ``classeur-abime``, and the refusals of damaged XML.
    """
    writer = _Rewriter(name, limits)
    parse(content, part, start=writer.start, end=writer.end, text=writer.text)
    return "".join(writer.pieces).encode(), writer.frame


class _Rewriter:
    """Follows the XML and writes plain rows. ``row`` and ``column`` are one-based: the place of the current cell."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self.pieces: list[str] = []
        self.frame: list[Element] = []
        self.inside = False
        self.row = 0
        self.column = 0
        self.cell: dict[str, str] | None = None
        self.formula: tuple[dict[str, str], list[str]] | None = None
        self.value: list[str] | None = None
        self.inline: list[str] | None = None
        self.collecting: list[str] | None = None
        self.phonetic = False
        self.text_start = 0
        self.preserve = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if namespace not in MAIN:
            return
        if not self.inside:
            self.inside = local == "sheetData"
            if local in _FRAME:
                self.frame.append(Element(local, attributes, ""))
        elif local == "row":
            self._start_row(attributes)
        elif local == "c":
            self._start_cell(attributes)
        elif self.cell is None:
            return
        elif local == "f":
            self.collecting = []
            self.formula = attributes, self.collecting
        elif local == "v":
            self.collecting = self.value = []
        elif local == "is":
            self.inline = []
        elif local == "rPh":
            self.phonetic = True
        elif local == "t" and self.inline is not None and not self.phonetic:
            self.collecting = self.inline
            self.text_start, self.preserve = len(self.inline), preserves_space(attributes)

    def text(self, data: str) -> None:
        if self.collecting is not None:
            self.collecting.append(data)

    def end(self, name: str) -> None:
        namespace, _, local = name.rpartition(" ")
        if namespace not in MAIN:
            return
        if local == "sheetData":
            self.inside = False
        elif local in ("f", "v", "t"):
            if local == "t" and self.inline is not None and self.collecting is self.inline:
                close_text(self.inline, self.text_start, self.preserve)
            self.collecting = None
        elif local == "rPh":
            self.phonetic = False
        elif local == "c" and self.cell is not None:
            self._write_cell(self.cell)
            self.cell = self.formula = self.value = self.inline = None
        elif local == "row" and self.inside:
            self.pieces.append("</row>")

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r", "").strip()
        if number:
            if not (number.isascii() and number.isdigit() and len(number) <= 7):
                raise self._damaged("un numéro de ligne est illisible")
            self.row = int(number)
        else:
            self.row += 1
        if not 1 <= self.row <= MAX_ROWS:
            raise self._damaged("une ligne est hors des limites d’une feuille")
        self.column = 0
        hidden = ' hidden="1"' if attributes.get("hidden") in ("1", "true") else ""
        self.pieces.append(f'<row r="{self.row}"{hidden}>')

    def _start_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r", "").strip()
        if reference:
            try:
                row, column = parse_cell(reference)
            except ValueError:
                raise self._damaged("l’adresse d’une cellule est illisible") from None
            self.column = column
        else:
            row, self.column = self.row, self.column + 1
        if row < 1 or row > MAX_ROWS or self.column > MAX_COLUMNS:
            raise self._damaged("une cellule est hors des limites d’une feuille")
        self.cell = {**attributes, "r": cell_name(row, self.column)}

    def _write_cell(self, cell: dict[str, str]) -> None:
        style = f' s="{cell["s"]}"' if cell.get("s", "").isdecimal() else ""
        kind = cell.get("t", "n") if cell.get("t", "n").isalpha() else "n"
        content = ""
        if self.formula is not None:
            attributes = "".join(
                f' {key}="{_quoted(value)}"' for key, value in self.formula[0].items() if key in ("t", "ref", "si")
            )
            content += f"<f{attributes}>{self._checked(self.formula[1], cell)}</f>"
        if self.value is not None and not self.inline:
            kind = "str" if kind == "inlineStr" else kind
            content += f"<v>{self._checked(self.value, cell)}</v>"
        elif self.inline is not None:
            kind = "inlineStr"
            content += f'<is><t xml:space="preserve">{self._checked(self.inline, cell)}</t></is>'
        self.pieces.append(f'<c r="{cell["r"]}"{style} t="{kind}">{content}</c>' if content else "")

    def _checked(self, pieces: list[str], cell: dict[str, str]) -> str:
        text = "".join(pieces)
        if len(text) > self.limits.text_characters:
            length = text_length(text)
            if length > self.limits.text_characters:
                raise refusal(
                    "texte-demesure",
                    feuille=self.name,
                    cellule=cell["r"],
                    valeur=length,
                    attendu=self.limits.text_characters,
                )
        return escape(text)

    def _damaged(self, raison: str) -> Exception:
        return refusal("classeur-abime", feuille=self.name, raison=raison)


def _quoted(value: str) -> str:
    return escape(value, {'"': "&quot;"})


def text_length(text: str) -> int:
    """The length of a stored text in characters, each ``_x000D_`` escape counting for the one that it stands for."""
    return len(_ESCAPE.sub("x", text))
