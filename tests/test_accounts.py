"""The accounts: sums, published totals, and a walk whose steps always add up."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from support.contracts import SETTINGS, Rows, contract_rows, line, published, small_rows, tables_of, total
from tabellion.measures import (
    DETAIL,
    RECAP,
    SCOPE_ALL,
    SCOPE_CONVENTION,
    SCOPE_TOWN,
    Accounts,
    StepKind,
    double_counts,
    walk,
)
from tabellion.measures.overview import Overview


def accounts_of(rows: Rows) -> Accounts:
    return Accounts(tables_of(rows), SETTINGS.exercice)


def realised(rows: Rows) -> int:
    return sum(row.get("montant_realise") or 0 for row in rows["lignes_budgetaires"])


@given(contract_rows(adds_up=False))
def test_the_steps_lead_from_the_published_total_to_the_sum_of_the_lines(rows: Rows) -> None:
    path = walk(accounts_of(rows))
    steps, doubles = (sum(step.cents for step in part) for part in (path.steps, path.doubles))
    assert all(step.cents for step in path.steps)
    known = [row for row in rows["lignes_budgetaires"] if row.get("montant_realise") is not None]
    assert path.recomputed == (realised(rows) if known else None)
    assert path.net == (realised(rows) + doubles if known else None)
    grand = [row for row in rows["totaux_publies"] if row["portee"] == "général" and row["montant"] is not None]
    assert (path.published is None) == (not grand)
    if path.published is not None:
        assert path.published + steps == realised(rows)


@given(contract_rows())
def test_totals_that_add_up_need_no_step(rows: Rows) -> None:
    assert walk(accounts_of(rows)).steps == ()


@given(contract_rows(), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_no_sum(rows: Rows, random: Random) -> None:
    before = accounts_of(rows)
    shuffled = list(rows["lignes_budgetaires"])
    random.shuffle(shuffled)
    after = accounts_of({**rows, "lignes_budgetaires": shuffled})
    assert [before.of(*pair) for pair in before.pairs] == [after.of(*pair) for pair in after.pairs]
    assert sum(before.of(*pair) for pair in before.pairs) == before.of()
    assert sum(count.cents for count in double_counts(before)) == sum(count.cents for count in double_counts(after))


def test_only_the_lines_of_the_exercice_count() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("B01-luce-001", 1, "luce", "Cantine", 7_00, exercice=2014))
    assert accounts_of(rows).of(1, "luce") == 1_250_50
    assert Accounts(tables_of(rows), 2014).of() == 7_00


def test_an_exercice_is_shown_by_what_half_of_its_lines_say() -> None:
    planned = [line(f"B01-luce-{at:03}", 1, "luce", f"Ligne {at}", None, montant_prevu=100) for at in range(10)]
    for spent, shown in ((0, "montant_prevu"), (1, "montant_prevu"), (4, "montant_prevu"), (5, "montant_realise")):
        rows = [{**row, "montant_realise": 0} if at < spent else row for at, row in enumerate(planned)]
        overview = Overview(tables_of({**small_rows(), "lignes_budgetaires": rows}))
        assert overview.measure(SETTINGS.exercice) == shown, spent
    blank = Overview(tables_of({**small_rows(), "lignes_budgetaires": [line("B", 1, "luce", "Rien", None)]}))
    assert blank.measure(SETTINGS.exercice) == "montant_realise"


def test_a_blank_total_is_printed_and_counts_for_nothing() -> None:
    accounts = accounts_of({**small_rows(), "totaux_publies": [total("récapitulatif", None, 2, "luce")]})
    total_row = accounts.published(RECAP, SCOPE_TOWN, 2, "luce")
    assert total_row is not None
    assert total_row.cents is None
    assert accounts.printed(RECAP, SCOPE_TOWN, 2, "luce") == 0
    assert accounts.in_recap(2)
    assert not accounts.in_recap(1)
    assert accounts.published(DETAIL, SCOPE_TOWN, 2, "luce") is None
    assert accounts.published(RECAP, SCOPE_ALL) is None


def test_without_a_grand_total_only_what_was_published_is_compared() -> None:
    rows = small_rows()
    rows["totaux_publies"] = [
        total("convention", 1_240_50, 1, "luce"),
        total("convention", None, 2, "luce"),
        total("récapitulatif", 2_600_00, 2),
    ]
    path = walk(accounts_of(rows))
    assert [(step.kind, step.convention, step.town, step.cents) for step in path.steps] == [
        (StepKind.LINES, 1, "luce", 10_00)
    ]
    assert (path.published, path.recomputed, path.net) == (None, 3_873_50, 3_873_50)


def test_an_exercice_of_which_nothing_is_known_has_no_total() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("B01-luce-009", 1, "luce", "Cantine", None, exercice=2014))
    path = walk(Accounts(tables_of(rows), 2014))
    assert (path.published, path.steps, path.recomputed, path.net) == (None, (), None, None)


def test_the_line_kept_is_in_a_convention_that_the_recap_counts() -> None:
    """As in the real document: convention 7, absent from the recap, repeats convention 8."""
    rows = small_rows()
    rows["lignes_budgetaires"] = [
        line("B01-luce-001", 1, "luce", "Aide à la qualification", 13_080_00),
        line("B02-luce-001", 2, "luce", "aide  À la qualification", 13_080_00),
        line("B02-luce-002", 2, "luce", "Marchés", 77_000_00),
        line("B03-metropole-001", 3, "metropole", "Marchés", 77_000_00),
    ]
    totals = published(rows)
    rows["totaux_publies"] = [row for row in totals if row["source"] == "convention" or row["convention_id"] != 1]
    accounts = accounts_of(rows)
    assert [(count.index, count.kept) for count in double_counts(accounts)] == [(0, 1)]
    path = walk(accounts)
    assert [(step.kind, step.convention) for step in path.steps if step.convention] == [(StepKind.ABSENT, 1)]
    assert path.recomputed - path.net == 13_080_00


def test_double_counts_follow_their_conventions_then_the_lines_that_first_have_their_amount() -> None:
    """Convention 2 before 3; of convention 3, 500 € before 300 €: a line of another label has 500 € first."""
    rows = small_rows()
    rows["lignes_budgetaires"] = [
        line("B01-luce-001", 1, "luce", "Marchés", 500_00),
        line("B01-luce-002", 1, "luce", "Aide", 300_00),
        line("B03-luce-001", 3, "luce", "Aide", 300_00),
        line("B01-luce-003", 1, "luce", "Cantine", 500_00),
        line("B03-luce-002", 3, "luce", "Cantine", 500_00),
        line("B01-luce-004", 1, "luce", "Sport", 200_00),
        line("B02-luce-001", 2, "luce", "Sport", 200_00),
    ]
    assert [(count.index, count.kept) for count in double_counts(accounts_of(rows))] == [(6, 5), (4, 3), (2, 1)]


def test_the_real_document_s_own_figures_walk_to_the_cent() -> None:
    """The recap of Chartres: 12 421 135 printed, its conventions sum to 12 421 134 (checked by hand, line by line)."""
    recap = [3561589, 3948263, 266717, 189422, 18673, 3869102, 253786, 119317, 192000, 2265]
    numbers = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    rows: Rows = {
        "piliers": [{"pilier_id": "I", "titre": "Un"}],
        "conventions": [{"convention_id": number, "pilier_id": "I", "titre": "Titre"} for number in range(1, 12)],
        "collectivites": [{"collectivite_id": "ville", "nom": "Ville"}],
        "totaux_publies": [
            total("récapitulatif", 12421135_00),
            *(total("récapitulatif", euros * 100, number) for number, euros in zip(numbers, recap, strict=True)),
        ],
    }
    accounts = accounts_of(rows)
    assert accounts.printed(RECAP, SCOPE_ALL) == 12421135_00
    assert sum(accounts.printed(RECAP, SCOPE_CONVENTION, number) for number in numbers) == 12421134_00
    assert walk(accounts).steps[0].cents == -1_00
