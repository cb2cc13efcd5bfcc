"""One night with hundreds of hostile forms: they are named one by one, the good ones count to the cent, nothing stops.

What nobody foresaw in one file costs that file; what asked too much time is not read again; what is too large is named.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support.campaign import date_financement, fill
from support.hostile_forms import NAMES, grown, hostile_forms, parts_of, repacked, replaced
from support.masters import Package
from support.program import tabellion
from tabellion.campaign import isolation, read_returns
from tabellion.campaign.assembly import Materials, assemble
from tabellion.campaign.model import Consolidation
from tabellion.campaign.parsed_return import saved_time
from tabellion.commands import consolidate as consolidate_module
from tabellion.commands.consolidate import consolidate
from tabellion.commands.validate import validate, validate_files
from tabellion.contract.workspace import find_workspace
from tabellion.findings import MOST_ASKED, MOST_OF_A_KIND, Finding, Place, counted, finding
from tabellion.layout.names import IDENTITY
from tabellion.layout.theme import load_theme
from tabellion.reading.limits import refusal
from tabellion.schema.money import plain_euros
from tabellion.xlsx import annotation

NOW, SAVED = datetime(2016, 11, 24, 2), datetime(2016, 11, 20)
#: The financement that the State answers, once it has an exercice.
GRANTED = "I-1.1./1:etat:2016"
AMOUNTS = {"luce": 12_50, "vide": 1234_56, "etat": 100_01}


def sent_form(root: Path, partner: str) -> Path:
    return root / "workbooks" / "envois" / "2016" / f"{partner}-2016.xlsx"


def filled(root: Path, target: Path, partner: str = "luce") -> Path:
    """A good return of a partner."""
    amount = AMOUNTS[partner] / 100
    if partner == "etat":
        fill(sent_form(root, partner), target, {"Financements": {GRANTED: {"montant": amount}}}, saved=SAVED)
    elif partner == "vide":
        line = {"convention_id": "1 – Éducation", "libelle": "Goûters", "montant_prevu": amount}
        fill(sent_form(root, partner), target, new_rows={"Budget": [line]}, saved=SAVED)
    else:
        fill(sent_form(root, partner), target, {"Budget": {"A": {"montant_prevu": amount}}}, saved=SAVED)
    return target


@pytest.fixture
def asked(sent_copy: Path) -> Path:
    """A contract that asks the State for an amount of 2016."""
    assert date_financement(sent_copy, "I-1.1./1:etat", 2016) == GRANTED
    return sent_copy


def register_rows(root: Path, table: str) -> list[dict[str, str]]:
    path = root / "workbooks" / "consolidation" / "registre" / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_hundreds_of_hostile_forms_beside_good_ones(asked: Path, tmp_path: Path) -> None:
    root, returns = asked, asked / "workbooks" / "retours"
    model = filled(root, tmp_path / "rempli.xlsx").read_bytes()
    names = []
    for name, content in hostile_forms(model):
        (returns / f"{name}.xlsx").parent.mkdir(exist_ok=True)
        (returns / f"{name}.xlsx").write_bytes(content)
        names.append(f"retours/{name}.xlsx")
    assert len(names) >= 400
    for partner in ("vide", "etat"):
        filled(root, returns / f"bon {partner}.xlsx", partner)

    done = tabellion("consolidate", "--json", tmp_path / "nuit.json", cwd=root)

    assert done.code in (0, 1), done.err
    assert "Traceback" not in done.err
    findings = json.loads((tmp_path / "nuit.json").read_text(encoding="utf-8"))["constats"]
    by_file = defaultdict(list)
    for item in findings:
        by_file[item["fichier"]].append(item)
    assert [name for name in names if name not in by_file] == []
    limits = {"lecture-delai", "lecture-memoire", "lecture-interrompue"}
    assert [constat["valeur"] for constat in findings if constat["code"] in limits] == [], "nothing unforeseen happened"
    goods = [row for row in register_rows(root, "lignes_budgetaires") if row["libelle"] == "Goûters"]
    assert [row["montant_prevu"] for row in goods] == [plain_euros(AMOUNTS["vide"])]
    granted = {row["financement_id"]: row["montant"] for row in register_rows(root, "financements")}
    assert granted[GRANTED] == plain_euros(AMOUNTS["etat"])
    for partner in ("vide", "etat"):
        assert not any(constat["bloquant"] for constat in by_file[f"retours/bon {partner}.xlsx"])
    for output in ("consolidation.xlsx", "rapport.html", "constats.json"):
        assert (root / "workbooks" / "consolidation" / output).stat().st_size > 0
    again = tabellion("consolidate", cwd=root)
    assert (again.code, again.out.count("Consolidation écrite")) == (done.code, 0), "a second run says the same"


@pytest.mark.parametrize(
    "exercice",
    ["1E300", "9" * 5000, "0", "-2016", "2016.5", "20160", "NaN", "", "vingt", "2016-01-01", "_x0001_"],
    ids=lambda text: text[:12],
)
def test_a_form_whose_exercice_is_no_year_is_refused_for_that(exercice: str, sent: Path, tmp_path: Path) -> None:
    kind = "" if re.fullmatch(r"[-\d.E]+|NaN", exercice) else ' t="str"'
    path = tmp_path / "retour.xlsx"
    path.write_bytes(hidden(filled(sent, path), f'<c{kind} r="B6"><v>{exercice}</v></c>'))
    findings = validate(find_workspace(sent), [path])
    assert {item.code for item in findings if item.bloquant} in ({"exercice-illisible"}, {"exercice-hors-contrat"}), (
        findings
    )
    assert all(len(finding.message) < 300 for finding in findings)


def hidden(path: Path, cell: str) -> bytes:
    """The form with another cell in its hidden sheet."""
    data = path.read_bytes()
    parts = parts_of(data)
    mutate = replaced(Package(data).sheet_parts[IDENTITY], r'<c r="B6"[^>]*>.*?</c>', cell)
    mutate(parts)
    return repacked(parts)


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0000-00-00",
        "9" * 5000,
        "1899-12-30",
        "",
        "2016-02-30",
    ],
)
def test_a_date_of_saving_that_is_none_is_no_date(written: str) -> None:
    assert saved_time({"modified": written}) is None
    assert saved_time({"modified": written, "created": "2016-11-20T10:00:00+02:00"}) == datetime(2016, 11, 20, 8)


@pytest.mark.parametrize("name", [name for name in NAMES if name], ids=lambda text: ascii(text[:12]))
def test_a_sheet_of_any_name_has_its_annotated_copy(name: str, sent: Path, tmp_path: Path) -> None:
    parts = parts_of(filled(sent, tmp_path / "bon.xlsx").read_bytes())
    replaced("xl/workbook.xml", '(?<=<sheet name=")Budget(?=")', name)(parts)
    grown("xl/worksheets/sheet2.xml", '<row r="900"><c r="F900" t="str"><v>douze</v></c></row>')(parts)
    path, workspace = tmp_path / "retour.xlsx", find_workspace(sent)
    path.write_bytes(repacked(parts))
    findings = validate(workspace, [path])
    assert findings
    copy = annotation.annotated_copy(path.read_bytes(), findings, load_theme(workspace.layout, workspace.schemas))
    assert annotation.is_annotated(copy)


def test_a_copy_that_nobody_foresaw_is_a_list_of_its_own(
    sent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = annotation._annotate_sheet

    def fragile(package: Any, entry: Any, *arguments: Any) -> None:
        if entry.name == "Budget":
            raise ValueError("nobody foresaw this")
        real(package, entry, *arguments)

    path, workspace = filled(sent, tmp_path / "retour.xlsx"), find_workspace(sent)
    monkeypatch.setattr(annotation, "_annotate_sheet", fragile)
    findings = [finding("cellule-en-erreur", Place(feuille="Budget", cellule="F6"), valeur="#REF!")]
    theme = load_theme(workspace.layout, workspace.schemas)
    (copy,) = annotation.annotate([(path, findings)], tmp_path / "annotes", theme, NOW)
    assert annotation.is_annotated(copy.read_bytes())
    assert b"#REF!" in b"".join(parts_of(copy.read_bytes()).values())


@pytest.mark.parametrize("culprits", [{"retours/b.xlsx"}, {"retours/a.xlsx", "retours/c.xlsx"}], ids=["one", "two"])
def test_a_file_that_makes_the_whole_fail_is_refused_alone(
    culprits: set[str], asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong with it, once all is put together."""
    returns = asked / "workbooks" / "retours"
    for name, partner in (("a", "luce"), ("b", "vide"), ("c", "etat")):
        filled(asked, returns / f"{name}.xlsx", partner)

    def fragile(materials: Materials) -> Any:
        if any(materials.files[name].rows for name in culprits & materials.files.keys()):
            raise OverflowError("nobody foresaw this")
        return assemble(materials)

    monkeypatch.setattr(isolation.assemble_apart, "__defaults__", (fragile,))
    done = consolidate(find_workspace(asked), NOW)
    files = {item.place.fichier for item in done.findings if item.code == "lecture-interrompue"}
    assert files == culprits
    assert not any("OverflowError" in item.message for item in done.findings)
    in_force = {line.in_force.fichier for line in done.consolidation.board if line.in_force}
    assert in_force == {f"retours/{name}.xlsx" for name in "abc"} - culprits


def test_rows_that_make_the_shared_pass_fail_cost_their_file_alone(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    returns, check_rows = asked / "workbooks" / "retours", read_returns.check_rows
    for name, partner in (("a", "luce"), ("b", "vide"), ("c", "etat")):
        filled(asked, returns / f"{name}.xlsx", partner)

    def fragile(parsed: Any, book: Any) -> Any:
        if any(
            row.values.get("libelle") == "Goûters" for parsed_return in parsed.values() for row in parsed_return.rows
        ):
            raise OverflowError("nobody foresaw this")
        return check_rows(parsed, book)

    monkeypatch.setattr(read_returns, "check_rows", fragile)
    done = consolidate(find_workspace(asked), NOW)
    assert {item.place.fichier for item in done.findings if item.code == "lecture-interrompue"} == {"retours/b.xlsx"}
    assert {line.partenaire for line in done.consolidation.board if line.in_force} == {"luce", "etat"}


@pytest.mark.parametrize("code", ["lecture-delai", "lecture-memoire", "lecture-interrompue"])
def test_what_asked_too_much_is_not_read_again_until_it_changes(
    code: str, sent_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    returns, real = sent_copy / "workbooks" / "retours", read_returns.read_workbooks
    filled(sent_copy, returns / "bon.xlsx", "vide")
    heavy = filled(sent_copy, returns / "lourd.xlsx")
    asked: list[list[str]] = []

    def slow(paths: Iterable[Path], **how: Any) -> Iterable[Any]:
        wanted = list(paths)
        asked.append([path.name for path in wanted])
        refused = refusal(code, attendu=30, raison="", ampleur=" ; sa feuille « Budget » a 9 lignes").findings
        for path in wanted:
            yield refused if path == heavy else next(iter(real([path], **how)))

    monkeypatch.setattr(read_returns, "read_workbooks", slow)
    workspace = find_workspace(sent_copy)
    first = consolidate(workspace, NOW)
    alone = [["lourd.xlsx"]] if code == "lecture-delai" else []
    assert asked == [["bon.xlsx", "lourd.xlsx"], *alone]
    asked.clear()
    second = consolidate(workspace, NOW)
    assert asked in ([], [[]])
    assert [(item.code, item.place.fichier) for item in second.findings] == [
        (item.code, item.place.fichier) for item in first.findings
    ]
    assert any(item.code == code and "« Budget » a 9 lignes" in item.message for item in second.findings)
    fill(sent_form(sent_copy, "luce"), heavy, {"Budget": {"A": {"montant_prevu": 3}}}, saved=NOW)
    consolidate(workspace, NOW)
    assert ["lourd.xlsx"] in asked


def many(kind: str, count: int) -> str:
    """Rows filled down under a form's table, from row 108."""
    cells: dict[str, Callable[[int], str]] = {
        "errors": lambda row: "".join(f'<c r="{column}{row}" t="e"><v>#REF!</v></c>' for column in "FGH"),
        "formulas": lambda row: f'<c r="A{row}"><f>A{row - 1}+#REF!</f><v>1</v></c><c r="F{row}"><f>F1</f></c>',
        "equal": lambda row: f'<c r="C{row}" t="str"><v>Chantier</v></c><c r="F{row}"><v>12</v></c>',
        "wrong": lambda row: f'<c r="B{row}" t="str"><v>?!</v></c><c r="F{row}" t="str"><v>beaucoup</v></c>'
        f'<c r="G{row}"><v>-1</v></c>',
        "keys": lambda row: f'<c r="C{row}" t="str"><v>x</v></c><c r="J{row}" t="str"><v>A</v></c>',
    }  # fmt: skip
    return "".join(f'<row r="{row}">{cells[kind](row)}</row>' for row in range(108, 108 + count))


@pytest.mark.parametrize("kind", ["errors", "formulas", "equal", "wrong", "keys"])
def test_thousands_of_rows_alike_are_a_few_findings_that_count_them(kind: str, sent: Path, tmp_path: Path) -> None:
    parts = parts_of(filled(sent, tmp_path / "bon.xlsx").read_bytes())
    grown("xl/worksheets/sheet2.xml", many(kind, 2000))(parts)
    path = tmp_path / "retour.xlsx"
    path.write_bytes(repacked(parts))
    alone = validate(find_workspace(sent), [path])
    assert 0 < len(alone) < 200
    assert any("autres cellules de cette colonne" in finding.message for finding in alone)
    assert not any(item.code.startswith("lecture-") for item in alone), "one file alone is read within the same limits"
    other = shutil.copy(path, tmp_path / "autre.xlsx")
    assert validate_files(find_workspace(sent), [path, Path(other)])[0] == alone


def test_a_table_that_no_partner_fills_is_named_with_its_rows(sent: Path, tmp_path: Path) -> None:
    parts = parts_of(filled(sent, tmp_path / "bon.xlsx").read_bytes())
    grown("xl/worksheets/sheet2.xml", many("equal", 30_001))(parts)
    path = tmp_path / "retour.xlsx"
    path.write_bytes(repacked(parts))
    (finding,) = [item for item in validate(find_workspace(sent), [path]) if item.bloquant]
    assert (finding.code, finding.place.feuille) == ("tableau-trop-long", "Budget")
    assert "« Budget »" in finding.message
    assert "30108" in finding.message, "the last row of the table"


@pytest.mark.parametrize("count", [1, MOST_OF_A_KIND, MOST_OF_A_KIND + 1, 500])
def test_findings_of_a_kind_in_a_column_are_counted_beyond_a_few(count: int) -> None:
    def at(row: int, column: str = "F") -> Finding:
        return finding("cellule-en-erreur", Place("a.xlsx", "Budget", f"{column}{row}"), valeur="#REF!")

    many_ = [at(row) for row in range(count)]
    other = [at(1, "G"), replace(at(2), place=Place("b.xlsx", "Budget", "F2"))]
    kept = counted([*many_, *other])
    assert kept[-2:] == other
    if count <= MOST_OF_A_KIND:
        assert kept[:-2] == many_
    else:
        (one,) = kept[:-2]
        assert (one.place, len(one.liees)) == (many_[0].place, min(count - 1, 100))
        assert f"{count - 1} autres cellules" in one.message
        assert "F1, F2, F3" in one.message


@pytest.mark.parametrize(("count", "kept"), [(30, 30), (MOST_ASKED, MOST_ASKED), (MOST_ASKED + 1, 1)])
def test_findings_that_ask_for_different_things_are_told_apart(count: int, kept: int) -> None:
    """A remedy is that of its own cell: « saisissez 1200 » is not what another one is to be."""
    amounts = [
        finding("montant-ambigu", Place("a.xlsx", "Budget", f"F{row}"), valeur="1,2", suggestion=f"Saisissez {row}.")
        for row in range(count)
    ]
    assert len(counted(amounts)) == kept


@pytest.mark.parametrize("output", ["render_report", "write_consolidation"])
def test_a_file_that_no_output_can_show_is_refused_alone(
    output: str, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = getattr(consolidate_module, output)

    def fails(consolidation: Consolidation, *arguments: object) -> object:
        if any(change.partenaire == "vide" for change in consolidation.modifications):
            raise RecursionError("what nobody foresaw")
        return shown(consolidation, *arguments)

    monkeypatch.setattr(consolidate_module, output, fails)
    for partner in ("luce", "vide"):
        filled(asked, asked / "workbooks" / "retours" / f"{partner}.xlsx", partner)
    done = consolidate(find_workspace(asked), NOW)
    blocked = {item.place.fichier for item in done.findings if item.code == "lecture-interrompue"}
    assert blocked == {"retours/vide.xlsx"}
    in_force = {line.partenaire for line in done.consolidation.board if line.in_force}
    assert in_force == {"luce"}
    assert (asked / "workbooks" / "consolidation" / "rapport.html").exists()
