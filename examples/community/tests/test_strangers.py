"""Nobody sees what is not theirs: to whom it is not, what is there is as absent as what is not."""

import pytest
from lingpai_community.endings import NOT_FOUND
from settling import TENANT, ended

from lingpai.modules.module import BusinessCall
from lingpai.vocabulary.outcomes import Outcome

HAPPENED = (
    ("mei", "repair/add", {"room_id": 1, "schedule_time": "明早", "home_category": "水", "content": "漏水"}),
    ("chen", "news/add", {"item_id": 1, "category": 1, "title": "停水", "content": "明早"}),
    ("chen", "door/add", {"item_id": 1, "name": "东门"}),
    ("chen", "fee/add", {"room_id": 1, "kind": 1, "period": "2026-01", "amount": 26850}),
    ("mei", "fee/addOrder", {"room_id": 1, "ids": [1]}),
)

ASKED = {
    "room/add": {"item_id": 1, "building_name": "1栋", "room_number": "103", "name": "周", "phone": "13700000000"},
    "room/switch": {"room_id": 1},
    "user/getFamilyList": {"room_id": 1},
    "user/familyAdd": {**TENANT, "phone": "13700000000", "identity": 2},
    "repair/add": {"room_id": 1, "schedule_time": "明早", "home_category": "水", "content": "漏水", "linkman": "周"},
    "repair/show": {"id": 1},
    "repair/cancel": {"id": 1},
    "repair/task": {"id": 1, "repairer": 6},
    "repair/receive": {"id": 1},
    "repair/finishConfirm": {"id": 1, "act": "finish"},
    "repair/comment": {"id": 1, "score": 1},
    "news/getlist": {"item_id": 1},
    "news/getinfo": {"id": 1},
    "news/add": {"item_id": 1, "category": 1, "title": "停水", "content": "明早"},
    "door/add": {"item_id": 1, "name": "西门"},
    "door/getlist": {"item_id": 1},
    "door/unlock": {"door_id": 1},
    "door/masterUnlock": {"door_id": 1},
    "door/shareKey": {"door_id": 1},
    "fee/add": {"room_id": 1, "kind": 1, "period": "2026-01", "amount": 1},
    "fee/getlist": {"room_id": 1},
    "fee/getinfo": {"id": 1},
    "fee/addOrder": {"room_id": 1, "ids": [1]},
    "fee/getOrder": {"id": 1},
    "fee/cancelOrder": {"id": 1},
}
"""Every call that names something, as the owner or the staff could ask it of what is there."""

EMPTY = ("item/getlist", "room/getlist", "repair/getlist", "door/openLog")
"""Calls that name nothing: a stranger's lists are empty."""

ELSEWHERE = {"item/add": "asks of one's own company", "door/shareUnlock": "asks for a key, not for who holds it"}


def happened(town):
    for who, call, arguments in HAPPENED:
        contact = {"linkman": "梅", "phone": "13800000001"} if call == "repair/add" else {}
        heard = town.ask("mowork", call, who, **arguments, **contact)
        assert ended(town, "mowork", heard, Outcome.OK), (call, heard)
    return town


def test_every_call_is_asked_here(town):
    there = {f"{call.module}/{call.name}" for call in town.stage.house.modules["community"].calls}

    assert there == {*ASKED, *EMPTY, *ELSEWHERE}


@pytest.mark.parametrize("call", ASKED)
@pytest.mark.parametrize("who", ["zhou", "yang"])
def test_a_stranger_finds_what_is_there_as_little_as_what_is_not(town, call, who):
    """zhou leads another property company; yang is nobody anywhere."""
    happened(town)
    town.person("yang")
    arguments = ASKED[call] | ({"phone": "13700000000"} if call == "repair/add" else {})
    named = {name: [999] if name == "ids" else 999 for name in ("item_id", "room_id", "id", "door_id", "ids")}

    there = town.ask("mowork", call, who, **arguments)
    absent = town.ask("mowork", call, who, **{name: named.get(name, value) for name, value in arguments.items()})

    assert ended(town, "mowork", there, NOT_FOUND), there
    assert (there.number, there.message) == (absent.number, absent.message)


@pytest.mark.parametrize("call", EMPTY)
def test_a_strangers_lists_are_empty(town, call):
    happened(town)
    town.ask("mowork", "door/unlock", "mei", door_id=1)

    assert town.ask("mowork", call, "zhou").data == {"list": [], "has_more": False}
    assert town.ask("mowork", call, "chen").data["list"] != []


@pytest.mark.parametrize("call", sorted({*ASKED, *EMPTY}))
def test_nobody_asks_unnamed(town, call):
    heard = town.ask("thinkjs", call, "", **ASKED.get(call, {}))

    assert (heard.status, heard.number) == (401, 401)


def test_a_phone_number_that_nobody_proved_binds_nobody(town):
    town.person("li", "phone=13800000002")

    assert town.ask("mowork", "room/getlist", "li").data["list"] == []
    assert town.ask("mowork", "room/getlist", "wang").data["list"] != []


def test_whoever_leaves_the_company_sees_its_projects_no_more(town):
    town.stage.operator("remove", "fang", "1")

    assert town.ask("mowork", "item/getlist", "fang").data["list"] == []


def test_an_idcard_is_neither_told_nor_kept_in_the_clear(town):
    town.ask("mowork", "user/familyAdd", "mei", **{**TENANT, "phone": "13700000009", "identity": 2})

    told = town.ask("mowork", "user/getFamilyList", "mei", room_id=1)
    (kept,) = [row for row in _residents(town) if row.phone == "13700000009"]
    assert TENANT["idcard"] not in str(told)
    assert kept.idcard
    assert TENANT["idcard"].encode() not in kept.idcard


def _residents(town):
    from lingpai_community.tables import residents
    from sqlalchemy import select

    return town.stage.stores.tables.rows(select(residents))


def test_every_call_says_what_it_is_for_and_so_does_each_argument(town):
    calls = town.stage.house.modules["community"].calls

    assert all(isinstance(call, BusinessCall) and all(call.about) for call in calls)
    assert [
        f"{call.module}/{call.name} {field.member}"
        for call in calls
        for field in call.asks.fields.values()
        if not all(field.about)
    ] == []
