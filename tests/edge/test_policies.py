"""What was said about a client holds on every call: weak forms, ends, addresses, routes; told in headers, counted."""

import json
from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest

from lingpai.composition import declarations
from lingpai.edge.call import Request
from lingpai.edge.carriers import Header, Query
from lingpai.edge.checks.permitted import Permitted
from lingpai.edge.contract import Contract
from lingpai.edge.pipeline import begun
from lingpai.edge.schemes.opaque import Opaque
from lingpai.edge.steps import Admitted, BuiltIn, Found, Identified, Performed, Proved, Routed
from lingpai.operations.rotate_secret import RotateSecret, SecretRotation
from lingpai.vocabulary.outcomes import Outcome
from lingpai.vocabulary.policies import FREE, WeakForm
from lingpai.vocabulary.settings import SettingRefused, Settings
from tests.conformance.stage import Stage
from tests.conformance.transcripts import api_token

NOON = 1_387_339_200_000
"""2013-12-18 12:00 in Shanghai."""

SUNSET = "Thu, 19 Dec 2013 16:00:00 GMT"
"""2013-12-20 00:00 in Shanghai."""

REMOTE = ("X-Forwarded-For", "203.0.113.9")
"""Whoever tells of a proxy is not local, so plain HTTP counts."""


def stage_of(name):
    stage = Stage(name)
    stage.now = NOON
    stage.user("mei", "correct horse battery")
    return stage


class Twokeys:
    """A client app and a user of it."""

    def __init__(self, **contract):
        self.stage = stage_of("twokeys")
        if contract:
            self.stage.settings["contracts"] = {"twokeys": contract}
            self.stage._build()
        self.stage.client("app", "k3y-Of-20-chars-long")
        body = self.post("/twokeys/api/login/login", "username=mei&password=correct+horse+battery")[2]
        self.user_id, self.token = body["data"]["user_id"], body["data"]["user_token"]

    def say(self, *words):
        self.stage.operator(*words)

    def post(self, path, form, *headers, query="", signed=None):
        target = f"{path}?client_id=app{query}"
        target += f"&api_token={signed or api_token('', target, self.stage)}"
        status, head, body = self.stage.answer("POST", target, list(headers), form)
        return status, head, json.loads(body)

    def oneself(self, *headers, in_query=False, signed=None):
        members = f"user_id={self.user_id}&user_token={self.token}"
        query, form = (f"&{members}", "") if in_query else ("", members)
        _, head, body = self.post("/twokeys/api/user/info", form, *headers, query=query, signed=signed)
        return body["msg"], head

    def counted(self):
        return {(use.form, use.uses, use.refused) for use in self.stage.stores.weak_uses.since("")}


# A form is on, off, or ends.


def test_a_weak_form_is_on_and_nothing_is_told_of_it_until_somebody_says_otherwise():
    app = Twokeys()

    said, headers = app.oneself(in_query=True)

    assert said == "操作成功"
    assert not {"deprecation", "sunset"} & set(headers)
    assert app.stage.stores.clients.by_id("app").policies is FREE


@pytest.mark.parametrize(
    ("form", "where", "answer"),
    [
        ("query-token", {"in_query": True}, "access deny"),
        ("day-md5", {}, "access deny"),
        ("plain-http", {"headers": [REMOTE]}, "无权访问"),
    ],
)
def test_a_form_that_is_off_ends_the_call_and_any_other_way_goes_on(form, where, answer):
    app = Twokeys()
    headers = where.get("headers", [])
    assert app.oneself(*headers, in_query="in_query" in where)[0] == "操作成功"

    app.say("policy", "app", form, "off")
    other = "query-token" if form != "query-token" else "plain-http"

    assert app.oneself(*headers, in_query="in_query" in where)[0] == answer
    app.say("policy", "app", form, "on")
    app.say("policy", "app", other, "off")
    assert app.oneself(*headers, in_query="in_query" in where)[0] == "操作成功"


def test_a_form_that_ends_is_announced_with_every_use_and_off_from_that_very_moment():
    app = Twokeys()
    app.say("policy", "app", "query-token", "2013-12-18T13:00")

    unused = app.oneself()
    app.stage.now += 3_600_000 - 1
    before = app.oneself(in_query=True)
    app.stage.now += 1
    after = app.oneself(in_query=True)

    assert (unused[0], "sunset" in unused[1]) == ("操作成功", False)
    assert (before[0], after[0], app.oneself()[0]) == ("操作成功", "access deny", "操作成功")
    assert {head["sunset"] for _, head in (before, after)} == {"Wed, 18 Dec 2013 05:00:00 GMT"}
    assert {head["deprecation"] for _, head in (before, after)} == {f"@{NOON // 1000}"}


def test_what_ends_first_is_what_is_told():
    app = Twokeys()
    app.say("policy", "app", "day-md5", "2013-12-25")
    app.stage.now += 1000
    app.say("policy", "app", "query-token", "2013-12-20")

    head = app.oneself(in_query=True)[1]

    assert (head["sunset"], head["deprecation"]) == (SUNSET, f"@{NOON // 1000 + 1}")


def test_an_end_in_the_past_is_never_deprecated_later_than_it_ended():
    app = Twokeys()
    app.say("policy", "app", "query-token", "2013-12-01")

    head = app.oneself(in_query=True)[1]

    assert head["sunset"] == "Sat, 30 Nov 2013 16:00:00 GMT"
    assert head["deprecation"] == f"@{int(parsedate_to_datetime(head['sunset']).timestamp())}"


def test_an_old_secret_is_a_weak_form_that_ends_by_itself():
    app = Twokeys()
    app.stage.now -= 1000
    rotate = RotateSecret(app.stage.stores, app.stage._keys, lambda: app.stage.now, app.stage.random)
    rotate("operator", SecretRotation("app", old_end=NOON + 3_600_000))
    app.stage.now += 1000

    said, head = app.oneself()
    app.say("policy", "app", "old-secret", "off")

    assert said == "操作成功"
    assert (head["sunset"], head["deprecation"]) == ("Wed, 18 Dec 2013 05:00:00 GMT", f"@{NOON // 1000 - 1}")
    assert app.oneself()[0] == "access deny"
    assert ("old-secret", 2, 1) in app.counted()


def test_pages_may_read_what_is_announced():
    app = Twokeys()
    app.say("policy", "app", "day-md5", "2013-12-20")

    exposed = app.oneself(("Origin", "http://localhost:5173"))[1]["access-control-expose-headers"]

    assert {"Deprecation", "Sunset"} <= set(exposed.split(", "))


def test_whoever_has_proved_nothing_is_told_nothing_and_counts_nothing():
    app = Twokeys()
    before = app.counted()
    app.say("policy", "app", "day-md5", "2013-12-20")
    app.say("addresses", "app", "10.0.0.0/8")

    said, head = app.oneself(signed="0" * 32)

    assert said == "access deny"
    assert "sunset" not in head
    assert app.counted() == before


def test_a_contract_that_ends_is_announced_and_then_over_for_its_client_alone():
    app = Twokeys()
    app.stage.client("other", "k3y-Of-20-chars-long")
    app.say("policy", "app", "twokeys", "2013-12-18T13:00")

    said, head = app.oneself()
    app.stage.now += 3_600_000
    over, told = app.oneself()

    assert (said, head["sunset"]) == ("操作成功", "Wed, 18 Dec 2013 05:00:00 GMT")
    assert (over, "sunset" in told) == ("access deny", False)  # the client is refused before it has proved anything
    target = f"/twokeys/api/notice/list?client_id=other&api_token={api_token('', '/x/api/notice/list', app.stage)}"
    assert json.loads(app.stage.answer("GET", target, [], "")[2])["code"] == 1


def test_a_refused_call_changes_nothing():
    app = Twokeys()
    app.say("policy", "app", "query-token", "off")
    query = f"&user_id={app.user_id}&user_token={app.token}"

    app.post("/twokeys/api/notice/add", "title=t&content=c", query=query)
    app.post("/twokeys/api/login/logout", "", query=query)

    assert app.stage.stores.notices.page(1, 9) == []
    assert app.oneself()[0] == "操作成功"


# What the settings say holds where nothing was said about the client.


def test_of_a_bad_credential_and_a_bad_connection_the_credential_is_heard_first():
    app = Twokeys()
    app.say("policy", "app", "plain-http", "off")
    assert app.oneself(REMOTE)[0] == "无权访问"

    app.say("policy", "app", "day-md5", "off")

    assert app.oneself(REMOTE)[0] == "access deny"


def test_a_token_in_the_body_is_none_in_the_query():
    stage = stage_of("mowork")
    common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1"}
    body = json.dumps({**common, "requestParam": {"username": "mei", "password": "correct horse battery"}})
    granted = json.loads(stage.answer("POST", "/mowork/user/login", [], body)[2])["responseParam"]
    stage.operator("policy", "mowork:pc", "query-token", "off")
    members = {**common, "req_timestamp": granted["timestamp"], "user_token": granted["token"]}
    body = json.dumps({**members, "requestParam": {"username": "mei"}})

    assert stage.answer("POST", "/mowork/user/checktoken", [], body)[0] == 200
    assert stage.answer("POST", f"/mowork/user/checktoken?user_token={granted['token']}", [], body)[0] == 403


def test_a_setting_switches_a_form_off_for_all_and_a_client_may_still_be_let():
    app = Twokeys(weak={"query_token": "off", "plain-http": "2013-12-20"})

    assert app.oneself(in_query=True)[0] == "access deny"
    head = app.oneself(REMOTE)[1]
    assert (head["sunset"], head["deprecation"]) == (SUNSET, "@1387468800")
    app.say("policy", "app", "query-token", "on")
    assert app.oneself(in_query=True)[0] == "操作成功"
    app.say("policy", "app", "query-token", "unsaid")
    assert app.oneself(in_query=True)[0] == "access deny"


@pytest.mark.parametrize(
    ("weak", "complaint"),
    [
        ({"day-md5": "off"}, r"\[contracts\.oppmg\.weak\] day-md5 is unknown"),
        ({"plain-http": "tomorrow"}, r"\[contracts\.oppmg\.weak\] plain-http must be on, off, or the date"),
        ({"plain-http": True}, "must be on, off, or the date"),
    ],
)
def test_a_setting_for_a_form_that_the_contract_has_not_or_that_says_nothing_is_refused(weak, complaint):
    stage = Stage("oppmg")
    stage.settings["contracts"] = {"oppmg": {"weak": weak}}

    with pytest.raises(SettingRefused, match=complaint):
        stage._build()


# Addresses and routes.


def test_a_client_with_addresses_may_call_from_these_alone():
    app = Twokeys()
    app.say("addresses", "app", "127.0.0.0/8", "2001:db8::/32")
    assert app.oneself()[0] == "操作成功"

    app.say("addresses", "app", "10.0.0.0/8", "2001:db8::/32")

    assert app.oneself()[0] == "无权访问"
    app.say("addresses", "app")
    assert app.oneself()[0] == "操作成功"
    assert app.stage.stores.clients.by_id("app").policies is FREE


@pytest.mark.parametrize(
    ("routes", "answers"),
    [
        (["notice.list", "account.describe_self"], ("操作成功", "无权访问")),
        (["notice.*", "/api/user/*"], ("操作成功", "操作成功")),
        (["account.*"], ("操作成功", "无权访问")),
        (["notice.add"], ("无权访问", "操作成功")),
    ],
)
def test_a_client_with_routes_may_call_these_alone(routes, answers):
    app = Twokeys()
    app.say("routes", "app", *routes)

    form = f"user_id={app.user_id}&user_token={app.token}&title=t&content=c"

    assert (app.oneself()[0], app.post("/twokeys/api/notice/add", form)[2]["msg"]) == answers


def test_a_built_in_client_is_a_client_like_any_other():
    stage = stage_of("thinkjs")
    sign_in = '{"username":"mei","password":"correct horse battery"}'

    def answer(*headers):
        return json.loads(stage.answer("POST", "/thinkjs/api/system/token/create", list(headers), sign_in)[2])["errmsg"]

    assert answer(REMOTE) == ""
    stage.operator("policy", "thinkjs:unknown", "plain-http", "off")
    assert (answer(REMOTE), answer()) == ("无权访问", "")
    stage.operator("policy", "thinkjs:unknown", "thinkjs", "off")
    assert answer() == "无权访问"


def test_under_latest_a_refused_call_does_not_spend_the_time_that_it_showed():
    stage = stage_of("mowork")
    stage.settings["contracts"] = {"mowork": {"timestamp": "latest"}}
    stage._build()
    common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1"}
    body = json.dumps({**common, "requestParam": {"username": "mei", "password": "correct horse battery"}})
    granted = json.loads(stage.answer("POST", "/mowork/user/login", [], body)[2])["responseParam"]
    stage.operator("policy", "mowork:pc", "query-token", "off")
    members = {**common, "req_timestamp": granted["timestamp"], "username": "mei"}
    query = "&".join(f"{name}={value}".replace(" ", "%20") for name, value in members.items())
    token = granted["token"]

    refused = stage.answer("GET", f"/mowork/user/checktoken?{query}&user_token={token}", [], "")
    served = stage.answer("GET", f"/mowork/user/checktoken?{query}", [("X-Token", token)], "")

    assert (refused[0], served[0]) == (403, 200)


# What is counted.


def test_every_use_of_a_known_client_is_counted_and_so_is_what_was_refused():
    app = Twokeys()  # one sign-in, signed over the day
    app.oneself(in_query=True)
    app.oneself(REMOTE)
    app.say("policy", "app", "query-token", "off")
    app.oneself(in_query=True)

    assert app.counted() == {("day-md5", 4, 0), ("query-token", 2, 1), ("plain-http", 1, 0)}
    (use,) = [use for use in app.stage.stores.weak_uses.since("") if use.form == "plain-http"]
    assert (use.day, use.client_id, use.contract, use.last) == ("2013-12-18", "app", "twokeys", NOON)
    assert app.stage.house.weak_uses.totals()["app", "twokeys", "query-token"] == 2


# A contract that would act before it has judged is not built.


def contract() -> Contract:
    return Stage("mowork").house.served["mowork"].contract


TOKEN = Opaque(pattern=".+")
USER = (Identified((Header("X-Token"), Query("t", weak=WeakForm.QUERY_TOKEN)), TOKEN), Found(TOKEN), Admitted())


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ((Routed(), Proved(), BuiltIn(), Performed()), "Performed acts before the policies are judged"),
        ((Routed(), Permitted(), BuiltIn(), Performed()), "Permitted stands before the client is known"),
        ((Routed(), BuiltIn(), Permitted(), *USER, Performed()), "Performed acts before the policies are judged"),
    ],
)
def test_a_contract_that_would_act_before_it_has_judged_is_not_built(steps, complaint):
    routes = tuple(replace(route, proofs=()) for route in contract().routes[:1])

    with pytest.raises(ValueError, match=f"mowork: /user/login: {complaint}"):
        replace(contract(), steps=steps, routes=routes, modules=())


def test_a_call_of_nobody_known_is_not_judged_at_all():
    house = Stage("mowork").house
    call = begun(house.served["mowork"].contract, Request("GET", "/"), house.shell.desks.asking)

    with pytest.raises(ValueError, match="no client whose policies could be judged"):
        Permitted()(call)


def test_a_time_that_is_spent_is_spent_after_the_judgement():
    route = next(route for route in contract().routes if route.path == "/user/getinfo")
    proofs = tuple(proof for proof in route.proofs if not isinstance(proof, Permitted))

    with pytest.raises(ValueError, match="mowork: /user/getinfo: TimeWithin acts before the policies are judged"):
        replace(contract(), routes=(replace(route, proofs=proofs),), modules=())


def test_a_pair_is_renewed_after_the_judgement():
    oppmg = Stage("oppmg").house.served["oppmg"].contract
    routed, built_in, permitted, proved, performed = oppmg.steps

    with pytest.raises(ValueError, match="oppmg: /v1/auth/change_company: AccessShown acts before the policies"):
        replace(oppmg, steps=(routed, built_in, proved, permitted, performed))


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("mowork", {"query-token", "plain-http"}),
        ("oppmg", {"plain-http"}),
        ("twokeys", {"query-token", "day-md5", "id-day-md5", "old-secret", "plain-http"}),
        ("zhiyun", {"query-token", "old-secret", "plain-http"}),
        ("thinkjs", {"plain-http"}),
    ],
)
def test_a_contract_lists_the_weak_forms_that_its_parts_declare(name, forms):
    assert Stage(name).house.served[name].contract.weak_forms() == forms


@pytest.mark.parametrize("name", sorted(declarations(Settings())))
def test_every_contract_can_say_what_a_policy_refuses(name):
    assert {Outcome.CREDENTIALS_BAD, Outcome.NOT_ALLOWED} <= set(Stage(name).house.served[name].contract.codes)
