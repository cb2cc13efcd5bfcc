"""The names of the tables of a contract."""

from __future__ import annotations

#: The tables of a contract, parents before children: the order of loading, saving and reporting.
TABLES = (
    "piliers",
    "conventions",
    "axes",
    "collectivites",
    "financeurs",
    "partenaires",
    "fiches",
    "participations",
    "suivis",
    "financements",
    "subventions",
    "plan_charges",
    "plan_produits",
    "lignes_budgetaires",
    "totaux_publies",
)

#: Tables that only a contract with plans de financement needs: an older workspace may have neither their schemas nor
#: their CSV.
FUNDING_TABLES = ("plan_charges", "plan_produits")
