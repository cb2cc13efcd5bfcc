"""The quartiers that the tables of other people name: by name or by official code, several in a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.importing.lines import Record, key

_SEPARATORS = re.compile(r"\s*[;/,\n]\s*")
_CODE = re.compile(r"QP(?:\d{3}|02[AB])\d{3}|QN(?:\d{3}|02[AB])\d{2}[A-Z]")
_WITH_CODE = re.compile(rf"(?P<nom>.*?)\s*[-–(]?\s*(?P<code>{_CODE.pattern})\)?")


@dataclass
class Quarters:
    """The quartiers of one import. ``known`` are those of the contract."""

    known: list[Record] = field(default_factory=list)
    rows: list[Record] = field(default_factory=list)

    def named(self, text: str) -> str:
        """The quartiers of a cell by their names, as the contract writes them; new ones are learnt."""
        return " ; ".join(dict.fromkeys(self._name(piece) for piece in _SEPARATORS.split(text) if piece.strip()))

    def _name(self, piece: str) -> str:
        match = _WITH_CODE.fullmatch(piece.strip())
        code, nom = (match["code"], match["nom"]) if match else (None, piece.strip())
        for row in (*self.known, *self.rows):
            if (code and row["code_qpv"] == code) or (nom and key(row["nom"]) == key(nom)):
                row["code_qpv"] = row["code_qpv"] or code
                return str(row["nom"])
        self.rows.append({"nom": nom or code, "code_qpv": code, "commune": None})
        return nom or str(code)
