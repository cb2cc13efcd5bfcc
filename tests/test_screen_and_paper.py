"""What a screen of 1366 × 768 pixels and a sheet of paper show of every sheet of every workbook."""

from __future__ import annotations

from functools import cache

import pytest

from support.every_kind import content_of
from support.sheet_sizes import SheetSizes, sizes_of
from tabellion.layout.theme import SMALLEST_LETTERS
from tabellion.xlsx.pages import A3, A4, lay_out_pages

KINDS = (
    "contrat", "contrat large", "consolidation", "consolidation large", "annexe large", "différences", "formulaire",
    "formulaire large",
)  # fmt: skip
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


def test_wider_sheets_go_to_larger_paper_then_to_more_pages() -> None:
    found = [lay_out_pages([100] * columns, 10.0, keys=1, upright=True) for columns in (8, 13, 18, 30)]
    assert [(pages.paper, pages.is_landscape) for pages in found] == [(A4, False), (A4, True), (A3, True), (A4, True)]
    assert [len(pages.breaks) for pages in found] == [0, 0, 0, 2]
    assert [pages.scale for pages in found][-1] == 80


def test_pages_side_by_side_repeat_their_keys_and_leave_out_hidden_columns() -> None:
    pages = lay_out_pages([400, 400, *[0] * 20, *[200] * 10], 10.0, keys=1)
    assert pages.breaks == (24, 28)
    assert lay_out_pages([0] * 50, 10.0).breaks == ()


def test_pages_are_cut_where_a_table_begins() -> None:
    assert lay_out_pages([600] * 6, 10.0, starts=(0, 3, 4)).breaks == (3, 4)
