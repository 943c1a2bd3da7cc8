"""The same questions, in the book's spelling, have the same results in all five contracts."""

import json
import re

import pytest
from lingpai_community.endings import BILL_HELD, KEY_BAD, NOT_FOUND, ORDER_OVER, OUT_OF_TURN, THERE_ALREADY
from openapi_spec_validator import validate
from settling import CHEN, COMPANY, FANG, GU, MEI, OWNED, WANG, begin, ended, settled

from lingpai.edge.openapi import openapi
from lingpai.vocabulary.outcomes import Ending, Outcome
from tests.conformance.five import CONTRACTS

NOW = "2026-01-01 08:00:00"
NOTHING = {}
HEX = re.compile("[0-9a-f]{32}")

ROOM = {"room_id": 1, "item_id": 1, "item_name": "和园", **OWNED}
OTHER_ROOM = {**ROOM, "room_id": 2, "room_number": "102"}
MINE = {"identity": 0, "kindred": "", "is_current": False}
LEAKS = {
    "room_id": 1,
    "schedule_time": "2026-01-02 09:00",
    "home_category": "水电",
    "content": "厨房漏水",
    "linkman": "梅",
    "phone": "13800000001",
    "address": "和园1栋101",
}
REPAIR = {
    "id": 1,
    "item_id": 1,
    "room_id": 1,
    "user_id": MEI,
    "progress": 1,
    "cancelled": False,
    **{name: value for name, value in LEAKS.items() if name != "room_id"},
    "staff_id": 0,
    "admin_id": 0,
    "repairer": 0,
    "remark": "",
    "score": 0,
    "comment": "",
    "created": NOW,
}
WATER_OFF = {"id": 1, "item_id": 1, "category": 2, "arrearage": 0, "title": "停水", "content": "明早", "created": NOW}
OWING = {"id": 2, "item_id": 1, "category": 3, "arrearage": 1, "title": "欠费", "content": "请缴费", "created": NOW}
PROPERTY = {"id": 1, "room_id": 1, "kind": 1, "period": "2026-01", "amount": 26850, "detail": "89.5×3元"}
WATER = {"id": 2, "room_id": 1, "kind": 2, "period": "2025-12", "amount": 4512, "detail": ""}
UNPAID = {"order_id": 0, "paid": False, "created": NOW}
ORDER = {"id": 1, "number": HEX, "room_id": 1, "amount": 31362, "state": 0, "transaction_id": "", "created": NOW}


def page(*rows, more=False):
    return {"list": list(rows), "has_more": more}


def opening(number, who, identity, opened=True):
    return {
        "id": number,
        "door_id": 1,
        "name": "东门",
        "uid": who,
        "identity": identity,
        "opened": opened,
        "created": NOW,
    }


ROOMS = [
    ("zhou", "item/add", {"name": "别人的", "company_id": COMPANY}, Outcome.NOT_ALLOWED),
    ("fang", "item/getlist", {}, page({"item_id": 1, "item_name": "和园", "company_id": COMPANY})),
    ("zhou", "item/getlist", {}, page()),
    ("chen", "room/add", {"item_id": 1, **OWNED, "name": "梅", "phone": "13800000001"}, THERE_ALREADY),
    ("fang", "room/add", {"item_id": 1, **OWNED, "name": "梅", "phone": "13800000001"}, Outcome.NOT_ALLOWED),
    ("mei", "room/add", {"item_id": 1, **OWNED, "name": "梅", "phone": "13800000001"}, Outcome.NOT_ALLOWED),
    ("chen", "room/add", {"item_id": 1, "name": "梅"}, Outcome.ARGUMENT_BAD),
    ("mei", "room/getlist", {"item_id": 1, "user_id": MEI}, page({**ROOM, **MINE})),
    (
        "fang",
        "room/getlist",
        {"item_id": 1, "limit": 1},
        page({**OTHER_ROOM, "identity": None, "kindred": "", "is_current": False}, more=True),
    ),
    ("wang", "room/getlist", {}, page({**ROOM, "identity": 1, "kindred": "租客", "is_current": False})),
    ("wang", "room/switch", {"room_id": 1}, NOTHING),
    ("wang", "room/getlist", {}, page({**ROOM, "identity": 1, "kindred": "租客", "is_current": True})),
    ("wang", "room/switch", {"room_id": 2}, NOT_FOUND),
    ("fang", "room/switch", {"room_id": 1}, Outcome.NOT_ALLOWED),
    ("zhou", "room/getlist", {}, page()),
    (
        "mei",
        "user/familyAdd",
        {"item_id": 1, "user_id": MEI, "room_id": 1, "name": "小梅", "phone": "13800000003", "identity": 2},
        {"id": 4},
    ),
    (
        "mei",
        "user/familyAdd",
        {"item_id": 1, "user_id": MEI, "room_id": 1, "name": "小梅", "phone": "13800000003", "identity": 2},
        THERE_ALREADY,
    ),
    (
        "wang",
        "user/familyAdd",
        {"item_id": 1, "room_id": 1, "name": "友", "phone": "13800000004", "identity": 2},
        Outcome.NOT_ALLOWED,
    ),
    (
        "mei",
        "user/familyAdd",
        {"item_id": 1, "room_id": 1, "name": "友", "phone": "13800000004", "identity": 3},
        Outcome.ARGUMENT_BAD,
    ),
    (
        "wang",
        "user/getFamilyList",
        {"room_id": 1},
        {
            "list": [
                {"id": 1, "room_id": 1, "name": "梅", "phone": "13800000001", "sex": 0, "identity": 0, "kindred": ""},
                {
                    "id": 3,
                    "room_id": 1,
                    "name": "王",
                    "phone": "13800000002",
                    "sex": 1,
                    "identity": 1,
                    "kindred": "租客",
                },
                {"id": 4, "room_id": 1, "name": "小梅", "phone": "13800000003", "sex": 0, "identity": 2, "kindred": ""},
            ]
        },
    ),
]

REPAIRS = [
    ("mei", "repair/add", LEAKS, {"id": 1}),
    ("mei", "repair/add", {**LEAKS, "staff_id": MEI}, Outcome.NOT_ALLOWED),
    ("fang", "repair/add", {**LEAKS, "staff_id": FANG}, {"id": 2}),
    ("mei", "repair/cancel", {"id": 2}, NOTHING),
    ("mei", "repair/cancel", {"id": 2}, OUT_OF_TURN),
    ("mei", "repair/getlist", {"room_id": 1}, page(REPAIR)),
    ("wang", "repair/getlist", {"progress": 2}, page()),
    ("mei", "repair/task", {"id": 1, "repairer": FANG}, Outcome.NOT_ALLOWED),
    ("gu", "repair/task", {"id": 1, "repairer": FANG}, Outcome.NOT_ALLOWED),
    ("chen", "repair/task", {"id": 1, "repairer": WANG}, NOT_FOUND),
    ("chen", "repair/task", {"id": 1, "admin_id": CHEN, "repairer": FANG, "remark": "请尽快"}, NOTHING),
    ("gu", "repair/receive", {"id": 1, "admin_id": GU}, OUT_OF_TURN),
    ("gu", "repair/receive", {"id": 1, "admin_id": FANG}, Outcome.NOT_ALLOWED),
    ("fang", "repair/receive", {"id": 1, "admin_id": FANG}, NOTHING),
    ("fang", "repair/receive", {"id": 1, "admin_id": FANG}, OUT_OF_TURN),
    ("mei", "repair/cancel", {"id": 1}, OUT_OF_TURN),
    ("gu", "repair/finishConfirm", {"id": 1, "repairer": GU, "act": "finish"}, OUT_OF_TURN),
    ("fang", "repair/finishConfirm", {"id": 1, "repairer": FANG, "act": "start"}, NOTHING),
    ("fang", "repair/finishConfirm", {"id": 1, "repairer": FANG, "act": "later"}, Outcome.ARGUMENT_BAD),
    ("mei", "repair/comment", {"id": 1, "score": 5, "content": "很快"}, OUT_OF_TURN),
    ("fang", "repair/finishConfirm", {"id": 1, "repairer": FANG, "act": "finish"}, NOTHING),
    ("fang", "repair/comment", {"id": 1, "score": 5, "content": "很快"}, Outcome.NOT_ALLOWED),
    ("mei", "repair/comment", {"id": 1, "score": 6}, Outcome.ARGUMENT_BAD),
    ("mei", "repair/comment", {"id": 1, "score": 5, "content": "很快"}, NOTHING),
    ("mei", "repair/comment", {"id": 1, "score": 1}, OUT_OF_TURN),
    (
        "fang",
        "repair/getlist",
        {"item_id": 1, "admin_id": FANG, "progress": 10},
        page(
            {
                **REPAIR,
                "progress": 10,
                "admin_id": CHEN,
                "repairer": FANG,
                "remark": "请尽快",
                "score": 5,
                "comment": "很快",
            }
        ),
    ),
    ("wang", "repair/show", {"id": 2}, {**REPAIR, "id": 2, "user_id": FANG, "cancelled": True, "staff_id": FANG}),
]

NEWS = [
    ("mei", "news/add", {"item_id": 1, "category": 2, "title": "停水", "content": "明早"}, Outcome.NOT_ALLOWED),
    ("chen", "news/add", {"item_id": 1, "category": 4, "title": "停水", "content": "明早"}, Outcome.ARGUMENT_BAD),
    ("chen", "news/add", {"item_id": 1, "category": 2, "title": "停水", "content": "明早"}, {"id": 1}),
    (
        "chen",
        "news/add",
        {"item_id": 1, "category": 3, "title": "欠费", "content": "请缴费", "arrearage": 1},
        {"id": 2},
    ),
    ("mei", "news/getlist", {"item_id": 1, "page": 1, "limit": 20}, page(WATER_OFF)),
    ("mei", "news/getinfo", {"id": 2}, NOT_FOUND),
    ("chen", "fee/add", {"room_id": 1, "kind": 1, "period": "2026-01", "amount": 26850}, {"id": 1}),
    ("mei", "news/getlist", {"item_id": 1, "page": 1, "limit": 1}, page(OWING, more=True)),
    ("mei", "news/getlist", {"item_id": 1, "page": 2, "limit": 1}, page(WATER_OFF)),
    ("wang", "news/getinfo", {"id": 2}, OWING),
    ("fang", "news/getlist", {"item_id": 1}, page(OWING, WATER_OFF)),
    ("zhou", "news/getlist", {"item_id": 1}, NOT_FOUND),
]

DOORS = [
    ("chen", "door/add", {"item_id": 1, "name": "东门"}, {"id": 1}),
    ("mei", "door/add", {"item_id": 1, "name": "东门"}, Outcome.NOT_ALLOWED),
    ("mei", "door/getlist", {"item_id": 1}, page({"door_id": 1, "item_id": 1, "name": "东门"})),
    ("mei", "door/unlock", {"door_id": 1, "user_id": MEI}, NOTHING),
    ("fang", "door/unlock", {"door_id": 1, "user_id": FANG}, Outcome.NOT_ALLOWED),
    ("fang", "door/masterUnlock", {"door_id": 1, "admin_id": FANG}, NOTHING),
    ("mei", "door/masterUnlock", {"door_id": 1, "admin_id": MEI}, Outcome.NOT_ALLOWED),
    (
        "wang",
        "door/shareKey",
        {"door_id": 1, "user_id": WANG, "seconds": 60, "times": 2},
        {
            "key": HEX,
            "url": re.compile("https://community.example/key/[0-9a-f]{32}"),
            "ends": "2026-01-01 08:01:00",
            "times": 2,
        },
    ),
    ("fang", "door/shareKey", {"door_id": 1}, Outcome.NOT_ALLOWED),
    ("", "door/shareUnlock", {"key_id": "$key"}, NOTHING),
    ("", "door/shareUnlock", {"key_id": "$key", "admin_id": 0}, NOTHING),
    ("", "door/shareUnlock", {"key_id": "$key"}, KEY_BAD),
    ("", "door/shareUnlock", {"key_id": "0" * 32}, KEY_BAD),
    ("", "door/shareUnlock", {"key_id": "open"}, Outcome.ARGUMENT_BAD),
    ("mei", "door/openLog", {"uid": MEI, "page": 1, "listRows": 10}, page(opening(1, MEI, 0))),
    ("wang", "door/openLog", {}, page(opening(4, WANG, 4), opening(3, WANG, 4))),
    ("chen", "door/openLog", {"identity": 3}, page(opening(2, FANG, 3))),
    ("chen", "door/openLog", {"identity": 0, "uid": WANG}, page()),
]

FEES = [
    (
        "chen",
        "fee/add",
        {"room_id": 1, "kind": 1, "period": "2026-01", "amount": 26850, "detail": "89.5×3元"},
        {"id": 1},
    ),
    ("chen", "fee/add", {"room_id": 1, "kind": 2, "period": "2025-12", "amount": 4512}, {"id": 2}),
    ("chen", "fee/add", {"room_id": 2, "kind": 3, "period": "2025-12", "amount": 999}, {"id": 3}),
    ("chen", "fee/add", {"room_id": 1, "kind": 2, "period": "2025-12", "amount": 0}, Outcome.ARGUMENT_BAD),
    ("fang", "fee/add", {"room_id": 1, "kind": 2, "period": "2025-12", "amount": 1}, Outcome.NOT_ALLOWED),
    ("mei", "fee/getlist", {"room_id": 1}, page({**WATER, **UNPAID}, {**PROPERTY, **UNPAID})),
    ("mei", "fee/getlist", {"room_id": 1, "kind": 1}, page({**PROPERTY, **UNPAID})),
    ("mei", "fee/getlist", {"room_id": 2}, NOT_FOUND),
    ("wang", "fee/getinfo", {"id": 2}, {**WATER, **UNPAID}),
    ("wang", "fee/getinfo", {"id": 3}, NOT_FOUND),
    ("fang", "fee/addOrder", {"room_id": 1, "ids": [1, 2]}, Outcome.NOT_ALLOWED),
    ("mei", "fee/addOrder", {"room_id": 1, "ids": [1, 3]}, NOT_FOUND),
    ("mei", "fee/addOrder", {"room_id": 1, "ids": []}, Outcome.ARGUMENT_BAD),
    (
        "mei",
        "fee/addOrder",
        {"room_id": 1, "ids": [1, 2]},
        {
            "order": ORDER,
            "prepay": {
                "appid": "wx0000000000000000",
                "partnerid": "1900000109",
                "prepayid": re.compile("standin-[0-9a-f]{32}"),
            },
        },
    ),
    ("wang", "fee/addOrder", {"room_id": 1, "ids": [2]}, BILL_HELD),
    ("fang", "fee/getOrder", {"id": 1}, ORDER),
    ("zhou", "fee/getOrder", {"id": 1}, NOT_FOUND),
    ("wang", "fee/cancelOrder", {"id": 1}, NOTHING),
    ("wang", "fee/cancelOrder", {"id": 1}, ORDER_OVER),
    ("mei", "fee/getinfo", {"id": 2}, {**WATER, **UNPAID}),
    ("mei", "fee/getOrder", {"id": 1}, {**ORDER, "state": 2}),
]

SCENES = {"rooms": ROOMS, "repairs": REPAIRS, "news": NEWS, "doors": DOORS, "fees": FEES}


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("scene", SCENES)
def test_the_same_question_has_the_same_result_in_every_contract(scene, contract):
    five = settled()
    begin(five, contract)
    said = {}
    for line, (who, call, arguments, expected) in enumerate(SCENES[scene], 1):
        filled = {name: said.get(str(value)[1:], value) for name, value in arguments.items()}

        heard = five.ask(contract, call, who, **filled)

        where = f"{scene} {line}: {who} {call} {arguments}: {heard}"
        if isinstance(expected, Outcome | Ending):
            assert ended(five, contract, heard, expected), where
        else:
            assert ended(five, contract, heard, Outcome.OK), where
            assert is_like(heard.data, expected), where
            said |= heard.data


def is_like(came, expected):
    """Return whether *came* is *expected*, in which a pattern stands for text that it matches."""
    if isinstance(expected, re.Pattern):
        return isinstance(came, str) and expected.fullmatch(came) is not None
    if isinstance(expected, dict):
        return list(came) == list(expected) and all(is_like(came[name], value) for name, value in expected.items())
    if isinstance(expected, list):
        return len(came) == len(expected) and all(map(is_like, came, expected))
    return type(came) is type(expected) and came == expected


@pytest.mark.parametrize("contract", CONTRACTS)
def test_each_contract_describes_the_calls(contract):
    document = openapi(settled().stage.house.served[contract].contract)

    validate(json.loads(json.dumps(document)))
    assert any("familyAdd" in path for path in document["paths"])
