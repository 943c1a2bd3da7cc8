"""One question put to all five contracts through real requests, each by its own way of proving who asks."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import argon2

from lingpai.principals.names import name_key
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.values import User
from tests.conformance.stage import Stage

CONTRACTS = ("mowork", "oppmg", "twokeys", "zhiyun", "thinkjs")

APP, APP_SECRET = "app_android", "k3y-Of-20-chars-long"
DESK, DESK_SECRET = "1234567890", "s3cret-Of-16-chr"
PASSWORD = "correct horse battery"
HASH = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Cheap, so that a town of many is settled at once."""


@dataclass(frozen=True)
class Heard:
    """An answer: what it is called, what it says, what it holds; nothing is `{}` however it was written."""

    status: int
    number: int | str
    message: str
    data: Any


class Five:
    """
    A stage whose five contracts are all asked.

    Args:
        stage: Its people sign in with `PASSWORD`; anybody may come in by every contract.
        scope: What a code of zhiyun's opens, besides oneself.

    """

    def __init__(self, stage: Stage, *scope: str) -> None:
        self.stage = stage
        stage.settings.setdefault("contracts", {}).setdefault("oppmg", {})["entrance"] = "anyone"
        stage._build()
        stage.client(APP, APP_SECRET, "contracts=twokeys", f"scope={' '.join(scope)}")
        stage.client(DESK, DESK_SECRET, "contracts=zhiyun", "desktop=yes", f"scope={' '.join(('basic', *scope))}")
        self._tokens: dict[tuple[str, str], dict[str, Any]] = {}

    def person(self, name: str, *more: str) -> None:
        """Add a user; `company=1` or `admin=1` makes them a member."""
        values = dict(word.split("=", 1) for word in more)
        joins = [(int(values.pop(kind)), kind == "admin") for kind in ("company", "admin") if kind in values]
        user = User(0, name, name_key(name), HASH, created=self.stage.now, **_read(values))
        with self.stage.stores.change(Event("user:added", "user", name, told=False)) as change:
            kept = change.accounts.add(user)
            assert kept, f"{name} is there already"
            for company, is_admin in joins:
                change.companies.join(kept.id, company, is_admin=is_admin)

    def ask(self, contract: str, call: str, who: str = "", **arguments: Any) -> Heard:
        """Ask `module/name` with *arguments*, signed in as *who* unless nobody asks."""
        heard: Heard = getattr(self, f"_{contract}")(call, who, arguments)
        return heard

    def _token(self, contract: str, who: str) -> dict[str, Any]:
        if (contract, who) not in self._tokens:
            self._tokens[contract, who] = getattr(self, f"_enter_{contract}")(who)
        return self._tokens[contract, who]

    def _sent(self, method: str, target: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, Any]]:
        status, _, came = self.stage.answer(method, target, list(headers.items()), body)
        return status, json.loads(came)

    # mowork: members around the arguments, token and name in headers.

    def _enter_mowork(self, who: str) -> dict[str, Any]:
        return dict(self._mowork("user/login", "", {"username": who, "password": PASSWORD}).data)

    def _mowork(self, call: str, who: str, arguments: dict[str, Any]) -> Heard:
        members = {"client_type": "pc", "client_sys_version": "chrome", "api_version": "v1.0", "req_timestamp": ""}
        headers = {}
        if who:
            token = self._token("mowork", who)
            members["req_timestamp"] = token["timestamp"]
            headers = {"X-Token": token["token"], "X-Username": who}
        body = json.dumps({**members, "requestParam": arguments})
        status, came = self._sent("POST", f"/mowork/{call}", headers, body)
        return Heard(status, came["resCode"], came["resMessage"], came.get("responseParam") or {})

    # oppmg: JSON, a signed token in a header.

    def _enter_oppmg(self, who: str) -> dict[str, Any]:
        body = json.dumps({"account": who, "password": PASSWORD})
        return dict(self._sent("POST", "/oppmg/auth/login", {}, body)[1]["data"])

    def _oppmg(self, call: str, who: str, arguments: dict[str, Any]) -> Heard:
        headers = {"x-mmm-accesstoken": self._token("oppmg", who)["access_token"]} if who else {}
        status, came = self._sent("POST", f"/oppmg/v1/{call}", headers, json.dumps(arguments))
        return Heard(status, came["code"], came["msg"], came["data"])

    # twokeys: a form, both keys in the query.

    def _enter_twokeys(self, who: str) -> dict[str, Any]:
        return dict(self._twokeys("login/login", "", {"username": who, "password": PASSWORD}).data)

    def _twokeys(self, call: str, who: str, arguments: dict[str, Any]) -> Heard:
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self.stage.now, hours=8)).strftime("%Y-%m-%d")
        digest = hashlib.md5(f"api{call.replace('/', '')}{day}{APP_SECRET}".encode()).hexdigest()
        query: dict[str, Any] = {"client_id": APP, "api_token": digest}
        if who:
            token = self._token("twokeys", who)
            query |= {"user_id": token["user_id"], "user_token": token["user_token"]}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, came = self._sent(
            "POST", f"/twokeys/api/{call}?{urlencode(query)}", headers, urlencode(_flat(arguments))
        )
        return Heard(status, came["code"], came["msg"], came["data"] or {})

    # zhiyun: Basic, the puzzle of the clock, and for each question a fresh code.

    def _enter_zhiyun(self, who: str) -> dict[str, Any]:
        return dict(self._zhiyun_sent("authService/login", {}, {"username": who, "password": PASSWORD}).data)

    def _zhiyun(self, call: str, who: str, arguments: dict[str, Any]) -> Heard:
        module, name = call.split("/")
        query: dict[str, Any] = {}
        if who:
            query = {"access_token": self._token("zhiyun", who)["access_token"], "client_id": DESK}
            query["auth_code"] = self._zhiyun_sent("authService/authorize", query, {}).data["auth_code"]
        return self._zhiyun_sent(f"{module}Service/{name}", query, arguments)

    def _zhiyun_sent(self, call: str, query: dict[str, Any], form: dict[str, Any]) -> Heard:
        shown = self.stage.now
        query = {**query, "t_": shown, "p_": (shown % 10_000) * 3 + 2345}
        headers = {
            "Authorization": "Basic " + base64.b64encode(f"{DESK}:{DESK_SECRET}".encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        target = f"/zhiyun/apis/rest/{call}/json?{urlencode(query)}"
        status, came = self._sent("POST", target, headers, urlencode(_flat(form)))
        return Heard(status, came["code"], came["message"], came.get("data") or {})

    # thinkjs: JSON, a signed token raw in Authorization.

    def _enter_thinkjs(self, who: str) -> dict[str, Any]:
        return dict(self._thinkjs("system/token/create", "", {"username": who, "password": PASSWORD}).data)

    def _thinkjs(self, call: str, who: str, arguments: dict[str, Any]) -> Heard:
        headers = {"Authorization": self._token("thinkjs", who)["token"]} if who else {}
        status, came = self._sent("POST", f"/thinkjs/api/{call}", headers, json.dumps(arguments))
        return Heard(status, came["errno"], came["errmsg"], came["data"])


def _read(values: dict[str, str]) -> dict[str, Any]:
    """Return a user's fields as they were written in words."""
    return {name: value == "yes" if name == "phone_verified" else value for name, value in values.items()}


def _flat(arguments: dict[str, Any]) -> dict[str, str]:
    """Return *arguments* as a form writes them: a list is its parts with commas."""
    return {name: ",".join(map(str, v)) if isinstance(v, list) else str(v) for name, v in arguments.items()}
