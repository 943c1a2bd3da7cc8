"""The tour of zhiyun: the app by Basic and a puzzle of the clock, the user by a token, each question by a code."""

import base64
import time

from lingpai.cli.tours.walking import Ask, End, Held, Proof, Tour

TOKEN = {"access_token": "{access_token}", "client_id": "{client_id}"}
CODE = {**TOKEN, "auth_code": "{auth_code}"}


def basic_and_puzzle(_ask: Ask, held: Held) -> Proof:
    """Return t_ and p_, which follow from the time, and the app's id and secret as Basic."""
    now = time.time_ns() // 1_000_000
    puzzle = now % 10_000 * 3 + 2345
    pair = f"{held['client_id']}:{held['client_secret']}"
    basic = base64.b64encode(pair.encode()).decode()
    rows = (
        ("p_ = t_ % 10000 * 3 + 2345", f"{now % 10_000} * 3 + 2345 = {puzzle}"),
        ("client_id:client_secret", pair),
        ("Basic = base64", basic),
    )
    return Proof({"t_": str(now), "p_": str(puzzle)}, {"Authorization": f"Basic {basic}"}, rows, (basic,))


TOUR = Tour(
    number="code",
    success="200",
    form=True,
    prove=basic_and_puzzle,
    steps=(
        Ask(
            title=(
                "登录(桌面程序)：Basic 证明应用，t_ 和 p_ 证明时间，应答给出 access_token。",
                "Sign in (a desktop program): Basic proves the app, t_ and p_ the time; the answer is an access_token.",
            ),
            method="POST",
            path="/apis/rest/authService/login/json",
            body={"username": "{username}", "password": "{password}"},
            keeps={"access_token": "data.access_token"},
        ),
        Ask(
            title=(
                "授权：用 access_token 换一个只活几秒的 auth_code。",
                "Authorize: the access_token gives an auth_code, which lives for seconds.",
            ),
            method="GET",
            path="/apis/rest/authService/authorize/json",
            query=TOKEN,
            keeps={"auth_code": "data.auth_code"},
        ),
        Ask(
            title=(
                "读取用户：应用、用户、授权码一起证明；这个应用看到的信息是打码的。",
                "Read the user: app, user and code together; what this app may see is masked.",
            ),
            method="GET",
            path="/apis/rest/userService/getUserInfo/json",
            query=CODE,
        ),
        Ask(
            title=("再要一个授权码，每次提问都用新的。", "Another code: each question has a fresh one."),
            method="GET",
            path="/apis/rest/authService/authorize/json",
            query=TOKEN,
            keeps={"auth_code": "data.auth_code"},
            where="here",
        ),
        Ask(
            title=("业务接口：发一条公告。", "A business call: add a notice."),
            method="POST",
            path="/apis/rest/noticeService/add/json",
            query=CODE,
            body={"title": "试一试", "content": "lingpai try zhiyun"},
            where="here",
        ),
        Ask(
            title=(
                "业务接口：列出公告，只要证明应用。",
                "A business call that the app may make alone: the notices.",
            ),
            method="GET",
            path="/apis/rest/noticeService/list/json",
            query={"page": "1"},
        ),
        Ask(
            title=(
                "没有刷新接口：access_token 每用一次，空闲期限自动后移。",
                "Nothing to refresh: each use moves the idle limit of the access_token by itself.",
            ),
            method="GET",
            path="/apis/rest/authService/authorize/json",
            query=TOKEN,
            keeps={"auth_code": "data.auth_code"},
        ),
        End(title=("操作员结束这个用户的会话。", "An operator ends the user's sessions.")),
        Ask(
            title=("退出登录。", "Sign out."),
            method="POST",
            path="/apis/rest/authService/logout/json",
            query=TOKEN,
            where="there",
        ),
        Ask(
            title=(
                "同一个请求被拒绝：100014，HTTP 仍是 200，原因在响应头和句子里。",
                "The same request is refused with 100014; HTTP is still 200, and header and sentence say why.",
            ),
            method="GET",
            path="/apis/rest/authService/authorize/json",
            query=TOKEN,
            expects="100014",
            waits=True,
        ),
    ),
)
