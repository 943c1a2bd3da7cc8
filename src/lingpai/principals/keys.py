"""
Working keys, and what is made with them: digests of tokens, sealed secrets.

A working key is a row, encrypted under the one master key, which is never in the database (see
`master_key.py`). Encryption is AES-256-GCM; what is sealed is bound to the place that it is kept in, so that
a row copied elsewhere does not open.

How a key is rotated without anybody being refused: a new key is announced (its row, and the change feed), and
nothing is made with it for two seconds. By then every worker has read it that trusts its place in the feed;
one that does not reads the rows again before it says that something was not made here. What was made with the
key before is accepted until nothing of it can live (see `retiring.py`).
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lingpai.principals.remembered import Ticks, ticks_while_asleep
from lingpai.stores.interfaces import KeyBook, KeyStore, Stores
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import Event, FeedEntry, Unchanged
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Refused
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Randomness, WorkingKey

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

LOG = logging.getLogger(__name__)

T = TypeVar("T")

PEPPER = "pepper"
"""Keys the digests under which bearer tokens and secrets are kept."""

DATA = "data"
"""Seals secrets that must be read back."""

MOST_OPEN = 1000
"""So many sealed secrets are kept open."""

ANNOUNCED_SECONDS = 2
"""So long a worker knows a new key before it makes anything with it: twice the lease of the change feed."""

SKEWED_SECONDS = 60
"""Clocks of two nodes differ by less. A key that began longer ago is known to everybody, whatever the clock says."""

REREAD_SECONDS = 1.0
"""So often at most the keys for one purpose are read again because something was not made with those that are known."""

_SIZE = 32
_NONCE = 12
_NUMBER = 4
"""Bytes of a key's id, before what was made with it."""


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


@dataclass(frozen=True, slots=True)
class Key:
    """
    A working key, open.

    Args:
        begins: Nothing is made with it before.
        heard: When this worker read it first, on the clock that never goes back.

    """

    id: int
    value: bytes
    begins: int = 0
    heard: float = float("-inf")

    def __repr__(self) -> str:
        return f"Key({self.id}, …)"


Ring = tuple[Key, ...]
"""The keys for one purpose: first the one in use, then the others, the newest first."""

MasterKeys = Callable[[], Sequence[bytes]]
"""Every master key that may be the one now: during its rotation there are two."""


class Keyring:
    """
    The working keys, opened.

    Keys are made on first use. Several workers may start at once: the change that makes a
    key looks again, inside its transaction, whether another has made it.

    Args:
        master: The master key, or what tells it: asked again when there is a row that it does not open.
        ticks: The clock that tells how long a key has been known.

    """

    def __init__(
        self,
        stores: Stores,
        master: bytes | MasterKeys,
        clock: Clock,
        randomness: Randomness,
        ticks: Ticks = ticks_while_asleep,
    ) -> None:
        self._stores = stores
        self._ask_masters: MasterKeys = master if callable(master) else lambda: (master,)
        self._masters: list[AESGCM] = []
        self._new_masters: list[bytes] = []
        self._clock = clock
        self._randomness = randomness
        self._ticks = ticks
        self._lock = threading.RLock()
        self._keys: dict[str, Ring] = {}
        self._read: dict[str, float] = {}
        self._closed: set[str] = set()
        self._unsettled: set[str] = set()
        self._opened: dict[tuple[bytes, str], Secret] = {}
        self._is_vouched: Callable[[], bool] = lambda: False
        self._from_memory = False

    def from_memory(self) -> "Keyring":
        """Return the same ring for the event loop: where rows would have to be read it raises `NotRemembered`."""
        twin = copy(self)
        twin._from_memory = True  # noqa: SLF001 - one of us
        return twin

    def vouched_by(self, is_vouched: Callable[[], bool]) -> None:
        """Believe that no key was added as long as *is_vouched* says that the change feed would have told."""
        self._is_vouched = is_vouched

    def prepare(self, purpose: str, size: int = _SIZE) -> None:
        """
        Make sure that there is a key for *purpose*, and open it.

        A key that is rotated later is accepted for as long as a session of the contract that *purpose* begins with
        (`oppmg.pair`) can live, and for a day where it names none.

        Raises:
            KeyTrouble: When the master key is not the one that the row was sealed with.

        """
        if not self._stores.keys.of(purpose):
            with suppress(Unchanged), self._stores.change(Event("key:added", "keys", purpose)) as change:
                if change.keys.lock(purpose):
                    raise Unchanged
                self._add(change.keys, purpose, self._randomness(size), self._clock())
        self._load(purpose, must_open=True)

    def import_key(self, purpose: str, value: bytes) -> None:
        """Make *value* the current key for *purpose* (for a system whose keys are known already)."""
        with self._stores.change(Event("key:imported", "keys", purpose)) as change:
            change.keys.lock(purpose)
            self._add(change.keys, purpose, value, 0)
        self.prepare(purpose)

    # Asked by whoever makes or verifies.

    def current(self, purpose: str) -> Key:
        """Return the key to sign with."""
        return self._keys[purpose][0]

    def accepted(self, purpose: str) -> Ring:
        """Return the keys to verify with, the current one first; `has_others` says whether they were all."""
        return self._keys[purpose]

    def has_others(self, purpose: str, tried: Ring) -> bool:
        """
        Return whether the keys for *purpose* turn out to be others than *tried*, with which something was not made.

        Ask it before refusing what another worker may have made. The rows are read again unless the
        change feed vouches for what is known, and at most once a second, so that forgeries cost no query each.

        Raises:
            Refused: With STORE_SILENT, when there is a key that cannot be opened here: it may be the one.

        """
        if self._keys[purpose] is tried and not self._is_vouched():
            self._reread(purpose)
        if self._keys[purpose] is not tried:
            return True
        if purpose in self._closed:
            raise Refused(Outcome.STORE_SILENT, f"a key for {purpose} is sealed under another master key than ours")
        return False

    def numbered(self, purpose: str, key_id: int) -> Key | None:
        """Return the key with that id, which one of our own rows names; None when it is gone."""
        ring = self._keys[purpose]
        found = ring[0] if ring[0].id == key_id else next((key for key in ring if key.id == key_id), None)
        if found is None and key_id > max(key.id for key in ring):
            self._load(purpose)
            found = next((key for key in self._keys[purpose] if key.id == key_id), None)
        if found is None and self._from_memory:
            # What is remembered may be older than the ring: the row names a key that is there.
            raise NotRemembered
        return found

    def is_in_use(self, purpose: str, key_id: int) -> bool:
        """Return whether that is the key which things are made with now."""
        if purpose not in self._keys:
            self._load(purpose)
        ring = self._keys.get(purpose)
        return ring is not None and ring[0].id == key_id

    def digest(self, token: str) -> bytes:
        """Return what a store may see of *token*: HMAC-SHA-256 under the pepper."""
        return _digest(self._keys[PEPPER][0], token)

    def digests(self, token: str) -> list[bytes]:
        """Return the digests of *token* under each pepper that may be in use, the current one's first."""
        return [_digest(key, token) for key in self._keys[PEPPER]]

    def imprint(self, secret: Secret) -> bytes:
        """Return a digest of *secret* that names its pepper: for what outlives one."""
        key = self.current(PEPPER)
        return key.id.to_bytes(_NUMBER, "big") + _digest(key, secret.reveal())

    def fits(self, imprint: bytes, shown: str) -> bool:
        """Return whether *shown* is the secret behind *imprint* (or behind a digest that names no pepper)."""
        if len(imprint) == _SIZE:
            return any(compare_digest(imprint, digest) for digest in self.digests(shown))
        key = self.numbered(PEPPER, int.from_bytes(imprint[:_NUMBER], "big"))
        return key is not None and compare_digest(imprint[_NUMBER:], _digest(key, shown))

    def seal(self, secret: Secret, place: str) -> bytes:
        """Return *secret* encrypted for *place* (table, row and column: it opens nowhere else)."""
        key = self.current(DATA)
        # Not from *randomness*, which a test may repeat: a nonce that comes twice gives the key's text away.
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(key.value).encrypt(nonce, secret.reveal().encode(), place.encode())
        return key.id.to_bytes(_NUMBER, "big") + nonce + sealed

    def is_current(self, purpose: str, made: bytes) -> bool:
        """Return whether what `imprint` or `seal` made was made with the key that is current now."""
        own = purpose == DATA or len(made) > _SIZE
        return own and int.from_bytes(made[:_NUMBER], "big") == self.current(purpose).id

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

    def are_all_open(self) -> bool:
        """Return whether every key could be opened that there is."""
        return not self._closed

    # Told by the change feed.

    def hear(self, entries: Sequence[FeedEntry]) -> None:
        """Read again what *entries* speak of, and use the keys whose time has come."""
        told = {entry.subject_id for entry in entries if entry.subject == "keys"}
        if "" in told or any(entry.subject == "everything" for entry in entries):
            told = set(self._keys)
        for purpose in told & self._keys.keys():
            self._load(purpose)
        self.settle()

    def settle(self) -> bool:
        """Use the keys whose time has come, and return whether there is none left that waits for it."""
        if self._unsettled:
            with self._lock:
                for purpose in tuple(self._unsettled):
                    self._put(purpose, self._keys[purpose])
        return not self._unsettled

    # Inside a change that rotates.

    def add(self, keys: KeyBook, purpose: str) -> None:
        """Add a key for *purpose*, which is locked, as long as the one before; `prepare` or the feed opens it."""
        size = len(self._open(keys.of(purpose)[0]))
        # From the system, whatever the house's randomness is: a key that can be told is none.
        self._add(keys, purpose, os.urandom(size), self._clock() + ANNOUNCED_SECONDS * SECOND)

    def seal_anew(self, keys: KeyBook, master: bytes) -> int:
        """Seal every key under *master*, and return how many there are."""
        keys.lock("")
        rows, new = keys.all(), AESGCM(master)
        # Wherever the key comes from, it may be told there only later.
        self._new_masters.append(master)
        for row in rows:
            keys.seal(row.id, _sealed_key(new, row.purpose, self._open(row)))
        return len(rows)

    # Rows and master keys.

    def _reread(self, purpose: str) -> None:
        if self._from_memory:
            raise NotRemembered
        with self._lock:
            if self._ticks() - self._read[purpose] >= REREAD_SECONDS:
                self._load(purpose)

    def _load(self, purpose: str, *, must_open: bool = False) -> None:
        if self._from_memory:
            raise NotRemembered
        # One at a time, so that who read earlier does not put back what was true then.
        with self._lock:
            sent = self._ticks()
            known = {key.id: key for key in self._keys.get(purpose, ())}
            keys, closed = [], False
            for row in self._stores.keys.of(purpose):
                try:
                    value = known[row.id].value if row.id in known else self._open(row)
                except KeyTrouble as trouble:
                    if must_open:
                        raise
                    LOG.error("%s", trouble)  # noqa: TRY400 - the line says what to do
                    closed = True
                else:
                    keys.append(known.get(row.id) or Key(row.id, value, row.begins, sent))
            (self._closed.add if closed else self._closed.discard)(purpose)
            self._read[purpose] = sent
            self._put(purpose, keys)

    def _put(self, purpose: str, keys: Sequence[Key]) -> None:
        newest_first = sorted(keys, key=lambda key: key.id, reverse=True)
        if not newest_first:
            # All are sealed otherwise, or somebody emptied the table: what is known is better than nothing.
            return
        current = next(filter(self._may_be_used, newest_first), newest_first[-1])
        ring = (current, *(key for key in newest_first if key is not current))
        (self._unsettled.discard if current is newest_first[0] else self._unsettled.add)(purpose)
        # The same keys stay the same ring, so that whoever tried it knows.
        if ring != self._keys.get(purpose):
            self._keys[purpose] = ring

    def _may_be_used(self, key: Key) -> bool:
        ago = self._clock() - key.begins
        return ago >= SKEWED_SECONDS * SECOND or (ago >= 0 and self._ticks() - key.heard >= ANNOUNCED_SECONDS)

    def _unsealed(self, sealed: bytes, place: str) -> Secret:
        key = self.numbered(DATA, int.from_bytes(sealed[:_NUMBER], "big"))
        if key is None:
            raise KeyTrouble(f"the data key of {place} is gone")
        nonce, text = sealed[_NUMBER : _NUMBER + _NONCE], sealed[_NUMBER + _NONCE :]
        try:
            return Secret(AESGCM(key.value).decrypt(nonce, text, place.encode()).decode())
        except InvalidTag:
            raise KeyTrouble(f"what is kept at {place} was not sealed there") from None

    def _add(self, keys: KeyBook, purpose: str, value: bytes, begins: int) -> None:
        sealed = _sealed_key(self._sealer(keys), purpose, value)
        keys.add(WorkingKey(0, purpose, sealed, self._clock(), begins))

    def _sealer(self, keys: KeyStore) -> AESGCM:
        """Return the master key that the rows are sealed under: after a rotation, not the one we started with."""
        there = keys.all()
        if there:
            self._open(there[0])
        else:
            self._ask()
        return self._masters[0]

    def _open(self, row: WorkingKey) -> bytes:
        opened = self._try(row)
        if opened is None:
            self._ask()
            opened = self._try(row)
        if opened is None:
            raise KeyTrouble(
                f"the master key does not open the key {row.purpose}: put back the one that belongs to this data "
                "(of several nodes each needs the same), and start again"
            )
        return opened

    def _ask(self) -> None:
        self._masters = [AESGCM(master) for master in (*self._ask_masters(), *self._new_masters)]

    def _try(self, row: WorkingKey) -> bytes | None:
        for master in self._masters:
            with suppress(InvalidTag):
                value = _opened_key(master, row)
                # All rows are under one master key: the one that opens a row seals the next.
                self._masters.sort(key=lambda each: each is not master)
                return value
        return None


def opens(master: bytes, row: WorkingKey) -> bool:
    """Return whether the key of *row* is sealed under *master*."""
    try:
        _opened_key(AESGCM(master), row)
    except InvalidTag:
        return False
    return True


def _opened_key(master: AESGCM, row: WorkingKey) -> bytes:
    return master.decrypt(row.sealed[:_NONCE], row.sealed[_NONCE:], f"keys.{row.purpose}".encode())


def _digest(key: Key, token: str) -> bytes:
    return hmac_sha256(key.value, token.encode("utf-8", "surrogatepass"))


def _sealed_key(master: AESGCM, purpose: str, value: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + master.encrypt(nonce, value, f"keys.{purpose}".encode())


def found_by_digest(keys: Keyring, token: str, find: Callable[..., T | None]) -> T | None:
    """Return what *find* finds by the digests of *token*; asked again where the peppers turn out to be others."""
    peppers = keys.accepted(PEPPER)
    found = find(*keys.digests(token))
    if found is None and keys.has_others(PEPPER, peppers):
        found = find(*keys.digests(token))
    return found
