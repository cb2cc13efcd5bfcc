"""Folders of contracts of different shapes, written from a seed: levels, years, columns, quartiers, amounts unknown."""

from __future__ import annotations

import json
import random
import shutil
from datetime import datetime
from pathlib import Path

from support.contracts import ROOT, Row, Rows, save_register
from tabellion.commands.new import model_files
from tabellion.contract.workspace import find_workspace
from tabellion.schema.tables import make_tables

_TITLES = ("Éducation et parentalité", "Logement", "Emploi", "Tranquillité publique", "Jumelages")
_LABELS = ("Cantine", "Médiation", "Ludothèque", "Chantier d'insertion", "Bibliothèque de rue", "Accès au droit")
_AMOUNTS = ("montant_prevu", "montant_vote", "montant_realise")


def write_contract(
    folder: Path, seed: int, *, model: str = "neutre", levels: int = 2, years: tuple[int, ...] = (2024, 2025)
) -> Path:
    """A contract in ``folder``, which gives it its identifier: its settings, schemas, templates and register.

    ``levels`` is how many piliers it has, or enjeux; some of its conventions have none.
    """
    shutil.copytree(ROOT / "templates", folder / "templates")
    shutil.copytree(ROOT / "schemas", folder / "schemas")
    made = model_files(model, identifiant=folder.name, titre=f"Contrat {folder.name}", now=datetime(years[-1], 1, 5))
    for path, content in made.items():
        (folder / path).write_bytes(content)
    if seed % 2:
        _add_column(folder / "schemas" / "lignes_budgetaires.json", "service")
    workspace = find_workspace(folder)
    rows = _rows(random.Random(seed), levels, years, is_by_quartier="quartiers" in workspace.schemas)  # noqa: S311
    workspace.registre.mkdir(parents=True)
    settings = workspace.settings
    save_register(
        workspace.registre, make_tables(workspace.schemas, rows), workspace.schemas,
        identifiant=settings.identifiant, titre=settings.titre,
    )  # fmt: skip
    return folder


def _add_column(path: Path, name: str) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["fields"].append({"name": name, "type": "string", "title": name.capitalize(), "description": "Le service."})
    path.write_text(json.dumps(schema, ensure_ascii=False), encoding="utf-8")


def _rows(rng: random.Random, levels: int, years: tuple[int, ...], *, is_by_quartier: bool) -> Rows:
    names = [f"Q{rank}" for rank in range(1, 4)] if is_by_quartier else []
    piliers = ("I", "II", "III")[:levels]
    rows: Rows = {
        "piliers": [
            {"pilier_id": pilier, "titre": rng.choice(("Cohésion", "cohésion")) + f" {pilier}"} for pilier in piliers
        ]
    }
    rows["conventions"] = [
        {"convention_id": rank, "titre": title, "pilier_id": rng.choice((*piliers, None))}
        for rank, title in enumerate(rng.sample(_TITLES, 4), 1)
    ]
    rows["axes"] = [{"axe_id": f"{rank}.1", "convention_id": rank, "titre": "Axe"} for rank in range(1, 5)]
    rows["collectivites"] = [
        {"collectivite_id": f"c{rank}", "nom": f"Commune {rank}", "categorie": category}
        for rank, category in enumerate(("commune", "EPCI", None), 1)
    ]
    rows["financeurs"] = [
        {"financeur_id": f"f{rank}", "nom": f"Financeur {rank}", "categorie": category}
        for rank, category in enumerate(("public local", "public national", "privé", "public local"), 1)
    ]
    rows["quartiers"] = [
        {"nom": name, "code_qpv": f"QN0{rng.randint(10, 95)}{rng.randint(10, 99)}M" if name != "Q3" else None}
        for name in names
    ]
    rows["fiches"] = [
        {"fiche_id": f"{1 + rank % 4}.1/{rank}", "convention_id": 1 + rank % 4, "axe_id": f"{1 + rank % 4}.1",
         "objectif": f"Objectif {rank}", "priorite": 1, "annee_priorite": years[-1], "proposition": "Ouvrir un lieu",
         "echeance": f"1 ({years[-1]})"}
        for rank in range(6)
    ]  # fmt: skip
    if names:
        for row in rows["fiches"]:
            row["quartiers"] = " ; ".join(rng.sample(names, rng.randint(0, 2))) or None
    rows["financements"] = [
        financement for row in rows["fiches"] for financement in _financements(rng, str(row["fiche_id"]), years)
    ]
    rows["lignes_budgetaires"] = [
        _line(rng, f"B{convention}-{town}-{rank}", convention, town, year, names)
        for convention in range(1, 5)
        for town in ("c1", "c2", "c3")
        for rank in range(rng.randint(0, 3))
        for year in years
    ]
    return rows


def _line(rng: random.Random, key: str, convention: int, town: str, year: int, names: list[str]) -> Row:
    amounts = {name: rng.choice((None, 0, rng.randint(1, 9_999_999), 12_345_678_901)) for name in _AMOUNTS}
    row: Row = {"ligne_id": key, "convention_id": convention, "collectivite_id": town, "exercice": year,
                "libelle": f"{rng.choice(_LABELS)} {key}", "service": rng.choice(("A", None)), **amounts}  # fmt: skip
    if names:
        row["nature"] = rng.choice(("fonctionnement", "investissement"))
        row["quartiers"] = rng.choice((None, names[0], names[1], f"{names[0]} ; {names[2]}"))
    return row


def _financements(rng: random.Random, fiche: str, years: tuple[int, ...]) -> list[Row]:
    """Of each funder, one known before the exercices, one followed from year to year, or none."""
    rows = list[Row]()
    for funder in ("f1", "f2", "f3", "f4"):
        asked = rng.choice(((), (None,), years[:1], years, (None, *years)))
        for year in asked:
            cents = rng.choice((None, rng.randint(100, 9_999_999)))
            rows.append(
                {"financement_id": f"{fiche}:{funder}" + ("" if year is None else f":{year}"), "fiche_id": fiche,
                 "financeur_id": funder, "exercice": year, "montant": cents, "dispositif": "BOP 147",
                 "statut_montant": "à négocier" if cents is None else "chiffré"}
            )  # fmt: skip
    return rows
