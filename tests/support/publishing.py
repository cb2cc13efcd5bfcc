"""Two sets of outputs, the old one in place and the new one to publish: what faults are injected into, alone here."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path

from tabellion.findings import TabellionError
from tabellion.transaction import Content, Copy, History, publish, recover

NOW = datetime(2016, 12, 1, 2, 15)
LAST_NIGHT = datetime(2016, 11, 30, 2, 15)
RETURN = b"a return, as its partner sent it" * 100
BEFORE = {
    "consolidation/consolidation.xlsx": b"old workbook" * 1000,
    "consolidation/rapport.html": b"same report",
    "consolidation/registre/fiches.csv": b"old fiches",
    "constats/vieux.xlsx": b"a copy that has no reason to be any more",
}
AFTER = {
    "consolidation/consolidation.xlsx": b"new workbook" * 1000,
    "consolidation/rapport.html": b"same report",
    "consolidation/registre/fiches.csv": b"new fiches",
    "consolidation/acceptes/2016/ville.xlsx": RETURN,
}
#: What stays of the old set: the members of the history, under their names in it.
KEPT = {
    "consolidation.xlsx": BEFORE["consolidation/consolidation.xlsx"],
    "rapport.html": BEFORE["consolidation/rapport.html"],
    "registre/fiches.csv": BEFORE["consolidation/registre/fiches.csv"],
}
INPUTS = {"retours/ville.xlsx": RETURN, "contrat.xlsx": b"the master", "constats/notes.txt": b"somebody's own"}


def fill(workbooks: Path) -> None:
    """A workspace's folder with the old outputs, made last night, and inputs."""
    for name, content in (BEFORE | INPUTS).items():
        path = workbooks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (LAST_NIGHT.timestamp(), LAST_NIGHT.timestamp()))


def staging(workbooks: Path) -> Path:
    return workbooks / ".tabellion" / "publication"


def history(workbooks: Path, keep: int = 30) -> History:
    folder = workbooks / "consolidation"
    members = tuple(folder / name for name in ("consolidation.xlsx", "rapport.html", "registre"))
    return History(folder / "historique", members, keep=keep)


def put(workbooks: Path, new: dict[str, Content] | None = None, now: datetime = NOW, keep: int = 30) -> list[str]:
    """Publish the new set over what is there; the codes of what was said."""
    outputs: dict[str, Content] = {**AFTER, **(new or {})}
    if new is None:
        digest = hashlib.sha256(RETURN).hexdigest()
        outputs["consolidation/acceptes/2016/ville.xlsx"] = Copy(workbooks / "retours" / "ville.xlsx", digest)
    findings = publish(
        workbooks,
        staging(workbooks),
        {workbooks / name: content for name, content in outputs.items()},
        [workbooks / "constats" / "vieux.xlsx"],
        history(workbooks, keep),
        now=now,
    )
    return [finding.code for finding in findings]


def come_back(workbooks: Path) -> list[str]:
    return [finding.code for finding in recover(workbooks, staging(workbooks), now=NOW)]


def publish_new(workbooks: Path) -> int:
    """Publish the new set and print the codes of what it has to say; the exit code is 2 where it could not."""
    try:
        print(*put(workbooks))
    except TabellionError as error:
        print(*(finding.code for finding in error.findings))
        return 2
    return 0
