"""Which of a partner's files counts: by what each says and when it was saved, never by its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tabellion.campaign.model import ReturnedRow, Verdict
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.campaign.versions import Candidate, VersionChoice, choose
from tabellion.findings import Place, finding
from tabellion.layout.forms import FormIdentity

NOW = datetime(2016, 12, 1, 2, 0)
WHO = FormIdentity("essai-2015-2020", "luce", 2016, "f1")
BLOCKS = finding("cellule-en-erreur", Place(None, "Budget", "F6"), champ="Montant prévu (€)", valeur="#REF!")


def at(day: int, hour: int = 9, second: int = 0) -> datetime:
    return datetime(2016, 11, day, hour, 0, second)


def file(
    name: str, amount: int | None, saved: datetime | None, *, wrong: bool = False, kept: bool = False, bytes_: str = ""
) -> Candidate:
    """A return that answers ``amount``; ``wrong`` when it blocks; ``kept`` for the copy kept of an accepted one."""
    row = ReturnedRow("lignes_budgetaires", ("L", 2016), {"montant_vote": amount}, {"montant_vote": None}, False,
                      "Budget", 6, {"montant_vote": 7})  # fmt: skip
    findings = (BLOCKS,) if wrong else ()
    folder = "consolidation/acceptes/2016" if kept else "retours"
    reading = ParsedReturn(bytes_ or f"{amount}{saved}", WHO, saved, "Marie", findings, (row,))
    return Candidate(f"{folder}/{name}.xlsx", reading, kept)


def decided(*files: Candidate, adopted: Iterable[str] = ()) -> VersionChoice:
    """The choice, once every file has exactly one verdict, and what counts is one of them."""
    choice = choose(files, NOW, set(adopted))
    names = [received.fichier for received in choice.received]
    shown = [received.fichier for received in files if not received.is_kept_copy or received is choice.in_force]
    assert sorted(names) == sorted(shown)
    assert (choice.in_force is None) == (choice.in_force_file is None)
    if choice.in_force is not None and choice.in_force_file is not None:
        assert choice.in_force.parsed.is_accepted
        assert choice.in_force_file.fichier == choice.in_force.fichier
    return choice


def verdicts(choice: VersionChoice) -> dict[str, Verdict]:
    return {received.fichier.rpartition("/")[2].removesuffix(".xlsx"): received.verdict for received in choice.received}


def codes(choice: VersionChoice, name: str) -> list[str]:
    (file,) = [received for received in choice.received if received.fichier.endswith(f"/{name}.xlsx")]
    assert {item.place.fichier for item in file.findings} <= {file.fichier}
    return [item.code for item in file.findings]


def message(choice: VersionChoice, code: str) -> str:
    (finding,) = [finding for received in choice.received for finding in received.findings if finding.code == code]
    return finding.message


def test_one_file_counts() -> None:
    choice = decided(file("a", 1, at(1)))
    assert verdicts(choice) == {"a": Verdict.IN_FORCE}
    assert codes(choice, "a") == []


def test_the_same_bytes_twice_are_one_and_it_is_said() -> None:
    choice = decided(file("b", 1, at(1), bytes_="x"), file("a", 1, at(1), bytes_="x"))
    assert verdicts(choice) == {"a": Verdict.IN_FORCE, "b": Verdict.TWIN}
    assert codes(choice, "b") == ["version-identique"]
    assert choice.received[1].other == "retours/a.xlsx"


def test_the_same_answers_saved_again_are_one() -> None:
    choice = decided(file("a", 1, at(1)), file("b", 1, at(2)), file("c", 1, None))
    assert verdicts(choice) == {"a": Verdict.TWIN, "b": Verdict.IN_FORCE, "c": Verdict.TWIN}


def test_the_latest_saved_wins_whatever_its_name() -> None:
    choice = decided(file("définitif", 1, at(1)), file("brouillon", 2, at(2)), file("z", 3, at(1, 8)))
    assert verdicts(choice) == {"définitif": Verdict.OLDER, "brouillon": Verdict.IN_FORCE, "z": Verdict.OLDER}
    assert [received.fichier for received in choice.received] == [
        "retours/brouillon.xlsx", "retours/définitif.xlsx", "retours/z.xlsx"
    ]  # fmt: skip
    assert codes(choice, "z") == ["version-plus-ancienne"]
    assert "01/11/2016 à 08:00:00" in choice.received[2].findings[0].message
    assert "« retours/brouillon.xlsx »" in choice.received[2].findings[0].message


def test_one_second_is_enough() -> None:
    choice = decided(file("a", 1, at(1, second=1)), file("b", 2, at(1, second=2)))
    assert verdicts(choice) == {"a": Verdict.OLDER, "b": Verdict.IN_FORCE}


def test_the_mistakes_of_a_file_that_was_replaced_are_nobody_s_any_more() -> None:
    choice = decided(file("faux", 1, at(1), wrong=True), file("corrigé", 2, at(2)))
    assert verdicts(choice) == {"faux": Verdict.OLDER, "corrigé": Verdict.IN_FORCE}
    assert codes(choice, "faux") == ["version-plus-ancienne"]
    assert not any(finding.bloquant for received in choice.received for finding in received.findings)


def test_the_mistakes_of_a_rejected_file_are_said_once() -> None:
    choice = decided(file("a", 1, at(1), wrong=True), file("b", 1, at(1), wrong=True))
    assert verdicts(choice) == {"a": Verdict.REJECTED, "b": Verdict.TWIN}
    assert codes(choice, "a") == ["retour-rejete", "cellule-en-erreur"]
    assert codes(choice, "b") == ["version-identique"]


# Nobody can decide but a person


def test_two_saved_at_the_same_time_that_differ_are_left_to_people() -> None:
    choice = decided(file("a", 1, at(1)), file("b", 2, at(1)), file("c", 3, at(1, 8)))
    assert verdicts(choice) == {"a": Verdict.UNDECIDED, "b": Verdict.UNDECIDED, "c": Verdict.IN_FORCE}
    assert codes(choice, "a") == ["versions-a-departager"]
    assert all(
        "« retours/c.xlsx » reste en vigueur" in received.findings[0].message for received in choice.received[:2]
    )


def test_older_ones_saved_at_the_same_time_do_not_matter() -> None:
    choice = decided(file("a", 1, at(1)), file("b", 2, at(1)), file("c", 3, at(2)))
    assert verdicts(choice) == {"a": Verdict.OLDER, "b": Verdict.OLDER, "c": Verdict.IN_FORCE}


def test_a_file_that_does_not_say_when_cannot_be_compared() -> None:
    choice = decided(file("a", 1, None), file("b", 2, at(2)), file("c", 3, at(1)))
    assert verdicts(choice) == {"a": Verdict.UNDECIDED, "b": Verdict.UNDECIDED, "c": Verdict.IN_FORCE}
    assert (
        "une date inconnue"
        in next(received for received in choice.received if received.saved is None).findings[0].message
    )


def test_a_file_that_does_not_say_when_counts_when_it_is_alone() -> None:
    assert verdicts(decided(file("a", 1, None))) == {"a": Verdict.IN_FORCE}


def test_two_that_nobody_can_choose_between_leave_what_was_in_force() -> None:
    kept = file("luce", 0, at(1), kept=True)
    choice = decided(file("a", 1, at(2)), file("b", 2, at(2)), kept)
    assert choice.in_force is kept
    assert verdicts(choice) == {"a": Verdict.UNDECIDED, "b": Verdict.UNDECIDED, "luce": Verdict.IN_FORCE}


def test_a_second_file_of_the_same_moment_does_not_throw_out_the_one_that_was_accepted() -> None:
    kept = file("luce", 1, at(2), kept=True)
    choice = decided(file("a", 1, at(2)), file("b", 2, at(2)), kept)
    assert choice.in_force is kept
    assert verdicts(choice) == {"a": Verdict.UNDECIDED, "b": Verdict.UNDECIDED, "luce": Verdict.IN_FORCE}
    assert codes(choice, "luce") == []
    undated = decided(file("a", 1, None), file("b", 2, at(2)), file("luce", 1, None, kept=True))
    assert verdicts(undated)["luce"] is Verdict.IN_FORCE


def test_with_nothing_accepted_before_none_of_them_counts() -> None:
    choice = decided(file("a", 1, at(2)), file("b", 2, at(2)))
    assert choice.in_force is None
    assert "aucune réponse de ce partenaire n'est en vigueur" in choice.received[0].findings[0].message


# Rejected


def test_a_rejected_file_leaves_the_last_accepted_one_in_force() -> None:
    choice = decided(file("a", 1, at(1)), file("b", 2, at(2)), file("c", 3, at(3), wrong=True))
    assert verdicts(choice) == {"a": Verdict.OLDER, "b": Verdict.IN_FORCE, "c": Verdict.REJECTED}
    assert "« retours/b.xlsx » reste en vigueur" in message(choice, "retour-rejete")
    assert "« retours/b.xlsx »" in message(choice, "version-plus-ancienne"), "the one that counts, not the rejected one"


def test_several_rejected_ones_after_it_do_too() -> None:
    choice = decided(file("a", 1, at(1)), file("b", 2, at(2), wrong=True), file("c", 3, at(3), wrong=True))
    assert verdicts(choice) == {"a": Verdict.IN_FORCE, "b": Verdict.REJECTED, "c": Verdict.REJECTED}


def test_a_rejected_file_leaves_the_kept_copy_in_force_when_its_file_went() -> None:
    choice = decided(file("c", 3, at(3), wrong=True), file("luce", 1, at(1), kept=True))
    assert verdicts(choice) == {"c": Verdict.REJECTED, "luce": Verdict.IN_FORCE}
    assert "acceptes/2016/luce.xlsx » reste en vigueur" in message(choice, "retour-rejete")


def test_a_rejected_file_alone_leaves_nothing() -> None:
    choice = decided(file("c", 3, at(3), wrong=True))
    assert verdicts(choice) == {"c": Verdict.REJECTED}
    assert choice.in_force is None
    assert "aucune réponse" in message(choice, "retour-rejete")


# The copies kept


def test_the_copy_kept_of_a_file_that_is_there_is_not_listed() -> None:
    choice = decided(file("a", 1, at(1)), file("luce", 1, at(1), kept=True))
    assert verdicts(choice) == {"a": Verdict.IN_FORCE}


def test_a_file_gone_stays_in_force_by_its_copy_and_it_is_said() -> None:
    choice = decided(file("luce", 1, at(1), kept=True))
    assert verdicts(choice) == {"luce": Verdict.IN_FORCE}
    assert codes(choice, "luce") == ["retour-disparu"]
    assert choice.received[0].is_kept_copy


def test_an_older_file_does_not_replace_the_copy_kept_of_a_newer_one() -> None:
    choice = decided(file("vieux", 1, at(1)), file("luce", 2, at(2), kept=True))
    assert verdicts(choice) == {"vieux": Verdict.OLDER, "luce": Verdict.IN_FORCE}
    assert codes(choice, "luce") == ["retour-disparu"]
    assert "acceptes/2016/luce.xlsx" in message(choice, "version-plus-ancienne")


def test_a_newer_file_replaces_the_kept_copy() -> None:
    choice = decided(file("neuf", 2, at(2)), file("luce", 1, at(1), kept=True))
    assert verdicts(choice) == {"neuf": Verdict.IN_FORCE}


# Dates and adoptions


def test_a_date_in_the_future_is_said_and_counts() -> None:
    choice = decided(file("a", 1, at(1)), file("b", 2, NOW + timedelta(days=3)))
    assert verdicts(choice) == {"a": Verdict.OLDER, "b": Verdict.IN_FORCE}
    assert codes(choice, "b") == ["date-dans-le-futur"]


def test_a_clock_a_little_ahead_is_no_matter() -> None:
    assert codes(decided(file("b", 2, NOW + timedelta(hours=20))), "b") == []


def test_answers_that_were_adopted_are_in_force_and_say_so() -> None:
    one = file("a", 1, at(1))
    choice = decided(one, adopted=[one.parsed.answers])
    assert verdicts(choice) == {"a": Verdict.ALREADY_ADOPTED}
    corrected = decided(one, file("b", 2, at(2)), adopted=[one.parsed.answers])
    assert verdicts(corrected) == {"a": Verdict.OLDER, "b": Verdict.IN_FORCE}


# Properties

_FILES = st.lists(
    st.tuples(st.integers(1, 3), st.one_of(st.none(), st.integers(1, 3)), st.booleans()), min_size=1, max_size=5
)


@given(_FILES, st.booleans(), st.randoms())
def test_names_and_their_order_never_matter(files: list[Any], has_kept: bool, random: Any) -> None:
    """Renamed, the files get the same verdicts, up to which of two that say the same stands for both."""

    def outcome(names: list[str]) -> tuple[Any, ...]:
        candidates = [
            file(name, amount, None if day is None else at(day), wrong=wrong)
            for name, (amount, day, wrong) in zip(names, files, strict=True)
        ]
        if has_kept:
            candidates.append(file("luce", 1, at(2), kept=True))
        random.shuffle(candidates)
        choice = decided(*candidates)
        outcomes = sorted(
            (
                received.verdict.value,
                str(received.saved),
                received.sha256,
                [finding.code for finding in received.findings],
            )
            for received in choice.received
        )
        return outcomes, choice.in_force.parsed.answers if choice.in_force else None

    first = [f"n{place}" for place in range(len(files))]
    second = [f"copie de {name} (1)" for name in first]
    random.shuffle(second)
    assert outcome(first) == outcome(second)


@given(_FILES)
def test_what_is_accepted_tonight_is_not_lost_tomorrow(files: list[Any]) -> None:
    """Whatever comes after, a partner whose return was accepted never ends with none in force."""
    known = file("a", 1, at(2))
    kept = replace(known, fichier="consolidation/acceptes/2016/luce.xlsx", is_kept_copy=True)
    others = [
        file(f"n{place}", amount, None if day is None else at(day), wrong=wrong)
        for place, (amount, day, wrong) in enumerate(files)
    ]
    assert decided(known, kept, *others).in_force is not None
    assert decided(kept, *others).in_force is not None


def test_a_date_without_its_zone_is_not_set_against_one_that_has_it() -> None:
    undated = finding("enregistrement-sans-date", Place(), valeur="")

    def by_archive(name: str, amount: int, saved: datetime) -> Candidate:
        one = file(name, amount, saved)
        return replace(one, parsed=replace(one.parsed, findings=(undated,)))

    near = decided(file("a", 1, at(20, 9)), by_archive("b", 2, at(20, 10)))
    assert verdicts(near) == {"a": Verdict.UNDECIDED, "b": Verdict.UNDECIDED}
    far = decided(file("a", 1, at(20, 9)), by_archive("b", 2, at(21, 9)))
    assert verdicts(far) == {"a": Verdict.OLDER, "b": Verdict.IN_FORCE}
    alike = decided(by_archive("a", 1, at(20, 9)), by_archive("b", 2, at(20, 10)))
    assert verdicts(alike) == {"a": Verdict.OLDER, "b": Verdict.IN_FORCE}


def test_behind_a_rejected_file_two_of_one_moment_are_not_chosen_by_name() -> None:
    choice = decided(file("c", 3, at(21), wrong=True), file("a", 1, at(20)), file("b", 2, at(20)))
    assert verdicts(choice) == {"c": Verdict.REJECTED, "a": Verdict.UNDECIDED, "b": Verdict.UNDECIDED}
    assert choice.in_force is None
