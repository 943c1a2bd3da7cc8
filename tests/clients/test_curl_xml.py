"""
zhiyun as a partner on a shell speaks it: `curl` for the calls, a strict XML reader for the answers.

Nothing of ours makes a request or reads an answer here; `p_` and the header are made as the document says.
"""

import json
import subprocess
import time
from xml.parsers import expat

import pytest
from lxml import etree

from tests.clients.conftest import App, Credentials, Server

HOSTILE = "<b>\"A\" & 'B'</b> ]]> 🎉 令牌 \t\r\n."


def signed_time() -> list[str]:
    """Return `t_` and `p_` as the document computes them, as arguments of curl."""
    t = int(time.time() * 1000)
    return ["--data-urlencode", f"t_={t}", "--data-urlencode", f"p_={t % 10000 * 3 + 2345}"]


def curl(server: Server, app: App | None, path: str, *arguments: str, **members: str) -> tuple[str, bytes]:
    """Return content type and body of a GET, or of what *arguments* make of it; the HTTP status must be 200."""
    command = ["curl", "--silent", "--show-error", "--get", "--write-out", "\n%{http_code} %{content_type}"]
    command += ["--user", f"{app.id}:{app.secret}"] if app else []
    command += [f"{server.base_url}/zhiyun/apis/rest/{path}", *arguments, *signed_time()]
    for name, value in members.items():
        command += ["--data-urlencode", f"{name}={value}"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    body, _, told = done.stdout.rpartition(b"\n")
    status, _, content_type = told.decode().partition(" ")
    assert status == "200"
    return content_type, body


def xml(server: Server, app: App | None, path: str, *arguments: str, **members: str) -> etree._Element:
    """Return the answer to a call in XML, which two strict readers can read."""
    content_type, body = curl(server, app, f"{path}/xml", *arguments, **members)
    assert content_type == "application/xml"
    expat.ParserCreate().Parse(body, True)
    answer = etree.fromstring(body, etree.XMLParser(recover=False, resolve_entities=False, no_network=True))
    assert answer.tag == "apiResponse"
    return answer


def in_json(server: Server, app: App | None, path: str, *arguments: str, **members: str) -> dict:
    """Return the answer to a call in JSON."""
    content_type, body = curl(server, app, f"{path}/json", *arguments, **members)
    assert content_type == "application/json"
    return json.loads(body)


def signed_in(server: Server, who: Credentials) -> str:
    """Return a new access_token, as the desktop program gets it."""
    form = ["--request", "POST", "--data-urlencode", f"username={who.name}"]
    form += ["--data-urlencode", f"password={who.password}"]
    # Without --get the members travel in the form, where a password belongs.
    command = ["curl", "--silent", "--show-error", "--user", f"{server.desktop.id}:{server.desktop.secret}"]
    command += [f"{server.base_url}/zhiyun/apis/rest/authService/login/xml", *form, *signed_time()]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    answer = etree.fromstring(done.stdout)
    assert answer.findtext("code") == "200"
    return answer.findtext("data/access_token")


@pytest.fixture(scope="module")
def token(server) -> str:
    return signed_in(server, server.user)


def authorized(server: Server, app: App, token: str) -> dict[str, str]:
    """Return the members of a call about the user: a code lives for seconds, so each call gets its own."""
    answer = xml(server, app, "authService/authorize", access_token=token)
    assert answer.findtext("message") == "ok"
    return {"access_token": token, "client_id": app.id, "auth_code": answer.findtext("data/auth_code")}


def told(data: etree._Element) -> dict[str, str | None]:
    return {member.tag: member.text for member in data}


def test_a_token_has_the_shape_that_the_document_prints(token):
    digit = int(token[0])

    assert token[1:].startswith(str(13 * digit - 11))
    assert 34 <= len(token) <= 36


@pytest.mark.parametrize("path", ["userService/getUserInfo", "companyService/getCompanyInfo"])
def test_xml_and_json_tell_the_same_in_the_same_order(server, token, path):
    members = authorized(server, server.zhiyun, token)
    as_json = in_json(server, server.zhiyun, path, **members)["data"]
    as_xml = told(xml(server, server.zhiyun, path, **members).find("data"))

    assert list(as_xml) == list(as_json)
    as_json.pop("nowtime")
    as_xml.pop("nowtime")
    assert {name: value or "" for name, value in as_xml.items()} == {n: v or "" for n, v in as_json.items()}


def test_a_partner_sees_what_is_masked_and_one_that_is_trusted_everything(server, token):
    path = "userService/getUserInfo"
    masked = told(xml(server, server.zhiyun, path, **authorized(server, server.zhiyun, token)).find("data"))
    whole = told(xml(server, server.trusted, path, **authorized(server, server.trusted, token)).find("data"))

    assert (masked["username"], masked["truename"], masked["phone"]) == ("***", "王**", "13******8000")
    assert (whole["username"], whole["truename"], whole["phone"]) == ("王小明", "王小明", "13800138000")


def test_marks_emoji_and_line_ends_come_back_as_they_were_sent(server, token):
    title = HOSTILE.replace("\r\n", " ")
    members = authorized(server, server.trusted, token)
    added = xml(server, server.trusted, "noticeService/add", **members, title=title, content=HOSTILE)
    newest = xml(server, server.zhiyun, "noticeService/list").find("data/notices/item")

    assert added.findtext("code") == "200"
    assert len(added.find("data")) == 0
    assert (newest.findtext("title"), newest.findtext("content")) == (title, HOSTILE)
    assert in_json(server, server.zhiyun, "noticeService/list")["data"]["notices"][0]["content"] == HOSTILE


def test_what_xml_cannot_carry_is_replaced_and_the_document_stays_whole(server, token):
    members = authorized(server, server.trusted, token)
    xml(server, server.trusted, "noticeService/add", **members, title="bell", content="a\x07b\x1bc\ufffed")

    assert xml(server, server.zhiyun, "noticeService/list").findtext("data/notices/item/content") == "a�b�c�d"


@pytest.mark.parametrize(
    ("path", "members", "code"),
    [
        ("taxService/getTax", {}, "501"),
        ("authService/authorize", {"access_token": "UPPER"}, "601"),
        ("authService/authorize", {"access_token": "unknown", "client_id": "1000000000"}, "100002"),
        ("authService/authorize", {"access_token": "unknown"}, "100014"),
    ],
)
def test_a_refusal_in_xml_has_a_code_and_a_message_and_no_data(server, path, members, code):
    answer = xml(server, server.zhiyun, path, **members)

    assert [member.tag for member in answer] == ["code", "message"]
    assert answer.findtext("code") == code


def test_without_the_header_no_call_is_answered_and_english_is_spoken_to_who_asks(server, token):
    answer = xml(server, None, "authService/authorize", "--header", "Accept-Language: en", access_token=token)

    assert told(answer) == {"code": "100009", "message": "http header authentication is illegal"}


def test_an_answer_that_has_not_changed_is_304_and_no_data(server, token):
    members = authorized(server, server.zhiyun, token)
    _, head = curl(server, server.zhiyun, "userService/getUserInfo/xml", "--dump-header", "-", **members)
    tag = next(line for line in head.decode().splitlines() if line.lower().startswith("etag:")).partition(": ")[2]
    again = xml(server, server.zhiyun, "userService/getUserInfo", "--header", f"If-None-Match: {tag}", **members)

    assert told(again) == {"code": "304", "message": "未修改"}


def test_who_works_for_nobody_has_no_company_and_may_log_out(server):
    token = signed_in(server, server.loner)
    members = authorized(server, server.zhiyun, token)
    company = xml(server, server.zhiyun, "companyService/getCompanyInfo", **members)
    out = xml(server, server.zhiyun, "authService/logout", access_token=token)
    after = xml(server, server.zhiyun, "userService/getUserInfo", **members)

    assert [answer.findtext("code") for answer in (company, out, after)] == ["602", "200", "100014"]
