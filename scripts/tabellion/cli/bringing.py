"""The command that brings what people have: import."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tabellion.cli.app import (
    Contrat,
    JsonOption,
    app,
    finishing,
    force_option,
    open_workspace,
    option,
    output_option,
    say_kept,
)
from tabellion.cli.usage import Command


@app.command("import", cls=Command)
def import_(
    documents: Annotated[
        list[Path],
        typer.Argument(
            metavar="FICHIER…", help="Documents Word (.docx), PDF, classeurs (.xlsx), CSV ou textes, ensemble."
        ),
    ],
    vers: Annotated[
        Path | None,
        output_option(
            "--vers", "DOSSIER", "Où écrire le registre ; par défaut, celui du contrat.", own="workbooks/registre"
        ),
    ] = None,
    forcer: Annotated[bool, force_option("un registre modifié")] = False,
    oui: Annotated[bool, option("--oui", None, "Accepte tout ce que l'import propose, sans le revoir.")] = False,
    json: JsonOption = None,
    contrat: Contrat = Path(),
) -> None:
    """Lit ce que vous avez (Word, PDF, classeurs, CSV, textes) et en fait le registre."""
    from tabellion.commands.console import print_findings, summary
    from tabellion.commands.import_home import import_files
    from tabellion.findings import Severity
    from tabellion.wording import plural

    workspace = open_workspace(contrat)
    done = import_files(workspace, documents, vers, force=forcer, now=datetime.now(), accept=oui)
    errors = sum(item.gravite is Severity.ERREUR for item in done.findings)
    with finishing(done.findings, json, is_short=errors > 0):
        print_findings(done.findings)
        typer.echo(f"\nImport : {done.preview}")
        if done.present:
            typer.echo(f"Contrat avant : {done.present}")
        if done.asked is not None:
            typer.echo(f"Correspondance : {done.asked}")
        typer.echo(
            f"Registre écrit dans {done.folder} :" if done.written else "Rien d'autre n'est écrit. L'import donnera :"
        )
        for table, count in done.rows.items():
            typer.echo(f"  {workspace.schemas[table].title:<28} {plural(count, 'ligne')}")
        if done.uses:
            typer.echo(f"Les {sum(done.uses.values())} lignes du document sont toutes comptées :")
        for usage, count in done.uses.most_common():
            typer.echo(f"  {usage:<36} {count}")
        for kept in done.kept:
            say_kept(kept)
        typer.echo(f"Constats de l'import : {summary(done.findings)}")
        if done.written and errors:
            typer.echo(
                f"À reprendre à la main : {plural(errors, 'erreur dit', 'erreurs disent')} ce qui n'est pas entré."
            )
