"""The sheet Synthèse: credits, fiches and funders."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tabellion.layout.names import EXERCICE, column_ref, quoted_text, this_row, totals_name
from tabellion.measures import MEASURE, RECAP, SCOPE_ALL, SCOPE_CONVENTION
from tabellion.measures.measure import Count, Criterion, Filled, Measure, Rows, Total, column_sum, gap, unless_blank
from tabellion.measures.splits import Naming, Split, namings_of, splits_of
from tabellion.outputs.master.budgets import (
    GAP,
    STATE,
    add_state_colours,
    in_exercice,
    lines_total,
    measured_labels,
    published,
    state_of,
)
from tabellion.outputs.master.funding import counted, financements_of
from tabellion.outputs.master.layout import FIRST_TABLE_ROW, MasterLayout
from tabellion.schema.money import format_euros
from tabellion.wording import plural
from tabellion.xlsx.blocks import TOTAL, Block, ChartSize, add_chart, exactly, sums_of, unique_labels, write_block
from tabellion.xlsx.writer import Sheet

CREDITS, PRIORITES, FINANCEURS = "Synthese_credits", "Synthese_priorites", "Synthese_financeurs"
NUMBER, CONVENTION = "N°", "Convention"
RECAP_PRINTED = "Récapitulatif publié (€)"
_CHART = ChartSize(width=1130, rows=20, gap=40)
#: The width of a column of figures, in characters.
_WIDTH, _TITLE_WIDTH = 14.0, 44.0
_NO_PRIORITY = "Sans priorité"


def write_synthese(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the whole sheet."""
    contract = layout.contract
    towns = [contract.town_labels[town] for town in contract.accounts.towns]
    width = len(towns) + 6
    sheet.title("Synthèse", "Tout est calculé : rien ne se saisit sur cette feuille", width)
    sheet.raw.set_row(2, 20)
    sheet.write(2, 0, "Exercice affiché :", sheet.writer.format(bold=True, valign="vcenter"))
    style = sheet.writer.format(bold=True, align="left", valign="vcenter")
    sheet.named_formula(2, 2, "Exercice_affiche", EXERCICE, style, contract.settings.exercice)
    credits_block = _credits(layout, towns)
    row = write_block(sheet, credits_block, 4)
    add_state_colours(sheet, FIRST_TABLE_ROW + 1, width - 1, row, width - 1)
    row = _credits_chart(sheet, layout, credits_block, row)
    blocks = [0]
    for split in splits_of(contract.tables):
        block = _split(layout, split)
        width = max(width, len(block.labels))
        blocks.append(row)
        row = write_block(sheet, block, row)
    for naming in namings_of(contract.tables):
        block = _naming(layout, naming)
        width = max(width, len(block.labels))
        blocks.append(row)
        row = write_block(sheet, block, row)
    blocks.append(row)
    top = row
    priorities, funders = _priorities(layout), _funders(layout)
    row = write_block(sheet, priorities, row)
    row = add_chart(
        sheet, priorities, row, top + 1, range(2, len(priorities.labels) - 1), "Fiches action par priorité (nombre)",
        kind="bar", stacked=True, number="0", legend=True, size=_CHART, unknown=_NO_PRIORITY,
    )  # fmt: skip
    blocks.append(row)
    top = row
    row = write_block(sheet, funders, row)
    title = "Financements par financeur (nombre)"
    row = add_chart(sheet, funders, row, top + 1, [2], title, kind="bar", stacked=True, number="0", size=_CHART)
    sheet.set_widths([(0, 8), (1, _TITLE_WIDTH)], [(column, _WIDTH) for column in range(2, width)])
    sheet.raw.freeze_panes(3, 2)
    sheet.print_setup((0, 1), contract.settings.titre, keys=2, blocks=(*blocks, row))


def _credits(layout: MasterLayout, towns: list[str]) -> Block:
    contract, accounts = layout.contract, layout.contract.accounts
    measure = measured_labels(layout)[MEASURE]
    before, after = (NUMBER, CONVENTION), (TOTAL, RECAP_PRINTED, GAP, STATE)
    named = unique_labels([*before, *after, *towns])
    labels = (*before, *named[len(before) + len(after) :], *after)
    keys, rows, town_title = [], [], contract.overview.town
    for convention in accounts.conventions:
        name = totals_name(convention)
        rows_of_sheet = Rows({
            town_title: towns,
            measure: [accounts.sums(convention, town).total(MEASURE) for town in accounts.towns],
        })  # fmt: skip
        subtotals = [
            Total(measure, (Criterion(town_title, town, quoted_text(town)),)).measure(
                rows_of_sheet, partial(column_ref, name)
            )
            for town in towns
        ]
        whole = column_sum("euros", name, measure, (subtotal.value for subtotal in subtotals))
        number = this_row(CREDITS, NUMBER)
        recap = published(layout, RECAP, SCOPE_CONVENTION, convention, convention_cell=number)
        printed = recap.at(this_row(CREDITS, RECAP_PRINTED))
        row_gap = unless_blank(printed, gap(whole.at(this_row(CREDITS, TOTAL)), printed))
        keys.append((convention, contract.convention_titles[convention][0]))
        rows.append([*subtotals, whole, recap, row_gap, state_of(layout, row_gap.at(this_row(CREDITS, GAP)))])
    totals = sums_of(CREDITS, labels[2 : 3 + len(towns)], rows, ["euros"] * (len(towns) + 1))
    printed = published(layout, RECAP, SCOPE_ALL)
    all_gap = unless_blank(printed, gap(totals[-1], printed))
    totals += [printed, all_gap, state_of(layout, all_gap)]
    heading = f"Crédits de droit commun par convention et par {town_title.lower()} (€)"
    return Block(heading, CREDITS, labels, keys, rows, totals, [total.kind for total in totals])


def _split(layout: MasterLayout, split: Split) -> Block:
    """Conventions × the values of a field of the lines, of the exercice shown."""
    name, in_year = f"Synthese_{split.field.name}", in_exercice(layout)
    labels = unique_labels([NUMBER, CONVENTION, *(label for label, _ in split.parts), TOTAL])
    computed = [part for _, part in split.parts if part.formula is not None]
    cells = [this_row(name, label) for label in labels[2:]]
    keys, rows = [], []
    for convention, (title, _) in layout.contract.convention_titles.items():
        parts = [lines_total(layout, convention, in_year, part) for part in computed]
        whole = lines_total(layout, convention, in_year)
        keys.append((convention, title))
        rows.append([*split.measures(parts, cells[: len(computed)], whole.at(cells[-1])), whole])
    kinds = ["euros"] * len(cells)
    heading = " ; ".join(filter(None, [f"Crédits de droit commun par convention et par {split.words} (€)", split.note]))
    return Block(heading, name, labels, keys, rows, sums_of(name, labels[2:], rows, kinds), kinds)


def _naming(layout: MasterLayout, naming: Naming) -> Block:
    """Conventions × what fiches name."""
    name, titles = f"Synthese_fiches_{naming.field.name}", layout.contract.convention_titles
    labels = unique_labels([NUMBER, CONVENTION, *naming.labels])
    rows = [
        naming.measures(
            layout.contract.overview.fiches, layout.columns("fiches", number), Criterion("convention_id", number)
        )
        for number in titles
    ]
    kinds = ["count"] * len(naming.labels)
    keys = [(number, title) for number, (title, _) in titles.items()]
    return Block(naming.heading, name, labels, keys, rows, sums_of(name, labels[2:], rows, kinds), kinds)


def _priorities(layout: MasterLayout) -> Block:
    contract, fiches = layout.contract, layout.contract.overview.fiches
    years = contract.settings.priorites
    ranks = sorted({*years, *(rank for rank in fiches.columns["priorite"] if rank is not None)})
    words = [f"Priorité {rank} ({years[rank]})" if rank in years else f"Priorité {rank}" for rank in ranks]
    labels = unique_labels([NUMBER, CONVENTION, *words, _NO_PRIORITY, TOTAL])
    keys, rows = [], []
    for convention, (title, _) in contract.convention_titles.items():
        columns, of_convention = layout.columns("fiches", convention), Criterion("convention_id", convention)
        counts = [
            Count((of_convention, Criterion("priorite", rank, str(rank)))).measure(fiches, columns) for rank in ranks
        ]
        # ``?*`` and not ``<>``, which counts the texts of nothing that some clients leave.
        every = Count((of_convention, Filled("fiche_id", '"?*"'))).measure(fiches, columns)
        ranked = Measure("count", sum(stage.value for stage in counts), f"COUNT({columns('priorite')})")
        keys.append((convention, title))
        rows.append([*counts, replace(gap(every, ranked), kind="count"), every])
    kinds = ["count"] * len(labels[2:])
    totals = sums_of(PRIORITES, labels[2:], rows, kinds)
    return Block("Fiches action par convention et par priorité", PRIORITES, labels, keys, rows, totals, kinds)


def _funders(layout: MasterLayout) -> Block:
    financements, columns = financements_of(layout), layout.columns("financements")
    funders = layout.contract.tables["financeurs"].columns
    labels = ("Rang", "Financeur", "Financements", "Montants chiffrés (€)")
    keys, rows = [], []
    for rank, (identifier, name) in enumerate(zip(funders["financeur_id"], funders["nom"], strict=True), 1):
        where = (Criterion("financeur_id", identifier, exactly(this_row(FINANCEURS, labels[1]))), *counted(layout))
        keys.append((rank, name))
        rows.append([
            Count(where).measure(financements, columns),
            Total("montant", where).measure(financements, columns),
        ])  # fmt: skip
    kinds = ("count", "euros")
    totals = sums_of(FINANCEURS, labels[2:], rows, kinds)
    return Block("Fiches et montants par financeur", FINANCEURS, labels, keys, rows, totals, kinds)


def _credits_chart(sheet: Sheet, layout: MasterLayout, block: Block, row: int) -> int:
    count = len(layout.contract.accounts.towns)
    are_told_apart = count <= len(layout.contract.theme.series)
    series = range(2, 2 + count) if are_told_apart else range(2 + count, 3 + count)
    euros = format_euros(layout.contract.accounts.of())
    towns = plural(count, layout.contract.overview.town.lower())
    words = f"{plural(len(block.keys), 'convention')}, {towns} : total {euros}."
    title = "Crédits de droit commun par convention (€)"
    header = FIRST_TABLE_ROW + 1
    return add_chart(sheet, block, row, header, series, title, kind="bar", stacked=True, words=words, size=_CHART)
