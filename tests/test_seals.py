"""Who answers: the seal of a form, the rows that it was sent with, and what is said of each that was changed."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.forms import ACTIONS_TABLE, FINANCEMENTS_TABLE, form_contract
from support.returned import PARTNER, at
from support.returned import returned as answer
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.contract.workspace import find_workspace
from tabellion.layout.forms import BASELINE, KEY_FILE, FormIdentity, SealKey, SealState, read_key
from tabellion.layout.names import IDENTITY
from tabellion.schema.forms import TableSpec

NOW = datetime(2016, 12, 1, 2, 0)
KEY = SealKey(bytes(range(32)))
WHO = FormIdentity("essai-2015-2020", "luce", 2016, "f1")
ROWS = [("F_Budget", "A"), ("F_Budget", "C")]


def test_a_seal_tells_what_was_changed_and_whom_the_form_was_sent_to() -> None:
    seal = KEY.of(WHO, ROWS)
    assert seal == SealKey(bytes(range(32))).of(WHO, reversed(ROWS)), "the same key and form give the same bytes"
    other = FormIdentity("essai-2015-2020", "chartres", 2016, "f1")
    assert KEY.check(seal, WHO, ROWS) is SealState.SOUND
    assert KEY.check(seal, WHO, None) is SealState.SOUND
    assert KEY.check(seal, other, ROWS) is SealState.OTHER_PARTNER
    assert KEY.check(seal, FormIdentity("essai-2015-2020", "luce", 2017, "f1"), ROWS) is SealState.OTHER_PARTNER
    assert KEY.check(seal, FormIdentity("essai-2015-2020", "luce", 2016, "f2"), ROWS) is SealState.OTHER_FORM
    assert KEY.check(seal, WHO, [*ROWS, ("F_Budget", "Z")]) is SealState.OTHER_ROWS
    assert KEY.check(seal, WHO, ROWS[:1]) is SealState.OTHER_ROWS
    assert KEY.check("", WHO, ROWS) is SealState.ABSENT
    assert SealKey(b"x" * 32).check(seal, WHO, ROWS) is SealState.OTHER_KEY
    assert KEY.true_identity(seal, other, ["chartres", "luce"]) == WHO
    assert KEY.true_identity(seal, other, ["chartres"]) is None
    for wrong in ("x", "-", "é-é-é-é", seal[:20], "\ud800"):
        assert KEY.check(wrong, WHO, ROWS) is not SealState.SOUND
    assert "\\x01" not in repr(KEY)


def hidden(sheet: str, **values: object) -> Callable[[Any], None]:
    """Change values of the identity by their key, as somebody with a macro would."""

    def change(book: Any) -> None:
        for row in book[sheet].iter_rows(max_col=2):
            if row[0].value in values:
                row[1].value = values[row[0].value]

    return change


def other_line(book: Any, *, also_hidden: bool = False) -> None:
    """The line C becomes another town's, in the table and, maybe, among the values as sent."""
    sheet = book["Budget"]
    for row in sheet.iter_rows(min_row=6):
        for cell in row:
            if cell.value == "C":
                cell.value = "Z"
    if also_hidden:
        for row in book[BASELINE].iter_rows():
            if row[1].value == "C":
                row[1].value = "Z"


CASES: dict[str, tuple[Callable[[Any], None], str | None, bool]] = {
    "untouched": (lambda _: None, None, False),
    "partner": (hidden(IDENTITY, partenaire="vide"), "identite-modifiee", True),
    "exercice": (hidden(IDENTITY, exercice=2017), "identite-modifiee", True),
    "partner and exercice": (hidden(IDENTITY, partenaire="vide", exercice=2017), "identite-modifiee", True),
    "form": (hidden(IDENTITY, formulaire="0123456789ab"), "formulaire-jamais-envoye", False),
    "no seal": (hidden(IDENTITY, sceau=None), "sceau-absent", False),
    "a seal of another key": (hidden(IDENTITY, sceau="00000000-1-2-3"), "sceau-sans-cle", False),
    "a spoilt seal": (hidden(IDENTITY, sceau="sceau"), "sceau-sans-cle", False),
    "hidden rows": (lambda book: other_line(book, also_hidden=True), "lignes-d-un-autre-formulaire", True),
    "rows of another": (other_line, "ligne-d-un-autre", True),
    "rows of another, no values as sent": (
        lambda book: (other_line(book), book.remove(book[BASELINE])), "ligne-d-un-autre", True,
    ),
}  # fmt: skip


def returned(root: Path, change: Callable[[Any], None]) -> ConsolidationRun:
    """Lucé's form with an amount and a change that a person does not see, put into ``retours/``."""
    book = openpyxl.load_workbook(root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx")
    for row in book["Budget"].iter_rows(min_row=6, max_row=12):
        if any(cell.value == "C" for cell in row):
            book["Budget"].cell(row[0].row, 6).value = 1234
    change(book)
    book.save(root / "workbooks" / "retours" / "retour.xlsx")
    return consolidate(find_workspace(root), NOW)


def test_what_was_changed_unseen_is_said_and_never_counts_as_another_s(sent_copy: Path) -> None:
    workbooks = sent_copy / "workbooks"
    (workbooks / "contrat.xlsx").unlink()  # the register is then the contract: it gets a line of another town
    lines = workbooks / "registre" / "lignes_budgetaires.csv"
    with lines.open(encoding="utf-8", newline="") as stream:
        (row,) = [row for row in csv.DictReader(stream) if (row["ligne_id"], row["exercice"]) == ("C", "2016")]
    with lines.open("a", encoding="utf-8", newline="") as stream:
        csv.DictWriter(stream, list(row)).writerow(row | {"ligne_id": "Z", "collectivite_id": "vide"})
    (sent_copy / "workbooks" / "retours").mkdir(exist_ok=True)
    seals = {code for _, code, _ in CASES.values() if code}
    for name, (change, code, blocks) in CASES.items():
        done = returned(sent_copy, change)
        codes = {finding.code for finding in done.findings if finding.place.fichier == "retours/retour.xlsx"}
        assert codes & seals == ({code} if code else set()), name
        board = done.consolidation.board
        accepted = {line.partenaire for line in board if line.in_force and not line.in_force.is_kept_copy}
        assert accepted == (set() if blocks else {"luce"}), name
        received = {line.partenaire for line in board if line.received}
        assert received == {"luce"}, name


@pytest.mark.parametrize("content", [None, b"", b"zz", b"00"])
def test_a_lost_key_refuses_nothing(sent_copy: Path, content: bytes | None) -> None:
    key = sent_copy / "workbooks" / "envois" / KEY_FILE
    assert read_key(key.parent) is not None
    key.unlink()
    if content is not None:
        key.write_bytes(content)
    (sent_copy / "workbooks" / "retours").mkdir(exist_ok=True)
    done = returned(sent_copy, lambda _: None)
    assert "sceau-sans-cle" in {finding.code for finding in done.findings}
    assert not [finding for finding in done.findings if finding.bloquant]


@pytest.mark.parametrize("table", [ACTIONS_TABLE, FINANCEMENTS_TABLE])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_fiche_or_a_financement_of_another_blocks(table: TableSpec, *, is_known: bool) -> None:
    """Also where the values as sent are lost, which would tell that the form was not sent with it."""
    contract = form_contract("Chartres").tables
    fiches = {row["fiche_id"] for row in contract["participations"].rows if row["partenaire_id"] == PARTNER}
    others = [row for row in contract["participations"].rows if row["fiche_id"] not in fiches]
    funded = next(row["financement_id"] for row in contract["financements"].rows if row["fiche_id"] not in fiches)
    key = others[0]["fiche_id"] if table is ACTIONS_TABLE else funded
    where = at(table, table.key.name, 6)

    def change(book: Any) -> None:
        book[table.sheet][where] = key
        if not is_known:
            del book[BASELINE]

    parsed = answer(change)
    findings = [finding for finding in parsed.findings if finding.code == "ligne-d-un-autre"]
    assert [(finding.place.feuille, finding.place.cellule, finding.valeur) for finding in findings] == [
        (table.sheet, where, key)
    ]
    assert not parsed.is_accepted


def test_the_rows_of_the_form_are_nobody_else_s_without_the_values_as_sent() -> None:
    def change(book: Any) -> None:
        del book[BASELINE]

    assert "ligne-d-un-autre" not in {finding.code for finding in answer(change).findings}
