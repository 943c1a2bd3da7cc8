"""A client that knows HTTP and mowork's document and nothing of us; and which worker answers a connection."""

import asyncio
import json
import os
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from tests.torture.server import HOST

T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """An answer: when its request was about to be sent, when it had come, and what it said."""

    sent: float
    came: float
    status: int
    body: dict[str, Any]

    @property
    def accepted(self) -> bool:
        return self.status == 200 and self.body["resCode"] == "100000"

    @property
    def refused(self) -> bool:
        """Return whether it asks to sign in again, and nothing else."""
        return self.status == 403 and self.body["resCode"] == "403"


@dataclass
class Connection:
    """One connection that is kept alive, so that one worker answers it."""

    port: int
    _reader: Any = field(default=None, repr=False)
    _writer: Any = field(default=None, repr=False)

    async def open(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(HOST, self.port)
        OPENED.append(self)
        return self

    async def call(self, path: str, token: str = "", name: str = "", **arguments: Any) -> Told:
        body = {
            "client_type": "pc",
            "client_sys_version": "torture",
            "api_version": "v1.0",
            "requestParam": arguments,
        }
        head = f"POST /mowork{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        if token:
            body |= {"user_token": token, "req_timestamp": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}:000"}
            head += f"X-Token: {token}\r\nX-Username: {name}\r\n"
        raw = json.dumps(body).encode()
        sent = time.monotonic()
        self._writer.write(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
        status, answer = await self._answer()
        return Told(sent, time.monotonic(), status, answer)

    async def get(self, path: str) -> Told:
        sent = time.monotonic()
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status, answer = await self._answer()
        return Told(sent, time.monotonic(), status, answer)

    async def _answer(self) -> tuple[int, dict[str, Any]]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        return int(head.split()[1]), json.loads(await self._reader.readexactly(length))

    def worker(self) -> int:
        """Return the process that has the other end (Linux; of one user)."""
        ours = f"{self._writer.get_extra_info('sockname')[1]:04X}"
        wanted = None
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if words[2].endswith(":" + ours) and words[1].endswith(f":{self.port:04X}"):
                wanted = f"socket:[{words[9]}]"
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                for handle in (process / "fd").iterdir():
                    with suppress(OSError):
                        if os.readlink(handle) == wanted:  # noqa: PTH115 - what it says is no path
                            return int(process.name)
        raise LookupError(f"no process has the other end of {ours}")

    def close(self) -> None:
        self._writer.transport.abort()


OPENED: list[Connection] = []


def run(client: Coroutine[Any, Any, T]) -> T:
    """Return what *client* returns, and close every connection that it opened."""

    async def tidy() -> T:
        try:
            return await client
        finally:
            while OPENED:
                OPENED.pop().close()
            await asyncio.sleep(0.05)

    return asyncio.run(tidy())


async def connected(port: int, worker: int) -> Connection:
    """Return a connection that *worker* answers."""
    while True:
        connection = await Connection(port).open()
        await connection.get("/healthz")
        if connection.worker() == worker:
            return connection
        connection.close()
