"""What operators measure: right over several workers, also over those that died, and for nobody else."""

import os
import re
import signal
import time
from http.client import HTTPConnection

import pytest

from lingpai.edge.metrics import Board
from lingpai.edge.proxies import Readers
from lingpai.edge.tally import BOUNDS, BUCKETS, Tally
from tests.cli.running import serving, workers_of

CONTRACT = "mowork"


def board(folder, *, memory=0, gauge=0.0, **refused):
    tally = Tally()
    for _ in range(memory):
        tally.count(CONTRACT, 20_000, asked=False)
    for end, count in refused.items():
        tally.refused[CONTRACT, "memory", end] += count
    values: dict[str, dict[tuple[str, ...], float]] = {
        "lingpai_remembered_sessions": {(): gauge},
        "lingpai_lease_age_seconds": {(): gauge},
    }
    return Board(folder, tally, lambda: values)


def told(page):
    """Return every line of a page by name and labels."""
    found = re.findall(r"^(\w+(?:\{.*?\})?) (\S+)$", page.decode(), re.MULTILINE)
    return {name: float(value) for name, value in found}


OK = 'lingpai_calls_total{contract="mowork",outcome="OK",source="memory"}'


def test_a_call_falls_into_the_bucket_of_its_duration():
    tally = Tally()
    for nanoseconds in (0, 8191, 8192, 16_383, 16_384, 10**12):
        tally.count(CONTRACT, nanoseconds, asked=True)

    row = tally.database[CONTRACT]
    assert row[:3] == [2, 2, 1]
    assert row[BUCKETS - 1] == 1
    assert row[BUCKETS] == 0 + 8191 + 8192 + 16_383 + 16_384 + 10**12
    assert [BOUNDS[0], BOUNDS[1]] == [8192e-9, 16_384e-9]


def test_any_worker_tells_the_sum_of_all_and_the_worst_of_what_is_no_sum(tmp_path):
    one, two = board(tmp_path, memory=3, gauge=2, SESSION_OVER=1), board(tmp_path, memory=4, gauge=5)
    one.start()
    two.start()
    try:
        for each in (one, two):
            page = told(each.page("1"))
            assert page[OK] == 6
            assert page['lingpai_calls_total{contract="mowork",outcome="SESSION_OVER",source="memory"}'] == 1
            assert page["lingpai_workers"] == 2
            assert page["lingpai_remembered_sessions"] == 7
            assert page["lingpai_lease_age_seconds"] == 5
            assert page['lingpai_call_seconds_count{contract="mowork",source="memory"}'] == 7
            assert page['lingpai_call_seconds_sum{contract="mowork",source="memory"}'] == pytest.approx(7 * 20e-6)
            assert page['lingpai_build_info{version="1"}'] == 1
    finally:
        one.stop()
        two.stop()


def test_what_proxies_asked_and_what_rang_is_told_by_service_and_by_hook(tmp_path):
    tally = Tally()
    tally.forwarded["mowork", "shop", "SESSION_OVER"] += 2
    tally.hooks["/hooks/garden/watered", "202"] += 3

    page = told(Board(tmp_path, tally, dict).page("1"))

    assert page['lingpai_forwarded_total{contract="mowork",outcome="SESSION_OVER",service="shop"}'] == 2
    assert page['lingpai_hooks_total{hook="/hooks/garden/watered",status="202"}'] == 3


def test_a_worker_that_died_keeps_its_counters_and_loses_its_gauges_also_when_it_is_added_up(tmp_path):
    dead = board(tmp_path, memory=3, gauge=2)
    dead.start()
    dead.stop()
    for _ in range(3):
        living = board(tmp_path, memory=1, gauge=5)
        living.start()
        page = told(living.page("1"))
        assert page["lingpai_workers"] == 1
        assert page["lingpai_remembered_sessions"] == 5
        last = page[OK]
        living.stop()

    assert last == 6
    assert len(list(tmp_path.glob("*-*.json"))) == 1


def test_what_is_broken_off_while_it_is_added_up_is_counted_once(tmp_path):
    dead = board(tmp_path, memory=3)
    dead.start()
    dead.stop()
    (left,) = tmp_path.glob("*-*.json")
    kept = left.read_bytes()
    board(tmp_path)._fold()
    left.write_bytes(kept)

    assert told(board(tmp_path).page("1"))[OK] == 3


def test_a_folder_that_takes_nothing_stops_nobody(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    own = board(tmp_path / "file", memory=2)
    own.start()
    own.flush()
    page = told(own.page("1"))
    own.stop()

    assert page[OK] == 2
    assert caplog.text.count("metrics are not written") == 1


@pytest.mark.parametrize(
    ("address", "headers", "by_listed", "admitted"),
    [
        ("127.0.0.1", [], False, True),
        ("::1", [], False, True),
        ("192.0.2.1", [], False, False),
        ("", [], False, False),
        ("127.0.0.1", [(b"x-forwarded-for", b"127.0.0.1")], False, False),
        ("127.0.0.1", [(b"via", b"1.1 x")], False, False),
        ("127.0.0.1", [(b"x-forwarded-for", b"127.0.0.1")], True, True),
        ("192.0.2.1", [(b"x-forwarded-for", b"192.0.2.1")], True, False),
    ],
)
def test_only_listed_addresses_are_told(address, headers, by_listed, admitted):
    readers = Readers(("127.0.0.0/8", "::1/128"))

    assert readers.admit(address, headers, by_listed=by_listed) is admitted


def asked(port, path, **headers):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_a_server_of_two_workers_counts_every_call_also_over_the_death_of_one(tmp_path):
    refused = 'lingpai_calls_total{contract="mowork",outcome="NO_SUCH_CALL",source="memory"}'
    with serving(tmp_path / "d", "--workers", "2") as server:
        for _ in range(30):
            asked(server.port, "/mowork/nowhere")
        time.sleep(1.5)
        assert {told(asked(server.port, "/metrics")[1])[refused] for _ in range(6)} == {30}
        assert asked(server.port, "/metrics", **{"X-Forwarded-For": "127.0.0.1"})[0] == 404

        os.kill(workers_of(server.process)[0], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                page = told(asked(server.port, "/metrics")[1])
            except OSError:
                continue
            if page["lingpai_workers"] == 2:
                break
            time.sleep(0.2)
        assert page["lingpai_workers"] == 2
        assert page[refused] == 30


def test_the_tools_of_prometheus_read_the_page(tmp_path):
    from prometheus_client.parser import text_string_to_metric_families

    own = board(tmp_path, memory=3, gauge=2, SESSION_OVER=1)
    own.start()
    names = {family.name for family in text_string_to_metric_families(own.page("1").decode())}
    own.stop()

    assert {"lingpai_calls", "lingpai_call_seconds", "lingpai_workers", "lingpai_build_info"} <= names
