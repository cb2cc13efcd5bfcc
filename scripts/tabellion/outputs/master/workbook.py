"""The master workbook: a layout and findings in, the bytes of ``contrat.xlsx`` out; the same input, the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from tabellion.findings import Finding
from tabellion.layout.identity import FORMAT_VERSION, KIND_MASTER, SHOWN
from tabellion.layout.names import (
    ACCUEIL,
    CHARGES,
    CONTROLES,
    FINANCEMENTS,
    NOMENCLATURES,
    OCCASIONAL,
    PLANS,
    PRODUITS,
    RAPPROCHEMENT,
    SUBVENTIONS,
    SUIVI,
    SYNTHESE,
    quoted_sheet,
    sheet_key,
    sheet_marker,
    table_name,
)
from tabellion.outputs.master.budgets import define_constants, write_budget
from tabellion.outputs.master.cover import write_accueil, write_controles, write_nomenclatures
from tabellion.outputs.master.fiches import write_fiches, write_financements, write_subventions, write_suivi
from tabellion.outputs.master.funding import write_charges, write_plans, write_produits
from tabellion.outputs.master.layout import MasterLayout
from tabellion.outputs.master.rapprochement import write_rapprochement
from tabellion.outputs.master.synthese import write_synthese
from tabellion.outputs.master.tables import define_lists
from tabellion.xlsx import signature
from tabellion.xlsx.identity import write_identity
from tabellion.xlsx.writer import Sheet, Writer, document_date


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
    write_synthese(sheets[SYNTHESE], layout)
    write_rapprochement(sheets[RAPPROCHEMENT], layout)
    for convention in contract.convention_titles:
        fiches, lines = (layout.data[table_name(resource, convention)] for resource in ("fiches", "lignes_budgetaires"))
        write_fiches(sheets[fiches.sheet], layout, fiches, convention)
        write_budget(sheets[lines.sheet], layout, lines, convention)
        for here, there in (("C", "B"), ("B", "C")):
            other = sheet_key(there, convention)
            words = "Budget" if there == "B" else "Fiches action"
            _write_ways(sheets[sheet_key(here, convention)], sheet_marker(other), f"→ {words} de cette convention")
    write_financements(sheets[FINANCEMENTS], layout)
    if SUBVENTIONS in sheets:
        write_subventions(sheets[SUBVENTIONS], layout)
    if SUIVI in sheets:
        write_suivi(sheets[SUIVI], layout)
    if PLANS in sheets:
        write_plans(sheets[PLANS], layout)
        write_charges(sheets[CHARGES], layout)
        write_produits(sheets[PRODUITS], layout)
    write_nomenclatures(sheets[NOMENCLATURES], layout)
    write_controles(sheets[CONTROLES], layout, findings)
    for key, sheet in sheets.items():
        if key in (FINANCEMENTS, SUBVENTIONS, SUIVI, PLANS, CHARGES, PRODUITS, NOMENCLATURES, CONTROLES):
            _write_ways(sheet)
        writer.name(sheet_marker(key), f"={quoted_sheet(sheet.name)}!$A$1")
    _colour_tabs(layout, sheets)
    identity: dict[str, str | int] = {"genre": KIND_MASTER, "format": FORMAT_VERSION}
    identity["contrat"] = contract.settings.identifiant
    identity |= {resource: SHOWN for resource in OCCASIONAL if table_name(resource) in layout.data}
    if contract.adoption:
        identity["adoption"] = contract.adoption
    if contract.by_hand:
        identity["registre"] = contract.by_hand
    write_identity(writer, identity)
    _write_properties(writer, layout)
    sheets[ACCUEIL].raw.activate()
    return signature.sign(writer.close())


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
