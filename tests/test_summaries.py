"""Truth in the summaries: who was asked and is late, like compared with like, shares that add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from support.contracts import line, small_rows
from support.forms import form_contract
from support.masters import chartres, contract_of
from tabellion.contract.book import Book
from tabellion.measures.board import ReturnStatus, StatusCounts, asked_partners, awaited, came_late
from tabellion.measures.compared import SameLines, yearly
from tabellion.measures.measure import Criterion
from tabellion.measures.overview import MEASURE
from tabellion.outputs.forms import make_forms
from tabellion.outputs.years import year_columns
from tabellion.schema.tables import make_table

DUE = date(2016, 11, 30)


@pytest.mark.parametrize("year", [2015, 2016, 2020])
@pytest.mark.parametrize("name", ["Chartres", "cas"])
def test_a_partner_is_asked_something_where_its_form_has_a_sheet(name: str, year: int) -> None:
    contract = with_a_stranger(chartres() if name == "Chartres" else form_contract("cas"))
    asked = {form.identity.partenaire for form in make_forms(contract, year) if form.tables}
    assert asked_partners(contract.tables, year, contract.schemas.forms) == asked
    assert asked
    assert "personne" not in asked


def with_a_stranger(contract: Book) -> Book:
    """The contract with a partner whom it names nowhere else."""
    table = contract.tables["partenaires"]
    rows = [
        *table.rows,
        dict.fromkeys(contract.schemas["partenaires"].names) | {"partenaire_id": "personne", "nom": "X"},
    ]
    columns = {name: [row[name] for row in rows] for name in contract.schemas["partenaires"].names}
    return replace(
        contract, tables={**contract.tables, "partenaires": make_table(contract.schemas["partenaires"], columns)}
    )


def test_late_is_who_was_asked_and_sent_nothing_by_the_date() -> None:
    after, before = date(2016, 12, 1), DUE
    assert awaited(DUE, after, is_sent=True, is_asked=True) is ReturnStatus.LATE
    assert awaited(DUE, before, is_sent=True, is_asked=True) is ReturnStatus.AWAITED
    assert awaited(None, after, is_sent=True, is_asked=True) is ReturnStatus.AWAITED
    assert awaited(DUE, after, is_sent=False, is_asked=True) is ReturnStatus.NOT_SENT
    assert awaited(DUE, after, is_sent=True, is_asked=False) is ReturnStatus.NOT_ASKED
    assert [came_late(DUE, datetime(2016, *day)) for day in ((11, 30, 23), (12, 1))] == [False, True]
    assert not came_late(DUE, None)


def test_a_campaign_that_began_is_compared_over_the_lines_that_answered() -> None:
    """Of two towns one has answered, one of its two lines: nothing of the others is called a fall."""
    rows = small_rows()
    rows["lignes_budgetaires"] = [
        line("L1", 1, "luce", "Une", 100_00, exercice=2015),
        line("L2", 1, "luce", "Deux", 50_00, exercice=2015),
        line("M1", 1, "metropole", "Trois", 900_00, exercice=2015),
        line("L1", 1, "luce", "Une", 110_00, exercice=2016),
        line("L2", 1, "luce", "Deux", None, exercice=2016),
        line("L3", 1, "luce", "Nouvelle", 7_00, exercice=2016),
    ]
    overview = contract_of(rows).overview
    columns = year_columns(overview)
    pair = SameLines(overview.by_year, columns, yearly(MEASURE, 2016), yearly(MEASURE, 2015))
    assert (pair.lines.value, pair.before.value, pair.after.value) == (1, 100_00, 110_00)
    assert pair.change(pair.before).value == 10_00
    elsewhere = replace(pair, where=(Criterion("collectivite_id", "metropole"),))
    assert (elsewhere.lines.value, elsewhere.before.value, elsewhere.change(elsewhere.before).value) == (0, "", "")
    assert [overview.answers(year) for year in (2015, 2016)] == ["", "1 collectivité sur 2 a répondu"]


def test_nobody_counts_who_was_not_asked() -> None:
    status_counts = StatusCounts.of(ReturnStatus)
    assert status_counts.asked == len(ReturnStatus) - 2
    assert status_counts.asked_words == "6 partenaires sollicités"
