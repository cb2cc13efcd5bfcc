"""The state of the contract put together, also where one file makes that fail: it is refused, the others count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from tabellion.campaign.assembly import Assembly, Materials, assemble
from tabellion.campaign.parsed_return import refused
from tabellion.findings import TabellionError
from tabellion.reading.reader import unforeseen

Assemble = Callable[[Materials], Assembly]


def assemble_apart(materials: Materials, assemble: Assemble = assemble) -> Assembly:
    """What ``assemble`` makes. A file that makes it fail, in whatever way, is refused, with a finding that names it.

    Raises what ``assemble`` raises where it is no file's doing.
    """
    try:
        return assemble(materials)
    except TabellionError:
        raise
    except Exception as error:  # which file nobody foresaw is found by halves: of a thousand, in some ten tries
        names = [*materials.files, *(name for name in materials.kept if name not in materials.files)]
        culprits = set() if _failure(_only(materials, ()), assemble) else _culprits(materials, names, assemble)
        if not culprits:
            raise
        findings = unforeseen(error).findings
    kept = {name: parsed for name, parsed in materials.kept.items() if name not in culprits}
    for drops_identity in (False, True):  # its partner hears of it, where that is not what is wrong
        files = dict(materials.files)
        for name in culprits & files.keys():
            parsed = files[name]
            set_aside = replace(parsed, findings=(*parsed.findings, *findings), rows=(), removed=(), saved=None)
            files[name] = refused(parsed.sha256, findings, is_readable=False) if drops_identity else set_aside
        sound = replace(materials, files=files, kept=kept)
        if drops_identity or _failure(sound, assemble) is None:
            break
    return assemble(sound)


def _only(materials: Materials, names: Collection[str]) -> Materials:
    files = {name: parsed for name, parsed in materials.files.items() if name in names}
    return replace(materials, files=files, kept={name: path for name, path in materials.kept.items() if name in names})


def _failure(materials: Materials, assemble: Assemble) -> Exception | None:
    try:
        assemble(materials)
    except Exception as error:
        return error
    return None


def _culprits(materials: Materials, names: Sequence[str], assemble: Assemble) -> set[str]:
    """The files with which ``assemble`` fails; those that only fail together are all of them."""
    if _failure(_only(materials, names), assemble) is None:
        return set()
    if len(names) == 1:
        return set(names)
    middle = len(names) // 2
    culprits = _culprits(materials, names[:middle], assemble) | _culprits(materials, names[middle:], assemble)
    return culprits or set(names)
