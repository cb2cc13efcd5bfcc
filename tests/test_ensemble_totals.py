"""What ``tabellion ensemble`` adds up is what DuckDB adds up from the contracts' registers, figure by figure."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from openpyxl.workbook import Workbook

from support.campaign import fill
from support.contract_folders import write_contract
from support.duckdb_totals import Figures, Registers, euros
from tabellion.commands.ensemble import ensemble, mapper_of
from tabellion.contract.workspace import find_workspace

NOW = datetime(2025, 3, 4, 2)
SHAPES: dict[str, dict[str, Any]] = {
    "alpha": {"seed": 1, "levels": 3},
    "beta": {"seed": 2, "levels": 0, "years": (2023, 2024, 2025)},
    "gamma": {"seed": 3, "levels": 2, "model": "quartiers-2030"},
}
#: What the titles of these contracts are put together under, in the words of ``templates/noms-communs.toml``.
COMMON = {
    "Éducation": "Éducation et parentalité", "Logement": "Habitat et cadre de vie",
    "Habitat": "Habitat et cadre de vie", "Emploi": "Emploi et insertion",
    "Tranquillité publique": "Prévention et tranquillité", "Cadre de vie": "Cadre de vie et renouvellement urbain",
}  # fmt: skip
#: The contract whose forms are sent, and that has an answer.
ANSWERED = "essai-2015-2020"
MONEY = ("Prévu (€)", "Voté (€)", "Réalisé (€)")


@dataclass(frozen=True)
class Together:
    """Contracts put together: the folder of the outputs, the workbook's cached values, the registers in DuckDB."""

    folder: Path
    book: Workbook
    registers: Registers
    shown: dict[str, int]

    def table(self, name: str) -> list[dict[str, Any]]:
        """The rows of an Excel table, by its headers."""
        for sheet in self.book:
            if name in sheet.tables:
                header, *rows = sheet[sheet.tables[name].ref]
                names = [cell.value for cell in header]
                return [dict(zip(names, (cell.value for cell in row), strict=True)) for row in rows]
        raise KeyError(name)

    def named(self, name: str) -> Any:
        """The value of the cell that the workbook calls so."""
        ((sheet, cell),) = self.book.defined_names[name].destinations
        return self.book[sheet][cell].value


@pytest.fixture(scope="module")
def together(sent: Path, tmp_path_factory: pytest.TempPathFactory) -> Together:
    base = tmp_path_factory.mktemp("ensemble")
    for name, shape in SHAPES.items():
        write_contract(base / "contrats" / name, **shape)
    answered = Path(shutil.copytree(sent, base / "contrats" / "nord" / ANSWERED))
    sent_form = answered / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    answer = {"Budget": {"A": {"montant_prevu": 4321.09, "montant_realise": 77}}}
    fill(sent_form, answered / "workbooks" / "retours" / "réponse.xlsx", answer, saved=datetime(2016, 11, 20, 9))
    run = ensemble([base / "contrats"], base / "vers", NOW, mapper_of)
    assert [finding.code for finding in run.findings if finding.bloquant] == []
    roots = {**{name: base / "contrats" / name for name in SHAPES}, ANSWERED: answered}
    folders = {name: root / "workbooks" / "consolidation" / "registre" for name, root in roots.items()}
    registers = Registers(folders, COMMON)
    shown = {name: find_workspace(root).settings.exercice_finance for name, root in roots.items()}
    book = openpyxl.load_workbook(run.folder / "ensemble.xlsx", data_only=True)
    return Together(run.folder, book, registers, shown)


def figures(rows: Iterable[dict[str, Any]], keys: Iterable[str], names: Iterable[str]) -> Figures:
    """Rows of a sheet as DuckDB gives them: their keys as Excel compares them, every figure with two decimals."""
    amounts: Figures = {}
    for row in rows:
        key = tuple(row[name].casefold() if isinstance(row[name], str) else row[name] for name in keys)
        assert key not in amounts
        amounts[key] = tuple(euros(row[name]) for name in names)
    return amounts


def recomputed(amounts: Figures) -> Figures:
    """What DuckDB gives, in the same form; a count of none at all and a sum of nothing are left out alike."""
    return {
        tuple(part.casefold() if isinstance(part, str) else part for part in key): tuple(map(euros, values))
        for key, values in amounts.items()
    }


CREDITS = ("Lignes", *MONEY, "Sans réalisé", "Prévu comparable (€)", "Réalisé comparable (€)")
FUNDINGS = ("Financements", "Dont chiffrés", "Montants (€)")


def test_the_credits_of_each_contract_are_those_of_its_register(together: Together) -> None:
    expected = together.registers.credits("contrat", "pilier", "convention", "exercice", "categorie")
    assert len(expected) > 60
    keys = ("Identifiant", "Pilier ou enjeu", "Convention", "Exercice", "Qui dépense")
    assert figures(together.table("Credits"), keys, CREDITS) == recomputed(expected)


def test_the_financements_of_each_contract_are_those_that_count_in_each_exercice(together: Together) -> None:
    years = together.registers.years_of_fundings(together.shown)
    expected = together.registers.fundings(years, "contrat", "pilier", "exercice", "categorie")
    assert len(expected) > 20
    keys = ("Identifiant", "Pilier ou enjeu", "Exercice", "Type de financeur")
    assert figures(together.table("Financements"), keys, FUNDINGS) == recomputed(expected)


@pytest.mark.parametrize(
    ("table", "label", "column"),
    [("Par_pilier", "Pilier ou enjeu", "pilier"), ("Par_convention", "Convention", "convention"),
     ("Par_categorie", "Qui dépense", "categorie")],
)  # fmt: skip
def test_the_sums_of_the_exercice_shown_are_those_of_all_registers(
    together: Together, table: str, label: str, column: str
) -> None:
    year = together.named("Ensemble_exercice")
    expected = {key[1:]: values[:4] for key, values in together.registers.credits("exercice", column).items()
                if key[0] == year}  # fmt: skip
    assert len(expected) > 2
    rows = [row for row in together.table(table) if row["Lignes"]]
    assert figures(rows, (label,), CREDITS[:4]) == recomputed(expected)


def test_the_sums_of_each_exercice_are_those_of_all_registers(together: Together) -> None:
    rows = together.table("Par_exercice")
    expected = together.registers.credits("exercice")
    assert figures(rows, ("Exercice",), CREDITS[:4]) == recomputed(
        {key: values[:4] for key, values in expected.items()}
    )
    for row in rows:
        *_, planned, spent = expected[(row["Exercice"],)]
        rate = "" if not planned else pytest.approx(float(spent / planned), rel=1e-12)
        assert (row["Réalisé / prévu"] or "") == rate


def test_the_financements_of_the_exercice_shown_are_those_of_all_registers(together: Together) -> None:
    years = together.registers.years_of_fundings(together.shown)
    fundings = together.registers.fundings(years, "exercice", "categorie")
    expected = {key[1:]: values for key, values in fundings.items() if key[0] == together.named("Ensemble_exercice")}
    assert len(expected) == 3
    assert figures(together.table("Par_financeur"), ("Type de financeur",), FUNDINGS) == recomputed(expected)


def test_the_lines_of_each_quartier_are_those_that_name_it_alone(together: Together) -> None:
    keys = ("Identifiant", "Quartier", "Exercice")
    rows = [row for row in together.table("Quartiers") if row["Lignes"] and row["Quartier"] not in UNNAMED]
    expected = {key: (values[1:]) for key, values in together.registers.quartiers().items()}
    assert len(expected) > 3
    assert figures(rows, keys, ("Lignes", *MONEY)) == recomputed(expected)
    codes = {row["Quartier"]: row["Code QPV"] for row in rows}
    assert codes == {key[1]: values[0] for key, values in together.registers.quartiers().items()}


#: What stands for the lines that name several quartiers, or none.
UNNAMED = ("Plusieurs", "Non précisé")


@pytest.mark.parametrize(
    ("folder", "table", "amounts", "texts"),
    [
        ("lignes", "lignes_budgetaires", ("montant_prevu", "montant_vote", "montant_realise"),
         ("ligne_id", "convention_id", "collectivite_id", "libelle", "exercice")),
        ("financements", "financements", ("montant",), ("financement_id", "fiche_id", "financeur_id", "exercice")),
        ("fiches", "fiches", (), ("fiche_id", "axe_id", "convention_id", "objectif", "proposition")),
    ],
)  # fmt: skip
def test_every_row_of_the_dataset_is_one_of_the_registers(
    together: Together, folder: str, table: str, amounts: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    money = [f"{name}::DECIMAL(18, 2) AS {name}" for name in amounts]
    plain = [f"{name}::VARCHAR AS {name}" for name in texts]
    dataset = f"read_parquet('{together.folder}/jeu/{folder}/**/*.parquet', hive_partitioning = true)"
    columns = ", ".join(("contrat", *plain, *money))
    base = together.registers.base
    here, there = f"SELECT {columns} FROM {table}", f"SELECT {columns} FROM {dataset}"
    there = there.replace("exercice::VARCHAR", "annee::VARCHAR")  # blank where a row is of no exercice
    assert base.execute(f"({here}) EXCEPT ALL ({there})").fetchall() == []
    assert base.execute(f"({there}) EXCEPT ALL ({here})").fetchall() == []


def test_what_a_partner_answered_is_in_the_totals_with_its_own_cell(together: Together) -> None:
    lines = f"read_parquet('{together.folder}/jeu/lignes/**/*.parquet', hive_partitioning = true)"
    query = f"SELECT montant_prevu, montant_prevu_cellule, contrat FROM {lines} WHERE ligne_id = 'A' AND annee = 2016"
    ((amount, cell, contrat),) = duckdb.connect().execute(query).fetchall()
    assert (amount, contrat) == (Decimal("4321.09"), ANSWERED)
    assert cell.startswith("[retours/réponse.xlsx]Budget!")
