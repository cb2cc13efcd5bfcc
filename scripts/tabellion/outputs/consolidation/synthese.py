"""The sheet Synthèse: what matters on top, what changed since the last night, then money, funders and fiches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tabellion.campaign.model import Consolidation, MergeOutcome
from tabellion.contract.labels import Labels
from tabellion.layout.names import (
    DECISION,
    DECISIONS,
    DECISIONS_TABLE,
    QUESTION,
    SYNTHESE,
    cell_link,
    column_ref,
    quoted_sheet,
    quoted_text,
    this_row,
)
from tabellion.measures import AMOUNT_WORDS
from tabellion.measures.board import UNASKED, ReturnStatus
from tabellion.measures.financements import COUNTED
from tabellion.measures.measure import Count, Criterion, Filled, Measure, Rows, or_words
from tabellion.measures.overview import NOTHING_SAID, Overview, funding_measures
from tabellion.measures.splits import namings_of, splits_of
from tabellion.outputs.consolidation import campaign
from tabellion.outputs.consolidation.credits import (
    AMOUNT,
    BY_YEAR,
    COMPARED_COLUMN,
    OTHER_AMOUNT,
    OTHER_YEAR,
    SHOWN_COLUMN,
    YEAR,
    Credits,
    choice_column,
)
from tabellion.outputs.consolidation.details import INDEX_TITLE, Details
from tabellion.outputs.consolidation.splits import naming_block, split_block
from tabellion.outputs.consolidation.tables import DataSheet
from tabellion.schema.money import UNKNOWN, change_words, known_euros
from tabellion.wording import french_date, french_moment, plural
from tabellion.xlsx.blocks import Block, ChartSize, add_chart, cell_text, criteria, sums_of, write_block, write_cards
from tabellion.xlsx.writer import Sheet

CAMPAIGN, FUNDERS, PROGRESS = "Synthese_campagne", "Synthese_financeurs", "Synthese_avancement"
YEARS = "Choix_exercices"
_TITLE_WIDTH, _WIDTH = 48.0, 16.0
#: A chart that leaves room on the first page for what stands above it.
_SHORT = ChartSize(rows=14)
#: Changes of status that are named one by one.
_MOST_STATUS_CHANGES = 6


def write_synthese(
    sheet: Sheet,
    consolidation: Consolidation,
    overview: Overview,
    data: dict[str, DataSheet],
    labels: Labels,
    footer: str,
    details: Details,
) -> None:
    """Write the whole sheet; of the tables that stand in ``details``, figures are shown without formulas."""
    lines, towns = data.get("lignes_budgetaires"), dict(consolidation.contract.town_labels)
    is_live = "lignes_budgetaires" not in details.tables
    money = Credits(overview, lines, towns, is_live) if overview.exercices and lines is not None else None
    crossed = []
    if money is not None:
        crossed = [money.crossed(), *(split_block(money, split) for split in splits_of(consolidation.contract.tables))]
        crossed = crossed if is_live else [block.as_values() for block in crossed]
    width = max(11, *(len(block.labels) for block in crossed), 0)
    settings = consolidation.contract.settings
    made = f"État du {french_moment(consolidation.made)}    {settings.titre}"
    sheet.title(SYNTHESE, made, width)
    row = _write_essentials(sheet, consolidation, overview, money, 3, details)
    if details:
        where = "Le détail, partenaire par partenaire, est dans les classeurs que nomme la feuille"
        sheet.write(row, 1, f"{where} « {INDEX_TITLE} ».", sheet.writer.format(italic=True))
        sheet.link(row, 0, cell_link(INDEX_TITLE, "A1"), f"→ {INDEX_TITLE}")
        row += 2
    row = _write_since(sheet, consolidation, labels, row)
    row = write_block(sheet, _campaign(consolidation), row)
    blocks = [0]
    if money is not None:
        row = _write_credits(sheet, money, crossed, row, blocks)
    if "financements" in data:
        blocks.append(row - 1)
        funders = _funders(overview, data["financements"], settings.exercice_courant)
        row = write_block(sheet, funders.as_values() if "financements" in details.tables else funders, row)
    for naming in namings_of(consolidation.contract.tables) if "fiches" in data else ():
        block = naming_block(overview, data["fiches"], naming)
        width = max(width, len(block.labels))
        blocks.append(row - 1)
        row = write_block(sheet, block.as_values() if "fiches" in details.tables else block, row)
    progress = _progress(consolidation, overview)
    blocks.append(row - 1)
    top = row
    row = write_block(sheet, progress, row)
    last = len(progress.labels) - 1
    title = f"{progress.heading} : avancement (nombre)"
    row = add_chart(
        sheet, progress, row, top + 1, range(2, last), title, kind="bar", stacked=True, number="0",
        unknown=NOTHING_SAID.capitalize(),
    )  # fmt: skip
    sheet.set_widths([(0, 9), (1, _TITLE_WIDTH)], [(column, _WIDTH) for column in range(2, width)])
    sheet.raw.freeze_panes(2, 0)
    sheet.print_setup((0, 1), footer, keys=2, blocks=(*blocks, row))


def _write_essentials(
    sheet: Sheet, consolidation: Consolidation, overview: Overview, money: Credits | None, row: int, details: Details
) -> int:
    """The figures that a manager looks for, side by side: what it is, how much, against what."""
    cards: list[tuple[str, Measure, str]] = []
    if money is not None:
        choice = money.choice
        other = overview.of(choice.other_year).total(choice.other_amount)
        words = f"{AMOUNT_WORDS[choice.other_amount]} {choice.other_year} : {known_euros(other)}"
        words = overview.answers(choice.year) or words
        measure = or_words(money.total(choice.amount, Criterion("exercice", choice.year, str(choice.year))), UNKNOWN)
        measure = measure if money.with_formulas else measure.as_value()
        cards.append((f"Crédits {choice.year}, {AMOUNT_WORDS[choice.amount]}", measure, words))
    years = consolidation.exercices
    if years:
        current = consolidation.contract.settings.exercice_courant
        year = current if current in years else years[0]
        board, of_year = _board(consolidation), Criterion(campaign.EXERCICE, year, str(year))
        status_counts = consolidation.status_counts(year)
        accepted = _counted(board, campaign.BOARD, of_year, _status(ReturnStatus.ACCEPTED))
        cards.append((f"Retours acceptés, {year}", accepted, f"sur {status_counts.asked_words}"))
        late = _counted(board, campaign.BOARD, of_year, _status(ReturnStatus.LATE))
        after = sum(line.came_late for line in consolidation.board if line.exercice == year)
        note = f"et {plural(after, 'reçu')} après la date" if after else "rien reçu à ce jour"
        cards.append(("En retard", late, note))
    outcomes = Rows({campaign.OUTCOME: [change.outcome for change in consolidation.changes]})
    changed = _counted(outcomes, campaign.CHANGES, Filled(campaign.OUTCOME, '"?*"'))
    changed = changed.as_value() if details else changed
    applied = [change.outcome for change in consolidation.modifications].count(MergeOutcome.APPLIED)
    cards.append(("Modifications", changed, f"dont {plural(applied, 'appliquée')}"))
    waiting = {question.id for question in consolidation.open_questions}
    asked = [question.id for question in consolidation.questions]
    decided = Rows({QUESTION: asked, DECISION: [None if number in waiting else "" for number in asked]})
    left = _counted(decided, DECISIONS_TABLE, Filled(QUESTION, '"?*"'), Criterion(DECISION, None, '""'))
    cards.append((DECISIONS, left, f"sur {plural(len(consolidation.questions), 'question')}"))
    marks = [campaign.IS_BLOCKING if finding.bloquant else None for finding in consolidation.findings]
    blocking = _word(campaign.BLOCKING, campaign.IS_BLOCKING)
    counted = _counted(Rows({campaign.BLOCKING: marks}), campaign.FINDINGS, blocking)
    cards.append(("Constats bloquants", counted, f"sur {plural(len(marks), 'constat')}"))
    return write_cards(sheet, row, cards, "Essentiel")


def _write_since(sheet: Sheet, consolidation: Consolidation, labels: Labels, row: int) -> int:
    lines = since_lines(consolidation, labels)
    since = consolidation.since
    heading = "Ce qui a changé" if since.previous is None else f"Depuis l'état du {french_moment(since.previous)}"
    sheet.section(row, 0, heading)
    for position, line in enumerate(lines, row + 1):
        sheet.write(position, 0, "•", sheet.writer.format(align="right"))
        sheet.write(position, 1, cell_text(line), sheet.writer.format())
    return row + len(lines) + 2


def since_lines(consolidation: Consolidation, labels: Labels) -> list[str]:
    """What changed since the previous consolidation, in a few sentences."""
    since = consolidation.since
    if since.previous is None:
        return ["C'est la première consolidation."]
    if since.is_empty:
        return ["Rien n'a changé."]
    sentences = []
    if since.totals is not None and since.totals[0] != since.totals[1]:
        sentences.append(f"Total {since.total_of} : {change_words(*since.totals)}.")
    if since.cells:
        tables = Counter(labels.table(cell.table) for cell in since.cells)
        detail = ", ".join(f"{name} {count}" for name, count in tables.items())
        sentences.append(f"{plural(len(since.cells), 'cellule changée', 'cellules changées')} : {detail}.")
    for partner, year, before_words, after_words in since.status_changes[:_MOST_STATUS_CHANGES]:
        sentences.append(f"{labels.partner(partner)}, {year} : {before_words} → {after_words}.")
    if (left := len(since.status_changes) - _MOST_STATUS_CHANGES) > 0:
        sentences.append(f"Et {plural(left, 'autre partenaire a', 'autres partenaires ont')} changé d'état.")
    if since.new_findings or since.gone_findings:
        new = plural(since.new_findings, "nouveau constat", "nouveaux constats")
        sentences.append(f"{new}, {plural(since.gone_findings, 'constat disparu', 'constats disparus')}.")
    return sentences


def _board(consolidation: Consolidation) -> Rows:
    """The board, as the columns that are counted show it."""
    lines = consolidation.board
    return Rows({
        campaign.EXERCICE: [line.exercice for line in lines],
        campaign.STATE: [campaign.state_words(line.status) for line in lines],
    })  # fmt: skip


def _word(label: str, word: str) -> Criterion:
    return Criterion(label, word, quoted_text(word))


def _status(status: ReturnStatus) -> Criterion:
    return _word(campaign.STATE, campaign.state_words(status))


def _counted(rows: Rows, table: str, *where: Criterion) -> Measure:
    """How many rows of an Excel table meet criteria on its columns, by their labels."""
    return Count(where).measure(rows, lambda label: column_ref(table, label))


def _campaign(consolidation: Consolidation) -> Block:
    """Partners by the status of their return, one row an exercice."""
    labels = ("Exercice", "Campagne", *(status.value.capitalize() for status in ReturnStatus), "Sollicités")
    board = _board(consolidation)
    keys, rows = [], []
    for exercice in consolidation.exercices:
        due = next((line.due for line in consolidation.board if line.exercice == exercice and line.due), None)
        keys.append((exercice, f"à renvoyer au plus tard le {french_date(due)}" if due else "sans date limite"))
        of_year = Criterion(campaign.EXERCICE, exercice, this_row(CAMPAIGN, labels[0]))
        row = [_counted(board, campaign.BOARD, of_year, _status(status)) for status in ReturnStatus]
        asked = "+".join(
            this_row(CAMPAIGN, status.value.capitalize()) for status in ReturnStatus if status not in UNASKED
        )
        rows.append([*row, Measure("count", consolidation.status_counts(exercice).asked, asked)])
    return Block("La campagne", CAMPAIGN, labels, keys, rows)


def _write_credits(sheet: Sheet, money: Credits, crossed: Sequence[Block], row: int, blocks: list[int]) -> int:
    years = money.by_year()
    years = years if money.with_formulas else years.as_values()
    blocks.append(row - 1)
    top = row
    row = write_block(sheet, years, row)
    sheet.writer.name(YEARS, "=" + column_ref(BY_YEAR, years.labels[0]))
    row = add_chart(
        sheet, years, row, top + 1, (3, 4, 5), "Crédits par exercice (€)", kind="column", category=0, size=_SHORT
    )
    blocks.append(row - 1)
    row = _write_choice(sheet, money, row)
    conventions, top = money.by_convention(), row
    conventions = conventions if money.with_formulas else conventions.as_values()
    row = write_block(sheet, conventions, row)
    for block in crossed:
        blocks.append(row - 1)
        row = write_block(sheet, block, row)
    title = "Crédits par convention, exercice montré (€)"
    blocks.append(row - 1)
    return add_chart(sheet, conventions, row, top + 1, (3, 4, 5), title, kind="bar")


def _write_choice(sheet: Sheet, money: Credits, row: int) -> int:
    """The cells that choose the exercice and the amount shown, and what they are compared to."""
    writer, choice = sheet.writer, money.choice
    sheet.section(row, 0, "Que montrer" if money.with_formulas else "Ce qui est montré")
    if not money.with_formulas:
        shown = f"Exercice {choice.year}, {AMOUNT_WORDS[choice.amount]}"
        other = f"comparé à {choice.other_year}, {AMOUNT_WORDS[choice.other_amount]}"
        sheet.write(row + 1, 1, f"{shown}, {other}.", writer.format())
        return row + 3
    editable = writer.cell(bold=True, align="center", bg_color=writer.theme.colours["saisie"])
    label = writer.format(align="right")
    lines = (
        (YEAR, AMOUNT, "Exercice montré, et lequel de ses montants :", choice.year, choice.amount),
        (OTHER_YEAR, OTHER_AMOUNT, "Comparé à :", choice.other_year, choice.other_amount),
    )
    writer.name(SHOWN_COLUMN, f"={choice_column(AMOUNT, YEAR)}")
    writer.name(COMPARED_COLUMN, f"={choice_column(OTHER_AMOUNT, OTHER_YEAR)}")
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


def _funders(overview: Overview, data: DataSheet, exercice: int) -> Block:
    labels = ("Rang", "Financeur", "Financements", "Dont chiffrés", "Montants (€)")
    known = overview.funders(exercice)
    funders = sorted(known.items(), key=lambda funder: (-funder[1].montant, -funder[1].financements))
    literal = criteria([overview.funder_names[key] for key in known])

    def column(name: str) -> str:
        return data.reference(name)

    keys, rows = [], []
    for rank, (key, funding) in enumerate(funders, 1):
        name = overview.funder_names[key]
        keys.append((rank, cell_text(name)))
        rows.append(funding_measures(funding, column, (Criterion("financeur_id", key, literal(name)), COUNTED)))
    totals = sums_of(FUNDERS, labels[2:], rows, ("count", "count", "euros"))
    return Block(f"Financements par financeur en {exercice}", FUNDERS, labels, keys, rows, totals)


def _progress(consolidation: Consolidation, overview: Overview) -> Block:
    """Where fiches stand in the last exercice that somebody spoke of. Whose word counts, no formula could tell."""
    contract = consolidation.contract
    years = [year for year in contract.tables["suivis"].column("exercice") if year is not None]
    year = max(years, default=contract.settings.exercice_courant)
    stages = (*contract.schemas["suivis"].by_name["avancement"].enum, NOTHING_SAID)
    labels = ("N°", "Convention", *(stage.capitalize() for stage in stages), "Fiches")
    rows = []
    for number in overview.conventions:
        counts = overview.progress(year, number)
        stage_sum = "+".join(this_row(PROGRESS, label) for label in labels[2:-1])
        rows.append(
            [*(Measure("count", counts[stage]) for stage in stages), Measure("count", counts.total(), stage_sum)]
        )
    totals = sums_of(PROGRESS, labels[2:], rows, ["count"] * len(labels[2:]))
    keys = list(overview.conventions.items())
    return Block(f"Fiches action en {year}", PROGRESS, labels, keys, rows, totals)


__all__ = ["since_lines", "write_synthese"]
