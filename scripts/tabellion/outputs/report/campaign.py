"""The campaign as the report shows it: partners by where they stand, what blocks each and the contract, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile, Verdict
from tabellion.findings import Finding
from tabellion.measures.board import ReturnStatus, StatusCounts
from tabellion.outputs import Values
from tabellion.outputs.report.findings import FindingsSection
from tabellion.outputs.report.words import LISTED_AT_MOST, NARROW, href, link_to, stacked, typeset
from tabellion.wording import fold, french_date, plural

_Item = TypeVar("_Item")
Owners = dict[str, tuple[str, int]]
Anchors = dict[tuple[str, int], FindingsSection]
#: Statuses in the order of need, each with its sign, its colour by name, and whether it calls for action.
_STATUSES = {
    ReturnStatus.REJECTED: ("✕", "erreur", True),
    ReturnStatus.KEPT: ("↺", "avertissement", True),
    ReturnStatus.EMPTY: ("○", "avertissement", True),
    ReturnStatus.LATE: ("!", "avertissement", True),
    ReturnStatus.AWAITED: ("…", "information", False),
    ReturnStatus.NOT_SENT: ("–", "neutre", False),
    ReturnStatus.NOT_ASKED: ("–", "neutre", False),
    ReturnStatus.ACCEPTED: ("✓", "juste", False),
}
#: A list of partners longer than this is folded, unless it calls for action; one that does, above the second number.
_OPEN_AT_MOST, _OPEN_ACTION_AT_MOST = 12, 60


@dataclass(frozen=True)
class Blocker:
    """One kind of thing that blocks, and what to do; of ``count`` things, the first ones are told.

    A conflict does not block (``blocks``): the contract's value stands until people decide.
    """

    title: str
    remedy: str
    entries: Sequence[Values]
    count: int
    blocks: bool = True


def blockers_of(consolidation: Consolidation, owners: Owners, anchors: Anchors) -> Iterable[Blocker]:
    """All that blocks, in the order in which to act."""
    files = _undecided(consolidation)
    aside = {file.fichier for file in files}
    rejected = [
        line
        for line in consolidation.board
        if line.status in (ReturnStatus.REJECTED, ReturnStatus.KEPT)
        and (line.latest is None or line.latest.fichier not in aside)
    ]
    yield from _blocker(
        rejected, "retour rejeté", "retours rejetés",
        "Renvoyez à chacun sa copie annotée, qu'il corrige et retourne ; la demande « préparer les relances », feuille "
        "Demandes de consolidation.xlsx, écrit le message qui l'accompagne.",
        lambda line: _rejected(line, anchors),
    )  # fmt: skip
    yield from _blocker(
        files, "fichier mis de côté", "fichiers mis de côté",
        "Ouvrez chaque fichier : redemandez-le s'il est abîmé, ou déplacez dans retours/écartés/ celui qui ne doit pas "
        "compter.",
        _set_aside,
    )  # fmt: skip
    if consolidation.conflicts:
        count = len(consolidation.conflicts)
        title = plural(count, "valeur en conflit", "valeurs en conflit")
        remedy = "Choisissez dans la feuille « À décider » de consolidation.xlsx, et dites-le au partenaire."
        yield Blocker(title, remedy, [_entry("Voir ce que chacun dit", anchor="conflits")], count, blocks=False)
    known = {*owners, *(stray.fichier for stray in consolidation.strays)}
    others = [
        finding for finding in consolidation.findings if finding.bloquant and (finding.place.fichier or "") not in known
    ]
    for where, is_master in (("dans le classeur du contrat", True), ("dans l'ensemble", False)):
        findings = [other for other in others if (other.place.fichier == consolidation.master.fichier) is is_master]
        singular, several = f"anomalie bloquante {where}", f"anomalies bloquantes {where}"
        remedy = "Corrigez chaque cellule citée ; ce qu'il faut y faire est dit à côté."
        yield from _blocker(findings, singular, several, remedy, _anomaly)


def _blocker(
    items: Sequence[_Item], singular: str, several: str, remedy: str, entry: Callable[[_Item], Values]
) -> Iterable[Blocker]:
    if items:
        entries = [entry(item) for item in items[:LISTED_AT_MOST]]
        yield Blocker(plural(len(items), singular, several), typeset(remedy), entries, len(items))


def _entry(text: str, note: str = "", address: str = "", anchor: str = "", annotated: str | None = None) -> Values:
    """One thing that blocks: ``anchor`` is where the page says more of it, ``annotated`` the annotated copy."""
    return {"text": text, "note": note, "href": address, "anchor": anchor, "annotated": annotated or ""}


def _rejected(line: BoardLine, anchors: Anchors) -> Values:
    section, latest = anchors.get((line.partenaire, line.exercice)), line.latest
    blocking = section.blocking if section is not None else 0
    note = plural(blocking, "constat bloquant", "constats bloquants") if blocking else line.status.value
    if line.status is ReturnStatus.KEPT:
        note += f"{NARROW}; son retour précédent compte encore"
    return _entry(line.nom, note, "", section.anchor if section is not None else "", _annotated(latest))


def _set_aside(file: ReceivedFile) -> Values:
    verdict = file.verdict.value
    note = typeset(f"{verdict} : {file.findings[0].message}") if file.findings else verdict
    return _entry(file.fichier, note, href(file.fichier))


def _annotated(file: ReceivedFile | None) -> str | None:
    return href(file.annotated) if file is not None and file.annotated else None


def _anomaly(finding: Finding) -> Values:
    text, address = link_to(finding.place)
    return _entry(text or "Le contrat", typeset(f"{finding.message} {finding.suggestion}"), address)


def campaigns_of(consolidation: Consolidation, exercice: int, anchors: Anchors) -> list[Values]:
    """The campaigns, that of ``exercice`` first, then the latest."""
    years = sorted(consolidation.exercices, key=lambda year: year != exercice)
    return [_campaign(year, [line for line in consolidation.board if line.exercice == year], anchors) for year in years]


def _campaign(exercice: int, board: list[BoardLine], anchors: Anchors) -> Values:
    """The campaign of one exercice: ``parts`` is its bar, by status; the series number the statuses from 1."""
    by_status = {
        status: sorted((line for line in board if line.status is status), key=lambda line: fold(line.nom))
        for status in _STATUSES
    }
    lists: list[Values] = []
    for status, lines in by_status.items():
        most = _OPEN_ACTION_AT_MOST if _STATUSES[status][2] else _OPEN_AT_MOST
        if lines:
            partners = [_partner(line, anchors.get((line.partenaire, line.exercice))) for line in lines]
            lists.append({**_mark(status), "partners": partners, "is_open": len(lines) <= most})
    dues = {line.due for line in board if line.due is not None}
    shares = [(status.value, len(lines), rank) for rank, (status, lines) in enumerate(by_status.items(), 1)]
    return {
        "exercice": exercice,
        "due": french_date(max(dues)) if dues else None,
        "total": StatusCounts.of(line.status for line in board).asked,
        "accepted": len(by_status[ReturnStatus.ACCEPTED]),
        "parts": stacked(shares[::-1]),
        "lists": lists,
    }


def _mark(status: ReturnStatus) -> Values:
    sign, tone, _ = _STATUSES[status]
    return {"word": status.value, "sign": sign, "tone": tone}


def _partner(line: BoardLine, section: FindingsSection | None) -> Values:
    """One partner: ``search`` is its name folded for the filter, ``facts`` its dates in words."""
    return {
        "name": line.nom,
        "search": fold(line.nom),
        **_mark(line.status),
        "facts": list(_facts(line)),
        "findings": section.summary if section is not None else "",
        "anchor": section.anchor if section is not None else None,
        "email": line.courriel or "",
        "files": [_file(received) for received in line.received],
    }


def _facts(line: BoardLine) -> Iterable[str]:
    latest, counted = line.latest, line.in_force
    if latest is None:
        yield "formulaire pas encore préparé" if line.sent is None else "rien reçu"
        return
    if latest.saved is not None:
        yield f"dernier envoi enregistré le {french_date(latest.saved.date())}"
    if counted is not None and counted is not latest:
        saved = f" du {french_date(counted.saved.date())}" if counted.saved is not None else ""
        yield f"compte encore : le retour{saved}"
    if line.came_late and line.due is not None:
        yield f"après la date limite ({french_date(line.due)})"


def _file(received: ReceivedFile) -> Values:
    return {
        "name": received.fichier.rpartition("/")[2],
        "verdict": received.verdict.value + (", copie gardée" if received.is_kept_copy else ""),
        "href": href(received.fichier),
        "annotated": _annotated(received),
    }


def _undecided(consolidation: Consolidation) -> list[ReceivedFile]:
    """The files that somebody must look at: nobody's form, unreadable, or two of one partner that time cannot rank."""
    kinds = {Verdict.UNDECIDED, Verdict.UNREADABLE, Verdict.FOREIGN}
    received = [file for line in consolidation.board for file in line.received if file.verdict in kinds]
    return [*consolidation.strays, *received]
