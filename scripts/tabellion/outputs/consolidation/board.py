"""The sheet Suivi des retours: where each partner stands, then the files that do not count."""

from __future__ import annotations

from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile, ReturnStatus, Verdict
from tabellion.contract.labels import Labels
from tabellion.findings import Place, Severity
from tabellion.layout.names import cell_link, cell_name
from tabellion.outputs.consolidation.listing import FIRST_ROW, Column, finish, note, palette_for, write_list
from tabellion.outputs.consolidation.palette import Cell, Palette
from tabellion.wording import plural
from tabellion.xlsx.writer import Sheet

TITLE, BOARD, LOSING = "Suivi des retours", "Suivi_retours", "Fichiers_ecartes"
EXERCICE, STATE, LATE = "Exercice", "État", "Délai"
#: The signs come with words and colours: each is enough by itself.
_STATES = {
    ReturnStatus.ACCEPTED: ("✓ accepté", "juste"),
    ReturnStatus.KEPT: ("! rejeté, le précédent reste en vigueur", "avertissement"),
    ReturnStatus.REJECTED: ("✗ rejeté", "erreur"),
    ReturnStatus.LATE: ("✗ en retard", "erreur"),
    ReturnStatus.AWAITED: ("… attendu", "information"),
    ReturnStatus.NOT_SENT: ("– pas envoyé", "avertissement"),
}
_COUNTING = (Verdict.IN_FORCE, Verdict.ALREADY_ADOPTED)
_VERDICTS = {
    Verdict.REJECTED: "erreur",
    Verdict.UNDECIDED: "erreur",
    Verdict.UNREADABLE: "erreur",
    Verdict.FOREIGN: "avertissement",
    Verdict.OLDER: "information",
    Verdict.TWIN: "information",
}
_COLUMNS = (
    Column(EXERCICE, 9, "center"), Column("Partenaire", 30), Column(STATE, 18, "center"), Column(LATE, 10, "center"),
    Column("Formulaire envoyé", 21), Column("Reçus", 7, "center"), Column("Dernier fichier reçu", 21),
    Column("Enregistré le", 16, "center"), Column("En vigueur", 21), Column("Erreurs", 8, "center"),
    Column("Avertissements", 14, "center"), Column("Informations", 12, "center"), Column("Copie annotée", 21),
    Column("Date limite", 12, "center"), Column("Courriel", 24),
)  # fmt: skip
_LOSING_COLUMNS = (
    Column(EXERCICE, 9, "center"), Column("Partenaire", 30), Column("Ce qu'il en est", 18, "center"),
    Column("Erreurs", 10, "center"), Column("Fichier", 21), Column("Infos", 7, "center"),
    Column("Par rapport à", 21), Column("Enregistré le", 16, "center"), Column("Copie annotée", 21),
)  # fmt: skip
_SEVERITIES = (Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION)


def state_words(status: ReturnStatus) -> str:
    """A standing as the board shows it."""
    return _STATES[status][0]


def write_board(sheet: Sheet, consolidation: Consolidation, labels: Labels, footer: str) -> None:
    """Write the whole sheet."""
    lines = sorted(consolidation.board, key=lambda each: -each.exercice)
    losing = _losing(consolidation)
    sheet.title(TITLE, "Un partenaire par ligne : ce qui lui a été envoyé, ce qu'il a renvoyé, ce qui compte",
                len(_COLUMNS))  # fmt: skip
    palette = palette_for(sheet.writer, len(lines))
    rows = [_board_row(each, palette) for each in lines]
    last = write_list(sheet, BOARD, FIRST_ROW, _COLUMNS, rows, empty="Aucun partenaire attendu.")
    top = last + 3
    sheet.section(top - 1, 0, "Fichiers qui ne comptent pas")
    note(sheet, top, "Une version plus ancienne, une copie, un fichier refusé ou qui n'est le formulaire de personne. "
         "Pour en écarter un, déplacez-le dans retours/écartés/.")  # fmt: skip
    palette = palette_for(sheet.writer, len(losing))
    write_list(sheet, LOSING, top + 1, _LOSING_COLUMNS, [_losing_row(each, palette, labels) for each in losing],
               empty="Aucun.")  # fmt: skip
    sheet.link(2, 0, cell_link(sheet.name, cell_name(top - 1, 0)),
               f"↓ {plural(len(losing), 'fichier qui ne compte pas', 'fichiers qui ne comptent pas')}")  # fmt: skip
    finish(sheet, footer, columns=2)


def _board_row(line: BoardLine, palette: Palette) -> list[Cell]:
    latest, in_force, counts = line.latest, line.in_force, line.counts
    words, colour = _STATES[line.status]
    late = palette.state("en retard", "erreur") if line.is_late else palette.centred("à temps" if in_force else None)
    return [
        palette.centred(line.exercice),
        palette.text(line.nom),
        palette.state(words, colour),
        late,
        _file(line.sent, palette),
        palette.centred(len(line.received)),
        _file(latest.fichier if latest else None, palette),
        palette.moment(latest.saved if latest else None),
        _file(in_force.fichier if in_force else None, palette),
        *(palette.centred(counts[each] if latest else None) for each in _SEVERITIES),
        _file(latest.annotated if latest else None, palette),
        palette.day(line.due),
        palette.text(line.courriel),
    ]


def _losing(consolidation: Consolidation) -> list[ReceivedFile]:
    received = [file for line in consolidation.board for file in line.received if file.verdict not in _COUNTING]
    return [*received, *consolidation.strays]


def _losing_row(file: ReceivedFile, palette: Palette, labels: Labels) -> list[Cell]:
    return [
        palette.centred(file.exercice),
        palette.text(labels.partner(file.partenaire)),
        palette.state(file.verdict.value, _VERDICTS.get(file.verdict, "information")),
        palette.centred(file.counts[Severity.ERREUR]),
        _file(file.fichier, palette),
        palette.centred(sum(file.counts.values()) - file.counts[Severity.ERREUR]),
        _file(file.other, palette),
        palette.moment(file.saved),
        _file(file.annotated, palette),
    ]


def _file(fichier: str | None, palette: Palette) -> Cell:
    """A file's name, which opens it: its folder is said by the column."""
    return palette.link(fichier.rpartition("/")[2] if fichier else None, Place(fichier), one_line=True)
