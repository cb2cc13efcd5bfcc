"""What commands print: findings grouped by file and sheet, gravest first, and their JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tabellion.files import write_whole
from tabellion.findings import CATALOGUE, Finding, Severity
from tabellion.wording import plural

JSON_VERSION = 1
#: Findings of one code on one sheet beyond this many are counted, with their first cells.
_SHOWN_EACH = 5
_MARKS = {Severity.ERREUR: "✗", Severity.AVERTISSEMENT: "!", Severity.INFORMATION: "i"}
_COLOURS = {Severity.ERREUR: "red", Severity.AVERTISSEMENT: "yellow", Severity.INFORMATION: "cyan"}


def summary(findings: Sequence[Finding]) -> str:
    """One sentence that counts the findings, and says whether one blocks."""
    if not findings:
        return "Rien à signaler."
    counts = Counter(each.gravite for each in findings)
    parts = [plural(counts[severity], severity.label) for severity in Severity if counts[severity]]
    blocking = sum(each.bloquant for each in findings)
    end = f"{plural(blocking, 'bloquant')}." if blocking else "rien ne bloque."
    return ", ".join(parts) + " ; " + end


def print_findings(findings: Iterable[Finding], *, short: bool = False) -> None:
    """Print findings by file, then by sheet, what blocks first; ``short`` leaves the informations to the workbook."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for where, group in _by_sheet(findings):
        shown = [each for each in group if not short or each.gravite is not Severity.INFORMATION]
        if not shown:
            continue
        console.print(f"\n[bold]{escape(where)}[/bold]")
        for same in _by_code(shown):
            _print_same(console, same, escape)


def _print_same(console: Any, same: list[Finding], escape: Any) -> None:
    first = same[0]
    block = " (bloquant)" if first.bloquant else ""
    colour, mark = _COLOURS[first.gravite], _MARKS[first.gravite]
    count = f" — {len(same)} fois" if len(same) > 1 else ""
    title = CATALOGUE[first.code].titre
    console.print(f"  [{colour}]{mark} {first.gravite.label}{block}[/{colour}] {escape(title)}{count} [dim]{first.code}[/dim]")
    for each in same[:_SHOWN_EACH]:
        console.print(f"      {escape(_where(each))}{escape(each.message)}")
        if each.suggestion and (len(same) == 1 or each.suggestion != first.suggestion):
            console.print(f"      [dim]→ {escape(each.suggestion)}[/dim]")
    if len(same) > 1 and len({each.suggestion for each in same[:_SHOWN_EACH]}) == 1:
        console.print(f"      [dim]→ {escape(first.suggestion)}[/dim]")
    if len(same) > _SHOWN_EACH:
        rest = ", ".join(filter(None, (each.place.cellule or _line(each) for each in same[_SHOWN_EACH : _SHOWN_EACH + 12])))
        more = " …" if len(same) > _SHOWN_EACH + 12 else ""
        console.print(f"      [dim]et aussi : {escape(rest)}{more}[/dim]")


def _where(each: Finding) -> str:
    cell = each.place.cellule or _line(each)
    return f"{cell} : " if cell else ""


def _line(each: Finding) -> str:
    return f"ligne {each.place.ligne}" if each.place.ligne is not None else ""


def _by_sheet(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    groups: dict[str, list[Finding]] = {}
    for each in findings:
        name = " › ".join(part for part in (each.place.fichier, each.place.feuille) if part)
        groups.setdefault(name or "Constats", []).append(each)
    return sorted(groups.items(), key=lambda group: min((not each.bloquant, each.gravite) for each in group[1]))


def _by_code(group: list[Finding]) -> list[list[Finding]]:
    codes: dict[tuple[bool, Severity, str], list[Finding]] = {}
    for each in group:
        codes.setdefault((not each.bloquant, each.gravite, each.code), []).append(each)
    return [codes[key] for key in sorted(codes)]


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The object that ``--json`` writes (DESIGN.md §5)."""
    counts = Counter(each.gravite for each in findings)
    files = Counter(each.place.fichier for each in findings)
    return {
        "version": JSON_VERSION,
        "constats": [each.as_json() for each in findings],
        "resume": {
            **{severity.label: counts[severity] for severity in Severity},
            "bloquants": sum(each.bloquant for each in findings),
            "par_code": dict(sorted(Counter(each.code for each in findings).items())),
            "par_fichier": {str(name): count for name, count in sorted(files.items(), key=lambda each: str(each[0]))},
        },
    }


def write_json(path: Path, findings: Sequence[Finding]) -> None:
    """Write :func:`as_json` at ``path``, whole."""
    write_whole(path, (json.dumps(as_json(findings), ensure_ascii=False, indent=2, default=str) + "\n").encode())
