"""What a screen of 1366 × 768 pixels and a sheet of paper show of every sheet of every workbook."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest

from support.contracts import schemas
from support.every_kind import content_of
from support.masters import MAIN, Package
from support.sheet_sizes import SheetSizes, sizes_of
from tabellion.layout.theme import SMALLEST_LETTERS
from tabellion.xlsx.pages import A3, A4, BOTTOM_MARGIN, TOP_MARGIN, lay_out_pages

KINDS = (
    "contrat", "contrat large", "consolidation", "consolidation large", "annexe large", "différences", "formulaire",
    "formulaire large", "copie annotée",
)  # fmt: skip
#: A third of the screen is the most that stays when people scroll.
WIDEST_PANE, HIGHEST_PANE = 1366 // 3, 768 // 3
#: The sheets of the forms have panes of their own.
STAFF = tuple(kind for kind in KINDS if not kind.startswith(("formulaire", "copie")))
each_kind = pytest.mark.parametrize("kind", KINDS)


@cache
def sheets(kind: str) -> tuple[SheetSizes, ...]:
    return tuple(sizes_of(content_of(kind)))


@each_kind
def test_no_letter_is_printed_under_8_points(kind: str) -> None:
    assert {sheet.name: sheet.smallest for sheet in sheets(kind) if sheet.smallest < SMALLEST_LETTERS} == {}


@each_kind
def test_no_column_is_wider_than_its_page(kind: str) -> None:
    assert {sheet.name: sheet.cut for sheet in sheets(kind) if sheet.cut} == {}


@pytest.mark.parametrize("kind", STAFF)
def test_at_most_a_third_of_the_screen_is_frozen(kind: str) -> None:
    panes = {sheet.name: sheet.frozen for sheet in sheets(kind)}
    assert {name: (w, h) for name, (w, h) in panes.items() if w > WIDEST_PANE or h > HIGHEST_PANE} == {}


@pytest.mark.parametrize("kind", ["contrat", "contrat large", "consolidation"])
def test_technical_columns_are_folded(kind: str) -> None:
    package = Package(content_of(kind))
    titles = {field.title for schema in schemas().values() for field in schema.fields if field.is_technical}
    assert {"Identifiant", "Ligne source", "Réparation"} <= titles
    seen = []
    for name, table in package.tables.items():
        columns = package.sheets[table.sheet].iter(f"{MAIN}col")
        hidden = {
            column
            for spread in columns
            if spread.get("hidden") == "1"
            for column in range(int(spread.attrib["min"]) - 1, int(spread.attrib["max"]))
        }
        places = enumerate(table.columns, table.area[1])
        seen += [(name, label) for column, label in places if label in titles and column not in hidden]
    assert seen == []


@pytest.mark.parametrize("kind", STAFF)
def test_a_filter_hides_no_row_of_another_table(kind: str) -> None:
    tables = Package(content_of(kind)).tables.values()
    beside = [
        (table.name, other.name)
        for table in tables
        for other in tables
        if table is not other
        and table.filters
        and table.sheet == other.sheet
        and table.area[0] <= other.area[2]
        and other.area[0] <= table.area[2]
    ]
    assert beside == []


@pytest.mark.parametrize("kind", ["contrat", "consolidation"])
def test_lists_of_findings_begin_with_what_people_need(kind: str) -> None:
    table = Package(content_of(kind)).tables["Constats"]
    assert list(table.columns)[:4] == ["N°", "Cellule", "Constat", "Que faire"]


def test_wider_sheets_go_to_larger_paper_then_to_more_pages() -> None:
    layouts = [lay_out_pages([100] * columns, 10.0, keys=1, upright=True) for columns in (8, 13, 18, 30)]
    assert [(pages.paper, pages.is_landscape) for pages in layouts] == [(A4, False), (A4, True), (A3, True), (A4, True)]
    assert [len(pages.breaks) for pages in layouts] == [0, 0, 0, 2]
    assert [pages.scale for pages in layouts] == [100, 100, 100, 80]


def test_pages_side_by_side_repeat_their_keys_and_leave_out_hidden_columns() -> None:
    pages = lay_out_pages([400, 400, *[0] * 20, *[200] * 10], 10.0, keys=1)
    assert pages.breaks == (24, 28)
    assert lay_out_pages([0] * 50, 10.0).breaks == ()


def test_pages_are_cut_where_a_table_begins() -> None:
    assert lay_out_pages([600] * 6, 10.0, starts=(0, 3, 4)).breaks == (3, 4)


@pytest.mark.parametrize("kind", ["contrat", "consolidation", "consolidation large"])
def test_blocks_of_the_synthesis_fill_their_pages(kind: str) -> None:
    sheet = Package(content_of(kind)).sheets["Synthèse"]
    setup, sizes = sheet.find(f"{MAIN}pageSetup"), sheet.iter(f"{MAIN}row")
    assert setup is not None
    paper = {str(A4.code): A4, str(A3.code): A3}[setup.attrib["paperSize"]]
    room = (paper.short - TOP_MARGIN - BOTTOM_MARGIN) * 72 * 100 / int(setup.get("scale", "100"))
    points = {int(row.attrib["r"]): float(row.get("ht", "15")) for row in sizes}
    ends = [int(element.attrib["id"]) for element in sheet.iter(f"{MAIN}brk")]
    pages = [
        sum(points.get(row, 15) for row in range(first + 1, last + 1))
        for first, last in pairwise([0, *ends, max(points)])
    ]
    assert max(pages) <= room
    assert all(sum(heights) > room * 0.9 for heights in pairwise(pages[:-1]))  # a chart may end the last one
