"""What a message shows of a value is what a French spreadsheet program shows: no word and no sign of Python."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.consolidations import small
from support.forms import case_rows
from support.masters import Package, contract_of, written
from tabellion.findings import CATALOGUE, Place, finding
from tabellion.findings.codes import files, masters, returns, values
from tabellion.layout.names import CHOICES, IDENTITY
from tabellion.outputs.annex import write_annex
from tabellion.outputs.consolidation import write_consolidation
from tabellion.wording import french_value, of, plural

#: What gives Python away: its booleans and blanks, ISO days, points between digits, a small e of powers, durations.
PYTHON = re.compile(r"True|False|None|\d{4}-\d\d-\d\d|\d\.\d|\de[+-]|\.0\b|days?,|\bnan\b|\binf\b|datetime|Decimal")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "VRAI"), (False, "FAUX"), (None, "(vide)"),
        (1200.0, "1200"), (1200, "1200"), (0.1 + 0.2, "0,3"), (100 / 3, "33,3333333333333"), (-0.0, "0"),
        (1e16, "10000000000000000"), (1.5e300, "1,5E+300"), (-2e-30, "-2E-30"), (0.00001, "0,00001"), (10**30, "1E+30"),
        (Decimal("12.50"), "12,5"), (float("inf"), "un nombre impossible"), (float("nan"), "un nombre impossible"),
        (date(2016, 3, 1), "01/03/2016"), (datetime(2016, 3, 1), "01/03/2016"),
        (datetime(2016, 12, 31, 12), "31/12/2016 12:00"), (datetime(1, 1, 1, 0, 0, 5), "01/01/0001 00:00:05"),
        (time(9, 5), "09:05"), (time(9, 5, 7), "09:05:07"),
        (timedelta(days=1200), "28800:00"), (timedelta(minutes=-90), "-1:30"), (timedelta(seconds=61), "0:01:01"),
        (["a", 1.0], "a, 1"), ("déjà un texte : True", "déjà un texte : True"),
    ],
    ids=repr,
)  # fmt: skip
def test_each_kind_of_value_is_shown_as_in_a_cell(value: object, shown: str) -> None:
    assert french_value(value) == shown


@given(
    st.one_of(
        st.floats(), st.integers(), st.booleans(), st.dates(), st.datetimes(), st.times(), st.timedeltas(), st.none()
    )
)
def test_no_value_shows_python(value: object) -> None:
    assert PYTHON.search(french_value(value)) is None


@pytest.mark.parametrize("value", [True, 1200.0, 1e-16, 5e20, 100 / 3, None], ids=repr)
@pytest.mark.parametrize(
    "code", ["hors-bornes", "texte-au-lieu-de-nombre", "montant-demesure", "conflit", "siret-faux"]
)
def test_no_message_shows_python_whatever_its_words_are(code: str, value: Any) -> None:
    """Also where a rule hands a value over as it is, in any of the words that a template names."""
    entry = CATALOGUE[code]
    words = set(re.findall(r"\{(\w+)\}", entry.message + entry.remede)) - {"valeur", "attendu", "champ"}
    result = finding(code, Place(), champ="x", valeur=value, attendu=value, **dict.fromkeys(words, value))
    assert PYTHON.search(result.message + result.suggestion) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Lucé", "de Lucé"), ("État", "d'État"), ("Etat", "d'Etat"), ("Union Européenne", "d'Union Européenne"),
        ("Les villes", "des villes"), ("Le Rû", "du Rû"), ("CAF", "de CAF"), ("œuvres", "d'œuvres"), ("", "de "),
    ],
)  # fmt: skip
def test_de_is_elided_before_a_name(name: str, words: str) -> None:
    assert of(name) == words


def test_counts_have_their_digits_in_threes() -> None:
    assert [plural(count, "ligne") for count in (0, 1, 2, 999, 12_660, 1_234_567)] == [
        "0 ligne", "1 ligne", "2 lignes", "999 lignes", "12\u202f660 lignes", "1\u202f234\u202f567 lignes",
    ]  # fmt: skip


#: What is no French: points between digits, « (s) », ISO days, Python's words, seven digits in a row.
FOREIGN = re.compile(
    r"(?<![\w./-])\d+\.\d+(?![\w./])|\(s\)|(?<!\d)\d{4}-\d\d-\d\d(?!\d)|\b(?:None|True|False)\b|\['|(?<![\w,./-])\d{7,}(?!\w)"
)


#: What is typed in a terminal.
COMMAND = re.compile(r"« ?tabellion [a-z]+|(?<!\w)--[a-z]")


def texts_of(content: bytes) -> Iterator[str]:
    """The texts of a workbook's visible sheets: cells, prompts, errors, comments, titles and descriptions of charts."""
    package = Package(content)
    for name, cells in package.cells.items():
        if name not in (IDENTITY, CHOICES):
            yield from (value for value, *_ in cells.values() if isinstance(value, str))
    for name, part in package.parts.items():
        if name.endswith(".xml"):
            text = part.decode()
            for groups in re.findall(r'(?:descr|prompt|error|promptTitle|errorTitle)="([^"]*)"|<a:t>(.*?)</a:t>', text):
                yield html.unescape("".join(groups))


def test_what_outputs_say_is_french() -> None:
    """Every text of the workbooks, their prompts and charts; what the contract's own tables hold is theirs."""
    contract = contract_of(case_rows())
    contents = [written(contract)[1], write_annex(contract, 2013), write_consolidation(small())]
    texts = {text for content in contents for text in texts_of(content)}
    assert len(texts) > 500
    codes = ("Porteur(s)", "12345678200010", "12345678900015", "I-1.1, 1.1 ou A-2")
    assert [text for text in sorted(texts) if FOREIGN.search(text) and not any(code in text for code in codes)] == []
    assert not [text for text in texts if re.search(r"« ?tabellion [a-z]+|(?<!\w)--[a-z]", text)], (
        "staff type no command"
    )


def test_no_remedy_that_a_workbook_shows_names_a_command() -> None:
    """Those of runs, of imports and of options are read in a terminal."""
    for code in (*values.CODES, *masters.CODES, *returns.CODES, *files.CODES):
        assert not re.search(
            r"tabellion [a-z]+ ?»|(?<!\w)--[a-z]", code.remede.replace("qui a installé tabellion", "")
        ), code
