"""A contract of many partners and what they send back: ``crowd.py FOLDER RETURNS EXERCICES``.

Each partner has 24 budget lines, 4 fiches (it leads one) and 2 financements: 30 rows to fill. The program's own writer
writes a few forms, filled in different ways, for one partner; those of the others are the same forms with their number
in its place, so that thousands take seconds. Of 20 partners, one answers with a text in an amount (rejected), one says
nothing, and one answers twice, with other amounts the second time.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from filling import filled, write_filled
from program import ROOT

from support.contracts import save_register
from tabellion.commands.source import load_contract
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.layout.forms import Form, FormRow
from tabellion.layout.names import FORMAT_VERSION
from tabellion.outputs.forms import make_forms
from tabellion.schema.tables import make_table, make_tables
from tabellion.xlsx.signature import with_parts

CENSUS, FIRST_YEAR = 2013, 2016
CONVENTIONS, LINES_EACH, FUNDERS = 12, 2, 16
#: The axe of the fiches that one partner leads.
LED = "I-1.2"
#: How many ways of filling a form there are; the amounts of each are its own.
FILLINGS = 6
#: The number of the partner whose forms are written: nothing else in them has these digits.
MARK = "90817"
#: The amount that a partner who answers wrongly types in words.
_SPOILT_CENTS = 777_777_77
_SPOILT = re.compile(r'(<c r="[A-Z]+\d+" s="\d+")><v>777777\.77</v></c>')
#: That amount, also where it was changed already.
_AMOUNT = re.compile(rb"<v>(?:777777\.77|8888\d\d|8889\d\d)</v>")
_SAVED = re.compile(r"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
#: Of so many partners in a row, the last ones answer wrongly, twice, or not at all.
_HABITS = 20
_WRONG, _TWICE, _SILENT = 17, 18, 19

Row = dict[str, Any]


@dataclass(frozen=True)
class CrowdFile:
    """One file to make: where, of which partner and exercice, filled in which way, saved on which day of November."""

    path: Path
    partner: int
    year: int
    filling: int
    day: int
    is_wrong: bool = False


def make_crowd(folder: Path, count: int, exercices: int) -> list[Path]:
    """A workspace in ``folder`` whose partners sent ``count`` returns over so many exercices; the files, in order.

    The folder is there, and empty. The workbook of the contract is not made: that is ``tabellion generate``.
    """
    shutil.copy(ROOT / "tabellion.toml", folder)
    for name in ("schemas", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    years = range(FIRST_YEAR, FIRST_YEAR + exercices)
    partners = -(-count // exercices)
    _set_years(folder / "tabellion.toml", years)
    workspace = find_workspace(folder)
    _write_register(workspace, partners)
    forms = {year: _write_forms(workspace, year) for year in years}
    for year in years:
        blank = workspace.envois / str(year)
        blank.mkdir(parents=True)
        for number in range(1, partners + 1):
            (blank / f"{_name(_digits(number))}-{year}.xlsx").write_bytes(b"")  # only that it is there counts
    files = list(_files(workspace.retours, partners, years))[:count]
    for parent in {file.path.parent for file in files}:
        parent.mkdir(parents=True, exist_ok=True)
    make = partial(_make, workspace.settings.identifiant, forms)
    with multiprocessing.get_context("spawn").Pool() as pool:
        pool.map(make, files, chunksize=50)
    return [file.path for file in files]


def _digits(number: int) -> str:
    return f"{number:05}"


def _name(digits: str) -> str:
    return f"ville-{digits}"


def _set_years(settings: Path, years: range) -> None:
    text = settings.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^exercice_courant = \d+", f"exercice_courant = {years[-1]}", text)
    dates = "".join(f"{year} = {year}-11-20\n" for year in years)
    settings.write_text(re.sub(r"(?m)^\d{4} = \d{4}-\d\d-\d\d\n", dates, text), encoding="utf-8")


def _files(retours: Path, partners: int, years: range) -> Iterator[CrowdFile]:
    for year in years:
        for number in range(1, partners + 1):
            habit, path = number % _HABITS, retours / str(year) / f"{_name(_digits(number))}.xlsx"
            if habit == _SILENT:
                continue
            filling, day = number % FILLINGS, 1 + number % 28
            yield CrowdFile(path, number, year, filling, day, habit == _WRONG)
            if habit == _TWICE:
                again = path.with_stem(f"{path.stem} (1)")
                yield CrowdFile(again, number, year, (filling + 1) % FILLINGS, day + 1)


# The register.


def _write_register(workspace: Workspace, partners: int) -> None:
    rows = _shared_rows()
    for number in range(1, partners + 1):
        for table, table_rows in _rows_of(_digits(number)).items():
            rows[table] += table_rows
    settings = workspace.settings
    tables = make_tables(workspace.schemas, rows)
    workspace.registre.mkdir(parents=True)
    save_register(workspace.registre, tables, workspace.schemas, identifiant=settings.identifiant, titre=settings.titre)


def _shared_rows() -> dict[str, list[Row]]:
    """What all partners have in common: conventions, funders, and fiches where everybody takes part."""
    numbers = range(1, CONVENTIONS + 1)
    rows: dict[str, list[Row]] = {name: [] for name in ("lignes_budgetaires", "financements", "participations")}
    rows["piliers"] = [{"pilier_id": pilier_id, "titre": f"Pilier {pilier_id}"} for pilier_id in ("I", "II")]
    rows["conventions"] = [
        {"convention_id": number, "pilier_id": _pilier(number), "titre": f"Convention thématique numéro {number}"}
        for number in numbers
    ]
    rows["axes"] = [
        {"axe_id": _axe(number), "convention_id": number, "titre": f"Axe stratégique numéro {number}"}
        for number in numbers
    ]
    rows["axes"].append({"axe_id": LED, "convention_id": 1, "titre": "Ce que chaque ville porte"})
    rows["financeurs"] = [
        {"financeur_id": f"financeur-{number}", "nom": f"Financeur {number}", "categorie": "public local"}
        for number in range(1, FUNDERS + 1)
    ]
    rows["fiches"] = [_fiche(convention, _axe(convention), "1") for convention in numbers]
    rows["collectivites"], rows["partenaires"], rows["totaux_publies"] = [], [], []
    return rows


def _rows_of(digits: str) -> dict[str, list[Row]]:
    """What one partner brings: itself, its lines, the fiche that it leads and who pays for it."""
    name = _name(digits)
    led = _fiche(1, LED, digits)
    shared = [f"{_axe(number)}./1" for number in range(2, 5)]
    return {
        "collectivites": [{"collectivite_id": name, "nom": f"Ville {digits}", "categorie": "commune"}],
        "partenaires": [
            {"partenaire_id": name, "nom": f"Ville {digits}", "collectivite_id": name, "courriel": f"{name}@exemple.fr"}
        ],
        "fiches": [led],
        "participations": [
            {"fiche_id": led["fiche_id"], "partenaire_id": name, "role": "porteur"},
            *({"fiche_id": fiche_id, "partenaire_id": name, "role": "opérationnel"} for fiche_id in shared),
        ],
        "financements": [
            {
                "financement_id": f"{led['fiche_id']}:financeur-{rank}",
                "fiche_id": led["fiche_id"],
                "financeur_id": f"financeur-{rank}",
                "dispositif": "Contrat régional de solidarité territoriale",
                "montant": 1_500_00 * rank,
                "statut_montant": "chiffré",
            }
            for rank in (1, 2)
        ],
        "lignes_budgetaires": [
            {
                "ligne_id": f"B{number:02}-{name}-{place}",
                "convention_id": number,
                "collectivite_id": name,
                "libelle": f"Accompagnement des familles, action {place} de la ville {digits}",
                "exercice": CENSUS,
                "montant_realise": 100_000 * number + 50 * place,
            }
            for number in range(1, CONVENTIONS + 1)
            for place in range(1, LINES_EACH + 1)
        ],
    }


def _pilier(convention: int) -> str:
    return "I" if convention <= CONVENTIONS // 2 else "II"


def _axe(convention: int) -> str:
    return f"{_pilier(convention)}-{convention}.1"


def _fiche(convention: int, axe: str, rank: str) -> Row:
    return {
        "fiche_id": f"{axe}./{rank}",
        "axe_id": axe,
        "convention_id": convention,
        "objectif": "Permettre aux familles d'enclencher une dynamique d'apprentissage des savoirs de base.",
        "priorite": 1,
        "annee_priorite": 2016,
        "jeunes": True,
        "egalite_femmes_hommes": True,
        "lutte_discriminations": False,
        "proposition": f"Développer des réseaux d'échanges réciproques de savoirs, action {rank}.",
        "echeance": "1 (2016)",
        "cpo": False,
    }


# The forms.


def _write_forms(workspace: Workspace, year: int) -> list[bytes]:
    """The form of the partner :data:`MARK`, filled in each way, in a contract that has this partner besides."""
    contract = load_contract(workspace)
    tables = dict(contract.tables)
    for table, rows in _rows_of(MARK).items():
        table_schema = contract.schemas[table]
        more = make_tables(contract.schemas, {table: rows})[table]
        both = {name: tables[table].column(name) + more.column(name) for name in table_schema.names}
        tables[table] = make_table(table_schema, both)
    contract = replace(contract, tables=tables)
    [sent] = make_forms(contract, year, [_name(MARK)])
    return write_filled(contract, sent, [_filled(sent, seed) for seed in range(FILLINGS)])


def _filled(sent: Form, seed: int) -> Form:
    """The form as a careful partner of another habit would send it back; one amount is :data:`_SPOILT`."""
    form = filled(sent, seed)
    budget = next(table.name for table in form.tables if table.resource == "lignes_budgetaires")
    first, *others = form.rows[budget]
    spoilt = FormRow(first.key, first.values | {"montant_realise": _SPOILT_CENTS})
    return replace(form, rows={**form.rows, budget: (spoilt, *others)})


def _make(contract: str, forms: dict[int, list[bytes]], file: CrowdFile) -> None:
    """One return: the form filled that way, with its own partner in the place of :data:`MARK`, saved on its day."""
    digits = _digits(file.partner)
    saved = f"{file.year}-11-{file.day:02}T09:00:00Z"
    words = {MARK: digits, _form_id(contract, MARK, file.year): _form_id(contract, digits, file.year)}
    content = forms[file.year][file.filling]
    file.path.write_bytes(with_parts(content, partial(_part, words, saved, is_wrong=file.is_wrong)))


def _part(words: dict[str, str], saved: str, name: str, part: bytes, *, is_wrong: bool) -> bytes:
    text = part.decode()
    for before, after in words.items():
        text = text.replace(before, after)
    if name == "docProps/core.xml":
        text = _SAVED.sub(rf"\g<1>{saved}\g<2>", text)
    elif is_wrong and name.startswith("xl/worksheets/"):
        text = _SPOILT.sub(r'\1 t="inlineStr"><is><t>douze mille</t></is></c>', text)
    return text.encode()


def change(path: Path, times: int) -> None:
    """The return of ``path`` with another amount, saved a little later; ``times`` is how often that was done."""

    def part(name: str, content: bytes) -> bytes:
        if name == "docProps/core.xml":
            return _SAVED.sub(rf"\g<1>2016-11-30T09:{times:02}:00Z\g<2>", content.decode()).encode()
        return _AMOUNT.sub(f"<v>{888_888 + times}</v>".encode(), content)

    path.write_bytes(with_parts(path.read_bytes(), part))


def _form_id(contract: str, digits: str, year: int) -> str:
    return hashlib.sha256(f"{contract}/{_name(digits)}/{year}/{FORMAT_VERSION}".encode()).hexdigest()[:12]


if __name__ == "__main__":
    make_crowd(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
