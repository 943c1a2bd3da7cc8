"""What a transcript cannot say of the user who is named beside a token."""

import pytest

from lingpai.edge.call import Request
from lingpai.edge.checks.holder import HolderMatches
from lingpai.edge.pipeline import begun
from lingpai.vocabulary.outcomes import Outcome, Reason, Refused
from tests.conformance.stage import Stage


def test_another_users_token_is_unknown_also_to_a_house_that_tells_what_has_expired():
    house = Stage("twokeys").house
    call = begun(house.served["twokeys"].contract, Request("GET", "/"), house.shell.desks.asking)
    call.claims = {"user_id": "1"}

    with pytest.raises(Refused) as ended:
        HolderMatches()(call)

    assert (ended.value.outcome, ended.value.reason) == (Outcome.SESSION_OVER, Reason.UNKNOWN)
