"""Two records of a scenario compared: step by step, file by file, and inside archives part by part."""

from __future__ import annotations

import difflib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

_EXCERPT_LINES = 15
_CONTEXT = 60
#: The name, among an archive's parts, of its list and of what is not in any part.
CONTAINER = "(container)"
#: What says when and where files were seen (their times and inodes, the program's digest): never the same twice.
NEVER_THE_SAME = frozenset({"workbooks/.tabellion/inchange.json"})


@dataclass(frozen=True)
class Difference:
    """A file, or a part of an archive, that differs after a step, and by what; ``reason`` when it is intended."""

    scenario: str
    step: str
    file: str
    part: str
    excerpt: tuple[str, ...]
    reason: str | None = None

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"{self.file} > {self.part}" if self.part else self.file


@dataclass(frozen=True)
class Intended:
    """Differences that the refactoring wants: globs of the scenario, the file and the part, and why."""

    scenario: str
    file: str
    part: str
    reason: str

    def is_of(self, difference: Difference) -> bool:
        """Whether it allows this difference."""
        pairs = ((difference.scenario, self.scenario), (difference.file, self.file), (difference.part, self.part))
        return all(fnmatchcase(value, pattern) for value, pattern in pairs)


def compare(scenario: str, base: Path, new: Path, intended: list[Intended]) -> list[Difference]:
    """What differs between two records, each pair of contents once."""
    before, after = _steps(base), _steps(new)
    differences: list[Difference] = []
    seen: set[tuple[str, str | None, str | None]] = set()
    for rank in range(max(len(before), len(after))):
        if rank >= len(before) or rank >= len(after):
            there = (before if rank < len(before) else after)[rank]["label"]
            side = "base" if rank < len(before) else "working tree"
            differences.append(Difference(scenario, there, "", "", (f"this step is only in the {side}",)))
            break
        old, fresh = before[rank]["files"], after[rank]["files"]
        for name in sorted({*old, *fresh} - NEVER_THE_SAME):
            pair = (name, old.get(name), fresh.get(name))
            if pair[1] != pair[2] and pair not in seen:
                seen.add(pair)
                differences += (
                    Difference(scenario, after[rank]["label"], name, part, tuple(excerpt))
                    for part, excerpt in _differences(_content(base, pair[1]), _content(new, pair[2]), name)
                )
    return [_judged(difference, intended) for difference in differences]


def _judged(difference: Difference, intended: list[Intended]) -> Difference:
    return replace(difference, reason=next((entry.reason for entry in intended if entry.is_of(difference)), None))


def _steps(record: Path) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = json.loads((record / "steps.json").read_text(encoding="utf-8"))
    return steps


def _content(record: Path, digest: str | None) -> bytes | None:
    return None if digest is None else (record / digest).read_bytes()


def _differences(old: bytes | None, new: bytes | None, name: str) -> Iterator[tuple[str, list[str]]]:
    if old is None or new is None:
        yield "", ["this file is new" if old is None else "this file is no longer there"]
    elif old.startswith(b"PK\x03\x04") and new.startswith(b"PK\x03\x04"):
        yield from _archive_differences(old, new)
    else:
        yield "", excerpt_of(old, new, name)


def _archive_differences(old: bytes, new: bytes) -> Iterator[tuple[str, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(old)) as one, zipfile.ZipFile(io.BytesIO(new)) as other:
            olds = {entry.filename: one.read(entry) for entry in one.infolist()}
            news = {entry.filename: other.read(entry) for entry in other.infolist()}
            facts = [[_facts(entry) for entry in archive.infolist()] for archive in (one, other)]
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as error:
        yield "", [f"the bytes differ ({len(old)}, {len(new)}), and it is no whole archive: {error}"]
        return
    is_found = False
    for name in [*olds, *(new_name for new_name in news if new_name not in olds)]:
        if name not in olds or name not in news:
            is_found = True
            yield name, ["this part is new" if name in news else "this part is no longer there"]
        elif olds[name] != news[name]:
            is_found = True
            yield name, excerpt_of(olds[name], news[name], name)
    if [fact[0] for fact in facts[0]] != [fact[0] for fact in facts[1]] and list(olds.keys()) != list(news.keys()):
        if set(olds) == set(news):
            yield CONTAINER, ["the parts are in another order", *_pair(" ".join(olds), " ".join(news))]
    elif not is_found:
        other_facts = [f"{a} / {b}" for a, b in zip(*facts, strict=True) if a != b][:3]
        yield CONTAINER, ["every part is the same, the archive is not", *other_facts]


def _facts(entry: zipfile.ZipInfo) -> tuple[Any, ...]:
    return entry.filename, entry.date_time, entry.compress_type, entry.external_attr, entry.flag_bits, entry.extra


def excerpt_of(old: bytes, new: bytes, name: str) -> list[str]:
    """A few lines that show the first differences of two contents."""
    try:
        before, after = old.decode("utf-8"), new.decode("utf-8")
    except UnicodeDecodeError:
        return [f"the bytes differ: {len(old)} and {len(new)} of them"]
    if name.endswith((".xml", ".rels", ".html", ".json")) and before.count("\n") < 5:
        return _around(before, after)
    old_lines, new_lines = before.splitlines(), after.splitlines()
    if len(old_lines) + len(new_lines) > 4000:
        old_lines, new_lines = _middle(old_lines, new_lines)
    lines = list(difflib.unified_diff(old_lines, new_lines, lineterm="", n=1))[2:]
    shown = [line[:300] for line in lines[:_EXCERPT_LINES]]
    more = len(lines) - len(shown)
    return [*shown, *([f"… and {more} more lines"] if more > 0 else [])] or _around(before, after)


def _middle(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """The lines from the first difference, as many as matter: a diff of very long texts takes for ever."""
    first = next((rank for rank, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    return old[first : first + 200], new[first : first + 200]


def _around(before: str, after: str) -> list[str]:
    """The surroundings of the first difference of two texts without lines."""
    place = next((rank for rank, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
    if place is None:
        place = min(len(before), len(after))
    start = max(0, place - _CONTEXT)
    cell = re.findall(r'<c r="([A-Z]+\d+)"', before[:place])
    where = f"at character {place}{f', in or after cell {cell[-1]}' if cell else ''}:"
    return [where, *_pair(before[start : place + _CONTEXT], after[start : place + _CONTEXT])]


def _pair(before: str, after: str) -> list[str]:
    return [f"-{before[:300]!r}", f"+{after[:300]!r}"]
