"""Layouts of workbooks, generated: covers, orders, names, levels, blanks and totals change nothing of what is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.contracts import ROOT
from tabellion.importing import IMPORT_FILE, Correspondence, ImportedContract, load_import_words
from tabellion.importing.foreign import ForeignReader
from tabellion.importing.grids import CellGrid, csv_grid
from tabellion.reading.raw import RawValue
from tabellion.schema.money import format_euros

WORDS = load_import_words(ROOT / "templates" / IMPORT_FILE)
NAMES = {
    champ: [name for name, own in WORDS.table("lignes_budgetaires").names.items() if own == champ]
    for champ in ("convention", "collectivite", "libelle", "montant_realise", "montant_prevu")
}
TOWNS = ["Brest", "Guipavas", "Plouzané", "Brest métropole"]
TITLES = ["Education et parentalité", "Santé", "Emploi"]
LABELS = ["Cantine", "Transports", "Ménage des écoles", "Soins", "Ateliers", "Etudes", "Bus", "Crèche"]
YEARS = [2013, 2014, 2015]
Line = tuple[int, str, str, int, int | None]


@st.composite
def budgets(draw: st.DrawFn) -> list[Line]:
    """Lines in the order of a budget: convention, town, label, exercice, cents; each once."""
    years = YEARS[: draw(st.integers(1, 2))]
    return [
        (convention, town, label, year, draw(st.integers(0, 9_999_999)))
        for convention in range(1, draw(st.integers(1, 3)) + 1)
        for town in draw(st.lists(st.sampled_from(TOWNS), min_size=1, max_size=3, unique=True))
        for label in draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=3, unique=True))
        for year in years
    ]


def amount(draw: st.DrawFn, cents: int | None) -> RawValue:
    """An amount as a cell may hold it: a number, or a text as people write it."""
    if cents is None:
        return None
    return draw(st.sampled_from([cents / 100, format_euros(cents), f"{format_euros(cents)}*", f"{cents / 100:.2f}"]))


@st.composite
def layouts(draw: st.DrawFn) -> tuple[list[Line], list[CellGrid]]:
    """A budget and the sheets of one of its layouts: a column a year, or a sheet a year."""
    lines = draw(budgets())
    years = sorted({line[3] for line in lines})
    by_sheet = draw(st.booleans())
    groups = [[year] for year in years] if by_sheet else [years]
    own = [[line for line in lines if line[3] in group] for group in groups]
    grids = [draw(_sheet(some, group, in_name=by_sheet)) for some, group in zip(own, groups, strict=True)]
    return lines, grids


@st.composite
def _sheet(draw: st.DrawFn, lines: Sequence[Line], years: Sequence[int], *, in_name: bool) -> CellGrid:
    order = draw(st.permutations(["convention", "collectivite", "libelle"]))
    titles: list[RawValue] = [draw(st.sampled_from(NAMES[champ])).capitalize() for champ in order]
    kind = draw(st.sampled_from(NAMES["montant_realise"])).capitalize()
    two_levels = not in_name and draw(st.booleans())
    titles += [kind if in_name or two_levels else f"{kind} {year} (€)" for year in years]
    table: list[list[RawValue]] = []
    if two_levels:
        table.append([*[None] * len(order), *years])
    table.append(titles)
    repeats = order != ["convention", "collectivite", "libelle"] or draw(st.booleans())
    before: tuple[int, str] | None = None
    for convention, town, label in dict.fromkeys(line[:3] for line in lines):
        named: dict[str, RawValue] = {
            "convention": f"{convention} - {TITLES[convention - 1]}", "collectivite": town, "libelle": label,
        }  # fmt: skip
        if not repeats and before == (convention, town):
            named |= {"convention": None, "collectivite": None}
        elif not repeats and before is not None and before[0] == convention:
            named |= {"convention": None}
        before = convention, town
        cents = {line[3]: line[4] for line in lines if line[:3] == (convention, town, label)}
        table.append([*(named[champ] for champ in order), *(amount(draw, cents.get(year)) for year in years)])
    if draw(st.booleans()):
        sums = [sum(line[4] or 0 for line in lines if line[3] == year) / 100 for year in years]
        table.append(["Total général", *[None] * (len(order) - 1), *sums])
    covers: list[list[RawValue]] = [["Suivi du contrat de ville"], [], ["Source : services"]][: draw(st.integers(0, 3))]
    width = len(titles)
    rows = [[*row, *[None] * (width - len(row))] for row in (*covers, *table)]
    left = draw(st.integers(0, 2))
    return CellGrid(
        "ancien.xlsx", f"Crédits {years[0]}" if in_name else "Crédits", [[None] * left + row for row in rows]
    )


def read(grids: list[CellGrid]) -> ImportedContract:
    reader = ForeignReader(grids, WORDS, Correspondence())
    reader.find()
    return reader.read()


def lines_of(contract: ImportedContract) -> list[Any]:
    towns = {row["collectivite_id"]: row["nom"] for row in contract.tables["collectivites"]}
    return sorted(
        (row["convention_id"], towns[row["collectivite_id"]], row["libelle"], row["exercice"], row["montant_realise"])
        for row in contract.tables["lignes_budgetaires"]
    )


@settings(max_examples=60, deadline=None)
@given(layouts())
def test_every_layout_gives_its_lines(layout: tuple[list[Line], list[CellGrid]]) -> None:
    lines, grids = layout
    contract = read(grids)
    assert lines_of(contract) == sorted(lines)
    assert [finding.code for finding in contract.findings if finding.code != "collectivite-variante"] == []
    assert len(contract.lines) == sum(len(grid.rows) for grid in grids)


_CELL = st.one_of(
    st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-10, 3000).map(float), st.booleans(),
    st.text(max_size=12),
    st.sampled_from([
        "Convention", "Commune", "Libellé", "Montant", "Réalisé 2013", "Fiche n°", "Objectif", "Total", "I-1.1./1",
        "Financeur", "Bénéficiaire", "N° EJ", "Étiquettes de lignes", "1 - Santé", "2013", "X", "12 k€", "=",
        "Porteur :",
    ]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(_CELL, min_size=4, max_size=4), min_size=1, max_size=12), st.sampled_from(["Feuil1", "2014"]))
def test_no_sheet_stops_the_import_and_every_row_is_accounted_for(rows: list[list[RawValue]], name: str) -> None:
    contract = read([CellGrid("x.xlsx", name, rows)])
    assert [use.ligne for use in contract.lines] == list(range(1, len(rows) + 1))
    assert all(finding.place.fichier == "x.xlsx" for finding in contract.findings)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='ab;,\t|"\n\r1€ -', max_size=80))
def test_no_text_stops_the_csv_reader(text: str) -> None:
    grid = csv_grid(text, "x.csv")
    assert grid is None or len(grid.file_lines) == len(grid.rows)
