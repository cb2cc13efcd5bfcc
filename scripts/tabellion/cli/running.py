"""Running the command line: whatever happens, people read French, and every end has its exit code."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from tabellion.cli.app import INTERNAL_ERROR, NOTHING_BLOCKS, WRONG_USE, app
from tabellion.cli.usage import MisuseError, refusal

if TYPE_CHECKING:
    from tabellion.findings import Finding


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
    from tabellion.commands.console import print_findings, summary

    print_findings(findings, to_errors=True)
    is_begun = any(each.code == "publication-inachevee" for each in findings)
    what = "Ce qui était commencé sera terminé au prochain passage" if is_begun else "Rien n'a été écrit"
    typer.echo(f"\n{what} : {summary(findings)}", err=True)
    return WRONG_USE


def _say_crash(error: Exception) -> int:
    """Keep the details in a file and say where: a mistake of the program is reported, not thrown at people."""
    from tabellion.commands.run_log import crash_text, keep_crash

    kept = keep_crash(error)
    where = f"Le détail est dans {kept} : joignez-le à votre signalement." if kept is not None else crash_text(error)
    what = f"Erreur interne de tabellion ({type(error).__name__}) : aucun fichier n'est écrit à moitié."
    typer.echo(f"{what}\n{where}", err=True)
    return INTERNAL_ERROR
