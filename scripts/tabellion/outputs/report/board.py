"""The campaign as the report shows it: partners by where they stand, and what stops each from counting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile, ReturnStatus, Verdict
from tabellion.outputs.report.figures import Part, stacked
from tabellion.outputs.report.findings import Sheaf
from tabellion.outputs.report.words import href
from tabellion.wording import fold, french_date

#: Standings in the order of need, each with its sign, its colour by name, and whether it calls for action.
STANDINGS = {
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
class FileLink:
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
    files: tuple[FileLink, ...]


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
    parts: tuple[Part, ...]
    lists: tuple[PartnerList, ...]


SheafOf = Callable[[BoardLine], Sheaf | None]


def campaigns_of(consolidation: Consolidation, sheaf_of: SheafOf) -> tuple[Campaign, ...]:
    """The campaigns, the latest exercice first."""
    return tuple(
        _campaign(year, [each for each in consolidation.board if each.exercice == year], sheaf_of)
        for year in consolidation.exercices
    )


def _campaign(exercice: int, board: list[BoardLine], sheaf_of: SheafOf) -> Campaign:
    by_standing = {
        status: sorted((each for each in board if each.status is status), key=lambda each: fold(each.nom))
        for status in STANDINGS
    }
    lists = []
    for status, (sign, tone, needs) in STANDINGS.items():
        partners = by_standing[status]
        most = _OPEN_ACTION_AT_MOST if needs else _OPEN_AT_MOST
        if partners:
            shown = tuple(_partner(each, sheaf_of(each)) for each in partners)
            lists.append(PartnerList(status.value, sign, tone, shown, len(partners) <= most))
    dues = {each.due for each in board if each.due is not None}
    ranked = list(STANDINGS)
    return Campaign(
        exercice=exercice,
        due=french_date(max(dues)) if dues else None,
        total=len(board),
        accepted=len(by_standing[ReturnStatus.ACCEPTED]),
        parts=stacked([(each.value, len(by_standing[each]), ranked.index(each) + 1) for each in reversed(ranked)]),
        lists=tuple(lists),
    )


def _partner(line: BoardLine, sheaf: Sheaf | None) -> Partner:
    sign, tone, _ = STANDINGS[line.status]
    return Partner(
        name=line.nom,
        search=fold(line.nom),
        word=line.status.value,
        sign=sign,
        tone=tone,
        facts=tuple(_facts(line)),
        findings=sheaf.summary if sheaf is not None else "",
        anchor=sheaf.anchor if sheaf is not None else None,
        email=line.courriel or "",
        files=tuple(file_link(each) for each in line.received),
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


def file_link(received: ReceivedFile) -> FileLink:
    """One file received, as people are told of it."""
    said = f"{received.verdict.value}, copie gardée" if received.is_kept_copy else received.verdict.value
    return FileLink(
        name=received.fichier.rpartition("/")[2],
        verdict=said,
        href=href(received.fichier),
        annotated=href(received.annotated) if received.annotated else None,
    )


def undecided(consolidation: Consolidation) -> list[ReceivedFile]:
    """The files that somebody must look at: nobody's form, unreadable, or two of one partner that time cannot rank."""
    kinds = {Verdict.UNDECIDED, Verdict.UNREADABLE, Verdict.FOREIGN}
    received = [each for line in consolidation.board for each in line.received if each.verdict in kinds]
    return [*consolidation.strays, *received]
