"""Mail addresses are where the installer's guide says, and in nothing that is published."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from support.campaign import fill
from support.contracts import ROOT
from support.program import tabellion
from tabellion.mail.collected import CollectedFile, CollectedMail, CollectedMails

SECTION = "\n[courriel]\nserveur = 'localhost'\nport = 1\nchiffrement = 'aucun'\nexpediteur = 'nous@x-secret.fr'\n"
#: What is published, by the commands that make it.
PUBLISHED = ("workbooks/export", "workbooks/publication")


def parts(content: bytes) -> Iterator[bytes]:
    """A file, and all that is in it where it is an archive."""
    yield content
    if content.startswith(b"PK\3\4"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from parts(archive.read(name))


def test_addresses_are_where_the_guide_says_and_nowhere_published(sent_copy: Path) -> None:
    workbooks, retours = sent_copy / "workbooks", sent_copy / "workbooks" / "retours"
    partners = workbooks / "registre" / "partenaires.csv"
    with partners.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with partners.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"courriel": f"p{rank}@x-secret.fr"} for rank, row in enumerate(rows))
    (workbooks / "contrat.xlsx").unlink()
    settings = sent_copy / "tabellion.toml"
    more = "equipe = ['anne@x-secret.fr']\npartenaires = true\n"
    settings.write_text(settings.read_text(encoding="utf-8") + SECTION + more, encoding="utf-8")
    filled = {"Budget": {"C": {"montant_prevu": 5}}}
    fill(workbooks / "envois" / "2016" / "luce-2016.xlsx", retours / "luce.xlsx", filled, saved=datetime(2016, 11, 2))
    sha256 = hashlib.sha256((retours / "luce.xlsx").read_bytes()).hexdigest()
    log = CollectedMails(workbooks / ".tabellion" / "releve.json")
    log.mails["1"] = CollectedMail(
        "envoyeur@x-secret.fr", "Retour", "2016-11-03T09:00:00", "<1@x-secret.fr>", [], "", is_automatic=False,
        files=[CollectedFile(sha256, "retours/luce.xlsx", is_placed=True)],
    )  # fmt: skip
    log.write()
    for command in (["generate"], ["envoyer"], ["envoyer", "--essai"], ["relances"], ["consolidate"], ["export"],
                    ["publish"], ["annexe"]):  # fmt: skip
        assert tabellion(*command, cwd=sent_copy).code in (0, 1), command
    files_with_address, all_files = set[str](), set[str]()
    for path in sent_copy.rglob("*"):
        if path.is_file():
            all_files.add(path.relative_to(sent_copy).as_posix())
            if any(b"x-secret" in part for part in parts(path.read_bytes())):
                files_with_address.add(path.relative_to(sent_copy).as_posix())
    guide = (ROOT / "templates" / "guides" / "installateur.md").read_text(encoding="utf-8")
    section = guide.split("## Les données personnelles")[1].split("\n## ")[0]
    places = [place.rstrip("/") for place in re.findall(r"`([^`]+)`", section)]
    assert {
        path for path in files_with_address if not any(f"{path}/".startswith(f"{place}/") for place in places)
    } == set()
    for place in PUBLISHED:
        assert any(path.startswith(f"{place}/") for path in all_files), place
        assert not any(path.startswith(f"{place}/") for path in files_with_address)
    assert any(path.startswith("workbooks/.tabellion/courriers") for path in files_with_address)
