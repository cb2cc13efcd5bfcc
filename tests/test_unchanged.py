"""A night in which nothing changed says at once what it would say if it were made, whatever happened before."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from support.campaign import fill
from support.program import contents, tabellion
from tabellion.commands import unchanged
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.commands.unchanged import CACHE_FILE, CachedRun, FolderDigests, check_unchanged
from tabellion.contract.folders import STAGING, Folders
from tabellion.contract.workspace import find_workspace
from tabellion.reading.limits import refusal
from tabellion.transaction.bounded import PATIENCE, Patience

NIGHT = datetime(2016, 12, 1, 2)


def is_known(root: Path) -> bool:
    """Whether the next run needs to read nothing."""
    with check_unchanged(root, "essai", datetime.now(), is_wanted=True) as seen:
        return seen.record is not None


def put(root: Path, amount: int, name: str = "luce.xlsx", day: int = 1) -> None:
    """A return of Lucé that plans an amount on the line C."""
    retours = root / "workbooks" / "retours"
    retours.mkdir(exist_ok=True)
    form = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    fill(form, retours / name, {"Budget": {"C": {"montant_prevu": amount}}}, saved=datetime(2016, 11, day, 9))


def withdraw(root: Path) -> None:
    aside = root / "workbooks" / "retours" / "ecartes"
    aside.mkdir(exist_ok=True)
    for path in (root / "workbooks" / "retours").glob("*.xlsx"):
        path.rename(aside / path.name)


def replace_in(place: str, before: str, after: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / place
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    return change


#: What happens between two nights, each of which the next run has to see.
HAPPENINGS: dict[str, Callable[[Path], None]] = {
    "a return is put": lambda root: put(root, 1000),
    "it is saved again": lambda root: put(root, 1001, day=2),
    "another file answers too": lambda root: put(root, 1002, "luce (1).xlsx", day=3),
    "returns are set aside": withdraw,
    "a setting": replace_in("tabellion.toml", "arrondi_euros = 2", "arrondi_euros = 3"),
    "a schema": replace_in("schemas/fiches.json", '"title": "', '"title": "N '),
    "a template": replace_in("templates/rapport.html", "</body>", "<!-- --></body>"),
    "the register": replace_in("workbooks/registre/conventions.csv", "\n", " \n"),
    "an output is lost": lambda root: (root / "workbooks" / "consolidation" / "rapport.html").unlink(),
    "the journal is lost": lambda root: (root / "workbooks" / ".tabellion" / "journal.sqlite").unlink(),
    "a copy of the contract": lambda root: shutil.copy(
        root / "workbooks" / "contrat.xlsx", root / "workbooks" / "contrat (1).xlsx"
    ),
    "a form is sent no more": lambda root: (root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx").unlink(),
}


@pytest.mark.parametrize("names", [tuple(HAPPENINGS)[::3], tuple(HAPPENINGS)[1::4]])
def test_the_short_night_says_what_the_long_one_says(sent_copy: Path, names: tuple[str, ...]) -> None:
    for name in names:
        HAPPENINGS[name](sent_copy)
        assert not is_known(sent_copy), name
        for _ in range(3):  # the first may say what it did, the second what it found
            long_night = tabellion("consolidate", cwd=sent_copy)
            if is_known(sent_copy):
                break
        assert is_known(sent_copy), name
        before = contents(sent_copy)
        short_night = tabellion("consolidate", cwd=sent_copy)
        assert contents(sent_copy) == before
        (Folders(sent_copy).memory / CACHE_FILE).unlink()
        long_night = tabellion("consolidate", cwd=sent_copy)
        assert (short_night.code, short_night.out, short_night.err) == (long_night.code, long_night.out, long_night.err)
        assert "Rien n'a changé" in long_night.out


def test_whatever_a_run_depends_on_is_seen(sent_copy: Path) -> None:
    tabellion("consolidate", cwd=sent_copy)
    seen = [FolderDigests.of(Folders(sent_copy))]
    for name, happens in HAPPENINGS.items():
        happens(sent_copy)
        seen.append(FolderDigests.of(Folders(sent_copy)))
        assert seen[-1] != seen[-2], name
    assert len(set(seen)) == len(seen)


def test_a_record_ends_with_the_day_after_which_partners_are_late() -> None:
    record = CachedRun("", "", NIGHT, date(2016, 12, 15), 0, "", "", [])
    days = {day: record.holds(NIGHT + timedelta(days=day)) for day in (-1, 0, 14, 15)}
    assert days == {-1: False, 0: True, 14: True, 15: False}


def test_a_text_log_has_the_same_lines(sent_copy: Path) -> None:
    put(sent_copy, 999)
    log = sent_copy / "nuit.log"
    for _ in range(2):
        tabellion("consolidate", "--silencieux", cwd=sent_copy)
    logs = []
    for is_short in (True, False):
        assert is_known(sent_copy) == is_short
        tabellion("consolidate", "--silencieux", "--journal-texte", log, cwd=sent_copy)
        logs.append([line.split("] ", 1)[1] for line in log.read_text(encoding="utf-8").splitlines()[1:-1]])
        log.unlink()
        (Folders(sent_copy).memory / CACHE_FILE).unlink()
    assert logs[0] == logs[1]
    assert any(line.startswith("fichier : retours/luce.xlsx") for line in logs[0])


def replaced_meanwhile(root: Path, run: ConsolidationRun) -> ConsolidationRun:
    put(root, 1000, day=2)
    return run


def waits(root: Path, run: ConsolidationRun) -> ConsolidationRun:
    (Folders(root).memory / STAGING).mkdir()
    return run


def was_late(root: Path, run: ConsolidationRun) -> ConsolidationRun:  # noqa: ARG001
    late = refusal("lecture-delai", attendu=30.0, ampleur="").findings
    return replace(run, consolidation=replace(run.consolidation, findings=late))


@pytest.mark.parametrize("happens", [None, replaced_meanwhile, waits, was_late])
def test_what_may_be_otherwise_next_time_is_not_known(
    sent_copy: Path, happens: Callable[[Path, ConsolidationRun], ConsolidationRun] | None
) -> None:
    """A return saved while the run read, outputs that wait for their place, a file that asked too much time."""
    put(sent_copy, 999)
    with check_unchanged(sent_copy, "essai", NIGHT, is_wanted=True) as seen:
        run = consolidate(find_workspace(sent_copy), NIGHT)
        seen.remember(run if happens is None else happens(sent_copy, run), "", "", 0, NIGHT)
    assert (Folders(sent_copy).memory / CACHE_FILE).exists() == (happens is None)


def test_a_file_that_does_not_answer_hides_no_change_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retours, release = tmp_path / "workbooks" / "retours", threading.Event()
    retours.mkdir(parents=True)
    for name in ("avant.xlsx", "nuage.xlsx", "après.csv"):
        (retours / name).write_bytes(b"1")
    answers = unchanged.size_and_end

    def hang(path: str, *, is_regular: bool) -> tuple[int, str]:
        if path.endswith("nuage.xlsx"):
            release.wait(60)
        return answers(path, is_regular=is_regular)

    whole = FolderDigests.of(Folders(tmp_path))
    monkeypatch.setattr(unchanged, "PATIENCE", Patience(PATIENCE.seconds / 100))
    monkeypatch.setattr(unchanged, "size_and_end", hang)
    without = FolderDigests.of(Folders(tmp_path))
    assert without != whole
    assert without == FolderDigests.of(Folders(tmp_path))
    for name in ("avant.xlsx", "après.csv"):
        (retours / name).write_bytes(b"22")
        assert without != (without := FolderDigests.of(Folders(tmp_path))), name
    release.set()
