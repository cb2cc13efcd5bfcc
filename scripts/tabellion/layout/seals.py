"""The seal of a form: that the identity and the row ids that it carries, very hidden, are those that it was sent with.

It has four parts: which key made it, who answers for which exercice, which form, which rows. What each covers can be
told apart when the form comes back. Forms of programs before the seals have none.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from tabellion.layout.forms import FormIdentity

#: The key of a workspace, beside the forms that it seals: with another one, nothing can be said of them.
KEY_FILE = ".sceau"
#: What the identity's sheet calls the seal.
SEAL = "sceau"
_PART = 16
#: Exercices before and after the one that a form says, among which the true one is looked for.
_YEARS = 12


class SealState(Enum):
    """What a form's seal says of it."""

    SOUND = "intact"
    ABSENT = "absent"
    OTHER_KEY = "d'une autre clé"
    OTHER_PARTNER = "d'un autre partenaire ou exercice"
    OTHER_FORM = "d'un autre formulaire"
    OTHER_ROWS = "d'autres lignes"


@dataclass(frozen=True)
class SealKey:
    """The secret of a workspace; the forms that it sent are known by it."""

    secret: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """What tells this key from another, and gives nothing of it away."""
        return hashlib.sha256(b"sceau" + self.secret).hexdigest()[:8]

    def of(self, identity: FormIdentity, rows: Iterable[tuple[str, str]]) -> str:
        """The seal of a form with these rows as sent: the table and the stable id of each."""
        return "-".join((self.name, self._who(identity), self._form(identity), self._rows(identity, rows)))

    def check(self, seal: str, identity: FormIdentity, rows: Iterable[tuple[str, str]] | None) -> SealState:
        """What the seal of a form that came back says; ``rows`` is ``None`` where they are lost."""
        if not seal:
            return SealState.ABSENT
        name, who, form, sent = [*seal.split("-"), "", "", ""][:4]
        if name != self.name:
            return SealState.OTHER_KEY
        if not _same(who, self._who(identity)):
            return SealState.OTHER_PARTNER
        if not _same(form, self._form(identity)):
            return SealState.OTHER_FORM
        is_same = rows is None or _same(sent, self._rows(identity, rows))
        return SealState.SOUND if is_same else SealState.OTHER_ROWS

    def true_identity(self, seal: str, identity: FormIdentity, partners: Iterable[str]) -> FormIdentity | None:
        """Whom a form was sent to, and for which exercice, as its seal says; ``None`` where it is none of them."""
        who = [*seal.split("-"), ""][1]
        year = identity.exercice
        years = sorted(range(year - _YEARS, year + _YEARS + 1), key=lambda other: abs(other - year))
        possible = (replace(identity, partenaire=partner, exercice=year) for year in years for partner in partners)
        return next((one for one in possible if _same(who, self._who(one))), None)

    def _who(self, identity: FormIdentity) -> str:
        return self._digest("qui", identity.contrat, identity.partenaire, str(identity.exercice))

    def _form(self, identity: FormIdentity) -> str:
        return self._digest("formulaire", self._who(identity), identity.formulaire)

    def _rows(self, identity: FormIdentity, rows: Iterable[tuple[str, str]]) -> str:
        return self._digest("lignes", self._form(identity), *(text for row in sorted(set(rows)) for text in row))

    def _digest(self, *texts: str) -> str:
        content = "\0".join(texts).encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, content, hashlib.sha256).hexdigest()[:_PART]


def read_key(envois: Path) -> SealKey | None:
    """The key of a workspace; ``None`` where there is none yet, or it is lost."""
    try:
        secret = bytes.fromhex((envois / KEY_FILE).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None
    return SealKey(secret) if len(secret) >= _PART else None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode())
