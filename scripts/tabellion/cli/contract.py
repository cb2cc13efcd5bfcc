"""The commands of a contract: generate, validate, new; those of its campaigns: forms to adopt, watch."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from datetime import datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tabellion.cli.app import (
    WRONG_USE,
    Contrat,
    Exercice,
    JournalTexte,
    JsonOption,
    Partenaire,
    app,
    blocking_code,
    finishing,
    force_option,
    leaving,
    open_workspace,
    option,
    output_option,
    say_kept,
    write_json,
)
from tabellion.cli.usage import Command

if TYPE_CHECKING:
    from tabellion.campaign.model import Consolidation
    from tabellion.commands.consolidate import ConsolidationRun
    from tabellion.commands.source import Source
    from tabellion.contract.workspace import Workspace


@app.command(cls=Command)
def generate(
    sortie: Annotated[
        Path | None,
        output_option(
            "--sortie",
            "FICHIER",
            "Où écrire le classeur ; par défaut, workbooks/contrat.xlsx.",
            own="workbooks/contrat.xlsx",
        ),
    ] = None,
    forcer: Annotated[bool, force_option("un classeur modifié")] = False,
    json: JsonOption = None,
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
    fichiers: Annotated[
        list[Path], typer.Argument(metavar="FICHIER…", help="Les classeurs à vérifier, ou des dossiers.")
    ],
    annoter: Annotated[
        Path | None,
        output_option(
            "--annoter",
            "DOSSIER",
            "Écrit là une copie annotée de chaque classeur à corriger.",
            own="workbooks/constats",
        ),
    ] = None,
    json: JsonOption = None,
    contrat: Contrat = Path(),
) -> None:
    """Lit des classeurs ou des retours, les vérifie et dit, cellule par cellule, ce qui ne va pas."""
    from tabellion.commands.console import print_findings, reading_progress, summary
    from tabellion.commands.validate import annotate_files, files_of, validate_files

    workspace = open_workspace(contrat)
    files, passed_over = files_of(fichiers)
    with reading_progress() as progress:
        by_file = validate_files(workspace, files, progress)
    findings = [*passed_over, *(finding for of_file in by_file for finding in of_file)]
    copies = annotate_files(workspace, files, by_file, annoter, datetime.now()) if annoter is not None else []
    with finishing(findings, json):
        print_findings(findings)
        if copies:
            typer.echo("")
        for copy in copies:
            typer.echo(f"Copie annotée : {copy}")
        typer.echo(f"\nConstats : {summary(findings)}")


@app.command(cls=Command)
def new(
    dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Le dossier à créer.")],
    vide: Annotated[
        bool, option("--vide", None, "Sans le contrat d'exemple : un classeur vide, où tout se saisit.")
    ] = False,
    modele: Annotated[str, option("--modele", "NOM", "Vide, d'un modèle : quartiers-2030, ou neutre (--vide).")] = "",
) -> None:
    """Crée le dossier d'un nouveau contrat : à adapter de celui de l'exemple, ou vide et à saisir dans Excel."""
    from tabellion.commands.console import print_findings
    from tabellion.commands.new import NEUTRAL, as_typed, create_empty_workspace, create_workspace, inside_findings

    model = modele or (NEUTRAL if vide else "")
    written = create_empty_workspace(dossier, datetime.now(), model) if model else create_workspace(dossier)
    with finishing(()):
        print_findings(inside_findings(dossier))
        if model:
            typer.echo(f"\nNouveau contrat prêt dans {dossier}. Ensuite :")
            typer.echo("  1. ouvrez workbooks/contrat.xlsx : « Accueil » dit par où commencer")
            typer.echo("     (un document Word ou PDF, des classeurs se lisent avant : tabellion import FICHIER…) ;")
            typer.echo(f"  2. après chaque étape : tabellion consolidate --contrat {as_typed(dossier)}")
            typer.echo("     (ou laissez tourner « tabellion watch », qui le fait à chaque enregistrement).")
            return
        for path in written:
            typer.echo(f"  {path.as_posix()}")
        typer.echo(f"\nNouveau contrat prêt dans {dossier}. Ensuite :")
        typer.echo("  1. changez tabellion.toml (titre, années) et workbooks/registre/*.csv (vos tables) ;")
        typer.echo(f"  2. lancez : tabellion generate --contrat {as_typed(dossier)}")


@app.command(cls=Command)
def forms(
    exercice: Exercice = None,
    partenaire: Partenaire = None,
    forcer: Annotated[bool, force_option("un formulaire rempli")] = False,
    contrat: Contrat = Path(),
) -> None:
    """Écrit un formulaire par partenaire, à remplir et à renvoyer, dans workbooks/envois/."""
    from tabellion.commands.changes import staff_lines
    from tabellion.commands.console import print_findings, writing_progress
    from tabellion.commands.forms import forms as make
    from tabellion.findings import Severity
    from tabellion.wording import plural

    def tell(source: Source) -> None:
        print_findings([item for item in source.findings if item.gravite is not Severity.INFORMATION])
        for line in staff_lines(source.book, source.state.saves.modifications):
            typer.echo(line)

    workspace, now = open_workspace(contrat), datetime.now()
    with writing_progress() as progress:
        done = make(workspace, exercice, partenaire or [], force=forcer, now=now, tell=tell, progress=progress)
    with finishing(()):
        for form in done:
            asked = plural(form.rows, "ligne") if form.rows else "aucune ligne"
            typer.echo(f"  {form.path.name:<40} {asked:>16}   {form.partner}")
            say_kept(form.kept)
        written = plural(len(done), "formulaire écrit", "formulaires écrits")
        typer.echo(f"\n{written} dans {done[0].path.parent}" if done else "\nLe registre n'a aucun partenaire.")


@app.command(cls=Command)
def consolidate(
    json: JsonOption = None,
    journal_texte: JournalTexte = None,
    silencieux: Annotated[
        bool, option("--silencieux", None, "N'affiche qu'une ligne de résumé, et seulement quand quelque chose bloque.")
    ] = False,
    contrat: Contrat = Path(),
) -> None:
    """Met ensemble le classeur du contrat et tous les retours, dans workbooks/consolidation/."""
    from tabellion.commands.run_log import RunLog
    from tabellion.commands.unchanged import check_unchanged

    now, is_plain = datetime.now(), json is None and (silencieux or not sys.stdout.isatty())
    with (
        RunLog(journal_texte, "consolidate", contrat) as log,
        check_unchanged(contrat, "tabellion consolidate", now, is_wanted=is_plain) as seen,
    ):
        if seen.record is not None:
            code, summary = seen.record.code, seen.record.subject
            tell = partial(typer.echo, seen.record.text, nl=False)
            log.lines(seen.record.lines)
        else:
            from tabellion.commands.board import subject
            from tabellion.commands.console import reading_progress
            from tabellion.commands.consolidate import consolidate as run

            workspace = open_workspace(contrat)
            with reading_progress(quiet=silencieux) as progress:
                done = run(workspace, now, progress)
            log.findings(done.notices)
            log.consolidation(done.consolidation, is_new=done.written)
            if json is not None:
                write_json(json, done.findings)
            code, summary = blocking_code(done.findings), subject(done.consolidation)
            tell = partial(_print_run, workspace, done, is_new=done.written)
            with redirect_stdout(StringIO()) as again:
                _print_run(workspace, done, is_new=False)
            seen.remember(done, again.getvalue(), summary, code, now)
        code = log.end(code)
    with leaving(code):
        if not silencieux:
            tell()
        elif code:
            typer.echo(summary)


def _print_run(workspace: Workspace, done: ConsolidationRun, *, is_new: bool) -> None:
    """Print what a consolidation says; ``is_new`` is false where the outputs in place said it already."""
    from tabellion.commands.board import print_board, print_since, subject
    from tabellion.commands.console import print_findings

    if is_new:
        print_since(done.consolidation)
    else:
        made = done.consolidation.made
        typer.echo(f"Rien n'a changé depuis la consolidation du {made:%d/%m/%Y à %H:%M}.")
    print_findings(done.findings)
    typer.echo("")
    print_board(done.consolidation, most=40)
    where = workspace.consolidation
    typer.echo(f"\nConsolidation écrite dans {where}" if is_new else f"\nRien de nouveau dans {where}")
    typer.echo(subject(done.consolidation))


@app.command(cls=Command)
def status(contrat: Contrat = Path()) -> None:
    """Montre où en est la campagne : qui a répondu, ce qui est accepté, rejeté ou en retard. N'écrit rien."""
    from tabellion.commands.board import print_board
    from tabellion.commands.console import reading_progress
    from tabellion.commands.consolidate import look_at_campaign

    workspace = open_workspace(contrat)
    with reading_progress() as progress:
        consolidation = look_at_campaign(workspace, datetime.now(), progress)
    with leaving(0):
        print_board(consolidation)


@app.command(cls=Command)
def relances(
    exercice: Exercice = None,
    partenaire: Partenaire = None,
    forcer: Annotated[bool, force_option("une relance modifiée")] = False,
    contrat: Contrat = Path(),
) -> None:
    """Écrit un texte de relance par partenaire en retard ou rejeté, avec ce qui est à corriger."""
    from tabellion.commands.consolidate import look_at_campaign
    from tabellion.commands.relances import print_reminders
    from tabellion.commands.relances import relances as make

    workspace, now = open_workspace(contrat), datetime.now()
    done = make(workspace, look_at_campaign(workspace, now), exercice, partenaire or [], force=forcer, now=now)
    with leaving(0):
        print_reminders(done)


@app.command(cls=Command)
def historique(
    quoi: Annotated[
        str,
        typer.Argument(metavar="CELLULE|FICHE|LIGNE", help="« contrat.xlsx!B01 Éducation!E7 », une fiche, une ligne."),
    ],
    contrat: Contrat = Path(),
) -> None:
    """Dit qui a donné chaque valeur d'une cellule, d'une fiche ou d'une ligne, et quand."""
    from tabellion.commands.historique import historique as find
    from tabellion.commands.historique import history_lines

    history = find(open_workspace(contrat), quoi)
    with leaving(0):
        for line in history_lines(history):
            typer.echo(line)


@app.command(cls=Command)
def adopt(
    oui: Annotated[bool, option("--oui", None, "Adopte sans demander.")] = False, contrat: Contrat = Path()
) -> None:
    """Fait de l'état consolidé le nouveau contrat : registre et contrat.xlsx, l'ancien étant gardé."""
    from tabellion.commands.adopt import adopt as make
    from tabellion.commands.changes import change_lines
    from tabellion.commands.console import print_findings, summary

    def agree(consolidation: Consolidation) -> bool:
        for line in change_lines(consolidation):
            typer.echo(line)
        if oui:
            return True
        if not sys.stdin.isatty():
            typer.echo("\nRien n'est adopté : relancez avec --oui.", err=True)
            raise typer.Exit(WRONG_USE)
        typer.echo("\nAdopter ces changements ? [o/N] ", nl=False)
        return sys.stdin.readline().strip().casefold() in ("o", "oui")

    done = make(open_workspace(contrat), datetime.now(), agree)
    with finishing(() if done is None else done.findings):
        if done is None:
            typer.echo("\nRien à adopter des retours ; ce que l'équipe a saisi est déjà au contrat.")
            return
        print_findings(done.notices)
        typer.echo("\nÉtat consolidé adopté : workbooks/registre/ et workbooks/contrat.xlsx")
        for path in done.kept:
            say_kept(path)
        typer.echo(f"Constats : {summary(done.findings)}")


@app.command(cls=Command)
def watch(
    poll: Annotated[
        bool, option("--poll", None, "Relit les dossiers : pour un partage réseau que rien ne signale.")
    ] = False,
    journal_texte: JournalTexte = None,
    contrat: Contrat = Path(),
) -> None:
    """Reste en marche : vérifie chaque fichier enregistré et tient la consolidation à jour."""
    from tabellion.commands.run_log import RunLog
    from tabellion.commands.watch import watch as follow
    from tabellion.commands.watch_display import watch_display

    with RunLog(journal_texte, "watch", contrat) as log:
        with watch_display(log) as display:
            follow(contrat, display, poll=poll)
            display.stopped()
        code = log.end(0)
    with leaving(code):
        pass
