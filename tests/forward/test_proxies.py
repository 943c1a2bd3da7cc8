"""The proxies' files, run as the pages print them: who is let in, what reaches the client, what reaches the service."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from lingpai.principals.services import read_identity, request_digest
from tests.forward import wire
from tests.forward.conftest import CONTRACTS, fault, run_caddy, run_envoy, run_nginx, signed_in
from tests.forward.hostile import EVIL, OTHER_PATHS, SPELLINGS, hostile, is_identity

RUN = {"nginx": run_nginx, "envoy": run_envoy, "caddy": run_caddy}
NOT_LISTENED_TO = 10


@pytest.fixture(scope="module", params=RUN)
def proxy(request):
    return request.param


@pytest.fixture(scope="module")
def ports(proxy, lingpai, echo, tmp_path_factory):
    """Return the ports of the proxy, one for each contract."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                RUN[proxy](tmp_path_factory.mktemp(name), lingpai.port, lingpai.token, echo.port, name)
            )
            for name in CONTRACTS
        }


def sent(port, call, *lines):
    """Send *call* and return what was heard, and what the service saw of it."""
    name = wire.mark()
    heard = wire.ask(port, call.target, *call.lines, *lines, f"{wire.MARK}: {name}", method=call.method, body=call.body)
    return heard, name


def told(seen, lingpai):
    """Return the claims of the identity that the service was told, once."""
    (identity,) = seen.values("x-lingpai-identity")
    return read_identity(identity, lingpai.key, int(time.time()))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_call_with_its_proofs_reaches_the_service_with_its_caller(contract, ports, lingpai, echo):
    call = signed_in(lingpai, contract)

    heard, name = sent(ports[contract], call)

    assert heard.status == 200, heard
    seen, user = echo.seen[name], lingpai.people.user
    assert seen.line == f"GET {call.target} HTTP/1.1"
    assert seen.values("remote-user") == [quote(user.name)]
    assert seen.values("x-lingpai-user") == [str(user.user_id)]
    assert seen.values("x-lingpai-contract") == [contract]
    claims = told(seen, lingpai)
    assert (claims["uid"], claims["name"], claims["service"]) == (user.user_id, user.name, "shop")
    assert claims["request"] == request_digest("GET", call.target)
    assert [claims["session"]] == seen.values("x-lingpai-session")


@pytest.mark.parametrize("contract", ["mowork", "twokeys", "zhiyun"])
def test_a_proof_in_a_body_that_the_proxy_keeps_is_a_refusal(contract, ports, lingpai, echo):
    heard, name = sent(ports[contract], signed_in(lingpai, contract, in_body=True))

    assert heard.body
    assert b"echo" not in heard.body
    assert name not in echo.seen


def test_what_is_in_a_body_reaches_the_service_whole(ports, lingpai, echo):
    call, name, body = signed_in(lingpai, "oppmg"), wire.mark(), b"\0\xff" * 40_000

    heard = wire.ask(ports["oppmg"], call.target, *call.lines, f"{wire.MARK}: {name}", method="POST", body=body)

    assert heard.status == 200
    assert echo.seen[name].body == body


REFUSALS = {
    "mowork": (403, b'{"resCode":"403"'),
    "oppmg": (200, b'{"code":"10024"'),
    "twokeys": (200, b'{"code":0,"msg":"access deny"'),
    "zhiyun": (200, b'{"code":401,"message"'),
    "thinkjs": (401, '{"errno":401,"errmsg":"请登录以后访问。"'.encode()),
}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_refusal_reaches_the_client_in_the_contracts_words_and_with_its_status(contract, ports, proxy, echo):
    for method in ("GET", "POST", "DELETE"):
        before = echo.requests
        heard = wire.ask(ports[contract], "/api/order/list", "Accept-Language: zh", method=method)

        status, body = REFUSALS[contract]
        assert (heard.status, heard.body[: len(body)]) == (status, body)
        assert "json" in heard.headers["content-type"]
        assert "x-lingpai-asker" not in heard.headers
        assert echo.requests == before


def test_an_expired_access_token_brings_the_new_pair_once_and_it_opens(ports, lingpai, echo, expired_pair):
    pair, ages = expired_pair
    lines = (f"x-mmm-accesstoken: {pair['access_token']}", f"x-mmm-refreshtoken: {pair['refresh_token']}")
    port = ports["oppmg"]

    heard = wire.ask(port, "/v1/order/list", *lines)

    assert (heard.status, heard.json["code"]) == (200, "10026"), heard
    again = wire.ask(port, "/v1/order/list", *lines)
    assert again.body == heard.body
    assert ages(pair) == 2
    fresh = heard.json["data"]["access_token"]
    assert wire.ask(port, "/v1/order/list", f"x-mmm-accesstoken: {fresh}").status == 200


def test_the_reason_of_an_ended_session_reaches_the_client(ports, lingpai):
    call = signed_in(lingpai, "thinkjs")
    assert sent(ports["thinkjs"], call)[0].status == 200
    token = call.lines[0].removeprefix("Authorization: ")
    lingpai.call("POST", "/thinkjs/api/system/token/delete", Authorization=token)

    heard, _ = sent(ports["thinkjs"], call)

    assert (heard.status, heard.headers["x-lingpai-reason"]) == (401, "unknown")


def test_a_page_may_ask_beforehand_and_read_a_refusal(ports):
    origin = "Origin: http://localhost:5173"
    asked = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-mmm-accesstoken")

    beforehand = wire.ask(ports["oppmg"], "/v1/order/list", origin, *asked, method="OPTIONS")
    refused = wire.ask(ports["oppmg"], "/v1/order/list", origin)

    assert beforehand.status == 204
    assert "x-mmm-accesstoken" in beforehand.headers["access-control-allow-headers"]
    for heard in (beforehand, refused):
        assert heard.headers["access-control-allow-origin"] == "http://localhost:5173"


def test_no_identity_of_the_clients_own_reaches_the_service(ports, lingpai, echo):
    """Whoever is let in is told as who they are; whoever is not, does not arrive."""
    mine = {name: signed_in(lingpai, name).lines for name in ("oppmg", "thinkjs")}
    expected = {name: sent(ports[name], signed_in(lingpai, name)) for name in mine}
    honest = {name: dict(echo.seen[marked].headers) for name, (_, marked) in expected.items()}
    tried = arrived = 0
    for number, each in enumerate(hostile()):
        contract = ("oppmg", "thinkjs")[number % 2]
        for lines in (mine[contract], ()):
            name, before = wire.mark(), echo.requests
            wire.ask(ports[contract], each.path, *each.lines, *lines, f"{wire.MARK}: {name}")
            tried += 1
            seen = echo.seen.get(name)
            if not lines:
                assert echo.requests == before, each.told
            if seen is None:
                continue
            arrived += 1
            forged = [(key, value) for key, value in seen.headers if is_identity(key) and EVIL in value]
            assert not forged, each.told
            for key, value in honest[contract].items():
                if key.lower() in ("remote-user", "x-lingpai-user", "x-lingpai-contract", "x-lingpai-company"):
                    assert seen.values(key) == [value], each.told
            assert told(seen, lingpai)["uid"] == lingpai.people.user.user_id, each.told
    print(f"{tried} requests, {arrived} arrived")
    assert tried >= 600
    assert arrived >= 40


@pytest.mark.parametrize("spelling", ["as it is", "lower case", "underscores", "one underscore", "twice", "both ways"])
def test_no_other_path_of_the_clients_reaches_the_service(spelling, ports, lingpai, echo):
    """Some frameworks serve what such a header names; what was judged is the request's own path."""
    for name in OTHER_PATHS:
        _, marked = sent(ports["oppmg"], signed_in(lingpai, "oppmg"), *SPELLINGS[spelling](name))
        assert EVIL not in [value for _, value in echo.seen[marked].headers], name


@pytest.mark.parametrize("kind", ["500", "hangs", "down"])
def test_nothing_reaches_the_service_when_lingpai_fails(kind, proxy, lingpai, echo, tmp_path):
    call, before = signed_in(lingpai, "oppmg"), echo.requests
    quicker = {"5s": "1s"}
    with fault(kind) as port, RUN[proxy](tmp_path, port, lingpai.token, echo.port, **quicker) as mine:
        tries = [each for number, each in enumerate(hostile()) if number % (40 if kind == "hangs" else 4) == 0]

        def attempt(each):
            return wire.ask(mine, each.path, *each.lines, *call.lines).status

        with ThreadPoolExecutor(8) as pool:
            statuses = set(pool.map(attempt, tries))
        plain, _ = sent(mine, call)

    assert statuses <= {0, 400, 404, 503}, statuses
    assert plain.status == 503
    assert plain.json["code"] == "99998"
    assert echo.requests == before


def test_a_proxy_without_the_services_token_lets_nobody_in(proxy, lingpai, echo, tmp_path):
    call, before = signed_in(lingpai, "oppmg"), echo.requests

    with RUN[proxy](tmp_path, lingpai.port, "0" * 64, echo.port) as port:
        heard, _ = sent(port, call)

    assert heard.status in (404, 503)
    assert echo.requests == before
