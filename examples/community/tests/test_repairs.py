"""A repair goes its way step by step, and of two who take it at once one does."""

import pytest
from lingpai_community import MODULE, CommunitySettings
from lingpai_community.endings import OUT_OF_TURN
from lingpai_community.repairs import Step
from lingpai_community.tables import repairs
from settling import COMPANY, FANG, GU, begun, caller, ended, raced
from sqlalchemy import insert, select, update

from lingpai.modules.module import built
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Outcome

CANCELLED = "cancelled"

STEPS = {
    "task": ("chen", "repair/task", {"repairer": GU}, {1: 2, 2: 2}),
    "receive": ("fang", "repair/receive", {}, {1: 3, 2: 3}),
    "start": ("fang", "repair/finishConfirm", {"act": "start"}, {3: 4}),
    "finish": ("fang", "repair/finishConfirm", {"act": "finish"}, {3: 10, 4: 10}),
    "finish without a word": ("fang", "repair/finishConfirm", {}, {3: 10, 4: 10}),
    "cancel": ("mei", "repair/cancel", {}, {1: 1, 2: 2}),
    "comment": ("mei", "repair/comment", {"score": 4}, {10: 10}),
}
"""Who does what, and where from each state it leads; from any other it leads nowhere."""


def put(town, **values):
    with town.stage.stores.change(Event("test:set", "module", "community", told=False)) as change:
        change.tables.rows(update(repairs).where(repairs.c.id == 1).values(**values))


@pytest.mark.parametrize("state", [1, 2, 3, 4, 10, CANCELLED])
@pytest.mark.parametrize("step", STEPS)
def test_each_step_begins_where_it_may_and_nowhere_else(town, step, state):
    who, call, arguments, leads = STEPS[step]
    leak = {"schedule_time": "明早", "home_category": "水", "content": "漏水", "linkman": "梅", "phone": "1"}
    town.ask("mowork", "repair/add", "mei", room_id=1, **leak)
    put(town, progress=1 if state == CANCELLED else state, cancelled=state == CANCELLED, repairer=FANG)

    heard = town.ask("mowork", call, who, id=1, **arguments)

    (kept,) = town.stage.stores.tables.rows(select(repairs))
    if state in leads:
        assert ended(town, "mowork", heard, Outcome.OK)
        assert (kept.progress, kept.cancelled) == (leads[state], step == "cancel")
    else:
        assert ended(town, "mowork", heard, OUT_OF_TURN)
        assert (kept.progress, kept.cancelled) == (1 if state == CANCELLED else state, state == CANCELLED)


@pytest.mark.parametrize("step", ["receive", "start", "finish"])
def test_what_is_anothers_is_not_ones_own_step(town, step):
    _, call, arguments, leads = STEPS[step]
    leak = {"schedule_time": "明早", "home_category": "水", "content": "漏水", "linkman": "梅", "phone": "1"}
    town.ask("mowork", "repair/add", "mei", room_id=1, **leak)
    put(town, progress=max(leads) if step != "receive" else 2, repairer=GU)

    assert ended(town, "mowork", town.ask("mowork", call, "fang", id=1, **arguments), OUT_OF_TURN)


def test_a_step_that_is_refused_leaves_no_audit_row(town):
    leak = {"schedule_time": "明早", "home_category": "水", "content": "漏水", "linkman": "梅", "phone": "1"}
    town.ask("mowork", "repair/add", "mei", room_id=1, **leak)
    before = len(town.stage.stores.audit.page(0, 10_000))

    town.ask("mowork", "repair/comment", "mei", id=1, score=3)

    assert len(town.stage.stores.audit.page(0, 10_000)) == before


RACES = 30


def test_of_two_who_accept_a_repair_at_once_one_does(stores):
    bench = begun(stores)
    with stores.change(Event("test:begun", "module", "community", told=False)) as change:
        zeros = dict.fromkeys(("user_id", "staff_id", "admin_id", "repairer", "score", "created"), 0)
        for _ in range(RACES):
            change.tables.rows(insert(repairs), room_id=1, progress=1, cancelled=False, **zeros)
    receive = next(call for call in built(MODULE, bench, CommunitySettings()).calls if call.name == "receive")

    won, lost = raced(
        RACES, {who: lambda number, who=who: receive(caller(who, COMPANY), Step(number)) for who in (FANG, GU)}
    )

    assert sorted(number for number, _ in won) == list(range(1, RACES + 1))
    assert len(lost) == RACES
    assert {outcome for _, outcome in lost} == {OUT_OF_TURN}
    kept = {row.id: row.repairer for row in stores.tables.rows(select(repairs))}
    assert kept == dict(won)
