"""The mapper of a Dask cluster that is there: its workers do the tasks, each in a child process with its limits.

The queue, the retries, the stealing of work and workers that come and go are Dask's. What is added is a plugin of its
workers: a pool of children like the local mapper's, so that what a file does to its reader, or a contract to its
process, never reaches a worker, and a task that is cancelled ends its child at once.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from distributed import CancelledError, Client, KilledWorker, Worker, WorkerPlugin, get_worker, wait

from tabellion import __version__
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.portfolio.mapper import (
    DEFAULT_LIMITS,
    FailureKind,
    TaskConstant,
    TaskFailure,
    TaskItem,
    TaskLimits,
    TaskOutcome,
    TaskResult,
    outcome_of,
    start_task,
    task_children,
)
from tabellion.transaction.manifest import digest

if TYPE_CHECKING:
    from dask.typing import Key
    from distributed import Future
    from distributed.client import VersionsDict

    from tabellion.processes import Children

#: What must be the same wherever a contract is taken, for its files to be the same byte for byte.
_PACKAGES = ("tabellion", "pandas", "xlsxwriter", "lxml", "pyarrow")
#: Seconds: to reach a scheduler; for a first worker to come, or for one to come back; between two looks at the cluster.
_CONNECT_SECONDS, _WORKER_SECONDS, _LOOK_SECONDS = 15.0, 120.0, 2.0
#: Seconds: for the plugin of a run to be in a worker that has just come; between two looks at whether it is.
_PLUGIN_SECONDS, _POLL_SECONDS = 30.0, 0.05
#: How often Dask does a task again whose worker failed it, elsewhere where it can; a worker that dies counts apart.
_RETRIES = 2
#: A worker that was asked nothing more for so long lets its children go: whoever asked may have been killed.
_IDLE_SECONDS = 300.0
#: Tasks in hand for each thread of the cluster where items are made only when they are sent.
_AHEAD = 2
#: What speaks English on the console of whoever waits.
_LOGGERS = ("distributed", "distributed.client", "distributed.core", "distributed.comm", "tornado.application")


@dataclass(frozen=True)
class ClusterMapper:
    """A cluster that :func:`open_cluster` has reached.

    ``is_lazy`` says that an item is large and made only when it is asked for: few are then in hand at once.
    """

    client: Client
    limits: TaskLimits = DEFAULT_LIMITS
    is_lazy: bool = False

    def map(
        self,
        function: Callable[[TaskItem, TaskConstant], TaskResult],
        items: Sequence[TaskItem],
        *,
        constant: TaskConstant,
    ) -> Iterator[TaskOutcome[TaskResult]]:
        """As :meth:`tabellion.portfolio.mapper.Mapper.map`; what goes on when the iterator is closed is cancelled.

        Where the cluster is lost, each task that was not done is a failure that says so.
        """
        if not items:
            return
        client, plugin = self.client, TaskChildren(function, constant, self.limits)
        client.register_plugin(plugin)
        todo = iter(range(len(items)))
        pending: dict[Future[TaskOutcome[TaskResult]], int] = {}
        try:
            most = _AHEAD * max(1, sum(client.nthreads().values())) if self.is_lazy else len(items)
            self._submit(plugin, items, todo, pending, most)
            while pending:
                done = self._done(pending)
                if done is None:
                    for position in [*pending.values(), *todo]:
                        yield TaskOutcome(position, failure=TaskFailure(FailureKind.LOST))
                    return
                while done:  # none is held once its outcome is here: Dask would do it again if its worker died
                    future = done.pop()
                    outcome: TaskOutcome[TaskResult] = _outcome(future, pending.pop(future))
                    del future
                    yield outcome
                self._submit(plugin, items, todo, pending, most)
        finally:
            if client.status == "running":
                client.cancel(list(pending), force=True)
                client.unregister_worker_plugin(plugin.name)

    def _submit(
        self,
        plugin: TaskChildren,
        items: Sequence[TaskItem],
        todo: Iterator[int],
        pending: dict[Future[TaskOutcome[TaskResult]], int],
        most: int,
    ) -> None:
        while len(pending) < most and (position := next(todo, None)) is not None:
            future: Future[TaskOutcome[TaskResult]] = self.client.submit(
                cast("Callable[..., TaskOutcome[TaskResult]]", _run_on_worker), plugin.name, items[position], position,
                key=f"{plugin.name}-{position}", retries=_RETRIES, pure=False,
            )  # fmt: skip
            pending[future] = position

    def _done(
        self, pending: Mapping[Future[TaskOutcome[TaskResult]], int]
    ) -> list[Future[TaskOutcome[TaskResult]]] | None:
        """Those that are done, once there are some; ``None`` where nobody does them any more."""
        alone_since = None
        while True:
            with suppress(TimeoutError), suppress(CancelledError), self.client.as_current():
                return list(wait(list(pending), timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED").done)
            if self.client.status != "running":
                return None
            if over := [future for future in pending if future.status == "cancelled"]:
                return over
            if self.client.nthreads():
                alone_since = None
            else:
                alone_since = alone_since or time.monotonic()
                if time.monotonic() - alone_since > _WORKER_SECONDS:
                    return None

    def sees(self, files: Mapping[Path, str]) -> bool:
        """Whether each worker sees these files, by their SHA-256, at the same places as this machine."""
        return all(self.client.run(_sees, dict(files)).values())


@contextmanager
def open_cluster(address: str) -> Iterator[Client]:
    """Reach the cluster whose scheduler is at ``address`` (``tcp://machine:port``, ``tls://`` by Dask's own settings).

    Raises :class:`TabellionError` where nobody answers, no worker comes, or one has other versions than this machine.
    """
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    place = Place(address)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other versions: what counts is said below
            client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False, name="tabellion ensemble")
    except (OSError, ValueError, ImportError) as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TabellionError([finding("cluster-injoignable", place, valeur=address, detail=detail)]) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKER_SECONDS)
        except TimeoutError:
            delai = round(_WORKER_SECONDS)
            raise TabellionError([finding("cluster-sans-ouvrier", place, valeur=address, attendu=delai)]) from None
        if mistakes := [*_other_versions(client, address)]:
            raise TabellionError(mistakes)
        yield client


def _other_versions(client: Client, address: str) -> Iterator[Finding]:
    """What is said of each package that a worker has in another version than this machine."""
    versions = cast("VersionsDict", client.get_versions(packages=_PACKAGES))
    own_versions = versions["client"]["packages"]
    named = set()
    for machine, worker in sorted(versions["workers"].items()):
        for package in (*_PACKAGES, "python", "distributed"):
            version = worker["packages"].get(package) or "absent"
            if version != own_versions[package] and (package, version) not in named:
                named.add((package, version))
                yield finding(
                    "cluster-autre-version", Place(address), valeur=f"{package} {version}", machine=machine,
                    attendu=own_versions[package] or "absent",
                )  # fmt: skip


def _outcome(future: Future[TaskOutcome[TaskResult]], position: int) -> TaskOutcome[TaskResult]:
    """What became of a task of Dask: its own outcome, unless its worker had none."""
    if future.status == "cancelled":
        return TaskOutcome(position, failure=TaskFailure(FailureKind.LOST))
    try:
        return future.result(timeout=_WORKER_SECONDS)
    except KilledWorker as error:
        return TaskOutcome(position, failure=TaskFailure(FailureKind.DIED, str(error)[:200]))
    except (TimeoutError, OSError) as error:
        return TaskOutcome(position, failure=TaskFailure(FailureKind.LOST, str(error)[:200]))
    except Exception as error:  # whatever it was, it is this task's own
        return TaskOutcome(position, failure=TaskFailure(FailureKind.ERROR, f"{type(error).__name__}: {error}"[:200]))


# In the worker


class TaskChildren(WorkerPlugin):
    """The children of one run in a worker of Dask: one for each of its threads, which only wait for them.

    It brings to each worker, once, also to those that come later, what is to be done and what is constant.
    """

    def __init__(
        self, function: Callable[[TaskItem, TaskConstant], TaskResult], constant: TaskConstant, limits: TaskLimits
    ) -> None:
        self.name = f"tabellion-{uuid.uuid4().hex}"
        self.program = __version__
        self.task = function, constant, limits

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's
        """Dask's: the plugin is in a worker."""
        self.lock = threading.Lock()
        self.running: dict[Key, Children] = {}
        self.free: list[Children] = []
        self.idle: threading.Timer | None = None

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's
        """Dask's: the run is over, or the worker is."""
        self.close()

    def transition(self, key: Key, start: str, finish: str, **_: object) -> None:
        """Dask's: a task that is given up while it goes on ends its child."""
        child = self.running.get(key)
        if start == "executing" and finish not in ("memory", "error", "long-running") and child is not None:
            threading.Thread(target=child.close, daemon=True).start()

    def run(self, key: Key, item: object, position: int) -> TaskOutcome[object]:
        """Do one task in a child, and wait for it in this thread."""
        function, constant, limits = self.task
        if self.program != __version__:
            raise RuntimeError(f"tabellion {__version__}, and not {self.program}")
        with self.lock:
            if self.idle is not None:
                self.idle.cancel()
            child = self.free.pop() if self.free else task_children(1, limits, function, constant)
            self.running[key] = child
        try:
            return outcome_of(start_task(child, item, limits), position)
        finally:
            with self.lock:
                del self.running[key]
                if child.is_open:
                    self.free.append(child)
                if not self.running:
                    self.idle = threading.Timer(_IDLE_SECONDS, self.close)
                    self.idle.daemon = True
                    self.idle.start()

    def close(self) -> None:
        """End the children at once."""
        with self.lock:
            if self.idle is not None:
                self.idle.cancel()
            children = [*self.free, *self.running.values()]
            self.free.clear()
        for child in children:
            child.close()


def _run_on_worker(name: str, item: object, position: int) -> TaskOutcome[object]:
    """What Dask does: a worker that has just come may be given tasks before its plugins are there."""
    worker, last = get_worker(), time.monotonic() + _PLUGIN_SECONDS
    while name not in worker.plugins and time.monotonic() < last:
        time.sleep(_POLL_SECONDS)
    return cast("TaskChildren", worker.plugins[name]).run(worker.get_current_task(), item, position)


def _sees(files: Mapping[Path, str]) -> bool:
    return all(digest(path) == known for path, known in files.items())
