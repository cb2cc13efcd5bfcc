"""``tabellion forms``: one form per partner of the register, for one exercice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tabellion.commands.generate import load_contract
from tabellion.files import keep_dated_copy, write_all_whole
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.wording import nearest, slug, system_reason
from tabellion.workbook.forms.content import make_forms
from tabellion.workbook.forms.writer import form_row_count, write_form
from tabellion.workbook.plan import Contract
from tabellion.workbook.seal import is_intact
from tabellion.workspace import Workspace


@dataclass(frozen=True)
class Sent:
    """One form written: for whom, where, how many rows it asks about, the dated copy of a filled one it replaced."""

    partner: str
    path: Path
    rows: int
    kept: Path | None = None


def forms(
    workspace: Workspace, exercice: int | None, partners: Sequence[str], *, force: bool, now: datetime
) -> list[Sent]:
    """Write the forms of ``exercice`` (the contract's current one by default) into ``workbooks/envois/EXERCICE/``.

    ``partners`` are identifiers (all of the register by default). Raises :class:`TabellionError` when the register or
    the options are wrong, and when a form there was filled by hand (unless ``force``, which keeps a dated copy of each
    first). Nothing is then written.
    """
    contract = load_contract(workspace)
    year = workspace.settings.exercice_courant if exercice is None else exercice
    wanted = list(dict.fromkeys(partners))
    mistakes = _wrong_options(contract, year, wanted)
    if mistakes:
        raise TabellionError(mistakes)
    folder = workspace.envois / str(year)
    contents: dict[Path, bytes] = {}
    sent = []
    for form in make_forms(contract, year, wanted or None):
        path = folder / f"{slug(form.identity.partenaire)}-{year}.xlsx"
        contents[path] = write_form(contract, form)
        sent.append(Sent(form.partner, path, form_row_count(form)))
    filled = [path for path, content in contents.items() if not _is_free(path, content)]
    if filled and not force:
        remede = "Rangez-le dans retours/ s'il est rempli ; avec --forcer, il est remplacé après une copie datée."
        raise TabellionError(
            [finding("fichier-deja-la", Place(str(path)), valeur=path.name, remede=remede) for path in filled]
        )
    kept = {path: keep_dated_copy(path, now) for path in filled}
    write_all_whole(contents)
    return [replace(each, kept=kept.get(each.path)) for each in sent]


def _wrong_options(contract: Contract, year: int, partners: Sequence[str]) -> list[Finding]:
    """Every mistake of the options: a year out of the contract, each unknown partner with the nearest known one."""
    settings = contract.settings
    mistakes: list[Finding] = []
    if not settings.debut <= year <= settings.fin:
        expected = f"une année de {settings.debut} à {settings.fin}"
        mistakes.append(_wrong_option("--exercice", year, expected))
    table = contract.tables["partenaires"]
    known = [str(each) for each in table["partenaire_id"]]
    by_name = dict(zip(table["nom"].astype(str), known, strict=True))
    for each in partners:
        if each in known:
            continue
        near = nearest(each, known)
        if near is None and (name := nearest(each, by_name)) is not None:
            near = by_name[name]
        expected = f"peut-être « {near} »" if near else f"un identifiant de partenaires.csv : {', '.join(known[:12])}"
        mistakes.append(_wrong_option("--partenaire", each, expected))
    return mistakes


def _wrong_option(option: str, value: str | int, expected: str) -> Finding:
    return finding("option-fausse", Place(option), champ=option, valeur=value, attendu=expected)


def _is_free(path: Path, content: bytes) -> bool:
    """Whether a form can be put there: nothing is there, or it is as the program wrote it. Nobody loses work.

    Raises :class:`TabellionError` when what is there cannot be read.
    """
    if not path.exists():
        return True
    try:
        present = path.read_bytes()
    except OSError as error:
        detail = system_reason(error)
        raise TabellionError(
            [finding("ecriture-impossible", Place(str(path)), valeur=path.name, detail=detail)]
        ) from error
    return present == content or is_intact(present)
