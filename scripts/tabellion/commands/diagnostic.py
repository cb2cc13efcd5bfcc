"""``tabellion diagnostic``: what works on this machine and what does not, on a page to send to whoever helps.

It holds no password, no mail address and nothing of the contract; the home folder is written « ~ ».
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from tabellion import __version__
from tabellion.commands.console import MARKS
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import Severity, TabellionError
from tabellion.machine.disks import disk_of
from tabellion.mail.smtp import MailError, Session, SmtpTimeouts
from tabellion.outputs.document.pdf import find_office
from tabellion.transaction.files import already_there, begins_otherwise, write_whole
from tabellion.transaction.lock import hold, is_watched
from tabellion.wording import french_moment, one_line, system_reason

#: The libraries whose versions explain most.
_LIBRARIES = ("pandas", "lxml", "xlsxwriter", "pydantic", "watchdog", "filelock", "typer")
_LEAST_FREE_BYTES, _GIB = 2 * 1024**3, 1024**3
#: Windows takes paths of 260 characters where nobody lets it take longer ones; ours need so many below the root.
_LONGEST_PATH, _BELOW_ROOT = 260, 120
#: A share whose clock is further from ours makes « the latest version » doubtful.
_CLOCK_SECONDS = 60.0
#: What looks like a mail address, wherever a server or a setting says it.
_ADDRESS = re.compile(r"[^\s<>()«»]+@[^\s<>()«»]+\.[a-zA-Z]+")
_TITLE = "Diagnostic de tabellion"
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?Diagnostic de tabellion")
_MAIL_SECONDS, _OFFICE_SECONDS = 10.0, 30.0


class CheckState(StrEnum):
    """What a check says."""

    GOOD = "✓"
    DOUBT = MARKS[Severity.AVERTISSEMENT]
    BAD = MARKS[Severity.ERREUR]


@dataclass(frozen=True)
class Check:
    """One line of the page: what was looked at, its state, what was found and what can be done."""

    subject: str
    state: CheckState
    detail: str


def diagnose(folder: Path, now: datetime, environment: Mapping[str, str]) -> list[Check]:
    """Look at the machine and at the workspace of ``folder``; nothing is left changed, nothing that is found raises.

    ``environment`` has the password of the mail, as everywhere.
    """
    checks = [_versions(), _program(), _console(), _clock(now), _office()]
    try:
        workspace = find_workspace(folder)
    except TabellionError as error:
        reasons = " ".join(f"{item.message} {item.suggestion}" for item in error.findings)
        return [*checks, Check("Contrat", CheckState.BAD, reasons)]
    checks.append(Check("Contrat", CheckState.GOOD, f"{workspace.root}"))
    for check in (_workbook, _rights, _disk, _share_clock, _space, _lock, _watch, _last_run):
        checks += check(workspace)
    return [*checks, _mail(workspace, environment)]


def page(checks: list[Check], now: datetime) -> str:
    """The page, as text."""
    width = max(len(check.subject) for check in checks)
    lines = [
        f"{_TITLE} {__version__}, {french_moment(now)}",
        "Cette page n'a ni mot de passe, ni adresse de courriel, ni rien du contrat : elle peut être envoyée.",
        "",
        *(f"  {check.state} {check.subject:<{width}}  {one_line(check.detail)}" for check in checks),
        "",
        verdict(checks),
    ]
    home, text = str(Path.home()), _ADDRESS.sub("(adresse)", "\n".join(lines)) + "\n"
    return text.replace(home, "~") if len(home) > 1 else text


def write_page(path: Path, text: str) -> None:
    """Write the page at ``path``, in UTF-8; raises :class:`TabellionError` where something else is there already."""
    if begins_otherwise(path, _PAGE):
        raise TabellionError([already_there(path, "Donnez à --sortie le nom d'un fichier à créer.")])
    write_whole(path, text.encode("utf-8-sig"))


def verdict(checks: list[Check]) -> str:
    """What the checks come to, in a sentence."""
    for state, words in ((CheckState.BAD, "À corriger"), (CheckState.DOUBT, "Tout marche ; à savoir")):
        named = [check.subject for check in checks if check.state is state]
        if named:
            return f"{words} : {', '.join(named)}."
    return "Tout marche."


def is_bad(checks: list[Check]) -> bool:
    """Whether something does not work."""
    return any(check.state is CheckState.BAD for check in checks)


# The machine


def _versions() -> Check:
    libraries = []
    for name in _LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            libraries.append(f"{name} {metadata.version(name)}")
    system = f"{platform.system()} {platform.release()} ({platform.machine()})"
    return Check("Versions", CheckState.GOOD, f"Python {platform.python_version()}, {system} ; {', '.join(libraries)}")


def program_path() -> Path | None:
    """The installed command ``tabellion``, beside this Python or among the commands; ``None`` where there is none."""
    beside = Path(sys.executable).with_name("tabellion.exe" if os.name == "nt" else "tabellion")
    program = str(beside) if beside.is_file() else shutil.which("tabellion")
    return None if program is None else Path(program).absolute()


def _program() -> Check:
    path = program_path()
    if path is None:
        words = "la commande n'est pas installée, aucun service ne peut la lancer : voir le guide de l'installation"
        return Check("Programme", CheckState.DOUBT, words)
    return Check("Programme", CheckState.GOOD, str(path))


def _console() -> Check:
    encoding = (getattr(sys.stdout, "encoding", None) or "inconnu").lower()
    try:
        "✗→’€".encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return Check("Console", CheckState.GOOD, f"{encoding} : les signes qui lui manquent sont remplacés")
    return Check("Console", CheckState.GOOD, encoding)


def _clock(now: datetime) -> Check:
    local = now.astimezone()
    return Check(
        "Heure", CheckState.GOOD, f"{now:%d/%m/%Y %H:%M}, fuseau {local.tzname() or 'inconnu'} (UTC{local:%z})"
    )


def _office() -> Check:
    command = find_office()
    if command is None:
        return Check("LibreOffice", CheckState.GOOD, "absent : il ne sert qu'à tirer un PDF du document publié")
    try:
        done = subprocess.run(  # noqa: S603 - LibreOffice itself
            [command, "--version"], capture_output=True, text=True, errors="replace", timeout=_OFFICE_SECONDS,
            check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return Check("LibreOffice", CheckState.DOUBT, f"{command} ne répond pas : le PDF ne pourra pas être fait")
    return Check("LibreOffice", CheckState.GOOD, " ".join(done.stdout.split()) or command)


# The workspace


def _workbook(workspace: Workspace) -> Iterator[Check]:
    if not workspace.contrat.is_file():
        words = "il n'est pas là : « tabellion generate » le fait, ou remettez celui de l'équipe à sa place"
        yield Check("Classeur", CheckState.BAD, words)
        return
    try:
        with workspace.contrat.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        yield Check("Classeur", CheckState.BAD, f"il ne peut pas être lu : {system_reason(error)}")
        return
    yield Check("Classeur", CheckState.GOOD, f"{workspace.contrat.stat().st_size // 1024} Ko")


def _rights(workspace: Workspace) -> Iterator[Check]:
    """A file is truly written, renamed and removed in each folder: what a share says of rights is not believed."""
    folders = [workspace.workbooks, workspace.registre, workspace.envois, workspace.retours, workspace.consolidation]
    refused = []
    for folder in filter(Path.is_dir, folders):
        try:
            _try_writing(folder)
        except OSError as error:
            refused.append(f"{folder.relative_to(workspace.root).as_posix()} ({system_reason(error)})")
    if refused:
        remedy = "donnez le droit de modifier au compte qui lance tabellion"
        words = f"rien ne peut être écrit dans {', '.join(refused)} : {remedy}"
        yield Check("Droits", CheckState.BAD, words)
    else:
        yield Check("Droits", CheckState.GOOD, "un fichier s'écrit, se renomme et se supprime dans chaque dossier")


def _try_writing(folder: Path) -> float:
    """Write a file, put it in another's place, remove it; the share's time of writing, in seconds since the epoch."""
    with tempfile.TemporaryDirectory(prefix=".tabellion-essai-", dir=folder) as place:
        first, second = Path(place, "a"), Path(place, "b")
        first.write_bytes(b"a")
        second.write_bytes(b"b")
        first.replace(second)
        return second.stat().st_mtime


def _disk(workspace: Workspace) -> Iterator[Check]:
    disk = disk_of(workspace.root)
    words = f"{'partage du réseau' if disk.is_network else 'disque de la machine'} ({disk.kind or 'inconnu'})"
    state = CheckState.GOOD
    if disk.is_network:
        words += " : la surveillance le relit toutes les deux secondes"
    if disk.client:
        words += f", synchronisé par {disk.client} : gardez ce dossier « toujours sur cet appareil »"
        state = CheckState.DOUBT
    if os.name == "nt" and len(str(workspace.root)) > _LONGEST_PATH - _BELOW_ROOT:
        words += " ; son chemin est long : rapprochez-le de la racine, des fichiers pourraient ne pas s'écrire"
        state = CheckState.DOUBT
    yield Check("Emplacement", state, words)


def _share_clock(workspace: Workspace) -> Iterator[Check]:
    with suppress(OSError):
        gap = _try_writing(workspace.workbooks) - time.time()
        if abs(gap) > _CLOCK_SECONDS:
            words = f"l'horloge du partage s'écarte de {abs(gap):.0f} secondes de celle de cette machine : réglez-les"
            yield Check("Horloges", CheckState.DOUBT, words)


def _space(workspace: Workspace) -> Iterator[Check]:
    try:
        free = shutil.disk_usage(workspace.workbooks).free
    except OSError as error:
        yield Check("Place", CheckState.DOUBT, system_reason(error))
        return
    words = f"{free / _GIB:.1f} Gio libres".replace(".", ",")
    if free < _LEAST_FREE_BYTES:
        yield Check("Place", CheckState.BAD, f"{words} : libérez de la place, il en faut 2")
    else:
        yield Check("Place", CheckState.GOOD, words)


def _lock(workspace: Workspace) -> Iterator[Check]:
    try:
        with hold(workspace.memory, "tabellion diagnostic", datetime.now()):
            pass
    except TabellionError as error:
        (item,) = error.findings
        yield Check("Verrou", CheckState.DOUBT, f"{item.message} {item.suggestion}")
        return
    yield Check("Verrou", CheckState.GOOD, "un seul passage à la fois écrit dans ce contrat")


def _watch(workspace: Workspace) -> Iterator[Check]:
    if is_watched(workspace.memory):
        yield Check("Surveillance", CheckState.GOOD, "elle tourne")
    else:
        words = "aucune ne tourne : les demandes de l'équipe attendent ; « tabellion installer » la met en marche"
        yield Check("Surveillance", CheckState.DOUBT, words)


def _last_run(workspace: Workspace) -> Iterator[Check]:
    report = workspace.consolidation / "rapport.html"
    if not report.is_file():
        yield Check("Consolidation", CheckState.DOUBT, "aucune n'a encore été faite")
        return
    made = datetime.fromtimestamp(report.stat().st_mtime)
    yield Check("Consolidation", CheckState.GOOD, f"la dernière nouvelle est du {french_moment(made)}")


def _mail(workspace: Workspace, environment: Mapping[str, str]) -> Check:
    mail = workspace.settings.courriel
    if mail is None:
        return Check("Courriel", CheckState.GOOD, "pas réglé : aucun avis n'est envoyé")
    where = f"{mail.serveur}:{mail.port}, {mail.chiffrement}"
    try:
        with Session(mail, environment, SmtpTimeouts(answer=_MAIL_SECONDS)):
            pass
    except (MailError, OSError) as error:
        detail = system_reason(error) if isinstance(error, OSError) else str(error)
        return Check("Courriel", CheckState.BAD, f"{where} : {detail}")
    return Check(
        "Courriel", CheckState.GOOD, f"{where} : le serveur répond et accepte cette machine ; rien n'a été envoyé"
    )
