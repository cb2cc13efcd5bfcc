"""Workbooks encrypted by the password that Excel knows by itself: it opens them without asking, and so are they read.

Excel encrypts so what is only protected against changes. Source: [MS-OFFCRYPTO], 2.3.4.10 to 2.3.4.15 (agile
encryption, AES in CBC mode); AES: FIPS 197.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Callable, Mapping
from functools import cache, partial

from tabellion.findings import TabellionError
from tabellion.reading.compound import OLE2, CompoundFile
from tabellion.reading.limits import MIB
from tabellion.reading.xml_parts import normalised_xml, parse

_PASSWORD = "VelvetSweatshop".encode("utf-16-le")
_HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}
#: What the key of each part is derived with.
_INPUT, _VALUE, _KEY = (
    bytes.fromhex(text) for text in ("fea7d2763b4b9e79", "d7aa0f6d3061344e", "146e0be7abacd0d6")
)  # fmt: skip
_BLOCK, _SEGMENT = 16, 4096
#: More rounds than any program asks, and more bytes than are decrypted within the time.
_MOST_ROUNDS, _MOST_BYTES, _HEAD_BYTES = 1_000_000, 2 * MIB, 65_536


def without_default_password(data: bytes) -> bytes:
    """The workbook inside ``data``, where it is encrypted by Excel's own password; else ``data`` as it is."""
    if not data.startswith(OLE2) or len(data) > _MOST_BYTES:
        return data
    try:
        return _decrypted(CompoundFile(data)) or data
    except (KeyError, ValueError, IndexError, struct.error, binascii.Error, TabellionError):
        return data  # encrypted in another way, or not at all: its refusal says so


def _decrypted(file: CompoundFile) -> bytes | None:
    described = file.start_of("EncryptionInfo", _HEAD_BYTES)
    if described[:4] != b"\x04\x00\x04\x00":
        return None
    described_parts = _described(described[8:])
    data, key = described_parts["keyData"], described_parts["encryptedKey"]
    if not all(
        parameters["cipherChaining"] == "ChainingModeCBC" and parameters["cipherAlgorithm"] == "AES"
        for parameters in (data, key)
    ):
        return None
    make, salt, rounds = _HASHES[key["hashAlgorithm"]], _bytes(key, "saltValue"), int(key["spinCount"])
    if rounds > _MOST_ROUNDS:
        return None
    digest = make(salt + _PASSWORD).digest()
    for count in range(rounds):
        digest = make(count.to_bytes(4, "little") + digest).digest()
    size = int(key["keyBits"]) // 8

    def opened(name: str, purpose: bytes) -> bytes:
        return _cbc(make(digest + purpose).digest().ljust(size, b"\x36")[:size], salt, _bytes(key, name))

    verifier = opened("encryptedVerifierHashInput", _INPUT)[: int(key["saltSize"])]
    if make(verifier).digest() != opened("encryptedVerifierHashValue", _VALUE)[: int(key["hashSize"])]:
        return None  # it has a password of its own
    secret = opened("encryptedKeyValue", _KEY)[:size]
    package = file.start_of("EncryptedPackage", _MOST_BYTES)
    make, salt = _HASHES[data["hashAlgorithm"]], _bytes(data, "saltValue")
    pieces = []
    for number, start in enumerate(range(8, len(package), _SEGMENT)):
        vector = make(salt + number.to_bytes(4, "little")).digest().ljust(_BLOCK, b"\x36")[:_BLOCK]
        pieces.append(_cbc(secret, vector, package[start : start + _SEGMENT]))
    return b"".join(pieces)[: int.from_bytes(package[:8], "little")]


def _described(content: bytes) -> dict[str, dict[str, str]]:
    """The attributes of each element, by its name."""
    elements: dict[str, dict[str, str]] = {}
    parse(
        (normalised_xml(content, "EncryptionInfo"),), "EncryptionInfo",
        lambda name, attributes: elements.__setitem__(name.rpartition(" ")[2], attributes),
        lambda _: None, lambda _: None,
    )  # fmt: skip
    return elements


def _bytes(attributes: Mapping[str, str], name: str) -> bytes:
    return base64.b64decode(attributes[name], validate=True)


def _cbc(key: bytes, vector: bytes, content: bytes) -> bytes:
    decrypt, pieces, before = _cipher(key), [], vector[:_BLOCK].ljust(_BLOCK, b"\0")
    for start in range(0, len(content) - _BLOCK + 1, _BLOCK):
        block = content[start : start + _BLOCK]
        pieces.append(bytes(byte ^ previous for byte, previous in zip(decrypt(block), before, strict=True)))
        before = block
    return b"".join(pieces)


# AES, to decrypt only


@cache
def _boxes() -> tuple[bytes, bytes]:
    """The substitution of FIPS 197 (5.1.1), and its inverse."""
    box = bytearray(256)
    power = inverse = 1
    while True:
        power ^= (power << 1) ^ (0x11B if power & 0x80 else 0)
        inverse ^= inverse << 1
        inverse ^= inverse << 2
        inverse ^= inverse << 4
        inverse &= 0xFF
        inverse ^= 0x09 if inverse & 0x80 else 0
        turned = inverse * 0x101
        box[power] = (inverse ^ (turned >> 7) ^ (turned >> 6) ^ (turned >> 5) ^ (turned >> 4) ^ 0x63) & 0xFF
        if power == 1:
            break
    box[0] = 0x63
    return bytes(box), bytes(box.index(value) for value in range(256))


def _times(value: int, factor: int) -> int:
    product = 0
    while factor:
        product ^= value if factor & 1 else 0
        value = (value << 1) ^ (0x11B if value & 0x80 else 0)
        factor >>= 1
    return product


@cache
def _products() -> tuple[bytes, ...]:
    """The multiples by which columns are mixed back (5.3.3)."""
    return tuple(bytes(_times(value, factor) for value in range(256)) for factor in (14, 11, 13, 9))


def _cipher(key: bytes) -> Callable[[bytes], bytes]:
    box, _ = _boxes()
    count, rounds = len(key) // 4, len(key) // 4 + 6
    if len(key) not in (16, 24, 32):
        raise ValueError("no AES key")
    words, constant = [list(key[start : start + 4]) for start in range(0, len(key), 4)], 1
    for number in range(count, 4 * (rounds + 1)):
        word = words[-1]
        if number % count == 0:
            word = [box[value] for value in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _times(constant, 2)
        elif count > 6 and number % count == 4:
            word = [box[value] for value in word]
        words.append([byte ^ before for byte, before in zip(words[-count], word, strict=True)])
    keys = [bytes(value for word in words[start : start + 4] for value in word) for start in range(0, len(words), 4)]
    return partial(_decrypt, keys)


#: Where each byte of a block comes from when rows are shifted back (5.3.1).
_SHIFTED = tuple((column * 4 + row - 4 * row) % 16 for column in range(4) for row in range(4))


def _decrypt(keys: list[bytes], block: bytes) -> bytes:
    _, box = _boxes()
    by_14, by_11, by_13, by_9 = _products()
    state = [byte ^ key_byte for byte, key_byte in zip(block, keys[-1], strict=True)]
    for number in range(len(keys) - 2, -1, -1):
        key = keys[number]
        state = [box[state[place]] ^ key[at] for at, place in enumerate(_SHIFTED)]
        if number:
            mixed = list[int]()
            for start in (0, 4, 8, 12):
                a, b, c, d = state[start : start + 4]
                mixed += (
                    by_14[a] ^ by_11[b] ^ by_13[c] ^ by_9[d],
                    by_9[a] ^ by_14[b] ^ by_11[c] ^ by_13[d],
                    by_13[a] ^ by_9[b] ^ by_14[c] ^ by_11[d],
                    by_11[a] ^ by_13[b] ^ by_9[c] ^ by_14[d],
                )
            state = mixed
    return bytes(state)
