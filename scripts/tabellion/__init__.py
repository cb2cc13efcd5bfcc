"""tabellion keeps a French *contrat de ville* in Excel and never loses a euro."""


def __getattr__(name: str) -> str:
    """The version, looked up where it is asked for: reading it loads much that the children of a run do without."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tabellion")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+source"
