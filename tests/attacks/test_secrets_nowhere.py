"""
No token, password or secret is found where it does not belong, however it is written.

A server in earnest is asked for everything in all five houses, by front ends, proxies, guards, machines and browsers,
while an operator types every command and rotates every key; then its stores are broken. All that is left behind,
printed, answered or told of the processes is searched. What is planted there is found.
"""

import base64
import hashlib
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unittest.mock import patch

import pytest
import redis

from lingpai.bridges import node
from lingpai.cli.reference import leaves
from lingpai.composition import DATABASE, MASTER_KEY, open_house
from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.add_company import AddCompany
from lingpai.operations.add_user import AddUser, Joining, NewUser
from lingpai.vocabulary.values import Client, Company, User
from tests.attacks import errands
from tests.attacks.hunting import Known, files, hunt, spellings
from tests.attacks.tour import SERVICE, Tour, made
from tests.cli.running import environment, serving
from tests.principals.test_rates import started

HERE = Path(__file__).parent

pytestmark = pytest.mark.timeout(600)

HOUSES = ("mowork", "oppmg", "twokeys", "zhiyun", "thinkjs")

SETTINGS = f"""
module_files = [{json.dumps(str(HERE / "clumsy.py"))}]

[log]
requests = "all"

[limits]
register = "6/minute"

[forward.{SERVICE}]
contracts = {json.dumps(HOUSES)}

[contracts.oppmg]
access_seconds = 2
leeway_seconds = 0

[contracts.mowork]
registration = "open"

[contracts.zhiyun.scopes]
basic = "getUserInfo,getCompanyInfo,orderService/list"
"""

FAULTS = {
    "tables gone": (
        "ALTER TABLE users RENAME TO users_gone; ALTER TABLE sessions RENAME TO sessions_gone",
        "ALTER TABLE users_gone RENAME TO users; ALTER TABLE sessions_gone RENAME TO sessions",
    ),
    "rows refused": (
        "; ".join(
            f"CREATE TRIGGER planted_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'planted'); END"
            for table in ("sessions", "users")
        ),
        "DROP TRIGGER planted_sessions; DROP TRIGGER planted_users",
    ),
}
"""What is broken in the database, and how it is put right: the first is a store that fails, the second our failure."""


@dataclass(repr=False)
class Left:
    """
    What is left behind.

    Args:
        known: The secrets, and where each may be.
        places: Everything that is searched, by what it is.
        published: The secrets of the transcripts, which are searched for in what they leave.

    """

    known: Known
    places: dict[str, bytes]
    tour: Tour
    operator: errands.Operator
    published: tuple[Known, dict[str, bytes]]

    def named(self, *words: str) -> bytes:
        """Return what stands in all places with one of *words* in their name."""
        return b"".join(text for place, text in self.places.items() if any(word in place for word in words))

    @property
    def log(self) -> bytes:
        """What the server logged."""
        return self.named("server-")

    @cached_property
    def lines(self) -> list[dict]:
        """The lines of that which are JSON, as what the server greets with is not."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith(b"{")]


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """Do everything, and return what is left of it."""
    folder = tmp_path_factory.mktemp("canaries")
    with ExitStack() as stack:
        for name in ("home", "tmp"):
            (folder / name).mkdir()
        stack.enter_context(patch.object(tempfile, "tempdir", str(folder / "tmp")))
        # A machine that is busy with other tests answers a guard later.
        stack.enter_context(patch.object(node, "SECONDS", 30))
        return _done(folder, stack)


def _done(folder: Path, stack: ExitStack) -> Left:
    known, data = Known(), folder / "data"
    variables = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    invitation = variables["LINGPAI_CONTRACTS__MOWORK__INVITATION"] = made("Invitation", plain=True)
    known.learn("the invitation", invitation)
    variables["LINGPAI_LIMITS__SHARED"], valkey = stack.enter_context(_valkey(known))
    tour_of = _filled(data, known)
    operator = errands.Operator(known, data, environment(variables))
    stack.enter_context(errands.written_down(folder / "service.log"))
    with serving(data, "--workers", "2", variables=variables) as server:
        house = open_house(data, {})
        house.start()
        try:
            tour = tour_of(server.base_url, house)
            asking_token = _whole(tour, operator, folder)
            _broken(tour, operator, asking_token)
        finally:
            # Before any file is read: to close it would end the locks that this process's own SQLite holds.
            house.stop()
        places = {f"while it ran: {name}": text for name, text in files(folder).items()}
        about = errands.processes(server.process.pid)
    _alone(tour, operator, folder)
    published = errands.transcripts(HERE.parent / "conformance")
    places |= files(folder) | about | operator.printed | tour.answers | {"the Valkey": valkey()}
    for place in about:
        if place.startswith("the environment"):
            for given in ("the invitation", "the password of the Valkey"):
                known.at_home[given].add(place)
    return Left(known, places, tour, operator, published)


def _whole(tour: Tour, operator: errands.Operator, folder: Path) -> str:
    """Do everything to a server that is well, and return the token with which its services ask."""

    def learn_keys() -> None:
        _learn_keys(tour.known, operator.data)

    learn_keys()
    proofs = tour.goes()
    asking_token = errands.changes_much(operator, tour)
    tour.proxies(proofs, asking_token)
    errands.visits(tour, proofs, asking_token)
    learn_keys()
    errands.rotates(operator, tour, learn_keys)
    learn_keys()
    tour.breakages()
    errands.tries(operator, tour)
    errands.slips(operator, tour)
    tour.hears_too_many()
    errands.looks_around(operator, [client for client, _ in tour.clients.values()], folder)
    return asking_token


def _broken(tour: Tour, operator: errands.Operator, asking_token: str) -> None:
    """Do all of it once more, with the new keys, and while the stores are broken, each in its way."""
    proofs = tour.goes()
    for broken, mended in FAULTS.values():
        _run_sql(operator.data, broken)
        tour.goes(faulty=True)
        tour.proxies(proofs, asking_token)
        errands.visits(tour, proofs, asking_token)
        operator.types("token mint --user canary-user --contract mowork --client mowork:pc")
        operator.types("user reset canary-user --password-stdin", tour.wrong("password"))
        operator.runs("user add unlucky --password-stdin", tour.wrong("password"))
        _run_sql(operator.data, mended)


def _alone(tour: Tour, operator: errands.Operator, folder: Path) -> None:
    """Type what is typed while no server runs, and make a demo and play with it."""
    for words in ("clock trust", "migrate", "audit export"):
        operator.types(words)
    operator.types("demo --json", shows=True, data=folder / "demo")
    errands.plays(tour, folder / "demo")
    for data in (operator.data, folder / "demo"):
        _learn_keys(tour.known, data)


def _filled(data: Path, known: Known):
    """Make a house with a user and two clients in *data*, and return what makes the tour of it."""
    data.mkdir(mode=0o700)
    (data / "lingpai.toml").write_text(SETTINGS)
    house = open_house(data, {})
    house.prepare()
    company = AddCompany(house.stores, house.clock)("operator", Company(0, "山海科技")).id
    password = made("Right")
    known.learn("the password", password)
    user = User(id=0, name="canary-user", name_key="", password="", truename="Canary-Truename")
    AddUser(house.stores, house.clock)("operator", NewUser(user, password, (Joining(company),)))
    clients = {}
    for contract in ("twokeys", "zhiyun"):
        asked = Client("", contract, contracts=frozenset({contract}), scope="basic full notice clumsy", desktop=True)
        registered = AddClient(house.stores, house.keys, house.clock, house.randomness)("operator", NewClient(asked))
        clients[contract] = (registered.client.id, registered.secret.reveal())
        known.learn(f"{contract}'s client secret", registered.secret.reveal())
    house.stop()
    return lambda url, served: Tour(url, known, "canary-user", password, clients, served)


def _learn_keys(known: Known, data: Path) -> None:
    """Learn every working key and master key of the house in *data*; a master key may be in its own file."""
    house = open_house(data, {})
    house.prepare()
    for purpose in {row.purpose for row in house.stores.keys.all()}:
        house.keys.prepare(purpose)
    for purpose, row in house.keys._keys.items():
        for key in row:
            known.learn(f"{data.name}'s key {purpose} {key.id}", key.value)
    house.stop()
    for file in data.glob(f"{MASTER_KEY}*"):
        place = f"{data.name}/{file.name}"
        known.learn(place, bytes.fromhex(file.read_text().strip()), place, f"while it ran: {place}")


RUN_SQL = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None) as connection:
    connection.executescript(f"PRAGMA legacy_alter_table = ON; {sys.argv[2]};")
"""


def _run_sql(data: Path, statements: str) -> None:
    """Change the database behind everybody's back; elsewhere, since to close it here would end this process's locks."""
    subprocess.run([sys.executable, "-c", RUN_SQL, str(data / DATABASE), statements], check=True)


@contextmanager
def _valkey(known: Known) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Run a Valkey with a password, and return its URL, and what tells every key and command that it was given."""
    password = made("Valkey", plain=True)
    known.learn("the password of the Valkey", password)
    server = started()
    client = redis.Redis(port=server.port)
    client.config_set("slowlog-log-slower-than", 0)
    client.config_set("slowlog-max-len", 1_000_000)
    client.config_set("requirepass", password)
    client = redis.Redis(port=server.port, password=password)

    def told() -> bytes:
        keys = {key: client.dump(key) for key in client.scan_iter()}
        return str([each["command"] for each in client.slowlog_get(-1)]).encode() + str(keys).encode()

    try:
        yield f"valkey://:{password}@127.0.0.1:{server.port}", told
    finally:
        client.close()
        server.stop()


def test_everything_was_asked_and_much_was_refused(left):
    tour = left.tour
    assert tour.statuses >= {200, 400, 401, 403, 404, 405, 500, 503}
    kinds = {name.partition(" of ")[0] for name in left.known.secrets}
    assert kinds >= {"token", "access_token", "refresh_token", "user_token", "auth_code", "identity"}
    assert {
        (kind, status) for kind in ("in process", "with rules", "over HTTP") for status in (200, 401, 503)
    } <= tour.visited
    outcomes = {line["outcome"] for line in left.lines if "outcome" in line}
    assert outcomes >= {"OK", "INTERNAL", "STORE_SILENT", "TOO_MANY_ATTEMPTS", "CLIENT_SECRET_WRONG", "TOKENS_RENEWED"}
    assert len(left.known.secrets) > 300


def test_every_route_of_every_contract_was_asked(left):
    house = left.tour.house
    there = {(name, route.path) for name, served in house.served.items() for route in served.contract.all_routes()}
    asked = {(line["contract"], line["route"]) for line in left.lines if "route" in line}
    assert not there - asked, "a route that nobody asks: Tour.routes leaves it out, so let the house's method ask it"


def test_every_command_was_typed_and_ended_well(left):
    # The server is a process of its own; of a house in such a state `doctor` finds something.
    untyped = set(leaves()) - left.operator.succeeded() - {"serve", "doctor"}
    assert not untyped, "a command that is not searched: let errands.py type it, with shows=True if it shows a secret"
    assert left.operator.typed >= set(leaves())


EXPECTED = {
    "rows of": "Canary-Truename",
    "lingpai user show": "Canary-Truename",
    "answer": "Canary-Truename",
    "lingpai audit export": "secret-rotated",
    "server-": "CREDENTIALS_MISSING",
    "service.log": "CREDENTIALS_MISSING",
    "the environment of": "LINGPAI_LIMITS__SHARED",
    "the command of": "lingpai.cli",
    "rows of data": "user:registered",
    "of a demo": "clientSecret",
    "rows of demo": "和园物业集团有限公司",
    "the Valkey": "LIMITER",
    **{f"GET /{house}/openapi.json": '"openapi":"3.1' for house in HOUSES},
    **{f"GET /{house}/docs": "<h1" for house in HOUSES},
}
"""What is no secret and stands where we look."""


def test_what_may_be_there_is_found_so_the_places_are_the_right_ones(left):
    assert left.known.never_at_home(left.places) == []
    for words, text in EXPECTED.items():
        assert text.encode() in left.named(words), words
    assert b"Traceback" in left.log
    assert all(word in left.log for word in (b'"answered"', b'"refused"', b'"started"'))
    assert b"lingpai_calls_total" in left.named("/metrics")
    assert b"IntegrityError" in left.named("lingpai token mint")
    assert b"IntegrityError" in left.named("a process of lingpai user add")
    # The line that failed, and not what it said.
    assert b"cannot keep {note.text!r}" in left.log
    assert b"cannot keep 'Wrong" not in left.log


def test_no_secret_is_anywhere_but_where_it_was_handed_out(left):
    leaks = left.known.abroad(left.places)
    assert leaks == [], "\n".join(leaks)


def test_no_secret_of_a_transcript_is_in_what_playing_it_leaves(left):
    known, places = left.published
    assert len(known.secrets) > 50
    assert known.abroad(places | {"the log": left.places["service.log"]}) == []


def test_no_hash_of_a_password_is_in_a_log_an_answer_or_on_the_screen(left):
    assert b"$argon2" in left.named("rows of")
    assert [place for place, text in left.places.items() if b"$argon2" in text and "lingpai.db" not in place] == []


SPELLINGS = tuple(name for name, _ in spellings(b"x"))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_planted_secret_is_found_in_a_file_a_row_a_log_and_an_answer(spelling, left, tmp_path):
    known = left.known
    for name, secret in [(n, s) for n, s in known.secrets.items() if isinstance(s, str)][:40]:
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
        assert all(place in found for place in ("anything.tmp", "server-1.log", "rows of data/x.db")), (name, found)
    if spelling.startswith("base64 from"):
        before = b"\0" * int(spelling[-1])
        assert hunt(
            {"a": base64.b64encode(before + b"another text of some length")}, {"b": b"another text of some length"}
        )


def test_half_a_secret_is_found_too(left):
    known = left.known
    token = next(secret for name, secret in known.secrets.items() if name.startswith("token of"))
    assert hunt({"log": f"token={token[:16]}...".encode()}, {"token": token})
    assert hunt({"log": hashlib.sha256(token.encode()).hexdigest().encode()}, {"token": token}) == []
