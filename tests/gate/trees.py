"""The two programs that are compared: that of a commit, taken out of git, and a copy of the working tree."""

from __future__ import annotations

import hashlib
import io
import platform
import shutil
import subprocess
import tarfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The last commit whose outputs were meant to change: what comes after is compared with it.
BASE = "bb250d2f9f35254310cd7f4fda3b7bf5e4040673"
#: What a program needs to run, and to make a contract.
KIT = ("scripts", "schemas", "templates", "tabellion.toml", "workbooks/registre")
DOCUMENT = ROOT.parent / "shared" / "source" / "conventions-thematiques-2015-2020.txt"


def full_hash(commit: str) -> str:
    """The whole hash of a commit; raises ``LookupError`` when git does not know it."""
    done = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    if done.returncode:
        raise LookupError(commit)
    return done.stdout.decode().strip()


def take_commit(commit: str, folder: Path) -> None:
    """Write the program of a commit into ``folder``."""
    done = _git("archive", commit, *KIT)
    if done.returncode:
        raise LookupError(done.stderr.decode())
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def take_working_tree(folder: Path) -> None:
    """Copy the program as it is now, so that an edit during the run changes nothing."""
    for name in KIT:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)


def digest_of_gate() -> str:
    """What the outputs depend on besides the program: the gate's own files, the published document, the libraries."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    kinds = (".py", ".csv", ".toml")
    files = [path for path in sorted(here.rglob("*")) if path.suffix in kinds and path.name not in _NO_MATTER]
    for path in [*files, *([DOCUMENT] if DOCUMENT.exists() else [])]:
        digest.update(path.relative_to(here).as_posix().encode() if path != DOCUMENT else b"document")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for name in ("python", *_LIBRARIES):
        digest.update(f"{name} {platform.python_version() if name == 'python' else version(name)}\n".encode())
    return digest.hexdigest()


#: The libraries that write bytes of the outputs, or words of the messages.
_LIBRARIES = ("pandas", "pandera", "xlsxwriter", "openpyxl", "python-calamine", "jinja2", "typer", "rich")
#: What compares and prints, and makes nothing.
_NO_MATTER = {"intended.toml", "compare.py", "report.py", "__main__.py"}


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
