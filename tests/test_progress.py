"""The progress bar: on a terminal it appears, moves and leaves nothing behind; in a pipe there is none."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from support.campaign import campaign_workspace
from support.program import environment, tabellion
from tabellion.commands.forms import forms
from tabellion.contract.workspace import find_workspace
from tabellion.wording import of

FILES = 300
pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A contract with 300 files in its returns; none is a workbook, so that they are read fast."""
    folder = campaign_workspace(tmp_path / "contrat", contract="cas")
    retours = folder / "workbooks" / "retours"
    retours.mkdir()
    for number in range(FILES):
        (retours / f"retour-{number:03}.xlsx").write_text(f"rien {number}", encoding="utf-8")
    return folder


def seen_on_a_terminal(folder: Path, *arguments: str) -> str:
    """What ``tabellion ARGUMENTS`` writes on a terminal (its standard error; the output goes nowhere)."""
    master, slave = pty.openpty()
    command = [sys.executable, "-W", "error", "-m", "tabellion", *arguments, "--contrat", str(folder)]
    more = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=slave, env=environment(**more))
    os.close(slave)
    seen = b""
    with contextlib.suppress(OSError):  # Linux says that the other end is closed with an error
        while block := os.read(master, 65_536):
            seen += block
    os.close(master)
    assert process.wait(timeout=60) in (0, 1)
    return seen.decode()


def test_on_a_terminal_the_bar_appears_moves_and_leaves_a_clean_screen(workspace: Path) -> None:
    seen = seen_on_a_terminal(workspace, "consolidate")
    told = re.findall(rf"(\d+)/{FILES}\b", seen)
    assert "Lecture des retours" in seen
    assert seen.rindex("Mise en commun") > seen.rindex("Lecture des retours")
    assert len(set(told)) > 1, "the bar never moved"
    assert [int(count) for count in told] == sorted(map(int, told))
    # Its last acts: erase its line, and give the cursor back.
    assert seen.rindex("\x1b[2K") > seen.rindex("Mise en commun")
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h")


def test_quiet_on_a_terminal_shows_nothing(workspace: Path) -> None:
    assert "Lecture des retours" not in seen_on_a_terminal(workspace, "consolidate", "--silencieux")


def test_forms_say_whose_is_being_made_and_how_many_are(sent_copy: Path) -> None:
    told: list[tuple[int, int, str]] = []
    made = forms(
        find_workspace(sent_copy), 2017, ["luce", "etat"], force=False, now=datetime(2016, 12, 5),
        progress=lambda *step: told.append(step),
    )  # fmt: skip
    assert told == [(rank, 2, f"Formulaire {of(form.partner)}") for rank, form in enumerate(made)]


def test_in_a_pipe_there_is_no_bar(workspace: Path) -> None:
    done = tabellion("consolidate", "--contrat", workspace, cwd=workspace)
    assert "Lecture des retours" not in done.out + done.err
    assert "\x1b" not in done.out + done.err
