"""A house style that nobody here has heard of is served from one file of its own, and needs nothing else touched."""

import re
import textwrap
from pathlib import Path

import pytest

from lingpai.composition import declarations, open_house
from lingpai.vocabulary.settings import SettingRefused, Settings
from tests.conformance.stage import Stage
from tests.conformance.test_transcripts import _says
from tests.conformance.transcripts import play

PAGE = (Path(__file__).parents[2] / "docs" / "own-contract.md").read_text(encoding="utf-8")
"""Shows the file and its transcript to people; both are taken from there, so that what they read works."""


def shown(language: str) -> str:
    """Return the page's first code block in *language*."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


POSTCARD, TRANSCRIPT = shown("python"), shown("http")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "postcard.py"
    path.write_text(POSTCARD, encoding="utf-8")
    return path


def test_a_file_outside_of_the_house_is_a_contract_like_any_other(file, tmp_path):
    transcript = tmp_path / "postcard.http"
    transcript.write_text(TRANSCRIPT, encoding="utf-8")
    stage = Stage("postcard")
    stage.settings["contract_files"] = (str(file),)
    stage._build()

    heard = [body for _, (_, body) in play(transcript, stage)]

    codes = stage.house.served["postcard"].contract.codes.rows
    assert [code for code in codes if not any(_says(body, code.number) for body in heard)] == []


def test_it_is_found_by_one_setting_and_has_settings_of_its_own(file, tmp_path):
    variables = {"LINGPAI_CONTRACT_FILES": str(file), "LINGPAI_CONTRACTS__POSTCARD__SECONDS": "60"}
    house = open_house(tmp_path / "data", variables)

    house.prepare()

    assert set(house.served) == {*declarations(Settings()), "postcard"}
    assert house.served["postcard"].contract.terms.absolute_seconds == 60
    house.stop()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "is no Python file"),
        ("", "declares no DECLARATION"),
        ("DECLARATION = 'postcard'", "declares no DECLARATION"),
        (POSTCARD.replace('Declaration("postcard"', 'Declaration("mowork"'), "two contracts are called mowork"),
    ],
)
def test_a_file_that_is_no_contract_is_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "postcard.py"
    if content is not None:
        path.write_text(textwrap.dedent(content), encoding="utf-8")

    with pytest.raises(SettingRefused, match=complaint):
        declarations(Settings(contract_files=(str(path),)))
