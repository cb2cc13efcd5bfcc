"""Numbers, codes, priorities and years that must agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.contracts import SETTINGS, Rows, fiche, line, small_rows
from support.findings import cells, check, linked


def with_fiche(row: int, **values: Any) -> Rows:
    rows = small_rows()
    rows["fiches"][row].update(values)
    return rows


def test_a_fiche_s_number_starts_with_its_axe() -> None:
    found = check(with_fiche(3, fiche_id="I-2./2"))
    assert cells(found) == [("fiche-et-axe", "fiches.fiche_id@3")]
    assert (found[0].valeur, found[0].attendu) == ("I-2./2", "I-2")
    assert linked(found[0]) == ["fiches.axe_id@3"]


def test_an_axe_s_code_starts_with_its_pilier_and_its_convention() -> None:
    rows = small_rows()
    rows["conventions"][1]["pilier_id"] = "II"
    assert cells(check(rows)) == [("axe-et-convention", "axes.axe_id@1")]


def test_a_misplaced_axe_is_said_once_not_at_each_of_its_fiches() -> None:
    rows = small_rows()
    rows["axes"][0]["convention_id"] = 2
    assert cells(check(rows)) == [("axe-et-convention", "axes.axe_id@0")]


def test_a_fiche_is_in_the_convention_of_its_axe() -> None:
    found = check(with_fiche(0, convention_id=3))
    assert cells(found) == [("fiche-et-convention", "fiches.convention_id@0")]
    assert (found[0].valeur, found[0].attendu) == (3, 1)


def test_a_number_without_the_dot_of_the_others_is_told() -> None:
    rows = with_fiche(3, fiche_id="II-3.1/1")
    found = check(rows)
    assert cells(found) == [("numero-sans-point", "fiches.fiche_id@3")]
    assert found[0].attendu == "II-3.1./1"


def test_where_no_fiche_writes_the_dot_none_lacks_it() -> None:
    rows = small_rows()
    for each in [*rows["fiches"], *rows["participations"], *rows["financements"]]:
        each["fiche_id"] = each["fiche_id"].replace("./", "/")
    assert check(rows) == []


@pytest.mark.parametrize(
    ("ranks", "said"),
    [
        ([1, 2, 3], []),
        ([1, 3], ["I-2./2"]),
        ([2], ["I-2./1"]),
        ([4], ["I-2./1 à I-2./3"]),
        ([1, 4], ["I-2./2 et I-2./3"]),
    ],
)
def test_a_gap_in_the_ranks_is_told_at_the_fiche_after_it(ranks: list[int], said: list[str]) -> None:
    rows = small_rows()
    rows["fiches"] = [fiche(f"I-2./{rank}", "I-2", 2) for rank in ranks]
    rows["participations"], rows["financements"] = [], []
    assert [each.attendu for each in check(rows) if each.code == "rang-de-fiche-manquant"] == said


def test_a_priority_means_its_year() -> None:
    found = check(with_fiche(0, annee_priorite=2018))
    assert cells(found) == [("priorite-et-annee", "fiches.annee_priorite@0")]
    assert (found[0].valeur, found[0].attendu) == (2018, 2016)
    assert cells(check(with_fiche(0, priorite=3))) == [("priorite-et-annee", "fiches.annee_priorite@0")]
    assert cells(check(with_fiche(0, priorite=7))) == [("priorite-inconnue", "fiches.priorite@0")]
    assert check(with_fiche(0, priorite=None)) == []
    assert check(with_fiche(0, priorite=None, annee_priorite=None)) == []


@pytest.mark.parametrize(
    ("deadline", "agrees"),
    [
        ("1 (2016)", True),
        ("fin 2016", True),
        ("2015-2017", True),
        ("en cours", True),
        (None, True),
        ("2 (2017)", False),
        ("2 (2016)", False),
        ("2018", False),
    ],
)
def test_a_deadline_agrees_with_the_priority(deadline: str | None, agrees: bool) -> None:
    expected = [] if agrees else [("priorite-et-echeance", "fiches.echeance@0")]
    assert cells(check(with_fiche(0, echeance=deadline))) == expected


def test_a_year_is_within_the_contract() -> None:
    values: dict[str, Any] = {"priorite": None, "annee_priorite": 2031, "echeance": None}
    assert cells(check(with_fiche(0, **values))) == [("annee-hors-contrat", "fiches.annee_priorite@0")]
    values = {"priorite": None, "annee_priorite": None, "echeance": "juin 2031"}
    assert cells(check(with_fiche(0, **values))) == [("annee-hors-contrat", "fiches.echeance@0")]


def test_the_census_may_come_before_the_contract_another_year_may_not() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("B01-luce-009", 1, "luce", "Cantine", 100, exercice=2016))
    assert check(rows) == []
    assert check(rows, settings=replace(SETTINGS, exercice=2016)) == []
    rows["lignes_budgetaires"].append(line("B01-luce-010", 1, "luce", "Cantine", 100, exercice=2031))
    assert cells(check(rows)) == [("annee-hors-contrat", "lignes_budgetaires.exercice@7")]
