"""
The shell: the only asynchronous code on the way of a request.

Reads a request whole, bounded and without a thread; serves it from memory on the event
loop; where memory does not do, serves it again by the same functions on a worker thread.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, TypeVar

import msgspec

from lingpai.edge.call import Request
from lingpai.edge.contract import Contract
from lingpai.edge.desk import Desk
from lingpai.edge.forwarding import Entrance, Verdict
from lingpai.edge.logbook import CURRENT, ON_LOOP, REQUEST_ID, Logbook, named, request_id, told_id
from lingpai.edge.origins import allow_origin, preflight
from lingpai.edge.pipeline import Answer, refuse, serve
from lingpai.edge.proxies import is_local
from lingpai.edge.tally import Tally
from lingpai.modules.module import Hook, Replied, Rung
from lingpai.vocabulary.outcomes import End, NotRemembered, Outcome, Refused
from lingpai.vocabulary.policies import Used
from lingpai.vocabulary.values import Sighting

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

T = TypeVar("T")

LARGEST_BODY = 64 * 1024
"""Bytes of one request's body."""

BODY_SECONDS = 20
"""For so long a client may take to send its body."""

LOG = logging.getLogger(__name__)

HOOK_STATUSES: Mapping[End, int] = {
    Outcome.WRONG_METHOD: 405,
    Outcome.BODY_TOO_LARGE: 413,
    Outcome.STORE_SILENT: 503,
    Outcome.OVERLOADED: 503,
}
"""What a refusal is to a machine that speaks no contract; any other is 400."""

_DIGITS = len(str(LARGEST_BODY))
_NO_CONTENT = 204
_NO_STORE = (b"cache-control", b"no-store")
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Desks:
    """The two ways to serve a call: from memory, and from the stores."""

    remembering: Desk
    asking: Desk


class Shell:
    """
    Serves contracts over ASGI.

    Args:
        threads: How many calls are served from the stores at once.
        waiting: How many more may wait for a thread; beyond that a call ends OVERLOADED.
        saw: Takes the sighting of the run that answered.
        used: Takes what weak forms it used.
        logbook: Where calls are written down.
        tally: Where they are counted.
        trusts: Whether the peer with that address is a proxy of ours, whose word for a request's id is taken.

    """

    def __init__(
        self,
        desks: Desks,
        saw: Callable[[Sighting], None],
        used: Callable[[Used], None],
        *,
        threads: int = 16,
        waiting: int = 256,
        logbook: Logbook | None = None,
        tally: Tally | None = None,
        trusts: Callable[[str], bool] = lambda _peer: False,
    ) -> None:
        self.desks = desks
        self.saw = saw
        self.used = used
        self._threads = threads
        self._places = threads + waiting
        self._busy = 0
        self._logbook = logbook or Logbook()
        self._tally = tally or Tally()
        self._trusts = trusts
        self._pool = ThreadPoolExecutor(threads, "call")

    async def __call__(  # noqa: C901, PLR0912 - each further function would cost a hundredth of the whole
        self, contract: Contract, path: str, side: str, address: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one request of *contract*; *path* is the one inside the contract."""
        request = Request(scope["method"], path, scope["query_string"], scope["headers"], b"", address, side)
        if scope.get("scheme") != "https" and not is_local(request):
            request = msgspec.structs.replace(request, plain=True)
        if b"x-request-id" in request.last:
            self.take_id(request, scope)
        origin = request.values(b"origin")
        if request.method == "OPTIONS":
            await send_answer(send, Answer(204, preflight(contract, origin), b""))
            return
        asked = False
        began = perf_counter_ns()
        try:
            body = await read_body(request, receive) if is_announced(scope, request) else b""
        except Refused as refusal:
            answer = refuse(contract, request, self.desks.remembering, refusal)
        else:
            if body:
                request = msgspec.structs.replace(request, body=body)
                # How long somebody takes to send is not how long we take to answer.
                began = perf_counter_ns()
            ON_LOOP.request = request
            try:
                answer = serve(contract, request, self.desks.remembering)
            except NotRemembered:
                asked = True
            finally:
                ON_LOOP.request = None
            if asked:
                answer = await self._ask_for(contract, request)
        if answer.sighting is not None:
            self.saw(answer.sighting)
        if answer.used is not None:
            self.used(answer.used)
        nanoseconds = perf_counter_ns() - began
        self._tally.count(contract.name, nanoseconds, asked=asked)
        more = allow_origin(contract, origin)
        if answer.refusal is not None:
            more = {**more, REQUEST_ID: request_id(request)}
            self._tally.count_refused(contract.name, answer.refusal.outcome, asked=asked)
        if answer.refusal is not None or self._logbook.writes_all:
            self._logbook.write(contract, request, answer, nanoseconds)
        await send_answer(send, answer, more)

    async def _ask_for(self, contract: Contract, request: Request) -> Answer:
        try:
            return await self.ask(request, serve, contract, request, self.desks.asking)
        except Refused as refusal:
            return refuse(contract, request, self.desks.remembering, refusal)

    def take_id(self, request: Request, scope: Scope) -> None:
        """Call the request what its `X-Request-Id` says, where a proxy of ours says it."""
        peer = scope.get("client")
        if peer and self._trusts(str(peer[0])):
            msgspec.structs.force_setattr(request, "id", told_id(request))

    async def ring(self, hook: Hook, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of a module's *hook*: whatever fails is a bare status, and its reason is in the log."""
        request = Request(scope["method"], scope["path"], scope["query_string"], scope["headers"], b"", address)
        self.take_id(request, scope)
        began = perf_counter_ns()
        refused = None
        try:
            replied = await self._on_thread(_at_work_on, request, hook.run, await _rung(request, receive))
        except Refused as refusal:
            refused = refusal
            replied = Replied(HOOK_STATUSES.get(refusal.outcome, 400))
        except Exception:
            LOG.exception("%s failed", request.path, extra=named(request))
            refused = Refused(Outcome.INTERNAL)
            replied = Replied(500)
        self._tally.hooks[request.path, str(replied.status)] += 1
        self._logbook.write_hook(request, replied.status, refused, perf_counter_ns() - began)
        answer = Answer(replied.status, {"content-type": replied.content_type}, replied.body)
        await send_answer(send, answer, {REQUEST_ID: request_id(request)} if refused else _NONE)

    async def judge(self, entrance: Entrance, request: Request, desks: Desks | None = None) -> Verdict:
        """
        Return what becomes of a *request* that somebody else serves: judged from memory, else on a thread.

        Args:
            desks: Where it is judged; ours unless said.

        """
        desks = desks or self.desks
        try:
            verdict = entrance.judge(request, desks.remembering)
        except NotRemembered:
            try:
                verdict = await self.ask(request, entrance.judge, request, desks.asking)
            except Refused as refusal:
                verdict = entrance.refuse(request, desks.remembering, refusal)
        if verdict.sighting is not None:
            self.saw(verdict.sighting)
        if verdict.used is not None:
            self.used(verdict.used)
        return verdict

    async def ask(self, request: Request, work: Callable[..., T], *what: object) -> T:
        """
        Return what *work* returns on one of the threads that ask the stores; every line meanwhile names *request*.

        Raises:
            Refused: With OVERLOADED, when too many wait already; with INTERNAL, when no desk can answer.

        """
        try:
            return await self._on_thread(_at_work_on, request, work, *what)
        except NotRemembered:
            LOG.exception("no desk can answer %s", work)
            raise Refused(Outcome.INTERNAL) from None

    async def _on_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """
        Return what *work* returns on a thread.

        Raises:
            Refused: With OVERLOADED, when too many wait already.

        """
        if self._busy >= self._places:
            raise Refused(Outcome.OVERLOADED, retry_after=1)
        self._busy += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        future.add_done_callback(self._leave)
        # Whoever goes away is cancelled, the thread is not: the place is free when the thread is.
        return await asyncio.shield(future)

    def threads(self) -> tuple[int, int]:
        """Return how many threads are at work, and how many calls wait for one."""
        return min(self._busy, self._threads), max(0, self._busy - self._threads)

    def _leave(self, _work: object) -> None:
        self._busy -= 1

    def close(self) -> None:
        """End the threads, once they have answered."""
        self._pool.shutdown()


def _at_work_on(request: Request, work: Callable[..., T], *what: object) -> T:
    """Return what *work* returns, on a thread whose every line meanwhile names *request*."""
    CURRENT.set(request)
    try:
        return work(*what)
    finally:
        CURRENT.set(None)


async def _rung(request: Request, receive: Receive) -> Rung:
    """
    Return the request as a hook is told of it.

    Raises:
        Refused: With WRONG_METHOD for any but POST, else as `read_body`.

    """
    if request.method != "POST":
        raise Refused(Outcome.WRONG_METHOD)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.last.items()}
    return Rung(headers, await read_body(request, receive))


def is_announced(scope: Scope, request: Request) -> bool:
    """Return whether a body may come: before HTTP/2 one that no header tells of is none (RFC 9112, section 6.3)."""
    named = request.last
    told = b"content-length" in named or b"transfer-encoding" in named
    return told or scope.get("http_version", "1.1") not in ("1.0", "1.1")


async def read_body(request: Request, receive: Receive) -> bytes:
    """
    Return the request's body.

    Raises:
        Refused: With BODY_TOO_LARGE, as soon as that is known; with UNREADABLE, when
            the body broke off or did not arrive in time.

    """
    for value in request.values(b"content-length"):
        if value.isdigit() and (len(value.lstrip(b"0")) > _DIGITS or int(value) > LARGEST_BODY):
            raise Refused(Outcome.BODY_TOO_LARGE)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collect_body(receive)
    except TimeoutError:
        raise Refused(Outcome.UNREADABLE, "the body did not arrive in time", headers={"connection": "close"}) from None


async def _collect_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            # The client went away, or its chunks do not add up: then it can still hear this.
            raise Refused(Outcome.UNREADABLE, "the body broke off")
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            raise Refused(Outcome.BODY_TOO_LARGE)
        if not message.get("more_body"):
            return b"".join((*parts, part)) if parts else part
        parts.append(part)


async def send_answer(send: Send, answer: Answer, more: Mapping[str, str] = _NONE) -> None:
    """Send *answer*, with *more* headers."""
    headers = [_NO_STORE]
    if answer.status != _NO_CONTENT:  # a 204 must not tell a length (RFC 9110, section 8.6)
        headers.append((b"content-length", b"%d" % len(answer.body)))
    for name, value in answer.headers.items():
        headers.append((name.encode(), value.encode("latin-1")))
    for name, value in more.items():
        headers.append((name.encode(), value.encode("latin-1")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
