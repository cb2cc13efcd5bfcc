"""What changes the contract, as people read it on a terminal: the staff's own typing, then what an adoption takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from tabellion.campaign.model import Consolidation, MergeOutcome, Modification
from tabellion.campaign.requests import change_parts, decided_parts
from tabellion.contract.book import Book
from tabellion.contract.labels import Labels
from tabellion.measures.board import ReturnStatus
from tabellion.schema.shown import shown_value
from tabellion.wording import french_date, one_line, plural

#: Changes that are listed one by one; beyond, the report and « Modifications » have them.
_LISTED = 40


def staff_lines(book: Book, changes: Sequence[Modification]) -> list[str]:
    """What the staff typed since the last adoption: it counts already."""
    if not changes:
        return []
    labels = Labels(book)
    lines = [f"L'équipe, dans contrat.xlsx : {plural(len(changes), 'saisie')}, déjà au contrat"]
    for change in changes[:_LISTED]:
        before, after = (labels.value(change.table, change.champ, value, quoted=True)
                         for value in (change.before, change.after))  # fmt: skip
        row, title = labels.row(change.table, change.key), labels.title(change.table, change.champ)
        words = "ligne supprimée" if change.outcome is MergeOutcome.REMOVED else f"{title} : {before} → {after}"
        author = " ".join(filter(None, (change.author, f"le {french_date(change.saved)}" if change.saved else "")))
        where = " ".join(filter(None, (change.place.feuille, change.place.cellule)))
        lines.append(one_line(f"  {row} : {words} ({', '.join(filter(None, (where, author)))})"))
    if len(changes) > _LISTED:
        lines.append(f"  … et {plural(len(changes) - _LISTED, 'autre')} (« Modifications », dans consolidation.xlsx)")
    return lines


def change_lines(consolidation: Consolidation) -> list[str]:
    """What an adoption changes: each cell with its two values, by partner, then what it leaves."""
    names, schemas = consolidation.partner_names, consolidation.contract.schemas
    lines = ["", *staff_lines(consolidation.contract, consolidation.staff)] if consolidation.staff else []
    applied = [change for change in consolidation.modifications if change.outcome is MergeOutcome.APPLIED]
    for (partner, year), group in groupby(applied, key=lambda change: (change.partenaire, change.exercice)):
        changes = list(group)
        lines += ["", one_line(f"{names.get(partner or '', partner)}, {year} : {' et '.join(change_parts(changes))}")]
        for change in changes:
            field = schemas[change.table].by_name[change.champ]
            row = " · ".join(str(part) for part in change.key)
            before, after = (shown_value(field, value, quoted=True) for value in (change.before, change.after))
            lines.append(one_line(f"  {row} : {field.title} : {before} → {after}"))
    decided = decided_parts(consolidation)
    if decided:
        lines += ["", one_line(f"Décidé : {' et '.join(decided)}")]
        lines += [one_line(f"  {row.libelle} ({' · '.join(map(str, row.key))})") for row in consolidation.dropped]
    rejected = sum(line.status is ReturnStatus.REJECTED for line in consolidation.board)
    left: Iterable[tuple[int, str, str]] = [
        (len(consolidation.conflicts), plural(len(consolidation.conflicts), "conflit"), "la valeur du contrat reste"),
        (len(consolidation.removals), plural(len(consolidation.removals), "ligne retirée", "lignes retirées"),
         "ce n'est que proposé, rien n'est supprimé"),
        (rejected, plural(rejected, "retour rejeté", "retours rejetés"), "rien n'en est pris"),
    ]  # fmt: skip
    return [*lines, "", *(f"{words} : {outcome}." for count, words, outcome in left if count)]
