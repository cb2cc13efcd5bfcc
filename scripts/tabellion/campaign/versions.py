"""Which of a partner's files counts: decided by what they say and when they were saved, never by their names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tabellion.campaign.model import ReceivedFile, ReturnedRow, Verdict
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.findings import Finding, Place, finding
from tabellion.wording import plural

#: A clock may be a little wrong; further in the future than this, it is said.
_CLOCK = timedelta(days=1)
_NEVER = datetime.min
#: Verdicts of files in which nobody has anything to correct any more.
_OVER = (Verdict.TWIN, Verdict.OLDER, Verdict.PASSED_OVER, Verdict.JOINED)
#: Rows that a sentence names.
_NAMED = 4


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


@dataclass(frozen=True)
class LeftEmpty:
    """The rows that an older file fills, and that the one in force leaves empty."""

    candidate: Candidate
    rows: tuple[ReturnedRow, ...]

    @property
    def words(self) -> str:
        """The rows as people know them: their first ones by identifier, and how many."""
        names = [" · ".join(map(str, row.key)) for row in self.rows[:_NAMED]]
        more = len(self.rows) - len(names)
        return ", ".join(names) + (f" et {plural(more, 'autre')}" if more else "")


@dataclass(frozen=True)
class PartnerRule:
    """What people decided of one partner's files; nothing, by default.

    ``pick`` is given the answers of files that nothing tells apart, and gives the ones that count. ``joins`` and
    ``is_open`` are given the answers in force and what they leave empty: whether it is taken from older files, and
    whether that is still to be decided.
    """

    pick: Callable[[Sequence[str]], str | None] = lambda _: None
    joins: Callable[[str, Sequence[LeftEmpty]], bool] = lambda *_: False
    is_open: Callable[[str, Sequence[LeftEmpty]], bool] = lambda *_: True


@dataclass
class VersionChoice:
    """What was decided for one partner and one exercice: ``received`` the latest first, ``in_force`` what counts.

    ``undecided`` are the files that people choose, or chose, among; ``left`` the rows that the one in force leaves
    empty and older ones fill, which count too where it ``is_joined``; ``answers`` what it says by itself.
    """

    received: list[ReceivedFile] = field(default_factory=list)
    in_force: Candidate | None = None
    in_force_file: ReceivedFile | None = None
    undecided: tuple[Candidate, ...] = ()
    left: tuple[LeftEmpty, ...] = ()
    is_joined: bool = False
    answers: str = ""

    @property
    def joined(self) -> tuple[tuple[str, str], ...]:
        """The files that complete the one in force, with their SHA-256."""
        files = [each.candidate for each in self.left] if self.is_joined else []
        return tuple((candidate.fichier, candidate.parsed.sha256) for candidate in files)

    def put_to_rest(self) -> int:
        """Leave out what does not block of files whose answers the contract has taken over; how many findings went."""
        if self.in_force_file is None or self.in_force_file.verdict is not Verdict.ALREADY_ADOPTED:
            return 0
        before = sum(len(file.findings) for file in self.received)
        in_force = self.received.index(self.in_force_file)
        self.received = [
            replace(file, findings=tuple(each for each in file.findings if each.bloquant)) for file in self.received
        ]
        self.in_force_file = self.received[in_force]
        return before - sum(len(file.findings) for file in self.received)

    def take_as_adopted(self, adopted: Collection[str]) -> None:
        """Say of files that were joined that the contract has taken them over already, where it has."""
        if self.in_force is None or self.in_force.parsed.answers not in adopted or self.in_force_file is None:
            return
        settled = replace(self.in_force_file, verdict=Verdict.ALREADY_ADOPTED)
        self.received = [settled if each is self.in_force_file else each for each in self.received]
        self.in_force_file = settled


_Decision = tuple[Verdict, str | None, list[Finding]]
"""A verdict, the file that it depends on, what is said of it."""


def choose(
    candidates: Sequence[Candidate], now: datetime, adopted: Collection[str] = (), rule: PartnerRule = PartnerRule()
) -> VersionChoice:
    """Decide among all files of one partner for one exercice.

    Files that say the same are one; of the others the latest saved wins; when two were saved at the same time, or one
    does not say when, nobody can decide but a person. A rejected winner leaves the last accepted one in force.
    ``adopted`` are digests of answers that the contract has already taken over; ``rule`` tells what people decided.
    """
    groups = _groups(candidates)
    firsts = [group[0] for group in groups]
    undecided = _undecided(groups) if any(not first.is_kept_copy for first in firsts) else []
    winner = undecided[0] if undecided else firsts[0]
    asked, passed_over = tuple(undecided), set[int]()
    picked = rule.pick([candidate.parsed.answers for candidate in asked]) if asked else None
    chosen = next((candidate for candidate in asked if candidate.parsed.answers == picked), None)
    if chosen is not None:
        winner, undecided = chosen, []
        passed_over = {id(candidate) for candidate in asked if candidate is not chosen}
    in_force = _in_force([group for group in groups if id(group[0]) not in passed_over], undecided, winner)
    left = _left_empty(in_force, groups, passed_over)
    is_joined = bool(left) and in_force is not None and rule.joins(in_force.parsed.answers, left)
    joined = {id(each.candidate) for each in left} if is_joined else set[int]()
    answers = in_force.parsed.answers if in_force is not None else ""
    choice = VersionChoice(in_force=in_force, undecided=asked, left=left, is_joined=is_joined, answers=answers)
    other: str | None
    for group in groups:
        for candidate in group:
            if candidate is in_force or candidate is group[0]:
                if candidate.is_kept_copy and candidate is not in_force and id(candidate) not in joined:
                    continue
                if id(candidate) in passed_over:
                    verdict, other = Verdict.PASSED_OVER, winner.fichier
                    notices = [finding("version-ecartee", Place(), valeur=candidate.fichier, autre=winner.fichier)]
                elif id(candidate) in joined and in_force is not None:
                    verdict, other = Verdict.JOINED, in_force.fichier
                    notices = [_joined_notice(candidate, in_force.fichier, left)]
                else:
                    verdict, other, notices = _decide(candidate, winner, undecided, in_force, adopted)
                if candidate is in_force and not is_joined:
                    notices += [_left_notice(each) for each in left if rule.is_open(candidate.parsed.answers, left)]
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
    if is_joined and in_force is not None:
        choice.in_force = replace(in_force, parsed=_joined(in_force.parsed, left))
        choice.take_as_adopted(adopted)
    return choice


def _left_empty(
    in_force: Candidate | None, groups: Sequence[Sequence[Candidate]], passed_over: Collection[int]
) -> tuple[LeftEmpty, ...]:
    """The rows of which the file in force says nothing, and older accepted ones made from the same form do.

    A row that it says anything of is its own answer; one that was taken out of it is another question.
    """
    if in_force is None or in_force.parsed.identity is None:
        return ()
    removed = {(row.table, row.row_id) for row in in_force.parsed.removed}
    said = {(row.table, row.key) for row in in_force.parsed.rows if row.before}
    found: list[LeftEmpty] = []
    for group in groups:
        candidate = group[0]
        is_older = candidate.moment < in_force.moment and candidate.parsed.identity == in_force.parsed.identity
        if not is_older or id(candidate) in passed_over or not candidate.parsed.is_accepted:
            continue
        rows = [
            row
            for row in candidate.parsed.rows
            if (row.table, row.key) not in said
            and (row.table, row.key[0]) not in removed
            and any(row.values.get(name) is not None for name in row.before)
        ]
        said |= {(row.table, row.key) for row in rows}
        found += [LeftEmpty(candidate, tuple(rows))] if rows else []
    return tuple(found)


def _joined(parsed: ParsedReturn, left: Iterable[LeftEmpty]) -> ParsedReturn:
    """A return with the rows that older ones fill, each in its own file."""
    others = {(row.table, row.key): replace(row, fichier=each.candidate.fichier) for each in left for row in each.rows}
    rows = [others.pop((row.table, row.key), row) for row in parsed.rows]
    return replace(parsed, rows=(*rows, *others.values()))


def _left_notice(left: LeftEmpty) -> Finding:
    return finding("reponse-partielle", Place(), autre=left.candidate.fichier, lignes=left.words)


def _joined_notice(candidate: Candidate, other: str, left: Iterable[LeftEmpty]) -> Finding:
    words = next(each.words for each in left if each.candidate is candidate)
    return finding("version-jointe", Place(), autre=other, lignes=words)


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
    )
