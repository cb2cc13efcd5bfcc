"""What people call a row: its words, which tell it apart from all others of its table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings

from support.contracts import contracts, small_rows
from support.masters import chartres, contract_of
from tabellion.contract.book import Book
from tabellion.contract.labels import Labels
from tabellion.schema import Key
from tabellion.schema.tables import Tables


@pytest.fixture(scope="module")
def labels() -> Labels:
    rows = small_rows()
    rows["fiches"][0] |= {"fiche_id": "F1", "objectif": "Lire   et écrire\nensemble"}
    return Labels(contract_of(rows))


def keys(contract: Book, table: str) -> Iterator[Key]:
    for row in contract.tables[table].rows:
        yield tuple(row[name] for name in contract.schemas[table].primary_key)


def rows_are_told_apart(contract: Book) -> None:
    labels = Labels(contract)
    for table in contract.schemas:
        row_keys = list(keys(contract, table))
        words = {labels.row(table, key) for key in row_keys}
        assert len(words) == len(set(row_keys)), table
        assert all(word.strip() for word in words)


def test_the_rows_of_the_chartres_contract_are_told_apart() -> None:
    rows_are_told_apart(chartres())


@settings(max_examples=40)
@given(contracts())
def test_the_rows_of_any_contract_are_told_apart(tables: Tables) -> None:
    rows_are_told_apart(replace(contract_of({}), tables=tables))


def test_a_row_is_said_in_its_own_words(labels: Labels) -> None:
    row = labels.contract.tables["lignes_budgetaires"].rows[0]
    town = labels.key_words("lignes_budgetaires", "collectivite_id")[row["collectivite_id"]]
    words = labels.row("lignes_budgetaires", (row["ligne_id"], row["exercice"]))
    where = f"convention {row['convention_id']}, ligne {row['ligne_id']} de {row['exercice']}"
    assert words == f"{row['libelle']} ({town}, {where})"
    assert labels.row("fiches", ("F1",)) == "Fiche F1 : Lire et écrire ensemble"


def test_what_is_blank_is_left_out() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][0] |= {"ligne_id": "B1", "exercice": 2016, "collectivite_id": None, "libelle": "Bus"}
    assert Labels(contract_of(rows)).row("lignes_budgetaires", ("B1", 2016)).startswith("Bus (convention ")


@pytest.mark.parametrize("table", ["financements", "plan_charges", "plan_produits", "participations", "suivis"])
def test_a_row_that_says_nothing_is_in_words_all_the_same(table: str) -> None:
    contract = contract_of({table: [{"financement_id": "x", "charge_id": "x", "produit_id": "x"}]})
    (key,) = keys(contract, table)
    assert "None" not in Labels(contract).row(table, key)


def test_a_row_that_is_no_more_is_said_by_its_key(labels: Labels) -> None:
    assert labels.row("lignes_budgetaires", ("B99", 2016)) == "B99 · 2016"
    assert labels.row("tableau", ("B99", None)) == "B99 · "
    assert labels.title("fiches", "couleur") == "couleur"
    assert labels.partner("personne") == "personne"


def test_values_are_shown_as_people_read_them(labels: Labels) -> None:
    table = "lignes_budgetaires"
    town, name = next(iter(labels.key_words(table, "collectivite_id").items()))
    assert labels.value(table, "collectivite_id", town) == name
    assert labels.value(table, "collectivite_id", town, quoted=True) == f"« {name} »"
    assert labels.value(table, "montant_prevu", 123_456) == "1\u202f234,56\xa0€"
    assert labels.value(table, "montant_prevu", None) == "(vide)"
