"""The master workbook: a layout and findings in, the bytes of ``contrat.xlsx`` out; the same input, the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tabellion.findings import Finding
from tabellion.layout.names import (
    ACCUEIL,
    ANNEES,
    CHARGES,
    CONTROLES,
    DICTIONNAIRE,
    FINANCEMENTS,
    FORMAT_VERSION,
    KIND_MASTER,
    NOMENCLATURES,
    OCCASIONAL,
    PARTENAIRES,
    PARTICIPATIONS,
    PLANS,
    PRODUITS,
    RAPPROCHEMENT,
    REGLAGES,
    SHOWN,
    SUBVENTIONS,
    SUIVI,
    SYNTHESE,
    column_mark,
    document_date,
    quoted_sheet,
    sheet_key,
    sheet_marker,
    sheet_title,
    table_name,
    this_row,
)
from tabellion.measures.measure import Count, Criterion
from tabellion.outputs.master.budgets import define_constants, write_budget
from tabellion.outputs.master.cover import write_accueil, write_controles, write_dictionary, write_nomenclatures
from tabellion.outputs.master.funding import (
    counted,
    financements_of,
    retained_column,
    write_charges,
    write_funded,
    write_plans,
    write_produits,
)
from tabellion.outputs.master.layout import MasterLayout
from tabellion.outputs.master.reconciliation import write_rapprochement
from tabellion.outputs.master.settings import write_settings
from tabellion.outputs.master.summary import write_synthese
from tabellion.outputs.master.tables import Computed, define_lists, write_table_sheet
from tabellion.outputs.years import YearsView, write_years
from tabellion.xlsx import signature
from tabellion.xlsx.signature import write_identity
from tabellion.xlsx.writer import Sheet, Writer

UNKNOWN_AXE = "axe inconnu"
_WriteSheet = Callable[[Sheet, MasterLayout], None]


def write_master(layout: MasterLayout, findings: Sequence[Finding]) -> bytes:
    """Write the whole workbook in memory.

    ``findings`` are those of the register, already placed by ``layout.locate``; they fill the sheet Contrôles.
    """
    contract = layout.contract
    writer = Writer(contract.theme)
    sheets = {key: writer.sheet(name) for key, name in layout.sheets.items()}
    define_lists(writer, layout)
    define_constants(writer, layout)
    write_accueil(sheets[ACCUEIL], layout, findings)
    _write_sheets(sheets, layout, BEFORE_CONVENTIONS)
    for convention in contract.convention_titles:
        lines = layout.data[table_name("lignes_budgetaires", convention)]
        _write_fiches(sheets[sheet_key("C", convention)], layout, convention)
        write_budget(sheets[lines.sheet], layout, lines, convention)
        for letter, linked in (("C", "B"), ("B", "C")):
            other = sheet_key(linked, convention)
            words = "Budget" if linked == "B" else "Fiches action"
            _write_ways(sheets[sheet_key(letter, convention)], sheet_marker(other), f"→ {words} de cette convention")
    _write_sheets(sheets, layout, AFTER_CONVENTIONS)
    write_controles(sheets[CONTROLES], layout, findings)
    for key, sheet in sheets.items():
        if key in (REGLAGES, CONTROLES) or key in AFTER_CONVENTIONS:
            _write_ways(sheet)
        writer.name(sheet_marker(key), f"={quoted_sheet(sheet.name)}!$A$1")
    _colour_tabs(layout, sheets)
    identity: dict[str, str | int] = {"genre": KIND_MASTER, "format": FORMAT_VERSION}
    identity["contrat"] = contract.settings.identifiant
    identity |= {resource: SHOWN for resource in OCCASIONAL if table_name(resource) in layout.data}
    identity |= {
        column_mark(table.resource, column.name): SHOWN
        for table in layout.data.values()
        for column in table.columns
        if column.field is not None and column.field.is_recent
    }
    if contract.adoption:
        identity["adoption"] = contract.adoption
    write_identity(writer, identity)
    _write_properties(writer, layout)
    sheets[ACCUEIL].raw.activate()
    return signature.sign(writer.close())


def _write_sheets(sheets: Mapping[str, Sheet], layout: MasterLayout, writers: Mapping[str, _WriteSheet]) -> None:
    for key, write in writers.items():
        if key in sheets:
            write(sheets[key], layout)


def _write_years(sheet: Sheet, layout: MasterLayout) -> None:
    view = YearsView(layout.contract, partial(layout.columns, "lignes_budgetaires"), by_convention=True)
    write_years(sheet, view, layout.contract.settings.titre)


def _write_financements(sheet: Sheet, layout: MasterLayout) -> None:
    subtitle, computed = "Les financeurs retenus, fiche par fiche", retained_column(layout)
    write_table_sheet(sheet, layout, "financements", FINANCEMENTS, subtitle, computed=computed)
    if computed:
        write_funded(sheet, layout)


def _one_table(resource: str, title: str, subtitle: str) -> _WriteSheet:
    """A sheet that is one table."""
    return lambda sheet, layout: write_table_sheet(sheet, layout, resource, title, subtitle)


#: What writes each sheet that is not a convention's, where the layout has it, in this order.
BEFORE_CONVENTIONS: Mapping[str, _WriteSheet] = {
    REGLAGES: write_settings,
    SYNTHESE: write_synthese,
    RAPPROCHEMENT: write_rapprochement,
    ANNEES: _write_years,
}
AFTER_CONVENTIONS: Mapping[str, _WriteSheet] = {
    FINANCEMENTS: _write_financements,
    SUBVENTIONS: _one_table(
        "subventions", "Subventions", "Ce que disent les décisions qui attribuent un financement chiffré"
    ),
    SUIVI: _one_table("suivis", "Suivi", "Ce que les partenaires disent de leurs fiches, exercice par exercice"),
    PLANS: write_plans,
    CHARGES: write_charges,
    PRODUITS: write_produits,
    NOMENCLATURES: write_nomenclatures,
    PARTENAIRES: _one_table("partenaires", "Partenaires", "Qui reçoit un formulaire, et ce qu'il représente"),
    PARTICIPATIONS: _one_table("participations", "Participations", "Qui porte chaque fiche ou y prend part"),
    DICTIONNAIRE: write_dictionary,
}


def _write_fiches(sheet: Sheet, layout: MasterLayout, convention: int) -> None:
    """Write one convention's sheet: its fiches, each with its axe's title and the number of its financements."""
    contract, table = layout.contract, layout.data[table_name("fiches", convention)]
    title, _ = contract.convention_titles[convention]
    columns = contract.tables["fiches"].select(table.indexes).columns
    titles = {row["axe_id"]: row["titre"] for row in reversed(contract.tables["axes"].rows)}
    axe, fiche = (this_row(table.name, table.label(name)) for name in ("axe_id", "fiche_id"))
    axe_columns, financements = layout.columns("axes"), layout.columns("financements")
    rows, counted_rows = financements_of(layout), counted(layout)
    title_of = f"INDEX({axe_columns('titre')},MATCH({axe},{axe_columns('axe_id')},0))"
    counts = [Count((Criterion("fiche_id", key, fiche), *counted_rows)) for key in columns["fiche_id"]]
    # The same on every row, and in the blank row of an empty table.
    count = Count((Criterion("fiche_id", None, fiche), *counted_rows)).formula(financements)
    computed = {
        "axe": Computed(
            "text",
            f'IF({axe}="","",IFERROR({title_of},"{UNKNOWN_AXE}"))',
            [titles.get(key) or UNKNOWN_AXE for key in columns["axe_id"]],
        ),
        "financements": Computed("count", f'IF({fiche}="","",{count})', [of_fiche.value(rows) for of_fiche in counts]),
    }
    subtitle = "Fiches action de la convention"
    write_table_sheet(
        sheet,
        layout,
        "fiches",
        sheet_title(convention, title),
        subtitle,
        "partenaires_operationnels",
        computed,
        convention,
    )


def _write_ways(sheet: Sheet, target: str = "", words: str = "") -> None:
    """The links under a sheet's title: to the front page, and to the convention's other sheet."""
    sheet.raw.set_row(2, 18)
    sheet.link(2, 0, sheet_marker(ACCUEIL), "← Accueil")
    if target:
        sheet.link(2, 1, target, words)


def _colour_tabs(layout: MasterLayout, sheets: dict[str, Sheet]) -> None:
    series = layout.contract.theme.series
    families = {"C": series[0], "B": series[1 % len(series)]}
    for key, sheet in sheets.items():
        if key[1:].isdecimal():
            sheet.raw.set_tab_color(families[key[0]])


def _write_properties(writer: Writer, layout: MasterLayout) -> None:
    settings = layout.contract.settings
    writer.book.set_properties({
        "title": settings.titre,
        "subject": f"Contrat de ville {settings.debut}–{settings.fin}",
        "author": "tabellion",
        "category": "Contrat de ville",
        "keywords": "contrat de ville, politique de la ville, crédits de droit commun, fiches action",
        "comments": settings.source,
        "created": document_date(settings.debut),
    })  # fmt: skip
    writer.book.set_custom_property(signature.PROPERTY, signature.BLANK, "text")
    writer.book.set_size(2200, 1400)
