"""The campaign in a terminal, in a log and in a mail's subject: who sent what, what blocks, what this run changed.

Every sign and word says by itself what a colour only repeats. On a terminal a line fits its width; elsewhere (a log, a
pipe) columns are as wide as their texts.
"""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import typer

from tabellion.campaign.model import BoardLine, CellChange, Consolidation, ReceivedFile, Verdict
from tabellion.commands.console import summary
from tabellion.findings import Severity
from tabellion.measures.board import REJECTED, RETURNED, ReturnStatus
from tabellion.schema.money import change_words
from tabellion.schema.shown import shown_value
from tabellion.wording import french_date, french_moment, one_line, plural

SUBJECT_AT_MOST = 78
"""Characters of a mail's subject: what RFC 5322 asks of a line."""


class _Status(NamedTuple):
    """How a status is signed, named in a column, coloured, and counted."""

    sign: str
    column: str
    colour: str | None
    singular: str
    several: str


#: What blocks first.
_STATUSES = {
    ReturnStatus.REJECTED: _Status("✗", "rejeté", "red", "rejeté", "rejetés"),
    ReturnStatus.KEPT: _Status(
        "✗", "rejeté, ancien gardé", "red", "rejeté (l'ancien compte)", "rejetés (l'ancien compte)"
    ),
    ReturnStatus.EMPTY: _Status("○", "vide", "yellow", "vide", "vides"),
    ReturnStatus.LATE: _Status("!", "en retard", "yellow", "en retard", "en retard"),
    ReturnStatus.AWAITED: _Status("·", "attendu", None, "attendu", "attendus"),
    ReturnStatus.ACCEPTED: _Status("✓", "accepté", "green", "accepté", "acceptés"),
    ReturnStatus.NOT_SENT: _Status(" ", "pas envoyé", None, "pas envoyé", "pas envoyés"),
    ReturnStatus.NOT_ASKED: _Status(" ", "sans objet", None, "sans objet", "sans objet"),
}
_RANKS = {status: rank for rank, status in enumerate(_STATUSES)}
#: Columns a line fills at most, and characters of a name or a value at most where nothing bounds the line.
_WIDEST, _LONGEST = 120, 60
#: Columns left of a row (its sign) and between two columns; the narrowest name before a whole column goes.
_MARGIN, _GAP, _NAME_AT_LEAST = 4, 2, 20
_FIRST_TO_GO = ("fichier", "avertissements", "limite", "erreurs", "recu")
#: Changes that the lines of :func:`since_lines` name; beyond, they are counted.
CHANGES_NAMED = 12


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One line to print. ``colour`` repeats what its words say."""

    text: str = ""
    colour: str | None = None
    bold: bool = False


def print_board(consolidation: Consolidation, *, most: int | None = None) -> None:
    """Print the campaign (see :func:`board_lines`) as the standard output allows."""
    print_lines(board_lines(consolidation, width=terminal_width(), most=most))


def print_since(consolidation: Consolidation) -> None:
    """Print what this run changed (see :func:`since_lines`)."""
    print_lines(since_lines(consolidation, width=terminal_width()))


def terminal_width() -> int | None:
    """The columns that a line may fill on the standard output; ``None`` when it is no terminal: as many as it takes."""
    return min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else None


def print_lines(lines: Iterable[PrintedLine]) -> None:
    """Print lines, in colours on a terminal that has not asked for none."""
    colours = None if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else False
    for line in lines:
        typer.secho(line.text, fg=line.colour, bold=line.bold or None, color=colours)


def board_lines(
    consolidation: Consolidation, *, width: int | None = None, most: int | None = None
) -> list[PrintedLine]:
    """The campaign by exercice, the latest first: counts, then one line a partner, what blocks first.

    ``width`` is in terminal columns. ``most`` bounds the partners named for an exercice, and leaves out those of whom
    nothing is expected; they are counted all the same.
    """
    if not consolidation.board:
        return [PrintedLine("Aucun formulaire n'a été envoyé : « tabellion forms » les écrit.")]
    lines: list[PrintedLine] = []
    for exercice in consolidation.exercices:
        of_year = [line for line in consolidation.board if line.exercice == exercice]
        of_year.sort(key=lambda line: (_RANKS[line.status], not line.came_late))
        dues = {line.due for line in of_year}
        due = next(iter(dues)) if len(dues) == 1 else None
        limit = f", à renvoyer au plus tard le {french_date(due)}" if due else ""
        lines += [PrintedLine(), *_wrapped(f"Exercice {exercice}{limit}", width, bold=True)]
        lines += _wrapped("  " + ", ".join(_counts(of_year)), width)
        asked = (*REJECTED, ReturnStatus.EMPTY, ReturnStatus.LATE)
        named = of_year if most is None else [line for line in of_year if line.status in asked][:most]
        lines += _table(named, width, with_due=len(dues) > 1)
        others = len(of_year) - len(named)
        if named and others:
            lines += _wrapped(f"  et {plural(others, 'autre partenaire', 'autres partenaires')}", width)
    if files := _to_look_at(consolidation):
        names = [f"  ! {_file(file)} : {file.verdict.value}" for file in files[:most]]
        lines += [PrintedLine(), *_wrapped("Fichiers à regarder", width, bold=True)]
        lines += [line for name in names for line in _wrapped(name, width, colour="yellow")]
        if len(files) > len(names):
            lines += _wrapped(f"  et {plural(len(files) - len(names), 'autre')}", width)
    counts = [plural(len(consolidation.staff), "saisie") + " de l'équipe"] if consolidation.staff else []
    counts += [
        plural(len(consolidation.modifications), "cellule changée", "cellules changées") + " par les retours",
        plural(len(consolidation.conflicts), "conflit"),
        plural(len(consolidation.removals), "suppression proposée", "suppressions proposées"),
    ]
    lines += [PrintedLine(), *_wrapped(f"Contrat : {', '.join(counts)}.", width)]
    return [*lines[1:], *_wrapped(f"Constats : {summary(consolidation.findings)}", width)]


def since_lines(consolidation: Consolidation, *, width: int | None = None) -> list[PrintedLine]:
    """What this run changed against the previous one, at most :data:`CHANGES_NAMED` of each kind."""
    since = consolidation.since
    if since.previous is None:
        return [PrintedLine("Première consolidation de ce contrat.")]
    when = french_moment(since.previous)
    if since.is_empty:
        return _wrapped(f"Rien n'a changé depuis le {when}.", width)
    lines = _wrapped(f"Changé depuis le {when} :", width, bold=True)
    for text in change_texts(consolidation, most=CHANGES_NAMED):
        lines += _wrapped(f"  {text}", width)
    return lines


def change_texts(consolidation: Consolidation, *, most: int | None = None) -> list[str]:
    """Each thing that this run changed, in words, on one line: statuses, cells, the total, findings.

    ``most`` bounds each kind; what is beyond it is counted.
    """
    since, names = consolidation.since, consolidation.partner_names
    moved = [
        f"{_name(names.get(partner, partner))} ({exercice}) : {before or 'rien'} → {after or 'rien'}"
        for partner, exercice, before, after in since.status_changes
    ]
    changed = [_change(consolidation, cell) for cell in since.cells[:most]]
    texts = [*moved[:most]]
    if len(moved) > len(texts):
        texts.append(f"et {plural(len(moved) - len(texts), 'autre partenaire', 'autres partenaires')}")
    texts += changed
    if len(since.cells) > len(changed):
        texts.append(f"et {plural(len(since.cells) - len(changed), 'autre cellule', 'autres cellules')}")
    if since.totals is not None and since.totals[0] != since.totals[1]:
        texts.append(f"total {since.total_of} : {change_words(*since.totals)}")
    if since.new_findings or since.gone_findings:
        new = plural(since.new_findings, "constat nouveau", "constats nouveaux")
        texts.append(f"{new}, {plural(since.gone_findings, 'disparu')}")
    return [one_line(text) for text in texts]


def subject(consolidation: Consolidation) -> str:
    """The state of the campaign in one line of at most :data:`SUBJECT_AT_MOST` characters: for a mail's subject.

    It speaks of the contract's current exercice, or else of the latest one; where it would be too long, what matters
    least goes.
    """
    board = consolidation.board
    if not board:
        return "tabellion : aucun formulaire envoyé"
    current = consolidation.contract.settings.exercice_courant
    year = current if current in consolidation.exercices else consolidation.exercices[0]
    current_year = consolidation.status_counts(year)
    start = f"tabellion {year} : {current_year.among(RETURNED)}/{current_year.asked} retours"
    rejected, late = current_year.among(REJECTED), current_year[ReturnStatus.LATE]
    strays = Counter(file.verdict for file in _to_look_at(consolidation))
    foreign = strays[Verdict.FOREIGN] + strays[Verdict.UNREADABLE]
    others = sum(line.status in REJECTED for line in board if line.exercice != year)
    blocking = sum(finding.bloquant for finding in consolidation.findings)
    parts = [
        plural(count, singular, several)
        for count, singular, several in (
            (rejected, "rejeté", "rejetés"),
            (current_year[ReturnStatus.EMPTY], "vide", "vides"),
            (late, "en retard", "en retard"),
            (len(consolidation.conflicts), "conflit", "conflits"),
            (strays[Verdict.UNDECIDED], "à départager", "à départager"),
            (foreign, "fichier étranger ou illisible", "fichiers étrangers ou illisibles"),
            (others, "rejeté d'un autre exercice", "rejetés d'autres exercices"),
            (blocking, "constat bloquant", "constats bloquants"),
        )
        if count
    ]
    to_see = rejected or consolidation.conflicts or strays or others or blocking
    end = " – à voir" if to_see else ", rien ne bloque"
    while len(line := ", ".join([start, *parts]) + end) > SUBJECT_AT_MOST and parts:
        parts.pop()
    return line.replace("\u202f", " ")[:SUBJECT_AT_MOST]  # a mail's subject keeps to plain spaces


def _to_look_at(consolidation: Consolidation) -> list[ReceivedFile]:
    """The files that a person must look at although no partner's line does: nobody's form, unreadable, undecided."""
    received = [file for line in consolidation.board for file in line.received]
    files = [*consolidation.strays, *(file for file in received if file.verdict is Verdict.UNDECIDED)]
    return list({file.fichier: file for file in files}.values())


def _counts(lines: Sequence[BoardLine]) -> list[str]:
    counts = Counter(line.status for line in lines)
    parts = {
        status: plural(counts[status], shown.singular, shown.several)
        for status, shown in _STATUSES.items()
        if counts[status]
    }
    if after := sum(line.came_late for line in lines if line.status is ReturnStatus.ACCEPTED):
        parts[ReturnStatus.ACCEPTED] += f" (dont {after} après la date)"
    return [*parts.values()]


def _table(board: Sequence[BoardLine], width: int | None, *, with_due: bool) -> list[PrintedLine]:
    """One aligned line a partner. Where the width is short, columns go, the last first, and then names are cut."""
    if not board:
        return []
    heads = {"nom": "Partenaire", "etat": "État", "recu": "Enregistré", "limite": "Limite", "erreurs": "Err."}
    heads |= {"avertissements": "Av.", "fichier": "Fichier qui compte"}
    rows = [_cells(line) for line in board]
    widths = {
        name: min(_LONGEST, max(cell_width(row[name]) for row in [heads, *rows]))
        for name in heads
        if with_due or name != "limite"
    }
    if width is not None:
        for name in _FIRST_TO_GO:
            room = width - _MARGIN - sum(widths.values()) - _GAP * (len(widths) - 1)
            if room + widths["nom"] >= min(widths["nom"], _NAME_AT_LEAST):
                break
            widths.pop(name, None)
        room = width - _MARGIN - sum(widths.values()) - _GAP * (len(widths) - 1)
        widths["nom"] = max(1, widths["nom"] + min(0, room))
    lines = [PrintedLine(" " * _MARGIN + _row(heads, widths), bold=True)]
    for line, row in zip(board, rows, strict=True):
        shown = _STATUSES[line.status]
        lines.append(PrintedLine(f"  {shown.sign} {_row(row, widths)}", shown.colour))
    return lines


def _cells(line: BoardLine) -> dict[str, str]:
    """The texts of a partner's line. The date is that of the latest file received: the one to talk about."""
    state = _STATUSES[line.status].column
    if line.came_late and line.status is ReturnStatus.ACCEPTED:
        state += ", après la date"
    saved = line.latest.saved if line.latest is not None else None
    return {
        "nom": _name(line.nom),
        "etat": state,
        "recu": french_date(saved) if saved is not None else "sans date" if line.latest is not None else "–",
        "limite": french_date(line.due) if line.due is not None else "–",
        "erreurs": str(line.counts[Severity.ERREUR] or "–"),
        "avertissements": str(line.counts[Severity.AVERTISSEMENT] or "–"),
        "fichier": _file(line.in_force) if line.in_force is not None else "–",
    }


def _row(cells: Mapping[str, str], widths: Mapping[str, int]) -> str:
    shown = []
    for name, room in widths.items():
        # Of a file's path the end says most, of a name its beginning.
        text = fit(cells[name], room, from_end=name == "fichier")
        space = " " * (room - cell_width(text))
        shown.append(space + text if name in ("erreurs", "avertissements") else text + space)
    return (" " * _GAP).join(shown).rstrip()


def _name(text: str) -> str:
    return fit(one_line(text), _LONGEST)


def _file(file: ReceivedFile) -> str:
    """The name of a file as people look for it: in ``retours/`` by its path there, a kept copy by its own name."""
    name = file.fichier.rpartition("/")[2] if file.is_kept_copy else file.fichier.removeprefix("retours/")
    return one_line(name)


def cell_width(text: str) -> int:
    """The columns that ``text`` takes on a terminal: two for a wide sign, none for a combining one."""
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if unicodedata.combining(sign) or (unicodedata.category(sign) in ("Cf", "Me", "Mn") and sign != "\u00ad"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def fit(text: str, room: int, *, from_end: bool = False) -> str:
    """``text`` in at most ``room`` columns, what is cut replaced by « … »: its beginning where ``from_end``."""
    if cell_width(text) <= room:
        return text
    kept, used = "", 1
    for sign in reversed(text) if from_end else text:
        used += _columns(sign)
        if used > room:
            break
        kept += sign
    return "…" + kept[::-1] if from_end else kept + "…"


def _wrapped(text: str, width: int | None, colour: str | None = None, *, bold: bool = False) -> list[PrintedLine]:
    """``text`` on as many lines as a terminal needs, those after the first set back under its first word."""
    if width is None or cell_width(text) <= width:
        return [PrintedLine(text, colour, bold)]
    margin = " " * (len(text) - len(text.lstrip()))
    lines, current = [], margin
    for word in text.split(" "):
        if not word:
            continue
        joined = current + word if not current.strip() else f"{current} {word}"
        if cell_width(joined) > width and current.strip():
            lines.append(current)
            joined = margin + "  " + word
        current = joined
    return [PrintedLine(fit(text, width), colour, bold) for text in [*lines, current]]


def _change(consolidation: Consolidation, change: CellChange) -> str:
    """One cell's change: the table, the row's key, the column's title, the old and the new value, the place."""
    schema = consolidation.contract.schemas.get(change.table)
    field_ = schema.by_name.get(change.champ) if schema else None
    before, after = (
        shown_value(field_, fit(one_line(value), _LONGEST) if isinstance(value, str) else value, quoted=True)
        for value in (change.before, change.after)
    )
    title, column = schema.title if schema else change.table, field_.title if field_ else change.champ
    where = f" [{change.place}]" if change.place is not None else ""
    return f"{title} {', '.join(map(str, change.key))}, {column} : {before} → {after}{where}"
