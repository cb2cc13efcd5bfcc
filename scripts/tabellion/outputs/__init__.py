"""What leaves the house: workbooks, forms, documents, reports, open data; and what their templates share."""

from __future__ import annotations

import traceback

Values = dict[str, object]
"""What a template names: plain values, lists of them and values of their own, by the names that it uses."""


def failing_line(error: BaseException) -> int | None:
    """The one-based line of a jinja2 template that was running: the traceback has it as of a file « <template> »."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == "<template>"), None)
