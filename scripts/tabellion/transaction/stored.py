"""What the program wrote for itself, in JSON, and reads again; a file that is not as it wrote it is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tabellion.findings import Place, TabellionError, finding
from tabellion.wording import system_reason

T = TypeVar("T")
Make = Callable[[Any], T]
"""Makes something of the content of a file."""

#: What making something of a file raises where the program has not written it so.
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def read_stored(path: Path, make: Make[T]) -> T | None:
    """What ``make`` makes of the content of a file; ``None`` where it is missing, or is not as it was written."""
    try:
        return make(json.loads(path.read_bytes()))
    except (OSError, *DAMAGE):
        return None


def read_needed(path: Path, make: Make[T], written: str, remedy: str) -> T | None:
    """The same of a file that nothing can replace: ``None`` only where there is none.

    Raises :class:`TabellionError` where it cannot be read: it is not what was ``written``, and what is the ``remedy``.
    """
    try:
        return make(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        detail = system_reason(error)
    except DAMAGE:
        detail = f"ce n'est pas {written}"
    raise TabellionError([finding("registre-illisible", Place(str(path)), detail=detail, remede=remedy)])
