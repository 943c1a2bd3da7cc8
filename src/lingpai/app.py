"""
The ASGI application: which contract a request is for, modules' hooks, and the few pages of our own.

A contract answers under its own prefix, `/<contract>/…`, and at the root of the hosts that its settings name;
such a host serves nothing else, and of its contract only the side that it was named for.
"""

import asyncio
import logging
import os
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingpai import __version__
from lingpai.bridges.forward import Forward
from lingpai.composition import House, is_url, open_house
from lingpai.edge.asgi import Receive, Scope, Send
from lingpai.edge.contract import Contract
from lingpai.edge.envelopes import write_json
from lingpai.edge.explorer import HEADERS, OWN_PATHS, Explorer, asked_language, is_near
from lingpai.edge.logs import write_logs
from lingpai.edge.proxies import named_host
from lingpai.principals.master_key import VARIABLE
from lingpai.vocabulary.settings import told_settings

if TYPE_CHECKING:
    from lingpai.bridges.playground import Playground

LOG = logging.getLogger(__name__)

BRIDGES = frozenset({"forward", "refusal", "guard"})
"""First parts of paths that belong to proxies and guards."""


class App:
    """
    Serves a house.

    Args:
        house: Started with the application, and stopped with it.

    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._proxies = house.proxies
        self._contracts: dict[str, Contract] = {}
        self._hosts: dict[str, tuple[Contract, str]] = {}
        self._forward: Forward | None = None
        self._playground: Playground | None = None
        self._explorers: dict[tuple[str, str], Explorer] = {}
        self._looking: asyncio.Future[Sequence[str]] | None = None

    def prepare(self) -> None:
        """Look up what is served; called once, when the application starts."""
        for name, served in self._house.served.items():
            self._contracts[name] = served.contract
            for host, side in served.hosts.items():
                self._hosts[host] = served.contract, side
        self._forward = Forward(self._house)
        self._playground = _playground(self._house)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI 3 asks."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        name, _, rest = path[1:].partition("/")
        contract, side, inner = self._contracts.get(name), "", "/" + rest
        scope, address, host = self._proxies.seen_through(scope)
        if name in BRIDGES and self._forward is not None and (answer := self._forward.finds(scope)):
            # Before the hosts: a contract's answer to a question of a proxy could be one that lets pass.
            await answer(address, scope, receive, send)
            return
        if self._hosts and (hosted := self._hosts.get(host or named_host(scope))):
            (contract, side), inner = hosted, path
        if contract is not None:
            if inner in OWN_PATHS and (ours := self._page(contract, path, inner, address, scope)):
                await _send_page(send, *ours, has_body=scope["method"] == "GET")
                return
            await self._house.shell(contract, inner, side, address, scope, receive, send)
        else:
            await self._serve_own(path, address, scope, receive, send)

    async def _serve_own(self, path: str, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        if path == "/":
            await _send(send, 200, {"name": "lingpai", "version": __version__, "contracts": sorted(self._contracts)})
        elif self._playground and (answer := self._playground.finds(scope, address)):
            await answer(send)
        elif hook := self._house.hooks.get(path):
            await self._house.shell.ring(hook, address, scope, receive, send)
        elif path == "/healthz":
            await _send(send, 200, {"status": "ok"})
        elif path == "/metrics" and self._may_read(scope, address):
            await self._measure(send)
        elif path == "/readyz":
            troubles = await self._troubles()
            page = {"status": "not ready", "because": list(troubles)} if troubles else {"status": "ready"}
            await _send(send, 503 if troubles else 200, page)
        else:
            known = [f"/{name}/" for name in sorted(self._contracts)]
            await _send(send, 404, {"error": "no contract answers here", "contracts": known})

    async def _troubles(self) -> Sequence[str]:
        """Return why this worker should get no calls. However many ask, the database is asked once at a time."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().run_in_executor(None, self._house.troubles)
            self._looking.add_done_callback(self._looked)
        # Whoever goes away takes the answer from nobody else.
        return await asyncio.shield(self._looking)

    def _looked(self, _done: object) -> None:
        self._looking = None

    def _may_read(self, scope: Scope, address: str) -> bool:
        peer, _ = scope.get("client") or ("", 0)
        by_listed = self._proxies.lists(str(peer))
        return self._house.metrics_readers.admit(address, scope["headers"], by_listed=by_listed)

    async def _measure(self, send: Send) -> None:
        board = self._house.board
        loop = asyncio.get_running_loop()
        page = await loop.run_in_executor(None, board.page, __version__) if board else b""
        headers = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})

    def _page(self, contract: Contract, path: str, inner: str, address: str, scope: Scope) -> tuple[str, bytes] | None:
        """Return our page at *inner*, or None where the contract is to answer, or this is not for everybody."""
        docs = self._house.settings.docs
        if scope["method"] not in ("GET", "HEAD") or not docs:
            return None
        if docs == "loopback" and not is_near(address, named_host(scope), scope["headers"]):
            return None
        base = path.removesuffix(inner)
        if (contract.name, base) not in self._explorers:
            self._explorers[contract.name, base] = self._house.explorer(contract.name, base)
        return self._explorers[contract.name, base].answer(inner, asked_language(scope))

    async def _live(self, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await loop.run_in_executor(None, self._house.start)
                    self.prepare()
                except Exception as trouble:
                    LOG.exception("cannot start")
                    await send({"type": "lifespan.startup.failed", "message": str(trouble)})
                    raise
                # Whoever sits at a terminal has read it on the page of `serve`, once for all workers.
                if not sys.stderr.isatty():
                    told = {"version": __version__, "contracts": sorted(self._contracts)}
                    LOG.info("started", extra=told | {"settings": told_settings(self._house.settings)})
                await send({"type": "lifespan.startup.complete"})
            else:
                await loop.run_in_executor(None, self._house.stop)
                LOG.info("stopped")
                await send({"type": "lifespan.shutdown.complete"})
                return


def _playground(house: House) -> "Playground | None":
    """Return the page of a demo; None where *house* is none, or its database is one that others may share."""
    if house.data is None or is_url(house.settings.database) or not (house.data / "demo").is_file():
        return None
    # Imported for a demo alone: it brings parts of the command line.
    from lingpai.bridges.playground import Playground

    return Playground(house, house.data)


async def _send(send: Send, status: int, page: MutableMapping[str, Any]) -> None:
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": write_json(page)})


async def _send_page(send: Send, content_type: str, body: bytes, *, has_body: bool) -> None:
    headers = {"content-type": content_type, "cache-control": "no-store", "content-length": str(len(body)), **HEADERS}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    await send({"type": "http.response.body", "body": body if has_body else b""})


def create() -> App:
    """Return the application for the folder that `LINGPAI_DATA` names: what each worker of the server runs."""
    write_logs()
    house = open_house(Path(os.environ.get("LINGPAI_DATA", "lingpai-data")), dict(os.environ))
    # What this process starts from now on need not know it.
    os.environ.pop(VARIABLE, None)
    return App(house)
