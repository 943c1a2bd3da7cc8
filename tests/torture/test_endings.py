"""What an ended session is worth on two workers under load: at once nothing where it ended, soon nothing anywhere."""

import asyncio
import os
import random
import signal
import sys
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.torture.client import Connection, Told, connected, run
from tests.torture.server import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="which worker answered is read from /proc")

READERS = 8
SESSIONS = 400


@dataclass
class Seen:
    """What readers were told, and when sessions were ended."""

    reads: list[tuple[int, int, Told]] = field(default_factory=list)  # session, worker
    ended: dict[int, tuple[float, int]] = field(default_factory=dict)  # session: answered, worker

    def after_the_ending(self, *, on_its_own_worker: bool) -> list[tuple[float, bool]]:
        """Return, for each read that began after its session's ending was answered: how long after, and if accepted."""
        return [
            (told.sent - self.ended[session][0], told.accepted)
            for session, worker, told in self.reads
            if session in self.ended and told.sent > self.ended[session][0]
            if (worker == self.ended[session][1]) is on_its_own_worker
        ]

    def accepted(self, *, on_its_own_worker: bool) -> list[float]:
        """Return how long after the ending each wrong acceptance began."""
        return sorted(lag for lag, ok in self.after_the_ending(on_its_own_worker=on_its_own_worker) if ok)

    def print(self, title: str) -> None:
        own, other = (len(self.after_the_ending(on_its_own_worker=own)) for own in (True, False))
        wrong, late = (self.accepted(on_its_own_worker=own) for own in (True, False))
        print(f"\n{title}: {len(self.reads)} signed-in reads, {len(self.ended)} sessions ended")
        print(f"  begun after the ending, on its own worker: {own}, accepted {len(wrong)}")
        print(f"  begun after the ending, on the other worker: {other}, accepted {len(late)}{_spread(late)}")


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return ""
    at = {name: seconds[min(len(seconds) - 1, int(len(seconds) * part))] for name, part in SHARES.items()}
    return ": " + ", ".join(f"{name} {value * 1000:.1f} ms" for name, value in at.items())


SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "most": 1.0}


async def read_while_sessions_end(server: Server, name: str, tokens: list[str], reads: int) -> Seen:
    seen = Seen()
    rng = random.Random(4)
    workers = list(server.pids())
    assert len(workers) == server.workers
    readers = [await connected(server.port, workers[number % len(workers)]) for number in range(READERS)]
    enders = [await connected(server.port, worker) for worker in workers]
    waiting = deque(rng.sample(range(len(tokens)), len(tokens)))
    recent: deque[int] = deque(maxlen=60)
    running = True

    async def read(connection: Connection) -> None:
        worker = connection.worker()
        while running and len(seen.reads) < reads:
            # Those that are about to end, and those that just did: where the answer matters.
            session = rng.choice([*list(waiting)[:4], *recent]) if rng.random() < 0.8 else rng.randrange(len(tokens))
            told = await connection.call("/user/checktoken", tokens[session], name)
            seen.reads.append((session, worker, told))

    async def end() -> None:
        while running and waiting:
            await asyncio.sleep(rng.expovariate(40))
            session = waiting[0]
            ender = rng.choice(enders)
            told = await ender.call("/user/logout", tokens[session], name)
            assert told.accepted
            seen.ended[session] = told.came, ender.worker()
            waiting.popleft()
            recent.append(session)

    ending = asyncio.create_task(end())
    await asyncio.gather(*(read(connection) for connection in readers))
    running = False
    await ending
    for connection in (*readers, *enders):
        connection.close()
    odd = [told for _, _, told in seen.reads if not (told.accepted or told.refused)]
    assert odd == []
    return seen


def torture(tmp_path, reads: int, **how: Any) -> Seen:
    server = Server(tmp_path, **how)
    (name,), tokens = server.furnish(SESSIONS if reads < 5000 else 2000)
    with server:
        return run(read_while_sessions_end(server, name, tokens, reads))


def test_an_ended_session_is_accepted_by_no_worker_of_the_machine(tmp_path, counts):
    seen = torture(tmp_path, counts.reads)
    seen.print("with the bell")

    assert len(seen.after_the_ending(on_its_own_worker=False)) > counts.reads // 20
    assert seen.accepted(on_its_own_worker=True) == []
    assert seen.accepted(on_its_own_worker=False) == []


def test_without_the_bell_an_ended_session_is_accepted_nowhere_after_a_second(tmp_path, counts):
    seen = torture(tmp_path, counts.reads, bell=False)
    seen.print("without the bell")

    assert seen.accepted(on_its_own_worker=True) == []
    assert max(seen.accepted(on_its_own_worker=False), default=0) <= 1.0


def test_a_session_cache_that_nobody_invalidates_would_be_seen(tmp_path):
    seen = torture(tmp_path, 3000, plant="memory for ever")
    seen.print("planted: memory for ever")

    assert max(seen.accepted(on_its_own_worker=False)) > 1.0


def test_a_worker_that_hears_of_its_own_endings_late_would_be_seen(tmp_path):
    seen = torture(tmp_path, 1500, bell=False, plant="own worker late")
    seen.print("planted: own worker late")

    assert seen.accepted(on_its_own_worker=True) != []


# A worker that was stopped.


async def stop_a_worker(server: Server, name: str, tokens: list[str], seconds: float) -> list[Told]:
    """End every session at one worker while the other is stopped, and return what the stopped one says of them."""
    stopped, awake = server.pids()
    at_stopped = [await connected(server.port, stopped) for _ in tokens]
    at_awake = await connected(server.port, awake)
    for _ in range(2):
        for connection, token in zip(at_stopped, tokens, strict=True):
            assert (await connection.call("/user/checktoken", token, name)).accepted
    os.kill(stopped, signal.SIGSTOP)
    try:
        for token in tokens:
            assert (await at_awake.call("/user/logout", token, name)).accepted
        # Half are asked while it is stopped, so that they are the first it reads when it wakes.
        half = len(tokens) // 2
        early = [
            asyncio.create_task(connection.call("/user/checktoken", token, name))
            for connection, token in zip(at_stopped[:half], tokens[:half], strict=True)
        ]
        await asyncio.sleep(seconds)
    finally:
        os.kill(stopped, signal.SIGCONT)
    late = [
        await connection.call("/user/checktoken", token, name)
        for connection, token in zip(at_stopped[half:], tokens[half:], strict=True)
    ]
    return [*(await asyncio.gather(*early)), *late]


def stopped(tmp_path, seconds: float, **how: Any) -> list[Told]:
    server = Server(tmp_path, **how)
    (name,), tokens = server.furnish(20)
    with server:
        return run(stop_a_worker(server, name, tokens, seconds))


@pytest.mark.parametrize("bell", [True, False], ids=["with the bell", "by the lease alone"])
def test_a_worker_that_was_stopped_accepts_nothing_that_was_ended_meanwhile(tmp_path, counts, bell):
    answers = stopped(tmp_path, counts.stopped_seconds, bell=bell)
    print(f"\nstopped for {counts.stopped_seconds} s: asked for {len(answers)} sessions that were ended meanwhile")

    assert all(told.refused for told in answers)


def test_a_stopped_worker_that_goes_on_with_what_it_knew_would_be_seen(tmp_path):
    answers = stopped(tmp_path, 1.5, plant="memory for ever")

    assert any(told.accepted for told in answers)
