"""The account of a reading: what each line became, and the findings, gathered as the document is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tabellion.findings import CellValue, Finding, Place, Severity, finding
from tabellion.importing.document.text import Line, shown

UNPLACED = "non placée"


@dataclass(frozen=True)
class LineUse:
    """What one line of the document became.

    ``ligne`` is one-based; ``usage`` a short French category ("utilisée : …", "ignorée : …", "non placée"); ``detail``
    names the row it became (a fiche, a budget line, a total), never the text itself.
    """

    ligne: int
    usage: str
    detail: str


@dataclass
class Ledger:
    """Findings and line uses of one reading; every line is entered once, the first entry stands."""

    fichier: str
    findings: list[Finding] = field(default_factory=list)
    uses: dict[int, LineUse] = field(default_factory=dict)

    def say(
        self,
        code: str,
        ligne: int | None,
        *,
        champ: str | None = None,
        valeur: CellValue = None,
        attendu: CellValue = None,
        gravite: Severity | None = None,
        liees: Iterable[int] = (),
        **details: Any,
    ) -> None:
        """Add a finding at ``ligne`` (one-based); ``liees`` are other lines it speaks of."""
        self.findings.append(
            finding(
                code,
                Place(fichier=self.fichier, ligne=ligne),
                champ=champ,
                valeur=valeur,
                attendu=attendu,
                gravite=gravite,
                liees=[Place(fichier=self.fichier, ligne=other) for other in liees],
                **details,
            )
        )

    def use(self, ligne: int, usage: str, detail: str = "") -> None:
        """Enter what line ``ligne`` became, unless it is entered already."""
        self.uses.setdefault(ligne, LineUse(ligne, usage, detail))

    def unplaced(self, line: Line, raison: str) -> None:
        """Enter a line that has no place, with the finding that shows it."""
        if line.numero not in self.uses:
            self.use(line.numero, UNPLACED, raison)
            self.say("ligne-non-placee", line.numero, valeur=shown(line.texte)[:500], raison=raison)

    def account(self, lines: list[Line]) -> tuple[LineUse, ...]:
        """One entry per line, in order; a line that nothing took is unplaced, with its finding."""
        for line in lines:
            if line.numero not in self.uses:
                self.unplaced(line, "aucune partie du document ne l'a reconnue")
        return tuple(self.uses[line.numero] for line in lines)
