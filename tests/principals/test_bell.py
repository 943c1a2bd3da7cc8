"""An ending holds at once on all workers of a machine: two houses in two processes share one bell."""

import os
import secrets
import stat
import threading
from pathlib import Path

import pytest

from lingpai.composition import BELL, open_house
from lingpai.operations.end_session import EndSession
from lingpai.principals.bell import Bell, open_bell
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import NotRemembered
from lingpai.vocabulary.values import Caller
from tests.stores.programs import Program
from tests.torture.server import Server

ROUNDS = 40

OPEN_FILES = Path("/proc/self/fd")

ANOTHER_WORKER = """
import sys
from pathlib import Path
from lingpai.composition import open_house
from lingpai.principals import remembered
from lingpai.vocabulary.outcomes import NotRemembered

# So slow that only the bell can be in time; the lease is longer, or every question would go to the database.
remembered.POLL_SECONDS = 30
remembered.LEASE_SECONDS = 60
house = open_house(Path(sys.argv[1]), {})
house.start()
memory, asking = remembered.FromMemory(house.remembered), remembered.ReadAndRemembered(house.stores, house.remembered)
print("ready", flush=True)
for token in sys.stdin:
    digest = house.keys.digest(token.strip())
    try:
        standing, where = memory.standing(digest), "memory"
    except NotRemembered:
        standing, where = asking.standing(digest), "database"
    print(where, "over" if standing.session.ended else "live", flush=True)
"""


def asked(worker, token):
    worker.say(token)
    return worker.hear().split()


def play(tmp_path, *, bell):
    """End sessions here, and return what a worker in another process says of each right after."""
    server = Server(tmp_path, bell=bell)
    _, tokens = server.furnish(ROUNDS)
    here = open_house(server.data, {})
    here.prepare()
    there = Program(ANOTHER_WORKER, server.data)
    try:
        assert there.hear() == "ready\n"
        said = [_ended_here(here, there, token) for token in tokens]
    finally:
        there.end()
        here.stores.close()
    return said


def _ended_here(here, there, token):
    standing = here.stores.sessions.standing(here.keys.digest(token))
    assert standing is not None
    # Once the follower has followed the bell, a session that was read is remembered.
    assert any(asked(there, token)[0] == "memory" for _ in range(1000))
    caller = Caller(terms=here.served["mowork"].contract.terms, client=standing.client, standing=standing)
    EndSession(here.stores, here.clock)(caller, None)
    return asked(there, token)


def test_what_one_process_ends_is_refused_by_the_other_at_the_very_next_request(tmp_path):
    assert {state for _, state in play(tmp_path, bell=True)} == {"over"}


def test_without_the_bell_it_would_be_accepted(tmp_path):
    assert ["memory", "live"] in play(tmp_path, bell=False)


def hung(path):
    """Return the bell in the file at *path*, which can be mapped."""
    bell = open_bell(path, secrets.token_bytes)
    assert bell is not None
    return bell


def test_every_ring_leaves_another_value():
    bell = Bell(bytearray(8), secrets.token_bytes)

    values = [bell.rung()]
    for _ in range(1000):
        bell.ring()
        values.append(bell.rung())

    assert len(set(values)) == len(values)


def test_many_who_ring_at_once_leave_what_nobody_noted_before(tmp_path):
    """
    With a counter that is read and written back, one of two rings can be lost, or an old value come back.
    """
    bells = [hung(tmp_path / BELL) for _ in range(4)]
    noted = set()

    def ring(bell):
        for _ in range(2000):
            bell.ring()

    threads = [threading.Thread(target=ring, args=(bell,)) for bell in bells[1:]]
    for each in threads:
        each.start()
    while any(each.is_alive() for each in threads):
        before = bells[0].rung()
        noted.add(before)
        bells[0].ring()
        after = bells[0].rung()
        assert after not in noted
    for each in threads:
        each.join()


def test_the_file_is_its_owners_and_never_made_shorter(tmp_path):
    path = tmp_path / BELL
    first = hung(path)
    first.ring()

    second = hung(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size == 8
    assert second.rung() == first.rung() != 0


@pytest.mark.parametrize("spoil", ["mkdir", "removed folder", "no file that has a size"])
def test_where_no_file_can_be_mapped_there_is_no_bell(tmp_path, spoil):
    path = tmp_path / BELL
    if spoil == "mkdir":
        path.mkdir()
    elif spoil == "removed folder":
        path = tmp_path / "nowhere" / BELL
    else:
        os.mkfifo(path)
    open_files = len([*OPEN_FILES.iterdir()])

    assert open_bell(path, secrets.token_bytes) is None
    assert len([*OPEN_FILES.iterdir()]) == open_files


def test_a_change_that_tells_nobody_anything_rings_nothing():
    bell = Bell(bytearray(8), secrets.token_bytes)

    bell.answer([])

    assert bell.rung() == 0


def test_a_worker_that_doubts_asks_the_feed_and_believes_its_memory_again(town):
    bell = Bell(bytearray(8), secrets.token_bytes)
    worker = town.worker(rung=bell.rung)
    worker.fill("mei1")
    bell.ring()

    with pytest.raises(NotRemembered):
        worker.memory.standing_of("mei1")
    assert worker.remembered.doubted.is_set()
    worker.follower.poll()

    assert worker.remembers("mei1")


def test_a_ring_during_the_poll_is_not_taken_for_one_before_it(town):
    """
    The bell is noted before the feed is asked: what is committed and rung while the answer is on its way counts.
    """
    bell = Bell(bytearray(8), secrets.token_bytes)
    worker = town.worker(rung=bell.rung)
    worker.fill("mei1")

    def ring_meanwhile():
        entries = after(worker.follower._place)
        bell.ring()
        return entries

    after = town.stores.feed.after
    worker.follower._feed = type("Slow", (), {"after": lambda self, place: ring_meanwhile()})()
    worker.follower.poll()

    assert not worker.remembers("mei1")


def test_the_house_rings_for_what_it_changes(tmp_path):
    house = open_house(tmp_path / "data", {})
    assert house.bell is not None
    before = house.bell.rung()

    with house.stores.change(Event("test:done", "session", "s")):
        pass
    rung = house.bell.rung()
    with house.stores.change(Event("test:done", "session", "s", told=False)):
        pass

    assert before != rung == house.bell.rung()
    house.stores.close()
