"""tabellion keeps a French *contrat de ville* in Excel and never loses a euro."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("tabellion")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+source"
