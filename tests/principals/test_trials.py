"""How many passwords anybody may try, whom that keeps out, and what it tells."""

import heapq
import secrets
from dataclasses import replace
from itertools import count

import argon2
import pytest
from msgspec import structs
from sqlalchemy import event

from lingpai.composition import House
from lingpai.edge.steps import built_in_id
from lingpai.operations.add_user import AddUser, NewUser
from lingpai.operations.change_password import PasswordChange
from lingpai.operations.forget_tries import ForgetTries
from lingpai.operations.sign_in import NameAndPassword, SignIn
from lingpai.principals.keys import Keyring
from lingpai.principals.passwords.gate import HashingGate
from lingpai.principals.passwords.trials import FIRST, FIRST_OF_SITE
from lingpai.stores.sql.stores import open_sqlite
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import Settings
from lingpai.vocabulary.values import Client, User, Visitor
from tests.operations.meanwhile import Town, refusal

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
DAY = 86_400
NOW = 1_767_225_600_000

HOME, CAFE, OFFICE = "192.0.2.1", "198.51.100.7", "203.0.113.9"


class CountingGate(HashingGate):
    """A gate that counts what it judges."""

    hashed = 0

    def _judge(self, encoded, password):
        self.hashed += 1
        return super()._judge(encoded, password)


class Place(Town):
    """Mei, whose password is `right`, bo who is disabled, and whoever tries, from wherever."""

    def __init__(self):
        super().__init__()
        with self.stores.change(Event("test:set", "user", "1", told=False)) as change:
            change.accounts.set_password(1, CHEAP.hash("right"))
        self.counting = CountingGate(1)
        self.trials = replace(self.trials, gate=self.counting)
        self.sign_in = replace(self.sign_in, trials=self.trials)
        self.change_password = replace(self.change_password, trials=self.trials)

    def attempt(self, address, password="wrong", name="mei", **terms):
        """Return how a sign-in ended, and for how many seconds to wait."""
        visitor = structs.replace(self.visitor(**terms), address=address)
        try:
            self.sign_in(visitor, NameAndPassword(name, password))
        except Refused as refused:
            return refused.outcome, refused.retry_after
        return Outcome.OK, None


WRONG = (Outcome.SIGN_IN_FAILED, None)
RIGHT = (Outcome.OK, None)


def too_soon(seconds):
    return Outcome.TOO_MANY_ATTEMPTS, seconds


@pytest.fixture
def town(monkeypatch):
    monkeypatch.setattr("lingpai.principals.passwords.gate.NOBODYS", CHEAP.hash("nobody"))
    return Place()


def delays(town):
    return [
        (row.subject_id, dict(row.detail)) for row in town.stores.audit.page(0, 10_000) if row.kind == "user:delayed"
    ]


def test_five_tries_cost_nothing_and_then_the_wait_doubles_up_to_a_quarter_of_an_hour(town):
    assert [town.attempt(HOME) for _ in range(5)] == [WRONG] * 5
    for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900):
        assert town.attempt(HOME) == too_soon(seconds)
        town.wait(seconds - 0.001)
        assert town.attempt(HOME) == too_soon(1)
        town.wait(0.001)
        assert town.attempt(HOME) == WRONG


def test_who_is_told_to_wait_costs_no_hash_and_a_right_password_has_to_wait_too(town):
    for _ in range(5):
        town.attempt(HOME)

    assert town.attempt(HOME, "right") == too_soon(1)
    assert town.counting.hashed == 5


def test_a_right_password_clears_the_tries_of_its_network_and_of_no_other(town):
    for _ in range(4):
        town.attempt(HOME)
    for _ in range(5):
        town.attempt(CAFE)

    assert town.attempt(HOME, "right") == RIGHT
    assert [town.attempt(HOME) for _ in range(5)] == [WRONG] * 5
    assert town.attempt(CAFE) == too_soon(1)


def test_strangers_at_hundreds_of_addresses_keep_the_owner_out_neither_at_home_nor_anywhere_new(town):
    assert town.attempt(HOME, "right") == RIGHT
    strangers = [f"10.0.{n // 250}.{n % 250}" for n in range(400)]
    tries = [town.attempt(stranger)[0] for _ in range(10) for stranger in strangers]
    assert tries.count(Outcome.TOO_MANY_ATTEMPTS) > 2000

    assert town.attempt(HOME) == WRONG
    assert town.attempt(HOME, "right") == RIGHT
    for place in (CAFE, "2001:db8::1"):
        assert [town.attempt(place) for _ in range(FIRST - 1)] == [WRONG] * (FIRST - 1)
        assert town.attempt(place, "right") == RIGHT
        # Now it is a place of the owner's, where strangers count for nothing.
        assert [town.attempt(place) for _ in range(5)] == [WRONG] * 5


def test_what_the_owner_mistypes_at_a_new_place_after_the_first_tries_waits_for_strangers_too(town):
    for number in range(20):
        for _ in range(FIRST + 1):
            town.attempt(f"10.0.0.{number}")

    assert [town.attempt(CAFE)[0] for _ in range(FIRST + 1)] == [WRONG[0]] * FIRST + [Outcome.TOO_MANY_ATTEMPTS]


def guesses_of_a_day(town, networks):
    """Return how many guesses are judged in a day of strangers who try again as soon as they may."""
    begin, judged, order = town.now, 0, count()
    waiting = [(begin, next(order), network) for network in networks]
    while waiting[0][0] < begin + DAY * 1000:
        town.now, _, network = heapq.heappop(waiting)
        outcome, seconds = town.attempt(network)
        judged += outcome is Outcome.SIGN_IN_FAILED
        heapq.heappush(waiting, (town.now + (seconds or 0) * 1000, next(order), network))
    return judged


def test_one_stranger_has_109_guesses_in_a_day(town):
    assert guesses_of_a_day(town, [CAFE]) == 109


def test_a_hundred_networks_have_three_guesses_each_in_a_day_and_114_between_them(town):
    judged = guesses_of_a_day(town, [f"10.0.0.{number}" for number in range(100)])

    assert 300 < judged <= 300 + 114


def test_all_addresses_of_a_home_are_one_network_and_those_of_a_site_have_few_first_tries(town):
    assert [town.attempt(f"2001:db8::{number}") for number in range(1, 6)] == [WRONG] * 5
    assert town.attempt("2001:db8::99") == too_soon(1)
    assert town.attempt("::ffff:192.0.2.1") == WRONG
    assert town.stores.tries.find(town.trials.digest("mei"), HOME).count == 1

    for number in range(FIRST_OF_SITE + 20):
        town.attempt(f"2001:db8:1:{number:x}::1")

    assert town.attempt("2001:db8:1:ffff::1")[0] is Outcome.TOO_MANY_ATTEMPTS
    assert town.attempt("2001:db8:2:ffff::1") == WRONG


def test_however_a_name_is_spelt_its_tries_are_one_count(town):
    town.user("wang", "battery", "phone=13900000002", "phone_verified=yes", "email=w@x.cn", "email_verified=yes")
    for spelling in ("13900000002", "+86 139-0000-0002", "１３９00000002", "139 0000 0002", "139-00000002"):
        assert town.attempt(HOME, name=spelling, phone_names=True) == WRONG
    for spelling in ("w@x.cn", "W@X.CN", " w@x.cn", "Ｗ@x.cn", "w@X.cn"):
        town.attempt(HOME, name=spelling)

    assert town.attempt(HOME, name="13900000002") == too_soon(1)
    assert town.attempt(HOME, name="w@x.cn")[0] is Outcome.TOO_MANY_ATTEMPTS
    assert town.attempt(HOME, "battery", name="wang") == RIGHT


def test_an_old_password_is_tried_with_the_same_count(town):
    caller = structs.replace(town.caller(), address=HOME)

    def change(old):
        return refusal(lambda: town.change_password(caller, PasswordChange(old, "tiger lily of 9"))).outcome

    assert [change("wrong") for _ in range(3)] == [Outcome.SIGN_IN_FAILED] * 3
    assert [town.attempt(HOME) for _ in range(2)] == [WRONG] * 2
    assert change("right") is Outcome.TOO_MANY_ATTEMPTS
    town.wait(1)
    town.change_password(caller, PasswordChange("right", "tiger lily of 9"))
    assert town.stores.tries.find(town.trials.digest("mei"), HOME).count == 0


def test_whoever_looks_for_a_new_password_uses_up_no_tries_of_the_old(town):
    caller = structs.replace(town.caller(), address=HOME)
    for new in ("short", "password", "aaaaaaaaaa") * 3:
        refused = refusal(lambda new=new: town.change_password(caller, PasswordChange("right", new)))
        assert refused.outcome is Outcome.PASSWORD_TOO_WEAK

    assert town.counting.hashed == 0
    town.change_password(caller, PasswordChange("right", "tiger lily of 9"))


def test_the_audit_trail_tells_when_a_delay_begins_and_no_more(town):
    for _ in range(4):
        town.attempt(HOME, name="nobody")
    assert delays(town) == []
    for name in ("mei", "nobody"):
        for _ in range(7):
            town.attempt(HOME, name=name)
            town.wait(2)

    begun = {"network": HOME, "tries": 5}
    assert delays(town) == [("1", begun), ("", begun)]


def test_the_audit_trail_tells_when_strangers_begin_to_wait_for_each_other(town):
    for number in range(20):
        for _ in range(FIRST + 1):
            town.attempt(f"10.0.0.{number}")

    assert delays(town) == [("1", {"network": "", "tries": 10})]


def test_a_try_with_which_two_delays_begin_is_told_twice(town):
    for number in range(8):
        for _ in range(FIRST + 1):
            town.attempt(f"10.0.0.{number}")
    assert delays(town) == []
    for _ in range(5):
        town.attempt(HOME)

    assert delays(town) == [("1", {"network": HOME, "tries": 5}), ("1", {"network": "", "tries": 10})]


def test_whoever_finds_the_gate_full_has_not_tried(town):
    with pytest.MonkeyPatch.context() as full:
        full.setattr(town.counting, "_places", type(town.counting._places)(1))
        town.counting._places.acquire()
        assert town.attempt(HOME) == too_soon(2)

    assert town.stores.tries.find(town.trials.digest("mei"), HOME) is None


def test_a_store_that_does_not_answer_lets_nobody_try(town):
    town.counting.hashed = 0
    user = town._user("mei")
    town.fault("store")

    refused = refusal(lambda: town.trials.check("mei", HOME, user, "right"))

    assert (refused.outcome, town.counting.hashed) == (Outcome.STORE_SILENT, 0)


def test_an_operator_forgets_the_tries_of_every_name_of_a_user(town):
    town.user("wang", "battery", "phone=13900000002", "phone_verified=yes", "email=w@x.cn", "email_verified=yes")
    for name in ("wang", "13900000002", "w@x.cn", "mei"):
        for _ in range(5):
            town.attempt(HOME, name=name)

    assert ForgetTries(town.stores, town.trials)("operator", town._user("wang")) == 6
    assert {town.attempt(HOME, name=name) for name in ("wang", "13900000002", "w@x.cn")} == {WRONG}
    assert town.attempt(HOME) == too_soon(1)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return the way to sign in on SQLite, which returns how that ended and every statement that it asked."""
    monkeypatch.setattr("lingpai.principals.passwords.gate.NOBODYS", CHEAP.hash("nobody"))
    stores = open_sqlite(tmp_path / "lingpai.db", lambda: NOW)
    house = House(Settings(), stores, Keyring(stores, bytes(32), lambda: NOW, secrets.token_bytes), lambda: NOW)
    house.prepare()
    for name in ("mei", "bo", "member"):
        user = AddUser(stores, house.clock)("operator", NewUser(User(0, name, "", ""), "right"))
        with stores.change(Event("test:set", "user", "1", told=False)) as change:
            change.accounts.set_password(user.id, CHEAP.hash("right"))
            change.accounts.set_enabled(user.id, enabled=name != "bo")
    statements = []
    event.listen(stores._database._engine, "before_cursor_execute", lambda _c, _u, sql, *_: statements.append(sql))

    def ask(name, password, contract, address=HOME):
        terms = house.served[contract].contract.terms
        client = Client(built_in_id(contract, "unknown" if contract == "oppmg" else "pc"), "")
        visitor = Visitor(terms=terms, client=replace(client, contracts=frozenset({contract})), address=address)
        statements.clear()
        try:
            SignIn(stores, house.trials, house.opening)(visitor, NameAndPassword(name, password))
        except Refused as refused:
            return refused.outcome, tuple(statements)
        return Outcome.OK, tuple(statements)

    yield ask
    stores.close()


def test_nobody_a_wrong_password_a_disabled_user_and_one_shut_out_are_asked_the_same_at_every_try(asked):
    whom = [
        ("nobody", "right", "mowork"),
        ("mei", "wrong", "mowork"),
        ("bo", "right", "mowork"),
        ("member", "right", "oppmg"),
    ]
    for _ in range(8):
        heard = {asked(*who) for who in whom}

        assert len(heard) == 1
    assert asked("mei", "right", "mowork", CAFE)[0] is Outcome.OK


@pytest.mark.parametrize(
    ("time_cost", "memory_cost"), [(1, 8), (2, 19 * 1024), (3, 19 * 1024), (1, 25_000), (4, 1024)], ids=repr
)
def test_a_hash_of_other_parameters_costs_as_much_as_none_once_the_dearest_was_met(monkeypatch, time_cost, memory_cost):
    spent = []
    gate = HashingGate(1)
    dear = argon2.PasswordHasher(time_cost=3, memory_cost=30 * 1024, parallelism=1).hash("dear")
    encoded = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=1).hash("right")
    monkeypatch.setattr(
        "lingpai.principals.passwords.argon2.hash_secret_raw",
        lambda _secret, _salt, time_cost, memory_cost, *_: spent.append(time_cost * memory_cost),
    )
    assert gate.verify(dear, "dear")
    assert gate.verify(encoded, "right")
    own = sum(spent)
    spent.clear()
    assert not gate.verify(None, "right")

    assert time_cost * memory_cost + own == 2 * 19 * 1024 + sum(spent) == 3 * 30 * 1024


def test_what_is_no_hash_costs_as_much_as_one_and_is_never_right(monkeypatch):
    spent = []
    monkeypatch.setattr(
        "lingpai.principals.passwords.argon2.hash_secret_raw",
        lambda _secret, _salt, time_cost, memory_cost, *_: spent.append(time_cost * memory_cost),
    )

    assert not HashingGate(1).verify("plain", "plain")
    assert sum(spent) == 2 * 19 * 1024
