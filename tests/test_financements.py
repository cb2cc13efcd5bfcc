"""A financement is that of an exercice: the answer for 2017 leaves 2016 as it was, and no total counts both."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.campaign import campaign_workspace, fill
from support.contracts import SETTINGS, Row, locate, schemas, small_rows
from support.libreoffice import LibreOffice
from support.masters import Package, contract_of, theme
from support.program import tabellion
from support.recalculated import differences
from tabellion.checks.contract import check_contract
from tabellion.commands.source import load_contract, load_source
from tabellion.contract.book import Book
from tabellion.contract.workspace import find_workspace
from tabellion.measures.financements import retained_rows
from tabellion.outputs.master.layout import lay_out_master
from tabellion.outputs.master.workbook import write_master
from tabellion.reading import parse_bytes
from tabellion.reading.identifiers import NewIdentifiers
from tabellion.reading.master import read_master
from tabellion.schema import Schemas
from tabellion.schema.tables import make_table

#: What the register of the small contract has, published without exercice.
PUBLISHED = "I-1.1./1:etat"
IN_2016, IN_2017 = f"{PUBLISHED}:2016", f"{PUBLISHED}:2017"


Lived = tuple[Path, list[dict[str, dict[str, str]]]]


def run(root: Path, *arguments: str) -> str:
    outcome = tabellion(*arguments, cwd=root)
    assert outcome.code == 0, outcome.out + outcome.err
    return outcome.out


def register(root: Path) -> dict[str, dict[str, str]]:
    with (root / "workbooks/registre/financements.csv").open(encoding="utf-8-sig", newline="") as stream:
        return {row["financement_id"]: row for row in csv.DictReader(stream)}


def table(path: Path, name: str) -> list[dict[str, Any]]:
    """The rows of an Excel table by their headers."""
    for sheet in openpyxl.load_workbook(path, data_only=True):
        if name in sheet.tables:
            headers, *rows = [[cell.value for cell in line] for line in sheet[sheet.tables[name].ref]]
            return [dict(zip(headers, row, strict=True)) for row in rows]
    raise AssertionError(name)


def answer(root: Path, year: int, amount: int, day: datetime, key: str, file: str) -> None:
    form = root / f"workbooks/envois/{year}/etat-{year}.xlsx"
    values = {"Financements": {key: {"statut_montant": "chiffré", "montant": amount}}}
    fill(form, root / "workbooks/retours" / file, values, saved=day)


def life(root: Path) -> list[dict[str, dict[str, str]]]:
    """2016 asked, answered and adopted, then 2017, then a late return of 2016; the register after each."""
    registers = []
    run(root, "generate")
    run(root, "forms", "--exercice", "2016")
    answer(root, 2016, 800_000, datetime(2016, 11, 2, 9), IN_2016, "etat.xlsx")
    run(root, "consolidate")
    run(root, "adopt", "--oui")
    registers.append(register(root))
    run(root, "forms", "--exercice", "2017")
    answer(root, 2017, 650_000, datetime(2017, 11, 2, 9), IN_2017, "etat17.xlsx")
    run(root, "consolidate")
    run(root, "adopt", "--oui")
    registers.append(register(root))
    answer(root, 2016, 810_000, datetime(2017, 12, 2, 9), IN_2016, "etat-tard.xlsx")
    run(root, "consolidate")
    run(root, "adopt", "--oui")
    registers.append(register(root))
    return registers


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    root = campaign_workspace(tmp_path_factory.mktemp("financements") / "contrat", contract="cas")
    return root, life(root)


def test_each_year_has_its_row(lived: Lived) -> None:
    first, second, late = lived[1]
    before = {PUBLISHED: "890000", "I-2./1:region": ""}
    assert {key: row["montant"] for key, row in first.items()} == {**before, IN_2016: "800000"}
    assert {key: row["montant"] for key, row in second.items()} == {**before, IN_2016: "800000", IN_2017: "650000"}
    assert {key: row["montant"] for key, row in late.items()} == {**before, IN_2016: "810000", IN_2017: "650000"}
    assert {key: row["exercice"] for key, row in late.items()} == {
        PUBLISHED: "", "I-2./1:region": "", IN_2016: "2016", IN_2017: "2017"
    }  # fmt: skip
    assert {row["dispositif"] for key, row in late.items() if key.startswith(PUBLISHED)} == {
        "Programme de réussite éducative"
    }


def test_the_totals_of_a_year_count_one_row_of_each(lived: Lived) -> None:
    """2017 is the exercice that is asked last: 650 000 € of the State, neither 2016 nor what was published."""
    books = lived[0] / "workbooks"
    master = {row["Identifiant"]: row["Retenu"] for row in table(books / "contrat.xlsx", "Financements_fiches")}
    assert master == {
        PUBLISHED: "non, remplacé", IN_2016: "non, remplacé", IN_2017: "oui", "I-2./1:region": "oui, sans exercice"
    }  # fmt: skip
    for path in (books / "contrat.xlsx", books / "consolidation/consolidation.xlsx"):
        (state,) = [row for row in table(path, "Synthese_financeurs") if row["Financeur"].endswith("État")]
        amount = state.get("Montants chiffrés (€)", state.get("Montants (€)"))
        assert (state["Financements"], amount) == (1, 650_000)
    rows = table(books / "consolidation/consolidation.xlsx", "Donnees_financements")
    assert {row["Identifiant"]: row["Retenu"] for row in rows} == master


def test_the_form_shows_what_was_known_before(lived: Lived) -> None:
    form = lived[0] / "workbooks/envois/2017/etat-2017.xlsx"
    (row,) = [row for row in table(form, "Formulaire_financements") if row["Fiche"]]
    known = ("Dernier exercice connu", "Dernier état connu", "Dernier montant connu (€)", "Dispositif / BOP")
    assert [row[name] for name in known] == [2016, "chiffré", 800_000, "Programme de réussite éducative"]
    assert (row["État du montant"], row["Montant (€)"], row["Identifiant" if "Identifiant" in row else "key"]) == (
        None, None, IN_2017
    )  # fmt: skip


def dated(identifier: str, exercice: int | None, **more: Any) -> Row:
    fiche, funder = identifier.split(":")[:2]
    return {
        "financement_id": identifier,
        "fiche_id": fiche,
        "financeur_id": funder.removesuffix("-2"),
        "exercice": exercice,
        **more,
    }


#: Two funders of one fiche; the State has two financements, one of them never published, and one of later.
YEARS = [
    dated("I-1.1./1:etat", None, montant=1_00, statut_montant="chiffré"),
    dated("I-1.1./1:etat:2016", 2016, montant=2_00, statut_montant="chiffré"),
    dated("I-1.1./1:etat:2017", 2017, montant=4_00, statut_montant="chiffré"),
    dated("I-1.1./1:etat-2:2016", 2016, dispositif="Autre", montant=8_00, statut_montant="chiffré"),
    dated("I-2./1:region", None, montant=16_00, statut_montant="chiffré"),
    dated("I-2./1:etat:2017", 2017, montant=32_00, statut_montant="chiffré"),
]
_RETAINED, _AMOUNT = 3, 6
#: What counts of them, by exercice, in euros.
COUNTED = {2015: 1 + 16, 2016: 2 + 8 + 16, 2017: 4 + 8 + 16 + 32, 2018: 4 + 8 + 16 + 32}


@pytest.mark.parametrize("exercice", COUNTED)
def test_each_financement_counts_once_in_a_year(exercice: int) -> None:
    rows = list(YEARS)
    assert sum(row["montant"] for row in retained_rows(rows, exercice)) == COUNTED[exercice] * 100
    funding = contract_of({**small_rows(), "financements": rows}).overview.funders(exercice)
    assert sum(funded.montant for funded in funding.values()) == COUNTED[exercice] * 100


@pytest.mark.libreoffice
def test_libreoffice_computes_which_rows_count(office: LibreOffice, tmp_path: Path) -> None:
    """The same rows in Excel, for the exercice of the workbook and for another one that is chosen there."""
    content = write_master(lay_out_master(contract_of({**small_rows(), "financements": YEARS})), [])
    (tmp_path / "contrat.xlsx").write_bytes(content)
    office.open(tmp_path / "contrat.xlsx")
    office.recalculate()
    assert differences(Package(content), office.read()) == []
    for exercice, euros in COUNTED.items():
        office.set("Accueil", 3, 2, exercice)
        office.recalculate()
        cells = office.read()["Financements"]
        shown = [[cells[line, column].value for column in (_RETAINED, _AMOUNT)] for line in range(5, 5 + len(YEARS))]
        assert sum(amount for word, amount in shown if word.startswith("oui")) == euros


def test_a_row_of_one_s_own_has_its_exercice_at_the_end_of_its_identifier() -> None:
    new = NewIdentifiers("financements", ["I-1.1./1:etat:2017"])
    row = {"fiche_id": "I-1.1./1", "financeur_id": "etat", "exercice": 2017}
    assert [new.give(row), new.give({**row, "exercice": None})] == ["I-1.1./1:etat-2:2017", "I-1.1./1:etat"]


def older_workbook(book: Book) -> bytes:
    """The workbook of a contract as it was made before financements had an exercice."""
    recent = schemas()["financements"]
    older = replace(recent, fields=tuple(field for field in recent.fields if field.name != "exercice"))
    before = Schemas(schemas())
    before["financements"] = older
    before.forms = ()
    orders = {**theme().orders, "financements": older.names}
    rows = {name: make_table(before[name], table.columns) for name, table in book.tables.items()}
    book = replace(book, schemas=before, tables=rows, theme=replace(theme(), orders=orders))
    return write_master(lay_out_master(book), [])


def test_a_workbook_from_before_the_column_is_read_without_refusal() -> None:
    """The column and its mark taken out: the rows are read with a blank, and it is only a notice."""
    content = older_workbook(contract_of(small_rows()))
    reading = read_master(parse_bytes(content, "contrat.xlsx"), schemas(), SETTINGS.identifiant)
    assert {finding.code: finding.bloquant for finding in reading.findings} == {"colonne-recente": False}
    assert [row["exercice"] for row in reading.tables["financements"].rows] == [None, None]
    assert reading.unknown == set()


def test_a_workbook_from_before_the_column_never_sums_two_years(tmp_path: Path) -> None:
    """It blocks where the workbook would, and its remedy makes it right."""
    root = campaign_workspace(tmp_path / "contrat", contract="cas")
    path, contrat = root / "workbooks/registre/financements.csv", root / "workbooks/contrat.xlsx"
    contrat.write_bytes(older_workbook(load_contract(find_workspace(root))))
    assert [finding.code for finding in load_source(find_workspace(root)).findings if finding.bloquant] == []
    contrat.unlink()
    row = register(root)[PUBLISHED]
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        writer.writerows({**row, "financement_id": key, "exercice": key[-4:]} for key in (IN_2016, IN_2017))
    contrat.write_bytes(older_workbook(load_contract(find_workspace(root))))
    (finding,) = [finding for finding in load_source(find_workspace(root)).findings if finding.bloquant]
    assert (finding.code, finding.place.feuille, finding.valeur) == ("annees-additionnees", "Financements", 3)
    assert "annees-additionnees" in tabellion("adopt", "--oui", cwd=root).err
    run(root, "generate", "--forcer")
    assert [finding.code for finding in load_source(find_workspace(root)).findings if finding.bloquant] == []
    shown = {row["Identifiant"]: row["Exercice"] for row in table(contrat, "Financements_fiches")}
    assert (shown[PUBLISHED], shown[IN_2016], shown[IN_2017]) == (None, 2016, 2017)


def test_a_financement_typed_twice_is_said() -> None:
    twice = [dated("I-1.1./1:etat:2016", 2016, dispositif="PRE"), dated("I-1.1./1:etat:bis", 2016, dispositif="pre")]
    years = [dated("I-1.1./1:etat:2016", 2016, dispositif="PRE"), dated("I-1.1./1:etat:2017", 2017, dispositif="PRE")]
    for rows, count in ((twice, 1), (years, 0)):
        findings = check_contract(contract_of({**small_rows(), "financements": rows}), locate)
        assert sum(finding.code == "financement-en-double" for finding in findings) == count
