"""
Pages of another origin, written from the documents alone, in a browser: Chromium, axios, the real server.

The pages are in `pages/`. What a page does not say itself is who it calls: `server.js` tells it.
"""

import re
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lingpai.composition import open_house
from lingpai.operations.end_sessions import EndSessions
from lingpai.principals.remembered import LEASE_SECONDS
from tests import tools
from tests.clients.conftest import running

PAGES = Path(__file__).parent / "pages"
ACCESS_SECONDS = 2
LEEWAY_SECONDS = 2


def arrives(page, name):
    """Wait for that page. Calls that fail together may each go there, and one navigation overtakes another."""
    expect(page).to_have_url(re.compile(rf".*/{name}\.html"), timeout=30_000)


class PageHandler(SimpleHTTPRequestHandler):
    """Serves the files of one front end, axios, and the address of the server that it calls."""

    extensions_map = {".html": "text/html", ".js": "text/javascript"}  # noqa: RUF012 - as the base class has it

    def __init__(self, *args, server_url, **more):
        self._made = {
            "/axios.js": tools.axios().read_bytes(),
            "/server.js": f"const SERVER = '{server_url}'".encode(),
        }
        super().__init__(*args, **more)

    def do_GET(self):
        made = self._made.get(self.path)
        if made is None:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript")
        self.send_header("Content-Length", str(len(made)))
        self.end_headers()
        self.wfile.write(made)

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def front_end(name, server_url):
    """Serve the pages called *name* on a port of their own; the value is their origin."""
    handler = partial(PageHandler, directory=PAGES / name, server_url=f"{server_url}/{name}")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as pages:
        serving = threading.Thread(target=pages.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{pages.server_port}"
        finally:
            pages.shutdown()
            serving.join()


@pytest.fixture(scope="module")
def browser():
    with tools.browser() as browser:
        yield browser


@pytest.fixture
def page(browser):
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page


@pytest.fixture
def end_sessions(server, page):
    """What an operator does, in a process of their own: the server hears of it within a lease."""

    def end(user):
        house = open_house(server.data, {})
        try:
            EndSessions(house.stores, house.clock)("operator", user.user_id)
        finally:
            house.stores.close()
        page.wait_for_timeout(LEASE_SECONDS * 1000)

    return end


def sign_in(page, field, name, password):
    page.fill(f"input[name={field}]", name)
    page.fill("input[name=password]", password)
    page.click("button")


def publish(page, title, content):
    page.fill("input[name=title]", title)
    page.fill("input[name=content]", content)
    page.click("button")


def test_a_page_written_from_the_thinkjs_document_signs_in_works_and_jumps_to_its_sign_in_when_the_session_is_over(
    server, page, end_sessions
):
    with front_end("thinkjs", server.base_url) as origin:
        page.goto(f"{origin}/index.html")
        arrives(page, "login")

        sign_in(page, "username", server.user.name, "wrong")
        expect(page.locator("#trouble")).to_have_text("用户名或密码错误")
        assert page.url.endswith("/login.html")

        sign_in(page, "username", server.user.name, server.user.password)
        arrives(page, "index")
        expect(page.locator("h1")).to_have_text(server.user.name)

        publish(page, "停水通知", "明天上午停水")
        expect(page.locator("li").first).to_have_text("停水通知:明天上午停水")
        publish(page, "", "没有标题")
        expect(page.locator("#trouble")).to_have_text("参数错误:title")

        end_sessions(server.user)
        told = page.evaluate(
            """async () => {
                const answer = await fetch(SERVER + '/api/system/user/info', {
                    headers: { Authorization: localStorage.getItem('token') }
                })
                return [answer.status, answer.headers.get('X-Lingpai-Reason')]
            }"""
        )
        assert told == [401, "kicked_out"]

        publish(page, "我还在吗", "不在了")
        arrives(page, "login")

        # The page still sends its old token with everything, this sign-in included.
        sign_in(page, "username", server.user.name, server.user.password)
        arrives(page, "index")
        expect(page.locator("li").first).to_have_text("停水通知:明天上午停水")


def test_the_thinkjs_documents_own_user_signs_in_with_its_own_password(server, page):
    with front_end("thinkjs", server.base_url) as origin:
        page.goto(f"{origin}/login.html")

        sign_in(page, "username", "admin", "123456")

        arrives(page, "index")
        expect(page.locator("h1")).to_have_text("admin")


@pytest.fixture(scope="module")
def impatient(server):
    """The same house, served once more with access tokens that live for a moment."""
    variables = {
        "LINGPAI_CONTRACTS__OPPMG__ACCESS_SECONDS": str(ACCESS_SECONDS),
        "LINGPAI_CONTRACTS__OPPMG__LEEWAY_SECONDS": str(LEEWAY_SECONDS),
    }
    with running(server.data, **variables) as base_url:
        yield base_url


def test_a_page_written_from_the_oppmg_document_renews_its_pair_under_twenty_calls_at_once_and_is_never_signed_out(
    server, impatient, page, end_sessions
):
    with front_end("oppmg", impatient) as origin:
        page.goto(f"{origin}/index.html")
        arrives(page, "login")

        sign_in(page, "account", server.user.name, server.user.password)
        arrives(page, "index")
        expect(page.locator("h1")).to_have_text(server.user.name)

        for _ in range(2):  # the second time with the pair of the first renewal
            # The server accepts an access token until its leeway is over; a second more, for its whole seconds.
            page.wait_for_timeout((ACCESS_SECONDS + LEEWAY_SECONDS + 1) * 1000)
            page.click("button")
            expect(page.locator("p")).to_have_text("20 of 20", timeout=15_000)
            renewals, pairs = page.evaluate("[seen.renewals, seen.pairs.size]")
            assert renewals >= 1
            assert pairs == 1
            assert page.url.endswith("/index.html")

            # 10026 said that a call was not done: each of the twenty was done once.
            titles = page.evaluate(
                """async () => (await request.post('/v1/notice/list', {})).data.notices.map(notice => notice.title)"""
            )
            assert sorted(titles) == sorted(f"第{n}" for n in range(20))

        end_sessions(server.user)
        page.click("button")
        arrives(page, "login")
