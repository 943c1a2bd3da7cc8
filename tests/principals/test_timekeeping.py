"""A clock that goes wrong: nothing expired comes alive, nothing is issued by a time that cannot be right."""

import asyncio
import threading
import time

import pytest

from lingpai.app import App
from lingpai.composition import House, open_house
from lingpai.edge.steps import built_in_id
from lingpai.operations.add_user import AddUser, NewUser
from lingpai.operations.open_session import Opening
from lingpai.operations.sign_in import NameAndPassword, SignIn
from lingpai.operations.trust_clock import TrustClock
from lingpai.principals import timekeeping
from lingpai.principals.timekeeping import Timekeeper
from lingpai.stores.memory import Memory
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import User, Visitor
from tests.principals.asking import ask

NOW = 1_767_225_600_000
HOUR = 3_600_000
PASSWORD = "correct horse battery"


class Machine:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def machine():
    return Machine()


def test_the_time_is_the_machines_as_long_as_that_goes_on(machine):
    keeper = Timekeeper(machine)

    assert keeper() == NOW
    machine.now += 5
    assert keeper() == NOW + 5
    assert keeper.behind() == 0


def test_time_stands_still_while_the_machine_is_behind(machine):
    keeper = Timekeeper(machine)
    keeper()

    machine.now -= HOUR
    assert keeper() == NOW
    machine.now += HOUR + 7
    assert keeper() == NOW + 7


def test_what_another_worker_saw_counts_too(machine):
    moments = Memory(machine).moments
    keeper = Timekeeper(machine)
    moments.reach(NOW + 50)

    keeper.keep(moments)

    assert keeper() == NOW + 50
    assert moments.latest() == NOW + 50


def test_the_time_is_kept_every_minute_and_at_the_end(machine, monkeypatch):
    monkeypatch.setattr(timekeeping, "STORE_SECONDS", 0.02)
    moments = Memory(machine).moments
    keeper = Timekeeper(machine)
    keeper.start(moments)
    assert moments.latest() == NOW
    machine.now += 9
    for _ in range(500):
        if moments.latest() == NOW + 9:
            break
        time.sleep(0.01)
    assert moments.latest() == NOW + 9
    machine.now += 1

    keeper.stop()

    assert moments.latest() == NOW + 10


@pytest.mark.parametrize(("back", "issues"), [(0, True), (60, True), (61, False), (3600, False)])
def test_a_clock_more_than_a_minute_back_issues_nothing(machine, back, issues):
    keeper = Timekeeper(machine)
    keeper()
    machine.now -= back * SECOND

    assert keeper.is_right() is issues
    if issues:
        assert keeper.issuing() == NOW
    else:
        with pytest.raises(Refused) as refused:
            keeper.issuing()
        assert (refused.value.outcome, refused.value.retry_after) == (Outcome.STORE_SILENT, back - 59)


# A whole house.


class Opened:
    """The house in a folder, started again whenever it is called."""

    def __init__(self, data, machine):
        self.data = data
        self._machine = machine
        self._houses: list[House] = []

    def __call__(self):
        self.stop()
        self._houses.append(open_house(self.data, {}, clock=self._machine))
        self._houses[0].start()
        return self._houses[0]

    def stop(self):
        while self._houses:
            self._houses.pop().stop()


@pytest.fixture
def opened(tmp_path, machine):
    """Return a house, with a user in it."""
    opened = Opened(tmp_path / "data", machine)
    house = opened()
    AddUser(house.stores, house.clock)("operator", NewUser(User(0, "mei", "", ""), PASSWORD, ()))
    yield opened
    opened.stop()


def sign_in(house):
    client = house.stores.clients.by_id(built_in_id("mowork", "pc"))
    visitor = Visitor(terms=house.served["mowork"].contract.terms, client=client, client_type="pc")
    opening = Opening(house.keys, house.issuing_clock, house.randomness)
    return SignIn(house.stores, house.trials, opening)(visitor, NameAndPassword("mei", PASSWORD)).token


def is_accepted(house, token):
    status, body = ask(house, "/mowork/user/checktoken", token=token, name="mei")
    assert status in (200, 403), body
    return status == 200


@pytest.mark.parametrize("restarts", [False, True], ids=["while running", "over a restart"])
def test_a_clock_set_back_by_an_hour_revives_nothing(opened, machine, restarts):
    house = opened()
    token = sign_in(house)
    assert is_accepted(house, token)
    machine.now += 86_400 * SECOND
    assert not is_accepted(house, token)

    machine.now -= HOUR
    if restarts:
        house = opened()

    assert not is_accepted(house, token)


def test_a_naive_clock_would_revive_it(tmp_path, machine):
    """
    The same with the machine's own time, so that the test above is known to see it.
    """
    made = open_house(tmp_path / "data", {}, clock=machine)
    house = House(made.settings, made.stores, made.keys, machine)
    house.start()
    AddUser(house.stores, machine)("operator", NewUser(User(0, "mei", "", ""), PASSWORD, ()))
    token = sign_in(house)
    machine.now += 86_400 * SECOND
    assert not is_accepted(house, token)
    machine.now -= HOUR

    assert is_accepted(house, token)
    house.stop()


@pytest.mark.parametrize("seconds", [90, -90])
def test_a_clock_that_jumps_by_a_minute_and_a_half_signs_nobody_out(opened, machine, seconds):
    house = opened()
    token = sign_in(house)

    machine.now += seconds * SECOND
    assert is_accepted(house, token)
    house = opened()
    assert is_accepted(house, token)
    machine.now -= seconds * SECOND
    assert is_accepted(house, token)


def test_while_the_clock_is_back_who_signs_in_hears_503_and_readyz_is_red(opened, machine):
    house = opened()
    arguments = {"username": "mei", "password": PASSWORD}
    assert ask(house, "/mowork/user/login", **arguments)[0] == 200
    assert ask(house, "/readyz") == (200, {"status": "ready"})

    machine.now -= HOUR
    status, body = ask(house, "/mowork/user/login", **arguments)

    assert (status, body["resCode"]) == (503, "100503")
    assert ask(house, "/readyz") == (503, {"status": "not ready", "because": ["clock"]})
    assert ask(house, "/healthz")[0] == 200
    machine.now += HOUR
    assert ask(house, "/mowork/user/login", **arguments)[0] == 200
    assert ask(house, "/readyz")[0] == 200


def test_an_operator_who_put_a_clock_right_that_was_ahead_starts_again(opened, machine):
    machine.now += HOUR
    house = opened()
    machine.now -= HOUR
    house = opened()
    assert house.troubles() == ["clock"]

    opened.stop()
    house = open_house(opened.data, {}, clock=machine)
    TrustClock(house.stores)("operator")
    house.stores.close()

    assert opened().troubles() == []


def test_a_store_that_is_silent_turns_readyz_red(opened, machine, monkeypatch):
    house = opened()
    house.follower.stop()
    monkeypatch.setattr(house.remembered, "_ticks", lambda: 10.0**9)

    assert ask(house, "/readyz") == (503, {"status": "not ready", "because": ["feed"]})


def test_however_many_ask_readyz_at_once_the_database_is_asked_once(opened, monkeypatch):
    house = opened()
    app = App(house)
    app.prepare()
    may_answer, asked = threading.Event(), []
    is_migrated = house.stores.is_migrated

    def slow():
        asked.append(may_answer.wait(10))
        return is_migrated()

    monkeypatch.setattr(house.stores, "is_migrated", slow)
    statuses = []

    async def crowd():
        asking = [asyncio.ensure_future(once()) for _ in range(50)]
        await asyncio.sleep(0)
        asking.pop().cancel()
        may_answer.set()
        await asyncio.gather(*asking)
        await once()

    async def receive():
        return {"type": "http.request"}

    async def once():
        async def send(message):
            statuses.append(message.get("status"))

        await app({"type": "http", "method": "GET", "path": "/readyz", "headers": [], "client": None}, receive, send)

    asyncio.run(crowd())

    assert statuses.count(200) == 50
    assert asked == [True, True]
