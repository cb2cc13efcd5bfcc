"""Shortcuts on a desktop: a file or a folder that opens with a double click, as each system has them. Pure."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from urllib.parse import quote

WINDOWS, MACOS, LINUX = "Windows", "Darwin", "Linux"


def desktop_folder(system: str, home: Path, user_dirs: str = "") -> Path:
    """The folder of a person's desktop; ``user_dirs`` is the text of ``~/.config/user-dirs.dirs`` (xdg-user-dirs)."""
    named = re.search(r'^XDG_DESKTOP_DIR="(?:\$HOME/)?([^"]*)"', user_dirs, re.MULTILINE) if system == LINUX else None
    if named is not None:
        return home / named[1]
    names = ("OneDrive/Bureau", "OneDrive/Desktop", "Desktop") if system == WINDOWS else ("Desktop", "Bureau")
    return next((home / name for name in names if (home / name).is_dir()), home / "Desktop")


def shortcut(system: str, name: str, target: PurePath) -> tuple[str, bytes]:
    """The file name and the content of a shortcut to ``target``: ``.url``, ``.webloc`` or ``.desktop``."""
    address = file_address(target)
    if system == WINDOWS:
        return f"{name}.url", f"[InternetShortcut]\r\nURL={address}\r\n".encode("ascii")
    if system == MACOS:
        return f"{name}.webloc", plistlib.dumps({"URL": address})
    icon = "folder" if not target.suffix else "x-office-spreadsheet" if target.suffix == ".xlsx" else "text-html"
    fields: Mapping[str, str] = {"Type": "Link", "Name": name, "URL": address, "Icon": icon}
    lines = ["[Desktop Entry]", *(f"{key}={value}" for key, value in fields.items()), ""]
    return f"{name}.desktop", "\n".join(lines).encode()


def file_address(target: PurePath) -> str:
    """``target`` as a ``file:`` address (RFC 8089), in ASCII; a share as ``file://serveur/partage/…``."""
    path = target.as_posix()
    if path.startswith("//"):
        return "file:" + quote(path)
    return "file://" + quote(path if path.startswith("/") else f"/{path}", safe="/:")
