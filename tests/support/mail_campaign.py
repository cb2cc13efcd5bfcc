"""The small contract's campaign with addresses and a mail server."""

from __future__ import annotations

from dataclasses import replace

from tabellion.campaign.model import Consolidation
from tabellion.contract.workspace import MailSettings
from tabellion.measures.board import ReturnStatus

#: Two contacts of the first partner, one of each other.
CONTACTS = {"bailleur": "un@bailleur.fr ; deux@bailleur.fr", "luce": "mairie@luce.fr", "etat": "ddt@etat.fr"}
EVERYONE = ["un@bailleur.fr", "deux@bailleur.fr", "mairie@luce.fr", "ddt@etat.fr"]


def campaign(
    seen: Consolidation, mail: MailSettings, status: ReturnStatus | None = ReturnStatus.AWAITED
) -> Consolidation:  # fmt: skip
    """That campaign as it was ``seen``, with addresses and a mail server; every partner stands at ``status``
    (``None``: where it stands)."""
    settings = replace(seen.contract.settings, courriel=mail, exercice_courant=2016, adresse_retour="retours@agglo.fr")
    board = tuple(
        replace(line, courriel=CONTACTS.get(line.partenaire), status=status or line.status)
        for line in seen.board
        if line.sent is not None
    )
    return replace(seen, contract=replace(seen.contract, settings=settings), board=board)
