"""Forms for the tests: a small contract whose partners meet every case, and the forms of the repository's own."""

from __future__ import annotations

from functools import cache
from typing import Any

from support.contracts import Rows, line, schemas, small_rows
from support.masters import Package, chartres, contract_of
from tabellion.contract.book import Book
from tabellion.layout.forms import Form
from tabellion.outputs.forms import make_forms
from tabellion.outputs.forms.workbook import write_form
from tabellion.schema.forms import TableSpec

#: The sheets of the forms, and their tables as the repository's own layout says.
BUDGET, ACTIONS, FINANCEMENTS, CHARGES, PRODUITS = "Budget", "Actions", "Financements", "Charges", "Produits"
FORM_TABLES = schemas().forms
BUDGET_TABLE, ACTIONS_TABLE, FINANCEMENTS_TABLE, CHARGES_TABLE, PRODUITS_TABLE = FORM_TABLES

YEAR = 2016
#: Forms of the repository's own contract: a town, a State service, the Region, a partner with one fiche.
CHARTRES = ("chartres", "etat", "conseil-regional-centre-val-de-loire", "chartres-habitat")
#: Those of :func:`cases`: a town with lines, one without any, a funder, a partner named nowhere, one that did its part.
CASES = ("luce", "vide", "etat", "personne", "bailleur")
#: Every form that the tests look at: its contract's name and its partner.
FORMS = (*(("Chartres", case) for case in CHARTRES), *(("cas", case) for case in CASES), ("200 lignes", "luce"))


def case_rows() -> Rows:
    """A contract whose partners meet every case; lines of several exercices, cents, awkward texts."""
    rows = small_rows()
    rows["collectivites"].append({"collectivite_id": "vide", "nom": "Ville sans ligne", "categorie": "commune"})
    rows["partenaires"] += [
        {"partenaire_id": "luce", "nom": "Lucé & « Cie »", "collectivite_id": "luce"},
        {"partenaire_id": "vide", "nom": "Ville sans ligne", "collectivite_id": "vide"},
        {"partenaire_id": "etat", "nom": "=État", "financeur_id": "etat"},
        {"partenaire_id": "personne", "nom": "Personne"},
    ]
    rows["lignes_budgetaires"] = [
        line("A", 1, "luce", "Cantine", 1_000_33),
        line("A", 1, "luce", "Cantine scolaire", 2_000_00, exercice=2015),
        line("B", 2, "luce", "=1+1", 5_00),
        line("B", 2, "luce", "=1+1", None, exercice=2015),
        line("C", 3, "luce", "Déjà dit", 7_00, exercice=YEAR, montant_prevu=7_00, commentaire="#REF!"),
        line("D", 3, "luce", "Plus tard", 9_00, exercice=YEAR + 1),
        line("E", 3, "luce", "Sans montant", None, exercice=2014),
        line("F", 3, "metropole", "Une autre ville", 11_00),
    ]
    rows["suivis"] = [
        {
            "fiche_id": "I-1.1./1", "partenaire_id": "bailleur", "exercice": YEAR, "avancement": "en cours",
            "pourcentage": 40, "montant_engage": 1_234_56, "commentaire": "Bien parti",
        },
        {"fiche_id": "I-1.1./1", "partenaire_id": "bailleur", "exercice": YEAR - 1, "avancement": "non démarrée"},
    ]  # fmt: skip
    rows["participations"].append({"fiche_id": "I-1.1./1", "partenaire_id": "bailleur", "role": "opérationnel"})
    return rows


def many_rows() -> Rows:
    """A town with 200 lines."""
    rows = case_rows()
    rows["lignes_budgetaires"] = [
        line(f"L{rank:03d}", 1 + rank % 3, "luce", f"Ligne numéro {rank}", rank * 101) for rank in range(200)
    ]
    return rows


@cache
def form_contract(name: str) -> Book:
    """One of the contracts of :data:`FORMS`."""
    if name == "Chartres":
        return chartres()
    return contract_of(case_rows() if name == "cas" else many_rows())


@cache
def form_of(name: str, partner: str, year: int = YEAR) -> Form:
    """The form of a partner, before it is written."""
    (form,) = make_forms(form_contract(name), year, [partner])
    return form


@cache
def written_form(name: str, partner: str, year: int = YEAR) -> bytes:
    """The workbook of :func:`form_of`."""
    return write_form(form_contract(name), form_of(name, partner, year))


def form_package(name: str, partner: str, year: int = YEAR) -> Package:
    """The parts of :func:`written_form`."""
    return Package(written_form(name, partner, year))


def column_of(table: TableSpec, column: str) -> int:
    """The zero-based column of a form's sheet, by the column's name."""
    return next(place for place, candidate in enumerate(table.columns) if candidate.name == column)


def shown_rows(form: Form, table: TableSpec) -> list[dict[str, Any]]:
    """The values of a table's rows as sent."""
    return [row.values for row in form.rows[table.name]]
