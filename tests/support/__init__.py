"""What the tests share: contracts in memory, places of cells."""

from __future__ import annotations

import os
import sys

# What Python compiles of the program's source is kept, whatever this machine prefers: the tests start some hundreds of
# processes, and those of a pool inherit this one's flags. Here, so that whatever a test imports is kept too.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
