"""The tour of mowork: nothing is signed; a token, a name and the server's own time stand together."""

from collections.abc import Mapping
from typing import Any

from lingpai.cli.tours.walking import Ask, End, Held, Proof, Tour

HELD = {"X-Token": "{token}", "X-Username": "{username}"}


def common(asked: Mapping[str, Any] | None = None, told: str = "{told}") -> dict[str, Any]:
    """Return the members of every body, with what is *asked*."""
    members = {"client_type": "pc", "client_sys_version": "chrome57.0", "api_version": "v1.0", "req_timestamp": told}
    return {**members, "requestParam": dict(asked or {})}


def three_values(ask: Ask, held: Held) -> Proof:
    """Return nothing more: it shows which three values must agree."""
    if "token" not in held or "X-Token" not in ask.headers:
        return Proof()
    rows = (("X-Token", held["token"]), ("X-Username", held["username"]), ("req_timestamp", held["told"]))
    return Proof(rows=rows)


TOUR = Tour(
    number="resCode",
    success="100000",
    prove=three_values,
    steps=(
        Ask(
            title=(
                "登录：用户名和密码放在 requestParam 里，应答给出令牌和服务器时间。",
                "Sign in: name and password stand in requestParam; the answer gives a token and the server's time.",
            ),
            method="POST",
            path="/user/login",
            body=common({"username": "{username}", "password": "{password}"}, told=""),
            keeps={"token": "responseParam.token", "told": "resTimestamp"},
        ),
        Ask(
            title=(
                "读取自己：令牌、用户名、服务器给的时间，三个值要对得上。",
                "Read oneself: token, name and the time that the server gave must belong together.",
            ),
            method="POST",
            path="/user/getinfo",
            headers=HELD,
            body=common(),
        ),
        Ask(
            title=("业务接口：发一条公告。", "A business call: add a notice."),
            method="POST",
            path="/notice/add",
            headers=HELD,
            body=common({"title": "试一试", "content": "lingpai try mowork"}),
            where="here",
        ),
        Ask(
            title=("业务接口：列出公告，不需要登录。", "A business call that needs no user: list the notices."),
            method="POST",
            path="/notice/list",
            body=common({"page": 1}, told=""),
            where="there",
        ),
        Ask(
            title=(
                "没有刷新接口：每用一次，空闲期限自动后移；这里问令牌到何时为止。",
                "Nothing to refresh: each use moves the idle limit by itself; this asks how long the token lasts.",
            ),
            method="POST",
            path="/user/checktoken",
            headers=HELD,
            body=common(),
        ),
        End(title=("操作员结束这个用户的会话。", "An operator ends the user's sessions.")),
        Ask(
            title=("退出登录。", "Sign out."),
            method="POST",
            path="/user/logout",
            headers=HELD,
            body=common(),
            where="there",
        ),
        Ask(
            title=(
                "同一个请求被拒绝：403，应答说明原因。",
                "The same request is refused with 403, and the answer says why.",
            ),
            method="POST",
            path="/user/getinfo",
            headers=HELD,
            body=common(),
            expects="403",
            waits=True,
        ),
    ),
)
