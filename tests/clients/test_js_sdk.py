"""
The JavaScript SDK as it is published, in Chromium, with the real server behind a proxy that counts and loses.

The pages are of another origin than the server, as most front ends are. `make sdks` builds what they load.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from lingpai.composition import open_house
from lingpai.operations.end_sessions import EndSessions
from lingpai.principals.remembered import LEASE_SECONDS
from tests import tools
from tests.clients.conftest import running

PAGES = Path(__file__).parent / "pages"
SDK = Path(__file__).parents[2] / "sdks" / "js"
# So long that whatever a test does on a slow machine is done before the renewed token ends as well.
ACCESS_SECONDS = 15
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript"}

WITHOUT_WEB_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })"


class Proxy(ThreadingHTTPServer):
    """Passes calls on to a server, remembers them, and keeps some answers to itself."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, base_url: str) -> None:
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.behind = urlsplit(base_url).netloc
        self.asked: list[str] = []
        self.codes: list[str] = []
        self.lost: list[str] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def lose(self, *paths: str) -> None:
        """Hand on no more than half of the next answer of each of *paths*."""
        self.asked, self.codes, self.lost = [], [], list(paths)


class ProxyHandler(BaseHTTPRequestHandler):
    """One call."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        with closing(HTTPConnection(self.server.behind, timeout=30)) as behind:
            behind.request(self.command, self.path, body or None, headers)
            answer = behind.getresponse()
            told = answer.read()
        path = self.path.partition("?")[0]
        if self.command != "OPTIONS":
            self.server.asked.append(f"{self.command} {path}")
            self.server.codes.extend(re.findall(r'"code":"(\d+)"', told.decode()))
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        if self.command != "OPTIONS" and path in self.server.lost:
            # A browser asks again by itself where nothing came; so half of it does.
            self.server.lost.remove(path)
            self.close_connection = True
            told = told[: len(told) // 2]
        self.wfile.write(told)

    do_GET = do_POST = do_OPTIONS = pass_on  # noqa: N815 - as the base class wants them

    def log_message(self, *_):
        """Say nothing."""


class PageHandler(BaseHTTPRequestHandler):
    """Serves the files of one front end and what it loads."""

    def do_GET(self):
        path = urlsplit(self.path).path
        made = self.server.made.get(path)  # type: ignore[attr-defined]
        file = self.server.folder / path.lstrip("/")  # type: ignore[attr-defined]
        content = made if made is not None else file.read_bytes() if file.is_file() else None
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", TYPES.get(Path(path).suffix, "text/plain"))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_):
        """Say nothing."""


def built(path: str) -> bytes:
    """Return what `make sdks` made."""
    found = SDK / path
    if not found.exists():
        pytest.fail(f"no {path}: run `make sdks`")
    return found.read_bytes()


@contextmanager
def front_end(name: str, server_url: str) -> Iterator[str]:
    """Serve the pages called *name*, or those of a folder; the value is their origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), PageHandler) as pages:
        pages.folder = PAGES / name  # type: ignore[attr-defined]
        pages.made = {  # type: ignore[attr-defined]
            "/lingpai.js": built("dist/lingpai.js"),
            "/miniprogram.js": built("dist/miniprogram/index.js"),
            "/lingpai.mjs": built("dist/esm/index.js"),
            "/axios.js": tools.axios().read_bytes(),
            "/vue.js": built("node_modules/vue/dist/vue.global.prod.js"),
            "/vuex.js": built("node_modules/vuex/dist/vuex.global.prod.js"),
            "/api/token.js": (PAGES / "thinkjs" / "api" / "token.js").read_bytes(),
            "/server.js": f"const SERVER = {json.dumps(server_url)}".encode(),
        }
        with serving(pages):
            yield f"http://127.0.0.1:{pages.server_port}"


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    with tools.browser() as browser:
        yield browser


@pytest.fixture
def context(browser):
    with browser.new_context() as context:
        yield context


@pytest.fixture(scope="module")
def impatient(server):
    """The same house, served once more with access tokens that live for a moment."""
    variables = {
        "LINGPAI_CONTRACTS__OPPMG__ACCESS_SECONDS": str(ACCESS_SECONDS),
        "LINGPAI_CONTRACTS__OPPMG__LEEWAY_SECONDS": "0",
    }
    with running(server.data, **variables) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def proxy(impatient):
    with Proxy(impatient) as proxy, serving(proxy):
        yield proxy


@pytest.fixture(scope="module")
def origin(proxy):
    with front_end("sdk", proxy.base_url) as origin:
        yield origin


def renewals(server):
    """Return how many pairs were exchanged for another so far, as the audit trail has it."""
    house = open_house(server.data, {})
    try:
        rows = house.stores.audit.page(0, 100_000)
        return sum(row.kind == "session:renewed" for row in rows)
    finally:
        house.stores.close()


def end_sessions(server, user):
    """Do what an operator does, in a process of their own: the server hears of it within a lease."""
    house = open_house(server.data, {})
    try:
        EndSessions(house.stores, house.clock)("operator", user.user_id)
    finally:
        house.stores.close()
    time.sleep(LEASE_SECONDS)


def tab(context, origin, title, options=""):
    """Open a page that has a client of oppmg, with *options* beside what is watched."""
    page = context.new_page()
    page.goto(f"{origin}/index.html")
    page.evaluate(
        """([title, options]) => {
            document.title = title
            globalThis.api = new Lingpai.Oppmg({ base: SERVER + '/oppmg', ...watched, ...eval(`({${options}})`) })
        }""",
        [title, options],
    )
    return page


def sign_in(page, user):
    page.evaluate(
        "async ([account, password]) => { await api.login({ account, password }) }",
        [user.name, user.password],
    )


def both(tabs, script):
    """Start *script* in both *tabs* at once, and return what each came to."""
    for page in tabs:
        page.evaluate(f"() => {{ globalThis.result = {script} }}")
    return [page.evaluate("result") for page in tabs]


# A device whose clock stands still thinks that its pair never ends: so it is the server's 10026 that renews.
STOPPED = "now: (moment => () => moment)(Date.now())"
REFRESH = "/oppmg/v1/auth/refresh_token"

FIFTY = {
    "by time, Web Locks": ("", True),
    "by time, a lease in the storage": ("", False),
    "by 10026, Web Locks": (STOPPED, True),
    "by 10026, a lease in the storage": (STOPPED, False),
}
LOST = {
    "a renewal's, once": ("", [REFRESH]),
    "a renewal's, three times": ("", [REFRESH] * 3),
    "a call's 10026": (STOPPED, ["/oppmg/v1/user/info"]),
}


@pytest.fixture(scope="module")
def expired(server, browser, origin):
    """For each case two tabs of a browser of its own, signed in with an access token that has expired."""
    opened = {}
    with ExitStack() as contexts:
        for name, (options, web_locks) in {
            **FIFTY,
            **{name: (options, True) for name, (options, _) in LOST.items()},
        }.items():
            context = contexts.enter_context(browser.new_context())
            if not web_locks:
                context.add_init_script(WITHOUT_WEB_LOCKS)
            first = tab(context, origin, "first", options)
            sign_in(first, server.user)
            opened[name] = first, tab(context, origin, "second", options)
            assert first.evaluate("Boolean(navigator.locks)") == web_locks
        # A second more, for the whole seconds that tokens count in.
        time.sleep(ACCESS_SECONDS + 1)
        yield opened


@pytest.mark.parametrize("case", FIFTY)
def test_fifty_calls_with_an_expired_access_token_in_each_of_two_tabs_make_one_renewal_and_no_sign_out(
    server, proxy, expired, case
):
    by_10026 = FIFTY[case][0] == STOPPED
    tabs = expired[case]
    before = renewals(server)
    proxy.lose()

    results = both(tabs, "add(api, 50)")

    assert results == [["done"] * 50, ["done"] * 50]
    assert renewals(server) - before == 1
    assert proxy.asked.count(f"GET {REFRESH}") == (0 if by_10026 else 1)
    assert proxy.codes.count("00000") >= 100
    assert "10024" not in proxy.codes
    assert ("10026" in proxy.codes) == by_10026
    assert [tab.evaluate("seen.endings") for tab in tabs] == [[], []]
    assert tabs[0].evaluate("api.tokens") == tabs[1].evaluate("api.tokens")


@pytest.mark.parametrize("case", LOST)
def test_a_lost_answer_with_a_new_pair_in_it_is_survived(server, proxy, expired, case):
    options, lost = LOST[case]
    page, _ = expired[case]
    before = renewals(server)
    proxy.lose(*lost)

    names = page.evaluate(
        """async () => {
            const once = () => api.info().then(me => me.account, error => error.outcome)
            return [await once(), await once()]
        }"""
    )

    assert proxy.lost == []
    assert proxy.asked.count(f"GET {REFRESH}") == (0 if options else min(len(lost) + 1, 3))
    assert names == ["no_answer" if options else server.user.name, server.user.name]
    assert renewals(server) - before == 1
    assert "10024" not in proxy.codes
    assert page.evaluate("[api.signedIn, ...seen.endings]") == [True]


def test_a_session_that_an_operator_ends_is_told_once_in_each_tab_with_the_reason(server, proxy, origin, context):
    first = tab(context, origin, "first")
    sign_in(first, server.user)
    second = tab(context, origin, "second")
    end_sessions(server, server.user)

    results = both((first, second), "add(api, 20)")

    assert results == [["session_over"] * 20, ["session_over"] * 20]
    assert [page.evaluate("seen.endings") for page in (first, second)] == [["kicked_out"], ["kicked_out"]]


def test_signing_out_in_one_tab_signs_the_other_out(server, origin, context):
    first = tab(context, origin, "first")
    sign_in(first, server.user)
    second = tab(context, origin, "second")
    assert second.evaluate("api.signedIn")

    first.evaluate("api.logout()")

    second.wait_for_function("seen.endings.length > 0")
    assert [page.evaluate("[api.signedIn, ...seen.endings]") for page in (first, second)] == [[False, "signed_out"]] * 2


PROGRAM = """
// As uni-app's H5 and WeChat's have it: callbacks, a GET's data in its query, JSON parsed unless told otherwise.
globalThis.%s = {
    kept: new Map(),
    request({ url, method, header, data, dataType, timeout, success, fail }) {
        const sent = new XMLHttpRequest()
        sent.open(method, method === 'GET' && data ? `${url}?${data}` : url)
        for (const [name, value] of Object.entries(header)) sent.setRequestHeader(name, value)
        sent.timeout = timeout
        sent.onload = () => {
            const lines = sent.getAllResponseHeaders().trim().split('\\r\\n')
            const head = Object.fromEntries(lines.map(line => line.split(': ')))
            let read = sent.responseText
            if (dataType === 'json') try { read = JSON.parse(read) } catch {}
            success({ statusCode: sent.status, data: read, header: head })
        }
        sent.onerror = () => fail({ errMsg: 'request:fail' })
        sent.ontimeout = () => fail({ errMsg: 'request:fail timeout' })
        sent.onabort = () => fail({ errMsg: 'request:fail abort' })
        sent.send(method === 'GET' ? undefined : data)
        return { abort: () => sent.abort() }
    },
    getStorageSync(key) { return this.kept.get(key) || '' },
    setStorageSync(key, value) { this.kept.set(key, value) },
    removeStorageSync(key) { this.kept.delete(key) }
}
"""

WAYS = {
    "fetch": "{}",
    "axios": "{ transport: Lingpai.axiosTransport(axios.create()) }",
    "uni.request": "{}",
    "wx.request": "{}",
}

MINI_PROGRAM = """async () => {
    const module = { exports: {} }
    new Function('module', 'exports', await (await fetch('/miniprogram.js')).text())(module, module.exports)
    globalThis.Lingpai = module.exports
}"""

TOUR = """async ([people, way]) => {
    const more = name => ({ base: `${SERVER}/${name}`, ...watched, ...eval(`(${way})`) })
    const keys = app => ({ clientId: app.id, clientSecret: app.secret })
    const clients = {
        mowork: new Lingpai.Mowork({ ...more('mowork'), clientType: 'h5' }),
        oppmg: new Lingpai.Oppmg(more('oppmg')),
        twokeys: new Lingpai.Twokeys({ ...more('twokeys'), ...keys(people.twokeys) }),
        zhiyun: new Lingpai.Zhiyun({ ...more('zhiyun'), ...keys(people.desktop) }),
        thinkjs: new Lingpai.Thinkjs(more('thinkjs'))
    }
    const app = new Lingpai.Zhiyun({ ...more('zhiyun'), storageKey: 'app', ...keys(people.trusted) })
    const { name: username, password } = people.user
    const told = {}
    for (const [contract, api] of Object.entries(clients)) {
        const wrong = await api.login({ username, account: username, password: 'wrong' }).catch(error => error)
        await api.login(contract === 'oppmg' ? { account: username, password } : { username, password })
        if (contract === 'zhiyun') app.use(api.tokens.access_token)
        const user = contract === 'zhiyun' ? app : api
        const me = await user.info()
        await user.notices.add({ title: contract, content: '一 & 二 + "三" 🎉' })
        const [newest] = await user.notices.list()
        const bad = await user.notices.add({ title: '', content: '' }).catch(error => error)
        const before = api.signedIn
        await api.logout()
        const after = await user.info().catch(error => error)
        told[contract] = {
            me: me.username || me.account,
            newest: [newest.title, newest.content],
            outcomes: [wrong.outcome, bad.outcome, after.outcome],
            names: [wrong.name, after.name],
            signedIn: [before, api.signedIn]
        }
    }
    return told
}"""


@pytest.mark.parametrize("way", WAYS)
def test_all_five_contracts_sign_in_call_and_sign_out_from_a_page_of_another_origin(server, context, way):
    with front_end("sdk", server.base_url) as origin:
        page = context.new_page()
        if way.endswith(".request"):
            page.add_init_script(PROGRAM % way.partition(".")[0])
        page.goto(f"{origin}/index.html")
        if way == "wx.request":
            page.evaluate(MINI_PROGRAM)
        people = {name: vars(getattr(server, name)) for name in ("user", "twokeys", "zhiyun", "trusted", "desktop")}

        told = page.evaluate(TOUR, [people, WAYS[way]])
        wire = page.evaluate("seen.wire.map(wire => wire.contract)")

    content = '一 & 二 + "三" 🎉'
    for contract in ("mowork", "oppmg", "twokeys", "zhiyun", "thinkjs"):
        assert told[contract] == {
            "me": server.user.name,
            "newest": [contract, content],
            "outcomes": ["sign_in_failed", "argument_bad", "session_over"],
            "names": ["Refused", "SignedOut"],
            "signedIn": [True, False],
        }, contract
        assert wire.count(contract) >= 7


def arrives(page, name):
    expect(page).to_have_url(re.compile(rf".*/{name}\.html"), timeout=30_000)


def test_the_thinkjs_documents_own_lines_run_as_printed_with_a_real_vuex_store(server, context):
    with front_end("vuex", f"{server.base_url}/thinkjs") as origin:
        page = context.new_page()
        page.goto(f"{origin}/index.html")
        arrives(page, "login")

        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", "wrong")
        page.click("button")
        expect(page.locator("#trouble")).to_have_text("用户名或密码错误")

        page.fill("input[name=password]", "123456")
        page.click("button")
        arrives(page, "index")
        expect(page.locator("h1")).to_have_text("admin")

        page.fill("input[name=title]", "停水通知")
        page.fill("input[name=content]", "明天上午停水")
        page.click("button")
        expect(page.locator("li").first).to_have_text("停水通知:明天上午停水")

        end_sessions(server, server.admin)
        page.click("button")
        arrives(page, "login")
