"""`lingpai client …`: which apps may call."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter, validators

from lingpai.cli.opening import OPERATOR, every, find_client, opened
from lingpai.cli.parameters import ACCOUNTS, COMMANDS, HERE, AsJson, ClientId, Data, Limit, command
from lingpai.cli.printing import Trouble, marked, moment, said, show, show_json, table
from lingpai.composition import House
from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.enable import EnableClient, Enabling
from lingpai.operations.rotate_secret import EndOldSecret, RotateSecret, SecretRotation
from lingpai.operations.set_devices import Devices, SetDevices
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.values import Client

OLD_SECONDS = 7 * 86_400
"""So long the secret before stays good, unless somebody says otherwise."""

APP = App(
    name="client",
    group=ACCOUNTS,
    group_commands=COMMANDS,
    help=said(
        "应用：新增、列出、修改、停用、更换密钥、策略",
        "Client apps: add, list, change, disable, rotate secrets, and what each may do.",
    ),
)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Policies:
    """What a new client may do."""

    id: Annotated[
        str,
        Parameter(
            help=said("指定 client_id；默认生成十位数字", "Its client_id, if it has one already; else ten new digits.")
        ),
    ] = ""
    scope: Annotated[
        str,
        Parameter(
            help=said(
                "权限别名：basic、full、notice，用空格分开", "Scope aliases, parted by blanks: basic, full, notice."
            )
        ),
    ] = "basic"
    desktop: Annotated[
        bool,
        Parameter(negative="", help=said("可用密码换取 access_token(zhiyun)", "It may sign users in over zhiyun.")),
    ] = False
    most_sessions: Annotated[
        int | None,
        Parameter(
            validator=validators.Number(gte=1),
            help=said("每个用户最多几个会话", "So many live sessions of one user at most."),
        ),
    ] = None


@APP.command(help=said("新增应用，密钥只显示一次", "Register a client; its secret is shown once."))
def add(
    name: Annotated[str, Parameter(help=said("应用名称", "What people call it."))],
    /,
    *,
    contract: Annotated[
        tuple[str, ...],
        Parameter(
            negative="", help=said("可以使用的接口约定，可重复", "A contract that it may speak; may be repeated.")
        ),
    ],
    policies: Policies = Policies(),
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Register a client."""
    with opened(data) as house:
        check_contracts(house, contract)
        house.prepare()
        client = Client(
            id=policies.id,
            name=name,
            contracts=frozenset(contract),
            scope=policies.scope,
            desktop=policies.desktop,
            most_sessions=policies.most_sessions,
        )
        try:
            kept = AddClient(house.stores, house.keys, house.clock, house.randomness)(OPERATOR, NewClient(client))
        except Refused as refusal:
            if refusal.outcome is not Outcome.NAME_TAKEN:
                raise
            raise Trouble(f"已经有应用 {client.id}。", f"there is a client {client.id} already.") from None
    secret = kept.secret.reveal()
    if as_json:
        show_json({"client_id": kept.client.id, "client_secret": secret, "contracts": sorted(contract)})
    else:
        show(
            said(f"已新增应用 {name}。", f"Registered {name}."),
            marked("client_id      [bold]{id}[/]", id=kept.client.id),
            marked(
                said(
                    "client_secret  [bold]{secret}[/]  (只显示这一次)",
                    "client_secret  [bold]{secret}[/]  (shown this once)",
                ),
                secret=secret,
            ),
        )


@APP.command(name="list", help=said("列出应用", "List clients."))
def list_(
    *,
    contract: Annotated[str, Parameter(help=said("只看能用这个接口约定的", "Only those that speak it."))] = "",
    state: Annotated[
        Literal["all", "enabled", "disabled"],
        Parameter(help=said("只看启用的或停用的", "Only those that are enabled, or disabled.")),
    ] = "all",
    after: Annotated[str, Parameter(help=said("从这个编号之后开始", "Begin after this id."))] = "",
    built_in: Annotated[
        bool, Parameter(negative="", help=said("包括内置应用", "Also those that come with the contracts."))
    ] = False,
    limit: Limit = 200,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """List clients by id."""
    with opened(data) as house:
        clients = (
            one
            for one in every(house.stores.clients.page, after)
            if (built_in or ":" not in one.id)
            and (not contract or contract in one.contracts)
            and state in ("all", "enabled" if one.enabled else "disabled")
        )
        found = [_row(one) for one in islice(clients, limit + 1)]
    rows = found[:limit]
    if as_json:
        show_json(rows)
        return
    heads = [said(*head) for head in (("client_id", "client_id"), ("名称", "name"), ("接口约定", "contracts"))]
    heads += [said(*head) for head in (("权限", "scope"), ("桌面", "desktop"), ("状态", "state"))]
    desktop, off = said("是", "yes"), said("已停用", "disabled")
    show(
        table(
            heads,
            [
                [
                    one["client_id"],
                    one["name"],
                    ", ".join(one["contracts"]),
                    one["scope"],
                    desktop if one["desktop"] else "",
                    "" if one["enabled"] else off,
                ]
                for one in rows
            ],
            whole=("client_id",),
        )
    )
    if len(found) > limit:
        show(said(f"还有更多：--after {rows[-1]['client_id']}", f"There are more: --after {rows[-1]['client_id']}"))


@APP.command(
    name="set",
    help=said(
        "设置每个用户在该应用(或某类端，如 mowork:pc)最多几个会话",
        "Limit a user's live sessions at a client, or at a client type (mowork:pc).",
    ),
)
def set_(
    client_id: ClientId,
    /,
    *,
    most_sessions: Annotated[int, Parameter(help=said("最多几个；0 表示不限", "So many at most; 0 for any number."))],
    refuse: Annotated[
        bool,
        Parameter(
            negative="", help=said("到上限时拒绝新登录，而不是顶掉最早的", "Refuse at the limit; else the oldest goes.")
        ),
    ] = False,
    data: Data = HERE,
) -> None:
    """Set how many sessions a user may have at a client, and who gives way."""
    with opened(data) as house:
        client_id = find_client(house, client_id, data).id
        if most_sessions < 0:
            raise Trouble("--most-sessions 不能为负数。", "--most-sessions cannot be negative.")
        SetDevices(house.stores)(OPERATOR, Devices(client_id, most_sessions or None, replaces=not refuse))
    number = str(most_sessions or said("不限", "any number"))
    show(
        said(
            f"应用 {client_id}：每个用户的会话数 {number}。",
            f"Client {client_id}: live sessions of one user: {number}.",
        )
    )


@APP.command(
    name="rotate-secret",
    help=said("更换应用密钥；旧密钥继续有效一段时间", "Give a client a new secret; the old one goes on for a while."),
)
def rotate_secret(
    client_id: ClientId,
    /,
    *,
    old_ends: Annotated[
        str,
        Parameter(
            help=said(
                "旧密钥有效至(2026-01-31 或 2026-01-31T18:00)，默认七天后",
                "The old one is good until then (2026-01-31 or 2026-01-31T18:00); else for seven days.",
            )
        ),
    ] = "",
    now: Annotated[bool, Parameter(negative="", help=said("旧密钥立即作废", "The old one is good no longer."))] = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a new secret, and show it once."""
    with opened(data) as house:
        client_id = _find_with_secret(house, client_id, data).id
        house.prepare()
        zone = house.settings.timezone
        old_end = _old_end(old_ends, zone, house.clock(), now=now)
        rotate = RotateSecret(house.stores, house.keys, house.clock, house.randomness)
        try:
            kept = rotate(OPERATOR, SecretRotation(client_id, old_end))
        except Refused as refusal:
            if refusal.outcome is not Outcome.NOT_ALLOWED:
                raise
            end = command(f"client end-old-secret {client_id}", data)
            raise Trouble(
                f"应用 {client_id} 已有两个有效密钥。先结束旧的：{end}；或用 --now 让两个都作废。",
                f"client {client_id} has two live secrets. End the older with `{end}`, or both with --now.",
            ) from None
    secret = kept.secret.reveal()
    if as_json:
        show_json({"client_id": client_id, "client_secret": secret, "old_ends": old_end})
        return
    until = moment(old_end, zone) if old_end else ""
    show(
        marked(
            said(
                "client_secret  [bold]{secret}[/]  (只显示这一次)",
                "client_secret  [bold]{secret}[/]  (shown this once)",
            ),
            secret=secret,
        ),
        said(f"旧密钥有效至 {until}。", f"The old one is good until {until}.")
        if until
        else said("旧密钥已作废。", "The old one is good no longer."),
    )


@APP.command(help=said("列出应用的密钥(不显示内容)", "List a client's secrets; their values are never shown."))
def secrets(client_id: ClientId, /, *, data: Data = HERE, as_json: AsJson = False) -> None:
    """List the live secrets of a client."""
    with opened(data) as house:
        client = _find_with_secret(house, client_id, data)
        live, zone = client.secrets(house.clock()), house.settings.timezone
    rows = [{"which": "old" if one.end else "new", "ends": one.end} for one in live]
    rows[0]["made"] = client.secret_made or client.created
    if as_json:
        show_json(rows)
        return
    words = {"new": said("当前", "in use"), "old": said("旧", "old")}
    heads = [said(*head) for head in (("密钥", "secret"), ("生成", "made"), ("有效至", "good until"))]
    show(
        table(
            heads,
            [
                [words[str(row["which"])], *(moment(int(at), zone) if (at := row.get(name)) else "" for name in _TIMES)]
                for row in rows
            ],
        )
    )


_TIMES = ("made", "ends")


@APP.command(name="end-old-secret", help=said("立即结束旧密钥", "End the older of a client's two secrets now."))
def end_old_secret(client_id: ClientId, /, *, data: Data = HERE) -> None:
    """End the older secret."""
    with opened(data) as house:
        client_id = _find_with_secret(house, client_id, data).id
        try:
            EndOldSecret(house.stores, house.clock)(OPERATOR, client_id)
        except Refused as refusal:
            if refusal.outcome is not Outcome.NOTHING_THERE:
                raise
            raise Trouble(f"应用 {client_id} 没有旧密钥。", f"client {client_id} has no old secret.") from None
    show(said(f"应用 {client_id} 的旧密钥已作废。", f"The old secret of client {client_id} is good no longer."))


def _find_with_secret(house: House, client_id: str, data: Path) -> Client:
    client = find_client(house, client_id, data)
    if not client.secret_digest:
        raise Trouble(f"应用 {client_id} 没有密钥。", f"client {client_id} has no secret.")
    return client


def _old_end(text: str, zone: str, at: int, *, now: bool) -> int | None:
    """Return until when the old secret is good, or None for no longer."""
    if now and text:
        raise Trouble("--old-ends 和 --now 只能用一个。", "--old-ends and --now exclude each other.")
    if now:
        return None
    if not text:
        return at + OLD_SECONDS * SECOND
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Trouble(
            f"--old-ends 应为 2026-01-31 或 2026-01-31T18:00，而不是 {text}。",
            f"--old-ends must look like 2026-01-31 or 2026-01-31T18:00, not {text}.",
        ) from None
    end = int((read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))).timestamp()) * SECOND
    if end <= at:
        raise Trouble(
            f"--old-ends {text} 已经过去；要立即作废请用 --now。",
            f"--old-ends {text} is past; to end it at once say --now.",
        )
    return end


@APP.command(help=said("停用应用", "Disable a client; its sessions rest meanwhile."))
def disable(client_id: ClientId, /, *, data: Data = HERE) -> None:
    """Let a client call no more."""
    client_id = _enable(client_id, data, enabled=False)
    show(said(f"应用 {client_id} 已停用。", f"Client {client_id} is disabled."))


@APP.command(help=said("启用应用", "Enable a client again."))
def enable(client_id: ClientId, /, *, data: Data = HERE) -> None:
    """Let a client call again."""
    client_id = _enable(client_id, data, enabled=True)
    show(said(f"应用 {client_id} 已启用。", f"Client {client_id} is enabled."))


def _enable(client_id: str, data: Data, *, enabled: bool) -> str:
    with opened(data) as house:
        client = find_client(house, client_id, data)
        EnableClient(house.stores)(OPERATOR, Enabling(client.id, enabled=enabled))
    return client.id


def check_contracts(house: House, names: tuple[str, ...]) -> None:
    """Make sure that a client may be given the contracts called *names*."""
    with_ids = sorted(name for name, served in house.served.items() if not served.contract.client_types)
    for name in names:
        if name not in house.served:
            there = ", ".join(sorted(house.served))
            raise Trouble(f"没有接口约定 {name}。有：{there}。", f"there is no contract {name}. There are: {there}.")
        if name not in with_ids:
            there = ", ".join(with_ids)
            raise Trouble(
                f"{name} 的前端不带 client_id，用的是内置应用。需要应用的有：{there}。",
                f"{name} has no client ids, only built-in clients. Those that have: {there}.",
            )


def _row(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "name": client.name,
        "contracts": sorted(client.contracts),
        "scope": client.scope,
        "desktop": client.desktop,
        "enabled": client.enabled,
    }
