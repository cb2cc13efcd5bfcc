"""What every command shares: the application, its options, its exit codes, how a command ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tabellion import __version__
from tabellion.cli.usage import Group

if TYPE_CHECKING:
    from tabellion.contract.workspace import Workspace
    from tabellion.findings import Finding

#: Exit codes (DESIGN.md §6).
NOTHING_BLOCKS, SOMETHING_BLOCKS, WRONG_USE, INTERNAL_ERROR = 0, 1, 2, 3

app = typer.Typer(
    cls=Group,
    name="tabellion",
    help="Tient un contrat de ville dans Excel, sans jamais perdre un euro.",
    add_completion=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

Contrat = Annotated[
    Path, typer.Option("--contrat", metavar="DOSSIER", help="Le dossier du contrat ; par défaut, celui où l'on est.")
]
Depuis = Annotated[
    Literal["contrat", "consolidation"],
    typer.Option(
        "--depuis",
        metavar="SOURCE",
        help="« contrat » (par défaut : son classeur, sinon le registre) ou « consolidation ».",
    ),
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FICHIER", help="Écrit aussi les constats en JSON.")]


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tabellion {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Dit la version et s'arrête.")
    ] = False,
) -> None:
    """Tient un contrat de ville dans Excel, sans jamais perdre un euro."""


def open_workspace(folder: Path) -> Workspace:
    """The workspace of ``--contrat``; raises :class:`TabellionError` where there is none."""
    from tabellion.contract.workspace import find_workspace

    return find_workspace(folder)


def say_kept(kept: Path | None) -> None:
    """Say where the dated copy of what was replaced is, when there is one."""
    if kept is not None:
        typer.echo(f"L'ancien est gardé : {kept}")


@contextmanager
def finishing(findings: Sequence[Finding], json: Path | None = None) -> Iterator[None]:
    """Write the JSON where asked, let the command print, and exit with the code that the findings call for."""
    if json is not None:
        write_json(json, findings)
    with leaving(exit_code(findings)):
        yield


@contextmanager
def leaving(code: int) -> Iterator[None]:
    """Let the command print, and exit with ``code``.

    A reader that leaves before the end (``tabellion … | head``) changes nothing of it.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(code)


def write_json(path: Path, findings: Sequence[Finding]) -> None:
    """Write the findings as JSON; where that fails, say it and leave: the rest is done."""
    from tabellion.commands import console
    from tabellion.findings import TabellionError

    try:
        console.write_json(path, findings)
    except TabellionError as error:
        console.print_findings(error.findings, to_errors=True)
        typer.echo("\nLe reste est fait ; seul le fichier JSON n'est pas écrit.", err=True)
        raise typer.Exit(WRONG_USE) from error


def exit_code(findings: Sequence[Finding]) -> int:
    """The exit code that findings call for."""
    from tabellion.findings.codes.container import UNREADABLE

    if any(each.code in UNREADABLE for each in findings):
        return WRONG_USE
    return SOMETHING_BLOCKS if any(each.bloquant for each in findings) else NOTHING_BLOCKS


def blocking_code(findings: Sequence[Finding]) -> int:
    """The exit code of a run over a whole folder: a file there that cannot be read blocks, it is no wrong use."""
    return SOMETHING_BLOCKS if any(each.bloquant for each in findings) else NOTHING_BLOCKS
