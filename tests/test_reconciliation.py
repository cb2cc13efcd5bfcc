"""What partners say against each other: each rule with all its cells, what it leaves alone, and its edges."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.contracts import Row, Rows, book_of, contracts, followed, line, locate, small_rows, tables_of
from support.findings import cells, check, linked
from support.masters import NAMES, contract
from tabellion.campaign.merged import InForce
from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.campaign.reconciliation import reconcile
from tabellion.findings import Finding, Severity
from tabellion.layout.forms import FormIdentity
from tabellion.schema.tables import Tables

AVERTISSEMENT, INFORMATION, ERREUR = Severity.AVERTISSEMENT, Severity.INFORMATION, Severity.ERREUR
COLUMNS = {"dispositif": 4, "statut_montant": 5, "montant": 6}


def findings_of(rows: Rows, declarations: Sequence[InForce] = ()) -> list[Finding]:
    """What the reconciliation says of a contract given as rows, at the places of :func:`support.contracts.locate`."""
    return reconcile(book_of(tables_of(rows)), locate, declarations)


# ---- the funder and the lead


def two_sides() -> Rows:
    """The small contract, where the State answers for its financement and a second town leads the fiche too."""
    rows = small_rows()
    rows["partenaires"] += [
        {"partenaire_id": "prefecture", "nom": "Préfecture", "financeur_id": "etat"},
        {"partenaire_id": "luce", "nom": "Lucé", "collectivite_id": "luce"},
    ]
    rows["participations"].append({"fiche_id": "I-1.1./1", "partenaire_id": "luce", "role": "porteur"})
    return rows


def answer(partenaire: str, row: int = 5, exercice: int = 2016, left: Sequence[str] = (), **stated: Any) -> InForce:
    """What a partner's return says of the State's financement, typed where the form was blank but for ``left``."""
    known: Row = {**small_rows()["financements"][0]}
    key = stated.pop("financement_id", known["financement_id"])
    is_new = bool(stated.pop("is_new", False))
    values = {**known, "financement_id": key, **stated}
    typed = COLUMNS if is_new else ("montant", "statut_montant", "dispositif")
    before = {name: None for name in typed if name not in left}
    returned = ReturnedRow("financements", (key,), values, before, is_new, "Financements", row, COLUMNS)
    return declared(partenaire, exercice, returned)


def declared(partenaire: str, exercice: int, row: ReturnedRow) -> InForce:
    """A return in force that has this one row."""
    identity = FormIdentity("essai", partenaire, exercice, "")
    return InForce(f"retours/{partenaire}.xlsx", ParsedReturn("x", identity, None, "", (), (row,)))


def places(finding: Finding) -> list[str]:
    """Its own cell and the linked ones, as ``file!cell``."""
    return [f"{place.fichier}!{place.cellule}" for place in (finding.place, *finding.liees)]


def test_a_funder_and_a_lead_that_declare_different_amounts_are_both_named() -> None:
    findings = findings_of(two_sides(), [answer("prefecture", 7, montant=900_000_50), answer("bailleur", 9)])
    assert [(finding.code, finding.champ, finding.gravite) for finding in findings] == [
        ("financement-contredit", "montant", AVERTISSEMENT)
    ]
    assert places(findings[0]) == ["retours/prefecture.xlsx!F7", "retours/bailleur.xlsx!F9"]
    assert (findings[0].valeur, findings[0].attendu) == (900_000.5, 890_000)
    for words in ("Préfecture", "Bailleur", "900\u202f000,50\u00a0€", "890\u202f000\u00a0€", "10\u202f000,50\u00a0€"):
        assert words in findings[0].message


def test_it_does_not_matter_which_of_the_two_changed_the_amount_nor_which_file_came_first() -> None:
    findings = findings_of(two_sides(), [answer("bailleur", 9, montant=1), answer("prefecture", 7)])
    assert places(findings[0]) == ["retours/prefecture.xlsx!F7", "retours/bailleur.xlsx!F9"]


def test_each_lead_that_contradicts_the_funder_is_a_cell_of_the_same_finding() -> None:
    changed = answer("prefecture", montant=900_000_00)
    findings = findings_of(two_sides(), [changed, answer("bailleur", 8), answer("luce", 9, montant=880_000_00)])
    assert [finding.code for finding in findings] == ["financement-contredit"]
    assert places(findings[0])[1:] == ["retours/bailleur.xlsx!F8", "retours/luce.xlsx!F9"]
    agreeing = [changed, answer("bailleur", 8), answer("luce", 9, montant=900_000_00)]
    assert places(findings_of(two_sides(), agreeing)[0])[1:] == ["retours/bailleur.xlsx!F8"]


def test_words_are_compared_as_people_do() -> None:
    same = answer("prefecture", dispositif="programme  de REUSSITE éducative")
    assert findings_of(two_sides(), [same, answer("bailleur")]) == []
    other = answer("prefecture", dispositif="Cordées de la réussite", statut_montant="à négocier")
    findings = findings_of(two_sides(), [other, answer("bailleur")])
    assert [(finding.code, finding.champ, finding.gravite) for finding in findings] == [
        ("financement-decrit-autrement", "statut_montant", AVERTISSEMENT),
        ("financement-decrit-autrement", "dispositif", INFORMATION),
    ]
    assert places(findings[0]) == ["retours/prefecture.xlsx!E5", "retours/bailleur.xlsx!E5"]
    assert (findings[0].valeur, findings[0].attendu) == ("à négocier", "chiffré")


@pytest.mark.parametrize(
    "declarations",
    [
        [answer("prefecture", montant=1)],
        [answer("prefecture"), answer("bailleur")],
        [answer("prefecture", montant=1), answer("bailleur", montant=1)],
        [answer("prefecture", montant=None), answer("bailleur")],
        [answer("prefecture", dispositif=" "), answer("bailleur")],
        [answer("prefecture", montant=1), answer("bailleur", exercice=2017)],
        [answer("luce", montant=1), answer("bailleur")],
        [answer("prefecture", montant=1), answer("inconnu")],
    ],
    ids=["alone", "as sent", "agreed", "blank", "spaces", "another exercice", "two leads", "no lead"],
)
def test_nothing_is_said_where_nobody_contradicts_anybody(declarations: list[InForce]) -> None:
    assert findings_of(two_sides(), declarations) == []


@pytest.mark.parametrize("silent", ["prefecture", "bailleur"])
def test_a_cell_left_as_it_was_sent_declares_nothing(silent: str) -> None:
    sides = [
        answer(name, dispositif=f"Selon {name}", montant=cents, left=("montant",) if name == silent else ())
        for name, cents in (("prefecture", 5_00), ("bailleur", 7_00))
    ]
    assert [finding.champ for finding in findings_of(two_sides(), sides)] == ["dispositif"]


def test_a_partner_that_is_both_funder_and_lead_does_not_contradict_itself() -> None:
    rows = two_sides()
    rows["participations"].append({"fiche_id": "I-1.1./1", "partenaire_id": "prefecture", "role": "porteur"})
    assert findings_of(rows, [answer("prefecture", montant=1)]) == []


def test_the_same_financement_added_by_both_is_recognised_under_two_identifiers() -> None:
    rows = two_sides()
    rows["financements"].pop(0)
    first = answer("prefecture", 60, is_new=True, montant=5_00)
    second = answer("bailleur", 61, is_new=True, montant=6_00, financement_id="I-1.1./1:etat-2")
    findings = findings_of(rows, [first, second])
    assert [finding.code for finding in findings] == ["financement-contredit"]
    assert places(findings[0]) == ["retours/prefecture.xlsx!F60", "retours/bailleur.xlsx!F61"]


def test_two_known_financements_of_one_funder_on_one_fiche_are_not_compared() -> None:
    first = answer("prefecture", montant=5_00)
    second = answer("bailleur", montant=6_00, financement_id="I-1.1./1:etat-2")
    assert findings_of(two_sides(), [first, second]) == []


def test_rows_of_other_tables_are_left_alone() -> None:
    row = ReturnedRow("suivis", ("I-1.1./1", "luce", 2016), {}, {}, False, "Actions", 4, {})
    assert findings_of(two_sides(), [declared("luce", 2016, row)]) == []


# ---- funders and amounts


def engaged(*cents: int | None, fiche: str = "I-1.1./1", **more: Any) -> list[Row]:
    """What as many partners engaged on one fiche in 2016."""
    names = ("bailleur", "luce", "prefecture", "caf", "region", "ddt")
    return [
        followed(fiche, more.get("exercice", 2016), name, montant_engage=amount)
        for name, amount in zip(names, cents, strict=False)
    ]


def test_a_ticked_funder_of_which_nothing_says_the_amount() -> None:
    rows = small_rows()
    rows["financements"][1]["statut_montant"] = None
    findings = findings_of(rows)
    assert cells(findings) == [("financeur-sans-montant", "financements.montant@1")]
    assert linked(findings[0]) == ["financements.statut_montant@1"]
    assert findings[0].gravite is AVERTISSEMENT
    assert "Région" in findings[0].message


def test_a_ticked_funder_still_without_amount_when_money_is_engaged() -> None:
    rows = small_rows()
    rows["suivis"] = engaged(12_000_00, 0, None, fiche="I-2./1")
    findings = findings_of(rows)
    assert cells(findings) == [("financeur-sans-montant", "financements.montant@1")]
    assert linked(findings[0]) == ["financements.statut_montant@1", "suivis.montant_engage@0"]
    assert findings[0].gravite is INFORMATION
    for words in ("Région", "« à négocier »", "12\u202f000\u00a0€", "Bailleur", "2016"):
        assert words in findings[0].message


def test_what_the_contract_s_own_checks_say_of_amounts_is_not_said_again() -> None:
    rows = small_rows()
    rows["financements"] = [
        {**rows["financements"][0], "montant": None},
        {**rows["financements"][1], "montant": 5_00},
        {**rows["financements"][1], "financement_id": "sans", "financeur_id": None, "montant": None},
    ]
    rows["suivis"] = engaged(1_00)
    assert {finding.code for finding in check(rows)} == {"montant-et-statut", "dispositif-sans-financeur"}
    assert findings_of(rows) == []


def test_money_engaged_on_a_fiche_without_any_financement() -> None:
    rows = small_rows()
    rows["suivis"] = [*engaged(5_00, 0, 7_50, fiche="II-3.1./1"), *engaged(1_00, fiche="II-3.1./1", exercice=2017)]
    findings = findings_of(rows)
    assert cells(findings) == [("engagement-sans-financeur", "suivis.montant_engage@0")]
    assert linked(findings[0]) == ["suivis.montant_engage@2", "suivis.montant_engage@3"]
    assert findings[0].valeur == 13.5
    rows["suivis"] = engaged(0, None, fiche="II-3.1./1")
    assert findings_of(rows) == []


# ---- the plan of a fiche


def test_engagements_beyond_all_the_sources_of_a_fiche_name_every_cell() -> None:
    rows = small_rows()
    rows["suivis"] = engaged(890_000_00, 2_01)
    findings = findings_of(rows)
    assert cells(findings) == [("plan-non-couvert", "suivis.montant_engage@0")]
    assert linked(findings[0]) == ["suivis.montant_engage@1", "financements.montant@0"]
    assert (findings[0].valeur, findings[0].attendu, findings[0].gravite) == (890_002.01, 890_000, AVERTISSEMENT)
    assert "2,01\u00a0€" in findings[0].message


def test_a_difference_up_to_the_settings_rounding_is_only_a_notice() -> None:
    rows = two_sides()
    rows["suivis"] = engaged(890_000_00, 2_00)
    findings = findings_of(rows, [answer("prefecture", montant=890_002_00), answer("bailleur")])
    assert [(finding.code, finding.gravite) for finding in findings] == [
        ("financement-contredit", INFORMATION),
        ("plan-non-couvert", INFORMATION),
    ]


def test_a_plan_is_covered_up_to_its_last_cent_and_unknown_where_a_source_is_not_priced() -> None:
    rows = small_rows()
    rows["suivis"] = engaged(890_000_00)
    assert findings_of(rows) == []
    rows["suivis"] = engaged(990_000_00)
    assert [finding.code for finding in findings_of(rows)] == ["plan-non-couvert"]
    unpriced = {"financement_id": "I-1.1./1:region", "fiche_id": "I-1.1./1", "financeur_id": "region"}
    rows["financements"].append({**unpriced, "statut_montant": "à négocier"})
    assert [finding.code for finding in findings_of(rows)] == ["financeur-sans-montant"]


def test_exercices_are_not_added_up() -> None:
    rows = small_rows()
    rows["suivis"] = [*engaged(890_000_00), *engaged(890_000_00, exercice=2017)]
    assert findings_of(rows) == []
    rows["suivis"][1]["montant_engage"] += 1
    assert cells(findings_of(rows)) == [("plan-non-couvert", "suivis.montant_engage@1")]


def test_a_long_list_of_partners_is_counted_in_words_and_whole_in_cells() -> None:
    rows = small_rows()
    rows["suivis"] = engaged(*[200_000_00] * 6)
    (finding,) = findings_of(rows)
    assert "et 2 autres" in finding.message
    assert len(finding.liees) == 6


# ---- lines shared by collectivités


def with_lines(*lines: Row) -> Rows:
    rows = small_rows()
    rows["lignes_budgetaires"] = list(lines)
    return rows


def new(rank: int, town: str, libelle: str, cents: int | None, **more: Any) -> Row:
    """A line of convention 1 in 2016, unless told."""
    values = {"convention": 1, "exercice": 2016, **more}
    return line(f"B01-{town}-{rank:03d}", values.pop("convention"), town, libelle, cents, **values)


def test_the_same_expense_in_two_collectivites_is_one_finding() -> None:
    rows = with_lines(
        new(1, "luce", "Mission locale", 5_000_00, montant_prevu=4_000_00),
        new(2, "metropole", "MISSION  locale", 5_000_00, montant_prevu=4_000_00),
        new(3, "luce", "Mission locale ", 5_000_00),
    )
    findings = findings_of(rows)
    assert cells(findings) == [("ligne-de-deux-collectivites", "lignes_budgetaires.montant_realise@0")]
    assert linked(findings[0]) == ["lignes_budgetaires.montant_realise@1"]
    assert "Lucé et Métropole" in findings[0].message
    assert findings[0].gravite is AVERTISSEMENT


def test_an_amount_that_is_only_planned_counts_too() -> None:
    rows = with_lines(
        new(1, "luce", "Mission locale", None, montant_prevu=5),
        new(2, "metropole", "Mission locale", None, montant_prevu=5),
    )
    assert cells(findings_of(rows)) == [("ligne-de-deux-collectivites", "lignes_budgetaires.montant_prevu@0")]


@pytest.mark.parametrize(
    "other",
    [
        {"cents": 5_001_00},
        {"exercice": 2017},
        {"convention": 2},
        {"libelle": "Mission locale de Lucé"},
        {"town": "luce"},
        {"cents": None},
    ],
    ids=["amount", "exercice", "convention", "label", "same collectivité", "blank"],
)
def test_a_line_that_differs_is_another_expense(other: dict[str, Any]) -> None:
    values = {"town": "metropole", "libelle": "Mission locale", "cents": 5_000_00, **other}
    second = new(2, values.pop("town"), values.pop("libelle"), values.pop("cents"), **values)
    findings = findings_of(with_lines(new(1, "luce", "Mission locale", 5_000_00), second))
    assert "ligne-de-deux-collectivites" not in {finding.code for finding in findings}


@pytest.mark.parametrize(
    ("libelle", "cents", "is_said"),
    [
        ("Ateliers", 5, True),
        ("Atelier", 5, False),
        ("Ateliers", 0, False),
        ("à compléter", 5, False),
        ("xxxxxxxxx", 5, False),
    ],
)
def test_a_generic_label_or_no_money_at_all_is_no_shared_expense(libelle: str, cents: int, is_said: bool) -> None:
    findings = findings_of(with_lines(new(1, "luce", libelle, cents), new(2, "metropole", libelle, cents)))
    assert bool(findings) is is_said


# ---- the same money in two conventions


def test_the_same_money_in_two_conventions_is_said_in_the_exercices_of_the_campaign() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"] += [
        new(8, "luce", "Ludothèque", 70_00),
        new(9, "luce", "ludothèque", 70_00, convention=2),
    ]
    findings = findings_of(rows)
    assert cells(findings) == [("compte-deux-fois", "lignes_budgetaires.montant_realise@7")]
    assert linked(findings[0]) == ["lignes_budgetaires.montant_realise@6"]
    assert "compte-deux-fois" not in {finding.code for finding in check(rows)}


def test_what_the_checks_say_of_the_census_is_not_said_again_but_a_planned_amount_is() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][3].update(libelle="Cantine", montant_realise=1_000_00, montant_prevu=5_00)
    rows["lignes_budgetaires"][0].update(montant_prevu=5_00)
    assert "compte-deux-fois" in {finding.code for finding in check(rows)}
    assert findings_of(rows) == []
    rows["lignes_budgetaires"][3].update(montant_realise=1_001_00)
    assert cells(findings_of(rows)) == [("compte-deux-fois", "lignes_budgetaires.montant_prevu@3")]


# ---- subtotals


def test_a_total_by_name_that_sums_the_other_lines_is_an_error_at_all_its_cells() -> None:
    rows = with_lines(
        new(1, "luce", "Cantine", 100), new(2, "luce", "Garderie", 250), new(3, "luce", "TOTAL Lucé", 350)
    )
    findings = findings_of(rows)
    assert cells(findings) == [("sous-total-compte-comme-ligne", "lignes_budgetaires.montant_realise@2")]
    assert linked(findings[0]) == ["lignes_budgetaires.montant_realise@0", "lignes_budgetaires.montant_realise@1"]
    assert (findings[0].gravite, findings[0].valeur) == (ERREUR, 3.5)


def test_a_subtotal_by_name_sums_the_run_of_lines_above_it() -> None:
    rows = with_lines(
        new(1, "luce", "Cantine", 100),
        new(2, "luce", "Garderie", 250),
        new(3, "metropole", "Ailleurs", 999),
        new(4, "luce", "Sous-total", 350),
        new(5, "luce", "Piscine", 80),
        new(6, "luce", "Total", 430),
    )
    findings = findings_of(rows)
    assert cells(findings) == [
        ("sous-total-compte-comme-ligne", "lignes_budgetaires.montant_realise@3"),
        ("sous-total-compte-comme-ligne", "lignes_budgetaires.montant_realise@5"),
    ]
    assert linked(findings[0]) == ["lignes_budgetaires.montant_realise@0", "lignes_budgetaires.montant_realise@1"]
    assert linked(findings[1]) == [f"lignes_budgetaires.montant_realise@{index}" for index in (0, 1, 4)]


def test_a_total_by_name_that_sums_nothing_known_is_only_doubtful() -> None:
    rows = with_lines(new(1, "luce", "Cantine", 100), new(2, "luce", "Somme des écoles", 999))
    findings = findings_of(rows)
    assert [(finding.gravite, finding.liees) for finding in findings] == [(AVERTISSEMENT, ())]


@pytest.mark.parametrize("libelle", ["Sommeil des enfants", "Totalité du parc", "Grand totem", "Cantine"])
def test_a_label_that_only_resembles_a_total_is_none(libelle: str) -> None:
    rows = with_lines(new(1, "luce", "Piscine", 100), new(2, "luce", libelle, 100), new(3, "luce", "École", 50))
    assert findings_of(rows) == []


def test_a_total_by_name_without_money_counts_nothing_twice() -> None:
    rows = with_lines(new(1, "luce", "Cantine", 0), new(2, "luce", "Total", 0), new(3, "luce", "Total", None))
    assert findings_of(rows) == []


def test_an_ordinary_line_worth_all_the_others_is_told_the_more_lines_the_graver() -> None:
    three = [new(1, "luce", "Cantine", 100), new(2, "luce", "Enfance", 350), new(3, "luce", "Garderie", 250)]
    findings = findings_of(with_lines(*three))
    assert cells(findings) == [("sous-total-compte-comme-ligne", "lignes_budgetaires.montant_realise@1")]
    assert linked(findings[0]) == ["lignes_budgetaires.montant_realise@0", "lignes_budgetaires.montant_realise@2"]
    assert findings[0].gravite is INFORMATION
    four = [*three[:2], new(3, "luce", "Garderie", 200), new(4, "luce", "Piscine", 50)]
    assert [finding.gravite for finding in findings_of(with_lines(*four))] == [AVERTISSEMENT]
    twice = [{**row, "montant_prevu": row["montant_realise"] * 2} for row in three]
    assert [finding.gravite for finding in findings_of(with_lines(*twice))] == [AVERTISSEMENT]


@pytest.mark.parametrize(
    "cents", [[100, 100], [100, 100, 0], [100, 0, None], [0, 0, 0], [100, 250, 351], [100]], ids=str
)
def test_equal_lines_zeros_and_near_sums_are_no_subtotal(cents: list[int | None]) -> None:
    lines = [new(rank, "luce", f"Ligne {rank}", amount) for rank, amount in enumerate(cents)]
    assert findings_of(with_lines(*lines)) == []


def test_a_sum_across_collectivites_conventions_exercices_or_unplaced_lines_is_no_subtotal() -> None:
    parts = [new(1, "luce", "Cantine", 100), new(2, "luce", "Garderie", 250)]
    for whole in (
        new(3, "metropole", "Enfance", 350),
        new(3, "luce", "Enfance", 350, convention=2),
        new(3, "luce", "Enfance", 350, exercice=2017),
        {**new(3, "luce", "Enfance", 350), "convention_id": None},
    ):
        assert findings_of(with_lines(*parts, whole)) == []


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=8), st.data())
def test_whatever_the_amounts_their_sum_is_found_where_it_stands_and_links_its_parts(
    cents: list[int], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(cents)))
    amounts = [*cents[:place], sum(cents), *cents[place:]]
    findings = findings_of(
        with_lines(*(new(rank, "luce", f"Ligne {rank}", amount) for rank, amount in enumerate(amounts)))
    )
    parts = [rank for rank, amount in enumerate(amounts) if amount and rank != place]
    if len(parts) < 2:
        assert findings == []
    else:
        assert cells(findings) == [("sous-total-compte-comme-ligne", f"lignes_budgetaires.montant_realise@{place}")]
        assert linked(findings[0]) == [f"lignes_budgetaires.montant_realise@{rank}" for rank in parts]


# ---- all together


@pytest.mark.parametrize("name", NAMES)
def test_a_contract_that_no_return_has_touched_has_nothing_to_reconcile(name: str) -> None:
    known = contract(name)
    assert reconcile(known, locate, []) == []
    assert findings_of(small_rows()) == []


@given(contracts())
def test_every_place_is_a_cell_that_exists_and_two_runs_say_the_same(tables: Tables) -> None:
    findings = reconcile(book_of(tables), locate, [])
    assert findings == reconcile(book_of(tables), locate, [])
    for finding in findings:
        for place in (finding.place, *finding.liees):
            field, _, index = (place.cellule or "").partition("@")
            assert field in tables[place.feuille or ""].columns
            assert int(index) in range(len(tables[place.feuille or ""]))


def test_a_contract_of_a_whole_country_is_reconciled_in_little_time() -> None:
    towns = [f"ville-{rank}" for rank in range(100)]
    rows: Rows = {
        "collectivites": [{"collectivite_id": town, "nom": town} for town in towns],
        "lignes_budgetaires": [
            line(f"L{rank}", 1 + rank % 11, towns[rank % 100], f"Action {rank % 999}", rank * 7919 % 900_001)
            for rank in range(50_000)
        ],
        "financements": [
            {"financement_id": f"F{rank}", "fiche_id": f"I-1./{rank % 4000}", "financeur_id": "etat", "montant": rank}
            for rank in range(20_000)
        ],
        "suivis": [followed(f"I-1./{rank}", 2016, montant_engage=rank * 100) for rank in range(4000)],
    }
    tables = tables_of(rows)
    start = time.process_time()
    assert reconcile(book_of(tables), locate, [])
    assert time.process_time() - start < 5  # 0.5 s measured
