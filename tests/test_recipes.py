"""How to add a check, a sheet, an output: each recipe of DESIGN.md, followed (that of a column: test_new_column)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import tabellion.cli as cli
from support.campaign import campaign_workspace
from support.contracts import small_rows
from support.masters import Package, contract_of, position, written
from tabellion.checks import contract as rules
from tabellion.checks.inspection import Inspection
from tabellion.cli.app import Contrat, app, leaving, open_workspace
from tabellion.cli.usage import Command
from tabellion.commands.source import load_contract
from tabellion.contract.book import Book
from tabellion.contract.workspace import Workspace
from tabellion.findings import CATALOGUE, Code, Severity
from tabellion.measures.measure import Count, Filled, Measure, Rows
from tabellion.outputs.master import layout as master_layout
from tabellion.outputs.master import workbook as master_workbook
from tabellion.outputs.master.layout import MasterLayout
from tabellion.transaction.files import edited_among, replace_or_refuse
from tabellion.xlsx.blocks import write_measure
from tabellion.xlsx.writer import Sheet

LINES, ESSAI = "lignes_budgetaires", "Essai"


# A check: a code, a function of an inspection, a place among the rules


def check_capitals(inspection: Inspection) -> None:
    for row, label in enumerate(inspection.tables[LINES].column("libelle")):
        if isinstance(label, str) and label.isupper():
            inspection.say("libelle-en-capitales", LINES, row, "libelle", valeur=label)


def test_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    code = Code("libelle-en-capitales", "Un libellé en capitales", Severity.INFORMATION, "« {valeur} » crie.", "Non.")
    monkeypatch.setitem(CATALOGUE, code.code, code)
    monkeypatch.setattr(rules, "_MEANING", (*rules._MEANING, check_capitals))
    rows = small_rows()
    rows[LINES][0]["libelle"] = "CANTINE"
    contract = contract_of(rows)
    layout, content = written(contract)
    (finding,) = [finding for finding in rules.check_contract(contract, layout.locate) if finding.code == code.code]
    assert (finding.message, finding.champ) == ("« CANTINE » crie.", "libelle")
    cells = Package(content).cells
    assert cells[str(finding.place.feuille)][position(str(finding.place.cellule))][0] == "CANTINE"
    assert any("crie" in str(value) for value, _ in cells["Contrôles"].values()), "it is in the master's own sheet"


# A sheet of the master: a name, a place among the sheets, what writes it


def write_essai(sheet: Sheet, layout: MasterLayout) -> None:
    count, lines = Count((Filled("libelle"),)), layout.contract.tables[LINES].rows
    formula = count.formula(layout.columns(LINES, 1))
    rows = Rows.of([row for row in lines if row["convention_id"] == 1], "libelle")
    sheet.title(ESSAI, "Les lignes de la première convention", 2)
    write_measure(sheet, 4, 0, Measure("count", count.value(rows), formula), ("", "", ESSAI))


def test_a_sheet_of_the_master(monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = master_layout._sheets
    monkeypatch.setattr(master_layout, "_sheets", lambda contract: sheets(contract) | {ESSAI: ESSAI})
    writers = {**master_workbook.AFTER_CONVENTIONS, ESSAI: write_essai}
    monkeypatch.setattr(master_workbook, "AFTER_CONVENTIONS", writers)
    contract = contract_of(small_rows())
    package = Package(written(contract)[1])
    lines = sum(row["convention_id"] == 1 for row in contract.tables[LINES].rows)
    assert lines
    value, formula = package.cells[ESSAI][position("A5")]
    assert value == lines
    assert formula == 'COUNTIFS(Lignes_01[Libellé],"<>")'
    assert package.cells[ESSAI][position("A3")][0] == "← Accueil", "it has its way back, as the others"


# An output: a pure function to bytes, a command that puts them in place, a few lines of the command line


def titles(contract: Book) -> bytes:
    return "".join(f"{title}\n" for title, _ in contract.convention_titles.values()).encode()


def make_titles(workspace: Workspace, *, force: bool, now: datetime) -> Path:
    target = workspace.workbooks / "publication" / "titres.txt"
    contents = {target: titles(load_contract(workspace))}
    edited = edited_among(contents, lambda *_: False)
    replace_or_refuse(contents, edited, "Rangez-le ailleurs.", force=force, now=now)
    return target


def titres(contrat: Contrat = Path()) -> None:
    """Écrit les titres des conventions."""
    with leaving(0):
        print(make_titles(open_workspace(contrat), force=False, now=datetime.now()))


def test_an_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(app, "registered_commands", [*app.registered_commands])
    app.command(cls=Command)(titres)
    root = campaign_workspace(tmp_path / "contrat", contract="cas")

    def run(*words: Any) -> int:
        with pytest.raises(SystemExit) as end:
            cli.main([*map(str, words)])
        return int(end.value.code or 0)

    assert run("titres", "--contrat", root) == 0
    target = Path(capsys.readouterr().out.strip())
    assert target.read_text(encoding="utf-8").splitlines() == ["Éducation", "Santé", "Habitat"]
    assert run("titres", "--contrat", root) == 0, "what is there is what would be written"
    target.write_text("mes notes", encoding="utf-8")
    assert run("titres", "--contrat", root) == 2
    assert target.read_text(encoding="utf-8") == "mes notes"
    capsys.readouterr()
    assert run("titres", "--help") == 0
    assert "Écrit les titres des conventions." in capsys.readouterr().out
