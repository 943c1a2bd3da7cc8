"""What a transcript cannot say of an auth code: that a user who changes companies is described as they were."""

import json
from dataclasses import replace

import pytest

from lingpai.edge.call import Request
from lingpai.edge.checks.shapes import WellShaped
from lingpai.edge.pipeline import serve
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Outcome
from tests.conformance.stage import Stage, basic

TOKEN = "2150123456789abcdef0123456789abcdef"
TIME = "t_=1767225600000&p_=2345"
HEADERS = [("Authorization", basic("3000000001", "PartnerSecret016"))]


@pytest.fixture
def stage():
    stage = Stage("zhiyun")
    stage.company("山海科技")
    stage.company("蓝天物业")
    stage.user("mei", "correct horse", "company=1", "admin=2")
    stage.client("2000000001", "DesktopSecret016", "desktop=yes")
    stage.client("3000000001", "PartnerSecret016", "scope=basic full")
    stage.session("mei", TOKEN, "2000000001")
    return stage


def asked(stage: Stage, path: str, more: str = "") -> dict:
    target = f"/zhiyun/apis/rest/{path}/json?access_token={TOKEN}&client_id=3000000001&{TIME}{more}"
    status, _, body = stage.answer("GET", target, HEADERS, "")
    assert status == 200
    return json.loads(body)


def works_in(stage: Stage, company_id: int) -> None:
    with stage.stores.change(Event("user:moved", "user", "1")) as change:
        change.accounts.set_company(1, company_id)


def test_a_code_speaks_for_the_company_that_was_current_when_it_was_made(stage):
    code = asked(stage, "authService/authorize")["data"]["auth_code"]
    works_in(stage, 2)

    company = asked(stage, "companyService/getCompanyInfo", f"&auth_code={code}")
    user = asked(stage, "userService/getUserInfo", f"&auth_code={code}")

    assert company["data"]["company_name"] == "山海科技"
    assert user["data"]["is_admin"] == "0"


def test_the_next_code_speaks_for_the_company_of_now(stage):
    works_in(stage, 2)
    code = asked(stage, "authService/authorize")["data"]["auth_code"]

    company = asked(stage, "companyService/getCompanyInfo", f"&auth_code={code}")
    user = asked(stage, "userService/getUserInfo", f"&auth_code={code}")

    assert company["data"]["company_name"] == "蓝天物业"
    assert user["data"]["is_admin"] == "1"


def test_a_second_read_of_oneself_is_answered_from_memory(stage):
    code = asked(stage, "authService/authorize")["data"]["auth_code"]
    first = asked(stage, "userService/getUserInfo", f"&auth_code={code}")
    stage.tables.fault = "bug"

    assert asked(stage, "userService/getUserInfo", f"&auth_code={code}") == first


def test_no_code_is_an_unknown_one_in_a_house_that_asks_nothing_of_its_shape(stage):
    contract = stage.house.served["zhiyun"].contract
    routes = [
        replace(route, proofs=tuple(proof for proof in route.proofs if not isinstance(proof, WellShaped)))
        for route in contract.routes
    ]
    query = f"access_token={TOKEN}&client_id=3000000001&{TIME}".encode()
    headers = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS)
    request = Request("GET", "/apis/rest/userService/getUserInfo/json", query, headers)

    answer = serve(replace(contract, routes=tuple(routes)), request, stage.house.shell.desks.asking)

    assert answer.refusal is not None
    assert answer.refusal.outcome is Outcome.CODE_UNKNOWN
