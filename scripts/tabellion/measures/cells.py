"""What a cell that people type in a form is: accepted, to confirm or to correct, from its field alone.

One rule gives the formula of the live column, the data validation of Excel, and the verdict of the reader. No formula
knows all spellings that the reader does: what a formula calls right is taken, what it calls wrong is refused, and a
text that could be either is to confirm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tabellion.findings import CATALOGUE
from tabellion.layout.forms import FillState
from tabellion.measures.cell_formulas import CODES, VALIDATION_LENGTH, VALIDATIONS, code_of_key, code_of_list
from tabellion.schema import Field
from tabellion.schema.table import Value
from tabellion.schema.typed import Outcome, kind_of, make_typed, read_typed
from tabellion.schema.typed.choices import same_words
from tabellion.schema.typed.rules import UNKNOWN_SPELT, UNKNOWN_WORDS


@dataclass(frozen=True)
class CellRule:
    """The rule of the cells of one field. ``choices`` is the defined name of its list, where it has one.

    ``keyed`` is the other table whose rows the list shows: the field's own kind is then what refers to them.
    """

    field: Field
    choices: str | None = None
    keyed: str = ""

    def typed_state(self, value: object, *, percent: bool = False) -> FillState | None:
        """The reader's verdict on a value as typed, in a cell that shows a percentage or not; ``None`` for a blank.

        It is empty for what is read as a blank. Keys of other tables are not known here.
        """
        if value is None or value == "":
            return None
        rule, reading = read_typed(make_typed(value, self.field, percent=percent))
        if reading.code and CATALOGUE[reading.code].bloquant:
            return FillState.TO_CORRECT
        if reading.value is not None and self.is_broken(reading.value):
            return FillState.TO_CORRECT
        if rule.outcome is Outcome.VIDE:
            return FillState.EMPTY
        return FillState.COMPLETE if rule.outcome is Outcome.PRIS else FillState.TO_CONFIRM

    def state(self, value: Value) -> FillState | None:
        """What the formula says of a value of the register; ``None`` for a blank."""
        if value is None or value == "":
            return None
        if self.is_broken(value):
            return FillState.TO_CORRECT
        return FillState.TO_CONFIRM if self._has_form else FillState.COMPLETE

    def is_broken(self, value: Value) -> bool:
        """Whether a value breaks a bound of its field (cents for an amount)."""
        field = self.field
        if isinstance(value, date):
            return not (field.earliest or value) <= value <= (field.latest or value)
        if isinstance(value, str):
            is_off = not self.keyed and bool(field.enum) and value not in field.enum
            return is_off or len(value) > (field.max_length or len(value)) or len(value) < (field.min_length or 0)
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        scale = 100 if field.kind == "money" else 1
        low, high = (None if bound is None else bound * scale for bound in (field.minimum, field.maximum))
        return (low is not None and value < low) or (high is not None and value > high)

    @property
    def _has_form(self) -> bool:
        """Whether a text must have a form that no formula can look at."""
        return not self.keyed and self.field.kind == "string" and (self.field.pattern is not None or self.field.email)

    def code(self, cell: str) -> str:
        """The formula of a cell's verdict: 1 for a blank one and a right one, 2 to confirm, 3 to correct."""
        return f'IF({cell}="",1,{self._code(cell)})'

    def code_of(self, value: Value) -> int:
        """What the formula computes for a value of the register."""
        return {FillState.TO_CONFIRM: 2, FillState.TO_CORRECT: 3}.get(self.state(value) or FillState.COMPLETE, 1)

    def _code(self, cell: str) -> str:
        if self.choices is not None:
            return code_of_key(cell, self.choices, self.keyed) if self.keyed else code_of_list(cell, self.choices)
        return CODES[kind_of(self.field)](cell, self.field)

    def validation(self, cell: str) -> str | None:
        """The formula that Excel's validation asks of what is typed: true for what may be sent; ``None`` without any.

        A text is let through where the reader may understand it: the live column speaks of it.
        """
        made = VALIDATIONS.get(self.field.kind)
        if made is None or self.choices is not None:
            return None
        formula = made(cell, self.field)
        return formula if len(formula) <= VALIDATION_LENGTH else None

    def also_read(self) -> tuple[str, ...]:
        """The spellings that are read as a word of the field's own list, besides the words themselves."""
        return tuple(sorted({*same_words(self.field.enum), *UNKNOWN_SPELT, *UNKNOWN_WORDS} - set(self.field.enum)))
