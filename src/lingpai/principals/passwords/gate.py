"""
The bounded gate before the hashing.

A hash is the dearest thing that a stranger can ask for, so few are made at once, on
threads that give way to all others, and when too many wait the next is told to come later.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lingpai.principals.passwords.argon2 import NOBODYS, hash_password, spend, verify_password, work_of
from lingpai.vocabulary.outcomes import Outcome, Refused

T = TypeVar("T")

RETRY_SECONDS = 2
"""After so long a client that was sent away may try again."""


def _give_way() -> None:
    """Lower this thread's own priority, where the system knows threads by id (Linux)."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        thread = threading.get_native_id()
        # Never raised: that is forbidden to whoever was started with less, and no password could be hashed.
        os.setpriority(os.PRIO_PROCESS, thread, max(10, os.getpriority(os.PRIO_PROCESS, thread)))


class HashingGate:
    """
    Hashes passwords on a few threads of low priority.

    Args:
        threads: How many hash at once: one core is left for everybody else.
        waiting: How many more may wait for their turn.

    """

    def __init__(self, threads: int | None = None, waiting: int = 12) -> None:
        threads = threads or max(1, (os.cpu_count() or 1) - 1)
        self._dearest = work_of(NOBODYS)
        # For the metrics alone: a slip of one among threads does no harm.
        self.shed = self.inside = 0
        self._places = threading.BoundedSemaphore(threads + waiting)
        self._pool = ThreadPoolExecutor(threads, "hashing", _give_way)

    def verify(self, encoded: str | None, password: str, *, first: Callable[[], object] | None = None) -> bool:
        """
        Return whether *password* is the one in *encoded*; None takes as long and is never right.

        Args:
            first: Done when there is a place, before anything is hashed; what it raises leaves the place.

        Raises:
            Refused: With TOO_MANY_ATTEMPTS, when too many are waiting.

        """
        return self._run(lambda: self._judge(encoded or NOBODYS, password), first) and bool(encoded)

    def hash(self, password: str) -> str:
        """
        Return *password* hashed.

        Raises:
            Refused: With TOO_MANY_ATTEMPTS, when too many are waiting.

        """
        return self._run(lambda: hash_password(password))

    def _judge(self, encoded: str, password: str) -> bool:
        """Verify, at the cost of the dearest hash that was ever met, so that the time tells of no other parameters."""
        work = work_of(encoded)
        self._dearest = max(self._dearest, work)
        right = verify_password(encoded, password)
        spend(self._dearest - work)
        return right

    def _run(self, work: Callable[[], T], first: Callable[[], object] | None = None) -> T:
        if not self._places.acquire(blocking=False):
            self.shed += 1
            raise Refused(Outcome.TOO_MANY_ATTEMPTS, "the hashing gate is full", retry_after=RETRY_SECONDS)
        self.inside += 1
        try:
            if first is not None:
                first()
            return self._pool.submit(work).result()
        finally:
            self.inside -= 1
            self._places.release()
