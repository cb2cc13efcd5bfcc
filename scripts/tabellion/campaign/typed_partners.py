"""Partners named in the free text of a fiche, and who take no part in it by the table of participations. Pure.

What was decided of such a name holds for the texts typed since the last adoption, and for all texts while no adoption
has written it into the workbook: a participation that somebody takes away later stays away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from tabellion.campaign.decisions import Decision
from tabellion.campaign.draft import Draft
from tabellion.campaign.model import MergeOutcome
from tabellion.campaign.saves import Saves
from tabellion.contract.book import UNREAD_ROW, CellPosition
from tabellion.contract.partner_names import typed_names
from tabellion.findings import Finding, Place, finding
from tabellion.schema import Key
from tabellion.wording import fold, plural

PARTNERS, PARTICIPATIONS, FICHES = "partenaires", "participations", "fiches"
#: The free texts of a fiche that name partners, each with the role that the participations give them.
ROLES = {"porteurs": "porteur", "partenaires_operationnels": "opérationnel"}
#: Names that a finding about many shows.
_SHOWN = 3


@dataclass(frozen=True)
class Mention:
    """A name in the text of a fiche: ``key`` is that of the partner who has it (empty: nobody), ``cell`` where it is
    (table, position in the draft, field).
    """

    name: str
    key: str
    fiche: str
    cell: CellPosition

    @property
    def role(self) -> str:
        """The role that the text gives."""
        return ROLES[self.cell[2]]

    def participation(self, partner: str) -> Key:
        """The key of the participation that it would be."""
        return (self.fiche, partner, self.role)


def mentions(draft: Draft, known: Mapping[str, str]) -> Iterator[Mention]:
    """The names in the texts of the fiches that no participation says; ``known`` has the keys of partners by name."""
    if PARTICIPATIONS not in draft.schemas or FICHES not in draft.schemas:
        return
    linked = set(draft.keys(PARTICIPATIONS))
    names = {key: name for name, key in known.items()}
    folded = {fold(name): key for name, key in known.items()}
    names_in: dict[str | None, list[tuple[str, str]]] = {}
    texts = [champ for champ in ROLES if champ in draft.schemas[FICHES].by_name]
    fiches = draft.column(FICHES, "fiche_id")
    for position, (fiche, *columns) in enumerate(
        zip(fiches, *(draft.column(FICHES, champ) for champ in texts), strict=True)
    ):
        for champ, text in zip(texts, columns, strict=True):
            if text not in names_in:
                names_in[text] = list(typed_names(text or "", folded))
            for name, key in names_in[text] if fiche else ():
                mention = Mention(names.get(key, name), key, fiche, (FICHES, position, champ))
                if mention.participation(key) not in linked:
                    yield mention


class TextLinks:
    """The participations that decisions make of mentions."""

    def __init__(self, draft: Draft, saves: Saves) -> None:
        self.draft, self.saves = draft, saves
        self.typed = {(change.key, change.champ) for change in saves.modifications if change.table == FICHES}
        self.removed = {
            change.key
            for change in saves.modifications
            if change.table == PARTICIPATIONS and change.outcome is MergeOutcome.REMOVED
        }

    @cached_property
    def linked(self) -> set[Key]:
        """The participations that there are."""
        return set(self.draft.keys(PARTICIPATIONS))

    def is_due(self, mention: Mention, decision: Decision | None) -> bool:
        """Whether a mention is to be asked about, or linked as was decided."""
        if decision is None or (decision.question, decision.choice) not in self.saves.settled:
            return True
        table, position, champ = mention.cell
        key = (mention.fiche,)
        accepted = self.draft.known[table].get(key)
        return (
            (key, champ) in self.typed
            or accepted is None
            or accepted[champ] != self.draft.value(table, position, champ)
        )

    def link(self, mention: Mention, partner: str) -> bool:
        """Make the participation, unless it is there, or staff took it away; whether the workbook lacks it."""
        key = mention.participation(partner)
        is_made = key in self.draft.known[PARTICIPATIONS] and (PARTICIPATIONS, key) not in self.saves.added
        if is_made or key in self.removed or (PARTICIPATIONS, key) in self.draft.created:
            return (PARTICIPATIONS, key) in self.draft.created
        schema = self.draft.schemas[PARTICIPATIONS]
        if key not in self.linked:
            self.linked.add(key)
            row = dict.fromkeys(schema.names) | dict(zip(("fiche_id", "partenaire_id", "role"), key, strict=True))
            self.draft.rows[PARTICIPATIONS].append(row)
            self.draft.places[PARTICIPATIONS].append(UNREAD_ROW)
            self.draft.created[PARTICIPATIONS, key] = self.draft.place(*mention.cell)
            return True
        return False

    def without_unlinked(self, saves: Saves) -> Saves:
        """The saves without the participations that a decision made and another one took back."""
        if PARTICIPATIONS not in self.draft.schemas:
            return saves
        sheets = {area.sheet for area in self.draft.read.areas if area.table == FICHES}
        removed = {
            change.key
            for change in saves.modifications
            if change.table == PARTICIPATIONS and change.is_new_row and change.place.feuille in sheets
        }.difference(self.draft.keys(PARTICIPATIONS))
        for key in removed:
            self.draft.known[PARTICIPATIONS].pop(key, None)
        kept = [
            modification
            for modification in saves.modifications
            if modification.table != PARTICIPATIONS or modification.key not in removed
        ]
        return replace(saves, modifications=tuple(kept))


def say_typed_partners(named: Iterable[tuple[str, bool, Place]]) -> Iterator[Finding]:
    """One finding a sheet for the cells whose text names partners without linking them.

    ``named`` are the names, whether a partner has each, and their cells.
    """
    by_partner: dict[str | None, list[tuple[Place, str]]] = {}
    for name, is_known, place in named:
        words = f"« {name} » ({place.cellule}{'' if is_known else ', inconnu des partenaires'})"
        by_partner.setdefault(place.feuille, []).append((place, words))
    for cells in by_partner.values():
        places = list(dict.fromkeys(place for place, _ in cells))
        words = ", ".join(words for _, words in cells[:_SHOWN])
        if len(cells) > _SHOWN:
            words += f", et {plural(len(cells) - _SHOWN, 'autre')}"
        yield finding("partenaire-en-texte", places[0], valeur=words, liees=places[1:])
