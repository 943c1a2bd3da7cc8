"""
Wycheproof's JWS vectors, shown to whatever reads a JWT: nothing is accepted that must not be.

Ours is the narrowest reader there is (one header, HMAC-SHA-256), so most of what is valid in general is refused too.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lingpai.edge.schemes.jwt import HEADER, SHORTEST_KEY, read_jwt
from lingpai.vocabulary.outcomes import Refused
from tests.attacks.test_forged_tokens import PLACES, House, let_in, nothing_changes
from tests.edge.test_bad_input import failures_are_seen, hashing_is_cheap

__all__ = ["failures_are_seen", "hashing_is_cheap"]

FILES = sorted((Path(__file__).parent / "wycheproof").glob("*.json"))


@dataclass(frozen=True)
class Vector:
    """A token, whether its maker calls it valid, and all that its group tells of keys."""

    name: str
    token: str
    valid: bool
    keys: tuple[bytes, ...]


def vectors() -> Iterator[Vector]:
    for file in FILES:
        for group in json.loads(file.read_text())["testGroups"]:
            keys = tuple(key for told in (group.get("private"), group.get("public")) for key in keys_in(told))
            for test in group["tests"]:
                shown = test.get("jws", test.get("jwe"))
                token = shown if isinstance(shown, str) else json.dumps(shown)
                name = f"{file.stem} {group['comment']} {test['tcId']}: {test['comment']}"
                yield Vector(name, token, test["result"] == "valid", keys)


def keys_in(told: Any) -> Iterator[bytes]:
    """Yield what could be taken for an HMAC key: a real one, and a public key as bytes or text (key confusion)."""
    for jwk in told.get("keys", [told]) if isinstance(told, dict) else ():
        for member in ("k", "n", "x", "y"):
            if member in jwk:
                yield base64.urlsafe_b64decode(jwk[member] + "=" * (-len(jwk[member]) % 4))
                yield jwk[member].encode()
        yield json.dumps(jwk).encode()
        yield json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()


VECTORS = tuple(vectors())


def accepted(vector: Vector) -> bool:
    try:
        read_jwt(vector.token, [key for key in vector.keys if len(key) >= SHORTEST_KEY])
    except Refused:
        return False
    return True


def test_all_of_wycheproof_is_here():
    assert len(VECTORS) == 401 + 83 + 26
    assert sum(not vector.valid for vector in VECTORS) > 300
    assert sum(any(len(key) >= SHORTEST_KEY for key in vector.keys) for vector in VECTORS) > 400


def test_nothing_is_accepted_that_wycheproof_calls_invalid_whatever_is_taken_for_the_key():
    assert [vector.name for vector in VECTORS if accepted(vector) and not vector.valid] == []


def test_what_is_accepted_has_our_own_header():
    assert all(vector.token.startswith(HEADER + ".") for vector in VECTORS if accepted(vector))


@pytest.mark.parametrize(("name", "number"), PLACES)
def test_no_place_lets_any_of_it_in_under_our_keys_or_its_own(name, number):
    house = House(name)
    place = house.places()[number]
    # An empty header is no header: what a place says to that is heard elsewhere.
    shown = {vector.name: vector.token for vector in VECTORS if vector.token}
    own = next(key for vector in VECTORS for key in vector.keys if len(key) == SHORTEST_KEY)
    purpose, key = ("oppmg.pair", own + own) if name == "oppmg" else ("thinkjs.token", own)
    for imported in (False, True):
        if imported:
            house.stage._keys.import_key(purpose, key)
        with nothing_changes(house):
            seen, heard = let_in(house, place, iter(shown.items()))
        assert (seen, heard) == (504, [])
