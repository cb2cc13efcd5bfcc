"""The sheet Crédits: exercice × convention × collectivité, a long table to filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from xlsxwriter.format import Format

from tabellion.campaign.model import Consolidation
from tabellion.measures.overview import Overview
from tabellion.outputs.consolidation.blocks import Figure, figure_cell, write_figure
from tabellion.outputs.consolidation.credit_blocks import DETAIL, Credits
from tabellion.outputs.consolidation.listing import FIRST_ROW, WRAPPED_ROWS, finish, note
from tabellion.outputs.consolidation.long_rows import LongColumn
from tabellion.outputs.consolidation.palette import Cell
from tabellion.outputs.consolidation.tables import DataSheet
from tabellion.xlsx.writer import Sheet, Writer

DETAIL_TITLE = "Crédits"
_Key = tuple[str | int | None, ...]
_WIDTHS = (10, 7, 46, 30, 9, 17, 17, 17, 17, 17, 12)


def write_detail(
    sheet: Sheet, consolidation: Consolidation, overview: Overview, data: dict[str, DataSheet], footer: str
) -> None:
    """Write the whole sheet."""
    sheet.title(DETAIL_TITLE, "Exercice par exercice, chaque convention et chaque collectivité", len(_WIDTHS))
    sheet.set_widths(enumerate(_WIDTHS))
    if "lignes_budgetaires" not in data or not overview.exercices:
        note(sheet, FIRST_ROW, "Aucune ligne budgétaire.")
        finish(sheet, footer)
        return
    money = Credits(overview, data["lignes_budgetaires"], dict(consolidation.contract.town_labels))
    labels, keys, figures = money.detail()
    aligned = dict.fromkeys(labels[5:], "right") | dict.fromkeys((*labels[:2], labels[4]), "center")
    sheet.table(DETAIL, FIRST_ROW, 0, len(keys), labels, aligned=aligned)
    live = any(figure.formula is not None for figure in figures[0])
    if len(keys) > WRAPPED_ROWS and not live:
        sheet.raw.write_long_columns(FIRST_ROW + 1, len(keys), list(_columns(sheet.writer, keys, figures)))
    else:
        _write_rows(sheet, labels, keys, figures)
    words = "Chaque montant est une formule sur les lignes budgétaires de ce classeur." if live else (
        "Les montants sont ceux de la consolidation : trop nombreux pour être des formules."
    )  # fmt: skip
    note(sheet, 2, words)
    finish(sheet, footer, columns=4)


def _write_rows(sheet: Sheet, labels: Sequence[str], keys: Sequence[_Key], figures: Sequence[Sequence[Figure]]) -> None:
    centred, text = _key_formats(sheet.writer)
    is_short = len(keys) <= WRAPPED_ROWS
    for row, (key, made) in enumerate(zip(keys, figures, strict=True), FIRST_ROW + 1):
        for column, value in enumerate(key):
            sheet.write(row, column, value, centred if column < 2 else text)
        if is_short:
            sheet.fit(row, [(value, column) for column, value in enumerate(key) if column > 1])
        for column, figure in enumerate(made, len(key)):
            write_figure(sheet, row, column, figure, (DETAIL, f"{key[0]} {key[1]} {key[3]}", labels[column]))


def _columns(writer: Writer, keys: Sequence[_Key], figures: Sequence[Sequence[Figure]]) -> Iterator[LongColumn]:
    centred, text = _key_formats(writer)
    for place in range(len(keys[0])):
        yield LongColumn([key[place] for key in keys], partial(Cell, style=centred if place < 2 else text))
    for place in range(len(figures[0])):
        yield LongColumn([each[place] for each in figures], partial(figure_cell, writer))


def _key_formats(writer: Writer) -> tuple[Format, Format]:
    return writer.cell(computed=True, align="center"), writer.cell(computed=True, text_wrap=True)
