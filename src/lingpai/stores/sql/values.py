"""
Between a row and the value of `vocabulary` that it keeps.

A table's columns are its value's fields in their order, so a row is taken apart
by position; only what a column cannot hold as it is (an enum, a set) is named here.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

import msgspec

from lingpai.stores.sql.asking import Row
from lingpai.stores.sql.tables import clients, codes, sessions, users
from lingpai.vocabulary.outcomes import Reason
from lingpai.vocabulary.policies import FREE, Policies, Policy, WeakUse, policies
from lingpai.vocabulary.values import (
    AuthCode,
    Client,
    Company,
    Generation,
    Membership,
    Notice,
    Session,
    Sex,
    Tries,
    User,
    WorkingKey,
)

SEX = users.c.keys().index("sex")
CONTRACTS = clients.c.keys().index("contracts")
POLICIES = clients.c.keys().index("policies")
END_REASON = sessions.c.keys().index("end_reason")
SCOPE = codes.c.keys().index("scope")

Kept = User | Company | Client | Session | Generation | AuthCode | Tries | Notice | WorkingKey | WeakUse


def columns_of(value: Kept) -> dict[str, object]:
    """Return *value* as its table keeps it, by column."""
    return {name: _column(getattr(value, name)) for name in names_of(type(value))}


def names_of(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of a value's fields, in their order."""
    names: tuple[str, ...] = kind.__struct_fields__ if issubclass(kind, msgspec.Struct) else kind.__slots__
    return names


def new_columns_of(value: Kept) -> dict[str, object]:
    """Return *value* as its table keeps it, but for the id, which the database gives."""
    columns = columns_of(value)
    del columns["id"]
    return columns


def _column(part: object) -> object:
    if isinstance(part, frozenset):
        return " ".join(sorted(part))
    if isinstance(part, Enum):
        return part.value
    if isinstance(part, Policies):
        return _policies_text(part)
    return part


def user_of(row: Row) -> User:
    """Return the user in a row of `users`."""
    return User(*_read(row, SEX, Sex))


def company_of(row: Row) -> Company:
    """Return the company in a row of `companies`."""
    return Company(*row)


def membership_of(row: Row) -> Membership:
    """Return the membership in a row of company id, company name, and whether as its admin."""
    return Membership(*row)


def client_of(row: Row) -> Client:
    """Return the client in a row of `clients`."""
    return Client(*_read(_read(row, CONTRACTS, _words), POLICIES, _policies))


def session_of(row: Row) -> Session:
    """Return the session in a row of `sessions`."""
    return Session(*_read(row, END_REASON, _reason))


def generation_of(row: Row) -> Generation:
    """Return the pair in a row of `generations`."""
    return Generation(*row)


def code_of(row: Row) -> AuthCode:
    """Return the code in a row of `codes`."""
    return AuthCode(*_read(row, SCOPE, _words))


def tries_of(row: Row) -> Tries:
    """Return the tries in a row of `failures`."""
    return Tries(*row)


def notice_of(row: Row) -> Notice:
    """Return the notice in a row of `notices`."""
    return Notice(*row)


def key_of(row: Row) -> WorkingKey:
    """Return the key in a row of `keys`."""
    return WorkingKey(*row)


def weak_use_of(row: Row) -> WeakUse:
    """Return the count in a row of `weak_uses`."""
    return WeakUse(*row)


def _read(row: Row, place: int, meaning: Callable[[Any], object]) -> Sequence[Any]:
    columns = list(row)
    columns[place] = meaning(columns[place])
    return columns


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _reason(text: str | None) -> Reason | None:
    return None if text is None else Reason(text)


def _policies_text(said: Policies) -> str:
    if said == FREE:
        return ""
    rules = [(rule.name, rule.end, rule.since) for rule in said.rules]
    return msgspec.json.encode({"rules": rules, "addresses": said.addresses, "routes": said.routes}).decode()


@lru_cache(maxsize=1024)
def _policies(text: str) -> Policies:
    if not text:
        return FREE
    said = msgspec.json.decode(text)
    return policies((Policy(*rule) for rule in said["rules"]), said["addresses"], said["routes"])
