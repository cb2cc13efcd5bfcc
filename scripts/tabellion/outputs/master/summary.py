"""The sheets Synthèse (credits, fiches, funders) and Rapprochement (from the published total to the recomputed one)."""

from __future__ import annotations

from dataclasses import replace

from tabellion.layout.names import (
    EXERCICE,
    RAPPROCHEMENT,
    TOWN,
    cell_link,
    column_ref,
    quoted_text,
    sheet_key,
    sheet_marker,
    table_name,
    this_row,
    totals_name,
)
from tabellion.measures import DETAIL, MEASURE, RECAP, SCOPE_ALL, SCOPE_CONVENTION, SCOPE_TOWN, StepKind, WalkStep
from tabellion.measures.measure import (
    Count,
    Criterion,
    Filled,
    Measure,
    Total,
    column_sum,
    gap,
    state_word,
    unless_blank,
)
from tabellion.outputs.master.budgets import (
    GAP,
    STATE,
    add_state_colours,
    if_recap,
    in_exercice,
    lines_total,
    measured_labels,
    published,
    state_of,
)
from tabellion.outputs.master.layout import FIRST_TABLE_ROW, MasterLayout
from tabellion.outputs.master.tables import Computed, fit_data_table, widths, write_data_table
from tabellion.xlsx.blocks import (
    TOTAL,
    Block,
    ChartSize,
    add_chart,
    show_cents,
    sums_of,
    unique_labels,
    write_block,
    write_measure,
    write_named,
)
from tabellion.xlsx.writer import Sheet

CREDITS, PRIORITES, FINANCEURS = "Synthese_credits", "Synthese_priorites", "Synthese_financeurs"
NUMBER, CONVENTION = "N°", "Convention"
RECAP_PRINTED = "Récapitulatif publié (€)"
_CHART = ChartSize(width=1200, rows=20, gap=40)
#: The width of a column of figures, in characters.
_WIDTH, _TITLE_WIDTH = 17.0, 54.0
#: With more series than this, a stacked bar cannot be read.
_MOST_SERIES = 12


def write_synthese(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the whole sheet."""
    contract = layout.contract
    towns = [contract.town_labels[town] for town in contract.accounts.towns]
    width = len(towns) + 6
    sheet.title("Synthèse", "Tout est calculé : rien ne se tape sur cette feuille", width)
    sheet.raw.set_row(2, 20)
    sheet.write(2, 0, "Exercice affiché :", sheet.writer.format(bold=True, valign="vcenter"))
    style = sheet.writer.format(bold=True, align="left", valign="vcenter")
    sheet.named_formula(2, 2, "Exercice_affiche", EXERCICE, style, contract.settings.exercice)
    credits_block = _credits(layout, towns)
    row = write_block(sheet, credits_block, 4)
    add_state_colours(sheet, FIRST_TABLE_ROW + 1, width - 1, row, width - 1)
    row = _credits_chart(sheet, layout, credits_block, row)
    breaks, top = [row], row
    priorities, funders = _priorities(layout), _funders(layout)
    row = write_block(sheet, priorities, row)
    row = add_chart(
        sheet, priorities, row, top + 1, range(2, len(priorities.labels) - 1), "Fiches action par priorité",
        kind="bar", stacked=True, number="0", legend=True, size=_CHART,
    )  # fmt: skip
    breaks.append(row)
    top = row
    row = write_block(sheet, funders, row)
    title = "Financements par financeur"
    add_chart(sheet, funders, row, top + 1, [2], title, kind="bar", stacked=True, number="0", size=_CHART)
    sheet.set_widths([(0, 8), (1, _TITLE_WIDTH)], [(column, _WIDTH) for column in range(2, width)])
    sheet.raw.freeze_panes(3, 2)
    sheet.print_setup((0, 1), contract.settings.titre)
    sheet.raw.set_h_pagebreaks(breaks)


def _credits(layout: MasterLayout, towns: list[str]) -> Block:
    contract, accounts = layout.contract, layout.contract.accounts
    measure = measured_labels(layout)[MEASURE]
    before, after = (NUMBER, CONVENTION), (TOTAL, RECAP_PRINTED, GAP, STATE)
    named = unique_labels([*before, *after, *towns])
    labels = (*before, *named[len(before) + len(after) :], *after)
    keys, rows = [], []
    for convention in accounts.conventions:
        column = column_ref(totals_name(convention), measure)
        names = column_ref(totals_name(convention), TOWN)
        subtotals = [
            Measure("euros", accounts.of(convention, town), f"SUMIFS({column},{names},{quoted_text(shown)})")
            for town, shown in zip(accounts.towns, towns, strict=True)
        ]
        whole = column_sum("euros", totals_name(convention), measure, (subtotal.value for subtotal in subtotals))
        number = this_row(CREDITS, NUMBER)
        recap = if_recap(layout, published(layout, RECAP, SCOPE_CONVENTION, convention, convention_cell=number))
        printed = recap.at(this_row(CREDITS, RECAP_PRINTED))
        row_gap = unless_blank(printed, gap(whole.at(this_row(CREDITS, TOTAL)), printed))
        keys.append((convention, contract.convention_titles[convention][0]))
        rows.append([*subtotals, whole, recap, row_gap, state_of(layout, row_gap.at(this_row(CREDITS, GAP)))])
    totals = sums_of(CREDITS, labels[2 : 3 + len(towns)], rows, ["euros"] * (len(towns) + 1))
    printed = published(layout, RECAP, SCOPE_ALL)
    all_gap = gap(totals[-1], printed)
    totals += [
        if_recap(layout, printed),
        if_recap(layout, all_gap),
        state_of(layout, if_recap(layout, all_gap, "0")),
    ]
    heading = "Crédits de droit commun par convention et par collectivité (€)"
    return Block(heading, CREDITS, labels, keys, rows, totals, [total.kind for total in totals])


def _priorities(layout: MasterLayout) -> Block:
    contract, fiches = layout.contract, layout.contract.overview.fiches
    years = contract.settings.priorites
    ranks = sorted({*years, *(rank for rank in fiches.columns["priorite"] if rank is not None)})
    words = [f"Priorité {rank} ({years[rank]})" if rank in years else f"Priorité {rank}" for rank in ranks]
    labels = unique_labels([NUMBER, CONVENTION, *words, "Sans priorité", TOTAL])
    keys, rows = [], []
    for convention, (title, _) in contract.convention_titles.items():
        columns, here = layout.columns("fiches", convention), Criterion("convention_id", convention)
        counts = [Count((here, Criterion("priorite", rank, str(rank)))).measure(fiches, columns) for rank in ranks]
        # ``?*`` and not ``<>``, which counts the texts of nothing that some clients leave.
        every = Count((here, Filled("fiche_id", '"?*"'))).measure(fiches, columns)
        ranked = Measure("count", sum(stage.value for stage in counts), f"COUNT({columns('priorite')})")
        keys.append((convention, title))
        rows.append([*counts, replace(gap(every, ranked), kind="count"), every])
    kinds = ["count"] * len(labels[2:])
    totals = sums_of(PRIORITES, labels[2:], rows, kinds)
    return Block("Fiches action par convention et par priorité", PRIORITES, labels, keys, rows, totals, kinds)


def _funders(layout: MasterLayout) -> Block:
    overview, columns = layout.contract.overview, layout.columns("financements")
    funders = layout.contract.tables["financeurs"].columns
    labels = ("Rang", "Financeur", "Financements", "Montants chiffrés (€)")
    keys, rows = [], []
    for rank, (identifier, shown) in enumerate(zip(funders["financeur_id"], funders["nom"], strict=True), 1):
        where = (Criterion("financeur_id", identifier, this_row(FINANCEURS, labels[1])),)
        keys.append((rank, shown))
        rows.append([
            Count(where).measure(overview.financements, columns),
            Total("montant", where).measure(overview.financements, columns),
        ])  # fmt: skip
    kinds = ("count", "euros")
    totals = sums_of(FINANCEURS, labels[2:], rows, kinds)
    return Block("Fiches et montants par financeur", FINANCEURS, labels, keys, rows, totals, kinds)


def _credits_chart(sheet: Sheet, layout: MasterLayout, block: Block, row: int) -> int:
    count = len(layout.contract.accounts.towns)
    series = range(2, 2 + count) if count <= _MOST_SERIES else range(2 + count, 3 + count)
    euros = layout.contract.accounts.of() // 100
    words = f"{len(block.keys)} conventions, {count} collectivités : total {euros} euros."
    title = "Crédits de droit commun par convention"
    header = FIRST_TABLE_ROW + 1
    return add_chart(sheet, block, row, header, series, title, kind="bar", stacked=True, words=words, size=_CHART)


STEPS, DOUBLES = "Ecarts_expliques", "Comptes_deux_fois"
RANK, WORDS, AMOUNT, LINK = "Étape", "Constat", "Montant (€)", "Voir"
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
    sheet: Sheet, layout: MasterLayout, name: str, heading: str, row: int, steps: tuple[WalkStep, ...]
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


def _formula(layout: MasterLayout, step: WalkStep) -> str | None:
    """The live formula of a step: the same two figures that :func:`tabellion.measures.walk` compares."""
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


def _target(layout: MasterLayout, step: WalkStep) -> str:
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
