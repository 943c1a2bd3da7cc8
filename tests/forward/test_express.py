"""The example of an Express service behind nginx: run as it lies there, with the files of its own folder."""

import json
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from lingpai.principals.keys import Key
from lingpai.principals.services import request_digest, write_identity
from tests import tools
from tests.forward import wire
from tests.forward.conftest import signed_in
from tests.forward.test_pages import gixy, node

EXPRESS = wire.DOCS.parent / "examples" / "express"
HELLO = "/v1/hello?from=%E6%B5%8B%E8%AF%95"


def started(command, port, folder, **variables):
    folder.mkdir()
    return wire.started(command, port, folder, **variables)


@pytest.fixture(scope="module")
def ports(lingpai, tmp_path_factory):
    """Return the ports of nginx and of the service behind it."""
    folder = tmp_path_factory.mktemp("express")
    front, behind = wire.free_port(), wire.free_port()
    changes = {
        "127.0.0.1:8000": f"127.0.0.1:{lingpai.port}",
        "127.0.0.1:9000": f"127.0.0.1:{behind}",
        "127.0.0.1:8080": f"127.0.0.1:{front}",
        "ASKING_TOKEN": lingpai.token,
    }
    text = (EXPRESS / "nginx.conf").read_text(encoding="utf-8")
    (folder / "nginx.conf").write_text(wire.replaced(text, changes).replace("daemon off;", "daemon off; user root;"))
    service = {"PORT": str(behind), "IDENTITY_KEY": lingpai.key.hex(), "NODE_PATH": str(tools.NODE_MODULES)}
    nginx = [str(tools.nginx()), "-p", f"{folder}/nginx/", "-c", str(folder / "nginx.conf")]
    with (
        started([node(), str(EXPRESS / "server.js")], behind, folder / "express", **service),
        started(nginx, front, folder / "nginx"),
    ):
        yield front, behind


def test_who_is_signed_in_is_greeted_by_name(ports, lingpai):
    user = lingpai.people.user

    heard = wire.ask(ports[0], HELLO, *signed_in(lingpai, "oppmg").lines)

    assert heard.status == 200
    told = json.loads(heard.body)
    assert told["data"] == {"greeting": f"你好，{user.name}", "uid": user.user_id, "company": 1}


def test_who_is_not_hears_the_contracts_refusal(ports):
    heard = wire.ask(ports[0], HELLO)

    told = json.loads(heard.body)
    assert (heard.status, told["code"]) == (200, "10024")
    assert b"greeting" not in heard.body


def test_a_header_that_the_client_made_up_is_ignored(ports, lingpai):
    forged = "X-Lingpai-Identity: 1.eyJuYW1lIjoiYWRtaW4ifQ.AAAA"

    assert json.loads(wire.ask(ports[0], HELLO, forged, "Remote-User: admin").body)["code"] == "10024"
    heard = wire.ask(ports[0], HELLO, forged, "X-Lingpai-User: 1", *signed_in(lingpai, "oppmg").lines)
    assert json.loads(heard.body)["data"]["uid"] == lingpai.people.user.user_id


def test_past_the_proxy_nobody_is_anybody(ports, lingpai):
    right = {"service": "shop", "uid": 1, "name": "王芳", "company": 1, "exp": 4_000_000_000}
    right["request"] = request_digest("GET", HELLO)

    def status(claims, key=lingpai.key):
        identity = write_identity(claims, [Key(1, key)])
        return wire.ask(ports[1], HELLO, f"X-Lingpai-Identity: {identity}").status

    assert wire.ask(ports[1], HELLO).status == 401
    assert status(right) == 200
    assert status(right, bytes(32)) == 401
    for wrong in ({"service": "office"}, {"exp": 1}, {"request": request_digest("POST", HELLO)}):
        assert status({**right, **wrong}) == 401, wrong


@pytest.mark.parametrize("page", ["express.md", "express.zh.md"])
def test_the_calls_that_the_page_prints_are_answered_as_it_says(page, ports, lingpai):
    text = (wire.DOCS / "forward-auth" / page).read_text(encoding="utf-8")
    calls = [dedent(block) for block in re.findall(r" +```sh\n(.*?)```", text, re.DOTALL)][-4:]
    user = lingpai.people.user
    here = {
        "127.0.0.1:8000": f"127.0.0.1:{lingpai.port}",
        "127.0.0.1:8080": f"127.0.0.1:{ports[0]}",
        "wangfang": user.name,
        "your-password": user.password,
        ".venv/bin/lingpai session end": f"{sys.executable} -m lingpai.cli session end --data {lingpai.people.data}",
        "curl ": "curl -s ",
    }
    script = "\necho; echo ----\n".join(calls)
    for printed, ours in here.items():
        assert printed in script
        script = script.replace(printed, ours)
    done = subprocess.run(["/bin/sh", "-ec", script], capture_output=True, text=True, timeout=60, check=True)

    told = done.stdout.split("----")
    assert '"code":"10024"' in told[0]
    assert f'"greeting":"你好，{user.name}"' in told[1]
    assert '"code":"10024"' in told[2]
    assert '"reason":"kicked_out"' in told[3]


def test_the_example_is_made_of_what_the_pages_print(tmp_path):
    server = (EXPRESS / "server.js").read_text(encoding="utf-8")
    printed = wire.printed("index.md", "js")
    assert printed[printed.index("function readIdentity") :] in server

    text = (EXPRESS / "nginx.conf").read_text(encoding="utf-8")
    inner = re.sub("^    ", "", text[text.index("    upstream lingpai") : text.rindex("}")], flags=re.MULTILINE)
    changed = {"listen 127.0.0.1:8080;": "listen 80;", "server_name localhost;": "server_name shop.example.com;"}
    assert wire.replaced(inner, changed) == wire.printed("nginx.md", "nginx", 0)
    assert json.loads(gixy(tmp_path, inner)) == []
    whole = [str(Path(sys.executable).with_name("gixy")), "-f", "json", str(EXPRESS / "nginx.conf")]
    assert json.loads(subprocess.run(whole, capture_output=True, text=True, check=False).stdout) == []
