"""Where a credential travels. A carrier looks in one place and judges nothing but that it is one text."""

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from lingpai.edge.call import Call, Members
from lingpai.edge.describing import Asked, Schema
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.policies import WeakForm


class Carrier(Protocol):
    """One place."""

    @property
    def name(self) -> str: ...
    def read(self, call: Call) -> str | None:
        """
        Return the credential, or None where there is none (an empty one is none).

        Raises:
            Refused: With CREDENTIALS_BAD, when it is there more than once or is no text.

        """

    def asked(self, schema: Schema) -> Asked:
        """Return the place, for a credential that looks like *schema*."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header; *prefix* (such as `Bearer `, a scheme, whose case does not count: RFC 9110, 11.1) is taken off."""

    name: str
    prefix: str = ""

    def read(self, call: Call) -> str | None:
        value = call.request.credential_header(self.name.lower())
        if value and value[: len(self.prefix)].lower() == self.prefix.lower():
            value = value[len(self.prefix) :]
        return value or None

    def asked(self, schema: Schema) -> Asked:
        bearer = self.name.lower() == "authorization" and self.prefix.lower() == "bearer "
        scheme: Literal["bearer", "key"] = "bearer" if bearer else "key"
        return Asked(place="header", name=self.name, schema=schema, credential=True, scheme=scheme)


@dataclass(frozen=True, slots=True)
class Query:
    """A member of the query; *weak* is what it is to carry it there."""

    name: str
    weak: WeakForm | None = None

    def read(self, call: Call) -> str | None:
        return _noted(self, call.query, call)

    def asked(self, schema: Schema) -> Asked:
        return Asked(place="query", name=self.name, schema=schema, credential=True)


@dataclass(frozen=True, slots=True)
class Body:
    """A member of the body; *weak* is what it is to carry it in the query instead, where the house reads that too."""

    name: str
    weak: WeakForm | None = None

    def read(self, call: Call) -> str | None:
        return _noted(self, call.body, call)

    def asked(self, schema: Schema) -> Asked:
        return Asked(place="body", name=self.name, schema=schema, credential=True)


@dataclass(frozen=True, slots=True)
class Argument:
    """One of the call's arguments, wherever the house puts those; *weak* is what it is to carry it in the query."""

    name: str
    weak: WeakForm | None = None

    def read(self, call: Call) -> str | None:
        return _noted(self, call.arguments, call)

    def asked(self, schema: Schema) -> Asked:
        return Asked(place="argument", name=self.name, schema=schema, credential=True)


def _noted(carrier: Query | Body | Argument, members: Members, call: Call) -> str | None:
    """Return the text of the carrier's member, and note it where it came in the query and that is weak."""
    text = _text(members, carrier.name)
    if text is not None and carrier.weak is not None and carrier.name in call.query:
        call.uses(carrier.weak)
    return text


def _text(members: Members, name: str) -> str | None:
    value = members.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise Refused(Outcome.CREDENTIALS_BAD, f"{name} is no text")
    return value


def read_one(carriers: tuple[Carrier, ...], call: Call) -> str | None:
    """
    Return what the carriers that hold something agree on, or None when none does.

    Raises:
        Refused: With CREDENTIALS_BAD when two of them hold different things.

    """
    found = None
    for carrier in carriers:
        text = carrier.read(call)
        if text is not None and found is not None and text != found:
            raise Refused(Outcome.CREDENTIALS_BAD, "the credential differs between two places")
        found = text if found is None else found
    return found


def read_basic(call: Call) -> tuple[str, str] | None:
    """Return user and password of HTTP's Basic scheme (RFC 7617), or None when they are not there whole."""
    value = call.request.credential_header("authorization") or ""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return (user, password) if colon and user and password else None


def asked_in(carriers: tuple[Carrier, ...], schema: Schema) -> tuple[Asked, ...]:
    """Return a credential that looks like *schema* in each of the places; one of them is enough."""
    places = [carrier.asked(schema) for carrier in carriers]
    if len(places) == 1:
        return tuple(places)
    # Of two places neither can be called required, but that of the first is where a tool puts the credential.
    return tuple(replace(place, required=False, instead=carriers[0].name) for place in places)
