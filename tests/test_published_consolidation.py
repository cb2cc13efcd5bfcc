"""``--depuis consolidation``: what leaves says what the returns say, found by readings that share nothing with the
program; without it, what the contract's own workbook says.
"""

from __future__ import annotations

import csv
import re
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from support.campaign import fill
from support.program import contents, tabellion
from support.published_document import PublishedDocument, amount

Lines = dict[tuple[str, str], list[Decimal | None]]
"""By collectivité and line, the amounts prévu, voté and réalisé, in euros."""

#: What Lucé and the State typed below, beside what the contract has of 2016: one line, of Lucé.
BEFORE: Lines = {("Lucé", "Déjà dit"): [Decimal(7), None, Decimal(7)]}
AFTER: Lines = {
    ("Lucé", "Cantine scolaire"): [Decimal("1100.35"), Decimal("1099.99"), Decimal("1098.01")],
    ("Lucé", "Dépistage"): [None, Decimal("45.67"), None],
    ("Lucé", "Déjà dit"): [Decimal(9), None, Decimal(7)],
}
FUNDED, GRANTED = "I-1.1./1", {"contrat": Decimal(890_000), "consolidation": Decimal("777777.77")}
#: The financement that counts: as it was published, and what was answered for 2016.
COUNTED = {"contrat": f"{FUNDED}:etat", "consolidation": f"{FUNDED}:etat:2016"}
EXPECTED = {"contrat": BEFORE, "consolidation": AFTER}
pytestmark = pytest.mark.parametrize("depuis", ["contrat", "consolidation"])


@pytest.fixture(scope="module")
def campaign(sent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two partners have answered, and the answers are consolidated."""
    root = Path(shutil.copytree(sent, tmp_path_factory.mktemp("campagne") / "contrat"))
    forms, returns = root / "workbooks" / "envois" / "2016", root / "workbooks" / "retours"
    answers = {"A": {"montant_prevu": 1100.35, "montant_vote": "1 099,99 €", "montant_realise": 1098.01},
               "C": {"montant_prevu": 9}}  # fmt: skip
    new = {"convention_id": "2 – Santé", "libelle": "Dépistage", "montant_vote": 45.67}
    saved = datetime(2016, 11, 20, 9)
    fill(forms / "luce-2016.xlsx", returns / "a.xlsx", {"Budget": answers}, new_rows={"Budget": [new]}, saved=saved)
    money = {COUNTED["consolidation"]: {"montant": "777 777,77", "statut_montant": "chiffré"}}
    fill(forms / "etat-2016.xlsx", returns / "b.xlsx", {"Financements": money}, saved=saved)
    done = tabellion("consolidate", cwd=root)
    assert "2/" in done.out.splitlines()[-1], done.out
    assert not {"retour-rejete", "conflit"} & set(done.codes), done.out
    return root


def run(root: Path, *arguments: str | Path) -> None:
    """Run a command that writes into a folder of the test's own: the workspace itself stays as it is."""
    before = contents(root)
    done = tabellion(*arguments, cwd=root)
    assert done.code in (0, 1), done.out + done.err
    assert contents(root) == before


def test_the_document_says_the_amounts_of_the_state_asked_for(campaign: Path, depuis: str, tmp_path: Path) -> None:
    path = tmp_path / "document.docx"
    run(campaign, "publish", "--depuis", depuis, "--exercice", "2016", "--sortie", path)
    document = PublishedDocument(path)
    amounts_by_line: Lines = {}
    for rows in document.budgets().values():
        town = ""
        for kind, words, cells in rows:
            town = words if kind == "town" else town
            if kind == "line":
                amounts_by_line[town, words.splitlines()[0]] = [amount(cell) for cell in cells[:3]]
    shown = {key: [cents for cents in amounts if cents is not None] for key, amounts in amounts_by_line.items()}
    assert shown == {
        key: [cents for cents in amounts if cents is not None] for key, amounts in EXPECTED[depuis].items()
    }
    (amount_text,) = set(re.findall(r"777\s777,77\s€|890\s000\s€", _all_text(document, FUNDED)))
    assert amount(amount_text) == GRANTED[depuis]


def _all_text(document: PublishedDocument, fiche: str) -> str:
    _, rows, _ = document.fiches[fiche]
    return " ".join(cell for row in rows for cell in row)


def test_the_annex_adds_up_the_state_asked_for(campaign: Path, depuis: str, tmp_path: Path) -> None:
    path = tmp_path / "annexe.xlsx"
    run(campaign, "annexe", "--depuis", depuis, "--exercice", "2016", "--sortie", path)
    book = openpyxl.load_workbook(path, data_only=True)
    (sheet,) = [sheet_of_book for sheet_of_book in book if "Annexe_collectivites" in sheet_of_book.tables]
    header, *rows = [[cell.value for cell in row] for row in sheet[sheet.tables["Annexe_collectivites"].ref]]
    names = ("Prévu (€)", "Voté (€)", "Réalisé (€)")
    by_town = {row[header.index("Collectivité")]: [row[header.index(name)] for name in names] for row in rows}
    expected = [sum(filter(None, column), Decimal()) for column in zip(*EXPECTED[depuis].values(), strict=True)]
    assert [Decimal(str(value or 0)) for value in by_town["Lucé"]] == expected


def test_the_open_data_have_the_rows_of_the_state_asked_for(campaign: Path, depuis: str, tmp_path: Path) -> None:
    run(campaign, "export", "--depuis", depuis, "--vers", tmp_path / "export")
    (folder,) = [path.parent for path in (tmp_path / "export").rglob("lignes_budgetaires.csv")]

    def rows(table: str) -> list[dict[str, str]]:
        with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))

    names = ("montant_prevu", "montant_vote", "montant_realise")
    towns = {row["collectivite_id"]: row["nom"] for row in rows("collectivites")}
    by_line = {
        (towns[row["collectivite_id"]], row["libelle"]): [Decimal(row[name]) if row[name] else None for name in names]
        for row in rows("lignes_budgetaires")
        if row["exercice"] == "2016"
    }
    assert by_line == EXPECTED[depuis]
    (funded,) = [row["montant"] for row in rows("financements") if row["financement_id"] == COUNTED[depuis]]
    assert Decimal(funded) == GRANTED[depuis]
