"""A guard that asks a node over HTTP: no question for who is remembered, and no belief beyond the lease."""

import re
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace

import msgspec
import pytest

from lingpai.bridges.guard import Guard
from lingpai.bridges.node import Node
from lingpai.bridges.proofs import CLIENT_SECONDS
from lingpai.composition import open_house
from lingpai.principals.remembered import LEASE_SECONDS, ticks_while_asleep
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.values import Sighting
from tests.forward.conftest import CONTRACTS, pair_of, signed_in
from tests.forward.test_guard import Visit, shop


@contextmanager
def following(url, contract, lingpai):
    node = Node(url, contract=contract, service="shop", token=lingpai.token)
    node.start()
    try:
        yield node
    finally:
        node.stop()


@pytest.fixture
def guarded(lingpai, request):
    """Return how to visit a shop whose guard asks the node, and that guard's office."""
    with following(lingpai.people.base_url, request.param, lingpai) as node:
        yield Visit(Guard(shop(), office=node, wrap=False)), node


each_contract = pytest.mark.parametrize(("guarded", "contract"), [(c, c) for c in CONTRACTS], indirect=["guarded"])
oppmg = pytest.mark.parametrize("guarded", ["oppmg"], indirect=True)
thinkjs = pytest.mark.parametrize("guarded", ["thinkjs"], indirect=True)


def a_moment_later(call, number):
    """Return the same call as its client would make it a little later: with what changes in every call."""
    moment = time.time_ns() // 1_000_000 + number
    target = re.sub(r"t_=\d+&p_=\d+", f"t_={moment}&p_={moment % 10000 * 3 + 2345}", call.target)
    target = re.sub(r"%3A\d{3}(?=&|$)", f"%3A{number:03}", target)
    return replace(call, target=target)


@each_contract
@pytest.mark.parametrize("in_body", [False, True])
def test_the_node_is_asked_once_and_not_for_every_call(guarded, contract, in_body, lingpai):
    visit, node = guarded
    call = signed_in(lingpai, contract, in_body=in_body)
    for number in range(20):
        again = a_moment_later(call, number)
        status, _, body = visit(again.target, *again.lines, method=again.method, body=again.body)
        assert status == 200, body
        assert msgspec.json.decode(body)["for"] == lingpai.people.user.name

    assert node.asked == 1


@each_contract
def test_a_refusal_is_the_nodes(guarded, contract, lingpai):
    visit, node = guarded

    status, headers, body = visit("/api/order/list", "Accept-Language: en")

    assert b'"for"' not in body
    assert "json" in headers["content-type"]
    assert status in (200, 401, 403)
    assert node.asked == 1


@thinkjs
def test_a_session_that_is_ended_at_the_node_is_refused_within_the_lease(guarded, lingpai):
    visit, _ = guarded
    for _ in range(3):
        call = signed_in(lingpai, "thinkjs")
        assert visit(call.target, *call.lines)[0] == 200
        assert visit(call.target, *call.lines)[0] == 200

        token = call.lines[0].removeprefix("Authorization: ")
        lingpai.call("POST", "/thinkjs/api/system/token/delete", Authorization=token)
        ended = time.monotonic()
        while (asked := time.monotonic()) and visit(call.target, *call.lines)[0] == 200:
            assert asked - ended <= LEASE_SECONDS
        assert visit(call.target, *call.lines)[0] == 401


@thinkjs
def test_bytes_that_were_not_proved_are_asked_about(guarded, lingpai):
    visit, node = guarded
    call = signed_in(lingpai, "thinkjs")
    assert visit(call.target, *call.lines)[0] == 200
    line = call.lines[0]
    forged = line[:-3] + ("AAA" if line[-3:] != "AAA" else "BBB")

    assert visit(call.target, forged)[0] == 401
    assert node.asked == 2
    assert visit(call.target, forged)[0] == 401
    assert node.asked == 3


@oppmg
def test_an_expired_pair_is_renewed_by_the_node(guarded, expired_pair):
    visit, _ = guarded
    pair, ages = expired_pair
    lines = (f"x-mmm-accesstoken: {pair['access_token']}", f"x-mmm-refreshtoken: {pair['refresh_token']}")

    _, _, body = visit("/v1/order/list", *lines)

    renewed = msgspec.json.decode(body)
    assert renewed["code"] == "10026"
    assert ages(pair) == 2
    assert visit("/v1/order/list", f"x-mmm-accesstoken: {renewed['data']['access_token']}")[0] == 200


class Line:
    """A port that passes bytes on to *port* until it is cut."""

    def __init__(self, port):
        self._to = port
        self._ends = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, server = self._listener.accept()[0], socket.create_connection(("127.0.0.1", self._to))
                self._ends += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source, sink):
        with suppress(OSError):
            while part := source.recv(65536):
                sink.sendall(part)


def test_without_the_node_nobody_is_believed_longer_than_the_lease(lingpai):
    line = Line(lingpai.port)
    with following(f"http://127.0.0.1:{line.port}", "oppmg", lingpai) as node:
        visit = Visit(Guard(shop(), office=node))
        lines = signed_in(lingpai, "oppmg").lines
        assert visit("/v1/order/list", *lines)[0] == 200

        line.cut()
        gone = time.monotonic()
        while (asked := time.monotonic()) and visit("/v1/order/list", *lines)[0] == 200:
            assert asked - gone <= LEASE_SECONDS
        status, _, body = visit("/v1/order/list", *lines)

        assert (status, msgspec.json.decode(body)["code"]) == (503, "99998")
        assert visit("/v1/order/list")[0] == 503


def test_a_wrong_token_or_service_stops_the_start(lingpai):
    for service, token in (("shop", "0" * 64), ("nowhere", lingpai.token)):
        node = Node(lingpai.people.base_url, contract="oppmg", service=service, token=token)
        with pytest.raises(Refused, match="404"):
            node.start()
        node._wire.close()


@oppmg
def test_who_was_seen_by_the_guard_idles_on_at_the_node(guarded, lingpai):
    _, node = guarded
    pair = pair_of(lingpai)
    house = open_house(lingpai.people.data, {})
    session = house.stores.sessions.of_user(lingpai.people.user.user_id)[0]
    assert pair
    assert session.idle_end is not None

    node._sightings.add(Sighting(session.id, session.last_seen + 2, 1, is_urgent=True))
    deadline = time.monotonic() + 10
    while house.stores.sessions.of_user(session.user_id)[0].idle_end == session.idle_end:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    house.stores.close()


def test_nothing_that_a_guard_is_told_holds_a_secret(lingpai):
    """No digest, no password's hash, no client's secret, no invitation."""
    asked = []
    with following(lingpai.people.base_url, "zhiyun", lingpai) as node:
        ask = node._wire.ask

        def heard(question, told, kind):
            asked.append(ask(question, told, msgspec.Raw))
            return msgspec.json.decode(asked[-1], type=kind)

        node._wire.ask = heard
        call = signed_in(lingpai, "zhiyun")
        assert Visit(Guard(shop(), office=node))(call.target, *call.lines)[0] == 200

    text = b"".join(asked).decode()
    assert "argon2" not in text
    assert "secret" not in text
    assert '"token_digest":null' in text
    assert '"password":""' in text


def test_an_apps_proof_is_asked_about_again_after_a_minute(lingpai):
    later = [0.0]

    def ticks():
        return ticks_while_asleep() + later[0]

    node = Node(lingpai.people.base_url, contract="twokeys", service="shop", token=lingpai.token, ticks=ticks)
    node.start()
    visit = Visit(Guard(shop(), office=node))
    call = signed_in(lingpai, "twokeys")
    assert visit(call.target)[0] == visit(call.target)[0] == 200
    assert node.asked == 1

    later[0] = CLIENT_SECONDS
    node._follower.poll()
    assert visit(call.target)[0] == 200
    node.stop()

    assert node.asked == 2
