"""The page of a contract in a browser: it shows, it sends real requests, and it hands on what they answer."""

import pytest
from playwright.sync_api import expect

from tests import tools


@pytest.fixture(scope="module")
def browser():
    with tools.browser() as opened:
        yield opened


@pytest.fixture
def page(browser):
    opened = browser.new_page()
    troubles = []
    opened.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda trouble: troubles.append(str(trouble)))
    yield opened
    opened.close()
    assert troubles == []


def opened_form(page, call):
    form = page.locator(f"#{call}")
    form.locator("details.try > summary").click()
    return form


def fill(form, **members):
    for name, value in members.items():
        form.locator(f"input[data-name='{name.replace('__', '.')}']").fill(value)


def sent(form):
    form.get_by_role("button").click()
    told = form.locator("output .told.good, output .told.bad")
    told.wait_for()
    return form.locator("output").inner_text()


def test_signed_in_on_the_page_the_next_call_carries_the_token(page, server):
    page.goto(f"{server.base_url}/mowork/docs?language=zh")
    common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1.0"}
    login = opened_form(page, "user_login")
    fill(login, **common, requestParam__username=server.user.name, requestParam__password=server.user.password)
    answer = sent(login)
    described = opened_form(page, "user_getinfo_get")
    fill(described, **common)

    assert '"resCode": "100000"' in answer
    assert server.user.password not in answer
    assert '"truename": "王小明"' in sent(described)


def test_the_page_computes_the_api_token_and_the_house_with_one_status_is_still_told_good_from_bad(page, server):
    page.goto(f"{server.base_url}/twokeys/docs?language=en")
    login = opened_form(page, "api_login_login")
    fill(login, client_id=server.twokeys.id, username=server.user.name, password="not that one")
    login.locator("input[data-secret]").fill(server.twokeys.secret)
    refused = sent(login)
    expect(login.locator("output .told.bad")).to_be_visible()
    fill(login, password=server.user.password)
    login.get_by_role("button").click()
    expect(login.locator("output .told.good")).to_be_visible()

    assert "登录失败" in refused


def test_the_page_is_whole_on_a_narrow_screen_in_the_dark_and_by_keyboard(browser, server):
    narrow = browser.new_context(viewport={"width": 360, "height": 700}, color_scheme="dark")
    page = narrow.new_page()
    page.goto(f"{server.base_url}/zhiyun/docs")

    page.keyboard.press("Tab")
    skips = page.evaluate("document.activeElement.className")
    width = page.evaluate("document.documentElement.scrollWidth")
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    narrow.close()

    assert skips == "skip"
    assert width == 360
    assert paper == "rgb(27, 26, 24)"
