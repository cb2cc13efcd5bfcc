"""The command line: it parses, calls one function, prints, and sets the exit code. Heavy imports wait for a command."""

from __future__ import annotations

import tabellion.cli.bringing

# isort: split
import tabellion.cli.contract  # the order is that of the help: a contract is made, then its campaigns

# isort: split
import tabellion.cli.mailing

# isort: split
import tabellion.cli.publishing

# isort: split
import tabellion.cli.portfolio

# isort: split
import tabellion.cli.installing  # noqa: F401
from tabellion.cli.app import main

__all__ = ["main"]
