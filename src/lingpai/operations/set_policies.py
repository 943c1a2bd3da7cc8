"""Say what a client may do: which contracts and weak forms, until when, from which addresses, on which routes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.addresses import is_network, network_meant
from lingpai.vocabulary.arguments import Wrong
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.policies import Policies, Policy, policies
from lingpai.vocabulary.values import Client

MOST = 100
"""Addresses, and routes, of one client."""

_BAD_ROUTE: Wrong = ("应为路由,如 notice.* 或 /user/*", "must be a route, such as notice.* or /user/*")
_TOO_MANY: Wrong = (f"最多{MOST}个", f"must be no more than {MOST}")

_ROUTE = re.compile(r"(/|[a-z*?])[!-~]{0,199}")


@dataclass(frozen=True, slots=True)
class PolicyAsked:
    """
    What is to be said of one contract or weak form.

    Args:
        rule: None to unsay it, so that what the settings say holds again.

    """

    client_id: str
    name: str
    rule: Policy | None


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """Say that a client may use a contract or weak form, may not, or may until a moment."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores

    def __call__(self, operator: str, asked: PolicyAsked) -> Client:
        """
        Return the client as it is now.

        Raises:
            Refused: With NOTHING_THERE when there is no such client.

        """
        rule = asked.rule
        is_on = rule is not None and rule.end is None
        word = "unsaid" if rule is None else "on" if is_on else "off"
        detail = {"policy": asked.name, "is": word, "from": rule.end if rule else None}
        event = Event("client:policy-set", "client", asked.client_id, operator, detail)
        return _said(self.stores, event, lambda said: said.with_rule(asked.name, rule))


@dataclass(frozen=True, slots=True)
class PlacesAsked:
    """From which addresses a client may call, and which routes: None leaves them as they are, empty is all."""

    client_id: str
    addresses: tuple[str, ...] | None = None
    routes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SetPlaces:
    """Say from which addresses a client may call, and which routes."""

    ENDS: ClassVar[Ends] = frozenset({Outcome.ARGUMENT_BAD, Outcome.NOTHING_THERE})
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores

    def __call__(self, operator: str, asked: PlacesAsked) -> Client:
        """
        Return the client as it is now.

        Raises:
            Refused: With ARGUMENT_BAD for what is no network, no route, or too many of them; with NOTHING_THERE when
                there is no such client.

        """
        _check(asked)
        detail: dict[str, str | int | None] = {
            name: " ".join(places) or "all"
            for name, places in (("addresses", asked.addresses), ("routes", asked.routes))
            if places is not None
        }
        event = Event("client:places-set", "client", asked.client_id, operator, detail)

        def changed(said: Policies) -> Policies:
            addresses = said.addresses if asked.addresses is None else asked.addresses
            return policies(said.rules, addresses, said.routes if asked.routes is None else asked.routes)

        return _said(self.stores, event, changed)


def _said(stores: Stores, event: Event, changed: Callable[[Policies], Policies]) -> Client:
    with stores.change(event) as change:
        client = change.clients.lock(event.subject_id)
        if client is None:
            raise Refused(Outcome.NOTHING_THERE, f"no client {event.subject_id}")
        kept = replace(client, policies=changed(client.policies))
        change.clients.save(kept)
    return kept


def _check(asked: PlacesAsked) -> None:
    bad = {address: _no_network(address) for address in asked.addresses or () if not is_network(address)}
    bad |= {route: _BAD_ROUTE for route in asked.routes or () if not _ROUTE.fullmatch(route)}
    for name, places in (("addresses", asked.addresses), ("routes", asked.routes)):
        if places is not None and len(places) > MOST:
            bad[name] = _TOO_MANY
    if bad:
        raise Refused(Outcome.ARGUMENT_BAD, "bad: " + ", ".join(bad), fields=bad)


def _no_network(text: str) -> Wrong:
    near = network_meant(text)
    return f"应为地址或网段,如 {near}", f"must be an address or a network, such as {near}"
