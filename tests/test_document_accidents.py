"""Each accident of an extraction, alone, and what was decided for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from support.documents import COCHE, VIDE, document, small_contract
from tabellion.findings import TabellionError
from tabellion.importing import ImportedContract, read_document

TEXT = document(small_contract()).decode()


def read(text: str) -> ImportedContract:
    return read_document(text.encode(), "contrat.txt")


def change(old: str, new: str, count: int = 1) -> ImportedContract:
    assert old in TEXT
    return read(TEXT.replace(old, new, count))


def body(old: str, new: str) -> ImportedContract:
    """A change in the body only: after the contents, where budget rows are."""
    head, mark, sections = TEXT.partition("\nI - Conventions thématiques « cohésion sociale »\n\n")
    assert old in sections
    return read(head + mark + sections.replace(old, new, 1))


def codes(result: ImportedContract) -> list[str]:
    return sorted({finding.code for finding in result.findings})


def budget(result: ImportedContract, convention: int = 1) -> list[tuple[str, str, int | None]]:
    return [
        (row["collectivite_id"], row["libelle"], row["montant_realise"])
        for row in result.tables["lignes_budgetaires"]
        if row["convention_id"] == convention
    ]


def fiche(result: ImportedContract, numero: str = "I-1.1./1") -> dict[str, Any]:
    return next(row for row in result.tables["fiches"] if row["fiche_id"] == numero)


def funding(result: ImportedContract) -> list[tuple[str, str | None, str | None, int | None, str]]:
    return [
        (row["fiche_id"], row["financeur_id"], row["dispositif"], row["montant"], row["statut_montant"])
        for row in result.tables["financements"]
    ]


WHOLE = [
    ("brest", "Cantine", 100_000),
    ("brest", "Ménage des écoles", 50_000),
    ("brest", "Classe de mer", None),
    ("guipavas", "Transport", 20_000),
    ("brest-metropole", "Observatoire", 30_000),
    ("brest-metropole", "Etudes", 40_000),
]


@pytest.mark.parametrize(("before", "piliers"), [("", ["I"]), ("A-", ["I", "A"])], ids=["numbers", "letters"])
def test_codes_are_those_of_the_document_whatever_their_letters(before: str, piliers: list[str]) -> None:
    """« 1.1 », « A-1.1 » in place of « I-1.1 »: as many axes and fiches, each under the code that it has there."""
    result = read(re.sub(r"\bI-(?=\d)", before, TEXT))
    assert [row["axe_id"] for row in result.tables["axes"]] == [f"{before}{code}" for code in ("1.1", "1.2", "2")]
    numbers = [f"{before}{code}" for code in ("1.1./1", "1.1./2", "1.2./1", "2./1")]
    assert [row["fiche_id"] for row in result.tables["fiches"]] == numbers
    assert [row["pilier_id"] for row in result.tables["piliers"]] == piliers
    wrong = {"fiche-numero-irregulier", "axe-absent", "axe-deduit"}
    assert [finding.code for finding in result.findings if finding.code in wrong] == []


def test_without_accident_nothing_is_said() -> None:
    result = read(TEXT)
    assert codes(result) == []
    assert budget(result) == WHOLE
    assert funding(result) == [("I-1.1./1", "conseil-regional", "Plan lecture", None, "non déterminé")]


# --- budget ---------------------------------------------------------------------------------------------------------


def test_rows_run_together_with_a_placeholder_are_two_lines() -> None:
    result = body("Cantine\t1 000 €\nMénage des écoles\t500 €", "Cantine (vide)\t1 000 € 500 €")
    assert budget(result)[:2] == [("brest", "Cantine", 100_000), ("brest", "(vide)", 50_000)]
    assert codes(result) == ["ligne-reparee"]


def test_rows_run_together_label_by_label_are_two_lines() -> None:
    for glued in ("Cantine\t1 000 €\tMénage des écoles\t500 €", "Cantine\t1 000 € Ménage des écoles\t500 €"):
        result = body("Cantine\t1 000 €\nMénage des écoles\t500 €", glued)
        assert budget(result) == WHOLE
        assert codes(result) == ["ligne-reparee"]


def test_two_amounts_for_one_label_invent_no_euro() -> None:
    result = body("Cantine\t1 000 €\nMénage des écoles\t500 €", "Cantine\t1 000 € 500 €")
    assert budget(result)[0] == ("brest", "Cantine", None)
    assert codes(result) == ["montants-colles"]
    assert "1 000 € 500 €" in result.tables["lignes_budgetaires"][0]["texte_source"]


def test_a_placeholder_glued_to_a_label_is_taken_off() -> None:
    result = body("Transport\t200 €", "Transport (vide)\t200 €")
    assert budget(result) == WHOLE
    assert codes(result) == ["ligne-reparee"]


def test_a_placeholder_alone_is_a_label() -> None:
    result = body("Transport\t200 €", "(vide)\t200 €")
    assert budget(result)[3] == ("guipavas", "(vide)", 20_000)
    assert codes(result) == []


def test_a_label_cut_over_two_lines_is_rejoined() -> None:
    result = body("Ménage des écoles\t500 €", "Ménage des\nécoles\t500 €")
    assert budget(result) == WHOLE
    assert codes(result) == ["ligne-reparee"]


def test_a_label_without_tab_that_may_stand_alone_is_kept_without_amount() -> None:
    result = body("Ménage des écoles\t500 €", "Théâtre\nMénage des écoles\t500 €")
    assert ("brest", "Théâtre", None) in budget(result)
    assert ("brest", "Ménage des écoles", 50_000) in budget(result)
    assert codes(result) == ["libelle-sans-montant"]


def test_a_lost_tab_is_repaired_when_the_subtotal_agrees() -> None:
    result = body("Ménage des écoles\t500 €", "Ménage des écoles 500 €")
    assert budget(result) == WHOLE
    assert codes(result) == ["ligne-reparee"]


def test_a_lost_tab_is_left_alone_when_the_subtotal_does_not_agree() -> None:
    result = body("Ménage des écoles\t500 €", "Ménage des écoles 3 500 €")
    assert budget(result)[1] == ("brest", "Ménage des écoles 3 500 €", None)
    assert codes(result) == ["montant-douteux"]


@pytest.mark.parametrize(
    ("printed", "cents"),
    [
        ("1\u202f000,00\u00a0€", 100_000),
        ("1.000 €", 100_000),
        ("1000", 100_000),
        ("-1 000 €", -100_000),
        ("1 000,5 €", 100_050),
        ("0 €", 0),
        ("", None),
    ],
)
def test_amounts_as_people_print_them(printed: str, cents: int | None) -> None:
    result = body("Cantine\t1 000 €", f"Cantine\t{printed}")
    assert budget(result)[0] == ("brest", "Cantine", cents)
    assert codes(result) == []


@pytest.mark.parametrize("printed", ["1,000 €", "10 00 €", "n.c.", "environ 3 €"])
def test_an_amount_that_is_not_one_is_left_blank_and_said(printed: str) -> None:
    result = body("Cantine\t1 000 €", f"Cantine\t{printed}")
    assert budget(result)[0] == ("brest", "Cantine", None)
    assert codes(result) == ["montant-illisible"]


def test_a_town_without_its_accents_is_the_same_town() -> None:
    result = body("Brest métropole\t700 €", "BREST METROPOLE\t700 €")
    assert budget(result) == WHOLE
    assert codes(result) == ["collectivite-variante"]


def test_lines_before_any_subtotal_go_to_the_town_that_the_recap_names() -> None:
    result = body("Brest\t1 500 €\n", "")
    assert budget(result) == WHOLE
    assert "sous-total-absent" in codes(result)


def test_lines_before_any_subtotal_without_proof_are_not_placed() -> None:
    result = body("Brest\t1 500 €\nCantine\t1 000 €", "Cantine\t1 001 234 €")
    assert ("guipavas", "Transport", 20_000) in budget(result)
    assert [f.place.ligne for f in result.findings if f.code == "ligne-non-placee"]
    assert {use.usage for use in result.lines} >= {"non placée"}


def test_a_paragraph_that_hides_an_amount_is_not_ignored() -> None:
    result = body("Le recensement", "La ville a aussi payé pour cela une somme de 4 500 €\n\nLe recensement")
    assert codes(result) == ["ligne-non-placee"]
    tabbed = body("Le recensement", "Le\trecensement")
    assert "ligne-non-placee" in codes(tabbed)


# --- fiches ---------------------------------------------------------------------------------------------------------


def test_a_row_cut_over_two_lines_is_rejoined() -> None:
    result = change("Objectif\tSoutenir les habitants\t\t", "Objectif\tSoutenir les\nhabitants\t\t")
    assert fiche(result)["objectif"] == "Soutenir les habitants"
    assert fiche(result)["reparation"] == "lignes recollées"
    assert codes(result) == ["fiche-reparee"]


def test_two_rows_on_one_line_are_two_rows() -> None:
    for glue in ("\t", " "):
        result = change("Soutenir les habitants\t\t\nRéf. Convention", f"Soutenir les habitants{glue}Réf. Convention")
        assert fiche(result)["objectif"] == "Soutenir les habitants"
        assert fiche(result)["ref_interministerielle"] is None


def test_a_label_glued_to_its_value() -> None:
    result = change("Objectif\tSoutenir les habitants", "Objectif Soutenir les habitants")
    assert fiche(result)["objectif"] == "Soutenir les habitants"
    assert codes(result) == ["fiche-reparee"]


def test_rows_in_another_order_and_blank_lines() -> None:
    moved = TEXT.replace("Objectif\tSoutenir les habitants\t\t\n", "", 1).replace(
        "Priorité du territoire\t1 (2016)\t\t\n",
        "Priorité du territoire\t1 (2016)\t\t\n\nObjectif\tSoutenir les habitants\n",
        1,
    )
    result = read(moved)
    assert fiche(result)["objectif"] == "Soutenir les habitants"
    assert codes(result) == []


@pytest.mark.parametrize(
    ("mark", "kept"),
    [
        ("<s>JEUNES (J)</s>", False),
        ("<DEL>JEUNES (J)</DEL>", False),
        ("<strike>JEUNES</strike> (J)", False),
        ("~~JEUNES (J)~~", False),
        ("".join(c + "\u0336" for c in "JEUNES"), False),
        ("", False),
        ("<i>JEUNES (J)</i>", True),
        ("**JEUNES** (J)", True),
    ],
)
def test_transverse_axes_crossed_out(mark: str, kept: bool) -> None:
    result = change("JEUNES (J)", mark)
    row = fiche(result)
    assert (row["jeunes"], row["egalite_femmes_hommes"], row["lutte_discriminations"]) == (kept, True, True)


@pytest.mark.parametrize(
    ("printed", "cpo", "expected"),
    [
        (f"OUI {COCHE} NON {VIDE}", True, []),
        (f"OUI {VIDE} NON {COCHE}", False, []),
        (f"OUI {VIDE} NON {VIDE}", None, []),
        (f"OUI {COCHE} NON {COCHE}", None, ["cpo-double"]),
        (f"OUI {VIDE} NON X", False, ["coche-tapee"]),
        ("OUI ☒ NON ☐", True, []),
        ("OUI [ ] NON [x]", False, []),
        ("☐ OUI ☑ NON", False, []),
        ("OUI <input type='checkbox' checked> NON <INPUT TYPE=checkbox />", True, []),
    ],
)
def test_the_cpo_boxes(printed: str, cpo: bool | None, expected: list[str]) -> None:
    result = change(f"OUI {VIDE} NON {VIDE}", printed)
    assert fiche(result)["cpo"] is cpo
    assert codes(result) == expected


def test_a_missing_number_with_one_possible_value_is_derived() -> None:
    result = change("Action N° I-1.1./2", "")
    assert [row["fiche_id"] for row in result.tables["fiches"]] == ["I-1.1./1", "I-1.1./2", "I-1.2./1", "I-2./1"]
    assert codes(result) == ["fiche-numero-deduit"]


def test_a_number_used_twice_keeps_both_fiches() -> None:
    result = change("Action N° I-1.1./2", "Action N° I-1.1./1")
    assert len(result.tables["fiches"]) == 4
    assert codes(result) == ["fiche-numero-double"]


def test_one_axe_with_two_titles_keeps_the_first() -> None:
    result = read(re.sub(r"(?s)(Apprendre à lire.*?)Apprendre à lire", r"\1Ecrire et compter", TEXT, count=1))
    assert [row["titre"] for row in result.tables["axes"]] == ["Apprendre à lire", "Accueillir les parents", "Soigner"]
    assert codes(result) == ["axe-deux-titres"]


def test_a_page_header_and_number_between_rows_are_ignored() -> None:
    header = "\n12\n\nContrat de ville de l'agglomération brestoise 2015 – 2020\n\n"
    result = change("Priorité du territoire", f"{header}Priorité du territoire")
    assert codes(result) == []
    usages = [use.usage for use in result.lines]
    assert usages.count("ignorée : numéro de page") == 1
    assert usages.count("ignorée : en-tête répété") == 1


def test_a_fiche_header_printed_again_does_not_open_another_fiche() -> None:
    header = "CONVENTION THEMATIQUE : COHESION SOCIALE\t\t\t\nSOUS-THEMATIQUE : 1- Education et parentalité\t\t\t\n"
    result = change("Porteur (s) identifié(s)", f"{header}Porteur (s) identifié(s)")
    assert [row["fiche_id"] for row in result.tables["fiches"]] == ["I-1.1./1", "I-1.1./2", "I-1.2./1", "I-2./1"]
    assert funding(result) == [PLAN]
    assert codes(result) == ["en-tete-de-fiche-repete"]


def test_a_fiche_that_lost_its_header_is_still_a_fiche() -> None:
    lines = TEXT.split("\n")
    starts = [i for i, line in enumerate(lines) if line.startswith("CONVENTION THEMATIQUE")]
    del lines[starts[1] : starts[1] + 2]
    result = read("\n".join(lines))
    assert [row["fiche_id"] for row in result.tables["fiches"]] == ["I-1.1./1", "I-1.1./2", "I-1.2./1", "I-2./1"]
    assert fiche(result, "I-1.1./2")["convention_id"] == 1
    assert codes(result) == ["fiche-sans-convention"]


# --- funders --------------------------------------------------------------------------------------------------------

TICKED = f"{COCHE} Conseil Régional Bretagne"
PLAN = ("I-1.1./1", "conseil-regional", "Plan lecture", None, "non déterminé")


@pytest.mark.parametrize(
    "typed", ["X Conseil Régional Bretagne", f"{VIDE} x Conseil Régional Bretagne", "x Conseil Régional Bretagne"]
)
def test_a_typed_cross_is_a_tick(typed: str) -> None:
    result = change(TICKED, typed)
    assert funding(result) == [PLAN]
    assert result.tables["financements"][0]["reparation"] == "coche tapée"
    assert codes(result) == ["coche-tapee"]


def test_a_cross_in_place_of_a_later_box_is_a_tick() -> None:
    boxes = f"Conseil Régional Bretagne {VIDE} Conseil départemental du Finistère"
    result = change(f"{COCHE} {boxes} {VIDE} EPCI", f"{VIDE} {boxes} X EPCI")
    assert funding(result) == [("I-1.1./1", "epci", "Plan lecture", None, "non déterminé")]


@pytest.mark.parametrize("empty", ["☐", "[ ]", "<input type=checkbox>", "□"])
@pytest.mark.parametrize("ticked", ["☑", "☒", "[x]", "✓", "<input type='checkbox' checked='checked' />"])
def test_boxes_of_any_make(empty: str, ticked: str) -> None:
    result = read(TEXT.replace(COCHE, ticked).replace(VIDE, empty))
    assert funding(result) == [PLAN]
    assert codes(result) == ([] if "<" in empty + ticked else ["rayures-perdues"])


def test_a_text_on_a_row_without_tick_goes_to_the_only_ticked_funder() -> None:
    result = change("\tPlan lecture\tNon déterminé\n", "\t\t\n")
    assert funding(result) == [("I-1.1./1", "conseil-regional", None, None, "non renseigné")]
    row = TEXT.replace("\tPlan lecture\tNon déterminé\n", "\t\t\n", 1).replace(
        f"{VIDE} Caisse des Dépôts et Consignations {VIDE} Autres\t\t", f"{VIDE} Caisse des Dépôts et Consignations "
        f"{VIDE} Autres\tPlan lecture\tNon déterminé", 1,
    )  # fmt: skip
    moved = read(row)
    assert funding(moved) == [PLAN]
    assert codes(moved) == ["texte-deplace"]


def test_a_text_without_any_tick_is_kept_without_funder() -> None:
    result = change(TICKED, f"{VIDE} Conseil Régional Bretagne")
    assert funding(result) == [("I-1.1./1", None, "Plan lecture", None, "non déterminé")]
    assert codes(result) == ["financement-sans-coche"]


def test_one_amount_for_two_ticks_is_counted_for_neither() -> None:
    both = TEXT.replace(f"{VIDE} EPCI", f"{COCHE} EPCI", 1).replace("Non déterminé", "12 000 €", 1)
    result = read(both)
    assert [row[1:] for row in funding(result)] == [
        ("conseil-regional", "Plan lecture", None, "autre"),
        ("epci", "Plan lecture", None, "autre"),
    ]
    assert codes(result) == ["texte-partage"]


@pytest.mark.parametrize(
    ("texte", "montant", "statut"),
    [
        ("890 000 € (inscrits)", 89_000_000, "chiffré"),
        ("3000 € par jeune", None, "autre"),
        ("2000 € puis 1000 €", None, "autre"),
        ("A négocier dans les Contrats", None, "à négocier"),
        ("A calculer selon le CPER", None, "à calculer"),
        ("Voir annexe", None, "autre"),
    ],
)
def test_the_state_of_an_amount(texte: str, montant: int | None, statut: str) -> None:
    result = change("Plan lecture\tNon déterminé", f"Plan lecture\t{texte}")
    assert funding(result) == [("I-1.1./1", "conseil-regional", "Plan lecture", montant, statut)]
    assert result.tables["financements"][0]["montant_texte"] == texte


@pytest.mark.parametrize(
    "cells",
    [
        "Dispositif / BOP Plan lecture\tMontant (€) à titre indicatif Non déterminé",
        "Dispositif / BOP Plan lecture Montant (€) à titre indicatif Non déterminé",
        "Dispositif / BOP\tMontant (€) à titre indicatif\tPlan lecture\tNon déterminé",
    ],
)
def test_headers_glued_to_their_values(cells: str) -> None:
    result = change("Plan lecture\tNon déterminé", cells)
    assert funding(result) == [PLAN]


def test_label_variants_are_the_same_funder() -> None:
    result = change(TICKED, f"{COCHE} Conseil régional Bretagnes")
    assert funding(result) == [PLAN]
    assert codes(result) == ["financeur-variante"]


def test_a_label_cut_over_two_lines_is_one_box() -> None:
    result = change("Conseil départemental du Finistère", "Conseil départemental\n\tdu Finistère")
    assert funding(result) == [PLAN]
    assert codes(result) == ["financeur-recolle"]


def test_a_ticked_funder_that_no_other_fiche_has_is_kept() -> None:
    result = change(f"{TICKED} ", f"{COCHE} Agence de l'eau {VIDE} Conseil Régional Bretagne ")
    assert funding(result) == [("I-1.1./1", "agence-de-l-eau", "Plan lecture", None, "non déterminé")]
    assert codes(result) == ["financeur-inconnu"]
    assert "agence-de-l-eau" in {row["financeur_id"] for row in result.tables["financeurs"]}


# --- headings -------------------------------------------------------------------------------------------------------


def test_a_convention_in_the_contents_only_is_said_and_kept() -> None:
    result = change("2 - Santé.....\t6\n", "2 - Santé.....\t6\n3 - Emploi\t9\n")
    assert [row["convention_id"] for row in result.tables["conventions"]] == [1, 2, 3]
    assert "convention-hors-corps" in codes(result)


def test_a_title_that_differs_is_said() -> None:
    result = body("2-Santé", "2-Santé publique")
    assert codes(result) == ["titre-different"]


def test_a_numbered_paragraph_is_not_a_convention() -> None:
    result = body(
        "Le recensement", "2 - Cette phrase commence par un chiffre et n'ouvre rien du tout.\n\nLe recensement"
    )
    assert [row["convention_id"] for row in result.tables["conventions"]] == [1, 2]
    assert budget(result) == WHOLE


# --- what is not such a document ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "document-vide"),
        (b" \n\t\n", "document-vide"),
        (b"PK\x03\x04rest", "document-binaire"),
        (b"%PDF-1.7", "document-binaire"),
        (b"abc\x00def", "document-binaire"),
        (TEXT.encode("utf-16"), "document-encodage"),
        (b"Bonjour \x81\x8d monde \xe9", "document-encodage"),
        (b"Une lettre, sans convention.\n", "document-sans-convention"),
    ],
)
def test_what_is_not_a_contract_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(TabellionError) as raised:
        read_document(data, "x.txt")
    assert [f.code for f in raised.value.findings][-1] == code


def test_windows_1252_is_read_and_said() -> None:
    result = read_document(TEXT.replace("\u2018", "'").encode("cp1252"), "x.txt")
    assert budget(result) == WHOLE
    assert codes(result) == ["document-windows-1252"]


@pytest.mark.parametrize(
    "noise",
    [
        lambda: "x" * 3_000_000,
        lambda: "1 " * 9_000,
        lambda: "<" * 15_000,
        lambda: "<s>" * 5_000,
        lambda: "~~" * 9_000,
        lambda: "a\t" * 9_000,
        lambda: "(vide) " * 2_500,
        lambda: "☐ " * 9_000,
        lambda: "- " * 9_000,
    ],
)
def test_hostile_lines_do_not_hang(noise: Callable[[], str]) -> None:
    result = read(TEXT.replace("Cantine", noise(), 1).replace("Soutenir les habitants", noise(), 1))
    assert result.lines


def _joined(text: str, letters: str, sign: str) -> str:
    """``text`` with the letters as the one sign that a PDF has for them."""
    assert letters in text
    return text.replace(letters, sign)


@pytest.mark.parametrize(
    "spelt",
    [
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: unicodedata.normalize("NFD", text[: len(text) // 2]) + text[len(text) // 2 :],
        lambda text: _joined(text, "fi", "\ufb01"),
        lambda text: _joined(text, "ffi", "\ufb03"),
        lambda text: _joined(text, "ff", "\ufb00"),
        lambda text: _joined(text, "st", "\ufb06"),
        lambda text: unicodedata.normalize("NFD", _joined(text, "fi", "\ufb01")),
        lambda text: re.sub("(?<=[a-z])(?=[aeiou])", "\u00ad", text),
        lambda text: re.sub("(?<=[a-z]) (?=[a-z])", " \u200b", text),
        lambda text: text.replace("1", "1\u2060").replace("\n", "\ufeff\n"),
    ],
    ids=["nfd", "half nfd", "fi", "ffi", "ff", "st", "nfd and fi", "soft hyphens", "zero width", "joiners"],
)
def test_what_looks_the_same_is_read_the_same(spelt: Callable[[str], str]) -> None:
    """Decomposed accents (macOS), ligatures and soft hyphens (PDF), signs that show nothing."""
    text = TEXT.replace("Ménage des écoles", "Ménage des écoles, coefficient, affichage et stages")
    plain, other = read(text), read(spelt(text))
    assert other.tables == plain.tables
    assert [(finding.code, finding.valeur, finding.message) for finding in other.findings] == [
        (finding.code, finding.valeur, finding.message) for finding in plain.findings
    ]
    assert other.lines == plain.lines
