"""A text of the workspace, written in Markdown, as Word paragraphs: titles, real lists, tables, links, bold, italic.

Its formats are the template's own styles. Pictures are for who can give them: what a text of the document has of them
is named by :func:`left_out`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from xml.sax.saxutils import quoteattr

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tabellion.outputs.document.words import printed

#: The numbering of the template: bulleted lists, numbered ones, and from where each numbered list has its own.
BULLETS, NUMBERS, OWN_NUMBERS = 1, 2, 100
_LEFT_OUT = {"image": "une image", "hr": "un filet horizontal"}
#: A title of a text stands under those of its convention.
_FIRST_LEVEL, _LAST_LEVEL = 3, 5
_DEEPEST_LIST = 3
#: What is typed as it is stands in a font whose letters have one width, in half points.
_CODE_FONT, _CODE_SIZE = "Consolas", 18
#: The width of a page's text, in twentieths of a point; a column of a table is as wide as its longest cell, counted in
#: characters between these.
_TEXT_WIDTH, _NARROWEST, _WIDEST = 9638, 14, 60
_LINKS = ("http://", "https://", "mailto:")


def parsed(text: str) -> list[Token]:
    """The text in pieces; what looks like HTML is words."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).parse(text)


def left_out(text: str) -> list[str]:
    """What of a text is not printed, in French, each once."""
    tokens = [token for block in parsed(text) for token in (block, *(block.children or ()))]
    return list(dict.fromkeys(words for token in tokens if (words := _LEFT_OUT.get(token.type))))


class MarkdownWriter:
    """Writes texts as paragraphs of one document; ``styles`` are its identifiers of styles by folded name.

    ``first_level`` is the level of a text's own first titles. ``picture`` gives the XML of a run that shows a picture,
    from its address and what it shows; without it, pictures are left out.
    """

    def __init__(
        self,
        styles: Mapping[str, str],
        first_level: int = _FIRST_LEVEL,
        picture: Callable[[str, str], str] | None = None,
    ) -> None:
        self.styles, self._numbered = styles, OWN_NUMBERS
        self._first_level, self._picture = first_level, picture

    def xml(self, text: str) -> str:
        """The paragraphs and tables of a text."""
        return "".join(self._blocks(parsed(text)))

    def _blocks(self, tokens: Sequence[Token]) -> Iterator[str]:
        lists: list[int] = []
        style, item, quoted = self._style("body text"), False, 0
        for place, token in enumerate(tokens):
            kind = token.type
            if kind in ("bullet_list_open", "ordered_list_open"):
                self._numbered += kind == "ordered_list_open"
                lists.append(BULLETS if kind == "bullet_list_open" else self._numbered)
            elif kind in ("bullet_list_close", "ordered_list_close"):
                lists.pop()
            elif kind == "list_item_open":
                item = True
            elif kind in ("blockquote_open", "blockquote_close"):
                quoted += 1 if kind == "blockquote_open" else -1
            elif kind == "heading_open":
                level = min(self._first_level + int(token.tag[1:]) - 1, _LAST_LEVEL)
                style = self._style(f"heading {level}", "heading 3")
            elif kind == "heading_close":
                style = self._style("body text")
            elif kind == "table_open":
                end = next(rank for rank in range(place, len(tokens)) if tokens[rank].type == "table_close")
                yield self._table(tokens[place:end])
            elif kind == "inline" and not _in_table(tokens, place):
                properties = _paragraph_properties(style, lists, first=item, indent=quoted)
                item = False
                yield f"<w:p>{properties}{self._runs(token)}</w:p>"
            elif kind in ("fence", "code_block"):
                words = _run(token.content.rstrip(), code=True)
                yield f"<w:p>{_paragraph_properties(style, lists, first=False, indent=1)}{words}</w:p>"

    def _style(self, *names: str) -> str:
        return next((self.styles[name] for name in names if name in self.styles), "")

    def _runs(self, inline: Token) -> str:
        bold = italic = struck = 0
        runs, link = list[str](), list[str]()
        for token in inline.children or ():
            match token.type:
                case "strong_open" | "strong_close":
                    bold += 1 if token.nesting > 0 else -1
                case "em_open" | "em_close":
                    italic += 1 if token.nesting > 0 else -1
                case "s_open" | "s_close":
                    struck += 1 if token.nesting > 0 else -1
                case "link_open":
                    target = str(token.attrs.get("href", ""))
                    link.append(target if target.startswith(_LINKS) else "")
                    if link[-1]:
                        instruction = f'HYPERLINK "{link[-1]}"'.replace("{", "%7B").replace("}", "%7D")
                        runs.append(f"<w:fldSimple w:instr={quoteattr(instruction)}>")
                case "link_close":
                    runs.append("</w:fldSimple>" if link.pop() else "")
                case "softbreak":
                    runs.append(_run(" "))
                case "hardbreak":
                    runs.append("<w:r><w:br/></w:r>")
                case "image" if self._picture is not None:
                    runs.append(self._picture(str(token.attrs.get("src", "")), token.content))
                case "text" | "code_inline":
                    style, code = self._style("hyperlink") if any(link) else "", token.type == "code_inline"
                    runs.append(_run(token.content, style, bold=bold, italic=italic, struck=struck, code=code))
        return "".join(runs)

    def _table(self, tokens: Sequence[Token]) -> str:
        rows: list[list[tuple[bool, str]]] = []
        for place, token in enumerate(tokens):
            if token.type == "tr_open":
                rows.append([])
            elif token.type in ("th_open", "td_open"):
                is_head = token.type == "th_open"
                style_name = self._style("tableau en-tête" if is_head else "tableau texte", "body text")
                rows[-1].append(
                    (is_head, f"<w:p>{_paragraph_properties(style_name)}{self._runs(tokens[place + 1])}</w:p>")
                )
        lengths = [len(token.content) for token in tokens if token.type == "inline"]
        longest = [min(max(_NARROWEST, *lengths[column :: len(rows[0])]), _WIDEST) for column in range(len(rows[0]))]
        widths = [_TEXT_WIDTH * length // sum(longest) for length in longest]
        shade = '<w:shd w:val="clear" w:color="auto" w:fill="12355B"/>'
        lines = []
        for row in rows:
            cells = "".join(
                f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade if is_head else ""}</w:tcPr>{words}</w:tc>'
                for width, (is_head, words) in zip(widths, row, strict=False)
            )
            head = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>" if row[0][0] else "<w:trPr><w:cantSplit/></w:trPr>"
            lines.append(f"<w:tr>{head}{cells}</w:tr>")
        style = self._style("tableau budget")
        properties = f"<w:tblStyle w:val={quoteattr(style)}/>" if style else ""
        grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
        return (
            f'<w:tbl><w:tblPr>{properties}<w:tblW w:w="5000" w:type="pct"/><w:tblLook w:val="0420"/></w:tblPr>'
            f"<w:tblGrid>{grid}</w:tblGrid>{''.join(lines)}</w:tbl><w:p/>"
        )


def _in_table(tokens: Sequence[Token], place: int) -> bool:
    return tokens[place - 1].type in ("th_open", "td_open")


def _paragraph_properties(style: str, lists: Sequence[int] = (), *, first: bool = False, indent: int = 0) -> str:
    """The properties of a paragraph: in a list, the first of an item has its mark, the others stand under it."""
    level = min(len(lists) - 1, _DEEPEST_LIST)
    numbering = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{lists[-1]}"/></w:numPr>' if lists and first else ""
    left = 360 * (indent + (0 if first else len(lists)))
    margin = f'<w:ind w:left="{left}"/>' if left and not numbering else ""
    named = f"<w:pStyle w:val={quoteattr(style)}/>" if style else ""
    return f"<w:pPr>{named}{numbering}{margin}</w:pPr>"


def _run(text: str, style: str = "", *, bold: int = 0, italic: int = 0, struck: int = 0, code: bool = False) -> str:
    properties = f"<w:rStyle w:val={quoteattr(style)}/>" if style else ""
    properties += f'<w:rFonts w:ascii="{_CODE_FONT}" w:hAnsi="{_CODE_FONT}" w:cs="{_CODE_FONT}"/>' * code
    properties += "<w:b/><w:bCs/>" * bool(bold) + "<w:i/><w:iCs/>" * bool(italic) + "<w:strike/>" * bool(struck)
    properties += f'<w:sz w:val="{_CODE_SIZE}"/><w:szCs w:val="{_CODE_SIZE}"/>' * code
    lines = "<w:br/>".join(f'<w:t xml:space="preserve">{printed(line)}</w:t>' for line in text.split("\n"))
    return f"<w:r>{f'<w:rPr>{properties}</w:rPr>' if properties else ''}{lines}</w:r>"
