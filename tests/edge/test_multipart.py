"""The multipart forms that clients send become fields, whole and once; whatever else calls itself one is unreadable."""

import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from shutil import which
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingpai.edge.call import Request
from lingpai.edge.reading import MOST_MEMBERS, read_fields, read_multipart
from lingpai.vocabulary.outcomes import Outcome, Refused

BOUNDARY = "------------------------d74496d66958873e"
KIND = f"multipart/form-data; boundary={BOUNDARY}"


def part(name, value, *headers, disposition="form-data"):
    lines = [f'Content-Disposition: {disposition}; name="{name}"', *headers]
    return f"--{BOUNDARY}\r\n".encode() + "\r\n".join(lines).encode() + b"\r\n\r\n" + value + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
SAMPLE = part("title", "我是标题".encode()) + part("content", "我是内容".encode()) + END


def is_unreadable(body, kind=KIND):
    with pytest.raises(Refused) as refusal:
        read_multipart(kind, body)
    return refusal.value.outcome is Outcome.UNREADABLE


def test_the_sample_of_the_document_is_read_from_the_form_that_phps_curl_makes_of_an_array():
    assert read_multipart(KIND, SAMPLE) == {"title": "我是标题", "content": "我是内容"}


@pytest.mark.skipif(which("curl") is None, reason="the machine has no curl")
def test_what_curl_itself_sends_is_read():
    came = []

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append((self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Keeper) as server:
        Thread(target=server.handle_request).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        fields = ["-F", "title=我是标题", "-F", "content=两行\r\n--与破折号", "-F", "empty="]
        subprocess.run(["curl", "--silent", "--noproxy", "*", *fields, url], check=True, timeout=20)

    assert read_multipart(*came[0]) == {"title": "我是标题", "content": "两行\r\n--与破折号", "empty": ""}


@pytest.mark.parametrize(
    "kind",
    [
        f'multipart/form-data; boundary="{BOUNDARY}"',
        f"multipart/form-data;boundary={BOUNDARY}",
        f"Multipart/Form-Data; charset=utf-8; Boundary={BOUNDARY}",
    ],
)
def test_the_boundary_may_be_written_in_several_ways(kind):
    request = Request("POST", "/", headers=((b"content-type", kind.encode()),), body=SAMPLE)

    assert read_fields(request) == {"title": "我是标题", "content": "我是内容"}


@pytest.mark.parametrize(
    "value", [b"", b"\r\n", b"--", f"--{BOUNDARY}"[:-1].encode(), b"\r\n--" + BOUNDARY[:-1].encode(), b"a=b&c=%zz"]
)
def test_a_value_is_taken_to_the_byte(value):
    assert read_multipart(KIND, part("a", value) + END) == {"a": value.decode()}


@pytest.mark.parametrize(
    "header", ["Content-Type: text/plain", "Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: 8bit"]
)
def test_a_part_may_say_what_it_is_anyway(header):
    assert read_multipart(KIND, part("a", b"1", header) + END) == {"a": "1"}


def test_what_follows_the_end_is_no_part_of_the_form():
    assert read_multipart(KIND, part("a", b"1") + END + part("b", b"2") + END) == {"a": "1"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"title=a&content=b", id="another kind of form"),
        pytest.param(part("a", b"1"), id="no end"),
        pytest.param(part("a", b"1").replace(b"\r\n", b"\n") + END, id="lines that end as on Unix"),
        pytest.param(part("a", b"1") + f"--{BOUNDARY}x".encode() + END, id="a boundary that goes on"),
        pytest.param(part("a", b"1")[1:] + END, id="a boundary that is cut"),
        pytest.param(b"preamble\r\n" + part("a", b"1") + END, id="a preamble"),
        pytest.param(part("a", b"1") + part("a", b"1") + END, id="a field twice"),
        pytest.param(part("", b"1") + END, id="an empty name"),
        pytest.param(part("a\0", b"1") + END, id="NUL in a name"),
        pytest.param(part("a", b"1\x002") + END, id="NUL in a value"),
        pytest.param(part("a", b"\xff\xfe") + END, id="a value that is no UTF-8"),
        pytest.param(part("a", "标题".encode("gbk")) + END, id="a value in GBK"),
        pytest.param(part("\xff", b"1").replace("\xff".encode(), b"\xff") + END, id="a name that is no UTF-8"),
        pytest.param(part("a", b"1", "Content-Type: text/plain; charset=gbk") + END, id="a part in GBK"),
        pytest.param(part("a", b"MQ==", "Content-Transfer-Encoding: base64") + END, id="a part in Base64"),
        pytest.param(part('a"; filename="x', b"1") + END, id="a file"),
        pytest.param(part("a", b"1", disposition="attachment") + END, id="an attachment"),
        pytest.param(part("a", b"1").replace(b"Content-Disposition", b"X-Other") + END, id="no disposition"),
        pytest.param(part("a", b"1").replace(b'; name="a"', b"") + END, id="no name"),
        pytest.param(part("a", b"1", "no header") + END, id="a header without a colon"),
        pytest.param(part("a", b"1", " folded: yes") + END, id="a folded header"),
        pytest.param(part("a", b"1", *[f"X-{n}: 1" for n in range(20)]) + END, id="many headers"),
        pytest.param(part("a", b"1", "X-Long: " + "x" * 5000) + END, id="a long header"),
        pytest.param(part("a", b"12", "Content-Length: 1") + END, id="a length that is wrong"),
        pytest.param(b"".join(part(str(n), b"") for n in range(MOST_MEMBERS + 1)) + END, id="many fields"),
    ],
)
def test_what_is_no_form_of_text_fields_is_unreadable(body):
    assert is_unreadable(body)


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary=""', f"{KIND}x"],
)
def test_without_its_boundary_a_form_is_unreadable(kind):
    assert is_unreadable(SAMPLE, kind)


@pytest.mark.parametrize("length", range(len(SAMPLE) - len("\r\n")))
def test_a_form_that_breaks_off_is_unreadable_wherever_it_does(length):
    assert is_unreadable(SAMPLE[:length])


VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(lambda v: BOUNDARY not in v)


@given(st.dictionaries(st.text("abc_[]012", min_size=1), VALUE))
def test_what_was_written_is_read_as_it_was(fields):
    body = b"".join(part(name, value.encode()) for name, value in fields.items()) + END

    assert read_multipart(KIND, body) == fields
