"""The text log of the nightly run: each fact on its line, whatever names say, whenever the run is killed."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer

from support.consolidations import finding_at, rich, small
from support.program import environment
from tabellion.commands.board import subject
from tabellion.commands.run_log import RunLog
from tabellion.findings import Place, TabellionError, finding
from tabellion.measures.board import ReturnStatus

NIGHT = datetime(2016, 12, 5, 2, 30, tzinfo=timezone(timedelta(hours=1)))
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d \[\d+\] (début|changement|fichier|retard|bloque|résumé|fin) : .+")  # fmt: skip # noqa: E501


def log_of(path: Path | None, folder: Path) -> RunLog:
    return RunLog(path, "consolidate", folder, lambda: NIGHT)


def facts(path: Path, kind: str) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.partition(f"] {kind} : ")[2] for line in lines if f"] {kind} : " in line]


def test_a_run_is_told_from_its_start_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "journaux" / "nuit.log"
    with log_of(path, tmp_path) as log:
        log.consolidation(rich())
        assert log.end(1) == 1
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert lines[0].startswith("2016-12-05T02:30:00+01:00 [")
    assert " début : tabellion " in lines[0]
    assert re.search(r" fin : code 1, \d+,\d s$", lines[-1])
    assert lines[-2].endswith(f"résumé : {subject(rich())}")


def test_every_file_has_its_verdict_and_every_late_partner_its_line(tmp_path: Path) -> None:
    path = tmp_path / "nuit.log"
    with log_of(path, tmp_path) as log:
        log.consolidation(rich())
        log.end(0)
    files = {file.fichier: file for line in rich().board for file in line.received}
    files |= {file.fichier: file for file in rich().strays}
    told = facts(path, "fichier")
    assert sorted(line.partition(" : ")[0] for line in told) == sorted(files)
    assert all(files[name].verdict.value in line for line in told for name in [line.partition(" : ")[0]])
    assert len(facts(path, "retard")) == sum(line.status is ReturnStatus.LATE for line in rich().board)
    blocking = [item for item in rich().findings if item.bloquant]
    assert [line.rpartition("→ ")[2] for line in facts(path, "bloque")] == [item.suggestion for item in blocking]
    assert all(f"[{finding.code}]" in line for finding, line in zip(blocking, facts(path, "bloque"), strict=True))


def test_each_run_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "nuit.log"
    for _ in range(2):
        with log_of(path, tmp_path) as log:
            log.consolidation(small())
            log.end(0)
    assert len(facts(path, "début")) == len(facts(path, "fin")) == 2


def test_a_line_cut_by_a_power_failure_is_not_joined_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "nuit.log"
    path.write_bytes(b"2016-12-04T02:30:00+01:00 [1] fichier : ret")
    with log_of(path, tmp_path) as log:
        log.end(0)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3


def test_names_cannot_forge_lines(tmp_path: Path) -> None:
    path = tmp_path / "nuit.log"
    forged = "a.xlsx\n2016-12-05T02:30:00+01:00 [1] fin : code 0, 0,1 s\r\x1b[2J\u2028\x85b\udcff" + "é" * 5000
    bad = finding_at("montant-ambigu", Place(forged, forged, "A1"), forged)
    board = tuple(
        replace(line, nom=forged, received=tuple(replace(file, fichier=forged) for file in line.received))
        for line in rich().board
    )
    with log_of(path, tmp_path) as log:
        log.consolidation(replace(rich(), board=board, findings=(bad,)))
        log.end(1)
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert [line for line in lines if line.startswith("2016") and "] fin : " in line[:60]] == lines[-1:]
    assert max(map(len, lines)) < 1200
    assert not re.search("[\x00-\x09\x0b-\x1f\x85\u2028]", "".join(lines))


# Runs that do not end well


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (TabellionError([finding("espace-absent", Place("x"), valeur="x")]), r"fin : code 2, .* rien n'a été écrit"),
        (KeyboardInterrupt(), "fin : code 2, .* interrompu"),
        (ZeroDivisionError("1/0"), "fin : code 3, .* erreur interne ZeroDivisionError"),
        (typer.Exit(1), "fin : code 1, "),
    ],
)
def test_the_end_is_written_however_the_run_ends(tmp_path: Path, error: BaseException, end: str) -> None:
    path = tmp_path / "nuit.log"
    with pytest.raises(type(error)), log_of(path, tmp_path):
        raise error
    assert re.search(end, path.read_text(encoding="utf-8").splitlines()[-1])
    assert len(facts(path, "bloque")) == isinstance(error, TabellionError)


def test_a_killed_run_loses_at_most_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "nuit.log"
    program = (
        "import sys, itertools; from pathlib import Path; from tabellion.commands.run_log import RunLog\n"
        "with RunLog(Path(sys.argv[1]), 'essai', Path()) as log:\n"
        "    for rank in itertools.count(): log.say('fichier', f'numéro {rank}'); print(rank, flush=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, path], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while int(process.stdout.readline()) < 50:
        pass
    process.send_signal(signal.SIGKILL)
    last = [int(line) for line in process.stdout.read().split("\n")[:-1] if line]
    process.wait()
    process.stdout.close()
    written = facts(path, "fichier")
    assert len(written) >= (last[-1] if last else 50) + 1
    assert written == [f"numéro {rank}" for rank in range(len(written))]


def test_two_runs_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "nuit.log"
    program = (
        "import sys; from pathlib import Path; from tabellion.commands.run_log import RunLog\n"
        "with RunLog(Path(sys.argv[1]), 'essai', Path()) as log:\n"
        "    for rank in range(300): log.say('fichier', 'x' * 900)\n"
        "    log.end(0)"
    )
    runs = [subprocess.Popen([sys.executable, "-c", program, path], env=environment()) for _ in range(2)]
    assert [run.wait(60) for run in runs] == [0, 0]
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 604
    assert [line for line in lines if not LINE.fullmatch(line)] == []


@pytest.mark.parametrize("kind", ["folder", "file in the way", "full", "pipe"])
def test_a_log_that_cannot_be_written_is_said_and_the_rest_stands(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "obstacle").write_text("", encoding="utf-8")
    path = {"folder": tmp_path, "file in the way": tmp_path / "obstacle" / "nuit.log", "full": Path("/dev/full")}.get(
        kind, tmp_path / "tube"
    )
    if kind == "full" and not path.exists():
        pytest.skip("this system has no /dev/full")
    if kind == "pipe":
        os.mkfifo(path)
    start = time.monotonic()
    with log_of(path, tmp_path) as log:
        log.consolidation(rich())
        assert log.end(0) == 2
    assert time.monotonic() - start < 10
    said_of_it = capsys.readouterr().err
    assert f"[{'place-prise' if kind in ('folder', 'file in the way') else 'ecriture-impossible'}]" in said_of_it
    assert "seul le journal texte n'est pas écrit" in said_of_it


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 the contract's workbook", b"fiche_id,objectif\nI-1.1./1,Lire\n", b"\0" * 100]
)
def test_a_file_that_is_no_log_is_left_as_it_is(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(content)
    with log_of(path, tmp_path) as log:
        log.consolidation(rich())
        assert log.end(0) == 2
    assert path.read_bytes() == content
    assert "[fichier-deja-la]" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["full", "read-only", "away", "too many files"])
def test_a_log_is_tried_again_at_each_line(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stops one line does not stop the next ones, says how many were lost, and is no failure of the run."""
    path = tmp_path / "journaux" / "nuit.log"
    number = {"full": errno.ENOSPC, "read-only": errno.EROFS, "too many files": errno.EMFILE}.get(kind)
    with log_of(path, tmp_path) as log:
        log.say("fichier", "avant")
        with monkeypatch.context() as patch:
            if number is None:
                path.parent.rename(tmp_path / "ailleurs")
                path.parent.write_bytes(b"")
            elif kind == "full":
                patch.setattr("logging.StreamHandler.flush", refusing(number))
            else:
                path.unlink()
                patch.setattr("tabellion.commands.run_log.os.open", refusing(number))
            log.say("fichier", "perdu 1")
            log.say("fichier", "perdu 2")
        if number is None:
            path.parent.unlink()
        log.say("fichier", "après")
        assert log.end(0) == 0
    assert facts(path, "fichier")[-1] == "après"
    assert facts(path, "journal") == ["2 lignes n'ont pas pu être écrites ici"]
    assert capsys.readouterr().err == ""


def test_a_log_that_is_lost_at_the_end_does_not_change_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with log_of(tmp_path / "nuit.log", tmp_path) as log:
        monkeypatch.setattr("logging.StreamHandler.flush", refusing(errno.ENOSPC))
        log.say("fichier", "perdu")
        assert log.end(1) == 1
    assert "2 lignes du journal texte" in capsys.readouterr().err


def refusing(number: int) -> Callable[..., int]:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return refuse


def test_a_log_cut_shorter_at_its_beginning_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "nuit.log"
    path.write_bytes(b"he de 2015\n2016-12-04T02:30:00+01:00 [1] fin : code 0, 1,0 s\n")
    with log_of(path, tmp_path) as log:
        assert log.end(0) == 0
    assert len(path.read_text(encoding="utf-8").splitlines()) == 4


def test_a_worse_code_is_not_hidden_by_the_log(tmp_path: Path) -> None:
    with log_of(tmp_path, tmp_path) as log:
        assert log.end(3) == 3


def test_without_a_path_nothing_is_written_nor_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with log_of(None, tmp_path) as log:
        log.consolidation(rich())
        assert log.end(1) == 1
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")
