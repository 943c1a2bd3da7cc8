"""The page that the SDK's documentation prints works as pasted, in both languages."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lingpai.principals.remembered import LEASE_SECONDS
from tests import tools
from tests.clients.test_js_sdk import front_end

ROOT = Path(__file__).parents[2]
DOCS = {
    "javascript.md": {"out": "Signed out: kicked_out", "wrong": "wrong account or password", "item": "a: b"},
    "javascript.zh.md": {"out": "已退出：kicked_out", "wrong": "账号或密码错误", "item": "a：b"},
}


def printed(name, language):
    """Return the blocks of *language* in the page of documentation called *name*."""
    text = (ROOT / "docs" / "sdk" / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def browser():
    with tools.browser() as browser:
        yield browser


@pytest.mark.parametrize("name", DOCS)
def test_the_printed_page_signs_in_publishes_and_hears_of_the_end_in_every_tab(server, browser, name, tmp_path):
    (page_text,) = printed(name, "html")
    assert page_text.count("http://127.0.0.1:8000") == 1
    (tmp_path / "index.html").write_text(page_text.replace("http://127.0.0.1:8000", server.base_url), encoding="utf-8")
    told = DOCS[name]

    with front_end(tmp_path, server.base_url) as origin, browser.new_context() as context:
        page = context.new_page()
        troubles = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{origin}/index.html")

        page.fill("[name=account]", server.user.name)
        page.fill("[name=password]", "wrong")
        page.click("#entrance button")
        expect(page.locator("p")).to_have_text(told["wrong"])
        page.fill("[name=password]", server.user.password)
        page.click("#entrance button")
        expect(page.locator("b")).to_have_text(server.user.name)
        page.fill("[name=title]", "a")
        page.fill("[name=content]", "b")
        page.click("#office button >> nth=0")
        expect(page.locator("li").first).to_have_text(told["item"])

        other = context.new_page()
        other.goto(f"{origin}/index.html")
        expect(other.locator("b")).to_have_text(server.user.name)

        ending = next(block for block in printed(name, "sh") if "session end" in block)
        words = ending.replace("wangfang", server.user.name).split()
        subprocess.run([sys.executable, "-m", "lingpai.cli", *words[1:], "--data", server.data], check=True)
        time.sleep(LEASE_SECONDS)
        page.click("#office button >> nth=0")
        for each in (page, other):
            expect(each.locator("p")).to_have_text(told["out"])
            expect(each.locator("#entrance")).to_be_visible()
        assert troubles == []
