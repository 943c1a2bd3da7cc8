"""
The first of two keys (twokeys: `api_token`): an MD5 over what is called, the day, and the client's secret.

The recipe is the document's. It covers neither the arguments nor the moment, and has no separators.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hmac import compare_digest
from typing import ClassVar
from zoneinfo import ZoneInfo

from lingpai.edge.call import Call
from lingpai.edge.contract import Route, Step
from lingpai.edge.describing import TEXT, Asked
from lingpai.edge.triples import ByTriple, Triple
from lingpai.principals.client_secrets import sealed_place
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.likeness import like, schema_like
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.policies import WeakForm
from lingpai.vocabulary.values import Client

WRONG = object()
"""What no recipe is."""

Signed = tuple[WeakForm | None, tuple[str, ...]]
"""The weak form that a recipe is, or None, and what it puts before the secret."""

MIDNIGHT_SECONDS = 300
"""So close to midnight, the day on the other side counts too: clocks differ, and a request takes its time."""

TIMESTAMP_SECONDS = 300
"""How far a client's own clock may be off where it signs a moment instead of a day."""


_TOKEN = {
    "type": "string",
    "pattern": "^[0-9A-Fa-f]{32}$",
    **schema_like(
        like(
            "f9286d6233d737aed43f24d3a4ea9ff2",
            "md5(模块 + 控制器 + 动作 + 当天日期 + 应用密钥)，十六进制",
            "md5 of module + controller + action + the day (YYYY-MM-DD) + the client's secret, in hex",
        )
    ),
}


def api_token(*parts: str) -> str:
    """
    Return the MD5 of *parts*, put together without separators, in lower-case hex.

    >>> api_token("api", "repair", "getlist", "2013-12-18", "k3y-Of-20-chars-long")
    'f9286d6233d737aed43f24d3a4ea9ff2'
    """
    # MD5 because clients compute it. What it is weak at, collisions, gains nobody anything here.
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=64)
def _days(now: int, zone: ZoneInfo) -> frozenset[str]:
    """Return the days that count at the second *now*."""
    moments = (now - MIDNIGHT_SECONDS, now, now + MIDNIGHT_SECONDS)
    return frozenset(datetime.fromtimestamp(moment, zone).date().isoformat() for moment in moments)


@dataclass(frozen=True, slots=True)
class ApiTokenRight(Step):
    """
    The client is one that may call, and has proved it by `client_id` and `api_token` in the query.

    Whatever is wrong, known call or not, is one ending: nobody without a key learns which calls there are.

    Args:
        zone: Whose day it is.
        weak: The recipes that sign a day: over the call, and over the client's id.
        old_secret: What it is to know only the secret before the one in use.

    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.CLIENT_REFUSED})
    KNOWS_CLIENT: ClassVar[bool] = True

    router: ByTriple
    zone: ZoneInfo
    weak: tuple[WeakForm, WeakForm] = (WeakForm.DAY_MD5, WeakForm.ID_DAY_MD5)
    old_secret: WeakForm = WeakForm.OLD_SECRET

    def asked(self) -> tuple[Asked, ...]:
        words = like(
            "1767225600", "签名所用的时刻(秒)，代替日期；否则忽略", "the second signed instead of the day, else ignored"
        )
        return (
            Asked(place="query", name="client_id", credential=True),
            Asked(place="query", name="api_token", schema=_TOKEN, credential=True),
            Asked(place="query", name="timestamp", schema={**TEXT, **schema_like(words)}, required=False),
        )

    def __call__(self, call: Call) -> None:
        triple = self.router.triple(call.request.path, call.query)
        if triple is None:
            raise Refused(Outcome.CLIENT_REFUSED, "no module, controller and action, or two that differ")
        shown: str = call.query.get("api_token", "").lower()
        if not re.fullmatch("[0-9a-f]{32}", shown):
            raise Refused(Outcome.CLIENT_REFUSED, "no api_token, or none by its shape")
        client = call.desk.clients.by_id(call.query.get("client_id", ""))
        if client is None or not client.enabled or not client.secret_sealed:
            raise Refused(Outcome.CLIENT_REFUSED, "the client is unknown, disabled or without a secret")
        if not client.speaks(call.contract.name, call.now):
            raise Refused(Outcome.CLIENT_REFUSED, f"the client {client.id} does not speak this contract")
        timestamp = call.query.get("timestamp", "")
        for kept in client.secrets(call.now):
            secret = call.desk.keys.unseal(kept.sealed, sealed_place(client.id)).reveal()
            signed = self._signed(triple, client, timestamp, call.now // SECOND)
            right = next((form for form, parts in signed if compare_digest(api_token(*parts, secret), shown)), WRONG)
            if right is not WRONG:
                call.client, call.secret_end = client, kept.end
                if isinstance(right, WeakForm):
                    call.uses(right)
                if kept.end is not None:
                    call.uses(self.old_secret)
                return
        raise Refused(Outcome.CLIENT_REFUSED, "the api_token is wrong")

    def _signed(self, triple: Triple, client: Client, timestamp: str, now: int) -> Iterator[Signed]:
        """Yield what the client may have put before its secret, and how weak that is."""
        over_call, over_id = self.weak
        days = _days(now, self.zone)
        for day in days:
            yield over_call, (*triple, day)
        if re.fullmatch("[0-9]{1,12}", timestamp) and abs(int(timestamp) - now) <= TIMESTAMP_SECONDS:
            yield None, (client.id, timestamp)
        for day in days:
            yield over_id, (client.id, day)

    def check_routes(self, routes: Sequence[Route]) -> None:
        """
        Make sure that no api_token opens two calls.

        Raises:
            ValueError: Two routes are one text once their components are put together, or one has no three.

        """
        texts: dict[str, str] = {}
        for route in routes:
            triple = self.router.triple(route.path, {})
            if triple is None:
                raise ValueError(f"{route.path} names no module, controller and action")
            text = "".join(triple)
            if texts.setdefault(text, route.path) != route.path:
                raise ValueError(f"one api_token would open both {texts[text]} and {route.path}")
