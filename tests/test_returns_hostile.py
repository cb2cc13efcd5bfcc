"""Hostile and mistaken files among good returns: one refusal each, the good ones read, and nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.attacks import ATTACKS
from support.contracts import ROOT
from support.forms import written_form
from support.mutations import edited, fill, identity, put
from support.program import contents, tabellion
from tabellion.commands.validate import validate
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Severity

#: openpyxl saves no computed value: said once a sheet.
NOT_THE_PARTNER = {"formules-non-calculees"}
#: One or two of each family that the guard names: the archive, the XML, the workbook, the parser.
CHOSEN = (
    "zip bomb with lying headers",
    "encrypted part",
    "wrong checksum",
    "billion laughs",
    "outside entity",
    "deep XML",
    "far corner",
    "long text in a cell",
    "300 sheets",
    "sheet outside the package",
    "shared text that is not there",
)


def form(year: int = 2016) -> bytes:
    return written_form("Chartres", "mainvilliers", year)


@pytest.fixture(scope="module")
def good() -> bytes:
    return edited(form(), fill)


def codes(path: Path, findings: list[dict[str, str]]) -> list[str]:
    return [
        finding["code"]
        for finding in findings
        if finding["fichier"] == path.name and finding["code"] not in NOT_THE_PARTNER
    ]


def mistaken(good: bytes, folder: Path) -> dict[Path, str]:
    """Files that people send by mistake, and the code that refuses each."""
    (folder / "dossier.xlsx").mkdir()
    files = {
        "vide.xlsx": (b"", "fichier-vide"),
        "tronque.xlsx": (good[: len(good) // 2], "fichier-tronque"),
        "csv.xlsx": ("Convention;Libellé;Montant\n9;Chantier;12\n".encode(), "format-csv"),
        "page.xlsx": (b"<html><body><table><tr><td>1</td></tr></table></body></html>", "format-html"),
        "xls.xlsx": (ATTACKS["xls"][1](), "format-xls"),
        "ods.xlsx": (ATTACKS["ods"][1](), "format-ods"),
        "autre.xlsx": (edited(good, identity("contrat", "autre-contrat")), "autre-contrat"),
    }
    for name, (data, _) in files.items():
        (folder / name).write_bytes(data)
    expected = {folder / name: code for name, (_, code) in files.items()}
    return {folder / "dossier.xlsx": "fichier-dossier", folder / "absent.xlsx": "fichier-introuvable"} | expected


def test_hostile_and_mistaken_files_cost_one_refusal_each(good: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "retours"
    folder.mkdir()
    expected = mistaken(good, folder)
    for number, name in enumerate(CHOSEN):
        code, build = ATTACKS[name]
        path = folder / f"attaque-{number}.xlsx"
        path.write_bytes(build())
        expected[path] = code
    bad = edited(good, put("F6", "1.234"))
    first, last = folder / "a.xlsx", folder / "z.xlsx"
    first.write_bytes(good)
    last.write_bytes(bad)
    before, workspace = contents(folder), contents(ROOT / "workbooks")

    report = tmp_path / "constats.json"
    ran = tabellion("validate", first, *expected, last, "--json", report, cwd=ROOT)

    assert ran.code == 2
    assert "Traceback" not in ran.err
    document = json.loads(report.read_text(encoding="utf-8"))
    findings = document["constats"] if isinstance(document, dict) else document
    assert {path.name: codes(path, findings) for path in expected} == {
        path.name: [code] for path, code in expected.items()
    }
    assert codes(first, findings) == []
    assert [(finding["code"], finding["cellule"]) for finding in findings if finding["fichier"] == last.name
            and finding["code"] not in NOT_THE_PARTNER] == [("montant-ambigu", "F6")]  # fmt: skip
    assert (contents(folder), contents(ROOT / "workbooks")) == (before, workspace)


def test_other_formats_under_their_own_names_get_the_same_refusal(good: bytes, tmp_path: Path) -> None:
    for path, code in mistaken(good, tmp_path).items():
        if code.startswith("format-"):
            real = path.rename(path.with_suffix(f".{path.stem}"))
            assert [finding.code for finding in validate(find_workspace(ROOT), [real])] == [code]


@pytest.mark.parametrize(
    ("year", "code", "severity"),
    [
        (2016, None, None),
        (2015, "formulaire-d-un-autre-exercice", Severity.INFORMATION),
        (2017, "formulaire-d-un-autre-exercice", Severity.INFORMATION),
        (2021, "exercice-hors-contrat", Severity.ERREUR),
    ],
)
def test_a_form_of_another_year(year: int, code: str | None, severity: Severity | None, tmp_path: Path) -> None:
    path = tmp_path / "retour.xlsx"
    path.write_bytes(edited(form(year), fill))
    findings = [finding for finding in validate(find_workspace(ROOT), [path]) if finding.code not in NOT_THE_PARTNER]
    assert [(finding.code, finding.gravite) for finding in findings] == ([] if code is None else [(code, severity)])
    assert all(finding.bloquant == (severity is Severity.ERREUR) for finding in findings)
