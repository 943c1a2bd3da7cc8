"""
What is written down of calls: why one was refused, what failed of ours, and, where the settings ask for it, each call.

Nothing here holds what a request carried: a route's own pattern stands for the path, and the words that are not of
any route are left out.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from lingpai.edge.call import Call, Request
from lingpai.edge.contract import Contract
from lingpai.vocabulary.outcomes import Outcome, Refused

if TYPE_CHECKING:
    from lingpai.edge.pipeline import Answer

LOG = logging.getLogger(__name__)

Requests = Literal["none", "refused", "all"]
"""Which calls are written down, each: with "none" only a sample of the refused ones."""

CURRENT: ContextVar[Request | None] = ContextVar("request", default=None)
"""The request that this worker thread is at work on, so that every line written meanwhile can name it."""


class _OnLoop:
    """The same for the event loop, where a plain attribute costs a fifth of a context variable."""

    __slots__ = ("request",)
    request: Request | None

    def __init__(self) -> None:
        self.request = None


ON_LOOP = _OnLoop()


def current_request() -> Request | None:
    """Return the request that the calling thread is at work on."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return CURRENT.get()
    return ON_LOOP.request


REQUEST_ID = "x-request-id"

_WELL_FORMED = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

UNREMARKABLE = frozenset({Outcome.NOT_MODIFIED, Outcome.TOKENS_RENEWED})
"""Endings that are none: the client goes on as it should."""

BURST, A_SECOND = 20, 1.0
"""So many lines of a sample come at once, and so many a second afterwards: nobody fills a disk with refusals."""

LONGEST = 200
"""Letters of a reason."""


def request_id(request: Request) -> str:
    """Return what the request is called in the log; made when it is first asked for."""
    if not request.id:
        msgspec.structs.force_setattr(request, "id", secrets.token_hex(8))
    return request.id


def named(request: Request) -> dict[str, str]:
    """Return what a line carries that is written of *request*."""
    return {"request": request_id(request)}


def told_id(request: Request) -> str:
    """Return the id that a proxy gave the request, where it is well-formed; else nothing. Only for a trusted proxy."""
    told = request.last.get(b"x-request-id", b"")
    return told.decode() if _WELL_FORMED.fullmatch(told) else ""


def place(contract: Contract, request: Request, call: Call | None) -> str:
    """Return where the call went: its route's pattern; else its path, of which only words of routes are left."""
    if call is not None and call.route is not None:
        return call.route.path
    known = _words(contract)
    parts = request.path.split("/", _DEEPEST + 1)[1 : _DEEPEST + 1]
    return "/" + "/".join(part if part in known else "…" for part in parts)


_DEEPEST = 8


@lru_cache(maxsize=64)
def _words_of(paths: frozenset[str]) -> frozenset[str]:
    return frozenset(word for path in paths for word in path.split("/"))


def _words(contract: Contract) -> frozenset[str]:
    return _words_of(frozenset(contract.table))


class Sample:
    """Lets a few lines through, and counts the rest. For one thread."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._left = float(BURST)
        self._looked = seconds()
        self.left_out = self.all_left_out = 0

    def lets_through(self) -> bool:
        """Return whether a line may be written now."""
        now = self._seconds()
        self._left = min(BURST, self._left + (now - self._looked) * A_SECOND)
        self._looked = now
        if self._left < 1:
            self.left_out += 1
            self.all_left_out += 1
            return False
        self._left -= 1
        return True

    def taken(self) -> int:
        """Return how many were left out since the last line, and begin to count anew."""
        left_out, self.left_out = self.left_out, 0
        return left_out


class Logbook:
    """
    Writes down calls, on the event loop.

    Args:
        requests: Which.
        seconds: A clock that never goes back.

    """

    def __init__(self, requests: Requests = "none", seconds: Callable[[], float] = time.monotonic) -> None:
        self.writes_all = requests == "all"
        self._writes_refused = requests != "none"
        self._refused = Sample(seconds)
        self._failed = Sample(seconds)

    def unlogged(self) -> int:
        """Return how many refused calls were left out since this worker started."""
        return self._refused.all_left_out

    def write(
        self, contract: Contract, request: Request, answer: "Answer", nanoseconds: int, service: str = ""
    ) -> None:
        """
        Write down a call that was refused, or any one where all are asked for.

        Args:
            service: Who would serve it, where we do not: its paths are not ours, so the line has none.

        """
        if answer.trouble is not None:
            self._write_trouble(contract, request, answer)
        self._write(answer.refusal, lambda: _told(contract, request, answer, nanoseconds, service))

    def write_hook(self, request: Request, status: int, refusal: Refused | None, nanoseconds: int) -> None:
        """Write down that a hook, which is named by the request's path, was rung."""
        self._write(refusal, lambda: _ended({"hook": request.path}, request, status, refusal, nanoseconds))

    def _write(self, refusal: Refused | None, told: Callable[[], dict[str, Any]]) -> None:
        if refusal is None or refusal.outcome in UNREMARKABLE:
            if self.writes_all:
                LOG.info("answered", extra=told())
        elif self._writes_refused or self._refused.lets_through():
            left_out = self._refused.taken()
            LOG.info("refused", extra=told() | ({"left_out": left_out} if left_out else {}))

    def _write_trouble(self, contract: Contract, request: Request, answer: "Answer") -> None:
        if self._failed.lets_through():
            where = f"{contract.name}: {request.method} {place(contract, request, answer.call)}"
            more: dict[str, Any] = {**named(request)}
            if left_out := self._failed.taken():
                more["left_out"] = left_out
            LOG.error("%s failed", where, exc_info=answer.trouble, extra=more)


def _told(contract: Contract, request: Request, answer: "Answer", nanoseconds: int, service: str) -> dict[str, Any]:
    call = answer.call
    where = {"service": service} if service else {"route": place(contract, request, call)}
    told = _ended({"contract": contract.name, **where}, request, answer.status, answer.refusal, nanoseconds)
    if call is not None and call.client is not None:
        told["client"] = call.client.id
    if call is not None and call.standing is not None:
        told["user"] = call.standing.session.user_id
    return told


def _ended(
    where: dict[str, str], request: Request, status: int, refusal: Refused | None, nanoseconds: int
) -> dict[str, Any]:
    return {
        "request": request_id(request),
        **where,
        "method": request.method if request.method in _METHODS else "other",
        "outcome": refusal.outcome.name if refusal else Outcome.OK.name,
        "status": status,
        "ms": round(nanoseconds / 1e6, 2),
        "address": request.address[:45],
        **(_why(refusal) if refusal else {}),
    }


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def _why(refusal: Refused) -> dict[str, str]:
    why = str(refusal)
    told = {"why": why[:LONGEST]} if why != refusal.outcome.name else {}
    return told | ({"reason": refusal.reason.value} if refusal.reason else {})
