"""Which contracts a service's callers may come in by, and what they are asked for there: in process."""

import json
import logging
from dataclasses import replace

import pytest

from lingpai.bridges.forward import STATUS
from lingpai.edge.codes import CodeTable
from lingpai.edge.contract import ALWAYS, Step
from lingpai.edge.forwarding import Entrance
from lingpai.edge.steps import Proved
from lingpai.edge.triples import ByTriple
from lingpai.vocabulary.settings import ForwardSettings
from tests.conformance.stage import basic
from tests.forward.test_forward import Proxy, sign_in, stage_of

SHOP = ForwardSettings(contracts=("oppmg",))


def contract_of(stage):
    return stage.house.served[stage.name].contract


@pytest.fixture
def stage():
    return stage_of("oppmg")


def proxy_by(stage, contract):
    """Return a proxy whose service is entered by *contract*, as if the house served it."""
    stage.house.entrances[stage.name, "shop"] = Entrance("shop", contract, SHOP)
    return Proxy(stage)


def code_of(body):
    return json.loads(body)["code"]


def test_a_client_needs_the_scope_that_its_service_asks_for():
    stage = stage_of("oppmg", {"shop": {"contracts": ["oppmg"], "scope": "orders"}})
    shown = ("x-mmm-accesstoken", sign_in(stage)["access_token"])
    proxy = Proxy(stage)

    for scope, passed in (("", False), ("order preorders", False), ("goods orders", True)):
        stage.client("oppmg:unknown", "-", f"scope={scope}")
        status, headers, _ = proxy.ask("/", shown)
        assert (status, "x-lingpai-identity" in headers) == ((200, True) if passed else (403, False))


def test_a_request_that_names_no_call_of_its_contract_is_refused_whoever_makes_it(stage):
    shown = ("x-mmm-accesstoken", sign_in(stage)["access_token"])
    proxy = proxy_by(stage, replace(contract_of(stage), router=ByTriple()))

    for target in ("/v1/order", "/", "/index.php?mod=v1&ctl=order", "/v1/order/list?act=other"):
        status, headers, body = proxy.ask(target, shown)
        assert (status, headers[STATUS], code_of(body)) == (401, "404", "10004")
        assert "x-lingpai-identity" not in headers
    for target in ("/v1/order/list", "/index.php?mod=v1&ctl=order&act=list"):
        assert proxy.ask(target, shown)[0] == 200


@pytest.mark.parametrize("page", ["/forward", "/refusal"])
def test_what_fails_of_ours_lets_nobody_pass_and_is_written_down_with_the_service(stage, caplog, page):
    pair = sign_in(stage)
    proxy = Proxy(stage)
    stage.fault("bug")

    status, headers, body = proxy.ask("/v1/order/hunter2", ("x-mmm-accesstoken", pair["access_token"]), page=page)

    assert status == (401 if page == "/forward" else 500)
    assert (headers.get(STATUS), code_of(body)) == ("500" if page == "/forward" else None, "99999")
    assert "x-lingpai-identity" not in headers
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert line.getMessage() == "oppmg: judging a request for shop failed"
    assert line.request == headers["x-request-id"]
    assert "RuntimeError: the stage planted a bug" in caplog.text
    stage.fault("none")
    assert proxy.ask("/v1/order/list", ("x-mmm-accesstoken", pair["access_token"]))[0] == 200


class AppKnown(Step):
    """An app has proved to be one; who sits before it is not known."""

    def __call__(self, call):
        assert call.client


def test_a_call_that_proves_an_app_and_no_user_is_told_to_sign_in(stage):
    contract = contract_of(stage)
    proxy = proxy_by(stage, replace(contract, business=replace(contract.business, signed_in=(AppKnown(),))))

    status, headers, body = proxy.ask()

    assert (status, headers[STATUS], code_of(body)) == (401, "200", "10024")
    assert "x-lingpai-identity" not in headers


def test_a_contract_that_asks_no_proofs_stands_before_no_service(stage):
    contract = contract_of(stage)

    for unproved in (
        replace(contract, business=replace(contract.business, signed_in=())),
        replace(contract, steps=tuple(step for step in contract.steps if not isinstance(step, Proved))),
    ):
        with pytest.raises(ValueError, match=r"^oppmg asks no proofs of a business call$"):
            Entrance("shop", unproved, SHOP)


def test_a_contract_that_has_no_words_for_who_must_sign_in_stands_before_no_service(stage):
    contract = contract_of(stage)
    reached = ALWAYS.union(*(step.ENDS for step in contract.steps))
    spelt = [(contract.spelling[end], end) for end in contract.spelling if end in reached]
    silent = replace(
        contract,
        routes=(),
        modules=(),
        business=replace(contract.business, signed_in=(AppKnown(),)),
        codes=CodeTable(*((code.status, code.number, code.chinese, code.english, end) for code, end in spelt)),
    )

    with pytest.raises(ValueError, match=r"^oppmg has no row for CREDENTIALS_MISSING$"):
        Entrance("shop", silent, SHOP)


def test_an_auth_code_opens_no_path_that_is_no_service_and_method():
    stage = stage_of("zhiyun")
    token, mine = "2150123456789abcdef0123456789abcdef", ("Authorization", basic("3000000001", "PartnerSecret016"))
    stage.company("山海科技")
    stage.user("mei", "correct horse", "company=1")
    stage.client("2000000001", "DesktopSecret016", "desktop=yes")
    stage.client("3000000001", "PartnerSecret016", "scope=basic full")
    stage.session("mei", token, "2000000001")
    query = f"access_token={token}&client_id=3000000001&t_=1767225600000&p_=2345"
    _, _, body = stage.answer("GET", f"/zhiyun/apis/rest/authService/authorize/json?{query}", [mine], "")
    query += "&auth_code=" + json.loads(body)["data"]["auth_code"]
    proxy = Proxy(stage)

    for path in ("/getUserInfo", "/order", "/apis/rest/userService/getUserInfo", "/x/y/userService/getUserInfo/json"):
        assert proxy.ask(f"{path}?{query}", mine)[0] == 403
    assert proxy.ask(f"/apis/rest/userService/getUserInfo/json?{query}", mine)[0] == 200
