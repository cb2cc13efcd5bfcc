"""What a form says of a cell before it is sent is what the reader says afterwards: every field, every spelling."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import openpyxl
from openpyxl.utils import get_column_letter

from support.contracts import fiche, line, small_rows
from support.forms import column_of
from support.masters import Package, contract_of
from support.office_files import Editor
from support.spellings import REFUSED, TAKEN
from tabellion.campaign.parsed_return import Examiner, ParsedReturn
from tabellion.campaign.read_returns import check_rows
from tabellion.contract.book import Book
from tabellion.layout.forms import SPARE_ROWS, FillState, Form
from tabellion.measures.forms import RowState, cell_rule
from tabellion.outputs.forms import make_forms
from tabellion.outputs.forms.guide import examples
from tabellion.outputs.forms.workbook import write_form
from tabellion.outputs.master.layout import FIRST_TABLE_ROW
from tabellion.reading.references import references
from tabellion.reading.workbook import parse_bytes
from tabellion.schema import Field
from tabellion.schema.forms import ColumnSpec, TableSpec
from tabellion.schema.typed import TYPED_RULES, kind_of

YEAR = 2016
TOP = FIRST_TABLE_ROW + 1
#: What the reader says of a value that it takes otherwise than typed.
NOTICED = {"valeur-comprise", "date-au-jour-pres", "valeur-inconnue", "valeur-rapprochee"}
#: Of a row, or of several: nothing that one cell alone shows.
OF_ROWS = {"cle-en-double", "ligne-deja-la", "ligne-en-double", "ligne-incomplete"}
#: Spellings that formulas take for wrong, and the reader understands: nobody types what makes them so.
STRICTER = {"\u200eN.A."}
#: The formulas' own doubt: a text that they leave to the reader, who refuses it.
DOUBTFUL = {"1.25e4", "1 23 456 78 9", "31 avril 2016", "lundi 31 décembre 2016", "31 décembre"}
#: What is typed for a row of another table, on rows of the partner's own.
KEYS: dict[str | None, tuple[object, ...]] = {
    "fiche_id": (
        "I-1.1./3", "I-1.1./3 – autre texte", "I-1.1./3 - autre", "I-1.1./3\u00a0: autre", " I-1.1./3 ", "i-1.1 / 3",
        "I-1.1/3 – autre", "I-1.1./999", "I-1.1./999 – autre", "fiche 3", "?",
    ),
    "convention_id": (
        "1", 1, "1 – Éducation", "1 – autre titre", "9 – Éducation", "Éducation", "1 – éducation", "1 - Éducation",
    ),
    "financeur_id": ("État", "etat", "Etat", "RÉGION", " État ", "Préfecture", "É\u200btat"),
}  # fmt: skip
Typed = tuple[object, bool]


@cache
def contract() -> Book:
    """A contract with a partner that fills every sheet: a town, a funder, that leads fiches and follows others."""
    rows = small_rows()
    names = [f"I-1.1./{rank}" for rank in range(1, 66)]
    rows["fiches"] = [fiche(name, "I-1.1", 1) for name in names]
    rows["partenaires"] = [
        {"partenaire_id": "tout", "nom": "Tout", "collectivite_id": "luce", "financeur_id": "etat"},
    ]  # fmt: skip
    rows["participations"] = [
        {"fiche_id": name, "partenaire_id": "tout", "role": "porteur" if rank < 2 else "opérationnel"}
        for rank, name in enumerate(names)
    ]
    rows["financements"] = [
        {"financement_id": f"{name}:etat", "fiche_id": name, "financeur_id": "etat", "dispositif": "PRE"}
        for name in names[:30]
    ]
    rows["lignes_budgetaires"] = [line(f"L{rank:03d}", 1, "luce", f"Ligne {rank}", 100_00 + rank) for rank in range(95)]
    rows["suivis"], rows["totaux_publies"] = [], []
    return contract_of(rows)


@cache
def form() -> Form:
    (made,) = make_forms(contract(), YEAR, ["tout"])
    return made


def spellings(kind: str) -> Iterator[Typed]:
    """Every spelling of a kind, and whether its cell shows a percentage."""
    yield from ((rule.example, rule.in_percents) for rule in TYPED_RULES if rule.kind == kind)
    yield from ((typed, row[2]) for row in TAKEN if row[0] == kind for typed in row[3])
    yield from ((typed, row[2]) for row in REFUSED if row[0] == kind for typed in row[4])


def bounds(field: Field) -> Iterator[object]:
    """The bounds of a field, and what is just beyond them; what people have typed in the place of a value."""
    step = 0.01 if field.kind == "money" else 1
    if field.kind in ("money", "percent", "integer"):
        yield from (-5, 40.5, 0.005, 1e15, 100 / 3, FORMULA, 12_345_678.9)
    if field.minimum is not None:
        yield from (field.minimum, field.minimum - step)
    if field.maximum is not None:
        yield from (field.maximum, field.maximum + step)
    for day, beyond in ((field.earliest, -1), (field.latest, 1)):
        if day is not None:
            yield from (day, day + timedelta(days=beyond))
    if field.max_length is not None:
        yield from ("x" * field.max_length, "x" * (field.max_length + 1))


def typed_values(table: TableSpec, column: ColumnSpec) -> list[Typed]:
    """What is typed in the cells of a column, one a row."""
    field = table.field(column, contract().schemas)
    assert field is not None
    shown = [(example.value, example.percent) for group in examples(form(), contract())
             if (table, column) in group.columns for example in (*group.accepted, *group.refused)]  # fmt: skip
    spelt = [typed for typed in spellings(kind_of(field)) if not (isinstance(typed[0], str) and "\x07" in typed[0])]
    first = [*shown, *((value, False) for value in bounds(field))]
    assert len(first) <= len(form().rows[table.name]) + SPARE_ROWS  # none of these may be left out
    values = [*first, *spelt]
    by_look = {(type(value).__name__, value, percent): (value, percent) for value, percent in values}
    return list(by_look.values())


@cache
def typed() -> dict[tuple[str, int, str], Typed]:
    """What is typed in each cell (by sheet, one-based row, column's name): rows as sent, then the partner's own."""
    cells = {}
    for table in form().tables:
        rows = len(form().rows[table.name]) + SPARE_ROWS
        for column in table.typed:
            for row, value in enumerate(typed_values(table, column)[:rows], TOP + 1):
                cells[table.sheet, row, column.name] = value
        for column in table.columns:
            if column.spare and column.field in KEYS:
                for row, key in enumerate(KEYS[column.field], TOP + 1 + len(form().rows[table.name])):
                    cells[table.sheet, row, column.name] = (key, False)
    return cells


def filled() -> bytes:
    """The form with all of it, and the validation of each cell on a sheet of the test's own."""
    book = openpyxl.load_workbook(io.BytesIO(write_form(contract(), form())))
    check = book.create_sheet(VALIDATIONS)
    tables = {table.sheet: table for table in form().tables}
    for line_, ((sheet, row, name), (value, percent)) in enumerate(typed().items(), 1):
        table = tables[sheet]
        cell = book[sheet].cell(row, column_of(table, name) + 1)
        cell.value = value
        if isinstance(value, str) and value != FORMULA:
            cell.data_type = "s"
        if percent:
            cell.number_format = "0%"
        rule = cell_rule(table, table.column(name), contract().schemas)
        formula = None if rule is None else rule.validation(f"{sheet}!{cell.coordinate}")
        check.cell(line_, 1).value = None if formula is None else f"={formula}"
        if row > TOP + len(form().rows[table.name]):
            for own, words in OWN.items():
                is_tested = (sheet, row, own) in typed()
                if not is_tested and any(column.name == own and column.spare for column in table.columns):
                    book[sheet].cell(row, column_of(table, own) + 1).value = words.format(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


FORMULA = "=100/3"
#: A sheet of the test's own, where the validations of what was typed are computed.
VALIDATIONS = "Essai"
#: What the partner's own rows say beside what is tested.
OWN = {
    "fiche_id": "I-1.1./3", "convention_id": "1 – Éducation", "libelle": "Une ligne de plus {}", "poste": "60 Achats",
    "compte": "70 Ventes et prestations", "financeur_id": "État",
}  # fmt: skip


def states(words: object, rule: RowState) -> dict[str, FillState]:
    """What the live column says of each cell of its row, by the column's name."""
    names = {rule.label(column): column.name for column, _ in rule.rules}
    states = {}
    for word in str(words or "").split(" ; "):
        match = re.fullmatch("(à corriger|à confirmer) : (.+)", word)
        if match is not None and match[2] in names:
            states[names[match[2]]] = FillState(match[1])
    return states


def verdicts(parsed: ParsedReturn) -> dict[tuple[str, str], FillState]:
    """The reader's verdict on each cell that it says something of, by sheet and address."""
    states: dict[tuple[str, str], FillState] = {}
    for finding in parsed.findings:
        state = FillState.TO_CORRECT if finding.bloquant else FillState.TO_CONFIRM
        if finding.code in OF_ROWS or not (finding.bloquant or finding.code in NOTICED):
            continue
        for place in (finding.place, *finding.liees):
            key = (place.feuille or "", place.cellule or "")
            states[key] = FillState.TO_CORRECT if FillState.TO_CORRECT in (state, states.get(key)) else state
    return states


def test_the_form_says_of_each_cell_what_the_reader_does(editor: Editor, tmp_path: Path) -> None:
    if editor.is_live:
        (tmp_path / "rempli.xlsx").write_bytes(filled())
        editor.open(tmp_path / "rempli.xlsx")
    editor.recalculate()
    saved = editor.save(tmp_path / "retour.xlsx").read_bytes()
    book = contract()
    parsed = Examiner(book.schemas, references(book.tables, book.schemas), book.settings)(
        parse_bytes(saved, "retour.xlsx")
    )
    assert isinstance(parsed, ParsedReturn)
    read = verdicts(parsed.with_findings(check_rows({0: parsed}, book).get(0, [])))
    shown = Package(saved).cells
    checked = shown[VALIDATIONS]
    allowed = {place: checked.get((row, 0), (None, None))[0] for row, place in enumerate(typed())}
    wrong: list[object] = []
    stopped: list[object] = []
    for table in form().tables:
        rule = RowState(table, book.schemas)
        cells = shown[table.sheet]
        rows = {row for sheet, row, _ in typed() if sheet == table.sheet}
        live = {row: states(cells[row - 1, 0][0], rule) for row in rows}
        for (sheet, row, name), (value, percent) in typed().items():
            if sheet != table.sheet:
                continue
            address = f"{get_column_letter(column_of(table, name) + 1)}{row}"
            form_s, reader_s = live[row].get(name), read.get((sheet, address))
            if not agree(form_s, reader_s, value):
                wrong.append((sheet, address, value, percent, form_s, reader_s))
            if not is_let_through(allowed[sheet, row, name], reader_s, value, percent=percent):
                stopped.append((sheet, address, value, percent, reader_s))
    assert (wrong, stopped) == ([], [])


def is_let_through(allowed: float | str | None, reader_says: FillState | None, value: object, *, percent: bool) -> bool:
    """What the reader takes is not stopped; a number that it refuses is, where its format does not make it so."""
    if allowed is None:  # no validation of its own: a list, which only warns, or a length
        return True
    if reader_says is not FillState.TO_CORRECT:
        return allowed in TRUE or value in UNTYPED
    is_plain = isinstance(value, int | float) and not isinstance(value, bool) and not percent
    return allowed not in TRUE or not is_plain


#: A true value as files keep it.
TRUE = ("1", 1.0)
#: Texts that no French keyboard types.
UNTYPED = {"\u200eN.A."}


def agree(form_says: FillState | None, reader_says: FillState | None, value: object) -> bool:
    """A cell that the form calls right is taken as it is; one that it calls wrong is refused."""
    if form_says is reader_says:
        return True
    if reader_says is FillState.TO_CORRECT:  # the form leaves a doubt, never more
        return form_says is FillState.TO_CONFIRM and (isinstance(value, date) or value in DOUBTFUL)
    if form_says is FillState.TO_CORRECT:
        return value in STRICTER
    return False
