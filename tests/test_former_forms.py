"""Forms that were sent before their layout changed are read as they were; a fiche is its number, whatever follows it.

``tests/data/formulaires`` has forms of the layout before: whole titles of conventions, bare numbers of fiches, the
objectif in a column of its own, neither totals nor differences.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from openpyxl.workbook import Workbook

from support.contracts import ROOT
from support.forms import YEAR, form_contract, written_form
from support.mutations import edited
from support.returned import USUAL, values
from tabellion.campaign.parsed_return import Examiner, ParsedReturn, from_json, to_json
from tabellion.layout.forms import FINAL, FUNCTION, GUIDE, SIGNED_BY, SIGNED_ON, FilledBy
from tabellion.reading.references import references, worded_keys
from tabellion.reading.workbook import parse_bytes

FORMER = ROOT / "tests" / "data" / "formulaires"


def examined(content: bytes) -> ParsedReturn:
    book = form_contract("cas")
    examine = Examiner(book.schemas, references(book.tables, book.schemas), book.settings)
    parsed = examine(parse_bytes(content, "retour.xlsx"))
    assert isinstance(parsed, ParsedReturn)
    return parsed


def filled(book: Workbook) -> None:
    """A partner's answers, by headers: the same in both layouts."""
    answers: dict[str, dict[str, Any]] = {
        "Budget": {"Montant prévu (€)": 1200, "Commentaire": "Bien"},
        "Actions": {"Avancement": "terminée", "Date du bilan": date(2016, 12, 31)},
        "Financements": {"État du montant": "chiffré", "Montant (€)": 500},
    }
    for sheet in book.worksheets:
        headers = {cell.value: cell.column for cell in sheet[5]}
        for header, value in answers.get(sheet.title, {}).items():
            sheet.cell(6, headers[header]).value = value


@pytest.mark.parametrize("partner", ["luce", "bailleur"])
def test_a_form_of_the_layout_before_says_what_one_of_today_says(partner: str) -> None:
    former, now = (FORMER / f"{partner}.xlsx").read_bytes(), written_form("cas", partner, YEAR)
    assert {finding.code for finding in examined(former).findings} == {"formulaire-vide"}
    answers = [examined(edited(content, filled)) for content in (former, now)]
    assert {finding.code for parsed in answers for finding in parsed.findings} <= USUAL
    assert [(row.table, row.key, row.values) for row in answers[0].rows] == [
        (row.table, row.key, row.values) for row in answers[1].rows
    ]
    changed = [{row.key: row.before for row in parsed.rows if row.before} for parsed in answers]
    assert changed[0] == changed[1]
    assert changed[0]


def test_who_filled_a_form_and_that_it_is_final_are_read_and_quiet() -> None:
    former = (FORMER / "luce.xlsx").read_bytes()
    assert examined(former).filled_by is None

    def sign(book: Workbook) -> None:
        signature = {SIGNED_BY: "Mme Aubry", FUNCTION: "Directrice", SIGNED_ON: date(2016, 11, 15), FINAL: "Définitif"}
        for name, value in signature.items():
            book[GUIDE][book.defined_names[name].attr_text.rpartition("!")[2].replace("$", "")].value = value

    blank, signed = (examined(edited(written_form("cas", "luce", YEAR), change)) for change in (lambda _: None, sign))
    assert blank.filled_by == FilledBy()
    assert blank.filled_by.words == "non marqué définitif"
    assert signed.filled_by is not None
    assert signed.filled_by.words == "Mme Aubry, Directrice, le 15/11/2016 – définitif"
    assert blank.answers != signed.answers
    assert from_json(json.loads(json.dumps(to_json(signed)))) == signed
    assert {finding.code for finding in signed.findings} <= USUAL


@pytest.mark.parametrize(
    ("typed", "understood", "code"),
    [
        ("I-1.1./1", "I-1.1./1", None),
        ("I-1.1./1 – un objectif d'avant", "I-1.1./1", None),
        ("I-1.1./1 - objectif", "I-1.1./1", None),
        ("I-1.1./1: objectif", "I-1.1./1", None),
        ("i-1.1 / 1", "I-1.1./1", "valeur-rapprochee"),
        ("I-1.1/1 – objectif", "I-1.1./1", "valeur-rapprochee"),
        ("I-9.9./1 – objectif", None, "reference-inconnue"),
    ],
)
def test_a_fiche_is_its_number_whatever_follows_it(typed: str, understood: str | None, code: str | None) -> None:
    row = 6 + len(form_contract("cas").tables["financements"].rows) + 1

    def add(book: Workbook) -> None:
        sheet = book["Actions"]
        sheet[f"B{row}"], sheet[f"F{row}"] = typed, "en cours"

    parsed = examined(edited(written_form("cas", "bailleur", YEAR), add))
    codes = {finding.code for finding in parsed.findings if finding.place.cellule == f"B{row}"} - {"cle-en-double"}
    assert values(parsed, "fiche_id", row, sheet="Actions") == [understood or typed]
    assert codes == ({code} if code and understood else set())


def test_a_number_that_could_be_that_of_two_fiches_is_none() -> None:
    keys = {"I-1.1./1": "I-1.1./1", "I-1.1.1": "I-1.1.1"}
    assert worded_keys(["i 1 1 1", "I-1.1.1 – mot"], keys) == ({"I-1.1.1 – mot": "I-1.1.1"}, {})
