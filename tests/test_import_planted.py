"""Anomalies planted in what other towns have are found at their cells, through each door, and none is invented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font

from support import legacy_workbooks
from support.documents import document, small_contract
from support.word_documents import word_document
from tabellion.importing import ImportedFiles, read_document
from test_import_workbooks import in_process, read

__all__ = ["in_process"]

TEXT = document(small_contract()).decode()
CLEAN = legacy_workbooks.flat_list(read_document(TEXT.encode(), "contrat.txt"))
Plant = Callable[[openpyxl.Workbook], None]


def cell(sheet: str, address: str, value: object) -> Plant:
    def plant(book: openpyxl.Workbook) -> None:
        book[sheet][address] = value

    return plant


def struck(sheet: str, row: int) -> Plant:
    def plant(book: openpyxl.Workbook) -> None:
        for cell in book[sheet][row]:
            cell.font = Font(strike=True)

    return plant


def finding_places(imported: ImportedFiles) -> list[tuple[str, str | None, str | None]]:
    return sorted(
        (finding.code, finding.place.feuille, finding.place.cellule) for finding in imported.contract.findings
    )


PLANTED: dict[str, tuple[list[Plant], list[tuple[str, str, str]]]] = {
    "nothing": ([], []),
    "a text for an amount": ([cell("Crédits", "E4", "environ 3")], [("montant-illisible", "Crédits", "E4")]),
    "no town": ([cell("Crédits", "C4", None)], [("ligne-non-placee", "Crédits", "A4")]),
    "no label": ([cell("Crédits", "D4", None)], [("ligne-non-placee", "Crédits", "A4")]),
    "a town otherwise": ([cell("Crédits", "C5", "Ville de Brest")], [("collectivite-variante", "Crédits", "C5")]),
    "a town misspelt": ([cell("Crédits", "C9", "Brest métropolle")], [("collectivite-ressemblante", "Crédits", "C9")]),
    "a slip inside a town": ([cell("Crédits", "C9", "Bresst métropole")], [("collectivite-variante", "Crédits", "C9")]),
    "a column more": ([cell("Crédits", "G3", "Code analytique"), cell("Crédits", "G4", "A12")],
                      [("colonne-non-comprise", "Crédits", "G3")]),
    "a row struck out": ([struck("Crédits", 5)], [("ligne-barree", "Crédits", "A5")]),
    "a note under the table": ([cell("Crédits", "A14", "Reste à ventiler"), cell("Crédits", "E14", 1500)],
                               [("ligne-non-placee", "Crédits", "A14")]),
    "a number twice": ([cell("Actions", "C3", "I-1.1./1")], [("fiche-numero-double", "Actions", "C3")]),
    "nobody in particular": ([cell("Actions", "N2", "Divers")], [("partenaire-vague", "Actions", "N2")]),
    "neither yes nor no": ([cell("Actions", "M2", "peut-être")], [("reponse-illisible", "Actions", "M2")]),
    "a fiche that is not there": ([cell("Plan de financement", "A18", "I-9./9")],
                                  [("ligne-non-placee", "Plan de financement", "A18")]),
    "two at once": ([cell("Crédits", "C4", None), cell("Actions", "N2", "Divers")],
                    [("ligne-non-placee", "Crédits", "A4"), ("partenaire-vague", "Actions", "N2")]),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_in_a_workbook_is_found_and_nothing_else(tmp_path: Path, name: str) -> None:
    plants, expected = PLANTED[name]
    path = tmp_path / "ancien.xlsx"
    path.write_bytes(CLEAN)
    book = openpyxl.load_workbook(path)
    for plant in plants:
        plant(book)
    book.save(path)
    assert finding_places(read(path)) == sorted(expected)


ALTERED = {
    "Cantine\t1 000 €": "Cantine\t1 000 €*",
    "Porteur (s) identifié(s)\tBrest/Etat\t\t": "Porteur (s) identifié(s)\tBrest/Divers\t\t\nIndicateurs\tdix\t\t",
    "Action N° I-1.1./2": "Action N° I-1.1./1",
    "Etudes\t400 €": "Etudes\tenviron\nTotal\t700 €",
    "\tPlan lecture\tNon déterminé": "\t\t",
}


@pytest.mark.parametrize("count", range(1, len(ALTERED) + 1))
def test_a_word_document_says_what_its_text_says(tmp_path: Path, count: int) -> None:
    text = TEXT
    for old, new in list(ALTERED.items())[:count]:
        assert old in text
        text = text.replace(old, new, 1)
    codes = []
    for name, data in (("a.txt", text.encode()), ("a.docx", word_document(text))):
        (tmp_path / name).write_bytes(data)
        codes.append([place[0] for place in finding_places(read(tmp_path / name))])
    assert codes[0] == codes[1]
    planted = ["partenaire-vague", "rubrique-non-comprise", "fiche-numero-double"]
    planted += ["montant-illisible", "total-dans-le-budget", "financement-sans-detail"]
    assert codes[0] == sorted(planted[: [0, 2, 3, 5, 6][count - 1]])
