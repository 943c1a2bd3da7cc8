"""What an operator does from a terminal, and what each mistake is answered with."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from lingpai import __version__, cli
from lingpai.cli.opening import opened
from lingpai.cli.passwords import random_password
from lingpai.cli.printing import without_secrets
from lingpai.composition import open_house
from lingpai.principals.client_secrets import new_secret
from lingpai.principals.passwords.argon2 import verify_password
from lingpai.stores.sql.sqlite import sound_driver
from lingpai.vocabulary.values import Pace
from tests.cli.running import LINGPAI, environment, free_port

PROGRAM = " ".join(LINGPAI)


def stored(data, name):
    house = open_house(data, {})
    try:
        return house.stores.accounts.named(name)
    finally:
        house.stores.close()


def test_help_groups_the_commands_and_version_says_which(lingpai):
    shown = lingpai("--help").out

    assert [shown.index(word) for word in ("Run", "Accounts", "Sessions")] == sorted(
        shown.index(word) for word in ("Run", "Accounts", "Sessions")
    )
    assert all(word in shown for word in ("serve", "demo", "user", "company", "client", "session", "token"))
    assert lingpai("--version").out == f"lingpai {__version__}\n"


def test_help_is_chinese_where_the_terminal_is(lingpai):
    assert "启动服务" in lingpai("--help", LANG="zh_CN.UTF-8").out


def test_a_user_is_added_with_a_password_from_standard_input(lingpai, house):
    lingpai("company", "add", "山海科技", "--data", "d")
    added = lingpai(
        *("user", "add", "Mei", "--truename", "李梅", "--phone", "13900000001", "--phone-verified"),
        *("--company", "山海科技", "--password-stdin", "--data", "d", "--json"),
        typed="correct horse\n",
    ).json
    kept = stored(house, "mei")

    assert added == {"uid": 1, "username": "Mei", "password": None}
    assert verify_password(kept.password, "correct horse")
    assert (kept.truename, kept.phone, kept.phone_verified, kept.company_id) == ("李梅", "13900000001", True, 1)


def test_a_random_password_is_printed_once_and_is_the_users(lingpai, house):
    added = lingpai("user", "add", "mei", "--random-password", "--data", "d", "--json").json

    assert verify_password(stored(house, "mei").password, added["password"])
    assert added["password"] not in lingpai("user", "list", "--data", "d", "--json").out


def test_a_password_is_asked_for_twice_and_never_shown(demo):
    shown = typed_at_a_terminal(["user", "reset", "xujie", "--data", str(demo.data)], ["tiger lily", "tiger lily"])

    assert verify_password(stored(demo.data, "xujie").password, "tiger lily")
    assert "tiger" not in shown


def test_two_different_passwords_change_nothing(demo):
    before = stored(demo.data, "xujie").password
    shown = typed_at_a_terminal(["user", "reset", "xujie", "--data", str(demo.data)], ["tiger lily", "tiger lilly"])

    assert "differ" in shown
    assert stored(demo.data, "xujie").password == before


def test_a_reset_ends_the_users_sessions(demo, lingpai):
    reset = lingpai("user", "reset", "zhangwei", "--random-password", "--data", demo.data, "--json").json
    over = lingpai("session", "list", "--user", "zhangwei", "--all", "--data", demo.data, "--json").json

    assert verify_password(stored(demo.data, "zhangwei").password, reset["password"])
    assert [session["reason"] for session in over] == ["password_changed"] * 2


def test_a_disabled_user_has_no_session_and_can_be_enabled_again(demo, lingpai):
    disabled = lingpai("user", "disable", "zhangwei", "--data", demo.data, "--json").json

    assert disabled["ended"] == {"mowork": 2}
    assert not stored(demo.data, "zhangwei").enabled
    assert lingpai("token", "mint", "--user", "zhangwei", "--data", demo.data).is_refused("zhangwei is disabled")
    assert lingpai("user", "enable", "zhangwei", "--data", demo.data).code == 0
    assert stored(demo.data, "zhangwei").enabled


def test_addresses_are_changed_and_proved(demo, lingpai):
    change = ("user", "change", "xujie", "--data", demo.data)

    assert lingpai(*change, "--email", "Xu@Example.com", "--email-verified").out == (
        "xujie: phone 13900000013 (proved), e-mail xu@example.com (proved).\n"
    )
    assert lingpai(*change, "--email", "", "--phone", "+852 5123 4567", "--json").json == {
        "uid": 13,
        "username": "xujie",
        "phone": "+85251234567",
        "phone_verified": False,
        "email": "",
        "email_verified": False,
    }
    lingpai(*change, "--phone", "13900000013", "--phone-verified")


def test_a_user_who_has_to_wait_is_shown_and_let_in_again(demo, lingpai):
    with opened(demo.data) as house:
        house.prepare()
        digest = house.trials.digest("13900000013")
        with house.stores.tries.counting() as book:
            for network in ("192.0.2.7", ""):
                book.claim(digest, network, house.clock(), Pace((900_000,), 900_000))
    show = ("user", "show", "xujie", "--data", demo.data)

    assert "192.0.2.7" in lingpai(*show).out
    shown = lingpai(*show, "--json").json
    assert (shown["uid"], shown["phone_verified"]) == (13, True)
    assert [(one["name"], one["network"], one["failures"], one["known"]) for one in shown["tries"]] == [
        ("13900000013", "", 1, False),
        ("13900000013", "192.0.2.7", 1, False),
    ]
    assert all(800 < one["wait_seconds"] <= 900 for one in shown["tries"])
    assert lingpai("user", "unblock", "xujie", "--data", demo.data, "--json").json["forgotten"] == 2
    assert lingpai(*show, "--json").json["tries"] == []


def test_users_are_listed_a_page_at_a_time(demo, lingpai):
    first = lingpai("user", "list", "--limit", "2", "--data", demo.data)

    assert "--after 2" in first.out
    assert "xujie" not in first.out
    assert lingpai("user", "list", "--after", "12", "--limit", "1", "--data", demo.data, "--json").json == [
        {
            "uid": 13,
            "username": "xujie",
            "truename": "徐杰",
            "phone": "13900000013",
            "phone_verified": True,
            "email": "",
            "email_verified": False,
            "companies": [],
            "admin_of": [],
            "role": "",
            "enabled": True,
        }
    ]


def test_companies_are_added_listed_joined_and_left(demo, lingpai):
    added = lingpai("company", "add", "江南园林", "--city", "杭州市", "--data", demo.data, "--json").json
    lingpai("company", "join", "xujie", "江南园林", "--admin", "--data", demo.data)
    joined = lingpai("user", "list", "--after", "12", "--limit", "1", "--data", demo.data, "--json").json[0]

    assert added["company_id"] in joined["companies"]
    assert joined["admin_of"] == [added["company_id"]]
    assert "江南园林" in lingpai("company", "list", "--data", demo.data).out
    assert lingpai("company", "leave", "xujie", str(added["company_id"]), "--data", demo.data).code == 0
    assert lingpai("company", "leave", "xujie", "江南园林", "--data", demo.data).is_refused("no member")


@pytest.mark.parametrize(
    "words",
    [
        ["user", "reset", "xujie", "correct-horse"],
        ["user", "reset", "xujie", "--password=correct-horse"],
        ["--password=correct-horse", "user", "list"],
        ["user", "list", "--limit=correct-horse-77"],
        ["user", "list", "--correct-horse-77"],
        ["session", "show", "correct-horse-77"],
        ["session", "show", "correct-horse\n\t77"],
        ["session", "show", "correct-horse--  77 "],
        ["correct-horse-77"],
        ["doctor", "--url", "https://mei:correct-horse@accounts.example.com"],
    ],
    ids=" ".join,
)
def test_a_secret_that_was_typed_where_none_belongs_is_not_repeated(demo, lingpai, words):
    ran = lingpai(*words, "--data", demo.data)

    assert ran.is_refused()
    assert "correct-horse" not in ran.err


@pytest.mark.parametrize("contract", ["twokeys", "zhiyun"])
def test_a_clients_secret_of_whatever_letters_is_not_repeated(contract):
    for first in range(1, 1001):
        secret = new_secret(frozenset({contract}), Random(first).randbytes).reveal()
        assert secret not in without_secrets(f"there is no {secret}: see", ["show", secret])


def test_a_password_that_was_made_here_is_not_repeated():
    password = random_password().reveal()

    assert password not in without_secrets(f"there is no user {password}", ["user", "show", password])


@pytest.mark.parametrize(
    "word",
    [
        *("Front desk of the garden", "gardeners-of-Suzhou", "GARDENERSOFSUZHOU"),
        *("xujie", "user:12", "9" * 30, "1102084294", "mowork:pc", "和园桌面助手", "many", "gardener-of-roses"),
        *("2030-01-31T18:00", "lingpai.toml", "conf/production-2.toml", "./data-2026/x", "/srv/lingpai/data1", ".."),
        *("mei2026@example.com", "accounts2.example.com", "https://accounts2.example.com/a"),
    ],
)
def test_what_is_no_secret_is_repeated(word):
    folder = "data-of-30-November-2026"
    assert without_secrets(f"no data in {folder}", ["--data", folder]) == f"no data in {folder}"
    assert without_secrets(f"there is no {word}: see", ["show", word]) == f"there is no {word}: see"


@pytest.mark.usefixtures("house")
def test_a_client_is_added_with_a_secret_shown_once_and_can_be_disabled(lingpai):
    added = lingpai("client", "add", "手机端", "--contract", "twokeys", "--data", "d", "--json").json
    words = ("client", "list", "--json", "--data", "d")

    assert len(added["client_id"]) == 10
    assert len(added["client_secret"]) == 20
    assert [client["enabled"] for client in lingpai(*words).json] == [True]
    assert added["client_secret"] not in lingpai(*words).out
    assert lingpai("client", "disable", added["client_id"], "--data", "d").code == 0
    assert [client["enabled"] for client in lingpai(*words).json] == [False]
    assert lingpai("client", "enable", added["client_id"], "--data", "d").code == 0
    assert [client["enabled"] for client in lingpai(*words).json] == [True]


def test_sessions_are_listed_and_ended_with_how_many_and_where(demo, lingpai):
    words = ("session", "list", "--user", "zhangwei", "--data", demo.data)

    assert [one["client_type"] for one in lingpai(*words, "--json").json] == ["ios", "pc"]
    assert "mowork:ios" in lingpai(*words).out
    ended = lingpai("session", "end", "--user", "zhangwei", "--data", demo.data)
    assert ended.out == "Ended 2 sessions of zhangwei: mowork 2.\n"
    assert lingpai(*words, "--json").json == []
    again = lingpai("session", "end", "--user", "zhangwei", "--data", demo.data, "--json").json
    assert again == {"username": "zhangwei", "ended": 0, "contracts": {}}


def test_a_minted_token_is_a_session_of_its_client(demo, lingpai):
    partner = demo.made["clients"][2]["client_id"]
    words = ("token", "mint", "--user", "gaofei", "--data", demo.data, "--json")

    assert lingpai(*words).json["client_id"] == demo.client("zhiyun")["client_id"]
    assert lingpai(*words, "--client", partner).json["client_id"] == partner
    assert lingpai(*words, "--contract", "mowork", "--client", "mowork:pc").json["contract"] == "mowork"
    assert len(lingpai("session", "list", "--user", "gaofei", "--data", demo.data, "--json").json) == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["user", "add", "xujie", "--random-password"], ["the name xujie is taken"]),
        (
            ["user", "add", "neu", "--random-password", "--phone", "13900000013", "--phone-verified"],
            ["the name neu, or the phone number 13900000013, is taken"],
        ),
        (
            [
                *("user", "add", "neu", "--random-password", "--phone", "13900000013", "--phone-verified"),
                *("--email", "neu@example.com", "--email-verified"),
            ],
            ["neu, or the phone number 13900000013, or the address neu@example.com, is taken"],
        ),
        (["user", "add", "neu" * 30, "--random-password"], ["username must have at most 64 characters"]),
        (["user", "add", "neu", "--random-password", "--email-verified"], ["--email-verified asks for --email"]),
        (["user", "change", "xujie", "--phone", "", "--phone-verified"], ["--phone-verified asks for --phone"]),
        (["user", "change", "xujie", "--email-verified"], ["--email-verified asks for --email"]),
        (["user", "list", "more", "and", "more"], ["user list: too many arguments, by 3: see --help."]),
        (["--quiet", "user", "list"], ["--quiet stands behind the command"]),
        (["audit", "verify", "--head", "/nope"], ["lingpai: /nope: No such file"]),
        (["user", "add", "", "--random-password"], ["name must not be empty"]),
        (["user", "add", "a b", "--random-password"], ["username", "blanks"]),
        (["user", "add", "neu", "--random-password", "--company", "9"], ["no company 9", "company list"]),
        (["user", "add", "neu"], ["--password-stdin", "--random-password"]),
        (["user", "add", "neu", "--password-stdin"], ["must not be empty"]),
        (["user", "add", "neu", "--password-stdin", "--random-password"], ["exclude"]),
        (["user", "add", "xuj1e", "--random-password"], ["the name xuj1e is taken", "looks like"]),
        (["user", "change", "nobody", "--phone", ""], ["no user nobody"]),
        (["user", "show", "nobody"], ["no user nobody"]),
        (["user", "unblock", "nobody"], ["no user nobody"]),
        (["user", "change", "xujie", "--phone", "1"], ["phone is no phone number"]),
        (["user", "change", "xujie", "--phone", "13900000012", "--phone-verified"], ["another user signs in with"]),
        (["user", "add"], ["NAME"]),
        (["user", "ad"], ["ad", "add"]),
        (["user", "reset", "nobody", "--random-password"], ["no user nobody", f"`{PROGRAM} user list --data"]),
        (["user", "disable", "nobody"], ["no user nobody"]),
        (["user", "enable", "nobody"], ["no user nobody"]),
        (["user", "list", "--limit", "many"], ["--limit", "many"]),
        (["user", "list", "--lmit", "3"], ["--lmit"]),
        (["company", "add", " "], ["empty"]),
        (["company", "join", "xujie", "nowhere"], ["no company nowhere"]),
        (["company", "join", "nobody", "1"], ["no user nobody"]),
        (["client", "add", "x"], ["--contract"]),
        (["client", "add", "x", "--contract", "nope"], ["no contract nope", "zhiyun"]),
        (["client", "add", "x", "--contract", "mowork"], ["mowork", "twokeys"]),
        (["client", "disable", "7"], ["no client 7", "client list"]),
        (["client", "enable", "7"], ["no client 7"]),
        (["session", "list", "--user", "nobody"], ["no user nobody"]),
        (["session", "end", "--user", "nobody"], ["no user nobody"]),
        (["session", "end"], ["name one session by its id, or all of a user with --user"]),
        (["session", "end", "x", "--user", "xujie"], ["name one session"]),
        (["session", "end", "nothing"], ["no session nothing", "session list"]),
        (["session", "show", "nothing"], ["no session nothing"]),
        (["session", "show", "-IEYHSTPBJGshbRyvACwhQ"], ["no session -IE"]),
        (["session", "end", "-IEYHSTPBJGshbRyvACwhQ"], ["no session -IE"]),
        (["session", "end", "--IYHSTPBJGshbRyvACwhQ"], ["no session --IY"]),
        (["session", "list", "--contract", "nope"], ["no contract nope"]),
        (["session", "list", "--client", "nope"], ["no client nope"]),
        (["user", "show", "xujei"], ["no user xujei", "Did you mean xujie?"]),
        (["user", "show", "user:99"], ["no user user:99"]),
        (["user", "show", "9" * 30], ["no user 999"]),
        (["company", "show", "和园商业管理"], ["no company", "Did you mean 和园商业管理有限公司?"]),
        (["client", "show", "和园桌面助"], ["no client", "Did you mean 和园桌面助手?"]),
        (["token", "mint", "--user", "nobody"], ["no user nobody"]),
        (["token", "mint", "--user", "xujie", "--contract", "nope"], ["no contract nope"]),
        (["token", "mint", "--user", "wangfang", "--contract", "oppmg"], ["oppmg", "sign-in"]),
        (["token", "mint", "--user", "xujie", "--client", "7"], ["no client 7", "(和园桌面助手)"]),
        (["token", "mint", "--user", "xujie", "--contract", "mowork"], ["--client", "mowork:pc"]),
        (["token", "mint", "--user", "zhouming"], ["zhouming is disabled", f"{PROGRAM} user enable zhouming --data"]),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line_that_says_what_to_do(demo, lingpai, words, told):
    assert lingpai(*words, "--data", demo.data).is_refused(*told)


def test_a_mistyped_folder_does_not_become_an_empty_house(lingpai, tmp_path):
    assert lingpai("user", "list", "--data", "lingpai-dta").is_refused("no data in lingpai-dta")
    assert not (tmp_path / "lingpai-dta").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["user", "add", "mei", "--random-password"],
        ["user", "add", "mei"],
        ["company", "add", "山海科技"],
        ["client", "add", "手机端", "--contract", "twokeys"],
        ["client", "add", "手机端", "--contract", "nope"],
    ],
    ids=" ".join,
)
def test_what_comes_before_the_data_says_what_makes_it_and_leaves_nothing_in_its_way(lingpai, tmp_path, words):
    assert lingpai(*words).is_refused(
        "no data in lingpai-data", f"`{PROGRAM} serve` for an empty house", f"`{PROGRAM} demo` for a demo"
    )
    assert not list(tmp_path.iterdir())


def test_a_database_in_a_folder_that_there_is_none_of_is_named_and_nothing_is_made(lingpai, tmp_path):
    typo = tmp_path / "typo" / "dir" / "x.db"
    refused = lingpai("serve", "--data", "d", "--port", free_port(), LINGPAI_DATABASE=str(typo))

    assert refused.is_refused("LINGPAI_DATABASE: database: there is no folder", str(typo.parent))
    assert not list(tmp_path.iterdir())


def test_what_to_type_begins_as_it_was_typed(demo, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "lingpai").write_text(f"#!{sys.executable}\nfrom lingpai.cli import main\nmain()\n")
    (tmp_path / "bin" / "lingpai").chmod(0o755)

    def told(program, **variables):
        ran = [program, "user", "reset", "nobody", "--random-password", "--data", "demo"]
        return subprocess.run(
            ran, cwd=tmp_path, env=environment(variables), capture_output=True, text=True, check=False
        ).stderr

    assert "`bin/lingpai user list --data demo`" in told("bin/lingpai")
    assert "`lingpai user list --data demo`" in told("lingpai", PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")


@pytest.mark.parametrize("kind", ["user", "company", "client", "session", "token"])
def test_the_commands_of_a_group_are_called_so(lingpai, kind):
    assert "─ Commands ─" in lingpai(kind, "--help").out
    assert "─ 命令 ─" in lingpai(kind, "--help", LANG="zh_CN.UTF-8").out


def test_the_list_of_clients_says_which_are_desktop_programs(demo, lingpai):
    listed = lingpai("client", "list", "--data", demo.data, "--json").json

    assert [one["name"] for one in listed if one["desktop"]] == ["和园桌面助手"]
    assert "desktop" in lingpai("client", "list", "--data", demo.data).out.splitlines()[0]


def test_a_value_that_is_missing_is_said_to_be_missing_in_the_readers_language(lingpai):
    assert lingpai("session", "list", "--user").is_refused("session list: --user is missing its value.")
    assert lingpai("token", "mint", LANG="zh_CN.UTF-8").is_refused("缺少 --user")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["usr"], "没有命令 usr。是不是 user？有：serve, demo, "),
        (["--quiet", "user"], "选项 --quiet 要写在命令后面"),
        (["user", "list", "--limti", "3"], "没有选项 --limti。是不是 --limit？"),
        (["user", "list", "--nothing"], "没有选项 --nothing。\n"),
        (["user", "list", "more"], "user list：多了 1 个参数，见 --help。"),
        (["user", "list", "--limit", "many"], "--limit 的值 many 不对。应为整数。"),
        (["user", "list", "--limit", "0"], "--limit 的值 0 不对。至少为 1。\n"),
        (["audit", "export", "--format", "xml"], "--format 的值 xml 不对。可选：jsonl, csv。"),
        (["audit", "show", "many"], "NUMBER 的值 many 不对。应为整数。"),
    ],
    ids=" ".join,
)
def test_what_was_typed_wrongly_is_said_in_chinese_where_the_terminal_is(lingpai, words, told):
    ran = lingpai(*words, LANG="zh_CN.UTF-8")

    assert ran.is_refused()
    assert told in ran.err


def test_a_list_of_sessions_fits_a_terminal_of_80_columns_and_tells_more_in_a_wider_one(demo, monkeypatch):
    def listed(columns):
        monkeypatch.setenv("COLUMNS", columns)
        shown = typed_at_a_terminal(["session", "list", "--contract", "mowork", "--data", str(demo.data)], [])
        return re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()

    for line in listed("80")[2:]:
        assert re.fullmatch(r"\S{22}  \w+ +mowork +mowork:\w+ +(\d\d-\d\d \d\d:\d\d *){2}", line), line
    for line in listed("120")[2:]:
        assert re.fullmatch(r"\S{22}  \w+ +mowork +mowork:\w+ +(\d{4}-\d\d-\d\d \d\d:\d\d *){3}", line), line


def test_chinese_sentences_have_chinese_marks_and_one_word_for_a_contract():
    texts = {path.name: path.read_text(encoding="utf-8") for path in Path(cli.__file__).parent.glob("*.py")}

    assert [
        name for name, text in texts.items() if re.search("[\u4e00-\u9fff][,:;](?! )|[,:;][\u4e00-\u9fff]", text)
    ] == []
    assert [name for name, text in texts.items() if "契约" in text] == []


def test_a_master_key_that_others_can_read_is_named(demo, lingpai):
    (demo.data / "master.key").chmod(0o644)

    assert lingpai("user", "list", "--data", demo.data).is_refused("master.key", "chmod 600")


def test_a_database_of_a_later_version_and_one_that_is_none_are_named(demo, lingpai):
    with closing(sound_driver().connect(demo.data / "lingpai.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    assert lingpai("user", "list", "--data", demo.data).is_refused("lingpai.db", "9999")

    (demo.data / "lingpai.db").write_bytes(b"this is no database" * 100)
    words = ("user", "list", "--data", demo.data)
    assert lingpai(*words).is_refused(
        "lingpai.db is no SQLite database, or is damaged", "not a database", "put its backup in its place"
    )
    assert lingpai(*words, LANG="zh_CN.UTF-8").is_refused("lingpai.db 不是 SQLite 数据库，或已损坏", "备份")


def test_a_database_whose_pages_are_damaged_is_named(demo, lingpai):
    with closing(sound_driver().connect(demo.data / "lingpai.db")) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'users'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with (demo.data / "lingpai.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)

    assert lingpai("user", "list", "--data", demo.data).is_refused("lingpai.db is no SQLite database, or is damaged")


def test_a_reader_that_has_seen_enough_is_no_error(demo):
    command = " ".join([*LINGPAI, "user", "list", "--data", str(demo.data)])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} | true"], env=environment(), capture_output=True, text=True, check=False
    )

    assert done.stderr == ""


def typed_at_a_terminal(words, answers):
    """Run a command at a terminal, type *answers* when it asks, and return all that was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(LINGPAI[0], [*LINGPAI, *words], environment())
    shown, answers = b"", list(answers)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if piece.endswith(b": ") and answers:
            os.write(terminal, answers.pop(0).encode() + b"\n")
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode()


UGLY = "[/]\x1b[2J:smile:[red]x[/red]"
"""What somebody may write over the wire: markup that closes nothing, what clears a terminal, an emoji's name."""


@pytest.mark.usefixtures("house")
def test_what_people_wrote_is_shown_as_it_is_and_draws_on_no_terminal(lingpai):
    name = "[/]:smile:[red]x"
    added = lingpai("user", "add", name, "--truename", UGLY, "--random-password", "--data", "d")
    users = lingpai("user", "list", "--data", "d")
    company = lingpai("company", "add", UGLY, "--data", "d")
    client = lingpai("client", "add", UGLY, "--contract", "zhiyun", "--data", "d")
    clients = lingpai("client", "list", "--data", "d")

    for shown in (added, users, company, client, clients):
        assert shown.code == 0, shown.err
        assert "\x1b" not in shown.out
    assert name in added.out
    assert "Password, shown this once" in added.out
    assert all(UGLY.replace("\x1b", "\N{REPLACEMENT CHARACTER}") in shown.out for shown in (users, company, clients))


@pytest.mark.parametrize(
    ("typed", "words"), [(b"\xff\xfe\n", "UTF-8"), (b"x" * 257 + b"\n", "256"), (b"\n", "empty")], ids=repr
)
def test_a_password_that_nobody_could_sign_in_with_is_refused(house, typed, words):
    command = [*LINGPAI, "user", "add", "mei", "--password-stdin", "--data", str(house)]
    ran = subprocess.run(command, input=typed, capture_output=True, env=environment(), check=False)

    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(b"lingpai: ")
    assert words in ran.stderr.decode()
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize("kind", ["user", "company", "client"])
def test_a_list_of_less_than_one_row_is_refused(lingpai, kind):
    assert lingpai(kind, "list", "--limit", "-1", "--data", "d").is_refused("--limit")


def test_a_client_that_may_have_no_session_is_refused(lingpai):
    refused = lingpai("client", "add", "x", "--contract", "zhiyun", "--most-sessions", "0", "--data", "d")

    assert refused.is_refused("--most-sessions")


def test_a_user_is_shown_with_companies_sessions_and_sign_ins(demo, lingpai):
    shown = lingpai("user", "show", "zhangwei", "--data", demo.data).out
    told = lingpai("user", "show", "4", "--data", demo.data, "--json").json

    assert "和园物业服务(杭州)有限公司 (2)" in shown
    assert "13900000004 (proved)" in shown
    assert "mowork 2" in shown
    assert told["username"] == "zhangwei"
    assert told["sessions"]["live"] == {"mowork": 2}
    assert [one["client_type"] for one in told["sessions"]["latest"]] == ["ios", "pc"]
    assert lingpai("user", "show", "user:4", "--data", demo.data, "--json").json["username"] == "zhangwei"


def test_who_is_called_as_another_is_numbered_is_taken_for_neither(demo, lingpai):
    lingpai("user", "add", "4", "--random-password", "--data", demo.data)
    ambiguous = lingpai("user", "disable", "4", "--data", demo.data)
    new = lingpai("user", "show", "user:22", "--data", demo.data, "--json").json

    assert ambiguous.is_refused("4 is the name of user 22 and the id of zhangwei", "user:22 or user:4")
    assert (new["username"], new["enabled"]) == ("4", True)
    assert stored(demo.data, "zhangwei").enabled


def test_users_are_listed_by_company_state_and_role(demo, lingpai):
    def names(*words):
        return [one["username"] for one in lingpai("user", "list", *words, "--data", demo.data, "--json").json]

    assert names("--company", "4") == ["hexiaomei", "gaofei"]
    assert names("--state", "disabled") == ["zhouming"]
    assert names("--role", "admin") == ["admin"]
    page = lingpai("user", "list", "--company", "2", "--limit", "1", "--data", demo.data).out
    assert "user list --after 2 --company 2" in page
    assert "wangfang" not in str(names("--company", "2", "--after", "2"))


def test_a_company_is_shown_with_a_page_of_its_members(demo, lingpai):
    whole = lingpai("company", "show", "临安拾光家政服务部", "--data", demo.data, "--json").json
    page = lingpai("company", "show", "company:2", "--limit", "2", "--data", demo.data).out

    assert [(one["username"], one["is_admin"]) for one in whole["members"]] == [("hexiaomei", True), ("gaofei", False)]
    assert (whole["tax_number"], whole["more"]) == ("92330112MA00SG0004", False)
    assert "company show 2 --after 3" in page
    assert "zhangwei" not in page


def test_a_client_is_shown_by_its_name_and_never_its_secret(demo, lingpai):
    client = demo.client("zhiyun")
    shown = lingpai("client", "show", "和园桌面助手", "--data", demo.data)
    told = lingpai("client", "show", client["client_id"], "--data", demo.data, "--json").json

    assert client["client_id"] in shown.out
    assert client["client_secret"] not in shown.out + str(told)
    assert (told["desktop"], told["live_sessions"], told["secrets"]) == (True, 3, [{"ends": None}])
    assert [
        one["name"] for one in lingpai("client", "list", "--state", "disabled", "--data", demo.data, "--json").json
    ] == ["旧版业主App"]
    assert lingpai("client", "disable", "和园桌面助手", "--data", demo.data).code == 0
    assert not lingpai("client", "show", "和园桌面助手", "--data", demo.data, "--json").json["enabled"]


def test_sessions_are_listed_over_all_users_and_each_is_shown_and_ended(demo, lingpai):
    everyone = lingpai("session", "list", "--data", demo.data, "--json").json
    over_zhiyun = lingpai("session", "list", "--contract", "zhiyun", "--data", demo.data, "--json").json
    one = next(session for session in over_zhiyun if session["username"] == "gaofei")
    shown = lingpai("session", "show", one["id"], "--data", demo.data)
    ended = lingpai("session", "end", one["id"], "--data", demo.data, "--json").json
    again = lingpai("session", "end", one["id"], "--data", demo.data)
    after = lingpai("session", "show", f"session:{one['id']}", "--data", demo.data, "--json").json

    assert len(everyone) == 8
    assert everyone == sorted(everyone, key=lambda each: (each["began"], each["id"]), reverse=True)
    assert {each["username"] for each in over_zhiyun} == {"hexiaomei", "gaofei", "wangfang"}
    assert all(words in shown.out for words in ("gaofei (12)", "和园桌面助手", "idle until", "at the latest", "live"))
    assert ended == {"username": "gaofei", "ended": 1, "contracts": {"zhiyun": 1}}
    assert "over already" in again.out
    assert (after["reason"], after["live"]) == ("kicked_out", False)
    assert len(lingpai("session", "list", "--limit", "3", "--data", demo.data, "--json").json) == 3
    assert "an operator ended it" in lingpai("session", "list", "--user", "gaofei", "--all", "--data", demo.data).out
