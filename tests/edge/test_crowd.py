"""More sign-ins than can be hashed: they are sent away at once, and keep nobody else waiting."""

import asyncio
import json
import os
import threading

import pytest

from lingpai.composition import House
from lingpai.vocabulary.settings import LimitsSettings, Settings
from tests.operations.meanwhile import Town

LOGIN = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1", "requestParam": {"password": "wrong"}}


def sign_in(name):
    body = json.dumps(LOGIN | {"requestParam": {"username": name, "password": "wrong"}}).encode()
    return {"method": "POST", "path": "/mowork/user/login", "query_string": b"", "body": body}


NOTICES = {
    "method": "GET",
    "path": "/mowork/notice/list",
    "query_string": b"client_type=pc&client_sys_version=1&api_version=v1",
}


async def call(house, request):
    """Return the body of the answer, and its headers."""
    sent = []
    body = request.get("body", b"")
    headers = [(b"content-length", b"%d" % len(body))]

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": headers, **request}
    path = "/" + request["path"].partition("/mowork/")[2]
    await house.shell(house.served["mowork"].contract, path, "", "192.0.2.1", scope, receive, send)
    return json.loads(sent[1]["body"])["resCode"], dict(sent[0]["headers"]).get(b"retry-after")


@pytest.mark.parametrize(("threads", "places"), [(4, 2), (16, 8)])
def test_sign_ins_that_wait_for_the_hashing_leave_half_of_the_threads_to_everybody_else(threads, places):
    town = Town()
    limits = LimitsSettings(sign_in="off")
    house = House(
        Settings(threads=threads, limits=limits), town.stores, town._keys, town.house.clock, town.random, lambda: 0.0
    )
    house.prepare()
    hashing = threading.Event()
    for _ in range(os.cpu_count() or 1):
        house.gate._pool.submit(hashing.wait)

    async def crowd():
        everybody = [asyncio.create_task(call(house, sign_in(f"u{number}"))) for number in range(3 * threads)]
        read = await asyncio.wait_for(call(house, NOTICES), 20)
        while sum(task.done() for task in everybody) < 3 * threads - places:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
        shed = [task.result() for task in everybody if task.done()]
        waiting = [task for task in everybody if not task.done()]
        hashing.set()
        return read, shed, await asyncio.gather(*waiting)

    read, shed, judged = asyncio.run(asyncio.wait_for(crowd(), 60))
    house.shell.close()

    assert read == ("100000", None)
    assert set(shed) == {("100006", b"2")}
    assert judged == [("100001", None)] * places


def test_one_thread_serves_sign_ins_too():
    town = Town()
    house = House(Settings(threads=1), town.stores, town._keys, town.house.clock, town.random)

    assert not house.gate.verify(None, "wrong")


@pytest.mark.parametrize(("workers", "cores", "threads"), [(1, 8, 7), (3, 8, 2), (8, 8, 1), (1, 1, 1)])
def test_the_workers_of_a_machine_leave_a_core_to_everybody_else(monkeypatch, workers, cores, threads):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    town = Town()
    house = House(Settings(workers=workers), town.stores, town._keys, town.house.clock, town.random)

    assert house.gate._pool._max_workers == threads
