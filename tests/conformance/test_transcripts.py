"""Every contract answers as its transcript says, to the byte, and every row of its code table is heard."""

import json
import re
from pathlib import Path

import pytest

from lingpai.composition import declarations
from lingpai.vocabulary.settings import Settings
from tests.conformance.stage import Stage
from tests.conformance.transcripts import asked, exchanges, play

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.http"))

PRINTED = {"mowork": {"获取用户信息成功"}, "oppmg": {"成功"}}
"""Chinese sentences that a document prints in an answer, so that they never change. Of twokeys's none does."""


def test_every_contract_has_a_transcript():
    assert {path.stem for path in TRANSCRIPTS} == set(declarations(Settings()))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_contract_answers_as_its_transcript_says_and_every_code_is_heard(path):
    stage = Stage(path.stem)
    codes = stage.house.served[path.stem].contract.codes
    heard = [answer for _, answer in play(path, stage)]

    unheard = [
        code
        for code in codes.rows
        if not any(
            status == code.status and _says(body, code.number) and code.chinese in body for status, body in heard
        )
    ]

    assert unheard == []


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_asked_in_english_the_codes_are_the_same_and_every_message_is_english_but_those_that_never_change(path):
    stage = Stage(path.stem)
    codes = stage.house.served[path.stem].contract.codes.rows
    unchanging = PRINTED.get(path.stem, set()) | ({row.chinese for row in codes} if path.stem == "twokeys" else set())

    heard = set()
    for exchange in exchanges(path.read_text(encoding="utf-8")):
        status, _, body = asked(exchange, stage, ("Accept-Language", "en"))
        assert (str(status), _numbers(body)) == (exchange.expected[0], _numbers("\n".join(exchange.expected)))
        if not any(line.startswith("Accept-Language: zh") for line in exchange.sent):
            heard |= {(status, number, message) for number in _numbers(body) for message in _messages(body)}

    assert {message for _, _, message in heard if not message.isascii()} <= unchanging
    assert {(row.status, str(row.number), row.message("en")) for row in codes} <= heard


def _numbers(body: str) -> list[str]:
    return re.findall(r'(?:"(?:resCode|code|errno)":"?|<code>)(\w+)', body)


def _messages(body: str) -> list[str]:
    return re.findall(r'(?:"(?:resMessage|msg|errmsg|message)":"|<message>)([^"<]*)', body)


def _says(body: str, number: int | str) -> bool:
    return f":{json.dumps(number)}," in body


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_titles_carry_the_documents_line(path):
    seen = {exchange.title for exchange in exchanges(path.read_text(encoding="utf-8"))}

    untitled = [title for title in seen if not title.partition(":")[0].replace("–", "").replace(" ", "").isalnum()]

    assert untitled == []
