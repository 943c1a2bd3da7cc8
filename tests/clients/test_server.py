"""The server that the clients are tried against serves every contract there is."""

import json
from urllib.request import urlopen

from lingpai.composition import declarations
from lingpai.vocabulary.settings import Settings


def test_the_server_serves_every_contract(server):
    with urlopen(server.base_url + "/") as answer:
        assert set(json.load(answer)["contracts"]) == set(declarations(Settings()))
