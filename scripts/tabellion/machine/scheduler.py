"""What makes the program run by itself on a machine: the unit of its scheduler, where it lies, the commands that start
it and ask for it. Pure: the ready units of ``templates/planification/`` are filled, nothing is run.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from urllib.parse import quote
from xml.sax.saxutils import escape

from tabellion.wording import file_stem

WINDOWS, MACOS, LINUX = "Windows", "Darwin", "Linux"


def desktop_folder(system: str, home: Path, user_dirs: str = "") -> Path:
    """The folder of a person's desktop; ``user_dirs`` is the text of ``~/.config/user-dirs.dirs`` (xdg-user-dirs)."""
    named = re.search(r'^XDG_DESKTOP_DIR="(?:\$HOME/)?([^"]*)"', user_dirs, re.MULTILINE) if system == LINUX else None
    if named is not None:
        return home / named[1]
    names = ("OneDrive/Bureau", "OneDrive/Desktop", "Desktop") if system == WINDOWS else ("Desktop", "Bureau")
    return next((home / name for name in names if (home / name).is_dir()), home / "Desktop")


def shortcut(system: str, name: str, target: PurePath) -> tuple[str, bytes]:
    """The file name and the content of a shortcut to ``target``: ``.url``, ``.webloc`` or ``.desktop``."""
    address = file_address(target)
    if system == WINDOWS:
        return f"{name}.url", f"[InternetShortcut]\r\nURL={address}\r\n".encode("ascii")
    if system == MACOS:
        return f"{name}.webloc", plistlib.dumps({"URL": address})
    icon = "folder" if not target.suffix else "x-office-spreadsheet" if target.suffix == ".xlsx" else "text-html"
    fields: Mapping[str, str] = {"Type": "Link", "Name": name, "URL": address, "Icon": icon}
    lines = ["[Desktop Entry]", *(f"{key}={value}" for key, value in fields.items()), ""]
    return f"{name}.desktop", "\n".join(lines).encode()


def file_address(target: PurePath) -> str:
    """``target`` as a ``file:`` address (RFC 8089), in ASCII; a share as ``file://serveur/partage/…``."""
    path = target.as_posix()
    if path.startswith("//"):
        return "file:" + quote(path)
    return "file://" + quote(path if path.startswith("/") else f"/{path}", safe="/:")


#: What a unit of a person's own manager may not say: it is for the machine's (systemd.exec(5), systemd.unit(5)).
_MACHINE_ONLY = re.compile(
    r"^(?:User|Protect\w+|Private\w+|Restrict\w+|Lock\w+|NoNew\w+|Capability\w+|SystemCall\w+|ReadWritePaths"
    r"|RequiresMountsFor|EnvironmentFile|After|Wants)=.*\n", re.MULTILINE,
)  # fmt: skip
_IN_UNIT = {"%": "%%", "\\": "\\\\", '"': '\\"'}
#: What the shell of a line of cron takes between double quotes, and ``%``, at which cron itself cuts.
_IN_SHELL = re.compile(r'[\\"$`%]')
_HEAD = "Écrit par « tabellion installer » ; relancez-le plutôt que de changer ce fichier."
#: Where units lie, by who they run for.
_SYSTEM_UNITS, _AGENTS = PurePosixPath("/etc/systemd/system"), "Library/LaunchAgents"
_USER_UNITS = ".config/systemd/user"


@dataclass(frozen=True)
class Machine:
    """Whom and what units are for: the system (as ``platform.system`` names it), whether its administrator installs,
    the account, the home folder, the program's path and the folder of the contract."""

    system: str
    is_administrator: bool
    account: str
    home: PurePath
    program: PurePath
    folder: PurePath
    has_systemd: bool = True


@dataclass(frozen=True)
class Service:
    """A service to be: its name, its files, the commands that start it and the one that says whether it runs.

    ``stay`` makes it go on when the session is closed, where it would not by itself and the system allows it.
    ``advice`` is what only a person can do, in French; empty where there is nothing.
    """

    name: str
    files: Mapping[PurePath, bytes]
    start: tuple[tuple[str, ...], ...]
    ask: tuple[str, ...]
    advice: str = ""
    stay: tuple[str, ...] = ()


def service_of(machine: Machine, units: Mapping[str, bytes], contract: str, *, nightly: bool) -> Service:
    """The service that watches a contract (its identifier), or consolidates it every night.

    ``units`` are the ready units by file name.
    """
    name = f"tabellion-{'nuit' if nightly else 'veille'}-{file_stem(contract)}"
    if machine.system == WINDOWS:
        return _windows(machine, units, name, nightly=nightly)
    if machine.system == MACOS:
        return _macos(machine, units, name, nightly=nightly)
    if machine.has_systemd:
        return _systemd(machine, units, name, nightly=nightly)
    line = re.findall(r"^[\d*].*", units["tabellion.cron"].decode(), re.MULTILINE)[0].split("* * * ")[1]
    when = "30 2 * * *" if nightly else "@reboot"
    command = line if nightly else re.sub(r" consolidate (.*?) --silencieux", r" watch \1", line)
    command = _filled(command, machine, lambda text: _IN_SHELL.sub(r"\\\g<0>", text))
    return Service(name, {}, (), (), f"Sous ce compte, « crontab -e », et collez : {when} {command}")


def _systemd(machine: Machine, units: Mapping[str, bytes], name: str, *, nightly: bool) -> Service:
    stem = "tabellion" if nightly else "tabellion-veille"
    own = machine.is_administrator
    folder = _SYSTEM_UNITS if own else machine.home / _USER_UNITS
    files = {}
    for kind in ("service", "timer") if nightly else ("service",):
        text = units[f"{stem}.{kind}"].decode()
        body = text[text.index("[Unit]") :]
        if not own:
            body = _MACHINE_ONLY.sub("", body).replace("WantedBy=multi-user.target", "WantedBy=default.target")
        body = re.sub(r"^#.*\n", "", body, flags=re.MULTILINE)
        filled = "".join(_filled(line, machine, _protection(line)) for line in body.splitlines(keepends=True))
        files[folder / f"{name}.{kind}"] = f"# {_HEAD}\n\n{filled}".encode()
    started = f"{name}.{'timer' if nightly else 'service'}"
    manager = ("systemctl",) if own else ("systemctl", "--user")
    start = ((*manager, "daemon-reload"), (*manager, "enable", "--now", started))
    stay = () if own else ("loginctl", "enable-linger", machine.account)
    return Service(name, files, start, (*manager, "is-active", started), stay=stay)


def _protection(line: str) -> Callable[[str], str]:
    """How a value stands in a line of a unit of systemd: in a command, ``$`` names a variable (systemd.service(5))."""
    signs = _IN_UNIT | ({"$": "$$"} if line.startswith("ExecStart=") else {})
    return lambda text: "".join(signs.get(sign, sign) for sign in text)


def _windows(machine: Machine, units: Mapping[str, bytes], name: str, *, nightly: bool) -> Service:
    text = units["tabellion-tache.xml" if nightly else "tabellion-veille-windows.xml"].decode("utf-16")
    text = re.sub(r"<!--.*?-->\r?\n", "", text, count=1, flags=re.DOTALL)
    content = _filled(text, machine, escape).encode("utf-16-le")
    path = machine.folder / "workbooks" / ".tabellion" / f"{name}.xml"
    create = ("schtasks", "/create", "/f", "/tn", name, "/xml", str(path), "/ru", machine.account, "/rp", "*")
    advice = "" if machine.is_administrator else "Relancez dans un terminal ouvert « en tant qu'administrateur »."
    return Service(
        name, {path: b"\xff\xfe" + content}, (create, ("schtasks", "/run", "/tn", name)),
        ("schtasks", "/query", "/tn", name), advice,
    )  # fmt: skip


def _macos(machine: Machine, units: Mapping[str, bytes], name: str, *, nightly: bool) -> Service:
    text = units["tabellion-tache.plist" if nightly else "tabellion-veille.plist"].decode()
    text = re.sub(r"<!--.*?-->\n", "", text, count=1, flags=re.DOTALL).replace("@NOM@", name)
    path = machine.home / _AGENTS / f"{name}.plist"
    start = (("launchctl", "unload", str(path)), ("launchctl", "load", "-w", str(path)))
    return Service(name, {path: _filled(text, machine, escape).encode()}, start, ("launchctl", "list", name))


def _filled(text: str, machine: Machine, protect: Callable[[str], str]) -> str:
    values = {"@TABELLION@": machine.program, "@DOSSIER@": machine.folder, "@COMPTE@": machine.account}
    for mark, value in values.items():
        text = text.replace(mark, protect(str(value)))
    return text
