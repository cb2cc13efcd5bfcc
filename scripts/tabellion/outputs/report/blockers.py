"""What blocks: returns rejected, files set aside, conflicts, findings of the master; and what to do of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tabellion.campaign.model import Consolidation, ReturnStatus
from tabellion.findings import Finding
from tabellion.outputs.report.board import undecided
from tabellion.outputs.report.findings import Sheaf
from tabellion.outputs.report.words import LISTED_AT_MOST, NARROW, href, link_to, typeset
from tabellion.wording import plural

Owners = dict[str, tuple[str, int]]
Anchors = dict[tuple[str, int], Sheaf]


@dataclass(frozen=True)
class Entry:
    """One thing that blocks: ``anchor`` is where the page says more of it, ``annotated`` the annotated copy."""

    text: str
    note: str = ""
    href: str = ""
    anchor: str = ""
    annotated: str = ""


@dataclass(frozen=True)
class Blocker:
    """One kind of thing that blocks, and what to do; of ``count`` things, the first ones are told.

    A conflict does not block (``blocks``): the contract's value stands until people decide.
    """

    title: str
    remedy: str
    entries: tuple[Entry, ...]
    count: int
    blocks: bool = True


def blockers_of(consolidation: Consolidation, owners: Owners, anchors: Anchors) -> Iterable[Blocker]:
    """All that blocks, in the order in which to act."""
    files = undecided(consolidation)
    aside = {each.fichier for each in files}
    rejected = [
        each
        for each in consolidation.board
        if each.status in (ReturnStatus.REJECTED, ReturnStatus.KEPT)
        and (each.latest is None or each.latest.fichier not in aside)
    ]
    if rejected:
        entries = []
        for line in rejected:
            sheaf, latest = anchors.get((line.partenaire, line.exercice)), line.latest
            blocking = sheaf.blocking if sheaf is not None else 0
            note = plural(blocking, "point bloquant", "points bloquants") if blocking else line.status.value
            if line.status is ReturnStatus.KEPT:
                note += f"{NARROW}; son retour précédent compte encore"
            annotated = href(latest.annotated) if latest is not None and latest.annotated else ""
            entries.append(Entry(line.nom, note, "", sheaf.anchor if sheaf is not None else "", annotated))
        yield Blocker(
            plural(len(rejected), "retour rejeté", "retours rejetés"),
            typeset(
                "Renvoyez à chacun sa copie annotée, qu'il corrige et retourne ; "
                "« tabellion relances » écrit le message qui l'accompagne."
            ),
            tuple(entries[:LISTED_AT_MOST]),
            len(entries),
        )
    if files:
        yield Blocker(
            plural(len(files), "fichier mis de côté", "fichiers mis de côté"),
            typeset(
                "Ouvrez chaque fichier : redemandez-le s'il est abîmé, ou déplacez dans retours/écartés/ celui qui ne "
                "doit pas compter."
            ),
            tuple(
                Entry(
                    each.fichier, typeset(f"{each.verdict.value} : {each.findings[0].message}") if each.findings
                    else each.verdict.value, href(each.fichier),
                )
                for each in files[:LISTED_AT_MOST]
            ),
            len(files),
        )  # fmt: skip
    if consolidation.conflicts:
        count = len(consolidation.conflicts)
        yield Blocker(
            plural(count, "valeur en conflit", "valeurs en conflit"),
            "Décidez de la bonne valeur, écrivez-la dans le classeur du contrat, et dites-le au partenaire.",
            (Entry("Voir ce que chacun dit", anchor="conflits"),),
            count,
            blocks=False,
        )
    strays = {each.fichier for each in consolidation.strays}
    others = [
        each
        for each in consolidation.findings
        if each.bloquant and (each.place.fichier or "") not in owners and (each.place.fichier or "") not in strays
    ]
    master = consolidation.master_file
    yield from _of_findings("dans le classeur du contrat", [each for each in others if each.place.fichier == master])
    yield from _of_findings("dans l'ensemble", [each for each in others if each.place.fichier != master])


def _of_findings(where_found: str, findings: Sequence[Finding]) -> Iterable[Blocker]:
    if findings:
        yield Blocker(
            f"{plural(len(findings), 'anomalie bloquante', 'anomalies bloquantes')} {where_found}",
            typeset("Corrigez chaque cellule citée ; ce qu'il faut y faire est dit à côté."),
            tuple(
                Entry(
                    link_to(each.place).text or "Le contrat",
                    typeset(f"{each.message} {each.suggestion}"),
                    link_to(each.place).href,
                )
                for each in findings[:LISTED_AT_MOST]
            ),
            len(findings),
        )
