"""`lingpai forward …`: services that stand behind a proxy, or a guard, which asks us."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from lingpai.cli.opening import opened
from lingpai.cli.parameters import ACCOUNTS, COMMANDS, HERE, AsJson, Data
from lingpai.cli.printing import Trouble, marked, said, show, show_json, table
from lingpai.composition import House
from lingpai.principals.services import asking_token, purpose_of
from lingpai.vocabulary.settings import ForwardSettings

SIZE = 32
"""Bytes of a service's key."""

APP = App(
    name="forward",
    group=ACCOUNTS,
    group_commands=COMMANDS,
    help=said("代理或守卫后面的服务：密钥、列表", "Services behind a proxy or a guard: their keys, a list."),
)


@APP.command(
    help=said(
        "为服务生成新密钥，只显示这一次；上一把继续有效",
        "Make a new key for a service, shown once; the one before stays good.",
    )
)
def key(
    service: Annotated[str, Parameter(help=said("服务名，即 [forward.服务名]", "Its name, as in [forward.NAME]."))],
    /,
    *,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a new key for a service, and show it."""
    with opened(data) as house:
        _check_service(house, service)
        value = house.randomness(SIZE)
        house.keys.import_key(purpose_of(service), value)
    if as_json:
        show_json({"service": service, "identity_key": value.hex(), "asking_token": asking_token(value)})
        return
    show(
        said(f"服务 {service} 的新密钥(只显示这一次)：", f"New key of {service} (shown this once):"),
        marked("identity_key  [bold]{key}[/]", key=value.hex()),
        marked("asking_token  [bold]{token}[/]", token=asking_token(value)),
        said(
            "identity_key 给服务，用来核对 X-Lingpai-Identity；asking_token 给代理或守卫，写在 X-Lingpai-Asker。",
            "identity_key is for the service, to check X-Lingpai-Identity; asking_token for its proxy or guard, "
            "as X-Lingpai-Asker.",
        ),
    )


@APP.command(name="list", help=said("列出服务", "List services."))
def list_(*, data: Data = HERE, as_json: AsJson = False) -> None:
    """List services by name."""
    with opened(data) as house:
        rows = {entrance.service: entrance.settings for entrance in house.entrances.values()}
        keys = {service: len(house.stores.keys.of(purpose_of(service))) for service in rows}
    listed = [_row(service, settings, keys[service]) for service, settings in sorted(rows.items())]
    if as_json:
        show_json(listed)
        return
    heads = [said(*head) for head in (("服务", "service"), ("接口约定", "contracts"), ("前缀", "prefix"))]
    heads += [said(*head) for head in (("公开", "public"), ("要求", "wants"), ("密钥", "keys"))]
    cells = []
    for row in listed:
        wants = ", ".join(f"{name}={row[name]}" for name in ("role", "scope", "company") if row[name])
        contracts, public = ", ".join(row["contracts"]), ", ".join(row["public"])
        cells.append([row["service"], contracts, row["prefix"], public, wants, row["keys"]])
    show(table(heads, cells, whole=heads[:1]))


def _row(service: str, settings: ForwardSettings, keys: int) -> dict[str, Any]:
    return {
        "service": service,
        "contracts": list(settings.contracts),
        "prefix": settings.prefix,
        "public": list(settings.public),
        "role": settings.role,
        "scope": settings.scope,
        "company": settings.company,
        "keys": keys,
    }


def _check_service(house: House, service: str) -> None:
    there = sorted({name for _, name in house.entrances})
    if service not in there:
        named = ", ".join(there)
        raise Trouble(
            f"设置里没有服务 {service}：在 lingpai.toml 里加 [forward.{service}]。现有：{named or '无'}。",
            f"no setting names a service {service}: add [forward.{service}] to lingpai.toml. "
            f"There are: {named or 'none'}.",
        )
