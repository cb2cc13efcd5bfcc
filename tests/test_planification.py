"""The ready units for schedulers: each is in its scheduler's own format, and its command line runs."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from support.contracts import ROOT
from support.program import environment

UNITS = ROOT / "templates" / "planification"
PLACEHOLDERS = {"@TABELLION@", "@DOSSIER@", "@COURRIEL@", "@COMPTE@", "@NOM@", "@VERS@"}
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def text(name: str) -> str:
    return (UNITS / name).read_bytes().decode("utf-16" if name.endswith(".xml") else "utf-8")


def ini(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text(name))
    return parser


def cron_line() -> str:
    (line,) = [line for line in text("tabellion.cron").splitlines() if re.match(r"[\d*]", line)]
    return line


def task(name: str = "tabellion-tache.xml") -> ElementTree.Element:
    return ElementTree.parse(UNITS / name).getroot()  # noqa: S314  (our own file)


def text_at(element: ElementTree.Element, path: str) -> str:
    return element.findtext("/".join(TASK + word for word in path.split("/"))) or ""


def commands() -> dict[str, list[str]]:
    """The command line of each unit, as words, its placeholders not replaced."""

    def windows(name: str) -> list[str]:
        line = f'"{text_at(task(name), "Actions/Exec/Command")}" {text_at(task(name), "Actions/Exec/Arguments")}'
        # The paths of Windows have backslashes; the folder of this machine replaces them.
        return shlex.split(line.replace("\\", "/"))

    return {
        "tabellion.cron": shlex.split(cron_line().split(None, 5)[5]),
        "tabellion.service": shlex.split(ini("tabellion.service")["Service"]["ExecStart"]),
        "tabellion-tache.xml": windows("tabellion-tache.xml"),
        "tabellion-veille.service": shlex.split(ini("tabellion-veille.service")["Service"]["ExecStart"]),
        "tabellion-veille-windows.xml": windows("tabellion-veille-windows.xml"),
    }


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program as an executable file, in a folder whose name has a space."""
    path = tmp_path / "mes programmes" / "tabellion"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tabellion "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def filled(unit: str, program: Path, folder: Path) -> str:
    words = {
        "@TABELLION@": str(program),
        "@DOSSIER@": str(folder),
        "@VERS@": f"{folder}/l'ensemble",
        "@COMPTE@": "root",
    }
    for placeholder, word in words.items():
        unit = unit.replace(placeholder, word)
    return unit


@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.iterdir()))
def test_every_placeholder_is_explained_at_the_top(name: str) -> None:
    whole = text(name)
    lines = whole.split("\n")
    start = next(rank for rank, line in enumerate(lines) if rank and not re.match(r"#|\s|-->|<!--|<\?xml", line + " "))
    head, body = "\n".join(lines[:start]), "\n".join(lines[start:])
    used = set(re.findall(r"@[A-Z]+@", body))
    assert used <= PLACEHOLDERS
    assert used == set(re.findall(r"^\W*(@[A-Z]+@)  ", head, re.MULTILINE))


@pytest.mark.parametrize("name", ["tabellion.cron", "tabellion.service", "tabellion-tache.xml"])
def test_the_command_of_each_unit_consolidates_in_silence_and_keeps_a_log(name: str) -> None:
    program, command, *options = commands()[name]
    assert (program, command) == ("@TABELLION@", "consolidate")
    assert options == [
        "--contrat", "@DOSSIER@", "--silencieux", "--journal-texte", "@DOSSIER@/workbooks/tabellion.log"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["tabellion.cron", "tabellion.service", "tabellion-tache.xml"])
def test_the_command_of_each_unit_runs(name: str, workspace: Path, program: Path, tmp_path: Path) -> None:
    folder = tmp_path / "le contrat d'ici"
    workspace.rename(folder)
    words = [filled(word, program, folder) for word in commands()[name]]
    # As a scheduler runs it: from elsewhere, with next to nothing in its environment.
    bare = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": environment()["PYTHONPATH"]}
    done = subprocess.run(words, cwd="/", env=bare, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    log = (folder / "workbooks" / "tabellion.log").read_text(encoding="utf-8")
    assert "] début : " in log.splitlines()[0]
    assert "] fin : code 0, " in log.splitlines()[-1]


@pytest.mark.parametrize("name", ["tabellion-veille.service", "tabellion-veille-windows.xml"])
def test_the_command_of_each_unit_of_the_day_watches_and_keeps_a_log(name: str) -> None:
    assert commands()[name] == [
        "@TABELLION@", "watch", "--contrat", "@DOSSIER@", "--journal-texte", "@DOSSIER@/workbooks/tabellion.log"
    ]  # fmt: skip


# cron


def test_the_cron_line_is_every_night() -> None:
    minute, hour, day, month, weekday, command = cron_line().split(None, 5)
    assert (minute, hour, day, month, weekday) == ("30", "2", "*", "*", "*")
    assert "%" not in command.replace(r"\%", ""), "cron cuts a command at a % sign"


def test_the_cron_file_is_what_crontab_takes() -> None:
    for line in text("tabellion.cron").splitlines():
        assert re.fullmatch(r'#.*||[A-Z_]+=(?:"[^"]*"|\S+)|30 2 \* \* \* \S.*', line)


def test_the_line_that_makes_the_summary_the_subject_mails_only_when_something_is_said(tmp_path: Path) -> None:
    (line,) = [line for line in text("tabellion.cron").splitlines() if line.startswith("# 30 2 * * * r=")]
    command = line.removeprefix("# 30 2 * * * ").replace("@COURRIEL@", "a@b.fr").replace("@DOSSIER@", "/x")
    (tmp_path / "mail").write_text('#!/bin/sh\n{ printf "%s\\n" "$@"; cat; } > mails\n', encoding="utf-8")
    for code, words in ((0, ""), (1, "tabellion 2016 : 18/21 retours – à voir"), (2, "Détail\n\nRien n'a été écrit")):
        (tmp_path / "faux").write_text(f'#!/bin/sh\nprintf "%s" "{words}"\nexit {code}\n', encoding="utf-8")
        for name in ("mail", "faux"):
            (tmp_path / name).chmod(0o755)
        run = command.replace("@TABELLION@", str(tmp_path / "faux"))
        path = f"{tmp_path}:/usr/bin:/bin"
        subprocess.run(["/bin/sh", "-c", run], cwd=tmp_path, env={"PATH": path}, check=True)
        mails = tmp_path / "mails"
        assert mails.exists() == bool(code)
        if code:
            subject = words.splitlines()[-1]
            assert mails.read_text(encoding="utf-8").splitlines() == ["-s", subject, "a@b.fr", *words.splitlines()]
            mails.unlink()


# systemd


def test_the_timer_is_every_night_and_catches_up() -> None:
    timer = ini("tabellion.timer")
    assert dict(timer["Timer"]) == {"OnCalendar": "*-*-* 02:30:00", "Persistent": "true"}
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_service_may_write_the_workbooks_only_and_blocking_findings_are_no_failure() -> None:
    service = ini("tabellion.service")["Service"]
    assert (service["Type"], service["SuccessExitStatus"]) == ("oneshot", "1")
    assert service["ReadWritePaths"] == '"@DOSSIER@/workbooks"'
    assert (service["ProtectSystem"], service["ProtectHome"]) == ("strict", "read-only")


def test_the_service_of_the_day_comes_back_whatever_happens_and_stops_at_once() -> None:
    unit = ini("tabellion-veille.service")
    service = unit["Service"]
    assert (service["Type"], service["Restart"], service["RestartSec"]) == ("simple", "on-failure", "30")
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert (service["KillSignal"], service["TimeoutStopSec"]) == ("SIGTERM", "10")
    assert unit["Install"]["WantedBy"] == "multi-user.target"


def test_the_service_of_the_day_is_shut_in_as_that_of_the_night_but_for_mails() -> None:
    night, day = dict(ini("tabellion.service")["Service"]), dict(ini("tabellion-veille.service")["Service"])
    of_a_run = {"Type", "ExecStart", "SuccessExitStatus", "TimeoutStartSec", "Nice"}
    differences = {name for name in night if name not in of_a_run and day.get(name) != night[name]}
    assert differences == {"PrivateNetwork", "RestrictAddressFamilies"}
    assert day["RestrictAddressFamilies"].split() == ["AF_UNIX", "AF_INET", "AF_INET6"]
    assert day["EnvironmentFile"] == "-/etc/tabellion/veille.env"


ENSEMBLE = "tabellion-ensemble.service"


def test_the_service_of_many_contracts_runs_and_is_shut_in_as_that_of_one(workspace: Path, program: Path) -> None:
    night, many = ini("tabellion.service")["Service"], ini(ENSEMBLE)["Service"]
    of_a_run = {"ExecStart", "TimeoutStartSec", "ReadWritePaths"}
    assert {name for name in night if many.get(name) != night[name]} == of_a_run
    assert many["ReadWritePaths"] == '"@DOSSIER@" "@VERS@"'
    target = workspace.parent / "l'ensemble"
    target.mkdir()
    line = filled(many["ExecStart"], program, workspace.parent)
    bare = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": environment()["PYTHONPATH"]}
    done = subprocess.run(shlex.split(line), cwd="/", env=bare, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"ensemble.xlsx", "ensemble.html", "ensemble.log", "jeu"} <= {path.name for path in target.iterdir()}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units(program: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mon contrat"
    kept = ("tabellion.service", "tabellion.timer", "tabellion-veille.service", ENSEMBLE, "tabellion-ensemble.timer")
    units = [tmp_path / name for name in kept]
    for path in units:
        path.write_text(filled(text(path.name), program, folder), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, units)], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (done.returncode, [line for line in done.stderr.splitlines() if "tabellion" in line]) == (0, [])


# Windows


@pytest.mark.parametrize("name", ["tabellion-tache.xml", "tabellion-veille-windows.xml"])
def test_the_task_is_in_the_form_that_windows_exports(name: str) -> None:
    whole = (UNITS / name).read_bytes()
    assert whole.startswith(b"\xff\xfe")
    assert text(name).startswith('<?xml version="1.0" encoding="UTF-16"?>\r\n')
    assert text(name).count("\n") == text(name).count("\r\n")
    root = task(name)
    assert (root.tag, root.get("version")) == (f"{TASK}Task", "1.2")
    assert [element.tag.removeprefix(TASK) for element in root] == [
        "RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"
    ]  # fmt: skip
    (principal,) = root.iter(f"{TASK}Principal")
    assert root.find(f"{TASK}Actions").get("Context") == principal.get("id")  # type: ignore[union-attr]


def test_the_task_is_every_night_catches_up_and_never_runs_twice_at_once() -> None:
    root = task()
    assert text_at(root, "Triggers/CalendarTrigger/ScheduleByDay/DaysInterval") == "1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT02:30:00", text_at(root, "Triggers/CalendarTrigger/StartBoundary"))
    assert text_at(root, "Settings/StartWhenAvailable") == "true"
    assert text_at(root, "Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert text_at(root, "Settings/ExecutionTimeLimit") == "PT4H"


def test_the_task_of_the_day_starts_with_the_machine_and_again_when_it_has_ended() -> None:
    root = task("tabellion-veille-windows.xml")
    assert text_at(root, "Triggers/BootTrigger/Enabled") == "true"
    assert text_at(root, "Triggers/TimeTrigger/Repetition/Interval") == "PT5M"
    assert text_at(root, "Triggers/TimeTrigger/Repetition/Duration") == "", "without end"
    assert text_at(root, "Principals/Principal/LogonType") == "Password", "whether somebody is logged on or not"
    assert text_at(root, "Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert text_at(root, "Settings/ExecutionTimeLimit") == "PT0S"
    assert (text_at(root, "Settings/RestartOnFailure/Interval"), text_at(root, "Settings/RestartOnFailure/Count")) == (
        "PT1M", "10"
    )  # fmt: skip
