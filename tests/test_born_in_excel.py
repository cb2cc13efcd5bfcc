"""A contract typed in Excel from an empty workbook: 3 towns, 6 conventions, 12 fiches and 40 lines, without CSV, TOML
or JSON; then forms, a return, the consolidation and the publication.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

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


def type_lists(book: Excel) -> None:
    """A pilier, the conventions, an axe each, the towns, who are partners too."""
    put(book, "Piliers", 0, **{"Pilier": "I", "Intitulé du pilier": "Cohésion"})
    for rank, title in enumerate(CONVENTIONS, 1):
        put(book, "Conventions", rank - 1, **{"N°": rank, "Pilier": "I", "Intitulé de la convention": title})
        put(book, "Axes", rank - 1, **{"Axe": f"I-{rank}", "Convention": rank, "Intitulé de l'axe": f"Axe de {title}"})
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


def type_content(book: Excel) -> None:
    """Two fiches a convention, and forty lines."""
    for rank in range(1, len(CONVENTIONS) + 1):
        for number in (0, 1):
            values = {"Fiche": f"I-{rank}./{number + 1}", "Axe": f"I-{rank}", "Objectif": f"But {rank}.{number}"}
            put(book, f"Fiches_{rank:02d}", number, **values)
    counts = dict.fromkeys(range(1, 7), 0)
    for number in range(40):
        rank = 1 + number % 6
        values = {"Collectivité": TOWNS[number % 3], "Libellé": f"Action {number}", "Exercice": 2026}
        put(book, f"Lignes_{rank:02d}", counts[rank], **values, **{"Montant prévu (€)": 1000 + number})
        counts[rank] += 1


@pytest.mark.slow
def test_a_contract_is_born_in_excel(tmp_path: Path) -> None:
    root = tmp_path / "nouveau"
    done = tabellion("new", "nouveau", "--vide", cwd=tmp_path)
    assert done.code == 0, done.err
    workbook = root / "workbooks" / "contrat.xlsx"
    edited(workbook, type_lists, saved=MONDAY)
    run(root, "consolidate")
    book = load_contract(find_workspace(root))
    assert [row["titre"] for row in book.tables["conventions"].rows] == list(CONVENTIONS)
    edited(workbook, type_content, saved=MONDAY + timedelta(hours=1))
    run(root, "consolidate")
    lines = load_contract(find_workspace(root)).tables["lignes_budgetaires"].rows
    assert len(lines) == 40
    assert sum(row["montant_prevu"] for row in lines) == sum((1000 + number) * 100 for number in range(40))
    assert len(load_contract(find_workspace(root)).tables["fiches"].rows) == 12
    year = load_contract(find_workspace(root)).settings.exercice_courant
    run(root, "forms")
    form = root / "workbooks" / "envois" / str(year) / f"villeneuve-{year}.xlsx"
    key = next(iter(form_keys(form)["Budget"]))
    fill(form, root / "workbooks" / "retours" / "v.xlsx", {"Budget": {key: {"montant_realise": 321}}}, saved=MONDAY)
    run(root, "consolidate", codes=(0, 1))
    assert "321" in run(root, "adopt", "--oui").out
    rows = load_contract(find_workspace(root)).tables["lignes_budgetaires"].rows
    assert [row["montant_realise"] for row in rows if row["ligne_id"] == key] == [321_00]
    run(root, "publish", codes=(0, 1))
    assert list((root / "workbooks" / "publication").glob("*.docx"))
