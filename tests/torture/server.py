"""Servers to be tortured: several workers of Granian on one SQLite file, right ones and such with a planted fault."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.request import urlopen

from lingpai.composition import BELL, House, open_house
from lingpai.edge.steps import built_in_id
from lingpai.operations.add_user import AddUser, NewUser
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.vocabulary.values import User, Visitor

HOST = "127.0.0.1"
PASSWORD = "correct horse battery"


NO_LIMITS = {"LINGPAI_LIMITS__SIGN_IN": "off", "LINGPAI_LIMITS__REFRESH": "off"}
"""One client calls here as often as a whole town does."""


class Server:
    """
    A server on a data folder of its own.

    Args:
        plant: The fault of `planted.py` that it has, or empty.
        bell: Whether its workers can ring; without, only the lease tells them of each other's changes.
        settings: Variables.

    """

    def __init__(self, folder: Path, *, workers: int = 2, plant: str = "", bell: bool = True, **settings: str) -> None:
        self.data = folder / "data"
        self.workers = workers
        self.little_disk = "little disk" in plant
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        self.variables = {"LINGPAI_DATA": str(self.data), "LINGPAI_TEST_PLANT": plant, **NO_LIMITS, **settings}
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        if not bell:
            # What is no file cannot be mapped.
            (self.data / BELL).mkdir(parents=True)

    def furnish(self, sessions: int, users: int = 1) -> tuple[list[str], list[str]]:
        """Put in *users* users, and *sessions* sessions of mowork of the first; return names and tokens."""
        house = open_house(self.data, {})
        house.prepare()
        names = [f"user{number}" for number in range(users)]
        for name in names:
            profile = User(id=0, name=name, name_key="", password="")
            AddUser(house.stores, house.clock)("operator", NewUser(profile, PASSWORD, ()))
        tokens = [mint(house) for _ in range(sessions)]
        house.stores.close()
        return names, tokens

    def start(self) -> None:
        """Start, and return when every worker answers."""
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--host", HOST]
        command += ["--port", str(self.port), "--workers", str(self.workers), "--no-ws"]
        command += ["--respawn-failed-workers", "--respawn-interval", "0.1", "tests.torture.planted:create"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LINGPAI_")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**inherited, **self.variables},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.await_answer()
        deadline = time.monotonic() + 30
        while len(self.pids()) < self.workers and time.monotonic() < deadline:
            time.sleep(0.05)

    def await_answer(self, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(OSError), urlopen(f"http://{HOST}:{self.port}/readyz", timeout=2):
                return
            time.sleep(0.02)
        raise TimeoutError(self._log.read_text(errors="replace")[-4000:])

    def pids(self) -> Sequence[int]:
        """Return the workers' processes."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def kill(self) -> None:
        """Kill the whole server at once."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Stop it as an operator does."""
        assert self._process
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def mint(house: House) -> str:
    """Return the token of a new session of mowork of the first user."""
    client = house.stores.clients.by_id(built_in_id("mowork", "pc"))
    assert client
    visitor = Visitor(terms=house.served["mowork"].contract.terms, client=client, client_type="pc")
    return MintToken(house.stores, house.opening)(visitor, TokenAsked(1)).token
