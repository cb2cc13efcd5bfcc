"""The command of many contracts: ensemble."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tabellion.cli.app import JournalTexte, JsonOption, app, blocking_code, leaving, option, output_option, write_json
from tabellion.cli.usage import Command

if TYPE_CHECKING:
    from tabellion.commands.ensemble import EnsembleRun


@app.command(cls=Command)
def ensemble(
    dossiers: Annotated[
        list[Path],
        typer.Argument(
            metavar="DOSSIER…", help="Des dossiers de contrats, des dossiers qui en contiennent, ou un ensemble.toml."
        ),
    ],
    vers: Annotated[
        Path | None, output_option("--vers", "DOSSIER", "Où écrire ; par défaut, ensemble/, là où l'on est.")
    ] = None,
    lecture: Annotated[
        bool, option("--lecture", None, "Lit les contrats sans les consolider : rien n'est écrit chez eux.")
    ] = False,
    dask: Annotated[
        str, option("--dask", "ADRESSE", "Confie les contrats à un cluster Dask, comme tcp://machine:8786.")
    ] = "",
    json: JsonOption = None,
    journal_texte: JournalTexte = None,
) -> None:
    """Met ensemble plusieurs contrats : tableau de bord, totaux, comparaisons et jeu de données (Parquet)."""
    from tabellion.commands.console import print_findings, summary, writing_progress
    from tabellion.commands.ensemble import DEFAULT_FOLDER, mapper_of
    from tabellion.commands.ensemble import ensemble as put_together
    from tabellion.commands.run_log import RunLog

    target = DEFAULT_FOLDER if vers is None else vers
    with RunLog(journal_texte, "ensemble", target) as log:
        with writing_progress() as advance:
            mapper_for = partial(mapper_of, dask=dask, reads_only=lecture)
            done = put_together(dossiers, target, datetime.now(), mapper_for, reads_only=lecture, advance=advance)
        log.findings(done.findings)
        if json is not None:
            write_json(json, done.findings)
        code = log.end(blocking_code(done.findings))
    with leaving(code):
        print_findings(done.findings)
        typer.echo("")
        _tell(done)
        typer.echo(f"Constats : {summary(done.findings)}")


def _tell(done: EnsembleRun) -> None:
    """Print how many contracts were taken, and where what they give is."""
    from tabellion.wording import plural

    contracts, counted = done.portfolio.contracts, done.portfolio.counted
    unread = sum(bool(contract.failures) for contract in contracts)
    read = len(contracts) - done.unchanged - unread
    typer.echo(
        f"{plural(len(contracts), 'contrat')}, dont {plural(len(counted), 'compté')} ; {plural(read, 'lu')}, "
        f"{plural(done.unchanged, 'inchangé')}, {plural(unread, 'non lu')}."
    )
    where = "Écrit dans" if done.written else "Rien de nouveau dans"
    typer.echo(f"{where} {done.folder} : ensemble.xlsx, ensemble.html, jeu/ (Parquet)")
