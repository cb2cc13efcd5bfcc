"""What the contract has taken over from returns: kept beside the register, so that a return is not merged twice.

After an adoption the master itself says what partners answered. The same return then changes nothing more, a corrected
one changes what it corrects, and what staff change later is theirs: the values adopted are the base of the next merge.
They count only for a master that comes from that adoption; an older one that is put back is merged from the start.
What was taken over from one form counts for the returns made from that form: one written again since was sent with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tabellion.campaign.merged import CellKey, InForce
from tabellion.campaign.parsed_return import digest_of
from tabellion.campaign.plain_values import plain_json, value_of
from tabellion.findings import Json
from tabellion.layout.forms import FormIdentity, form_id
from tabellion.transaction.stored import read_needed

#: The file of the last adoption, in the register's folder.
ADOPTION_FILE = "adoption.json"
SentForm = tuple[str, int, str]
"""A partner, an exercice, and the id of the form that was sent (empty in a file that did not keep it)."""


@dataclass(frozen=True)
class AdoptedReturn:
    """What was taken over from one form's return: the digest of its answers, and its values, cell by cell."""

    answers: str
    cells: Mapping[CellKey, object]


@dataclass(frozen=True)
class Adoption:
    """The last adoption: its name, and what it and those before took over, by form."""

    name: str = ""
    returns: Mapping[SentForm, AdoptedReturn] = field(default_factory=dict)

    @cached_property
    def answers(self) -> Mapping[tuple[str, int], set[str]]:
        """By partner and exercice, the digests of the answers that were taken over."""
        answers: dict[tuple[str, int], set[str]] = {}
        for (partner, year, _), adopted in self.returns.items():
            answers.setdefault((partner, year), set()).add(adopted.answers)
        return answers

    def taken_over(self, in_force: Iterable[InForce]) -> set[tuple[str, int]]:
        """The partners and exercices of the returns whose answers were taken over as they are."""
        return {
            slot
            for source in in_force
            if source.parsed.answers in self.answers.get(slot := (source.partenaire, source.exercice), ())
        }

    def cells(self, form: FormIdentity) -> Mapping[CellKey, object]:
        """What was taken over from returns made from this form, cell by cell."""
        partner_year = form.partenaire, form.exercice
        adopted = self.returns.get((*partner_year, form.formulaire))
        if adopted is None and form.formulaire == form_id(form.contrat, *partner_year):
            adopted = self.returns.get((*partner_year, ""))
        return {} if adopted is None else adopted.cells


def load_adoption(registre: Path) -> Adoption:
    """The adoption that the register comes from; an empty one where it comes from none.

    Raises :class:`TabellionError` when the file is there and cannot be read.
    """
    remedy = "Remettez celui de la dernière sauvegarde, ou supprimez-le : les retours seront alors fusionnés à nouveau."
    written = "le fichier qu'une adoption a écrit"
    return read_needed(registre / ADOPTION_FILE, _adoption_of, written, remedy) or Adoption()


def _adoption_of(content: Json) -> Adoption:
    returns = {}
    for partner, year, digest, values, *form in content["retours"]:
        cells = {(table, tuple(map(value_of, key)), champ): value_of(value) for table, key, champ, value in values}
        returns[partner, int(year), str(*form)] = AdoptedReturn(str(digest), cells)
    return Adoption(str(content["adoption"]), returns)


def adoption_of(returns: Sequence[InForce], before: Adoption | None = None) -> tuple[str, bytes]:
    """The name of an adoption of these returns, and its file: everything that each of them answers.

    What was taken over ``before`` from other forms goes on counting: a return made from one may still come.
    """
    adopted = dict(before.returns) if before is not None else {}
    for source in returns:
        form = source.parsed.identity.formulaire if source.parsed.identity else ""
        # every cell that the return says otherwise than it was sent
        cells = {
            (row.table, row.key, champ): row.values[champ]
            for row in source.parsed.rows
            for champ in (row.values if row.is_new else row.before)
            if champ in row.values
        }
        adopted[source.partenaire, source.exercice, form] = AdoptedReturn(source.parsed.answers, cells)
    content = []
    for (partner, year, form), adopted_return in sorted(adopted.items(), key=lambda item: item[0]):
        values = [
            [table, [plain_json(part) for part in key], champ, plain_json(value)]
            for (table, key, champ), value in adopted_return.cells.items()
        ]
        content.append([partner, year, adopted_return.answers, values, form])
    name = digest_of(content)[:16]
    text = json.dumps({"adoption": name, "retours": content}, ensure_ascii=False, indent=1)
    return name, (text + "\n").encode()
