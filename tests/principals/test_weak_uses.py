"""Uses of weak forms are counted by the day of the settings' zone, written in batches, and survive a clean stop."""

from zoneinfo import ZoneInfo

import pytest

from lingpai.principals import weak_uses as module
from lingpai.principals.housekeeping import Housekeeping
from lingpai.principals.weak_uses import WeakUses, day_of
from lingpai.vocabulary.policies import Used, WeakForm, WeakUse
from tests.principals.conftest import NOW

SHANGHAI = ZoneInfo("Asia/Shanghai")
MD5, QUERY = WeakForm.DAY_MD5, WeakForm.QUERY_TOKEN


@pytest.fixture
def counts(town):
    return WeakUses(town.stores.weak_uses, SHANGHAI)


def used(*forms, at=NOW, client_id="app", refused=None):
    return Used(client_id, "twokeys", forms, refused, at)


def kept(town):
    return [(use.day, use.form, use.uses, use.refused, use.last) for use in town.stores.weak_uses.since("")]


def test_each_form_of_a_call_is_counted_and_the_one_that_was_refused(town, counts):
    counts.count(used(MD5, QUERY))
    counts.count(used(MD5, QUERY, at=NOW + 5, refused=QUERY))

    counts.flush()

    assert kept(town) == [
        ("2026-01-01", "day-md5", 2, 0, NOW + 5),
        ("2026-01-01", "query-token", 2, 1, NOW + 5),
    ]


def test_a_use_is_of_the_day_that_it_is_where_the_settings_are(town, counts):
    midnight = NOW + 16 * 3_600_000

    for at in (midnight - 1, midnight, midnight - 1):
        counts.count(used(MD5, at=at))
    counts.flush()

    assert [row[:3] for row in kept(town)] == [("2026-01-01", "day-md5", 2), ("2026-01-02", "day-md5", 1)]


def test_what_was_written_is_not_written_again(town, counts):
    counts.count(used(MD5))
    counts.flush()
    counts.flush()
    counts.count(used(MD5))
    counts.flush()

    assert [row[2] for row in kept(town)] == [2]
    assert counts.totals() == {("app", "twokeys", "day-md5"): 2}


def test_what_the_store_does_not_take_is_kept_and_counted_with_what_comes(town, counts):
    counts.count(used(MD5))
    town.tables.silent = True
    counts.flush()
    counts.count(used(MD5, at=NOW + 1))
    town.tables.silent = False

    counts.flush()

    assert kept(town) == [("2026-01-01", "day-md5", 2, 0, NOW + 1)]


def test_a_batch_is_bounded(town, counts, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 10)
    batches = []
    add = town.stores.weak_uses.add

    def noted(batch):
        batches.append(len(batch))
        add(batch)

    monkeypatch.setattr(town.stores.weak_uses, "add", noted)
    for number in range(25):
        counts.count(used(MD5, client_id=f"c{number}"))

    counts.flush()

    assert batches == [10, 10, 5]


def test_a_clean_stop_writes_what_is_left(town, counts):
    counts.start()
    counts.count(used(MD5))

    counts.stop()

    assert [row[2] for row in kept(town)] == [1]


def test_it_is_written_by_itself(town, counts, monkeypatch):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)
    counts.start()
    counts.count(used(MD5))

    while not kept(town):
        pass
    counts.stop()

    assert [row[2] for row in kept(town)] == [1]


def test_a_fault_of_ours_loses_nothing_and_does_not_end_the_writing(town, counts, monkeypatch, caplog):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)
    add = town.stores.weak_uses.add
    monkeypatch.setattr(town.stores.weak_uses, "add", lambda _batch: 1 / 0)
    counts.count(used(MD5))
    counts.start()
    while not caplog.records:
        pass
    monkeypatch.setattr(town.stores.weak_uses, "add", add)
    counts.stop()

    assert [row[2] for row in kept(town)] == [1]


def test_days_long_over_are_deleted(town):
    days = [day_of(NOW - n * 86_400_000, SHANGHAI) for n in (0, 399, 402)]
    town.stores.weak_uses.add([WeakUse(day, "app", "twokeys", "day-md5", 1, 0, 1) for day in days])

    Housekeeping(town.stores, lambda: town.now).tidy()

    assert [use.day for use in town.stores.weak_uses.since("")] == [days[1], days[0]]
