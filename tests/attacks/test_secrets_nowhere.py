"""
No token, password or secret is found in the data folder, the log, an error or a page, however it is written.

A server in earnest is signed in to, renewed, asked, refused and broken in all five houses; then everything that it
left behind is searched. What is planted there is found.
"""

import base64
import hashlib
import http.client
import json
import secrets
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest

from lingpai.composition import MASTER_KEY, open_house
from lingpai.edge.checks.api_token import api_token
from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.add_company import AddCompany
from lingpai.operations.add_user import AddUser, Joining, NewUser
from lingpai.vocabulary.values import Client, Company, User
from tests.attacks.hunting import files, hunt, spellings
from tests.cli.running import LINGPAI
from tests.clients.conftest import running

PAGES = ("/", "/healthz", "/readyz", "/metrics", "/nowhere", "/openapi.json", "/mowork/docs", "/oppmg/openapi.json")
NONE: Mapping[str, str] = {}
BUSINESS = '{"title":"a","content":"b"}'


def made(kind: str) -> str:
    """Return a password of no chance: no other text has its letters, and some of them want escaping."""
    return f"{kind}-{secrets.token_hex(12)}-令+/&"


class Tour:
    """
    Everything that is done to the server, and what comes back.

    Args:
        known: Every secret that was sent or handed out, by name.
        answers: What came back, by what was asked; those that hand out tokens stand apart.

    """

    def __init__(self, base_url: str, known: dict[str, str]) -> None:
        self.address = urlsplit(base_url)
        self.known = known
        self.answers: dict[str, bytes] = {}
        self.handing_out: dict[str, bytes] = {}
        self.statuses: set[int] = set()

    def ask(
        self,
        method: str,
        target: str,
        body: str = "",
        headers: Mapping[str, str] = NONE,
        *,
        grants: bool = False,
    ) -> bytes:
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=30)
        with closing(connection):
            connection.request(method, target, body.encode(), dict(headers))
            answer = connection.getresponse()
            self.statuses.add(answer.status)
            said = answer.read()
            told = str(answer.getheaders()).encode() + said
        kept = self.handing_out if grants else self.answers
        kept[f"answer {len(self.answers) + len(self.handing_out)} to {method} {target.partition('?')[0]}"] = told
        return said

    def learn(self, name: str, secret: str) -> str:
        assert len(secret) >= 32, (name, secret)
        self.known[f"{name} {len(self.known)}"] = secret
        return secret

    def wrong(self, kind: str) -> str:
        """Return a password or token that is wrong, which is a secret all the same: it may be right elsewhere."""
        return self.known.setdefault(f"wrong {kind} {len(self.known)}", made("Wrong"))

    # Each house: right and wrong sign-ins, calls of every kind, an ending. *faulty*: the stores are broken meanwhile.

    def mowork(self, name: str, password: str, *, faulty: bool = False) -> None:
        common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1.0", "req_timestamp": ""}

        def signed_in(shown: str) -> bytes:
            body = json.dumps({**common, "requestParam": {"username": name, "password": shown}}, ensure_ascii=False)
            return self.ask("POST", "/mowork/user/login", body, grants=shown == password)

        signed_in(self.wrong("password"))
        told = json.loads(signed_in(password))
        self.ask("POST", f"/mowork/user/login?password={quote(self.wrong('password'))}", "{")
        self.ask("POST", "/mowork/user/login", '{"requestParam":{"password":"' + self.wrong("password"))
        token = self.wrong("token") if faulty else self.learn("mowork token", told["responseParam"]["token"])
        now = told.get("resTimestamp", "")
        head = {"X-Token": token if not faulty else "x" * 32, "X-Username": quote(name)}
        members = {**common, "req_timestamp": now, "user_token": token}
        self.ask("GET", f"/mowork/user/getinfo?{urlencode(members)}", headers=head)
        self.ask(
            "GET", f"/mowork/user/getinfo?{urlencode({**members, 'user_token': self.wrong('token')})}", headers=head
        )
        self.ask("POST", f"/mowork/user/{quote(token)}", json.dumps(members), head)
        for path, arguments in (
            ("user/getinfo", {}),
            ("user/checktoken", {}),
            ("notice/add", {"title": "a", "content": "b"}),
            ("user/password", {"old_password": self.wrong("password"), "new_password": self.wrong("password")}),
            ("user/password", {"old_password": password, "new_password": "short"}),
            ("user/register", {"username": name, "password": self.wrong("password"), "invitation": made("I")}),
            ("user/logout", {}),
            ("user/checktoken", {}),
        ):
            self.ask("POST", f"/mowork/{path}", json.dumps({**members, "requestParam": arguments}), head)

    def oppmg(self, name: str, password: str, *, faulty: bool = False) -> None:
        def signed_in(shown: str) -> bytes:
            body = json.dumps({"account": name, "password": shown})
            return self.ask("POST", "/oppmg/auth/login", body, grants=shown == password)

        signed_in(self.wrong("password"))
        told = json.loads(signed_in(password))
        if faulty:
            return
        for again in range(3):
            pair = {kind: self.learn(f"oppmg {kind}", told["data"][f"{kind}_token"]) for kind in ("access", "refresh")}
            head = {"x-mmm-accesstoken": pair["access"], "x-mmm-refreshtoken": pair["refresh"]}
            self.ask("GET", "/oppmg/v1/user/info", headers=head)
            self.ask("POST", "/oppmg/v1/notice/add", BUSINESS, head)
            self.ask(
                "GET", f"/oppmg/v1/user/info?token={pair['access']}", headers={"x-mmm-accesstoken": pair["refresh"]}
            )
            self.ask("POST", "/oppmg/v1/user/password", json.dumps({"old_password": self.wrong("password")}), head)
            if again == 0:
                told = json.loads(self.ask("GET", "/oppmg/v1/auth/refresh_token", headers=head, grants=True))
            elif again == 1:
                time.sleep(2.1)  # past the access token's end: the answer is a new pair, in an error
                told = json.loads(self.ask("GET", "/oppmg/v1/user/info", headers=head, grants=True))
                assert told["code"] == "10026", told
        company = self.ask("POST", "/oppmg/v1/auth/change_company", '{"company_id":1}', head, grants=True)
        self.learn("oppmg access", json.loads(company)["data"]["access_token"])
        self.ask("POST", "/oppmg/v1/auth/logout", "{}", head)
        self.ask("GET", "/oppmg/v1/auth/refresh_token", headers=head)

    def thinkjs(self, name: str, password: str, *, faulty: bool = False) -> None:
        def signed_in(shown: str) -> bytes:
            body = json.dumps({"username": name, "password": shown}, ensure_ascii=False)
            return self.ask("POST", "/thinkjs/api/system/token/create", body, grants=shown == password)

        signed_in(self.wrong("password"))
        told = json.loads(signed_in(password))
        if faulty:
            return
        head = {"Authorization": self.learn("thinkjs token", told["data"]["token"])}
        self.ask("GET", "/thinkjs/api/system/user/info", headers=head)
        self.ask("GET", f"/thinkjs/api/notice/list?Authorization={head['Authorization']}", headers=head)
        self.ask("POST", "/thinkjs/api/notice/add", BUSINESS, head)
        new = self.known.setdefault("a new password", made("New"))
        change = {"old_password": password, "new_password": new}
        assert json.loads(self.ask("POST", "/thinkjs/api/system/user/password", json.dumps(change), head))["errno"] == 0
        change = {"old_password": new, "new_password": password}
        self.ask("POST", "/thinkjs/api/system/user/password", json.dumps(change), head)
        self.ask("POST", "/thinkjs/api/system/token/delete", "{}", head)
        self.ask("GET", "/thinkjs/api/system/user/info", headers=head)

    def twokeys(self, name: str, password: str, client: tuple[str, str], *, faulty: bool = False) -> None:
        day = (datetime.now(UTC) + timedelta(hours=8)).strftime("%Y-%m-%d")

        def call(path: str, members: Mapping[str, str], *, grants: bool = False, secret: str = client[1]) -> bytes:
            first = self.learn("api_token", api_token(*path.split("/"), day, secret))
            target = f"/twokeys/{path}?{urlencode({'client_id': client[0], 'api_token': first})}"
            head = {"Content-Type": "application/x-www-form-urlencoded"}
            return self.ask("POST", target, urlencode(members), head, grants=grants)

        call("api/login/login", {"username": name, "password": self.wrong("password")})
        call("api/login/login", {"username": name, "password": password}, secret=self.wrong("secret"))
        told = json.loads(call("api/login/login", {"username": name, "password": password}, grants=True))
        if faulty:
            return
        user = {"user_id": str(told["data"]["user_id"]), "user_token": told["data"]["user_token"]}
        self.learn("user_token", user["user_token"])
        call("api/user/info", user)
        call("api/user/info", {**user, "user_token": self.wrong("token")})
        call("api/notice/add", {**user, "title": "a", "content": "b"})
        call("api/user/password", {**user, "old_password": self.wrong("password"), "new_password": password})
        call("api/login/logout", user)
        call("api/user/info", user)

    def zhiyun(self, name: str, password: str, desktop: tuple[str, str], *, faulty: bool = False) -> None:
        def call(path: str, members: Mapping[str, str], *, grants: bool = False, secret: str = desktop[1]) -> bytes:
            t = int(time.time() * 1000)
            proof = base64.b64encode(f"{desktop[0]}:{secret}".encode()).decode()
            query = {"t_": str(t), "p_": str(t % 10000 * 3 + 2345)}
            head = {"Authorization": f"Basic {proof}", "Content-Type": "application/x-www-form-urlencoded"}
            if path.startswith("authService/login"):
                target, body = f"{path}?{urlencode(query)}", urlencode(members)
                return self.ask("POST", f"/zhiyun/apis/rest/{target}", body, head, grants=grants)
            return self.ask(
                "GET", f"/zhiyun/apis/rest/{path}?{urlencode(query | dict(members))}", "", head, grants=grants
            )

        call("authService/login/json", {"username": name, "password": self.wrong("password")})
        call("authService/login/json", {"username": name, "password": password}, secret=self.wrong("secret"))
        told = json.loads(call("authService/login/json", {"username": name, "password": password}, grants=True))
        if faulty:
            return
        token = {"access_token": self.learn("access_token", told["data"]["access_token"])}
        for kind in ("json", "xml"):
            said = call(f"authService/authorize/{kind}", token, grants=True)
            if kind == "json":
                code = self.learn("auth_code", json.loads(said)["data"]["auth_code"])
            for call_name in ("userService/getUserInfo", "companyService/getCompanyInfo"):
                call(f"{call_name}/{kind}", {**token, "auth_code": code})
                call(f"{call_name}/{kind}", {**token, "auth_code": self.wrong("code")})
                call(f"{call_name}/{kind}", {"access_token": self.wrong("token"), "auth_code": code})
        call("authService/logout/json", token)
        call("userService/getUserInfo/json", {**token, "auth_code": code})


FAULTS = {
    "tables gone": (
        "ALTER TABLE users RENAME TO users_gone; ALTER TABLE sessions RENAME TO sessions_gone",
        "ALTER TABLE users_gone RENAME TO users; ALTER TABLE sessions_gone RENAME TO sessions",
    ),
    "rows refused": (
        "CREATE TRIGGER planted BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'planted'); END",
        "DROP TRIGGER planted",
    ),
}
"""What is broken in the database, and how it is put right: the first is a store that fails, the second our failure."""


def run_sql(database: Path, statements: str) -> None:
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        connection.executescript(f"PRAGMA legacy_alter_table = ON; {statements};")


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """What the tour leaves behind: the places to search, the tour, and the folder."""
    folder = tmp_path_factory.mktemp("canaries")
    data = folder / "data"
    house = open_house(data, {})
    house.prepare()
    company = AddCompany(house.stores, house.clock)("operator", Company(0, "山海科技")).id
    known = {"the password": made("Right")}
    user = User(id=0, name="canary-user", name_key="", password="", truename="Canary-Truename")
    add = AddUser(house.stores, house.clock, published_too=True)
    add("operator", NewUser(user, known["the password"], (Joining(company),)))
    clients = {}
    for contract in ("twokeys", "zhiyun"):
        asked = Client("", contract, contracts=frozenset({contract}), scope="basic full notice", desktop=True)
        registered = AddClient(house.stores, house.keys, house.clock, house.randomness)("operator", NewClient(asked))
        clients[contract] = (registered.client.id, registered.secret.reveal())
        known[f"{contract}'s client secret"] = registered.secret.reveal()
    house.stop()
    settings = {"LINGPAI_CONTRACTS__OPPMG__ACCESS_SECONDS": "2", "LINGPAI_CONTRACTS__OPPMG__LEEWAY_SECONDS": "0"}
    settings["LINGPAI_CONTRACTS__MOWORK__REGISTRATION"] = "open"
    settings["LINGPAI_CONTRACTS__MOWORK__INVITATION"] = known.setdefault("the invitation", made("Invitation"))
    settings["LINGPAI_LOG__REQUESTS"] = "all"
    with running(data, **settings) as base_url:
        tour = Tour(base_url, known)
        database = next(path for path in data.iterdir() if path.is_file() and path.read_bytes()[:6] == b"SQLite")
        for fault in ("", *FAULTS):
            if fault:
                run_sql(database, FAULTS[fault][0])
            faulty = bool(fault)
            tour.mowork("canary-user", known["the password"], faulty=faulty)
            tour.oppmg("canary-user", known["the password"], faulty=faulty)
            tour.thinkjs("canary-user", known["the password"], faulty=faulty)
            tour.twokeys("canary-user", known["the password"], clients["twokeys"], faulty=faulty)
            tour.zhiyun("canary-user", known["the password"], clients["zhiyun"], faulty=faulty)
            for page in PAGES:
                tour.ask("GET", f"{page}?token={quote(known['the password'])}")
            if fault:
                run_sql(database, FAULTS[fault][1])
        places = {f"while it ran: {name}": text for name, text in files(folder, but=(MASTER_KEY,)).items()}
    places |= files(folder, but=(MASTER_KEY,))
    command = [*LINGPAI, "audit", "export", "--data", str(data)]
    places["lingpai audit export"] = subprocess.run(command, capture_output=True, check=True).stdout
    house = open_house(data, {})
    house.prepare()
    keys = {f"key {purpose} {key.id}": key.value for purpose, row in house.keys._keys.items() for key in row}
    house.stop()
    return places, tour, keys, data


def log(places: Mapping[str, bytes]) -> bytes:
    return b"".join(text for name, text in places.items() if name.startswith("server-"))


def test_the_tour_saw_every_house_grant_refuse_and_fail(left):
    places, tour, keys, _ = left
    assert tour.statuses >= {200, 401, 403, 404, 500, 503}
    kinds = {name.rpartition(" ")[0] for name in tour.known}
    assert {"mowork token", "oppmg access", "oppmg refresh", "thinkjs token", "user_token", "access_token"} <= kinds
    assert {"auth_code", "api_token", "wrong password", "wrong token", "wrong secret", "wrong code"} <= kinds
    assert len(tour.known) > 60
    assert len(keys) >= 5
    # What may be there is found, so the places are the right ones, and what is not may be searched for in them.
    assert hunt(places, {"a name": "Canary-Truename"})
    assert b"Traceback" in log(places)
    assert all(word in log(places) for word in (b'"answered"', b'"refused"', b'"started"', b'"outcome": "INTERNAL"'))
    assert b"lingpai_calls_total" in b"".join(tour.answers.values())
    assert any(name.endswith("audit export") for name in places)
    assert any(name.startswith("rows of") for name in places)


def test_no_secret_is_in_the_data_folder_or_in_the_log(left):
    places, tour, keys, data = left
    assert hunt(places, tour.known) == []
    assert hunt(places, keys) == []
    assert hunt(places, {"the master key": bytes.fromhex((data / MASTER_KEY).read_text().strip())}) == []


def test_no_hash_of_a_password_is_in_the_log(left):
    places, *_ = left
    assert b"$argon2" in b"".join(places.values())
    assert b"$argon2" not in log(places)


def test_no_answer_tells_a_secret_but_the_one_that_hands_it_out(left):
    _, tour, keys, _ = left
    assert hunt(tour.answers, tour.known) == []
    handed = {
        name.rpartition(" ")[0] for name in tour.known if "token" in name or "oppmg" in name or "auth_code" in name
    }
    never = {name: secret for name, secret in tour.known.items() if name.rpartition(" ")[0] not in handed}
    assert hunt(tour.handing_out, never) == []
    assert hunt(tour.answers | tour.handing_out, keys) == []


SPELLINGS = tuple(name for name, _ in spellings(b"x"))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_planted_secret_is_found_in_a_file_a_row_a_log_and_an_answer(spelling, left, tmp_path):
    _, tour, *_ = left
    for name, secret in list(tour.known.items())[:12]:
        whole = secret.rpartition(".")[2] if secret.startswith("eyJ") else secret
        planted = dict(spellings(whole.encode()))[spelling]
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / "anything.tmp").write_bytes(b"before" + planted + b"behind")
        (tmp_path / "server-1.log").write_bytes(b"INFO: " + planted)
        with closing(sqlite3.connect(tmp_path / "data" / "x.db")) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS t (a)")
            connection.execute("DELETE FROM t")
            # Long enough to be cut in pieces on the database's pages.
            connection.execute("INSERT INTO t VALUES (?)", (b"x" * 4060 + planted + b"y" * 9000,))
            connection.commit()
        found = " ".join(hunt(files(tmp_path), {name: secret}))
        assert all(place in found for place in ("anything.tmp", "server-1.log", "rows of x.db")), (name, found)
    if spelling.startswith("base64 from"):
        before = b"\0" * int(spelling[-1])
        assert hunt(
            {"a": base64.b64encode(before + b"another text of some length")}, {"b": b"another text of some length"}
        )


def test_half_a_secret_is_found_too(left):
    _, tour, *_ = left
    token = next(secret for name, secret in tour.known.items() if name.startswith("mowork token"))
    assert hunt({"log": f"token={token[:16]}...".encode()}, {"token": token})
    assert hunt({"log": hashlib.sha256(token.encode()).hexdigest().encode()}, {"token": token}) == []
