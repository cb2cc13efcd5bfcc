"""Formulas of sheets that are carried into another workbook: they name its sheets, and nothing that it has not."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from tabellion.addresses import TOKEN
from tabellion.layout.names import quoted_sheet
from tabellion.xlsx.inplace.references import mentions

LOST = "#REF!"
_ERROR = re.compile(r"#(?:REF!|DIV/0!|N/A|NAME\?|NULL!|NUM!|VALUE!)")
_PLAIN_SHEET = re.compile(r"[^\W\d][\w.]*")
_LIKE_A_CELL = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*[Cc]?[0-9]*|[Cc][0-9]*")
_OUTSIDE = re.compile(r"(.*\[)(\d+)(\].*)", re.DOTALL)
_LABEL = re.compile(r"\[((?:[^\[\]']|'.)*)\]")


@dataclass
class FormulaCarrier:
    """Formulas as the target workbook reads them.

    ``sheets`` are its names of sheets, by the folded names that the formulas use; ``columns`` the folded headers of its
    tables, by folded name. ``outside`` gives the number that the target has for another workbook; ``moved`` puts
    addresses where the cells are now. ``used`` are the folded names that formulas have named so far.
    """

    sheets: Mapping[str, str]
    columns: Mapping[str, Collection[str]]
    outside: Callable[[int], int]
    moved: Callable[[str, str], str]
    used: set[str] = field(default_factory=set)

    def formula(self, text: str, home: str = "") -> str:
        """A formula (without ``=``) of the sheet ``home``."""
        return "".join(self._pieces(self.moved(text, home)))

    def location(self, text: str, home: str = "") -> str:
        """Where a link of a cell or of a shape leads to: a cell of a sheet, or a name."""
        sheet, mark, cell = text.rpartition("!")
        if not mark:
            self.used.add(text.casefold())
            return text
        name = sheet[1:-1].replace("''", "'") if sheet[:1] == sheet[-1:] == "'" else sheet
        if name.casefold() not in self.sheets:
            return text
        before = f"{quoted_sheet(name)}!"
        moved = self.moved(before + cell, home).removeprefix(before)
        return f"{quoted_sheet(self.sheets[name.casefold()])}!{cell if moved == LOST else moved}"

    def _pieces(self, formula: str) -> Iterator[str]:
        tokens = [match[0] for match in TOKEN.finditer(formula)]
        starts = [match.start() for match in TOKEN.finditer(formula)]
        place = 0
        while place < len(tokens):
            token, following = tokens[place], tokens[place + 1] if place + 1 < len(tokens) else ""
            error = _ERROR.match(formula, starts[place]) if token.startswith("#") else None
            if error is not None:
                yield error[0]
                while place < len(tokens) and starts[place] < error.end():
                    place += 1
            elif token[:1] == "[" and token[1:-1].isdigit():  # another workbook: [1]Feuille!A1
                yield f"[{self.outside(int(token[1:-1]))}]"
                place += 1
                if tokens[place + 1 : place + 2] == ["!"]:
                    yield following + "!"
                    place += 2
            elif following == "!" and self._unknown(token):
                yield LOST
                place = _after_reference(tokens, place + 2)
            elif following == "!":
                yield self._sheet_token(token) + "!"
                place += 2
            elif following == ":" and tokens[place + 3 : place + 4] == ["!"] and not _is_cell(token):
                yield self._sheet_token(token) + ":"  # the first of several sheets: Un:Trois!A1
                place += 2
            elif following.startswith("[") and _is_word(token):
                yield token + following if self.knows(token, following) else LOST
                place += 2
            else:
                if _is_word(token) and following != "(":
                    self.used.add(token.casefold())
                yield token
                place += 1

    def _sheet_token(self, token: str) -> str:
        quoted = token[:1] == token[-1:] == "'" and len(token) > 1
        name = token[1:-1].replace("''", "'") if quoted else token
        outside = _OUTSIDE.fullmatch(name)
        if outside is not None:
            return quoted_sheet(f"{outside[1]}{self.outside(int(outside[2]))}{outside[3]}")
        if quoted and ":" in name and name.casefold() not in self.sheets:
            return quoted_sheet(":".join(self.sheets.get(sheet.casefold(), sheet) for sheet in name.split(":")))
        mine = self.sheets.get(name.casefold(), name)
        return token if mine == name else _sheet_word(mine)

    def _unknown(self, token: str) -> bool:
        """Whether a sheet is none of the target's, nor of another workbook."""
        name = token[1:-1].replace("''", "'") if token[:1] == token[-1:] == "'" else token
        if _OUTSIDE.fullmatch(name) is not None:
            return False
        return any(sheet.casefold() not in self.sheets for sheet in name.split(":"))

    def loses(self, text: str) -> bool:
        """Whether a formula names a table, or a column of one, that the target has not."""
        return any(not self.knows(table, inside) for table, inside in mentions(text).tables)

    def knows(self, table: str, inside: str) -> bool:
        """Whether the target has a table with the columns that a structured reference names."""
        columns = self.columns.get(table.casefold())
        if columns is None:
            return False
        labels = _LABEL.findall(inside[1:-1] if "[[" in inside else inside)
        plain = [re.sub("'(.)", r"\1", label.lstrip("@")).casefold() for label in labels if not label.startswith("#")]
        return all(label in columns for label in plain if label)


def _after_reference(tokens: list[str], place: int) -> int:
    """The place after the reference, or the name, that starts at a place."""
    if tokens[place + 1 : place + 2] != [":"]:
        return place + 1
    return place + 5 if tokens[place + 3 : place + 4] == ["!"] else place + 3


def _is_cell(token: str) -> bool:
    match = TOKEN.fullmatch(token)
    return match is not None and match["cell"] is not None


def _is_word(token: str) -> bool:
    return token[:1].isalpha() or token[:1] in ("_", "\\")


def _sheet_word(name: str) -> str:
    """A sheet's name in a formula, in quotes where it needs them."""
    plain = _PLAIN_SHEET.fullmatch(name) is not None and _LIKE_A_CELL.fullmatch(name) is None
    return name if plain else quoted_sheet(name)
