"""An order is paid by a notification that WeChat Pay signed just now, for this order and amount; by nothing else."""

import base64
import json
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lingpai_community import MODULE, CommunitySettings, made_stand_in
from lingpai_community.endings import BILL_HELD, PAYMENT_OFF
from lingpai_community.fees import Several
from lingpai_community.payments import SERIAL, Merchant, StandIn, new_private_key, private_key, signed_text
from lingpai_community.tables import bills, orders, stand_in
from settling import MEI, WANG, begin, begun, caller, ended, raced, settled
from sqlalchemy import insert, select

from lingpai.modules.module import built
from lingpai.modules.workbench import Workbench
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Outcome

AMOUNT = 31_362
HOOK = "/hooks/community/wechat-pay"


class Shop:
    """A town with one order, and what can be said of it."""

    def __init__(self):
        self.five = settled()
        begin(self.five, "mowork")
        for amount in (26_850, 4_512):
            self.five.ask("mowork", "fee/add", "chen", room_id=1, kind=1, period="2026-01", amount=amount)
        made = self.five.ask("mowork", "fee/addOrder", "mei", room_id=1, ids=[1, 2]).data
        self.number = made["order"]["number"]
        stage = self.five.stage
        keys = stage.house.keys
        zone = ZoneInfo("Asia/Shanghai")
        self.bench = Workbench("community", lambda: stage.now, zone, stage.random, keys, stage.stores)
        self.wechat = made_stand_in(self.bench)

    def tell(self, headers, body):
        status, _, _ = self.five.stage.answer("POST", HOOK, list(headers.items()), body.decode())
        return status

    def is_paid(self):
        states = {bill["paid"] for bill in self.five.ask("mowork", "fee/getlist", "wang", room_id=1).data["list"]}
        (paid,) = states
        state = self.five.ask("mowork", "fee/getOrder", "mei", id=1).data["state"]
        assert paid == (state == 1)
        return paid


@pytest.fixture
def shop():
    return Shop()


def test_a_right_notification_pays_the_order_and_its_bills(shop):
    assert shop.tell(*shop.wechat.notification(shop.number, AMOUNT)) == 200

    assert shop.is_paid()
    order = shop.five.ask("thinkjs", "fee/getOrder", "mei", id=1).data
    assert order["transaction_id"] == f"42000000{shop.number[:20]}"


def test_told_again_in_another_notification_nothing_changes(shop):
    shop.tell(*shop.wechat.notification(shop.number, AMOUNT))
    assert shop.is_paid()
    rows = len(shop.five.stage.stores.audit.page(0, 10_000))

    assert shop.tell(*shop.wechat.notification(shop.number, AMOUNT)) == 200
    assert shop.is_paid()
    assert len(shop.five.stage.stores.audit.page(0, 10_000)) == rows


def test_the_same_notification_is_not_believed_twice(shop):
    headers, body = shop.wechat.notification(shop.number, AMOUNT)

    assert [shop.tell(headers, body) for _ in range(3)] == [200, 401, 401]
    assert shop.is_paid()


def test_a_payment_that_failed_pays_nothing(shop):
    assert shop.tell(*shop.wechat.notification(shop.number, AMOUNT, trade_state="PAYERROR")) == 200
    assert not shop.is_paid()


def other_key(shop, headers, body):
    text = signed_text(headers["wechatpay-timestamp"], headers["wechatpay-nonce"], body)
    forged = private_key(new_private_key()).sign(text, padding.PKCS1v15(), hashes.SHA256())
    return headers | {"wechatpay-signature": base64.b64encode(forged).decode()}, body


def stranger(shop):
    """Return a stand-in with a key of its own, which says that it has ours."""
    merchant = Merchant("1900000109", "wx0000000000000000", bytes(32))
    stage = shop.five.stage
    return StandIn(merchant, private_key(new_private_key()), lambda: stage.now, stage.random, lambda _number: False)


def altered(body, **changes):
    told = json.loads(body)
    told["resource"] |= changes
    return json.dumps(told).encode()


FORGED = {
    "signed by another key": other_key,
    "signed under a serial that nobody has": lambda shop, h, b: (h | {"wechatpay-serial": "0" * 40}, b),
    "without a serial": lambda shop, h, b: ({n: v for n, v in h.items() if n != "wechatpay-serial"}, b),
    "without a signature": lambda shop, h, b: ({n: v for n, v in h.items() if n != "wechatpay-signature"}, b),
    "with a signature that is no base64": lambda shop, h, b: (h | {"wechatpay-signature": "***"}, b),
    "with another timestamp": lambda shop, h, b: (
        h | {"wechatpay-timestamp": str(int(h["wechatpay-timestamp"]) + 1)},
        b,
    ),
    "with a timestamp that is no number": lambda shop, h, b: (h | {"wechatpay-timestamp": "now"}, b),
    "with another nonce": lambda shop, h, b: (h | {"wechatpay-nonce": "0" * 32}, b),
    "without a nonce": lambda shop, h, b: ({n: v for n, v in h.items() if n != "wechatpay-nonce"}, b),
    "with another body": lambda shop, h, b: (h, b + b" "),
    "with nothing in it": lambda shop, h, b: (h, b"{}"),
    "of somebody else altogether": lambda shop, h, b: stranger(shop).notification(shop.number, AMOUNT),
    "encrypted under another key": lambda shop, h, b: _signed_by_us(
        shop, stranger(shop).notification(shop.number, AMOUNT)
    ),
    "whose ciphertext was altered": lambda shop, h, b: _signed_by_us(shop, ({}, altered(b, ciphertext="AAAA"))),
    "whose associated data was altered": lambda shop, h, b: _signed_by_us(shop, ({}, altered(b, associated_data="x"))),
    "for another amount": lambda shop, h, b: shop.wechat.notification(shop.number, AMOUNT - 1),
    "for an amount in words": lambda shop, h, b: shop.wechat.notification(
        shop.number, AMOUNT, amount={"total": str(AMOUNT), "currency": "CNY"}
    ),
    "in another currency": lambda shop, h, b: shop.wechat.notification(
        shop.number, AMOUNT, amount={"total": AMOUNT, "currency": "JPY"}
    ),
    "for no order of ours": lambda shop, h, b: shop.wechat.notification("0" * 32, AMOUNT),
    "for another merchant": lambda shop, h, b: shop.wechat.notification(shop.number, AMOUNT, mchid="1"),
    "for another app": lambda shop, h, b: shop.wechat.notification(shop.number, AMOUNT, appid="wx1"),
}


def _signed_by_us(shop, notification):
    _, body = notification
    return shop.wechat.signed(body), body


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_notification_is_not_believed_and_spoils_no_right_one(shop, how):
    right = shop.wechat.notification(shop.number, AMOUNT)

    assert shop.tell(*FORGED[how](shop, *right)) == 401
    assert not shop.is_paid()
    assert shop.tell(*right) == 200
    assert shop.is_paid()


@pytest.mark.parametrize(("seconds", "status"), [("-300", 200), ("-301", 401), ("300", 200), ("301", 401)])
def test_a_notification_is_believed_for_five_minutes(shop, seconds, status):
    told = shop.wechat.notification(shop.number, AMOUNT)
    shop.five.stage.wait(seconds)

    assert shop.tell(*told) == status


def test_a_payment_of_an_order_that_was_closed_asks_for_a_person(shop, caplog):
    told = shop.wechat.notification(shop.number, AMOUNT)
    shop.five.ask("mowork", "fee/cancelOrder", "mei", id=1)

    assert shop.tell(*told) == 500
    assert "order 1 is closed" in caplog.text


def test_an_order_that_was_paid_cannot_be_closed(shop):
    shop.tell(*shop.wechat.notification(shop.number, AMOUNT))

    heard = shop.five.ask("mowork", "fee/cancelOrder", "mei", id=1)

    assert heard.message == "订单已支付或已关闭"
    assert shop.is_paid()


def test_a_bill_is_in_one_order_and_free_again_when_that_is_closed(shop):
    held = shop.five.ask("mowork", "fee/addOrder", "wang", room_id=1, ids=[2])
    shop.five.ask("mowork", "fee/cancelOrder", "mei", id=1)
    free = shop.five.ask("mowork", "fee/addOrder", "wang", room_id=1, ids=[2])

    assert held.message == "账单已支付或已在其他订单中"
    assert free.data["order"]["amount"] == 4_512
    # The order that could not be made left nothing.
    assert [row.state for row in shop.five.stage.stores.tables.rows(select(orders).order_by(orders.c.id))] == [2, 0]


def test_the_stand_in_pays_on_paper(shop):
    body = json.dumps({"number": shop.number})

    def pay(said):
        return shop.five.stage.answer("POST", "/hooks/community/stand-in-pay", [], said)[0]

    assert [pay("{"), pay("[]"), pay("{}"), pay('{"number": "0"}')] == [400, 400, 400, 404]
    assert not shop.is_paid()
    assert pay(body) == 200
    assert shop.is_paid()


def test_where_payment_is_off_nothing_can_be_paid_on_paper_or_otherwise():
    five = settled(payment="off")
    begin(five, "mowork")
    five.ask("mowork", "fee/add", "chen", room_id=1, kind=1, period="2026-01", amount=1)

    heard = five.ask("mowork", "fee/addOrder", "mei", room_id=1, ids=[1])

    assert ended(five, "mowork", heard, PAYMENT_OFF)
    assert not ended(five, "mowork", heard, Outcome.OK)
    for hook in ("wechat-pay", "stand-in-pay"):
        assert five.stage.answer("POST", f"/hooks/community/{hook}", [], "{}")[0] == 404


def test_the_stand_ins_key_is_one_for_all_workers_and_not_kept_in_the_clear(shop):
    again = made_stand_in(shop.bench)

    assert shop.tell(*again.notification(shop.number, AMOUNT)) == 200
    (kept,) = shop.five.stage.stores.tables.rows(select(stand_in.c.sealed))
    assert b"PRIVATE KEY" not in kept.sealed
    assert SERIAL.encode() not in kept.sealed


RACES = 20


def test_of_two_who_order_the_same_bills_at_once_one_does(stores):
    bench = begun(stores)
    with stores.change(Event("test:billed", "module", "community", told=False)) as change:
        for _ in range(2 * RACES):
            change.tables.rows(insert(bills), room_id=1, kind=1, amount=100, paid=False, created=0)
    order = next(c for c in built(MODULE, bench, CommunitySettings(payment="stand-in")).calls if c.name == "addOrder")
    order(caller(MEI), Several(1, (2 * RACES,)))  # makes the stand-in

    def both(who):
        return lambda number: order(caller(who), Several(1, (number, number + RACES - 1)))

    won, lost = raced(RACES - 1, {MEI: both(MEI), WANG: both(WANG)})

    held = stores.tables.rows(select(bills.c.order_id).where(bills.c.order_id.is_not(None)))
    sums = stores.tables.rows(select(orders.c.id, orders.c.amount))
    assert {outcome for _, outcome in lost} == {BILL_HELD}
    assert sorted(number for number, _ in won) == list(range(1, RACES))
    assert all(amount == 100 * sum(row.order_id == number for row in held) for number, amount in sums)
