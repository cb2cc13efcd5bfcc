"""Forms filled as a careful partner would send them back; written by the program's own writer."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from program import ROOT

sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "scripts"))

from tabellion.contract.book import Book
from tabellion.layout.forms import Form, FormRow, SealKey
from tabellion.outputs.forms import workbook as form_workbook


def filled(form: Form, seed: int) -> Form:
    """The form with other amounts for each ``seed``."""
    rows: dict[str, tuple[FormRow, ...]] = {}
    for table, known in form.rows.items():
        rows[table] = tuple(
            FormRow(row.key, row.values | _typed(row.values, 100 * (1000 + 37 * seed + place)))
            for place, row in enumerate(known)
        )
    return replace(form, rows=rows)


def _typed(values: dict[str, Any], cents: int) -> dict[str, Any]:
    if "montant_prevu" in values:
        return {"montant_prevu": cents, "montant_vote": cents - 50, "montant_realise": cents - 12_345}
    if "avancement" in values:
        return {"avancement": "en cours", "pourcentage": 40, "date_bilan": date(2016, 11, 30)}
    return {"statut_montant": "à négocier"} if not values.get("statut_montant") else {}


def write_filled(contract: Book, sent: Form, fillings: Iterable[Form], key: SealKey | None = None) -> list[bytes]:
    """Each filling of a form as a workbook: what was sent stays what was sent, whatever was typed since."""
    write_baseline = form_workbook._write_baseline
    form_workbook._write_baseline = lambda writer, _: write_baseline(writer, sent)
    try:
        return [form_workbook.write_form(contract, filling, key) for filling in fillings]
    finally:
        form_workbook._write_baseline = write_baseline
