"""Which of a partner's files counts: decided by what they say and when they were saved, never by their names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tabellion.campaign.model import ReceivedFile, Verdict
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.findings import Finding, Place, finding

#: A clock may be a little wrong; further in the future than this, it is said.
_CLOCK = timedelta(days=1)
_NEVER = datetime.min


@dataclass(frozen=True)
class Candidate:
    """A file that is a form of one partner and one exercice; ``is_kept_copy`` for the accepted return kept before."""

    fichier: str
    parsed: ParsedReturn
    is_kept_copy: bool = False

    @property
    def moment(self) -> datetime:
        """When it was saved; before all others where the file does not say."""
        return self.parsed.saved or _NEVER

    @property
    def saved_words(self) -> str:
        """When it was saved, in words."""
        return f"{self.parsed.saved:%d/%m/%Y à %H:%M:%S}" if self.parsed.saved else "une date inconnue"


@dataclass
class VersionChoice:
    """What was decided for one partner and one exercice: ``received`` the latest first, ``in_force`` what counts."""

    received: list[ReceivedFile] = field(default_factory=list)
    in_force: Candidate | None = None
    in_force_file: ReceivedFile | None = None


_Decision = tuple[Verdict, str | None, list[Finding]]
"""A verdict, the file that it depends on, what is said of it."""


def choose(candidates: Sequence[Candidate], now: datetime, adopted: Collection[str] = ()) -> VersionChoice:
    """Decide among all files of one partner for one exercice.

    Files that say the same are one; of the others the latest saved wins; when two were saved at the same time, or one
    does not say when, nobody can decide but a person. A rejected winner leaves the last accepted one in force.
    ``adopted`` are digests of answers that the contract has already taken over.
    """
    groups = _groups(candidates)
    firsts = [group[0] for group in groups]
    undecided = _undecided(groups) if any(not first.is_kept_copy for first in firsts) else []
    winner = undecided[0] if undecided else firsts[0]
    in_force = _in_force(groups, undecided, winner)
    choice = VersionChoice(in_force=in_force)
    for group in groups:
        for candidate in group:
            if candidate is in_force or candidate is group[0]:
                if candidate.is_kept_copy and candidate is not in_force:
                    continue
                verdict, other, notices = _decide(candidate, winner, undecided, in_force, adopted)
            elif candidate.is_kept_copy:
                continue
            else:
                verdict, other = Verdict.TWIN, group[0].fichier
                notices = [finding("version-identique", Place(), valeur=candidate.fichier, autre=other)]
            if candidate.parsed.saved is not None and candidate.parsed.saved > now + _CLOCK:
                notices.append(finding("date-dans-le-futur", Place(), valeur=candidate.saved_words))
            received = _received(candidate, verdict, other, notices)
            choice.received.append(received)
            if candidate is in_force:
                choice.in_force_file = received
    return choice


def _groups(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Files that say the same, together; the latest first, a file before the copy kept of it."""
    groups: dict[str, list[Candidate]] = {}
    by_name = sorted(
        candidates, key=lambda candidate: (candidate.is_kept_copy, len(candidate.fichier), candidate.fichier)
    )
    for candidate in sorted(by_name, key=lambda each: each.moment, reverse=True):
        groups.setdefault(candidate.parsed.answers, []).append(candidate)
    for group in groups.values():
        group.sort(key=lambda each: each.is_kept_copy)
    return sorted(groups.values(), key=_moment, reverse=True)


def _undecided(groups: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """The latest files, when there are several: saved at the same moment, or one of which nobody knows the moment."""
    latest = _moment(groups[0])
    undecided = [
        group[0]
        for group in groups
        if _moment(group) == latest or (_moment(group) == _NEVER and not group[0].is_kept_copy)
    ]
    return undecided if len(undecided) > 1 else []


def _moment(group: Sequence[Candidate]) -> datetime:
    return max(candidate.moment for candidate in group)


def _in_force(
    groups: Sequence[Sequence[Candidate]], undecided: Sequence[Candidate], winner: Candidate
) -> Candidate | None:
    """The winner if it is accepted, else the last one accepted; of files that nobody can choose between, none but the
    copy kept of what was in force before."""
    firsts = [group[0] for group in groups]
    order = [winner, *firsts]
    if undecided:
        kept = [candidate for group in groups for candidate in group if candidate.is_kept_copy]
        order = [*kept, *(first for first in firsts if first not in undecided)]
    return next((candidate for candidate in order if candidate.parsed.is_accepted), None)


def _decide(
    candidate: Candidate,
    winner: Candidate,
    undecided: Sequence[Candidate],
    in_force: Candidate | None,
    adopted: Collection[str],
) -> _Decision:
    name, saved = candidate.fichier, candidate.saved_words
    if candidate is in_force:
        verdict = Verdict.ALREADY_ADOPTED if candidate.parsed.answers in adopted else Verdict.IN_FORCE
        is_lost = candidate.is_kept_copy and winner is candidate
        return verdict, None, [finding("retour-disparu", Place(), valeur=name, date=saved)] if is_lost else []
    kept = in_force.fichier if in_force is not None else None
    still = f"« {kept} » reste en vigueur" if kept else "aucune réponse de ce partenaire n'est en vigueur"
    if candidate in undecided:
        others = [other.fichier for other in undecided if other is not candidate]
        autre = " et ".join(others)
        notice = finding("versions-a-departager", Place(), valeur=name, autre=autre, date=saved, reste=still)
        return Verdict.UNDECIDED, others[0], [notice]
    is_later = in_force is not None and candidate.moment > in_force.moment
    if candidate is winner or (is_later and not candidate.parsed.is_accepted):
        count = sum(finding.bloquant for finding in candidate.parsed.findings)
        return Verdict.REJECTED, kept, [finding("retour-rejete", Place(), valeur=name, reste=still, compte=count)]
    other = in_force if in_force is not None and in_force.moment >= candidate.moment else winner
    notice = finding(
        "version-plus-ancienne", Place(), valeur=name, autre=other.fichier, date=saved, apres=other.saved_words
    )
    return Verdict.OLDER, other.fichier, [notice]


def _received(candidate: Candidate, verdict: Verdict, other: str | None, notices: Iterable[Finding]) -> ReceivedFile:
    parsed, identity = candidate.parsed, candidate.parsed.identity
    # What is wrong in a file that counts for nothing, or in an accepted one, is not for anybody to correct any more.
    is_over = candidate.is_kept_copy or verdict in (Verdict.TWIN, Verdict.OLDER)
    findings = (*notices, *(() if is_over else parsed.findings))
    return ReceivedFile(
        candidate.fichier,
        parsed.sha256,
        verdict,
        tuple(finding.in_file(candidate.fichier) for finding in findings),
        identity.partenaire if identity else None,
        identity.exercice if identity else None,
        parsed.saved,
        parsed.author,
        other,
        is_kept_copy=candidate.is_kept_copy,
    )
