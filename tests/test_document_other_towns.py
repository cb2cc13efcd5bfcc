"""Documents of other towns say the same otherwise: read where it is sure, said where it is not, never swallowed."""

from __future__ import annotations

import re

import pytest

from support.contracts import ROOT
from tabellion.importing import IMPORT_FILE, Choices, Correspondence, load_import_words, read_document
from tabellion.importing.correspondence_book import Topic
from tabellion.importing.files import joined
from tabellion.importing.lines import key
from test_document_accidents import TEXT, body, budget, change, codes, fiche, read


def test_the_labels_of_other_towns_are_read() -> None:
    text = TEXT.replace("Objectif\tSoutenir", "Objectif opérationnel\tSoutenir", 1)
    text = text.replace("Partenaires opérationnels\t\t\t", "Partenaires mobilisés\tCAF\t\t", 1)
    text = text.replace("Action N° I-1.1./1", "Fiche N° I-1.1./1").replace(
        "Délai / échéance de programmation", "Echéance"
    )
    row = fiche(read(text))
    assert (row["objectif"], row["partenaires_operationnels"]) == ("Soutenir les habitants", "CAF")
    assert row["echeance"] == "1 (2016)"


def test_a_label_that_is_not_known_is_said_and_not_swallowed_by_the_field_above() -> None:
    result = change(
        "Porteur (s) identifié(s)\t\t\t", "Porteur (s) identifié(s)\tBrest\t\t\nIndicateurs\tdix ateliers\t\t"
    )
    assert codes(result) == ["rubrique-non-comprise"]
    assert "Indicateurs" in result.findings[0].message
    assert fiche(result)["porteurs"] == "Brest"


@pytest.mark.parametrize("title", ["Convention 1 : ", "Convention n° 1 - ", "Convention thématique 1 – "])
def test_a_convention_may_be_called_so_before_its_number(title: str) -> None:
    text = re.sub(r"\n1 - (?=Education et parentalité\n)", f"\n{title}", TEXT)
    assert [row["convention_id"] for row in read(text).tables["conventions"]] == [1, 2]


@pytest.mark.parametrize(("note", "cents"), [("1 000 €*", 100_000), ("1 000 € (1)", 100_000), ("1 000 € TTC", 100_000),
                                             ("12 k€", 1_200_000), ("1,5 M€", 150_000_000)])  # fmt: skip
def test_amounts_are_read_as_forms_understand_them_and_without_their_notes(note: str, cents: int) -> None:
    assert budget(body("Cantine\t1 000 €", f"Cantine\t{note}"))[0] == ("brest", "Cantine", cents)


def test_totals_among_the_lines_are_published_totals() -> None:
    result = body("Classe de mer\t", "Classe de mer\t\nTotal Brest\t1 500 €")
    assert codes(result) == ["total-dans-le-budget"]
    assert "Total Brest" not in [label for _, label, _ in budget(result)]
    totals = [(row["portee"], row["montant"]) for row in result.tables["totaux_publies"] if row["convention_id"] == 1]
    assert totals.count(("collectivité", 150_000)) == 3


def test_a_town_called_a_town_is_the_same_town() -> None:
    result = body("Brest\t1 500 €", "Ville de Brest\t1 500 €")
    assert codes(result) == ["collectivite-variante"]
    assert {town for town, _, _ in budget(result)} == {"brest", "guipavas", "brest-metropole"}


def test_a_table_with_two_years_gives_lines_of_both() -> None:
    old = "Brest\t1 500 €\nCantine\t1 000 €\nMénage des écoles\t500 €"
    new = "\t2013\t2014\nBrest\t1 500 €\t1 800 €\nCantine\t1 000 €\t1 200 €\nMénage des écoles\t500 €\t600 €"
    rows = body(old, new).tables["lignes_budgetaires"]
    lines = [(row["ligne_id"], row["exercice"], row["montant_realise"]) for row in rows if row["libelle"] == "Cantine"]
    assert lines == [("B01-brest-001", 2013, 100_000), ("B01-brest-001", 2014, 120_000)]


def test_a_recap_at_the_end_is_the_recap_and_no_part_of_the_last_fiche() -> None:
    start, end = TEXT.index("1 - Education et parentalité\t"), TEXT.index("Total général")
    after = TEXT.index("\n", end)
    moved = TEXT[:start] + TEXT[after + 1 :] + "\nRécapitulatif\n" + TEXT[start:after] + "\n"
    result, plain = read(moved), read(TEXT)
    names = ("total_id", "montant")
    got, expected = (
        sorted(tuple(row[name] for name in names) for row in contract.tables["totaux_publies"])
        for contract in (result, plain)
    )
    assert got == expected
    assert fiche(result, "I-2./1") | {"ligne_source": 0} == fiche(plain, "I-2./1") | {"ligne_source": 0}
    assert [use for use in result.lines if use.usage == "non placée"] == []


@pytest.mark.parametrize("number", ["I - 1.1 . / 1", "I–1.1./ 1"])
def test_spaces_in_the_number_of_a_fiche_are_none_of_it(number: str) -> None:
    assert codes(change("Action N° I-1.1./1", f"Action N° {number}")) == []


def test_a_text_that_cannot_show_what_is_crossed_out_does_not_say_yes() -> None:
    plain = re.sub(r"<input[^>]*checked[^>]*>", "☑", TEXT)
    result = read(re.sub(r"<input[^>]*>", "☐", plain))
    assert codes(result) == ["rayures-perdues"]
    assert [fiche(result)[name] for name in ("jeunes", "egalite_femmes_hommes")] == [None, None]


def test_an_axe_that_the_numbers_skip_is_said() -> None:
    result = read(TEXT.replace("I-1.2", "I-1.3"))
    assert [(finding.valeur, finding.attendu) for finding in result.findings if finding.code == "axe-saute"] == [
        ("I-1.3", "I-1.2")
    ]


def test_a_funder_without_any_detail_is_said() -> None:
    result = change("\tPlan lecture\tNon déterminé\n", "\t\t\n")
    assert codes(result) == ["financement-sans-detail"]


#: Fiches as many a Word document has them: a table of labels each, a title above, no header that says what they are.
LABELS = """Contrat de ville de Brest

Convention 1 : Éducation

Objectif\tSoutenir
Porteur(s)\tVille de Brest
Échéance\t2026
Indicateurs\tdix ateliers
Quartiers\tBel-Air, Les Clos
Partenaires opérationnels\tCAF

Prévenir le décrochage

Fiche action n°\t1.1/2
Objectif\tAgir
Échéance\t2027
Partenaires opérationnels\tDASEN
"""


def test_tables_of_labels_without_a_header_are_fiches_and_no_budget() -> None:
    result = read(LABELS)
    assert [(row["objectif"], row["echeance"]) for row in result.tables["fiches"]] == [
        ("Soutenir", "2026"), ("Agir", "2027"),
    ]  # fmt: skip
    assert result.tables["fiches"][1]["fiche_id"] == "1.1/2"
    assert (result.tables["lignes_budgetaires"], result.tables["collectivites"]) == ([], [])
    lost = [finding for finding in result.findings if finding.code == "ligne-non-placee"]
    assert [finding.valeur for finding in lost] == ["Prévenir le décrochage"]


def test_a_pilier_is_known_by_its_name_with_a_number_or_none() -> None:
    text = LABELS.replace("Convention 1", "Pilier Emploi\n\nConvention 1").replace(
        "Prévenir", "Pilier 2 – Cadre de vie\n\nConvention 2 : Bâti\n\nPrévenir"
    )
    tables = read(text).tables
    assert [(row["pilier_id"], row["titre"]) for row in tables["piliers"]] == [("I", "Emploi"), ("II", "Cadre de vie")]
    assert [row["pilier_id"] for row in tables["conventions"]] == ["I", "II"]


def test_partners_that_a_comma_separates_are_two() -> None:
    names = {
        row["nom"] for row in read(LABELS.replace("\tDASEN", "\tDASEN, Éducation nationale")).tables["partenaires"]
    }
    assert {"DASEN", "Éducation nationale"} <= names
    prose = read(LABELS.replace("\tDASEN", "\tDASEN, puis les écoles")).tables["partenaires"]
    assert "DASEN, puis les écoles" in {row["nom"] for row in prose}


def test_a_town_that_two_files_call_otherwise_is_one_partner() -> None:
    fiches = read(LABELS.replace("\tCAF", "\tVille de Brest"))
    both = joined([("fiches.docx", fiches), ("budget.txt", read(TEXT))])
    (town,) = [row for row in both.tables["partenaires"] if row["nom"] in ("Brest", "Ville de Brest")]
    assert town["collectivite_id"] == "brest"
    shares = [row["partenaire_id"] for row in both.tables["participations"]]
    assert shares.count(town["partenaire_id"]) == 2
    (finding,) = [finding for finding in both.findings if finding.valeur == "Ville de Brest"]
    assert (finding.code, finding.attendu) == ("collectivite-variante", "Brest")


def test_a_title_gives_its_number_to_the_fiche_below_it() -> None:
    titled = LABELS.replace("Éducation\n", "Éducation\n\nFiche action 1.1 : Ouvrir un lieu\n").replace(
        "Prévenir le", "Fiche action n° 1.2 – Prévenir le"
    )
    for text in (titled, titled.replace("Fiche action n°\t1.1/2\n", "")):
        fiches = read(text).tables["fiches"]
        assert [row["fiche_id"] for row in fiches] == ["1.1", "1.1/2" if text is titled else "1.2"]
        assert [row["proposition"] for row in fiches] == ["Ouvrir un lieu", "Prévenir le décrochage"]


@pytest.mark.parametrize(("decided", "text"), [({}, None), ({"Indicateurs": "Proposition d'action"}, "dix ateliers")])
def test_labels_are_known_by_the_words_of_the_import_and_others_are_asked(
    decided: dict[str, str], text: str | None
) -> None:
    words = load_import_words(ROOT / "templates" / IMPORT_FILE)
    group = words.table("fiches").title
    choices: Choices = {(Topic.COLUMNS, group, key(label)): field for label, field in decided.items()}
    correspondence = Correspondence(choices)
    result = read_document(LABELS.encode(), "contrat.txt", correspondence, words)
    first = result.tables["fiches"][0]
    assert (first["porteurs"], first["quartiers"]) == ("Ville de Brest", "Bel-Air ; Les Clos")
    assert [row["nom"] for row in result.tables["quartiers"]] == ["Bel-Air", "Les Clos"]
    assert first["proposition"] == text
    values = [finding.valeur for finding in result.findings if finding.code == "rubrique-non-comprise"]
    assert values == ([] if decided else ["Indicateurs"])
    asked = [match.text for match in correspondence.open if match.topic is Topic.COLUMNS]
    assert asked == values, "the remedy leads to the correspondence: it is there"


@pytest.mark.parametrize(
    ("written", "proposed", "code"),
    [("", "2014", "exercice-introuvable"), ("2013, l'exercice 2012, et l'exercice 2012", "2012", "exercice-double")],
)
def test_an_exercice_that_the_text_does_not_say_once_is_asked(written: str, proposed: str, code: str) -> None:
    words = load_import_words(ROOT / "templates" / IMPORT_FILE)
    text = TEXT.replace("dans les exercices 2013", f"dans l'exercice {written}" if written else "ici").encode()
    asked = Correspondence({})
    plain = read_document(text, "contrat.docx", asked, words)
    years = [(match.text, match.meaning) for match in asked.open if match.topic is Topic.YEARS]
    assert (years, codes(plain)) == ([("contrat.docx", proposed)], [code])
    decided = Correspondence({(Topic.YEARS, "", key("contrat.docx")): "2011"})
    result = read_document(text, "contrat.docx", decided, words)
    assert codes(result) == []
    assert {row["exercice"] for row in result.tables["lignes_budgetaires"]} == {2011}


def test_an_exercice_that_the_text_says_is_not_asked_and_no_earlier_decision_changes_it() -> None:
    words = load_import_words(ROOT / "templates" / IMPORT_FILE)
    correspondence = Correspondence({(Topic.YEARS, "", key("contrat.docx")): "2011"})
    assert read_document(TEXT.encode(), "contrat.docx", correspondence, words).exercice == 2013
    assert [match for match in correspondence.matches.values() if match.topic is Topic.YEARS] == []
