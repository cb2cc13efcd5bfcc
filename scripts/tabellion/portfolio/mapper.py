"""One task a contract, done elsewhere: the seam between what is done to a contract and where it is done.

A mapper does one picklable function to many items. What it gives arrives in any order, each with the position of its
item; whoever asks puts results in the order of the items, so that nothing written depends on who was faster. A task
that fails, whatever it does to its process, is an outcome that says so, and costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Generic, Protocol, TypeVar, cast

from tabellion.processes import ChildEndedError, Children, become_one_of_many, worker_count
from tabellion.reading.limits import MIB
from tabellion.reading.memory_limit import OUT_OF_MEMORY, limit_memory

TaskItem = TypeVar("TaskItem")
TaskConstant = TypeVar("TaskConstant")
TaskResult = TypeVar("TaskResult")

#: A worker is renewed after so many contracts: whatever native code leaked goes with it.
_CONTRACTS_PER_WORKER = 50


class FailureKind(Enum):
    """Why a task gave no result, in the words that people read."""

    MEMORY = "trop de mémoire"
    TIME = "trop de temps"
    DIED = "le système a arrêté son processus"
    ERROR = "une erreur imprévue du programme"
    LOST = "le cluster de calcul ne répond plus"


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """Why one task gave no result; ``detail`` is what the machine says of it, for whoever looks closer."""

    kind: FailureKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TaskOutcome(Generic[TaskResult]):
    """What became of the item at ``position`` (zero-based): its ``result``, or the ``failure`` that took its place."""

    position: int
    result: TaskResult | None = None
    failure: TaskFailure | None = None


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """What one task may use: ``memory_bytes`` of address space, ``seconds`` once it has begun.

    The files that it reads have limits of their own, in children of its worker.
    """

    memory_bytes: int = 4096 * MIB
    seconds: float = 1800.0


DEFAULT_LIMITS = TaskLimits()


class Mapper(Protocol):
    """Does a function to many items, somewhere. Closing the iterator stops what goes on."""

    def map(
        self,
        function: Callable[[TaskItem, TaskConstant], TaskResult],
        items: Sequence[TaskItem],
        *,
        constant: TaskConstant,
    ) -> Iterator[TaskOutcome[TaskResult]]:
        """Do ``function(item, constant)`` to each item and give the outcomes as they arrive, in any order.

        The function is found by its name in its module, and all that it gets and gives is picklable; ``constant`` goes
        to each worker once. Nothing that a task does is raised here.
        """


@dataclass(frozen=True)
class LocalMapper:
    """A pool of processes of this machine, ``jobs`` at a time (one per processor, eight at most, by default)."""

    jobs: int | None = None
    limits: TaskLimits = DEFAULT_LIMITS

    def map(
        self,
        function: Callable[[TaskItem, TaskConstant], TaskResult],
        items: Sequence[TaskItem],
        *,
        constant: TaskConstant,
    ) -> Iterator[TaskOutcome[TaskResult]]:
        """As :meth:`Mapper.map`; what still goes on when the iterator is closed is stopped at once."""
        if not items:
            return
        workers = task_children(min(self.jobs or worker_count(), len(items)), self.limits, function, constant)
        try:
            positions = {start_task(workers, item, self.limits): position for position, item in enumerate(items)}
            for future in as_completed(list(positions)):
                yield outcome_of(future, positions.pop(future))
        finally:
            workers.close()


def task_children(
    count: int, limits: TaskLimits, function: Callable[[TaskItem, TaskConstant], TaskResult], constant: TaskConstant
) -> Children:
    """Children of this process, ``count`` at most, that do one function to what :func:`start_task` gives them."""
    return Children(count, partial(_prepare_worker, limits.memory_bytes, function, constant), _CONTRACTS_PER_WORKER)


def start_task(children: Children, item: object, limits: TaskLimits) -> Future[object]:
    """Ask for one task."""
    return children.start(limits.seconds, _run, item)


def outcome_of(future: Future[object], position: int) -> TaskOutcome[TaskResult]:
    """Wait for a task, and say what became of it: never raises for what it did."""
    try:
        return TaskOutcome(position, cast("TaskResult", future.result()))
    except Exception as error:  # whatever it was, it is this task's own
        return TaskOutcome(position, failure=failure_of(error))


def failure_of(error: Exception) -> TaskFailure:
    """Why a task failed, from what its pool raised."""
    if isinstance(error, MemoryError):
        return TaskFailure(FailureKind.MEMORY)
    if isinstance(error, TimeoutError):
        return TaskFailure(FailureKind.TIME)
    if isinstance(error, ChildEndedError):
        is_memory = error.exit_code == OUT_OF_MEMORY
        return TaskFailure(FailureKind.MEMORY if is_memory else FailureKind.DIED, f"code {error.exit_code}")
    return TaskFailure(FailureKind.ERROR, f"{type(error).__name__}: {error}"[:200])


# In the worker

_task: tuple[Callable[..., object], object] | None = None


def _prepare_worker(memory_bytes: int, function: Callable[..., object], constant: object) -> None:
    """Runs first in each worker: its limit, and what it is to do."""
    global _task
    _task = function, constant
    become_one_of_many()
    limit_memory(memory_bytes)


def _run(item: object) -> object:
    if _task is None:
        raise RuntimeError("this worker was not prepared")
    function, constant = _task
    return function(item, constant)
