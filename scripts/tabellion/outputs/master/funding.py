"""The sheets of the plans de financement: Plans (what each adds up to), Charges and Produits (their rows)."""

from __future__ import annotations

from typing import Any

from xlsxwriter.format import Format

from tabellion.layout.names import CHARGES, PLANS, PRODUITS, column_ref, sheet_marker, table_name, this_row
from tabellion.measures.funding import FundingPlan, progress, retained
from tabellion.outputs.master.budgets import add_state_colours, state_formula, state_of
from tabellion.outputs.master.fiches import finish
from tabellion.outputs.master.layout import FIRST_TABLE_ROW, DataTable, MasterLayout
from tabellion.outputs.master.tables import Computed, computed_cell, fit_data_table, write_data_table
from tabellion.xlsx.writer import CellContent, Sheet

#: The table of what plans add up to, and its columns.
SUMMARY = "Plans_fiches"
FICHE, YEAR, AIM = "Fiche", "Exercice", "Objectif"
CHARGES_SUM, PRODUITS_SUM, GAP, STATE = "Charges (€)", "Produits (€)", "Écart (€)", "Équilibre"
FUNDERS, RATE = "Financeurs (€)", "Cofinancement"
ASKED, GRANTED, PAID = "Demandé (€)", "Accordé (€)", "Versé (€)"
GIVEN, RECEIVED = "Contributions, charges (€)", "Contributions, produits (€)"
_LABELS = (
    FICHE, YEAR, AIM, CHARGES_SUM, PRODUITS_SUM, GAP, STATE, FUNDERS, RATE, ASKED, GRANTED, PAID, GIVEN, RECEIVED
)  # fmt: skip
_WIDTHS = (12, 10, 40, 14, 14, 13, 12, 14, 15, 14, 14, 14, 15, 15)
_FIRST_SUM = _LABELS.index(CHARGES_SUM)
_RATE_FORMAT = '0.0"\u00a0%"'
_NOTES = (
    "Un produit compte pour ce qui est accordé ; tant que la réponse n'est pas connue, pour ce qui est demandé.",
    "Cofinancement : la part des charges que paient les financeurs nommés. Les contributions volontaires en nature "
    "(postes 86 et 87) s'équilibrent à part.",
)


def write_plans(sheet: Sheet, layout: MasterLayout) -> None:
    """Write what each plan adds up to, live, and all of them together."""
    writer, plans = sheet.writer, layout.contract.plans
    sheet.title("Plans de financement", "Charges, produits et cofinancement, fiche par fiche", len(_LABELS))
    sheet.link(2, 2, sheet_marker(CHARGES), f"→ {CHARGES}")
    sheet.link(2, 3, sheet_marker(PRODUITS), f"→ {PRODUITS}")
    formulas = _formulas(layout, each_row=True)
    row, height = FIRST_TABLE_ROW, max(1, len(plans))
    aligned = dict.fromkeys((YEAR, STATE, RATE), "center") | {
        label: "right" for label in _LABELS[_FIRST_SUM:] if label not in (STATE, RATE)
    }
    sheet.table(SUMMARY, row, 0, height, _LABELS, calculated=formulas if plans else None, aligned=aligned)
    for column, label in enumerate(_LABELS[_FIRST_SUM:], _FIRST_SUM):
        if label not in (STATE, RATE):
            sheet.show_cents((row + 1, column, row + height + 1, column), signed=label == GAP)
    aims = {each["fiche_id"]: each["objectif"] for each in layout.contract.tables["fiches"].rows}
    texts, centred = writer.cell(computed=True, text_wrap=True), writer.cell(computed=True, align="center")
    for position, ((fiche, year), sums) in enumerate(plans.items(), row + 1):
        aim = aims.get(fiche)
        sheet.write(position, 0, fiche, writer.cell(computed=True, num_format="@"))
        sheet.write(position, 1, year, centred)
        sheet.write(position, 2, aim, texts)
        sheet.fit(position, [(aim, 2)])
        _write_sums(sheet, layout, position, sums, formulas)
    if not plans:
        for column in range(len(_LABELS)):
            sheet.write(row + 1, column, "Aucun plan pour l'instant." if column == 2 else None, texts)
    total = row + height + 1
    sheet.wide(total, 0, 2, "Tous les plans", computed=True, bold=True)
    _write_total(sheet, layout, total)
    add_state_colours(sheet, row + 1, _LABELS.index(STATE), total, _LABELS.index(STATE))
    for offset, note in enumerate(_NOTES, 2):
        sheet.write(total + offset, 0, note, writer.format(italic=True))
    sheet.set_widths(enumerate(_WIDTHS))
    sheet.raw.freeze_panes(row + 1, 1)
    sheet.print_setup((row, row), layout.contract.settings.titre)
    sheet.raw.print_area(0, 0, total + len(_NOTES) + 1, len(_LABELS) - 1)


def _write_sums(sheet: Sheet, layout: MasterLayout, row: int, sums: FundingPlan, formulas: dict[str, str]) -> None:
    values = _values(layout, sums)
    for column, label in enumerate(_LABELS[_FIRST_SUM:], _FIRST_SUM):
        style, content = _cell(sheet, label, values[label])
        sheet.formula(row, column, formulas[label], style, content, (SUMMARY, "*", label))


def _write_total(sheet: Sheet, layout: MasterLayout, row: int) -> None:
    """All plans together, from the rows themselves: what was added since counts too. A balance is each plan's own."""
    every = FundingPlan()
    for each in layout.contract.plans.values():
        for name, cents in vars(each).items():
            setattr(every, name, getattr(every, name) + cents)
    formulas, values = _formulas(layout, each_row=False), _values(layout, every)
    for column, label in enumerate(_LABELS[_FIRST_SUM:], _FIRST_SUM):
        if label == STATE:
            sheet.write(row, column, None, sheet.writer.cell(computed=True))
            continue
        style, content = _cell(sheet, label, values[label], bold=True)
        sheet.named_formula(row, column, _total_name(label), formulas[label], style, content)


def _cell(sheet: Sheet, label: str, value: Any, **more: Any) -> tuple[Format, CellContent]:
    """The format and the content of a sum, a rate or a state."""
    if label == RATE:
        return sheet.writer.cell(computed=True, align="center", num_format=_RATE_FORMAT, **more), value
    return computed_cell(sheet.writer, {GAP: "signed", STATE: "state"}.get(label, "euros"), value, **more)


def _total_name(label: str) -> str:
    """The defined name of a total of all plans."""
    return f"Plans_total_{_LABELS.index(label)}"


def _formulas(layout: MasterLayout, *, each_row: bool) -> dict[str, str]:
    """The formula of each sum: of the row's fiche and exercice, or of everything."""
    charges, produits = layout.data[table_name("plan_charges")], layout.data[table_name("plan_produits")]

    def own(label: str) -> str:
        return this_row(SUMMARY, label) if each_row else _total_name(label)

    def total(table: DataTable, amount: str, heading: str, criterion: str, *named: str) -> str:
        conditions = [column_ref(table.name, table.label(heading)), f'"{criterion}"']
        for name in named:
            conditions += [column_ref(table.name, table.label(name)), '"<>"']
        if each_row:
            for name, label in (("fiche_id", FICHE), ("exercice", YEAR)):
                conditions += [column_ref(table.name, table.label(name)), this_row(SUMMARY, label)]
        return f"SUMIFS({column_ref(table.name, table.label(amount))},{','.join(conditions)})"

    money = {
        CHARGES_SUM: total(charges, "montant", "poste", "<>86*"),
        PRODUITS_SUM: total(produits, "retenu", "compte", "<>87*"),
        GAP: f"ROUND({own(PRODUITS_SUM)}-{own(CHARGES_SUM)},2)",
        FUNDERS: total(produits, "retenu", "compte", "<>87*", "financeur_id"),
        RATE: f'IF({own(CHARGES_SUM)}=0,"",ROUND(100*{own(FUNDERS)}/{own(CHARGES_SUM)},1))',
        ASKED: total(produits, "montant_demande", "compte", "<>87*"),
        GRANTED: total(produits, "montant_accorde", "compte", "<>87*"),
        PAID: total(produits, "montant_verse", "compte", "<>87*"),
        GIVEN: total(charges, "montant", "poste", "86*"),
        RECEIVED: total(produits, "retenu", "compte", "87*"),
    }
    return money | {STATE: state_formula(own(GAP), f"ROUND({own(RECEIVED)}-{own(GIVEN)},2)")}


def write_charges(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the charges of all plans."""
    table = layout.data[table_name("plan_charges")]
    sheet.title("Charges", "Plans de financement : ce que coûte chaque fiche, poste par poste", len(table.columns))
    _write_rows(sheet, layout, table, {})


def write_produits(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the produits of all plans, with what each counts for and where it stands."""
    table = layout.data[table_name("plan_produits")]
    subtitle = "Plans de financement : qui paie chaque fiche, et où en est chaque somme"
    sheet.title("Produits", subtitle, len(table.columns))
    asked, granted, paid = (
        this_row(table.name, table.label(name)) for name in ("montant_demande", "montant_accorde", "montant_verse")
    )
    rows = layout.contract.tables["plan_produits"].select(table.indexes).rows
    kept = ["" if (cents := retained(row)) is None else cents for row in rows]
    counted = f'IF({granted}<>"",{granted},IF({asked}="","",{asked}))'
    waiting = f'IF({granted}="",IF({asked}="","","demandé"),IF({granted}=0,"refusé","accordé"))'
    settled = f'IF({paid}>=N({granted}),"versé","versé en partie")'
    computed = {
        "retenu": Computed("euros", counted, kept),
        "etat": Computed("state", f"IF(N({paid})>0,{settled},{waiting})", [progress(row) for row in rows]),
    }
    _write_rows(sheet, layout, table, computed)


def _write_rows(sheet: Sheet, layout: MasterLayout, table: DataTable, computed: dict[str, Computed]) -> None:
    write_data_table(sheet, layout, table, computed)
    fit_data_table(sheet, layout, table, computed)
    finish(sheet, layout, table, last_printed="commentaire")
    sheet.link(2, 1, sheet_marker(PLANS), f"→ {PLANS}")


def _values(layout: MasterLayout, sums: FundingPlan) -> dict[str, Any]:
    rounding = layout.contract.settings.arrondi_euros
    return {
        CHARGES_SUM: sums.charges,
        PRODUITS_SUM: sums.produits,
        GAP: sums.gap,
        STATE: state_of(rounding, sums.gap, sums.voluntary_gap),
        FUNDERS: sums.funders,
        RATE: "" if sums.rate is None else sums.rate,
        ASKED: sums.asked,
        GRANTED: sums.granted,
        PAID: sums.paid,
        GIVEN: sums.given,
        RECEIVED: sums.received,
    }
