"""The commands that open the contract to others: export, annexe."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tabellion.cli.app import Contrat, Depuis, Json, app, finishing, open_workspace, say_kept
from tabellion.cli.usage import Command


@app.command(cls=Command)
def export(
    vers: Annotated[
        Path | None,
        typer.Option("--vers", metavar="DOSSIER", help="Où écrire ; par défaut, workbooks/export/."),
    ] = None,
    depuis: Depuis = "contrat",
    forcer: Annotated[
        bool, typer.Option("--forcer", help="Remplace un fichier modifié, après en avoir gardé une copie datée.")
    ] = False,
    json: Json = None,
    contrat: Contrat = Path(),
) -> None:
    """Publie en données ouvertes le registre et les subventions attribuées (SCDL)."""
    from tabellion.commands.console import print_findings, summary
    from tabellion.commands.export import export as make
    from tabellion.commands.source import Depuis as Origins
    from tabellion.wording import plural

    done = make(open_workspace(contrat), vers, Origins(depuis), force=forcer, now=datetime.now())
    with finishing(done.findings, json):
        print_findings(done.findings)
        typer.echo(f"\nExporté depuis {done.source} dans {done.folder} :")
        typer.echo(f"  registre/      {plural(done.tables, 'table')}, {plural(done.rows, 'ligne')} (Data Package)")
        counted = plural(done.published, "subvention")
        granted = plural(done.granted, "financement chiffré", "financements chiffrés")
        typer.echo(f"  subventions/   {counted}, pour {granted} ({done.standard})")
        for kept in done.kept:
            say_kept(kept)
        typer.echo(f"Constats : {summary(done.findings)}")


@app.command(cls=Command)
def annexe(
    exercice: Annotated[
        int | None,
        typer.Option(
            "--exercice",
            metavar="ANNÉE",
            help="L'année à montrer ; par défaut, celle en cours si elle a des lignes, sinon la dernière qui en a.",
        ),
    ] = None,
    sortie: Annotated[
        Path | None,
        typer.Option("--sortie", metavar="FICHIER", help="Où écrire ; par défaut, dans workbooks/publication/."),
    ] = None,
    depuis: Depuis = "contrat",
    forcer: Annotated[
        bool, typer.Option("--forcer", help="Remplace un classeur modifié, après en avoir gardé une copie datée.")
    ] = False,
    contrat: Contrat = Path(),
) -> None:
    """Écrit l'annexe budgétaire d'un exercice : crédits et financements, en tableaux et graphiques Excel."""
    from tabellion.commands.annex import annex as make
    from tabellion.commands.source import Depuis as Origins

    done = make(open_workspace(contrat), exercice, sortie, Origins(depuis), force=forcer, now=datetime.now())
    with finishing(()):
        typer.echo(f"Annexe budgétaire {done.exercice}, depuis {done.source} : {done.path}")
        say_kept(done.kept)
