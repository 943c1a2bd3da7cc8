"""A Lingpai that proxies may ask, people and client apps in it, a service behind, and the proxies of the pages."""

import base64
import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import pytest

from lingpai.composition import open_house
from lingpai.principals.services import asking_token, purpose_of
from tests import tools
from tests.clients.conftest import Server, _fill, running
from tests.forward import wire

CONTRACTS = ("mowork", "oppmg", "twokeys", "zhiyun", "thinkjs")

SETTINGS = """
[forward.shop]
contracts = ["mowork", "oppmg", "twokeys", "zhiyun", "thinkjs"]

[forward.office]
contracts = ["oppmg", "thinkjs"]
role = "boss"

[contracts.zhiyun.scopes]
basic = "getUserInfo,getCompanyInfo,orderService/list"

[contracts.oppmg]
access_seconds = 600
"""


@dataclass(frozen=True)
class Lingpai:
    """The server that proxies ask: its port, its people, the key of the service `shop`."""

    port: int
    people: Server
    key: bytes

    @property
    def token(self) -> str:
        return asking_token(self.key)

    def call(self, method: str, target: str, body: Any = None, **headers: str) -> Any:
        """Return the JSON that Lingpai answers a client of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        connection.request(method, target, body, headers)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer


@pytest.fixture(scope="session")
def lingpai(tmp_path_factory) -> Iterator[Lingpai]:
    data = tmp_path_factory.mktemp("forward") / "data"
    data.mkdir(mode=0o700)
    (data / "lingpai.toml").write_text(SETTINGS)
    house = open_house(data, {})
    house.prepare()
    people = _fill(house)
    key = house.keys.accepted(purpose_of("shop"))[0].value
    house.stop()
    with running(data) as base_url:
        yield Lingpai(int(base_url.rpartition(":")[2]), Server(base_url=base_url, data=data, **people), key)


@pytest.fixture(scope="session")
def echo() -> Iterator[wire.Echo]:
    with wire.echoing() as echo:
        yield echo


@dataclass(frozen=True)
class Call:
    """A call to the service that its contract's client would make: target and header lines, and a form or JSON."""

    target: str
    lines: tuple[str, ...] = ()
    method: str = "GET"
    body: bytes = b""


def signed_in(lingpai: Lingpai, contract: str, *, in_body: bool = False) -> Call:
    """Sign in, and return a call that proves it, where any proxy can see it; or *in_body*."""
    return {"oppmg": _oppmg, "thinkjs": _thinkjs, "mowork": _mowork, "twokeys": _twokeys, "zhiyun": _zhiyun}[contract](
        lingpai, in_body
    )


def _oppmg(lingpai: Lingpai, _in_body: bool) -> Call:
    pair = pair_of(lingpai)
    return Call("/v1/order/list", (f"x-mmm-accesstoken: {pair['access_token']}",))


def pair_of(lingpai: Lingpai) -> dict[str, Any]:
    user = lingpai.people.user
    asked = {"account": user.name, "password": user.password}
    return dict(lingpai.call("POST", "/oppmg/auth/login", asked)["data"])


def _thinkjs(lingpai: Lingpai, _in_body: bool) -> Call:
    user = lingpai.people.user
    asked = {"username": user.name, "password": user.password}
    token = lingpai.call("POST", "/thinkjs/api/system/token/create", asked)["data"]["token"]
    return Call("/api/order/list", (f"Authorization: {token}",))


def _mowork(lingpai: Lingpai, in_body: bool) -> Call:
    user = lingpai.people.user
    common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1.0"}
    asked = {**common, "requestParam": {"username": user.name, "password": user.password}}
    granted = lingpai.call("POST", "/mowork/user/login", asked)["responseParam"]
    members = {**common, "req_timestamp": granted["timestamp"]}
    if in_body:
        asked = {**members, "user_token": granted["token"], "requestParam": {"username": user.name}}
        return Call("/order/list", ("Content-Type: application/json",), "POST", json.dumps(asked).encode())
    lines = (f"X-Token: {granted['token']}", f"X-Username: {quote(user.name)}")
    return Call("/order/list?" + urlencode(members), lines)


def _twokeys(lingpai: Lingpai, in_body: bool) -> Call:
    user, app = lingpai.people.user, lingpai.people.twokeys

    def gate(path: str) -> str:
        day = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
        token = hashlib.md5(f"{path.replace('/', '')}{day}{app.secret}".encode()).hexdigest()
        return f"{path}?client_id={app.id}&api_token={token}"

    form = urlencode({"username": user.name, "password": user.password})
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    granted = lingpai.call("POST", "/twokeys" + gate("/api/login/login"), form, **kind)["data"]
    user_keys = urlencode({"user_id": granted["user_id"], "user_token": granted["user_token"]})
    if in_body:
        lines = ("Content-Type: application/x-www-form-urlencoded",)
        return Call(gate("/api/order/list"), lines, "POST", user_keys.encode())
    return Call(f"{gate('/api/order/list')}&{user_keys}")


def _zhiyun(lingpai: Lingpai, in_body: bool) -> Call:
    def moment() -> dict[str, int]:
        now = time.time_ns() // 1_000_000
        return {"t_": now, "p_": now % 10000 * 3 + 2345}

    people, user = lingpai.people, lingpai.people.user
    asked = urlencode({"username": user.name, "password": user.password})
    headers = {"Authorization": basic(people.desktop.id, people.desktop.secret)}
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    login = f"/zhiyun/apis/rest/authService/login/json?{urlencode(moment())}"
    token = lingpai.call("POST", login, asked, **headers, **form)["data"]["access_token"]
    mine = {"Authorization": basic(people.zhiyun.id, people.zhiyun.secret)}
    keys = {"access_token": token, "client_id": people.zhiyun.id}
    target = f"/zhiyun/apis/rest/authService/authorize/json?{urlencode(keys | moment())}"
    code = lingpai.call("GET", target, **mine)["data"]["auth_code"]
    members = urlencode(keys | moment() | {"auth_code": code})
    line = f"Authorization: {mine['Authorization']}"
    path = "/apis/rest/orderService/list/json"
    if in_body:
        return Call(path, (line, "Content-Type: application/x-www-form-urlencoded"), "POST", members.encode())
    return Call(f"{path}?{members}", (line,))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# The proxies, as the pages print them.


def run_nginx(
    folder: Path, lingpai_port: int, token: str, echo_port: int, contract: str = "oppmg", **changes: str
) -> Any:
    port = wire.free_port()
    page = wire.replaced(
        wire.printed("nginx.md", "nginx", 0),
        {
            "127.0.0.1:8000": f"127.0.0.1:{lingpai_port}",
            "127.0.0.1:9000": f"127.0.0.1:{echo_port}",
            "listen 80;": f"listen 127.0.0.1:{port};",
            "ASKING_TOKEN": token,
            "/oppmg/shop": f"/{contract}/shop",
            **changes,
        },
    )
    (folder / "shop.conf").write_text(page, encoding="utf-8")
    (folder / "nginx.conf").write_text(
        "daemon off; worker_processes 1; user root; pid nginx.pid; error_log stderr warn;\n"
        "events { worker_connections 512; }\nhttp { access_log off; include shop.conf; }\n"
    )
    return wire.started([str(tools.nginx()), "-p", f"{folder}/", "-c", "nginx.conf"], port, folder)


class Broken(BaseHTTPRequestHandler):
    """A Lingpai that answers everything with 500."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the name that the server calls

    def log_message(self, *_: object) -> None:
        pass


class Hanging(Broken):
    """A Lingpai that never answers."""

    def do_GET(self) -> None:
        time.sleep(3)

    do_POST = do_GET  # noqa: N815 - the name that the server calls


@contextlib.contextmanager
def fault(kind: str) -> Iterator[int]:
    """Run what is wrong with Lingpai, and return its port."""
    if kind == "down":
        yield wire.free_port()
        return
    with wire.listening({"500": Broken, "hangs": Hanging}[kind]) as port:
        yield port


def run_envoy(
    folder: Path, lingpai_port: int, token: str, echo_port: int, contract: str = "oppmg", **changes: str
) -> Any:
    port = wire.free_port()
    page = wire.replaced(
        wire.printed("envoy.md", "yaml", 0),
        {
            "port_value: 8000": f"port_value: {lingpai_port}",
            "port_value: 9000": f"port_value: {echo_port}",
            "port_value: 8080": f"port_value: {port}",
            "ASKING_TOKEN": token,
            "/oppmg/shop": f"/{contract}/shop",
            **changes,
        },
    )
    (folder / "envoy.yaml").write_text(page, encoding="utf-8")
    command = [str(tools.envoy()), "-c", "envoy.yaml", "--concurrency", "1", "--log-level", "warning"]
    return wire.started([*command, "--base-id", str(port)], port, folder)


def run_caddy(
    folder: Path, lingpai_port: int, token: str, echo_port: int, contract: str = "oppmg", **changes: str
) -> Any:
    port = wire.free_port()
    page = wire.replaced(
        wire.printed("caddy.md", "caddyfile", 0),
        {
            "127.0.0.1:8000": f"127.0.0.1:{lingpai_port}",
            "127.0.0.1:9000": f"127.0.0.1:{echo_port}",
            ":8080": f":{port}",
            "ASKING_TOKEN": token,
            "/oppmg/shop": f"/{contract}/shop",
            **changes,
        },
    )
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + page, encoding="utf-8")
    command = [str(tools.caddy()), "run", "--config", "Caddyfile", "--adapter", "caddyfile"]
    return wire.started(command, port, folder, HOME=str(folder))


@pytest.fixture
def expired_pair(lingpai):
    """A pair whose access token has expired while its refresh token lives; and how many pairs its session has had."""
    from lingpai.edge.schemes.jwt import read_jwt, write_jwt

    pair = pair_of(lingpai)
    house = open_house(lingpai.people.data, {})
    house.prepare()
    key = house.keys.accepted("oppmg.pair")[0].value[:32]
    claims = read_jwt(pair["access_token"], [key])
    expired = write_jwt({**claims, "exp": claims["iat"]}, key)

    def ages(_pair):
        newest = house.stores.generations.newest(claims["sid"])
        return newest.number if newest else 0

    yield {**pair, "access_token": expired}, ages
    house.stores.close()
