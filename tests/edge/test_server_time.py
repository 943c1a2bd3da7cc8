"""mowork's times are written and read alike, and any other text is none; how a call shows one."""

import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingpai.edge.call import Request
from lingpai.edge.checks.server_time import TimeShown, read_server_time, write_server_time
from lingpai.edge.pipeline import begun
from lingpai.vocabulary.outcomes import Outcome, Refused
from tests.conformance.stage import Stage

LAST = 253_402_300_799_999
"""9999-12-31 23:59:59:999."""


def test_the_documents_own_time_is_the_moment_that_it_names():
    assert read_server_time("2017-07-26 23:02:56:336") == 1_501_110_176_336
    assert write_server_time(1_501_110_176_336) == "2017-07-26 23:02:56:336"


@given(milliseconds=st.integers(0, LAST))
def test_what_was_written_is_read_as_it_was(milliseconds):
    text = write_server_time(milliseconds)

    assert len(text) == 23
    assert read_server_time(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017-07-26 23:02:56",
        "2017-07-26 23:02:56.336",
        "2017-07-26T23:02:56:336",
        "2017-07-26 23:02:56:336Z",
        "2017-07-26 23:02:56:336\n",
        " 2017-07-26 23:02:56:336",
        "2017-7-26 23:02:56:336",
        "2017-07-26 23:02:56:36",
        "2017-02-29 23:02:56:336",
        "2017-07-26 24:00:00:000",
        "2017-07-26 23:59:60:000",
        "0000-01-01 00:00:00:000",
        "２０１７-07-26 23:02:56:336",
        "1501110176336",
    ],
)
def test_a_time_of_another_shape_is_none(text):
    assert read_server_time(text) is None


@given(
    text=st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}:[0-9]{3}", fullmatch=True)
)
def test_any_text_is_a_time_that_can_be_written_again_or_none(text):
    moment = read_server_time(text)

    if moment is not None and moment >= 0:
        assert write_server_time(moment) == text


@pytest.fixture
def in_shanghai(monkeypatch):
    """The machine's own zone, as an operator there sets it."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        yield
    time.tzset()


def test_a_time_is_utc_wherever_the_server_stands(in_shanghai):
    assert time.localtime(0).tm_hour == 8
    assert read_server_time("2017-07-26 23:02:57:336") == 1_501_110_177_336
    assert write_server_time(1_501_110_177_336) == "2017-07-26 23:02:57:336"


@pytest.mark.parametrize(
    ("shown", "outcome"),
    [
        ({}, Outcome.CREDENTIALS_MISSING),
        ({"time": None}, Outcome.CREDENTIALS_MISSING),
        ({"time": ""}, Outcome.CREDENTIALS_MISSING),
        ({"time": "soon"}, Outcome.CREDENTIALS_BAD),
        ({"time": 0}, Outcome.CREDENTIALS_BAD),
        ({"time": False}, Outcome.CREDENTIALS_BAD),
    ],
)
def test_a_house_may_tell_no_time_from_one_that_is_none(shown, outcome):
    house = Stage("mowork").house
    call = begun(house.served["mowork"].contract, Request("POST", "/"), house.shell.desks.asking)
    call.body = shown

    with pytest.raises(Refused) as ended:
        TimeShown("time")(call)

    assert ended.value.outcome is outcome


def test_under_latest_nobody_is_locked_out_where_a_server_starts_again_with_its_clock_set_back():
    stage = Stage("mowork", {"contracts": {"mowork": {"timestamp": "latest"}}})
    stage.user("mei", "correct horse")
    common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1"}
    sign_in = json.dumps({**common, "requestParam": {"username": "mei", "password": "correct horse"}})
    granted = json.loads(stage.answer("POST", "/mowork/user/login", [], sign_in)[2])["responseParam"]
    members = "&".join(f"{name}={value}" for name, value in common.items())
    headers = [("X-Token", granted["token"]), ("X-Username", "mei")]
    began = stage.now
    stage.now -= 3_600_000

    told = [granted["timestamp"]]
    for _ in range(2):
        target = f"/mowork/user/checktoken?{members}&req_timestamp={quote(told[-1])}"
        status, _, body = stage.answer("GET", target, headers, "")
        told.append(json.loads(body)["resTimestamp"])
        assert status == 200

    assert told == [write_server_time(began + later) for later in range(3)]
