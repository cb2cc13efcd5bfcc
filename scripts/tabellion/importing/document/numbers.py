"""The fiches' numbers and axes once all fiches are read: numbers missing or used twice, axes with two titles."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tabellion.importing.document.fiche import Fiche
from tabellion.importing.document.ledger import Ledger
from tabellion.importing.document.text import key

_RANK = re.compile(r"(?P<axe>[IVXLC]+-\d+(?:\.\d+)*)\.?/(?P<rang>\d+)")


def settle_numbers(fiches: list[Fiche], ledger: Ledger) -> None:
    """Give every fiche an identifier.

    A missing number is derived when its neighbours leave one place: the fiches of its axe are numbered in order, the
    one before it has the number before, and none or the next has the number after. Otherwise it gets the first free
    rank of its axe, and the finding says that it is made up.
    """
    counts = Counter(fiche.row["fiche_id"] for fiche in fiches if fiche.row["fiche_id"])
    first: dict[str, int] = {}
    for fiche in fiches:
        numero = fiche.row["fiche_id"]
        if numero and counts[numero] > 1 and numero in first:
            ledger.say("fiche-numero-double", fiche.ligne, champ="fiche_id", valeur=numero, liees=[first[numero]])
        elif numero:
            first[numero] = fiche.ligne
    taken = {(match["axe"], int(match["rang"])) for numero in counts if (match := _RANK.fullmatch(numero))}
    for index, fiche in enumerate(fiches):
        if fiche.row["fiche_id"]:
            continue
        axe = fiche.row["axe_id"]
        before = _rank(fiches[index - 1], axe) if index else None
        after = _rank(fiches[index + 1], axe) if index + 1 < len(fiches) else None
        follows = index > 0 and fiches[index - 1].row["axe_id"] == axe
        rank = before + 1 if before is not None else 1
        sure = axe is not None and (axe, rank) not in taken
        sure = sure and (before is not None or not follows) and (after is None or after == rank + 1)
        ligne = fiche.block.labels.get("numero", fiche.ligne)
        if not sure:
            axe = axe or f"I-{fiche.row['convention_id'] or 999}"
            while (axe, rank) in taken:
                rank += 1
        numero = f"{axe}./{rank}"
        taken.add((axe, rank))
        fiche.row["fiche_id"] = numero
        if sure:
            fiche.repaired("numéro déduit", "")
            ledger.say("fiche-numero-deduit", ligne, champ="fiche_id", attendu=numero)
        else:
            ledger.say("fiche-sans-numero", ligne, champ="fiche_id", attendu=numero)


def _rank(fiche: Fiche, axe: str | None) -> int | None:
    match = _RANK.fullmatch(fiche.row["fiche_id"] or "")
    return int(match["rang"]) if match and match["axe"] == axe else None


def collect_axes(fiches: list[Fiche], ledger: Ledger) -> list[dict[str, Any]]:
    """The rows of ``axes``, in order of first appearance; a second title, or a second convention, is a finding.

    A fiche whose axe has a known title but no code takes the code of that title.
    """
    axes: dict[str, dict[str, Any]] = {}
    for fiche in fiches:
        code = fiche.row["axe_id"]
        ligne = fiche.block.labels.get("axe", fiche.ligne)
        if code is None:
            continue
        known = axes.get(code)
        if known is None:
            axes[code] = {
                "axe_id": code,
                "convention_id": fiche.row["convention_id"],
                "titre": fiche.axe_titre,
                "ligne_source": ligne,
            }
            continue
        if known["titre"] is None and fiche.axe_titre:
            known["titre"] = fiche.axe_titre
        elif fiche.axe_titre and key(fiche.axe_titre) != key(known["titre"]):
            ledger.say(
                "axe-deux-titres", ligne, champ="titre", valeur=fiche.axe_titre, attendu=known["titre"], axe=code,
                liees=[known["ligne_source"]],
            )  # fmt: skip
        if known["convention_id"] != fiche.row["convention_id"]:
            ledger.say(
                "axe-deux-conventions", ligne, champ="convention_id", valeur=fiche.row["convention_id"],
                attendu=known["convention_id"], axe=code, liees=[known["ligne_source"]],
            )  # fmt: skip
    return list(axes.values())
