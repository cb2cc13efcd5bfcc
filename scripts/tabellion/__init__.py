"""tabellion keeps a French *contrat de ville* in Excel and never loses a euro."""

import os
import sys
from contextlib import suppress


def __getattr__(name: str) -> str:
    """The version, looked up where it is asked for: the children of a run do without."""
    if name != "__version__":
        raise AttributeError(name)
    version = globals()[name] = _version()
    return version


def _version() -> str:
    """The version in the name of the folder that an installer leaves; :mod:`importlib.metadata` finds the same one, and
    loading it takes a tenth of a night in which nothing changed.
    """
    start, end = "tabellion-", ".dist-info"
    for folder in sys.path:
        with suppress(OSError), os.scandir(folder or os.curdir) as entries:
            for entry in entries:
                if entry.name.startswith(start) and entry.name.endswith(end):
                    return entry.name.removeprefix(start).removesuffix(end)
    return "0+source"  # run from a source tree that was never installed
