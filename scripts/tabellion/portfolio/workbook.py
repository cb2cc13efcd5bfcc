"""``ensemble.xlsx``: all contracts in one workbook; the same contracts give the same bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabellion.contract.folders import Folders
from tabellion.findings import CATALOGUE, Finding
from tabellion.layout.names import FORMAT_VERSION
from tabellion.layout.theme import Theme
from tabellion.portfolio.board import BoardContract, Freshness, Portfolio
from tabellion.portfolio.figures import (
    AMOUNT,
    CODE,
    COMPARED,
    CONTRACT,
    CONVENTION,
    COUNT,
    CREDITS,
    DEPARTMENT,
    EXERCICE,
    FICHES,
    FUNDER,
    FUNDINGS,
    IDENTIFIER,
    LINES,
    MONEY,
    PILIER,
    PRICED,
    PRINTED,
    PUBLISHED,
    QUARTIER,
    QUARTIERS,
    RECOMPUTED,
    REGION,
    UNKNOWN_LINES,
    WHO,
    PortfolioFigures,
)  # fmt: skip
from tabellion.portfolio.state import UNTOLD, CreditTotal, NamedFinding
from tabellion.portfolio.synthesis import (
    ASKED,
    BLOCKING,
    BOARD,
    LATE,
    RECEIVED,
    STATE,
    SYNTHESIS,
    UP_TO_DATE,
    write_synthesis,
)  # fmt: skip
from tabellion.schema.money import euros
from tabellion.schema.tables import Row
from tabellion.wording import french_date, french_moment, plural
from tabellion.xlsx.blocks import cell_text
from tabellion.xlsx.lists import FIRST_ROW, CellMaker, ListColumn, escaped_path, finish, maker_for, note, write_columns
from tabellion.xlsx.sheets import Cell, FileLink
from tabellion.xlsx.signature import close_signed, write_identity
from tabellion.xlsx.writer import Sheet, Writer

KIND_ENSEMBLE = "ensemble"
#: What stands in place of the title of the list, where it has none.
TITLE = "Contrats de ville mis ensemble"
COMPARISONS = "Comparaisons"
_REPORT = "rapport.html"
_STATES = {
    Freshness.CURRENT: (UP_TO_DATE, "juste"),
    Freshness.CARRIED: ("! repris d'avant", "avertissement"),
    Freshness.ABSENT: ("✗ pas lu", "erreur"),
    Freshness.DOUBLE: ("✗ en double", "erreur"),
}
_COLOURS = ("erreur", "avertissement", "information")


def write_ensemble(figures: PortfolioFigures, theme: Theme, target: Path) -> bytes:
    """Write the whole workbook, whose links suppose that it stands in the folder ``target``."""
    writer, portfolio = Writer(theme), figures.portfolio
    title = portfolio.titre or TITLE
    made = last_state_moment(portfolio)
    footer = title + (f" – état du {made}" if made else "")
    names = (SYNTHESIS, BOARD, "Ce qui bloque", COMPARISONS, "Crédits", FUNDINGS, QUARTIERS, "Tel que publié")
    sheets = {name: writer.sheet(name) for name in names}
    first, board, blocking, compared, lines, fundings, quartiers, published = sheets.values()
    subtitle = plural(len(portfolio.contracts), "contrat") + (f", état du {made}" if made else "")
    write_synthesis(first, figures, title, subtitle, footer)
    _write_board(board, figures, target, footer)
    _write_blocking(blocking, portfolio, footer)
    _write_comparisons(compared, portfolio, footer)
    _write_rows(lines, CREDITS, figures.credits, _credit_columns, footer,
                "Lignes budgétaires par contrat, convention, exercice et type de collectivité. Un montant vide "
                "n'est pas connu ; « comparable » : sur les lignes qui ont le prévu et le réalisé.")  # fmt: skip
    _write_rows(fundings, FUNDINGS, figures.fundings, _funding_columns, footer,
                "Un financement compte dans chaque exercice avec son dernier montant connu : ceux de deux exercices ne "
                "s'additionnent pas.")  # fmt: skip
    _write_rows(quartiers, QUARTIERS, figures.quartiers, _quartier_columns, footer,
                "Lignes qui nomment un seul quartier ; celles qui en nomment plusieurs comptent une fois, dans "
                "« Plusieurs ». Les fiches comptent dans chaque quartier qu'elles nomment.")  # fmt: skip
    _write_rows(published, PUBLISHED, figures.published, _published_columns, footer,
                "Le total général que le document imprime, à côté de la somme des lignes du réalisé.")  # fmt: skip
    for rank, sheet in enumerate(sheets.values()):
        sheet.raw.set_tab_color(theme.series[int(rank > 3) % len(theme.series)])
    years = [contract.record.state.fin for contract in portfolio.counted if contract.record is not None]
    write_identity(writer, {"genre": KIND_ENSEMBLE, "format": FORMAT_VERSION})
    return close_signed(
        writer, first, year=max(years, default=2015), title=f"{title} : ensemble", subject="Contrats de ville",
        keywords="contrat de ville, ensemble, crédits, retours, constats", comments=footer,
    )  # fmt: skip


def last_state_moment(portfolio: Portfolio) -> str:
    """When the latest of the states that are put together was reached, in words; empty where none says it."""
    moments = [contract.record.state.made for contract in portfolio.counted if contract.record is not None]
    latest = max((moment for moment in moments if moment is not None), default=None)
    return "" if latest is None else french_moment(latest)


def state_words(contract: BoardContract) -> tuple[str, str]:
    """Where the figures of a contract are from, with a sign, and the colour of that."""
    words, colour = _STATES[contract.freshness]
    if contract.freshness is Freshness.CARRIED and contract.record is not None:
        words = f"{words} ({french_date(contract.record.read)})"
    return words, colour


def report_path(contract: BoardContract, target: Path) -> str | None:
    """The path of a contract's own report from ``target``; ``None`` where it has none, or no path leads there."""
    report = Folders(contract.source.root.resolve()).consolidation / _REPORT
    try:
        return os.path.relpath(report, target.resolve()).replace(os.sep, "/") if report.is_file() else None
    except ValueError:  # on another drive
        return None


@dataclass(frozen=True)
class _BoardRow:
    """One line of the board: the contract, and the money of its own exercice."""

    contract: BoardContract
    credits: Sequence[CreditTotal]

    def amount(self, place: int) -> int | None:
        known = [cents for total in self.credits if (cents := total.amount(place)) is not None]
        return sum(known) if known else None


def _write_board(sheet: Sheet, figures: PortfolioFigures, target: Path, footer: str) -> None:
    rows = []
    for contract in figures.portfolio.contracts:
        state = contract.record.state if contract.record is not None and contract.counts else None
        totals = [total for total in state.credits if total.exercice == state.exercice] if state else []
        rows.append(_BoardRow(contract, totals))
    columns = _board_columns(maker_for(sheet.writer, len(rows)), target)
    where = columns[:2] if figures.has_regions else []
    columns = [*where, *columns[2:]]
    sheet.title(BOARD, "Un contrat par ligne : ses retours, ce qui le bloque, ce qu'il finance, sa dernière nuit",
                len(columns))  # fmt: skip
    note(
        sheet,
        2,
        "Les montants sont ceux de l'exercice du contrat ; un montant vide n'est pas connu, ce n'est pas zéro.",
    )
    write_columns(sheet, BOARD, FIRST_ROW, columns, rows, empty="Aucun contrat.")
    finish(sheet, footer, columns=len(where) + 1)


def _board_columns(maker: CellMaker, target: Path) -> list[ListColumn]:
    def state_value(name: str) -> Callable[[_BoardRow], object]:
        def value(row: _BoardRow) -> object:
            record = row.contract.record
            return getattr(record.state, name) if record is not None and row.contract.counts else None

        return value

    def number(label: str, name: str, width: float = 10) -> ListColumn:
        return ListColumn(label, width, "center", state_value(name), maker.centred)

    def flagged(label: str, name: str, colour: str) -> ListColumn:
        def cell(count: int | None) -> Cell:
            return Cell(count, maker.style("state", colour)) if count else maker.centred(count)

        return ListColumn(label, 11, "center", state_value(name), cell)

    def money(place: int) -> ListColumn:
        return ListColumn(MONEY[place], 17, "right", lambda row: row.amount(place), lambda cents: _money(maker, cents))

    def report(row: _BoardRow) -> Cell:
        path = report_path(row.contract, target)
        return (
            Cell("rapport", maker.style("centred", "link"), FileLink(escaped_path(path), ""))
            if path
            else maker.line(None)
        )

    return [
        ListColumn(REGION, 18, "left", lambda row: row.contract.name.region or None, maker.text),
        ListColumn(DEPARTMENT, 18, "left", lambda row: row.contract.name.departement or None, maker.text),
        ListColumn(CONTRACT, 36, "left", lambda row: row.contract.name.nom, maker.text),
        ListColumn(STATE, 15, "center", lambda row: state_words(row.contract), lambda state: maker.state(*state)),
        number(EXERCICE, "exercice", 9),
        number(ASKED, "attendus"),
        number(RECEIVED, "recus", 8),
        number("Acceptés", "acceptes"),
        number("Rejetés", "rejetes", 9),
        flagged(LATE, "en_retard", "avertissement"),
        number("À décider", "a_decider", 9),
        flagged(BLOCKING, "bloquants", "erreur"),
        number("Erreurs", "erreurs", 9),
        number("Avertissements", "avertissements", 14),
        *(money(place) for place in range(len(MONEY))),
        ListColumn("Dernière nuit", 16, "center", state_value("made"), maker.moment),
        ListColumn("Rapport", 10, "center", cell=report),
        ListColumn("Dossier", 34, "left", lambda row: row.contract.source.shown, maker.text),
    ]


def _write_blocking(sheet: Sheet, portfolio: Portfolio, footer: str) -> None:
    """What is said of the contracts together, then what blocks in each."""
    rows = [
        ("(ensemble)", NamedFinding.of(item), int(item.gravite))
        for item in portfolio.findings
        if item.code != "contrat-a-corriger"
    ]
    rows += [
        (contract.name.nom, named, 0)
        for contract in portfolio.counted
        for named in (contract.record.state.blockers if contract.record is not None else ())
    ]
    maker = maker_for(sheet.writer, len(rows))
    columns = [
        ListColumn(CONTRACT, 30, "left", lambda row: row[0], maker.text),
        ListColumn(
            "Constat", 28, "left", cell=lambda row: maker.state(cell_text(row[1].titre) or "", _COLOURS[row[2]])
        ),
        ListColumn("Message", 60, "left", lambda row: row[1].message, maker.text),
        ListColumn("Que faire", 50, "left", lambda row: row[1].remede, maker.text),
        ListColumn("Fichier", 30, "left", lambda row: row[1].fichier, maker.text),
        ListColumn("Feuille", 18, "left", lambda row: row[1].feuille, maker.text),
        ListColumn("Cellule", 10, "center", lambda row: row[1].cellule, maker.centred),
    ]
    sheet.title("Ce qui bloque", "Ce qui est à dire de l'ensemble, puis ce qui bloque dans chaque contrat (les vingt "
                "premiers constats de chacun ; tous sont dans son rapport)", len(columns))  # fmt: skip
    write_columns(sheet, "Blocages", FIRST_ROW, columns, rows, empty="Rien ne bloque.")
    finish(sheet, footer, columns=1)


def _write_comparisons(sheet: Sheet, portfolio: Portfolio, footer: str) -> None:
    """What comparisons across the contracts say."""
    rows = list(portfolio.comparisons)
    maker = maker_for(sheet.writer, len(rows))

    def others(item: Finding) -> str:
        return "\n".join(str(place) for place in item.liees)

    columns = [
        ListColumn("Constat", 28, "left",
                   cell=lambda item: maker.state(cell_text(CATALOGUE[item.code].titre) or "", _COLOURS[item.gravite])),
        ListColumn("Message", 64, "left", lambda item: item.message, maker.text),
        ListColumn("Que faire", 46, "left", lambda item: item.suggestion, maker.text),
        ListColumn("Où", 40, "left", lambda item: str(item.place), maker.text),
        ListColumn("Et aussi", 40, "left", others, maker.text),
    ]  # fmt: skip
    sheet.title(COMPARISONS, "Ce qui ne se voit qu'en mettant les contrats côte à côte", len(columns))
    write_columns(sheet, COMPARISONS, FIRST_ROW, columns, rows, empty="Rien à signaler.")
    finish(sheet, footer, columns=1)


def _write_rows(
    sheet: Sheet,
    table: str,
    rows: Sequence[Row],
    columns_of: Callable[[CellMaker], list[ListColumn]],
    footer: str,
    words: str,
) -> None:
    columns = columns_of(maker_for(sheet.writer, len(rows)))
    if all(row[REGION] == row[DEPARTMENT] == UNTOLD for row in rows):
        columns = [column for column in columns if column.label not in (REGION, DEPARTMENT)]
    sheet.title(sheet.name, words, len(columns))
    write_columns(sheet, table, FIRST_ROW, columns, rows, empty="Aucune ligne.")
    finish(sheet, footer, columns=[column.label for column in columns].index(CONTRACT) + 1)


def _whose_columns(maker: CellMaker) -> list[ListColumn]:
    return [
        _text(maker, REGION, 18),
        _text(maker, DEPARTMENT, 18),
        _text(maker, CONTRACT, 34),
        _text(maker, IDENTIFIER, 20),
    ]


def _credit_columns(maker: CellMaker) -> list[ListColumn]:
    return [
        *_whose_columns(maker), _text(maker, PILIER, 34), _text(maker, CONVENTION, 34), _number(maker, EXERCICE),
        _text(maker, WHO, 18),
        _number(maker, LINES), *(_euros(maker, label) for label in MONEY), _number(maker, UNKNOWN_LINES),
        *(_euros(maker, label) for label in COMPARED),
    ]  # fmt: skip


def _funding_columns(maker: CellMaker) -> list[ListColumn]:
    return [
        *_whose_columns(maker), _text(maker, PILIER, 34), _number(maker, EXERCICE), _text(maker, FUNDER, 20),
        _number(maker, COUNT, 14), _number(maker, PRICED, 14), _euros(maker, AMOUNT),
    ]  # fmt: skip


def _quartier_columns(maker: CellMaker) -> list[ListColumn]:
    return [
        _text(maker, CODE, 12), _text(maker, QUARTIER, 28), *_whose_columns(maker), _number(maker, EXERCICE),
        _number(maker, LINES), *(_euros(maker, label) for label in MONEY), _number(maker, FICHES),
    ]  # fmt: skip


def _published_columns(maker: CellMaker) -> list[ListColumn]:
    def gap(row: Row) -> int | None:
        return None if row[RECOMPUTED] is None else row[RECOMPUTED] - row[PRINTED]

    return [
        *_whose_columns(maker), _number(maker, EXERCICE), _euros(maker, PRINTED), _euros(maker, RECOMPUTED),
        ListColumn("Écart (€)", 17, "right", gap, maker.signed),
    ]  # fmt: skip


def _text(maker: CellMaker, label: str, width: float) -> ListColumn:
    return ListColumn(label, width, "left", lambda row: row[label], maker.text)


def _number(maker: CellMaker, label: str, width: float = 10) -> ListColumn:
    return ListColumn(label, width, "center", lambda row: row[label], maker.centred)


def _euros(maker: CellMaker, label: str) -> ListColumn:
    return ListColumn(label, 17, "right", lambda row: row[label], lambda cents: _money(maker, cents))


def _money(maker: CellMaker, cents: int | None) -> Cell:
    return Cell(euros(cents), maker.style("cents" if cents is not None and cents % 100 else "euros"))
