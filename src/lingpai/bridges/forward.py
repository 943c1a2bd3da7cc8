"""
Forward-auth: a proxy asks whether a request may go on to a service, and who makes it.

`/forward/<contract>/<service>` answers 200 with the caller in headers, or refuses with 401 (403 where the caller
is known), whatever status the contract means for its client: that one stands in `X-Lingpai-Status`, since a proxy
lets pass whatever is 200. Where a proxy cannot pass on a refusal's body, it first asks `…?only=verdict`, which
hands out nothing, and then sends the client on to `/refusal/<contract>/<service>`, which answers as the contract would.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from time import perf_counter_ns
from typing import Any, NoReturn
from urllib.parse import quote

import msgspec

from lingpai.bridges.guards import Guards
from lingpai.composition import House
from lingpai.edge.asgi import Desks, Receive, Scope, Send, Shell, is_announced, read_body, send_answer
from lingpai.edge.call import Request
from lingpai.edge.desk import Desk
from lingpai.edge.forwarding import Entrance, Verdict
from lingpai.edge.logbook import REQUEST_ID, request_id
from lingpai.edge.origins import allow_origin, preflight
from lingpai.edge.pipeline import Answer
from lingpai.edge.proxies import is_local
from lingpai.edge.targets import read_target
from lingpai.operations.renew import Renew
from lingpai.principals.services import claims_of, may_ask, purpose_of, request_digest, write_identity
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import Caller

ASKER = b"x-lingpai-asker"
"""The header in which a proxy, or a guard, shows that it may ask."""

STATUS = "x-lingpai-status"
"""The header that names the status which a refusal has for the client."""

IDENTITY_HEADERS = (
    "Remote-User",
    "X-Lingpai-User",
    "X-Lingpai-Contract",
    "X-Lingpai-Client",
    "X-Lingpai-Company",
    "X-Lingpai-Session",
    "X-Lingpai-Identity",
)
"""What a service is told in. Whoever passes a request on must take these off it first, in every spelling."""

_ORIGINAL = (b"x-original-method", b"x-original-uri")
_FORWARDED = (b"x-forwarded-method", b"x-forwarded-uri")
"""Pairs of headers in which proxies name the request that they ask about: one or the other."""

_JUST_ASKING = b"only=verdict"

Page = Callable[[str, Scope, Receive, Send], Awaitable[None]]


class Forward:
    """
    Answers proxies.

    Args:
        house: Started already.

    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._entrances = house.entrances
        self._guards = Guards(house)

    @property
    def shell(self) -> Shell:
        """What serves requests, and knows their ids."""
        return self._house.shell

    @property
    def wording(self) -> Desk:
        """The desk that words a refusal for which nothing was judged."""
        return self._house.shell.desks.remembering

    @cached_property
    def handing_out_nothing(self) -> Desks:
        """The desks that judge without renewing."""
        desks = self._house.shell.desks
        return Desks(_handing_out_nothing(desks.remembering), _handing_out_nothing(desks.asking))

    def finds(self, scope: Scope) -> Page | None:
        """Return what answers the request, or None where nothing does: for whoever may not ask, nothing is here."""
        first, contract, rest = [*scope["path"][1:].split("/", 2), "", ""][:3]
        service = rest.partition("/")[0]
        entrance = self._entrances.get((contract, service))
        if entrance is None or not self.may_ask(service, scope["headers"]):
            return None
        # A path that is only told decoded may have been another one: then nothing may stand behind the question.
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        asked = f"/{first}/{contract}/{service}".encode()
        if not raw.startswith(asked) or ("raw_path" not in scope and raw != asked):
            return None
        tail = raw[len(asked) :]
        if first == "forward":
            return _Asked(self, entrance, tail).forward
        if first == "refusal" and not tail:
            return _Asked(self, entrance, tail).refusal
        if first == "guard" and (answered := self._guards.answers(entrance, tail[1:].decode("latin-1"))):
            return lambda _address, *connection: answered(*connection)
        return None

    def may_ask(self, service: str, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Return whether *headers* show the asking token of *service*, once."""
        shown = [each[1] for each in headers if each[0] == ASKER]
        return len(shown) == 1 and may_ask(shown[0].decode("latin-1"), self._house.keys.accepted(purpose_of(service)))

    def count(self, entrance: Entrance, verdict: Verdict) -> None:
        """Count a request that a proxy asks about, by how it was judged."""
        refused = verdict.refusal and verdict.refusal.refusal
        end = refused.outcome if refused else Outcome.OK
        self._house.tally.forwarded[entrance.contract.name, entrance.service, end.name] += 1

    def write_down(self, entrance: Entrance, verdict: Verdict, began: int) -> None:
        """Write down how a request was judged; *began* is when, in nanoseconds."""
        call, refusal = verdict.call, verdict.refusal
        logbook = self._house.logbook
        if refusal is not None or logbook.writes_all:
            answer = refusal or Answer(200, {}, b"", call=call)
            logbook.write(entrance.contract, call.request, answer, perf_counter_ns() - began, entrance.service)

    def identity(self, entrance: Entrance, caller: Caller, method: str, target: str) -> Mapping[str, str]:
        """Return the headers that tell the service of *entrance* who *caller* is."""
        service, seconds = entrance.service, entrance.settings.seconds
        claims = claims_of(caller, service, request_digest(method, target), self._house.clock(), seconds)
        user, company = caller.user, caller.company_id
        headers = {
            "remote-user": user.name if _is_plain(user.name) else quote(user.name, safe="@+"),
            "x-lingpai-user": str(user.id),
            "x-lingpai-contract": entrance.contract.name,
            "x-lingpai-client": quote(caller.client.id, safe=":"),
            "x-lingpai-session": caller.session.id,
            "x-lingpai-identity": write_identity(claims, self._house.keys.accepted(purpose_of(service))),
        }
        if company is not None:
            headers["x-lingpai-company"] = str(company)
        return headers


class _Asked:
    """One question of a proxy."""

    def __init__(self, forward: Forward, entrance: Entrance, tail: bytes) -> None:
        self._forward = forward
        self._entrance = entrance
        self._tail = tail

    async def forward(self, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer whether the request may go on."""
        began = perf_counter_ns()
        only_verdict = not self._tail and scope["query_string"] == _JUST_ASKING
        method, target, verdict = await self._judged(address, scope, receive, hands_out=not only_verdict)
        # A refused preflight is answered as ours are, and like ours no call.
        if not (method == "OPTIONS" and verdict.refusal):
            self._forward.count(self._entrance, verdict)
            if not (only_verdict and verdict.refusal):  # else `/refusal` is asked next, and writes it down
                self._forward.write_down(self._entrance, verdict, began)
        if verdict.refusal is None:
            caller = verdict.caller
            headers = self._forward.identity(self._entrance, caller, method, target) if caller is not None else {}
            await send_answer(send, Answer(200, headers, b""))
            return
        refusal, cors = self._for_client(verdict.refusal, method, scope)
        headers = {**refusal.headers, STATUS: str(refusal.status), REQUEST_ID: request_id(verdict.call.request)}
        status = 401 if verdict.caller is None else 403
        await send_answer(send, Answer(status, headers, b"" if only_verdict else refusal.body), cors)

    async def refusal(self, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the client of a request that was refused, in the contract's words and with its status."""
        began = perf_counter_ns()
        method, _, verdict = await self._judged(address, scope, receive, hands_out=True)
        if verdict.refusal is None:
            # Refused a moment ago, and no longer: the store is back, say. The same call again will do.
            again = Refused(Outcome.OVERLOADED, "what was refused would now pass", retry_after=1)
            desk = self._forward.wording
            verdict = self._entrance.refuse(verdict.call.request, desk, again)
        assert verdict.refusal is not None  # noqa: S101 - made just above, where there was none
        if method != "OPTIONS":
            self._forward.write_down(self._entrance, verdict, began)
        answer, cors = self._for_client(verdict.refusal, method, scope)
        await send_answer(send, answer, {**cors, REQUEST_ID: request_id(verdict.call.request)})

    def _for_client(self, refusal: Answer, method: str, scope: Scope) -> tuple[Answer, Mapping[str, str]]:
        """Return the answer, with its cross-origin headers; a preflight is answered as ours are."""
        contract = self._entrance.contract
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        if method == "OPTIONS":
            return Answer(204, preflight(contract, origins), b""), {}
        return refusal, allow_origin(contract, origins)

    async def _judged(
        self, address: str, scope: Scope, receive: Receive, *, hands_out: bool
    ) -> tuple[str, str, Verdict]:
        entrance, desk = self._entrance, self._forward.wording
        asked = Request(scope["method"], "", b"", scope["headers"], b"", address)
        self._forward.shell.take_id(asked, scope)
        try:
            method, target = self._original(scope, asked)
            path, query = read_target(target)
            inside = entrance.inside(path)
            request = msgspec.structs.replace(asked, method=method, path=inside, query=query)
            if scope.get("scheme") != "https" and not is_local(request):
                request = msgspec.structs.replace(request, plain=True)
            if may_hold_proofs(entrance, request) and is_announced(scope, request):
                request = msgspec.structs.replace(request, body=await read_body(request, receive))
        except Refused as refusal:
            return "", "", entrance.refuse(asked, desk, refusal)
        desks = None if hands_out else self._forward.handing_out_nothing
        verdict = await self._forward.shell.judge(entrance, request, desks)
        return method, target.decode(), verdict

    def _original(self, scope: Scope, asked: Request) -> tuple[str, bytes]:
        """
        Return method and target of the request that the proxy asks about.

        Raises:
            Refused: With UNREADABLE, when the proxy names none, or two: one of them would be the client's.

        """
        if self._tail:
            query: bytes = scope["query_string"]
            return scope["method"], self._tail + (b"?" + query if query else b"")
        method, target = _ORIGINAL
        if _is_named(asked, _FORWARDED):
            if _is_named(asked, _ORIGINAL):
                _unnamed("it names the original request twice")
            method, target = _FORWARDED
        methods, targets = asked.values(method), asked.values(target)
        if len(methods) != 1 or len(targets) != 1 or not methods[0].isalpha() or not methods[0].isascii():
            _unnamed("method and URI are not there once each")
        return methods[0].decode(), targets[0]


def _is_named(asked: Request, pair: tuple[bytes, bytes]) -> bool:
    return pair[0] in asked.last or pair[1] in asked.last


def _unnamed(why: str) -> NoReturn:
    raise Refused(Outcome.UNREADABLE, f"the proxy is set up wrong, or the client wrote its headers: {why}")


def may_hold_proofs(entrance: Entrance, request: Request) -> bool:
    """Return whether the request's body is one that the contract takes proofs from."""
    told = request.values(b"content-type")
    media_type = told[0].decode("latin-1").partition(";")[0].strip().lower() if told else ""
    return media_type in entrance.contract.business.body


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isalnum()


def _handing_out_nothing(desk: Desk) -> Desk:
    """Return *desk* as it serves those who only want the verdict: a pair that would be renewed is told, not renewed."""
    operations: dict[Any, Any] = {**desk.operations, Renew: _told_not_renewed}
    return replace(desk, operations=operations)


def _told_not_renewed(_caller: object, _question: object) -> NoReturn:
    raise Refused(Outcome.TOKENS_RENEWED, "the pair is handed out by the answer that reaches the client")
