"""What twokeys's first key is made of, and that it opens one call only."""

import hashlib
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lingpai.contracts.twokeys import TwokeysSettings, twokeys
from lingpai.edge.call import Request
from lingpai.edge.checks.api_token import ApiTokenRight, api_token
from lingpai.edge.contract import Route
from lingpai.edge.schemes.user_token import user_token
from lingpai.edge.triples import ByTriple
from lingpai.modules.module import BusinessCall, Offer
from lingpai.operations.check_token import CheckToken
from lingpai.vocabulary.values import Client
from tests.conformance.stage import Stage

TRANSCRIPT = Path(__file__).parents[1] / "conformance" / "twokeys.http"
SECRET = "k3y-Of-20-chars-long"


@pytest.mark.parametrize(
    ("parts", "md5"),
    [
        (("api", "repair", "getlist", "2013-12-18", SECRET), "f9286d6233d737aed43f24d3a4ea9ff2"),
        (("app_android", "2013-12-18", SECRET), "5d256f01e4ecbeaa8392ef38696ed936"),
        (("app_android", "1387324800", SECRET), "91cb80eccd8afbb2bbf82bfc82a2c437"),
    ],
)
def test_the_three_recipes_give_what_anybodys_md5_gives(parts, md5):
    assert api_token(*parts) == md5


def test_every_command_that_the_transcript_prints_gives_the_value_that_it_sends_or_hears():
    text = TRANSCRIPT.read_text(encoding="utf-8")
    printed = re.findall(r"^# printf '([^']+)' \| md5sum$", text, re.MULTILINE)

    given = [
        hashlib.md5(re.sub(r"\\([0-7])", lambda octal: chr(int(octal[1])), p).encode()).hexdigest() for p in printed
    ]

    assert len(given) > 10
    assert [value for value in given if value not in text] == []


def test_a_user_token_is_the_documents_recipe_with_sixteen_random_bytes_behind_it():
    assert user_token(lambda _size: b"", 10, 1387324800) == "1390fdd4087e191884c9d02a30dd6c60"
    assert user_token(bytes, 1, 1387324800) == hashlib.md5(b"11387324800" + bytes(16)).hexdigest()


def test_two_user_tokens_of_one_second_differ():
    numbers = iter((b"1" * 16, b"2" * 16))

    assert len({user_token(lambda _size: next(numbers), 1, 1387324800) for _ in range(2)}) == 2


@pytest.mark.parametrize("digest", [b"", b"of a secret that we have not"])
def test_a_client_without_a_secret_that_can_be_read_back_is_denied(digest):
    stage = Stage("twokeys")
    bare = Client("bare", "bare", secret_digest=digest, contracts=frozenset({"twokeys"}))
    stage.tables.rows.clients["bare"] = bare
    day = "2026-01-01"
    token = api_token("api", "notice", "list", day)

    status, _, body = stage.answer("GET", f"/twokeys/api/notice/list?client_id=bare&api_token={token}", [], "")

    assert (status, body.decode()) == (200, '{"code":0,"msg":"access deny","data":[]}')


def gate():
    return ApiTokenRight(ByTriple(), ZoneInfo("Asia/Shanghai"))


def route(path):
    return Route(methods=("GET",), path=path, operation=CheckToken)


@pytest.mark.parametrize("other", ["/api/not/icelist", "/apinotice/li/st", "/a/p/inoticelist"])
def test_two_calls_that_one_api_token_would_open_are_refused(other):
    with pytest.raises(ValueError, match="one api_token would open both"):
        gate().check_routes([route("/api/notice/list"), route(other)])


def test_one_path_under_two_methods_is_one_call():
    gate().check_routes([route("/api/notice/list"), route("/api/notice/list"), route("/api/notice/lists")])


@pytest.mark.parametrize("path", ["/api/notice", "/api/notice/list/all", "/api/no-tice/list", "/api//list", "/"])
def test_a_call_without_module_controller_and_action_is_refused(path):
    with pytest.raises(ValueError, match="names no module, controller and action"):
        gate().check_routes([route(path)])


def test_the_contract_is_not_built_when_a_module_brings_such_a_call():
    brought = BusinessCall("logi", "nlogin", run=lambda caller, question: None, public=True)

    with pytest.raises(ValueError, match="one api_token would open both"):
        twokeys(TwokeysSettings(), (Offer("logi", (brought,)),))


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        ("/api/notice/list", {}, ("api", "notice", "list")),
        ("/A_1/b2/C", {}, ("A_1", "b2", "C")),
        ("/index.php", {"mod": "api", "ctl": "notice", "act": "list"}, ("api", "notice", "list")),
        ("/", {"mod": "api", "ctl": "notice", "act": "list"}, ("api", "notice", "list")),
        ("/api/notice/list", {"mod": "api", "ctl": "notice", "act": "list"}, ("api", "notice", "list")),
        ("/api/notice/list", {"ctl": "notice"}, ("api", "notice", "list")),
        ("/api/notice/list", {"mod": "other"}, None),
        ("/api/notice/list", {"act": ""}, None),
        ("/api/notice/list", {"act": "List"}, None),
        ("/index.php", {"mod": "api", "ctl": "notice"}, None),
        ("/index.php", {"mod": "api", "ctl": "notice/list", "act": ""}, None),
        ("/", {}, None),
        ("/index.html", {"mod": "api", "ctl": "notice", "act": "list"}, None),
        ("/api/notice", {"act": "list"}, None),
        ("/api/notice/list/", {}, None),
        ("/api/notice/list\n", {}, None),
        ("/api/" + "x" * 32 + "/list", {}, ("api", "x" * 32, "list")),
        ("/api/" + "x" * 33 + "/list", {}, None),
        ("/api/公告/list", {}, None),
        ("/api/notice/list٣", {}, None),
    ],
)
def test_a_call_is_named_by_path_or_query_and_by_both_only_where_they_agree(path, query, named):
    assert ByTriple().triple(path, query) == named
    assert ByTriple().path(Request("GET", path), query) == ("/" + "/".join(named) if named else "")
