"""The values of tables as JSON has them."""

from __future__ import annotations

from datetime import date

#: The key of a day in JSON.
_DAY = "jour"


def plain_json(value: object) -> object:
    """One value of a table as JSON has it: a day is marked, the rest is as it is."""
    return {_DAY: value.isoformat()} if isinstance(value, date) else value


def value_of(content: object) -> object:
    """The value that :func:`plain_json` wrote."""
    return date.fromisoformat(content[_DAY]) if isinstance(content, dict) else content
