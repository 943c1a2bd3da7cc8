"""
What a client may do, and until when: contracts and weak forms that end, addresses, routes.

A weak form is something that a document demands and that we would not: it is served, counted,
and can be switched off for one client after the other.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from fnmatch import translate

from msgspec import Struct

from lingpai.vocabulary.addresses import Network, is_in, read_address, read_network
from lingpai.vocabulary.clock import SECOND


class WeakForm(StrEnum):
    """The closed list; the values are what operators write."""

    # That of Enum is a function of Python's, ten times as slow.
    __hash__ = str.__hash__

    QUERY_TOKEN = "query-token"
    """A token or code in the address, which logs, histories and `Referer` keep."""

    DAY_MD5 = "day-md5"
    """twokeys's api_token over call and day: good for that call all day, whoever saw it."""

    ID_DAY_MD5 = "id-day-md5"
    """twokeys's api_token over the client's id and the day: good for every call all day."""

    PLAIN_HTTP = "plain-http"
    """A connection that everybody on the way can read."""

    OLD_SECRET = "old-secret"
    """The secret that was replaced, while both are good."""


OFF_UNLESS_SAID = frozenset({WeakForm.ID_DAY_MD5})
"""Weak forms that no document makes its clients use: off until somebody switches them on."""


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What was said about one contract or weak form.

    Args:
        name: The contract's, or the weak form's.
        end: Off from that moment (milliseconds): 0 for off at all times, None for on without an end.
        since: When this was said.

    """

    name: str
    end: int | None = None
    since: int = 0

    def is_off(self, at: int) -> bool:
        """Return whether it is off *at* that moment."""
        return self.end is not None and at >= self.end


@dataclass(frozen=True, slots=True)
class Policies:
    """
    What was said about one client. What it can be asked is worked out once.

    Args:
        rules: One for each name that something was said about.
        addresses: Networks that it may call from; empty for all.
        routes: Patterns of routes that it may call, such as `notice.*` or `/user/*`; empty for all.

    Raises:
        ValueError: One of *addresses* is no network.

    """

    rules: tuple[Policy, ...] = ()
    addresses: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    said: Mapping[str, Policy] = field(init=False, repr=False, compare=False)
    networks: tuple[Network, ...] = field(init=False, repr=False, compare=False)
    fits: Callable[[str], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "said", {rule.name: rule for rule in self.rules})
        object.__setattr__(self, "networks", tuple(map(read_network, self.addresses)))
        object.__setattr__(self, "fits", re.compile("|".join(map(translate, self.routes))).fullmatch)

    def may_speak(self, contract: str, at: int) -> bool:
        """Return whether *contract* has not been switched off, and has not ended *at* that moment."""
        rule = self.said.get(contract)
        return rule is None or not rule.is_off(at)

    def may_come_from(self, address: str) -> bool:
        """Return whether calls from *address* are allowed; where networks are named, a text that is none is in none."""
        return not self.networks or is_in(self.networks, read_address(address))

    def may_call(self, names: Iterable[str]) -> bool:
        """Return whether the route that is called any of *names* is allowed."""
        return not self.routes or any(self.fits(name) for name in names)

    def with_rule(self, name: str, rule: Policy | None) -> "Policies":
        """Return the same with *rule* about *name*, or with nothing said about it."""
        others = [one for one in self.rules if one.name != name]
        rules = sorted([*others, rule] if rule else others, key=lambda one: one.name)
        return policies(rules, self.addresses, self.routes)


FREE = Policies()
"""Nothing was said. A client of which nothing was said has this very value, so that one comparison tells."""


def policies(rules: Iterable[Policy], addresses: Iterable[str], routes: Iterable[str]) -> Policies:
    """Return the policies: `FREE` where they say nothing."""
    made = Policies(tuple(rules), tuple(addresses), tuple(routes))
    return FREE if made == FREE else made


def read_end(text: str, zone: tzinfo) -> int:
    """
    Return the moment (milliseconds) that *text* names: a date begins at midnight in *zone*.

    >>> from datetime import UTC
    >>> read_end("2026-01-01", UTC) == read_end("2026-01-01T08:00+08:00", UTC) == 1767225600000
    True

    Raises:
        ValueError: It is no date, and no date with a time, as ISO 8601 writes them.

    """
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()) * SECOND


def read_rule(name: str, text: str, zone: tzinfo, since: int) -> Policy:
    """
    Return what *text* says about *name*: `on`, `off`, or the date (see `read_end`) from which it is off.

    Raises:
        ValueError: It says none of these.

    """
    if text in ("on", "off"):
        return Policy(name, None if text == "on" else 0, since)
    return Policy(name, read_end(text, zone), since)


def form_rule(form: WeakForm, *places: Mapping[str, Policy]) -> Policy | None:
    """Return what the first of *places* that speaks of *form* says; what holds where none does; None for on."""
    for place in places:
        rule = place.get(form)
        if rule is not None:
            return rule
    return _OFF.get(form)


_OFF = {form: Policy(form, 0) for form in OFF_UNLESS_SAID}


class Used(Struct, frozen=True):
    """
    That one call of a known client used weak forms.

    Args:
        refused: The one of *forms* that ended it, or None.
        at: When, in milliseconds.

    """

    client_id: str
    contract: str
    forms: tuple[WeakForm, ...]
    refused: WeakForm | None
    at: int


@dataclass(frozen=True, slots=True)
class WeakUse:
    """
    How often a client used a weak form on one day.

    Args:
        day: As ISO 8601 writes it, in the zone of the settings.
        uses: All of them, those that were refused included.
        last: When the last one was, in milliseconds.

    """

    day: str
    client_id: str
    contract: str
    form: str
    uses: int
    refused: int
    last: int
