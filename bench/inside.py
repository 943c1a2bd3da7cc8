"""What a remembered call costs inside the process, without a server or a socket: `python -m bench.inside`."""

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from bench.verify import MARKERS, REQUESTS, lay_ground
from lingpai.app import App
from lingpai.composition import open_house

SESSIONS = 50
TURNS = 400


def scope_of(request: str) -> MutableMapping[str, Any]:
    """Return the ASGI scope of a request as `bench.load.line` writes it."""
    head, *lines = request.replace("\\r\\n", "\r\n").split("\r\n")
    method, target, _ = head.split(" ")
    path, _, query = target.partition("?")
    headers = [line.split(": ", 1) for line in lines if line]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 1),
    }


async def measure(app: App, scopes: list[MutableMapping[str, Any]], marker: str) -> float:
    """Return the least µs of a call in many turns through *scopes*."""
    bodies = []

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("no body was announced")

    async def send(message: MutableMapping[str, Any]) -> None:
        if "body" in message:
            bodies.append(message["body"])

    for _ in range(3):
        for scope in scopes:
            await app(scope, receive, send)
    if not all(marker.encode() in body for body in bodies):
        raise ValueError(f"a wrong answer: {bodies[0]!r}")
    least = float("inf")
    for _ in range(TURNS):
        bodies.clear()
        began = time.perf_counter()
        for scope in scopes:
            await app(scope, receive, send)
        least = min(least, time.perf_counter() - began)
    return least / len(scopes) * 1e6


def main() -> None:
    """Print a line for each contract."""
    with tempfile.TemporaryDirectory() as folder:
        ground = lay_ground(Path(folder), SESSIONS)
        asked = {name: [scope_of(one) for one in REQUESTS[name](ground, SESSIONS)] for name in REQUESTS}
        ground.house.stores.close()
        house = open_house(Path(folder), os.environ)
        house.start()
        app = App(house)
        app.prepare()
        gc.freeze()
        for name, scopes in asked.items():
            print(f"{name:12}{asyncio.run(measure(app, scopes, MARKERS[name])):8.2f} µs", flush=True)
        house.stop()


if __name__ == "__main__":
    main()
