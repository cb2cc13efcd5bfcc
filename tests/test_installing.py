"""Setting a contract up for people without a terminal: services and shortcuts of each system, and the page that says
what works. Nothing is installed here: Windows, macOS and their paths are simulated.
"""

from __future__ import annotations

import configparser
import plistlib
import re
import shlex
import socket
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from support.contracts import ROOT
from support.program import contents, tabellion
from tabellion.commands import installer
from tabellion.commands.diagnostic import CheckState, diagnose, page
from tabellion.contract.workspace import find_workspace
from tabellion.machine.disks import client_of, disk_of, linux_kind, macos_kind, windows_kind
from tabellion.machine.scheduler import Machine, Service, desktop_folder, file_address, service_of, shortcut

UNITS = {path.name: path.read_bytes() for path in (ROOT / "templates" / "planification").iterdir()}
NOW = datetime(2016, 12, 5, 2, 30)
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
POSIX = PurePosixPath("/home/anne"), PurePosixPath("/opt/un programme/tabellion"), PurePosixPath("/srv/1 % & $co")
WINDOWS = (
    PureWindowsPath(r"C:\Users\anne"), PureWindowsPath(r"C:\Program Files\tabellion.exe"),
    PureWindowsPath(r"\\serveur\partage\ville & co"),
)  # fmt: skip


def machine(system: str, *, administrator: bool = False, systemd: bool = True) -> Machine:
    home, program, folder = WINDOWS if system == "Windows" else POSIX
    return Machine(system, administrator, "anne", home, program, folder, systemd)


def made(system: str, *, nightly: bool = False, **more: bool) -> Service:
    return service_of(machine(system, **more), UNITS, "chartres-2015-2020", nightly=nightly)


def words(folder: PurePath, *, nightly: bool) -> list[str]:
    """The program's words after its path, as every scheduler must run them."""
    log = str(folder / "workbooks" / "tabellion.log")
    quiet = ["--silencieux"] if nightly else []
    return ["consolidate" if nightly else "watch", "--contrat", str(folder), *quiet, "--journal-texte", log]


@pytest.mark.parametrize("nightly", [False, True])
@pytest.mark.parametrize("administrator", [False, True])
def test_on_linux_a_unit_of_systemd_for_the_account_or_the_machine(administrator: bool, nightly: bool) -> None:
    service = made("Linux", administrator=administrator, nightly=nightly)
    folder = "/etc/systemd/system/" if administrator else "/home/anne/.config/systemd/user/"
    kinds = ["service", "timer"] if nightly else ["service"]
    assert [str(path) for path in service.files] == [f"{folder}{service.name}.{kind}" for kind in kinds]
    content = next(iter(service.files.values())).decode()
    assert not re.search("@[A-Z]+@", content)
    unit = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(content)
    run = shlex.split(unit["Service"]["ExecStart"].replace("%%", "%").replace("$$", "$"))
    assert run == [str(POSIX[1]), *words(POSIX[2], nightly=nightly)]
    assert ("User" in unit["Service"], "ProtectSystem" in unit["Service"]) == (administrator, administrator)
    assert service.start[1][-2:] == ("--now", f"{service.name}.{kinds[-1]}")
    assert ("--user" in service.ask) is not administrator
    assert service.stay == (() if administrator else ("loginctl", "enable-linger", "anne"))
    if not nightly:
        assert unit["Install"]["WantedBy"] == ("multi-user.target" if administrator else "default.target")


@pytest.mark.parametrize("nightly", [False, True])
def test_on_windows_a_task_in_its_own_encoding_with_the_share_by_its_whole_path(nightly: bool) -> None:
    service = made("Windows", administrator=True, nightly=nightly)
    ((path, content),) = service.files.items()
    assert isinstance(path, PureWindowsPath)
    assert content.startswith(b"\xff\xfe")
    text = content.decode("utf-16")
    assert text.count("\n") == text.count("\r\n")
    root = ElementTree.fromstring(content)  # noqa: S314  (our own file)
    run, arguments = (root.find(f".//{TASK}{name}").text for name in ("Command", "Arguments"))  # type: ignore[union-attr]
    assert run == str(WINDOWS[1])
    assert shlex.split((arguments or "").replace("\\", "/")) == [
        word.replace("\\", "/") for word in words(WINDOWS[2], nightly=nightly)
    ]
    assert service.start[0][:5] == ("schtasks", "/create", "/f", "/tn", service.name)
    assert service.advice == ""
    assert "administrateur" in made("Windows").advice


@pytest.mark.parametrize("nightly", [False, True])
def test_on_macos_an_agent_of_launchd(nightly: bool) -> None:
    service = made("Darwin", nightly=nightly)
    ((path, content),) = service.files.items()
    agent = plistlib.loads(content)
    assert str(path) == f"/home/anne/Library/LaunchAgents/{agent['Label']}.plist"
    assert agent["ProgramArguments"] == [str(POSIX[1]), *words(POSIX[2], nightly=nightly)]
    assert agent.get("KeepAlive") == (None if nightly else {"SuccessfulExit": False})
    assert agent.get("StartCalendarInterval") == ({"Hour": 2, "Minute": 30} if nightly else None)


def test_without_systemd_the_line_of_cron_is_said() -> None:
    for nightly, when in ((False, "@reboot"), (True, "30 2 * * *")):
        service = made("Linux", systemd=False, nightly=nightly)
        line = service.advice.partition("collez : ")[2]
        assert line.startswith(when)
        assert shlex.split(line.removeprefix(when).replace(r"\%", "%").replace(r"\$", "$"))[1:] == words(
            POSIX[2], nightly=nightly
        )
        assert (service.files, service.start) == ({}, ())


@pytest.mark.parametrize(("system", "suffix"), [("Windows", ".url"), ("Darwin", ".webloc"), ("Linux", ".desktop")])
def test_a_shortcut_opens_its_file_on_each_system(system: str, suffix: str) -> None:
    target = WINDOWS[2] / "é.xlsx" if system == "Windows" else POSIX[2] / "é.xlsx"
    named, content = shortcut(system, "Contrat", target)
    assert named == f"Contrat{suffix}"
    address = plistlib.loads(content)["URL"] if system == "Darwin" else re.search(r"URL=(\S+)", content.decode())[1]  # type: ignore[index]
    assert address == file_address(target)


@pytest.mark.parametrize(("path", "address"), [
    (PurePosixPath("/srv/100 %/é.xlsx"), "file:///srv/100%20%25/%C3%A9.xlsx"),
    (PureWindowsPath(r"C:\a b\c.xlsx"), "file:///C:/a%20b/c.xlsx"),
    (PureWindowsPath(r"\\serveur\partage\c.xlsx"), "file://serveur/partage/c.xlsx"),
])  # fmt: skip
def test_addresses_of_files(path: PurePath, address: str) -> None:
    assert file_address(path) == address


def test_the_desktop_is_where_each_system_has_it(tmp_path: Path) -> None:
    assert desktop_folder("Linux", tmp_path, 'XDG_DESKTOP_DIR="$HOME/Écran"\n') == tmp_path / "Écran"
    (tmp_path / "Bureau").mkdir()
    assert desktop_folder("Linux", tmp_path) == tmp_path / "Bureau"
    (tmp_path / "OneDrive" / "Bureau").mkdir(parents=True)
    assert desktop_folder("Windows", tmp_path) == tmp_path / "OneDrive" / "Bureau"


def test_the_kind_of_disk_under_a_folder_is_told_apart() -> None:
    info = (
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "30 22 0:44 / /srv/le\\040partage rw,relatime shared:9 - cifs //serveur/p rw\n"
    )
    assert linux_kind(PurePosixPath("/srv/le partage/contrat"), info) == "cifs"
    assert linux_kind(PurePosixPath("/srv/autre"), info) == "ext4"
    mounts = "/dev/disk1s1 on / (apfs, local)\n//anne@serveur/p on /Volumes/mon partage (smbfs, nodev)\n"
    assert macos_kind(PurePosixPath("/Volumes/mon partage/contrat"), mounts) == "smbfs"
    assert windows_kind(r"\\serveur\partage\contrat", lambda _: 3) == ("UNC", True)
    assert windows_kind(r"\\?\UNC\serveur\partage\contrat", lambda _: 3) == ("UNC", True)
    assert windows_kind(r"Z:\contrat", lambda drive: 4 if drive == "Z:\\" else 3) == ("Z:", True)
    assert windows_kind(r"\\?\C:\contrat", lambda _: 3) == ("C:", False)
    assert client_of(PurePosixPath("/Users/anne/OneDrive - Agglo/contrat")) == "OneDrive"
    assert client_of(PurePosixPath("/srv/ondes")) == ""
    assert sys.platform != "linux" or disk_of(ROOT).kind


def _fake(*failing: str) -> tuple[list[Sequence[str]], installer.RunCommand]:
    """A machine on which the commands that have one of these words fail."""
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> tuple[bool, str]:
        ran.append(command)
        return not set(failing) & set(command), "refusé"

    return ran, run


def test_an_installation_says_what_came_of_each_part(tmp_path: Path) -> None:
    service = Service("s", {tmp_path / "unit": b"x"}, (("start",),), ("ask",), "Conseil.")
    plan = installer.Installation(service, {tmp_path / "bureau" / "Contrat.url": b"y"})
    ran, run = _fake()
    assert [check.state for check in installer.install(plan, run)] == [CheckState.GOOD, CheckState.GOOD]
    assert ran == [("start",), ("ask",)]
    assert contents(tmp_path) == {"bureau/Contrat.url": b"y", "unit": b"x"}
    kept = installer.Installation(Service("s", {}, (("start",),), ("ask",), stay=("linger",)))
    assert [check.state for check in installer.install(kept, _fake("linger")[1])] == [CheckState.DOUBT]
    for word in ("start", "ask"):
        (failed, _) = installer.install(plan, _fake(word)[1])
        assert (failed.state, "refusé" in failed.detail) == (CheckState.BAD, True)
    (tmp_path / "bureau" / "Contrat.url").write_bytes(b"of somebody")
    assert installer.install(plan, run)[1].state is CheckState.DOUBT
    assert (tmp_path / "bureau" / "Contrat.url").read_bytes() == b"of somebody"


def test_a_folder_is_made_once_and_taken_as_it_is_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "mon contrat"
    rehearsed = tabellion("installer", folder, "--essai", cwd=tmp_path, HOME=str(tmp_path))
    assert (rehearsed.code, contents(tmp_path)) == (0, {})
    assert f"Créerait le contrat dans : {folder}\n" in rehearsed.out
    assert "mon-contrat" in rehearsed.out, "the service, by the name that the contract would have"
    assert rehearsed.out.count("Écrirait : ") >= 3, "the shortcuts too"
    (tmp_path / "note.txt").touch()
    for words, code in (
        ((folder, "--modele", "absent"), "option-fausse"),
        ((tmp_path / "note.txt",), "fichier-deja-la"),
    ):
        refused = tabellion("installer", *words, "--essai", cwd=tmp_path, HOME=str(tmp_path))
        assert (refused.code, refused.codes) == (2, [code])
    done = tabellion("installer", folder, "--sans-service", cwd=tmp_path, HOME=str(tmp_path))
    assert (done.code, done.err) == (0, "")
    before = contents(tmp_path)
    assert {"mon contrat/workbooks/contrat.xlsx", "mon contrat/workbooks/guides/guide-coordinateur.docx"} <= {*before}
    assert sum(name.startswith("Desktop/") for name in before) == 3
    rehearsed = tabellion("installer", folder, "--essai", cwd=tmp_path, HOME=str(tmp_path))
    assert "Écrirait : " in rehearsed.out
    assert contents(tmp_path) == before


def test_the_page_says_what_does_not_work_and_nothing_secret(sent_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    settings = sent_copy / "tabellion.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + (
        f'\n[courriel]\nserveur = "127.0.0.1"\nport = {port}\nexpediteur = "a@ville.fr"\nequipe = ["b@ville.fr"]\n'
        'utilisateur = "compte@ville.fr"\nmot_de_passe_variable = "SECRET"\n'
    ), encoding="utf-8")  # fmt: skip
    monkeypatch.setenv("HOME", str(sent_copy.parent))
    checks = diagnose(sent_copy, NOW, {"SECRET": "tr0mbone"})
    states = {check.subject: check.state for check in checks}
    assert {subject for subject, state in states.items() if state is CheckState.BAD} == {"Courriel"}
    assert {states[name] for name in ("Classeur", "Droits", "Verrou", "Place")} == {CheckState.GOOD}
    text = page(checks, NOW)
    assert not [secret for secret in ("tr0mbone", "@ville.fr", str(sent_copy.parent)) if secret in text]
    assert f"~/{sent_copy.name}" in text
    before = contents(sent_copy)
    diagnose(sent_copy, NOW, {})
    assert contents(sent_copy) == before
    (find_workspace(sent_copy).contrat).unlink()
    assert "Classeur" in {check.subject for check in diagnose(sent_copy, NOW, {}) if check.state is CheckState.BAD}


def test_the_page_is_written_where_asked_and_never_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "liste.txt").write_text("à garder", encoding="utf-8")
    done = tabellion("diagnostic", "--sortie", "page.txt", cwd=tmp_path)
    assert done.code == 1, "no contract there"
    assert (tmp_path / "page.txt").read_text(encoding="utf-8-sig") == done.out
    assert tabellion("diagnostic", "--sortie", "page.txt", cwd=tmp_path).code == 1
    refused = tabellion("diagnostic", "--sortie", "liste.txt", cwd=tmp_path)
    assert (refused.code, refused.codes) == (2, ["fichier-deja-la"])
    assert refused.out.startswith("Diagnostic de tabellion "), "the page is shown all the same"
