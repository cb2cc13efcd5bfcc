"""Totals: each level, graded by the rounding, with the line or the double count that explains a gap."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from support.contracts import (
    ROOT,
    SETTINGS,
    SOURCE,
    Row,
    Rows,
    book_of,
    contract_rows,
    line,
    locate,
    published,
    small_rows,
    tables_of,
    total,
)
from support.findings import cells, check, linked
from tabellion.checks.contract import check_contract
from tabellion.findings import Severity


def row_of(rows: Rows, total_id: str) -> int:
    return next(index for index, total_row in enumerate(rows["totaux_publies"]) if total_row["total_id"] == total_id)


def at(rows: Rows, total_id: str) -> str:
    return f"totaux_publies.montant@{row_of(rows, total_id)}"


def change(rows: Rows, total_id: str, cents: int | None) -> Row:
    row = rows["totaux_publies"][row_of(rows, total_id)]
    row["montant"] = cents
    return row


@pytest.mark.parametrize(
    ("gap", "severity"), [(1_00, Severity.INFORMATION), (2_00, Severity.INFORMATION), (2_01, Severity.ERREUR)]
)
def test_lines_against_the_subtotal_are_graded_by_the_rounding(gap: int, severity: Severity) -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][0]["montant_realise"] += gap
    findings = check(rows)
    assert cells(findings) == [("total-collectivite", at(rows, "convention-01-luce"))]
    assert findings[0].gravite is severity
    assert (findings[0].valeur, findings[0].attendu) == (1250.5, (1_250_50 + gap) / 100)


def test_a_changed_line_is_said_at_its_subtotal_and_nowhere_else() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][4]["montant_realise"] = None
    assert cells(check(rows)) == [("total-collectivite", at(rows, "convention-02-luce"))]


def test_the_recap_repeats_the_subtotals() -> None:
    rows = small_rows()
    change(rows, "recapitulatif-01-luce", 1_251_50)
    change(rows, "recapitulatif-01", 1_251_50)
    change(rows, "recapitulatif", 3_874_50)
    findings = check(rows)
    assert cells(findings) == [("total-recapitulatif", at(rows, "recapitulatif-01-luce"))]
    assert linked(findings[0]) == [at(rows, "convention-01-luce")]
    assert findings[0].gravite is Severity.INFORMATION


def test_a_convention_s_total_and_the_grand_total_are_sums() -> None:
    rows = small_rows()
    change(rows, "recapitulatif-01", 2_000_00)
    change(rows, "recapitulatif", 12_00)
    findings = check(rows)
    assert cells(findings) == [
        ("total-convention", at(rows, "recapitulatif-01")),
        ("total-general", at(rows, "recapitulatif")),
    ]
    assert [finding.attendu for finding in findings] == [1250.5, 4623]


def test_a_blank_subtotal_is_zero() -> None:
    rows = small_rows()
    for name in ("convention-03-metropole", "recapitulatif-03-metropole", "recapitulatif-03"):
        change(rows, name, None)
    assert check(rows) == []
    rows["lignes_budgetaires"][5]["montant_realise"] = 500_00
    assert cells(check(rows)) == [
        ("ligne-hors-total", "lignes_budgetaires.montant_realise@5"),
        ("total-collectivite", at(rows, "convention-03-metropole")),
    ]


def test_the_line_that_alone_explains_a_gap_is_named() -> None:
    """As in the real document: 2 623 in the convention, 2 012 in the recap, and a line of 611."""
    rows = small_rows()
    change(rows, "recapitulatif-02-luce", 2_012_00)
    change(rows, "recapitulatif-02", 2_012_00)
    change(rows, "recapitulatif", 3_262_50)
    findings = check(rows)
    assert cells(findings) == [
        ("ligne-hors-total", "lignes_budgetaires.montant_realise@3"),
        ("total-recapitulatif", at(rows, "recapitulatif-02-luce")),
    ]
    assert findings[0].valeur == 611
    assert linked(findings[0]) == [at(rows, "recapitulatif-02-luce")]


def test_a_gap_that_two_lines_explain_names_none() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("B02-luce-003", 2, "luce", "Autre", 611_00))
    assert cells(check(rows)) == [("total-collectivite", at(rows, "convention-02-luce"))]


def test_a_convention_absent_from_the_recap_is_told_at_its_title() -> None:
    rows = small_rows()
    rows["totaux_publies"] = [
        row for row in rows["totaux_publies"] if row["source"] == "convention" or row["convention_id"] != 2
    ]
    change(rows, "recapitulatif", 1_250_50)
    findings = check(rows)
    assert cells(findings) == [("convention-absente-du-recapitulatif", "conventions.titre@1")]
    assert findings[0].valeur == 2623


def test_a_town_that_the_recap_leaves_out_is_told_at_its_subtotal() -> None:
    rows = small_rows()
    del rows["totaux_publies"][row_of(rows, "recapitulatif-02-luce")]
    change(rows, "recapitulatif-02", None)
    codes = cells(check(rows))
    assert ("total-recapitulatif", at(rows, "convention-02-luce")) in codes


def test_a_subtotal_wants_lines_and_lines_want_a_subtotal() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"] = rows["lignes_budgetaires"][:3] + rows["lignes_budgetaires"][5:]
    assert cells(check(rows)) == [("sous-total-sans-detail", at(rows, "convention-02-luce"))]
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("B02-metropole-001", 2, "metropole", "Ajout", 100))
    findings = check(rows)
    assert cells(findings) == [("detail-sans-sous-total", "lignes_budgetaires.montant_realise@6")]
    assert findings[0].gravite is Severity.INFORMATION


def test_a_total_published_twice_is_told() -> None:
    rows = small_rows()
    rows["totaux_publies"].append({**total("récapitulatif", 1_00), "total_id": "encore"})
    findings = check(rows)
    assert cells(findings) == [("total-en-double", f"totaux_publies.montant@{len(rows['totaux_publies']) - 1}")]
    assert linked(findings[0]) == [at(rows, "recapitulatif")]


def test_a_total_names_what_its_scope_covers() -> None:
    rows = small_rows()
    change(rows, "recapitulatif", 3_873_50)["convention_id"] = 1
    rows["totaux_publies"][row_of(rows, "convention-02-luce")]["collectivite_id"] = None
    assert cells(check(rows)) == [
        ("total-sans-place", f"totaux_publies.collectivite_id@{row_of(rows, 'convention-02-luce')}"),
        ("total-sans-place", f"totaux_publies.convention_id@{row_of(rows, 'recapitulatif')}"),
    ]


def test_every_exercice_with_published_totals_is_checked() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("B01-luce-001", 1, "luce", "Cantine", 100_00, exercice=2016))
    assert check(rows) == []
    rows["totaux_publies"].append(total("convention", 90_00, 1, "luce", exercice=2016, total_id="suivant"))
    findings = check(rows)
    assert cells(findings) == [("total-collectivite", f"totaux_publies.montant@{len(rows['totaux_publies']) - 1}")]
    assert check(rows, settings=replace(SETTINGS, exercice=2016)) == findings


def test_where_only_a_recap_is_published_the_lines_are_held_against_it() -> None:
    rows = small_rows()
    rows["totaux_publies"] = [total_row for total_row in published(rows) if total_row["source"] != "convention"]
    assert check(rows) == []
    rows["lignes_budgetaires"][0]["montant_realise"] += 50_00
    assert cells(check(rows)) == [("total-collectivite", at(rows, "recapitulatif-01-luce"))]


def test_the_same_money_in_two_conventions_is_told_at_the_second() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("B02-luce-003", 2, "luce", "CANTINE", 1_000_00))
    rows["totaux_publies"] = published(rows)
    findings = check(rows)
    assert cells(findings) == [("compte-deux-fois", "lignes_budgetaires.montant_realise@6")]
    assert linked(findings[0]) == ["lignes_budgetaires.montant_realise@0"]
    assert findings[0].valeur == 1000


@pytest.mark.parametrize("field", ["montant_realise", "convention_id", "collectivite_id", "exercice"])
def test_a_total_that_misses_only_an_unreadable_cell_is_not_told(field: str) -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][4][field] = None
    assert check(rows, unknown=[("lignes_budgetaires", 4, field)]) == []


def test_an_unreadable_cell_does_not_hide_another_gap() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][4]["collectivite_id"] = None
    change(rows, "convention-01-luce", 9_000_00)
    change(rows, "recapitulatif-01-luce", 9_000_00)
    codes = cells(check(rows, unknown=[("lignes_budgetaires", 4, "collectivite_id")]))
    assert ("total-collectivite", at(rows, "convention-01-luce")) in codes


def test_an_unreadable_published_total_is_not_compared() -> None:
    rows = small_rows()
    change(rows, "convention-02-luce", None)
    unknown = [("totaux_publies", row_of(rows, "convention-02-luce"), "montant")]
    assert check(rows, unknown=unknown) == []


@given(contract_rows(), st.data())
@hypothesis_settings(max_examples=30)
def test_one_changed_amount_is_said_at_its_subtotal_alone(rows: Rows, data: st.DataObject) -> None:
    lines = rows["lignes_budgetaires"]
    if not lines:
        return
    chosen = data.draw(st.sampled_from(lines))
    before = {finding for finding in check(rows) if finding.code.startswith("total")}
    assert before == set()
    chosen["montant_realise"] = (chosen["montant_realise"] or 0) + data.draw(st.integers(2_01, 10**6))
    findings = [finding for finding in check(rows) if finding.code.startswith("total")]
    name = f"convention-{chosen['convention_id']:02d}-{chosen['collectivite_id']}"
    assert cells(findings) == [("total-collectivite", at(rows, name))]


@pytest.mark.source
def test_the_real_document_s_anomalies_are_found_at_the_lines_checked_by_hand() -> None:
    from tabellion.contract.workspace import find_workspace
    from tabellion.importing import read_document

    tables = tables_of(read_document(SOURCE.read_bytes(), SOURCE.name).tables)
    findings = check_contract(book_of(tables, settings=find_workspace(ROOT).settings), locate)
    numbers = {name: table.column("ligne_source") for name, table in tables.items() if "ligne_source" in table.columns}
    places = {
        (
            finding.code,
            numbers[str(finding.place.feuille)][int(str(finding.place.cellule).rpartition("@")[2])],
            finding.valeur,
        )
        for finding in findings
        if finding.place.feuille in numbers and finding.code not in {"texte-retabli", "texte-coupe", "libelle-vide"}
    }
    assert {
        ("total-general", 61, 12421135),
        ("total-recapitulatif", 60, 2012),
        ("ligne-hors-total", 1339, 611),
        ("numero-sans-point", 1309, "III-10.3/1"),
        ("montant-dans-libelle", 294, "DSP Enfance (Accueil de loisirs + accueil péri-scolaire) - 1 056 378 €"),
        ("fiche-sans-proposition", 205, None),
        ("fiche-sans-proposition", 896, None),
        ("fiche-sans-proposition", 1292, None),
    } <= places
    assert {finding.valeur for finding in findings if finding.code == "convention-absente-du-recapitulatif"} == {238649}
    assert sum(int(str(finding.valeur)) for finding in findings if finding.code == "compte-deux-fois") == 238649
    assert {number for code, number, _ in places if code == "compte-deux-fois"} == {
        926,
        927,
        928,
        929,
        930,
        932,
        933,
        937,
    }
    assert sum(finding.code == "texte-coupe" for finding in findings) == 14
    errors = {finding.code for finding in findings if finding.gravite is Severity.ERREUR}
    assert errors == {
        "convention-absente-du-recapitulatif",
        "compte-deux-fois",
        "total-recapitulatif",
        "ligne-hors-total",
    }
