"""
Whether the audit trail is what was sealed: every link, in bounded batches, and what is wrong by its name.

What nobody with the database alone can hide is a change behind the last link of which a copy is kept
elsewhere. Cutting off the end is seen by that copy only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lingpai.principals.chain import AUDIT, BEGINNING, link
from lingpai.principals.keys import Keyring
from lingpai.stores.interfaces import Sealed, Stores
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import AuditRow, Seal

BATCH = 1000
"""Links, or rows, that are read at once."""

SPAN = 50_000
"""Numbers that one question for unsealed rows covers."""

UNSEALED_SECONDS = 2
"""A row this young may wait for its seal."""

BACKDATED_SECONDS = 300
"""A row that says it is so much older than one sealed before it was put in later. Clocks never go back so far."""

MOST_FAULTS = 100
"""After so many faults nothing more is looked at: they are one."""

What = Literal[
    "row-changed",
    "row-moved",
    "row-missing",
    "row-backdated",
    "row-unsealed",
    "seal-changed",
    "seals-missing",
    "key-unknown",
    "tail-cut",
    "head-differs",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing that is wrong.

    Args:
        position: In the chain; 0 for what is not in it.
        number: The audit row's; 0 where none is known.
        other: With `row-moved` the position that it was sealed at, with `seals-missing` the last missing one,
            with `tail-cut` the last that there is.

    """

    what: What
    position: int = 0
    number: int = 0
    other: int = 0


@dataclass(slots=True)
class Report:
    """What was found. *checked* links were looked at; *waiting* rows are too young to be sealed."""

    checked: int = 0
    head: Seal | None = None
    waiting: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Misfit:
    """A link that does not fit, with what it would be after *before*, the link that is kept before it."""

    seal: Seal
    row: AuditRow
    before: bytes
    key: bytes
    made: bytes


Heads = Mapping[int, bytes]
"""Hashes by position, as they were copied to a place that whoever has the database cannot reach."""


class _Walk:
    """One verification on its way."""

    def __init__(self, keys: Keyring, heads: Heads, position: int, before: bytes | None) -> None:
        self._keys = keys
        self._heads = heads
        self._position = position
        self._before = before
        self._latest = 0
        self._misfits: list[_Misfit] = []
        self._seals_changed: set[int] = set()
        self.faults: list[Fault] = []

    def step(self, sealed: Sealed) -> None:
        seal = sealed.seal
        if seal.position > self._position + 1:
            self.faults.append(Fault("seals-missing", self._position + 1, other=seal.position - 1))
            self._before = None
        self._check(seal, sealed.row)
        if self._heads.get(seal.position, seal.hash) != seal.hash:
            self.faults.append(Fault("head-differs", seal.position, seal.number))
        self._position, self._before = seal.position, seal.hash

    def finish(self, end: int) -> None:
        for misfit in self._misfits:
            seal = misfit.seal
            home = next((other.seal.position for other in self._misfits if _fits(misfit.row, other)), 0)
            if home:
                self.faults.append(Fault("row-moved", seal.position, seal.number, home))
            else:
                what: What = "seal-changed" if seal.position in self._seals_changed else "row-changed"
                self.faults.append(Fault(what, seal.position, seal.number))
        self.faults += [Fault("tail-cut", position, other=end) for position in self._heads if position > end]

    @property
    def is_hopeless(self) -> bool:
        return len(self.faults) + len(self._misfits) >= MOST_FAULTS

    def _check(self, seal: Seal, row: AuditRow | None) -> None:
        key = self._keys.numbered(AUDIT, seal.key_id)
        if row is None:
            self.faults.append(Fault("row-missing", seal.position, seal.number))
        elif key is None:
            self.faults.append(Fault("key-unknown", seal.position, seal.number))
        elif self._before is not None:
            made = link(key.value, self._before, seal.position, row)
            if made != seal.hash and not self._fits_without_last(key.value, seal, row):
                self._misfits.append(_Misfit(seal, row, self._before, key.value, made))
        if row is not None:
            self._check_time(seal, row)

    def _fits_without_last(self, key: bytes, seal: Seal, row: AuditRow) -> bool:
        """Return whether the link fits what the one before should have been: then that one was changed, not its row."""
        last = self._misfits[-1] if self._misfits else None
        if last is None or last.seal.position != seal.position - 1:
            return False
        fits = link(key, last.made, seal.position, row) == seal.hash
        if fits:
            self._seals_changed.add(last.seal.position)
        return fits

    def _check_time(self, seal: Seal, row: AuditRow) -> None:
        if row.kind == "clock:trusted":
            self._latest = 0
        if row.at < self._latest - BACKDATED_SECONDS * SECOND:
            self.faults.append(Fault("row-backdated", seal.position, seal.number))
        self._latest = max(self._latest, row.at)


def _fits(row: AuditRow, misfit: _Misfit) -> bool:
    return link(misfit.key, misfit.before, misfit.seal.position, row) == misfit.seal.hash


def verify(
    stores: Stores,
    keys: Keyring,
    clock: Clock,
    *,
    first: int = 1,
    heads: Heads | None = None,
    went: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """
    Return what is wrong with the audit trail, and how much of it was looked at.

    Args:
        first: The position to begin at; what stands before it is believed.
        heads: Links that were copied elsewhere, each of which must be there still.
        went: Told of each batch: how many links are done, of how many.

    """
    seals = stores.seals
    head = seals.head()
    report = Report(head=head)
    # What was there when we began must be there still, as if it had been copied.
    known = {**({head.position: head.hash} if head else {}), **(heads or {})}
    heads = {position: hash_ for position, hash_ in known.items() if position >= first}
    walk = _Walk(keys, heads, first - 1, _hash_before(stores, first))
    place = first - 1
    # The chain may grow meanwhile; its end is where it was when we began.
    end = head.position if head else 0
    while place < end and not walk.is_hopeless:
        batch = [sealed for sealed in seals.page(place, BATCH) if sealed.seal.position <= end]
        if not batch:
            end = place
            break
        for sealed in batch:
            if not walk.is_hopeless:
                walk.step(sealed)
                place = sealed.seal.position
                report.checked += 1
        went(report.checked, end - first + 1)
    walk.finish(end)
    report.faults = walk.faults
    _find_unsealed(stores, clock(), report)
    report.faults.sort(key=lambda fault: (fault.position or place + 1, fault.number))
    return report


def _find_unsealed(stores: Stores, now: int, report: Report) -> None:
    newest, above = stores.audit.newest(), 0
    while above < newest and len(report.faults) < MOST_FAULTS:
        rows: Sequence[AuditRow] = stores.seals.unsealed(above, above + SPAN, BATCH)
        for row in rows:
            if row.at > now - UNSEALED_SECONDS * SECOND:
                report.waiting += 1
            elif len(report.faults) < MOST_FAULTS:
                report.faults.append(Fault("row-unsealed", number=row.number))
        above = rows[-1].number if len(rows) == BATCH else above + SPAN


def _hash_before(stores: Stores, first: int) -> bytes | None:
    if first == 1:
        return BEGINNING
    found = stores.seals.page(first - 2, 1)
    return found[0].seal.hash if found and found[0].seal.position == first - 1 else None
