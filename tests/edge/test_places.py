"""How long a call holds its place among the threads."""

import asyncio
import json
import threading

from tests.operations.meanwhile import Town

LOGIN = {
    "client_type": "pc",
    "client_sys_version": "chrome57.0",
    "api_version": "v1.0",
    "requestParam": {"username": "mei", "password": "correct horse"},
}


def test_a_call_whose_client_went_away_holds_its_place_until_its_thread_is_free():
    town = Town()
    town.house.__dict__["gate"] = town.gate
    finish = threading.Event()
    town.gate.meanwhile = lambda: finish.wait(10)  # the call has its thread until we say so
    body = json.dumps(LOGIN).encode()
    scope = {"type": "http", "method": "POST", "path": "/mowork/user/login", "query_string": b""}
    scope["headers"] = [(b"content-length", b"%d" % len(body))]

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(_message):
        pass

    async def play():
        shell = town.house.shell
        call = asyncio.create_task(town.app(scope, receive, send))
        await asyncio.sleep(0.5)
        call.cancel()
        await asyncio.wait([call])
        while_it_works = shell._busy
        finish.set()
        for _ in range(500):
            await asyncio.sleep(0.01)
            if not shell._busy:
                break
        return while_it_works, shell._busy

    assert asyncio.run(play()) == (1, 0)
