"""Projects, rooms, and who lives there: `item/*`, `room/*`, `user/getFamilyList`, `user/familyAdd`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, or_, select

from lingpai.modules.module import BusinessCall
from lingpai.modules.paging import Page, PageAsked, paged, paging
from lingpai.stores.sql.dialects import insert_or_replace, insert_unless_taken
from lingpai.vocabulary.arguments import Asks
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Caller
from lingpai_community.asking import ITEM, ROOM, USER, kind, number, words
from lingpai_community.endings import NOT_FOUND, THERE_ALREADY
from lingpai_community.people import ROOM as SEEN_ROOM
from lingpai_community.people import (
    Identity,
    People,
    is_admin,
    is_mine,
    is_oneself,
    is_staffed,
    lives_there,
    not_allowed,
)
from lingpai_community.tables import chosen, items, residents, rooms

ADD_ROOM = insert_unless_taken(rooms, rooms.c.id)

ADD_RESIDENT = insert_unless_taken(residents, residents.c.id)

CHOOSE = insert_or_replace(chosen, key=["user_id"], replaced=["room_id"])

ENDS: Ends = frozenset({NOT_FOUND, THERE_ALREADY, Outcome.NOT_ALLOWED})


@dataclass(frozen=True, kw_only=True)
class ItemsAsked(PageAsked):
    """Which page of projects."""


@dataclass(frozen=True)
class NewItem:
    """A project to be looked after."""

    name: str
    company_id: int


@dataclass(frozen=True)
class Item:
    """A project."""

    item_id: int
    item_name: str
    company_id: int


@dataclass(frozen=True, kw_only=True)
class RoomsAsked(PageAsked):
    """Which rooms: of one project, or all."""

    item_id: int = 0
    user_id: int = 0


@dataclass(frozen=True)
class NewRoom:
    """A room, and its owner."""

    item_id: int
    building_name: str
    room_number: str
    building_area: str
    purpose: str
    owner_id: int
    name: str
    phone: str


@dataclass(frozen=True)
class Room:
    """A room; *identity* and *kindred* are the caller's, `None` where staff look at somebody's."""

    room_id: int
    item_id: int
    item_name: str
    building_name: str
    room_number: str
    building_area: str
    purpose: str
    identity: int | None
    kindred: str
    is_current: bool


@dataclass(frozen=True)
class RoomAsked:
    """Which room."""

    room_id: int
    user_id: int = 0


@dataclass(frozen=True)
class NewResident:
    """Somebody who is to live there."""

    item_id: int
    room_id: int
    name: str
    phone: str
    idcard: str
    sex: int
    identity: int
    kindred: str
    user_id: int = 0


@dataclass(frozen=True)
class Resident:
    """Somebody who lives there, or owns it. An idcard is never told."""

    id: int
    room_id: int
    name: str
    phone: str
    sex: int
    identity: int
    kindred: str


@dataclass(frozen=True)
class Family:
    """Everybody of one room."""

    list: Sequence[Resident]


@dataclass(frozen=True)
class Made:
    """What was made."""

    id: int


@dataclass(frozen=True, slots=True)
class Rooms:
    """What there is, and who belongs to it."""

    people: People

    def add_item(self, caller: Caller, asked: NewItem) -> Made:
        """Take on a project, for a company that the caller administers."""
        if not is_admin(caller, asked.company_id):
            not_allowed("not an administrator of that company")
        with self.people.bench.change("item:added", caller, company=asked.company_id) as tables:
            added = insert(items).returning(items.c.id)
            now = self.people.bench.clock()
            return Made(tables.row(added, company_id=asked.company_id, name=asked.name, created=now).id)

    def items(self, caller: Caller, asked: ItemsAsked) -> Page[Item]:
        """Return the projects that the caller lives in or looks after."""
        lived_in = items.c.id.in_(select(rooms.c.item_id).where(is_mine(caller)))
        seen = select(items).where(or_(lived_in, is_staffed(caller))).order_by(items.c.id)
        rows = self.people.bench.read.rows(seen.limit(asked.wanted).offset(asked.skipped))
        return paged([Item(row.id, row.name, row.company_id) for row in rows], asked)

    def add(self, caller: Caller, asked: NewRoom) -> Made:
        """Keep a room and its owner; the project's administrators may."""
        item = self.people.led_item(caller, asked.item_id)
        bench = self.people.bench
        with bench.change("room:added", caller, item=item.id) as tables:
            room = tables.row(
                ADD_ROOM,
                item_id=item.id,
                building_name=asked.building_name,
                room_number=asked.room_number,
                building_area=asked.building_area,
                purpose=asked.purpose,
                created=bench.clock(),
            )
            if room is None:
                raise Refused(THERE_ALREADY)
            tables.rows(
                insert(residents),
                room_id=room.id,
                user_id=asked.owner_id or None,
                name=asked.name,
                phone=asked.phone,
                idcard=b"",
                sex=0,
                identity=Identity.OWNER,
                kindred="",
                created=bench.clock(),
            )
        return Made(room.id)

    def list(self, caller: Caller, asked: RoomsAsked) -> Page[Room]:
        """Return the caller's rooms, the newest first, then those that they look after."""
        is_oneself(caller, asked.user_id)
        mine = (
            select(residents.c.room_id, residents.c.identity, residents.c.kindred)
            .where(lives_there(caller.user))
            .subquery()
        )
        seen = (
            SEEN_ROOM.add_columns(mine.c.identity, mine.c.kindred, chosen.c.room_id.label("current"))
            .outerjoin(mine, mine.c.room_id == rooms.c.id)
            .outerjoin(chosen, (chosen.c.room_id == rooms.c.id) & (chosen.c.user_id == caller.user.id))
            .where(or_(mine.c.room_id.is_not(None), is_staffed(caller)))
            .order_by(mine.c.identity.is_(None), rooms.c.id.desc())
        )
        if asked.item_id:
            seen = seen.where(rooms.c.item_id == asked.item_id)
        rows = self.people.bench.read.rows(seen.limit(asked.wanted).offset(asked.skipped))
        return paged(
            [
                Room(
                    row.id,
                    row.item_id,
                    row.item_name,
                    row.building_name,
                    row.room_number,
                    row.building_area,
                    row.purpose,
                    row.identity,
                    row.kindred or "",
                    row.current is not None,
                )
                for row in rows
            ],
            asked,
        )

    def switch(self, caller: Caller, asked: RoomAsked) -> None:
        """Remember the room as the one that the caller looks at now; it has to be their own."""
        is_oneself(caller, asked.user_id)
        self.people.own_room(caller, asked.room_id)
        with self.people.bench.change("room:chosen", caller, room=asked.room_id) as tables:
            tables.rows(CHOOSE, user_id=caller.user.id, room_id=asked.room_id)

    def family(self, caller: Caller, asked: RoomAsked) -> Family:
        """Return who lives in a room of the caller's, or of a project that they look after."""
        self.people.room(caller, asked.room_id)
        there = select(residents).where(residents.c.room_id == asked.room_id).order_by(residents.c.id)
        return Family(
            [
                Resident(row.id, row.room_id, row.name, row.phone, row.sex, row.identity, row.kindred)
                for row in self.people.bench.read.rows(there)
            ]
        )

    def add_family(self, caller: Caller, asked: NewResident) -> Made:
        """Let somebody live in the room; its owners may. The account with that proved phone number sees it then."""
        is_oneself(caller, asked.user_id)
        room = self.people.own_room(caller, asked.room_id, Identity.OWNER)
        if room.item_id != asked.item_id:
            raise Refused(NOT_FOUND, "the room is of another project")
        bench = self.people.bench
        with bench.change("resident:added", caller, room=room.id) as tables:
            added = tables.row(
                ADD_RESIDENT,
                room_id=room.id,
                user_id=None,
                name=asked.name,
                phone=asked.phone,
                idcard=bench.keys.seal(Secret(asked.idcard), f"community:idcard:{room.id}"),
                sex=asked.sex,
                identity=asked.identity,
                kindred=asked.kindred,
                created=bench.clock(),
            )
            if added is None:
                raise Refused(THERE_ALREADY)
        return Made(added.id)


def calls(people: People) -> tuple[BusinessCall, ...]:
    """Return the calls of this file."""
    does = Rooms(people)
    phone = words("phone", ("手机号", "A phone number."), most=20)
    name = words("name", ("姓名", "A name."), most=32)
    return (
        BusinessCall(
            "item",
            "add",
            does.add_item,
            Asks(
                NewItem,
                name=words("name", ("项目名称", "Its name.")),
                company_id=number("company_id", ("物业公司编号", "The property company's id.")),
            ),
            answers=Made,
            ends=ENDS,
            about=("新增项目", "Take on a project."),
        ),
        BusinessCall(
            "item",
            "getlist",
            does.items,
            Asks(ItemsAsked, **paging("limit")),
            answers=Page[Item],
            reads=True,
            about=("项目列表", "The caller's projects."),
        ),
        BusinessCall(
            "room",
            "add",
            does.add,
            Asks(
                NewRoom,
                item_id=ITEM,
                building_name=words("building_name", ("楼栋", "The building.")),
                room_number=words("room_number", ("房号", "The number on the door.")),
                building_area=words("building_area", ("建筑面积", "The area."), required=False),
                purpose=words("purpose", ("用途", "What it is used for."), required=False),
                owner_id=number("owner_id", ("业主的用户编号", "The owner's user id."), required=False),
                name=name,
                phone=phone,
            ),
            answers=Made,
            ends=ENDS,
            about=("新增房间", "Keep a room and its owner."),
        ),
        BusinessCall(
            "room",
            "getlist",
            does.list,
            Asks(
                RoomsAsked,
                item_id=number("item_id", ("项目编号", "Only of this project."), required=False),
                user_id=USER,
                **paging("limit"),
            ),
            answers=Page[Room],
            reads=True,
            ends=ENDS,
            about=("房间列表", "The caller's rooms."),
        ),
        BusinessCall(
            "room",
            "switch",
            does.switch,
            Asks(RoomAsked, room_id=ROOM, user_id=USER),
            ends=ENDS,
            about=("切换房间", "Look at another room."),
        ),
        BusinessCall(
            "user",
            "getFamilyList",
            does.family,
            Asks(RoomAsked, room_id=ROOM),
            answers=Family,
            reads=True,
            ends=ENDS,
            about=("住户列表", "Who lives in a room."),
        ),
        BusinessCall(
            "user",
            "familyAdd",
            does.add_family,
            Asks(
                NewResident,
                item_id=ITEM,
                user_id=USER,
                room_id=ROOM,
                name=name,
                phone=phone,
                idcard=words("idcard", ("身份证号", "The number of the identity card."), most=18, required=False),
                sex=kind("sex", ("性别：1男 2女 0未知", "1 male, 2 female, 0 not told."), 2, least=0, required=False),
                identity=kind("identity", ("身份：0业主 1租客 2家属", "0 owner, 1 tenant, 2 family."), 2, least=0),
                kindred=words("kindred", ("与业主关系", "What they are to the owner."), required=False),
            ),
            answers=Made,
            ends=ENDS,
            about=("添加住户，业主可用", "Let somebody live there; owners may."),
        ),
    )
