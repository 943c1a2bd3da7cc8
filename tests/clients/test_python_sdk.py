"""
The Python SDK with the real server, behind a proxy that counts and loses.

What needs no server is tested in sdks/python, by itself.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from lingpai_client import (
    AsyncClient,
    BadArgument,
    Client,
    FileStorage,
    Mowork,
    NoAnswer,
    Oppmg,
    Outcome,
    Reason,
    SignInAgain,
    SignInFailed,
    Thinkjs,
    Twokeys,
    Zhiyun,
)
from lingpai_client.auth import ContractAuth
from lingpai_client.calls import Call
from lingpai_client.contracts import mowork as our_mowork
from lingpai_client.contracts import oppmg as our_oppmg
from lingpai_client.contracts import thinkjs as our_thinkjs
from lingpai_client.contracts import twokeys as our_twokeys
from lingpai_client.contracts import zhiyun as our_zhiyun

from lingpai.composition import open_house
from lingpai.contracts import mowork, oppmg, thinkjs, twokeys, zhiyun
from lingpai.edge.codes import CodeTable
from lingpai.operations.add_client import AddClient, NewClient
from lingpai.vocabulary.outcomes import Outcome as End
from lingpai.vocabulary.values import Client as ClientApp
from tests.clients.conftest import App, running
from tests.clients.test_js_sdk import Proxy, end_sessions, renewals, serving

CONTRACTS = ("mowork", "oppmg", "twokeys", "zhiyun", "zhiyun in XML", "thinkjs")
FIFTY = 50
# So long that whatever a test does on a slow machine is done before the renewed token ends as well.
ACCESS_SECONDS = 12
REFRESH = "/oppmg/v1/auth/refresh_token"


@pytest.fixture(scope="module")
def server(server):
    """The server, whose desktop program sees who it signed in, and may add notices."""
    house = open_house(server.data, {})
    house.prepare()
    try:
        asked = ClientApp("", "桌面程序", contracts=frozenset({"zhiyun"}), scope="basic full notice", desktop=True)
        add = AddClient(house.stores, house.keys, house.clock, house.randomness)
        made = add("operator", NewClient(asked))
    finally:
        house.stop()
    return replace(server, desktop=App(made.client.id, made.secret.reveal()))


def contract(name: str, server: Any) -> ContractAuth[Any]:
    """Return an `Auth` of the contract called *name*, for *server*."""
    base = f"{server.base_url}/{name.partition(' ')[0]}"
    if name.startswith("zhiyun"):
        answers: Any = "xml" if name.endswith("XML") else "json"
        app = server.desktop
        return Zhiyun(base, client_id=app.id, client_secret=app.secret, answers=answers)
    if name == "twokeys":
        return Twokeys(base, client_id=server.twokeys.id, client_secret=server.twokeys.secret)
    return {"mowork": Mowork, "oppmg": Oppmg, "thinkjs": Thinkjs}[name](base)


# One client for both: what it returns is awaited where it must be.


@dataclass(frozen=True)
class Way:
    """At once, or awaited."""

    awaited: bool

    def run(self, auth: ContractAuth[Any], story) -> Any:
        """Tell *story*, a generator of what is asked and then done, to a client of *auth*."""
        return asyncio.run(self._awaited(auth, story)) if self.awaited else self._at_once(auth, story)

    def _at_once(self, auth: ContractAuth[Any], story) -> Any:
        with Client(auth) as client:
            telling = story(client)
            answer: Any = None
            while True:
                try:
                    ask = telling.send(answer)
                    answer = ask()
                except StopIteration as end:
                    return end.value

    async def _awaited(self, auth: ContractAuth[Any], story) -> Any:
        async with AsyncClient(auth) as client:
            telling = story(client)
            answer: Any = None
            while True:
                try:
                    ask = telling.send(answer)
                    answer = await ask()
                except StopIteration as end:
                    return end.value


@pytest.mark.parametrize("way", [Way(awaited=False), Way(awaited=True)], ids=["at once", "awaited"])
@pytest.mark.parametrize("name", CONTRACTS)
def test_every_contract_signs_in_calls_and_signs_out(server, name, way):
    auth = contract(name, server)
    user = server.user

    def story(client):
        yield lambda: client.sign_in(user.name, user.password)
        assert client.signed_in
        me = yield client.me
        yield lambda: client.call("notice", "list", public=True)
        yield lambda: client.call("notice", "add", {"title": "停水", "content": f"明天上午 {name}"})
        tokens = auth.session.tokens()
        yield client.sign_out
        assert not client.signed_in
        assert auth.session.over is Reason.SIGNED_OUT
        auth.session.open(tokens, 0)
        return me

    me = way.run(auth, story)
    assert user.name in me.values()
    with pytest.raises(SignInAgain), Client(auth) as client:
        client.me()
    assert not client.signed_in


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_wrong_password_and_a_bad_argument_are_told_with_the_contracts_own_code(server, name):
    with Client(contract(name, server)) as client:
        with pytest.raises(SignInFailed) as failed:
            # Two people's mistakes, so that nobody has to wait for having made too many.
            client.sign_in((server.loner if name.startswith("zhiyun") else server.admin).name, "wrong")
        assert not client.signed_in
        expected = {"mowork": "100001", "oppmg": "10002", "twokeys": 0, "thinkjs": 1000}.get(name, 100001)
        assert (failed.value.code, failed.value.outcome) == (expected, Outcome.SIGN_IN_FAILED)
        client.sign_in(server.user.name, server.user.password)
        with pytest.raises(BadArgument):
            client.call("notice", "list", {"page": "no"}, public=True)


def test_the_pages_of_a_list_are_read_to_their_end(server):
    with Client(contract("mowork", server)) as client:
        client.sign_in(server.user.name, server.user.password)
        for number in range(25):
            client.call("notice", "add", {"title": f"第{number}条", "content": "分页"})

        found = [notice["id"] for notice in client.pages("notice", "list", public=True)]

    assert len(found) == len(set(found)) >= 25

    async def listed() -> list[int]:
        async with AsyncClient(contract("thinkjs", server)) as awaited:
            return [notice["id"] async for notice in awaited.pages("notice", "list", public=True)]

    assert asyncio.run(listed()) == found


def test_a_session_in_a_file_is_found_again_and_its_end_is_told_with_the_reason(server, tmp_path):
    file = tmp_path / "session.json"
    with Client(Oppmg(f"{server.base_url}/oppmg", storage=FileStorage(file))) as first:
        first.sign_in(server.user.name, server.user.password)

    with Client(Oppmg(f"{server.base_url}/oppmg", storage=FileStorage(file))) as second:
        assert second.me()["account"] == server.user.name
        end_sessions(server, server.user)
        with pytest.raises(SignInAgain) as over:
            second.me()

    assert (over.value.reason, over.value.code, second.signed_in) == (Reason.KICKED_OUT, "10024", False)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_change_of_company_brings_the_pair_that_the_next_call_shows(server):
    with Client(contract("oppmg", server)) as client:
        client.sign_in(server.user.name, server.user.password)
        client.account("change_company", company_id=1)
        assert client.me()["company_id"] == 1
        client.account("change_company", company_id=2)
        assert client.me()["company_id"] == 2


def test_a_plain_client_of_httpx2_is_signed_in_by_what_it_posts(server):
    auth = contract("mowork", server)
    with httpx2.Client(auth=auth, base_url=f"{server.base_url}/mowork/") as client:
        who = {"username": server.user.name, "password": server.user.password}
        auth.read(client.post("user/login", json={"requestParam": who}))
        answer = client.get("user/getinfo")

    assert answer.json()["resMessage"] == "获取用户信息成功"
    assert auth.read(answer)["username"] == server.user.name


def test_twokeys_may_sign_the_moment_instead_of_the_day(server):
    app = server.twokeys
    base = f"{server.base_url}/twokeys"
    auth = Twokeys(base, client_id=app.id, client_secret=app.secret, signs="timestamp")
    with Client(auth) as client:
        client.sign_in(server.user.name, server.user.password)
        assert client.me()["username"] == server.user.name


@pytest.mark.parametrize("name", ["twokeys", "zhiyun"])
def test_a_machine_whose_clock_is_days_off_is_put_right_by_the_server(server, name):
    auth = contract(name, server)
    auth.clock.local = lambda: time.time() - 40 * 86_400
    with Client(auth) as client:
        client.sign_in(server.user.name, server.user.password)
        client.me()

    assert abs(auth.clock.now() - time.time()) < 5


@pytest.fixture(scope="module")
def proxy(server):
    variables = {
        "LINGPAI_CONTRACTS__OPPMG__ACCESS_SECONDS": str(ACCESS_SECONDS),
        "LINGPAI_CONTRACTS__OPPMG__LEEWAY_SECONDS": "0",
    }
    with running(server.data, **variables) as base_url, Proxy(base_url) as proxy, serving(proxy):
        yield proxy


EXPIRED = (
    "threads",
    "tasks",
    "threads, 10026",
    "tasks, 10026",
    "lost",
    "lost, awaited",
    "lost thrice",
    "lost 10026",
    "plain",
)


@pytest.fixture(scope="module")
def expired(server, proxy):
    """For each case a session whose access token has expired."""
    opened = {}
    for case in EXPIRED:
        moment = time.time()
        # A clock that stands still never finds that it is time: so it is the server's 10026 that renews.
        clock = (lambda stopped=moment: stopped) if "10026" in case else time.time
        auth = opened[case] = Oppmg(f"{proxy.base_url}/oppmg", clock=clock)
        with Client(auth) as client:
            client.sign_in(server.user.name, server.user.password)
    time.sleep(ACCESS_SECONDS + 1)
    return opened


def in_threads(auth: Oppmg) -> list[Any]:
    with Client(auth, timeout_seconds=60) as client, ThreadPoolExecutor(FIFTY) as threads:
        return list(threads.map(lambda _: client.me()["account"], range(FIFTY)))


def in_tasks(auth: Oppmg) -> list[Any]:
    async def all_at_once() -> list[Any]:
        async with AsyncClient(auth, timeout_seconds=60) as client:
            return [me["account"] for me in await asyncio.gather(*(client.me() for _ in range(FIFTY)))]

    return asyncio.run(all_at_once())


@pytest.mark.parametrize("case", EXPIRED[:4])
def test_fifty_calls_with_an_expired_access_token_make_one_renewal_and_no_sign_out(server, proxy, expired, case):
    auth = expired[case]
    before = renewals(server)
    proxy.lose()

    names = (in_threads if "threads" in case else in_tasks)(auth)

    assert names == [server.user.name] * FIFTY
    assert renewals(server) - before == 1
    assert proxy.asked.count(f"GET {REFRESH}") == (0 if "10026" in case else 1)
    assert ("10026" in proxy.codes) == ("10026" in case)
    assert "10024" not in proxy.codes


def test_the_lost_answer_of_a_renewal_is_survived_by_showing_the_old_refresh_token_again(server, proxy, expired):
    before = renewals(server)
    proxy.lose(REFRESH)
    with Client(expired["lost"]) as client:
        assert client.me()["account"] == server.user.name
    assert proxy.asked.count(f"GET {REFRESH}") == 2

    proxy.lose(REFRESH)

    async def me() -> Any:
        async with AsyncClient(expired["lost, awaited"]) as awaited:
            return await awaited.me()

    assert asyncio.run(me())["account"] == server.user.name
    assert renewals(server) - before == 2
    assert "10024" not in proxy.codes


@pytest.mark.parametrize(("case", "lost"), [("lost thrice", [REFRESH] * 3), ("lost 10026", ["/oppmg/v1/user/info"])])
def test_where_all_tries_are_lost_the_next_call_survives(server, proxy, expired, case, lost):
    before = renewals(server)
    proxy.lose(*lost)
    with Client(expired[case]) as client:
        with pytest.raises(NoAnswer):
            client.me()
        assert client.me()["account"] == server.user.name

    assert proxy.lost == []
    assert renewals(server) - before == 1
    assert "10024" not in proxy.codes


def test_a_plain_client_whose_renewal_is_lost_is_told_and_goes_on(server, proxy, expired):
    auth = expired["plain"]
    proxy.lose(REFRESH)
    with httpx2.Client(auth=auth) as client:
        with pytest.raises(httpx2.TransportError):
            client.get(f"{proxy.base_url}/oppmg/v1/user/info")
        answer = client.get(f"{proxy.base_url}/oppmg/v1/user/info")

    assert auth.read(answer)["account"] == server.user.name


SAME: dict[End, Outcome] = {
    **{end: Outcome(end.name.lower()) for end in End if end.name.lower() in set(Outcome)},
    End.STORE_SILENT: Outcome.BUSY,
    End.OVERLOADED: Outcome.BUSY,
    End.CREDENTIALS_MISSING: Outcome.SESSION_OVER,
    End.CREDENTIALS_BAD: Outcome.SESSION_OVER,
    End.TOKENS_RENEWED: Outcome.RENEWED,
    End.SCOPE_INSUFFICIENT: Outcome.NOT_ALLOWED,
    **dict.fromkeys((End.CODE_UNKNOWN, End.CODE_EXPIRED), Outcome.CODE_SPENT),
    **dict.fromkeys((End.CODE_OF_ANOTHER_CLIENT, End.CODE_OF_ANOTHER_USER), Outcome.CODE_SPENT),
    **dict.fromkeys((End.CLIENT_MISMATCHED, End.CLIENT_UNKNOWN, End.CLIENT_SECRET_WRONG), Outcome.CLIENT_REFUSED),
}
"""What the SDK calls each ending of the server."""

OTHERWISE: dict[tuple[str, End], Outcome] = {
    # Where a contract has one number for two endings, the SDK has its first meaning.
    ("mowork", End.UNREADABLE): Outcome.ARGUMENT_BAD,
    ("mowork", End.TIMESTAMP_BAD): Outcome.SESSION_OVER,
    ("oppmg", End.UNREADABLE): Outcome.ARGUMENT_BAD,
    ("twokeys", End.UNREADABLE): Outcome.ARGUMENT_BAD,
    ("twokeys", End.CREDENTIALS_BAD): Outcome.CLIENT_REFUSED,
    # Its one sentence: a reason in the header, or no token shown, makes it SESSION_OVER.
    ("twokeys", End.CREDENTIALS_MISSING): Outcome.NOT_ALLOWED,
    ("twokeys", End.SESSION_OVER): Outcome.NOT_ALLOWED,
    ("zhiyun", End.BODY_TOO_LARGE): Outcome.UNREADABLE,
    ("zhiyun", End.STORE_SILENT): Outcome.INTERNAL,
    ("zhiyun", End.OVERLOADED): Outcome.INTERNAL,
    ("zhiyun", End.WRONG_METHOD): Outcome.NO_SUCH_CALL,
    ("zhiyun", End.CLIENT_NOT_SERVED): Outcome.NO_SUCH_CALL,
    ("zhiyun", End.CREDENTIALS_MISSING): Outcome.CLIENT_REFUSED,
    ("zhiyun", End.CREDENTIALS_BAD): Outcome.CLIENT_REFUSED,
    ("zhiyun", End.TOO_MANY_DEVICES): Outcome.TOO_MANY_ATTEMPTS,
}

TABLES: dict[str, CodeTable] = {
    "mowork": mowork.CODES,
    "oppmg": oppmg.CODES,
    "twokeys": twokeys.codes(1, 0),
    "zhiyun": zhiyun.CODES,
    "thinkjs": thinkjs.CODES,
}

ENVELOPES: dict[str, tuple[str, str]] = {
    "mowork": ("resCode", "resMessage"),
    "oppmg": ("code", "msg"),
    "twokeys": ("code", "msg"),
    "zhiyun": ("code", "message"),
    "thinkjs": ("errno", "errmsg"),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_the_servers_table_is_read_as_the_ending_that_it_spells(server, name):
    auth, table = contract(name, server), TABLES[name]
    number, sentence = ENVELOPES[name]
    request = httpx2.Request("POST", f"{auth.base_url}/x", content=b"user_token=1")
    for end in table:
        assert isinstance(end, End)
        row = table[end]
        for message in {row.message("zh"), row.message("en")}:
            told = {number: row.number, sentence: message}
            response = httpx2.Response(row.status, json=told, request=request)
            heard = auth.hear(response, Call("POST", "/x"))
            assert heard.outcome is OTHERWISE.get((name, end), SAME.get(end)), f"{name}: {end.name}, {message}"
            assert (heard.code, heard.message) == (row.number, message)


def test_the_sdks_tables_have_no_row_that_the_server_has_not():
    def spelt(name, part):
        return {getattr(row, part) for row in TABLES[name].rows}

    def sentences(name):
        return {row.message(language) for row in TABLES[name].rows for language in ("zh", "en")}

    assert set(our_mowork.CODES) == spelt("mowork", "number")
    assert set(our_oppmg.CODES) == spelt("oppmg", "number")
    assert set(our_zhiyun.CODES) == spelt("zhiyun", "number")
    assert set(our_twokeys.MESSAGES) == sentences("twokeys") - {"操作成功"}
    assert set(our_thinkjs.ERRNOS) == spelt("thinkjs", "number")
    assert set(our_thinkjs.STATUSES) == spelt("thinkjs", "status") - {200, 401}
    assert set(our_thinkjs.MESSAGES) <= sentences("thinkjs")
