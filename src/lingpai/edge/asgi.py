"""
The shell: the only asynchronous code on the way of a request.

Reads a request whole, bounded and without a thread; serves it from memory on the event
loop; where memory does not do, serves it again by the same functions on a worker thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lingpai.edge.call import Request
from lingpai.edge.contract import Contract
from lingpai.edge.desk import Desk
from lingpai.edge.origins import allow_origin, preflight
from lingpai.edge.pipeline import Answer, refuse, serve
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Refused
from lingpai.vocabulary.values import Sighting

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_BODY = 64 * 1024
"""Bytes of one request's body."""

BODY_SECONDS = 20
"""For so long a client may take to send its body."""


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

    """

    def __init__(self, desks: Desks, saw: Callable[[Sighting], None], *, threads: int = 16, waiting: int = 256) -> None:
        self._desks = desks
        self._saw = saw
        self._places = threads + waiting
        self._busy = 0
        self._pool = ThreadPoolExecutor(threads, "call")

    async def __call__(
        self, contract: Contract, path: str, side: str, address: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one request of *contract*; *path* is the one inside the contract."""
        headers = tuple(scope["headers"])
        request = Request(scope["method"], path, scope["query_string"], headers, b"", address, side)
        origin = next((value.decode("latin-1") for name, value in headers if name == b"origin"), None)
        if request.method == "OPTIONS" and (methods := _known_methods(contract, request)):
            await _send(send, Answer(204, preflight(contract, origin, methods), b""), {})
            return
        try:
            body = await _read_body(scope, receive)
        except Refused as refusal:
            answer = refuse(contract, request, self._desks.remembering, refusal)
        except TimeoutError:
            return
        else:
            if body:
                request = Request(request.method, path, request.query, headers, body, address, side)
            answer = await self._answer(contract, request)
        if answer.sighting is not None:
            self._saw(answer.sighting)
        await _send(send, answer, allow_origin(contract, origin))

    async def _answer(self, contract: Contract, request: Request) -> Answer:
        try:
            return serve(contract, request, self._desks.remembering)
        except NotRemembered:
            pass
        if self._busy >= self._places:
            return refuse(contract, request, self._desks.remembering, Refused(Outcome.OVERLOADED, retry_after=1))
        self._busy += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, serve, contract, request, self._desks.asking)
        finally:
            self._busy -= 1

    def close(self) -> None:
        """End the threads, once they have answered."""
        self._pool.shutdown()


def _known_methods(contract: Contract, request: Request) -> tuple[str, ...]:
    return tuple(contract.table.get(contract.router.path(request, {}), ()))


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    """
    Return the request's body.

    Raises:
        Refused: With BODY_TOO_LARGE, as soon as that is known.
        TimeoutError: It did not arrive in time, or the client went away.

    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > LARGEST_BODY:
            raise Refused(Outcome.BODY_TOO_LARGE)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise Refused(Outcome.BODY_TOO_LARGE)
        return body
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout(BODY_SECONDS):
        while message["type"] == "http.request":
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > LARGEST_BODY:
                raise Refused(Outcome.BODY_TOO_LARGE)
            if not message.get("more_body"):
                return b"".join(parts)
            message = await receive()
    raise TimeoutError


async def _send(send: Send, answer: Answer, more: Mapping[str, str]) -> None:
    headers = [(b"cache-control", b"no-store"), (b"content-length", str(len(answer.body)).encode())]
    headers += [(name.encode(), value.encode("latin-1")) for name, value in {**answer.headers, **more}.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
