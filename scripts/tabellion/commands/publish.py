"""``tabellion publish``: the contract as a Word document, and as a PDF where LibreOffice is installed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tabellion.checks.contract import check_meaning
from tabellion.commands.console import Tell
from tabellion.commands.options import wrong_option
from tabellion.commands.source import Depuis, load_contract, load_source, source_day
from tabellion.contract.book import Book
from tabellion.contract.carried import carried_archive
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs.document import make_document
from tabellion.outputs.document.model import ANNEXES, DocumentModel, Texts, read_logo, read_texts
from tabellion.outputs.document.pdf import PdfError, make_pdf, pdf_is_intact
from tabellion.outputs.document.template import TEMPLATE, Template, load_template
from tabellion.outputs.master.layout import lay_out_master
from tabellion.transaction.files import edited_among, replace_or_refuse
from tabellion.wording import file_stem
from tabellion.xlsx.signature import replaceable

FORMATS = ("docx", "pdf")
FOLDER, TEXTS = "publication", "textes"

#: Told how many steps are done, of how many, and what is being done.


@dataclass(frozen=True)
class Publication:
    """What a publication did: the files written, the dated copies kept, what is open in the contract, what was said.

    ``paths`` is empty when ``findings`` block. ``notices`` are about the run itself (no PDF, no master).
    """

    paths: tuple[Path, ...]
    kept: tuple[Path, ...]
    findings: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    made_from: str
    counts: tuple[int, int]
    """How many conventions and fiches are printed."""


@dataclass(frozen=True)
class PublishOptions:
    """What is asked: formats, conventions (all when empty), annexes, exercice, source, target of the first format."""

    formats: tuple[str, ...] = ("docx",)
    conventions: tuple[int, ...] = ()
    annexes: tuple[str, ...] = ANNEXES
    exercice: int | None = None
    source: Depuis = Depuis.CONTRAT
    target: Path | None = None
    force: bool = False


def publish(workspace: Workspace, wanted: PublishOptions, now: datetime, tell: Tell | None = None) -> Publication:
    """Write the document into ``workbooks/publication/`` (or at ``wanted.target``), whole or not at all.

    Raises :class:`TabellionError` when the options, the template, the texts or the source are wrong, and when a
    document there was edited (unless ``force``, which keeps a dated copy first). Nothing is then written.
    """
    progress = tell or (lambda *_: None)
    if mistakes := _wrong_options(wanted):
        raise TabellionError(mistakes)
    progress(0, 3, "Lecture du contrat")
    contract, findings, made_from = _read(workspace, wanted.source)
    if any(finding.bloquant for finding in findings):
        return Publication((), (), findings, (), made_from, (0, 0))
    exercice = contract.settings.exercice if wanted.exercice is None else wanted.exercice
    contract = replace(contract, settings=contract.settings.showing(exercice))
    template, texts = _read_templates(workspace, contract, wanted)
    model = DocumentModel(
        contract, frozenset(wanted.conventions), texts.paragraphs, findings, made_from,
        source_day(workspace, contract), frozenset(wanted.annexes), read_logo(workspace.templates), texts.sources,
    )  # fmt: skip
    progress(1, 3, "Écriture du document")
    documents: dict[Path, bytes] = {}
    notices = list(texts.unused)
    paths = _paths(workspace, wanted, exercice)
    if "docx" in paths:
        documents[paths["docx"]] = make_document(model, template)
    if "pdf" in paths:
        progress(2, 3, "Mise en pages par LibreOffice")
        archive, to_convert = carried_archive(contract), make_document(model, template, live=False)
        try:
            content = make_pdf(to_convert, contract.settings.titre, model.stamp.date(), archive)
        except PdfError as error:
            notices.append(_no_pdf(paths["pdf"], str(error), alone="docx" not in paths))
        else:
            documents[paths["pdf"]] = content
            if archive not in content:
                notices.append(finding("pdf-sans-registre", Place(paths["pdf"].name), valeur=paths["pdf"].name))
    ours = {
        ".docx": replaceable(elsewhere=wanted.target is not None),
        ".pdf": lambda present, _: pdf_is_intact(present),
    }
    edited = [path for path in documents if edited_among({path: documents[path]}, ours[path.suffix])]
    kept = tuple(replace_or_refuse(documents, edited, _refusal, force=wanted.force, now=now).values())
    counts = sum(1 for _ in model.conventions), model.fiche_count
    return Publication(tuple(documents), kept, findings, tuple(notices), made_from, counts)


def _read_templates(workspace: Workspace, contract: Book, wanted: PublishOptions) -> tuple[Template, Texts]:
    """The Word template and the workspace's texts; raises :class:`TabellionError` with all that is wrong by then."""
    mistakes = _wrong_for(contract, wanted)
    try:
        template = load_template(workspace.templates / TEMPLATE)
    except TabellionError as error:
        mistakes += error.findings
    texts = read_texts(workspace.templates / TEXTS, contract.convention_titles)
    mistakes += texts.mistakes
    if mistakes:
        raise TabellionError(mistakes)
    return template, texts


def _no_pdf(path: Path, detail: str, *, alone: bool) -> Finding:
    remede = (
        "Installez LibreOffice et recommencez, ou publiez avec --format docx et faites le PDF depuis Word."
        if alone
        else "Le document Word est écrit : enregistrez-le en PDF depuis Word, ou installez LibreOffice et recommencez."
    )
    return finding("pdf-impossible", Place(path.name), valeur=path.name, detail=detail, remede=remede)


def _wrong_options(wanted: PublishOptions) -> list[Finding]:
    mistakes = [
        wrong_option("--format", kind, "docx, pdf, ou les deux séparés par une virgule")
        for kind in wanted.formats
        if kind not in FORMATS
    ]
    mistakes += [
        wrong_option("--annexes", annex, f"{', '.join(ANNEXES)}, séparés par une virgule, ou « aucune »")
        for annex in wanted.annexes
        if annex not in ANNEXES
    ]
    target = wanted.target
    if target is not None and (target.suffix.lower() not in (".docx", ".pdf") or target.is_dir()):
        mistakes.append(wrong_option("--sortie", str(target), "un nom de fichier qui finit par .docx ou .pdf"))
    elif target is not None and not mistakes and target.suffix.lower()[1:] not in wanted.formats:
        mistakes.append(wrong_option("--sortie", str(target), f"un nom qui finit par .{wanted.formats[0]}"))
    return mistakes


def _wrong_for(contract: Book, wanted: PublishOptions) -> list[Finding]:
    """What the options ask that the contract has not."""
    known = list(contract.convention_titles)
    numbers = ", ".join(map(str, known[:30]))
    mistakes = [
        wrong_option("--convention", numero, f"le numéro d'une convention du contrat : {numbers}")
        for numero in dict.fromkeys(wanted.conventions)
        if numero not in known
    ]
    if wanted.exercice is not None:
        of_lines = set(contract.tables["lignes_budgetaires"].column("exercice")) - {None}
        settings = contract.settings
        if wanted.exercice not in of_lines and not settings.debut <= wanted.exercice <= settings.fin:
            years = ", ".join(map(str, sorted(of_lines)))
            expected = f"une année de {settings.debut} à {settings.fin}" + (f", ou {years}" if years else "")
            mistakes.append(wrong_option("--exercice", wanted.exercice, expected))
    return mistakes


def _read(workspace: Workspace, source: Depuis) -> tuple[Book, tuple[Finding, ...], str]:
    """The contract of a source, what is open in it, and what it was made from, in words.

    Raises :class:`TabellionError` when there is nothing to read, or it cannot be read.
    """
    if source is Depuis.CONTRAT:
        loaded = load_source(workspace)
        locate = loaded.book.locate if loaded.is_workbook else lay_out_master(loaded.book).locate
        meaning = check_meaning(loaded.book, locate)
        words = f"du classeur {workspace.contrat.name}" if loaded.is_workbook else "du registre"
        return loaded.book, (*loaded.findings, *meaning), words
    book = load_contract(workspace, source)
    meaning = check_meaning(book, lay_out_master(book).locate)
    # The cells would be those of a workbook that is still to be generated: the sheet alone is said.
    meaning = [replace(finding, place=finding.place._replace(cellule=None)) for finding in meaning]
    return book, (*book.findings, *meaning), "de l’état consolidé"


def _paths(workspace: Workspace, wanted: PublishOptions, exercice: int) -> dict[str, Path]:
    """Where each format goes: beside the target, under its name, or in the folder of publications."""
    if wanted.target is not None:
        base = wanted.target.with_suffix("")
    else:
        numbers = "-".join(f"{numero:02d}" for numero in sorted(set(wanted.conventions)))
        part = f"-convention-{numbers}" if numbers else ""
        base = workspace.workbooks / FOLDER / f"{file_stem(workspace.settings.identifiant)}-{exercice}{part}"
    return {kind: base.with_name(f"{base.name}.{kind}") for kind in FORMATS if kind in wanted.formats}


def _refusal(path: Path) -> Finding:
    return finding("document-modifie", Place(str(path)), valeur=path.name)


def formats_of(text: str | None, target: Path | None) -> tuple[str, ...]:
    """The formats that ``--format docx,pdf`` names, each once; without it, the one that the target's name asks for."""
    if text is None:
        return ("pdf",) if target is not None and target.suffix.lower() == ".pdf" else ("docx",)
    asked = [word.strip().lower() for word in text.split(",")]
    return tuple(dict.fromkeys(filter(None, asked))) or (text,)


def annexes_of(text: str | None) -> tuple[str, ...]:
    """The annexes that ``--annexes rapprochement,budget`` names, each once; all of them without it."""
    if text is None:
        return ANNEXES
    asked = tuple(dict.fromkeys(filter(None, (word.strip().lower() for word in text.split(",")))))
    return () if asked == ("aucune",) else asked
