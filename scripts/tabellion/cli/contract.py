"""The commands of the contract: import, generate, validate, new."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tabellion.cli.app import Contrat, Json, app, finishing, force_option, open_workspace, say_kept
from tabellion.cli.usage import Command


@app.command("import", cls=Command)
def import_(
    document: Annotated[Path, typer.Argument(metavar="DOCUMENT", help="Le texte du document publié.")],
    vers: Annotated[
        Path | None,
        typer.Option("--vers", metavar="DOSSIER", help="Où écrire le registre ; par défaut, celui du contrat."),
    ] = None,
    forcer: Annotated[bool, force_option("un registre modifié")] = False,
    json: Json = None,
    contrat: Contrat = Path(),
) -> None:
    """Lit le texte du document publié et en fait le registre (CSV)."""
    from tabellion.commands.console import print_findings, summary
    from tabellion.commands.import_document import import_document
    from tabellion.wording import plural

    workspace = open_workspace(contrat)
    done = import_document(workspace, document, vers, force=forcer, now=datetime.now())
    with finishing(done.findings, json):
        print_findings(done.findings)
        typer.echo(f"\nRegistre écrit dans {done.folder} :")
        for table, count in done.rows.items():
            typer.echo(f"  {workspace.schemas[table].title:<28} {plural(count, 'ligne')}")
        typer.echo(f"Les {sum(done.uses.values())} lignes du document sont toutes comptées :")
        for usage, count in done.uses.most_common():
            typer.echo(f"  {usage:<36} {count}")
        say_kept(done.kept)
        typer.echo(f"Constats de l'import : {summary(done.findings)}")


@app.command(cls=Command)
def generate(
    sortie: Annotated[
        Path | None,
        typer.Option("--sortie", metavar="FICHIER", help="Où écrire le classeur ; par défaut, workbooks/contrat.xlsx."),
    ] = None,
    forcer: Annotated[bool, force_option("un classeur modifié")] = False,
    json: Json = None,
    contrat: Contrat = Path(),
) -> None:
    """Fait du registre le classeur du contrat, le vérifie et dit ce qui ne va pas."""
    from tabellion.commands.console import print_findings, summary
    from tabellion.commands.generate import generate as make

    done = make(open_workspace(contrat), sortie, force=forcer, now=datetime.now())
    with finishing(done.findings, json):
        print_findings(done.findings)
        typer.echo(f"\nClasseur écrit : {done.path}")
        say_kept(done.kept)
        typer.echo(f"Constats : {summary(done.findings)}")


@app.command(cls=Command)
def validate(
    fichiers: Annotated[list[Path], typer.Argument(metavar="FICHIER…", help="Les classeurs à vérifier.")],
    annoter: Annotated[
        Path | None,
        typer.Option("--annoter", metavar="DOSSIER", help="Écrit là une copie annotée de chaque classeur à corriger."),
    ] = None,
    json: Json = None,
    contrat: Contrat = Path(),
) -> None:
    """Lit des classeurs ou des retours, les vérifie et dit, cellule par cellule, ce qui ne va pas."""
    from tabellion.commands.console import print_findings, summary
    from tabellion.commands.validate import annotate_files, validate_files

    workspace = open_workspace(contrat)
    by_file = validate_files(workspace, fichiers)
    findings = [finding for of_file in by_file for finding in of_file]
    copies = annotate_files(workspace, fichiers, by_file, annoter, datetime.now()) if annoter is not None else []
    with finishing(findings, json):
        print_findings(findings)
        if copies:
            typer.echo("")
        for copy in copies:
            typer.echo(f"Copie annotée : {copy}")
        typer.echo(f"\nConstats : {summary(findings)}")


@app.command(cls=Command)
def new(dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Le dossier à créer.")]) -> None:
    """Crée le dossier d'un nouveau contrat, à adapter : réglages, schémas, gabarits, registre."""
    from tabellion.commands.new import as_typed, create_workspace

    written = create_workspace(dossier)
    with finishing(()):
        for path in written:
            typer.echo(f"  {path.as_posix()}")
        typer.echo(f"\nNouveau contrat prêt dans {dossier}. Ensuite :")
        typer.echo("  1. changez tabellion.toml (titre, années) et workbooks/registre/*.csv (vos tables) ;")
        typer.echo(f"  2. lancez : tabellion generate --contrat {as_typed(dossier)}")
