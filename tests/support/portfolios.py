"""Many contracts in memory, generated from a seed: nothing in them is odd from one to the next unless it is planted."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from support.contracts import ROOT, Row, Rows
from tabellion.addresses import cell_name
from tabellion.findings import Place
from tabellion.portfolio.common_names import NAMES_FILE, load_common_names
from tabellion.portfolio.rows import ContractName, PortfolioRow

NAMES = load_common_names(ROOT / "templates" / NAMES_FILE)
#: Each convention under several names that the list of the starter kit has.
THEMES = (
    ("Éducation et parentalité", "Réussite éducative", "Parentalité et éducation"),
    ("Santé", "Accès aux soins", "3 - Santé et accès aux soins"),
    ("Habitat et cadre de vie", "Logement", "HABITAT, CADRE DE VIE"),
    ("Emploi et insertion", "Emploi, insertion et formation", "Insertion et emploi"),
    ("Prévention et tranquillité", "Tranquillité publique", "Prévention de la délinquance"),
)
#: Budget lines, each with what it costs in a town of middle size, in euros.
_LINES = (
    ("Restauration scolaire", 180_000), ("Accueil périscolaire", 90_000), ("Médiation sociale", 45_000),
    ("Bibliothèque de rue", 12_000), ("Chantier d'insertion", 60_000), ("Atelier de lecture", 4_000),
    ("Entretien des espaces verts", 150_000), ("Ludothèque", 20_000), ("Point d'accès au droit", 15_000),
)  # fmt: skip
_REGIONS = ("Centre-Val de Loire", "Occitanie", "Bretagne")
_VERBS = ("Ouvrir", "Animer", "Développer", "Créer", "Soutenir", "Équiper", "Rénover", "Accompagner")
_OBJECTS = (
    "un jardin",
    "une ludothèque",
    "un chantier d'insertion",
    "une équipe mobile",
    "un lieu d'écoute",
    "un club",
)
_PLACES = ("du Bois", "des Tilleuls", "de la Gare", "du Canal", "des Peintres", "de l'Europe", "du Moulin", "Jean Macé")
_ADJECTIVES = ("du matin", "itinérant", "pour les aînés", "des familles", "numérique", "en pied d'immeuble", "de l'été")
#: Names that every contract has, and that are many partners.
_HOMONYMS = ("CCAS", "Mission locale", "Centre social", "CAF")
AMOUNTS = ("montant_prevu", "montant_vote", "montant_realise")


@dataclass
class Portfolio:
    """The tables of contracts, to be changed at will: a :class:`~tabellion.portfolio.rows.PortfolioTables`.

    The cell of the field ``montant_prevu`` of the third row of a table is C3: fields have letters in the order asked.
    """

    contracts: Mapping[str, ContractName]
    tables: dict[str, Rows]
    read: int = field(default=0, compare=False)

    def rows(self, table: str, fields: Sequence[str]) -> Iterator[PortfolioRow]:
        keys = {"lignes_budgetaires": 2}.get(table, 1)
        for contrat, tables in self.tables.items():
            for index, row in enumerate(tables.get(table, ()), 1):
                self.read += 1
                file = f"{contrat}/contrat.xlsx"
                yield PortfolioRow(
                    contrat, table, tuple(row.values())[:keys], {name: row[name] for name in fields if name in row},
                    Place(file, table, f"A{index}"),
                    {name: Place(file, table, place(row, index, name)) for name in row if name.startswith("montant")},
                )  # fmt: skip

    def copy(self) -> Portfolio:
        return Portfolio(self.contracts, copy.deepcopy(self.tables))


def place(row: Row, index: int, name: str) -> str:
    """The cell of a field of a row (one-based)."""
    return cell_name(index, list(row).index(name) + 1)


def portfolio(seed: int, contracts: int = 12, regions: Sequence[str] = _REGIONS) -> Portfolio:
    """Contracts in which nothing is odd: names differ as people write them, amounts as towns do, homonyms abound."""
    rng = random.Random(seed)  # noqa: S311
    names, tables = dict[str, ContractName](), dict[str, Rows]()
    for number in range(1, contracts + 1):
        key = f"ville-{number:03d}"
        region = regions[number % len(regions)] if regions else ""
        names[key] = ContractName(key, f"Ville {number}", region, f"{number % 90:02d}", 2024, 2030)
        tables[key] = _contract(rng, number, region)
    return Portfolio(MappingProxyType(names), tables)


def _contract(rng: random.Random, number: int, region: str) -> Rows:
    size = 10 ** rng.gauss(0, 0.35)
    rows: Rows = {"piliers": [{"pilier_id": "I", "titre": rng.choice(("Cohésion sociale", "COHESION SOCIALE"))}]}
    themes = rng.sample(THEMES, rng.randint(3, len(THEMES)))
    rows["conventions"] = [
        {"convention_id": rank, "titre": rng.choice(names), "pilier_id": "I"} for rank, names in enumerate(themes, 1)
    ]
    rows["collectivites"] = [{"collectivite_id": f"t{rank}", "nom": f"Commune {rank} de {number}"} for rank in (1, 2)]
    rows["lignes_budgetaires"] = [
        _line(rng, f"B{rank:02d}-{town}-{index:03d}", rank, town, label, usual * size * (1 if town == "t1" else 0.3))
        for rank in range(1, len(themes) + 1)
        for town in ("t1", "t2")
        for index, (label, usual) in enumerate(rng.sample(_LINES, rng.randint(3, 6)), 1)
    ]
    rows["financeurs"] = [
        {"financeur_id": "etat", "nom": "État", "categorie": "public national"},
        {"financeur_id": "region", "nom": rng.choice(("Conseil régional", "Région")), "categorie": "public local"},
        {"financeur_id": "caf", "nom": "CAF", "categorie": "public local"},
    ]
    rows["partenaires"] = [{"partenaire_id": f"h{rank}", "nom": name, "siret": None, "rna": None}
                           for rank, name in enumerate(_HOMONYMS)]  # fmt: skip
    rows["partenaires"] += [
        {"partenaire_id": f"p{rank}", "nom": f"Association {number} {place}", "siret": f"{number:05d}{rank:09d}",
         "rna": None, "financeur_id": None}
        for rank, place in enumerate(rng.sample(_PLACES, 3))
    ]  # fmt: skip
    rows["partenaires"].append({"partenaire_id": "r", "nom": f"Régie de {region or number}", "siret": None})
    rows["quartiers"] = [
        {"nom": name, "code_qpv": f"QN{number:03d}{rank:02d}M", "commune": f"Commune {number}"}
        for rank, name in enumerate(("Centre-ville", rng.choice(("Bel-Air", "Les Tilleuls"))), 1)
    ]
    rows["fiches"], rows["financements"] = [], []
    for rank in range(1, 9):
        deed = f"{rng.choice(_VERBS)} {rng.choice(_OBJECTS)} {rng.choice(_ADJECTIVES)} {rng.choice(_PLACES)}"
        rows["fiches"].append({"fiche_id": f"F{rank}", "convention_id": 1, "objectif": f"Objectif {number}.{rank}",
                               "proposition": deed})  # fmt: skip
        for funder in rng.sample(("etat", "region", "caf"), 2):
            round_ = rng.random() < 0.7
            euros = rng.choice((5_000, 10_000, 12_500)) if round_ else rng.randint(1_001, 99_999)
            rows["financements"].append(
                {"financement_id": f"F{rank}:{funder}:2024", "fiche_id": f"F{rank}", "financeur_id": funder,
                 "exercice": 2024, "dispositif": rng.choice(("BOP 147", "Programme de réussite éducative")),
                 "montant": euros * 100}
            )  # fmt: skip
    return rows


def _line(rng: random.Random, key: str, convention: int, town: str, label: str, usual: float) -> Row:
    spent = usual * 10 ** rng.gauss(0, 0.25)
    years = {name: max(100, round(spent * rng.uniform(0.9, 1.1)) * 100) for name in AMOUNTS}
    return {"ligne_id": key, "exercice": 2024, "convention_id": convention, "collectivite_id": town, "libelle": label,
            "nature": "fonctionnement", **years}  # fmt: skip
