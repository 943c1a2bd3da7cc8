"""What a target must be so that nobody reads it differently."""

from posixpath import normpath
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingpai.edge.targets import read_target
from lingpai.vocabulary.outcomes import Outcome, Refused


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", b""),
        ("/v1/order/list", "/v1/order/list", b""),
        ("/v1/order/", "/v1/order/", b""),
        ("/v1/order?x=%2F..%2f&y=;//", "/v1/order", b"x=%2F..%2f&y=;//"),
        ("/%E8%AE%A2%E5%8D%95", "/订单", b""),
        ("/a%20b", "/a b", b""),
        ("/a?b=+c&d=%20e&f+=", "/a", b"b=+c&d=%20e&f+="),
        ("/.well-known/x", "/.well-known/x", b""),
        ("/a/...b", "/a/...b", b""),
    ],
)
def test_what_everybody_reads_alike_is_read(target, path, query):
    assert read_target(target.encode()) == (path, query)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "*",
        "v1/order",
        "http://shop.example.com/v1/order",
        "//v1/order",
        "/v1//order",
        "/v1/../order",
        "/v1/..",
        "/v1/.",
        "/./v1",
        "/...",
        "/v1/..%2forder",
        "/v1/%2e%2e/order",
        "/v1/.%2e/order",
        "/v1/..%20/order",
        "/v1/order;x=1",
        "/v1/order%3bx",
        "/v1\\order",
        "/v1%5corder",
        "/v1/order%00",
        "/v1/order%0a",
        "/v1/order%7f",
        "/v1/order%c2%85",
        "/v1/order#x",
        "/v1/order?x#y",
        "/index.php?mod=api&+mod=admin",
        "/index.php?%20mod=admin",
        "/v1/order%23x",
        "/v1/order%3fx",
        "/v1/%6frder",
        "/v1/%252e",
        "/v1/%",
        "/v1/%zz",
        "/v1/%ff",
        "/v1/订单",
        "/v1/order?x=订单",
        "/v1/or der",
        "/v1/order\t",
        "/v1/order\n",
        "/" + "x" * 8192,
    ],
)
def test_what_two_readers_could_read_differently_is_refused(target):
    with pytest.raises(Refused) as refused:
        read_target(target.encode())
    assert refused.value.outcome is Outcome.UNREADABLE


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=4).map("/".join))
def test_whatever_is_read_means_the_same_however_often_it_is_decoded_or_straightened(text):
    raw = "/" + quote(text, safe="/~!$&'()*+,=:@")
    try:
        path, _ = read_target(raw.encode())
    except Refused:
        return
    assert unquote(path) == path
    assert normpath(path) == (path.rstrip("/") or "/")
    assert path == unquote(raw)
