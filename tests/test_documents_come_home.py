"""What was published comes back: the register that a document carries, and what was edited in its text since."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import docx
import pytest
from docx.table import _Row

from support.contracts import Rows, save_register, schemas, small_rows, tables_of
from tabellion.commands.generate import generate
from tabellion.commands.import_home import import_files
from tabellion.commands.new import create_empty_workspace
from tabellion.commands.publish import PublishOptions, publish
from tabellion.contract.carried import ARCHIVE, packed
from tabellion.contract.register import load_register
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import TabellionError
from tabellion.importing import carried_register
from tabellion.outputs.document.pdf_file import finished_pdf
from tabellion.schema import SETTING_TABLES
from tabellion.schema.tables import Tables

NOW = datetime(2026, 3, 2)
ADDRESS = "personne@bailleur.fr"


def rows() -> Rows:
    """A contract with texts that a spreadsheet would run, and an address that stays in the house."""
    made = small_rows()
    made["fiches"][0] |= {
        "objectif": "=1+1",
        "proposition": 'Deux lignes\net « guillemets », "droits"',
        "porteurs": None,
    }
    made["lignes_budgetaires"][0]["libelle"] = "'+ de livres"
    made["partenaires"][0]["courriel"] = ADDRESS
    return made


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A contract and its Word document."""
    folder = tmp_path_factory.mktemp("maison") / "val"
    create_empty_workspace(folder, NOW)
    workspace = find_workspace(folder)
    workspace.contrat.unlink()
    save_register(workspace.registre, tables_of(rows()), schemas(), identifiant="val", titre="Contrat du Val")
    publish(workspace, PublishOptions(exercice=2013), NOW)
    return workspace


@pytest.fixture
def elsewhere(tmp_path: Path) -> Workspace:
    """Another folder, for the same contract, that holds nothing yet."""
    create_empty_workspace(tmp_path / "val", NOW)
    return find_workspace(tmp_path / "val")


def word(workspace: Workspace) -> Path:
    (path,) = (workspace.workbooks / "publication").glob("*.docx")
    return path


def tables(workspace: Workspace) -> Tables:
    return load_register(workspace.registre, workspace.schemas, workspace.settings).tables


def told(workspace: Workspace, path: Path, *, force: bool = False) -> list[tuple[str, str | None]]:
    done = import_files(workspace, [path], None, force=force, now=NOW, accept=False)
    return [(finding.code, finding.champ) for finding in done.findings]


def edited(source: Path, target: Path, change: Callable[[list[str], _Row], None]) -> Path:
    """A copy of a document in which ``change`` was made to the rows of its tables, by their texts."""
    opened = docx.Document(str(source))
    for table in opened.tables:
        for row in table.rows:
            change([cell.text for cell in row.cells], row)
    opened.save(str(target))
    return target


def write(row: _Row, column: int, text: str) -> None:
    """Put a text in place of a cell's own, in the look that it had."""
    runs = row.cells[column].paragraphs[0].runs
    (runs[0] if runs else row.cells[column].paragraphs[0].add_run()).text = text
    for other in runs[1:]:
        other.text = ""


def test_the_register_comes_back_exactly_without_what_stays_in_the_house(
    published: Workspace, elsewhere: Workspace
) -> None:
    assert told(elsewhere, word(published)) == []
    expected = tables_of(rows())
    expected["partenaires"] = expected["partenaires"].with_columns({"courriel": [None]})
    rows_by_table = tables(elsewhere)
    assert {name: rows_by_table[name] for name in rows_by_table if name not in SETTING_TABLES} == {
        name: table for name, table in expected.items() if name not in SETTING_TABLES
    }
    home = carried_register(word(published))
    assert home is not None
    assert ADDRESS.encode() not in b"".join(home.files.values())
    assert b"Titre du contrat" in home.files["reglages.csv"]
    assert b"contact" not in home.files["reglages.csv"]


def test_what_was_edited_in_word_is_proposed_and_the_rest_is_said(
    published: Workspace, elsewhere: Workspace, tmp_path: Path
) -> None:
    def change(texts: list[str], row: _Row) -> None:
        if texts[0] == "Objectif" and "=1+1" in texts[1]:
            write(row, 1, "Apprendre à lire")
        elif texts[0] == "Accueil périscolaire" and "€" in texts[1]:
            write(row, 1, "1 234,50 €")
        elif texts[0].startswith("Priorité du") and texts[1].startswith("2"):
            write(row, 1, "bientôt")

    path = edited(word(published), tmp_path / "retouche.docx", change)
    proposals = told(elsewhere, path)
    assert sorted(proposals, key=str) == [
        ("document-retouche", None), ("retouche-proposee", "montant_realise"), ("retouche-proposee", "objectif"),
    ]  # fmt: skip
    before, after = tables_of(rows()), tables(elsewhere)
    assert after["fiches"].rows[0]["objectif"] == "Apprendre à lire"
    changed = [
        (was["libelle"], now["montant_realise"])
        for was, now in zip(before["lignes_budgetaires"].rows, after["lignes_budgetaires"].rows, strict=True)
        if was != now
    ]
    assert changed == [("Accueil périscolaire", 1234_50)]


def test_over_the_contract_that_goes_on_only_the_edits_are_taken_and_only_when_asked(
    published: Workspace, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(published.root, tmp_path / "val"))
    workspace = find_workspace(folder)
    path = workspace.registre / "fiches.csv"
    text = path.read_text(encoding="utf-8")
    later = text.replace("'=1+1", "Écrire").replace("2 (2017)", "3 (2018)")
    path.write_text(later, encoding="utf-8")

    def change(texts: list[str], row: _Row) -> None:
        if texts[0] == "Objectif" and "=1+1" in texts[1]:
            write(row, 1, "Apprendre à lire")
        elif texts[0].startswith("Porteur") and not texts[1]:
            write(row, 1, "La ville")

    source = edited(word(published), tmp_path / "retouche.docx", change)
    with pytest.raises(TabellionError) as refused:
        told(workspace, source)
    assert "retouche-proposee" in [finding.code for finding in refused.value.findings]
    assert path.read_text(encoding="utf-8") == later
    proposals = told(workspace, source, force=True)
    assert ("retouche-depassee", "objectif") in proposals
    assert set(proposals) == {("retouche-depassee", "objectif"), ("retouche-proposee", "porteurs")}
    fiches = tables(workspace)["fiches"].rows
    assert fiches[0]["objectif"] == "Écrire"
    assert [row["porteurs"] for row in fiches[1:]] == ["La ville"] * 3
    assert "3 (2018)" in {row["echeance"] for row in fiches}


def test_a_document_that_carries_nothing_or_something_broken_is_read_as_any_other(tmp_path: Path) -> None:
    other = docx.Document()
    other.add_paragraph("Un texte")
    other.save(str(tmp_path / "autre.docx"))
    assert carried_register(tmp_path / "autre.docx") is None
    (tmp_path / "faux.pdf").write_bytes(b"%PDF-1.7\n/Names<</EmbeddedFiles")
    assert carried_register(tmp_path / "faux.pdf") is None


def minimal_pdf() -> bytes:
    """A PDF of one empty page, as LibreOffice lays its objects out."""
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 10 10]>>", b"<</Producer(x)/CreationDate(D:20200101000000Z)>>",
    ]  # fmt: skip
    data, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<</Size 5/Root 1 0 R/Info 4 0 R>>\n"
    return data + b"xref\n0 5\n0000000000 65535 f \n%s%sstartxref\n%d\n%%%%EOF\n" % (table, trailer, len(data))


def test_a_pdf_gives_the_register_that_is_attached_to_it(published: Workspace, elsewhere: Workspace) -> None:
    home = carried_register(word(published))
    assert home is not None
    archive = packed(home.files)
    made = finished_pdf(minimal_pdf(), "Contrat du Val", date(2026, 3, 2), attached=archive, name=ARCHIVE)
    assert made == finished_pdf(minimal_pdf(), "Contrat du Val", date(2026, 3, 2), attached=archive, name=ARCHIVE)
    path = elsewhere.root / "contrat.pdf"
    path.write_bytes(made)
    assert told(elsewhere, path) == []
    assert tables(elsewhere)["fiches"] == tables_of(rows())["fiches"]


def test_the_workbook_of_a_contract_gives_it_back_whole_in_another_folder(
    published: Workspace, elsewhere: Workspace, tmp_path: Path
) -> None:
    made = generate(published, tmp_path / "le contrat.xlsx", force=False, now=NOW)
    assert told(elsewhere, made.path) == []
    rows_by_table, expected = tables(elsewhere), tables_of(rows())
    assert {name: rows_by_table[name] for name in rows_by_table if name not in SETTING_TABLES} == {
        name: table for name, table in expected.items() if name not in SETTING_TABLES
    }
    assert generate(elsewhere, None, force=False, now=NOW).path.exists()


def test_a_table_that_the_contract_lacks_is_said(published: Workspace, elsewhere: Workspace) -> None:
    home = carried_register(word(published))
    assert home is not None
    archive = packed({**home.files, "jardins.csv": b"jardin_id,nom\nclos,Le clos\n", "vides.csv": b"vide_id\n"})
    path = elsewhere.root / "contrat.pdf"
    path.write_bytes(finished_pdf(minimal_pdf(), "Contrat du Val", date(2026, 3, 2), attached=archive, name=ARCHIVE))
    done = import_files(elsewhere, [path], None, force=False, now=NOW, accept=False)
    assert [(finding.code, finding.valeur) for finding in done.findings] == [("table-inconnue", "jardins")]
