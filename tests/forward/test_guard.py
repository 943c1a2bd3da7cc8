"""A FastAPI service behind a guard: who gets in, how a refusal reads, what its answers look like."""

import asyncio
from typing import Annotated, Any

import msgspec
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse

from lingpai.bridges.guard import Guard, caller, has_role
from lingpai.composition import open_house
from lingpai.vocabulary.settings import ForwardSettings
from lingpai.vocabulary.values import Caller
from tests.forward.conftest import CONTRACTS, signed_in


def shop() -> FastAPI:
    app = FastAPI()
    app.state.calls = 0

    @app.middleware("http")
    async def count(request: Request, call_next: Any) -> Any:
        app.state.calls += 1
        return await call_next(request)

    @app.api_route("/{path:path}/list", methods=["GET", "POST"])
    @app.api_route("/{path:path}/list/json", methods=["GET", "POST"])
    async def orders(request: Request, path: str, who: Annotated[Caller, Depends(caller)]) -> dict[str, Any]:
        seen = [value for name, value in request.headers.items() if "lingpai" in name or "remote" in name]
        body = (await request.body()).decode()
        return {"for": who.user.name, "same": request.state.caller is who, "seen": seen, "body": body}

    @app.get("/v1/catalog/{item}")
    def catalog(item: int) -> list[int]:
        return [item]

    @app.get("/v1/plain")
    def plain() -> PlainTextResponse:
        return PlainTextResponse("as it is")

    @app.get("/v1/boss")
    def boss(who: Annotated[Caller, Depends(has_role("boss"))]) -> str:
        return who.user.name

    @app.get("/v1/fails/{status}")
    def fails(status: int) -> None:
        raise HTTPException(status)

    return app


class Visit:
    """Asks an ASGI application as a server would."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(
        self, target: str, *lines: str, method: str = "GET", body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        path, _, query = target.partition("?")
        headers = [tuple(part.encode() for part in line.split(": ", 1)) for line in lines]
        headers = [(name.lower(), value) for name, value in headers]
        if body:
            headers.append((b"content-length", b"%d" % len(body)))
        scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode()}
        scope |= {"query_string": query.encode(), "headers": headers, "client": ("127.0.0.1", 1), "scheme": "http"}
        scope |= {"root_path": "", "server": ("127.0.0.1", 80)}
        sent: list[Any] = []
        parts = [body[:7], body[7:]] if body else [b""]

        async def receive() -> Any:
            part = parts.pop(0) if parts else b""
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        told = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], told, b"".join(each.get("body", b"") for each in sent[1:])


@pytest.fixture(scope="module")
def guarded(lingpai):
    """Return how to visit the shop behind a guard on the same database, and the shop."""
    house = open_house(lingpai.people.data, {})
    house.prepare()

    def guard(contract, **options):
        app = shop()
        return Visit(Guard(app, contract=contract, house=house, **options)), app.state

    yield guard
    house.shell.close()
    house.stores.close()


@pytest.mark.parametrize("in_body", [False, True])
@pytest.mark.parametrize("contract", CONTRACTS)
def test_credentials_of_any_contract_bring_their_caller_in(contract, in_body, guarded, lingpai):
    visit, _ = guarded(contract)
    call = signed_in(lingpai, contract, in_body=in_body)
    forged = ("X-Lingpai-User: evil", "remote_user: evil", "Remote-User: evil")

    status, _, body = visit(call.target, *call.lines, *forged, method=call.method, body=call.body)

    told = msgspec.json.decode(body)
    assert (status, told["for"], told["same"], told["seen"]) == (200, lingpai.people.user.name, True, [])
    assert told["body"].encode() == call.body


@pytest.mark.parametrize("contract", CONTRACTS)
def test_whoever_proves_nothing_is_refused_in_the_contracts_words(contract, guarded):
    visit, state = guarded(contract)

    status, headers, body = visit("/api/order/list")

    assert (status, body[:14]) == {
        "mowork": (403, b'{"resCode":"40'),
        "oppmg": (200, b'{"code":"10024'),
        "twokeys": (200, b'{"code":0,"msg'),
        "zhiyun": (200, b'{"code":401,"m'),
        "thinkjs": (401, b'{"errno":401,"'),
    }[contract]
    assert "json" in headers["content-type"]
    assert state.calls == 0


@pytest.mark.parametrize("target", ["/v1//order/list", "/v1/..%2forder/list", "/v1/order;x/list", "/v1/./order/list"])
def test_a_path_that_two_readers_could_read_differently_is_refused(target, guarded, lingpai):
    visit, state = guarded("oppmg")

    _, _, body = visit(target, *signed_in(lingpai, "oppmg").lines)

    assert b'"10001"' in body
    assert state.calls == 0


def test_a_path_that_was_rewritten_on_its_way_to_the_guard_is_refused(guarded, lingpai):
    """Some middleware changes `path` and leaves `raw_path`: then another path would be judged than is served."""
    visit, state = guarded("oppmg", rules=ForwardSettings(public=("/v1/open",)))
    app = visit.app

    async def rewriting(scope, receive, send):
        await app({**scope, "path": "/v1/order/list"}, receive, send)

    visit.app = rewriting
    _, _, body = visit("/v1/open")

    assert b'"10001"' in body
    assert state.calls == 0


def test_answers_are_wrapped_where_asked(guarded, lingpai):
    visit, _ = guarded("oppmg", wrap=True)
    lines = signed_in(lingpai, "oppmg").lines

    def heard(target):
        status, _, body = visit(target, *lines)
        return status, msgspec.json.decode(body)

    status, answer = heard("/v1/order/list")
    assert (status, answer["code"], answer["msg"]) == (200, "00000", "成功")
    assert answer["data"]["for"] == lingpai.people.user.name
    assert heard("/v1/catalog/7") == (200, {"code": "00000", "msg": "成功", "data": [7]})
    assert heard("/v1/catalog/x")[1]["code"] == "10001"
    assert heard("/v1/boss")[1]["code"] == "10009"
    assert heard("/v1/nowhere")[0] == 404
    assert heard("/v1/fails/401")[1]["code"] == "10009"
    assert heard("/v1/fails/503")[0] == 503
    assert visit("/v1/plain", *lines)[2] == b"as it is"


def test_a_role_is_asked_by_the_application_or_by_the_rules(guarded, lingpai):
    lines = signed_in(lingpai, "oppmg").lines
    by_application, _ = guarded("oppmg")
    by_rules, state = guarded("oppmg", rules=ForwardSettings(role="boss"))

    assert by_application("/v1/boss", *lines)[0] == 403
    assert b'"10009"' in by_rules("/v1/order/list", *lines)[2]
    assert state.calls == 0


def test_a_public_path_needs_no_user_and_tells_none(guarded):
    visit, _ = guarded("oppmg", rules=ForwardSettings(public=("/v1/catalog",)))

    assert visit("/v1/catalog/7")[2] == b"[7]"
    assert b'"10024"' in visit("/v1/catalogue/7")[2]


def test_a_large_body_is_left_to_the_application(guarded, lingpai):
    visit, _ = guarded("mowork")
    call = signed_in(lingpai, "mowork")
    body = b"x" * 70_000

    status, _, heard = visit(call.target, *call.lines, "Content-Type: application/json", method="POST", body=body)

    assert (status, len(msgspec.json.decode(heard)["body"])) == (200, 70_000)


def test_a_page_asks_the_guard_beforehand(guarded):
    visit, state = guarded("oppmg")
    origin = "Origin: http://localhost:5173"

    status, headers, _ = visit("/v1/order/list", origin, "Access-Control-Request-Method: POST", method="OPTIONS")

    assert (status, headers["access-control-allow-origin"]) == (204, "http://localhost:5173")
    assert state.calls == 0


def test_a_websocket_is_not_let_through(guarded):
    visit, _ = guarded("oppmg")
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(visit.app({"type": "websocket"}, None, send))

    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_the_house_lives_as_long_as_the_application(lingpai):
    house = open_house(lingpai.people.data, {})
    guard = Guard(shop(), contract="oppmg", house=house)
    heard: list[str] = []

    async def play() -> None:
        told: asyncio.Queue[Any] = asyncio.Queue()

        async def send(message: Any) -> None:
            heard.append(message["type"])
            if message["type"] == "lifespan.startup.complete":
                assert house.remembered.is_confirmed()
                await told.put({"type": "lifespan.shutdown"})

        await told.put({"type": "lifespan.startup"})
        await guard({"type": "lifespan", "state": {}}, told.get, send)

    asyncio.run(play())

    assert heard == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
