"""What a guard without keys believes, and when it stops."""

from typing import Any

import pytest

from lingpai.bridges.proofs import CLIENT_SECONDS, Client, Proofs, ProvedClient, ProvedToken, without_keys
from lingpai.edge.checks.api_token import ApiTokenRight
from lingpai.edge.checks.basic_client import BasicClient
from lingpai.edge.schemes.signed_user import SignedUser
from lingpai.edge.schemes.token_pair import PairToken
from lingpai.principals.remembered import Remembered
from lingpai.vocabulary.events import FeedEntry
from lingpai.vocabulary.outcomes import NotRemembered
from tests.conformance.stage import Stage
from tests.forward.conftest import CONTRACTS


@pytest.fixture
def proofs():
    return Proofs(Remembered(lambda: 0.0), lambda: 0.0, bytes(32))


def kept(proofs, *what):
    digests = [proofs.digest(str(one)) for one in what]
    for digest, one in zip(digests, what, strict=True):
        proofs.keep(digest, one, proofs._remembered.mark())
    return digests


def is_known(proofs, digest):
    try:
        proofs.find(digest)
    except NotRemembered:
        return False
    return True


@pytest.mark.parametrize("subject", ["keys", "everything"])
def test_whatever_keys_proved_is_forgotten_when_keys_change(proofs, subject):
    digests = kept(proofs, {"uid": 1}, Client("a", (), CLIENT_SECONDS))

    proofs.hear([FeedEntry(1, subject, "")])

    assert not any(is_known(proofs, digest) for digest in digests)


def test_a_clients_proofs_are_forgotten_when_the_client_changes(proofs):
    token, mine, another = kept(proofs, {"uid": 1}, Client("a", (), 60), Client("b", (), 60))

    proofs.hear([FeedEntry(1, "client", "a"), FeedEntry(2, "session", "x")])

    assert [is_known(proofs, digest) for digest in (token, mine, another)] == [True, False, True]


def test_what_was_asked_before_the_feed_moved_is_not_kept(proofs):
    mark = proofs._remembered.mark()
    proofs._remembered.apply([FeedEntry(1, "keys", "")])

    proofs.keep(proofs.digest("x"), {"uid": 1}, mark)

    assert not is_known(proofs, proofs.digest("x"))


def test_a_digest_is_of_its_parts_and_of_their_places(proofs):
    pairs = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("a\0b", "c"), ("a", "b", "c")]

    assert len({proofs.digest(*parts) for parts in pairs}) == len(pairs)


def holds(part: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(part, kinds):
        return True
    if isinstance(part, ProvedToken | ProvedClient):
        return False
    if isinstance(part, tuple):
        return any(holds(each, kinds) for each in part)
    fields = getattr(part, "__dataclass_fields__", {})
    return any(holds(getattr(part, name), kinds) for name in fields)


@pytest.mark.parametrize("name", CONTRACTS)
def test_no_part_that_needs_a_key_is_left_in_any_contract(name):
    contract = Stage(name).house.served[name].contract
    keyed = (PairToken, SignedUser, BasicClient, ApiTokenRight)

    whole = (contract.steps, contract.business.signed_in, contract.business.public)
    assert holds(whole, keyed) == (name != "mowork")
    assert not holds(without_keys(whole), keyed)
    assert without_keys(contract.reader) is contract.reader
