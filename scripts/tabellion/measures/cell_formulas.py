"""The formulas of :mod:`tabellion.measures.cells`: what Excel and LibreOffice can tell of a value as typed, by kind.

A code is 1 for a value that is right, 2 for one to confirm, 3 for one to correct.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from tabellion.layout.forms import DASH
from tabellion.layout.names import quoted_text
from tabellion.schema import FALSE_WORD, TRUE_WORD, Field
from tabellion.schema.days import SERIAL_YEARS, serial_of
from tabellion.schema.money import LARGEST_EUROS, REMNANT_EUROS
from tabellion.schema.typed.numbers import LARGEST
from tabellion.schema.typed.rules import UNKNOWN_SPELT, UNKNOWN_WORDS, ZERO_SPELT, ZERO_WORDS, TypedKind

#: The defined name of the hidden list of the words that are read as zero or as unknown.
WORDS_READ = "Mots_lus"
#: What follows the name of a list, for the spellings that are read as one of its values, and for the keys behind it.
ALSO_READ, KEYS_READ = "_lus", "_clefs"
#: A validation of Excel holds so many characters, and an array of characters has one row for each.
VALIDATION_LENGTH, _AMOUNT_LENGTH = 255, 19
_ODD_SPACES = "\u00a0\u2007\u2009\u202f"
_SPACES = f" {_ODD_SPACES}"
#: What nobody sees in a text.
_UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u2060\ufeff"
#: What the number of a fiche is written with beside letters and digits: « i-1.1 / 1 » is « I-1.1./1 ».
KEY_MARKS = " .-/_"
CONVENTIONS, FICHES = "conventions", "fiches"
#: Every character of an amount that may be understood, but for « mill » and « EURO »: « 12 k€ », « 3 millions ».
#: Digits of other keyboards, and what nobody sees.
_ODD = (
    "０１２３４５６７８９٠١٢٣٤٥٦٧٨٩\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202d\u2060\u2066\u2069\ufeff"
)
_AMOUNT = f"0123456789{_SPACES}{_ODD}'’,.+€kKMEURSeurosidn"
_SIGNS = "-()\u2010\u2011\u2212\u2013"
_PERCENT = f"0123456789{_SPACES}{_ODD}%,.pPcCtToOuUrReEnN"
_WHOLE = f"0123456789{_SPACES}{_ODD}'’,.+-\u2212"
#: The characters of what may be understood, under the defined names of the hidden cells that hold them.
CHARACTERS = {
    "Signes_euros": _AMOUNT, "Signes_solde": _AMOUNT + _SIGNS, "Signes_part": _PERCENT, "Signes_entier": _WHOLE,
}  # fmt: skip
_DIGITS = "{0,1,2,3,4,5,6,7,8,9}"
#: How a text that begins with a day begins, when that is no digit: « le 3 avril », « sam. 3 avril ».
_DAY_BEGINS = ("le ", "lun", "mar", "mer", "jeu", "ven", "sam", "dim")


def words_read() -> tuple[str, ...]:
    """The words in the place of a number or of a date that are read as zero or as a blank, and are no mistake."""
    signs = ("?", "??", "???", "…", "...", "–", "—", "−", "- €", "-\u00a0€")
    return tuple(sorted({*ZERO_SPELT, *ZERO_WORDS, *UNKNOWN_SPELT, *UNKNOWN_WORDS, *signs}))


def _characters(text: str, allowed: str, length: int) -> str:
    """How many of the first characters of a text are none of :data:`CHARACTERS`; zeros stand after it."""
    padded = f'{text}&REPT("0",{length})'
    return f"SUMPRODUCT(--ISERROR(FIND(MID({padded},ROW($1:${length}),1),{allowed})))"


def _is_word(cell: str) -> str:
    return f"SUMPRODUCT(--({WORDS_READ}=TRIM({cell})))>0"


def _has_no_digit(cell: str) -> str:
    return f"COUNT(FIND({_DIGITS},{cell}))=0"


def _text_or(cell: str, refused: str, number: str) -> str:
    """2 or 3 for a text, as ``refused`` says of one that is no word that is read; else the code of a number."""
    return f"IF(ISTEXT({cell}),IF({_is_word(cell)},2,IF({refused},3,2)),IF(ISNUMBER({cell}),{number},3))"


def _has_format(cell: str, letters: str) -> str:
    """Whether a cell has a number format of these letters, where the program can tell."""
    return f'ISNUMBER(FIND(LEFT(CELL("format",{cell})),"{letters}"))'


def _undated(cell: str, then: str) -> str:
    """``then``, unless a number looks like a date or a percentage; one that may be a date is to confirm.

    LibreOffice does not tell most formats of dates from one that it does not know: « G » is both.
    """
    first, last = (serial_of(date(year, 1, 1)) for year in (SERIAL_YEARS[0], SERIAL_YEARS[-1] + 1))
    letter = f'MATCH(LEFT(CELL("format",{cell})),{{"D","P","G"}},0)'
    return f"IF({then},CHOOSE(IFERROR({letter},4),3,3,IF(AND({cell}>={first},{cell}<{last}),2,1),1),3)"


def _within(cell: str, low: float | None, high: float | None) -> list[str]:
    """The tests of bounds."""
    lower = [] if low is None else [f"{cell}>={low:.15g}"]
    return lower if high is None else [*lower, f"{cell}<={high:.15g}"]


def _is_whole(number: str, tolerance: str) -> str:
    return f"ABS({number}-ROUND({number},0))<={tolerance}"


def _money_number(cell: str, field: Field) -> str:
    """A number of euros and cents, within its bounds."""
    low = -LARGEST_EUROS if field.minimum is None else field.minimum
    high = f"{cell}<{LARGEST_EUROS}" if field.maximum is None else f"{cell}<={field.maximum:.15g}"
    return f"AND({cell}>={low:.15g},{high},{_is_whole(f'{cell}*100', '0.0001')})"


def _money(cell: str, field: Field) -> str:
    # A small m is no unit, a capital O no zero.
    plain = f'SUBSTITUTE(SUBSTITUTE({cell},"mill",""),"EURO","")'
    # One mark, and three digits or more after it: thousands, or decimals.
    decimals = f'MID({cell}&"x",FIND(",",SUBSTITUTE({cell},".",","))+1,3)'
    refused = [
        f"LEN({cell})>{_AMOUNT_LENGTH}",
        f"{_characters(plain, _amount_characters(field), _AMOUNT_LENGTH)}>0",
        f'AND(LEN({cell})-LEN(SUBSTITUTE(SUBSTITUTE({cell},",",""),".",""))=1,ISNUMBER(-("1"&{decimals}&"1")))',
        f'ISNUMBER(FIND(" ou ",{cell}))',
        f'IFERROR(FIND("+",TRIM({cell}))>1,FALSE)',
        f'AND(ISNUMBER(SEARCH("e",{cell})),ISNUMBER(-{cell}))',  # powers of ten
    ]
    number = f"IF(AND({cell}<>0,ABS({cell})<={REMNANT_EUROS:f}),2,{_undated(cell, _money_number(cell, field))})"
    return _text_or(cell, f"OR({','.join(refused)})", number)


def _amount_characters(field: Field) -> str:
    """A sign is refused where no amount may be negative."""
    return "Signes_euros" if field.minimum is not None and field.minimum >= 0 else "Signes_solde"


def _percent(cell: str, _: Field) -> str:
    first_decimal = f'MID({cell},FIND(",",SUBSTITUTE({cell},".",","))+1,1)'
    plain = f'SUBSTITUTE(SUBSTITUTE(SUBSTITUTE({cell},"%",""),"\u00a0",""),"\u202f","")'
    refused = [
        _has_no_digit(cell),
        f"{_characters(cell, 'Signes_part', 30)}>0",
        f'AND(ISERROR(FIND(",",{cell})),ISERROR(FIND(".",{cell})),IFERROR(VALUE({plain})>100,FALSE))',
        # Decimals that are not zero, and « 1,0 », which is 1 or 100.
        f'IFERROR(AND(ISNUMBER(FIND(LEFT(TRIM({cell})),"123456789")),{first_decimal}<>"0"),FALSE)',
        f'TRIM({cell})="1,0"',
        f'TRIM({cell})="1.0"',
        f'AND(LEFT(TRIM({cell}))="0",ISNUMBER(FIND("%",{cell})),ISNUMBER(FIND(",",{cell})))',
    ]
    shown = f"IF(AND({','.join([*_within(f'{cell}*100', 0, 100), _is_whole(f'{cell}*100', '1E-7')])}),1,3)"
    as_fraction = f"AND({cell}>0,{cell}<1,{_is_whole(f'{cell}*100', '1E-7')})"
    number = (
        f"IF({_has_format(cell, 'P')},{shown},"
        f"IF(AND({','.join([*_within(cell, 0, 100), _is_whole(cell, '1E-7')])}),1,IF({as_fraction},2,3)))"
    )
    return _text_or(cell, f"OR({','.join(refused)})", f"IF({_has_format(cell, 'D')},3,{number})")


def _integer_number(cell: str, field: Field) -> str:
    tests = [*_within(cell, field.minimum, field.maximum), f"ABS({cell})<{LARGEST}"]
    return f"AND({','.join([*tests, _is_whole(cell, '1E-7')])})"


def _integer(cell: str, field: Field) -> str:
    refused = (
        f"OR({_has_no_digit(cell)},LEN({cell})>{_AMOUNT_LENGTH},{_characters(cell, 'Signes_entier', _AMOUNT_LENGTH)}>0)"
    )
    return _text_or(cell, refused, _undated(cell, _integer_number(cell, field)))


def _date_number(cell: str, field: Field) -> str:
    """A number that is a day within its bounds, whatever the time beside it."""
    first = serial_of(field.earliest or date(SERIAL_YEARS[0], 1, 1))
    last = serial_of(field.latest or date(SERIAL_YEARS[-1], 12, 31))
    return f"AND({cell}>={first},{cell}<{last + 1})"


def _impossible_day(cell: str) -> str:
    """Whether a text is a day, a month and a year in numbers that are no day, or of no sure century."""
    marked = f'SUBSTITUTE(SUBSTITUTE(TRIM({cell}),"-","/"),".","/")'
    spread = f'SUBSTITUTE({marked},"/",REPT(" ",20))'
    day, month, year = f"TRIM(LEFT({spread},20))", f"TRIM(MID({spread},20,21))", f"TRIM(RIGHT({spread},20))"
    real = f"AND(MONTH(DATE({year},{month},{day}))=VALUE({month}),OR(VALUE({year})<50,VALUE({year})>1999))"
    return f'AND(LEN(TRIM({cell}))<11,IFERROR(FIND("/",{marked}),9)<4,NOT(IFERROR({real},TRUE)))'


def _date(cell: str, field: Field) -> str:
    beginnings = ",".join(map(quoted_text, _DAY_BEGINS))
    one_word = f'COUNT(FIND({{"/"," ","-","."}},TRIM({cell})))=0'
    month = f"MID({cell},6,2)"
    iso_is_wrong = f"MONTH(DATE(LEFT({cell},4),{month},MID({cell},9,2)))<>VALUE({month})"
    refused = [
        _has_no_digit(cell),
        one_word,
        f'AND(ISERROR(FIND(LEFT(TRIM({cell})),"0123456789\'{_ODD}")),ISERROR(MATCH(LEFT(TRIM({cell}),3),{{{beginnings}}},0)))',
        f'LEN({cell})-LEN(SUBSTITUTE({cell},"/",""))>2',
        _impossible_day(cell),
        f'AND(LEN(TRIM({cell}))<6,ISNUMBER(FIND("/",{cell})))',
        f'AND(LEN({cell})=10,ISNUMBER(FIND(MID({cell},5,1),"-/.")),IFERROR({iso_is_wrong},FALSE))',
    ]
    real = f"IF(OR({cell}<>INT({cell}),{_has_format(cell, 'F,CSP')}),2,1)"
    return _text_or(cell, f"OR({','.join(refused)})", f"IF({_date_number(cell, field)},{real},3)")


def _boolean(cell: str, _: Field) -> str:
    words = ",".join(
        map(quoted_text, ("1", "0", "x", "o", "y", "n", "no", "ok", "yes", "✓", "✔", "☑", "☒", "☐", "vrai", "faux"))
    )
    is_right = f'OR(ISLOGICAL({cell}),TRIM({cell})="{TRUE_WORD}",TRIM({cell})="{FALSE_WORD}")'
    is_read = f'OR(ISNUMBER(MATCH({cell}&"",{{{words}}},0)),{_is_word(cell)})'
    return f"IF({is_right},1,IF({is_read},2,3))"


def _text(cell: str, field: Field) -> str:
    tests = [] if field.max_length is None else [f"LEN({cell})>{field.max_length}"]
    tests += [] if field.min_length is None else [f"LEN({cell})<{field.min_length}"]
    dated = f"IF(ISNUMBER({cell}),{_undated(cell, 'TRUE')},1)"
    return f"IF(OR({','.join(tests)}),3,{dated})" if tests else dated


def _code_text(cell: str, field: Field) -> str:
    """No formula looks at a form."""
    return f"MAX(2,{_text(cell, field)})"


def _substituted(text: str, signs: str, by: str) -> str:
    """A text with ``by`` in place of each of some signs."""
    for sign in signs:
        text = f'SUBSTITUTE({text},"{sign}","{by}")'
    return text


def _as_seen(cell: str) -> str:
    """A text without what nobody sees in it."""
    return f"TRIM({_substituted(_substituted(cell, _ODD_SPACES, ' '), _UNSEEN, '')})"


def _is_among(names: str, text: str) -> str:
    return f"SUMPRODUCT(--({names}={text}))"


def code_of_list(cell: str, choices: str) -> str:
    """A word of a list as it stands there, in another spelling that is read, or none."""
    seen = _as_seen(cell)
    unquoted = f"""MID({seen},1+(LEFT({seen})="'"),99)"""
    bare = f"TRIM({_substituted(unquoted, '!', '')})"
    also = f"{_is_among(choices, bare)}+{_is_among(choices + ALSO_READ, bare)}>0"
    return f"IF(SUMPRODUCT(--EXACT({choices},{cell}))>0,1,IF({also},2,3))"


def code_of_key(cell: str, choices: str, table: str) -> str:
    """A row of another table as its list shows it, or by its key; the number of a convention or of a fiche tells which
    one, whatever words follow it. In another spelling that is read, or none.
    """
    seen = _as_seen(cell)
    spaced = seen if table == CONVENTIONS else f'SUBSTITUTE({_substituted(seen, ":–—", " ")},"- "," ")'
    after = {CONVENTIONS: DASH, FICHES: " "}.get(table)
    head = cell if after is None else f'LEFT({spaced},FIND("{after}",{spaced}&"{after}")-1)'
    also = [_is_among(choices, seen), _is_among(choices + ALSO_READ, seen), _is_among(choices + KEYS_READ, head)]
    if table == CONVENTIONS:
        also.append(_is_among(choices, f'SUBSTITUTE({seen}," - ","{DASH}")'))
    if table == FICHES:
        also += [_is_among(choices + ALSO_READ, _substituted(text, KEY_MARKS, "")) for text in (seen, head)]
    exact = f"SUMPRODUCT(--EXACT({choices},{cell}))+SUMPRODUCT(--EXACT({choices}{KEYS_READ},{head}))>0"
    return f"IF({exact},1,IF({'+'.join(also)}>0,2,3))"


#: The formula of the code of a cell that is not blank, by kind, from the cell and its field.
CODES: Mapping[TypedKind, Callable[[str, Field], str]] = {
    "money": _money, "percent": _percent, "integer": _integer, "date": _date, "boolean": _boolean,
    "text": _text, "code": _code_text,
}  # fmt: skip


def _money_validation(cell: str, field: Field) -> str:
    plain = f'SUBSTITUTE({cell},"mill","")'
    text = f"{_characters(plain, _amount_characters(field), _AMOUNT_LENGTH)}=0"
    return f"IF(ISTEXT({cell}),OR({text},{_is_word(cell)}),{_money_number(cell, field)})"


def _percent_validation(cell: str, _: Field) -> str:
    text = f"{_characters(cell, 'Signes_part', 30)}=0"
    shown = f"{cell}*IF({cell}<1,100,1)"
    whole = f"AND({','.join([*_within(cell, 0, 100), _is_whole(shown, '1E-7')])})"
    return f"IF(ISTEXT({cell}),OR({text},{_is_word(cell)}),{whole})"


def _integer_validation(cell: str, field: Field) -> str:
    text = f"{_characters(cell, 'Signes_entier', _AMOUNT_LENGTH)}=0"
    return f"IF(ISTEXT({cell}),OR({text},{_is_word(cell)}),{_integer_number(cell, field)})"


def _date_validation(cell: str, field: Field) -> str:
    """Excel makes dates of what it knows as such when it is typed; the rest has a year, of which 1 or 2 is a digit."""
    real = f"MONTH(DATE(RIGHT({cell},4),MID({cell},4,2),LEFT({cell},2)))=1*MID({cell},4,2)"
    text = f'IFERROR(({real})/(LEN({cell})=10),COUNT(FIND("1",{cell}),FIND("2",{cell}))>0)'
    return f"IF(ISTEXT({cell}),OR({text},{_is_word(cell)}),{_date_number(cell, field)})"


#: The formula that the validation of Excel asks of what is typed, by kind.
VALIDATIONS: Mapping[str, Callable[[str, Field], str]] = {
    "money": _money_validation, "percent": _percent_validation, "integer": _integer_validation,
    "date": _date_validation,
}  # fmt: skip
