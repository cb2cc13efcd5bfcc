"""The program itself, as its source tells it."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path


@cache
def program_digest() -> str:
    """The digest of this program's source: a release, and a source tree that somebody works on.

    A process is the program that it has loaded, whatever is changed since. Contents count, not times: the machines of a
    cluster have installed the same program at different moments.
    """
    digest = hashlib.sha256()
    for folder, _, names in sorted(os.walk(Path(__file__).parent)):
        for name in sorted(names):
            if name.endswith(".py"):
                with open(f"{folder}{os.sep}{name}", "rb", buffering=0) as file:  # noqa: PTH123 - 400 times
                    digest.update(name.encode() + b"\n" + hashlib.sha256(file.read()).digest())
    return digest.hexdigest()
