"""The playground of a demo server in a browser: each contract from sign-in to the operator's ending, twice."""

import json
import re
import subprocess
from http.client import HTTPConnection

import pytest
from playwright.sync_api import expect

from lingpai.bridges import playground
from lingpai.principals.remembered import LEASE_SECONDS
from tests import tools
from tests.cli.running import environment, serving

CONTRACTS = ("mowork", "oppmg", "twokeys", "zhiyun", "thinkjs")
MORE = {"mowork": "check", "oppmg": "refresh", "zhiyun": "authorize"}
REFUSAL = {
    "mowork": 'HTTP 403 · {code} "403"',
    "oppmg": 'HTTP 200 · {code} "10024"',
    "twokeys": "HTTP 200 · {code} 0",
    "zhiyun": "HTTP 200 · {code} 100014",
    "thinkjs": "HTTP 401 · {code} 401",
}
WORDS = {
    "zh": {"code": "编码", "ended": "被管理员结束", "done": "50 次调用全部完成", "wrong": "请求失败："},
    "en": {"code": "code", "ended": "ended by an operator", "done": "All 50 calls were done", "wrong": "Refused: "},
}
OF_A_REFUSAL = re.compile("Failed to load resource: the server responded with a status of 40[13]")
"""What Chromium says of every answer with such a status; mowork and thinkjs refuse by it."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    assert (tools.HERE.parent / "src/lingpai/bridges/playground/sdk.js").exists(), "no SDK here: run `make playground`"
    data = tmp_path_factory.mktemp("playground") / "data"
    with serving(data, "--demo", "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    with tools.browser() as opened:
        yield opened


@pytest.fixture
def opened(browser, demo):
    """Return how to open the page; afterwards its console must have said nothing."""
    troubles, contexts = [], []

    def open_page(language="en", **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        heard = lambda message: message.type == "error" and not OF_A_REFUSAL.match(message.text)  # noqa: E731
        page.on("console", lambda message: troubles.append(message.text) if heard(message) else None)
        page.on("pageerror", lambda trouble: troubles.append(str(trouble)))
        page.goto(f"{demo.base_url}/playground?language={language}")
        page.locator("#sign-in:enabled").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def sign_in(page, contract):
    page.click(f"#tab-{contract}")
    page.click("#sign-in")
    expect(page.locator("#state")).to_contain_text("guest-")
    return page.locator("#state").inner_text().rpartition("guest-")[2]


def call(page, name):
    page.locator(f"#call-{name}:enabled").click()
    page.locator("#sign-in:enabled").wait_for()
    return page.locator("#told").inner_text()


def newest(page):
    return page.locator("#exchanges > li").first


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_guest_signs_in_calls_and_is_ended_from_the_terminal(contract, language, opened, tmp_path):
    words = WORDS[language]
    page = opened(language)
    sign_in(page, contract)

    assert "guest-" in call(page, "read")
    expect(newest(page)).to_have_attribute("data-outcome", "ok")
    call(page, "add")
    assert page.evaluate("[...document.querySelectorAll('#told .good')].length") == 1
    assert {"zh": "演练场公告", "en": "From the playground"}[language] in call(page, "list")
    if contract in MORE:
        call(page, MORE[contract])
        expect(newest(page)).to_have_attribute("data-outcome", "ok")
    assert words["done"] in call(page, "many")
    page.screenshot(path=tmp_path / f"{contract}-{language}.png", full_page=True)

    shown = page.locator("#command").inner_text()
    done = subprocess.run(shown, shell=True, env=environment(), capture_output=True, text=True, timeout=60, check=True)
    assert contract in done.stdout
    page.wait_for_timeout(LEASE_SECONDS * 1000)
    told = call(page, "read")

    assert f"{words['ended']} (kicked_out)" in told
    assert REFUSAL[contract].format(code=words["code"]) in newest(page).locator("summary").inner_text()
    assert f"{words['ended']} (kicked_out)" in newest(page).locator(".meaning").inner_text()
    expect(page.locator("#call-read")).to_be_disabled()


def test_an_expired_access_token_brings_10026_with_a_new_pair_and_the_call_is_made_again(opened):
    page = opened()
    sign_in(page, "oppmg")
    call(page, "age")
    before = page.locator("#exchanges > li").count()

    assert "guest-" in call(page, "read")
    cards = page.locator("#exchanges > li")
    expect(cards).to_have_count(before + 2)
    assert [cards.nth(at).get_attribute("data-outcome") for at in (0, 1)] == ["ok", "renewed"]
    assert '"10026"' in cards.nth(1).locator("summary").inner_text()

    call(page, "age")
    assert "All 50 calls were done" in call(page, "many")
    expect(page.locator("#state")).to_contain_text("Signed in: guest-")


def test_one_guest_is_at_home_in_all_contracts_and_one_ending_ends_them_all(opened):
    page = opened()
    names = {sign_in(page, contract) for contract in CONTRACTS}
    assert len(names) == 1

    shown = page.locator("#command").inner_text()
    subprocess.run(shown, shell=True, env=environment(), capture_output=True, timeout=60, check=True)
    page.wait_for_timeout(LEASE_SECONDS * 1000)
    for contract in CONTRACTS:
        page.click(f"#tab-{contract}")
        assert "kicked_out" in call(page, "read"), contract


def test_secrets_are_hidden_until_they_are_asked_for(opened):
    page = opened()
    heard = []
    page.on("response", lambda answer: heard.append(answer.json()) if "/playground/" in answer.url else None)
    for contract in CONTRACTS:
        sign_in(page, contract)
        call(page, "read")
    secrets = [value for made in heard for name, value in made.items() if name in ("password", "clientSecret")]
    assert len(secrets) == 3

    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    hidden = page.locator("#exchanges").inner_text()
    assert not [secret for secret in secrets if secret in hidden]
    assert re.findall(r"[A-Za-z0-9_]{32,}", re.sub("etag: .*", "", hidden)) == []
    page.check("#secrets")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert all(secret in page.locator("#exchanges").inner_text() for secret in secrets)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_wrong_password_and_a_sign_out_are_told(language, opened):
    page = opened(language)
    page.click("#tab-thinkjs")
    page.click("#wrong")
    expect(page.locator("#told")).to_contain_text(WORDS[language]["wrong"])
    expect(newest(page)).to_have_attribute("data-outcome", "sign_in_failed")
    sign_in(page, "thinkjs")
    call(page, "logout")
    expect(newest(page)).to_have_attribute("data-call", "logout")
    expect(page.locator("#call-read")).to_be_disabled()


def test_a_demo_account_signs_in_with_a_password_that_is_typed(demo, opened, tmp_path):
    page = opened()
    page.select_option("#who", "wangfang")
    reset = page.locator("#reset").inner_text()
    assert reset.startswith(page.locator("#command").inner_text().partition("session end")[0] + "user reset wangfang")
    done = subprocess.run(
        f"{reset} --random-password --json", shell=True, env=environment(), capture_output=True, text=True, check=True
    )
    page.fill("#password", json.loads(done.stdout)["password"])
    page.click("#sign-in")
    expect(page.locator("#state")).to_have_text("Signed in: wangfang")
    expect(page.locator("#command")).to_contain_text("--user wangfang")


def test_the_language_changes_without_a_sign_out_and_tabs_turn_by_arrow_keys(opened):
    page = opened("zh")
    sign_in(page, "mowork")
    page.click("#language")
    expect(page.locator("h1")).to_have_text("Playground")
    expect(page.locator("#state")).to_contain_text("Signed in: guest-")
    page.focus("#tab-mowork")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-zhiyun")).to_have_attribute("aria-selected", "true")
    assert page.evaluate("document.activeElement.id") == "tab-zhiyun"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_and_whole_on_a_narrow_screen(scheme, opened):
    page = opened(viewport={"width": 360, "height": 740}, color_scheme=scheme, bypass_csp=True)
    sign_in(page, "twokeys")
    call(page, "read")

    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.add_script_tag(path=tools.axe())
    found = page.evaluate("axe.run()")["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


def test_without_the_sdk_the_page_says_how_to_make_it(browser, demo, monkeypatch):
    monkeypatch.setattr(playground, "SDK", "absent.js")
    monkeypatch.setitem(playground._ASSETS, "/sdk.js", ("absent.js", "text/javascript"))
    assert playground._asset("/sdk.js") == ("text/javascript", b"")

    page = browser.new_page()
    about = ask(demo.port, "GET", "/playground/about.json")[1] | {"hasSdk": False}
    page.route("**/about.json", lambda route: route.fulfill(json=about))
    page.route("**/sdk.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(f"{demo.base_url}/playground?language=en")
    expect(page.locator("#missing")).to_contain_text("make playground")
    expect(page.locator("#sign-in")).to_be_disabled()
    page.close()


def ask(port, method, path, **headers):
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    is_json = text and "json" in answer.headers["content-type"]
    return answer.status, json.loads(text) if is_json else text


OURS = {"X_Lingpai_Playground": "1"}


def test_the_page_is_for_browsers_of_this_machine_and_for_pages_of_its_own(demo):
    assert ask(demo.port, "GET", "/playground")[0] == 200
    assert ask(demo.port, "HEAD", "/playground") == (200, b"")
    for headers in ({"Host": "evil.example"}, {"X_Forwarded_For": "192.0.2.1"}):
        assert ask(demo.port, "GET", "/playground", **headers)[0] == 404
        assert ask(demo.port, "POST", "/playground/guest", **headers, **OURS)[0] == 404
    assert ask(demo.port, "POST", "/playground/guest")[0] == 404
    assert ask(demo.port, "GET", "/playground/guest", **OURS)[0] == 404
    assert ask(demo.port, "OPTIONS", "/playground/guest", Origin="http://evil.example")[0] == 404
    assert ask(demo.port, "POST", "/playground/app/oppmg", **OURS)[0] == 404
    assert ask(demo.port, "POST", "/playground/aged", X_Lingpai_Playground="a.b.c")[0] == 400


def test_data_that_is_no_demo_has_no_playground(tmp_path):
    with serving(tmp_path / "house", "--workers", "1") as server:
        assert ask(server.port, "GET", "/playground")[0] == 404
        assert ask(server.port, "POST", "/playground/guest", **OURS)[0] == 404
