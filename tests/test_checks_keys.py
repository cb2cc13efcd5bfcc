"""Constraints, unicity and references: every broken cell once, with what was probably meant."""

from __future__ import annotations

from typing import Any

import pytest

from support.contracts import fiche, schemas, small_rows
from support.findings import cells, check, linked


def test_a_contract_that_adds_up_has_no_finding() -> None:
    assert check(small_rows()) == []
    assert check({}) == []


@pytest.mark.parametrize(
    ("table", "row", "field", "value", "code", "blocks"),
    [
        ("fiches", 1, "objectif", None, "cellule-obligatoire-vide", False),
        ("fiches", 1, "axe_id", None, "cellule-obligatoire-vide", False),
        ("fiches", 1, "convention_id", None, "cellule-obligatoire-vide", True),
        ("fiches", 1, "fiche_id", None, "cellule-obligatoire-vide", True),
        ("collectivites", 0, "categorie", "communes", "valeur-hors-liste", False),
        ("collectivites", 0, "collectivite_id", "Lucé", "forme-inattendue", True),
        ("collectivites", 0, "nom", "x" * 121, "texte-trop-long", True),
        ("fiches", 0, "fiche_id", "fiche 1", "forme-inattendue", True),
        ("fiches", 0, "fiche_id", "I-1.*", "forme-inattendue", True),
        ("partenaires", 0, "courriel", "a@b", "forme-inattendue", False),
        ("fiches", 0, "priorite", 12, "hors-bornes", False),
        ("conventions", 0, "convention_id", 0, "hors-bornes", True),
        ("lignes_budgetaires", 0, "montant_prevu", -100, "hors-bornes", False),
        ("lignes_budgetaires", 0, "exercice", 1999, "hors-bornes", True),
        ("lignes_budgetaires", 0, "libelle", "e" * 1001, "texte-trop-long", False),
    ],
)
def test_each_constraint_is_said_at_its_cell_and_blocks_where_a_row_would_not_be_found(
    table: str, row: int, field: str, value: Any, code: str, blocks: bool
) -> None:
    rows = small_rows()
    rows[table][row][field] = value
    findings = [finding for finding in check(rows) if finding.champ == field and finding.place.feuille == table]
    assert cells(findings) == [(code, f"{table}.{field}@{row}")]
    assert findings[0].bloquant is blocks
    referred = {"fiches.axe_id": "Axes stratégiques", "fiches.convention_id": "Conventions thématiques"}.get(
        f"{table}.{field}"
    )
    assert findings[0].attendu == (
        f"une valeur de « {referred} »" if referred else schemas()[table].by_name[field].expected
    )


@pytest.mark.parametrize(
    ("name", "words"), [("Ville ?", "« ? » n'est pas accepté"), ('Ville "A" *', '« " » et « * » ne sont pas acceptés')]
)
def test_the_signs_that_a_name_may_not_hold_are_named(name: str, words: str) -> None:
    rows = small_rows()
    rows["collectivites"][0]["nom"] = rows["financeurs"][0]["nom"] = name
    findings = [finding for finding in check(rows) if finding.code == "forme-inattendue"]
    assert [(finding.place.feuille, finding.suggestion.partition(" ici")[0]) for finding in findings] == [
        ("collectivites", words)
    ]


def test_an_amount_out_of_bounds_is_said_in_euros_and_its_total_is_left_alone() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][0]["montant_realise"] = -150
    assert [(finding.code, finding.valeur) for finding in check(rows)] == [("hors-bornes", -1.5)]


def test_a_cell_that_breaks_two_constraints_is_said_once() -> None:
    rows = small_rows()
    rows["conventions"][0]["titre"] = "x" * 300
    assert cells(check(rows)) == [("libelle-vide", "conventions.titre@0"), ("texte-trop-long", "conventions.titre@0")]
    rows = small_rows()
    rows["financeurs"][0]["categorie"] = "public nationale"
    findings = check(rows)
    assert cells(findings) == [("valeur-hors-liste", "financeurs.categorie@0")]
    assert "« public national »" in findings[0].suggestion


def test_a_near_miss_of_a_pattern_is_suggested() -> None:
    rows = small_rows()
    rows["collectivites"][0]["siret"] = "123 456 789 00015"
    assert "« 12345678900015 »" in check(rows)[0].suggestion


def test_a_repeated_key_is_said_at_its_second_row_and_links_the_first() -> None:
    rows = small_rows()
    rows["fiches"] += [fiche("I-2./1", "I-2", 2), fiche("I-2./1", "I-2", 2)]
    findings = check(rows)
    assert cells(findings) == [("cle-en-double", "fiches.fiche_id@4"), ("cle-en-double", "fiches.fiche_id@5")]
    assert [linked(finding) for finding in findings] == [["fiches.fiche_id@2"]] * 2


def test_a_composite_key_repeats_only_as_a_whole() -> None:
    rows = small_rows()
    first = rows["participations"][0]
    rows["participations"] += [{**first, "role": "opérationnel"}, dict(first)]
    findings = check(rows)
    assert cells(findings) == [("cle-en-double", "participations.fiche_id@2")]
    assert findings[0].valeur == "I-1.1./1 · bailleur · porteur"
    rows = small_rows()
    rows["lignes_budgetaires"].append({**rows["lignes_budgetaires"][0], "exercice": 2016})
    assert check(rows) == []


def test_blank_keys_repeat_nothing() -> None:
    rows = small_rows()
    for index in (2, 3):
        rows["fiches"][index]["fiche_id"] = None
    codes = {finding.code for finding in check(rows)}
    assert "cle-en-double" not in codes


def test_an_unknown_reference_suggests_the_nearest_with_its_label() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][0]["collectivite_id"] = "luc"
    findings = check(rows)
    assert cells(findings) == [("reference-inconnue", "lignes_budgetaires.collectivite_id@0")]
    assert "« Lucé » (luce)" in findings[0].suggestion
    rows["lignes_budgetaires"][0]["collectivite_id"] = "LUCE"
    assert "« Lucé » (luce)" in check(rows)[0].suggestion
    rows["lignes_budgetaires"][0]["collectivite_id"] = "zzz"
    assert "ajoutez-y" in check(rows)[0].suggestion


def test_a_reference_to_a_row_whose_key_is_unreadable_is_not_said_twice() -> None:
    rows = small_rows()
    rows["axes"][0]["axe_id"] = None
    assert check(rows, unknown=[("axes", 0, "axe_id")]) == []


def test_nothing_more_is_said_of_an_unreadable_cell() -> None:
    rows = small_rows()
    rows["fiches"][0]["objectif"] = None
    rows["fiches"][1]["convention_id"] = None
    unknown = [("fiches", 0, "objectif"), ("fiches", 1, "convention_id")]
    assert check(rows, unknown=unknown) == []


def test_findings_are_ordered_by_table_row_and_field() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][5]["convention_id"] = None
    rows["fiches"][3]["convention_id"] = None
    rows["fiches"][3]["fiche_id"] = None
    rows["fiches"][1]["proposition"] = None
    rows["piliers"][1]["titre"] = None
    places = cells(check(rows))
    assert [cell for _, cell in places] == [
        "piliers.titre@1",
        "fiches.proposition@1",
        "fiches.fiche_id@3",
        "fiches.convention_id@3",
        "lignes_budgetaires.convention_id@5",
    ]
    assert places == cells(check(rows))
