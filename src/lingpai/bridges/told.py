"""
What a guard and a node tell each other over HTTP: a call to be judged, and all that was read to judge it.

No key, no digest and no secret of a client is among it.
"""

from dataclasses import replace
from typing import Any

import msgspec

from lingpai.edge.call import Request
from lingpai.vocabulary.events import FeedEntry
from lingpai.vocabulary.policies import Policies, Policy, WeakForm, policies
from lingpai.vocabulary.values import AuthCode, Client, Membership, Session, Standing, User

LARGEST_BODY = 32 * 1024
"""Bytes of a body that a guard passes on to be judged: in base64 it must fit into one of ours."""


class Asked(msgspec.Struct, frozen=True):
    """A call to be judged."""

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    address: str
    plain: bool

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Return *request* to be told."""
        headers = tuple((name, value) for name, value in request.headers)
        return cls(request.method, request.path, request.query, headers, request.body, request.address, request.plain)

    def request(self) -> Request:
        """Return the request that was told."""
        return Request(self.method, self.path, self.query, self.headers, self.body, self.address, "", self.plain)


class ToldClient(msgspec.Struct, frozen=True):
    """A client app, without what it proves itself with."""

    id: str
    name: str
    enabled: bool
    contracts: frozenset[str]
    scope: str
    language: str
    rules: tuple[Policy, ...]
    addresses: tuple[str, ...]
    routes: tuple[str, ...]

    @classmethod
    def of(cls, client: Client) -> "ToldClient":
        """Return *client* to be told."""
        said = client.policies
        return cls(
            client.id,
            client.name,
            client.enabled,
            client.contracts,
            client.scope,
            client.language,
            said.rules,
            said.addresses,
            said.routes,
        )

    def client(self) -> Client:
        """Return the client that was told."""
        said: Policies = policies(self.rules, self.addresses, self.routes)
        return Client(
            self.id,
            self.name,
            enabled=self.enabled,
            contracts=self.contracts,
            scope=self.scope,
            language=self.language,
            policies=said,
        )


class ToldStanding(msgspec.Struct, frozen=True):
    """A session with all that admission asks about it, without its token's digest and its user's password."""

    session: Session
    user: User
    client: ToldClient
    memberships: tuple[Membership, ...]

    @classmethod
    def of(cls, standing: Standing) -> "ToldStanding":
        """Return *standing* to be told."""
        session = msgspec.structs.replace(standing.session, token_digest=None)
        user = replace(standing.user, password="")
        return cls(session, user, ToldClient.of(standing.client), standing.memberships)

    def standing(self) -> Standing:
        """Return the standing that was told."""
        return Standing(self.session, self.user, self.client.client(), self.memberships)


class ToldRefusal(msgspec.Struct, frozen=True):
    """A refusal in the contract's words, as the caller is to hear it."""

    status: int
    headers: dict[str, str]
    body: bytes


class Judged(msgspec.Struct, frozen=True):
    """
    What a node says of a call: a refusal, or who makes it and what was read.

    Args:
        client: The app that calls, where a step has found one.
        claims: What the token says, where it is a signed one.
        code: The auth code that was read.

    """

    refusal: ToldRefusal | None = None
    standing: ToldStanding | None = None
    client: ToldClient | None = None
    claims: dict[str, Any] = {}
    code: AuthCode | None = None
    weak: tuple[WeakForm, ...] = ()
    company_id: int | None = None
    generation: int = 0


class Followed(msgspec.Struct, frozen=True):
    """
    What a node tells of the change feed: entries since a place, or None where all must be forgotten.

    Args:
        now: The node's time, in milliseconds.

    """

    place: int | str
    entries: tuple[FeedEntry, ...] | None
    now: int


class Terms(msgspec.Struct, frozen=True):
    """How the node serves the contract, so that a guard reads it alike."""

    settings: dict[str, Any]
    rules: dict[str, Any]
    timezone: str
    phone_region: str
