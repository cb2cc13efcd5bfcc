"""What the text log of a run says of a consolidation: facts of a kind, each with its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile
from tabellion.commands.board import change_texts, subject
from tabellion.findings import Finding, Severity
from tabellion.measures.board import ReturnStatus
from tabellion.wording import french_date, french_moment, plural

#: The changes and blocking findings that one run writes; more are counted.
_NAMED_AT_MOST = 500


def consolidation_lines(consolidation: Consolidation, *, is_new: bool) -> Iterator[tuple[str, str]]:
    """What a run changed, each file with its verdict, who is late, what blocks, and the summary.

    ``is_new`` is false when the outputs in place already said all of it.
    """
    since = consolidation.since
    if not is_new:
        yield "changement", f"aucun depuis le {french_moment(consolidation.made)}"
    elif since.previous is None:
        yield "changement", "première consolidation de ce contrat"
    elif since.is_empty:
        yield "changement", f"aucun depuis le {french_moment(since.previous)}"
    else:
        yield from (("changement", text) for text in change_texts(consolidation, most=_NAMED_AT_MOST))
    files: dict[str, tuple[ReceivedFile, BoardLine | None]] = {
        file.fichier: (file, None) for file in consolidation.strays
    }
    files |= {file.fichier: (file, line) for line in consolidation.board for file in line.received}
    yield from (("fichier", _verdict(*files[name])) for name in sorted(files))
    for line in consolidation.board:
        if line.status is ReturnStatus.LATE:
            due = f", attendu le {french_date(line.due)}" if line.due is not None else ""
            yield "retard", f"{line.nom} ({line.exercice}){due} : rien reçu"
    yield from finding_lines(consolidation.findings)
    yield "résumé", subject(consolidation)


def finding_lines(findings: Iterable[Finding]) -> Iterator[tuple[str, str]]:
    """Each blocking finding: the place, what is wrong, its code, the remedy."""
    blocking = [finding for finding in findings if finding.bloquant]
    for blocked in blocking[:_NAMED_AT_MOST]:
        place = f"{blocked.place} : " if str(blocked.place) else ""
        yield "bloque", f"{place}{blocked.message} [{blocked.code}] → {blocked.suggestion}"
    if len(blocking) > _NAMED_AT_MOST:
        yield "bloque", f"et {plural(len(blocking) - _NAMED_AT_MOST, 'autre')} : constats.json les a tous"


def _verdict(file: ReceivedFile, line: BoardLine | None) -> str:
    """One file and what became of it: whose it is, when it was saved, which file took its place, what is wrong."""
    owner = f"{line.nom}, {line.exercice}" if line is not None else file.partenaire or ""
    saved = f"enregistré le {french_moment(file.saved)}" if file.saved is not None else ""
    other = f"voir {file.other}" if file.other is not None else ""
    known = ", ".join(filter(None, (owner, saved, other)))
    counts = ", ".join(plural(file.counts[grade], grade.label) for grade in Severity if file.counts[grade])
    return f"{file.fichier} : {file.verdict.value}{f' ({known})' if known else ''}{f' – {counts}' if counts else ''}"
