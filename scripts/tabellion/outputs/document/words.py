"""Words as they stand in the XML of a document: escaped, without what XML cannot hold."""

from __future__ import annotations

import re
from datetime import date

from docxtpl import InlineImage
from markupsafe import Markup, escape

from tabellion.wording import french_date

#: What XML 1.0 cannot hold, and what ends a line.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def clean_text(text: str) -> str:
    """``text`` with one sign for all line breaks; what XML cannot hold is shown as replaced."""
    return _ILLEGAL.sub("\ufffd", _BREAKS.sub("\n", text))


def printed(value: object) -> Markup:
    """A value as it stands in the document's XML: nothing for ``None``, a date as people write it."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, InlineImage):
        return Markup(value)  # noqa: S704 - docxtpl's own XML
    if value is None:
        return Markup("")
    text = french_date(value) if isinstance(value, date) else str(value)
    # docxtpl makes "{{" of "{_{" once the tags are filled: a text that has it keeps it.
    return Markup(str(escape(clean_text(text))).replace("{_", "&#123;_").replace("_}", "_&#125;"))  # noqa: S704
