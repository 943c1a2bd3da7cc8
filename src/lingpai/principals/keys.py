"""
Working keys, and what is made with them: digests of tokens, sealed secrets.

A working key is a row, encrypted under the one master key, which is a file beside the
database (mode 0600) and never in it. Encryption is AES-256-GCM; what is sealed is bound
to the place that it is kept in, so that a row copied elsewhere does not open.
"""

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lingpai.stores.interfaces import KeyBook, Stores
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.events import Event, Unchanged
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Randomness, WorkingKey

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

PEPPER = "pepper"
"""Keys the digests under which bearer tokens and secrets are kept."""

DATA = "data"
"""Seals secrets that must be read back."""

MOST_OPEN = 1000
"""So many sealed secrets are kept open."""

_SIZE = 32
_NONCE = 12


_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


@lru_cache(maxsize=64)
def _begun(key: bytes) -> tuple["Hash", "Hash"]:
    """Return the two hashes of an HMAC (RFC 2104), each with its form of *key* already read."""
    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """
    Return what `hmac.digest` returns, for the few keys that are used again and again.

    That function reads the key anew each time, and lets go of the interpreter's lock for a microsecond's
    work: under load another thread takes it then. This one takes half the time, and keeps the lock.
    """
    begun, ending = _begun(key)
    inner, outer = begun.copy(), ending.copy()
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()


class KeyTrouble(Exception):
    """A key cannot be used. The message says which, and what to do."""


def load_master_key(path: Path, randomness: Randomness) -> bytes:
    """
    Return the master key in the file at *path*, made on first use: whole or not at all, however many make it at once.

    Raises:
        KeyTrouble: When others can read the file, or it holds no 32 bytes in hex.

    """
    if not path.exists():
        _make_master_key(path, randomness)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeyTrouble(f"{path} can be read by others: run chmod 600 {path}")
    try:
        key = bytes.fromhex(path.read_text().strip())
    except ValueError:
        key = b""
    if len(key) != _SIZE:
        raise KeyTrouble(f"{path} must hold 64 hexadecimal digits: restore it from your backup of the keys")
    return key


def _make_master_key(path: Path, randomness: Randomness) -> None:
    # Written under another name first: whoever comes while it is written, or after a crash, finds no half of it.
    with tempfile.NamedTemporaryFile("w", prefix=f".{path.name}-", dir=path.parent) as file:
        file.write(randomness(_SIZE).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
        # Unlike a rename, this never replaces the key that somebody else has made meanwhile.
        with suppress(FileExistsError):
            os.link(file.name, path)


@dataclass(frozen=True, slots=True)
class Key:
    """A working key, open."""

    id: int
    value: bytes

    def __repr__(self) -> str:
        return f"Key({self.id}, …)"


class Keyring:
    """
    The working keys, opened.

    Keys are made on first use. Several workers may start at once: the change that makes a
    key looks again, inside its transaction, whether another has made it.
    """

    def __init__(self, stores: Stores, master: bytes, clock: Clock, randomness: Randomness) -> None:
        self._stores = stores
        self._master = AESGCM(master)
        self._clock = clock
        self._randomness = randomness
        self._keys: dict[str, tuple[Key, ...]] = {}
        self._opened: dict[tuple[bytes, str], Secret] = {}

    def prepare(self, purpose: str, size: int = _SIZE) -> None:
        """
        Make sure that there is a key for *purpose*, and open it.

        Raises:
            KeyTrouble: When the master key is not the one that the row was sealed with.

        """
        rows = self._stores.keys.of(purpose)
        if not rows:
            with suppress(Unchanged), self._stores.change(Event("key:added", "keys", purpose)) as change:
                rows = change.keys.lock(purpose)
                if rows:
                    raise Unchanged
                self._add(change.keys, purpose, self._randomness(size))
                rows = change.keys.of(purpose)
        self._opened.clear()
        self._keys[purpose] = tuple(Key(row.id, self._open(row)) for row in rows)

    def import_key(self, purpose: str, value: bytes) -> None:
        """Make *value* the current key for *purpose* (for a system whose keys are known already)."""
        with self._stores.change(Event("key:imported", "keys", purpose)) as change:
            self._add(change.keys, purpose, value)
        self.prepare(purpose)

    def current(self, purpose: str) -> Key:
        """Return the key to sign with."""
        return self._keys[purpose][0]

    def accepted(self, purpose: str) -> tuple[Key, ...]:
        """Return the keys to verify with, the current one first."""
        return self._keys[purpose]

    def numbered(self, purpose: str, key_id: int) -> Key | None:
        """Return the key with that id, or None when it is gone."""
        return next((key for key in self._keys[purpose] if key.id == key_id), None)

    def digest(self, token: str) -> bytes:
        """Return what a store may see of *token*: HMAC-SHA-256 under the pepper."""
        return hmac_sha256(self._keys[PEPPER][0].value, token.encode("utf-8", "surrogatepass"))

    def seal(self, secret: Secret, place: str) -> bytes:
        """Return *secret* encrypted for *place* (table, row and column: it opens nowhere else)."""
        key = self.current(DATA)
        # Not from *randomness*, which a test may repeat: a nonce that comes twice gives the key's text away.
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(key.value).encrypt(nonce, secret.reveal().encode(), place.encode())
        return key.id.to_bytes(4, "big") + nonce + sealed

    def unseal(self, sealed: bytes, place: str) -> Secret:
        """
        Return the secret in *sealed*. The few that are asked for again and again stay open in memory, as the keys do.

        Raises:
            KeyTrouble: When it was sealed for another place, or under a key that is gone.

        """
        opened = self._opened.get((sealed, place))
        if opened is None:
            opened = self._unsealed(sealed, place)
            if len(self._opened) >= MOST_OPEN:
                self._opened.clear()
            self._opened[sealed, place] = opened
        return opened

    def _unsealed(self, sealed: bytes, place: str) -> Secret:
        key = self.numbered(DATA, int.from_bytes(sealed[:4], "big"))
        if key is None:
            raise KeyTrouble(f"the data key of {place} is gone")
        try:
            text = AESGCM(key.value).decrypt(sealed[4 : 4 + _NONCE], sealed[4 + _NONCE :], place.encode())
        except InvalidTag:
            raise KeyTrouble(f"what is kept at {place} was not sealed there") from None
        return Secret(text.decode())

    def _add(self, keys: KeyBook, purpose: str, value: bytes) -> None:
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._master.encrypt(nonce, value, f"keys.{purpose}".encode())
        keys.add(WorkingKey(0, purpose, sealed, self._clock()))

    def _open(self, row: WorkingKey) -> bytes:
        try:
            return self._master.decrypt(row.sealed[:_NONCE], row.sealed[_NONCE:], f"keys.{row.purpose}".encode())
        except InvalidTag:
            raise KeyTrouble(
                f"the master key does not open the key {row.purpose}: put back the master.key that belongs to this data"
            ) from None
