"""
The shell before the contracts, asked by raw sockets of a server in earnest, and by hand where seconds would pass.

The server serves one call from the stores at a time, so that few calls make a crowd.
"""

import asyncio
import json
import os
import selectors
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lingpai.app import App
from lingpai.composition import DATABASE, open_house
from lingpai.edge import asgi
from lingpai.operations.add_company import AddCompany
from lingpai.operations.add_user import AddUser, Joining, NewUser
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import SettingRefused
from lingpai.vocabulary.values import Company, User
from tests.clients.conftest import running
from tests.conformance.stage import Stage

COMMON = {"client_type": "pc", "client_sys_version": "chrome57.0", "api_version": "v1.0"}
NAME, PASSWORD = "李雷", "correct horse battery"
LOGIN = {**COMMON, "requestParam": {"username": NAME, "password": PASSWORD}}


@dataclass(frozen=True)
class Answer:
    """What came back; the names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return json.loads(self.body)["resCode"]


class Connection:
    """One connection, byte for byte."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=15)
        self._file = self.socket.makefile("rb")

    def send(self, *lines: str | bytes, body: bytes = b"") -> None:
        head = b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines)
        self.socket.sendall(head + b"\r\n" + body)

    def answer(self, *, bodiless: bool = False) -> Answer:
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        length = 0 if bodiless else int(headers.get("content-length", "0"))
        return Answer(status, headers, self._file.read(length))

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@dataclass(frozen=True)
class Server:
    """Where it listens, and where it keeps its data."""

    address: tuple[str, int]
    data: Path

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with closing(Connection(self.address)) as connection:
            yield connection

    def ask(self, *lines: str | bytes, body: bytes = b"", bodiless: bool = False) -> Answer:
        with self.connected() as connection:
            connection.send(*lines, body=body)
            return connection.answer(bodiless=bodiless)

    def post(self, path: str, members: object, *headers: str | bytes) -> Answer:
        body = json.dumps(members).encode()
        return self.ask(f"POST {path} HTTP/1.1", HOST, f"Content-Length: {len(body)}", *headers, body=body)


HOST = "Host: 127.0.0.1"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("shell") / "data"
    house = open_house(data, {})
    house.prepare()
    company = AddCompany(house.stores, house.clock)("operator", Company(0, "莫沃科技"))
    user = User(id=0, name=NAME, name_key="", password="")
    AddUser(house.stores, house.clock)("operator", NewUser(user, PASSWORD, (Joining(company.id),)))
    house.stop()
    hosts = {"ACCOUNT_HOSTS": "Account.mowork.cn", "BUSINESS_HOSTS": "api.mowork.cn"}
    settings = {f"LINGPAI_CONTRACTS__MOWORK__{name}": value for name, value in hosts.items()}
    with running(data, LINGPAI_THREADS="1", **settings) as base_url:
        place = urlsplit(base_url)
        yield Server((str(place.hostname), int(place.port or 0)), data)


@pytest.fixture(scope="module")
def token(server) -> str:
    answer = server.post("/mowork/user/login", LOGIN)
    assert answer.code == "100000"
    return json.loads(answer.body)["responseParam"]["token"]


def now() -> str:
    moment = datetime.now(UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}:{moment.microsecond // 1000:03}"


def test_a_header_of_raw_utf_8_says_who_calls(server, token):
    called = {**COMMON, "req_timestamp": now()}

    answer = server.post("/mowork/user/checktoken", called, f"X-Token: {token}", f"X-Username: {NAME}")

    assert answer.code == "100000"


# Bodies.


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


def test_a_body_may_come_in_chunks(server):
    body = json.dumps(LOGIN).encode()

    answer = server.ask(
        "POST /mowork/user/login HTTP/1.1",
        HOST,
        "Transfer-Encoding: chunked",
        body=chunked(body[:7], body[7:8], body[8:], b""),
    )

    assert answer.code == "100000"


def test_chunks_that_do_not_add_up_are_unreadable(server):
    answer = server.ask(
        "POST /mowork/user/login HTTP/1.1", HOST, "Transfer-Encoding: chunked", body=b'3\r\n{"a\r\nzz\r\n'
    )

    assert (answer.status, answer.code) == (200, "100002")


@pytest.mark.parametrize("announced", ["Content-Length: 65537", "Content-Length: 9999999999999999"])
def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(server, announced):
    answer = server.ask("POST /mowork/user/login HTTP/1.1", HOST, announced)

    assert (answer.status, answer.code) == (413, "100413")


def test_a_body_that_grows_too_large_is_refused_when_it_does(server):
    with server.connected() as connection:
        connection.send("POST /mowork/user/login HTTP/1.1", HOST, "Transfer-Encoding: chunked")
        connection.socket.sendall(chunked(b"x" * 40_000, b"x" * 40_000))

        answer = connection.answer()

    assert (answer.status, answer.code) == (413, "100413")


def test_the_largest_body_is_read(server):
    body = json.dumps({**LOGIN, "padding": ""})
    padded = {**LOGIN, "padding": "x" * (asgi.LARGEST_BODY - len(body))}

    assert server.post("/mowork/user/login", padded).code == "100000"


def test_what_comes_after_the_announced_length_is_no_part_of_the_body(server):
    body = json.dumps(LOGIN).encode()

    answer = server.ask(
        "POST /mowork/user/login HTTP/1.1", HOST, f"Content-Length: {len(body)}", body=body + b'{"and":"more"}'
    )

    assert answer.code == "100000"


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(server):
    for _ in range(20):
        with server.connected() as connection:
            connection.send("POST /mowork/user/login HTTP/1.1", HOST, "Content-Length: 100", body=b"{")

    assert server.post("/mowork/user/login", LOGIN).code == "100000"


def test_a_client_that_leaves_before_its_answer_leaves_nothing_behind(server):
    body = json.dumps(LOGIN).encode()
    for _ in range(5):
        with server.connected() as connection:
            connection.send("POST /mowork/user/login HTTP/1.1", HOST, f"Content-Length: {len(body)}", body=body)

    # Those five may still be hashing, and a sign-in then waits its turn or is told to come later.
    deadline = time.monotonic() + 10
    while server.post("/mowork/user/login", LOGIN).code != "100000":
        assert time.monotonic() < deadline


# Paths, methods and hosts.


@pytest.mark.parametrize(
    "target",
    [
        "/mowork/user/%67etinfo",
        "/mowork/user%2Fgetinfo",
        "http://127.0.0.1/mowork/user/getinfo",
        "/%6Dowork/user/getinfo",
    ],
)
def test_one_path_may_be_written_in_several_ways(server, target):
    assert server.ask(f"GET {target} HTTP/1.1", HOST).code == "403"


@pytest.mark.parametrize(
    "target",
    [
        "/mowork",
        "/mowork/",
        "/mowork//user/getinfo",
        "/mowork/user/getinfo/",
        "/mowork/user/../user/getinfo",
        "/mowork/user/getinfo%00",
        "/mowork/user/%ff",
        "/mowork/user/%zz",
        "/mowork/USER/getinfo",
    ],
)
def test_any_other_path_of_the_contract_is_unknown_in_its_envelope(server, target):
    answer = server.ask(f"GET {target} HTTP/1.1", HOST)

    assert (answer.status, answer.code) == (404, "100404")


@pytest.mark.parametrize("target", ["//mowork/user/getinfo", "/MOWORK/user/getinfo", "/nowhere", "/%ff", "*"])
def test_a_path_of_no_contract_is_told_so_in_json(server, target):
    answer = server.ask(f"OPTIONS {target} HTTP/1.1", HOST)

    assert answer.status == 404
    assert json.loads(answer.body)["error"] == "no contract answers here"


def test_head_is_a_wrong_method_without_a_body(server):
    with server.connected() as connection:
        connection.send("HEAD /mowork/user/getinfo HTTP/1.1", HOST)
        first = connection.answer(bodiless=True)
        connection.send("GET /mowork/user/getinfo HTTP/1.1", HOST)

        assert (first.status, first.headers["allow"]) == (405, "GET, POST")
        assert connection.answer().code == "403"


def test_a_preflight_of_an_unknown_path_is_allowed_so_that_the_call_can_be_told(server):
    preflight = server.ask("OPTIONS /mowork/user/fly HTTP/1.1", HOST, "Origin: http://localhost:1")
    answer = server.ask("GET /mowork/user/fly HTTP/1.1", HOST, "Origin: http://localhost:1")

    assert (preflight.status, preflight.body) == (204, b"")
    assert (answer.status, answer.code) == (404, "100404")
    assert answer.headers["access-control-allow-origin"] == "http://localhost:1"


def test_the_answer_to_a_preflight_has_no_body_and_no_length(server):
    answer = server.ask("OPTIONS /mowork/user/getinfo HTTP/1.1", HOST, "Origin: http://localhost:1")

    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(
    "host", ["account.mowork.cn", "ACCOUNT.MOWORK.CN", "account.mowork.cn:8000", "account.mowork.cn."]
)
def test_a_host_is_known_in_any_case_with_any_port(server, host):
    assert server.ask("GET /user/getinfo HTTP/1.1", f"Host: {host}").code == "403"
    assert server.ask("GET /notice/list HTTP/1.1", f"Host: {host}").code == "100404"


@pytest.mark.parametrize("host", ["", "mowork.cn", "account.mowork.cn.evil.example", "[::1]:8000", ":", "\xe4"])
def test_any_other_host_serves_prefixes_alone(server, host):
    assert server.ask("GET /user/getinfo HTTP/1.1", f"Host: {host}".encode("latin-1")).status == 404
    assert server.ask("GET /mowork/user/getinfo HTTP/1.1", f"Host: {host}".encode("latin-1")).code == "403"


@pytest.mark.parametrize(
    "lines",
    [
        ("GARBAGE",),
        ("GET /mowork/user/getinfo HTTP/9.9", HOST),
        ("POST /mowork/user/login HTTP/1.1", HOST, "Content-Length: -1"),
        ("POST /mowork/user/login HTTP/1.1", HOST, "Content-Length: 1", "Content-Length: 2"),
        (f"GET /mowork/{'x' * 70_000} HTTP/1.1", HOST),
        ("GET /mowork/user/getinfo HTTP/1.1", HOST, "X-Token: a\0b"),
    ],
)
def test_what_is_no_http_is_refused_by_the_server_itself(server, lines):
    assert 400 <= server.ask(*lines).status < 500


# Crowds.


def test_three_hundred_half_sent_requests_do_not_delay_a_whole_one(server, token):
    called = {**COMMON, "req_timestamp": now()}
    with ExitStack() as stack:
        for number in range(300):
            connection = stack.enter_context(server.connected())
            half = (b"POST /mowork/user/login HTTP/1.1\r\nHost: a\r\n", b"Content-Length: 100\r\n\r\n", b"{")
            connection.socket.sendall(b"".join(half[: number % 3 + 1]))
        began = time.monotonic()

        answers = [
            server.post("/mowork/user/checktoken", called, f"X-Token: {token}", f"X-Username: {NAME}")
            for _ in range(20)
        ]

        assert time.monotonic() - began < 4
        assert {answer.code for answer in answers} == {"100000"}


def test_a_crowd_beyond_the_queue_is_told_so_in_the_contracts_words(server, token):
    called = {**COMMON, "req_timestamp": now(), "requestParam": {"title": "放假", "content": "七天"}}
    body = json.dumps(called).encode()
    head = ["POST /mowork/notice/add HTTP/1.1", HOST, f"X-Token: {token}", f"X-Username: {NAME}"]
    with ExitStack() as stack, closing(sqlite3.connect(server.data / DATABASE, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        crowd = [stack.enter_context(server.connected()) for _ in range(300)]
        for connection in crowd:
            connection.send(*head, f"Content-Length: {len(body)}", body=body)
        # One is on the thread and 256 wait for it, until the writer above lets go.
        refused = answered(crowd, 300 - 257)
        answers = [connection.answer() for connection in refused]
        database.execute("ROLLBACK")
        served = [connection.answer() for connection in crowd if connection not in refused]

    # The one on the thread does not wait for its writer for ever, so on a busy machine a few more end: silent,
    # or, where the crowd itself comes slowly, sent away while the next one is on the thread.
    crowded = [answer for answer in answers if answer.headers.get("retry-after") == "1"]
    assert {(answer.status, answer.code) for answer in answers} == {(503, "100503")}
    assert len(crowded) > 0
    assert 200 < len(served) <= 257
    assert "100000" in {answer.code for answer in served} <= {"100000", "100503"}


def answered(connections: list[Connection], most: int) -> list[Connection]:
    """Return the connections that have an answer, once there are *most* of them and no more come."""
    deadline = time.monotonic() + 10
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        while len(selector.select(0)) < most and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.2)
        return [key.data for key, _ in selector.select(0)]


# What would take seconds, by hand.


def by_hand(stage: Stage, *messages: dict[str, object], announced: bytes | None = b"100") -> Answer:
    """Post a sign-in whose body comes as *messages*; after them nothing comes any more."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/mowork/user/login",
        "query_string": b"",
        "headers": [(b"content-length", announced)] if announced else [],
        "client": ("127.0.0.1", 1),
    }
    coming = iter(messages)
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        for message in coming:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(stage.app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, sent[1]["body"])


@pytest.mark.parametrize("messages", [(), ({"type": "http.request", "body": b"{", "more_body": True},)])
def test_a_body_that_does_not_come_in_time_is_unreadable_and_ends_the_connection(monkeypatch, messages):
    monkeypatch.setattr(asgi, "BODY_SECONDS", 0.05)

    answer = by_hand(Stage("mowork"), *messages)

    assert (answer.code, answer.headers["connection"]) == ("100002", "close")


def test_a_body_that_breaks_off_is_unreadable():
    half = {"type": "http.request", "body": b"{", "more_body": True}

    assert by_hand(Stage("mowork"), half, {"type": "http.disconnect"}).code == "100002"


def test_a_length_that_no_number_holds_is_too_large():
    assert by_hand(Stage("mowork"), announced=b"9" * 5000).code == "100413"


def spoilt(**changes: Any) -> Stage:
    """Return a stage whose list of notices has these *changes*."""
    stage = Stage("mowork")
    rows = stage.house.served["mowork"].contract.table["/notice/list"]
    for method, route in rows.items():
        rows[method] = replace(route, **changes)  # type: ignore[index]
    return stage


def raised(_result: object, _call: object) -> object:
    raise Refused(Outcome.NOT_MODIFIED)


@pytest.mark.parametrize(
    "stage",
    [
        pytest.param(lambda: spoilt(answer=lambda _result, _call: {"cannot": object()}), id="a result that is no JSON"),
        pytest.param(lambda: spoilt(answer=lambda _result, _call: {"cannot": "\ud800"}), id="a result that is no text"),
        pytest.param(lambda: spoilt(answer=raised), id="an ending that was not announced"),
        pytest.param(lambda: spoilt(operation=object()), id="an operation that no desk has"),
    ],
)
def test_our_own_mistakes_end_in_the_contracts_words(stage):
    query = "&".join(f"{name}={value}" for name, value in COMMON.items())

    status, _, body = stage().answer("GET", f"/mowork/notice/list?{query}", [], "")

    assert (status, json.loads(body)["resCode"]) == (500, "100500")


# Starting and ending.


def lived(app: App, *kinds: str) -> list[MutableMapping[str, Any]]:
    """Return what *app* says to the server over its life."""
    coming = iter(kinds)
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": f"lifespan.{next(coming)}"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    with suppress(SettingRefused):
        asyncio.run(app({"type": "lifespan"}, receive, send))
    return sent


def test_the_application_starts_and_ends_with_the_server(tmp_path):
    app = App(open_house(tmp_path / "data", {}))

    assert [message["type"] for message in lived(app, "startup", "shutdown")] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


def test_a_start_that_fails_says_why(tmp_path):
    app = App(open_house(tmp_path / "data", {"LINGPAI_CONTRACTS__MOWORK__TOKEN_SECONDS": "soon"}))

    (message,) = lived(app, "startup")

    assert message["type"] == "lifespan.startup.failed"
    assert "[contracts.mowork]" in message["message"]
    assert "token_seconds" in message["message"]


def test_two_contracts_cannot_have_one_host(tmp_path):
    hosts = {f"LINGPAI_CONTRACTS__{name}__ACCOUNT_HOSTS": "api.example.com" for name in ("MOWORK", "OPPMG")}

    (message,) = lived(App(open_house(tmp_path / "data", hosts)), "startup")

    assert "the host api.example.com is named by" in message["message"]


def test_a_server_that_cannot_start_ends_with_an_error(tmp_path):
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--port", "0", "lingpai.app:create"]
    variables = {
        "LINGPAI_DATA": str(tmp_path / "data"),
        "LINGPAI_CONTRACTS__MOWORK__TIMESTAMP": "never",
        "LANG": "C.UTF-8",
    }

    ended = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, check=False, text=True, timeout=30
    )

    assert ended.returncode != 0
    assert "timestamp must be one of latest, window, not never" in ended.stdout + ended.stderr


def test_a_body_that_was_not_announced_is_none_and_is_not_waited_for():
    assert by_hand(Stage("mowork"), announced=None).code == "100002"
