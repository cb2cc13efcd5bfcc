"""Two contracts made to strain the workbook: a large one, and one whose names and figures are awkward."""

from __future__ import annotations

from itertools import cycle, product

from support.contracts import SETTINGS, TITLES, Row, Rows, fiche, line, published, schemas, total

_WORDS = (
    "accompagner les familles", "développer la mobilité", "lutter contre l'isolement", "soutenir les associations",
    "renforcer l'accès aux droits", "favoriser l'insertion par l'activité", "rénover les espaces publics",
)  # fmt: skip


def _blank() -> Rows:
    return {name: [] for name in schemas()}


def large_rows(conventions: int = 20, towns: int = 9, fiches: int = 400, lines_each: int = 3) -> Rows:
    """A contract of 3 piliers whose figures add up but for one in seven; some cents, a second exercice too."""
    rows = _blank()
    piliers = ("I", "II", "III")
    rows["piliers"] = [{"pilier_id": pilier, "titre": f"Pilier {pilier}"} for pilier in piliers]
    rows["collectivites"] = [
        {"collectivite_id": f"ville-{rank}", "nom": f"Commune numéro {rank}", "categorie": "commune"}
        for rank in range(1, towns + 1)
    ]
    rows["financeurs"] = [
        {"financeur_id": f"financeur-{rank}", "nom": f"Financeur {rank}", "categorie": "public local"}
        for rank in range(1, 13)
    ]
    words = cycle(_WORDS)
    for number in range(1, conventions + 1):
        pilier = piliers[(number - 1) * len(piliers) // conventions]
        title = f"{next(words).capitalize()} et {next(words)}"
        rows["conventions"].append({"convention_id": number, "pilier_id": pilier, "titre": title})
        axe = f"{pilier}-{number}.1"
        rows["axes"].append({"axe_id": axe, "convention_id": number, "titre": next(words).capitalize()})
        for rank in range(1, fiches // conventions + 1):
            proposition = " ; ".join(next(words) for _ in range(rank % 9)) or None
            rows["fiches"].append(
                fiche(f"{axe}./{rank}", axe, number, proposition=proposition, priorite=1 + rank % 3)
                | {"annee_priorite": 2016 + rank % 3, "echeance": f"{1 + rank % 3} ({2016 + rank % 3})"}
            )
    for rank, fiche_row in enumerate(rows["fiches"]):
        if rank % 3 == 0:
            rows["financements"].append(_financement(fiche_row["fiche_id"], f"financeur-{1 + rank % 12}", rank))
    places = product(range(1, conventions + 1), range(1, towns + 1), range(1, lines_each + 1))
    for rank, (number, town, place) in enumerate(places):
        identifier = f"B{number:02d}-ville-{town}-{place:03d}"
        cents = (rank * 7919) % 900_000 * 100 + (25 if rank % 11 == 0 else 0)
        more = {"exercice": 2014} if rank % 13 == 0 else {"montant_prevu": cents + 100_00} if rank % 5 == 0 else {}
        rows["lignes_budgetaires"].append(
            line(identifier, number, f"ville-{town}", f"{next(words).capitalize()} ({place})", cents, **more)
        )
    rows["totaux_publies"] = [
        {**row, "montant": row["montant"] + (150 if rank % 7 == 0 else 0)} for rank, row in enumerate(published(rows))
    ]
    return rows


def _financement(fiche_id: str, financeur: str, rank: int) -> Row:
    priced = rank % 2 == 0
    return {
        "financement_id": f"{fiche_id}:{financeur}",
        "fiche_id": fiche_id,
        "financeur_id": financeur,
        "dispositif": "Contrat régional de solidarité territoriale, selon les modalités en vigueur",
        "montant": 1_500_50 if priced else None,
        "statut_montant": "chiffré" if priced else "à négocier",
    }


def awkward_rows() -> Rows:
    """Titles that break sheet names, the same short title twice, cents, nothing published, bare conventions."""
    rows = _blank()
    rows["piliers"] = [{"pilier_id": "I", "titre": "L'unique « pilier » & <le seul>"}]
    rows["conventions"] = [
        {"convention_id": number, "pilier_id": "I", "titre": title, "titre_court": "Même titre" if number > 6 else None}
        for number, title in enumerate(TITLES, 1)
    ]
    names = ("L'Haÿ-les-Roses", "Saint-Ouen / l'Aumône", "Œuf-en-Ternois", "Y")
    rows["collectivites"] = [
        {"collectivite_id": f"ville-{rank}", "nom": name, "categorie": "commune"} for rank, name in enumerate(names, 1)
    ]
    titles = ('=SOMME("a")', "#REF!", "007", "VRAI", "_x000D_", "<r>a & b</r>")
    rows["axes"] = [
        {"axe_id": f"I-1.{rank}", "convention_id": 1, "titre": title} for rank, title in enumerate(titles, 1)
    ]
    rows["fiches"] = [
        fiche(f"I-1.{rank}./1", f"I-1.{rank}", 1, objectif="=1+1", proposition="+33 2 37\n@import\n#REF!")
        | {"priorite": None, "annee_priorite": None, "echeance": None}
        for rank in range(1, len(titles) + 1)
    ]
    rows["lignes_budgetaires"] = [
        line("B01-ville-1-001", 1, "ville-1", "Cantine", 1_000_33),
        line("B01-ville-1-002", 1, "ville-1", "=1+1", 67),
        line("B02-ville-2-001", 2, "ville-2", 'Cantine "à l\'école"', 12_345_678_90, montant_vote=1),
        line("B02-ville-2-002", 2, "ville-2", "Ancienne", 5_05, exercice=2014),
    ]
    return rows


def partly_published_rows() -> Rows:
    """The awkward contract with a few published totals: one convention's detail, no recap; another year's recap."""
    rows = awkward_rows()
    rows["totaux_publies"] = [
        total("convention", 1_001_00, 1, "ville-1"),
        total("convention", None, 2, "ville-2"),
        total("récapitulatif", 5_05, 2, exercice=2014) | {"total_id": "recapitulatif-02-2014"},
    ]
    return rows


def empty_rows() -> Rows:
    """A contract with one pilier and one convention, and nothing else at all."""
    rows = _blank()
    rows["piliers"] = [{"pilier_id": "I", "titre": "Pilier"}]
    rows["conventions"] = [{"convention_id": 1, "pilier_id": "I", "titre": "Seule"}]
    return rows


#: The exercices that the tests show one after the other: the contract's own, another with lines, one without any.
YEARS = (SETTINGS.exercice, 2014, 2019)


def _long(words: str, length: int) -> str:
    """A text of just so many characters, made of words."""
    return " ".join([words] * (length // len(words) + 1))[: length - 1].rstrip().ljust(length, ".")


def wide_rows() -> Rows:
    """A contract of 20 towns of 60 characters and of conventions whose titles have 150, over four exercices, with all
    that a contract may keep: suivis, subventions, plans de financement."""
    rows = large_rows(conventions=3, towns=20, fiches=12, lines_each=1)
    for rank, town in enumerate(rows["collectivites"], 1):
        town["nom"] = _long(f"Commune nouvelle numéro {rank} de la vallée et des hauts plateaux", 60)
    for convention in rows["conventions"]:
        convention["titre"] = _long(convention["titre"], 150)
    for action in rows["fiches"]:
        action["objectif"] = _long(str(action["objectif"]), 300)
        action["proposition"] = _long("Mobiliser les partenaires du territoire et ceux de l'agglomération", 600)
    years = (2014, 2015, 2016)
    rows["lignes_budgetaires"] += [
        {**row, "exercice": year, "montant_prevu": (row["montant_realise"] or 0) + year * 100}
        for row in rows["lignes_budgetaires"] if row["exercice"] not in years for year in years
    ]  # fmt: skip
    first = rows["fiches"][0]["fiche_id"]
    rows["partenaires"] = [{"partenaire_id": "bailleur", "nom": _long("Office public de l'habitat", 60)}]
    rows["suivis"] = [
        {
            "fiche_id": action["fiche_id"], "partenaire_id": "bailleur", "exercice": 2016, "avancement": "en cours",
            "pourcentage": 40, "montant_engage": 1_234_567_89, "commentaire": _long("Action bien partie", 200),
        }
        for action in rows["fiches"][:6]
    ]  # fmt: skip
    rows["subventions"] = [
        {"subvention_id": f"S{rank}", "financement_id": financement["financement_id"], "nature": "aide en numéraire"}
        for rank, financement in enumerate(rows["financements"][:3])
    ]
    rows["plan_charges"] = [
        {"charge_id": "C1", "fiche_id": first, "exercice": 2016, "poste": "60 – Achats", "montant": 2_000_50,
         "commentaire": _long("Selon le devis", 200)},
    ]  # fmt: skip
    rows["plan_produits"] = [
        {"produit_id": "P1", "fiche_id": first, "exercice": 2016, "compte": "74 – Subventions d'exploitation",
         "financeur_id": "financeur-1", "montant_demande": 2_000_50, "montant_accorde": 1_000_00},
    ]  # fmt: skip
    return rows
