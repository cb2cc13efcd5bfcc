"""What a scenario made, step by step: what each command said, and every file of the workspace after it.

A record is a folder: ``steps.json`` (per step its label and, by file, the digest of the content) and the contents
under their digests. Contents are made comparable on the way in; each rule says why.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

#: The name, among a step's files, of what its command said.
OUTPUT = "(output)"
#: Seconds that a run took: they depend on the machine.
_SECONDS = re.compile(r"\b\d+,\d s\b")
#: The lines of a text log have the number of the process.
_PROCESS = re.compile(r"(?m)^(\d{4}-\d\d-\d\dT\S+ )\[\d+\]")
#: Names of files being written are random (16 hexadecimal digits).
_RANDOM = re.compile(r"\b[0-9a-f]{16}\b")
#: The digest of a state covers the templates and the names of the program's own types, which a refactoring changes;
#: the outputs of a second run show whether two states are told apart.
_STATE = re.compile(r'("empreinte": ")(?!sha256:)[0-9a-f]{64}')
_DIGESTS = {("readings", "print"), ("runs", "state")}


class Recorder:
    """Writes one record."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder, self.program = folder, program
        self.steps: list[dict[str, Any]] = []
        self._known: dict[str, str] = {}
        self._stored: set[str] = set()
        folder.mkdir(parents=True)

    def add(self, label: str, output: str, root: Path, inputs: dict[str, str], now: float) -> None:
        """Note what a command said, and every file under ``root`` but the inputs that are as they were."""
        files = {OUTPUT: self._keep(_plain_text(output, root, self.program).encode())}
        for path in sorted(root.rglob("*")):
            if path.is_file() or path.is_symlink():
                name = path.relative_to(root).as_posix()
                os.utime(path, (now, now))
                digest = self.digest_of(path, root)
                if inputs.get(name) != digest:
                    files[name] = digest
            elif path.is_dir() and not any(path.iterdir()):
                files[f"{path.relative_to(root).as_posix()}/"] = self._keep(b"")
        self.steps.append({"label": label, "files": files})

    def digest_of(self, path: Path, root: Path) -> str:
        """The digest of a file's comparable content, which is kept."""
        content = path.read_bytes()
        quick = hashlib.sha256(content).hexdigest()
        if quick not in self._known:
            self._known[quick] = self._keep(comparable(path, content, root, self.program))
        return self._known[quick]

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._stored:
            (self.folder / digest).write_bytes(content)
            self._stored.add(digest)
        return digest

    def close(self) -> None:
        """Write the list of the steps."""
        (self.folder / "steps.json").write_text(json.dumps(self.steps, ensure_ascii=False, indent=0), encoding="utf-8")


def comparable(path: Path, content: bytes, root: Path, program: Path) -> bytes:
    """The content of a file without what must differ between two runs."""
    if content.startswith(b"PK\x03\x04"):
        return content
    if content.startswith(b"SQLite format 3\0"):
        return dump(path).encode()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content
    return _plain_text(text, root, program).encode()


def _plain_text(text: str, root: Path, program: Path) -> str:
    """A text without the folders of this run, the seconds it took, its process and random names."""
    for folder, name in ((root, "<root>"), (program, "<program>")):
        text = text.replace(str(folder), name)
    text = _PROCESS.sub(r"\1[<process>]", text)
    text = _STATE.sub(r"\1<state>", text)
    return _RANDOM.sub("<random>", _SECONDS.sub("<seconds> s", text))


def dump(path: Path) -> str:
    """The schema and every row of an SQLite file, in order.

    Two columns are left out: ``readings.print`` digests the source of the program, ``runs.state`` a state (see above).
    """
    lines = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as base:
        for kind, name, sql in base.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall():
            lines.append(f"{kind} {name}: {sql}")
            if kind != "table":
                continue
            columns = [row[1] for row in base.execute(f'PRAGMA table_info("{name}")')]
            kept = [column for column in columns if (name, column) not in _DIGESTS]
            rows = base.execute(f'SELECT {", ".join(kept)} FROM "{name}"').fetchall()
            lines += sorted(f"{name}: {' | '.join(map(_shown, row))}" for row in rows)
        lines.append(f"user_version: {base.execute('PRAGMA user_version').fetchone()[0]}")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        try:
            return zlib.decompress(value).decode()
        except (zlib.error, UnicodeDecodeError):
            return value.hex()
    return repr(value)
