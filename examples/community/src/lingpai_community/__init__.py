"""
A property group behind Lingpai: rooms and families, repairs, notices, doors and shared keys, fees.

Names and states are those of the twokeys book; every contract serves them.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Literal

from sqlalchemy import select

from lingpai.modules.module import BusinessCall, Hook, Module, Replied, Rung
from lingpai.modules.workbench import Workbench
from lingpai.stores.sql.dialects import insert_unless_taken
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.settings import ModuleSettings
from lingpai_community import doors, fees, news, repairs, rooms
from lingpai_community.doors import Doors, DoorsOnPaper
from lingpai_community.endings import CODES
from lingpai_community.fees import Cashier
from lingpai_community.migrations import MIGRATIONS
from lingpai_community.payments import Forged, Merchant, Payments, StandIn, new_private_key, private_key
from lingpai_community.people import People
from lingpai_community.tables import orders, stand_in

LOG = logging.getLogger(__name__)

SEALED_IN = "community:stand-in"


class CommunitySettings(ModuleSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What the property group lets you set.

    Args:
        payment: "off", or "stand-in": orders that anybody can mark as paid, for trying things out.
        key_url: What stands before a key that is lent, in the address that is handed on.

    """

    payment: Literal["off", "stand-in"] = "off"
    key_url: str = "https://community.example/key/"


def community(controller: Doors | None = None, payments: Callable[[Workbench], Payments] | None = None) -> Module:
    """
    Return the module.

    Args:
        controller: What opens doors; without one, each is opened on paper.
        payments: What orders are paid with; without it, what the settings say.

    """
    return Module(
        name="community",
        build=partial(_build, controller or DoorsOnPaper(), payments),
        settings=CommunitySettings,
        codes=CODES,
        migrations=MIGRATIONS,
        about=("物业：房间、报修、公告、门禁、费用", "A property group: rooms, repairs, notices, doors, fees"),
    )


def _build(
    controller: Doors,
    payments: Callable[[Workbench], Payments] | None,
    bench: Workbench,
    settings: CommunitySettings,
) -> Sequence[BusinessCall | Hook]:
    people = People(bench)
    tried = cache(lambda: made_stand_in(bench)) if settings.payment == "stand-in" and payments is None else None
    cashier = Cashier(people, tried or (cache(lambda: payments(bench)) if payments else None))
    return (
        *rooms.calls(people),
        *repairs.calls(people),
        *news.calls(people),
        *doors.calls(people, controller, settings.key_url),
        *fees.calls(cashier),
        *([Hook("wechat-pay", partial(notified, cashier))] if cashier.payments else []),
        *([Hook("stand-in-pay", partial(pay_on_paper, cashier, tried))] if tried else []),
    )


def notified(cashier: Cashier, rung: Rung) -> Replied:
    """Believe a notification of WeChat Pay that is proved to be one; whatever is not is told nothing but that."""
    if cashier.payments is None:
        return Replied(404)
    try:
        told = cashier.payments().read(rung.headers, rung.body)
        if told is not None:
            cashier.paid(told)
    except Forged as forged:
        LOG.warning("a notification of WeChat Pay is not believed: %s", forged)
        return Replied(401, b'{"code":"FAIL","message":"not believed"}')
    return Replied(200, b'{"code":"SUCCESS","message":"OK"}')


def pay_on_paper(cashier: Cashier, payments: Callable[[], StandIn], rung: Rung) -> Replied:
    """Let the stand-in notify us that the order with this number was paid."""
    try:
        number = json.loads(rung.body)["number"]
    except (ValueError, LookupError, TypeError):
        return Replied(400)
    order = cashier.people.bench.read.row(select(orders).where(orders.c.number == str(number)))
    if order is None:
        return Replied(404)
    return notified(cashier, Rung(*payments().notification(order.number, order.amount)))


def made_stand_in(bench: Workbench) -> StandIn:
    """Return the stand-in, whose key is made once and kept sealed, so that all workers have the same."""
    read = select(stand_in.c.sealed)
    row = bench.read.row(read)
    if row is None:
        sealed = bench.keys.seal(Secret(new_private_key()), SEALED_IN)
        with bench.change("stand-in:made", None) as tables:
            tables.rows(insert_unless_taken(stand_in, stand_in.c.id), id=1, sealed=sealed)
        row = bench.read.rows(read)[0]
    pem = bench.keys.unseal(row.sealed, SEALED_IN).reveal()
    merchant = Merchant("1900000109", "wx0000000000000000", hashlib.sha256(pem.encode()).digest())

    def is_paid(number: str) -> bool:
        state = select(orders.c.state).where(orders.c.number == number)
        return bool(bench.read.rows(state)[0].state == fees.State.PAID)

    return StandIn(merchant, private_key(pem), bench.clock, bench.randomness, is_paid)


MODULE = community()
"""What the entry point names."""
