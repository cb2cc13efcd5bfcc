"""A headless Chromium for a whole test session, driven by its DevTools protocol over a pipe: no driver, no socket.

The protocol is JSON messages ended by a NUL, on file descriptors 3 and 4 of the browser
(https://chromedevtools.github.io/devtools-protocol/). Nothing waits for ever: each command has a time limit.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
COMMAND_SECONDS, STOP_SECONDS = 60.0, 10.0
#: Puts the two pipes on the descriptors that the browser reads and writes, then becomes the browser.
_LAUNCHER = (
    "import os, sys\n"
    "first, second = os.dup(int(sys.argv[1])), os.dup(int(sys.argv[2]))\n"
    "os.dup2(first, 3); os.dup2(second, 4)\n"
    "os.set_inheritable(3, True); os.set_inheritable(4, True)\n"  # a copy onto itself would stay closed to children
    "os.execv(sys.argv[3], sys.argv[3:])"
)
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--remote-debugging-pipe",
)  # fmt: skip


class BrowserError(RuntimeError):
    """The browser refused a command, died, or took too long; or the page's own script failed."""


@cache
def program() -> str | None:
    """The path of an installed Chromium, or ``None``."""
    return next((path for name in NAMES if (path := shutil.which(name)) is not None), None)


class Browser:
    """A running Chromium. Use :meth:`page` for each page, and :meth:`stop` at the end."""

    def __init__(self) -> None:
        path = program()
        if path is None:
            raise BrowserError("no Chromium on this machine")
        self.profile = Path(tempfile.mkdtemp(prefix="tabellion-chromium-"))
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [path, *_OPTIONS, f"--user-data-dir={self.profile}", "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, str(theirs_in), str(theirs_out), *command],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._number, self.events = b"", 0, list[dict[str, Any]]()

    def call(self, method: str, session: str | None = None, /, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; events that come meanwhile are kept in ``events``."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        limit = time.monotonic() + COMMAND_SECONDS
        while (answer := self._receive(limit)).get("id") != self._number:
            self.events.append(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, method: str, session: str) -> None:
        """Wait for an event of a page that has not been seen yet."""
        limit = time.monotonic() + COMMAND_SECONDS
        while not any(event.get("method") == method and event.get("sessionId") == session for event in self.events):
            self.events.append(self._receive(limit))

    def _receive(self, limit: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, limit - time.monotonic()))
            data = os.read(self._in, 1 << 20) if ready else b""
            if not data:
                raise BrowserError("the browser died" if ready else "the browser took too long")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    @contextmanager
    def page(
        self, path: Path, *, width: int = 375, height: int = 800, dark: bool = False, scripts: bool = True,
        before: str = "",
    ) -> Iterator[Page]:  # fmt: skip
        """Open a file in a page of its own, at this size in CSS pixels, in light or dark, with or without scripts.

        ``before`` is run in it, each time that it is loaded, before its own scripts.
        """
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable", session)
        page = Page(self, session)
        page.resize(width, height)
        page.colours(dark=dark)
        self.call("Emulation.setScriptExecutionDisabled", session, value=not scripts)
        self.call("Page.addScriptToEvaluateOnNewDocument", session, source=before)
        try:
            self.call("Page.navigate", session, url=path.as_uri())
            self.wait_for("Page.loadEventFired", session)
            yield page
        finally:
            self.call("Target.closeTarget", targetId=target)

    def stop(self) -> None:
        """End the browser and remove its profile."""
        try:
            self.call("Browser.close")
        except (BrowserError, OSError):
            self.process.kill()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    """One open page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session = browser, session

    def call(self, method: str, /, **parameters: Any) -> dict[str, Any]:
        """A DevTools command to this page."""
        return self.browser.call(method, self.session, **parameters)

    def resize(self, width: int, height: int = 800) -> None:
        """Give the page another size, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 768
        )

    def colours(self, *, dark: bool) -> None:
        """Say which colour scheme the reader prefers."""
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page, as plain Python."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write a PNG of the page: all of it, or what the window shows."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path: Path) -> None:
        """Print the page as its own style sheet wants, on A4."""
        data = self.call("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69)["data"]
        path.write_bytes(base64.b64decode(data))

    @property
    def complaints(self) -> list[str]:
        """What the browser said against the page: console messages, exceptions, refusals of its policy."""
        messages = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            detail = event["params"]
            if event["method"] == "Log.entryAdded":
                messages.append(str(detail["entry"]["text"]))
            elif event["method"] == "Runtime.exceptionThrown":
                messages.append(str(detail["exceptionDetails"]))
            elif event["method"] == "Runtime.consoleAPICalled":
                messages.append(str(detail["args"]))
        return messages

    @property
    def requests(self) -> list[str]:
        """The addresses that the page asked for, its own first."""
        return [
            str(event["params"]["request"]["url"])
            for event in self.browser.events
            if event.get("sessionId") == self.session and event["method"] == "Network.requestWillBeSent"
        ]
