"""How long a night takes, beside a bare read of the same files and beside the usual script.

``python tests/benchmarks/consolidation.py`` makes a contract of as many partners as returns (:mod:`crowd`) and runs in
turn, as whole processes: ``tabellion consolidate`` when nothing was consolidated before, again when nothing changed,
and again when one return of all did, and one of fifty; the least that any program would do: a bare calamine that reads
all their sheets, and a bare xlsxwriter that writes the same cells as the consolidation and its details; and the usual
script (:mod:`usual`: pandas, openpyxl, pandera; it writes the rows that it read) on a sample, whose time less its start
is scaled to all of them.
The time is that of processors, children and system included, the least of the rounds. Memory is that of a program with
all its children at one moment. ``--quick`` takes 20 returns and one round; ``--returns 5000 --exercices 3`` is the
largest campaign that was measured.
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

from crowd import change, make_crowd
from program import Program, environment, python, tabellion

#: What a consolidation leaves, from the folder ``workbooks/``: without it, the next one is the first.
_LEFT = ("consolidation", "constats", ".tabellion")


def measure(count: int, exercices: int, sample: int, rounds: int) -> None:
    """Make the campaign, run the programs ``rounds`` times in turn, and print their table."""
    with tempfile.TemporaryDirectory(prefix="tabellion-night-") as temporary:
        folder = Path(temporary)
        paths = make_crowd(folder, count, exercices)
        subprocess.run(
            tabellion("generate", "--contrat", folder), check=True, env=environment(), stdout=subprocess.DEVNULL
        )
        # The first run of all writes what the contract's register lacked: no other night does.
        command = tabellion("consolidate", "--contrat", folder)
        subprocess.run(command, check=False, env=environment(), stdout=subprocess.DEVNULL)
        weight = sum(path.stat().st_size for path in paths) / 2**20
        over = f" over {exercices} exercices" if exercices > 1 else ""
        print(f"{count} returns{over}, {weight:.1f} MiB, 30 rows to fill in each")
        consolidate = tabellion("consolidate", "--contrat", folder)
        least = folder / "least"
        least.mkdir()
        pairs: list[Path] = []
        for rank, book in enumerate(sorted((folder / "workbooks" / "consolidation").rglob("*.xlsx"))):
            if "acceptes" not in book.parts and "historique" not in book.parts:
                pairs += [least / f"{rank}.json", least / f"{rank}.xlsx"]
                subprocess.run(python("bare", "dump", book, pairs[-2]), check=True, stdout=subprocess.DEVNULL)
        # A rejected return among them blocks: the exit code says so.
        full = Program("tabellion consolidate, first run", consolidate, (1,))
        again = Program("the same, nothing changed", consolidate, (1,))
        one = Program(f"the same, 1 of {count} changed", consolidate, (1,))
        some = max(1, count // 50)
        more = Program(f"the same, {some} of {count} changed", consolidate, (1,))
        bare = Program("bare calamine", python("bare", "read", *paths))
        written = Program("bare xlsxwriter, the same cells", python("bare", "write", *pairs))
        usual = Program("usual script", python("usual", "--write", least / "usual.xlsx", *paths[:sample]))
        start = Program("usual script, no file", python("usual"))
        programs = (full, again, one, more, bare, written, usual, start)
        for round_ in range(rounds):
            for name in _LEFT:
                shutil.rmtree(folder / "workbooks" / name, ignore_errors=True)
            for program in programs:
                if program is one:
                    change(paths[0], 2 * round_ + 1)
                if program is more:
                    for path in paths[:: len(paths) // some][:some]:
                        change(path, 2 * round_ + 2)
                program.run()
        seconds = {program.title: min(program.processor) for program in programs}
        fixed = seconds[start.title]
        seconds[usual.title] = fixed + (seconds[usual.title] - fixed) * count / len(paths[:sample])
        floor = seconds[bare.title] + seconds[written.title]
        print(f"{'program':<34} {'processor':>9} {'a return':>9} {'of the first run':>17} {'memory':>9}")
        for tool in programs[:-1]:
            took, memory = seconds[tool.title], statistics.median(tool.together)
            share = took / seconds[full.title]
            print(f"{tool.title:<34} {took:>7.1f} s {1000 * took / count:>6.1f} ms {share:>16.0%} {memory:>5.0f} MiB")
        print(f"The first run takes {seconds[full.title] / floor:.1f} times the bare read and write together.")
        print(f"The usual script read {len(paths[:sample])} returns; its time is scaled, its memory is not.")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--returns", type=int, default=1000, help="how many returns (1000)")
    parser.add_argument("--exercices", type=int, default=1, help="over how many exercices (1)")
    parser.add_argument("--sample", type=int, default=50, help="returns that the usual script reads (50)")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each program (1)")
    parser.add_argument("--quick", action="store_true", help="20 returns, one round")
    options = parser.parse_args()
    if options.quick:
        options.returns, options.sample, options.rounds = 20, 2, 1
    print(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores, {options.rounds} rounds")
    measure(options.returns, options.exercices, options.sample, options.rounds)


if __name__ == "__main__":  # children that make the returns import this module
    main()
