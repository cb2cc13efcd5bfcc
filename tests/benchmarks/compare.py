"""Two versions of the program side by side: the processor time of whole processes, and their ratio.

``python tests/benchmarks/compare.py BEFORE AFTER`` takes two commits, or two folders with a checkout. Each makes its
own contract and returns (:mod:`crowd`), then both run each command in turn, several rounds: the help, the check of one
return, ``generate``, and nights of ``--returns`` returns: the first, one after nothing changed, one after one return
did, one after 2 % did. The time is that of all processes of a run, the children's and the system's included; the least
of the rounds is the one that other work on the machine disturbed least.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from program import ROOT, environment

#: What a consolidation leaves, from the folder ``workbooks/``: without it, the next one is the first.
LEFT = ("consolidation", "constats", ".tabellion")


@dataclass
class Version:
    """A checkout, its campaign in ``folder``, and the seconds of processor time of each of its runs, by command."""

    checkout: Path
    folder: Path
    returns: list[Path] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    changes: int = 0

    def prepare(self, count: int) -> None:
        """Make the campaign and the workbook of its contract."""
        self.python("tests/benchmarks/crowd.py", self.folder, count, 1)
        self.tabellion("generate")
        self.returns = sorted(self.folder.glob("workbooks/retours/*/*.xlsx"))

    def python(self, script: str, *arguments: object) -> None:
        """Run one of the checkout's own scripts."""
        command = [sys.executable, self.checkout / script, *map(str, arguments)]
        subprocess.run(command, check=True, env=self.environment())

    def tabellion(self, command: str, *arguments: object) -> float:
        """Run a command of the program; the seconds of processor time that it and its children took."""
        contract = [] if command == "--help" else ["--contrat", str(self.folder)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        words = [sys.executable, "-m", "tabellion", command, *contract, *map(str, arguments)]
        code = subprocess.run(words, env=self.environment(), stdout=subprocess.DEVNULL, check=False).returncode
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if code not in (0, 1):  # a rejected return blocks
            sys.exit(f"{' '.join(words)}: exit code {code}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def environment(self) -> dict[str, str]:
        """The environment in which Python finds this version."""
        return {**environment(), "PYTHONPATH": str(self.checkout / "scripts")}

    def forget(self) -> None:
        """Take away what consolidations left."""
        for name in LEFT:
            shutil.rmtree(self.folder / "workbooks" / name, ignore_errors=True)

    def change(self, count: int) -> None:
        """Give so many returns another amount, saved later."""
        self.changes += 1
        script = "import sys, pathlib, crowd; [crowd.change(pathlib.Path(p), int(sys.argv[1])) for p in sys.argv[2:]]"
        command = [sys.executable, "-c", script, str(self.changes), *map(str, self.returns[:count])]
        paths = os.pathsep.join(map(str, (self.checkout / "scripts", self.checkout / "tests/benchmarks")))
        subprocess.run(command, check=True, env={**environment(), "PYTHONPATH": paths})


def commands(count: int) -> dict[str, Callable[[Version], float]]:
    """What is run, in this order, by its title in the table."""

    def full(version: Version) -> float:
        version.forget()
        return version.tabellion("consolidate")

    def changed(number: int) -> Callable[[Version], float]:
        def run(version: Version) -> float:
            version.change(number)
            return version.tabellion("consolidate")

        return run

    few = max(2, count // 50)
    return {
        "--help": lambda version: version.tabellion("--help"),
        "validate, one return": lambda version: version.tabellion("validate", version.returns[0]),
        "generate": lambda version: version.tabellion("generate", "--sortie", version.folder / "again.xlsx"),
        f"consolidate, {count} returns": full,
        "the same, nothing changed": lambda version: version.tabellion("consolidate"),
        "the same, one changed": changed(1),
        f"the same, {few} changed": changed(few),
    }


def checkout_of(name: str, folder: Path) -> Path:
    """The folder that ``name`` is, or the files of that commit put into ``folder``."""
    if (Path(name) / "scripts").is_dir():
        return Path(name).resolve()
    made = subprocess.run(["git", "-C", ROOT, "archive", name], check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a commit, or a folder with a checkout")
    parser.add_argument("after", help="the other one")
    parser.add_argument("--returns", type=int, default=20, help="how many returns, and as many partners (20)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each command (3)")
    parser.add_argument("--quick", action="store_true", help="two returns, one round")
    options = parser.parse_args()
    if options.quick:
        options.returns, options.rounds = 2, 1
    with tempfile.TemporaryDirectory(prefix="tabellion-compare-") as temporary:
        versions = []
        for name in (options.before, options.after):
            place = Path(temporary, str(len(versions)))
            campaign = place / "campaign"
            campaign.mkdir(parents=True)
            versions.append(Version(checkout_of(name, place / "checkout"), campaign))
            versions[-1].prepare(options.returns)
        runs = commands(options.returns)
        for _ in range(options.rounds):
            for title, run in runs.items():
                for version in versions:
                    version.seconds.setdefault(title, []).append(run(version))
    print(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores, {options.rounds} rounds")
    print(f"{'processor time':<28} {'before':>9} {'after':>9} {'after/before':>13}")
    for title in runs:
        before, after = (min(version.seconds[title]) for version in versions)
        print(f"{title:<28} {before:>7.2f} s {after:>7.2f} s {after / before:>12.2f}x")


if __name__ == "__main__":
    main()
