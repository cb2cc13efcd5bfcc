"""Whether a refactoring changes anything: ``python tests/gate [--base COMMIT] [--only NAME …] [--list]``.

Every scenario is played with the program of a commit (once: its outputs are kept in a cache) and with the working tree;
what they made is compared part by part. Exit codes: 0 the same, or as intended; 1 different; 2 wrong use.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from gate import trees  # noqa: E402
from gate.build import BuildError, build  # noqa: E402
from gate.compare import Difference, Intended, compare  # noqa: E402
from gate.scenarios import SCENARIOS  # noqa: E402

HERE = Path(__file__).resolve().parent
_SHOWN = 40
#: Of one file, so many kinds of difference are shown.
_PARTS = 3


def main() -> int:
    """Run the gate and say what it found; its exit code."""
    parser = argparse.ArgumentParser(prog="python tests/gate", description=__doc__.split("\n")[0])
    parser.add_argument("--base", default=trees.BASE, metavar="COMMIT", help="the program to compare with")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these scenarios only")
    parser.add_argument("--list", action="store_true", help="name the scenarios and stop")
    parser.add_argument("--all", action="store_true", help="show every difference, not the first 40 only")
    parser.add_argument("--seed", default="0", help="PYTHONHASHSEED of the working tree's side (the base has 0)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the working tree's records there")
    options = parser.parse_args()
    if options.list:
        for name, scenario in SCENARIOS.items():
            print(f"{name:16} {(getattr(scenario, 'func', scenario).__doc__ or '').splitlines()[0]}")
        return 0
    names = [name for name in SCENARIOS if not options.only or name in options.only]
    unknown = sorted(set(options.only or ()) - set(SCENARIOS))
    try:
        base = trees.full_hash(options.base)
        intended = read_intended(HERE / "intended.toml")
    except LookupError as error:
        parser.error(f"git does not know the commit {error}")
    except (ValueError, TypeError) as error:
        parser.error(f"intended.toml: {error}")
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)} (see --list)")
    try:
        return run(names, base, intended, options)
    except BuildError as error:
        print(f"The gate could not play everything:\n{error}")
        return 1


def run(names: list[str], base: str, intended: list[Intended], options: argparse.Namespace) -> int:
    """Build what is missing of the base, then the working tree, and compare."""
    start = time.monotonic()
    cache = cache_folder() / f"{base[:12]}-{trees.digest_of_gate()[:12]}"
    missing = [name for name in names if not (cache / name / "steps.json").exists()]
    if missing:
        print(f"Base {base[:10]}: {len(missing)} scenarios to play, once", flush=True)
        build(missing, lambda folder: trees.take_commit(base, folder), cache, seed="0",
              tell=_teller(len(missing)), must_end=True)  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="gate-records-") as folder:
        records = Path(folder) / "records"
        print(f"Working tree: {len(names)} scenarios", flush=True)
        build(names, trees.take_working_tree, records, seed=options.seed, tell=_teller(len(names)), must_end=False)
        differences = [
            difference for name in names for difference in compare(name, cache / name, records / name, intended)
        ]
        if options.keep:
            shutil.copytree(records, options.keep, dirs_exist_ok=True)
    code = show(differences, sys.maxsize if options.all else _SHOWN)
    print(f"{'Different from' if code else 'Same as'} {base[:10]}: {len(names)} scenarios, "
          f"{time.monotonic() - start:.0f} s")  # fmt: skip
    return code


def show(differences: list[Difference], most: int) -> int:
    """Print the differences, alike ones together; 1 when one is not intended."""
    groups: dict[tuple[str, tuple[str, ...], str | None], list[Difference]] = {}
    for difference in differences:
        groups.setdefault((difference.part, difference.excerpt, difference.reason), []).append(difference)
    ordered = sorted(groups.values(), key=lambda group: group[0].reason is not None)
    parts: Counter[str] = Counter()
    shown = 0
    for group in ordered:
        first = group[0]
        parts[first.file] += 1
        if shown == most or (parts[first.file] > _PARTS and most == _SHOWN):
            continue
        shown += 1
        mark = f"intended ({first.reason})" if first.reason is not None else "DIFFERENT"
        print(f"\n{mark}: {first.scenario} · {first.step} · {first.place}")
        for line in first.excerpt:
            print(f"    {line}")
        if len(group) > 1:
            places = dict.fromkeys(f"{difference.scenario}:{difference.file}" for difference in group[1:])
            more = f", … ({len(places)} files)" if len(places) > 4 else ""
            print(f"    the same in {', '.join(list(places)[:4])}{more}")
    if len(ordered) > shown:
        print(f"\n… and {len(ordered) - shown} more kinds of difference (--all shows them)")
        most_parts = ", ".join(f"{name} ({count})" for name, count in parts.most_common(8))
        print(f"kinds by file: {most_parts}")
    wrong = sum(difference.reason is None for difference in differences)
    print(f"\n{wrong} differences, {len(differences) - wrong} intended ones" if differences else "")
    return 1 if wrong else 0


def read_intended(path: Path) -> list[Intended]:
    """The list of intended differences."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("difference", [])
    return [Intended(**{"scenario": "*", "file": "*", "part": "*"} | row) for row in rows]


def cache_folder() -> Path:
    """Where the outputs of the base are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tabellion-gate"


def _teller(count: int):
    done: list[str] = []

    def tell(name: str) -> None:
        done.append(name)
        print(f"  {len(done)}/{count} {name}", flush=True)

    return tell


if __name__ == "__main__":
    sys.exit(main())
