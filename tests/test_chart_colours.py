"""The colours of charts stay apart, also for people who see no red or no green, and from their white ground."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from support.every_kind import content_of
from support.masters import Package, theme
from tabellion.layout.theme import contrast

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

#: What an eye sees of linear red, green and blue (Machado, Oliveira and Fernandes 2009, severity 1).
EYES: dict[str, Matrix] = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}
_XYZ: Matrix = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_WHITE = (0.95047, 1.0, 1.08883)
#: Differences under this are hard to tell in a legend; shapes need this contrast with their ground (WCAG 2.1, 1.4.11).
APART, SHAPES = 15.0, 3.0


def _times(matrix: Matrix, vector: Triple) -> Triple:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def lab(colour: str, eye: Matrix) -> Triple:
    """A colour (``#RRGGBB``) as an eye sees it, in CIELAB."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    seen = _times(eye, (red, green, blue))
    light = _times(_XYZ, (max(0.0, seen[0]), max(0.0, seen[1]), max(0.0, seen[2])))
    x, y, z = (
        (share ** (1 / 3) if share > 216 / 24389 else (24389 / 27 * share + 16) / 116)
        for share in (part / white for part, white in zip(light, _WHITE, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(first: Triple, second: Triple) -> float:
    """CIEDE2000 (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn) / 2)
    h = (h1 + h2) / 2 if abs(h1 - h2) <= 180 else (h1 + h2 + 360) / 2
    light, c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1 - 0.17 * math.cos(math.radians(h - 30)) + 0.24 * math.cos(math.radians(2 * h))
        + 0.32 * math.cos(math.radians(3 * h + 6)) - 0.2 * math.cos(math.radians(4 * h - 63))
    )  # fmt: skip
    sl = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    turned = math.sin(math.radians(60 * math.exp(-(((h % 360 - 275) / 25) ** 2))))
    rt = -2 * math.sqrt(c**7 / (c**7 + 25**7)) * turned
    parts = (l2 - l1) / sl, (c2 - c1) / sc, hue / sh
    return math.sqrt(sum(part**2 for part in parts) + rt * parts[1] * parts[2])


def test_the_difference_is_that_of_its_authors() -> None:
    pairs = (
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    )  # from their table 1
    assert [difference(one, other) for one, other, _ in pairs] == [
        pytest.approx(delta, abs=1e-4) for *_, delta in pairs
    ]


@pytest.mark.parametrize("eye", EYES)
def test_series_stay_apart(eye: str) -> None:
    colours = (*theme().series, theme().unknown)
    alike = {
        pair: round(distance, 1)
        for pair in combinations(colours, 2)
        if (distance := difference(lab(pair[0], EYES[eye]), lab(pair[1], EYES[eye]))) < APART
    }
    assert alike == {}


def test_series_stay_apart_from_their_ground() -> None:
    colours = (*theme().series, theme().unknown)
    assert {colour: ratio for colour in colours if (ratio := contrast(colour, "#FFFFFF")) < SHAPES} == {}


def test_what_is_not_known_is_grey_and_titles_have_units() -> None:
    charts = [part.decode() for name, part in Package(content_of("consolidation")).parts.items() if "/chart" in name]
    titles = ["".join(chart.split("<a:t>")[1:2]).partition("</a:t>")[0] for chart in charts if "<c:chartSpace" in chart]
    assert titles
    assert [title for title in titles if not title.endswith(("(€)", "(nombre)", "montré (€)"))] == []
    (progress,) = (chart for chart in charts if "avancement" in chart)
    assert progress.count(theme().unknown.lstrip("#")) == 1
