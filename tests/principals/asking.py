"""One request to a house, over ASGI."""

import asyncio
import json
from typing import Any

from lingpai.app import App
from lingpai.composition import House
from lingpai.edge.checks.server_time import write_server_time


def ask(house: House, path: str, *, token: str = "", name: str = "", **arguments: str) -> tuple[int, Any]:
    """Return status and body of the answer to a call as mowork's document has it, or to a plain GET."""
    app = App(house)
    app.prepare()
    body: dict[str, Any] = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1.0"}
    body["requestParam"] = arguments
    headers = [(b"content-type", b"application/json")]
    if token:
        body |= {"user_token": token, "req_timestamp": write_server_time(house.clock())}
        headers += [(b"x-token", token.encode()), (b"x-username", name.encode())]
    posts = path.startswith("/mowork")
    sent_body = json.dumps(body).encode() if posts else b""
    headers.append((b"content-length", b"%d" % len(sent_body)))
    scope = {
        "type": "http",
        "method": "POST" if posts else "GET",
        "path": path,
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent_body}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])
