"""A server that a test answers for, request by request."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx2
from lingpai_client import AsyncClient, Client
from lingpai_client.auth import ContractAuth

Say = Callable[[httpx2.Request], httpx2.Response]


class Answering(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers by a function, at once or awaited, and remembers what was asked."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.seen: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        return self.say(request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        await asyncio.sleep(0)
        return self.say(request)

    def client(self, auth: ContractAuth[Any]) -> Client:
        return Client(auth, transport=self)

    def awaited(self, auth: ContractAuth[Any]) -> AsyncClient:
        return AsyncClient(auth, transport=self)


def query(request: httpx2.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
