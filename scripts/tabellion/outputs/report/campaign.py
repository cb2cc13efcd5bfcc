"""The campaign as the report shows it: partners by where they stand, what blocks each and the contract, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile, ReturnStatus, Verdict
from tabellion.findings import Finding
from tabellion.outputs.report.figures import BarPart, stacked
from tabellion.outputs.report.findings import FindingsSection
from tabellion.outputs.report.words import LISTED_AT_MOST, NARROW, href, link_to, typeset
from tabellion.wording import fold, french_date, plural

Owners = dict[str, tuple[str, int]]
Anchors = dict[tuple[str, int], FindingsSection]


@dataclass(frozen=True)
class BlockerEntry:
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
    entries: tuple[BlockerEntry, ...]
    count: int
    blocks: bool = True


def blockers_of(consolidation: Consolidation, owners: Owners, anchors: Anchors) -> Iterable[Blocker]:
    """All that blocks, in the order in which to act."""
    files = undecided(consolidation)
    aside = {file.fichier for file in files}
    rejected = [
        line
        for line in consolidation.board
        if line.status in (ReturnStatus.REJECTED, ReturnStatus.KEPT)
        and (line.latest is None or line.latest.fichier not in aside)
    ]
    if rejected:
        entries = []
        for line in rejected:
            section, latest = anchors.get((line.partenaire, line.exercice)), line.latest
            blocking = section.blocking if section is not None else 0
            note = plural(blocking, "point bloquant", "points bloquants") if blocking else line.status.value
            if line.status is ReturnStatus.KEPT:
                note += f"{NARROW}; son retour précédent compte encore"
            annotated = href(latest.annotated) if latest is not None and latest.annotated else ""
            entries.append(BlockerEntry(line.nom, note, "", section.anchor if section is not None else "", annotated))
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
                BlockerEntry(
                    file.fichier, typeset(f"{file.verdict.value} : {file.findings[0].message}") if file.findings
                    else file.verdict.value, href(file.fichier),
                )
                for file in files[:LISTED_AT_MOST]
            ),
            len(files),
        )  # fmt: skip
    if consolidation.conflicts:
        count = len(consolidation.conflicts)
        yield Blocker(
            plural(count, "valeur en conflit", "valeurs en conflit"),
            "Décidez de la bonne valeur, écrivez-la dans le classeur du contrat, et dites-le au partenaire.",
            (BlockerEntry("Voir ce que chacun dit", anchor="conflits"),),
            count,
            blocks=False,
        )
    strays = {stray.fichier for stray in consolidation.strays}
    others = [
        finding
        for finding in consolidation.findings
        if finding.bloquant
        and (finding.place.fichier or "") not in owners
        and (finding.place.fichier or "") not in strays
    ]
    master = consolidation.master_file
    yield from _of_findings("dans le classeur du contrat", [other for other in others if other.place.fichier == master])
    yield from _of_findings("dans l'ensemble", [other for other in others if other.place.fichier != master])


def _of_findings(where_found: str, findings: Sequence[Finding]) -> Iterable[Blocker]:
    if findings:
        yield Blocker(
            f"{plural(len(findings), 'anomalie bloquante', 'anomalies bloquantes')} {where_found}",
            typeset("Corrigez chaque cellule citée ; ce qu'il faut y faire est dit à côté."),
            tuple(
                BlockerEntry(
                    link_to(finding.place).text or "Le contrat",
                    typeset(f"{finding.message} {finding.suggestion}"),
                    link_to(finding.place).href,
                )
                for finding in findings[:LISTED_AT_MOST]
            ),
            len(findings),
        )


#: Statuses in the order of need, each with its sign, its colour by name, and whether it calls for action.
STATUSES = {
    ReturnStatus.REJECTED: ("✕", "erreur", True),
    ReturnStatus.KEPT: ("↺", "avertissement", True),
    ReturnStatus.LATE: ("!", "avertissement", True),
    ReturnStatus.AWAITED: ("…", "information", False),
    ReturnStatus.NOT_SENT: ("–", "neutre", False),
    ReturnStatus.ACCEPTED: ("✓", "juste", False),
}
#: A list of partners longer than this is folded, unless it calls for action; one that does, above the second number.
_OPEN_AT_MOST, _OPEN_ACTION_AT_MOST = 12, 60


@dataclass(frozen=True)
class ReceivedLink:
    """One file received: its name, what became of it, its address, that of its annotated copy."""

    name: str
    verdict: str
    href: str | None
    annotated: str | None


@dataclass(frozen=True)
class Partner:
    """One partner: ``search`` is its name folded for the filter, ``facts`` its dates in words."""

    name: str
    search: str
    word: str
    sign: str
    tone: str
    facts: tuple[str, ...]
    findings: str
    anchor: str | None
    email: str
    files: tuple[ReceivedLink, ...]


@dataclass(frozen=True)
class PartnerList:
    """The partners of one standing."""

    word: str
    sign: str
    tone: str
    partners: tuple[Partner, ...]
    is_open: bool


@dataclass(frozen=True)
class Campaign:
    """The campaign of one exercice: ``parts`` is its bar, by standing; the series number the standings from 1."""

    exercice: int
    due: str | None
    total: int
    accepted: int
    parts: tuple[BarPart, ...]
    lists: tuple[PartnerList, ...]


SectionOf = Callable[[BoardLine], FindingsSection | None]


def campaigns_of(consolidation: Consolidation, section_of: SectionOf) -> tuple[Campaign, ...]:
    """The campaigns, the latest exercice first."""
    return tuple(
        _campaign(year, [line for line in consolidation.board if line.exercice == year], section_of)
        for year in consolidation.exercices
    )


def _campaign(exercice: int, board: list[BoardLine], section_of: SectionOf) -> Campaign:
    by_status = {
        status: sorted((line for line in board if line.status is status), key=lambda line: fold(line.nom))
        for status in STATUSES
    }
    lists = []
    for status, (sign, tone, needs) in STATUSES.items():
        partners = by_status[status]
        most = _OPEN_ACTION_AT_MOST if needs else _OPEN_AT_MOST
        if partners:
            shown = tuple(_partner(partner, section_of(partner)) for partner in partners)
            lists.append(PartnerList(status.value, sign, tone, shown, len(partners) <= most))
    dues = {line.due for line in board if line.due is not None}
    ranked = list(STATUSES)
    return Campaign(
        exercice=exercice,
        due=french_date(max(dues)) if dues else None,
        total=len(board),
        accepted=len(by_status[ReturnStatus.ACCEPTED]),
        parts=stacked(
            [(status.value, len(by_status[status]), ranked.index(status) + 1) for status in reversed(ranked)]
        ),
        lists=tuple(lists),
    )


def _partner(line: BoardLine, section: FindingsSection | None) -> Partner:
    sign, tone, _ = STATUSES[line.status]
    return Partner(
        name=line.nom,
        search=fold(line.nom),
        word=line.status.value,
        sign=sign,
        tone=tone,
        facts=tuple(_facts(line)),
        findings=section.summary if section is not None else "",
        anchor=section.anchor if section is not None else None,
        email=line.courriel or "",
        files=tuple(file_link(received_file) for received_file in line.received),
    )


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
    if line.is_late and line.due is not None and line.status is not ReturnStatus.LATE:
        yield f"après la date limite ({french_date(line.due)})"


def file_link(received: ReceivedFile) -> ReceivedLink:
    """One file received, as people are told of it."""
    said = f"{received.verdict.value}, copie gardée" if received.is_kept_copy else received.verdict.value
    return ReceivedLink(
        name=received.fichier.rpartition("/")[2],
        verdict=said,
        href=href(received.fichier),
        annotated=href(received.annotated) if received.annotated else None,
    )


def undecided(consolidation: Consolidation) -> list[ReceivedFile]:
    """The files that somebody must look at: nobody's form, unreadable, or two of one partner that time cannot rank."""
    kinds = {Verdict.UNDECIDED, Verdict.UNREADABLE, Verdict.FOREIGN}
    received = [
        received_file
        for line in consolidation.board
        for received_file in line.received
        if received_file.verdict in kinds
    ]
    return [*consolidation.strays, *received]
