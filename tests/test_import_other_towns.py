"""Altered documents of other towns, each typed in its own way, through each door: what was planted is found where it
stands, and none is invented."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from support.documents import ContractSpec, expected_budget, expected_funding
from support.libreoffice import LibreOffice
from support.other_towns import Altered, altered, altered_lists, as_csv, as_workbook, place
from support.word_documents import word_document
from tabellion.importing import ImportedFiles, files
from tabellion.importing.doors import DOCUMENT_LIMITS, document_text, read_office
from tabellion.importing.pages import CUT, PageRow, joined_pages
from test_import_workbooks import in_process, read

__all__ = ["in_process"]

#: What the end of a page cut and the import put together again, which it says: no anomaly of what was typed.
REJOINED = {"fiche-reparee", "financeur-recolle"}
#: The lines whose amount, town or label a plant takes away.
CHANGED = {"montant-illisible", "montants-colles", "collectivite-variante", "ligne-non-placee"}


def check(imported: ImportedFiles, town: Altered, expected: set[str] | frozenset[str] = frozenset()) -> None:
    """Each planted anomaly is said at its row, nothing else is but ``expected``; all fiches and lines are there."""
    lines = (imported.text or town.text.encode()).decode().split("\n")
    counted = Counter(
        (finding.code, place(lines, finding.place.ligne or 1))
        for finding in imported.contract.findings
        if finding.code not in expected
    )
    assert counted == Counter(town.planted)
    complete(imported, town.clean, [code for code, _ in town.planted])
    assert len(imported.contract.tables["fiches"]) == sum(
        len(convention.fiches) for convention in town.clean.conventions
    )
    assert len(imported.contract.tables["financements"]) == len(expected_funding(town.clean))


def complete(imported: ImportedFiles, spec: ContractSpec, planted: list[str]) -> None:
    """The budget lines are those of the contract, but for those that a plant changed."""
    tables = imported.contract.tables
    names = {row["collectivite_id"]: row["nom"] for row in tables["collectivites"]}
    got = Counter(
        (row["convention_id"], plain(names[row["collectivite_id"]]), plain(row["libelle"]), row["montant_realise"])
        for row in tables["lignes_budgetaires"]
    )
    changed = sum(code in CHANGED for code in planted)
    assert (Counter(expected_budget(spec)) - got).total() <= changed
    assert (got - Counter(expected_budget(spec))).total() <= changed


def plain(text: str) -> str:
    return text.replace("’", "'")


@pytest.mark.parametrize("seed", range(20))
def test_a_text(tmp_path: Path, seed: int) -> None:
    town = altered(seed)
    (tmp_path / "contrat.txt").write_text(town.text, encoding="utf-8")
    check(read(tmp_path / "contrat.txt"), town)


@pytest.mark.parametrize("seed", [1, 4, 8])
def test_a_word_document(tmp_path: Path, seed: int) -> None:
    town = altered(seed)
    (tmp_path / "contrat.docx").write_bytes(word_document(town.text, controls=seed == 4))
    check(read(tmp_path / "contrat.docx"), town)


@pytest.mark.libreoffice
@pytest.mark.parametrize("ruled", [True, False], ids=["ruled", "unruled"])
def test_a_pdf(tmp_path: Path, office: LibreOffice, ruled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "document_text", lambda path: read_office(str(path), DOCUMENT_LIMITS))
    for seed in (2, 3):
        town = altered(seed)
        path = tmp_path / f"contrat-{seed}.docx"
        path.write_bytes(word_document(town.text, borders=ruled))
        office.open(path)
        imported = read(office.pdf(path.with_suffix(".pdf")))
        check(imported, town, REJOINED)


@pytest.mark.parametrize("seed", range(0, 20, 3))
def test_a_workbook(tmp_path: Path, seed: int) -> None:
    spec, lists, planted = altered_lists(seed)
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(as_workbook(lists))
    imported = read(path)
    places = sorted(
        (finding.code, finding.place.feuille, finding.place.cellule) for finding in imported.contract.findings
    )
    assert places == planted
    complete(imported, spec, [code for code, *_ in planted])


@pytest.mark.parametrize("seed", range(1, 20, 3))
def test_lists_in_csv(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "document_text", document_text)
    spec, lists, planted = altered_lists(seed)
    paths = []
    for name in ("Crédits", "Actions", "Plan de financement"):
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_bytes(as_csv(lists[name], seed))
    imported = read(*paths)
    places = sorted(
        (finding.code, finding.place.fichier, finding.place.ligne) for finding in imported.contract.findings
    )
    assert places == sorted((code, f"{name}.csv", int(re.sub(r"\D", "", cell))) for code, name, cell in planted)
    complete(imported, spec, [code for code, *_ in planted])


@pytest.mark.parametrize(
    ("above", "below", "is_one"),
    [
        (["", "", "Dispositif / BOP", "Montant (€) à"], ["", "", "", "titre indicatif"], True),
        (["", "☐ Etat ☐ Caisse des", "", ""], ["", "Dépôts ☐ Autres", "", ""], True),
        (["Partenaires financiers publics", "☐ Ville", "", ""], ["", "☐ Etat", "BOP 147", ""], False),
        (["SOUS-", "", ""], ["THEMATIQUE : 1- Santé", "", ""], True),
        (["SOUS-THEMATIQUE :", "", ""], ["1- Santé", "", ""], True),
        (["CONVENTION", "", ""], ["SOUS-THEMATIQUE : 1- Santé", "", ""], False),
        (["Réf. Convention", "", ""], ["Interministérielle", "", ""], True),
        (["CONVENTION THEMATIQUE : RENOUVELLEM" + CUT, ""], ["ENT URBAIN", ""], True),
        (["Cantine" + CUT, "1 000 €"], ["3 - Santé", ""], False),
        (["Lucé", "Cantine", "1 000 €"], ["", "Transport", "200 €"], False),
        (["Porteurs identifiés :", "", ""], ["Partenaires opérationnels", "CAF", ""], False),
        (["Porteurs identifiés :", "", ""], ["Indicateurs", "dix ateliers", ""], False),
    ],
)  # fmt: skip
def test_a_row_that_the_end_of_a_page_cut_is_one_row(above: list[str], below: list[str], is_one: bool) -> None:
    """A row of boxes, of an amount or of a label of its own is another row."""
    pages: list[list[PageRow | str]] = [
        [PageRow([[text] if text else [] for text in row], tabbed=True)] for row in (above, below)
    ]
    assert len(joined_pages(pages)) == (1 if is_one else 2)
