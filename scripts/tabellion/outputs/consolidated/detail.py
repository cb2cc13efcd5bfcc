"""The sheet Crédits: exercice × convention × collectivité, a long table to filter."""

from __future__ import annotations

from tabellion.accounts.overview import Overview
from tabellion.campaign.model import Consolidation
from tabellion.outputs.consolidated.blocks import write_figure
from tabellion.outputs.consolidated.credit_blocks import DETAIL, Credits
from tabellion.outputs.consolidated.listing import FIRST_ROW, WRAPPED_ROWS, finish, note
from tabellion.outputs.consolidated.tables import DataSheet
from tabellion.workbook.pen import Sheet

DETAIL_TITLE = "Crédits"
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
    centred, text = sheet.pen.cell(computed=True, align="center"), sheet.pen.cell(computed=True, text_wrap=True)
    is_short = len(keys) <= WRAPPED_ROWS
    for row, (key, made) in enumerate(zip(keys, figures, strict=True), FIRST_ROW + 1):
        for column, value in enumerate(key):
            sheet.write(row, column, value, centred if column < 2 else text)
        if is_short:
            sheet.fit(row, [(value, column) for column, value in enumerate(key) if column > 1])
        for column, figure in enumerate(made, len(key)):
            write_figure(sheet, row, column, figure, (DETAIL, f"{key[0]} {key[1]} {key[3]}", labels[column]))
    live = any(figure.formula is not None for figure in figures[0])
    words = "Chaque montant est une formule sur les lignes budgétaires de ce classeur." if live else (
        "Les montants sont ceux de la consolidation : trop nombreux pour être des formules."
    )  # fmt: skip
    note(sheet, 2, words)
    finish(sheet, footer, columns=4)
