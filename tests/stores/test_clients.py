"""Client apps, in every store."""

from dataclasses import replace

from lingpai.vocabulary.policies import FREE, Policy, policies
from tests.stores.samples import HOUR, NOW, client, done

WHOLE = client(
    "1234567890",
    name="小程序",
    enabled=False,
    secret_digest=bytes(range(256)),
    secret_sealed=b"\x00\xff\x00",
    contracts=frozenset({"zhiyun", "twokeys"}),
    scope="basic full",
    desktop=True,
    language="en",
    most_sessions=3,
    replaces=False,
    refresh_reuse="allow",
    policies=policies(
        [Policy("id-day-md5"), Policy("query-token", 0, 5), Policy("twokeys", NOW + HOUR, NOW)],
        ["10.0.0.0/8", "2001:db8::/32"],
        ["notice.*", "/api/公告/*"],
    ),
)


def test_a_client_comes_back_as_it_went_in(house):
    with house.change(done()) as change:
        assert change.clients.add(WHOLE) is True

    assert house.clients.by_id("1234567890") == WHOLE
    assert house.clients.by_id("123456789") is None


def test_a_client_of_which_nothing_was_said_has_the_very_policies_that_one_comparison_tells(house):
    assert house.clients.by_id("app").policies is FREE


def test_an_id_is_taken_once(house):
    before = house.clients.by_id("app")

    with house.change(done()) as change:
        assert change.clients.add(client("app", scope="full")) is False

    assert house.clients.by_id("app") == before


def test_a_saved_client_takes_the_place_of_its_earlier_self(house):
    with house.change(done()) as change:
        change.clients.save(replace(WHOLE, id="app"))

    assert house.clients.by_id("app") == replace(WHOLE, id="app")
    assert house.clients.by_id("h5") == client("h5")


def test_saving_what_is_not_there_changes_nothing(house):
    with house.change(done()) as change:
        change.clients.save(client("nobody"))

    assert house.clients.by_id("nobody") is None


def test_pages_go_by_id(house):
    assert [c.id for c in house.clients.page("", 1)] == ["app"]
    assert [c.id for c in house.clients.page("app", 5)] == ["h5"]
