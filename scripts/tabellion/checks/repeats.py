"""What comes twice: the same money in two conventions, a published total."""

from __future__ import annotations

from typing import Any

from tabellion.checks.inspection import Inspection, place_words
from tabellion.measures import MEASURE, Accounts, double_counts
from tabellion.schema.money import euros, format_euros

_LINES, _TOTALS = "lignes_budgetaires", "totaux_publies"
_TOTAL_KEY = ("source", "portee", "convention_id", "collectivite_id", "exercice")
_LINE_KEY = ("convention_id", "collectivite_id", "exercice", "libelle")


def check_double_counts(inspection: Inspection, accounts: Accounts) -> None:
    """The lines of one exercice whose money another convention's line already counts."""
    unread = inspection.unread(_LINES, *_LINE_KEY, MEASURE)
    for double in double_counts(accounts):
        position, counted = double.index, double.kept
        if position in unread or counted in unread:
            continue
        inspection.say(
            "compte-deux-fois",
            _LINES,
            position,
            MEASURE,
            valeur=euros(double.cents),
            liees=[(_LINES, counted, MEASURE)],
            libelle=double.libelle,
            calcule=format_euros(double.cents),
            collectivite=inspection.towns.get(double.town, double.town),
            autre=double.kept_convention,
        )


def check_twice_published(inspection: Inspection) -> None:
    """Two totals of the same place and scope: only the first counts, so the second must not pass in silence."""
    frame = inspection.tables[_TOTALS].frame
    key = list(_TOTAL_KEY)
    whole = frame[["source", "portee", "exercice"]].notna().all(axis=1)
    firsts: dict[tuple[Any, ...], int] = {}
    for position in inspection.rows(_TOTALS, whole & frame.duplicated(key, keep=False), *key).tolist():
        values = tuple(inspection.value(_TOTALS, position, name) for name in key)
        first = firsts.setdefault(values, position)
        if first != position:
            shown = [inspection.value(_TOTALS, place, "montant") for place in (first, position)]
            words = ["rien" if cents is None else format_euros(cents) for cents in shown]
            inspection.say(
                "total-en-double",
                _TOTALS,
                position,
                "montant",
                valeur=None if shown[1] is None else euros(shown[1]),
                attendu=None if shown[0] is None else euros(shown[0]),
                liees=[(_TOTALS, first, "montant")],
                total=place_words(inspection, values[0], values[2], values[3]),
                exercice=values[4],
                publie=words[0],
                autre=words[1],
            )
