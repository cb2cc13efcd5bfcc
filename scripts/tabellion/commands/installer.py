"""``tabellion installer``: a contract's folder set up for people without a terminal, then everything tried once.

Everything that is written and run is known first (:func:`plan`): a rehearsal shows it and does nothing.
"""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from tabellion.commands.diagnostic import Check, CheckState, program_path
from tabellion.commands.guides import lacking_guides
from tabellion.contract.folders import SETTINGS_FILE
from tabellion.contract.workspace import Workspace, find_workspace, starter_kit
from tabellion.findings import TabellionError
from tabellion.machine.scheduler import Machine, Service, desktop_folder, service_of, shortcut
from tabellion.transaction.files import write_all_whole
from tabellion.transaction.lock import is_watched
from tabellion.wording import system_reason

_UNITS, _USER_DIRS = "templates/planification", ".config/user-dirs.dirs"
#: A watcher that was started is there after so long, on a slow machine.
_COMMAND_SECONDS, _START_SECONDS = 120.0, 20.0
#: Runs a command and says whether it went well, with what it printed.
RunCommand = Callable[[Sequence[str]], tuple[bool, str]]


@dataclass(frozen=True)
class Installation:
    """What an installation does: the service, and the shortcuts by their place. Both may be left out."""

    service: Service | None
    shortcuts: Mapping[Path, bytes] = field(default_factory=dict)


def this_machine(root: Path) -> Machine:
    """The machine that this runs on, for the contract in ``root``."""
    account = getpass.getuser()
    if os.name == "nt" and (domain := os.environ.get("USERDOMAIN")):
        account = f"{domain}\\{account}"
    program = program_path() or Path("tabellion")
    return Machine(
        platform.system(),
        _is_administrator(),
        account,
        Path.home(),
        program,
        root,
        shutil.which("systemctl") is not None,
    )


def _is_administrator() -> bool:
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.geteuid() == 0


def plan(
    machine: Machine, workspace: Workspace, *, nightly: bool, service: bool = True, shortcuts: bool = True
) -> Installation:
    """What to write and to run on ``machine`` for a workspace."""
    folder = next(path for path in (workspace.root / _UNITS, starter_kit() / _UNITS) if path.is_dir())
    units = {path.name: path.read_bytes() for path in (*(starter_kit() / _UNITS).iterdir(), *folder.iterdir())}
    made = service_of(machine, units, workspace.settings.identifiant, nightly=nightly) if service else None
    return Installation(made, _shortcuts(machine, workspace) if shortcuts else {})


def _shortcuts(machine: Machine, workspace: Workspace) -> dict[Path, bytes]:
    home, user_dirs = Path(machine.home), ""
    with suppress(OSError):
        user_dirs = (home / _USER_DIRS).read_text(encoding="utf-8", errors="replace")
    desktop = desktop_folder(machine.system, home, user_dirs)
    targets: dict[str, PurePath] = {
        "Contrat de ville": workspace.contrat,
        "Retours des partenaires": workspace.retours,
        "Rapport du contrat de ville": workspace.consolidation / "rapport.html",
    }
    return dict(_named(desktop, *shortcut(machine.system, name, target)) for name, target in targets.items())


def _named(folder: Path, name: str, content: bytes) -> tuple[Path, bytes]:
    return folder / name, content


def set_up_folder(folder: Path, now: datetime, model: str) -> tuple[Workspace, bool]:
    """The workspace of ``folder``, made empty of a ``model`` where there is none, and whether it was made.

    Its workbook, its guides and the folders that people use are there afterwards. Raises :class:`TabellionError`.
    """
    from tabellion.commands.generate import generate
    from tabellion.commands.new import create_empty_workspace

    is_new = not (folder / SETTINGS_FILE).is_file()
    if is_new:
        create_empty_workspace(folder, now, model)
    workspace = find_workspace(folder)
    if not workspace.contrat.exists():
        generate(workspace, None, force=False, now=now)
    write_all_whole(lacking_guides(workspace))
    for place in (workspace.retours, workspace.envois):
        place.mkdir(exist_ok=True)
    return workspace, is_new


def rehearsed_folder(folder: Path, now: datetime, model: str) -> Workspace:
    """The workspace that :func:`set_up_folder` would make in ``folder``, of which nothing is written there.

    Raises :class:`TabellionError` as it would, but for rights on the disk.
    """
    from tabellion.commands.new import create_empty_workspace, refuse_taken

    with TemporaryDirectory() as place:
        made = Path(place) / (folder.resolve().name or "contrat")
        refuse_taken(folder, create_empty_workspace(made, now, model))
        return Workspace(folder.resolve(), find_workspace(made).settings)


def install(wanted: Installation, run: RunCommand) -> list[Check]:
    """Carry a plan out; each part says what came of it."""
    checks = [] if wanted.service is None else [_install_service(wanted.service, run)]
    return [*checks, _install_shortcuts(wanted.shortcuts)] if wanted.shortcuts else checks


def wait_for_watch(workspace: Workspace, seconds: float = _START_SECONDS) -> None:
    """Give a watcher that was just started the time to be there; return at once when it is."""
    end = time.monotonic() + seconds
    while not is_watched(workspace.memory) and time.monotonic() < end:
        time.sleep(0.2)


def _install_service(service: Service, run: RunCommand) -> Check:
    try:
        write_all_whole({Path(path): content for path, content in service.files.items()})
    except TabellionError as error:
        return Check("Service", CheckState.BAD, " ".join(item.message for item in error.findings))
    if not service.start:
        return Check("Service", CheckState.DOUBT, service.advice)
    for command in service.start:
        done, answer = run(command)
        if not done and command[:2] != ("launchctl", "unload"):  # nothing was loaded before the first time
            advice = f" {service.advice}" if service.advice else ""
            return Check("Service", CheckState.BAD, f"« {' '.join(command)} » n'a pas réussi : {answer}{advice}")
    done, answer = run(service.ask)
    if not done:
        return Check("Service", CheckState.BAD, f"« {service.name} » est installé mais ne tourne pas : {answer}")
    if service.stay and not run(service.stay)[0]:
        words = f"« {service.name} » est en marche tant que la session est ouverte ; au-delà, l'administrateur lance"
        return Check("Service", CheckState.DOUBT, f"{words} : {' '.join(service.stay)}")
    return Check("Service", CheckState.GOOD, f"« {service.name} » est en marche, et le sera à chaque démarrage")


def _install_shortcuts(shortcuts: Mapping[Path, bytes]) -> Check:
    """Put shortcuts on the desktop, never over something else."""
    missing = {path: content for path, content in shortcuts.items() if not path.exists()}
    others = [path.name for path, content in shortcuts.items() if path.exists() and path.read_bytes() != content]
    folder = next(iter(shortcuts)).parent
    try:
        write_all_whole(missing)
        for path in missing:
            path.chmod(0o755)  # some desktops open only what may be run
    except (OSError, TabellionError) as error:
        reason = system_reason(error) if isinstance(error, OSError) else error.findings[0].message
        return Check("Raccourcis", CheckState.BAD, f"{folder} : {reason}")
    if others:
        return Check("Raccourcis", CheckState.DOUBT, f"laissés tels quels dans {folder} : {', '.join(others)}")
    return Check("Raccourcis", CheckState.GOOD, f"{', '.join(path.stem for path in shortcuts)}, dans {folder}")


def try_once(workspace: Workspace, now: datetime) -> Check:
    """Consolidate once."""
    from tabellion.commands.console import summary
    from tabellion.commands.consolidate import consolidate

    try:
        done = consolidate(workspace, now, None)
    except TabellionError as error:
        reasons = " ".join(f"{item.message} {item.suggestion}" for item in error.findings)
        return Check("Essai", CheckState.BAD, f"la consolidation n'a pas pu se faire : {reasons}")
    return Check("Essai", CheckState.GOOD, f"une consolidation est faite : {summary(done.findings)}")


def run_command(command: Sequence[str]) -> tuple[bool, str]:
    """Run a command of the system: whether it went well, and its last words.

    One that asks for a password (``*``) speaks on this terminal.
    """
    output = None if "*" in command else subprocess.PIPE
    try:
        done = subprocess.run(  # noqa: S603 - of the plan alone
            list(command), stdout=output, stderr=output and subprocess.STDOUT, timeout=_COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        return False, system_reason(error) if isinstance(error, OSError) else "trop long"
    words = (done.stdout or b"").decode(errors="replace").strip().splitlines()
    return done.returncode == 0, words[-1] if words else f"code {done.returncode}"


def plan_lines(wanted: Installation, workspace: Workspace) -> list[str]:
    """A plan in words, for a rehearsal."""
    is_there = (workspace.root / SETTINGS_FILE).is_file()
    lines = [f"{'Contrat' if is_there else 'Créerait le contrat dans'} : {workspace.root}"]
    service = wanted.service
    if service is not None:
        lines += [f"Écrirait : {path}" for path in service.files]
        lines += [f"Lancerait : {' '.join(command)}" for command in (*service.start, service.stay) if command]
        lines += [f"À faire par vous : {service.advice}"] if service.advice else []
    return [*lines, *(f"Écrirait : {path}" for path in wanted.shortcuts)]
