"""``tabellion forms``: one form per partner of the register, for one exercice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tabellion.commands.generate import load_contract
from tabellion.files import write_all_whole
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.wording import nearest, slug
from tabellion.workbook.forms.content import make_forms
from tabellion.workbook.forms.writer import form_row_count, write_form
from tabellion.workbook.seal import is_intact
from tabellion.workspace import Workspace


@dataclass(frozen=True)
class Sent:
    """One form written: for whom, where, and how many rows it asks about."""

    partner: str
    path: Path
    rows: int


def forms(workspace: Workspace, exercice: int | None, partners: Sequence[str], *, force: bool) -> list[Sent]:
    """Write the forms of ``exercice`` (the contract's current one by default) into ``workbooks/envois/EXERCICE/``.

    ``partners`` are identifiers (all of the register by default). Raises :class:`TabellionError` when the register or
    the options are wrong, and when a form there was filled by hand (unless ``force``). Nothing is then written.
    """
    contract = load_contract(workspace)
    settings = workspace.settings
    year = settings.exercice_courant if exercice is None else exercice
    mistakes: list[Finding] = []
    if not settings.debut <= year <= settings.fin:
        place = Place("--exercice")
        expected = f"une année de {settings.debut} à {settings.fin}"
        mistakes.append(finding("option-fausse", place, champ="--exercice", valeur=year, attendu=expected))
    known = [str(each) for each in contract.tables["partenaires"]["partenaire_id"]]
    for each in partners:
        if each not in known:
            near = nearest(each, known)
            expected = f"« {near} » ?" if near else f"un identifiant de partenaires.csv : {', '.join(known[:12])}"
            mistakes.append(
                finding("option-fausse", Place("--partenaire"), champ="--partenaire", valeur=each, attendu=expected)
            )
    if mistakes:
        raise TabellionError(mistakes)
    folder = workspace.envois / str(year)
    contents: dict[Path, bytes] = {}
    sent = []
    for form in make_forms(contract, year, partners or None):
        path = folder / f"{slug(form.identity.partenaire)}-{year}.xlsx"
        contents[path] = write_form(contract, form)
        sent.append(Sent(form.partner, path, form_row_count(form)))
    edited = [path for path in contents if path.exists() and not _replaceable(path, contents[path])]
    if edited and not force:
        remede = "Rangez ce fichier dans retours/ s'il est rempli, ou remplacez-le avec --forcer."
        raise TabellionError(
            [finding("fichier-deja-la", Place(str(path)), valeur=path.name, remede=remede) for path in edited]
        )
    write_all_whole(contents)
    return sent


def _replaceable(path: Path, content: bytes) -> bool:
    """Whether the form there is as the program wrote it: nobody loses work."""
    try:
        present = path.read_bytes()
    except OSError:
        return False
    return present == content or is_intact(present)
