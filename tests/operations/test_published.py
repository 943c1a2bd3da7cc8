"""What the documents print can be read by anybody, so an operator, a demo or an import may not give it to anybody."""

import pytest

from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.add_user import AddUser, NewUser
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.principals.published import is_published
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Client, User, Visitor
from tests.conformance.stage import Stage

ZHIYUN_TOKENS = ("9106c9fd1e138a042d4aedf94cede7a766e0", "55427e5af26a1319e168beb699b0fd1b11e")
TOKENS = (*ZHIYUN_TOKENS, "EFEFSFJF9DFJIEH9SFE8FSF8D0SF8", "etye0fgkgk4ca2aabd20ae9a5dd77471fgf")


@pytest.fixture
def stage():
    stage = Stage("zhiyun")
    stage.user("mei", "correct horse")
    stage.client("2000000001", "DesktopSecret016", "desktop=yes")
    return stage


def user(name: str) -> User:
    return User(id=0, name=name, name_key="", password="")


@pytest.mark.parametrize("text", [*TOKENS, "1102084294", "aku8hCyXBd9SqYkT"])
def test_what_a_document_prints_is_known_to_be_published(text):
    assert is_published(text)


def test_a_name_is_published_with_its_password_alone():
    assert is_published("admin", "123456")
    assert not is_published("admin")
    assert not is_published("123456")
    assert not is_published("admin", "1234567")
    assert not is_published("")


@pytest.mark.parametrize(
    ("client_id", "secret", "member"),
    [("1102084294", None, "client_id"), ("", "aku8hCyXBd9SqYkT", "client_secret")],
)
def test_no_client_gets_a_published_id_or_secret(stage, client_id, secret, member):
    add = AddClient(stage.stores, stage.house.keys, stage.house.clock, stage.random)
    asked = NewClient(Client(client_id, "partner"), Secret(secret) if secret else None)

    with pytest.raises(Refused) as refused:
        add("operator", asked)

    assert refused.value.outcome is Outcome.ARGUMENT_BAD
    assert list(refused.value.fields) == [member]
    assert stage.stores.clients.by_id("1102084294") is None


@pytest.mark.parametrize("token", TOKENS)
def test_no_session_gets_a_published_token(stage, token):
    terms = stage.house.served["zhiyun"].contract.terms
    visitor = Visitor(terms=terms, client=stage.stores.clients.by_id("2000000001"))

    with pytest.raises(Refused) as refused:
        MintToken(stage.stores, stage.house.opening)(visitor, TokenAsked(1, token))

    assert refused.value.outcome is Outcome.ARGUMENT_BAD
    assert stage.stores.sessions.of_user(1) == []


@pytest.mark.parametrize("name", ["admin", "ADMIN"])
def test_no_user_gets_a_published_name_and_password(stage, name):
    with pytest.raises(Refused) as refused:
        AddUser(stage.stores, stage.house.clock)("operator", NewUser(user(name), "123456"))

    assert refused.value.outcome is Outcome.ARGUMENT_BAD
    assert stage.stores.accounts.named("admin") is None


def test_the_name_alone_may_be_given():
    stage = Stage("zhiyun")

    assert AddUser(stage.stores, stage.house.clock)("operator", NewUser(user("admin"), "correct horse")).name == "admin"


def test_a_transcript_may_seed_them_all():
    stage = Stage("zhiyun")
    stage.user("admin", "123456")
    stage.client("1102084294", "aku8hCyXBd9SqYkT", "desktop=yes")
    for token in ZHIYUN_TOKENS:
        stage.session("admin", token, "1102084294")

    assert len(stage.stores.sessions.of_user(1)) == 2
