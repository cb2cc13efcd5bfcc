"""What is kept of a file once it is read: written as JSON and read back, it is the same."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.contracts import schemas
from support.forms import form_contract, written_form
from support.masters import chartres, master
from tabellion.campaign import books, read_returns
from tabellion.campaign.books import read_book
from tabellion.campaign.folder import FoundFile
from tabellion.campaign.journal import open_journal
from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.parsed_return import Examiner, ParsedReturn, RemovedRow, from_json, to_json
from tabellion.contract.book import NO_THEME
from tabellion.findings import Finding, Place, Severity
from tabellion.layout.forms import FormIdentity
from tabellion.reading import parse_bytes
from tabellion.reading.references import references

_TEXT = st.text(max_size=12)
_VALUE = st.one_of(st.none(), st.booleans(), st.integers(), st.dates(), _TEXT)
_CELL = st.builds(Place, st.none(), st.none() | _TEXT, st.none() | _TEXT, st.none() | st.integers(1, 9))
_SAID = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), _TEXT, st.booleans())
_FINDINGS = st.builds(
    Finding, _TEXT, st.sampled_from(Severity), st.booleans(), _CELL, _TEXT, _TEXT, st.none() | _TEXT, _SAID, _SAID,
    st.lists(_CELL, max_size=2).map(tuple),
)  # fmt: skip
_ROWS = st.builds(
    ReturnedRow,
    st.sampled_from(["lignes_budgetaires", "suivis"]),
    st.lists(_VALUE, min_size=1, max_size=2).map(tuple),
    st.dictionaries(_TEXT, _VALUE, max_size=3),
    st.dictionaries(_TEXT, _VALUE, max_size=2),
    st.booleans(),
    _TEXT,
    st.integers(1, 99),
    st.dictionaries(_TEXT, st.integers(1, 20), max_size=3),
)
_IDENTITIES = st.builds(FormIdentity, _TEXT, _TEXT, st.integers(2000, 2100), _TEXT)
_READINGS = st.builds(
    ParsedReturn,
    _TEXT,
    st.none() | _IDENTITIES,
    st.none() | st.datetimes(),
    _TEXT,
    st.lists(_FINDINGS, max_size=2).map(tuple),
    st.lists(_ROWS, max_size=4).map(tuple),
    st.lists(st.builds(RemovedRow, _TEXT, _TEXT, _TEXT, st.none() | _TEXT, st.none() | _TEXT), max_size=2).map(tuple),
    st.booleans(),
)


def through_json(content: Any) -> Any:
    return json.loads(json.dumps(content))


def typed(reading: ParsedReturn) -> list[Any]:
    """The values of the rows with their types: 1 is not True, a day is not its text. In an order of their own."""
    return sorted(
        repr((row.table, row.key, sorted(row.values.items()), sorted(row.before.items()), row.row))
        for row in reading.rows
    )


@given(_READINGS)
def test_a_reading_comes_back_as_it_was(reading: ParsedReturn) -> None:
    again = from_json(through_json(to_json(reading)))
    assert (again.sha256, again.identity, again.saved) == (reading.sha256, reading.identity, reading.saved)
    assert (again.findings, again.removed, again.is_readable) == (
        reading.findings,
        reading.removed,
        reading.is_readable,
    )
    assert repr(again.findings) == repr(reading.findings), "1 is not 1.0"
    assert sorted(map(repr, again.rows)) == sorted(map(repr, reading.rows))
    assert typed(again) == typed(reading)
    assert again.answers == reading.answers
    assert again.is_accepted == reading.is_accepted


def examined(content: bytes, contract: str = "Chartres") -> ParsedReturn:
    prepared = form_contract(contract)
    examiner = Examiner(prepared.schemas, references(prepared.tables, prepared.schemas), prepared.settings)
    examination = examiner(parse_bytes(content, "retour.xlsx"))
    assert isinstance(examination, ParsedReturn)
    return examination


@pytest.mark.parametrize(("contract", "partner"), [("Chartres", "chartres"), ("Chartres", "etat"), ("cas", "luce")])
def test_a_real_form_comes_back_in_its_order(contract: str, partner: str) -> None:
    reading = examined(written_form(contract, partner), contract)
    assert reading.rows
    assert from_json(through_json(to_json(reading))) == reading


def test_a_form_as_sent_says_nothing_new() -> None:
    assert not any(row.before for row in examined(written_form("Chartres", "chartres")).rows)


@pytest.mark.parametrize("name", ["Chartres", "noms difficiles", "vide"])
def test_a_master_comes_back_with_its_tables_and_every_place(name: str) -> None:
    _, content = master(name)
    settings = chartres().settings if name == "Chartres" else form_contract("cas").settings
    before = read_book(parse_bytes(content, "contrat.xlsx"), "contrat.xlsx", settings, schemas(), NO_THEME)
    after = books.from_json(through_json(books.to_json(before)), "contrat.xlsx", settings, schemas(), NO_THEME)
    assert before.is_sound
    assert after.is_sound
    assert list(after.tables) == list(before.tables)
    for table, frame in before.tables.items():
        assert repr(after.tables[table].columns) == repr(frame.columns)
        for position in range(len(frame)):
            for champ in (None, *schemas()[table].names):
                assert after.locate(table, position, champ) == before.locate(table, position, champ)
    assert after.row_places() == before.row_places()
    assert (after.findings, after.adoption, after.saved, after.author) == (
        before.findings,
        before.adoption,
        before.saved,
        before.author,
    )
    assert after.sha256 == before.sha256


def test_a_reading_that_the_journal_garbled_is_read_again(tmp_path: Path) -> None:
    contract = form_contract("cas")
    path = tmp_path / "luce.xlsx"
    path.write_bytes(written_form("cas", "luce"))
    examiner = Examiner(contract.schemas, references(contract.tables, contract.schemas), contract.settings)
    files = [FoundFile(path, "retours/luce.xlsx", False)]
    now = datetime(2016, 12, 1)
    with open_journal(tmp_path / "journal.sqlite", now) as journal:
        (first,) = read_returns.read_files(files, examiner, contract, journal, "p")
        assert first.stamp is not None
        name = f"{first.stamp[1]}-{first.stamp[0]}"
        whole = journal.readings("p", [name])[name]
        for garbled in ({}, {**whole, "rows": [1]}, {**whole, "identity": [1]}, {**whole, "findings": "x"}):
            journal.keep_readings("p", {name: garbled})
            (again,) = read_returns.read_files(files, examiner, contract, journal, "p")
            assert again.parsed == first.parsed
            assert journal.readings("p", [name])[name] == whole, "and remembered as it should be"


def test_a_remembered_reading_is_not_read_again(tmp_path: Path) -> None:
    contract = form_contract("cas")
    path = tmp_path / "luce.xlsx"
    path.write_bytes(written_form("cas", "luce"))
    examiner = Examiner(contract.schemas, references(contract.tables, contract.schemas), contract.settings)
    files = [FoundFile(path, "retours/luce.xlsx", False)]
    with open_journal(tmp_path / "journal.sqlite", datetime(2016, 12, 1)) as journal:
        (first,) = read_returns.read_files(files, examiner, contract, journal, "p")
        assert first.stamp is not None
        name = f"{first.stamp[1]}-{first.stamp[0]}"
        journal.keep_readings("p", {name: {**to_json(first.parsed), "author": "le journal"}})
        (again,) = read_returns.read_files(files, examiner, contract, journal, "p")
        assert again.parsed.author == "le journal"
        (other,) = read_returns.read_files(files, examiner, contract, journal, "another program")
        assert other.parsed.author == first.parsed.author


def test_what_a_day_is_survives() -> None:
    values = {"date_bilan": date(2016, 12, 31)}
    row = ReturnedRow("suivis", ("F", date(2016, 1, 2)), values, {"date_bilan": None}, False, "Actions", 6, {})
    reading = ParsedReturn("x", None, None, "", (), (row,))
    assert from_json(through_json(to_json(reading))).rows == (row,)
