"""Encryption of everything that shows or describes a face: AES-256-GCM, preceded by the key's id.

The context (table, row, owner ...) is authenticated but not stored: bytes that were moved to another row, class or
version do not open. Keys are listed newest first: the first one seals, all of them open.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

# Sealed bytes are: magic, id of the key, nonce, and the encrypted bytes with their tag.
MAGIC = b"RC1"
KEY_BYTES = 32
KEY_ID_BYTES = 4
NONCE_BYTES = 12
HEAD_BYTES = len(MAGIC) + KEY_ID_BYTES + NONCE_BYTES


class CannotOpen(Exception):
    """Sealed bytes cannot be opened. `code` is foreign (not sealed by Rollcall), no_key, or damaged (or moved)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def new_key() -> str:
    """Return a random key in the form of FACE_DATA_KEYS."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def parse_key(text: str) -> bytes:
    """Return the 32 bytes of a key in base64, in either alphabet. Raises ValueError with a message for people."""
    plain = text.strip().translate(str.maketrans("-_", "+/"))
    try:
        key = base64.b64decode(plain.encode(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        message = "a key must be 32 random bytes in base64 (44 characters), as `openssl rand -base64 32` prints them"
        raise ValueError(message)
    return key


def key_id(key: bytes) -> bytes:
    """Return four bytes that identify a key and reveal nothing about it."""
    return hashlib.sha256(b"rollcall key id" + key).digest()[:KEY_ID_BYTES]


def associated_data(context: Sequence[str]) -> bytes:
    """Return the context as bytes, each part preceded by its length so that no two contexts give the same bytes."""
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in context)


@dataclass(frozen=True, slots=True, eq=False)
class Keyring:
    """Keys, newest first. Immutable and thread-safe."""

    keys: tuple[bytes, ...]

    def seal(self, plain: bytes, *context: str) -> bytes:
        """Return the encrypted bytes, which open only with the same context."""
        key = self.keys[0]
        nonce = os.urandom(NONCE_BYTES)
        return MAGIC + key_id(key) + nonce + AESGCM(key).encrypt(nonce, plain, associated_data(context))

    def open(self, sealed: bytes | memoryview, *context: str) -> bytes:
        """Return the plain bytes. Raises `CannotOpen`."""
        data = bytes(sealed)
        if len(data) < HEAD_BYTES or not data.startswith(MAGIC):
            raise CannotOpen("foreign", "These bytes were not sealed by Rollcall.")
        sealed_with = data[len(MAGIC) : len(MAGIC) + KEY_ID_BYTES]
        key = next((key for key in self.keys if key_id(key) == sealed_with), None)
        if key is None:
            message = "The key is not among FACE_DATA_KEYS. Add the older key after the newest one."
            raise CannotOpen("no_key", message)
        try:
            return AESGCM(key).decrypt(
                data[HEAD_BYTES - NONCE_BYTES : HEAD_BYTES], data[HEAD_BYTES:], associated_data(context)
            )
        except InvalidTag:
            message = "These bytes are damaged, or belong to another row."
            raise CannotOpen("damaged", message) from None

    def digest(self, data: bytes, purpose: str) -> str:
        """Return a keyed BLAKE2b digest in hex; under the oldest key, so that a new key does not change it.

        Digests for different purposes (at most 16 bytes) differ.
        """
        return hashlib.blake2b(
            data, key=self.keys[-1], person=purpose.encode()[:16], digest_size=32
        ).hexdigest()


@cache
def _ring(keys: tuple[str, ...]) -> Keyring:
    return Keyring(tuple(parse_key(key) for key in keys))


def keyring() -> Keyring:
    """Return the keys of FACE_DATA_KEYS."""
    return _ring(tuple(settings.FACE_DATA_KEYS))
