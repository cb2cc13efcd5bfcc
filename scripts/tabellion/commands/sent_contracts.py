"""Contracts sent to a cluster that does not see their folders, and only read there."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from tabellion.commands.take_contract import ContractTask, TakenContract, TakeOptions, is_as_known, take_contract
from tabellion.commands.unchanged import FolderDigests
from tabellion.contract.folders import HISTORY, SETTINGS_FILE, STAGING, Folders
from tabellion.portfolio.mapper import TaskOutcome

if TYPE_CHECKING:
    from tabellion.portfolio.cluster import ClusterMapper
    from tabellion.portfolio.mapper import TaskConstant, TaskItem, TaskResult

#: The folders of a contract that no reading needs.
_LEFT_BEHIND = ("archives", "constats", "guides", "import")


@dataclass(frozen=True)
class SendingMapper:
    """A cluster that does not see the contracts, which are only read: each in which something changed is sent to it."""

    mapper: ClusterMapper

    def map(
        self,
        function: Callable[[TaskItem, TaskConstant], TaskResult],
        items: Sequence[TaskItem],
        *,
        constant: TaskConstant,
    ) -> Iterator[TaskOutcome[TaskResult]]:
        """As :meth:`tabellion.portfolio.mapper.Mapper.map`, for :func:`tabellion.commands.take_contract.take_contract`
        alone: items are its tasks.
        """
        tasks, options = cast("Sequence[ContractTask]", items), cast("TakeOptions", constant)
        changed: dict[int, FolderDigests] = {}
        for position, task in enumerate(tasks):
            before = FolderDigests.of(Folders(task.root))
            if not (task.root / SETTINGS_FILE).is_file():  # there is nothing to send, which is said of it
                yield TaskOutcome(position, function(items[position], constant))
            elif is_as_known(task, before, options):
                yield TaskOutcome(position, cast("TaskResult", TakenContract(is_unchanged=True)))
            else:
                changed[position] = before
        positions, send = list(changed), SentFolders([tasks[position].root for position in changed])
        for outcome in replace(self.mapper, is_lazy=True).map(_take_sent, send, constant=options):
            position, taken = positions[outcome.position], outcome.result
            if taken is not None and taken.taken is not None:  # from the folder here, of which that one was a copy
                before = changed[position]
                taken = replace(taken, taken=replace(taken.taken, inputs=before.inputs, outputs=before.outputs))
            yield TaskOutcome(position, cast("TaskResult | None", taken), outcome.failure)


@dataclass(frozen=True)
class SentFolders(Sequence[tuple[str, bytes]]):
    """The folders of contracts as they are sent: the name of each, and a tar of what a reading needs, made late."""

    roots: Sequence[Path]

    def __len__(self) -> int:
        return len(self.roots)

    def __getitem__(self, position: int) -> tuple[str, bytes]:  # type: ignore[override] # no slices are asked for
        root, stream = self.roots[position], io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", dereference=True) as archive:
            archive.add(root, root.name, filter=_needed)
        return root.name, stream.getvalue()


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """What of a contract's folder a reading needs; of the rest, and of what is neither file nor folder, nothing."""
    parts = Path(entry.name).parts[1:]
    is_left = parts[:1] == ("workbooks",) and (parts[1:2] in [(name,) for name in _LEFT_BEHIND] or HISTORY in parts)
    is_left |= STAGING in parts[2:3]
    return entry if not is_left and (entry.isfile() or entry.isdir()) else None


# On the cluster


def _take_sent(sent: tuple[str, bytes], options: TakeOptions) -> TakenContract:
    """Take a contract that was sent, in a folder that goes away with it."""
    name, content = sent
    with TemporaryDirectory() as place:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(place, filter="data")
        return take_contract(ContractTask(Path(place, name)), options)
