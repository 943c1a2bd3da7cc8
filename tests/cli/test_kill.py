"""A server that is killed in the middle of sign-ins and sign-outs: every answered change is there afterwards."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException

from lingpai.composition import open_house
from tests.cli.running import free_port, serving
from tests.cli.speaking import Person, SignedIn, mowork, sent

CALLS = 200
BEFORE_THE_KILL = 90
"""Answers after which the server is killed: enough before it, enough after it."""


@dataclass
class Comings:
    """People who sign in, and every other one out again, and what the server has said yes to."""

    people: list[Person]
    signed_in: dict[str, SignedIn] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    signed_out: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def answered(self) -> int:
        return len(self.signed_in) + len(self.signed_out)

    def come_and_go(self, number: int) -> None:
        with suppress(OSError, HTTPException):
            session = mowork(self.people[number % len(self.people)])
            if session is None:
                return
            with self.lock:
                self.signed_in[session.token] = session
                self.leaving |= {session.token} if number % 2 else set()
            if number % 2 and session.leaves():
                with self.lock:
                    self.signed_out.add(session.token)


def test_every_answered_change_survives_a_kill_and_the_server_starts_again_by_itself(demo):
    port = free_port()
    everybody = [Person(port, user["username"], user["password"]) for user in demo.made["users"]]
    comings = Comings([person for person in everybody if person.name != "zhouming"])

    with serving(demo.data, "--workers", "2", port=port) as server:
        with ThreadPoolExecutor(8) as crowd:
            for number in range(CALLS):
                crowd.submit(comings.come_and_go, number)
            while comings.answered < BEFORE_THE_KILL:
                time.sleep(0.002)
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(10)

    assert BEFORE_THE_KILL <= comings.answered < CALLS
    assert comings.signed_out
    with serving(demo.data, "--workers", "2", port=port):
        assert sent(port, "GET", "/healthz")[0] == 200
        # Whoever was just leaving when it died may be in or out.
        certain = {token: session for token, session in comings.signed_in.items() if token not in comings.leaving}
        assert all(session.asks() for session in certain.values())
        assert not any(comings.signed_in[token].asks() for token in comings.signed_out)
    check_database(demo, comings)


def check_database(demo, comings):
    house = open_house(demo.data, {})
    house.prepare()
    try:
        kept = {token: house.stores.sessions.standing(house.keys.digest(token)) for token in comings.signed_in}
        told = {row.subject_id for row in house.stores.audit.page(0, 10_000) if row.kind == "session:opened"}
    finally:
        house.stores.close()
    found = {token: standing.session for token, standing in kept.items() if standing}
    assert found.keys() == comings.signed_in.keys()
    assert all(found[token].ended is not None for token in comings.signed_out)
    assert {session.id for session in found.values()} <= told
