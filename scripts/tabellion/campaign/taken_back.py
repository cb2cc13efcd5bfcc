"""What staff typed and the workbook says no more, because a cell went back to what it said before. Pure.

Nothing in a workbook tells second thoughts from a copy of one's own made just before: it counts either way, and is
said.
"""

from __future__ import annotations

from collections.abc import Iterator

from tabellion.campaign.draft import Draft
from tabellion.campaign.model import MergeOutcome, Modification
from tabellion.campaign.saves import Saves
from tabellion.contract.labels import Labels
from tabellion.findings import Finding, finding
from tabellion.wording import french_date, plural

#: Values that the finding shows.
_SHOWN = 4


def say_taken_back(draft: Draft, saves: Saves) -> Iterator[Finding]:
    """One finding for all values typed since the last adoption that gave way to an earlier one: what they were, what
    stands there now, who saved that. Rows that are gone again are listed among the changes.
    """
    back = [change for change in (*saves.modifications, *saves.taken_back) if _is_back(change, saves)]
    if not back:
        return
    labels = Labels(draft.book())
    shown = " ; ".join(_words(labels, change, saves) for change in back[:_SHOWN])
    compte = plural(
        len(back), "saisie a laissé place à ce qui précédait", "saisies ont laissé place à ce qui précédait"
    )
    more = " …" if len(back) > _SHOWN else ""
    places = [change.place for change in back]
    yield finding("saisies-reprises", places[0], valeur=f"{shown}{more}", compte=compte, liees=places[1:])


def _is_back(change: Modification, saves: Saves) -> bool:
    """Whether a cell says now what it said before another value was accepted."""
    if change.is_new_row or change.outcome is MergeOutcome.REMOVED:
        return False
    passed = saves.passed.get((change.table, change.key, change.champ), ())
    return bool(passed) and passed[-1] not in (change.before, change.after) and change.after in (change.before, *passed)


def _words(labels: Labels, change: Modification, saves: Saves) -> str:
    undone = saves.passed[change.table, change.key, change.champ][-1]
    was, now = (labels.value(change.table, change.champ, value) or "vide" for value in (undone, change.after))
    row, title = labels.row(change.table, change.key), labels.title(change.table, change.champ)
    author = f"par {change.author}" if change.author else ""
    when = f"le {french_date(change.saved)}" if change.saved is not None else ""
    saved = " ".join(filter(None, (author, when)))
    return f"{title} de {row} : {was}, et de nouveau {now}" + (f" ({saved})" if saved else "")
