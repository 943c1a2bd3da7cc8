"""
Who may see what: owners and their families see their rooms, staff see their company's projects.

Whatever somebody may not see is not found, whether it exists or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, and_, or_, select

from lingpai.modules.workbench import Workbench
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import Caller, User
from lingpai_community.endings import NOT_FOUND
from lingpai_community.tables import items, residents, rooms


class Identity(IntEnum):
    """What somebody is to a room (familyAdd's `identity`); the last two are ours, for the doors' log."""

    OWNER = 0
    TENANT = 1
    FAMILY = 2
    STAFF = 3
    GUEST = 4


def not_found(what: str) -> NoReturn:
    """Raise the refusal that tells neither that *what* is there nor that it is not."""
    raise Refused(NOT_FOUND, what)


def not_allowed(why: str) -> NoReturn:
    """Raise the refusal of somebody who sees the thing, but may not do this to it."""
    raise Refused(Outcome.NOT_ALLOWED, why)


def companies(caller: Caller) -> list[int]:
    """Return the companies that *caller* is on the staff of."""
    return [membership.company_id for membership in caller.standing.memberships]


def lives_there(user: User) -> ColumnElement[bool]:
    """Return the condition that a resident is *user*: bound to the account, or to a phone that it has proved."""
    bound = residents.c.user_id == user.id
    if not (user.phone_verified and user.phone):
        return bound
    return or_(bound, and_(residents.c.user_id.is_(None), residents.c.phone == user.phone))


def is_mine(caller: Caller) -> ColumnElement[bool]:
    """Return the condition that *caller* lives in a room, or owns it."""
    return rooms.c.id.in_(select(residents.c.room_id).where(lives_there(caller.user)))


def is_staffed(caller: Caller) -> ColumnElement[bool]:
    """Return the condition that a project is looked after by a company of *caller*'s."""
    return items.c.company_id.in_(companies(caller))


ROOM = select(rooms, items.c.company_id, items.c.name.label("item_name")).join_from(rooms, items)


@dataclass(frozen=True, slots=True)
class People:
    """Finds rooms and projects for whoever may see them."""

    bench: Workbench

    def room(self, caller: Caller, room_id: int) -> Any:
        """Return the room, which the caller lives in or looks after."""
        seen = ROOM.where(rooms.c.id == room_id, or_(is_mine(caller), is_staffed(caller)))
        return self.bench.read.row(seen) or not_found(f"room {room_id}")

    def own_room(self, caller: Caller, room_id: int, *identities: Identity) -> Any:
        """Return the room, which the caller lives in as one of *identities* (any, where none are named)."""
        room = self.room(caller, room_id)
        mine = self.identity(caller.user, rooms.c.id == room_id)
        if mine is None or (identities and mine not in identities):
            not_allowed("not the caller's own room")
        return room

    def item(self, caller: Caller, item_id: int) -> Any:
        """Return the project, which the caller lives in or looks after."""
        lived_in = items.c.id.in_(select(rooms.c.item_id).where(is_mine(caller)))
        seen = select(items).where(items.c.id == item_id, or_(lived_in, is_staffed(caller)))
        return self.bench.read.row(seen) or not_found(f"project {item_id}")

    def led_item(self, caller: Caller, item_id: int) -> Any:
        """Return the project, in whose company the caller is an administrator."""
        item = self.item(caller, item_id)
        if not is_admin(caller, item.company_id):
            not_allowed("not an administrator of the project's company")
        return item

    def identity(self, user: User, where: ColumnElement[bool]) -> int | None:
        """Return what *user* is to the rooms *where*, the nearest if several things; None for nothing."""
        rows = self.bench.read.rows(
            select(residents.c.identity)
            .join_from(residents, rooms)
            .where(where, lives_there(user))
            .order_by(residents.c.identity)
            .limit(1)
        )
        return rows[0].identity if rows else None


def is_staff(caller: Caller, company_id: int) -> bool:
    """Return whether *caller* is on the company's staff."""
    return company_id in companies(caller)


def is_admin(caller: Caller, company_id: int) -> bool:
    """Return whether *caller* is an administrator of the company."""
    return any(m.company_id == company_id and m.is_admin for m in caller.standing.memberships)


def is_oneself(caller: Caller, user_id: int) -> None:
    """Make sure that *user_id*, which the book's clients send along, names the caller where it names anybody."""
    if user_id not in (0, caller.user.id):
        not_allowed("somebody else's id")


def first(rows: Sequence[Any], what: str) -> Any:
    """Return the one row, or raise that *what* is not found."""
    return rows[0] if rows else not_found(what)
