"""Many contracts put together: every euro once, one that fails is one line, what has not changed is not made again."""

from __future__ import annotations

import csv
import gc
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import xlsxwriter

from support.campaign import campaign_workspace
from support.contracts import line, save_register, schemas, small_rows, tables_of
from support.libreoffice import LibreOffice
from support.masters import Package
from support.program import tabellion
from support.recalculated import differences
from tabellion.commands.ensemble import EnsembleRun, ensemble
from tabellion.commands.take_contract import ContractTask, TakeOptions, take_contract
from tabellion.findings import TabellionError
from tabellion.portfolio.board import Freshness
from tabellion.portfolio.listing import LISTING_FILE, list_contracts
from tabellion.portfolio.mapper import TaskOutcome
from test_models import make_contract, rows_of_2030

NOW = datetime(2016, 10, 3, 2)
AMOUNTS = ("montant_prevu", "montant_vote", "montant_realise")


class Here:
    """A mapper that does all in this process, the last item first: what is written cannot depend on the order."""

    def map(self, function: Callable[..., Any], items: Sequence[Any], *, constant: Any) -> Iterator[TaskOutcome[Any]]:
        for position in reversed(range(len(items))):
            yield TaskOutcome(position, function(items[position], constant))


def put_together(root: Path, vers: Path, now: datetime = NOW, *, reads_only: bool = True) -> EnsembleRun:
    return ensemble([root], vers, now, lambda _: nullcontext(Here()), reads_only=reads_only)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three contracts of three shapes: of several exercices, of one that was imported, of the model of 2030."""
    folder = tmp_path_factory.mktemp("contrats")
    campaign_workspace(folder / "essai", contract="cas")
    small = campaign_workspace(folder / "petit", contract="cas")
    settings = small / "tabellion.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("essai-2015-2020", "petit-2015-2020"), "utf-8")
    rows = small_rows()
    rows["lignes_budgetaires"].append(line("N1", 3, "luce", "Votée", 80_00, exercice=2016, montant_vote=90_00))
    register = small / "workbooks" / "registre"
    save_register(register, tables_of(rows), schemas(), identifiant="petit-2015-2020", titre="Petit contrat")
    make_contract(folder / "q2030", rows_of_2030())
    return folder


@pytest.fixture(scope="module")
def made(pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What these three give."""
    vers = tmp_path_factory.mktemp("ensemble") / "vers"
    put_together(pattern, vers)
    return vers


@pytest.fixture
def contracts(pattern: Path, tmp_path: Path) -> Path:
    """The same, to be changed at will."""
    return Path(shutil.copytree(pattern, tmp_path / "contrats"))


def lines_of(contracts: Path) -> dict[tuple[str, str, str], tuple[int, list[Decimal | None]]]:
    """How many lines, and the three amounts, by contract, exercice and convention: read from the CSV alone."""
    totals: dict[tuple[str, str, str], tuple[int, list[Decimal | None]]] = {}
    for path in sorted(contracts.glob("*/workbooks/registre/lignes_budgetaires.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                key = (path.parts[-4], row["exercice"], row["convention_id"])
                count, sums = totals.get(key, (0, [None, None, None]))
                amounts = [Decimal(row[name].replace(",", ".")) if row[name] else None for name in AMOUNTS]
                added = [old if new is None else (old or 0) + new for old, new in zip(sums, amounts, strict=True)]
                totals[key] = count + 1, added
    return totals


def by(contracts: Path, *places: int) -> dict[tuple[str, ...], tuple[int, list[Decimal | None]]]:
    """The same by some parts of the key."""
    totals: dict[tuple[str, ...], tuple[int, list[Decimal | None]]] = {}
    for key, (count, sums) in lines_of(contracts).items():
        short = tuple(key[place] for place in places)
        known, before = totals.get(short, (0, [None, None, None]))
        added = [old if new is None else (old or 0) + new for old, new in zip(before, sums, strict=True)]
        totals[short] = known + count, added
    return totals


def sheet_rows(workbook: Path, sheet: str, header: str) -> list[dict[str, Any]]:
    """The rows under the header that begins with a label."""
    rows = list(openpyxl.load_workbook(workbook, data_only=True)[sheet].iter_rows(values_only=True))
    start = next(at for at, row in enumerate(rows) if row[0] == header)
    records = []
    for row in rows[start + 1 :]:
        if row[0] is None:
            break
        records.append({str(label): value for label, value in zip(rows[start], row, strict=True) if label is not None})
    return records


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The outputs by path, without what is remembered of when each contract was read."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".tabellion" not in path.parts
    }


def change(
    contracts: Path, name: str = "petit", table: str = "lignes_budgetaires", column: str = "montant_realise"
) -> None:
    """Another amount in the first line of a contract's register."""
    path = contracts / name / "workbooks" / "registre" / f"{table}.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[0][column] = "4321.09"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def folder_of(contracts: Path) -> dict[str, str]:
    """The folder of each contract by its identifiant."""
    settings = {path.parent.name: path.read_text(encoding="utf-8") for path in contracts.glob("*/tabellion.toml")}
    return {text.split('id = "')[1].partition('"')[0]: name for name, text in settings.items()}


def test_every_euro_of_the_registers_is_in_the_dataset_once(pattern: Path, made: Path) -> None:
    names = folder_of(pattern)
    lines = pd.read_parquet(made / "jeu" / "lignes")
    sums_by_key = {}
    for (contract, exercice, convention), rows in lines.groupby(
        ["contrat", "exercice", "convention_id"], observed=True
    ):
        sums = [rows[name].dropna().sum() if rows[name].notna().any() else None for name in AMOUNTS]
        sums_by_key[names[contract], str(exercice), str(convention)] = len(rows), sums
    assert sums_by_key == lines_of(pattern)


def test_the_workbook_says_the_totals_of_the_registers(pattern: Path, made: Path) -> None:
    workbook, names = made / "ensemble.xlsx", folder_of(pattern)
    sums_by_key: dict[tuple[str, str], tuple[int, list[Decimal | None]]] = {}
    for row in sheet_rows(workbook, "Crédits", "Contrat"):
        key = names[row["Identifiant"]], str(row["Exercice"])
        count, sums = sums_by_key.get(key, (0, [None, None, None]))
        amounts = [row[f"{word} (€)"] for word in ("Prévu", "Voté", "Réalisé")]
        added = [old if new is None else (old or 0) + Decimal(str(new)) for old, new in zip(sums, amounts, strict=True)]
        sums_by_key[key] = count + row["Lignes"], added
    assert sums_by_key == by(pattern, 0, 1)
    years = {
        (str(row["Exercice"]),): (
            row["Lignes"],
            [Decimal(str(row[f"{word} (€)"])) if row[f"{word} (€)"] not in ("", None) else None
             for word in ("Prévu", "Voté", "Réalisé")],
        )
        for row in sheet_rows(workbook, "Synthèse", "Exercice")
    }  # fmt: skip
    assert years == by(pattern, 1)


def test_rates_compare_only_lines_that_have_both_amounts(made: Path) -> None:
    """In 2016, one line is planned and spent (7 €), another only spent: it is in no rate."""
    (row,) = [row for row in sheet_rows(made / "ensemble.xlsx", "Synthèse", "Exercice") if row["Exercice"] == 2016]
    assert (row["Prévu (€)"], row["Réalisé (€)"], row["Réalisé / prévu"]) == (7, 87, 1)


def test_quartiers_are_counted_by_their_official_code(made: Path) -> None:
    rows = sheet_rows(made / "ensemble.xlsx", "Quartiers", "Code QPV")
    assert [(row["Code QPV"], row["Quartier"], row["Réalisé (€)"], row["Fiches"]) for row in rows] == [
        ("QN02801M", "Bel-Air", 7.5, 1), ("QP028002", "Les Clos", 1500, 1),
    ]  # fmt: skip


def test_every_row_of_the_dataset_names_a_cell_that_holds_it(contracts: Path, tmp_path: Path) -> None:
    outcome = tabellion("generate", cwd=contracts / "petit")
    assert outcome.code == 0, outcome.err
    put_together(contracts, tmp_path / "vers")
    lines = pd.read_parquet(tmp_path / "vers" / "jeu" / "lignes")
    lines = lines[(lines.contrat == "petit-2015-2020") & lines.montant_realise.notna()]
    book = openpyxl.load_workbook(contracts / "petit" / "workbooks" / "contrat.xlsx", data_only=True)
    assert len(lines) == 6
    for row in lines.itertuples():
        fichier, _, place = row.montant_realise_cellule.removeprefix("[").partition("]")
        sheet, _, cell = place.rpartition("!")
        assert (fichier, book[sheet][cell].value) == ("contrat.xlsx", float(row.montant_realise))


def test_addresses_of_people_do_not_leave_a_contract(made: Path) -> None:
    partners = pd.read_parquet(made / "jeu" / "partenaires")
    assert "Bailleur" in set(partners.nom)
    assert not [name for name in partners.columns if "@" in "".join(map(str, partners[name]))]


def test_what_has_not_changed_is_not_made_again_and_bytes_are_those_of_a_fresh_start(
    contracts: Path, tmp_path: Path
) -> None:
    shutil.rmtree(contracts / "essai")
    put_together(contracts, tmp_path / "vers", NOW.replace(microsecond=316_000), reads_only=False)
    book = openpyxl.load_workbook(tmp_path / "vers" / "ensemble.xlsx")
    moments = {cell.value for row in book["Contrats"].iter_rows() for cell in row if isinstance(cell.value, datetime)}
    assert moments == {NOW}, "to the second, as the contracts' own outputs say it"
    again = put_together(contracts, tmp_path / "vers", NOW + timedelta(days=1), reads_only=False)
    assert (again.unchanged, again.written) == (2, False)
    assert (contracts / "petit" / "workbooks" / "consolidation" / "rapport.html").exists()
    change(contracts)
    later = NOW + timedelta(days=2)
    changed = put_together(contracts, tmp_path / "vers", later, reads_only=False)
    assert (changed.unchanged, changed.written) == (1, True)
    put_together(contracts, tmp_path / "frais", later, reads_only=False)
    assert bytes_of(tmp_path / "vers") == bytes_of(tmp_path / "frais")


def test_a_contract_leaves_nothing_in_the_process_that_takes_the_next_one(contracts: Path) -> None:
    """One process takes hundreds: the workbooks of each, which are cycles, are let go of."""
    done = take_contract(ContractTask(contracts / "petit"), TakeOptions(NOW, reads_only=False))
    assert done.state is not None
    assert gc.get_freeze_count() == 0
    assert not [item for item in gc.get_objects() if isinstance(item, xlsxwriter.Workbook)]


def test_reading_writes_nothing_in_a_contract(contracts: Path, tmp_path: Path) -> None:
    change(contracts)

    def state() -> dict[Path, tuple[int, bytes]]:
        return {
            path: (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(contracts.rglob("*"))
        }

    before = state()
    put_together(contracts, tmp_path / "vers")
    again = put_together(contracts, tmp_path / "vers", NOW + timedelta(hours=1))
    assert state() == before
    assert (again.unchanged, again.written) == (3, False)
    lines = pd.read_parquet(tmp_path / "vers" / "jeu" / "lignes")
    assert Decimal("4321.09") in set(lines.montant_realise)


def test_a_contract_that_cannot_be_read_is_a_line_with_the_figures_of_before(contracts: Path, tmp_path: Path) -> None:
    put_together(contracts, tmp_path / "vers")
    before = pd.read_parquet(tmp_path / "vers" / "jeu" / "lignes")
    (contracts / "petit" / "workbooks" / "registre" / "fiches.csv").write_bytes(b"\xff\xfe\x00")
    run = put_together(contracts, tmp_path / "vers", NOW + timedelta(days=1))
    (failed,) = [contract for contract in run.portfolio.contracts if contract.failures]
    assert (failed.source.root.name, failed.freshness) == ("petit", Freshness.CARRIED)
    assert [finding.code for finding in run.findings if finding.bloquant] == ["contrat-non-pris"]
    assert pd.read_parquet(tmp_path / "vers" / "jeu" / "lignes").equals(before)
    rows = {row["Dossier"]: row for row in sheet_rows(tmp_path / "vers" / "ensemble.xlsx", "Contrats", "Contrat")}
    assert rows[str(contracts / "petit")]["État"] == "! repris d'avant (03/10/2016)"
    fresh = put_together(contracts, tmp_path / "frais")
    assert [contract.freshness for contract in fresh.portfolio.contracts if contract.failures] == [Freshness.ABSENT]
    assert len(fresh.portfolio.counted) == 2


def test_what_is_odd_about_folders_is_said_and_the_others_count(contracts: Path, tmp_path: Path) -> None:
    shutil.copytree(contracts / "petit", contracts / "petit (copie)")
    shutil.copytree(contracts / "q2030", contracts / "essai" / "ancien")
    (contracts / "lien").symlink_to(contracts / "q2030", target_is_directory=True)
    (contracts / "perdu" / "workbooks").mkdir(parents=True)
    (contracts / "perdu" / "workbooks" / "contrat.xlsx").write_bytes(b"")
    run = ensemble(
        [contracts, contracts / "petit", tmp_path / "absent"],
        tmp_path / "vers",
        NOW,
        lambda _: nullcontext(Here()),
        reads_only=True,
    )
    places = {(finding.code, Path(finding.place.fichier or "").name) for finding in run.portfolio.findings}
    assert places == {
        ("contrat-imbrique", "ancien"), ("contrat-lie", "lien"), ("contrat-sans-reglages", "perdu"),
        ("contrat-deux-fois", "petit"), ("contrat-en-double", "petit (copie)"),
        ("dossier-de-contrats-absent", "absent"),
    }  # fmt: skip
    assert [contract.name.identifiant for contract in run.portfolio.counted] == [
        "essai-2015-2020",
        "petit-2015-2020",
        "q2030",
    ]


def test_a_list_gives_names_and_places_and_says_what_it_forgets(contracts: Path, tmp_path: Path) -> None:
    (contracts / LISTING_FILE).write_text(
        'titre = "Deux villes"\n[[contrat]]\ndossier = "q2030"\nnom = "Ville"\nregion = "Normandie"\n'
        'departement = "Eure"\n[[contrat]]\ndossier = "petit"\n[[contrat]]\ndossier = "absent"\n',
        encoding="utf-8",
    )
    run = put_together(contracts, tmp_path / "vers")
    names = [contract.name for contract in run.portfolio.contracts]
    assert [(name.nom, name.region, name.departement) for name in names] == [
        ("Ville", "Normandie", "Eure"), ("Contrat de ville d'essai", "", ""), ("absent", "", ""),
    ]  # fmt: skip
    assert [finding.code for finding in run.portfolio.findings] == ["contrat-non-liste", "contrat-non-pris"]
    page = (tmp_path / "vers" / "ensemble.html").read_text(encoding="utf-8")
    assert "Deux villes" in page
    assert "Normandie · Eure" in page
    workbook = openpyxl.load_workbook(tmp_path / "vers" / "ensemble.xlsx")
    assert workbook["Contrats"]["A6"].value == "Normandie"


def test_every_mistake_of_a_list_is_said_with_its_key(tmp_path: Path) -> None:
    (tmp_path / LISTING_FILE).write_text('titre = 3\n[[contrat]]\ndosier = "a"\n', encoding="utf-8")
    with pytest.raises(TabellionError) as refused:
        list_contracts([tmp_path])
    assert [(finding.code, finding.champ) for finding in refused.value.findings] == [
        ("liste-fausse", "titre"), ("liste-fausse", "contrat[1].dossier"), ("liste-fausse", "contrat[1].dosier"),
    ]  # fmt: skip


def test_nothing_changes_where_no_contract_is_found(contracts: Path, tmp_path: Path) -> None:
    put_together(contracts, tmp_path / "vers")
    before = bytes_of(tmp_path / "vers")
    (tmp_path / "partage").mkdir()  # a share that went away looks like an empty folder
    with pytest.raises(TabellionError) as refused:
        put_together(tmp_path / "partage", tmp_path / "vers")
    assert [finding.code for finding in refused.value.findings] == ["aucun-contrat"]
    assert bytes_of(tmp_path / "vers") == before


def add_field(root: Path, kind: str) -> None:
    """A column of the contract's own, of a kind, with one value."""
    path = root / "schemas" / "lignes_budgetaires.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["fields"].append({"name": "surface", "type": kind, "title": "Surface", "description": "Surface en m²."})
    path.write_text(json.dumps(schema, ensure_ascii=False), encoding="utf-8")
    register = root / "workbooks" / "registre"
    with (register / "lignes_budgetaires.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = [{**row, "surface": "" if at else "120"} for at, row in enumerate(csv.DictReader(stream))]
    with (register / "lignes_budgetaires.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_a_field_of_two_kinds_is_text_and_said_until_it_is_of_one(contracts: Path, tmp_path: Path) -> None:
    add_field(contracts / "petit", "integer")
    put_together(contracts, tmp_path / "vers")
    lines = pd.read_parquet(tmp_path / "vers" / "jeu" / "lignes")
    assert list(lines.surface.dropna()) == [120]
    add_field(contracts / "essai", "string")
    run = put_together(contracts, tmp_path / "vers")
    assert run.unchanged == 2
    (finding,) = [finding for finding in run.findings if finding.code == "champ-de-plusieurs-types"]
    assert (finding.champ, finding.valeur, finding.attendu) == ("surface", "lignes_budgetaires", "integer, string")
    lines = pd.read_parquet(tmp_path / "vers" / "jeu" / "lignes")
    assert list(lines.surface.dropna()) == ["120", "120"]
    put_together(contracts, tmp_path / "frais")
    assert bytes_of(tmp_path / "vers") == bytes_of(tmp_path / "frais")
    shutil.rmtree(contracts / "essai")
    run = put_together(contracts, tmp_path / "vers")
    assert (run.unchanged, [finding.code for finding in run.findings if finding.code.startswith("contrat")]) == (
        2, ["contrat-disparu"],
    )  # fmt: skip
    put_together(contracts, tmp_path / "neuf")
    there, fresh = bytes_of(tmp_path / "vers"), bytes_of(tmp_path / "neuf")
    assert {path: there[path] for path in there if path.startswith("jeu/")} == {
        path: fresh[path] for path in fresh if path.startswith("jeu/")
    }


def test_what_somebody_wrote_in_an_output_is_kept(contracts: Path, tmp_path: Path) -> None:
    vers = tmp_path / "vers"
    put_together(contracts, vers)
    (vers / "ensemble.html").write_text("mes notes", encoding="utf-8")
    part = next(vers.glob("jeu/fiches/*/fiches.parquet"))
    part.write_bytes(b"abime")
    change(contracts)
    put_together(contracts, vers, NOW + timedelta(days=1))
    kept = [path for path in vers.iterdir() if path.is_file() and path.read_bytes() == b"mes notes"]
    assert len(kept) == 1
    assert kept[0].name != "ensemble.html"
    assert len(pd.read_parquet(vers / "jeu" / "fiches")) == 4 + 4 + 2


def test_the_command_takes_each_contract_in_a_process_of_its_own(contracts: Path, tmp_path: Path) -> None:
    shutil.rmtree(contracts / "q2030")
    (contracts / "petit" / "workbooks" / "registre" / "fiches.csv").unlink()
    outcome = tabellion(
        "ensemble", contracts, "--vers", tmp_path / "vers", "--lecture", "--json", tmp_path / "constats.json",
        cwd=tmp_path,
    )  # fmt: skip
    assert outcome.code == 1, outcome.err
    assert "2 contrats, dont 1 compté ; 1 lu, 0 inchangé, 1 non lu." in outcome.out
    content = json.loads((tmp_path / "constats.json").read_text(encoding="utf-8"))
    assert content["resume"]["bloquants"] == 1
    assert [constat["code"] for constat in content["constats"] if constat["bloquant"]] == ["contrat-non-pris"]
    names = {path.name for path in (tmp_path / "vers").iterdir()}
    assert names == {".tabellion", "ensemble.html", "ensemble.xlsx", "jeu"}
    put_together(contracts, tmp_path / "ici")
    assert bytes_of(tmp_path / "vers") == bytes_of(tmp_path / "ici")


@pytest.mark.libreoffice
def test_libreoffice_computes_what_the_workbook_says(made: Path, office: LibreOffice) -> None:
    path = made / "ensemble.xlsx"
    office.open(path)
    office.recalculate()
    assert differences(Package(path.read_bytes()), office.read()) == []
