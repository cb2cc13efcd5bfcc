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
    findings = check(with_fiche(3, fiche_id="I-2./2"))
    assert cells(findings) == [("fiche-et-axe", "fiches.fiche_id@3")]
    assert (findings[0].valeur, findings[0].attendu) == ("I-2./2", "I-2")
    assert linked(findings[0]) == ["fiches.axe_id@3"]


def test_an_axe_s_code_starts_with_its_pilier_and_its_convention() -> None:
    rows = small_rows()
    rows["conventions"][1]["pilier_id"] = "II"
    assert cells(check(rows)) == [("axe-et-convention", "axes.axe_id@1")]


def coded(*codes: str, piliers: bool) -> Rows:
    """The small contract with other codes of axes, at the fiches too; without piliers where it has none."""
    rows = small_rows()
    renamed = dict(zip((axe["axe_id"] for axe in rows["axes"]), codes, strict=True))
    for axe in rows["axes"]:
        axe["axe_id"] = renamed[axe["axe_id"]]
    numbers = {}
    for action in rows["fiches"]:
        number, action["axe_id"] = action["fiche_id"], renamed[action["axe_id"]]
        numbers[number] = action["fiche_id"] = f"{action['axe_id']}/{number.rpartition('/')[2]}"
    for action in [*rows["participations"], *rows["financements"]]:
        action["fiche_id"] = numbers[action["fiche_id"]]
    if not piliers:
        rows["piliers"] = []
        for convention in rows["conventions"]:
            convention["pilier_id"] = None
    return rows


@pytest.mark.parametrize("piliers", [True, False])
@pytest.mark.parametrize("shape", ["{}.1", "A-{}1", "C{}-3", "{}.3.1", "{}", "Obj.{}", "2.{}"])
def test_other_contracts_number_their_axes_otherwise(shape: str, piliers: bool) -> None:
    codes = [shape.format(axe["convention_id"]) for axe in small_rows()["axes"]]
    assert check(coded(*codes, piliers=piliers)) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (" 1.1", "forme-inattendue"),
        ("1.1 ", "forme-inattendue"),
        ("1.1\n", "forme-inattendue"),
        ("1\x071", "forme-inattendue"),
        ("1..1", "forme-inattendue"),
        ("-1", "forme-inattendue"),
        ("1.1/1", "forme-inattendue"),
        ("1." * 20 + "1", "texte-trop-long"),
    ],
)
def test_what_cannot_be_a_code_is_refused(code: str, expected: str) -> None:
    rows = small_rows()
    rows["axes"].append({**rows["axes"][0], "axe_id": code})
    places = cells(check(rows))
    assert (expected, f"axes.axe_id@{len(rows['axes']) - 1}") in places


@pytest.mark.parametrize("piliers", [True, False])
def test_where_codes_say_the_convention_another_one_is_told(piliers: bool) -> None:
    codes = [f"{axe['convention_id']}.1" for axe in small_rows()["axes"]]
    rows = coded(*codes, piliers=piliers)
    rows["axes"][0]["convention_id"] = 2
    findings = check(rows)
    assert cells(findings) == [("axe-et-convention", "axes.axe_id@0")]
    assert findings[0].attendu == "la convention 1"


def test_a_misplaced_axe_is_said_once_not_at_each_of_its_fiches() -> None:
    rows = small_rows()
    rows["axes"][0]["convention_id"] = 2
    assert cells(check(rows)) == [("axe-et-convention", "axes.axe_id@0")]


def test_a_fiche_is_in_the_convention_of_its_axe() -> None:
    findings = check(with_fiche(0, convention_id=3))
    assert cells(findings) == [("fiche-et-convention", "fiches.convention_id@0")]
    assert (findings[0].valeur, findings[0].attendu) == (3, 1)


def test_a_number_without_the_dot_of_the_others_is_told() -> None:
    rows = with_fiche(3, fiche_id="II-3.1/1")
    findings = check(rows)
    assert cells(findings) == [("numero-sans-point", "fiches.fiche_id@3")]
    assert findings[0].attendu == "II-3.1./1"


def test_where_no_fiche_writes_the_dot_none_lacks_it() -> None:
    rows = small_rows()
    for row in [*rows["fiches"], *rows["participations"], *rows["financements"]]:
        row["fiche_id"] = row["fiche_id"].replace("./", "/")
    assert check(rows) == []


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ([1, 2, 3], []),
        ([1, 3], ["I-2./2"]),
        ([2], ["I-2./1"]),
        ([4], ["I-2./1 à I-2./3"]),
        ([1, 4], ["I-2./2 et I-2./3"]),
    ],
)
def test_a_gap_in_the_ranks_is_told_at_the_fiche_after_it(ranks: list[int], expected: list[str]) -> None:
    rows = small_rows()
    rows["fiches"] = [fiche(f"I-2./{rank}", "I-2", 2) for rank in ranks]
    rows["participations"], rows["financements"] = [], []
    assert [finding.attendu for finding in check(rows) if finding.code == "rang-de-fiche-manquant"] == expected


def test_a_priority_means_its_year() -> None:
    findings = check(with_fiche(0, annee_priorite=2018))
    assert cells(findings) == [("priorite-et-annee", "fiches.annee_priorite@0")]
    assert (findings[0].valeur, findings[0].attendu) == (2018, 2016)
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
