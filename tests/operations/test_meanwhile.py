"""What is done while a password is hashed counts: nothing that was read before the hashing is believed after it."""

import pytest

from lingpai.operations.change_password import PasswordChange
from lingpai.operations.register import Registration
from lingpai.operations.sign_in import NameAndPassword
from lingpai.principals.passwords.argon2 import verify_password
from lingpai.vocabulary.outcomes import Outcome, Reason
from tests.operations.meanwhile import Town, refusal

MEI = NameAndPassword("mei", "correct horse")
CHANGE = PasswordChange("correct horse", "tiger lily of 9")


@pytest.fixture
def town():
    return Town()


@pytest.mark.parametrize("did", [("reset", "mei", "another one"), ("disable", "mei"), ("rest", "mowork:pc")], ids=repr)
def test_a_sign_in_does_not_outlive_what_was_done_while_its_password_was_hashed(town, did):
    town.gate.meanwhile = lambda: town.operator(*did)

    assert refusal(lambda: town.sign_in(town.visitor(), MEI)).outcome is Outcome.SIGN_IN_FAILED
    assert town.live() == []


def test_a_password_that_was_reset_meanwhile_is_not_changed_back(town):
    caller = town.caller()
    town.gate.meanwhile = lambda: town.operator("reset", "mei", "another one")

    refused = refusal(lambda: town.change_password(caller, CHANGE))

    assert (refused.outcome, refused.reason) == (Outcome.SESSION_OVER, Reason.PASSWORD_CHANGED)
    assert verify_password(town.stores.accounts.named("mei").password, "another one")


def test_of_two_changes_of_one_password_at_once_one_is_made(town):
    one, two = town.caller(), town.caller()
    town.gate.meanwhile = lambda: town.change_password(two, PasswordChange("correct horse", "the first of both"))

    refused = refusal(lambda: town.change_password(one, CHANGE))

    assert (refused.outcome, refused.reason) == (Outcome.SESSION_OVER, Reason.PASSWORD_CHANGED)
    assert verify_password(town.stores.accounts.named("mei").password, "the first of both")


def test_one_session_that_changes_the_password_twice_at_once_does_it_once(town):
    caller = town.caller()
    town.gate.meanwhile = lambda: town.change_password(caller, PasswordChange("correct horse", "the first of both"))

    assert refusal(lambda: town.change_password(caller, CHANGE)).outcome is Outcome.SIGN_IN_FAILED
    assert verify_password(town.stores.accounts.named("mei").password, "the first of both")


@pytest.mark.parametrize(
    ("did", "reason"), [(("end", "mei"), Reason.KICKED_OUT), (("disable", "mei"), Reason.DISABLED)], ids=repr
)
def test_who_was_sent_away_meanwhile_changes_no_password(town, did, reason):
    caller = town.caller()
    town.gate.meanwhile = lambda: town.operator(*did)

    refused = refusal(lambda: town.change_password(caller, CHANGE))

    assert (refused.outcome, refused.reason) == (Outcome.SESSION_OVER, reason)
    assert verify_password(town.stores.accounts.named("mei").password, "correct horse")
    assert "user:password-changed" not in town.kinds()


def test_of_two_who_register_one_name_at_once_one_gets_it_and_nothing_is_left_of_the_other(town):
    visitor = town.visitor(registration="open")
    asked = Registration("Bo", "tiger lily of 9")
    town.gate.meanwhile = lambda: town.user("bo", "the other's")

    assert refusal(lambda: town.register(visitor, asked)).outcome is Outcome.NAME_TAKEN
    assert verify_password(town.stores.accounts.named("bo").password, "the other's")
    assert town.live("bo") == []
    assert "user:registered" not in town.kinds()
