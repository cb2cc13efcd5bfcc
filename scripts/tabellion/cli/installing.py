"""The commands of who installs the program: installer, diagnostic."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tabellion.cli.app import NOTHING_BLOCKS, SOMETHING_BLOCKS, WRONG_USE, Contrat, app, leaving, option, output_option
from tabellion.cli.usage import Command


@app.command(cls=Command)
def installer(
    dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Le dossier du contrat, à créer ou déjà là.")],
    modele: Annotated[
        str | None, option("--modele", "NOM", "S'il est à créer : quartiers-2030, ou neutre (par défaut).")
    ] = None,
    nuit: Annotated[
        bool, option("--nuit", None, "Une consolidation chaque nuit, au lieu de la surveillance de la journée.")
    ] = False,
    sans_service: Annotated[bool, option("--sans-service", None, "Ne met rien en marche.")] = False,
    sans_raccourcis: Annotated[bool, option("--sans-raccourcis", None, "Ne met rien sur le bureau.")] = False,
    essai: Annotated[bool, option("--essai", None, "Dit ce qui serait fait, sans rien faire.")] = False,
) -> None:
    """Prépare tout pour qui n'a pas de terminal : dossier, service, raccourcis ; puis essaie tout une fois."""
    from tabellion.commands import installer as installing
    from tabellion.commands.diagnostic import diagnose, is_bad, page
    from tabellion.commands.new import NEUTRAL
    from tabellion.contract.folders import SETTINGS_FILE
    from tabellion.contract.workspace import find_workspace

    if os.environ.get("SUDO_USER"):
        with leaving(WRONG_USE):
            typer.echo(
                "Relancez sans sudo, sous le compte qui tiendra le contrat : ses fichiers seront à lui.", err=True
            )
    now, folder = datetime.now(), dossier.absolute()
    if essai:
        is_there = (folder / SETTINGS_FILE).is_file()
        workspace = find_workspace(folder) if is_there else installing.rehearsed_folder(folder, now, modele or NEUTRAL)
    else:
        workspace, is_new = installing.set_up_folder(folder, now, modele or NEUTRAL)
        typer.echo(f"{'Contrat créé' if is_new else 'Contrat'} : {workspace.root}")
    machine = installing.this_machine(workspace.root)
    plan = installing.plan(
        machine, workspace, nightly=nuit, service=not sans_service, shortcuts=not sans_raccourcis
    )  # fmt: skip
    if essai:
        with leaving(NOTHING_BLOCKS):
            for line in installing.plan_lines(plan, workspace):
                typer.echo(line)
    checks = [installing.try_once(workspace, now), *installing.install(plan, installing.run_command)]
    if plan.service is not None and not nuit and not is_bad(checks):
        installing.wait_for_watch(workspace)
    checks += diagnose(workspace.root, now, os.environ)
    with leaving(SOMETHING_BLOCKS if is_bad(checks) else NOTHING_BLOCKS):
        typer.echo("\n" + page(checks, now), nl=False)


@app.command(cls=Command)
def diagnostic(
    sortie: Annotated[Path | None, output_option("--sortie", "FICHIER", "Écrit aussi la page dans ce fichier.")] = None,
    contrat: Contrat = Path(),
) -> None:
    """Dit ce qui marche et ce qui ne marche pas, sur une page à envoyer à qui vous aide."""
    from tabellion.commands.diagnostic import diagnose, is_bad, page, write_page

    now = datetime.now()
    checks = diagnose(contrat, now, os.environ)
    text = page(checks, now)
    with leaving(SOMETHING_BLOCKS if is_bad(checks) else NOTHING_BLOCKS):
        typer.echo(text, nl=False)
        if sortie is not None:
            write_page(sortie, text)
