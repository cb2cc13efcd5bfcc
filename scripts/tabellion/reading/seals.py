"""What the seal of a form that came back says of who answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tabellion.findings import Finding, Place, finding
from tabellion.layout.forms import FormIdentity
from tabellion.layout.seals import SEAL, SealKey, SealState
from tabellion.reading.hidden import Baseline

#: Characters shown of a text found in a hidden sheet.
_SHOWN = 40


def check_seal(
    hidden: Mapping[str, str],
    identity: FormIdentity,
    baseline: Baseline,
    key: SealKey | None,
    partners: Iterable[str],
) -> tuple[FormIdentity | None, list[Finding]]:
    """Who really answers, as the seal among the ``hidden`` values says (``None``: nobody knows), and what to say of it.

    A form of a program before the seals, or sealed with a key that is lost, is taken at its word, which is said.
    """
    seal = hidden.get(SEAL, "")
    if key is None and not seal:
        return identity, []
    if key is None:
        return identity, [finding("sceau-sans-cle", Place())]
    rows = [(table, row) for table, of_table in baseline.items() for row in of_table]
    state = key.check(seal, identity, rows or None)
    if state is SealState.ABSENT:
        return identity, [finding("sceau-absent", Place())]
    if state is SealState.OTHER_KEY:
        return identity, [finding("sceau-sans-cle", Place())]
    if state is SealState.OTHER_PARTNER:
        true = key.true_identity(seal, identity, partners)
        sent_to = "un autre" if true is None else f"« {true.partenaire} » pour {true.exercice}"
        found = f"« {identity.partenaire} » pour {identity.exercice}"
        return true, [finding("identite-modifiee", Place(), valeur=found, attendu=sent_to)]
    if state is SealState.OTHER_FORM:
        return identity, [finding("formulaire-jamais-envoye", Place(), valeur=identity.formulaire[:_SHOWN])]
    if state is SealState.OTHER_ROWS:
        return identity, [finding("lignes-d-un-autre-formulaire", Place())]
    return identity, []
