"""Which of a partner's files counts: decided by what they say and when they were saved, never by their names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tabellion.campaign.halves import Candidate, LeftEmpty, joined, left_empty
from tabellion.campaign.model import ReceivedFile, Verdict
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.findings import Finding, Place, finding
from tabellion.wording import plural

#: A clock may be a little wrong; further in the future than this, it is said.
_CLOCK = timedelta(days=1)
_NEVER = datetime.min
#: Verdicts of files in which nobody has anything to correct any more.
_OVER = (Verdict.TWIN, Verdict.OLDER, Verdict.PASSED_OVER, Verdict.JOINED)
#: Cells that a finding links.
_NAMED = 4


@dataclass(frozen=True)
class PartnerRule:
    """What people decided of one partner's files; nothing, by default.

    ``pick`` is given the answers of files that nothing tells apart, and gives the ones that count. ``halves`` is given
    the answers in force and what they leave empty: the code of what was decided of them.
    """

    pick: Callable[[Sequence[str]], str | None] = lambda _: None
    halves: Callable[[str, Sequence[LeftEmpty]], str | None] = lambda *_: None


@dataclass
class VersionChoice:
    """What was decided for one partner and one exercice: ``received`` the latest first, ``in_force`` what counts.

    ``undecided`` are the files that people choose, or chose, among; ``left`` what the one in force leaves empty and
    older ones fill, and ``decision`` what was decided of it; ``answers`` what the one in force says by itself.
    """

    received: list[ReceivedFile] = field(default_factory=list)
    in_force: Candidate | None = None
    in_force_file: ReceivedFile | None = None
    undecided: tuple[Candidate, ...] = ()
    left: tuple[LeftEmpty, ...] = ()
    decision: str | None = None
    answers: str = ""

    @property
    def compared(self) -> tuple[tuple[str, ParsedReturn], ...]:
        """The older files that complete the one in force, or may: what is said of it depends on them."""
        return tuple((half.candidate.fichier, half.candidate.parsed) for half in self.left)

    def put_to_rest(self) -> int:
        """Leave out what does not block of files whose answers the contract has taken over; how many findings went."""
        if self.in_force_file is None or self.in_force_file.verdict is not Verdict.ALREADY_ADOPTED:
            return 0
        before = sum(len(file.findings) for file in self.received)
        in_force = self.received.index(self.in_force_file)
        self.received = [
            replace(file, findings=tuple(finding for finding in file.findings if finding.bloquant))
            for file in self.received
        ]
        self.in_force_file = self.received[in_force]
        return before - sum(len(file.findings) for file in self.received)

    def take_as_adopted(self, adopted: Collection[str]) -> None:
        """Say of files that were joined that the contract has taken them over already, where it has."""
        if self.in_force is None or self.in_force.parsed.answers not in adopted or self.in_force_file is None:
            return
        settled = replace(self.in_force_file, verdict=Verdict.ALREADY_ADOPTED)
        self.received = [settled if file is self.in_force_file else file for file in self.received]
        self.in_force_file = settled


_Judgement = tuple[Verdict, str | None, list[Finding]]
"""A verdict, the file that it depends on, what is said of it."""


def choose(
    candidates: Sequence[Candidate], now: datetime, adopted: Collection[str] = (), rule: PartnerRule = PartnerRule()
) -> VersionChoice:
    """Decide among all files of one partner for one exercice.

    Files that say the same are one; of the others the latest saved wins; when two were saved at the same time, or one
    does not say when, nobody can decide but a person. A rejected winner leaves the last accepted one in force.
    ``adopted`` are digests of answers that the contract has already taken over; ``rule`` tells what people decided.
    """
    filled = [candidate for candidate in candidates if not candidate.parsed.is_empty]
    choice = _choose(_groups(filled), now, adopted, rule) if filled else VersionChoice()
    other = choice.in_force.fichier if choice.in_force is not None else None
    choice.received += [
        _received(candidate, Verdict.EMPTY, other, [])
        for candidate in sorted(candidates, key=lambda candidate: (candidate.moment, candidate.fichier), reverse=True)
        if candidate.parsed.is_empty and not candidate.is_kept_copy
    ]
    return choice


def _choose(
    groups: Sequence[Sequence[Candidate]], now: datetime, adopted: Collection[str], rule: PartnerRule
) -> VersionChoice:
    firsts = [group[0] for group in groups]
    undecided = _undecided(groups) if any(not first.is_kept_copy for first in firsts) else []
    winner = undecided[0] if firsts[0] in undecided else firsts[0]
    asked, passed_over = tuple(undecided), set[int]()
    picked = rule.pick([candidate.parsed.answers for candidate in asked]) if asked else None
    chosen = next((candidate for candidate in asked if candidate.parsed.answers == picked), None)
    if chosen is not None:
        winner, undecided = chosen, []
        passed_over = {id(candidate) for candidate in asked if candidate is not chosen}
    in_force = _in_force([group for group in groups if id(group[0]) not in passed_over], undecided, winner)
    left, answers, decision = tuple[LeftEmpty, ...](), "", None
    if in_force is not None:
        left, answers = (
            left_empty(in_force, _older(in_force, groups, passed_over | set(map(id, undecided)))),
            in_force.parsed.answers,
        )
        decision = rule.halves(answers, left) if left else None
    originals = [id(half.candidate) for half in left]
    left = tuple(replace(half, candidate=half.candidate.as_joined(rank)) for rank, half in enumerate(left, 1))
    taken = {number: half for number, half in zip(originals, left, strict=True) if half.taken(decision)}
    choice = VersionChoice(in_force=in_force, undecided=asked, left=left, decision=decision, answers=answers)
    other: str | None
    for group in groups:
        for candidate in group:
            if candidate is in_force or candidate is group[0]:
                if candidate.is_kept_copy and candidate is not in_force and id(candidate) not in taken:
                    continue
                shown = taken[id(candidate)].candidate if id(candidate) in taken else candidate
                if id(candidate) in passed_over:
                    verdict, other = Verdict.PASSED_OVER, winner.fichier
                    notices = [finding("version-ecartee", Place(), valeur=candidate.fichier, autre=winner.fichier)]
                elif id(candidate) in taken and in_force is not None:
                    verdict, other = Verdict.JOINED, in_force.fichier
                    words = taken[id(candidate)].words
                    notices = [finding("version-jointe", Place(), autre=in_force.fichier, lignes=words)]
                else:
                    verdict, other, notices = _decide(candidate, winner, undecided, in_force, adopted)
                if candidate is in_force:
                    notices += [notice for half in left if half.waits(decision) for notice in _left_notices(half)]
            elif candidate.is_kept_copy:
                continue
            else:
                shown = candidate
                verdict, other = Verdict.TWIN, group[0].fichier
                notices = [finding("version-identique", Place(), valeur=candidate.fichier, autre=other)]
            if candidate.parsed.saved is not None and candidate.parsed.saved > now + _CLOCK:
                notices.append(finding("date-dans-le-futur", Place(), valeur=candidate.saved_words))
            received = _received(shown, verdict, other, notices)
            choice.received.append(received)
            if candidate is in_force:
                choice.in_force_file = received
    if in_force is not None and left:
        choice.in_force = replace(in_force, parsed=joined(in_force.parsed, left, decision))
        choice.take_as_adopted(adopted)
    return choice


def _older(
    in_force: Candidate, groups: Sequence[Sequence[Candidate]], left_out: Collection[int]
) -> Iterator[Candidate]:
    """The accepted files made from the same form as the one in force and saved before it, the latest first."""
    for group in groups:
        candidate = group[0]
        is_older = _moment(group) < in_force.moment and candidate.parsed.identity == in_force.parsed.identity
        if is_older and id(candidate) not in left_out and candidate.parsed.is_accepted:
            yield candidate


def _left_notices(left: LeftEmpty) -> Iterator[Finding]:
    if len(left.sure) < len(left.rows):
        yield finding("reponse-partielle", Place(), autre=left.candidate.fichier, lignes=left.words)
    if left.disputed:
        first, *more = [(pair.newer.place("", pair.champ), pair.older.place("", pair.champ)) for pair in left.disputed]
        yield finding(
            "reponses-differentes", first[0]._replace(fichier=None), autre=left.candidate.fichier,
            compte=plural(len(left.disputed), "cellule"), lignes=left.disputed_words,
            liees=[place._replace(fichier=None) for place, _ in more[:_NAMED]],
        )  # fmt: skip


def _groups(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Files that say the same, together; the latest first, a file before the copy kept of it."""
    groups: dict[str, list[Candidate]] = {}
    by_name = sorted(
        candidates, key=lambda candidate: (candidate.is_kept_copy, len(candidate.fichier), candidate.fichier)
    )
    for candidate in sorted(by_name, key=lambda candidate: candidate.moment, reverse=True):
        groups.setdefault(candidate.parsed.answers, []).append(candidate)
    for group in groups.values():
        group.sort(key=lambda candidate: candidate.is_kept_copy)
    return sorted(groups.values(), key=_moment, reverse=True)


def _undecided(groups: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """The latest files, when there are several: saved at the same moment, or one of which nobody knows the moment, or
    not to the hour. Behind one that is rejected, the latest of those that could count instead.
    """
    latest = _tied(groups)
    if len(latest) < 2 and not groups[0][0].parsed.is_accepted:
        latest = _tied([group for group in groups if group[0].parsed.is_accepted])
    return latest if len(latest) > 1 else []


def _tied(groups: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """The first of groups in the order of their moments, and those that nothing tells from it."""
    latest = _moment(groups[0]) if groups else _NEVER
    return [
        group[0]
        for group in groups
        if _moment(group) == latest
        or (_moment(group) == _NEVER and not group[0].is_kept_copy)
        or (latest - _moment(group) <= _ZONES and group[0].is_dated_by_archive != groups[0][0].is_dated_by_archive)
    ]


#: By how much the time of a zone is ahead of another's at most, where one of two dates does not say its own.
_ZONES = timedelta(hours=14)


def _moment(group: Sequence[Candidate]) -> datetime:
    """When the latest of the files was saved; the copy kept of one of them, which the next run replaces, says it only
    where they are gone: two runs on the same files must say the same."""
    files = [candidate for candidate in group if not candidate.is_kept_copy]
    return max(candidate.moment for candidate in files or group)


def _in_force(
    groups: Sequence[Sequence[Candidate]], undecided: Sequence[Candidate], winner: Candidate
) -> Candidate | None:
    """The winner if it is accepted, else the last one accepted; of files that nobody can choose between, none but the
    copy kept of what was in force before."""
    firsts = [group[0] for group in groups]
    order = [winner, *firsts]
    if undecided:
        kept = [
            candidate if group[0] in undecided else group[0]
            for group in groups
            for candidate in group
            if candidate.is_kept_copy
        ]
        order = [*kept, *(first for first in firsts if first not in undecided)]
    return next((candidate for candidate in order if candidate.parsed.is_accepted), None)


def _decide(
    candidate: Candidate,
    winner: Candidate,
    undecided: Sequence[Candidate],
    in_force: Candidate | None,
    adopted: Collection[str],
) -> _Judgement:
    name = candidate.fichier
    if candidate is in_force:
        verdict = Verdict.ALREADY_ADOPTED if candidate.parsed.answers in adopted else Verdict.IN_FORCE
        if not (candidate.is_kept_copy and winner is candidate):
            return verdict, None, []
        return verdict, None, [finding("retour-disparu", Place(), valeur=name, date=candidate.saved_words)]
    saved = candidate.saved_words
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
    is_over = candidate.is_kept_copy or verdict in _OVER
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
        filled_by=parsed.filled_by,
    )
