"""What a cluster is asked to do in tests: found by name in its workers."""

from __future__ import annotations

import os
import time
from pathlib import Path


def work(item: tuple[str, Path], constant: str) -> str:
    """Say that a task has begun, by a file; then do what its name says."""
    name, place = item
    begun = place / f"{name}-{os.getpid()}"
    begun.touch()
    if name.startswith("abort"):
        os.abort()
    if name.startswith("grow"):
        return str(len(bytearray(64 << 30)))
    if name.startswith("raise"):
        raise ValueError(constant)
    if name.startswith("wait"):
        while (place / "wait").exists():
            time.sleep(0.05)
    return f"{constant} {name}"
