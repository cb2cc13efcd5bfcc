"""The formats of a workbook being written, in the layout's font and colours; each is made once."""

from __future__ import annotations

from dataclasses import dataclass, field

from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook

from tabellion.layout.theme import Theme


@dataclass
class Formats:
    """The formats of one workbook."""

    theme: Theme
    book: Workbook = field(init=False, repr=False)
    _formats: dict[tuple[tuple[str, object], ...], Format] = field(default_factory=dict, init=False, repr=False)
    _cells: dict[tuple[object, ...], Format] = field(default_factory=dict, init=False, repr=False)

    def format(self, **properties: object) -> Format:
        """The format of these properties, made once; the text is the layout's ink on its font unless told otherwise."""
        font, size, ink = self.theme.font, self.theme.size, self.theme.colours["encre"]
        merged = {"font_name": font, "font_size": size, "font_color": ink, "valign": "top", **properties}
        key = tuple(sorted(merged.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(merged)
        return self._formats[key]

    def cell(self, *, computed: bool = False, **properties: object) -> Format:
        """The format of a cell of a table; greyed when it is computed."""
        key = (computed, *properties.items())  # as it was asked for: a hundred thousand cells ask for twenty formats
        if key not in self._cells:
            colours = self.theme.colours
            fill = {"bg_color": colours["calcul"]} if computed else {}
            self._cells[key] = self.format(border=1, border_color=colours["filet"], **fill, **properties)
        return self._cells[key]

    def input(self, **properties: object) -> Format:
        """The format of a cell that is typed in, unlocked: its border alone tells it from those around it."""
        colours = self.theme.colours
        ground, border = colours["saisie"], colours["filet_saisie"]
        return self.format(border=1, border_color=border, bg_color=ground, locked=False, **properties)

    def header(self, **properties: object) -> Format:
        """The format of a table's header."""
        colours = self.theme.colours
        return self.format(
            bold=True, text_wrap=True, valign="vcenter", border=1, border_color=colours["filet"],
            bg_color=colours["entete"], font_color=colours["entete_texte"], **properties,
        )  # fmt: skip

    def coloured(self, colour: str) -> Format:
        """The format of a conditional rule in one of the layout's colours."""
        colours = self.theme.colours
        return self.book.add_format({"bg_color": colours[colour], "font_color": colours[f"{colour}_texte"]})
