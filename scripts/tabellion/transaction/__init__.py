"""Outputs put in place together: after a stop at any instant, people find the old set, or the new one is completed.

First everything is written into a staging folder (on the same disk), and the previous outputs are copied there; the
manifest then gets its name, which commits the publication. From there on outputs are only renamed: the next run can do
again whatever was not done (:func:`recover`), and needs no space on the disk for it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.transaction.commit import HISTORY, Transaction
from tabellion.transaction.files import (
    BLOCK_BYTES,
    check_writable,
    dated,
    folder_to_disk,
    in_the_way,
    is_temporary,
    keep_mode,
    remove_leftovers,
    to_disk,
)
from tabellion.transaction.manifest import (
    BESIDES,
    MANIFEST,
    DamagedError,
    Keeping,
    Manifest,
    Step,
    content_digest,
    digest,
    read_besides,
    read_manifest,
    trace,
    write_manifest,
)
from tabellion.transaction.open_files import owner_of
from tabellion.wording import french_date, system_reason

_PREPARED = "copies"


@dataclass(frozen=True)
class Copy:
    """An output that is a copy of ``source``, as long as that still has the content of this ``sha256``."""

    source: Path
    sha256: str


Content = bytes | Path | Copy
"""What an output will hold: these bytes, or what is in a file (read block by block, never whole)."""


@dataclass(frozen=True)
class History:
    """The outputs that are kept when new ones take their places: ``members`` (files, or folders with all their files)
    go into a dated folder in ``folder``, where ``keep`` of them stay: the last ten, then the last of each day.

    ``previous`` is the date of those outputs; without it, that of the latest of their files.
    """

    folder: Path
    members: tuple[Path, ...]
    previous: datetime | None = None
    keep: int = 30


def publish(
    workbooks: Path,
    staging: Path,
    contents: Mapping[Path, Content],
    removed: Collection[Path] = (),
    history: History | None = None,
    edited: Collection[Path] = (),
    *,
    now: datetime,
    known: Mapping[Path, str] | None = None,
) -> list[Finding]:
    """Put the outputs ``contents`` in place, and remove those of ``removed``, all or none; returns what to say.

    All paths are in the folder ``workbooks``; ``staging`` is a folder of the publication's own, on the same disk. Only
    the holder of the lock may call this. An output that has its content already is not touched; when all have, nothing
    is written. An output that somebody has open, by its owner file or because the system refuses, is written beside
    (« consolidation (nouveau).xlsx ») and takes its place at a later run; one to remove is removed then. Those of
    ``edited`` somebody wrote into: they are kept under dated names, and not in the history. Of those of ``known``, the
    content that may be replaced has this SHA-256: what was saved there since is kept too. A :class:`Copy` whose source
    has changed is left out, with a finding.

    Raises :class:`TabellionError` when something else is at the place of an output, when the outputs cannot be prepared
    (nothing has then changed) or not be put in place (the next :func:`recover` then completes them).
    """
    if blocked := dict.fromkeys(filter(None, map(in_the_way, contents))):
        raise TabellionError(list(blocked))
    transaction = Transaction(workbooks, staging, now)
    _recover(transaction)
    changes = _StagedOutputs(transaction, edited, known or {})
    try:
        manifest = changes.prepare(contents, removed, history)
    except OSError as error:
        with suppress(OSError):
            (staging / MANIFEST).unlink(missing_ok=True)  # without it, the rest is nothing
        shutil.rmtree(staging, ignore_errors=True)
        raise _cannot_prepare(changes.doing, workbooks, error) from error
    if manifest is not None:
        transaction.complete(manifest, resumed=False)
    return list(dict.fromkeys(transaction.findings))


@contextmanager
def preparing(workbooks: Path, staging: Path) -> Iterator[Path]:
    """An empty folder, on the same disk, for outputs that are made as files before they are published.

    It is taken away afterwards, or by the next :func:`recover`. Raises :class:`TabellionError` when it cannot be
    written, there or in the ``with`` block: nothing has then changed.
    """
    folder = staging.with_name(_PREPARED)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    except OSError as error:
        raise _cannot_prepare(folder, workbooks, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def recover(workbooks: Path, staging: Path, *, now: datetime) -> list[Finding]:
    """Complete the publication that an earlier run had committed, or throw away what it had only begun to prepare.

    Also takes away the temporary files that killed runs left, and puts in place the outputs that waited for it. Only
    the holder of the lock may call this. Raises :class:`TabellionError` when a committed publication cannot be
    completed.
    """
    transaction = Transaction(workbooks, staging, now)
    _recover(transaction)
    shutil.rmtree(staging.with_name(_PREPARED), ignore_errors=True)
    own = [path for path in workbooks.glob("*/") if path.name != "retours"]
    remove_leftovers([workbooks, *own, *(path for folder in own for path in folder.glob("*/"))], now)
    return transaction.findings


def is_place_free(workbooks: Path, staging: Path, *, now: datetime) -> bool:
    """Whether an output that waits could take its place now, as far as owner files tell: :func:`recover` would do it.

    It costs next to nothing and needs no lock: whoever stays on may ask every few seconds. Where the system alone
    refuses, nothing but trying tells, and the answer is yes.
    """
    for beside in read_besides(staging.with_name(BESIDES)).values():
        open_files = [owner_of(workbooks / name, now) for name in (beside.target, beside.path) if name is not None]
        if all(owner is None or owner.is_stale for owner in open_files):
            return True
    return False


def _recover(transaction: Transaction) -> None:
    staging = transaction.staging
    manifest = None
    try:
        manifest = read_manifest(staging)
        for step in manifest.steps if manifest is not None else ():
            if step.staged is not None and digest(staging / step.staged) not in (step.sha256, None):
                raise DamagedError("un de ses fichiers n'a plus son contenu")
    except (OSError, DamagedError) as error:
        _set_aside(transaction, system_reason(error) if isinstance(error, OSError) else str(error))
    else:
        if manifest is not None:
            transaction.complete(manifest, resumed=True)
            moment = f"{french_date(manifest.made)} à {manifest.made:%H}h{manifest.made:%M}"
            transaction.findings.append(finding("publication-achevee", Place(), valeur=moment))
        elif staging.is_dir():
            if any(staging.iterdir()):
                transaction.findings.append(finding("publication-abandonnee", Place()))
            shutil.rmtree(staging, ignore_errors=True)
    transaction.place_waiting()


def _set_aside(transaction: Transaction, detail: str) -> None:
    """Keep what was staged, in the place of what was set aside before: the disk must not fill up."""
    aside = transaction.staging.with_name(transaction.staging.name + "-ecartee")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        transaction.staging.rename(aside)
    except OSError as error:
        raise _cannot_prepare(transaction.staging, transaction.workbooks, error) from error
    shown = _shown(aside, transaction.workbooks)
    transaction.findings.append(finding("publication-abimee", Place(shown), valeur=shown, detail=detail))


class _StagedOutputs:
    """The outputs that differ from what is there, staged. ``doing`` is the path at work, to be named by a failure."""

    def __init__(self, transaction: Transaction, edited: Collection[Path], known: Mapping[Path, str]) -> None:
        self.transaction, self.staging = transaction, transaction.staging
        self.doing = transaction.staging
        self.edited = set(map(self._name, edited))
        self.known = {self._name(path): sha256 for path, sha256 in known.items()}
        self.changed: set[str] = set()

    def prepare(
        self, contents: Mapping[Path, Content], removed: Collection[Path], history: History | None
    ) -> Manifest | None:
        """Stage everything and commit it; ``None`` when there is nothing to do. Raises ``OSError``."""
        steps: list[Step] = []
        for target, content in contents.items():
            self.doing = target
            name = self._name(target)
            self.transaction.keep(name)
            if not self._has(name, content):
                step = self._stage(f"{len(steps):06d}", name, content)
                steps += [] if step is None else [step]
        wanted = {self._name(target) for target in contents}
        for name in dict.fromkeys(map(self._name, removed)):
            before = trace(self.transaction.path(name))
            if name not in wanted and (before is not None or name in self.transaction.besides):
                steps.append(Step(name, before))
        if not steps:
            shutil.rmtree(self.staging, ignore_errors=True)
            return None
        self.changed = {step.target for step in steps}
        self.doing = self.staging
        self.staging.mkdir(parents=True, exist_ok=True)
        keeping = None if history is None else self._keep(history)
        for folder in dict.fromkeys(self.transaction.path(step.target).parent for step in steps if step.staged):
            self.doing = folder
            check_writable(folder)
        self.doing = self.staging
        self._settle_on_disk()
        manifest = Manifest(self.transaction.now, tuple(steps), keeping)
        write_manifest(self.staging, manifest)
        return manifest

    def _name(self, path: Path) -> str:
        return path.relative_to(self.transaction.workbooks).as_posix()

    def _has(self, name: str, content: Content) -> bool:
        """Whether an output has this content already, in its place or waiting beside it."""
        path = self.transaction.current(name)
        present = trace(path)
        if present is None:
            return False
        if isinstance(content, Copy):
            return digest(path) == content.sha256
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        return present[0] == size and digest(path) == content_digest(content)

    def _stage(self, staged: str, name: str, content: Content) -> Step | None:
        """Write an output into the staging folder; ``None`` when what it copies has changed or gone meanwhile."""
        self.staging.mkdir(parents=True, exist_ok=True)
        path, target = self.staging / staged, self.transaction.path(name)
        before, total = self._before(name), hashlib.sha256()
        with path.open("xb") as stream:
            for block in _blocks(content):
                total.update(block)
                stream.write(block)
        if isinstance(content, Copy) and total.hexdigest() != content.sha256:
            path.unlink()
            shown = _shown(content.source, self.transaction.workbooks)
            self.transaction.findings.append(finding("copie-changee", Place(shown), valeur=content.source.name))
            return None
        keep_mode(path, target)
        return Step(name, before, staged, total.hexdigest())

    def _before(self, name: str) -> tuple[int, int] | None:
        """The trace of what may be replaced at an output's place; nothing that somebody wrote there may."""
        if name in self.edited:
            return None
        if name not in self.known:
            return self.transaction.before(name)
        present = trace(self.transaction.path(name))  # first: what is saved after it has another trace
        if digest(self.transaction.path(name)) == self.known[name]:
            return present
        beside = self.transaction.besides.get(name)
        return None if beside is None else beside.before

    def _keep(self, history: History) -> Keeping | None:
        """Copy the previous outputs into the staging folder, if some of them will not be any more."""
        members = [self._name(path) for path in history.members]
        if not any(name == member or name.startswith(f"{member}/") for name in self.changed for member in members):
            return None
        times = []
        for name, path in self._previous(members):
            self.doing = path
            copy = self.staging / HISTORY / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as reading, copy.open("xb") as writing:
                shutil.copyfileobj(reading, writing, BLOCK_BYTES)
            shutil.copystat(path, copy)
            times.append(path.stat().st_mtime)
        if not times:
            return None
        self.doing = history.folder
        check_writable(history.folder)
        date = history.previous or datetime.fromtimestamp(max(times))
        return Keeping(self._name(history.folder), dated(date), history.keep)

    def _previous(self, members: Iterable[str]) -> Iterator[tuple[str, Path]]:
        """The previous outputs: their names in the history (without the folder that all are in), and where they are."""
        waiting = {beside.path or beside.target for beside in self.transaction.besides.values()}
        for member in members:
            root = self.transaction.path(member)
            is_folder = root.is_dir() and member not in self.transaction.besides
            for path in sorted(root.rglob("*")) if is_folder else [root]:
                name = self._name(path)
                current = self.transaction.current(name)
                if name not in waiting | self.edited and not is_temporary(path) and current.is_file():
                    yield root.name + name.removeprefix(member), current

    def _settle_on_disk(self) -> None:
        """Wait until all that is staged would survive a power cut: last, so that the disk has had time to write."""
        for path in sorted(self.staging.rglob("*")):
            if path.is_dir():
                folder_to_disk(path)
            else:
                with path.open("rb+") as stream:
                    to_disk(stream)
        folder_to_disk(self.staging.parent)


def _blocks(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    try:
        with (content.source if isinstance(content, Copy) else content).open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block
    except OSError:
        if not isinstance(content, Copy):
            raise  # a copy that stops short has another digest: its caller says it


def _cannot_prepare(path: Path, workbooks: Path, error: OSError) -> TabellionError:
    shown, detail = _shown(path, workbooks), system_reason(error)
    taken = in_the_way(path / "*") if isinstance(error, FileExistsError | NotADirectoryError) else None
    return TabellionError([taken or finding("publication-impossible", Place(shown), valeur=shown, detail=detail)])


def _shown(path: Path, workbooks: Path) -> str:
    """A path as people know it: from ``workbooks/`` where it is in there."""
    return path.relative_to(workbooks).as_posix() if path.is_relative_to(workbooks) else str(path)
