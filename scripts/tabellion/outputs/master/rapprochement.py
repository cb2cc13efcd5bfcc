"""The sheet Rapprochement: from the published grand total to the recomputed one, each difference named and linked."""

from __future__ import annotations

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
from tabellion.measures import DETAIL, MEASURE, RECAP, SCOPE_ALL, SCOPE_CONVENTION, SCOPE_TOWN, Step, StepKind
from tabellion.measures.measure import Criterion, Measure, Total, column_sum, gap, state_word
from tabellion.outputs.master.budgets import add_state_colours, in_exercice, lines_total, published, state_of
from tabellion.outputs.master.layout import MasterLayout
from tabellion.outputs.master.synthese import CREDITS
from tabellion.outputs.master.tables import Computed, fit_data_table, widths, write_data_table
from tabellion.xlsx.blocks import TOTAL, show_cents, write_measure, write_named
from tabellion.xlsx.writer import Sheet

STEPS, DOUBLES = "Ecarts_expliques", "Comptes_deux_fois"
RANK, WORDS, CONVENTION, TOWN, AMOUNT, LINK = "Étape", "Constat", "Convention", "Collectivité", "Montant (€)", "Voir"
_LABELS = (RANK, WORDS, CONVENTION, TOWN, AMOUNT, LINK)
#: Defined names of the balance, in its order.
PUBLISHED, EXPLAINED, SINCE, RECOMPUTED, TWICE, NET = (
    "Total_publie", "Ecarts_nommes", "Ecarts_depuis", "Total_recalcule", "Compte_deux_fois", "Total_sans_double",
)  # fmt: skip
#: The widths of the same columns, in characters: those of the published totals below them are no wider.
_WIDTHS = (14, 60, 12, 22, 18, 16)
_AMOUNT_COLUMN = _LABELS.index(AMOUNT)


def write_rapprochement(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the balance, the steps of the walk, what is counted twice, and every published total beside its lines."""
    contract, table = layout.contract, layout.data[table_name("totaux_publies")]
    sheet.title(RAPPROCHEMENT, "Du total publié au total recalculé, chaque écart nommé", len(table.columns))
    _write_balance(sheet, layout)
    _write_steps(sheet, layout, STEPS, "Les écarts, un par un", layout.steps_row, contract.walk.steps)
    _write_steps(
        sheet, layout, DOUBLES, "Ce qui est compté dans deux conventions", layout.doubles_row, contract.walk.doubles
    )
    sheet.section(table.row - 1, 0, "Tous les totaux publiés, en face de la somme des lignes")
    computed = _published(layout)
    write_data_table(sheet, layout, table, computed)
    fit_data_table(sheet, layout, table, computed)
    add_state_colours(sheet, table.row + 1, table.column_of("etat"), table.last_row, table.column_of("etat"))
    sheet.set_widths(widths(table), enumerate(_WIDTHS))
    sheet.raw.freeze_panes(3, 0)
    sheet.print_setup((0, 1), contract.settings.titre)
    sheet.raw.print_area(0, 0, table.last_row, table.column_of("ligne_source"))


def _write_balance(sheet: Sheet, layout: MasterLayout) -> None:
    walk, row = layout.contract.walk, layout.balance_row
    sheet.section(row - 1, 0, "Du total publié au total recalculé")
    printed = published(layout, RECAP, SCOPE_ALL)
    explained = column_sum("signed", STEPS, AMOUNT, (step.cents for step in walk.steps))
    twice = column_sum("signed", DOUBLES, AMOUNT, (step.cents for step in walk.doubles))
    recomputed = Measure("euros", walk.recomputed, f"SUM({column_ref(CREDITS, TOTAL)})")
    since = gap(gap(recomputed.at(RECOMPUTED), printed.at(PUBLISHED)), explained.at(EXPLAINED))
    lines = (
        (PUBLISHED, "Total général publié", printed),
        (EXPLAINED, "Écarts nommés ci-dessous", explained),
        (SINCE, "Écarts apparus depuis la génération", since),
        (RECOMPUTED, "Total recalculé de toutes les lignes", recomputed),
        (TWICE, "Compté dans deux conventions", twice),
        (NET, "Total recalculé sans double compte", Measure("euros", walk.net, f"{RECOMPUTED}+{TWICE}")),
    )
    for place, (name, words, measure) in enumerate(lines, row):
        strong = {"bold": True} if measure.kind == "euros" else {}
        sheet.wide(place, 0, _AMOUNT_COLUMN - 1, words, computed=True, **strong)
        write_named(sheet, place, _AMOUNT_COLUMN, name, measure, **strong)
        show_cents(sheet, [measure.kind], place, _AMOUNT_COLUMN, place)


def _write_steps(
    sheet: Sheet, layout: MasterLayout, name: str, heading: str, row: int, steps: tuple[Step, ...]
) -> None:
    sheet.section(row - 1, 0, heading)
    aligned = {RANK: "center", CONVENTION: "center", AMOUNT: "right", LINK: "center"}
    sheet.table(name, row, 0, max(1, len(steps)), _LABELS, filters=False, aligned=aligned)
    sheet.show_cents((row + 1, _AMOUNT_COLUMN, row + max(1, len(steps)), _AMOUNT_COLUMN), signed=True)
    style = sheet.writer.cell(computed=True, text_wrap=True)
    centred = sheet.writer.cell(computed=True, align="center")
    if not steps:
        for column in range(len(_LABELS)):
            sheet.write(row + 1, column, "Aucun." if column == 1 else None, style)
    for position, step in enumerate(steps):
        place = row + 1 + position
        town = layout.contract.town_labels[step.town] if step.town is not None else None
        key = str(position + 1)
        sheet.write(place, 0, position + 1, centred)
        sheet.write(place, 1, words := describe(layout, step), style)
        sheet.fit(place, [(words, 1), (town, 3)])
        sheet.write(place, 2, step.convention, centred)
        sheet.write(place, 3, town, style)
        measure = Measure("signed", step.cents, _formula(layout, step))
        write_measure(sheet, place, _AMOUNT_COLUMN, measure, (name, key, AMOUNT))
        link = sheet.writer.cell(font_color=layout.contract.theme.colours["lien"], underline=1, align="center")
        sheet.link(place, 5, _target(layout, step), "voir", link)


def describe(layout: MasterLayout, step: Step) -> str:
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


def _formula(layout: MasterLayout, step: Step) -> str | None:
    """The live formula of a step: the same two figures that :mod:`tabellion.measures.walk` compares."""
    convention, contract = step.convention, layout.contract
    if step.kind is StepKind.GENERAL:
        return gap(published(layout, RECAP, SCOPE_CONVENTION), published(layout, RECAP, SCOPE_ALL)).formula
    if convention is None:
        raise ValueError(f"a step of {step.kind} without its convention")
    if step.kind is StepKind.CONVENTION:
        towns = published(layout, RECAP, SCOPE_TOWN, convention)
        return gap(towns, published(layout, RECAP, SCOPE_CONVENTION, convention)).formula
    if step.kind is StepKind.ABSENT:
        return published(layout, DETAIL, SCOPE_TOWN, convention).formula
    if step.kind is StepKind.DOUBLE:
        identifier = contract.tables["lignes_budgetaires"].rows[step.index]["ligne_id"]
        where = (Criterion("ligne_id", identifier, quoted_text(identifier)), in_exercice(layout))
        return "-" + Total(MEASURE, where).formula(layout.columns("lignes_budgetaires", convention))
    town = quoted_text(contract.town_labels[step.town])
    printed = published(layout, DETAIL, SCOPE_TOWN, convention, step.town, town_cell=town)
    if step.kind is StepKind.TOWN:
        return gap(printed, published(layout, RECAP, SCOPE_TOWN, convention, step.town, town_cell=town)).formula
    lines = lines_total(layout, convention, in_exercice(layout), Criterion("collectivite_id", step.town, town))
    return gap(lines, printed).formula


def _target(layout: MasterLayout, step: Step) -> str:
    """Where a step leads."""
    if step.index is not None:
        place = layout.locate("lignes_budgetaires", step.index, MEASURE)
        return cell_link(str(place.feuille), str(place.cellule))
    accounts = layout.contract.accounts
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
        if convention in contract.convention_titles:
            where = [Criterion("exercice", exercice, cell("exercice"))]
            where += [Criterion("collectivite_id", town, cell("collectivite_id"))] if town is not None else []
            sums.append(lines_total(layout, convention, *where))
        else:
            formula = f"IF({cell('exercice')}={EXERCICE},SUM({column_ref(CREDITS, TOTAL)}),0)"
            sums.append(Measure("euros", contract.accounts.of() if exercice == settings.exercice else 0, formula))
        gaps.append(sums[-1].value - (cents or 0))
        states.append(state_word(settings.arrondi_euros, gaps[-1]))
    calculated, printed, difference = cell("calcule"), cell("montant"), cell("ecart")
    words = state_of(layout, Measure("signed", 0, difference))
    return {
        "calcule": Computed("euros", [str(measure.formula) for measure in sums], [measure.value for measure in sums]),
        "ecart": Computed("signed", f'IF(AND({calculated}="",{printed}=""),"",{calculated}-N({printed}))', gaps),
        "etat": Computed("state", f'IF({difference}="","",{words.formula})', states),
    }
