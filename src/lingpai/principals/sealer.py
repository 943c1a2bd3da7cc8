"""
Seals the audit trail, about once a second, so that writers never queue for the chain.

Every worker of every node has a sealer, and one at a time does the work: whoever inserts the next position first. A
worker that sees the chain grow without its doing leaves the work to the other until it stops growing.
Whoever dies leaves nothing locked.
"""

import logging
from collections import Counter, deque
from collections.abc import Sequence

from lingpai.principals.chain import AUDIT, BEGINNING, link
from lingpai.principals.keys import Keyring
from lingpai.principals.remembered import Ticks, ticks_while_asleep
from lingpai.principals.rounds import Rounds
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.events import AuditRow, Seal

LOG = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
"""So often a worker looks for rows to seal."""

BATCH = 500
"""Rows of one transaction: other writers of SQLite wait no longer than that takes."""

HEAD_SECONDS = 3600
"""So often the end of the chain is logged: a copy that is kept elsewhere shows later whether the chain was cut."""

SETTLED_SECONDS = 60
"""For so long a lower number may still appear after a higher one, and be found at once."""

RECENT = 10_000
"""So many numbers before the chain's last are looked at anew by a worker that starts."""

SPAN = 50_000
"""Numbers that one question covers."""

SWEPT = 1000
"""Older numbers that are looked at anew each round, in turn: what appears later than all expect is sealed too."""

FINISH_SECONDS = 10
"""For so long one that stops seals what is left: whoever supervises it waits no longer for ever. The next goes on."""

MOST_LOST = 10
"""So often somebody else may seal first, before one that stops leaves the rest to them."""

MOST_KINDS = 200
"""Kinds of events that are counted apart."""


class Sealer:
    """
    Seals on a thread of its own. Every method but `start` and `stop` may be called without it, by one thread at a time.

    Args:
        ticks: Seconds that never go back.

    """

    def __init__(self, stores: Stores, keys: Keyring, clock: Clock, ticks: Ticks = ticks_while_asleep) -> None:
        self._stores = stores
        self._seals = stores.seals
        self._keys = keys
        self._clock = clock
        self._ticks = ticks
        self._settled: int | None = None
        self._seen: deque[tuple[float, int]] = deque()
        self._swept = 0
        self._head: Seal | None = None
        self._is_sealing = False
        self._logged = float("-inf")
        failing = "the audit trail is not sealed this time"
        self._rounds = Rounds("sealer", self._round, ROUND_SECONDS, failing, LOG)
        self.kinds: Counter[str] = Counter()
        self.waiting_since: int | None = None

    def seal(self) -> int:
        """Seal one batch of what is unsealed, and return its size: 0 also where somebody else was faster."""
        head = self._seals.head()
        newest, rows = self._unsealed(head)
        self.waiting_since = min((row.at for row in rows), default=None)
        made = self._chained(head, rows)
        if made:
            self._is_sealing = self._seals.add(made)
            if not self._is_sealing:
                return 0
        self._head = made[-1] if made else head
        self.waiting_since = None
        if len(rows) < BATCH:
            self._settle(newest)
        for row in rows:
            known = row.kind in self.kinds or len(self.kinds) < MOST_KINDS
            self.kinds[row.kind if known else "other"] += 1
        return len(made)

    def seal_all(self) -> int:
        """Seal everything that can be seen now, and return how much that was."""
        sealed = 0
        while batch := self.seal():
            sealed += batch
        return sealed

    def waiting_seconds(self) -> float:
        """Return how old the oldest row is that this worker saw unsealed and nobody has sealed since."""
        since = self.waiting_since
        return 0.0 if since is None else max(0, self._clock() - since) / SECOND

    def start(self) -> None:
        """Seal until `stop`."""
        self._keys.prepare(AUDIT)
        self._rounds.start()

    def stop(self) -> None:
        """Seal what is left, whoever sealed before, log the end of the chain where it is ours, and end the thread."""
        if self._rounds.stop():
            self._rounds.attempt(self._finish)
            if self._is_sealing:
                self._log_head()

    def _chained(self, head: Seal | None, rows: Sequence[AuditRow]) -> Sequence[Seal]:
        key = self._keys.current(AUDIT)
        position, before = (head.position, head.hash) if head else (0, BEGINNING)
        made = []
        for row in rows:
            position += 1
            before = link(key.value, before, position, row)
            made.append(Seal(position, row.number, key.id, before))
        return made

    def _unsealed(self, head: Seal | None) -> tuple[int, Sequence[AuditRow]]:
        """
        Return the newest number, and a batch of what is unsealed; fewer where there is no more.

        Asked after the head was read: then what another has sealed since is not among it, or its place is taken.
        """
        if self._settled is None:
            self._settled = max(0, head.number - RECENT) if head else 0
        newest, above = self._stores.audit.newest(), self._settled
        rows: list[AuditRow] = []
        while above < newest and len(rows) < BATCH:
            rows += self._seals.unsealed(above, above + SPAN, BATCH - len(rows))
            above += SPAN
        if self._is_sealing and len(rows) < BATCH:
            rows += self._sweep(BATCH - len(rows))
        return newest, rows

    def _settle(self, newest: int) -> None:
        now = self._ticks()
        if not self._seen or self._seen[-1][1] < newest:
            self._seen.append((now, newest))
        while self._seen and now - self._seen[0][0] >= SETTLED_SECONDS:
            self._settled = self._seen.popleft()[1]

    def _sweep(self, size: int) -> Sequence[AuditRow]:
        above, settled = self._swept, self._settled or 0
        self._swept = above + SWEPT if above + SWEPT < settled else 0
        return self._seals.unsealed(above, min(above + SWEPT, settled), size)

    def _round(self) -> None:
        if self._is_ahead(self._seals.head()):
            return
        while self.seal() >= BATCH and not self._rounds.is_stopped(within=0.02):
            """There is more; others write in between."""
        if self._is_sealing and self._ticks() - self._logged >= HEAD_SECONDS:
            self._log_head()

    def _is_ahead(self, head: Seal | None) -> bool:
        """Return whether somebody else has sealed further, and say where the chain is not what it was."""
        if self._head is None:
            return False
        position = head.position if head else 0
        if position > self._head.position:
            self._head, self._is_sealing, self.waiting_since = head, False, None
            return True
        if head != self._head:
            LOG.error(
                "the audit chain was cut or replaced: its end was %d %s, and now is at %d",
                *(self._head.position, self._head.hash.hex(), position),
            )
        return False

    def _finish(self) -> None:
        # What nobody has sealed yet is no other worker's to seal: they may be stopping too, or there is none.
        self._is_ahead(self._seals.head())
        lost, end = 0, self._ticks() + FINISH_SECONDS
        while lost < MOST_LOST and self._ticks() < end:
            sealed = self.seal()
            if sealed < BATCH and self.waiting_since is None:
                return
            lost += not sealed

    def _log_head(self) -> None:
        self._logged = self._ticks()
        if self._head is not None:
            LOG.info("audit head: %d %s", self._head.position, self._head.hash.hex())
