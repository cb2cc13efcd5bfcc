"""What is never a return though it lies among them: bins, snapshots, marks and remains of systems and transfers.

The one list of them, for the run, the watcher and ``validate``. Names are compared whole, without case: a folder that a
person named merely alike counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import translate
from functools import lru_cache
from itertools import groupby

from tabellion.findings import Finding, Place, finding
from tabellion.wording import plural, shortened


class LeftoverKind(Enum):
    """Why a name is no return, in the words of a sentence that names some."""

    BIN = "corbeilles, anciennes versions et dossiers de service d'un serveur ou d'une synchronisation"
    ELSEWHERE = "raccourcis et fichiers restés en ligne"
    TRANSFER = "transferts inachevés ou leurs traces"
    BACKUP = "copies de secours d'un logiciel"
    SYSTEM = "fichiers d'un système"
    TOO_DEEP = "dossiers dont le chemin est plus long que le système ne l'accepte"
    OPEN = "marques d'un fichier ouvert"
    """They come and go with whoever opens a file: nothing is said of them."""


#: Names as ``fnmatch`` has them, in lower case, of folders and of files; the first that fits tells the kind.
_FOLDERS: tuple[tuple[LeftoverKind, tuple[str, ...]], ...] = (
    (LeftoverKind.BIN, (
        # Bins: Synology and QNAP, Windows, Linux, macOS and AFP, Buffalo, Nextcloud.
        "#recycle", "@recycle", "$recycle.bin", "recycler", "recycled", ".recycle", ".trash", ".trash-*", ".trashes",
        "network trash folder", "trashbox", "files_trashbin",
        # Snapshots and versions: NetApp, Synology, QNAP, ZFS, Samba's previous versions, Syncthing, Nextcloud.
        ".snapshot", ".snapshots", "~snapshot", "#snapshot", "@recently-snapshot", "@sharesnap", ".zfs", "@gmt-*",
        ".stversions", "files_versions",
        # What servers and sync clients keep for themselves.
        "@eadir", "@tmp", "@synologydrive", "@sharebin", ".stfolder", ".sync", ".dropbox.cache", ".tmp.driveupload",
        ".tmp.drivedownload", ".csync", "_gsdata_", "sync.ffs_db",
    )),
    (LeftoverKind.SYSTEM, (
        "lost+found", "found.[0-9][0-9][0-9]", "system volume information", "__macosx", "temporary items",
        "*.download", ".*",
    )),
)  # fmt: skip
_FILES: tuple[tuple[LeftoverKind, tuple[str, ...]], ...] = (
    (LeftoverKind.OPEN, ("~$*", ".~lock.*", "*#")),
    (LeftoverKind.ELSEWHERE, (
        "*.lnk", "*.url", "*.webloc", "*.desktop", "*.website", "*.gsheet", "*.gdoc", "*.glink",
        "*.icloud", "*.nextcloud", "*.owncloud", "*.cloud", "*.cloudf",
    )),
    (LeftoverKind.TRANSFER, (
        "*.part", "*.partial", "*.filepart", "*.crdownload", "*.download", "*.opdownload", "*.fdmdownload", "*.aria2",
        "*.incomplete", "*.uploading", "*.!sync", "*.!qb", "*.!ut", "*.bts", "*.tmp", "*.ffs_tmp",
        # Excel saves under eight hexadecimal digits, then gives the file its name.
        "[0-9a-f]" * 8,
        # Second streams of a file, where they became files: Windows, macOS, Synology.
        "*zone.identifier", "*:smartscreen", "*:encryptable", "*:$data", "*:afp_*", "*:com.apple.*",
        "*@synoeastream", "*@synoresource",
    )),
    (LeftoverKind.BACKUP, ("*~", "*.bak", "*.swp", "*.xlk", "*.wbk", "*.asd")),
    (LeftoverKind.SYSTEM, (
        "thumbs.db", "ehthumbs.db", "ehthumbs_*.db", "desktop.ini", "autorun.inf", "icon\r", "*.ffs_db", "*.ffs_lock",
        ".*",
    )),
)  # fmt: skip
#: Characters of a name that are shown: of a longer path, its end says nothing that its start does not.
_SHOWN = 120
#: Names that one kind is said with.
_NAMED = 3


@dataclass(frozen=True)
class Leftover:
    """A file or folder found that is no return: its name from the folder of the returns, and why."""

    name: str
    kind: LeftoverKind


@lru_cache(maxsize=4096)
def leftover_kind(name: str, *, is_folder: bool) -> LeftoverKind | None:
    """Why a file or folder of that name is no return, nor holds any; ``None`` where it may."""
    low = name.casefold()
    return next((kind for kind, pattern in _PATTERNS[is_folder] if pattern.match(low)), None)


_PATTERNS = {
    is_folder: tuple((kind, re.compile("|".join(map(translate, names)))) for kind, names in kinds)
    for is_folder, kinds in ((True, _FOLDERS), (False, _FILES))
}


def leftover_findings(leftovers: list[Leftover], folder: str | None = None) -> list[Finding]:
    """What there is to say, once, of all that was passed over in ``folder``."""
    elsewhere = [leftover for leftover in leftovers if leftover.kind is LeftoverKind.ELSEWHERE]
    ignored = [leftover for leftover in leftovers if leftover.kind not in (LeftoverKind.ELSEWHERE, LeftoverKind.OPEN)]
    place, findings = Place(folder), list[Finding]()
    if elsewhere:
        count = plural(len(elsewhere), "élément")
        findings.append(finding("fichier-ailleurs", place, valeur=_words(elsewhere), compte=count))
    if ignored:
        count = plural(len(ignored), "élément")
        findings.append(finding("restes-ignores", place, valeur=_words(ignored), compte=count))
    return findings


def _words(leftovers: list[Leftover]) -> str:
    order = list(LeftoverKind)
    ordered = sorted(leftovers, key=lambda leftover: (order.index(leftover.kind), leftover.name))
    sentences = []
    for kind, group in groupby(ordered, key=lambda leftover: leftover.kind):
        names = [leftover.name for leftover in group]
        more = [f"et {plural(len(names) - _NAMED, 'autre')}"] if len(names) > _NAMED else []
        named = [f"« {shortened(name, _SHOWN)} »" for name in names[:_NAMED]]
        sentences.append(f"{kind.value} ({', '.join([*named, *more])})")
    return " ; ".join(sentences)
