"""Questions about a partner's files: which of several counts, and whether an older one completes the last. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from tabellion.campaign.decisions import Choice, Decisions, Question, QuestionKind, Statement, question_id
from tabellion.campaign.questions import ACCEPT, KEEP, LONGEST_NAME
from tabellion.campaign.versions import LeftEmpty, PartnerRule, VersionChoice
from tabellion.contract.labels import Labels
from tabellion.findings import Place
from tabellion.layout.names import shorten
from tabellion.wording import plural

JOIN = "joindre"
#: Rows that a question names.
_NAMED = 6


def rule_versions(year: int, partner: str, decisions: Decisions) -> PartnerRule:
    """What was decided of the files of one partner for one exercice."""

    def pick(answers: Sequence[str]) -> str | None:
        code = decisions.code(_versions_id(year, partner, answers))
        return code.removeprefix(ACCEPT) if code is not None else None

    def code(answers: str, left: Sequence[LeftEmpty]) -> str | None:
        return decisions.code(_partial_id(year, partner, answers, left))

    return PartnerRule(pick, lambda *left: code(*left) == JOIN, lambda *left: code(*left) is None)


def version_questions(year: int, partner: str, choice: VersionChoice, labels: Labels) -> Iterator[Question]:
    """The questions about the files of one partner for one exercice."""
    row = f"Retour de {labels.partner(partner)} pour {year}"
    if choice.undecided:
        names = _names([candidate.fichier for candidate in choice.undecided])
        yield Question(
            _versions_id(year, partner, [candidate.parsed.answers for candidate in choice.undecided]),
            QuestionKind.VERSIONS, "", (), None, row, "",
            f"{row} : rien ne dit lequel de ces {len(choice.undecided)} fichiers est le dernier.",
            tuple(
                Statement(names[each.fichier], f"enregistré le {each.saved_words}", Place(each.fichier))
                for each in choice.undecided
            ),
            tuple(
                Choice(ACCEPT + each.parsed.answers, f"accepter {names[each.fichier]}", "Ce fichier compte, lui seul.")
                for each in choice.undecided
            ),
        )  # fmt: skip
    if choice.left and choice.in_force is not None and choice.in_force_file is not None:
        count = sum(len(each.rows) for each in choice.left)
        statements = [
            Statement(_name(choice.in_force.fichier), "ne dit rien de ces lignes", Place(choice.in_force.fichier))
        ]
        statements += [_filled(each, labels) for each in choice.left]
        yield Question(
            _partial_id(year, partner, choice.answers, choice.left), QuestionKind.PARTIAL, "", (), None, row, "",
            f"{row} : le dernier fichier laisse vides {plural(count, 'ligne')} qu'un précédent remplissait.",
            tuple(statements),
            (
                Choice(JOIN, "joindre les deux", f"{plural(count, 'ligne vient', 'lignes viennent')} du précédent."),
                Choice(KEEP, "garder le dernier", "Seul le dernier fichier compte."),
            ),
        )  # fmt: skip


def _versions_id(year: int, partner: str, answers: Sequence[str]) -> str:
    return question_id(QuestionKind.VERSIONS, year, partner, sorted(answers))


def _partial_id(year: int, partner: str, answers: str, left: Sequence[LeftEmpty]) -> str:
    rows = sorted([each.candidate.parsed.answers, row.table, list(row.key)] for each in left for row in each.rows)
    return question_id(QuestionKind.PARTIAL, year, partner, answers, rows)


def _filled(left: LeftEmpty, labels: Labels) -> Statement:
    words = [labels.row(row.table, row.key) for row in left.rows[:_NAMED]]
    more = len(left.rows) - len(words)
    words += [f"et {plural(more, 'autre')}"] if more else []
    fichier = left.candidate.fichier
    return Statement(_name(fichier), "remplissait " + " ; ".join(words), left.rows[0].place(fichier))


def _names(files: Sequence[str]) -> dict[str, str]:
    """Files by their names, with their folders where the names are the same."""
    short = {file: _name(file) for file in files}
    shared = {name for name in short.values() if list(short.values()).count(name) > 1}
    return {file: file if name in shared else name for file, name in short.items()}


def _name(fichier: str) -> str:
    return shorten(PurePosixPath(fichier).name, LONGEST_NAME)
