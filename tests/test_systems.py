"""What Windows and macOS do otherwise than Linux, simulated here: memory, names, spellings of accents, devices,
encodings, ends of lines, files that others hold.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path, PureWindowsPath

import pytest

from support.contracts import ROOT
from support.program import contents, environment, tabellion
from tabellion.addresses import parse_cell
from tabellion.commands import new
from tabellion.findings import TabellionError
from tabellion.reading.limits import Limits
from tabellion.reading.memory_limit import OUT_OF_MEMORY, limit_by_job
from tabellion.reading.reader import ReaderPool
from tabellion.transaction.files import replace_or_refuse, write_all_whole, write_whole
from tabellion.wording import file_stem
from tabellion.xlsx.inplace.editor import WorkbookEditor

MIB = 1 << 20


# Memory


class Kernel:
    """``kernel32`` as far as a job needs it: it keeps what it is given."""

    def __init__(self, *, admits: bool = True) -> None:
        self.limits, self.assigned = b"", ()
        self.CreateJobObjectW = lambda *_: 7
        self.GetCurrentProcess = lambda: 9

        def set_information(job: int, kind: int, information: object, size: int) -> int:
            self.limits = ctypes.string_at(ctypes.addressof(information._obj), size)  # type: ignore[attr-defined]
            return int((job, kind) == (7, 9))

        def assign(*handles: int) -> int:
            self.assigned = handles
            return int(admits)

        self.SetInformationJobObject, self.AssignProcessToJobObject = set_information, assign


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the layout checked here is that of 64 bits")
def test_on_windows_a_child_is_in_a_job_that_limits_its_memory() -> None:
    kernel = Kernel()
    limit_by_job(256 * MIB, kernel)
    # winnt.h on 64 bits: LimitFlags at 16, ProcessMemoryLimit at 112, 144 bytes in all.
    assert len(kernel.limits) == 144
    assert int.from_bytes(kernel.limits[16:20], "little") == 0x100, "JOB_OBJECT_LIMIT_PROCESS_MEMORY"
    assert int.from_bytes(kernel.limits[112:120], "little") == 256 * MIB
    assert kernel.assigned == (7, 9)
    with pytest.raises(OSError, match="no job"):
        limit_by_job(256 * MIB, Kernel(admits=False))


def test_on_macos_a_child_that_grows_beyond_its_limit_ends_itself() -> None:
    script = (
        "import time; from tabellion.reading.memory_limit import watch_memory; held = []\n"
        f"watch_memory({20 * MIB}, lambda: sum(map(len, held)))\n"
        f"held.append(bytes({10 * MIB})); time.sleep(0.1); held.append(bytes({30 * MIB})); time.sleep(20)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment(), check=False, timeout=60)
    assert done.returncode == OUT_OF_MEMORY


def _grow(_path: str, _limits: Limits) -> object:
    os._exit(OUT_OF_MEMORY)


def test_a_file_that_ends_its_reader_so_is_said_to_need_too_much_memory(tmp_path: Path) -> None:
    path = tmp_path / "gros.xlsx"
    path.write_bytes(b"")
    with ReaderPool(1) as readers:
        outcome = readers.outcome(readers.start(path, read=_grow), path)
    assert [(finding.code, finding.place.fichier) for finding in outcome] == [("lecture-memoire", "gros.xlsx")]


# Names


def test_names_of_files_hold_on_every_system() -> None:
    assert [file_stem(name) for name in ("Lucé", "CON", "nul", "com1", "com10", "Aux.")] == [
        "luce", "con-", "nul-", "com1-", "com10", "aux-"
    ]  # fmt: skip
    long = [file_stem(f"{'bailleur social ' * 20}{end}") for end in ("un", "deux")]
    assert len({*long}) == 2
    assert max(map(len, long)) == 90


def test_every_file_of_a_new_contract_can_stand_on_windows(tmp_path: Path) -> None:
    names = [path.as_posix() for path in new.create_workspace(tmp_path / "contrat")]
    assert [name for name in names if PureWindowsPath(name).is_reserved() or set(name) & set('<>:"\\|?*')] == []
    assert len({name.casefold() for name in names}) == len(names)
    assert max(map(len, names)) < 100


def test_a_return_whose_name_has_accents_as_macos_spells_them_is_found_as_people_type_it(sent_copy: Path) -> None:
    name = unicodedata.normalize("NFD", "Réponse définitive.xlsx")
    editor = WorkbookEditor((sent_copy / "workbooks" / "envois" / "2016" / "luce-2016.xlsx").read_bytes())
    assert editor.set_value("Budget", *parse_cell("F6"), 1234)
    core = editor.parts.tree("docProps/core.xml")
    next(core.iter("{*}modified")).text = "2016-11-15T09:00:00Z"
    editor.parts.change("docProps/core.xml")
    (sent_copy / "workbooks" / "retours").mkdir()
    (sent_copy / "workbooks" / "retours" / name).write_bytes(editor.to_bytes())
    tabellion("consolidate", cwd=sent_copy)
    typed = unicodedata.normalize("NFC", name)
    done = tabellion("historique", f"retours/{typed}!Budget!F6", cwd=sent_copy)
    assert (done.code, "1 234 €" in done.out.replace("\u202f", " ").replace("\xa0", " ")) == (0, True), done.err


# Devices


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name on this system")
def test_a_device_takes_what_is_written_and_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "tuyau"
    os.mkfifo(pipe)
    with pytest.raises(TabellionError):
        write_whole(pipe, b"nobody reads")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    while not got:
        try:
            write_whole(pipe, b"x" * 200_000)
            break
        except TabellionError:  # it does not read yet
            continue
    reader.join(10)
    assert got == [b"x" * 200_000]
    assert pipe.is_fifo()
    write_whole(Path(os.devnull), b"away")
    assert not Path(os.devnull).is_file()


# Files that others hold


def test_a_file_that_is_open_in_excel_stops_the_whole_set_before_anything_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to put a file in the place of one that a program holds."""
    replace = Path.replace

    def refused(source: Path, target: Path) -> Path:
        if target.name == "contrat.xlsx":
            raise PermissionError(errno.EACCES, "held", str(target))
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refused)
    for name in ("contrat.xlsx", "registre.csv"):
        (tmp_path / name).write_bytes(b"before")
    before = contents(tmp_path)
    new_ones = {tmp_path / name: b"after" for name in ("contrat.xlsx", "registre.csv")}
    with pytest.raises(TabellionError) as raised:
        write_all_whole(new_ones)
    assert [(finding.code, finding.place.fichier) for finding in raised.value.findings] == [
        ("ecriture-impossible", str(tmp_path / "contrat.xlsx"))
    ]
    assert contents(tmp_path) == before
    with pytest.raises(TabellionError):
        replace_or_refuse(new_ones, [], "", force=True, now=None)  # type: ignore[arg-type]
    assert contents(tmp_path) == before


# Encodings and ends of lines


@pytest.mark.parametrize("encoding", ["cp850", "cp1252"])
def test_a_console_of_windows_shows_every_message(sent: Path, encoding: str) -> None:
    for arguments, code in ((["--help"], 0), (["validate", "tabellion.toml"], 2)):
        done = tabellion(*arguments, cwd=sent, encoding=encoding)
        assert done.code == code, done.err
        assert "?" not in done.out + done.err, "no sign is shown as one that the console lacks"


def test_ends_of_lines_of_windows_change_nothing(sent: Path, tmp_path: Path) -> None:
    """An editor or a checkout on Windows ends the lines of every text with CR LF."""
    plain, windows = (Path(shutil.copytree(sent, tmp_path / name / "contrat")) for name in ("plain", "windows"))
    for path in windows.rglob("*"):
        if path.suffix in (".toml", ".csv", ".json", ".txt", ".html", ".md") and ".tabellion" not in path.parts:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    seen = []
    for folder in (plain, windows):
        made = tabellion("generate", "--sortie", "neuf.xlsx", cwd=folder)
        reminded = tabellion("relances", cwd=folder)
        assert (made.code, reminded.code) == (0, 0), made.err + reminded.err
        texts = {path.name: path.read_bytes() for path in (folder / "workbooks" / "relances").rglob("*.txt")}
        seen.append((made.codes, (folder / "neuf.xlsx").read_bytes(), texts, reminded.out.replace(str(folder), "")))
    assert seen[0] == seen[1]


def test_a_checkout_on_windows_keeps_every_byte() -> None:
    assert (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()[-1] == "* -text"
