"""``python -m tabellion``."""

from tabellion.cli import main

main()
