"""Files that may not be of whom they say: named as another partner's form, or saved by another partner's person. Pure.

Partners rename files freely and colleagues change: a name or an author that is unknown says nothing, and is not asked
about. Only what points at somebody else is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from tabellion.campaign.decisions import Choice, Decisions, Question, QuestionKind, Statement, question_id
from tabellion.campaign.model import ReceivedFile, Verdict
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.campaign.questions import LONGEST_NAME
from tabellion.contract.labels import Labels
from tabellion.findings import Finding, Place, finding
from tabellion.layout.names import shorten
from tabellion.wording import fold, shortened, slug

#: The codes of the choices.
CONFIRM, REFUSE = "confirmer", "ecarter"
#: Returns that make somebody the person who answers for a partner.
_OFTEN = 2
#: What people and programs add to the name of a form: its year, copies, that it is an answer.
_ADDED = re.compile(
    r"(?:^|(?<=-))(?:(?:19|20)\d\d|\d{1,2}|v\d+|copie|copy|de|of|retour|reponse|formulaire|final|complete|rempli)(?=-|$)"
)


@dataclass(frozen=True)
class Doubt:
    """A file that may be another's: who it points at, and whether by its ``author``; else by its name."""

    fichier: str
    parsed: ParsedReturn
    other: str
    author: str = ""

    @property
    def id(self) -> str:
        """The id of its question: the same file, whatever its folder, pointing at the same partner."""
        name = PurePosixPath(self.fichier).name
        return question_id(QuestionKind.WHOSE, self.parsed.answers, self.other, self.author or name)

    def notice(self, labels: Mapping[str, str]) -> Finding:
        """What is said of it until people decide: a name blocks, an author is a warning."""
        identity = self.parsed.identity
        own = "" if identity is None else identity.partenaire
        own, other = labels.get(own, own), labels.get(self.other, self.other)
        if self.author:
            return finding(
                "auteur-d-un-autre", Place(), valeur=shortened(self.author, LONGEST_NAME), partenaire=own, autre=other
            )
        return finding("nom-d-un-autre", Place(), partenaire=own, autre=other)


def doubts(
    files: Mapping[str, ParsedReturn], kept: Mapping[str, ParsedReturn], names: Mapping[str, str]
) -> list[Doubt]:
    """The doubts about the files of ``retours/``; ``kept`` were accepted before, ``names`` are the partners' by id."""
    by_name: dict[str, set[str]] = {}
    for partner, name in names.items():
        for words in (partner, name):
            by_name.setdefault(_bare(words), set()).add(partner)
    doubts = []
    before = _Authors([*kept.values(), *files.values()])
    for fichier, parsed in files.items():
        if parsed.identity is None:
            continue
        pointed = by_name.get(_bare(PurePosixPath(fichier).stem), set())
        if len(pointed) == 1 and parsed.identity.partenaire not in pointed:
            doubts.append(Doubt(fichier, parsed, *pointed))
        elif (other := before.other_partner(parsed)) is not None:
            doubts.append(Doubt(fichier, parsed, other, parsed.author))
    return doubts


class _Authors:
    """Who saved the returns of whom, and when."""

    def __init__(self, returns: list[ParsedReturn]) -> None:
        self.of_author: dict[str, set[tuple[datetime, str]]] = {}
        self.of_partner: dict[str, set[tuple[datetime, str]]] = {}
        for parsed in returns:
            if parsed.saved is not None and parsed.identity is not None and parsed.author and parsed.is_accepted:
                author, partner = fold(parsed.author), parsed.identity.partenaire
                self.of_author.setdefault(author, set()).add((parsed.saved, partner))
                self.of_partner.setdefault(partner, set()).add((parsed.saved, author))

    def other_partner(self, parsed: ParsedReturn) -> str | None:
        """The one partner that the author of a file answered for until then, more than once, where others answered for
        the partner of the file; ``None`` where the author is new, or answers for several."""
        if parsed.saved is None or parsed.identity is None or not parsed.author:
            return None
        author, partner = fold(parsed.author), parsed.identity.partenaire
        own = [whose for when, whose in self.of_author.get(author, ()) if when < parsed.saved]
        if len(own) < _OFTEN or len(set(own)) > 1 or partner in own:
            return None
        colleagues = {author for when, author in self.of_partner.get(partner, ()) if when < parsed.saved}
        return own[0] if colleagues and author not in colleagues else None


def settle(
    files: Mapping[str, ParsedReturn], doubts: list[Doubt], decisions: Decisions, names: Mapping[str, str]
) -> tuple[dict[str, ParsedReturn], list[ReceivedFile]]:
    """The files with what is said of those that nobody has decided, and the ones that people put aside."""
    left, refused = dict(files), list[ReceivedFile]()
    for doubt in doubts:
        decision, parsed = decisions.code(doubt.id), doubt.parsed
        if decision == REFUSE:
            del left[doubt.fichier]
            findings = (finding("fichier-ecarte", Place(doubt.fichier)),)
            refused.append(
                ReceivedFile(doubt.fichier, parsed.sha256, Verdict.PASSED_OVER, findings, saved=parsed.saved)
            )
        elif decision is None:
            left[doubt.fichier] = parsed.with_findings([doubt.notice(names)])
    return left, refused


def doubt_questions(doubts: list[Doubt], labels: Labels) -> Iterator[Question]:
    """The question of each doubt."""
    for doubt in doubts:
        identity = doubt.parsed.identity
        if identity is None:
            continue
        own, other = labels.partner(identity.partenaire), labels.partner(doubt.other)
        name = shorten(PurePosixPath(doubt.fichier).name, LONGEST_NAME)
        if doubt.author:
            why = f"son auteur, {shorten(doubt.author, LONGEST_NAME)}, répondait jusqu'ici pour {other}"
        else:
            why = f"son nom est celui du formulaire de {other}"
        row = f"Retour de {own} pour {identity.exercice}"
        yield Question(
            doubt.id, QuestionKind.WHOSE, "", (), None, row, "",
            f"« {name} » contient le formulaire de {own} ; {why}.",
            (Statement(name, f"formulaire de {own}", Place(doubt.fichier)),),
            (
                Choice(CONFIRM, "c'est le bon partenaire", f"Ce fichier est la réponse de {own}."),
                Choice(REFUSE, "écarter ce fichier", "Ce fichier ne compte pas."),
            ),
        )  # fmt: skip


def _bare(words: str) -> str:
    """A name without what is added to it."""
    return re.sub("-+", "-", _ADDED.sub("", slug(words))).strip("-")
