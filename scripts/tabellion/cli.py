"""The command line: it parses, calls one function, prints, and sets the exit code. Heavy imports wait for a command."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tabellion import __version__
from tabellion.usage import Command, Group, MisuseError, refusal

if TYPE_CHECKING:
    from tabellion.findings import Finding
    from tabellion.workspace import Workspace

#: Exit codes (DESIGN.md §5).
NOTHING_BLOCKS, SOMETHING_BLOCKS, WRONG_USE, INTERNAL_ERROR = 0, 1, 2, 3

app = typer.Typer(
    cls=Group,
    name="tabellion",
    help="Tient un contrat de ville dans Excel, sans jamais perdre un euro.",
    add_completion=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

Contrat = Annotated[
    Path, typer.Option("--contrat", metavar="DOSSIER", help="Le dossier du contrat ; par défaut, celui où l'on est.")
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FICHIER", help="Écrit aussi les constats en JSON.")]


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tabellion {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Dit la version et s'arrête.")
    ] = False,
) -> None:
    """Tient un contrat de ville dans Excel, sans jamais perdre un euro."""


@app.command("import", cls=Command)
def import_(
    document: Annotated[Path, typer.Argument(metavar="DOCUMENT", help="Le texte du document publié.")],
    vers: Annotated[
        Path | None,
        typer.Option("--vers", metavar="DOSSIER", help="Où écrire le registre ; par défaut, celui du contrat."),
    ] = None,
    forcer: Annotated[
        bool, typer.Option("--forcer", help="Remplace un registre modifié, après en avoir gardé une copie datée.")
    ] = False,
    json: Json = None,
    contrat: Contrat = Path(),
) -> None:
    """Lit le texte du document publié et en fait le registre (CSV)."""
    from tabellion.commands.import_document import import_document
    from tabellion.commands.saying import print_findings, summary
    from tabellion.wording import plural

    workspace = _open(contrat)
    done = import_document(workspace, document, vers, force=forcer, now=datetime.now())
    with _finishing(done.findings, json):
        print_findings(done.findings)
        typer.echo(f"\nRegistre écrit dans {done.folder} :")
        for table, count in done.rows.items():
            typer.echo(f"  {workspace.schemas[table].title:<28} {plural(count, 'ligne')}")
        typer.echo(f"Les {sum(done.uses.values())} lignes du document sont toutes comptées :")
        for usage, count in done.uses.most_common():
            typer.echo(f"  {usage:<36} {count}")
        _say_kept(done.kept)
        typer.echo(f"Constats de l'import : {summary(done.findings)}")


@app.command(cls=Command)
def generate(
    sortie: Annotated[
        Path | None,
        typer.Option("--sortie", metavar="FICHIER", help="Où écrire le classeur ; par défaut, workbooks/contrat.xlsx."),
    ] = None,
    forcer: Annotated[
        bool, typer.Option("--forcer", help="Remplace un classeur modifié, après en avoir gardé une copie datée.")
    ] = False,
    json: Json = None,
    contrat: Contrat = Path(),
) -> None:
    """Fait du registre le classeur du contrat, le vérifie et dit ce qui ne va pas."""
    from tabellion.commands.generate import generate as make
    from tabellion.commands.saying import print_findings, summary

    done = make(_open(contrat), sortie, force=forcer, now=datetime.now())
    with _finishing(done.findings, json):
        print_findings(done.findings)
        typer.echo(f"\nClasseur écrit : {done.path}")
        _say_kept(done.kept)
        typer.echo(f"Constats : {summary(done.findings)}")


@app.command(cls=Command)
def forms(
    exercice: Annotated[
        int | None,
        typer.Option("--exercice", metavar="ANNÉE", help="L'année demandée ; par défaut, exercice_courant du contrat."),
    ] = None,
    partenaire: Annotated[
        list[str] | None,
        typer.Option(
            "--partenaire", metavar="IDENTIFIANT", help="Un seul partenaire, ou l'option plusieurs fois ; sinon, tous."
        ),
    ] = None,
    forcer: Annotated[
        bool, typer.Option("--forcer", help="Remplace un formulaire rempli, après en avoir gardé une copie datée.")
    ] = False,
    contrat: Contrat = Path(),
) -> None:
    """Écrit un formulaire par partenaire, à remplir et à renvoyer, dans workbooks/envois/."""
    from tabellion.commands.forms import forms as make
    from tabellion.wording import plural

    done = make(_open(contrat), exercice, partenaire or [], force=forcer, now=datetime.now())
    with _finishing(()):
        for each in done:
            asked = plural(each.rows, "ligne") if each.rows else "rien à demander"
            typer.echo(f"  {each.path.name:<40} {asked:>16}   {each.partner}")
            _say_kept(each.kept)
        written = plural(len(done), "formulaire écrit", "formulaires écrits")
        typer.echo(f"\n{written} dans {done[0].path.parent}" if done else "\nLe registre n'a aucun partenaire.")


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
    from tabellion.commands.saying import print_findings, summary
    from tabellion.commands.validate import annotate_files, validate_files

    workspace = _open(contrat)
    by_file = validate_files(workspace, fichiers)
    findings = [each for said in by_file for each in said]
    copies = annotate_files(workspace, fichiers, by_file, annoter, datetime.now()) if annoter is not None else []
    with _finishing(findings, json):
        print_findings(findings)
        if copies:
            typer.echo("")
        for copy in copies:
            typer.echo(f"Copie annotée : {copy}")
        typer.echo(f"\nConstats : {summary(findings)}")


@app.command(cls=Command)
def new(dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Le dossier à créer.")]) -> None:
    """Crée le dossier d'un nouveau contrat, à adapter : réglages, schémas, gabarits, registre."""
    from tabellion.commands.new import create_workspace

    written = create_workspace(dossier)
    with _finishing(()):
        for path in written:
            typer.echo(f"  {path.as_posix()}")
        typer.echo(f"\nNouveau contrat prêt dans {dossier}. Ensuite :")
        typer.echo("  1. changez tabellion.toml (titre, années) et workbooks/registre/*.csv (vos tables) ;")
        typer.echo(f"  2. lancez : tabellion generate --contrat {dossier}")


def _open(folder: Path) -> Workspace:
    from tabellion.workspace import find_workspace

    return find_workspace(folder)


def _say_kept(kept: Path | None) -> None:
    if kept is not None:
        typer.echo(f"L'ancien est gardé : {kept}")


@contextmanager
def _finishing(findings: Sequence[Finding], json: Path | None = None) -> Iterator[None]:
    """Write the JSON where asked, let the command print, and exit with the code that the findings call for.

    A reader that leaves before the end (``tabellion … | head``) changes nothing of it.
    """
    if json is not None:
        _write_json(json, findings)
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(_code(findings))


def _write_json(path: Path, findings: Sequence[Finding]) -> None:
    from tabellion.commands.saying import print_findings, write_json
    from tabellion.findings import TabellionError

    try:
        write_json(path, findings)
    except TabellionError as error:
        print_findings(error.findings, to_errors=True)
        typer.echo("\nLe reste est fait ; seul le fichier JSON n'est pas écrit.", err=True)
        raise typer.Exit(WRONG_USE) from error


def _code(findings: Sequence[Finding]) -> int:
    from tabellion.findings.codes.container import UNREADABLE

    if any(each.code in UNREADABLE for each in findings):
        return WRONG_USE
    return SOMETHING_BLOCKS if any(each.bloquant for each in findings) else NOTHING_BLOCKS


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; whatever happens, people read French and never a bare traceback."""
    codecs.register_error("tabellion", _plainer)
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., Any] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="tabellion")
    sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments)))


#: What a console in another encoding shows for the signs it lacks.
_PLAINER = {"✗": "x", "→": "->", "←": "<-", "–": "-", "—": "-", "−": "-", "’": "'", "…": "...", "›": ">", "•": "*"}
_PLAINER |= {"«": '"', "»": '"', "œ": "oe", "Œ": "OE", "€": "EUR", "≥": ">=", "≤": "<="}


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """Stand in for what an encoding lacks: a console in another encoding must not stop a message."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = ""
    for sign in error.object[error.start : error.end]:
        base = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
        shown += _PLAINER.get(sign, base or "?")
    return shown, error.end


def _run(arguments: list[str]) -> int:
    from tabellion.findings import TabellionError

    # Not ``app()``: it would print the parser's English, and turn a reader that leaves into exit code 1.
    try:
        with typer.main.get_command(app).make_context("tabellion", arguments or ["--help"]) as context:
            context.command.invoke(context)
    except typer.Exit as stop:
        return stop.exit_code
    except MisuseError as error:
        typer.echo(refusal(error), err=True)
        return WRONG_USE
    except TabellionError as error:
        return _say_refusal(error.findings)
    except KeyboardInterrupt:
        typer.echo("\nInterrompu : rien n'est écrit à moitié.", err=True)
        return WRONG_USE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        return _say_crash(error)
    return NOTHING_BLOCKS


def _say_refusal(findings: Sequence[Finding]) -> int:
    from tabellion.commands.saying import print_findings, summary

    print_findings(findings, to_errors=True)
    typer.echo(f"\nRien n'a été écrit : {summary(findings)}", err=True)
    return WRONG_USE


def _say_crash(error: Exception) -> int:
    """Keep the details in a file and say where: a mistake of the program is reported, not thrown at people."""
    import platform
    import tempfile
    import traceback

    details = "".join(traceback.format_exception(error))
    text = f"tabellion {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n{details}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", errors="replace", prefix="tabellion-erreur-", suffix=".txt", delete=False
        ) as report:
            report.write(text)
        where = f"Le détail est dans {report.name} : joignez-le à votre signalement."
    except OSError:
        where = text
    what = f"Erreur interne de tabellion ({type(error).__name__}) : aucun fichier n'est écrit à moitié."
    typer.echo(f"{what}\n{where}", err=True)
    return INTERNAL_ERROR


if __name__ == "__main__":
    main()
