"""``tabellion annexe``: the budget annex of an exercice, as a workbook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tabellion.commands.options import wrong_option
from tabellion.commands.source import Depuis, load_contract, source_words
from tabellion.contract.book import Book
from tabellion.contract.workspace import Workspace
from tabellion.findings import TabellionError
from tabellion.outputs.annex import annex_name, write_annex
from tabellion.transaction.files import edited_among, replace_or_refuse
from tabellion.xlsx.signature import replaceable

#: What people can do about a file of theirs at the place of an output.
_REMEDY = "Rangez-le ailleurs, ou choisissez --sortie ; avec --forcer, il est remplacé après une copie datée."
#: The folder of what is published, in that of the workbooks.
FOLDER = "publication"


@dataclass(frozen=True)
class AnnexMade:
    """What was made: the file, its exercice, from what, and the dated copy of an edited one that it replaced."""

    path: Path
    exercice: int
    source: str
    kept: Path | None
    has_lines: bool = True


def annex(
    workspace: Workspace, exercice: int | None, path: Path | None, depuis: Depuis, *, force: bool, now: datetime
) -> AnnexMade:
    """Write the annex of ``exercice`` (the current one where it has lines, else the last that has some).

    An exercice of which only financements are known has its annex too, and so has any of a contract without lines,
    whose financements may have no exercice.

    Raises :class:`TabellionError` when the contract cannot be read, when the exercice has neither, and when the file
    there was edited since it was made (unless ``force``, which keeps a dated copy first). Nothing is then written.
    """
    contract = load_contract(workspace, depuis)
    year = _exercice(contract, exercice)
    target = workspace.workbooks / FOLDER / annex_name(year) if path is None else path
    contents = {target: write_annex(contract, year)}
    edited = edited_among(contents, replaceable(elsewhere=path is not None))
    copies = replace_or_refuse(contents, edited, _REMEDY, force=force, now=now)
    return AnnexMade(
        target, year, source_words(workspace, contract), copies.get(target), bool(contract.overview.exercices)
    )


def _exercice(contract: Book, asked: int | None) -> int:
    financements = contract.tables["financements"].rows
    of_lines, current = contract.overview.exercices, contract.settings.exercice_courant
    years = sorted({*of_lines, *(row["exercice"] for row in financements if row.get("exercice") is not None)})
    if asked is None and of_lines:
        return current if current in of_lines else of_lines[-1]
    if asked in years and asked is not None:
        return asked
    if not of_lines and financements:
        return current if asked is None else asked
    shown = ", ".join(map(str, years)) if years else "aucun pour l'instant"
    expected = f"un exercice qui a des lignes budgétaires ou des financements : {shown}"
    option, typed = "--exercice", current if asked is None else asked
    raise TabellionError([wrong_option(option, typed, expected)])
