"""What an operator says of a client from a terminal, and what the terminal tells of who uses what."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lingpai.composition import open_house
from lingpai.vocabulary.policies import FREE, WeakUse

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def client_id(house, lingpai):
    added = lingpai("client", "add", "手机端", "--contract", "twokeys", "--id", "7700000001", "--data", "d", "--json")
    return added.json["client_id"]


@pytest.fixture
def said(house, lingpai):
    """Run a command of `client`, and return the client as it is kept then."""

    def run(*words):
        done = lingpai("client", *words, "--data", "d")
        assert done.code == 0, done.err
        opened = open_house(house, {})
        try:
            return opened.stores.clients.by_id(words[1])
        finally:
            opened.stores.close()

    return run


def test_a_form_is_switched_off_ended_on_a_date_and_left_to_the_settings_again(said, client_id, house):
    off = said("policy", client_id, "query-token", "off").policies.said
    ends = said("policy", client_id, "day-md5", "2099-01-01").policies.said
    left = said("policy", client_id, "query-token", "default").policies.said

    assert off["query-token"].end == 0
    assert ends["day-md5"].end == datetime(2099, 1, 1, tzinfo=SHANGHAI).timestamp() * 1000
    assert set(left) == {"day-md5"}
    assert said("policy", client_id, "day-md5", "default").policies is FREE
    opened = open_house(house, {})
    told = [row for row in opened.stores.audit.page(0, 100) if row.kind == "client:policy-set"]
    opened.stores.close()
    assert [(row.actor, row.detail["policy"], row.detail["is"]) for row in told] == [
        ("operator", "query-token", "off"),
        ("operator", "day-md5", "off"),
        ("operator", "query-token", "unsaid"),
        ("operator", "day-md5", "unsaid"),
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("policy", "7700000001", "oppmg", "off"), "There are: twokeys, day-md5, id-day-md5"),
        (("policy", "7700000001", "day-md5", "soon"), "must be on, off, default, or a date"),
        (("policy", "1", "day-md5", "off"), "there is no client 1"),
        (
            ("addresses", "7700000001", "10.9.0.1/16"),
            "10.9.0.1/16 must be an address or a network, such as 10.9.0.0/16",
        ),
        (("addresses", "7700000001"), "lift the limit with --all"),
        (("routes", "7700000001", "note.*"), "no route is called note.*"),
        (("routes", "7700000001", "notice.*", "--all"), "lift the limit with --all"),
        (("change", "7700000001"), "nothing was named to be changed"),
        (("change", "7700000001", "--language", "fr"), "language must be one of zh, en"),
        (("change", "7700000001", "--contract", "mowork"), "mowork has no client ids"),
    ],
)
@pytest.mark.usefixtures("client_id")
def test_what_cannot_be_said_is_answered_with_what_can(lingpai, words, complaint):
    assert lingpai("client", *words, "--data", "d").is_refused(complaint)


def test_addresses_and_routes_are_named_and_lifted(said, client_id):
    named = said("addresses", client_id, "10.0.0.0/8", "2001:db8::1").policies
    both = said("routes", client_id, "notice.*", "/api/user/*").policies

    assert named.addresses == both.addresses == ("10.0.0.0/8", "2001:db8::1")
    assert both.routes == ("notice.*", "/api/user/*")
    said("addresses", client_id, "--all")
    assert said("routes", client_id, "--all").policies is FREE


def test_what_was_said_at_first_can_be_changed(said, client_id):
    words = ("--name", "新手机端", "--scope", "basic notice", "--language", "en", "--refresh-reuse", "refuse")
    changed = said("change", client_id, *words, "--contract", "twokeys", "--contract", "zhiyun", "--desktop")

    assert (changed.name, changed.scope, changed.language) == ("新手机端", "basic notice", "en")
    assert (changed.refresh_reuse, changed.desktop) == ("refuse", True)
    assert changed.contracts == {"twokeys", "zhiyun"}
    assert said("change", client_id, "--language", "auto", "--no-desktop").language == ""


def test_who_uses_what_is_listed_by_how_much(lingpai, client_id, house):
    opened = open_house(house, {})
    today = datetime.now(SHANGHAI)
    at = int(today.timestamp() * 1000)

    def use(days, uses, form="day-md5", refused=0):
        day = (today - timedelta(days=days)).date().isoformat()
        return WeakUse(day, client_id, "twokeys", form, uses, refused, at - days * 86_400_000)

    opened.stores.weak_uses.add(
        [use(0, 2), use(6, 3), use(7, 10), use(29, 20), use(30, 100), use(1, 4, "plain-http", 1)]
    )
    opened.stores.close()

    table = lingpai("client", "weak", "--data", "d").out
    rows = lingpai("client", "weak", "--data", "d", "--json").json
    lingpai("client", "policy", client_id, "plain-http", "2099-01-01", "--data", "d")
    shown = lingpai("client", "policies", client_id, "--data", "d").out
    told = json.loads(lingpai("client", "policies", client_id, "--data", "d", "--json").out)

    assert [(row["form"], row["uses_7_days"], row["uses_30_days"], row["refused"], row["last"]) for row in rows] == [
        ("day-md5", 5, 35, 0, at),
        ("plain-http", 4, 4, 1, at - 86_400_000),
    ]
    assert table.index("day-md5") < table.index("plain-http")
    assert "手机端" in table
    assert "off from 2099-01-01 00:00" in shown
    assert "addresses: all" in shown
    states = {row["name"]: (row["end"], row["said"], row["uses_7_days"]) for row in told["policies"]}
    assert states["day-md5"] == (None, "", 5)
    assert states["id-day-md5"] == (0, "settings", 0)
    assert states["plain-http"][1:] == ("client", 4)
    assert states["twokeys"] == (None, "", 0)


@pytest.mark.usefixtures("house")
def test_nothing_used_is_said_in_words(lingpai):
    assert "弱写法" in lingpai("client", "weak", "--data", "d", LANG="zh_CN.UTF-8").out
    assert lingpai("client", "weak", "--data", "d", "--json").json == []
