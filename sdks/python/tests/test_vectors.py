"""The transcripts that drive the server's tests drive these: the same requests, to the byte, and the same endings."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from lingpai_client import Client, LingpaiError, MemoryStorage, Mowork, Oppmg, Outcome, Thinkjs, Twokeys, Zhiyun
from lingpai_client.auth import ContractAuth
from lingpai_client.calls import Call, Heard
from recognised import NotOurs, Ours, header, recognised
from transcripts import CONTRACTS, Exchange, exchanges

COUNTED = Path(__file__).parent / "counted"
MENDED = (Outcome.RENEWED, Outcome.CODE_SPENT)
OF_HTTPX = ("host", "accept-encoding", "connection", "user-agent", "content-length", "accept", "content-type")


class OneAnswer(httpx2.BaseTransport):
    """Answers the first request as the transcript does. It knows no second one."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.sent: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.sent.append(request)
        if len(self.sent) > 1:
            raise httpx2.ConnectError("the transcript knows one answer")
        return self.exchange.response(request)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_what_the_transcript_sends_and_the_sdk_can_send_it_sends_to_the_byte_and_hears_the_answer(contract):
    replays = 0
    for exchange in exchanges(contract):
        try:
            ours = recognised(exchange)
        except NotOurs:
            continue
        replay(exchange, ours)
        replays += 1
    assert replays > 40


def replay(exchange: Exchange, ours: Ours) -> None:
    storage = MemoryStorage()
    if ours.tokens:
        storage.write(json.dumps({"tokens": ours.tokens, "skew": 0}))
    wire = OneAnswer(exchange)
    auth = ours.make(storage=storage, clock=lambda: ours.now / 1000)
    with Client(auth, transport=wire, language=header(exchange, "Accept-Language")) as client:
        ended = outcome_of(ours, client)

    first = wire.sent[0]
    asked = {name.lower(): value for name, value in exchange.headers}
    said = {name: value for name, value in asked.items() if name not in ("accept", "content-type")}
    credentials = {name: value for name, value in first.headers.items() if name not in OF_HTTPX}
    assert f"{first.method} {first.url.raw_path.decode()}" == f"{exchange.method} {exchange.target}", exchange.where
    assert credentials == said, exchange.where
    assert {name: first.headers.get(name) for name in asked} == asked, exchange.where
    assert first.content.decode() == exchange.body, exchange.where

    outcome = heard(exchange).outcome
    if outcome in MENDED and "authorize" not in exchange.target:
        assert (len(wire.sent) > 1, ended) == (True, Outcome.NO_ANSWER), exchange.where
    elif outcome is Outcome.SESSION_OVER and ("logout" in exchange.target or "delete" in exchange.target):
        assert ended is Outcome.OK, exchange.where
    elif outcome is Outcome.NOT_ALLOWED and exchange.contract == "twokeys":
        assert ended in (Outcome.NOT_ALLOWED, Outcome.SESSION_OVER), exchange.where
    else:
        assert ended is outcome, exchange.where


def outcome_of(ours: Ours, client: Client) -> Outcome:
    try:
        ours.ask(client)
    except LingpaiError as error:
        return error.outcome
    return Outcome.OK


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_request_and_every_answer_of_the_transcript_is_accounted_for(contract):
    """Where a transcript has grown, write what this prints into `counted/`, after reading it."""
    everything = exchanges(contract)
    requests = counted(verdict(exchange) for exchange in everything)
    answers = counted(f"answer: {heard(each).outcome.value}" for each in everything if each.status != 204)

    assert "\n".join([*requests, "", *answers, ""]) == (COUNTED / f"{contract}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_answer_of_a_contract_is_read_as_one_and_the_reason_with_it(contract):
    for exchange in exchanges(contract):
        if exchange.status == 204:
            continue
        told = heard(exchange)
        assert told.outcome not in (Outcome.NOT_THIS_CONTRACT, Outcome.REFUSED), exchange.where
        error = told.error(contract, exchange.response(httpx2.Request("GET", "http://x")))
        assert str(error.retry_after or "") == exchange.answer_headers.get("Retry-After", ""), exchange.where
        if told.outcome is Outcome.SESSION_OVER:
            assert told.reason == exchange.answer_headers.get("X-Lingpai-Reason"), exchange.where


def heard(exchange: Exchange) -> Heard:
    # One stage direction says that a success is 0 from there on.
    success: Literal[0, 1] = 0 if "as 0" in exchange.title else 1
    auths: dict[str, ContractAuth[Any]] = {
        "mowork": Mowork("http://x"),
        "oppmg": Oppmg("http://x"),
        "thinkjs": Thinkjs("http://x"),
        "twokeys": Twokeys("http://x", client_id="1", client_secret="2", success_code=success),
        "zhiyun": Zhiyun("http://x", client_id="1", client_secret="2"),
    }
    request = httpx2.Request("POST", "http://x", content=b"user_token=")
    return auths[exchange.contract].hear(exchange.response(request), Call("POST", ""))


def verdict(exchange: Exchange) -> str:
    try:
        recognised(exchange)
    except NotOurs as rule:
        return f"request: not the SDK's: {rule}"
    return "request: the SDK's"


def counted(lines):
    return [f"{count:4}  {line}" for line, count in sorted(Counter(lines).items())]
