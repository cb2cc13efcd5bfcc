"""Which of a partner's files counts: decided by what they say and when they were saved, never by their names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tabellion.campaign.model import ReceivedFile, Verdict
from tabellion.campaign.parsed_return import Reading
from tabellion.findings import Finding, Place, finding

#: A clock may be a little wrong; further in the future than this, it is said.
_CLOCK = timedelta(days=1)
_NEVER = datetime.min


@dataclass(frozen=True)
class Candidate:
    """A file that is a form of one partner and one exercice; ``is_kept_copy`` for the accepted return kept before."""

    fichier: str
    reading: Reading
    is_kept_copy: bool = False

    @property
    def moment(self) -> datetime:
        """When it was saved; before all others where the file does not say."""
        return self.reading.saved or _NEVER

    @property
    def saved_words(self) -> str:
        """When it was saved, in words."""
        return f"{self.reading.saved:%d/%m/%Y à %H:%M:%S}" if self.reading.saved else "une date inconnue"


@dataclass
class Choice:
    """What was decided for one partner and one exercice: ``received`` the latest first, ``in_force`` what counts."""

    received: list[ReceivedFile] = field(default_factory=list)
    in_force: Candidate | None = None
    in_force_file: ReceivedFile | None = None


def choose(candidates: Sequence[Candidate], now: datetime, adopted: Collection[str] = ()) -> Choice:
    """Decide among all files of one partner for one exercice.

    Files that say the same are one; of the others the latest saved wins; when two were saved at the same time, or one
    does not say when, nobody can decide but a person. A rejected winner leaves the last accepted one in force.
    ``adopted`` are digests of answers that the contract has already taken over.
    """
    groups = _groups(candidates)
    chosen = [group[0] for group in groups]
    verdicts: dict[str, tuple[Verdict, str | None, list[Finding]]] = {}
    fresh = [each for each in chosen if not each.is_kept_copy]
    undecided = _undecided(groups) if fresh else []
    winner = undecided[0] if undecided else chosen[0]
    in_force = _in_force(groups, undecided, winner)
    if in_force is not None:  # it may be the copy kept of one of the files that nobody can choose between
        verdicts[in_force.fichier] = _verdict(in_force, winner, undecided, in_force, adopted)
    for each in chosen:
        verdicts[each.fichier] = _verdict(each, winner, undecided, in_force, adopted)
    for group in groups:
        for twin in group[1:]:
            if not twin.is_kept_copy:
                same = finding("version-identique", Place(), valeur=twin.fichier, autre=group[0].fichier)
                verdicts[twin.fichier] = (Verdict.TWIN, group[0].fichier, [same])
    choice = Choice(in_force=in_force)
    for each in (each for group in groups for each in group):
        if each.is_kept_copy and each is not in_force:
            continue
        verdict, other, said = verdicts[each.fichier]
        found = _received(each, verdict, other, [*said, *_future(each, now)])
        choice.received.append(found)
        if each is in_force:
            choice.in_force_file = found
    return choice


def _groups(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Files that say the same, together; the latest first, a file before the copy kept of it."""
    groups: dict[str, list[Candidate]] = {}
    ordered = sorted(candidates, key=lambda each: (each.is_kept_copy, len(each.fichier), each.fichier))
    for each in sorted(ordered, key=lambda each: each.moment, reverse=True):
        groups.setdefault(each.reading.answers, []).append(each)
    for group in groups.values():
        group.sort(key=lambda each: each.is_kept_copy)
    return sorted(groups.values(), key=_moment, reverse=True)


def _undecided(groups: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """The latest files, when there are several: saved at the same moment, or one of which nobody knows the moment."""
    moments = [_moment(group) for group in groups]
    undecided = [
        group[0]
        for group, moment in zip(groups, moments, strict=True)
        if moment == moments[0] or (moment == _NEVER and not group[0].is_kept_copy)
    ]
    return undecided if len(undecided) > 1 else []


def _moment(group: Sequence[Candidate]) -> datetime:
    return max(each.moment for each in group)


def _in_force(
    groups: Sequence[Sequence[Candidate]], undecided: Sequence[Candidate], winner: Candidate
) -> Candidate | None:
    """The winner if it is accepted, else the last one accepted; of files that nobody can choose between, none but the
    copy kept of what was in force before."""
    if undecided:
        kept = [each for group in groups for each in group if each.is_kept_copy]
        decided = [group[0] for group in groups if group[0] not in undecided]
        return next((each for each in (*kept, *decided) if each.reading.is_accepted), None)
    if winner.reading.is_accepted:
        return winner
    return next((group[0] for group in groups if group[0].reading.is_accepted), None)


def _verdict(
    each: Candidate,
    winner: Candidate,
    undecided: Sequence[Candidate],
    in_force: Candidate | None,
    adopted: Collection[str],
) -> tuple[Verdict, str | None, list[Finding]]:
    kept = in_force.fichier if in_force is not None else None
    if each is in_force:
        said: list[Finding] = []
        if each.is_kept_copy and winner is each:
            said = [finding("retour-disparu", Place(), valeur=each.fichier, date=each.saved_words)]
        verdict = Verdict.ALREADY_ADOPTED if each.reading.answers in adopted else Verdict.IN_FORCE
        return verdict, None, said
    if each in undecided:
        others = [other.fichier for other in undecided if other is not each]
        words = _still(kept)
        said = [
            finding("versions-a-departager", Place(), valeur=each.fichier, autre=" et ".join(others),
                    date=each.saved_words, reste=words)
        ]  # fmt: skip
        return Verdict.UNDECIDED, others[0], said
    if each is winner:
        said = [finding("retour-rejete", Place(), valeur=each.fichier, reste=_still(kept), compte=_blocking(each))]
        return Verdict.REJECTED, kept, said
    if not each.reading.is_accepted and in_force is not None and each.moment > in_force.moment:
        said = [finding("retour-rejete", Place(), valeur=each.fichier, reste=_still(kept), compte=_blocking(each))]
        return Verdict.REJECTED, kept, said
    other = in_force if in_force is not None and in_force.moment >= each.moment else winner
    name, later = other.fichier, other.saved_words
    said = [
        finding("version-plus-ancienne", Place(), valeur=each.fichier, autre=name, date=each.saved_words, apres=later)
    ]
    return Verdict.OLDER, name, said


def _still(kept: str | None) -> str:
    return f"« {kept} » reste en vigueur" if kept else "aucune réponse de ce partenaire n'est en vigueur"


def _blocking(each: Candidate) -> int:
    return sum(said.bloquant for said in each.reading.findings)


def _future(each: Candidate, now: datetime) -> Iterable[Finding]:
    if each.reading.saved is not None and each.reading.saved > now + _CLOCK:
        yield finding("date-dans-le-futur", Place(), valeur=each.saved_words)


def _received(each: Candidate, verdict: Verdict, other: str | None, said: Iterable[Finding]) -> ReceivedFile:
    reading = each.reading
    identity = reading.identity
    # What is wrong in a file that counts for nothing, or in an accepted one, is not for anybody to correct any more.
    is_over = each.is_kept_copy or verdict in (Verdict.TWIN, Verdict.OLDER)
    findings = [found.in_file(each.fichier) for found in (*said, *(() if is_over else reading.findings))]
    return ReceivedFile(
        each.fichier,
        reading.sha256,
        verdict,
        tuple(findings),
        identity.partenaire if identity else None,
        identity.exercice if identity else None,
        reading.saved,
        reading.author,
        other,
        is_kept_copy=each.is_kept_copy,
    )
