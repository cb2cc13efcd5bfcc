"""The commands of what is made public: publish."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tabellion.cli.app import SOMETHING_BLOCKS, WRONG_USE, Contrat, Depuis, app, leaving, open_workspace, say_kept
from tabellion.cli.usage import Command


@app.command(cls=Command)
def publish(
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMATS",
            help="« docx », « pdf » ou « docx,pdf » ; par défaut, celui de --sortie, sinon docx.",
        ),
    ] = None,
    convention: Annotated[
        list[int] | None,
        typer.Option(
            "--convention", metavar="N", help="Une seule convention, ou l'option plusieurs fois ; sinon, toutes."
        ),
    ] = None,
    exercice: Annotated[
        int | None,
        typer.Option("--exercice", metavar="ANNÉE", help="L'année des budgets ; par défaut, exercice du contrat."),
    ] = None,
    depuis: Depuis = "contrat",
    sortie: Annotated[
        Path | None,
        typer.Option("--sortie", metavar="FICHIER", help="Où écrire le document ; par défaut, workbooks/publication/."),
    ] = None,
    forcer: Annotated[
        bool, typer.Option("--forcer", help="Remplace un document modifié, après en avoir gardé une copie datée.")
    ] = False,
    contrat: Contrat = Path(),
) -> None:
    """Publie le contrat : un document Word, et un PDF là où LibreOffice est installé."""
    from tabellion.commands.console import print_findings, summary
    from tabellion.commands.progress import writing_progress
    from tabellion.commands.publish import Wanted, formats_of
    from tabellion.commands.publish import publish as make
    from tabellion.commands.source import Depuis as Origins
    from tabellion.wording import plural

    wanted = Wanted(formats_of(formats, sortie), tuple(convention or ()), exercice, Origins(depuis), sortie, forcer)
    workspace = open_workspace(contrat)
    with writing_progress() as progress:
        done = make(workspace, wanted, datetime.now(), progress)
    if not done.paths:
        print_findings([*done.findings, *done.said], to_errors=True)
        typer.echo(f"\nRien n'a été publié : {summary([*done.findings, *done.said])}", err=True)
        raise typer.Exit(SOMETHING_BLOCKS if any(each.bloquant for each in done.findings) else WRONG_USE)
    with leaving(0):
        print_findings(done.said)
        if done.said:
            typer.echo("")
        conventions, fiches = done.counts
        typer.echo(f"Publié à partir {done.origin} : {plural(conventions, 'convention')}, {plural(fiches, 'fiche')}.")
        for path in done.paths:
            typer.echo(f"Document écrit : {path}")
        for path in done.kept:
            say_kept(path)
        typer.echo(f"Constats ouverts : {summary(done.findings)}")
