"""The piliers, conventions and axes once all fiches are read: their titles wherever printed, their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import count

from tabellion.importing.fiche import Fiche
from tabellion.importing.fiche_layout import FICHE_NUMBER
from tabellion.importing.headings import Heading, unnumbered
from tabellion.importing.lines import LineAccount, Record, key, similarity
from tabellion.importing.outline import Outline
from tabellion.importing.recap import RecapRow

_CONTENTS, _RECAP, _SUBHEADING, _FICHES = "sommaire", "récapitulatif", "sous-titre", "fiches"
_NEAR = 0.8


def settle_numbers(fiches: list[Fiche], account: LineAccount) -> None:
    """Give every fiche an identifier of its own.

    A fiche that has the number of one before it gets a second rank behind it, and the finding says so. A missing
    number is derived when its neighbours leave one place: the fiches of its axe are numbered in order, the one before
    it has the number before, and none or the next has the number after. Otherwise it gets the first free rank of its
    axe, and the finding says that it is made up.
    """
    numbers = {fiche.row["fiche_id"] for fiche in fiches}
    first: dict[str, int] = {}
    for fiche in fiches:
        numero, ligne = fiche.row["fiche_id"], fiche.line_of("numero")
        if numero and first.setdefault(numero, ligne) != ligne:
            other = next(candidate for rank in count(2) if (candidate := f"{numero}-{rank}") not in numbers)
            numbers.add(other)
            fiche.row["fiche_id"] = other
            fiche.repaired("numéro déjà pris", numero)
            account.say(
                "fiche-numero-double", ligne, champ="fiche_id", valeur=numero, retenu=other, liees=[first[numero]]
            )  # fmt: skip
    taken = {(match["axe"], int(match["rang"])) for numero in first if (match := FICHE_NUMBER.fullmatch(numero))}
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
        if not sure:
            axe = axe or f"I-{fiche.row['convention_id'] or 999}"
            while (axe, rank) in taken:
                rank += 1
        taken.add((axe, rank))
        numero = fiche.row["fiche_id"] = f"{axe}./{rank}"
        if sure:
            fiche.repaired("numéro déduit", "")
            fiche.say("fiche-numero-deduit", "numero", champ="fiche_id", attendu=numero)
        else:
            fiche.say("fiche-sans-numero", "numero", champ="fiche_id", attendu=numero)


def _rank(fiche: Fiche, axe: str | None) -> int | None:
    match = FICHE_NUMBER.fullmatch(fiche.row["fiche_id"] or "")
    return int(match["rang"]) if match and match["axe"] == axe else None


def collect_axes(fiches: list[Fiche]) -> list[Record]:
    """The rows of ``axes``, in order of first appearance; a second title, or a second convention, is a finding."""
    axes: dict[str, Record] = {}
    for fiche in fiches:
        code, titre, convention = fiche.row["axe_id"], fiche.axe_titre, fiche.row["convention_id"]
        if code is None:
            continue
        fields = ("axe_id", "convention_id", "titre", "ligne_source")
        axe = axes.setdefault(code, dict(zip(fields, (code, convention, titre, fiche.line_of("axe")), strict=True)))
        first, liees = axe["titre"], [axe["ligne_source"]]
        if first is None:
            axe["titre"] = titre
        elif titre and key(titre) != key(first):
            fiche.say("axe-deux-titres", "axe", champ="titre", valeur=titre, attendu=first, axe=code, liees=liees)
        if axe["convention_id"] != convention:
            fiche.say(
                "axe-deux-conventions", "axe", champ="convention_id", valeur=convention,
                attendu=axe["convention_id"], axe=code, liees=liees,
            )  # fmt: skip
    for code, axe in axes.items():
        before, dot, last = code.rpartition(".")
        skipped = f"{before}.{int(last) - 1}" if dot and last.isdigit() and int(last) > 1 else None
        if skipped is not None and skipped not in axes:
            first = next(fiche for fiche in fiches if fiche.row["axe_id"] == code)
            first.say("axe-saute", "axe", champ="axe_id", valeur=code, attendu=skipped, liees=[axe["ligne_source"]])
    return list(axes.values())


def collect_piliers(outline: Outline, fiches: list[Fiche], account: LineAccount) -> list[Record]:
    """The rows of ``piliers``: those of the body, then those that only the contents or the axes' codes name."""
    piliers: dict[str, Heading] = {}
    contents = {heading.numero: heading for heading in outline.headings.contents if heading.is_pilier}
    for heading in [heading for heading in outline.headings.body.values() if heading.is_pilier]:
        numero = heading.numero
        piliers.setdefault(numero, heading)
        if numero in contents:
            _differs(account, f"pilier {numero}", heading, [(_CONTENTS, contents[numero])])
        elif outline.headings.contents:
            account.say("pilier-hors-sommaire", heading.ligne, champ="titre", valeur=heading.titre, pilier=numero)
    for numero, heading in contents.items():
        if piliers.setdefault(numero, heading) is heading:
            account.say("pilier-hors-corps", heading.ligne, champ="titre", valeur=heading.titre, pilier=numero)
    for fiche in fiches:
        numero = _numeral(fiche)
        if numero and numero not in piliers:
            fiche.say("pilier-sans-titre", champ="titre", valeur=fiche.pilier_titre, pilier=numero)
            piliers[numero] = Heading(fiche.ligne, numero, fiche.pilier_titre or numero)
    return [
        {"pilier_id": numero, "titre": heading.titre, "ligne_source": heading.ligne}
        for numero, heading in piliers.items()
    ]


def _numeral(fiche: Fiche) -> str:
    """The pilier's number at the head of the fiche's axe; blank without an axe, or where its code says none."""
    number, dash, _ = str(fiche.row["axe_id"] or "").partition("-")
    return number if dash else ""


def collect_conventions(
    outline: Outline, recap: list[RecapRow], fiches: list[Fiche], account: LineAccount
) -> list[Record]:
    """The rows of ``conventions``, by number. One that the body does not open is kept, with a finding."""
    piliers: dict[str, str] = {}
    bodies: dict[str, Heading] = {}
    for section in outline.sections:
        heading = section.heading
        if heading is not None and bodies.setdefault(heading.numero, heading) is not heading:
            account.say("convention-repetee", heading.ligne, valeur=heading.titre)
        elif heading is not None and section.pilier is not None:
            piliers[heading.numero] = section.pilier.numero
    contents: dict[str, Heading] = {}
    listed_under: dict[str, str] = {}
    pilier: str | None = None
    for entry in outline.headings.contents:
        if entry.is_pilier:
            pilier = entry.numero
            continue
        contents[entry.numero] = entry
        if pilier is not None:
            listed_under[entry.numero] = pilier
    recaps = {
        str(row.convention): Heading(row.ligne, str(row.convention), unnumbered(row.libelle))
        for row in recap
        if row.portee == "convention"
    }
    subheadings = {heading.numero: heading for heading in reversed(outline.headings.subheadings)}
    by_convention: dict[str, list[Fiche]] = {}
    for fiche in fiches:
        if fiche.row["convention_id"] is not None:
            by_convention.setdefault(str(fiche.row["convention_id"]), []).append(fiche)
    rows: list[Record] = []
    has_piliers = bool(piliers or listed_under or any(map(_numeral, fiches)))
    for numero in sorted({*bodies, *contents, *recaps, *by_convention}, key=int):
        own = by_convention.get(numero, [])
        names = Counter(fiche.convention_titre for fiche in own if fiche.convention_titre)
        printed: dict[str, Heading] = {}
        for fiche in own:
            if titre := fiche.convention_titre:
                printed.setdefault(key(titre), Heading(fiche.line_of("sous_thematique"), numero, titre))
        sub = subheadings.get(numero)
        court = names.most_common(1)[0][0] if names else sub.titre if sub else None
        heading = bodies.get(numero) or contents.get(numero) or recaps.get(numero)
        if heading is None:
            heading = Heading(own[0].ligne, numero, court or f"Convention {numero}")
        if numero not in bodies:
            _say(account, "convention-hors-corps", heading)
        if numero not in contents and contents:
            _say(account, "convention-hors-sommaire", heading)
        if numero not in recaps and recaps:
            _say(account, "convention-hors-recapitulatif", heading)
        numerals = Counter(filter(None, map(_numeral, own))).most_common(1)
        under = piliers.get(numero) or listed_under.get(numero) or (numerals[0][0] if numerals else None)
        if under is None and has_piliers:
            _say(account, "convention-sans-pilier", heading, "pilier_id")
        others = [(_CONTENTS, contents.get(numero)), (_RECAP, recaps.get(numero)), (_SUBHEADING, sub)]
        others += [(_FICHES, title) for title in printed.values()]
        _differs(account, f"convention {numero}", heading, others)
        fields = ("convention_id", "pilier_id", "titre", "titre_court", "ligne_source")
        rows.append(dict(zip(fields, (int(numero), under, heading.titre, court, heading.ligne), strict=True)))
    return rows


def _say(account: LineAccount, code: str, heading: Heading, champ: str = "titre") -> None:
    account.say(code, heading.ligne, champ=champ, valeur=heading.titre, convention=heading.numero)


def _differs(account: LineAccount, quoi: str, heading: Heading, others: Iterable[tuple[str, Heading | None]]) -> None:
    """One finding for each title that is not the heading's, naming every place that has it."""
    by_title: dict[str, list[tuple[str, Heading]]] = {}
    for place, other in others:
        if other is not None and key(other.titre) != key(heading.titre):
            by_title.setdefault(key(other.titre), []).append((place, other))
    for printed in by_title.values():
        other = printed[0][1]
        account.say(
            "titre-different", other.ligne, champ="titre", valeur=other.titre, attendu=heading.titre, quoi=quoi,
            ou=", ".join(place for place, _ in printed), liees=[heading.ligne, *(h.ligne for _, h in printed[1:])],
        )  # fmt: skip


def check_fiche_piliers(
    fiches: list[Fiche], conventions: list[Record], piliers: list[Record], account: LineAccount
) -> None:
    """Compare each fiche's header with the title of its convention's pilier."""
    titles = {row["pilier_id"]: row["titre"] for row in piliers}
    pilier_of = {row["convention_id"]: row["pilier_id"] for row in conventions}
    noted: set[tuple[str | None, str]] = set()
    for fiche in fiches:
        pilier = pilier_of.get(fiche.row["convention_id"])
        expected, printed = titles.get(pilier), fiche.pilier_titre
        if expected is None or printed is None or key(printed) == key(expected) or (pilier, key(printed)) in noted:
            continue
        noted.add((pilier, key(printed)))
        elsewhere = key(printed) in map(key, titles.values())
        if not elsewhere and similarity(printed, expected) >= _NEAR:
            heading = Heading(fiche.ligne, str(pilier), printed)
            _differs(account, f"pilier {pilier}", Heading(fiche.ligne, str(pilier), expected), [(_FICHES, heading)])
        else:
            numero = fiche.row["fiche_id"]
            fiche.say("fiche-autre-pilier", champ="convention_id", valeur=printed, attendu=expected, fiche=numero)
