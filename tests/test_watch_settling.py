"""Many events, one batch: scripted feeds as the systems really give them, on a clock and a disk that the test moves."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabellion.watching.debounce import Batch, Settler
from tabellion.watching.filters import Concern
from tabellion.watching.fingerprint import UNREADABLE, Theme, glimpse, is_whole

RETOURS = Path("/contrat/workbooks/retours")
VILLE, OTHER, NEW = RETOURS / "ville.xlsx", RETOURS / "autre.xlsx", RETOURS / "nouveau.xlsx"
PART = object()
"""The content of a file that is only half there."""


@dataclass
class Disk:
    """Contents by path, and a clock. ``tell`` changes one and lets the settler hear of it, as most systems do."""

    contents: dict[Path, object] = field(default_factory=dict)
    now: float = 1000.0
    is_present: bool = True
    batches: list[tuple[float, Batch]] = field(default_factory=list)

    def settler(self, **options: float) -> Settler:
        known = {path: found for path in self.contents if (found := self.theme(path))}
        self.settled = Settler(known, theme=self.theme, whole=self.whole, is_present=lambda: self.is_present, **options)  # type: ignore[arg-type]
        return self.settled

    def theme(self, path: Path) -> Theme | None:
        if path not in self.contents or not self.is_present:
            return None
        content = self.contents[path]
        return UNREADABLE if content is PermissionError else (1, repr(content))

    def whole(self, path: Path) -> bool:
        content = self.contents.get(path)
        return content is not PermissionError and not (isinstance(content, tuple) and content[0] is PART)

    def tell(self, path: Path, content: object = None, *, concern: Concern = Concern.INPUT) -> None:
        if content is None:
            self.contents.pop(path, None)
        else:
            self.contents[path] = content
        self.settled.heard(self.now, path, concern)

    def wait(self, seconds: float) -> None:
        """Let time go by as the loop does: it wakes at the moments that the settler asks for."""
        end = self.now + seconds
        while (moment := self.settled.when()) is not None and moment <= end:
            self.now = max(self.now, moment)
            if batch := self.settled.due(self.now):
                self.batches.append((self.now, batch))
        self.now = end

    def run(self, *feed: tuple[float, Callable[[], None]]) -> list[Batch]:
        """Let each thing happen after its seconds, then wait for long; the batches that came of it."""
        for seconds, happen in feed:
            self.wait(seconds)
            happen()
        self.wait(300)
        return [each for _, each in self.batches]


@pytest.fixture
def disk() -> Disk:
    disk = Disk({VILLE: "old", OTHER: "other"})
    disk.settler()
    return disk


def changed(*paths: Path) -> list[Batch]:
    return [Batch(changed=frozenset(paths))]


def test_excel_saves_in_a_temporary_file_and_renames_twice(disk: Disk) -> None:
    saved, aside = RETOURS / "8F3B2A10", RETOURS / "5C1D.tmp"
    assert disk.run(
        (0, lambda: disk.tell(saved, (PART, "new"))),
        (0.05, lambda: disk.tell(saved, "new")),
        (0.02, lambda: (disk.tell(VILLE), disk.tell(aside, "old"))),  # type: ignore[func-returns-value]
        (0.3, lambda: (disk.tell(saved), disk.tell(VILLE, "new"))),  # type: ignore[func-returns-value]
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
    grow = [(0.4, lambda at=at: disk.contents.__setitem__(NEW, at)) for at in range(12)]  # type: ignore[misc]
    assert disk.run(
        (0, lambda: disk.tell(NEW, "0")), *grow, (0, lambda: disk.contents.update({NEW: "end"}))
    ) == changed(NEW)
    assert disk.settled.known[NEW] == disk.theme(NEW)


def test_a_sync_client_writes_chunks_then_renames(disk: Disk) -> None:
    part = RETOURS / "nouveau.xlsx.part"
    steps = [(0.3, lambda at=at: disk.tell(part, at)) for at in range(20)]  # type: ignore[misc]
    assert disk.run(*steps, (0.3, lambda: (disk.tell(part), disk.tell(NEW, "whole")))) == changed(NEW)  # type: ignore[func-returns-value]


def test_patience_has_an_end(disk: Disk) -> None:
    disk.tell(NEW, (PART, 1))
    start = disk.now
    assert disk.run() == [Batch(changed=frozenset({NEW}), unfinished=frozenset({NEW}))]
    assert disk.batches[0][0] == start + disk.settled.longest_seconds
    disk.tell(NEW, "whole")
    assert disk.run()[1:] == changed(NEW)


def test_a_file_that_stays_locked_is_handed_over_once(disk: Disk) -> None:
    disk.tell(NEW, PermissionError)
    assert disk.run() == [Batch(changed=frozenset({NEW}), unfinished=frozenset({NEW}))]
    disk.tell(NEW, PermissionError)
    assert len(disk.run()) == 1


def test_one_file_without_rest_does_not_hold_the_others_for_ever(disk: Disk) -> None:
    disk.tell(VILLE, "new")
    for at in range(400):
        disk.wait(0.4)
        disk.tell(OTHER, at)
    assert disk.batches[0] == (1000 + disk.settled.longest_seconds, *changed(VILLE))
    assert all(batch == Batch(frozenset({OTHER}), unfinished=frozenset({OTHER})) for _, batch in disk.batches[1:])
    assert len(disk.batches) == 3


def test_three_hundred_files_are_one_batch(disk: Disk) -> None:
    files = [RETOURS / f"{at}.xlsx" for at in range(300)]
    assert disk.run(*((0.02, lambda each=each: disk.tell(each, "content")) for each in files)) == changed(*files)


def test_a_rename_is_one_batch(disk: Disk) -> None:
    disk.tell(VILLE)
    disk.tell(NEW, "old")
    assert disk.run() == [Batch(changed=frozenset({NEW}), gone=frozenset({VILLE}))]


def test_a_move_to_the_set_aside_is_one_batch(disk: Disk) -> None:
    aside = RETOURS / "écartés" / "ville.xlsx"
    disk.tell(VILLE)
    disk.tell(aside, "old")
    assert disk.run() == [Batch(changed=frozenset({aside}), gone=frozenset({VILLE}))]


def test_a_deletion_is_told_once_quiet(disk: Disk) -> None:
    disk.tell(VILLE)
    assert disk.run() == [Batch(gone=frozenset({VILLE}))]
    assert disk.batches[0][0] == 1000 + disk.settled.quiet_seconds


def test_the_same_content_is_no_change(disk: Disk) -> None:
    assert disk.run((0, lambda: disk.tell(VILLE)), (0.2, lambda: disk.tell(VILLE, "old"))) == []
    assert disk.settled.when() is None


def test_what_came_and_went_is_no_change(disk: Disk) -> None:
    assert disk.run((0, lambda: disk.tell(NEW, "x")), (0.2, lambda: disk.tell(NEW))) == []


def test_changes_during_a_run_are_one_more_batch(disk: Disk) -> None:
    disk.tell(VILLE, "new")
    disk.wait(1)
    assert len(disk.batches) == 1
    disk.tell(VILLE, "newer")  # while the run goes on: nobody asks what is due
    disk.now += 3
    disk.tell(OTHER, "newer")
    disk.now += 5
    assert disk.run()[1:] == changed(VILLE, OTHER)


def test_an_output_is_released_when_its_owner_file_goes(disk: Disk) -> None:
    owner = Path("/contrat/workbooks/consolidation/~$consolidation.xlsx")
    disk.tell(owner, "x", concern=Concern.OUTPUT_RELEASED)
    assert disk.run() == []
    disk.tell(owner, concern=Concern.OUTPUT_RELEASED)
    assert disk.run() == [Batch(released=frozenset({owner}))]


def test_an_owner_file_that_nobody_may_read_holds_up_nothing(disk: Disk) -> None:
    """Excel's own, on Windows and on its shares."""
    disk.tell(RETOURS / "~$consolidation.xlsx", PermissionError, concern=Concern.OUTPUT_RELEASED)
    disk.tell(VILLE, "new")
    start = disk.now
    assert disk.run() == changed(VILLE)
    assert disk.batches[0][0] <= start + 2 * disk.settled.quiet_seconds


def test_files_of_a_share_that_is_away_are_not_gone(disk: Disk) -> None:
    disk.tell(VILLE)
    disk.contents[VILLE] = "new"
    disk.is_present = False
    assert disk.run() == []
    disk.is_present = True
    assert disk.run() == changed(VILLE)


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


@given(_STEPS)
def test_whatever_happens_a_burst_ends_in_one_batch_that_is_the_difference(
    steps: Iterable[tuple[float, Path, object, bool]],
) -> None:
    """Events less than the quiet time apart are one burst; some of what happens is not told at once."""
    disk = Disk({VILLE: "old", OTHER: "old"})
    before = {path: disk.theme(path) for path in (VILLE, OTHER, NEW)}
    disk.settler(longest_seconds=1e6)
    touched = set()
    for seconds, path, content, is_told_twice in steps:
        disk.wait(seconds)
        disk.tell(path, content)
        if is_told_twice:
            disk.settled.heard(disk.now, path)
        touched.add(path)
    for path in touched:  # in the end every file is whole
        if not disk.whole(path):
            disk.tell(path, "whole")
    after = {path: disk.theme(path) for path in before}
    disk.wait(10)
    differing = {path for path in before if before[path] != after[path]}
    gone = {path for path in differing if after[path] is None}
    expected = Batch(changed=frozenset(differing - gone), gone=frozenset(gone))
    assert [each for _, each in disk.batches] == ([expected] if expected else [])
    assert disk.settled.when() is None
    assert disk.settled.known == {path: theme for path, theme in after.items() if theme is not None}


@given(_STEPS, st.floats(0.5, 5))
def test_whatever_happens_nothing_is_waited_for_longer_than_patience(
    steps: Iterable[tuple[float, Path, object, bool]], longest: float
) -> None:
    disk = Disk()
    disk.settler(longest_seconds=longest)
    for seconds, path, content, _ in steps:
        disk.wait(seconds)
        disk.tell(path, content)
    disk.wait(longest + 2)
    assert disk.settled.when() is None
    assert disk.settled.known == {path: theme for path in disk.contents if (theme := disk.theme(path)) is not None}


def workbook() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>" * 500)
    return stream.getvalue()


def test_a_workbook_is_whole_when_its_last_record_is_there(tmp_path: Path) -> None:
    path, content = tmp_path / "ville.xlsx", workbook()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert not is_whole(path), length
    path.write_bytes(content)
    assert is_whole(path)


def test_a_reserved_space_is_not_whole(tmp_path: Path) -> None:
    path, content = tmp_path / "ville.xlsx", workbook()
    path.write_bytes(bytes(len(content)))
    assert not is_whole(path)
    path.write_bytes(content[:2000] + bytes(len(content) - 2000))
    assert not is_whole(path)


def test_a_zip_with_a_comment_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "ville.xlsx"
    path.write_bytes(workbook())
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"PK\x05\x06" * 10_000
    assert is_whole(path)


@pytest.mark.parametrize(
    ("name", "content"), [("ville.xls", b"\xd0\xcf\x11\xe0"), ("v.xlsx", b"<html>"), ("a.csv", b"")]
)
def test_what_is_no_zip_is_whole_as_it_is(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert is_whole(path)


def test_a_file_that_is_gone_has_no_look(tmp_path: Path) -> None:
    assert glimpse(tmp_path / "absent.xlsx") is None
    assert glimpse(tmp_path) == UNREADABLE  # a folder cannot be read as a file
    assert is_whole(tmp_path / "absent.xlsx")
