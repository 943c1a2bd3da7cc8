"""
The programs that other tests rely on start here and do what is asked of them.
"""

import hmac
import platform
import subprocess
import sys
from urllib.parse import quote

import pytest
from playwright.sync_api import sync_playwright

from tests import tools

PAGE = "data:text/html;charset=utf-8," + quote("<title>令牌</title><h1>令牌</h1>")
only_where_npm_has_one = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="npm has a Chromium for Linux on x86-64 alone"
)


def test_chromium_opens_a_page():
    with tools.browser() as browser:
        page = browser.new_page()
        page.goto(PAGE)
        assert page.title() == "令牌"


@only_where_npm_has_one
def test_npms_chromium_opens_a_page_on_a_machine_without_one():
    with sync_playwright() as playwright, playwright.chromium.launch(**tools.npm_chromium()) as browser:
        page = browser.new_page()
        page.goto(PAGE)
        assert page.title() == "令牌"


def test_chinese_is_drawn_with_a_chinese_font():
    """
    A font that lacks the characters draws every one as the same box.
    """
    with tools.browser() as browser:
        page = browser.new_page()
        page.goto(PAGE)
        drawn = [
            page.evaluate(
                """character => {
                    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true})
                    canvas.font = '40px sans-serif'
                    canvas.fillText(character, 0, 40)
                    return canvas.getImageData(0, 0, 50, 50).data.join()
                }""",
                character,
            )
            for character in "令牌"
        ]
        assert drawn[0] != drawn[1]


def test_axios_is_there_for_a_page():
    with tools.browser() as browser:
        page = browser.new_page()
        page.goto(PAGE)
        page.add_script_tag(path=tools.axios())
        assert page.evaluate("typeof axios.create") == "function"


def test_php_signs_as_python_does():
    signed = hmac.new(b"secret", "令牌".encode(), "sha256").hexdigest()
    assert tools.run_php('echo hash_hmac("sha256", $argv[1], "secret");', "令牌") == signed


def test_pypis_php_runs_on_a_machine_without_one():
    answer = subprocess.run([tools.pypi_php(), "-r", "echo 6 * 7;"], capture_output=True, check=True, text=True)
    assert answer.stdout == "42"


def test_a_program_that_is_nowhere_is_named_with_its_debian_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LINGPAI_TEST_CHROMIUM", raising=False)
    monkeypatch.setattr(tools, "NODE_MODULES", tmp_path)
    with pytest.raises(tools.Missing, match="apt-get install chromium"):
        tools.chromium()
