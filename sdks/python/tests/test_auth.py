"""What each contract does beyond one request and one answer."""

import asyncio
import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import httpx2
import pytest
from answering import Answering, query
from lingpai_client import (
    Client,
    LingpaiError,
    Mowork,
    NoAnswer,
    NotAllowed,
    NotThisContract,
    Oppmg,
    Outcome,
    Reason,
    Refused,
    SignInAgain,
    Thinkjs,
    TryLater,
    Twokeys,
    Zhiyun,
)
from lingpai_client.auth import Turn

TWOKEYS: dict[str, Any] = {"client_id": "app", "client_secret": "k3y-Of-20-chars-long"}
ZHIYUN: dict[str, Any] = {"client_id": "1102084294", "client_secret": "aku8hCyXBd9SqYkT"}


def moment(n: int) -> str:
    return f"2026-01-02 03:04:05:{n:03}"


def mowork_says(n: int, code: str = "100000", status: int = 200) -> httpx2.Response:
    granted = {"username": "小明", "token": "T", "timestamp": moment(n), "expire_time": moment(999)}
    told = {"resCode": code, "resMessage": "", "resTimestamp": moment(n), "responseParam": granted}
    return httpx2.Response(status, json=told)


def shown(request: httpx2.Request) -> str | None:
    return json.loads(request.content).get("req_timestamp") if request.content else query(request).get("req_timestamp")


def test_mowork_shows_the_latest_time_that_the_server_told_this_session_and_never_this_machines():
    told = iter([1, 5, 3, 9])
    wire = Answering(lambda request: mowork_says(next(told)))
    with wire.client(Mowork("http://x/mowork", clock=lambda: 0.0)) as client:
        client.sign_in("小明", "x")
        for _ in range(3):
            client.account("check_token")

    assert [shown(request) for request in wire.seen] == [None, moment(1), moment(5), moment(5)]
    assert wire.seen[1].headers["X-Username"] == "%E5%B0%8F%E6%98%8E"


def test_in_mowork_an_answer_that_did_not_go_through_the_check_of_the_time_tells_none():
    answers = iter([mowork_says(1), mowork_says(8, "100503", 503), mowork_says(9, "100404", 404), mowork_says(2)])
    wire = Answering(lambda request: next(answers))
    with wire.client(Mowork("http://x/mowork")) as client:
        client.sign_in("a", "x")
        for _ in range(2):
            with pytest.raises(LingpaiError):
                client.account("check_token")
        client.account("check_token")

    assert [shown(request) for request in wire.seen] == [None, moment(1), moment(1), moment(1)]


@pytest.mark.parametrize("awaited", [False, True])
def test_where_moworks_very_last_time_alone_holds_calls_wait_for_each_other(awaited):
    last = [1]

    def say(request: httpx2.Request) -> httpx2.Response:
        if "X-Token" not in request.headers:
            return mowork_says(last[0])
        if shown(request) != moment(last[0]):
            return mowork_says(last[0], "403", 403)
        time.sleep(0.001)
        last[0] += 1
        return mowork_says(last[0])

    wire, auth = Answering(say), Mowork("http://x/mowork", timestamp="latest")
    with wire.client(auth) as client:
        client.sign_in("a", "x")
        if awaited:

            async def ten():
                async with wire.awaited(auth) as tasks:
                    await asyncio.gather(*(tasks.account("check_token") for _ in range(10)))

            asyncio.run(ten())
        else:
            with ThreadPoolExecutor(10) as threads:
                list(threads.map(lambda _: client.account("check_token"), range(10)))

    assert last == [11]


def test_moworks_business_may_have_a_host_of_its_own_and_no_other_host_hears_a_token():
    wire = Answering(lambda request: mowork_says(1))
    auth = Mowork("https://account.mowork.cn", business_url="https://api.mowork.cn")
    with wire.client(auth) as client:
        client.sign_in("a", "x")
        client.call("notice", "list", {"page": 2})
    with httpx2.Client(auth=auth, transport=wire) as plain:
        for elsewhere in (
            "https://account.mowork.cn.example.com/user/getinfo",
            "http://account.mowork.cn/user/getinfo",
        ):
            plain.get(elsewhere)

    assert [str(request.url.copy_with(query=None)) for request in wire.seen[:2]] == [
        "https://account.mowork.cn/user/login",
        "https://api.mowork.cn/notice/list",
    ]
    assert ["X-Token" in request.headers for request in wire.seen] == [False, True, False, False]


# oppmg


def jwt(kind: str, generation: int, made: int, sid: str = "s") -> str:
    claims = {"iat": made, "sid": sid, "jti": f"{sid}.{kind}{generation}"}
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims, 0)
    )


def pair(generation: int, made: int = 1000) -> dict[str, object]:
    return {
        "access_token": jwt("a", generation, made),
        "expires_in": made + 1800,
        "refresh_token": jwt("r", generation, made),
        "refresh_expires": made + 3600,
    }


def oppmg_says(code: str, data: object) -> httpx2.Response:
    return httpx2.Response(200, json={"code": code, "msg": code, "data": data})


def signed_in(now: float = 1000.0) -> Oppmg:
    auth = Oppmg("http://x/oppmg", clock=lambda: now)
    tokens = auth.kept(pair(1))
    assert tokens
    auth.session.open(tokens, 0)
    return auth


def answered(steps, *answers):
    """Walk through *steps*, answering each request; return what was asked, turns and paths."""
    asked, told = [], iter(answers)
    answer = None
    try:
        while True:
            step = steps.send(answer)
            if isinstance(step, Turn):
                asked.append(step.value)
                answer = step is Turn.TAKE
            else:
                asked.append(step.url.path)
                answer = next(told)
                answer.request = step
    except StopIteration:
        return asked


def test_one_generator_tells_the_whole_way_of_a_call():
    auth = signed_in(now=2_790.0)
    request = httpx2.Request("GET", "http://x/oppmg/v1/user/info")

    asked = answered(auth.steps(request), oppmg_says("00000", pair(2, 2790)), oppmg_says("00000", {}))

    assert asked == ["take", "/oppmg/v1/auth/refresh_token", "leave", "/oppmg/v1/user/info"]


@pytest.mark.parametrize(("now", "renews"), [(2769.0, False), (2770.0, True)])
def test_the_pair_is_renewed_thirty_seconds_before_its_end(now, renews):
    wire = Answering(lambda request: oppmg_says("00000", pair(2, int(now))))
    with wire.client(signed_in(now)) as client:
        client.me()

    assert len(wire.seen) == 1 + renews


def test_10026_brings_the_pair_with_which_the_call_is_made_again_once():
    answers = iter([oppmg_says("10026", pair(2)), oppmg_says("00000", {"uid": 1})])
    wire = Answering(lambda request: next(answers))
    with wire.client(signed_in()) as client:
        assert client.me() == {"uid": 1}

    assert [request.headers["x-mmm-refreshtoken"] for request in wire.seen] == [jwt("r", 1, 1000), jwt("r", 2, 1000)]


def test_10026_without_end_is_an_error_that_holds_no_token():
    wire = Answering(lambda request: oppmg_says("10026", pair(len(wire.seen) + 1)))
    with wire.client(signed_in()) as client, pytest.raises(Refused) as refused:
        client.me()

    assert (len(wire.seen), refused.value.code, refused.value.data) == (3, "10026", None)


def test_10024_ends_the_session_with_its_reason():
    wire = Answering(lambda request: oppmg_says("10024", {"reason": "replaced"}))
    auth = signed_in()
    with wire.client(auth) as client:
        with pytest.raises(SignInAgain) as over:
            client.me()
        assert (over.value.reason, over.value.code, client.signed_in) == (Reason.REPLACED, "10024", False)
        assert auth.session.over is Reason.REPLACED


def test_10024_for_a_pair_that_was_changed_meanwhile_is_asked_again_with_the_new_one():
    auth = signed_in()

    def say(request: httpx2.Request) -> httpx2.Response:
        if request.headers["x-mmm-refreshtoken"] == jwt("r", 1, 1000):
            tokens = auth.kept(pair(2))
            assert tokens
            auth.session.open(tokens, 0)
            return oppmg_says("10024", {"reason": "unknown"})
        return oppmg_says("00000", {"uid": 1})

    with Answering(say).client(auth) as client:
        assert client.me() == {"uid": 1}


def test_a_renewal_that_finds_the_session_over_tells_every_caller_why():
    wire = Answering(lambda request: oppmg_says("10024", {"reason": "kicked_out"}))
    auth = signed_in(2790)

    async def five():
        async with wire.awaited(auth) as client:
            return await asyncio.gather(*(client.me() for _ in range(5)), return_exceptions=True)

    assert [getattr(error, "reason", error) for error in asyncio.run(five())] == [Reason.KICKED_OUT] * 5
    assert len(wire.seen) == 1


def test_while_a_server_is_silent_nobody_waits_for_anothers_time_limit():
    """The renewal is lost, and those who waited go on with what they have: the server has the last word."""
    auth = signed_in(2790)
    lost: list[httpx2.Request] = []

    def say(request: httpx2.Request) -> httpx2.Response:
        if "refresh_token" in request.url.path and not lost:
            lost.append(request)
            raise httpx2.ReadTimeout("silence")
        return oppmg_says("00000", pair(2, 2790))

    async def ten():
        async with httpx2.AsyncClient(auth=auth, transport=Answering(say)) as client:
            asked = (client.get("http://x/oppmg/v1/user/info") for _ in range(10))
            return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(ten())
    assert [type(answer) for answer in answers] == [httpx2.ReadTimeout, *[httpx2.Response] * 9]


def test_a_task_that_is_cancelled_while_it_renews_leaves_its_turn():
    auth = signed_in(2790)
    wire = Answering(lambda request: oppmg_says("00000", pair(2, 2790)))

    class Silent(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await asyncio.sleep(60)

    async def story():
        async with httpx2.AsyncClient(auth=auth, transport=Silent()) as silent:
            call = asyncio.create_task(silent.get("http://x/oppmg/v1/user/info"))
            await asyncio.sleep(0.01)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        async with wire.awaited(auth) as client:
            await asyncio.wait_for(client.me(), 5)

    asyncio.run(story())
    assert len(wire.seen) == 2


def test_a_renewal_has_the_time_limit_and_the_language_of_the_call_that_needs_it():
    wire = Answering(lambda request: oppmg_says("00000", pair(2, 2790)))
    with Client(signed_in(2790), transport=wire, timeout_seconds=7, language="en") as client:
        client.me()

    assert "refresh_token" in wire.seen[0].url.path
    assert {request.extensions["timeout"]["read"] for request in wire.seen} == {7}
    assert {request.headers["Accept-Language"] for request in wire.seen} == {"en"}


def test_a_sign_out_forgets_the_tokens_even_where_no_server_answers():
    def silent(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route")

    with Answering(silent).client(signed_in()) as client:
        with pytest.raises(NoAnswer):
            client.sign_out()
        assert not client.signed_in
        client.sign_out()


def test_a_proxys_page_is_no_answer_of_the_contract_and_a_gateways_says_try_later():
    pages = iter([httpx2.Response(200, text="<html>"), httpx2.Response(502, text="<html>")])
    with Answering(lambda request: next(pages)).client(signed_in()) as client:
        with pytest.raises(NotThisContract, match="check the base URL"):
            client.me()
        with pytest.raises(TryLater):
            client.me()
        assert client.signed_in


def test_a_call_that_a_contract_has_not_is_told_with_those_that_it_has():
    with Answering(lambda request: httpx2.Response(200)).client(signed_in()) as client:
        with pytest.raises(ValueError, match="oppmg has no company: it has sign_in, me"):
            client.account("company")


def test_pages_end_where_nothing_new_comes_and_where_the_answer_says_so():
    same = Answering(lambda request: oppmg_says("00000", {"list": [1, 2]}))
    said = Answering(
        lambda request: oppmg_says(
            "00000", {"list": [[1, 2], [3, 4]][len(said.seen) - 1], "has_more": len(said.seen) < 2}
        )
    )
    with same.client(signed_in()) as client, said.client(signed_in()) as other:
        assert list(client.pages("room", "getlist")) == [1, 2]
        assert list(other.pages("room", "getlist")) == [1, 2, 3, 4]


# twokeys


def twokeys_says(code: int, message: str, data: object = (), **headers: str) -> httpx2.Response:
    return httpx2.Response(200, json={"code": code, "msg": message, "data": data}, headers=headers)


def test_twokeys_counts_the_servers_day_in_shanghai_whatever_this_machines_clock_says():
    right = 1_387_296_000.0

    def say(request: httpx2.Request) -> httpx2.Response:
        good = query(request)["api_token"] == "e6a62314c7261677e392eb1ba4e9a29a"
        date = formatdate(right, usegmt=True)
        return twokeys_says(1, "", {"notices": []}, Date=date) if good else twokeys_says(0, "access deny", Date=date)

    wire = Answering(say)
    with wire.client(Twokeys("http://x/twokeys", **TWOKEYS, clock=lambda: right - 86_400)) as client:
        for _ in range(2):
            client.call("notice", "list", public=True)

    assert len(wire.seen) == 3


def test_twokeys_denied_for_another_reason_than_the_clock_is_not_tried_again():
    wire = Answering(lambda request: twokeys_says(0, "access deny", Date=formatdate(0, usegmt=True)))
    with wire.client(Twokeys("http://x/twokeys", **TWOKEYS, clock=lambda: 0.0)) as client:
        with pytest.raises(Refused) as denied:
            client.call("notice", "list", public=True)

    assert (denied.value.outcome, len(wire.seen)) == (Outcome.CLIENT_REFUSED, 1)


def test_twokeys_one_sentence_means_sign_in_where_no_token_was_shown_and_not_allowed_where_one_was():
    granted = {"user_id": 1, "user_token": "t", "expire_time": 9}
    answers = iter([twokeys_says(0, "无权访问"), twokeys_says(1, "", granted), twokeys_says(0, "无权访问")])
    with Answering(lambda request: next(answers)).client(Twokeys("http://x/twokeys", **TWOKEYS)) as client:
        with pytest.raises(SignInAgain):
            client.me()
        client.sign_in("a", "b")
        with pytest.raises(NotAllowed):
            client.call("notice", "add", {"title": "a", "content": "b"})
        assert client.signed_in


@pytest.mark.parametrize("sent", [{"params": {"page": 2}}, {"data": {"page": 2}}, {"json": {"page": 2}}, {}])
def test_twokeys_user_token_never_stands_in_the_address(sent):
    wire = Answering(lambda request: twokeys_says(1, "", {"user_id": 1, "user_token": "t0ken", "expire_time": 9}))
    auth = Twokeys("http://x/twokeys", **TWOKEYS)
    with httpx2.Client(auth=auth, transport=wire) as client:
        client.post("http://x/twokeys/api/login/login", data={"username": "a", "password": "b"})
        client.request("GET" if "params" in sent else "POST", "http://x/twokeys/api/room/getlist", **sent)

    last = wire.seen[-1]
    assert last.method == "POST"
    assert "t0ken" not in str(last.url)
    assert b"t0ken" in last.content
    assert (b"page" in last.content) == bool(sent)


# zhiyun


def platform(life: float, now: list[float]) -> Answering:
    made: dict[str, float] = {}

    def say(request: httpx2.Request) -> httpx2.Response:
        if "authorize" in request.url.path:
            code = f"code{len(made)}"
            made[code] = now[0]
            return httpx2.Response(200, json={"data": {"auth_code": code}, "code": 200, "message": "ok"})
        if now[0] > made[query(request)["auth_code"]] + life:
            return httpx2.Response(200, json={"code": 100020, "message": "授权码已经过期,请重启授权"})
        return httpx2.Response(200, json={"data": {"username": "li"}, "code": 200, "message": "ok"})

    return Answering(say)


def codes(wire: Answering) -> int:
    return sum("authorize" in request.url.path for request in wire.seen)


def test_zhiyuns_calls_get_one_auth_code_for_many_at_once_and_another_when_it_has_aged():
    now = [1_422_339_152.058]
    wire = platform(30, now)
    auth = Zhiyun("http://x/zhiyun", **ZHIYUN, access_token="9106", clock=lambda: now[0])

    async def many():
        async with wire.awaited(auth) as client:
            await asyncio.gather(*(client.me() for _ in range(10)))
            now[0] += 19
            await client.me()
            assert codes(wire) == 1
            now[0] += 1
            await client.account("company")

    asyncio.run(many())
    assert (codes(wire), len(wire.seen)) == (2, 14)


def test_zhiyuns_code_that_the_server_finds_too_old_is_replaced_and_the_call_made_again():
    now = [1_422_339_152.058]
    wire = platform(5, now)
    with wire.client(Zhiyun("http://x/zhiyun", **ZHIYUN, access_token="9106", clock=lambda: now[0])) as client:
        client.me()
        now[0] += 10
        assert client.me() == {"username": "li"}

    assert codes(wire) == 2


def test_zhiyun_without_a_user_asks_nothing():
    wire = platform(5, [0])
    with wire.client(Zhiyun("http://x/zhiyun", **ZHIYUN)) as client, pytest.raises(SignInAgain):
        client.me()

    assert wire.seen == []


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "200">]><apiResponse><code>&b;</code></apiResponse>',
        '<?xml version="1.0"?><apiResponse><code>200</code>',
        '<?xml version="1.0"?><apiResponse>200</apiResponse>',
        '<?xml version="1.0"?><apiResponse><code>two</code></apiResponse>',
    ],
)
def test_xml_that_zhiyun_never_writes_is_no_answer_of_the_contract(text):
    wire = Answering(lambda request: httpx2.Response(200, text=text))
    with wire.client(Zhiyun("http://x/zhiyun", **ZHIYUN, answers="xml")) as client, pytest.raises(NotThisContract):
        client.call("notice", "list", public=True)


def test_thinkjs_tells_which_arguments_were_bad():
    told = {"errno": 1001, "errmsg": "参数错误", "data": {"title": "不能为空"}}
    with Answering(lambda request: httpx2.Response(200, json=told)).client(Thinkjs("http://x/thinkjs")) as client:
        with pytest.raises(LingpaiError) as bad:
            client.call("notice", "add", {"title": ""})

    assert (bad.value.code, bad.value.data, str(bad.value)) == (1001, {"title": "不能为空"}, "thinkjs 1001: 参数错误")


def test_a_slow_call_cannot_undo_what_a_faster_one_renewed_but_a_newer_pair_wins():
    auth = signed_in()
    first, second, third = (auth.kept(pair(number)) for number in (1, 2, 3))
    assert first
    assert second
    assert third
    auth.session.open(second, 0)

    assert not auth.session.replace(first, first, 0)
    assert auth.session.tokens() == second
    assert auth.session.replace(first, third, 0)
    assert auth.session.tokens() == third
