"""The layout of the forms is data: what is wrong in it is said at once, in French, with its file and its key."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.contracts import ROOT, schemas
from tabellion.contract.workspace import find_workspace
from tabellion.findings import TabellionError
from tabellion.layout.form_tables import FORMS_FILE, load_form_tables
from tabellion.schema.forms import TableSpec

TEXT = (ROOT / "templates" / FORMS_FILE).read_text(encoding="utf-8")
Load = Callable[..., tuple[TableSpec, ...]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def changed(*changes: tuple[str, str]) -> tuple[TableSpec, ...]:
        text = TEXT
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after, 1)
        (tmp_path / FORMS_FILE).write_text(text, encoding="utf-8")
        return load_form_tables(tmp_path / FORMS_FILE, schemas())

    return changed


def mistakes(load: Load, *changes: tuple[str, str]) -> list[tuple[str, str]]:
    """The mistakes of the layout after changes of its text: each with its key, and what is said."""
    with pytest.raises(TabellionError) as caught:
        load(*changes)
    assert {finding.code for finding in caught.value.findings} == {"mise-en-page-fausse"}
    assert {Path(finding.place.fichier or "").name for finding in caught.value.findings} == {FORMS_FILE}
    assert all((finding.champ or "").startswith(FORMS_FILE) for finding in caught.value.findings)
    return [
        ((finding.champ or "").removeprefix(f"{FORMS_FILE} : "), finding.message) for finding in caught.value.findings
    ]


def test_a_layout_that_cannot_be_read_at_all_is_named_once(tmp_path: Path) -> None:
    (tmp_path / FORMS_FILE).write_text("[[formulaire]", encoding="utf-8")
    with pytest.raises(TabellionError) as caught:
        load_form_tables(tmp_path / FORMS_FILE, schemas())
    assert [finding.champ for finding in caught.value.findings] == [FORMS_FILE]


def test_every_mistake_of_form_is_said_at_once(load: Load) -> None:
    refused = mistakes(
        load,
        ('role = "état", largeur = 24', 'role = "etat", largeur = 21'),
        ("lignes_de_texte = 3", 'lignes_de_texte = "trois"'),
        ("nouvelle_ligne = true", "nouvelle_lignes = true"),
        ('feuille = "Actions"', 'feuille = "Actions / suivi"'),
        (', manque = "un montant"', ""),
    )
    assert [key for key, _ in refused] == [
        "formulaire[1].colonnes[1].role",
        "formulaire[1].colonnes[2].nouvelle_lignes",
        "formulaire[1].regles[1].manque",
        "formulaire[1].lignes_de_texte",
        "formulaire[2].feuille",
    ]
    assert all(word in refused[0][1] for word in ("« état »", "« à remplir »", "trouvé : etat"))
    assert "« nouvelle_ligne »" in refused[1][1]


def test_every_name_that_leads_nowhere_is_said_with_the_nearest(load: Load) -> None:
    refused = mistakes(
        load,
        ('champ = "montant_vote"', 'champ = "montant_votes"'),
        ('valeur = "dernier_montant"', 'valeur = "dernier_montants"'),
        ('valeur = "fiche_id.proposition"', 'valeur = "fiche_id.propositio"'),
        ('table = "financements"', 'table = "financement"'),
        ('sauf = "commentaire"', 'sauf = "commentaires"'),
        ('lignes = "une par poste des fiches portées"', 'lignes = "celles de la collectivité"'),
    )
    assert [key for key, _ in refused] == [
        "formulaire[1].colonnes[5].valeur",
        "formulaire[1].colonnes[7].champ",
        "formulaire[1].regles[1].champs",
        "formulaire[1].regles[1].sauf",
        "formulaire[2].colonnes[4].valeur",
        "formulaire[3].table",
        "formulaire[4].lignes",
    ]
    for place, name in ((0, "dernier_montant"), (1, "montant_vote"), (3, "commentaire"), (5, "financements")):
        assert f"« {name} »" in refused[place][1]


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('tableau = "Formulaire_actions"', 'tableau = "formulaire_budget"', "formulaire[2].tableau"),
        ('role = "état", largeur = 24', 'role = "montré", champ = "exercice"', "formulaire[1].colonnes"),
        ('champ = "montant_vote"', 'champ = "montant_prevu"', "formulaire[1].colonnes"),
        ('titre = "Dernier exercice connu"', 'titre = "Convention"', "formulaire[1].colonnes"),
        ('vaut = "chiffré", ', "", "formulaire[3].regles[1].si"),
        ("[[formulaire]]", "[[formulaires]]", "formulaires"),
        ("lignes_de_texte = 3", "lignes_de_texte = 3 3", FORMS_FILE),
    ],
)
def test_what_a_form_cannot_be_is_said(load: Load, before: str, after: str, key: str) -> None:
    assert key in [place for place, _ in mistakes(load, (before, after))]


def test_a_workspace_without_the_layout_has_the_forms_of_the_starter_kit(tmp_path: Path) -> None:
    for name in ("tabellion.toml", "schemas", "templates"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "templates" / FORMS_FILE).unlink()
    forms = find_workspace(tmp_path).schemas.forms
    assert [table.name for table in forms] == [table.name for table in schemas().forms]


def test_the_layout_of_a_workspace_is_its_own(tmp_path: Path) -> None:
    for name in ("tabellion.toml", "schemas", "templates"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    narrower = re.sub(r'(champ = "libelle", largeur =) \d+', r"\1 41", TEXT, count=1)
    (tmp_path / "templates" / FORMS_FILE).write_text(narrower, encoding="utf-8")
    assert find_workspace(tmp_path).schemas.forms[0].column("libelle").width == 41
