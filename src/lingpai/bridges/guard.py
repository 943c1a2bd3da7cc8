"""
The guard of a Python service with a framework of its own: an ASGI application around another.

Whoever calls proves who they are in their contract's way; the application finds them in `scope["lingpai"]`, or as
`request.state.caller`. Whoever does not is refused in the contract's envelope, and the application never hears of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from lingpai.bridges.forward import ASKER, IDENTITY_HEADERS, may_hold_proofs
from lingpai.bridges.wrapping import Wrapped
from lingpai.composition import House
from lingpai.edge.asgi import LARGEST_BODY, Message, Receive, Scope, Send, is_announced, read_body, send_answer
from lingpai.edge.call import Request
from lingpai.edge.forwarding import Entrance, Verdict
from lingpai.edge.origins import allow_origin, preflight
from lingpai.edge.pipeline import Answer
from lingpai.edge.proxies import Proxies, is_local
from lingpai.edge.targets import read_target
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import ForwardSettings
from lingpai.vocabulary.values import Caller

App = Callable[[Scope, Receive, Send], Awaitable[None]]

SPOKEN_BY = "lingpai"
"""Where in the scope the caller stands: a `Caller`, or None for a public call."""

_OUR_HEADERS = frozenset("".join(filter(str.isalnum, name.lower())) for name in (*IDENTITY_HEADERS, ASKER.decode()))

_ASKS_BEFOREHAND = b"access-control-request-method"


class Office(Protocol):
    """Whoever judges for a guard: a house in this process, or a node over HTTP."""

    @property
    def entrance(self) -> Entrance:
        """How callers come in."""

    @property
    def proxies(self) -> Proxies:
        """The proxies before this service."""

    def start(self) -> None:
        """Begin to follow the change feed."""

    def stop(self) -> None:
        """End what was begun, and write what is unwritten."""

    async def judge(self, request: Request) -> Verdict:
        """Return what becomes of *request*."""

    def refuse(self, request: Request, refusal: Refused) -> Verdict:
        """Return *refusal* for a request that is not even judged."""


class Here:
    """
    Judges in this process, on the house's own database.

    Args:
        service: The service whose settings count (`[forward.<service>]`); empty for *rules*.

    """

    def __init__(self, house: House, contract: str, service: str, rules: ForwardSettings) -> None:
        self._house = house
        self.proxies = house.proxies
        if service:
            self.entrance = house.entrances[contract, service]
        else:
            self.entrance = Entrance("", house.served[contract].contract, rules)

    def start(self) -> None:
        self._house.start()

    def stop(self) -> None:
        self._house.stop()

    async def judge(self, request: Request) -> Verdict:
        return await self._house.shell.judge(self.entrance, request)

    def refuse(self, request: Request, refusal: Refused) -> Verdict:
        return self.entrance.refuse(request, self._house.shell.desks.remembering, refusal)


class Guard:
    """
    An ASGI application that lets only proved calls through to *app*.

    Args:
        contract: What callers speak.
        house: Where they are judged: `open_house(…)`, started and stopped with the application.
        office: Instead of *house*: whoever else judges (`bridges.node.Node`).
        service: The service whose rules count, as `[forward.<service>]` has them; empty for *rules*.
        wrap: Put what *app* answers into the contract's envelope: JSON as its data, an error's status as its code.

    Raises:
        KeyError: The house serves no such contract, or names no such service for it.

    """

    def __init__(
        self,
        app: App,
        *,
        contract: str = "",
        house: House | None = None,
        office: Office | None = None,
        service: str = "",
        rules: ForwardSettings | None = None,
        wrap: bool = False,
    ) -> None:
        if office is None:
            if house is None:
                raise TypeError("a guard wants a house, or an office")
            office = Here(house, contract, service, rules or ForwardSettings())
        self._app = app
        self._office = office
        self._wrap = wrap

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI 3 asks; of a websocket no proof is read, so none is let through."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope, address, _ = self._office.proxies.seen_through(scope)
        contract = self._office.entrance.contract
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        if scope["method"] == "OPTIONS" and any(
            name == b"access-control-request-method" for name, _ in scope["headers"]
        ):
            await send_answer(send, Answer(204, preflight(contract, origins), b""))
            return
        verdict, body = await self._judged(scope, address, receive)
        if verdict.refusal is not None:
            await send_answer(send, verdict.refusal, allow_origin(contract, origins))
            return
        if body is not None:
            receive = _replayed(body, receive)
        send = _Open(send, allow_origin(contract, origins))
        if self._wrap and scope["method"] != "HEAD":
            send = Wrapped(send, verdict)
        await self._app(_told(scope, verdict.caller), receive, send)

    async def _judged(self, scope: Scope, address: str, receive: Receive) -> tuple[Verdict, bytes | None]:
        """Return what becomes of the call, and its body where that was read."""
        office, body = self._office, None
        plain = Request(scope["method"], "", b"", scope["headers"], b"", address)
        try:
            path, query = _asked_for(scope)
            inside = office.entrance.inside(path)
            request = msgspec.structs.replace(plain, path=inside, query=query)
            if scope.get("scheme") != "https" and not is_local(request):
                request = msgspec.structs.replace(request, plain=True)
            if may_hold_proofs(office.entrance, request) and is_announced(scope, request) and not _is_large(request):
                body = await read_body(request, receive)
                request = msgspec.structs.replace(request, body=body)
        except Refused as refusal:
            return office.refuse(plain, refusal), None
        return await office.judge(request), body

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()

        async def receiving() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await loop.run_in_executor(None, self._office.start)
            return message

        async def sending(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await loop.run_in_executor(None, self._office.stop)
            await send(message)

        await self._app(scope, receiving, sending)


def caller(request: HTTPConnection) -> Caller:
    """
    Return who makes *request*, a Starlette or FastAPI one: `Depends(caller)` is how FastAPI asks for it.

    Raises:
        HTTPException: With 403, when the call is public and nobody has said who they are.

    """
    found = request.scope.get(SPOKEN_BY)
    if not isinstance(found, Caller):
        raise HTTPException(403)
    return found


def has_role(role: str) -> Callable[[HTTPConnection], Caller]:
    """Return what `Depends` asks for a caller with *role*; anybody else is 403."""

    def with_role(request: HTTPConnection) -> Caller:
        found = caller(request)
        if found.user.role != role:
            raise HTTPException(403)
        return found

    return with_role


def _asked_for(scope: Scope) -> tuple[str, bytes]:
    """
    Return path and query of what the application will serve.

    Raises:
        Refused: With UNREADABLE: as `read_target`, or where the path was rewritten on its way and is no longer the
            one that came.

    """
    path, query = read_target(_target(scope))
    if path != scope["path"]:
        raise Refused(Outcome.UNREADABLE, "the application is asked for another path than the one that came")
    return path, query


def _target(scope: Scope) -> bytes:
    raw = scope.get("raw_path") or quote(scope["path"], safe="/~!$&'()*+,;=:@").encode()
    query: bytes = scope["query_string"]
    return raw.partition(b"?")[0] + (b"?" + query if query else b"")


def _is_large(request: Request) -> bool:
    """Return whether a body is told to be larger than any that holds proofs: then it is left to the application."""
    return any(value.isdigit() and int(value[:20]) > LARGEST_BODY for value in request.values(b"content-length"))


def _told(scope: Scope, caller: Caller | None) -> Scope:
    """Return *scope* with its caller, and without headers by which a client could pretend to be one."""
    headers = [(name, value) for name, value in scope["headers"] if _squeezed(name) not in _OUR_HEADERS]
    state = {**(scope.get("state") or {}), "caller": caller}
    return {**scope, "headers": headers, "state": state, SPOKEN_BY: caller}


def _squeezed(name: bytes) -> str:
    return "".join(filter(str.isalnum, name.decode("latin-1").lower()))


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return what gives *body* first, as it came, and then whatever the connection tells."""
    waiting = [body]

    async def replaying() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replaying


class _Open:
    """Adds the cross-origin headers of the contract, where the application has none of its own."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            there = list(message.get("headers", ()))
            if not any(name.lower() == b"access-control-allow-origin" for name, _ in there):
                message = {**message, "headers": [*there, *self._headers]}
        await self._send(message)
