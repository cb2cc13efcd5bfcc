"""What the import found, and what each thing is held to be: proposed by the program, decided by the staff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tabellion.importing.lines import key
from tabellion.importing.words import Certainty

SET_ASIDE = "(mettre de côté)"
"""What staff choose for what is not to be read."""
SHEET_GROUP = "Feuille"
"""The group of the matches that say what a whole sheet is."""
_SAMPLES = 3


class Topic(Enum):
    """What a match is about: the name of its sheet in ``correspondance.xlsx``."""

    COLUMNS = "Correspondance"
    COLLECTIVITES = "Collectivités"
    PARTNERS = "Partenaires"
    CONVENTIONS = "Conventions"
    YEARS = "Années"
    DOSSIERS = "Dossiers"


ChoiceKey = tuple[Topic, str, str]
"""A topic, a group (the kind of the table, for columns) and the key of what was found."""
Choices = Mapping[ChoiceKey, str]
"""What staff decided, in the words of the sheet."""


@dataclass(frozen=True, slots=True)
class Match:
    """One thing found, and what it is held to be.

    ``where`` says its file, sheet and cell; ``meaning`` is in the words of the sheet, empty when nothing is proposed.
    Until it is ``decided``, one that ``blocks`` keeps the import from writing.
    """

    topic: Topic
    group: str
    found: str
    where: str
    samples: tuple[str, ...]
    meaning: str
    certainty: Certainty
    decided: bool
    blocks: bool

    @property
    def choice_key(self) -> ChoiceKey:
        """By what the decision about it is kept."""
        return self.topic, self.group, key(self.found)

    @property
    def is_open(self) -> bool:
        """Whether somebody is to look at it."""
        return not self.decided and self.certainty is not Certainty.SURE


@dataclass
class Correspondence:
    """All matches of one import, in the order in which they were found, and the decisions that they follow."""

    choices: Choices = field(default_factory=dict)
    matches: dict[ChoiceKey, Match] = field(default_factory=dict)

    def ask(
        self,
        topic: Topic,
        found: str,
        meaning: str | None,
        certainty: Certainty,
        *,
        group: str = "",
        where: str = "",
        samples: tuple[str, ...] = (),
        blocks: bool = False,
    ) -> str:
        """What is held of ``found``: as decided, else as proposed; empty when it is unknown or set aside.

        Asked again, the same thing gets the same answer; it is entered once.
        """
        match = Match(topic, group, found, where, samples[:_SAMPLES], meaning or "", certainty, False, blocks)
        decided = self.choices.get(match.choice_key)
        if decided is not None:
            match = Match(topic, group, found, where, samples[:_SAMPLES], decided, certainty, True, blocks)
        entered = self.matches.setdefault(match.choice_key, match)
        return "" if entered.meaning == SET_ASIDE else entered.meaning

    def is_set_aside(self, topic: Topic, found: str, group: str = "") -> bool:
        """Whether staff decided that it is not to be read."""
        return self.choices.get((topic, group, key(found))) == SET_ASIDE

    @property
    def open(self) -> list[Match]:
        """The matches that somebody is to look at."""
        return [match for match in self.matches.values() if match.is_open]
