"""The command line: it parses, calls one function, prints, and sets the exit code. Heavy imports wait for a command."""

from __future__ import annotations

import tabellion.cli.contract  # the order is that of the help: a contract is made, then its campaigns

# isort: split
import tabellion.cli.campaign

# isort: split
import tabellion.cli.publishing

# isort: split
import tabellion.cli.opendata

# isort: split
import tabellion.cli.differences  # noqa: F401
from tabellion.cli.running import main

__all__ = ["main"]
