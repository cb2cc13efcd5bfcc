"""What the contract has taken over from returns: written beside the register, read back, or refused in words."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from tabellion.campaign.adoption import ADOPTION_FILE, Adoption, adoption_of, load_adoption
from tabellion.campaign.merged import InForce
from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.findings import TabellionError
from tabellion.layout.forms import FormIdentity, form_id

LINES, FOLLOWED = "lignes_budgetaires", "suivis"


def form(partner: str = "luce", year: int = 2016, state: str = "as sent") -> FormIdentity:
    return FormIdentity("essai", partner, year, form_id("essai", partner, year, state))


def in_force(partner: str = "luce", amount: int = 5, year: int = 2016, state: str = "as sent") -> InForce:
    """A return that answers one cell, leaves another as sent, blanks one and adds a row."""
    values = {"montant_prevu": amount, "montant_vote": 7, "commentaire": None}
    row = ReturnedRow(LINES, ("L", year), values, {"montant_prevu": None, "commentaire": "x"}, False, "Budget", 6, {})
    day = {"date_bilan": date(2016, 12, 31), "jamais": None}
    added = ReturnedRow(FOLLOWED, ("F", partner, year), day, {"date_bilan": None}, True, "Actions", 9, {})
    reading = ParsedReturn("x", form(partner, year, state), datetime(year, 11, 1), "", (), (row, added))
    return InForce(f"retours/{partner}.xlsx", reading)


def written(folder: Path, *returns: InForce, before: Adoption | None = None) -> tuple[str, Adoption]:
    name, content = adoption_of(returns, before)
    (folder / ADOPTION_FILE).write_bytes(content)
    return name, load_adoption(folder)


def test_what_was_adopted_comes_back_cell_by_cell(tmp_path: Path) -> None:
    one = in_force()
    name, adoption = written(tmp_path, one)
    assert adoption.name == name
    assert adoption.answers == {("luce", 2016): {one.parsed.answers}}
    cells = adoption.cells(form())
    assert cells[LINES, ("L", 2016), "montant_prevu"] == 5
    assert cells[LINES, ("L", 2016), "commentaire"] is None
    assert (LINES, ("L", 2016), "montant_vote") not in cells, "left as it was sent"
    assert cells[FOLLOWED, ("F", "luce", 2016), "date_bilan"] == date(2016, 12, 31)


def test_the_same_returns_make_the_same_adoption_in_any_order() -> None:
    one, two = in_force("luce"), in_force("etat")
    assert adoption_of([one, two]) == adoption_of([two, one])
    assert adoption_of([one])[0] != adoption_of([two])[0] != adoption_of([one, two])[0]
    assert adoption_of([in_force(amount=6)])[0] != adoption_of([one])[0]


def test_two_exercices_of_one_partner_are_apart(tmp_path: Path) -> None:
    _, adoption = written(tmp_path, in_force(year=2016), in_force(year=2017, amount=9))
    assert adoption.cells(form())[LINES, ("L", 2016), "montant_prevu"] == 5
    assert adoption.cells(form(year=2017))[LINES, ("L", 2017), "montant_prevu"] == 9


def test_what_was_adopted_counts_for_returns_of_the_same_form_only(tmp_path: Path) -> None:
    _, first = written(tmp_path, in_force(amount=5))
    assert first.cells(form(state="written again")) == {}
    two = in_force(amount=6, state="written again")
    _, second = written(tmp_path, two, before=first)
    assert second.cells(form())[LINES, ("L", 2016), "montant_prevu"] == 5, "its returns may still come"
    assert second.cells(form(state="written again"))[LINES, ("L", 2016), "montant_prevu"] == 6
    assert second.answers["luce", 2016] == {in_force(amount=5).parsed.answers, two.parsed.answers}
    _, third = written(tmp_path, in_force(amount=7), before=second)
    assert third.cells(form())[LINES, ("L", 2016), "montant_prevu"] == 7, "the last word of one form"


def test_an_adoption_that_did_not_keep_the_form_counts_for_the_forms_of_its_time(tmp_path: Path) -> None:
    old = FormIdentity("essai", "luce", 2016, form_id("essai", "luce", 2016))
    returns = [["luce", 2016, "d", [[LINES, ["L", 2016], "montant_prevu", 5]]]]
    (tmp_path / ADOPTION_FILE).write_text(json.dumps({"adoption": "x", "retours": returns}), encoding="utf-8")
    adoption = load_adoption(tmp_path)
    assert adoption.cells(old) == {(LINES, ("L", 2016), "montant_prevu"): 5}
    assert adoption.cells(form()) == {}, "written since, with what was adopted"


def test_without_the_file_nothing_was_adopted(tmp_path: Path) -> None:
    assert load_adoption(tmp_path) == Adoption()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"adoption": "x"}', b'{"adoption": "x", "retours": [1]}', b"\xff\xfe",
     json.dumps({"adoption": "x", "retours": [["luce", "deux mille", "d", []]]}).encode(),
     json.dumps({"adoption": "x", "retours": [["luce", 2016, "d", [["t", ["k"], "c", {"jour": "hier"}]]]]}).encode(),
     b"[" * 100_000],
    ids=range(10),
)  # fmt: skip
def test_a_file_that_no_adoption_wrote_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ADOPTION_FILE).write_bytes(content)
    with pytest.raises(TabellionError) as refused:
        load_adoption(tmp_path)
    (finding,) = refused.value.findings
    assert finding.code == "registre-illisible"
    assert "adoption" in finding.message
    assert "supprimez-le" in finding.suggestion


def test_a_folder_in_its_place_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / ADOPTION_FILE).mkdir()
    with pytest.raises(TabellionError):
        load_adoption(tmp_path)


def test_the_file_reads_as_json_that_people_may_compare() -> None:
    _, content = adoption_of([in_force()])
    document: dict[str, Any] = json.loads(content)
    assert set(document) == {"adoption", "retours"}
    assert content.endswith(b"\n")
