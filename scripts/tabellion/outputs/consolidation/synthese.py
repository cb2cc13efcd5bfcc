"""The sheet Synthèse: what matters on top, what changed since the last night, then money, funders and fiches."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from tabellion.campaign.model import Consolidation, ReturnStatus
from tabellion.contract.labels import Labels
from tabellion.layout.names import SYNTHESE, column_ref, quoted_sheet, quoted_text, this_row
from tabellion.measures import AMOUNT_WORDS
from tabellion.measures.overview import NOTHING_SAID, Overview
from tabellion.outputs.consolidation import board, changes, controls
from tabellion.outputs.consolidation.blocks import Block, Figure, add_chart, criterion, write_block
from tabellion.outputs.consolidation.credit_blocks import (
    AMOUNT,
    BY_YEAR,
    OTHER_AMOUNT,
    OTHER_YEAR,
    YEAR,
    Credits,
    amount_of,
)
from tabellion.outputs.consolidation.palette import held
from tabellion.outputs.consolidation.tables import DataSheet
from tabellion.schema.money import euros, format_euros, signed_euros
from tabellion.wording import french_date, plural
from tabellion.xlsx.writer import EUROS, EUROS_AND_CENTS, Sheet

CAMPAIGN, FUNDERS, PROGRESS = "Synthese_campagne", "Synthese_financeurs", "Synthese_avancement"
YEARS = "Choix_exercices"
_TITLE_WIDTH, _WIDTH = 46.0, 17.0
#: Changes of standing that are named one by one.
_MOST_STANDINGS = 6


def moment_words(moment: datetime) -> str:
    """A day and an hour as people write them: ``05/12/2016 à 02 h 00``."""
    return f"{french_date(moment)} à {moment:%H h %M}"


def write_synthese(
    sheet: Sheet,
    consolidation: Consolidation,
    overview: Overview,
    data: dict[str, DataSheet],
    labels: Labels,
    footer: str,
) -> None:
    """Write the whole sheet."""
    money = (
        Credits(overview, data["lignes_budgetaires"], dict(consolidation.contract.town_labels))
        if overview.exercices
        else None
    )
    crossed = money.crossed() if money is not None else None
    width = max(10, len(crossed.labels) if crossed is not None else 0)
    settings = consolidation.contract.settings
    made = f"État du {moment_words(consolidation.made)}    {settings.titre}"
    sheet.title(SYNTHESE, made, width)
    row = _write_essentials(sheet, consolidation, overview, money, 3)
    row = _write_since(sheet, consolidation, labels, row)
    row = write_block(sheet, _campaign(consolidation), row)
    breaks: list[int] = []
    if money is not None and crossed is not None:
        row = _write_credits(sheet, money, crossed, row, breaks)
    if "financements" in data:
        row = write_block(sheet, _funders(overview, data["financements"]), row)
    progress = _progress(consolidation, overview)
    breaks.append(row - 1)
    top = row
    row = write_block(sheet, progress, row)
    last = len(progress.labels) - 1
    title = f"{progress.heading} : où elles en sont"
    add_chart(sheet, progress, row, top + 1, range(2, last), title, kind="bar", stacked=True, number="0")
    sheet.set_widths([(0, 9), (1, _TITLE_WIDTH)], [(column, _WIDTH) for column in range(2, width)])
    sheet.raw.freeze_panes(2, 0)
    sheet.print_setup((0, 1), footer)
    sheet.raw.set_h_pagebreaks(breaks)


def _write_essentials(
    sheet: Sheet, consolidation: Consolidation, overview: Overview, money: Credits | None, row: int
) -> int:
    """The figures that a manager looks for, side by side: what it is, how much, against what."""
    cards: list[tuple[str, Figure, str]] = []
    if money is not None:
        choice = money.choice
        cents = amount_of(overview.of(choice.year), choice.amount)
        other = amount_of(overview.of(choice.other_year), choice.other_amount)
        note = f"{AMOUNT_WORDS[choice.other_amount]} {choice.other_year} : {format_euros(other)}"
        figure = Figure("euros", cents, money.sums(choice.amount, str(choice.year)))
        cards.append((f"Crédits {choice.year}, {AMOUNT_WORDS[choice.amount]}", figure, note))
    years = consolidation.exercices
    if years:
        current = consolidation.contract.settings.exercice_courant
        year = current if current in years else years[0]
        lines = [each for each in consolidation.board if each.exercice == year]
        conditions = f"{column_ref(board.BOARD, board.EXERCICE)},{year}"
        state, late = column_ref(board.BOARD, board.STATE), column_ref(board.BOARD, board.LATE)
        accepted = sum(each.status is ReturnStatus.ACCEPTED for each in lines)
        formula = f"COUNTIFS({conditions},{state},{quoted_text(board.state_words(ReturnStatus.ACCEPTED))})"
        asked = plural(len(lines), "partenaire")
        cards.append((f"Retours acceptés, {year}", Figure("count", accepted, formula), f"sur {asked}"))
        formula = f'COUNTIFS({conditions},{late},"en retard")'
        cards.append(("En retard", Figure("count", sum(each.is_late for each in lines), formula), "sur la date limite"))
    changed, conflicts = len(consolidation.modifications), len(consolidation.conflicts)
    formula = f'COUNTIFS({column_ref(changes.CHANGES, changes.FATE)},"?*")'
    removals = plural(len(consolidation.removals), "suppression proposée", "suppressions proposées")
    cards.append(("Modifications", Figure("count", changed, formula), removals))
    cards.append(("Conflits", Figure("count", conflicts, f"MAX({column_ref(changes.CONFLICTS, 'N°')})"), "à trancher"))
    blocking = sum(each.bloquant for each in consolidation.findings)
    formula = f'COUNTIFS({column_ref(controls.FINDINGS, controls.BLOCKING)},"bloquant")'
    found = plural(len(consolidation.findings), "constat")
    cards.append(("Constats bloquants", Figure("count", blocking, formula), f"sur {found}"))
    band = {"bg_color": sheet.writer.theme.colours["calcul"], "align": "center"}
    edge = {"border_color": sheet.writer.theme.colours["filet"], "left": 1, "right": 1}
    small = sheet.writer.format(**band, **edge, top=1, valign="vcenter")
    note_style = sheet.writer.format(**band, **edge, bottom=1, italic=True, font_size=9)
    for column, (label, figure, note) in enumerate(cards, 1):
        sheet.write(row, column, label, small)
        is_money = figure.kind == "euros"
        digits = (EUROS_AND_CENTS if figure.value % 100 else EUROS).removesuffix("_-") if is_money else "0"
        style = sheet.writer.format(
            **(band | {"bold": True, "font_size": 16, "font_color": sheet.writer.theme.colours["titre"]}), **edge,
            num_format=digits, valign="vcenter",
        )  # fmt: skip
        value = euros(figure.value) if is_money else figure.value
        sheet.formula(row + 1, column, figure.formula or "", style, value, ("Essentiel", "*", label))
        sheet.write(row + 2, column, note, note_style)
    sheet.raw.set_row(row, 18)
    sheet.raw.set_row(row + 1, 30)
    sheet.raw.set_row(row + 2, 18)
    return row + 4


def _write_since(sheet: Sheet, consolidation: Consolidation, labels: Labels, row: int) -> int:
    lines = since_lines(consolidation, labels)
    since = consolidation.since
    heading = "Ce qui a changé" if since.previous is None else f"Depuis l'état du {moment_words(since.previous)}"
    sheet.section(row, 0, heading)
    for position, line in enumerate(lines, row + 1):
        sheet.write(position, 0, "•", sheet.writer.format(align="right"))
        sheet.write(position, 1, held(line), sheet.writer.format())
    return row + len(lines) + 2


def since_lines(consolidation: Consolidation, labels: Labels) -> list[str]:
    """What changed since the previous consolidation, in a few sentences."""
    since = consolidation.since
    if since.previous is None:
        return ["C'est la première consolidation."]
    if since.is_empty:
        return ["Rien n'a changé."]
    found = []
    if since.totals is not None and since.totals[0] != since.totals[1]:
        before, after = since.totals
        ends = f"{format_euros(before)} → {format_euros(after)} ({signed_euros(after - before)})"
        found.append(f"Total {since.total_of} : {ends}.")
    if since.cells:
        tables = Counter(labels.table(each.table) for each in since.cells)
        detail = ", ".join(f"{name} {count}" for name, count in tables.items())
        found.append(f"{plural(len(since.cells), 'cellule changée', 'cellules changées')} : {detail}.")
    for partner, year, before_words, after_words in since.standings[:_MOST_STANDINGS]:
        found.append(f"{labels.partner(partner)}, {year} : {before_words} → {after_words}.")
    if (left := len(since.standings) - _MOST_STANDINGS) > 0:
        found.append(f"Et {plural(left, 'autre partenaire a', 'autres partenaires ont')} changé d'état.")
    if since.new_findings or since.gone_findings:
        new = plural(since.new_findings, "nouveau constat", "nouveaux constats")
        found.append(f"{new}, {plural(since.gone_findings, 'constat disparu', 'constats disparus')}.")
    return found


def _campaign(consolidation: Consolidation) -> Block:
    """Partners by standing, one row an exercice."""
    labels = ("Exercice", "Campagne", *(each.value.capitalize() for each in ReturnStatus), "Partenaires")
    counts = Counter((each.exercice, each.status) for each in consolidation.board)
    year, state = (column_ref(board.BOARD, label) for label in (board.EXERCICE, board.STATE))
    here = this_row(CAMPAIGN, labels[0])
    keys, rows = [], []
    for exercice in consolidation.exercices:
        due = next((each.due for each in consolidation.board if each.exercice == exercice and each.due), None)
        keys.append((exercice, f"à renvoyer au plus tard le {french_date(due)}" if due else "sans date limite"))
        row = [
            Figure("count", counts[exercice, each],
                   f"COUNTIFS({year},{here},{state},{quoted_text(board.state_words(each))})")
            for each in ReturnStatus
        ]  # fmt: skip
        rows.append([*row, Figure("count", sum(each.value for each in row), f"COUNTIFS({year},{here})")])
    return Block("La campagne", CAMPAIGN, labels, keys, rows)


def _write_credits(sheet: Sheet, money: Credits, crossed: Block, row: int, breaks: list[int]) -> int:
    years = money.by_year()
    top = row
    row = write_block(sheet, years, row)
    sheet.writer.name(YEARS, "=" + column_ref(BY_YEAR, years.labels[0]))
    row = add_chart(sheet, years, row, top + 1, (3, 4, 5), "Crédits par exercice (€)", kind="column", category=0)
    breaks.append(row - 1)
    row = _write_choice(sheet, money, row)
    conventions, top = money.by_convention(), row
    row = write_block(sheet, conventions, row)
    row = write_block(sheet, crossed, row)
    title = "Crédits par convention, exercice montré (€)"
    breaks.append(row - 1)
    return add_chart(sheet, conventions, row, top + 1, (3, 4, 5), title, kind="bar")


def _write_choice(sheet: Sheet, money: Credits, row: int) -> int:
    """The cells that choose the exercice and the amount shown, and what they are compared to."""
    writer, choice = sheet.writer, money.choice
    sheet.section(row, 0, "Que montrer")
    editable = writer.cell(bold=True, align="center", bg_color=writer.theme.colours["saisie"])
    label = writer.format(align="right")
    lines = (
        (YEAR, AMOUNT, "Exercice montré, et lequel de ses montants :", choice.year, choice.amount),
        (OTHER_YEAR, OTHER_AMOUNT, "Comparé à :", choice.other_year, choice.other_amount),
    )
    for position, (year_name, amount_name, words, year, amount) in enumerate(lines, row + 1):
        sheet.write(position, 1, words, label)
        for column, name, value in ((2, year_name, year), (3, amount_name, AMOUNT_WORDS[amount])):
            sheet.write(position, column, value, editable)
            writer.name(name, f"={quoted_sheet(sheet.name)}!${'CD'[column - 2]}${position + 1}")
            source = f"={YEARS}" if column == 2 else list(AMOUNT_WORDS.values())
            area = (position, column, position, column)
            rule = {"validate": "list", "source": source}
            sheet.validation(area, rule, "Changez : les tableaux suivent.", words, "Choisissez dans la liste.")
    return row + 4


def _funders(overview: Overview, data: DataSheet) -> Block:
    funder, amount = (column_ref(data.table, data.label(name)) for name in ("financeur_id", "montant"))
    labels = ("Rang", "Financeur", "Financements", "Dont chiffrés", "Montants (€)")
    keys, rows = [], []
    names = Counter(each.nom.casefold() for each in overview.funders)
    for rank, each in enumerate(sorted(overview.funders, key=lambda one: (-one.montant, -one.financements)), 1):
        test = criterion(each.nom) if names[each.nom.casefold()] == 1 else None
        counted = f"COUNTIFS({funder},{test})" if test is not None else None
        priced = f'COUNTIFS({funder},{test},{amount},"<>")' if test is not None else None
        summed = f"SUMIFS({amount},{funder},{test})" if test is not None else None
        keys.append((rank, held(each.nom)))
        rows.append((
            Figure("count", each.financements, counted),
            Figure("count", each.priced, priced),
            Figure("euros", each.montant, summed),
        ))  # fmt: skip
    totals = [
        Figure(kind, sum(row[place].value for row in rows), f"SUM({column_ref(FUNDERS, labels[2 + place])})")
        for place, kind in enumerate(("count", "count", "euros"))
    ]
    return Block("Financements par financeur", FUNDERS, labels, keys, rows, totals)


def _progress(consolidation: Consolidation, overview: Overview) -> Block:
    """Where fiches stand in the last exercice that somebody spoke of. Whose word counts, no formula could tell."""
    contract = consolidation.contract
    years = [year for year in contract.tables["suivis"].column("exercice") if year is not None]
    year = max(years, default=contract.settings.exercice_courant)
    stages = (*contract.schemas["suivis"].by_name["avancement"].enum, NOTHING_SAID)
    labels = ("N°", "Convention", *(each.capitalize() for each in stages), "Fiches")
    keys, rows = [], []
    for number, title in overview.conventions.items():
        counts = overview.progress(year, number)
        here = "+".join(this_row(PROGRESS, label) for label in labels[2:-1])
        row = [*(Figure("count", counts[each]) for each in stages), Figure("count", sum(counts.values()), here)]
        keys.append((number, title))
        rows.append(row)
    totals = [
        Figure("count", sum(row[place].value for row in rows), f"SUM({column_ref(PROGRESS, label)})")
        for place, label in enumerate(labels[2:])
    ]
    return Block(f"Fiches action en {year}", PROGRESS, labels, keys, rows, totals)


__all__ = ["moment_words", "since_lines", "write_synthese"]
