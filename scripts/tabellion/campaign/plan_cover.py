"""The money of a fiche: what its funders give against what its partners have engaged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tabellion.checks.inspection import Inspection
from tabellion.findings import Severity
from tabellion.schema.money import euros, format_euros
from tabellion.wording import plural

_FINANCEMENTS, _SUIVIS = "financements", "suivis"
_MONEY, _STATUS, _ENGAGED = "montant", "statut_montant", "montant_engage"
_FIGURED = "chiffré"
#: How many partners, or funders, a sentence names before it only counts them.
_NAMED = 4


@dataclass(frozen=True)
class _Part:
    """A part of a fiche's money: the position of its row, who engages or gives it, cents (``None``: not known)."""

    position: int
    who: str
    cents: int | None
    exercice: int = 0


@dataclass
class _Plan:
    """One fiche: its financements, and what was engaged on it (only amounts that are not zero)."""

    sources: list[_Part] = field(default_factory=list)
    engaged: list[_Part] = field(default_factory=list)


def check_plans(inspection: Inspection) -> None:
    """Every rule of this module, on the tables whose columns are declared."""
    if not inspection.has(_FINANCEMENTS, "fiche_id", "financeur_id", _MONEY, _STATUS):
        return
    plans = _plans(inspection)
    _check_unpriced(inspection, plans)
    for fiche, plan in plans.items():
        if plan.engaged and plan.sources:
            _check_cover(inspection, fiche, plan)
        elif plan.engaged:
            _check_unfunded(inspection, fiche, plan.engaged)


def _plans(inspection: Inspection) -> dict[str, _Plan]:
    """The money of each fiche that has any, by its number."""
    plans: defaultdict[str, _Plan] = defaultdict(_Plan)
    funders = _names(inspection, "financeurs", "financeur_id")
    sources = _rows(inspection, _FINANCEMENTS, "fiche_id", "financeur_id", _MONEY)
    for position, (fiche, funder, cents) in enumerate(sources):
        if isinstance(fiche, str):
            who = funders.get(funder, funder) if isinstance(funder, str) else "sans financeur"
            plans[fiche].sources.append(_Part(position, who, None if cents is pd.NA else cents))
    if not inspection.has(_SUIVIS, "fiche_id", "partenaire_id", "exercice", _ENGAGED):
        return plans
    partners = _names(inspection, "partenaires", "partenaire_id")
    engaged = _rows(inspection, _SUIVIS, "fiche_id", "partenaire_id", "exercice", _ENGAGED)
    for position, (fiche, partner, exercice, cents) in enumerate(engaged):
        is_known = isinstance(fiche, str) and isinstance(partner, str) and exercice is not pd.NA
        if is_known and cents is not pd.NA and cents > 0:
            plans[fiche].engaged.append(_Part(position, partners.get(partner, partner), cents, exercice))
    return plans


def _rows(inspection: Inspection, table: str, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(inspection.column(table, name).tolist() for name in names), strict=True)


def _names(inspection: Inspection, table: str, key: str) -> dict[str, str]:
    if not inspection.has(table, key, "nom"):
        return {}
    rows = _rows(inspection, table, key, "nom")
    pairs = [(identifier, name) for identifier, name in rows if isinstance(identifier, str) and identifier]
    return {identifier: name if isinstance(name, str) and name else identifier for identifier, name in pairs}


def _check_unpriced(inspection: Inspection, plans: dict[str, _Plan]) -> None:
    """A ticked funder with no amount, where an amount is needed.

    It is when nothing says where the amount stands (no status), and when money is engaged on the fiche already: then
    « à négocier » no longer answers the question (a notice only: the status was said). « chiffré » without an amount,
    and an amount whose status says that there is none, are said by the checks of the contract.
    """
    frame = inspection.tables[_FINANCEMENTS].frame
    statuses = frame[_STATUS]
    ticked = frame["financeur_id"].notna() & frame["fiche_id"].notna() & frame[_MONEY].isna() & (statuses != _FIGURED)
    silent = statuses.isna()
    spent = frame["fiche_id"].isin([fiche for fiche, plan in plans.items() if plan.engaged])
    sources = {part.position: part.who for plan in plans.values() for part in plan.sources}
    for position in inspection.rows(_FINANCEMENTS, ticked & (silent | spent), _MONEY, _STATUS).tolist():
        fiche, status = frame["fiche_id"].iloc[position], inspection.value(_FINANCEMENTS, position, _STATUS)
        engaged = plans[fiche].engaged
        words = "ni son montant ni l'état du montant ne sont remplis" if status is None else "son montant est vide"
        words += "" if status is None else f" (« {status} »)"
        if engaged:
            words += f", alors que {format_euros(_sum(engaged))} y sont déjà engagés ({_who(engaged, years=True)})"
        inspection.say(
            "financeur-sans-montant", _FINANCEMENTS, position, _MONEY,
            gravite=None if status is None else Severity.INFORMATION,
            suggestion=None if status is None else "Demandez son montant à ce financeur, et remplissez-le.",
            liees=[(_FINANCEMENTS, position, _STATUS), *_engaged_cells(engaged)],
            financeur=sources[position], fiche=fiche, constat=words,
        )  # fmt: skip


def _check_unfunded(inspection: Inspection, fiche: str, engaged: Sequence[_Part]) -> None:
    """Money engaged on a fiche that has no financement at all: one finding per fiche, for all its exercices."""
    total = _sum(engaged)
    inspection.say(
        "engagement-sans-financeur", _SUIVIS, engaged[0].position, _ENGAGED,
        valeur=euros(total), liees=_engaged_cells(engaged[1:]),
        fiche=fiche, calcule=format_euros(total), qui=_who(engaged, years=True),
    )  # fmt: skip


def _check_cover(inspection: Inspection, fiche: str, plan: _Plan) -> None:
    """What partners engaged on a fiche in one exercice is at most what all its financements give.

    Only where every financement of the fiche is priced: a blank one could cover anything. A financement has no
    exercice (it may be the whole contract's), so exercices are not added up: what a single one engages beyond all the
    sources is uncovered however the financements are read. Up to the settings' rounding it is only a notice.
    """
    if any(part.cents is None for part in plan.sources):
        return
    financed, rounding = _sum(plan.sources), inspection.settings.arrondi_euros * 100
    years: defaultdict[int, list[_Part]] = defaultdict(list)
    for part in plan.engaged:
        years[part.exercice].append(part)
    for exercice, parts in sorted(years.items()):
        engaged = _sum(parts)
        gap = engaged - financed
        if gap <= 0:
            continue
        inspection.say(
            "plan-non-couvert", _SUIVIS, parts[0].position, _ENGAGED,
            valeur=euros(engaged), attendu=euros(financed),
            gravite=Severity.INFORMATION if gap <= rounding else None,
            liees=[*_engaged_cells(parts[1:]), *((_FINANCEMENTS, part.position, _MONEY) for part in plan.sources)],
            fiche=fiche, exercice=exercice, calcule=format_euros(engaged), qui=_who(parts),
            finance=format_euros(financed), sources=_who(plan.sources), ecart=format_euros(gap),
        )  # fmt: skip


def _engaged_cells(parts: Sequence[_Part]) -> list[tuple[str, int, str]]:
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
