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
from tabellion.outputs.master.budgets import TOTAL, add_state_colours, published_sum, state_formula, state_of
from tabellion.outputs.master.layout import MasterLayout
from tabellion.outputs.master.synthese import CREDITS
from tabellion.outputs.master.tables import Computed, computed_cell, fit_data_table, widths, write_data_table
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
    explained, twice = sum(step.cents for step in walk.steps), sum(step.cents for step in walk.doubles)
    lines = (
        (PUBLISHED, "Total général publié", published_sum(layout, RECAP, SCOPE_ALL), walk.published, "euros"),
        (EXPLAINED, "Écarts nommés ci-dessous", f"SUM({column_ref(STEPS, AMOUNT)})", explained, "signed"),
        (SINCE, "Écarts apparus depuis la génération", f"{RECOMPUTED}-{PUBLISHED}-{EXPLAINED}", 0, "signed"),
        (
            RECOMPUTED,
            "Total recalculé de toutes les lignes",
            f"SUM({column_ref(CREDITS, TOTAL)})",
            walk.recomputed,
            "euros",
        ),
        (TWICE, "Compté dans deux conventions", f"SUM({column_ref(DOUBLES, AMOUNT)})", twice, "signed"),
        (NET, "Total recalculé sans double compte", f"{RECOMPUTED}+{TWICE}", walk.net, "euros"),
    )
    for offset, (name, words, formula, cents, kind) in enumerate(lines):
        strong = {"bold": True} if kind == "euros" else {}
        sheet.wide(row + offset, 0, _AMOUNT_COLUMN - 1, words, computed=True, **strong)
        style, content = computed_cell(sheet.writer, kind, cents, **strong)
        sheet.named_formula(row + offset, _AMOUNT_COLUMN, name, formula, style, content)
        sheet.show_cents((row + offset, _AMOUNT_COLUMN, row + offset, _AMOUNT_COLUMN), signed=kind == "signed")


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
        cell_style, content = computed_cell(sheet.writer, "signed", step.cents)
        sheet.formula(place, _AMOUNT_COLUMN, _formula(layout, step), cell_style, content, (name, key, AMOUNT))
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


def _formula(layout: MasterLayout, step: Step) -> str:
    """The live formula of a step: the same two figures that :mod:`tabellion.measures.walk` compares."""
    convention = str(step.convention)
    if step.kind is StepKind.GENERAL:
        return f"{published_sum(layout, RECAP, SCOPE_CONVENTION)}-{published_sum(layout, RECAP, SCOPE_ALL)}"
    if step.kind is StepKind.CONVENTION:
        towns = published_sum(layout, RECAP, SCOPE_TOWN, convention)
        return f"{towns}-{published_sum(layout, RECAP, SCOPE_CONVENTION, convention)}"
    if step.kind is StepKind.ABSENT:
        return published_sum(layout, DETAIL, SCOPE_TOWN, convention)
    lines = layout.data[table_name("lignes_budgetaires", step.convention)]
    measure = column_ref(lines.name, lines.label(MEASURE))
    if step.kind is StepKind.DOUBLE:
        identifier = layout.contract.tables["lignes_budgetaires"].rows[step.index]["ligne_id"]
        keys = column_ref(lines.name, lines.label("ligne_id"))
        years = column_ref(lines.name, lines.label("exercice"))
        return f"-SUMIFS({measure},{keys},{quoted_text(identifier)},{years},{EXERCICE})"
    town = quoted_text(layout.contract.town_labels[step.town])
    printed = published_sum(layout, DETAIL, SCOPE_TOWN, convention, town)
    if step.kind is StepKind.TOWN:
        return f"{printed}-{published_sum(layout, RECAP, SCOPE_TOWN, convention, town)}"
    return f"{lines_sum(layout, step.convention, town, EXERCICE)}-{printed}"


def lines_sum(layout: MasterLayout, convention: int | None, town: str | None, exercice: str) -> str:
    """The formula of a sum of lines; ``town`` and ``exercice`` are formulas themselves."""
    lines = layout.data[table_name("lignes_budgetaires", convention)]
    conditions = [column_ref(lines.name, lines.label("exercice")), exercice]
    if town is not None:
        conditions += [column_ref(lines.name, lines.label("collectivite_id")), town]
    return f"SUMIFS({column_ref(lines.name, lines.label(MEASURE))},{','.join(conditions)})"


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
    found = accounts.published(source, scope, step.convention, step.town)
    if found is not None:
        place = layout.locate("totaux_publies", found.index, "montant")
        return cell_link(str(place.feuille), str(place.cellule))
    return sheet_marker(RAPPROCHEMENT if step.convention is None else sheet_key("B", step.convention))


def _published(layout: MasterLayout) -> dict[str, Computed]:
    """The recomputed figure beside each published total, with the gap and its state."""
    contract = layout.contract
    table = layout.data[table_name("totaux_publies")]
    town, year = this_row(table.name, table.label("collectivite_id")), this_row(table.name, table.label("exercice"))
    calculated, printed = this_row(table.name, table.label("calcule")), this_row(table.name, table.label("montant"))
    gap = this_row(table.name, table.label("ecart"))
    shown = f"IF({year}={EXERCICE},SUM({column_ref(CREDITS, TOTAL)}),0)"
    columns = contract.tables["totaux_publies"].select(table.indexes).columns
    formulas, values, gaps, states = [], [], [], []
    sums = _line_sums(layout)
    for convention, collectivite, exercice, cents in zip(
        columns["convention_id"], columns["collectivite_id"], columns["exercice"], columns["montant"], strict=True
    ):
        if convention in contract.convention_titles:
            formulas.append(lines_sum(layout, convention, town if collectivite is not None else None, year))
            value = sums.get((convention, collectivite, exercice), 0)
        else:
            formulas.append(shown)
            value = contract.accounts.of() if exercice == contract.settings.exercice else 0
        values.append(value)
        gaps.append(value - (cents or 0))
        states.append(state_of(contract.settings.arrondi_euros, value - (cents or 0)))
    return {
        "calcule": Computed("euros", formulas, values),
        "ecart": Computed("signed", f'IF(AND({calculated}="",{printed}=""),"",{calculated}-N({printed}))', gaps),
        "etat": Computed("state", f'IF({gap}="","",{state_formula(gap)})', states),
    }


def _line_sums(layout: MasterLayout) -> dict[tuple[int, str | None, int], int]:
    sums: dict[tuple[int, str | None, int], int] = {}
    for line in layout.contract.tables["lignes_budgetaires"].rows:
        for town in (line["collectivite_id"], None):
            key = (line["convention_id"], town, line["exercice"])
            sums[key] = sums.get(key, 0) + (line[MEASURE] or 0)
    return sums
