"""mowork's times are written and read alike, and any other text is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingpai.edge.checks.server_time import read_server_time, write_server_time

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
