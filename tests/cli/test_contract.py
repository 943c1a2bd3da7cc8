"""What `lingpai contract` shows, begins, checks and writes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from tests.cli.running import environment

FIVE = ["mowork", "oppmg", "thinkjs", "twokeys", "zhiyun"]


@pytest.fixture
def begun(lingpai, tmp_path) -> Path:
    """Return the file of a contract that was begun just now."""
    assert lingpai("contract", "new", "garden").code == 0
    return tmp_path / "garden" / "src" / "lingpai_garden" / "garden.py"


def test_the_contracts_are_listed_with_where_they_come_from_and_what_they_serve(lingpai, begun):
    listed = lingpai("contract", "list", "--json", LINGPAI_CONTRACT_FILES=str(begun)).json

    assert {row["name"]: row["from"] for row in listed} == {**dict.fromkeys(FIVE, "lingpai"), "garden": str(begun)}
    assert next(row for row in listed if row["name"] == "garden") == {
        "name": "garden",
        "from": str(begun),
        "addresses": ["/garden/"],
        "calls": 3,
        "business": 2,
        "codes": 7,
    }


def test_the_list_tells_hosts_and_what_is_switched_off(lingpai):
    hosts = {"LINGPAI_CONTRACTS__MOWORK__ACCOUNT_HOSTS": "account.mowork.cn"}
    shown = lingpai("contract", "list", **hosts, LINGPAI_CONTRACTS__ZHIYUN__ENABLED="false").out

    assert "/mowork/ account.mowork.cn" in shown
    assert "switched off" in next(line for line in shown.splitlines() if line.startswith("zhiyun"))


def test_what_was_begun_adds_up_and_passes_its_own_test(lingpai, begun):
    checked = lingpai("contract", "check", begun, "--json").json
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    folder = begun.parents[2]
    tested = subprocess.run(
        command, cwd=folder, env=environment({"PYTHONPATH": "src"}), capture_output=True, text=True, check=False
    )

    assert {found["kind"] for found in checked} == {"good"}
    assert tested.returncode == 0, tested.stdout


def test_nothing_is_written_over_and_a_name_is_one_plain_word(lingpai, begun):
    assert lingpai("contract", "new", "garden").is_refused("garden is there already, and not empty")
    assert lingpai("contract", "new", "oppmg").is_refused("there is a contract oppmg already")
    for name in ("Garden", "my-garden", "json", "class", "x"):
        assert lingpai("contract", "new", name).is_refused(f"{name} cannot be its name")


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("Outcome.NOT_ALLOWED, ", "", "outcomes without a row: NOT_ALLOWED"),
        ("Outcome.INTERNAL)", "Outcome.INTERNAL, Outcome.NAME_TAKEN)", "rows without a use: NAME_TAKEN"),
        ('path="/me"', 'path="/login", methods=("POST",)', "keyword argument repeated"),
        ('path="/logout"', 'path="/login"', "two routes answer POST /login"),
        ("BuiltIn(), Permitted(),", "BuiltIn(),", "acts before the policies are judged"),
        ("Routed(), ", "Route(), ", "TypeError: Route.__init__() missing"),
        ('{"token": result.token}', '{"token": "x"}', 'got      {"code":0,"message":"成功","data":{"token":"x"}}'),
    ],
)
def test_what_does_not_add_up_is_said_in_one_line_each(lingpai, begun, written, instead, said):
    text = begun.read_text(encoding="utf-8")
    assert written in text
    begun.write_text(text.replace(written, instead), encoding="utf-8")

    ran = lingpai("contract", "check", begun)

    assert ran.code == 2
    assert said in ran.out + ran.err
    assert "Traceback" not in ran.out + ran.err


def test_what_nobody_can_tell_is_noted(lingpai, begun):
    text = begun.read_text(encoding="utf-8").replace("_call: Call) -> Profile:", "_call: Call):")
    text = text.replace('path="/logout"', 'path="/docs"')
    begun.write_text(text, encoding="utf-8")
    begun.with_suffix(".http").unlink()

    ran = lingpai("contract", "check", begun)

    assert ran.code == 0
    assert "· /docs is its own, so our page of that name gives way" in ran.out
    assert "· /me: its answer is not annotated" in ran.out
    assert "· there is no transcript garden.http beside it" in ran.out


def test_a_code_that_no_exchange_hears_is_noted(lingpai, begun):
    transcript = begun.with_suffix(".http")
    kept = transcript.read_text(encoding="utf-8").partition("@ fault store")[0]
    transcript.write_text(kept, encoding="utf-8")

    assert "· the transcript never hears 6 系统繁忙" in lingpai("contract", "check", begun).out


def test_a_contract_is_written_as_openapi_and_as_a_page_in_both_languages(lingpai, begun, tmp_path):
    for language, told in (("zh", "系统繁忙"), ("en", "busy")):
        output = tmp_path / f"{language}.json"
        said = lingpai("contract", "openapi", begun, "--language", language, "--output", output)
        document = json.loads(output.read_text(encoding="utf-8"))
        page = lingpai("contract", "docs", begun, "--language", language).out

        assert said.code == 0
        validate(document)
        assert set(document["paths"]) == {"/login", "/me", "/logout", "/notice/list", "/notice/add"}
        assert "busy" in page
        assert "系统繁忙" in page
        assert told in document["paths"]["/me"]["get"]["responses"]["503"]["description"]


def test_the_hosts_of_a_side_serve_its_calls_alone(lingpai):
    hosts = {
        "LINGPAI_CONTRACTS__MOWORK__ACCOUNT_HOSTS": "account.mowork.cn",
        "LINGPAI_CONTRACTS__MOWORK__BUSINESS_HOSTS": "api.mowork.cn",
    }
    document = lingpai("contract", "openapi", "mowork", **hosts).json

    assert document["paths"]["/user/login"]["post"]["servers"] == [
        {"url": "/mowork"},
        {"url": "https://account.mowork.cn"},
    ]
    assert {"url": "https://api.mowork.cn"} in document["paths"]["/notice/add"]["post"]["servers"]


def test_a_contract_that_is_not_there_is_refused_by_name(lingpai, tmp_path):
    assert lingpai("contract", "check", "postcart").is_refused("there is no contract postcart", "mowork")
    assert lingpai("contract", "docs", tmp_path / "none.py").is_refused("there is no file", "none.py")
