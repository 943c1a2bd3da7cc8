"""What the pages print is what was run: files without a finding, verifiers that verify."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lingpai.principals.keys import Key
from lingpai.principals.services import write_identity
from tests import tools
from tests.forward import wire
from tests.forward.conftest import run_caddy, run_envoy, run_nginx, signed_in
from tests.forward.test_guard import Visit

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
CLAIMS = {"service": "shop", "uid": 1, "name": "王小明", "exp": 4_000_000_000}


def gixy(folder: Path, text: str) -> str:
    (folder / "shop.conf").write_text(text, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("gixy")), "-f", "json", str(folder / "shop.conf")]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=60).stdout


def test_gixy_finds_nothing_in_the_nginx_file(tmp_path):
    page = wire.printed("nginx.md", "nginx")

    assert json.loads(gixy(tmp_path, page)) == []
    assert "host_spoofing" in gixy(tmp_path, page.replace("$host;", "$http_host;"))


PYTHON = "import sys\n{code}\nprint(json.dumps(read_identity(*sys.argv[1:]), ensure_ascii=False))"
NODE = "{code}\nconsole.log(JSON.stringify(readIdentity(...process.argv.slice(1))))"
PHP = "{code}\necho json_encode(read_identity($argv[1], $argv[2]), JSON_UNESCAPED_UNICODE);"


def node() -> str:
    found = shutil.which("node") or str(Path(sys.executable).with_name("node"))
    assert Path(found).exists(), "no Node.js here: run `make tools`"
    return found


@pytest.mark.parametrize("language", ["python", "js", "php"])
def test_the_verifiers_accept_what_is_ours_and_nothing_else(language):
    code = wire.printed("index.md", language)

    def read(text: str, key: bytes = KEY) -> object:
        if language == "php":
            printed = tools.run_php(PHP.format(code=code), text, key.hex())
        else:
            program = {"python": [sys.executable, "-c", PYTHON], "js": [node(), "-e", NODE]}[language]
            command = [*program[:2], program[2].replace("{code}", code), text, key.hex()]
            done = subprocess.run(command, capture_output=True, check=True, timeout=60)
            printed = done.stdout.decode()
        return json.loads(printed)

    right = write_identity(CLAIMS, [Key(2, OTHER), Key(1, KEY)])
    body = right.split(".")[1]
    assert read(right) == read(right, OTHER) == CLAIMS
    for wrong in (
        write_identity(CLAIMS, [Key(2, OTHER)]),
        write_identity({**CLAIMS, "exp": 1}, [Key(1, KEY)]),
        write_identity({**CLAIMS, "service": "other"}, [Key(1, KEY)]),
        right.replace("1.", "2.", 1),
        right.replace(body, body[:-2]),
        f"1.{body}",
        f"1.{body}.",
        "1",
        "",
    ):
        assert read(wrong) is None, wrong


BROKEN = {
    "nginx": (run_nginx, {"underscores_in_headers off": "underscores_in_headers on"}),
    "envoy": (run_envoy, {"DROP_HEADER": "ALLOW", "remote[^a-z0-9]*user": "remote-user"}),
    "caddy": (run_caddy, {"\t\trequest_header -Remote_User\n": ""}),
}


@pytest.mark.parametrize("proxy", BROKEN)
def test_a_file_that_lets_a_header_pass_is_seen_to(proxy, lingpai, echo, tmp_path):
    """The search of `test_proxies` would find it: here the service does get the client's own header."""
    run, changes = BROKEN[proxy]
    call, name = signed_in(lingpai, "oppmg"), wire.mark()

    with run(tmp_path, lingpai.port, lingpai.token, echo.port, **changes) as port:
        heard = wire.ask(port, call.target, *call.lines, "Remote_User: evil", f"{wire.MARK}: {name}")

    assert heard.status == 200
    assert ("remote_user", "evil") in [(key.lower(), value) for key, value in echo.seen[name].headers]


@pytest.mark.parametrize("contract", ["mowork", "twokeys", "zhiyun"])
def test_envoy_passes_on_bodies_where_its_page_says_how(contract, lingpai, echo, tmp_path):
    body = wire.printed("envoy.md", "yaml", 1)
    changes = {"                      http_service:\n": body}
    call, name = signed_in(lingpai, contract, in_body=True), wire.mark()

    with run_envoy(tmp_path, lingpai.port, lingpai.token, echo.port, contract, **changes) as port:
        lines = (*call.lines, f"{wire.MARK}: {name}")
        heard = wire.ask(port, call.target, *lines, method=call.method, body=call.body)
        refused = wire.ask(port, call.target, *call.lines, method=call.method, body=b"{}")

    assert heard.status == 200, heard
    assert echo.seen[name].body == call.body
    assert echo.seen[name].values("x-lingpai-user") == [str(lingpai.people.user.user_id)]
    assert b"echo" not in refused.body


@pytest.mark.parametrize("page", ["guard.md", "guard.zh.md"])
def test_the_guards_page_runs_as_printed(page, lingpai, tmp_path, monkeypatch):
    here, node_ = re.findall(r"```python\n(.*?)```", (wire.DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    lines = signed_in(lingpai, "oppmg").lines
    monkeypatch.setenv("ASKING_TOKEN", lingpai.token)
    (tmp_path / "lingpai-data").symlink_to(lingpai.people.data)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page}

    def heard(target: str) -> Any:
        return json.loads(Visit(names["app"])(target, *lines)[2])

    exec(compile(here, page, "exec"), names)
    names["house"].prepare()
    assert heard("/v1/order/list")["data"] == {"for": lingpai.people.user.name, "company": 1}
    assert heard("/v1/order/all")["code"] == "10009"
    names["house"].shell.close()
    names["house"].stores.close()

    exec(compile(node_.replace("127.0.0.1:8000", f"127.0.0.1:{lingpai.port}"), page, "exec"), names)
    names["office"].start()
    assert heard("/v1/order/list")["data"] == {"for": lingpai.people.user.name, "company": 1}
    names["office"].stop()
