"""`lingpai forward`: a key that is shown once, and what is set up."""

import re

import pytest

from lingpai.composition import open_house
from lingpai.principals.services import asking_token, purpose_of

SHOP = """
[forward.shop]
contracts = ["oppmg", "thinkjs"]
public = ["/v1/catalog"]
role = "boss"
"""


@pytest.fixture
def data(house):
    (house / "lingpai.toml").write_text(SHOP)
    return house


def keys_of(data):
    house = open_house(data, {})
    house.prepare()
    found = [key.value for key in house.keys.accepted(purpose_of("shop"))]
    house.stores.close()
    return found


def test_each_key_is_new_and_the_one_before_stays(lingpai, data):
    first = lingpai("forward", "key", "shop", "--data", "d", "--json").json
    second = lingpai("forward", "key", "shop", "--data", "d", "--json").json

    assert [key.hex() for key in keys_of(data)] == [second["identity_key"], first["identity_key"]]
    assert first["asking_token"] == asking_token(bytes.fromhex(first["identity_key"]))
    assert first["identity_key"].encode() not in (data / "lingpai.db").read_bytes()


def test_a_key_is_shown_to_people_with_what_it_is_for(lingpai, data):
    shown = lingpai("forward", "key", "shop", "--data", "d", LANG="zh_CN.UTF-8")

    assert shown.code == 0, shown.err
    assert re.search(r"identity_key +[0-9a-f]{64}\n", shown.out)
    assert re.search(r"asking_token +[0-9a-f]{64}\n", shown.out)
    assert "只显示这一次" in shown.out


def test_services_are_listed(lingpai, data):
    assert lingpai("forward", "list", "--data", "d", "--json").json == [
        {
            "service": "shop",
            "contracts": ["oppmg", "thinkjs"],
            "prefix": "",
            "public": ["/v1/catalog"],
            "role": "boss",
            "scope": "",
            "company": None,
            "keys": 0,
        }
    ]
    assert "role=boss" in lingpai("forward", "list", "--data", "d").out


def test_a_service_that_no_setting_names_is_refused(lingpai, data):
    assert lingpai("forward", "key", "show", "--data", "d").is_refused("[forward.show]", "shop")


def test_a_services_key_is_rotated_only_where_the_service_gets_it(lingpai, data):
    lingpai("forward", "key", "shop", "--data", "d")

    assert lingpai("key", "rotate", "forward:shop", "--data", "d").is_refused("lingpai forward key shop")


def test_the_key_before_is_kept_for_a_day(lingpai, data):
    for _ in range(2):
        lingpai("forward", "key", "shop", "--data", "d")
    house = open_house(data, {})
    house.prepare()
    house.retiring.tidy()
    ends = [row.ends for row in house.stores.keys.of(purpose_of("shop"))]
    now = house.clock()
    house.stores.close()

    assert ends[0] is None
    assert ends[1] is not None
    assert 86_000_000 < ends[1] - now < 2 * 86_400_000
