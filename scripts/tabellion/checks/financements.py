"""One financement under two identifiers: the same fiche, funder and dispositif, whose money would be counted twice."""

from __future__ import annotations

from tabellion.checks.inspection import Inspection
from tabellion.measures.financements import COUNTED, retained_of
from tabellion.wording import fold

_FINANCEMENTS = "financements"
_SAME = ("fiche_id", "financeur_id", "dispositif")


def check_financements(inspection: Inspection) -> None:
    """Say each financement that repeats one before it: in one exercice, or both counted in the current one."""
    if not inspection.has(_FINANCEMENTS, "financement_id", *_SAME):
        return
    rows = inspection.tables[_FINANCEMENTS].rows
    counted = [COUNTED.holds(word) for word in retained_of(rows, inspection.settings.exercice_courant)]
    unread = inspection.unread(_FINANCEMENTS, *_SAME)
    before: dict[tuple[str, str, str], list[int]] = {}
    for position, row in enumerate(rows):
        if position in unread or row["fiche_id"] is None or row["financeur_id"] is None:
            continue
        alike = before.setdefault((row["fiche_id"], row["financeur_id"], fold(row["dispositif"] or "")), [])
        for first in alike:
            is_same_year = rows[first].get("exercice") == row.get("exercice")
            if is_same_year or (counted[first] and counted[position]):
                _say(inspection, first, position)
                break
        alike.append(position)


def _say(inspection: Inspection, first: int, position: int) -> None:
    rows = inspection.tables[_FINANCEMENTS].rows
    year = rows[position].get("exercice")
    inspection.say(
        "financement-en-double", _FINANCEMENTS, position, "financeur_id",
        valeur=rows[position]["financement_id"], liees=[(_FINANCEMENTS, first, "financeur_id")],
        autre=rows[first]["financement_id"], exercice="sans exercice" if year is None else f"exercice {year}",
    )  # fmt: skip
