"""The folder of the returns through whole runs: what lies in it beside returns, and what a second run says."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from support.campaign import fill
from support.program import tabellion
from tabellion.campaign.read_returns import ReadProgress
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.commands.validate import files_of, validate_files
from tabellion.contract.workspace import find_workspace
from tabellion.watching.snapshot import differences, take_snapshot

NOW = datetime(2016, 12, 1, 2, 0)


def run(root: Path, now: datetime = NOW, progress: ReadProgress | None = None) -> ConsolidationRun:
    return consolidate(find_workspace(root), now, progress)


def put(root: Path, name: str, amount: int | None = None, day: int = 1, **cells: object) -> Path:
    """A return of Lucé: what it plans on the line C, and other cells of that line, saved in November."""
    target = root / "workbooks" / "retours" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    form = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    values = {**({} if amount is None else {"montant_prevu": amount}), **cells}
    fill(form, target, {"Budget": {"C": values}} if values else {}, saved=datetime(2016, 11, day, 9))
    return target


def planned(done: ConsolidationRun) -> list[int | None]:
    """What the line C is planned to cost in 2016, in euros."""
    rows = done.consolidation.contract.tables["lignes_budgetaires"].rows
    cents = [row["montant_prevu"] for row in rows if row["ligne_id"] == "C" and row["exercice"] == 2016]
    return [value if value is None else value // 100 for value in cents]


@pytest.mark.parametrize("bin_", ["$RECYCLE.BIN", "~snapshot/nuit.1"])
def test_a_return_in_a_bin_never_counts_for_a_run_the_watcher_or_validate(sent_copy: Path, bin_: str) -> None:
    put(sent_copy, "luce.xlsx", 1000, 1)
    workspace = find_workspace(sent_copy)
    before = take_snapshot(workspace)
    put(sent_copy, f"{bin_}/luce.xlsx", 999_999, 5)
    (workspace.retours / "luce.xlsx:Zone.Identifier").write_text("[ZoneTransfer]")
    (workspace.retours / "luce.xlsx.lnk").write_bytes(b"L\0\0\0")
    assert list(differences(before, take_snapshot(workspace))) == []
    done = run(sent_copy)
    assert planned(done) == [1000]
    codes = [finding.code for finding in done.notices]
    assert codes.count("restes-ignores") == codes.count("fichier-ailleurs") == 1
    assert not [finding for finding in done.findings if finding.bloquant]
    files, passed_over = files_of([workspace.retours])
    assert [path.name for path in files] == ["luce.xlsx"]
    assert sorted(finding.code for finding in passed_over) == ["fichier-ailleurs", "restes-ignores"]
    assert not [finding for of_file in validate_files(workspace, files) for finding in of_file if finding.bloquant]
    shutil.rmtree(workspace.retours / bin_)
    assert planned(run(sent_copy)) == [1000]


def test_what_comes_and_goes_beside_returns_makes_no_new_state(sent_copy: Path) -> None:
    put(sent_copy, "luce.xlsx", 1000)
    assert run(sent_copy).written
    retours = sent_copy / "workbooks" / "retours"
    for name in ("Thumbs.db", "~$luce.xlsx", "1A2B3C4D", "autre.xlsx.filepart", ".DS_Store"):
        (retours / name).write_bytes(b"x")
    assert not run(sent_copy).written


def test_validate_takes_a_folder_and_what_a_shell_makes_of_a_star(sent_copy: Path) -> None:
    put(sent_copy, "luce.xlsx", 1000)
    put(sent_copy, "@Recycle/luce.xlsx", 999_999)
    (sent_copy / "workbooks" / "retours" / "Thumbs.db").write_bytes(b"x")
    by_folder = tabellion("validate", "workbooks/retours", "--json", "dossier.json", cwd=sent_copy)
    star = sorted(str(path) for path in (sent_copy / "workbooks" / "retours").iterdir())
    by_star = tabellion("validate", *star, "--json", "etoile.json", cwd=sent_copy)
    assert by_folder.code == by_star.code == 0
    reports = [json.loads((sent_copy / name).read_text())["constats"] for name in ("dossier.json", "etoile.json")]
    for constats in reports:
        assert [constat["code"] for constat in constats].count("restes-ignores") == 1
        assert {constat["fichier"] for constat in constats} <= {"luce.xlsx", "retours", None, ""}


def test_a_return_beside_no_contract_at_all_is_wrong_use(sent_copy: Path) -> None:
    path = put(sent_copy, "luce.xlsx", 1000)
    (sent_copy / "workbooks" / "contrat.xlsx").unlink(missing_ok=True)
    shutil.rmtree(sent_copy / "workbooks" / "registre")
    outcome = tabellion("validate", str(path), cwd=sent_copy)
    assert (outcome.code, outcome.codes) == (2, ["registre-absent"])


def test_two_runs_on_the_same_files_say_the_same(sent_copy: Path) -> None:
    """A file replaced in place by another half, a conflict copy of the same second, a form sent back untouched."""
    first = put(sent_copy, "luce.xlsx", 9, 1, commentaire="vu")
    assert planned(run(sent_copy)) == [9]
    first.unlink()
    put(sent_copy, "luce.xlsx", None, 2, montant_vote=10)
    half = run(sent_copy)
    row = [row for row in half.consolidation.contract.tables["lignes_budgetaires"].rows if row["ligne_id"] == "C"][-1]
    assert (row["montant_prevu"], row["montant_vote"], row["commentaire"]) == (900, 1000, "vu")
    second = run(sent_copy)
    assert not second.written
    assert second.findings == half.findings
    (joined,) = [change for change in half.consolidation.modifications if change.champ == "montant_prevu"]
    assert joined.saved == datetime(2016, 11, 1, 9), "who typed it, when, in which file"
    put(sent_copy, "luce (conflicted copy 2016-11-02 090000).xlsx", 12, 2)
    conflict = run(sent_copy)
    again = run(sent_copy)
    assert not again.written
    assert again.findings == conflict.findings
    assert "versions-a-departager" in {finding.code for finding in conflict.findings}


def test_a_form_sent_back_untouched_is_empty_not_accepted(sent_copy: Path) -> None:
    put(sent_copy, "luce.xlsx")
    done = run(sent_copy)
    (line,) = [line for line in done.consolidation.board if line.partenaire == "luce" and line.exercice == 2016]
    assert (line.status.value, line.in_force) == ("vide", None)
    assert [file.verdict.value for file in line.received] == ["vide"]
    assert "1 vide" in tabellion("status", cwd=sent_copy).out
    put(sent_copy, "plein.xlsx", 9, 1)
    assert planned(run(sent_copy)) == [9]
