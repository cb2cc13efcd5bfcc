"""The sheet Crédits: exercice × convention × collectivité, a long table to filter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from xlsxwriter.format import Format

from tabellion.campaign.model import Consolidation
from tabellion.measures.measure import Measure
from tabellion.measures.overview import Overview
from tabellion.outputs.consolidation.credits import DETAIL, DETAIL_LABELS, LINES, Credits
from tabellion.outputs.consolidation.tables import DataSheet
from tabellion.xlsx.blocks import BlockKey, measure_columns, write_measure
from tabellion.xlsx.lists import FIRST_ROW, finish, note
from tabellion.xlsx.sheets import Cell, LongColumn
from tabellion.xlsx.writer import Sheet

DETAIL_TITLE = "Crédits"
_WIDTHS = (9, 5, 38, 26, 8, 15, 15, 15, 15, 15, 11)


def write_detail(
    sheet: Sheet,
    consolidation: Consolidation,
    overview: Overview,
    data: dict[str, DataSheet],
    footer: str,
    *,
    with_formulas: bool = True,
) -> None:
    """Write the sheet Crédits: exercice × convention × collectivité, a long table to filter."""
    words = f"Exercice par exercice, chaque convention et chaque {overview.town.lower()}"
    sheet.title(DETAIL_TITLE, words, len(_WIDTHS))
    sheet.set_widths(enumerate(_WIDTHS))
    if "lignes_budgetaires" not in data or not overview.exercices:
        note(sheet, FIRST_ROW, "Aucune ligne budgétaire.")
        finish(sheet, footer)
        return
    towns = dict(consolidation.contract.town_labels)
    money = Credits(overview, data["lignes_budgetaires"], towns, with_formulas)
    keys, rows = money.detail()
    aligned = dict.fromkeys(DETAIL_LABELS[5:], "right") | dict.fromkeys((*DETAIL_LABELS[:2], LINES), "center")
    labels = (*DETAIL_LABELS[:3], overview.town, *DETAIL_LABELS[4:])
    sheet.table(DETAIL, FIRST_ROW, 0, len(keys), labels, aligned=aligned)
    is_live = any(measure.formula is not None for measure in rows[0])
    is_short = len(keys) <= sheet.writer.wrapped_rows
    if is_short:
        for row, key in enumerate(keys, FIRST_ROW + 1):
            sheet.fit(row, [(value, column) for column, value in enumerate(key) if column > 1])
    centred = sheet.writer.cell(computed=True, align="center")
    text = sheet.writer.cell(computed=True, text_wrap=is_short)
    styles = [centred, centred, text, text]
    if is_live or (is_short and with_formulas):
        _write_rows(sheet, keys, rows, styles)
    else:
        _write_columns(sheet, keys, rows, styles)
    words = "Chaque montant est une formule sur les lignes budgétaires de ce classeur." if is_live else (
        "Les montants sont ceux de la consolidation : trop nombreux pour être des formules."
        if with_formulas else "Les montants sont ceux de la consolidation."
    )  # fmt: skip
    note(sheet, 2, words)
    finish(sheet, footer, columns=2)


def _write_rows(
    sheet: Sheet, keys: Sequence[BlockKey], rows: Sequence[Sequence[Measure]], styles: Sequence[Format]
) -> None:
    for row, (key, measures) in enumerate(zip(keys, rows, strict=True), FIRST_ROW + 1):
        for column, value in enumerate(key):
            sheet.write(row, column, value, styles[column])
        for column, measure in enumerate(measures, len(key)):
            write_measure(sheet, row, column, measure, (DETAIL, f"{key[0]} {key[1]} {key[3]}", DETAIL_LABELS[column]))


def _write_columns(
    sheet: Sheet, keys: Sequence[BlockKey], rows: Sequence[Sequence[Measure]], styles: Sequence[Format]
) -> None:
    columns = [
        LongColumn(values, partial(Cell, style=style))
        for values, style in zip(zip(*keys, strict=True), styles, strict=False)
    ]
    columns += measure_columns(sheet.writer, rows)
    sheet.raw.write_long_columns(FIRST_ROW + 1, len(keys), columns)
