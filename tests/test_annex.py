"""The budget annex: its figures against the register's own lines added up again, its formulas against LibreOffice."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.contracts import Rows, followed, line, small_rows
from support.large_contracts import YEARS
from support.libreoffice import LibreOffice
from support.masters import Package, chartres, contract, contract_of
from support.program import tabellion
from support.recalculated import differences, errors
from tabellion.commands.new import create_workspace
from tabellion.contract.book import Book
from tabellion.measures.overview import AnnexFigures, rate
from tabellion.outputs.annex import annex_name, write_annex

Rows2 = dict[tuple[Any, ...], list[Any]]


def full_rows() -> Rows:
    """The small contract with all amounts of 2016, a line without its collectivité's amount, financements, a suivi."""
    rows = small_rows()
    rows["lignes_budgetaires"] += [
        line("B01-luce-003", 1, "luce", "Cantine", 900_00, exercice=2016, montant_prevu=1_000_00, montant_vote=950_00),
        line("B01-metropole-002", 1, "metropole", "Bus", 10_01, exercice=2016, montant_prevu=0, montant_vote=20_02),
        line("B03-metropole-002", 3, "metropole", "Parc", None, exercice=2016, montant_prevu=300_00),
    ]
    rows["financements"].append({
        "financement_id": "II-3.1./1:region", "fiche_id": "II-3.1./1", "financeur_id": "region", "montant": 12_345_67,
        "statut_montant": "chiffré",
    })  # fmt: skip
    rows["suivis"] = [followed("I-1.1./1", 2016, montant_engage=5_50), followed("I-1.1./2", 2015, montant_engage=7_00)]
    return rows


def read(content: bytes) -> dict[str, Rows2]:
    """The cells of each Excel table and of the total under it, by its key columns, as a reader of values sees them."""
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    tables: dict[str, Rows2] = {}
    for sheet in book:
        for table in sheet.tables.values():
            rows = [[cell.value for cell in row] for row in sheet[table.ref]]
            last = sheet[table.ref][-1][0].row
            total = [cell.value for cell in sheet[last + 1]][: len(rows[0])]
            names = [heading for heading in rows[0] if heading in ("N°", "Convention", "Collectivité", "Financeur")]
            keep = [rows[0].index(name) for name in names]
            figures = [place for place in range(len(rows[0])) if place not in keep and rows[0][place] != "Rang"]
            tables[table.displayName] = {
                tuple(row[place] for place in keep): [row[place] for place in figures] for row in rows[1:]
            }
            if total[0] == "Total":
                tables[table.displayName]["Total",] = [total[place] for place in figures]
    return tables


def test_credits_and_rates_of_a_small_contract() -> None:
    tables = read(write_annex(contract_of(full_rows()), 2016))
    # The 300 € of Parc, on which nobody has voted yet, are in no rate.
    assert tables["Annexe_conventions"] == {
        (1, "Éducation"): [2, 1000, 970.02, 910.01, 0.97002, pytest.approx(910.01 / 970.02)],
        (2, "Santé"): [0, None, None, None, None, None],
        (3, "Habitat"): [1, 300, None, None, None, None],
        ("Total",): [3, 1300, 970.02, 910.01, 0.97002, pytest.approx(910.01 / 970.02)],
    }
    assert tables["Annexe_collectivites"] == {
        ("Lucé",): [1, 1000, 950, 900, 0.95, pytest.approx(900 / 950)],
        ("Métropole",): [2, 300, 20.02, 10.01, None, 0.5],
        ("Total",): [3, 1300, 970.02, 910.01, 0.97002, pytest.approx(910.01 / 970.02)],
    }
    assert list(tables["Annexe_croisee"]) == [
        (1, "Éducation", "Lucé"), (1, "Éducation", "Métropole"), (3, "Habitat", "Métropole"), ("Total",),
    ]  # fmt: skip
    assert tables["Annexe_croisee"][1, "Éducation", "Métropole"] == [1, 0, 20.02, 10.01, None, 0.5]


def test_funding_of_a_small_contract() -> None:
    tables = read(write_annex(contract_of(full_rows()), 2016))
    assert tables["Annexe_financeurs"] == {
        ("État",): [1, 1, 890_000], ("Région",): [2, 1, 12_345.67], ("Total",): [3, 2, 902_345.67],
    }  # fmt: skip
    assert tables["Annexe_financements"] == {
        (1, "Éducation"): [1, 1, 890_000, 5.5],
        (2, "Santé"): [1, 0, None, None],
        (3, "Habitat"): [1, 1, 12_345.67, None],
        ("Total",): [3, 2, 902_345.67, 5.5],
    }
    assert tables["Annexe_partage"][2, "Santé", "Région"] == [1, 0, None]


def test_an_amount_that_nobody_gave_is_blank_and_said() -> None:
    content = write_annex(contract_of(full_rows()), 2013)
    assert read(content)["Annexe_conventions"]["Total",] == [6, None, None, 3873.5, None, None]
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Crédits"]
    assert "prévu ni voté" in str(sheet["A4"].value)


def decimal(euros: Any) -> Decimal | None:
    """An amount of a cell; ``None`` for a blank, which nobody knows."""
    return None if euros is None else Decimal(str(euros))


def test_the_repository_s_figures_are_those_of_its_csv() -> None:
    folder = Path(__file__).resolve().parents[1] / "workbooks" / "registre"
    sums: dict[tuple[str, ...], Decimal] = {}
    with (folder / "lignes_budgetaires.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            for key in ((row["convention_id"],), (row["convention_id"], row["collectivite_id"]), ("",)):
                if row["montant_realise"]:
                    sums[key] = sums.get(key, Decimal(0)) + Decimal(row["montant_realise"])
    with (folder / "collectivites.csv").open(encoding="utf-8", newline="") as stream:
        names = {row["nom"]: row["collectivite_id"] for row in csv.DictReader(stream)}
    tables = read(write_annex(chartres(), 2013))
    for key, row in tables["Annexe_conventions"].items():
        assert decimal(row[3]) == sums.get((str(key[0]),) if key != ("Total",) else ("",)), key
    for key, row in tables["Annexe_croisee"].items():
        if key != ("Total",):
            assert decimal(row[3]) == sums.get((str(key[0]), names[key[2]])), key
    assert sum(row[3] for key, row in tables["Annexe_collectivites"].items() if key != ("Total",)) == 12_660_397
    with (folder / "financements.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tables["Annexe_financeurs"]["Total",] == [
        len(rows), sum(bool(row["montant"]) for row in rows), float(sum(Decimal(row["montant"] or 0) for row in rows)),
    ]  # fmt: skip


def test_lines_that_say_no_convention_or_collectivite_still_count() -> None:
    rows = full_rows()
    rows["lignes_budgetaires"][-1] |= {"convention_id": None, "collectivite_id": None}
    rows["financements"][-1] |= {"financeur_id": None}
    figures = AnnexFigures(contract_of(rows).tables, 2016, 2016)
    assert figures.overview.of(figures.exercice).prevu == 1_300_00
    tables = read(write_annex(contract_of(rows), 2016))
    assert tables["Annexe_conventions"]["–", "(sans convention)"][:2] == [1, 300]
    assert tables["Annexe_collectivites"]["(sans collectivité)",][:2] == [1, 300]
    assert tables["Annexe_financeurs"]["(sans financeur)",] == [1, 1, 12_345.67]
    assert tables["Annexe_conventions"]["Total",][:2] == [3, 1300]


def test_a_rate_of_nothing_is_no_rate() -> None:
    assert (rate(1, 0), rate(0, 4), rate(1, 4)) == (None, 0, 0.25)


def test_there_are_native_charts_alternative_texts_and_pages() -> None:
    package = Package(write_annex(contract_of(full_rows()), 2016))
    assert sum(name.startswith("xl/charts/chart") for name in package.parts) == 4
    drawings = b"".join(part for name, part in package.parts.items() if name.startswith("xl/drawings/drawing"))
    assert drawings.count(b'descr="') == 4
    assert list(package.sheets) == [
        "Crédits", "Par collectivité", "Financements", "Lignes", "Détail des financements", "_tabellion",
    ]  # fmt: skip
    for name in list(package.sheet_parts.values())[:-1]:
        assert b'orientation="landscape"' in package.parts[name]
        assert b"Page &amp;P" in package.parts[name]


def without_a_convention() -> Book:
    rows = full_rows()
    rows["lignes_budgetaires"][-1] |= {"convention_id": None, "collectivite_id": None}
    rows["financements"][-1] |= {"financeur_id": None}
    rows["fiches"][-1]["convention_id"] = None
    return contract_of(rows)


@pytest.mark.libreoffice
@pytest.mark.parametrize(
    ("name", "year"),
    [("Chartres", 2013), ("vaste", YEARS[0]), ("noms difficiles", 0), ("complet", 2016), ("sans", 2016)],
)
def test_libreoffice_computes_what_is_written(name: str, year: int, office: LibreOffice, tmp_path: Path) -> None:
    made = {"complet": lambda: contract_of(full_rows()), "sans": without_a_convention}.get(
        name, lambda: contract(name)
    )()
    year = year or AnnexFigures(made.tables, 0, 0).overview.exercices[-1]
    path = tmp_path / annex_name(year)
    path.write_bytes(write_annex(made, year))
    office.open(path)
    office.recalculate()
    cells = office.read()
    package = Package(path.read_bytes())
    assert sum(formula is not None for cell in package.cells.values() for _, formula in cell.values()) > 20
    assert differences(package, cells) == []
    assert errors(cells) == []


def test_the_same_contract_gives_the_same_bytes_and_even_an_empty_one_is_written() -> None:
    assert write_annex(contract_of(full_rows()), 2016) == write_annex(contract_of(full_rows()), 2016)
    empty = contract("vide")
    assert read(write_annex(replace(empty), 2016))["Annexe_financeurs"]


def test_the_command_writes_it_and_loses_nobody_s_work(tmp_path: Path) -> None:
    create_workspace(tmp_path / "w")
    folder = tmp_path / "w"
    done = tabellion("annexe", cwd=folder)
    path = folder / "workbooks" / "publication" / "annexe-budgetaire-2013.xlsx"
    assert (done.code, done.err) == (0, "")
    assert str(path) in done.out
    first = path.read_bytes()
    assert tabellion("annexe", "--exercice", "2013", cwd=folder).code == 0
    assert path.read_bytes() == first
    book = openpyxl.load_workbook(path)
    book["Crédits"]["A1"] = "à moi"
    book.save(path)
    edited = path.read_bytes()
    refused = tabellion("annexe", cwd=folder)
    assert (refused.code, refused.codes) == (2, ["fichier-deja-la"])
    assert path.read_bytes() == edited
    assert tabellion("annexe", "--forcer", cwd=folder).code == 0
    assert [path.read_bytes() for path in path.parent.glob("* 20*.xlsx")] == [edited]
    unknown = tabellion("annexe", "--exercice", "2016", cwd=folder)
    assert (unknown.code, unknown.codes) == (2, ["option-fausse"])
    assert "2013" in unknown.err
    register = folder / "workbooks" / "registre" / "financements.csv"
    with register.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    first = rows[0]
    first |= {"exercice": "2016", "financement_id": f"{first['financement_id']}:2016"}
    with register.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(first))
        writer.writeheader()
        writer.writerows(rows)
    assert tabellion("annexe", "--exercice", "2016", cwd=folder).code == 0, "a year of financements alone has its annex"
    made = read((path.parent / "annexe-budgetaire-2016.xlsx").read_bytes())
    assert made["Annexe_partage"]["Total",][:2] == [23, 1]


def test_a_contract_of_financements_alone_has_its_annex(tmp_path: Path) -> None:
    create_workspace(tmp_path / "w")
    register = tmp_path / "w" / "workbooks" / "registre"
    for name in ("lignes_budgetaires", "totaux_publies"):
        path = register / f"{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").partition("\n")[0] + "\n", encoding="utf-8")
    (register / "lignes_source.csv").unlink()
    assert tabellion("annexe", cwd=tmp_path / "w").code == 0
    made = tmp_path / "w" / "workbooks" / "publication" / "annexe-budgetaire-2016.xlsx"
    assert read(made.read_bytes())["Annexe_partage"]["Total",] == [23, 1, 890_000]
