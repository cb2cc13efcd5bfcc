"""The sheets Modifications and Conflits: each changed cell, before and after, who said it and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tabellion.campaign.model import Claim, Conflict, Consolidation, MergeOutcome, Modification, Removal
from tabellion.contract.labels import Labels
from tabellion.findings import Place
from tabellion.layout.names import cell_link, cell_name
from tabellion.outputs.consolidation.listing import (
    FIRST_ROW,
    Column,
    finish,
    note,
    palette_for,
    write_columns,
    write_list,
)
from tabellion.outputs.consolidation.long_rows import LongColumn
from tabellion.outputs.consolidation.palette import Cell, Palette
from tabellion.schema import Key
from tabellion.wording import plural
from tabellion.xlsx.writer import Sheet

CHANGES_TITLE, CHANGES, REMOVALS = "Modifications", "Modifications", "Suppressions"
CONFLICTS_TITLE, CONFLICTS = "Conflits", "Conflits"
FATE = "Suite donnée"
_FATES = {
    MergeOutcome.APPLIED: "juste",
    MergeOutcome.PRESENT: "information",
    MergeOutcome.CONFLICT: "erreur",
    MergeOutcome.OUTDONE: "avertissement",
}
_CHANGE_COLUMNS = (
    Column("Table", 19), Column("Ligne", 38), Column("Champ", 19), Column("Avant", 17), Column("Après", 17),
    Column("Différence (€)", 15, "right"), Column(FATE, 15, "center"), Column("Partenaire", 20),
    Column("Exercice", 9, "center"), Column("Fichier", 18), Column("Feuille", 12), Column("Cellule", 9, "center"),
    Column("Enregistré le", 16, "center"), Column("Par", 13),
)  # fmt: skip
_REMOVAL_COLUMNS = (
    Column("Table", 19), Column("Ligne", 38), Column("Partenaire", 19), Column("Fichier", 17), Column("Feuille", 17),
    Column("Cellule", 15, "center"), Column("Exercice", 15, "center"),
)  # fmt: skip
_CONFLICT_COLUMNS = (
    Column("N°", 6, "center"), Column("Table", 19), Column("Ligne", 32), Column("Champ", 19), Column("Envoyé avec", 17),
    Column("Au contrat (reste)", 17), Column("Cellule du contrat", 18), Column("Partenaire", 18),
    Column("Le partenaire dit", 17), Column("Différence (€)", 15, "right"), Column("Fichier", 17),
    Column("Cellule", 9, "center"), Column("Enregistré le", 16, "center"), Column("Que faire", 36),
)  # fmt: skip


def write_changes(sheet: Sheet, consolidation: Consolidation, labels: Labels, footer: str) -> None:
    """Write the changed cells, then the rows whose removal is proposed."""
    changes, removals = consolidation.modifications, consolidation.removals
    sheet.title(CHANGES_TITLE, "Chaque cellule qu'un retour dit autrement que le formulaire envoyé",
                len(_CHANGE_COLUMNS))  # fmt: skip
    cells = _change_cells(changes, palette_for(sheet.writer, len(changes)), labels)
    empty = "Aucune modification."
    last = write_columns(sheet, CHANGES, FIRST_ROW, _CHANGE_COLUMNS, cells, len(changes), empty=empty)
    top = last + 3
    sheet.section(top - 1, 0, "Lignes dont la suppression est proposée")
    note(sheet, top, "Ces lignes manquent dans un retour. Rien n'est supprimé : décidez, et supprimez au contrat.")
    palette = palette_for(sheet.writer, len(removals))
    proposed = [_removal_row(each, palette, labels) for each in removals]
    write_list(sheet, REMOVALS, top + 1, _REMOVAL_COLUMNS, proposed, empty="Aucune.")
    proposals = plural(len(removals), "suppression proposée", "suppressions proposées")
    sheet.link(2, 0, cell_link(sheet.name, cell_name(top - 1, 0)), f"↓ {proposals}")
    finish(sheet, footer, columns=2)


def write_conflicts(sheet: Sheet, consolidation: Consolidation, labels: Labels, footer: str) -> None:
    """Write one row per claim: the same number for all the claims on one cell."""
    conflicts = consolidation.conflicts
    sheet.title(CONFLICTS_TITLE, "Des cellules changées différemment par plusieurs : la valeur du contrat reste",
                len(_CONFLICT_COLUMNS))  # fmt: skip
    palette = palette_for(sheet.writer, sum(len(each.claims) for each in conflicts))
    rows = [row for number, each in enumerate(conflicts, 1) for row in _conflict_rows(number, each, palette, labels)]
    note(sheet, 2, "Plusieurs lignes de même numéro : plusieurs partenaires parlent de la même cellule.")
    write_list(sheet, CONFLICTS, FIRST_ROW, _CONFLICT_COLUMNS, rows, empty="Aucun conflit.")
    finish(sheet, footer, columns=1)


def _value(table: str, champ: str, value: Any, palette: Palette, labels: Labels) -> Cell:
    return palette.value(labels.field(table, champ), value, labels.key_words(table, champ))


def _difference(table: str, champ: str, before: Any, after: Any, labels: Labels) -> int | None:
    """What an amount grows by, in cents; ``None`` for what is no amount, or has none on one side."""
    field = labels.field(table, champ)
    is_amount = field is not None and field.kind == "money" and isinstance(before, int) and isinstance(after, int)
    return after - before if is_amount else None


def _change_cells(changes: Sequence[Modification], palette: Palette, labels: Labels) -> list[LongColumn]:
    def row(table: str, key: Key, is_new: bool) -> Cell:
        said = labels.row(table, key)
        return palette.text(f"{said} – nouvelle ligne" if is_new else said)

    def value(table: str, champ: str, value: Any) -> Cell:
        return _value(table, champ, value, palette, labels)

    def difference(table: str, champ: str, before: Any, after: Any) -> Cell:
        return palette.signed(_difference(table, champ, before, after, labels))

    return [
        LongColumn((each.table for each in changes), lambda table: palette.text(labels.table(table))),
        LongColumn(((each.table, each.key, each.is_new_row) for each in changes), lambda key: row(*key)),
        LongColumn(((each.table, each.champ) for each in changes), lambda key: palette.text(labels.title(*key))),
        LongColumn(((each.table, each.champ, each.before) for each in changes), lambda key: value(*key)),
        LongColumn(((each.table, each.champ, each.after) for each in changes), lambda key: value(*key)),
        LongColumn(
            ((each.table, each.champ, each.before, each.after) for each in changes), lambda key: difference(*key)
        ),
        LongColumn((each.outcome for each in changes), lambda outcome: palette.state(outcome.value, _FATES[outcome])),
        LongColumn((each.partenaire for each in changes), lambda partner: palette.text(labels.partner(partner))),
        LongColumn((each.exercice for each in changes), palette.centred),
        LongColumn((each.place.fichier for each in changes), lambda fichier: palette.text(_name(fichier))),
        LongColumn((each.place.feuille for each in changes), palette.text),
        LongColumn((each.place for each in changes), palette.cell_of),
        LongColumn((each.saved for each in changes), palette.moment),
        LongColumn((each.author for each in changes), palette.text),
    ]


def _removal_row(each: Removal, palette: Palette, labels: Labels) -> list[Cell]:
    return [
        palette.text(labels.table(each.table)),
        palette.text(each.libelle or labels.row(each.table, each.key)),
        palette.text(labels.partner(each.partenaire)),
        palette.link(_name(each.place.fichier), each.place),
        palette.text(each.place.feuille),
        palette.cell_of(each.place),
        palette.centred(each.exercice),
    ]


def _conflict_rows(number: int, each: Conflict, palette: Palette, labels: Labels) -> Iterator[list[Cell]]:
    table, champ, kept = each.table, each.champ, each.place
    for claim in each.claims:
        yield [
            palette.centred(number),
            palette.text(labels.table(table)),
            palette.text(labels.row(table, each.key)),
            palette.text(labels.title(table, champ)),
            _value(table, champ, each.sent, palette, labels),
            _value(table, champ, each.kept, palette, labels),
            palette.link(_said_place(kept), kept) if kept is not None else palette.text("pas au contrat"),
            palette.text(labels.partner(claim.partenaire)),
            _value(table, champ, claim.value, palette, labels),
            palette.signed(_difference(table, champ, each.kept, claim.value, labels)),
            palette.text(_name(claim.place.fichier)),
            palette.cell_of(claim.place),
            palette.moment(claim.saved),
            palette.text(_remedy(each, claim, labels)),
        ]


def _remedy(each: Conflict, claim: Claim, labels: Labels) -> str:
    who = labels.partner(claim.partenaire)
    if each.place is None:
        return f"La ligne n'est pas au contrat. Si {who} a raison, remettez-la avec sa valeur ; sinon, rien à faire."
    return f"Si {who} a raison, tapez sa valeur au contrat ; sinon, rien à faire : la valeur du contrat reste."


def _said_place(place: Place) -> str:
    return ", ".join(each for each in (place.feuille, place.cellule) if each) or _name(place.fichier)


def _name(fichier: str | None) -> str:
    return (fichier or "").rpartition("/")[2]
