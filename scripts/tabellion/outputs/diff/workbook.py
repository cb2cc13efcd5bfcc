"""The workbook of a comparison: what was compared and counted, then every difference on its row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path

from xlsxwriter.format import Format

from tabellion.contract.workspace import Settings
from tabellion.findings import Place
from tabellion.layout.names import cell_link, quoted_sheet
from tabellion.layout.theme import Theme
from tabellion.outputs.diff.model import ComparedFile, Comparison, TableDifference, Unread
from tabellion.outputs.diff.words import (
    ADDED,
    CELL,
    FORMULA,
    REMOVED,
    STRUCTURE,
    DiffWords,
    Entry,
    counts,
    table_sums,
    unseen_words,
)
from tabellion.schema import Field
from tabellion.schema.money import euros
from tabellion.schema.shown import BLANK
from tabellion.wording import plural
from tabellion.xlsx.blocks import cell_text
from tabellion.xlsx.lists import FIRST_ROW, CellMaker, ListColumn, escaped_path, finish, note, write_list
from tabellion.xlsx.sheets import Cell, FileLink
from tabellion.xlsx.signature import close_signed
from tabellion.xlsx.writer import DATE, EUROS, EUROS_AND_CENTS, FIRST_DAY, PERCENT, Sheet, Writer

SUMMARY, LIST, LIST_TABLE, SUMS_TABLE = "Résumé", "Différences", "Differences", "Sommes"
_COLUMNS = (
    ListColumn("N°", 7, "center"), ListColumn("Nature", 17, "center"), ListColumn("Table", 20),
    ListColumn("Convention", 11, "center"),
    ListColumn("Ligne", 42), ListColumn("Champ", 20), ListColumn("Avant", 26), ListColumn("Après", 26),
    ListColumn("Différence (€)", 15, "right"), ListColumn("Cellule avant", 24, "center"),
    ListColumn("Cellule après", 24, "center"),
)  # fmt: skip
_SUM_COLUMNS = (
    ListColumn("Table", 26), ListColumn("Cellules changées", 12, "center"),
    ListColumn("Lignes ajoutées", 12, "center"),
    ListColumn("Lignes retirées", 12, "center"), ListColumn("Lignes déplacées", 12, "center"),
    ListColumn("Montant", 22),
    ListColumn("Somme avant", 18, "right"), ListColumn("Somme après", 18, "right"),
    ListColumn("Différence (€)", 16, "right"),
)  # fmt: skip
#: What each kind of difference is called and coloured: the word is enough by itself.
_NATURES = {
    CELL: ("~ changée", "avertissement"), ADDED: ("+ ajoutée", "juste"), REMOVED: ("– retirée", "erreur"),
    FORMULA: ("ƒ formule", "information"), STRUCTURE: ("▦ structure", "information"),
}  # fmt: skip
#: The colours of what was and of what is.
_OLD, _NEW = "erreur", "juste"


def write_differences(comparison: Comparison, words: DiffWords, theme: Theme, settings: Settings, path: Path) -> bytes:
    """The bytes of the workbook; its links lead to the two files from ``path``. The same comparison, the same bytes."""
    writer = Writer(theme)
    first, second = writer.sheet(SUMMARY), writer.sheet(LIST)
    footer = f"{comparison.before.name} → {comparison.after.name}"
    count = comparison.count
    rows = _DiffRows(comparison, words, _Colours(writer, wrapped=count <= writer.wrapped_rows), path)
    rows.summary(first, footer)
    second.title(LIST, footer, len(_COLUMNS))
    second.link(2, 0, cell_link(SUMMARY, "A1"), "← Résumé")
    note(second, 3, "Une ligne par différence : filtrez par nature, par table ou par champ.")
    write_list(second, LIST_TABLE, FIRST_ROW, _COLUMNS, rows.rows(), empty="–", count=count)
    finish(second, footer, columns=2)
    for sheet in (first, second):
        sheet.raw.set_tab_color(theme.series[0])
    return close_signed(writer, first, title=f"{settings.titre} : différences", subject=footer, year=settings.debut)


class _Colours(CellMaker):
    """The maker of a list of differences: what was is on the colour of what goes, what is on that of what comes."""

    def coloured(self, field: Field | None, value: object, colour: str) -> Cell:
        """A value on a colour of the layout; a blank says that it is one, so that the colour is never alone."""
        kind = field.kind if field is not None else "string"
        if value is None:
            return Cell(BLANK, self._on(colour, italic=True))
        if isinstance(value, Unread):
            style = self._on(colour, num_format="@", italic=True, text_wrap=self.wrapped)
            return Cell(cell_text(f"{value.text} (illisible)"), style)
        if kind == "money" and isinstance(value, int):
            return Cell(euros(value), self._on(colour, num_format=EUROS_AND_CENTS if value % 100 else EUROS))
        if kind == "date" and isinstance(value, date) and value >= FIRST_DAY:
            style = self._on(colour, num_format=DATE, align="left")
        elif kind == "percent":
            style = self._on(colour, num_format=PERCENT, align="left")
        elif kind in ("integer", "boolean"):
            style = self._on(colour, align="left")
        else:
            style = self._on(colour, num_format="@", text_wrap=self.wrapped)
        return Cell(self.value(field, value, {}).content, style)

    def _on(self, colour: str, **properties: object) -> Format:
        colours = self.writer.theme.colours
        ground, ink = colours[colour], colours[f"{colour}_texte"]
        return self.writer.cell(computed=False, bg_color=ground, font_color=ink, **properties)

    @cached_property
    def link_format(self) -> Format:
        ink = self.writer.theme.colours["lien"]
        return self.writer.cell(align="center", text_wrap=self.wrapped, font_color=ink, underline=1)


class _DiffRows:
    """Makes the rows of both sheets."""

    def __init__(self, comparison: Comparison, words: DiffWords, maker: _Colours, path: Path) -> None:
        self.comparison, self.words, self.maker = comparison, words, maker
        self.folders = {id(side): _relative(side.path, path.parent) for side in (comparison.before, comparison.after)}

    # Summary

    def summary(self, sheet: Sheet, footer: str) -> None:
        comparison, writer = self.comparison, sheet.writer
        sheet.title("Différences", footer, len(_SUM_COLUMNS))
        bold = writer.format(bold=True)
        for row, (label, side) in enumerate((("Avant", comparison.before), ("Après", comparison.after)), 3):
            sheet.write(row, 0, f"{label} : {side.name}", bold)
            partner = f" de {self.words.label('partenaires', side.partner)}, {side.exercice}" if side.partner else ""
            sheet.write(row, 3, f"{side.kind.value}{partner}", writer.format())
        counted = counts(comparison)
        sheet.write(6, 0, ", ".join(counted).capitalize() + "." if counted else "Aucune différence.", bold)
        if comparison.moved:
            moved = plural(comparison.moved, "ligne seulement déplacée", "lignes seulement déplacées")
            sheet.write(7, 0, f"{moved} : ce n'est pas une différence.", writer.format(italic=True))
        if comparison.unseen:
            sheet.write(9, 0, unseen_words(comparison.unseen), writer.format(italic=True))
        sheet.link(8, 0, cell_link(LIST, "A1"), "Toutes les différences, une par ligne →")
        rows = [row for table in comparison.tables for row in self.sum_rows(table)]
        sheet.section(10, 0, "Par table")
        write_list(sheet, SUMS_TABLE, 11, _SUM_COLUMNS, rows, empty="Aucune table ne diffère.")
        after = 11 + max(1, len(rows)) + 2
        for row, notice in enumerate(comparison.notices, after):
            sheet.write(row, 0, f"{notice.place} : {notice.message}", writer.format(italic=True))
        finish(sheet, footer, header=11)
        sheet.raw.freeze_panes(0, 0)

    def sum_rows(self, table: TableDifference) -> Iterator[list[Cell]]:
        maker, words = self.maker, self.words
        if not table.count and not table.moved:
            return
        head = [
            maker.text(words.group(table.name, None)),
            maker.centred(table.changed_cells),
            *(maker.centred(len(rows)) for rows in (table.added, table.removed, table.moved)),
        ]
        blank = maker.centred(None)
        sums = table_sums(words, table)
        if not sums:
            yield [*head, maker.text(None), blank, blank, blank]
        for rank, (name, added_up) in enumerate(sums.items()):
            field = words.field(table.name, name)
            yield [
                *(head if rank == 0 else [head[0], blank, blank, blank, blank]),
                maker.text(words.field_title(table.name, name)), maker.value(field, added_up.before, {}),
                maker.value(field, added_up.after, {}),
                maker.text(added_up.left_out) if added_up.left_out else maker.signed(added_up.gap),
            ]  # fmt: skip

    # Differences

    def rows(self) -> Iterator[list[Cell]]:
        maker, words = self.maker, self.words
        before, after = self.comparison.before, self.comparison.after
        for number, entry in enumerate(words.entries(), 1):
            title = entry.title.capitalize() if entry.kind == STRUCTURE else entry.title
            field = words.field_title(entry.table, entry.cell.field) if entry.cell else ""
            yield [
                maker.centred(number), maker.state(*_NATURES[entry.kind]), maker.text(title),
                maker.centred(entry.convention), maker.text(entry.row), maker.text(field), *self.values(entry),
                self.cell(before, entry.place_before), self.cell(after, entry.place_after),
            ]  # fmt: skip

    def values(self, entry: Entry) -> list[Cell]:
        maker, words, cell = self.maker, self.words, entry.cell
        if cell is not None:
            values = [self.value(entry.table, cell.field, cell.before, _OLD)]
            values.append(self.value(entry.table, cell.field, cell.after, _NEW))
            return [*values, maker.signed(words.difference(entry.table, cell))]
        if entry.side is None:
            none = "(aucune formule)" if entry.kind == FORMULA else None
            values = [maker.coloured(None, entry.before or none, _OLD), maker.coloured(None, entry.after or none, _NEW)]
            return [*values, maker.signed(None)]
        colour = _NATURES[entry.kind][1]
        values = [maker.centred(None), maker.coloured(None, "(toute la ligne)", colour)]
        # A row of several amounts has no single difference.
        amounts = list(words.amounts(entry.side, entry.table, entry.position).values())
        total = amounts[0] if len(amounts) == 1 else None
        if entry.kind == ADDED:
            return [*values, maker.signed(total)]
        return [*reversed(values), maker.signed(None if total is None else -total)]

    def value(self, table: str, name: str, value: object, colour: str) -> Cell:
        key = self.words.schemas[table].foreign.get(name)
        if key is not None and value is not None and not isinstance(value, Unread):
            return self.maker.coloured(None, self.words.label(key.table, value), colour)
        return self.maker.coloured(self.words.field(table, name), value, colour)

    def cell(self, side: ComparedFile, place: Place | None) -> Cell:
        maker = self.maker
        if place is None or not (place.cellule or place.ligne):
            return maker.centred(None)
        if not place.cellule:
            return maker.centred(f"{place.fichier or ''} ligne {place.ligne}".strip())
        text = cell_text(f"{place.feuille}!{place.cellule}")
        folder = self.folders[id(side)]
        if folder is None:
            return maker.centred(text)
        target = FileLink(folder, f"{quoted_sheet(place.feuille or '')}!{place.cellule}")
        return Cell(text, maker.link_format, target)


def _relative(path: Path, folder: Path) -> str | None:
    """The way to a file from the folder of the workbook; ``None`` where there is none (another drive)."""
    try:
        return escaped_path(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix())
    except ValueError:
        return None
