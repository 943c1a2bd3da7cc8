"""What a proxy is answered, whatever a contract says: in process, on a stopped clock."""

import tomllib

import pytest

from lingpai.bridges.forward import ASKER, STATUS
from lingpai.edge.contract import Step
from lingpai.principals.services import asking_token, purpose_of, read_identity
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import SettingRefused
from tests.conformance.stage import Stage
from tests.forward.conftest import CONTRACTS

ALL = {"shop": {"contracts": CONTRACTS}}


def stage_of(contract, forward=ALL, **settings):
    stage = Stage(contract)
    stage.settings = {"forward": forward, "contracts": settings}
    stage._build()
    return stage


class Proxy:
    """Asks as a proxy does."""

    def __init__(self, stage, service="shop", contract=""):
        self.stage, self.path = stage, f"/{contract or stage.name}/{service}"
        self.key = stage.house.keys.accepted(purpose_of(service))[0].value
        self.mine = ((ASKER.decode(), asking_token(self.key)),)

    def ask(self, target="/v1/order/list", *more, method="GET", page="/forward", query="", mine=None):
        named = (("X-Original-Method", method), ("X-Original-URI", target))
        headers = [*(self.mine if mine is None else mine), *named, *more]
        return self.stage.answer("GET", f"{page}{self.path}{query}", headers, "")


class Ends(Step):
    def __init__(self, outcome):
        self.outcome = outcome

    def __call__(self, call):
        if self.outcome is Outcome.TOKENS_RENEWED:
            raise Refused(self.outcome, data={"access_token": "new"})
        raise Refused(self.outcome)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_no_ending_of_any_contract_lets_pass(contract):
    stage = stage_of(contract)
    proxy = Proxy(stage)
    entrance = stage.house.entrances[contract, "shop"]
    heard = set()
    for outcome in entrance.contract.spelling:
        if outcome is Outcome.OK:
            continue
        object.__setattr__(entrance, "steps", (Ends(outcome),))
        row = entrance.contract.spelling[outcome]

        status, headers, body = proxy.ask()

        assert (status, headers[STATUS]) == (401, str(row.status))
        assert body
        assert proxy.ask(query="?only=verdict")[0::2] == (401, b"")
        shown, _, again = proxy.ask(page="/refusal")
        assert shown == row.status
        if contract != "mowork":  # which tells the time in each answer
            assert again == body
        heard.add(outcome)
    assert len(heard) > 10


def sign_in(stage):
    stage.company("山海科技")
    stage.user("mei", "correct horse", "company=1")
    asked = '{"account": "mei", "password": "correct horse"}'
    import json

    _, _, body = stage.answer("POST", "/oppmg/auth/login", [("Content-Type", "application/json")], asked)
    return json.loads(body)["data"]


@pytest.fixture
def office():
    stage = stage_of("oppmg")
    return Proxy(stage), sign_in(stage)


def test_the_service_is_told_who_calls_for_a_minute(office):
    proxy, pair = office

    status, headers, body = proxy.ask("/v1/order/list?page=1", ("x-mmm-accesstoken", pair["access_token"]))

    assert (status, body) == (200, b"")
    assert headers["remote-user"] == "mei"
    now = proxy.stage.now // 1000
    claims = read_identity(headers["x-lingpai-identity"], proxy.key, now + 59)
    assert claims is not None
    assert (claims["uid"], claims["company"], claims["exp"]) == (1, 1, now + 60)
    assert read_identity(headers["x-lingpai-identity"], proxy.key, now + 60) is None
    assert read_identity(headers["x-lingpai-identity"], b"another key of more than 32 bytes", now) is None
    altered = headers["x-lingpai-identity"].replace("1.ey", "1.eX", 1)
    assert read_identity(altered, proxy.key, now) is None


def test_the_key_before_stays_good(office):
    proxy, pair = office
    keys, stage = proxy.stage.house.keys, proxy.stage
    keys.import_key(purpose_of("shop"), b"a new key of the service, 32 byte")

    status, headers, _ = proxy.ask("/", ("x-mmm-accesstoken", pair["access_token"]))

    assert status == 200
    for key in (proxy.key, b"a new key of the service, 32 byte"):
        assert read_identity(headers["x-lingpai-identity"], key, stage.now // 1000)


def test_nobody_else_may_ask(office):
    proxy, pair = office
    shown = ("x-mmm-accesstoken", pair["access_token"])
    (right,) = proxy.mine
    for mine in ((), ((right[0], "0" * 64),), (right, right), ((right[0], proxy.key.hex()),)):
        status, headers, _ = proxy.ask("/", shown, mine=mine)
        assert status == 404
        assert "x-lingpai-identity" not in headers
    proxy.path = "/oppmg/nowhere"
    assert proxy.ask("/", shown)[0] == 404


@pytest.mark.parametrize(
    "more",
    [
        [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/public")],
        [("X-Forwarded-Uri", "/public")],
        [("X-Original-URI", "/public")],
        [("X-Original-Method", "HEAD")],
    ],
)
def test_an_original_request_that_is_named_twice_is_refused(office, more):
    proxy, pair = office

    status, _, body = proxy.ask("/v1/order/list", ("x-mmm-accesstoken", pair["access_token"]), *more)

    assert status == 401
    assert b'"10001"' in body


def test_one_that_is_not_named_is_refused(office):
    proxy, pair = office
    headers = [*proxy.mine, ("x-mmm-accesstoken", pair["access_token"])]

    assert proxy.stage.answer("GET", f"/forward{proxy.path}", headers, "")[0] == 401


def test_a_verdict_hands_out_nothing_and_the_refusal_one_pair_even_without_a_grace():
    stage = stage_of("oppmg", oppmg={"grace_seconds": 0})
    proxy, pair = Proxy(stage), sign_in(stage)
    stage.wait("1802")
    both = (("x-mmm-accesstoken", pair["access_token"]), ("x-mmm-refreshtoken", pair["refresh_token"]))

    for _ in range(3):
        assert proxy.ask("/", *both, query="?only=verdict")[0::2] == (401, b"")
    assert len(stage.tables.rows.generations) == 1
    status, _, body = proxy.ask("/", *both, page="/refusal")

    assert (status, b'"10026"' in body) == (200, True)
    assert len(stage.tables.rows.generations) == 2


def test_what_would_pass_now_is_told_to_come_again(office):
    proxy, pair = office

    status, headers, body = proxy.ask("/", ("x-mmm-accesstoken", pair["access_token"]), page="/refusal")

    assert (status, headers["retry-after"], b'"99998"' in body) == (503, "1", True)


def test_a_caller_who_may_not_is_403_to_the_proxy():
    forward = {"shop": {"contracts": ["oppmg"], "role": "boss"}, "two": {"contracts": ["oppmg"], "company": 2}}
    stage = stage_of("oppmg", forward)
    shown = ("x-mmm-accesstoken", sign_in(stage)["access_token"])

    for service in forward:
        status, headers, body = Proxy(stage, service).ask("/", shown)
        assert (status, headers[STATUS], b'"10009"' in body) == (403, "200", True)


def test_prefix_and_public_paths():
    rules = {"contracts": ["oppmg"], "prefix": "/shop", "public": ["/v1/catalog"]}
    proxy = Proxy(stage_of("oppmg", {"shop": rules}))

    assert proxy.ask("/shop/v1/catalog/7")[0] == 200
    assert "remote-user" not in proxy.ask("/shop/v1/catalog")[1]
    for target in ("/v1/catalog", "/shop", "/shopping/v1/catalog", "/shop/v1/catalogue", "/shop/v1", "/"):
        assert proxy.ask(target)[0] == 401


def test_a_public_call_of_twokeys_still_wants_the_apps_key():
    proxy = Proxy(stage_of("twokeys", {"shop": {"contracts": ["twokeys"], "public": ["/api/news/list"]}}))

    status, _, body = proxy.ask("/api/news/list")

    assert (status, b"access deny" in body) == (401, True)


def test_a_host_of_a_contract_does_not_answer_in_the_place_of_forward_auth(office):
    stage = stage_of("zhiyun", zhiyun={"account_hosts": ["open.example.com"]})
    proxy = Proxy(stage)

    assert proxy.ask("/apis/rest/a/b/json", ("Host", "open.example.com"))[0] == 401


def test_the_path_may_stand_behind_the_question_as_envoy_asks(office):
    proxy, pair = office
    headers = [*proxy.mine, ("x-mmm-accesstoken", pair["access_token"]), ("X-Original-URI", "/public")]
    app = proxy.stage.app

    async def with_raw_path(scope, receive, send):
        await app({**scope, "raw_path": scope["path"].encode()}, receive, send)

    proxy.stage.app = with_raw_path

    status, told, _ = proxy.stage.answer("DELETE", f"/forward{proxy.path}/v1/order?x=1&only=verdict", headers, "")

    claims = read_identity(told["x-lingpai-identity"], proxy.key, proxy.stage.now // 1000)
    direct = proxy.ask("/v1/order?x=1&only=verdict", ("x-mmm-accesstoken", pair["access_token"]), method="DELETE")
    assert status == 200
    assert read_identity(direct[1]["x-lingpai-identity"], proxy.key, proxy.stage.now // 1000) == claims


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[forward.Shop]\ncontracts = ["oppmg"]', "forward.Shop"),
        ("[forward.shop]", "contracts is empty"),
        ('[forward.shop]\ncontracts = ["opmg"]', "oppmg"),
        ('[forward.shop]\ncontracts = ["oppmg"]\nsecond = 1', "seconds"),
        ('[forward.shop]\ncontracts = ["oppmg"]\nseconds = 61', "seconds"),
        ('[forward.shop]\ncontracts = ["oppmg"]\nprefix = "shop/"', "prefix"),
        ('[forward.shop]\ncontracts = ["mowork"]\n[contracts.mowork]\ntimestamp = "latest"', "window"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(toml, words):
    stage = Stage("oppmg")
    stage.settings = tomllib.loads(toml)

    with pytest.raises(SettingRefused, match=words):
        stage._build()
