"""A partner that several contracts have under different names: the same SIRET or RNA, or nearly the same words. Pure.

Only what is said differently is a finding. Bodies that every town has (« CCAS ») are one each, whatever their words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tabellion.findings import Finding, finding
from tabellion.portfolio.common_names import CommonNames
from tabellion.portfolio.compared import ContractCell, by_region, contracts_of, links, most_common, names_of
from tabellion.portfolio.rows import PortfolioTables
from tabellion.wording import fold

#: Numbers that only one body has, with their words.
_NUMBERS = {"siret": "SIRET", "rna": "RNA"}
#: A word with fewer letters is another word when one of them differs: « parc », « port ».
_FEWEST_LETTERS = 8


@dataclass(frozen=True, slots=True)
class _NamedPartner:
    spot: ContractCell
    name: str
    key: str
    numbers: tuple[str | None, ...]


def shared_partners(tables: PortfolioTables, names: CommonNames) -> Iterator[Finding]:
    """The partners under several names: those that a number proves, then those whose names are nearly the same."""
    partners = [
        _NamedPartner(
            ContractCell(tables.contracts[row.contrat], row), row.values["nom"], names.partner_key(row.values["nom"]),
            tuple(row.values.get(number) for number in _NUMBERS),
        )
        for row in tables.rows("partenaires", ("nom", *_NUMBERS))
        if row.values.get("nom")
    ]  # fmt: skip
    proven: set[tuple[str, str]] = set()
    for position, words in enumerate(_NUMBERS.values()):
        by_number: defaultdict[str, list[_NamedPartner]] = defaultdict(list)
        for partner in partners:
            if number := partner.numbers[position]:
                by_number[number].append(partner)
        for number, group in by_number.items():
            for reference, others in _named_otherwise(group):
                spelling = (fold(reference.name), fold(others[0].name))
                if spelling not in proven:
                    proven.add(spelling)
                    yield _finding("partenaire-autrement-nomme", reference, others, f"le même {words} ({number})")
    specific = [partner for partner in partners if not names.is_generic(partner.key)]
    for group in _alike(specific):
        for part in by_region(group):
            for reference, others in _named_otherwise(part):
                if (fold(reference.name), fold(others[0].name)) not in proven and not _apart(reference, others[0]):
                    yield _finding("partenaire-peut-etre-le-meme", reference, others, "presque le même nom")


def _named_otherwise(group: Sequence[_NamedPartner]) -> Iterator[tuple[_NamedPartner, list[_NamedPartner]]]:
    """Of one body, each name that is not the one that most contracts use, with its partners, beside one of that one.

    A spelling that differs by case, accents or signs is the same name; so is all that stands in one contract alone.
    """
    if len(contracts_of(group)) < 2:
        return
    by_name: defaultdict[str, list[_NamedPartner]] = defaultdict(list)
    for partner in group:
        by_name[fold(partner.name)].append(partner)
    usual = most_common(fold(partner.name) for partner in group)
    for name, others in by_name.items():
        reference = next(
            (
                partner
                for partner in by_name[usual]
                if partner.spot.contract.identifiant != others[0].spot.contract.identifiant
            ),
            None,
        )
        if name != usual and reference is not None:
            yield reference, others


def _apart(first: _NamedPartner, second: _NamedPartner) -> bool:
    """Whether two partners have numbers of the same kind that differ: they are two."""
    return any(
        number and other and number != other for number, other in zip(first.numbers, second.numbers, strict=True)
    )


def _alike(partners: Iterable[_NamedPartner]) -> Iterator[list[_NamedPartner]]:
    """Partners whose names have the same words, or words of which one lacks, has too much or mistypes one letter.

    A name meets another by what is left of it without one letter: as many keys as it has letters, no pairs.
    """
    by_key: defaultdict[str, list[_NamedPartner]] = defaultdict(list)
    for partner in partners:
        by_key[partner.key].append(partner)
    families = {key: key for key in by_key}

    def root(key: str) -> str:
        while families[key] != key:
            families[key] = families[families[key]]
            key = families[key]
        return key

    meeting: dict[str, str] = {}
    for key in by_key:
        for shorter in _without_a_letter(key):
            other = meeting.setdefault(shorter, key)
            if other != key and _one_slip(key, other):
                families[root(key)] = root(other)
    groups: defaultdict[str, list[_NamedPartner]] = defaultdict(list)
    for key, namesakes in by_key.items():
        groups[root(key)] += namesakes
    yield from groups.values()


def _without_a_letter(key: str) -> Iterator[str]:
    """The key, and what is left of it without one letter of one of its long words."""
    yield key
    start = 0
    for word in key.split(" "):
        if len(word) >= _FEWEST_LETTERS and word.isalpha():
            for position in range(start, start + len(word)):
                yield key[:position] + key[position + 1 :]
        start += len(word) + 1


def _one_slip(first: str, second: str) -> bool:
    """Whether two keys have the same words but for one, a long one in both, that begins alike."""
    ones, others = set(first.split()), set(second.split())
    left, right = ones - others, others - ones
    if len(left) != 1 or len(right) != 1:
        return False
    (word,), (near,) = left, right
    return word[:2] == near[:2] and min(len(word), len(near)) >= _FEWEST_LETTERS - 1


def _finding(code: str, reference: _NamedPartner, others: Sequence[_NamedPartner], why: str) -> Finding:
    first = others[0]
    return finding(
        code, first.spot.place, champ="nom", valeur=first.name, attendu=reference.name,
        liees=links([reference, *others[1:]]), contrat=names_of([reference.spot.contract]), raison=why,
    )  # fmt: skip
