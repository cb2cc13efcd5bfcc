"""A mistake of the program itself, kept in a file that people can send: never thrown at them."""

from __future__ import annotations

import platform
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

from tabellion import __version__

#: Crash files that a folder keeps: the same mistake may come back for months.
_KEPT = 20


def crash_text(error: BaseException) -> str:
    """What a crash file says: the program, the machine, the error."""
    details = "".join(traceback.format_exception(error))
    return f"tabellion {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n{details}"


def keep_crash(error: BaseException, folder: Path | None = None) -> Path | None:
    """Write the crash file into ``folder`` (the machine's temporary one by default), where the last ones stay.

    Returns where it is; ``None`` when it cannot be written.
    """
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", errors="replace", prefix="tabellion-erreur-", suffix=".txt", delete=False, dir=folder
        ) as report:
            report.write(crash_text(error))
    except OSError:
        return None
    if folder is not None:
        with suppress(OSError):
            old = sorted(folder.glob("tabellion-erreur-*.txt"), key=lambda each: each.stat().st_mtime_ns)
            for each in old[:-_KEPT]:
                each.unlink()
    return Path(report.name)
