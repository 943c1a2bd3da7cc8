"""
Requests made up from each contract's own OpenAPI document, right ones and wrong ones, against the real server.

Every answer must be one that the document lists for that call: its status, its content type, its number and sentence,
its members; and never the number of our own failure.
"""

import hashlib
import json
import re
import time
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode

from lingpai.composition import declarations, open_house
from lingpai.vocabulary.settings import Settings
from tests.conformance.stage import Stage

CASES = 100

NAMES = sorted(declarations(Settings()))


@dataclass
class Proof:
    """What a caller adds to a request to be believed: members of headers, query and body."""

    headers: dict = field(default_factory=dict)
    query: dict = field(default_factory=dict)
    body: dict = field(default_factory=dict)


def api_token(path, secret):
    day = datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d")
    return hashlib.md5((path.replace("/", "") + day + secret).encode()).hexdigest()


def moment():
    now = int(time.time() * 1000)
    return {"t_": str(now), "p_": str(now % 10000 * 3 + 2345)}


def basic(client):
    return {"Authorization": "Basic " + b64encode(f"{client.id}:{client.secret}".encode()).decode()}


class Callers:
    """Somebody who is signed in to each contract, and the proofs that their next call needs."""

    def __init__(self, server):
        self.server = server
        self.session = requests.Session()
        self.tokens = {name: getattr(self, f"_{name}")() for name in NAMES}

    def proof(self, name, path):
        return getattr(self, f"_prove_{name}")(path, self.tokens[name])

    def _post(self, target, **more):
        return self.session.post(self.server.base_url + target, **more).json()

    def _mowork(self):
        common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1.0"}
        asked = {"username": self.server.user.name, "password": self.server.user.password}
        return self._post("/mowork/user/login", json={**common, "requestParam": asked})["responseParam"]

    def _prove_mowork(self, _path, token):
        headers = {"X-Token": token["token"], "X-Username": "%E7%8E%8B%E5%B0%8F%E6%98%8E"}
        time_told = {"req_timestamp": token["timestamp"]}
        return Proof(headers, time_told, time_told)

    def _oppmg(self):
        asked = {"account": self.server.user.name, "password": self.server.user.password}
        return self._post("/oppmg/auth/login", json=asked)["data"]

    def _prove_oppmg(self, _path, token):
        return Proof({"x-mmm-accesstoken": token["access_token"], "x-mmm-refreshtoken": token["refresh_token"]})

    def _thinkjs(self):
        asked = {"username": self.server.user.name, "password": self.server.user.password}
        return self._post("/thinkjs/api/system/token/create", json=asked)["data"]

    def _prove_thinkjs(self, _path, token):
        return Proof({"Authorization": token["token"]})

    def _twokeys(self):
        app, path = self.server.twokeys, "/api/login/login"
        asked = {"username": self.server.user.name, "password": self.server.user.password}
        proved = {"client_id": app.id, "api_token": api_token(path, app.secret)}
        return self._post(f"/twokeys{path}", params=proved, data=asked)["data"]

    def _prove_twokeys(self, path, token):
        app = self.server.twokeys
        user = {"user_id": str(token["user_id"]), "user_token": token["user_token"]}
        return Proof({}, {"client_id": app.id, "api_token": api_token(path, app.secret), **user})

    def _zhiyun(self):
        asked = {"username": self.server.user.name, "password": self.server.user.password}
        path = "/zhiyun/apis/rest/authService/login/json"
        return self._post(path, params=moment(), data=asked, headers=basic(self.server.desktop))["data"]

    def _prove_zhiyun(self, path, token):
        client = self.server.desktop if "login" in path else self.server.trusted
        code = self._code(token["access_token"], int(time.time()) // 20) if "Info" in path or "notice" in path else {}
        members = {**moment(), "access_token": token["access_token"], "client_id": client.id, **code}
        return Proof(basic(client), members, members)

    @cache  # noqa: B019 - a code lives for half a minute, and these callers for one module
    def _code(self, access_token, _age):
        asked = {**moment(), "access_token": access_token}
        told = self._post(
            "/zhiyun/apis/rest/authService/authorize/json", data=asked, headers=basic(self.server.trusted)
        )
        return {"auth_code": told["data"]["auth_code"]}


@pytest.fixture(scope="module")
def callers(server):
    return Callers(server)


def put(case, proof):
    """Let *case* be the call of somebody who is believed; what it asks stays as it was made up."""
    case.headers.update(proof.headers)
    in_query = {parameter.name for parameter in case.operation.query}
    in_query |= {"client_id", "api_token", "user_id", "user_token"}
    case.query.update({name: value for name, value in proof.query.items() if name in in_query})
    if isinstance(case.body, dict):
        case.body.update(proof.body)


@dataclass
class Judge:
    """What one document says, asked of each answer."""

    document: dict
    heard: Counter = field(default_factory=Counter)
    validators: dict = field(default_factory=dict)

    def complaint(self, operation, status, content_type, body):
        """Return what is wrong with an answer to *operation*, or an empty text."""
        media = content_type.partition(";")[0]
        content = operation["responses"].get(str(status), {}).get("content", {}).get(media)
        if content is None:
            return f"no answer with status {status} and {media} is described: {body[:200]}"
        row = self.row(status, body)
        if row is None:
            return f"no row of the code table: {body[:200]}"
        if "INTERNAL" in row["outcomes"]:
            return f"a failure of our own: {body[:200]}"
        if not set(row["outcomes"]) & set(operation["x-lingpai-outcomes"]):
            return f"{row['outcomes']} is not among what is described: {body[:200]}"
        self.heard.update(row["outcomes"])
        if media != "application/json":
            return ""
        validator = self.validator(operation["operationId"], status, content["schema"])
        return "; ".join(error.message[:200] for error in validator.iter_errors(json.loads(body)))

    def validator(self, operation, status, schema):
        """Return what validates answers of that status; made once."""
        if (operation, status) not in self.validators:
            whole = {**schema, "components": self.document["components"]}
            self.validators[operation, status] = Draft202012Validator(whole)
        return self.validators[operation, status]

    def row(self, status, body):
        """Return the row of the code table that *body* speaks."""
        for row in self.document["x-lingpai-codes"]:
            number = re.escape(json.dumps(row["number"]))
            told = re.search(rf"(?::{number}[,}}]|<code>{row['number']}<)", body)
            # A success may have a sentence of its own on one call; that is the schema's to judge.
            is_said = "OK" in row["outcomes"] or row["zh"] in body or row["en"] in body
            if row["status"] == status and told and is_said:
                return row
        return None


def operations_of(document):
    """Yield the operations of *document*, those last that end a session or try passwords."""
    schema = schemathesis.openapi.from_dict(document)
    found: list[Any] = [each.ok() for each in schema.get_all_operations()]  # type: ignore[union-attr]
    return sorted(
        found, key=lambda each: bool(re.search("log(in|out)$|logout|delete|login|create|register", each.path))
    )


def fuzzed(operation, send, cases=CASES):
    """Send *cases* requests made up for *operation*: right and wrong ones, by somebody and by nobody."""
    described = operation.definition.raw
    strategy = operation.as_strategy()
    if described.get("requestBody") or described.get("parameters"):
        strategy |= operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=cases,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, is_believed=st.sampled_from((True, True, True, False)))
    def once(case, is_believed):
        send(case, is_believed)

    once()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_one_that_the_document_lists_for_its_call(name, server, callers):
    document = callers.session.get(f"{server.base_url}/{name}/openapi.json").json()
    judge, complaints = Judge(document), []
    sent: Counter = Counter()
    notices = count_notices(server)
    for operation in operations_of(document):
        described = operation.definition.raw

        def send(case, is_believed, described=described, operation=operation):
            if is_believed:
                put(case, callers.proof(name, operation.path))
            answer = case.call(base_url=f"{server.base_url}/{name}", session=callers.session)
            sent[described["operationId"]] += 1
            text = answer.content.decode()
            wrong = judge.complaint(described, answer.status_code, answer.headers.get("content-type", [""])[0], text)
            if wrong:
                complaints.append((described["operationId"], wrong, case.as_curl_command()))
            if described["operationId"].endswith(("add", "add_post", "add_get")):
                sent["added"] += '"OK"' in json.dumps(judge.row(answer.status_code, text))

        fuzzed(operation, send)

    assert complaints[:3] == []
    added = sent.pop("added", 0)
    assert min(sent.values()) >= 4
    assert sum(count >= CASES for count in sent.values()) >= len(sent) - 4
    # Both what is right and what is wrong was among them, and nothing was kept that was refused.
    assert {"OK", "ARGUMENT_BAD"} <= set(judge.heard)
    assert count_notices(server) - notices == added


def count_notices(server):
    house = open_house(server.data, {})
    try:
        pages = (house.stores.notices.page(page, 1000) for page in range(1, 100))
        return sum(len(page) for page in iter(lambda: next(pages), []))
    finally:
        house.stores.close()


def test_a_failure_of_our_own_and_an_answer_that_is_not_described_are_found():
    stage = Stage("oppmg")
    document = json.loads(stage.answer("GET", "/oppmg/openapi.json", [("Host", "localhost")], "")[2])
    operation = next(each for each in operations_of(document) if each.path == "/v1/notice/list")
    judge, complaints = Judge(document), []

    def send(case, _is_believed):
        status, headers, body = stage.answer(case.method, "/oppmg/v1/notice/list", [], "")
        complaints.append(judge.complaint(operation.definition.raw, status, headers["content-type"], body.decode()))

    fuzzed(operation, send, cases=3)
    stage.fault("bug")
    fuzzed(operation, send, cases=3)
    described = operation.definition.raw
    unknown = judge.complaint(described, 200, "application/json", '{"code":"77777","msg":"?","data":{}}')
    other = judge.complaint(described, 200, "application/json", '{"code":"10002","msg":"账号或密码错误","data":{}}')
    more = judge.complaint(described, 200, "application/json", '{"code":"00000","msg":"成功","data":{"notices":7}}')

    assert complaints[0] == ""
    assert complaints[-1].startswith("a failure of our own")
    assert unknown.startswith("no row")
    assert "is not among what is described" in other
    assert "is not valid" in more
