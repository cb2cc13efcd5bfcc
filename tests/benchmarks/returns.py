"""How long validating 1,000 returns takes, beside a bare read of the same files and beside the usual script.

``python tests/benchmarks/returns.py`` writes the forms of the towns of the contract, filled with other amounts each
time, and runs in turn, as whole processes: ``tabellion validate`` of all of them, a bare calamine that reads all their
sheets (in one process, then in two), and the usual script (:mod:`usual`: pandas, openpyxl, pandera) on a sample, whose
time less its start is scaled to all of them. The time is that of processors, children and system included, the least of
the rounds. Memory is that of a program with all its children at one moment.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
from itertools import cycle, islice
from pathlib import Path

from filling import filled, write_filled
from program import ROOT, Program, python, tabellion

from tabellion.commands.source import load_contract
from tabellion.contract.workspace import find_workspace
from tabellion.outputs.forms import make_forms

#: Fillings of each town's form; the other returns are copies of these (nothing remembers a file from another).
FILLINGS = 10


def write_returns(workspace: Path, count: int) -> list[Path]:
    """The returns to the contract in ``workspace``, town after town."""
    contract = load_contract(find_workspace(workspace))
    partners = contract.tables["partenaires"].rows
    towns = [row["partenaire_id"] for row in partners if row["collectivite_id"] is not None]
    forms = make_forms(contract, contract.settings.exercice_courant, towns)
    fillings = range(min(FILLINGS, -(-count // len(forms))))
    written = [write_filled(contract, sent, [filled(sent, seed) for seed in fillings]) for sent in forms]
    contents = [content for round_ in zip(*written, strict=True) for content in round_]
    paths = [workspace / f"retour-{number:04}.xlsx" for number in range(count)]
    for path, content in zip(paths, islice(cycle(contents), count), strict=True):
        path.write_bytes(content)
    return paths


def prepare(folder: Path, times: int) -> None:
    """Make in ``folder`` a workspace ``times`` the size of the embedded one."""
    shutil.copy(ROOT / "tabellion.toml", folder)
    for name in ("schemas", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    registers = [workspace / "workbooks" / "registre" for workspace in (ROOT, folder)]
    subprocess.run(python("enlarge", *registers, str(times)), check=True)


def cell_counts(paths: list[Path]) -> list[int]:
    """How many cells that say something each of the first returns has, over all its sheets."""
    import openpyxl

    books = [openpyxl.load_workbook(path, read_only=True) for path in paths]
    return [sum(cell.value is not None for sheet in book for row in sheet.rows for cell in row) for book in books]


def measure(count: int, sample: int, rounds: int, times: int) -> None:
    """Write the returns, run the programs ``rounds`` times in turn, and print their table."""
    with tempfile.TemporaryDirectory(prefix="tabellion-returns-") as temporary:
        folder = Path(temporary)
        prepare(folder, times)
        paths = write_returns(folder, count)
        cells = cell_counts(paths[:4])
        weight = sum(path.stat().st_size for path in paths) / 2**20
        tool = f"{statistics.mean(cells):.0f} cells that say something each on average"
        print(f"{count} returns, {weight:.1f} MiB, {tool}")
        ours = Program("tabellion validate", tabellion("validate", "--contrat", folder, *paths))
        bare = Program("bare calamine", python("bare", "read", *paths))
        shared = Program("bare calamine, 2 processes", python("bare", "share", *paths))
        usual = Program("usual script", python("usual", *paths[:sample]))
        start = Program("usual script, no file", python("usual"))
        programs = (ours, bare, shared, usual, start)
        for _ in range(rounds):
            for program in programs:
                program.run()
        seconds = {program.title: min(program.processor) for program in programs}
        fixed = seconds[start.title]
        seconds[usual.title] = fixed + (seconds[usual.title] - fixed) * count / len(paths[:sample])
        print(f"{'program':<28} {'processor':>9} {'a return':>9} {'validate is':>12} {'memory':>9}")
        for tool in programs[:-1]:
            took, memory = seconds[tool.title], statistics.median(tool.together)
            times = seconds[ours.title] / took
            print(f"{tool.title:<28} {took:>7.1f} s {1000 * took / count:>6.1f} ms {times:>11.2f}x {memory:>5.0f} MiB")
        print(f"The usual script read {len(paths[:sample])} returns; its time is scaled, its memory is not.")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--returns", type=int, default=1000, help="how many returns (1000)")
    parser.add_argument("--sample", type=int, default=50, help="returns that the usual script reads (50)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each program (3)")
    parser.add_argument("--times", type=int, default=1, help="size of the contract, in embedded ones (1)")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores, {options.rounds} rounds")
    measure(options.returns, options.sample, options.rounds, options.times)


main()
