"""Doors, and keys to them that can be lent: `door/*`."""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, insert, or_, select, update

from lingpai.modules.module import BusinessCall
from lingpai.modules.paging import Page, PageAsked, paged, paging
from lingpai.vocabulary.arguments import Asks, Text, Whole
from lingpai.vocabulary.clock import SECOND, local_time
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Caller, Visitor
from lingpai_community.asking import ADMIN, ITEM, USER, kind, number, words
from lingpai_community.endings import DOOR_SILENT, KEY_BAD, NOT_FOUND
from lingpai_community.people import Identity, People, is_mine, is_oneself, is_staff, is_staffed, not_allowed, not_found
from lingpai_community.tables import doors, items, keys, openings, rooms

ENDS: Ends = frozenset({NOT_FOUND, DOOR_SILENT, Outcome.NOT_ALLOWED})

NOBODY = 0

ANYBODY = 9


class Silent(Exception):
    """A door did not answer."""


class Doors(Protocol):
    """What opens doors: a controller on the project's network. The stand-in only remembers."""

    def open(self, door_id: int) -> None:
        """
        Open the door.

        Raises:
            Silent: It did not answer; it may or may not have opened.

        """


class DoorsOnPaper:
    """Stands in for real doors: each opens at once."""

    def open(self, door_id: int) -> None:
        """Do nothing more."""


@dataclass(frozen=True)
class NewDoor:
    """A door of a project."""

    item_id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class DoorsAsked(PageAsked):
    """Of which project."""

    item_id: int


@dataclass(frozen=True)
class DoorAsked:
    """Which door, and for whom."""

    door_id: int
    user_id: int = NOBODY
    admin_id: int = NOBODY


@dataclass(frozen=True)
class Lending:
    """Which door, for how long and how often."""

    door_id: int
    seconds: int
    times: int
    user_id: int = NOBODY


@dataclass(frozen=True)
class KeyShown:
    """A key that was lent."""

    key: str
    admin_id: int = NOBODY


@dataclass(frozen=True, kw_only=True)
class OpeningsAsked(PageAsked):
    """Whose openings, and as what."""

    uid: int = NOBODY
    identity: int = ANYBODY


@dataclass(frozen=True)
class Door:
    """A door."""

    door_id: int
    item_id: int
    name: str


@dataclass(frozen=True)
class Key:
    """A key to hand on: it is shown this once."""

    key: str
    url: str
    ends: str
    times: int


@dataclass(frozen=True)
class Opening:
    """That a door was asked to open; identity 3 is staff, 4 a guest with a key."""

    id: int
    door_id: int
    name: str
    uid: int
    identity: int
    opened: bool
    created: str


@dataclass(frozen=True)
class Made:
    """What was made."""

    id: int


@dataclass(frozen=True, slots=True)
class Gatehouse:
    """
    Opens doors for whoever may, and writes down each opening.

    Args:
        key_url: What stands before a key in the address that is handed on.

    """

    people: People
    doors: Doors
    key_url: str

    def add(self, caller: Caller, asked: NewDoor) -> Made:
        """Keep a door; the project's administrators may."""
        item = self.people.led_item(caller, asked.item_id)
        with self.people.bench.change("door:added", caller, item=item.id) as tables:
            return Made(tables.row(insert(doors).returning(doors.c.id), item_id=item.id, name=asked.name).id)

    def list(self, caller: Caller, asked: DoorsAsked) -> Page[Door]:
        """Return a project's doors."""
        item = self.people.item(caller, asked.item_id)
        seen = select(doors).where(doors.c.item_id == item.id).order_by(doors.c.id)
        rows = self.people.bench.read.rows(seen.limit(asked.wanted).offset(asked.skipped))
        return paged([Door(row.id, row.item_id, row.name) for row in rows], asked)

    def unlock(self, caller: Caller, asked: DoorAsked) -> None:
        """Open a door of a project that the caller lives in."""
        is_oneself(caller, asked.user_id)
        door = self._seen(caller, asked.door_id)
        identity = self.people.identity(caller.user, rooms.c.item_id == door.item_id)
        if identity is None:
            not_allowed("does not live there")
        self._open(caller, door.id, caller.user.id, Identity(identity))

    def unlock_as_staff(self, caller: Caller, asked: DoorAsked) -> None:
        """Open a door of a project that the caller looks after."""
        is_oneself(caller, asked.admin_id)
        door = self._seen(caller, asked.door_id)
        if not is_staff(caller, door.company_id):
            not_allowed("not on the staff")
        self._open(caller, door.id, caller.user.id, Identity.STAFF)

    def lend(self, caller: Caller, asked: Lending) -> Key:
        """Make a key to a door of a project that the caller lives in; only its digest is kept."""
        is_oneself(caller, asked.user_id)
        door = self._seen(caller, asked.door_id)
        if self.people.identity(caller.user, rooms.c.item_id == door.item_id) is None:
            not_allowed("does not live there")
        bench = self.people.bench
        key, now = bench.randomness(16).hex(), bench.clock()
        with bench.change("key:lent", caller, door=door.id, times=asked.times) as tables:
            tables.rows(
                insert(keys),
                door_id=door.id,
                user_id=caller.user.id,
                digest=bench.keys.digest(key),
                uses=asked.times,
                ends=now + asked.seconds * SECOND,
                created=now,
            )
        ends = local_time(now + asked.seconds * SECOND, bench.zone)
        return Key(key, self.key_url + key, ends, asked.times)

    def unlock_with_key(self, visitor: Visitor, asked: KeyShown) -> None:
        """
        Open the door of a key that was lent: whoever holds it.

        Raises:
            Refused: With KEY_BAD for one that never was, is over or used up, or whose lender could not open the door
                any more: which is not told.

        """
        bench = self.people.bench
        mine = keys.c.digest == bench.keys.digest(asked.key)
        lent = bench.read.row(select(keys.c.user_id, keys.c.door_id).where(mine))
        if lent is None or not self._may_open(lent.user_id, lent.door_id):
            raise Refused(KEY_BAD)
        used = update(keys).where(mine, keys.c.uses > 0, keys.c.ends > bench.clock())
        with bench.change("key:used", visitor) as tables:
            key = tables.row(used.values(uses=keys.c.uses - 1).returning(keys.c.id, keys.c.door_id, keys.c.user_id))
            if key is None:
                raise Refused(KEY_BAD)
        try:
            self._open(visitor, key.door_id, key.user_id, Identity.GUEST, key.id)
        except Refused:
            with bench.change("key:given-back", visitor) as tables:
                tables.rows(update(keys).where(keys.c.id == key.id).values(uses=keys.c.uses + 1))
            raise

    def log(self, caller: Caller, asked: OpeningsAsked) -> Page[Opening]:
        """Return openings, newest first: one's own and those of keys that one lent; staff see their projects'."""
        seen = (
            select(openings, doors.c.name)
            .join_from(openings, doors)
            .join(items)
            .where(or_(openings.c.user_id == caller.user.id, is_staffed(caller)))
            .order_by(openings.c.id.desc())
        )
        if asked.uid:
            seen = seen.where(openings.c.user_id == asked.uid)
        if asked.identity != ANYBODY:
            seen = seen.where(openings.c.identity == asked.identity)
        bench = self.people.bench
        rows = bench.read.rows(seen.limit(asked.wanted).offset(asked.skipped))
        return paged(
            [
                Opening(
                    row.id,
                    row.door_id,
                    row.name,
                    row.user_id,
                    row.identity,
                    row.opened,
                    local_time(row.created, bench.zone),
                )
                for row in rows
            ],
            asked,
        )

    def _may_open(self, user_id: int, door_id: int) -> bool:
        """Return whether the user is not disabled, and lives behind the door."""
        lender = self.people.bench.user(user_id)
        behind = rooms.c.item_id.in_(select(doors.c.item_id).where(doors.c.id == door_id))
        return lender is not None and lender.enabled and self.people.identity(lender, behind) is not None

    def _seen(self, caller: Caller, door_id: int) -> Any:
        lived_in: ColumnElement[bool] = doors.c.item_id.in_(select(rooms.c.item_id).where(is_mine(caller)))
        seen = select(doors, items.c.company_id).join_from(doors, items)
        door = self.people.bench.read.row(seen.where(doors.c.id == door_id, or_(lived_in, is_staffed(caller))))
        return door or not_found(f"door {door_id}")

    def _open(self, by: Visitor, door_id: int, user_id: int, identity: Identity, key_id: int | None = None) -> None:
        """Write down that the door is asked, ask it, and write down that it opened: no door opens unseen."""
        bench = self.people.bench
        with bench.change("door:asked", by, door=door_id, key=key_id) as tables:
            asked = tables.row(
                insert(openings).returning(openings.c.id),
                door_id=door_id,
                user_id=user_id,
                identity=identity,
                key_id=key_id,
                opened=False,
                created=bench.clock(),
            )
        try:
            self.doors.open(door_id)
        except Silent:
            raise Refused(DOOR_SILENT, f"door {door_id}") from None
        with bench.change("door:opened", by, door=door_id) as tables:
            tables.rows(update(openings).where(openings.c.id == asked.id).values(opened=True))


def calls(people: People, controller: Doors, key_url: str) -> tuple[BusinessCall, ...]:
    """Return the calls of this file."""
    does = Gatehouse(people, controller, key_url)
    door = number("door_id", ("门禁编号", "The door's id."))
    return (
        BusinessCall(
            "door",
            "add",
            does.add,
            Asks(NewDoor, item_id=ITEM, name=words("name", ("名称", "Its name."))),
            answers=Made,
            ends=ENDS,
            about=("新增门禁", "Keep a door."),
        ),
        BusinessCall(
            "door",
            "getlist",
            does.list,
            Asks(DoorsAsked, item_id=ITEM, **paging("limit")),
            answers=Page[Door],
            reads=True,
            ends=ENDS,
            about=("门禁列表", "A project's doors."),
        ),
        BusinessCall(
            "door",
            "unlock",
            does.unlock,
            Asks(DoorAsked, door_id=door, user_id=USER),
            ends=ENDS,
            about=("开门", "Open a door."),
        ),
        BusinessCall(
            "door",
            "masterUnlock",
            does.unlock_as_staff,
            Asks(DoorAsked, door_id=door, admin_id=ADMIN),
            ends=ENDS,
            about=("员工开门", "Open a door as one of the staff."),
        ),
        BusinessCall(
            "door",
            "shareKey",
            does.lend,
            Asks(
                Lending,
                door_id=door,
                user_id=USER,
                seconds=Whole(
                    "seconds",
                    least=60,
                    most=7 * 86_400,
                    required=False,
                    default=3600,
                    about=("有效秒数", "For so many seconds."),
                ),
                times=Whole(
                    "times", least=1, most=100, required=False, default=1, about=("可用次数", "So many times.")
                ),
            ),
            answers=Key,
            ends=ENDS,
            about=("钥匙分享，钥匙只显示一次", "Lend a key, which is shown once."),
        ),
        BusinessCall(
            "door",
            "shareUnlock",
            does.unlock_with_key,
            Asks(
                KeyShown,
                key=Text("key_id", pattern="[0-9a-f]{32}", about=("分享的钥匙", "The key that was lent.")),
                admin_id=number("admin_id", ("不使用", "Not looked at."), required=False),
            ),
            public=True,
            ends=frozenset({KEY_BAD, DOOR_SILENT}),
            about=("用分享的钥匙开门", "Open a door with a key that was lent."),
        ),
        BusinessCall(
            "door",
            "openLog",
            does.log,
            Asks(
                OpeningsAsked,
                uid=number("uid", ("用户编号", "Only this user's."), required=False),
                identity=_identity(),
                **paging("listRows"),
            ),
            answers=Page[Opening],
            reads=True,
            about=("开门记录", "When doors were opened."),
        ),
    )


def _identity() -> Whole:
    about = ("身份：0业主 1租客 2家属 3员工 4访客 9全部", "0 owner, 1 tenant, 2 family, 3 staff, 4 guest, 9 anybody.")
    return kind("identity", about, ANYBODY, least=0, required=False, default=ANYBODY)
