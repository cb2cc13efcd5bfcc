"""The follow-up of the fiches: percentages and dates in the register, the master and back; a sheet only when needed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from support.contracts import ROOT, SETTINGS, Row, book_of, followed, locate, schemas, small_rows, tables_of
from support.mutations import edited, opened
from tabellion.checks.contract import check_contract
from tabellion.contract.book import Book
from tabellion.layout.theme import load_theme
from tabellion.outputs.master.layout import lay_out_master
from tabellion.outputs.master.tables import shown, validation_rule
from tabellion.outputs.master.workbook import write_master
from tabellion.reading import parse_bytes
from tabellion.reading.master import ParsedMaster, read_master
from tabellion.schema.cast import cast_column
from tabellion.schema.shown import dictionary
from tabellion.schema.table import Field
from tabellion.xlsx.writer import FIRST_DAY

FOLLOWED = [
    followed("I-1.1./1", 2016, pourcentage=40, date_bilan=date(2016, 12, 31), montant_engage=12_50),
    followed("I-1.1./1", 2017, avancement="terminée", pourcentage=100, commentaire="Fini."),
]


def master(suivis: list[Row]) -> bytes:
    contract = Book(
        SETTINGS,
        schemas(),
        load_theme(ROOT / "templates" / "contrat.toml", schemas()),
        tables_of(small_rows(), suivis=suivis),
    )
    return write_master(lay_out_master(contract), [])


def read(content: bytes) -> ParsedMaster:
    return read_master(parse_bytes(content, "contrat.xlsx"), schemas(), SETTINGS.identifiant)


def test_a_register_without_follow_up_has_no_sheet_for_it() -> None:
    content = master([])
    assert "Suivi" not in opened(content).sheetnames
    reading = read(content)
    assert reading.findings == []
    assert reading.tables["suivis"].rows == []


def test_the_sheet_stands_after_the_financements_and_comes_back() -> None:
    content = master(FOLLOWED)
    names = opened(content).sheetnames
    assert names[names.index("Financements") + 1] == "Suivi"
    reading = read(content)
    assert reading.findings == []
    assert reading.tables["suivis"] == tables_of(suivis=FOLLOWED)["suivis"]


def test_cells_show_percentages_and_days_as_people_say_them() -> None:
    sheet = opened(master(FOLLOWED))["Suivi"]
    cells = {cell.value: cell for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert cells[40].number_format == '0"\u00a0%"'
    day = next(cell for value, cell in cells.items() if getattr(value, "year", None) == 2016)
    assert day.number_format == "dd/mm/yyyy"
    rules = {
        validation.type: validation
        for validation in sheet.data_validations.dataValidation
        if validation.type in ("whole", "date")
    }
    assert (rules["whole"].operator or "between", rules["whole"].formula1, rules["whole"].formula2) == (
        "between",
        "0",
        "100",
    )
    assert (rules["date"].formula1, rules["date"].formula2) == ("36526", "73415")


def test_a_sheet_that_was_there_and_is_gone_is_said() -> None:
    reading = read(edited(master(FOLLOWED), lambda book: book.remove(book["Suivi"])))
    assert [(finding.code, finding.bloquant) for finding in reading.findings] == [("tableau-absent", False)]
    assert reading.missing == {
        ("suivis", None, None), *((name, None, None) for name in ("subventions", "plan_charges", "plan_produits")),
    }  # fmt: skip


def test_a_percentage_or_a_day_typed_otherwise_is_understood_at_its_cell() -> None:
    def edit(book: Any) -> None:
        sheet = book["Suivi"]
        heads = {cell.value: cell.column_letter for cell in sheet[5]}
        sheet[f"{heads['Réalisé (%)']}6"] = "40 %"
        sheet[f"{heads['Réalisé (%)']}7"] = 0.75
        sheet[f"{heads['Réalisé (%)']}7"].number_format = "0%"
        sheet[f"{heads['Date du bilan']}6"] = "31/12/2016"
        sheet[f"{heads['Date du bilan']}7"] = 42735

    reading = read(edited(master(FOLLOWED), edit))
    assert [finding.code for finding in reading.findings] == ["valeur-comprise"] * 2
    assert not reading.unknown
    suivis = reading.tables["suivis"]
    assert suivis.column("pourcentage")[:2] == [40, 75]
    assert suivis.column("date_bilan")[:2] == [date(2016, 12, 31)] * 2


def test_the_checks_look_at_percentages_and_days() -> None:
    rows = [
        followed("I-1.1./1", 2016, pourcentage=150, date_bilan=date(1999, 12, 31)),
        followed("I-1.1./1", 2016),
        followed("I-9", 2017, partenaire_id="personne", avancement="bof"),
    ]
    findings = check_contract(book_of(tables_of(small_rows(), suivis=rows)), locate)
    places = {
        (finding.code, finding.place.cellule, finding.valeur)
        for finding in findings
        if finding.place.feuille == "suivis"
    }
    assert places == {
        ("hors-bornes", "pourcentage@0", 150),
        ("hors-bornes", "date_bilan@0", "31/12/1999"),
        ("cle-en-double", "fiche_id@1", "I-1.1./1 · bailleur · 2016"),
        ("reference-inconnue", "fiche_id@2", "I-9"),
        ("reference-inconnue", "partenaire_id@2", "personne"),
        ("valeur-hors-liste", "avancement@2", "bof"),
    }


@pytest.mark.parametrize(
    ("low", "high", "rule"),
    [
        (None, None, {"criteria": ">=", "value": FIRST_DAY}),
        (date(2015, 1, 1), None, {"criteria": ">=", "value": date(2015, 1, 1)}),
        (None, date(2020, 12, 31), {"criteria": "between", "minimum": FIRST_DAY, "maximum": date(2020, 12, 31)}),
    ],
)
def test_a_day_is_bounded_in_its_cell(low: date | None, high: date | None, rule: dict[str, Any]) -> None:
    field = Field("jour", "date", "Jour", "", earliest=low, latest=high)
    assert validation_rule(schemas()["suivis"], field) == {"validate": "date", **rule}


def test_a_day_before_excel_s_calendar_is_shown_as_a_text() -> None:
    field = Field("jour", "date", "Jour", "")
    assert shown(field, date(1871, 3, 18), {}) == "18/03/1871"
    assert cast_column(field, ["18/03/1871"]).problems


def test_the_dictionary_names_the_new_kinds() -> None:
    kinds = {entry.field: (entry.kind, entry.expected) for entry in dictionary(schemas())}
    assert kinds["suivis.pourcentage"] == ("pourcentage", "un pourcentage entier entre 0 et 100")
    assert kinds["suivis.date_bilan"] == (
        "date", "une date, comme 31/12/2016, entre le 01/01/2000 et le 31/12/2100",
    )  # fmt: skip
