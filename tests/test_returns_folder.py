"""The folder of the returns: which files count, and whether one changed, seen without reading it whole."""

from __future__ import annotations

import io
import os
import shutil
import unicodedata
import zipfile
from pathlib import Path

import pytest

from support.forms import written_form
from tabellion.campaign.folder import FoundFile, counts, list_returns, look_at
from tabellion.campaign.leftovers import leftover_findings


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def set_aside_by_name(workbooks: Path) -> dict[str, bool]:
    """Each file listed, from ``retours/``, and whether it is set aside."""
    listed = list_returns(workbooks / "retours", workbooks).files
    assert listed == sorted(listed, key=lambda file: file.fichier)
    assert all(file.path == workbooks / file.fichier for file in listed)
    return {file.fichier.removeprefix("retours/"): file.is_set_aside for file in listed}


@pytest.fixture
def retours(tmp_path: Path) -> Path:
    folder = tmp_path / "retours"
    folder.mkdir()
    return folder


def test_files_of_all_kinds_and_of_folders_are_listed(retours: Path) -> None:
    put(retours, "b.xlsx", "a.xlsx", "2016/ville/c.xlsx", "notes.txt", "vieux.xls", "SANS EXTENSION")
    assert list(set_aside_by_name(retours.parent)) == [
        "2016/ville/c.xlsx", "SANS EXTENSION", "a.xlsx", "b.xlsx", "notes.txt", "vieux.xls"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "Lucé 2016 (1).xlsx", "Copie de Lucé.xlsx", "retour n°1 #2 & 100 %.xlsx", "été 🏘️.xlsx", " espaces .xlsx",
        "a'b\"c.xlsx", "ligne\nsuivante.xlsx", "tmp.xlsx", "x.TMP.xlsx", "~ville.xlsx", "x.xlsx.sync-conflict.xlsx",
    ],
)  # fmt: skip
def test_any_name_may_be_a_return(retours: Path, name: str) -> None:
    put(retours, name)
    assert set_aside_by_name(retours.parent) == {name: False}


@pytest.mark.parametrize(
    "name",
    [
        "~$ville.xlsx", ".~lock.ville.xlsx#", ".cache", "._ville.xlsx", ".DS_Store", "Thumbs.db", "desktop.ini",
        "DESKTOP.INI",
        "ville.xlsx.crdownload", "ville.xlsx.part", "ville.xlsx.partial", "ville.xlsx.download", "lu123abc.tmp",
        "8F3A21.TMP", "Icon\r", "ehthumbs.db", "ehthumbs_vista.db", "1A2B3C4D", "E3F21000", "~WRL0001.tmp",
        "ville.xlsx:Zone.Identifier", "ville.xlsxZone.Identifier", "ville.xlsx:com.apple.quarantine",
        "ville.xlsx.filepart", "ville.xlsx.opdownload", "ville.xlsx.!sync", "~syncthing~ville.xlsx.tmp",
        ".ville.xlsx.icloud", "ville.xlsx.lnk", "ville - Raccourci.lnk", "ville.gsheet", "ville.xlsx.nextcloud",
        "ville.xlsx~", "ville.bak", "Sauvegarde de ville.xlk", ".ville.xlsx.a1B2c3", "ville.xlsx@SynoEAStream",
    ],
)  # fmt: skip
def test_the_marks_of_open_files_half_downloads_and_systems_are_not_returns(retours: Path, name: str) -> None:
    put(retours, name, "ville.xlsx")
    assert not counts(name, is_folder=False)
    assert set_aside_by_name(retours.parent) == {"ville.xlsx": False}


#: Bins, snapshots and folders of service, as servers and sync clients call them.
BINS = (
    "#recycle", "@Recycle", ".Trash-1000", "$RECYCLE.BIN", "$Recycle.Bin", ".snapshot", "~snapshot", ".stversions",
    ".sync", "@eaDir", ".dropbox.cache", "lost+found", "#snapshot", "@Recently-Snapshot", "files_trashbin", "__MACOSX",
    "@GMT-2016.11.05-12.34.56", "System Volume Information", "Network Trash Folder", "RECYCLER", ".zfs", "found.000",
)  # fmt: skip


@pytest.mark.parametrize("name", BINS)
def test_what_lies_in_a_bin_or_a_snapshot_is_no_return(retours: Path, name: str) -> None:
    put(retours, f"{name}/a.xlsx", f"2016/{name}/profond/b.xlsx", "2016/ville.xlsx")
    assert set_aside_by_name(retours.parent) == {"2016/ville.xlsx": False}
    assert [leftover.name for leftover in list_returns(retours, retours.parent).leftovers] == [name, f"2016/{name}"]


@pytest.mark.parametrize(
    "name",
    [
        "recycle", "Recyclage", "#recyclage-2016", "@Recyclerie", "snapshot", "Corbeille à papier", "sync", "lost",
        "20161105", "1A2B3C4D", "Retours.part", "lot 2.tmp", "ville.bak", "tmp", "versions", "Thumbs.db", "Lot 3#",
    ],
)  # fmt: skip
def test_a_folder_that_a_person_named_merely_alike_counts(retours: Path, name: str) -> None:
    put(retours, f"{name}/ville.xlsx")
    assert set_aside_by_name(retours.parent) == {f"{name}/ville.xlsx": False}


def test_all_that_is_passed_over_is_said_once_by_kind_and_never_blocks(retours: Path) -> None:
    put(
        retours, "#recycle/a.xlsx", "2016/@eaDir/b.xlsx", "luce.xlsx.filepart", "Thumbs.db", "~$luce.xlsx", "x.lnk",
        *(f"{number}.tmp" for number in range(9)),
    )  # fmt: skip
    findings = leftover_findings(list_returns(retours, retours.parent).leftovers, "retours")
    assert [finding.code for finding in findings] == ["fichier-ailleurs", "restes-ignores"]
    assert not any(finding.bloquant for finding in findings)
    assert "« #recycle », « 2016/@eaDir »" in findings[1].message
    assert "« 0.tmp », « 1.tmp », « 2.tmp », et 7 autres" in findings[1].message
    assert "~$luce" not in findings[1].message, "it goes when the file is closed"
    put(retours, "~$marie.xlsx")
    assert leftover_findings(list_returns(retours, retours.parent).leftovers, "retours") == findings
    assert leftover_findings([]) == []


def test_folders_nested_without_end_are_looked_through(retours: Path) -> None:
    deep = retours
    for _ in range(1200):
        deep /= "d"
        deep.mkdir()
    put(deep, "ville.xlsx")
    try:
        assert [name.rpartition("/")[2] for name in set_aside_by_name(retours.parent)] == ["ville.xlsx"]
    finally:
        remove_nested(retours)


def remove_nested(folder: Path) -> None:
    """Remove a chain of folders; ``rmtree`` of some Pythons goes down by recursion."""
    chain = [folder]
    while (inside := chain[-1] / "d").is_dir():
        chain.append(inside)
    for nested in reversed(chain):
        shutil.rmtree(nested)


def test_a_hidden_folder_is_not_looked_into(retours: Path) -> None:
    put(retours, ".corbeille/a.xlsx", ".stversions/b.xlsx")
    assert set_aside_by_name(retours.parent) == {}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["écartés", "Écartés", "ÉCARTÉS", "ecartes", "Ecartés"])
def test_the_folder_of_what_is_set_aside_may_be_written_as_systems_and_people_do(
    retours: Path, name: str, form: str
) -> None:
    put(retours, unicodedata.normalize(form, f"{name}/2016/a.xlsx"), "b.xlsx")
    assert sorted(set_aside_by_name(retours.parent).values()) == [False, True]


def test_a_folder_set_aside_may_be_anywhere_and_only_a_folder_is(retours: Path) -> None:
    put(retours, "2016/écartés/a.xlsx", "écartés.xlsx", "écartés (2)/b.xlsx")
    assert set_aside_by_name(retours.parent) == {
        "2016/écartés/a.xlsx": True,
        "écartés (2)/b.xlsx": False,
        "écartés.xlsx": False,
    }


def test_a_folder_whose_name_ends_as_a_workbook_s_is_a_folder(retours: Path) -> None:
    put(retours, "ville.xlsx/ville.xlsx")
    assert set_aside_by_name(retours.parent) == {"ville.xlsx/ville.xlsx": False}


def test_links_to_folders_are_not_followed(retours: Path, tmp_path: Path) -> None:
    put(tmp_path / "ailleurs", "a.xlsx")
    (retours / "lien").symlink_to(tmp_path / "ailleurs", target_is_directory=True)
    (retours / "boucle").symlink_to(retours, target_is_directory=True)
    (retours / "perdu.xlsx").symlink_to(tmp_path / "rien.xlsx")
    (retours / "fichier.xlsx").symlink_to(tmp_path / "ailleurs" / "a.xlsx")
    assert list(set_aside_by_name(tmp_path)) == ["boucle", "fichier.xlsx", "lien", "perdu.xlsx"]


def test_a_name_that_is_no_text_is_listed(retours: Path) -> None:
    (Path(os.fsdecode(os.fsencode(retours) + b"/ville-\xe9.xlsx"))).write_bytes(b"x")
    assert len(set_aside_by_name(retours.parent)) == 1


def test_a_folder_that_is_not_there_is_no_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list_returns(tmp_path / "retours", tmp_path)
    (tmp_path / "retours").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        list_returns(tmp_path / "retours", tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any folder")
def test_a_folder_that_cannot_be_read_is_said_not_passed_over(retours: Path) -> None:
    put(retours, "2016/a.xlsx")
    (retours / "2016").chmod(0)
    try:
        with pytest.raises(PermissionError):
            list_returns(retours, retours.parent)
    finally:
        (retours / "2016").chmod(0o755)


# Whether a file changed


def zipped(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as target:
        for name, part in parts.items():
            target.writestr(zipfile.ZipInfo(name), part, method)
    return stream.getvalue()


def real_parts() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(written_form("Chartres", "chartres"))) as source:
        return {name: source.read(name) for name in source.namelist()}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED], ids=["deflated", "stored"])
def test_one_byte_changed_in_any_part_of_a_workbook_is_seen(tmp_path: Path, method: int) -> None:
    parts = real_parts()
    path = tmp_path / "a.xlsx"
    path.write_bytes(zipped(parts, method))
    before = look_at(path)
    assert len(parts) > 15
    for name, part in parts.items():
        for place in {0, len(part) // 2, len(part) - 1}:
            other = bytearray(part)
            other[place] ^= 1
            path.write_bytes(zipped({**parts, name: bytes(other)}, method))
            assert look_at(path) != before, (name, place)


def test_a_workbook_of_thousands_of_parts_is_seen_to_change_too(tmp_path: Path) -> None:
    parts = {f"xl/worksheets/a-part-with-a-rather-long-name-{number:05d}.xml": b"a" for number in range(4_000)}
    path = tmp_path / "a.xlsx"
    path.write_bytes(zipped(parts, zipfile.ZIP_STORED))
    before = look_at(path)
    first = next(iter(parts))
    path.write_bytes(zipped({**parts, first: b"b"}, zipfile.ZIP_STORED))
    assert look_at(path) != before


def test_what_does_not_end_as_a_workbook_is_looked_at_further_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("a.xml", b"a")
        target.comment = b" " * 60_000
    for content in (path.read_bytes(), b"a" * 60_000):
        path.write_bytes(content)
        before = look_at(path)
        for place in (0, 30_000):
            other = bytearray(content)
            other[place] ^= 1
            path.write_bytes(other)
            assert look_at(path) != before, place


def test_dates_names_and_copies_are_no_change(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(written_form("Chartres", "chartres"))
    before = look_at(path)
    os.utime(path, (1, 1))
    assert look_at(path) == before
    assert look_at(Path(shutil.copy(path, tmp_path / "copie de a (1).xlsx"))) == before


def test_a_file_of_nothing_is_looked_at_and_one_that_went_is_not(tmp_path: Path) -> None:
    (tmp_path / "vide.xlsx").write_bytes(b"")
    assert look_at(tmp_path / "vide.xlsx")[0] == 0
    with pytest.raises(FileNotFoundError):
        look_at(tmp_path / "rien.xlsx")


def test_a_found_file_names_itself_as_people_find_it(retours: Path) -> None:
    put(retours, "2016/a.xlsx")
    assert list_returns(retours, retours.parent).files == [
        FoundFile(retours / "2016" / "a.xlsx", "retours/2016/a.xlsx", False)
    ]
