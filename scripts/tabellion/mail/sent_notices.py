"""What notices were sent: a small file, written whole, that nothing but its loss can make forget.

``avis.json``: by the key of a notice, its state (``en attente``, ``en cours``, ``envoyé``, ``incertain``, ``tenu pour
envoyé``), its recipient, the file's name, when, and for those that wait how many attempts were made and until when.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tabellion.transaction.manifest import write_json

_VERSION = 1
_WAITING, _UNDER_WAY, _DOUBTFUL = "en attente", "en cours", "incertain"
_STATES = {_WAITING, _UNDER_WAY, _DOUBTFUL, "envoyé", "tenu pour envoyé"}
_ASIDE = "-abimes"


class Ledger:
    """The notices known to this workspace; one process at a time uses it. Only what says so raises ``OSError``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._notices: dict[str, dict[str, Any]] = {}
        self._is_open = False
        self._interrupted: list[tuple[str, str]] = []

    def open(self) -> Path | None:
        """Read the file, the first time; where it was damaged, what it was set aside as. Raises ``OSError``."""
        if self._is_open:
            return None
        aside = None
        try:
            self._notices = _read(self.path)
        except FileNotFoundError:
            pass
        except ValueError:
            aside = self.path.with_name(f"{self.path.stem}{_ASIDE}{self.path.suffix}")
            self.path.replace(aside)
        self._is_open = True
        for each in self._notices.values():
            if each["etat"] == _UNDER_WAY:
                each["etat"] = _DOUBTFUL
                self._interrupted.append((each["a"], each["fichier"]))
        if self._interrupted:
            self.write()
        return aside

    def take_interrupted(self) -> list[tuple[str, str]]:
        """The notices that were being sent when the program was stopped: recipient and file; each is said once."""
        interrupted, self._interrupted = self._interrupted, []
        return interrupted

    def is_done(self, key: str) -> bool:
        """Whether a notice is not to be sent any more."""
        return key in self._notices and self._notices[key]["etat"] != _WAITING

    def waits_until(self, key: str, now: datetime, longest: timedelta) -> datetime:
        """When the next attempt may be made: ``now`` when nothing keeps it, or the clock was moved back."""
        text = self._notices.get(key, {}).get("prochain")
        until = datetime.fromisoformat(text) if text else now
        return until if until - now <= longest else now

    def attempts(self, key: str) -> int:
        """How many attempts were made in vain."""
        return int(self._notices.get(key, {}).get("essais", 0))

    def note(self, key: str, state: str, recipient: str, fichier: str, now: datetime) -> None:
        """Note the state of a notice; :meth:`write` then keeps it."""
        before = {"essais": self.attempts(key)} if state == _UNDER_WAY else {}
        self._notices[key] = {"etat": state, "a": recipient, "fichier": fichier, "le": _moment(now), **before}

    def postpone(self, key: str, recipient: str, fichier: str, until: datetime) -> None:
        """Note an attempt in vain, and when to make the next."""
        said = {"etat": _WAITING, "a": recipient, "fichier": fichier, "prochain": _moment(until)}
        self._notices[key] = {**said, "essais": self.attempts(key) + 1}

    def take_back(self, key: str) -> None:
        """A notice that was being sent was not: it waits again, as before."""
        each = self._notices[key]
        self.postpone(key, each["a"], each["fichier"], datetime.fromisoformat(each["le"]))
        self._notices[key]["essais"] -= 1

    def forget_waiting(self, but: Collection[str]) -> None:
        """Forget those that wait and that nothing calls for any more."""
        self._notices = {
            key: each for key, each in self._notices.items() if each["etat"] != _WAITING or key in but
        }  # fmt: skip

    def write(self) -> None:
        """Keep everything noted; raises ``OSError``."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, {"version": _VERSION, "avis": self._notices})


def _moment(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The notices in the file; raises ``ValueError`` where it is not what is written here, and ``OSError``."""
    try:
        said = json.loads(path.read_bytes())
        if said["version"] != _VERSION:
            raise ValueError
        notices = {}
        for key, each in said["avis"].items():
            if each["etat"] not in _STATES:
                raise ValueError
            notice = {"etat": each["etat"], "a": str(each["a"]), "fichier": str(each["fichier"])}
            if each["etat"] == _WAITING:
                notice |= {"prochain": _moment(datetime.fromisoformat(each["prochain"])), "essais": int(each["essais"])}
            else:
                notice |= {"le": str(each["le"])}
            notices[key] = notice
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError from error
    return notices
