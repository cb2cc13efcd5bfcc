"""The Word template, ``templates/document.docx``: read with care, filled by docxtpl, its mistakes said where they are.

Staff re-lay it in Word; a template is data, so that its tags run in a sandbox and only print. Every name that the
template uses and that does not exist is said at once.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from docx.opc.exceptions import OpcError
from docx.opc.part import Part
from docx.oxml.ns import qn
from docx.shared import Mm
from docx.text.paragraph import Paragraph
from docxtpl import DocxTemplate, InlineImage
from jinja2 import ChainableUndefined, Environment, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import etree
from markupsafe import Markup

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs import Values, failing_line
from tabellion.outputs.document.markdown import MarkdownWriter
from tabellion.outputs.document.model import box, money
from tabellion.outputs.document.words import printed
from tabellion.schema.money import format_rate, signed_euros
from tabellion.wording import nearest, plural, shortened, system_reason

TEMPLATE = "document.docx"
_MAIN_TYPE = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TEMPLATE_TYPE = b"application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"
#: The styles that the program itself writes with: their name in the file, and the one that Word shows in French.
_STYLES = {"toc 1": "TM 1", "toc 2": "TM 2", "hyperlink": "Lien hypertexte"}
#: A template bigger than this, once inflated, is no template.
_MOST_BYTES = 50_000_000
_IS_TAG = "{%p"
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
#: The tags between two paragraphs, rows or cells, once docxtpl has put them there.
_BETWEEN = re.compile(
    r"(?:(?<=>)|(?<=#\}))(?:\s*\{%[^%]*%\})+(?=\s*<(?:w:(?:p|tr|tc|tbl|sectPr)|/w:(?:tc|tr|tbl|body))[ >/])"
)
_BLOCK = re.compile(r"\{%\s*(?:(for|if)|end(for|if))\b")
_LONGEST_QUOTE = 120
_LOGO_HEIGHT = Mm(24)


@dataclass(frozen=True)
class Template:
    """A template that was read: its bytes as those of a document, the identifiers of its styles by folded name."""

    path: Path
    content: bytes
    styles: Mapping[str, str]


def load_template(path: Path) -> Template:
    """Read the template; raises :class:`TabellionError` when it is no Word document or has no tag."""
    stream = io.BytesIO()
    try:
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(stream, "w") as target:
            if sum(entry.file_size for entry in source.infolist()) > _MOST_BYTES:
                raise _wrong(path, "il est trop gros")
            for entry in source.infolist():
                if entry.filename.endswith("vbaProject.bin"):
                    raise _wrong(path, "il contient des macros")
                content = source.read(entry)
                if entry.filename == "[Content_Types].xml":
                    content = content.replace(_TEMPLATE_TYPE, _MAIN_TYPE)
                target.writestr(entry.filename, content)
        document = DocxTemplate(io.BytesIO(stream.getvalue()))
        document.init_docx()
        text = document.patch_xml(document.get_xml())
    except TabellionError:
        raise
    except OSError as error:
        raise _wrong(path, system_reason(error)) from error
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OpcError) as error:
        raise _wrong(path, "ce n'est pas un document Word (.docx)") from error
    except Exception as error:  # zlib, lxml and python-docx have errors of their own for what is damaged
        raise _wrong(path, "une partie en est abîmée, ou son texte n'est pas celui d'un document Word") from error
    if not _TAG.search(text):
        detail = (
            "il ne contient aucune balise, comme {{ contrat.titre }} ; c'est peut-être un modèle d'une version d'avant"
        )
        raise _wrong(path, detail)
    # LibreOffice writes some names with a capital, and its own « Caption » beside the template's « caption ».
    styles = {style.name.casefold(): style.style_id for style in document.docx.styles if style.name}
    if missing := [shown for name, shown in _STYLES.items() if name not in styles]:
        names, count = ", ".join(f"« {name} »" for name in missing), plural(len(missing), "style")
        raise TabellionError([finding("style-absent", Place(str(path)), valeur=path.name, attendu=names, compte=count)])
    return Template(path, stream.getvalue(), styles)


def _wrong(path: Path, detail: str) -> TabellionError:
    return TabellionError([finding("gabarit-word-faux", Place(str(path)), valeur=path.name, detail=detail)])


def fill_template(template: Template, values: Values) -> DocxTemplate:
    """The document that the template makes of ``values``.

    Raises :class:`TabellionError` with every unknown name, or with the first tag that cannot be understood.
    """
    unknown: dict[str, object] = {}
    environment = _environment(unknown, _filters(template.styles))
    document = _Document(io.BytesIO(template.content))
    try:
        document.render(_with_picture(values, document), environment)
    except _TagError as error:
        raise TabellionError([_mistake(template.path, error.detail, error.place)]) from error
    if unknown:
        raise TabellionError(
            [_mistake(template.path, _unknown(name, known), document.place_of(name)) for name, known in unknown.items()]
        )
    return document


def _with_picture(values: Values, document: DocxTemplate) -> Values:
    """The values with the picture of the cover as docxtpl takes one."""
    cover = values["couverture"]
    if not isinstance(cover, dict) or not isinstance(cover["logo"], bytes):
        return values
    picture = InlineImage(document, io.BytesIO(cover["logo"]), height=_LOGO_HEIGHT)
    return {**values, "couverture": {**cover, "logo": picture}}


def _mistake(path: Path, detail: str, place: str) -> Finding:
    return finding("balise-fausse", Place(str(path)), valeur=path.name, detail=detail, lieu=place)


def _unknown(name: str, known: object) -> str:
    suggestion = nearest(name, map(str, known)) if isinstance(known, Mapping) else None
    return f"le nom « {name} » n'existe pas" + (f" ; est-ce « {suggestion} » ?" if suggestion else "")


def run_xml(text: object, style: str = "") -> str:
    """A run of text, with the identifier of its character style."""
    properties = f"<w:rPr><w:rStyle w:val={quoteattr(style)}/></w:rPr>" if style else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{printed(text)}</w:t></w:r>'


def field_xml(instruction: str) -> str:
    """A field that shows nothing until it is updated, which Word does when it opens the document."""
    return (
        '<w:r><w:fldChar w:fldCharType="begin" w:dirty="true"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> {instruction} </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t/></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def link_xml(runs: str, bookmark: str) -> str:
    """Runs that lead to a bookmark."""
    return f'<w:hyperlink w:anchor={quoteattr(bookmark)} w:history="1">{runs}</w:hyperlink>'


def bookmark_xml(name: str) -> str:
    """The place that links and page numbers lead to."""
    key = quoteattr(name)
    return f"<w:bookmarkStart w:id={key} w:name={key}/><w:bookmarkEnd w:id={key}/>"


def _filters(styles: Mapping[str, str]) -> dict[str, Callable[..., object]]:
    """The filters of the template, by name: ``{{ charge.montant | euros }}``, ``{{r fiche.signet | page }}``."""

    def link(text: str, bookmark: str) -> str:
        return link_xml(run_xml(text, styles["hyperlink"]), bookmark) if bookmark else run_xml(text)

    def page(bookmark: str) -> str:
        return link_xml(field_xml(f"PAGEREF {bookmark} \\h"), bookmark)

    return {
        "euros": lambda amount: amount if isinstance(amount, str) else money(amount),
        "ecart": lambda cents: "" if cents is None else signed_euros(cents),
        "pourcentage": lambda rate: "–" if rate is None else format_rate(rate),
        "case": box,
        "pluriel": plural,
        "signet": _as_xml(bookmark_xml),
        "mise_en_forme": _as_xml(MarkdownWriter(styles).xml),
        "lien": _as_xml(link),
        "page": _as_xml(page),
    }


def _as_xml(make: Callable[..., str]) -> Callable[..., Markup]:
    return lambda *texts, **named: Markup(make(*texts, **named))  # noqa: S704 - the texts are escaped where the XML is made


def _environment(unknown: dict[str, object], filters: Mapping[str, Callable[..., object]]) -> Environment:
    class UnknownName(ChainableUndefined):
        """A name that does not exist: noted as soon as it is printed, repeated or compared."""

        def _note(self) -> None:
            unknown.setdefault(str(self._undefined_name), self._undefined_obj)

        def __str__(self) -> str:
            self._note()
            return ""

        def __iter__(self) -> Iterator[object]:
            self._note()
            return iter(())

        def __bool__(self) -> bool:
            self._note()
            return False

        def __eq__(self, other: object) -> bool:
            self._note()
            return False

        __hash__ = None  # type: ignore[assignment]  # an unknown name is no key

    environment = ImmutableSandboxedEnvironment(autoescape=True, undefined=UnknownName, finalize=printed)
    environment.filters.update(filters)
    return environment


class _TagError(Exception):
    """A tag that cannot be understood; ``place`` is the text of its paragraph."""

    def __init__(self, detail: str, place: str) -> None:
        super().__init__(detail)
        self.detail, self.place = detail, place


class _Document(DocxTemplate):  # type: ignore[misc]  # docxtpl ships no types
    """A docxtpl template that says which paragraph a mistake is in."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.lines: list[str] = []

    def get_xml(self) -> str:
        """The body. LibreOffice ends a tag's paragraph with the page break of the next one: it is put back there."""
        for line_break in self.docx.element.body.xpath('.//w:br[@w:type="page"]'):
            paragraph = next(line_break.iterancestors(qn("w:p")))
            following = paragraph.itersiblings(qn("w:p"))
            if _IS_TAG in "".join(paragraph.itertext()):
                line_break.getparent().remove(line_break)
                after = next((other for other in following if _IS_TAG not in "".join(other.itertext())), None)
                if after is not None:
                    Paragraph(after, self.docx).paragraph_format.page_break_before = True
        xml: str = super().get_xml()
        return xml

    def patch_xml(self, src_xml: str) -> str:
        """Join the tags that Word has cut, and take the spaces and quotes that it types in French as plain ones."""
        xml: str = super().patch_xml(src_xml)
        return _TAG.sub(lambda tag: re.sub("[\u00a0\u202f]", " ", tag[0]).replace("« ", "'").replace(" »", "'"), xml)

    def render_xml_part(self, src_xml: str, part: Part, context: Values, jinja_env: Environment) -> str:
        """Fill one part: the body, a header, a footer. Raises :class:`_TagError`."""
        # Each paragraph, and each tag between paragraphs or rows, has a line: that of an error leads to its place.
        source = _BETWEEN.sub(lambda tags: "\n" + tags[0].replace("%}", "%}\n"), src_xml)
        lines = re.sub("<w:p([ >])", r"\n<w:p\1", source).splitlines()
        self.lines += lines
        try:
            for node in jinja_env.parse("\n".join(lines)).find_all(nodes.Filter):
                if node.name not in jinja_env.filters:
                    raise _TagError(f"le filtre « {node.name} » n'existe pas", _quoted(lines[node.lineno - 1]))
            xml = re.sub(">\n+<", "><", super().render_xml_part(source, part, context, jinja_env))
            etree.fromstring(xml)  # docxtpl would mend what is broken, and lose text
        except etree.XMLSyntaxError as error:
            detail = (
                "une balise s'ouvre et se ferme à deux endroits qui ne vont pas ensemble (dans et hors d'un tableau)"
            )
            raise _TagError(detail, "du modèle") from error
        except _TagError:
            raise
        except Exception as error:  # whatever an expression of the template raises
            raise _TagError(*_explained(error, lines)) from error
        return xml

    def place_of(self, name: str) -> str:
        """The first paragraph that has a tag with a name."""
        pattern = re.compile(rf"\{{[{{%][^}}]*\b{re.escape(name)}\b")
        return next((_quoted(line) for line in self.lines if pattern.search(line)), "du modèle")


def _quoted(line: str) -> str:
    text = " ".join(re.sub("<[^>]+>", "", line).split())
    return f"« {shortened(text, _LONGEST_QUOTE)} »"


def _explained(error: Exception, lines: list[str]) -> tuple[str, str]:
    """What is wrong with a tag, in French, and the paragraph that it stands in."""
    message = str(error)
    if not isinstance(error, TemplateSyntaxError):
        number = failing_line(error)
        detail = "la balise ne peut pas être remplie (elle demande à une valeur ce que celle-ci n'a pas)"
    elif "Unexpected end of template" in message and (unclosed := _unclosed(lines)):
        number, word = unclosed
        detail = f"la balise « {word} » n'est pas fermée par « end{word} »"
    elif unknown := re.search(r"unknown tag '(.*?)'", message):
        number = error.lineno
        detail = f"la balise « {unknown[1]} » n'existe pas, ou elle ferme ce qui n'est pas ouvert"
    else:
        number, detail = error.lineno, "la balise n'est pas bien écrite"
    return detail, _quoted(lines[number - 1]) if number is not None and 0 < number <= len(lines) else "du modèle"


def _unclosed(lines: list[str]) -> tuple[int, str] | None:
    """The line (one-based) and the word of the innermost block that is not closed."""
    opened: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        for opening, _closing in _BLOCK.findall(line):
            if opening:
                opened.append((number, opening))
            elif opened:
                opened.pop()
    return opened[-1] if opened else None
