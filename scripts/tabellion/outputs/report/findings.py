"""The findings as the report tells them: by partner, then by code, gravest first, in full as far as a page can bear.

A page with everything that thousands of returns can get wrong would open on no phone. One rule bounds it: of each code
of each partner the first :data:`PER_GROUP` findings are shown, and of the whole page the gravest :data:`PER_PAGE`; what
is left is counted in its place, and is in the consolidated workbook. Findings that say the same are one, with all their
cells; of those that are only alike, the first :data:`IN_FULL` are told, and the cells of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tabellion.findings import CATALOGUE, Finding, Place, Severity
from tabellion.outputs import Values
from tabellion.outputs.report.words import NO_BREAK, Link, href, typeset, where
from tabellion.wording import plural

PER_GROUP, PER_PAGE, IN_FULL = 25, 2_000, 3


@dataclass(frozen=True)
class FindingsSection:
    """All findings of one partner's returns, of the master workbook, of a file of nobody's.

    ``anchor`` is its place in the page, ``order`` its zero-based place among all sections as they were given;
    ``annotated`` the address of the annotated copy; ``untold`` counts the findings that the page only counts.
    """

    anchor: str
    order: int
    name: str
    summary: str
    blocking: int
    groups: Sequence[Values]
    untold: int
    is_told: bool
    annotated: str | None = None


@dataclass(frozen=True)
class OwnedFindings:
    """Findings to be told together, before it is known how many the page can bear."""

    name: str
    findings: Sequence[Finding]
    annotated: str | None = None


def sections_of(all_owned: Iterable[OwnedFindings]) -> tuple[FindingsSection, ...]:
    """The sections (none empty), those with most that blocks first; one budget for the whole page."""
    gathered = [(number, owned, _by_code(owned.findings)) for number, owned in enumerate(all_owned)]
    gathered.sort(key=lambda numbered: _need(numbered[1].findings))
    gravest = sorted(
        (_rank(group[0]), place, number)
        for place, (_, _, groups) in enumerate(gathered)
        for number, group in enumerate(groups)
    )
    left, shown = PER_PAGE, dict[tuple[int, int], int]()
    for _, place, number in gravest:
        shown[place, number] = min(len(gathered[place][2][number]), PER_GROUP, left)
        left -= shown[place, number]
    sections = []
    for place, (order, owned, groups) in enumerate(gathered):
        counts = [shown[place, number] for number in range(len(groups))]
        sections.append(
            FindingsSection(
                anchor=f"constats-{place + 1}",
                order=order,
                name=owned.name,
                summary=_summary(Counter(finding.gravite for finding in owned.findings)),
                blocking=sum(finding.bloquant for finding in owned.findings),
                groups=[_group(group, count) for group, count in zip(groups, counts, strict=True)],
                untold=len(owned.findings) - sum(counts),
                is_told=any(counts),
                annotated=owned.annotated,
            )
        )
    return tuple(sections)


def _summary(counts: Mapping[Severity, int]) -> str:
    """``2 erreurs, 1 avertissement``; empty when there is nothing."""
    return ", ".join(
        plural(counts[severity], severity.label).replace(" ", NO_BREAK) for severity in Severity if counts.get(severity)
    )


def _rank(finding: Finding) -> tuple[bool, Severity]:
    return not finding.bloquant, finding.gravite


def _need(findings: Sequence[Finding]) -> tuple[int, int]:
    errors = sum(finding.gravite is Severity.ERREUR for finding in findings)
    return -sum(finding.bloquant for finding in findings), -errors


def _by_code(findings: Iterable[Finding]) -> list[list[Finding]]:
    groups: dict[tuple[str, Severity], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.gravite), []).append(finding)
    return sorted(groups.values(), key=lambda group: _rank(group[0]))


def _group(findings: Sequence[Finding], count: int) -> Values:
    """The findings of one code and severity: the first ``count`` as « spots », the others as a number."""
    first = findings[0]
    several_files = len({finding.place.fichier for finding in findings}) > 1
    same_remedy = len({finding.suggestion for finding in findings}) == 1
    return {
        "code": first.code,
        "title": typeset(CATALOGUE[first.code].titre),
        "tone": "erreur" if first.bloquant else first.gravite.label,
        "word": "bloquant" if first.bloquant else first.gravite.label,
        "blocks": first.bloquant,
        "remedy": typeset(first.suggestion if same_remedy else ""),
        "count": len(findings),
        **_told(findings[:count], with_file=several_files, with_remedy=not same_remedy),
        "rest": len(findings) - count,
    }


def _told(findings: Sequence[Finding], *, with_file: bool, with_remedy: bool) -> Values:
    """Findings of one kind: ``spots``, what the first ones say and where; ``also``, the cells of those that follow."""
    same: dict[tuple[str, str, tuple[Place, ...]], list[Finding]] = {}
    for finding in findings:
        same.setdefault((finding.message, finding.suggestion, finding.liees), []).append(finding)
    alike = list(same.values())
    return {
        "spots": [_spot(group, with_file=with_file, with_remedy=with_remedy) for group in alike[:IN_FULL]],
        "also": _links((finding for group in alike[IN_FULL:] for finding in group), with_file=with_file),
    }


def _spot(findings: Sequence[Finding], *, with_file: bool, with_remedy: bool) -> Values:
    """What findings say alike: where, what, and the ``others``, the cells that they speak of too."""
    first = findings[0]
    others = [
        f"{other.fichier} : {where(other)}" if other.fichier != first.place.fichier and other.fichier else where(other)
        for other in first.liees
    ]
    return {
        "places": _links(findings, with_file=with_file),
        "message": typeset(first.message),
        "remedy": typeset(first.suggestion) if with_remedy else "",
        "others": [typeset(other) for other in others],
    }


def _links(findings: Iterable[Finding], *, with_file: bool) -> list[Link]:
    """The places of findings, each once."""
    links = []
    for place in dict.fromkeys(finding.place for finding in findings):
        name = f"{place.fichier}, " if with_file and place.fichier else ""
        links.append(Link(name + (where(place) or "tout le fichier"), href(place.fichier) if place.fichier else ""))
    return links
