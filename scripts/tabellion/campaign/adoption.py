"""What the contract has taken over from returns: kept beside the register, so that a return is not merged twice.

After an adoption the master itself says what partners answered. The same return then changes nothing more, a corrected
one changes what it corrects, and what staff change later is theirs: the values adopted are the base of the next merge.
They count only for a master that comes from that adoption; an older one that is put back is merged from the start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabellion.campaign.merge import Cell, InForce
from tabellion.campaign.readings import digest_of, plain_json, value_of
from tabellion.findings import Place, TabellionError, finding
from tabellion.wording import system_reason

#: The file of the last adoption, in the register's folder.
ADOPTION_FILE = "adoption.json"
Source = tuple[str, int]
"""A partner and an exercice."""


@dataclass(frozen=True)
class Adoption:
    """The last adoption: its name, and by return the digest of its answers and the values taken over, cell by cell."""

    name: str = ""
    answers: Mapping[Source, str] = field(default_factory=dict)
    cells: Mapping[Source, Mapping[Cell, Any]] = field(default_factory=dict)


def load_adoption(registre: Path) -> Adoption:
    """The adoption that the register comes from; an empty one where it comes from none.

    Raises :class:`TabellionError` when the file is there and cannot be read.
    """
    path = registre / ADOPTION_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        answers, cells = {}, {}
        for partner, year, digest, values in content["retours"]:
            answers[partner, int(year)] = str(digest)
            cells[partner, int(year)] = {
                (table, tuple(map(value_of, key)), champ): value_of(value) for table, key, champ, value in values
            }
        return Adoption(str(content["adoption"]), answers, cells)
    except FileNotFoundError:
        return Adoption()
    except OSError as error:
        detail = system_reason(error)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        detail = "ce n'est pas le fichier qu'une adoption a écrit"
    remede = "Remettez celui de la dernière sauvegarde, ou supprimez-le : les retours seront alors fusionnés à nouveau."
    raise TabellionError([finding("registre-illisible", Place(str(path)), detail=detail, remede=remede)])


def adoption_of(returns: Sequence[InForce]) -> tuple[str, bytes]:
    """The name of an adoption of these returns, and its file: everything that each of them answers."""
    content = [
        [
            each.partenaire,
            each.exercice,
            each.reading.answers,
            [
                [row.table, [plain_json(part) for part in row.key], champ, plain_json(row.values[champ])]
                for row in each.reading.rows
                for champ in (row.values if row.is_new else row.before)
                if champ in row.values
            ],
        ]
        for each in sorted(returns, key=lambda each: (each.partenaire, each.exercice))
    ]
    name = digest_of(content)[:16]
    text = json.dumps({"adoption": name, "retours": content}, ensure_ascii=False, indent=1)
    return name, (text + "\n").encode()
