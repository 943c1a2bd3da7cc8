"""Each contract shows itself at /<contract>/docs: to this machine, offline, never in the way of its own calls."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lingpai.composition import declarations
from lingpai.edge.explorer import OWN_PATHS, Explorer
from lingpai.vocabulary.settings import Settings
from tests.conformance.stage import Stage

HERE = [("Host", "127.0.0.1:8000")]

each_contract = pytest.mark.parametrize("name", sorted(declarations(Settings())))


class Read(HTMLParser):
    """What a page holds."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.labelled, self.inputs, self.loaded, self.inline, self.heads = [], [], [], [], [], []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self._open = tag
        if "id" in told:
            self.ids.append(told["id"])
        self.labelled += [told["for"]] if tag == "label" else []
        self.inputs += [told] if tag == "input" else []
        self.heads += [int(tag[1])] if tag in ("h1", "h2", "h3", "h4", "h5") else []
        self.loaded += [told[name] for name in ("src", "href") if name in told and tag in ("script", "link", "img")]
        self.inline += [name for name in told if name.startswith("on") or name == "style"]

    def handle_data(self, data):
        if self._open in ("script", "style") and data.strip():
            self.inline.append(data)


def page_of(name, path="/docs", headers=HERE, **settings):
    stage = Stage(name)
    if settings:
        stage.settings |= settings
        stage._build()
    return stage.answer("GET", f"/{name}{path}", headers, "")


@each_contract
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_names_every_call_member_and_code_of_the_document(name, language):
    status, headers, body = page_of(name, f"/docs?language={language}")
    document = json.loads(page_of(name, f"/openapi.json?language={language}")[2])
    page = body.decode()

    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert f'lang="{"en" if language == "en" else "zh-CN"}"' in page
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert f"/{name}{path}" in page
            assert f'id="{operation["operationId"]}"' in page
    for row in document["x-lingpai-codes"]:
        assert row["zh"] in page


@each_contract
def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(name):
    _, headers, body = page_of(name)
    read = Read(body.decode())

    assert read.loaded == ["docs/page.css", "docs/page.js"]
    assert read.inline == []
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    for path, kind in (("/docs/page.css", "text/css"), ("/docs/page.js", "text/javascript")):
        status, told, content = page_of(name, path)
        assert (status, told["content-type"].partition(";")[0]) == (200, kind)
        assert b"http" not in content.replace(b"HTTP", b"")


@each_contract
def test_every_input_has_a_label_no_id_is_there_twice_and_no_heading_is_skipped(name):
    read = Read(page_of(name)[2].decode())

    unlabelled = [told for told in read.inputs if told.get("id") not in read.labelled and "aria-label" not in told]

    assert unlabelled == []
    assert len(read.ids) == len(set(read.ids))
    assert all(after <= before + 1 for before, after in zip(read.heads, read.heads[1:], strict=False))


@pytest.mark.parametrize(
    ("docs", "headers", "is_shown"),
    [
        ("loopback", HERE, True),
        ("loopback", [("Host", "localhost")], True),
        ("loopback", [("Host", "account.example.com")], False),
        ("loopback", [*HERE, ("X-Forwarded-For", "203.0.113.9")], False),
        ("loopback", [*HERE, ("Forwarded", "for=203.0.113.9")], False),
        (True, [("Host", "account.example.com")], True),
        (False, HERE, False),
    ],
)
def test_who_may_read_it_is_a_setting_and_everybody_else_hears_the_contract(docs, headers, is_shown):
    status, told, body = page_of("mowork", headers=headers, docs=docs)

    assert (status, told["content-type"].partition(";")[0]) == (
        (200, "text/html") if is_shown else (404, "application/json")
    )
    assert is_shown or json.loads(body)["resCode"] == "100404"


def test_a_peer_from_elsewhere_is_not_near():
    from lingpai.edge.explorer import is_near

    assert [
        is_near(address, "localhost", []) for address in ("127.0.0.1", "::1", "192.0.2.1", "127.0.0.1.evil", "")
    ] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_at_the_root_of_a_host_it_stands_there_and_names_that_host():
    stage = Stage("mowork", {"docs": True, "contracts": {"mowork": {"account_hosts": ("account.mowork.cn",)}}})
    status, _, body = stage.answer("GET", "/openapi.json", [("Host", "account.mowork.cn")], "")

    assert status == 200
    assert json.loads(body)["servers"] == [{"url": "/"}, {"url": "https://account.mowork.cn"}] or json.loads(body)[
        "servers"
    ] == [{"url": "/"}]


def test_a_contract_that_has_such_a_path_answers_there_itself():
    contract = Stage("oppmg").house.served["oppmg"].contract
    own = replace(contract, routes=(*contract.routes, replace(contract.routes[0], path="/docs")))
    explorer = Explorer(own, lambda _: "", {}, "/oppmg")

    assert explorer.answer("/docs", "zh") is None
    assert explorer.answer("/openapi.json", "zh") is not None
    assert explorer.answer("/nowhere", "zh") is None
    assert {"/docs", "/openapi.json", "/docs/page.css", "/docs/page.js"} == OWN_PATHS


def test_only_reading_is_ours_other_methods_hear_the_contract():
    assert Stage("oppmg").answer("POST", "/oppmg/docs", HERE, "")[0] == 404
