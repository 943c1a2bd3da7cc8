"""What is kept, and what is kept quiet."""

import asyncio
import logging
import os
import pickle
import threading
import traceback
from typing import Any

import httpx2
import pytest
from answering import Answering
from lingpai_client import (
    Client,
    FileStorage,
    LingpaiError,
    MemoryStorage,
    Mowork,
    Oppmg,
    Outcome,
    Reason,
    SignInAgain,
    Thinkjs,
    Twokeys,
    Zhiyun,
)
from lingpai_client.contracts.thinkjs import ThinkjsTokens
from lingpai_client.turns import Turns


def test_a_file_is_for_its_owner_alone_and_whole(tmp_path):
    storage = FileStorage(tmp_path / "session.json")
    assert storage.read() is None
    old = os.umask(0)
    try:
        for text in ("first", "令牌"):
            storage.write(text)
    finally:
        os.umask(old)

    assert storage.read() == "令牌"
    assert storage.path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["session.json"]


def test_a_file_that_others_may_read_is_refused_with_what_to_do(tmp_path):
    storage = FileStorage(tmp_path / "session.json")
    storage.write("secret")
    storage.path.chmod(0o640)

    with pytest.raises(PermissionError, match="chmod 600"):
        storage.read()


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"tokens": 1}', '{"tokens": {"token": 1}}', '{"skew": "x"}'])
def test_what_no_session_wrote_is_no_session(text):
    storage = MemoryStorage()
    storage.write(text)

    assert Thinkjs("http://x", storage=storage).session.tokens() is None


def test_a_change_for_tokens_that_stand_there_no_more_changes_nothing():
    auth = Thinkjs("http://x")
    first, second, third = (ThinkjsTokens(text) for text in "abc")
    auth.session.open(second, 0)

    assert not auth.session.replace(first, third, 0)
    assert not auth.session.end(first, Reason.EXPIRED)
    assert auth.session.tokens() == second
    assert auth.session.end(second, Reason.EXPIRED)
    assert not auth.session.replace(second, third, 0)
    assert auth.session.tokens() is None


def test_what_is_told_of_the_clock_is_kept_for_the_next_program():
    storage = MemoryStorage()
    told = {"errno": 0, "errmsg": "", "data": {"token": "t"}}
    late = Answering(lambda request: httpx2.Response(200, json=told, headers={"Date": "Thu, 01 Jan 1970 01:00:00 GMT"}))
    with late.client(Thinkjs("http://x/thinkjs", storage=storage, clock=lambda: 0.0)) as client:
        client.sign_in("a", "b")

    silent = Answering(lambda request: httpx2.Response(200, json=told))
    again = Thinkjs("http://x/thinkjs", storage=storage, clock=lambda: 0.0)
    with silent.client(again) as client:
        client.me()
    assert again.clock.now() == 3600.5


def test_threads_and_tasks_wait_in_one_line():
    turns = Turns()
    inside, most, done = [0], [0], []

    def work():
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        inside[0] -= 1
        done.append(1)

    def thread():
        for _ in range(50):
            assert turns.take()
            work()
            turns.leave()

    async def tasks():
        async def one():
            for _ in range(50):
                assert await turns.take_soon()
                await asyncio.sleep(0)
                work()
                turns.leave()

        await asyncio.gather(one(), one())

    threads = [threading.Thread(target=thread) for _ in range(2)]
    for each in threads:
        each.start()
    asyncio.run(tasks())
    for each in threads:
        each.join()

    assert (len(done), most) == (200, [1])


def test_a_task_that_stops_waiting_is_passed_over_and_one_that_just_got_its_turn_gives_it_back():
    turns = Turns()

    async def story():
        assert await turns.take_soon()
        waiting = [asyncio.create_task(turns.take_soon()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        turns.leave()
        waiting[1].cancel()
        assert await asyncio.wait_for(waiting[2], 5)
        turns.leave()
        assert await asyncio.wait_for(turns.take_soon(), 5)

    asyncio.run(story())


def test_a_lost_turn_lets_all_go_and_the_next_to_come_has_it():
    turns = Turns()

    async def story():
        assert await turns.take_soon()
        waiting = [asyncio.create_task(turns.take_soon()) for _ in range(3)]
        await asyncio.sleep(0)
        turns.leave(lost=True)
        assert await asyncio.gather(*waiting) == [False] * 3
        assert await turns.take_soon()

    asyncio.run(story())


PASSWORD = "pa55word"
SECRETS = ("s3cret-of-the-app", "t0ken", "c0de", PASSWORD, "czNjcmV0")


def contracts():
    keys: dict[str, Any] = {"client_id": "1234567890", "client_secret": SECRETS[0]}
    return [
        Mowork("http://x/mowork"),
        Oppmg("http://x/oppmg"),
        Thinkjs("http://x/thinkjs"),
        Twokeys("http://x/twokeys", **keys),
        Zhiyun("http://x/zhiyun", **keys),
        Zhiyun("http://x/zhiyun", **keys, access_token="t0ken"),
    ]


TOKENS = {
    "username": "mei", "token": "t0ken", "told": "", "expires": "", "user_id": 1, "user_token": "t0ken",
    "access_token": "t0ken", "refresh_token": "t0ken", "expires_in": 9_999_999_999, "auth_code": "c0de",
    "authorized": 9e9,
}  # fmt: skip


@pytest.mark.parametrize("auth", contracts(), ids=lambda auth: auth.name)
def test_no_secret_stands_in_a_repr_in_an_error_or_in_a_log(auth, caplog):
    caplog.set_level(logging.DEBUG)
    told: list[str] = []

    def say(request: httpx2.Request) -> httpx2.Response:
        if len(told) > 2:
            raise httpx2.ConnectError("no route")
        return httpx2.Response(200, json={"code": 1, "data": []})

    tokens = auth.kept(TOKENS)
    auth.session.open(tokens, 0)
    with Client(auth, transport=httpx2.MockTransport(say)) as client:
        for ask in (client.me, lambda: client.sign_in("mei", PASSWORD), client.me, client.me, client.sign_out):
            try:
                ask()
            except LingpaiError as error:
                told.append("".join(traceback.format_exception(error)) + repr(error) + str(vars(error)))
        told.append(repr(client) + repr(auth) + repr(tokens) + repr(auth.session) + repr(auth.clock))

    everything = "\n".join(told) + caplog.text
    assert len(told) == 6
    assert "HTTP Request" in caplog.text
    assert [secret for secret in SECRETS if secret in everything] == []


def test_an_error_survives_being_pickled():
    told = SignInAgain("oppmg", Outcome.SESSION_OVER, "10024", "请重新登录", status=200, reason=Reason.IDLE)

    again = pickle.loads(pickle.dumps(told))

    assert (type(again), vars(again), str(again)) == (SignInAgain, vars(told), "oppmg 10024: 请重新登录 (idle)")
