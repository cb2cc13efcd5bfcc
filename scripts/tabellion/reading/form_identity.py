"""Whose form a workbook says it is (partner, contract, exercice), who filled it, what is wrong with it; its seal."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from tabellion.findings import Finding, Place, finding
from tabellion.layout.forms import (
    FINAL,
    FINAL_WORDS,
    FUNCTION,
    KIND_FORM,
    SEAL,
    SIGNED_BY,
    SIGNED_ON,
    FilledBy,
    FormIdentity,
    SealKey,
    SealState,
    baseline_text,
)
from tabellion.layout.names import FORMAT_VERSION
from tabellion.reading.hidden import Baseline
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.references import References
from tabellion.reading.tables import named_cell
from tabellion.schema import Field
from tabellion.schema.cast import cast_column
from tabellion.schema.forms import Role, TableSpec
from tabellion.schema.tables import Column
from tabellion.wording import fold, french_date, french_value, shortened

#: The exercice of a form; anything else in its hidden sheet is no year.
_YEAR = re.compile(r"[12][0-9]{3}")
#: Characters shown of a text found in a hidden sheet, and of a form's number.
_SHOWN, _SHOWN_FORM = 60, 40
#: Digits of a format's number: no version has more.
_LONGEST_VERSION = 6


def version_code(typed: str) -> str:
    """The code of a workbook that says it is of another format than this version reads: older, newer, or neither."""
    if not typed.isdecimal():
        return "version-illisible"
    return "version-inconnue" if len(typed) > _LONGEST_VERSION or int(typed) > FORMAT_VERSION else "version-ancienne"


def form_identity(
    fields: Mapping[str, str], known: References, contract: str
) -> tuple[FormIdentity | None, list[Finding]]:
    """The identity of a form of ``contract``, from what its hidden sheet says; ``None`` with what is wrong in it."""
    place = Place()
    expected = (
        ("genre-inconnu", fields.get("genre", ""), KIND_FORM),
        (version_code(fields.get("format", "")), fields.get("format", ""), str(FORMAT_VERSION)),
        ("autre-contrat", fields.get("contrat", ""), contract),
    )
    mistakes = [
        finding(code, place, valeur=shortened(value, _SHOWN), attendu=right)
        for code, value, right in expected
        if value != right
    ]
    partner, exercice = fields.get("partenaire", ""), fields.get("exercice", "")
    if not mistakes and partner not in known.towns:
        mistakes.append(finding("autre-partenaire", place, valeur=shortened(partner, _SHOWN)))
    if not mistakes and not _YEAR.fullmatch(exercice):
        mistakes.append(finding("exercice-illisible", place, valeur=shortened(exercice, _SHOWN)))
    if mistakes:
        return None, mistakes
    return FormIdentity(contract, partner, int(exercice), fields.get("formulaire", "")), []


def check_seal(
    hidden: Mapping[str, str], identity: FormIdentity, baseline: Baseline, key: SealKey | None, partners: Iterable[str]
) -> tuple[FormIdentity | None, list[Finding]]:
    """Who really answers, as the seal among the ``hidden`` values says (``None``: nobody knows), and what to say of it.

    A form of a program before the seals, or sealed with a key that is lost, is taken at its word, which is said.
    """
    seal = hidden.get(SEAL, "")
    if key is None and not seal:
        return identity, []
    if key is None:
        return identity, [finding("sceau-sans-cle", Place())]
    rows = [(table, row) for table, of_table in baseline.items() for row in of_table]
    state = key.check(seal, identity, rows or None)
    if state is SealState.ABSENT:
        return identity, [finding("sceau-absent", Place())]
    if state is SealState.OTHER_KEY:
        return identity, [finding("sceau-sans-cle", Place())]
    if state is SealState.OTHER_PARTNER:
        true = key.true_identity(seal, identity, partners)
        sent_to = "un autre" if true is None else f"« {true.partenaire} » pour {true.exercice}"
        partner = f"« {identity.partenaire} » pour {identity.exercice}"
        return true, [finding("identite-modifiee", Place(), valeur=partner, attendu=sent_to)]
    if state is SealState.OTHER_FORM:
        return identity, [
            finding("formulaire-jamais-envoye", Place(), valeur=shortened(identity.formulaire, _SHOWN_FORM))
        ]
    if state is SealState.OTHER_ROWS:
        return identity, [finding("lignes-d-un-autre-formulaire", Place())]
    return identity, []


def restore_row_ids(
    spec: TableSpec, columns: Mapping[str, Column], row_ids: list[str | None], sent: Mapping[str, Mapping[str, str]]
) -> None:
    """Give the rows that lost their identifier, in place, that of the only row sent and gone that shows the same."""
    names = [(column.name, column.field) for column in spec.columns if column.role is Role.SHOWN and column.field]
    removed, lost = defaultdict[tuple[str, ...], list[str]](list), defaultdict[tuple[str, ...], list[int]](list)
    for key in sent.keys() - set(row_ids):
        removed[tuple(fold(sent[key].get(name, "")) for name, _ in names)].append(key)
    for position, row_id in enumerate(row_ids if removed else ()):
        if row_id is None:
            shown = [columns[field][position] for _, field in names]
            lost[tuple("" if value is None else fold(baseline_text(value)) for value in shown)].append(position)
    for words, positions in lost.items():
        if len(positions) == 1 and len(removed.get(words, ())) == 1 and any(words):
            row_ids[positions[0]] = removed[words][0]
            if spec.key.field is not None:
                columns[spec.key.field][positions[0]] = removed[words][0]


#: Characters kept of a text.
_LONGEST = 120


def read_filled_by(workbook: RawWorkbook) -> FilledBy | None:
    """What the guide's cells say; ``None`` where the form has none of them."""
    answers = {name: _text(workbook, name) for name in (SIGNED_BY, FUNCTION, SIGNED_ON, FINAL)}
    if answers[FINAL] is None:
        return None
    texts = {name: text or "" for name, text in answers.items()}
    is_final = fold(texts[FINAL]) in (fold(FINAL_WORDS[0]), "definitive", "oui", "x")
    return FilledBy(texts[SIGNED_BY], texts[FUNCTION], texts[SIGNED_ON], is_final)


def _text(workbook: RawWorkbook, name: str) -> str | None:
    """What a named cell says, a day as people write it; ``None`` where the workbook has no such cell."""
    if (cell := named_cell(workbook, name)) is None:
        return None
    sheet, row, column = cell
    value = sheet.value(row, column)
    if name == SIGNED_ON and value is not None:
        day = Field(name, "date", "", "")
        read = cast_column(day, [value], tolerant=True, date1904=workbook.date1904).values[0]
        value = french_date(read) if isinstance(read, date) else value
    return "" if value is None else " ".join(french_value(value).split())[:_LONGEST]
