"""`lingpai client …`: what a client may do and until when, who still uses weak forms, and what can be changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from lingpai.cli.client import APP, check_contracts
from lingpai.cli.opening import OPERATOR, find_client, opened
from lingpai.cli.parameters import HERE, AsJson, ClientId, Data
from lingpai.cli.printing import Trouble, moment, said, sheet, show, show_json, table
from lingpai.composition import House
from lingpai.operations.change_client import ChangeClient, Changing, ClientChanges
from lingpai.operations.set_policies import PlacesAsked, PolicyAsked, SetPlaces, SetPolicy
from lingpai.principals.weak_uses import day_of
from lingpai.vocabulary.policies import Policy, WeakForm, WeakUse, form_rule, read_rule
from lingpai.vocabulary.values import Client, SessionsWanted

FORMS: Mapping[WeakForm, tuple[str, str]] = {
    WeakForm.QUERY_TOKEN: ("令牌写在网址里", "a token in the address"),
    WeakForm.DAY_MD5: ("当天有效的 md5，按接口", "an md5 over call and day"),
    WeakForm.ID_DAY_MD5: ("当天有效的 md5，不分接口", "an md5 over id and day"),
    WeakForm.PLAIN_HTTP: ("未加密的 HTTP", "plain HTTP"),
    WeakForm.OLD_SECRET: ("已更换的旧密钥", "the secret that was replaced"),
}

SHORT_DAYS, LONG_DAYS = 7, 30

To = Annotated[
    str,
    Parameter(
        help=said(
            "on、off、停用日期(如 2027-01-01，当天零点起停用)，或 default(按设置)",
            "on, off, the date from whose first moment it is off (2027-01-01), or default: as the settings say.",
        )
    ),
]

All = Annotated[bool, Parameter(name="--all", negative="", help=said("不再限制", "Lift the limit."))]


@APP.command(
    help=said(
        "设定一种弱写法或一个接口约定：开、关、何时停用", "Say of a weak form or contract: on, off, or until when."
    )
)
def policy(
    client_id: ClientId,
    name: Annotated[str, Parameter(help=said("弱写法或接口约定的名称", "The weak form, or the contract."))],
    to: To,
    /,
    *,
    data: Data = HERE,
) -> None:
    """Say what a client may use, and until when."""
    with opened(data) as house:
        client = find_client(house, client_id, data)
        client_id = client.id
        _check_name(house, client, name)
        rule = None if to == "default" else _rule(house, name, to)
        SetPolicy(house.stores)(OPERATOR, PolicyAsked(client_id, name, rule))
        words = _state(rule, house.clock(), house.settings.timezone) if rule else said("按设置", "as the settings say")
    show(said(f"应用 {client_id}：{name} {words}。", f"Client {client_id}: {name} {words}."))


@APP.command(help=said("显示一个应用的策略和弱写法用量", "Show what a client may do, and what weak forms it uses."))
def policies(client_id: ClientId, /, *, data: Data = HERE, as_json: AsJson = False) -> None:
    """Show one client's policies."""
    with opened(data) as house:
        client = find_client(house, client_id, data)
        client_id = client.id
        now, zone = house.clock(), house.settings.timezone
        uses = counted(house.stores.weak_uses.since(first_day(now, zone), client_id), now, zone)
        rows = [_row(house, client, contract, name, uses) for contract, name in _names(house, client)]
    places = {"addresses": client.policies.addresses, "routes": client.policies.routes}
    if as_json:
        show_json({"client_id": client_id, "policies": rows, **places})
        return
    for words, allowed in zip(PLACES, places.values(), strict=True):
        _show_allowed(client_id, words, allowed)
    heads = [*NAME_HEADS, ("状态", "state"), *USE_HEADS]
    show(
        table([said(*head) for head in heads], [_cells(row, now, zone) for row in rows], whole=(said(*NAME_HEADS[0]),))
    )


LANGUAGES = {"": ("按请求", "as the request asks"), "zh": ("中文", "Chinese"), "en": ("英文", "English")}


@APP.command(
    name="show",
    help=said(
        "显示一个应用：接口约定、密钥期限、设备、策略、弱写法",
        "Show a client: contracts, secrets, devices, policies.",
    ),
)
def show_client(client_id: ClientId, /, *, data: Data = HERE, as_json: AsJson = False) -> None:
    """Show all that is known of one client; the value of a secret is never shown."""
    with opened(data) as house:
        client = find_client(house, client_id, data)
        now, zone = house.clock(), house.settings.timezone
        live = house.stores.sessions.find(SessionsWanted(client_id=client.id, live_at=now), MOST_COUNTED)
        uses = counted(house.stores.weak_uses.since(first_day(now, zone), client.id), now, zone)
        rules = [_row(house, client, contract, name, uses) for contract, name in _names(house, client)]
    secrets = client.secrets(now)
    weak = [row for row in rules if row[f"uses_{LONG_DAYS}_days"]]
    if as_json:
        shown = {"name": client.name, "enabled": client.enabled, "contracts": sorted(client.contracts)}
        shown |= {
            "scope": client.scope,
            "desktop": client.desktop,
            "language": client.language,
            "created": client.created,
        }
        shown |= {"most_sessions": client.most_sessions, "replaces": client.replaces, "live_sessions": len(live)}
        shown |= {"refresh_reuse": client.refresh_reuse, "secrets": [{"ends": one.end} for one in secrets]}
        places = {"addresses": client.policies.addresses, "routes": client.policies.routes}
        show_json({"client_id": client.id, **shown, **places, "policies": rules})
        return
    ends = [moment(one.end, zone) if one.end else said("没有期限", "no end") for one in secrets]
    at_limit = said("顶掉最早的", "the oldest goes") if client.replaces else said("拒绝新的", "a new one is refused")
    most = f"{client.most_sessions} ({at_limit})" if client.most_sessions else said("不限", "any number")
    lines: list[tuple[str, object]] = [
        ("client_id", client.id),
        (said("名称", "name"), client.name),
        (said("状态", "state"), said("启用", "enabled") if client.enabled else said("已停用", "disabled")),
        (said("接口约定", "contracts"), ", ".join(sorted(client.contracts))),
        (said("权限", "scope"), client.scope),
        (said("桌面程序", "desktop"), said("是", "yes") if client.desktop else ""),
        (said("语言", "language"), said(*LANGUAGES[client.language])),
        (said("密钥有效至", "secrets good until"), said("；", "; ").join(ends) or said("没有密钥", "it has none")),
        (said("每个用户的会话", "sessions of a user"), most),
        (said("现有会话", "live sessions"), f"{len(live)}{'+' * (len(live) == MOST_COUNTED)}"),
        *((said(*words), ", ".join(allowed)) for words, allowed in zip(PLACES, _places(client), strict=True)),
        (said("弱写法", "weak forms"), ", ".join(f"{row['name']} {row[f'uses_{LONG_DAYS}_days']}" for row in weak)),
        (said("新增于", "added"), moment(client.created, zone) if client.created else ""),
    ]
    show(sheet([line for line in lines if line[1] != ""]))
    if rules:
        heads = [*NAME_HEADS, ("状态", "state")]
        show("", table([said(*head) for head in heads], [_cells(row, now, zone)[:3] for row in rules]))


MOST_COUNTED = 10_000
"""Sessions are counted up to so many."""


def _places(client: Client) -> tuple[Sequence[str], Sequence[str]]:
    return client.policies.addresses, client.policies.routes


PLACES = (("允许的地址", "addresses"), ("允许的接口", "routes"))

NAME_HEADS = (("接口约定", "contract"), ("名称", "name"))

USE_HEADS = (
    (f"{SHORT_DAYS} 天", f"{SHORT_DAYS} days"),
    (f"{LONG_DAYS} 天", f"{LONG_DAYS} days"),
    ("其中被拒", "refused"),
    ("最近一次", "last"),
)


@APP.command(help=said("列出谁还在用哪种弱写法", "List who still uses which weak form."))
def weak(*, data: Data = HERE, as_json: AsJson = False) -> None:
    """List the uses of weak forms in the last days, the most used first."""
    with opened(data) as house:
        now, zone = house.clock(), house.settings.timezone
        uses = counted(house.stores.weak_uses.since(first_day(now, zone)), now, zone)
        names = {client_id: _name(house, client_id) for client_id in {key[0] for key in uses}}
    ranked = sorted(uses.items(), key=lambda one: (-one[1].long, one[0]))
    if as_json:
        rows = [{**dict(zip(("client_id", "contract", "form"), key, strict=True)), **use.told()} for key, use in ranked]
        show_json(rows)
        return
    if not ranked:
        show(said(f"{LONG_DAYS} 天内没有人用过弱写法。", f"Nobody used a weak form in the last {LONG_DAYS} days."))
        return
    heads = [("client_id", "client_id"), ("应用", "client"), ("接口约定", "contract"), ("弱写法", "form"), *USE_HEADS]
    cells = [[key[0], names[key[0]], key[1], _form(key[2]), *use.cells(zone)] for key, use in ranked]
    show(table([said(*head) for head in heads], cells, whole=("client_id",)))


@APP.command(help=said("限定应用可以从哪些地址调用", "Say from which addresses a client may call."))
def addresses(
    client_id: ClientId,
    /,
    *allowed: Annotated[str, Parameter(help=said("地址或网段", "Addresses, or networks such as 10.0.0.0/8."))],
    all_: All = False,
    data: Data = HERE,
) -> None:
    """Say from which addresses a client may call."""
    _check_places(allowed, all_, "addresses 10.0.0.0/8")
    with opened(data) as house:
        client_id = find_client(house, client_id, data).id
        SetPlaces(house.stores)(OPERATOR, PlacesAsked(client_id, addresses=allowed))
    _show_allowed(client_id, PLACES[0], allowed)


@APP.command(help=said("限定应用可以调用哪些接口", "Say which routes a client may call."))
def routes(
    client_id: ClientId,
    /,
    *allowed: Annotated[
        str,
        Parameter(
            help=said(
                "接口，如 notice.*、account.sign_in 或路径 /user/*",
                "Such as notice.*, account.sign_in, or a path: /user/*.",
            )
        ),
    ],
    all_: All = False,
    data: Data = HERE,
) -> None:
    """Say which routes a client may call."""
    _check_places(allowed, all_, "routes 'notice.*'")
    with opened(data) as house:
        client = find_client(house, client_id, data)
        client_id = client.id
        _check_routes(house, client, allowed)
        SetPlaces(house.stores)(OPERATOR, PlacesAsked(client_id, routes=allowed))
    _show_allowed(client_id, PLACES[1], allowed)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different; what is not named stays."""

    name: Annotated[str | None, Parameter(help=said("名称", "What people call it."))] = None
    contract: Annotated[
        tuple[str, ...],
        Parameter(negative="", help=said("可以使用的接口约定，可重复", "All contracts that it may speak.")),
    ] = ()
    scope: Annotated[str | None, Parameter(help=said("权限别名，用空格分开", "Scope aliases, parted by blanks."))] = (
        None
    )
    desktop: Annotated[
        bool | None, Parameter(help=said("可用密码换取 access_token(zhiyun)", "It may sign users in over zhiyun."))
    ] = None
    language: Annotated[
        str | None, Parameter(help=said("zh、en，或 auto(按请求)", "zh, en, or auto (as the request asks)."))
    ] = None
    refresh_reuse: Annotated[
        str | None,
        Parameter(
            help=said(
                "过期的 refresh_token 再次出现时：revoke、refuse、allow",
                "What a refresh token shown too late means: revoke, refuse, allow.",
            )
        ),
    ] = None


@APP.command(help=said("修改应用", "Change a client."))
def change(client_id: ClientId, /, *, changes: Changes = Changes(), data: Data = HERE) -> None:
    """Change a client."""
    asked = ClientChanges(
        name=changes.name,
        contracts=frozenset(changes.contract) or None,
        scope=changes.scope,
        desktop=changes.desktop,
        language="" if changes.language == "auto" else changes.language,
        refresh_reuse=changes.refresh_reuse,
    )
    if asked == ClientChanges():
        raise Trouble("没有说要改什么，如 --name 新名称。", "nothing was named to be changed, such as --name NEW.")
    with opened(data) as house:
        client_id = find_client(house, client_id, data).id
        if changes.contract:
            check_contracts(house, changes.contract)
        ChangeClient(house.stores)(OPERATOR, Changing(client_id, asked))
    show(said(f"应用 {client_id} 已修改。", f"Client {client_id} is changed."))


@dataclass(frozen=True, slots=True)
class Uses:
    """How often something was used in the last days: few, and many."""

    short: int = 0
    long: int = 0
    refused: int = 0
    last: int = 0

    def plus(self, use: WeakUse, *, is_recent: bool) -> "Uses":
        """Return the sum with *use*."""
        short = self.short + (use.uses if is_recent else 0)
        return Uses(short, self.long + use.uses, self.refused + use.refused, max(self.last, use.last))

    def told(self) -> dict[str, Any]:
        """Return it as JSON tells it."""
        days = {f"uses_{SHORT_DAYS}_days": self.short, f"uses_{LONG_DAYS}_days": self.long}
        return {**days, "refused": self.refused, "last": self.last or None}

    def cells(self, zone: str) -> Sequence[object]:
        """Return it as a table shows it."""
        return (self.short, self.long, self.refused, moment(self.last, zone)) if self.long else ("", "", "", "")


Key = tuple[str, str, str]
"""Client, contract, form."""


def counted(uses: Iterable[WeakUse], now: int, zone: str) -> dict[Key, Uses]:
    """Return *uses* of all days as sums for each client, contract and form."""
    recent = first_day(now, zone, SHORT_DAYS)
    sums: dict[Key, Uses] = {}
    for use in uses:
        key = use.client_id, use.contract, use.form
        sums[key] = sums.get(key, Uses()).plus(use, is_recent=use.day >= recent)
    return sums


def first_day(now: int, zone: str, days: int = LONG_DAYS) -> str:
    """Return the first of the last *days*, of which today is one."""
    today = datetime.fromisoformat(day_of(now, ZoneInfo(zone)))
    return (today - timedelta(days=days - 1)).date().isoformat()


def _names(house: House, client: Client) -> list[tuple[str, str]]:
    """Return what can be said of *client*: its contracts, and the weak forms of each."""
    contracts = [name for name in sorted(client.contracts) if name in house.served]
    return [(name, word) for name in contracts for word in (name, *sorted(house.served[name].contract.weak_forms()))]


def _row(house: House, client: Client, contract: str, name: str, uses: Mapping[Key, Uses]) -> dict[str, Any]:
    own = client.policies.said.get(name)
    rule = (
        own
        if name == contract
        else form_rule(WeakForm(name), client.policies.said, house.served[contract].contract.weak)
    )
    return {
        "contract": contract,
        "name": name,
        "end": rule.end if rule else None,
        "said": "client" if own else "settings" if rule and rule.end is not None else "",
        **uses.get((client.id, contract, name), Uses()).told(),
    }


def _cells(row: Mapping[str, Any], now: int, zone: str) -> Sequence[object]:
    is_contract = row["name"] == row["contract"]
    long, last = row[f"uses_{LONG_DAYS}_days"], row["last"]
    use = Uses(row[f"uses_{SHORT_DAYS}_days"], long, row["refused"], last or 0)
    state = _state(Policy(row["name"], row["end"]), now, zone)
    name = row["name"] if is_contract else _form(row["name"])
    return [row["contract"], name, state, *use.cells(zone)]


def _form(name: str) -> str:
    return f"{name} ({said(*FORMS[WeakForm(name)])})" if name in FORMS else name


def _state(rule: Policy, now: int, zone: str) -> str:
    if rule.end is None:
        return said("开", "on")
    if not rule.end:
        return said("关", "off")
    end = moment(rule.end, zone)
    return said(f"{end} 起停用", f"off from {end}") if now < rule.end else said(f"{end} 已停用", f"off since {end}")


def _rule(house: House, name: str, to: str) -> Policy:
    try:
        return read_rule(name, to, ZoneInfo(house.settings.timezone), house.clock())
    except ValueError:
        raise Trouble(
            f"{to} 应为 on、off、default，或日期，如 2027-01-01。",
            f"{to} must be on, off, default, or a date such as 2027-01-01.",
        ) from None


def _check_name(house: House, client: Client, name: str) -> None:
    known = list(dict.fromkeys(word for _, word in _names(house, client)))
    if name not in known:
        there = ", ".join(known)
        raise Trouble(
            f"应用 {client.id} 没有 {name} 可设。有：{there}。",
            f"there is no {name} to say of client {client.id}. There are: {there}.",
        )


def _check_places(allowed: Sequence[str], all_: bool, example: str) -> None:  # noqa: FBT001 - as it was typed
    if bool(allowed) == all_:
        raise Trouble(
            f"请列出允许的，如 {example}，或用 --all 不再限制。",
            f"name what is allowed, such as {example}, or lift the limit with --all.",
        )


def _check_routes(house: House, client: Client, patterns: Sequence[str]) -> None:
    served = [house.served[name].contract for name in client.contracts if name in house.served]
    names = {name for contract in served for route in contract.all_routes() for name in route.names}
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            there = ", ".join(sorted(name for name in names if not name.startswith("/")))
            raise Trouble(
                f"没有接口符合 {pattern}。有：{there}，以及各自的路径。",
                f"no route is called {pattern}. There are: {there}, and their paths.",
            )


def _show_allowed(client_id: str, words: tuple[str, str], allowed: Sequence[str]) -> None:
    zh, en = words
    chinese = f"应用 {client_id} {zh}：{'、'.join(allowed) or '不限'}"
    show(said(chinese, f"Client {client_id}, {en}: {', '.join(allowed) or 'all'}"))


def _name(house: House, client_id: str) -> str:
    client = house.stores.clients.by_id(client_id)
    return client.name if client else said("(已不在)", "(gone)")
