"""Every hostile or mistaken file gives one refusal with its own code, in bounded time and memory."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.attacks import ATTACKS, CELLS, package, parts, sheet_xml, workbook
from support.program import environment
from tabellion.findings import TabellionError
from tabellion.reading import Limits, RawWorkbook, parse_bytes, read_workbook
from tabellion.reading.limits import LIMITS, MIB
from tabellion.reading.reader import ReaderPool
from tabellion.reading.source import read_source


def code_of(error: TabellionError) -> str:
    (only,) = error.findings
    assert only.bloquant
    assert only.message
    assert only.suggestion
    return only.code


def refused(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(TabellionError) as caught:
        parse_bytes(data, "retour.xlsx", limits=limits)
    assert {finding.place.fichier for finding in caught.value.findings} == {"retour.xlsx"}
    return code_of(caught.value)


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_is_refused_with_its_code(name: str) -> None:
    code, build = ATTACKS[name]
    data = build()
    started = time.process_time()
    assert refused(data) == code
    assert time.process_time() - started < 5


#: Reads files as a run does, in a process whose children are the readers alone; says what came and their memory.
_READ = """
import json, resource, sys
from pathlib import Path
from tabellion.reading import RawWorkbook, read_workbooks
if __name__ == "__main__":
    outcomes = list(read_workbooks([Path(each) for each in sys.argv[1:]], jobs=2))
    found = [
        ("lu", each.fichier) if isinstance(each, RawWorkbook) else (each[0].code, each[0].place.fichier)
        for each in outcomes
    ]
    print(json.dumps([found, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def test_other_files_of_the_same_run_are_read(tmp_path: Path) -> None:
    paths, expected = [], []
    for i, (code, build) in enumerate(ATTACKS.values()):
        for file, data, outcome in ((f"{i}a.xlsx", build(), code), (f"{i}b.xlsx", workbook(sheet_xml(CELLS)), "lu")):
            (tmp_path / file).write_bytes(data)
            paths.append(str(tmp_path / file))
            expected.append([outcome, file])
    (tmp_path / "lire.py").write_text(_READ, encoding="utf-8")
    command = [sys.executable, "-W", "error", str(tmp_path / "lire.py"), *paths]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result, peak = json.loads(done.stdout)
    assert result == expected
    assert peak * 1024 < LIMITS.memory_bytes


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(part_bytes=2000), "archive-partie-trop-grande"),
        (Limits(total_bytes=2500), "archive-trop-grande"),
        (Limits(ratio=2, ratio_from_bytes=1000), "archive-bombe"),
        (Limits(sheet_cells=99), "feuille-trop-etendue"),
        (Limits(sheets=0), "classeur-trop-de-feuilles"),
        (Limits(entries=4), "archive-trop-de-parties"),
    ],
)
def test_every_limit_is_counted(limits: Limits, code: str) -> None:
    rows = "".join(f'<row r="{r}"><c r="J{r}"><v>{r}</v></c></row>' for r in range(1, 101))
    assert refused(workbook(sheet_xml(rows)), limits) == code


def test_a_sheet_at_the_limit_is_read() -> None:
    cells = '<row r="5000"><c r="ALL5000"><v>1</v></c></row>'  # 1,000 columns
    assert parse_bytes(workbook(sheet_xml(cells)), "f").sheets[0].value(5000, 1000) == 1


def test_formatted_empty_cells_do_not_extend_a_sheet() -> None:
    cells = CELLS + '<row r="1048576" hidden="1"><c r="A1048576" s="0"/><c r="XFD1048576"/></row>'
    sheet = parse_bytes(workbook(sheet_xml(cells)), "f").sheets[0]
    assert (sheet.rows, sheet.hidden_rows) == ([[1]], {1048576})


def test_a_text_at_the_limit_is_read_whole() -> None:
    for text in ("é" * 32_767, "_x000D_" + "a" * 32_766):
        cells = f'<row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>'
        read = parse_bytes(workbook(sheet_xml(cells)), "f").sheets[0].value(1, 1)
        assert isinstance(read, str)
        assert len(read) == 32_767


# What stands at the path


def path_refused(path: Path) -> str:
    with pytest.raises(TabellionError) as caught:
        read_workbook(path)
    return code_of(caught.value)


def test_what_is_not_a_regular_file_is_refused(tmp_path: Path) -> None:
    assert path_refused(tmp_path) == "fichier-dossier"
    assert path_refused(tmp_path / "absent.xlsx") == "fichier-introuvable"
    assert path_refused(tmp_path / ("a" * 400)) == "fichier-illisible"
    assert path_refused(Path("/dev/zero")) == "fichier-special"
    os.mkfifo(tmp_path / "tube.xlsx")
    assert path_refused(tmp_path / "tube.xlsx") == "fichier-special"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "prise.xlsx"))
        assert path_refused(tmp_path / "prise.xlsx") == "fichier-special"
    (tmp_path / "boucle.xlsx").symlink_to(tmp_path / "boucle.xlsx")
    assert path_refused(tmp_path / "boucle.xlsx") == "fichier-lien-en-boucle"
    (tmp_path / "perdu.xlsx").symlink_to(tmp_path / "ailleurs.xlsx")
    assert path_refused(tmp_path / "perdu.xlsx") == "fichier-introuvable"


def test_a_link_to_a_workbook_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(workbook())
    (tmp_path / "b.xlsx").symlink_to(tmp_path / "a.xlsx")
    assert read_workbook(tmp_path / "b.xlsx").fichier == "b.xlsx"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(workbook())
    (tmp_path / "a.xlsx").chmod(0)
    assert path_refused(tmp_path / "a.xlsx") == "fichier-illisible"


def test_a_heavy_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.xlsx").open("wb") as file:
        file.truncate(51 * MIB)
    assert path_refused(tmp_path / "a.xlsx") == "fichier-trop-lourd"


def test_an_owner_file_is_told_from_a_workbook_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "~$retour.xlsx").write_bytes(b"\x05Marie" + b" " * 159)
    assert path_refused(tmp_path / "~$retour.xlsx") == "fichier-verrou"
    (tmp_path / "~$vrai.xlsx").write_bytes(workbook())
    assert read_workbook(tmp_path / "~$vrai.xlsx").sheets


def test_a_file_that_grows_while_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook())
    real = os.read

    def read_then_append(descriptor: int, size: int) -> bytes:
        data = real(descriptor, size)
        if not data:
            with path.open("ab") as file:
                file.write(b"suite")
        return data

    monkeypatch.setattr("tabellion.reading.source.os.read", read_then_append)
    with pytest.raises(TabellionError) as caught:
        read_source(path)
    assert code_of(caught.value) == "fichier-en-ecriture"


# Children that die


def kill_child(_: RawWorkbook) -> bool:
    os.abort()


def sleep_long(_: RawWorkbook) -> bool:
    time.sleep(60)
    return True


def eat_memory(_: RawWorkbook) -> bool:
    return bool(b"x" * (4096 * MIB))


def fail(_: RawWorkbook) -> bool:
    raise RuntimeError("imprévu")


def test_a_child_that_dies_sleeps_or_swells_costs_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook())
    with ReaderPool(1, Limits(read_seconds=3.0)) as readers:
        hooks = (kill_child, sleep_long, eat_memory, fail, None)
        futures = [readers.start(path, hook) for hook in hooks]
        outcomes = [readers.outcome(future, path) for future in futures]
    got = ["lu" if isinstance(outcome, RawWorkbook) else outcome[0].code for outcome in outcomes]
    assert got == ["lecture-interrompue", "lecture-delai", "lecture-memoire", "lecture-interrompue", "lu"]


# Fuzz: a valid file with a few bytes changed is read or refused, and nothing else happens


RICH = package(
    parts(
        sheet_xml(
            '<row r="1" spans="1:3"><c r="A1" s="0" t="inlineStr"><is><t>Lucé</t></is></c><c r="B1"><v>12.5</v></c>'
            '<c r="C1" t="e"><f>1/0</f><v>#DIV/0!</v></c></row><row r="2" hidden="1"><c r="A2">'
            '<f t="shared" ref="A2:A3" si="0">B1*2</f><v>25</v></c></row>'
            '<row r="3"><c r="A3"><f t="shared" si="0"/></c></row>',
            after='<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>',
        )
    )
)


def _parts_of(data: bytes) -> dict[str, str | bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


RICH_PARTS = _parts_of(RICH)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(RICH) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 40),
)
def test_flipped_bytes_never_surprise(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(RICH)
    for place, byte in changes:
        data[place] = byte
    read_or_refuse(bytes(data[: len(data) - cut if cut < 10 else len(data)]))


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_flipped_characters_of_xml_never_surprise(data: st.DataObject) -> None:
    """The same inside the parts, where checksums would otherwise stop every change."""
    contents: dict[str, str | bytes] = dict(RICH_PARTS)
    name = data.draw(st.sampled_from(sorted(contents)))
    text = bytearray(contents[name] if isinstance(contents[name], bytes) else str(contents[name]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place : place + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"<", b">", b'"', b"'", b"&", b"9", b"-1", b"\0", b"\xff", b"A", b"/", b" ", b":"])
            | st.binary(max_size=3)
        )
    contents[name] = bytes(text)
    read_or_refuse(package(contents))


def read_or_refuse(data: bytes) -> None:
    try:
        book = parse_bytes(data, "f.xlsx")
    except TabellionError as error:
        code_of(error)
    else:
        assert len(book.sha256) == 64
