"""
Front ends, as short as they can be: one sign-in and one signed-in call over each contract.

Each call has a connection of its own, so that the kernel hands it to any of the workers.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class SignedIn:
    """A session that a front end holds: whether its next call is served, and how it signs out."""

    token: str
    asks: Callable[[], bool]
    leaves: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Person:
    """Who speaks, through which client."""

    port: int
    name: str
    password: str
    client_id: str = ""
    client_secret: str = ""


def mowork(who: Person) -> SignedIn | None:
    common = {"client_type": "pc", "client_sys_version": "test", "api_version": "v1.0"}

    def ask(path: str, headers: dict[str, str] | None = None, **more: object) -> dict[str, Any]:
        return sent(who.port, "POST", f"/mowork/user/{path}", {**common, **more}, headers)[1]

    asked = {"username": who.name, "password": who.password}
    answer = ask("login", req_timestamp="", requestParam=asked)
    if answer["resCode"] != "100000":
        return None
    token, told = answer["responseParam"]["token"], answer["resTimestamp"]
    held = {"X-Token": token, "X-Username": who.name}
    return SignedIn(
        token,
        lambda: ask("getinfo", held, req_timestamp=told)["resCode"] == "100000",
        lambda: ask("logout", held, req_timestamp=told)["resCode"] == "100000",
    )


def oppmg(who: Person) -> SignedIn | None:
    _, answer = sent(who.port, "POST", "/oppmg/auth/login", {"account": who.name, "password": who.password})
    if answer["code"] != "00000":
        return None
    held = {"x-mmm-accesstoken": answer["data"]["access_token"]}
    return SignedIn(
        answer["data"]["access_token"],
        lambda: sent(who.port, "GET", "/oppmg/v1/user/info", headers=held)[1]["code"] == "00000",
    )


def twokeys(who: Person) -> SignedIn | None:
    def ask(controller: str, action: str, **form: str) -> dict[str, Any]:
        today = (datetime.now(UTC) + timedelta(hours=8)).date().isoformat()
        key = hashlib.md5(f"api{controller}{action}{today}{who.client_secret}".encode()).hexdigest()
        query = urlencode({"client_id": who.client_id, "api_token": key})
        return sent(who.port, "POST", f"/twokeys/api/{controller}/{action}?{query}", form)[1]

    answer = ask("login", "login", username=who.name, password=who.password)
    if answer["code"] != 1:
        return None
    held = {"user_id": str(answer["data"]["user_id"]), "user_token": answer["data"]["user_token"]}
    return SignedIn(held["user_token"], lambda: ask("user", "info", **held)["code"] == 1)


def zhiyun(who: Person) -> SignedIn | None:
    basic = "Basic " + base64.b64encode(f"{who.client_id}:{who.client_secret}".encode()).decode()

    def ask(method: str, call: str, form: dict[str, str] | None = None, **query: str) -> dict[str, Any]:
        now = int(time.time() * 1000)
        members = {**query, "t_": str(now), "p_": str(now % 10000 * 3 + 2345)}
        path = f"/zhiyun/apis/rest/authService/{call}/json?{urlencode(members)}"
        return sent(who.port, method, path, form, {"Authorization": basic})[1]

    answer = ask("POST", "login", {"username": who.name, "password": who.password})
    if answer["code"] != 200:
        return None
    token = answer["data"]["access_token"]
    return SignedIn(token, lambda: ask("GET", "authorize", access_token=token)["code"] == 200)


def thinkjs(who: Person) -> SignedIn | None:
    asked = {"username": who.name, "password": who.password}
    _, answer = sent(who.port, "POST", "/thinkjs/api/system/token/create", asked, {"Content-Type": "application/json"})
    if answer["errno"] != 0:
        return None
    held = {"Authorization": answer["data"]["token"]}
    return SignedIn(
        answer["data"]["token"],
        lambda: sent(who.port, "GET", "/thinkjs/api/system/user/info", headers=held)[0] == 200,
    )


FRONT_ENDS: dict[str, Callable[[Person], SignedIn | None]] = {
    "mowork": mowork,
    "oppmg": oppmg,
    "thinkjs": thinkjs,
    "twokeys": twokeys,
    "zhiyun": zhiyun,
}
FORMS = ("/twokeys/", "/zhiyun/")


def sent(
    port: int, method: str, path: str, members: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Return status and body of the answer."""
    body: str | None = None
    kind = "application/json"
    if members is not None:
        form = path.startswith(FORMS)
        body = urlencode(members) if form else json.dumps(members)
        kind = "application/x-www-form-urlencoded" if form else kind
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, {"Content-Type": kind, "Connection": "close", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
