"""The sheet « Demandes »: what staff may ask of the watcher, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tabellion.campaign.model import Request, RequestStatus
from tabellion.layout.names import (
    CONFIRMATION,
    DO_IT,
    HEADER_ROW,
    REQUEST,
    REQUEST_CODE,
    REQUESTS,
    REQUESTS_TABLE,
    TO_CONFIRM,
    column_letters,
)
from tabellion.wording import shortened
from tabellion.xlsx.lists import CellMaker, ListColumn, finish, maker_for, note, write_columns
from tabellion.xlsx.sheets import Cell
from tabellion.xlsx.writer import Sheet

_PROMPT = f"Choisissez « {DO_IT} », puis enregistrez : la surveillance le fait une fois, et dit ici ce qu'il en est."
_CONFIRM = "Adopter change le contrat : choisissez ce qui est proposé pour confirmer, puis enregistrez."
_COLOURS = {RequestStatus.DONE: "juste", RequestStatus.REFUSED: "erreur"}


def write_requests(sheet: Sheet, requests: Sequence[Request], footer: str) -> None:
    """Write one row a request, with the cells that ask for it and what came of the last one."""
    columns = _columns(maker_for(sheet.writer, len(requests)))
    sheet.title(REQUESTS, "Ce que l'équipe peut demander sans terminal, quand la surveillance tourne", len(columns))
    note(sheet, 2, f"Choisissez « {DO_IT} », enregistrez, refermez : chaque demande est faite une fois.")
    last = write_columns(sheet, REQUESTS_TABLE, HEADER_ROW, columns, requests, empty="Aucune demande possible.")
    labels = [column.label for column in columns]
    asked, confirmed, expected = (labels.index(label) for label in (REQUEST, CONFIRMATION, TO_CONFIRM))
    area = (HEADER_ROW + 1, asked, last, asked)
    sheet.validation(area, {"validate": "list", "source": [DO_IT]}, _PROMPT, REQUEST, f"Choisissez « {DO_IT} ».")
    for row, request in enumerate(requests, HEADER_ROW + 1):
        if request.confirmation:
            source = f"=${column_letters(expected)}{row + 1}"
            area = (row, confirmed, row, confirmed)
            sheet.validation(area, {"validate": "list", "source": source}, _CONFIRM, CONFIRMATION, "Choisissez.")
    sheet.hide((labels.index(REQUEST_CODE), expected), button=False)
    finish(sheet, footer, columns=1)


def _columns(maker: CellMaker) -> list[ListColumn]:
    colours = maker.writer.theme.colours
    editable = maker.writer.format(
        bold=True, text_wrap=True, valign="vcenter", align="center", num_format="@",
        border=2, border_color=colours["avertissement_texte"],
        bg_color=colours["avertissement"], font_color=colours["avertissement_texte"],
    )  # fmt: skip

    def text(value: Callable[[Request], str]) -> Callable[[Request], Cell]:
        return lambda request: maker.text(value(request) or None)

    def confirm(request: Request) -> Cell:
        return Cell(None, editable) if request.confirmation else maker.text(None)

    def result(request: Request) -> Cell:
        if request.last is None:
            return maker.text(None)
        words = request.last.result or request.last.status.value
        return maker.state(shortened(words, 500), _COLOURS.get(request.last.status, "avertissement"))

    return [
        ListColumn("Ce qui peut être demandé", 34, cell=text(lambda request: request.label)),
        ListColumn(REQUEST, 16, "center", cell=lambda _: Cell(None, editable)),
        ListColumn(CONFIRMATION, 32, "center", cell=confirm),
        ListColumn("Fait le", 16, "center", cell=lambda request: maker.moment(request.last and request.last.ended)),
        ListColumn("Résultat", 48, "center", cell=result),
        ListColumn("Ce que cela fait", 52, cell=text(lambda request: request.meaning)),
        ListColumn(REQUEST_CODE, 12, cell=text(lambda request: request.code)),
        ListColumn(TO_CONFIRM, 12, cell=text(lambda request: request.confirmation)),
    ]
