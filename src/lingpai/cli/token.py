"""`lingpai token …`: a bearer token without a password, which only an operator may make."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from lingpai.cli.opening import every, find_user, opened
from lingpai.cli.parameters import COMMANDS, HERE, SESSIONS, AsJson, Data, OfUser, command
from lingpai.cli.printing import Trouble, marked, moment, plain, said, show, show_json
from lingpai.composition import House
from lingpai.edge.contract import Contract
from lingpai.edge.steps import built_in_id
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.operations.open_session import Granted
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import Client, User, Visitor

APP = App(name="token", group=SESSIONS, group_commands=COMMANDS, help=said("令牌：签发", "Tokens: mint."))


@APP.command(help=said("不用密码签发 access_token", "Open a session for a user and print its token, once."))
def mint(
    *,
    user: OfUser,
    contract: Annotated[str, Parameter(help=said("哪个接口约定", "Whose token it is."))] = "zhiyun",
    client: Annotated[
        str,
        Parameter(
            help=said("由哪个应用使用；只有一个时可省略", "Through which client; may be left out where there is one.")
        ),
    ] = "",
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Open a session on the contract's terms, as a sign-in would."""
    with opened(data) as house:
        house.prepare()
        spoken = bearer_contract(house, contract)
        granted = mint_token(house, spoken, find_user(house, user, data), _client(house, spoken, client, data), data)
        zone = house.settings.timezone
    session = granted.standing.session
    if as_json:
        members = {"contract": contract, "uid": session.user_id, "access_token": granted.token}
        show_json(members | {"client_id": session.client_id, "expires": session.end // SECOND})
        return
    until = moment(session.end, zone)
    show(
        marked("[bold]{token}[/]", token=granted.token),
        said(
            f"{user} 的 {contract} 令牌，只显示这一次，{until} 到期。",
            f"{contract} token of {user}, shown this once, good until {until}.",
        ),
    )


def bearer_contract(house: House, name: str) -> Contract:
    """Return the contract called *name*, whose tokens can be minted."""
    served = house.served.get(name)
    mintable = ", ".join(sorted(n for n, s in house.served.items() if s.contract.terms.mint))
    if served is None:
        raise Trouble(
            f"没有接口约定 {name}。可以签发的有：{mintable}。",
            f"there is no contract {name}. Tokens are minted for: {mintable}.",
        )
    if served.contract.terms.mint is None:
        raise Trouble(
            f"{name} 的令牌是签名的，只能登录得到。可以签发的有：{mintable}。",
            f"tokens of {name} are signed values and come from a sign-in. Tokens are minted for: {mintable}.",
        )
    return served.contract


def mint_token(house: House, contract: Contract, user: User, client: Client, data: Path = HERE) -> Granted:
    """Open a session of *contract* for *user* through *client*."""
    built_in = {built_in_id(contract.name, kind): kind for kind in contract.client_types}
    visitor = Visitor(terms=contract.terms, client=client, client_type=built_in.get(client.id, "unknown"))
    try:
        return MintToken(house.stores, house.opening)(visitor, TokenAsked(user.id))
    except Refused as refusal:
        if refusal.outcome is Outcome.STORE_SILENT:
            raise
        if refusal.outcome is Outcome.TOO_MANY_DEVICES:
            raise Trouble(
                f"{user.name} 在 {client.id} 的会话数已达上限。",
                f"{user.name} has as many sessions as {client.id} allows.",
            ) from None
        raise _may_not_enter(contract, user, client, data) from None


def _may_not_enter(contract: Contract, user: User, client: Client, data: Path) -> Trouble:
    if not user.enabled:
        enable = command(f"user enable {shlex.quote(user.name)}", data)
        return Trouble(
            f"{user.name} 已停用。先启用：{enable}",
            f"{user.name} is disabled. Enable them first: {enable}",
        )
    if not client.enabled:
        enable = command(f"client enable {client.id}", data)
        return Trouble(
            f"应用 {client.id} 已停用。先启用：{enable}",
            f"client {client.id} is disabled. Enable it first: {enable}",
        )
    entrance = contract.terms.entrance
    return Trouble(
        f"{user.name} 不能进入 {contract.name}(entrance = {entrance}，应用 {client.id})。",
        f"{user.name} may not come in over {contract.name} (entrance = {entrance}, client {client.id}).",
    )


def _client(house: House, contract: Contract, client_id: str, data: Path) -> Client:
    known = [one for one in every(house.stores.clients.page, "") if contract.name in one.contracts]
    named = [one for one in known if one.id == client_id]
    if named:
        return named[0]
    likely = [one for one in known if one.enabled]
    likely = [one for one in likely if one.desktop] or likely
    ids = ", ".join(one.id if one.name == one.id else f"{one.id} ({plain(one.name)})" for one in known)
    if client_id:
        raise Trouble(
            f"{contract.name} 没有应用 {client_id}。有：{ids or '无'}。",
            f"{contract.name} has no client {client_id}. There are: {ids or 'none'}.",
        )
    if not likely:
        add = command(f"client add NAME --contract {contract.name}", data)
        raise Trouble(
            f"{contract.name} 还没有应用：{add}",
            f"{contract.name} has no client yet: {add}",
        )
    if len(likely) > 1:
        raise Trouble(f"请用 --client 指定应用：{ids}。", f"say with --client which client: {ids}.")
    return likely[0]
