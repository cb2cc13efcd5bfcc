"""The sheets around the contract's own: Accueil before them, Nomenclatures, Dictionnaire and Contrôles after."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tabellion.contract.book import Book
from tabellion.findings import CATALOGUE, Finding, Severity
from tabellion.layout.names import (
    ANNEES,
    CHARGES,
    CONTROLES,
    DICTIONNAIRE,
    EXERCICE,
    FINANCEMENTS,
    NOMENCLATURES,
    PARTENAIRES,
    PARTICIPATIONS,
    PLANS,
    PRODUITS,
    RAPPROCHEMENT,
    REGLAGES,
    SUBVENTIONS,
    SUIVI,
    SYNTHESE,
    cell_link,
    choice_name,
    column_ref,
    sheet_key,
    sheet_marker,
    totals_name,
)
from tabellion.measures import MEASURE
from tabellion.measures.measure import EXACT, ROUNDED, UNCOMPARED, WRONG, Count, Criterion, Measure, Rows, column_sum
from tabellion.outputs.master.budgets import GAP, RECAP_GAP, STATE, add_state_colours, measured_labels, subtotal, total
from tabellion.outputs.master.layout import EXERCICES, FIRST_TABLE_ROW, DataTable, MasterLayout, is_shown
from tabellion.outputs.master.reconciliation import NET, PUBLISHED, RECOMPUTED, balance
from tabellion.outputs.master.summary import CREDITS, NUMBER
from tabellion.outputs.master.tables import fit_data_table, shown_columns_of, write_data_table
from tabellion.schema import FUNDING_TABLES, SETTING_TABLES, Schemas
from tabellion.schema.shown import HEADERS as DICTIONARY_HEADERS
from tabellion.schema.shown import dictionary
from tabellion.xlsx.blocks import cell_text, write_named
from tabellion.xlsx.text_metrics import column_width
from tabellion.xlsx.writer import Sheet

FINDINGS, DICTIONARY = "Constats", "Dictionnaire"
_SEVERITY = "Gravité"
#: The headers of the sheet and of the cell of a finding.
SHEET_LABEL, CELL_LABEL = "Feuille", "Cellule"
_FINDING_LABELS = ("N°", CELL_LABEL, "Constat", "Que faire", "Ce qui a été trouvé", _SEVERITY, SHEET_LABEL, "Code")
_CELL_COLUMN, _SEVERITY_COLUMN, _CENTRED_COLUMNS = 1, 5, (0, 1, 5)
_FINDING_WIDTHS = (6, 9, 28, 42, 54, 15, 22, 26)
#: Columns of the front page, in characters; a front page of more rows than this does not fit on one page.
_FRONT_WIDTHS = (6, 44, 14, 14, 15, 15, 13)
_FRONT_ROWS = 54
#: What the sheets that are not of one convention show.
_SHARED = {
    REGLAGES: "Ce que l'équipe règle : exercice courant, dates limites, contact, courriels",
    SYNTHESE: "Crédits par convention et par {}, fiches par priorité et par financeur",
    RAPPROCHEMENT: "Du total publié au total recalculé, chaque écart nommé",
    ANNEES: "Chaque ligne, exercice par exercice : prévu, voté, réalisé",
    FINANCEMENTS: "Les financeurs retenus, fiche par fiche",
    SUBVENTIONS: "Ce que disent les décisions qui attribuent un financement",
    SUIVI: "Ce que les partenaires disent de leurs fiches, exercice par exercice",
    PLANS: "Plans de financement : charges, produits et cofinancement, fiche par fiche",
    CHARGES: "Ce que coûte chaque fiche, poste par poste",
    PRODUITS: "Ce qui paie chaque fiche : demandé, accordé, versé",
    NOMENCLATURES: "Les listes derrière les menus déroulants",
    PARTENAIRES: "Qui reçoit un formulaire, et ce qu'il représente",
    PARTICIPATIONS: "Qui porte chaque fiche ou y prend part",
    DICTIONNAIRE: "Ce que veut dire chaque colonne, et ce qu'elle attend",
    CONTROLES: "Ce qui a été constaté, avec un lien vers chaque cellule",
}
#: The widest column of the sheet Nomenclatures, and the columns of the sheet Dictionnaire, in characters.
_WIDEST, _DICTIONARY_WIDTHS = 60.0, (20, 28, 24, 13, 11, 30, 18, 36)
_LIST_WIDTH = 24
_ALIGNMENTS = {"l": "left", "c": "center", "r": "right"}
#: Excel keeps at most this many links on a sheet.
_MOST_LINKS = 65_000
_STATE_NAMES = {
    Severity.ERREUR: "Erreurs",
    Severity.AVERTISSEMENT: "Avertissements",
    Severity.INFORMATION: "Informations",
}


def write_accueil(sheet: Sheet, layout: MasterLayout, findings: Sequence[Finding]) -> None:
    """Write the front page: what this is, the figures, the state of the checks, and a link to every sheet."""
    contract, writer = layout.contract, sheet.writer
    settings = contract.settings
    sheet.title(settings.titre, f"{settings.debut} – {settings.fin}    {settings.source}".rstrip(), len(_FRONT_WIDTHS))
    sheet.write(3, 0, "Exercice affiché par les totaux", writer.format(bold=True, valign="vcenter"))
    sheet.raw.set_row(3, 20)
    editable = writer.cell(
        bold=True, align="center", font_size=12, valign="vcenter", bg_color=contract.theme.colours["saisie"]
    )
    sheet.write(3, 2, settings.exercice, editable)
    writer.name(EXERCICE, f"={sheet.name}!$C$4")
    sheet.validation(
        (3, 2, 3, 2), {"validate": "list", "source": f"={choice_name(EXERCICES)}"},
        "L'exercice que montrent les totaux du classeur.", EXERCICE, "Choisissez un exercice de la liste.",
    )  # fmt: skip
    row = _write_figures(sheet, layout, findings)
    is_new = not contract.convention_titles and contract.theme.first_steps
    sentences = contract.theme.first_steps if is_new else contract.theme.how_to
    sheet.section(row, 0, "Par où commencer" if is_new else "Comment s'en servir")
    wrapped = writer.format(text_wrap=False)
    for number, sentence in enumerate(sentences, 1):
        sheet.write(row + number, 0, f"{number}.", writer.format(align="right"))
        sheet.write(row + number, 1, sentence, wrapped)
    row += len(sentences) + 2
    row = _write_directory(sheet, layout, row)
    sheet.set_widths(enumerate(_FRONT_WIDTHS))
    sheet.raw.freeze_panes(2, 0)
    sheet.print_setup((0, 1), settings.titre, upright=True, one_page=row <= _FRONT_ROWS)


def _write_figures(sheet: Sheet, layout: MasterLayout, findings: Sequence[Finding]) -> int:
    contract, writer = layout.contract, sheet.writer
    row = 5
    sheet.section(row, 0, "L'essentiel")
    lines = balance(layout)
    figures = [
        (lines[name][0], own_name, lines[name][1].at(name))
        for name, own_name in ((PUBLISHED, "Accueil_publie"), (RECOMPUTED, "Accueil_recalcule"), (NET, "Accueil_net"))
    ]
    link = writer.cell(font_color=contract.theme.colours["lien"], underline=1, align="left", indent=1)
    for offset, (words, name, measure) in enumerate(figures, 1):
        sheet.wide(row + offset, 0, 1, words, computed=True, bold=True)
        write_named(sheet, row + offset, 2, name, measure, bold=True, align="right")
    sheet.show_cents((row + 1, 2, row + len(figures), 2))
    for offset, key in enumerate((RAPPROCHEMENT, SYNTHESE, RAPPROCHEMENT), 1):
        sheet.link(row + offset, 3, sheet_marker(key), key, link)
    row += len(figures) + 2
    sheet.section(row, 0, "État des contrôles à la génération")
    severities = Rows({_SEVERITY: [finding.gravite.label for finding in findings]})
    for offset, (severity, words) in enumerate(_STATE_NAMES.items(), 1):
        colour = severity.label
        paint: dict[str, Any] = {
            "bg_color": contract.theme.colours[colour],
            "font_color": contract.theme.colours[f"{colour}_texte"],
        }
        sheet.wide(row + offset, 0, 1, words, bold=True, **paint)
        count = Count((Criterion(_SEVERITY, severity.label, f'"{severity.label}"'),))
        measure = count.measure(severities, lambda label: column_ref(FINDINGS, label))
        write_named(sheet, row + offset, 2, f"Nombre_{severity.label}", measure)
        sheet.link(row + offset, 3, sheet_marker(CONTROLES), CONTROLES, link)
    return row + len(_STATE_NAMES) + 2


def _write_directory(sheet: Sheet, layout: MasterLayout, row: int) -> int:
    contract, writer = layout.contract, sheet.writer
    sheet.section(row, 0, "Toutes les feuilles")
    link = writer.cell(font_color=contract.theme.colours["lien"], underline=1, align="center")
    headers = ("N°", "Convention", "Fiches action", "Budget", "Crédits (€)", "Écart (€)", "État")
    for column, (words, align) in enumerate(zip(headers, "clccrrc", strict=True)):
        sheet.write(row + 1, column, words, writer.header(align=_ALIGNMENTS[align]))
    row += 2
    first = row
    seen = None
    for convention in contract.tables["conventions"].rows:
        number, pilier = convention["convention_id"], convention["pilier_id"]
        if pilier != seen:
            words = level_words(contract, pilier)
            sheet.wide(row, 0, len(headers) - 1, words, computed=True, bold=True, align="left", indent=1)
            seen, row = pilier, row + 1
        sheet.write(row, 0, number, writer.cell(align="center"))
        sheet.write(row, 1, convention["titre"], writer.cell(text_wrap=True))
        sheet.fit(row, [(convention["titre"], 1)])
        for column, letter in ((2, "C"), (3, "B")):
            key = sheet_key(letter, number)
            sheet.link(row, column, sheet_marker(key), f"feuille {key}", link)
        _write_convention_state(sheet, layout, row, number)
        row += 1
    sheet.show_cents((first, 4, row, 4))
    sheet.show_cents((first, 5, row, 5), signed=True)
    add_state_colours(sheet, first, 6, row, 6)
    sheet.wide(row, 0, len(headers) - 1, "Tout le contrat", computed=True, bold=True, align="left", indent=1)
    for name, words in _SHARED.items():
        if name not in layout.sheets:
            continue
        row += 1
        sheet.write(row, 0, None, writer.cell())
        sheet.link(
            row, 1, sheet_marker(name), name, writer.cell(font_color=contract.theme.colours["lien"], underline=1)
        )
        sentence = words.format(contract.overview.town.lower())
        sheet.wide(row, 2, len(headers) - 1, sentence, align="left", indent=1)
    return row + 1


def level_words(contract: Book, pilier: str | None) -> str:
    """What stands above the conventions of a pilier, or, among others, above those of none."""
    if pilier is None:
        return f"Sans {contract.schemas['conventions'].by_name['pilier_id'].title.lower()}"
    titles = {row["pilier_id"]: row["titre"] for row in contract.tables["piliers"].rows}
    return f"{pilier} – {titles.get(pilier, '')}"


def _write_convention_state(sheet: Sheet, layout: MasterLayout, row: int, number: int) -> None:
    """Figures taken from the budget sheet's own totals: one formula each, and the words of its state."""
    table, measure = totals_name(number), measured_labels(layout)[MEASURE]
    towns = [subtotal(layout, number, town) for town in layout.contract.accounts.towns]
    credits_ = column_sum("euros", table, measure, (town[measure].value for town in towns))
    write_named(sheet, row, 4, f"Credits_{number:02d}", credits_)
    recap_gap = total(layout, number, towns)[RECAP_GAP]
    printed_gap = column_sum("signed", table, GAP, (town[GAP].value for town in towns))
    at_recap = f"INDEX({column_ref(CREDITS, GAP)},MATCH({number},{column_ref(CREDITS, NUMBER)},0))"
    value = printed_gap.value if recap_gap.value == "" else recap_gap.value
    formula = f'IF({at_recap}="",{printed_gap.formula},{at_recap})'
    write_named(sheet, row, 5, f"Ecart_{number:02d}", Measure("signed", value, formula))
    write_named(sheet, row, 6, f"Etat_{number:02d}", worst_state(table, [town[STATE].value for town in towns]))


def worst_state(table: str, states: Sequence[str]) -> Measure:
    """The worst of the states of a table."""
    rows, formula, worst = Rows({STATE: states}), f'"{UNCOMPARED}"', UNCOMPARED
    for word in (EXACT, ROUNDED, WRONG):
        count = Count((Criterion(STATE, word, f'"{word}"'),)).measure(rows, lambda label: column_ref(table, label))
        formula = f'IF({count.formula}>0,"{word}",{formula})'
        worst = word if count.value else worst
    return Measure("state", worst, formula)


def write_nomenclatures(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the short reference tables side by side, then the lists behind the drop-downs: each may grow downwards.

    They have no filter, which would hide the rows of the tables beside.
    """
    tables = [table for table in layout.data.values() if table.sheet == NOMENCLATURES]
    lists = list(layout.lists.values())
    width = max(choice.column for choice in lists) + 1
    sheet.title(
        NOMENCLATURES, "Les listes derrière les menus déroulants : ajoutez une valeur en bas de sa liste", width
    )
    for table in tables:
        sheet.section(table.row - 1, table.column, layout.contract.schemas[table.resource].title)
        write_data_table(sheet, layout, table, filters=False)
        sheet.set_widths(_whole_widths(layout, table))
        fit_data_table(sheet, layout, table)
    style = sheet.writer.cell(text_wrap=True)
    for choices in lists:
        height = max(1, len(choices.values))
        sheet.table(choices.name, FIRST_TABLE_ROW, choices.column, height, [choices.title], filters=False)
        for position, value in enumerate(choices.values):
            sheet.write(FIRST_TABLE_ROW + 1 + position, choices.column, value, style)
            sheet.fit(FIRST_TABLE_ROW + 1 + position, [(str(value), choices.column)])
    sheet.set_widths([(choice.column, _LIST_WIDTH) for choice in lists])
    starts = sorted([listed.column for listed in tables] + [listed.column for listed in lists])
    sheet.set_widths([(start - 1, 3) for start in starts if start])
    sheet.hide([column for table in tables for column in table.technical])
    sheet.raw.freeze_panes(FIRST_TABLE_ROW + 1, 0)
    # As wide as one page, tables side by side could not be read: pages are cut between tables.
    rows = (FIRST_TABLE_ROW - 1, FIRST_TABLE_ROW)
    sheet.print_setup(rows, layout.contract.settings.titre, starts=starts)


def _described(contract: Book) -> Schemas:
    """The schemas that the dictionary describes: none of settings, nor of plans that the contract does not keep."""
    return Schemas(
        (name, schema)
        for name, schema in contract.schemas.items()
        if name not in SETTING_TABLES and (name not in FUNDING_TABLES or is_shown(contract, name))
    )


def write_dictionary(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the data dictionary: what each field of each table means and must be."""
    entries = [dataclasses.astuple(entry) for entry in dictionary(_described(layout.contract))]
    sheet.title(DICTIONNAIRE, "Ce que veut dire chaque colonne, et ce qu'elle attend", len(DICTIONARY_HEADERS))
    sheet.table(DICTIONARY, FIRST_TABLE_ROW, 0, len(entries), DICTIONARY_HEADERS)
    style = sheet.writer.cell(computed=True, text_wrap=True)
    for row, entry in enumerate(entries, FIRST_TABLE_ROW + 1):
        for column, text in enumerate(entry):
            sheet.write(row, column, text, style)
        sheet.fit(row, [(text, column) for column, text in enumerate(entry)])
    sheet.set_widths(enumerate(_DICTIONARY_WIDTHS))
    sheet.raw.freeze_panes(FIRST_TABLE_ROW + 1, 0)
    sheet.print_setup((FIRST_TABLE_ROW, FIRST_TABLE_ROW), layout.contract.settings.titre)


def _whole_widths(layout: MasterLayout, table: DataTable) -> list[tuple[int, float]]:
    """Widths that show texts on one line, since a row is shared by tables that have nothing to do with each other."""
    texts = shown_columns_of(layout, table)
    widths = []
    for offset, column in enumerate(table.columns):
        known = [] if column.field is None or column.field.one_line else texts[column.name]
        whole = [column_width(text, layout.contract.theme.size) for text in known if isinstance(text, str)]
        widths.append((table.column + offset, max(column.width, min(_WIDEST, max(whole, default=0)))))
    return widths


def write_controles(sheet: Sheet, layout: MasterLayout, findings: Sequence[Finding]) -> None:
    """Write the findings, gravest first, each with a link to its cell."""
    writer, colours = sheet.writer, layout.contract.theme.colours
    sheet.title(CONTROLES, "Ce que tabellion a constaté à la génération du classeur", len(_FINDING_LABELS))
    aligned = {_FINDING_LABELS[column]: "center" for column in _CENTRED_COLUMNS}
    sheet.table(FINDINGS, FIRST_TABLE_ROW, 0, max(1, len(findings)), _FINDING_LABELS, aligned=aligned)
    text, centred = writer.cell(text_wrap=True), writer.cell(align="center")
    link = writer.cell(font_color=colours["lien"], underline=1, align="center")
    ordered = sorted(findings, key=lambda finding: finding.gravite)
    if not ordered:
        for column in range(len(_FINDING_LABELS)):
            sheet.write(FIRST_TABLE_ROW + 1, column, "Rien à signaler." if column == 2 else None, text)
    for number, finding in enumerate(ordered, 1):
        row, place = FIRST_TABLE_ROW + number, finding.place
        contents = (number, place.cellule, CATALOGUE[finding.code].titre, cell_text(finding.suggestion),
                    cell_text(finding.message), finding.gravite.label, place.feuille, finding.code)  # fmt: skip
        for column, content in enumerate(contents):
            if column == _CELL_COLUMN and place.feuille and place.cellule and number <= _MOST_LINKS:
                sheet.link(row, column, cell_link(place.feuille, place.cellule), place.cellule, link)
            else:
                sheet.write(row, column, content, centred if column in _CENTRED_COLUMNS else text)
        sheet.fit(row, [(words, column) for column, words in enumerate(contents) if column not in _CENTRED_COLUMNS])
    last = FIRST_TABLE_ROW + max(1, len(ordered))
    for severity in Severity:
        area = (FIRST_TABLE_ROW + 1, _SEVERITY_COLUMN, last, _SEVERITY_COLUMN)
        sheet.colour_word(area, severity.label, severity.label)
    sheet.set_widths(enumerate(_FINDING_WIDTHS))
    sheet.hide([len(_FINDING_LABELS) - 1])
    sheet.raw.freeze_panes(FIRST_TABLE_ROW + 1, 0)
    sheet.print_setup((FIRST_TABLE_ROW, FIRST_TABLE_ROW), layout.contract.settings.titre, area=(last, 6))
