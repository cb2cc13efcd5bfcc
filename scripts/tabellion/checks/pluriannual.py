"""The years of the conventions pluriannuelles d'objectifs (CPO), where fiches have them."""

from __future__ import annotations

from collections import defaultdict

from tabellion.checks.inspection import OWN, Inspection

_FIRST, _LAST = "cpo_debut", "cpo_fin"


def check_cpo_years(inspection: Inspection) -> None:
    """The years of a CPO follow each other, belong to a fiche that has one, and each has its financements."""
    if not inspection.has("fiches", "cpo", _FIRST, _LAST):
        return
    unread = inspection.unread("fiches", "cpo", _FIRST, _LAST)
    for position, row in enumerate(inspection.tables["fiches"].rows):
        first, last = row[_FIRST], row[_LAST]
        if position in unread or (first is None and last is None):
            continue
        cell = ("fiches", position, _FIRST if first is not None else _LAST)
        if row["cpo"] is not True:
            inspection.say("cpo-non-cochee", *cell, valeur=OWN, liees=[("fiches", position, "cpo")])
        if first is None or last is None:
            inspection.say("cpo-sans-duree", *cell, valeur=OWN)
        elif last < first:
            inspection.say("cpo-a-l-envers", "fiches", position, _LAST, valeur=OWN, attendu=first)
        else:
            _check_financements(inspection, position, range(first, last + 1))


def _check_financements(inspection: Inspection, position: int, years: range) -> None:
    """Of the years that have come, each has a financement once the fiche has one that says its exercice."""
    if not inspection.has("financements", "exercice"):
        return
    funded = _funded_years(inspection).get(inspection.value("fiches", position, "fiche_id"), set())
    due = [year for year in years if year <= inspection.settings.exercice_courant]
    lacking = [str(year) for year in due if year not in funded]
    if funded and lacking:
        inspection.say("cpo-annee-sans-financement", "fiches", position, _FIRST, valeur=", ".join(lacking))


def _funded_years(inspection: Inspection) -> dict[str, set[int]]:
    """The exercices of the financements of each fiche."""
    years: defaultdict[str, set[int]] = defaultdict(set)
    for row in inspection.tables["financements"].rows:
        if row["fiche_id"] is not None and row["exercice"] is not None:
            years[row["fiche_id"]].add(row["exercice"])
    return years
