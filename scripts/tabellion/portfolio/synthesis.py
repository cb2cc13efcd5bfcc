"""The first sheet of ``ensemble.xlsx``: what matters on top, then the money of one exercice, chosen in the sheet.

Exercices are never added up; prévu, voté and réalisé stand side by side, and are compared over lines that have both.
"""

from __future__ import annotations

from collections.abc import Sequence

from tabellion.layout.names import column_ref, quoted_sheet
from tabellion.measures import AMOUNT_WORDS
from tabellion.measures.measure import Criterion, Measure, or_words
from tabellion.portfolio.figures import (
    AMOUNT,
    CONTRACT,
    CONVENTION,
    COUNT,
    EXERCICE,
    FUNDER,
    LINES,
    MONEY,
    PILIER,
    PRICED,
    RATE,
    REGION,
    WHO,
    PortfolioFigures,
    distinct,
)
from tabellion.portfolio.state import UNTOLD
from tabellion.schema.money import UNKNOWN
from tabellion.wording import plural
from tabellion.xlsx.blocks import Block, ChartSize, add_chart, cell_text, criteria, sums_of, write_block, write_cards
from tabellion.xlsx.writer import Sheet

SYNTHESIS, BOARD = "Synthèse", "Contrats"
#: Columns of the board that the cards add up.
STATE, UP_TO_DATE, ASKED, RECEIVED, LATE, BLOCKING = (
    "État", "✓ à jour", "Attendus", "Reçus", "En retard", "Bloquants",
)  # fmt: skip
#: The defined name of the cell that says which exercice the blocks show, and that of its list.
SHOWN, _YEARS = "Ensemble_exercice", "Ensemble_exercices"
BY_YEAR, BY_REGION, BY_PILIER, BY_CONVENTION, BY_WHO, BY_FUNDER = (
    "Par_exercice", "Par_region", "Par_pilier", "Par_convention", "Par_categorie", "Par_financeur",
)  # fmt: skip
_CREDIT_KINDS = ("count", "euros", "euros", "euros", "rate")
_FUNDING_KINDS = ("count", "count", "euros")
_WIDTH, _TITLE_WIDTH = 17.0, 46.0
_COLUMNS = 8
#: A chart that leaves room on the first page for what stands above it.
_SHORT = ChartSize(rows=14)


def write_synthesis(sheet: Sheet, figures: PortfolioFigures, title: str, made: str, footer: str) -> None:
    """Write the whole sheet."""
    sheet.title(title, made, _COLUMNS)
    year = figures.exercice
    row = write_cards(sheet, 3, _cards(figures, year), "Ensemble")
    blocks = [0]
    if year is None:
        sheet.write(row, 1, "Aucun contrat n'a encore de ligne budgétaire ni de financement.", sheet.writer.format())
        row += 2
    else:
        row = _write_money(sheet, figures, year, row, blocks)
    sheet.set_widths([(0, 9), (1, _TITLE_WIDTH)], [(column, _WIDTH) for column in range(2, _COLUMNS)])
    sheet.raw.freeze_panes(2, 0)
    sheet.print_setup((0, 1), footer, keys=2, blocks=(*blocks, row))


def _cards(figures: PortfolioFigures, year: int | None) -> list[tuple[str, Measure, str]]:
    contracts = figures.portfolio.contracts
    records = [contract.record.state for contract in figures.portfolio.counted if contract.record is not None]

    def added(label: str, values: Sequence[int]) -> Measure:
        return Measure("count", sum(values), f"SUM({column_ref(BOARD, label)})")

    names, states = column_ref(BOARD, CONTRACT), column_ref(BOARD, STATE)
    late = sum(contract.freshness.value != UP_TO_DATE.removeprefix("✓ ") for contract in contracts)
    cards = [("Contrats", Measure("count", len(contracts), f'COUNTIF({names},"?*")'), "tous ceux qui ont été trouvés")]
    behind = Measure("count", late, f'COUNTIFS({names},"?*",{states},"<>{UP_TO_DATE}")')
    cards.append(("Pas à jour", behind, "pas lus, repris d'avant ou en double"))
    asked = sum(state.attendus for state in records)
    cards.append(
        ("Retours reçus", added(RECEIVED, [state.recus for state in records]), f"sur {plural(asked, 'attendu')}")
    )
    cards.append(("En retard", added(LATE, [state.en_retard for state in records]), "partenaires sans réponse"))
    findings = added(BLOCKING, [state.bloquants for state in records])
    cards.append(("Constats bloquants", findings, "dans les contrats"))
    if year is not None:
        place = figures.amount(year)
        amount = or_words(figures.credit_sum(MONEY[place], _of_year(year)), UNKNOWN)
        word = [*AMOUNT_WORDS.values()][place]
        cards.append((f"Crédits {year}, {word}", amount, "lignes dont le montant est connu"))
    return cards


def _write_money(sheet: Sheet, figures: PortfolioFigures, year: int, row: int, blocks: list[int]) -> int:
    years, top = _by_year(figures), row
    row = write_block(sheet, years, row)
    sheet.writer.name(_YEARS, "=" + column_ref(BY_YEAR, EXERCICE))
    row = add_chart(
        sheet, years, row, top + 1, (3, 4, 5), "Crédits par exercice (€)", kind="column", category=0, size=_SHORT
    )
    blocks.append(row - 1)
    row = _write_choice(sheet, year, row)
    of_year = Criterion(EXERCICE, year, SHOWN)
    for heading, name, label in (
        ("Par région", BY_REGION, REGION),
        ("Par pilier ou enjeu", BY_PILIER, PILIER),
        ("Par convention", BY_CONVENTION, CONVENTION),
        ("Par type de collectivité ou de structure", BY_WHO, WHO),
    ):
        names = distinct(figures.credits, label)
        if label == REGION and names in ([], [UNTOLD]):
            continue
        block, top = (
            _crossed(figures, f"Crédits de l'exercice montré : {heading.lower()}", name, label, names, of_year),
            row,
        )
        row = write_block(sheet, block, row)
        title = f"{heading}, exercice montré (€)"
        row = add_chart(sheet, block, row, top + 1, (3, 4, 5), title, kind="bar", size=_SHORT)
        blocks.append(row - 1)
    block, top = _by_funder(figures, of_year), row
    row = write_block(sheet, block, row)
    return add_chart(sheet, block, row, top + 1, (4,), "Financements, exercice montré (€)", kind="bar", size=_SHORT)


def _by_year(figures: PortfolioFigures) -> Block:
    labels = (EXERCICE, "Contrats qui ont des lignes", LINES, *MONEY, RATE)
    keys, rows = [], []
    for year in figures.exercices:
        contracts = {row["Identifiant"] for row in figures.credits if row[EXERCICE] == year}
        keys.append((year, plural(len(contracts), "contrat")))
        rows.append(figures.credit_sums(_of_year(year)))
    heading = "Crédits de droit commun par exercice (les exercices ne s'additionnent pas)"
    return Block(heading, BY_YEAR, labels, keys, rows, kinds=_CREDIT_KINDS)


def _crossed(
    figures: PortfolioFigures, heading: str, name: str, label: str, names: Sequence[str], of_year: Criterion
) -> Block:
    labels = ("Rang", label, LINES, *MONEY, RATE)
    literal = criteria(names)
    rows = [figures.credit_sums(of_year, Criterion(label, value, literal(value))) for value in names]
    totals = sums_of(name, labels[2:-1], [row[:-1] for row in rows], _CREDIT_KINDS[:-1])
    rate = figures.credit_sums(of_year)[-1]
    keys = [(rank, cell_text(value)) for rank, value in enumerate(names, 1)]
    return Block(heading, name, labels, keys, rows, [*totals, rate], _CREDIT_KINDS)


def _by_funder(figures: PortfolioFigures, of_year: Criterion) -> Block:
    labels = ("Rang", FUNDER, COUNT, PRICED, AMOUNT)
    names = distinct(figures.fundings, FUNDER)
    literal = criteria(names)
    rows = [figures.funding_sums(of_year, Criterion(FUNDER, funder, literal(funder))) for funder in names]
    totals = sums_of(BY_FUNDER, labels[2:], rows, _FUNDING_KINDS)
    keys = [(rank, cell_text(funder)) for rank, funder in enumerate(names, 1)]
    heading = "Financements de l'exercice montré, par type de financeur"
    return Block(heading, BY_FUNDER, labels, keys, rows, totals, _FUNDING_KINDS)


def _write_choice(sheet: Sheet, year: int, row: int) -> int:
    """The cell that chooses the exercice of the blocks below it."""
    writer = sheet.writer
    sheet.section(row, 0, "Que montrer")
    editable = writer.cell(bold=True, align="center", bg_color=writer.theme.colours["saisie"])
    words = "Exercice montré par les tableaux qui suivent :"
    sheet.write(row + 1, 1, words, writer.format(align="right"))
    sheet.write(row + 1, 2, year, editable)
    writer.name(SHOWN, f"={quoted_sheet(sheet.name)}!$C${row + 2}")
    rule = {"validate": "list", "source": f"={_YEARS}"}
    area = (row + 1, 2, row + 1, 2)
    sheet.validation(area, rule, "Changez : les tableaux suivent.", words, "Choisissez dans la liste.")
    return row + 3


def _of_year(year: int) -> Criterion:
    return Criterion(EXERCICE, year, str(year))
