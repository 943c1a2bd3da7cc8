"""Who is said to have called, over what and which host, where proxies stand between: only what a listed one tells."""

import asyncio

import pytest

from lingpai.app import App
from lingpai.edge.call import Request
from lingpai.edge.proxies import Proxies, is_local, named_host
from lingpai.vocabulary.settings import SettingRefused
from tests.conformance.stage import Stage

LISTED = ("10.0.0.0/24", "2001:db8::/48", "127.0.0.1")
NEAR, FAR = "10.0.0.1", "10.0.0.2"


def seen(peer, *headers, kind="x-forwarded", listed=LISTED):
    """Return scheme, address and host of a request over plain HTTP from *peer* with *headers*."""
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    asked = {"scheme": "http", "client": (peer, 1) if peer else None, "headers": lines}
    scope, address, host = Proxies(listed, kind).seen_through(asked)
    return scope["scheme"], address, host


def test_whoever_is_no_listed_proxy_is_taken_for_what_it_is():
    headers = ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "a.cn")

    assert seen("9.9.9.9", *headers) == ("http", "9.9.9.9", "")
    assert seen(None, *headers) == ("http", "", "")
    assert seen(NEAR, *headers, listed=()) == ("http", NEAR, "")


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (["1.2.3.4"], "1.2.3.4"),
        (["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        ([f"6.6.6.6, 1.2.3.4, {FAR}"], "1.2.3.4"),
        ([f"6.6.6.6,, 1.2.3.4 , {FAR},"], "1.2.3.4"),
        ([FAR], FAR),
        ([""], NEAR),
        ([], NEAR),
        (["1.2.3.4:5678"], "1.2.3.4"),
        (["2001:db9::7"], "2001:db9::7"),
        (["[2001:db9::7]"], "2001:db9::7"),
        (["[2001:db9::7]:443"], "2001:db9::7"),
        (["1.2.3.4, 2001:db8::5"], "1.2.3.4"),
        (["1.2.3.4, ::ffff:10.0.0.2"], "1.2.3.4"),
        # What is no address ends the way: the proxy that told of it is all that is known.
        (["unknown"], NEAR),
        (["6.6.6.6, unknown"], NEAR),
        ([f"6.6.6.6, 1.2.3.4.5, {FAR}"], FAR),
        (["_hidden", "\xff"], NEAR),
        (["[2001:db9::7"], NEAR),
        (["2001:db9:::443"], NEAR),
    ],
)
def test_the_caller_is_the_nearest_that_is_no_proxy_of_ours(told, address):
    assert seen(NEAR, *(("X-Forwarded-For", value) for value in told))[1] == address


@pytest.mark.parametrize(
    ("addresses", "told", "scheme"),
    [
        ("1.2.3.4", "https", "https"),
        ("1.2.3.4", "HTTPS", "https"),
        ("1.2.3.4", "http", "http"),
        ("1.2.3.4", "", "http"),
        ("1.2.3.4", "gopher", "http"),
        ("1.2.3.4", "on", "http"),
        # A client that says https itself, and a proxy that adds what it saw.
        ("1.2.3.4", "https, http", "http"),
        ("6.6.6.6, 1.2.3.4", "https, http", "http"),
        # Two proxies of ours: TLS ended at the far one.
        (f"1.2.3.4, {FAR}", "https, http", "https"),
        (f"1.2.3.4, {FAR}", "https", "https"),
        (f"1.2.3.4, {FAR}", "http, https", "http"),
        # No address told, so it is the proxy's own request.
        ("", "https", "https"),
    ],
)
def test_the_scheme_is_what_the_proxy_saw_that_met_the_caller(addresses, told, scheme):
    assert seen(NEAR, ("X-Forwarded-For", addresses), ("X-Forwarded-Proto", told))[0] == scheme


def test_a_listed_proxy_that_tells_no_scheme_spoke_to_somebody_over_plain_http():
    lines = [(b"x-forwarded-for", b"1.2.3.4")]

    scope, _, _ = Proxies(LISTED).seen_through({"scheme": "https", "client": (NEAR, 1), "headers": lines})

    assert scope["scheme"] == "http"


@pytest.mark.parametrize(
    ("told", "host"),
    [
        ("Account.Mowork.CN:8443", "account.mowork.cn"),
        ("evil.cn, account.mowork.cn", "account.mowork.cn"),
        ("account.mowork.cn.", "account.mowork.cn"),
        ("a b", ""),
        ("[::1]:80", ""),
        ("", ""),
    ],
)
def test_the_host_is_the_one_that_the_proxy_was_asked_for(told, host):
    assert seen(NEAR, ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Host", told))[2] == host


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("for=1.2.3.4;proto=https;host=a.cn", ("https", "1.2.3.4", "a.cn")),
        ('For="[2001:db9::7]:4711"; Proto=HTTPS', ("https", "2001:db9::7", "")),
        ('for=6.6.6.6;proto=https, for="1.2.3.4:80";proto=http', ("http", "1.2.3.4", "")),
        (f"for=1.2.3.4;proto=https, for={FAR};proto=http", ("https", "1.2.3.4", "")),
        ('for="1.2.3.4, 6.6.6.6";proto=https', ("https", NEAR, "")),
        ('for=1.2.3.4;host="a\\.cn;proto=https";proto=http', ("http", "1.2.3.4", "")),
        ("for=unknown;proto=https", ("https", NEAR, "")),
        ("for=_secret;by=10.0.0.9", ("http", NEAR, "")),
        ("for=1.2.3.4;for=6.6.6.6;proto=https", ("http", NEAR, "")),
        ("1.2.3.4", ("http", NEAR, "")),
        ('for="', ("http", NEAR, "")),
        ("", ("http", NEAR, "")),
    ],
)
def test_forwarded_is_read_where_the_setting_says_that_the_proxies_write_it(told, found):
    assert seen(NEAR, ("Forwarded", told), kind="forwarded") == found


def test_headers_that_our_proxies_do_not_write_are_the_callers_own_and_not_believed():
    both = ("Forwarded", "for=6.6.6.6;proto=https;host=evil.cn"), ("X-Forwarded-For", "1.2.3.4")

    assert seen(NEAR, *both) == ("http", "1.2.3.4", "")
    assert seen(NEAR, both[0], ("X-Forwarded-For", "7.7.7.7"), kind="forwarded") == ("https", "6.6.6.6", "evil.cn")


def test_a_proxy_that_is_none_is_refused_by_its_setting():
    stage = Stage("mowork")
    stage.settings["trusted_proxies"] = ("10.0.0.1/8",)

    with pytest.raises(SettingRefused, match=r"trusted_proxies must be .*10\.0\.0\.0/8.*, not 10\.0\.0\.1/8"):
        stage._build()


@pytest.mark.parametrize(
    ("address", "headers", "local"),
    [
        ("127.0.0.1", (), True),
        ("127.8.8.8", (), True),
        ("::1", (), True),
        ("9.9.9.9", (), False),
        ("", (), False),
        ("127.0.0.1", ((b"x-forwarded-for", b"1.2.3.4"),), False),
        ("127.0.0.1", ((b"via", b"1.1 somebody"),), False),
    ],
)
def test_what_never_left_this_machine_is_local(address, headers, local):
    assert is_local(Request("GET", "/", b"", headers, b"", address)) is local


@pytest.mark.parametrize(
    ("host", "name"), [("A.cn:80", "a.cn"), ("a.cn.", "a.cn"), ("[::1]:80", ""), ("a.cn, b.cn", ""), ("", "")]
)
def test_a_named_host_is_a_name_without_a_port(host, name):
    assert named_host({"headers": [(b"host", host.encode())]}) == name


@pytest.mark.parametrize(("peer", "status"), [(NEAR, 200), ("9.9.9.9", 404)])
def test_only_a_listed_proxy_chooses_the_contract_by_the_host_that_it_tells(peer, status):
    stage = Stage("mowork")
    stage.settings |= {"trusted_proxies": (NEAR,), "contracts": {"mowork": {"business_hosts": ["api.mowork.cn"]}}}
    stage._build()
    app = App(stage.house)
    app.prepare()
    members = b"client_type=pc&client_sys_version=1&api_version=v1&req_timestamp="
    headers = [(b"host", b"inner:8000"), (b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-host", b"api.mowork.cn")]
    scope = {"type": "http", "method": "GET", "path": "/notice/list", "query_string": members}
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    stage.house.follower.poll()
    asyncio.run(app({**scope, "client": (peer, 1), "headers": headers}, receive, send))

    assert sent[0]["status"] == status


def test_a_row_of_blanks_is_read_once_however_long_it_is():
    told = "for=1.2.3.4, for=" + " " * 1_000_000 + "a b"

    assert seen(NEAR, ("Forwarded", told), kind="forwarded") == ("http", NEAR, "")


def test_an_address_that_is_longer_than_any_is_none():
    def told(wire):
        return seen(NEAR, ("X-Forwarded-For", f"fe80::1%{wire}"))[1]

    assert told("eth0") == "fe80::1%eth0"
    assert told("a" * 60) == NEAR
