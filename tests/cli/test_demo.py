"""`lingpai demo`: one story, every credential once, all of it or nothing."""

import json
import stat
import subprocess
import time

import pytest

from lingpai.cli import demo as demo_command
from lingpai.cli.passwords import TYPEABLE
from lingpai.cli.printing import Trouble
from lingpai.composition import open_house
from tests.cli.running import LINGPAI, environment, free_port


def test_the_object_is_what_tools_were_promised(demo):
    made = demo.made

    assert list(made) == ["base_url", "admin", "users", "clients", "access_tokens"]
    assert made["base_url"] == "http://127.0.0.1:8000"
    assert set(made["admin"]) == {"username", "password"}
    assert all(list(user) == ["uid", "username", "password", "companies"] for user in made["users"])
    assert all(list(client) == ["client_id", "client_secret", "contracts"] for client in made["clients"])
    assert all(list(token) == ["contract", "uid", "access_token"] for token in made["access_tokens"])


def test_there_are_twenty_users_in_none_one_and_several_of_the_companies(demo):
    users = demo.made["users"]

    assert len(users) >= 20
    assert {len(user["companies"]) for user in users} >= {0, 1, 2}
    assert len({company for user in users for company in user["companies"]}) >= 3
    assert all(user["username"].isascii() and user["username"].isalpha() for user in users)


def test_clients_and_tokens_are_there_for_every_contract_that_has_them(demo):
    assert {name for client in demo.made["clients"] for name in client["contracts"]} == {"twokeys", "zhiyun"}
    assert {token["contract"] for token in demo.made["access_tokens"]} == {"mowork", "twokeys", "zhiyun"}
    assert all(len(c["client_secret"]) == (20 if "twokeys" in c["contracts"] else 16) for c in demo.made["clients"])


def test_one_user_and_one_client_are_disabled_and_one_user_is_the_admin(demo, lingpai):
    users = lingpai("user", "list", "--json", "--data", demo.data).json
    clients = lingpai("client", "list", "--json", "--data", demo.data).json

    assert [user["username"] for user in users if not user["enabled"]] == ["zhouming"]
    assert len([client for client in clients if not client["enabled"]]) == 1
    assert [user["username"] for user in users if user["role"] == "admin"] == [demo.made["admin"]["username"]]


def test_credentials_are_random_long_and_have_no_letters_that_look_alike(demo, lingpai, tmp_path):
    other = lingpai("demo", "--json", "--data", tmp_path / "other").json
    passwords = [[user["password"] for user in made["users"]] for made in (demo.made, other)]
    secrets = [[client["client_secret"] for client in made["clients"]] for made in (demo.made, other)]

    assert len({*passwords[0], *passwords[1], *secrets[0], *secrets[1]}) == 2 * len(passwords[0] + secrets[0])
    for text in passwords[0] + secrets[0]:
        assert len(text) >= 12
        assert set(text) <= {*TYPEABLE, "-"}
    assert not set("0o1liI") & set(TYPEABLE)


def test_a_second_demo_says_how_to_reset_a_password_and_changes_nothing(demo, lingpai):
    before = (demo.data / "lingpai.db").read_bytes()

    assert lingpai("demo", "--data", demo.data).is_refused("already", f"user reset NAME --data {demo.data}")
    assert lingpai("demo", "--json", "--data", demo.data).is_refused("already")
    assert (demo.data / "lingpai.db").read_bytes() == before


def test_data_that_is_no_demo_stays_as_it_is(lingpai, house):
    assert lingpai("demo", "--data", house).is_refused("no demo")
    assert lingpai("serve", "--demo", "--port", free_port(), "--data", house).is_refused("no demo", "--demo")
    assert not (house / "demo").exists()


def test_data_that_came_while_the_demo_was_made_stays_as_it_is(lingpai, tmp_path, monkeypatch):
    """Somebody else's database appears between the first look and the last step."""
    data = tmp_path / "d"
    fill = demo_command._fill

    def slow_fill(house, base_url):
        open_house(data, {}).stores.close()
        return fill(house, base_url)

    monkeypatch.setattr(demo_command, "_fill", slow_fill)
    with pytest.raises(Trouble, match="no demo"):
        demo_command.make_demo(data, "http://127.0.0.1:8000")
    assert not (data / "demo").exists()
    assert not (data / "lingpai.toml").exists()


def test_a_command_that_comes_while_the_demo_is_made_is_not_in_its_way(tmp_path, lingpai):
    command = [*LINGPAI, "demo", "--json", "--data", str(tmp_path / "d")]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as making:
        while not (tmp_path / "d").exists():
            assert making.poll() is None
            time.sleep(0.01)
        words = ("company", "add", "山海科技", "--data", tmp_path / "d")
        early = lingpai(*words)
        made, _ = making.communicate(timeout=60)

    assert early.code == 0 or early.is_refused("no data")
    assert making.returncode == 0
    assert len(json.loads(made)["users"]) >= 20
    assert (tmp_path / "d" / "demo").exists()
    assert lingpai(*words).code == 0


def test_what_is_made_is_the_owners_alone_and_leaves_nothing_beside_it(demo):
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in demo.data.iterdir()}

    assert found == dict.fromkeys(("demo", "lingpai.db", "lingpai.toml", "master.key"), 0o600)
    assert 'registration = "open"' in (demo.data / "lingpai.toml").read_text()


def test_settings_that_are_there_already_are_kept_and_obeyed(lingpai, tmp_path):
    (tmp_path / "lingpai.toml").write_text("[contracts.twokeys]\nenabled = false\n")

    made = lingpai("demo", "--json", "--data", tmp_path).json

    assert (tmp_path / "lingpai.toml").read_text() == "[contracts.twokeys]\nenabled = false\n"
    assert "twokeys" not in {token["contract"] for token in made["access_tokens"]}


def test_a_demo_that_fails_leaves_no_database(lingpai, tmp_path):
    (tmp_path / "lingpai.toml").write_text("[contracts.mowork]\ntoken_secs = 5\n")

    assert lingpai("demo", "--data", tmp_path).is_refused("contracts.mowork", "token_secs")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lingpai.toml", "master.key"]


@pytest.mark.parametrize("published", ["1102084294", "aku8hCyXBd9SqYkT", "770fed4c", "EFEFSFJF9DFJIEH9SFE8FSF8D0SF8"])
def test_no_credential_that_the_documents_print_is_made(demo, published):
    assert published not in json.dumps(demo.made)


def test_people_see_tables_in_their_own_language(lingpai, tmp_path):
    english = lingpai("demo", "--data", tmp_path / "en")
    chinese = lingpai("demo", "--data", tmp_path / "zh", LANG="zh_CN.UTF-8")

    assert "shown this once" in english.out
    assert "A new password" in english.out
    assert "只显示这一次" in chinese.out
    assert "系统管理员" in chinese.out
    assert english.out.count("wangfang") >= 1
    assert "\x1b[" not in english.out
