"""The sheets of the plans de financement: Plans (what each adds up to), Charges and Produits (their rows)."""

from __future__ import annotations

from collections.abc import Mapping

from tabellion.layout.names import (
    CHARGES,
    EXERCICE,
    FUNDED,
    PLANS,
    PRODUITS,
    REGLAGES,
    column_ref,
    quoted_text,
    sheet_marker,
    table_name,
    this_row,
)
from tabellion.measures.financements import COUNTED, RETAINED, retained_formula
from tabellion.measures.funding import CHARGES_TOTALS, PRODUITS_TOTALS, cofinancing, progress, retained
from tabellion.measures.measure import Criterion, Measure, Rows, gap, unless_all_blank
from tabellion.outputs.master.budgets import add_state_colours, state_of
from tabellion.outputs.master.layout import FIRST_TABLE_ROW, MasterLayout
from tabellion.outputs.master.tables import Computed, write_table_sheet
from tabellion.xlsx.blocks import write_measure, write_named
from tabellion.xlsx.writer import Sheet

_FINANCEMENTS, _SETTINGS = "financements", "reglages"
_WAYS_ROW = 2


def financements_of(layout: MasterLayout) -> Rows:
    """The financements, each with whether it counts in the exercice that the workbook opens with."""
    return layout.contract.overview.financements(layout.contract.settings.exercice_finance)


def counted(layout: MasterLayout) -> tuple[Criterion, ...]:
    """What a row of the sheet must be to be counted; anything, where the schema knows no exercice."""
    return (COUNTED,) if _has_column(layout) else ()


def retained_column(layout: MasterLayout) -> Mapping[str, Computed]:
    """The computed column that says whether a row counts; none where the schema knows no exercice."""
    if not _has_column(layout):
        return {}
    table = layout.data[table_name(_FINANCEMENTS)]
    formula = retained_formula(
        layout.columns(_FINANCEMENTS), lambda name: this_row(table.name, table.label(name)), FUNDED
    )
    return {RETAINED: Computed("text", formula, list(financements_of(layout).columns[RETAINED]))}


def write_funded(sheet: Sheet, layout: MasterLayout) -> None:
    """Above the table: the exercice whose financements count, that of the workbook or, before the contract, the
    current one."""
    settings = layout.contract.settings
    asked = str(settings.exercice_courant)
    if REGLAGES in layout.sheets:
        table = layout.data[table_name(_SETTINGS)]
        values, names = (column_ref(table.name, table.label(name)) for name in ("valeur", "reglage_id"))
        asked = f"INDEX({values},MATCH({quoted_text('exercice_courant')},{names},0))"
    bold = sheet.writer.format(bold=True, align="right", valign="vcenter")
    sheet.write(_WAYS_ROW, 1, "Exercice retenu :", bold)
    style = sheet.writer.format(bold=True, align="center", valign="vcenter")
    formula = f"IF({EXERCICE}<{settings.debut},{asked},{EXERCICE})"
    sheet.named_formula(_WAYS_ROW, 2, FUNDED, formula, style, settings.exercice_finance)


def _has_column(layout: MasterLayout) -> bool:
    return any(column.name == RETAINED for column in layout.data[table_name(_FINANCEMENTS)].columns)


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
    rows = [_measures(layout, plan) for plan in plans]
    calculated = {label: str(measure.formula) for label, measure in rows[0].items()} if rows else None
    row, height = FIRST_TABLE_ROW, max(1, len(plans))
    aligned = dict.fromkeys((YEAR, STATE, RATE), "center") | {
        label: "right" for label in _LABELS[_FIRST_SUM:] if label not in (STATE, RATE)
    }
    sheet.table(SUMMARY, row, 0, height, _LABELS, calculated=calculated, aligned=aligned)
    for column, label in enumerate(_LABELS[_FIRST_SUM:], _FIRST_SUM):
        if label not in (STATE, RATE):
            sheet.show_cents((row + 1, column, row + height + 1, column), signed=label == GAP)
    aims = {fiche["fiche_id"]: fiche["objectif"] for fiche in layout.contract.tables["fiches"].rows}
    texts, centred = writer.cell(computed=True, text_wrap=True), writer.cell(computed=True, align="center")
    for position, ((fiche, year), measures) in enumerate(zip(plans, rows, strict=True), row + 1):
        aim = aims.get(fiche)
        sheet.write(position, 0, fiche, writer.cell(computed=True, num_format="@"))
        sheet.write(position, 1, year, centred)
        sheet.write(position, 2, aim, texts)
        sheet.fit(position, [(aim, 2)])
        _write_sums(sheet, position, measures)
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
    area = (total + len(_NOTES) + 1, len(_LABELS) - 1)
    sheet.print_setup((row, row), layout.contract.settings.titre, area=area, keys=3)


def _write_sums(sheet: Sheet, row: int, measures: Mapping[str, Measure]) -> None:
    for column, (label, measure) in enumerate(measures.items(), _FIRST_SUM):
        write_measure(sheet, row, column, measure, (SUMMARY, "*", label), **_style(label))


def _write_total(sheet: Sheet, layout: MasterLayout, row: int) -> None:
    """All plans together, from the rows themselves: what was added since counts too. A balance is each plan's own."""
    for column, (label, measure) in enumerate(_measures(layout, None).items(), _FIRST_SUM):
        if label == STATE:
            sheet.write(row, column, None, sheet.writer.cell(computed=True))
        else:
            write_named(sheet, row, column, _total_name(label), measure, bold=True, **_style(label))


def _style(label: str) -> dict[str, object]:
    return {"align": "center", "num_format": _RATE_FORMAT} if label == RATE else {}


def _total_name(label: str) -> str:
    """The defined name of a total of all plans."""
    return f"Plans_total_{_LABELS.index(label)}"


def _measures(layout: MasterLayout, plan: tuple[str, int] | None) -> dict[str, Measure]:
    """Each sum: of the plan of a fiche and an exercice, that formulas take from their row, or of everything."""

    def own(label: str) -> str:
        return this_row(SUMMARY, label) if plan is not None else _total_name(label)

    where = [
        Criterion(name, value, own(label))
        for name, label, value in zip(("fiche_id", "exercice"), (FICHE, YEAR), plan or (), strict=False)
    ]
    sides = zip(
        ("plan_charges", "plan_produits"), (CHARGES_TOTALS, PRODUITS_TOTALS), layout.contract.plan_rows, strict=True
    )
    sums = {
        name: total.also(*where).measure(rows, layout.columns(table))
        for table, totals, rows in sides
        for name, total in totals.items()
    }
    charges, produits, funders = (
        sums[name].at(own(label))
        for name, label in (("charges", CHARGES_SUM), ("produits", PRODUITS_SUM), ("funders", FUNDERS))
    )
    received, given = sums["received"].at(own(RECEIVED)), sums["given"].at(own(GIVEN))
    balance = unless_all_blank((produits, charges), gap(produits, charges))
    voluntary = unless_all_blank((received, given), gap(received, given))
    return {
        CHARGES_SUM: sums["charges"],
        PRODUITS_SUM: sums["produits"],
        GAP: balance,
        STATE: state_of(layout, balance.at(own(GAP)), voluntary),
        FUNDERS: sums["funders"],
        RATE: cofinancing(funders, charges),
        ASKED: sums["asked"],
        GRANTED: sums["granted"],
        PAID: sums["paid"],
        GIVEN: sums["given"],
        RECEIVED: sums["received"],
    }


def write_charges(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the charges of all plans."""
    subtitle = "Plans de financement : ce que coûte chaque fiche, poste par poste"
    write_table_sheet(sheet, layout, "plan_charges", "Charges", subtitle)
    sheet.link(2, 1, sheet_marker(PLANS), f"→ {PLANS}")


def write_produits(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the produits of all plans, with what each counts for and where it stands."""
    table = layout.data[table_name("plan_produits")]
    subtitle = "Plans de financement : qui paie chaque fiche, et où en est chaque somme"
    asked, granted, paid = (
        this_row(table.name, table.label(name)) for name in ("montant_demande", "montant_accorde", "montant_verse")
    )
    rows = layout.contract.tables["plan_produits"].select(table.indexes).rows
    counts = ["" if (cents := retained(row)) is None else cents for row in rows]
    counted = f'IF({granted}<>"",{granted},IF({asked}="","",{asked}))'
    waiting = f'IF({granted}="",IF({asked}="","","demandé"),IF({granted}=0,"refusé","accordé"))'
    settled = f'IF({paid}>=N({granted}),"versé","versé en partie")'
    computed = {
        "retenu": Computed("euros", counted, counts),
        "etat": Computed("state", f"IF(N({paid})>0,{settled},{waiting})", [progress(row) for row in rows]),
    }
    write_table_sheet(sheet, layout, "plan_produits", "Produits", subtitle, computed=computed)
    sheet.link(2, 1, sheet_marker(PLANS), f"→ {PLANS}")
