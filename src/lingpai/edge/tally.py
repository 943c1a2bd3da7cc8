"""
Counts calls on the event loop, in plain lists: a tenth of a millionth of a second and a bit for each.

Durations fall into buckets that double, from 8.192 µs: so the bucket is the length of a number in bits.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from lingpai.vocabulary.outcomes import End

Source = Literal["memory", "database"]
"""Where a call was answered from."""

_SHIFT = 13
BUCKETS = 21
"""The last takes everything from 4.3 s on."""

BOUNDS = tuple((1 << _SHIFT + number) / 1e9 for number in range(BUCKETS - 1))
"""Seconds below which a call falls into each bucket but the last."""


class Tally:
    """
    What was counted, by contract. One thread counts; any may read.

    *memory* and *database* hold for each contract its calls by bucket, and last the nanoseconds of all together.
    *refused* holds how often each contract ended otherwise than well, by source and ending. *forwarded* holds how often
    a proxy was answered, by contract, service and ending; *hooks* how often a hook was rung, by its path and status.
    """

    def __init__(self) -> None:
        self.memory: dict[str, list[int]] = {}
        self.database: dict[str, list[int]] = {}
        self.refused: Counter[tuple[str, Source, str]] = Counter()
        self.forwarded: Counter[tuple[str, str, str]] = Counter()
        self.hooks: Counter[tuple[str, str]] = Counter()

    def count(self, contract: str, nanoseconds: int, *, asked: bool) -> None:
        """Count a call; *asked* of the database, or answered from memory."""
        rows = self.database if asked else self.memory
        row = rows.get(contract)
        if row is None:
            row = rows[contract] = [0] * (BUCKETS + 1)
        bucket = (nanoseconds >> _SHIFT).bit_length()
        row[bucket if bucket < BUCKETS else BUCKETS - 1] += 1
        row[BUCKETS] += nanoseconds

    def count_refused(self, contract: str, end: End, *, asked: bool) -> None:
        """Count that a call, which is counted already, ended in *end*."""
        self.refused[contract, "database" if asked else "memory", end.name] += 1

    def rows(self) -> Mapping[Source, Mapping[str, Sequence[int]]]:
        """Return copies of the rows of both sources."""
        return {
            "memory": {name: list(row) for name, row in list(self.memory.items())},
            "database": {name: list(row) for name, row in list(self.database.items())},
        }
