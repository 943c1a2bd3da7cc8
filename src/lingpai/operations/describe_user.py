"""Say who somebody is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct

from lingpai.principals.names import name_key
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.likeness import Username
from lingpai.vocabulary.outcomes import Ends, NotRemembered, Outcome, Refused
from lingpai.vocabulary.values import Caller, Membership, User


class Described(Struct, frozen=True):
    """
    A user.

    Args:
        works_in: The company that the user works in now (for oneself: that the call speaks for), or None.

    """

    user: User
    works_in: Membership | None
    memberships: tuple[Membership, ...]


def _described(user: User, memberships: tuple[Membership, ...], company_id: int | None) -> Described:
    for works_in in memberships:
        if works_in.company_id == company_id:
            return Described(user, works_in, memberships)
    return Described(user, None, memberships)


@dataclass(frozen=True, slots=True)
class DescribeSelf:
    """Describe the caller, from what admission read."""

    TITLE: ClassVar[tuple[str, str]] = ("查询自己", "Tell who the caller is")
    ENDS: ClassVar[Ends] = frozenset()
    FROM_MEMORY: ClassVar[bool] = True

    def __call__(self, caller: Caller, _question: None) -> Described:
        company_id = caller.user.company_id if caller.company_id is None else caller.company_id
        return _described(caller.user, caller.standing.memberships, company_id)


@dataclass(frozen=True, slots=True)
class UserName:
    """Which user is asked about; empty for oneself."""

    name: Username = ""


LookUp = Callable[[str], tuple[User | None, tuple[Membership, ...]]]
"""The user with that name key, and what they belong to; on the event loop it is `NotRemembered`."""


def look_up_in(stores: Stores) -> LookUp:
    """Return the way to look somebody up in *stores*."""

    def look_up(key: str) -> tuple[User | None, tuple[Membership, ...]]:
        user = stores.accounts.named(key)
        return user, stores.companies.memberships(user.id) if user else ()

    return look_up


def nobody_remembered(_key: str) -> tuple[User | None, tuple[Membership, ...]]:
    """Stand in for a look-up where only memory may be asked: it remembers sessions, not users by name."""
    raise NotRemembered


@dataclass(frozen=True, slots=True)
class DescribeColleague:
    """Describe oneself, or somebody who works for a company that the caller belongs to too."""

    TITLE: ClassVar[tuple[str, str]] = ("查询用户", "Tell who somebody is")
    ENDS: ClassVar[Ends] = frozenset({Outcome.NOT_ALLOWED})
    FROM_MEMORY: ClassVar[bool] = True

    look_up: LookUp

    def __call__(self, caller: Caller, asked: UserName) -> Described:
        """
        Return the user.

        Raises:
            Refused: With NOT_ALLOWED when there is no such user or they share no
                company with the caller: which of the two is not told.

        """
        key = name_key(asked.name)
        if key in ("", caller.user.name_key):
            return DescribeSelf()(caller, None)
        user, theirs = self.look_up(key)
        mine = {m.company_id for m in caller.standing.memberships}
        shared = tuple(m for m in theirs if m.company_id in mine)
        if user is None or not shared:
            raise Refused(Outcome.NOT_ALLOWED, "no such colleague")
        return _described(user, shared, user.company_id)
