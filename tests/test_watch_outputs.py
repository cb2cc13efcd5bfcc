"""Outputs that somebody has open while the watcher works: fresh ones wait beside them, and take their place by
themselves when the owner leaves. Real watcher, real LibreOffice; Excel's owner files are made here.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from support.campaign import AMOUNTS, fill, form_keys, retouch, table_cell
from support.forms import BUDGET
from support.libreoffice import LibreOffice
from support.watching import Watching, excel_saves, fresh, state
from tabellion.watching.placed import LOOK_SECONDS, PlacedOutputs

YEAR = 2016
_SAVED = datetime(2016, 11, 14)
_AMOUNT_LABELS = ("Montant prévu (€)", "Montant voté (€)")

Hold = Callable[[Path], AbstractContextManager[None]]


class Office:
    """A watched workspace, and what people do in it."""

    def __init__(self, watching: Watching) -> None:
        self.watching, self.workspace = watching, watching.workspace
        self.workbooks = self.workspace / "workbooks"
        self.workbook = self.workbooks / "consolidation" / "consolidation.xlsx"
        self.annotated = self.workbooks / "constats" / "contrat.xlsx"
        self.minutes = 0

    def answer(self, amount: object) -> None:
        """Lucé's return is saved with this amount on every line."""
        self.minutes += 1
        form = self.workbooks / "envois" / f"{YEAR}" / f"luce-{YEAR}.xlsx"
        target = self.workspace.parent / "luce.xlsx"
        answers = {BUDGET: {line: dict.fromkeys(AMOUNTS, amount) for line in form_keys(form)[BUDGET]}}
        fill(form, target, answers, saved=_SAVED + timedelta(minutes=self.minutes))
        excel_saves(self.workbooks / "retours" / "luce.xlsx", target.read_bytes())

    def staff_types(self, *values: object) -> None:
        """The staff saves the master with these amounts on its first line."""
        self.minutes += 1
        master, target = self.workbooks / "contrat.xlsx", self.workspace.parent / "contrat.xlsx"
        cells: dict[str, dict[str, object]] = {}
        for label, value in zip(_AMOUNT_LABELS, values, strict=True):
            sheet, address = table_cell(master, "Lignes_02", label)
            cells.setdefault(sheet, {})[address] = value
        retouch(master, target, cells, saved=_SAVED + timedelta(minutes=self.minutes), author="Coordination")
        excel_saves(master, target.read_bytes())

    def luce(self) -> str:
        """The verdict of Lucé's return in ``constats.json``."""
        lines = [file for line in state(self.workspace)["campagne"] for file in line["recus"]]
        return next(str(line["verdict"]) for line in lines if line["fichier"] == "retours/luce.xlsx")

    @property
    def kept(self) -> set[Path]:
        """What was put aside of the consolidated workbook, under a date."""
        return set(self.workbook.parent.glob("consolidation 20*.xlsx"))

    @property
    def report(self) -> str:
        """The page."""
        return (self.workbooks / "consolidation" / "rapport.html").read_text(encoding="utf-8")


def waiting(path: Path) -> Path:
    """Where the fresh output waits."""
    return path.with_name(f"{path.stem} (nouveau){path.suffix}")


@pytest.fixture(scope="module")
def desk(sent: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The contract is watched, through all tests as in a day; its totals do not add up, so that its master has an
    annotated copy.
    """
    workspace = Path(shutil.copytree(sent, tmp_path_factory.mktemp("veille") / "contrat"))
    (workspace / "workbooks" / "retours").mkdir()
    with Watching(workspace) as watching:
        watching.ready()
        office = Office(watching)
        with watching.run():
            office.answer(100)
        yield office
        assert "erreur interne" not in watching.output


@contextmanager
def excel(path: Path) -> Iterator[None]:
    """Somebody has the workbook open in Excel."""
    name = "Hélène Martin"
    narrow, wide = name.encode("cp1252"), name.ljust(54).encode("utf-16-le")
    owner = path.with_name(f"~${path.name}")
    owner.write_bytes(bytes([len(narrow)]) + narrow.ljust(54) + len(name).to_bytes(2, "little") + wide)
    try:
        yield
    finally:
        owner.unlink()


@pytest.fixture(params=["Excel", pytest.param("LibreOffice", marks=pytest.mark.libreoffice)])
def hold(request: pytest.FixtureRequest) -> Hold:
    if request.param == "Excel":
        return excel
    office: LibreOffice = request.getfixturevalue("office")

    @contextmanager
    def libreoffice(path: Path) -> Iterator[None]:
        """Somebody has it open there, and has typed without saving."""
        (sheet, *_) = office.open(path)
        office.set(sheet, 0, 0, "pas encore enregistré")
        try:
            yield
            assert office.read()[sheet][0, 0].value == "pas encore enregistré"
        finally:
            office.call("close")

    return libreoffice


def test_the_consolidated_workbook_is_open(desk: Office, hold: Hold) -> None:
    before, page, kept = desk.workbook.read_bytes(), desk.report, desk.kept
    with desk.watching.run(3), hold(desk.workbook):  # the last run is that of its closing
        with desk.watching.run():
            desk.answer("beaucoup")
        assert desk.workbook.read_bytes() == before
        newer = waiting(desk.workbook).read_bytes()
        assert desk.luce() == "rejeté"
        assert desk.report != page
        # A second save: the one that waits is the freshest.
        with desk.watching.run():
            desk.answer(200)
        assert desk.workbook.read_bytes() == before
        newest = waiting(desk.workbook).read_bytes()
        assert newest not in (before, newer)
        assert desk.luce() == "en vigueur"
    assert desk.workbook.read_bytes() == newest
    assert not waiting(desk.workbook).exists()
    assert desk.kept == kept
    assert state(desk.workspace) == fresh(desk.workspace)


def test_the_masters_annotated_copy_is_open(desk: Office, hold: Hold) -> None:
    with desk.watching.run():
        desk.staff_types(12, 12)
    before = desk.annotated.read_bytes()
    with desk.watching.run(2), hold(desk.annotated):
        with desk.watching.run():
            desk.staff_types(13, 14)
        assert desk.annotated.read_bytes() == before
        newer = waiting(desk.annotated).read_bytes()
        assert newer != before
    assert desk.annotated.read_bytes() == newer
    assert not waiting(desk.annotated).exists()


def test_the_annotated_copy_of_a_corrected_return_goes_when_it_is_closed(desk: Office, hold: Hold) -> None:
    copy = desk.annotated.with_name("luce.xlsx")
    with desk.watching.run():
        desk.answer("beaucoup")
    before = copy.read_bytes()
    with desk.watching.run(2), hold(copy):
        with desk.watching.run():
            desk.answer(200)
        assert copy.read_bytes() == before
        assert desk.luce() == "en vigueur"
    assert not copy.exists()


@pytest.mark.libreoffice
def test_what_the_owner_saves_is_kept_under_a_date(desk: Office, office: LibreOffice) -> None:
    before = desk.kept
    (sheet, *_) = office.open(desk.workbook)
    office.set(sheet, 0, 0, "mes notes")
    with desk.watching.run(2):  # the second is that of its closing
        with desk.watching.run():
            desk.answer("beaucoup")
        newer = waiting(desk.workbook).read_bytes()
        office.save(desk.workbook)
        office.call("close")
    assert desk.workbook.read_bytes() == newer
    (kept,) = desk.kept - before
    theirs = openpyxl.load_workbook(kept, read_only=True)
    assert theirs[sheet]["A1"].value == "mes notes"
    theirs.close()


def test_what_somebody_deletes_or_replaces_is_made_again(desk: Office) -> None:
    """Nothing else changes: an output is no input, and nobody would wait for one."""
    older = desk.workbook.read_bytes()
    with desk.watching.run():
        desk.answer(300)
    page, newest, kept = desk.report, desk.workbook.read_bytes(), desk.kept
    with desk.watching.run():
        (desk.workbook.parent / "rapport.html").unlink()
        desk.annotated.unlink()
    assert desk.report == page
    assert desk.annotated.exists()
    with desk.watching.run():
        desk.workbook.write_bytes(older)
    assert desk.workbook.read_bytes() == newest
    assert [path.read_bytes() for path in desk.kept - kept] == [older]


def test_an_output_that_is_away_for_an_instant_is_not_lost(tmp_path: Path) -> None:
    page, never = tmp_path / "rapport.html", tmp_path / "jamais" / "fait.csv"
    page.touch()
    outputs = PlacedOutputs()
    outputs.remember([page, never])
    assert outputs.paths == {page}
    page.unlink()
    assert [outputs.is_lost(moment) for moment in (0, LOOK_SECONDS - 1)] == [False, False], "one look"
    page.touch()
    assert not outputs.is_lost(LOOK_SECONDS)
    page.unlink()
    assert [outputs.is_lost(rank * LOOK_SECONDS) for rank in (2, 3)] == [False, True]
    outputs.remember([page])
    assert not any(outputs.is_lost(rank * LOOK_SECONDS) for rank in (4, 5, 6)), (
        "what a run did not make is not asked for"
    )


def test_of_outputs_in_a_folder_that_cannot_be_looked_into_nobody_knows(tmp_path: Path) -> None:
    folder = tmp_path / "consolidation"
    folder.mkdir()
    (folder / "rapport.html").touch()
    outputs = PlacedOutputs()
    outputs.remember([folder / "rapport.html"])
    folder.rename(tmp_path / "ailleurs")
    folder.symlink_to(folder)  # a link to itself
    assert not any(outputs.is_lost(rank * LOOK_SECONDS) for rank in range(4))


def test_a_save_that_begins_by_letting_go_swallows_nothing(desk: Office) -> None:
    """LibreOffice's save, step by step and slower: its owner file away, another one, its file over the output."""
    lock = desk.workbook.with_name(f".~lock.{desk.workbook.name}#")
    says = ",marie,poste,23.11.2026 09:00,file:///profil;"
    lock.write_text(says, encoding="utf-8")
    before = desk.kept
    with desk.watching.run():
        desk.answer("trop")
    newer, theirs = waiting(desk.workbook).read_bytes(), desk.workbook.read_bytes() + b"notes"
    for _ in range(3):
        lock.unlink()
        time.sleep(0.2)
        lock.write_text(says, encoding="utf-8")
        saved = desk.workbook.with_name("lu123.tmp")
        saved.write_bytes(theirs)
        time.sleep(0.2)
        saved.replace(desk.workbook)
        assert waiting(desk.workbook).read_bytes() == newer
    lock.unlink()
    desk.watching.wait(lambda: desk.workbook.read_bytes() == newer, "the fresh workbook in its place")
    (kept,) = desk.kept - before
    assert kept.read_bytes() == theirs
