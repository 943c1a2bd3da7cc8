"""
Workers and whole servers killed at random moments under load: no answered change is lost, and errors do not last.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

import pytest

from lingpai.composition import open_house
from lingpai.principals.verifying import verify
from lingpai.stores.sql.sqlite import sound_driver
from tests.torture.client import Connection, Told, run
from tests.torture.server import PASSWORD, Server

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="which processes are workers is read from /proc"),
    pytest.mark.timeout(600),
]

CLIENTS = 6
ERRORS_SECONDS = 2

GRANIAN_PATIENCE_SECONDS = 6
"""Granian gives a server up in which one worker dies twice within five and a half seconds."""


@dataclass
class Load:
    """Clients that sign in, read and sign out, whatever happens to the server; and what they were promised."""

    server: Server
    names: list[str]
    tokens: list[str]
    ended: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    asked: int = 0
    stopped: bool = False

    async def play(self, act: Coroutine[None, None, None]) -> None:
        """Load the server while *act* goes on."""
        clients = [asyncio.create_task(self._client(random.Random(number))) for number in range(CLIENTS)]
        await act
        self.stopped = True
        await asyncio.gather(*clients)

    async def _client(self, rng: random.Random) -> None:
        while not self.stopped:
            connection = Connection(self.server.port)
            try:
                async with asyncio.timeout(ERRORS_SECONDS):
                    await connection.open()
                while not self.stopped:
                    async with asyncio.timeout(5):
                        await self._ask(connection, rng)
            except (OSError, EOFError, TimeoutError):
                if not self.stopped:
                    self.errors.append(time.monotonic())
                await asyncio.sleep(0.02)

    async def _ask(self, connection: Connection, rng: random.Random) -> None:
        name = self.names[0]
        if rng.random() < 0.1 or not self.tokens:
            told = await connection.call("/user/login", username=name, password=PASSWORD)
            if self._answered(told):
                self.opened.append(told.body["responseParam"]["token"])
        elif rng.random() < 0.5:
            self._answered(await connection.call("/user/checktoken", rng.choice(self.tokens), name))
        else:
            token = self.tokens.pop()
            told = await connection.call("/user/logout", token, name)
            if self._answered(told):
                self.ended.append(token)
        await asyncio.sleep(0.005)

    def _answered(self, told: Told) -> bool:
        self.asked += 1
        if told.status >= 500:
            self.errors.append(time.monotonic())
        return told.accepted

    def lost(self) -> list[str]:
        """Return what was promised and is not in the database, once the server is gone."""
        house = open_house(self.server.data, {})
        house.prepare()
        audit = {(row.kind, row.subject_id) for row in house.stores.audit.page(0, 1_000_000)}
        promised = [(token, "session:ended") for token in self.ended]
        promised += [(token, "session:opened") for token in self.opened]
        lost = []
        for token, kind in promised:
            standing = house.stores.sessions.standing(house.keys.digest(token))
            has_ended = standing is not None and standing.session.ended is not None
            if standing is None or has_ended != (kind == "session:ended") or (kind, standing.session.id) not in audit:
                lost.append(kind)
        # What was answered in the last second may wait for its seal; nothing else may.
        house.seal()
        assert verify(house.stores, house.keys, house.clock).faults == []
        house.stores.close()
        connection = sound_driver().connect(str(self.server.data / "lingpai.db"))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        return lost


def loaded(tmp_path, **how: str) -> Load:
    server = Server(tmp_path, **how)  # type: ignore[arg-type]
    return Load(server, *server.furnish(3000))


def kill_servers(load: Load, times: int) -> list[str]:
    rng = random.Random(4)

    async def live_and_die() -> None:
        await asyncio.sleep(rng.uniform(0.4, 1.5))
        load.server.kill()
        load.stopped = True

    for _ in range(times):
        load.server.start()
        load.stopped = False
        run(load.play(live_and_die()))
    return load.lost()


def test_a_server_that_is_killed_has_kept_every_change_that_it_answered(tmp_path, counts):
    load = loaded(tmp_path)
    lost = kill_servers(load, counts.kills)
    print(
        f"\nserver killed {counts.kills} times: {load.asked} answers, of them {len(load.ended)} sign-outs and "
        f"{len(load.opened)} sign-ins, lost {len(lost)}"
    )

    assert len(load.ended) > counts.kills
    assert load.opened != []
    assert lost == []


def test_a_sign_out_that_is_answered_before_it_is_written_would_be_seen(tmp_path):
    load = loaded(tmp_path, plant="answers first")

    assert "session:ended" in kill_servers(load, 1)


def test_when_a_worker_is_killed_the_others_errors_end_within_two_seconds(tmp_path, counts):
    load = loaded(tmp_path)
    rng = random.Random(4)
    lasted = []

    async def kill_workers() -> None:
        await asyncio.sleep(1)
        for _ in range(counts.kills):
            killed = time.monotonic()
            os.kill(rng.choice(load.server.pids()), signal.SIGKILL)
            await asyncio.sleep(GRANIAN_PATIENCE_SECONDS + rng.random())
            lasted.append(max([at - killed for at in load.errors if at > killed], default=0.0))

    with load.server:
        run(load.play(kill_workers()))
    lost = load.lost()
    print(
        f"\na worker killed {counts.kills} times: {load.asked} answers, {len(load.errors)} errors, the last one "
        f"{max(lasted):.2f} s after its kill, lost {len(lost)}"
    )

    assert max(lasted) <= ERRORS_SECONDS
    assert lost == []
