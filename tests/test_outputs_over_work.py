"""Whatever an option names, nothing that people made, and nothing that the contract keeps, is written over."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from support.contracts import SOURCE
from support.excel import edited
from support.program import contents, tabellion

#: A table of lines, and the amount of the census.
SHEET, AMOUNT = "Lignes_01", "Montant réalisé (€)"
RESERVED = (
    ("annexe", "--sortie", "workbooks/contrat.xlsx"),
    ("annexe", "--sortie", "workbooks/envois/2016/luce-2016.xlsx"),
    ("publish", "--sortie", "templates/document.docx"),
    ("generate", "--sortie", "workbooks/retours/nouveau.xlsx"),
    ("generate", "--sortie", "workbooks/consolidation/consolidation.xlsx"),
    ("generate", "--json", "workbooks/consolidation/constats.json"),
    ("generate", "--json", "workbooks/registre/saisies.json"),
    ("consolidate", "--json", "schemas/axes.json"),
    ("validate", "workbooks/contrat.xlsx", "--annoter", "workbooks/retours"),
    ("validate", "workbooks/contrat.xlsx", "--json", "tabellion.toml"),
    ("export", "--vers", "workbooks"),
    ("export", "--vers", "workbooks/registre/.."),
    ("import", "texte.txt", "--vers", "workbooks/consolidation/registre"),
    ("diff", "workbooks/contrat.xlsx", "workbooks/contrat.xlsx", "--classeur", "workbooks/archives/diff.xlsx"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sent: Path) -> Path:
    root = Path(shutil.copytree(sent, tmp_path_factory.mktemp("places") / "contrat"))
    assert tabellion("generate", cwd=root).code == 0
    return root


@pytest.mark.parametrize("command", RESERVED, ids=" ".join)
def test_the_places_of_a_contract_are_no_outputs(made: Path, command: tuple[str, ...]) -> None:
    before = contents(made)
    done = tabellion(*command, cwd=made)
    assert (done.code, done.codes) == (2, ["place-reservee"]), done.err
    assert command[-2] in done.err, "the option is named"
    assert contents(made) == before


def test_a_place_is_kept_from_outside_and_through_a_link_too(made: Path, tmp_path: Path) -> None:
    (tmp_path / "lien").symlink_to(made / "workbooks" / "registre", target_is_directory=True)
    other = Path(shutil.copytree(made, tmp_path / "autre"))
    for target in (tmp_path / "lien" / "x.json", made / "workbooks" / "registre" / "x.json"):
        assert tabellion("generate", "--json", target, cwd=other).codes == ["place-reservee"]


def test_an_intact_workbook_of_another_kind_is_no_place_for_an_output(made: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(made, tmp_path / "contrat"))
    form = next((root / "workbooks" / "envois").rglob("*.xlsx"))
    mine = Path(shutil.copy(form, root / "mon formulaire.xlsx"))
    contract = Path(shutil.copy(root / "workbooks" / "contrat.xlsx", root / "copie.xlsx"))
    assert tabellion("generate", "--sortie", mine, cwd=root).codes == ["classeur-modifie"]
    assert tabellion("annexe", "--sortie", contract, cwd=root).codes == ["fichier-deja-la"]
    assert mine.read_bytes() == form.read_bytes()
    assert tabellion("generate", "--sortie", contract, cwd=root).code == 0, "its own kind, intact"
    forced = tabellion("annexe", "--sortie", contract, "--forcer", cwd=root)
    assert forced.code == 0, forced.err
    assert len(list(root.glob("copie*.xlsx"))) == 2, "a dated copy stays"


def test_no_json_but_a_result_is_replaced(made: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(made, tmp_path / "contrat"))
    own = root / "paquet.json"
    own.write_text('{"version": 3, "dependances": {}}', encoding="utf-8")
    assert "fichier-deja-la" in tabellion("generate", "--json", own, cwd=root).codes
    assert json.loads(own.read_text(encoding="utf-8")) == {"version": 3, "dependances": {}}


@pytest.mark.source
def test_an_import_keeps_a_register_that_says_more(workspace: Path) -> None:
    """What staff typed, written through to the register by a run, is nowhere in the document."""
    assert tabellion("import", SOURCE, cwd=workspace).code == 0, "the register is the document's"
    assert tabellion("generate", cwd=workspace).code == 0
    book = workspace / "workbooks" / "contrat.xlsx"
    edited(
        book, lambda excel: excel.type(SHEET, excel.area(SHEET)[1] + 1, **{AMOUNT: 12}), saved=datetime(2026, 1, 5, 9)
    )
    assert tabellion("consolidate", cwd=workspace).code == 0
    (workspace / "workbooks" / "registre" / "adoption.json").write_text('{"adoption": "x", "retours": []}')
    register = contents(workspace / "workbooks" / "registre")
    book.unlink()
    done = tabellion("import", SOURCE, cwd=workspace)
    assert (done.code, done.codes) == (2, ["fichier-deja-la"]), done.err
    assert contents(workspace / "workbooks" / "registre") == register
    forced = tabellion("import", SOURCE, "--forcer", cwd=workspace)
    assert forced.code == 0, forced.err
    (kept,) = (workspace / "workbooks" / "archives").glob("registre*")
    assert contents(kept) == register
    assert not (workspace / "workbooks" / "registre" / "adoption.json").exists()


def test_an_export_that_was_killed_half_way_is_done_again(made: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(made, tmp_path / "contrat"))
    assert tabellion("export", cwd=root).code == 0
    folder = root / "workbooks" / "export" / "registre"
    old = contents(folder)
    toml = root / "workbooks" / "registre" / "conventions.csv"
    (root / "workbooks" / "contrat.xlsx").unlink()
    toml.write_text(toml.read_text(encoding="utf-8").replace("Santé", "Santé et soins"), encoding="utf-8")
    assert tabellion("export", cwd=root).code == 0
    new = contents(folder)
    assert {name for name in old if new[name] != old[name]} >= {"conventions.csv", "datapackage.json"}
    # killed once the first files had their names: the descriptor, put in place last, is still beside
    (folder / "datapackage.json").write_bytes(old["datapackage.json"])
    (folder / ".tabellion-0123456789abcdef.tmp").write_bytes(new["datapackage.json"])
    assert tabellion("export", cwd=root).code == 0
    assert {name: content for name, content in contents(folder).items() if name in new} == new
    (folder / "conventions.csv").write_bytes(b"convention_id\r\nautre chose\r\n")
    assert tabellion("export", cwd=root).codes == ["fichier-deja-la"], "what somebody typed there is kept"
