"""The tour of thinkjs: a JWT, bare in Authorization, and an errno on every answer."""

from lingpai.cli.tours.walking import Ask, End, Tour

USER = {"Authorization": "{token}"}

TOUR = Tour(
    number="errno",
    success="0",
    steps=(
        Ask(
            title=(
                "登录：应答是一个签名的令牌(JWT)，下面拆开看。",
                "Sign in: the answer is a signed token (JWT), taken apart below.",
            ),
            method="POST",
            path="/api/system/token/create",
            body={"username": "{username}", "password": "{password}"},
            keeps={"token": "data.token"},
            apart=("token",),
        ),
        Ask(
            title=(
                "读取自己：令牌直接放在 Authorization 里，没有 Bearer。",
                "Read oneself: the token stands bare in Authorization, without Bearer.",
            ),
            method="GET",
            path="/api/system/user/info",
            headers=USER,
        ),
        Ask(
            title=("业务接口：发一条公告。", "A business call: add a notice."),
            method="POST",
            path="/api/notice/add",
            headers=USER,
            body={"title": "试一试", "content": "lingpai try thinkjs"},
            where="here",
        ),
        Ask(
            title=(
                "业务接口：列出公告，不登录也可以。",
                "A business call that needs no user: list the notices.",
            ),
            method="GET",
            path="/api/notice/list",
        ),
        Ask(
            title=(
                "没有刷新接口：每用一次，服务器上的空闲期限自动后移，令牌本身不变。",
                "Nothing to refresh: each use moves the idle limit that the server keeps; the token stays the same.",
            ),
            method="GET",
            path="/api/system/user/info",
            headers=USER,
        ),
        End(title=("操作员结束这个用户的会话。", "An operator ends the user's sessions.")),
        Ask(
            title=("退出登录。", "Sign out."),
            method="POST",
            path="/api/system/token/delete",
            headers=USER,
            where="there",
        ),
        Ask(
            title=(
                "同一个请求被拒绝：HTTP 401，应答说明原因。",
                "The same request is refused with HTTP 401, and the answer says why.",
            ),
            method="GET",
            path="/api/system/user/info",
            headers=USER,
            expects="401",
            waits=True,
        ),
    ),
)
