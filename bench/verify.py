"""A signed-in read of oneself in every contract, beside the floor: one session, and many picked at random."""

import os
import secrets
import socket
import statistics
import tempfile
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import md5
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from bench.load import Measured, granian, line, load
from lingpai.composition import House, open_house
from lingpai.edge.checks.server_time import write_server_time
from lingpai.edge.schemes.jwt import write_jwt
from lingpai.edge.schemes.signed_user import fields_md5
from lingpai.edge.schemes.token_pair import token_id
from lingpai.edge.steps import built_in_id
from lingpai.operations.add_client import AddClient, NewClient, Registered
from lingpai.operations.authorize import auth_code
from lingpai.stores.sql.tables import codes, companies, generations, memberships, sessions, users
from lingpai.stores.sql.values import columns_of
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.values import AuthCode, Client, Company, Generation, Session, User

GOALS = {"oppmg": 1.5, "thinkjs": 1.5, "mowork": 2.0, "twokeys": 2.0, "zhiyun": 2.0, "zhiyun xml": 2.3}
"""How many times the floor a signed-in read may cost (bench.md)."""

BATCH = 5000


@dataclass
class Ground:
    """What is measured on: a house with many users, and how to make requests of its sessions."""

    house: House
    now: int
    users: list[User]

    def sessions(self, contract: str, client_id: str, count: int) -> list[tuple[Session, str]]:
        """Open *count* sessions of *contract*, and return each with its bearer token."""
        terms = self.house.served[contract].contract.terms
        made = []
        for number in range(count):
            user = self.users[number % len(self.users)]
            token = terms.mint(secrets.token_bytes, user.id, self.now // SECOND) if terms.mint else ""
            session = Session(
                id=secrets.token_urlsafe(16),
                user_id=user.id,
                client_id=client_id,
                contract=contract,
                client_type="unknown",
                token_digest=self.house.keys.digest(token) if token else None,
                company_id=1 if terms.company_chosen else None,
                began=self.now,
                idle_end=terms.idle_end(self.now, first=True),
                end=self.now + terms.absolute_seconds * SECOND,
                last_seen=self.now,
                last_issued=self.now,
            )
            made.append((session, token))
        _insert(self.house, sessions, [columns_of(session) for session, _ in made])
        return made

    def client(self, client: Client) -> Registered:
        """Register a client."""
        add = AddClient(self.house.stores, self.house.keys, self.house.clock, secrets.token_bytes)
        return add("bench", NewClient(client))

    def user_of(self, session: Session) -> User:
        """Return whose session it is."""
        return self.users[session.user_id - 1]


def _insert(house: House, table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), BATCH):
        with house.stores._database.writing() as transaction:
            transaction.each(insert(table), rows[start : start + BATCH])


def lay_ground(data: Path, count: int) -> Ground:
    """Fill *data* with *count* users in one company."""
    house = open_house(data, os.environ)
    house.prepare()
    now = house.clock()
    people = [
        User(n, f"user{n}", f"user{n}", "", truename="李雷", phone="13800138000", company_id=1, created=now)
        for n in range(1, count + 1)
    ]
    _insert(house, companies, [columns_of(Company(1, "和园物业", created=now))])
    _insert(house, users, [columns_of(person) for person in people])
    _insert(house, memberships, [{"user_id": p.id, "company_id": 1, "is_admin": False} for p in people])
    return Ground(house, now, people)


def mowork(ground: Ground, count: int) -> list[str]:
    """GET with a flattened query and two headers."""
    told = write_server_time(ground.now).replace(" ", "%20")
    target = f"/mowork/user/getinfo?client_type=pc&client_sys_version=chrome57.0&api_version=v1.0&req_timestamp={told}"
    opened = ground.sessions("mowork", built_in_id("mowork", "pc"), count)
    return [line("GET", target, {"X-Token": t, "X-Username": ground.user_of(s).name}) for s, t in opened]


def oppmg(ground: Ground, count: int) -> list[str]:
    """GET with the access token in a header."""
    key = ground.house.keys.current("oppmg.pair")
    opened = ground.sessions("oppmg", built_in_id("oppmg", "unknown"), count)
    now = ground.now // SECOND
    pairs = [Generation(session.id, 1, 1, now, key.id) for session, _ in opened]
    _insert(ground.house, generations, [columns_of(pair) for pair in pairs])

    def token(session: Session) -> str:
        claims = {"exp": now + 1802, "iat": now, "iss": "mmm_oppmg", "nbf": now, "uid": session.user_id}
        claims |= {"company_id": 1, "sid": session.id, "jti": token_id(session.id, "access", 1)}
        return write_jwt(claims, key.value[:32])

    return [line("GET", "/oppmg/v1/user/info", {"x-mmm-accesstoken": token(session)}) for session, _ in opened]


def thinkjs(ground: Ground, count: int) -> list[str]:
    """GET with the bare token in Authorization."""
    keys = ground.house.keys
    opened = ground.sessions("thinkjs", built_in_id("thinkjs", "unknown"), count)

    def token(session: Session) -> str:
        fields = {"id": session.user_id, "username": ground.user_of(session).name, "sid": session.id, "jti": "bench"}
        md5 = fields_md5(fields, keys.current("thinkjs.salt").value)
        times = {"iat": session.began // SECOND, "exp": session.end // SECOND}
        return write_jwt({**fields, "md5": md5, **times}, keys.current("thinkjs.token").value)

    return [line("GET", "/thinkjs/api/system/user/info", {"Authorization": token(session)}) for session, _ in opened]


def twokeys(ground: Ground, count: int) -> list[str]:
    """GET with the app's token and the user's in the query."""
    app = ground.client(Client("", "bench", contracts=frozenset({"twokeys"})))
    day = datetime.fromtimestamp(ground.now // SECOND, ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d")
    right = md5(f"apiuserinfo{day}{app.secret.reveal()}".encode(), usedforsecurity=False).hexdigest()
    target = f"/twokeys/api/user/info?client_id={app.client.id}&api_token={right}"
    opened = ground.sessions("twokeys", app.client.id, count)
    return [line("GET", f"{target}&user_id={s.user_id}&user_token={t}", {}) for s, t in opened]


def zhiyun(ground: Ground, count: int, written: str = "json") -> list[str]:
    """GET with Basic, an access token and a code that was given for long."""
    app = ground.client(Client("", "bench", contracts=frozenset({"zhiyun"}), scope="basic", desktop=True))
    opened = ground.sessions("zhiyun", app.client.id, count)
    scope = frozenset({"getUserInfo", "getCompanyInfo"})
    codes_made = [auth_code(secrets.token_bytes(100)) for _ in opened]
    end = ground.now + 86_400 * SECOND
    rows = [
        AuthCode(ground.house.keys.digest(code), app.client.id, session.user_id, session.id, scope, 1, end)
        for code, (session, _) in zip(codes_made, opened, strict=True)
    ]
    _insert(ground.house, codes, [columns_of(row) for row in rows])
    basic = b64encode(f"{app.client.id}:{app.secret.reveal()}".encode()).decode()
    moment = f"t_={ground.now}&p_={ground.now % 10000 * 3 + 2345}&client_id={app.client.id}"
    target = f"/zhiyun/apis/rest/userService/getUserInfo/{written}?{moment}"
    return [
        line("GET", f"{target}&access_token={token}&auth_code={code}", {"Authorization": f"Basic {basic}"})
        for code, (_, token) in zip(codes_made, opened, strict=True)
    ]


def zhiyun_xml(ground: Ground, count: int) -> list[str]:
    """Ask the same for XML."""
    return zhiyun(ground, count, "xml")


REQUESTS: dict[str, Callable[[Ground, int], list[str]]] = {
    "oppmg": oppmg,
    "thinkjs": thinkjs,
    "mowork": mowork,
    "twokeys": twokeys,
    "zhiyun": zhiyun,
    "zhiyun xml": zhiyun_xml,
}
"""How each contract is asked."""

MARKERS = {
    "oppmg": '"code":"00000"',
    "thinkjs": '"errno":0,',
    "mowork": '"resCode":"100000"',
    "twokeys": '{"code":1,',
    "zhiyun": '"code":200,',
    "zhiyun xml": "<code>200</code>",
}
"""What each right answer contains."""


def verify(*, count: int, seconds: int, rounds: int, names: list[str]) -> dict[str, Any]:
    """Measure, print the ratios, and return everything that was seen."""
    seen: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as folder:
        print(f"laying the ground: {count} users, {count} sessions in each of {', '.join(names)} …", flush=True)
        ground = lay_ground(Path(folder), count)
        asked = {name: REQUESTS[name](ground, count) for name in names}
        ground.house.stores.close()
        environment = {"LINGPAI_DATA": folder}
        with granian("bench.floor:app") as floor:
            for name in names:
                # A server of its own, so that its memory holds this contract's sessions and no others.
                with granian("--factory", "lingpai.app:create", environment=environment) as server:
                    print(f"{name}: each token once …", flush=True)
                    warm(server[0], asked[name])
                    for number in range(rounds):
                        print(f"{name}: round {number + 1} of {rounds} …", flush=True)
                        runs = (
                            (f"{name} floor", floor, asked[name], "but the floor"),
                            (f"{name} one", server, asked[name][:1], MARKERS[name]),
                            (f"{name} many", server, asked[name], MARKERS[name]),
                        )
                        for title, (port, pid), requests, marker in runs:
                            seen.setdefault(title, []).append(load(port, pid, requests, marker, seconds=seconds))
    return report(seen, names)


def warm(port: int, requests: list[str]) -> None:
    """Send each request once, fifty at a time over one kept connection, so that the worker remembers every session."""
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answers:
        for start in range(0, len(requests), 50):
            batch = requests[start : start + 50]
            connection.sendall("".join(batch).replace("\\r\\n", "\r\n").encode())
            for _ in batch:
                _read_answer(answers)


def _read_answer(answers: BinaryIO) -> None:
    length = 0
    while (head := answers.readline()) != b"\r\n":
        name, _, value = head.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    answers.read(length)


def report(seen: dict[str, list[Measured]], names: list[str]) -> dict[str, Any]:
    """Print the medians as a table of ratios, and return all of it."""
    rows: dict[str, Any] = {}
    print(f"\n{'contract':12}{'floor µs':>10}{'one ÷':>8}{'many ÷':>8}{'goal':>7}{'many/s':>10}{'p99 ms':>9}")
    for name in names:
        floor, one, many = (_median(seen[f"{name} {kind}"]) for kind in ("floor", "one", "many"))
        row = {"floor_us": floor, "one": one / floor, "many": many / floor, "goal": GOALS[name]}
        last = seen[f"{name} many"][-1]
        rows[name] = row | {"runs": {k: [asdict(m) for m in v] for k, v in seen.items() if k.startswith(f"{name} ")}}
        figures = f"{floor:10.1f}{row['one']:8.2f}{row['many']:8.2f}{row['goal']:7.1f}"
        print(f"{name:12}{figures}{last.per_second:10.0f}{last.p99_ms:9.1f}")
    return rows


def _median(runs: list[Measured]) -> float:
    return statistics.median(run.cpu_us for run in runs)
