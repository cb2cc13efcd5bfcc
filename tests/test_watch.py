"""``tabellion watch`` as people live with it: a real process, a real disk, every way in which a file arrives.

The runs are counted in the journal: one settled change is one run, and what is no change is none. A run too many in one
test is seen in the next one, which starts from the same count, and in the last.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from support import faults
from support.campaign import AMOUNTS, fill, form_keys, retouch
from support.forms import BUDGET, FINANCEMENTS
from support.libreoffice import LibreOffice
from support.program import contents, environment, tabellion
from support.watching import DEADLINE_SECONDS, Watching, excel_saves, fresh, in_chunks, state, wait

needs_mount = pytest.mark.skipif(faults.mount_missing() is not None, reason=str(faults.mount_missing()))

YEAR = 2016
STOP_SECONDS = 10
_SAVED = datetime(2016, 11, 14)


@pytest.fixture
def workspace(sent_copy: Path) -> Path:
    (sent_copy / "workbooks" / "retours").mkdir()
    return sent_copy


class Desk:
    """What people do in a workspace: the answers that they give, as the bytes of a file."""

    def __init__(self, workspace: Path) -> None:
        self.workbooks = workspace / "workbooks"
        self.retours, self.constats = self.workbooks / "retours", self.workbooks / "constats"
        self.retours.mkdir(exist_ok=True)
        self.elsewhere = workspace.parent / "ailleurs"
        self.elsewhere.mkdir(exist_ok=True)
        self.minutes = 0

    def answer(self, partner: str = "luce", amount: object = 100) -> bytes:
        """The form of ``partner``, saved a minute after the last one: the same amount on every budget line, and that
        its financements are to be negotiated.
        """
        self.minutes += 1
        form, target = self.workbooks / "envois" / f"{YEAR}" / f"{partner}-{YEAR}.xlsx", self.elsewhere / "form.xlsx"
        rows = form_keys(form)
        answers = {BUDGET: {line: dict.fromkeys(AMOUNTS, amount) for line in rows.get(BUDGET, [])}}
        if FINANCEMENTS in rows:
            answers[FINANCEMENTS] = {row: {"statut_montant": "à négocier"} for row in rows[FINANCEMENTS]}
        fill(form, target, answers, saved=_SAVED + timedelta(minutes=self.minutes))
        return target.read_bytes()

    def verdict(self, workspace: Path, name: str) -> str | None:
        """What the last state says of a return."""
        lines = [file for line in state(workspace)["campagne"] for file in line["recus"]]
        return next((line["verdict"] for line in lines if line["fichier"] == f"retours/{name}"), None)


class Watched(Desk):
    """A desk, and the watcher beside it."""

    def __init__(self, watching: Watching, minutes: int) -> None:
        super().__init__(watching.workspace)
        self.minutes = minutes
        self.watching, self.workspace = watching, watching.workspace

    def now(self, name: str) -> str | None:
        """The verdict of a return."""
        return self.verdict(self.workspace, name)


@pytest.fixture(scope="module")
def watchers(sent: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Watched]]:
    """Two watchers, one of which polls, for the tests of arrivals, which come one after the other as in a day."""
    with ExitStack() as stack:
        watchers = []
        for name, options in (("native", ()), ("poll", ("--poll",))):
            folder = tmp_path_factory.mktemp(name) / "contrat"
            shutil.copytree(sent, folder)
            desk = Desk(folder)
            for partner in ("luce", "etat"):
                (desk.retours / f"{partner}.xlsx").write_bytes(desk.answer(partner))
            watching = stack.enter_context(Watching(folder, *options))
            watching.ready()
            watchers.append(Watched(watching, desk.minutes))
        yield watchers
        # After all that happened, a last change, to be sure that no run was still to come.
        with ExitStack() as runs:
            for watched in watchers:
                runs.enter_context(watched.watching.run())
                (watched.retours / "bailleur.xlsx").write_bytes(watched.answer("bailleur"))
        for watched in watchers:
            assert "erreur interne" not in watched.watching.output
            assert watched.watching.output.count("surveillance :") == 1


@pytest.fixture
def watched(watchers: list[Watched]) -> Watched:
    """The first watcher alone, for what does not depend on how changes are heard of."""
    return watchers[0]


def both(test: Callable[[Watched], None]) -> Callable[[list[Watched]], None]:
    """A test that happens in both workspaces at once: most of it is waiting for their watchers."""

    def test_both(watchers: list[Watched]) -> None:
        with ThreadPoolExecutor() as pool:
            outcomes = [pool.submit(test, watched) for watched in watchers]
        for outcome in outcomes:
            outcome.result()

    test_both.__doc__ = test.__doc__
    return test_both


ACCEPTED, REJECTED = "en vigueur", "rejeté"


# Every way in which a file arrives


@both
def test_a_slow_copy(watched: Watched) -> None:
    with watched.watching.run():
        in_chunks(watched.retours / "luce.xlsx", watched.answer(amount="beaucoup"))
    assert watched.now("luce.xlsx") == REJECTED
    assert (watched.constats / "luce.xlsx").is_file()
    watched.watching.says("✗ retours/luce.xlsx : rejeté, ")


@both
def test_excel_saves_the_corrected_return_and_its_annotated_copy_goes(watched: Watched) -> None:
    with watched.watching.run():
        excel_saves(watched.retours / "luce.xlsx", watched.answer(amount=100))
    assert watched.now("luce.xlsx") == ACCEPTED
    assert not (watched.constats / "luce.xlsx").exists()
    watched.watching.says("retours/luce.xlsx : en vigueur, rien à corriger")


@both
def test_a_sync_client(watched: Watched) -> None:
    part = watched.retours / "etat.xlsx.part"
    with watched.watching.run():
        in_chunks(part, watched.answer("etat"), count=4)
        part.rename(watched.retours / "etat.xlsx")
    assert watched.now("etat.xlsx") == ACCEPTED


@both
def test_a_rename(watched: Watched) -> None:
    since = len(watched.watching.output)
    with watched.watching.run():
        (watched.retours / "luce.xlsx").rename(watched.retours / "Lucé, définitif.xlsx")
    assert watched.now("Lucé, définitif.xlsx") == ACCEPTED
    watched.watching.says("retours/luce.xlsx : retiré", since)


@both
def test_moved_aside(watched: Watched) -> None:
    aside = watched.retours / "écartés"
    aside.mkdir()
    with watched.watching.run():
        (watched.retours / "Lucé, définitif.xlsx").rename(aside / "Lucé, définitif.xlsx")
    assert watched.now("Lucé, définitif.xlsx") is None
    with watched.watching.run():
        (aside / "Lucé, définitif.xlsx").rename(watched.retours / "luce.xlsx")
    assert watched.now("luce.xlsx") == ACCEPTED


@both
def test_a_deletion(watched: Watched) -> None:
    since = len(watched.watching.output)
    with watched.watching.run():
        (watched.retours / "etat.xlsx").unlink()
    watched.watching.says("retours/etat.xlsx : retiré", since)


def test_what_never_counts(watched: Watched) -> None:
    """Owner files, hidden ones, temporary ones, the watcher's own outputs: only the real change after them does."""
    for name in ("~$luce.xlsx", ".~lock.luce.xlsx#", ".cache", "essai.tmp", "essai.xlsx.part", ".nfs0001"):
        (watched.retours / name).write_bytes(b"x" * 100)
    (watched.workbooks / ".tabellion" / "essai").write_bytes(b"x")
    (watched.workbooks / "notes.xlsx").write_bytes(b"x")
    os.utime(watched.retours / "luce.xlsx")
    (watched.constats / "libre.xlsx").write_bytes(b"x")
    before = watched.watching.runs
    # Long enough for these to have settled by themselves, were they to count: a run of its own would be one too many.
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert watched.watching.runs == before
        time.sleep(0.1)
    with watched.watching.run():
        (watched.retours / "etat.xlsx").write_bytes(watched.answer("etat"))
    for path in (*watched.retours.iterdir(), watched.constats / "libre.xlsx", watched.workbooks / "notes.xlsx"):
        if path.stat().st_size == 100 or path.stat().st_size == 1:
            path.unlink()


def test_forms_that_are_sent_or_put_away(watched: Watched) -> None:
    """The board says which were sent; that all are put away is no share that vanished."""
    envois = watched.workbooks / "envois"
    away, form = watched.workspace.parent / "rangés", envois / f"{YEAR}" / f"vide-{YEAR}.xlsx"
    content = form.read_bytes()

    def sent() -> str | None:
        return next(
            str(entry["envoye"]) for entry in state(watched.workspace)["campagne"] if entry["partenaire"] == "vide"
        )

    with watched.watching.run():
        form.unlink()
    assert sent() == "None"
    with watched.watching.run():
        form.write_bytes(content)
    assert sent().endswith(form.name)
    with watched.watching.run():
        envois.rename(away)
    assert sent() == "None"
    with watched.watching.run():
        away.rename(envois)
    assert sent().endswith(form.name)


def test_a_file_that_is_wrong_is_that_files_finding(watched: Watched) -> None:
    path = watched.retours / "abîmé.xlsx"
    with watched.watching.run():
        path.write_bytes(watched.answer()[:-3000] + bytes(2978) + b"PK\5\6" + bytes(18))
    watched.watching.says("✗ retours/abîmé.xlsx : ")
    assert any(constat["fichier"] == "retours/abîmé.xlsx" for constat in state(watched.workspace)["constats"])
    with watched.watching.run():
        path.unlink()


def test_the_workbook_of_the_contract(watched: Watched) -> None:
    """Its checks cannot be rewritten while it is open: its annotated copy has them."""
    contrat, copy = watched.workbooks / "contrat.xlsx", watched.constats / "contrat.xlsx"
    before, sheet = copy.read_bytes(), "B01 Éducation"
    book = openpyxl.load_workbook(contrat)
    amount = next(cell for row in book[sheet].iter_rows(min_row=12) for cell in row if cell.value == 2000)
    saved = watched.elsewhere / "contrat.xlsx"
    retouch(contrat, saved, {sheet: {amount.coordinate: "à voir"}}, saved=_SAVED, author="Marie")
    original = contrat.read_bytes()
    with watched.watching.run():
        excel_saves(contrat, saved.read_bytes())
    assert copy.read_bytes() != before
    watched.watching.says("contrat.xlsx : ")
    with watched.watching.run():
        excel_saves(contrat, original)
    assert copy.read_bytes() == before


def test_settings_schemas_and_templates(watched: Watched) -> None:
    settings = watched.workspace / "tabellion.toml"
    right, since = settings.read_bytes(), len(watched.watching.output)
    settings.write_bytes(right + b"\n[courriel\n")
    watched.watching.says("tabellion.toml", since)
    report = watched.workbooks / "consolidation" / "rapport.html"
    as_it_was = report.read_bytes()
    since = len(watched.watching.output)
    settings.write_bytes(right)
    watched.watching.says("rien de nouveau", since)
    assert report.read_bytes() == as_it_was

    template = watched.workspace / "templates" / "rapport.html"
    good = template.read_text(encoding="utf-8")
    with watched.watching.run():
        template.write_text(good.replace("</body>", "<p>Une phrase de plus.</p></body>"), encoding="utf-8")
    assert "Une phrase de plus." in report.read_text(encoding="utf-8")
    since = len(watched.watching.output)
    template.write_text("{% if %}", encoding="utf-8")
    watched.watching.says("rapport.html", since)
    since = len(watched.watching.output)
    template.write_text(good, encoding="utf-8")
    watched.watching.says("à jour", since)
    assert "Une phrase de plus." not in report.read_text(encoding="utf-8")

    schema = watched.workspace / "schemas" / "fiches.json"
    as_declared, since = schema.read_text(encoding="utf-8"), len(watched.watching.output)
    schema.write_text(as_declared.replace("{", "", 1), encoding="utf-8")
    watched.watching.says("fiches.json", since)
    since = len(watched.watching.output)
    schema.write_text(as_declared, encoding="utf-8")
    watched.watching.says("rien de nouveau", since)


# The system tells nothing of the workspace's own folder being renamed: only a sweep, every half minute, sees that.
@both
def test_a_folder_that_goes_and_comes_back_is_no_deletion(watched: Watched) -> None:
    folder = watched.workspace if watched.watching.options else watched.retours
    away, since = folder.with_name("parti"), len(watched.watching.output)
    before, log = watched.watching.runs, watched.watching.log
    assert log.parent != folder
    as_it_was = state(watched.workspace)
    folder.rename(away)
    watched.watching.says("n'est plus accessible", since)
    assert not folder.exists()  # nothing was made in its place
    away.rename(folder)
    watched.watching.says("de nouveau accessible", since)
    assert state(watched.workspace) == as_it_was
    assert "retiré" not in watched.watching.output[since:]
    assert watched.watching.runs <= before + 1


@both
def test_a_change_while_a_folder_is_away_is_answered_when_it_is_back(watched: Watched) -> None:
    since = len(watched.watching.output)
    (watched.retours / "etat.xlsx").write_bytes(watched.answer("etat"))
    watched.watching.says("retours/etat.xlsx", since)
    since = len(watched.watching.output)
    away = watched.retours.with_name("parti")
    watched.retours.rename(away)
    watched.watching.says("n'est plus accessible", since)
    (away / "etat.xlsx").unlink()
    away.rename(watched.retours)
    watched.watching.says("retours/etat.xlsx : retiré", since)


def test_a_change_during_a_run_makes_exactly_one_more(watched: Watched) -> None:
    watching = watched.watching
    with watching.run(2):
        before = watching.runs
        (watched.retours / "etat.xlsx").write_bytes(watched.answer("etat"))
        second, third = watched.answer("bailleur"), watched.answer("personne")
        watching.wait(lambda: watching.runs > before, "the run")
        (watched.retours / "bailleur.xlsx").write_bytes(second)
        (watched.retours / "personne.xlsx").write_bytes(third)
    assert watched.now("bailleur.xlsx") == ACCEPTED


@pytest.mark.libreoffice
def test_libreoffice_saves(watched: Watched, office: LibreOffice) -> None:
    path = watched.retours / "luce.xlsx"
    office.open(path)
    office.set(BUDGET, 5, 5, "beaucoup")
    with watched.watching.run():
        office.save(path)
    assert watched.now("luce.xlsx") == REJECTED
    with watched.watching.run():
        path.write_bytes(watched.answer())


def test_three_hundred_files_at_once(watched: Watched) -> None:
    archive = watched.elsewhere / "retours.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as stream:
        for rank, content in enumerate(many(watched)):
            stream.writestr(f"lot/retour {rank:03}.xlsx", content)
    before = watched.watching.runs
    script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])"
    subprocess.run([sys.executable, "-c", script, archive, watched.retours], check=True)
    watched.watching.wait(
        lambda: not watched.watching.is_busy and watched.now("lot/retour 299.xlsx") is not None, "all of them"
    )
    assert watched.watching.runs - before <= 2
    before = watched.watching.runs
    shutil.rmtree(watched.retours / "lot")
    watched.watching.wait(
        lambda: not watched.watching.is_busy and watched.now("lot/retour 299.xlsx") is None, "their removal"
    )
    assert watched.watching.runs - before <= 2


def many(desk: Desk, count: int = 300) -> Iterator[bytes]:
    """So many files, each with other bytes: the comment at the end of a zip is free."""
    content = desk.answer("bailleur")
    for rank in range(count):
        comment = f"copie {rank:03}".encode()
        yield content[:-2] + len(comment).to_bytes(2, "little") + comment


# Its life: started, stopped, killed, twice, beside the nightly run


def test_stopped_in_the_middle_of_a_long_run_and_killed(workspace: Path) -> None:
    desk, watching = Desk(workspace), Watching(workspace)
    watching.ready()
    watching.stop()
    as_it_was = contents(desk.workbooks / "consolidation")
    for rank, content in enumerate(many(desk)):
        (desk.retours / f"retour {rank:03}.xlsx").write_bytes(content)
    given = contents(desk.retours)
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        before = watching.runs
        watching.start()
        watching.wait(lambda count=before: watching.runs > count, "the run")  # type: ignore[misc]
        if sign == signal.SIGKILL:
            watching.kill()
        else:
            assert watching.stop(sign) < STOP_SECONDS
            assert watching.output.endswith("surveillance : arrêtée\n")
        assert contents(desk.workbooks / "consolidation") == as_it_was
        assert contents(desk.retours) == given
    watching.start()
    watching.wait(lambda: desk.verdict(workspace, "retour 299.xlsx") is not None, "the end of the run")
    assert state(workspace) == fresh(workspace)
    assert watching.stop(signal.SIGINT) < STOP_SECONDS
    assert "Traceback" not in watching.output


def test_it_catches_up_with_what_changed_while_it_was_off(workspace: Path) -> None:
    desk = Desk(workspace)
    (desk.retours / "luce.xlsx").write_bytes(desk.answer(amount="beaucoup"))
    with Watching(workspace) as watching:
        watching.ready()
        watching.kill()
        (desk.retours / "luce.xlsx").write_bytes(desk.answer())
        (desk.retours / "etat.xlsx").write_bytes(desk.answer("etat"))
        watching.ready()
        assert state(workspace) == fresh(workspace)


def test_a_second_watcher_is_refused_and_a_nightly_run_waits_its_turn(workspace: Path) -> None:
    desk = Desk(workspace)
    with Watching(workspace) as watching:
        watching.ready()
        second = tabellion("watch", cwd=workspace)
        assert (second.code, second.codes) == (2, ["espace-occupe"])
        assert "« tabellion watch »" in second.err
        assert "Attendez" not in second.err  # it is not meant to finish
        for rank, content in enumerate(many(desk, 40)):
            (desk.retours / f"retour {rank:03}.xlsx").write_bytes(content)
        before = watching.runs
        watching.wait(lambda: watching.runs > before, "its run")
        night = tabellion("consolidate", cwd=workspace)
        assert night.code in (0, 1), night
        assert "espace-occupe" not in watching.output + night.err
        assert desk.verdict(workspace, "retour 039.xlsx") is not None
        # And the other way round: the watcher waits for the nightly run.
        with subprocess.Popen(
            [sys.executable, "-m", "tabellion", "consolidate", "--silencieux"], cwd=workspace, env=environment()
        ) as nightly:
            (desk.retours / "luce.xlsx").write_bytes(desk.answer())
            nightly.wait()
        assert nightly.returncode in (0, 1)
        watching.wait(lambda: desk.verdict(workspace, "luce.xlsx") == ACCEPTED, "the answer to the change")
        assert "espace-occupe" not in watching.output
        assert state(workspace) == fresh(workspace)


@needs_mount
def test_a_disk_that_is_taken_away(sent: Path, tmp_path: Path) -> None:
    point, disk = tmp_path / "partage", tmp_path / "disque"
    shutil.copytree(sent, tmp_path / "contrat")
    workspace = tmp_path / "contrat"
    desk = Desk(workspace)
    shutil.rmtree(desk.retours)
    point.mkdir()
    with faults.small_disk(disk, size="16m"):
        (disk / "luce.xlsx").write_bytes(desk.answer())
        desk.retours.mkdir()
        subprocess.run(["mount", "--bind", disk, desk.retours], check=True)
        try:
            with Watching(workspace, "--poll") as watching:
                watching.ready()
                as_it_was = state(workspace)
                assert desk.verdict(workspace, "luce.xlsx") == ACCEPTED
                subprocess.run(["umount", "-l", desk.retours], check=True)
                watching.says("n'est plus accessible")
                (disk / "etat.xlsx").write_bytes(desk.answer("etat"))
                assert state(workspace) == as_it_was
                subprocess.run(["mount", "--bind", disk, desk.retours], check=True)
                watching.wait(lambda: desk.verdict(workspace, "etat.xlsx") == ACCEPTED, "the return of the disk")
                assert "retiré" not in watching.output
        finally:
            subprocess.run(["umount", "-l", desk.retours], check=False, capture_output=True)


# An hour in a minute


def test_an_hour_of_events_at_once_ends_as_a_fresh_consolidation(workspace: Path) -> None:
    desk = Desk(workspace)
    with Watching(workspace) as watching:
        watching.ready()
        started = watching.runs
        until = time.monotonic() + 6
        rank = 0
        while time.monotonic() < until:
            rank += 1
            luce = desk.retours / "luce.xlsx"
            (desk.retours / f"essai {rank % 5}.xlsx").write_bytes(desk.answer("bailleur"))
            excel_saves(luce, desk.answer(amount=rank if rank % 3 else "beaucoup"))
            (desk.retours / "~$etat.xlsx").write_bytes(b"x")
            in_chunks(desk.retours / "etat.xlsx", desk.answer("etat"), count=2, pause_seconds=0.02)
            luce.rename(desk.retours / "Lucé.xlsx")
            (desk.retours / "Lucé.xlsx").rename(luce)
            (desk.retours / "~$etat.xlsx").unlink()
            (desk.retours / f"essai {(rank + 2) % 5}.xlsx").unlink(missing_ok=True)
            time.sleep(1.3 if rank % 10 == 0 else 0.05)  # now and then a pause, in which a run may start
        for path in desk.retours.glob("essai*"):
            path.unlink()
        last = desk.answer(amount=4242)
        excel_saves(desk.retours / "luce.xlsx", last)
        (desk.retours / "bailleur.xlsx").write_bytes(desk.answer("bailleur"))
        watching.wait(
            lambda: (
                not watching.is_busy
                and desk.verdict(workspace, "bailleur.xlsx") == ACCEPTED
                and desk.verdict(workspace, "luce.xlsx") == ACCEPTED
            ),
            "the last change",
        )
        assert state(workspace) == fresh(workspace)
        assert watching.runs - started < rank


# What people see


def test_the_board_on_a_terminal(workspace: Path) -> None:
    desk = Desk(workspace)
    (desk.retours / "luce.xlsx").write_bytes(desk.answer(amount="beaucoup"))
    main, side = pty.openpty()
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-m", "tabellion", "watch"], cwd=workspace, stdin=side, stdout=side, stderr=side,
        env=environment(TERM="xterm-256color", COLUMNS="110", LINES="30"),
    ) as process:  # fmt: skip
        os.close(side)

        def read() -> bytes:
            nonlocal shown
            while select.select([main], [], [], 0.05)[0]:
                try:
                    shown += os.read(main, 65536)
                except OSError:
                    break
            return shown

        wait(lambda: "à jour en".encode() in read(), "the first run")
        quiet = len(read())
        (desk.retours / "~$luce.xlsx").write_bytes(b"x")
        (desk.retours / "etat.xlsx").write_bytes(desk.answer("etat"))
        wait(lambda: b"etat.xlsx" in read()[quiet:], "the next one")
        wait(lambda: "à jour en".encode() in read()[quiet:], "the next one's end")
        process.send_signal(signal.SIGINT)
        wait(lambda: read() is not None and process.poll() is not None, "the end")
        assert process.returncode == 0
    os.close(main)
    text = shown.decode()
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")  # the cursor is back
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert "Ctrl+C pour arrêter" in plain
    assert "rejeté" in plain
    assert "Traceback" not in plain
    assert "\x1b[?1049h" not in text  # what was on the terminal before stays


def test_the_text_log(workspace: Path, tmp_path: Path) -> None:
    desk, log = Desk(workspace), tmp_path / "veille.txt"
    with Watching(workspace, "--journal-texte", log) as watching:
        watching.says("à jour")
        rotated = log.rename(tmp_path / "veille.txt.1")
        (desk.retours / "luce.xlsx").write_bytes(desk.answer(amount="beaucoup"))
        watching.wait(lambda: log.exists() and "à jour" in log.read_text(encoding="utf-8"), "the line of the run")
        watching.stop()
    first, second = (path.read_text(encoding="utf-8") for path in (rotated, log))
    assert "veille : surveillance : Contrat de ville d'essai" in first
    assert "retours/luce.xlsx : rejeté" in second
    assert " bloque : " in second
    assert " fin : code 0" in second
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d \[\d+\] ", line) for line in second.splitlines())


def test_a_reader_that_leaves_does_not_stop_it(workspace: Path) -> None:
    desk = Desk(workspace)
    with subprocess.Popen(
        [sys.executable, "-m", "tabellion", "watch"], cwd=workspace, env=environment(), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b"surveillance" in process.stdout.readline()
        process.stdout.close()
        (desk.retours / "luce.xlsx").write_bytes(desk.answer())
        report = workspace / "workbooks" / "consolidation" / "constats.json"
        wait(lambda: report.exists() and desk.verdict(workspace, "luce.xlsx") == ACCEPTED, "its answer")
        process.terminate()
        assert process.wait(DEADLINE_SECONDS) == 0
