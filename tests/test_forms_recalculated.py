"""Formulas of a form compute, in LibreOffice, what was written beside them; and say what is missing as one fills."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.forms import ACTIONS_TABLE, BUDGET_TABLE, FINANCEMENTS_TABLE, FORMS, column_of, form_of, written_form
from support.libreoffice import LibreOffice, OfficeCells
from support.masters import Package, position
from support.recalculated import differences, errors
from tabellion.layout.forms import FillState
from tabellion.measures.forms import READY, counter_name
from tabellion.outputs.forms.guide import FORM_STATE
from tabellion.outputs.master.layout import FIRST_TABLE_ROW
from tabellion.schema.forms import TableSpec

pytestmark = pytest.mark.libreoffice

TOP = FIRST_TABLE_ROW + 1
COMPLETE = FillState.COMPLETE.value
MISSING, CONFIRM, CORRECT = (
    f"{state.value} : " for state in (FillState.TO_COMPLETE, FillState.TO_CONFIRM, FillState.TO_CORRECT)
)
NOTHING_YET = "Rien de saisi dans ce formulaire."


class Filling:
    """A form open in LibreOffice, filled as a person fills it."""

    def __init__(self, office: LibreOffice, folder: Path, name: str, partner: str) -> None:
        self.office, self.package = office, Package(written_form(name, partner))
        path = folder / "formulaire.xlsx"
        path.write_bytes(self.package.content)
        office.open(path)
        self.cells: OfficeCells = {}

    def type(self, table: TableSpec, row: int, column: str, text: str) -> None:
        """Type into the zero-based ``row`` of a table."""
        self.office.type(table.sheet, TOP + row, column_of(table, column), text)

    def recalculate(self) -> None:
        self.office.recalculate()
        self.cells = self.office.read()

    def state(self, table: TableSpec, row: int) -> object:
        """What the live column says."""
        return self.cells[table.sheet][TOP + row, 0].value

    def named(self, name: str) -> object:
        """The value of a named cell."""
        sheet, _, reference = self.package.names[name].rpartition("!")
        return self.cells[sheet.strip("'").replace("''", "'")][position(reference)].value

    def count(self, table: TableSpec) -> object:
        return self.named(counter_name(table))


@pytest.mark.parametrize(("name", "partner"), FORMS)
def test_computed_values_are_those_in_the_file(name: str, partner: str, office: LibreOffice, tmp_path: Path) -> None:
    filling = Filling(office, tmp_path, name, partner)
    filling.recalculate()
    assert differences(filling.package, filling.cells) == []
    assert errors(filling.cells) == []


def test_filling_the_budget_empties_the_list_of_what_is_missing(office: LibreOffice, tmp_path: Path) -> None:
    filling = Filling(office, tmp_path, "cas", "luce")
    rows = len(form_of("cas", "luce").rows[BUDGET_TABLE.name])
    filling.recalculate()
    assert [filling.state(BUDGET_TABLE, row) for row in range(rows)] == [
        f"{MISSING}un montant", f"{MISSING}un montant", COMPLETE, f"{MISSING}un montant",
    ]  # fmt: skip
    assert filling.count(BUDGET_TABLE) == 3
    assert filling.named(FORM_STATE) == NOTHING_YET
    filling.type(BUDGET_TABLE, 0, "montant_vote", "1 234,56")
    filling.type(BUDGET_TABLE, 1, "commentaire", "transférée")
    filling.recalculate()
    assert [filling.state(BUDGET_TABLE, row) for row in (0, 1)] == [COMPLETE, COMPLETE]
    assert filling.named(FORM_STATE) == "1 ligne à compléter avant l'envoi."
    filling.type(BUDGET_TABLE, 3, "montant_prevu", "0")
    filling.recalculate()
    assert filling.count(BUDGET_TABLE) == 0
    assert filling.named(FORM_STATE) == READY
    assert filling.named(f"Etat_{counter_name(BUDGET_TABLE)}") == COMPLETE
    assert errors(filling.cells) == []


def test_a_spare_row_says_what_it_misses_from_its_first_cell(office: LibreOffice, tmp_path: Path) -> None:
    filling = Filling(office, tmp_path, "cas", "vide")
    filling.recalculate()
    assert filling.named(FORM_STATE) == NOTHING_YET
    filling.type(BUDGET_TABLE, 0, "montant_realise", "1200")
    filling.type(BUDGET_TABLE, 49, "libelle", "La dernière")
    filling.recalculate()
    assert filling.state(BUDGET_TABLE, 0) == f"{MISSING}convention, libellé"
    assert filling.state(BUDGET_TABLE, 49) == f"{MISSING}convention, un montant"
    assert filling.state(BUDGET_TABLE, 1) == ""
    assert filling.count(BUDGET_TABLE) == 2
    filling.type(BUDGET_TABLE, 0, "convention_id", "2 – Santé")
    filling.type(BUDGET_TABLE, 0, "libelle", "Une ligne de plus")
    filling.recalculate()
    assert filling.state(BUDGET_TABLE, 0) == COMPLETE
    assert filling.named(FORM_STATE) == "1 ligne à compléter avant l'envoi."


def test_a_text_or_an_error_in_the_place_of_an_amount_is_not_missing(office: LibreOffice, tmp_path: Path) -> None:
    filling = Filling(office, tmp_path, "cas", "luce")
    place = column_of(BUDGET_TABLE, "montant_vote")
    office.set(BUDGET_TABLE.sheet, TOP, place, "12 k€")
    office.set(BUDGET_TABLE.sheet, TOP, place + 1, 5)
    office.call("set_formula", sheet=BUDGET_TABLE.sheet, row=TOP + 1, column=place, formula="=1/0")
    filling.recalculate()
    assert filling.state(BUDGET_TABLE, 0) == f"{CONFIRM}montant voté"
    assert filling.state(BUDGET_TABLE, 1) == f"{CORRECT}une valeur à la place d'une erreur"
    assert filling.count(BUDGET_TABLE) == 2
    assert filling.named(f"Etat_{counter_name(BUDGET_TABLE)}") == (
        "1 ligne à corriger, 1 ligne à compléter, 1 ligne à confirmer"
    )


def test_a_value_typed_over_another_is_something_typed(office: LibreOffice, tmp_path: Path) -> None:
    filling = Filling(office, tmp_path, "cas", "bailleur")
    filling.type(ACTIONS_TABLE, 0, "pourcentage", "50")
    filling.recalculate()
    assert filling.named(FORM_STATE) == READY
    filling.type(ACTIONS_TABLE, 0, "pourcentage", "40")
    filling.recalculate()
    assert filling.named(FORM_STATE) == NOTHING_YET


def test_actions_and_financements_follow_too(office: LibreOffice, tmp_path: Path) -> None:
    filling = Filling(office, tmp_path, "cas", "bailleur")
    filling.recalculate()
    assert filling.state(ACTIONS_TABLE, 0) == COMPLETE
    filling.type(ACTIONS_TABLE, 1, "commentaire", "sans fiche")
    office.set(FINANCEMENTS_TABLE.sheet, TOP, column_of(FINANCEMENTS_TABLE, "statut_montant"), "chiffré")
    office.set(FINANCEMENTS_TABLE.sheet, TOP, column_of(FINANCEMENTS_TABLE, "montant"), None)
    filling.recalculate()
    assert filling.state(ACTIONS_TABLE, 1) == f"{MISSING}fiche, avancement"
    assert filling.state(FINANCEMENTS_TABLE, 0) == f"{MISSING}le montant"
    assert filling.named(FORM_STATE) == "2 lignes à compléter avant l'envoi."
    filling.type(FINANCEMENTS_TABLE, 0, "montant", "12,5")
    filling.recalculate()
    assert filling.state(FINANCEMENTS_TABLE, 0) == COMPLETE
    assert filling.named(f"Etat_{counter_name(ACTIONS_TABLE)}") == "1 ligne à compléter"


def test_totals_and_differences_follow_what_is_typed(office: LibreOffice, tmp_path: Path) -> None:
    filling = Filling(office, tmp_path, "cas", "luce")
    filling.recalculate()
    last = sum(row.values["last_amount"] or 0 for row in form_of("cas", "luce").rows[BUDGET_TABLE.name])
    assert filling.named("Total_budget_last_amount") == last / 100
    filling.type(BUDGET_TABLE, 0, "montant_prevu", "1500,5")
    filling.type(BUDGET_TABLE, 0, "montant_realise", "2500")
    filling.type(BUDGET_TABLE, 1, "montant_vote", "10")
    filling.recalculate()
    gaps = [filling.cells["Budget"][TOP + row, column_of(BUDGET_TABLE, "difference")].value for row in (0, 1)]
    assert gaps == [500, 5]
    assert filling.named("Total_budget_montant_prevu") == 1507.5
    totals = filling.cells["Totaux"]
    shown = {cell.value: row for (row, column), cell in totals.items() if column == 0}
    assert [totals[shown[number], 5].value for number in (1, 2)] == [2500, ""]
    assert [totals[shown[number], 6].value for number in (1, 2)] == [500, 5]
    assert totals[shown["Total"], 5].value == 2507
    assert errors(filling.cells) == []
