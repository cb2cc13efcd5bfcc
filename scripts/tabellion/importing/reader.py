"""The whole reading: bytes of a published document in; tables, findings and the account of every line out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from tabellion.findings import Finding, Place, Severity, TabellionError, finding
from tabellion.importing.budget import PRESENTATION, BudgetReader, TownBudget, arithmetic_rows, line_rows, total_rows
from tabellion.importing.cells import label_and_amount
from tabellion.importing.correspondence_book import Correspondence, Topic
from tabellion.importing.cover import census_year
from tabellion.importing.fiche import MENTIONS, Fiche, read_fiche
from tabellion.importing.fiche_layout import FicheLayout, Fragment, read_layout
from tabellion.importing.foreign_fiches import TEXT_LABELS
from tabellion.importing.funders import learn_funders, read_rows
from tabellion.importing.label_sheets import asked_field
from tabellion.importing.lines import (
    FAR,
    FEW,
    DocumentLine,
    LineAccount,
    LineUse,
    clean,
    decode,
    fold_chars,
    key,
    shown,
    split_lines,
)
from tabellion.importing.names import PartnerNames, Quarters
from tabellion.importing.outline import Outline, Section, read_outline
from tabellion.importing.recap import Collectivites, RecapRow, learn_collectivites, read_recap
from tabellion.importing.tables import ImportedContract, register_tables
from tabellion.importing.words import Certainty, ImportWords

_ACTION = re.compile(r"(?:^|\t)\s*action n\s*(?:[°º]|o(?![a-z]))\s*:?\s*\w")
#: What a text has that could also say what is crossed out; and what asks to cross something out.
_MARKUP = re.compile(r"<(?:input|s|del|strike|b|i|p)\b|~~|\*\*|[\u0335\u0336]", re.IGNORECASE)
_CROSS_OUT = re.compile(r"\brayer\b")
_ROW = 160
"""The longest line, in characters, that is a row and no sentence."""
_SHOWN = 5
#: A field that only some contracts have.
_QUARTERS = "quartiers"
_QUOTED = 60
_YEAR_DOUBTS = frozenset({"exercice-introuvable", "exercice-double"})


def read_document(
    data: bytes,
    fichier: str,
    correspondence: Correspondence | None = None,
    words: ImportWords | None = None,
    *,
    extracted: bool = False,
) -> ImportedContract:
    """Read the text of a published contract; ``fichier`` names it in the findings.

    ``extracted`` says that the text was taken out of a document that shows what is crossed out.

    Who its partners are is asked of the ``correspondence``, where there is one.

    Raises :class:`TabellionError` when the bytes are not such a document: empty, binary, an unknown encoding, or a
    text without a single convention.
    """
    text, notices = decode(data, fichier)
    lines = split_lines(text)
    account = LineAccount(fichier, list(notices))
    outline = read_outline(lines, account)
    if not any(section.heading or section.fiches for section in outline.sections):
        raise TabellionError([*notices, finding("document-sans-convention", Place(fichier=fichier))])
    recap = [*read_recap(outline.cover, account), *read_recap(outline.back, account)]
    exercice = census_year(lines, outline.page.debut, account)
    collectivites = _collectivites(outline, recap, account)
    if correspondence is not None:
        _ask_collectivites(collectivites, correspondence, account)
        exercice = _ask_year(exercice, correspondence, account)
    quarters = Quarters()
    fiches = _fiches(outline, account, quarters, correspondence, words)
    budgets, inside = _budgets(outline, recap, collectivites, fiches, account)
    _account_for_text(outline.cover, account)
    _account_for_text([line for line in outline.back if line.numero not in account.uses], account)
    if not extracted:
        _forget_strikes(text, fiches, account)
    rows = [read_rows(fiche.layout) for fiche in fiches]
    listed = learn_funders([[box for row in fiche_rows for box in row.boxes] for fiche_rows in rows])
    partner_names = None if correspondence is None or words is None else PartnerNames(correspondence, words)
    tables = register_tables(outline, recap, fiches, rows, listed, collectivites, account, partner_names)
    tables["lignes_budgetaires"] = line_rows(budgets, collectivites, exercice)
    tables["totaux_publies"] = total_rows([*recap, *inside], budgets, collectivites, exercice)
    if quarters.rows:
        tables["quartiers"] = quarters.rows
    uses = account.complete(lines)
    little = _little_understood(lines, uses, fichier)
    if any(mistake.bloquant for mistake in little):
        raise TabellionError([*notices, *little])
    account.findings += little
    findings = tuple(sorted(account.findings, key=lambda finding_: finding_.place.ligne or 0))
    return ImportedContract(tables, findings, uses, outline.page, exercice)


def _ask_collectivites(collectivites: Collectivites, correspondence: Correspondence, account: LineAccount) -> None:
    """Hold each collectivité for what staff say that it is; one that is only guessed is asked."""
    guessed = {finding.valeur for finding in account.findings if finding.code == "collectivite-devinee"}
    for known, nom in list(collectivites.names.items()):
        certainty = Certainty.LIKELY if nom in guessed else Certainty.SURE
        answer = correspondence.ask(Topic.COLLECTIVITES, nom, nom, certainty, where=account.fichier)
        if key(answer) != known:
            collectivites.rename(known, answer)


def _ask_year(exercice: int | None, correspondence: Correspondence, account: LineAccount) -> int | None:
    """The exercice of the census, as staff decide where the text names none, or several."""
    doubts = [finding for finding in account.findings if finding.code in _YEAR_DOUBTS]
    if not doubts:
        return exercice
    certainty = Certainty.UNKNOWN if exercice is None else Certainty.LIKELY
    proposed = None if exercice is None else str(exercice)
    years = correspondence.ask(Topic.YEARS, account.fichier, proposed, certainty, where=account.fichier)
    if (Topic.YEARS, "", key(account.fichier)) not in correspondence.choices or not years.isdigit():
        return exercice
    account.findings = [finding for finding in account.findings if finding not in doubts]
    return int(years)


def _forget_strikes(text: str, fiches: list[Fiche], account: LineAccount) -> None:
    """Where a text without any markup asks to cross out, nobody knows what was: nothing is held as kept."""
    if _MARKUP.search(text) or not _CROSS_OUT.search(fold_chars(text)):
        return
    lost = [fiche for fiche in fiches if any(fiche.row[name] for name in MENTIONS)]
    for fiche in lost:
        fiche.row |= dict.fromkeys(MENTIONS)
    if lost:
        account.say("rayures-perdues", lost[0].line_of("transversal"), champ=MENTIONS[0], valeur=len(lost))


def _little_understood(lines: list[DocumentLine], uses: tuple[LineUse, ...], fichier: str) -> list[Finding]:
    """What is said where signs of rows and fiches found no place; it blocks where one in ``FAR`` did not."""
    signs = {
        "montants en fin de ligne": [
            line for line in lines if len(line.texte) <= _ROW and label_and_amount(clean(line.texte)) is not None
        ],
        "numéros d'action": [line for line in lines if _ACTION.search(fold_chars(line.texte))],
    }
    findings = list[Finding]()
    for words, sign_lines in signs.items():
        lost = [line for line in sign_lines if not uses[line.numero - 1].usage.startswith("utilisée")]
        if len(lost) <= max(FEW, len(sign_lines) // 10):
            continue
        quoted = [f"ligne {line.numero} « {shown(line.texte)[:_QUOTED]} »" for line in lost[:_SHOWN]]
        is_far = len(lost) * FAR > len(sign_lines)
        mistake = finding(
            "document-peu-compris",
            Place(fichier=fichier, ligne=lost[0].numero),
            gravite=Severity.ERREUR if is_far else Severity.AVERTISSEMENT,
            suggestion=None if is_far else "Reportez dans le classeur ce qui porte une donnée.",
            valeur=len(sign_lines) - len(lost),
            attendu=len(sign_lines),
            quoi=words,
            lignes=", ".join(quoted) + (" …" if len(lost) > _SHOWN else "."),
            suite=" Rien n'est écrit." if is_far else "",
        )
        findings.append(replace(mistake, bloquant=is_far))
    return findings


def _collectivites(outline: Outline, recap: list[RecapRow], account: LineAccount) -> Collectivites:
    """The collectivités of the recap, and those that the sections and the presentation show."""
    parts = (outline.cover, *(section.lines for section in outline.sections))
    presentation = "\n".join(clean(line.texte) for lines in parts for line in lines if not line.tabbed)
    sections = [arithmetic_rows(section.lines) for section in outline.sections if section.heading or section.fiches]
    return learn_collectivites(recap, sections, presentation, account)


def _fiches(
    outline: Outline,
    account: LineAccount,
    quarters: Quarters,
    correspondence: Correspondence | None,
    words: ImportWords | None,
) -> list[Fiche]:
    """Every fiche of the body, its convention settled."""
    fiches: list[Fiche] = []
    known = {int(section.heading.numero) for section in outline.sections if section.heading}
    known |= {int(heading.numero) for heading in outline.headings.contents if not heading.is_pilier}
    for section in outline.sections:
        for layout in _layouts(section, account):
            if correspondence is not None and words is not None:
                _ask_labels(layout, correspondence, words, account.fichier)
            fiche = read_fiche(layout, account)
            if named := " ; ".join(fragment.texte for fragment in layout.texts(_QUARTERS)):
                fiche.row[_QUARTERS] = quarters.named(named)
            _settle_convention(fiche, section, known)
            fiches.append(fiche)
    return fiches


def _ask_labels(layout: FicheLayout, correspondence: Correspondence, words: ImportWords, fichier: str) -> None:
    """Hold the labels that no document of ours has for what they match, or for what staff say that they are."""
    left, group = list[Fragment](), words.table("fiches").title
    for fragment in layout.unknown:
        match = words.table("fiches").match(fragment.champ, near=False)
        where, samples = f"{fichier}, ligne {fragment.ligne}", (fragment.texte[:80],)
        champ = asked_field(words, correspondence, fragment.champ, match, where, samples)
        if label := _QUARTERS if champ == _QUARTERS else TEXT_LABELS.get(champ):
            layout.labels.setdefault(label, fragment.ligne)
            layout.fragments.append(replace(fragment, champ=label, colonne=1))
        elif not correspondence.is_set_aside(Topic.COLUMNS, fragment.champ, group):
            left.append(fragment)
    layout.unknown = left


def _layouts(section: Section, account: LineAccount) -> list[FicheLayout]:
    """The layout of each fiche of a section, a header printed again in the middle of one taken out."""
    layouts: list[FicheLayout] = []
    for lines in section.fiches:
        layout = read_layout([line for line in lines if line.numero not in account.uses])
        # No row of a fiche's beginning follows a header printed again, and the fiche above is not at its end.
        opening = {"axe", "objectif", "priorite", "transversal"} & layout.labels.keys()
        if layouts and "entete" in layout.labels and not opening and "prives" not in layouts[-1].labels:
            before = layouts.pop()
            account.say("en-tete-de-fiche-repete", layout.ligne, liees=[before.ligne])
            header = {layout.labels["entete"], layout.labels.get("sous_thematique")}
            for line in layout.lines:
                if line.numero in header:
                    account.use(line.numero, "ignorée : en-tête répété", f"fiche de la ligne {before.ligne}")
            layout = read_layout([line for line in (*before.lines, *layout.lines) if line.numero not in account.uses])
        layouts.append(layout)
    return layouts


def _settle_convention(fiche: Fiche, section: Section, known: set[int]) -> None:
    """A fiche belongs to the convention that its header names; to its section's when it names none."""
    number = int(section.heading.numero) if section.heading else None
    own = fiche.convention_numero
    if own is None:
        fiche.row["convention_id"] = number
        fiche.say(
            "fiche-sans-convention", "sous_thematique", champ="convention_id", attendu=number, retenu=number or "aucune"
        )  # fmt: skip
    elif number is not None and own != number:
        fiche.row["convention_id"] = own if own in known else number
        fiche.say("fiche-autre-convention", "sous_thematique", champ="convention_id", valeur=own, attendu=number)


def _budgets(
    outline: Outline, recap: list[RecapRow], collectivites: Collectivites, fiches: list[Fiche], account: LineAccount
) -> tuple[list[TownBudget], list[RecapRow]]:
    """Each convention's budgets, in order, and the totals printed among their lines.

    What became of the prose and of the blank lines is noted on the way.
    """
    by_line = {fiche.ligne: fiche for fiche in fiches}
    budgets: list[TownBudget] = []
    totals: list[RecapRow] = []
    for section in outline.sections:
        number = int(section.heading.numero) if section.heading else None
        if number is None:
            section_fiches = [by_line[lines[0].numero] for lines in section.fiches if lines[0].numero in by_line]
            numbers = Counter(fiche.row["convention_id"] for fiche in section_fiches)
            number = numbers.most_common(1)[0][0] if numbers else None
        if number is None:
            _account_for_text(section.lines, account)
        else:
            reader = BudgetReader(number, collectivites, account)
            budgets.extend(reader.read(section.lines, recap))
            totals += reader.totals
    for fiche in fiches:
        for line in fiche.layout.lines:
            if line.blank:
                account.use(line.numero, "ignorée : ligne vide")
    return budgets, totals


def _account_for_text(lines: list[DocumentLine], account: LineAccount) -> None:
    """Note the lines that belong to no table: blank lines, presentation; what looks like data is unplaced."""
    for line in lines:
        if line.blank:
            account.use(line.numero, "ignorée : ligne vide")
        elif line.tabbed:
            account.unplaced(line, "une ligne de tableau hors de toute convention")
        elif label_and_amount(clean(line.texte)):
            account.unplaced(line, "un texte qui finit par un montant, hors d'un budget")
        else:
            account.use(line.numero, PRESENTATION)
