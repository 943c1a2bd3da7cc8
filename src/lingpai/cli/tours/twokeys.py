"""The tour of twokeys: each request proves its app by an md5 over call, day and secret; its user by a token."""

import hashlib
from datetime import UTC, datetime, timedelta

from lingpai.cli.tours.walking import Ask, End, Held, Proof, Tour

SHANGHAI = timedelta(hours=8)

HOLDER = {"user_id": "{user_id}", "user_token": "{user_token}"}


def api_token(ask: Ask, held: Held) -> Proof:
    """Return the app's id, and the md5 of module, controller, action, day and secret."""
    day = (datetime.now(UTC) + SHANGHAI).date().isoformat()
    text = f"{ask.path.replace('/', '')}{day}{held['client_secret']}"
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    rows = (("module + controller + action + day + client_secret", text), ("api_token = md5", digest))
    return Proof({"client_id": held["client_id"], "api_token": digest}, rows=rows, secrets=(digest,))


TOUR = Tour(
    number="code",
    success="1",
    form=True,
    prove=api_token,
    steps=(
        Ask(
            title=(
                "登录：第一把钥匙 api_token 证明应用，第二把钥匙 user_token 在应答里。",
                "Sign in: api_token, the first key, proves the app; user_token, the second, is in the answer.",
            ),
            method="POST",
            path="/api/login/login",
            body={"username": "{username}", "password": "{password}"},
            keeps={"user_id": "data.user_id", "user_token": "data.user_token"},
        ),
        Ask(
            title=(
                "读取自己：两把钥匙都要，每个接口、每一天的 api_token 都不同。",
                "Read oneself: both keys; api_token is another for each call and each day.",
            ),
            method="POST",
            path="/api/user/info",
            body=HOLDER,
        ),
        Ask(
            title=("业务接口：发一条公告。", "A business call: add a notice."),
            method="POST",
            path="/api/notice/add",
            body={**HOLDER, "title": "试一试", "content": "lingpai try twokeys"},
            where="here",
        ),
        Ask(
            title=(
                "业务接口：列出公告，只要第一把钥匙。",
                "A business call, with the first key alone: the notices.",
            ),
            method="POST",
            path="/api/notice/list",
            body={"page": "1"},
        ),
        Ask(
            title=(
                "没有刷新接口：每用一次，user_token 的期限自动后移。",
                "Nothing to refresh: each use moves the limit of user_token by itself.",
            ),
            method="POST",
            path="/api/user/info",
            body=HOLDER,
        ),
        End(title=("操作员结束这个用户的会话。", "An operator ends the user's sessions.")),
        Ask(title=("退出登录。", "Sign out."), method="POST", path="/api/login/logout", body=HOLDER, where="there"),
        Ask(
            title=(
                "同一个请求被拒绝：无权访问；原因在响应头 X-Lingpai-Reason 里。",
                "The same request is refused; the reason is in the header X-Lingpai-Reason.",
            ),
            method="POST",
            path="/api/user/info",
            body=HOLDER,
            expects="0",
            waits=True,
        ),
    ),
)
