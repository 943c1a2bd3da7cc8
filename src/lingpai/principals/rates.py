"""
How many dear calls come from one address, and through one app.

A worker counts its share of each rate in its own memory; or all count together in a Valkey, and each its share again
while that is silent. Only what costs a hash or a transaction is counted, never a read of a remembered session.
"""

import logging
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from lingpai.principals.networks import network_of
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import OFF, LimitsSettings, SettingRefused
from lingpai.vocabulary.values import Visitor

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.errors import StorageError
    from limits.storage import MemoryStorage
    from limits.strategies import RateLimiter

Kind = Literal["sign_in", "register", "authorize", "refresh"]
"""The calls that are counted."""

Rate = Callable[[Kind, Visitor], None]
"""Counts one call; ends TOO_MANY_ATTEMPTS where it is one too many."""

REST_SECONDS = 5.0
"""So long nobody asks a Valkey that gave no answer."""

ANSWER_SECONDS = 0.2
"""So long it may take to answer."""

MOST_COUNTED = 20_000
"""
Counts that a worker keeps, a few for each caller; then it begins anew.

`limits` looks through all of them again and again. Whoever comes from so many networks is not held by their rates.
"""

LOG = logging.getLogger(__name__)


def unlimited(_kind: Kind, _visitor: Visitor) -> None:
    """Let every call come."""


class Rates:
    """
    Counts calls of each kind by network, and by client where that has proved to be itself.

    Args:
        workers: How many share the rates.

    Raises:
        SettingRefused: The driver of Valkey is missing.

    """

    def __init__(self, settings: LimitsSettings, workers: int) -> None:
        counted = ("sign_in", "register", "authorize", "refresh", "client")
        self._rates = {name: _items(getattr(settings, name)) for name in counted}
        self._workers = workers
        self._counted, self._own = _in_memory()
        self._together = _together(settings.shared)
        self._rests_until = 0.0

    def __call__(self, kind: Kind, visitor: Visitor) -> None:
        """
        Count one call.

        Raises:
            Refused: With TOO_MANY_ATTEMPTS.

        """
        self._count(kind, kind, network_of(visitor.address).name)
        # A built-in client is everybody's: a rate of its own would let anybody use up everybody's.
        if visitor.client.secret_digest:
            self._count("client", kind, visitor.client.id)

    def _count(self, rate: str, kind: Kind, who: str) -> None:
        for item in self._rates[rate]:
            seconds = self._hit(item, f"{rate}:{kind}", who)
            if seconds is not None:
                why = f"more than {item} of {kind} by {who}"
                raise Refused(Outcome.TOO_MANY_ATTEMPTS, why, retry_after=max(1, math.ceil(seconds)))

    def _hit(self, item: "RateLimitItem", *names: str) -> float | None:
        """Count one call; return None, or after how many seconds the next may come."""
        from limits.errors import StorageError

        if self._together is not None and time.monotonic() >= self._rests_until:
            try:
                return _hit_in(self._together, item, names)
            except StorageError as silent:
                self._rests_until = time.monotonic() + REST_SECONDS
                # Its kind alone: a message may hold the URL, and with it a password.
                LOG.warning("[limits] shared gives no answer, each worker takes its share: %s", _kind(silent))
        if len(self._counted.storage) >= MOST_COUNTED:
            self._counted, self._own = _in_memory()
        share = type(item)(math.ceil(item.amount / self._workers), item.multiples)
        return _hit_in(self._own, share, names)


def _kind(silent: "StorageError") -> str:
    return type(silent.storage_error).__name__


def _in_memory() -> "tuple[MemoryStorage, RateLimiter]":
    # A tenth of a second to import, which only workers need.
    from limits.storage import MemoryStorage
    from limits.strategies import SlidingWindowCounterRateLimiter

    counted = MemoryStorage()
    return counted, SlidingWindowCounterRateLimiter(counted)


def _hit_in(limiter: "RateLimiter", item: "RateLimitItem", names: tuple[str, ...]) -> float | None:
    if limiter.hit(item, *names):
        return None
    return limiter.get_window_stats(item, *names).reset_time - time.time()


def _items(rate: str) -> "list[RateLimitItem]":
    from limits import parse_many

    return [] if rate == OFF else parse_many(rate)


def _together(url: str) -> "RateLimiter | None":
    if not url:
        return None
    from limits.errors import ConfigurationError
    from limits.storage import storage_from_string
    from limits.strategies import SlidingWindowCounterRateLimiter

    url = url.replace("valkey://", "redis://", 1).replace("valkeys://", "rediss://", 1)
    answer = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
    try:
        storage = storage_from_string(url, wrap_exceptions=True, **answer)
    except ConfigurationError as missing:
        install = "pip install 'lingpai[valkey]'"
        raise SettingRefused(
            f"[limits] shared asks for the driver of Valkey: {install} ({missing})",
            f"[limits] shared 需要 Valkey 的驱动：{install}（{missing}）",
        ) from None
    return SlidingWindowCounterRateLimiter(storage)
