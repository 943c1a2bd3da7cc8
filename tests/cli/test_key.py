"""Keys and secrets are rotated under a server with two workers, while front ends read, sign in and renew."""

import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from lingpai.composition import MASTER_KEY, open_house
from lingpai.edge.schemes.jwt import read_jwt
from lingpai.principals.keys import PEPPER
from lingpai.vocabulary.outcomes import Refused
from tests.cli.running import environment, serving
from tests.cli.speaking import FRONT_ENDS, Person, sent

PAIR = "oppmg.pair"


def person(demo, port, name, username="wangfang"):
    program = demo.client("zhiyun" if name == "zhiyun" else "twokeys")
    return Person(port, username, demo.user(username)["password"], program["client_id"], program["client_secret"])


@dataclass
class Renewing:
    """An oppmg front end that renews its pair before each read, and must never have to sign in again."""

    who: Person
    pair: dict = field(default_factory=dict)

    def __post_init__(self):
        self.pair = self._ask("POST", "/oppmg/auth/login", {"account": self.who.name, "password": self.who.password})

    def asks(self):
        self.pair = self._ask("POST", "/oppmg/v1/auth/refresh_token", x_mmm_refreshtoken=self.pair["refresh_token"])
        return self.reads(self.pair["access_token"])

    def reads(self, access_token):
        status, body = sent(self.who.port, "GET", "/oppmg/v1/user/info", headers={"x-mmm-accesstoken": access_token})
        return (status, body["code"]) == (200, "00000")

    def _ask(self, method, path, members=None, **headers):
        status, body = sent(
            self.who.port, method, path, members, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        assert (status, body["code"]) == (200, "00000"), body
        return body["data"]


class Crowd:
    """Front ends that call until they are told to stop; what was refused is kept."""

    def __init__(self):
        self._stopped = threading.Event()
        self.refused = []
        self.served = dict.fromkeys((*FRONT_ENDS, "renewing"), 0)

    def call(self, name, asks):
        while not self._stopped.wait(0.1):
            try:
                good = asks()
            except Exception as trouble:  # noqa: BLE001 - whatever it is, somebody was not served
                good, trouble_said = False, repr(trouble)
            else:
                trouble_said = "refused"
            self.served[name] += good
            if not good:
                self.refused.append((name, trouble_said))
                return

    @contextmanager
    def calling(self, held):
        threads = [threading.Thread(target=self.call, args=each) for each in held.items()]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()


def newest_key(data, purpose):
    house = open_house(data, {})
    try:
        house.prepare()
        return max(house.keys.accepted(purpose), key=lambda key: key.id)
    finally:
        house.stores.close()


def is_signed_by(token, key):
    try:
        return bool(read_jwt(token, [key.value[:32]]))
    except Refused:
        return False


def sign_in(name, who):
    session = FRONT_ENDS[name](who)
    assert session is not None, name
    return session


def rotated(lingpai, data, *words):
    return lingpai("key", "rotate", *words, "--data", data, "--json").json["sessions_ended"]


@pytest.mark.timeout(300)
def test_everybody_goes_on_while_every_key_and_secret_is_rotated(demo, lingpai):
    data = demo.data
    clients = {demo.client(name)["client_id"] for name in ("twokeys", "zhiyun")}
    with serving(data, "--workers", "2") as server, ThreadPoolExecutor(5) as operators:
        held = {name: sign_in(name, person(demo, server.port, name)) for name in FRONT_ENDS}
        renewing = Renewing(person(demo, server.port, "oppmg"))
        first_access = renewing.pair["access_token"]
        asks = {name: session.asks for name, session in held.items()} | {"renewing": renewing.asks}
        crowd = Crowd()
        with crowd.calling(asks):
            purposes = (PAIR, PEPPER, "thinkjs.token", "thinkjs.salt", "data")
            assert list(operators.map(lambda purpose: rotated(lingpai, data, purpose), purposes)) == [0] * 5
            assert lingpai("key", "rotate-master", "--data", data, "--json").json["keys"] >= 10
            assert rotated(lingpai, data, PAIR) == 0
            fresh = {
                client_id: lingpai("client", "rotate-secret", client_id, "--data", data, "--json").json
                for client_id in clients
            }
            for name in FRONT_ENDS:
                who = person(demo, server.port, name, "chenjing")
                assert sign_in(name, who).asks(), name
                if name in ("twokeys", "zhiyun"):
                    with_new = replace(who, client_secret=fresh[who.client_id]["client_secret"])
                    assert sign_in(name, with_new).asks(), name
            before = dict(crowd.served)
            time.sleep(1)
        assert crowd.refused == []
        assert all(crowd.served[name] > before[name] > 0 for name in crowd.served), (before, crowd.served)
        print(crowd.served)

        newest = newest_key(data, PAIR)
        assert is_signed_by(renewing.pair["access_token"], newest)
        assert not is_signed_by(first_access, newest)
        assert renewing.reads(first_access)


@pytest.mark.timeout(300)
def test_what_rests_on_a_leaked_key_ends_and_nothing_else(demo, lingpai):
    data = demo.data
    with serving(data, "--workers", "2") as server:
        held = {name: sign_in(name, person(demo, server.port, name)) for name in FRONT_ENDS}
        renewing = Renewing(person(demo, server.port, "oppmg"))
        assert all(session.asks() for session in held.values())

        assert rotated(lingpai, data, PAIR, "--now") >= 2
        assert not held["oppmg"].asks()
        assert not renewing.reads(renewing.pair["access_token"])
        assert all(held[name].asks() for name in ("mowork", "thinkjs", "twokeys", "zhiyun"))
        assert Renewing(person(demo, server.port, "oppmg")).asks()

        assert rotated(lingpai, data, PEPPER, "--now") >= 3
        assert not any(held[name].asks() for name in ("mowork", "twokeys", "zhiyun"))
        assert held["thinkjs"].asks()
        again = {name: sign_in(name, person(demo, server.port, name)) for name in ("mowork", "twokeys", "zhiyun")}
        assert all(session.asks() for session in again.values())

        client_id = demo.client("twokeys")["client_id"]
        lingpai("client", "rotate-secret", client_id, "--data", data)
        assert again["twokeys"].asks()
        lingpai("client", "end-old-secret", client_id, "--data", data)
        assert not again["twokeys"].asks()


# The master key is rotated, and killed at every step.

KILLED = """
import importlib, os, signal, sys
from pydoc import locate

from lingpai.cli import main

owner, name, when, data = sys.argv[1:]
owner = locate(owner)
meant = getattr(owner, name)

def killed(*arguments, **more):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    meant(*arguments, **more)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, killed)
main(["key", "rotate-master", "--data", data])
"""

STEPS = [
    ("lingpai.operations.rotate_master", "make_key_file"),
    ("lingpai.principals.keys.Keyring", "seal_anew"),
    ("lingpai.stores.sql.asking.Within", "commit"),
    ("lingpai.operations.rotate_master", "put_in_force"),
    ("pathlib.Path", "replace"),
]


def digest(data):
    house = open_house(data, {})
    try:
        house.prepare()
        return house.keys.digest("token"), house.keys.unseal(*sealed_secret(house)).reveal()
    finally:
        house.stores.close()


def sealed_secret(house):
    client = next(one for one in house.stores.clients.page("", 99) if one.secret_sealed)
    return client.secret_sealed, f"clients.{client.id}.secret"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_rotation_of_the_master_key_that_is_killed_is_finished_or_begun_again(demo, lingpai, owner, name, when):
    data = demo.data
    before, first_master = digest(data), (data / MASTER_KEY).read_text()
    command = [sys.executable, "-c", KILLED, owner, name, when, str(data)]
    killed = subprocess.run(command, env=environment(), capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    assert digest(data) == before
    assert lingpai("key", "rotate-master", "--data", data, "--json").json["keys"] >= 5
    assert digest(data) == before
    assert (data / MASTER_KEY).read_text() != first_master
    assert not (data / f"{MASTER_KEY}.next").exists()
    kept = [path.read_text() for path in data.glob(f"{MASTER_KEY}.until-*")]
    assert first_master in kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in data.glob(f"*{MASTER_KEY}*"))


def test_a_master_key_from_a_variable_is_rotated_into_a_file_that_the_operator_puts_in_force(tmp_path, lingpai):
    old = {"LINGPAI_MASTER_KEY": bytes(range(32)).hex()}
    data = tmp_path / "d"
    open_house(data, old).stores.close()
    assert lingpai("key", "rotate-master", "--data", data, **old).is_refused("--new-file")
    lingpai("user", "add", "mei", "--data", data, **old)
    house = open_house(data, old)
    house.prepare()
    house.stores.close()

    done = lingpai("key", "rotate-master", "--new-file", tmp_path / "new", "--data", data, "--json", **old).json

    assert done["keys"] >= 2
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    assert lingpai("key", "rotate", "pepper", "--data", data, **old).is_refused("master key", "does not open")
    new = {"LINGPAI_MASTER_KEY": (tmp_path / "new").read_text()}
    assert lingpai("key", "rotate", "pepper", "--data", data, "--json", **new).json["purpose"] == "pepper"


# What the commands say.


def test_keys_are_listed_with_what_they_are_now_and_never_with_their_values(demo, lingpai):
    lingpai("key", "rotate", "data", "--data", demo.data)

    rows = lingpai("key", "list", "--data", demo.data, "--json").json
    of_data = [(row["state"], row["ends"] is None) for row in rows if row["purpose"] == "data"]
    assert of_data == [("in use", True), ("accepted", False)]
    assert all(row.keys() == {"purpose", "id", "state", "made", "ends"} for row in rows)
    shown = lingpai("key", "list", "--data", demo.data).out
    assert re.search(r"^data +\d+ +in use", shown, re.MULTILINE)
    assert re.search(r"^data +\d+ +accepted .* \d{4}-\d\d-\d\d", shown, re.MULTILINE)
    assert "使用中" in lingpai("key", "list", "--data", demo.data, LANG="zh_CN.UTF-8").out


def test_a_key_for_nothing_is_refused_with_what_there_is(demo, lingpai):
    assert lingpai("key", "rotate", "salt", "--data", demo.data).is_refused("salt", "pepper", "thinkjs.salt")
    assert lingpai("key", "rotate-master", "--new-file", "x", "--data", demo.data).is_refused("leave out --new-file")


def test_keys_of_the_audit_trail_are_rotated_but_never_dropped(demo, lingpai):
    house = open_house(demo.data, {})
    house.keys.prepare("audit")
    house.stores.close()

    assert lingpai("key", "rotate", "audit", "--now", "--data", demo.data).is_refused("for ever")
    assert "in use" in lingpai("key", "rotate", "audit", "--data", demo.data).out


def test_a_client_has_two_secrets_until_the_older_ends(demo, lingpai):
    client_id = demo.client("twokeys")["client_id"]
    where = ("--data", demo.data)

    shown = lingpai("client", "rotate-secret", client_id, *where).out
    assert re.search(r"client_secret +\w{20} ", shown)
    rows = lingpai("client", "secrets", client_id, *where, "--json").json
    assert [row["which"] for row in rows] == ["new", "old"]
    assert 6.9 < (rows[1]["ends"] / 1000 - time.time()) / 86400 < 7.1
    assert lingpai("client", "rotate-secret", client_id, *where).is_refused("two live secrets", "end-old-secret")
    assert shown.split()[1] not in lingpai("client", "secrets", client_id, *where).out

    assert "no longer" in lingpai("client", "end-old-secret", client_id, *where).out
    assert lingpai("client", "end-old-secret", client_id, *where).is_refused("no old secret")
    dated = lingpai("client", "rotate-secret", client_id, "--old-ends", "2099-01-31", *where, "--json").json
    assert dated["old_ends"] == 4073472000000
    assert lingpai("client", "rotate-secret", client_id, "--now", *where, "--json").json["old_ends"] is None
    assert len(lingpai("client", "secrets", client_id, *where, "--json").json) == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--old-ends", "soon"), "must look like"),
        (("--old-ends", "2001-01-01"), "is past"),
        (("--old-ends", "2099-01-01", "--now"), "exclude"),
    ],
)
def test_an_end_that_cannot_be_is_refused(demo, lingpai, options, told):
    client_id = demo.client("twokeys")["client_id"]

    assert lingpai("client", "rotate-secret", client_id, *options, "--data", demo.data).is_refused(told)
    assert lingpai("client", "rotate-secret", "mowork:pc", "--data", demo.data).is_refused("has no secret")


def test_the_variable_is_gone_from_a_worker_that_has_read_it(tmp_path):
    code = """
import os
from lingpai.app import create
create()
print("LINGPAI_MASTER_KEY" in os.environ)
"""
    variables = {"LINGPAI_DATA": str(tmp_path / "d"), "LINGPAI_MASTER_KEY": bytes(range(32)).hex()}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(variables), capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "False\n"
