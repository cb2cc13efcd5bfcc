"""Contracts beside one another: every planted anomaly is said at its cell, and nothing is invented."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import pytest

from support.contracts import ROOT, Row
from support.portfolios import NAMES, Portfolio, place, portfolio
from tabellion.findings import Finding, Severity, TabellionError
from tabellion.portfolio.common_names import NAMES_FILE, load_common_names, name_key
from tabellion.portfolio.compared import MOST_OF_A_CODE
from tabellion.portfolio.comparison import compare

#: Where an anomaly was planted: its contract, its table, its cell.
Planted = tuple[str, str, str]


def cells(findings: Iterable[Finding], code: str) -> list[Planted]:
    return [
        ((finding.place.fichier or "").partition("/")[0], finding.place.feuille or "", finding.place.cellule or "")
        for finding in findings
        if finding.code == code
    ]


def other(key: str) -> str:
    """Another contract of the same region: regions come every three."""
    return f"ville-{int(key[-3:]) + 3:03d}"


def thousand(portfolio: Portfolio, rng: random.Random, key: str) -> list[tuple[str, Planted]]:
    rows = portfolio.tables[key]["lignes_budgetaires"]
    index = rng.randrange(len(rows))
    rows[index]["montant_vote"] *= 1000
    return [("montant-loin-des-autres", (key, "lignes_budgetaires", place(rows[index], index + 1, "montant_vote")))]


def whole_town(portfolio: Portfolio, _: random.Random, key: str) -> list[tuple[str, Planted]]:
    """A town that types thousands of euros: one finding, at its first line."""
    rows = portfolio.tables[key]["lignes_budgetaires"]
    for row in rows:
        if row["collectivite_id"] == "t2":
            row["montant_prevu"] = max(1, row["montant_prevu"] // 1000)
    first = next(at for at, row in enumerate(rows) if row["collectivite_id"] == "t2")
    return [("montants-loin-des-autres", (key, "lignes_budgetaires", place(rows[first], first + 1, "montant_prevu")))]


def declared_twice(portfolio: Portfolio, rng: random.Random, key: str) -> list[tuple[str, Planted]]:
    planted = []
    action = f"Ouvrir la maison des projets partagés n° {rng.randint(1000, 9999)}"
    cents = rng.randint(1_000_00, 90_000_00)
    for contract in (key, other(key)):
        tables = portfolio.tables[contract]
        tables["fiches"].append({"fiche_id": "X1", "convention_id": 1, "objectif": "", "proposition": action})
        row: Row = {"financement_id": "X1:etat:2024", "fiche_id": "X1", "financeur_id": "etat", "exercice": 2024,
                    "dispositif": "BOP 147", "montant": cents}  # fmt: skip
        tables["financements"].append(row)
        where = place(row, len(tables["financements"]), "montant")
        planted.append(("financement-de-deux-contrats", (contract, "financements", where)))
    return planted


def _partners(portfolio: Portfolio, key: str, mine: str, theirs: str, siret: str | None = None) -> Planted:
    """A partner in two contracts; the cell of the second one."""
    for contract, name in ((key, mine), (other(key), theirs)):
        partners = portfolio.tables[contract]["partenaires"]
        partners.append({"partenaire_id": f"x{len(partners)}", "nom": name, "siret": siret})
    return (other(key), "partenaires", f"A{len(partners)}")


def by_siret(portfolio: Portfolio, _: random.Random, key: str) -> list[tuple[str, Planted]]:
    where = _partners(portfolio, key, "Fédération des œuvres laïques", "Ligue de l'enseignement", "12345678901234")
    return [("partenaire-autrement-nomme", where)]


def by_words(portfolio: Portfolio, rng: random.Random, key: str) -> list[tuple[str, Planted]]:
    names = "Association l'Espérance du Plessis", "Esperrance du Plessis", "PLESSIS - Esperance (association)"
    return [("partenaire-peut-etre-le-meme", _partners(portfolio, key, "L'Espérance du Plessis", rng.choice(names)))]


def two_names(portfolio: Portfolio, _: random.Random, key: str) -> list[tuple[str, Planted]]:
    for contract, name in ((key, "Bellevue"), (other(key), "Plateau Nord")):
        portfolio.tables[contract]["quartiers"].append({"nom": name, "code_qpv": "QN09901M", "commune": "Néant"})
    return [("quartier-deux-noms", (other(key), "quartiers", "A3"))]


def two_codes(portfolio: Portfolio, _: random.Random, key: str) -> list[tuple[str, Planted]]:
    for contract, code in ((key, "QN09801M"), (other(key), "QN09802M")):
        portfolio.tables[contract]["quartiers"].append({"nom": "Les Fleurs", "code_qpv": code, "commune": "Aubenas"})
    return [("quartier-deux-codes", (other(key), "quartiers", f"A{len(portfolio.tables[other(key)]['quartiers'])}"))]


def own_title(portfolio: Portfolio, _: random.Random, key: str) -> list[tuple[str, Planted]]:
    titles = portfolio.tables[key]["conventions"]
    titles.append({"convention_id": 99, "titre": "Jumelages avec la Pologne", "pilier_id": "I"})
    return [("titre-sans-correspondance", (key, "conventions", f"A{len(titles)}"))]


PLANTS: tuple[Callable[[Portfolio, random.Random, str], list[tuple[str, Planted]]], ...] = (
    thousand, whole_town, declared_twice, by_siret, by_words, two_names, two_codes, own_title,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_invented_in_contracts_where_nothing_is_odd(seed: int) -> None:
    regions = {} if seed % 3 else {"regions": ()}
    assert compare(portfolio(seed, contracts=6 + 5 * (seed % 4), **regions), NAMES).findings == ()


@pytest.mark.parametrize("seed", range(8))
def test_all_that_is_planted_is_said_at_its_cells_and_nothing_else(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    sample = portfolio(100 + seed, contracts=24)
    keys = rng.sample(list(sample.contracts)[:-3], len(PLANTS))
    planted = [
        plant_and_place for plant, key in zip(PLANTS, keys, strict=True) for plant_and_place in plant(sample, rng, key)
    ]
    findings = compare(sample, NAMES).findings
    assert Counter((finding.code, *cells([finding], finding.code)) for finding in findings) == Counter(planted)


def findings_of(portfolio: Portfolio, code: str) -> list[Finding]:
    return [finding for finding in compare(portfolio, NAMES).findings if finding.code == code]


def test_one_contract_alone_is_compared_with_nothing() -> None:
    alone = portfolio(3, contracts=1)
    own_title(alone, random.Random(0), "ville-001")  # noqa: S311
    assert compare(alone, NAMES).findings == ()


def test_what_is_counted_twice_is_said_in_euros_at_both_cells_which_name_each_other() -> None:
    sample = portfolio(5)
    planted = declared_twice(sample, random.Random(1), "ville-002")  # noqa: S311
    first, second = findings_of(sample, "financement-de-deux-contrats")
    assert (first.liees, second.liees) == ((second.place,), (first.place,))
    amount = sample.tables["ville-002"]["financements"][-1]["montant"]
    assert (compare(sample, NAMES).twice_cents, first.valeur) == (amount, amount / 100)
    assert [cell for _, cell in planted] == cells([first, second], first.code)
    for _ in range(2):  # a third contract counts it a second time; the same contract twice does not
        sample.tables["ville-008"]["fiches"].append(sample.tables["ville-002"]["fiches"][-1])
        sample.tables["ville-008"]["financements"].append(sample.tables["ville-002"]["financements"][-1])
    assert compare(sample, NAMES).twice_cents == 2 * amount


def _declared(payer: str, regions: tuple[str, str], **more: object) -> Portfolio:
    """Two contracts with one financement each, of the same action, by the funder ``payer``."""
    sample = portfolio(1, contracts=2, regions=regions)
    for tables in sample.tables.values():
        tables["fiches"] = [{"fiche_id": "X", "objectif": "", "proposition": "Ouvrir la maison des projets"}]
        tables["financements"] = [
            {"financement_id": "X:x", "fiche_id": "X", "financeur_id": payer, "exercice": 2024, "dispositif": None,
             "montant": 731_17, **more}
        ]  # fmt: skip
    return sample


@pytest.mark.parametrize(
    ("payer", "regions", "count"),
    [
        ("etat", ("Bretagne", "Occitanie"), 2),  # the State is one
        ("region", ("Bretagne", "Occitanie"), 0),  # « Conseil régional » is another one in each region
        ("caf", ("Bretagne", "Bretagne"), 2),
        ("caf", (), 2),  # nobody said where they are
    ],
)
def test_a_funder_of_a_region_is_another_one_elsewhere(payer: str, regions: tuple[str, str], count: int) -> None:
    sample = _declared(payer, regions)
    for tables in sample.tables.values():
        next(financeur for financeur in tables["financeurs"] if financeur["financeur_id"] == "region")["nom"] = "Région"
    assert len(findings_of(sample, "financement-de-deux-contrats")) == count


@pytest.mark.parametrize(
    ("more", "gravite"),
    [
        ({}, Severity.AVERTISSEMENT),
        ({"montant": 5_000_00}, Severity.INFORMATION),  # many things cost that
        ({"exercice": None}, None),
        ({"montant": None}, None),
    ],
)
def test_a_round_amount_proves_less_and_an_unknown_one_nothing(more: Row, gravite: Severity | None) -> None:
    gravest = {
        finding.gravite
        for finding in findings_of(_declared("etat", ("Bretagne",), **more), "financement-de-deux-contrats")
    }
    assert gravest == ({gravite} - {None})


def test_a_siret_tells_a_funder_whatever_its_name_and_its_region() -> None:
    sample = _declared("region", ("Bretagne", "Occitanie"))
    for tables, name in zip(sample.tables.values(), ("Région", "Collectivité territoriale"), strict=True):
        next(financeur for financeur in tables["financeurs"] if financeur["financeur_id"] == "region")["nom"] = name
        tables["partenaires"] = [
            {"partenaire_id": "r", "nom": name, "siret": "23350001600040", "financeur_id": "region"}
        ]
    assert len(findings_of(sample, "financement-de-deux-contrats")) == 2


def test_homonyms_are_not_one_partner() -> None:
    sample = portfolio(4, contracts=6)
    _partners(sample, "ville-001", "CCAS", "Centre communal d'action sociale")  # every town has one
    pairs = (("Espoir et partage", "12345678901234"), ("Espoir, partage", "99999999901234"))
    for key, (name, siret) in zip(("ville-001", "ville-004"), pairs, strict=True):  # two numbers: two bodies
        sample.tables[key]["partenaires"].append({"partenaire_id": "z", "nom": name, "siret": siret})
    for key, name in (("ville-001", "Amitié partagée"), ("ville-002", "L'amitié partagée")):  # two regions
        sample.tables[key]["partenaires"].append({"partenaire_id": "t", "nom": name, "siret": None})
    assert compare(sample, NAMES).findings == ()
    sample.tables["ville-004"]["partenaires"].append({"partenaire_id": "u", "nom": "L'amitié partagée", "siret": None})
    assert [finding.valeur for finding in findings_of(sample, "partenaire-peut-etre-le-meme")] == ["L'amitié partagée"]


def test_a_large_town_is_not_far_from_the_others() -> None:
    sample = portfolio(8, contracts=20)
    for row in sample.tables["ville-005"]["lignes_budgetaires"]:
        row.update({name: row[name] * 40 for name in row if name.startswith("montant")})
    assert compare(sample, NAMES).findings == ()


def test_thousands_of_euros_are_graded_and_named() -> None:
    sample = portfolio(9, contracts=20)
    whole_town(sample, random.Random(0), "ville-007")  # noqa: S311
    thousand(sample, random.Random(0), "ville-011")  # noqa: S311
    town, line = (findings_of(sample, code) for code in ("montants-loin-des-autres", "montant-loin-des-autres"))
    for (finding,) in (town, line):
        assert finding.gravite is Severity.AVERTISSEMENT
        assert "des euros et des milliers d'euros ?" in finding.message
    assert len(town[0].liees) == min(20, sum(r["collectivite_id"] == "t2" for r in _lines(sample, "ville-007")) - 1)


def _lines(portfolio: Portfolio, key: str) -> list[Row]:
    return portfolio.tables[key]["lignes_budgetaires"]


def test_conventions_named_otherwise_are_put_together_under_one_name() -> None:
    sample = portfolio(2, contracts=9)
    for tables in sample.tables.values():
        tables["conventions"].append({"convention_id": 50, "titre": "Vie nocturne", "pilier_id": "I"})
    sample.tables["ville-003"]["conventions"][-1]["titre"] = "12. La vie nocturne"
    common = compare(sample, NAMES).common["conventions"]
    assert {common[key, 50] for key in sample.contracts} == {"Vie nocturne"}
    assert set(common.values()) == {
        "Éducation et parentalité", "Santé", "Habitat et cadre de vie", "Emploi et insertion",
        "Prévention et tranquillité", "Vie nocturne",
    }  # fmt: skip


def test_a_title_of_nobody_else_is_said_with_the_nearest_one_and_a_remedy_that_can_be_followed() -> None:
    sample = portfolio(2, contracts=9)
    sample.tables["ville-003"]["conventions"][0]["titre"] = "Tranquillités publiques et voisinage"
    (alone,) = findings_of(sample, "titre-sans-correspondance")
    assert alone.suggestion.count(f'"Tranquillité publique" = ["{alone.valeur}"]') + alone.suggestion.count(
        f'"Nom commun" = ["{alone.valeur}"]'
    )
    own = load_common_names(ROOT / "templates" / NAMES_FILE, {"conventions": {"Sécurité": [alone.valeur]}})
    assert compare(sample, own).findings == ()
    assert compare(sample, own).common["conventions"]["ville-003", 1] == "Sécurité"


def test_names_are_the_same_by_their_words() -> None:
    alike = (
        "Emploi et insertion",
        "2 - INSERTION, EMPLOI",
        "III. L'emploi, l'insertion",
        "Convention 4 : insertions / emplois",
    )
    assert {name_key(variant) for variant in alike} == {"emploi insertion"}
    assert NAMES.partner_key("CAF du Gard") == NAMES.partner_key("Caisse d'Allocations Familiales du Gard")
    assert NAMES.is_generic(NAMES.partner_key("C.C.A.S.")) or NAMES.is_generic(NAMES.partner_key("CCAS"))


@pytest.mark.parametrize(
    "own",
    [
        {"conventions": {"Santé": "Soins"}},
        {"conventions": ["Santé"]},
        {"conventions": {"Un": ["Mobilier"], "Deux": ["mobiliers"]}},
        {"sigles": {"CAF": 3}},
        {"generiques": {"mots": ["Ville"]}},
    ],
)
def test_what_is_not_understood_of_the_names_is_said(own: Mapping[str, object]) -> None:
    with pytest.raises(TabellionError) as error:
        load_common_names(ROOT / "templates" / NAMES_FILE, own, "ensemble.toml")
    assert [(finding.code, finding.place.fichier) for finding in error.value.findings] == [
        ("gabarit-faux", "ensemble.toml")
    ]


def test_what_is_said_is_bounded_and_counts_the_rest() -> None:
    sample = portfolio(0, contracts=2)
    more = MOST_OF_A_CODE + 7
    titles = [{"convention_id": 100 + rank, "titre": f"Sujet {'b' * rank}", "pilier_id": "I"} for rank in range(more)]
    sample.tables["ville-001"]["conventions"] += titles
    findings = findings_of(sample, "titre-sans-correspondance")
    assert len(findings) == MOST_OF_A_CODE
    assert "7 autres de cette sorte" in findings[-1].message
    assert compare(sample, NAMES).counts["titre-sans-correspondance"] == more


def test_rows_are_read_a_few_times_each_however_many_contracts_there_are() -> None:
    """Work grows with the rows: it is counted by the rows asked for, and by the pairs that no key brings together."""
    counts = []
    for contracts in (12, 48):
        sample = portfolio(6, contracts=contracts)
        rows = sum(len(table) for tables in sample.tables.values() for table in tables.values())
        compare(sample, NAMES)
        counts.append(sample.read / rows)
    assert max(counts) <= 2
    assert counts[1] <= 1.05 * counts[0]
