"""The commands that make something of the contract: publish, export, annexe, diff."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tabellion.cli.app import (
    NOTHING_BLOCKS,
    SOMETHING_BLOCKS,
    WRONG_USE,
    Contrat,
    DepuisOption,
    JsonOption,
    app,
    finishing,
    force_option,
    leaving,
    open_workspace,
    option,
    output_option,
    say_kept,
)
from tabellion.cli.usage import Command


@app.command(cls=Command)
def publish(
    formats: Annotated[
        str | None,
        option("--format", "FORMATS", "« docx », « pdf » ou « docx,pdf » ; par défaut, celui de --sortie, sinon docx."),
    ] = None,
    convention: Annotated[
        list[int] | None,
        option("--convention", "N", "Une seule convention, ou l'option plusieurs fois ; sinon, toutes."),
    ] = None,
    exercice: Annotated[
        int | None, option("--exercice", "ANNÉE", "L'année des budgets ; par défaut, celle que montre le contrat.")
    ] = None,
    annexes: Annotated[
        str | None,
        option("--annexes", "NOMS", "« rapprochement,constats,budget », ou « aucune » ; par défaut, toutes."),
    ] = None,
    depuis: DepuisOption = "contrat",
    sortie: Annotated[
        Path | None, output_option("--sortie", "FICHIER", "Où écrire le document ; par défaut, workbooks/publication/.")
    ] = None,
    forcer: Annotated[bool, force_option("un document modifié")] = False,
    contrat: Contrat = Path(),
) -> None:
    """Publie le contrat : un document Word, et un PDF là où LibreOffice est installé."""
    from tabellion.commands.console import print_findings, summary, writing_progress
    from tabellion.commands.publish import PublishOptions, annexes_of, formats_of
    from tabellion.commands.publish import publish as make
    from tabellion.commands.source import Depuis
    from tabellion.wording import plural

    wanted = PublishOptions(
        formats_of(formats, sortie),
        tuple(convention or ()),
        annexes_of(annexes),
        exercice,
        Depuis(depuis),
        sortie,
        forcer,
    )
    workspace = open_workspace(contrat)
    with writing_progress() as progress:
        done = make(workspace, wanted, datetime.now(), progress)
    if not done.paths:
        print_findings([*done.findings, *done.notices], to_errors=True)
        typer.echo(f"\nRien n'a été publié : {summary([*done.findings, *done.notices])}", err=True)
        raise typer.Exit(SOMETHING_BLOCKS if any(finding.bloquant for finding in done.findings) else WRONG_USE)
    with leaving(0):
        print_findings(done.notices)
        if done.notices:
            typer.echo("")
        conventions, fiches = done.counts
        typer.echo(
            f"Publié à partir {done.made_from} : {plural(conventions, 'convention')}, {plural(fiches, 'fiche')}."
        )
        for path in done.paths:
            typer.echo(f"Document écrit : {path}")
        for path in done.kept:
            say_kept(path)
        typer.echo(f"Constats ouverts : {summary(done.findings)}")


@app.command(cls=Command)
def export(
    vers: Annotated[
        Path | None, output_option("--vers", "DOSSIER", "Où écrire ; par défaut, workbooks/export/.")
    ] = None,
    depuis: DepuisOption = "contrat",
    forcer: Annotated[bool, force_option("un fichier modifié")] = False,
    json: JsonOption = None,
    contrat: Contrat = Path(),
) -> None:
    """Publie en données ouvertes le registre et les subventions attribuées (SCDL)."""
    from tabellion.commands.console import print_findings, summary
    from tabellion.commands.export import export as make
    from tabellion.commands.source import Depuis
    from tabellion.wording import plural

    done = make(open_workspace(contrat), vers, Depuis(depuis), force=forcer, now=datetime.now())
    with finishing(done.findings, json):
        print_findings(done.findings)
        typer.echo(f"\nExporté depuis {done.source} dans {done.folder} :")
        typer.echo(f"  registre/      {plural(done.tables, 'table')}, {plural(done.rows, 'ligne')} (Data Package)")
        counted = plural(done.published, "subvention")
        granted = plural(done.granted, "financement chiffré", "financements chiffrés")
        typer.echo(f"  subventions/   {counted}, pour {granted} ({done.standard})")
        for path in done.kept:
            say_kept(path)
        typer.echo(f"Constats : {summary(done.findings)}")


@app.command(cls=Command)
def annexe(
    exercice: Annotated[
        int | None,
        option(
            "--exercice",
            "ANNÉE",
            "L'année à montrer ; par défaut, celle en cours si elle a des lignes, sinon la dernière qui en a.",
        ),
    ] = None,
    sortie: Annotated[
        Path | None, output_option("--sortie", "FICHIER", "Où écrire ; par défaut, dans workbooks/publication/.")
    ] = None,
    depuis: DepuisOption = "contrat",
    forcer: Annotated[bool, force_option("un classeur modifié")] = False,
    contrat: Contrat = Path(),
) -> None:
    """Écrit l'annexe budgétaire d'un exercice : crédits et financements, en tableaux et graphiques Excel."""
    from tabellion.commands.annex import annex as make
    from tabellion.commands.source import Depuis

    done = make(open_workspace(contrat), exercice, sortie, Depuis(depuis), force=forcer, now=datetime.now())
    with finishing(()):
        typer.echo(f"Annexe budgétaire {done.exercice}, depuis {done.source} : {done.path}")
        if not done.has_lines:
            typer.echo("Le contrat n'a encore aucune ligne budgétaire : l'annexe ne montre que les financements.")
        say_kept(done.kept)


@app.command(cls=Command)
def diff(
    avant: Annotated[Path, typer.Argument(metavar="AVANT", help="Le premier classeur, ou un dossier de registre.")],
    apres: Annotated[Path, typer.Argument(metavar="APRÈS", help="Le second, de même genre.")],
    json: Annotated[Path | None, output_option("--json", "FICHIER", "Écrit aussi les différences en JSON.")] = None,
    classeur: Annotated[
        Path | None, output_option("--classeur", "FICHIER", "Écrit aussi un classeur Excel des différences.")
    ] = None,
    deplacements: Annotated[
        bool, option("--deplacements", None, "Nomme aussi les lignes seulement déplacées.")
    ] = False,
    tout: Annotated[bool, option("--tout", None, "Nomme toutes les lignes, sans limite.")] = False,
    forcer: Annotated[bool, force_option("un classeur modifié")] = False,
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
