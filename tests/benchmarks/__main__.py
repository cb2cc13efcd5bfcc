"""How long generate and validate take, beside the bare writer and reader of the same cells.

``python tests/benchmarks`` runs four programs one after the other, several rounds in a row, for the embedded contract
and for one 50 times its size (:mod:`enlarge`): ``tabellion generate``, a bare xlsxwriter that writes the same cells,
``tabellion validate``, and a bare calamine that reads them. Each is a whole process, with its start and its imports.
The table gives the processor time of the whole program, its children's included (the least of the rounds, which other
work on the machine disturbs least), its ratio to the bare program, the shortest time of the clock, and the peak memory
of the process (of the larger one where there are two: ``validate`` reads in a child). Returns have their own benchmark:
``returns.py``.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from program import ROOT, Program, environment, python, tabellion


def prepare(folder: Path, times: int) -> list[tuple[Program, Program]]:
    """Make a workspace ``times`` the size of the embedded one and its workbook; each program, with its bare one."""
    shutil.copy(ROOT / "tabellion.toml", folder)
    for name in ("schemas", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    source, target = ROOT / "workbooks" / "registre", folder / "workbooks" / "registre"
    subprocess.run(python("enlarge", source, target, str(times)), check=True)
    workbook, cells = folder / "workbooks" / "contrat.xlsx", folder / "cells.json"
    subprocess.run(tabellion("generate", "--contrat", folder), check=True, env=environment(), stdout=subprocess.DEVNULL)
    counted = subprocess.run(python("bare", "dump", workbook, cells), check=True, capture_output=True, text=True)
    print(f"\nContract x {times}: {counted.stdout.strip()}")
    again = folder / "again.xlsx"
    return [
        (
            Program("tabellion generate", tabellion("generate", "--contrat", folder, "--sortie", again)),
            Program("bare xlsxwriter", python("bare", "write", cells, folder / "bare.xlsx")),
        ),
        (
            Program("tabellion validate", tabellion("validate", "--contrat", folder, workbook)),
            Program("bare calamine", python("bare", "read", workbook)),
        ),
    ]


def measure(times: int, rounds: int) -> None:
    """Run the four programs ``rounds`` times in turn and print their table."""
    with tempfile.TemporaryDirectory(prefix="tabellion-benchmark-") as folder:
        pairs = prepare(Path(folder), times)
        for _ in range(rounds):
            for program in (program for pair in pairs for program in pair):
                program.run()
        print(f"{'program':<20} {'processor':>9} {'ratio':>7} {'clock':>9} {'memory':>9} {'ratio':>7}")
        for pair in pairs:
            for program in pair:
                took, memory = min(program.processor), statistics.median(program.memory)
                time_ratio, memory_ratio = took / min(pair[1].processor), memory / statistics.median(pair[1].memory)
                taken = f"{took:>7.2f} s {time_ratio:>6.1f}x {min(program.seconds):>7.2f} s"
                print(f"{program.title:<20} {taken} {memory:>5.0f} MiB {memory_ratio:>6.1f}x")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 50], help="sizes, in embedded contracts (1 50)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program (5)")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores, {options.rounds} rounds")
    for times in options.times:
        measure(times, options.rounds)


main()
