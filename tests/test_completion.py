"""The scripts that let shells complete commands: whole in each shell's own words, and run by a real bash."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from support.program import tabellion
from tabellion.cli.app import app


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_command_and_option_is_completed(shell: str, tmp_path: Path) -> None:
    done = tabellion("--completion", shell, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        options = [option for param in command.params for option in param.opts if option.startswith("--")]
        lines = [line for line in done.out.splitlines() if f" {name}" in line or f"'{name}'" in line]
        shown = "\n".join(lines)
        assert lines
        assert [option for option in options if option.removeprefix("--" if shell == "fish" else "") not in shown] == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this system")
@pytest.mark.parametrize(("typed", "proposals"), [
    ("tabellion con", ["consolidate"]),
    ("tabellion forms --ex", ["--exercice"]),
    ("tabellion --v", ["--version"]),
    ("tabellion diagnostic x", []),
])  # fmt: skip
def test_bash_completes(typed: str, proposals: list[str], tmp_path: Path) -> None:
    script = tabellion("--completion", "bash", cwd=tmp_path).out
    words = typed.split()
    state = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}"
    run = f'{script}\n{state}; _tabellion; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", run], capture_output=True, text=True, check=True)
    assert done.stdout.split() == proposals


def test_an_unknown_shell_is_refused_in_french(tmp_path: Path) -> None:
    done = tabellion("--completion", "tcsh", cwd=tmp_path)
    assert (done.code, "--completion" in done.err, "powershell" in done.err) == (2, True, True)
