"""Repairs, from the owner's call to the rating: `repair/*`."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select, update

from lingpai.modules.module import BusinessCall
from lingpai.modules.paging import Page, PageAsked, paged, paging
from lingpai.vocabulary.arguments import Asks, Text
from lingpai.vocabulary.clock import local_time
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Caller
from lingpai_community.asking import ADMIN, ID, ROOM, kind, number, words
from lingpai_community.endings import NOT_FOUND, OUT_OF_TURN
from lingpai_community.people import People, is_admin, is_mine, is_oneself, is_staff, is_staffed, not_allowed, not_found
from lingpai_community.tables import items, repairs, rooms

ENDS: Ends = frozenset({NOT_FOUND, OUT_OF_TURN, Outcome.NOT_ALLOWED})


class Progress(IntEnum):
    """How far a repair is (the book's numbers)."""

    UNASSIGNED = 1
    ASSIGNED = 2
    ACCEPTED = 3
    IN_REPAIR = 4
    DONE = 10


NOBODY = 0


@dataclass(frozen=True, kw_only=True)
class RepairsAsked(PageAsked):
    """Which repairs: of a room, of whoever repairs, by how far they are."""

    item_id: int = 0
    room_id: int = 0
    admin_id: int = 0
    repairer: int = 0
    progress: int = 0


@dataclass(frozen=True)
class NewRepair:
    """What is broken, and when somebody may come."""

    room_id: int
    schedule_time: str
    home_category: str
    content: str
    linkman: str
    phone: str
    address: str
    staff_id: int


@dataclass(frozen=True)
class RepairAsked:
    """Which repair."""

    id: int


@dataclass(frozen=True)
class Step:
    """What a member of staff does with a repair."""

    id: int
    admin_id: int = NOBODY
    repairer: int = NOBODY
    remark: str = ""
    act: str = "finish"


@dataclass(frozen=True)
class Rating:
    """How it was."""

    id: int
    score: int
    content: str


@dataclass(frozen=True)
class Repair:
    """A repair, in the book's words."""

    id: int
    item_id: int
    room_id: int
    user_id: int
    progress: int
    cancelled: bool
    schedule_time: str
    home_category: str
    content: str
    linkman: str
    phone: str
    address: str
    staff_id: int
    admin_id: int
    repairer: int
    remark: str
    score: int
    comment: str
    created: str


@dataclass(frozen=True)
class Made:
    """What was made."""

    id: int


SEEN = select(repairs, rooms.c.item_id, items.c.company_id).join_from(repairs, rooms).join(items)


@dataclass(frozen=True, slots=True)
class Repairs:
    """
    The steps of a repair. Each is one conditional statement, so that of two who take it at once one does.

    1 -task-> 2 -receive-> 3 -finishConfirm act=start-> 4 -finishConfirm act=finish-> 10 -comment;
    1 -receive-> 3 for whoever takes one that nobody was given; 3 -finishConfirm-> 10; cancel from 1 and 2.
    """

    people: People

    def list(self, caller: Caller, asked: RepairsAsked) -> Page[Repair]:
        """Return the repairs that the caller may see, newest first; those that were cancelled are left out."""
        seen = SEEN.where(_may_see(caller), repairs.c.cancelled.is_(False)).order_by(repairs.c.id.desc())
        wanted = {
            rooms.c.item_id: asked.item_id,
            repairs.c.room_id: asked.room_id,
            repairs.c.progress: asked.progress,
            repairs.c.repairer: asked.repairer or asked.admin_id,
        }
        for column, value in wanted.items():
            if value:
                seen = seen.where(column == value)
        rows = self.people.bench.read.rows(seen.limit(asked.wanted).offset(asked.skipped))
        return paged([self._told(row) for row in rows], asked)

    def show(self, caller: Caller, asked: RepairAsked) -> Repair:
        """Return one repair that the caller may see."""
        return self._told(self._seen(caller, asked.id))

    def add(self, caller: Caller, asked: NewRepair) -> Made:
        """Ask for a repair: whoever lives in the room, or a member of the staff for them."""
        room = self.people.room(caller, asked.room_id)
        if asked.staff_id:
            is_oneself(caller, asked.staff_id)
            if not is_staff(caller, room.company_id):
                not_allowed("not on the staff")
        bench = self.people.bench
        with bench.change("repair:added", caller, room=room.id) as tables:
            row = tables.row(
                insert(repairs).returning(repairs.c.id),
                room_id=room.id,
                user_id=caller.user.id,
                progress=Progress.UNASSIGNED,
                cancelled=False,
                schedule_time=asked.schedule_time,
                home_category=asked.home_category,
                content=asked.content,
                linkman=asked.linkman,
                phone=asked.phone,
                address=asked.address,
                staff_id=asked.staff_id,
                admin_id=NOBODY,
                repairer=NOBODY,
                score=0,
                created=bench.clock(),
            )
        return Made(row.id)

    def cancel(self, caller: Caller, asked: RepairAsked) -> None:
        """Take it back, before anybody has accepted it: whoever lives in the room."""
        repair = self._seen(caller, asked.id)
        self.people.own_room(caller, repair.room_id)
        self._step(caller, repair, "cancelled", _is_at(Progress.UNASSIGNED, Progress.ASSIGNED), cancelled=True)

    def task(self, caller: Caller, asked: Step) -> None:
        """Give it to a member of the company's staff: its administrators."""
        is_oneself(caller, asked.admin_id)
        repair = self._seen(caller, asked.id)
        if not is_admin(caller, repair.company_id):
            not_allowed("not an administrator of the company")
        staffed = self.people.bench.stores.companies.memberships(asked.repairer)
        if all(membership.company_id != repair.company_id for membership in staffed):
            not_found(f"member of staff {asked.repairer}")
        self._step(
            caller,
            repair,
            "assigned",
            _is_at(Progress.UNASSIGNED, Progress.ASSIGNED),
            progress=Progress.ASSIGNED,
            admin_id=caller.user.id,
            repairer=asked.repairer,
            remark=asked.remark,
        )

    def receive(self, caller: Caller, asked: Step) -> None:
        """Accept it: whoever it was given to, or any of the staff where nobody was; of two at once, one."""
        is_oneself(caller, asked.admin_id)
        repair = self._staffs(caller, asked.id)
        mine = _is_at(Progress.ASSIGNED) & (repairs.c.repairer == caller.user.id)
        self._step(
            caller,
            repair,
            "accepted",
            or_(_is_at(Progress.UNASSIGNED), mine),
            progress=Progress.ACCEPTED,
            repairer=caller.user.id,
            remark=asked.remark or repair.remark,
        )

    def finish(self, caller: Caller, asked: Step) -> None:
        """Begin (`act=start`) or finish it: whoever accepted it."""
        is_oneself(caller, asked.repairer)
        repair = self._staffs(caller, asked.id)
        steps = {
            "start": ("begun", Progress.IN_REPAIR, _is_at(Progress.ACCEPTED)),
            "finish": ("finished", Progress.DONE, _is_at(Progress.ACCEPTED, Progress.IN_REPAIR)),
        }
        what, to, at = steps[asked.act]
        self._step(caller, repair, what, at & (repairs.c.repairer == caller.user.id), progress=to)

    def comment(self, caller: Caller, asked: Rating) -> None:
        """Rate it once, when it is done: whoever lives in the room."""
        repair = self._seen(caller, asked.id)
        self.people.own_room(caller, repair.room_id)
        unrated = _is_at(Progress.DONE) & (repairs.c.score == 0)
        self._step(caller, repair, "rated", unrated, score=asked.score, comment=asked.content)

    def _step(self, caller: Caller, repair: Any, what: str, when: ColumnElement[bool], **changes: Any) -> None:
        step = update(repairs).where(repairs.c.id == repair.id, repairs.c.cancelled.is_(False), when)
        with self.people.bench.change(f"repair:{what}", caller, repair=repair.id) as tables:
            if tables.row(step.values(**changes).returning(repairs.c.id)) is None:
                raise Refused(OUT_OF_TURN, f"repair {repair.id} cannot be {what}")

    def _seen(self, caller: Caller, repair_id: int) -> Any:
        seen = SEEN.where(repairs.c.id == repair_id, _may_see(caller))
        return self.people.bench.read.row(seen) or not_found(f"repair {repair_id}")

    def _staffs(self, caller: Caller, repair_id: int) -> Any:
        repair = self._seen(caller, repair_id)
        if not is_staff(caller, repair.company_id):
            not_allowed("not on the staff")
        return repair

    def _told(self, row: Any) -> Repair:
        fields = {name: getattr(row, name) for name in Repair.__dataclass_fields__ if name != "created"}
        return Repair(**fields, created=local_time(row.created, self.people.bench.zone))


def _may_see(caller: Caller) -> ColumnElement[bool]:
    return or_(is_mine(caller), is_staffed(caller))


def _is_at(*progress: Progress) -> ColumnElement[bool]:
    return repairs.c.progress.in_(progress)


def calls(people: People) -> tuple[BusinessCall, ...]:
    """Return the calls of this file."""
    does = Repairs(people)
    remark = words("remark", ("备注", "A remark."), most=500, required=False)
    one = Asks(RepairAsked, id=ID)

    def of(member: str, zh: str, en: str) -> Any:
        return number(member, (zh, en), required=False)

    def call(name: str, run: Any, asks: Asks, zh: str, en: str, **more: Any) -> BusinessCall:
        return BusinessCall("repair", name, run, asks, ends=ENDS, about=(zh, en), **more)

    return (
        call(
            "getlist",
            does.list,
            Asks(
                RepairsAsked,
                item_id=of("item_id", "项目编号", "Only of this project."),
                room_id=of("room_id", "房间编号", "Only of this room."),
                admin_id=of("admin_id", "维修员工编号", "Only of this repairer."),
                repairer=of("repairer", "维修员工编号", "The same."),
                progress=kind(
                    "progress",
                    (
                        "进度：1未派单 2已派单 3已接单 4维修中 10已完成",
                        "1 unassigned, 2 assigned, 3 accepted, 4 in repair, 10 done.",
                    ),
                    10,
                    least=0,
                    required=False,
                ),
                **paging("limit"),
            ),
            "报修列表",
            "Repairs, newest first.",
            answers=Page[Repair],
            reads=True,
        ),
        call("show", does.show, one, "报修详情", "One repair.", answers=Repair, reads=True),
        call(
            "add",
            does.add,
            Asks(
                NewRepair,
                room_id=ROOM,
                schedule_time=words("schedule_time", ("预约时间", "When somebody may come."), most=32),
                home_category=words("home_category", ("类别", "What is broken."), most=32),
                content=words("content", ("说明", "How it is broken."), most=2000),
                linkman=words("linkman", ("联系人", "Whom to ask for."), most=32),
                phone=words("phone", ("电话", "Their phone number."), most=20),
                address=words("address", ("地址", "Where it is."), most=200, required=False),
                staff_id=of("staff_id", "代报员工编号，只能是自己", "The member of staff who asks for an owner."),
            ),
            "新增报修",
            "Ask for a repair.",
            answers=Made,
        ),
        call("cancel", does.cancel, one, "取消报修", "Take a repair back."),
        call(
            "task",
            does.task,
            Asks(
                Step,
                id=ID,
                admin_id=ADMIN,
                repairer=number("repairer", ("维修员工编号", "Who is to repair.")),
                remark=remark,
            ),
            "派单",
            "Give a repair to somebody.",
        ),
        call("receive", does.receive, Asks(Step, id=ID, admin_id=ADMIN, remark=remark), "接单", "Accept a repair."),
        call(
            "finishConfirm",
            does.finish,
            Asks(
                Step,
                id=ID,
                repairer=of("repairer", "维修员工编号，只能是自己", "Who repairs: the caller."),
                act=Text(
                    "act",
                    required=False,
                    default="finish",
                    one_of=("start", "finish"),
                    about=("start 开始维修，finish 完成", "start or finish."),
                ),
            ),
            "开始或完成维修",
            "Begin or finish a repair.",
        ),
        call(
            "comment",
            does.comment,
            Asks(
                Rating,
                id=ID,
                score=kind("score", ("评分，1到5", "From 1 to 5."), 5),
                content=words("content", ("评价", "In words."), most=500, required=False),
            ),
            "评价",
            "Rate a repair.",
        ),
    )
