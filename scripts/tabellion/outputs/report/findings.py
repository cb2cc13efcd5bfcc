"""The findings as the report tells them: by partner, then by code, gravest first, in full as far as a page can bear.

A page with everything that thousands of returns can get wrong would open on no phone. One rule bounds it: of each code
of each partner the first :data:`PER_GROUP` findings are shown, and of the whole page the gravest :data:`PER_PAGE`; what
is left is counted in its place, and is in the consolidated workbook.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tabellion.findings import CATALOGUE, Finding, Severity
from tabellion.outputs.report.words import NO_BREAK, href, typeset, where
from tabellion.wording import plural

PER_GROUP, PER_PAGE = 25, 2_000


@dataclass(frozen=True)
class ShownFinding:
    """One finding: where, what; ``file`` when its group is of several files; ``remedy`` when it has one of its own.

    ``others`` are the other cells that it speaks of.
    """

    where: str
    file: str
    href: str
    message: str
    remedy: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class FindingsGroup:
    """The findings of one code and severity: ``rest`` of its ``count`` are not among its ``spots``."""

    code: str
    title: str
    tone: str
    word: str
    blocks: bool
    remedy: str
    count: int
    spots: tuple[ShownFinding, ...]
    rest: int


@dataclass(frozen=True)
class FindingsSection:
    """All findings of one partner's returns, of the master workbook, of a file of nobody's.

    ``anchor`` is its place in the page, ``order`` its zero-based place among the heaps; ``annotated`` the address of
    the annotated copy.
    """

    anchor: str
    order: int
    name: str
    summary: str
    blocking: int
    groups: tuple[FindingsGroup, ...]
    annotated: str | None = None

    @property
    def is_told(self) -> bool:
        """Whether the page tells any of its findings, rather than only counting them."""
        return any(group.spots for group in self.groups)


def summary(counts: Mapping[Severity, int]) -> str:
    """``2 erreurs, 1 avertissement``; empty when there is nothing."""
    return ", ".join(
        plural(counts[severity], severity.label).replace(" ", NO_BREAK) for severity in Severity if counts.get(severity)
    )


def tone(finding: Finding) -> str:
    """The colour of a finding's mark, by name."""
    return "erreur" if finding.bloquant else finding.gravite.label


def word(finding: Finding) -> str:
    """The word of a finding's mark."""
    return "bloquant" if finding.bloquant else finding.gravite.label


@dataclass(frozen=True)
class OwnedFindings:
    """Findings to be told together, before it is known how many the page can bear."""

    name: str
    findings: Sequence[Finding]
    annotated: str | None = None


def sections_of(all_owned: Iterable[OwnedFindings]) -> tuple[FindingsSection, ...]:
    """The heaps (none empty) as sheaves, those with most that blocks first; one budget for the whole page."""
    gathered = [(number, owned, _by_code(owned.findings)) for number, owned in enumerate(all_owned)]
    gathered.sort(key=lambda numbered: _need(numbered[1].findings))
    gravest = sorted(
        (rank, place, number)
        for place, (_, _, groups) in enumerate(gathered)
        for number, group in enumerate(groups)
        for rank in [_rank(group[0])]
    )
    left, shown = PER_PAGE, dict[tuple[int, int], int]()
    for _, place, number in gravest:
        shown[place, number] = min(len(gathered[place][2][number]), PER_GROUP, left)
        left -= shown[place, number]
    return tuple(
        FindingsSection(
            anchor=f"constats-{place + 1}",
            order=order,
            name=owned.name,
            summary=summary(Counter(finding.gravite for finding in owned.findings)),
            blocking=sum(finding.bloquant for finding in owned.findings),
            groups=tuple(_group(group, shown[place, number]) for number, group in enumerate(groups)),
            annotated=owned.annotated,
        )
        for place, (order, owned, groups) in enumerate(gathered)
    )


def _rank(finding: Finding) -> tuple[bool, Severity]:
    return not finding.bloquant, finding.gravite


def _need(findings: Sequence[Finding]) -> tuple[int, int]:
    return -sum(finding.bloquant for finding in findings), -sum(
        finding.gravite is Severity.ERREUR for finding in findings
    )


def _by_code(findings: Iterable[Finding]) -> list[list[Finding]]:
    groups: dict[tuple[str, Severity], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.gravite), []).append(finding)
    return sorted(groups.values(), key=lambda group: _rank(group[0]))


def _group(findings: Sequence[Finding], count: int) -> FindingsGroup:
    first = findings[0]
    is_mixed = len({finding.place.fichier for finding in findings}) > 1
    remedies = {finding.suggestion for finding in findings}
    remedy = first.suggestion if len(remedies) == 1 else ""
    shown = [_shown(finding, "" if remedy else finding.suggestion) for finding in findings[:count]]
    if not is_mixed:
        shown = [replace(finding, file="") for finding in shown]
    return FindingsGroup(
        code=first.code,
        title=typeset(CATALOGUE[first.code].titre),
        tone=tone(first),
        word=word(first),
        blocks=first.bloquant,
        remedy=typeset(remedy),
        count=len(findings),
        spots=tuple(shown),
        rest=len(findings) - count,
    )


def _shown(finding: Finding, remedy: str) -> ShownFinding:
    place = finding.place
    others = tuple(
        f"{other.fichier} : {where(other)}" if other.fichier != place.fichier and other.fichier else where(other)
        for other in finding.liees
    )
    return ShownFinding(
        where=where(place) or "tout le fichier",
        file=place.fichier or "",
        href=href(place.fichier) if place.fichier else "",
        message=typeset(finding.message),
        remedy=typeset(remedy),
        others=tuple(typeset(other) for other in others),
    )
