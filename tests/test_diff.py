"""``tabellion diff``: two workbooks compared by meaning; what stands where, and who saved it, counts for nothing."""

from __future__ import annotations

import json
import resource
import shutil
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from support.campaign import fill, mutated, save_again
from support.contracts import save_register, schemas, tables_of
from support.large_contracts import large_rows
from support.masters import Package
from support.mutations import move_columns
from support.office_files import Editor
from support.opened_books import Book
from support.program import Outcome, contents, tabellion
from tabellion.outputs.diff import compare_tables
from tabellion.outputs.diff.model import CellDifference, ComparedTable, TableDifference

SAVED = datetime(2016, 11, 20, 9, 0)


# The pure comparison

Rows = list[tuple[tuple[str], tuple[int | None, str]]]
ROWS = st.lists(
    st.tuples(
        st.tuples(st.sampled_from("ABCDEFGH")),
        st.tuples(st.none() | st.integers(0, 3), st.sampled_from(["", "un", "deux"])),
    ),
    max_size=12,
)


def table(rows: Rows, *, swapped: bool = False) -> ComparedTable:
    columns = {"montant": [row[0] for _, row in rows], "texte": [row[1] for _, row in rows]}
    names = reversed(columns) if swapped else columns
    return ComparedTable("lignes", [key for key, _ in rows], {name: columns[name] for name in names})


def meaning(difference: TableDifference, before: Rows, after: Rows) -> tuple[Any, ...]:
    """A difference without the places of its rows."""
    return (
        Counter(before[position] for position in difference.removed),
        Counter(after[position] for position in difference.added),
        Counter((row.key, frozenset(row.cells)) for row in difference.changed),
    )


@given(ROWS)
def test_a_table_does_not_differ_from_itself(rows: Rows) -> None:
    difference = compare_tables(table(rows), table(rows))
    assert (difference.count, difference.moved) == (0, ())


@given(ROWS, ROWS)
def test_the_other_way_round_is_the_inverse(before: Rows, after: Rows) -> None:
    there, back = (
        compare_tables(table(before), table(after)),
        compare_tables(table(after), table(before)),
    )
    removed, added, changed = meaning(back, after, before)
    turned = Counter(
        (row.key, frozenset((cell.field, cell.after, cell.before) for cell in row.cells)) for row in back.changed
    )
    assert meaning(there, before, after)[:2] == (added, removed)
    assert sum(changed.values()) == len(there.changed)
    assert turned == Counter(
        (row.key, frozenset((cell.field, cell.before, cell.after) for cell in row.cells)) for row in there.changed
    )
    if all(len({key for key, _ in rows}) == len(rows) for rows in (before, after)):
        # Which of two rows of one key has moved, nobody can tell.
        assert len(there.moved) == len(back.moved)


@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_changes_nothing(before: Rows, after: Rows, luck: Any) -> None:
    mixed = luck.sample(after, len(after))
    straight = compare_tables(table(before), table(after))
    moved = compare_tables(table(before), table(mixed, swapped=True))
    assert meaning(straight, before, after) == meaning(moved, before, mixed)


@given(ROWS, ROWS)
def test_the_differences_applied_to_the_first_give_the_second(before: Rows, after: Rows) -> None:
    difference = compare_tables(table(before), table(after))
    removed = set(difference.removed)
    told = {row.before: {cell.field: cell.after for cell in row.cells} for row in difference.changed}
    made = []
    for position, (key, (amount, text)) in enumerate(before):
        if position not in removed:
            cells = told.get(position, {})
            made.append((key, (cells.get("montant", amount), cells.get("texte", text))))
    made += [after[position] for position in difference.added]
    assert Counter(made) == Counter(after)


def named(rows: Rows) -> ComparedTable:
    """A table whose key is a field, that only tells its rows apart; a row is of its text."""
    columns = {"id": [key[0] for key, _ in rows], **table(rows).columns}
    return ComparedTable("lignes", [key for key, _ in rows], columns, frozenset({"id"}), frozenset({"texte"}))


@given(ROWS, ROWS)
def test_rows_found_by_what_they_say_are_the_same_the_other_way_round(before: Rows, after: Rows) -> None:
    there, back = compare_tables(named(before), named(after)), compare_tables(named(after), named(before))
    assert (len(there.added), len(there.removed)) == (len(back.removed), len(back.added))
    assert Counter(cell for row in there.changed for cell in row.cells) == Counter(
        CellDifference(cell.field, cell.after, cell.before) for row in back.changed for cell in row.cells
    )


@given(ROWS, st.randoms(use_true_random=False))
def test_other_identifiers_alone_add_and_remove_nothing(rows: Rows, luck: Any) -> None:
    kept = [row for row in rows if row[1][1]]
    other = [((f"Z{rank}",), says) for rank, (_, says) in enumerate(luck.sample(kept, len(kept)))]
    difference = compare_tables(named(kept), named(other))
    assert (difference.added, difference.removed) == ((), ())
    assert {cell.field for row in difference.changed for cell in row.cells} <= {"id"}


def test_texts_that_only_differ_by_what_nobody_sees_are_counted_and_no_difference() -> None:
    seen = [unicodedata.normalize("NFD", "Médiation"), "l'école\u00a0: accueil", "Repas"]
    before, after = (
        table([((str(rank),), (rank, text)) for rank, text in enumerate(texts)])
        for texts in (["Médiation", "l’école : accueil", "Repas"], [*seen[:2], "Repas !"])
    )
    difference = compare_tables(before, after)
    assert (difference.count, difference.unseen) == (1, 2)


def test_one_row_that_goes_to_the_end_is_one_move() -> None:
    rows: Rows = [((str(rank),), (rank, "")) for rank in range(10)]
    difference = compare_tables(table(rows), table([*rows[1:], rows[0]]))
    assert (difference.count, list(difference.moved)) == (0, [(0, 9)])


def test_fifty_thousand_rows_take_seconds() -> None:
    rows: Rows = [((f"B{rank:05d}",), (rank, "un")) for rank in range(50_000)]
    other = [(key, (amount if rank % 10 else -1, text)) for rank, (key, (amount, text)) in enumerate(reversed(rows))]
    start = time.process_time()  # its own time, whatever else the machine does
    difference = compare_tables(table(rows), table(other))
    assert len(difference.changed) == 5_000
    assert time.process_time() - start < 5


# Real files


@pytest.fixture
def root(sent_copy: Path) -> Path:
    return sent_copy


def master(root: Path) -> Path:
    return root / "workbooks" / "contrat.xlsx"


def form(root: Path, partner: str = "luce") -> Path:
    return root / "workbooks" / "envois" / "2016" / f"{partner}-2016.xlsx"


def edited(path: Path, target: Path, edit: Callable[[openpyxl.Workbook], None]) -> Path:
    book = openpyxl.load_workbook(path)
    edit(book)
    book.save(target)
    return target


def compared(root: Path, before: Path, after: Path, *more: str | Path) -> tuple[Outcome, dict[str, Any]]:
    """What the program says, and its JSON."""
    target = root / "differences.json"
    done = tabellion("diff", before, after, "--json", target, *more, cwd=root)
    return done, json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}


def spot(sheet: Worksheet, name: str, key: str, header: str) -> str:
    """The address of a cell of an Excel table, by the identifier of its row and its header."""
    area = sheet.tables[name].ref
    heads, *rows = sheet[area]
    labels = [heading.value for heading in heads]
    row = next(row for row in rows if key in [cell.value for cell in row])
    return str(row[labels.index(header)].coordinate)


def line_sheet(book: openpyxl.Workbook, name: str = "Lignes_01") -> Worksheet:
    return next(sheet for sheet in book.worksheets if name in sheet.tables)


def test_a_changed_amount_is_one_difference_with_its_euros(root: Path, tmp_path: Path) -> None:
    where = {}

    def raise_it(book: openpyxl.Workbook) -> None:
        sheet = line_sheet(book)
        where["cell"] = spot(sheet, "Lignes_01", "Cantine", "Montant réalisé (€)")
        sheet[where["cell"]] = 1_234.56

    before = contents(root)
    done, report = compared(root, master(root), edited(master(root), tmp_path / "b.xlsx", raise_it))
    (only,) = [difference for difference in report["differences"] if difference["genre"] == "cellule"]
    assert done.code == 1
    assert len(report["differences"]) == 1
    assert (only["table"], only["cle"], only["champ"]) == ("lignes_budgetaires", ["A", 2013], "montant_realise")
    assert (only["avant"], only["apres"], only["ecart"]) == (1000.33, 1234.56, 234.23)
    assert only["place_apres"]["cellule"] == where["cell"]
    (total,) = [total for total in report["resume"]["sommes"] if total["champ"] == "montant_realise"]
    assert total["ecart"] == 234.23
    assert "(+234,23\u00a0€)" in done.out
    assert {name: content for name, content in contents(root).items() if name in before} == before


def test_two_files_of_one_name_are_told_apart_and_no_row_is_of_none(root: Path, tmp_path: Path) -> None:
    where = {}

    def forget(book: openpyxl.Workbook) -> None:
        sheet = book["Financements"]
        (area,) = sheet.tables.values()
        labels = [heading.value for heading in sheet[area.ref][0]]
        where["fiche"] = sheet[area.ref][1][labels.index("Fiche")].value
        sheet[area.ref][1][labels.index("Fiche")].value = None

    (tmp_path / "copie").mkdir()
    copy = edited(master(root), tmp_path / "copie" / "contrat.xlsx", forget)
    done, report = compared(root, master(root), copy)
    assert (report["avant"]["fichier"], report["apres"]["fichier"]) == ("workbooks/contrat.xlsx", "copie/contrat.xlsx")
    assert "Avant : workbooks/contrat.xlsx" in done.out
    (only,) = (difference for difference in report["differences"] if difference["genre"] == "cellule")
    assert (only["champ"], only["avant"], only["apres"]) == ("fiche_id", where["fiche"], None)
    assert "None" not in done.out


def test_a_script_s_save_is_no_difference(root: Path, tmp_path: Path) -> None:
    done, report = compared(root, master(root), edited(master(root), tmp_path / "b.xlsx", lambda _: None))
    assert (done.code, report["differences"]) == (0, [])
    assert "Aucune différence." in done.out


def test_widths_colours_blank_rows_and_sheets_in_another_order_are_no_difference(root: Path, tmp_path: Path) -> None:
    def arrange(book: openpyxl.Workbook) -> None:
        sheet = line_sheet(book)
        sheet.column_dimensions["B"].width = 80
        sheet["B2"].fill = openpyxl.styles.PatternFill("solid", fgColor="FFFF00")
        book.move_sheet(sheet, -2)

    done, report = compared(root, master(root), edited(master(root), tmp_path / "b.xlsx", arrange))
    assert (done.code, report["differences"]) == (0, [])


def test_a_sheet_renamed_and_one_added_are_said_once_each(root: Path, tmp_path: Path) -> None:
    def change(book: openpyxl.Workbook) -> None:
        line_sheet(book).title = "Notre budget"
        book.create_sheet("Brouillon")["A1"] = "à voir"

    done, report = compared(root, master(root), edited(master(root), tmp_path / "b.xlsx", change))
    pieces = [difference for difference in report["differences"] if difference["genre"] == "structure"]
    assert done.code == 1
    assert [(piece["partie"], piece["apres"]) for piece in pieces] == [
        ("feuille", "Notre budget"), ("feuille", "Brouillon"),
    ]  # fmt: skip


def test_a_column_that_people_added_is_said_and_its_cells_compared(root: Path, tmp_path: Path) -> None:
    def add(words: str) -> Callable[[openpyxl.Workbook], None]:
        def change(book: openpyxl.Workbook) -> None:
            sheet = book["Financements"]
            table = sheet.tables["Financements_fiches"]
            heads = sheet[table.ref][0]
            last, right = heads[-1], sheet.cell(heads[-1].row, heads[-1].column + 1)
            right.value = "Notre colonne"
            sheet.cell(right.row + 1, right.column).value = words
            table.ref = table.ref.replace(f":{last.column_letter}", f":{right.column_letter}")
            table.autoFilter = None
            table.tableColumns = []
            table._initialise_columns()
            for column, head in zip(table.tableColumns, [*heads, right], strict=True):
                column.name = head.value

        return change

    one = edited(master(root), tmp_path / "a.xlsx", add("à revoir"))
    other = edited(master(root), tmp_path / "b.xlsx", add("revu"))
    _, report = compared(root, master(root), one)
    assert [(difference["genre"], difference["apres"]) for difference in report["differences"]] == [
        ("structure", "Notre colonne")
    ]
    _, report = compared(root, one, other)
    (only,) = report["differences"]
    assert (only["champ"], only["avant"], only["apres"]) == ("Notre colonne", "à revoir", "revu")


def test_a_formula_typed_in_an_amount_is_said(root: Path, tmp_path: Path) -> None:
    def type_it(book: openpyxl.Workbook) -> None:
        sheet = line_sheet(book)
        sheet[spot(sheet, "Lignes_01", "Cantine", "Montant réalisé (€)")] = "=1000+0.33"

    done, report = compared(root, master(root), edited(master(root), tmp_path / "b.xlsx", type_it))
    assert "=1000+0.33" in [
        difference["apres"] for difference in report["differences"] if difference["genre"] == "formule"
    ]
    assert "aucune formule" in done.out


def test_a_total_typed_over_is_a_formula_changed(root: Path, tmp_path: Path) -> None:
    def type_over(book: openpyxl.Workbook) -> None:
        sheet = line_sheet(book)
        sheet[spot(sheet, "Totaux_01", "Lucé", "Montant réalisé (€)")] = 12

    _, report = compared(root, master(root), edited(master(root), tmp_path / "b.xlsx", type_over))
    (only,) = report["differences"]
    assert (only["genre"], only["apres"]) == ("formule", "12")
    assert only["avant"].startswith("=IF(COUNTIFS(Lignes_01[")


def test_a_computed_column_that_is_lost_is_said_once_a_row(root: Path, tmp_path: Path) -> None:
    lost = {}

    def rename(book: openpyxl.Workbook) -> None:
        sheet = book["Synthèse"]
        table = sheet.tables["Synthese_credits"]
        head = sheet[table.ref][0][2]
        lost["column"], lost["rows"] = head.value, len(sheet[table.ref])
        head.value = table.tableColumns[2].name = "Autre nom"

    done, report = compared(root, master(root), edited(master(root), tmp_path / "b.xlsx", rename))
    assert done.code == 1
    assert {(difference["genre"], difference["apres"]) for difference in report["differences"]} == {
        ("formule", "(absente)")
    }
    assert len(report["differences"]) == lost["rows"]  # the rows under the header, and the total
    assert all(str(lost["column"]) in difference["ligne"] for difference in report["differences"])


def test_a_cell_that_cannot_be_read_is_compared_as_found_and_said(root: Path, tmp_path: Path) -> None:
    def mistype(book: openpyxl.Workbook) -> None:
        sheet = line_sheet(book)
        sheet[spot(sheet, "Lignes_01", "Cantine", "Montant réalisé (€)")] = "beaucoup"

    target = edited(master(root), tmp_path / "b.xlsx", mistype)
    done, report = compared(root, master(root), target)
    (only,) = report["differences"]
    assert (only["apres"], only["illisible"], only["ecart"]) == ("beaucoup", ["apres"], None)
    (sums,) = [total for total in report["resume"]["sommes"] if total["champ"] == "montant_realise"]
    assert (sums["ecart"], sums["non_comptes"]) == (None, 1)
    assert "(1 montant non compté)" in done.out
    assert "comparaison-telle-quelle" in done.codes
    again, same = compared(root, target, target)
    assert (again.code, same["differences"]) == (0, [])


def test_rows_whose_identifier_is_lost_doubled_or_renamed_are_found_by_what_they_say(
    root: Path, tmp_path: Path
) -> None:
    names: dict[str, str] = {}

    def spoil(book: openpyxl.Workbook) -> None:
        sheet = line_sheet(book, "Lignes_03")
        labels = [row[1].value for row in sheet[sheet.tables["Lignes_03"].ref]][1:4]
        cells = [sheet[spot(sheet, "Lignes_03", str(label), "Identifiant")] for label in labels]
        names.update(zip(("lost", "doubled", "renamed"), (str(cell.value) for cell in cells), strict=True))
        cells[0].value, cells[1].value, cells[2].value = None, cells[2].value, "Z99"

    _, report = compared(root, master(root), edited(master(root), tmp_path / "b.xlsx", spoil))
    # The reader knows two of them again itself, by the register; the doubled one is that row still.
    assert [
        (difference["genre"], difference["champ"], difference["avant"], difference["apres"])
        for difference in report["differences"]
    ] == [("cellule", "ligne_id", names["doubled"], names["renamed"])]


def test_two_registers_pair_the_rows_that_lost_their_identifier_or_got_another(root: Path, tmp_path: Path) -> None:
    other = shutil.copytree(root / "workbooks" / "registre", tmp_path / "registre")
    lines = other / "lignes_budgetaires.csv"
    text = lines.read_text(encoding="utf-8")
    lines.write_text(text.replace("\nF,", "\nZ1,").replace("\nE,", "\nZ2,").replace("\nD,", "\nC,"), encoding="utf-8")
    _, report = compared(root, root / "workbooks" / "registre", other)
    assert {difference["avant"]: difference["apres"] for difference in report["differences"]} == {
        "F": "Z1",
        "E": "Z2",
        "D": "C",
    }


def test_a_register_s_folder_is_compared_with_a_master(root: Path) -> None:
    done, report = compared(root, root / "workbooks" / "registre", master(root))
    assert (done.code, report["differences"]) == (0, [])


def test_a_save_by_libreoffice_is_no_difference(root: Path, tmp_path: Path, editor: Editor) -> None:
    for path in (master(root), form(root)):
        editor.open(path)
        saved = editor.save(tmp_path / f"libre-{path.name}")
        done, report = compared(root, path, saved)
        assert (done.code, report["differences"]) == (0, []), done.out


def test_a_large_contract_is_compared_in_seconds(root: Path) -> None:
    """20 conventions, 400 fiches, 540 lines: what is read costs more than what is compared."""
    folder = root / "workbooks" / "registre"
    save_register(folder, tables_of(large_rows()), schemas(), identifiant="essai-2015-2020", titre="Contrat d'essai")
    target, small = root / "grand.xlsx", root / "petit.xlsx"
    master(root).rename(small)  # without a workbook, the register is the contract
    assert tabellion("generate", "--sortie", target, cwd=root).code == 0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done, report = compared(root, small, target)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 60
    assert (done.code, report["resume"]["formules"]) == (1, 0)  # a formula that follows the contract is no change
    assert report["resume"]["par_table"]["lignes_budgetaires"]["lignes_ajoutees"] == len(
        large_rows()["lignes_budgetaires"]
    )


# Forms


def test_a_form_as_sent_against_its_return(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "retour.xlsx"
    new = [{"convention_id": "2 – Santé", "libelle": "Atelier", "montant_prevu": 50}]
    fill(form(root), target, {"Budget": {"A": {"montant_prevu": 12.5}}}, new_rows={"Budget": new}, saved=SAVED)
    done, report = compared(root, form(root), target)
    by_kind = {difference["genre"]: difference for difference in report["differences"]}
    assert done.code == 1
    assert len(report["differences"]) == 2
    assert (by_kind["cellule"]["avant"], by_kind["cellule"]["apres"], by_kind["cellule"]["ecart"]) == (None, 12.5, None)
    assert by_kind["ligne-ajoutee"]["valeurs"]["libelle"] == "Atelier"
    back, turned = compared(root, target, form(root))
    assert back.code == 1
    assert {difference["genre"] for difference in turned["differences"]} == {"cellule", "ligne-retiree"}


def test_rows_and_columns_moved_in_a_return_are_no_difference(root: Path, tmp_path: Path) -> None:
    # What looks like an error in a remark would become one when a script writes it again.
    answers = {"Budget": {"A": {"montant_prevu": 12}, "C": {"commentaire": "Vu"}}}
    filled = fill(form(root), tmp_path / "a.xlsx", answers, saved=SAVED).path

    def swap_rows(book: openpyxl.Workbook) -> None:
        sheet = book["Budget"]
        for column in "BCDEFGHIJ":
            one, other = sheet[f"{column}6"], sheet[f"{column}8"]
            one.value, other.value = other.value, one.value

    save_again(filled, tmp_path / "saved.xlsx", saved=SAVED)
    mutated(filled, tmp_path / "columns.xlsx", move_columns, saved=SAVED)
    for name in ("saved", "columns"):
        done, report = compared(root, filled, tmp_path / f"{name}.xlsx")
        assert (name, done.code, report["differences"]) == (name, 0, [])
    mutated(filled, tmp_path / "rows.xlsx", swap_rows, saved=SAVED)
    done, report = compared(root, filled, tmp_path / "rows.xlsx", "--deplacements")
    assert (done.code, report["differences"]) == (0, [])
    assert report["resume"]["lignes_deplacees"] > 0
    assert "lignes déplacées" in done.out


# Consolidations


def test_two_consolidations_differ_by_what_the_returns_say(root: Path, tmp_path: Path) -> None:
    first, now = tmp_path / "avant.xlsx", root / "workbooks" / "consolidation" / "consolidation.xlsx"
    assert tabellion("consolidate", cwd=root).code == 0
    shutil.copy(now, first)

    def promise(book: openpyxl.Workbook) -> None:
        sheet = book["Financements"]
        for header, value in (("État du montant", "chiffré"), ("Montant (€)", 1_000_000)):
            sheet[spot(sheet, "Financements_fiches", "Région", header)] = value

    edited(master(root), master(root), promise)  # the Région becomes the first of the funders
    fill(form(root), root / "workbooks" / "retours" / "r.xlsx", {"Budget": {"C": {"montant_prevu": 70}}}, saved=SAVED)
    assert tabellion("consolidate", cwd=root).code == 0
    done, report = compared(root, first, now)
    assert done.code == 1
    assert {difference["genre"] for difference in report["differences"]} <= {"cellule", "ligne-ajoutee"}
    assert {difference["table"] for difference in report["differences"]} == {"lignes_budgetaires", "financements"}
    assert [
        difference["cle"] for difference in report["differences"] if difference["table"] == "lignes_budgetaires"
    ] == [["C", 2016]]


# What is refused


def test_two_kinds_two_partners_and_what_is_no_workbook_are_refused(root: Path, tmp_path: Path) -> None:
    text = tmp_path / "note.xlsx"
    text.write_text("bonjour", encoding="utf-8")
    wanted = {
        (master(root), form(root)): "genres-differents",
        (form(root), form(root, "etat")): "partenaires-differents",
    }
    for pair, code in wanted.items():
        done = tabellion("diff", *pair, cwd=root)
        assert (done.code, done.codes) == (2, [code])
    assert tabellion("diff", master(root), text, cwd=root).code == 2
    assert tabellion("diff", master(root), tmp_path / "absent.xlsx", cwd=root).code == 2


def test_a_result_never_stands_on_what_is_compared(root: Path) -> None:
    copy = Path(shutil.copy(master(root), root / "copie.xlsx"))
    for option in ("--json", "--classeur"):
        done = tabellion("diff", master(root), copy, option, copy, cwd=root)
        assert (done.code, done.codes) == (2, ["sortie-sur-source"])
        assert copy.read_bytes() == master(root).read_bytes()


# The workbook


def test_the_workbook_has_a_row_for_each_difference_and_links_to_both_cells(root: Path) -> None:
    filled = fill(form(root), root / "retour.xlsx", {"Budget": {"A": {"montant_prevu": 12.5}}}, saved=SAVED).path
    target = root / "differences.xlsx"
    done, _ = compared(root, form(root), filled, "--classeur", target)
    assert done.code == 1
    (row,) = Book(target).rows("Differences")
    assert (row["Nature"], row["Avant"], row["Après"], row["Différence (€)"]) == ("~ changée", "(vide)", 12.5, None)
    assert set(row.links) == {"Cellule avant", "Cellule après"}
    first = target.read_bytes()
    assert compared(root, form(root), filled, "--classeur", target)[0].code == 1
    assert target.read_bytes() == first
    package = Package(first)
    assert package.tables["Differences"].filters
    edited(target, target, lambda book: book["Différences"].__setitem__("M1", "ma note"))
    refused = tabellion("diff", form(root), filled, "--classeur", target, cwd=root)
    assert (refused.code, refused.codes) == (2, ["fichier-deja-la"])
    kept = tabellion("diff", form(root), filled, "--classeur", target, "--forcer", cwd=root)
    assert (kept.code, target.read_bytes()) == (1, first)
    assert len(list(root.glob("differences *.xlsx"))) == 1
