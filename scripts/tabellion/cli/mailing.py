"""The commands of the campaign by mail: envoyer, relever."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tabellion.cli.app import (
    NOTHING_BLOCKS,
    SOMETHING_BLOCKS,
    Contrat,
    Exercice,
    Partenaire,
    app,
    leaving,
    open_workspace,
    option,
)
from tabellion.cli.usage import Command


@app.command(cls=Command)
def envoyer(
    exercice: Exercice = None,
    partenaire: Partenaire = None,
    relances: Annotated[bool, option("--relances", None, "Envoie les relances, au lieu des formulaires.")] = False,
    essai: Annotated[
        bool, option("--essai", None, "N'envoie rien : écrit les messages (.eml) dans workbooks/essais/.")
    ] = False,
    contrat: Contrat = Path(),
) -> None:
    """Envoie par courriel à chaque partenaire son formulaire, ou sa relance, une seule fois."""
    from tabellion.commands.console import print_findings
    from tabellion.commands.consolidate import look_at_campaign
    from tabellion.commands.envoyer import prepare_letters, print_sending, send_letters, write_trial
    from tabellion.wording import plural

    workspace, now = open_workspace(contrat), datetime.now()
    partners = partenaire or []
    prepared = prepare_letters(
        workspace, look_at_campaign(workspace, now), exercice, partners, now, reminders=relances
    )  # fmt: skip
    if essai:
        written = write_trial(workspace, prepared, now)
        with leaving(NOTHING_BLOCKS):
            print_findings(prepared.findings)
            for path in written:
                typer.echo(f"  {path.name}")
            where = f" dans {written[0].parent}" if written else ""
            typer.echo(f"\nRien n'est envoyé. {plural(len(written), 'message')} à regarder{where}.")
        return
    sending = send_letters(workspace, prepared, now, again=bool(partners))
    with leaving(NOTHING_BLOCKS if sending.is_complete else SOMETHING_BLOCKS):
        print_findings(sending.findings)
        print_sending(sending)


@app.command(cls=Command)
def relever(contrat: Contrat = Path()) -> None:
    """Prend dans la boîte aux lettres les classeurs reçus, chacun une fois, et les range dans workbooks/retours/."""
    from tabellion.commands.console import print_findings
    from tabellion.commands.consolidate import look_at_campaign
    from tabellion.commands.relever import collect, print_collected

    workspace, now = open_workspace(contrat), datetime.now()
    done = collect(workspace, look_at_campaign(workspace, now), now)
    failed = any(item.code == "boite-injoignable" for item in done.findings)
    with leaving(SOMETHING_BLOCKS if failed else NOTHING_BLOCKS):
        print_findings(done.findings)
        print_collected(done)
