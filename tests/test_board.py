"""The campaign as the terminal, the log and a mail's subject show it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from support.consolidations import LONG_NAME, large, rich, small
from support.program import environment
from tabellion.campaign.model import ChangesSince, Consolidation
from tabellion.commands.board import SUBJECT_AT_MOST, board_lines, cell_width, fit, since_lines, subject
from tabellion.findings import Place
from tabellion.measures.board import ReturnStatus

HOSTILE = "Ville\n✗ rejeté\x1b[2J\u202etxt"


def texts(consolidation: Consolidation, width: int | None = None, most: int | None = None) -> list[str]:
    return [line.text for line in board_lines(consolidation, width=width, most=most)]


def renamed(*names: str) -> Consolidation:
    """A board of 2016 with partners of these names, all accepted but the first, rejected."""
    base = rich()
    good, bad = (next(line for line in base.board if line.partenaire == who) for who in ("chartres", "hostile"))
    lines = [replace(bad if rank == 0 else good, nom=name) for rank, name in enumerate(names)]
    return replace(base, board=tuple(lines), strays=())


# The board


def test_each_exercice_has_its_counts_the_latest_first() -> None:
    shown = texts(rich())
    years = [line for line in shown if line.startswith("Exercice")]
    assert years == ["Exercice 2017", "Exercice 2016, à renvoyer au plus tard le 30/11/2016", "Exercice 2015"]
    counts = shown[shown.index(years[1]) + 1]
    board = [line for line in rich().board if line.exercice == 2016]
    for status, words in (
        (ReturnStatus.REJECTED, "rejetés"),
        (ReturnStatus.LATE, "en retard"),
        (ReturnStatus.ACCEPTED, "acceptés (dont 1 après la date)"),
        (ReturnStatus.NOT_SENT, "pas envoyé"),
    ):
        assert f"{sum(line.status is status for line in board)} {words}" in counts


def test_what_blocks_comes_first_and_every_partner_has_its_line() -> None:
    shown = texts(rich())
    signs = [line[2] for line in shown[shown.index("") + 4 :] if re.match(r"  [✗!·✓ ] \S", line)]
    table = signs[: len([line for line in rich().board if line.exercice == 2016])]
    ranks = ["✗!·✓ ".index(sign) for sign in table]
    assert ranks == sorted(ranks)
    assert table.count("✗") == 3
    assert table.count("!") == 18


def test_a_line_says_the_state_the_date_the_findings_and_the_file_that_counts() -> None:
    (kept,) = [line for line in texts(rich()) if "Mainvilliers  " in line]
    assert kept.split() == ["✗", "Mainvilliers", "rejeté,", "ancien", "gardé", "29/11/2016", "1", "–", "mainvilliers", "2016.xlsx"]  # fmt: skip # noqa: E501
    (late,) = [line for line in texts(rich()) if " Lucé" in line and "2016" in line]
    assert late.split() == ["✓", "Lucé", "accepté,", "après", "la", "date", "01/12/2016", "–", "–", "luce", "(1).xlsx"]


def test_files_that_are_nobody_s_are_named() -> None:
    shown = texts(rich())
    assert "  ! notes.docx : pas un formulaire de ce contrat" in shown
    assert "  ! metropole A.xlsx : à départager" in shown


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    shown = renamed("北京市" * 20, LONG_NAME, "e\u0301té", "👩‍👩‍👧 famille")
    for consolidation in (rich(), shown):
        for line in [*board_lines(consolidation, width=width), *since_lines(consolidation, width=width)]:
            assert cell_width(line.text) <= width


@pytest.mark.parametrize("width", [80, 120, None])
def test_wide_signs_and_long_names_do_not_break_the_columns(width: int | None) -> None:
    shown = texts(renamed("Ville", "北京市", "e\u0301cole", LONG_NAME), width)
    states = [line for line in shown if "accepté  " in line or "rejeté  " in line]
    assert len(states) == 4
    columns = {cell_len(re.split(r"accepté  |rejeté  ", line)[0]) for line in states}
    assert len(columns) == 1


def test_a_name_cannot_forge_a_line_nor_command_the_terminal() -> None:
    shown = texts(renamed(HOSTILE, "Bourg"))
    assert len(shown) == len(texts(renamed("Ville", "Bourg")))
    assert not [line for line in shown if re.search("[\x00-\x1f\u202e]", line)]


def test_a_short_board_names_only_what_asks_for_something_and_counts_the_rest() -> None:
    shown = texts(rich(), most=5)
    assert len([line for line in shown if re.match(r"  [✗!] ", line) and "2016" not in line]) <= 8
    assert "  et 19 autres partenaires" in shown
    assert not [line for line in shown if line.startswith("  ✓")]
    assert len(texts(large(), most=5)) < 12


def test_nothing_sent_yet_is_said() -> None:
    assert texts(replace(small(), board=())) == ["Aucun formulaire n'a été envoyé : « tabellion forms » les écrit."]


def test_piped_there_are_no_colours() -> None:
    program = "from support.consolidations import rich; from tabellion.commands.board import *; print_board(rich())"
    path = environment()["PYTHONPATH"]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(PYTHONPATH=f"{path}:{path}/../tests"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines() == texts(rich())


@given(st.text(max_size=40), st.integers(1, 30), st.booleans())
def test_a_text_fits_its_room(text: str, room: int, from_end: bool) -> None:
    cut = fit(text, room, from_end=from_end)
    assert cell_width(cut) <= room
    assert cut == text or "…" in cut


# Since the previous run


def test_the_first_run_and_a_run_that_changes_nothing_say_so() -> None:
    assert [line.text for line in since_lines(small())] == ["Première consolidation de ce contrat."]
    same = replace(small(), since=ChangesSince(previous=rich().since.previous))
    assert [line.text for line in since_lines(same)] == ["Rien n'a changé depuis le 04/12/2016 à 02:00."]


def test_what_changed_names_partners_cells_total_and_findings() -> None:
    shown = [line.text.translate({0xA0: " ", 0x202F: " "}) for line in since_lines(rich())]
    assert shown[0] == "Changé depuis le 04/12/2016 à 02:00 :"
    assert "  Lucé (2016) : attendu → accepté" in shown
    assert any(
        line.startswith("  Lignes budgétaires B01-luce-002, 2016, Montant voté (€) : (vide) → 31 468 €")
        and line.endswith("[retours/luce (1).xlsx, feuille « Budget », cellule E9]")
        for line in shown
    )
    assert "  total prévu 2016 : 41 234 567,89 € → 42 000 000 € (+765 432,11 €)" in shown
    assert "  5 constats nouveaux, 2 disparus" in shown


def test_many_changes_are_counted() -> None:
    base = rich()
    cells = tuple(replace(base.since.cells[0], key=(rank,), place=Place("x")) for rank in range(1000))
    shown = [line.text for line in since_lines(replace(base, since=replace(base.since, cells=cells)))]
    assert "  et 988 autres cellules" in shown
    assert len(shown) < 20


# The subject


def test_the_subject_starts_with_the_returns_and_names_what_is_to_be_seen() -> None:
    assert subject(rich()) == "tabellion 2016 : 5/23 retours, 3 rejetés, 18 en retard, 3 conflits – à voir"
    assert subject(small()) == "tabellion 2016 : 0/1 retours, rien ne bloque"
    assert subject(replace(small(), board=())) == "tabellion : aucun formulaire envoyé"


def test_the_subject_is_one_short_line_whatever_the_numbers() -> None:
    base = rich()
    crowd = replace(base, board=base.board * 5000, conflicts=base.conflicts * 30_000, findings=base.findings * 100_000)
    for consolidation in (base, small(), crowd, large(50, 400, 10)):
        line = subject(consolidation)
        assert len(line) <= SUBJECT_AT_MOST
        assert line.isprintable()
        assert line.startswith("tabellion ")
