"""A contract as people kept it before: a flat list, a pasted pivot, one tab a fiche; no layout of ours."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from tabellion.importing import ImportedContract

Row = Mapping[str, Any]
_ROLES = {
    "jeunes": "Jeunes", "egalite_femmes_hommes": "Égalité Femmes/Hommes", "lutte_discriminations": "Discriminations",
}  # fmt: skip


def euros(cents: int | None) -> float | None:
    return None if cents is None else cents / 100


class _Contract:
    """The tables by name, and the words that a legacy workbook has in place of identifiers."""

    def __init__(self, contract: ImportedContract) -> None:
        self.tables = contract.tables
        self.conventions = {row["convention_id"]: row for row in self.tables["conventions"]}
        self.piliers = {row["pilier_id"]: f"{row['pilier_id']} - {row['titre']}" for row in self.tables["piliers"]}
        self.towns = {row["collectivite_id"]: row["nom"] for row in self.tables["collectivites"]}
        self.axes = {row["axe_id"]: row["titre"] for row in self.tables["axes"]}
        self.funders = {row["financeur_id"]: row["nom"] for row in self.tables["financeurs"]}
        self.year = contract.exercice

    def convention(self, number: int) -> str:
        return f"{number} - {self.conventions[number]['titre']}"

    def funding(self, fiche: str) -> list[Row]:
        return [row for row in self.tables["financements"] if row["fiche_id"] == fiche]


def workbook(make: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        make(book)
    return stream.getvalue()


def rows(sheet: Worksheet, first: int, table: Sequence[Sequence[object]]) -> None:
    for number, row in enumerate(table, first):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(number, column, value)


def word(answer: bool | None) -> str | None:
    return None if answer is None else "Oui" if answer else "Non"


def flat_list(contract: ImportedContract) -> bytes:
    """One row a line, one row a fiche, one row a financement, under a cover and names of other people."""
    c = _Contract(contract)

    def make(book: xlsxwriter.Workbook) -> None:
        cover = book.add_worksheet("Lisez-moi")
        cover.write(0, 0, "Suivi du contrat de ville")
        cover.write(2, 0, "Contact : service politique de la ville")
        budget = book.add_worksheet("Crédits")
        budget.write(0, 0, f"Recensement des crédits de droit commun {c.year}")
        header = ["Pilier", "Thématique", "Commune", "Intitulé", "Dépenses réalisées (€)", "Observations"]
        rows(budget, 2, [header, *(
            [c.piliers.get(c.conventions[row["convention_id"]]["pilier_id"]), c.convention(row["convention_id"]),
             c.towns[row["collectivite_id"]], row["libelle"], euros(row["montant_realise"]), None]
            for row in c.tables["lignes_budgetaires"]
        )])  # fmt: skip
        rows(book.add_worksheet("Actions"), 0, [
            ["Thématique", "Orientation", "Fiche n°", "Objectif opérationnel", "Convention interministérielle",
             "Priorité", "Année", *_ROLES.values(), "Intitulé de l'action", "Calendrier", "CPO", "Structure porteuse",
             "Partenaires mobilisés"],
            *(
                [c.convention(row["convention_id"]), f"{row['axe_id']}. {c.axes[row['axe_id']]}", row["fiche_id"],
                 row["objectif"], row["ref_interministerielle"], row["priorite"], row["annee_priorite"],
                 *(word(row[name]) for name in _ROLES), row["proposition"], row["echeance"], word(row["cpo"]),
                 row["porteurs"], row["partenaires_operationnels"]]
                for row in c.tables["fiches"]
            ),
        ])  # fmt: skip
        rows(book.add_worksheet("Plan de financement"), 0, [
            ["N° de fiche", "Financeur", "Retenu", "Dispositif / BOP", "Montant"],
            *([c.tables["fiches"][0]["fiche_id"], name, "non", None, None] for name in c.funders.values()),
            *(
                [row["fiche_id"], c.funders.get(row["financeur_id"]), "oui", row["dispositif"],
                 euros(row["montant"]) if row["montant_texte"] is None else row["montant_texte"]]
                for row in c.tables["financements"]
            ),
        ])  # fmt: skip

    return workbook(make)


def pivot(contract: ImportedContract) -> bytes:
    """The budget as a pasted compact pivot; the fiches as a list, with a column for each funder, crossed or not."""
    c = _Contract(contract)

    def make(book: xlsxwriter.Workbook) -> None:
        table: list[list[object]] = [["Étiquettes de lignes", f"Somme de Montant {c.year}"]]
        lines = c.tables["lignes_budgetaires"]
        for number in dict.fromkeys(row["convention_id"] for row in lines):
            here = [row for row in lines if row["convention_id"] == number]
            table.append([c.convention(number), euros(sum(row["montant_realise"] or 0 for row in here))])
            for town in dict.fromkeys(row["collectivite_id"] for row in here):
                own = [row for row in here if row["collectivite_id"] == town]
                table.append([c.towns[town], euros(sum(row["montant_realise"] or 0 for row in own))])
                table += [[row["libelle"], euros(row["montant_realise"])] for row in own]
        table.append(["Total général", euros(sum(row["montant_realise"] or 0 for row in lines))])
        rows(book.add_worksheet("TCD"), 3, table)
        fiches = book.add_worksheet("Fiches")
        fiches.merge_range(0, 0, 0, 2, "Identification")
        fiches.merge_range(0, 3, 0, 2 + len(c.funders), "Financeurs sollicités")
        rows(fiches, 1, [
            ["Convention", "N° de la fiche", "Action", *c.funders.values(), "Porteur"],
            *(
                [c.convention(row["convention_id"]), row["fiche_id"], row["proposition"] or row["objectif"],
                 *("X" if any(f["financeur_id"] == funder for f in c.funding(row["fiche_id"])) else None
                   for funder in c.funders), row["porteurs"]]
                for row in c.tables["fiches"]
            ),
        ])  # fmt: skip

    return workbook(make)


def tabs(contract: ImportedContract) -> bytes:
    """One tab a fiche, label and value, its funders in a small table below; the budget as a list without repeats."""
    c = _Contract(contract)

    def make(book: xlsxwriter.Workbook) -> None:
        budget = book.add_worksheet("Droit commun")
        table: list[list[object]] = [["Convention", "Collectivité", "Libellé", f"Réalisé {c.year}"]]
        before: tuple[object, object] = (None, None)
        for row in c.tables["lignes_budgetaires"]:
            here = c.convention(row["convention_id"]), c.towns[row["collectivite_id"]]
            shown = [None, None] if here == before else [None if here[0] == before[0] else here[0], here[1]]
            table.append([*shown, row["libelle"], euros(row["montant_realise"])])
            before = here
        rows(budget, 0, table)
        for number, row in enumerate(c.tables["fiches"], 1):
            sheet = book.add_worksheet(f"Fiche {number}")
            rows(sheet, 0, [
                ["FICHE ACTION"],
                ["Convention :", c.convention(row["convention_id"])],
                ["Axe stratégique", f"{row['axe_id']}. {c.axes[row['axe_id']]}"],
                ["Fiche N°", row["fiche_id"]],
                ["Objectif opérationnel", row["objectif"]],
                ["Priorité", f"{row['priorite'] or ''} ({row['annee_priorite'] or ''})"],
                *([label, word(row[name])] for name, label in _ROLES.items()),
                ["Description de l'action", row["proposition"]],
                ["Echéance", row["echeance"]],
                ["CPO envisagée", word(row["cpo"])],
                ["Porteur de l'action :", row["porteurs"]],
                ["Partenaires mobilisés", row["partenaires_operationnels"]],
                [],
                ["Financeur", "Dispositif", "Montant"],
                *([c.funders.get(funding["financeur_id"]), funding["dispositif"], funding["montant_texte"]]
                  for funding in c.funding(row["fiche_id"])),
            ])  # fmt: skip

    return workbook(make)
