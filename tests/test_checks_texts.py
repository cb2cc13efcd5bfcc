"""What words hide: cut texts, placeholders, amounts in labels, statuses, repairs, repeated lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.contracts import SETTINGS, Rows, book_of, line, small_rows, tables_of
from support.findings import cells, check, linked
from tabellion.checks.same_lines import same_lines
from tabellion.findings import Severity

SENTENCE = "Mettre en place des actions éducatives et des ateliers ouverts à tous les habitants des quartiers. "


def text_of(length: int, ending: str = "") -> str:
    """A text of exactly ``length`` characters that ends with ``ending``."""
    return (SENTENCE * 9)[: length - len(ending)] + ending


def with_line(row: int, **values: Any) -> Rows:
    rows = small_rows()
    rows["lignes_budgetaires"][row].update(values)
    return rows


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (text_of(255, "actions e"), True),
        (text_of(254, " à"), True),
        (text_of(253, " grace"), True),
        (text_of(255, " bâtiments,"), True),
        (text_of(255, " fini."), False),
        (text_of(255, " « fini »"), False),
        (text_of(255, " (fini)"), False),
        (text_of(252, " vélos"), False),
        (text_of(256, " vélos"), False),
        (text_of(100, " vélos"), False),
    ],
)
def test_a_text_cut_at_the_mail_merge_s_length_is_told(text: str, cut: bool) -> None:
    rows = small_rows()
    rows["fiches"][0]["objectif"] = text
    rows["fiches"][0]["proposition"] = text
    expected = [("texte-coupe", "fiches.objectif@0"), ("texte-coupe", "fiches.proposition@0")]
    assert cells(check(rows)) == (expected if cut else [])


def test_the_length_is_a_setting() -> None:
    rows = small_rows()
    rows["fiches"][0]["proposition"] = text_of(120, "act")
    assert check(rows) == []
    assert cells(check(rows, settings=replace(SETTINGS, longueurs_publipostage=(255, 120)))) == [
        ("texte-coupe", "fiches.proposition@0")
    ]


@pytest.mark.parametrize("label", ["(vide)", "(VIDE)", "À compléter", "x", "XXX", "???", "...", "-", "…"])
def test_a_placeholder_is_no_label(label: str) -> None:
    assert cells(check(with_line(0, libelle=label))) == [("libelle-vide", "lignes_budgetaires.libelle@0")]


@pytest.mark.parametrize("label", ["Vide-greniers", "ATSEM", "R.A.M.", "Texte", "x y", "2013"])
def test_a_short_label_is_a_label(label: str) -> None:
    assert check(with_line(0, libelle=label)) == []


@pytest.mark.parametrize(
    ("label", "euros"),
    [
        ("DSP Enfance (Accueil de loisirs) - 1 056 378 €", 1056378),
        ("DSP\u00a0: 12\u202f000\u00a0€", 12000),
        ("Subvention de 12 k€", 12000),
        ("Subvention 1.056.378 euros", 1056378),
        ("Subvention de 3000€ par an", 3000),
        ("Aide de 12,50 €", 12.5),
        ("Conservatoire - 775 élèves en 2013", None),
        ("Opération 2013 1", None),
        ("Quartiers européens", None),
    ],
)
def test_an_amount_in_a_label_is_told_when_no_cell_holds_it(label: str, euros: float | None) -> None:
    findings = check(with_line(2, libelle=label))
    assert cells(findings) == ([] if euros is None else [("montant-dans-libelle", "lignes_budgetaires.libelle@2")])
    if findings:
        assert findings[0].attendu == euros
        assert linked(findings[0]) == ["lignes_budgetaires.montant_realise@2"]


def test_an_amount_in_a_label_is_no_matter_when_a_cell_is_filled_or_unreadable() -> None:
    label = "DSP - 1 056 378 €"
    assert check(with_line(5, libelle=label)) == []
    assert check(with_line(2, libelle=label, montant_prevu=1)) == []
    assert check(with_line(2, libelle=label), unknown=[("lignes_budgetaires", 2, "montant_vote")]) == []


def test_a_comment_makes_it_a_reminder() -> None:
    findings = check(with_line(2, libelle="DSP - 12 €", commentaire="Tous quartiers"))
    assert [finding.gravite for finding in findings] == [Severity.INFORMATION]


def test_an_amount_in_a_scheme_is_an_information() -> None:
    rows = small_rows()
    rows["financements"][1]["dispositif"] = "CAP : 3000 € par jeune (2000 € + 1000 €)"
    findings = check(rows)
    assert cells(findings) == [("montant-dans-dispositif", "financements.dispositif@1")]
    assert findings[0].gravite is Severity.INFORMATION


@pytest.mark.parametrize(
    ("status", "cents", "contradict"),
    [
        ("chiffré", 100, False),
        ("chiffré", None, True),
        ("à négocier", None, False),
        ("à négocier", 100, True),
        ("non déterminé", 0, True),
        ("autre", 100, False),
        ("autre", None, False),
        (None, 100, False),
    ],
)
def test_an_amount_and_its_status_agree(status: str | None, cents: int | None, contradict: bool) -> None:
    rows = small_rows()
    rows["financements"][1].update(statut_montant=status, montant=cents)
    expected = [("montant-et-statut", "financements.statut_montant@1")] if contradict else []
    assert cells(check(rows)) == expected


def test_a_scheme_or_an_amount_wants_a_funder() -> None:
    rows = small_rows()
    rows["financements"][1]["financeur_id"] = None
    assert cells(check(rows)) == [("dispositif-sans-financeur", "financements.financeur_id@1")]
    assert check(rows, unknown=[("financements", 1, "financeur_id")]) == []


@pytest.mark.parametrize("proposal", [None, "à compléter", "…"])
def test_a_fiche_proposes_something(proposal: str | None) -> None:
    rows = small_rows()
    rows["fiches"][2]["proposition"] = proposal
    assert cells(check(rows)) == [("fiche-sans-proposition", "fiches.proposition@2")]


def test_a_repair_shows_the_original() -> None:
    findings = check(with_line(0, reparation="lignes collées", texte_source="Entretien (vide) 1 399 € 883 €"))
    assert cells(findings) == [("texte-retabli", "lignes_budgetaires.reparation@0")]
    assert "Entretien (vide) 1 399 € 883 €" in findings[0].message


def test_a_repeated_line_is_told_with_the_first() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("B01-metropole-002", 1, "metropole", "  bibliothèque ", None))
    findings = check(rows)
    assert cells(findings) == [("ligne-en-double", "lignes_budgetaires.libelle@6")]
    assert linked(findings[0]) == ["lignes_budgetaires.libelle@2"]
    assert "mêmes montants" in findings[0].message
    rows["lignes_budgetaires"][6]["montant_realise"] = 0
    (other,) = check(rows)
    assert (other.code, other.bloquant) == ("ligne-en-double", True)
    assert "d'autres montants" in other.message


def test_two_lines_that_staff_said_are_two_are_not_told_again() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("B01-metropole-002", 1, "metropole", "  bibliothèque ", 500_00))
    rows["lignes_budgetaires"].append(line("B01-metropole-002", 1, "metropole", "Bibliothèque", 7_00, exercice=2014))
    book = book_of(tables_of(rows))
    (pair,) = same_lines(book)
    year = SETTINGS.exercice
    assert pair.keys == (("B01-metropole-001", year), ("B01-metropole-002", year))
    assert (pair.first, pair.second, pair.same_amounts) == (2, 6, False)
    assert same_lines(replace(book, apart=frozenset({frozenset(pair.keys)}))) == []
