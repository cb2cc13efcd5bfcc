"""Rows that move, and the formulas that name them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.masters import Package, master
from tabellion.xlsx.inplace.moves import RowMove
from tabellion.xlsx.inplace.patch import AddedRows, Changes, RowToRemove, patch_tables
from tabellion.xlsx.inplace.references import Anchor, mentions, moved

#: Rows 14 and 20 are taken out of the lines 13 to 52 of a sheet, and three come after them.
MOVE = RowMove("B 01", frozenset({14, 20}), after=52, count=3, top=13)
MOVES = {"b 01": MOVE}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("F12+F13+F15", "F12+F13+F14"),
        ("F14", "#REF!"),
        ("$F$15+A53", "$F$14+A54"),
        # What holds the lines grows with them; what holds some of them does not.
        ("SUM(F13:F52)", "SUM(F13:F53)"),
        ("SUM(F$12:F$52)", "SUM(F$12:F$53)"),
        ("SUM(F15:F52)", "SUM(F14:F50)"),
        ("SUM(F13:F60)", "SUM(F13:F61)"),
        ("SUM(F13:F14)", "SUM(F13:F13)"),
        ("SUM(F20:F20)", "SUM(#REF!)"),
        ("SUM(F52:F13)", "SUM(F53:F13)"),
        ("SUM(F:F)+SUM(13:52)+SUM($53:$53)", "SUM(F:F)+SUM(13:53)+SUM($54:$54)"),
        ("'B 01'!F15:'B 01'!F21", "'B 01'!F14:'B 01'!F19"),
        ("A1:INDEX(F13:F52,3)", "A1:INDEX(F13:F53,3)"),
        # Texts, functions, tables, names, other sheets and other workbooks are none of it.
        ('"F15"&F15', '"F15"&F14'),
        ("LOG10(F15)+T[F15]+T[[#This Row],[a'[F15]]+TAUX2015", "LOG10(F14)+T[F15]+T[[#This Row],[a'[F15]]+TAUX2015"),
        ("Autre!F15+[1]B!F15+'[a.xlsx]B 01'!F15+#REF!F15", "Autre!F15+[1]B!F15+'[a.xlsx]B 01'!F15+#REF!F15"),
        ("SUM(Un:Trois!F15)", "SUM(Un:Trois!F15)"),
        ("F15#*2%", "F14#*2%"),
    ],
)
def test_a_formula_follows_the_rows(before: str, after: str) -> None:
    assert moved(before, "B 01", MOVES)[0] == after


def test_a_formula_of_another_sheet_follows_the_rows_that_it_names() -> None:
    assert moved("F15+'B 01'!F15+'b 01'!$F$53", "Calculs", MOVES)[0] == "F15+'B 01'!F14+'b 01'!$F$54"


def test_it_is_said_when_cells_of_a_range_came_or_went() -> None:
    assert moved("SUM(F13:F52)", "B 01", MOVES)[1]
    assert moved("F14", "B 01", MOVES)[1]
    assert not moved("F15+SUM(F54:F60)", "B 01", MOVES)[1]


def test_a_running_total_of_the_last_line_does_not_take_the_new_ones() -> None:
    assert moved("SUM(F$13:F52)", "B 01", MOVES, row=52)[0] == "SUM(F$13:F50)"
    assert moved("F52/SUM(F$13:F$52)", "B 01", MOVES, row=52)[0] == "F50/SUM(F$13:F$53)"


def test_a_rule_keeps_its_distance_from_a_row_that_is_gone() -> None:
    """The rule of row 15, which says that a line is not as the one before it, where that one is taken out."""
    assert moved("$A15<>$A14", "B 01", MOVES, anchor=Anchor(15, 14))[0] == "$A14<>$A13"
    assert moved("$A15<>$A$14", "B 01", MOVES, anchor=Anchor(15, 14))[0] == "$A14<>#REF!"


def test_columns_of_a_table_move_alone() -> None:
    move = RowMove("L", frozenset({6}), after=9, count=0, top=6, left=3, right=5, limit=9)
    formula = "A6+C7+D7:E9+B7:D9+C10+SUM(C6:C9)"
    assert moved(formula, "L", {"l": move})[0] == "A6+C6+D6:E8+B7:D9+C10+SUM(C6:C8)"


def test_what_a_formula_names() -> None:
    named = mentions("SUMIFS(T[a],T[[#This Row],[b]],Exercice)+'B 01'!Local+OFFSET(A1,1,1):B2")
    assert named.tables == (("T", "[a]"), ("T", "[[#This Row],[b]]"))
    assert named.names == ((None, "Exercice"), ("B 01", "Local"))
    assert named.functions == {"SUMIFS", "OFFSET"}
    assert named.open


@given(
    removed=st.frozensets(st.integers(1, 30), max_size=12),
    after=st.integers(1, 30),
    count=st.integers(0, 4),
    first=st.integers(1, 35),
    height=st.integers(0, 10),
)
def test_a_span_holds_what_is_left_of_it_and_what_came_inside(
    removed: frozenset[int], after: int, count: int, first: int, height: int
) -> None:
    """Against a list of rows that is really cut and filled."""
    rows: list[int | None] = []
    for row in range(1, 60):
        rows += [] if row in removed else [row]
        rows += [None] * count if row == after else []
    move, last = RowMove("S", removed, after, count), first + height
    places = {row: place for place, row in enumerate(rows, 1) if row is not None}
    for row in range(1, 50):
        assert move.row(row) == places.get(row)
    left = [places[row] for row in range(first, last + 1) if row in places]
    new = [place for place, row in enumerate(rows, 1) if row is None]
    held = left + (new if first <= after < last else [])
    assert move.rows(first, last) == ((min(held), max(held)) if held else None)
    assert list(move.inserted) == new


NAMES = ("Chartres", "noms difficiles")


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_lines_of_any_tables_are_added_and_removed(name: str, data: st.DataObject) -> None:
    """What every table holds, and every cell outside of them, against a plain model."""
    plan, content = master(name)
    before = Package(content)
    model = {table.name: _rows(before, table.name) for table in plan.data.values()}
    added, removed = list[AddedRows](), list[RowToRemove]()
    for table in data.draw(st.lists(st.sampled_from(list(plan.data.values())), max_size=5, unique_by=lambda t: t.name)):
        removed_ranks = data.draw(st.sets(st.integers(0, len(model[table.name]) - 1), max_size=6))
        new = data.draw(st.lists(st.integers(1, 10**6), max_size=4))
        sheet, place = plan.sheets[table.sheet], table.column + 1
        field = next(column for column in table.columns if column.field is not None)
        removed += [RowToRemove(sheet, table.row + 2 + rank, place) for rank in removed_ranks]
        added.append(AddedRows(sheet, table.row + 1, [{table.column_of(field.name) + 1: value} for value in new]))
        left = [row for rank, row in enumerate(model[table.name]) if rank not in removed_ranks]
        while left and not any(left[-1]):
            left.pop()
        model[table.name] = left + [[value] for value in new]
    patched = patch_tables(content, Changes(added=added, removed=removed))
    after = Package(patched.data)
    for table in plan.data.values():
        rows = _rows(after, table.name)
        wanted = model[table.name] or [[None]]
        assert [[cell for cell in row if cell is not None] for row in rows] == [
            [cell for cell in row if cell is not None] for row in wanted
        ], table.name
    outside = [_outside(content) for content in (before, after)]
    assert outside[0] == outside[1]


def _rows(package: Package, name: str) -> list[list[float | str | None]]:
    """What is typed in the rows of a table."""
    table = package.tables[name]
    cells, (top, left, bottom, right) = package.cells[table.sheet], table.area
    blank = (None, None)
    rows = []
    for row in range(top + 1, bottom + 1):
        row_cells = [cells.get((row, column), blank) for column in range(left, right + 1)]
        rows.append([value if formula is None else None for value, formula in row_cells])
    return rows


def _outside(package: Package) -> list[tuple[str, list[tuple[str | float | None, str | None]]]]:
    """What stands outside the tables of each sheet, in order: typed values and formulas."""
    cells_outside = []
    for sheet, cells in package.cells.items():
        areas = [table.area for table in package.tables.values() if table.sheet == sheet]
        cells_outside.append(
            (
                sheet,
                [
                    (value if formula is None else None, formula)
                    for (row, column), (value, formula) in sorted(cells.items(), key=lambda entry: entry[0])
                    if (value is not None or formula is not None)
                    and not any(top <= row <= bottom and left <= column <= right for top, left, bottom, right in areas)
                ],
            )
        )
    return cells_outside
