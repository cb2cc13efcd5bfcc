"""One headless LibreOffice for a whole test session, with a profile of its own, driven through ``uno_driver.py``.

Nothing waits for ever: every command has a time limit, after which LibreOffice is killed and the test fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

#: The Python that has LibreOffice's ``uno`` module.
SYSTEM_PYTHON = "/usr/bin/python3"
START_SECONDS, COMMAND_SECONDS, STOP_SECONDS = 90.0, 120.0, 10.0

#: Numbers, dates and lists as a French user's LibreOffice reads and shows them.
_FRENCH_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Setup/L10N">
<prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>fr-FR</value></prop></item>
<item oor:path="/org.openoffice.Office.Linguistic/General">
<prop oor:name="DefaultLocale" oor:op="fuse"><value>fr-FR</value></prop></item>
</oor:items>
"""


class LibreOfficeError(RuntimeError):
    """LibreOffice refused a command, died, or took too long."""


@dataclass(frozen=True)
class OfficeCell:
    """A cell as LibreOffice has it: ``formula`` and ``error`` are ``None`` when it has none."""

    value: float | str
    formula: str | None = None
    error: int | None = None


#: Sheet → (zero-based row, column) → cell.
OfficeCells = dict[str, dict[tuple[int, int], OfficeCell]]


@cache
def missing() -> str | None:
    """What this machine lacks, or ``None`` when LibreOffice can be driven."""
    if shutil.which("soffice") is None:
        return "soffice is not installed"
    try:
        subprocess.run([SYSTEM_PYTHON, "-c", "import uno"], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return f"{SYSTEM_PYTHON} has no uno module"
    return None


class LibreOffice:
    """A running LibreOffice with at most one document open. Use it as a context manager, or call :meth:`stop`."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tabellion-soffice-"))
        profile = self.home / "profile"
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(_FRENCH_PROFILE, encoding="utf-8")
        pipe = f"tabellion-{uuid.uuid4().hex}"
        options = ["--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck"]
        accept = f"--accept=pipe,name={pipe};urp"
        with (self.home / "soffice.log").open("wb") as log:
            self._office = subprocess.Popen(
                ["soffice", *options, accept, f"-env:UserInstallation={profile.as_uri()}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        driver = Path(__file__).with_name("uno_driver.py")
        with (self.home / "driver.log").open("wb") as log:
            self._driver = subprocess.Popen(
                [SYSTEM_PYTHON, "-X", "utf8", str(driver), pipe],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._buffer = b""
        self._answer(START_SECONDS)

    def __enter__(self) -> LibreOffice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether commands can still be sent."""
        return self._driver.poll() is None

    def stop(self) -> None:
        """End both processes, by force if need be, and remove the profile."""
        if self.alive:
            try:
                self._send("quit")
                self._driver.stdin.close()  # type: ignore[union-attr]
                self._driver.wait(STOP_SECONDS)
            except (OSError, subprocess.TimeoutExpired):
                pass
        for process in (self._driver, self._office):
            _end(process)
        for stream in (self._driver.stdin, self._driver.stdout):
            if stream is not None and not stream.closed:
                with contextlib.suppress(OSError):
                    stream.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, do: str, *, seconds: float = COMMAND_SECONDS, **arguments: Any) -> Any:
        """Run a command of ``uno_driver.Driver``; raises :class:`LibreOfficeError` when it fails or takes too long."""
        if not self.alive:
            raise LibreOfficeError("LibreOffice is gone")
        self._send(do, **arguments)
        return self._answer(seconds)

    def open(self, path: Path) -> list[str]:
        """Open a file in place of the one that is open; returns the names of its sheets."""
        return list(self.call("open", path=str(path)))

    def recalculate(self) -> None:
        """Compute every formula anew."""
        self.call("recalculate")

    def read(self) -> OfficeCells:
        """Every cell of every sheet that is not empty."""
        return {name: _cells(cells) for name, cells in self.call("read").items()}

    def set(self, sheet: str, row: int, column: int, value: float | str | None) -> None:
        """Put a value into a cell as it is."""
        self.call("set", sheet=sheet, row=row, column=column, value=value)

    def type(self, sheet: str, row: int, column: int, text: str) -> None:
        """Type into a cell, as a French user's keyboard does."""
        self.call("type", sheet=sheet, row=row, column=column, text=text)

    def evaluate(self, formula: str) -> Any:
        """The value of a formula (English functions, ``;`` between arguments) in the open file."""
        return self.call("evaluate", formula=formula)

    def save(self, path: Path) -> Path:
        """Save the open file, or a copy of it elsewhere, as ``.xlsx``."""
        self.call("save", path=str(path))
        return path

    def pdf(self, path: Path) -> Path:
        """Print the open file to a PDF."""
        self.call("pdf", path=str(path))
        return path

    def _send(self, do: str, **arguments: Any) -> None:
        line = json.dumps({"do": do, **arguments}).encode() + b"\n"
        try:
            self._driver.stdin.write(line)  # type: ignore[union-attr]
            self._driver.stdin.flush()  # type: ignore[union-attr]
        except OSError as error:
            raise LibreOfficeError("LibreOffice is gone") from error

    def _answer(self, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        stream = self._driver.stdout
        assert stream is not None
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            ready = select.select([stream], [], [], max(0.0, left))[0]
            chunk = os.read(stream.fileno(), 1 << 20) if ready else b""
            if not chunk:
                reason = "has ended" if ready else f"does not answer after {seconds:.0f} s"
                log = (self.home / "driver.log").read_text(encoding="utf-8", errors="replace")
                self.stop()
                raise LibreOfficeError(f"LibreOffice {reason}\n{log}")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise LibreOfficeError(answer["error"])
        return answer["ok"]


def _cells(cells: list[dict[str, Any]]) -> dict[tuple[int, int], OfficeCell]:
    return {
        (cell["row"], cell["column"]): OfficeCell(cell["value"], cell.get("formula"), cell.get("error"))
        for cell in cells
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children: soffice is a shell script around the real one."""
    for sign, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        except PermissionError:
            break
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)


@pytest.fixture(scope="session")
def _office_box() -> Iterator[list[LibreOffice]]:
    box: list[LibreOffice] = []
    yield box
    for office in box:
        office.stop()


@pytest.fixture
def office(_office_box: list[LibreOffice]) -> LibreOffice:
    """The session's LibreOffice, started at its first use (and again if a test has killed it)."""
    if (reason := missing()) is not None:
        pytest.skip(f"LibreOffice: {reason}")
    if not _office_box or not _office_box[-1].alive:
        _office_box.append(LibreOffice())
    return _office_box[-1]
