"""
Judges passwords, and bounds how many anybody may try.

Tries are counted for the name that was asked for, whether anybody is called so or not, and for the network that they
come from. Each is counted before it is judged, so that no two at once share a place. What strangers do never counts
against networks that the name's owner signs in from, and leaves any other its first tries. The figures: docs/limits.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lingpai.principals.addresses import Addresses
from lingpai.principals.keys import Keyring
from lingpai.principals.names import spelling
from lingpai.principals.networks import Network, network_of
from lingpai.principals.passwords.gate import HashingGate
from lingpai.stores.interfaces import Change, Stores, TryBook
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Pace, Tries, User

DAY = 86_400 * SECOND

_GROWING = (*(2**power * SECOND for power in range(10)), 900 * SECOND)

FREE = 5
"""So many tries of one network cost no wait."""

OF_NETWORK = Pace((0,) * (FREE - 1) + _GROWING, DAY)
"""After the fifth try a second, then twice as long each time, at most a quarter of an hour."""

FIRST = 3
"""So many tries of a network that is not known do not depend on what others try."""

FIRST_OF_SITE = 64
"""So many have all networks of one IPv6 site together, whose owner has 65,536 of them."""

OF_SITE = Pace((0,), DAY)

OF_STRANGERS = Pace((0,) * 9 + _GROWING, DAY)
"""What all networks that are not known share, beyond the first tries of each."""

EVERYWHERE = ""
"""Stands for all networks that are not known."""

KNOWN = 30 * DAY
"""So long after a sign-in its network counts as the owner's."""


@dataclass(frozen=True, slots=True)
class Passed:
    """That a password was right; what was counted is to be cleared in the change that follows."""

    digest: bytes
    network: str


@dataclass(frozen=True, slots=True)
class PasswordTrials:
    """Where every password is judged, at sign-in and wherever one is asked for again."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.SIGN_IN_FAILED, Outcome.TOO_MANY_ATTEMPTS})

    stores: Stores
    keys: Keyring
    gate: HashingGate
    addresses: Addresses
    clock: Clock

    def check(self, name: str, address: str, user: User | None, password: str) -> Passed:
        """
        Return that *password* is the one of *user*, whom *name* means; None stands for whoever may not come in.

        Whether there is a user shows in nothing: what is asked, written and hashed is the same.

        Raises:
            Refused: With TOO_MANY_ATTEMPTS when too many passwords are being hashed, or this try comes too soon
                (then nothing is hashed); else with SIGN_IN_FAILED.

        """
        digest, network = self.digest(name), network_of(address)
        delays: list[Tries] = []
        encoded = user.password if user else None
        right = self.gate.verify(encoded, password, first=lambda: delays.extend(self._claim(digest, network)))
        if right:
            return Passed(digest, network.name)
        if delays:
            self._record(delays, user)
        raise Refused(Outcome.SIGN_IN_FAILED, "unknown name, wrong password, or nobody who may come in")

    def clear(self, change: Change, passed: Passed) -> None:
        """Forget, in the *change* that a right password brought about, the tries before it in its network."""
        now = self.clock()
        change.tries.clear(passed.digest, passed.network, now, now + KNOWN)

    def digest(self, name: str) -> bytes:
        """Return what tries for *name* are kept under, however it is spelt."""
        return self.keys.digest(f"tries:{spelling(name, self.addresses)}")

    def digests(self, user: User) -> Mapping[str, bytes]:
        """Return by each name of *user* what tries for it are kept under."""
        proved = [user.phone] * user.phone_verified + [user.email] * user.email_verified
        return {name: self.digest(name) for name in (user.name, *proved)}

    def _claim(self, digest: bytes, network: Network) -> Sequence[Tries]:
        """Count a try, and return where a delay begins with it."""
        with self.stores.tries.counting() as book:
            tries = [self._claim_in(book, digest, network.name, OF_NETWORK)]
            if not self._is_free(book, tries[0], network):
                tries.append(self._claim_in(book, digest, EVERYWHERE, OF_STRANGERS))
        paces = (OF_NETWORK, OF_STRANGERS)
        return [one for one, pace in zip(tries, paces, strict=False) if one.count == pace.waits.index(SECOND) + 1]

    def _is_free(self, book: TryBook, tries: Tries, network: Network) -> bool:
        """Return whether a try does not depend on what other networks try."""
        if tries.known > tries.latest:
            return True
        if tries.count > FIRST:
            return False
        of_site = book.claim(tries.digest, network.site, tries.latest, OF_SITE) if network.site else None
        return of_site is None or of_site.count <= FIRST_OF_SITE

    def _claim_in(self, book: TryBook, digest: bytes, network: str, pace: Pace) -> Tries:
        now = self.clock()
        tries = book.claim(digest, network, now, pace)
        if tries is None:
            kept = book.find(digest, network)
            seconds = -((now - kept.next) // SECOND) if kept else 1
            where = f"from {network}" if network else "from strangers"
            raise Refused(Outcome.TOO_MANY_ATTEMPTS, f"too many tries {where}", retry_after=max(1, seconds))
        return tries

    def _record(self, delays: Sequence[Tries], user: User | None) -> None:
        subject_id = str(user.id) if user else ""
        details: list[Mapping[str, str | int | None]] = [{"network": one.network, "tries": one.count} for one in delays]
        events = [Event("user:delayed", "user", subject_id, detail=detail, told=False) for detail in details]
        with self.stores.change(events[0]) as change:
            for event in events[1:]:
                change.also(event)
