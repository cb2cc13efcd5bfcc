"""``tabellion relances``: one text per partner who is late or whose return is to be corrected, ready to be sent.

Staff may edit a text before sending it. The digests of what the program wrote are kept aside (``memory``), not in the
texts, which are mails; without them every text is taken for edited, and nobody loses work. So are the days on which
each reminder was prepared: a text says which one it is. Whether it was sent, only the staff know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import typer

from tabellion.campaign.model import BoardLine, Consolidation
from tabellion.commands.options import unknown_partners, wrong_option
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Json, TabellionError
from tabellion.measures.board import REMINDED, ReturnStatus
from tabellion.outputs.reminders import TEMPLATE, load_template, reminder, reminder_words
from tabellion.transaction.files import cannot_write, replace_or_refuse
from tabellion.transaction.stored import read_stored
from tabellion.wording import file_stem, french_date, one_line, plural

FOLDER, _DIGESTS, _PREPARED = "relances", "relances.json", "relances-preparees.json"
#: A reminder prepared again before so many days is the same one.
_NEXT_AFTER = timedelta(days=7)
#: What people can do about a file of theirs at the place of an output.
_REMEDY = "Envoyez ce texte ou rangez-le ailleurs ; avec --forcer, il est remplacé après une copie datée."
#: Digests kept of one text: that of the text being put in place, and that of the one before, until it is.
_DIGESTS_EACH = 2

Digests = dict[str, list[str]]


@dataclass(frozen=True)
class Reminder:
    """The text for one partner, at ``path``. ``kept`` is the dated copy of an edited one that it replaced.

    ``is_edited`` when the staff's own version stays there: what the program would write has not changed since.
    ``prepared`` are the days on which this reminder and those before it were prepared.
    """

    line: BoardLine
    path: Path
    prepared: tuple[date, ...]
    kept: Path | None = None
    is_edited: bool = False


@dataclass(frozen=True)
class Reminders:
    """What a run did: the reminders in place, those removed (no longer called for), those only their edits kept."""

    exercice: int
    folder: Path
    reminders: tuple[Reminder, ...] = ()
    removed: tuple[Path, ...] = ()
    outdated: tuple[Path, ...] = ()


def relances(
    workspace: Workspace,
    consolidation: Consolidation,
    exercice: int | None,
    partners: Sequence[str],
    *,
    force: bool,
    now: datetime,
    sent: Collection[Path] = (),
) -> Reminders:
    """Write the reminders of ``exercice`` (the contract's current one by default) into ``relances/EXERCICE/``.

    ``partners`` are identifiers (all by default). Raises :class:`TabellionError` when an option or the template is
    wrong, and when a text that staff edited would be replaced (unless ``force``, which keeps a dated copy of each
    first, or all of those are among the ``sent``: the same). Nothing is then written.
    """
    mistakes = wrong_options(consolidation, exercice, partners)
    if mistakes:
        raise TabellionError(mistakes)
    year = consolidation.contract.settings.exercice_courant if exercice is None else exercice
    folder, template_path = workspace.workbooks / FOLDER / str(year), workspace.templates / TEMPLATE
    template = load_template(template_path)
    wanted = {
        folder / f"{file_stem(line.partenaire)}.txt": line
        for line in consolidation.board
        if line.exercice == year and line.status in REMINDED and (not partners or line.partenaire in partners)
    }
    known_days = _read_prepared(workspace)
    days = {path: _with_today(known_days.get(_name(path), ()), now.date()) for path in wanted}
    texts = {
        path: reminder(template, template_path, consolidation, line, days[path]).encode("utf-8", "replace")
        for path, line in wanted.items()
    }
    digests = _read_digests(workspace)
    present = {path: content for path in texts if (content := _content(path)) is not None}
    edited = [
        path for path, content in present.items() if content != texts[path] and not _is_known(path, content, digests)
    ]
    # What would be written is what was: the edited text says it already, in the staff's words.
    left = {path for path in edited if not force and digests.get(_name(path), [])[:1] == [_digest(texts[path])]}
    in_the_way = sorted(set(edited) - left)
    removed, outdated = _no_longer_wanted(folder, wanted, partners, digests)
    new = {path: text for path, text in texts.items() if path not in left and present.get(path) != text}
    noted = _with_digests(digests, texts)
    if new or noted != digests:  # they come first: a text whose writing was cut short is then still known
        known = json.dumps(noted, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8", "replace")
        new = {workspace.memory / _DIGESTS: known, **new}
    if any(known_days.get(_name(path), ()) != prepared for path, prepared in days.items()):
        named = known_days | {_name(path): prepared for path, prepared in days.items()}
        written = {name: [day.isoformat() for day in prepared] for name, prepared in named.items()}
        new = {workspace.memory / _PREPARED: json.dumps(written, indent=1, sort_keys=True).encode(), **new}
    copies = replace_or_refuse(new, in_the_way, _REMEDY, force=force or set(in_the_way) <= {*sent}, now=now)
    for path in removed:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
    reminders = tuple(Reminder(line, path, days[path], copies.get(path), path in left) for path, line in wanted.items())
    return Reminders(year, folder, reminders, tuple(removed), tuple(outdated))


def print_reminders(done: Reminders) -> None:
    """Say which reminders are there, for whom and why, and what became of those that are not called for any more."""
    names = [entry.path.name for entry in done.reminders] + [path.name for path in (*done.removed, *done.outdated)]
    room = max(map(len, names), default=0)
    for entry in done.reminders:
        edited = ", retouchée à la main, gardée telle quelle" if entry.is_edited else ""
        state = "en retard" if entry.line.status is ReturnStatus.LATE else "à corriger"
        rank = f"{reminder_words(len(entry.prepared))}, préparée le {french_date(entry.prepared[-1])}"
        typer.echo(f"  {entry.path.name:<{room}}   {state + edited:<10}   {one_line(entry.line.nom)} – {rank}")
        if entry.kept is not None:
            typer.echo(f"L'ancienne est gardée : {entry.kept}")
    ends = [(path, "supprimée : elle n'a plus lieu d'être") for path in done.removed]
    ends += [
        (path, "n'a plus lieu d'être, mais elle a été retouchée : supprimez-la vous-même") for path in done.outdated
    ]
    for path, end in ends:
        typer.echo(f"  {path.name:<{room}}   {end}")
    if done.reminders:
        typer.echo(f"\n{plural(len(done.reminders), 'relance')} dans {done.folder}")
    else:
        typer.echo(f"Personne à relancer pour {done.exercice}.")


def _with_digests(digests: Digests, texts: Mapping[Path, bytes]) -> Digests:
    """The digests with those of these texts, also of texts in place already whose digests were lost."""
    latest = {
        _name(path): list(dict.fromkeys([_digest(text), *digests.get(_name(path), [])]))[:_DIGESTS_EACH]
        for path, text in texts.items()
    }
    return {**digests, **latest}


def _no_longer_wanted(
    folder: Path, wanted: Mapping[Path, BoardLine], partners: Sequence[str], digests: Digests
) -> tuple[list[Path], list[Path]]:
    """The texts that the program wrote there and that nothing calls for any more: intact ones, edited ones."""
    chosen = {f"{file_stem(partner)}.txt" for partner in partners}
    intact, edited = list[Path](), list[Path]()
    for path in sorted(folder.glob("*.txt")) if folder.is_dir() else []:
        if path in wanted or _name(path) not in digests or (chosen and path.name not in chosen):
            continue
        content = _content(path)
        (intact if content is not None and _is_known(path, content, digests) else edited).append(path)
    return intact, edited


def wrong_options(consolidation: Consolidation, exercice: int | None, partners: Sequence[str]) -> list[Finding]:
    """Every mistake of the options: an exercice without any form, each unknown partner with the nearest known one."""
    mistakes, exercices = list[Finding](), consolidation.exercices
    if exercice is not None and exercice not in exercices:
        known = f"un exercice qui a des formulaires : {', '.join(map(str, exercices))}" if exercices else "rien"
        mistakes.append(wrong_option("--exercice", exercice, known))
    names = {line.partenaire: line.nom for line in consolidation.board}
    return [*mistakes, *unknown_partners(partners, names, "du suivi")]


def _read_digests(workspace: Workspace) -> Digests:
    """The digests of the texts written, by exercice and name; none when their file is missing or damaged."""

    def digests(content: Json) -> Digests:
        return {name: [*map(str, digests)] for name, digests in content.items() if isinstance(digests, list)}

    return read_stored(workspace.memory / _DIGESTS, digests) or {}


def _with_today(days: tuple[date, ...], today: date) -> tuple[date, ...]:
    """The days on which reminders were prepared, with that of a new one where the last is old enough."""
    return days if days and today - days[-1] < _NEXT_AFTER else (*days, today)


def _read_prepared(workspace: Workspace) -> dict[str, tuple[date, ...]]:
    """The days on which reminders were prepared, by exercice and name; none when their file is missing or damaged."""

    def prepared(content: Json) -> dict[str, tuple[date, ...]]:
        return {name: tuple(map(date.fromisoformat, days)) for name, days in content.items()}

    return read_stored(workspace.memory / _PREPARED, prepared) or {}


def _is_known(path: Path, content: bytes, digests: Digests) -> bool:
    """Whether the program wrote that content there."""
    return _digest(content) in digests.get(_name(path), [])


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_write(path, error) from error
