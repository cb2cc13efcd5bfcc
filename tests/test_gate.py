"""The gate's comparison: what differs is found, part by part, and what must differ is not."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from gate.compare import CONTAINER, Difference, Intended, compare
from gate.record import OUTPUT, Recorder


def archive(*parts: tuple[str, str], day: int = 1) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for name, content in parts:
            opened.writestr(zipfile.ZipInfo(name, (2016, 1, day, 0, 0, 0)), content)
    return stream.getvalue()


def record(folder: Path, output: str, **files: bytes) -> Path:
    """A record of one step, in which the program wrote these files."""
    root = folder / "contrat"
    root.mkdir(parents=True)
    for name, content in files.items():
        (root / name).write_bytes(content)
    recorder = Recorder(folder / "record", folder / "program")
    recorder.add("01 generate", output.format(root=root), root, {}, 1_480_000_000)
    recorder.close()
    return recorder.folder


def differences(tmp_path: Path, old: bytes, new: bytes, *intended: Intended) -> list[Difference]:
    base, fresh = record(tmp_path / "a", "", book=old), record(tmp_path / "b", "", book=new)
    return compare("essai", base, fresh, list(intended))


def test_a_part_that_differs_is_found_with_its_cell(tmp_path: Path) -> None:
    start = '<row><c r="A1"><v>1</v></c><c r="B7"><v>'
    old, new = (archive(("a.xml", "<a/>"), ("b.xml", f"{start}{value}</v></c></row>")) for value in (12, 13))
    (difference,) = differences(tmp_path, old, new)
    assert (difference.file, difference.part, difference.reason) == ("book", "b.xml", None)
    assert "cell B7" in difference.excerpt[0]
    assert difference.excerpt[1].startswith("-")


@pytest.mark.parametrize(
    "new",
    [
        archive(("b.xml", "b"), ("a.xml", "a")),
        archive(("a.xml", "a"), ("b.xml", "b"), day=2),
    ],
)
def test_order_and_dates_of_the_parts_count(tmp_path: Path, new: bytes) -> None:
    (difference,) = differences(tmp_path, archive(("a.xml", "a"), ("b.xml", "b")), new)
    assert difference.part == CONTAINER


def test_a_part_or_a_file_that_is_not_there_is_found(tmp_path: Path) -> None:
    differing = differences(tmp_path, archive(("a.xml", "a")), archive(("a.xml", "a"), ("b.xml", "b")))
    assert [difference.part for difference in differing] == ["b.xml"]
    base, fresh = record(tmp_path / "c", "", one=b"1"), record(tmp_path / "d", "", two=b"1")
    assert [difference.file for difference in compare("essai", base, fresh, [])] == ["one", "two"]


def test_folders_seconds_processes_and_random_names_are_no_difference(tmp_path: Path) -> None:
    one = record(tmp_path / "a", "Écrit dans {root}/x en 1,2 s, .0123456789abcdef.tmp", log=b"2016-11-20T09:00 [12] a")
    two = record(tmp_path / "b", "Écrit dans {root}/x en 3,4 s, .fedcba9876543210.tmp", log=b"2016-11-20T09:00 [34] a")
    assert compare("essai", one, two, []) == []
    three = record(tmp_path / "c", "Écrit dans {root}/y en 3,4 s, .fedcba9876543210.tmp", log=b"2016-11-20T09:01 [3] a")
    assert [difference.file for difference in compare("essai", one, three, [])] == [OUTPUT, "log"]


def test_a_journal_is_compared_by_its_rows_without_the_print_of_the_program(tmp_path: Path) -> None:
    def journal(name: str, print_: str, content: str) -> bytes:
        path = tmp_path / name
        with closing(sqlite3.connect(path)) as base:
            base.execute("CREATE TABLE readings (print TEXT, content TEXT)")
            base.execute("INSERT INTO readings VALUES (?, ?)", (print_, content))
            base.commit()
        return path.read_bytes()

    one, two, three = journal("1", "x", "a"), journal("2", "y", "a"), journal("3", "y", "b")
    assert differences(tmp_path / "same", one, two) == []
    (difference,) = differences(tmp_path / "other", two, three)
    assert any("'b'" in line for line in difference.excerpt)


def test_an_intended_difference_says_its_reason(tmp_path: Path) -> None:
    intended = Intended("ess*", "*", "b.xml", "a new label")
    old, new = (archive(("a.xml", "a"), ("b.xml", text)) for text in ("b", "c"))
    (difference,) = differences(tmp_path, old, new, intended)
    assert difference.reason == "a new label"
