"""One run at a time on a workspace: a lock of the system, which dies with its holder, and a note of who holds it."""

from __future__ import annotations

import getpass
import json
import os
import platform
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.transaction.files import in_the_way
from tabellion.wording import french_date, system_reason

if TYPE_CHECKING:  # filelock is loaded by who takes a lock: most processes that load this module do not
    from filelock import BaseFileLock

#: The lock of a run, and that of the watcher.
LOCK, WATCHER = "verrou", "veilleur"
NOTE = f"{LOCK}.json"
#: A holder that has just come has not signed yet, and where the lock is only a file (some shares have no other) its
#: dead holder is found out by looking twice: a run that does not want to wait still looks for this long.
_LOOK_SECONDS = 0.5
_POLL_SECONDS = 0.1
#: A note that is longer was not written by this program.
_LONGEST_NOTE_BYTES = 10_000


@dataclass(frozen=True)
class Holder:
    """Who holds a workspace: a process (``pid``) of a user on a machine, since when, for which command."""

    pid: int
    utilisateur: str
    machine: str
    depuis: str
    commande: str


@contextmanager
def hold(folder: Path, purpose: str, now: datetime, *, wait_seconds: float = 0, name: str = LOCK) -> Iterator[None]:
    """Be alone on the workspace whose hidden folder is ``folder``, while the ``with`` block runs.

    ``purpose`` is the command as people type it (« tabellion consolidate »), shown to those who come second; they
    wait for ``wait_seconds`` at most. A holder that died, however it died, holds nothing any more. ``name`` is that of
    the lock: runs share one, and a watcher, which lasts for months, has its own beside it.

    Raises :class:`TabellionError` when another process holds the workspace (it says who, since when, and what to do)
    or when ``folder`` cannot be written.
    """
    lock = _acquire(folder, wait_seconds, name)
    note = _note(folder, name)
    try:
        with suppress(OSError):  # the note is a courtesy; the lock is what counts
            note.unlink(missing_ok=True)  # it may be another user's, which can be replaced but not written
            user = ""
            with suppress(Exception):  # a user without a name raises, of several kinds
                user = getpass.getuser()
            machine = platform.node() or "inconnue"
            holder = Holder(os.getpid(), user, machine, now.isoformat(timespec="seconds"), purpose)
            note.write_text(json.dumps(asdict(holder), ensure_ascii=False), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def is_watched(folder: Path) -> bool:
    """Whether a watcher is on the workspace: a run that meets it waits its turn, since each of its runs is short."""
    from filelock import FileLock, Timeout

    try:
        if (folder / WATCHER).exists():
            lock = FileLock(folder / WATCHER)
            _take(lock, 0)
            lock.release()
    except OSError as error:
        return isinstance(error, Timeout)
    return False


def _take(lock: BaseFileLock, wait_seconds: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some shares have no lock: filelock says that it makes do with a file
        lock.acquire(timeout=wait_seconds, poll_interval=_POLL_SECONDS)


def _note(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _acquire(folder: Path, wait_seconds: float, name: str) -> BaseFileLock:
    from filelock import FileLock, SoftFileLock, Timeout

    place = Place(str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Whoever may write in the folder may take the lock after us: the rights of the file are the folder's.
        lock = FileLock(folder / name, mode=folder.stat().st_mode & 0o666 | 0o600)
        _take(lock, max(wait_seconds, _LOOK_SECONDS))
    except Timeout:
        raise TabellionError([_occupied(folder, name, is_file_only=isinstance(lock, SoftFileLock))]) from None
    except OSError as error:
        refusal = finding("verrou-impossible", place, valeur=str(folder), detail=system_reason(error))
        raise TabellionError([in_the_way(folder / name) or refusal]) from error
    return lock


def _occupied(folder: Path, name: str, *, is_file_only: bool) -> Finding:
    """What to say to who comes second; ``is_file_only`` where the lock does not die with its holder by itself."""
    holder = _read(_note(folder, name))
    holder_words = "Un autre passage de tabellion travaille dans ce dossier"
    where = "là où elle tourne"
    if holder is not None:
        by = f" de {holder.utilisateur}" if holder.utilisateur else ""
        holder_words = (
            f"« {holder.commande} »{by}, sur la machine {holder.machine} (processus {holder.pid}), "
            f"travaille dans ce dossier depuis {_moment(holder.depuis)}"
        )
        where = f"sur {holder.machine}"
    remede = "Attendez qu'il finisse, puis recommencez : chacune de ses étapes a une limite de temps."
    if name == WATCHER:  # it is not meant to finish
        remede = (
            "Une surveillance suffit, rien d'autre n'est à lancer. Pour la remplacer, terminez d'abord celle-ci "
            f"{where} : Ctrl+C dans sa fenêtre, ou l'arrêt de son service."
        )
    if is_file_only:
        remede += f" Si sa machine a été éteinte pendant ce temps, supprimez le fichier {folder / name}."
    return finding("espace-occupe", Place(str(folder.parent)), detail=holder_words, remede=remede)


def _read(note: Path) -> Holder | None:
    """The note, or ``None`` when there is none, or none that can be read: its writer may have been stopped midway."""
    for _ in range(2):
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            with note.open("rb") as stream:
                note_content = json.loads(stream.read(_LONGEST_NOTE_BYTES).decode("utf-8"))
            words = {name: str(note_content[name])[:200] for name in ("utilisateur", "machine", "depuis", "commande")}
            return Holder(int(note_content["pid"]), **words)
        time.sleep(_POLL_SECONDS)
    return None


def _moment(text: str) -> str:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return f"le {french_date(moment)} à {moment:%H}h{moment:%M}"
    return "une date inconnue"
