"""
The office of a guard that has no database: it asks a node over HTTP, and remembers what it was told.

The lease is that of every worker: memory counts only within a second of a place in the change feed that the node
confirmed. Who is remembered costs no question; whoever is not, and everybody that would be refused here, the node
judges. Where the node does not answer, and memory does not count, calls end as where the store is silent.
"""

import asyncio
import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from lingpai.bridges.proofs import CLIENT_SECONDS, Client, Learning, Proofs, without_keys
from lingpai.bridges.told import LARGEST_BODY, Asked, Followed, Judged, Terms
from lingpai.composition import House, rehearsal
from lingpai.edge.call import Request
from lingpai.edge.desk import Desk
from lingpai.edge.forwarding import Entrance, Verdict
from lingpai.edge.pipeline import Answer, begun
from lingpai.edge.proxies import Proxies
from lingpai.principals.admission import Admission
from lingpai.principals.remembered import Follower, FromMemory, Remembered, Ticks, ticks_while_asleep
from lingpai.principals.sightings import Sightings
from lingpai.stores.interfaces import Heard, Place
from lingpai.vocabulary.clock import SECOND, system_clock
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Refused
from lingpai.vocabulary.policies import WeakForm
from lingpai.vocabulary.settings import ForwardSettings, Settings
from lingpai.vocabulary.values import AuthCode, Caller, Sighting, Standing
from lingpai.vocabulary.values import Client as ClientApp

LOG = logging.getLogger(__name__)

SECONDS = 3
"""So long a question to the node may take."""

THREADS = 16
"""So many calls wait for the node at once."""

WAITING = 256
"""So many more may wait for a thread; beyond that a call ends OVERLOADED."""

_OK = 200

T = TypeVar("T")


class Wire:
    """Questions to the node, over connections that are kept, one for each thread."""

    def __init__(self, node: str, contract: str, service: str, token: str) -> None:
        parts = urlsplit(node)
        self._connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host = parts.netloc
        self._path = f"{parts.path.rstrip('/')}/guard/{contract}/{service}/"
        self._headers = {"X-Lingpai-Asker": token, "Content-Type": "application/json"}
        self._mine = threading.local()
        self._kept: set[HTTPConnection] = set()

    def close(self) -> None:
        """Close every connection."""
        for connection in self._kept:
            connection.close()

    def ask(self, question: str, told: object, kind: type[T] | Any) -> Any:
        """
        Return the node's answer.

        Raises:
            Refused: With STORE_SILENT, when it gives none.

        """
        body = msgspec.json.encode(told)
        for is_last in (False, True):
            kept = getattr(self._mine, "connection", None)
            connection = kept or self._connection(self._host, timeout=SECONDS)
            try:
                connection.request("POST", self._path + question, body, self._headers)
                answer = connection.getresponse()
                page = answer.read()
            except (OSError, HTTPException) as trouble:
                connection.close()
                self._kept.discard(connection)
                self._mine.connection = None
                if kept is None or is_last:
                    raise Refused(Outcome.STORE_SILENT, f"the node does not answer: {trouble!r}") from None
                continue  # a connection that was kept may have been closed meanwhile
            self._mine.connection = connection
            self._kept.add(connection)
            if answer.status != _OK:
                raise Refused(Outcome.STORE_SILENT, f"the node answers {question} with {answer.status}")
            return msgspec.json.decode(page, type=kind)
        raise AssertionError


class Time:
    """The node's time, as far as the feed told it: never ahead of the node, whatever this machine's clock says."""

    def __init__(self, ticks: Ticks) -> None:
        self._ticks = ticks
        self._told: tuple[int, float] | None = None

    def hear(self, now: int, at: float) -> None:
        """Take *now* for the node's time *at* that tick, at the latest."""
        self._told = now, at

    def __call__(self) -> int:
        """Return milliseconds since 1970."""
        if self._told is None:
            return system_clock()
        now, at = self._told
        return now + int((self._ticks() - at) * SECOND)


class NodesFeed:
    """The change feed, read from the node."""

    def __init__(self, wire: Wire, time: Time, ticks: Ticks) -> None:
        self._wire = wire
        self._time = time
        self._ticks = ticks

    def here(self) -> Place:
        return self._ask(None).place

    def after(self, place: Place) -> Heard | None:
        told = self._ask(place)
        return None if told.entries is None else Heard(told.entries, told.place)

    def wake(self, follower: Callable[[], None]) -> None:
        """Nobody can: the feed is asked ten times a second."""

    def _ask(self, place: Place | None) -> Followed:
        told: Followed = self._wire.ask("feed", place, Followed)
        # The answer took its time: the node's moment was no later than now.
        self._time.hear(told.now, self._ticks())
        return told


class NodesTraces:
    """Takes sightings to the node."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def saw(self, sightings: Sequence[Sighting]) -> None:
        self._wire.ask("seen", [(each.session_id, each.seen) for each in sightings], None)

    def issue(self, _session_id: str, _shown: int, _fresh: int) -> bool:
        """Nothing can be issued from here."""
        raise NotRemembered


class Node:
    """
    Judges for a guard, from memory where it may, else by asking *node*.

    Args:
        node: Its base URL, `http://10.0.0.5:8000`: TLS, or a network that nobody else listens to.
        token: The service's asking token (`lingpai forward key`).
        trusted_proxies: Addresses and networks of the proxies before this service.

    """

    def __init__(
        self,
        node: str,
        *,
        contract: str,
        service: str,
        token: str,
        trusted_proxies: Sequence[str] = (),
        ticks: Ticks = ticks_while_asleep,
    ) -> None:
        self.proxies = Proxies(trusted_proxies)
        self._contract, self._service, self._ticks = contract, service, ticks
        self._wire = Wire(node, contract, service, token)
        self._time = Time(ticks)
        self._remembered = Remembered(ticks)
        self._proofs = Proofs(self._remembered, ticks, secrets.token_bytes(32))
        feed = NodesFeed(self._wire, self._time, ticks)
        self._follower = Follower(feed, self._remembered, ticks, self._proofs.hear)
        self._sightings = Sightings(NodesTraces(self._wire), self._time, self._remembered.wrote)
        self._pool = ThreadPoolExecutor(THREADS, "node")
        self._busy = 0
        self._entrance: Entrance | None = None
        self.asked = 0
        memory = FromMemory(self._remembered)
        self._desk = self._made_desk(self._proofs, memory)

    @property
    def entrance(self) -> Entrance:
        """How callers come in, as the node says; it is asked at the start."""
        if self._entrance is None:
            terms: Terms = self._wire.ask("terms", None, Terms)
            self._entrance = _entrance(terms, self._contract, self._service)
        return self._entrance

    def start(self) -> None:
        """Learn how the contract is served, and follow the feed; a node that does not answer stops the start."""
        _ = self.entrance
        self._follower.poll()
        self._follower.start()
        self._sightings.start()

    def stop(self) -> None:
        self._follower.stop()
        self._sightings.stop()
        self._pool.shutdown()
        self._wire.close()

    async def judge(self, request: Request) -> Verdict:
        """Return what becomes of *request*. Memory lets in; only the node refuses."""
        try:
            verdict = self.entrance.judge(request, self._desk)
        except NotRemembered:
            verdict = None
        if verdict is None or verdict.refusal is not None:
            verdict = await self._ask(request)
        elif verdict.sighting is not None:
            self._remembered.saw(verdict.sighting)
            self._sightings.add(verdict.sighting)
        return verdict

    def refuse(self, request: Request, refusal: Refused) -> Verdict:
        return self.entrance.refuse(request, self._desk, refusal)

    async def _ask(self, request: Request) -> Verdict:
        if self._busy >= THREADS + WAITING:
            return self.refuse(request, Refused(Outcome.OVERLOADED, retry_after=1))
        self._busy += 1
        running = asyncio.get_running_loop().run_in_executor(self._pool, self._judged, request)
        running.add_done_callback(self._leave)
        try:
            return await asyncio.shield(running)
        except Refused as refusal:
            LOG.warning("%s: %s", self._service, refusal)
            return self.refuse(request, refusal)

    def _leave(self, _work: object) -> None:
        self._busy -= 1

    def _judged(self, request: Request) -> Verdict:
        self.asked += 1
        mark = self._remembered.mark()
        body = request.body if len(request.body) <= LARGEST_BODY else b""
        asked = Asked.of(msgspec.structs.replace(request, body=body))
        judged: Judged = self._wire.ask("judge", asked, Judged)
        if judged.refusal is not None:
            refusal = judged.refusal
            answer = Answer(refusal.status, refusal.headers, refusal.body)
            return Verdict(begun(self.entrance.contract, request, self._desk), None, answer, None, None)
        return self._learned(request, judged, mark)

    def _learned(self, request: Request, judged: Judged, mark: int) -> Verdict:
        """Go through the call again, so that each part keeps what it would have to ask for the next time."""
        told = _Told(self._remembered, judged, mark)
        weak = tuple(form for form in judged.weak if form is not WeakForm.PLAIN_HTTP)
        client = Client(judged.client.id if judged.client else "", weak, self._ticks() + CLIENT_SECONDS)
        desk = self._made_desk(Learning(self._proofs, judged.claims, client, mark), told)
        try:
            verdict = self.entrance.judge(request, desk)
        except NotRemembered:
            verdict = None
        if verdict is not None and verdict.refusal is None:
            return verdict
        return self._as_told(request, judged)

    def _as_told(self, request: Request, judged: Judged) -> Verdict:
        """Return the verdict as the node has it, of a call that could not be gone through here."""
        call = begun(self.entrance.contract, request, self._desk)
        call.client = judged.client.client() if judged.client else None
        if judged.standing is not None:
            standing = judged.standing.standing()
            call.client = call.client or standing.client
            call.standing, call.client_type = standing, standing.session.client_type
            call.caller = Caller(
                terms=self.entrance.contract.terms,
                client=call.client,
                client_type=standing.session.client_type,
                address=request.address,
                standing=standing,
                company_id=judged.company_id,
                generation=judged.generation,
            )
        return Verdict(call, call.caller, None, None, None)

    def _made_desk(self, keys: Any, kept: Any) -> Desk:
        return Desk(
            clock=self._time,
            randomness=secrets.token_bytes,
            keys=keys,
            sessions=kept,
            clients=kept,
            codes=kept,
            admission=Admission(self._time, from_memory=True),
            operations={},
            issue=NodesTraces(self._wire).issue,
        )


class _Told:
    """Sessions, clients and codes as the node has just read them: kept as they are asked for."""

    def __init__(self, remembered: Remembered, judged: Judged, mark: int) -> None:
        self._remembered = remembered
        self._mark = mark
        self._standing = judged.standing.standing() if judged.standing else None
        self._code = judged.code
        told = [judged.client.client()] if judged.client else []
        self._clients: Mapping[str, ClientApp] = {client.id: client for client in told}

    def standing(self, *token_digests: bytes) -> Standing:
        if self._standing is None:
            raise NotRemembered
        session = msgspec.structs.replace(self._standing.session, token_digest=token_digests[0])
        standing = msgspec.structs.replace(self._standing, session=session)
        self._remembered.keep_standing(standing, self._mark)
        return standing

    def standing_of(self, session_id: str) -> Standing:
        if self._standing is None or self._standing.session.id != session_id:
            raise NotRemembered
        self._remembered.keep_standing(self._standing, self._mark)
        return self._standing

    def by_id(self, client_id: str) -> ClientApp:
        if client_id not in self._clients:
            raise NotRemembered
        client = self._clients[client_id]
        self._remembered.keep_client(client, self._mark)
        return client

    def find(self, *digests: bytes) -> AuthCode:
        if self._code is None:
            raise NotRemembered
        code = replace(self._code, digest=digests[0])
        self._remembered.keep_code(code)
        return code


def _entrance(terms: Terms, contract: str, service: str) -> Entrance:
    """Return how callers come in, built from the node's terms with nothing that needs a key."""
    settings = Settings(contracts={contract: terms.settings}, timezone=terms.timezone, phone_region=terms.phone_region)
    stores, _, keys = rehearsal(system_clock, secrets.token_bytes)
    served = House(settings, stores, keys).served[contract]
    rules = msgspec.convert(terms.rules, ForwardSettings)
    return Entrance(service, served.contract, rules, without_keys)
