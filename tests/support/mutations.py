"""What a partner may do to the form of Mainvilliers, openpyxl in hand: each mutation with its decided outcome."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

HEADER, FIRST = 5, 6
#: Columns of the sheet Budget.
CONVENTION, LABEL, YEAR, LAST, PLANNED, VOTED, SPENT, REMARK, KEY = "BCDEFGHIJ"


def opened(content: bytes) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def saved(book: Workbook) -> bytes:
    """The workbook as openpyxl saves it: no formula has a computed value."""
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def edited(content: bytes, edit: Callable[[Workbook], object]) -> bytes:
    """A workbook after an edit, saved by openpyxl."""
    book = opened(content)
    edit(book)
    return saved(book)


def fill(book: Workbook) -> None:
    """Every cell that the form asks for, as a careful person would."""
    budget, actions, funding = book["Budget"], book["Actions"], book["Financements"]
    for row in range(FIRST, FIRST + known(budget, KEY)):
        budget[f"{PLANNED}{row}"] = 1000 + row
        budget[f"{VOTED}{row}"] = 900 + row + 0.5
    for row in range(FIRST, FIRST + known(actions, "K")):
        actions[f"F{row}"], actions[f"G{row}"], actions[f"H{row}"] = "en cours", 40, date(2016, 11, 30)
    for row in range(FIRST, FIRST + known(funding, "H")):
        funding[f"E{row}"] = "à négocier"


def known(sheet: Worksheet, key: str) -> int:
    """How many rows of a sheet were sent with an identifier."""
    return sum(sheet[f"{key}{row}"].value is not None for row in range(FIRST, sheet.max_row + 1))


def put(cell: str, value: Any, sheet: str = "Budget") -> Callable[[Workbook], None]:
    def mutate(book: Workbook) -> None:
        book[sheet][cell] = value

    return mutate


def spare(**cells: Any) -> Callable[[Workbook], None]:
    """Fill the first spare row of Budget."""

    def mutate(book: Workbook) -> None:
        for column, value in cells.items():
            book["Budget"][f"{column}36"] = value

    return mutate


def delete_row(book: Workbook) -> None:
    for column in "BCDEFGHIJ":
        book["Budget"][f"{column}7"] = None


def sort_labels_alone(book: Workbook) -> None:
    sheet = book["Budget"]
    labels = sorted(str(sheet[f"C{row}"].value) for row in range(FIRST, FIRST + 30))
    for row, label in enumerate(labels, FIRST):
        sheet[f"C{row}"] = label


def swap_rows(book: Workbook) -> None:
    """Two whole rows change places, as sorting does."""
    sheet = book["Budget"]
    for column in "BCDEFGHIJ":
        one, other = sheet[f"{column}6"], sheet[f"{column}7"]
        one.value, other.value = other.value, one.value


def rename_sheet(book: Workbook) -> None:
    book["Budget"].title = "Notre budget 2016"
    for name in book.defined_names.values():  # Excel does this by itself
        name.attr_text = name.attr_text.replace("'Budget'!", "'Notre budget 2016'!")


def insert_column(book: Workbook) -> None:
    sheet = book["Budget"]
    sheet["L5"], sheet["L6"] = "Notre colonne", "à revoir"
    sheet.tables["Formulaire_budget"].ref = sheet.tables["Formulaire_budget"].ref.replace("K", "L")


def drop_identity(book: Workbook) -> None:
    del book["_tabellion"]


def drop_baseline(book: Workbook) -> None:
    del book["_reference"]


def identity(row_key: str, value: Any) -> Callable[[Workbook], None]:
    def mutate(book: Workbook) -> None:
        for row in book["_tabellion"].iter_rows(min_col=1, max_col=2):
            if row[0].value == row_key:
                row[1].value = value

    return mutate


def move_columns(book: Workbook) -> None:
    """Planned and remark change places, headers and all."""
    sheet = book["Budget"]
    for row in range(HEADER, sheet.max_row + 1):
        one, other = sheet[f"{PLANNED}{row}"], sheet[f"{REMARK}{row}"]
        one.value, other.value = other.value, one.value


def repeat_headers(book: Workbook) -> None:
    sheet = book["Budget"]
    for column in "BCDEFGHIJ":
        sheet[f"{column}40"] = sheet[f"{column}5"].value


def type_below(book: Workbook) -> None:
    sheet = book["Budget"]
    for column, value in (("B", 9), ("C", "Une ligne de plus"), ("F", 10)):
        sheet[f"{column}{sheet.max_row + (1 if column == 'B' else 0)}"] = value


def hide_and_filter(book: Workbook) -> None:
    sheet = book["Budget"]
    sheet.row_dimensions[8].hidden = True
    sheet.tables["Formulaire_budget"].autoFilter = None


def merge_remarks(book: Workbook) -> None:
    sheet = book["Budget"]
    sheet["I6"] = "Pour les deux lignes"
    sheet.merge_cells("I6:I7")


def copy_sheet(book: Workbook) -> None:
    copy = book.copy_worksheet(book["Budget"])
    copy.title = "Budget (2)"
    table = openpyxl.worksheet.table.Table(
        displayName="Formulaire_budget2", ref=book["Budget"].tables["Formulaire_budget"].ref
    )
    copy.add_table(table)


def undo_tables(book: Workbook) -> None:
    """A client without Excel tables keeps their cells, and writes addresses in the formulas."""
    for name in ("Budget", "Actions", "Financements"):
        sheet = book[name]
        for table in list(sheet.tables):
            del sheet.tables[table]
        for row in range(FIRST, sheet.max_row + 1):
            if sheet[f"A{row}"].value is not None:
                sheet[f"A{row}"] = f'=IF(COUNTA(F{row}:H{row})=0,"","complet")'


def insert_row(book: Workbook) -> None:
    """A row inserted among the others, without the live column's formula."""
    sheet = book["Budget"]
    for column, value in (("A", None), ("B", 9), ("C", "Une ligne de plus"), ("F", 10)):
        sheet[f"{column}36"] = value


#: Name, what is done, and what is said: code and cell (``None``: the file), nothing being silence.
MUTATIONS: list[tuple[str, Callable[[Workbook], None], set[tuple[str, str | None]]]] = [
    ("an amount with French separators", put("F6", "1 234,56 €"), {("valeur-comprise", "F6")}),
    ("no-break and narrow spaces", put("F6", "1\u00a0234\u202f567"), {("valeur-comprise", "F6")}),
    ("German separators", put("F6", "1.234,56"), {("valeur-comprise", "F6")}),
    ("thousands of euros", put("F6", "12 k€"), {("valeur-comprise", "F6")}),
    ("nothing, in words", put("F6", "néant"), {("valeur-comprise", "F6")}),
    ("a dash", put("F6", "-"), {("valeur-comprise", "F6")}),
    ("the letter O", put("F6", "O"), {("valeur-comprise", "F6")}),
    ("an ambiguous separator", put("F6", "1.234"), {("montant-ambigu", "F6")}),
    ("words", put("F6", "voir avec le service"), {("texte-au-lieu-de-nombre", "F6")}),
    ("two values", put("F6", "1 200 / 1 300"), {("deux-valeurs", "F6")}),
    ("a negative amount", put("F6", -50), {("hors-bornes", "F6")}),
    ("finer than the cent", put("F6", 12.345), {("montant-plus-fin-que-le-centime", "F6")}),
    ("a date in an amount", put("F6", date(2016, 1, 2)), {("date-au-lieu-de-nombre", "F6")}),
    ("an error cell", put("F6", "=1/0"), {("formule-sans-valeur", "F6")}),
    ("a thousand times last year", put("F13", 300_000_000_000), {("montant-demultiplie", "F13")}),
    ("a locked label changed", put("C6", "Autre chose"), {("cellule-verrouillee-modifiee", "C6")}),
    ("a locked last amount changed", put("E7", 1), {("valeur-montree-modifiee", "E7")}),
    ("an identifier invented", put("J6", "B99-inconnu-1"), {("ligne-inconnue", "J6"), ("ligne-supprimee", "A5")}),
    ("an identifier twice", put("J7", "B01-mainvilliers-001"), {("cle-en-double", "J7"), ("ligne-supprimee", "A5")}),
    ("a row deleted", delete_row, {("ligne-supprimee", "A5")}),
    ("whole rows sorted", swap_rows, set()),
    ("a sheet renamed", rename_sheet, set()),
    ("a column added", insert_column, {("colonne-en-trop", "L5")}),
    ("a header renamed a little", put("F5", "Montant prevu (€) "), set()),
    ("a header renamed much", put("F5", "Notre budget"), {("colonne-absente", "A5"), ("colonne-en-trop", "F5")}),
    ("a header deleted", put("F5", None), {("colonne-absente", "A5"), ("colonne-sans-entete", "F5")}),
    ("a header twice", put("G5", "Montant prévu (€)"), {("colonne-en-double", "G5"), ("colonne-absente", "A5")}),
    ("a new line, filled well", spare(B="9 – Emploi", C="Chantier jeunes", F=1500), set()),
    ("a new line by number", spare(B=9, C="Chantier jeunes", F=1500), set()),
    ("a new line without convention", spare(C="Chantier jeunes", F=1500),
     {("cellule-obligatoire-vide", "B36"), ("ligne-incomplete", "A36")}),
    ("a new line of no convention", spare(B="99 – Inconnue", C="Chantier", F=1),
     {("texte-au-lieu-de-nombre", "B36")}),
    ("the example left", spare(B=9, C="Accueil péri-scolaire", F=1), {("exemple-laisse", "C36")}),
    ("a total added by hand", spare(B="9 – Emploi", C="Total emploi", F=32_000), {("total-ajoute", "C36")}),
    ("a total added in the first cell", spare(B="Sous-total", F=32_000), {("total-ajoute", "B36")}),
    ("a new line that is no total", spare(B="9 – Emploi", C="Sommeil et totems", F=32_000), set()),
    ("a new line whose remark is of a total", spare(B=9, C="Chantier", F=32_000, I="Total de l'année"), set()),
    ("a progress off the list", put("F6", "presque finie", "Actions"), {("valeur-hors-liste", "F6")}),
    ("a progress in capitals", put("F6", "EN COURS", "Actions"), {("valeur-rapprochee", "F6")}),
    ("a number in a drop-down cell", put("F6", 3, "Actions"), {("valeur-hors-liste", "F6")}),
    ("a percentage as text", put("G6", "40 %", "Actions"), {("valeur-comprise", "G6")}),
    ("a percentage over 100", put("G6", 150, "Actions"), {("pourcentage-hors-bornes", "G6")}),
    ("a date that does not exist", put("H6", "31/02/2016", "Actions"), {("date-impossible", "H6")}),
    ("a date as text", put("H6", "30/11/2016", "Actions"), {("valeur-comprise", "H6")}),
    ("a fiche of another number", put("B6", "I-9.9./9", "Actions"), {("cellule-verrouillee-modifiee", "B6")}),
    ("an empty required cell", put("F6", None, "Actions"), {("ligne-incomplete", "A6")}),
    ("the identity sheet deleted", drop_identity, {("classeur-inconnu", None)}),
    ("the baseline deleted", drop_baseline, {("reference-perdue", None)}),
    ("another contract's form", identity("contrat", "autre-contrat"), {("autre-contrat", None)}),
    ("another partner's form", identity("partenaire", "personne"), {("autre-partenaire", None)}),
    ("a form of another version", identity("format", 99), {("version-inconnue", None)}),
    ("one column sorted alone", sort_labels_alone, {("colonne-triee-seule", "C6")}),
    ("columns in another order", move_columns, set()),
    ("headers repeated among the rows", repeat_headers, set()),
    ("a row typed beyond the spare rows", type_below, {("ligne-sous-le-formulaire", "A86")}),
    ("rows hidden, filter removed", hide_and_filter, {("reponses-masquees", "F8")}),
    ("cells merged", merge_remarks, set()),
    ("two copies of a sheet", copy_sheet, {("deux-reponses", "A1")}),
    ("Excel tables undone", undo_tables, {("tableau-defait", "A5")}),
    ("a row without its live column", insert_row, set()),
    ("a counter typed over", put("A3", 0), {("formule-remplacee", "A3")}),
    ("a live column typed over", put("A6", "ok"), {("formule-remplacee", "A6")}),
    ("a funding's status off the list", put("E6", "presque", "Financements"), {("valeur-hors-liste", "E6")}),
    ("a funding's amount as text", put("F6", "1 234,50 €", "Financements"), {("valeur-comprise", "F6")}),
    ("a funding's scheme over the limit", put("D6", "x" * 2001, "Financements"), {("texte-trop-long", "D6")}),
    ("control characters", put("I6", "ligne\x0bcoupée".replace("\x0b", "_x000B_")), {("caracteres-interdits", "I6")}),
    ("a text over the limit", put("I6", "x" * 2001), {("texte-trop-long", "I6")}),
]  # fmt: skip
