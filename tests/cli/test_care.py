"""Looking after a house: what the doctor finds, migrations, settings, the clock."""

import json
from contextlib import closing

import pytest

from lingpai.cli.opening import opened
from lingpai.stores.sql.sqlite import sound_driver
from lingpai.vocabulary.clock import system_clock
from tests.cli.running import serving
from tests.cli.speaking import sent

BAD = """\
threads = 1000
[contracts.oppmg]
access_secs = 3
leeway_seconds = "x"
[limits]
sign_in = "abc"
[forward.shop]
contracts = ["nope"]
"""


def at_version(data, version):
    with closing(sound_driver().connect(data / "lingpai.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
        database.commit()


def verdicts(ran):
    return {one["name"]: one["verdict"] for one in json.loads(ran.out)["checks"]}


def test_the_doctor_finds_a_demo_well(demo, lingpai):
    ran = lingpai("doctor", "--data", demo.data, "--json")

    assert ran.code == 0
    assert {"clock", "master key", "keys", "database", "schema", "audit", "proxies"} <= {*verdicts(ran)}
    assert "bad" not in verdicts(ran).values()


def test_the_doctor_names_what_is_bad_and_ends_with_1(demo, lingpai):
    def look(*words, **variables):
        ran = lingpai("doctor", "--data", demo.data, "--json", *words, **variables)
        assert ran.code == 1
        return verdicts(ran)

    assert look("--url", "http://127.0.0.1:1")["public address"] == "bad"
    with opened(demo.data) as house:
        house.stores.moments.reach(system_clock() + 3_600_000)
    assert look()["clock"] == "bad"
    (demo.data / "master.key").chmod(0o644)
    assert look()["master key"] == "bad"
    at_version(demo.data, "9999")
    assert look()["schema"] == "bad"
    (demo.data / "lingpai.toml").write_text("threds = 1")
    assert look()["settings"] == "bad"


def test_the_clock_is_trusted_only_when_somebody_says_so(demo, lingpai):
    assert "nothing to do" in lingpai("clock", "trust", "--data", demo.data).out
    with opened(demo.data) as house:
        house.stores.moments.reach(system_clock() + 3_600_000)

    assert lingpai("clock", "show", "--data", demo.data, "--json").json["behind_seconds"] > 3500
    assert lingpai("clock", "trust", "--data", demo.data).is_refused("say --yes")
    assert lingpai("clock", "trust", "--yes", "--data", demo.data).code == 0
    assert lingpai("clock", "show", "--data", demo.data, "--json").json["behind_seconds"] == 0


def test_the_clock_is_not_trusted_while_a_server_runs_that_would_keep_the_old_time_again(demo, lingpai):
    words = ("clock", "trust", "--yes", "--data", demo.data)
    with opened(demo.data) as house:
        house.stores.moments.reach(system_clock() + 3_600_000)
    with serving(demo.data, "--workers", "1") as server:
        assert sent(server.port, "GET", "/readyz") == (503, {"status": "not ready", "because": ["clock"]})
        assert lingpai(*words).is_refused("workers that run on this data (1)", "stop the server")
    assert "servers can be started" in lingpai(*words).out
    with serving(demo.data, "--workers", "1") as server:
        assert sent(server.port, "GET", "/readyz") == (200, {"status": "ready"})


def test_migrate_says_what_is_to_do_and_changes_nothing_when_it_checks(demo, lingpai):
    assert lingpai("migrate", "--check", "--data", demo.data).code == 0
    assert "nothing to do" in lingpai("migrate", "--data", demo.data).out
    at_version(demo.data, "0001")
    due = lingpai("migrate", "--check", "--data", demo.data)

    assert (due.code, "0001 to 0" in due.out) == (1, True)
    assert lingpai("migrate", "--check", "--data", demo.data).code == 1
    at_version(demo.data, "9999")
    assert lingpai("migrate", "--data", demo.data).is_refused("later version")


def test_every_wrong_setting_is_one_line_with_its_file(lingpai, tmp_path):
    (tmp_path / "bad.toml").write_text(BAD)
    checked = lingpai("config", "check", tmp_path / "bad.toml", "--json")

    assert checked.is_refused("bad.toml", "errors: 5")
    for words in ("threads must be", "access_secs is unknown", "leeway_seconds must be", "sign_in must be", "nope is"):
        assert words in checked.out
    assert checked.out.count("bad.toml: ") == 5


def test_one_wrong_setting_hides_no_other_and_is_told_once(lingpai, tmp_path):
    (tmp_path / "bad.toml").write_text(
        'database = "oracle://x"\ntrusted_proxies = ["proxy"]\n[metrics]\naddresses = ["x"]\n'
        "[contracts.mowork]\ntoken_secs = 3\n[contracts.oppmg]\naccess_seconds = 0\n"
        '[modules.notice]\nwritrs = "users"\n[forward.shop]\ncontracts = ["nope"]\n'
    )
    checked = lingpai("config", "check", tmp_path / "bad.toml", "--json")
    words = [
        "oracle:// is",
        "trusted_proxies",
        "[metrics] addresses",
        "token_secs",
        "access_seconds must",
        "writrs",
        "nope is",
    ]

    assert [sum(word in error for error in json.loads(checked.out)["errors"]) for word in words] == [1] * len(words)
    assert checked.is_refused(f"errors: {len(words)}.")


@pytest.mark.parametrize(
    "origin",
    [
        *("example.com", "https://example.com/", "https://example.com/app", "https://Example.com", "https://*.cn"),
        *("https://example.com:443", "http://example.com:80", "https://me@example.com", "https://", "localhost", ""),
    ],
)
def test_an_origin_that_no_browser_writes_so_is_refused_and_said_how_it_must_look(lingpai, tmp_path, origin):
    (tmp_path / "bad.toml").write_text(f'[contracts.thinkjs]\norigins = ["https://one.cn", "{origin}"]\n')

    checked = lingpai("config", "check", tmp_path / "bad.toml", "--json")

    assert checked.is_refused("errors: 1.")
    (error,) = json.loads(checked.out)["errors"]
    assert "bad.toml: [contracts.thinkjs] origins must be origins in small letters, scheme://host[:port], " in error
    assert "@" in origin or error.endswith(f", not {origin}.")


def test_every_origin_that_a_browser_writes_is_one(lingpai, tmp_path):
    origins = [
        *("https://example.com", "http://example.com:8080", "http://127.0.0.1:3000", "http://[::1]:3000", "null"),
        *("https://xn--fiqs8s.cn", "capacitor://localhost", "chrome-extension://abcdef", "file://", "loopback", "*"),
        *("http://example.com:443", "https://example.com:4430"),
    ]
    (tmp_path / "good.toml").write_text(f"[contracts.thinkjs]\norigins = {json.dumps(origins)}\n")

    assert lingpai("config", "check", tmp_path / "good.toml").code == 0


def test_a_setting_that_is_not_set_is_shown_empty(demo, lingpai):
    shown = lingpai("config", "show", "--data", demo.data).out

    assert "contracts.thinkjs.idle_seconds" in shown
    assert "None" not in shown


def test_a_kind_of_database_that_there_is_none_of_is_named_by_the_doctor_too(demo, lingpai):
    found = lingpai("doctor", "--data", demo.data, "--json", LINGPAI_DATABASE="oracle://there").out

    assert next(one["found"] for one in json.loads(found)["checks"] if one["verdict"] == "bad").startswith(
        "database: oracle:// is unknown. It is a postgresql:// URL"
    )


def test_settings_are_shown_with_who_said_so_and_no_secret(demo, lingpai):
    variables = {"LINGPAI_LIMITS__SHARED": "redis://:hunter2@cache:6379/0", "LINGPAI_THREADS": "9"}
    variables["LINGPAI_CONTRACTS__MOWORK__INVITATION"] = "hunter3"
    shown = lingpai("config", "show", "--data", demo.data, "--json", **variables)
    rows = {one["name"]: one for one in shown.json}

    assert (rows["threads"]["value"], rows["threads"]["source"]) == (9, "LINGPAI_THREADS")
    assert rows["contracts.mowork.registration"]["source"].endswith("lingpai.toml")
    assert rows["contracts.oppmg.access_seconds"] == {
        "name": "contracts.oppmg.access_seconds",
        "value": 1800,
        "source": "default",
    }
    assert rows["contracts.mowork.invitation"]["value"] == "…"
    assert "hunter" not in shown.out


def test_the_option_is_named_that_was_typed(demo, lingpai):
    assert lingpai("serve", "--threads", "1000", "--data", demo.data).is_refused("--threads must be 1 to 256")
