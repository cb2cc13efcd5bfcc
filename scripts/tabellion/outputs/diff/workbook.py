"""The workbook of a comparison: what was compared and counted, then every difference on its row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from xlsxwriter.format import Format

from tabellion.contract.workspace import Settings
from tabellion.findings import Place
from tabellion.layout.names import cell_link, quoted_sheet
from tabellion.layout.theme import Theme
from tabellion.outputs.diff.compare import sums
from tabellion.outputs.diff.model import Comparison, FormulaAt, Side, TableDifference, Unread
from tabellion.outputs.diff.words import DiffWords, counts
from tabellion.schema import Field
from tabellion.schema.money import euros
from tabellion.schema.shown import BLANK
from tabellion.wording import plural
from tabellion.xlsx.blocks import held
from tabellion.xlsx.cells import CellMaker, escaped_path
from tabellion.xlsx.lists import FIRST_ROW, WRAPPED_ROWS, Column, finish, note, write_list
from tabellion.xlsx.sheets import Cell, FileLink
from tabellion.xlsx.signature import BLANK as BLANK_SEAL
from tabellion.xlsx.signature import PROPERTY, sign
from tabellion.xlsx.writer import DATE, EUROS, EUROS_AND_CENTS, FIRST_DAY, PERCENT, Sheet, Writer, document_date

SUMMARY, LIST, LIST_TABLE, SUMS_TABLE = "Résumé", "Différences", "Differences", "Sommes"
_COLUMNS = (
    Column("N°", 7, "center"), Column("Nature", 17, "center"), Column("Table", 20), Column("Convention", 11, "center"),
    Column("Ligne", 42), Column("Champ", 20), Column("Avant", 26), Column("Après", 26),
    Column("Différence (€)", 15, "right"), Column("Cellule avant", 24, "center"), Column("Cellule après", 24, "center"),
)  # fmt: skip
_SUM_COLUMNS = (
    Column("Table", 26), Column("Cellules changées", 12, "center"), Column("Lignes ajoutées", 12, "center"),
    Column("Lignes retirées", 12, "center"), Column("Lignes déplacées", 12, "center"), Column("Montant", 22),
    Column("Somme avant", 18, "right"), Column("Somme après", 18, "right"), Column("Différence (€)", 16, "right"),
)  # fmt: skip
#: What each nature of difference is called and coloured: the word is enough by itself.
_CHANGED, _ADDED, _REMOVED = ("~ changée", "avertissement"), ("+ ajoutée", "juste"), ("– retirée", "erreur")
_FORMULA, _STRUCTURE = ("ƒ formule", "information"), ("▦ structure", "information")


def write_differences(comparison: Comparison, words: DiffWords, theme: Theme, settings: Settings, path: Path) -> bytes:
    """The bytes of the workbook; its links lead to the two files from ``path``. The same comparison, the same bytes."""
    writer = Writer(theme)
    first, second = writer.sheet(SUMMARY), writer.sheet(LIST)
    footer = f"{comparison.before.name} → {comparison.after.name}"
    count = comparison.count
    rows = _DiffRows(comparison, words, _Colours(writer, wrapped=count <= WRAPPED_ROWS), path)
    rows.summary(first, footer)
    second.title(LIST, footer, len(_COLUMNS))
    second.link(2, 0, cell_link(SUMMARY, "A1"), "← Résumé")
    note(second, 3, "Une ligne par différence : filtrez par nature, par table ou par champ.")
    write_list(second, LIST_TABLE, FIRST_ROW, _COLUMNS, rows.rows(), empty="–", count=count)
    finish(second, footer, columns=2)
    for sheet in (first, second):
        sheet.raw.set_tab_color(theme.series[0])
    writer.book.set_properties({
        "title": f"{settings.titre} : différences",
        "subject": footer,
        "author": "tabellion",
        "category": "Contrat de ville",
        "created": _day(settings),
    })  # fmt: skip
    writer.book.set_custom_property(PROPERTY, BLANK_SEAL, "text")
    writer.book.set_size(2200, 1400)
    first.raw.activate()
    return sign(writer.close())


def _day(settings: Settings) -> datetime:
    return document_date(settings.debut)


class _Colours(CellMaker):
    """The maker of a list of differences: what was is on the colour of what goes, what is on that of what comes."""

    def told(self, field: Field | None, value: Any, labels: dict[Any, str], colour: str) -> Cell:
        """A value on a colour of the layout; a blank says that it is one, so that the colour is never alone."""
        colours = self.writer.theme.colours
        ink: dict[str, Any] = {"bg_color": colours[colour], "font_color": colours[f"{colour}_texte"]}
        wrap = {"text_wrap": True} if self.wrapped else {}
        if value is None:
            return Cell(BLANK, self.writer.cell(italic=True, **ink))
        if isinstance(value, Unread):
            return Cell(held(f"{value.text} (illisible)"), self.writer.cell(num_format="@", italic=True, **wrap, **ink))
        kind = field.kind if field is not None else "string"
        if kind == "money" and isinstance(value, int):
            return Cell(euros(value), self.writer.cell(num_format=EUROS_AND_CENTS if value % 100 else EUROS, **ink))
        plain = self.value(field, value, labels)
        return Cell(plain.content, self._kind(kind, value, wrap, ink))

    @cached_property
    def link_format(self) -> Format:
        """The format of a link, in the middle."""
        ink: dict[str, Any] = {"font_color": self.writer.theme.colours["lien"], "underline": 1}
        return self.writer.cell(align="center", text_wrap=self.wrapped, **ink)

    def _kind(self, kind: str, value: Any, wrap: dict[str, Any], ink: dict[str, Any]) -> Format:
        if kind == "date" and value >= FIRST_DAY:
            return self.writer.cell(num_format=DATE, align="left", **ink)
        if kind in ("percent", "integer", "boolean"):
            more: dict[str, Any] = {"num_format": PERCENT} if kind == "percent" else {}
            return self.writer.cell(align="left", **more, **ink)
        return self.writer.cell(num_format="@", **wrap, **ink)

    def words(self, text: str, colour: str) -> Cell:
        """A text on a colour of the layout."""
        return self.told(None, text, {}, colour)


class _DiffRows:
    """Makes the rows of both sheets."""

    def __init__(self, comparison: Comparison, words: DiffWords, maker: _Colours, path: Path) -> None:
        self.comparison, self.words, self.maker = comparison, words, maker
        self.folders = {id(side): _relative(side.path, path.parent) for side in (comparison.before, comparison.after)}

    # Summary

    def summary(self, sheet: Sheet, footer: str) -> None:
        """What was compared, what was counted, the sums by table."""
        comparison, writer = self.comparison, sheet.writer
        sheet.title("Différences", footer, len(_SUM_COLUMNS))
        bold = writer.format(bold=True)
        for row, (label, side) in enumerate((("Avant", comparison.before), ("Après", comparison.after)), 3):
            sheet.write(row, 0, f"{label} : {side.name}", bold)
            who = f" de {self.words.label('partenaires', side.partner)}, {side.exercice}" if side.partner else ""
            sheet.write(row, 3, f"{side.kind.value}{who}", writer.format())
        said = counts(comparison)
        sheet.write(6, 0, ", ".join(said).capitalize() + "." if said else "Aucune différence.", bold)
        if comparison.moved:
            moved = plural(comparison.moved, "ligne seulement déplacée", "lignes seulement déplacées")
            sheet.write(7, 0, f"{moved} : ce n'est pas une différence.", writer.format(italic=True))
        sheet.link(8, 0, cell_link(LIST, "A1"), "Toutes les différences, une par ligne →")
        rows = [each for table in comparison.tables for each in self.sum_rows(table)]
        sheet.section(10, 0, "Par table")
        write_list(sheet, SUMS_TABLE, 11, _SUM_COLUMNS, rows, empty="Aucune table ne diffère.")
        after = 11 + max(1, len(rows)) + 2
        for place, each in enumerate(comparison.notices):
            sheet.write(after + place, 0, f"{each.place} : {each.message}", writer.format(italic=True))
        finish(sheet, footer, header=11)
        sheet.raw.freeze_panes(0, 0)

    def sum_rows(self, table: TableDifference) -> Iterator[list[Cell]]:
        """The counts of a table and the sums of its amounts, one row for each amount."""
        maker, words = self.maker, self.words
        if not table.count and not table.moved:
            return
        fields = [each for each in table.fields if (known := words.field(table.name, each)) and known.kind == "money"]
        sides = (self.comparison.before, self.comparison.after)
        old, new = (sums(side.tables.get(table.name), fields) for side in sides)
        head = [
            maker.text(words.group(table.name, None)),
            maker.centred(sum(len(row.cells) for row in table.changed)),
            *(maker.centred(len(rows)) for rows in (table.added, table.removed, table.moved)),
        ]
        told = [each for each in fields if old[each] or new[each]]
        for rank, each in enumerate(told or [""]):
            blank = maker.centred(None)
            start = head if rank == 0 else [head[0], blank, blank, blank, blank]
            if not each:
                yield [*start, maker.text(None), blank, blank, blank]
                continue
            field = words.field(table.name, each)
            yield [
                *start, maker.text(words.field_title(table.name, each)), maker.value(field, old[each], {}),
                maker.value(field, new[each], {}), maker.signed(new[each] - old[each]),
            ]  # fmt: skip

    # Differences

    def rows(self) -> Iterator[list[Cell]]:
        """Every difference, numbered."""
        for number, cells in enumerate(self._all(), 1):
            yield [self.maker.centred(number), *cells]

    def _all(self) -> Iterator[list[Cell]]:
        for table in self.comparison.tables:
            yield from self.table_rows(table)
        before, after = self.comparison.before, self.comparison.after
        for each in self.comparison.formulas:
            yield [
                *self.head(_FORMULA, self.words.formula_table(each.key), None, self.words.formula_row(each.key), ""),
                self.formula(each.before, "erreur"), self.formula(each.after, "juste"), self.maker.signed(None),
                self.cell(before, each.before.place if each.before else None),
                self.cell(after, each.after.place if each.after else None),
            ]  # fmt: skip
        for piece in self.comparison.structure:
            old, new = piece.before, piece.after
            yield [
                *self.head(_STRUCTURE, piece.piece.part.value.capitalize(), None, self.words.piece(piece), ""),
                self.maker.told(None, old.name if old else None, {}, "erreur"),
                self.maker.told(None, new.name if new else None, {}, "juste"),
                self.maker.signed(None),
                self.cell(before, old.place if old else None), self.cell(after, new.place if new else None),
            ]  # fmt: skip

    def head(self, nature: tuple[str, str], table: str, convention: int | None, row: str, champ: str) -> list[Cell]:
        """The first columns of a difference, but for its number."""
        maker = self.maker
        return [
            maker.state(*nature), maker.text(table), maker.centred(convention), maker.text(row),
            maker.text(champ),
        ]  # fmt: skip

    def formula(self, found: FormulaAt | None, colour: str) -> Cell:
        """A formula as text."""
        return self.maker.words(found.shown if found is not None else "(aucune formule)", colour)

    def table_rows(self, table: TableDifference) -> Iterator[list[Cell]]:
        """The differences of one table."""
        words, maker, name = self.words, self.maker, table.name
        before, after, title = self.comparison.before, self.comparison.after, words.group(name, None)
        for change in table.changed:
            row, convention = words.row(after, name, change.after), words.convention(after, name, change.after)
            for cell in change.cells:
                champ = words.field_title(name, cell.field)
                yield [
                    *self.head(_CHANGED, title, convention, row, champ),
                    self.value(name, cell.field, cell.before, "erreur"),
                    self.value(name, cell.field, cell.after, "juste"),
                    maker.signed(words.difference(name, cell.field, cell.before, cell.after)),
                    self.cell(before, before.locate(name, change.before, cell.field)),
                    self.cell(after, after.locate(name, change.after, cell.field)),
                ]
        for nature, rows, side, direction in ((_ADDED, table.added, after, 1), (_REMOVED, table.removed, before, -1)):
            for lone in rows:
                place = self.cell(side, side.locate(name, lone.position, None))
                nothing, here = maker.centred(None), maker.words("(toute la ligne)", nature[1])
                row, convention = words.row(side, name, lone.position), words.convention(side, name, lone.position)
                total = self.total(side, name, lone.position)
                start = self.head(nature, title, convention, row, "")
                difference = maker.signed(None if total is None else direction * total)
                sides = [nothing, here] if direction > 0 else [here, nothing]
                places = [nothing, place] if direction > 0 else [place, nothing]
                yield [*start, *sides, difference, *places]

    def total(self, side: Side, table: str, position: int) -> int | None:
        """The only amount of a lone row; a row of several amounts has no single difference."""
        found = [
            values[position]
            for name, values in side.tables[table].columns.items()
            if (field := self.words.field(table, name)) is not None and field.kind == "money"
            and isinstance(values[position], int)
        ]  # fmt: skip
        return found[0] if len(found) == 1 else None

    def value(self, table: str, name: str, value: Any, colour: str) -> Cell:
        """A value, on its colour."""
        schema, field = self.words.schemas[table], self.words.field(table, name)
        key = schema.foreign.get(name)
        if key is not None and value is not None and not isinstance(value, Unread):
            return self.maker.words(self.words.label(key.table, value), colour)
        return self.maker.told(field, value, {}, colour)

    def cell(self, side: Side, place: Place | None) -> Cell:
        """A cell of one of the two files, which opens there."""
        maker = self.maker
        if place is None or not (place.cellule or place.ligne):
            return maker.centred(None)
        if not place.cellule:
            return maker.centred(f"{place.fichier or ''} ligne {place.ligne}".strip())
        text = held(f"{place.feuille}!{place.cellule}")
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
