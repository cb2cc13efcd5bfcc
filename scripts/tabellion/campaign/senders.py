"""Files that came by mail from somebody who is no contact of their partner: asked about once for each address. Pure.

What was decided of an address holds for all that it sends for that partner, then and later. The question is known by a
digest: the decisions kept beside the register name no address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from tabellion.campaign.decisions import Choice, Decisions, Question, QuestionKind, Statement, question_id
from tabellion.campaign.folder import FoundFile
from tabellion.campaign.questions import LONGEST_NAME
from tabellion.contract.labels import Labels
from tabellion.findings import Place
from tabellion.layout.names import shorten

#: The codes of the choices.
TAKE, LEAVE = "prendre", "laisser"


@dataclass(frozen=True, slots=True)
class UnknownSender:
    """Who sent a file without being a contact of ``partenaire``, whose form it is: the ``address`` in small letters.

    ``fichier`` is its name from ``workbooks/``; ``checks`` what the receiving server found of the sender.
    """

    fichier: str
    partenaire: str
    address: str
    checks: str

    @property
    def id(self) -> str:
        """The id of its question."""
        return question_id(QuestionKind.SENDER, self.partenaire, self.address)


def is_taken(decisions: Decisions, partner: str, address: str) -> bool:
    """Whether it was decided that what an address (in small letters) sends for a partner counts."""
    return decisions.code(question_id(QuestionKind.SENDER, partner, address)) == TAKE


def held_files(files: Iterable[FoundFile], senders: Sequence[UnknownSender]) -> list[UnknownSender]:
    """Of these senders those whose file is still set aside: moving it decides too."""
    aside = {file.fichier for file in files if file.is_set_aside}
    return [sender for sender in senders if sender.fichier in aside]


def with_taken(
    files: Iterable[FoundFile], held: Collection[UnknownSender], decisions: Decisions
) -> list[FoundFile]:  # fmt: skip
    """The files where those that were decided to count are set aside no more."""
    taken = {file.fichier for file in held if is_taken(decisions, file.partenaire, file.address)}
    return [replace(file, is_set_aside=file.is_set_aside and file.fichier not in taken) for file in files]


def sender_questions(held: Iterable[UnknownSender], labels: Labels) -> Iterator[Question]:
    """One question for each address and partner."""
    groups: dict[str, list[UnknownSender]] = {}
    for sender in held:
        groups.setdefault(sender.id, []).append(sender)
    for question, group in groups.items():
        first, partner = group[0], labels.partner(group[0].partenaire)
        yield Question(
            question, QuestionKind.SENDER, "", (), None, f"Retour de {partner} reçu par courriel", "",
            f"« {first.address} » a envoyé le formulaire de {partner}, et n'est pas de ses contacts.",
            tuple(
                Statement(
                    shorten(PurePosixPath(file.fichier).name, LONGEST_NAME),
                    f"contrôle de l'expéditeur : {file.checks or 'aucun'}", Place(file.fichier),
                )
                for file in group
            ),
            (
                Choice(TAKE, "prendre", f"Ce fichier compte, et ceux que cette adresse enverra pour {partner}."),
                Choice(LEAVE, "laisser", "Ce que cette adresse envoie pour ce partenaire reste de côté."),
            ),
        )  # fmt: skip
