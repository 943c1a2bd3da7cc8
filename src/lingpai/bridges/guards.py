"""
What a node answers to guards elsewhere, under `/guard/<contract>/<service>/…`, to whoever shows the service's token.

`judge` judges one call, always from the stores: what a guard keeps must be at least as new as the place in the feed
that it holds. `feed` tells what to forget, `seen` takes down who was seen, `terms` says how the contract is served.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from lingpai.bridges.told import Asked, Followed, Judged, Terms, ToldClient, ToldRefusal, ToldStanding
from lingpai.composition import House
from lingpai.edge.asgi import Receive, Scope, Send, read_body, send_answer
from lingpai.edge.call import Request
from lingpai.edge.desk import Codes, Desk
from lingpai.edge.forwarding import Entrance
from lingpai.edge.pipeline import Answer
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import AuthCode, Sighting

SEEN = tuple[tuple[str, int], ...]
"""Ids of sessions, and when each was seen."""

_SECRET_SETTINGS = ("invitation",)

Question = Callable[[Entrance, bytes], Any]


class _Recording:
    """Auth codes, and which one was asked for last."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self.found: AuthCode | None = None

    def find(self, *digests: bytes) -> AuthCode | None:
        self.found = self._codes.find(*digests)
        return self.found


class Guards:
    """Answers guards that stand elsewhere."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._questions: Mapping[str, Question] = {
            "judge": self._judge,
            "feed": self._feed,
            "seen": self._seen,
            "terms": self._terms,
        }

    def answers(self, entrance: Entrance, question: str) -> Callable[[Scope, Receive, Send], Awaitable[None]] | None:
        """Return what answers that *question* of a guard, or None where there is no such."""
        asked = self._questions.get(question)
        if asked is None:
            return None

        async def page(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                request = Request(scope["method"], "", b"", scope["headers"])
                body = await read_body(request, receive)
                answer = await self._house.shell.ask(request, asked, entrance, body)
                told = Answer(200, {"content-type": "application/json"}, msgspec.json.encode(answer))
            except (Refused, msgspec.DecodeError) as trouble:
                is_ours = isinstance(trouble, Refused) and trouble.outcome in (Outcome.STORE_SILENT, Outcome.OVERLOADED)
                told = Answer(503 if is_ours else 400, {}, b"")
            await send_answer(send, told)

        return page

    def _judge(self, entrance: Entrance, body: bytes) -> Judged:
        request = msgspec.json.decode(body, type=Asked).request()
        asking: Desk = self._house.shell.desks.asking
        codes = _Recording(asking.codes)
        verdict = entrance.judge(request, replace(asking, codes=codes))
        if verdict.sighting is not None:
            self._house.shell.saw(verdict.sighting)
        if verdict.used is not None:
            self._house.shell.used(verdict.used)
        if verdict.refusal is not None:
            refusal = verdict.refusal
            return Judged(ToldRefusal(refusal.status, dict(refusal.headers), refusal.body))
        call, caller = verdict.call, verdict.caller
        return Judged(
            standing=ToldStanding.of(caller.standing) if caller else None,
            client=ToldClient.of(call.client) if call.client else None,
            claims={name: value for name, value in call.claims.items() if isinstance(value, str | int)},
            code=replace(codes.found, digest=b"") if codes.found else None,
            weak=call.weak,
            company_id=caller.company_id if caller else None,
            generation=caller.generation if caller else 0,
        )

    def _feed(self, _entrance: Entrance, body: bytes) -> Followed:
        feed, now = self._house.stores.feed, self._house.clock()
        place = msgspec.json.decode(body, type=int | str | None)
        heard = None if place is None else feed.after(place)
        if heard is None:
            return Followed(feed.here(), None, now)
        return Followed(heard.place, tuple(heard.entries), now)

    def _seen(self, entrance: Entrance, body: bytes) -> None:
        """Take down who was seen; what that means for a session's end the contract's terms say, not the guard."""
        now, terms = self._house.clock(), entrance.contract.terms
        for session_id, seen in msgspec.json.decode(body, type=SEEN):
            standing = self._house.stores.sessions.standing_of(session_id)
            if standing is not None and standing.session.contract == terms.contract:
                at = min(seen, now)
                self._house.shell.saw(Sighting(session_id, at, terms.idle_end(at)))

    def _terms(self, entrance: Entrance, _body: bytes) -> Terms:
        settings = self._house.settings
        own = settings.contracts.get(entrance.contract.name, {})
        shown = {name: value for name, value in own.items() if name not in _SECRET_SETTINGS}
        rules = msgspec.structs.asdict(entrance.settings)
        return Terms(shown, rules, settings.timezone, settings.phone_region)
