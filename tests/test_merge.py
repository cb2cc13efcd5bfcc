"""The three-way merge, cell by cell: the form as sent, the partner's return, the master as it is now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from support.contracts import SETTINGS, book_of, followed, line, schemas, small_rows, tables_of
from tabellion.campaign.merge import merge
from tabellion.campaign.merged import InForce, Merged
from tabellion.campaign.model import MergeOutcome, Modification, ReturnedRow
from tabellion.campaign.parsed_return import ParsedReturn, RemovedRow
from tabellion.campaign.places import MergedPlaces
from tabellion.contract.book import SheetArea
from tabellion.findings import Place
from tabellion.layout.forms import FormIdentity
from tabellion.schema.tables import Tables

LINES, FOLLOWED, FUNDED = "lignes_budgetaires", "suivis", "financements"
KEY = ("B01-luce-001", 2013)
CELL = (LINES, KEY, "montant_realise")
COLUMNS = {"libelle": 3, "montant_prevu": 6, "montant_vote": 7, "montant_realise": 8, "commentaire": 9, "montant": 6}
#: What a partner types on a line of its form.
TYPED_FIELDS = ("montant_prevu", "montant_vote", "montant_realise", "commentaire")
Rows = dict[str, list[dict[str, Any]]]


def contract(**more: list[dict[str, Any]]) -> Rows:
    """The rows of the small contract; ``more`` replaces some tables."""
    return {name: [dict(row) for row in table.rows] for name, table in tables_of({**small_rows(), **more}).items()}


def places(rows: Rows) -> dict[str, list[Place]]:
    """Where each row stands in the master."""
    return {
        table: [Place("contrat.xlsx", table, f"A{at}") for at in range(len(rows_of_table))]
        for table, rows_of_table in rows.items()
    }


def row(
    table: str, key: tuple[Any, ...], sent: Mapping[str, Any], typed: Mapping[str, Any], *, at: int = 6
) -> ReturnedRow:
    """A row of the form as sent with the values ``sent``, and what the partner typed over them."""
    schema = schemas()[table]
    values = {**dict.fromkeys(schema.names), **sent, **typed, **dict(zip(schema.primary_key, key, strict=True))}
    before = {name: sent.get(name) for name, value in typed.items() if value != sent.get(name)}
    return ReturnedRow(table, key, values, before, False, table, at, COLUMNS)


def new_row(table: str, key: tuple[Any, ...], typed: Mapping[str, Any], *, at: int = 60) -> ReturnedRow:
    """A row that the partner added in a spare row."""
    schema = schemas()[table]
    values = {**dict.fromkeys(schema.names), **typed, **dict(zip(schema.primary_key, key, strict=True))}
    before = {name: None for name, value in typed.items() if value is not None}
    return ReturnedRow(table, key, values, before, True, table, at, COLUMNS)


def _places(result: Merged) -> dict[tuple[str, int, str], Place]:
    """The places of all values applied, by table, position and field."""
    rows = ((table, at, places) for table, of_table in result.cells.items() for at, places in enumerate(of_table))
    return {(table, at, name): place for table, at, places in rows for name, place in places.items()}


def returned(
    partner: str,
    *rows: ReturnedRow,
    year: int = 2016,
    removed: Iterable[RemovedRow] = (),
    adopted: Mapping[Any, Any] | None = None,
) -> InForce:
    """One partner's return, saved on 20 November of its exercice."""
    identity = FormIdentity(SETTINGS.identifiant, partner, year, f"{partner}-{year}")
    saved = datetime(year, 11, 20)
    reading = ParsedReturn(f"{partner}{year}", identity, saved, "Marie", (), tuple(rows), tuple(removed))
    return InForce(f"retours/{partner}-{year}.xlsx", reading, adopted or {})


def merged(rows: Rows, *returns: InForce) -> Merged:
    """The merge, which changes nothing of what it is given."""
    tables, row_places = tables_of(rows), places(rows)
    before = deepcopy((tables, row_places))
    result = merge(tables, row_places, returns, schemas())
    assert (tables, row_places) == before
    return result


def at(tables: Tables, cell: tuple[str, tuple[Any, ...], str]) -> Any:
    """The value of a cell; fails where its row is not there once."""
    table, key, name = cell
    (value,) = [row[name] for row in tables[table].rows if keyed(table, row) == key]
    return value


def keyed(table: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(values[name] for name in schemas()[table].primary_key)


def with_amount(amount: int | None) -> Rows:
    """The contract whose staff wrote ``amount`` in the cell of the tests."""
    rows = contract()
    rows[LINES][0]["montant_realise"] = amount
    return rows


def says(partner: str, amount: int | None, *, sent: int | None = 1, year: int = 2016, **more: Any) -> InForce:
    """A return that was sent ``sent`` in the cell of the tests, and answers ``amount``."""
    return returned(partner, row(LINES, KEY, {"montant_realise": sent}, {"montant_realise": amount}), year=year, **more)


@pytest.mark.parametrize(
    ("sent", "partner", "master", "outcome", "after"),
    [
        pytest.param(1, 1, 1, None, 1, id="nobody changed it"),
        pytest.param(1, 1, 3, None, 3, id="only staff changed it"),
        pytest.param(1, 1, None, None, None, id="only staff blanked it"),
        pytest.param(1, 2, 1, MergeOutcome.APPLIED, 2, id="only the partner changed it"),
        pytest.param(1, None, 1, MergeOutcome.APPLIED, None, id="only the partner blanked it"),
        pytest.param(None, 2, None, MergeOutcome.APPLIED, 2, id="the partner filled it"),
        pytest.param(None, 0, None, MergeOutcome.APPLIED, 0, id="the partner typed a zero"),
        pytest.param(1, 2, 2, MergeOutcome.PRESENT, 2, id="both the same"),
        pytest.param(1, None, None, MergeOutcome.PRESENT, None, id="both blanked it"),
        pytest.param(1, 2, 3, MergeOutcome.CONFLICT, 3, id="both, differently"),
        pytest.param(1, None, 3, MergeOutcome.CONFLICT, 3, id="the partner blanked what staff changed"),
        pytest.param(1, 2, None, MergeOutcome.CONFLICT, None, id="staff blanked what the partner changed"),
        pytest.param(None, 2, 3, MergeOutcome.CONFLICT, 3, id="both filled it"),
        pytest.param(None, 2, 0, MergeOutcome.CONFLICT, 0, id="zero is an answer"),
    ],
)
def test_a_cell(
    sent: int | None, partner: int | None, master: int | None, outcome: MergeOutcome | None, after: int | None
) -> None:
    result = merged(with_amount(master), says("luce", partner, sent=sent))
    assert at(result.tables, CELL) == after
    assert [change.outcome for change in result.modifications] == ([] if outcome is None else [outcome])
    if outcome is not None:
        (change,) = result.modifications
        assert (change.table, change.key, change.champ) == CELL
        assert (change.before, change.after, change.partenaire, change.exercice) == (sent, partner, "luce", 2016)
        assert change.place == Place("retours/luce-2016.xlsx", LINES, "H6")
        assert (change.saved, change.author) == (datetime(2016, 11, 20), "Marie")
    is_applied = outcome is MergeOutcome.APPLIED
    assert _places(result) == ({(LINES, 0, "montant_realise"): change.place} if is_applied else {})
    if outcome is MergeOutcome.CONFLICT:
        (conflict,) = result.conflicts
        assert (conflict.sent, conflict.kept, conflict.place) == (sent, master, Place("contrat.xlsx", LINES, "A0"))
        assert [(claim.partenaire, claim.after) for claim in conflict.claims] == [("luce", partner)]
    else:
        assert result.conflicts == []


def test_two_partners_who_say_the_same_are_heard() -> None:
    result = merged(with_amount(1), says("luce", 2), says("etat", 2))
    assert at(result.tables, CELL) == 2
    assert [(change.partenaire, change.outcome) for change in result.modifications] == [
        ("etat", MergeOutcome.APPLIED),
        ("luce", MergeOutcome.APPLIED),
    ]
    assert not result.conflicts


@pytest.mark.parametrize("master", [1, 2, 3, 4])
def test_between_two_partners_who_disagree_the_master_stays(master: int) -> None:
    result = merged(with_amount(master), says("luce", 2), says("etat", 3))
    assert at(result.tables, CELL) == master
    (conflict,) = result.conflicts
    assert [(claim.partenaire, claim.after) for claim in conflict.claims] == [("etat", 3), ("luce", 2)]
    assert {change.outcome for change in result.modifications} == {MergeOutcome.CONFLICT}


def test_cells_are_told_in_the_order_in_which_a_return_first_speaks_of_them() -> None:
    """That another partner speaks of one cell of a row brings no other cell of it forward, nor a new row."""
    later, added, other = ("B02-luce-001", 2013), ("B01-luce-001", 2016), ("B02-luce-001", 2016)
    result = merged(
        contract(),
        returned("etat", row(LINES, later, {}, {"montant_prevu": 5})),
        returned("luce", *(row(LINES, key, {}, {"montant_prevu": 5, "montant_vote": 6}) for key in (KEY, later))),
        returned("etat", row(LINES, other, {}, {"montant_prevu": 7}), year=2017),
        returned("luce", *(row(LINES, key, {}, {"montant_prevu": 8}) for key in (added, other)), year=2017),
    )
    assert [(change.key, change.champ) for change in result.modifications if change.partenaire == "luce"] == [
        (later, "montant_prevu"), (KEY, "montant_prevu"), (KEY, "montant_vote"), (later, "montant_vote"),
        (other, "montant_prevu"), (added, "montant_prevu"),
    ]  # fmt: skip


def test_a_table_whose_rows_stay_as_they_are_is_the_master_s_own() -> None:
    tables, row_places = tables_of(with_amount(2)), places(contract())
    result = merge(tables, row_places, [says("luce", 2), says("etat", 3)], schemas())
    assert result.modifications
    assert (result.tables[LINES] is tables[LINES], result.cells) == (True, {})
    assert merge(tables, row_places, [says("luce", 2)], schemas()).cells == {}


def test_a_partner_who_changed_nothing_does_not_stand_in_the_way() -> None:
    result = merged(with_amount(1), says("luce", 2), says("etat", 1))
    assert at(result.tables, CELL) == 2
    assert [change.partenaire for change in result.modifications] == ["luce"]


def test_a_partner_s_later_exercice_outdoes_its_earlier_one() -> None:
    result = merged(with_amount(1), says("luce", 2, year=2016), says("luce", 3, year=2017))
    assert at(result.tables, CELL) == 3
    assert [(change.exercice, change.outcome) for change in result.modifications] == [
        (2016, MergeOutcome.OUTDONE),
        (2017, MergeOutcome.APPLIED),
    ]
    assert not result.conflicts


def test_partners_disagree_whatever_the_exercice_of_each() -> None:
    result = merged(with_amount(1), says("luce", 2, year=2016), says("etat", 3, year=2017))
    assert at(result.tables, CELL) == 1
    assert [(claim.partenaire, claim.exercice) for claim in result.conflicts[0].claims] == [
        ("luce", 2016),
        ("etat", 2017),
    ]


# Rows of their own

ADDED = ("P2016-luce-cantine", 2016)
TYPED_LINE = {
    "convention_id": 1, "collectivite_id": "luce", "libelle": "Goûters", "montant_prevu": 12_50, "commentaire": "Neuf"
}  # fmt: skip


def test_a_row_that_the_master_lacks_is_added() -> None:
    rows = contract()
    result = merged(rows, returned("luce", new_row(LINES, ADDED, TYPED_LINE)))
    assert len(result.tables[LINES].rows) == len(rows[LINES]) + 1
    for name, value in TYPED_LINE.items():
        assert at(result.tables, (LINES, ADDED, name)) == value
    assert at(result.tables, (LINES, ADDED, "montant_realise")) is None
    assert all(change.is_new_row and change.outcome is MergeOutcome.APPLIED for change in result.modifications)
    position = next(at for at, row in enumerate(result.tables[LINES].rows) if keyed(LINES, row) == ADDED)
    assert result.row_places[LINES][position].fichier == "retours/luce-2016.xlsx"
    assert result.cells[LINES][position]["montant_prevu"] == Place("retours/luce-2016.xlsx", LINES, "F60")


def test_a_new_row_comes_after_its_kin_and_every_place_follows() -> None:
    rows = contract()
    changed = row(LINES, ("B03-metropole-001", 2013), {"montant_realise": 0}, {"montant_realise": 5})
    result = merged(rows, returned("luce", new_row(LINES, ADDED, TYPED_LINE), changed))
    ids = [row["ligne_id"] for row in result.tables[LINES].rows]
    assert ids == [
        "B01-luce-001", "B01-luce-002", "P2016-luce-cantine", "B01-metropole-001", "B02-luce-001", "B02-luce-002",
        "B03-metropole-001",
    ]  # fmt: skip
    last = ids.index("B03-metropole-001")
    assert result.row_places[LINES][last] == Place("contrat.xlsx", LINES, "A5")
    assert result.cells[LINES][last]["montant_realise"].cellule == "H6"
    assert {at for _, at, _ in _places(result)} == {ids.index("P2016-luce-cantine"), last}


def test_a_line_of_a_new_exercice_follows_that_of_the_last() -> None:
    answer = row(LINES, ("B01-luce-001", 2016), {"convention_id": 1, "collectivite_id": "luce", "libelle": "Cantine"},
                 {"montant_vote": 900_00})  # fmt: skip
    result = merged(contract(), returned("luce", answer))
    before, made = result.tables[LINES].rows[:2]
    assert [keyed(LINES, before), keyed(LINES, made)] == [("B01-luce-001", 2013), ("B01-luce-001", 2016)]
    assert made["libelle"] == "Cantine"
    assert made["montant_vote"] == 900_00
    assert made["montant_realise"] is None
    assert before == contract()[LINES][0]


def test_a_line_of_a_new_exercice_with_nothing_typed_makes_no_row() -> None:
    answer = row(LINES, ("B01-luce-001", 2016), {"convention_id": 1, "libelle": "Cantine"}, {})
    result = merged(contract(), returned("luce", answer))
    assert result.tables[LINES].rows == contract()[LINES]
    assert not result.modifications


def test_a_new_row_that_the_master_has_already_is_compared_cell_by_cell() -> None:
    rows = contract()
    here = line(ADDED[0], 1, "luce", "Goûters", None, exercice=2016, montant_prevu=12_50, commentaire="Autre")
    rows = contract(lignes_budgetaires=[*small_rows()[LINES], here])
    result = merged(rows, returned("luce", new_row(LINES, ADDED, {**TYPED_LINE, "montant_vote": 7})))
    fates = {change.champ: change.outcome for change in result.modifications}
    assert fates["montant_prevu"] is MergeOutcome.PRESENT
    assert fates["commentaire"] is MergeOutcome.CONFLICT
    assert fates["montant_vote"] is MergeOutcome.APPLIED
    assert at(result.tables, (LINES, ADDED, "commentaire")) == "Autre"
    assert at(result.tables, (LINES, ADDED, "montant_vote")) == 7
    assert len(result.tables[LINES].rows) == len(rows[LINES])


def test_two_partners_who_add_one_row_differently_are_in_conflict_over_what_differs() -> None:
    key = ("I-2./1:etat",)
    same = {"fiche_id": "I-2./1", "financeur_id": "etat", "statut_montant": "chiffré"}
    result = merged(
        contract(),
        returned("etat", new_row(FUNDED, key, {**same, "montant": 100})),
        returned("luce", new_row(FUNDED, key, {**same, "montant": 200})),
    )
    assert at(result.tables, (FUNDED, key, "financeur_id")) == "etat"
    assert at(result.tables, (FUNDED, key, "montant")) is None, "nobody decided"
    (conflict,) = result.conflicts
    assert (conflict.champ, conflict.kept, conflict.place) == ("montant", None, None)
    assert [(claim.partenaire, claim.after) for claim in conflict.claims] == [("etat", 100), ("luce", 200)]


# Rows that went


def test_what_a_partner_says_of_a_line_that_staff_removed_is_a_conflict() -> None:
    rows = contract(lignes_budgetaires=small_rows()[LINES][1:])
    result = merged(rows, returned("luce", row(LINES, ("B01-luce-001", 2016), {}, {"montant_vote": 5})))
    assert result.tables[LINES].rows == rows[LINES]
    assert [(change.outcome, change.after) for change in result.modifications] == [(MergeOutcome.CONFLICT, 5)]
    assert result.conflicts[0].place is None


def test_a_line_of_this_exercice_that_staff_removed_does_not_come_back_in_part() -> None:
    sent = {"convention_id": 1, "collectivite_id": "luce", "libelle": "Cantine", "montant_prevu": 7_00}
    answer = row(LINES, ("B01-luce-001", 2016), sent, {"montant_realise": 5_00})
    result = merged(contract(), returned("luce", answer))  # the form had its line of 2016, the master has no more
    assert result.tables[LINES].rows == contract()[LINES]
    assert [change.outcome for change in result.modifications] == [MergeOutcome.CONFLICT]


def test_a_follow_up_that_staff_removed_does_not_come_back_in_part() -> None:
    key = ("I-1.1./1", "bailleur", 2016)
    answer = row(FOLLOWED, key, {"avancement": "en cours"}, {"pourcentage": 50})
    result = merged(contract(), returned("bailleur", answer))
    assert result.tables[FOLLOWED].rows == []
    assert [change.outcome for change in result.modifications] == [MergeOutcome.CONFLICT]


def test_the_first_follow_up_of_a_fiche_makes_its_row() -> None:
    key = ("I-1.1./1", "bailleur", 2016)
    result = merged(contract(), returned("bailleur", row(FOLLOWED, key, {}, {"avancement": "terminée"})))
    assert [keyed(FOLLOWED, row) for row in result.tables[FOLLOWED].rows] == [key]
    assert result.tables[FOLLOWED].rows[0]["avancement"] == "terminée"


def test_a_row_removed_is_proposed_and_stays() -> None:
    removed_row = RemovedRow(LINES, "B01-luce-001", "Cantine", "Budget", "A5")
    result = merged(contract(), returned("luce", removed=[removed_row]))
    assert result.tables[LINES].rows == contract()[LINES]
    (removal,) = result.removals
    assert (removal.table, removal.key, removal.libelle) == (LINES, ("B01-luce-001", 2016), "Cantine")
    assert (removal.partenaire, removal.place) == ("luce", Place("retours/luce-2016.xlsx", "Budget", "A5"))
    assert not result.modifications


@pytest.mark.parametrize(
    ("table", "row_id", "key"), [(FOLLOWED, "I-1.1./1", ("I-1.1./1", "luce", 2016)), (FUNDED, "x:etat", ("x:etat",))]
)
def test_a_row_removed_has_its_whole_key_and_one_that_is_not_there_is_no_removal(
    table: str, row_id: str, key: tuple[Any, ...]
) -> None:
    removed = returned("luce", removed=[RemovedRow(table, row_id, "x", None, None)])
    schema = schemas()[table]
    there = dict.fromkeys(schema.names) | dict(zip(schema.primary_key, key, strict=True))
    assert [removal.key for removal in merged(contract() | {table: [there]}, removed).removals] == [key]
    assert merged(contract(), removed).removals == []


# After an adoption


def test_the_return_that_was_adopted_changes_nothing_more() -> None:
    result = merged(with_amount(2), says("luce", 2, adopted={CELL: 2}))
    assert (result.modifications, result.conflicts) == ([], [])


def test_staff_s_edit_after_the_adoption_stays_and_is_no_conflict() -> None:
    result = merged(with_amount(9), says("luce", 2, adopted={CELL: 2}))
    assert at(result.tables, CELL) == 9
    assert (result.modifications, result.conflicts) == ([], [])


def test_a_correction_of_what_was_adopted_is_applied() -> None:
    result = merged(with_amount(2), says("luce", 5, adopted={CELL: 2}))
    assert at(result.tables, CELL) == 5
    assert [(change.before, change.after, change.outcome) for change in result.modifications] == [
        (2, 5, MergeOutcome.APPLIED)
    ]


def test_a_return_to_the_value_as_sent_is_a_correction_too() -> None:
    result = merged(with_amount(2), says("luce", 1, adopted={CELL: 2}))
    assert at(result.tables, CELL) == 1
    assert [(change.before, change.after, change.outcome) for change in result.modifications] == [
        (2, 1, MergeOutcome.APPLIED)
    ]


def test_a_correction_of_what_staff_changed_since_the_adoption_is_a_conflict() -> None:
    result = merged(with_amount(9), says("luce", 5, adopted={CELL: 2}))
    assert at(result.tables, CELL) == 9
    assert (result.conflicts[0].sent, result.conflicts[0].kept) == (2, 9)


def test_a_row_of_its_own_that_was_adopted_and_removed_by_staff_stays_away() -> None:
    adopted = {(LINES, ADDED, name): value for name, value in TYPED_LINE.items()}
    adopted |= {(LINES, ADDED, "ligne_id"): ADDED[0], (LINES, ADDED, "exercice"): 2016}
    rows = contract()
    result = merged(rows, returned("luce", new_row(LINES, ADDED, TYPED_LINE), adopted=adopted))
    assert (result.tables[LINES].rows, result.modifications) == (rows[LINES], [])
    corrected = new_row(LINES, ADDED, {**TYPED_LINE, "montant_realise": 3})
    result = merged(rows, returned("luce", corrected, adopted=adopted))
    assert result.tables[LINES].rows == rows[LINES]
    assert [change.outcome for change in result.modifications] == [MergeOutcome.CONFLICT]


# Properties

_SOME = settings(max_examples=60)
_AMOUNT = st.one_of(st.none(), st.integers(0, 4))
_KEYS = [("B01-luce-001", 2013), ("B01-luce-002", 2013), ("B01-luce-001", 2016), ("B02-luce-001", 2016)]
_NEW_KEYS = [("N1", 2016), ("N2", 2016), ("B01-luce-001", 2013)]
_NAMES = ("montant_prevu", "montant_vote", "montant_realise")


@st.composite
def campaigns(draw: DrawFn) -> tuple[Rows, list[InForce]]:
    """A contract that staff edited since the forms were sent, and the returns of some partners and exercices."""
    sent = {key: {name: draw(_AMOUNT) for name in _NAMES} for key in _KEYS}
    rows = contract()
    lines = [row for row in rows[LINES] if draw(st.booleans()) or row["ligne_id"] == "B02-luce-002"]
    for key, values in sent.items():
        known_line = next((board_line for board_line in lines if keyed(LINES, board_line) == key), None)
        if known_line is None and key[1] == 2016 and draw(st.booleans()):
            known_line = {**dict.fromkeys(schemas()[LINES].names), **line(key[0], 1, "luce", "x", None, exercice=2016)}
            lines.append(known_line)
        if known_line is not None:
            known_line |= {name: draw(st.one_of(st.just(value), _AMOUNT)) for name, value in values.items()}
    rows[LINES] = lines
    returns = []
    for partner, year in draw(st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from([2016, 2017])))):
        known = {"convention_id": 1, "collectivite_id": "luce", "libelle": "x"}
        answers = [
            row(LINES, key, {**known, **sent[key]}, draw(st.dictionaries(st.sampled_from(_NAMES), _AMOUNT)))
            for key in draw(st.sets(st.sampled_from(_KEYS)))
        ]
        taken = {answer.key for answer in answers}
        answers += [
            new_row(LINES, key, {**known, **{name: draw(_AMOUNT) for name in _NAMES}})
            for key in draw(st.sets(st.sampled_from(_NEW_KEYS))) if key not in taken
        ]  # fmt: skip
        cells = [(LINES, answer.key, name) for answer in answers for name in _NAMES]
        adopted = {cell: draw(_AMOUNT) for cell in cells if draw(st.integers(0, 5)) == 0}
        returns.append(returned(partner, *answers, year=year, adopted=adopted))
    return rows, returns


def amounts(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], Any]:
    return {(keyed(LINES, record), name): record[name] for record in rows for name in _NAMES}


@_SOME
@given(campaigns())
def test_no_value_changes_unless_a_modification_that_was_applied_names_it(case: tuple[Rows, list[InForce]]) -> None:
    rows, returns = case
    result = merged(rows, *returns)
    applied = {
        (change.key, change.champ): change.after
        for change in result.modifications
        if change.outcome is MergeOutcome.APPLIED
    }
    old, new = amounts(rows[LINES]), amounts(result.tables[LINES].rows)
    assert set(old) <= set(new), "no row is lost"
    assert new == {cell: applied.get(cell, old.get(cell)) for cell in new}
    assert set(applied) <= {(keyed(LINES, row), name) for row in result.tables[LINES].rows for name in row}


@_SOME
@given(campaigns(), st.randoms())
def test_the_order_of_the_returns_does_not_matter(case: tuple[Rows, list[InForce]], random: Any) -> None:
    rows, returns = case
    shuffled = list(returns)
    random.shuffle(shuffled)
    assert merged(rows, *shuffled) == merged(rows, *returns)


@_SOME
@given(campaigns())
def test_merging_into_what_was_merged_changes_nothing(case: tuple[Rows, list[InForce]]) -> None:
    rows, returns = case
    once = merged(rows, *returns)
    twice = merged({name: list(table.rows) for name, table in once.tables.items()}, *returns)
    assert twice.tables == once.tables
    assert not [change for change in twice.modifications if change.outcome is MergeOutcome.APPLIED]
    assert [(conflict.key, conflict.champ, conflict.kept) for conflict in twice.conflicts] == [
        (conflict.key, conflict.champ, conflict.kept) for conflict in once.conflicts
    ]


@_SOME
@given(campaigns())
def test_every_change_is_listed_once_with_its_fate(case: tuple[Rows, list[InForce]]) -> None:
    rows, returns = case
    result = merged(rows, *returns)
    wanted: Counter[Any] = Counter()
    for declared in returns:
        for answer in declared.parsed.rows:
            names = [name for name in answer.values if answer.is_new or name in TYPED_FIELDS]
            for name in names:
                sent = None if answer.is_new else answer.before.get(name, answer.values[name])
                if declared.adopted.get((LINES, answer.key, name), sent) != answer.values[name]:
                    wanted[declared.partenaire, declared.exercice, answer.key, name] += 1
    assert (
        Counter((change.partenaire, change.exercice, change.key, change.champ) for change in result.modifications)
        == wanted
    )
    claims = Counter(
        (conflict.key, conflict.champ, claim.partenaire) for conflict in result.conflicts for claim in conflict.claims
    )
    in_conflict = [change for change in result.modifications if change.outcome is MergeOutcome.CONFLICT]
    assert claims == Counter((change.key, change.champ, change.partenaire) for change in in_conflict)


@_SOME
@given(campaigns())
def test_the_money_is_what_it_was_and_what_was_applied(case: tuple[Rows, list[InForce]]) -> None:
    rows, returns = case
    result = merged(rows, *returns)
    before = amounts(rows[LINES])
    applied: dict[Any, Modification] = {
        (change.key, change.champ): change
        for change in result.modifications
        if change.outcome is MergeOutcome.APPLIED and change.champ in _NAMES
    }
    difference = sum((change.after or 0) - (before.get(cell) or 0) for cell, change in applied.items())
    assert sum(amount or 0 for amount in amounts(result.tables[LINES].rows).values()) == difference + sum(
        amount or 0 for amount in before.values()
    )


@_SOME
@given(campaigns())
def test_every_row_and_every_cell_keeps_its_place(case: tuple[Rows, list[InForce]]) -> None:
    rows, returns = case
    result = merged(rows, *returns)
    stood = {keyed(LINES, row): place for row, place in zip(rows[LINES], places(rows)[LINES], strict=True)}
    for row, place in zip(result.tables[LINES].rows, result.row_places[LINES], strict=True):
        key = keyed(LINES, row)
        assert place == stood[key] if key in stood else (place.fichier or "").startswith("retours/")
    statements = {(change.key, change.champ, change.place): change.after for change in result.modifications}
    for (table, position, name), place in _places(result).items():
        values = result.tables[table].rows[position]
        assert statements[keyed(table, values), name, place] == values[name]
    applied = {(change.key, change.champ) for change in result.modifications if change.outcome is MergeOutcome.APPLIED}
    assert {(keyed(LINES, result.tables[table].rows[at]), name) for table, at, name in _places(result)} == applied


def test_follow_ups_of_one_fiche_stay_together() -> None:
    rows = contract(suivis=[followed("I-1.1./1", 2015), followed("I-2./1", 2015)])
    result = merged(rows, returned("bailleur", row(FOLLOWED, ("I-1.1./1", "bailleur", 2016), {}, {"pourcentage": 10})))
    assert [(row["fiche_id"], row["exercice"]) for row in result.tables[FOLLOWED].rows] == [
        ("I-1.1./1", 2015),
        ("I-1.1./1", 2016),
        ("I-2./1", 2015),
    ]


def test_what_a_form_only_shows_stands_where_the_contract_says_it() -> None:
    rows = contract()
    rows[LINES][0]["libelle"] = "(vide)"
    key = (KEY[0], 2016)
    known = {name: value for name, value in rows[LINES][0].items() if name not in (*TYPED_FIELDS, "exercice")}
    answer = row(LINES, key, known, {"montant_prevu": 500})
    master = book_of(tables_of(rows))
    columns = {name: place for place, name in enumerate(schemas()[LINES].names, 1)}
    area = SheetArea("B01", columns, 1, LINES, 1, 5, 60)
    lines = [(0, 6 + at) for at in range(len(rows[LINES]))]
    others = {name: [(-1, at + 2) for at in range(len(table_rows))] for name, table_rows in rows.items()}
    master = replace(master, rows=others | {LINES: lines}, areas=(area,), fichier="contrat.xlsx")
    result = merge(master.tables, master.row_places(), [returned("luce", answer)], schemas())
    position = next(at for at, row in enumerate(result.tables[LINES].rows) if keyed(LINES, row) == key)
    where = MergedPlaces(master, result)
    assert where(LINES, position, "libelle") == master.locate(LINES, 0, "libelle")
    assert where(LINES, position, "montant_prevu") == Place("retours/luce-2016.xlsx", LINES, "F6")
    assert where(LINES, position, "exercice").fichier == "retours/luce-2016.xlsx"
