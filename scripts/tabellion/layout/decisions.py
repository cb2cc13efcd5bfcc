"""The sheet « À décider » of the consolidated workbook: what its writer and its reader agree on."""

from __future__ import annotations

from tabellion.layout.names import cell_name

#: The sheet, its Excel table, and the hidden sheet that lists what may be chosen for each question.
DECISIONS, DECISIONS_TABLE, CHOICES = "À décider", "Decisions", "_choix"
#: The headers that the reader looks for: what people choose, the question's id, what the cell said when it was written.
DECISION, QUESTION, WRITTEN = "Décision", "Question", "Décision écrite"
#: The columns of :data:`CHOICES`: the question, the choice's code, its label.
CHOICE_HEADERS = ("question", "choix", "libellé")
#: The zero-based row of the table's header, and the zero-based column of :data:`DECISION`.
HEADER_ROW, DECISION_COLUMN = 4, 8
#: The key of the workbook's edition among what it says of itself.
EDITION = "etat"
#: The consolidated workbook, by its name from ``workbooks/``.
WORKBOOK = "consolidation/consolidation.xlsx"


def decision_cell(rank: int) -> str:
    """The cell in which the question of this zero-based rank is decided."""
    return cell_name(HEADER_ROW + 1 + rank, DECISION_COLUMN)


#: The sheet of requests and its Excel table; the headers that the reader looks for: what is asked, what confirms it,
#: which request it is, what its confirmation must say; and the one choice of a request.
REQUESTS, REQUESTS_TABLE = "Demandes", "Demandes_equipe"
REQUEST, CONFIRMATION, REQUEST_CODE, TO_CONFIRM = "Demande", "Confirmation", "Code", "À confirmer"
DO_IT = "à faire"
