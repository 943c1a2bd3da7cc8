"""
The page `/playground` of a demo server: sign in through each contract with the JavaScript SDK, and watch the wire.

Served to browsers of this machine only, and only from data that `lingpai demo` made. It reveals nothing that exists:
who signs in is a guest that the page asks for, through client apps made for it, or whoever's password is typed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from lingpai import __version__
from lingpai.cli.parameters import HERE, command
from lingpai.cli.passwords import random_password, random_text
from lingpai.cli.story import PEOPLE
from lingpai.composition import House
from lingpai.edge.asgi import Scope, Send
from lingpai.edge.explorer import HEADERS, is_near
from lingpai.edge.proxies import named_host
from lingpai.edge.schemes.jwt import read_jwt, write_jwt
from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.add_user import AddUser, Joining, NewUser
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.values import Client, User

ROOT = "/playground"

OPERATOR = "playground"
"""Who made the guests and their apps, in the audit trail."""

ASKS = b"x-lingpai-playground"
"""A header that only a page of ours can send: for any other origin's the browser asks first, and hears no."""

SDK = "sdk.js"
"""The SDK's build for pages. It is put here by `make playground`, and into the wheel where it was built."""

_ASSETS = {
    "": ("page.html", "text/html; charset=utf-8"),
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/texts.js": ("texts.js", "text/javascript; charset=utf-8"),
    "/wire.js": ("wire.js", "text/javascript; charset=utf-8"),
    "/sdk.js": (SDK, "text/javascript; charset=utf-8"),
}

_WITH_APPS: Mapping[str, Client] = {
    "twokeys": Client("", "演练场小程序", contracts=frozenset({"twokeys"})),
    "zhiyun": Client("", "演练场桌面程序", contracts=frozenset({"zhiyun"}), scope="basic full notice", desktop=True),
}
"""The client apps of contracts that know their apps by a secret."""

_JSON = "application/json; charset=utf-8"
_HERE = Path(__file__).parent

Answer = tuple[str, bytes]
Page = Callable[[Send], Awaitable[None]]


class Playground:
    """
    The page, and what it asks of the server.

    Args:
        house: Of a demo.
        data: Its folder, for the commands that the page shows.

    """

    def __init__(self, house: House, data: Path) -> None:
        self._house = house
        self._data = HERE if data.absolute() == HERE.absolute() else data
        self._one_by_one = asyncio.Lock()
        self._apps: dict[str, Mapping[str, str]] = {}

    def finds(self, scope: Scope, address: str) -> Page | None:
        """Return what answers a request, or None where there is nothing for it, or this is not for everybody."""
        if not scope["path"].startswith(ROOT):
            return None
        path = scope["path"].removeprefix(ROOT)
        headers = dict(scope["headers"])
        if not is_near(address, named_host(scope), scope["headers"]):
            return None
        if scope["method"] in ("GET", "HEAD"):
            if path in _ASSETS:
                return partial(_send, has_body=scope["method"] == "GET", answer=_asset(path))
            return partial(_send, answer=(_JSON, self._about())) if path == "/about.json" else None
        if scope["method"] != "POST" or ASKS not in headers:
            return None
        works: dict[str, Callable[[], Any]] = {
            "/guest": self._guest,
            "/aged": partial(self._aged, headers[ASKS].decode("latin-1")),
            **{f"/app/{name}": partial(self._app, name) for name in _WITH_APPS if name in self._house.served},
        }
        return partial(self._work, works[path]) if path in works else None

    async def _work(self, work: Callable[[], Any], send: Send) -> None:
        # Hashing a password takes much memory: one after the other.
        async with self._one_by_one:
            made = await asyncio.get_running_loop().run_in_executor(None, work)
        await _send(send, answer=(_JSON, msgspec.json.encode(made)), status=400 if made is None else 200)

    def _about(self) -> bytes:
        people = [
            {"name": one.name, "truename": one.truename, "zh": one.does[0], "en": one.does[1]}
            for one in PEOPLE
            if one.enabled
        ]
        typed = {"end": "session end --user NAME", "reset": "user reset NAME"}
        return msgspec.json.encode(
            {
                "version": __version__,
                "hasSdk": (_HERE / SDK).is_file(),
                "contracts": sorted(self._house.served),
                "people": people,
                "commands": {name: command(words, self._data) for name, words in typed.items()},
            }
        )

    def _guest(self) -> Mapping[str, str]:
        """Add a user who works in the first two companies, and return name and password: told to this page alone."""
        house, password = self._house, random_password()
        companies = tuple(Joining(company.id) for company in house.stores.companies.page(0, 2))
        name = f"guest-{random_text(6)}"
        profile = User(id=0, name=name, name_key="", password="", truename="访客", nickname="访客")
        add = AddUser(house.stores, house.clock, addresses=house.addresses)
        add(OPERATOR, NewUser(profile, password.reveal(), companies))
        return {"username": name, "password": password.reveal()}

    def _app(self, contract: str) -> Mapping[str, str]:
        """Return id and secret of an app for *contract*, made for the pages that this worker serves."""
        known = self._apps.get(contract)
        kept = self._house.stores.clients.by_id(known["clientId"]) if known else None
        if known is None or kept is None or not kept.enabled:
            house = self._house
            add = AddClient(house.stores, house.keys, house.clock, house.randomness)
            made = add(OPERATOR, NewClient(_WITH_APPS[contract]))
            known = {"clientId": made.client.id, "clientSecret": made.secret.reveal()}
            self._apps[contract] = known
        return known

    def _aged(self, token: str) -> Mapping[str, str] | None:
        """Return oppmg's access *token* as it will be when its time is over, or None where it is none of ours."""
        keys = [key.value[:32] for key in self._house.keys.accepted("oppmg.pair")]
        try:
            claims = read_jwt(token, keys)
        except Refused:
            return None
        return {"access_token": write_jwt({**claims, "exp": claims["iat"]}, keys[0])}


@cache
def _read(name: str) -> bytes:
    return (_HERE / name).read_bytes()


def _asset(path: str) -> Answer:
    name, content_type = _ASSETS[path]
    if name == SDK and not (_HERE / SDK).is_file():
        # The page says how to make it.
        return content_type, b""
    return content_type, _read(name)


async def _send(send: Send, *, answer: Answer, status: int = 200, has_body: bool = True) -> None:
    content_type, body = answer
    headers = {"content-type": content_type, "cache-control": "no-store", "content-length": str(len(body)), **HEADERS}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body if has_body else b""})
