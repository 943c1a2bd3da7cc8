"""The tours: each of the five is walked to its end, and shows what it sends."""

import base64
import hashlib
import json
import re
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest

from lingpai.cli.tours import tour_of
from lingpai.cli.tours.walking import Ask, End, masked
from tests.cli.running import LINGPAI, environment, serving
from tests.cli.test_commands import typed_at_a_terminal

FIVE = ("mowork", "oppmg", "thinkjs", "twokeys", "zhiyun")


@pytest.fixture(scope="module", params=FIVE)
def tour(request, tmp_path_factory):
    """Return a contract, and the steps of its tour as programs read them."""
    folder = tmp_path_factory.mktemp("try")
    # Variables that lead to somebody's house are not followed.
    variables = environment(
        {
            "LINGPAI_DATA": str(folder / "theirs"),
            "DATABASE_URL": "postgresql://nowhere.invalid/x",
            "TMPDIR": str(folder),
        }
    )
    ran = subprocess.run(
        [*LINGPAI, "try", request.param, "--json"],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert list(folder.iterdir()) == []
    return request.param, json.loads(ran.stdout)["steps"]


def test_a_tour_goes_from_the_sign_in_to_the_refusal_with_its_reason(tour):
    contract, steps = tour

    assert all(step["as_expected"] for step in steps)
    assert "password" in steps[0]["request"]["body"]
    assert [step["done"] for step in steps if "session end" in step["done"]]
    assert steps[-1]["answer"]["headers"]["X-Lingpai-Reason"] == "kicked_out"
    assert steps[-1]["request"]["method"] == steps[1]["request"]["method"]
    assert any("notice" in step["request"]["url"] for step in steps if step["request"])
    if contract == "oppmg":
        numbers = [json.loads(step["answer"]["body"])["code"] for step in steps if step["answer"]]
        assert numbers.count("10026") == 1
        assert any("refresh_token" in step["request"]["url"] for step in steps if step["request"])


def test_a_tour_shows_the_text_that_is_signed(tour):
    contract, steps = tour
    proof = {row["name"]: row["value"] for row in steps[1]["proof"]}
    query = parse_qs(urlsplit(steps[1]["request"]["url"]).query)

    if contract == "mowork":
        assert set(proof) == {"X-Token", "X-Username", "req_timestamp"}
    elif contract == "twokeys":
        text, digest = proof.values()
        assert hashlib.md5(text.encode()).hexdigest() == digest == query["api_token"][0]
    elif contract == "zhiyun":
        (shown,) = query["t_"]
        assert str(int(shown) % 10_000 * 3 + 2345) == query["p_"][0]
        assert base64.b64decode(proof["Basic = base64"]).decode() == proof["client_id:client_secret"]
    else:
        claims = {row["name"]: row["value"] for row in steps[0]["apart"]}
        assert any('"exp"' in value for value in claims.values())
        assert any('"alg": "HS256"' in value for value in claims.values())


def test_at_a_terminal_a_tour_says_in_its_language_what_happens(tmp_path):
    shown = typed_at_a_terminal(["try", "mowork"], [])

    assert "Sign in: name and password" in shown
    assert "HTTP 403" in shown
    assert "That is all." in shown
    assert "\x1b[" in shown


def test_what_has_no_tour_is_said_with_what_is_near(lingpai, tmp_path):
    assert lingpai("try", "mowok").is_refused("no contract mowok", "Did you mean mowork?")
    assert lingpai("try", "nothing").is_refused("no contract nothing", "mowork, oppmg, thinkjs, twokeys, zhiyun")
    assert lingpai("try", "../walking").is_refused("no contract")
    assert lingpai("try", "walking").is_refused("no contract walking")
    lingpai("contract", "new", "postcard", "--to", "p")
    file = next((tmp_path / "p").rglob("postcard.py"))
    assert lingpai("try", "postcard", LINGPAI_CONTRACT_FILES=str(file)).is_refused(
        "postcard has no tour", "contract check"
    )


def test_at_somebodys_server_a_tour_signs_in_and_out_changes_nothing_and_shows_no_secret(demo, lingpai):
    user, client = demo.user("xujie"), demo.client("twokeys")
    who = ("--user", "xujie", "--client", client["client_id"], "--secrets-stdin")
    typed = f"{user['password']}\n{client['client_secret']}\n"
    with serving(demo.data, "--workers", "1") as server:
        ran = lingpai("try", "twokeys", "--base-url", server.base_url, *who, "--json", typed=typed)
        wrong = lingpai(
            "try", "twokeys", "--base-url", server.base_url, *who, typed=f"wrong\n{client['client_secret']}\n"
        )
    steps = ran.json["steps"]

    assert not any("add" in step["request"]["url"] for step in steps)
    assert steps[-1]["answer"]["headers"]["X-Lingpai-Reason"] == "unknown"
    assert user["password"] not in ran.out
    assert client["client_secret"] not in ran.out
    assert json.loads(steps[0]["answer"]["body"])["data"]["user_token"].endswith("…")
    assert wrong.code == 2
    assert "did not answer as expected" in wrong.err
    assert wrong.out.count("HTTP 200") == 1


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["shown", "told"])
@pytest.mark.parametrize(
    ("contract", "name", "proof", "shown"),
    [
        ("twokeys", "xujie", r"\b[0-9a-f]{32}\b", r"api_token=[0-9a-f]{3}(…|%E2%80%A6)"),
        ("zhiyun", "gaofei", r"Basic [\w+/=]{9}", r"Basic \w{3}…"),
    ],
)
def test_at_somebodys_server_what_proves_the_client_is_cut_short(demo, lingpai, contract, name, proof, shown, form):
    user, client = demo.user(name), demo.client(contract)
    who = ("--user", name, "--client", client["client_id"], "--secrets-stdin")
    with serving(demo.data, "--workers", "1") as server:
        words = ("try", contract, "--base-url", server.base_url, *who, *form)
        ran = lingpai(*words, typed=f"{user['password']}\n{client['client_secret']}\n")

    assert ran.code == 0, ran.err
    assert re.search(shown, ran.out)
    assert not re.search(proof, ran.out)


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["shown", "told"])
def test_at_somebodys_server_a_pair_that_was_renewed_is_as_secret_as_the_next(demo, lingpai, form):
    """The one before is good for a while."""
    user = demo.user("wangfang")
    with serving(demo.data, "--workers", "1") as server:
        words = ("try", "oppmg", "--base-url", server.base_url, "--user", "wangfang", "--secrets-stdin")
        ran = lingpai(*words, *form, typed=f"{user['password']}\n")

    assert ran.code == 0, ran.err
    assert "refresh_token" in ran.out
    assert "eyJ…" in ran.out
    assert not re.search(r"eyJ[\w-]{9}", ran.out)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--user", "x"], "go with --base-url"),
        (["--base-url", "nowhere"], "must look like https://"),
        (["--base-url", "http://mei:hunter2@127.0.0.1:1", "--user", "x"], "must not hold a name and a password"),
        (["--base-url", "http://127.0.0.1:1"], "--user"),
        (["--base-url", "http://127.0.0.1:1", "--user", "x"], "--client"),
        (["--base-url", "http://127.0.0.1:1", "--user", "x", "--client", "1"], "--secrets-stdin"),
        (["--base-url", "http://127.0.0.1:1", "--user", "x", "--client", "1", "--secrets-stdin"], "does not answer"),
    ],
    ids=" ".join,
)
def test_a_mistake_about_somebodys_server_is_one_line(lingpai, words, told):
    assert lingpai("try", "twokeys", *words, typed="a\nb\n").is_refused(told)


def test_a_secret_is_masked_however_it_was_written():
    secret = 'pass word/with+é"quote'
    for spelt in (secret, "pass%20word%2Fwith%2B%C3%A9%22quote", "pass+word%2Fwith%2B%C3%A9%22quote"):
        assert masked(f"a={spelt}&b", (secret,)) == "a=pas…&b"
    assert masked(json.dumps(secret, ensure_ascii=False), (secret,)) == '"pas…"'
    assert masked("pin=1234", ("1234", "")) == "pin=…"


def test_the_steps_of_a_tour_are_walked_where_they_belong():
    for contract in FIVE:
        tour = tour_of(contract)
        assert tour
        steps = tour.steps
        assert any(isinstance(step, End) and step.where == "here" for step in steps)
        assert [step for step in steps if isinstance(step, Ask) and step.where == "there"]
        assert isinstance(steps[-1], Ask)
        assert steps[-1].expects
