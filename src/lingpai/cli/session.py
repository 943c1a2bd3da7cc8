"""`lingpai session …`: who is signed in, and ending that."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from lingpai.cli.opening import (
    OPERATOR,
    counted,
    find_client,
    find_session,
    find_user,
    is_live,
    live_sessions,
    opened,
)
from lingpai.cli.parameters import COMMANDS, HERE, SESSIONS, AsJson, Data, Limit
from lingpai.cli.printing import Trouble, console, moment, said, sheet, show, show_json, table
from lingpai.composition import House
from lingpai.operations.end_one_session import EndOneSession
from lingpai.operations.end_sessions import EndSessions
from lingpai.vocabulary.outcomes import Reason
from lingpai.vocabulary.values import Session, SessionsWanted

APP = App(
    name="session",
    group=SESSIONS,
    group_commands=COMMANDS,
    help=said("会话：列出、显示、结束", "Sessions: list, show, end."),
)

REASONS = {
    "signed_out": ("用户退出", "the user signed out"),
    "replaced": ("被更新的登录顶掉", "a newer sign-in took its place"),
    "kicked_out": ("操作员结束", "an operator ended it"),
    "idle": ("太久没有使用", "it was not used for too long"),
    "expired": ("到期", "its time was over"),
    "password_changed": ("密码改过", "the password was changed"),
    "disabled": ("用户被停用", "the user was disabled"),
    "left_company": ("退出了公司", "the user left the company"),
    "refresh_reused": ("刷新令牌被重复使用，可能被盗", "a refresh token was used twice: it may be stolen"),
    "unknown": ("未知", "not known"),
}
"""Why a session is over, for people."""

TIMES = {"began": ("开始", "began"), "last_seen": ("最近使用", "last seen"), "ends": ("到期", "ends")}

ROOMY = 100
"""Columns of a terminal from which on all of these are listed; a narrower one leaves out the first, and this year."""

SessionId = Annotated[
    str,
    # One id in 64 begins with a hyphen.
    Parameter(
        allow_leading_hyphen=True, help=said("会话编号，见 session list", "The session's id: see `session list`.")
    ),
]

OfAnyUser = Annotated[
    str, Parameter(name="--user", help=said("只看这个用户(名字或编号)", "Only of this user, by name or id."))
]


@APP.command(name="list", help=said("列出会话，最新的在前", "List sessions, newest first."))
def list_(
    *,
    user: OfAnyUser = "",
    contract: Annotated[str, Parameter(help=said("只看这个接口约定", "Only through this contract."))] = "",
    client: Annotated[str, Parameter(help=said("只看这个应用(编号或名称)", "Only of this client."))] = "",
    over: Annotated[
        bool, Parameter(name="--all", negative="", help=said("包括已结束的", "Also those that are over."))
    ] = False,
    limit: Limit = 200,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """List sessions."""
    with opened(data) as house:
        found = find_user(house, user, data) if user else None
        _check_contract(house, contract)
        of_client = find_client(house, client, data).id if client else ""
        zone, now = house.settings.timezone, house.clock()
        wanted = SessionsWanted(found.id if found else None, contract, of_client, None if over else now)
        sessions = house.stores.sessions.find(wanted, limit + 1)
        rows = [_row(house, session, now) for session in sessions[:limit]]
    if as_json:
        show_json(rows)
        return
    if not rows:
        show(
            said(f"{found.name} 没有会话。", f"{found.name} has no session.")
            if found
            else said("没有会话。", "There is no session.")
        )
        return
    is_roomy = console().width >= ROOMY
    times = [name for name in TIMES if name != "began" or is_roomy]
    known = "" if is_roomy else moment(now, zone)[: len("2026-")]
    heads = [said(*head) for head in (("会话", "session"), ("用户", "user"), ("接口约定", "contract"))]
    heads += [said("应用", "client"), *(said(*TIMES[name]) for name in times)]
    heads += [said("状态", "state")] if over else []
    cells = []
    for row in rows:
        told = [moment(row[name], zone).removeprefix(known) for name in times]
        state = [said(*REASONS[row["reason"]]) if row["reason"] else said("有效", "live")] if over else []
        cells.append([row["id"], row["username"], row["contract"], row["client_id"], *told, *state])
    show(table(heads, cells, whole=[heads[0], *heads[2:4]]))
    if len(sessions) > limit:
        show(said("还有更多：用 --limit 或筛选。", "There are more: say --limit, or narrow it down."))


@APP.command(
    name="show", help=said("显示一个会话：两个时钟、应用、为何结束", "Show one: clocks, client, why it ended.")
)
def show_session(session_id: SessionId, /, *, data: Data = HERE, as_json: AsJson = False) -> None:
    """Show all that is known of one session."""
    with opened(data) as house:
        standing = find_session(house, session_id)
        session, zone, now = standing.session, house.settings.timezone, house.clock()
        row = {
            **_row(house, session, now),
            "client_name": standing.client.name,
            "idle_ends": session.idle_end,
            "absolute_end": session.end,
            "ended": session.ended,
        }
        company = house.stores.companies.by_id(session.company_id) if session.company_id else None
        pair = house.stores.generations.newest(session.id)
    row |= {"company": company.name if company else None, "pair": pair.number if pair else None}
    if as_json:
        show_json(row)
        return
    ended = moment(session.ended, zone) if session.ended is not None else ""
    why = said("有效", "live") if row["live"] else said(*REASONS[str(row["reason"])])
    idle = said("闲置不计", "idleness does not count")
    lines = [
        (said("会话", "session"), session.id),
        (said("用户", "user"), f"{standing.user.name} ({standing.user.id})"),
        (said("接口约定", "contract"), session.contract),
        (said("应用", "client"), f"{standing.client.name} ({session.client_id})"),
        (said("客户端类型", "client type"), session.client_type),
        (said("公司", "company"), company.name if company else ""),
        (said("开始", "began"), moment(session.began, zone)),
        (said("最近使用", "last seen"), moment(session.last_seen, zone)),
        (said("闲置到", "idle until"), moment(session.idle_end, zone) if session.idle_end else idle),
        (said("最晚到", "at the latest"), moment(session.end, zone)),
        (said("结束于", "ended"), ended),
        (said("状态", "state"), why),
        *([(said("第几对令牌", "pair of tokens"), pair.number)] if pair else []),
    ]
    show(sheet(lines))


@APP.command(help=said("结束一个会话，或用户的全部会话", "End one session, or all of a user over every contract."))
def end(session_id: SessionId = "", /, *, user: OfAnyUser = "", data: Data = HERE, as_json: AsJson = False) -> None:
    """End one session, or all sessions of a user."""
    if bool(session_id) == bool(user):
        raise Trouble(
            "请指定一个会话的编号，或用 --user 指定用户。", "name one session by its id, or all of a user with --user."
        )
    if session_id:
        _end_one(session_id, data, as_json=as_json)
        return
    with opened(data) as house:
        found = find_user(house, user, data)
        live = live_sessions(house, found)
        ended = set(EndSessions(house.stores, house.clock)(OPERATOR, found.id))
    by_contract = counted([session for session in live if session.id in ended])
    number = sum(by_contract.values())
    if as_json:
        show_json({"username": found.name, "ended": number, "contracts": by_contract})
        return
    where = ", ".join(f"{name} {count}" for name, count in by_contract.items())
    if number:
        show(
            said(
                f"结束了 {found.name} 的 {number} 个会话：{where}。",
                f"Ended {number} sessions of {found.name}: {where}.",
            )
        )
    else:
        show(said(f"{found.name} 没有会话。", f"{found.name} has no session."))


def _end_one(session_id: str, data: Data, *, as_json: bool) -> None:
    with opened(data) as house:
        standing = find_session(house, session_id)
        was_live = is_live(standing.session, house.clock())
        ended = was_live and EndOneSession(house.stores, house.clock)(OPERATOR, standing.session.id)
    name, contract = standing.user.name, standing.session.contract
    if as_json:
        show_json({"username": name, "ended": int(ended), "contracts": {contract: 1} if ended else {}})
    elif ended:
        show(said(f"结束了 {name} 的 {contract} 会话。", f"Ended the {contract} session of {name}."))
    else:
        show(said("这个会话早已结束。", "That session was over already."))


def _check_contract(house: House, name: str) -> None:
    if name and name not in house.served:
        there = ", ".join(sorted(house.served))
        raise Trouble(f"没有接口约定 {name}。有：{there}。", f"there is no contract {name}. There are: {there}.")


def _until(session: Session) -> int:
    if session.ended is not None:
        return session.ended
    return min(session.end, session.idle_end or session.end)


def _reason(session: Session, now: int) -> str | None:
    if is_live(session, now):
        return None
    is_idle = session.ended is None and now < session.end
    return (session.end_reason or (Reason.IDLE if is_idle else Reason.EXPIRED)).value


def _row(house: House, session: Session, now: int) -> dict[str, Any]:
    user = house.stores.accounts.by_id(session.user_id)
    return {
        "id": session.id,
        "uid": session.user_id,
        "username": user.name if user else "",
        "contract": session.contract,
        "client_id": session.client_id,
        "client_type": session.client_type,
        "company_id": session.company_id,
        "began": session.began,
        "last_seen": session.last_seen,
        "ends": _until(session),
        "live": is_live(session, now),
        "reason": _reason(session, now),
    }
