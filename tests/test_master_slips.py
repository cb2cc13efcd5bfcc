"""A slip in contrat.xlsx costs its cell: what each says, what is read all the same, on workbooks edited by openpyxl."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.worksheet.table import Table
from openpyxl.worksheet.worksheet import Worksheet

from support.contracts import SETTINGS, Row, Rows, line, schemas, small_rows, tables_of
from support.masters import contract_of, written
from support.mutations import edited
from tabellion.checks.formulas import check_computed_cells
from tabellion.checks.presentation import check_master_presentation
from tabellion.reading import parse_bytes
from tabellion.reading.master import ParsedMaster, read_master
from tabellion.reading.raw import RawSheet, RawWorkbook
from tabellion.reading.row_identity import identify_rows
from tabellion.reading.tables import TableFinder
from tabellion.schema.tables import Tables

B01, B02, C01 = "B01 Éducation", "B02 Santé", "C01 Éducation"
LINES, FICHES, PARTNERS = "Lignes_01", "Fiches_01", "Partenaires"
#: What openpyxl does to every workbook: it drops the computed values, which the reading of tables does not look at.
NOISE = {"formules-non-calculees"}

#: The tables that a master makes of the settings: the rows given here have none of theirs.
OF_SETTINGS = ("reglages", "exercices")

Edit = Callable[[Workbook], object]


def rows() -> Rows:
    """The small contract, with lines of two years and an amount for each financement."""
    made = small_rows()
    made["lignes_budgetaires"] += [
        line("B01-luce-001", 1, "luce", "Cantine", 1_100_00, exercice=2014, montant_prevu=900_00),
        line("B01-luce-002", 1, "luce", "Accueil périscolaire", 260_00, exercice=2014),
    ]
    made["partenaires"] += [
        {"partenaire_id": "caf", "nom": "CAF"},
        {"partenaire_id": "ville-luce", "nom": "Ville de Lucé", "collectivite_id": "luce"},
    ]
    made["participations"] += [{"fiche_id": "I-2./1", "partenaire_id": "caf", "role": "opérationnel"}]
    return made


@cache
def base() -> Tables:
    return tables_of(rows())


@cache
def master() -> bytes:
    return written(contract_of(rows()))[1]


class Edited:
    """A master after an edit, read with the last accepted state and without it."""

    def __init__(self, edit: Edit) -> None:
        self.content = edited(master(), edit)
        self.reading = self.read(base())

    def read(self, known: Tables | None) -> ParsedMaster:
        reading = read_master(parse_bytes(self.content, "contrat.xlsx"), schemas(), SETTINGS.identifiant, known)
        assert not [finding for finding in reading.findings if finding.bloquant]
        return reading

    @property
    def alone(self) -> ParsedMaster:
        return self.read(None)

    def codes_and_cells(self) -> list[tuple[str, str | None]]:
        return sorted(
            (finding.code, finding.place.cellule) for finding in self.reading.findings if finding.code not in NOISE
        )

    def same(self, *but: str) -> bool:
        """Whether the tables are those of the last accepted state, whatever the order of their rows."""
        return all(
            contents(self.reading.tables, name) == contents(base(), name)
            for name in schemas()
            if name not in (*but, *OF_SETTINGS)
        )


def contents(tables: Tables, name: str) -> list[str]:
    return sorted(map(repr, tables[name].rows))


def sheet_of(book: Workbook, table: str) -> Worksheet:
    return next(sheet for sheet in book.worksheets if table in sheet.tables)


class Grid:
    """One Excel table as it can be edited: cells by row (from 1 under the headers) and label."""

    def __init__(self, book: Workbook, table: str) -> None:
        self.sheet = sheet_of(book, table)
        self.table = self.sheet.tables[table]
        self.left, self.top, self.right, self.bottom = range_boundaries(self.table.ref)
        self.columns = {self.sheet.cell(self.top, column).value: column for column in range(self.left, self.right + 1)}

    def __getitem__(self, where: tuple[int, str]) -> Any:
        return self.sheet.cell(self.top + where[0], self.columns[where[1]]).value

    def __setitem__(self, where: tuple[int, str], value: Any) -> None:
        self.sheet.cell(self.top + where[0], self.columns[where[1]]).value = value

    def cell(self, row: int, label: str) -> str:
        return f"{get_column_letter(self.columns[label])}{self.top + row}"

    def swap(self, label: str, one: int, other: int) -> None:
        self[one, label], self[other, label] = self[other, label], self[one, label]

    def copy(self, source: int, target: int, but: tuple[str, ...] = ()) -> None:
        for label in self.columns:
            if label not in but:
                self[target, label] = self[source, label]


@cache
def places(table: str) -> Grid:
    grids: list[Grid] = []
    edited(master(), lambda book: grids.append(Grid(book, table)))
    return grids[0]


def at(row: int, label: str, table: str = LINES) -> str:
    return places(table).cell(row, label)


def row_of(reading: ParsedMaster, table: str, **known: Any) -> Row:
    (row,) = [row for row in reading.tables[table].rows if all(row[name] == value for name, value in known.items())]
    return row


ID, TOWN, LABEL, YEAR, DONE = "Identifiant", "Collectivité", "Libellé", "Exercice", "Montant réalisé (€)"
PARTNER = "Partenaire"


def on(table: str, change: Callable[[Grid], object]) -> Edit:
    return lambda book: change(Grid(book, table))


def put(row: int, label: str, value: Any, table: str = LINES) -> Edit:
    return on(table, lambda grid: grid.__setitem__((row, label), value))


def test_a_workbook_as_made_says_nothing() -> None:
    made = Edited(lambda _: None)
    assert made.codes_and_cells() == []
    assert made.same()
    assert not made.reading.unknown
    assert made.reading.missing == {
        (name, None, None) for name in ("suivis", "subventions", "plan_charges", "plan_produits")
    }


# Values


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("13 000,00 €", 13_000_00),
        ("12 k€", 12_000_00),
        ("1 234,5", 1_234_50),
        ("1\u202f234 €", 1_234_00),
        ("1200", 1_200_00),
    ],
)
def test_an_amount_typed_as_a_text_counts_and_says_that_the_workbook_does_not_count_it(typed: str, cents: int) -> None:
    made = Edited(put(1, DONE, typed))
    assert made.codes_and_cells() == [("nombre-en-texte", at(1, DONE))]
    assert made.reading.tables["lignes_budgetaires"].column("montant_realise")[0] == cents
    assert not made.reading.unknown


def test_a_convention_named_by_its_title_is_that_one() -> None:
    title, label = str(base()["conventions"].column("titre")[0]), schemas()["axes"].by_name["convention_id"].title

    def edit(book: Workbook) -> None:
        Grid(book, "Axes")[1, label] = title.upper()

    made = Edited(edit)
    assert made.same()
    assert [code for code, _ in made.codes_and_cells()] == ["valeur-rapprochee"]


def test_nothing_in_words_is_zero_and_no_total_misses_it() -> None:
    made = Edited(put(1, DONE, "néant"))
    assert made.codes_and_cells() == [("valeur-comprise", at(1, DONE))]
    assert made.reading.tables["lignes_budgetaires"].column("montant_realise")[0] == 0


@pytest.mark.parametrize("typed", ["à voir", "1.234", "1200 ou 1300", "12.345"])
def test_what_cannot_be_understood_is_unknown_and_blocks_nothing(typed: str) -> None:
    made = Edited(put(1, DONE, typed))
    ((_, cell),) = made.codes_and_cells()
    assert cell == at(1, DONE)
    assert made.reading.unknown == {("lignes_budgetaires", 0, "montant_realise")}


def test_thirty_slips_cost_thirty_cells() -> None:
    labels = ("Montant prévu (€)", "Montant voté (€)", DONE)

    def slip(book: Workbook) -> None:
        for table, height in (("Lignes_01", 5), ("Lignes_02", 2), ("Lignes_03", 1)):
            grid = Grid(book, table)
            for row in range(1, height + 1):
                for label in labels:
                    grid[row, label] = "à voir avec le service"
        for table, height in (("Fiches_01", 2), ("Fiches_02", 1), ("Fiches_03", 1)):
            grid = Grid(book, table)
            for row in range(1, height + 1):
                grid[row, "Priorité"] = "haute"
                grid[row, "Jeunes"] = "peut-être"

    made = Edited(slip)
    assert len(made.reading.unknown) == 8 * 3 + 4 * 2 == len(made.reading.findings)
    assert made.same("lignes_budgetaires", "fiches")
    for name in ("lignes_budgetaires", "fiches"):
        lost = {(position, field) for table, position, field in made.reading.unknown if table == name}
        key = schemas()[name].primary_key
        before = {tuple(row[part] for part in key): row for row in base()[name].rows}
        for position, row in enumerate(made.reading.tables[name].rows):
            known = before[tuple(row[part] for part in key)]
            assert {field for field in known if row[field] != known[field]} <= {
                field for where, field in lost if where == position
            }


@pytest.mark.parametrize("typed", ["2013", "2013 ", "2\u202f013"])
def test_a_year_typed_as_a_text_is_that_year(typed: str) -> None:
    made = Edited(put(1, YEAR, typed))
    assert made.codes_and_cells() == [("nombre-en-texte", at(1, YEAR))]
    assert made.same()


@pytest.mark.parametrize(
    ("typed", "code"), [("LUCE", "valeur-rapprochee"), (" Lucé", "valeur-rapprochee"), ("luce", None)]
)
def test_a_town_typed_otherwise_is_that_town(typed: str, code: str | None) -> None:
    made = Edited(put(1, TOWN, typed))
    assert [code for code, _ in made.codes_and_cells()] == ([code] if code else [])
    assert made.same()


# Rows


def add(grid: Grid, row: int, **typed: Any) -> None:
    labels = {"town": TOWN, "label": LABEL, "year": YEAR, "done": DONE, "id": ID}
    for name, value in typed.items():
        grid[row, labels[name]] = value


@pytest.mark.parametrize("blank", [0, 3])
def test_rows_under_a_table_are_lines_and_are_said_once(blank: int) -> None:
    def below(grid: Grid) -> None:
        for rank in range(3):
            add(grid, 6 + blank + rank, town="Lucé", label=f"Sortie {rank}", year=2013, done=100 + rank)

    made = Edited(on(LINES, below))
    assert made.codes_and_cells() == [("ligne-hors-tableau", at(6 + blank, TOWN))]
    added = [row for row in made.reading.tables["lignes_budgetaires"].rows if str(row["libelle"]).startswith("Sortie")]
    assert [row["montant_realise"] for row in added] == [100_00, 101_00, 102_00]
    assert (
        len({row["ligne_id"] for row in added} | {row["ligne_id"] for row in base()["lignes_budgetaires"].rows})
        == 3 + 6
    )


def test_rows_that_a_table_has_lost_are_lines() -> None:
    def shrink(grid: Grid) -> None:
        grid.table.ref = f"{get_column_letter(grid.left)}{grid.top}:{get_column_letter(grid.right)}{grid.top + 2}"

    made = Edited(on(LINES, shrink))
    assert made.codes_and_cells() == [("ligne-hors-tableau", at(3, TOWN))]
    assert made.same()


def test_columns_that_a_table_has_lost_are_read() -> None:
    def narrow(grid: Grid) -> None:
        grid.table.ref = f"{get_column_letter(grid.left)}{grid.top}:{get_column_letter(grid.left)}{grid.bottom}"
        grid.table.tableColumns = grid.table.tableColumns[:1]

    made = Edited(on(LINES, narrow))
    assert [code for code, _ in made.codes_and_cells()] == ["colonne-hors-tableau"]
    assert made.same()
    assert not {missing_cell for missing_cell in made.reading.missing if missing_cell[0] == "lignes_budgetaires"}


@pytest.mark.parametrize(
    "typed",
    [
        {"town": "Total Lucé", "done": 1250.5},
        {"label": "Sous-total", "done": 1250.5, "year": 2013},
        {"town": "Lucé", "label": "Ensemble", "done": "=SUM(F10:F12)"},
        {"town": "Lucé", "done": f"=SUBTOTAL(109,{LINES}[{DONE}])"},
    ],
)
def test_a_subtotal_typed_by_hand_is_no_line(typed: dict[str, Any]) -> None:
    def below(grid: Grid) -> None:
        formula = typed.get("done")
        column = get_column_letter(grid.columns[DONE])
        add(grid, 6, **typed)
        if isinstance(formula, str) and "F10" in formula:
            grid[6, DONE] = formula.replace("F", column)

    made = Edited(on(LINES, below))
    assert [code for code, _ in made.codes_and_cells()] == ["total-ajoute"]
    assert made.same()


def test_a_line_copied_to_be_a_total_is_no_line() -> None:
    def copy(grid: Grid) -> None:
        grid.copy(1, 6)
        grid[6, LABEL] = "Total"

    made = Edited(on(LINES, copy))
    assert [code for code, _ in made.codes_and_cells()] == ["total-ajoute"]
    assert made.same()


def test_an_amount_that_its_own_formula_computes_is_a_line() -> None:
    made = Edited(on(LINES, lambda grid: add(grid, 6, town="Lucé", label="Loyers", year=2013, done="=12*100")))
    assert ("valeur-comprise", at(6, DONE)) in made.codes_and_cells(), (
        "openpyxl computes nothing, and this is plain arithmetic"
    )
    assert len(made.reading.tables["lignes_budgetaires"]) == 9


def test_a_note_under_a_table_is_no_line() -> None:
    made = Edited(on(LINES, lambda grid: add(grid, 8, town="Vu avec Mme Martin le 3 mars")))
    assert made.codes_and_cells() == [("note-sous-tableau", at(8, TOWN))]
    assert made.same()


def test_a_partner_that_is_only_a_name_under_the_table_is_a_partner() -> None:
    made = Edited(put(4, PARTNER, "Mission locale", PARTNERS))
    assert made.codes_and_cells() == [("ligne-hors-tableau", at(4, PARTNER, PARTNERS))]
    assert row_of(made.reading, "partenaires", nom="Mission locale")["partenaire_id"] == "mission-locale"


def test_headers_printed_again_are_no_line() -> None:
    def repeat(grid: Grid) -> None:
        for label in grid.columns:
            grid[6, label] = label

    made = Edited(on(LINES, repeat))
    assert made.codes_and_cells() == []
    assert made.same()


# Tables, columns, sheets


def test_a_table_undone_is_read_and_said() -> None:
    made = Edited(lambda book: sheet_of(book, LINES).tables.pop(LINES))
    assert [code for code, _ in made.codes_and_cells()] == ["tableau-defait"]
    assert made.same()


def test_a_table_undone_is_the_one_of_its_sheet_alone() -> None:
    """The sheet of the other went, and its headers were the same."""
    sheet = RawSheet("Reste", "visible", [["Ville", "Montant"], ["Lucé", 1.0]])
    finder = TableFinder(RawWorkbook("reste.xlsx", "", [sheet]), frozenset({"Totaux_01", "Totaux_02"}))
    first = finder.area("Totaux_01", ("Ville", "Montant"))
    assert first is not None
    assert (first.sheet, first.header_row) == (sheet, 1)
    assert finder.area("Totaux_02", ("Ville", "Montant")) is None
    again = finder.area("Totaux_01", ("Ville", "Montant"))
    assert again is not None
    assert [finding.valeur for finding in finder.findings if finding.code == "tableau-defait"] == ["Totaux_01"] * 2
    assert [finding.valeur for finding in finder.findings if finding.code == "tableau-absent"] == ["Totaux_02"]


def test_every_table_undone_is_read_and_said() -> None:
    def undo(book: Workbook) -> None:
        for sheet in book.worksheets:
            for name in list(sheet.tables):
                del sheet.tables[name]

    made = Edited(undo)
    assert {code for code, _ in made.codes_and_cells()} == {"tableau-defait"}
    assert made.same()


def test_a_copied_sheet_is_not_read_and_says_what_is_different_in_it() -> None:
    def copy(book: Workbook) -> None:
        sheet = sheet_of(book, LINES)
        twin = book.copy_worksheet(sheet)
        twin.title = f"{sheet.title} (2)"
        twin.add_table(Table(name="Lignes_014", displayName="Lignes_014", ref=sheet.tables[LINES].ref))
        grid = Grid(book, "Lignes_014")
        grid[1, DONE] = 1

    made = Edited(copy)
    assert [code for code, _ in made.codes_and_cells()] == ["feuille-copiee"]
    assert made.same()


def test_a_copied_sheet_whose_original_is_gone_is_read() -> None:
    def replace(book: Workbook) -> None:
        sheet = sheet_of(book, LINES)
        table = sheet.tables.pop(LINES)
        table.name = table.displayName = "Lignes_014"
        sheet.add_table(table)
        book.defined_names["feuille_B01"].attr_text = "#REF!$A$1"  # what Excel leaves where the sheet was

    made = Edited(replace)
    assert [code for code, _ in made.codes_and_cells()] == ["tableau-copie"]
    assert made.same()


@pytest.mark.parametrize("label", [DONE, LABEL, TOWN, "Commentaire"])
def test_a_column_that_is_gone_is_missing_not_cleared(label: str) -> None:
    field = next(field_.name for field_ in schemas()["lignes_budgetaires"].fields if field_.title == label)
    made = Edited(put(0, label, "Tout autre chose"))
    codes = [code for code, _ in made.codes_and_cells()]
    assert "colonne-absente" in codes
    assert ("lignes_budgetaires", 1, field) in made.reading.missing
    assert ("lignes_budgetaires", 2, field) not in made.reading.missing
    of_rows = {
        position for table, position, name in made.reading.unknown if (table, name) == ("lignes_budgetaires", field)
    }
    assert of_rows == {0, 1, 2, 3, 4}
    assert set(made.reading.tables["lignes_budgetaires"].column("ligne_id")) == set(
        base()["lignes_budgetaires"].column("ligne_id")
    )


def test_a_sheet_that_is_gone_is_missing_not_emptied() -> None:
    made = Edited(lambda book: book.remove(book[B02]))
    assert ("lignes_budgetaires", 2, None) in made.reading.missing
    assert ("lignes_budgetaires", 1, None) not in made.reading.missing
    assert "tableau-absent" in [code for code, _ in made.codes_and_cells()]
    left = [row for row in base()["lignes_budgetaires"].rows if row["convention_id"] != 2]
    assert sorted(map(repr, made.reading.tables["lignes_budgetaires"].rows)) == sorted(map(repr, left))


def test_a_reference_table_that_is_gone_takes_no_other_value_along() -> None:
    def lose(grid: Grid) -> None:
        del grid.sheet.tables["Collectivites"]
        for label in grid.columns:
            grid[0, label] = None

    made = Edited(on("Collectivites", lose))
    assert ("collectivites", None, None) in made.reading.missing
    assert made.same("collectivites")


def test_the_sheets_of_a_convention_that_its_table_no_longer_has_are_read() -> None:
    def erase(grid: Grid) -> None:
        for label in grid.columns:
            grid[2, label] = None

    made = Edited(on("Conventions", erase))
    assert made.same("conventions")


# Identifiers


@pytest.mark.parametrize(
    "table", [LINES, "Financements_fiches", "Totaux_publies", PARTNERS, "Collectivites", "Financeurs"]
)
def test_identifiers_that_were_cleared_are_found_again(table: str) -> None:
    grid = places(table)
    height = grid.bottom - grid.top

    def clear(grid: Grid) -> None:
        for row in range(1, height + 1):
            grid[row, ID] = None

    made = Edited(on(table, clear))
    assert made.same()
    codes = {code for code, _ in made.codes_and_cells()}
    assert codes == ({"identifiant-retabli"} if height <= 5 else {"identifiants-corriges"})
    assert not made.reading.unknown


def test_identifiers_that_were_swapped_are_put_back() -> None:
    made = Edited(on(LINES, lambda grid: grid.swap(ID, 1, 2)))
    assert made.codes_and_cells() == [("identifiant-retabli", at(1, ID)), ("identifiant-retabli", at(2, ID))]
    assert made.same()


def test_labels_that_were_swapped_are_labels() -> None:
    made = Edited(on(LINES, lambda grid: grid.swap(LABEL, 1, 2)))
    assert made.codes_and_cells() == []
    swapped = [row["libelle"] for row in made.reading.tables["lignes_budgetaires"].rows[:2]]
    assert swapped == ["Accueil périscolaire", "Cantine"]


def test_identifiers_sorted_without_their_rows_are_put_back() -> None:
    def turn(grid: Grid) -> None:
        values = [grid[row, ID] for row in range(1, 6)]
        for row, value in enumerate([*values[1:], values[0]], 1):
            grid[row, ID] = value

    made = Edited(on(LINES, turn))
    assert made.same()


def test_the_copy_of_a_row_is_a_new_row_and_the_old_one_keeps_its_name() -> None:
    def copy(grid: Grid) -> None:
        grid.copy(1, 6)
        grid[6, LABEL], grid[6, DONE] = "Cantine du mercredi", 77

    made = Edited(on(LINES, copy))
    assert made.codes_and_cells() == [("identifiant-attribue", at(6, ID)), ("ligne-hors-tableau", at(6, TOWN))]
    new = row_of(made.reading, "lignes_budgetaires", libelle="Cantine du mercredi")
    assert new["ligne_id"] == "B01-luce-cantine-du-mercredi"
    assert new["montant_realise"] == 77_00
    assert row_of(made.reading, "lignes_budgetaires", libelle="Cantine", exercice=2013)["ligne_id"] == "B01-luce-001"


def test_a_row_pasted_above_the_one_it_was_copied_from_is_the_new_one() -> None:
    def copy(grid: Grid) -> None:
        grid.copy(1, 6)
        grid[1, LABEL], grid[1, DONE] = "Cantine du mercredi", 77

    made = Edited(on(LINES, copy))
    assert row_of(made.reading, "lignes_budgetaires", libelle="Cantine", exercice=2013)["ligne_id"] == "B01-luce-001"
    assert row_of(made.reading, "lignes_budgetaires", libelle="Cantine du mercredi")["ligne_id"] != "B01-luce-001"


def test_a_row_copied_for_another_year_is_the_same_line() -> None:
    def copy(grid: Grid) -> None:
        grid.copy(1, 6)
        grid[6, YEAR], grid[6, DONE] = 2015, 1200

    made = Edited(on(LINES, copy))
    assert [code for code, _ in made.codes_and_cells()] == ["ligne-hors-tableau"]
    assert row_of(made.reading, "lignes_budgetaires", exercice=2015)["ligne_id"] == "B01-luce-001"


def test_a_line_typed_for_another_year_without_identifier_is_the_same_line() -> None:
    made = Edited(on(LINES, lambda grid: add(grid, 6, town="Lucé", label="CANTINE", year=2015, done=5)))
    assert [code for code, _ in made.codes_and_cells()] == ["ligne-hors-tableau"]
    assert row_of(made.reading, "lignes_budgetaires", exercice=2015)["ligne_id"] == "B01-luce-001"


def test_a_row_copied_to_another_town_is_another_line() -> None:
    def copy(grid: Grid) -> None:
        grid.copy(1, 6)
        grid[6, TOWN], grid[6, YEAR] = "Métropole", 2015

    made = Edited(on(LINES, copy))
    assert ("identifiant-attribue", at(6, ID)) in made.codes_and_cells()
    assert row_of(made.reading, "lignes_budgetaires", exercice=2015)["ligne_id"] == "B01-metropole-cantine"


@pytest.mark.parametrize("typed", ["b01-LUCE-001", " B01-luce-001 ", "B01 - luce - 001"])
def test_an_identifier_typed_otherwise_is_that_identifier(typed: str) -> None:
    made = Edited(put(1, ID, typed))
    assert made.codes_and_cells() == [("identifiant-retabli", at(1, ID))]
    assert made.same()


@pytest.mark.parametrize("typed", ["n'importe quoi !", "B99-nulle-part", 42, "=1/0"])
def test_an_identifier_that_no_row_ever_had_is_put_right(typed: Any) -> None:
    made = Edited(put(1, ID, typed))
    assert made.codes_and_cells() == [("identifiant-retabli", at(1, ID))]
    assert made.same()


def test_without_the_last_state_rows_get_names_and_nothing_is_unknown() -> None:
    def slip(grid: Grid) -> None:
        grid[1, ID] = None
        grid.copy(2, 6)
        grid[6, LABEL] = "Autre"

    reading = Edited(on(LINES, slip)).alone
    identifiers = [row["ligne_id"] for row in reading.tables["lignes_budgetaires"].rows if row["convention_id"] == 1]
    assert None not in identifiers
    assert row_of(reading, "lignes_budgetaires", libelle="Autre")["ligne_id"] != "B01-luce-002"
    assert not reading.unknown


def test_a_line_that_replaces_another_of_the_same_name_has_an_identifier_of_its_own_in_the_last_state_too() -> None:
    def slip(grid: Grid) -> None:
        for label in grid.columns:
            grid[3, label] = None
        add(grid, 6, town="Métropole", label="001", year=2013, done=3)

    made = Edited(on(LINES, slip))
    new = row_of(made.reading, "lignes_budgetaires", libelle="001")
    assert new["ligne_id"] == "B01-metropole-001-2", "the base's own B01-metropole-001 may come back"


def test_a_fiche_without_its_number_is_known_by_the_rest() -> None:
    made = Edited(put(1, "Fiche", None, FICHES))
    assert made.codes_and_cells() == [("identifiant-retabli", at(1, "Fiche", FICHES))]
    assert made.same()


def test_a_new_fiche_without_number_waits_for_it() -> None:
    def add_fiche(grid: Grid) -> None:
        grid.copy(1, 3, but=("Fiche",))
        grid[3, "Objectif"] = "Un tout autre objectif."

    made = Edited(on(FICHES, add_fiche))
    assert ("identifiant-manquant", at(3, "Fiche", FICHES)) in made.codes_and_cells()
    assert made.reading.unknown == {("fiches", 2, "fiche_id")}


def test_a_fiche_copied_with_its_number_waits_for_its_own() -> None:
    def copy(grid: Grid) -> None:
        grid.copy(1, 3)
        grid[3, "Objectif"] = "Un tout autre objectif."

    made = Edited(on(FICHES, copy))
    assert ("identifiant-repete", at(3, "Fiche", FICHES)) in made.codes_and_cells()
    assert made.reading.tables["fiches"].column("fiche_id")[:3] == ["I-1.1./1", "I-1.1./2", None]


def test_a_fiche_renumbered_takes_what_speaks_of_it_along() -> None:
    made = Edited(put(1, "Fiche", "I-1.1./9", FICHES))
    assert made.reading.renumbered["fiches"] == {"I-1.1./1": "I-1.1./9"}
    assert row_of(made.reading, "financements", financement_id="I-1.1./1:etat")["fiche_id"] == "I-1.1./9"
    assert sorted(code for code, _ in made.codes_and_cells()) == ["ancien-nom", "ancien-nom"]


def test_a_convention_without_number_is_known_by_its_title() -> None:
    number = next(field_.title for field_ in schemas()["conventions"].fields if field_.name == "convention_id")
    made = Edited(put(2, number, None, "Conventions"))
    assert made.codes_and_cells() == [("identifiant-retabli", at(2, number, "Conventions"))]
    assert made.same()


def test_a_participation_said_twice_counts_once() -> None:
    made = Edited(on("Participations", lambda grid: grid.copy(1, 3)))
    assert "ligne-repetee" in [code for code, _ in made.codes_and_cells()]
    assert made.same()


# Names


def test_a_partner_renamed_in_its_table_is_renamed_wherever_it_is_named() -> None:
    made = Edited(put(1, PARTNER, "Habitat Eurélien", PARTNERS))
    assert made.codes_and_cells() == [("ancien-nom", at(1, "Partenaire", "Participations"))]
    assert made.same("partenaires")
    assert row_of(made.reading, "partenaires", partenaire_id="bailleur")["nom"] == "Habitat Eurélien"


def test_a_town_renamed_in_its_table_is_said_once_a_table() -> None:
    made = Edited(put(1, TOWN, "Ville Nouvelle", "Collectivites"))
    findings = [finding for finding in made.reading.findings if finding.code == "ancien-nom"]
    assert sorted((finding.valeur, finding.place.feuille) for finding in findings) == [
        (1, "Partenaires"), (4, "Rapprochement"), (6, B01),
    ]  # fmt: skip
    assert made.same("collectivites")


def test_a_name_that_another_row_takes_over_is_no_old_name() -> None:
    def swap(grid: Grid) -> None:
        grid.swap(TOWN, 1, 2)

    def rename(book: Workbook) -> None:
        swap(Grid(book, "Collectivites"))
        for row in (1, 2):  # something that tells the towns apart, and that stays
            Grid(book, "Collectivites")[row, "Catégorie"] = ("commune", "EPCI")[row - 1]

    made = Edited(rename)
    towns = {row["collectivite_id"]: row["nom"] for row in made.reading.tables["collectivites"].rows}
    assert towns == {"luce": "Métropole", "metropole": "Lucé"}
    assert row_of(made.reading, "lignes_budgetaires", libelle="Dépistage")["collectivite_id"] == "metropole"
    assert "ancien-nom" not in [code for code, _ in made.codes_and_cells()]


def test_an_undone_table_that_has_lost_a_header_is_read_on_both_sides() -> None:
    def undo(book: Workbook) -> None:
        grid = Grid(book, LINES)
        grid[0, YEAR] = None
        del grid.sheet.tables[LINES]

    made = Edited(undo)
    assert ("lignes_budgetaires", 1, "exercice") in made.reading.missing
    assert {missing_cell for missing_cell in made.reading.missing if missing_cell[0] == "lignes_budgetaires"} == {
        ("lignes_budgetaires", 1, "exercice")
    }
    done = [row["montant_realise"] for row in made.reading.tables["lignes_budgetaires"].rows]
    assert sorted(map(str, done)) == sorted(str(row["montant_realise"]) for row in base()["lignes_budgetaires"].rows)


def test_a_row_that_nothing_but_its_key_tells_is_never_taken_for_another() -> None:
    schema = schemas()["exercices"]
    known = tables_of(exercices=[{"exercice": 2015}, {"exercice": 2016}])["exercices"]
    typed: dict[str, list[Any]] = {name: [None, None] for name in schema.names} | {"exercice": [2015, None]}
    identification = identify_rows(schema, typed, set(), known, {})
    assert typed["exercice"] == [2015, None]
    assert [(correction.position, correction.value) for correction in identification.corrections] == [(1, None)]


def test_what_staff_type_where_it_shows_otherwise_is_said_and_blocks_nothing() -> None:
    """Merged, struck out, with a unit that the format shows, hidden: as in a return."""
    planned, voted = "Montant prévu (€)", "Montant voté (€)"
    places: dict[str, str] = {}

    def edit(book: Workbook) -> None:
        grid = Grid(book, LINES)
        cells = [grid.cell(row, label) for label in (planned, voted) for row in (1, 2)]
        places.update(zip(("first", "merged", "struck", "scaled"), cells, strict=True))
        grid[1, planned], grid[1, voted], grid[2, voted] = 1001, 1002, 1003
        grid.sheet.merge_cells(f"{places['first']}:{places['merged']}")
        grid.sheet[places["struck"]].font = Font(strike=True)
        grid.sheet[places["scaled"]].number_format = '0" k€"'
        grid.sheet.row_dimensions[grid.sheet[places["scaled"]].row].hidden = True

    findings = check_master_presentation(Edited(edit).reading, base())
    assert not any(finding.bloquant for finding in findings)
    assert {finding.code: finding.place.cellule for finding in findings} == {
        "cellules-fusionnees": places["merged"],
        "montant-barre": places["struck"],
        "montant-a-l-echelle": places["scaled"],
        "reponses-masquees": places["scaled"],  # what was known in the hidden row is not said
    }
    assert check_master_presentation(Edited(lambda _: None).reading, base()) == []

    def hide(book: Workbook) -> None:
        grid = Grid(book, LINES)
        grid[1, planned] = 1001
        grid.sheet.column_dimensions[grid.cell(1, planned).rstrip("0123456789")].hidden = True

    (finding,) = check_master_presentation(Edited(hide).reading, base())
    assert (finding.code, finding.place.cellule) == ("reponses-masquees", places["first"])


# Computed cells


def pasted_as_values(book: Workbook) -> None:
    """The sheet of the years, copied and pasted over itself as values."""
    for row in book["Années"].iter_rows():
        for cell in row:
            if cell.data_type == "f":
                cell.value = 7


def test_a_sheet_pasted_over_itself_as_values_says_each_column_once() -> None:
    made = Edited(pasted_as_values)
    assert made.same()
    findings = [cell for cell in check_computed_cells(made.reading) if cell.place.feuille == "Années"]
    assert {finding.code for finding in findings} == {"formule-remplacee"}
    cells = [place.cellule for finding in findings for place in (finding.place, *finding.liees)]
    lines = len({row["ligne_id"] for row in rows()["lignes_budgetaires"]})
    assert len(cells) == len(set(cells)) == (lines + 1) * 6, "the lines and their total, by two exercices"
    assert f"{lines} autres cellules" in findings[0].message


def test_names_of_the_workbook_that_were_deleted_are_said_together() -> None:
    def edit(book: Workbook) -> None:
        for name in ("Total_publie", "Accueil_net"):
            del book.defined_names[name]

    made = Edited(edit)
    assert made.same()
    findings = [finding for finding in check_computed_cells(made.reading) if finding.code not in NOISE]
    assert [finding.code for finding in findings] == ["noms-absents"]
    assert {"Accueil_net", "Total_publie"} == {*findings[0].valeur.split(", ")}
