"""The command that compares two workbooks: diff."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tabellion.cli.app import NOTHING_BLOCKS, SOMETHING_BLOCKS, Contrat, app, leaving, open_workspace, say_kept
from tabellion.cli.usage import Command


@app.command(cls=Command)
def diff(
    avant: Annotated[Path, typer.Argument(metavar="AVANT", help="Le premier classeur, ou un dossier de registre.")],
    apres: Annotated[Path, typer.Argument(metavar="APRÈS", help="Le second, de même genre.")],
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FICHIER", help="Écrit aussi les différences en JSON.")
    ] = None,
    classeur: Annotated[
        Path | None,
        typer.Option("--classeur", metavar="FICHIER", help="Écrit aussi un classeur Excel des différences."),
    ] = None,
    deplacements: Annotated[
        bool, typer.Option("--deplacements", help="Nomme aussi les lignes seulement déplacées.")
    ] = False,
    tout: Annotated[bool, typer.Option("--tout", help="Nomme toutes les lignes, sans limite.")] = False,
    forcer: Annotated[
        bool, typer.Option("--forcer", help="Remplace un classeur modifié, après en avoir gardé une copie datée.")
    ] = False,
    contrat: Contrat = Path(),
) -> None:
    """Compare deux classeurs par ce qu'ils disent, ligne à ligne, où que ce soit rangé."""
    from tabellion.commands.board import print_lines
    from tabellion.commands.console import print_findings
    from tabellion.commands.diff import diff as compare
    from tabellion.commands.diff import diff_lines

    workspace = open_workspace(contrat)
    done = compare(workspace, avant, apres, now=datetime.now(), to_json=json, to_workbook=classeur, force=forcer)
    with leaving(SOMETHING_BLOCKS if done.comparison.count else NOTHING_BLOCKS):
        print_findings(done.comparison.notices)
        if done.comparison.notices:
            typer.echo("")
        more = {"most": None} if tout else {}
        print_lines(diff_lines(done, moves=deplacements, **more))
        if classeur is not None:
            typer.echo(f"\nClasseur des différences : {classeur}")
        say_kept(done.kept)
