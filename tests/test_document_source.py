"""The published document of the Chartres contract: what anyone can count in it by hand."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from support.contracts import SOURCE
from tabellion.importing import ImportedContract, read_document

# Counted in the text, section by section: subtotal in euros as printed, and number of lines under it.
CHARTRES, LUCE, MAINVILLIERS, METROPOLE = "chartres", "luce", "mainvilliers", "chartres-metropole"
SECTIONS = {
    1: [(CHARTRES, 1_041_751, 11), (LUCE, 2_012_467, 21), (MAINVILLIERS, 507_371, 8)],
    2: [(CHARTRES, 2_704_107, 29), (LUCE, 822_613, 14), (MAINVILLIERS, 412_143, 12), (METROPOLE, 9_400, 1)],
    3: [(CHARTRES, 266_717, 2)],
    4: [(CHARTRES, 107_856, 2), (LUCE, 28_006, 3), (MAINVILLIERS, 36_031, 3), (METROPOLE, 17_529, 3)],
    5: [(CHARTRES, 14_903, 1), (LUCE, None, 1), (METROPOLE, 3_770, 1)],
    6: [(CHARTRES, 2_282_910, 2), (LUCE, 706_942, 4), (MAINVILLIERS, 282_425, 3), (METROPOLE, 596_825, 10)],
    7: [(CHARTRES, 219_181, 5), (LUCE, 13_138, 4), (METROPOLE, 6_330, 1)],
    8: [(CHARTRES, 219_181, 5), (LUCE, 13_138, 4), (MAINVILLIERS, 15_137, 1), (METROPOLE, 6_330, 1)],
    9: [(MAINVILLIERS, 11_928, 1), (METROPOLE, 107_389, 2)],
    10: [(METROPOLE, 192_000, 1)],
    11: [(CHARTRES, None, 1), (LUCE, 253, 1), (MAINVILLIERS, 2_623, 2)],
}
# Line of the tick, fiche, funder.
TICKS = [
    (168, "I-1.1./2", "conseil-regional"),
    (498, "I-3.1./3", "conseil-regional"),
    (546, "I-3.4./1", "conseil-regional"),
    (713, "II-5.1./1", "conseil-regional"),
    (741, "II-5.1./3", "conseil-regional"),
    (755, "II-5.1./4", "conseil-regional"),
    (850, "II-6.3./1", "conseil-regional"),
    (865, "II-6.4./1", "conseil-regional"),
    (879, "II-6.5./1", "conseil-regional"),
    (893, "II-6.5./2", "conseil-regional"),
    (1003, "III-7.1./4", "union-europeenne"),
    (1017, "III-7.1./5", "conseil-regional"),
    (1034, "III-7.1./6", "conseil-regional"),
    (1035, "III-7.1./6", "union-europeenne"),
    (1050, "III-7.2./1", "conseil-regional"),
    (1051, "III-7.2./1", "union-europeenne"),
    (1065, "III-7.2./2", "conseil-regional"),
    (1066, "III-7.2./2", "union-europeenne"),
    (1105, "III-8.1./1", "conseil-regional"),
    (1153, "III-9.1./1", "conseil-regional"),
    (1185, "III-9.1./3", "conseil-regional"),
    (1215, "III-9.2./1", "conseil-regional"),
    (1271, "III-10.1./1", "conseil-regional"),
]


@pytest.fixture(scope="module")
def text() -> str:
    return SOURCE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def result(text: str) -> ImportedContract:
    return read_document(text.encode(), "conventions.txt")


pytestmark = pytest.mark.source


def test_the_contract_is_named(result: ImportedContract) -> None:
    assert (result.page.debut, result.page.fin, result.exercice) == (2015, 2020, 2013)
    assert result.page.titre == "Contrat de ville de l'agglomération chartraine 2015 – 2020"


def test_every_fiche_is_there_under_its_number(text: str, result: ImportedContract) -> None:
    numbers = re.findall(r"Action N° (\S+)", text)
    assert len(numbers) == 69
    assert [row["fiche_id"] for row in result.tables["fiches"]] == numbers


def test_every_fiche_has_its_published_texts(text: str, result: ImportedContract) -> None:
    """Each objective stands in the text between tabs, on a line of its own fiche."""
    lines = text.split("\n")
    for row in result.tables["fiches"]:
        block = "\n".join(lines[row["ligne_source"] - 1 : row["ligne_source"] + 20])
        assert f"Objectif\t{row['objectif']}\t" in block
        if row["proposition"]:  # the number may stand one column further
            assert re.search(rf"\t{re.escape(row['proposition'])}\t+Action N° {re.escape(row['fiche_id'])}\b", block)
    assert [r["fiche_id"] for r in result.tables["fiches"] if r["proposition"] is None] == [
        "I-1.2./1", "II-6.5./3", "III-10.2./2",
    ]  # fmt: skip


def test_every_fiche_keeps_its_transverse_axes_and_no_cpo(result: ImportedContract) -> None:
    for row in result.tables["fiches"]:
        assert (row["jeunes"], row["egalite_femmes_hommes"], row["lutte_discriminations"], row["cpo"]) == (
            True, True, True, None,
        )  # fmt: skip
    assert Counter((r["priorite"], r["annee_priorite"]) for r in result.tables["fiches"]).keys() == {
        (1, 2016), (2, 2017), (3, 2018),
    }  # fmt: skip


def test_the_ticks_are_those_of_the_text(text: str, result: ImportedContract) -> None:
    assert text.count("checked") == 20
    assert len(TICKS) == 23
    rows = result.tables["financements"]
    assert [(r["ligne_source"], r["fiche_id"], r["financeur_id"]) for r in rows] == TICKS
    assert [r["fiche_id"] for r in rows if r["reparation"] == "coche tapée"] == [
        "III-7.1./4",
        "III-8.1./1",
        "III-9.1./3",
    ]


def test_only_one_amount_is_stated(result: ImportedContract) -> None:
    rows = {row["financement_id"]: row for row in result.tables["financements"]}
    stated = {name: row["montant"] for name, row in rows.items() if row["montant"] is not None}
    assert stated == {"II-5.1./3:conseil-regional": 890_000_00}
    assert rows["II-5.1./3:conseil-regional"]["dispositif"] == "Convention Région/Département 2015-2020"
    assert rows["III-9.1./1:conseil-regional"]["dispositif"] == "Via les missions locales"
    assert rows["III-7.2./2:conseil-regional"]["dispositif"] is None
    assert rows["I-1.1./2:conseil-regional"]["statut_montant"] == "non déterminé"
    assert rows["I-3.1./3:conseil-regional"]["statut_montant"] == "à calculer"
    assert rows["III-7.1./5:conseil-regional"]["montant_texte"] is None


def test_sixteen_funders_in_three_families(result: ImportedContract) -> None:
    assert Counter(row["categorie"] for row in result.tables["financeurs"]) == {
        "public local": 5, "public national": 5, "privé": 6,
    }  # fmt: skip


def test_each_subtotal_and_its_lines(result: ImportedContract) -> None:
    totals = [r for r in result.tables["totaux_publies"] if r["source"] == "convention"]
    lines = Counter((r["convention_id"], r["collectivite_id"]) for r in result.tables["lignes_budgetaires"])
    sections: dict[int, list[tuple[str, int | None, int]]] = {}
    for row in totals:
        amount = None if row["montant"] is None else row["montant"] // 100
        name = row["collectivite_id"]
        sections.setdefault(row["convention_id"], []).append((name, amount, lines[row["convention_id"], name]))
    assert sections == SECTIONS
    assert sum(lines.values()) == 160


def test_the_recap_is_whole(result: ImportedContract) -> None:
    recap = [row for row in result.tables["totaux_publies"] if row["source"] == "récapitulatif"]
    assert [row["ligne_source"] for row in recap] == list(range(21, 62))
    assert recap[-1]["montant"] == 12_421_135_00
    blank = [row["total_id"] for row in recap if row["montant"] is None]
    assert blank == ["recapitulatif-03-mainvilliers", "recapitulatif-05-luce", "recapitulatif-11-chartres"]


def test_two_rows_run_together_become_two_lines(result: ImportedContract) -> None:
    rows = [row for row in result.tables["lignes_budgetaires"] if row["ligne_source"] == 784]
    assert [(row["ligne_id"], row["libelle"], row["montant_realise"]) for row in rows] == [
        ("B06-chartres-001", "Entretien patrimoine communal bâti dans les zus", 1_399_062_00),
        ("B06-chartres-002", "(vide)", 883_848_00),
    ]
    (habitat,) = [row for row in result.tables["lignes_budgetaires"] if row["ligne_source"] == 696]
    assert (habitat["libelle"], habitat["montant_realise"]) == ("Exonération des taxes d'habitation", 14_903_00)
    assert "(vide)" in habitat["texte_source"]


def test_blank_stays_blank_and_zero_stays_zero(result: ImportedContract) -> None:
    amounts = {row["ligne_source"]: row["montant_realise"] for row in result.tables["lignes_budgetaires"]}
    assert amounts[101] == 0
    assert amounts[102] == 0
    assert amounts[108] is None
    assert amounts[294] is None
    assert amounts[309] == 312_222_00


def test_the_titles(result: ImportedContract) -> None:
    assert [row["titre"] for row in result.tables["piliers"]] == [
        "cohésion sociale",
        "Habitat – cadre de vie",
        "développement économique et emploi",
        "Citoyenneté – Valeurs républicaines",
    ]
    first = result.tables["conventions"][0]
    assert first["titre"] == "Education, acquisition des savoirs de base, parentalité"
    assert first["titre_court"] == "Education, parentalité, accès aux savoirs de base"
    differing = [f.place.ligne for f in result.findings if f.code == "titre-different"]
    assert differing == [87, 273, 917, 1071]


def test_a_whole_fiche(result: ImportedContract) -> None:
    (row,) = [row for row in result.tables["fiches"] if row["fiche_id"] == "II-5.2./1"]
    assert row == {
        "fiche_id": "II-5.2./1",
        "convention_id": 5,
        "axe_id": "II-5.2",
        "objectif": "Accompagner la réalisation de travaux d'adaptation des logements.",
        "ref_interministerielle": None,
        "priorite": 1,
        "annee_priorite": 2016,
        "jeunes": True,
        "egalite_femmes_hommes": True,
        "lutte_discriminations": True,
        "proposition": "Adaptation des logements au handicap et à la mobilité réduite",
        "echeance": "1 (2016)",
        "cpo": None,
        "porteurs": "Etat",
        "partenaires_operationnels": "Bailleurs sociaux / Bailleurs privés (OPAH)",
        "ligne_source": 758,
        "reparation": None,
        "texte_source": None,
    }
    axes = {row["axe_id"]: row["titre"] for row in result.tables["axes"]}
    assert axes["II-5.2"] == "Accompagner la rénovation des logements"
    assert axes["I-4"] == "Prévenir la délinquance"
    assert axes["III-10.3"] == "Déployer le marketing territorial et promouvoir les acteurs"


def test_bearers_resolve_to_partners(result: ImportedContract) -> None:
    bearers = [
        row["partenaire_id"]
        for row in result.tables["participations"]
        if row["fiche_id"] == "II-6.3./1" and row["role"] == "porteur"
    ]
    assert bearers == ["chartres", "luce", "mainvilliers"]
    (etat,) = [row for row in result.tables["partenaires"] if row["nom"] == "Etat"]
    assert etat["financeur_id"] == "etat"


def test_every_line_is_accounted_for(text: str, result: ImportedContract) -> None:
    lines = text.split("\n")
    assert [use.ligne for use in result.lines] == list(range(1, len(lines) + 1))
    blank = {number for number, line in enumerate(lines, start=1) if not line.strip()}
    assert {use.ligne for use in result.lines if use.usage == "ignorée : ligne vide"} == blank
    tabbed = {number for number, line in enumerate(lines, start=1) if "\t" in line}
    used = {use.ligne for use in result.lines if use.usage.startswith("utilisée")}
    assert tabbed <= used
    assert not [use for use in result.lines if use.usage == "non placée"]


def test_without_its_recap_the_same_towns_are_found(text: str, result: ImportedContract) -> None:
    lines = text.split("\n")
    alone = read_document("\n".join(lines[:20] + lines[61:]).encode(), "conventions.txt")
    kept = ("convention_id", "collectivite_id", "libelle", "montant_realise")
    assert [[row[name] for name in kept] for row in alone.tables["lignes_budgetaires"]] == [
        [row[name] for name in kept] for row in result.tables["lignes_budgetaires"]
    ]
