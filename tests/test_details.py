"""The long tables of a large contract stand in detail workbooks, each written only where it changed."""

from __future__ import annotations

import csv
import random
import re
import shutil
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from support.campaign import fill
from support.program import contents, tabellion
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.contract.workspace import find_workspace
from tabellion.outputs.consolidation import details as rule
from tabellion.outputs.consolidation.tables import ORIGIN_LABELS

NIGHT = datetime(2016, 12, 1, 2)
SAVED = datetime(2016, 11, 20, 9)


@pytest.fixture
def large(sent_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small contract that counts as a large one: two partners a detail workbook."""
    for name, value in (("MOST_ROWS", 0), ("SHORT_ROWS", 3), ("PARTNERS_EACH", 2)):
        monkeypatch.setattr(rule, name, value)
    return sent_copy


def answer(root: Path, partner: str, amount: object, *, name: str = "", day: int = 0) -> Path:
    """A return of a partner that plans an amount on its first line."""
    form = root / "workbooks" / "envois" / "2016" / f"{partner}-2016.xlsx"
    line = {"luce": "A", "chartres": "B"}.get(partner, "A")
    target = root / "workbooks" / "retours" / (name or f"{partner}.xlsx")
    target.parent.mkdir(exist_ok=True)
    fill(form, target, {"Budget": {line: {"montant_prevu": amount}}}, saved=SAVED + timedelta(days=day))
    return target


def run(root: Path, now: datetime = NIGHT) -> ConsolidationRun:
    return consolidate(find_workspace(root), now)


def folder(root: Path) -> Path:
    return root / "workbooks" / "consolidation"


def books_of(root: Path) -> dict[str, openpyxl.Workbook]:
    """The detail workbooks by name."""
    return {path.name: openpyxl.load_workbook(path) for path in sorted((folder(root) / "details").glob("*.xlsx"))}


def rows_of(sheet: Worksheet) -> Iterator[dict[str, Any]]:
    """The rows of the only Excel table of a sheet, by header."""
    (table,) = sheet.tables.values()
    header, *rows = sheet[table.ref]
    names = [cell.value for cell in header]
    return (dict(zip(names, (cell.value for cell in row), strict=True)) for row in rows)


def register(root: Path, table: str) -> list[dict[str, str]]:
    with (folder(root) / "registre" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_of_a_long_table_stands_in_one_detail_workbook(large: Path) -> None:
    answer(large, "luce", 1234.5)
    run(large)
    light = openpyxl.load_workbook(folder(large) / "consolidation.xlsx")
    assert "Lignes budgétaires" not in light.sheetnames
    assert "Détails" in light.sheetnames
    rows_written = Counter(
        (row["Identifiant"], row["Exercice"], row["Libellé"])
        for book in books_of(large).values()
        if "Lignes budgétaires" in book.sheetnames
        for row in rows_of(book["Lignes budgétaires"])
    )
    lines = register(large, "lignes_budgetaires")
    expected = Counter((row["ligne_id"], int(row["exercice"]), row["libelle"].removeprefix("'")) for row in lines)
    assert rows_written == expected
    assert len(lines) > 3
    amounts = [row["Montant prévu (€)"] for book in books_of(large).values() if "Lignes budgétaires" in book.sheetnames
               for row in rows_of(book["Lignes budgétaires"]) if row[ORIGIN_LABELS[4]] == "luce.xlsx"]  # fmt: skip
    assert 1234.5 in amounts


def test_every_link_to_and_from_a_detail_workbook_leads_somewhere(large: Path) -> None:
    answer(large, "luce", 1234.5)
    run(large)
    paths = [folder(large) / "consolidation.xlsx", *(folder(large) / "details").glob("*.xlsx")]
    into = 0
    for path in paths:
        for sheet in openpyxl.load_workbook(path):
            for link in (cell.hyperlink for row in sheet for cell in row if cell.hyperlink):
                if link.target is None:
                    continue
                target = path.parent / urllib.parse.unquote(link.target)
                assert target.is_file(), link.target
                is_detail = target.parent.name == "details"
                into += is_detail
                if is_detail and link.location:
                    name, cell = re.fullmatch(r"'?(.*?)'?!(\w+)", link.location).groups()  # type: ignore[union-attr]
                    assert openpyxl.load_workbook(target)[name][cell].value
    assert into > len(paths)


def figures_of(sheet: Worksheet) -> dict[str, list[list[Any]]]:
    """What each Excel table of a sheet shows."""
    return {name: [[cell.value for cell in row] for row in sheet[area]] for name, area in sheet.tables.items()}


def test_figures_are_those_that_the_formulas_of_a_small_contract_give(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(large, "luce", 1234.5)
    run(large)
    light = openpyxl.load_workbook(folder(large) / "consolidation.xlsx", data_only=True)["Synthèse"]
    figures = figures_of(light)
    monkeypatch.setattr(rule, "MOST_ROWS", 15_000)
    (folder(large) / "rapport.html").unlink()
    run(large)
    whole = openpyxl.load_workbook(folder(large) / "consolidation.xlsx", data_only=True)["Synthèse"]
    assert not list((folder(large) / "details").glob("*.xlsx"))
    assert figures_of(whole) == figures
    assert {"Synthese_exercices", "Synthese_conventions", "Synthese_croisee"} <= figures.keys()


def test_a_return_rewrites_the_workbook_of_its_partner_alone(large: Path) -> None:
    answer(large, "luce", 1000)
    run(large)
    before = {path: path.stat().st_ino for path in (folder(large) / "details").glob("*.xlsx")}
    answer(large, "luce", 2000, day=1)
    run(large, NIGHT + timedelta(days=1))
    changed = [path.name for path, number in before.items() if path.stat().st_ino != number]
    assert len(before) > 2
    assert len(changed) == 1
    assert "luce" in changed[0]


def test_what_somebody_typed_in_a_detail_workbook_is_kept_beside_the_one_that_is_made_again(large: Path) -> None:
    answer(large, "luce", 1000)
    run(large)
    made = {path.name: path.read_bytes() for path in (folder(large) / "details").glob("*.xlsx")}
    edited, lost = sorted(made)[1:3]
    book = openpyxl.load_workbook(folder(large) / "details" / edited)
    book["Sommaire"]["B2"] = "à revoir"
    book.save(folder(large) / "details" / edited)
    typed = (folder(large) / "details" / edited).read_bytes()
    (folder(large) / "details" / lost).unlink()
    assert run(large, NIGHT + timedelta(days=1)).written
    after = {path.name: path.read_bytes() for path in (folder(large) / "details").glob("*.xlsx")}
    assert {name: after[name] for name in made} == made
    assert typed in [content for name, content in after.items() if name not in made]


# A run that remembers says what one that remembers nothing says.


def _replaces(place: str, before: str, after: str) -> Callable[[Path, int], object]:
    def act(root: Path, _: int) -> None:
        path = root / place
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(before, after) if before in text else text.replace(after, before), "utf-8")

    return act


def _withdraw(root: Path, _: int) -> None:
    aside = root / "workbooks" / "retours" / "ecartes"
    aside.mkdir(parents=True, exist_ok=True)
    for path in sorted((root / "workbooks" / "retours").glob("*.xlsx"))[:1]:
        path.rename(aside / path.name)


def _type_in_detail(root: Path, step: int) -> None:
    for path in sorted((folder(root) / "details").glob("*luce*.xlsx"))[:1]:
        book = openpyxl.load_workbook(path)
        book["Sommaire"]["B2"] = step
        book.save(path)


def _lose(pattern: str) -> Callable[[Path, int], object]:
    def act(root: Path, _: int) -> None:
        for path in sorted((root / "workbooks").glob(pattern))[-1:]:
            path.unlink()

    return act


def _rename_sheet(root: Path, step: int) -> None:
    path = root / "workbooks" / "contrat.xlsx"
    book = openpyxl.load_workbook(path)
    title = next(title for title in book.sheetnames if title.startswith("B0"))
    book[title].title = f"Crédits {step}"
    for name in book.defined_names.values():  # Excel does this by itself
        name.attr_text = name.attr_text.replace(f"'{title}'!", f"'Crédits {step}'!")
    book.save(path)


STEPS: dict[str, Callable[[Path, int], object]] = {
    "a return": lambda root, step: answer(root, "luce", 100 * step, day=step),
    "another one": lambda root, step: answer(root, "luce", 7 * step, name="luce (1).xlsx", day=step),
    "a wrong one": lambda root, step: answer(root, "luce", "douze mille", day=step),
    "withdrawn": _withdraw,
    "adopted": lambda root, _: tabellion("adopt", "--oui", cwd=root),
    "a setting": _replaces("tabellion.toml", "arrondi_euros = 2", "arrondi_euros = 3"),
    "a schema": _replaces("schemas/lignes_budgetaires.json", '"title": "Libellé"', '"title": "Intitulé"'),
    "a description": _replaces("schemas/fiches.json", '"description": "', '"description": "Aussi : '),
    "a sheet is renamed": _rename_sheet,
    "the journal is lost": _lose(".tabellion/journal.sqlite"),
    "a detail workbook is lost": _lose("consolidation/details/*.xlsx"),
    "a detail workbook is typed in": _type_in_detail,
    "a day passes": lambda *_: None,
}


def _published(root: Path) -> dict[str, bytes]:
    """What the last run put in place."""
    kept = ("historique", "(modifié", "registre/empreinte")
    return {name: content for name, content in contents(folder(root)).items() if not any(word in name for word in kept)}


def _take(root: Path, aside: Path, name: str, step: int) -> None:
    """Take a step, then run once as it is, and once in a copy that remembers nothing: both say the same."""
    STEPS[name](root, step)
    shutil.copytree(root, aside)
    shutil.rmtree(aside / "workbooks" / ".tabellion")
    shutil.rmtree(folder(aside) / "details")
    for workspace in (root, aside):
        run(workspace, NIGHT + timedelta(days=10 * step))
    assert _published(root).keys() >= _published(aside).keys(), name
    for path, content in _published(aside).items():
        assert _published(root)[path] == content, (name, path)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_that_remembers_says_what_one_that_remembers_nothing_says(large: Path, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - which steps, no secret
    run(large)
    for step, name in enumerate(rng.sample(list(STEPS), 5), 1):
        _take(large, tmp_path / f"{step}", name, step)


def test_what_moves_places_alone_is_a_change_too(large: Path, tmp_path: Path) -> None:
    """No value differs: only the cells that links lead to, and the words around."""
    run(large)
    before = (folder(large) / "consolidation.xlsx").read_bytes()
    for step, name in enumerate(("a sheet is renamed", "a description"), 1):
        _take(large, tmp_path / f"{step}", name, step)
        after = (folder(large) / "consolidation.xlsx").read_bytes()
        assert after != before, name
        before = after
