"""Contracts in memory: a small one that adds up, a builder from rows, and random valid ones for hypothesis."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tabellion.contract.book import NO_THEME, Book
from tabellion.contract.register import register_files
from tabellion.contract.workspace import Settings
from tabellion.findings import Place
from tabellion.layout.form_tables import FORMS_FILE, load_form_tables
from tabellion.schema import Schemas, load_schemas
from tabellion.schema.tables import Tables, make_tables
from tabellion.transaction.files import write_all_whole
from tabellion.wording import without_invisible

ROOT = Path(__file__).resolve().parents[2]
#: The published document, where a checkout has it beside it.
SOURCE = ROOT.parent / "shared" / "source" / "conventions-thematiques-2015-2020.txt"

Row = dict[str, Any]
Rows = dict[str, list[Row]]

SETTINGS = Settings(
    identifiant="essai-2015-2020",
    titre="Contrat d'essai",
    debut=2015,
    fin=2020,
    exercice=2013,
    exercice_courant=2016,
    source="",
    priorites={1: 2016, 2: 2017, 3: 2018},
    arrondi_euros=2,
    longueurs_publipostage=(255,),
    libelles_vides=("(vide)", "à compléter"),
)

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII")
_TOWN_NAMES = (
    "Chartres métropole",
    "Lucé",
    "L'Haÿ-les-Roses",
    "Saint-Ouen / l'Aumône",
    "Œuf-en-Ternois",
    "Y",
    "Bû",
    "Mer",
    "Ay",
)

#: Titles that break sheet names: over 31 characters, apostrophes at the ends, forbidden signs, the same beginnings.
TITLES = (
    "Lien social, citoyenneté, loisirs, sport et culture pour tous les habitants",
    "Lien social, citoyenneté, loisirs, sport et culture pour les enfants",
    "'L'école d'aujourd'hui'",
    "Habitat / cadre de vie : [tranquillité] *prévention* ? \\ sécurité",
    "Emploi",
    "History",
    "Santé & « bien-être » <à tout âge>",
    "=1+1",
)


@cache
def schemas() -> Schemas:
    """The repository's own schemas and forms."""
    loaded = load_schemas(ROOT / "schemas")
    loaded.forms = load_form_tables(ROOT / "templates" / FORMS_FILE, loaded)
    return loaded


def tables_of(rows: Rows | None = None, /, **more: list[Row]) -> Tables:
    """The tables of a contract from rows (plain values, amounts in integer cents); what is not given is blank."""
    return make_tables(schemas(), {**(rows or {}), **more})


def book_of(
    tables: Tables,
    *,
    settings: Settings = SETTINGS,
    schemas_: Schemas | None = None,
    unknown: Iterable[tuple[str, int, str]] = (),
) -> Book:
    """A book of these tables, with the test settings; ``unknown`` are the cells that could not be read."""
    return Book(settings, schemas_ or schemas(), NO_THEME, tables, unknown=frozenset(unknown))


def locate(table: str, index: Any, field: str | None = None) -> Place:
    """A place that tests can read: the table as the sheet, ``field@index`` as the cell."""
    return Place("essai", table, f"{field}@{index}")


def small_rows() -> Rows:
    """A contract that adds up and has no finding: 2 piliers, 3 conventions, 2 towns, 4 fiches, 6 lines.

    A new copy each time, to be changed at will; :func:`published` writes the totals of its lines.
    """
    rows: Rows = {
        "piliers": [{"pilier_id": "I", "titre": "Cohésion sociale"}, {"pilier_id": "II", "titre": "Cadre de vie"}],
        "conventions": [
            {"convention_id": 1, "pilier_id": "I", "titre": "Éducation"},
            {"convention_id": 2, "pilier_id": "I", "titre": "Santé"},
            {"convention_id": 3, "pilier_id": "II", "titre": "Habitat"},
        ],
        "axes": [
            {"axe_id": "I-1.1", "convention_id": 1, "titre": "Réussite éducative"},
            {"axe_id": "I-2", "convention_id": 2, "titre": "Accès aux soins"},
            {"axe_id": "II-3.1", "convention_id": 3, "titre": "Logement"},
        ],
        "collectivites": [
            {"collectivite_id": "luce", "nom": "Lucé", "categorie": "commune"},
            {"collectivite_id": "metropole", "nom": "Métropole", "categorie": "EPCI"},
        ],
        "financeurs": [
            {"financeur_id": "etat", "nom": "État", "categorie": "public national"},
            {"financeur_id": "region", "nom": "Région", "categorie": "public local"},
        ],
        "partenaires": [{"partenaire_id": "bailleur", "nom": "Bailleur", "courriel": "a@b.fr"}],
        "fiches": [
            fiche("I-1.1./1", "I-1.1", 1),
            fiche("I-1.1./2", "I-1.1", 1, priorite=2, annee_priorite=2017, echeance="2 (2017)"),
            fiche("I-2./1", "I-2", 2),
            fiche("II-3.1./1", "II-3.1", 3),
        ],
        "participations": [{"fiche_id": "I-1.1./1", "partenaire_id": "bailleur", "role": "porteur"}],
        "financements": [
            {
                "financement_id": "I-1.1./1:etat",
                "fiche_id": "I-1.1./1",
                "financeur_id": "etat",
                "dispositif": "Programme de réussite éducative",
                "montant": 890_000_00,
                "statut_montant": "chiffré",
            },
            {
                "financement_id": "I-2./1:region",
                "fiche_id": "I-2./1",
                "financeur_id": "region",
                "dispositif": "Contrat régional",
                "statut_montant": "à négocier",
            },
        ],
        "lignes_budgetaires": [
            line("B01-luce-001", 1, "luce", "Cantine", 1_000_00),
            line("B01-luce-002", 1, "luce", "Accueil périscolaire", 250_50),
            line("B01-metropole-001", 1, "metropole", "Bibliothèque", None),
            line("B02-luce-001", 2, "luce", "Prévention", 611_00),
            line("B02-luce-002", 2, "luce", "Dépistage", 2_012_00),
            line("B03-metropole-001", 3, "metropole", "Entretien", 0),
        ],
    }
    rows["totaux_publies"] = published(rows)
    return rows


def fiche(fiche_id: str, axe_id: str, convention_id: int, **more: Any) -> Row:
    """A whole fiche, of priority 1 (2016) unless told."""
    return {
        "fiche_id": fiche_id,
        "axe_id": axe_id,
        "convention_id": convention_id,
        "objectif": f"Objectif de {fiche_id}.",
        "priorite": 1,
        "annee_priorite": 2016,
        "jeunes": True,
        "egalite_femmes_hommes": True,
        "lutte_discriminations": False,
        "proposition": f"Proposition de {fiche_id}.",
        "echeance": "1 (2016)",
        "cpo": False,
        **more,
    }


def line(ligne_id: str, convention_id: int, town: str, libelle: str, cents: int | None, **more: Any) -> Row:
    """A budget line of the exercice 2013, with what was spent."""
    return {
        "ligne_id": ligne_id,
        "convention_id": convention_id,
        "collectivite_id": town,
        "libelle": libelle,
        "exercice": SETTINGS.exercice,
        "montant_realise": cents,
        **more,
    }


def followed(fiche_id: str, exercice: int, partenaire_id: str = "bailleur", **more: Any) -> Row:
    """What a partner says of a fiche for an exercice."""
    return {
        "fiche_id": fiche_id,
        "partenaire_id": partenaire_id,
        "exercice": exercice,
        "avancement": "en cours",
        **more,
    }


def total(source: str, cents: int | None, convention: int | None = None, town: str | None = None, **more: Any) -> Row:
    """A published total of the exercice 2013; its scope follows from what is given."""
    scope = "collectivité" if town else "convention" if convention else "général"
    parts = ["recapitulatif" if source == "récapitulatif" else "convention"]
    parts += [f"{convention:02d}"] if convention else []
    parts += [town] if town else []
    return {
        "total_id": "-".join(parts),
        "source": source,
        "portee": scope,
        "convention_id": convention,
        "collectivite_id": town,
        "exercice": SETTINGS.exercice,
        "montant": cents,
        **more,
    }


def published(rows: Rows) -> list[Row]:
    """The totals that a document without a mistake would publish of the lines of ``rows``: details, then the recap."""
    sums: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows.get("lignes_budgetaires", []):
        if row["exercice"] == SETTINGS.exercice:
            sums[row["convention_id"]][row["collectivite_id"]] += row.get("montant_realise") or 0
    details = [total("convention", cents, number, town) for number in sums for town, cents in sums[number].items()]
    recap = []
    for number, towns in sums.items():
        recap.append(total("récapitulatif", sum(towns.values()), number))
        recap += [total("récapitulatif", cents, number, town) for town, cents in towns.items()]
    return [*details, *recap, total("récapitulatif", sum(sum(towns.values()) for towns in sums.values()))]


_LETTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"], include_characters="\n")
_ANY_TEXT = st.text(_LETTERS, min_size=1, max_size=40).map(str.strip).filter(without_invisible)
_TRICKY = st.sampled_from(
    [
        *TITLES,
        "007",
        "1e5",
        "oui",
        "#REF!",
        "+33 2 37",
        '"',
        "a,b;c\td",
        "deux\nlignes",
        "_x000D_",
        "@import",
        "NaN",
        "NA",
    ]
)


@cache
def texts(max_size: int = 400) -> SearchStrategy[str]:
    """Texts as people type them and worse: accents, quotes, newlines, what looks like a number or a formula.

    They are composed (NFC), as every text is once it has come in.
    """
    composed = st.one_of(_TRICKY, _ANY_TEXT).map(lambda text: unicodedata.normalize("NFC", text[:max_size].strip()))
    return composed.map(lambda text: text[:max_size].strip()).filter(without_invisible)


@cache
def amounts() -> SearchStrategy[int | None]:
    """Amounts in cents: blank, zero, whole euros, cents, up to a hundred million euros."""
    return st.one_of(
        st.none(), st.just(0), st.integers(1, 10**7).map(lambda euros: euros * 100), st.integers(1, 10**10)
    )


@st.composite
def contract_rows(draw: DrawFn, *, adds_up: bool = True) -> Rows:
    """Random rows of a valid contract: keys, references and lists are right, titles and texts are anything.

    With ``adds_up`` the published totals are those of the lines; without it they are anything, present or not.
    """
    maybe_text = st.none() | texts()
    rows: Rows = {name: [] for name in schemas()}
    rows["piliers"] = [
        {"pilier_id": numeral, "titre": draw(texts(255))} for numeral in _ROMAN[: draw(st.integers(0, 3))]
    ]
    for number in range(1, draw(st.integers(1, 5)) + 1):
        pilier = draw(st.sampled_from(rows["piliers"]))["pilier_id"] if rows["piliers"] else None
        title = draw(st.sampled_from(TITLES) | texts(255))
        short = draw(st.none() | st.sampled_from(TITLES))
        rows["conventions"].append({"convention_id": number, "pilier_id": pilier, "titre": title, "titre_court": short})
        for rank in range(draw(st.integers(0, 2))):
            axe = f"{number}.{rank + 1}" if pilier is None else f"{pilier}-{number}.{rank + 1}"
            rows["axes"].append({"axe_id": axe, "convention_id": number, "titre": draw(texts(400))})
            rows["fiches"] += [
                draw(_fiches(f"{axe}./{rank + 1}", axe, number)) for rank in range(draw(st.integers(0, 3)))
            ]
    towns = _TOWN_NAMES[: draw(st.integers(1, 4))]
    for position, name in enumerate(towns):
        category = draw(st.none() | st.sampled_from(["commune", "EPCI"]))
        rows["collectivites"].append({"collectivite_id": f"ville-{position + 1}", "nom": name, "categorie": category})
    for position in range(draw(st.integers(0, 3))):
        category = draw(st.sampled_from(["public local", "public national", "privé"]))
        name = f"Financeur {position + 1}"
        rows["financeurs"].append({"financeur_id": f"financeur-{position + 1}", "nom": name, "categorie": category})
        rows["partenaires"].append(
            {"partenaire_id": f"partenaire-{position + 1}", "nom": f"L'association {position + 1}"}
        )
    for fiche in rows["fiches"] if rows["financeurs"] else []:
        if draw(st.booleans()):
            rows["financements"].append(draw(_financements(fiche["fiche_id"])))
            partner = {"fiche_id": fiche["fiche_id"], "partenaire_id": "partenaire-1"}
            rows["participations"].append({**partner, "role": draw(st.sampled_from(["porteur", "opérationnel"]))})
            followed_years = st.lists(_suivis(fiche["fiche_id"]), max_size=2, unique_by=lambda row: row["exercice"])
            rows["suivis"] += draw(followed_years)
    for convention in rows["conventions"]:
        for town in rows["collectivites"]:
            number, key = convention["convention_id"], town["collectivite_id"]
            for rank in range(draw(st.integers(0, 3))):
                more = (
                    {"montant_prevu": draw(amounts()), "commentaire": draw(maybe_text)} if draw(st.booleans()) else {}
                )
                identifier = f"B{number:02d}-{key}-{rank + 1:03d}"
                rows["lignes_budgetaires"].append(line(identifier, number, key, draw(texts()), draw(amounts()), **more))
    rows["totaux_publies"] = published(rows)
    if not adds_up:
        rows["totaux_publies"] = [
            {**row, "montant": draw(st.just(row["montant"]) | amounts())}
            for row in rows["totaux_publies"]
            if draw(st.integers(0, 5))
        ]
    return rows


@st.composite
def _fiches(draw: DrawFn, fiche_id: str, axe: str, convention: int) -> Row:
    maybe, boolean = st.none() | texts(255), st.none() | st.booleans()
    rank = draw(st.none() | st.sampled_from(sorted(SETTINGS.priorites)))
    year = None if rank is None else SETTINGS.priorites[rank]
    names = (
        "ref_interministerielle",
        "proposition",
        "porteurs",
        "partenaires_operationnels",
        "reparation",
        "texte_source",
    )
    return {
        **fiche(fiche_id, axe, convention, objectif=draw(texts()), priorite=rank, annee_priorite=year),
        "echeance": None if rank is None else f"{rank} ({year})",
        **{name: draw(boolean) for name in ("jeunes", "egalite_femmes_hommes", "lutte_discriminations", "cpo")},
        **{name: draw(maybe) for name in names},
        "ligne_source": draw(st.none() | st.integers(1, 2000)),
    }


@st.composite
def _suivis(draw: DrawFn, fiche_id: str) -> Row:
    states = ["non démarrée", "en cours", "terminée", "abandonnée"]
    return followed(
        fiche_id,
        draw(st.integers(SETTINGS.debut, SETTINGS.fin)),
        "partenaire-1",
        avancement=draw(st.none() | st.sampled_from(states)),
        pourcentage=draw(st.none() | st.integers(0, 100)),
        date_bilan=draw(st.none() | st.dates(date(2000, 1, 1), date(2100, 12, 31))),
        montant_engage=draw(amounts()),
        commentaire=draw(st.none() | texts()),
    )


@st.composite
def _financements(draw: DrawFn, fiche_id: str) -> Row:
    cents = draw(amounts())
    return {
        "financement_id": f"{fiche_id}:financeur-1",
        "fiche_id": fiche_id,
        "financeur_id": "financeur-1",
        "dispositif": draw(st.none() | texts()),
        "montant": cents,
        "statut_montant": draw(st.sampled_from(["à négocier", "non déterminé"])) if cents is None else "chiffré",
        "montant_texte": draw(st.none() | texts()),
    }


def contracts(*, adds_up: bool = True) -> SearchStrategy[Tables]:
    """Random valid contracts as tables; see :func:`contract_rows`."""
    return contract_rows(adds_up=adds_up).map(tables_of)


def save_register(folder: Path, tables: Tables, schemas: Schemas, *, identifiant: str, titre: str) -> None:
    """Write the whole register into ``folder``, all files or none, as commands put it in place."""
    files = register_files(tables, schemas, identifiant=identifiant, titre=titre)
    write_all_whole({folder / name: content for name, content in files.items()})
