"""The piliers and conventions, and the cross-check of their titles wherever the document prints them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tabellion.importing.document.fiche import Fiche
from tabellion.importing.document.headings import Heading, unnumbered
from tabellion.importing.document.ledger import Ledger
from tabellion.importing.document.outline import Outline
from tabellion.importing.document.recap import RecapRow
from tabellion.importing.document.text import key, similarity

_HEADING, _CONTENTS, _RECAP = "titre du corps", "sommaire", "récapitulatif"
_SUBHEADING, _FICHES = "sous-titre", "fiches"
_NEAR = 0.8


def collect_piliers(outline: Outline, fiches: list[Fiche], ledger: Ledger) -> list[dict[str, Any]]:
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
            ledger.say(
                "pilier-hors-sommaire", heading.ligne, champ="titre", valeur=heading.titre, pilier=heading.numero
            )
        elif listed is not None and key(listed.titre) != key(heading.titre):
            _differs(ledger, f"pilier {heading.numero}", heading, [(_CONTENTS, listed)])
    for numero, heading in contents.items():
        if numero not in rows:
            ledger.say("pilier-hors-corps", heading.ligne, champ="titre", valeur=heading.titre, pilier=numero)
            add(heading)
    for fiche in fiches:
        numero = str(fiche.row["axe_id"] or "").partition("-")[0]
        if numero and numero not in rows:
            ledger.say("pilier-sans-titre", fiche.ligne, champ="titre", valeur=fiche.pilier_titre, pilier=numero)
            add(Heading(fiche.ligne, numero, fiche.pilier_titre or numero))
    return list(rows.values())


def collect_conventions(
    outline: Outline, recap: list[RecapRow], fiches: list[Fiche], ledger: Ledger
) -> list[dict[str, Any]]:
    """The rows of ``conventions``, by number. One that the body does not open is kept, with a finding."""
    bodies: dict[str, Heading] = {}
    piliers: dict[str, str | None] = {}
    for section in outline.sections:
        if section.heading is not None and section.heading.numero not in bodies:
            bodies[section.heading.numero] = section.heading
            piliers[section.heading.numero] = section.pilier.numero if section.pilier else None
        elif section.heading is not None:
            ledger.say("convention-repetee", section.heading.ligne, valeur=section.heading.titre)
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
            ledger.say("convention-hors-corps", heading.ligne, champ="titre", valeur=heading.titre, convention=numero)
        if numero not in contents and contents:
            ledger.say(
                "convention-hors-sommaire", heading.ligne, champ="titre", valeur=heading.titre, convention=numero
            )
        if numero not in recaps and recaps:
            ledger.say(
                "convention-hors-recapitulatif", heading.ligne, champ="titre", valeur=heading.titre, convention=numero
            )
        pilier = piliers.get(numero) or listed_under.get(numero) or _pilier_of(own)
        if pilier is None:
            ledger.say(
                "convention-sans-pilier", heading.ligne, champ="pilier_id", valeur=heading.titre, convention=numero
            )
        _check_titles(numero, heading, contents.get(numero), recaps.get(numero), sub, own, ledger)
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
    ledger: Ledger,
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
    _differs(ledger, f"convention {numero}", heading, [v for v in variants if key(v[1].titre) != key(heading.titre)])


def _differs(ledger: Ledger, quoi: str, heading: Heading, variants: list[tuple[str, Heading]]) -> None:
    """One finding for each title that is not the heading's, naming every place that has it."""
    by_title: dict[str, list[tuple[str, Heading]]] = {}
    for place, other in variants:
        by_title.setdefault(key(other.titre), []).append((place, other))
    for found in by_title.values():
        other = found[0][1]
        ledger.say(
            "titre-different", other.ligne, champ="titre", valeur=other.titre, attendu=heading.titre, quoi=quoi,
            ou=", ".join(place for place, _ in found), liees=[heading.ligne, *(h.ligne for _, h in found[1:])],
        )  # fmt: skip


def check_fiche_piliers(
    fiches: list[Fiche], conventions: list[dict[str, Any]], piliers: list[dict[str, Any]], ledger: Ledger
) -> None:
    """Compare each fiche's header with the title of its convention's pilier."""
    titles = {row["pilier_id"]: row["titre"] for row in piliers}
    of_convention = {row["convention_id"]: row["pilier_id"] for row in conventions}
    said: set[tuple[str, str]] = set()
    for fiche in fiches:
        pilier = of_convention.get(fiche.row["convention_id"])
        expected, found = titles.get(pilier), fiche.pilier_titre
        if expected is None or found is None or key(found) == key(expected) or (str(pilier), key(found)) in said:
            continue
        said.add((str(pilier), key(found)))
        other = next((name for name, title in titles.items() if key(title) == key(found)), None)
        if other is None and similarity(found, expected) >= _NEAR:
            _differs(ledger, f"pilier {pilier}", Heading(fiche.ligne, str(pilier), expected),
                     [(_FICHES, Heading(fiche.ligne, str(pilier), found))])  # fmt: skip
        else:
            ledger.say(
                "fiche-autre-pilier", fiche.ligne, champ="convention_id", valeur=found, attendu=expected,
                fiche=fiche.row["fiche_id"],
            )  # fmt: skip
