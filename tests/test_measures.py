"""A measure has one definition: its value is what the rows say, and its formula computes the same in LibreOffice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.contracts import SETTINGS, Row, Rows, contract_rows, line, small_rows, tables_of
from support.large_contracts import large_rows
from support.libreoffice import LibreOffice
from support.masters import Package, theme
from support.recalculated import differences, errors
from tabellion.layout.names import column_ref, quoted_text, this_row
from tabellion.measures import AMOUNTS, MEASURE, Accounts, Overview
from tabellion.measures.measure import (
    Begins,
    Count,
    Criterion,
    Filled,
    Known,
    Measure,
    OneOf,
    Total,
    change,
    column_sum,
    counted_lines,
    criterion,
    fraction,
    gap,
    or_words,
    state,
    unless_all_blank,
    unless_blank,
)
from tabellion.measures.measure import Rows as MeasuredRows
from tabellion.xlsx.blocks import Block, sums_of, write_block
from tabellion.xlsx.writer import Writer

YEAR = SETTINGS.exercice
LINES = "Lignes_du_test"
FIELDS = ("convention_id", "collectivite_id", "libelle", "exercice", *AMOUNTS)


def with_blanks(rows: Rows, every: int) -> Rows:
    """Lines of which some say no convention or no collectivité."""
    for rank, row in enumerate(rows["lignes_budgetaires"], 1):
        if rank % every == 0:
            row["convention_id" if rank % 2 else "collectivite_id"] = None
    return rows


def added(rows: list[Row], amount: str, **wanted: Any) -> int:
    """The sum of an amount, line by line."""
    return sum(row.get(amount) or 0 for row in rows if all(row.get(name) == value for name, value in wanted.items()))


@settings(max_examples=40)
@given(contract_rows(adds_up=False), st.integers(2, 7))
def test_the_sums_of_lines_are_those_of_the_rows(rows: Rows, every: int) -> None:
    lines = with_blanks(rows, every)["lignes_budgetaires"]
    overview = Overview(tables_of(rows))
    for amount in AMOUNTS:
        assert overview.of(YEAR).of(amount) == added(lines, amount, exercice=YEAR)
        for convention in {row["convention_id"] for row in lines}:
            where = {"exercice": YEAR, "convention_id": convention}
            assert overview.sums(**where).of(amount) == added(lines, amount, **where)
            known = [row for row in lines if row.get(amount) is not None and row["convention_id"] == convention]
            assert overview.sums(**where).knows(amount) == bool(known)
    cells = overview.cells.values()
    assert sum(sums.lines for sums in cells) == len(lines)
    assert sum(sums.realise for sums in cells) == added(lines, MEASURE)


@settings(max_examples=40)
@given(contract_rows(adds_up=False), st.integers(2, 7))
def test_the_accounts_count_what_the_contract_declares(rows: Rows, every: int) -> None:
    lines = with_blanks(rows, every)["lignes_budgetaires"]
    lines.append(line("ailleurs", 1, "inconnue", "Une collectivité que rien ne déclare", 7_00))
    accounts = Accounts(tables_of(rows), YEAR)
    towns = {row["collectivite_id"] for row in rows["collectivites"]}
    declared = [row for row in lines if row["convention_id"] is not None and row["collectivite_id"] in towns]
    assert accounts.of() == added(declared, MEASURE, exercice=YEAR)
    for number in accounts.conventions:
        assert accounts.of(number) == added(declared, MEASURE, exercice=YEAR, convention_id=number)
        for town in towns:
            cell = {"convention_id": number, "collectivite_id": town}
            assert accounts.of(number, town) == added(declared, MEASURE, exercice=YEAR, **cell)
    assert sum(accounts.of(town=town) for town in towns) == accounts.of()


@settings(max_examples=40)
@given(contract_rows())
def test_totals_and_counts_are_those_of_the_rows(rows: Rows) -> None:
    overview = Overview(tables_of(rows))
    financements = rows["financements"]
    for funder in {row["financeur_id"] for row in financements} | {"personne"}:
        own = [row for row in financements if row["financeur_id"] == funder]
        funding = overview.funding(2016, financeur_id=funder)
        assert funding.financements == len(own)
        assert funding.priced == len([row for row in own if row.get("montant") is not None])
        assert funding.montant == added(own, "montant")
    conventions = {row["fiche_id"]: row["convention_id"] for row in rows["fiches"]}
    for number in {row["convention_id"] for row in rows["conventions"]}:
        own = [row for row in financements if conventions[row["fiche_id"]] == number]
        assert overview.funding(2016, convention_id=number).montant == added(own, "montant")


@given(st.lists(st.tuples(st.sampled_from(["86 Dons", "60 Achats", "8", None]), st.none() | st.integers(-9, 9))))
def test_each_criterion_holds_where_it_says(pairs: list[tuple[str | None, int | None]]) -> None:
    rows = MeasuredRows.of([{"poste": heading, "montant": cents} for heading, cents in pairs], "poste", "montant")
    for where, holds in (
        (Begins("poste", "86"), lambda heading, _: heading == "86 Dons"),
        (Begins("poste", "86", but=True), lambda heading, _: heading != "86 Dons"),
        (Filled("montant"), lambda _, cents: cents is not None),
        (Criterion("poste", None), lambda heading, _: heading is None),
        (OneOf("poste", ("8", "60 Achats")), lambda heading, _: heading in ("8", "60 Achats")),
    ):
        own = [cents for heading, cents in pairs if holds(heading, cents)]
        assert Count((where,)).value(rows) == len(own)
        known = [cents for cents in own if cents is not None]
        assert Total("montant", (where,)).value(rows) == (sum(known) if known else None)


def test_what_is_composed_follows_its_parts() -> None:
    ten, four, blank = Measure("euros", 10_00, "A1"), Measure("euros", 4_00, "A2"), Measure("euros", "", "A3")
    assert (gap(ten, four).value, gap(ten, four).formula) == (6_00, "ROUND(N(A1)-N(A2),2)")
    assert [gap(ten, blank).value, gap(blank, ten).value] == [10_00, -10_00]
    assert [change(*pair).value for pair in ((ten, four), (ten, blank), (blank, four))] == [6_00, "", ""]
    assert unless_blank(blank, ten).value == ""
    assert unless_blank(four, ten).value == 10_00
    assert [unless_all_blank(cells, ten).value for cells in ((blank, blank), (blank, four))] == ["", 10_00]
    assert [or_words(measure, "inconnu").value for measure in (blank, four)] == ["inconnu", 4_00]
    assert fraction("rate", four, ten).value == 0.4
    assert fraction("rate", four, Measure("euros", 0, "A6")).value == ""
    assert fraction("rate", blank, ten).value == ""
    words = [state("Arrondi", 2, Measure("signed", cents, "A7")).value for cents in (0, 2_00, -2_00, 2_01, "")]
    assert words == ["juste", "arrondi", "arrondi", "à vérifier", "–"]
    assert state("Arrondi", 2, blank, four).value == "à vérifier"
    assert state("Arrondi", 2, gap(ten, ten), gap(four, ten)).value == "à vérifier"


def test_two_collectivites_of_one_name_are_one_criterion() -> None:
    lines = MeasuredRows.of(small_rows()["lignes_budgetaires"], "collectivite_id", MEASURE)
    every = Total(MEASURE, (OneOf("collectivite_id", ("luce", "metropole"), '"=Lucé"'),))
    assert every.value(lines) == added(small_rows()["lignes_budgetaires"], MEASURE)


@pytest.mark.libreoffice
def test_libreoffice_computes_the_same_value(office: LibreOffice, tmp_path: Path) -> None:
    rows = with_blanks(large_rows(6, 5, 12, 4), 9)["lignes_budgetaires"]
    for rank, row in enumerate(rows):
        row["libelle"] = f"{86 + rank % 2} {row['libelle']}"
        row[MEASURE] = None if rank % 10 == 0 else row[MEASURE]
    path = tmp_path / "mesures.xlsx"
    path.write_bytes(measured([{name: row.get(name) for name in FIELDS} for row in rows]))
    office.open(path)
    office.recalculate()
    cells, package = office.read(), Package(path.read_bytes())
    formulas = [formula for cell in package.cells["Mesures"].values() if (formula := cell[1]) is not None]
    assert len(formulas) > 100
    assert differences(package, cells) == []
    assert errors(cells) == []


def measured(rows: list[Row]) -> bytes:
    """A workbook of these lines and of every kind of measure over them."""
    writer = Writer(theme())
    measures, sheet = writer.sheet("Mesures"), writer.sheet("Lignes")
    writer.name("Arrondi", "=2")
    sheet.table(LINES, 0, 0, len(rows), FIELDS)
    for position, row in enumerate(rows, 1):
        for column, name in enumerate(FIELDS):
            is_money = name in AMOUNTS and row[name] is not None
            sheet.write(position, column, row[name] / 100 if is_money else row[name], writer.cell())
    write_block(measures, block(MeasuredRows.of(rows, *FIELDS)), 0)
    return writer.close()


def block(lines: MeasuredRows) -> Block:
    name = "Mesures_du_test"
    labels = ("N°", "Ville", "Lignes", "Montant", "Prévu", "Dons", "Sans dons", "Deux", "Chiffrées", "Écart", "État",
              "Part", "Hausse", "Rien", "Sinon", "Comparé", "Ou", "Mots")  # fmt: skip

    def column(field: str) -> str:
        return column_ref(LINES, field)

    keys: list[tuple[Any, ...]] = []
    measures = []
    towns = [f"ville-{rank}" for rank in range(1, 6)]
    for number in range(1, 7):
        for town in towns:
            where = (
                Criterion("convention_id", number, this_row(name, "N°")),
                Criterion("collectivite_id", town, criterion(town)),
                Criterion("exercice", YEAR, str(YEAR)),
            )
            count = Count(where).measure(lines, column)
            realised, planned = (Total(field, where).measure(lines, column) for field in (MEASURE, AMOUNTS[0]))
            gifts = [Begins("libelle", "86"), Begins("libelle", "86", but=True)]
            halves = [Total(MEASURE, (*where, gift)).measure(lines, column) for gift in gifts]
            priced = Count((*where, Known(MEASURE))).measure(lines, column)
            two = OneOf("collectivite_id", (town, town), quoted_text(town))
            twice = Total(MEASURE, (where[0], where[2], two)).measure(lines, column)
            cells = {label: this_row(name, label) for label in labels}
            difference = gap(realised.at(cells["Montant"]), planned.at(cells["Prévu"]))
            keys.append((number, town))
            measures.append([
                count, realised, planned, *halves, twice, priced, difference,
                state("Arrondi", 2, difference.at(cells["Écart"])),
                fraction("rate", planned.at(cells["Prévu"]), realised.at(cells["Montant"])),
                fraction("share", difference.at(cells["Écart"]), planned.at(cells["Prévu"])),
                unless_blank(planned.at(cells["Prévu"]), realised.at(cells["Montant"])),
                unless_all_blank((realised, planned), difference.at(cells["Écart"])),
                change(realised, planned),
                or_words(planned, "inconnu"),
                counted_lines(count, priced),
            ])  # fmt: skip
    kinds = [measure.kind for measure in measures[0]]
    added_up = [[Measure(measure.kind, measure.value if isinstance(measure.value, int) else "") for measure in row]
                for row in measures]  # fmt: skip
    totals = [
        Measure(kind, "") if kind in ("state", "rate", "share", "text") else total
        for kind, total in zip(kinds, sums_of(name, labels[2:], added_up, kinds), strict=True)
    ]
    assert column_sum("euros", name, labels[3], (row[1].value for row in measures)) == totals[1]
    return Block("Mesures", name, labels, keys, measures, totals)
