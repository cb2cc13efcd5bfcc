"""The piliers, conventions and axes once all fiches are read: their titles wherever printed, their numbers."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tabellion.importing.document.fiche import Fiche
from tabellion.importing.document.headings import Heading, unnumbered
from tabellion.importing.document.lines import LineAccount, key, similarity
from tabellion.importing.document.outline import Outline
from tabellion.importing.document.recap import RecapRow

_HEADING, _CONTENTS, _RECAP = "titre du corps", "sommaire", "récapitulatif"
_SUBHEADING, _FICHES = "sous-titre", "fiches"
_NEAR = 0.8


def collect_piliers(outline: Outline, fiches: list[Fiche], account: LineAccount) -> list[dict[str, Any]]:
    """The rows of ``piliers``: those of the body, then those that only the contents or the axes' codes name."""
    rows: dict[str, dict[str, Any]] = {}

    def add(heading: Heading) -> None:
        rows.setdefault(
            heading.numero, {"pilier_id": heading.numero, "titre": heading.titre, "ligne_source": heading.ligne}
        )

    contents = {heading.numero: heading for heading in outline.headings.contents if not heading.numero.isdigit()}
    for heading in outline.headings.piliers:
        add(heading)
        listed = contents.get(heading.numero)
        if listed is None and outline.headings.contents:
            account.say(
                "pilier-hors-sommaire", heading.ligne, champ="titre", valeur=heading.titre, pilier=heading.numero
            )
        elif listed is not None and key(listed.titre) != key(heading.titre):
            _differs(account, f"pilier {heading.numero}", heading, [(_CONTENTS, listed)])
    for numero, heading in contents.items():
        if numero not in rows:
            account.say("pilier-hors-corps", heading.ligne, champ="titre", valeur=heading.titre, pilier=numero)
            add(heading)
    for fiche in fiches:
        numero = str(fiche.row["axe_id"] or "").partition("-")[0]
        if numero and numero not in rows:
            account.say("pilier-sans-titre", fiche.ligne, champ="titre", valeur=fiche.pilier_titre, pilier=numero)
            add(Heading(fiche.ligne, numero, fiche.pilier_titre or numero))
    return list(rows.values())


def collect_conventions(
    outline: Outline, recap: list[RecapRow], fiches: list[Fiche], account: LineAccount
) -> list[dict[str, Any]]:
    """The rows of ``conventions``, by number. One that the body does not open is kept, with a finding."""
    bodies: dict[str, Heading] = {}
    piliers: dict[str, str | None] = {}
    for section in outline.sections:
        if section.heading is not None and section.heading.numero not in bodies:
            bodies[section.heading.numero] = section.heading
            piliers[section.heading.numero] = section.pilier.numero if section.pilier else None
        elif section.heading is not None:
            account.say("convention-repetee", section.heading.ligne, valeur=section.heading.titre)
    contents, listed_under = _contents_conventions(outline)
    recaps = {str(row.convention): row for row in recap if row.portee == "convention"}
    rows: list[dict[str, Any]] = []
    by_fiche: dict[str, list[Fiche]] = {}
    for fiche in fiches:
        if fiche.row["convention_id"] is not None:
            by_fiche.setdefault(str(fiche.row["convention_id"]), []).append(fiche)
    for numero in sorted({*bodies, *contents, *recaps, *by_fiche}, key=int):
        own = by_fiche.get(numero, [])
        named = Counter(fiche.convention_titre for fiche in own if fiche.convention_titre)
        sub = next((h for h in outline.headings.subheadings if h.numero == numero), None)
        court = named.most_common(1)[0][0] if named else sub.titre if sub else None
        heading = bodies.get(numero) or contents.get(numero)
        if heading is None and numero in recaps:
            row = recaps[numero]
            heading = Heading(row.ligne, numero, unnumbered(row.libelle))
        if heading is None:
            heading = Heading(own[0].ligne, numero, court or f"Convention {numero}")
        if numero not in bodies:
            account.say("convention-hors-corps", heading.ligne, champ="titre", valeur=heading.titre, convention=numero)
        if numero not in contents and contents:
            account.say(
                "convention-hors-sommaire", heading.ligne, champ="titre", valeur=heading.titre, convention=numero
            )
        if numero not in recaps and recaps:
            account.say(
                "convention-hors-recapitulatif", heading.ligne, champ="titre", valeur=heading.titre, convention=numero
            )
        pilier = piliers.get(numero) or listed_under.get(numero) or _pilier_of(own)
        if pilier is None:
            account.say(
                "convention-sans-pilier", heading.ligne, champ="pilier_id", valeur=heading.titre, convention=numero
            )
        _check_titles(numero, heading, contents.get(numero), recaps.get(numero), sub, own, account)
        rows.append(
            {
                "convention_id": int(numero),
                "pilier_id": pilier,
                "titre": heading.titre,
                "titre_court": court,
                "ligne_source": heading.ligne,
            }
        )
    return rows


def _contents_conventions(outline: Outline) -> tuple[dict[str, Heading], dict[str, str]]:
    """The conventions of the contents by number, and the pilier under which each is listed."""
    entries: dict[str, Heading] = {}
    under: dict[str, str] = {}
    pilier: str | None = None
    for heading in outline.headings.contents:
        if not heading.numero.isdigit():
            pilier = heading.numero
            continue
        entries[heading.numero] = heading
        if pilier is not None:
            under[heading.numero] = pilier
    return entries, under


def _pilier_of(fiches: list[Fiche]) -> str | None:
    numerals = Counter(str(f.row["axe_id"]).partition("-")[0] for f in fiches if f.row["axe_id"])
    return numerals.most_common(1)[0][0] if numerals else None


def _check_titles(
    numero: str,
    heading: Heading,
    listed: Heading | None,
    total: RecapRow | None,
    sub: Heading | None,
    fiches: list[Fiche],
    account: LineAccount,
) -> None:
    variants: list[tuple[str, Heading]] = []
    if listed is not None:
        variants.append((_CONTENTS, listed))
    if total is not None:
        variants.append((_RECAP, Heading(total.ligne, numero, unnumbered(total.libelle))))
    if sub is not None:
        variants.append((_SUBHEADING, sub))
    seen: set[str] = set()
    for fiche in fiches:
        if fiche.convention_titre and key(fiche.convention_titre) not in seen:
            seen.add(key(fiche.convention_titre))
            ligne = fiche.block.labels.get("sous_thematique", fiche.ligne)
            variants.append((_FICHES, Heading(ligne, numero, fiche.convention_titre)))
    _differs(account, f"convention {numero}", heading, [v for v in variants if key(v[1].titre) != key(heading.titre)])


def _differs(account: LineAccount, quoi: str, heading: Heading, variants: list[tuple[str, Heading]]) -> None:
    """One finding for each title that is not the heading's, naming every place that has it."""
    by_title: dict[str, list[tuple[str, Heading]]] = {}
    for place, other in variants:
        by_title.setdefault(key(other.titre), []).append((place, other))
    for others in by_title.values():
        other = others[0][1]
        account.say(
            "titre-different", other.ligne, champ="titre", valeur=other.titre, attendu=heading.titre, quoi=quoi,
            ou=", ".join(place for place, _ in others), liees=[heading.ligne, *(h.ligne for _, h in others[1:])],
        )  # fmt: skip


def check_fiche_piliers(
    fiches: list[Fiche], conventions: list[dict[str, Any]], piliers: list[dict[str, Any]], account: LineAccount
) -> None:
    """Compare each fiche's header with the title of its convention's pilier."""
    titles = {row["pilier_id"]: row["titre"] for row in piliers}
    of_convention = {row["convention_id"]: row["pilier_id"] for row in conventions}
    noted: set[tuple[str, str]] = set()
    for fiche in fiches:
        pilier = of_convention.get(fiche.row["convention_id"])
        expected, printed = titles.get(pilier), fiche.pilier_titre
        if expected is None or printed is None or key(printed) == key(expected) or (str(pilier), key(printed)) in noted:
            continue
        noted.add((str(pilier), key(printed)))
        other = next((name for name, title in titles.items() if key(title) == key(printed)), None)
        if other is None and similarity(printed, expected) >= _NEAR:
            _differs(account, f"pilier {pilier}", Heading(fiche.ligne, str(pilier), expected),
                     [(_FICHES, Heading(fiche.ligne, str(pilier), printed))])  # fmt: skip
        else:
            account.say(
                "fiche-autre-pilier", fiche.ligne, champ="convention_id", valeur=printed, attendu=expected,
                fiche=fiche.row["fiche_id"],
            )  # fmt: skip


_RANK = re.compile(r"(?P<axe>[IVXLC]+-\d+(?:\.\d+)*)\.?/(?P<rang>\d+)")


def settle_numbers(fiches: list[Fiche], account: LineAccount) -> None:
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
            account.say("fiche-numero-double", fiche.ligne, champ="fiche_id", valeur=numero, liees=[first[numero]])
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
            account.say("fiche-numero-deduit", ligne, champ="fiche_id", attendu=numero)
        else:
            account.say("fiche-sans-numero", ligne, champ="fiche_id", attendu=numero)


def _rank(fiche: Fiche, axe: str | None) -> int | None:
    match = _RANK.fullmatch(fiche.row["fiche_id"] or "")
    return int(match["rang"]) if match and match["axe"] == axe else None


def collect_axes(fiches: list[Fiche], account: LineAccount) -> list[dict[str, Any]]:
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
            account.say(
                "axe-deux-titres", ligne, champ="titre", valeur=fiche.axe_titre, attendu=known["titre"], axe=code,
                liees=[known["ligne_source"]],
            )  # fmt: skip
        if known["convention_id"] != fiche.row["convention_id"]:
            account.say(
                "axe-deux-conventions", ligne, champ="convention_id", valeur=fiche.row["convention_id"],
                attendu=known["convention_id"], axe=code, liees=[known["ligne_source"]],
            )  # fmt: skip
    return list(axes.values())
