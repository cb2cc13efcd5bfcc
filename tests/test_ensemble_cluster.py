"""A Dask cluster takes the contracts: what it gives is what this machine gives, whatever happens to it meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.attacks import bomb
from support.campaign import campaign_workspace, fill, form_keys
from support.cluster_tasks import work
from support.program import contents, tabellion
from tabellion.commands.ensemble import EnsembleRun, ensemble, mapper_of
from tabellion.commands.sent_contracts import SendingMapper
from tabellion.contract.folders import JOURNAL
from tabellion.findings import TabellionError
from tabellion.portfolio.listing import list_contracts
from tabellion.portfolio.mapper import FailureKind, LocalMapper, Mapper, TaskLimits, TaskOutcome
from tabellion.portfolio.memory import FOLDER, MEMORY_FILE

distributed = pytest.importorskip("distributed", reason="a cluster needs the extra « cluster »")
pytest.importorskip("pyarrow", reason="ensemble needs the extra « ensemble »")
from tabellion.portfolio import cluster as clusters  # noqa: E402 - only where distributed is there
from tabellion.portfolio.cluster import ClusterMapper, open_cluster  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
NOW = datetime(2016, 11, 26, 2, 30)
NAMES = ("bourg", "hameau", "ville")


@pytest.fixture(scope="module")
def local_cluster() -> Iterator[Any]:
    """Two workers, started as Dask starts them: under a nanny, as daemons, which may have no children."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as cluster:
        yield cluster


@pytest.fixture
def client(local_cluster: Any) -> Iterator[Any]:
    with open_cluster(local_cluster.scheduler_address) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three contracts: one that nobody answered, one with returns, and one with a return that is a bomb."""
    folder = tmp_path_factory.mktemp("contrats")
    first = campaign_workspace(folder / NAMES[0], contract="cas")
    assert tabellion("forms", cwd=first).code == 0
    for name in NAMES[1:]:
        shutil.copytree(first, folder / name)
        settings = folder / name / "tabellion.toml"
        settings.write_text(settings.read_text("utf-8").replace("essai-2015-2020", f"{name}-2015-2020"), "utf-8")
        _answer(folder / name)
    (folder / "ville" / "workbooks" / "retours" / "bombe.xlsx").write_bytes(bomb(lying=True))
    return folder


def _answer(root: Path) -> None:
    """Every partner of a contract sends its form back, with an amount in its first line."""
    assert tabellion("forms", "--forcer", cwd=root).code == 0
    (root / "workbooks" / "retours").mkdir()
    for rank, form in enumerate(sorted((root / "workbooks" / "envois").glob("2016/*.xlsx"))):
        keys = form_keys(form).get("Budget", [])
        answers = {"Budget": {keys[0]: {"montant_prevu": 1000 + rank}}} if keys else {}
        fill(form, root / "workbooks" / "retours" / form.name, answers, saved=datetime(2016, 11, 1 + rank, 9))


@pytest.fixture
def contracts(pattern: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pattern, tmp_path / "contrats"))


def put_together(contracts: Path, mapper: Mapper, *, reads_only: bool = False) -> EnsembleRun:
    return ensemble([contracts], contracts.parent / "vers", NOW, lambda _: nullcontext(mapper), reads_only=reads_only)


def night(pattern: Path, place: Path, mapper: Mapper, *, reads_only: bool = False) -> Mapping[str, bytes]:
    """All files, of the contracts and of what puts them together, after a night in the same folder."""
    for name in ("contrats", "vers"):
        shutil.rmtree(place / name, ignore_errors=True)
    shutil.copytree(pattern, place / "contrats")
    run = put_together(place / "contrats", mapper, reads_only=reads_only)
    assert len(run.portfolio.counted) == len(NAMES)
    return {name: content for name, content in contents(place).items() if not name.endswith(JOURNAL)}


@pytest.fixture(scope="module")
def here(pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, bytes]]:
    """A folder, and what a night on this machine leaves there."""
    place = tmp_path_factory.mktemp("nuit")
    return place, night(pattern, place, LocalMapper())


def names(node: Mapping[str, bytes], other: Mapping[str, bytes]) -> list[str]:
    """The files that are not the same."""
    return sorted(name for name in {*node, *other} if node.get(name) != other.get(name))


def test_a_cluster_gives_the_bytes_of_this_machine(
    client: Any, here: tuple[Path, Mapping[str, bytes]], pattern: Path
) -> None:
    place, local = here
    assert names(night(pattern, place, ClusterMapper(client)), local) == []
    assert (
        any("bombe" in name for name in local if "/constats/" in name)
        or b"bombe.xlsx" in local["contrats/ville/workbooks/consolidation/constats.json"]
    )


class Killing:
    """A cluster of which a worker is killed once a first contract is taken."""

    def __init__(self, mapper: ClusterMapper) -> None:
        self.mapper, self.killed = mapper, 0

    def map(self, function: Callable[..., Any], items: Any, *, constant: Any) -> Iterator[TaskOutcome[Any]]:
        for outcome in self.mapper.map(function, items, constant=constant):
            if not self.killed:
                busy = [worker for worker, keys in self.mapper.client.processing().items() if keys]
                pids = self.mapper.client.run(os.getpid)
                self.killed = pids[(busy or list(pids))[0]]
                os.kill(self.killed, signal.SIGKILL)
            yield outcome


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_worker_that_is_killed_changes_nothing(
    client: Any, here: tuple[Path, Mapping[str, bytes]], pattern: Path
) -> None:
    place, local = here
    killing = Killing(ClusterMapper(client))
    after = night(pattern, place, killing)
    assert killing.killed
    # a contract that was taken twice is known to be as it was: the next night may pass over it
    assert set(names(after, local)) <= {f"vers/{FOLDER}/{MEMORY_FILE}"}


def test_contracts_that_the_cluster_does_not_see_are_sent(client: Any, pattern: Path, tmp_path: Path) -> None:
    local = night(pattern, tmp_path, LocalMapper(), reads_only=True)
    assert names(night(pattern, tmp_path, SendingMapper(ClusterMapper(client)), reads_only=True), local) == []
    run = put_together(tmp_path / "contrats", SendingMapper(ClusterMapper(client)), reads_only=True)
    assert run.unchanged == len(NAMES)


def test_what_one_task_does_to_its_process_reaches_no_worker(client: Any, tmp_path: Path) -> None:
    workers = client.run(os.getpid)
    items = [(name, tmp_path) for name in ("abort", "grow", "raise", "good", "well")]
    outcomes = sorted(
        ClusterMapper(client, TaskLimits(memory_bytes=1 << 30)).map(work, items, constant="so"),
        key=lambda outcome: outcome.position,
    )
    kinds = [outcome.failure and outcome.failure.kind for outcome in outcomes]
    assert kinds == [FailureKind.DIED, FailureKind.MEMORY, FailureKind.ERROR, None, None]
    assert [outcome.result for outcome in outcomes[3:]] == ["so good", "so well"]
    assert client.run(os.getpid) == workers


def test_a_task_that_takes_too_long_is_ended(client: Any, tmp_path: Path) -> None:
    (tmp_path / "wait").touch()
    [outcome] = ClusterMapper(client, TaskLimits(seconds=0.5)).map(work, [("wait", tmp_path)], constant="")
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.TIME


def test_what_is_cancelled_ends_at_once_and_leaves_no_child(client: Any, tmp_path: Path) -> None:
    (tmp_path / "wait").touch()
    items = [("first", tmp_path), *((f"wait{rank}", tmp_path) for rank in range(6))]
    with closing(ClusterMapper(client).map(work, items, constant="so")) as outcomes:
        assert next(outcomes).result == "so first"
        until(lambda: len(list(tmp_path.glob("wait?-*"))) >= 2)
    begun = [int(path.name.partition("-")[2]) for path in tmp_path.glob("wait?-*")]
    until(lambda: not any(is_running(pid) for pid in begun))
    assert len(begun) < 6
    [after] = ClusterMapper(client).map(work, [("next", tmp_path)], constant="then")
    assert after.result == "then next"


def until(is_so: Callable[[], bool]) -> None:
    last = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < last
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def codes(error: pytest.ExceptionInfo[TabellionError]) -> list[str]:
    return [finding.code for finding in error.value.findings]


def test_a_wrong_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_CONNECT_SECONDS", 0.5)
    for address in ("tcp://127.0.0.1:9", "machine", "http://127.0.0.1:9"):
        with pytest.raises(TabellionError) as error, open_cluster(address):
            pass
        assert codes(error) == ["cluster-injoignable"]


def test_a_cluster_without_workers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_WORKER_SECONDS", 0.2)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1") as empty,
        pytest.raises(TabellionError) as error,
        open_cluster(empty.scheduler_address),
    ):
        pass
    assert codes(error) == ["cluster-sans-ouvrier"]


def test_another_version_is_said_once(local_cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = distributed.Client.get_versions

    def older(self: Any, *, packages: Any) -> Any:
        answer = versions(self, packages=packages)
        for machine in answer["workers"].values():
            machine["packages"]["tabellion"] = "0.0.1"
        return answer

    monkeypatch.setattr(distributed.Client, "get_versions", older)
    with pytest.raises(TabellionError) as error, open_cluster(local_cluster.scheduler_address):
        pass
    assert codes(error) == ["cluster-autre-version"]
    assert error.value.findings[0].valeur == "tabellion 0.0.1"


def test_a_cluster_that_sees_other_folders_only_reads(
    local_cluster: Any, contracts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClusterMapper, "sees", lambda *_: False)
    before = contents(contracts)
    with pytest.raises(TabellionError) as error:
        ensemble([contracts], contracts.parent / "vers", NOW, partial(mapper_of, dask=local_cluster.scheduler_address))
    assert codes(error) == ["cluster-sans-partage"]
    assert contents(contracts) == before


def test_a_list_names_the_cluster_and_a_worker_sees_what_is_there(local_cluster: Any, contracts: Path) -> None:
    listed = "".join(f'[[contrat]]\ndossier = "{name}"\n' for name in NAMES)
    (contracts / "ensemble.toml").write_text(f'dask = "{local_cluster.scheduler_address}"\n{listed}', "utf-8")
    with mapper_of(list_contracts([contracts])) as mapper:
        assert isinstance(mapper, ClusterMapper)
        assert not mapper.sees({contracts / "absent": "0"})


def test_a_cluster_that_is_lost_costs_what_it_had_not_done(tmp_path: Path) -> None:
    (tmp_path / "wait").touch()
    items = [("first", tmp_path), *((f"wait{rank}", tmp_path) for rank in range(3))]
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
        ) as lost,
        open_cluster(lost.scheduler_address) as client,
    ):
        outcomes = ClusterMapper(client).map(work, items, constant="so")
        assert next(outcomes).result == "so first"
        lost.close()
        remaining = list(outcomes)
    assert [outcome.failure and outcome.failure.kind for outcome in remaining] == [FailureKind.LOST] * 3
