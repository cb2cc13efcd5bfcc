"""The journal: what it is told comes back the same, and no state of its file ever stops a run."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from support.program import environment
from tabellion.campaign import journal_file
from tabellion.campaign.cell_history import CellEntry, key_text
from tabellion.campaign.journal import Journal, Run, SeenFile, open_journal, read_journal
from tabellion.campaign.model import Verdict
from tabellion.findings import TabellionError

NOW = datetime(2016, 11, 20, 2, 0)
LATER = datetime(2016, 11, 21, 2, 0)
ASIDE = "journal illisible 2016-11-20 02h00.sqlite"
CELL = ("lignes_budgetaires", '["B01-luce-001",2016]', "montant_prevu")


def make_entry(value: Any = 1_000_00, **more: Any) -> CellEntry:
    first: dict[str, Any] = {
        "table": "lignes_budgetaires",
        "key": ("B01-luce-001", 2016),
        "champ": "montant_prevu",
        "value": value,
        "partenaire": "luce",
        "exercice": 2016,
        "fichier": "retours/Lucé.xlsx",
        "feuille": "Budget",
        "cellule": "F6",
        "saved": datetime(2016, 11, 18, 13, 5),
        "author": "Zoé",
    }
    return CellEntry(**{**first, **more})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "workbooks" / ".tabellion" / "journal.sqlite"


def a_run(path: Path, *entries: CellEntry, now: datetime = NOW) -> tuple[int, list[str]]:
    """One whole run that says these cells: how many entries were added, and the codes of what it had to say."""
    with open_journal(path, now, patience_seconds=0.2) as journal:
        number = journal.start_run(now, "1.0")
        added = journal.add_entries(number, entries)
        journal.end_run(number, now, "abc", {"cellules": added})
    return added, codes(journal)


def codes(journal: Journal) -> list[str]:
    return [finding.code for finding in journal.findings]


def present(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


# What is told comes back.


def test_a_run_is_remembered_with_what_it_reached(path: Path) -> None:
    assert a_run(path, make_entry()) == (1, [])
    with open_journal(path, LATER) as journal:
        assert journal.last_run() == Run(1, NOW, NOW, "1.0", "abc", {"cellules": 1})
        assert journal.cells() == {CELL: make_entry()._replace(run=1, noted=NOW)}
    assert present(path) == ["journal.sqlite"]


def test_a_run_cut_short_is_listed_but_is_not_the_last_one(path: Path) -> None:
    a_run(path, make_entry())
    with open_journal(path, LATER) as journal:
        journal.start_run(LATER, "1.1")
    with open_journal(path, LATER) as journal:
        assert [(run.number, run.ended) for run in journal.runs(10)] == [(2, None), (1, NOW)]
        last = journal.last_run()
        assert last is not None
        assert last.number == 1


def test_a_run_that_fails_leaves_nothing_of_what_it_said(path: Path) -> None:
    a_run(path, make_entry())
    with suppress(ZeroDivisionError), open_journal(path, LATER) as journal:
        assert journal.add_entries(journal.start_run(LATER, "1"), [make_entry(5)]) == 1
        raise ZeroDivisionError
    assert [entry.value for entry in read_journal(path).history()] == [1_000_00]


def test_only_another_value_partner_or_file_is_a_new_entry(path: Path) -> None:
    entries = [
        (make_entry(), 1),
        (make_entry(), 0),
        (make_entry(saved=LATER, author="Max"), 0),
        (make_entry(feuille="Budget (2)", cellule="F9"), 0),
        (make_entry(2_000_00), 1),
        (make_entry(2_000_00, partenaire=None), 1),
        (make_entry(2_000_00, partenaire=None, fichier="contrat.xlsx"), 1),
        (make_entry(None, partenaire=None, fichier="contrat.xlsx"), 1),
    ]
    for entry, added in entries:
        assert a_run(path, entry) == (added, []), entry
    with read_journal(path) as journal:
        assert [entry.value for entry in journal.history(*CELL[:1])] == [1_000_00, *[2_000_00] * 3, None]


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (1, 1.0), ("1", 1), (date(2016, 1, 2), "2016-01-02")]
)
def test_values_that_only_look_alike_are_not_the_same(path: Path, one: Any, other: Any) -> None:
    assert [a_run(path, make_entry(value))[0] for value in (one, other, other)] == [1, 1, 0]


def test_a_row_that_moved_is_found_at_its_new_place_and_its_history_keeps_the_old_one(path: Path) -> None:
    a_run(path, make_entry())
    a_run(path, make_entry(cellule="F9"), now=LATER)
    with read_journal(path) as journal:
        assert [cell.cellule for cell in journal.cells().values()] == ["F9"]
        assert [entry.cellule for entry in journal.history()] == ["F6"]


def test_history_is_asked_by_row_field_or_place(path: Path) -> None:
    other = make_entry("Cantine", champ="libelle", cellule="C6")
    third = make_entry(7, key=("B02-luce-001", 2016), cellule="F7")
    a_run(path, make_entry(), other, third)
    with read_journal(path) as journal:
        asked = [
            journal.history(key=("B01-luce-001", 2016)),
            journal.history("lignes_budgetaires", ("B01-luce-001", 2016), "libelle"),
            journal.history(place=("retours/Lucé.xlsx", "Budget", "F7")),
            journal.history("fiches"),
        ]
        assert journal.sheets() == {("retours/Lucé.xlsx", "Budget")}
    assert [[entry.value for entry in answer] for answer in asked] == [[1_000_00, "Cantine"], ["Cantine"], [7], []]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**63) - 2, 2**64),
    st.floats(allow_nan=False),
    st.text(st.characters()),
    st.text(st.characters(categories=["Cs", "Cc", "L"])),
    st.dates(),
    st.datetimes(),
)


@given(st.lists(VALUES, min_size=1, max_size=12), st.text(st.characters(), max_size=20))
@hypothesis_settings(max_examples=60)
def test_every_value_comes_back_the_same_and_of_the_same_type(values: list[Any], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        entries = [
            make_entry(value, key=(number, name), fichier=name, feuille=name, author=name)
            for number, value in enumerate(values)
        ]
        assert a_run(path, *entries) == (len(values), [])
        with open_journal(path, LATER) as journal:
            back = list(journal.cells().values())
            assert journal.add_entries(journal.start_run(LATER, "1"), entries) == 0
        assert [(type(value.value), value.value) for value in back] == [(type(value), value) for value in values]
        assert [entry._replace(run=0, noted=None) for entry in back] == entries


def test_a_value_that_is_no_number_comes_back(path: Path) -> None:
    a_run(path, make_entry(float("nan")))
    assert a_run(path, make_entry(float("nan"))) == (0, [])
    (back,) = read_journal(path).cells().values()
    assert back.value != back.value


def test_a_key_is_written_in_one_way() -> None:
    assert key_text(("I-1.1./1", 2016, date(2016, 12, 31))) == '["I-1.1./1",2016,"2016-12-31"]'


def seen(name: str, digest: str = "aa", verdict: Verdict = Verdict.IN_FORCE) -> SeenFile:
    return SeenFile(name, 10, "tail", digest, verdict, "luce", 2016)


def test_files_are_known_as_the_last_run_saw_them_and_their_past_is_kept(path: Path) -> None:
    runs = [
        [seen("retours/a.xlsx"), seen("retours/b.xlsx")],
        [seen("retours/a.xlsx"), seen("retours/b.xlsx", "bb", Verdict.REJECTED)],
        [seen("retours/b.xlsx", "bb", Verdict.REJECTED), seen("retours/\udce9.xlsx")],
    ]
    for files in runs:
        with open_journal(path, NOW) as journal:
            number = journal.start_run(NOW, "1")
            journal.see_files(number, files)
            journal.end_run(number, NOW, "", {})
    with open_journal(path, NOW) as journal:
        now = journal.sightings(now_only=True)
        assert [(file.fichier, file.sha256) for file in now] == [(file.fichier, file.sha256) for file in runs[-1]]
        past = [
            (sighting.fichier, sighting.verdict, sighting.run, sighting.until)
            for sighting in journal.sightings("retours/b.xlsx")
        ]
        assert [(sighting.run, sighting.until) for sighting in journal.sightings("retours/a.xlsx")] == [(1, 3)]
    assert past == [("retours/b.xlsx", Verdict.IN_FORCE, 1, 2), ("retours/b.xlsx", Verdict.REJECTED, 2, None)]


def test_readings_are_kept_as_they_come_and_dropped_when_nobody_asks_for_them(path: Path) -> None:
    short, long = {"a": [1, None, "é\udc80"]}, {"b": ["texte"] * 1000}
    with suppress(ZeroDivisionError), open_journal(path, NOW) as journal:
        journal.keep_readings("v1", {"aa": short, "bb": long})
        raise ZeroDivisionError
    with open_journal(path, NOW) as journal:
        assert journal.readings("v1", ["aa", "bb", "cc"]) == {"aa": short, "bb": long}
        assert journal.readings("v2", ["aa"]) == {}
        journal.end_run(journal.start_run(NOW, "1"), NOW, "", {})
    with open_journal(path, NOW) as journal:
        journal.keep_readings("v2", {"aa": short})
        journal.end_run(journal.start_run(NOW, "2"), NOW, "", {})
    with open_journal(path, NOW) as journal:
        assert journal.readings("v1", ["aa", "bb"]) == {}
        assert journal.readings("v2", ["aa"]) == {"aa": short}


def test_a_reading_that_is_damaged_is_only_not_there(path: Path) -> None:
    with open_journal(path, NOW) as journal:
        journal.keep_readings("v1", {"aa": {"a": 1}, "bb": {"b": ["texte"] * 1000}})
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE readings SET content = substr(content, 1, 20) WHERE sha256 = 'bb'")
    connection.close()
    with open_journal(path, NOW) as journal:
        assert journal.readings("v1", ["aa", "bb"]) == {"aa": {"a": 1}}


# Whatever the file is, a run goes on.


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbage(path: Path) -> None:
    path.write_bytes(b"ceci n'est pas un journal" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def corrupt_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 100] = b"\xff" * 100
    content[24:28] = b"\1\1\1\1"  # the file's count of changes: who has pages in memory reads them again
    path.write_bytes(content)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "notes.txt").write_text("ne pas perdre")


def another_database(path: Path) -> None:
    path.unlink()
    change(path, "CREATE TABLE recettes (titre TEXT)")


def a_newer_one(path: Path) -> None:
    change(path, "PRAGMA user_version = 99")


def a_table_missing(path: Path) -> None:
    change(path, "DROP TABLE sightings")


def a_dead_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nulle part"))


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


ACCIDENTS = [
    truncated, garbage, empty, corrupt_page, a_folder, another_database, a_newer_one, a_table_missing, a_dead_link,
]  # fmt: skip


@pytest.mark.parametrize("accident", ACCIDENTS, ids=lambda accident: accident.__name__)
def test_a_journal_that_cannot_serve_is_set_aside_untouched_and_a_new_one_begins(
    path: Path, accident: Callable[[Path], None]
) -> None:
    a_run(path, *(make_entry(number, key=(f"L-{number}", 2016)) for number in range(2000)))
    accident(path)
    before = path.read_bytes() if path.is_file() else None
    assert a_run(path, make_entry()) == (1, ["journal-mis-de-cote"])
    assert present(path) == [ASIDE, "journal.sqlite"]
    aside = path.with_name(ASIDE)
    assert (aside.read_bytes() if aside.is_file() else None) == before
    assert a_run(path, make_entry()) == (0, [])
    accident(path)
    a_run(path, make_entry())
    assert present(path) == [ASIDE.replace(".sqlite", " (2).sqlite"), ASIDE, "journal.sqlite"]


def test_what_sqlite_left_beside_goes_aside_too_and_never_into_the_new_one(path: Path) -> None:
    a_run(path, make_entry())
    a_folder(path)
    beside = path.with_name("journal.sqlite-journal")
    beside.write_bytes(b"anciennes pages")
    a_run(path, make_entry())
    assert present(path) == [ASIDE, f"{ASIDE}-journal", "journal.sqlite"]
    path.unlink()
    beside.write_bytes(b"anciennes pages")  # the journal was taken away, and not this
    assert a_run(path, make_entry()) == (1, [])
    assert a_run(path, make_entry()) == (0, [])


def test_damage_met_during_a_run_loses_the_past_and_not_the_run(path: Path) -> None:
    a_run(path, *(make_entry(number, key=(f"L-{number}", 2016)) for number in range(2000)))
    with open_journal(path, LATER) as journal:
        number = journal.start_run(LATER, "1")
        corrupt_page(path)
        assert journal.add_entries(number, [make_entry()]) == 1
        journal.end_run(number, LATER, "fin", {})
    assert codes(journal) == ["journal-mis-de-cote"]
    with read_journal(path) as journal:
        assert [(run.number, run.state) for run in journal.runs(5)] == [(number, "fin")]
        assert [entry.value for entry in journal.history()] == [1_000_00]


def test_an_older_journal_is_brought_up_to_date_with_all_it_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_run(path, make_entry())
    monkeypatch.setattr(
        journal_file,
        "STEPS",
        (*journal_file.STEPS, "ALTER TABLE runs ADD COLUMN machine TEXT; CREATE TABLE notes (id INTEGER);"),
    )
    assert [entry.value for entry in read_journal(path).history()] == [1_000_00]
    assert a_run(path, make_entry()) == (0, ["journal-migre"])
    assert a_run(path, make_entry(5)) == (1, [])
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    assert connection.execute("SELECT number, machine FROM runs").fetchall() == [(1, None), (2, None), (3, None)]
    connection.close()


def test_a_journal_of_the_first_version_keeps_its_history(path: Path) -> None:
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript(journal_file.STEPS[0])
    connection.executescript("""
        INSERT INTO runs VALUES (1, '2016-11-20T02:00:00', '2016-11-20T02:00:00', '1.0', 'abc', '{}');
        INSERT INTO words VALUES (1, 'lignes_budgetaires'), (2, '["B01-luce-001",2016]'), (3, 'montant_prevu'),
            (4, 'Budget'), (5, 'commentaire');
        INSERT INTO sources VALUES (1, 'luce', 2016, 'retours/Lucé.xlsx', '2016-11-18T13:05:00', 'Zoé'),
            (2, NULL, NULL, 'contrat.xlsx', NULL, '');
        INSERT INTO cells VALUES (1, 1, 2, 3, 4, 'F9'), (2, 1, 2, 5, NULL, NULL);
        INSERT INTO said VALUES (1, 1, 1, 90000, 2, 4, 'F6'), (2, 2, 1, x'6231', 2, NULL, NULL),
            (3, 1, 1, 100000, 1, 4, 'F6');
    """)
    connection.execute(f"PRAGMA application_id = {journal_file.APPLICATION}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    assert a_run(path, make_entry(cellule="F9"), now=LATER) == (0, ["journal-migre"])
    with read_journal(path) as journal:
        assert [(entry.champ, entry.value, entry.cellule, entry.fichier) for entry in journal.history()] == [
            ("montant_prevu", 900_00, "F6", "contrat.xlsx"),
            ("commentaire", True, None, "contrat.xlsx"),
            ("montant_prevu", 1_000_00, "F6", "retours/Lucé.xlsx"),
        ]
        assert journal.cells()[CELL] == make_entry(cellule="F9")._replace(run=1, noted=NOW)


def test_an_older_journal_that_cannot_be_brought_up_to_date_is_set_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run(path, make_entry())
    change(path, "CREATE TABLE notes (id INTEGER)")
    before = path.read_bytes()
    monkeypatch.setattr(journal_file, "STEPS", (*journal_file.STEPS, "CREATE TABLE notes (id INTEGER);"))
    assert a_run(path, make_entry()) == (1, ["journal-mis-de-cote"])
    assert path.with_name(ASIDE).read_bytes() == before


# Other processes.

_HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(60)
"""
_WRITER = """
import sys
from datetime import datetime
from pathlib import Path
from tabellion.campaign.cell_history import CellEntry
from tabellion.campaign.journal import open_journal
now = datetime(2016, 11, 20, 2)
count = int(sys.argv[2])
print("ready", flush=True)
while True:
    with open_journal(Path(sys.argv[1]), now, 120) as journal:  # SQLite is not fair to who waits
        assert not journal.findings, journal.findings
        number = journal.start_run(now, "1")
        keys = range(count)
        journal.keep_readings("v", {str(key): {"run": number} for key in keys})
        journal.add_entries(number, [CellEntry("t", (key,), "c", number, None, None, "contrat.xlsx") for key in keys])
        journal.end_run(number, now, str(number), {})
    print(number, flush=True)
"""


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def begin(program: str, *arguments: Any, **more: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(), **more)
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def test_a_journal_that_another_program_locks_is_set_aside(path: Path, start: Callable[..., Any]) -> None:
    a_run(path, make_entry())
    holder = start(_HOLDER, path)
    assert a_run(path, make_entry()) == (1, ["journal-mis-de-cote"])
    assert a_run(path, make_entry()) == (0, [])
    holder.kill()
    holder.wait()
    assert [entry.value for entry in read_journal(path.with_name(ASIDE)).history()] == [1_000_00]


def test_a_lock_taken_during_a_run_costs_its_notes_and_not_the_run(path: Path, start: Callable[..., Any]) -> None:
    a_run(path, make_entry())
    with open_journal(path, LATER, patience_seconds=0.1) as journal:
        number = journal.start_run(LATER, "1")
        start(_HOLDER, path)
        assert journal.add_entries(number, [make_entry(5)]) == 0
        journal.end_run(number, LATER, "fin", {})
        assert journal.cells() == {}
    assert codes(journal) == ["journal-non-tenu"]


def test_a_program_that_reads_for_too_long_costs_the_notes_and_not_the_journal(path: Path) -> None:
    a_run(path, make_entry())
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM entries").fetchone() == (1,)
    assert a_run(path, make_entry(5))[1] == ["journal-non-tenu"]
    reader.close()
    assert a_run(path, make_entry(5)) == (1, [])


@pytest.mark.parametrize("count", [3, 4000])
def test_killed_at_any_instant_the_journal_opens_and_holds_whole_runs(
    path: Path, start: Callable[..., Any], count: int
) -> None:
    for rank in range(8):
        writer = start(_WRITER, path, count)
        if rank == 7:  # on a slow machine, none of the others may have ended a run
            writer.stdout.readline()
        time.sleep(0.05 + 0.037 * rank)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        with open_journal(path, NOW) as journal:
            assert journal.findings == []
            last = journal.last_run()
            values = {cell.value for cell in journal.cells().values()}
            assert values == ({last.number} if last is not None else set())
            assert len(journal.cells()) == (count if last is not None else 0)
            readings = journal.readings("v", [str(key) for key in range(count)])
            assert len(readings) in (0, count)
            assert len({reading["run"] for reading in readings.values()}) <= 1
    assert last is not None


def test_two_programs_that_write_wait_for_each_other(path: Path, start: Callable[..., Any]) -> None:
    a_run(path, make_entry())
    writers = [start(_WRITER, path, 3), start(_WRITER, path, 3)]
    for _ in range(3):
        assert [writer.stdout.readline() != "" for writer in writers] == [True, True]
    assert [writer.poll() for writer in writers] == [None, None]
    for writer in writers:
        writer.kill()
        writer.wait()
    with read_journal(path) as journal:
        assert len(journal.runs(1000)) > 6


# Rights and room.

_PLAIN_RUN = """
import os, sys
from datetime import datetime
from pathlib import Path
from tabellion.campaign.cell_history import CellEntry
from tabellion.campaign.journal import open_journal
now = datetime(2016, 11, 20, 2)
if os.geteuid() == 0:
    os.seteuid(65534)  # nobody
with open_journal(Path(sys.argv[1]), now, 0.2) as journal:
    number = journal.start_run(now, "1")
    added = journal.add_entries(number, [CellEntry("t", (1,), "c", 5, None, None, "contrat.xlsx")])
    print(added, len(journal.cells()), *(each.code for each in journal.findings))
    journal.end_run(number, now, "fin", {})
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter: rights mean nothing to the one who runs everything."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777)
    shutil.rmtree(folder)


def a_plain_run(path: Path) -> list[str]:
    """A run by a user without privilege: what it added, the cells it knows, its codes."""
    command = [sys.executable, "-c", _PLAIN_RUN, str(path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_journal_in_lecture_seule_goes_on_in_a_new_one(open_folder: Path) -> None:
    path = open_folder / "journal.sqlite"
    a_run(path, make_entry())
    path.chmod(0o444)
    assert a_plain_run(path) == ["1", "2", "journal-mis-de-cote"]
    assert present(path) == [ASIDE, "journal.sqlite"]
    assert a_plain_run(path) == ["0", "2"]


def test_a_journal_that_may_not_be_read_is_set_aside(open_folder: Path) -> None:
    path = open_folder / "journal.sqlite"
    a_run(path, make_entry())
    path.chmod(0)
    assert a_plain_run(path) == ["1", "1", "journal-mis-de-cote"]


def test_in_a_folder_in_lecture_seule_the_run_goes_on_with_what_can_be_read(open_folder: Path) -> None:
    path = open_folder / "journal.sqlite"
    a_run(path, make_entry())
    before = path.read_bytes()
    path.chmod(0o666)
    open_folder.chmod(0o555)
    assert a_plain_run(path) == ["1", "2", "journal-en-memoire"]
    assert path.read_bytes() == before
    path.chmod(0)
    assert a_plain_run(path) == ["1", "1", "journal-en-memoire"]


def test_without_a_folder_to_write_in_the_run_goes_on(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    path = open_folder / ".tabellion" / "journal.sqlite"
    assert a_plain_run(path) == ["1", "1", "journal-en-memoire"]
    open_folder.chmod(0)  # nor to look in
    assert a_plain_run(path) == ["1", "1", "journal-en-memoire"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are Unix's")
@pytest.mark.parametrize("room_bytes", [0, 4096, 20_000, 45_056])
def test_without_room_on_the_disk_the_run_goes_on_and_the_journal_is_not_harmed(
    open_folder: Path, room_bytes: int
) -> None:
    import resource

    path = open_folder / "journal.sqlite"
    a_run(path, *(make_entry(number, key=(f"L-{number}", 2016)) for number in range(200)))
    path.chmod(0o666)
    expected = read_journal(path).cells()

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, room_bytes))

    done = subprocess.run(
        [sys.executable, "-c", _PLAIN_RUN, str(path)],
        env=environment(), capture_output=True, text=True, preexec_fn=limit, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    known = read_journal(path).cells()
    assert {cell: known[cell] for cell in expected} == expected
    assert present(path) == ["journal.sqlite"]
    assert a_run(path, make_entry()) == (1, [])


def test_reading_makes_nothing_and_says_what_is_missing(path: Path) -> None:
    for make, code in ((lambda: None, "journal-absent"), (lambda: garbage(path), "journal-illisible")):
        path.parent.mkdir(parents=True, exist_ok=True)
        make()
        with pytest.raises(TabellionError) as refusal:
            read_journal(path)
        assert [finding.code for finding in refusal.value.findings] == [code]
        assert present(path) in ([], ["journal.sqlite"])


def test_a_large_contract_is_loaded_in_a_moment(path: Path) -> None:
    fields = ("libelle", "montant_prevu", "montant_vote", "montant_realise", "commentaire")
    entries = [
        make_entry(
            rank * 100, key=(f"B{rank % 11:02d}-ville-{rank:05d}", 2016), champ=champ, fichier=f"retours/{rank % 1000}"
        )
        for rank in range(10_000)
        for champ in fields
    ]
    a_run(path, *entries)
    started = time.process_time()
    with open_journal(path, LATER) as journal:
        assert len(journal.cells()) == 50_000
    assert time.process_time() - started < 2  # 0.2 measured
    assert path.stat().st_size < 8_000_000
