"""`lingpai session …`: who is signed in, and ending that."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from lingpai.cli.opening import OPERATOR, counted, find_user, is_live, live_sessions, opened
from lingpai.cli.parameters import COMMANDS, HERE, SESSIONS, AsJson, Data, OfUser
from lingpai.cli.printing import moment, said, show, show_json, table
from lingpai.operations.end_sessions import EndSessions
from lingpai.vocabulary.outcomes import Reason
from lingpai.vocabulary.values import Session

APP = App(
    name="session", group=SESSIONS, group_commands=COMMANDS, help=said("会话：列出、结束", "Sessions: list, end.")
)


@APP.command(name="list", help=said("列出用户的会话", "List a user's sessions, newest first."))
def list_(
    *,
    user: OfUser,
    over: Annotated[
        bool, Parameter(name="--all", negative="", help=said("包括已结束的", "Also those that are over."))
    ] = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """List a user's sessions."""
    with opened(data) as house:
        found = find_user(house, user, data)
        zone, now = house.settings.timezone, house.clock()
        sessions = house.stores.sessions.of_user(found.id) if over else live_sessions(house, found)
    if as_json:
        show_json([_row(session, now) for session in sessions])
        return
    if not sessions:
        show(said(f"{found.name} 没有会话。", f"{found.name} has no session."))
        return
    heads = [said(*head) for head in (("接口约定", "contract"), ("应用", "client"), ("开始", "began"))]
    heads += [said(*head) for head in (("最近使用", "last seen"), ("到期", "ends"))]
    heads += [said("状态", "state")] if over else []
    show(
        table(
            heads,
            [
                [
                    session.contract,
                    session.client_id,
                    *(moment(at, zone) for at in (session.began, session.last_seen, _until(session))),
                    *([_state(session, now)] if over else []),
                ]
                for session in sessions
            ],
        )
    )


@APP.command(help=said("结束用户的全部会话", "End all sessions of a user, whichever contract they came through."))
def end(*, user: OfUser, data: Data = HERE, as_json: AsJson = False) -> None:
    """End all sessions of a user."""
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


def _until(session: Session) -> int:
    if session.ended is not None:
        return session.ended
    return min(session.end, session.idle_end or session.end)


def _state(session: Session, now: int) -> str:
    if is_live(session, now):
        return said("有效", "live")
    return (session.end_reason or Reason.EXPIRED).value


def _row(session: Session, now: int) -> dict[str, Any]:
    return {
        "id": session.id,
        "contract": session.contract,
        "client_id": session.client_id,
        "client_type": session.client_type,
        "company_id": session.company_id,
        "began": session.began,
        "last_seen": session.last_seen,
        "ends": _until(session),
        "live": is_live(session, now),
        "reason": None if is_live(session, now) else _state(session, now),
    }
