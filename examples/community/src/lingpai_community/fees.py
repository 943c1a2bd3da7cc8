"""Fees: bills for property, water and electricity, and orders that pay them: `fee/*`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from lingpai.modules.module import BusinessCall
from lingpai.modules.paging import Page, PageAsked, paged, paging
from lingpai.stores.sql.dialects import insert_unless_taken
from lingpai.vocabulary.arguments import Asks, Whole
from lingpai.vocabulary.clock import local_time
from lingpai.vocabulary.events import Unchanged
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused
from lingpai.vocabulary.values import Caller
from lingpai_community.asking import ID, ROOM, Numbers, kind, number, words
from lingpai_community.endings import BILL_HELD, NOT_FOUND, ORDER_OVER, PAYMENT_OFF
from lingpai_community.payments import Forged, Paid, Payments, TooLate, Unpaid
from lingpai_community.people import People, is_admin, is_mine, is_staffed, not_allowed, not_found
from lingpai_community.tables import bills, items, nonces, orders, rooms

ENDS: Ends = frozenset({NOT_FOUND, Outcome.NOT_ALLOWED})

DEAREST = 100_000_000
"""Fen: a million yuan."""

NONCE_MILLISECONDS = 3_600_000
"""For so long a nonce is remembered: far longer than a notification may be old."""


class State(IntEnum):
    """How far an order is."""

    WAITING = 0
    PAID = 1
    CLOSED = 2


@dataclass(frozen=True)
class NewBill:
    """What is owed for a room; *amount* in fen."""

    room_id: int
    kind: int
    period: str
    amount: int
    detail: str


@dataclass(frozen=True, kw_only=True)
class BillsAsked(PageAsked):
    """Which bills."""

    room_id: int
    kind: int = 0


@dataclass(frozen=True)
class One:
    """Which bill, or order."""

    id: int


@dataclass(frozen=True)
class Several:
    """Which bills of one room."""

    room_id: int
    ids: tuple[int, ...]


@dataclass(frozen=True)
class Bill:
    """A bill: kind 1 property, 2 water, 3 electricity; *amount* in fen; *order_id* 0 where none pays it yet."""

    id: int
    room_id: int
    kind: int
    period: str
    amount: int
    detail: str
    order_id: int
    paid: bool
    created: str


@dataclass(frozen=True)
class Order:
    """An order: state 0 waits to be paid, 1 is paid, 2 is closed; *amount* in fen."""

    id: int
    number: str
    room_id: int
    amount: int
    state: int
    transaction_id: str
    created: str


@dataclass(frozen=True)
class Offered:
    """An order, and what the app gives to WeChat to pay it."""

    order: Order
    prepay: dict[str, str]


@dataclass(frozen=True)
class Made:
    """What was made."""

    id: int


SEEN_BILL = select(bills).join_from(bills, rooms).join(items)
SEEN_ORDER = select(orders).join_from(orders, rooms).join(items)

CLAIM_NONCE = insert_unless_taken(nonces, nonces.c.nonce)


@dataclass(frozen=True, slots=True)
class Cashier:
    """
    Bills are paid by orders, each in one order at most; an order is paid by a notification that proved to be WeChat's.

    Args:
        payments: What orders are paid with, made when it is first needed; None where nothing can be paid.

    """

    people: People
    payments: Callable[[], Payments] | None

    def add(self, caller: Caller, asked: NewBill) -> Made:
        """Keep a bill; the administrators of the room's company may."""
        room = self.people.room(caller, asked.room_id)
        if not is_admin(caller, room.company_id):
            not_allowed("not an administrator of the company")
        with self.people.bench.change("bill:added", caller, room=room.id, amount=asked.amount) as tables:
            row = tables.row(
                insert(bills).returning(bills.c.id),
                room_id=room.id,
                kind=asked.kind,
                period=asked.period,
                amount=asked.amount,
                detail=asked.detail,
                paid=False,
                created=self.people.bench.clock(),
            )
        return Made(row.id)

    def list(self, caller: Caller, asked: BillsAsked) -> Page[Bill]:
        """Return a room's bills, newest first."""
        room = self.people.room(caller, asked.room_id)
        seen = select(bills).where(bills.c.room_id == room.id).order_by(bills.c.id.desc())
        if asked.kind:
            seen = seen.where(bills.c.kind == asked.kind)
        rows = self.people.bench.read.rows(seen.limit(asked.wanted).offset(asked.skipped))
        return paged([self._bill(row) for row in rows], asked)

    def show(self, caller: Caller, asked: One) -> Bill:
        """Return one bill."""
        row = self.people.bench.read.row(SEEN_BILL.where(bills.c.id == asked.id, _may_see(caller)))
        return self._bill(row) if row else not_found(f"bill {asked.id}")

    def order(self, caller: Caller, asked: Several) -> Offered:
        """
        Make an order of unpaid bills of one room, for whoever lives there.

        Raises:
            Refused: With PAYMENT_OFF, with NOT_FOUND for a bill that is not the room's, with BILL_HELD when one
                is paid or in another order.

        """
        if self.payments is None:
            raise Refused(PAYMENT_OFF)
        room = self.people.own_room(caller, asked.room_id)
        bench = self.people.bench
        wanted = (bills.c.room_id == room.id, bills.c.id.in_(asked.ids))
        if len(bench.read.rows(select(bills.c.id).where(*wanted))) < len(asked.ids):
            not_found("a bill of that room")
        with bench.change("order:added", caller, room=room.id) as tables:
            row = tables.row(
                insert(orders).returning(orders),
                number=bench.randomness(16).hex(),
                room_id=room.id,
                user_id=caller.user.id,
                amount=0,
                state=State.WAITING,
                created=bench.clock(),
            )
            free = (bills.c.order_id.is_(None), bills.c.paid.is_(False))
            held = tables.rows(update(bills).where(*wanted, *free).values(order_id=row.id).returning(bills.c.amount))
            if len(held) < len(asked.ids):
                raise Refused(BILL_HELD)
            amount = sum(bill.amount for bill in held)
            row = tables.row(update(orders).where(orders.c.id == row.id).values(amount=amount).returning(orders))
        return Offered(self._order(row), dict(self.payments().prepay(row.number, row.amount)))

    def show_order(self, caller: Caller, asked: One) -> Order:
        """Return one order."""
        row = self.people.bench.read.row(SEEN_ORDER.where(orders.c.id == asked.id, _may_see(caller)))
        return self._order(row) if row else not_found(f"order {asked.id}")

    def cancel(self, caller: Caller, asked: One) -> None:
        """
        Close an order that is not paid, for whoever lives in the room; its bills are free again.

        Raises:
            Refused: With ORDER_OVER when it is paid or closed.

        """
        if self.payments is None:
            raise Refused(PAYMENT_OFF)
        order = self.show_order(caller, asked)
        self.people.own_room(caller, order.room_id)
        if order.state != State.WAITING:
            raise Refused(ORDER_OVER)
        try:
            # Once WeChat has closed it nobody can pay it: only then may its bills go into another.
            self.payments().close(order.number)
        except TooLate:
            raise Refused(ORDER_OVER, "paid meanwhile") from None
        with self.people.bench.change("order:closed", caller, order=order.id) as tables:
            waiting = (orders.c.id == order.id, orders.c.state == State.WAITING)
            closed = update(orders).where(*waiting).values(state=State.CLOSED).returning(orders.c.id)
            if tables.row(closed) is None:
                raise Refused(ORDER_OVER)
            tables.rows(update(bills).where(bills.c.order_id == order.id).values(order_id=None))

    def paid(self, told: Paid) -> None:
        """
        Take note that an order was paid, as a notification that was verified says; told again, nothing changes.

        Raises:
            Forged: Its nonce was believed before, there is no such order, or the amount is another.

            Unpaid: The order was closed. Nobody can have paid it, so this asks for a person.

        """
        bench = self.people.bench
        with suppress(Unchanged), bench.change("order:paid", None, number=told.number, amount=told.amount) as tables:
            now = bench.clock()
            tables.rows(delete(nonces).where(nonces.c.at < now - NONCE_MILLISECONDS))
            if tables.row(CLAIM_NONCE, nonce=told.nonce, at=now) is None:
                raise Forged("the nonce was believed before")
            order = tables.row(select(orders).where(orders.c.number == told.number))
            if order is None or order.amount != told.amount:
                raise Forged("no such order, or another amount")
            waiting = (orders.c.id == order.id, orders.c.state == State.WAITING)
            mark = update(orders).where(*waiting).values(state=State.PAID, transaction_id=told.transaction_id)
            if tables.row(mark.returning(orders.c.id)) is None:
                now_kept = tables.row(select(orders).where(orders.c.id == order.id))
                if (now_kept.state, now_kept.transaction_id) != (State.PAID, told.transaction_id):
                    raise Unpaid(f"order {order.id} is closed, or was paid by another transaction")
                raise Unchanged
            tables.rows(update(bills).where(bills.c.order_id == order.id).values(paid=True))

    def _bill(self, row: Any) -> Bill:
        created = local_time(row.created, self.people.bench.zone)
        return Bill(
            row.id, row.room_id, row.kind, row.period, row.amount, row.detail, row.order_id or 0, row.paid, created
        )

    def _order(self, row: Any) -> Order:
        created = local_time(row.created, self.people.bench.zone)
        return Order(row.id, row.number, row.room_id, row.amount, row.state, row.transaction_id, created)


def _may_see(caller: Caller) -> ColumnElement[bool]:
    return or_(is_mine(caller), is_staffed(caller))


def calls(does: Cashier) -> tuple[BusinessCall, ...]:
    """Return the calls of this file."""
    of_kind = ("类别：1物业费 2水费 3电费", "1 property, 2 water, 3 electricity.")
    one = Asks(One, id=ID)
    return (
        BusinessCall(
            "fee",
            "add",
            does.add,
            Asks(
                NewBill,
                room_id=ROOM,
                kind=kind("kind", of_kind, 3),
                period=words("period", ("账期", "For which time."), most=32),
                amount=Whole("amount", least=1, most=DEAREST, about=("金额，单位为分", "How much, in fen.")),
                detail=words("detail", ("明细", "How it comes about."), most=2000, required=False),
            ),
            answers=Made,
            ends=ENDS,
            about=("新增账单", "Keep a bill."),
        ),
        BusinessCall(
            "fee",
            "getlist",
            does.list,
            Asks(BillsAsked, room_id=ROOM, kind=kind("kind", of_kind, 3, least=0, required=False), **paging("limit")),
            answers=Page[Bill],
            reads=True,
            ends=ENDS,
            about=("费用列表", "A room's bills."),
        ),
        BusinessCall(
            "fee",
            "getinfo",
            does.show,
            one,
            answers=Bill,
            reads=True,
            ends=ENDS,
            about=("费用详情", "One bill."),
        ),
        BusinessCall(
            "fee",
            "addOrder",
            does.order,
            Asks(Several, room_id=ROOM, ids=Numbers("ids", ("账单编号列表", "The bills' ids."))),
            answers=Offered,
            ends=ENDS | {PAYMENT_OFF, BILL_HELD},
            about=("创建订单(微信支付)", "Make an order, to be paid by WeChat Pay."),
        ),
        BusinessCall(
            "fee",
            "getOrder",
            does.show_order,
            one,
            answers=Order,
            reads=True,
            ends=ENDS,
            about=("订单详情", "One order."),
        ),
        BusinessCall(
            "fee",
            "cancelOrder",
            does.cancel,
            Asks(One, id=number("id", ("订单编号", "The order's id."))),
            ends=ENDS | {PAYMENT_OFF, ORDER_OVER},
            about=("关闭订单", "Close an order that is not paid."),
        ),
    )
