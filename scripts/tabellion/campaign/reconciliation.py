"""Reconciliation: what partners say against each other, and what adds up in no single return. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tabellion.campaign.merge import InForce
from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.plan_cover import check_plans
from tabellion.campaign.shared_lines import check_shared_lines, check_subtotals, check_two_conventions
from tabellion.checks.inspection import Inspection, Locate
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place, Severity, finding
from tabellion.schema import Schemas
from tabellion.schema.frames import Tables
from tabellion.schema.money import euros, format_euros
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


def reconcile(
    tables: Tables,
    schemas: Schemas,
    settings: Settings,
    locate: Locate,
    returns: Sequence[InForce],
    *,
    unknown: Collection[tuple[str, Any, str]] = (),
) -> list[Finding]:
    """What does not agree across partners: first between their returns, then by table, row and field.

    ``tables`` are the consolidated ones (amounts in integer cents, unique indexes); ``locate`` gives the place where a
    value comes from, in the master or in a return. ``returns`` are those in force, ``unknown`` the cells (table, index,
    field) of which enough was said already: nothing more is said of them. What
    :func:`tabellion.checks.contract.check_contract` says of the same tables is not said again.
    Nothing raises: a rule whose columns the schemas no longer declare has nothing to say.
    """
    inspection = Inspection(tables, schemas, settings, locate, unknown)
    check_plans(inspection)
    check_shared_lines(inspection)
    check_two_conventions(inspection)
    check_subtotals(inspection)
    return [*_contradictions(inspection, returns), *inspection.findings]


@dataclass(frozen=True, slots=True)
class _Declaration:
    """A row of a return about a financement, with who sent it and as whom people know it."""

    source: InForce
    row: ReturnedRow
    name: str

    def typed(self, champ: str) -> Any:
        """What the partner typed in a field; ``None`` where it left the cell as sent, or blank."""
        value = self.row.values.get(champ) if champ in self.row.before else None
        return None if isinstance(value, str) and not value.strip() else value

    def place(self, champ: str) -> Place:
        return self.row.place(self.source.fichier, champ)


def _contradictions(inspection: Inspection, returns: Sequence[InForce]) -> list[Finding]:
    """The fields of a financement that its funder and a lead of its fiche declare differently for one exercice.

    Both partners typed something there: a cell left as it was sent declares nothing. Words are compared folded. One
    finding per funder and field, at the funder's cell; the leads' cells are linked. Returns of different exercices are
    not compared: a later one may well know better.
    A difference of amounts up to the settings' rounding is only a notice.
    """
    if not all(inspection.has(table, *fields) for table, fields in _NEEDED.items()):
        return []
    partners = {partner: (name, funder) for partner, name, funder in _columns(inspection, "partenaires")}
    leads = {(fiche, partner) for fiche, partner, role in _columns(inspection, "participations") if role == _LEAD}
    known = {key: (fiche, funder) for key, fiche, funder, *_ in _columns(inspection, _FINANCEMENTS)}
    declared: defaultdict[tuple[str, str, int], dict[str, list[_Declaration]]] = defaultdict(dict)
    for source in returns:
        name = partners.get(source.partenaire, (None, None))[0]
        shown = name if isinstance(name, str) else source.partenaire
        for row in source.parsed.rows:
            if row.table != _FINANCEMENTS:
                continue
            fiche, funder = known.get(row.key[0], (None, None))
            fiche, funder = row.values.get("fiche_id") or fiche, row.values.get("financeur_id") or funder
            if isinstance(fiche, str) and isinstance(funder, str):
                of_subject = declared[fiche, funder, source.exercice]
                of_subject.setdefault(source.partenaire, []).append(_Declaration(source, row, shown))
    findings: list[Finding] = []
    for (fiche, funder, exercice), by_partner in declared.items():
        of_leads = {partner: rows for partner, rows in by_partner.items() if (fiche, partner) in leads}
        for partner, own_rows in by_partner.items():
            if partners.get(partner, (None, None))[1] != funder:
                continue
            others = [rows for lead, rows in of_leads.items() if lead != partner]
            for own in own_rows:
                facing = [other for rows in others if (other := _same(own, own_rows, rows)) is not None]
                findings += _compare(fiche, exercice, own, facing, inspection)
    return findings


def _columns(inspection: Inspection, table: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table, of the fields of :data:`_NEEDED`."""
    return zip(*(inspection.column(table, name).tolist() for name in _NEEDED[table]), strict=True)


def _same(own: _Declaration, mine: Sequence[_Declaration], theirs: Sequence[_Declaration]) -> _Declaration | None:
    """The row of another partner that speaks of the same financement as ``own``.

    By its key; else, where both have a single row of that funder on that fiche and one of them was typed as new, that
    row: each of them may have added the same financement without knowing of the other.
    """
    for other in theirs:
        if other.row.key == own.row.key:
            return other
    is_alone = len(mine) == len(theirs) == 1
    return theirs[0] if is_alone and (own.row.is_new or theirs[0].row.is_new) else None


def _compare(
    fiche: str, exercice: int, own: _Declaration, facing: Sequence[_Declaration], inspection: Inspection
) -> Iterator[Finding]:
    """One finding for each field that ``own`` and the rows of leads ``facing`` it do not say alike."""
    rounding = inspection.settings.arrondi_euros * 100
    for name in (_AMOUNT, *_WORDS):
        value = own.typed(name)
        others = [lead for lead in facing if value is not None and _differs(value, lead.typed(name))]
        if not others:
            continue
        values = [(lead.name, lead.typed(name)) for lead in others]
        details: dict[str, Any] = {"champ": name, "liees": [lead.place(name) for lead in others], "fiche": fiche}
        details |= {"exercice": exercice, "partenaire": own.name}
        if name == _AMOUNT:
            is_rounding = all(abs(cents - value) <= rounding for _, cents in values)
            yield finding(
                "financement-contredit", own.place(name), valeur=euros(value), attendu=euros(values[0][1]),
                gravite=Severity.INFORMATION if is_rounding else None, dit=format_euros(value),
                autres=", ".join(
                    f"le porteur {lead} {format_euros(cents)} (écart {format_euros(abs(cents - value))})"
                    for lead, cents in values
                ), **details,
            )  # fmt: skip
        else:
            field = inspection.schemas[_FINANCEMENTS].by_name[name]
            yield finding(
                "financement-decrit-autrement", own.place(name), valeur=value[:_SHOWN], attendu=values[0][1][:_SHOWN],
                gravite=None if field.enum else Severity.INFORMATION, dit=value[:_SHOWN], titre=field.title,
                autres=", ".join(f"le porteur {lead} « {text[:_SHOWN]} »" for lead, text in values), **details,
            )  # fmt: skip


def _differs(value: Any, other: Any) -> bool:
    if isinstance(value, str) and isinstance(other, str):
        return fold(value) != fold(other)
    return other is not None and value != other
