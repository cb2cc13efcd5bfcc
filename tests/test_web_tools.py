"""A form that went through a library of web tools, or Gnumeric: its values are exact, and nothing in it blocks."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import date, datetime

import pytest
from openpyxl.workbook import Workbook

from support.forms import BUDGET_TABLE
from support.returned import at, examined, form, returned
from support.web_tools import FIRST, TOOLS, refilled
from tabellion.campaign.halves import Candidate
from tabellion.campaign.model import Verdict
from tabellion.campaign.versions import choose

NOW = datetime(2016, 6, 1)
#: What each tool leaves otherwise than it was; none of it blocks.
LEFT = {
    "exceljs": {"formules-non-calculees": 3},
    "sheetjs": {"tableau-defait": 3},
    "gnumeric": {"tableau-defait": 3, "cellule-en-erreur": 6},
}


@pytest.mark.parametrize("tool", TOOLS)
def test_what_a_tool_saved_is_read_exactly(tool: str) -> None:
    parsed = examined(refilled(tool))
    assert parsed.is_accepted
    codes = Counter(finding.code for finding in parsed.findings)
    assert {code: codes[code] for code in codes.keys() - {"ligne-incomplete", "enregistrement-sans-date"}} == LEFT[tool]
    changed = {
        (row.sheet, row.row): {name: row.values[name] for name in row.before} for row in parsed.rows if row.before
    }
    assert changed == {
        ("Budget", FIRST): {"montant_prevu": 1500_00, "montant_vote": 1400_55, "commentaire": "Payé « à Noël » – 50 %"},
        ("Actions", FIRST): {
            "avancement": "en cours", "pourcentage": 40, "date_bilan": date(2016, 11, 30), "montant_engage": 2500_50,
        },
        ("Financements", FIRST): {"statut_montant": "chiffré", "montant": 12000_00},
    }  # fmt: skip
    assert not any("IFERROR" in finding.message for finding in parsed.findings)


def archived(content: bytes, moment: datetime) -> bytes:
    """The same parts in an archive that dates them, as exceljs writes it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, moment.timetuple()[:6]), source.read(name))
    return stream.getvalue()


@pytest.mark.parametrize("tool", ["exceljs", "sheetjs"])
def test_the_date_of_the_form_is_no_date_of_saving(tool: str) -> None:
    parsed = examined(refilled(tool))
    assert (parsed.saved, parsed.author) == (None, "")
    assert [finding.code for finding in parsed.findings].count("enregistrement-sans-date") == 1
    moment = datetime(2016, 5, 4, 10, 30)
    parsed = examined(archived(refilled(tool), moment))
    assert parsed.saved == moment
    (finding,) = [finding for finding in parsed.findings if finding.code == "enregistrement-sans-date"]
    assert "04/05/2016 à 10:30" in finding.message
    assert not finding.bloquant


def test_a_form_that_nobody_saved_has_no_date_and_says_nothing_of_it() -> None:
    parsed = examined(form())
    assert (parsed.saved, parsed.author) == (None, "")
    assert [finding.code for finding in parsed.findings] == ["formulaire-vide"]


def test_the_newest_return_does_not_lose_to_an_older_one_for_a_date_that_says_nothing() -> None:
    def edit(book: Workbook) -> None:
        book["Budget"][at(BUDGET_TABLE, "montant_prevu", FIRST)] = 1

    older = replace(returned(edit), saved=datetime(2016, 5, 1))
    files = {"old.xlsx": older, "new.xlsx": examined(archived(refilled("exceljs"), datetime(2016, 5, 4)))}
    choice = choose([Candidate(name, parsed) for name, parsed in files.items()], NOW)
    assert choice.in_force is not None
    assert choice.in_force.fichier == "new.xlsx"
    files["new.xlsx"] = examined(refilled("sheetjs"))  # without any date, it is asked about, never passed over
    choice = choose([Candidate(name, parsed) for name, parsed in files.items()], NOW)
    assert choice.in_force is None
    assert {file.verdict for file in choice.received} == {Verdict.UNDECIDED}
