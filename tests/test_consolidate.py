"""``tabellion consolidate`` on a small contract: whatever lies in the folders, one state, said whole, written once."""

from __future__ import annotations

import io
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import tabellion.commands.consolidate as consolidate_module
from support.campaign import Formula, date_financement, fill, form_keys, old_excel, retouch, table_cell, truncated
from support.contracts import Rows, save_register, schemas, tables_of
from support.forms import case_rows
from support.program import contents, tabellion
from tabellion.campaign.books import BookReader
from tabellion.campaign.model import MergeOutcome, Verdict
from tabellion.commands import source
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.contract.book import Book
from tabellion.contract.workspace import find_workspace
from tabellion.findings import TabellionError
from tabellion.measures.board import ReturnStatus
from tabellion.reading.limits import refusal

TONIGHT = datetime(2016, 12, 1, 2, 0)
SAVED = datetime(2016, 11, 20, 9, 0)
OUTPUTS = ("consolidation.xlsx", "rapport.html", "constats.json")


@pytest.fixture
def root(sent_copy: Path) -> Path:
    return sent_copy


def books(root: Path) -> Path:
    return root / "workbooks"


def form(root: Path, partner: str = "luce") -> Path:
    return books(root) / "envois" / "2016" / f"{partner}-2016.xlsx"


def reply(root: Path, name: str, amount: float | Formula | str, *, saved: datetime = SAVED, **more: object) -> Path:
    """The return of the town, whose line A has ``amount`` planned."""
    target = books(root) / "retours" / name
    fill(form(root), target, {"Budget": {"A": {"montant_prevu": amount, **more}}}, saved=saved)
    return target


def night(root: Path, now: datetime = TONIGHT) -> ConsolidationRun:
    return consolidate(find_workspace(root), now)


def codes(done: ConsolidationRun, fichier: str) -> set[str]:
    return {finding.code for finding in done.findings if finding.place.fichier == fichier}


def planned(done: ConsolidationRun, line: str = "A") -> list[int]:
    """What the consolidated line has planned for 2016, in cents."""
    rows = done.consolidation.contract.tables["lignes_budgetaires"].rows
    amounts = [row["montant_prevu"] for row in rows if (row["ligne_id"], row["exercice"]) == (line, 2016)]
    return [cents for cents in amounts if cents is not None]


def status(done: ConsolidationRun, partner: str = "luce") -> ReturnStatus:
    (line,) = [line for line in done.consolidation.board if (line.partenaire, line.exercice) == (partner, 2016)]
    return line.status


def outputs(root: Path) -> Mapping[str, bytes]:
    """Every output, aside from the program's own memory and the previous ones."""
    return {
        name: content
        for name, content in contents(books(root)).items()
        if name.startswith(("consolidation/", "constats/")) and not name.startswith("consolidation/historique/")
    }


def stamps(root: Path) -> dict[str, int]:
    return {
        name: (books(root) / name).stat().st_mtime_ns
        for name in contents(books(root))
        if not name.startswith(".tabellion/")
    }


# The master


def test_without_the_contract_s_workbook_the_register_is_used_and_it_is_said(root: Path) -> None:
    (books(root) / "contrat.xlsx").unlink()
    reply(root, "a.xlsx", 12.5)
    done = night(root)
    assert "contrat-absent" in codes(done, "contrat.xlsx")
    assert done.consolidation.master.fichier == "registre"
    assert planned(done) == [12_50]
    assert not any(finding.bloquant for finding in done.findings)
    assert done.consolidation.row_places["piliers"][0].fichier == "registre/piliers.csv"


def slipped(root: Path) -> None:
    """Somebody types a text in an amount of the contract."""
    path = books(root) / "contrat.xlsx"
    sheet, cell = table_cell(path, "Lignes_01", "Montant réalisé (€)", Identifiant="A", Exercice=2013)
    retouch(path, path, {sheet: {cell: "environ mille"}}, saved=SAVED, author="Luc")


def test_a_text_in_an_amount_of_the_workbook_costs_its_cell(root: Path) -> None:
    night(root)
    slipped(root)
    reply(root, "a.xlsx", 12.5)
    done = night(root, datetime(2016, 12, 2))
    assert done.consolidation.master.fichier == "contrat.xlsx"
    assert planned(done) == [12_50]
    (finding,) = [finding for finding in done.findings if finding.code == "texte-au-lieu-de-nombre"]
    assert not finding.bloquant
    assert "dernière valeur acceptée compte : 1\u202f000,33\xa0€" in finding.suggestion
    assert done.consolidation.contract.tables["lignes_budgetaires"].columns["montant_realise"][0] == 1000_33


@pytest.mark.parametrize("moment", ["once it is read", "once its stock is taken"])
def test_a_workbook_that_an_editor_takes_away_for_an_instant_keeps_its_annotated_copy(
    root: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slipped(root)
    night(root)
    path, copy = books(root) / "contrat.xlsx", books(root) / "constats" / "contrat.xlsx"
    before = copy.read_bytes()
    sheet, cell = table_cell(path, "Lignes_01", "Montant réalisé (€)", Identifiant="A", Exercice=2013)
    retouch(path, path, {sheet: {cell: "environ deux mille"}}, saved=SAVED, author="Luc")
    away = path.with_name("8BC41000.tmp")

    def is_present() -> bool:
        path.rename(away)
        return True

    if moment == "once it is read":
        consolidate(find_workspace(root), TONIGHT, is_present=is_present)
    else:
        make = consolidate_module.make_copies

        def make_late(*arguments: Any) -> Any:
            path.rename(away)
            return make(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr(consolidate_module, "make_copies", make_late)
            night(root)
    assert copy.read_bytes() == before
    away.rename(path)
    assert night(root).written
    assert copy.read_bytes() != before
    assert not night(root).written


@pytest.mark.parametrize("moment", ["away", "late"])
def test_a_workbook_that_is_away_or_late_as_it_is_opened_is_opened_again(
    root: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(root)
    path, read = books(root) / "contrat.xlsx", source.read_through
    sheet, cell = table_cell(path, "Lignes_01", "Montant réalisé (€)", Identifiant="A", Exercice=2013)
    retouch(path, path, {sheet: {cell: 1234}}, saved=SAVED, author="Luc")
    content = path.read_bytes()

    def read_in_trouble(where: Path, reader: Any) -> Any:
        monkeypatch.setattr(source, "read_through", read)
        if moment == "late":
            raise refusal("lecture-delai", attendu=30.0, ampleur="")
        path.unlink()
        try:
            return read(where, reader)
        finally:
            path.write_bytes(content)

    monkeypatch.setattr(source, "read_through", read_in_trouble)
    done = night(root, datetime(2016, 12, 2))
    assert done.consolidation.master.fichier == "contrat.xlsx"
    assert done.consolidation.contract.tables["lignes_budgetaires"].columns["montant_realise"][0] == 1234_00


def test_the_workbook_last_accepted_is_kept(root: Path) -> None:
    night(root)
    kept = books(root) / "consolidation" / "acceptes" / "contrat.xlsx"
    assert kept.read_bytes() == (books(root) / "contrat.xlsx").read_bytes()
    truncated(books(root) / "contrat.xlsx", books(root) / "contrat.xlsx")
    before = kept.read_bytes()
    night(root, datetime(2016, 12, 2))
    assert kept.read_bytes() == before


def test_a_workbook_that_is_none_is_blocked_too(root: Path) -> None:
    truncated(books(root) / "contrat.xlsx", books(root) / "contrat.xlsx")
    done = night(root)
    assert done.consolidation.master.fichier == "registre"
    assert "contrat-bloque" in codes(done, "contrat.xlsx")


def test_a_partner_that_only_the_workbook_knows_may_answer(root: Path) -> None:
    rows: Rows = case_rows()
    rows["partenaires"] = [partenaire for partenaire in rows["partenaires"] if partenaire["partenaire_id"] != "vide"]
    save_register(
        books(root) / "registre", tables_of(rows), schemas(), identifiant="essai-2015-2020", titre="Contrat d'essai"
    )
    line = {"convention_id": "1 – Éducation", "libelle": "Goûters", "montant_prevu": 30}
    fill(form(root, "vide"), books(root) / "retours" / "v.xlsx", new_rows={"Budget": [line]}, saved=SAVED)
    done = night(root)
    assert status(done, "vide") is ReturnStatus.ACCEPTED
    assert 30_00 in done.consolidation.contract.tables["lignes_budgetaires"].column("montant_prevu")


# What lies in retours/


def test_whatever_lies_there_is_said_and_nothing_else_is_disturbed(root: Path) -> None:
    reply(root, "a.xlsx", 12.5)
    retours = books(root) / "retours"
    (retours / "notes.txt").write_text("à rappeler lundi", encoding="utf-8")
    (retours / "vide.xlsx").write_bytes(b"")
    (retours / "dossier.xlsx").mkdir()
    (retours / "~$a.xlsx").write_bytes(b"x" * 165)
    truncated(form(root), retours / "coupé.xlsx")
    old_excel(retours / "ancien.xlsx")
    ods = io.BytesIO()
    with zipfile.ZipFile(ods, "w") as target:
        target.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        target.writestr("content.xml", "<x/>")
    (retours / "libre.ods").write_bytes(ods.getvalue())
    shutil.copy(books(root) / "contrat.xlsx", retours / "contrat.xlsx")
    (retours / "perdu.xlsx").symlink_to(retours / "rien.xlsx")
    done = night(root)
    verdicts = {file.fichier.removeprefix("retours/"): file.verdict for file in done.consolidation.strays}
    unreadable = ("notes.txt", "vide.xlsx", "coupé.xlsx", "ancien.xlsx", "libre.ods", "perdu.xlsx")
    assert verdicts == {**dict.fromkeys(unreadable, Verdict.UNREADABLE), "contrat.xlsx": Verdict.FOREIGN}
    for name in verdicts:
        assert codes(done, f"retours/{name}"), name
    digests = [file.sha256 for file in done.consolidation.strays]
    assert len(set(digests)) == len(digests)
    assert digests.count("") == 1  # the link to nothing: the others are told apart by their content
    assert codes(done, "retours/contrat.xlsx") == {"pas-un-formulaire"}
    assert planned(done) == [12_50]
    assert status(done) is ReturnStatus.ACCEPTED


def test_a_name_that_is_not_utf_8_stops_nothing(root: Path) -> None:
    """As Linux has them of an old zip: it is answered, and its annotated copy goes when it is clean."""
    (books(root) / "retours").mkdir(exist_ok=True)
    strange = os.fsdecode(b"lu\xe7e.xlsx")
    try:
        (books(root) / "retours" / strange).touch()
    except OSError:
        pytest.skip("this system has no such names")
    (books(root) / "retours" / os.fsdecode(b"l\xe0.txt")).write_bytes(b"x")
    shutil.copy(reply(root, "a.xlsx", "beaucoup"), books(root) / "retours" / strange)
    (books(root) / "retours" / "a.xlsx").unlink()
    assert status(night(root)) is ReturnStatus.REJECTED
    assert (books(root) / "constats" / strange).is_file()
    before = outputs(root)
    assert not night(root).written
    assert outputs(root) == before
    answers = {"Budget": {key: {"montant_prevu": 10} for key in form_keys(form(root))["Budget"]}}
    fill(form(root), books(root) / "retours" / strange, answers, saved=datetime(2016, 11, 26))
    assert status(night(root)) is ReturnStatus.ACCEPTED
    assert not (books(root) / "constats" / strange).exists()


def test_the_consolidation_itself_among_the_returns_is_no_return(root: Path) -> None:
    night(root)
    (books(root) / "retours").mkdir()
    shutil.copy(books(root) / "consolidation" / "consolidation.xlsx", books(root) / "retours" / "x.xlsx")
    done = night(root, datetime(2016, 12, 2))
    (finding,) = [finding for finding in done.findings if finding.place.fichier == "retours/x.xlsx"]
    assert finding.code == "pas-un-formulaire"
    assert "c'est une consolidation" in finding.message
    again = night(root, datetime(2016, 12, 3))
    assert not again.written


def test_an_annotated_copy_filled_and_sent_back_is_a_return(root: Path) -> None:
    """What partners do: they correct the copy that shows their mistakes, and send that."""
    reply(root, "a.xlsx", Formula("1/0", "#DIV/0!"))
    assert status(night(root)) is ReturnStatus.REJECTED
    copy = books(root) / "constats" / "a.xlsx"
    (books(root) / "retours" / "a.xlsx").unlink()
    sheet = openpyxl.load_workbook(copy)["Budget"]
    (row,) = [cell.row for row in sheet.iter_rows() for cell in row if cell.value == "A"]
    cells = {"Budget": {f"F{row}": 12.5}}
    retouch(copy, books(root) / "retours" / "a corrigé.xlsx", cells, saved=datetime(2016, 11, 25), author="Marie")
    done = night(root, datetime(2016, 12, 2))
    assert status(done) is ReturnStatus.ACCEPTED
    assert planned(done) == [12_50]


def test_a_return_called_as_the_contract_gets_a_copy_of_its_own(root: Path) -> None:
    reply(root, "contrat.xlsx", Formula("1/0", "#DIV/0!"))
    done = night(root)
    (line,) = [line for line in done.consolidation.board if line.partenaire == "luce"]
    assert line.received[0].annotated == "constats/contrat (retour).xlsx"
    made = {path.name for path in (books(root) / "constats").iterdir()}
    assert made == {"contrat.xlsx", "contrat (retour).xlsx"}
    assert form_keys(books(root) / "constats" / "contrat (retour).xlsx")


def test_many_files_at_once(root: Path) -> None:
    retours = books(root) / "retours"
    first = reply(root, "0.xlsx", 1)
    for number in range(1, 300):
        shutil.copy(first, retours / f"{number}.xlsx")
    reply(root, "dernier.xlsx", 2.5, saved=datetime(2016, 11, 21))
    done = night(root)
    (line,) = [line for line in done.consolidation.board if line.partenaire == "luce"]
    assert len(line.received) == 301
    assert line.in_force is not None
    assert line.in_force.fichier == "retours/dernier.xlsx"
    assert planned(done) == [2_50]


# The command


def test_exit_codes_and_the_json(root: Path, tmp_path: Path) -> None:
    reply(root, "a.xlsx", 12.5)
    clean = tabellion("consolidate", "--json", tmp_path / "c.json", cwd=root)
    assert clean.code == 0, clean.out + clean.err
    report = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert report["version"] == 1
    assert report["resume"]["bloquants"] == 0
    kept = json.loads((books(root) / "consolidation" / "constats.json").read_text(encoding="utf-8"))
    assert kept["constats"] == report["constats"]
    assert tabellion("consolidate", "--silencieux", cwd=root).out == ""
    reply(root, "b.xlsx", Formula("1/0", "#DIV/0!"), saved=datetime(2016, 11, 25))
    wrong = tabellion("consolidate", "--silencieux", cwd=root)
    assert wrong.code == 1
    assert len(wrong.out.splitlines()) == 1
    assert wrong.out.startswith("tabellion 2016")
    assert wrong.err == ""


def test_wrong_use_is_2_and_nothing_is_written(root: Path) -> None:
    assert tabellion("consolidate", "--jsn", "x", cwd=root).code == 2
    (books(root) / "registre" / "piliers.csv").unlink()
    (books(root) / "contrat.xlsx").unlink()
    assert tabellion("consolidate", cwd=root).code == 2
    assert not outputs(root)


def test_a_workbook_of_the_contract_that_goes_is_replaced_by_the_copy_kept_of_it(root: Path) -> None:
    reply(root, "a.xlsx", 12.5)
    night(root)
    before = contents(books(root) / "consolidation" / "registre")
    (books(root) / "registre" / "piliers.csv").unlink()
    (books(root) / "contrat.xlsx").unlink()
    done = night(root)
    assert "contrat-absent" in codes(done, "contrat.xlsx")
    assert contents(books(root) / "consolidation" / "registre") == before


def test_a_workbook_of_the_contract_that_is_being_saved_is_not_absent(root: Path) -> None:
    """Excel renames twice: for a moment there is none."""
    night(root)
    contrat, away = books(root) / "contrat.xlsx", books(root) / "5F3A1000"
    contrat.rename(away)
    back = threading.Timer(0.3, away.rename, (contrat,))
    back.start()
    try:
        assert "contrat-absent" not in codes(night(root), "contrat.xlsx")
    finally:
        back.join()


@pytest.mark.parametrize("is_sound", [True, False])
def test_a_workbook_of_the_contract_that_goes_while_it_is_read_is_that_run_s(
    root: Path, monkeypatch: pytest.MonkeyPatch, *, is_sound: bool
) -> None:
    """Saved just then: the run goes to its end with what it has read."""
    night(root)
    if not is_sound:
        slipped(root)
    read, contrat = source.read_through, books(root) / "contrat.xlsx"

    def last_read(path: Path, reader: BookReader) -> Book:
        book = read(path, reader)
        path.unlink() if path == contrat else None
        return book

    contrat.write_bytes(contrat.read_bytes() + b"\0")  # not as the journal remembers it
    monkeypatch.setattr(source, "read_through", last_read)
    assert "contrat-absent" not in codes(night(root), "contrat.xlsx")
    assert not contrat.exists()


@pytest.mark.parametrize(
    "name", ["workbooks/retours", "workbooks/registre", "workbooks/envois", "schemas", "templates"]
)
def test_a_file_in_place_of_a_folder_stops_the_run(root: Path, name: str) -> None:
    shutil.rmtree(root / name, ignore_errors=True)
    (root / name).write_bytes(b"")
    outcome = tabellion("consolidate", cwd=root)
    assert (outcome.code, outcome.codes) == (2, ["place-prise"])
    assert f"« {Path(name).name} » est un fichier : il faut un dossier à cette place." in outcome.err
    assert not outputs(root)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("consolidation", "fichier"),
        ("consolidation/registre", "fichier"),
        ("consolidation/acceptes", "fichier"),
        ("consolidation/consolidation.xlsx/a", "dossier"),
        ("consolidation/constats.json/a", "dossier"),
        ("consolidation/acceptes/contrat.xlsx/a", "dossier"),
        ("registre/fiches.csv/a", "dossier"),
    ],
)
def test_what_stands_at_the_place_of_an_output_is_named_and_nothing_is_written(
    root: Path, name: str, kind: str
) -> None:
    reply(root, "a.xlsx", 12.5)
    night(root)
    taken = books(root) / (name if kind == "fichier" else name.removesuffix("/a"))
    shutil.rmtree(taken) if taken.is_dir() else taken.unlink()
    if kind == "fichier":
        taken.touch()
    else:
        taken.mkdir()
        (taken / "a").touch()
    answers = {"Budget": {key: {"montant_prevu": 13.5} for key in form_keys(form(root))["Budget"]}}
    fill(form(root), books(root) / "retours" / "a.xlsx", answers, saved=datetime(2016, 11, 26))
    before = _seen(root)
    outcome = tabellion("consolidate", cwd=root)
    assert (outcome.code, outcome.codes) == (2, ["place-prise"])
    assert f"« {taken.name} » est un {kind}" in outcome.err
    assert _seen(root) == before
    shutil.rmtree(taken) if taken.is_dir() else taken.unlink()  # as the remedy says
    assert tabellion("consolidate", cwd=root).code == 0


def _seen(root: Path) -> dict[str, bytes]:
    """What people see of the workbooks; a register that somebody changed has its dated copy."""
    files = contents(books(root))
    return {name: content for name, content in files.items() if not name.startswith((".tabellion", "archives"))}


def test_a_link_to_a_folder_of_returns_that_is_gone_stops_the_run(root: Path, tmp_path: Path) -> None:
    share = tmp_path / "partage"
    share.mkdir()
    (books(root) / "retours").symlink_to(share)
    assert tabellion("consolidate", cwd=root).code == 0
    share.rmdir()
    outcome = tabellion("consolidate", cwd=root)
    assert outcome.code == 2
    assert "dossier-illisible" in outcome.codes


# The same twice


def test_a_second_run_writes_nothing(root: Path) -> None:
    reply(root, "a.xlsx", 12.5)
    reply(root, "b.xlsx", Formula("1/0", "#DIV/0!"), saved=datetime(2016, 11, 25))
    assert night(root).written
    before, when = contents(books(root)), stamps(root)
    again = night(root, datetime(2016, 12, 2))
    assert not again.written
    after = contents(books(root))
    ours = ".tabellion/"
    assert {k: v for k, v in after.items() if not k.startswith(ours)} == {
        k: v for k, v in before.items() if not k.startswith(ours)
    }
    assert stamps(root) == when
    assert again.consolidation.made == TONIGHT


def test_outputs_deleted_by_hand_come_back_the_same(root: Path) -> None:
    reply(root, "a.xlsx", 12.5)
    reply(root, "b.xlsx", Formula("1/0", "#DIV/0!"), saved=datetime(2016, 11, 25))
    night(root)
    before = outputs(root)
    together = ("rapport.html", "registre/fiches.csv", "acceptes/2016/luce.xlsx", "../constats/b.xlsx")
    for day, names in enumerate((["consolidation.xlsx"], ["acceptes/contrat.xlsx"], together), 2):
        for name in names:
            (books(root) / "consolidation" / name).unlink()
        night(root, datetime(2016, 12, day))
        assert outputs(root) == before, names


def test_without_its_journal_the_state_is_the_same(root: Path) -> None:
    reply(root, "a.xlsx", 12.5)
    night(root)
    before = outputs(root)
    shutil.rmtree(books(root) / ".tabellion")
    assert not night(root, datetime(2016, 12, 2)).written
    assert outputs(root) == before


def test_names_of_files_decide_nothing(root: Path) -> None:
    path = reply(root, "a.xlsx", 12.5)
    assert planned(night(root)) == [12_50]
    path.rename(path.with_name("Copie de retour (1) #2 été.xlsx"))
    done = night(root, datetime(2016, 12, 2))
    assert planned(done) == [12_50]
    assert status(done) is ReturnStatus.ACCEPTED


def test_a_template_changed_makes_the_outputs_again(root: Path) -> None:
    night(root)
    template = root / "templates" / "rapport.html"
    template.write_text(
        template.read_text(encoding="utf-8").replace("</body>", "<p>Le service</p></body>"), encoding="utf-8"
    )
    assert night(root, datetime(2016, 12, 2)).written
    assert "<p>Le service</p>" in (books(root) / "consolidation" / "rapport.html").read_text(encoding="utf-8")


def test_a_workspace_of_before_without_the_page_s_template_is_told_so(root: Path) -> None:
    (root / "templates" / "rapport.html").unlink()
    outcome = tabellion("consolidate", cwd=root)
    assert outcome.code == 2
    assert "rapport.html" in outcome.err
    assert "gabarit" in outcome.err
    assert not outputs(root)


def test_a_spoilt_state_is_no_reason_to_stop(root: Path) -> None:
    night(root)
    path = books(root) / "consolidation" / "constats.json"
    text = path.read_text(encoding="utf-8")
    report = json.loads(text)
    infinite = json.dumps({**report, "etat": {**report["etat"], "exercice": float("inf")}})
    spoilt = ("", text[: len(text) // 2], "[" * 100_000, json.dumps({**report, "constats": ["x"]}), infinite)
    for day, content in enumerate(spoilt, 2):
        path.write_text(content, encoding="utf-8")
        assert night(root, datetime(2016, 12, day)).written
        assert json.loads(path.read_text(encoding="utf-8"))["etat"]["fait_le"].startswith(f"2016-12-{day:02d}")


# Copies, kept returns, history


def test_a_copy_is_made_for_what_is_to_be_corrected_and_goes_when_it_is(root: Path) -> None:
    reply(root, "a.xlsx", Formula("1/0", "#DIV/0!"))
    night(root)
    copy = books(root) / "constats" / "a.xlsx"
    assert copy.exists()
    answers = {"Budget": {key: {"montant_prevu": 10} for key in form_keys(form(root))["Budget"]}}
    fill(form(root), books(root) / "retours" / "a.xlsx", answers, saved=datetime(2016, 11, 26))
    done = night(root, datetime(2016, 12, 2))
    assert status(done) is ReturnStatus.ACCEPTED
    assert not copy.exists()


def test_the_copy_of_the_contract_is_that_of_its_last_save(root: Path) -> None:
    night(root)
    slipped(root)
    night(root, datetime(2016, 12, 2))
    path, copy = books(root) / "contrat.xlsx", books(root) / "constats" / "contrat.xlsx"
    before = copy.read_bytes()
    book = openpyxl.load_workbook(path)
    book.create_sheet("Notes")["A1"] = "une note"
    book.save(path)
    night(root, datetime(2016, 12, 3))
    after = copy.read_bytes()
    assert after != before
    assert openpyxl.load_workbook(copy)["Notes"]["A1"].value == "une note"
    assert not night(root, datetime(2016, 12, 4)).written


def test_a_copy_in_which_somebody_typed_is_kept(root: Path) -> None:
    reply(root, "a.xlsx", Formula("1/0", "#DIV/0!"))
    night(root)
    copy = books(root) / "constats" / "a.xlsx"
    retouch(copy, copy, {"Budget": {"I7": "à revoir"}}, saved=datetime(2016, 11, 24), author="Luc")
    typed = copy.read_bytes()
    reply(root, "a.xlsx", Formula("1/0", "#REF!"), saved=datetime(2016, 11, 26))
    night(root, datetime(2016, 12, 2, 2))
    assert typed in [path.read_bytes() for path in (books(root) / "constats").glob("a 2016-12-02*.xlsx")]
    assert copy.read_bytes() != typed


def test_the_last_accepted_return_is_kept_whatever_happens_to_its_file(root: Path) -> None:
    path = reply(root, "a.xlsx", 12.5)
    night(root)
    path.unlink()
    done = night(root, datetime(2016, 12, 2))
    assert planned(done) == [12_50]
    kept = "consolidation/acceptes/2016/luce.xlsx"
    assert codes(done, kept) == {"retour-disparu"}
    (books(root) / "retours" / "écartés").mkdir()
    shutil.move(books(root) / kept, books(root) / "retours" / "écartés" / "luce.xlsx")
    done = night(root, datetime(2016, 12, 3))
    assert planned(done) == []
    assert status(done) is ReturnStatus.LATE


def test_a_second_file_of_the_same_moment_leaves_the_accepted_one_in_force(root: Path) -> None:
    reply(root, "a.xlsx", 12.5)
    night(root)
    reply(root, "b.xlsx", 99)
    for day in (2, 3):
        done = night(root, datetime(2016, 12, day))
        assert planned(done) == [12_50]
        assert status(done) is ReturnStatus.KEPT
    (books(root) / "retours" / "écartés").mkdir()
    shutil.move(books(root) / "retours" / "a.xlsx", books(root) / "retours" / "écartés" / "a.xlsx")
    done = night(root, datetime(2016, 12, 4))
    assert planned(done) == [99_00]
    assert status(done) is ReturnStatus.ACCEPTED


def test_the_last_thirty_states_are_kept(root: Path) -> None:
    history = books(root) / "consolidation" / "historique"
    night(root)
    for day in range(1, 32):
        (history / f"2016-10-{day:02d} 02h00").mkdir(parents=True)
    first = outputs(root)
    reply(root, "a.xlsx", 12.5)
    night(root, datetime(2016, 12, 2))
    names = sorted(path.name for path in history.iterdir())
    assert len(names) == 30
    assert names[-1] == "2016-12-01 02h00"
    kept = contents(history / names[-1])
    for name in OUTPUTS:
        assert kept[name] == first[f"consolidation/{name}"]


# Outputs that people wrote into


def type_into(path: Path) -> bytes:
    """Somebody types in a workbook and saves it, or a spreadsheet program saves a table its own way."""
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        book.worksheets[0]["A40"] = "à revoir"
        book.save(path)
    else:
        path.write_bytes(path.read_bytes() + b"<!-- \xc3\xa0 revoir -->\n")
    return path.read_bytes()


@pytest.mark.parametrize("name", ["consolidation.xlsx", "rapport.html", "registre/lignes_budgetaires.csv"])
def test_an_output_that_somebody_wrote_into_is_put_back_and_theirs_is_kept(root: Path, name: str) -> None:
    reply(root, "a.xlsx", 12.5)
    night(root)
    before, path = outputs(root), books(root) / "consolidation" / name
    theirs = type_into(path)
    done = night(root, datetime(2016, 12, 2, 2, 0))
    assert done.written
    assert codes(done, f"consolidation/{name}") == {"sortie-modifiee"}
    after = dict(outputs(root))
    kept = after.pop(f"consolidation/{Path(name).with_stem(f'{Path(name).stem} 2016-12-02 02h00').as_posix()}")
    assert kept == theirs
    assert after == before
    assert not (books(root) / "consolidation" / "historique").exists(), "no state was replaced"
    times = stamps(root)
    again = night(root, datetime(2016, 12, 3, 2, 0))
    assert not again.written
    assert "sortie-modifiee" not in {finding.code for finding in again.findings}
    assert stamps(root) == times


def test_what_somebody_wrote_is_kept_beside_a_new_state_and_not_in_the_history(root: Path) -> None:
    night(root)
    workbook = books(root) / "consolidation" / "consolidation.xlsx"
    theirs = type_into(workbook)
    reply(root, "a.xlsx", 12.5)
    done = night(root, datetime(2016, 12, 2, 2, 0))
    assert planned(done) == [12_50]
    assert codes(done, "consolidation/consolidation.xlsx") == {"sortie-modifiee"}
    assert workbook.with_stem("consolidation 2016-12-02 02h00").read_bytes() == theirs
    assert workbook.read_bytes() != theirs
    (state,) = (books(root) / "consolidation" / "historique").iterdir()
    assert (state / "rapport.html").exists()
    assert not (state / "consolidation.xlsx").exists()
    assert not night(root, datetime(2016, 12, 3, 2, 0)).written


def test_an_output_written_into_and_still_open_waits_for_its_place(root: Path) -> None:
    night(root)
    workbook = books(root) / "consolidation" / "consolidation.xlsx"
    true = workbook.read_bytes()
    theirs = type_into(workbook)
    owner = workbook.with_name("~$consolidation.xlsx")
    owner.write_bytes(b"\x06Marie" + b" " * 159)
    os.utime(owner, (TONIGHT.timestamp(), TONIGHT.timestamp()))
    for _ in range(2):
        done = night(root, TONIGHT)
        assert "sortie-ouverte" in codes(done, "consolidation/consolidation.xlsx")
        assert workbook.read_bytes() == theirs
    assert not done.written
    owner.unlink()
    done = night(root, TONIGHT)
    assert "sortie-modifiee" in codes(done, "consolidation/consolidation.xlsx")
    assert workbook.read_bytes() == true
    assert [path.read_bytes() for path in workbook.parent.glob("consolidation 20*.xlsx")] == [theirs]
    assert not night(root, TONIGHT).written


def test_other_times_and_another_place_are_no_edit(root: Path, tmp_path: Path) -> None:
    reply(root, "a.xlsx", 12.5)
    night(root)
    for path in books(root).joinpath("consolidation").rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    times = stamps(root)
    assert not night(root).written
    assert stamps(root) == times
    elsewhere = Path(shutil.copytree(root, tmp_path / "ailleurs", copy_function=shutil.copyfile))
    times = stamps(elsewhere)
    assert not night(elsewhere).written
    assert stamps(elsewhere) == times
    shutil.rmtree(elsewhere / "workbooks" / ".tabellion")
    assert not night(elsewhere).written
    assert stamps(elsewhere) == times


def test_a_return_s_bytes_are_never_touched(root: Path) -> None:
    reply(root, "a.xlsx", 12.5)
    reply(root, "b.xlsx", Formula("1/0", "#DIV/0!"), saved=datetime(2016, 11, 25))
    before = contents(books(root) / "retours")
    night(root)
    assert contents(books(root) / "retours") == before


# What it says


def test_a_conflict_says_who_says_what_and_what_stays(root: Path) -> None:
    key = date_financement(root, "I-1.1./1:etat", 2016)
    fill(form(root, "etat"), books(root) / "retours" / "e.xlsx",
         {"Financements": {key: {"montant": 100}}}, saved=SAVED)  # fmt: skip
    fill(form(root, "bailleur"), books(root) / "retours" / "b.xlsx",
         {"Financements": {key: {"montant": 200}}}, saved=SAVED)  # fmt: skip
    done = night(root)
    (conflict,) = done.consolidation.conflicts
    assert {claim.after for claim in conflict.claims} == {100_00, 200_00}
    assert conflict.kept == 890_000_00
    (finding,) = [finding for finding in done.findings if finding.code == "conflit"]
    for words in ("100 €", "200 €", "890 000 €", "Bailleur"):
        assert words in finding.message.replace("\xa0", " ").replace("\u202f", " "), finding.message
    assert finding.place.fichier == "contrat.xlsx"
    assert {place.fichier for place in finding.liees} == {"retours/e.xlsx", "retours/b.xlsx"}
    assert {change.outcome for change in done.consolidation.modifications} == {MergeOutcome.CONFLICT}


def test_an_amount_in_conflict_is_not_said_to_be_missing(root: Path) -> None:
    registre = books(root) / "registre" / "financements.csv"
    text = registre.read_text(encoding="utf-8").replace("890000,chiffré", ",à négocier")
    assert ",à négocier" in text
    registre.write_text(text, encoding="utf-8")
    key = date_financement(root, "I-1.1./1:etat", 2016)
    for partner, amount in (("etat", 100), ("bailleur", 200)):
        answer = {key: {"montant": amount, "statut_montant": "chiffré"}}
        fill(form(root, partner), books(root) / "retours" / f"{partner}.xlsx", {"Financements": answer}, saved=SAVED)
    done = night(root)
    (conflict,) = done.consolidation.conflicts
    assert (conflict.champ, conflict.kept) == ("montant", None)
    assert {"montant-et-statut", "financeur-sans-montant"} & {finding.code for finding in done.findings} == set()
    # Once the contract has an amount, what contradicts it is said again.
    (books(root) / "retours" / "bailleur.xlsx").unlink()
    answer = {key: {"montant": None, "statut_montant": "chiffré"}}
    fill(form(root, "etat"), books(root) / "retours" / "etat.xlsx", {"Financements": answer}, saved=SAVED)
    shutil.rmtree(books(root) / "consolidation")
    assert "montant-et-statut" in {finding.code for finding in night(root).findings}


def test_what_comes_from_the_contract_is_told_at_its_own_cell(root: Path) -> None:
    night(root)
    sheet, cell = table_cell(books(root) / "contrat.xlsx", "Lignes_01", "Montant réalisé (€)", Identifiant="A",
                             Exercice=2013)  # fmt: skip
    retouch(books(root) / "contrat.xlsx", books(root) / "contrat.xlsx", {sheet: {cell: 77}}, saved=SAVED, author="Luc")
    (change,) = night(root).consolidation.since.cells
    assert change.place is not None
    assert (change.place.feuille, change.place.cellule) == (sheet, cell)
    told = tabellion("historique", f"contrat.xlsx!{sheet}!{cell}", cwd=root).out
    who = f"        l'équipe du contrat, dans contrat.xlsx, feuille « {sheet} », cellule {cell}"
    first, after = told.split("→ 77\xa0€\n")
    assert who + "\n" in first, "a contract as it was generated was saved by nobody"
    assert after.startswith(f"{who}, enregistré le 20/11/2016")


def test_the_total_that_changed_is_of_one_amount_and_named(root: Path) -> None:
    planned = {"A": {"montant_prevu": 1000.25}, "C": {"montant_realise": None}}
    fill(form(root), books(root) / "retours" / "a.xlsx", {"Budget": planned}, saved=SAVED)
    night(root)
    # The same planned amounts, and all of them spent for less: no euro of one becomes the other.
    rows = {key: {"montant_prevu": 1000.25, "montant_realise": 7} for key in form_keys(form(root))["Budget"]}
    fill(form(root), books(root) / "retours" / "b.xlsx", {"Budget": rows}, saved=datetime(2016, 11, 21))
    since = night(root).consolidation.since
    assert (since.totals, since.total_of) == ((None, 7_00 * len(rows)), "réalisé 2016")  # nothing was known
    rows = {key: {"montant_prevu": 1000.25, "montant_realise": 8} for key in rows}
    fill(form(root), books(root) / "retours" / "c.xlsx", {"Budget": rows}, saved=datetime(2016, 11, 22))
    outcome = tabellion("consolidate", cwd=root)
    words = outcome.out.replace("\xa0", " ").replace("\u202f", " ")
    assert f"total réalisé 2016 : {7 * len(rows)} € → {8 * len(rows)} € (+{len(rows)} €)" in words


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda text: f'"{text}',
        lambda text: text.replace("\n", '\nx"y,"z\n', 1),
        lambda text: text.replace(",", '"', 5),
        lambda _: "",
        lambda _: '"',
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text + '"fin',
        lambda text: text.replace("\n", "\n\n"),
    ],
)
def test_a_consolidated_table_that_somebody_spoilt_stops_nothing(root: Path, spoilt: Callable[[str], str]) -> None:
    """What changed since cannot all be told then; the state is what it is."""
    reply(root, "a.xlsx", 12.5)
    night(root)
    path = books(root) / "consolidation" / "registre" / "lignes_budgetaires.csv"
    path.write_bytes(spoilt(path.read_text(encoding="utf-8")).encode())
    reply(root, "a.xlsx", 13.5, saved=datetime(2016, 11, 26))
    done = night(root, datetime(2016, 12, 2))
    assert planned(done) == [13_50]
    assert not any(finding.bloquant for finding in done.findings)


def test_what_changed_is_told_of_texts_of_several_lines_too(root: Path) -> None:
    reply(root, "a.xlsx", 12.5, commentaire='Une "ligne",\npuis une autre')
    night(root)
    reply(root, "a.xlsx", 13.5, commentaire='Une "ligne",\npuis deux', saved=datetime(2016, 11, 26))
    cells = night(root, datetime(2016, 12, 2)).consolidation.since.cells
    told = {(cell.champ, cell.before, cell.after) for cell in cells if cell.key == ("A", 2016)}
    assert ("montant_prevu", 12_50, 13_50) in told
    ((before, after),) = [(before, after) for champ, before, after in told if champ == "commentaire"]
    assert str(before).endswith("puis une autre")
    assert str(after).endswith("puis deux")


def test_another_run_that_holds_the_workspace_is_named(root: Path) -> None:
    from tabellion.transaction.lock import hold

    with hold(find_workspace(root).memory, "tabellion consolidate", TONIGHT), pytest.raises(TabellionError) as refused:
        night(root)
    assert [finding.code for finding in refused.value.findings] == ["espace-occupe"]
