"""Outputs that somebody has open: never replaced under their hands, never lost, and never waited for for ever."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import openpyxl
import pytest

from support import faults
from support.faults import Program
from support.libreoffice import LibreOffice
from support.program import contents, environment
from support.publishing import AFTER, BEFORE, LAST_NIGHT, come_back, fill, publish_new, put, staging
from tabellion.findings import Finding
from tabellion.transaction import commit, is_place_free, publish, recover
from tabellion.transaction.manifest import Step, digest
from tabellion.transaction.open_files import STALE_SECONDS, is_owner_file, owner_of

WORKBOOK = "consolidation/consolidation.xlsx"
WAITING = "consolidation/consolidation (nouveau).xlsx"
OLD_COPY = "constats/vieux.xlsx"
#: As the clock has it: owner files are dated by the disk.
NOW = datetime.now().replace(microsecond=0)


@pytest.fixture
def workbooks(tmp_path: Path) -> Path:
    folder = tmp_path / "workbooks"
    fill(folder)
    return folder


def excel_holds(path: Path, name: str = "Hélène Martin") -> Path:
    """The owner file that Excel writes: 165 bytes, the name in the machine's encoding, then in UTF-16."""
    narrow, wide = name.encode("cp1252", "replace"), name.ljust(54).encode("utf-16-le")
    content = bytes([len(narrow)]) + narrow.ljust(54) + len(name).to_bytes(2, "little") + wide
    assert len(content) == 165
    owner = path.with_name(f"~${path.name}")
    owner.write_bytes(content)
    return owner


def libreoffice_holds(path: Path, content: str = "Marie Martin,marie,poste-12,23.11.2026 04:14,file:///p;") -> Path:
    owner = path.with_name(f".~lock.{path.name}#")
    owner.write_text(content, encoding="utf-8")
    return owner


def made_old(path: Path, seconds: float) -> None:
    then = NOW.timestamp() - seconds
    os.utime(path, (then, then))


def published(workbooks: Path, name: str, content: bytes) -> list[Finding]:
    return publish(workbooks, staging(workbooks), {workbooks / name: content}, now=NOW)


@contextmanager
def later(seconds: float, happen: Callable[[], object]) -> Iterator[None]:
    """It happens meanwhile."""
    timer = threading.Timer(seconds, happen)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def back(workbooks: Path, now: datetime = NOW) -> list[str]:
    return [finding.code for finding in recover(workbooks, staging(workbooks), now=now)]


# Who has it open


@pytest.mark.parametrize("name", ["Hélène Martin", "A", "Łukasz Ñandú", "x" * 54])
def test_excels_owner_file_names_the_person(workbooks: Path, name: str) -> None:
    excel_holds(workbooks / WORKBOOK, name)
    owner = owner_of(workbooks / WORKBOOK, NOW)
    assert owner is not None
    assert (owner.nom, owner.programme, owner.is_stale) == (name, "Excel", False)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("Marie Martin,marie,poste-12,23.11.2026 04:14,file:///p;", "Marie Martin"),
        (",root,vm,23.11.2026 04:14,file:///p;", "root"),
        ("Martin\\, Marie,marie,poste,,;", "Martin, Marie"),
        ("", ""),
        ("\x1b[31mMarie\u202e\n,x", "[31mMarie"),
        ("é" * 500, "é" * 60),
    ],
)
def test_libreoffices_owner_file_names_the_person(workbooks: Path, content: str, name: str) -> None:
    libreoffice_holds(workbooks / WORKBOOK, content)
    owner = owner_of(workbooks / WORKBOOK, NOW)
    assert owner is not None
    assert (owner.nom, owner.programme) == (name, "LibreOffice")


@pytest.mark.parametrize("content", [b"", b"\xff", b"\x05ab", b"\0" * 165, b"\xff" * 165, os.urandom(5000)])
def test_an_owner_file_that_says_nothing_is_still_somebodys(workbooks: Path, content: bytes) -> None:
    for name in ("~$consolidation.xlsx", ".~lock.consolidation.xlsx#"):
        (workbooks / "consolidation" / name).write_bytes(content)
        assert owner_of(workbooks / WORKBOOK, NOW) is not None
        (workbooks / "consolidation" / name).unlink()
    assert owner_of(workbooks / WORKBOOK, NOW) is None


def test_owner_files_are_known_by_their_names() -> None:
    assert is_owner_file("~$a.xlsx")
    assert is_owner_file(".~lock.a.xlsx#")
    assert not any(is_owner_file(name) for name in ("a.xlsx", ".~lock.a.xlsx", "~a.xlsx"))


# It waits, and takes its place


@pytest.mark.parametrize("holds", [excel_holds, libreoffice_holds])
def test_an_output_that_is_open_is_not_replaced_until_its_owner_leaves(workbooks: Path, holds: object) -> None:
    owner = holds(workbooks / WORKBOOK)  # type: ignore[operator]
    assert put(workbooks, now=NOW) == ["sortie-ouverte"]
    assert (workbooks / WORKBOOK).read_bytes() == BEFORE[WORKBOOK]
    assert (workbooks / WAITING).read_bytes() == AFTER[WORKBOOK]
    assert (workbooks / "consolidation/registre/fiches.csv").read_bytes() == b"new fiches"
    before = contents(workbooks)
    assert put(workbooks, now=NOW) == ["sortie-ouverte"]
    assert contents(workbooks) == before
    assert not is_place_free(workbooks, staging(workbooks), now=NOW)
    owner.unlink()
    assert is_place_free(workbooks, staging(workbooks), now=NOW)
    assert back(workbooks) == []
    assert (workbooks / WORKBOOK).read_bytes() == AFTER[WORKBOOK]
    assert not (workbooks / WAITING).exists()
    assert not is_place_free(workbooks, staging(workbooks), now=NOW)


def test_the_person_is_named_and_told_what_to_do(workbooks: Path) -> None:
    excel_holds(workbooks / WORKBOOK)
    (finding,) = published(workbooks, WORKBOOK, b"new")
    assert "Hélène Martin, dans Excel" in finding.suggestion
    assert "~$consolidation.xlsx" in finding.suggestion


def test_an_owner_file_beside_nothing_holds_nothing(workbooks: Path) -> None:
    (workbooks / WORKBOOK).unlink()
    excel_holds(workbooks / WORKBOOK)
    assert published(workbooks, WORKBOOK, b"new") == []
    assert (workbooks / WORKBOOK).read_bytes() == b"new"


def test_libreoffice_lets_go_for_an_instant_and_its_place_is_not_taken(workbooks: Path) -> None:
    owner = libreoffice_holds(workbooks / WORKBOOK)
    published(workbooks, WORKBOOK, b"new")
    owner.unlink()
    with later(0.05, lambda: libreoffice_holds(workbooks / WORKBOOK)):
        assert back(workbooks) == ["sortie-ouverte"]
    assert (workbooks / WORKBOOK).read_bytes() == BEFORE[WORKBOOK]


def test_excel_renames_for_an_instant_and_its_place_is_not_taken(workbooks: Path) -> None:
    """In the middle of a save the workbook is away, and its owner is not."""
    excel_holds(workbooks / WORKBOOK)
    (workbooks / WORKBOOK).unlink()
    with later(0.05, lambda: (workbooks / WORKBOOK).write_bytes(b"my notes")):
        assert [finding.code for finding in published(workbooks, WORKBOOK, b"new")] == ["sortie-ouverte"]
    assert (workbooks / WORKBOOK).read_bytes() == b"my notes"
    assert (workbooks / WAITING).read_bytes() == b"new"


def test_one_that_waits_and_cannot_be_read_now_is_not_forgotten(
    workbooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An antivirus or a sync client may hold it for an instant: no right says so to root, so it is scripted."""
    owner = excel_holds(workbooks / WORKBOOK)
    published(workbooks, WORKBOOK, b"new")
    owner.unlink()
    with monkeypatch.context() as held:
        held.setattr(commit, "digest", lambda _: None)
        assert back(workbooks) == ["sortie-ouverte"]
    assert back(workbooks) == []
    assert (workbooks / WORKBOOK).read_bytes() == b"new"


def test_what_the_owner_saved_meanwhile_is_kept(workbooks: Path) -> None:
    owner = excel_holds(workbooks / WORKBOOK)
    published(workbooks, WORKBOOK, b"new")
    (workbooks / WORKBOOK).write_bytes(b"with my notes")
    owner.unlink()
    assert back(workbooks) == ["sortie-modifiee"]
    assert (workbooks / WORKBOOK).read_bytes() == b"new"
    (kept,) = (workbooks / "consolidation").glob("consolidation 20*.xlsx")
    assert kept.read_bytes() == b"with my notes"


@pytest.mark.skipif(sys.platform == "win32", reason="there, what replaces it may be refused afterwards")
def test_the_place_of_what_is_put_aside_is_never_empty(workbooks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = excel_holds(workbooks / WORKBOOK)
    published(workbooks, WORKBOOK, b"new")
    (workbooks / WORKBOOK).write_bytes(b"with my notes")
    owner.unlink()
    replace, before = Path.replace, list[bytes]()

    def replace_watched(source: Path, target: Path) -> Path:
        before.append((workbooks / WORKBOOK).read_bytes())
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", replace_watched)
    assert back(workbooks) == ["sortie-modifiee"]
    assert before[0] == b"with my notes"
    assert (workbooks / WORKBOOK).read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="there, it is never tried")
def test_what_was_saved_is_kept_on_a_disk_without_second_names(
    workbooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path), None, str(target))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    test_what_the_owner_saved_meanwhile_is_kept(workbooks)


def test_what_the_owner_saved_between_two_that_waited_is_kept(workbooks: Path) -> None:
    owner = excel_holds(workbooks / WORKBOOK)
    published(workbooks, WORKBOOK, b"new")
    (workbooks / WORKBOOK).write_bytes(b"with my notes")
    published(workbooks, WORKBOOK, b"newer")
    owner.unlink()
    assert back(workbooks) == ["sortie-modifiee"]
    assert (workbooks / WORKBOOK).read_bytes() == b"newer"
    (kept,) = (workbooks / "consolidation").glob("consolidation 20*.xlsx")
    assert kept.read_bytes() == b"with my notes"


def test_what_an_owner_saved_who_leaves_in_the_middle_of_a_run_is_kept(workbooks: Path) -> None:
    owner = excel_holds(workbooks / WORKBOOK)
    published(workbooks, WORKBOOK, b"new")
    (workbooks / WORKBOOK).write_bytes(b"with my notes")
    staged = staging(workbooks) / "000000"
    staged.parent.mkdir()
    staged.write_bytes(b"newer")
    run = commit.Transaction(workbooks, staging(workbooks), NOW)
    step = Step(WORKBOOK, run.before(WORKBOOK), staged.name, digest(staged))
    owner.unlink()
    run._put(step, staged, step.sha256 or "")
    assert (workbooks / WORKBOOK).read_bytes() == b"newer"
    (kept,) = (workbooks / "consolidation").glob("consolidation 20*.xlsx")
    assert kept.read_bytes() == b"with my notes"
    assert not (workbooks / WAITING).exists()


def test_the_one_that_waits_may_be_open_too(workbooks: Path) -> None:
    owner = excel_holds(workbooks / WORKBOOK)
    published(workbooks, WORKBOOK, b"new")
    reader = libreoffice_holds(workbooks / WAITING)
    owner.unlink()
    assert not is_place_free(workbooks, staging(workbooks), now=NOW)
    assert back(workbooks) == ["sortie-ouverte"]
    assert (workbooks / WAITING).read_bytes() == b"new"
    # A newer one needs its name: the place itself is free, what the reader has open goes when it is closed.
    assert published(workbooks, WORKBOOK, b"newer") != []
    assert (workbooks / WORKBOOK).read_bytes() == b"newer"
    assert (workbooks / WAITING).read_bytes() == b"new"
    reader.unlink()
    assert back(workbooks) == []
    assert not (workbooks / WAITING).exists()
    assert (workbooks / WORKBOOK).read_bytes() == b"newer"


def test_an_output_to_remove_stays_while_it_is_open(workbooks: Path) -> None:
    owner = excel_holds(workbooks / OLD_COPY)
    assert put(workbooks, now=NOW) == []
    assert (workbooks / OLD_COPY).read_bytes() == BEFORE[OLD_COPY]
    assert back(workbooks) == []
    assert (workbooks / OLD_COPY).exists()
    owner.unlink()
    assert is_place_free(workbooks, staging(workbooks), now=NOW)
    assert back(workbooks) == []
    assert not (workbooks / OLD_COPY).exists()
    assert not (workbooks / ".tabellion" / "a-cote.json").exists()


def test_an_output_to_remove_that_its_owner_saved_is_kept(workbooks: Path) -> None:
    owner = excel_holds(workbooks / OLD_COPY)
    put(workbooks, now=NOW)
    (workbooks / OLD_COPY).write_bytes(b"with my notes")
    owner.unlink()
    assert back(workbooks) == []
    assert (workbooks / OLD_COPY).read_bytes() == b"with my notes"


def test_an_output_that_was_to_be_removed_and_is_wanted_again_stays(workbooks: Path) -> None:
    owner = excel_holds(workbooks / OLD_COPY)
    put(workbooks, now=NOW)
    assert published(workbooks, OLD_COPY, BEFORE[OLD_COPY]) == []
    owner.unlink()
    assert back(workbooks) == []
    assert (workbooks / OLD_COPY).read_bytes() == BEFORE[OLD_COPY]


@pytest.mark.skipif(faults.strace_missing() is not None, reason=str(faults.strace_missing()))
def test_killed_at_any_writing_call_nothing_is_lost_and_the_owner_is_not_disturbed(workbooks: Path) -> None:
    def anew() -> Program:
        shutil.rmtree(workbooks)
        fill(workbooks)
        for name in (WORKBOOK, OLD_COPY):
            made = LAST_NIGHT.timestamp() + 3600
            os.utime(excel_holds(workbooks / name), (made, made))
        return Program(partial(publish_new, workbooks), workbooks.parent, environment())

    calls = anew().calls()
    for call in calls[::3]:
        anew().killed_at(call)
        come_back(workbooks)
        assert (workbooks / WORKBOOK).read_bytes() == BEFORE[WORKBOOK], call
        assert (workbooks / OLD_COPY).read_bytes() == BEFORE[OLD_COPY], call
        assert put(workbooks) == ["sortie-ouverte"], call
        for owner in workbooks.rglob("~$*"):
            owner.unlink()
        assert come_back(workbooks) == [], call
        assert {name: (workbooks / name).read_bytes() for name in AFTER} == AFTER, call
        assert not (workbooks / OLD_COPY).exists(), call
        assert not list(workbooks.rglob("*nouveau*")), call


# Left behind


def test_an_owner_file_left_behind_holds_nothing_after_a_day(workbooks: Path) -> None:
    owner = libreoffice_holds(workbooks / WORKBOOK)
    made_old(owner, STALE_SECONDS - 60)
    assert put(workbooks, now=NOW) == ["sortie-ouverte"]
    made_old(owner, STALE_SECONDS + 60)
    assert is_place_free(workbooks, staging(workbooks), now=NOW)
    assert back(workbooks) == ["proprietaire-perime"]
    assert (workbooks / WORKBOOK).read_bytes() == AFTER[WORKBOOK]
    assert owner.exists()  # it is not ours


def test_an_old_owner_file_of_a_workbook_that_is_open_here_still_holds(workbooks: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not show who has a file open")
    made_old(libreoffice_holds(workbooks / WORKBOOK), 30 * STALE_SECONDS)
    with (workbooks / WORKBOOK).open("rb"):
        assert put(workbooks, now=NOW) == ["sortie-ouverte"]
    assert back(workbooks) == ["proprietaire-perime"]


def test_a_clock_far_away_makes_an_owner_file_stale(workbooks: Path) -> None:
    made_old(excel_holds(workbooks / WORKBOOK), -timedelta(days=400).total_seconds())
    assert put(workbooks, now=NOW) == ["proprietaire-perime"]


def test_a_living_owner_counts_before_a_stale_one(workbooks: Path) -> None:
    made_old(libreoffice_holds(workbooks / WORKBOOK), 2 * STALE_SECONDS)
    excel_holds(workbooks / WORKBOOK)
    (finding,) = published(workbooks, WORKBOOK, b"new")
    assert finding.code == "sortie-ouverte"
    assert "Excel" in finding.suggestion


# The real one


@pytest.mark.libreoffice
def test_a_real_libreoffice_is_not_disturbed(workbooks: Path, office: LibreOffice) -> None:
    target = workbooks / WORKBOOK
    book = openpyxl.Workbook()
    book.active["A1"] = "ancien"
    book.save(target)
    old = target.read_bytes()
    book.active["A1"] = "nouveau"
    book.save(workbooks.parent / "new.xlsx")
    new = (workbooks.parent / "new.xlsx").read_bytes()
    try:
        office.open(target)
        (finding,) = published(workbooks, WORKBOOK, new)
        assert finding.code == "sortie-ouverte"
        assert "dans LibreOffice" in finding.suggestion
        assert (target.read_bytes(), (workbooks / WAITING).read_bytes()) == (old, new)
        assert office.read()["Sheet"][0, 0].value == "ancien"
        # However long it stays open: its process has the file.
        (lock,) = target.parent.glob(".~lock.*")
        made_old(lock, 30 * STALE_SECONDS)
        assert back(workbooks) == ["sortie-ouverte"]
    finally:
        office.call("close")
    deadline = time.monotonic() + 60
    while not is_place_free(workbooks, staging(workbooks), now=NOW):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert back(workbooks) == []
    assert target.read_bytes() == new
    assert come_back(workbooks) == []
