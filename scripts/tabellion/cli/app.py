"""The application: what its commands share (options, exit codes, how they end), and how it is run."""

from __future__ import annotations

import atexit
import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer.models import OptionInfo

from tabellion.cli.usage import Group, MisuseError, refusal
from tabellion.processes import collect_seldom

if TYPE_CHECKING:
    from tabellion.contract.workspace import Workspace
    from tabellion.findings import Finding

#: Exit codes (DESIGN.md §6).
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
DepuisOption = Annotated[
    Literal["contrat", "consolidation"],
    typer.Option(
        "--depuis",
        metavar="SOURCE",
        help="« contrat » (par défaut : son classeur, sinon le registre) ou « consolidation ».",
    ),
]


def option(name: str, metavar: str | None, words: str) -> OptionInfo:
    """An option: its name, what stands for its value (``None`` for a flag), its help."""
    made: OptionInfo = typer.Option(name, metavar=metavar, help=words)
    return made


def output_option(name: str, metavar: str, words: str, *, own: str = "") -> OptionInfo:
    """An option that names what to write: anywhere but at the places that a contract keeps, save the command's ``own``
    (from the workspace's root).
    """

    def check(path: Path | None) -> Path | None:
        from tabellion.contract.folders import reserved_place
        from tabellion.findings import Place, TabellionError, finding

        taken = None if path is None else reserved_place(path)
        if path is not None and taken is not None and taken[0] != own:
            lieu, quoi = taken
            refusal = finding("place-reservee", Place(str(path)), champ=name, valeur=path.name, lieu=lieu, quoi=quoi)
            raise TabellionError([refusal])
        return path

    made: OptionInfo = typer.Option(name, metavar=metavar, help=words, callback=check)
    return made


Exercice = Annotated[
    int | None, option("--exercice", "ANNÉE", "L'année demandée ; par défaut, l'exercice courant du contrat.")
]
Partenaire = Annotated[
    list[str] | None,
    option("--partenaire", "IDENTIFIANT", "Un seul partenaire, ou l'option plusieurs fois ; sinon, tous."),
]

JournalTexte = Annotated[
    Path | None,
    option(
        "--journal-texte",
        "FICHIER",
        "Ajoute à ce fichier une ligne datée par fait ; sa rotation est laissée au système.",
    ),
]
JsonOption = Annotated[Path | None, output_option("--json", "FICHIER", "Écrit aussi les constats en JSON.")]


def force_option(target: str) -> OptionInfo:
    """The option ``--forcer`` of a command that never replaces ``target`` (« un classeur modifié ») on its own."""
    return option("--forcer", None, f"Remplace {target}, après en avoir gardé une copie datée.")


def _show_version(asked: bool) -> None:
    if asked:
        from tabellion import __version__

        typer.echo(f"tabellion {__version__}")
        raise typer.Exit


def _show_completion(shell: str | None) -> None:
    if shell is None:
        return
    from tabellion.cli.completion import script

    group = typer.main.get_command(app)
    commands = group.commands  # type: ignore[attr-defined]  # a group, whatever typer's version calls it
    words = {
        name: {option: param.help or "" for param in command.params for option in param.opts if option.startswith("--")}
        | {"--help": "Affiche cette aide."}
        for name, command in {"": group, **commands}.items()
    }
    about = {name: command.get_short_help_str(limit=400) for name, command in commands.items()}
    typer.echo(script(shell, words, about), nl=False)
    raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Dit la version et s'arrête.")
    ] = False,
    completion: Annotated[
        Literal["bash", "zsh", "fish", "powershell"] | None,
        typer.Option(
            "--completion",
            metavar="SHELL",
            callback=_show_completion,
            is_eager=True,
            help="Écrit de quoi compléter les commandes : bash, zsh, fish ou powershell.",
        ),
    ] = None,
) -> None:
    """Tient un contrat de ville dans Excel, sans jamais perdre un euro."""


def open_workspace(folder: Path) -> Workspace:
    """The workspace of ``--contrat``; raises :class:`TabellionError` where there is none."""
    from tabellion.contract.workspace import find_workspace

    return find_workspace(folder)


def say_kept(path: Path | None) -> None:
    """Say where the dated copy of what was replaced is, when there is one."""
    if path is not None:
        typer.echo(f"L'ancien est gardé : {path}")


@contextmanager
def finishing(findings: Sequence[Finding], json: Path | None = None, *, is_short: bool = False) -> Iterator[None]:
    """Write the JSON where asked, let the command print, and exit with the code that the findings call for.

    One that did less than it was asked (``is_short``) exits as where something blocks, whatever they say.
    """
    if json is not None:
        write_json(json, findings)
    with leaving(exit_code(findings) or (SOMETHING_BLOCKS if is_short else NOTHING_BLOCKS)):
        yield


@contextmanager
def leaving(code: int) -> Iterator[None]:
    """Let the command print, and exit with ``code``.

    A reader that leaves before the end (``tabellion … | head``) changes nothing of it.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(code)


def write_json(path: Path, findings: Sequence[Finding]) -> None:
    """Write the findings as JSON; where that fails, say it and leave: the rest is done."""
    from tabellion.commands import console
    from tabellion.findings import TabellionError

    try:
        console.write_json(path, findings)
    except TabellionError as error:
        console.print_findings(error.findings, to_errors=True)
        typer.echo("\nLe reste est fait ; seul le fichier JSON n'est pas écrit.", err=True)
        raise typer.Exit(WRONG_USE) from error


def exit_code(findings: Sequence[Finding]) -> int:
    """The exit code that findings call for."""
    from tabellion.findings.codes.files import UNREADABLE

    return WRONG_USE if any(finding.code in UNREADABLE for finding in findings) else blocking_code(findings)


def blocking_code(findings: Sequence[Finding]) -> int:
    """The exit code of a run over a whole folder: a file there that cannot be read blocks, it is no wrong use."""
    return SOMETHING_BLOCKS if any(finding.bloquant for finding in findings) else NOTHING_BLOCKS


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; whatever happens, people read French and never a bare traceback."""
    collect_seldom()
    codecs.register_error("tabellion", _plainer)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="tabellion")
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    if arguments is None:
        _leave_at_once(code)
    sys.exit(code)


def _leave_at_once(code: int) -> None:
    """End as Python does, but for taking down all that it has loaded and made: of a thousand returns that takes a tenth
    of the time, and a service that does not stop in time is killed."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


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
        return _print_refusal(error.findings)
    except KeyboardInterrupt:
        typer.echo("\nInterrompu : rien n'est écrit à moitié.", err=True)
        return WRONG_USE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        return _print_crash(error)
    return NOTHING_BLOCKS


def _print_refusal(findings: Sequence[Finding]) -> int:
    from tabellion.commands.console import print_findings, summary

    print_findings(findings, to_errors=True)
    is_begun = any(finding.code == "publication-inachevee" for finding in findings)
    state = "Ce qui était commencé sera terminé au prochain passage" if is_begun else "Rien n'a été écrit"
    typer.echo(f"\n{state} : {summary(findings)}", err=True)
    return WRONG_USE


def _print_crash(error: Exception) -> int:
    """Keep the details in a file and say where: a mistake of the program is reported, not thrown at people."""
    from tabellion.commands.run_log import crash_text, keep_crash

    report = keep_crash(error)
    where = (
        f"Le détail est dans {report} : joignez-le à votre signalement." if report is not None else crash_text(error)
    )
    words = f"Erreur interne de tabellion ({type(error).__name__}) : aucun fichier n'est écrit à moitié."
    typer.echo(f"{words}\n{where}", err=True)
    return INTERNAL_ERROR
