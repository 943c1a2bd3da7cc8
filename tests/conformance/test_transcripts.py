"""Every contract answers as its transcript says, to the byte, and every row of its code table is heard."""

import json
from pathlib import Path

import pytest

from lingpai.composition import declarations
from lingpai.vocabulary.settings import Settings
from tests.conformance.stage import Stage
from tests.conformance.transcripts import exchanges, play

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.http"))


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


def _says(body: str, number: int | str) -> bool:
    return f":{json.dumps(number)}," in body


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_titles_carry_the_documents_line(path):
    seen = {exchange.title for exchange in exchanges(path.read_text(encoding="utf-8"))}

    untitled = [title for title in seen if not title.partition(":")[0].replace("–", "").replace(" ", "").isalnum()]

    assert untitled == []
