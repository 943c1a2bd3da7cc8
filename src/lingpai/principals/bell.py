"""
How workers of one machine tell each other at once that something changed: eight bytes in a file that all of them map.

The change feed tells what changed, within a second and on any number of machines. The bell
only says that something did; who hears it asks the feed before trusting memory again.
"""

import mmap
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from lingpai.vocabulary.events import FeedEntry
from lingpai.vocabulary.values import Randomness

SIZE = 8


class Bell:
    """
    Eight bytes that never hold the same value twice.

    Whoever has committed a change writes a fresh random value over the old one, before the change
    is answered. Nothing is read first, so there is nothing to lose between reading and writing,
    and no lock that a stopped process could hold. A follower notes the value *before* it asks the feed:

    * a change whose value came before that note was committed before the question, so the answer held it;
    * a change whose value came after it leaves that value, or a later change's, and none of these was
      noted, since each is written once (two of 2**64 alike aside).

    So memory that compares equal at its decision lacks no change that was answered before. The bytes
    are one aligned machine word, written by one store; even a torn value would not be the noted one.

    Args:
        word: Eight bytes, shared or not.

    """

    def __init__(self, word: bytearray | mmap.mmap, randomness: Randomness) -> None:
        self._word = memoryview(word)[:SIZE].cast("Q")
        self._randomness = randomness

    def ring(self) -> None:
        """Let every worker on this machine doubt what it remembers; its follower clears that up."""
        self._word[0] = int.from_bytes(self._randomness(SIZE))

    def answer(self, entries: Sequence[FeedEntry]) -> None:
        """Ring, where the change told the feed anything."""
        if entries:
            self.ring()

    def rung(self) -> int:
        """Return what was rung last."""
        value: int = self._word[0]
        return value


Rung = Callable[[], int]
"""What was rung last: the same value as long as nobody rings."""


def silence() -> int:
    """Return always the same: there is no bell."""
    return 0


def open_bell(path: Path, randomness: Randomness) -> Bell | None:
    """
    Return the bell in the file at *path*, made where it is missing; None where it cannot be mapped.

    Without one, another worker's changes are known when the feed is asked: within the lease.

    .. danger::

        Whoever cuts the file short while it is mapped kills the workers that look at it. It may be
        removed at any time: those who hold it keep it, who comes later has another.

    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        # Only ever made longer, so that a worker that starts takes nothing from those that run.
        if os.fstat(handle).st_size < SIZE:
            os.ftruncate(handle, SIZE)
        return Bell(mmap.mmap(handle, SIZE), randomness)
    except (OSError, ValueError):
        return None
    finally:
        os.close(handle)
