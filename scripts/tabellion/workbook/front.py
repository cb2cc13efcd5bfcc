"""The sheets around the contract's own: Accueil before them, Nomenclatures and Contrôles after."""

from __future__ import annotations

from collections.abc import Sequence

from tabellion.accounts import MEASURE
from tabellion.findings import CATALOGUE, Finding, Severity
from tabellion.schema.frames import plain_rows
from tabellion.workbook.budgets import (
    EXERCICE,
    GAP,
    STATE,
    add_state_colours,
    conditional,
    measured_labels,
    state_of,
    totals_name,
    town_figures,
)
from tabellion.workbook.names import (
    CONTROLES,
    FINANCEMENTS,
    NOMENCLATURES,
    RAPPROCHEMENT,
    SYNTHESE,
    column_ref,
    sheet_key,
)
from tabellion.workbook.pen import Sheet
from tabellion.workbook.plan import FIRST_TABLE_ROW, MasterPlan
from tabellion.workbook.rapprochement import NET, PUBLISHED, RECOMPUTED
from tabellion.workbook.tables import computed_cell, fit_data_table, set_widths, widths, write_data_table

FINDINGS = "Constats"
_FINDING_LABELS = ("N°", "Gravité", "Constat", "Feuille", "Cellule", "Ce qui a été trouvé", "Que faire", "Code")
_FINDING_WIDTHS = (6, 15, 30, 26, 9, 62, 46, 26)
_WRAPPED_WIDTHS = (30, 26, 62, 46)
#: Excel keeps at most this many links on a sheet.
_MOST_LINKS = 65_000
_STATE_NAMES = {
    Severity.ERREUR: "Erreurs",
    Severity.AVERTISSEMENT: "Avertissements",
    Severity.INFORMATION: "Informations",
}


def write_accueil(sheet: Sheet, plan: MasterPlan, findings: Sequence[Finding]) -> None:
    """Write the front page: what this is, the figures, the state of the checks, and a link to every sheet."""
    contract, pen = plan.contract, sheet.pen
    settings = contract.settings
    sheet.title(settings.titre, f"{settings.debut} – {settings.fin}    {settings.source}".rstrip(), 7)
    sheet.write(3, 0, EXERCICE, pen.format(bold=True))
    editable = pen.cell(bold=True, align="center", font_size=12, bg_color=contract.look.colours["saisie"])
    sheet.write(3, 2, settings.exercice, editable)
    pen.name(EXERCICE, f"={sheet.name}!$C$4")
    sheet.validation(
        (3, 2, 3, 2), {"validate": "list", "source": "=liste_exercices"},
        "L'exercice que montrent les totaux du classeur.", EXERCICE, "Choisissez un exercice de la liste.",
    )  # fmt: skip
    row = _write_figures(sheet, plan, findings)
    sheet.section(row, 0, "Comment s'en servir")
    wrapped = pen.format(text_wrap=False)
    for number, sentence in enumerate(contract.look.how_to, 1):
        sheet.write(row + number, 0, f"{number}.", pen.format(align="right"))
        sheet.write(row + number, 1, sentence, wrapped)
    row += len(contract.look.how_to) + 2
    row = _write_directory(sheet, plan, row)
    set_widths(sheet, [(0, 10), (1, 52), (2, 18), (3, 18), (4, 18), (5, 18), (6, 14)])
    sheet.print_setup(None, settings.titre)
    sheet.raw.fit_to_pages(1, 1)


def _write_figures(sheet: Sheet, plan: MasterPlan, findings: Sequence[Finding]) -> int:
    contract, pen = plan.contract, sheet.pen
    walk, row = contract.walk, 5
    sheet.section(row, 0, "L'essentiel")
    figures = (
        ("Total général publié", "Accueil_publie", PUBLISHED, walk.published),
        ("Total recalculé de toutes les lignes", "Accueil_recalcule", RECOMPUTED, walk.recomputed),
        ("Total recalculé sans double compte", "Accueil_net", NET, walk.net),
    )
    label, link = pen.cell(computed=True, bold=True), pen.cell(font_color=contract.look.colours["lien"], underline=1)
    for offset, (words, name, formula, cents) in enumerate(figures, 1):
        sheet.write(row + offset, 0, None, label)
        sheet.write(row + offset, 1, words, label)
        style, content = computed_cell(pen, "euros", cents, bold=True)
        sheet.named_formula(row + offset, 2, name, formula, style, content)
    sheet.link(row + 1, 3, plan.sheets[RAPPROCHEMENT], "A1", "Rapprochement", link)
    sheet.link(row + 2, 3, plan.sheets[SYNTHESE], "A1", "Synthèse", link)
    row += len(figures) + 2
    sheet.section(row, 0, "État des contrôles à la génération")
    for offset, (severity, words) in enumerate(_STATE_NAMES.items(), 1):
        colour = severity.label
        coloured = pen.cell(
            bold=True, bg_color=contract.look.colours[colour], font_color=contract.look.colours[f"{colour}_texte"]
        )
        sheet.write(row + offset, 0, None, coloured)
        sheet.write(row + offset, 1, words, coloured)
        count = sum(each.gravite is severity for each in findings)
        formula = f'COUNTIFS({column_ref(FINDINGS, "Gravité")},"{severity.label}")'
        sheet.named_formula(
            row + offset, 2, f"Nombre_{severity.label}", formula, pen.cell(computed=True, align="center"), count
        )
        sheet.link(row + offset, 3, plan.sheets[CONTROLES], "A1", "Contrôles", link)
    return row + len(_STATE_NAMES) + 2


def _write_directory(sheet: Sheet, plan: MasterPlan, row: int) -> int:
    contract, pen = plan.contract, sheet.pen
    sheet.section(row, 0, "Toutes les feuilles")
    link = pen.cell(font_color=contract.look.colours["lien"], underline=1)
    for column, words in enumerate(("N°", "Convention", "Fiches action", "Budget", "Crédits (€)", "Écart (€)", "État")):
        sheet.write(row + 1, column, words, pen.header())
    row += 2
    first = row
    titles = {each["pilier_id"]: each["titre"] for each in plain_rows(contract.tables["piliers"])}
    band = pen.cell(computed=True, bold=True)
    seen = None
    for convention in plain_rows(contract.tables["conventions"]):
        number, pilier = convention["convention_id"], convention["pilier_id"]
        if pilier != seen:
            for column in range(7):
                words = pilier if column == 0 else titles.get(pilier, "") if column == 1 else None
                sheet.write(row, column, words, band)
            seen, row = pilier, row + 1
        sheet.write(row, 0, number, pen.cell(align="center"))
        sheet.write(row, 1, convention["titre"], pen.cell(text_wrap=True))
        for column, letter in ((2, "C"), (3, "B")):
            key = sheet_key(letter, number)
            sheet.link(row, column, plan.sheets[key], "A1", f"feuille {key}", link)
        _write_convention_state(sheet, plan, row, number)
        row += 1
    add_state_colours(sheet, first, 6, row, 6)
    for name in (SYNTHESE, RAPPROCHEMENT, FINANCEMENTS, NOMENCLATURES, CONTROLES):
        sheet.write(row, 0, None, pen.cell())
        sheet.link(row, 1, plan.sheets[name], "A1", name, link)
        row += 1
    return row


def _write_convention_state(sheet: Sheet, plan: MasterPlan, row: int, number: int) -> None:
    """Figures taken from the budget sheet's own totals: one formula each, and the words of its state."""
    accounts, table = plan.contract.accounts, totals_name(number)
    towns = [town_figures(accounts, number, town) for town in accounts.towns]
    style, content = computed_cell(sheet.pen, "euros", accounts.of(number))
    measure = measured_labels(plan)[MEASURE]
    sheet.named_formula(row, 4, f"Credits_{number:02d}", f"SUM({column_ref(table, measure)})", style, content)
    style, content = computed_cell(sheet.pen, "signed", sum(each.gap or 0 for each in towns))
    sheet.named_formula(row, 5, f"Ecart_{number:02d}", f"SUM({column_ref(table, GAP)})", style, content)
    gaps = [gap for each in towns for gap in (each.gap, each.recap_gap)]
    state = state_of(plan.contract.settings.arrondi_euros, *gaps, 0)
    column = column_ref(table, STATE)
    formula = f'IF(COUNTIFS({column},"à vérifier")>0,"à vérifier",IF(COUNTIFS({column},"arrondi")>0,"arrondi","juste"))'
    sheet.named_formula(row, 6, f"Etat_{number:02d}", formula, sheet.pen.cell(computed=True, indent=1), state)


def write_nomenclatures(sheet: Sheet, plan: MasterPlan) -> None:
    """Write the reference tables side by side, then the lists behind the drop-downs: each may grow downwards."""
    tables = [each for each in plan.data.values() if each.sheet == NOMENCLATURES]
    width = max(each.column for each in plan.lists.values()) + 1
    sheet.title(
        NOMENCLATURES, "Les listes derrière les menus déroulants : ajoutez une valeur en bas de sa liste", width
    )
    for table in tables:
        sheet.section(table.row - 1, table.column, plan.contract.schemas[table.resource].title)
        write_data_table(sheet, plan, table)
    fit_data_table(sheet, plan, tables)
    style = sheet.pen.cell(text_wrap=True)
    for each in plan.lists.values():
        sheet.table(each.name, FIRST_TABLE_ROW, each.column, max(1, len(each.values)), [each.title])
        for position, value in enumerate(each.values):
            sheet.write(FIRST_TABLE_ROW + 1 + position, each.column, value, style)
    set_widths(sheet, *(widths(each) for each in tables), [(each.column, 22) for each in plan.lists.values()])
    starts = sorted(each.column for each in [*tables, *plan.lists.values()])
    set_widths(sheet, [(start - 1, 3) for start in starts if start])
    sheet.raw.freeze_panes(FIRST_TABLE_ROW + 1, 0)
    sheet.print_setup((FIRST_TABLE_ROW - 1, FIRST_TABLE_ROW), plan.contract.settings.titre)
    sheet.raw.set_print_scale(70)
    sheet.raw.set_v_pagebreaks([table.column for table in tables[1:]] + [starts[len(tables)]])


def write_controles(sheet: Sheet, plan: MasterPlan, findings: Sequence[Finding]) -> None:
    """Write the findings, gravest first, each with a link to its cell."""
    pen, colours = sheet.pen, plan.contract.look.colours
    sheet.title(CONTROLES, "Ce que tabellion a constaté à la génération du classeur", len(_FINDING_LABELS))
    sheet.table(FINDINGS, FIRST_TABLE_ROW, 0, max(1, len(findings)), _FINDING_LABELS)
    text, centred = pen.cell(text_wrap=True), pen.cell(align="center")
    link = pen.cell(font_color=colours["lien"], underline=1, align="center")
    ordered = sorted(findings, key=lambda each: each.gravite)
    if not ordered:
        for column in range(len(_FINDING_LABELS)):
            sheet.write(FIRST_TABLE_ROW + 1, column, "Rien à signaler." if column == 2 else None, text)
    for number, each in enumerate(ordered, 1):
        row = FIRST_TABLE_ROW + number
        sheet.write(row, 0, number, centred)
        sheet.write(row, 1, each.gravite.label, text)
        sheet.write(row, 2, CATALOGUE[each.code].titre, text)
        sheet.write(row, 3, each.place.feuille, text)
        if each.place.feuille and each.place.cellule and number <= _MOST_LINKS:
            sheet.link(row, 4, each.place.feuille, each.place.cellule, each.place.cellule, link)
        else:
            sheet.write(row, 4, each.place.cellule, centred)
        sheet.write(row, 5, each.message, text)
        sheet.write(row, 6, each.suggestion, text)
        sheet.write(row, 7, each.code, text)
        titre = CATALOGUE[each.code].titre
        sheet.fit(row, zip((titre, each.place.feuille, each.message, each.suggestion), _WRAPPED_WIDTHS, strict=True))
    last = FIRST_TABLE_ROW + max(1, len(ordered))
    for severity in Severity:
        rule = {
            "type": "cell",
            "criteria": "==",
            "value": f'"{severity.label}"',
            "format": conditional(pen, severity.label),
        }
        sheet.raw.conditional_format(FIRST_TABLE_ROW + 1, 1, last, 1, rule)
    set_widths(sheet, list(enumerate(_FINDING_WIDTHS)))
    sheet.raw.freeze_panes(FIRST_TABLE_ROW + 1, 0)
    sheet.print_setup((FIRST_TABLE_ROW, FIRST_TABLE_ROW), plan.contract.settings.titre)
    sheet.raw.print_area(0, 0, last, 6)
