"""What one contract costs where it is taken, and how long many workers would take for many contracts."""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from tabellion.commands.take_contract import ContractTask, TakeOptions, take_contract

#: Bytes in a second that a share of an administration gives to all that read it at once: a network of 1 Gbit/s.
SHARE_BYTES = 100e6
WORKERS = (1, 2, 8, 32, 128)


@dataclass(frozen=True)
class Cost:
    """What one contract took: seconds of processors, when it began and ended, and the bytes read and written."""

    seconds: float
    begun: float
    ended: float
    bytes: int


def take_costed(task: ContractTask, options: TakeOptions) -> Cost:
    """Take a contract, in a worker, and say what it cost, the children that read its files included."""
    before, begun = _processors(), time.time()
    take_contract(task, options)
    files = sum(path.stat().st_size for path in (task.root / "workbooks").rglob("*") if path.is_file())
    return Cost(_processors() - before, begun, time.time(), files)


def _processors() -> float:
    this = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (this, *this.children(recursive=True)))


def simulate(costs: Sequence[Cost], parent: float) -> None:
    """Print how long a night takes with more workers: each takes the next contract once it is free; the parent puts all
    together at the end; the share gives its bytes to all. What limits is the largest of what cannot be divided.
    """
    total, read = sum(cost.seconds for cost in costs), sum(cost.bytes for cost in costs)
    longest, share = max(cost.seconds for cost in costs), read / SHARE_BYTES
    print(
        f"longest contract {longest:.1f} s, put together {parent:.1f} s, {read / 2**20:.0f} MiB of files: {share:.1f} s"
    )
    print(f"{'workers':>7} {'night':>9} {'efficiency':>11}  limited by")
    for workers in WORKERS:
        free = [0.0] * workers
        for cost in sorted(costs, key=lambda cost: -cost.seconds):
            heapq.heappush(free, heapq.heappop(free) + cost.seconds)
        taken = max(*free, 0.0, share)
        limits = {
            "processors": total / workers,
            "the longest contract": longest,
            "the share": share,
            "the parent": parent,
        }
        limit = max(limits, key=lambda name: limits[name])
        night = taken + parent
        print(f"{workers:>7} {night:>7.0f} s {(total + parent) / (workers * night):>11.2f}  {limit}")
