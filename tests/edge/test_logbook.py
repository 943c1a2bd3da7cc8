"""What is written down of calls: with their id, without what they carried, and never more than a disk can bear."""

import json
import logging
import subprocess
import sys
import threading

import pytest

from lingpai.edge.call import Request
from lingpai.edge.logbook import BURST, ON_LOOP, Logbook, Sample, current_request, request_id
from lingpai.edge.logs import told
from lingpai.edge.pipeline import Answer
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import SettingRefused, load_settings, told_settings
from tests.conformance.stage import Stage
from tests.forward.test_forward import Proxy

SIGN_IN = {"client_type": "pc", "client_sys_version": "c", "api_version": "v1.0"}


@pytest.fixture
def stage():
    stage = Stage("mowork")
    stage.user("mei", "correct horse battery")
    return stage


@pytest.fixture
def lines(caplog):
    """Return the lines of calls that were written so far, each as its fields."""
    caplog.set_level(logging.INFO, "lingpai.edge.logbook")
    return lambda: [vars(record) for record in caplog.records if record.name == "lingpai.edge.logbook"]


def sign_in(stage, password="wrong", **headers):
    asked = json.dumps({**SIGN_IN, "requestParam": {"username": "mei", "password": password}})
    return stage.answer("POST", "/mowork/user/login?x=hunter2", list(headers.items()), asked)


def test_a_refusal_is_written_with_its_reason_and_the_id_that_the_answer_names(stage, lines):
    _, headers, _ = sign_in(stage)

    (line,) = lines()
    assert (line["message"], line["outcome"], line["route"]) == ("refused", "SIGN_IN_FAILED", "/user/login")
    assert (line["contract"], line["method"], line["client"]) == ("mowork", "POST", "mowork:pc")
    assert line["request"] == headers["x-request-id"]
    assert len(line["request"]) == 16
    assert "hunter2" not in str(line)


def test_what_went_well_is_written_only_where_all_is_asked_for(stage, lines):
    _, headers, _ = sign_in(stage, "correct horse battery")
    assert lines() == []
    assert "x-request-id" not in headers

    stage.settings["log"] = load_settings(None, {"LINGPAI_LOG__REQUESTS": "all"}).log
    stage._build()
    sign_in(stage, "correct horse battery")
    (line,) = lines()
    assert (line["message"], line["outcome"], line["status"]) == ("answered", "OK", 200)


SHOP = {"shop": {"contracts": ["mowork", "thinkjs"], "public": ["/pictures"], "prefix": "/api"}}


@pytest.mark.parametrize(
    ("page", "query", "lines_written", "counted"),
    [("/forward", "", 1, 1), ("/forward", "?only=verdict", 0, 1), ("/refusal", "", 1, 0)],
)
def test_a_question_of_a_proxy_is_counted_once_and_written_by_the_answer_that_the_client_reads(
    page, query, lines_written, counted, stage, lines
):
    stage.settings["forward"] = SHOP
    stage._build()

    _, headers, _ = Proxy(stage).ask("/api/order/hunter2?token=hunter2", page=page, query=query)

    written = lines()
    assert len(written) == lines_written
    assert stage.house.tally.forwarded == ({("mowork", "shop", "CREDENTIALS_MISSING"): 1} if counted else {})
    for line in written:
        assert (line["message"], line["service"], line["outcome"]) == ("refused", "shop", "CREDENTIALS_MISSING")
        assert (line["contract"], line["method"], line["request"]) == ("mowork", "GET", headers["x-request-id"])
        assert "hunter2" not in str(line)


@pytest.mark.parametrize("query", ["", "?only=verdict"])
def test_a_request_that_may_go_on_is_written_where_all_is_asked_for(query, lines):
    stage = Stage("thinkjs")
    stage.settings |= {"forward": SHOP, "log": load_settings(None, {"LINGPAI_LOG__REQUESTS": "all"}).log}
    stage._build()

    status, headers, _ = Proxy(stage).ask("/api/pictures/hunter2", query=query)

    (line,) = lines()
    assert (status, line["message"], line["outcome"], line["status"]) == (200, "answered", "OK", 200)
    assert "x-request-id" not in headers
    assert "hunter2" not in str(line)
    assert stage.house.tally.forwarded == {("thinkjs", "shop", "OK"): 1}


@pytest.mark.parametrize(("page", "query"), [("/forward", ""), ("/forward", "?only=verdict"), ("/refusal", "")])
def test_a_preflight_that_a_proxy_asks_about_is_no_refused_call(page, query, stage, lines):
    stage.settings["forward"] = SHOP
    stage._build()

    Proxy(stage).ask("/api/order", page=page, query=query, method="OPTIONS")

    assert lines() == []
    assert stage.house.tally.forwarded == {}


def test_a_question_that_names_no_request_is_written_with_where_it_came_from(stage, lines):
    stage.settings["forward"] = SHOP
    stage._build()

    Proxy(stage).ask("/api/order", ("X-Forwarded-Uri", "/api/other"))

    (line,) = lines()
    assert (line["outcome"], line["address"]) == ("UNREADABLE", "127.0.0.1")
    assert line["why"].startswith("the proxy is set up wrong")


def test_a_path_that_is_no_route_keeps_only_words_of_routes(stage, lines):
    stage.answer("GET", "/mowork/user/hunter2/getinfo", [], "")
    stage.answer("GET", "/mowork/" + "a/" * 500, [], "")

    assert lines()[0]["route"] == "/user/…/getinfo"
    assert len(lines()[1]["route"]) < 40


@pytest.mark.parametrize(
    ("sent", "trusted", "taken"),
    [
        ("a-proxys.id_1", True, True),
        ("a-proxys.id_1", False, False),
        ("with blank", True, False),
        ("x" * 65, True, False),
        ('"}\n{"', True, False),
        ("", True, False),
    ],
)
def test_a_well_formed_id_of_a_trusted_proxy_is_taken(stage, lines, sent, trusted, taken):
    stage.settings["trusted_proxies"] = ("127.0.0.1",) if trusted else ()
    stage._build()

    _, headers, _ = sign_in(stage, **{"X-Request-Id": sent})

    assert (headers["x-request-id"] == sent) is taken
    assert lines()[0]["request"] == headers["x-request-id"]


@pytest.mark.parametrize("trusted", [True, False])
def test_what_a_trusted_proxy_calls_the_request_that_it_asks_about_is_taken(trusted, stage, lines):
    stage.settings |= {"forward": SHOP, "trusted_proxies": ("127.0.0.1",) if trusted else ()}
    stage._build()

    _, headers, _ = Proxy(stage).ask("/api/order", ("X-Request-Id", "a-proxys.id_1"))

    assert (headers["x-request-id"] == "a-proxys.id_1") is trusted
    assert lines()[0]["request"] == headers["x-request-id"]


def test_what_fails_of_ours_is_written_with_its_traceback_and_id(stage, lines):
    stage.fault("bug")
    _, headers, _ = sign_in(stage)

    failed, refused = lines()
    assert failed["message"] == "mowork: POST /user/login failed"
    assert failed["request"] == refused["request"] == headers["x-request-id"]
    assert isinstance(failed["exc_info"][1], RuntimeError)


def test_a_line_of_any_depth_knows_its_request(stage, monkeypatch):
    named = []

    def note(*_):
        request = current_request()
        named.append((threading.current_thread().name, request and request_id(request)))

    monkeypatch.setattr(stage.stores.accounts, "named", note)
    _, headers, _ = sign_in(stage)
    assert named == [("call_0", headers["x-request-id"])]

    named.clear()
    monkeypatch.setattr(type(stage.house.served["mowork"].contract.reader), "__call__", note)
    _, headers, _ = sign_in(stage)
    assert named[0] == ("MainThread", headers["x-request-id"])
    assert ON_LOOP.request is current_request() is None


def test_a_line_of_any_depth_knows_the_request_that_a_proxy_asks_about(stage, monkeypatch):
    stage.settings["forward"] = SHOP
    stage._build()
    named = []

    def note(*_digests):
        request = current_request()
        named.append(request and request_id(request))

    monkeypatch.setattr(stage.stores.sessions, "standing", note)
    shown = (("X-Token", "x" * 32), ("X-Username", "mei"))
    target = (
        "/api/order?client_type=pc&client_sys_version=c&api_version=v1.0&req_timestamp=2017-07-26%2023%3A02%3A56%3A336"
    )
    _, headers, _ = Proxy(stage).ask(target, *shown)

    assert named == [headers["x-request-id"]]


def test_a_flood_of_refusals_writes_a_few_lines_and_how_many_it_left_out():
    now = 100.0
    sample = Sample(lambda: now)

    assert sum(sample.lets_through() for _ in range(1000)) == BURST
    assert sample.left_out == 1000 - BURST
    now += 2
    assert [sample.lets_through() for _ in range(3)] == [True, True, False]
    assert sample.taken() == 1000 - BURST + 1
    assert sample.taken() == 0
    now += 10_000
    assert sum(sample.lets_through() for _ in range(1000)) == BURST


def test_a_flood_of_calls_is_written_in_part_and_where_asked_for_whole(stage, lines):
    for _ in range(BURST + 10):
        stage.answer("GET", "/mowork/nowhere", [], "")
    assert len(lines()) < BURST + 5

    stage.settings["log"] = load_settings(None, {"LINGPAI_LOG__REQUESTS": "refused"}).log
    stage._build()
    before = len(lines())
    for _ in range(BURST + 10):
        stage.answer("GET", "/mowork/nowhere", [], "")
    assert len(lines()) == before + BURST + 10


def failing(secret):
    try:
        int(secret)
    except ValueError:
        raise KeyError(secret) from None


def test_a_traceback_names_types_and_places_and_no_value():
    try:
        failing("hunter2")
    except KeyError as trouble:
        text = told(trouble)

    assert "KeyError" in text
    assert "test_logbook.py" in text
    assert "hunter2" not in text.replace('failing("hunter2")', "")


def test_a_traceback_tells_what_brought_it_about():
    try:
        try:
            int("hunter2x")
        except ValueError as cause:
            raise OSError(28, "No space left on device", "/secret") from cause
    except OSError as trouble:
        text = told(trouble)

    assert text.index("No space left") < text.index("brought about by") < text.rindex("ValueError")
    assert "literal" not in text


def test_settings_are_told_without_what_may_be_a_secret():
    variables = {
        "LINGPAI_DATABASE": "postgresql://mei:hunter2@db/lingpai?password=hunter2",
        "LINGPAI_LIMITS__SHARED": "rediss://mei:hunter2@cache:6380/1",
        "LINGPAI_CONTRACTS__MOWORK__INVITATION": "hunter2",
        "LINGPAI_CONTRACTS__MOWORK__REGISTRATION": "open",
        "LINGPAI_CONTRACTS__OPPMG__ACCESS_SECONDS": "60",
        "LINGPAI_MODULES__NOTICES__WHATEVER": "hunter2",
    }
    settings = told_settings(load_settings(None, variables))

    assert "hunter2" not in str(settings)
    assert settings["database"] == "postgresql://…db/lingpai"
    assert settings["limits"]["shared"] == "rediss://…cache:6380/1"
    assert settings["contracts"]["mowork"] == {"invitation": "…", "registration": "open"}
    assert settings["log"] == {"requests": "none"}
    json.dumps(settings)


def test_a_url_that_is_refused_is_not_told_for_its_password():
    with pytest.raises(SettingRefused) as refused:
        load_settings(None, {"REDIS_URL": "redis:/mei:hunter2@cache"})

    assert "REDIS_URL: [limits] shared must be" in str(refused.value)
    assert "hunter2" not in str(refused.value) + refused.value.zh


WRITE = """
import logging
from lingpai.edge.logs import write_logs

write_logs()
LOG = logging.getLogger("lingpai.somewhere")
LOG.info("one\\nline %s", "美", extra={"more": 1})
logging.getLogger("another").info("not written")
logging.getLogger("another").warning("written")
try:
    int("hunter2" + "x")
except ValueError:
    LOG.exception("failed")
"""


def test_each_line_is_one_json_object_where_nobody_looks():
    done = subprocess.run([sys.executable, "-c", WRITE], capture_output=True, text=True, check=True)

    first, second, third = map(json.loads, done.stderr.splitlines())
    assert first["message"] == "one\nline 美"
    assert (first["level"], first["logger"], first["more"]) == ("info", "lingpai.somewhere", 1)
    assert first["at"].endswith("Z")
    assert first["pid"] > 0
    assert second["message"] == "written"
    assert "ValueError" in third["traceback"]
    assert "hunter2x" not in done.stderr


WRITE_FOR_REQUEST = """
import asyncio, logging
from lingpai.edge.call import Request
from lingpai.edge.logbook import CURRENT, ON_LOOP
from lingpai.edge.logs import write_logs

write_logs()
LOG = logging.getLogger("lingpai.somewhere")

async def on_loop():
    ON_LOOP.request = Request("GET", "/", b"", (), b"", id="loop")
    LOG.info("on the loop")

LOG.info("before")
CURRENT.set(Request("GET", "/", b"", (), b"", id="thread"))
LOG.info("on a thread")
LOG.info("told by itself", extra={"request": "own"})
LOG.error("nothing raised", exc_info=True)
asyncio.run(on_loop())
"""


def test_a_line_of_any_depth_names_its_request_where_it_does_not_itself():
    done = subprocess.run([sys.executable, "-c", WRITE_FOR_REQUEST], capture_output=True, text=True, check=True)

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["message"]: line.get("request") for line in lines} == {
        "before": None,
        "on a thread": "thread",
        "told by itself": "own",
        "nothing raised": "thread",
        "on the loop": "loop",
    }
    assert [line["message"] for line in lines if "traceback" in line or "exc_info" in line] == []


def test_the_line_after_a_flood_of_refusals_tells_how_many_it_left_out(stage, lines):
    now = 100.0
    logbook, contract = Logbook("none", lambda: now), stage.house.served["mowork"].contract
    refused = Answer(403, {}, b"", refusal=Refused(Outcome.CREDENTIALS_MISSING))

    def refuse():
        logbook.write(contract, Request("GET", "/user/getinfo", b"", (), b""), refused, 1)

    for _ in range(BURST + 10):
        refuse()
    now += 1
    refuse()

    assert [line.get("left_out") for line in lines()] == [None] * BURST + [10]
    assert logbook.unlogged() == 10


def test_a_flood_of_failures_writes_a_few_tracebacks_and_how_many_it_left_out(stage, lines):
    now = 100.0
    logbook, contract = Logbook("none", lambda: now), stage.house.served["mowork"].contract
    failed = Answer(500, {}, b"", trouble=RuntimeError("broken"))

    def fail():
        logbook.write(contract, Request("GET", "/user/getinfo", b"", (), b""), failed, 1)

    for _ in range(BURST + 10):
        fail()
    assert [line["message"] for line in lines()] == ["mowork: GET /user/getinfo failed"] * BURST
    assert not any("left_out" in line for line in lines())
    now += 1
    fail()

    assert len(lines()) == BURST + 1
    assert lines()[-1]["left_out"] == 10
    assert lines()[-1]["exc_info"][1] is failed.trouble
