"""The report: one page that says all, opens on a phone without network, and is harmed by no text that it shows."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from support import consolidations
from support.browser import Browser, Page, program
from support.contracts import ROOT, line, small_rows
from support.masters import contract_of
from tabellion.campaign.model import BoardLine, ChangesSince, Consolidation, Verdict
from tabellion.findings import Finding, Place, Severity, TabellionError
from tabellion.measures.board import ReturnStatus
from tabellion.measures.measure import percentages
from tabellion.measures.overview import Overview
from tabellion.outputs.report import render_report
from tabellion.outputs.report.findings import IN_FULL, PER_GROUP, PER_PAGE
from tabellion.outputs.report.words import href, signed, stacked, typeset, visible
from tabellion.schema.money import format_euros

TEMPLATE = ROOT / "templates" / "rapport.html"
WIDTHS = (320, 375, 768, 1280)
RUNS = "window.touched = (window.touched || 0) + 1"
#: Texts that would run, close what they stand in, turn their surroundings around, or push the page out of the window.
HOSTILE = (
    f"<script>{RUNS}</script>",
    f'"><img src=x onerror="{RUNS}">',
    f"</title></style></script><svg onload='{RUNS}'>",
    "&lt;b&gt; & \u202eSLX.xcod\u202c \u2066fin",
    "W" * 400,
    "{{ 7 * 7 }} {% raw %}",
    "\0\x1b[31m\ud800 fin",
)
HOSTILE_FILE = "retours/été #1 50%25 ?x=1&y <b>javascript:touched=1\u202e" + "M" * 120 + ".xlsx"


def page(consolidation: Consolidation) -> str:
    return render_report(consolidation, TEMPLATE).decode()


def note(code: str, fichier: str | None, message: str, gravite: Severity, **more: object) -> Finding:
    place = Place(fichier, "Budget", "E7") if fichier else Place()
    return Finding(code, gravite, bool(more.get("bloquant")), place, message, str(more.get("remedy", "Corrigez-la.")))


def hostile() -> Consolidation:
    """Every text of the page that comes from outside says one of :data:`HOSTILE`."""
    rows = small_rows()
    words = itertools.cycle(HOSTILE)
    rows["partenaires"] = [
        {"partenaire_id": f"p{rank}", "nom": f"{text} {rank}", "courriel": text} for rank, text in enumerate(HOSTILE)
    ]
    for table, field in (("conventions", "titre"), ("financeurs", "nom"), ("lignes_budgetaires", "libelle")):
        for row in rows[table]:
            row[field] = next(words)
    contract = contract_of(rows)
    contract = replace(contract, settings=replace(contract.settings, titre=HOSTILE[0], source=HOSTILE[4]))
    board, findings = [], []
    for rank, text in enumerate(HOSTILE):
        name = HOSTILE_FILE.replace("#1", f"#{rank}")
        notes = tuple(
            note("montant-ambigu", name, text, Severity.ERREUR, remedy=text, bloquant=True) for text in HOSTILE
        )
        findings += notes
        file = consolidations.received(name, Verdict.REJECTED, notes, annotated="constats/" + text, author=text)
        board.append(
            BoardLine(f"p{rank}", f"{text} {rank}", text, 2016, ReturnStatus.REJECTED, None, (file,), None, None)
        )
    stray = consolidations.received(HOSTILE_FILE + HOSTILE[1], Verdict.UNREADABLE, findings[:2])
    rich = consolidations.rich()
    conflicts = tuple(
        replace(rich.conflicts[0], key=("B01-luce-001", 2013), champ="libelle", kept=text, sent=text,
                claims=tuple(claim._replace(after=text) for claim in rich.conflicts[0].claims))
        for text in HOSTILE
    )  # fmt: skip
    return consolidations.consolidation_of(
        contract, contract.tables, board=tuple(board), strays=(stray,), findings=tuple(findings), conflicts=conflicts,
        since=ChangesSince(datetime(2016, 12, 4), status_changes=tuple((text, 2016, text, text) for text in HOSTILE)),
    )  # fmt: skip


def busy(partners: int = 1_000, findings_each: int = 5) -> Consolidation:
    """A campaign of many partners, one in ten of them rejected, with ``findings_each`` findings for each partner."""
    contract = contract_of(small_rows())
    board, findings = [], []
    for rank in range(partners):
        name, is_bad = f"retours/p-{rank}.xlsx", rank % 10 == 0
        gravity = Severity.ERREUR if is_bad else Severity.AVERTISSEMENT
        notes = tuple(
            note(code, name, f"« {number} k€ » au lieu d'un nombre.", gravity, bloquant=is_bad)
            for number, code in zip(
                range(findings_each), itertools.cycle(("montant-ambigu", "valeur-comprise")), strict=False
            )
        )
        findings += notes
        verdict = Verdict.REJECTED if is_bad else Verdict.IN_FORCE
        file = consolidations.received(name, verdict, notes, annotated=f"constats/p-{rank}.xlsx")
        status = ReturnStatus.REJECTED if is_bad else ReturnStatus.ACCEPTED
        in_force = None if is_bad else file
        board.append(BoardLine(f"p-{rank}", f"Partenaire {rank}", None, 2016, status, "x", (file,), in_force, None))
    return consolidations.consolidation_of(contract, contract.tables, board=tuple(board), findings=tuple(findings))


class Outline(HTMLParser):
    """Headings, links, ids, and the texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.levels, self.hrefs, self.ids, self.texts = list[int](), list[str](), list[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "a":
            self.hrefs.append(attributes["href"] or "")
        if "id" in attributes:
            self.ids.append(attributes["id"] or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.mark.parametrize("build", [consolidations.small, consolidations.rich, hostile])
def test_same_state_same_bytes(build: object) -> None:
    assert callable(build)
    assert render_report(build(), TEMPLATE) == render_report(build(), TEMPLATE)


def test_what_changed_stands_first_then_what_blocks() -> None:
    html = page(consolidations.rich())
    places = [html.index(f'<section id="{name}"') for name in ("change", "bloque", "campagne", "totaux", "constats")]
    assert places == sorted(places)


def test_the_first_one_and_one_without_change_say_so() -> None:
    first = consolidations.small()
    assert "première consolidation" in page(first)
    assert "Rien n'a changé depuis" in page(replace(first, since=ChangesSince(datetime(2016, 12, 4, 2, 0))))
    assert "Rien ne bloque." in page(first)


def test_a_conflict_is_to_decide_and_blocks_nothing() -> None:
    conflicts = consolidations.rich().conflicts
    html = page(replace(consolidations.small(), conflicts=conflicts))
    head = html.partition("<nav")[0]
    assert "rien ne bloque" in head
    assert f"{len(conflicts)} conflit" in head.replace("\xa0", " ").replace("\u202f", " ")
    assert 'class="verdict avertissement"' in head
    assert '<h2 id="t-bloque">Ce qui reste à décider</h2>' in html
    assert 'class="verdict erreur"' in page(consolidations.rich())


def test_every_partner_is_there_with_its_state_and_its_files() -> None:
    rich = consolidations.rich()
    outline = Outline(page(rich))
    for board_line in rich.board:
        assert " ".join(board_line.nom.split()) in outline.text
        assert board_line.status.value in outline.text
    targets = {unquote(target) for target in outline.hrefs}
    files = [file for board_line in rich.board for file in board_line.received]
    assert {f"../{file.fichier}" for file in files} <= targets
    assert {f"../{file.annotated}" for file in files if file.annotated} <= targets


def test_every_link_within_the_page_leads_somewhere_and_the_others_lead_to_files_beside() -> None:
    for build in (consolidations.rich, hostile):
        outline = Outline(page(build()))
        assert len(outline.ids) == len(set(outline.ids))
        inner = {target[1:] for target in outline.hrefs if target.startswith("#")}
        assert inner <= set(outline.ids)
        outer = {target for target in outline.hrefs if not target.startswith("#")}
        assert all(re.fullmatch(r"(?:\.\./[\w./%~-]+|consolidation\.xlsx)", address, re.ASCII) for address in outer), (
            outer
        )


def test_totals_are_those_of_the_lines() -> None:
    rich = consolidations.rich()
    overview, text = Overview(rich.contract.tables), Outline(page(rich)).text
    sums = overview.of(2016)
    lines = rich.contract.tables["lignes_budgetaires"].rows
    spent = sum(row["montant_realise"] or 0 for row in lines if row["exercice"] == 2016)
    assert sums.realise == spent
    for cents in (sums.prevu, sums.vote, spent):
        assert " ".join(format_euros(cents).split()) in text
    of_2013 = {row["ligne_id"]: row["montant_realise"] for row in lines if row["exercice"] == 2013}
    pairs = [(row["montant_realise"], of_2013.get(row["ligne_id"])) for row in lines if row["exercice"] == 2016]
    grown = sum(now - then for now, then in pairs if now is not None and then is not None)
    assert " ".join(signed(grown).split()) in text


def test_an_amount_that_nobody_gave_is_not_a_zero() -> None:
    rows = small_rows()
    rows["lignes_budgetaires"] = [line("B01-luce-001", 1, "luce", "Cantine", 0)]
    contract = contract_of(rows)
    text = Outline(page(consolidations.consolidation_of(contract, contract.tables))).text
    assert text.count("non renseigné") == 6  # planned and voted: of the exercice, of the convention, of the total
    assert "0 €" in text


def test_both_values_of_a_conflict_are_said() -> None:
    text = Outline(page(consolidations.rich())).text
    for words in ("1 200,50 €", "1 000 €", "1 300 €", "02/11/2016", "03/11/2016", "Cantine"):
        assert words in text


def test_nothing_is_left_out_in_silence() -> None:
    name = "retours/luce (1).xlsx"
    many = [
        replace(
            note("montant-ambigu", name, f"constat {number}", Severity.ERREUR),
            place=Place(name, "Budget", f"F{number}"),
        )
        for number in range(PER_GROUP + 12)
    ]
    html = page(replace(consolidations.rich(), findings=tuple(many)))
    assert all(f"constat {number}<" in html for number in range(IN_FULL))
    assert f"constat {IN_FULL}<" not in html
    assert html.partition('class="also">')[2].partition("</li>")[0].count("<a ") == PER_GROUP - IN_FULL
    assert "Et 12 de plus" in html
    alike = tuple(replace(finding, place=many[0].place) for finding in many)
    also = page(replace(consolidations.rich(), findings=alike)).partition('class="also">')[2].partition("</li>")[0]
    assert also.count("<a ") == 1, "a cell is named once"


def test_findings_alike_are_one_with_all_their_cells() -> None:
    name = "retours/luce (1).xlsx"
    first = note("montant-ambigu", name, "Deux lectures de « 1.234 ».", Severity.ERREUR, bloquant=True)
    many = tuple(replace(first, place=Place(name, "Budget", f"F{row}")) for row in range(6, 18))
    html = page(replace(consolidations.rich(), findings=many))
    assert html.count("Deux lectures de") == 1
    spots = html.partition('<ul class="spots">')[2].partition("</ul>")[0]
    assert [spots.count(f"Budget, F{row}<") for row in range(6, 18)] == [1] * 12
    assert "12\u00a0constats bloquants" in html.partition('class="verdict')[2].partition("</p>")[0]


def test_the_parts_of_a_bar_add_up_to_100() -> None:
    thirds = stacked([("un", 1, 1), ("deux", 1, 2), ("trois", 1, 3), ("rien", 0, 4)])
    assert [part["share"] for part in thirds] == ["34\u00a0%", "33\u00a0%", "33\u00a0%"]
    for counts in ((1, 199), (7, 7, 7, 1), (1, 1, 1, 1, 1, 1), (999, 1), (5,)):
        assert sum(percentages(counts)) == 100
        assert all(
            abs(part - 100 * count / sum(counts)) < 1 for part, count in zip(percentages(counts), counts, strict=True)
        )
    assert percentages((0, 0)) == [0, 0]
    assert stacked([("a", 999, 1), ("b", 1, 2)])[1]["share"] == "moins de 1\u00a0%"


def test_a_thousand_partners_make_a_page_that_a_phone_opens() -> None:
    everything = busy()
    start = time.process_time()
    html = page(everything)
    took = time.process_time() - start
    assert len(html.encode()) < 3_000_000
    assert took < 10
    spots = re.findall(r'<ul class="spots">.*?</ul>', html, re.DOTALL)
    told = sum(spot.count("<a class") for spot in spots)
    assert told == PER_PAGE
    untold = sum(int(text.replace("\u202f", "")) for text in re.findall(r"Et ([\d\u202f]+) de plus, dans", html))
    untold += sum(int(text) for text in re.findall(r'<b class="counted">(\d+)</b>', html))
    assert told + untold == len(everything.findings)
    blocking = [finding for finding in everything.findings if finding.bloquant]
    assert len(blocking) == 500
    assert len(re.findall(r"bloquant</span>", html)) >= 200  # 100 partners, two codes each
    assert all(f">Partenaire {rank}</bdi>" in html for rank in range(1_000))


def test_signs_that_are_none_are_seen_and_turn_nothing() -> None:
    html = page(hostile())
    assert not re.search("[\0-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html.replace("\n", ""))
    assert visible("a\u202eb\0c\ud800d\n") == "a\ufffdb\ufffdc\ufffdd\n"


@pytest.mark.parametrize(
    ("fichier", "expected"),
    [
        ("retours/été n°1.xlsx", "../retours/%C3%A9t%C3%A9%20n%C2%B01.xlsx"),
        ("constats/50% #2?.xlsx", "../constats/50%25%20%232%3F.xlsx"),
        ("javascript:alert(1)", "../javascript%3Aalert%281%29"),
        ("retours/\udce9t\udce9.xlsx", "../retours/%E9t%E9.xlsx"),  # a name in Latin-1, as Linux gives it
        ("retours/\ud800.xlsx", "../retours/%3F.xlsx"),
    ],
)
def test_links_are_encoded(fichier: str, expected: str) -> None:
    assert href(fichier) == expected


def test_french_spaces() -> None:
    assert typeset("Trouvé « 3 » : attendu 12 421 135 € ; pourquoi ?") == (
        "Trouvé «\u00a03\u00a0»\u00a0: attendu 12\u202f421\u202f135\u00a0€\u202f; pourquoi\u202f?"
    )
    assert signed(-350_50) == "−350,50\u00a0€"


def refusal(template: Path) -> Finding:
    with pytest.raises(TabellionError) as refused:
        render_report(consolidations.small(), template)
    (finding,) = refused.value.findings
    assert finding.code == "gabarit-faux"
    return finding


@pytest.mark.parametrize(
    ("source", "ligne", "message"),
    [
        ("<head></head>\n\n{{ page.titre }}", 3, "« titre »"),
        ("<head></head>\n{{ rien }}", 2, "« rien »"),
        ("<head></head>\n{{ page.title | majuscules }}", 2, "« majuscules »"),
        ("<head></head>\n{% if page %}\n{{ page.title }", 3, "{{ page.title }"),
        ("<head></head>\n{{ page.__class__.__mro__ }}", 2, "pas permise"),
        ("<head></head>\n\n{{ 1 / 0 }}", 3, "impossible"),
        ("<head></head>\n{% include 'autre.html' %}", 2, "« autre.html »"),
        ("<header>{{ page.title }}</header>", None, "<head>"),
    ],
)
def test_a_wrong_template_is_said_with_its_line(tmp_path: Path, source: str, ligne: int | None, message: str) -> None:
    template = tmp_path / "rapport.html"
    template.write_text(source, encoding="utf-8")
    finding = refusal(template)
    assert (finding.place.fichier, finding.place.ligne) == (str(template), ligne)
    assert message in finding.message


def test_a_template_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    template = tmp_path / "rapport.html"
    assert "n'existe pas" in refusal(template).message
    template.write_bytes(b"<head>\xe9</head>")
    assert "UTF-8" in refusal(template).message


def test_a_city_may_write_its_own_page(tmp_path: Path) -> None:
    (tmp_path / "rapport.html").write_text("<head></head>{% include 'tete.html' %}", encoding="utf-8-sig")
    (tmp_path / "tete.html").write_text("<h1>{{ page.title }}</h1><style>h1{color:red}</style>", encoding="utf-8")
    hostile_title = replace(consolidations.small().contract.settings, titre="<b>")
    contract = replace(consolidations.small().contract, settings=hostile_title)
    html = render_report(replace(consolidations.small(), contract=contract), tmp_path / "rapport.html").decode()
    assert "<h1>&lt;b&gt;</h1>" in html
    assert "default-src 'none'" in html
    assert "style-src 'sha256-" in html


# In a real browser.

needs_browser = pytest.mark.skipif(program() is None, reason="no Chromium on this machine")

#: Every text that shows and whose contrast with the ground behind it is too small (WCAG 2.1, 1.4.3).
_LOW_CONTRAST = """(() => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = node => {
    for (let each = node; each; each = each.parentElement) {
      const colour = numbers(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
      if (colour[3] !== 0) throw new Error("half transparent ground");
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
  };
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const text = walker.currentNode, node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility() || node.closest("script, .hidden")) continue;
    const style = getComputedStyle(node), size = parseFloat(style.fontSize);
    const ink = numbers(style.color);
    if (ink.length === 4 && ink[3] !== 1) throw new Error("half transparent ink");
    const [high, low] = [light(ink), light(ground(node))].sort((a, b) => b - a);
    const ratio = (high + .05) / (low + .05), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    seen += 1;
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${text.data.trim().slice(0, 40)}`);
  }
  if (seen < 50) throw new Error("too few texts seen: " + seen);
  return found;
})()"""
#: What is wider than the window, and targets under 24 CSS pixels (WCAG 2.2, 2.5.8).
_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_OUTSIDE = """[...document.querySelectorAll("main *, header *, nav *")].filter(each => {
  const box = each.getBoundingClientRect();
  if (!each.checkVisibility() || each.closest(".hidden, .stacking thead, svg")) return false;
  return box.width > 0 && (box.right > innerWidth + .5 || box.left < -.5);
}).map(each => each.outerHTML.slice(0, 80))"""
_SMALL_TARGETS = """[...document.querySelectorAll("a:not(.skip), summary, input, button")].filter(each => {
  const box = each.getBoundingClientRect();
  return each.checkVisibility() && !each.closest("[hidden]") && (box.height < 24 || box.width < 24);
}).map(each => each.outerHTML.slice(0, 80))"""
_OPEN_ALL = 'document.querySelectorAll("details").forEach(each => { each.open = true; })'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    running = Browser()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("rapport")
    built = {"riche": consolidations.rich(), "petit": consolidations.small(), "hostile": hostile()}
    for name, consolidation in built.items():
        (folder / f"{name}.html").write_bytes(render_report(consolidation, TEMPLATE))
    return {name: folder / f"{name}.html" for name in built}


@needs_browser
@pytest.mark.parametrize("name", ["riche", "petit", "hostile"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_every_width(browser: Browser, pages: dict[str, Path], name: str, dark: bool) -> None:
    with browser.page(pages[name], dark=dark) as shown:
        shown.evaluate(_OPEN_ALL)
        for width in WIDTHS:
            shown.resize(width)
            assert shown.evaluate(_TOO_WIDE) == 0, width
            assert shown.evaluate("innerWidth") == width
            assert shown.evaluate(_OUTSIDE) == [], width
            assert shown.evaluate(_SMALL_TARGETS) == [], width


@needs_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_every_text_has_contrast(browser: Browser, pages: dict[str, Path], width: int, dark: bool) -> None:
    for path in pages.values():
        with browser.page(path, width=width, dark=dark) as shown:
            assert shown.evaluate('matchMedia("(prefers-color-scheme: dark)").matches') is dark
            assert shown.evaluate(_LOW_CONTRAST) == []


@needs_browser
def test_nothing_runs_and_nothing_is_asked_for(browser: Browser, pages: dict[str, Path]) -> None:
    for path in pages.values():
        with browser.page(path) as shown:
            assert shown.evaluate("typeof window.touched") == "undefined"
            assert shown.complaints == []
            assert [request for request in shown.requests if request != path.as_uri()] == []
            assert shown.evaluate("document.querySelectorAll('img, iframe, object, link, base').length") == 0
            assert shown.evaluate("document.scripts.length") == 1
            dangerous = "[...document.links].filter(each => each.protocol !== 'file:').length"
            assert shown.evaluate(dangerous) == 0


@needs_browser
def test_the_policy_stops_what_would_be_put_into_the_page(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    html = pages["petit"].read_text(encoding="utf-8")
    touched = tmp_path / "touché.html"
    touched.write_text(
        html.replace("</main>", f"<script>{RUNS}</script><p style='color:red' id=p>x</p></main>"), "utf-8"
    )
    with browser.page(touched) as shown:
        assert shown.evaluate("typeof window.touched") == "undefined"
        assert shown.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
        assert len(shown.complaints) == 2


@needs_browser
def test_headings_landmarks_and_names(browser: Browser, pages: dict[str, Path]) -> None:
    for path in pages.values():
        levels = Outline(path.read_text(encoding="utf-8")).levels
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
        with browser.page(path) as shown:
            assert shown.evaluate("document.documentElement.lang") == "fr"
            counts = (
                "['header', 'nav', 'main', 'footer'].map(each => document.querySelectorAll('body > ' + each).length)"
            )
            assert shown.evaluate(counts) == [1, 1, 1, 1]
            nameless = (
                "[...document.querySelectorAll('th')].filter(each => !each.scope || !each.textContent.trim()).length"
            )
            assert shown.evaluate(nameless) == 0
            assert shown.evaluate("[...document.links].filter(each => !each.textContent.trim()).length") == 0
            roles = {
                node["role"]["value"] for node in shown.call("Accessibility.getFullAXTree")["nodes"] if "role" in node
            }
            assert {"banner", "navigation", "main", "contentinfo", "heading"} <= roles
            if path.stem == "riche":  # stacked on a phone, tables still are tables
                assert {"table", "row", "rowheader", "columnheader", "cell"} <= roles


@needs_browser
def test_the_first_tab_stop_skips_to_the_content(browser: Browser, pages: dict[str, Path]) -> None:
    with browser.page(pages["riche"]) as shown:
        for kind in ("keyDown", "keyUp"):
            shown.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        assert shown.evaluate("document.activeElement.className") == "skip"
        assert shown.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
        assert shown.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@needs_browser
def test_the_page_says_the_same_without_scripts(browser: Browser, pages: dict[str, Path]) -> None:
    with browser.page(pages["riche"], scripts=False) as shown:
        assert shown.evaluate("document.querySelector('.filter').checkVisibility()") is False
        assert shown.evaluate("document.querySelector('.age').checkVisibility()") is False
        assert shown.evaluate(_TOO_WIDE) == 0
        shown.evaluate(_OPEN_ALL)
        names = {board_line.nom for board_line in consolidations.rich().board}
        text = " ".join(str(shown.evaluate("document.body.innerText")).split())
        assert [name for name in names if " ".join(name.split()) not in text] == []


@needs_browser
def test_the_filter_finds_partners_whatever_their_accents(browser: Browser, pages: dict[str, Path]) -> None:
    rows = "[...document.querySelectorAll('[data-nom]')]"
    visible_names = f"{rows}.filter(each => each.checkVisibility()).map(each => each.dataset.nom)"
    with browser.page(pages["riche"]) as shown:
        everyone = shown.evaluate(visible_names)
        shown.evaluate("document.getElementById('cherche').focus()")
        shown.call("Input.insertText", text="PÔLE É")
        assert shown.evaluate(visible_names) == ["pole emploi"]
        shown.evaluate("document.getElementById('cherche').value = ''")
        shown.evaluate("document.getElementById('cherche').dispatchEvent(new Event('input'))")
        assert shown.evaluate(visible_names) == everyone


@needs_browser
def test_a_link_to_findings_opens_them(browser: Browser, pages: dict[str, Path]) -> None:
    with browser.page(pages["riche"]) as shown:
        folded = shown.evaluate("[...document.querySelectorAll('.sheaf')].find(each => !each.open).id")
        shown.evaluate(f"document.querySelector('a[href=\"#{folded}\"]').click()")
        shown.evaluate("new Promise(done => setTimeout(done, 100))")
        assert shown.evaluate(f"document.getElementById('{folded}').open") is True


#: A minute passes for the page, in which nobody touches it.
_A_MINUTE_LATER = "(() => { const now = Date.now; Date.now = () => now() + 61000; })()"
_LOADED = "performance.timeOrigin"
#: It looks ten times as often whether it may load itself again: every half second.
_OFTEN = "{ const every = setInterval; window.setInterval = (act, pause) => every(act, pause / 10); }"
#: Long enough for it to look several times; and the longest that loading may take.
_WHILE_SECONDS, _AT_MOST_SECONDS = 2.0, 30.0


def loaded_again(shown: Page, seconds: float = _AT_MOST_SECONDS, after: str = "0") -> bool:
    """Whether the page loads itself again within so many seconds of this script."""
    first, until = shown.evaluate(_LOADED), time.monotonic() + seconds
    shown.evaluate(f"void ({after})")
    while time.monotonic() < until:
        time.sleep(0.1)
        if shown.evaluate(f"document.readyState === 'complete' && {_LOADED}") not in (first, False):
            return True
    return False


@needs_browser
def test_an_open_page_shows_the_new_state_where_its_reader_was(browser: Browser, tmp_path: Path) -> None:
    path, fresh = tmp_path / "rapport.html", tmp_path / "nouveau.html"
    old = consolidations.rich()
    path.write_bytes(render_report(old, TEMPLATE))
    fresh.write_bytes(render_report(replace(old, made=datetime(2016, 12, 24, 18, 0)), TEMPLATE))
    state = "[scrollY, [...document.querySelectorAll('details')].map(each => each.open)]"
    with browser.page(path, width=1280, before=_OFTEN) as shown:
        assert shown.evaluate("document.hidden") is False
        shown.evaluate("[...document.querySelectorAll('details')].forEach((each, rank) => { each.open = rank % 2; })")
        shown.evaluate("scrollTo({ top: 700, behavior: 'instant' })")
        seen = shown.evaluate(state)
        assert seen[0] == 700
        fresh.replace(path)
        assert not loaded_again(shown, _WHILE_SECONDS)  # its reader was there a moment ago
        shown.evaluate(_A_MINUTE_LATER)
        assert loaded_again(shown)
        assert shown.evaluate("document.querySelector('header time').dateTime").startswith("2016-12-24")
        assert shown.evaluate(state) == seen
        assert not loaded_again(shown, _WHILE_SECONDS)  # once
        assert shown.complaints == []
        # Back from another tab.
        shown.evaluate("(() => { const now = Date.now; Date.now = () => now() + 11000; })()")
        assert loaded_again(shown, after="document.dispatchEvent(new Event('visibilitychange'))")
        assert shown.evaluate(state) == seen


@needs_browser
def test_nothing_is_loaded_again_under_the_hands_of_its_reader(browser: Browser, pages: dict[str, Path]) -> None:
    with browser.page(pages["riche"], before=_OFTEN) as shown:
        shown.evaluate(_A_MINUTE_LATER + "; document.getElementById('cherche').value = 'p'")
        assert not loaded_again(shown, _WHILE_SECONDS)
        shown.evaluate("document.getElementById('cherche').value = ''; dispatchEvent(new Event('beforeprint'))")
        assert not loaded_again(shown, _WHILE_SECONDS)
        shown.evaluate("dispatchEvent(new Event('afterprint'))")
        assert loaded_again(shown)
    with browser.page(pages["riche"], scripts=False, before=_OFTEN) as shown:
        shown.evaluate(_A_MINUTE_LATER)
        assert not loaded_again(shown, _WHILE_SECONDS)


@needs_browser
def test_a_thousand_partners_open_at_once(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "grand.html"
    path.write_bytes(render_report(busy(), TEMPLATE))
    with browser.page(path) as shown:
        assert (
            shown.evaluate("performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart") < 10_000
        )
        assert shown.evaluate(_TOO_WIDE) == 0
        last = "[...document.querySelectorAll('.sheaf li[id]')].at(-1)"  # one of those that are only counted
        assert shown.evaluate(f"{last}.checkVisibility()") is False
        shown.evaluate(f"document.querySelector('a[href=\"#' + {last}.id + '\"]').click()")
        shown.evaluate("new Promise(done => setTimeout(done, 100))")
        assert shown.evaluate(f"{last}.checkVisibility()") is True


@needs_browser
@pytest.mark.skipif(shutil.which("pdfinfo") is None, reason="pdfinfo is not installed")
def test_it_prints_on_a4(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    with browser.page(pages["riche"], width=1280, dark=True) as shown:
        shown.pdf(tmp_path / "rapport.pdf")
    description = subprocess.run(
        ["pdfinfo", tmp_path / "rapport.pdf"], capture_output=True, text=True, check=True
    ).stdout
    size = re.search(r"Page size:\s+([\d.]+) x ([\d.]+) pts", description)
    assert size is not None
    assert [float(group) for group in size.groups()] == pytest.approx([595, 842], abs=1)
