"""How often weak forms were used, in every store: counts that only grow, until their day is long over."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from lingpai.vocabulary.policies import WeakUse
from tests.stores.programs import open_at
from tests.stores.samples import done

USE = WeakUse("2026-01-02", "app", "twokeys", "day-md5", uses=3, refused=1, last=1000)


def test_counts_of_one_day_client_contract_and_form_are_added_and_the_later_moment_is_kept(stores):
    stores.weak_uses.add([USE, replace(USE, uses=1, refused=0, last=10)])
    stores.weak_uses.add([replace(USE, uses=2, refused=2, last=2000)])

    assert stores.weak_uses.since("2026-01-02") == [replace(USE, uses=6, refused=3, last=2000)]


def test_what_differs_in_day_client_contract_or_form_is_counted_apart(stores):
    changed: list[dict[str, Any]] = [
        {},
        {"day": "2026-01-03"},
        {"client_id": "h5"},
        {"contract": "zhiyun"},
        {"form": "plain-http"},
    ]
    apart = [replace(USE, **change) for change in changed]

    stores.weak_uses.add(apart)

    assert sorted(map(str, stores.weak_uses.since("2026-01-02"))) == sorted(map(str, apart))
    assert [use.client_id for use in stores.weak_uses.since("2026-01-02", "h5")] == ["h5"]
    assert [use.day for use in stores.weak_uses.since("2026-01-03")] == ["2026-01-03"]


def test_nothing_to_add_adds_nothing(stores):
    stores.weak_uses.add([])

    assert list(stores.weak_uses.since("")) == []


def test_old_days_are_deleted_the_oldest_first_and_not_too_many_at_once(stores):
    stores.weak_uses.add([replace(USE, day=f"2026-01-0{n}") for n in range(1, 6)])

    with stores.change(done()) as change:
        assert change.weak_uses.delete_over("2026-01-05", 3) == 3
    assert [use.day for use in stores.weak_uses.since("")] == ["2026-01-04", "2026-01-05"]
    with stores.change(done()) as change:
        assert change.weak_uses.delete_over("2026-01-05", 3) == 1


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_many_workers_may_count_at_once(request, engine, clock):
    request.getfixturevalue(engine)
    place = request.getfixturevalue({"sqlite": "path", "postgres": "postgres_url"}[engine])
    workers = [open_at(place, clock) for _ in range(4)]

    def count(stores, client_id):
        for _ in range(5):
            stores.weak_uses.add([USE, replace(USE, client_id=client_id)])

    threads = [threading.Thread(target=count, args=(one, f"c{n}")) for n, one in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {use.client_id: use.uses for use in workers[0].weak_uses.since("")} == {
        "app": 4 * 5 * 3,
        **{f"c{n}": 15 for n in range(4)},
    }
    for one in workers:
        one.close()
