"""The edits that coordinators make in the workbook: what counts from the next run on, what is said, what is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from support.campaign import fill
from support.excel import Excel, edited
from tabellion.commands.adopt import adopt
from tabellion.commands.source import load_source
from tabellion.contract.book import Book
from tabellion.contract.workspace import find_workspace

DAY = datetime(2016, 11, 14, 9)
AMOUNT, LABEL, NAME = "Montant réalisé (€)", "Libellé", "Nos calculs"
LINES, TOWNS, FUNDERS, PARTNERS = "Lignes_01", "Collectivites", "Financeurs", "Partenaires"
#: What the small contract says in any case, and what a workbook without computed values is told.
USUAL = {"formules-non-calculees", "donnees-sans-cellule"}


@dataclass(frozen=True)
class Case:
    """An edit; whether the contract says it; the codes that it adds; whether the workbook still has it when adopted."""

    edit: Callable[[Excel], Any]
    counts: Callable[[Book], bool]
    kept: Callable[[Excel], bool]
    codes: frozenset[str] = frozenset()


def rows(book: Book, table: str, **where: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in book.tables[table].rows if all(row[key] == value for key, value in where.items())]


def a(book: Excel) -> int:
    """The row of the line A of 2013."""
    return book.find(LINES, Identifiant="A", Exercice=2013)


def cell(book: Excel, table: str, row: int, label: str) -> Any:
    return book.sheet(table).cell(row, book.labels(table)[label])


def line_a(book: Book) -> dict[str, Any]:
    (row,) = rows(book, "lignes_budgetaires", ligne_id="A", exercice=2013)
    return row


def as_before(book: Book) -> bool:
    return line_a(book)["montant_realise"] == 100033 and len(book.tables["lignes_budgetaires"]) == 8


def typed(table: str, find: dict[str, Any], values: dict[str, Any]) -> Callable[[Excel], Any]:
    return lambda book: book.type(table, book.find(table, **find), **values)


def shows(table: str, find: dict[str, Any], label: str, value: Any) -> Callable[[Excel], bool]:
    return lambda book: book.get(table, book.find(table, **find), label) == value


def lacks(table: str, label: str, value: Any) -> Callable[[Excel], bool]:
    return lambda book: all(book.get(table, row, label) != value for row in book.rows(table))


def says(table: str, where: dict[str, Any], count: int = 1) -> Callable[[Book], bool]:
    return lambda book: len(rows(book, table, **where)) == count


def towns_of(book: Excel, totals: str) -> list[Any]:
    """The towns of a budget sheet's subtotals."""
    return [book.get(totals, row, "Collectivité") for row in book.rows(totals)]


def own_sheet(book: Excel) -> None:
    sheet = book.book.create_sheet(NAME)
    sheet["A1"], sheet["B1"] = f"=SUM({LINES}[{AMOUNT}])", "à nous"


def sort_lines(book: Excel) -> None:
    labels, lines = list(book.labels(LINES)), list(book.rows(LINES))
    values = [{label: book.get(LINES, row, label) for label in labels} for row in lines]
    for row, content in zip(lines, reversed(values), strict=True):
        book.type(LINES, row, **content)


def insert_column(book: Excel) -> None:
    """A column of theirs beside the table, which Excel takes into it."""
    sheet, (_, top, right, _) = book.sheet(LINES), book.area(LINES)
    sheet.cell(top, right + 2).value = "Notre suivi"
    sheet.cell(top + 1, right + 2).value = "à revoir"


def paste_over(book: Excel) -> None:
    """A block of another document, pasted over the cells of two lines: amounts as text, with spaces and euros."""
    for row, text in zip(book.rows(LINES), ("1 500,50 €", "2 000 €"), strict=True):
        book.type(LINES, row, **{AMOUNT: text})


def copy_sheet(book: Excel) -> None:
    copied = book.book.copy_worksheet(book.sheet(LINES))
    copied.title = "B01 Éducation (2)"


def colour(book: Excel) -> None:
    cell(book, LINES, a(book), LABEL).fill = PatternFill("solid", fgColor="FFFFCC00")


def comment(book: Excel) -> None:
    cell(book, LINES, a(book), LABEL).comment = Comment("Vu", "Anne")


def bold(book: Excel) -> None:
    target = cell(book, LINES, a(book), LABEL)
    target.font = Font(name=target.font.name, size=target.font.size, bold=True)


def hide(book: Excel) -> None:
    book.sheet(LINES).row_dimensions[a(book)].hidden = True


def widen(book: Excel) -> None:
    book.sheet(LINES).column_dimensions["C"].width = 77


def filtered(book: Excel) -> None:
    table = book.sheet(LINES).tables[LINES]
    assert table.autoFilter is not None
    table.autoFilter.add_filter_column(2, ["2013"])


def has_filter(book: Excel) -> bool:
    table = book.sheet(LINES).tables[LINES]
    return table.autoFilter is not None and len(table.autoFilter.filterColumn) == 1


LINE_A, LUCE = {"Identifiant": "A", "Exercice": 2013}, {"Identifiant": "luce"}
NEW_LINE = {"Collectivité": "Lucé", LABEL: "Ludothèque", "Exercice": 2016, "Montant prévu (€)": 1500}
CASES = {
    "montant": Case(typed(LINES, LINE_A, {AMOUNT: 4321.09}), lambda book: line_a(book)["montant_realise"] == 432109,
                      shows(LINES, LINE_A, AMOUNT, 4321.09)),
    "montant-en-texte": Case(typed(LINES, LINE_A, {AMOUNT: "13 000,00 €"}),
                             lambda book: line_a(book)["montant_realise"] == 1300000,
                             lambda book: "13" in str(book.get(LINES, a(book), AMOUNT))),
    "montant-efface": Case(typed(LINES, LINE_A, {AMOUNT: None}), lambda book: line_a(book)["montant_realise"] is None,
                           shows(LINES, LINE_A, AMOUNT, None)),
    "montant-incomprehensible": Case(typed(LINES, LINE_A, {AMOUNT: "voir Paul"}), as_before,
                                     lambda book: book.get(LINES, a(book), AMOUNT) in ("voir Paul", 1000.33)),
    "libelle": Case(typed(LINES, LINE_A, {LABEL: "Cantine bio"}), lambda book: line_a(book)["libelle"] == "Cantine bio",
                    shows(LINES, LINE_A, LABEL, "Cantine bio")),
    "exercice-en-texte": Case(typed(LINES, LINE_A, {"Exercice": "2013"}), as_before,
                              lambda book: book.get(LINES, book.rows(LINES)[0], "Exercice") in (2013, "2013")),
    "autre-exercice": Case(typed(LINES, LINE_A, {"Exercice": 2017}),
                           says("lignes_budgetaires", {"ligne_id": "A", "exercice": 2017}),
                           shows(LINES, {"Identifiant": "A", "Exercice": 2017}, AMOUNT, 1000.33)),
    "ligne-ajoutee": Case(lambda book: book.add(LINES, **NEW_LINE),
                          says("lignes_budgetaires", {"libelle": "Ludothèque"}),
                          shows(LINES, {LABEL: "Ludothèque"}, "Montant prévu (€)", 1500)),
    "ligne-supprimee": Case(lambda book: book.remove(LINES, [a(book)]),
                            says("lignes_budgetaires", {"ligne_id": "A", "exercice": 2013}, 0),
                            lacks(LINES, LABEL, "Cantine")),
    "fiche": Case(typed("Fiches_01", {"Fiche": "I-1.1./1"}, {"Objectif": "Un autre but"}),
                  says("fiches", {"fiche_id": "I-1.1./1", "objectif": "Un autre but"}),
                  shows("Fiches_01", {"Fiche": "I-1.1./1"}, "Objectif", "Un autre but")),
    "financement": Case(typed("Financements_fiches", {"Fiche": "I-1.1./1"}, {"Montant (€)": 12}),
                        says("financements", {"fiche_id": "I-1.1./1", "montant": 1200}),
                        shows("Financements_fiches", {"Fiche": "I-1.1./1"}, "Montant (€)", 12)),
    "financeur-ajoute": Case(lambda book: book.add(FUNDERS, Identifiant="caf", Financeur="CAF", Catégorie="privé"),
                             says("financeurs", {"financeur_id": "caf", "nom": "CAF"}),
                             shows(FUNDERS, {"Identifiant": "caf"}, "Financeur", "CAF")),
    "partenaire-ajoute": Case(lambda book: book.add(PARTNERS, Identifiant="mission", Partenaire="Mission locale"),
                              says("partenaires", {"partenaire_id": "mission", "nom": "Mission locale"}),
                              shows(PARTNERS, {"Identifiant": "mission"}, "Partenaire", "Mission locale")),
    "partenaire-renomme": Case(typed(PARTNERS, {"Identifiant": "bailleur"}, {"Partenaire": "Habitat Eurélien"}),
                               says("partenaires", {"partenaire_id": "bailleur", "nom": "Habitat Eurélien"}),
                               shows(PARTNERS, {"Identifiant": "bailleur"}, "Partenaire", "Habitat Eurélien")),
    "convention-renommee": Case(typed("Conventions", {"N°": 2}, {"Intitulé de la convention": "Santé pour tous"}),
                                says("conventions", {"convention_id": 2, "titre": "Santé pour tous"}),
                                shows("Conventions", {"N°": 2}, "Intitulé de la convention", "Santé pour tous")),
    "collectivite-renommee": Case(typed(TOWNS, LUCE, {"Collectivité": "Ville de Lucé"}),
                                  says("collectivites", {"collectivite_id": "luce", "nom": "Ville de Lucé"}),
                                  lambda book: shows(TOWNS, LUCE, "Collectivité", "Ville de Lucé")(book)
                                  and [towns_of(book, totals).count(name) for totals in ("Totaux_01", "Totaux_03")
                                       for name in ("Ville de Lucé", "Lucé")] == [1, 0, 1, 0]),
    "collectivite-supprimee": Case(lambda book: book.remove(TOWNS, [book.find(TOWNS, Identifiant="luce")]),
                                   says("collectivites", {"collectivite_id": "luce"}),
                                   shows(TOWNS, LUCE, "Collectivité", "Lucé"), frozenset({"ligne-encore-citee"})),
    "date-limite": Case(typed("Dates_limites", {"Exercice": 2016}, {"Date limite": datetime(2016, 12, 20)}),
                        lambda book: "2016-12-20" in str([str(value) for row in book.tables["exercices"].rows
                                                          for value in row.values()]),
                        shows("Dates_limites", {"Exercice": 2016}, "Date limite", datetime(2016, 12, 20))),
    "tri": Case(sort_lines, as_before, lambda book: book.get(LINES, book.rows(LINES)[0], "Exercice") == 2015),
    "filtre": Case(filtered, as_before, has_filter),
    "feuille-renommee": Case(lambda book: setattr(book.sheet(LINES), "title", "Éducation 2016"), as_before,
                             lambda book: book.sheet(LINES).title == "Éducation 2016"),
    "colonne-a-cote": Case(insert_column, as_before,
                           lambda book: "Notre suivi" in {cell.value for cell in book.sheet(LINES)[11]}),
    "couleur": Case(colour, as_before, lambda book: cell(book, LINES, a(book), LABEL).fill.fgColor.rgb == "FFFFCC00"),
    "commentaire": Case(comment, as_before, lambda book: cell(book, LINES, a(book), LABEL).comment.text == "Vu"),
    "gras": Case(bold, as_before, lambda book: bool(cell(book, LINES, a(book), LABEL).font.bold)),
    "ligne-masquee": Case(hide, as_before, lambda book: bool(book.sheet(LINES).row_dimensions[a(book)].hidden)),
    "largeur": Case(widen, as_before, lambda book: book.sheet(LINES).column_dimensions["C"].width == 77),
    "collage": Case(paste_over, lambda book: line_a(book)["montant_realise"] == 150050,
                    lambda book: "1" in str(book.get(LINES, a(book), AMOUNT))),
    "feuille-copiee": Case(copy_sheet, as_before, lambda book: "B01 Éducation (2)" in book.book.sheetnames),
    "feuille-a-nous": Case(own_sheet, as_before,
                           lambda book: book.book[NAME]["A1"].value == f"=SUM({LINES}[{AMOUNT}])"),
    "identifiant-efface": Case(typed(LINES, LINE_A, {"Identifiant": None}), as_before,
                               lambda book: book.get(LINES, book.rows(LINES)[0], "Identifiant") == "A"),
}  # fmt: skip


#: Edits of different rows and things are made together; those of one row, or that move it, each in its own workbook.
TOGETHER = {
    "values": ("montant", "libelle", "ligne-ajoutee", "fiche", "financement", "financeur-ajoute", "partenaire-ajoute",
               "partenaire-renomme", "convention-renommee", "collectivite-renommee", "date-limite"),
    "looks": ("montant-incomprehensible", "filtre", "feuille-renommee", "colonne-a-cote", "couleur", "commentaire",
              "gras", "ligne-masquee", "largeur", "feuille-a-nous", "collectivite-supprimee"),
}  # fmt: skip
GROUPS = TOGETHER | {name: (name,) for name in CASES if not any(name in names for names in TOGETHER.values())}


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory, sent: Path) -> Path:
    """A small contract to which a partner has answered, so that there is something to adopt: to copy."""
    folder = Path(shutil.copytree(sent, tmp_path_factory.mktemp("thirty") / "contrat"))
    workbooks = folder / "workbooks"
    answers = {"Budget": {"C": {"montant_prevu": 77}}}
    fill(workbooks / "envois" / "2016" / "luce-2016.xlsx", workbooks / "retours" / "luce.xlsx", answers, saved=DAY)
    return folder


@pytest.fixture(scope="module")
def usual(answered: Path) -> frozenset[str]:
    """What is said of the contract as it is."""
    return frozenset(finding.code for finding in load_source(find_workspace(answered)).findings) | USUAL


@pytest.mark.parametrize("group", GROUPS)
def test_edits_count_are_said_and_are_still_there_after_adoption(
    answered: Path, usual: frozenset[str], tmp_path: Path, group: str, record_property: Callable[[str, object], None]
) -> None:
    cases = {name: CASES[name] for name in GROUPS[group]}
    workspace = find_workspace(Path(shutil.copytree(answered, tmp_path / "contrat")))

    def edit(book: Excel) -> None:
        for case in cases.values():
            case.edit(book)

    edited(workspace.contrat, edit, saved=DAY, author="Anne")
    source = load_source(workspace)
    assert [name for name, case in cases.items() if not case.counts(source.book)] == []
    new = {finding.code for finding in source.findings} - usual
    record_property("said", f"{sorted(new)} saisies={len(source.state.saves.modifications)}")
    assert [name for name, case in cases.items() if not case.codes <= new] == []
    assert not any(finding.bloquant for finding in source.findings)
    assert adopt(workspace, DAY, lambda _: True) is not None
    after = Excel(openpyxl.load_workbook(workspace.contrat))
    assert [name for name, case in cases.items() if not case.kept(after)] == []
    assert after.get("Lignes_03", after.find("Lignes_03", Identifiant="C", Exercice=2016), "Montant prévu (€)") == 77
    again = load_source(workspace)
    assert [name for name, case in cases.items() if not case.counts(again.book)] == []
    assert again.state.saves.modifications == ()
