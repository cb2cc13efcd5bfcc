"""The sheet Rapprochement: from the published total to the recomputed one, and each published total with its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tabellion.layout.names import (
    EXERCICE,
    RAPPROCHEMENT,
    cell_link,
    column_ref,
    quoted_text,
    sheet_key,
    sheet_marker,
    table_name,
    this_row,
)
from tabellion.measures import DETAIL, MEASURE, RECAP, SCOPE_ALL, SCOPE_CONVENTION, SCOPE_TOWN, StepKind, WalkStep
from tabellion.measures.accounts import published_total
from tabellion.measures.measure import (
    Count,
    Criterion,
    Known,
    Measure,
    Total,
    cell_value,
    column_sum,
    gap,
    or_words,
    state_word,
    unless_all_blank,
)
from tabellion.outputs.master.budgets import add_state_colours, in_exercice, lines_total, published, state_of
from tabellion.outputs.master.layout import MasterLayout
from tabellion.outputs.master.summary import CONVENTION, CREDITS
from tabellion.outputs.master.tables import Computed, fit_data_table, widths, write_data_table
from tabellion.schema.money import UNKNOWN
from tabellion.xlsx.blocks import TOTAL, show_cents, write_measure, write_named
from tabellion.xlsx.writer import Sheet

#: Excel takes no formula of more than 8,192 characters; in the file, names are written in full.
_LONGEST_FORMULA = 7_500
STEPS, DOUBLES = "Ecarts_expliques", "Comptes_deux_fois"
RANK, WORDS, AMOUNT, LINK, YEAR = "Étape", "Constat", "Montant (€)", "Voir", "Exercice"
_LABELS = (RANK, WORDS, CONVENTION, "{}", AMOUNT, LINK, YEAR)
#: Defined names of the balance, in its order.
PUBLISHED, EXPLAINED, SINCE, RECOMPUTED, TWICE, NET = (
    "Total_publie", "Ecarts_nommes", "Ecarts_depuis", "Total_recalcule", "Compte_deux_fois", "Total_sans_double",
)  # fmt: skip
#: What stands for the grand total of an exercice of which none was published.
NOTHING_PUBLISHED = "rien de publié"
#: The widths of the same columns, in characters: those of the published totals below them are no wider.
_WIDTHS = (14, 46, 12, 22, 16, 16)
_AMOUNT_COLUMN = _LABELS.index(AMOUNT)


def write_rapprochement(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the balance, the steps of the walk, what is counted twice, and every published total beside its lines.

    The balance follows the exercice shown; the steps and the double counts are those of every exercice, each row with
    its own, so that the balance finds those of the one it shows.
    """
    contract, table = layout.contract, layout.data[table_name("totaux_publies")]
    sheet.title(RAPPROCHEMENT, "Du total publié au total recalculé, chaque écart nommé", len(table.columns))
    _write_balance(sheet, layout)
    _write_steps(sheet, layout, STEPS, "Les écarts, un par un", layout.steps_row, layout.steps)
    _write_steps(sheet, layout, DOUBLES, "Ce qui est compté dans deux conventions", layout.doubles_row, layout.doubles)
    sheet.section(table.row - 1, 0, "Tous les totaux publiés, en face de la somme des lignes")
    computed = _published(layout)
    write_data_table(sheet, layout, table, computed)
    fit_data_table(sheet, layout, table, computed)
    add_state_colours(sheet, table.row + 1, table.column_of("etat"), table.last_row, table.column_of("etat"))
    sheet.set_widths(widths(table), enumerate(_WIDTHS))
    sheet.raw.freeze_panes(3, 0)
    sheet.hide(table.technical)
    sheet.print_setup((0, 1), contract.settings.titre, area=(table.last_row, table.last_plain))


def balance(layout: MasterLayout) -> dict[str, tuple[str, Measure]]:
    """What leads from the published to the recomputed total of the exercice shown: words and measure by defined name.

    Without a grand total there is nothing to lead from, and without a known amount nothing to lead to.
    """
    walk, accounts, year = layout.contract.walk, layout.contract.accounts, in_exercice(layout)
    of_year = Total(AMOUNT, (Criterion(YEAR, year.value, year.formula),))
    printed = published(layout, RECAP, SCOPE_ALL)
    steps, doubles = (
        Measure("signed", sum(step.cents for step in known), of_year.sum_formula(partial(column_ref, name)))
        for name, known in ((STEPS, walk.steps), (DOUBLES, walk.doubles))
    )
    recomputed = column_sum(
        "euros", CREDITS, TOTAL,
        (cell_value(accounts.sums(number).total(MEASURE)) for number in accounts.conventions),
    )  # fmt: skip
    is_published, is_known = (f"ISNUMBER({name})" for name in (PUBLISHED, RECOMPUTED))
    since = gap(gap(recomputed.at(RECOMPUTED), printed.at(PUBLISHED)), steps.at(EXPLAINED))
    net = "" if walk.net is None else walk.net
    return {
        PUBLISHED: ("Total général publié", or_words(printed, NOTHING_PUBLISHED)),
        EXPLAINED: ("Écarts nommés ci-dessous", _only_if(is_published, printed, steps)),
        SINCE: ("Écarts apparus depuis la génération", _only_if(is_published, printed, since)),
        RECOMPUTED: ("Total recalculé de toutes les lignes", or_words(recomputed, UNKNOWN)),
        TWICE: ("Compté dans deux conventions", doubles),
        NET: (
            "Total recalculé sans double compte",
            Measure("euros", UNKNOWN if net == "" else net, f'IF({is_known},{RECOMPUTED}+{TWICE},"{UNKNOWN}")'),
        ),
    }


def _only_if(test: str, cell: Measure, then: Measure) -> Measure:
    """``then`` where a test holds, which it does where ``cell`` is not blank."""
    return replace(then, value="" if cell.value == "" else then.value, formula=f'IF({test},{then.formula},"")')


def _write_balance(sheet: Sheet, layout: MasterLayout) -> None:
    row = layout.balance_row
    sheet.section(row - 1, 0, "Du total publié au total recalculé")
    for place, (name, (words, measure)) in enumerate(balance(layout).items(), row):
        strong = {"bold": True} if measure.kind == "euros" else {}
        sheet.wide(place, 0, _AMOUNT_COLUMN - 1, words, computed=True, **strong)
        write_named(sheet, place, _AMOUNT_COLUMN, name, measure, align="right", **strong)
        show_cents(sheet, [measure.kind], place, _AMOUNT_COLUMN, place)


def _write_steps(
    sheet: Sheet, layout: MasterLayout, name: str, heading: str, row: int, steps: Sequence[tuple[int, WalkStep]]
) -> None:
    sheet.section(row - 1, 0, heading)
    aligned = {RANK: "center", CONVENTION: "center", AMOUNT: "right", LINK: "center", YEAR: "center"}
    labels = [label.format(layout.contract.overview.town) for label in _LABELS]
    sheet.table(name, row, 0, max(1, len(steps)), labels, filters=False, aligned=aligned)
    sheet.show_cents((row + 1, _AMOUNT_COLUMN, row + max(1, len(steps)), _AMOUNT_COLUMN), signed=True)
    style = sheet.writer.cell(computed=True, text_wrap=True)
    centred = sheet.writer.cell(computed=True, align="center")
    if not steps:
        for column in range(len(_LABELS)):
            sheet.write(row + 1, column, "Aucun." if column == 1 else None, style)
    year_cell = this_row(name, YEAR)
    for position, (year, step) in enumerate(steps):
        place = row + 1 + position
        town = layout.contract.town_labels[step.town] if step.town is not None else None
        key = str(position + 1)
        sheet.write(place, 0, position + 1, centred)
        sheet.write(place, 1, words := describe(layout, step), style)
        sheet.fit(place, [(words, 1), (town, 3)])
        sheet.write(place, 2, step.convention, centred)
        sheet.write(place, 3, town, style)
        formula = _formula(layout, step, Criterion("exercice", year, year_cell))
        write_measure(sheet, place, _AMOUNT_COLUMN, Measure("signed", step.cents, formula), (name, key, AMOUNT))
        link = sheet.writer.cell(font_color=layout.contract.theme.colours["lien"], underline=1, align="center")
        sheet.link(place, 5, _target(layout, year, step), "voir", link)
        sheet.write(place, 6, year, centred)


def describe(layout: MasterLayout, step: WalkStep) -> str:
    """What a step says to people."""
    if step.kind is StepKind.DOUBLE:
        lines = layout.contract.tables["lignes_budgetaires"]
        return f"« {lines.rows[step.index]['libelle']} » : aussi dans la convention {step.kept_convention}"
    return {
        StepKind.GENERAL: "Les totaux des conventions ne font pas le total général publié",
        StepKind.CONVENTION: "Au récapitulatif, les sous-totaux ne font pas le total de la convention",
        StepKind.ABSENT: "Convention absente du récapitulatif",
        StepKind.TOWN: "Le récapitulatif ne reprend pas le sous-total de la convention",
        StepKind.LINES: "Les lignes ne font pas le sous-total publié",
    }[step.kind]


def _formula(layout: MasterLayout, step: WalkStep, year: Criterion) -> str:
    """The live formula of a step: the same two figures that :func:`tabellion.measures.walk` compares."""
    convention, contract = step.convention, layout.contract
    totals = layout.columns("totaux_publies")

    def printed(source: str, scope: str, *place: Any, town_cell: str | None = None) -> str:
        return published_total(source, scope, *place, town_cell=town_cell).also(year).sum_formula(totals)

    def lines(number: int, *where: Criterion) -> str:
        return Total(MEASURE, (*where, year)).sum_formula(layout.columns("lignes_budgetaires", number))

    def spent(index: int, number: int) -> str:
        identifier = contract.tables["lignes_budgetaires"].rows[index]["ligne_id"]
        return lines(number, Criterion("ligne_id", identifier, quoted_text(identifier)))

    if step.kind is StepKind.GENERAL:
        return _less(printed(RECAP, SCOPE_CONVENTION), printed(RECAP, SCOPE_ALL))
    if convention is None:
        raise ValueError(f"a step of {step.kind} without its convention")
    if step.kind is StepKind.CONVENTION:
        return _less(printed(RECAP, SCOPE_TOWN, convention), printed(RECAP, SCOPE_CONVENTION, convention))
    if step.kind is StepKind.ABSENT:
        return printed(DETAIL, SCOPE_TOWN, convention)
    if step.kind is StepKind.DOUBLE:
        own, kept = spent(step.index, convention), spent(step.kept, step.kept_convention or convention)
        return f"IF({own}={kept},-{own},0)"
    town = quoted_text(contract.town_labels[step.town])
    detail = printed(DETAIL, SCOPE_TOWN, convention, step.town, town_cell=town)
    if step.kind is StepKind.TOWN:
        return _less(detail, printed(RECAP, SCOPE_TOWN, convention, step.town, town_cell=town))
    return _less(lines(convention, Criterion("collectivite_id", step.town, town)), detail)


def _less(left: str, right: str) -> str:
    return f"ROUND({left}-{right},2)"


def _target(layout: MasterLayout, year: int, step: WalkStep) -> str:
    """Where a step leads."""
    if step.index is not None:
        place = layout.locate("lignes_budgetaires", step.index, MEASURE)
        return cell_link(str(place.feuille), str(place.cellule))
    accounts = layout.contract.accounts_of[year]
    source, scope = {
        StepKind.GENERAL: (RECAP, SCOPE_ALL),
        StepKind.CONVENTION: (RECAP, SCOPE_CONVENTION),
        StepKind.TOWN: (RECAP, SCOPE_TOWN),
    }.get(step.kind, (DETAIL, SCOPE_TOWN))
    total = accounts.published(source, scope, step.convention, step.town)
    if total is not None:
        place = layout.locate("totaux_publies", total.index, "montant")
        return cell_link(str(place.feuille), str(place.cellule))
    return sheet_marker(RAPPROCHEMENT if step.convention is None else sheet_key("B", step.convention))


def _published(layout: MasterLayout) -> dict[str, Computed]:
    """The recomputed figure beside each published total, with the gap and its state."""
    contract, settings = layout.contract, layout.contract.settings
    table = layout.data[table_name("totaux_publies")]

    def cell(name: str) -> str:
        return this_row(table.name, table.label(name))

    columns = contract.tables["totaux_publies"].select(table.indexes).columns
    sums, gaps, states = [], [], []
    for convention, town, exercice, cents in zip(
        columns["convention_id"], columns["collectivite_id"], columns["exercice"], columns["montant"], strict=True
    ):
        year = Criterion("exercice", exercice, cell("exercice"))
        if convention in contract.convention_titles:
            where = [Criterion("collectivite_id", town, cell("collectivite_id"))] if town is not None else []
            sums.append(lines_total(layout, convention, year, *where))
        else:
            sums.append(_every_line(layout, year))
        measures = [sums[-1], Measure("euros", cell_value(cents))]
        own_gap = unless_all_blank(measures, gap(*measures))
        gaps.append(own_gap.value)
        states.append(state_word(settings.arrondi_euros, own_gap.value))
    calculated, printed, difference = cell("calcule"), cell("montant"), cell("ecart")
    sides = [Measure("euros", 0, calculated), Measure("euros", 0, printed)]
    words = state_of(layout, Measure("signed", 0, difference))
    return {
        "calcule": Computed("euros", [str(measure.formula) for measure in sums], [measure.value for measure in sums]),
        "ecart": Computed("signed", str(unless_all_blank(sides, gap(*sides)).formula), gaps),
        "etat": Computed("state", str(words.formula), states, blank=state_word(settings.arrondi_euros, "")),
    }


def _every_line(layout: MasterLayout, year: Criterion) -> Measure:
    """The sum of the lines of all conventions in an exercice.

    Of so many conventions that Excel would not take the formula, only that of the exercice shown.
    """
    accounts, total = layout.contract.accounts_of[year.value], Total(MEASURE, (year,))
    columns = [layout.columns("lignes_budgetaires", number) for number in accounts.conventions]
    known = "+".join(Count((year, Known(MEASURE))).formula(column) for column in columns) or "0"
    value = cell_value(accounts.sums().total(MEASURE))
    formula = f'IF({known}=0,"",{"+".join(map(total.sum_formula, columns)) or 0})'
    if len(formula) < _LONGEST_FORMULA:
        return Measure("euros", value, formula)
    is_shown = year.value == layout.contract.settings.exercice
    every = column_sum("euros", CREDITS, TOTAL, ()).formula
    return Measure("euros", value if is_shown else "", f'IF({year.formula}={EXERCICE},{every},"")')
