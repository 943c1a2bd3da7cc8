"""The house that a command works on, and what people call its users, companies and clients."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from lingpai.cli.parameters import command
from lingpai.cli.printing import Trouble
from lingpai.composition import House, holds_data, open_house
from lingpai.principals.names import name_key
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.values import Client, Company, Session, User

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
    finally:
        house.stores.close()


def every(page: Callable[[Any, int], Sequence[T]], start: Any) -> Iterator[T]:
    """Read a store's pages one after the other."""
    rows = page(start, PAGE)
    while rows:
        yield from rows
        rows = page(rows[-1].id, PAGE)  # type: ignore[attr-defined]


def find_user(house: House, name: str, data: Path) -> User:
    """Return the user called *name*."""
    user = house.stores.accounts.named(name_key(name))
    if user is None:
        raise Trouble(
            f"没有用户 {name}。{command('user list', data)} 列出全部用户。",
            f"there is no user {name}. `{command('user list', data)}` shows who there is.",
        )
    return user


def find_company(house: House, named: str, data: Path) -> Company:
    """Return the company with that id, or with exactly that name."""
    companies = house.stores.companies
    found = companies.by_id(int(named)) if named.isdecimal() else None
    same_name = [] if found else [company for company in every(companies.page, 0) if company.name == named]
    if len(same_name) > 1:
        ids = ", ".join(str(company.id) for company in same_name)
        raise Trouble(
            f"有几家公司都叫 {named}，请用编号：{ids}。", f"several companies are called {named}; say which: {ids}."
        )
    if found is None and not same_name:
        raise Trouble(
            f"没有公司 {named}。{command('company list', data)} 列出全部公司。",
            f"there is no company {named}. `{command('company list', data)}` shows which there are.",
        )
    return found or same_name[0]


def find_client(house: House, client_id: str, data: Path) -> Client:
    """Return the client with that id."""
    client = house.stores.clients.by_id(client_id)
    if client is None:
        raise Trouble(
            f"没有应用 {client_id}。{command('client list', data)} 列出全部应用。",
            f"there is no client {client_id}. `{command('client list', data)}` shows which there are.",
        )
    return client


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
