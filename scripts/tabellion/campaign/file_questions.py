"""Questions about a partner's files: which of several counts, and whether an older one completes the last. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from tabellion.campaign.decisions import Choice, Decisions, Question, QuestionKind, Statement, question_id
from tabellion.campaign.halves import JOIN, JOIN_OLDER, KEEP, LeftEmpty
from tabellion.campaign.questions import ACCEPT, LONGEST_NAME
from tabellion.campaign.versions import PartnerRule, VersionChoice
from tabellion.contract.labels import Labels
from tabellion.findings import Place
from tabellion.layout.names import shorten
from tabellion.wording import plural

#: Rows that a question names.
_NAMED = 6


def rule_versions(year: int, partner: str, decisions: Decisions) -> PartnerRule:
    """What was decided of the files of one partner for one exercice."""

    def pick(answers: Sequence[str]) -> str | None:
        code = decisions.code(_versions_id(year, partner, answers))
        return code.removeprefix(ACCEPT) if code is not None else None

    def code(answers: str, left: Sequence[LeftEmpty]) -> str | None:
        return decisions.code(_partial_id(year, partner, answers, left))

    return PartnerRule(pick, code)


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
                Statement(names[candidate.fichier], f"enregistré le {candidate.saved_words}", Place(candidate.fichier))
                for candidate in choice.undecided
            ),
            tuple(
                Choice(ACCEPT + file.parsed.answers, f"accepter {names[file.fichier]}", "Ce fichier compte, lui seul.")
                for file in choice.undecided
            ),
        )  # fmt: skip
    if choice.left and choice.in_force is not None and choice.in_force_file is not None:
        yield _halves_question(_partial_id(year, partner, choice.answers, choice.left), row, choice, labels)


def _halves_question(identifier: str, row: str, choice: VersionChoice, labels: Labels) -> Question:
    """Whether older files complete the last one, and which of them counts where they differ."""
    assert choice.in_force is not None  # noqa: S101 (nothing is left empty by no file)
    last = choice.in_force.fichier
    count = sum(len(half.rows) for half in choice.left)
    sure = sum(len(half.sure) for half in choice.left)
    disputed = [(half, cell) for half in choice.left for cell in half.disputed]
    sentence, choices = f"{row} : ", list[Choice]()
    if count:
        sentence += f"le dernier fichier laisse vides {plural(count, 'ligne')} qu'un précédent remplissait"
        sentence += f", {'toutes jointes' if sure == count else f'dont {sure} jointes'} d'ici là" if sure else ""
    if disputed:
        sentence += " ; " if count else ""
        sentence += f"deux fichiers remplissent autrement {plural(len(disputed), 'cellule')}, où aucun ne compte"
    statements = [Statement(_name(last), "ne dit rien de ces lignes", Place(last))] if count else []
    statements += [_filled(half, labels) for half in choice.left if half.rows]
    for left, cell in disputed[:_NAMED]:
        label = labels.row(cell.older.table, cell.older.key)
        for fichier, of_file in ((left.candidate.fichier, cell.older), (last, cell.newer)):
            value = labels.value(of_file.table, cell.champ, of_file.values.get(cell.champ))
            statements.append(Statement(_name(fichier), f"{label} : {value}", of_file.place(fichier, cell.champ)))
    meaning = f"{plural(count, 'ligne vient', 'lignes viennent')} du précédent"
    if disputed:
        choices.append(
            Choice(JOIN, "joindre, le dernier l'emporte", f"{meaning} ; ailleurs, le dernier fichier compte.")
        )
        choices.append(
            Choice(JOIN_OLDER, "joindre, le précédent l'emporte", "Où les deux diffèrent, le précédent compte.")
        )
    else:
        choices.append(Choice(JOIN, "joindre les deux", f"{meaning}."))
    choices.append(Choice(KEEP, "garder le dernier", "Seul le dernier fichier compte."))
    return Question(
        identifier, QuestionKind.PARTIAL, "", (), None, row, "", f"{sentence}.", tuple(statements), tuple(choices)
    )


def _versions_id(year: int, partner: str, answers: Sequence[str]) -> str:
    return question_id(QuestionKind.VERSIONS, year, partner, sorted(answers))


def _partial_id(year: int, partner: str, answers: str, left: Sequence[LeftEmpty]) -> str:
    rows = sorted([half.candidate.parsed.answers, row.table, list(row.key)] for half in left for row in half.rows)
    disputed = sorted(
        [half.candidate.parsed.answers, cell.older.table, list(cell.older.key), cell.champ]
        for half in left
        for cell in half.disputed
    )
    return question_id(QuestionKind.PARTIAL, year, partner, answers, rows, *([disputed] if disputed else []))


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
