"""Canaries of private parts of libraries: still there, still so. Those of xlsxwriter: ``test_xlsxwriter_parts.py``.

When one fails with another version, read what that version does before the range of ``pyproject.toml`` is moved.
"""

from __future__ import annotations

import atexit
import subprocess
import sys

import jinja2
import pytest
import typer

from tabellion.cli.usage import MisuseError
from tabellion.outputs.report import _UndefinedName


def test_jinja_2_3_1_says_an_unknown_name_in_our_words() -> None:
    """``StrictUndefined._undefined_message`` and ``_undefined_name`` (jinja2 3.1.5 to 3.1.6)."""
    environment = jinja2.Environment(undefined=_UndefinedName, autoescape=True)
    assert isinstance(jinja2.Undefined._undefined_message, property)
    with pytest.raises(jinja2.UndefinedError, match=r"^« inconnu » n'existe pas$"):
        environment.from_string("{{ inconnu }}").render()


def test_typer_0_2x_has_one_family_of_wrong_uses() -> None:
    """The parent of ``typer.BadParameter`` is that of every wrong use (typer 0.20 to 0.29)."""
    parent = typer.BadParameter.__mro__[1]
    assert parent.__name__ == "UsageError"
    assert not issubclass(MisuseError, parent)


def test_python_3_runs_at_exit_what_was_asked_for() -> None:
    """``atexit._run_exitfuncs`` (CPython 3.11 to 3.14) runs each function once, the last one first."""
    assert callable(atexit._run_exitfuncs)
    program = (
        "import atexit, os\natexit.register(print, 'premier')\natexit.register(print, 'second')\n"
        "atexit._run_exitfuncs()\natexit._run_exitfuncs()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["second", "premier"]
