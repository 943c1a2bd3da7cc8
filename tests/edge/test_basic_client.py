"""What a transcript cannot say of clients that prove themselves by HTTP's Basic scheme."""

import json

import pytest

from lingpai.edge.call import Request
from lingpai.edge.checks.basic_client import DesktopClient
from lingpai.edge.pipeline import begun
from lingpai.operations.rotate_secret import RotateSecret, SecretRotation
from lingpai.vocabulary.outcomes import Outcome, Refused
from tests.conformance.stage import Stage, basic

SECRET = "PartnerSecret016"
HOUR = 3_600_000


@pytest.fixture
def stage():
    stage = Stage("zhiyun")
    stage.client("3000000001", SECRET)
    return stage


def asked(stage, client, secret):
    """Return the code of a call that asks for nothing but a client, and the answer's headers."""
    target = f"/zhiyun/apis/rest/noticeService/list/json?t_={stage.now // 1000}000&p_=2345"
    _, headers, body = stage.answer("GET", target, [("Authorization", basic(client, secret))], "")
    return json.loads(body)["code"], headers


def test_a_client_whose_id_is_another_houses_is_unknown_even_by_its_right_secret(stage):
    stage.client("app_android", SECRET, "contracts=twokeys,zhiyun")

    assert asked(stage, "app_android", SECRET)[0] == 100008
    assert asked(stage, "3000000001", SECRET)[0] == 200


def test_the_old_of_two_secrets_is_a_weak_form_and_the_new_one_none(stage):
    rotate = RotateSecret(stage.stores, stage._keys, lambda: stage.now, stage.random)
    new = rotate("operator", SecretRotation("3000000001", old_end=stage.now + HOUR)).secret.reveal()

    by_old, by_new = asked(stage, "3000000001", SECRET), asked(stage, "3000000001", new)
    stage.operator("policy", "3000000001", "old-secret", "off")

    assert (by_old[0], by_old[1]["sunset"]) == (200, "Thu, 01 Jan 2026 01:00:00 GMT")
    assert (by_new[0], "sunset" in by_new[1]) == (200, False)
    assert [asked(stage, "3000000001", secret)[0] for secret in (SECRET, new)] == [100009, 200]
    assert [(use.form, use.uses, use.refused) for use in stage.stores.weak_uses.since("")] == [("old-secret", 2, 1)]


def test_whoever_has_not_even_proved_to_be_a_client_may_not_sign_users_in(stage):
    contract = stage.house.served["zhiyun"].contract

    with pytest.raises(Refused) as ended:
        DesktopClient()(begun(contract, Request("POST", "/"), stage.house.shell.desks.asking))

    assert ended.value.outcome is Outcome.CLIENT_NOT_SERVED
