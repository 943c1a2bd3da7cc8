"""
A house on memory stores, whose clock, people and faults a script can move.

Each verb of `Stage` that stands in `VERBS` is an `@` line of a transcript.
"""

import asyncio
import base64
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import fields, replace
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from lingpai.composition import House, rehearsal
from lingpai.edge.asgi import Receive, Scope, Send
from lingpai.edge.steps import built_in_id
from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.add_company import AddCompany
from lingpai.operations.add_user import AddUser, Joining, NewUser
from lingpai.operations.change_membership import JoinCompany, LeaveCompany, MembershipAsked
from lingpai.operations.enable import EnableClient, EnableUser, Enabling
from lingpai.operations.end_sessions import EndSessions
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.operations.reset_password import PasswordReset, ResetPassword
from lingpai.operations.set_policies import PlacesAsked, PolicyAsked, SetPlaces, SetPolicy
from lingpai.principals.names import name_key
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.policies import read_rule
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.settings import OFF, Settings, read_settings
from lingpai.vocabulary.values import Client, Company, User, Visitor

KEYS = {
    "oppmg.pair": b"access-key-for-tests-of-32-bytes" + b"refresh-key-for-tests-of-32bytes",
    "thinkjs.token": b"thinkjs-key-for-tests-of-32bytes",
    "thinkjs.salt": b"md5-salt-for-tests",
}
"""The keys that the vectors in the documents of this project were computed with."""


class Stage:
    """
    Everything that a transcript plays on.

    Args:
        name: The contract that is played.
        settings: What the house is set to from the beginning.

    """

    VERBS = ("clock", "wait", "user", "company", "client", "session", "set", "operator", "fault")

    def __init__(self, name: str, settings: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.now = 1_767_225_600_000
        self.ticks = 0.0
        self._numbers = count(1)
        self.settings: dict[str, Any] = dict(settings or {})
        self.stores, self.tables, self._keys = rehearsal(lambda: self.now, self.random)
        for purpose, value in KEYS.items():
            self._keys.import_key(purpose, value)
        self._build()

    def random(self, size: int) -> bytes:
        """Return 1, 2, 3 … in *size* bytes, so that tokens are counted."""
        return next(self._numbers).to_bytes(size, "big")

    # The verbs.

    def clock(self, milliseconds: str) -> None:
        """Stop the clock there."""
        self.now = int(milliseconds)

    def wait(self, seconds: str) -> None:
        """Move the clock by so much, in seconds with decimals."""
        self.now += round(float(seconds) * 1000)

    def user(self, name: str, password: str, *more: str) -> None:
        """Add a user; `company=1` or `admin=1` makes them a member."""
        values = dict(word.split("=", 1) for word in more)
        joins = [Joining(int(n)) for n in values.pop("company", "").split(",") if n]
        joins += [Joining(int(n), is_admin=True) for n in values.pop("admin", "").split(",") if n]
        profile = User(id=0, name=name, name_key="", password="")
        number = int(values.pop("id", "0"))
        if number:
            self.tables.rows.users[number - 1] = profile
        user = _changed(profile, values)
        AddUser(self.stores, lambda: self.now, published_too=True)("operator", NewUser(user, password, tuple(joins)))
        if number:
            del self.tables.rows.users[number - 1]

    def company(self, name: str, *more: str) -> None:
        """Add a company; the first is number 1."""
        company = _changed(Company(0, name), dict(word.split("=", 1) for word in more))
        AddCompany(self.stores, lambda: self.now)("operator", company)

    def client(self, client_id: str, secret: str, *more: str) -> None:
        """Register a client of this contract, or with secret `-` change one that is there."""
        values: dict[str, Any] = dict(word.split("=", 1) for word in more)
        contracts = frozenset(values.pop("contracts", self.name).split(","))
        if secret == "-":
            with self.stores.change(_client_saved(client_id)) as change:
                change.clients.save(_changed(self.tables.rows.clients[client_id], values))
            return
        client = _changed(Client(client_id, client_id, contracts=contracts), values)
        add = AddClient(self.stores, self._keys, lambda: self.now, self.random, published_too=True)
        add("operator", NewClient(client, Secret(secret)))

    def session(self, user: str, token: str, client: str = "", name: str = "") -> None:
        """Open a session of this contract, or the one called *name*, with a token that is known already."""
        contract = self.house.served[name or self.name].contract
        visitor = Visitor(
            terms=contract.terms,
            client=self.tables.rows.clients[client or built_in_id(contract.name, contract.client_types[0])],
            client_type=contract.client_types[0] if contract.client_types else "unknown",
        )
        MintToken(self.stores, self.house.opening, published_too=True)(visitor, TokenAsked(self._user(user).id, token))

    def set(self, setting: str) -> None:
        """Start again with a setting: `path.of.it=value`."""
        path, _, value = setting.partition("=")
        section = self.settings
        *names, last = path.split(".")
        for name in names:
            section = section.setdefault(name, {})
        section[last] = value
        self._build()

    def operator(self, *words: str) -> None:
        """
        Do what an operator does: end, disable, enable, remove, join, reset a user; rest, wake a client; say its policy
        (`on`, `off`, a date, `unsaid`), the addresses that it may call from, the routes that it may call.
        """
        match words:
            case ("end", name):
                EndSessions(self.stores, lambda: self.now)("operator", self._user(name).id)
            case ("disable" | "enable" as verb, name):
                asked = Enabling(self._user(name).id, enabled=verb == "enable")
                EnableUser(self.stores, lambda: self.now)("operator", asked)
            case ("rest" | "wake" as verb, client):
                EnableClient(self.stores)("operator", Enabling(client, enabled=verb == "wake"))
            case ("policy", client, name, said):
                zone = ZoneInfo(self.house.settings.timezone)
                rule = None if said == "unsaid" else read_rule(name, said, zone, self.now)
                SetPolicy(self.stores)("operator", PolicyAsked(client, name, rule))
            case ("addresses", client, *addresses):
                SetPlaces(self.stores)("operator", PlacesAsked(client, addresses=tuple(addresses)))
            case ("routes", client, *routes):
                SetPlaces(self.stores)("operator", PlacesAsked(client, routes=tuple(routes)))
            case ("remove", name, company):
                asked_out = MembershipAsked(self._user(name).id, int(company))
                LeaveCompany(self.stores, lambda: self.now)("operator", asked_out)
            case ("join", name, company):
                JoinCompany(self.stores)("operator", MembershipAsked(self._user(name).id, int(company)))
            case ("reset", name, password):
                reset = PasswordReset(self._user(name).id, Secret(password))
                ResetPassword(self.stores, lambda: self.now)("operator", reset)
            case _:
                raise ValueError(f"no such operator's verb: {' '.join(words)}")

    def fault(self, kind: str) -> None:
        """Break something: store, bug (in the store), crowd (no thread is free), hashing (the gate is full), none."""
        self.tables.fault = kind if kind in ("store", "bug") else ""
        self.house.shell._busy = 10**6 if kind == "crowd" else 0
        if kind in ("store", "bug", "crowd"):
            self.ticks += 10
        if kind == "hashing":
            while self.house.gate._places.acquire(blocking=False):
                pass

    # What the runner needs.

    def answer(self, method: str, target: str, headers: list[tuple[str, str]], body: str) -> tuple[int, Any, bytes]:
        """
        Return status, headers (names in lower case) and body of the answer.

        Bytes that are no UTF-8 stand in *headers* and *body* as `surrogateescape` writes them.
        """
        path, _, query = target.partition("?")
        sent_body = body.encode(errors="surrogateescape")
        sent_headers = [(name.lower().encode(), value.encode(errors="surrogateescape")) for name, value in headers]
        if sent_body and not any(name in (b"content-length", b"transfer-encoding") for name, _ in sent_headers):
            sent_headers.append((b"content-length", b"%d" % len(sent_body)))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": sent_headers,
            "client": ("127.0.0.1", 1),
        }
        with suppress(Refused, RuntimeError):
            self.house.follower.poll()
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": sent_body}

        async def collect(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, collect))
        if not self.tables.fault:
            self.house.sightings.flush()
            self.house.weak_uses.flush()
        return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"]

    def _build(self) -> None:
        # A transcript calls more often in a second than an office does in a minute.
        limits = dict.fromkeys(("sign_in", "register", "authorize", "refresh", "client"), OFF)
        settings = read_settings({**self.settings, "limits": limits | self.settings.get("limits", {})}, Settings, "")
        self.house = House(settings, self.stores, self._keys, lambda: self.now, self.random, lambda: self.ticks)
        self.house.prepare()
        self.app = self.door(self.house)

    def door(self, house: House) -> Any:
        """Return what takes a request to *house*, as ASGI has it: here by the prefix alone."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            name, _, rest = scope["path"][1:].partition("/")
            await house.shell(house.served[name].contract, "/" + rest, "", "127.0.0.1", scope, receive, send)

        return serve

    def _user(self, name: str) -> User:
        user = self.stores.accounts.named(name_key(name))
        if user is None:
            raise ValueError(f"no user {name}")
        return user


def _client_saved(client_id: str) -> Event:
    return Event("client:changed", "client", client_id)


def _changed(value: Any, changes: dict[str, Any]) -> Any:
    """Return *value* with *changes*, whose text is read as the field's own kind."""
    kinds = {f.name: f.type for f in fields(value)}
    read: dict[str, Any] = {}
    for name, text in changes.items():
        kind = str(kinds[name])
        if "bool" in kind:
            read[name] = text == "yes"
        elif "int" in kind:
            read[name] = int(text)
        elif "frozenset" in kind:
            read[name] = frozenset(text.split(","))
        else:
            read[name] = text
    return replace(value, **read)


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
