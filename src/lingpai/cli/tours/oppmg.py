"""The tour of oppmg: a pair of JWTs, renewed by a call of its own, or by whichever call comes too late (10026)."""

from lingpai.cli.tours.walking import Ask, End, Pause, Tour

ACCESS = {"x-mmm-accesstoken": "{access_token}"}
PAIR = {"access_token": "data.access_token", "refresh_token": "data.refresh_token", "expires": "data.expires_in"}

TOUR = Tour(
    number="code",
    success="00000",
    # Nobody waits half an hour for a token to run out.
    settings="[contracts.oppmg]\naccess_seconds = 5\nleeway_seconds = 0\n",
    steps=(
        Ask(
            title=(
                "登录：应答是一对签名的令牌(JWT)，下面拆开看访问令牌。",
                "Sign in: the answer is a pair of signed tokens (JWT); the access token is taken apart below.",
            ),
            method="POST",
            path="/auth/login",
            body={"account": "{username}", "password": "{password}"},
            keeps=PAIR,
            apart=("access_token",),
        ),
        Ask(
            title=("读取自己：访问令牌放在自己的请求头里。", "Read oneself: the access token has a header of its own."),
            method="GET",
            path="/v1/user/info",
            headers=ACCESS,
        ),
        Ask(
            title=("业务接口：发一条公告。", "A business call: add a notice."),
            method="POST",
            path="/v1/notice/add",
            headers=ACCESS,
            body={"title": "试一试", "content": "lingpai try oppmg"},
            where="here",
        ),
        Ask(
            title=("业务接口：列出公告。", "A business call: list the notices."),
            method="GET",
            path="/v1/notice/list",
            headers=ACCESS,
            where="there",
        ),
        Ask(
            title=(
                "主动刷新：用刷新令牌换一对新的，旧的刷新令牌从此只在宽限期内可以重试。",
                "Renew the pair with the refresh token; the old one is good for a repeated try only, and not for long.",
            ),
            method="POST",
            path="/v1/auth/refresh_token",
            headers={"x-mmm-refreshtoken": "{refresh_token}"},
            keeps=PAIR,
            apart=("refresh_token",),
        ),
        Pause(
            title=(
                "等访问令牌过期(这里设为 5 秒，平时是半小时)。",
                "Wait until the access token runs out: 5 seconds here, half an hour elsewhere.",
            ),
            until="expires",
        ),
        Ask(
            title=(
                "过期之后两个令牌一起带上：应答 10026 和一对新令牌，请求本身没有执行，前端换上新令牌再发一次。",
                "Both tokens, too late: 10026 with a new pair; the call was not made, and is sent again with it.",
            ),
            method="GET",
            path="/v1/user/info",
            headers={**ACCESS, "x-mmm-refreshtoken": "{refresh_token}"},
            keeps=PAIR,
            expects="10026",
            where="here",
        ),
        Ask(
            title=("用新令牌再发一次。", "The same call again, with the new token."),
            method="GET",
            path="/v1/user/info",
            headers=ACCESS,
            where="here",
        ),
        End(title=("操作员结束这个用户的会话。", "An operator ends the user's sessions.")),
        Ask(title=("退出登录。", "Sign out."), method="POST", path="/v1/auth/logout", headers=ACCESS, where="there"),
        Ask(
            title=(
                "同一个请求被拒绝：10024，应答说明原因。",
                "The same request is refused with 10024, and the answer says why.",
            ),
            method="GET",
            path="/v1/user/info",
            headers=ACCESS,
            expects="10024",
            waits=True,
        ),
    ),
)
