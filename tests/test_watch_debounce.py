"""Many events, one batch: scripted feeds as the systems really give them, on a clock and a disk that the test moves."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabellion.watching.debounce import Batch, Debounce
from tabellion.watching.snapshot import UNREADABLE, FileStat, Fingerprint, Snapshot, fingerprint, is_complete

ROOT, WORKBOOKS, RETOURS = Path("/contrat"), Path("/contrat/workbooks"), Path("/contrat/workbooks/retours")
VILLE, OTHER, NEW = RETOURS / "ville.xlsx", RETOURS / "autre.xlsx", RETOURS / "nouveau.xlsx"
PART = object()
"""The content of a file that is only half there."""


@dataclass
class Disk:
    """Contents and stats by path, and a clock. ``tell`` changes one and lets the watcher hear of it, as most systems
    do; ``write`` changes one without a word, as shares do. ``late`` are the seconds by which every look is late."""

    contents: dict[Path, object] = field(default_factory=dict)
    now: float = 1000.0
    is_present: bool = True
    is_running: bool = False
    late: float = 0.0
    batches: list[tuple[float, Batch]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stats: dict[Path, FileStat] = {}
        self.writes = 0
        self.told: dict[str, float] = {}
        self.heard = self.looked = self.now
        for path, content in self.contents.items():
            self.write(path, content)

    def start(self, **options: float) -> Debounce:
        folders = {name: WORKBOOKS / name for name in ("envois", "consolidation", "retours")}
        workspace = SimpleNamespace(root=ROOT, workbooks=WORKBOOKS, **folders)
        self.debounce = Debounce(
            workspace,  # type: ignore[arg-type]
            clock=lambda: self.now, take_snapshot=lambda _: self.snapshot(), fingerprint=self.fingerprint,
            is_complete=self.is_complete, **options,  # type: ignore[arg-type]
        )  # fmt: skip
        self.look()
        return self.debounce

    def snapshot(self) -> Snapshot:
        folders = [ROOT, WORKBOOKS, *([RETOURS] if self.is_present else [])]
        files = {str(path): stat for path, stat in self.stats.items()} if self.is_present else {}
        return Snapshot(files, {str(folder): (1, rank) for rank, folder in enumerate(folders, 1)})

    def fingerprint(self, path: Path) -> Fingerprint | None:
        if path not in self.contents or not self.is_present:
            return None
        content = self.contents[path]
        return UNREADABLE if content is PermissionError else (1, repr(content))

    def is_complete(self, path: Path) -> bool:
        content = self.contents.get(path)
        return content is not PermissionError and not (isinstance(content, tuple) and content[0] is PART)

    def write(self, path: Path, content: object = None) -> None:
        if content is None:
            self.contents.pop(path, None)
            self.stats.pop(path, None)
        else:
            self.writes += 1
            self.contents[path], self.stats[path] = content, (1, self.writes, self.writes, 1)

    def tell(self, path: Path, content: object = None) -> None:
        self.write(path, content)
        self.told[str(path)] = self.heard = self.now

    def look(self) -> None:
        told, self.told, self.looked = self.told, {}, self.now
        self.debounce.look(told)
        if not self.is_running and (batch := self.debounce.take_batch()):
            self.batches.append((self.now, batch))

    def wait(self, seconds: float, *, poll_seconds: float | None = None) -> None:
        """Let time go by as the watcher does: it looks when it was told something, and while a change is not over;
        where nothing is told, every ``poll_seconds``."""
        end = self.now + seconds
        while True:
            if self.told:
                moment = self.heard
            elif self.debounce.missing is not None:
                moment = self.looked + 2.0
            elif self.debounce.is_pending:
                moment = self.looked + self.debounce.pause()
            elif poll_seconds is not None:
                moment = self.looked + poll_seconds
            else:
                break
            moment = max(self.now, moment + self.late)
            if moment > end:
                break
            self.now = moment
            self.look()
        self.now = end

    def run(self, *feed: tuple[float, Callable[[], object]]) -> list[Batch]:
        """Let each thing happen after its seconds, then wait for long; the batches that came of it."""
        for seconds, happen in feed:
            self.wait(seconds)
            happen()
        self.wait(300)
        return [batch for _, batch in self.batches]


@pytest.fixture
def disk() -> Disk:
    disk = Disk({VILLE: "old", OTHER: "other"})
    disk.start()
    return disk


def changed(*paths: Path) -> list[Batch]:
    return [Batch(changed=frozenset(paths))]


def test_excel_saves_in_a_temporary_file_and_renames_twice(disk: Disk) -> None:
    saved, aside = RETOURS / "8F3B2A10", RETOURS / "5C1D.tmp"
    assert disk.run(
        (0, lambda: disk.tell(saved, (PART, "new"))),
        (0.05, lambda: disk.tell(saved, "new")),
        (0.02, lambda: (disk.tell(VILLE), disk.tell(aside, "old"))),
        (0.3, lambda: (disk.tell(saved), disk.tell(VILLE, "new"))),
        (0.01, lambda: disk.tell(aside)),
    ) == changed(VILLE)


def test_libreoffice_closes_the_old_content_then_renames_the_new_over_it(disk: Disk) -> None:
    assert disk.run(
        (0, lambda: disk.tell(VILLE, "old")),  # closed
        (0.1, lambda: disk.tell(VILLE, "new")),  # lu1234.tmp renamed
        (0.01, lambda: disk.tell(VILLE, "new")),
        (0.4, lambda: disk.tell(VILLE, "new")),
    ) == changed(VILLE)


def test_a_slow_copy_is_waited_for(disk: Disk) -> None:
    steps = [(2.5, lambda at=at: disk.tell(NEW, (PART, at))) for at in range(10)]  # type: ignore[misc]
    assert disk.run(*steps, (2.5, lambda: disk.tell(NEW, "whole"))) == changed(NEW)


def test_a_copy_that_grows_without_a_word_is_waited_for(disk: Disk) -> None:
    """A share tells once, if ever: the looks see the file grow."""
    grow = [(0.4, lambda at=at: disk.write(NEW, at)) for at in range(12)]  # type: ignore[misc]
    assert disk.run((0, lambda: disk.tell(NEW, "0")), *grow, (0, lambda: disk.write(NEW, "end"))) == changed(NEW)


def test_a_copy_that_grows_within_one_tick_of_the_disks_clock_is_waited_for(disk: Disk) -> None:
    """Its size and times stay: only its content tells."""
    grow = [(0.4, lambda at=at: disk.contents.__setitem__(NEW, at)) for at in range(6)]  # type: ignore[misc]
    assert disk.run((0, lambda: disk.tell(NEW, "0")), *grow) == changed(NEW)
    disk.contents[NEW] = "again"
    disk.tell(OTHER, "other, saved")
    assert disk.run()[1:] == changed(NEW, OTHER)


def test_a_sync_client_writes_chunks_then_renames(disk: Disk) -> None:
    part = RETOURS / "nouveau.xlsx.part"
    steps = [(0.3, lambda at=at: disk.tell(part, at)) for at in range(20)]  # type: ignore[misc]
    assert disk.run(*steps, (0.3, lambda: (disk.tell(part), disk.tell(NEW, "whole")))) == changed(NEW)


def test_patience_has_an_end(disk: Disk) -> None:
    disk.tell(NEW, (PART, 1))
    start = disk.now
    assert disk.run() == [Batch(changed=frozenset({NEW}), unfinished=frozenset({NEW}))]
    late = disk.batches[0][0] - start - disk.debounce.longest_seconds
    assert 0 <= late <= disk.debounce.quiet_seconds
    disk.tell(NEW, "whole")
    assert disk.run()[1:] == changed(NEW)


def test_a_file_that_stays_locked_is_handed_over_once(disk: Disk) -> None:
    disk.tell(NEW, PermissionError)
    assert disk.run() == [Batch(changed=frozenset({NEW}), unfinished=frozenset({NEW}))]
    disk.tell(NEW, PermissionError)
    assert len(disk.run()) == 1


@pytest.mark.parametrize("is_growing", [True, False], ids=["it grows on and on", "it stays cut short"])
def test_a_return_that_is_never_whole_holds_up_no_other(disk: Disk, is_growing: bool) -> None:
    """Nor does it hold up those that come later, also once it was handed over as it is."""
    disk.tell(OTHER, (PART, 0))
    disk.tell(VILLE, 0)
    saved = {0: 1000.0}
    for at in range(1, 400):
        disk.wait(0.4)
        if is_growing:
            disk.tell(OTHER, (PART, at))
        if at % 100 == 0:
            disk.tell(VILLE, at)
            saved[at] = disk.now
    answered = [moment for moment, batch in disk.batches if VILLE in batch.changed]
    assert answered == [pytest.approx(moment, abs=5 if at == 0 else 2) for at, moment in saved.items()]
    cut = [batch for _, batch in disk.batches if OTHER in batch.changed]
    assert cut == [Batch(frozenset({OTHER}), unfinished=frozenset({OTHER}))] * (2 if is_growing else 1)
    disk.tell(OTHER, "whole")
    assert disk.run()[-1:] == changed(OTHER)


def test_the_workbook_of_the_contract_is_waited_for_by_all(disk: Disk) -> None:
    """A run in the middle of its save would find none."""
    contrat = WORKBOOKS / "contrat.xlsx"
    disk.tell(contrat, (PART, 0))
    disk.tell(VILLE, "new")
    disk.wait(30)
    assert disk.batches == []
    disk.tell(contrat, "whole")
    assert disk.run() == changed(VILLE, contrat)


def test_three_hundred_files_are_one_batch(disk: Disk) -> None:
    files = [RETOURS / f"{at}.xlsx" for at in range(300)]
    assert disk.run(*((0.02, lambda file=file: disk.tell(file, "content")) for file in files)) == changed(*files)


def test_a_rename_is_one_batch(disk: Disk) -> None:
    disk.tell(VILLE)
    disk.tell(NEW, "old")
    assert disk.run() == [Batch(changed=frozenset({NEW}), removed=frozenset({VILLE}))]


def test_a_move_to_the_set_aside_is_one_batch(disk: Disk) -> None:
    aside = RETOURS / "écartés" / "ville.xlsx"
    disk.tell(VILLE)
    disk.tell(aside, "old")
    assert disk.run() == [Batch(changed=frozenset({aside}), removed=frozenset({VILLE}))]


def test_a_deletion_is_told_once_quiet(disk: Disk) -> None:
    disk.tell(VILLE)
    assert disk.run() == [Batch(removed=frozenset({VILLE}))]
    assert disk.batches[0][0] == 1000 + disk.debounce.quiet_seconds


def test_the_same_content_is_no_change(disk: Disk) -> None:
    assert disk.run((0, lambda: disk.tell(VILLE)), (0.2, lambda: disk.tell(VILLE, "old"))) == []
    assert not disk.debounce.is_pending


def test_what_came_and_went_is_no_change(disk: Disk) -> None:
    assert disk.run((0, lambda: disk.tell(NEW, "x")), (0.2, lambda: disk.tell(NEW))) == []


def test_changes_during_a_run_are_one_more_batch(disk: Disk) -> None:
    disk.tell(VILLE, "new")
    disk.wait(1)
    assert len(disk.batches) == 1
    disk.is_running = True  # nothing is taken
    disk.tell(VILLE, "newer")
    disk.wait(3)
    disk.tell(OTHER, "newer")
    disk.wait(5)
    disk.is_running = False
    assert disk.run()[1:] == changed(VILLE, OTHER)


def test_files_of_a_share_that_is_away_are_not_gone(disk: Disk) -> None:
    disk.tell(VILLE, "new")
    disk.is_present = False
    assert disk.run() == []
    assert disk.debounce.missing is not None
    assert not disk.debounce.is_present()
    disk.is_present = True
    assert disk.run() == changed(VILLE)


# A machine that is busy, or a share that tells nothing: no clock is raced


def test_a_known_file_written_anew_slowly_is_no_change(disk: Disk) -> None:
    """Seen half-written, again and again, for longer than the quiet: what counts is what it is in the end."""
    halves = [(1.7, lambda at=at: disk.tell(VILLE, (PART, at))) for at in range(6)]  # type: ignore[misc]
    assert disk.run((0, lambda: disk.tell(VILLE, (PART, 0))), *halves, (1.7, lambda: disk.tell(VILLE, "old"))) == []
    assert not disk.debounce.is_pending


@pytest.mark.parametrize("late", [0.0, 0.3, 0.9, 2.5, 20.0])
def test_looks_that_come_late_see_one_batch(disk: Disk, late: float) -> None:
    """A look is never enough to say that all is quiet, however long ago the last event was: two must agree."""
    disk.late = late
    files = [RETOURS / f"{at}.xlsx" for at in range(40)]
    assert disk.run(*((0.9, lambda path=path: disk.tell(path, "content")) for path in files)) == changed(*files)  # type: ignore[misc]


def test_a_file_that_every_look_finds_away_is_not_gone_while_it_is_written(disk: Disk) -> None:
    """Saved again and again by removing it and writing it: the events tell what no look sees."""
    for turn in range(20):
        disk.tell(VILLE, turn)
        disk.tell(VILLE)
        disk.wait(0.5)
    disk.tell(VILLE, "new")
    assert disk.run() == changed(VILLE)


def test_one_late_look_is_not_believed(disk: Disk) -> None:
    disk.tell(VILLE, "half of it")
    disk.now += 30  # the machine did something else
    disk.look()
    disk.write(VILLE, "old")
    assert disk.run() == []


@pytest.mark.parametrize("poll_seconds", [0.1, 2.0, 10.0])
def test_files_that_arrive_without_a_word_are_one_batch(disk: Disk, poll_seconds: float) -> None:
    """A copy over a share: a file every now and then, for longer than the quiet and than the time between looks."""
    files = [RETOURS / f"{at}.xlsx" for at in range(40)]
    for path in files:
        disk.wait(0.6, poll_seconds=poll_seconds)
        disk.write(path, "content")
    disk.wait(30, poll_seconds=poll_seconds)
    assert [batch for _, batch in disk.batches] == changed(*files)


def test_quiet_takes_its_time_from_the_last_event(disk: Disk) -> None:
    disk.tell(VILLE, "new")
    disk.wait(0.9)
    disk.tell(VILLE, "newer")
    disk.wait(5)
    assert [moment for moment, _ in disk.batches] == [pytest.approx(1001.9)]


_STEPS = st.lists(
    st.tuples(
        st.floats(0, 0.95),
        st.sampled_from([VILLE, OTHER, NEW]),
        st.one_of(st.none(), st.integers(0, 2), st.just("old"), st.integers(0, 2).map(lambda at: (PART, at))),
        st.booleans(),
    ),
    max_size=40,
)


@given(_STEPS, st.floats(0, 3))
def test_whatever_happens_a_burst_ends_in_one_batch_that_is_the_difference(
    steps: Iterable[tuple[float, Path, object, bool]], late: float
) -> None:
    """Changes less than the quiet time apart are one burst, whatever is told of them, and however late the looks."""
    disk = Disk({VILLE: "old", OTHER: "old"}, late=late)
    before = {path: disk.fingerprint(path) for path in (VILLE, OTHER, NEW)}
    disk.start(arriving_seconds=1e6, longest_seconds=1e6)
    touched = set()
    for seconds, path, content, is_told in steps:
        if content is None and path not in disk.contents:
            continue  # nothing happens
        disk.wait(seconds)
        (disk.tell if is_told or not disk.debounce.is_pending else disk.write)(path, content)
        touched.add(path)
    for path in touched:  # in the end every file is complete
        if not disk.is_complete(path):
            disk.tell(path, "complete")
    after = {path: disk.fingerprint(path) for path in before}
    disk.wait(30)
    differing = {path for path in before if before[path] != after[path]}
    removed = {path for path in differing if after[path] is None}
    expected = Batch(changed=frozenset(differing - removed), removed=frozenset(removed))
    assert [batch for _, batch in disk.batches] == ([expected] if expected else [])
    assert not disk.debounce.is_pending


@given(_STEPS, st.floats(0.5, 5))
def test_whatever_happens_nothing_is_waited_for_longer_than_patience(
    steps: Iterable[tuple[float, Path, object, bool]], longest: float
) -> None:
    disk, answered = Disk(), dict[Path, Fingerprint]()
    disk.start(longest_seconds=longest)
    for seconds, path, content, _ in steps:
        disk.wait(seconds)
        disk.tell(path, content)
    disk.wait(longest + 3)
    assert not disk.debounce.is_pending
    for _, batch in disk.batches:
        answered |= dict.fromkeys(batch.changed, UNREADABLE)
        for path in batch.removed:
            del answered[path]
    assert answered.keys() == disk.contents.keys()


def workbook() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>" * 500)
    return stream.getvalue()


def test_a_workbook_is_complete_when_its_last_record_is_there(tmp_path: Path) -> None:
    path, content = tmp_path / "ville.xlsx", workbook()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert not is_complete(path), length
    path.write_bytes(content)
    assert is_complete(path)


@pytest.mark.parametrize("added", [b"\0" * 512, b"\r\n", b"PK\x05\x06", b"x" * 20_000])
def test_what_follows_a_whole_workbook_is_not_waited_for(added: bytes, tmp_path: Path) -> None:
    path, content = tmp_path / "ville.xlsx", workbook()
    path.write_bytes(content + added)
    assert is_complete(path)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:  # a workbook that holds another, and is still arriving
        archive.writestr("[Content_Types].xml", b"")
        archive.writestr("xl/embeddings/inner.xlsx", content)
    arriving = inner.getvalue()[: inner.getvalue().rindex(b"PK\x01\x02")]
    path.write_bytes(arriving + added)
    assert not is_complete(path)


def test_a_reserved_space_is_not_whole(tmp_path: Path) -> None:
    path, content = tmp_path / "ville.xlsx", workbook()
    path.write_bytes(bytes(len(content)))
    assert not is_complete(path)
    path.write_bytes(content[:2000] + bytes(len(content) - 2000))
    assert not is_complete(path)


def test_a_zip_with_a_comment_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "ville.xlsx"
    path.write_bytes(workbook())
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"PK\x05\x06" * 10_000
    assert is_complete(path)


@pytest.mark.parametrize(
    ("name", "content"), [("ville.xls", b"\xd0\xcf\x11\xe0"), ("v.xlsx", b"<html>"), ("a.csv", b"")]
)
def test_what_is_no_zip_is_complete_as_it_is(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert is_complete(path)


def test_a_file_that_is_gone_has_no_fingerprint(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "absent.xlsx") is None
    assert fingerprint(tmp_path) == UNREADABLE  # a folder cannot be read as a file
    assert is_complete(tmp_path / "absent.xlsx")
