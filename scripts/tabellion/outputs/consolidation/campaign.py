"""The sheets of lists: where each partner stands, what returns change, every finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tabellion.campaign.model import BoardLine, Consolidation, MergeOutcome, Modification, ReceivedFile, Verdict
from tabellion.campaign.sent_mail import ReceivedMail, SentMail
from tabellion.contract.labels import Labels
from tabellion.findings import CATALOGUE, Finding, Place, Severity
from tabellion.layout.names import CONTROLES, cell_link, cell_name
from tabellion.measures.board import ReturnStatus
from tabellion.schema.table import Key
from tabellion.wording import plural
from tabellion.xlsx.lists import FIRST_ROW, CellMaker, ListColumn, finish, maker_for, note, write_columns
from tabellion.xlsx.sheets import Cell
from tabellion.xlsx.writer import Sheet

BOARD_TITLE, BOARD, LOSING, MAILS = "Suivi des retours", "Suivi_retours", "Fichiers_ecartes", "Courriels"
RECEIVED = "Courriels_recus"
EXERCICE, STATE, _DELAY = "Exercice", "État", "Délai"
CHANGES_TITLE, CHANGES, NUMBER = "Modifications", "Modifications", "N°"
#: Who changed a cell: a partner, or the staff in the workbook of the contract.
WHO, STAFF = "Qui", "l'équipe"
OUTCOME = "Suite donnée"
FINDINGS, BLOCKING, IS_BLOCKING = "Constats", "Bloquant", "bloquant"
#: The signs come with words and colours: each is enough by itself.
_STATES = {
    ReturnStatus.ACCEPTED: ("✓ accepté", "juste"),
    ReturnStatus.KEPT: ("! rejeté, le précédent reste en vigueur", "avertissement"),
    ReturnStatus.REJECTED: ("✗ rejeté", "erreur"),
    ReturnStatus.EMPTY: ("○ vide", "avertissement"),
    ReturnStatus.LATE: ("✗ en retard", "erreur"),
    ReturnStatus.AWAITED: ("… attendu", "information"),
    ReturnStatus.NOT_SENT: ("– pas envoyé", "avertissement"),
    ReturnStatus.NOT_ASKED: ("– sans objet", "information"),
}
_MAIL_STATES = {
    "envoyé": ("✓ envoyé", "juste"),
    "tenu pour envoyé": ("✓ tenu pour envoyé", "information"),
    "en attente": ("… en attente", "information"),
    "incertain": ("! peut-être envoyé", "avertissement"),
    "refusé": ("✗ refusé", "erreur"),
}
_COUNTING = (Verdict.IN_FORCE, Verdict.ALREADY_ADOPTED, Verdict.JOINED)
_VERDICTS = {
    Verdict.REJECTED: "erreur",
    Verdict.UNDECIDED: "erreur",
    Verdict.UNREADABLE: "erreur",
    Verdict.FOREIGN: "avertissement",
    Verdict.EMPTY: "avertissement",
    Verdict.OLDER: "information",
    Verdict.TWIN: "information",
}
_OUTCOMES = {
    MergeOutcome.APPLIED: "juste",
    MergeOutcome.PRESENT: "information",
    MergeOutcome.CONFLICT: "erreur",
    MergeOutcome.OUTDONE: "avertissement",
    MergeOutcome.DECLINED: "information",
    MergeOutcome.REMOVED: "avertissement",
}
#: Changes of returns that are listed where detail workbooks have them all.
LAST_CHANGES = 1_000
#: Places that are named of those that a finding speaks of.
_MOST_PLACES = 12


def state_words(status: ReturnStatus) -> str:
    """A return's status as the board shows it."""
    return _STATES[status][0]


def write_board(
    sheet: Sheet, consolidation: Consolidation, labels: Labels, footer: str, details: Mapping[str, Place]
) -> None:
    """Write the sheet of the partners, then of the files that do not count; ``details`` is where each has its rows."""
    lines = sorted(consolidation.board, key=lambda line: -line.exercice)
    received = [file for line in consolidation.board for file in line.received if file.verdict not in _COUNTING]
    losing = [*received, *consolidation.strays]
    columns = _board_columns(maker_for(sheet.writer, len(lines)), details)
    sheet.title(BOARD_TITLE, "Un partenaire par ligne : ce qui lui a été envoyé, ce qu'il a renvoyé, ce qui compte",
                len(columns))  # fmt: skip
    last = write_columns(sheet, BOARD, FIRST_ROW, columns, lines, empty="Aucun partenaire attendu.")
    top = last + 3
    sheet.section(top - 1, 0, "Fichiers qui ne comptent pas")
    note(sheet, top, "Une version plus ancienne, une copie, un fichier refusé ou qui n'est le formulaire de personne. "
         "Pour en écarter un, déplacez-le dans retours/écartés/.")  # fmt: skip
    columns = _losing_columns(maker_for(sheet.writer, len(losing)), labels)
    last = write_columns(sheet, LOSING, top + 1, columns, losing, empty="Aucun.")
    if consolidation.mails:
        mails = consolidation.mails
        sheet.section(last + 2, 0, "Courriels")
        note(sheet, last + 3, "Ce qui a été envoyé, à qui, quand, et ce que le serveur de courriel en a dit.")
        last = write_columns(sheet, MAILS, last + 4, _mail_columns(maker_for(sheet.writer, len(mails))), mails,
                             empty="Aucun.")  # fmt: skip
    if consolidation.received_mails:
        received_mails = consolidation.received_mails
        sheet.section(last + 2, 0, "Courriels reçus")
        note(sheet, last + 3, "Ce qui est venu dans la boîte, et ce que le serveur de courriel a contrôlé de "
             "l'expéditeur (spf, dkim, dmarc). Sans « boite_authentification », il ne prouve rien.")  # fmt: skip
        columns = _received_columns(maker_for(sheet.writer, len(received_mails)))
        write_columns(sheet, RECEIVED, last + 4, columns, received_mails, empty="Aucun.")
    sheet.link(2, 0, cell_link(sheet.name, cell_name(top - 1, 0)),
               f"↓ {plural(len(losing), 'fichier qui ne compte pas', 'fichiers qui ne comptent pas')}")  # fmt: skip
    finish(sheet, footer, columns=2)


def _board_columns(maker: CellMaker, details: Mapping[str, Place]) -> list[ListColumn]:
    def late(line: BoardLine) -> Cell:
        if line.is_late or line.came_late:
            return maker.state("rien reçu" if line.is_late else "reçu après", "erreur")
        return maker.centred("à temps" if line.in_force else None)

    def count(severity: Severity) -> Callable[[BoardLine], int | None]:
        return lambda line: line.counts[severity] if line.latest else None

    def filled_by(line: BoardLine) -> str | None:
        return line.latest.filled_by.words if line.latest and line.latest.filled_by else None

    def file(path: Callable[[BoardLine], str | None]) -> Callable[[BoardLine], Cell]:
        return lambda line: _file(path(line), maker)

    def detail(line: BoardLine) -> Cell:
        return maker.link("ses lignes", details.get(line.partenaire), shape="line")

    return [
        ListColumn(EXERCICE, 9, "center", lambda line: line.exercice, maker.centred),
        ListColumn("Partenaire", 30, "left", lambda line: line.nom, maker.text),
        ListColumn(STATE, 18, "center", lambda line: line.status, lambda status: maker.state(*_STATES[status])),
        ListColumn(_DELAY, 10, "center", cell=late),
        ListColumn("Formulaire envoyé", 21, cell=file(lambda line: line.sent)),
        ListColumn("Reçus", 7, "center", lambda line: len(line.received), maker.centred),
        ListColumn("Dernier fichier reçu", 21, cell=file(lambda line: line.latest.fichier if line.latest else None)),
        ListColumn(
            "Enregistré le", 16, "center", lambda line: line.latest.saved if line.latest else None, maker.moment
        ),
        ListColumn("Rempli par", 24, "left", filled_by, maker.text),
        ListColumn("En vigueur", 21, cell=file(lambda line: line.in_force.fichier if line.in_force else None)),
        ListColumn("Erreurs", 8, "center", count(Severity.ERREUR), maker.centred),
        ListColumn("Avertissements", 14, "center", count(Severity.AVERTISSEMENT), maker.centred),
        ListColumn("Informations", 12, "center", count(Severity.INFORMATION), maker.centred),
        ListColumn("Copie annotée", 21, cell=file(lambda line: line.latest.annotated if line.latest else None)),
        ListColumn("Date limite", 12, "center", lambda line: line.due, maker.day),
        ListColumn("Courriel", 24, "left", lambda line: line.courriel, maker.text),
        *([ListColumn("Détail", 10, "center", cell=detail)] if details else []),
    ]


def _losing_columns(maker: CellMaker, labels: Labels) -> list[ListColumn]:
    def verdict(file: ReceivedFile) -> Cell:
        return maker.state(file.verdict.value, _VERDICTS.get(file.verdict, "information"))

    def others(file: ReceivedFile) -> int:
        return sum(file.counts.values()) - file.counts[Severity.ERREUR]

    return [
        ListColumn(EXERCICE, 9, "center", lambda file: file.exercice, maker.centred),
        ListColumn("Partenaire", 30, "left", lambda file: labels.partner(file.partenaire), maker.text),
        ListColumn("Ce qu'il en est", 18, "center", cell=verdict),
        ListColumn("Erreurs", 10, "center", lambda file: file.counts[Severity.ERREUR], maker.centred),
        ListColumn("Fichier", 21, cell=lambda file: _file(file.fichier, maker)),
        ListColumn("Infos", 7, "center", others, maker.centred),
        ListColumn("Par rapport à", 21, cell=lambda file: _file(file.other, maker)),
        ListColumn("Enregistré le", 16, "center", lambda file: file.saved, maker.moment),
        ListColumn("Copie annotée", 21, cell=lambda file: _file(file.annotated, maker)),
    ]


def _mail_columns(maker: CellMaker) -> list[ListColumn]:
    def state(mail: SentMail) -> Cell:
        words, tone = _MAIL_STATES.get(mail.state, (mail.state, "information"))
        return maker.state(words if mail.since is None else f"{words} le {mail.since:%d/%m/%Y à %H:%M}", tone)

    def message(mail: SentMail) -> Cell:
        return maker.text(" – ".join(filter(None, (mail.subject, mail.detail))))

    # As wide as the columns of the tables above.
    return [
        ListColumn("Essais", 9, "center", lambda mail: mail.attempts, maker.centred),
        ListColumn("Message", 30, "left", cell=message),
        ListColumn("Suite", 18, "center", cell=state),
        ListColumn("Réponse", 10, "center", lambda mail: mail.reply or None, maker.centred),
        ListColumn("Destinataire", 21, "left", lambda mail: mail.recipient, maker.text),
    ]


def _received_columns(maker: CellMaker) -> list[ListColumn]:
    def message(mail: ReceivedMail) -> Cell:
        return maker.text(" – ".join(filter(None, (mail.subject, f"{mail.taken:%d/%m/%Y à %H:%M}", mail.left))))

    def state(mail: ReceivedMail) -> Cell:
        if mail.left:
            return maker.state("laissé", "avertissement")
        return maker.state("✓ pris", "juste") if mail.count else maker.state("déjà reçu", "information")

    # As wide as the columns of the tables above.
    return [
        ListColumn("Classeurs", 9, "center", lambda mail: mail.count, maker.centred),
        ListColumn("Message", 30, "left", cell=message),
        ListColumn("Contrôle", 18, "left", lambda mail: mail.checks or "aucun", maker.text),
        ListColumn("Suite", 10, "center", cell=state),
        ListColumn("Expéditeur", 21, "left", lambda mail: mail.sender or None, maker.text),
    ]


def last_changes(consolidation: Consolidation) -> list[Modification]:
    """The changes that staff made, then the last ones of returns by the moment of saving, in their order."""
    modifications = consolidation.modifications
    latest = sorted(range(len(modifications)), key=lambda rank: modifications[rank].saved or datetime.min)
    return [*consolidation.staff, *(modifications[rank] for rank in sorted(latest[-LAST_CHANGES:]))]


def write_changes(
    sheet: Sheet, changes: Sequence[Modification], labels: Labels, footer: str, subtitle: str, more: str = ""
) -> None:
    """Write changed cells; ``more`` says where others are."""
    columns = _change_columns(maker_for(sheet.writer, len(changes)), labels)
    sheet.title(CHANGES_TITLE, subtitle, len(columns))
    if more:
        note(sheet, 2, more)
    write_columns(sheet, CHANGES, FIRST_ROW, columns, changes, empty="Aucune modification.")
    finish(sheet, footer, columns=2)


def _change_columns(maker: CellMaker, labels: Labels) -> list[ListColumn]:
    """The columns of modifications: each key has what the cell depends on, since most come back."""

    def row(key: Key) -> Cell:
        table, row_key, is_new = key
        words = labels.row(table, row_key)
        return maker.text(f"{words} – nouvelle ligne" if is_new else words)

    def value(key: Key) -> Cell:
        return _value(maker, labels, *key)

    def change_key(name: str) -> Callable[[Modification], object]:
        return lambda change: (change.table, change.champ, getattr(change, name))

    return [
        ListColumn("Table", 19, "left", lambda change: change.table, lambda table: maker.text(labels.table(table))),
        ListColumn("Ligne", 38, "left", lambda change: (change.table, change.key, change.is_new_row), row),
        ListColumn("Champ", 19, "left", lambda change: (change.table, change.champ),
               lambda key: maker.text(labels.title(*key))),
        ListColumn("Avant", 17, "left", change_key("before"), value),
        ListColumn("Après", 17, "left", change_key("after"), value),
        ListColumn("Différence (€)", 15, "right",
                   lambda change: (change.table, change.champ, change.before, change.after),
                   lambda key: maker.signed(_difference(labels, *key))),
        ListColumn(OUTCOME, 15, "center", lambda change: change.outcome,
               lambda outcome: maker.state(outcome.value, _OUTCOMES[outcome])),
        ListColumn(WHO, 20, "left", lambda change: change.partenaire,
               lambda partner: maker.text(STAFF if partner is None else labels.partner(partner))),
        ListColumn("Exercice", 9, "center", lambda change: change.exercice, maker.centred),
        ListColumn("Fichier", 18, "left", lambda change: _name(change.place.fichier), maker.text),
        ListColumn("Feuille", 12, "left", lambda change: change.place.feuille, maker.text),
        ListColumn("Cellule", 9, "center", lambda change: change.place, maker.cell_of),
        ListColumn("Enregistré le", 16, "center", lambda change: change.saved, maker.moment),
        ListColumn("Par", 13, "left", lambda change: change.author, maker.text),
    ]  # fmt: skip


def write_controls(sheet: Sheet, consolidation: Consolidation, footer: str) -> None:
    """Write every finding, of the contract, of each file and across partners, gravest first."""
    findings = sorted(consolidation.findings, key=lambda finding: (not finding.bloquant, finding.gravite))
    columns = _finding_columns(maker_for(sheet.writer, len(findings)))
    sheet.title(CONTROLES, "Ce qui a été constaté au contrat, dans chaque retour et entre partenaires", len(columns))
    blocking = sum(finding.bloquant for finding in findings)
    note(sheet, 2, f"{plural(len(findings), 'constat')}, dont {plural(blocking, 'bloquant')}. "
         "La cellule ouvre le fichier là où il faut regarder.")  # fmt: skip
    last = write_columns(sheet, FINDINGS, FIRST_ROW, columns, list(enumerate(findings, 1)), empty="Rien à signaler.")
    sheet.hide([len(columns) - 1])
    finish(sheet, footer, area=(last, len(columns) - 2))


def _finding_columns(maker: CellMaker) -> list[ListColumn]:
    """The columns of numbered findings."""

    def column(
        label: str, width: float, align: str, key: Callable[[Finding], Any], cell: Callable[[Any], Cell]
    ) -> ListColumn:
        return ListColumn(label, width, align, lambda numbered: key(numbered[1]), cell)

    def title(finding: Finding) -> str:
        entry = CATALOGUE.get(finding.code)
        return entry.titre if entry is not None else finding.code

    def file(place: Place) -> Cell:
        return maker.link(_name(place.fichier), place, shape="line")

    def others(places: Sequence[Place]) -> Cell:
        words = [str(place) for place in places]
        if len(words) > _MOST_PLACES:
            words[_MOST_PLACES:] = [f"et {plural(len(words) - _MOST_PLACES, 'autre')}"]
        return maker.link("\n".join(words), next(iter(places), None))

    return [
        ListColumn(NUMBER, 6, "center", lambda numbered: numbered[0], maker.centred),
        column("Cellule", 9, "center", lambda finding: finding.place, maker.cell_of),
        column("Constat", 25, "left", title, maker.text),
        column("Que faire", 36, "left", lambda finding: finding.suggestion, maker.text),
        column("Ce qui a été trouvé", 50, "left", lambda finding: finding.message, maker.text),
        column("Gravité", 15, "center", lambda finding: finding.gravite.label, lambda word: maker.state(word, word)),
        column(BLOCKING, 10, "center", lambda finding: IS_BLOCKING if finding.bloquant else None, maker.centred),
        column("Fichier", 20, "left", lambda finding: finding.place, file),
        column("Feuille", 15, "left", lambda finding: finding.place.feuille, maker.text),
        column("Autres cellules", 28, "left", lambda finding: finding.liees, others),
        column("Code", 26, "left", lambda finding: finding.code, maker.text),
    ]


def _value(maker: CellMaker, labels: Labels, table: str, champ: str, value: object) -> Cell:
    return maker.value(labels.field(table, champ), value, labels.key_words(table, champ))


def _difference(labels: Labels, table: str, champ: str, before: Any, after: Any) -> int | None:
    """What an amount grows by, in cents; ``None`` for what is no amount, or has none on one side."""
    field = labels.field(table, champ)
    is_amount = field is not None and field.kind == "money" and isinstance(before, int) and isinstance(after, int)
    return after - before if is_amount else None


def _file(fichier: str | None, maker: CellMaker) -> Cell:
    """A file's name, which opens it: its folder is said by the column."""
    return maker.link(_name(fichier) or None, Place(fichier), shape="line")


def _name(fichier: str | None) -> str:
    return (fichier or "").rpartition("/")[2]
