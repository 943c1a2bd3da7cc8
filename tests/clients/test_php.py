"""A PHP program that was written from twokeys's document alone gets what the document promises."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests import tools

PROGRAM = Path(__file__).parent / "twokeys.php"

# PyPI's PHP has no curl; Debian's has (php-curl), and CI sees to it. Without it, `multipart` sends what curl would.
TRANSPORTS = ("file_get_contents", "multipart") + (
    ("curl with an array", "curl with http_build_query") if tools.php_has_curl() else ()
)


@pytest.fixture(params=TRANSPORTS)
def heard(server, request):
    transport = request.param
    arguments = [f"{server.base_url}/twokeys", server.twokeys.id, server.twokeys.secret]
    arguments += [server.user.name, server.user.password, transport]
    command = [str(tools.php()), "-d", "display_errors=stderr", str(PROGRAM), *arguments]
    environment = {**os.environ, "no_proxy": "127.0.0.1"}
    ran = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60, env=environment)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return json.loads(ran.stdout)


def test_a_php_client_signs_in_calls_and_signs_out(server, heard):
    done = {"code": 1, "msg": "操作成功", "data": []}
    denied = {"code": 0, "msg": "access deny", "data": []}
    not_allowed = {"code": 0, "msg": "无权访问", "data": []}
    wang = {"user_id": server.user.user_id, "username": server.user.name, "name": "王小明", "phone": "13800138000"}
    granted = heard["login"]["data"]

    assert heard["login"] == {"code": 1, "msg": "操作成功", "data": granted}
    assert granted["user_id"] == server.user.user_id
    assert re.fullmatch("[0-9a-f]{32}", granted["user_token"])
    assert 7200 - 60 <= granted["expire_time"] - time.time() <= 7200
    assert heard["wrong password"] == {"code": 0, "msg": "登录失败", "data": []}
    assert heard["add"] == heard["add, the user in the form"] == done
    newest, older = heard["list"]["data"]["notices"][:2]
    assert (newest["title"], newest["content"]) == ("一 & 二", "100% +\r\n")
    assert (older["title"], older["content"]) == ("我是标题", "我是内容")
    assert heard["list by index.php"] == heard["list"]
    assert heard["info"] == heard["info by index.php"] == {"code": 1, "msg": "操作成功", "data": wang}
    assert heard["user_id twice"] == heard["info"]
    assert heard["wrong secret"] == denied
    assert heard["no user"] == heard["not his token"] == not_allowed
    assert heard["logout"] == done
    assert heard["after logout"] == not_allowed
