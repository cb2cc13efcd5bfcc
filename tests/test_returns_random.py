"""Forms filled at random, mutated at random: the verdict, its cells, and every untouched value read exactly."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.workbook import Workbook

from support.contracts import ROOT
from support.forms import ACTIONS, BUDGET, FINANCEMENTS
from support.mutations import FIRST, HEADER, MUTATIONS
from tabellion.commands.source import load_contract
from tabellion.commands.validate import validate
from tabellion.contract.book import Book
from tabellion.contract.workspace import find_workspace
from tabellion.findings import CATALOGUE
from tabellion.layout.forms import Form
from tabellion.outputs.forms import make_forms
from tabellion.outputs.forms.workbook import write_form
from tabellion.reading import parse_bytes
from tabellion.reading.form import read_form
from tabellion.reading.references import references
from tabellion.schema.forms import Role, TableSpec

YEAR = 2016
#: A town (lines, a fiche, a financement), a State service (fiches and financements), a funder (financements).
PARTNERS = ("mainvilliers", "etat", "conseil-regional-centre-val-de-loire")
#: openpyxl saves no computed value: said once a sheet.
NOT_THE_PARTNER = {"formules-non-calculees"}
#: Euros and cents that a schema accepts, and that are not a thousand times an amount known for one of these forms.
AMOUNTS = st.integers(0, 6_000_000)
TEXTS = st.from_regex(r"[A-Zéàœç][a-zéèê0-9 '’(),;:!?€%/+=–\n]{0,60}[a-z.]", fullmatch=True)
CASES: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    BUDGET: st.tuples(AMOUNTS, AMOUNTS, st.none() | AMOUNTS, st.none() | TEXTS),
    ACTIONS: st.tuples(
        st.sampled_from(("non démarrée", "en cours", "terminée", "abandonnée")),
        st.none() | st.integers(0, 100),
        st.none() | st.dates(date(2000, 1, 1), date(2100, 12, 31)),
        st.none() | AMOUNTS,
        st.none() | TEXTS,
    ),
    FINANCEMENTS: st.tuples(TEXTS, st.sampled_from(("à négocier", "à calculer", "non déterminé", "autre")), AMOUNTS),
}
#: A cell: sheet, row, column, one-based.
Cell = tuple[str, int, int]


@cache
def contract() -> Book:
    return load_contract(find_workspace(ROOT))


@cache
def form_of(partner: str) -> tuple[Form, bytes]:
    (form,) = make_forms(contract(), YEAR, [partner])
    return form, write_form(contract(), form)


def opened(partner: str) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(form_of(partner)[1]))


def marked(partner: str) -> Workbook:
    """A form whose cells to fill all hold something, so that emptying one shows."""
    book, form = opened(partner), form_of(partner)[0]
    for spec in form.tables:
        for row in range(FIRST, FIRST + len(form.rows[spec.name])):
            for column in typed_columns(spec):
                book[spec.sheet].cell(row, column).value = f"{row}/{column}"
    return book


def typed_columns(spec: TableSpec) -> list[int]:
    return [place for place, column in enumerate(spec.columns, 1) if column.role is Role.TYPED]


def cells_of(book: Workbook) -> dict[Cell, Any]:
    return {
        (sheet.title, cell.row, cell.column): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


@dataclass(frozen=True)
class Mutation:
    """A declared mutation on one form: the cells it changes, and those that nothing else may touch beside it."""

    name: str
    do: Callable[[Workbook], None]
    outcome: frozenset[tuple[str, str | None]]
    touched: frozenset[Cell]
    claimed: frozenset[Cell]
    alone: bool


@cache
def before(partner: str) -> tuple[Workbook, dict[Cell, Any]]:
    """A form to change nothing in, and its cells."""
    book = marked(partner)
    return book, cells_of(book)


@cache
def mutation(partner: str, place: int) -> Mutation | None:
    """A declared mutation with what it touches, seen, not declared; none where the form lacks the sheet it is about."""
    (name, do, outcome), (untouched, old), book = MUTATIONS[place], before(partner), marked(partner)
    try:
        do(book)
    except KeyError:
        return None
    new = cells_of(book)
    touched = frozenset(cell for cell in old.keys() | new.keys() if old.get(cell) != new.get(cell))
    return Mutation(name, do, frozenset(outcome), touched, _claims(touched, outcome), _alone(untouched, book))


def _claims(touched: frozenset[Cell], outcome: set[tuple[str, str | None]]) -> frozenset[Cell]:
    """A change of several cells of a row, of its identifier or of what completes it is about the whole row."""
    specs = {spec.sheet: spec for spec in contract_specs()}
    claimed = set(touched)
    for sheet, row, column in touched:
        if sheet not in specs:
            continue
        width = len(specs[sheet].columns)
        several = sum(other[:2] == (sheet, row) for other in touched) > 1
        if row == HEADER:
            claimed |= {(sheet, number, column) for number in range(HEADER, 100)}
        elif several or column == width or any(code == "ligne-incomplete" for code, _ in outcome):
            claimed |= {(sheet, row, number) for number in range(1, width + 1)}
    return frozenset(claimed)


def _alone(before: Workbook, after: Workbook) -> bool:
    """Whether a mutation changes more than cells of the partner's sheets: sheets, tables, headers, the identity."""

    def shape(book: Workbook) -> Any:
        hidden = [[cell.value for row in sheet for cell in row] for sheet in book if sheet.title.startswith("_")]
        heads = [[cell.value for cell in sheet[HEADER]] for sheet in book]
        return book.sheetnames, [table.ref for sheet in book for table in sheet.tables.values()], hidden, heads

    return bool(shape(before) != shape(after))


def contract_specs() -> list[TableSpec]:
    return list(form_of(PARTNERS[0])[0].tables)


@st.composite
def chosen(draw: st.DrawFn, partner: str) -> list[Mutation]:
    """None to four mutations that touch different cells, or one that is about the whole file."""
    picked: list[Mutation] = []
    for place in draw(st.lists(st.integers(0, len(MUTATIONS) - 1), max_size=6, unique=True)):
        drawn = mutation(partner, place)
        if drawn is None:
            continue
        if drawn.alone and not picked:
            return [drawn]
        if not drawn.alone and len(picked) < 4 and all(not drawn.claimed & other.claimed for other in picked):
            picked.append(drawn)
    return picked


@settings(max_examples=8)
@given(data=st.data(), partner=st.sampled_from(PARTNERS))
def test_a_form_filled_and_mutated_at_random(data: st.DataObject, partner: str) -> None:
    form = form_of(partner)[0]
    book, expected = opened(partner), {}
    for spec in form.tables:
        count = len(form.rows[spec.name])
        values = data.draw(st.lists(CASES[spec.sheet], min_size=count, max_size=count), label=spec.sheet)
        for row, (known, typed) in enumerate(zip(form.rows[spec.name], values, strict=True), FIRST):
            answers = dict(zip(typed_columns(spec), typed, strict=True))
            for column, column_spec in enumerate(spec.columns, 1):
                field = spec.field(column_spec, contract().schemas)
                if column in answers:
                    cents = field is not None and field.kind == "money" and answers[column] is not None
                    book[spec.sheet].cell(row, column).value = answers[column] / 100 if cents else answers[column]
                if field is not None:
                    expected[spec.resource, row, field.name] = (
                        (spec.sheet, row, column),
                        answers[column] if column in answers else known.values.get(column_spec.name),
                    )
    done = data.draw(chosen(partner), label="mutations")
    for mutation in done:
        mutation.do(book)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "retour.xlsx"
        book.save(path)
        check(path, done, expected)


def check(path: Path, done: list[Mutation], expected: dict[tuple[str, int, str], tuple[Cell, Any]]) -> None:
    findings = [finding for finding in validate(find_workspace(ROOT), [path]) if finding.code not in NOT_THE_PARTNER]
    outcome = {place for mutation in done for place in mutation.outcome}
    assert {(finding.code, finding.place.cellule) for finding in findings} == outcome
    assert any(finding.bloquant for finding in findings) == any(CATALOGUE[code].bloquant for code, _ in outcome)

    schemas, tables = contract().schemas, contract().tables
    raw = parse_bytes(path.read_bytes(), path.name)
    reading = read_form(raw, schemas, references(tables, schemas), contract().settings.identifiant)
    touched = {cell for mutation in done for cell in mutation.touched}
    columns = {(sheet, column) for sheet, row, column in touched if row == HEADER}
    hidden = any(cell[0].startswith("_") for cell in touched) and not reading.tables
    read: dict[tuple[str, int, str], Any] = {}
    for resource, table in reading.tables.items():
        for name, values in table.columns.items():
            read |= {(resource, line, name): value for line, value in zip(table.lines, values, strict=True)}
    for key, (cell, value) in expected.items():
        if cell not in touched and (cell[0], cell[2]) not in columns and not hidden:
            assert read[key] == value, (key, cell)
