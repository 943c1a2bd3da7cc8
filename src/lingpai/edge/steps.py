"""
The steps that most houses share, from the route to the operation.

Steps are listed cheap, then cryptographic, then stateful, within what a document's order leaves open:
nothing is written for a call that is not proved yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lingpai.edge.call import Call
from lingpai.edge.carriers import Carrier, asked_in, read_one
from lingpai.edge.contract import Route, Step
from lingpai.edge.describing import Asked
from lingpai.edge.schemes.scheme import Scheme
from lingpai.principals.admission import Admission
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Caller, Client, Visitor


class Routed(Step):
    """The route is known."""

    __slots__ = ()
    ENDS: ClassVar[Ends] = frozenset({Outcome.NO_SUCH_CALL, Outcome.WRONG_METHOD})

    def __call__(self, call: Call) -> None:
        contract, request = call.contract, call.request
        rows = contract.rows(request, call.query)
        if not rows:
            raise Refused(Outcome.NO_SUCH_CALL, "no such path, or this host serves the other side")
        route = rows.get(request.method)
        if route is None:
            raise Refused(Outcome.WRONG_METHOD, "wrong method", headers={"allow": ", ".join(rows)})
        call.route = route


class Proved(Step):
    """What the route asks its caller to prove has been proved."""

    __slots__ = ()

    def __call__(self, call: Call) -> None:
        for proof in _route(call).proofs:
            proof(call)

    def on(self, route: Route) -> Sequence[Step]:
        return route.proofs


@dataclass(frozen=True, slots=True)
class Identified(Step):
    """A token was carried, and reads well."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.CREDENTIALS_MISSING, Outcome.CREDENTIALS_BAD})

    carriers: tuple[Carrier, ...]
    scheme: Scheme

    def asked(self) -> tuple[Asked, ...]:
        return asked_in(self.carriers, self.scheme.schema())

    def __call__(self, call: Call) -> None:
        token = read_one(self.carriers, call)
        if token is None:
            raise Refused(Outcome.CREDENTIALS_MISSING, "no token")
        call.token = token
        call.claims = self.scheme.read(token, call)


@dataclass(frozen=True, slots=True)
class Found(Step):
    """The session that the token names has been looked up (or there is none)."""

    scheme: Scheme

    def __call__(self, call: Call) -> None:
        call.standing = self.scheme.find(call)


@dataclass(frozen=True, slots=True)
class Admitted(Step):
    """
    The session may be used, and its user is the caller.

    Args:
        company: Claim that names the company which the call speaks for; empty for none.

    """

    ENDS: ClassVar[Ends] = Admission.ENDS
    KNOWS_CLIENT: ClassVar[bool] = True

    company: str = ""

    def __call__(self, call: Call) -> None:
        terms, admission = call.contract.terms, call.desk.admission
        company_id = (call.claims.get(self.company) or None) if self.company else None
        standing = admission.check(call.standing, terms, company_id, at=call.now)
        client = call.client or standing.client
        call.client, call.client_type = client, standing.session.client_type
        call.sighting = admission.sighting(standing, terms, at=call.now)
        call.caller = Caller(
            terms=terms,
            client=client,
            client_type=standing.session.client_type,
            address=call.request.address,
            language=call.language,
            standing=standing,
            company_id=company_id,
            generation=call.claims.get("generation", 0),
        )


@dataclass(frozen=True, slots=True)
class BuiltIn(Step):
    """
    The app that calls is known: the built-in one for its client type, where nobody has proved to be another.

    Args:
        client_type: What every caller counts as, where the house names no client types; empty where it does.

    """

    KNOWS_CLIENT: ClassVar[bool] = True

    client_type: str = ""

    def __call__(self, call: Call) -> None:
        if call.client is None:
            call.client_type = self.client_type or call.client_type
            call.client = call.desk.clients.by_id(built_in_id(call.contract.name, call.client_type))


def built_in_id(contract: str, client_type: str) -> str:
    """Return the id of the built-in client of a contract without client ids."""
    return f"{contract}:{client_type}"


class Performed(Step):
    """The arguments read well, the operation has run, and its answer is written."""

    __slots__ = ()
    ACTS: ClassVar[bool] = True

    def __call__(self, call: Call) -> None:
        route = _route(call)
        question = route.asks.read(call.arguments)
        operation = call.desk.operation(route.operation)
        call.result = route.answer(operation(call.caller or visitor(call), question), call)


def visitor(call: Call) -> Visitor:
    """Return who calls, as an operation is told of somebody who has not proved to be a user."""
    return Visitor(
        terms=call.contract.terms,
        client=call.client or Client(id="", name=""),
        client_type=call.client_type,
        address=call.request.address,
        language=call.language,
    )


def _route(call: Call) -> Route:
    assert call.route is not None  # noqa: S101 - `Routed` stands before whatever needs it
    return call.route
