"""
A server as it is run in earnest, with people and client apps in it, for clients written from the documents alone.

It serves every contract on a port of its own, from a data folder of its own, on SQLite; its clock is the machine's.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from lingpai.composition import House, open_house
from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.add_company import AddCompany
from lingpai.operations.add_user import AddUser, Joining, NewUser
from lingpai.operations.forget_tries import ForgetTries
from lingpai.vocabulary.values import Client, Company, User

START_SECONDS = 30


@dataclass(frozen=True)
class Credentials:
    """A user who may sign in."""

    user_id: int
    name: str
    password: str


@dataclass(frozen=True)
class App:
    """A client app, with the secret that it was given."""

    id: str
    secret: str


@dataclass(frozen=True)
class Server:
    """
    A server that answers.

    Args:
        base_url: Without a slash at its end; a contract answers under `<base_url>/<contract>/`.
        user: Works for 山海科技, which is company 1, and is an admin of 蓝天物业, company 2.
        admin: The thinkjs document's own example, admin and 123456; works for company 1.
        loner: Works for nobody.
        twokeys: A client of twokeys alone.
        zhiyun: A third party's client, which sees what is masked.
        trusted: A third party's client, which sees everything and may add notices.
        desktop: The desktop program of zhiyun: the client that may sign users in.

    """

    base_url: str
    data: Path
    user: Credentials
    admin: Credentials
    loner: Credentials
    twokeys: App
    zhiyun: App
    trusted: App
    desktop: App


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("served") / "data"
    house = open_house(data, {})
    house.prepare()
    people = _fill(house)
    house.stop()
    with running(data) as base_url:
        yield Server(base_url=base_url, data=data, **people)


@pytest.fixture(autouse=True)
def forgiven(request: pytest.FixtureRequest) -> None:
    """Let nobody wait for the wrong passwords of an earlier test."""
    if "server" not in request.fixturenames:
        return
    served: Server = request.getfixturevalue("server")
    house = open_house(served.data, {})
    house.prepare()
    try:
        forget = ForgetTries(house.stores, house.trials)
        for one in (served.user, served.admin, served.loner):
            user = house.stores.accounts.by_id(one.user_id)
            assert user is not None
            forget("operator", user)
    finally:
        house.stores.close()


@contextmanager
def running(data: Path, **variables: str) -> Iterator[str]:
    """Serve *data*, with settings as *variables*, until the block ends; the value is the base URL."""
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--no-ws", "lingpai.app:create"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LINGPAI_", "DATABASE_URL"))}
    log = data.parent / f"server-{port}.log"
    with (
        log.open("wb") as written,
        subprocess.Popen(
            command,
            env={**inherited, **variables, "LINGPAI_DATA": str(data)},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            base_url = f"http://127.0.0.1:{port}"
            _await_answer(base_url, process, log)
            yield base_url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _fill(house: House) -> dict[str, Any]:
    add_company = AddCompany(house.stores, house.clock)
    first, second = (add_company("operator", Company(0, name)).id for name in ("山海科技", "蓝天物业"))

    def user(name: str, password: str, *companies: Joining, **profile: str) -> Credentials:
        profiled = User(id=0, name=name, name_key="", password="", **profile)  # type: ignore[arg-type]
        add = AddUser(house.stores, house.clock, published_too=True)
        kept = add("operator", NewUser(profiled, password, companies))
        return Credentials(kept.id, name, password)

    def client(name: str, contract: str, *, scope: str = "", desktop: bool = False) -> App:
        asked = Client("", name, contracts=frozenset({contract}), scope=scope, desktop=desktop)
        add = AddClient(house.stores, house.keys, house.clock, house.randomness)
        registered = add("operator", NewClient(asked))
        return App(registered.client.id, registered.secret.reveal())

    return {
        "user": user(
            "王小明",
            "correct horse battery",
            Joining(first),
            Joining(second, is_admin=True),
            truename="王小明",
            phone="13800138000",
        ),
        "admin": user("admin", "123456", Joining(first)),
        "loner": user("lilei", "staple horse battery"),
        "twokeys": client("手机端", "twokeys"),
        "zhiyun": client("第三方", "zhiyun", scope="basic"),
        "trusted": client("可信第三方", "zhiyun", scope="basic full notice"),
        "desktop": client("桌面程序", "zhiyun", desktop=True),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(base_url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urlopen(f"{base_url}/healthz", timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    pytest.fail(f"the server does not answer:\n{log.read_text(errors='replace')}")
