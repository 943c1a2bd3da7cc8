"""What operators measure: right over several workers, also over those that died, and for nobody else."""

import json
import os
import re
import signal
import threading
import time
from functools import partial
from http.client import HTTPConnection

import pytest

from lingpai.cli.opening import opened
from lingpai.composition import METRICS
from lingpai.edge import metrics
from lingpai.edge.metrics import Board
from lingpai.edge.proxies import Readers
from lingpai.edge.tally import BOUNDS, BUCKETS, Tally
from lingpai.operations.add_company import AddCompany
from lingpai.vocabulary.values import Company
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


def test_what_a_command_seals_is_counted_too_and_once(tmp_path):
    folder = tmp_path / "d" / METRICS
    with opened(tmp_path / "d", make=True) as house:
        house.prepare()
    folder.mkdir()
    (left,) = left_by_the_dead(folder)
    for name in ("one", "two"):
        with opened(tmp_path / "d") as house:
            AddCompany(house.stores, house.clock)("operator", Company(0, name))
    pages = []
    for _ in range(2):
        living = board(folder)
        living.start()
        pages.append(told(living.page("1")))
        living.stop()

    assert [page['lingpai_changes_total{kind="company:added"}'] for page in pages] == [2, 2]
    assert [page[OK] for page in pages] == [3, 3]
    assert not left.exists()


def test_the_tools_of_prometheus_read_the_page(tmp_path):
    from prometheus_client.parser import text_string_to_metric_families

    own = board(tmp_path, memory=3, gauge=2, SESSION_OVER=1)
    own.start()
    names = {family.name for family in text_string_to_metric_families(own.page("1").decode())}
    own.stop()

    assert {"lingpai_calls", "lingpai_call_seconds", "lingpai_workers", "lingpai_build_info"} <= names


def test_more_labels_than_anybody_reads_are_told_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics, "MOST_LABELS", 3)
    boards = [Board(tmp_path, Tally(), partial(changes, *kinds)) for kinds in ("ab", "acde")]
    for each in boards:
        each.flush()

    page = told(boards[0].page("1"))
    for each in boards:
        each.stop()

    counted = {name: count for name, count in page.items() if name.startswith("lingpai_changes_total")}
    assert sum(counted.values()) == 6
    assert counted['lingpai_changes_total{kind="a"}'] == 2
    assert counted['lingpai_changes_total{kind="other"}'] == 2
    assert len(counted) == 3 + 1


def changes(*kinds):
    return {"lingpai_changes": {(kind,): 1.0 for kind in kinds}}


def left_by_the_dead(folder, workers=1):
    """Return the files of workers that counted 3 calls each and died together."""
    dead = [board(folder, memory=3) for _ in range(workers)]
    for each in dead:
        each.start()
    for each in dead:
        each.stop()
    return [folder / f"{each._name}.json" for each in dead]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_what_a_worker_left_half_written_stops_nobody_and_goes(tmp_path, content):
    broken, whole = left_by_the_dead(tmp_path, 2)
    broken.write_bytes(content)
    living = board(tmp_path, memory=1)
    living.start()
    page = told(living.page("1"))
    living.stop()

    assert (page[OK], page["lingpai_workers"]) == (3 + 1, 1)
    assert not broken.exists()
    assert not whole.exists()


def test_a_worker_whose_mark_of_life_is_gone_is_dead(tmp_path):
    (left,) = left_by_the_dead(tmp_path)
    left.with_suffix(".alive").unlink()

    page = told(board(tmp_path, memory=1).page("1"))

    assert (page[OK], page["lingpai_workers"]) == (4, 1)


def test_a_worker_that_could_not_say_at_its_start_that_it_lives_is_counted_once_when_it_writes_later(tmp_path):
    folder = tmp_path / "away" / "metrics"
    late = board(folder, memory=3)
    late.start()
    folder.mkdir(parents=True)
    late.flush()
    others = [board(folder, memory=1) for _ in range(2)]
    for other in others:
        other.start()
        late.flush()
    page = told(others[0].page("1"))
    for each in (late, *others):
        each.stop()

    assert (page[OK], page["lingpai_workers"]) == (3 + 1 + 1, 3)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(OSError(28, "No space left on device"), 1), (RuntimeError("a fault of ours"), 2)],
    ids=["disk", "fault"],
)
def test_a_worker_that_cannot_write_goes_on_trying_and_says_so(tmp_path, monkeypatch, caplog, trouble, said):
    monkeypatch.setattr(metrics, "FLUSH_SECONDS", 0.01)
    values: dict[str, dict[tuple[str, ...], float]] = changes("a")
    failing, tried, written = threading.Event(), threading.Semaphore(0), threading.Event()

    def measured():
        if failing.is_set():
            tried.release()
            raise trouble
        if values != changes("a"):
            written.set()
        return values

    own = Board(tmp_path, Tally(), measured)
    own.start()
    failing.set()
    for _ in range(3):
        assert tried.acquire(timeout=30)
    values |= changes("a", "b")
    failing.clear()
    assert written.wait(30)
    own.stop()

    lines = [record for record in caplog.records if record.message.startswith("metrics are not written")]
    assert len(lines) >= said
    assert said > 1 or len(lines) == 1
    assert ("No space left on device" if said == 1 else "RuntimeError: a fault of ours") in caplog.text
    kept = json.loads((tmp_path / f"{own._name}.json").read_text())
    assert ["lingpai_changes", "b", 1.0] in kept["values"]
