"""The house that a command works on, and what people call its users, companies and clients."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from lingpai.cli.parameters import command
from lingpai.cli.printing import Trouble, said
from lingpai.composition import House, damage, holds_data, open_house
from lingpai.principals.names import name_key
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.values import Client, Company, Session, Standing, User

OPERATOR = "operator"
"""Who did it, as the audit trail names whoever sits at the terminal."""

PAGE = 500
"""Rows that are read at once."""

T = TypeVar("T")


@contextmanager
def opened(data: Path, *, make: bool = False) -> Iterator[House]:
    """
    Open the house in *data* for one command.

    Args:
        make: Whether an empty one may be made. Only `serve` makes one: a command that came before the demo, or named
            a mistyped folder, would leave one in its way.

    """
    if not make and not holds_data(data, os.environ):
        empty, demo = command("serve", data), command("demo", data)
        raise Trouble(
            f"{data} 里没有数据。从空库开始：{empty}；生成演示数据：{demo}。",
            f"there is no data in {data}. Run `{empty}` for an empty house, or `{demo}` for a demo.",
        )
    house = open_house(data, os.environ)
    changes: list[object] = []
    house.stores.listen(changes.append)
    try:
        yield house
        if changes:
            # Where no server runs, nobody else would; a server that seals at the same moment is as good.
            with suppress(Refused):
                house.seal()
    except Refused as refused:
        raise damage(data, house.settings, refused) or refused from refused.__cause__
    finally:
        house.stores.close()


def every(page: Callable[[Any, int], Sequence[T]], start: Any) -> Iterator[T]:
    """Read a store's pages one after the other."""
    rows = page(start, PAGE)
    while rows:
        yield from rows
        rows = page(rows[-1].id, PAGE)  # type: ignore[attr-defined]


def find_user(house: House, name: str, data: Path) -> User:
    """
    Return the user called *name*, or with that id; `user:12`, as the audit trail writes it, is always an id.

    Raises:
        Trouble: There is none, or one is called as another is numbered: nobody is taken for somebody else.

    """
    accounts = house.stores.accounts
    digits = name.removeprefix("user:")
    numbered = accounts.by_id(int(digits)) if digits.isdecimal() and len(digits) <= LONGEST_ID else None
    named = accounts.named(name_key(name))
    if named and numbered and named.id != numbered.id and digits == name:
        raise Trouble(
            f"{name} 是 {named.id} 号用户的名字，也是 {numbered.name} 的编号："
            f"请写 user:{named.id} 或 user:{numbered.id}。",
            f"{name} is the name of user {named.id} and the id of {numbered.name}: "
            f"say user:{named.id} or user:{numbered.id}.",
        )
    found = (numbered or named) if digits != name else (named or numbered)
    if found is None:
        near = _near(name, (user.name for user in islice(every(accounts.page, 0), MOST_NAMES)))
        raise Trouble(
            f"没有用户 {name}。{near}{command('user list', data)} 列出全部用户。",
            f"there is no user {name}. {near}`{command('user list', data)}` shows who there is.",
        )
    return found


LONGEST_ID = 18
"""Digits of an id at most: more would be no number that the database knows."""

MOST_NAMES = 20_000
"""So many names are compared with one that nobody has."""


def _near(typed: str, names: Iterable[str]) -> str:
    """Return the question whether a name near to *typed* was meant, or nothing."""
    near = get_close_matches(typed, names := list(names), 1) or [n for n in names if n.casefold() == typed.casefold()]
    return said(f"是不是 {near[0]}？", f"Did you mean {near[0]}? ") if near else ""


def find_company(house: House, named: str, data: Path) -> Company:
    """Return the company with that id, or with exactly that name."""
    companies = house.stores.companies
    digits = named.removeprefix("company:")
    found = companies.by_id(int(digits)) if digits.isdecimal() and len(digits) <= LONGEST_ID else None
    same_name = [] if found else [company for company in every(companies.page, 0) if company.name == named]
    if len(same_name) > 1:
        ids = ", ".join(str(company.id) for company in same_name)
        raise Trouble(
            f"有几家公司都叫 {named}，请用编号：{ids}。", f"several companies are called {named}; say which: {ids}."
        )
    if found is None and not same_name:
        near = _near(named, (company.name for company in islice(every(companies.page, 0), MOST_NAMES)))
        raise Trouble(
            f"没有公司 {named}。{near}{command('company list', data)} 列出全部公司。",
            f"there is no company {named}. {near}`{command('company list', data)}` shows which there are.",
        )
    return found or same_name[0]


def find_client(house: House, named: str, data: Path) -> Client:
    """Return the client with that id, or with exactly that name."""
    clients = house.stores.clients
    found = clients.by_id(named)
    if found is not None:
        return found
    known = list(islice(every(clients.page, ""), MOST_NAMES))
    same_name = [client for client in known if client.name == named]
    if len(same_name) > 1:
        ids = ", ".join(client.id for client in same_name)
        raise Trouble(
            f"有几个应用都叫 {named}，请用编号：{ids}。", f"several clients are called {named}; say which: {ids}."
        )
    if not same_name:
        near = _near(named, [word for client in known for word in (client.id, client.name)])
        raise Trouble(
            f"没有应用 {named}。{near}{command('client list', data)} 列出全部应用。",
            f"there is no client {named}. {near}`{command('client list', data)}` shows which there are.",
        )
    return same_name[0]


def find_session(house: House, session_id: str) -> Standing:
    """Return the session with that id, over or not, with whose it is."""
    standing = house.stores.sessions.standing_of(session_id.removeprefix("session:"))
    if standing is None:
        raise Trouble(
            f"没有会话 {session_id}：编号见 session list --json；早已结束的会话会被删除。",
            f"there is no session {session_id}: `session list` shows their ids, and those over long ago are deleted.",
        )
    return standing


def is_live(session: Session, now: int) -> bool:
    """Return whether *session* can still be used at *now*."""
    return session.ended is None and now < session.end and (session.idle_end is None or now < session.idle_end)


def live_sessions(house: House, user: User) -> list[Session]:
    """Return the user's sessions that can still be used, newest first."""
    now = house.clock()
    return [session for session in house.stores.sessions.of_user(user.id) if is_live(session, now)]


def counted(sessions: Sequence[Session]) -> dict[str, int]:
    """Return how many of *sessions* came through each contract."""
    contracts = sorted(session.contract for session in sessions)
    return {name: contracts.count(name) for name in dict.fromkeys(contracts)}
