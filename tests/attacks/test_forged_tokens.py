"""
Every place that reads a JWT is shown every forged token that we know of: none opens anything, all hear the same.

What a place would let in if its reader were laxer is tried too, so that a zero here means something.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lingpai.edge.schemes.jwt import read_jwt, write_jwt
from lingpai.edge.schemes.signed_user import fields_md5
from tests.attacks.forging import Good, forgeries, oddities, signature
from tests.conformance.stage import KEYS, Stage
from tests.edge.test_bad_input import failures_are_seen, hashing_is_cheap, kept

__all__ = ["failures_are_seen", "hashing_is_cheap"]

ACCESS_KEY, REFRESH_KEY = KEYS["oppmg.pair"][:32], KEYS["oppmg.pair"][32:]
THINKJS_KEY, SALT = KEYS["thinkjs.token"], KEYS["thinkjs.salt"]
OURS = {
    "oppmg's access key": ACCESS_KEY,
    "oppmg's refresh key": REFRESH_KEY,
    "oppmg's two keys": KEYS["oppmg.pair"],
    "thinkjs's key": THINKJS_KEY,
    "thinkjs's salt": SALT,
}
PASSWORD = "correct horse battery"


def good_token(token: str, key: bytes) -> Good:
    return Good(token, key, {name: other for name, other in OURS.items() if other != key})


@dataclass(frozen=True)
class Place:
    """
    Where a call carries a token.

    Args:
        kind: Which token belongs there.
        beside: Headers that are there besides.
        visitor: The call is answered without a user too, and a bad token must change nothing about that.

    """

    method: str
    target: str
    header: str
    kind: str
    body: str = ""
    prefix: str = ""
    beside: tuple[tuple[str, str], ...] = ()
    visitor: bool = False


class House:
    """A stage with mei, who holds right tokens, and bo, who holds others."""

    def __init__(self, name: str) -> None:
        self.stage = Stage(name)
        self.stage.company("one")
        for user in ("mei", "bo"):
            self.stage.user(user, PASSWORD, "company=1")
        self.stage.client("app", "k3y-Of-20-chars-long")
        self.tokens = self.signed_in("mei")
        self.anothers = self.signed_in("bo")
        # The access token is over, the refresh token of the same pair lives.
        self.over = self.signed_in("mei")
        claims = self.good("access", self.over).claims
        self.over["access"] = write_jwt({**claims, "exp": self.stage.now // 1000 - 1}, ACCESS_KEY)

    def signed_in(self, user: str) -> dict[str, str]:
        if self.stage.name == "thinkjs":
            body = {"username": user, "password": PASSWORD}
            answer = self.stage.answer("POST", "/thinkjs/api/system/token/create", [], json.dumps(body))
            return {"user": json.loads(answer[2])["data"]["token"], "access": "x.e30.x"}
        answer = self.stage.answer("POST", "/oppmg/auth/login", [], json.dumps({"account": user, "password": PASSWORD}))
        data = json.loads(answer[2])["data"]
        return {"access": data["access_token"], "refresh": data["refresh_token"]}

    def good(self, kind: str, tokens: Mapping[str, str] | None = None) -> Good:
        key = {"access": ACCESS_KEY, "refresh": REFRESH_KEY, "user": THINKJS_KEY}[kind]
        return good_token((tokens or self.tokens)[kind], key)

    def good_at(self, place: Place) -> Good:
        """Return the token that is right at *place*: beside a token that is over, the other of its pair."""
        beside_over = bool(place.beside) and place.kind == "refresh"
        return self.good(place.kind, self.over if beside_over else self.tokens)

    def places(self) -> tuple[Place, ...]:
        if self.stage.name == "thinkjs":
            add, password = (
                '{"title":"a","content":"b"}',
                f'{{"old_password":"{PASSWORD}","new_password":"{PASSWORD}2"}}',
            )
            return (
                Place("GET", "/thinkjs/api/system/user/info", "Authorization", "user"),
                Place("GET", "/thinkjs/api/system/user/info", "Authorization", "user", prefix="Bearer "),
                Place("POST", "/thinkjs/api/system/token/delete", "Authorization", "user"),
                Place("POST", "/thinkjs/api/system/user/password", "Authorization", "user", password),
                Place("POST", "/thinkjs/api/notice/add", "Authorization", "user", add),
                Place("GET", "/thinkjs/api/notice/list", "Authorization", "user", visitor=True),
            )
        access, refresh = "x-mmm-accesstoken", "x-mmm-refreshtoken"
        company, add = '{"company_id":1}', '{"title":"a","content":"b"}'
        living, over = ((refresh, self.tokens["refresh"]),), ((access, self.over["access"]),)
        password = f'{{"old_password":"{PASSWORD}","new_password":"{PASSWORD}2"}}'
        return (
            Place("GET", "/oppmg/v1/user/info", access, "access"),
            Place("GET", "/oppmg/v1/user/info", access, "access", beside=living),
            Place("GET", "/oppmg/v1/user/info", refresh, "refresh", beside=over),
            Place("GET", "/oppmg/v1/auth/refresh_token", refresh, "refresh"),
            Place("POST", "/oppmg/v1/auth/change_company", access, "access", company),
            Place("POST", "/oppmg/v1/user/password", access, "access", password),
            Place("POST", "/oppmg/v1/notice/add", access, "access", add),
            Place("POST", "/oppmg/v1/auth/logout", access, "access"),
            Place("POST", "/oppmg/v1/auth/logout", refresh, "refresh"),
        )

    def answer(self, place: Place, token: str | None) -> tuple[int, str]:
        headers = list(place.beside)
        if token is not None:
            headers.append((place.header, place.prefix + token))
        status, _, body = self.stage.answer(place.method, place.target, headers, place.body)
        return status, body.decode()

    def signed(self, kind: str) -> Callable[[Mapping[str, Any]], str]:
        """Return what makes a token of any claims, right in whatever covers them."""
        good = self.good(kind)

        def covered(claims: Mapping[str, Any]) -> str:
            if kind == "user":
                fields = {name: value for name, value in claims.items() if name not in ("md5", "iat", "exp")}
                return good.signed({**claims, "md5": fields_md5(fields, SALT)})
            numbered = {"jti": f"{claims.get('sid')}.{kind[0]}1"} if "jti" in claims else {}
            return good.signed({**claims, **numbered})

        return covered


def places() -> Iterator[Any]:
    for name in ("oppmg", "thinkjs"):
        for number, place in enumerate(House(name).places()):
            beside = ", beside another" if place.beside else ""
            yield pytest.param(name, number, id=f"{place.method} {place.target} {place.header} {place.prefix}{beside}")


PLACES = tuple(places())


@contextmanager
def nothing_changes(house: House) -> Iterator[None]:
    before = kept(house.stage.tables.rows)
    yield
    assert kept(house.stage.tables.rows) == before, "a refused token changed something"


def let_in(house: House, place: Place, attacks: Iterator[tuple[str, str]]) -> tuple[int, list[str]]:
    """Return how many *attacks* were made, and which of them were told anything but what nonsense is told."""
    refused = house.answer(place, "nonsense")
    differs = {name: house.answer(place, token) != refused for name, token in attacks}
    return len(differs), [name for name, heard in differs.items() if heard]


def signs_in_again(answer: tuple[int, str]) -> bool:
    """Return whether *answer* asks to sign in again, whatever reason it tells."""
    told = json.loads(answer[1])
    return (answer[0], told.get("errno")) == (401, 401) or (answer[0], told.get("code")) == (200, "10024")


@pytest.mark.parametrize(("name", "number"), PLACES)
def test_every_forgery_asks_to_sign_in_again_and_changes_nothing(name, number):
    house = House(name)
    place = house.places()[number]
    status, body = house.answer(place, "nonsense")
    if place.visitor:
        assert (status, body) == house.answer(place, None)
    else:
        assert "10024" in body if name == "oppmg" else status == 401
        assert all(signs_in_again(house.answer(place, nothing)) for nothing in (None, ""))
    good = house.good_at(place)
    with nothing_changes(house):
        seen, heard = let_in(house, place, forgeries(good))
    assert heard == []
    assert seen >= 900
    # The token that all of them were made from is right, there and then.
    status, body = house.answer(place, good.token)
    assert (status, '"errno":0,' in body or '"00000"' in body or '"10026"' in body) == (200, True), body


@pytest.mark.parametrize(("name", "number"), PLACES)
def test_what_our_key_signed_but_we_never_wrote_asks_to_sign_in_again(name, number):
    house = House(name)
    place = house.places()[number]
    attacks = dict(oddities(house.good_at(place), house.signed(place.kind)))
    if place.beside and place.kind == "access":
        # An access token that is over is right beside a refresh token that lives.
        del attacks["payload: the last exp is past"]
    with nothing_changes(house):
        answers = {name: house.answer(place, token) for name, token in attacks.items()}
    visitors = house.answer(place, None)
    heard = [name for name, told in answers.items() if not (signs_in_again(told) or place.visitor)]
    assert heard == []
    assert not place.visitor or set(answers.values()) == {visitors}
    assert len(attacks) >= 55


@pytest.mark.parametrize(("name", "number"), PLACES)
def test_every_other_token_of_ours_asks_to_sign_in_again(name, number):
    """A refresh token as an access token, an access token as a refresh token, another contract's, another key's."""
    house = House(name)
    place = house.places()[number]
    another = House("thinkjs" if name == "oppmg" else "oppmg")
    right = house.good_at(place)
    wrong = {f"{kind} token": token for kind, token in house.tokens.items() if kind != place.kind}
    wrong |= {f"another house's {kind} token": token for kind, token in another.tokens.items()}
    wrong |= {
        f"{kind} token signed as this one": Good(token, right.key, {}).signed(Good(token, right.key, {}).claims)
        for kind, token in [*house.tokens.items(), *another.tokens.items()]
        if token.count(".") == 2 and token != right.token and not token.startswith("x.")
    }
    refused = house.answer(place, "nonsense")
    with nothing_changes(house):
        for what, token in wrong.items():
            assert house.answer(place, token) == refused, what


@pytest.mark.parametrize(("name", "number"), PLACES)
def test_a_token_of_a_key_that_is_gone_asks_to_sign_in_again(name, number):
    house = House(name)
    purpose, key = ("oppmg.pair", bytes(range(64))) if name == "oppmg" else ("thinkjs.token", bytes(range(32)))
    keys = house.stage._keys
    keys.import_key(purpose, key)
    place = house.places()[number]
    token = house.good_at(place).token
    if place.kind == "refresh" and place.beside:
        beside = house.good("access", house.over)
        place = replace(place, beside=((place.beside[0][0], Good(beside.token, key[:32], {}).signed(beside.claims)),))
    refused = house.answer(place, "nonsense")
    kept_on, keys._keys[purpose] = keys._keys[purpose], keys._keys[purpose][:1]
    with nothing_changes(house):
        assert house.answer(place, token) == refused
    keys._keys[purpose] = kept_on
    assert place.visitor or house.answer(place, token) != refused, "the previous key counts for as long as it is kept"


def test_a_token_of_one_user_never_opens_the_session_of_another():
    for name, kind, claim in (("oppmg", "access", "uid"), ("thinkjs", "user", "id")):
        house = House(name)
        mine, others = house.good(kind).claims, house.good(kind, house.anothers).claims
        assert mine[claim] != others[claim]
        place = house.places()[0]
        mixed = house.signed(kind)({**mine, "sid": others["sid"]})
        assert signs_in_again(house.answer(place, mixed)), name


@pytest.mark.parametrize(("name", "kind", "seconds"), [("oppmg", "access", 43_200), ("thinkjs", "user", 86_400)])
def test_no_exp_however_far_outlives_the_session(name, kind, seconds):
    house = House(name)
    place = house.places()[0]
    far = house.signed(kind)({**house.good(kind).claims, "exp": 2**53})
    refused = house.answer(place, "nonsense")
    house.stage.wait(str(seconds))
    assert house.answer(place, far)[1] != refused[1]
    assert '"expired"' in house.answer(place, far)[1] or '"idle"' in house.answer(place, far)[1]


# Planted: readers that are too kind. Each must let somebody in, or the tests above prove nothing.


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def believing(token, keys):
    return json.loads(decoded(token.split(".")[1]))


def allowing_none(token, keys):
    header = json.loads(decoded(token.split(".")[0]))
    if str(header.get("alg")).lower() == "none":
        return json.loads(decoded(token.split(".")[1]))
    return read_jwt(token, keys)


def of_any_header(token, keys):
    signed, _, shown = token.rpartition(".")
    if not any(signature(signed, key) == shown for key in keys):
        raise ValueError(token)
    return json.loads(decoded(signed.split(".")[1]))


def by_bytes(token, keys):
    signed, _, shown = token.rpartition(".")
    if not any(decoded(signature(signed, key)) == decoded(shown) for key in keys):
        raise ValueError(token)
    return json.loads(decoded(signed.split(".")[1]))


def by_prefix(token, keys):
    signed, _, shown = token.rpartition(".")
    if not any(signature(signed, key).startswith(shown) for key in keys):
        raise ValueError(token)
    return json.loads(decoded(signed.split(".")[1]))


def in_any_case(token, keys):
    signed, _, shown = token.rpartition(".")
    if not any(signature(signed, key).lower() == shown.lower() for key in keys):
        raise ValueError(token)
    return json.loads(decoded(signed.split(".")[1]))


def stripping(token, keys):
    return read_jwt(token.strip(), keys)


def of_any_key(token, keys):
    return read_jwt(token, [*keys, *(key for key in OURS.values() if len(key) >= 32)])


LAX = (believing, allowing_none, of_any_header, by_bytes, by_prefix, in_any_case, stripping, of_any_key)


@pytest.mark.parametrize("reader", LAX, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("name", ["oppmg", "thinkjs"])
def test_a_lax_reader_would_have_been_caught(name, reader, monkeypatch):
    def lax(token, keys):
        with suppress(ValueError, IndexError, AttributeError):
            return reader(token, keys)
        return read_jwt(token, keys)

    house = House(name)
    place = house.places()[0]
    monkeypatch.setattr("lingpai.edge.schemes.jwt.read_jwt", lax)
    _, heard = let_in(house, place, forgeries(house.good(place.kind)))
    assert heard
