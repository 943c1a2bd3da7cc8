"""What a transcript cannot say of answers that the caller has already."""

import json

import pytest

from tests.conformance.stage import Stage, basic

TOKEN = "2150123456789abcdef0123456789abcdef"
AUTHORIZATION = ("Authorization", basic("3000000001", "PartnerSecret016"))


@pytest.fixture
def stage():
    stage = Stage("zhiyun")
    stage.user("mei", "correct horse")
    stage.client("2000000001", "DesktopSecret016", "desktop=yes")
    stage.client("3000000001", "PartnerSecret016", "scope=basic")
    stage.session("mei", TOKEN, "2000000001")
    return stage


def asked(stage, path, *headers, more=""):
    members = f"access_token={TOKEN}&client_id=3000000001&t_=1767225600000&p_=2345{more}"
    _, headers, body = stage.answer("GET", f"/zhiyun/apis/rest/{path}/json?{members}", [AUTHORIZATION, *headers], "")
    return json.loads(body), headers


def test_any_answer_is_known_to_a_caller_who_names_all_and_what_does_not_tell_the_time_is_told_all_the_same(stage):
    named_all = ("If-None-Match", "*")

    code, of_code = asked(stage, "authService/authorize", named_all)
    told, of_told = asked(stage, "userService/getUserInfo", named_all, more=f"&auth_code={code['data']['auth_code']}")

    assert (code["code"], "etag" in of_code) == (200, False)
    assert (told["code"], "etag" in of_told) == (304, True)
