"""How long many contracts take together, on this machine and on clusters of it, and what more workers would give.

``python tests/benchmarks/ensemble.py`` makes 435 contracts of 29 shapes with 9,000 returns (:mod:`many_contracts`), and
runs ``tabellion ensemble`` as a whole process: the first night, the next one in which nothing changed, one in which 2 %
of the contracts received a return. Then, of one contract of each shape: the processor time of each, in children of this
machine and in those of a LocalCluster of 1 and 2 workers, and how long the workers were busy. A simulation from the
measured costs says how long 8, 32 and 128 workers would take, and what limits them. ``--quick`` takes 2 contracts,
among whose partners is one of each habit.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from contract_costs import Cost, simulate, take_costed
from many_contracts import CONTRACTS, PARTNERS, RETURNS, change, make_contracts
from program import HERE, Program, tabellion

from tabellion.commands.take_contract import ContractTask, TakeOptions
from tabellion.portfolio.mapper import LocalMapper, Mapper


def nights(folder: Path, paths: Sequence[Path]) -> float:
    """Run and print three nights; the processor time of the one in which nothing changed."""
    command = tabellion("ensemble", folder, "--vers", folder.with_name("ensemble"))
    first, nothing = Program("first night", command, (0, 1)), Program("nothing changed", command, (0, 1))
    some = Program("2 % changed", command, (0, 1))
    first.run()
    nothing.run()
    changed = {path.parents[3]: path for path in reversed(paths)}
    for path in [*changed.values()][:: max(1, min(len(changed), 50))]:
        change(path, 1)
    some.run()
    print(f"{'night':<18} {'processor':>10} {'a contract':>11} {'clock':>9} {'memory':>9}")
    for program in (first, nothing, some):
        took = program.processor[0]
        per_contract = f"{1000 * took / len(changed):>8.0f} ms"
        print(
            f"{program.title:<18} {took:>8.1f} s {per_contract} {program.seconds[0]:>7.1f} s"
            f" {program.together[0]:>5.0f} MiB"
        )
    return nothing.processor[0]


def costs(pattern: Path, mapper: Mapper, title: str, workers: int, local: float | None) -> list[Cost]:
    """Take each contract of ``pattern`` anew, print what that cost, and give it, contract by contract."""
    folder = pattern.with_name("again")
    shutil.copytree(pattern, folder)
    tasks = [ContractTask(path) for path in sorted(folder.iterdir())]
    options = TakeOptions(datetime.now(), reads_only=False)
    made = [outcome.result for outcome in mapper.map(take_costed, tasks, constant=options)]
    shutil.rmtree(folder)
    succeeded = [cost for cost in made if cost is not None]
    if len(succeeded) < len(tasks):
        sys.exit(f"{title}: {len(tasks) - len(succeeded)} contracts failed")
    seconds = sum(cost.seconds for cost in succeeded)
    span = max(cost.ended for cost in succeeded) - min(cost.begun for cost in succeeded)
    busy = sum(cost.ended - cost.begun for cost in succeeded) / (workers * span)
    efficiency = "" if local is None else f", efficiency {min(1.0, local / seconds) * busy:.2f}"
    print(f"{title:<28} {seconds:>7.1f} s of processors, workers busy {busy:.0%} of the time{efficiency}")
    return succeeded


def measure(contracts: int, returns: int, made: Path | None) -> None:
    """Make the contracts, run everything, print it."""
    with tempfile.TemporaryDirectory(prefix="tabellion-ensemble-", dir=made) as temporary:
        folder = Path(temporary) / "contrats"
        folder.mkdir()
        paths = make_contracts(folder, contracts, returns)
        print(
            f"{contracts} contracts, {len(paths)} returns, {sum(path.stat().st_size for path in paths) / 2**20:.0f} MiB"
        )
        sample = Path(temporary) / "sample"
        for path in sorted(folder.iterdir())[: len(PARTNERS)]:
            shutil.copytree(path, sample / path.name)
        parent = nights(folder, paths)
        print(f"\nOf {len(list(sample.iterdir()))} contracts, one of each shape:")
        sampled = costs(sample, LocalMapper(jobs=1), "one child of this machine", 1, None)
        local = sum(cost.seconds for cost in sampled)
        for workers in (1, 2):
            on_cluster(sample, workers, local)
        print("\nSimulation, from the costs of the contracts of each shape:")
        every = [sampled[number % len(sampled)] for number in range(contracts)]
        simulate(every, parent)


def on_cluster(sample: Path, workers: int, local: float) -> None:
    """The same contracts on a cluster of this machine."""
    from distributed import LocalCluster

    from tabellion.portfolio.cluster import ClusterMapper, open_cluster

    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parents[1] / "scripts")])
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        open_cluster(cluster.scheduler_address) as client,
    ):
        client.wait_for_workers(workers)
        costs(sample, ClusterMapper(client), f"LocalCluster, {workers} worker(s)", workers, local)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contracts", type=int, default=CONTRACTS, help=f"how many contracts ({CONTRACTS})")
    parser.add_argument("--returns", type=int, default=RETURNS, help=f"how many returns at most ({RETURNS:,})")
    parser.add_argument("--within", type=Path, help="the folder to work in (the system's temporary one)")
    parser.add_argument("--quick", action="store_true", help="2 contracts")
    options = parser.parse_args()
    if options.quick:
        options.contracts = 2
    print(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores")
    measure(options.contracts, options.returns, options.within)


if __name__ == "__main__":  # children import this module
    main()
