"""Reconciliation: what partners say against each other, and what adds up in no single return. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabellion.campaign.merged import InForce
from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.shared_lines import check_shared_lines, check_subtotals, check_two_conventions
from tabellion.checks.inspection import Inspection
from tabellion.contract.book import Book, CellPosition, Locate
from tabellion.findings import Finding, Place, Severity, finding
from tabellion.measures.financements import COUNTED, retained_of
from tabellion.schema.money import euros, format_euros
from tabellion.schema.tables import Row
from tabellion.wording import fold, plural, shortened

_FINANCEMENTS, _SUIVIS = "financements", "suivis"
_AMOUNT, _STATUS, _ENGAGED = "montant", "statut_montant", "montant_engage"
_WORDS = (_STATUS, "dispositif")
_PRICED = "chiffré"
_NEEDED = {
    _FINANCEMENTS: ("financement_id", "fiche_id", "financeur_id", _AMOUNT, *_WORDS),
    "partenaires": ("partenaire_id", "nom", "financeur_id"),
    "participations": ("fiche_id", "partenaire_id", "role"),
}
_LEAD = "porteur"
_SHOWN = 200
#: What is declared: a fiche, its funder, an exercice.
_Subject = tuple[str, str, int]
#: How many partners, or funders, a sentence names before it only counts them.
_NAMED = 4


def reconcile(book: Book, locate: Locate, returns: Sequence[InForce]) -> list[Finding]:
    """What does not agree across partners: first between their returns, then by table, row and field.

    ``book`` has the consolidated tables, and the cells of which enough was said already; ``locate`` gives the place
    where a value comes from, in the master or in a return. ``returns`` are those in force. What
    :func:`tabellion.checks.contract.check_contract` says of the same tables is not said again.
    Nothing raises: a rule whose columns the schemas no longer declare has nothing to say.
    """
    inspection = Inspection(book, locate)
    _check_plans(inspection)
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
    tables = inspection.tables
    partners = {row["partenaire_id"]: row for row in tables["partenaires"].rows}
    funders = {key: row["financeur_id"] for key, row in partners.items() if row["financeur_id"] is not None}
    known = {row["financement_id"]: row for row in tables[_FINANCEMENTS].rows}

    def declarations(source: InForce) -> Iterator[tuple[_Subject, ReturnedRow]]:
        for row in source.parsed.rows_of(_FINANCEMENTS):
            before = known.get(row.key[0], {})
            fiche, funder = (row.values.get(champ) or before.get(champ) for champ in ("fiche_id", "financeur_id"))
            if fiche is not None and funder is not None:
                yield (fiche, funder, source.exercice), row

    of_funders = [(source, funders[source.partenaire]) for source in returns if source.partenaire in funders]
    subjects = {subject for source, own in of_funders for subject, _ in declarations(source) if subject[1] == own}
    declared: defaultdict[_Subject, dict[str, list[_Declaration]]] = defaultdict(dict)
    for source in returns if subjects else ():
        name = partners.get(source.partenaire, {}).get("nom") or source.partenaire
        for subject, row in declarations(source):
            if subject in subjects:
                of_subject = declared[subject].setdefault(source.partenaire, [])
                of_subject.append(_Declaration(source, row, name))
    findings: list[Finding] = []
    roles = tables["participations"].values_of("fiche_id", "partenaire_id", "role") if declared else ()
    leads = {(fiche, partner) for fiche, partner, role in roles if role == _LEAD}
    for (fiche, funder, exercice), by_partner in declared.items():
        of_leads = {partner: rows for partner, rows in by_partner.items() if (fiche, partner) in leads}
        for partner, own_rows in by_partner.items():
            if funders.get(partner) != funder:
                continue
            others = [rows for lead, rows in of_leads.items() if lead != partner]
            for own in own_rows:
                facing = [other for rows in others if (other := _same(own, own_rows, rows)) is not None]
                findings += _compare(fiche, exercice, own, facing, inspection)
    return findings


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
        linked = [lead.place(name) for lead in others]
        details: dict[str, Any] = {"fiche": fiche, "exercice": exercice, "partenaire": own.name}
        if name == _AMOUNT:
            is_rounding = all(abs(cents - value) <= rounding for _, cents in values)
            yield finding(
                "financement-contredit", own.place(name), champ=name, liees=linked,
                valeur=euros(value), attendu=euros(values[0][1]),
                gravite=Severity.INFORMATION if is_rounding else None, dit=format_euros(value),
                autres=", ".join(
                    f"le porteur {lead} {format_euros(cents)} (écart {format_euros(abs(cents - value))})"
                    for lead, cents in values
                ), **details,
            )  # fmt: skip
        else:
            field_ = inspection.schemas[_FINANCEMENTS].by_name[name]
            yield finding(
                "financement-decrit-autrement", own.place(name), champ=name, liees=linked,
                valeur=shortened(value, _SHOWN), attendu=shortened(values[0][1], _SHOWN),
                gravite=None if field_.enum else Severity.INFORMATION, dit=shortened(value, _SHOWN), titre=field_.title,
                autres=", ".join(f"le porteur {lead} « {shortened(text, _SHOWN)} »" for lead, text in values),
                **details,
            )  # fmt: skip


def _differs(value: object, other: object) -> bool:
    if isinstance(value, str) and isinstance(other, str):
        return fold(value) != fold(other)
    return other is not None and value != other


@dataclass(frozen=True)
class _Part:
    """A part of a fiche's money: the position of its row, who engages or gives it, cents (``None``: not known)."""

    position: int
    who: str
    cents: int | None
    exercice: int = 0


@dataclass
class _FichePlan:
    """One fiche: its financements, and what was engaged on it (only amounts that are not zero)."""

    sources: list[_Part] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    engaged: list[_Part] = field(default_factory=list)

    def sources_of(self, exercice: int) -> list[_Part]:
        """The financements that count in an exercice."""
        words = retained_of(self.rows, exercice)
        return [part for part, word in zip(self.sources, words, strict=True) if COUNTED.holds(word)]


def _check_plans(inspection: Inspection) -> None:
    """The money of a fiche: what its funders give against what its partners have engaged."""
    if not inspection.has(_FINANCEMENTS, "financement_id", "fiche_id", "financeur_id", _AMOUNT, _STATUS):
        return
    plans = _plans(inspection)
    _check_unpriced(inspection, plans)
    for fiche, plan in plans.items():
        unfunded = [part for part in plan.engaged if not plan.sources_of(part.exercice)]
        if unfunded:
            _check_unfunded(inspection, fiche, unfunded)
        _check_cover(inspection, fiche, plan)


def _plans(inspection: Inspection) -> dict[str, _FichePlan]:
    """The money of each fiche that has any, by its number."""
    plans: defaultdict[str, _FichePlan] = defaultdict(_FichePlan)
    funders = _names(inspection, "financeurs", "financeur_id")
    for position, row in enumerate(inspection.tables[_FINANCEMENTS].rows):
        if row["fiche_id"] is not None:
            funder = row["financeur_id"]
            name = "sans financeur" if funder is None else funders.get(funder) or funder
            plans[row["fiche_id"]].sources.append(_Part(position, name, row[_AMOUNT]))
            plans[row["fiche_id"]].rows.append(row)
    fields = ("fiche_id", "partenaire_id", "exercice", _ENGAGED)
    if not inspection.has(_SUIVIS, *fields):
        return plans
    partners = _names(inspection, "partenaires", "partenaire_id")
    engaged = zip(*(inspection.column(_SUIVIS, name) for name in fields), strict=True)
    for position, (fiche, partner, exercice, cents) in enumerate(engaged):
        if None not in (fiche, partner, exercice) and (cents or 0) > 0:
            plans[fiche].engaged.append(_Part(position, partners.get(partner) or partner, cents, exercice))
    return plans


def _names(inspection: Inspection, table: str, key: str) -> dict[str, str]:
    rows = inspection.tables[table].rows if inspection.has(table, key, "nom") else ()
    return {row[key]: row["nom"] or row[key] for row in rows if row[key]}


def _check_unpriced(inspection: Inspection, plans: dict[str, _FichePlan]) -> None:
    """A ticked funder with no amount, where an amount is needed.

    It is when nothing says where the amount stands (no status), and when money is engaged on the fiche already: then
    « à négocier » no longer answers the question (a notice only: the status was said). « chiffré » without an amount,
    and an amount whose status says that there is none, are said by the checks of the contract.
    """
    unread = inspection.unread(_FINANCEMENTS, _AMOUNT, _STATUS)
    current = inspection.settings.exercice_courant
    counted = {part.position: part.who for plan in plans.values() for part in plan.sources_of(current)}
    for position, row in enumerate(inspection.tables[_FINANCEMENTS].rows):
        fiche, status = row["fiche_id"], row[_STATUS]
        if fiche is None or row["financeur_id"] is None or row[_AMOUNT] is not None or position in unread:
            continue
        if position not in counted:  # of the past, or of later
            continue
        year = row.get("exercice")
        engaged = [part for part in plans[fiche].engaged if year is None or part.exercice >= year]
        if status == _PRICED or not (status is None or engaged):
            continue
        words = "ni son montant ni l'état du montant ne sont remplis" if status is None else "son montant est vide"
        words += "" if status is None else f" (« {status} »)"
        if engaged:
            words += f", alors que {format_euros(_sum(engaged))} y sont déjà engagés ({_who(engaged, years=True)})"
        inspection.say(
            "financeur-sans-montant", _FINANCEMENTS, position, _AMOUNT,
            gravite=None if status is None else Severity.INFORMATION,
            suggestion=None if status is None else "Demandez son montant à ce financeur, et remplissez-le.",
            liees=[(_FINANCEMENTS, position, _STATUS), *_engaged_cells(engaged)],
            financeur=counted[position], fiche=fiche, constat=words,
        )  # fmt: skip


def _check_unfunded(inspection: Inspection, fiche: str, engaged: Sequence[_Part]) -> None:
    """Money engaged on a fiche that has no financement at all: one finding per fiche, for all its exercices."""
    total = _sum(engaged)
    inspection.say(
        "engagement-sans-financeur", _SUIVIS, engaged[0].position, _ENGAGED,
        valeur=euros(total), liees=_engaged_cells(engaged[1:]),
        fiche=fiche, calcule=format_euros(total), qui=_who(engaged, years=True),
    )  # fmt: skip


def _check_cover(inspection: Inspection, fiche: str, plan: _FichePlan) -> None:
    """What partners engaged on a fiche in one exercice is at most what its financements of this exercice give.

    Only where each of these is priced: a blank one could cover anything. One without exercice may be the whole
    contract's, so exercices are not added up: what a single one engages beyond all the sources is uncovered however
    the financements are read. Up to the settings' rounding it is only a notice.
    """
    rounding = inspection.settings.arrondi_euros * 100
    years: defaultdict[int, list[_Part]] = defaultdict(list)
    for part in plan.engaged:
        years[part.exercice].append(part)
    for exercice, parts in sorted(years.items()):
        sources = plan.sources_of(exercice)
        if not sources or any(part.cents is None for part in sources):
            continue
        engaged, financed = _sum(parts), _sum(sources)
        gap = engaged - financed
        if gap <= 0:
            continue
        inspection.say(
            "plan-non-couvert", _SUIVIS, parts[0].position, _ENGAGED,
            valeur=euros(engaged), attendu=euros(financed),
            gravite=Severity.INFORMATION if gap <= rounding else None,
            liees=[*_engaged_cells(parts[1:]), *((_FINANCEMENTS, part.position, _AMOUNT) for part in sources)],
            fiche=fiche, exercice=exercice, calcule=format_euros(engaged), qui=_who(parts),
            finance=format_euros(financed), sources=_who(sources), ecart=format_euros(gap),
        )  # fmt: skip


def _engaged_cells(parts: Sequence[_Part]) -> list[CellPosition]:
    return [(_SUIVIS, part.position, _ENGAGED) for part in parts]


def _sum(parts: Sequence[_Part]) -> int:
    return sum(part.cents or 0 for part in parts)


def _who(parts: Sequence[_Part], *, years: bool = False) -> str:
    """Who says how much, in words: ``Bailleur : 1 200 € en 2016, État : 300 € en 2016 et 2 autres``."""
    words = [
        f"{part.who} : {format_euros(part.cents or 0)}" + (f" en {part.exercice}" if years else "")
        for part in parts[:_NAMED]
    ]
    more = f" et {plural(len(parts) - _NAMED, 'autre')}" if len(parts) > _NAMED else ""
    return ", ".join(words) + more
