"""What a funder and the lead of a fiche declare of the same financement, each in its own return, field by field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tabellion.campaign.merge import InForce
from tabellion.campaign.model import ReturnedRow
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place, Severity, finding
from tabellion.schema import Schemas
from tabellion.schema.money import euros, format_euros
from tabellion.schema.tables import Tables
from tabellion.wording import fold

_FINANCEMENTS = "financements"
_AMOUNT, _WORDS = "montant", ("statut_montant", "dispositif")
_NEEDED = {
    _FINANCEMENTS: ("financement_id", "fiche_id", "financeur_id", _AMOUNT, *_WORDS),
    "partenaires": ("partenaire_id", "nom", "financeur_id"),
    "participations": ("fiche_id", "partenaire_id", "role"),
}
_LEAD = "porteur"
_SHOWN = 200

#: One funder on one fiche, in the returns of one exercice.
_Subject = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class _Declaration:
    """A row of a return, with who sent it."""

    source: InForce
    row: ReturnedRow

    def place(self, champ: str) -> Place:
        return self.row.place(self.source.fichier, champ)


def contradictions(tables: Tables, schemas: Schemas, settings: Settings, returns: Sequence[InForce]) -> list[Finding]:
    """The fields of a financement that its funder and a lead of its fiche declare differently for one exercice.

    Both partners typed something there: a cell left as it was sent declares nothing. Words are compared folded. One
    finding per funder and field, at the funder's cell; the leads' cells are linked. Returns of different exercices are
    not compared: a later one may well know better.
    A difference of amounts up to the settings' rounding is only a notice.
    """
    if not all(name in tables and set(fields) <= set(tables[name].columns) for name, fields in _NEEDED.items()):
        return []
    roles = _Roles(tables)
    by_subject: defaultdict[_Subject, dict[str, list[_Declaration]]] = defaultdict(dict)
    for source in returns:
        for row in source.parsed.rows:
            subject = roles.subject(row, source.exercice)
            if subject is not None:
                by_subject[subject].setdefault(source.partenaire, []).append(_Declaration(source, row))
    findings = list[Finding]()
    for (fiche, funder, exercice), partners in by_subject.items():
        leads = [name for name in partners if (fiche, name) in roles.leads]
        for partner in (name for name in partners if roles.funder.get(name) == funder):
            for own in partners[partner]:
                facing = [
                    (lead, other)
                    for lead in leads
                    if lead != partner and (other := _same(own, partners[partner], partners[lead])) is not None
                ]
                rounding = settings.arrondi_euros * 100
                findings += _compared((fiche, exercice), own, facing, roles.names, schemas, rounding)
    return findings


class _Roles:
    """Who is the funder, who leads which fiche, what each is called."""

    def __init__(self, tables: Tables) -> None:
        partners = tables["partenaires"].rows
        self.names = {row["partenaire_id"]: row["nom"] for row in partners if row["nom"] is not None}
        self.funder = {row["partenaire_id"]: row["financeur_id"] for row in partners if row["financeur_id"] is not None}
        taken = tables["participations"].rows
        self.leads = {(row["fiche_id"], row["partenaire_id"]) for row in taken if row["role"] == _LEAD}
        self._known = {
            row["financement_id"]: (row["fiche_id"], row["financeur_id"]) for row in tables[_FINANCEMENTS].rows
        }

    def subject(self, row: ReturnedRow, exercice: int) -> _Subject | None:
        """The fiche, the funder and the exercice that a row of a return speaks of; ``None`` for another table's row."""
        if row.table != _FINANCEMENTS:
            return None
        fiche, funder = self._known.get(row.key[0] if row.key else None, (None, None))
        fiche, funder = row.values.get("fiche_id") or fiche, row.values.get("financeur_id") or funder
        if not isinstance(fiche, str) or not isinstance(funder, str):
            return None
        return fiche, funder, exercice


def _same(own: _Declaration, mine: Sequence[_Declaration], theirs: Sequence[_Declaration]) -> _Declaration | None:
    """The row of another partner that speaks of the same financement as ``own``.

    By its key; else, where both have a single row of that funder on that fiche and one of them was typed as new, that
    row: each of them may have added the same financement without knowing of the other.
    """
    for each in theirs:
        if each.row.key == own.row.key:
            return each
    alone = len(mine) == len(theirs) == 1
    return theirs[0] if alone and (own.row.is_new or theirs[0].row.is_new) else None


def _compared(
    subject: tuple[str, int],
    own: _Declaration,
    facing: Sequence[tuple[str, _Declaration]],
    names: Mapping[str, str],
    schemas: Schemas,
    rounding: int,
) -> Iterator[Finding]:
    """One finding for each field that ``own`` and the rows ``facing`` it (by lead) do not say alike.

    ``subject`` is the fiche and the exercice, ``rounding`` in cents.
    """
    fiche, exercice = subject
    partner = names.get(own.source.partenaire, own.source.partenaire)
    for name in (_AMOUNT, *_WORDS):
        others = [(names.get(lead, lead), each) for lead, each in facing if _differ(own, each, name)]
        if not others:
            continue
        value: Any = own.row.values[name]
        said: list[tuple[str, Any]] = [(lead, each.row.values[name]) for lead, each in others]
        place = own.place(name)
        liees = [each.place(name) for _, each in others]
        if name == _AMOUNT:
            words = [
                f"le porteur {lead} {format_euros(cents)} (écart {format_euros(abs(cents - value))})"
                for lead, cents in said
            ]
            is_rounding = all(abs(cents - value) <= rounding for _, cents in said)
            yield finding(
                "financement-contredit", place, champ=name, valeur=euros(value), attendu=euros(said[0][1]),
                gravite=Severity.INFORMATION if is_rounding else None, liees=liees, fiche=fiche, exercice=exercice,
                partenaire=partner, dit=format_euros(value), autres=", ".join(words),
            )  # fmt: skip
        else:
            field = schemas[_FINANCEMENTS].by_name[name]
            yield finding(
                "financement-decrit-autrement", place, champ=name, valeur=value[:_SHOWN], attendu=said[0][1][:_SHOWN],
                gravite=None if field.enum else Severity.INFORMATION, liees=liees, fiche=fiche, exercice=exercice,
                partenaire=partner, dit=value[:_SHOWN], titre=field.title,
                autres=", ".join(f"le porteur {lead} « {text[:_SHOWN]} »" for lead, text in said),
            )  # fmt: skip


def _differ(one: _Declaration, other: _Declaration, name: str) -> bool:
    """Whether both typed something in a field, and not the same."""
    first, second = one.row.values.get(name), other.row.values.get(name)
    if name not in one.row.before or name not in other.row.before:
        return False
    return not _is_blank(first) and not _is_blank(second) and _comparable(first) != _comparable(second)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _comparable(value: Any) -> Any:
    return fold(value) if isinstance(value, str) else value
