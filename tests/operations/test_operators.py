"""What an operator asks of what is not there, or no longer, is refused by its word, and leaves no trace."""

from dataclasses import replace

import pytest

from lingpai.operations.change_membership import JoinCompany, LeaveCompany, MembershipAsked
from lingpai.operations.enable import EnableClient, EnableUser, Enabling
from lingpai.operations.end_one_session import EndOneSession
from lingpai.operations.reset_password import PasswordReset, ResetPassword
from lingpai.operations.rotate_key import RotateKey
from lingpai.operations.rotate_secret import EndOldSecret, RotateSecret, SecretRotation
from lingpai.principals.client_secrets import with_secret
from lingpai.principals.keys import DATA, PEPPER, Keyring
from lingpai.stores.memory import Memory
from lingpai.stores.sql.stores import open_sqlite
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Outcome, Reason
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Client, Company, Session, User
from tests.operations.meanwhile import refusal

NOW = 1_767_225_600_000
SESSION = Session("s1", 1, "app", "zhiyun", "pc", b"s1", None, NOW, None, NOW + 3_600_000, NOW)


def clock():
    return NOW


@pytest.fixture(params=["memory", "sqlite"])
def stores(request, tmp_path):
    """Return stores with user 1, who has a session, company 1, the client `app` with a secret, and one without."""
    stores = Memory(clock) if request.param == "memory" else open_sqlite(tmp_path / "lingpai.db", clock)
    app = with_secret(Client("app", "app", contracts=frozenset({"zhiyun"})), Secret("hidden"), ring(stores), NOW)
    with stores.change(Event("test:prepared", "everything", "")) as change:
        change.accounts.add(User(0, "mei", "mei", ""))
        change.companies.add(Company(0, "山海科技"))
        change.clients.add(app)
        change.clients.add(replace(app, id="built-in", secret_digest=b"", secret_sealed=b""))
        change.sessions.open(SESSION)
    yield stores
    if request.param == "sqlite":
        stores.close()


def ring(stores):
    keys = Keyring(stores, bytes(32), clock, bytes)
    for purpose in (PEPPER, DATA):
        keys.prepare(purpose)
    return keys


def rotating(stores):
    return RotateSecret(stores, ring(stores), clock, bytes)


NOBODY, NOWHERE = 99, 99


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        (lambda stores: EnableUser(stores, clock), Enabling(NOBODY, enabled=False)),
        (lambda stores: EnableUser(stores, clock), Enabling(NOBODY, enabled=True)),
        (EnableClient, Enabling("nobody", enabled=False)),
        (lambda stores: ResetPassword(stores, clock), PasswordReset(NOBODY, Secret("tiger lily of 9"))),
        (JoinCompany, MembershipAsked(NOBODY, 1)),
        (JoinCompany, MembershipAsked(1, NOWHERE)),
        (lambda stores: LeaveCompany(stores, clock), MembershipAsked(NOBODY, 1)),
        (lambda stores: LeaveCompany(stores, clock), MembershipAsked(1, 1)),
        (rotating, SecretRotation("nobody", None)),
        (rotating, SecretRotation("built-in", None)),
        (lambda stores: EndOldSecret(stores, clock), "nobody"),
        (lambda stores: EndOldSecret(stores, clock), "app"),
        (lambda stores: RotateKey(stores, ring(stores)), "nothing"),
    ],
    ids=lambda value: "" if callable(value) else repr(value),
)
def test_what_is_not_there_is_told_and_nothing_is_written(stores, operation, asked):
    rows, here = stores.audit.page(0, 1000), stores.feed.here()

    assert refusal(lambda: operation(stores)("operator", asked)).outcome is Outcome.NOTHING_THERE
    assert stores.audit.page(0, 1000) == rows
    assert not stores.feed.after(here).entries
    assert not stores.keys.of("nothing")


@pytest.mark.parametrize("early", [0, 1])
def test_a_secret_that_would_have_ended_already_is_not_rotated(stores, early):
    kept = stores.clients.by_id("app")

    refused = refusal(lambda: rotating(stores)("operator", SecretRotation("app", NOW - early)))

    assert (refused.outcome, set(refused.fields)) == (Outcome.ARGUMENT_BAD, {"old_ends"})
    assert stores.clients.by_id("app") == kept
    assert rotating(stores)("operator", SecretRotation("app", NOW + 1)).client.old_end == NOW + 1


def test_of_two_operators_who_end_one_session_the_second_hears_that_it_was_over(stores):
    end = EndOneSession(stores, clock)

    assert end("operator", "s1")
    rows, here = stores.audit.page(0, 1000), stores.feed.here()
    assert not end("another", "s1")
    assert not end("another", "nothing")

    session = stores.sessions.standing_of("s1").session
    assert (session.ended, session.end_reason) == (NOW, Reason.KICKED_OUT)
    assert (rows[-1].kind, rows[-1].actor) == ("session:ended", "operator")
    assert stores.audit.page(0, 1000) == rows
    assert not stores.feed.after(here).entries
