"""How long after a save the report is fresh, beside the settle time and a bare read of that file; what watching costs.

``python tests/benchmarks/watching.py`` runs ``tabellion watch`` as people do, on the contract with 21 returns and on
one with more (:mod:`crowd`). A return is saved again and again as Excel does (a whole file, renamed), each time with
other amounts; the clock runs from the end of that save until ``rapport.html`` is another file. Of this, the settle time
is waited on purpose: a save is over when nothing was heard for so long. The bare read is calamine, on that one file.

Then nothing happens for ``--idle-seconds`` with 5,000 files in ``retours/`` (copies of the contract's returns): the
processor time of the watcher and its children in that time, as a share of one core, and their memory, with the system's
events and with ``--poll``. ``--quick`` takes few saves, few returns and few seconds. Linux only.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

from bare import read
from crowd import change, make_crowd
from filling import filled, write_filled
from program import ROOT, descendants, environment, mebibytes, tabellion

from tabellion.commands.source import load_contract
from tabellion.contract.workspace import find_workspace
from tabellion.outputs.forms import make_forms
from tabellion.watching.debounce import QUIET_SECONDS
from tabellion.xlsx.signature import with_parts

_SAVED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_LONGEST_SECONDS, _LOOK_SECONDS, _CALM_SECONDS = 300.0, 0.002, 0.5
#: After the first run, the sweeps have looks of their own to take.
_REST_SECONDS = 8.0

Save = Callable[[Path, int], None]
"""Makes of a return's file the content of its save of that number."""


def make_chartres(folder: Path, count: int) -> list[Path]:
    """The contract of the repository in ``folder``, with the returns of its first ``count`` partners."""
    shutil.copy(ROOT / "tabellion.toml", folder)
    for name in ("schemas", "templates", "workbooks/registre"):
        shutil.copytree(ROOT / name, folder / name)
    workspace = find_workspace(folder)
    contract = load_contract(workspace)
    workspace.retours.mkdir()
    paths = []
    for form in make_forms(contract, contract.settings.exercice_courant)[:count]:
        path = workspace.retours / f"{form.identity.partenaire}.xlsx"
        path.write_bytes(_saved(write_filled(contract, form, [filled(form, 0)])[0], 0))
        paths.append(path)
    return paths


def chartres_saves(folder: Path, count: int) -> Save:
    """The saves of a town's return, made beforehand."""
    contract = load_contract(find_workspace(folder))
    forms = {form.identity.partenaire: form for form in make_forms(contract, contract.settings.exercice_courant)}
    made: dict[str, list[bytes]] = {}

    def save(path: Path, number: int) -> None:
        if path.stem not in made:
            form = forms[path.stem]
            made[path.stem] = write_filled(contract, form, [filled(form, seed) for seed in range(count + 1)])
        path.write_bytes(_saved(made[path.stem][number], number))

    return save


def _saved(workbook: bytes, number: int) -> bytes:
    """The workbook, saved a minute later for each ``number``."""
    moment = (datetime(2016, 11, 2, 9) + timedelta(minutes=number)).isoformat().encode()

    def part(name: str, content: bytes) -> bytes:
        return _SAVED.sub(rb"\g<1>" + moment + rb"Z\g<2>", content) if name == "docProps/core.xml" else content

    return with_parts(workbook, part)


@contextmanager
def watching(folder: Path, *options: str) -> Iterator[int]:
    """A watcher that has caught up; its process's number."""
    report = folder / "workbooks" / "consolidation" / "rapport.html"
    with tempfile.TemporaryFile("w+") as output:
        command = tabellion("watch", "--contrat", folder, *options)
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment())
        try:
            limit = time.monotonic() + _LONGEST_SECONDS
            while not report.exists() and time.monotonic() < limit and process.poll() is None:
                time.sleep(0.1)
            _wait_for_calm(process.pid)
            if process.poll() is not None or not report.exists():
                output.seek(0)
                sys.exit(f"tabellion watch does not watch:\n{output.read()}")
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def _wait_for_calm(process: int) -> None:
    """Wait until a process and its children have worked no more for a moment."""
    before, seconds = -1.0, _ticks(process)
    limit = time.monotonic() + _LONGEST_SECONDS
    while seconds - before > 0.05 and time.monotonic() < limit:
        time.sleep(_CALM_SECONDS)
        before, seconds = seconds, _ticks(process)


def _ticks(process: int) -> float:
    """Processor seconds of a process, of its children, and of those of them that have ended."""
    total = 0
    for descendant in descendants(process):
        try:
            stat = Path(f"/proc/{descendant}/stat").read_text()
        except OSError:
            continue
        total += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def latencies(folder: Path, path: Path, save: Save, count: int) -> list[float]:
    """Seconds from the end of each save to the report that answers it; the first save, which warms up, is not kept."""
    report = folder / "workbooks" / "consolidation" / "rapport.html"
    took = []
    with watching(folder) as process:
        for number in range(1, count + 2):
            ready = folder / path.name  # nothing counts there but the settings
            shutil.copyfile(path, ready)
            save(ready, number)
            before = report.stat()
            ready.replace(path)
            start = time.perf_counter()
            while _is_same(report, before):
                if time.perf_counter() - start > _LONGEST_SECONDS:
                    sys.exit(f"{path.name}: no answer to save {number}")
                time.sleep(_LOOK_SECONDS)
            took.append(time.perf_counter() - start)
            _wait_for_calm(process)
    return took[1:]


def _is_same(path: Path, before: os.stat_result) -> bool:
    try:
        status = path.stat()
    except OSError:
        return True
    return (status.st_ino, status.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def bare_seconds(path: Path) -> float:
    """The median of bare reads of a file."""
    took = []
    for _ in range(20):
        start = time.perf_counter()
        read(path)
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def measure(options: argparse.Namespace) -> None:
    """Print how fresh the report is after a save, in both contracts, and what watching costs while nothing happens."""
    print(f"{'one return saved':<32} {'saves':>6} {'median':>9} {'95 %':>9} {'settle time':>12} {'bare read':>10}")
    with tempfile.TemporaryDirectory(prefix="tabellion-watching-") as temporary:
        small, large = Path(temporary) / "small", Path(temporary) / "large"
        for folder in (small, large):
            folder.mkdir()
        paths = make_chartres(small, options.chartres)
        save = chartres_saves(small, options.saves + 1)
        _print_saves(f"Chartres, {len(paths)} returns", small, paths[0], save, options.saves)
        path = make_crowd(large, options.returns, 1)[0]
        _print_saves(f"{options.returns} returns", large, path, change, options.saves)
        _print_idle(small, paths, options.files, options.idle_seconds)


def _print_saves(title: str, folder: Path, path: Path, save: Save, count: int) -> None:
    _generate(folder)
    took = latencies(folder, path, save, count)
    median = statistics.median(took)
    late = statistics.quantiles(took, n=20, method="inclusive")[-1] if len(took) > 1 else took[0]
    bare = 1000 * bare_seconds(path)
    print(
        f"{title:<32} {count:>6} {median:>7.2f} s {late:>7.2f} s {QUIET_SECONDS:>10.2f} s {bare:>7.1f} ms",
        flush=True,
    )


def _generate(folder: Path) -> None:
    command = tabellion("generate", "--contrat", folder)
    subprocess.run(command, check=True, env=environment(), stdout=subprocess.DEVNULL)


def _print_idle(folder: Path, paths: list[Path], files: int, seconds: float) -> None:
    # The returns were read: their copies are known by their content.
    for number, path in enumerate(islice(cycle(paths), files - len(paths))):
        target = path.parent / f"copies {number % 20}" / f"{path.stem} ({number}).xlsx"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)
    print(f"\n{f'nothing happens, {files} files':<32} {'seconds':>8} {'processor':>10} {'of a core':>10} {'memory':>9}")
    for title, options in (("the system's events", ()), ("--poll", ("--poll",))):
        with watching(folder, *options) as process:
            time.sleep(min(_REST_SECONDS, seconds))
            before = _ticks(process)
            time.sleep(seconds)
            used = _ticks(process) - before
            memory = sum(map(mebibytes, descendants(process)))
        print(f"{title:<32} {seconds:>6.0f} s {used:>8.2f} s {used / seconds:>10.2%} {memory:>5.0f} MiB", flush=True)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saves", type=int, default=12, help="saves of a return, in each contract (12)")
    parser.add_argument("--chartres", type=int, default=21, help="returns of the contract of the repository (21)")
    parser.add_argument("--returns", type=int, default=100, help="returns of the larger contract (100)")
    parser.add_argument("--files", type=int, default=5000, help="files that are watched while nothing happens (5000)")
    parser.add_argument("--idle-seconds", type=float, default=60, help="how long nothing happens (60)")
    parser.add_argument("--quick", action="store_true", help="1 save, few returns, 50 files, 1 second")
    options = parser.parse_args()
    if options.quick:
        options.saves, options.files, options.idle_seconds = 1, 50, 1
        options.chartres, options.returns = 2, 3
    print(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores")
    measure(options)


if __name__ == "__main__":  # children that make the returns import this module
    main()
