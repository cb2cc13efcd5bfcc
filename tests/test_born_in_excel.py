"""A contract typed in Excel from an empty workbook: 3 towns, 6 conventions, 12 fiches and 40 lines, without CSV, TOML
or JSON; then forms, a return, the consolidation, the publication and the export. Once with a pilier, once without any.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from openpyxl import load_workbook

from support.campaign import fill, form_keys
from support.excel import Excel, edited
from support.program import Outcome, tabellion
from tabellion.commands.source import load_contract
from tabellion.contract.workspace import find_workspace

MONDAY = datetime(2026, 11, 23, 9)
TOWNS = ("Villeneuve", "Beaulieu", "Saint-Ouen")
CONVENTIONS = ("Éducation", "Santé", "Habitat", "Emploi", "Sécurité", "Culture")


def run(root: Path, *arguments: str, codes: tuple[int, ...] = (0,)) -> Outcome:
    outcome = tabellion(*arguments, cwd=root)
    assert outcome.code in codes, outcome.out + outcome.err
    return outcome


@dataclass(frozen=True)
class Numbering:
    """How a contract numbers: its pilier (or none), the codes of the axe and of the fiches of a convention."""

    pilier: str | None
    axe: str
    fiche: str


ROMAN = Numbering("I", "I-{}", "I-{}./{}")
PLAIN = Numbering(None, "{}.1", "{}.1/{}")


def type_lists(book: Excel, numbering: Numbering) -> None:
    """A pilier or none, the conventions, an axe each, the towns, who are partners too."""
    level = {} if numbering.pilier is None else {"Pilier": numbering.pilier}
    if level:
        put(book, "Piliers", 0, **level, **{"Intitulé du pilier": "Cohésion"})
    for rank, title in enumerate(CONVENTIONS, 1):
        put(book, "Conventions", rank - 1, **{"N°": rank, **level, "Intitulé de la convention": title})
        axe = {"Axe": numbering.axe.format(rank), "Convention": rank, "Intitulé de l'axe": f"Axe de {title}"}
        put(book, "Axes", rank - 1, **axe)
    for rank, town in enumerate(TOWNS):
        put(book, "Collectivites", rank, Collectivité=town, Catégorie="commune")
        put(book, "Partenaires", rank, Partenaire=town, Collectivité=town)


def put(book: Excel, table: str, rank: int, **values: Any) -> None:
    """Type a row: the first one in the blank row of an empty table, the others under it."""
    labels = book.labels(table)
    known = {label: value for label, value in values.items() if label in labels}
    assert known.keys() == values.keys(), (table, sorted(labels))
    if rank == 0:
        book.type(table, book.rows(table)[0], **values)
    else:
        book.add(table, **values)


def type_content(book: Excel, numbering: Numbering) -> None:
    """Two fiches a convention, and forty lines."""
    for rank in range(1, len(CONVENTIONS) + 1):
        for number in (0, 1):
            code = numbering.fiche.format(rank, number + 1)
            values = {"Fiche": code, "Axe": numbering.axe.format(rank), "Objectif": f"But {rank}.{number}"}
            put(book, f"Fiches_{rank:02d}", number, **values)
    counts = dict.fromkeys(range(1, 7), 0)
    for number in range(40):
        rank = 1 + number % 6
        values = {"Collectivité": TOWNS[number % 3], "Libellé": f"Action {number}", "Exercice": 2026}
        put(book, f"Lignes_{rank:02d}", counts[rank], **values, **{"Montant prévu (€)": 1000 + number})
        counts[rank] += 1


@pytest.mark.slow
@pytest.mark.parametrize("numbering", [ROMAN, PLAIN], ids=["with-a-pilier", "without"])
def test_a_contract_is_born_in_excel(tmp_path: Path, numbering: Numbering) -> None:
    root = tmp_path / "nouveau"
    done = tabellion("new", "nouveau", "--vide", cwd=tmp_path)
    assert done.code == 0, done.err
    workbook = root / "workbooks" / "contrat.xlsx"
    edited(workbook, lambda book: type_lists(book, numbering), saved=MONDAY)
    run(root, "consolidate")
    book = load_contract(find_workspace(root))
    assert [row["titre"] for row in book.tables["conventions"].rows] == list(CONVENTIONS)
    assert {row["pilier_id"] for row in book.tables["conventions"].rows} == {numbering.pilier}
    edited(workbook, lambda book: type_content(book, numbering), saved=MONDAY + timedelta(hours=1))
    run(root, "consolidate")
    lines = load_contract(find_workspace(root)).tables["lignes_budgetaires"].rows
    assert len(lines) == 40
    assert sum(row["montant_prevu"] for row in lines) == sum((1000 + number) * 100 for number in range(40))
    fiches = load_contract(find_workspace(root)).tables["fiches"].rows
    codes = [numbering.fiche.format(rank, number) for rank in range(1, 7) for number in (1, 2)]
    assert [row["fiche_id"] for row in fiches] == codes
    year = load_contract(find_workspace(root)).settings.exercice_courant
    run(root, "forms")
    form = root / "workbooks" / "envois" / str(year) / f"villeneuve-{year}.xlsx"
    key = next(iter(form_keys(form)["Budget"]))
    fill(form, root / "workbooks" / "retours" / "v.xlsx", {"Budget": {key: {"montant_realise": 321}}}, saved=MONDAY)
    run(root, "consolidate", codes=(0, 1))
    assert "321" in run(root, "adopt", "--oui").out
    rows = load_contract(find_workspace(root)).tables["lignes_budgetaires"].rows
    assert [row["montant_realise"] for row in rows if row["ligne_id"] == key] == [321_00]
    run(root, "validate", "workbooks/contrat.xlsx")
    run(root, "publish")
    run(root, "export")
    shown = texts_shown(root)
    assert f"{CONVENTIONS[0]}" in " ".join(shown["publication"])
    for name, texts in shown.items():
        assert not [text for text in texts if text.strip() in ("None", "–") or text.startswith("None –")], name
    levels = [text for text in (*shown["publication"], *shown["accueil"]) if "Cohésion" in text or "ilier" in text]
    assert bool(levels) is (numbering.pilier is not None)


def texts_shown(root: Path) -> dict[str, list[str]]:
    """What the outputs say: the paragraphs of the Word document, the cells of the sheets that people see."""
    (document,) = (root / "workbooks" / "publication").glob("*.docx")
    books = {
        path.name: load_workbook(path, read_only=True)
        for path in (root / "workbooks" / "contrat.xlsx", *(root / "workbooks").glob("*/*.xlsx"))
    }
    texts = {
        name: [str(value) for sheet in book if sheet.sheet_state == "visible"
               for row in sheet.iter_rows(values_only=True) for value in row if value]
        for name, book in books.items()
    }  # fmt: skip
    cover = books["contrat.xlsx"].worksheets[0]
    texts["accueil"] = [str(value) for row in cover.iter_rows(values_only=True) for value in row if value]
    body = etree.fromstring(zipfile.ZipFile(document).read("word/document.xml"))
    texts["publication"] = ["".join(element.itertext()) for element in body.iter("{*}p")]
    return texts
