"""What is published, as files: two Data Packages, the register and the subsidies, each valid by itself."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tabellion.contract.register import DESCRIPTOR
from tabellion.outputs.opendata.standard import Standard

#: The folders of the two packages, and the file of the subsidies.
REGISTER, SUBSIDIES = "registre", "subventions"
SUBSIDIES_FILE = "subventions.csv"
#: The property by which a descriptor says what the program wrote, as the register's own does.
_PRINT = "empreinte"


def subsidies_files(
    rows: Sequence[Mapping[str, str]], standard: Standard, *, identifiant: str, titre: str
) -> dict[str, bytes]:
    """The files of the package of the subsidies, by name: UTF-8, commas, one line end (LF), texts made harmless."""
    content = subsidies_csv(rows, standard)
    descriptor: dict[str, Any] = {
        "profile": "tabular-data-package",
        "name": f"{identifiant}-{SUBSIDIES}",
        "title": f"{titre} : subventions attribuées",
        "sources": [{"title": f"{standard.title} {standard.version}", "path": standard.page}],
        "resources": [
            {
                "name": SUBSIDIES,
                "path": SUBSIDIES_FILE,
                "title": standard.title,
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "dialect": {"delimiter": ",", "lineTerminator": "\n"},
                _PRINT: _digest(content),
                "schema": standard.schema,
            }
        ],
    }
    return {
        SUBSIDIES_FILE: content,
        DESCRIPTOR: (json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n").encode(),
    }


def subsidies_csv(rows: Sequence[Mapping[str, str]], standard: Standard) -> bytes:
    """The rows as CSV, in the order of the format's fields."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([each.name for each in standard.fields])
    for row in rows:
        writer.writerow([each.published(row.get(each.name, "")) for each in standard.fields])
    return stream.getvalue().encode("utf-8")


def edited_files(folder: Path, names: Sequence[str]) -> list[Path]:
    """The files of these names in a package's folder that are not as the program wrote them: somebody's work."""
    try:
        descriptor = json.loads((folder / DESCRIPTOR).read_text(encoding="utf-8"))
        written = {each["path"]: each[_PRINT] for each in descriptor["resources"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        written = {}
    edited = []
    for name in names:
        path = folder / name
        if name == DESCRIPTOR and written:
            continue
        try:
            if path.exists() and _digest(path.read_bytes()) != written.get(name):
                edited.append(path)
        except OSError:
            edited.append(path)
    return edited


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
