"""Outputs put in place together: whatever stops the program, at any instant, people find the old set or the new one."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support import faults
from support.faults import Call, Program
from support.program import contents, environment
from support.publishing import (
    AFTER,
    BEFORE,
    INPUTS,
    KEPT,
    LAST_NIGHT,
    NOW,
    come_back,
    fill,
    history,
    publish_new,
    put,
    staging,
)
from tabellion.findings import TabellionError
from tabellion.transaction import Copy, commit, publish
from tabellion.transaction.files import write_whole

needs_strace = pytest.mark.skipif(faults.strace_missing() is not None, reason=str(faults.strace_missing()))
needs_mount = pytest.mark.skipif(faults.mount_missing() is not None, reason=str(faults.mount_missing()))

WORKBOOK = "consolidation/consolidation.xlsx"
WAITING = "consolidation/consolidation (nouveau).xlsx"


@pytest.fixture
def workbooks(tmp_path: Path) -> Path:
    folder = tmp_path / "workbooks"
    fill(folder)
    return folder


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "PATIENCE_SECONDS", 0.2)


def program(workbooks: Path) -> Program:
    return Program(partial(publish_new, workbooks), workbooks.parent, environment())


def anew(workbooks: Path) -> Path:
    shutil.rmtree(workbooks)
    fill(workbooks)
    return workbooks


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """Every writing call of a publication that nothing disturbs."""
    workbooks = tmp_path_factory.mktemp("undisturbed") / "workbooks"
    fill(workbooks)
    calls = program(workbooks).calls()
    assert_complete(workbooks)
    return calls


def entries(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file under a folder: which one it is, its size and its time. Equal entries were not written."""
    statuses = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {str(path): (status.st_ino, status.st_size, status.st_mtime_ns) for path, status in statuses.items()}


def assert_complete(workbooks: Path) -> None:
    """The new set, the old one in the history, the inputs, and nothing else whatsoever."""
    kept = {f"consolidation/historique/2016-11-30 02h15/{name}": content for name, content in KEPT.items()}
    assert contents(workbooks) == AFTER | INPUTS | kept
    assert [path for path in workbooks.rglob("*") if path.is_dir() and not any(path.iterdir())] in (
        [],
        [workbooks / ".tabellion"],
    )


def assert_each_is_old_or_new(workbooks: Path) -> None:
    for name in {*BEFORE, *AFTER}:
        path = workbooks / name
        assert (path.read_bytes() if path.exists() else None) in (BEFORE.get(name), AFTER.get(name)), name
    assert {name: (workbooks / name).read_bytes() for name in INPUTS} == INPUTS
    for folder in (workbooks / "consolidation").glob("historique/*"):
        assert contents(folder) == KEPT
    known = BEFORE.keys() | AFTER.keys() | INPUTS.keys()
    others = {name for name in contents(workbooks) if not name.startswith((".tabellion/", "consolidation/historique/"))}
    assert others <= known


# What a publication does


def test_a_set_is_put_in_place_and_the_one_before_is_kept(workbooks: Path) -> None:
    assert put(workbooks) == []
    assert_complete(workbooks)


def test_an_output_that_is_already_what_it_should_be_is_not_written(workbooks: Path) -> None:
    before = entries(workbooks)
    put(workbooks)
    report = str(workbooks / "consolidation" / "rapport.html")
    assert entries(workbooks)[report] == before[report]


def test_the_same_set_again_writes_nothing_at_all(workbooks: Path) -> None:
    put(workbooks)
    before = entries(workbooks)
    assert put(workbooks, now=NOW + timedelta(days=1)) == []
    assert entries(workbooks) == before


def test_a_first_set_has_nothing_to_keep(workbooks: Path) -> None:
    shutil.rmtree(workbooks / "consolidation")
    assert put(workbooks) == []
    assert not (workbooks / "consolidation" / "historique").exists()


def test_a_set_that_changes_only_outside_the_history_keeps_nothing(workbooks: Path) -> None:
    put(workbooks)
    target = workbooks / "constats" / "ville.xlsx"
    assert publish(workbooks, staging(workbooks), {target: b"x"}, (), history(workbooks), now=NOW) == []
    assert target.read_bytes() == b"x"
    assert len(list((workbooks / "consolidation" / "historique").iterdir())) == 1


def test_the_last_thirty_sets_are_kept_and_nothing_of_somebody_else_is_removed(workbooks: Path) -> None:
    kept = workbooks / "consolidation" / "historique"
    (kept / "mes notes").mkdir(parents=True)
    (kept / "2016-01-01 00h00.txt").write_text("a file", encoding="utf-8")
    for night in range(35):
        set_ = {WORKBOOK: f"workbook {night}".encode()}
        assert put(workbooks, set_, now=NOW + timedelta(days=night)) == []
        made = (NOW + timedelta(days=night)).timestamp()
        os.utime(workbooks / WORKBOOK, (made, made))
        for path in (workbooks / "consolidation").rglob("*.csv"):
            os.utime(path, (made, made))
    dated = sorted(path.name for path in kept.iterdir() if path.is_dir() and path.name != "mes notes")
    assert len(dated) == 30
    assert dated[0] == "2016-12-05 02h15"
    assert dated[-1] == "2017-01-03 02h15"
    assert (kept / dated[-1] / "consolidation.xlsx").read_bytes() == b"workbook 33"
    assert (kept / "mes notes").is_dir()
    assert (kept / "2016-01-01 00h00.txt").is_file()


def made_at(workbooks: Path, moment: datetime) -> None:
    """The outputs in place were made then."""
    for name in (WORKBOOK, "consolidation/rapport.html", "consolidation/registre/fiches.csv"):
        os.utime(workbooks / name, (moment.timestamp(), moment.timestamp()))


def test_a_day_of_many_saves_does_not_push_the_nights_before_it_away(workbooks: Path) -> None:
    kept = workbooks / "consolidation" / "historique"

    def old(*names: str) -> None:
        for name in names:
            (kept / name).mkdir(parents=True)

    def names() -> list[str]:
        return sorted(path.name for path in kept.iterdir())

    nights = [f"2016-10-{day:02d} 02h15" for day in range(1, 30)]
    old(*nights)
    put(workbooks)  # keeps the set of 30 November
    assert names() == [*nights, "2016-11-30 02h15"], "thirty nights, as long as nobody saves more"

    for save in range(1, 41):
        name = f"2016-12-01 {8 + save // 60:02d}h{save % 60:02d}"
        made_at(workbooks, datetime.strptime(name, "%Y-%m-%d %Hh%M"))
        put(workbooks, {WORKBOOK: f"save {save}".encode()})
    saves = [name for name in names() if name.startswith("2016-12-01")]
    assert saves == [f"2016-12-01 08h{save:02d}" for save in range(31, 41)], "the last ten of the day"
    assert names() == [*nights[10:], "2016-11-30 02h15", *saves], "and the last twenty nights"


def test_an_earlier_day_keeps_its_last_set_and_gives_up_the_others_first(workbooks: Path) -> None:
    kept = workbooks / "consolidation" / "historique"
    morning = [f"2016-10-05 08h{minute:02d}" for minute in range(25)]
    nights = [f"2016-11-{day:02d} 02h15" for day in range(1, 30)]
    for name in (*morning, *nights[:5]):
        (kept / name).mkdir(parents=True)
    put(workbooks)
    assert sorted(path.name for path in kept.iterdir()) == [*morning[1:], *nights[:5], "2016-11-30 02h15"]
    for name in nights[5:]:
        (kept / name).mkdir()
    made_at(workbooks, NOW)
    put(workbooks, {WORKBOOK: b"another"})
    nights_kept = sorted(path.name for path in kept.iterdir())
    assert (len(nights_kept), nights_kept[0], nights_kept[-1]) == (30, nights[1], "2016-12-01 02h15"), (
        "one of each day, the oldest goes"
    )


def test_sets_of_one_minute_are_all_kept(workbooks: Path) -> None:
    for rank in range(3):
        put(workbooks, {WORKBOOK: f"{rank}".encode()})
        for path in (workbooks / "consolidation").glob("[cr]*.[xh]*"):
            os.utime(path, (LAST_NIGHT.timestamp(), LAST_NIGHT.timestamp()))
        os.utime(workbooks / "consolidation/registre/fiches.csv", (LAST_NIGHT.timestamp(), LAST_NIGHT.timestamp()))
    names = sorted(path.name for path in (workbooks / "consolidation" / "historique").iterdir())
    assert names == ["2016-11-30 02h15", "2016-11-30 02h15 (2)", "2016-11-30 02h15 (3)"]


def test_a_clock_that_went_back_removes_what_is_oldest_by_date_but_never_what_was_just_kept(workbooks: Path) -> None:
    put(workbooks, keep=2)
    for year in (2030, 2031):
        later = NOW.replace(year=year).timestamp()
        os.utime(workbooks / WORKBOOK, (later, later))
        put(workbooks, {WORKBOOK: f"{year}".encode()}, keep=2)
    for path in (workbooks / "consolidation").rglob("*.*"):
        os.utime(path, (LAST_NIGHT.timestamp(), LAST_NIGHT.timestamp()))
    put(workbooks, {WORKBOOK: b"back in time"}, keep=2)
    kept = {
        path.name: (path / "consolidation.xlsx").read_bytes()
        for path in (workbooks / "consolidation" / "historique").iterdir()
    }
    assert kept == {"2016-11-30 02h15": b"2031", "2031-12-01 02h15": b"2030"}


def test_rights_that_people_gave_stay(workbooks: Path) -> None:
    (workbooks / WORKBOOK).chmod(0o640)
    put(workbooks)
    assert (workbooks / WORKBOOK).stat().st_mode & 0o777 == 0o640


def test_a_return_that_changed_since_it_was_read_is_not_copied(workbooks: Path) -> None:
    target = workbooks / "consolidation" / "acceptes" / "2016" / "ville.xlsx"
    for content in (b"saved again meanwhile", None):
        source = workbooks / "retours" / "ville.xlsx"
        source.unlink()
        if content is not None:
            source.write_bytes(content)
        assert put(workbooks) == ["copie-changee"]
        assert not target.exists()
        assert (workbooks / WORKBOOK).read_bytes() == AFTER[WORKBOOK]


def test_copies_are_never_whole_in_memory(workbooks: Path) -> None:
    source = workbooks / "retours" / "grand.xlsx"
    with source.open("wb") as stream:
        stream.truncate(300 << 20)
    digest = hashlib.sha256()
    for _ in range(300):
        digest.update(bytes(1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    copies = {workbooks / "a.xlsx": source, workbooks / "b.xlsx": Copy(source, digest.hexdigest())}
    assert publish(workbooks, staging(workbooks), copies, now=NOW) == []
    assert (workbooks / "b.xlsx").stat().st_size == 300 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10  # kibibytes


def test_a_target_outside_the_folder_is_a_mistake_of_the_program(workbooks: Path) -> None:
    with pytest.raises(ValueError, match="subpath"):
        publish(workbooks, staging(workbooks), {workbooks.parent / "x": b""}, now=NOW)


# Stopped at every instant


@needs_strace
def test_killed_at_any_writing_call_the_next_run_completes_it(workbooks: Path, calls: list[Call]) -> None:
    assert len(calls) > 50
    outcomes = set()
    for call in calls:
        program(anew(workbooks)).killed_at(call)
        assert_each_is_old_or_new(workbooks)
        codes = come_back(workbooks)
        assert codes in ([], ["publication-achevee"], ["publication-abandonnee"]), call
        outcomes.update(codes)
        now_there = {name: (workbooks / name).read_bytes() for name in BEFORE if (workbooks / name).exists()}
        if codes == ["publication-achevee"]:
            assert_complete(workbooks)
        elif now_there == BEFORE:
            assert contents(workbooks) == BEFORE | INPUTS, call
        assert put(workbooks) == [], call
        assert_complete(workbooks)
    assert outcomes == {"publication-achevee", "publication-abandonnee"}


@needs_strace
def test_killed_again_while_completing_what_a_killed_run_left(workbooks: Path, calls: list[Call]) -> None:
    commit = next(rank for rank, call in enumerate(calls) if 'manifeste.json"' in call.words and "rename" in call.name)
    interrupted = workbooks.with_name("interrupted")
    program(workbooks).killed_at(next(call for call in calls[commit + 2 :] if call.name == "rename"))
    shutil.copytree(workbooks, interrupted)
    for call in program(workbooks).calls():
        shutil.rmtree(workbooks)
        shutil.copytree(interrupted, workbooks)
        program(workbooks).killed_at(call)
        assert_each_is_old_or_new(workbooks)
        come_back(workbooks)
        assert put(workbooks) == []
        assert_complete(workbooks)


@needs_strace
@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EACCES"])
def test_refused_by_the_system_at_a_call(workbooks: Path, calls: list[Call], error: str) -> None:
    first = ["ENOSPC", "EIO", "EACCES"].index(error)
    for call in calls[first::3]:  # another third of the calls for each
        done = program(anew(workbooks)).refused_at(call, error)
        codes = done.stdout.decode().split()
        assert done.stderr == b"", call
        assert done.returncode in (0, 2), call
        assert_no_output_lost(workbooks)
        if "publication-impossible" in codes:
            assert contents(workbooks) == BEFORE | INPUTS, call
        come_back(workbooks)
        assert put(workbooks) == []
        assert contents(workbooks).items() >= (AFTER | INPUTS).items(), call
        assert not list(workbooks.rglob("*nouveau*")), call


def assert_no_output_lost(workbooks: Path) -> None:
    """Every output is the old or the new one, and where it was refused its place the new one is beside."""
    beside = workbooks / WAITING
    if beside.exists():
        assert beside.read_bytes() == AFTER[WORKBOOK]
    for name in BEFORE.keys() & AFTER.keys():
        assert (workbooks / name).read_bytes() in (BEFORE[name], AFTER[name])
    assert {name: (workbooks / name).read_bytes() for name in INPUTS} == INPUTS


@needs_mount
@pytest.mark.parametrize("options", [{"size": "64k"}, {"size": "1m", "nr_inodes": 24}], ids=["full", "no inode"])
def test_a_full_disk_leaves_the_old_set(tmp_path: Path, options: dict[str, Any]) -> None:
    with faults.small_disk(tmp_path / "disk", **options) as disk:
        workbooks = disk / "workbooks"
        fill(workbooks)
        before = contents(workbooks)
        big = {f"constats/{rank}.xlsx": bytes(4096) for rank in range(20)}
        with pytest.raises(TabellionError) as caught:
            put(workbooks, {**big, "retours/ville.xlsx": INPUTS["retours/ville.xlsx"]})
        assert [finding.code for finding in caught.value.findings] == ["publication-impossible"]
        assert "place" in caught.value.findings[0].message
        assert contents(workbooks) == before
    with faults.small_disk(tmp_path / "disk", size="4m") as disk:
        fill(disk / "workbooks")
        assert put(disk / "workbooks") == []


@needs_mount
def test_outputs_on_another_disk_than_the_staging(workbooks: Path) -> None:
    shutil.rmtree(workbooks / "consolidation")
    with faults.small_disk(workbooks / "consolidation", size="4m"):
        fill(workbooks)
        assert put(workbooks) == []
        assert_complete(workbooks)


def test_a_folder_that_cannot_be_written_is_found_before_anything_changes(workbooks: Path) -> None:
    shutil.rmtree(workbooks / "constats")
    (workbooks / "constats").write_text("a file where a folder should be", encoding="utf-8")
    before = contents(workbooks)
    with pytest.raises(TabellionError) as caught:
        put(workbooks, {"constats/ville.xlsx": b""})
    (finding,) = caught.value.findings
    assert (finding.code, finding.place.fichier) == ("place-prise", str(workbooks / "constats"))
    assert contents(workbooks) == before


def test_the_staging_folder_is_a_file(workbooks: Path) -> None:
    (workbooks / ".tabellion").write_text("", encoding="utf-8")
    before = contents(workbooks)
    with pytest.raises(TabellionError) as caught:
        put(workbooks)
    assert [finding.code for finding in caught.value.findings] == ["place-prise"]
    assert contents(workbooks) == before


def test_the_folder_of_the_history_is_a_file(workbooks: Path) -> None:
    folder = workbooks / "consolidation" / "historique"
    folder.write_text("", encoding="utf-8")
    before = contents(workbooks)
    with pytest.raises(TabellionError) as caught:
        put(workbooks)
    assert [(finding.code, finding.place.fichier) for finding in caught.value.findings] == [
        ("place-prise", str(folder))
    ]
    assert contents(workbooks) == before


def test_folders_in_place_of_outputs_are_all_named_before_anything_changes(workbooks: Path) -> None:
    for name in (WORKBOOK, "constats/ville.xlsx"):
        (workbooks / name).unlink(missing_ok=True)
        (workbooks / name / "somebody's").mkdir(parents=True)
    before = contents(workbooks)
    with pytest.raises(TabellionError) as caught:
        put(workbooks, {WORKBOOK: b"newer", "constats/ville.xlsx": b"", "consolidation/rapport.html": b"newer"})
    places = [finding.place.fichier for finding in caught.value.findings if finding.code == "place-prise"]
    assert places == [str(workbooks / WORKBOOK), str(workbooks / "constats/ville.xlsx")]
    assert contents(workbooks) == before


def test_no_temporary_folder_is_needed(workbooks: Path) -> None:
    code = "import sys, pathlib; from support.publishing import publish_new; publish_new(pathlib.Path(sys.argv[1]))"
    paths = os.pathsep.join([environment()["PYTHONPATH"], str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, workbooks],
        env=environment(PYTHONPATH=paths, TMPDIR="/nowhere"), capture_output=True, check=True,
    )  # fmt: skip
    assert done.stderr == b""
    assert_complete(workbooks)


# What stands in the way


@pytest.fixture
def taken(workbooks: Path) -> Path:
    """The workbook's place is taken: a program that says so in its owner file holds it open."""
    owner = _owner_file(workbooks)
    owner.touch()
    os.utime(owner, (NOW.timestamp(), NOW.timestamp()))
    return workbooks


def _owner_file(workbooks: Path) -> Path:
    return (workbooks / WORKBOOK).with_name(f"~${Path(WORKBOOK).name}")


def test_an_output_whose_place_is_taken_is_written_beside_and_takes_it_later(taken: Path) -> None:
    assert put(taken) == ["sortie-ouverte"]
    assert (taken / WAITING).read_bytes() == AFTER[WORKBOOK]
    before = entries(taken)
    assert put(taken) == ["sortie-ouverte"]
    assert entries(taken) == before
    assert put(taken, {WORKBOOK: b"newer"}) == ["sortie-ouverte"]
    assert (taken / WAITING).read_bytes() == b"newer"
    assert len(list((taken / "consolidation").glob("*nouveau*"))) == 1
    _owner_file(taken).unlink()
    assert come_back(taken) == []
    assert (taken / WORKBOOK).read_bytes() == b"newer"
    assert not (taken / WAITING).exists()
    assert not (taken / ".tabellion" / "a-cote.json").exists()


def test_what_waited_is_in_the_history_under_the_name_of_its_place(taken: Path) -> None:
    put(taken)
    put(taken, {WORKBOOK: b"newer"})
    kept = sorted((taken / "consolidation" / "historique").iterdir())[-1]
    assert (kept / "consolidation.xlsx").read_bytes() == AFTER[WORKBOOK]
    assert sorted(path.name for path in kept.iterdir()) == ["consolidation.xlsx", "rapport.html", "registre"]


def test_a_file_of_somebody_that_has_the_name_beside_stays(taken: Path) -> None:
    (taken / WAITING).write_bytes(b"somebody's")
    assert put(taken) == ["sortie-ouverte"]
    _owner_file(taken).unlink()
    assert put(taken) == []
    assert (taken / WAITING).read_bytes() == b"somebody's"
    assert [path.name for path in (taken / "consolidation").glob("*nouveau*")] == [Path(WAITING).name]


def test_what_waited_stays_once_somebody_wrote_into_it(taken: Path) -> None:
    put(taken)
    (taken / WAITING).write_bytes(b"edited")
    _owner_file(taken).unlink()
    assert put(taken) == []
    assert (taken / WAITING).read_bytes() == b"edited"
    assert (taken / WORKBOOK).read_bytes() == AFTER[WORKBOOK]


def test_a_file_that_the_system_protects_is_waited_for_and_then_left(workbooks: Path) -> None:
    target = workbooks / WORKBOOK
    protect = subprocess.run(["chattr", "+i", target], capture_output=True, check=False)
    if protect.returncode:
        pytest.skip("a file can only be protected by root, and not on every disk")
    try:
        assert put(workbooks) == ["sortie-ouverte"]
        assert (target.read_bytes(), (workbooks / WAITING).read_bytes()) == (BEFORE[WORKBOOK], AFTER[WORKBOOK])
    finally:
        subprocess.run(["chattr", "-i", target], check=True)
    assert put(workbooks) == []
    assert_complete(workbooks)


@needs_strace
def test_what_the_person_saved_while_the_output_waited_is_kept(workbooks: Path, calls: list[Call]) -> None:
    rename = next(call for call in calls if call.name == "rename" and '/consolidation.xlsx")' in call.words)
    done = program(workbooks).refused_at(rename, "EACCES", onwards=True)
    assert done.stdout.decode().split() == ["publication-inachevee"]
    (workbooks / WORKBOOK).write_bytes(b"saved at last")
    assert come_back(workbooks) == ["sortie-modifiee", "publication-achevee"]
    assert (workbooks / WORKBOOK).read_bytes() == AFTER[WORKBOOK]
    assert (workbooks / "consolidation" / "consolidation 2016-12-01 02h15.xlsx").read_bytes() == b"saved at last"


def test_a_file_to_remove_that_somebody_replaced_stays(workbooks: Path, calls: list[Call]) -> None:
    unlink = next(call for call in calls if "vieux.xlsx" in call.words)
    program(workbooks).killed_at(unlink)
    (workbooks / "constats" / "vieux.xlsx").write_bytes(b"somebody's")
    assert come_back(workbooks) == ["publication-achevee"]
    assert (workbooks / "constats" / "vieux.xlsx").read_bytes() == b"somebody's"


# What the disk says is checked


def committed(workbooks: Path, calls: list[Call]) -> Path:
    """A publication committed and not begun; its manifest."""
    program(workbooks).killed_at([call for call in calls if call.name == "rename"][1])
    return staging(workbooks) / "manifeste.json"


def _with_target(manifest: Any, target: Any) -> Any:
    manifest["steps"][0]["target"] = target
    return manifest


DAMAGES: dict[str, Any] = {
    "empty": lambda _: "",
    "cut": lambda manifest: json.dumps(manifest)[:100],
    "list": lambda _: "[]",
    "deep": lambda _: "[" * 100_000,
    "later version": lambda manifest: json.dumps(manifest | {"version": 99}),
    "absolute": lambda manifest: json.dumps(_with_target(manifest, "/etc/passwd")),
    "above": lambda manifest: json.dumps(_with_target(manifest, "consolidation/../../x")),
    "windows": lambda manifest: json.dumps(_with_target(manifest, "C:\\x")),
    "backslash above": lambda manifest: json.dumps(_with_target(manifest, "a\\..\\..\\x")),
    "zero": lambda manifest: json.dumps(_with_target(manifest, "a\0b")),
    "number": lambda manifest: json.dumps(_with_target(manifest, 7)),
    "nothing": lambda manifest: json.dumps(_with_target(manifest, "")),
    "staged elsewhere": lambda manifest: json.dumps(
        manifest | {"steps": [manifest["steps"][0] | {"staged": "../../contrat.xlsx"}]}
    ),
    "history above": lambda manifest: json.dumps(manifest | {"keeping": {"folder": "..", "name": "x", "keep": 3}}),
    "not a date": lambda manifest: json.dumps(manifest | {"made": "hier"}),
}


@needs_strace
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_manifest_is_set_aside_and_the_next_publication_is_whole(
    workbooks: Path, calls: list[Call], damage: str
) -> None:
    manifest = committed(workbooks, calls)
    manifest.write_text(DAMAGES[damage](json.loads(manifest.read_text(encoding="utf-8"))), encoding="utf-8")
    assert come_back(workbooks) == ["publication-abimee"]
    assert not staging(workbooks).exists()
    assert {name: (workbooks / name).read_bytes() for name in BEFORE | INPUTS} == BEFORE | INPUTS
    assert put(workbooks) == []
    shutil.rmtree(workbooks / ".tabellion" / "publication-ecartee")
    assert_complete(workbooks)


@needs_strace
def test_staged_outputs_that_lost_their_content_are_not_put_in_place(workbooks: Path, calls: list[Call]) -> None:
    manifest = committed(workbooks, calls)
    (manifest.parent / "000000").write_bytes(b"")
    assert come_back(workbooks) == ["publication-abimee"]
    assert (workbooks / WORKBOOK).read_bytes() == BEFORE[WORKBOOK]


@pytest.mark.parametrize("text", ["", "[]", '{"besides": [{"target": "../x"}]}', "[" * 100_000])
def test_a_damaged_list_of_outputs_that_wait_stops_nothing(taken: Path, text: str) -> None:
    put(taken)
    (taken / ".tabellion" / "a-cote.json").write_text(text, encoding="utf-8")
    assert put(taken) == ["sortie-ouverte"]
    _owner_file(taken).unlink()
    assert put(taken) == []
    assert (taken / WORKBOOK).read_bytes() == AFTER[WORKBOOK]


# Temporary files of killed processes


def test_what_killed_processes_were_writing_is_taken_away_by_age(workbooks: Path) -> None:
    ages = {"old": -7200, "ahead of the clock": 7200, "being written": -60}
    for name, seconds in ages.items():
        for folder in ("", "consolidation", "constats", "consolidation/registre", "retours"):
            path = workbooks / folder / f".tabellion-{name}.tmp"
            path.write_bytes(b"half")
            os.utime(path, (NOW.timestamp() + seconds, NOW.timestamp() + seconds))
    come_back(workbooks)
    left = {name for name in contents(workbooks) if name.endswith(".tmp")}
    of_returns = {f"retours/.tabellion-{name}.tmp" for name in ages}  # people's folder: nothing of ours is there
    assert left - of_returns == {
        f"{folder}.tabellion-being written.tmp"
        for folder in ("", "consolidation/", "constats/", "consolidation/registre/")
    }
    assert left >= of_returns


@needs_strace
def test_one_file_written_whole_by_a_process_killed_at_any_call(tmp_path: Path) -> None:
    target = tmp_path / "out" / "constats.json"
    script = (
        "from pathlib import Path; from tabellion.transaction.files import write_whole;"
        f"write_whole(Path({str(target)!r}), b'new')"
    )
    run = Program([sys.executable, "-S", "-c", script], tmp_path, environment(), alone=True)
    for call in run.calls():
        shutil.rmtree(target.parent)
        write_whole(target, b"old")
        run.killed_at(call)
        assert target.read_bytes() in (b"old", b"new")
