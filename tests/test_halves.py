"""Two files of one partner that each say a part: joined where one is blank, asked where both say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabellion.campaign.halves import JOIN, JOIN_OLDER, KEEP, Candidate
from tabellion.campaign.model import ReturnedRow, Verdict
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.campaign.versions import PartnerRule, VersionChoice, choose
from tabellion.findings import Place, finding
from tabellion.layout.forms import FormIdentity

NOW = datetime(2016, 12, 1, 2, 0)
WHO = FormIdentity("essai-2015-2020", "luce", 2016, "f1")
EMPTY = finding("formulaire-vide", Place(None, "Budget", "A1"))
#: By line and column, what was typed: ``{"A": {"prevu": 1}}``.
Typed = Mapping[str, Mapping[str, Any]]


def row(line: str, typed: Mapping[str, Any], *, is_new: bool = False) -> ReturnedRow:
    """A budget line as one file has it: columns that were not typed are blank, as sent."""
    shown = {} if is_new else {"prevu": None, "vote": None, "commentaire": None}
    before = dict.fromkeys(typed)
    return ReturnedRow("lignes_budgetaires", (line, 2016), {**shown, **typed}, before, is_new, "Budget", 6, {})


def file(
    name: str, typed: Typed, day: int | None, *, new: Typed | None = None, author: str = "Marie", kept: bool = False
) -> Candidate:
    """A file saved one day of November; it has the lines A, B and C, and the ones that it adds."""
    rows = [row(line, typed.get(line, {})) for line in "ABC"]
    rows += [row(line, values, is_new=True) for line, values in (new or {}).items()]
    findings = () if typed or new else (EMPTY,)
    saved = None if day is None else datetime(2016, 11, day, 9)
    parsed = ParsedReturn(f"{name}{typed}{new}{day}", WHO, saved, author, findings, tuple(rows))
    return Candidate(f"consolidation/acceptes/2016/{name}.xlsx" if kept else f"retours/{name}.xlsx", parsed, kept)


def says(choice: VersionChoice) -> dict[tuple[str, str], Any]:
    """What counts: by line and column; each cell once."""
    assert choice.in_force is not None
    cells = [
        (record.key[0], name, record.values[name]) for record in choice.in_force.parsed.rows for name in record.before
    ]
    assert len(cells) == len({(line, name) for line, name, _ in cells})
    return {(line, name): value for line, name, value in cells}


def codes(choice: VersionChoice) -> set[str]:
    return {item.code for received in choice.received for item in received.findings}


def decided(code: str) -> PartnerRule:
    return PartnerRule(halves=lambda *_: code)


def test_what_one_leaves_blank_is_taken_from_the_other_row_by_row_and_cell_by_cell() -> None:
    older = file("a", {"A": {"prevu": 1, "commentaire": "vu"}, "B": {"prevu": 2}}, 1)
    choice = choose([older, file("b", {"A": {"vote": 3}, "C": {"prevu": 4}}, 2)], NOW)
    assert says(choice) == {
        ("A", "prevu"): 1, ("A", "commentaire"): "vu", ("A", "vote"): 3, ("B", "prevu"): 2, ("C", "prevu"): 4
    }  # fmt: skip
    assert choice.in_force is not None
    files = {
        record.fichier for record in choice.in_force.parsed.rows if "prevu" in record.before and record.key[0] in "AB"
    }
    assert files == {"retours/a.xlsx"}, "each value names the file that says it"
    assert codes(choice) == {"version-jointe"}
    assert {received.verdict for received in choice.received} == {Verdict.IN_FORCE, Verdict.JOINED}


@pytest.mark.parametrize(
    ("name", "author"),
    [
        ("b", "Marie"), ("a (1)", "Marie"), ("a (conflicted copy 2016-11-05 123456)", "Paul"),
        ("a-DESKTOP-AB12", "Paul"),
        ("a (Copie en conflit de Marie 2016-11-12)", "Marie"), ("a.sync-conflict-20161112-101500-ABCDEFG", "Luc"),
        ("a-PC-DE-MARIE", "Marie"), ("Copie de a", "Paul"), ("a (SFConflict marie@ville.fr 2016-11-05)", "Marie"),
    ],
)  # fmt: skip
def test_halves_under_any_name_are_joined_and_what_both_fill_otherwise_waits(name: str, author: str) -> None:
    one = file("a", {"A": {"prevu": 1}, "B": {"prevu": 2}}, 1)
    choice = choose([one, file(name, {"B": {"prevu": 3}, "C": {"prevu": 4}}, 2, author=author)], NOW)
    assert says(choice) == {("A", "prevu"): 1, ("C", "prevu"): 4}
    assert codes(choice) == {"version-jointe", "reponses-differentes"}
    both = [one, file(name, {"B": {"prevu": 3}, "C": {"prevu": 4}}, 2, author=author)]
    assert says(choose(both, NOW, rule=decided(JOIN)))["B", "prevu"] == 3
    assert says(choose(both, NOW, rule=decided(JOIN_OLDER)))["B", "prevu"] == 2
    assert says(choose(both, NOW, rule=decided(KEEP))) == {("B", "prevu"): 3, ("C", "prevu"): 4}


@pytest.mark.parametrize(
    "name",
    ["a (conflicted copy 2016-11-05)", "a-DESKTOP-AB12", "a.sync-conflict-20161112-101500-ABCDEFG", "a-LAPTOP-7"],
)
def test_the_copy_of_a_conflict_does_not_win_whole(name: str) -> None:
    """Each of two people changed another cell of one file: neither copy was made from the other."""
    mine = file("a", {"A": {"prevu": 5}, "B": {"prevu": 2}}, 1)
    choice = choose([mine, file(name, {"A": {"prevu": 1}, "B": {"prevu": 2}}, 2)], NOW)
    assert says(choice) == {("B", "prevu"): 2}
    assert codes(choice) == {"version-plus-ancienne", "reponses-differentes"}


@pytest.mark.parametrize(
    "name", ["b", "a (1)", "a - Copie", "luce-mairie-2016", "Copie de a", "retour-poste", "luce-pc"]
)
def test_a_correction_is_not_asked_about(name: str) -> None:
    """Who corrects an amount, and sends the whole again, has no half, whatever the file is called."""
    old = file("luce-metropole-2016", {"A": {"prevu": 5}, "B": {"prevu": 2}}, 1)
    choice = choose([old, file(name, {"A": {"prevu": 6}, "B": {"prevu": 2}, "C": {"vote": 1}}, 2)], NOW)
    assert says(choice) == {("A", "prevu"): 6, ("B", "prevu"): 2, ("C", "vote"): 1}
    assert codes(choice) == {"version-plus-ancienne"}


def test_a_second_copy_of_somebody_else_is_compared() -> None:
    old = file("a", {"A": {"prevu": 5}}, 1)
    assert "reponses-differentes" in codes(choose([old, file("a (1)", {"A": {"prevu": 6}}, 2, author="Paul")], NOW))
    assert "reponses-differentes" not in codes(choose([old, file("b", {"A": {"prevu": 6}}, 2, author="Paul")], NOW))


def test_rows_added_by_two_colleagues_both_count() -> None:
    one = file("a", {"A": {"prevu": 1}}, 1, new={"N": {"libelle": "Étude", "prevu": 7}})
    choice = choose([one, file("b", {"B": {"prevu": 2}}, 2, new={"M": {"libelle": "Fête", "prevu": 8}})], NOW)
    assert (says(choice)["N", "prevu"], says(choice)["M", "prevu"]) == (7, 8)


def test_a_row_added_then_renamed_does_not_count_twice() -> None:
    """The last file was made from the one before: a row that is not in it was renamed or taken out, and is asked."""
    one = file("a", {"A": {"prevu": 1}}, 1, new={"N": {"libelle": "Étude", "prevu": 7}})
    two = file("b", {"A": {"prevu": 1}}, 2, new={"N2": {"libelle": "Étude urbaine", "prevu": 7}})
    choice = choose([one, two], NOW)
    assert ("N", "prevu") not in says(choice)
    assert codes(choice) == {"version-plus-ancienne", "reponse-partielle"}
    assert says(choose([one, two], NOW, rule=decided(JOIN)))["N", "prevu"] == 7


@pytest.mark.parametrize("day", [1, 2, 3])
def test_a_form_sent_back_untouched_is_empty_and_takes_no_place(day: int) -> None:
    full, blank = file("a", {"A": {"prevu": 1}}, 2), file("b", {}, day)
    choice = choose([full, blank], NOW)
    assert says(choice) == {("A", "prevu"): 1}
    assert [received.verdict for received in choice.received] == [Verdict.IN_FORCE, Verdict.EMPTY]
    alone = choose([blank], NOW)
    assert alone.in_force is None
    assert [received.verdict for received in alone.received] == [Verdict.EMPTY]
    assert codes(alone) == {"formulaire-vide"}
    kept = choose([blank, replace(full, is_kept_copy=True)], NOW)
    assert says(kept) == {("A", "prevu"): 1}


_TYPED = st.dictionaries(
    st.sampled_from("ABC"),
    st.dictionaries(st.sampled_from(["prevu", "vote"]), st.integers(1, 2), min_size=1),
    max_size=3,
)
_NEW = st.dictionaries(st.sampled_from("NM"), st.fixed_dictionaries({"prevu": st.integers(1, 2)}), max_size=2)
_FILES = st.lists(
    st.tuples(
        st.sampled_from(["a", "a (1)", "a (conflicted copy 2016)", "b"]), _TYPED,
        st.one_of(st.none(), st.integers(1, 3)), _NEW,
    ),
    min_size=1, max_size=4, unique_by=lambda entry: entry[0],
)  # fmt: skip


@given(_FILES, st.none() | st.tuples(_TYPED, st.integers(1, 3)))
def test_a_second_run_on_the_same_files_says_the_same(files: list[Any], before: tuple[Typed, int] | None) -> None:
    """What a run keeps for the next one changes neither what counts nor what is said of any file."""
    candidates = [file(name, typed, day, new=new) for name, typed, day, new in files]
    kept = [] if before is None else [file("luce", before[0], before[1], kept=True)]
    first = again = choose([*candidates, *kept], NOW)
    for _ in range(2):
        before_run = {candidate.parsed.sha256: candidate.parsed for candidate in [*candidates, *kept]}
        kept = []
        if again.in_force is not None:
            to_keep = [before_run[again.in_force.parsed.sha256], *(parsed for _, parsed in again.compared)]
            names = ["luce", *(f"luce (joint {rank})" for rank in range(1, len(to_keep)))]
            kept = [
                Candidate(f"consolidation/acceptes/2016/{name}.xlsx", parsed, True)
                for name, parsed in zip(names, to_keep, strict=True)
            ]
        again = choose([*candidates, *kept], NOW)
        assert _said(again) == _said(first)


def _said(choice: VersionChoice) -> Any:
    counted = says(choice) if choice.in_force is not None else None
    of_files = sorted(
        (received.sha256, received.verdict.value, sorted(item.code for item in received.findings))
        for received in choice.received
    )
    return counted, of_files
