"""The questions of a consolidation, one function a kind, and what each decision does. Pure.

A kind is one function that yields questions, and one that applies what was decided: see :func:`rule_conflicts` and
:func:`conflict_questions`, :func:`apply_removals` and :func:`removal_questions`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tabellion.campaign.cautions import CONFIRM, Caution, Withheld
from tabellion.campaign.decisions import Choice, Decisions, Question, QuestionKind, Statement, question_id
from tabellion.campaign.merged import CellKey, InForce, Merged, drop_rows
from tabellion.campaign.model import Conflict, DroppedRow, Modification, Removal
from tabellion.contract.labels import Labels
from tabellion.findings import Finding, Place
from tabellion.layout.names import shorten
from tabellion.schema import Key, Schemas
from tabellion.schema.money import format_euros, signed_euros
from tabellion.wording import plural

#: The codes of choices; that of a partner's value is ``accepter:`` and the partner.
KEEP, REMOVE, ACCEPT = "garder", "supprimer", "accepter:"
_CONTRACT = "Contrat"
#: Characters kept of a partner's or a file's name in the label of a choice.
LONGEST_NAME = 60

# Conflicts: a cell, or a row that the contract has no more, that partners say otherwise.


def conflict_id(conflicts: Sequence[Conflict]) -> str:
    """The id of the question of conflicts on one cell, or on the cells of one row that is not at the contract."""
    content = [
        [
            conflict.champ,
            repr(conflict.kept),
            sorted([claim.partenaire, claim.exercice, repr(claim.after)] for claim in conflict.claims),
        ]
        for conflict in conflicts
    ]
    return question_id(QuestionKind.CONFLICT, conflicts[0].table, list(conflicts[0].key), content)


def asked_together(conflicts: Iterable[Conflict]) -> list[list[Conflict]]:
    """Conflicts by question: of a row that is not at the contract all cells come back together, or none."""
    groups: dict[Key, list[Conflict]] = {}
    for conflict in conflicts:
        groups.setdefault(
            (conflict.table, conflict.key, conflict.champ if conflict.place is not None else None), []
        ).append(conflict)
    return list(groups.values())


def rule_conflicts(conflicts: Sequence[Conflict], decisions: Decisions) -> dict[CellKey, str]:
    """By cell in conflict that was decided: the partner whose value is accepted; empty where the contract's is kept."""
    ruled: dict[CellKey, str] = {}
    for group in asked_together(conflicts):
        code = decisions.code(conflict_id(group))
        if code is None:
            continue
        for conflict in group:
            ruled[conflict.table, conflict.key, conflict.champ] = (
                code.removeprefix(ACCEPT) if code.startswith(ACCEPT) else ""
            )
    return ruled


def conflict_questions(conflicts: Sequence[Conflict], labels: Labels) -> Iterator[Question]:
    """One question for each cell, or row, in conflict."""
    for group in asked_together(conflicts):
        first = group[0]
        is_row = first.place is None
        row, title = labels.row(first.table, first.key), labels.title(first.table, first.champ)
        claims = [claim for conflict in group for claim in conflict.claims]
        kept = labels.value(first.table, first.champ, first.kept)
        statements = [] if is_row else [Statement(_CONTRACT, kept, first.place)]
        statements += [_claim_statement(claim, first, labels, is_row=is_row) for claim in claims]
        meaning = "La ligne reste hors du contrat." if is_row else f"Le contrat garde : {kept}."
        choices = [Choice(KEEP, "garder", meaning)]
        for partner, name in _names(claims, labels).items():
            value = next(claim.after for claim in claims if claim.partenaire == partner)
            words = (
                f"La ligne revient avec ce que dit {name}."
                if is_row
                else f"Le contrat dit : {labels.value(first.table, first.champ, value)}."
            )
            choices.append(Choice(ACCEPT + partner, f"accepter {name}", words))
        sentence = (
            f"« {row} » n'est plus au contrat, un retour y répond."
            if is_row
            else f"{title} de « {row} » : {plural(len(claims), 'retour dit', 'retours disent')} autre chose."
        )
        yield Question(
            conflict_id(group), QuestionKind.CONFLICT, first.table, first.key, None if is_row else first.champ, row,
            "" if is_row else title, sentence, tuple(statements), tuple(choices), first.place,
        )  # fmt: skip


def _claim_statement(claim: Modification, conflict: Conflict, labels: Labels, *, is_row: bool) -> Statement:
    table, champ = (claim.table, claim.champ) if is_row else (conflict.table, conflict.champ)
    words = labels.value(table, champ, claim.after)
    if is_row:
        words = f"{labels.title(table, champ)} : {words}"
    field = labels.field(table, champ)
    kept, after = conflict.kept, claim.after
    if field is not None and field.kind == "money" and isinstance(kept, int) and isinstance(after, int) and not is_row:
        words += f" ({signed_euros(after - kept)})"
    return Statement(labels.partner(claim.partenaire), words, claim.place)


def _names(claims: Iterable[Modification], labels: Labels) -> dict[str, str]:
    """The partners of claims by identifier, under names that tell them apart."""
    names = {claim.partenaire or "": shorten(labels.partner(claim.partenaire), LONGEST_NAME) for claim in claims}
    shared = {name for name in names.values() if list(names.values()).count(name) > 1}
    return {key: f"{name} ({key})" if name in shared else name for key, name in names.items()}


# Removals: a row that partners took out of their forms.


def removal_id(removals: Sequence[Removal]) -> str:
    """The id of the question of a row that partners propose to remove."""
    partner_years = sorted({(removal.partenaire, removal.exercice) for removal in removals})
    return question_id(QuestionKind.REMOVAL, removals[0].table, list(removals[0].key), partner_years)


def by_row(removals: Iterable[Removal]) -> dict[tuple[str, Key], list[Removal]]:
    """Removals by the row that they are about."""
    groups: dict[tuple[str, Key], list[Removal]] = {}
    for removal in removals:
        groups.setdefault((removal.table, removal.key), []).append(removal)
    return groups


@dataclass(frozen=True, slots=True)
class AskedRemoval:
    """The removals of one row, and where it stands in the contract (``None`` where it does not)."""

    removals: tuple[Removal, ...]
    place: Place | None


def apply_removals(
    merged: Merged, schemas: Schemas, decisions: Decisions, adopted: Collection[tuple[str, int]]
) -> list[AskedRemoval]:
    """Take the rows whose removal was accepted out of the tables; returns the removals that are to be asked, or were.

    ``merged.removals`` keeps those that are open, ``merged.dropped`` gets the rows taken out. A row that is gone, as
    was decided, is not spoken of any more once the returns that took it out are ``adopted`` (partner, exercice).
    """
    asked: list[AskedRemoval] = []
    still_open: list[Removal] = []
    keys: dict[str, dict[Key, int]] = {}
    dropped: dict[str, list[int]] = {}
    for (table, key), group in by_row(merged.removals).items():
        if table not in keys:
            columns = [merged.tables[table].column(name) for name in schemas[table].primary_key]
            keys[table] = {row_key: position for position, row_key in enumerate(zip(*columns, strict=True))}
        position, question = keys[table].get(key), removal_id(group)
        code = decisions.code(question)
        if code is None:
            still_open += group
        elif (
            position is None
            and code == REMOVE
            and all((removal.partenaire, removal.exercice) in adopted for removal in group)
        ):
            continue
        place = None if position is None else merged.row_places[table][position]
        if position is not None and place is not None and code == REMOVE:
            merged.dropped.append(DroppedRow(table, key, group[0].libelle, place, question))
            dropped.setdefault(table, []).append(position)
        asked.append(AskedRemoval(tuple(group), place))
    merged.removals = [removal for removal in merged.removals if removal in still_open]
    for table, positions in dropped.items():
        drop_rows(merged, table, positions)
    return asked


def without_settled_removals(
    findings: Iterable[Finding], in_force: Sequence[InForce], still_open: Sequence[Removal]
) -> Iterator[Finding]:
    """The findings without those of rows that a return took out, and of which there is nothing to decide any more.

    They say that the row is kept, its removal being only proposed: ``still_open`` are those of which that is so.
    """
    settled = {(source.fichier, removed.row_id) for source in in_force for removed in source.parsed.removed}
    settled -= {(removal.place.fichier or "", str(removal.key[0])) for removal in still_open}
    for item in findings:
        if item.code != "ligne-supprimee" or (item.place.fichier, item.valeur) not in settled:
            yield item


def removal_questions(asked: Iterable[AskedRemoval], labels: Labels) -> Iterator[Question]:
    """One question for each row that partners propose to remove."""
    for question in asked:
        group, first, place = question.removals, question.removals[0], question.place
        table, key = first.table, first.key
        row = first.libelle or labels.row(table, key)
        names = ", ".join(dict.fromkeys(labels.partner(removal.partenaire) for removal in group))
        statements = [
            Statement(labels.partner(removal.partenaire), "a retiré la ligne de son formulaire", removal.place)
            for removal in group
        ]
        if_removed = (
            "La ligne sort du contrat." if place is not None else "Elle n'a rien pour cet exercice : rien ne change."
        )
        yield Question(
            removal_id(group), QuestionKind.REMOVAL, table, key, None, row, labels.table(table),
            f"« {row} » manque dans le retour de {names}.", tuple(statements),
            (
                Choice(KEEP, "garder la ligne", "La ligne reste au contrat."),
                Choice(REMOVE, "supprimer", if_removed),
            ), place,
        )  # fmt: skip


# What the workbook of the contract says and looks like an accident.


def withheld_questions(withheld: Iterable[Withheld]) -> Iterator[Question]:
    """One question for each thing that waits until somebody confirms it."""
    for held in withheld:
        kept = f"Rien ne change : {held.libelle} reste au contrat."
        asked = f"contrat.xlsx n'a plus {held.libelle} : est-ce voulu ?"
        confirmed = f"Le classeur a raison : {held.libelle} sort du contrat ({format_euros(held.cents)})."
        if held.caution is Caution.SORTED:
            moved = f"{format_euros(held.cents)} changent de ligne"
            kept = f"Rien ne change : {held.libelle} garde ses valeurs en face de leurs lignes."
            asked = f"contrat.xlsx met ailleurs les valeurs de {held.libelle} : {moved}. Est-ce voulu ?"
            confirmed = f"Le classeur a raison : {held.libelle} dit ce qu'il dit ({moved})."
        key = held.keys[0] if held.keys else ()
        yield Question(
            held.question, held.caution.value, held.table, key, held.champ, held.libelle, "",
            asked,
            (Statement(_CONTRACT, held.libelle, held.place),),
            (Choice(KEEP, "garder", kept), Choice(CONFIRM, "confirmer", confirmed)), held.place,
        )  # fmt: skip
